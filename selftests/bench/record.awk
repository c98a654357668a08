# SPDX-License-Identifier: GPL-2.0
#
# Reads events of kmem as tracefs shows them, and prints the trace that trace.awk reads. Has
# all that kmalloc gave, and objects of the caches whose names match caches, an extended
# regular expression; the first most steps.
#
# What was allocated before the recording is not in it, nor is its free. If an address comes
# again while it is live, its block was freed where there is no tracepoint, nobody knows
# when: such a block is left out.

# value(key): what is behind "key=" in this line
function value(key,    at, rest) {
	at = index($0, " " key "=")
	if (!at)
		return ""
	rest = substr($0, at + length(key) + 2)
	sub(/ .*/, "", rest)
	return rest
}

/: (kmalloc|kmem_cache_alloc): / {
	size = value("bytes_req") + 0
	if (!size || value("ptr") ~ /^(0x)?0*$/ || (/: kmem_cache_alloc: / && value("name") !~ caches))
		next
	address = value("ptr")
	if (address in live)
		lost[live[address]]
	live[address] = ++blocks
	size_of[++events] = size
	block_of[events] = blocks
	next
}

/: (kfree|kmem_cache_free): / {
	address = value("ptr")
	if (!(address in live))
		next
	block_of[++events] = live[address]
	delete live[address]
}

END {
	for (i = 1; i <= events && steps < most; i++)
		if (!(block_of[i] in lost)) {
			if (i in size_of)
				order[block_of[i]] = ++made
			step[++steps] = i in size_of ? size_of[i] : order[block_of[i]] - made - 1
		}
	for (i in lost)
		left_out++
	print "# " made + 0 " allocations; " left_out + 0 " whose free was not seen are left out."
	print "rust_pool trace - version: 1.0"
	print "steps " steps + 0
	for (i = 1; i <= steps; i++)
		printf "%s%s", step[i], i % 16 && i < steps ? " " : "\n"
}

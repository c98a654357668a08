# SPDX-License-Identifier: GPL-2.0
#
# Reads a recorded trace and prints its steps for traces.c: "{ SIZE, PLACE }," for an
# allocation whose block goes to this place, "{ 0, PLACE }," for a free. A damaged trace is
# refused in one line.
#
# The first line but comments has the format's version, the second says how many steps
# follow. A step is a number: N allocates N bytes; -N frees a block, of those allocated so
# far the N-th from the end. No block is freed twice; some may never be.

function refuse(why) {
	print FILENAME ":" FNR ": " why >"/dev/stderr"
	refused = 1
	exit 1
}

/^#/ { next }

!version {
	version = $0
	if (version !~ /^rust_pool trace - version: 1\.[0-9]+$/)
		refuse("\"" version "\" is not the first line of a trace of version 1")
	next
}

!steps {
	if ($0 !~ /^steps [1-9][0-9]*$/ || $2 > 100000)
		refuse("\"" $0 "\" does not say how many steps follow, at most 100000")
	steps = $2
	next
}

{
	for (i = 1; i <= NF; i++) {
		if ($i ~ /^[1-9][0-9]*$/ && $i <= 1048576) {
			place = spare ? free[spare--] : places++
			place_of[++made] = place
			line[done + 1] = "{ " $i ", " place " },"
		} else if ($i ~ /^-[1-9][0-9]*$/) {
			block = made + 1 + $i
			if (block < 1)
				refuse("step " done + 1 " frees a block before the first")
			if (!(block in place_of))
				refuse("step " done + 1 " frees block " block ", which is not live")
			free[++spare] = place_of[block]
			line[done + 1] = "{ 0, " place_of[block] " },"
			delete place_of[block]
		} else {
			refuse("step " done + 1 " is \"" $i "\", neither 1 to 1048576 bytes nor a free")
		}
		done++
	}
}

END {
	if (!refused && (!steps || done != steps))
		refuse("it has " done + 0 " steps in place of " steps + 0)
	if (refused)
		exit 1
	for (i = 1; i <= done; i++)
		print line[i]
}

# SPDX-License-Identifier: GPL-2.0
#
# Reads samples, "boot measure variant side value" separated by tabs, and prints
# what they come to, one row a measure, likewise. The targets are here.
#
# "judged" says which column the target is for. Where there is a spread, low and
# high are the quartiles of the ratio over the rounds; of 15 rounds they enclose
# the true median with 96%.
#
# Where a target is missed, "ceiling" is just above what was measured, or just below where
# more is better: what is judged must not become worse than that, until the target is
# reached.

BEGIN {
	FS = OFS = "\t"
	print "# rust_pool bench - version: 1.1"
	print "boot", "measure", "variant", "unit", "ours", "raw", "raw_side",
		"ratio", "low", "high", "judged", "target", "verdict", "ceiling"
}

NF == 5 {
	key = $1 FS $2 FS $3 FS $4
	value[key, ++count[key]] = $5
	if (!(($1 FS $2 FS $3) in known)) {
		known[$1 FS $2 FS $3]
		variants[$1 FS $2] = variants[$1 FS $2] $3 " "
	}
	next
}

{ print "bench.awk: not a sample: " $0 >"/dev/stderr"; bad = 1 }

# quantile(q): of the numbers that are in list[1..length_], which it sorts
function quantile(q,    i, j, swap) {
	for (i = 2; i <= length_; i++)
		for (j = i; j > 1 && list[j] < list[j - 1]; j--) {
			swap = list[j]
			list[j] = list[j - 1]
			list[j - 1] = swap
		}
	return list[1 + int((length_ - 1) * q + 0.5)]
}

# of(boot, measure, variant, side): the median of the samples
function of(boot, measure, variant, side,    key, i) {
	key = boot FS measure FS variant FS side
	length_ = count[key]
	for (i = 1; i <= length_; i++)
		list[i] = value[key, i] + 0
	return length_ ? quantile(0.5) : ""
}

function number(x) {
	return x == "" ? "-" : sprintf(x >= 1000 ? "%.0f" : x >= 100 ? "%.1f" : "%.3f", x)
}

# ours, raw and low to high are "" where there are none, and so is the ceiling of the ratio
function row(boot, measure, variant, unit, ours, raw, side, low, high, judged, op, target, ceiling,    ratio, is, verdict) {
	ratio = (ours != "" && raw != "" && raw != 0) ? ours / raw : ""
	if (judged == "spread") {
		# The median of the ratios is not the ratio of the medians.
		ratio = median
		judged = "ratio"
	}
	verdict = "-"
	if (judged != "") {
		is = judged == "ratio" ? ratio : ours
		verdict = "missed"
		if (is == "")
			verdict = "not measured"
		else if (op == "<" ? is < target : op == "<=" ? is <= target : is >= target)
			verdict = "reached"
		else if (low != "" && (op == ">=" ? high >= target : low <= target))
			verdict = "reached within the spread"
	}
	print boot, measure, variant, unit, number(ours), number(raw), side == "" ? "-" : side,
		number(ratio), number(low), number(high), judged == "" ? "-" : judged,
		judged == "" ? "-" : op " " target, verdict, ceiling == "" ? "-" : ceiling
}

# root(x, n): the n-th root, for busybox's awk has no log()
function root(x, n,    low, high, middle, power, i) {
	high = x > 1 ? x : 1
	while (high - low > 1e-12 * high) {
		middle = (low + high) / 2
		power = 1
		for (i = 0; i < n; i++)
			power *= middle
		if (power > x)
			high = middle
		else
			low = middle
	}
	return high
}

# each(boot, measure, raw): a row for each size, and their geometric mean
function each(boot, measure, raw, op, target,    sizes, n, i, a, b, all_a, all_b) {
	n = split(variants[boot FS measure], sizes, " ")
	if (!n)
		return
	all_a = all_b = 1
	for (i = 1; i <= n; i++) {
		a = of(boot, measure, sizes[i], "ours")
		b = of(boot, measure, sizes[i], raw)
		if (a == "" || b == "") {
			print "bench.awk: " boot ": no " (a == "" ? "ours" : raw) " for " measure " " sizes[i] >"/dev/stderr"
			exit 1
		}
		all_a *= a
		all_b *= b
		row(boot, measure, sizes[i], "instructions", a, b, raw)
	}
	row(boot, measure, "mean", "instructions", root(all_a, n), root(all_b, n), raw, "", "",
		op == "" ? "" : "ratio", op, target)
}

# bound(boot, measure, targets): a row for each size of "size:target:ceiling ...", and for
# each other that was measured; target and ceiling are for the ratio to kmalloc, and
# either may be missing
function bound(boot, measure, targets,    sizes, list, pair, of_size, ceiling_of, n, i) {
	n = split(targets, list, " ")
	for (i = 1; i <= n; i++) {
		split(list[i] ":", pair, ":")
		if (pair[2] != "")
			of_size[pair[1]] = pair[2]
		ceiling_of[pair[1]] = pair[3]
	}
	n = split(variants[boot FS measure], sizes, " ")
	for (i = 1; i <= n; i++)
		row(boot, measure, sizes[i], "instructions", of(boot, measure, sizes[i], "ours"),
			of(boot, measure, sizes[i], "kmalloc"), "kmalloc", "", "",
			sizes[i] in of_size ? "ratio" : "", "<=", of_size[sizes[i]],
			ceiling_of[sizes[i]])
}

function large(boot, size, raw, target,    b, pages) {
	if (!((boot FS "large" FS size) in known))
		return
	b = of(boot, "large", size, raw == "cheaper" ? "kmalloc" : raw)
	if (raw == "cheaper") {
		pages = of(boot, "large", size, "alloc_pages")
		raw = pages < b ? "alloc_pages" : "kmalloc"
		b = pages < b ? pages : b
	}
	row(boot, "large", size, "instructions", of(boot, "large", size, "ours"), b, raw, "", "",
		target ? "ratio" : "", "<=", target)
}

function memory(boot, when, target,    a, b) {
	if (!((boot FS "taken" FS when) in known))
		return
	a = of(boot, "taken", when, "ours") + of(boot, "loaded", "-", "ours")
	b = of(boot, "taken", when, "kmalloc")
	row(boot, "memory", when, "bytes a byte", a / of(boot, "asked", when, "ours"),
		b / of(boot, "asked", when, "kmalloc"), "kmalloc", "", "",
		target ? "ours" : "", "<=", target)
}

# after(boot): what is taken right after bursts, and a second later, as a part of what was
# taken before
function after(boot,    loads, ours, raw) {
	if (!((boot FS "taken" FS "second") in known))
		return
	loads = of(boot, "loaded", "-", "ours")
	ours = loads + of(boot, "taken", "unburst", "ours")
	raw = of(boot, "taken", "unburst", "kmalloc")
	row(boot, "after", "burst", "of before", (loads + of(boot, "taken", "burst", "ours")) / ours,
		of(boot, "taken", "burst", "kmalloc") / raw, "kmalloc")
	row(boot, "after", "second", "of before", (loads + of(boot, "taken", "second", "ours")) / ours,
		of(boot, "taken", "second", "kmalloc") / raw, "kmalloc", "", "", "ours", "<=", 1.02)
}

# verified(boot, options, ceilings): pairs under each option of the verifier, beside those
# without any
function verified(boot, options, ceilings,    names, sizes, most, n, i, j) {
	n = split(options, names, " ")
	split(ceilings, most, " ")
	for (i = 1; i <= n; i++)
		for (j = 1; j <= split(variants[boot FS "verified-" names[i]], sizes, " "); j++)
			row(boot, "verified-" names[i], sizes[j], "instructions",
				of(boot, "verified-" names[i], sizes[j], "ours"),
				of(boot, "verified-off", sizes[j], "ours"), "off", "", "", "", "",
				"", most[i] == "-" ? "" : most[i])
}

function loaded(boot) {
	if ((boot FS "loaded" FS "-") in known)
		row(boot, "loaded", "-", "bytes", of(boot, "loaded", "-", "ours"))
}

# ratios(a, b): the median and the quartiles of the ratio of two keys' samples,
# round by round. On a busy host one of them may not have had a processor in a round:
# that round says nothing. Returns how many rounds there are that say something.
function ratios(a, b,    i) {
	length_ = 0
	for (i = 1; i <= count[a]; i++)
		if (value[a, i] + 0 && value[b, i] + 0)
			list[++length_] = value[a, i] / value[b, i]
	if (length_) {
		low = quantile(0.25)
		high = quantile(0.75)
		median = quantile(0.5)
	}
	return length_
}

# Both were measured at once with so many processors, so what hinders one hinders
# the other; that is why they are compared there, not each with its own rate on 1.
# rates(boot, how, judged, floors, grown): throughput beside kmalloc's; "judged" is empty if
# it has no target. "floors" has a floor for 1, 2 and 8 processors, "-" for none. "grown" are
# floors for how it grows, which then has no target.
function rates(boot, how, judged, floors, grown,    key, alone, ours, raw, n, i, ns, least, less) {
	if (!((boot FS "rate" FS how "/1") in known))
		return
	key = boot FS "rate" FS how "/"
	ours = of(boot, "rate", how "/1", "ours")
	raw = of(boot, "rate", how "/1", "kmalloc")
	if (!ours || !raw || !ratios(key "1" FS "ours", key "1" FS "kmalloc"))
		return
	alone = median
	n = split("1 2 8", ns, " ")
	split(floors, least, " ")
	split(grown, less, " ")
	for (i = 1; i <= n; i++) {
		if (!ratios(key ns[i] FS "ours", key ns[i] FS "kmalloc"))
			continue
		row(boot, "rate", how "/" ns[i], "pairs a second",
			of(boot, "rate", how "/" ns[i], "ours"),
			of(boot, "rate", how "/" ns[i], "kmalloc"),
			"kmalloc", low, high, judged, ">=", 0.95, least[i] == "-" ? "" : least[i])
		if (ns[i] == 1)
			continue
		median /= alone
		row(boot, "scaling", how "/" ns[i], "times that of 1",
			of(boot, "rate", how "/" ns[i], "ours") / ours,
			of(boot, "rate", how "/" ns[i], "kmalloc") / raw,
			"kmalloc", low / alone, high / alone, grown == "" ? "spread" : "", ">=", 0.95,
			less[i] == "-" ? "" : less[i])
	}
}

# tracked(boot, how): throughput while the verifier tracks all blocks, beside that without
function tracked(boot, how,    n, i, ns, with) {
	n = split("1 2 8", ns, " ")
	for (i = 1; i <= n; i++) {
		with = of(boot, "rate-tracking", how "/" ns[i], "ours")
		if (with != "")
			row(boot, "rate-tracking", how "/" ns[i], "pairs a second", with,
				of(boot, "rate", how "/" ns[i], "ours"), "off", "", "",
				ns[i] == 8 ? "ratio" : "", ">=", 0.5)
	}
}

function stall(boot,    key) {
	key = boot FS "longest" FS
	if (!((key "read") in known))
		return
	if (!ratios(key "read" FS "ours", key "unread" FS "ours"))
		return
	row(boot, "stall", "10000", "nanoseconds", of(boot, "longest", "read", "ours"),
		of(boot, "longest", "unread", "ours"), "unread", low, high, "spread", "<=", 2)
}

# steps(boot, raw): what a pair does, instruction by instruction
function steps(boot, raw,    names, targets, units, sizes, n, i, j) {
	n = split("locked written touched unforwarded", names, " ")
	split("1 4 - 0", targets, " ")
	split("instructions lines lines loads", units, " ")
	for (i = 1; i <= n; i++) {
		for (j = 1; j <= split(variants[boot FS names[i]], sizes, " "); j++)
			row(boot, names[i], sizes[j], units[i], of(boot, names[i], sizes[j], "ours"),
				raw == "" ? "" : of(boot, names[i], sizes[j], raw), raw, "", "",
				targets[i] == "-" ? "" : "ours", "<=", targets[i])
	}
}

# native(measure, unit, target): the fast path in a process; the target is for 64 bytes
function native(measure, unit, target,    sizes, n, i) {
	n = split(variants["native" FS measure], sizes, " ")
	for (i = 1; i <= n; i++)
		row("native", measure, sizes[i], unit, of("native", measure, sizes[i], "ours"), "", "", "", "",
			target && sizes[i] == 64 ? "ours" : "", "<=", target)
}

END {
	if (bad)
		exit 1
	each("counted", "pair", "kmalloc", "<=", 0.90)
	each("counted", "pair", "kmalloc-const")
	each("counted", "pair", "kmem_cache")
	each("stock", "pair", "kmalloc", "<", 1.00)
	each("stock", "pair", "kmalloc-const")
	each("stock", "pair", "kmem_cache")
	each("counted", "box", "kbox", "<=", 1.03)
	each("stock", "box", "kbox")
	each("counted", "lookaside", "kmalloc", "<=", 0.60)
	each("stock", "lookaside", "kmalloc")
	each("counted", "box-burst-16", "kbox", "<=", 1.02)
	each("counted", "box-burst-64", "kbox", "<=", 1.02)
	each("counted", "box-ring-64", "kbox", "<=", 1.02)
	bound("counted", "softirq", "56:1.00 176:1.00 4096:1.00:1.28")
	verified("counted", "off tracking check special", "- 27 47 -")
	steps("counted", "kmalloc")
	steps("native", "")
	native("cycles", "cycles of the counter", 20)
	native("core-cycles", "cycles")
	native("counted-cycles", "cycles")
	native("counted-instructions", "instructions")
	native("counted-unforwarded", "loads")
	large("counted", 4096, "kmalloc", 1.3)
	large("counted", 8192, "kmalloc", 1.3)
	large("counted", 16384, "cheaper", 1.15)
	large("counted", 32768, "cheaper", 1.15)
	large("counted", 65536, "cheaper", 1.15)
	large("counted", 5120, "alloc_pages", 2.5)
	if (("counted" FS "remainder" FS "5120") in known)
		row("counted", "remainder", "5120", "bytes", of("counted", "remainder", "5120", "ours"),
			of("counted", "remainder", "5120", "kmalloc"), "kmalloc", "", "",
			"ours", "<=", 5.5 * 1024)
	loaded("counted")
	loaded("smp")
	memory("counted", "churned", 1.10)
	memory("smp", "churned", 1.10)
	memory("counted", "filled")
	memory("smp", "filled")
	after("counted")
	after("smp")
	memory("counted", "nic")
	memory("counted", "storage")
	rates("smp", "own", "spread", "- - -", "")
	rates("smp", "handed", "", "- - -", "- 0.65 0.45")
	tracked("smp", "own")
	rates("shared", "handed", "spread", "- - 0.73", "- - -")
	if (("counted" FS "tags" FS "10000") in known)
		row("counted", "tags", "10000", "instructions", of("counted", "tags", "10000", "ours"),
			"", "", "", "", "ours", "<=", 50000000)
	stall("smp")
	bound("counted", "burst-16", "64:1.00 256:1.00 1024:1.00 2048:1.05 4064:1.05")
	bound("counted", "burst-32", "64:1.00 256:1.00 1024:1.00 2048:1.05 4064:1.05")
	bound("counted", "burst-64", "64:1.00 256:1.00 1024:1.00 2048:1.05 4064:1.05")
	bound("counted", "burst-256", "64:1.00 256:1.00 1024:1.00 2048:1.3 4064:1.3")
	bound("counted", "burst-1000", "64:0.95 256:0.95 1024:1.1 2048:1.3 4064:1.3")
	bound("counted", "ring-64", "64:1.00 256:1.00 1024:1.00")
	bound("counted", "ring-256", "64:1.00 256:1.00 1024:1.00")
	bound("counted", "ring-1024", "64:1.00 256:1.00 1024:1.00")
	bound("counted", "lives-2K", "256:1.0:1.35 4096:1.1:1.22 20000:1.25")
	bound("counted", "lives-16K", "256:1.3:1.55 4096:1.3:1.65 20000:1.3:1.60")
	bound("counted", "trace", "nic::1.19 storage::0.86")
	if (("counted" FS "first" FS "60") in known)
		row("counted", "first", "60", "instructions", of("counted", "first", "60", "ours"),
			of("counted", "first", "60", "kmalloc"), "kmalloc", "", "", "ours", "<=", 1200)
}

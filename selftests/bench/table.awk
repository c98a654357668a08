# SPDX-License-Identifier: GPL-2.0
#
# Reads what bench.awk prints, and prints it for a person.

# worse(): is the ratio on the wrong side of the ceiling? Of throughput, more is better.
function worse() {
	return $2 == "rate" || $2 == "scaling" ? $8 + 0 < $14 + 0 : $8 + 0 > $14 + 0
}

BEGIN {
	FS = "\t"
	label["pair"] = "C API, alloc and free"
	label["box"] = "Rust API, Box new and drop"
	label["cycles"] = "a pair, cycles of the TSC"
	label["core-cycles"] = "a pair, cycles of the core"
	label["counted-cycles"] = "a pair, cycles as perf counts"
	label["counted-instructions"] = "a pair, instructions as perf counts"
	label["counted-unforwarded"] = "unforwarded loads as perf counts"
	label["locked"] = "locked instructions, a pair"
	label["written"] = "lines of data written, a pair"
	label["touched"] = "lines of data touched, a pair"
	label["unforwarded"] = "loads that no store is forwarded to"
	label["lookaside"] = "lookaside list, alloc and free"
	label["box-burst-16"] = "16 boxes made, then dropped"
	label["box-burst-64"] = "64 boxes made, then dropped"
	label["box-ring-64"] = "ring of 64 boxes, refilled by 64"
	label["softirq"] = "in a softirq, alloc and free"
	label["verified-off"] = "verifier off, alloc and free"
	label["verified-tracking"] = "tracking, alloc and free"
	label["verified-check"] = "check, alloc and free"
	label["verified-special"] = "special pool, alloc and free"
	label["after"] = "memory after bursts, of that before"
	label["large"] = "C API, alloc and free"
	label["remainder"] = "5 KiB block, small ones beside it"
	label["loaded"] = "memory that loading takes"
	label["memory"] = "memory taken, a byte asked for"
	label["rate"] = "pairs a second"
	label["rate-tracking"] = "pairs a second, tracking"
	label["scaling"] = "scaling to several CPUs"
	label["tags"] = "reading tags, 10,000 live"
	label["stall"] = "longest alloc while tags is read, ns"
	label["burst-16"] = "16 allocs, then 16 frees"
	label["burst-32"] = "32 allocs, then 32 frees"
	label["burst-64"] = "64 allocs, then 64 frees"
	label["burst-256"] = "256 allocs, then 256 frees"
	label["burst-1000"] = "1000 allocs, then 1000 frees"
	label["ring-64"] = "ring of 64, refilled by 64"
	label["ring-256"] = "ring of 256, refilled by 64"
	label["ring-1024"] = "ring of 1024, refilled by 64"
	label["lives-2K"] = "random lives, 16 B to 2 KiB"
	label["lives-16K"] = "random lives, 16 B to 16 KiB"
	label["trace"] = "recorded, alloc and free"
	label["first"] = "first block of a size"
	what["mean"] = "geometric mean"
	what["churned"] = "after 200,000 steps"
	what["filled"] = "before them"
	what["burst"] = "at once"
	what["second"] = "one second later"
	what["own/1"] = "1 CPU"
	what["own/2"] = "2 CPUs"
	what["own/8"] = "8 CPUs"
	what["handed/1"] = "1 CPU, freed later"
	what["handed/2"] = "2, freed on the other"
	what["handed/8"] = "8, freed on the next"
	what["-"] = what["10000"] = ""
	what["60"] = "60 sizes"
	what["live-256"] = "256 live"
	what["live-4096"] = "4096 live"
	what["live-20000"] = "20000 live"
	what["nic"] = "NIC under traffic"
	what["storage"] = "storage under fio"
	boots["counted"] = "init_on_alloc=0"
	boots["stock"] = "stock options"
	boots["smp"] = "8 CPUs"
	boots["shared"] = "8 CPUs, counted"
	boots["native"] = "a process"
	form = "%-36s %-22s %-15s %10s %10s  %-13s %6s  %-16s %s\n"
}

/^#/ || $1 == "boot" || NF != 14 { next }

# Of the other comparisons the mean is enough.
$3 != "mean" && ($7 == "kmalloc-const" || $7 == "kmem_cache") { next }

{
	spread = $9 == "-" ? "" : " (" $9 " to " $10 ")"
	target = $12 == "-" ? "" : $11 " " $12
	of = ($2 ~ /^lives/ ? "live-" : "") $3
	verdict = ($13 == "-" ? "" : $13) spread
	if ($14 != "-" && $13 !~ /^reached/)
		verdict = verdict ($13 == "-" ? "" : ", ") (worse() ? "worse than " : "not worse than ") $14
	line = sprintf(form, $2 in label ? label[$2] : $2, of in what ? what[of] : $3 " B",
		boots[$1], $5, $6, $7, $8, target, verdict)
	sub(/ +\n/, "\n", line)
	if ($13 != "-")
		with_target = with_target line
	else
		without = without line
	verdicts[$13]++
}

END {
	title = sprintf(form, "measure", "of", "kernel", "ours", "raw", "raw is", "ratio", "target", "verdict")
	printf "%s", title
	gsub(/[^\n]/, "-", title)
	printf "%s%s\nWithout a target:\n\n%s", title, with_target, without
	printf "\n%d of %d targets reached", verdicts["reached"] + verdicts["reached within the spread"],
		verdicts["reached"] + verdicts["reached within the spread"] + verdicts["missed"]
	if (verdicts["reached within the spread"])
		printf ", %d of them within the spread", verdicts["reached within the spread"]
	printf "\n"
}

# SPDX-License-Identifier: GPL-2.0
#
# Reads what bench.awk prints, and prints it for a person.

BEGIN {
	FS = "\t"
	label["pair"] = "C face, alloc and free"
	label["box"] = "Rust face, Box new and drop"
	label["large"] = "C face, alloc and free"
	label["remainder"] = "5 KiB block, small ones beside it"
	label["loaded"] = "memory that loading takes"
	label["memory"] = "memory taken, a byte asked for"
	label["rate"] = "pairs a second"
	label["scaling"] = "scaling to several CPUs"
	label["tags"] = "reading tags, 10,000 live"
	label["stall"] = "longest alloc while tags is read, ns"
	label["burst-64"] = "64 allocs, then 64 frees"
	label["burst-1000"] = "1000 allocs, then 1000 frees"
	what["mean"] = "geometric mean"
	what["churned"] = "after 200,000 steps"
	what["filled"] = "before them"
	what["own/1"] = "1 CPU"
	what["own/2"] = "2 CPUs"
	what["own/8"] = "8 CPUs"
	what["handed/1"] = "1 CPU, freed later"
	what["handed/2"] = "2, freed on the other"
	what["handed/8"] = "8, freed on the next"
	what["-"] = what["10000"] = ""
	boots["counted"] = "init_on_alloc=0"
	boots["stock"] = "stock options"
	boots["smp"] = "8 CPUs"
	form = "%-36s %-22s %-15s %10s %10s  %-13s %6s  %-16s %s\n"
}

/^#/ || $1 == "boot" || NF != 13 { next }

# Of the other comparisons the mean is enough.
$3 != "mean" && ($7 == "kmalloc-const" || $7 == "kmem_cache") { next }

{
	spread = $9 == "-" ? "" : " (" $9 " to " $10 ")"
	target = $12 == "-" ? "" : $11 " " $12
	line = sprintf(form, label[$2], $3 in what ? what[$3] : $3 " B", boots[$1], $5, $6, $7, $8,
		target, ($13 == "-" ? "" : $13) spread)
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

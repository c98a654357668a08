# SPDX-License-Identifier: GPL-2.0
#
# Takes performance-table.txt apart, for the plots. Prints for each row, with tabs
# between: the measure, what it is of, the kernel, our figure, and the kernel's.

/^\t[^-]/ {
	measure = substr($0, 2, 36)
	what = substr($0, 39, 22)
	kernel = substr($0, 62, 16)
	split(substr($0, 78), figures, " ")
	gsub(/ +$/, "", measure)
	gsub(/ +$/, "", what)
	gsub(/ +$/, "", kernel)
	print measure "\t" what "\t" kernel "\t" figures[1] "\t" figures[2]
}

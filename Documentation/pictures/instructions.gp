# SPDX-License-Identifier: GPL-2.0
#
# Instructions of an allocation and a free by size, out of the recorded table.

set terminal svg size 820,300 noenhanced font "sans-serif,11" name "instructions" background "white"
set datafile separator "\t"
rows = "< awk -f columns.awk ../performance-table.txt | awk -F '\t' " \
     . "'$1 ~ /^C (face|API)/ && $2 ~ / B$/ && $3 ~ /=0/ { print $2 + 0 \"\t\" $4 \"\t\" $5 }' | sort -n"
set style data histograms
set style histogram clustered gap 1
set style fill solid
set boxwidth 0.9
set xlabel "bytes asked for"
set ylabel "instructions"
set yrange [0:*]
set xtics rotate by -45 nomirror
set grid ytics
set key top left
plot rows using 2:xtic(1) title "rust_pool" linecolor rgb "#3b6ea5", \
     rows using 3 title "kmalloc, for 5120 and from 16384 bytes alloc_pages" linecolor rgb "#b8b8b8"

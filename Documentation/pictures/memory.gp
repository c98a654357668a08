# SPDX-License-Identifier: GPL-2.0
#
# Memory taken, and scaling, beside kmalloc, out of the recorded table.

set terminal svg size 820,300 noenhanced font "sans-serif,11" name "memory" background "white"
set datafile separator "\t"
columns = "< awk -f columns.awk ../performance-table.txt | awk -F '\t' "
memory = columns . "'$1 ~ /^memory taken/ && $2 ~ /^after/ { " \
       . "print ($3 ~ /=0/ ? \"1 CPU\" : $3) \"\t\" $4 \"\t\" $5 }'"
scaling = columns . "'$1 ~ /^scaling/ { sub(/ CPUs$/, \"\", $2); " \
        . "sub(/, freed.*/, \"*\", $2); " \
        . "print $2 ($3 ~ /counted/ ? \"c\" : \"\") \"\t\" $4 \"\t\" $5 }'"
set style data histograms
set style histogram clustered gap 1
set style fill solid
set boxwidth 0.9
set xtics nomirror
set grid ytics
set key top left
set multiplot layout 1,2
set title "memory taken for a byte asked for"
set yrange [0:2]
plot memory using 2:xtic(1) title "rust_pool" linecolor rgb "#3b6ea5", \
     memory using 3 title "kmalloc" linecolor rgb "#b8b8b8"
set title "throughput of several CPUs relative to one"
set yrange [0:3]
set xlabel "CPUs (*: freed on another CPU than allocated;\nc: instructions counted, not wall time)"
plot scaling using 2:xtic(1) title "rust_pool" linecolor rgb "#3b6ea5", \
     scaling using 3 title "kmalloc" linecolor rgb "#b8b8b8"
unset multiplot

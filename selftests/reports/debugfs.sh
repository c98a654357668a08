#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The statistics files as a tool meets them.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"

FILES='tags modules contiguous noncached mdl_pages io_space adapters memory violations summary live sites injected'

# Bytes to read at once and from where, and how many one by one: a hundred thousand
# system calls take minutes on the debug kernel.
case $(uname -r) in
*-debug)
	SIZES='100 4096 65536'
	BYTES=200
	STARTS=101 ;;
*)
	SIZES='7 100 4096 65536'
	BYTES=2000
	STARTS='1 10' ;;
esac

each_file() {
	for _stat in $FILES; do
		"$@" "$_stat" || {
			echo "# $_stat: $*"
			return 1
		}
	done
}

mode_is() {
	[ "$(stat -c '%a %u %g' "$1")" = "$2 0 0" ] && return
	stat -c '# %n: mode %a, owner %u:%g' "$1"
	return 1
}

file_mode() {
	mode_is "$STATS/$1" 400
}

is_file() {
	[ -f "$STATS/$1" ]
}

not_writable() {
	! { echo x >"$STATS/$1"; } 2>/dev/null
}

# steady READS FILE: it has the same text, however it is read. Work in the background may change
# what it says, as when memory that is unused is given back. Then it is tried again.
steady() {
	for _try in 1 2 3 4 5 6 7 8 9 10; do
		cat "$STATS/$2" >"$TMP/whole"
		"$1" "$2" && return
		cmp -s "$TMP/whole" "$STATS/$2" && return 1
		sleep 1
	done
	echo "# it changes all the time"
	return 1
}

small_reads() {
	for _size in $SIZES; do
		dd if="$STATS/$1" of="$TMP/parts" bs="$_size" 2>/dev/null
		cmp "$TMP/whole" "$TMP/parts" || return 1
	done
	head -c $BYTES "$TMP/whole" >"$TMP/start"
	dd if="$STATS/$1" of="$TMP/parts" bs=1 count=$BYTES 2>/dev/null
	cmp "$TMP/start" "$TMP/parts"
}

seeks() {
	_size=$(wc -c <"$TMP/whole")
	for _skip in $STARTS $((_size / 2)) $((_size - 1)); do
		dd if="$STATS/$1" of="$TMP/part" bs="$_skip" skip=1 2>/dev/null
		tail -c +$((_skip + 1)) "$TMP/whole" | cmp - "$TMP/part" ||
			return 1
	done
}

rows_end_with_newline() {
	[ -z "$(tail -c 1 "$STATS/$1")" ]
}

# What is held for each purpose adds up, and what is in use is what the files of the
# families and of the tags say.
summary_adds_up() {
	insmod "$(module_file rp_test_leak)" small=3 large=1 contiguous=1 noncached=1 &&
		rmmod rp_test_leak || return 1
	sed -n 2p "$STATS/summary" | grep -qxE \
		'# holds [0-9]+ bytes, in use [0-9]+, ready [0-9]+, verifier [0-9]+, overhead [0-9]+' ||
		return 1
	_used=$(awk 'NR > 3 { sub(/^\(other\)/, "    "); split(substr($0, 5), row); used += row[6] }
		END { printf "%d", used }' "$STATS/tags")
	for _family in contiguous noncached mdl_pages adapters; do
		_used=$((_used + $(stat_of $_family used)))
	done
	awk -v used="$_used" '
		NR == 2 { gsub(",", ""); all = $3; in_use = $7; parts = $7 + $9 + $11 + $13 }
		NR > 3 { sum += $4; rows++; if (NF != 4 || $4 < 0) bad = 1 }
		NR > 3 && NR <= 9 { live += $4 }
		END {
			if (bad || rows != 16 || sum != all || parts != all || live != in_use ||
			    live != used) {
				print "# rows " rows ", sum " sum " of " all ", live " live " of " used
				exit 1
			}
		}' "$STATS/summary" && return
	sed 's/^/# /' "$STATS/summary"
	return 1
}

# The last violation's row and its line in the kernel log are of one clock: the row
# is made first. Modules and tags are in the row.
violation_rows_parse() {
	log_limit_passes
	log_mark violation
	cat "$CASES_DIR"/badfree/*counters_untouched >/dev/null
	tail -n 1 "$STATS/violations" >"$TMP/row"
	sed 1,3d "$STATS/violations" | awk '
		!/^[0-9]+ [0-9]+\.[0-9]{6} 0x[0-9a-f]+( 0x[0-9a-f]+){4} [^ ]+ [^ ]+ [^ ]+ / {
			print "# " $0; bad = 1
		}
		END { exit bad || !NR }' || return 1
	awk '$8 != "rp_test_pool" || $9 != "TstD" || $10 !~ /^counters_untouched\+/ {
			print "# " $0; exit 1
		}' "$TMP/row" || return 1
	log_since | sed -n 's/^\[ *\([0-9.]*\)\] rust_pool: .*: free of a TstD block .*/\1/p' |
		tail -n 1 >"$TMP/time"
	[ -s "$TMP/time" ] || return 1
	awk -v row="$(cut -d ' ' -f 2 "$TMP/row")" '
		row > $1 || row < $1 - 2 {
			print "# the row is of " row ", the line of " $1; exit 1
		}' "$TMP/time"
}

# Blank-separated after the tag: type, eight numbers, nothing negative, and the first
# user. The second line has the sums.
tag_rows_parse() {
	awk 'NR == 2 { allocs = $5; frees = $7; diff = $9; bytes = $11; used = $13; next }
		NR > 3 { sub(/^\(other\)/, "    "); split(substr($0, 5), row)
			allocs -= row[2]; frees -= row[3]; diff -= row[4]; bytes -= row[5]; used -= row[6] }
		END {
			if (allocs || frees || diff || bytes || used) {
				print "# sums differ by", allocs, frees, diff, bytes, used
				exit 1
			}
		}' "$STATS/tags" || return 1
	grep -qE '^Used Nonp .* really_used[+][^ ]+ \[rp_test_pool\]$' "$STATS/tags" || {
		grep '^Used' "$STATS/tags" | sed 's/^/# /'
		return 1
	}
	sed '1d; /^# /d; /^#tag /d; s/^(other)/    /' "$STATS/tags" |
		cut -c 5- | awk '
		!/^ +(Nonp|Paged)( +[0-9]+)+ ([^ ]+|[^ ]+ \[[^ ]*\])$/ || NF < 10 {
			print "# " $0; bad = 1
		}
		$2 - $3 != $4 || ($4 && int($5 / $4) != $7) || (!$4 && $7) {
			print "# sums: " $0; bad = 1
		}
		END { exit bad || !NR }'
}

# A row for each kind of block, in the order of their sizes.
memory_rows_parse() {
	sed -n 2p "$STATS/memory" |
		grep -qxE '# heap: [0-9]+ spans, [0-9]+ of them waiting, [0-9]+ bytes free, [0-9]+ times contended' ||
		return 1
	sed -n 3,7p "$STATS/memory" >"$TMP/deferred"
	[ "$(grep -cxE '# deferred (large|contiguous|noncached|common buffers|pinned): [0-9]+ blocks, [0-9]+ bytes, [0-9]+ given back in [0-9]+ batches' "$TMP/deferred")" -eq 5 ] ||
		return 1
	sed -n 8p "$STATS/memory" |
		grep -qxE '# for bursts: [0-9]+ bytes reserved of [0-9]+' || return 1
	[ "$(sed -n 9p "$STATS/memory" | tr -s ' ')" = "#magazines of size limit held bytes" ] ||
		return 1
	_cpus=$(grep -c ^processor /proc/cpuinfo)
	sed 1,9d "$STATS/memory" | awk -v cpus="$_cpus" '
		!/^(objects|pages|depot)( +[0-9]+)+$/ || NF != 5 {
			print "# " $0; bad = 1
		}
		$1 != kind { last = 0; kind = $1; kinds++ }
		$2 <= last || ($1 != "depot" && $4 > $3 * cpus) || $5 != $2 * $4 {
			print "# numbers: " $0; bad = 1
		}
		$1 == "objects" { objects++ }
		# The depot keeps all objects, and single pages.
		$1 == "depot" && $2 < 4096 { objects-- }
		$1 == "depot" && $2 == 4096 { pages++ }
		{ last = $2 }
		END { exit bad || objects || pages != 1 || kinds != 3 }'
}

# An open file keeps the module, or does without it.
open_file_and_rmmod() {
	exec 3<"$STATS/$1"
	if rmmod rust_pool 2>/dev/null; then
		head -n 1 <&3 >/dev/null
		exec 3<&-
		LOADED=
		load rust_pool
		return
	fi
	# Refused because in use: then it still works.
	has_version "$1" "$(head -n 1 <&3)" || return 1
	exec 3<&-
}

reloads() {
	rmmod rust_pool || return 1
	LOADED=
	load rust_pool
}

removed_under_readers() {
	for _ in 1 2; do
		while [ ! -e "$TMP/stop" ]; do
			cat "$STATS"/* >/dev/null 2>&1
			sleep 0.01
		done &
	done
	_done=0
	_try=0
	while [ $_done -lt 2 ] && [ $_try -lt 3000 ]; do
		_try=$((_try + 1))
		rmmod rust_pool 2>/dev/null || continue
		LOADED=
		_done=$((_done + 1))
		load rust_pool || break
	done
	touch "$TMP/stop"
	wait
	[ $_done -eq 2 ]
}

thousands_of_tags() {
	cat "$CASES_DIR"/tags/*-thousands_of_tags >"$TMP/case"
	grep '^#' "$TMP/case"
	_tags=$(sed -n 's/^# \([0-9]*\) tags$/\1/p' "$TMP/case")
	[ "$(tail -n 1 "$TMP/case")" = ok ] && [ "$_tags" -ge 1000 ] || return 1
	cat "$STATS/tags" >"$TMP/tags"
	# Every one has its row, or is counted in the row for the rest.
	awk -v tags="$_tags" '/^Q...  *Nonp/ { rows++; allocs += $3 }
	     /^\(other\)  *Nonp/ { allocs += $3; other = $3 }
	     END { print "# rows " rows ", other " 0 + other
		   exit rows < tags / 2 || allocs < tags }' "$TMP/tags" ||
		return 1
	dd if="$STATS/tags" of="$TMP/parts" bs=3333 2>/dev/null
	cmp "$TMP/tags" "$TMP/parts"
}

begin rp_test rp_test_pool rp_test_leak
load_or_fail rust_pool
ktap_set_plan $((27 + ENDS))

check "directory is root's only" mode_is "$STATS" 700
check "files are root's only" each_file file_mode
check "all files there" each_file is_file
check "version in the first line" each_file has_version
check "not writable" each_file not_writable
for file in $FILES; do
	check "open file and rmmod: $file" open_file_and_rmmod "$file"
done
check "closed files hold nothing" reloads
check "removed under readers" removed_under_readers
load rp_test && load rp_test_pool
# Something to show: tags, and violations of all kinds.
for file in "$CASES_DIR"/tags/*first_use_counted_in_task \
	"$CASES_DIR"/tags/*bad_t* "$CASES_DIR"/counters/*really_used*; do
	cat "$file" >/dev/null
done
check "read in small pieces" each_file steady small_reads
check "read from anywhere" each_file steady seeks
check "tag rows parse" tag_rows_parse
check "memory rows parse" memory_rows_parse
check "summary adds up" summary_adds_up
check "rows of violations parse, by the log's clock" violation_rows_parse
check "thousands of tags" thousands_of_tags
kmemleak_forget
ends

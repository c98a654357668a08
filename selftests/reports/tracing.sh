#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints: each allocation, each free and each violation as one event, with the
# numbers that the counters have; nothing while they are off. What leaks here leaks until
# the next boot. Addresses are hashed here.
# vm-cmdline: hash_pointers=always

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/lib/kprobe.sh
. "$DIR/lib/kprobe.sh"

EVENTS=$TRACING/events/rust_pool
GO=/sys/module/rp_test_traced/parameters/go

# tracing EVENT... | tracing: these events are on, and the buffer is empty
tracing() {
	echo 0 >"$EVENTS/enable" || return 1
	echo >"$TRACING/trace" || return 1
	for _event; do
		echo 1 >"$EVENTS/rust_pool_$_event/enable" || return 1
	done
}

# Puts the events since tracing() into $TMP/timed, without what is before their names, and
# into $TMP/events also without times; turns them off.
traced() {
	echo 0 >"$EVENTS/enable" || return 1
	sed -n 's/^.*: \(rust_pool_[a-z]*: .*\)/\1/p' "$TRACING/trace" >"$TMP/timed"
	sed 's/ ns=[0-9]*$//' "$TMP/timed" >"$TMP/events"
	! grep -q LOST "$TRACING/trace"
}

# go ACT...: the client does these things
go() {
	for _act; do
		echo "$_act" >$GO || return 1
	done
}

# same [WANTED]: passes if the events, but for addresses and offsets, are these lines; none if
# WANTED is left out
same() {
	sed -E 's/addr=[0-9a-f]+/addr=A/; s|\+0x[0-9a-f]+/0x[0-9a-f]+ |+ |' "$TMP/events" >"$TMP/seen"
	for _wanted; do
		echo "$_wanted"
	done >"$TMP/wanted"
	diff "$TMP/wanted" "$TMP/seen" >"$TMP/diff" && return
	sed 's/^/# /' "$TMP/diff"
	return 1
}

# has_fields EVENT FIELD...: its fields, in this order
has_fields() {
	sed -n '/common_/d; s/^\tfield:\([^;]*\);.*/\1/p' "$EVENTS/rust_pool_$1/format" >"$TMP/fields"
	shift
	for _field; do
		echo "$_field"
	done | diff - "$TMP/fields" >"$TMP/diff" && return
	sed 's/^/# /' "$TMP/diff"
	return 1
}

formats() {
	set -- 'char tag[5]' 'u32 type' 'size_t bytes' 'size_t used' 'void * addr' 'void * caller'
	has_fields alloc "$@" 'u64 ns' && has_fields free "$@" || return 1
	has_fields violation 'u32 code' 'u64 p1' 'u64 p2' 'u64 p3' 'u64 p4' 'char tag[5]' \
		'char module[64]' 'void * addr' 'void * caller'
}

# families VERB PREFIX: the events of the client's blocks. The MDL is a block, too.
families() {
	cat <<-END
	rust_pool_$1: tag=Trac type=Nonp bytes=100 used=128 addr=A caller=$2_pool+ [rp_test_traced]
	rust_pool_$1: tag=Trac type=Nonp bytes=300 used=384 addr=A caller=$2_pool+ [rp_test_traced]
	rust_pool_$1: tag=Trac type=Paged bytes=200 used=224 addr=A caller=$2_pool+ [rp_test_traced]
	rust_pool_$1: tag=Trac type=Nonp bytes=8192 used=8192 addr=A caller=$2_pool+ [rp_test_traced]
	rust_pool_$1: tag=Trac type=Nonp bytes=8388608 used=8388608 addr=A caller=$2_pool+ [rp_test_traced]
	rust_pool_$1: tag=- type=contiguous bytes=5000 used=8192 addr=A caller=$2_pages+ [rp_test_traced]
	rust_pool_$1: tag=- type=noncached bytes=6000 used=8192 addr=A caller=$2_pages+ [rp_test_traced]
	END
	if [ "$1" = alloc ]; then
		mdl_itself "$1" "$2"
		mdl_pages "$1" "$2"
	else
		mdl_pages "$1" "$2"
		mdl_itself "$1" "$2"
	fi
	[ -z "$EDU" ] ||
		echo "rust_pool_$1: tag=- type=common bytes=7000 used=8192 addr=A caller=$2_buffer+ [rp_test_traced]"
}

mdl_itself() {
	echo "rust_pool_$1: tag=Mdl type=Nonp bytes=72 used=96 addr=A caller=$2_pages+ [rp_test_traced]"
}

mdl_pages() {
	echo "rust_pool_$1: tag=- type=mdl_pages bytes=12288 used=12288 addr=A caller=$2_pages+ [rp_test_traced]"
}

addresses() {
	sed -n 's/.* addr=\([0-9a-f]*\) .*/\1/p' "$TMP/events" | sort
}

# Whatever was allocated is freed at the same address.
all_families() {
	tracing alloc free && go allocate && traced || return 1
	addresses >"$TMP/allocated"
	same "$(families alloc get)" || return 1
	tracing alloc free && go free && traced || return 1
	addresses >"$TMP/freed"
	same "$(families free put)" && cmp "$TMP/allocated" "$TMP/freed" && ! grep addr=f "$TMP/events"
}

# The whole call counts: nobody gets 2048 pages in 100 us. Only allocations have a time.
how_long() {
	tracing alloc free && go allocate free && traced || return 1
	awk '
		{ ns = 0; if ($NF ~ /^ns=/) ns = substr($NF, 4) + 0 }
		/^rust_pool_alloc/ {
			if (!ns || ns > 3.6e12 || (/ bytes=8388608 / && ns < 100000)) {
				print "# " $0; bad = 1
			}
			timed++
		}
		/^rust_pool_free/ && / ns=/ { print "# " $0; bad = 1 }
		END { exit bad || timed < 9 }' "$TMP/timed"
}

# Blocks that were allocated before anybody traced.
frees_of_old() {
	go allocate && tracing free && go free && traced && same "$(families free put)"
}

# Only the one that is on.
one_event() {
	tracing alloc && go allocate free && traced && same "$(families alloc get)" &&
		tracing free && go allocate free && traced && same "$(families free put)"
}

# With the verifier's own ways to allocate and to free.
verified() {
	_status=0
	for _options in 'tracking tag=*' 'check tag=Trac' 'special tag=Trac'; do
		tracing alloc free && echo "$_options" >"$STATS/verifier" && go allocate free
		_status=$?
		echo off >"$STATS/verifier"
		traced && [ $_status -eq 0 ] || return 1
		{ families alloc get; families free put; } | sed -E 's/ used=[0-9]+//' >"$TMP/expected"
		sed -i -E 's/ used=[0-9]+//' "$TMP/events"
		same "$(cat "$TMP/expected")" || return 1
	done
}

list() {
	tracing alloc free && go list && traced && same "$(
		for _event in alloc free; do
			echo "rust_pool_$_event: tag=TLst type=Nonp bytes=500 used=576 addr=A caller=use_list+ [rp_test_traced]"
		done)"
}

early() {
	tracing free && go early && traced &&
		same "rust_pool_free: tag=- type=noncached bytes=8192 used=8192 addr=A caller=free_early+ [rp_test_traced]"
}

# The numbers are those in the log and in the file of violations.
violated() {
	tracing alloc free violation && go violate && traced || return 1
	tail -n 3 "$STATS/violations" |
		awk '{ $3 = $3; print "code=" $3, "p1=" $4, "p2=" $5, "p3=" $6, "p4=" $7, "tag=" $9, "module=" $8 }' |
		sed 's/=0x0*\([0-9a-f]\)/=0x\1/g' >"$TMP/listed"
	sed -n 's/^rust_pool_violation: \(.*\) addr=.*/\1/p' "$TMP/events" >"$TMP/said"
	diff "$TMP/listed" "$TMP/said" >"$TMP/diff" || {
		sed 's/^/# /' "$TMP/diff"
		return 1
	}
	sed -i -E 's/(p[1-4])=0x[0-9a-f]{5,}/\1=N/g' "$TMP/events"
	same "rust_pool_alloc: tag=Trac type=Nonp bytes=100 used=128 addr=A caller=break_rules+ [rp_test_traced]
rust_pool_violation: code=0xc2 p1=0xa p2=N p3=N p4=N tag=Trac module=rp_test_traced addr=A caller=break_rules+ [rp_test_traced]
rust_pool_free: tag=Trac type=Nonp bytes=100 used=128 addr=A caller=break_rules+ [rp_test_traced]
rust_pool_violation: code=0xc2 p1=0x46 p2=N p3=0x0 p4=0x0 tag=- module=rp_test_traced addr=A caller=break_rules+ [rp_test_traced]
rust_pool_violation: code=0xc2 p1=0x46 p2=0x0 p3=0x0 p4=0x0 tag=- module=rp_test_traced addr=A caller=break_rules+ [rp_test_traced]"
}

# filtered FILTER COUNT: so many events of the client's get through
filtered() {
	tracing || return 1
	echo "$1" >"$EVENTS/rust_pool_alloc/filter" || return 1
	tracing alloc && go allocate free && traced
	_status=$?
	echo 0 >"$EVENTS/rust_pool_alloc/filter"
	[ $_status -eq 0 ] && [ "$(wc -l <"$TMP/events")" -eq "$2" ] && return
	sed 's/^/# /' "$TMP/events"
	return 1
}

filters() {
	filtered 'tag == "Trac"' 5 && filtered 'tag ~ "T*" && type == 1' 1 &&
		filtered 'bytes > 8192 && tag != "-"' 1 && filtered 'type >= 2 && type != 4' 3
}

# Every event is a count in the file of tags or of a family, and every count an event.
# agree CASE...: these cases are run meanwhile; all their tags are gone from the table
# before and after, but for the counters.
count() {
	awk 'NR > 3 { tag = substr($0, 1, 4); sub(/ +$/, "", tag); gsub(/ /, ".", tag)
			split(substr($0, 5), row)
			print tag, row[1], row[2], row[3] }' "$STATS/tags"
	for _family in contiguous noncached mdl_pages adapters; do
		echo "- ${_family%adapters} $(stat_of $_family allocs) $(stat_of $_family frees)"
	done | sed 's/^-  /- common /'
}

agree() {
	count >"$TMP/before"
	tracing alloc free || return 1
	for _one; do
		cat "$_one" >"$TMP/case" || return 1
	done
	traced || return 1
	count >"$TMP/after"
	awk -v before="$TMP/before" -v after="$TMP/after" '
		FILENAME == before { allocs[$1 " " $2] = $3; frees[$1 " " $2] = $4; next }
		FILENAME == after {
			counted["alloc", $1 " " $2] += $3 - allocs[$1 " " $2]
			counted["free", $1 " " $2] += $4 - frees[$1 " " $2]
			next
		}
		{
			event = $1; gsub(/rust_pool_|:/, "", event)
			tag = $2; type = $3
			sub(/tag=/, "", tag); sub(/type=/, "", type)
			seen[event, tag " " type]++
			all++
		}
		END {
			for (one in counted)
				if (counted[one] != seen[one] + 0) {
					print "# " one ": counted " counted[one] ", seen " seen[one] + 0
					bad = 1
				}
			for (one in seen)
				if (!(one in counted)) {
					print "# " one ": seen only"
					bad = 1
				}
			print "# events: " all
			exit bad || all < 10
		}' "$TMP/before" "$TMP/after" "$TMP/events"
}

counters_agree() {
	# shellcheck disable=SC2046 # the files are the words
	agree $(cases rust_collections rust_regions rust_common_buffers | grep -v 'many\|peak')
}

# The driver's function, and what a vector that grows takes and gives.
rust_client() {
	tracing alloc free || return 1
	insmod "$(module_file rp_test_leak_rust)" || return 1
	# Before it goes, and its names with it.
	traced
	_status=$?
	rmmod rp_test_leak_rust && [ $_status -eq 0 ] || return 1
	awk '
		/caller=_R[^ ]*free_one/ {
			if (!/ tag=Rust type=Nonp bytes=64 used=64 /) bad = 1
			if ($1 == "rust_pool_alloc:") one++; else if (one-- != 1) bad = 1
			freed++
			next
		}
		!/ \[rp_test_leak_rust\]$/ || !/caller=_R[^ ]*forget_all/ { print "# " $0; bad = 1 }
		/^rust_pool_alloc: tag=Rust type=Nonp bytes=64 used=64 / { boxes++ }
		/ type=contiguous bytes=5000 / { contiguous++ }
		/ type=noncached bytes=64 / { noncached++ }
		/ tag=RsVc / {
			bytes = $4; sub(/bytes=/, "", bytes)
			if ($1 == "rust_pool_alloc:") { live++; held += bytes } else { live--; held -= bytes }
			if (live > 1 || live < 0 || !live != !held) { print "# " $0; bad = 1 }
		}
		END { exit bad || freed != 2 || one || boxes != 2 || contiguous != 1 || noncached != 1 || held != 512 }' \
		"$TMP/events"
}

# How often the slow path is taken for a thousand blocks. A kprobe counts that in a function of C
# which the slow path calls while somebody watches: Rust's cannot be probed.
slow_paths() {
	_before=$(calls)
	go many || return 1
	echo "$(($(calls) - _before))"
}

# Off, nothing is recorded, and the fast path is back.
off() {
	tracing && go many allocate free violate list && traced && same || return 1
	can_count_calls "slow paths" || return 0
	count_calls rust_pool_traces_allocs || return 1
	_off=$(slow_paths)
	echo 1 >"$EVENTS/rust_pool_alloc/enable"
	_on=$(slow_paths)
	echo 0 >"$EVENTS/rust_pool_alloc/enable"
	_again=$(slow_paths)
	stop_counting
	[ "$_on" -ge 1000 ] && [ "$_off" -lt 10 ] && [ "$_again" -lt 10 ] && return
	echo "# slow: off $_off, on $_on, off again $_again"
	return 1
}

# Events go on and off while all CPUs allocate and free.
switched() {
	tracing || return 1
	load rp_test_churn || return 1
	for _round in 1 2 3 4 5 6 7 8; do
		for _event in alloc free violation; do
			echo 1 >"$EVENTS/rust_pool_$_event/enable"
		done
		sleep 0.1
		for _event in alloc free violation; do
			echo 0 >"$EVENTS/rust_pool_$_event/enable"
		done
	done
	_errors=$(cat /sys/module/rp_test_churn/parameters/errors)
	unload rp_test_churn && [ "$_errors" -eq 0 ]
}

# What is traced does not keep the module; its events go with it.
unloads() {
	tracing alloc free violation && go allocate free || return 1
	for _module in rp_test_rust rp_test rp_test_traced rust_pool; do
		unload $_module || return 1
	done
	[ ! -e "$EVENTS" ] || return 1
	load rust_pool && load rp_test_traced && [ -e "$EVENTS/enable" ] || return 1
	[ "$(cat "$EVENTS/enable")" = 0 ] && all_families
}

begin rp_test_traced rp_test_leak_rust rp_test_churn rp_test rp_test_rust
[ -w "$TRACING/trace" ] || mount -t tracefs none "$TRACING" 2>/dev/null
[ -w "$TRACING/trace" ] || skip_all "no tracefs"
find_edu
load_or_fail rust_pool rp_test rp_test_traced rp_test_rust
[ -d "$EVENTS" ] || skip_all "the kernel has no CONFIG_EVENT_TRACING"
echo 16384 >"$TRACING/buffer_size_kb"
ktap_set_plan $((15 + ENDS))

check "fields" formats
check "each family" all_families
check "how long allocations take" how_long
check "frees of blocks from before" frees_of_old
check "one event alone" one_event
check "with the verifier on" verified
check "entries of a list" list
check "a free that is deferred" early
check "violations" violated
check "filters" filters
check "a client in Rust" rust_client
check "as many events as are counted" counters_agree
check "off: nothing, and the fast path" off
check "on and off under load" switched
check "the module unloads, and its events with it" unloads
ends

# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Sourced after lib.sh: what dma_demo does for programs, by dma_copy.c.

COPY=$DIR/dma/dma_copy

# Live MDLs.
mdls() {
	awk '/^Mdl / { diff = $5 } END { print 0 + diff }' "$STATS/tags"
}

# Passes if no request has left anything: no list, no MDL. An MDL whose pages are locked is not
# freed without a violation.
idle() {
	! grep '^adapter ' "$STATS/adapters" | grep -v ' lists 0 ' | sed 's/^/# /' | grep . &&
		[ "$(mdls)" = 0 ] && return
	echo "# MDLs: $(mdls)"
	return 1
}

# copy ARGUMENT...: runs the program, after which nothing is left, or reported
copy() {
	_before=$(violations)
	"$COPY" "$FILE" "$@" && idle && [ "$(violations)" = "$_before" ] && return
	echo "# failed: dma_copy $*; violations: $_before, $(violations)"
	return 1
}

# Any length, and any place in a page.
any_place() {
	while read -r _bytes _from _to; do
		copy copy "$_bytes" "$_from" "$_to" || return 1
	done <<-END
	1 0 0
	1 4095 4095
	2 4095 1
	4096 0 0
	4096 1 0
	4097 4095 1
	5000 0 4093
	20001 100 3000
	65535 4095 0
	65536 0 0
	65536 4095 1
	END
}

# No rule for DMA is broken: there are map registers for all that is mapped.
copies() {
	echo dma >"$STATS/verifier" || return 1
	any_place
	_status=$?
	echo off >"$STATS/verifier"
	return $_status
}

as_a_filter() {
	head -c 30000 /dev/urandom >"$TMP/from"
	"$COPY" "$FILE" <"$TMP/from" >"$TMP/to" && cmp "$TMP/from" "$TMP/to" && idle
}

# counted: prints requests, bytes and pieces, of which the report tells
counted() {
	sed -n 's/^for programs: \([0-9]*\) requests, \([0-9]*\) bytes in \([0-9]*\) pieces$/\1 \2 \3/p' \
		"$STATS/reports/dma_demo.$DEVICE"
}

counts() {
	# shellcheck disable=SC2046 # three words
	set -- $(counted) || return 1
	copy copy 65536 100 100 || return 1
	# shellcheck disable=SC2046 # three words
	set -- "$@" $(counted)
	[ $# -eq 6 ] && [ $(($4 - $1)) -eq 1 ] && [ $(($5 - $2)) -eq 65536 ] &&
		[ $(($6 - $3)) -ge 16 ] && return
	echo "# counted: $*"
	return 1
}

# Each allocation of a request fails in turn: it is refused, and nothing is left.
bears_failures() {
	_nth=1
	while :; do
		_result=$(echo "fail nth=$_nth" >"$STATS/verifier" && exec "$COPY" "$FILE" try 5000)
		echo off >"$STATS/verifier"
		idle || return 1
		[ "$_result" != 5000 ] || break
		[ "$_result" = -12 ] || {
			echo "# result $_result with allocation $_nth refused"
			return 1
		}
		_nth=$((_nth + 1))
		[ $_nth -le 20 ] || return 1
	done
	echo "# $((_nth - 1)) allocations"
	[ $_nth -gt 2 ]
}

unbind_edu() {
	echo "$DEVICE" >"/sys/bus/pci/drivers/dma_demo/unbind" && [ ! -e "$EDU/driver" ]
}

bind_edu() {
	echo "$DEVICE" >/sys/bus/pci/drivers/dma_demo/bind && [ -e "$EDU/driver" ]
}

# with_file COMMAND: runs it with the file open, as descriptor 3
with_file() {
	exec 3<"$FILE" || return 1
	"$@"
	_status=$?
	exec 3<&-
	return $_status
}

# The device goes in the middle of a request, while another one waits.
goes() {
	"$COPY" - goes >"$TMP/goes" &
	_first=$!
	sleep 0.5
	"$COPY" - gone >"$TMP/gone" &
	_second=$!
	sleep 0.5
	unbind_edu || return 1
	# Unbind has waited for the request.
	no_family_live && [ ! -e "$FILE" ] || return 1
	wait $_first
	_ended=$?
	wait $_second
	_ended=$_ended,$?
	cat "$TMP/goes" "$TMP/gone"
	# The file is of the device as it was bound then.
	[ $_ended = 0,0 ] && "$COPY" - gone && no_tag_live && bind_edu && "$COPY" - gone &&
		copy copy 100 0 0
}

# A module whose file is open stays, whatever it drives.
is_held() {
	! rmmod dma_demo 2>/dev/null && unbind_edu && ! rmmod dma_demo 2>/dev/null &&
		"$COPY" - gone && no_family_live && no_tag_live && bind_edu
}

no_more_files() {
	unload dma_demo && [ ! -e "$FILE" ] && no_family_live && no_tag_live
}

# How many cases run_copies() has.
# shellcheck disable=SC2034 # for programs
COPIES=14

begin_copies() {
	[ -x "$COPY" ] || skip_all "dma_copy is not built"
	begin dma_demo
	need_edu
	DEVICE=${EDU##*/}
	FILE=/dev/dma_demo.$DEVICE
	load_or_fail rust_pool dma_demo
}

run_copies() {
	check "any length at any place" copies
	check "as a filter" as_a_filter
	check "what is no buffer is refused" copy refuses
	check "any pages" copy any_pages
	check "pages that are shared until written" copy shared
	check "the report counts" counts
	check "each allocation fails cleanly" bears_failures
	check "a signal in the middle" copy interrupted
	check "two at once" copy two
	check "a signal while it waits" copy waits
	check "a process that ends in the middle" copy killed
	check "the device goes in the middle" with_file goes
	check "an open file holds the module" with_file is_held
	check "no file is left" no_more_files
}

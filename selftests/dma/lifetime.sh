#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Common buffers whose device goes, without an IOMMU; and requests for a channel whose
# client goes.

# shellcheck source=selftests/lib.sh
. "$(dirname "$(readlink -f "$0")")/../lib.sh"
# shellcheck source=selftests/dma/lifetime_cases.sh
. "$DIR/dma/lifetime_cases.sh"

# asker HOW: a client comes, whose init code asks for a channel that is kept
asker() {
	log_mark "asker $1"
	run lend "${EDU##*/}" && load rp_test_asker "how=$1"
}

waits() {
	grep -q "^request 0x[0-9a-f]* 1 $1" "$STATS/adapters"
}

granted() {
	! grep -q '^request ' "$STATS/adapters"
}

# Its init code is no more when its routine is called.
asked_in_init_code() {
	asker odd && waits 'ask_in_init+.* \[rp_test_asker\]$' || return 1
	_before=$(violations)
	run give && run called 1 || return 1
	tail -n 1 "$STATS/violations" >"$TMP/row"
	unload rp_test_asker && run take || return 1
	[ "$(violations)" -gt "$_before" ] &&
		grep -qE ' 0xc4 0x16 .* 0x9 0x0 rp_test_asker - odd\+0x0/[^ ]+ \[rp_test_asker\] ' "$TMP/row" && return
	sed 's/^/# /' "$TMP/row"
	return 1
}

# Whoever frees the channel pauses just before the request is written down elsewhere.
granted_as_init_ends() {
	log_mark "asker keeps"
	run lend "${EDU##*/}" || return 1
	insmod "$(module_file rp_test_asker)" how=keeps &
	_asker=$!
	eventually waits ask_in_init && run give_slowly && wait $_asker && run called 1 || return 1
	rmmod rp_test_asker && run take &&
		logged 'leaked map registers: 1 block, 4096 bytes, allocated at ask_in_init\+.*\[rp_test_asker\]'
}

# A routine that asks again and again would keep its module for ever.
asks_as_it_goes() {
	asker again && waits ask_in_init || return 1
	run give &
	_giver=$!
	eventually granted && unload rp_test_asker && wait $_giver || return 1
	run called 1 && run take && logged 'left by rp_test_asker: 8 blocks, 0 bytes' &&
		[ "$(log_since | grep -c 'leaked request for the channel of .* with 1 map registers, asked for at ask_again+.*\[rp_test_asker\]')" -eq 8 ]
}

need_edu
begin_lifetime
ktap_set_plan $((COMMON + 3 + LIFETIME_ENDS))
common_cases "${EDU##*/}" edu
check "asked for in init code, which is gone" asked_in_init_code
if can_count_calls "whoever frees a channel"; then
	check "granted as init code goes" granted_as_init_ends
else
	ktap_test_skip "granted as init code goes"
fi
check "asked for by a module that goes" asks_as_it_goes
end_lifetime

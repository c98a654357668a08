#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The fast path in a process: what its instructions do is no more than bench/bench.awk
# allows, and is what objdump says of them. How long they take is only looked at: the host
# may be any.

# shellcheck source=selftests/scripts/lib.sh
. "$(dirname "$0")/lib.sh"

setup_ensure
SIZES="16 64 1024 4064"

measure() {
	"$TOP/scripts/native.sh" >"$WORK/samples" || return 1
	sed 's/^/native\t/' "$WORK/samples" |
		awk -f "$TOP/selftests/bench/bench.awk" >"$WORK/rows"
}

# reached MEASURE: all sizes have such a row, and reach its target
reached() {
	local size

	grep -P "\t$1\t" "$WORK/rows"
	for size in $SIZES; do
		grep -qP "^native\t$1\t$size\t.*\treached\t-\$" "$WORK/rows" || return 1
	done
}

# A cycle is that of an addition, and no processor executes as many as ten at once.
takes_time() {
	grep -P '\tcore-cycles\t' "$WORK/rows" | awk -F '\t' -v sizes="$SIZES" '
		{ print; count++ }
		$5 < 15 || $5 > 10000 { bad = 1 }
		END { exit bad || count != split(sizes, list, " ") }'
}

# What each instruction of a pair accesses, as "address lock bytes", by our decoder
by_us() {
	"$TOP/build/native/native" steps |
		sed -nE 's/^0x([0-9a-f]+)\t(locked|-)\t([a-z]+ ([0-9]+) of .*)?$/\1 \2 \4/p' |
		sort -u
}

# The same by objdump. An address that is only computed, or of nothing that is done, is no
# access. That of a stack is left out by us.
by_objdump() {
	in_root objdump -d --no-show-raw-insn -M intel build/native/native |
		awk -F '\t' '
			BEGIN { bytes["BYTE"] = 1; bytes["WORD"] = 2; bytes["DWORD"] = 4; bytes["QWORD"] = 8 }
			/^ +[0-9a-f]+:\t/ {
				split($1, at, /[ :]+/)
				size = ""
				if ($2 !~ /^(nop|lea|data16|endbr|call|ret|push|pop)/ && match($2, /[A-Z]+ PTR/))
					size = bytes[substr($2, RSTART, RLENGTH - 4)]
				print at[2], ($2 ~ /^lock/ ? "locked" : "-"), size
			}' | sort
}

agrees_with_objdump() {
	by_us >"$WORK/ours" || return 1
	by_objdump >"$WORK/theirs" || return 1
	wc -l "$WORK/ours"
	[ "$(wc -l <"$WORK/ours")" -gt 150 ] &&
		[ "$(grep -c locked "$WORK/ours")" -eq 1 ] &&
		! comm -23 "$WORK/ours" "$WORK/theirs" | grep .
}

# What is executed is the module's fast path and the loop around it, and nothing of what
# stands in for the kernel.
is_the_fast_path() {
	by_us | cut -d ' ' -f 1 | sort >"$WORK/executed"
	in_root objdump -d --no-show-raw-insn build/native/native | awk '
		/^[0-9a-f]+ <.*>:/ { name = $2 }
		/^ +[0-9a-f]+:/ { sub(":", "", $1); print $1, name }' | sort >"$WORK/where"
	join "$WORK/executed" "$WORK/where" | cut -d ' ' -f 2 | sort -u | tee "$WORK/functions"
	cmp "$WORK/functions" - <<-END
		<pairs>:
		<rust_pool_allocate>:
		<rust_pool_free>:
		<stepped>:
	END
}

cd "$TOP" || exit 1
check "the fast path runs in a process" measure
check "locked instructions reach their target" reached locked
check "lines written reach their target" reached written
check "loads that no store is forwarded to reach their target" reached unforwarded
check "a pair takes time" takes_time
check "what is executed is the fast path" is_the_fast_path
check "what instructions access is what objdump says" agrees_with_objdump

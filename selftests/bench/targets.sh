# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Sourced after lib.sh by what holds the targets of bench/bench.awk.

# shellcheck source=selftests/bench/measure.sh
. "$DIR/bench/measure.sh"

# add_samples BOOT: from standard input, as of one of bench.sh's boots
add_samples() {
	sed "s/^/$1\t/" >>"$TMP/samples"
}

# measured BOOT MODULE/FILE...
measured() {
	_boot=$1
	shift
	for _measurement; do
		echo "# measuring ${_measurement#*/}"
		measure "rp_bench_$_measurement" >"$TMP/one" || return 1
		add_samples "$_boot" <"$TMP/one"
	done
	awk -f "$DIR/bench/bench.awk" "$TMP/samples" >"$TMP/rows"
}

# reached MEASURE/VARIANT: is there such a row with a target, and is that reached?
reached() {
	awk -F '\t' -v row="$1" '
		$2 "/" $3 == row && $13 != "-" {
			spread = $9 == "-" ? "" : " (" $9 " to " $10 ")"
			printf "# %s: ours %s, raw %s (%s), ratio %s%s; %s %s: %s\n",
				row, $5, $6, $7, $8, spread, $11, $12, $13
			met = $13 ~ /^reached/
		}
		END { exit !met }' "$TMP/rows"
}

# not_worse MEASURE/VARIANT: has such a row a ceiling that its ratio keeps to? That its target
# is reached is not asked, but told: then reached() is to hold it.
not_worse() {
	awk -F '\t' -v row="$1" '
		$2 "/" $3 == row && $14 != "-" && $8 != "-" {
			target = $12 == "-" ? "" : "; target " $12 ": " $13
			printf "# %s: ours %s, raw %s (%s), ratio %s; not worse than %s%s\n",
				row, $5, $6, $7, $8, $14, target
			more = $2 == "rate" || $2 == "scaling"
			kept = more ? $8 + 0 >= $14 + 0 : $8 + 0 <= $14 + 0
		}
		END { exit !kept }' "$TMP/rows"
}

# Where instructions cannot be counted there is nothing to hold.
load_counter() {
	load rp_bench || exit 1
	cat "$BENCH/rp_bench/icount" ||
		skip_all "instructions are not counted here (QEMU: -icount shift=0,sleep=off, one processor)"
}

# hold ROWS COMMAND...: the rest of a program that measures by this command and requires
# the rows, as bench.awk names them, to reach their targets. Those of NOT_WORSE, if that is
# set, miss their targets or have none; these have to keep to their ceilings.
hold() {
	_rows=$1
	shift
	ktap_set_plan $((1 + $(echo "$_rows ${NOT_WORSE:-}" | wc -w) + ENDS))
	check "everything can be measured" "$@"
	for row in $_rows; do
		check "$row reaches its target" reached "$row"
	done
	for row in ${NOT_WORSE:-}; do
		check "$row is not worse than it was" not_worse "$row"
	done
	ends
}

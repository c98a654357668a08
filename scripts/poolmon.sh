#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# poolmon.sh [build|test [NAME]]: builds poolmon, a static program, as
# build/poolmon/poolmon; or runs its tests, which need no machine. A warning, clippy's
# among them, is an error.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

setup_ensure
cargo_begin
case ${1:-build} in
build)
	cargo_run "$POOLMON_BUILD/target" build --quiet --locked --release
	cp "$POOLMON_BUILD/target/$CARGO_TARGET/release/poolmon" "$POOLMON.new"
	mv "$POOLMON.new" "$POOLMON"
	say "poolmon: $POOLMON"
	;;
test)
	cargo_run "$POOLMON_BUILD/target" test --quiet --locked --release -- --format pretty "${@:2}"
	;;
*) die "poolmon.sh: there is build and test" ;;
esac

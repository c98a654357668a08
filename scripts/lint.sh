#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck disable=SC2317 # the checks are called by way of "check"
#
# lint.sh [CHECK...]: checks the style of the sources, and the documentation, by all checks or
# those named. Prints a line for each check. If one fails, it says what to run, and shows what
# it found. Needs the toolchain and the kernel's source, but no built module.
#
# lint.sh fmt: brings what can be into that style.

# shellcheck source=scripts/env.sh
. "$(dirname "$0")/env.sh"
# shellcheck source=scripts/cargo.sh
. "$TOP/scripts/cargo.sh"

setup_ensure
cd "$TOP"
log=$(mktemp "${TMPDIR:-/tmp}/rust_pool-lint.XXXXXX")
trap 'rm -f "$log"' EXIT
wanted=" $* "
there=" "
failed=0

# wants NAME: whether this check is to be made
wants() {
	there+="$1 "
	[[ $wanted = "  " || $wanted = *" $1 "* ]]
}

# check NAME WHAT-TO-DO CMD...: a check that passes if CMD does
check() {
	local name=$1 hint=$2
	shift 2

	wants "$name" || return 0
	if "$@" >"$log" 2>&1; then
		echo "lint: $name: ok"
	else
		echo "lint: $name: FAILED; $hint"
		sed -n '1,100s/^/  | /p' "$log"
		failed=1
	fi
}

# Prints our files that match, including those that git does not know yet.
sources() {
	git ls-files -co --exclude-standard -- "$@" | while read -r file; do
		[ ! -f "$file" ] || echo "$file"
	done
}

shell_sources() {
	sources | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) begins "$file" '(ba|da|busybox )?sh' && echo "$file" ;;
		esac
	done
}

# begins FILE REGEX: whether its first line names this program
begins() {
	head -c 64 "$1" | head -n 1 | grep -qaE "^#![[:space:]]*(/usr)?/bin/(env (-S )?)?$2([[:space:]]|\$)"
}

python_sources() {
	sources | while read -r file; do
		case $file in
		*.py) echo "$file" ;;
		*) begins "$file" 'python3?' && echo "$file" ;;
		esac
	done
}

# Names and typedefs of the WDK cannot be changed. The last two only make sense in the
# kernel's own tree.
CHECKPATCH_IGNORE=CAMELCASE,NEW_TYPEDEFS,FILE_PATH_CHANGES,LINUX_VERSION_CODE

# Tests compare addresses, so they print them unhashed. A test's name in a message may also
# be the name of its function.
CHECKPATCH_IGNORE_TESTS=$CHECKPATCH_IGNORE,VSPRINTF_SPECIFIER_PX,EMBEDDED_FUNCTION_NAME

# Code that is written for Windows has the types, macros and style of Windows.
CHECKPATCH_IGNORE_WDK=$CHECKPATCH_IGNORE,SPACING,VOLATILE,COMPLEX_MACRO,MACRO_ARG_UNUSED,MULTISTATEMENT_MACRO_USE_DO_WHILE,MEMORY_BARRIER,FUNCTION_ARGUMENTS,ASSIGN_IN_IF,INLINE,LINE_SPACING,MACRO_WITH_FLOW_CONTROL

run_rustfmt() {
	local files

	mapfile -t files < <(sources '*.rs')
	[ ${#files[@]} -gt 0 ] || return 0
	in_root rustfmt --edition 2021 -l "$@" "${files[@]}" | sort -u
}

checkpatch() {
	local ignore=$1 files
	shift

	mapfile -t files < <(sources "$@")
	[ ${#files[@]} -gt 0 ] || return 0
	# In a repository, checkpatch would run spdxcheck, for which we do not install the
	# Python modules. run_spdx checks the SPDX lines.
	in_root env GIT_DIR=/nonexistent "$KERNEL_DIR/source/scripts/checkpatch.pl" \
		--root="$KERNEL_DIR/source" --no-signoff --terse --show-types \
		--ignore "$ignore" --file "${files[@]}"
}

run_checkpatch() {
	local status=0

	checkpatch "$CHECKPATCH_IGNORE" '*.[ch]' ':!selftests' ':!include/rust_pool/wdk' \
		':!include/rust_pool/dma.h' || status=1
	checkpatch "$CHECKPATCH_IGNORE_TESTS" 'selftests/*.[ch]' ':!selftests/ports' || status=1
	checkpatch "$CHECKPATCH_IGNORE_WDK" 'include/rust_pool/wdk/*' include/rust_pool/dma.h \
		'selftests/ports/*.[ch]' ||
		status=1
	return "$status"
}

run_shellcheck() {
	local files

	mapfile -t files < <(shell_sources)
	in_root shellcheck -x "${files[@]}"
}

# Words that codespell takes for others: crates, symbols of the kernel, terms of Rust and of
# inline assembly, values of tests that are wrong on purpose.
SPELLED_SO=abd,advices,filp,fro,fial,inout,pring,probabilty,ratatui,registr,rin,statics

# Installs codespell in a toolchain that was made without it.
codespell_can() {
	[ -z "$(toolchain_missing "${SPELLING_PACKAGES[@]}")" ] ||
		(cache_lock && toolchain_add "${SPELLING_PACKAGES[@]}")
}

run_codespell() {
	local files

	mapfile -t files < <(sources ':!*Cargo.lock.in' ':!*package-lock.json')
	in_root codespell --ignore-words-list="$SPELLED_SO" "${files[@]}"
}

# Compiles each, but runs none.
run_python() {
	local files

	mapfile -t files < <(python_sources)
	[ ${#files[@]} -gt 0 ] || return 0
	in_root python3 -W error - "${files[@]}" <<-'END'
		import sys
		failed = 0
		for name in sys.argv[1:]:
		    try:
		        with open(name, encoding='utf-8') as text:
		            compile(text.read(), name, 'exec', dont_inherit=True)
		    except (SyntaxError, ValueError) as error:
		        print(f'{name}: {error}')
		        failed = 1
		sys.exit(failed)
	END
}

# Checks that each file has the line near its top, in a comment or in what the format has in
# place of one; a patch has it below what it is about.
run_spdx() {
	local status=0 file lines
	local ends='( (\*/|-->))?$|["'"'"'\\].*$'

	# git quotes other names.
	if git ls-files -co --exclude-standard | grep -vE '^[A-Za-z0-9._/+-]+$'; then
		echo "their names have other characters than a file of ours may have"
		status=1
	fi
	while read -r file; do
		lines=5
		case $file in
		COPYING) continue ;;
		*.patch) lines=8 ;;
		*.png)
			grep -qaF 'SPDX-License-Identifier: GPL-2.0' "$file" || { echo "$file"; status=1; }
			continue ;;
		esac
		head -n "$lines" "$file" | grep -qaE "SPDX-License-Identifier: GPL-2\.0($ends)" || {
			echo "$file"
			status=1
		}
	done < <(sources)
	return "$status"
}

# Checks that comments and prose fit 100 columns.
run_widths() {
	local files

	mapfile -t files < <(sources)
	in_root python3 "$TOP/scripts/widths.py" "${files[@]}"
}

# Checks that callers/routines.rs knows the routines of the headers.
run_routines() {
	diff <(sed -nE 's/^    "([A-Za-z0-9]+)",$/\1/p' rust_pool/callers/routines.rs) \
		<(grep -hE '^[A-Za-z]' include/rust_pool/*.h |
			grep -oE '\b(Ex|Io|Mm)[A-Z][A-Za-z0-9]*\(' | tr -d '(' | LC_ALL=C sort -u)
}

# Checks that each mutant applies, is in the folder of the program that finds it, has a name
# that no other has, and a line Case: that can match.
run_mutants() {
	local status=0 patch program test home kernel case literal='[^|(]\^|\(\)'
	declare -A homes=() others=()

	while read -r program; do
		home=${homes[${program##*/}]:-}
		[ -z "$home" ] || { echo "selftests/$program: $home has one of this name"; status=1; }
		homes[${program##*/}]=${program%/*}
	done < <(selftests/list.sh)
	while read -r patch; do
		test=$(sed -n 's/^Test: *//p' "$patch" | head -n 1)
		kernel=$(sed -n 's/^Kernel: *//p' "$patch" | head -n 1)
		case=$(sed -n 's/^Case: *//p' "$patch" | head -n 1)
		home=${homes[${test:-none}]:-}
		[[ $test != scripts/* || ! -x selftests/$test ]] || home=scripts
		if [ -z "$home" ]; then
			echo "$patch: its line \"Test: $test\" names no program"
		elif [ "$patch" != "selftests/$home/mutants/${patch##*/}" ]; then
			echo "$patch: $test finds it, so it belongs in selftests/$home/mutants"
		elif [ -n "${others[${patch##*/}]:-}" ]; then
			echo "$patch: ${others[${patch##*/}]} has the same name"
		elif [[ ! ${kernel:-debug} =~ ^(stock|debug)$ ]]; then
			echo "$patch: its line \"Kernel: $kernel\" names no kernel"
		elif [[ $case =~ $literal ]]; then
			echo "$patch: its line \"Case: $case\" is a regex: write dots for ^ and ()"
		elif git apply --check "$patch"; then
			others[${patch##*/}]=$patch
			continue
		fi
		status=1
	done < <(sources '*.patch')
	return "$status"
}

# Runs in a copy of the sources, so that what clippy compiles is never shipped.
run_clippy() {
	local scratch=$TOP/build/clippy-${KERNEL:-stock} modules

	"$TOP/scripts/scratch.sh" "$scratch" &&
		"$scratch/scripts/build.sh" "$scratch" CLIPPY=1 KRUSTFLAGS=-Dwarnings modules ||
		return 1
	for modules in selftests/test_modules selftests/bench Documentation/examples; do
		KRUSTFLAGS=-Dwarnings "$scratch/scripts/client.sh" \
			"$scratch/$modules" CLIPPY=1 modules || return 1
	done
}

if [ "${1:-}" = fmt ]; then
	run_rustfmt --emit files
	in_root python3 "$TOP/scripts/rules.py" --write
	exit
fi
check SPDX "each file named needs a line SPDX-License-Identifier: GPL-2.0 near its top" run_spdx
check layers "see rust_pool/README.rst" in_root python3 "$TOP/scripts/layers.py"
check routines "correct the list in rust_pool/callers/routines.rs" run_routines
check violations "make fmt, which makes their tables" in_root python3 "$TOP/scripts/rules.py"
check widths "wrap what it names" run_widths
check rustfmt "make fmt" run_rustfmt --check
check python "correct what it names" run_python
check mutants "see CONTRIBUTING.md" run_mutants
check clippy "correct what it names" run_clippy
# The compiler of poolmon is clippy.
if ! wants poolmon; then
	:
elif cargo_can; then
	check poolmon "correct what it names" "$TOP/scripts/poolmon.sh" build
else
	echo "lint: poolmon: skipped, as its crates cannot be fetched; make poolmon says why"
fi
check checkpatch "correct what it names" run_checkpatch
check shellcheck "correct what it names" run_shellcheck
if ! wants spelling; then
	:
elif codespell_can; then
	check spelling "correct it, or add the word to SPELLED_SO in scripts/lint.sh" run_codespell
else
	echo "lint: spelling: skipped, as codespell cannot be fetched"
fi
check documentation "correct what it names" "$TOP/scripts/doc.sh" build/doc
for name; do
	[[ $there = *" $name "* ]] || die "there is no check of the name $name"
done
exit "$failed"

# SPDX-License-Identifier: GPL-2.0
#
# Reads a console log, and prints a line "pass|fail|skip TAB name" for each result of the
# program named in "program". Output that is not KTAP is a failure, so that a program cannot
# pass by dying early. Variables:
#
#   due     the program is meant for this kernel: it may not skip all its tests
#   others  how many hundredths of the host's time others took, if the program measures
#           time and these are too many: then its failures count as skipped
#   hang    why the runner ended the machine, if it did
#   why     why the machine ended by itself, if it did

function result(kind, name) {
	print kind "\t" program ": " name
	count[kind]++
}

function name_of(line) {
	sub(/^(not )?ok [0-9]+ *(- )?/, "", line)
	sub(/ *# *(SKIP|XFAIL|TODO).*/, "", line)
	return line
}

$0 == "# rust_pool-selftest: run " program { inside = 1; next }
index($0, "# rust_pool-selftest: end " program " ") == 1 {
	inside = 0
	ended = 1
	status = $NF
}
!inside { next }

/^1\.\.[0-9]+/ {
	if (planned++)
		result("fail", "two plans")
	split($1, range, /\.\./)
	plan = range[2]
	if (plan == 0)
		result(due ? "fail" : "skip", "all of it" (/SKIP/ ? ": " substr($0, index($0, "SKIP") + 5) : ""))
}

/^(not )?ok [0-9]+/ {
	number = ($1 == "ok") ? $2 : $3
	ran++
	if (number != ran && !disorder++)
		result("fail", "result " number " where " ran " was due")
	if (/# *SKIP/)
		result("skip", name_of($0))
	else if (/^ok/ || /# *(XFAIL|TODO)/)
		result("pass", name_of($0))
	else if (others) {
		result("skip", name_of($0) ": missed, but the host is busy: others used " others "% of it")
		missed++
	} else
		result("fail", name_of($0))
}

/^Bail out!/ { result("fail", $0) }

END {
	if (!ended)
		result("fail", hang ? hang : "the machine ended in the middle of it" (why ? ": " why : ""))
	else if (!planned)
		result("fail", "no plan, exit status " status)
	else if (plan != ran)
		result("fail", "planned " plan " results, gave " ran + 0)
	# 4 is the exit status of a skip in kselftest; of what is no failure here, 1 is.
	if (ended && status != 0 && !(status == 4 && count["skip"]) && !(status == 1 && missed) &&
	    !count["fail"])
		result("fail", "exit status " status)
}

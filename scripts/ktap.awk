# SPDX-License-Identifier: GPL-2.0
#
# Reads a console log, prints a line "pass|fail|skip TAB name" for each result of
# the program named in "program". What does not keep to KTAP is a failure: a
# program must not be able to pass by dying early, nor, if it is "due" here, by skipping
# all that it has. With "others", which is how many hundredths of the host others took,
# what fails of a program that measures is skipped: the host was not its own. "hang" says
# why the machine was ended, if it was, and "why" why it ended by itself.

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
	else if (others)
		result("skip", name_of($0) ": missed, but the host is busy: others used " others "% of it")
	else
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
	# 4 is kselftest's for a skip
	if (ended && status != 0 && !(status == 4 && count["skip"]) && !count["fail"])
		result("fail", "exit status " status)
}

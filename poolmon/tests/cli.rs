// SPDX-License-Identifier: GPL-2.0

//! The program as it is run, on recorded files.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

const RECORDED: &str = include_str!("recorded/examples.txt");
const BIN: &str = env!("CARGO_BIN_EXE_poolmon");

/// A directory with the recorded files, for one test.
fn files(test: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    for part in RECORDED.split("==> ").skip(1) {
        let (name, text) = part.split_once(" <==\n").unwrap();
        fs::write(dir.join(name), text).unwrap();
    }
    dir
}

fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).unwrap();
}

fn poolmon(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BIN);
    command.arg("--dir").arg(dir).args(arguments);
    command.output().unwrap()
}

/// What it prints when it succeeds.
fn says(dir: &Path, arguments: &[&str]) -> String {
    let output = poolmon(dir, arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Ends with this status, and says why.
fn fails(dir: &Path, arguments: &[&str], status: i32, why: &str) {
    let output = poolmon(dir, arguments);
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(why), "{text}");
}

fn tags_of(table: &str) -> Vec<&str> {
    let rows = table.lines().skip(2);
    rows.map(|row| row.split(' ').next().unwrap()).collect()
}

#[test]
fn snapshot() {
    let table = says(&files("snapshot"), &["-n"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(
        lines[0],
        "rust_pool holds 220672 bytes: in use 42944, ready 3136, verifier 147968, overhead 26624"
    );
    assert!(lines[1].starts_with("Tag"));
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(lines[3]),
        words("- Common 1 0 1 10000 12288 10000 - 0 - -")
    );
    assert_eq!(
        words(lines[5]),
        words(
            "Cfg Paged 8 7 1 512 512 512 512 0 rust_client \
             <rust_client::Client as kernel::module::Module>::init+0x493/0xa00"
        )
    );
    assert_eq!(
        words(lines[6]),
        words("ECfg Paged 1 0 1 500 576 500 500 0 c_driver c_driver_probe+0xab/0x1e0")
    );
    assert_eq!(lines.len(), 9);
}

#[test]
fn families() {
    let dir = files("families");
    let rows = |kind: &str| says(&dir, &["-n", "-p", kind]).lines().count() - 2;
    assert_eq!((rows("noncached"), rows("mdl")), (1, 0));
    replace(
        &dir.join("mdl_pages"),
        "allocs 0 frees 0 diff 0 bytes 0 used 0",
        "allocs 2 frees 1 diff 1 bytes 12288 used 12288",
    );
    assert_eq!(rows("mdl"), 1);
    assert!(says(&dir, &["--csv", "-p", "mdl"]).contains("\n-,mdl,2,1,1,12288,12288,12288,,0,"));
}

#[test]
fn choices() {
    let dir = files("choices");
    let tags = |arguments: &[&str]| {
        let table = says(&dir, arguments);
        tags_of(&table).join(" ")
    };
    assert_eq!(tags(&["-n", "-i", "E*"]), "ECfg EExt");
    assert_eq!(tags(&["-n", "-iE*", "-x", "??xt"]), "ECfg");
    assert_eq!(tags(&["-n", "--tag", "Ring,EExt"]), "Ring EExt");
    assert_eq!(tags(&["-n", "-p", "nonpaged"]), "Ring EExt");
    assert_eq!(tags(&["-n", "-p", "paged,contiguous"]), "- Cfg ECfg");
    assert_eq!(tags(&["-n", "-m", "c_driver"]), "ECfg EExt");
    assert_eq!(
        tags(&["-n", "-s", "tag", "--reverse", "--top", "2"]),
        "Ring EExt"
    );
    assert!(says(&dir, &["-n", "-H", "-p", "contiguous"]).contains("17.7K"));
    let output = poolmon(&dir, &["-n", "-i", "toolong"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn csv() {
    let dir = files("csv");
    replace(&dir.join("tags"), "Ring", "R,\" ");
    let text = says(&dir, &["--csv", "-p", "nonpaged"]);
    assert_eq!(
        text,
        "# poolmon csv - version: 1.0\n\
         tag,type,allocs,frees,diff,bytes,used,per_alloc,peak,failures,module,first_user,owner,description\n\
         \"R,\"\"\",nonpaged,2,0,2,812,832,406,812,0,c_client,c_client_init+0x10/0xff0,,\n\
         EExt,nonpaged,1,0,1,48,64,48,48,0,c_driver,c_driver_probe+0x62/0x1e0,,\n"
    );
}

#[test]
fn json() {
    let dir = files("json");
    fs::write(dir.join("pooltag.txt"), "rem\nRing - ring.sys - Rings\n").unwrap();
    let pooltag = dir.join("pooltag.txt");
    let text = says(
        &dir,
        &[
            "--json",
            "-i",
            "Ring",
            "--pooltag",
            pooltag.to_str().unwrap(),
        ],
    );
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["format"], "poolmon snapshot");
    assert_eq!(value["version"], "1.0");
    // Nobody knows when copies were made.
    assert!(value["time"].is_null());
    assert_eq!(value["summary"]["holds"], 220672);
    let row = &value["rows"][0];
    assert_eq!(row["tag"], "Ring");
    assert_eq!(row["type"], "nonpaged");
    assert_eq!(row["bytes"], 812);
    assert_eq!(row["module"], "c_client");
    assert_eq!(row["owner"], "ring.sys");
    assert_eq!(row["description"], "Rings");
}

#[test]
fn diff() {
    let before = files("diff-before");
    let after = files("diff-after");
    replace(
        &after.join("tags"),
        "Ring Nonp             2            0            2            812            832        406",
        "Ring Nonp             5            1            4           1412           1472        353",
    );
    let snapshot = before.join("json");
    fs::write(&snapshot, says(&before, &["--json"])).unwrap();
    let (copy, new) = (before.join("tags"), after.join("tags"));
    for old in [&before, &snapshot, &copy] {
        for new in [None, Some(&new), Some(&after)] {
            let mut arguments = vec!["diff", old.to_str().unwrap(), "-i", "*?"];
            arguments.extend(new.map(|new| new.to_str().unwrap()));
            let table = says(&after, &arguments);
            let row = table.lines().find(|line| line.starts_with("Ring")).unwrap();
            let words: Vec<_> = row.split_whitespace().collect();
            assert_eq!(
                words[..8],
                ["Ring", "Nonp", "+600", "812", "1412", "+2", "+3", "+1"]
            );
        }
    }
    let same = says(
        &before,
        &["diff", copy.to_str().unwrap(), copy.to_str().unwrap()],
    );
    assert_eq!(same, "nothing has changed\n");
    let limit = |bytes: &str| {
        let diff = [
            "diff",
            copy.to_str().unwrap(),
            new.to_str().unwrap(),
            "--limit",
            bytes,
        ];
        poolmon(&after, &diff).status.code()
    };
    assert_eq!((limit("599"), limit("600")), (Some(1), Some(0)));
    let text = says(
        &after,
        &[
            "diff",
            "--json",
            copy.to_str().unwrap(),
            new.to_str().unwrap(),
        ],
    );
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["format"], "poolmon diff");
    assert_eq!(value["rows"][0]["bytes"], 600);
}

/// Counters that fall are those of another load.
#[test]
fn loaded_anew() {
    let dir = files("loaded-anew");
    let before = dir.join("before");
    fs::copy(dir.join("tags"), &before).unwrap();
    let after = "sed -i 's/^Ring Nonp             2/Ring Nonp             1/; s/812/700/g'";
    let reload = format!("{after} {}", dir.join("tags").display());
    let watch = |limit| {
        let command = ["-i", "Ring", "--limit", limit, "--", "sh", "-c", &reload];
        poolmon(&dir, &[&["watch"], &command[..]].concat())
    };
    assert_eq!(watch("699").status.code(), Some(1));
    let text = says(&dir, &["diff", "-i", "Ring", before.to_str().unwrap()]);
    assert!(text.contains("+700"), "{text}");
    assert!(text.contains("\nrust_pool was loaded anew in between: "));
    let text = says(&dir, &["diff", "--json", before.to_str().unwrap()]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["reloaded"], true);
    assert_eq!(value["version"], "1.1");
}

/// Owners are those that pooltag.txt names, for all that takes -m.
#[test]
fn rows_of_an_owner() {
    let dir = files("owner");
    let file = dir.join("pooltag.txt");
    fs::write(&file, "ECfg - mine.sys - x\n").unwrap();
    let of = |arguments: &[&str]| {
        let common = ["--pooltag", file.to_str().unwrap(), "-m", "mine.sys"];
        says(&dir, &[&common, arguments].concat())
    };
    replace(&dir.join("tags"), "EExt Nonp", "EExu Nonp");
    assert_eq!(tags_of(&of(&["-n"])), ["ECfg"]);
    assert!(of(&["export"]).contains("\nrust_pool_tag_bytes{tag=\"ECfg\""));
    let quiet = of(&["watch", "--for", "0.02", "--interval", "0.01"]);
    assert_eq!(quiet, "nothing grew by more than 0 bytes\n");
    let tags = fs::read_to_string(dir.join("tags")).unwrap();
    let failed = tags.replace(" 0 c_driver_probe", " 3 c_driver_probe");
    fs::write(
        dir.join("tags"),
        failed.replace(" 0 c_client", " 7 c_client"),
    )
    .unwrap();
    assert!(of(&["advice"]).contains("3 requests failed"));
    assert!(!of(&["advice"]).contains("7 requests failed"));
}

#[test]
fn watch() {
    let dir = files("watch");
    let quiet = says(
        &dir,
        &["watch", "-i", "Ring", "--for", "0.05", "--interval", "0.02"],
    );
    assert_eq!(quiet, "nothing grew by more than 0 bytes\n");
    let tags = dir.join("tags");
    let grow = format!("sed -i 's/ 812 .* 832 / 1412 832 /' {}", tags.display());
    let watch = |tag: &str, limit: &str, command: &str| {
        let arguments = [
            "watch", "-i", tag, "--limit", limit, "--", "sh", "-c", command,
        ];
        poolmon(&dir, &arguments)
    };
    assert_eq!(watch("E*", "0", &grow).status.code(), Some(0));
    let files = files("watch");
    assert_eq!(files, dir);
    let grown = watch("Ring", "599", &grow);
    assert_eq!(grown.status.code(), Some(1));
    let text = String::from_utf8(grown.stdout).unwrap();
    assert!(text.starts_with("grew by more than 599 bytes:\n"), "{text}");
    assert!(text.contains("+600"), "{text}");
    assert_eq!(watch("Ring", "0", "exit 3").status.code(), Some(10));
    assert_eq!(watch("Ring", "0", "true").status.code(), Some(0));
    let text = String::from_utf8(watch("Rnig", "0", "true").stdout).unwrap();
    assert!(text.ends_with(": no tag that was used matches, before or after\n"));
}

/// Runs it for a reader that is gone before anything is printed.
fn unread(dir: &Path, arguments: &[&str]) -> Option<i32> {
    let mut child = Command::new("sh")
        .args(["-c", "sleep 0.3; exec \"$@\"", "sh", BIN, "--dir"])
        .arg(dir)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.wait().unwrap().code()
}

#[test]
fn status_without_a_reader() {
    let dir = files("unread");
    // Nor does anybody read what is wrong.
    let script = "\"$@\" 2>/dev/full";
    let nothing = dir.join("nothing");
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", BIN, "-n", "--dir"]);
    assert_eq!(command.arg(nothing).status().unwrap().code(), Some(9));
    let before = dir.join("before");
    fs::copy(dir.join("tags"), &before).unwrap();
    let before = before.to_str().unwrap();
    replace(
        &dir.join("tags"),
        "812            832",
        "900            920",
    );
    let diff = |limit| unread(&dir, &["diff", "-i", "Ring", "--limit", limit, before]);
    assert_eq!((diff("87"), diff("88")), (Some(1), Some(0)));
    assert_eq!(unread(&dir, &["-n"]), Some(0));
}

#[test]
fn export() {
    let dir = files("export");
    let text = says(&dir, &["export", "-p", "paged"]);
    let bytes = "rust_pool_tag_bytes{tag=\"ECfg\",type=\"paged\",module=\"c_driver\"} 500\n";
    assert!(text.contains(bytes), "{text}");
    assert!(text.contains("rust_pool_bytes{use=\"in_use\"} 42944\n"));
    assert!(!text.contains("EOF"));
    let text = says(&dir, &["export", "--form", "openmetrics", "--top", "1"]);
    assert!(text.contains("tag=\"(rest)\",type=\"nonpaged\""), "{text}");
    assert!(text.contains("\nrust_pool_allocations_total{type=\"nonpaged\"} 3\n"));
    assert!(text.ends_with("# EOF\n"));
    let file = dir.join("rust_pool.prom");
    assert_eq!(says(&dir, &["export", "-o", file.to_str().unwrap()]), "");
    assert!(fs::read_to_string(&file).unwrap().contains(bytes));
    let left = fs::read_dir(&dir).unwrap().count();
    assert_eq!(left, RECORDED.matches("==> ").count() + 1);
}

#[test]
fn advice() {
    let dir = files("advice");
    let text = says(&dir, &["advice"]);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = text.lines().map(words).collect();
    assert_eq!(lines[0], "Rule Tag Type At stake Module Found");
    assert_eq!(
        lines[1],
        "sub-page - Noncach 4032 c_driver a block of 64 bytes at c_driver_probe+0xf4/0x1e0"
    );
    assert!(lines[2].starts_with("sub-page - Noncach 3996 rust_client a block of 100 bytes at <"));
    assert!(text.contains("part-of-page  -    Common       2288  c_driver "));
    assert!(text.contains("\nsub-page: the routine gives whole pages: "));
    assert!(!says(&dir, &["advice", "-p", "contiguous"]).contains("Noncach"));
    assert_eq!(says(&dir, &["advice", "-i", "Ring"]), "no advice\n");
    replace(&dir.join("adapters"), "in_use 3", "in_use 4");
    assert!(says(&dir, &["advice"]).contains("0000:00:01.0: 4 of 4 map registers in use"));
    let value: serde_json::Value =
        serde_json::from_str(&says(&dir, &["advice", "--json"])).unwrap();
    assert_eq!(value["format"], "poolmon advice");
    assert_eq!(value["version"], "1.0");
    assert_eq!(value["advice"][0]["rule"], "map-registers");
    assert_eq!(value["advice"][0]["bytes"], 16384);
    assert_eq!(value["advice"][1]["rule"], "sub-page");
    assert_eq!(value["advice"][1]["bytes"], 4032);
}

#[test]
fn pooltag() {
    let dir = files("pooltag");
    let file = dir.join("pooltag.txt");
    let file = file.to_str().unwrap();
    fs::write(file, "rem ours\nRing - ring.sys - Rings\n").unwrap();
    let arguments = ["pooltag", "--pooltag", file, "-x", "Cfg"];
    let text = says(&dir, &arguments);
    assert_eq!(
        text,
        "rem ours\nRing - ring.sys - Rings\n\
         ECfg - c_driver.ko - first used at c_driver_probe+0xab/0x1e0\n\
         EExt - c_driver.ko - first used at c_driver_probe+0x62/0x1e0\n"
    );
    assert_eq!(says(&dir, &["pooltag", "--pooltag", file, "-o", file]), "");
    let written = fs::read_to_string(file).unwrap();
    assert!(written.contains("\nCfg  - rust_client.ko - first used at <rust_client::Client as"));
    assert_eq!(says(&dir, &["pooltag", "--pooltag", file]), written);
    let table = says(&dir, &["-n", "-i", "EExt", "--pooltag", file]);
    assert!(table.contains("first used at c_driver_probe"), "{table}");
    fails(&dir, &["pooltag", "--json"], 2, "no JSON");
}

/// No room for the new file, as on a full disk. No test writes to a device: as root, with a defect,
/// it would be gone for the whole machine.
#[test]
fn no_room() {
    let dir = files("no-room");
    let file = dir.join("pooltag.txt");
    fs::write(&file, "Ring - ring.sys - Rings\n").unwrap();
    let before = fs::read_dir(&dir).unwrap().count();
    for what in ["pooltag", "export"] {
        let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", BIN, "--dir"]).arg(&dir);
        command.args([what, "-o"]).arg(&file);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(9), "{output:?}");
        let kept = fs::read_to_string(&file).unwrap();
        assert_eq!(kept, "Ring - ring.sys - Rings\n");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), before);
    }
}

#[test]
fn completions_and_manual() {
    let dir = files("manual");
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            says(&dir, &["completions", shell]).contains("watch"),
            "{shell}"
        );
    }
    assert_eq!(says(&dir, &["man", dir.to_str().unwrap()]), "");
    let page = fs::read_to_string(dir.join("poolmon.1")).unwrap();
    assert!(page.contains("Exit status:"), "{page}");
    assert!(dir.join("poolmon-watch.1").exists());
}

/// Whatever is in files that somebody else made.
#[test]
fn no_command_to_the_terminal() {
    let dir = files("terminal");
    replace(&dir.join("tags"), "Ring", "R\x1b]0");
    replace(&dir.join("tags"), "c_client_init", "c\u{9b}2J_init");
    let pooltag = dir.join("pooltag.txt");
    fs::write(&pooltag, "ECfg - =cmd|'/c calc'!A1 - \x1b[31mred\n").unwrap();
    let pooltag = pooltag.to_str().unwrap();
    let json = dir.join("json");
    let text = says(&dir, &["--json"])
        .replace("ECfg", "\\u001b]0;")
        .replace("c_driver", "\\u009b");
    fs::write(&json, text.replace("ECfg", "\\u001b]0;")).unwrap();
    let json = json.to_str().unwrap();
    let unknown = dir.join("unknown");
    fs::write(
        &unknown,
        fs::read_to_string(json)
            .unwrap()
            .replace("\"paged", "\"\\u001b[m"),
    )
    .unwrap();
    for arguments in [
        &["-n"][..],
        &["--csv"],
        &["--json"],
        &["advice"],
        &["export"],
        &["pooltag"],
        &["diff", json],
        &["diff", "--json", json],
        &["diff", unknown.to_str().unwrap()],
    ] {
        let arguments = [arguments, &["--pooltag", pooltag]].concat();
        let output = poolmon(&dir, &arguments);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        // The file itself is printed as it is, to be written back.
        let text = text.replace("\x1b[31mred", "");
        let evil = |letter: char| letter.is_control() && letter != '\n';
        assert!(!text.contains(evil), "{arguments:?}: {text:?}");
    }
    let csv = says(&dir, &["--csv", "--pooltag", pooltag]);
    assert!(csv.contains(",\"'=cmd|'/c calc'!A1\","), "{csv}");
}

#[test]
fn what_is_for_no_command() {
    let dir = files("no-command");
    for arguments in [
        &["-s", "tag", "advice"][..],
        &["--interval", "1", "advice"],
        &["-r", "advice"],
        &["--csv", "export"],
    ] {
        fails(&dir, arguments, 2, "for a snapshot alone");
    }
}

#[test]
fn what_is_wrong_is_said() {
    let dir = files("wrong");
    replace(&dir.join("tags"), "version: 1.1", "version: 2.0");
    fails(
        &dir,
        &["-n"],
        7,
        "install the poolmon that came with this rust_pool",
    );
    replace(&dir.join("tags"), "version: 2.0", "version: 1.1");
    replace(&dir.join("tags"), "EExt Nonp", "EExtNonp");
    fails(&dir, &["-n"], 8, "tags, line 5: ");
    fs::remove_file(dir.join("tags")).unwrap();
    fails(&dir, &["-n"], 9, "tags");
    fails(&dir, &["watch", "--limit", "4X"], 2, "no unit");
    // This machine has no rust_pool, or else one that answers.
    if !Path::new("/sys/module/rust_pool").exists() {
        let output = Command::new(BIN).arg("-n").output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
    }
}

# SPDX-License-Identifier: GPL-2.0
"""fleet.py POOLMON WORK FLEET: has a Prometheus read what POOLMON exports of the files in
WORK/files, and holds the rules and the dashboard in FLEET against what it has read. Prints a line
for each case: ok NAME or not ok NAME."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

POOLMON, WORK, FLEET = sys.argv[1:4]
FILES = f"{WORK}/files"
RULES = f"{FLEET}/rules.yml"

# The kernel's table of tags has room for 65534 rows.
MANY, TOP = 60000, 200

# How long Prometheus may take for what it does within a second or two on an idle host.
PATIENCE = 120

started = []


class Wrong(Exception):
    """What a case has found."""


def wants(true, what):
    """Fails the case unless it is true."""
    if not true:
        raise Wrong(what)


def run(*command, status=0, text=None):
    """What a command prints, if it ends with this status."""
    ended = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    wants(ended.returncode == status,
          f"{' '.join(command)}: status {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout + ended.stderr


def start(*command, **more):
    """Starts what is ended with this program, whatever ends that."""
    child = subprocess.Popen(command, text=True, **more)
    started.append(child)
    return child


def poolmon(*arguments, files=FILES):
    """What poolmon prints."""
    return run(POOLMON, "--dir", files, *arguments)


def serve(files, *arguments):
    """The address at which poolmon serves the files."""
    child = start(POOLMON, "--dir", files, "export", "--listen", "127.0.0.1:0", *arguments,
                  stdout=subprocess.PIPE)
    said = child.stdout.readline()
    match = re.fullmatch(r"serving http://(127\.0\.0\.1:[0-9]+)/metrics\n", said)
    wants(match, f"poolmon --listen said {said!r}")
    return match.group(1)


def free_port():
    """One that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def change(file, regex, new):
    """Replaces a part of a recorded file, at once, as a reader of the real one would see it."""
    path = f"{FILES}/{file}"
    with open(path, encoding="ascii") as old:
        text, times = re.subn(regex, new, old.read(), flags=re.M)
    wants(times == 1, f"{file} has {times} times {regex}")
    with open(f"{WORK}/new", "w", encoding="ascii") as out:
        out.write(text)
    os.rename(f"{WORK}/new", path)


def ring(size):
    """Gives the tag Ring so many live bytes."""
    change("tags", r"^(Ring Nonp +\S+ +\S+ +\S+) +\S+ +\S+", rf"\1 {size} {size + 20}")


class Prometheus:
    """The one that reads it all."""

    def __init__(self, jobs):
        self.address = f"127.0.0.1:{free_port()}"
        with open(f"{WORK}/prometheus.yml", "w", encoding="ascii") as config:
            config.write("global: {evaluation_interval: 1s}\n"
                         f"rule_files: [{RULES}]\nscrape_configs:\n")
            for job, seconds, targets in jobs:
                config.write(f"  - job_name: {job}\n    scrape_interval: {seconds}s\n"
                             f"    scrape_timeout: {seconds}s\n    static_configs:\n"
                             f"      - targets: {json.dumps(targets)}\n")
        run("promtool", "check", "config", f"{WORK}/prometheus.yml")
        with open(f"{WORK}/prometheus.log", "w", encoding="utf-8") as log:
            self.child = start("prometheus", f"--config.file={WORK}/prometheus.yml",
                               f"--storage.tsdb.path={WORK}/tsdb", "--log.level=warn",
                               f"--web.listen-address={self.address}", stderr=log, stdout=log)

    def ask(self, path, **parameters):
        """What its API answers."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters, True)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise Wrong(f"{path} {parameters}: {error.read().decode()}") from error

    def query(self, expr):
        """The values of an expression, by what its labels are."""
        found = self.ask("query", query=expr)["result"]
        return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in found}

    def value(self, expr):
        """The one value of an expression, or None."""
        values = list(self.query(expr).values())
        wants(len(values) <= 1, f"{expr}: {values}")
        return values[0] if values else None

    def firing(self, name):
        """The alerts of that name."""
        return [alert for alert in self.ask("alerts")["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"]

    def wait(self, what, true):
        """What comes true, in a while."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                found = true()
                if found:
                    return found
            except (OSError, Wrong) as error:
                found = error
            with open(f"{WORK}/prometheus.log", encoding="utf-8") as log:
                wants(self.child.poll() is None, f"prometheus has ended: {log.read()}")
            wants(time.monotonic() < until, f"{what}: {found}")
            time.sleep(0.3)


def metrics():
    """The default form, which promtool and node_exporter read, has no fault for them."""
    for arguments in [], ["--top", "2"], ["--top", "0"], ["-i", "None"]:
        said = run("promtool", "check", "metrics", text=poolmon("export", *arguments))
        wants(said == "", said)


def rules_are_right():
    """The rules are valid, and do what their examples say."""
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES)
    run("promtool", "test", "rules", f"{FLEET}/rules_test.yml")
    with open(RULES, encoding="ascii") as rules, \
            open(f"{FLEET}/rules_test.yml", encoding="ascii") as test:
        names = re.findall(r"^ *- alert: (\S+)$", rules.read(), re.M)
        text = test.read()
    for name in names:
        expected = re.findall(rf"alertname: {name}\n *exp_alerts:(.*)", text)
        wants("[]" in [what.strip() for what in expected], f"{name}: no example is quiet")
        wants([what for what in expected if what.strip() != "[]"], f"{name}: no example fires")


def backfill(address):
    """Two hours in which Ring grew from nothing to 4 MiB, in poolmon's own text: that of
    OpenMetrics, whose parser is strict, with a time for each sample."""
    now, out = int(time.time()), []
    text = poolmon("export", "--form", "openmetrics")
    wants(text.endswith("# EOF\n"), text)
    for line in text.splitlines():
        if line.startswith("#"):
            out.append(line)
            continue
        name, value = line.rsplit(" ", 1)
        place = f'job="rust_pool",instance="{address}"'
        name = name.replace("{", "{" + place + ",") if "{" in name else name + "{" + place + "}"
        for ago in range(7200, 30, -30):
            grown = (7200 - ago) * 4194304 // 7200 if 'tag="Ring"' in name and "bytes{" in name \
                else value
            out.append(f"{name} {grown} {now - ago}")
    with open(f"{WORK}/history", "w", encoding="ascii") as file:
        file.write("\n".join(out) + "\n")
    run("promtool", "tsdb", "create-blocks-from", "openmetrics", f"{WORK}/history",
        f"{WORK}/tsdb")


def many():
    """A directory with as many tags as there may be."""
    shutil.copytree(FILES, f"{WORK}/many")
    with open(f"{WORK}/many/tags", "w", encoding="ascii") as tags:
        tags.write(f"tags - version: 1.1\n# rows {MANY} allocs 0\n#tag ...\n")
        for number in range(MANY):
            tags.write(f"{number:04x} Nonp 9 1 8 {number} {number + 16} 10 90 1 -\n")
    return f"{WORK}/many"


class Fleet:
    """poolmon thrice, a node_exporter, and the Prometheus that reads them."""

    def __init__(self):
        ring(5 << 20)
        os.mkdir(f"{WORK}/textfile")
        os.mkdir(f"{WORK}/none")
        poolmon("export", "-o", f"{WORK}/textfile/rust_pool.prom")
        self.node = f"127.0.0.1:{free_port()}"
        with open(f"{WORK}/node.log", "w", encoding="utf-8") as log:
            start("prometheus-node-exporter", "--collector.disable-defaults",
                  "--collector.textfile", f"--collector.textfile.directory={WORK}/textfile",
                  f"--web.listen-address={self.node}", stderr=log, stdout=log)
        self.one, self.big = serve(FILES), serve(many(), "--top", str(TOP))
        self.none = serve(f"{WORK}/none")
        backfill(self.one)
        # On a busy host a scrape of so many tags takes its time.
        self.prometheus = Prometheus([("rust_pool", 2, [self.one, self.none]),
                                      ("many", 20, [self.big]), ("node", 2, [self.node])])

    def is_scraped(self):
        """The targets are up, by OpenMetrics, and the numbers are those of the files."""
        ask = self.prometheus
        for target in self.one, self.big, self.node:
            ask.wait(f"{target} is up", lambda: ask.value(f'up{{instance="{target}"}}') == 1)
        expected = {
            'rust_pool_tag_bytes{tag="Ring"}': 5 << 20,
            'rust_pool_tag_bytes{tag="-",type="contiguous"}': 18192,
            'rust_pool_tag_used_bytes{tag="Cfg",type="paged",module="rust_client"}': 512,
            'rust_pool_tag_blocks{tag="EExt"}': 1,
            'rust_pool_tag_peak_bytes{tag="ECfg"}': 500,
            'rust_pool_tag_allocations_total{tag="Cfg"}': 8,
            'rust_pool_tag_frees_total{tag="Cfg"}': 7,
            'rust_pool_tag_failures_total{tag="Cfg"}': 0,
            'rust_pool_allocations_total{type="paged"}': 9,
            'rust_pool_rows{shown="own"}': 7,
            'rust_pool_bytes{use="in_use"}': 42944,
            'rust_pool_violations_total': 0,
        }
        for target in self.one, self.node:
            for name, value in expected.items():
                place = f'instance="{target}"'
                name = name.replace("{", "{" + place + ",") if "{" in name \
                    else name + "{" + place + "}"
                found = ask.value(name)
                wants(found == value, f"{name} is {found}, not {value}")
        kinds = {row["type"] for row in ask.ask("metadata", metric="rust_pool_tag_frees")[
            "rust_pool_tag_frees"]}
        wants(kinds == {"counter"}, f"rust_pool_tag_frees is {kinds}")

    def tens_of_thousands(self):
        """What Prometheus gets is bounded, and the sums are those of all."""
        ask, place = self.prometheus, f'instance="{self.big}"'
        samples = ask.value(f"scrape_samples_scraped{{{place}}}")
        wants(TOP * 7 <= samples < TOP * 7 + 60, f"{samples} samples")
        total = sum(range(MANY))
        found = ask.value(f'sum(rust_pool_tag_bytes{{{place},type="nonpaged"}})')
        wants(found == total, f"{found} bytes, not {total}")
        found = ask.value(f'rust_pool_failures_total{{{place},type="nonpaged"}}')
        wants(found == MANY, f"{found} failures, not {MANY}")
        found = ask.value(f'rust_pool_rows{{{place},shown="summed"}}')
        wants(found > MANY - TOP, f"{found} rows are summed")
        took = ask.value(f"scrape_duration_seconds{{{place}}}")
        print(f"# {MANY} tags, {samples:.0f} samples: a scrape took {took:.3f} s")

    def unread(self):
        """Where there is nothing to read, the target is down, and poolmon says why."""
        ask = self.prometheus
        ask.wait("the target is down", lambda: ask.value(f'up{{instance="{self.none}"}}') == 0)
        told = [target["lastError"] for target in ask.ask("targets")["activeTargets"]
                if target["labels"]["instance"] == self.none]
        wants("503" in told[0], told)
        try:
            with urllib.request.urlopen(f"http://{self.none}/metrics", timeout=60):
                raise Wrong("it was served")
        except urllib.error.HTTPError as error:
            said = error.read().decode()
        wants("/none/tags: No such file" in said, said)

    def only_loopback(self):
        """By default nobody else can read it."""
        until = time.monotonic() + PATIENCE
        while True:
            child = start(POOLMON, "--dir", FILES, "export", "--listen", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
            said = child.stdout.readline()
            # A test of another checkout may have the port for a moment.
            if said or time.monotonic() > until:
                break
            said = child.stderr.read()
            wants("Address already in use" in said, said)
            time.sleep(0.2)
        wants(said == "serving http://127.0.0.1:9838/metrics\n", said)
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            listening = [line.split()[1] for line in sockets if line.split()[3] == "0A"]
        wants("0100007F:266E" in listening, listening)
        wants("00000000:266E" not in listening, listening)
        child.send_signal(signal.SIGTERM)
        child.wait()

    def quiet(self):
        """Nothing but growth fires before there is a reason."""
        ask = self.prometheus
        for name in "RustPoolRuleBroken", "RustPoolStale":
            wants(not ask.firing(name), f"{name} fires: {ask.firing(name)}")
        told = [alert["labels"]["instance"] for alert in ask.firing("RustPoolRequestsFail")]
        # That one begins with failures.
        wants(set(told) <= {self.big}, told)

    def growth_fires(self):
        """Ring has grown for two hours, and still does."""
        ask = self.prometheus
        told = ask.wait("RustPoolTagGrows", lambda: ask.firing("RustPoolTagGrows"))
        labels = [(alert["labels"]["instance"], alert["labels"]["tag"]) for alert in told]
        wants(labels == [(self.one, "Ring")], labels)
        wants("c_client used it first" in told[0]["annotations"]["description"], told)

    def failures_fire(self):
        """Three requests of one tag fail."""
        ask = self.prometheus
        change("tags", r"^(Cfg  Paged( +\S+){7} +)0 ", r"\g<1>3 ")
        told = ask.wait("RustPoolRequestsFail", lambda: [
            alert for alert in ask.firing("RustPoolRequestsFail")
            if alert["labels"]["instance"] == self.one])
        wants([alert["labels"]["type"] for alert in told] == ["paged"], told)
        # The text is made anew with each evaluation; the tag's own sample is of the same scrape.
        wants("Of tag Cfg" in told[0]["annotations"]["description"], told)

    def violations_fire(self):
        """A rule is broken."""
        ask = self.prometheus
        change("violations", "^# reported 0", "# reported 1")
        told = ask.wait("RustPoolRuleBroken", lambda: ask.firing("RustPoolRuleBroken"))
        wants([alert["labels"]["instance"] for alert in told] == [self.one], told)

    def stale_fires(self):
        """The timer that writes the file for node_exporter has stopped."""
        ask = self.prometheus
        old = time.time() - 1000
        os.utime(f"{WORK}/textfile/rust_pool.prom", (old, old))
        told = ask.wait("RustPoolStale", lambda: ask.firing("RustPoolStale"))
        wants([alert["labels"]["instance"] for alert in told] == [self.node], told)

    def dashboard(self):
        """Each expression of each panel has data in Prometheus, at one time and over time."""
        with open(f"{FLEET}/dashboard.json", encoding="ascii") as file:
            board = json.load(file)
        values = {"__range": "1h", "__rate_interval": "1m"}
        for variable in board["templating"]["list"]:
            if variable["type"] == "datasource":
                values[variable["name"]] = "datasource"
                continue
            values[variable["name"]] = self.values(variable, values)
        taken = set()
        for panel in board["panels"]:
            title = panel["title"]
            wants(panel["description"] and panel["targets"], f"{title}: it lacks something")
            at = panel["gridPos"]
            cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                     for y in range(at["y"], at["y"] + at["h"])}
            wants(not cells & taken and at["x"] + at["w"] <= 24, f"{title}: it overlaps")
            taken |= cells
            for target in panel["targets"]:
                wants(target["datasource"]["uid"] == "${datasource}", f"{title}: its datasource")
                self.has_data(title, target, filled(target["expr"], values))
        ids = [panel["id"] for panel in board["panels"]]
        wants(len(ids) == len(set(ids)), f"panels {ids}")
        print(f"# {len(ids)} panels")

    def values(self, variable, values):
        """What a variable stands for, if all is chosen: what it finds, as a regex of them."""
        query = filled(variable["query"]["query"], values)
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
        wants(match, query)
        found = self.prometheus.ask(f"label/{match[2]}/values", **{"match[]": match[1]})
        wants(found, f"{query}: nothing")
        # As Grafana does with several values, in a string of PromQL.
        return "(" + "|".join(re.sub(r"([\\^$*+?.()|\[\]{}])", r"\\\\\1", value)
                              for value in found) + ")"

    def has_data(self, title, target, expr):
        """By the queries that Grafana makes of it."""
        ask, now = self.prometheus, time.time()
        wants("$" not in expr, f"{title}: {expr}: a variable that is not there")
        wants(ask.query(expr), f"{title}: no data at once: {expr[:200]}")
        for rows in ask.query(expr):
            for label in re.findall(r"{{(\w+)}}", target.get("legendFormat", "")):
                if label != "module":
                    wants(label in dict(rows), f"{title}: its legend has {label}, and not {rows}")
        if not target.get("instant"):
            found = ask.ask("query_range", query=expr, start=now - 60, end=now, step=5)["result"]
            wants(found, f"{title}: no data over time: {expr[:200]}")


def filled(text, values):
    """A query with what its variables stand for."""
    for name, value in values.items():
        text = text.replace(f"${name}", value)
    return text


def case(name, function):
    """One line of the result."""
    try:
        function()
        print(f"ok {name}", flush=True)
        return True
    except (AssertionError, KeyError, OSError, Wrong) as wrong:
        for line in f"{type(wrong).__name__}: {wrong}".splitlines():
            print(f"# {line}")
        print(f"not ok {name}", flush=True)
        return False


def main():
    """All cases."""
    fleet = []
    case("promtool accepts the metrics", metrics)
    case("rules do what their examples say", rules_are_right)
    if not case("poolmon and Prometheus start", lambda: fleet.append(Fleet())):
        return
    for name, function in (
            ("numbers are those of the files", fleet[0].is_scraped),
            ("tens of thousands of tags are bounded", fleet[0].tens_of_thousands),
            ("a reader that cannot read says so", fleet[0].unread),
            ("it listens on loopback by default", fleet[0].only_loopback),
            ("growth fires", fleet[0].growth_fires),
            ("no other alert fires", fleet[0].quiet),
            ("failed requests fire", fleet[0].failures_fire),
            ("violations fire", fleet[0].violations_fire),
            ("an old file fires", fleet[0].stale_fires),
            ("dashboard shows it", fleet[0].dashboard)):
        case(name, function)


try:
    main()
finally:
    for process in started:
        process.kill()
    for process in started:
        process.wait()

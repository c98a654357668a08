// SPDX-License-Identifier: GPL-2.0

//! The numbers for Prometheus: as text for node_exporter's textfile collector, or served.

use crate::{
    error::Result,
    parse::violations,
    pooltag::PoolTags,
    select::Filter,
    snapshot::{Row, Snapshot},
    source::Source,
};
use clap::ValueEnum;
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Prometheus's own text, which node_exporter reads
    Prometheus,
    /// OpenMetrics 1.0
    Openmetrics,
}

impl Form {
    /// As an HTTP header has it.
    fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::Openmetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What is exported.
pub struct Export<'a> {
    /// The rows.
    pub filter: &'a Filter,
    /// How many rows have samples of their own; the others are summed.
    pub top: usize,
}

/// How a number changes.
enum Course {
    /// It rises and falls.
    Gauge,
    /// It only rises. So does its sum over all rows of a type, which is the metric `of_all`. There
    /// is no sum of the rows without samples of their own: rows come and go there, so it would
    /// fall.
    Counter { of_all: &'static str },
}

/// A metric that each row has.
struct Metric {
    name: &'static str,
    help: &'static str,
    course: Course,
    of: fn(&Row) -> Option<i128>,
}

const METRICS: [Metric; 7] = [
    Metric {
        name: "rust_pool_tag_bytes",
        help: "Bytes live, as asked for",
        course: Course::Gauge,
        of: |row| Some(row.bytes.into()),
    },
    Metric {
        name: "rust_pool_tag_used_bytes",
        help: "Bytes live, as taken",
        course: Course::Gauge,
        of: |row| Some(row.used.into()),
    },
    Metric {
        name: "rust_pool_tag_blocks",
        help: "Blocks live",
        course: Course::Gauge,
        of: |row| Some(row.diff.into()),
    },
    Metric {
        name: "rust_pool_tag_peak_bytes",
        help: "The most bytes that ever were live",
        course: Course::Gauge,
        of: |row| row.peak.map(i128::from),
    },
    Metric {
        name: "rust_pool_tag_allocations",
        help: "Allocations since rust_pool was loaded",
        course: Course::Counter {
            of_all: "rust_pool_allocations",
        },
        of: |row| Some(row.allocs.into()),
    },
    Metric {
        name: "rust_pool_tag_frees",
        help: "Frees since rust_pool was loaded",
        course: Course::Counter {
            of_all: "rust_pool_frees",
        },
        of: |row| Some(row.frees.into()),
    },
    Metric {
        name: "rust_pool_tag_failures",
        help: "Requests that failed since rust_pool was loaded",
        course: Course::Counter {
            of_all: "rust_pool_failures",
        },
        of: |row| Some(row.failures.into()),
    },
];

/// A text that grows.
struct Page {
    text: String,
    form: Form,
}

impl Page {
    /// Begins a metric, and returns the name of its samples.
    fn metric(&mut self, name: &str, help: &str, is_counter: bool) -> String {
        let sample = if is_counter {
            format!("{name}_total")
        } else {
            name.to_owned()
        };
        let family = match self.form {
            Form::Prometheus => &sample,
            Form::Openmetrics => name,
        };
        let kind = if is_counter { "counter" } else { "gauge" };
        self.text
            .push_str(&format!("# HELP {family} {help}\n# TYPE {family} {kind}\n"));
        sample
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: i128) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.as_slice() {
            [] => String::new(),
            _ => format!("{{{}}}", labels.join(",")),
        };
        self.text.push_str(&format!("{name}{labels} {value}\n"));
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// The rows that are exported.
struct Bounded<'a> {
    /// Those with samples of their own, which have the most bytes.
    own: Vec<&'a Row>,
    /// The sums of the others, one of each type.
    rest: Vec<Row>,
    /// How many others there are.
    summed: usize,
    /// The sums of all, one of each type.
    all: Vec<Row>,
}

/// The sum of the rows of each type, under this name.
fn sums<'a>(name: &str, rows: impl IntoIterator<Item = &'a Row>) -> Vec<Row> {
    let mut sums = BTreeMap::new();
    for row in rows {
        match sums.get_mut(&row.kind) {
            Some(sum) => Row::add(sum, row),
            None => {
                sums.insert(row.kind, row.clone());
            }
        }
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    for sum in &mut sums {
        sum.tag = name.to_owned();
        // Peaks of several tags do not add up.
        (sum.peak, sum.module) = (None, None);
    }
    sums
}

impl Export<'_> {
    fn bounded<'b>(&self, snapshot: &'b Snapshot) -> Bounded<'b> {
        let shown = snapshot.rows.iter().filter(|row| self.filter.has(row));
        let mut own: Vec<_> = shown.collect();
        let all = sums("(all)", own.iter().copied());
        own.sort_by_cached_key(|row| (Reverse(row.bytes), row.key()));
        let others = own.split_off(self.top.min(own.len()));
        Bounded {
            own,
            summed: others.len(),
            rest: sums("(rest)", others),
            all,
        }
    }

    /// The text.
    pub fn text(&self, source: &Source, tags: &PoolTags, form: Form) -> Result<String> {
        let mut snapshot = Snapshot::take(source)?;
        snapshot.describe(tags);
        let broken = match source.read_if_copied("violations")? {
            Some(text) => Some(violations::parse(&source.path("violations"), &text)?.reported),
            None => None,
        };
        Ok(self.page(&snapshot, broken, form))
    }

    fn page(&self, snapshot: &Snapshot, broken: Option<u64>, form: Form) -> String {
        let rows = self.bounded(snapshot);
        let mut page = Page {
            text: String::new(),
            form,
        };
        for metric in &METRICS {
            let (is_counter, rest) = match metric.course {
                Course::Gauge => (false, rows.rest.as_slice()),
                Course::Counter { .. } => (true, &[][..]),
            };
            let name = page.metric(metric.name, metric.help, is_counter);
            for row in rows.own.iter().copied().chain(rest) {
                let Some(value) = (metric.of)(row) else {
                    continue;
                };
                let module = row.module.as_deref().unwrap_or("");
                let labels = [
                    ("tag", row.tag.as_str()),
                    ("type", row.kind.name()),
                    ("module", module),
                ];
                page.sample(&name, &labels, value);
            }
        }
        for metric in &METRICS {
            let Course::Counter { of_all } = metric.course else {
                continue;
            };
            let name = page.metric(of_all, &format!("{}, of all tags", metric.help), true);
            for row in &rows.all {
                if let Some(value) = (metric.of)(row) {
                    page.sample(&name, &[("type", row.kind.name())], value);
                }
            }
        }
        let name = page.metric(
            "rust_pool_rows",
            "Rows of tags, by how they are shown",
            false,
        );
        for (shown, rows) in [("own", rows.own.len()), ("summed", rows.summed)] {
            // No table of the kernel is that long.
            page.sample(
                &name,
                &[("shown", shown)],
                rows.try_into().unwrap_or(i128::MAX),
            );
        }
        if let Some(all) = snapshot.summary {
            let name = page.metric("rust_pool_bytes", "What rust_pool holds, by use", false);
            for (what, bytes) in [
                ("in_use", all.in_use),
                ("ready", all.ready),
                ("verifier", all.verifier),
                ("overhead", all.overhead),
            ] {
                page.sample(&name, &[("use", what)], bytes.into());
            }
        }
        if let Some(broken) = broken {
            let help = "Rules of the WDK that were broken since rust_pool was loaded";
            let name = page.metric("rust_pool_violations", help, true);
            page.sample(&name, &[], broken.into());
        }
        if form == Form::Openmetrics {
            page.text.push_str("# EOF\n");
        }
        page.text
    }
}

/// How long a client may take to ask, and then to read, and how long its request may be.
const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST: usize = 8192;

/// How many clients are answered at one time. Others are sent away.
const CLIENTS: usize = 8;

/// How long to wait if a connection cannot be accepted, as when too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers each request with the text, for ever. If a client goes away or is slow, that is not
/// reported, and no other client waits for it.
pub fn serve(listener: &TcpListener, text: impl Fn(Form) -> Result<String> + Sync) {
    let text = &text;
    let clients = Arc::new(());
    thread::scope(|scope| loop {
        let Ok((stream, _)) = listener.accept() else {
            thread::sleep(PAUSE);
            continue;
        };
        let client = Arc::clone(&clients);
        // One reference is that of `clients`.
        if Arc::strong_count(&client) <= CLIENTS + 1 {
            // If no thread can be made, the client sees the connection closed.
            let _ = thread::Builder::new().spawn_scoped(scope, move || {
                let _ = answer(stream, text);
                drop(client);
            });
        }
    });
}

/// What is left of the time.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

/// Reads a request, as far as the end of its head.
fn request(stream: &mut TcpStream) -> io::Result<String> {
    let until = Instant::now() + PATIENCE;
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left(until)?))?;
        let mut part = [0; 1024];
        let bytes = stream.read(&mut part)?;
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend(part.iter().take(bytes));
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Writes all of it, but not longer than a client may take.
fn send(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let until = Instant::now() + PATIENCE;
    while !bytes.is_empty() {
        stream.set_write_timeout(Some(left(until)?))?;
        let sent = stream.write(bytes)?;
        if sent == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(sent..).unwrap_or_default();
    }
    Ok(())
}

fn answer(mut stream: TcpStream, text: impl Fn(Form) -> Result<String>) -> io::Result<()> {
    let head = request(&mut stream)?;
    let mut words = head.split_whitespace();
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let form = if head.contains("application/openmetrics-text") {
        Form::Openmetrics
    } else {
        Form::Prometheus
    };
    let plain = "text/plain; charset=utf-8";
    let (status, kind, body) = if method != "GET" && method != "HEAD" {
        (
            "405 Method Not Allowed",
            plain,
            "GET is what there is\n".to_owned(),
        )
    } else if path.split('?').next() != Some("/metrics") {
        (
            "404 Not Found",
            plain,
            "the numbers are in /metrics\n".to_owned(),
        )
    } else {
        match text(form) {
            Ok(text) => ("200 OK", form.content_type(), text),
            Err(error) => ("503 Service Unavailable", plain, format!("{error}\n")),
        }
    };
    let length = body.len();
    let body = if method == "HEAD" { "" } else { &body };
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    send(&mut stream, reply.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn snapshot() -> Snapshot {
        let text = "tags - version: 1.1\n# rows 3 allocs 0\n#\n\
            Ring Nonp 9 1 8 80 160 10 90 0 a+0x1/0x2 [one]\n\
            a\"b\\ Nonp 5 5 0 1 1 0 500 2 b+0x1/0x2 [two]\n\
            Abcd Nonp 7 1 6 600 600 100 600 1 -\n\
            Wxyz Paged 7 1 6 60 60 10 600 1 -\n";
        Snapshot::of_tags("tags", text).unwrap()
    }

    fn page(top: usize, form: Form) -> String {
        let filter = &Filter::default();
        Export { filter, top }.page(&snapshot(), Some(3), form)
    }

    #[test]
    fn prometheus() {
        let page = page(10, Form::Prometheus);
        assert!(page.contains("# TYPE rust_pool_tag_allocations_total counter\n"));
        assert!(page
            .contains("rust_pool_tag_bytes{tag=\"Ring\",type=\"nonpaged\",module=\"one\"} 80\n"));
        assert!(page.contains("{tag=\"a\\\"b\\\\\",type="));
        assert!(page.contains("\nrust_pool_violations_total 3\n"));
        assert!(!page.contains("EOF"));
    }

    #[test]
    fn openmetrics() {
        let page = page(10, Form::Openmetrics);
        assert!(page.contains("# TYPE rust_pool_tag_allocations counter\n"));
        assert!(page.contains("\nrust_pool_tag_allocations_total{tag=\"Ring\""));
        assert!(page.ends_with("\n# EOF\n"));
    }

    /// The value of a sample.
    fn value(page: &str, sample: &str) -> Option<i64> {
        let lines = page.lines().filter_map(|line| line.rsplit_once(' '));
        let mut values = lines.filter(|(name, _)| *name == sample);
        values.next().map(|(_, value)| value.parse().unwrap())
    }

    #[test]
    fn bounded() {
        let text = page(1, Form::Prometheus);
        assert!(text.contains("rust_pool_tag_bytes{tag=\"Abcd\""));
        assert!(!text.contains("Ring"));
        let rest = |kind| {
            let sample =
                format!("rust_pool_tag_bytes{{tag=\"(rest)\",type=\"{kind}\",module=\"\"}}");
            value(&text, &sample)
        };
        assert_eq!((rest("nonpaged"), rest("paged")), (Some(81), Some(60)));
        let sum = |page: &str| {
            let of = |line: &str| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap();
            let lines = page
                .lines()
                .filter(|line| line.starts_with("rust_pool_tag_bytes{"));
            lines.map(of).sum::<i64>()
        };
        assert_eq!(sum(&text), sum(&page(100, Form::Prometheus)));
        let rows = |shown| value(&text, &format!("rust_pool_rows{{shown=\"{shown}\"}}"));
        assert_eq!((rows("own"), rows("summed")), (Some(1), Some(3)));
        let text = page(100, Form::Prometheus);
        assert!(!text.contains("(rest)"));
        assert_eq!(value(&text, "rust_pool_rows{shown=\"summed\"}"), Some(0));
    }

    /// A counter that falls counts as one that begins anew.
    #[test]
    fn counters_do_not_depend_on_what_is_shown() {
        for top in [0, 1, 2, 100] {
            let text = page(top, Form::Prometheus);
            let counters = text.lines().filter(|line| line.contains("_total{"));
            assert!(!counters.into_iter().any(|line| line.contains("(rest)")));
            let all =
                |name, kind| value(&text, &format!("rust_pool_{name}_total{{type=\"{kind}\"}}"));
            assert_eq!(all("failures", "nonpaged"), Some(3), "{top}");
            assert_eq!(all("failures", "paged"), Some(1), "{top}");
            assert_eq!(all("allocations", "nonpaged"), Some(21), "{top}");
            assert_eq!(all("frees", "nonpaged"), Some(7), "{top}");
        }
    }

    #[test]
    fn tens_of_thousands_of_tags() {
        let mut text = "tags - version: 1.1\n# rows 40000 allocs 0\n#\n".to_owned();
        for tag in 0..40000 {
            text.push_str(&format!("{tag:04x} Nonp 9 1 8 {tag} 160 10 90 0 -\n"));
        }
        let snapshot = Snapshot::of_tags("tags", &text).unwrap();
        let filter = &Filter::default();
        let page = Export { filter, top: 100 }.page(&snapshot, None, Form::Openmetrics);
        assert!(page.lines().count() < 100 * METRICS.len() + 60);
        assert_eq!(
            value(&page, "rust_pool_rows{shown=\"summed\"}"),
            Some(39900)
        );
        let all = "rust_pool_allocations_total{type=\"nonpaged\"}";
        assert_eq!(value(&page, all), Some(360_000));
    }

    #[test]
    fn a_slow_client_keeps_no_other() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || serve(&listener, |_| Ok("text\n".to_owned())));
        let slow = TcpStream::connect(address).unwrap();
        let mut other = TcpStream::connect(address).unwrap();
        let asked = Instant::now();
        other.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
        let mut reply = String::new();
        other.read_to_string(&mut reply).unwrap();
        assert!(reply.ends_with("\r\n\r\ntext\n"));
        assert!(asked.elapsed() < PATIENCE / 2);
        drop(slow);
    }

    #[test]
    fn served() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            serve(&listener, |form| match form {
                Form::Prometheus => Ok("plain\n".to_owned()),
                Form::Openmetrics => Err(Error::NotLoaded),
            })
        });
        let ask = |request: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            reply
        };
        let reply = ask("GET /metrics HTTP/1.1\r\n\r\n");
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"));
        assert!(reply.ends_with("\r\n\r\nplain\n"));
        assert!(ask("HEAD /metrics HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));
        let accept = "Accept: application/openmetrics-text;version=1.0.0";
        let reply = ask(&format!("GET /metrics HTTP/1.1\r\n{accept}\r\n\r\n"));
        assert!(reply.starts_with("HTTP/1.1 503"));
        assert!(reply.contains("rust_pool is not loaded"));
        assert!(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
    }
}

// SPDX-License-Identifier: GPL-2.0

//! The command line.

use crate::{
    advice::Advices,
    diff::Changes,
    error::{status, Error, Result},
    export::{self, Export, Form},
    number, output,
    pooltag::{self, PoolTags},
    replace,
    select::{Filter, Sort},
    snapshot::{Row, Snapshot},
    source::{Source, System},
    ui::{self, state::State, Feed},
    watch::Watch,
};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::{
    io::{self, IsTerminal},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

const STATUSES: &str = "\
Exit status:
  0   success
  1   a tag grew by more than the limit (watch, diff --limit)
  2   the command line is wrong
  3   rust_pool is not loaded
  4   debugfs is not mounted, or has no files of rust_pool
  5   the reader is not root
  6   the kernel is locked down
  7   a file has a format that this version does not read
  8   a file is not what its first line says
  9   something cannot be read, written or started
  10  the command that watch ran has failed";

/// Shows what the tags of rust_pool hold, as PoolMon does on Windows
#[derive(Debug, Parser)]
#[command(name = "poolmon", version, after_help = STATUSES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    shown: Shown,

    #[command(flatten)]
    filter: Filter,

    /// Print one table, and end; so it does where there is no terminal
    #[arg(short = 'n', long)]
    snapshot: bool,

    /// Sort by this, the largest first [default: bytes]
    #[arg(short, long, value_name = "COLUMN")]
    sort: Option<Sort>,

    /// Turn the order around
    #[arg(short, long)]
    reverse: bool,

    /// Only so many rows
    #[arg(long, value_name = "N")]
    top: Option<usize>,

    /// How often the screen is read anew [default: 2]
    #[arg(long = "interval", value_name = "SECONDS", value_parser = seconds)]
    interval: Option<Duration>,

    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// What all subcommands have.
#[derive(Args, Debug)]
struct Shown {
    /// Read the files, or copies of them, in this directory instead of debugfs
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,

    /// Owners and descriptions of tags; else /etc/rust_pool/pooltag.txt, if there is such
    #[arg(long, value_name = "FILE", global = true)]
    pooltag: Option<PathBuf>,

    /// Sizes in K, M and G
    #[arg(short = 'H', long, global = true)]
    human: bool,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare two snapshots, or one with what is now
    ///
    /// A snapshot is what --json printed, a copy of the file tags, or a directory with copies of
    /// the files in debugfs.
    Diff {
        /// The snapshot before
        before: PathBuf,
        /// The snapshot after; without it, what is now
        after: Option<PathBuf>,
        /// Exit with status 1 if a tag grew by more than this (4096, 4K, 1M)
        #[arg(long, value_name = "BYTES", value_parser = number::parse_size)]
        limit: Option<i64>,
    },
    /// Say what would save memory: parts of pages that are lost, blocks that a lookaside list would
    /// serve, tags that tell nobody apart
    Advice,
    /// Print the numbers for Prometheus, or serve them
    Export {
        /// So many rows of their own, those with the most bytes; the others are summed
        #[arg(long, value_name = "N", default_value = "1000")]
        top: usize,
        /// The form, unless they are served
        #[arg(long, value_name = "FORM", default_value = "prometheus")]
        form: Form,
        /// Put them in this file at once, as node_exporter's textfile collector wants it
        #[arg(short, long, value_name = "FILE", conflicts_with = "listen")]
        output: Option<PathBuf>,
        /// Serve them by HTTP at this address, as /metrics, for ever
        #[arg(
            long,
            value_name = "ADDRESS",
            num_args = 0..=1,
            default_missing_value = "127.0.0.1:9838"
        )]
        listen: Option<SocketAddr>,
    },
    /// Print pooltag.txt with an entry for each tag that it lacks
    ///
    /// It begins with the file that --pooltag names, or with the usual one, as it is. The driver of
    /// a new entry is the module that used the tag first.
    Pooltag {
        /// Put it in this file, which may be the same
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// The directory to put them in
        dir: PathBuf,
    },
    /// Watch tags, and exit with status 1 when one has grown
    ///
    /// With a command it runs that, and compares what is live before and after. Without one it
    /// looks again and again, until a tag has grown or the time is over.
    Watch {
        /// By how many live bytes each tag may grow (4096, 4K, 1M)
        #[arg(long, value_name = "BYTES", default_value = "0", value_parser = number::parse_size)]
        limit: i64,
        /// How often to look
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        interval: Duration,
        /// For how long; without it, until a tag grows
        #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
        lasts: Option<Duration>,
        /// A command to run meanwhile
        #[arg(last = true, conflicts_with_all = ["interval", "lasts"])]
        command: Vec<String>,
    },
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| *time >= Duration::from_millis(10) && *time < Duration::from_secs(1 << 32))
        .ok_or_else(|| "it is no number of seconds: 1 and 0.5 are".to_owned())
}

impl Shown {
    fn source(&self) -> Result<Source> {
        match &self.dir {
            Some(dir) => Ok(Source::named(dir)),
            None => Source::live(System::here()),
        }
    }

    fn tags(&self) -> Result<PoolTags> {
        PoolTags::read(self.pooltag.as_deref())
    }

    fn now(&self) -> Result<Snapshot> {
        let mut snapshot = Snapshot::take(&self.source()?)?;
        snapshot.describe(&self.tags()?);
        Ok(snapshot)
    }
}

impl Cli {
    /// Does what was asked for, and returns the exit status.
    pub fn run(&self) -> Result<u8> {
        let of_snapshot = self.snapshot
            || self.csv
            || self.reverse
            || self.top.is_some()
            || self.sort.is_some()
            || self.interval.is_some();
        if self.command.is_some() && of_snapshot {
            let what = "-n, --csv, --sort, --reverse and --top are for a snapshot alone, and \
                        --interval in front of a command for the screen";
            return Err(Error::Usage(what.to_owned()));
        }
        match &self.command {
            None if self.is_for_screen() => self.screen(),
            None => self.print_snapshot(),
            Some(Command::Diff {
                before,
                after,
                limit,
            }) => {
                let load = |path: &PathBuf| -> Result<Snapshot> {
                    let mut snapshot = Snapshot::load(path)?;
                    snapshot.describe(&self.shown.tags()?);
                    Ok(snapshot)
                };
                let before = load(before)?;
                let after = after.as_ref().map_or_else(|| self.shown.now(), load)?;
                self.diff(&before, &after, *limit)
            }
            Some(Command::Advice) => {
                let advice =
                    Advices::read(&self.shown.source()?, &self.shown.tags()?, &self.filter)?;
                output::print(&if self.shown.json {
                    advice.json()?
                } else {
                    advice.text(self.shown.human)
                })?;
                Ok(0)
            }
            Some(Command::Pooltag { output }) => self.pooltag(output.as_deref()),
            Some(Command::Export {
                top,
                form,
                output,
                listen,
            }) => self.export(*top, *form, output.as_deref(), *listen),
            Some(Command::Completions { shell }) => {
                let mut text = Vec::new();
                clap_complete::generate(*shell, &mut Self::command(), "poolmon", &mut text);
                output::print(&String::from_utf8_lossy(&text))?;
                Ok(0)
            }
            Some(Command::Man { dir }) => clap_mangen::generate_to(Self::command(), dir)
                .map(|()| 0)
                .map_err(|error| Error::Io(dir.display().to_string(), error)),
            Some(Command::Watch {
                limit,
                interval,
                lasts,
                command,
            }) => {
                if self.shown.json {
                    return Err(Error::Usage("watch prints no JSON".to_owned()));
                }
                let watch = Watch {
                    source: &self.shown.source()?,
                    tags: &self.shown.tags()?,
                    filter: &self.filter,
                    limit: *limit,
                };
                if command.is_empty() {
                    watch.look(*interval, *lasts)
                } else {
                    watch.run(command)
                }
            }
        }
    }

    fn is_for_screen(&self) -> bool {
        let printed = self.snapshot || self.shown.json || self.csv || self.top.is_some();
        !printed && io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    fn screen(&self) -> Result<u8> {
        let feed = Feed {
            dir: self.shown.dir.as_deref(),
            tags: &self.shown.tags()?,
        };
        let filter = self.filter.clone();
        let sort = self.sort.unwrap_or(Sort::Bytes);
        let state = State::new(filter, sort, self.reverse, self.shown.human);
        let interval = self.interval.unwrap_or(Duration::from_secs(2));
        ui::run(&feed, state, interval).map(|()| 0)
    }

    fn export(
        &self,
        top: usize,
        form: Form,
        file: Option<&Path>,
        listen: Option<SocketAddr>,
    ) -> Result<u8> {
        if self.shown.json {
            return Err(Error::Usage("export prints no JSON".to_owned()));
        }
        let export = Export {
            filter: &self.filter,
            top,
        };
        let tags = self.shown.tags()?;
        let text = |form| export.text(&self.shown.source()?, &tags, form);
        if let Some(address) = listen {
            let wrong = |error| Error::Io(address.to_string(), error);
            let listener = TcpListener::bind(address).map_err(wrong)?;
            let address = listener.local_addr().map_err(wrong)?;
            output::print(&format!("serving http://{address}/metrics\n"))?;
            export::serve(&listener, text);
            return Ok(0);
        }
        match file {
            Some(file) => replace::replace(file, text(form)?.as_bytes())?,
            None => output::print(&text(form)?)?,
        }
        Ok(0)
    }

    fn pooltag(&self, file: Option<&Path>) -> Result<u8> {
        if self.shown.json {
            return Err(Error::Usage("pooltag prints no JSON".to_owned()));
        }
        let named = self.shown.pooltag.as_deref();
        let before = pooltag::bytes(named.unwrap_or(Path::new(pooltag::USUAL)))?;
        let mut snapshot = Snapshot::take(&self.shown.source()?)?;
        snapshot.describe(&PoolTags::of(before.as_deref().unwrap_or_default()));
        let rows = snapshot.rows.into_iter().filter(|row| self.filter.has(row));
        let after = pooltag::completed(before.as_deref(), &rows.collect::<Vec<_>>());
        match file {
            Some(file) => replace::replace(file, &after)?,
            None => output::print_bytes(&after)?,
        }
        Ok(0)
    }

    fn print_snapshot(&self) -> Result<u8> {
        let snapshot = self.shown.now()?;
        let rows = self.rows(&snapshot);
        output::print(&if self.shown.json {
            output::json(&snapshot, &rows)?
        } else if self.csv {
            output::csv(&rows)
        } else {
            output::table(&snapshot, &rows, self.shown.human)
        })?;
        Ok(0)
    }

    /// The rows that are shown, in order.
    fn rows<'a>(&self, snapshot: &'a Snapshot) -> Vec<&'a Row> {
        let shown = snapshot.rows.iter().filter(|row| self.filter.has(row));
        let mut rows: Vec<_> = shown.collect();
        let sort = self.sort.unwrap_or(Sort::Bytes);
        rows.sort_by(|a, b| sort.compare(a, b));
        if self.reverse {
            rows.reverse();
        }
        rows.truncate(self.top.unwrap_or(usize::MAX));
        rows
    }

    fn diff(&self, before: &Snapshot, after: &Snapshot, limit: Option<i64>) -> Result<u8> {
        let changes = Changes::between(before, after, |row| self.filter.has(row));
        output::print(&if self.shown.json {
            changes.json()?
        } else {
            changes.table(self.shown.human)
        })?;
        let grew = |limit: i64| changes.rows.iter().any(|row| row.bytes > limit.into());
        Ok(if limit.is_some_and(grew) {
            status::GREW
        } else {
            0
        })
    }
}

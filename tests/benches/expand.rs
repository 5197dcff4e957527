//! What `cellc expand --format json` costs as an organization grows, beside the floor: a program that knows the
//! same records beforehand and only builds and writes them. `cargo bench -p cell-tests --bench expand` prints a table
//! and one line of JSON; absolute numbers are the machine's, ratios are of one run, in which the two take turns. Before it,
//! what a start costs and a `check` of three hundred cells.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::cast_precision_loss)]

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use cell_tests::fleet;
use serde_json::{Value as Json, json};
use wait4::Wait4 as _;

/// Cells of an organization, and how often each program is run on it.
const SIZES: [(usize, usize); 4] = [(1, 21), (100, 15), (1_000, 9), (10_000, 5)];

/// Where the document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    /// Thrown away by the kernel: what is left is the programs' own work.
    Null,
    /// Read by this process as fast as it can, on one of the cores.
    Pipe,
    /// A file in the folder for temporary files.
    File,
}

impl Sink {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "/dev/null",
            Self::Pipe => "pipe",
            Self::File => "file",
        }
    }
}

/// What one process took.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Seconds from its start to its end.
    wall: f64,
    /// Seconds of user and system time, of all its threads.
    cpu: f64,
    /// The most memory it held, in bytes.
    peak: u64,
}

/// A program to measure.
struct Measured {
    binary: PathBuf,
    args: Vec<String>,
    costs: Vec<Cost>,
}

impl Measured {
    fn new(binary: &Path, args: &[&str]) -> Self {
        Self {
            binary: binary.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            costs: Vec::new(),
        }
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        // What the program warns of is not what is measured.
        command.args(&self.args).current_dir(folder).stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&mut self, folder: &Path, sink: Sink) {
        let out = match sink {
            Sink::Null => Stdio::null(),
            Sink::Pipe => Stdio::piped(),
            Sink::File => File::create(folder.join("out.json")).expect("the file is made").into(),
        };
        let begun = Instant::now();
        let mut child = self.command(folder).stdout(out).spawn().expect("the program runs");
        if let Some(mut out) = child.stdout.take() {
            let mut piece = vec![0; 1 << 16];
            while out.read(&mut piece).expect("the pipe is read") > 0 {}
        }
        let ended = child.wait4().expect("the program ends");
        let wall = begun.elapsed().as_secs_f64();
        assert!(ended.status.success(), "{} fails: {}", self.binary.display(), ended.status);
        let cpu = (ended.rusage.utime + ended.rusage.stime).as_secs_f64();
        self.costs.push(Cost { wall, cpu, peak: ended.rusage.maxrss });
    }

    fn median(&self, of: impl Fn(&Cost) -> f64) -> f64 {
        let mut all: Vec<f64> = self.costs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }

    fn least(&self, of: impl Fn(&Cost) -> f64) -> f64 {
        self.costs.iter().map(of).fold(f64::INFINITY, f64::min)
    }

    fn json(&self) -> Json {
        json!({
            "wall_s": rounded(self.median(|cost| cost.wall)), "least_wall_s": rounded(self.least(|cost| cost.wall)),
            "cpu_s": rounded(self.median(|cost| cost.cpu)), "peak_bytes": self.median(|cost| cost.peak as f64),
        })
    }
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e5).round() / 1e5
}

/// The two documents, compared piece by piece; bytes and records of them.
fn same_bytes(folder: &Path, ours: &Measured, floor: &Measured) -> (usize, usize) {
    let start = |measured: &Measured| measured.command(folder).stdout(Stdio::piped()).spawn().expect("it runs");
    let (mut one, mut other) = (start(ours), start(floor));
    let (mut a, mut b) = (one.stdout.take().unwrap(), other.stdout.take().unwrap());
    let (mut bytes, mut lines) = (0, 0);
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let read = a.read(&mut left).expect("cellc is read");
        if read == 0 {
            assert_eq!(b.read(&mut right).expect("the floor is read"), 0, "the floor writes more");
            break;
        }
        b.read_exact(&mut right[..read]).expect("the floor writes as much");
        assert!(left[..read] == right[..read], "they differ between bytes {bytes} and {}", bytes + read);
        bytes += read;
        lines += left[..read].split(|byte| *byte == b'\n').count() - 1;
    }
    assert!(one.wait().unwrap().success() && other.wait().unwrap().success());
    (bytes, lines - fleet::LINES_BESIDE_RECORDS)
}

/// One size into one sink, by turns.
fn measure(folder: &Path, cells: usize, repeats: usize, sink: Sink) -> Json {
    let count = cells.to_string();
    let mut ours =
        Measured::new(cell_tests::binary::built().expect("cellc is built"), &["expand", ".", "--format", "json"]);
    let mut floor = Measured::new(Path::new(env!("CARGO_BIN_EXE_floor")), &[&count]);
    let (bytes, records) = same_bytes(folder, &ours, &floor);
    for _ in 0..repeats {
        floor.run(folder, sink);
        ours.run(folder, sink);
    }
    let row = json!({
        "cells": cells, "records": records, "bytes": bytes, "sink": sink.name(), "repeats": repeats,
        "cellc": ours.json(), "floor": floor.json(),
        "wall_ratio": rounded(ours.median(|cost| cost.wall) / floor.median(|cost| cost.wall)),
        "cpu_ratio": rounded(ours.median(|cost| cost.cpu) / floor.median(|cost| cost.cpu)),
        "bytes_a_record": rounded(ours.median(|cost| cost.peak as f64) / records as f64),
    });
    println!(
        "{cells:>6}  {records:>7}  {:>6.1}  {:<9}  {:>8.4}  {:>8.4}  {:>6.2}  {:>8.4}  {:>8.4}  {:>5.2}  {:>8.1}  {:>8.1}",
        bytes as f64 / 1e6,
        sink.name(),
        floor.median(|cost| cost.wall),
        ours.median(|cost| cost.wall),
        row["wall_ratio"].as_f64().unwrap(),
        floor.median(|cost| cost.cpu),
        ours.median(|cost| cost.cpu),
        row["cpu_ratio"].as_f64().unwrap(),
        ours.median(|cost| cost.peak as f64) / 1_048_576.0,
        row["bytes_a_record"].as_f64().unwrap(),
    );
    row
}

/// Short commands, whole processes: milliseconds.
fn short(args: &[&str]) -> Json {
    let mut ours = Measured::new(cell_tests::binary::built().expect("cellc is built"), args);
    (0..41).for_each(|_| ours.run(cell_tests::repository::root(), Sink::Null));
    let (median, least) = (ours.median(|cost| cost.wall) * 1e3, ours.least(|cost| cost.wall) * 1e3);
    println!("cellc {:<24}  median {median:>5.1} ms  least {least:>5.1} ms", args.join(" "));
    json!({ "command": args.join(" "), "median_ms": rounded(median), "least_ms": rounded(least) })
}

fn main() {
    let commands = [&["--version"][..], &["check", "examples/hello"], &["check", "examples/fleet300"]];
    let short: Vec<Json> = commands.into_iter().map(short).collect();
    println!("\nwhole processes; seconds are medians, of wall and of CPU (user and system, all threads)");
    println!(
        " cells  records      MB  sink       floor: s  cellc: s   ratio  floor: c  cellc: c  ratio  peak MiB  B/record"
    );
    let mut rows = Vec::new();
    for (cells, repeats) in SIZES {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.cell"), fleet::program(cells)).unwrap();
        let sinks: &[Sink] = if cells < 1_000 { &[Sink::Null] } else { &[Sink::Null, Sink::Pipe, Sink::File] };
        rows.extend(sinks.iter().map(|sink| measure(folder.path(), cells, repeats, *sink)));
    }
    println!("\n{}", json!({ "short": short, "expand": rows }));
}

//! From a keystroke to what is found in the text after it, as a client sees it: over a pipe in memory, with all that is
//! in between. `cargo bench -p cell-lsp` prints a table and one line of JSON; absolute numbers are the machine's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::cast_precision_loss)]

#[path = "../tests/suite/client.rs"]
#[expect(dead_code, reason = "the suite uses all of it")]
mod client;
#[path = "../tests/suite/host.rs"]
#[expect(dead_code, reason = "the suite uses all of it")]
mod host;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use client::Client;
use serde_json::json;

/// Keystrokes that are measured, after some that are not.
const MEASURED: usize = 60;
const WARM: usize = 6;

/// What is typed, behind the word or before it, and taken away again.
const TYPED: [(&str, bool, [&str; 2]); 3] =
    [("a sound word", true, ["1", ""]), ("an open string", true, ["\"", ""]), ("an open brace", false, ["{ ", ""])];

/// A program to type in.
struct Case {
    name: &'static str,
    files: Vec<(String, String)>,
    /// The file that is typed in, and the word at which is typed: a field and the begin of its text.
    path: &'static str,
    word: &'static str,
    /// What a keystroke may take, in milliseconds.
    bound: f64,
}

fn main() {
    heading();
    let mut rows = Vec::new();
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for case in cases() {
        if !wanted.is_empty() && !wanted.iter().any(|word| case.name.contains(word.as_str())) {
            continue;
        }
        for (typing, behind, keys) in TYPED {
            let row = measured(&case, typing, behind, keys);
            line(&row);
            rows.push(row);
        }
    }
    println!("{}", json!({ "bench": "keystroke", "unit": "ms", "rows": rows }));
}

fn heading() {
    println!(
        "{:<28} {:<14} {:>7} {:>9} {:>9} {:>9} {:>7}",
        "program", "typing", "lines", "median", "95 %", "most", "bound"
    );
}

fn line(row: &serde_json::Value) {
    let number = |name: &str| row[name].as_f64().unwrap();
    println!(
        "{:<28} {:<14} {:>7} {:>7.1}ms {:>7.1}ms {:>7.1}ms {:>5.0}ms",
        row["program"].as_str().unwrap(),
        row["typing"].as_str().unwrap(),
        row["lines"],
        number("median"),
        number("p95"),
        number("most"),
        number("bound"),
    );
}

/// Types a word's end and takes it away again, and waits for what is found after each.
fn measured(case: &Case, typing: &str, behind: bool, keys: [&str; 2]) -> serde_json::Value {
    let files: Vec<(&str, &str)> = case.files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let text = files.iter().find(|(path, _)| *path == case.path).unwrap().1;
    let mut client = Client::new(&files);
    client.open(case.path, text);
    assert_eq!(
        client.codes(case.path).iter().filter(|code| code.starts_with('E')).count(),
        0,
        "the program is sound"
    );
    let at = text.find(case.word).expect("the word") + if behind { case.word.len() } else { 0 };
    let mut times: Vec<Duration> = Vec::new();
    for stroke in 0..WARM + MEASURED {
        let (start, end, new) = if stroke % 2 == 0 { (at, at, keys[0]) } else { (at, at + keys[0].len(), keys[1]) };
        let before = Instant::now();
        client.edit(case.path, start, end, new);
        client.found(case.path);
        if stroke >= WARM {
            times.push(before.elapsed());
        }
    }
    client.end();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let lines: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
    json!({
        "program": case.name, "typing": typing, "lines": lines, "keystrokes": times.len(), "bound": case.bound,
        "median": at(50), "p95": at(95), "most": at(100),
    })
}

fn cases() -> Vec<Case> {
    let fleet = vec![
        ("main.cell".to_owned(), include_str!("../../../examples/fleet300/main.cell").to_owned()),
        ("lib/fleet.cell".to_owned(), include_str!("../../../examples/fleet300/lib/fleet.cell").to_owned()),
    ];
    vec![
        Case {
            name: "300 cells, by modules",
            files: fleet,
            path: "main.cell",
            word: "namespace = \"api",
            bound: 20.0,
        },
        Case {
            name: "300 cells, each written out",
            files: written(300),
            path: "main.cell",
            word: "size = \"s7",
            bound: 20.0,
        },
        Case {
            name: "a project of 100 files",
            files: project(100, 200),
            path: "part-50.cell",
            word: "size = \"s7",
            bound: 50.0,
        },
        Case {
            name: "a project of one file",
            files: project(1, 20_000),
            path: "part-0.cell",
            word: "size = \"s7",
            bound: 50.0,
        },
    ]
}

const HEAD: &str = "edition \"2026\"
org acme { accounts { email = \"aws+\\(.name)@acme.example\", ou = ou.work } }
ou work {}
group crew {}
alarm errors { namespace = \"api\", metric = \"ErrorRate\", above = 0.5%, over = 5m }
";

/// A program with this many cells, each a declaration of its own.
fn written(cells: usize) -> Vec<(String, String)> {
    let mut text = HEAD.to_owned();
    for cell in 0..cells {
        write!(text, "{}", one_cell("c", cell)).unwrap();
    }
    text.push_str("rollout all {\n  alarms = [alarm.errors]\n  wave one { on = cells where .kind == \"prod\", bake = 12h }\n}\n");
    vec![("main.cell".to_owned(), text)]
}

/// Eight lines.
fn one_cell(prefix: &str, number: usize) -> String {
    format!(
        "## One of many.\ncell {prefix}-{number} {{\n  kind = \"prod\"\n  region = \"us-west-2\"\n  size = \"s{number}\"\n  capacity = {}\n  owner = group.crew\n}}\n",
        1_000 + number,
    )
}

/// A project of this many files with this many lines each, all instances of which are one program: each file declares
/// some cells, and most of its lines are lets and functions.
fn project(files: usize, lines: usize) -> Vec<(String, String)> {
    let mut main = HEAD.to_owned();
    let mut out = Vec::new();
    for file in 0..files {
        writeln!(main, "module part-{file} = \"./part-{file}.cell\" {{ crew = group.crew }}").unwrap();
        let mut text = "param crew: Ref<group>\n".to_owned();
        let mut number = 0;
        while text.matches('\n').count() + 8 < lines {
            if number % 40 == 7 {
                text.push_str(&one_cell(&format!("p{file}"), number).replace("group.crew", "crew"));
            } else {
                writeln!(
                    text,
                    "## The words of {number}.\nfn word-{number}(a: String, b: Int): String = if b > {number} then \"\\(a)-\\(b)\" else a\nlet value-{number} = [\n  word-{number}(\"a{number}\", {number}),\n  join([for x in [\"u\", \"v\", \"w\"] : x if x != \"v\"], \", \"),\n]\nexport let table-{number} = {{ \"one\" = {number}, \"two\" = {number} * 2 + 1, \"three\" = count(value-{number}) }}\n",
                )
                .unwrap();
            }
            number += 1;
        }
        out.push((format!("part-{file}.cell"), text));
    }
    out.push(("main.cell".to_owned(), main));
    out
}

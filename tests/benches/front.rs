//! How fast the front end reads: a program of several megabytes, written out cell by cell, through parse and check, on
//! one thread. `cargo bench -p cell-tests --bench front` prints megabytes a second and one line of JSON.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::time::Instant;

use cell_lang::check::{STACK, check};
use cell_lang::load::load;
use cell_lang::source::FileId;
use cell_lang::syntax;
use cell_tests::memory::Memory;
use serde_json::json;

const REPEATS: usize = 9;
/// The largest file that is read, in bytes: the default of `--max-file`.
const MOST: usize = 16 << 20;

const HEAD: &str = r#"edition "2026"

org acme {
  management_account = "111111111111"
  accounts { email = "aws+\(.name)@acme.example", ou = ou.cells }
}
ou cells {}
group ops {}
fn short(region: String): String = if region == "us-west-2" then "usw2" else "use1"
rollout steady {
  wave early { on = cells where .kind == "alpha", bake = 1h }
  wave all { on = cells where .kind == "prod", bake = 4h, parallel = 50 }
}
"#;

const CELL: &str = r#"
## Cell number NUMBER, which was set up by hand.
cell cNUMBER {
  kind = "KIND"
  region = "us-west-2"
  owner = group.ops
  size = if mod(NUMBER, 3) == 0 then "small" else "large"
  capacity = NUMBER * 2 + 1
  endpoints {
    api = "api.\(.name).\(short(.region)).acme.example" # the front door
    web = "www.\(.name).acme.example"
  }
  labels { tier = "web", team = "t7" }
}
"#;

const COMPONENT: &str = r#"
component svcNUMBER {
  repo = "acme/svcNUMBER"
  only = cells where .kind == "prod" && (.capacity ?? 0) > NUMBER
  rollout = rollout.steady
  deploy cloudformation { template = "deploy/template.yaml", capabilities = ["CAPABILITY_IAM"] }
  parameters {
    CellName = .name
    Api = "https://\(.name).acme.example/\(short(.region))"
    Replicas = if .size == "large" then 8 else NUMBER
    Limit = min(.capacity ?? 1, 10)
  }
  tags { team = "t8", service = "svcNUMBER" }
}
"#;

const SET: &str = r#"
permission_set SetNUMBER {
  session = 4h
  managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
  allow look-NUMBER {
    actions = ["s3:Get*", "s3:List*"]
    resources = ["arn:aws:s3:::bucket-NUMBER/*"]
    when { "aws:RequestedRegion" in ["us-west-2", "us-east-1"] }
  }
}
grant gNUMBER { to = group.ops, can = permission_set.SetNUMBER, on = cells where .kind == "alpha", reason = "work" }
"#;

/// What an organization may consist of, without a loop.
fn program() -> String {
    let kind = |n: u32| if n.is_multiple_of(9) { "alpha" } else { "prod" };
    let numbered = |form: &str, n: u32| form.replace("NUMBER", &n.to_string()).replace("KIND", kind(n));
    let mut text = HEAD.to_owned();
    for (form, count) in [(CELL, 12_000), (COMPONENT, 4_000), (SET, 3_000)] {
        text.extend((0..count).map(|n| numbered(form, n)));
    }
    text
}

fn measure() {
    let text = program();
    let megabytes = text.len() as f64 / 1e6;
    let files = Memory::one(&text);
    let (mut parse, mut whole) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..REPEATS {
        let begun = Instant::now();
        let parsed = syntax::parse(FileId(0), &text);
        parse = parse.min(begun.elapsed().as_secs_f64());
        assert!(parsed.diagnostics.is_empty(), "it does not parse: {:?}", parsed.diagnostics.first());
        drop(parsed);
        let begun = Instant::now();
        let checked = check(load(&files, "main.cell", &[], MOST));
        whole = whole.min(begun.elapsed().as_secs_f64());
        assert!(checked.diagnostics.is_empty(), "it does not check: {:?}", checked.diagnostics.first());
    }
    let (parse, whole) = (megabytes / parse, megabytes / whole);
    println!(
        "{megabytes:.1} MB, one thread, best of {REPEATS}: parse {parse:.1} MB/s, load and check {whole:.1} MB/s"
    );
    println!("{}", json!({ "front": { "megabytes": megabytes, "parse_mb_s": parse, "load_and_check_mb_s": whole } }));
}

fn main() {
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(measure);
    worker.unwrap().join().unwrap();
}

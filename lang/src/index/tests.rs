//! Words of programs and what they stand for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use super::{Index, Role, Symbol};
use crate::check::{check_noting, is_base_type};
use crate::files::{FileError, Files};
use crate::load::load;
use crate::source::SourceMap;

struct Memory(BTreeMap<&'static str, &'static str>);

impl Files for Memory {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or(FileError::NotFound)
    }
}

/// The words of a program, each as `word: what it stands for`.
fn words(files: &[(&'static str, &'static str)]) -> Vec<String> {
    let files = Memory(files.iter().copied().collect());
    let (checked, files, notes) = check_noting(load(&files, "main.cell", &[], 1 << 20));
    let index = Index::new(&files, &notes);
    let root = files.last().expect("the root").id;
    index.in_file(root).iter().map(|found| show(&checked.sources, found.span, &found.symbol, found.role)).collect()
}

fn show(sources: &SourceMap, span: crate::source::Span, symbol: &Symbol, role: Role) -> String {
    let what = match symbol {
        Symbol::Named(what, at) => format!("{} {}", what.word(), sources.place(*at)),
        Symbol::Entity(file, kind, label) => format!("{} {label} of {}", kind.name(), sources.path(*file)),
        Symbol::Computed(kind, at) => format!("{} {}", kind.name(), sources.text(*at)),
        Symbol::Kind(kind) => format!("kind {}", kind.name()),
        Symbol::Every(kind) => format!("every {}", kind.name()),
        Symbol::Builtin(builtin) => format!("builtin {}", builtin.name()),
        Symbol::BaseType(name) => format!("type {name}, {}", is_base_type(name)),
        Symbol::Field(spec, name) => format!("field {name} of {}", spec.0.name),
        Symbol::Meta(name) => format!("meta {name}"),
        Symbol::Member(name) => format!("member {name}"),
        Symbol::File(file) => format!("file {}", sources.path(*file)),
    };
    let role = match role {
        Role::Declares => " (declares)",
        Role::Sets => " (sets)",
        Role::Address => " (address)",
        Role::Uses => "",
    };
    format!("{}: {what}{role}", sources.text(span))
}

const LIB: &str = "export let zone = \"us-west-2\"\nexport type Word = String matching /[a-z]+/\n";

#[track_caller]
fn has(text: &'static str, wanted: &[&str]) {
    let found = words(&[("main.cell", text), ("lib.cell", LIB)]);
    for wanted in wanted {
        assert!(found.iter().any(|found| found == wanted), "no `{wanted}` in {found:#?}");
    }
}

#[test]
fn names_stand_for_what_declares_them() {
    has(
        "import \"./lib.cell\" as lib\nlet a: lib.Word = \"x\"\nfn f(b: Int): Int = b + count([a])\nlet c = f(1)\nlet d = lib.zone\n",
        &[
            "./lib.cell: file lib.cell",
            "lib: import main.cell:1:24 (declares)",
            "lib: import main.cell:1:24",
            "Word: type lib.cell:2:13",
            "a: let main.cell:2:5",
            "b: argument main.cell:3:6",
            "f: fn main.cell:3:4",
            "count: builtin count",
            "Int: type Int, true",
            "zone: let lib.cell:1:12",
        ],
    );
}

#[test]
fn entities_are_found_by_their_labels() {
    has(
        "ou prod {}\nfor n in [\"a\"] { ou \"x-\\(n)\" { parent = ou.prod } }\nif true { ou late {} }\nlet all = count(ous)\nlet some = [ou[\"x-a\"], ou[\"late\"]]\nmoved { from = \"ou.old\", to = \"ou.prod\" }\n",
        &[
            "prod: ou prod of main.cell (declares)",
            "prod: ou prod of main.cell",
            "prod: ou prod of main.cell (address)",
            "late: ou late of main.cell",
            "x-a: ou \"x-\\(n)\"",
            "n: for main.cell:2:5",
            "ous: every ou",
            "parent: field parent of ou (sets)",
        ],
    );
}

#[test]
fn fields_are_found_by_the_types_of_what_they_are_read_from() {
    has(
        "let a = cells where .kind == \"dev\"\nlet b = [for c in cells : c.region]\nlet r: {x: Int} = {x = 1}\nlet s = r.x\nlet t = [for c in cells : c.label]\n",
        &[
            "kind: field kind of cell",
            "region: field region of cell",
            "x: member x (sets)",
            "x: member x",
            "label: meta label",
        ],
    );
}

#[test]
fn a_broken_file_tells_what_it_can() {
    has("let a = 1\nlet b = a +\nlet c = a\n", &["a: let main.cell:1:5", "c: let main.cell:3:5 (declares)"]);
    has(
        "ou prod {}\ncell x { ou = ou.prod, size = \n}\n",
        &["prod: ou prod of main.cell", "ou: field ou of cell (sets)"],
    );
}

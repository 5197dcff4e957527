//! Cells as other tools read them, after plans of a part.

use super::bench::{Bench, desired, only};
use crate::plan::Command;

const HEAD: &str = "org o { accounts { email = \"aws+\\(.name)@x.example\" } }\n";

fn cell(name: &str, size: &str) -> String {
    format!("cell {name} {{ kind = \"alpha\", region = \"us-west-2\", size = \"{size}\" }}\n")
}

/// A plan of a part leaves the other cells as they were applied, and has none under two addresses.
#[test]
fn a_part_leaves_other_cells_as_they_were_applied() {
    let bench = Bench::new();
    let apply = |program: &str, names: &[&str]| {
        let desired = desired(&format!("{HEAD}{program}"));
        let plan = bench.try_plan(&desired, &only(names), Command::Apply).unwrap();
        bench.run(&desired, &plan);
        let sizes = bench.record().cells.into_iter();
        let told = sizes.map(|(cell, fields)| format!("{cell} {}", fields["size"].as_str().unwrap_or_default()));
        told.collect::<Vec<_>>()
    };
    let both = cell("a", "small") + &cell("b", "small");
    assert_eq!(apply(&both, &["cell.a"]), ["cell.a small"], "of the other one nobody has brought anything up");
    assert_eq!(apply(&both, &[]), ["cell.a small", "cell.b small"]);
    let edited = cell("a", "large") + &cell("b", "large");
    assert_eq!(apply(&edited, &["cell.b"]), ["cell.a small", "cell.b large"]);
    let moved = cell("c", "large") + &cell("b", "small") + "moved { from = \"cell.a\", to = \"cell.c\" }\n";
    assert_eq!(apply(&moved, &["cell.c"]), ["cell.b large", "cell.c large"]);
    assert_eq!(apply(&moved, &[]), ["cell.b small", "cell.c large"]);
}

//! Where values came from, as the text tells it.

use super::explain;
use crate::resources::derive;
use crate::rules::tests::expanded;

const PROGRAM: &str = r#"
org o { accounts { email = "aws+\(.name)@x.example" } }
group ops {}
let region = "us-west-2"
fn twice(x: Int): Int = x * 2
defaults d for cell { kind = "dev", size = "small", expires = 2027-01-31 }
for n in [1, 2] {
  cell "c-\(n)" using d { override size = "large", region = region, capacity = twice(n), owner = group.ops }
}
component c { repo = "r", deploy make { target = "x" } }
"#;

fn told(subject: &str) -> String {
    expanded(PROGRAM, |world| match explain(world, &derive(world), subject) {
        Ok(explanation) => explanation.text(world),
        Err(missing) => format!("{}; {}", missing.message, missing.help.unwrap_or_default()),
    })
}

#[test]
fn each_way_is_told() {
    assert_eq!(
        told("cell.c-2.kind"),
        "cell.c-2.kind = \"dev\"\n  from defaults `d` (main.cell:6:23): kind = \"dev\"\n"
    );
    assert_eq!(
        told("cell.c-2.size"),
        "cell.c-2.size = \"large\"\n  written in the entity with `override` (main.cell:8:27): override size = \"large\"\n    \
         in place of what the defaults say (main.cell:6:37)\n"
    );
    assert_eq!(
        told("cell.c-1.region"),
        "cell.c-1.region = \"us-west-2\"\n  written in the entity (main.cell:8:52): region = region\n    \
         region = \"us-west-2\": a let (main.cell:4:5)\n"
    );
    assert_eq!(
        told("cell.c-2.capacity"),
        "cell.c-2.capacity = 4\n  written in the entity (main.cell:8:69): capacity = twice(n)\n    \
         twice: a function (main.cell:5:4)\n    n = 2: item 2 of the loop (main.cell:7:10): [1, 2]\n"
    );
    assert_eq!(
        told("cell.c-1.email"),
        "cell.c-1.email = \"aws+c-1@x.example\"\n  from `accounts` of org.o (main.cell:2:20): email = \"aws+\\(.name)@x.example\"\n    \
         .name = \"c-1\": the default of the language: the label\n      the label (main.cell:8:8): \"c-\\(n)\"\n        \
         n = 1: item 1 of the loop (main.cell:7:10): [1, 2]\n"
    );
    assert_eq!(told("cell.c-1.budget"), "cell.c-1.budget is absent\n  set nowhere\n");
}

#[test]
fn resources_are_told_by_their_sources() {
    let text = told("deployment.c/cell.c-1");
    assert!(text.starts_with("deployment.c/cell.c-1\n  comes from component.c (main.cell:10:"), "{text}");
    assert!(told("deployment.c/cell.c-1.region").starts_with("deployment.c/cell.c-1.region = \"us-west-2\"\n"));
}

#[test]
fn what_is_not_there_has_neighbours() {
    assert_eq!(told("cell.c-3"), "nothing has the address `cell.c-3`; did you mean `cell.c-1` or `cell.c-2`?");
    assert_eq!(told("cell.c-1.ower"), "cell.c-1 has no field `ower`; did you mean `owner`?");
}

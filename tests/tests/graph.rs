//! `cellc graph`: what is drawn is what the program comes to, it is folded, its texts are escaped, and it is the same
//! every time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cell_tests::binary::cellc;
use cell_tests::{failures, report, repository};
use serde_json::Value;

fn run(folder: &Path, args: &[&str]) -> Result<String, String> {
    let output = cellc(folder, &[&["graph"], args].concat(), &[])?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|error| error.to_string())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn data(folder: &Path, args: &[&str]) -> Result<Value, String> {
    let text = run(folder, &[args, &["--format", "json"]].concat())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// The members of all nodes of a role.
fn members(graph: &Value, role: &str) -> BTreeSet<String> {
    let nodes = graph["nodes"].as_array().unwrap().iter().filter(|node| node["role"] == role);
    let all = nodes.flat_map(|node| node["members"].as_array().unwrap());
    all.map(|member| member.as_str().unwrap().to_owned()).collect()
}

/// Every assignment of the expansion, as principal, set and account, out of a picture.
fn given(graph: &Value) -> BTreeSet<(String, String, usize)> {
    let nodes: BTreeMap<&str, &Value> =
        graph["nodes"].as_array().unwrap().iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let edges = graph["edges"].as_array().unwrap();
    let node = |edge: &Value, end: &str| nodes[edge[end].as_str().unwrap()];
    let mut all = BTreeSet::new();
    for edge in edges.iter().filter(|edge| node(edge, "from")["role"] == "people") {
        let grant = node(edge, "to");
        let reached = edges.iter().filter(|out| out["from"] == edge["to"]);
        let count: u64 = reached.map(|out| out["count"].as_u64().unwrap()).sum();
        for person in node(edge, "from")["members"].as_array().unwrap() {
            let (person, set) = (person.as_str().unwrap(), grant["title"].as_str().unwrap());
            all.insert((person.to_owned(), set.to_owned(), count as usize));
        }
    }
    all
}

#[test]
fn what_is_drawn_is_what_the_program_comes_to() {
    let schema = repository::read(&repository::root().join("spec/schemas/graph.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&serde_json::from_str(&schema).unwrap()).unwrap();
    let examples = repository::examples();
    let failed = failures(&examples, |example| {
        let graph = data(example, &[])?;
        let faults: Vec<String> =
            validator.iter_errors(&graph).take(5).map(|e| format!("{e} at {}", e.instance_path())).collect();
        if !faults.is_empty() {
            return Err(format!("{}:\n{}", repository::short(example), faults.join("\n")));
        }
        let pin = repository::read(&example.join("expand.json"))?;
        let pin: Value = serde_json::from_str(&pin).map_err(|error| error.to_string())?;
        let of = |kinds: &[&str]| -> BTreeSet<String> {
            let entities = pin["entities"].as_array().unwrap().iter();
            let entities = entities.filter(|entity| kinds.contains(&entity["kind"].as_str().unwrap()));
            entities.map(|entity| entity["address"].as_str().unwrap().to_owned()).collect()
        };
        if members(&graph, "cells") != of(&["cell", "account"]) {
            return Err(format!("{}: not exactly the cells and accounts are drawn", repository::short(example)));
        }
        if !members(&graph, "grant").is_subset(&of(&["grant"])) {
            return Err(format!("{}: a grant is drawn that there is not", repository::short(example)));
        }
        // Assignments, but for those of people that a grant asks each cell for.
        let assigned = pin["resources"].as_array().unwrap().iter().filter(|one| one["kind"] == "assignment").count();
        let drawn: usize = given(&graph).iter().map(|(_, _, count)| count).sum();
        if drawn < assigned || (drawn == 0) != (assigned == 0) {
            return Err(format!("{}: {drawn} of {assigned} assignments are drawn", repository::short(example)));
        }
        Ok(())
    });
    report(examples.len(), &failed);
}

#[test]
fn three_hundred_cells_are_a_handful_of_nodes() {
    let example = repository::root().join("examples/fleet300");
    let graph = data(&example, &[]).unwrap();
    assert!(graph["nodes"].as_array().unwrap().len() <= 12, "{}", graph["nodes"]);
    assert_eq!(members(&graph, "cells").len(), 300);
    assert_eq!(given(&graph), BTreeSet::from([("group.operators".into(), "CellOperator".into(), 300)]));
}

#[test]
fn a_focus_leaves_what_it_has_to_do_with() {
    let example = repository::root().join("examples/momento");
    let only = |address: &str| data(&example, &["--only", address]).unwrap();
    let set = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<String>>();
    let cell = only("cell.dev-ana");
    assert_eq!(members(&cell, "cells"), set(&["cell.dev-ana"]));
    assert_eq!(members(&cell, "grant"), set(&["grant.developers-look", "grant.owners-operate-their-own"]));
    let unit = only("ou.prod");
    assert_eq!(members(&unit, "cells"), set(&["cell.prod-apne1-1", "cell.prod-use1-1", "cell.prod-usw2-1"]));
    let group = only("group.cell-operators");
    assert_eq!(members(&group, "people"), set(&["group.cell-operators"]));
    assert_eq!(members(&group, "grant"), set(&["grant.operators-operate"]));
    assert_eq!(members(&group, "cells").len(), 5);
    let user = only("user.ana");
    assert_eq!(members(&user, "cells"), set(&["cell.dev-ana"]));
    let rollout = only("safely.rollout.waves");
    assert_eq!(members(&rollout, "grant"), set(&[]));
    assert_eq!(members(&rollout, "wave").len(), 4);
    let part = data(&example, &["--what", "waves"]).unwrap();
    assert!(members(&part, "people").is_empty() && !members(&part, "wave").is_empty());
    for (address, said) in [("cell.dev-anna", "did you mean `cell.dev-ana`"), ("component.cache", "is in no picture")]
    {
        let refused = run(&example, &["--only", address]).unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

/// Names that would break out of a picture stay names.
#[test]
fn texts_are_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let name = r#"a<b> & \"c\" 'd' | {e} `f` #g; --> ]]>"#;
    let program = format!(
        "ou odd {{ name = \"{name}\" }}\ncell one {{ kind = \"alpha\", region = \"us-west-2\", ou = ou.odd, account_id = \"222222222222\" }}\n"
    );
    std::fs::write(folder.path().join("main.cell"), program).unwrap();
    let svg = run(folder.path(), &["--as", "svg"]).unwrap();
    assert!(svg.contains("a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;"), "{svg}");
    assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "{svg}");
    let dot = run(folder.path(), &["--as", "dot"]).unwrap();
    assert!(dot.contains(r#"label="ou a<b> & \"c\" 'd' | {e}"#), "{dot}");
    let mermaid = run(folder.path(), &["--as", "mermaid"]).unwrap();
    let title = mermaid.lines().find(|line| line.contains("subgraph")).unwrap();
    assert!(title.contains("a#60;b#62; #38; #34;c#34;"), "{title}");
    assert_eq!(title.matches('"').count(), 2, "{title}");
}

/// Each form is written, complete, and the same with any number of threads.
#[test]
fn pictures_are_always_the_same() {
    let examples = repository::examples();
    let failed = failures(&examples, |example| {
        for (form, start, end) in
            [("dot", "digraph", "}\n"), ("mermaid", "flowchart LR\n", "\n"), ("svg", "<svg ", "</svg>\n")]
        {
            let draw = |threads| run(example, &["--as", form, "--threads", threads]);
            let (one, many) = (draw("1")?, draw("5")?);
            if one != many || !one.starts_with(start) || !one.ends_with(end) {
                return Err(format!("{}, {form}:\n{one}\n{many}", repository::short(example)));
            }
        }
        Ok(())
    });
    report(examples.len(), &failed);
}

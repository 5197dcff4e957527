//! What is offered while something is written.

use serde_json::{Value, json};

use crate::client::{Client, uri};

const FILES: [(&str, &str); 2] = [
    ("main.cell", ""),
    (
        "lib/module.cell",
        "## Where.\nparam zone: AwsRegion\nparam count: Int = 1\nexport let zones = [zone]\nlet own = 1\nexport fn f(a: Int): Int = a\nexport defaults big for cell { size = \"large\" }\n",
    ),
];

const HEAD: &str = "edition \"2026\"
import \"./lib/module.cell\" as other
## All.
ou work {}
ou play {}
group crew {}
let list = [\"a\"]
module west = \"./lib/module.cell\" { zone = \"us-west-2\" }
defaults usual for cell { kind = \"alpha\", size = \"small\" }
";

/// The items offered at `|` in a text behind the head.
fn offered(text: &str) -> Vec<Value> {
    let mut client = Client::with(
        &FILES,
        &json!({ "textDocument": { "completion": { "completionItem": { "snippetSupport": true } } } }),
    );
    let text = format!("{HEAD}{text}");
    let offset = text.find('|').expect("a place");
    let text = text.replacen('|', "", 1);
    client.open("main.cell", &text);
    let position = client.position(&text, offset);
    let params = json!({ "textDocument": { "uri": uri("main.cell") }, "position": position });
    let answer = client.ask("textDocument/completion", &params).unwrap();
    client.end();
    answer.as_array().cloned().unwrap_or_default()
}

fn labels(text: &str) -> Vec<String> {
    offered(text).iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn has(text: &str, wanted: &[&str], unwanted: &[&str]) {
    let labels = labels(text);
    for label in wanted {
        assert!(labels.iter().any(|found| found == label), "`{text}` does not offer `{label}`: {labels:?}");
    }
    for label in unwanted {
        assert!(!labels.iter().any(|found| found == label), "`{text}` offers `{label}`: {labels:?}");
    }
}

#[test]
fn declarations_begin_with_kinds_and_words() {
    has("|", &["cell", "grant", "let", "module", "moved"], &["region"]);
    has("ce|", &["cell"], &[]);
    has("for a in list {\n  |\n}", &["cell", "if"], &["let", "import"]);
}

#[test]
fn fields_that_are_not_set_are_offered() {
    has("cell a { | }", &["kind", "region", "owner", "labels"], &["wave"]);
    has("cell a {\n  kind = \"dev\"\n  re|\n}", &["region", "size"], &["kind"]);
    has("cell a {\n  kind = \"dev\"\n  |\n  region = \"us-west-2\"\n}", &["size"], &["kind", "region"]);
    has("for a in list {\n  cell \"\\(a)\" {\n    |\n  }\n}", &["region"], &[]);
    has("cell a using usual {\n  override |\n}", &["kind", "size"], &["region"]);
    has("defaults d for permission_set { | }", &["session", "managed", "allow"], &[]);
    has("rollout r {\n  wave one { | }\n}", &["on", "bake"], &["region"]);
    has("component c {\n  deploy cloudformation { | }\n}", &["template", "stack"], &["workload"]);
    has("component c {\n  deploy | { }\n}", &["cloudformation", "kubernetes", "make"], &[]);
    has("moved { | }", &["from", "to"], &[]);
}

#[test]
fn what_must_be_set_comes_first_and_says_what_it_is() {
    let items = offered("cell a {\n  |\n}");
    assert_eq!((&items[0]["label"], &items[1]["label"]), (&json!("kind"), &json!("region")));
    assert_eq!(items[1]["detail"], "region: String");
    assert_eq!(items[1]["textEdit"]["newText"], "region = $0");
    assert!(items[0]["documentation"]["value"].as_str().unwrap().contains("must be set"));
    let items = offered("cell a using usual {\n  |\n}");
    let size = items.iter().find(|item| item["label"] == "size").unwrap();
    assert_eq!(size["textEdit"]["newText"], "override size = $0");
}

#[test]
fn values_fit_what_is_expected() {
    has("cell a { kind = | }", &["\"dev\"", "\"prod\"", "list", "count"], &["region"]);
    has("cell a { kind = \"|\" }", &["dev", "prod"], &["list"]);
    has("cell a { kind = \"pr|\n}", &["dev", "prod"], &[]);
    has("cell a { ou = | }", &["ou.work", "ou.play"], &["group.crew"]);
    has("cell a { owner = gr| }", &["group.crew"], &[]);
    has("let x = count(cells where .kind == \"|\")", &["dev", "prod"], &[]);
    has("cell a { protect = | }", &["true", "false"], &[]);
    has("for name in list {\n  ou \"x-\\(na|)\" {}\n}", &["name", "list"], &[]);
    assert_eq!(labels("cell a { ou = | }")[0], "ou.play", "what fits best comes first");
}

#[test]
fn questions_are_offered_in_tests_alone() {
    has("test \"t\" { expect | }", &["wave_of", "count", "list"], &[]);
    has("test \"t\" {\n  let w = wav|\n}", &["wave_of"], &[]);
    has("let x = |", &["count"], &["wave_of"]);
    has("test \"t\" { expect true }\nlet x = |", &["count"], &["wave_of"]);
    has("cell a { size = | }", &["count"], &["wave_of"]);
    let items = offered("test \"t\" { expect | }");
    let wave = items.iter().find(|item| item["label"] == "wave_of").unwrap();
    assert_eq!(wave["detail"], "wave_of(cell: Ref<cell>, rollout: Ref<rollout>): String?");
    assert!(wave["documentation"]["value"].as_str().unwrap().contains("label of the wave"));
    has("rollout r {}\ncell c {}\ntest \"t\" { expect wave_of(cell.|) }", &["c"], &["r"]);
    // What is expected of an argument is known.
    has("cell c {}\ntest \"t\" { expect wave_of(|, rollout.r) == none }", &["cell.c"], &["rollout.r"]);
}

#[test]
fn a_dot_asks_for_what_is_behind_it() {
    has("let x = ou.|", &["work", "play"], &["crew"]);
    has("cell a { ou = ou.| }", &["work", "play"], &[]);
    has("let x = ou[\"|\"]", &["work", "play"], &[]);
    has("let x = cells where .|", &["kind", "region", "label", "address"], &["work"]);
    has("let x = cells where .kind == \"dev\" && .|", &["region"], &[]);
    has("let x = [for c in cells : c.|]", &["kind", "label"], &[]);
    has("let x = other.|", &["zones", "f"], &["own", "zone"]);
    has("let x = west.|", &["zones"], &["f", "own"]);
    has("cell a { region = .| }", &["kind", "label"], &[]);
}

#[test]
fn types_defaults_parameters_and_paths_are_offered() {
    has("let x: |", &["String", "Email", "Ref"], &["list"]);
    has("param p: Set<|>", &["cell", "ou"], &["String"]);
    has("cell a using | {}", &["usual", "other"], &["list"]);
    has("cell a using other.| {}", &["big"], &["usual"]);
    has("module m = \"./lib/module.cell\" { | }", &["zone", "count"], &["zones"]);
    has("module m = \"./lib/module.cell\" { zone = \"us-west-2\", | }", &["count"], &["zone"]);
    has("import \"|\" as x", &["./lib/module.cell", "std/regions.cell"], &[]);
}

#[test]
fn nothing_is_offered_where_nothing_may_stand() {
    assert_eq!(labels("# a comm|ent"), [""; 0]);
    assert_eq!(labels("let x = 12|"), [""; 0]);
}

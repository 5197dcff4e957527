//! Where things are declared and used.

use lsp_types::{Range, Url};
use serde_json::{Value, json};

use crate::client::{Client, uri};

const MAIN: &str = "edition \"2026\"
import \"std/regions.cell\" as regions
import \"./lib/names.cell\" as names
let list = [\"a\", names.last]
type Word = String matching /[a-z]+/
fn twice(word: Word): String = \"\\(word)\\(word)\"
ou prod {}
for name in list {
  ou \"x-\\(name)\" { parent = ou.prod }
}
module west = \"./lib/module.cell\" { zone = twice(\"a\"), parent = ou[\"x-a\"] }
defaults usual for cell { kind = \"alpha\" }
let seen = west.zones
removed { from = \"west.cell.gone\", account = \"keep\" }
moved { from = \"ou.old\", to = \"ou.prod\" }
";
const NAMES: &str = "export let last = \"z\"\n";
const MODULE: &str = "param zone: String\nparam parent: Ref<ou>\nexport let zones = [zone]\n";
const FILES: [(&str, &str); 3] = [("main.cell", MAIN), ("lib/names.cell", NAMES), ("lib/module.cell", MODULE)];

fn client() -> Client {
    let mut client = Client::new(&FILES);
    client.open("main.cell", MAIN);
    client
}

/// The text at a location.
fn text_at(client: &Client, location: &Value) -> (String, String) {
    let uri: Url = serde_json::from_value(location["uri"].clone()).unwrap();
    let range: Range = serde_json::from_value(location["range"].clone()).unwrap();
    let path = uri.path().trim_start_matches("/project/").to_owned();
    let library = path.strip_prefix("/library/").and_then(cell_std::read);
    let text = FILES.iter().find(|(file, _)| *file == path).map(|(_, text)| *text).or(library);
    let text = text.unwrap_or_else(|| panic!("{path}"));
    let (start, end) = (client.offset(text, range.start), client.offset(text, range.end));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap().to_owned();
    (format!("{path}: {line}"), text[start..end].to_owned())
}

#[test]
fn a_word_leads_to_what_it_stands_for() {
    let mut client = client();
    let mut leads = |word: &str, number: usize, line: &str, text: &str| {
        let params = client.place("main.cell", word, number);
        let answer = client.ask("textDocument/definition", &params).unwrap();
        let found = text_at(&client, answer.get(0).unwrap_or_else(|| panic!("no definition of `{word}`")));
        assert_eq!((found.0.as_str(), found.1.as_str()), (line, text), "the definition of `{word}`");
    };
    leads("list {", 0, "main.cell: let list = [\"a\", names.last]", "list");
    leads("last]", 0, "lib/names.cell: export let last = \"z\"", "last");
    leads("names.last", 0, "main.cell: import \"./lib/names.cell\" as names", "names");
    leads("./lib/names", 0, "lib/names.cell: export let last = \"z\"", "");
    leads("Word)", 0, "main.cell: type Word = String matching /[a-z]+/", "Word");
    leads("word)\\(", 0, "main.cell: fn twice(word: Word): String = \"\\(word)\\(word)\"", "word");
    leads("twice(\"a\")", 0, "main.cell: fn twice(word: Word): String = \"\\(word)\\(word)\"", "twice");
    leads("name)\" {", 0, "main.cell: for name in list {", "name");
    leads("prod }", 0, "main.cell: ou prod {}", "prod");
    leads("x-a\"", 0, "main.cell:   ou \"x-\\(name)\" { parent = ou.prod }", "x-\\(name)");
    leads("zone =", 0, "lib/module.cell: param zone: String", "zone");
    leads("./lib/module", 0, "lib/module.cell: param zone: String", "");
    leads(
        "west.zones",
        0,
        "main.cell: module west = \"./lib/module.cell\" { zone = twice(\"a\"), parent = ou[\"x-a\"] }",
        "west",
    );
    leads("zones\n", 0, "lib/module.cell: export let zones = [zone]", "zones");
    leads(
        "west.cell.gone",
        0,
        "main.cell: module west = \"./lib/module.cell\" { zone = twice(\"a\"), parent = ou[\"x-a\"] }",
        "west",
    );
    leads("prod\" }", 0, "main.cell: ou prod {}", "prod");
    client.end();
}

#[test]
fn a_library_is_somewhere_to_go() {
    let text = "import \"std/regions.cell\" as regions\nlet x = regions.short(\"us-west-2\")\n";
    let mut client = Client::of(text);
    let params = client.place("main.cell", "short", 0);
    let answer = client.ask("textDocument/definition", &params).unwrap();
    assert_eq!(answer[0]["uri"], "file:///library/std/regions.cell");
    client.end();
}

#[test]
fn references_are_found_in_all_files() {
    let mut client = client();
    let lines = |client: &mut Client, params: &Value, declaration: bool| {
        let mut params = params.clone();
        params["context"] = json!({ "includeDeclaration": declaration });
        let answer = client.ask("textDocument/references", &params).unwrap();
        let found: Vec<_> = answer.as_array().unwrap().iter().map(|one| text_at(client, one)).collect();
        found
            .into_iter()
            .map(|(line, text)| format!("{}|{text}", line.split(':').next().unwrap()))
            .collect::<Vec<_>>()
    };
    let prod = client.place("main.cell", "prod {}", 0);
    assert_eq!(lines(&mut client, &prod, true), ["main.cell|prod", "main.cell|prod", "main.cell|prod"]);
    assert_eq!(lines(&mut client, &prod, false).len(), 2);
    let zone = client.place("main.cell", "zone =", 0);
    let zone = lines(&mut client, &zone, true);
    assert_eq!(zone, ["lib/module.cell|zone", "lib/module.cell|zone", "main.cell|zone"]);
    // From the file that declares it, though only the other is open.
    client.open("lib/names.cell", NAMES);
    let last = client.place("lib/names.cell", "last", 0);
    assert_eq!(lines(&mut client, &last, true), ["lib/names.cell|last", "main.cell|last"]);
    client.end();
}

#[test]
fn the_same_word_is_lit_up_in_its_file() {
    let mut client = client();
    let params = client.place("main.cell", "prod {}", 0);
    let answer = client.ask("textDocument/documentHighlight", &params).unwrap();
    let kinds: Vec<_> = answer.as_array().unwrap().iter().map(|one| one["kind"].as_i64().unwrap()).collect();
    assert_eq!(kinds, [3, 2, 2]);
    assert_eq!(
        client
            .ask(
                "textDocument/definition",
                &json!({
                    "textDocument": { "uri": uri("main.cell") }, "position": { "line": 0, "character": 0 }
                })
            )
            .unwrap(),
        Value::Null
    );
    client.end();
}

//! What is found while somebody types.

use lsp_types::{DiagnosticSeverity, Range};
use serde_json::json;

use crate::client::{Client, at, uri};

const PROGRAM: &str = "edition \"2026\"
org acme { accounts { email = \"aws+\\(.name)@acme.example\", ou = ou.work } }
ou work {}
cell alpha { kind = \"alpha\", region = \"us-west-2\" }
";

#[test]
fn findings_come_and_go_with_the_text() {
    let mut client = Client::of(PROGRAM);
    assert_eq!(client.codes("main.cell"), [""; 0]);
    client.replace("main.cell", "\"us-west-2\"", "\"us-west-2");
    assert!(client.codes("main.cell").iter().any(|code| code.starts_with("E01")), "the string is open");
    client.replace("main.cell", "us-west-2", "us-west-2\"");
    assert_eq!(client.codes("main.cell"), [""; 0]);
    client.replace("main.cell", "ou.work", "ou.wrok");
    let found = client.found("main.cell");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].severity, Some(DiagnosticSeverity::ERROR));
    assert_eq!(found[0].range, Range { start: at(1, 67), end: at(1, 71) });
    assert!(found[0].message.contains("did you mean `work`?"), "{}", found[0].message);
    client.end();
}

#[test]
fn rules_of_the_expansion_are_told_too() {
    let mut client = Client::of(PROGRAM);
    client.replace("main.cell", "\"alpha\"", "\"dev\"");
    let found = client.found("main.cell");
    assert!(found.iter().any(|found| found.message.contains("expires")), "a dev cell expires: {found:?}");
    client.end();
}

#[test]
fn guards_and_policies_are_judged_when_nobody_types() {
    let text = format!(
        "{PROGRAM}group crew {{}}
permission_set Users {{
  allow users {{ actions = [\"iam:ListUsers\", \"iam:ListUzers\"], resources = [\"*\"] }}
}}
grant crew-users {{
  to = group.crew
  can = permission_set.Users
  on = cells
}}
guard no-iam {{
  on = cells
  forbid iam {{ actions = [\"iam:*\"], resources = [\"*\"] }}
}}
"
    );
    let mut client = Client::of(&text);
    client.until("main.cell", &["W0705", "E0701"]);
    client.replace("main.cell", ", \"iam:ListUzers\"", "");
    client.until("main.cell", &["E0701"]);
    client.replace("main.cell", "iam:*", "s3:*");
    client.until("main.cell", &[]);
    client.end();
}

#[test]
fn other_places_and_fixes_come_along() {
    let text = "defaults usual for cell { kind = \"alpha\", size = \"small\" }
cell alpha using usual {
  region = \"us-west-2\"
  account_id = \"222222222222\"
  size = \"large\"
  labels { a = null }
}
";
    let mut client = Client::of(text);
    let found = client.found("main.cell");
    let set = found.iter().find(|found| found.message.contains("already set")).expect("E0312");
    let related = set.related_information.as_ref().unwrap();
    assert_eq!((related[0].message.as_str(), related[0].location.range.start), ("set here", at(0, 42)));
    let params = json!({
        "textDocument": { "uri": uri("main.cell") },
        "range": { "start": at(5, 15), "end": at(5, 15) },
        "context": { "diagnostics": [] },
    });
    let actions = client.ask("textDocument/codeAction", &params).unwrap();
    assert_eq!(actions[0]["title"], "Replace `null` by `none`");
    assert_eq!(actions[0]["kind"], "quickfix");
    let fixed = client.applied(&actions[0]["edit"], &[]);
    assert!(fixed["main.cell"].contains("labels { a = none }"), "{}", fixed["main.cell"]);
    client.end();
}

#[test]
fn a_finding_leads_to_the_page_of_its_code() {
    let asks = json!({ "textDocument": { "publishDiagnostics": { "codeDescriptionSupport": true } } });
    let text = PROGRAM.replace("ou.work", "ou.wrok");
    for (capabilities, page) in [(asks, Some("file:///library/errors/E0204.md")), (json!({}), None)] {
        let mut client = Client::with(&[("main.cell", &text)], &capabilities);
        client.open("main.cell", &text);
        let found = client.found("main.cell");
        let href = found[0].code_description.as_ref().map(|description| description.href.as_str());
        assert_eq!(href, page, "{found:?}");
        client.end();
    }
}

#[test]
fn a_file_is_checked_with_the_program_that_imports_it() {
    let main = "import \"./lib/names.cell\" as names\nlet x: Int = names.y\n";
    let lib = "export let y = 1\n";
    let mut client = Client::new(&[("app/main.cell", main), ("lib/names.cell", lib), ("app/lib/names.cell", lib)]);
    client.open("app/main.cell", main);
    assert_eq!(client.codes("app/main.cell"), [""; 0]);
    // The open text goes before the one on disk.
    client.open("app/lib/names.cell", lib);
    assert_eq!(client.codes("app/lib/names.cell"), [""; 0]);
    client.replace("app/lib/names.cell", "1", "\"one\"");
    assert_eq!(client.codes("app/lib/names.cell"), [""; 0]);
    // It is found where it is used: in a text that did not change.
    client.until("app/main.cell", &["E0301"]);
    // Closed, what is on disk counts again.
    client.close("app/lib/names.cell");
    client.replace("app/main.cell", "x", "z");
    assert_eq!(client.codes("app/main.cell"), [""; 0]);
    client.end();
}

#[test]
fn a_shared_file_shows_what_its_programs_find_in_it() {
    let main = "import \"../lib/shared.cell\" as shared\nlet x = shared.y\n";
    let lib = "export let y = oops\n";
    let mut client = Client::new(&[("a/main.cell", main), ("b/main.cell", main), ("lib/shared.cell", lib)]);
    client.open("lib/shared.cell", lib);
    assert_eq!(client.codes("lib/shared.cell"), ["E0201"], "once, though two programs find it");
    client.replace("lib/shared.cell", "oops", "1");
    assert_eq!(client.codes("lib/shared.cell"), [""; 0]);
    client.end();
}

#[test]
fn changes_on_disk_count() {
    let main = "import \"./names.cell\" as names\nlet x: Int = names.y\n";
    let mut client = Client::with(
        &[("main.cell", main)],
        &json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } }),
    );
    client.open("main.cell", main);
    assert_eq!(client.codes("main.cell").first().map(String::as_str), Some("E0207"), "there is no such file");
    assert_eq!(client.asked.first().map(|request| request.method.as_str()), Some("client/registerCapability"));
    client.machine.write("names.cell", "export let y = 1\n");
    let change = json!({ "uri": uri("names.cell"), "type": 1 });
    client.tell("workspace/didChangeWatchedFiles", &json!({ "changes": [change] }));
    client.until("main.cell", &[]);
    client.machine.remove("names.cell");
    let change = json!({ "uri": uri("names.cell"), "type": 3 });
    client.tell("workspace/didChangeWatchedFiles", &json!({ "changes": [change] }));
    client.until("main.cell", &["E0207"]);
    client.end();
}

#[test]
fn a_text_that_is_on_no_disk_is_a_program() {
    let mut client = Client::new(&[]);
    client.open("new.cell", "import \"std/regions.cell\" as regions\nlet x = regions.nothing\n");
    assert_eq!(client.codes("new.cell"), ["E0209"]);
    client.end();
}

//! Renames: what they change, and what they refuse.

use serde_json::Value;

use crate::client::{Client, uri};

fn rename(client: &mut Client, path: &str, word: &str, number: usize, new: &str) -> Result<Value, String> {
    let mut params = client.place(path, word, number);
    params["newName"] = new.into();
    client.ask("textDocument/rename", &params)
}

const PROGRAM: &str = "edition \"2026\"
org acme { accounts { email = \"aws+\\(.name)@acme.example\", ou = ou.work } }
ou work {}
group crew {}
cell alpha { kind = \"alpha\", region = \"us-west-2\", owner = group.crew }
permission_set Look {}
grant look { to = group.crew, can = permission_set.Look, on = [cell.alpha, cell[\"alpha\"]] }
";

#[test]
fn an_entity_keeps_its_identity_by_a_moved_block() {
    let mut client = Client::of(PROGRAM);
    let edit = rename(&mut client, "main.cell", "alpha {", 0, "first").unwrap();
    let text = client.applied(&edit, &[]).remove("main.cell").unwrap();
    let expected = PROGRAM
        .replace("cell alpha {", "cell first {")
        .replace(
            "owner = group.crew }\n",
            "owner = group.crew }\nmoved { from = \"cell.alpha\", to = \"cell.first\" }\n",
        )
        .replace("[cell.alpha, cell[\"alpha\"]]", "[cell.first, cell[\"first\"]]");
    assert_eq!(text, expected);
    client.end();
}

#[test]
fn a_comment_behind_an_entity_stays_its_own() {
    for (program, expected) in [
        (
            "group a {} # the first\ngroup c {}\n",
            "group b {} # the first\nmoved { from = \"group.a\", to = \"group.b\" }\ngroup c {}\n",
        ),
        ("group a {\n} # the first", "group b {\n} # the first\nmoved { from = \"group.a\", to = \"group.b\" }"),
        ("group a {} group c {}\n", "group b {}\nmoved { from = \"group.a\", to = \"group.b\" }\ngroup c {}\n"),
    ] {
        let mut client = Client::of(program);
        let edit = rename(&mut client, "main.cell", "a {", 0, "b").unwrap();
        assert_eq!(client.applied(&edit, &[])["main.cell"], expected);
        client.end();
    }
}

#[test]
fn a_rename_back_takes_the_moved_block_back() {
    let mut client = Client::of(PROGRAM);
    let edit = rename(&mut client, "main.cell", "cell.alpha", 0, "first").unwrap_err();
    assert!(edit.contains("a word of the language"), "the kind is not renamed: {edit}");
    let edit = rename(&mut client, "main.cell", "alpha, cell", 0, "first").unwrap();
    let renamed = client.applied(&edit, &[]).remove("main.cell").unwrap();
    let mut client = Client::of(&renamed);
    let edit = rename(&mut client, "main.cell", "first {", 0, "alpha").unwrap();
    let back = client.applied(&edit, &[]).remove("main.cell").unwrap();
    let expected = PROGRAM.replace(
        "owner = group.crew }\n",
        "owner = group.crew }\nmoved { from = \"cell.first\", to = \"cell.alpha\" }\n",
    );
    assert_eq!(back, expected);
    // And on: what moved to the former name moves to the new one.
    let mut client = Client::of(&renamed);
    let edit = rename(&mut client, "main.cell", "first {", 0, "third").unwrap();
    let on = client.applied(&edit, &[]).remove("main.cell").unwrap();
    assert!(on.contains("moved { from = \"cell.alpha\", to = \"cell.third\" }"), "{on}");
    assert!(on.contains("moved { from = \"cell.first\", to = \"cell.third\" }"), "{on}");
    client.end();
}

const MAIN: &str = "edition \"2026\"
org acme { accounts { email = \"aws+\\(.name)@acme.example\", ou = ou.work } }
ou work {}
module west = \"./lib/fleet.cell\" { zone = \"us-west-2\" }
let names = west.names
moved { from = \"cell.one\", to = \"west.cell.one\" }
";
const FLEET: &str = "param zone: AwsRegion
export let names = [cell.one.label]
cell one { kind = \"staging\", region = zone }
";

#[test]
fn a_module_takes_all_in_it_along() {
    let files = [("main.cell", MAIN), ("lib/fleet.cell", FLEET)];
    let mut client = Client::new(&files);
    client.open("main.cell", MAIN);
    let edit = rename(&mut client, "main.cell", "west =", 0, "east").unwrap();
    let text = client.applied(&edit, &files).remove("main.cell").unwrap();
    assert!(text.contains("module east ="), "{text}");
    assert!(text.contains("let names = east.names"), "{text}");
    assert!(text.contains("moved { from = \"west.cell.*\", to = \"east.cell.*\" }"), "{text}");
    assert!(text.contains("moved { from = \"cell.one\", to = \"east.cell.one\" }"), "{text}");
    client.end();
}

#[test]
fn what_other_files_use_is_renamed_there_too() {
    let files = [("main.cell", MAIN), ("lib/fleet.cell", FLEET)];
    let mut client = Client::new(&files);
    client.open("main.cell", MAIN);
    client.open("lib/fleet.cell", FLEET);
    let edit = rename(&mut client, "lib/fleet.cell", "names", 0, "labels").unwrap();
    let texts = client.applied(&edit, &files);
    assert!(texts["main.cell"].contains("let names = west.labels"), "{}", texts["main.cell"]);
    assert!(texts["lib/fleet.cell"].contains("export let labels ="));
    let edit = rename(&mut client, "main.cell", "zone =", 0, "region").unwrap();
    let texts = client.applied(&edit, &files);
    assert!(texts["main.cell"].contains("{ region = \"us-west-2\" }"));
    assert!(texts["lib/fleet.cell"].contains("param region:") && texts["lib/fleet.cell"].contains("region = region"));
    // An entity of a module: its own file says that it moved, and the address in the other follows.
    let edit = rename(&mut client, "lib/fleet.cell", "one {", 0, "two").unwrap();
    let texts = client.applied(&edit, &files);
    assert!(texts["lib/fleet.cell"].contains("moved { from = \"cell.one\", to = \"cell.two\" }"));
    assert!(texts["main.cell"].contains("to = \"west.cell.two\""), "{}", texts["main.cell"]);
    client.end();
}

#[test]
fn names_of_every_sort_are_renamed() {
    let text = "type Word = String matching /[a-z]+/
fn twice(word: Word): String = \"\\(word)\\(word)\"
let list: [Word] = [\"a\"]
defaults usual for group { name = \"x\" }
for word in list {
  group \"\\(twice(word))\" using usual {}
}
";
    let mut client = Client::of(text);
    for (word, number, new, expected) in [
        ("Word", 0, "Name", ["type Name =", "(word: Name)", "let list: [Name]"]),
        ("twice", 0, "double", ["fn double(", "\\(double(word))", "for word"]),
        ("word in", 0, "name", ["for name in list", "\\(twice(name))", "fn twice(word: Word)"]),
        ("word:", 0, "name", ["twice(name: Word)", "\\(name)\\(name)", "for word in"]),
        ("usual", 0, "common", ["defaults common", "using common", "list"]),
    ] {
        let edit = rename(&mut client, "main.cell", word, number, new).unwrap();
        let text = client.applied(&edit, &[]).remove("main.cell").unwrap();
        for part in expected {
            assert!(text.contains(part), "`{word}` to `{new}` lacks `{part}`:\n{text}");
        }
        assert!(!text.contains("moved"), "nothing here has an address:\n{text}");
    }
    client.end();
}

#[test]
fn a_rename_that_would_not_hold_is_refused() {
    let text = format!(
        "import \"std/regions.cell\" as regions\n{}let x = regions.short(\"us-west-2\")\nlet y = 1\n",
        PROGRAM.replace("edition \"2026\"\n", "")
    );
    let mut client = Client::of(&text);
    for (word, number, new, why) in [
        ("x =", 0, "y", "already declared"),
        ("x =", 0, "cells", "the program would not hold"),
        ("x =", 0, "1x", "is no name"),
        ("x =", 0, "a b", "is no name"),
        ("alpha {", 0, "Alpha", "the program would not hold"),
        ("short(", 0, "brief", "declared in std/regions.cell"),
        ("cell alpha", 0, "zelle", "a word of the language"),
        ("region =", 0, "place", "a field of the language"),
        ("import", 0, "x", "nothing here has a name"),
    ] {
        let refusal = rename(&mut client, "main.cell", word, number, new).unwrap_err();
        assert!(refusal.contains(why), "`{word}` to `{new}`: {refusal}");
    }
    let params = client.place("main.cell", "short(", 0);
    assert!(client.ask("textDocument/prepareRename", &params).unwrap_err().contains("not of this project"));
    let params = client.place("main.cell", "alpha {", 0);
    let answer = client.ask("textDocument/prepareRename", &params).unwrap();
    assert_eq!(answer["placeholder"], "alpha");
    assert!(client.texts.contains_key(&uri("main.cell")));
    client.end();
}

//! The conversation itself: encodings, order, cancelling, what is not offered.

use serde_json::{Value, json};

use crate::client::{Client, uri};

const WIDE: &str = "let a = \"日本 𝒞\"\nlet b = [\"𝒞\", oops]\n";

#[test]
fn places_are_counted_as_agreed() {
    for (offered, agreed, column) in
        [(json!(null), "utf-16", 15), (json!(["utf-16"]), "utf-16", 15), (json!(["utf-8", "utf-16"]), "utf-8", 17)]
    {
        let mut client =
            Client::with(&[("main.cell", WIDE)], &json!({ "general": { "positionEncodings": offered } }));
        assert_eq!(client.capabilities["positionEncoding"], agreed);
        client.open("main.cell", WIDE);
        let found = client.found("main.cell");
        assert_eq!(found[0].range.start.character, column, "{agreed}");
        // What is typed behind wide characters lands where it was typed.
        client.replace("main.cell", "oops", "a");
        assert_eq!(client.codes("main.cell"), [""; 0], "{agreed}");
        client.replace("main.cell", "本 ", "本 é");
        client.replace("main.cell", "𝒞\", a", "𝒞\", c");
        assert_eq!(client.codes("main.cell"), ["E0201"], "{agreed}");
        client.end();
    }
}

#[test]
fn the_newest_text_counts() {
    let mut client = Client::of("let a = 1\n");
    // Many keystrokes at once: only what is found in the last text is to be seen in the end.
    for number in 0..200 {
        let text = if number % 2 == 0 { "oops" } else { "1" };
        let from = if number % 2 == 0 { "1" } else { "oops" };
        client.replace("main.cell", from, text);
    }
    assert_eq!(client.codes("main.cell"), [""; 0]);
    client.end();
}

#[test]
fn a_request_is_answered_over_the_text_before_it() {
    let mut client = Client::of("let a = 1\n");
    for number in 0..50 {
        let name = format!("name{number}");
        let before = client.text("main.cell").to_owned();
        client.edit("main.cell", 4, before.find(" =").unwrap(), &name);
        assert!(client.hover("main.cell", &name, 0).contains(&format!("let {name}: Int")));
    }
    client.end();
}

#[test]
fn what_is_cancelled_is_answered_so_or_done() {
    let mut client = Client::of("let a = 1\n");
    let params = client.place("main.cell", "a", 0);
    let id = client.send("textDocument/hover", &params);
    client.tell("$/cancelRequest", &json!({ "id": 2 }));
    match client.answer(&id) {
        Ok(answer) => assert!(answer["contents"]["value"].as_str().unwrap().contains("let a")),
        Err(refusal) => assert!(refusal.starts_with("-32800"), "{refusal}"),
    }
    client.end();
}

#[test]
fn what_is_not_offered_is_refused() {
    let mut client = Client::of("let a = 1\n");
    let refusal = client.ask("textDocument/moniker", &json!({})).unwrap_err();
    assert!(refusal.starts_with("-32601"), "{refusal}");
    let refusal = client.ask("textDocument/hover", &json!({ "nothing": true })).unwrap_err();
    assert!(refusal.starts_with("-32602"), "{refusal}");
    client.tell("textDocument/didChange", &json!({ "what": "is this" }));
    client.tell("$/unknown", &Value::Null);
    assert!(client.hover("main.cell", "a", 0).contains("let a"));
    client.end();
}

#[test]
fn a_text_is_formatted() {
    let mut client = Client::of("let   a = 1\n");
    assert_eq!(client.capabilities["documentFormattingProvider"], true);
    let params =
        json!({ "textDocument": { "uri": uri("main.cell") }, "options": { "tabSize": 2, "insertSpaces": true } });
    let answer = client.ask("textDocument/formatting", &params).unwrap();
    assert_eq!(answer[0]["newText"], "let a = 1\n");
    client.end();
}

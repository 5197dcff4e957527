//! Whatever is typed: the server goes on, and what it shows in the end is what a fresh check finds.

use std::sync::Arc;

use lsp_types::Diagnostic;
use proptest::prelude::*;
use serde_json::json;

use crate::client::{Client, uri};

const MAIN: &str = include_str!("../../../../examples/momento/main.cell");
const HELLO: &str = include_str!("../../../../examples/hello/main.cell");
const FLEET: &str = include_str!("../../../../examples/fleet300/main.cell");
const LIB: &str = include_str!("../../../../examples/fleet300/lib/fleet.cell");

/// What is typed.
#[derive(Debug, Clone)]
enum Key {
    /// Text at a place.
    Type(prop::sample::Index, String),
    /// So many characters less at a place.
    Delete(prop::sample::Index, usize),
    /// Something is asked at a place.
    Ask(prop::sample::Index, usize),
}

const PIECES: [&str; 24] = [
    "{",
    "}",
    "\"",
    "(",
    ")",
    "[",
    "]",
    " = ",
    ".",
    ",",
    "\n",
    " ",
    "cell x {",
    "let a = ",
    "for a in b {",
    "\\(",
    "日本",
    "𝒞",
    "#",
    "import \"./lib/fleet.cell\" as f\n",
    "override ",
    "none",
    "where .",
    "é",
];

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        3 => (any::<prop::sample::Index>(), prop::sample::select(&PIECES[..])).prop_map(|(at, text)| Key::Type(at, text.to_owned())),
        3 => (any::<prop::sample::Index>(), 1..30_usize).prop_map(|(at, count)| Key::Delete(at, count)),
        2 => (any::<prop::sample::Index>(), 0..ASKED.len()).prop_map(|(at, what)| Key::Ask(at, what)),
    ]
}

const ASKED: [&str; 9] = [
    "textDocument/hover",
    "textDocument/definition",
    "textDocument/references",
    "textDocument/documentHighlight",
    "textDocument/completion",
    "textDocument/documentSymbol",
    "textDocument/foldingRange",
    "textDocument/semanticTokens/full",
    "textDocument/rename",
];

/// The characters of a text, as places between them.
fn place(text: &str, at: prop::sample::Index) -> usize {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    places[at.index(places.len())]
}

fn press(client: &mut Client, path: &str, key: &Key) {
    let text = client.text(path).to_owned();
    match key {
        Key::Type(at, new) => {
            let at = place(&text, *at);
            client.edit(path, at, at, new);
        }
        Key::Delete(at, count) => {
            let start = place(&text, *at);
            let end = text[start..].char_indices().nth(*count).map_or(text.len(), |(more, _)| start + more);
            client.edit(path, start, end, "");
        }
        Key::Ask(at, what) => {
            let position = client.position(&text, place(&text, *at));
            let params = json!({
                "textDocument": { "uri": uri(path) }, "position": position,
                "context": { "includeDeclaration": true, "triggerKind": 1 }, "newName": "renamed",
            });
            if let Err(refusal) = client.ask(ASKED[*what], &params) {
                // A rename may be refused; nothing else is, and nothing is a fault.
                assert!(ASKED[*what] == "textDocument/rename" && refusal.starts_with("-32803"), "{refusal}");
            }
        }
    }
}

/// What a server finds that sees the text for the first time.
fn fresh(files: &[(&str, &str)], path: &str) -> Vec<Diagnostic> {
    let mut client = Client::new(files);
    let text = files.iter().find(|(file, _)| *file == path).unwrap().1;
    client.open(path, text);
    let found = client.found(path);
    client.end();
    found
}

/// What the compiler finds, without a server.
fn checked(files: &[(&str, &str)], path: &str) -> Vec<(String, String, u32)> {
    let machine = crate::host::Machine::new(files);
    let host: Arc<dyn cell_lsp::host::Host> = Arc::new(machine);
    let project = host.open(std::path::Path::new(crate::host::ROOT)).unwrap();
    let mut checked =
        cell_lang::check::check(cell_lang::load::load(&*project, project.main(), &project.beside(), 16 << 20));
    cell_eval::findings::of(&mut checked, &*project, &cell_eval::budget::Options::default());
    let here = checked
        .diagnostics
        .iter()
        .filter(|found| found.span().is_some_and(|span| checked.sources.path(span.file) == path));
    let shown = here.map(|found| {
        let (start, _) = checked.sources.range(found.span().unwrap());
        (found.code.as_str().to_owned(), found.message.clone(), start.line - 1)
    });
    shown.collect()
}

fn holds(files: &[(&str, &str)], path: &str, keys: &[Key]) {
    let mut client = Client::new(files);
    client.open(path, files.iter().find(|(file, _)| *file == path).unwrap().1);
    keys.iter().for_each(|key| press(&mut client, path, key));
    let found = client.found(path);
    let text = client.text(path).to_owned();
    client.end();
    let now: Vec<(&str, &str)> =
        files.iter().map(|(file, old)| (*file, if *file == path { text.as_str() } else { *old })).collect();
    assert_eq!(found, fresh(&now, path), "a fresh server finds something else");
    let shown: Vec<(String, String, u32)> = found
        .iter()
        .map(|found| {
            let code = crate::client::codes(std::slice::from_ref(found)).remove(0);
            (code, found.message.clone(), found.range.start.line)
        })
        .collect();
    let compiled = checked(&now, path);
    assert_eq!(shown.len(), compiled.len(), "{shown:?} and {compiled:?}");
    for (shown, compiled) in shown.iter().zip(&compiled) {
        assert_eq!((&shown.0, shown.2), (&compiled.0, compiled.2));
        assert!(shown.1.starts_with(&compiled.1), "{shown:?} and {compiled:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_typing_ends_in_what_a_fresh_check_finds(keys in prop::collection::vec(key(), 1..30)) {
        holds(&[("main.cell", HELLO)], "main.cell", &keys);
    }

    #[test]
    fn in_a_larger_program_too(keys in prop::collection::vec(key(), 1..12)) {
        holds(&[("main.cell", MAIN)], "main.cell", &keys);
    }

    #[test]
    fn in_a_program_of_several_files_too(keys in prop::collection::vec(key(), 1..6)) {
        holds(&[("main.cell", FLEET), ("lib/fleet.cell", LIB)], "main.cell", &keys);
        holds(&[("main.cell", FLEET), ("lib/fleet.cell", LIB)], "lib/fleet.cell", &keys);
    }
}

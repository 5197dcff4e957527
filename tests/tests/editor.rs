//! What an editor gets: the extension for Visual Studio Code, built and packaged; its grammar against the words of the
//! compiler; and the language server spoken to by the client library of that editor.

use cell_lang::syntax::{TokenKind, tokens};
use cell_tests::{binary, npm, repository};
use serde_json::{Value, json};

#[test]
fn the_extension_is_built_and_packaged() {
    let folder = npm::extension().unwrap();
    npm::run("npm", &["run", "build"], folder, "").unwrap();
    npm::run("npm", &["run", "package"], folder, "").unwrap();
    npm::run("node", &["test/package.js", "cell.vsix"], folder, "").unwrap();
}

#[test]
fn the_lock_file_names_no_host() {
    let lock = repository::read(&repository::root().join("lang/vscode/package-lock.json")).unwrap();
    assert!(!lock.contains("\"resolved\""), "make it with `npm install --omit-lockfile-registry-resolved`");
}

/// The words of a text, with places in units of UTF-16.
fn words(path: &str, text: &str) -> Value {
    let units = |offset: u32| text[..offset as usize].encode_utf16().count();
    let word = |token: &cell_lang::syntax::Token| {
        let kind = format!("{:?}", token.kind);
        json!({ "kind": kind, "start": units(token.start), "end": units(token.end) })
    };
    let words: Vec<Value> = tokens(text).iter().filter(|token| token.kind != TokenKind::Space).map(word).collect();
    json!({ "path": path, "text": text, "tokens": words })
}

#[test]
fn the_grammar_cuts_programs_as_the_compiler_does() {
    let mut files = Vec::new();
    for folder in ["examples", "std", "tests/cases/good", "lang/src/syntax/tests/programs"] {
        for path in repository::files(folder, "cell") {
            let text = repository::read(&path).unwrap();
            files.push(words(&repository::short(&path), &text));
        }
    }
    assert!(files.len() > 15, "only {} files", files.len());
    let input = serde_json::to_string(&files).unwrap();
    let said = npm::run("node", &["test/grammar.js"], npm::extension().unwrap(), &input).unwrap();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["files"], files.len());
    assert!(said["words"].as_u64().unwrap() > 3_000, "{said}");
}

#[test]
fn a_client_speaks_with_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let cellc = binary::built().unwrap().to_string_lossy().into_owned();
    let place = folder.path().to_string_lossy().into_owned();
    npm::run("node", &["test/client.js", &cellc, &place], npm::extension().unwrap(), "").unwrap();
}

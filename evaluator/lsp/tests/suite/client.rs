//! A client: it speaks the protocol over a pipe in memory, keeps its own copy of the texts, and applies the edits it
//! is given as an editor does.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use cell_lsp::host::Host;
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self as told, Notification as _};
use lsp_types::{Diagnostic, Position, PublishDiagnosticsParams, Range, Url};
use serde_json::{Value, json};

use super::host::{Machine, ROOT};

/// How long an answer may take before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Client {
    connection: Connection,
    server: Option<JoinHandle<Result<(), cell_lsp::Failure>>>,
    pub(crate) machine: Machine,
    /// Texts that are open, with their versions.
    pub(crate) texts: HashMap<Url, (i32, String)>,
    /// The last findings of each file, with the version they are of.
    pub(crate) findings: HashMap<Url, (Option<i32>, Vec<Diagnostic>)>,
    /// What the server said at the start.
    pub(crate) capabilities: Value,
    /// Requests of the server.
    pub(crate) asked: Vec<Request>,
    next: i32,
    utf8: bool,
}

pub(crate) fn uri(path: &str) -> Url {
    Url::from_file_path(format!("{ROOT}/{path}")).unwrap()
}

pub(crate) fn at(line: u32, character: u32) -> Position {
    Position { line, character }
}

impl Client {
    /// A client of a project, that counts in UTF-16.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        Self::with(files, &json!({}))
    }

    /// A client with these capabilities.
    pub(crate) fn with(files: &[(&str, &str)], capabilities: &Value) -> Self {
        let machine = Machine::new(files);
        let (server, connection) = Connection::memory();
        let host: Arc<dyn Host> = Arc::new(machine.clone());
        let server = std::thread::spawn(move || cell_lsp::serve(&server, &host));
        let mut client = Self {
            connection,
            server: Some(server),
            machine,
            texts: HashMap::new(),
            findings: HashMap::new(),
            capabilities: Value::Null,
            asked: Vec::new(),
            next: 0,
            utf8: false,
        };
        let folders = json!([{ "uri": Url::from_file_path(ROOT).unwrap(), "name": "project" }]);
        let params =
            json!({ "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders });
        let result = client.ask("initialize", &params).unwrap();
        client.capabilities = result["capabilities"].clone();
        client.utf8 = client.capabilities["positionEncoding"] == "utf-8";
        client.tell("initialized", &json!({}));
        client
    }

    /// A client of a project with `main.cell` open.
    pub(crate) fn of(text: &str) -> Self {
        let mut client = Self::new(&[("main.cell", text)]);
        client.open("main.cell", text);
        client
    }

    pub(crate) fn tell(&self, method: &str, params: &Value) {
        let notification = Notification { method: method.to_owned(), params: params.clone() };
        self.connection.sender.send(notification.into()).unwrap();
    }

    pub(crate) fn send(&mut self, method: &str, params: &Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        let request = Request { id: id.clone(), method: method.to_owned(), params: params.clone() };
        self.connection.sender.send(request.into()).unwrap();
        id
    }

    /// What the server answers; a refusal's words.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value, String> {
        let id = self.send(method, params);
        self.answer(&id)
    }

    pub(crate) fn answer(&mut self, id: &RequestId) -> Result<Value, String> {
        loop {
            if let Some(response) = self.receive()
                && response.id == *id
            {
                return response.response_result.map_err(|error| format!("{}: {}", error.code, error.message));
            }
        }
    }

    /// Takes one message in.
    fn receive(&mut self) -> Option<Response> {
        let message = self.connection.receiver.recv_timeout(PATIENCE).expect("the server says something");
        match message {
            Message::Response(response) => Some(response),
            Message::Notification(notification) => {
                assert_ne!(notification.method, told::LogMessage::METHOD, "{}", notification.params);
                if notification.method == told::PublishDiagnostics::METHOD {
                    let params: PublishDiagnosticsParams = serde_json::from_value(notification.params).unwrap();
                    if let (Some((open, _)), Some(version)) = (self.texts.get(&params.uri), params.version) {
                        assert!(version <= *open, "findings of a text that was not sent");
                    }
                    self.findings.insert(params.uri, (params.version, params.diagnostics));
                }
                None
            }
            Message::Request(request) => {
                self.connection.sender.send(Response::new_ok(request.id.clone(), ()).into()).unwrap();
                self.asked.push(request);
                None
            }
        }
    }

    pub(crate) fn open(&mut self, path: &str, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "cell", "version": 1, "text": text });
        self.texts.insert(uri(path), (1, text.to_owned()));
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }));
    }

    pub(crate) fn close(&mut self, path: &str) {
        self.texts.remove(&uri(path));
        self.tell("textDocument/didClose", &json!({ "textDocument": { "uri": uri(path) } }));
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        &self.texts[&uri(path)].1
    }

    /// Replaces the bytes `start..end` of an open text, as a keystroke does.
    pub(crate) fn edit(&mut self, path: &str, start: usize, end: usize, new: &str) {
        let text = self.text(path).to_owned();
        let range = Range { start: self.position(&text, start), end: self.position(&text, end) };
        let mut changed = text;
        changed.replace_range(start..end, new);
        let version = self.texts[&uri(path)].0 + 1;
        self.texts.insert(uri(path), (version, changed));
        let change = json!({ "range": range, "text": new });
        let document = json!({ "uri": uri(path), "version": version });
        self.tell("textDocument/didChange", &json!({ "textDocument": document, "contentChanges": [change] }));
    }

    /// Replaces the first `from` of an open text.
    pub(crate) fn replace(&mut self, path: &str, from: &str, to: &str) {
        let start = self.text(path).find(from).unwrap_or_else(|| panic!("`{from}` in {path}"));
        self.edit(path, start, start + from.len(), to);
    }

    /// The findings of a file in the text that is open now.
    pub(crate) fn found(&mut self, path: &str) -> Vec<Diagnostic> {
        let uri = uri(path);
        let wanted = self.texts.get(&uri).map(|(version, _)| *version);
        loop {
            if let Some((version, found)) = self.findings.get(&uri)
                && *version == wanted
            {
                return found.clone();
            }
            self.receive();
        }
    }

    /// Waits until these are the codes of the findings of a file whose text does not change.
    pub(crate) fn until(&mut self, path: &str, wanted: &[&str]) {
        while self.codes(path) != wanted {
            self.receive();
        }
    }

    /// The codes of the findings of a file.
    pub(crate) fn codes(&mut self, path: &str) -> Vec<String> {
        codes(&self.found(path))
    }

    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let before = &text[..offset];
        let line = before.matches('\n').count() as u32;
        let column = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        let character = if self.utf8 { column.len() } else { column.encode_utf16().count() };
        Position { line, character: character as u32 }
    }

    pub(crate) fn offset(&self, text: &str, position: Position) -> usize {
        let start: usize = text.split_inclusive('\n').take(position.line as usize).map(str::len).sum();
        let mut units = 0;
        for (at, character) in text[start..].char_indices() {
            if units >= position.character as usize || character == '\n' {
                return start + at;
            }
            units += if self.utf8 { character.len_utf8() } else { character.len_utf16() };
        }
        text.len()
    }

    /// The parameters of a request about the `number`th (from 0) place of `word` in a text, at its first character.
    pub(crate) fn place(&self, path: &str, word: &str, number: usize) -> Value {
        let text = self.text(path);
        let (offset, _) = text.match_indices(word).nth(number).unwrap_or_else(|| panic!("`{word}` in {path}"));
        json!({ "textDocument": { "uri": uri(path) }, "position": self.position(text, offset) })
    }

    /// The text of a hover.
    pub(crate) fn hover(&mut self, path: &str, word: &str, number: usize) -> String {
        let params = self.place(path, word, number);
        let answer = self.ask("textDocument/hover", &params).unwrap();
        answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The texts after a workspace edit, by path; of files on disk too.
    pub(crate) fn applied(&self, edit: &Value, disk: &[(&str, &str)]) -> HashMap<String, String> {
        let mut texts: HashMap<Url, String> =
            disk.iter().map(|(path, text)| (uri(path), (*text).to_owned())).collect();
        texts.extend(self.texts.iter().map(|(uri, (_, text))| (uri.clone(), text.clone())));
        for change in edit["documentChanges"].as_array().expect("edits of documents") {
            let uri: Url = serde_json::from_value(change["textDocument"]["uri"].clone()).unwrap();
            let version = change["textDocument"]["version"].as_i64();
            assert_eq!(version, self.texts.get(&uri).map(|(version, _)| i64::from(*version)), "{uri}");
            let before = texts[&uri].clone();
            let mut edits: Vec<(usize, usize, String)> = change["edits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|edit| {
                    let range: Range = serde_json::from_value(edit["range"].clone()).unwrap();
                    let new = edit["newText"].as_str().unwrap().to_owned();
                    (self.offset(&before, range.start), self.offset(&before, range.end), new)
                })
                .collect();
            edits.sort();
            let mut text = before;
            for (start, end, new) in edits.iter().rev() {
                text.replace_range(*start..*end, new);
            }
            texts.insert(uri, text);
        }
        let path = |uri: Url| uri.path().trim_start_matches(ROOT).trim_start_matches('/').to_owned();
        texts.into_iter().map(|(uri, text)| (path(uri), text)).collect()
    }

    /// Says goodbye; the server is to end well.
    pub(crate) fn end(mut self) {
        self.ask("shutdown", &Value::Null).unwrap();
        self.tell("exit", &Value::Null);
        self.server.take().unwrap().join().unwrap().unwrap();
    }
}

pub(crate) fn codes(found: &[Diagnostic]) -> Vec<String> {
    let code = |found: &Diagnostic| match &found.code {
        Some(lsp_types::NumberOrString::String(code)) => code.clone(),
        other => panic!("{other:?}"),
    };
    found.iter().map(code).collect()
}

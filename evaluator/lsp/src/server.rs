//! The protocol: who may say what when, and which texts are open. Owns the client's side of the conversation; the
//! work is `worker`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use crossbeam_channel::{Receiver, Sender, select};
use lsp_server::{
    Connection, ErrorCode, ExtractError, Message, Notification, ProtocolError, Request, RequestId, Response,
};
use lsp_types::notification::{self as told, Notification as _, PublishDiagnostics};
use lsp_types::request as asked;
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProviderCapability, CompletionOptions, Diagnostic,
    DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher, FoldingRangeProviderCapability, GlobPattern,
    HoverProviderCapability, InitializeParams, InitializeResult, OneOf, PublishDiagnosticsParams, Registration,
    RegistrationParams, RenameOptions, SaveOptions, SemanticTokensFullOptions, SemanticTokensOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, Url, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::Host;
use crate::text::{Buffer, Buffers, Encoding};
use crate::worker::{self, Abilities, Done, Job, Shared, Worker};
use crate::{actions, complete, folding, format, hover, navigate, rename, symbols, tokens};

/// Why a server ended before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// There is no client any more.
    pub(crate) fn gone() -> Self {
        Self::new("the client went away")
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Why a request has no answer, for the person who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) String);

/// Speaks the protocol until the client says goodbye.
///
/// # Errors
/// When the client breaks the protocol, or goes without a word.
pub fn serve(connection: &Connection, host: &Arc<dyn Host>) -> Result<(), Failure> {
    let (id, params) = connection.initialize_start().map_err(|error| not_begun(&error))?;
    let params: InitializeParams =
        serde_json::from_value(params).map_err(|error| Failure::new(format!("initialize: {error}")))?;
    let encoding = Encoding::choose(
        params.capabilities.general.as_ref().and_then(|general| general.position_encodings.as_deref()),
    );
    let result = InitializeResult {
        capabilities: capabilities(encoding),
        server_info: Some(ServerInfo {
            name: "cellc".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    };
    let result = serde_json::to_value(result).map_err(|error| Failure::new(error.to_string()))?;
    connection.initialize_finish(id, result).map_err(|error| Failure::new(error.to_string()))?;
    let shared = Arc::new(Shared::default());
    let abilities = Abilities { encoding, snippets: takes_snippets(&params), code_pages: takes_code_pages(&params) };
    let (jobs, done) = worker::start(Arc::clone(host), folders(host, &params), abilities, &shared)
        .map_err(|error| Failure::new(format!("no thread can be started: {error}")))?;
    let mut server = Server {
        connection,
        host: Arc::clone(host),
        encoding,
        jobs,
        shared,
        buffers: Arc::default(),
        paths: HashMap::new(),
        folders: folders(host, &params),
        board: BTreeMap::new(),
        judged: BTreeMap::new(),
        shown: BTreeSet::new(),
    };
    if watches(&params) {
        server.register_watchers();
    }
    server.run(&done)
}

/// Why a conversation did not begin.
fn not_begun(error: &ProtocolError) -> Failure {
    if error.channel_is_disconnected() { Failure::gone() } else { Failure::new(error.to_string()) }
}

fn takes_snippets(params: &InitializeParams) -> bool {
    let item = params.capabilities.text_document.as_ref().and_then(|document| document.completion.as_ref());
    let item = item.and_then(|completion| completion.completion_item.as_ref());
    item.and_then(|item| item.snippet_support).unwrap_or(false)
}

fn takes_code_pages(params: &InitializeParams) -> bool {
    let document = params.capabilities.text_document.as_ref();
    let findings = document.and_then(|document| document.publish_diagnostics.as_ref());
    findings.and_then(|findings| findings.code_description_support).unwrap_or(false)
}

fn watches(params: &InitializeParams) -> bool {
    let workspace = params.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watched.and_then(|watched| watched.dynamic_registration).unwrap_or(false)
}

/// The folders that are open.
fn folders(host: &Arc<dyn Host>, params: &InitializeParams) -> Vec<PathBuf> {
    #[expect(deprecated, reason = "older clients have nothing else")]
    let root = params.root_uri.clone();
    let open = params.workspace_folders.as_ref().filter(|folders| !folders.is_empty());
    let uris: Vec<Url> = match open {
        Some(folders) => folders.iter().map(|folder| folder.uri.clone()).collect(),
        None => root.into_iter().collect(),
    };
    uris.iter().filter_map(|uri| uri.to_file_path().ok()).map(|path| host.real(&path)).collect()
}

fn capabilities(encoding: Encoding) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(encoding.kind()),
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
            ..TextDocumentSyncOptions::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        workspace_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        folding_range_provider: Some(FoldingRangeProviderCapability::Simple(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: lsp_types::WorkDoneProgressOptions::default(),
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([".", "\"", "[", "/"].map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
            ..CodeActionOptions::default()
        })),
        semantic_tokens_provider: Some(
            SemanticTokensOptions {
                legend: tokens::legend(),
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..SemanticTokensOptions::default()
            }
            .into(),
        ),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(OneOf::Left(true)),
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

/// The server while it runs.
struct Server<'c> {
    connection: &'c Connection,
    host: Arc<dyn Host>,
    encoding: Encoding,
    jobs: Sender<Job>,
    shared: Arc<Shared>,
    /// The texts that are open.
    buffers: Arc<Buffers>,
    /// Their real paths.
    paths: HashMap<Url, PathBuf>,
    folders: Vec<PathBuf>,
    /// What was found last in each program.
    board: BTreeMap<PathBuf, Posted>,
    /// What was found last in the permissions of each program, by file. It stays until the program was judged anew, so
    /// that it does not flicker while somebody types.
    judged: BTreeMap<PathBuf, HashMap<Url, Vec<Diagnostic>>>,
    /// Files of which the client was told findings.
    shown: BTreeSet<Url>,
}

/// What was found in a program.
struct Posted {
    /// The versions of the open texts it was found in.
    versions: HashMap<Url, i32>,
    /// By file.
    found: HashMap<Url, Vec<Diagnostic>>,
}

impl Posted {
    /// The files it says something of, if only that nothing was found.
    fn files(&self) -> Vec<Url> {
        self.found.keys().chain(self.versions.keys()).cloned().collect()
    }
}

impl Server<'_> {
    fn run(&mut self, done: &Receiver<Done>) -> Result<(), Failure> {
        loop {
            select! {
                recv(self.connection.receiver) -> message => match message {
                    Ok(Message::Request(request)) => {
                        if self.connection.handle_shutdown(&request).map_err(|e| Failure::new(e.to_string()))? {
                            return Ok(());
                        }
                        self.request(request);
                    }
                    Ok(Message::Notification(notification)) => {
                        if notification.method == told::Exit::METHOD {
                            return Err(Failure::new("the client went without `shutdown`"));
                        }
                        self.notified(notification);
                    }
                    // The one request this server makes is to watch files: a client that cannot says so, and does not.
                    Ok(Message::Response(_)) => {}
                    Err(_) => return Err(Failure::gone()),
                },
                recv(done) -> done => match done {
                    Ok(done) => self.done(done),
                    Err(_) => return Err(Failure::new("the working thread ended")),
                },
            }
        }
    }

    fn send(&self, message: impl Into<Message>) {
        // A client that is gone is noticed where it is read from.
        let _ = self.connection.sender.send(message.into());
    }

    fn request(&mut self, request: Request) {
        if request.method == <asked::CodeActionRequest as asked::Request>::METHOD {
            let response = on::<asked::CodeActionRequest>(request, |params| {
                let uri = &params.text_document.uri;
                let version =
                    self.paths.get(uri).and_then(|path| self.buffers.get(path)).map(|buffer| buffer.version);
                let found = self.board.values().filter_map(|posted| posted.found.get(uri)).flatten();
                let judged = self.judged.values().filter_map(|judged| judged.get(uri)).flatten();
                let found = found.chain(judged);
                Ok(Some(actions::fixes(found, uri, params.range, version)))
            });
            return self.send(response);
        }
        let _ = self.jobs.send(Job::Asked(Box::new(request)));
    }

    fn notified(&mut self, notification: Notification) {
        match notification.method.as_str() {
            told::DidOpenTextDocument::METHOD => {
                let Some(params) = read::<told::DidOpenTextDocument>(notification) else { return };
                let document = params.text_document;
                let Ok(path) = document.uri.to_file_path() else { return };
                let path = self.host.real(&path);
                let (uri, version) = (document.uri, document.version);
                self.paths.insert(uri.clone(), path.clone());
                Arc::make_mut(&mut self.buffers)
                    .insert(path.clone(), Arc::new(Buffer { uri, version, text: document.text.into() }));
                self.changed(vec![path]);
            }
            told::DidChangeTextDocument::METHOD => {
                let Some(params) = read::<told::DidChangeTextDocument>(notification) else { return };
                let Some(path) = self.paths.get(&params.text_document.uri).cloned() else { return };
                if let Some(buffer) = Arc::make_mut(&mut self.buffers).get_mut(&path) {
                    let version = params.text_document.version;
                    Arc::make_mut(buffer).change(version, &params.content_changes, self.encoding);
                }
                self.changed(vec![path]);
            }
            told::DidCloseTextDocument::METHOD => {
                let Some(params) = read::<told::DidCloseTextDocument>(notification) else { return };
                let Some(path) = self.paths.remove(&params.text_document.uri) else { return };
                Arc::make_mut(&mut self.buffers).remove(&path);
                self.changed(vec![path]);
            }
            told::DidSaveTextDocument::METHOD => {
                let Some(params) = read::<told::DidSaveTextDocument>(notification) else { return };
                let Some(path) = self.paths.get(&params.text_document.uri).cloned() else { return };
                self.changed(vec![path]);
            }
            told::DidChangeWatchedFiles::METHOD => {
                let Some(params) = read::<told::DidChangeWatchedFiles>(notification) else { return };
                self.watched(&params);
            }
            told::DidChangeWorkspaceFolders::METHOD => {
                let Some(params) = read::<told::DidChangeWorkspaceFolders>(notification) else { return };
                let path = |uri: &Url| uri.to_file_path().ok().map(|path| self.host.real(&path));
                let removed: Vec<PathBuf> = params.event.removed.iter().filter_map(|f| path(&f.uri)).collect();
                let added: Vec<PathBuf> = params.event.added.iter().filter_map(|f| path(&f.uri)).collect();
                self.folders.retain(|folder| !removed.contains(folder));
                self.folders.extend(added);
                let (buffers, folders) = (Arc::clone(&self.buffers), Some(self.folders.clone()));
                let _ = self.jobs.send(Job::Searched { buffers, folders });
            }
            told::Cancel::METHOD => {
                let Some(params) = read::<told::Cancel>(notification) else { return };
                let id = match params.id {
                    lsp_types::NumberOrString::Number(number) => RequestId::from(number),
                    lsp_types::NumberOrString::String(text) => RequestId::from(text),
                };
                self.shared.cancelled.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
            }
            // Others are notes that a server may leave unread.
            _ => {}
        }
    }

    /// Files changed on disk.
    fn watched(&mut self, params: &lsp_types::DidChangeWatchedFilesParams) {
        let paths = params.changes.iter().filter_map(|change| Some((change.uri.to_file_path().ok()?, change.typ)));
        let paths: Vec<(PathBuf, _)> = paths.map(|(path, typ)| (self.host.real(&path), typ)).collect();
        let makes_programs =
            |path: &Path| path.file_name().is_some_and(|name| name == "main.cell" || name == "cell.lock");
        let search =
            paths.iter().any(|(path, typ)| makes_programs(path) && *typ != lsp_types::FileChangeType::CHANGED);
        if search {
            let _ = self.jobs.send(Job::Searched { buffers: Arc::clone(&self.buffers), folders: None });
        }
        self.changed(paths.into_iter().map(|(path, _)| path).collect());
    }

    fn changed(&mut self, files: Vec<PathBuf>) {
        let now = self.buffers.values().map(|buffer| (buffer.uri.clone(), buffer.version)).collect();
        *self.shared.versions.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let _ = self.jobs.send(Job::Changed { buffers: Arc::clone(&self.buffers), files });
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Say(message) => self.send(message),
            Done::Found { program, versions, found } => {
                // A text changed since: what is found in the new one is on its way.
                if self.shared.are_newest(&versions) {
                    let posted = Posted { versions, found };
                    let files = posted.files();
                    let before = self.board.insert(program, posted);
                    self.show(files.into_iter().chain(before.iter().flat_map(Posted::files)).collect());
                }
            }
            Done::Judged { program, versions, found } => {
                if self.shared.are_newest(&versions) && self.board.contains_key(&program) {
                    let files = found.keys().cloned().collect::<BTreeSet<Url>>();
                    let before = self.judged.insert(program, found);
                    self.show(files.into_iter().chain(before.iter().flat_map(HashMap::keys).cloned()).collect());
                }
            }
            Done::Gone { program } => {
                let judged = self.judged.remove(&program);
                let judged = judged.iter().flat_map(HashMap::keys).cloned();
                let files = self.board.remove(&program).iter().flat_map(Posted::files).chain(judged).collect();
                self.show(files);
            }
        }
    }

    /// Tells the client all that is found in these files.
    fn show(&mut self, files: BTreeSet<Url>) {
        for uri in files {
            let buffer = self.paths.get(&uri).and_then(|path| self.buffers.get(path));
            let version = buffer.map(|buffer| buffer.version);
            // Of a text that several programs read nothing is told before all of them have read it as it is now.
            let read = self.board.values().filter_map(|posted| posted.versions.get(&uri));
            if version.is_some_and(|now| read.clone().any(|version| *version != now)) {
                continue;
            }
            let mut diagnostics: Vec<Diagnostic> = Vec::new();
            let found = self.board.values().filter_map(|posted| posted.found.get(&uri));
            for finding in found.chain(self.judged.values().filter_map(|judged| judged.get(&uri))).flatten() {
                if !diagnostics.contains(finding) {
                    diagnostics.push(finding.clone());
                }
            }
            // Of a file that is not open, and of which nothing was said, nothing needs to be said now.
            if version.is_none() && diagnostics.is_empty() && !self.shown.remove(&uri) {
                continue;
            }
            let mut told = self.shared.told.lock().unwrap_or_else(PoisonError::into_inner);
            if diagnostics.is_empty() {
                told.remove(&uri);
            } else {
                self.shown.insert(uri.clone());
                told.insert(uri.clone(), diagnostics.clone());
            }
            drop(told);
            let params = PublishDiagnosticsParams { uri, diagnostics, version };
            self.send(Notification::new(PublishDiagnostics::METHOD.to_owned(), params));
        }
    }

    fn register_watchers(&self) {
        let watcher =
            |pattern: &str| FileSystemWatcher { glob_pattern: GlobPattern::String(pattern.to_owned()), kind: None };
        let watchers = ["**/*.cell", "**/cell.lock"].map(watcher).to_vec();
        let options = serde_json::to_value(DidChangeWatchedFilesRegistrationOptions { watchers }).ok();
        let registration = Registration {
            id: "cell-files".to_owned(),
            method: told::DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: options,
        };
        let params = RegistrationParams { registrations: vec![registration] };
        let method = <asked::RegisterCapability as asked::Request>::METHOD.to_owned();
        self.send(Request::new(RequestId::from("watch-cell-files".to_owned()), method, params));
    }
}

/// The parameters of a notification; none of one that is malformed, for which the protocol has no answer.
fn read<N: told::Notification>(notification: Notification) -> Option<N::Params> {
    serde_json::from_value(notification.params).ok()
}

/// Answers a request.
pub(crate) fn dispatch(worker: &mut Worker, request: Request) -> Response {
    use asked::Request as _;
    match request.method.as_str() {
        asked::HoverRequest::METHOD => on::<asked::HoverRequest>(request, |params| hover::hover(worker, &params)),
        asked::GotoDefinition::METHOD => {
            on::<asked::GotoDefinition>(request, |params| navigate::definition(worker, &params))
        }
        asked::References::METHOD => on::<asked::References>(request, |params| navigate::references(worker, &params)),
        asked::DocumentHighlightRequest::METHOD => {
            on::<asked::DocumentHighlightRequest>(request, |params| navigate::highlights(worker, &params))
        }
        asked::DocumentSymbolRequest::METHOD => {
            on::<asked::DocumentSymbolRequest>(request, |params| symbols::of_document(worker, &params))
        }
        asked::WorkspaceSymbolRequest::METHOD => {
            on::<asked::WorkspaceSymbolRequest>(request, |params| Ok(Some(symbols::of_workspace(worker, &params))))
        }
        asked::Completion::METHOD => on::<asked::Completion>(request, |params| complete::complete(worker, &params)),
        asked::PrepareRenameRequest::METHOD => {
            on::<asked::PrepareRenameRequest>(request, |params| rename::prepare(worker, &params))
        }
        asked::Rename::METHOD => on::<asked::Rename>(request, |params| rename::rename(worker, &params)),
        asked::Formatting::METHOD => on::<asked::Formatting>(request, |params| format::format(worker, &params)),
        asked::FoldingRangeRequest::METHOD => {
            on::<asked::FoldingRangeRequest>(request, |params| folding::ranges(worker, &params))
        }
        asked::SemanticTokensFullRequest::METHOD => {
            on::<asked::SemanticTokensFullRequest>(request, |params| tokens::full(worker, &params))
        }
        _ => {
            let message = format!("`{}` is not offered", request.method);
            Response::new_err(request.id, ErrorCode::MethodNotFound as i32, message)
        }
    }
}

fn on<R>(request: Request, answer: impl FnOnce(R::Params) -> Result<R::Result, Refusal>) -> Response
where
    R: asked::Request,
    R::Params: DeserializeOwned,
    R::Result: Serialize,
{
    let id = request.id.clone();
    match request.extract::<R::Params>(R::METHOD) {
        Ok((id, params)) => match answer(params) {
            Ok(result) => Response::new_ok(id, result),
            Err(Refusal(why)) => Response::new_err(id, ErrorCode::RequestFailed as i32, why),
        },
        Err(ExtractError::JsonError { error, .. }) => {
            Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string())
        }
        Err(ExtractError::MethodMismatch(_)) => {
            Response::new_err(id, ErrorCode::InvalidRequest as i32, "another method".to_owned())
        }
    }
}

//! The three threads that work: one loads, checks and answers what is asked; one expands and tells what is found; one
//! judges permissions, which takes longer, when nobody types.
//!
//! The newest change wins: of several that wait the last counts, and findings of texts that changed since are
//! dropped. Requests are answered over the texts as they were when the client asked, in its order. Owns the order of
//! the work; the protocol is `server`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cell_lang::check::STACK;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{LogMessage, Notification as _};
use lsp_types::{Diagnostic, LogMessageParams, MessageType, Position, Url};

use crate::analysis::Analysis;
use crate::findings;
use crate::host::Host;
use crate::server::dispatch;
use crate::text::{Buffers, Encoding};
use crate::view::View;
use crate::workspace::Workspace;

/// So long no text of a program changes before its permissions are judged.
const QUIET: Duration = Duration::from_millis(250);

/// Work to do, in the order of the client's messages.
pub(crate) enum Job {
    /// These files changed; the texts are now these.
    Changed { buffers: Arc<Buffers>, files: Vec<PathBuf> },
    /// Programs may have come or gone: all is looked at again.
    Searched { buffers: Arc<Buffers>, folders: Option<Vec<PathBuf>> },
    /// A request.
    Asked(Box<Request>),
}

/// What comes of work.
pub(crate) enum Done {
    /// A message for the client.
    Say(Message),
    /// All that was found in a program, by file, with the versions of the open texts it was found in.
    Found { program: PathBuf, versions: HashMap<Url, i32>, found: HashMap<Url, Vec<Diagnostic>> },
    /// What was found in a program's permissions, which takes longer, by file, with the versions as above.
    Judged { program: PathBuf, versions: HashMap<Url, i32>, found: HashMap<Url, Vec<Diagnostic>> },
    /// This program has no text that is open any more.
    Gone { program: PathBuf },
}

/// What the client can, as far as answers depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Abilities {
    pub(crate) encoding: Encoding,
    /// Completions may have places to fill in.
    pub(crate) snippets: bool,
    /// A finding may lead to the page of its code.
    pub(crate) code_pages: bool,
}

/// The thread that answers.
pub(crate) struct Worker {
    pub(crate) workspace: Workspace,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) abilities: Abilities,
    out: Sender<Done>,
    expander: Sender<Expansion>,
    queue: VecDeque<Job>,
    jobs: Receiver<Job>,
    /// Files whose programs are to be looked at.
    dirty: BTreeSet<PathBuf>,
    /// Programs of which findings were told.
    told: BTreeSet<PathBuf>,
    shared: Arc<Shared>,
}

/// What the thread of the protocol tells the others between their jobs.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// The versions of the texts that are open.
    pub(crate) versions: Mutex<HashMap<Url, i32>>,
    /// Requests the client no longer wants answered.
    pub(crate) cancelled: Mutex<HashSet<RequestId>>,
    /// What the client was told last of each file in which something is found.
    pub(crate) told: Mutex<HashMap<Url, Vec<Diagnostic>>>,
}

impl Shared {
    /// Are these the versions of all those texts now?
    pub(crate) fn are_newest(&self, versions: &HashMap<Url, i32>) -> bool {
        let now = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.iter().all(|(uri, version)| now.get(uri) == Some(version))
    }

    /// What the client was told last of a place.
    fn told_at(&self, uri: &Url, position: Position) -> Vec<Diagnostic> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let touches = |found: &&Diagnostic| found.range.start <= position && position <= found.range.end;
        told.get(uri).into_iter().flatten().filter(touches).cloned().collect()
    }

    /// Was it cancelled? It is then forgotten.
    fn is_cancelled(&self, id: &RequestId) -> bool {
        self.cancelled.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

/// A program to expand.
#[derive(Clone)]
struct Expansion {
    program: PathBuf,
    view: View,
}

/// Starts the threads.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn start(
    host: Arc<dyn Host>,
    folders: Vec<PathBuf>,
    abilities: Abilities,
    shared: &Arc<Shared>,
) -> std::io::Result<(Sender<Job>, Receiver<Done>)> {
    let (jobs_in, jobs) = unbounded();
    let (out, done) = unbounded();
    let (expander, expansions) = unbounded();
    let (judge_in, judgements) = unbounded();
    let (newest, told) = (Arc::clone(shared), out.clone());
    let (newest_too, told_too) = (Arc::clone(shared), out.clone());
    let worker = Worker {
        workspace: Workspace::new(host, folders),
        buffers: Arc::default(),
        abilities,
        out,
        expander,
        queue: VecDeque::new(),
        jobs,
        dirty: BTreeSet::new(),
        told: BTreeSet::new(),
        shared: Arc::clone(shared),
    };
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned()).stack_size(STACK);
    thread("cell-lsp-answers").spawn(move || worker.run())?;
    thread("cell-lsp-expands").spawn(move || expand(&expansions, &told, &judge_in, &newest))?;
    thread("cell-lsp-judges").spawn(move || judge(&judgements, &told_too, &newest_too))?;
    Ok((jobs_in, done))
}

impl Worker {
    fn run(mut self) {
        loop {
            let job = match self.queue.pop_front() {
                Some(job) => Some(job),
                None if self.dirty.is_empty() => match self.jobs.recv() {
                    Ok(job) => Some(job),
                    Err(_) => return,
                },
                None => self.jobs.try_recv().ok(),
            };
            match job {
                Some(Job::Asked(request)) => self.answer(*request),
                Some(change) => self.take(change),
                None => self.look(),
            }
        }
    }

    /// Takes a change in, and those right behind it.
    fn take(&mut self, change: Job) {
        let mut next = Some(change);
        while let Some(job) = next.take() {
            match job {
                Job::Changed { buffers, files } => {
                    self.buffers = buffers;
                    for file in files {
                        self.workspace.changed(&file);
                        self.dirty.insert(file);
                    }
                }
                Job::Searched { buffers, folders } => {
                    self.buffers = buffers;
                    match folders {
                        Some(folders) => self.workspace.set_folders(folders),
                        None => self.workspace.search_again(),
                    }
                    self.dirty.extend(self.buffers.keys().cloned());
                }
                asked @ Job::Asked(_) => {
                    self.queue.push_front(asked);
                    return;
                }
            }
            next = self.jobs.try_recv().ok();
        }
    }

    /// Looks at the programs of what changed.
    fn look(&mut self) {
        let files = std::mem::take(&mut self.dirty);
        let mut programs = BTreeSet::new();
        for file in &files {
            let all = self.workspace.of_file(file, &self.buffers);
            if self.buffers.contains_key(file) {
                programs.extend(all);
            } else {
                programs.extend(all.into_iter().filter(|program| self.told.contains(program)));
            }
        }
        for program in programs {
            let analysis = self.workspace.analysis(&program, &self.buffers);
            let open = self.buffers.keys().any(|place| analysis.file_at(place).is_some());
            if open {
                self.told.insert(program.clone());
                let view = self.view(&analysis);
                // The other end lives as long as this one.
                let _ = self.expander.send(Expansion { program, view });
            } else if self.told.remove(&program) {
                let _ = self.out.send(Done::Gone { program });
            }
        }
        self.forget();
    }

    /// Forgets what was told of a file by itself, when it turns out that a program imports it.
    fn forget(&mut self) {
        for program in self.told.clone() {
            if self.buffers.contains_key(&program)
                && !self.workspace.of_file(&program, &self.buffers).contains(&program)
            {
                self.told.remove(&program);
                let _ = self.out.send(Done::Gone { program });
            }
        }
    }

    fn answer(&mut self, request: Request) {
        let id = request.id.clone();
        let response = if self.shared.is_cancelled(&id) {
            Response::new_err(id, ErrorCode::RequestCanceled as i32, "cancelled by the client".to_owned())
        } else {
            // A fault in one answer is not to take the others with it; it is told, here and on standard error.
            catch_unwind(AssertUnwindSafe(|| dispatch(self, request))).unwrap_or_else(|_| {
                Response::new_err(
                    id,
                    ErrorCode::InternalError as i32,
                    "a fault in cellc; please report it".to_owned(),
                )
            })
        };
        let _ = self.out.send(Done::Say(response.into()));
    }

    /// What the client was told last of a place.
    pub(crate) fn told_at(&self, uri: &Url, position: Position) -> Vec<Diagnostic> {
        self.shared.told_at(uri, position)
    }

    pub(crate) fn view(&self, analysis: &Arc<Analysis>) -> View {
        View {
            analysis: Arc::clone(analysis),
            encoding: self.abilities.encoding,
            code_pages: self.abilities.code_pages,
            host: Arc::clone(self.workspace.host()),
        }
    }

    /// The views of all programs that are known.
    pub(crate) fn all_views(&mut self) -> Vec<View> {
        let buffers = Arc::clone(&self.buffers);
        let programs = self.workspace.all(&buffers);
        let analyses: Vec<_> = programs.iter().map(|program| self.workspace.analysis(program, &buffers)).collect();
        analyses.iter().map(|analysis| self.view(analysis)).collect()
    }

    /// The views of all programs that a file belongs to, its own first.
    pub(crate) fn views(&mut self, file: &Path) -> Vec<(PathBuf, View)> {
        let buffers = Arc::clone(&self.buffers);
        let programs = self.workspace.of_file(file, &buffers);
        let view = |program: PathBuf| {
            let analysis = self.workspace.analysis(&program, &buffers);
            let view = self.view(&analysis);
            (program, view)
        };
        programs.into_iter().map(view).collect()
    }
}

/// Expands programs, the newest of each.
fn expand(expansions: &Receiver<Expansion>, out: &Sender<Done>, judge: &Sender<Expansion>, shared: &Shared) {
    let mut waiting: BTreeMap<PathBuf, Expansion> = BTreeMap::new();
    loop {
        if waiting.is_empty() {
            let Ok(first) = expansions.recv() else { return };
            waiting.insert(first.program.clone(), first);
        }
        for next in expansions.try_iter() {
            waiting.insert(next.program.clone(), next);
        }
        let Some((_, expansion)) = waiting.pop_first() else { continue };
        let _ = judge.send(expansion.clone());
        let Expansion { program, view } = expansion;
        let versions = versions(&view);
        // A text changed since: a newer one is on its way.
        if !shared.are_newest(&versions) {
            continue;
        }
        let mut heard = true;
        let looked = catch_unwind(AssertUnwindSafe(|| {
            findings::all(&view.analysis, |found| {
                let found = findings::by_file(&view, found);
                heard = out.send(Done::Found { program: program.clone(), versions, found }).is_ok();
            });
        }));
        if looked.is_err() {
            heard = out.send(Done::Say(fault(&program))).is_ok();
        }
        if !heard {
            return;
        }
    }
}

/// Judges the permissions of programs, the newest of each, once they are quiet.
fn judge(judgements: &Receiver<Expansion>, out: &Sender<Done>, shared: &Shared) {
    let mut waiting: BTreeMap<PathBuf, View> = BTreeMap::new();
    loop {
        let next = if waiting.is_empty() {
            judgements.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            judgements.recv_timeout(QUIET)
        };
        match next {
            Ok(Expansion { program, view }) => _ = waiting.insert(program, view),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                let Some((program, view)) = waiting.pop_first() else { continue };
                let versions = versions(&view);
                if !shared.are_newest(&versions) {
                    continue;
                }
                let judged =
                    catch_unwind(AssertUnwindSafe(|| findings::by_file(&view, &findings::judged(&view.analysis))));
                let done = match judged {
                    Ok(found) => Done::Judged { program, versions, found },
                    Err(_) => Done::Say(fault(&program)),
                };
                if out.send(done).is_err() {
                    return;
                }
            }
        }
    }
}

/// Says that a program could not be looked at.
fn fault(program: &Path) -> Message {
    let message = format!("a fault in cellc while it looked at {}; please report it", program.display());
    let params = LogMessageParams { typ: MessageType::ERROR, message };
    Notification::new(LogMessage::METHOD.to_owned(), params).into()
}

/// The versions of the open texts that a program reads.
fn versions(view: &View) -> HashMap<Url, i32> {
    let overlay = &view.analysis.overlay;
    let read = overlay.buffers.iter().filter(|(place, _)| overlay.has_seen(place));
    read.map(|(_, buffer)| (buffer.uri.clone(), buffer.version)).collect()
}

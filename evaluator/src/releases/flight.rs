//! What is under way in this process: a thread for each cell, and one that looks at alarms. Owns the threads and what they
//! send; when something begins and what follows from its end is the engine's.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::Scope;

use jiff::Timestamp;

use crate::rollout::Event;
use crate::stacks::token;

use super::dossier::Dossier;
use super::engine::Watcher;
use super::targets::{Failed, Look, Looked as Seen, Order, Signals, Targets};

/// What a thread sends when it is through.
#[derive(Debug)]
pub(super) enum Message {
    /// Of a cell.
    Cell(String, Outcome),
    /// Of a look at the alarms.
    Looked(Result<Seen, String>),
}

/// What came of a cell.
#[derive(Debug)]
pub(super) enum Outcome {
    /// This happened, and that was seen.
    Event(Event, String),
    /// Nothing is known.
    Interrupted,
}

/// What is under way.
#[derive(Debug)]
pub(super) struct Flight {
    send: Sender<Message>,
    cells: BTreeSet<String>,
    looking: bool,
    landed: Vec<Message>,
    /// Why the last look failed, so that it is told once.
    blind: Option<String>,
}

impl Flight {
    pub(super) fn new(send: Sender<Message>) -> Self {
        Self { send, cells: BTreeSet::new(), looking: false, landed: Vec::new(), blind: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty() && !self.looking && self.landed.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn has(&self, cell: &str) -> bool {
        self.cells.contains(cell)
    }

    pub(super) fn looks(&self) -> bool {
        self.looking
    }

    /// A message has come.
    pub(super) fn take(&mut self, message: Message) {
        self.landed.push(message);
    }

    /// The events of what has landed.
    pub(super) fn landed(&mut self, watcher: &dyn Watcher) -> Vec<(Event, String)> {
        let mut events = Vec::new();
        for message in std::mem::take(&mut self.landed) {
            match message {
                Message::Cell(cell, outcome) => {
                    self.cells.remove(&cell);
                    if let Outcome::Event(event, observed) = outcome {
                        events.push((event, observed));
                    }
                }
                Message::Looked(Ok((signals, requests))) => {
                    (self.looking, self.blind) = (false, None);
                    events.push((Event::Observed { signals, requests }, String::new()));
                }
                Message::Looked(Err(why)) => {
                    self.looking = false;
                    if self.blind.as_ref() != Some(&why) {
                        watcher.remark(&format!("alarms cannot be read, and nothing passes until they are: {why}"));
                        self.blind = Some(why);
                    }
                }
            }
        }
        events
    }

    /// A cell that cannot even be tried.
    pub(super) fn stuck(&mut self, cell: &str, why: &str) {
        self.cells.insert(cell.to_owned());
        let event = Event::StuckBack { cell: cell.to_owned(), why: why.to_owned() };
        self.landed.push(Message::Cell(cell.to_owned(), Outcome::Event(event, String::new())));
    }

    /// Brings the release to a cell.
    pub(super) fn forward<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        targets: &'s dyn Targets,
        watcher: &'s dyn Watcher,
        (number, cell): (u64, &str),
        dossier: &Arc<Dossier>,
    ) {
        let dossier = Arc::clone(dossier);
        let broke = |cell, why| Event::Failed { cell, why };
        self.spawn(scope, cell, broke, move |cell| {
            let Some(what) = dossier.cells.get(&cell) else {
                let why = "the release says nothing of this cell".to_owned();
                return Outcome::Event(Event::Failed { cell, why }, String::new());
            };
            let token = word(&dossier.of, number, &cell, "forward");
            let order = Order { cell: &cell, what, of: &dossier, back: false, token: &token };
            match targets.bring(order, &mut |text| watcher.sees(&dossier.of, &cell, text)) {
                Ok(observed) => Outcome::Event(Event::Deployed { cell }, observed),
                Err(Failed::Why(why)) => Outcome::Event(Event::Failed { cell, why }, String::new()),
                Err(Failed::Interrupted) => Outcome::Interrupted,
            }
        });
    }

    /// Brings a cell back to what it had.
    pub(super) fn back<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        targets: &'s dyn Targets,
        watcher: &'s dyn Watcher,
        (number, cell): (u64, &str),
        (dossier, former): (&Arc<Dossier>, Option<Arc<Dossier>>),
    ) {
        let dossier = Arc::clone(dossier);
        let broke = |cell, why| Event::StuckBack { cell, why };
        self.spawn(scope, cell, broke, move |cell| {
            let token = word(&dossier.of, number, &cell, "back");
            let mut see = |text: &str| watcher.sees(&dossier.of, &cell, text);
            let came = match &former {
                Some(of) => match of.cells.get(&cell).cloned().or_else(|| of.form_for(dossier.cells.get(&cell)?)) {
                    Some(what) => {
                        let order = Order { cell: &cell, what: &what, of, back: true, token: &token };
                        targets.bring(order, &mut see)
                    }
                    None => Err(Failed::Why("the former release says nothing of this cell".to_owned())),
                },
                None => match dossier.cells.get(&cell) {
                    Some(what) => targets
                        .take_away(Order { cell: &cell, what, of: &dossier, back: true, token: &token }, &mut see),
                    None => Ok(String::new()),
                },
            };
            match came {
                Ok(observed) => Outcome::Event(Event::WentBack { cell }, observed),
                Err(Failed::Why(why)) => Outcome::Event(Event::StuckBack { cell, why }, String::new()),
                Err(Failed::Interrupted) => Outcome::Interrupted,
            }
        });
    }

    /// Works on a cell in a thread of its own. `broke` is what work that panics comes to: it is waited for no longer.
    fn spawn<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        cell: &str,
        broke: impl FnOnce(String, String) -> Event + Send + 's,
        work: impl FnOnce(String) -> Outcome + Send + 's,
    ) {
        let (send, cell) = (self.send.clone(), cell.to_owned());
        self.cells.insert(cell.clone());
        scope.spawn(move || {
            let outcome = unbroken(|| work(cell.clone()))
                .unwrap_or_else(|why| Outcome::Event(broke(cell.clone(), why), String::new()));
            // The engine that waits for it lives as long as the scope.
            let _ = send.send(Message::Cell(cell, outcome));
        });
    }

    /// Looks at alarms.
    pub(super) fn look<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        signals: &'s dyn Signals,
        dossier: Arc<Dossier>,
        (alarms, cells, serving): (Vec<String>, Vec<String>, Vec<String>),
        (since, until, requests): (Timestamp, Timestamp, bool),
    ) {
        let send = self.send.clone();
        self.looking = true;
        scope.spawn(move || {
            let (of, alarms, cells, serving) = (&*dossier, &alarms, &cells, &serving);
            let look = Look { of, alarms, cells, serving, since, until, requests };
            let _ = send.send(Message::Looked(unbroken(|| signals.look(&look)).and_then(|seen| seen)));
        });
    }
}

/// What work comes to; of work that panicked, what it said. A panic is an error of the tool in one cell: the others go on.
fn unbroken<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| format!("an internal error: {}", said(panic.as_ref())))
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it says no more")
}

fn word(of: &str, number: u64, cell: &str, way: &str) -> String {
    token(&format!("{of} {number}"), &format!("{cell} {way}"))
}

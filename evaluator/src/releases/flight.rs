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

use super::book::{Arrival, Place};
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
    /// This was there before the release came.
    Looked(Arrival),
    /// Nothing is known.
    Interrupted,
}

/// What a cell goes back to.
#[derive(Debug)]
pub(super) struct Back {
    /// The release that it had; none when it had nothing.
    pub(super) former: Option<Arc<Dossier>>,
    /// Whether releases have made what is there now, in a place where there was nothing.
    pub(super) created: bool,
}

/// What is under way.
#[derive(Debug)]
pub(super) struct Flight {
    send: Sender<Message>,
    cells: BTreeSet<String>,
    looking: bool,
    landed: Vec<Message>,
    arrivals: Vec<Arrival>,
    /// Why the last look failed, so that it is told once.
    blind: Option<String>,
}

impl Flight {
    pub(super) fn new(send: Sender<Message>) -> Self {
        Self { send, cells: BTreeSet::new(), looking: false, landed: Vec::new(), arrivals: Vec::new(), blind: None }
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
                    match outcome {
                        Outcome::Event(event, observed) => events.push((event, observed)),
                        Outcome::Looked(arrival) => self.arrivals.push(arrival),
                        Outcome::Interrupted => {}
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

    /// What was there where the release is to come, of what has landed.
    pub(super) fn arrivals(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals)
    }

    /// A cell that cannot even be tried.
    pub(super) fn stuck(&mut self, cell: &str, why: &str) {
        self.cells.insert(cell.to_owned());
        let event = Event::StuckBack { cell: cell.to_owned(), why: why.to_owned() };
        self.landed.push(Message::Cell(cell.to_owned(), Outcome::Event(event, String::new())));
    }

    /// Looks what is in a cell where the release is to come.
    pub(super) fn arrival<'s>(
        &mut self,
        scope: &'s Scope<'s, '_>,
        targets: &'s dyn Targets,
        (cell, at): (&str, Place),
        dossier: &Arc<Dossier>,
    ) {
        let dossier = Arc::clone(dossier);
        let broke = |cell, why| Event::Failed { cell, why };
        self.spawn(scope, cell, broke, move |cell| {
            let failed = |cell, why| Outcome::Event(Event::Failed { cell, why }, String::new());
            let Some(what) = dossier.cells.get(&cell) else {
                return failed(cell, "the release says nothing of this cell".to_owned());
            };
            let order = Order { cell: &cell, what, of: &dossier, back: false, created: false, token: "" };
            match targets.stands(order) {
                Ok(stands) => Outcome::Looked(Arrival { cell, at, stands }),
                Err(Failed::Why(why)) => failed(cell, why),
                Err(Failed::Interrupted) => Outcome::Interrupted,
            }
        });
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
            let order = Order { cell: &cell, what, of: &dossier, back: false, created: false, token: &token };
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
        (dossier, Back { former, created }): (&Arc<Dossier>, Back),
    ) {
        let dossier = Arc::clone(dossier);
        let broke = |cell, why| Event::StuckBack { cell, why };
        self.spawn(scope, cell, broke, move |cell| {
            let token = word(&dossier.of, number, &cell, "back");
            let mut see = |text: &str| watcher.sees(&dossier.of, &cell, text);
            let now = dossier.cells.get(&cell);
            let away = now.map(|what| Order { cell: &cell, what, of: &dossier, back: true, created, token: &token });
            let came = match (&former, away) {
                (Some(of), away) => match of.cells.get(&cell).cloned().or_else(|| of.form_for(now?)) {
                    Some(what) => {
                        let order = Order { cell: &cell, what: &what, of, back: true, created, token: &token };
                        return_to(targets, order, away, &mut see)
                    }
                    None => Err(Failed::Why("the former release says nothing of this cell".to_owned())),
                },
                (None, Some(away)) => targets.take_away(away, &mut see),
                (None, None) => Ok(String::new()),
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

/// Brings back what a cell had. Where it had that in another place, what has come since is taken away; what stays there is told.
pub(super) fn return_to(
    targets: &dyn Targets,
    had: Order<'_>,
    away: Option<Order<'_>>,
    see: &mut dyn FnMut(&str),
) -> Result<String, Failed> {
    let observed = targets.bring(had, see)?;
    let place = had.what.spec.place();
    let Some(away) = away.filter(|away| away.what.spec.place() != place) else { return Ok(observed) };
    let there = away.what.spec.place();
    match targets.take_away(away, see) {
        Ok(gone) => Ok(format!("{observed}; {there}: {gone}")),
        // What has no way back stays in any case.
        Err(Failed::Why(why)) if !away.what.spec.target.is_a_stack() => Ok(format!("{observed}; {there}: {why}")),
        Err(Failed::Why(why)) => {
            Err(Failed::Why(format!("{place} has {} again, and {there} is left: {why}", had.of.version)))
        }
        Err(Failed::Interrupted) => Err(Failed::Interrupted),
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

//! What an apply does about releases: a new cell gets the released version, what goes takes its releases with it and is passed by, what
//! stays where a cell had it before is taken away, and what changed is queued. Owns these; it waits for no bake.

use std::collections::BTreeSet;
use std::convert::Infallible;

use crate::provider::{Clock, CloudError, Failure};
use crate::words::counted;

use super::book::{Book, Has};
use super::desk::{By, Desk, DeskError};
use super::dossier::Dossier;
use super::targets::{Failed, Order, Targets};
use super::wishes::{Release, Unready};

/// Does for an apply what concerns releases.
pub struct Clerk<'a> {
    /// The books.
    pub desk: Desk<'a>,
    /// What takes releases.
    pub targets: &'a dyn Targets,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Who applies.
    pub who: String,
}

impl std::fmt::Debug for Clerk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clerk").field("who", &self.who).finish_non_exhaustive()
    }
}

/// What is brought to a cell, and by which word.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'a> {
    /// The cell.
    pub cell: &'a str,
    /// The same for the same thing, however often it is tried.
    pub token: &'a str,
}

impl Clerk<'_> {
    /// Brings the released version to a cell that has none; what was seen. `released` names its dossier, and `made` makes
    /// of the release what the cell gets.
    ///
    /// # Errors
    /// Why it is not there, or not written down.
    pub fn deploy(
        &self,
        of: &str,
        released: &str,
        made: &dyn Fn(&Release) -> Result<Dossier, Vec<Unready>>,
        errand: Errand<'_>,
        see: &mut dyn FnMut(&str),
    ) -> Result<String, CloudError> {
        let Errand { cell, token } = errand;
        let release = self.desk.dossier(of, released).map_err(|error| not_kept(&error))?.release();
        let dossier = made(&release).map_err(|faults| {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            CloudError::own("release", Failure::Invalid, faults.join("; "))
        })?;
        let what = dossier.cells.get(cell);
        let what = what.ok_or_else(|| CloudError::own("release", Failure::NotFound, "the cell takes no release"))?;
        let name = self.desk.file(&dossier).map_err(|error| not_kept(&error))?;
        let order = Order { cell, what, of: &dossier, back: false, created: false, token };
        let observed = self.targets.bring(order, see).map_err(|error| not_there(&error))?;
        let has = Has { version: release.version, dossier: name, at: self.clock.now(), observed: observed.clone() };
        self.change(of, |book| {
            book.note(has.at, format!("{cell} got {} by an apply of {}", has.version, self.who));
            book.cells.insert(cell.to_owned(), has.clone());
            book.is_of(&has.dossier, &dossier);
        })?;
        Ok(observed)
    }

    /// Takes away what a cell has; what was seen.
    ///
    /// # Errors
    /// Why it is still there, or still written down.
    pub fn undeploy(&self, of: &str, errand: Errand<'_>, see: &mut dyn FnMut(&str)) -> Result<String, CloudError> {
        let Errand { cell, token } = errand;
        let book = self.desk.read(of).map_err(|error| not_kept(&error))?.book;
        let book = if book.is_bound_for(cell) { self.let_go(of, cell, Book::pass_by)? } else { book };
        let names: BTreeSet<&String> = book.all_in_cell(cell);
        let observed = self.empty(of, names, (cell, token, &BTreeSet::new()), see)?;
        let now = self.clock.now();
        if observed.is_empty() {
            return Ok("it had nothing".to_owned());
        }
        self.change(of, |book| {
            book.note(now, format!("{cell} was emptied by an apply of {}", self.who));
            book.leave(cell);
        })?;
        Ok(observed.join("; "))
    }

    /// Takes away what stays in places where a cell had it before, and has it elsewhere now; what was seen.
    ///
    /// # Errors
    /// Why it is still there, or still written down.
    pub fn clear(&self, of: &str, errand: Errand<'_>, see: &mut dyn FnMut(&str)) -> Result<String, CloudError> {
        let Errand { cell, token } = errand;
        let book = self.desk.read(of).map_err(|error| not_kept(&error))?.book;
        let places = book.to_take_away(cell);
        let has = book.in_cell(cell).map(|has| self.desk.dossier(of, has)).transpose();
        let has = has.map_err(|error| not_kept(&error))?;
        let stays = has.iter().filter_map(|has| Some(has.cells.get(cell)?.spec.place())).collect();
        let observed = self.empty(of, places.values(), (cell, token, &stays), see)?;
        let now = self.clock.now();
        self.change(of, |book| {
            if let Some(behind) = book.behind.get_mut(cell) {
                behind.retain(|place, _| !places.contains_key(place));
            }
            book.behind.retain(|_, places| !places.is_empty());
            for place in places.keys() {
                book.note(now, format!("{cell}: {place} was cleared by an apply of {}", self.who));
            }
        })?;
        Ok(if observed.is_empty() { "nothing stays where it was".to_owned() } else { observed.join("; ") })
    }

    /// Takes away what dossiers say of a cell, in each place once and in none that `stays`; what was seen.
    fn empty<'n>(
        &self,
        of: &str,
        names: impl IntoIterator<Item = &'n String>,
        (cell, token, stays): (&str, &str, &BTreeSet<String>),
        see: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>, CloudError> {
        let mut places = stays.clone();
        let mut observed = Vec::new();
        for name in names {
            let dossier = self.desk.dossier(of, name).map_err(|error| not_kept(&error))?;
            let Some(what) = dossier.cells.get(cell) else { continue };
            let (place, sort) = (what.spec.place(), what.spec.target.sort());
            // Each place has calls of its own.
            let token =
                if places.len() == stays.len() { token.to_owned() } else { crate::stacks::token(token, &place) };
            if !places.insert(place.clone()) {
                continue;
            }
            let seen = if what.spec.target.is_a_stack() {
                let order = Order { cell, what, of: &dossier, back: true, created: true, token: &token };
                self.targets.take_away(order, see).map_err(|error| not_there(&error))?
            } else {
                format!("left as it is: what {sort} made stays")
            };
            observed.push(if observed.is_empty() { seen } else { format!("{place}: {seen}") });
        }
        Ok(observed)
    }

    /// Has what is under way pass a cell by, in which it has done nothing that is to be taken away; what was written.
    ///
    /// # Errors
    /// When somebody is at work there, or it is not written down.
    pub fn pass_by(&self, of: &str, cell: &str) -> Result<String, CloudError> {
        let bound = |book: &Book| book.is_bound_for(cell) || book.cells.contains_key(cell);
        if !bound(&self.desk.read(of).map_err(|error| not_kept(&error))?.book) {
            return Ok("nothing comes there any more".to_owned());
        }
        self.let_go(of, cell, Book::leave)?;
        Ok("written in its book".to_owned())
    }

    /// Writes down that a cell is passed by, where nobody is at work in it: who carries a rollout out writes what it begins before, so of
    /// the two one comes first. The book afterwards.
    fn let_go(&self, of: &str, cell: &str, how: impl Fn(&mut Book, &str)) -> Result<Book, CloudError> {
        let now = self.clock.now();
        let change = |book: &mut Book| {
            self.still(book, cell)?;
            if book.is_bound_for(cell) {
                book.note(now, format!("{cell} is passed by, since an apply of {} ends it", self.who));
            }
            how(book, cell);
            Ok(())
        };
        self.desk.change(of, change).map_err(|error| not_kept(&error))?.map(|((), book)| book)
    }

    /// Refuses to take away what a living process brings just now: it would bring it once more.
    fn still(&self, book: &Book, cell: &str) -> Result<(), CloudError> {
        let now = self.desk.time(self.clock.now());
        let open =
            book.open().filter(|open| open.state.cells.get(cell).is_some_and(|cell| cell.state.is_under_way()));
        let Some((open, runner)) = open.and_then(|open| Some((open, open.runner.as_ref()?))) else { return Ok(()) };
        if runner.until <= now {
            return Ok(());
        }
        let (version, who, process) = (&open.state.version, &runner.who, runner.process);
        let why = format!("{who} (process {process}) is at work there for {version}: run again when that has ended");
        Err(CloudError::own("release", Failure::Conflict, why))
    }

    /// Writes down what cells have, before it is changed.
    ///
    /// # Errors
    /// When it is not written down.
    pub fn keep(&self, former: &Dossier) -> Result<String, CloudError> {
        self.desk.keep(former, self.clock.now()).map_err(|error| not_kept(&error))?;
        Ok(format!("kept: what an alarm would put back in {}", counted(former.cells.len(), "cell")))
    }

    /// Puts a release in the queue.
    ///
    /// # Errors
    /// When it is not written down.
    pub fn queue(&self, dossier: &Dossier) -> Result<String, CloudError> {
        let by = By { who: &self.who, how: "an apply of ", at: self.clock.now() };
        self.desk.queue(dossier, by).map_err(|error| not_kept(&error))?;
        let cells = dossier.course.waves.iter().map(|wave| wave.cells.len()).sum();
        Ok(format!("queued: `cellc rollout run` carries it out in {}", counted(cells, "cell")))
    }

    fn change(&self, of: &str, mut change: impl FnMut(&mut Book)) -> Result<(), CloudError> {
        let change = |book: &mut Book| {
            change(book);
            Ok::<_, Infallible>(())
        };
        match self.desk.change(of, change).map_err(|error| not_kept(&error))? {
            Ok(_) => Ok(()),
            Err(never) => match never {},
        }
    }
}

fn not_kept(error: &DeskError) -> CloudError {
    CloudError::own("releases", Failure::Failed, error.to_string())
}

fn not_there(error: &Failed) -> CloudError {
    CloudError::own("release", Failure::Failed, error.to_string())
}

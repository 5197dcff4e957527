//! Where books lie, and how several change one at a time: each change is made to the newest version and written only if that
//! is still the newest. Owns reading, writing and the names of objects; what a change is, the caller says.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::registry::store::{Shelf, StoreError, Stored};

use super::book::{Book, FORMAT_VERSION, Has, Queued};
use super::dossier::{Cell, Dossier, Unreadable};
use super::wishes::is_of_component;

/// What stands in a name as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');
/// How often a change is made anew since somebody else was faster.
const TRIES: usize = 50;

/// Why a book was not read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeskError {
    /// The place did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What lies there makes no sense.
    #[error("{place} cannot be read: {why}")]
    Unreadable {
        /// Where.
        place: String,
        /// Why.
        why: String,
    },
    /// It is referred to, and not there.
    #[error("{0} is not there")]
    Missing(String),
    /// Others write all the time.
    #[error("{0} changes all the time")]
    Busy(String),
}

/// The books of a registry.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    shelf: &'a dyn Shelf,
}

/// A book as it was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The book.
    pub book: Book,
    /// Which version it is; none when nothing was written yet.
    pub version: Option<String>,
}

impl<'a> Desk<'a> {
    /// Those of this registry.
    pub fn new(shelf: &'a dyn Shelf) -> Self {
        Self { shelf }
    }

    /// What a moment of this machine's clock is by the clock of where the books lie.
    pub fn time(&self, own: Timestamp) -> Timestamp {
        self.shelf.time(own)
    }

    /// The book of a component or a permission set; a new one when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, of: &str) -> Result<Read, DeskError> {
        let name = name(of);
        let Some(Stored { bytes, version }) = self.shelf.object(&name)? else {
            return Ok(Read { book: Book::new(of), version: None });
        };
        let unreadable = |why: String| DeskError::Unreadable { place: self.shelf.object_place(&name), why };
        let book: Book = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&book.format_version) != major(FORMAT_VERSION) {
            return Err(unreadable(format!(
                "it has format {}, and this version reads {FORMAT_VERSION}",
                book.format_version
            )));
        }
        if book.of != of {
            return Err(unreadable(format!("it is of {}", book.of)));
        }
        Ok(Read { book, version: Some(version) })
    }

    /// Writes a book if it is still the one that was read. False when somebody else was faster.
    ///
    /// # Errors
    /// When it cannot be written, or nobody can tell whether it was.
    pub fn write(&self, read: &mut Read) -> Result<bool, DeskError> {
        let name = name(&read.book.of);
        let unreadable =
            |error: serde_json::Error| DeskError::Unreadable { place: name.clone(), why: error.to_string() };
        let bytes = serde_json::to_vec(&read.book).map_err(unreadable)?;
        match self.shelf.put_object(&name, &bytes, read.version.as_deref()) {
            Ok(version) => {
                read.version = Some(version);
                Ok(true)
            }
            Err(StoreError::Moved) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a book. `change` is asked again with a newer one when somebody else was faster; what it refuses is given back,
    /// and nothing is written.
    ///
    /// # Errors
    /// When the book cannot be read or written.
    pub fn change<T, E>(
        &self,
        of: &str,
        mut change: impl FnMut(&mut Book) -> Result<T, E>,
    ) -> Result<Result<(T, Book), E>, DeskError> {
        for _ in 0..TRIES {
            let mut read = self.read(of)?;
            let said = match change(&mut read.book) {
                Ok(said) => said,
                Err(refused) => return Ok(Err(refused)),
            };
            if self.write(&mut read)? {
                return Ok(Ok((said, read.book)));
            }
        }
        Err(DeskError::Busy(self.shelf.object_place(&name(of))))
    }

    /// Keeps a dossier; its name.
    ///
    /// # Errors
    /// When it cannot be written, or something else lies where it belongs.
    pub fn file(&self, dossier: &Dossier) -> Result<String, DeskError> {
        let (digest, bytes) = dossier.sealed().map_err(|why| self.unreadable(&dossier.of, &why))?;
        let name = of_dossier(&dossier.of, &digest);
        if self.stands(&name, &bytes)? {
            return Ok(digest);
        }
        match self.shelf.put_object(&name, &bytes, None) {
            Ok(_) => Ok(digest),
            // Whoever was faster has written the same bytes, since the name is their digest; or it was no dossier.
            Err(StoreError::Moved) if self.stands(&name, &bytes)? => Ok(digest),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether these bytes lie there already.
    fn stands(&self, name: &str, bytes: &[u8]) -> Result<bool, DeskError> {
        match self.shelf.object(name)? {
            Some(stored) if stored.bytes == bytes => Ok(true),
            Some(_) => {
                let place = self.shelf.object_place(name);
                Err(DeskError::Unreadable { place, why: Unreadable::Changed.to_string() })
            }
            None => Ok(false),
        }
    }

    /// Writes down what the cells of a dossier have: the form of a permission set that an apply is about to change. While a
    /// rollout is under way each cell has what its book says.
    ///
    /// # Errors
    /// When it is not written down.
    pub fn keep(&self, former: &Dossier, at: Timestamp) -> Result<(), DeskError> {
        let name = self.file(former)?;
        let put = |book: &mut Book| {
            book.withdrawn = None;
            if book.open().is_none() {
                for cell in former.cells.keys() {
                    let (version, dossier) = (former.version.clone(), name.clone());
                    book.cells.insert(cell.clone(), Has { version, dossier, at, observed: String::new() });
                }
            }
            Ok::<_, Infallible>(())
        };
        match self.change(&former.of, put)? {
            Ok(_) => Ok(()),
            Err(never) => match never {},
        }
    }

    /// Puts a release in the queue, unless it is there or under way already.
    ///
    /// # Errors
    /// When it is not written down.
    pub fn queue(&self, dossier: &Dossier, by: By<'_>) -> Result<Entered, DeskError> {
        let name = self.file(dossier)?;
        let By { who, how, at } = by;
        let queued = Queued {
            version: dossier.version.clone(),
            dossier: name.clone(),
            by: who.to_owned(),
            at,
            of_apply: !how.is_empty(),
        };
        let put = |book: &mut Book| {
            // The same thing again, after a kill, queues nothing.
            let open = book.open().is_some_and(|rollout| rollout.dossier == queued.dossier);
            if open || book.next.as_ref().is_some_and(|next| next.dossier == queued.dossier) {
                return Ok::<_, Infallible>((false, None));
            }
            book.note(at, format!("{} queued by {how}{who}", queued.version));
            book.withdrawn = None;
            book.unqueued = None;
            Ok((true, book.next.replace(queued.clone()).map(|former| former.version)))
        };
        match self.change(&dossier.of, put)? {
            Ok(((new, instead_of), _)) => Ok(Entered { name, new, instead_of }),
            Err(never) => match never {},
        }
    }

    /// The dossier of this name.
    ///
    /// # Errors
    /// When it is not there, or is not what its name says.
    pub fn dossier(&self, of: &str, digest: &str) -> Result<Dossier, DeskError> {
        let name = of_dossier(of, digest);
        let place = || self.shelf.object_place(&name);
        let stored = self.shelf.object(&name)?.ok_or_else(|| DeskError::Missing(place()))?;
        Dossier::open(digest, &stored.bytes)
            .map_err(|why| DeskError::Unreadable { place: place(), why: why.to_string() })
    }

    fn unreadable(&self, of: &str, why: &Unreadable) -> DeskError {
        DeskError::Unreadable { place: self.shelf.object_place(&name(of)), why: why.to_string() }
    }
}

/// Who puts a release in the queue.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Who.
    pub who: &'a str,
    /// By what, as the log says it before who it is: `an apply of `, or nothing.
    pub how: &'a str,
    /// When.
    pub at: Timestamp,
}

/// A release that is in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entered {
    /// The name of its dossier.
    pub name: String,
    /// Whether it was not there before, and is not under way.
    pub new: bool,
    /// The version that was in the queue, and is not any more.
    pub instead_of: Option<String>,
}

/// A book with the dossiers that it speaks of.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The book.
    pub book: Book,
    /// The dossiers of what is released, of what each cell has, of what is under way and of what was taken back last, by name.
    pub dossiers: BTreeMap<String, Dossier>,
}

impl Kept {
    /// What a cell has, word for word.
    pub fn cell(&self, cell: &str) -> Option<(&Dossier, &Cell)> {
        let dossier = self.dossiers.get(&self.book.cells.get(cell)?.dossier)?;
        Some((dossier, dossier.cells.get(cell)?))
    }

    /// What is in a cell, or may be in part, word for word.
    pub fn in_part(&self, cell: &str) -> Option<(&Dossier, &Cell)> {
        let dossier = self.dossiers.get(self.book.in_cell(cell)?)?;
        Some((dossier, dossier.cells.get(cell)?))
    }

    /// The accounts in which something stays of a cell that has it elsewhere now.
    pub fn accounts_behind(&self, cell: &str) -> BTreeSet<&String> {
        let named = self.book.behind.get(cell).into_iter().flat_map(BTreeMap::values);
        named.filter_map(|name| Some(&self.dossiers.get(name)?.cells.get(cell)?.spec.account)).collect()
    }

    /// The released version, word for word.
    pub fn released(&self) -> Option<&Dossier> {
        self.dossiers.get(&self.book.released.as_ref()?.dossier)
    }
}

impl Desk<'_> {
    /// Of what there are books, by address.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn names(&self) -> Result<Vec<String>, DeskError> {
        let of =
            |name: &String| Some(percent_decode_str(name.strip_suffix(".json")?).decode_utf8_lossy().into_owned());
        Ok(self.shelf.objects()?.iter().filter_map(of).collect())
    }

    /// Every book that is of something `asked` for, with its dossiers.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn all(&self, asked: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Kept>, DeskError> {
        let mut all = BTreeMap::new();
        for of in self.names()?.into_iter().filter(|of| asked(of)) {
            let book = self.read(&of)?.book;
            let mut named: BTreeSet<&String> =
                book.occupied().into_values().chain(book.released.iter().map(|has| &has.dossier)).collect();
            named.extend(book.cells.values().map(|has| &has.dossier));
            named.extend(book.behind.values().flat_map(BTreeMap::values));
            named.extend(&book.withdrawn);
            named.extend(book.open().map(|open| &open.dossier));
            // A set that is being taken back may have its former form before the first account has it.
            let of_a_set = book.open().filter(|_| !is_of_component(&of));
            named.extend(of_a_set.iter().flat_map(|open| open.former.values().map(|has| &has.dossier)));
            let dossiers = named
                .into_iter()
                .map(|name| Ok((name.clone(), self.dossier(&of, name)?)))
                .collect::<Result<_, DeskError>>()?;
            all.insert(of, Kept { book, dossiers });
        }
        Ok(all)
    }
}

/// `component.api.json`
fn name(of: &str) -> String {
    format!("{}.json", utf8_percent_encode(of, PLAIN))
}

fn of_dossier(of: &str, digest: &str) -> String {
    format!("{}/{digest}.json", utf8_percent_encode(of, PLAIN))
}

//! A permission set that somebody changes, or provisions, while a rollout brings its form.

use super::*;

/// Accounts of a set: what somebody has changed of it, once so many have its form, and where somebody else has brought it.
#[derive(Debug, Default)]
struct Accounts {
    cells: Cells,
    altered: Option<usize>,
    unread: AtomicUsize,
    beside: BTreeSet<String>,
}

impl Targets for Accounts {
    fn bring(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        self.cells.bring(order, see)
    }

    fn take_away(&self, order: Order<'_>, see: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        self.cells.take_away(order, see)
    }

    fn altered(&self, of: &Dossier) -> Result<Option<String>, Failed> {
        let one_less = |left: usize| left.checked_sub(1);
        if self.unread.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(Failed::Why("the network is away".into()));
        }
        let have = self.cells.have.lock().unwrap().values().filter(|has| **has == of.version).count();
        Ok(self.altered.filter(|most| have >= *most).map(|_| "the set was changed meanwhile: inline".to_owned()))
    }

    fn newest(&self, _: &Dossier) -> Result<BTreeSet<String>, Failed> {
        Ok(self.beside.clone())
    }
}

impl Signals for Accounts {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        self.cells.look(look)
    }
}

/// A form of a set for two accounts, one after the other.
fn form(version: &str, alarms: bool) -> Dossier {
    let mut waves = vec![wave("one", &["cell.a"], 1), wave("two", &["cell.b", "cell.c"], 1)];
    for wave in waves.iter_mut().filter(|_| !alarms) {
        wave.alarms.clear();
        wave.min_requests = None;
    }
    let mut dossier = dossier_of(version, waves);
    for (name, cell) in &mut dossier.cells {
        cell.spec.account = format!("account of {name}");
        cell.spec.target = Target::Set { set: "arn:set".into(), form: "f".into() };
    }
    dossier
}

/// The first form is everywhere, and the second comes; how that ends.
fn second(memory: &Memory, accounts: &Accounts, alarms: bool) -> Ending {
    let (clock, stop) = (Slept(Mutex::new(start())), AtomicBool::new(false));
    queue_of(memory, &form("v1", alarms), start());
    assert_eq!(engine(memory, &Cells::default(), &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
    queue_of(memory, &form("v2", alarms), clock.now());
    engine(memory, accounts, &clock, &stop).run().unwrap()
}

fn log(memory: &Memory) -> Vec<String> {
    Desk::new(memory).read(OF).unwrap().book.log.into_iter().map(|note| note.what).collect()
}

#[test]
fn a_set_that_was_changed_in_the_last_bake_is_not_done() {
    for alarms in [true, false] {
        let accounts = Accounts { altered: Some(3), ..Accounts::default() };
        let memory = Memory::default();
        let ended = second(&memory, &accounts, alarms);
        let Ending::Over(Phase::RolledBack { why }) = ended else { panic!("{ended:?}") };
        assert_eq!(why.to_string(), "the set was changed meanwhile: inline");
        assert!(accounts.cells.have.lock().unwrap().values().all(|has| has == "v1"));
        let book = Desk::new(&memory).read(OF).unwrap().book;
        assert!(book.withdrawn.is_some() && book.released.unwrap().version == "v1");
    }
}

/// What cannot be read is read again, and the end waits for that.
#[test]
fn a_set_that_cannot_be_read_is_not_done_until_it_is() {
    let accounts = Accounts { unread: AtomicUsize::new(3), ..Accounts::default() };
    assert_eq!(second(&Memory::default(), &accounts, true), Ending::Over(Phase::Done));
    assert_eq!(accounts.unread.load(Ordering::SeqCst), 0);
}

/// An account whose turn has not come has the new form by somebody else's provision: it goes back with those that were reached.
#[test]
fn what_somebody_else_has_provisioned_goes_back_with_the_others() {
    let alarm = Some(("cell.a".to_owned(), "v2".to_owned(), Signal::Alarm));
    let beside: BTreeSet<String> = ["account of cell.c".to_owned(), "another".to_owned()].into();
    let accounts = Accounts { cells: Cells { alarm, ..Cells::default() }, beside, ..Accounts::default() };
    let memory = Memory::default();
    let ended = second(&memory, &accounts, true);
    assert!(matches!(ended, Ending::Over(Phase::RolledBack { .. })), "{ended:?}");
    let back = ["cell.a", "cell.c"].map(|cell| (cell.to_owned(), "v1".to_owned()));
    assert_eq!(*accounts.cells.have.lock().unwrap(), back.into());
    let log = log(&memory);
    let told = "somebody else has brought it to cell.c: that goes back, too".to_owned();
    assert!(log.contains(&told) && log.contains(&"cell.c rolled back".to_owned()), "{log:?}");
}

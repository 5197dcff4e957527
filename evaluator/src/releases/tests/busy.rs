//! What waiting costs.

use super::*;

/// Alarms that nobody could ask, as often as is said.
#[derive(Debug, Default)]
struct Unasked(AtomicUsize);

impl Targets for Unasked {
    fn bring(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        Ok("saw it".into())
    }

    fn take_away(&self, _: Order<'_>, _: &mut dyn FnMut(&str)) -> Result<String, Failed> {
        Ok("gone".into())
    }
}

impl Signals for Unasked {
    fn look(&self, look: &Look<'_>) -> Result<Looked, String> {
        let says = if self.0.fetch_add(1, Ordering::SeqCst) < 15 { Signal::Unread } else { Signal::Ok };
        Ok((look.cells.iter().map(|cell| ("alarm.errors".to_owned(), cell.clone(), says)).collect(), 1_000))
    }
}

/// What is waited for when a bake is over does not come sooner where time goes by at once: who waits for it is not busy with that.
#[test]
fn a_bake_that_outlasts_its_time_is_waited_for_in_real_time() {
    let (memory, clock, stop) = (Memory::default(), Slept(Mutex::new(start())), AtomicBool::new(false));
    queue_of(&memory, &dossier_of("v1", vec![wave("alpha", &["cell.a"], 1)]), start());
    let (cells, begun) = (Unasked::default(), std::time::Instant::now());
    assert_eq!(engine(&memory, &cells, &clock, &stop).run(), Ok(Ending::Over(Phase::Done)));
    let looks = cells.0.load(Ordering::SeqCst);
    assert!(looks > 15 && begun.elapsed() > Duration::from_millis(300), "{looks} looks in {:?}", begun.elapsed());
}

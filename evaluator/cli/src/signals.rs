//! Ctrl-C: once, nothing more is begun; twice, the process leaves at once. What was done is in the journal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};
use std::time::{Duration, Instant};

static STOP: AtomicBool = AtomicBool::new(false);
/// A signal so soon after the first is the same one: coreutils' `timeout` sends it to the process and then to its whole group.
const SAME: Duration = Duration::from_millis(500);

/// The flag that is set when somebody wants the run to stop.
pub(crate) fn stop() -> &'static AtomicBool {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let first = OnceLock::new();
        let handler = move || {
            let begun: &Instant = first.get_or_init(Instant::now);
            if STOP.swap(true, Ordering::SeqCst) && begun.elapsed() >= SAME {
                // A target of make has a process group of its own, which the terminal does not reach.
                cell_deploy::process::abandon();
                std::process::exit(1);
            }
        };
        // Without a handler a signal ends the process, which the journal is made for.
        let _ = ctrlc::set_handler(handler);
    });
    &STOP
}

//! Ctrl-C: once, nothing more is begun; twice, the process leaves at once. What was done is in the journal.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// The flag that is set when somebody wants the run to stop.
pub(crate) fn stop() -> &'static AtomicBool {
    static SET: Once = Once::new();
    SET.call_once(|| {
        let handler = || {
            if STOP.swap(true, Ordering::SeqCst) {
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

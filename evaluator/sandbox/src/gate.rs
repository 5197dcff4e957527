//! Where calls hang until they are let go. Owns how many do; why, it does not know.

use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

/// A gate that is closed, and opened for those who stand before it.
#[derive(Default)]
pub(crate) struct Gate {
    waiting: AtomicUsize,
    opened: Notify,
}

/// One who waits; gone when the wait ends, or when the client goes and the server drops what it was about.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// Waits until the gate is opened.
    pub(crate) async fn pass(&self) {
        let opened = self.opened.notified();
        tokio::pin!(opened);
        // Whoever sees this one wait may open at once: it must hear of it from here on.
        opened.as_mut().enable();
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        opened.await;
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// Lets all pass that wait now.
    pub(crate) fn open(&self) {
        self.opened.notify_waiters();
    }
}

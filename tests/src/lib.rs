//! The harness of the end-to-end suites: runs programs and compares what they print with what is written down.
//!
//! Owns how a program is run ([`project`], or [`memory`] for thousands), the two forms in which expectations are written ([`txtar`],
//! [`markdown`]) and how a difference is shown. Knows nothing of any single expectation. `UPDATE=1` in the
//! environment rewrites expectations in place.

pub mod aws;
pub mod binary;
pub mod browser;
pub mod diff;
pub mod driver;
pub mod fleet;
pub mod http;
pub mod iam;
pub mod invariants;
pub mod kubectl;
pub mod markdown;
pub mod memory;
pub mod microburst;
pub mod ministack;
pub mod momento;
pub mod moto;
pub mod npm;
pub mod project;
pub mod repository;
pub mod sandbox;
pub mod served;
pub mod templates;
pub mod trust;
pub mod txtar;
pub mod venv;

pub use project::{Found, Outcome, check_project};

/// Are expectations to be rewritten instead of compared?
pub fn updating() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// Does `work` on every item, on all cores, and returns the failures in the items' order.
pub fn failures<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    on_threads(items, std::thread::available_parallelism().map_or(2, usize::from), work)
}

/// As [`failures`], for work that mostly waits for servers and clocks: many at once, however few the cores.
pub fn waiting<T: Sync>(items: &[T], work: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    on_threads(items, 12, work)
}

/// As [`waiting`], so many at once.
pub fn waiting_on<T: Sync>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<(), String> + Sync,
) -> Vec<String> {
    on_threads(items, threads, work)
}

/// Runs several tests at the same time, each on a thread of its own: they wait for servers more than they work, and
/// the test runner has only as many threads as there are cores.
///
/// # Panics
/// When one of them does, with the names of all that did.
pub fn at_once(tests: &[(&str, fn())]) {
    let one = |(name, test): &(&str, fn())| {
        let ended = std::panic::catch_unwind(test);
        ended.map_err(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|&said| said.to_owned()));
            format!("── {name}\n{}", said.unwrap_or_default())
        })
    };
    report(tests.len(), &on_threads(tests, tests.len(), one));
}

/// One test of several functions that run [`at_once`].
#[macro_export]
macro_rules! at_once {
    ($name:ident: $($test:ident),+ $(,)?) => {
        #[test]
        fn $name() {
            $crate::at_once(&[$((stringify!($test), $test as fn())),+]);
        }
    };
}

fn on_threads<T: Sync>(items: &[T], most: usize, work: impl Fn(&T) -> Result<(), String> + Sync) -> Vec<String> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let next = AtomicUsize::new(0);
    let threads = most.min(items.len().max(1));
    let worker = || {
        let mut failed = Vec::new();
        while let Some((at, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, items.get(at)?)))
        {
            if let Err(failure) = work(item) {
                failed.push((at, failure));
            }
        }
        failed
    };
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let joined =
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect::<Vec<_>>()
    });
    all.sort_unstable();
    all.into_iter().map(|(_, failure)| failure).collect()
}

/// Fails a test with everything that went wrong.
///
/// # Panics
/// When there is anything.
#[track_caller]
#[allow(clippy::panic, reason = "a test fails so")]
pub fn report(of: usize, failures: &[String]) {
    assert!(failures.is_empty(), "\n{}\n\n{} of {of} failed", failures.join("\n\n"), failures.len());
}

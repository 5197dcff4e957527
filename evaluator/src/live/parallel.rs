//! Work on several calls at once. Owns how many threads there are, and that answers come in the order of the
//! questions whatever thread they came by.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Asks `work` of each item on up to `lanes` threads. The answers are in the items' order; after the first failure
/// (by order) nothing more is begun.
pub(crate) fn each<T: Sync, R: Send, E: Send>(
    lanes: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if items.len() < 2 || lanes < 2 {
        return items.iter().map(work).collect();
    }
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answers: Mutex<Vec<Option<Result<R, E>>>> = Mutex::new(items.iter().map(|_| None).collect());
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let answer = work(item);
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            if let Some(slot) = answers.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
                *slot = Some(answer);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes.min(items.len()) {
            scope.spawn(worker);
        }
    });
    let answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    // Questions are begun in order: before a failure every one was answered.
    answers.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn answers_keep_the_order_of_the_questions() {
        let items: Vec<u32> = (0..500).collect();
        assert_eq!(each(7, &items, |n| Ok::<_, ()>(n * 2)), Ok(items.iter().map(|n| n * 2).collect()));
    }

    #[test]
    fn the_first_failure_is_told() {
        let items: Vec<u32> = (0..500).collect();
        let failing = |n: &u32| if *n >= 40 { Err(*n) } else { Ok(*n) };
        assert_eq!(each(1, &items, failing), Err(40));
        assert!(each(7, &items, failing).is_err_and(|n| n >= 40));
    }
}

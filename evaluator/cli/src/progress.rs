//! What is seen of a run while it goes on: a bar on a terminal, plain lines elsewhere. Owns both.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cell_eval::apply::Watcher;
use cell_eval::apply::receipt::Outcome;
use cell_eval::plan::cost::seconds;
use cell_eval::plan::model::{Operation, Plan};
use cell_eval::provider::Provider;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Format;
use crate::output::Output;

/// Addresses that are named as being in flight.
const NAMED: usize = 3;
/// How often it is said how far a reading is.
const TOLD: Duration = Duration::from_secs(5);

/// What is seen of a run.
pub(crate) struct Progress<'a> {
    bar: Option<ProgressBar>,
    output: &'a Output,
    total: usize,
    begun: Instant,
    /// What the plan reckoned with.
    expected: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ended: usize,
    failed: usize,
    by_verb: BTreeMap<&'static str, (usize, usize)>,
    flying: BTreeMap<u32, String>,
    /// What is ended and all there is, in seconds of [`seconds`].
    share: (u64, u64),
}

impl<'a> Progress<'a> {
    /// For a plan.
    pub(crate) fn new(plan: &Plan, output: &'a Output) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr()) && output.format == Format::Text;
        let mut state = State::default();
        for operation in &plan.operations {
            state.by_verb.entry(operation.verb.word()).or_default().1 += 1;
        }
        state.share.1 = plan.operations.iter().map(|operation| seconds(&operation.verb)).sum();
        let total = plan.operations.len();
        let (begun, expected) = (Instant::now(), Duration::from_secs(plan.cost.duration_s));
        Self { bar: terminal.then(|| bar(total)), output, total, begun, expected, state: Mutex::new(state) }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, state: &State) {
        let Some(bar) = &self.bar else { return };
        let kinds: Vec<String> = state
            .by_verb
            .iter()
            .filter(|(_, (done, all))| done < all)
            .map(|(verb, (done, all))| format!("{verb} {done}/{all}"))
            .collect();
        let more = state.flying.len().saturating_sub(NAMED);
        let named: Vec<&str> = state.flying.values().take(NAMED).map(String::as_str).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let failed = if state.failed > 0 { format!("{} failed · ", state.failed) } else { String::new() };
        bar.set_position(state.ended as u64);
        let left = HumanDuration(remaining(self.begun.elapsed(), self.expected, state.share));
        bar.set_message(format!("about {left} to go · {failed}{}\n  {}{more}", kinds.join(" · "), named.join(", ")));
    }
}

/// The time that is left: by the plan's reckoning at first, and by how fast it went more and more.
fn remaining(elapsed: Duration, expected: Duration, (done, all): (u64, u64)) -> Duration {
    // Both are seconds of a plan, far below what a float holds exactly.
    let exact = |seconds: u64| f64::from(u32::try_from(seconds).unwrap_or(u32::MAX));
    let share = exact(done) / exact(all.max(1));
    let by_plan = expected.as_secs_f64() * (1.0 - share);
    let by_pace = if share > 0.0 { elapsed.as_secs_f64() * (1.0 - share) / share } else { by_plan };
    Duration::from_secs_f64((by_plan * (1.0 - share) + by_pace * share).max(0.0))
}

fn bar(total: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr_with_hz(8));
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len}  {elapsed} so far, {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

impl Watcher for Progress<'_> {
    fn began(&self, operation: &Operation) {
        let mut state = self.state();
        let text = format!("{} {}", operation.verb.word(), visible(&operation.address));
        state.flying.insert(operation.id.0, text);
        self.draw(&state);
    }

    fn ended(&self, operation: &Operation, outcome: &Outcome) {
        let mut state = self.state();
        state.ended += 1;
        state.share.0 += seconds(&operation.verb);
        state.flying.remove(&operation.id.0);
        if let Some((done, _)) = state.by_verb.get_mut(operation.verb.word()) {
            *done += 1;
        }
        let (word, more) = match outcome {
            Outcome::Done { observed } => ("done", observed.as_str()),
            Outcome::Failed { error, .. } => ("failed", error.as_str()),
            Outcome::Skipped { .. } | Outcome::NotBegun => return,
        };
        let failed = matches!(outcome, Outcome::Failed { .. });
        state.failed += usize::from(failed);
        let line = format!(
            "[{}/{}] {word} {} {}: {}",
            state.ended,
            self.total,
            operation.verb.word(),
            visible(&operation.address),
            visible(more)
        );
        match &self.bar {
            None => self.output.remark(&line),
            // On a terminal only what went wrong stays on the screen.
            Some(bar) if failed => bar.println(line),
            Some(_) => {}
        }
        self.draw(&state);
    }

    fn told(&self, operation: &Operation, text: &str) {
        let line = format!("{}: {}", visible(&operation.address), visible(text));
        let Some(bar) = &self.bar else { return self.output.remark(&line) };
        // On a terminal the last of it stands beside the operation; what went wrong stays on the screen.
        if text.contains("FAILED") {
            bar.println(&line);
        }
        let mut state = self.state();
        state.flying.insert(operation.id.0, format!("{} {line}", operation.verb.word()));
        self.draw(&state);
    }

    fn remark(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => self.output.remark(text),
        }
    }
}

/// Reads, and says now and then on standard error how far it is: calls, for how many there will be nobody knows.
pub(crate) fn while_reading<T>(provider: &dyn Provider, output: &Output, read: impl FnOnce() -> T) -> T {
    let far = |seconds| {
        let calls: u64 = provider.calls().values().sum();
        format!("reading what exists: {calls} calls in {seconds} s")
    };
    now_and_then(output, far, read)
}

/// Asks a place for the record or its lock, and says now and then on standard error that it does not answer.
pub(crate) fn while_asking<T>(place: &str, output: &Output, ask: impl FnOnce() -> T) -> T {
    now_and_then(output, |seconds| format!("waiting for {}: {seconds} s, and it is asked again", visible(place)), ask)
}

fn now_and_then<T>(output: &Output, says: impl Fn(u64) -> String + Send, work: impl FnOnce() -> T) -> T {
    let (ends, ended) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let begun = Instant::now();
            while ended.recv_timeout(TOLD) == Err(RecvTimeoutError::Timeout) {
                output.remark(&says(begun.elapsed().as_secs()));
            }
        });
        let answer = work();
        drop(ends);
        answer
    })
}

/// Text of a server without what a terminal would obey, or not show.
pub(crate) fn visible(text: &str) -> String {
    cell_eval::terminal::visible::whole(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_the_plans_at_first_and_the_pace_s_at_the_end() {
        let left =
            |elapsed, done| remaining(Duration::from_secs(elapsed), Duration::from_mins(10), (done, 100)).as_secs();
        assert_eq!(left(0, 0), 600);
        assert_eq!(left(10, 50), 155);
        assert_eq!(left(27, 90), 8);
        assert_eq!(left(30, 100), 0);
    }
}

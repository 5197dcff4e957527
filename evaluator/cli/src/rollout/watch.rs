//! `cellc rollout watch`: looks on. On a terminal a live view of waves and cells; elsewhere the log, line by line, until all
//! that is watched is over. Owns reading and drawing; it changes nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cell_eval::releases::{Book, Desk, DeskError, Dossier, Note};
use cell_eval::rollout::{CellState, Phase};
use cell_eval::terminal::visible::line;
use cell_lang::diagnostics::Code;
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event as Key, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use serde_json::json;

use crate::args::{Format, RolloutWatchArgs};
use crate::exit::Status;
use crate::output::{self, Output};
use crate::pipeline::Run;
use crate::session::{finding, say};
use crate::signals;

use super::Opened;

/// How often books are read.
const EVERY: Duration = Duration::from_secs(1);
/// Lines of the log that are shown below.
const TAIL: usize = 8;

/// Runs the command.
pub(crate) fn run(args: &RolloutWatchArgs, output: &Output) -> Status {
    output.run(&args.program, |run| watch(run, args, output).unwrap_or_else(|status| status))
}

/// A rollout that is looked at.
struct Seen {
    book: Book,
    dossier: Option<Arc<Dossier>>,
}

struct Look<'a> {
    desk: Desk<'a>,
    all: Vec<String>,
    output: &'a Output,
    /// Those that were read, by name: a dossier never changes.
    dossiers: RefCell<BTreeMap<String, Arc<Dossier>>>,
}

fn watch(run: &Run<'_>, args: &RolloutWatchArgs, output: &Output) -> Result<Status, Status> {
    let Opened { recorded, of: all, .. } = super::opened(run, &args.cloud, &args.of, output)?;
    let look = Look { desk: Desk::new(recorded.store.as_ref()), all, output, dossiers: RefCell::default() };
    if args.once {
        return look.once();
    }
    if std::io::stdout().is_terminal() && output.format == Format::Text { look.view() } else { look.lines() }
}

impl Look<'_> {
    /// Everything as its books have it; or why that cannot be read.
    fn read(&self) -> Result<Vec<Seen>, String> {
        let one = |of: &String| {
            let book = self.desk.read(of)?.book;
            let rollout = book.rollout.as_ref();
            let dossier = rollout.map(|rollout| self.dossier(of, &rollout.dossier)).transpose()?;
            Ok(Seen { book, dossier })
        };
        self.all.iter().map(one).collect::<Result<_, DeskError>>().map_err(|error| error.to_string())
    }

    fn dossier(&self, of: &str, name: &str) -> Result<Arc<Dossier>, DeskError> {
        if let Some(known) = self.dossiers.borrow().get(name) {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(self.desk.dossier(of, name)?);
        self.dossiers.borrow_mut().insert(name.to_owned(), Arc::clone(&read));
        Ok(read)
    }

    fn failed(&self, message: &str) -> Status {
        say(self.output, &finding(Code::RolloutFailed, message.to_owned()))
    }

    /// Where everything is, now.
    fn once(&self) -> Result<Status, Status> {
        let seen = self.read().map_err(|why| self.failed(&why))?;
        let text = match self.output.format {
            Format::Text if seen.is_empty() => "nothing goes by waves\n".to_owned(),
            Format::Text => {
                let now = Timestamp::now();
                let told = |seen: &Seen| super::text::standing_now(&seen.book, seen.dossier.as_deref(), now);
                seen.iter().map(told).collect()
            }
            Format::Json => {
                let rows: Vec<_> = seen.iter().map(|seen| super::text::row(&seen.book)).collect();
                super::text::document(&rows)
            }
        };
        output::result(self.output.format, &text);
        Ok(Status::Done)
    }

    /// The log as it grows, from where the rollout under way began, until all is over; then whether all went through.
    fn lines(&self) -> Result<Status, Status> {
        let mut told: BTreeMap<String, Option<Note>> = BTreeMap::new();
        let mut watched = false;
        loop {
            let seen = self.read().map_err(|why| self.failed(&why))?;
            let going = seen.iter().any(|seen| seen.book.goes_on());
            if !going && !watched {
                let status = self.once()?;
                return Ok(if status == Status::Done { ended(&seen) } else { status });
            }
            watched = true;
            let mut text = String::new();
            for Seen { book, .. } in &seen {
                let last = told.entry(book.of.clone()).or_insert_with(|| before(book));
                let from = last.as_ref().and_then(|last| book.log.iter().rposition(|note| note == last));
                for note in book.log.iter().skip(from.map_or(0, |at| at + 1)) {
                    text.push_str(&match self.output.format {
                        Format::Text => super::text::note(&book.of, note) + "\n",
                        Format::Json => json!({ "of": book.of, "note": note }).to_string() + "\n",
                    });
                }
                *last = book.log.back().cloned();
            }
            if !text.is_empty() {
                output::result(self.output.format, &text);
            }
            if !going {
                return Ok(ended(&seen));
            }
            if signals::stop().load(Ordering::Relaxed) {
                return Ok(Status::Done);
            }
            std::thread::sleep(EVERY);
        }
    }

    /// The live view, until somebody leaves it.
    fn view(&self) -> Result<Status, Status> {
        // Not every terminal has a second screen: on its only one stands what was said before.
        let cleared = ratatui::try_init().and_then(|mut terminal| {
            let cleared = terminal.clear();
            if cleared.is_err() {
                ratatui::restore();
            }
            cleared.map(|()| terminal)
        });
        let mut terminal = match cleared {
            Ok(terminal) => terminal,
            Err(error) => {
                self.output.remark(&format!("this terminal takes no live view ({error}); the log follows"));
                return self.lines();
            }
        };
        // A terminal that was closed is read without end: whoever looks on leaves all the same.
        std::thread::spawn(|| {
            while !signals::stop().load(Ordering::Relaxed) {
                std::thread::sleep(EVERY);
            }
            std::thread::sleep(EVERY * 2);
            ratatui::restore();
            std::process::exit(i32::from(Status::Done.code()));
        });
        let shown = self.show(&mut terminal);
        ratatui::restore();
        // What is said while the view is up goes with it.
        let shown = shown.map_err(|error| format!("the terminal cannot be used: {error}")).and_then(|shown| shown);
        shown.map_or_else(|why| Err(self.failed(&why)), |()| Ok(Status::Done))
    }

    /// Shows what there is; why the books cannot be read, if that is so when somebody leaves.
    fn show(&self, terminal: &mut ratatui::DefaultTerminal) -> std::io::Result<Result<(), String>> {
        let (mut at, mut seen) = (0_u16, Vec::new());
        // Who ends the process from outside gets the terminal back as it was, too.
        let stop = signals::stop();
        loop {
            let failed = match self.read() {
                Ok(now) => {
                    seen = now;
                    None
                }
                Err(why) => Some(why),
            };
            terminal.draw(|frame| at = draw(frame, &seen, failed.as_deref(), at, Timestamp::now()))?;
            let pressed = event::poll(EVERY)?;
            if stop.load(Ordering::Relaxed) {
                return Ok(failed.map_or(Ok(()), Err));
            }
            if !pressed {
                continue;
            }
            if let Key::Key(key) = event::read()? {
                let left = || failed.map_or(Ok(()), Err);
                match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => return Ok(left()),
                    KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(left()),
                    KeyCode::Down | KeyCode::Char('j') => at = at.saturating_add(1),
                    KeyCode::Up | KeyCode::Char('k') => at = at.saturating_sub(1),
                    KeyCode::PageDown => at = at.saturating_add(10),
                    KeyCode::PageUp => at = at.saturating_sub(10),
                    _ => {}
                }
            }
        }
    }
}

/// The last line of its log that is told no more: of what was over when somebody began to look on.
fn before(book: &Book) -> Option<Note> {
    let is_former = |note: &&Note| !book.goes_on() || book.open().is_some() && note.rollout < book.rollouts;
    book.log.iter().rev().find(is_former).cloned()
}

/// How a process ends that looked on to the end: as one that carried it out.
fn ended(seen: &[Seen]) -> Status {
    let went = |seen: &Seen| {
        let phase = seen.book.rollout.as_ref().map(|rollout| &rollout.state.phase);
        phase.is_none_or(|phase| matches!(phase, Phase::Done | Phase::Superseded { .. }))
    };
    if seen.iter().all(went) { Status::Done } else { Status::Failed }
}

/// Draws what was seen last, and why nothing newer is known. The line that stands first: `at`, or the last that can.
fn draw(frame: &mut Frame<'_>, seen: &[Seen], failed: Option<&str>, at: u16, now: Timestamp) -> u16 {
    let [above, below] =
        Layout::vertical([Constraint::Min(3), Constraint::Length(TAIL as u16 + 2)]).areas(frame.area());
    let lines: Vec<Line<'_>> = seen.iter().flat_map(|seen| rollout(seen, above.width, now)).collect();
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let at = at.min(count.saturating_sub(above.height.saturating_sub(2)));
    let mut block = Block::bordered().title(" rollouts · ↑ ↓ scroll · q leaves ");
    if let Some(why) = failed {
        let why = format!(" not read now, shown as it was: {} ", line(why.as_bytes()));
        block = block.title_bottom(Line::styled(why, Style::new().fg(Color::Red)));
    }
    frame.render_widget(Paragraph::new(lines).scroll((at, 0)).block(block), above);
    let mut notes: Vec<(&str, &Note)> =
        seen.iter().flat_map(|seen| seen.book.log.iter().map(|note| (seen.book.of.as_str(), note))).collect();
    notes.sort_by_key(|(_, note)| note.at);
    let tail = notes.iter().rev().take(TAIL).rev().map(|(of, note)| Line::raw(super::text::note(of, note)));
    frame.render_widget(Paragraph::new(tail.collect::<Vec<_>>()).block(Block::bordered().title(" log ")), below);
    at
}

/// A rollout: a line for it, one for each wave, and a mark for each cell.
fn rollout(seen: &Seen, width: u16, now: Timestamp) -> Vec<Line<'static>> {
    let text = super::text::standing(&seen.book);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let first = text.lines().next().unwrap_or_default().to_owned();
    let mut lines = vec![Line::styled(first, bold)];
    let present = super::text::at_present(&seen.book, seen.dossier.as_deref(), now);
    lines.extend(present.lines().map(|line| Line::raw(line.to_owned())));
    let (Some(rollout), Some(dossier)) = (&seen.book.rollout, &seen.dossier) else {
        lines.push(Line::raw(""));
        return lines;
    };
    let label = dossier.course.waves.iter().map(|wave| wave.label.len()).max().unwrap_or_default();
    for (number, wave) in dossier.course.waves.iter().enumerate() {
        let mark = if number == rollout.state.wave && !rollout.state.phase.is_over() { '▶' } else { ' ' };
        let cells: Vec<&cell_eval::rollout::state::Cell> =
            rollout.state.cells.values().filter(|cell| cell.wave == number).collect();
        let through = cells.iter().filter(|cell| matches!(cell.state, CellState::Done | CellState::Baking)).count();
        let head = format!("{mark} {:label$} {through:>4}/{:<4} ", wave.label, cells.len());
        let room = usize::from(width).saturating_sub(head.chars().count() + 2).max(1);
        let marks: Vec<Span<'static>> = cells.iter().map(|cell| sign(cell.state)).collect();
        for (row, part) in marks.chunks(room).enumerate() {
            let head = if row == 0 { head.clone() } else { " ".repeat(head.chars().count()) };
            let spans = std::iter::once(Span::raw(head)).chain(part.iter().cloned());
            lines.push(spans.collect::<Line<'static>>());
        }
    }
    let at_once = rollout.state.that_are(|state| state == CellState::AtOnce).count();
    if at_once > 0 {
        lines.push(Line::raw(format!("  in no wave {at_once:>4}")));
    }
    for (name, cell) in &rollout.state.cells {
        if cell.state.is_under_way() || cell.why.is_some() {
            let why = cell.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            lines.push(Line::raw(format!("    {name} {}{why}", cell.state.word())));
        }
    }
    lines.push(Line::raw(""));
    lines
}

/// A cell as one character.
fn sign(state: CellState) -> Span<'static> {
    let (sign, color) = match state {
        CellState::Waiting => ("·", Color::DarkGray),
        CellState::Skipped => ("s", Color::DarkGray),
        CellState::Deploying => ("▸", Color::Cyan),
        CellState::Baking => ("○", Color::Yellow),
        CellState::Done | CellState::AtOnce => ("●", Color::Green),
        CellState::Failed => ("✗", Color::Red),
        CellState::RollingBack => ("◂", Color::Magenta),
        CellState::RolledBack => ("◦", Color::Magenta),
        CellState::Stuck => ("!", Color::Red),
    };
    Span::styled(sign, Style::new().fg(color))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use cell_eval::releases::Queued;
    use cell_eval::rollout::{Course, OnAlarm, Wave};
    use jiff::{SignedDuration, Timestamp};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn wave(label: &str, cells: &[&str]) -> Wave {
        Wave {
            label: label.to_owned(),
            cells: cells.iter().map(ToString::to_string).collect(),
            parallel: 1,
            tolerate: 0,
            bake: SignedDuration::from_hours(1),
            min_requests: None,
            one_box: false,
            alarms: vec!["alarm.errors".to_owned()],
            approval: false,
            follows: false,
        }
    }

    #[test]
    fn waves_cells_and_the_log_are_on_the_screen() {
        let course = Course {
            of: "component.api".to_owned(),
            rollout: None,
            waves: vec![wave("alpha", &["cell.a"]), wave("production", &["cell.b", "cell.c"])],
            window: None,
            on_alarm: OnAlarm::Rollback,
        };
        let dossier = Dossier {
            format_version: "1.0".to_owned(),
            of: "component.api".to_owned(),
            version: "v2".to_owned(),
            digests: BTreeMap::new(),
            image: String::new(),
            templates: BTreeMap::new(),
            course,
            cells: BTreeMap::new(),
            texts: BTreeMap::new(),
        };
        let at: Timestamp = "2026-06-01T09:00:00Z".parse().unwrap();
        let mut book = Book::new("component.api");
        let queued = Queued {
            version: "v2".to_owned(),
            dossier: "d".to_owned(),
            by: "ana@host".to_owned(),
            at,
            of_apply: false,
        };
        book.begin(queued, &dossier, at);
        let state = &mut book.rollout.as_mut().unwrap().state;
        state.wave = 1;
        state.phase = Phase::Baking { since: at, until: at + SignedDuration::from_hours(1), requests: 3 };
        for (cell, now) in
            [("cell.a", CellState::Done), ("cell.b", CellState::Baking), ("cell.c", CellState::Deploying)]
        {
            state.cells.set(cell, now);
        }
        let mut terminal = Terminal::new(TestBackend::new(80, 20)).unwrap();
        let seen = [Seen { book, dossier: Some(Arc::new(dossier)) }];
        let (mut at, now) = (u16::MAX, at + SignedDuration::from_secs(850));
        terminal.draw(|frame| at = draw(frame, &seen, Some("the store is away"), at, now)).unwrap();
        assert_eq!(at, 0, "nothing is scrolled where all has room");
        let screen = terminal.backend().to_string();
        for part in [
            "component.api: v2 is baking (rollout 1, by ana@host; nothing released)",
            "  wave production bakes to 2026-06-01 10:00:00Z, in 45m; watched: alarm.errors",
            "  no process carries it out now: `cellc rollout run` does",
            "  alpha         1/1    ●",
            "▶ production    1/2    ○▸",
            "cell.c deploying",
            "not read now, shown as it was: the store is away",
            "2026-06-01 09:00:00Z component.api: v2 begun by ana@host",
        ] {
            assert!(screen.contains(part), "{part}\n{screen}");
        }
    }
}

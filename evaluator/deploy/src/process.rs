//! A program that runs: its lines as they come, and its end. Owns that everything it started ends with it when somebody
//! wants it to stop.
//!
//! Each runs in a process group of its own, so that Ctrl-C of a terminal reaches `cellc` alone and `cellc` says what ends
//! when.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether somebody wants it to stop.
const LOOK: Duration = Duration::from_millis(25);
/// What is still in the pipe when a program has ended is waited for so long: one that it left behind may hold the pipe
/// open for ever.
const REST: Duration = Duration::from_millis(500);
/// A group that was asked to stop has so long, twice, before it is asked more firmly.
const PATIENCE: Duration = Duration::from_secs(5);
/// A line is cut there.
const LINE: u64 = 16 << 10;

/// The process groups that run.
static RUNNING: Running = Running(Mutex::new(BTreeSet::new()));

/// Process groups that run. It is locked, so that no handler of a signal may read it: what acts on Ctrl-C is a thread.
struct Running(Mutex<BTreeSet<u32>>);

impl Running {
    fn groups(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a program; none runs that is not among them.
    fn start(&self, command: &mut Command) -> io::Result<Child> {
        let mut groups = self.groups();
        let child = command.spawn()?;
        groups.insert(child.id());
        Ok(child)
    }

    fn kill(&self) {
        self.groups().iter().for_each(|group| signal(*group, Firmness::Kill));
    }
}

/// A line, and when it was read.
type Line = (Instant, Vec<u8>);

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Was it told to stop?
    pub stopped: bool,
}

impl Ended {
    /// Did it end well, and by itself?
    pub fn well(&self) -> bool {
        self.status.success() && !self.stopped
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status.code() {
            Some(code) => write!(f, "status {code}"),
            // `signal: 9 (SIGKILL)`
            None => write!(f, "{}", self.status),
        }
    }
}

/// Runs a program to its end. `line` gets what it says, standard output and standard error as they come, without the
/// ends of lines. Once `stop` is set its process group is told to stop: politely, then firmly.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn run(command: &mut Command, stop: &AtomicBool, line: &mut dyn FnMut(&[u8])) -> io::Result<Ended> {
    run_among(&RUNNING, command, stop, line)
}

fn run_among(
    running: &Running,
    command: &mut Command,
    stop: &AtomicBool,
    line: &mut dyn FnMut(&[u8]),
) -> io::Result<Ended> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let spawned = running.start(command);
    // The pipe ends when the program's own ends of it do, and not before these.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = spawned?;
    let (sender, lines) = channel();
    // It may outlive this call, with the pipe.
    std::thread::spawn(move || read(reader, &sender));
    let ended = follow(&mut child, &lines, stop, line);
    running.groups().remove(&child.id());
    ended
}

/// Ends all that runs at once, with what it started: for a process that is about to leave.
pub fn abandon() {
    RUNNING.kill();
}

fn follow(
    child: &mut Child,
    lines: &Receiver<Line>,
    stop: &AtomicBool,
    line: &mut dyn FnMut(&[u8]),
) -> io::Result<Ended> {
    let mut stopping: Option<(Instant, Firmness)> = None;
    loop {
        match lines.recv_timeout(LOOK) {
            Ok((_, text)) => line(&text),
            Err(RecvTimeoutError::Timeout) => {}
            // It closed its ends of the pipe, and may go on.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(LOOK),
        }
        if let Some(status) = child.try_wait()? {
            let stopped = stopping.is_some();
            let silent = drain(lines, line, if stopped { PATIENCE } else { REST });
            if stopped && !silent {
                // What it started was told when it was, and goes on.
                signal(child.id(), Firmness::Kill);
            }
            return Ok(Ended { status, stopped });
        }
        let firmness = match stopping {
            None if stop.load(Ordering::SeqCst) => Some(Firmness::Interrupt),
            Some((since, Firmness::Interrupt)) if since.elapsed() >= PATIENCE => Some(Firmness::Terminate),
            Some((since, Firmness::Terminate)) if since.elapsed() >= PATIENCE => Some(Firmness::Kill),
            _ => None,
        };
        if let Some(firmness) = firmness {
            stopping = Some((Instant::now(), firmness));
            signal(child.id(), firmness);
            if cfg!(not(unix)) {
                child.kill()?;
            }
        }
    }
}

/// What was said before the end; does nobody hold the pipe any more? One who still does may go on talking for ever: what
/// was read later than it is waited for is not told.
fn drain(lines: &Receiver<Line>, line: &mut dyn FnMut(&[u8]), most: Duration) -> bool {
    let until = Instant::now() + most;
    loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((read, text)) if read <= until => line(&text),
            Ok(_) => return false,
            Err(error) => return error == RecvTimeoutError::Disconnected,
        }
    }
}

fn read(pipe: impl io::Read, to: &Sender<Line>) {
    let mut pipe = BufReader::new(pipe);
    loop {
        let mut text = Vec::new();
        match pipe.by_ref().take(LINE).read_until(b'\n', &mut text) {
            // A pipe that cannot be read has nothing more to say.
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        if to.send((Instant::now(), text)).is_err() {
            return;
        }
    }
}

/// How it is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Firmness {
    Interrupt,
    Terminate,
    Kill,
}

#[cfg(unix)]
fn signal(group: u32, firmness: Firmness) {
    use nix::sys::signal::{Signal, killpg};
    let signal = match firmness {
        Firmness::Interrupt => Signal::SIGINT,
        Firmness::Terminate => Signal::SIGTERM,
        Firmness::Kill => Signal::SIGKILL,
    };
    if let Ok(group) = i32::try_from(group) {
        // A group that has ended meanwhile is what was wanted.
        let _ = killpg(nix::unistd::Pid::from_raw(group), signal);
    }
}

#[cfg(not(unix))]
fn signal(_: u32, _: Firmness) {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdin(std::process::Stdio::null());
        command
    }

    fn said(script: &str, stop: &AtomicBool) -> (Ended, Vec<String>) {
        let mut lines = Vec::new();
        let ended = run(&mut shell(script), stop, &mut |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        (ended.unwrap(), lines)
    }

    #[test]
    fn lines_come_in_order_whichever_stream_they_are_of() {
        let (ended, lines) = said("echo a; echo b >&2; printf 'c\\n\\nd'; exit 3", &AtomicBool::new(false));
        assert_eq!(lines, ["a", "b", "c", "", "d"]);
        assert_eq!((ended.to_string().as_str(), ended.well()), ("status 3", false));
    }

    #[test]
    fn what_it_leaves_behind_is_not_waited_for() {
        let before = Instant::now();
        let (ended, lines) = said("sleep 20 & echo done", &AtomicBool::new(false));
        assert!(ended.well() && lines == ["done"] && before.elapsed() < Duration::from_secs(15), "{lines:?}");
    }

    #[test]
    fn what_it_leaves_behind_may_talk_for_ever() {
        let before = Instant::now();
        let script = "(i=0; while [ $i -lt 400 ]; do echo more; sleep 0.05; i=$((i+1)); done) & echo done";
        let (ended, lines) = said(script, &AtomicBool::new(false));
        assert!(ended.well() && lines.iter().any(|line| line == "done"), "{lines:?}");
        assert!(before.elapsed() < Duration::from_secs(15));
    }

    #[test]
    fn all_that_runs_is_ended_at_once() {
        let running = Running(Mutex::new(BTreeSet::new()));
        let (send, ready) = channel();
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..3)
                .map(|_| {
                    let (send, running) = (send.clone(), &running);
                    scope.spawn(move || {
                        let mut line = |_: &[u8]| send.send(()).unwrap();
                        let mut command = shell("echo ready; sleep 60");
                        run_among(running, &mut command, &AtomicBool::new(false), &mut line).unwrap()
                    })
                })
                .collect();
            (0..3).for_each(|_| ready.recv().unwrap());
            running.kill();
            for ended in all {
                assert!(ended.join().unwrap().to_string().contains("SIGKILL"));
            }
        });
        assert!(running.groups().is_empty());
    }

    #[test]
    fn all_it_started_is_told_to_stop() {
        let stop = AtomicBool::new(false);
        let mut lines = Vec::new();
        let before = Instant::now();
        // The inner shell says that it was told. Where SIGINT is ignored, as in a job in the background, SIGTERM tells it.
        let script = "sh -c 'trap \"echo told; exit 7\" INT TERM; echo ready; while :; do sleep 0.05; done'; exit 5";
        let ended = run(&mut shell(script), &stop, &mut |line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
            stop.store(true, Ordering::SeqCst);
        });
        let ended = ended.unwrap();
        assert!(ended.stopped && !ended.well());
        // The outer shell may say on its own that it was ended.
        assert_eq!(lines.first().map(String::as_str), Some("ready"));
        assert!(lines.iter().any(|line| line == "told"), "{lines:?}");
        assert!(before.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn who_does_not_listen_is_ended() {
        let stop = AtomicBool::new(false);
        let script = "trap '' INT TERM; echo ready; while :; do sleep 0.05; done";
        let ended = run(&mut shell(script), &stop, &mut |_| stop.store(true, Ordering::SeqCst)).unwrap();
        assert!(ended.stopped && ended.to_string().contains("SIGKILL"), "{ended}");
    }
}

//! A run on a disk without room, or one that is killed in the middle of a write. Owns how that is brought about without
//! any right: by the limit on the size of files (`ulimit -f`), at which a write either fails or kills its process.

use super::{Case, Deed, Found, Life};
use crate::momento::{Ran, Registry};

/// What a write beyond the limit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// It fails, as on a full disk.
    Fails,
    /// It kills its process, with half a line written.
    Kills,
}

/// Bytes of a block, as `ulimit -f` counts.
pub const BLOCK: u64 = 512;

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How the limited run ended; -1 when it was killed.
    pub status: i32,
    /// The code it gave, when it failed.
    pub code: String,
    /// What is wrong after the next run.
    pub found: Found,
}

/// The life whose record lies in a file.
pub fn life(deed: Deed) -> Life {
    Life { deed, registry: Registry::File }
}

/// Bytes of the largest file that an undisturbed run writes.
pub fn largest(life: Life) -> Result<u64, String> {
    let case = life.begin()?;
    case.run()?.ended(0)?;
    let own = case.project.path().join(".cellc");
    let mut most = 0;
    for folder in [own.clone(), own.join("receipts")] {
        for entry in std::fs::read_dir(&folder).map_err(|error| error.to_string())?.flatten() {
            let data = entry.metadata().map_err(|error| error.to_string())?;
            most = if data.is_file() { most.max(data.len()) } else { most };
        }
    }
    Ok(most)
}

/// Runs with files of so many blocks at most, and then without that limit.
pub fn limited(life: Life, blocks: u64, beyond: Beyond) -> Result<Outcome, String> {
    let wrong =
        |error: String| format!("── {}, files of {blocks} blocks, a write beyond {beyond:?}\n{error}", life.name());
    let limited = || -> Result<Outcome, String> {
        let case = life.begin()?;
        let ran = run(&case, blocks, beyond)?;
        let code = code(&ran);
        match (ran.status, beyond) {
            (0, _) => case.told_truly(&ran)?,
            (-1, Beyond::Kills) => {}
            (1, Beyond::Fails) if !code.is_empty() => {}
            _ => return Err(format!("it ended with {}:\n{}", ran.status, ran.stderr)),
        }
        let next = case.run()?;
        if next.status != 0 {
            return Err(format!("the next run does not converge:\n{}\n{}", next.stdout, next.stderr));
        }
        let found = case.judged()?;
        case.settled()?;
        Ok(Outcome { status: ran.status, code, found })
    };
    limited().map_err(wrong)
}

/// Runs the deed of a life with files of so many blocks at most.
pub fn run(case: &Case, blocks: u64, beyond: Beyond) -> Result<Ran, String> {
    let ignored = if beyond == Beyond::Fails { "trap '' XFSZ; " } else { "" };
    let script = format!("{ignored}ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    case.project.run_by(&["sh", "-c", &script], case.life.command())
}

/// The first code that a run gave.
fn code(ran: &Ran) -> String {
    let after = ran.stderr.split("error[").nth(1).unwrap_or_default();
    after.split(']').next().unwrap_or_default().to_owned()
}

//! What is found in a program's permissions without a cloud, as findings with places. Owns the order: the lints of its
//! policies, and then its guards; `cellc check` and an editor say the same.

use cell_lang::diagnostics::{self, Diagnostic};
use cell_lang::schema::Kind;
use jiff::Timestamp;

use super::findings::{has_undecided_guards, of_guards, over_nobody};
use super::pins::Pins;
use super::review::Unreadable;
use super::subject::Subject;
use crate::plan::fault;
use crate::resources::policy;
use crate::rules::fleet::sound;
use crate::world::World;

/// What is found.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// The findings, by place.
    pub findings: Vec<Diagnostic>,
    /// Is a guard neither proven nor broken?
    pub may: bool,
}

/// Judges an expansion without errors: its policies, and its guards when `guards` says so. `pins` are the documents
/// that it does not write.
///
/// # Errors
/// When the shipped data cannot be read.
pub fn judged(world: &World<'_>, pins: &Pins, guards: bool) -> Result<Judged, Unreadable> {
    if !writes_any(world) {
        return Ok(Judged::default());
    }
    // Nothing here asks for a date.
    let subject = Subject::of_access(world, Timestamp::UNIX_EPOCH, pins.clone());
    let side = subject.side();
    let mut faults = subject.lints(&side)?;
    let mut may = false;
    if guards && !subject.guards.is_empty() {
        let review = subject.guarded(&side)?;
        may = has_undecided_guards(&review);
        faults.extend(of_guards(&review));
        // Where nobody has anything at all, every guard waits.
        if !side.given.is_empty() {
            faults.extend(over_nobody(&review));
        }
    }
    let mut findings = fault::diagnostics(&world.program().sources, &faults);
    diagnostics::sort(&mut findings);
    Ok(Judged { findings, may })
}

/// Does it write a policy or a guard? Else there is nothing to judge, whoever has what.
fn writes_any(world: &World<'_>) -> bool {
    let is_written = |set| policy::of(world, set).is_some();
    sound(world, Kind::Guard).next().is_some()
        || sound(world, Kind::Scp).next().is_some()
        || sound(world, Kind::PermissionSet).any(is_written)
}

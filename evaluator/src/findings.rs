//! All that is said of a checked program without a cloud, and how far it could be followed.
//!
//! Owns the order of the steps after the check: expand, hold to the rules; each only when those
//! before it found no error. What `cellc check` prints and what an editor shows is this.

use cell_lang::check::Checked;
use cell_lang::diagnostics::{self, Diagnostic, has_errors};
use cell_lang::files::Files;
use cell_lang::hir::{Param, Program};

use crate::budget::Options;
use crate::world::World;
use crate::{expand, rules};

/// How far a program could be followed.
#[derive(Debug)]
pub enum Reach<'p, R> {
    /// It has errors, or its first file could not be read: nothing was expanded.
    Faulty,
    /// Its first file is a module: this parameter has no value.
    Module(&'p Param),
    /// It was expanded; with what was made of that.
    Expanded(R),
}

/// What becomes of an expansion: it is given what was found.
pub type Then<'t, R> = Box<dyn FnOnce(&World<'_>, &mut Vec<Diagnostic>) -> R + 't>;

/// Follows a checked program as far as it goes. `found`, sorted, takes in what is found on the way.
pub fn follow<'p, R>(
    program: Option<&'p Program>,
    found: &mut Vec<Diagnostic>,
    files: &dyn Files,
    options: &Options,
    then: Then<'_, R>,
) -> Reach<'p, R> {
    let Some(program) = program else { return Reach::Faulty };
    if has_errors(found) {
        found.extend(expand::check_literals(program, files, options));
        diagnostics::sort(found);
        return Reach::Faulty;
    }
    if let Some(param) = without_value(program) {
        return Reach::Module(param);
    }
    let world = expand::expand(program, files, options);
    rules::check(&world);
    found.extend(world.take_findings());
    diagnostics::sort(found);
    Reach::Expanded(then(&world, found))
}

/// All that is found in a program.
pub fn of(checked: &mut Checked, files: &dyn Files, options: &Options) {
    let Checked { program, diagnostics, .. } = checked;
    follow(program.as_ref(), diagnostics, files, options, Box::new(|_, _| ()));
}

/// The first parameter of the root file that has no value, if there is one: the file is a module then.
fn without_value(program: &Program) -> Option<&Param> {
    let root = program.units.get(program.root.index())?;
    root.params.iter().find(|param| param.default.is_none())
}

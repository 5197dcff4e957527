//! The `test` blocks of a program: which are run, and what came of each.
//!
//! Owns the choice of tests, their order and their results; what an `expect` comes to is `expand`'s. What a test may
//! ask about the whole program is answered by `answers`. How results read is `text`'s and `json`'s. A test reads the
//! expansion of its program and changes nothing of it, so all run in parallel, and each runs whatever becomes of the
//! others.

mod answers;
mod difference;
pub mod json;
#[cfg(test)]
mod tests;
pub mod text;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::Unit;
use cell_lang::source::{FileId, Span};
use rayon::prelude::*;
use smol_str::SmolStr;

use answers::Known;
pub use difference::differences;

use crate::access::pins::Pins;
use crate::expand::{Expectation, Unmet, Verdict};
use crate::report::{Finding, Rank};
use crate::world::{Instance, InstanceId, World};

/// What came of the tests of a program.
#[derive(Debug)]
pub struct Tests {
    /// Each that was run: the program's own first, then those of its modules, then those of other files; of one
    /// file in its order.
    pub run: Vec<Tested>,
    /// Files whose tests were not run, by path.
    pub left_out: Vec<LeftOut>,
    /// How many tests of the program the filter left out.
    pub filtered: usize,
}

/// A test that was run.
#[derive(Debug)]
pub struct Tested {
    /// Its name.
    pub name: SmolStr,
    /// The module whose file it stands in, as it stands in addresses; empty for the program itself.
    pub module: SmolStr,
    /// All of it.
    pub span: Span,
    /// How it ended.
    pub end: End,
    /// Its expectations, as far as it was run.
    pub expectations: Vec<Expectation>,
}

/// How a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Every expectation holds.
    Passed,
    /// One does not.
    Failed,
    /// Something in it could not be evaluated, which was reported.
    Error,
}

/// A file whose tests were not run.
#[derive(Debug)]
pub struct LeftOut {
    /// The file.
    pub file: FileId,
    /// How many tests it has.
    pub tests: usize,
    /// Why.
    pub why: Why,
}

/// Why the tests of a file were not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has parameters, and no module gives them values.
    NeedsValues,
    /// It declares entities, and is no part of the program.
    NotOfProgram,
}

/// A test that is to be run.
struct Case<'w> {
    instance: InstanceId,
    at: usize,
    name: &'w SmolStr,
    span: Span,
}

/// Runs the tests whose name has `filter` in it, in capitals or not; all without one. An expectation that does not
/// hold is reported to the world, and so is what cannot be evaluated. The world is one without errors; `pins` are the
/// documents of policies that it does not write.
pub fn run(world: &World<'_>, filter: Option<&str>, pins: &Pins) -> Tests {
    let (mut cases, left_out) = chosen(world);
    let all = cases.len();
    let wanted = filter.map(str::to_lowercase);
    cases.retain(|case| wanted.as_ref().is_none_or(|wanted| case.name.to_lowercase().contains(wanted)));
    let filtered = all - cases.len();
    let known = Known::new(world, pins);
    let run = world.run(|| cases.par_iter().map(|case| tested(world, &known, case)).collect());
    Tests { run, left_out, filtered }
}

/// The names of all tests that can be run, in their order.
pub fn names<'w>(world: &'w World<'_>) -> Vec<&'w str> {
    chosen(world).0.into_iter().map(|case| case.name.as_str()).collect()
}

/// The tests that can be run, and the files whose tests cannot. Those of the library and of packages are their own
/// authors' affair.
fn chosen<'w>(world: &'w World<'_>) -> (Vec<Case<'w>>, Vec<LeftOut>) {
    let units = &world.program().units;
    let (mut cases, mut left_out, mut seen) = (Vec::new(), Vec::new(), vec![false; units.len()]);
    for (id, instance) in world.instances() {
        let at = instance.unit.index();
        let root = world.root() == id;
        if let (Some(unit), Some(seen)) = (units.get(at), seen.get_mut(at)) {
            *seen = true;
            if root || !unit.foreign {
                cases.extend(cases_of(id, unit));
            }
        }
    }
    let mut others: Vec<(usize, &Unit)> = units.iter().enumerate().collect();
    others.retain(|(at, unit)| seen.get(*at) == Some(&false) && !unit.foreign && !unit.tests.is_empty());
    others.sort_by_key(|(_, unit)| world.program().sources.path(unit.file));
    for (at, unit) in others {
        let why = if !unit.params.is_empty() {
            Some(Why::NeedsValues)
        } else if !unit.decls.is_empty() {
            Some(Why::NotOfProgram)
        } else {
            None
        };
        match (why, world.imports.get(at)) {
            (None, Some(instance)) => cases.extend(cases_of(*instance, unit)),
            (why, _) => {
                let why = why.unwrap_or(Why::NotOfProgram);
                left_out.push(LeftOut { file: unit.file, tests: unit.tests.len(), why });
            }
        }
    }
    (cases, left_out)
}

fn cases_of(instance: InstanceId, unit: &Unit) -> impl Iterator<Item = Case<'_>> {
    let all = unit.tests.iter().enumerate();
    all.map(move |(at, test)| Case { instance, at, name: &test.name, span: test.span })
}

fn tested(world: &World<'_>, known: &Known<'_, '_>, case: &Case<'_>) -> Tested {
    let module = module_of(world.instance(case.instance));
    let (end, expectations) = match world.evaluate_test(case.instance, case.at, known) {
        Ok(expectations) => (end(&expectations), expectations),
        Err(_) => (End::Error, Vec::new()),
    };
    for expectation in &expectations {
        if let Verdict::Fails(unmet) = &expectation.verdict {
            let diagnostic = diagnostic(world, case, expectation.span, unmet);
            let rank = Rank { instance: case.instance.0, ..Rank::default() };
            let circumstances = if module.is_empty() { String::new() } else { format!("in module {module}") };
            world.report(Finding { diagnostic, rank, circumstances });
        }
    }
    Tested { name: case.name.clone(), module, span: case.span, end, expectations }
}

fn end(expectations: &[Expectation]) -> End {
    let is = |wanted: fn(&Verdict) -> bool| expectations.iter().any(|expectation| wanted(&expectation.verdict));
    if is(|verdict| matches!(verdict, Verdict::Error)) {
        End::Error
    } else if is(|verdict| matches!(verdict, Verdict::Fails(_))) {
        End::Failed
    } else {
        End::Passed
    }
}

/// The label of a module as it stands in addresses.
fn module_of(instance: &Instance) -> SmolStr {
    instance.prefix.strip_suffix('.').unwrap_or(&instance.prefix).into()
}

/// What is said of an expectation that does not hold.
fn diagnostic(world: &World<'_>, case: &Case<'_>, span: Span, unmet: &Unmet) -> Diagnostic {
    let message = format!("test failed: {}", case.name);
    let mut reasons = unmet.reasons.iter();
    let mut finding = match reasons.next() {
        Some(first) => Diagnostic::new(Code::AssertionFailed, first.span, message).here(&first.text),
        None => Diagnostic::new(Code::AssertionFailed, span, message).here("this does not hold"),
    };
    for reason in reasons {
        finding = finding.also(reason.span, &reason.text);
    }
    unmet_differences(world, unmet).into_iter().fold(finding, Diagnostic::help)
}

/// In what the two sides of an equality differ, when they have parts.
fn unmet_differences(world: &World<'_>, unmet: &Unmet) -> Vec<String> {
    unmet.sides.as_ref().map(|(left, right)| differences(world, left, right)).unwrap_or_default()
}

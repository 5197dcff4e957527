//! Assertions and tests. Owns what they say when they do not hold.

use std::ops::ControlFlow::{Break, Continue};

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{self, Expr, Node, TestStep};
use cell_lang::source::Span;

use super::machine::{Machine, Origin, Outcome};
use super::{ops, show};
use crate::value::Value;
use crate::world::{Binding, Failed, InstanceId, World};

/// Evaluates an assertion and reports it if it does not hold.
pub(super) fn check(world: &World<'_>, instance: InstanceId, bindings: &[Binding], assert: &hir::Assert) {
    let mut machine = Machine::free(world, Origin::of(instance, bindings), assert.frame);
    // What failed is reported already.
    let _ = machine.assertion(assert);
}

/// What an `expect` of a test came to.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where its expression stands.
    pub span: Span,
    /// Does it hold? An error in it was reported to the world.
    pub holds: Result<bool, Failed>,
    /// What was found, when it does not hold and something can be said.
    pub found: Option<String>,
}

impl World<'_> {
    /// Runs the steps of a test of an instance's file, by its place among them. What a step cannot evaluate is
    /// reported; the steps after a failed `let` are not run.
    pub fn evaluate_test(&self, instance: InstanceId, test: usize) -> Result<Vec<Expectation>, Failed> {
        let unit = self.program.units.get(self.instance(instance).unit.index()).ok_or(Failed)?;
        let test = unit.tests.get(test).ok_or(Failed)?;
        self.run(|| Machine::free(self, Origin::of(instance, &[]), test.frame).test(test))
    }
}

impl<'w> Machine<'w, '_> {
    fn test(&mut self, test: &'w hir::Test) -> Result<Vec<Expectation>, Failed> {
        let mut all = Vec::new();
        for step in &test.steps {
            match step {
                TestStep::Let(slot, expr) => {
                    let value = self.eval(expr).map_err(|_| Failed)?;
                    self.bind(*slot, value);
                }
                TestStep::Expect(expr) => {
                    let holds = self.truth(expr).map_err(|_| Failed);
                    let found = if holds == Ok(false) { self.found(expr) } else { None };
                    all.push(Expectation { span: expr.span, holds, found });
                }
            }
        }
        Ok(all)
    }

    fn assertion(&mut self, assert: &'w hir::Assert) -> Outcome<()> {
        if self.truth(&assert.condition)? {
            return Ok(());
        }
        let message = self.text(&assert.message)?;
        let finding =
            Diagnostic::new(Code::AssertionFailed, assert.condition.span, format!("assertion failed: {message}"));
        let here = self.found(&assert.condition).unwrap_or_else(|| "this does not hold".to_owned());
        self.report(finding.here(here));
        Ok(())
    }

    /// Why a condition does not hold: the first item that breaks an `every`, the two sides of a comparison.
    fn found(&mut self, condition: &'w Expr) -> Option<String> {
        match &condition.node {
            Node::Quantified { every: true, source, condition } => {
                let mut first = None;
                let result = self.each(source, |machine| {
                    if machine.truth(condition)? {
                        return Ok(Continue(()));
                    }
                    first = machine.running_text();
                    Ok(Break(()))
                });
                result.ok().and(first).map(|text| format!("this does not hold {text}"))
            }
            Node::Binary(op, a, b) => {
                let (a, b) = (self.eval(a).ok()?, self.eval(b).ok()?);
                let shown = |value: &Value| show::value(self.world, value);
                Some(format!("found {} {} {}", shown(&a), ops::sign(*op), shown(&b)))
            }
            _ => None,
        }
    }
}

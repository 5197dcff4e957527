//! Assertions. Owns what they say when they do not hold.

use std::ops::ControlFlow::{Break, Continue};

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{self, Expr, Node};

use super::machine::{Machine, Origin, Outcome};
use super::{ops, show};
use crate::value::Value;
use crate::world::{Binding, InstanceId, World};

/// Evaluates an assertion and reports it if it does not hold.
pub(super) fn check(world: &World<'_>, instance: InstanceId, bindings: &[Binding], assert: &hir::Assert) {
    let mut machine = Machine::free(world, Origin::of(instance, bindings), assert.frame);
    // What failed is reported already.
    let _ = machine.assertion(assert);
}

impl<'w> Machine<'w, '_> {
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

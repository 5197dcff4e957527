//! The tests of a program: what each `expect` comes to, and which values make it false. Owns the walk from a
//! condition to the parts of it that decide; which tests are run, and how their results read, is `testing`'s.

use std::ops::ControlFlow::{Break, Continue};

use cell_lang::hir::{BuiltinFn, Expr, Node, Op, Source, TestStep};
use cell_lang::source::Span;

use super::machine::{Machine, Origin, Outcome};
use super::questions::Answers;
use crate::emit::text::printed;
use crate::value::Value;
use crate::world::{Failed, InstanceId, World};

/// Characters of a value that a reason shows.
const SHOWN: usize = 160;

/// What an `expect` of a test came to.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Where its condition stands.
    pub span: Span,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of an `expect`.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is true.
    Holds,
    /// It is false.
    Fails(Unmet),
    /// It has an error, which was reported.
    Error,
}

/// Why an `expect` is false.
#[derive(Debug, Clone, Default)]
pub struct Unmet {
    /// The parts that decide, as they stand in the condition.
    pub reasons: Vec<Reason>,
    /// The two values of an equality that does not hold, when they have parts to compare.
    pub sides: Option<(Value, Value)>,
}

/// A part of a condition that decides, and what it came to.
#[derive(Debug, Clone)]
pub struct Reason {
    /// The part.
    pub span: Span,
    /// What is said of it.
    pub text: String,
    /// Its value, when it is said for a value.
    pub value: Option<Value>,
}

impl World<'_> {
    /// Runs the steps of a test of an instance's file, by its place among them. What a step cannot evaluate is
    /// reported; the steps after a failed `let` are not run.
    pub(crate) fn evaluate_test(
        &self,
        instance: InstanceId,
        test: usize,
        answers: &dyn Answers,
    ) -> Result<Vec<Expectation>, Failed> {
        let unit = self.program.units.get(self.instance(instance).unit.index()).ok_or(Failed)?;
        let test = unit.tests.get(test).ok_or(Failed)?;
        Machine::free(self, Origin::of(instance, &[]), test.frame).asking(answers).test(&test.steps)
    }
}

impl<'w> Machine<'w, '_> {
    fn test(&mut self, steps: &'w [TestStep]) -> Result<Vec<Expectation>, Failed> {
        let mut all = Vec::new();
        for step in steps {
            match step {
                TestStep::Let(slot, expr) => {
                    let value = self.eval(expr).map_err(|_| Failed)?;
                    self.bind(*slot, value);
                }
                TestStep::Expect(expr) => {
                    let verdict = self.expectation(expr).unwrap_or(Verdict::Error);
                    all.push(Expectation { span: expr.span, verdict });
                }
            }
        }
        Ok(all)
    }

    fn expectation(&mut self, expr: &'w Expr) -> Outcome<Verdict> {
        if self.truth(expr)? {
            return Ok(Verdict::Holds);
        }
        // To say why takes as long again, and has a budget of its own.
        self.meter.steps = 0;
        let mut unmet = Unmet::default();
        self.why(expr, false, &mut unmet)?;
        Ok(Verdict::Fails(unmet))
    }

    /// Adds the parts that decide why a condition is what it is.
    fn why(&mut self, expr: &'w Expr, truth: bool, out: &mut Unmet) -> Outcome<()> {
        match &expr.node {
            Node::Not(inner) => self.why(inner, !truth, out),
            Node::And(a, b) => self.why_both(a, b, truth, true, out),
            Node::Or(a, b) => self.why_both(a, b, truth, false, out),
            Node::If(condition, yes, no) => {
                let holds = self.truth(condition)?;
                self.why(condition, holds, out)?;
                self.why(if holds { yes } else { no }, truth, out)
            }
            Node::Coalesce(a, b) => match self.eval(a)? {
                Value::None => {
                    out.reasons.push(Reason { span: a.span, text: "none".to_owned(), value: Some(Value::None) });
                    self.why(b, truth, out)
                }
                _ => self.why(a, truth, out),
            },
            Node::Binary(op, a, b) => self.why_sides(*op, a, b, truth, out),
            Node::Quantified { every, source, condition } => self.why_quantified(*every, source, condition, out),
            Node::Builtin(BuiltinFn::All | BuiltinFn::Any, arguments) => self.why_list(expr, arguments, out),
            // What it is asked of says nothing of the answer.
            Node::Builtin(BuiltinFn::Can, arguments) => {
                self.plain(expr, out)?;
                arguments.iter().try_for_each(|argument| self.side(argument, out).map(drop))
            }
            Node::Builtin(_, arguments) | Node::Call(_, arguments) => {
                let before = out.reasons.len();
                for argument in arguments {
                    self.side(argument, out)?;
                }
                if out.reasons.len() == before { self.plain(expr, out) } else { Ok(()) }
            }
            _ => self.plain(expr, out),
        }
    }

    /// `a && b` where `joined`, `a || b` where not: one part decides, or both together.
    fn why_both(&mut self, a: &'w Expr, b: &'w Expr, truth: bool, joined: bool, out: &mut Unmet) -> Outcome<()> {
        let first = self.truth(a)?;
        if truth == joined {
            self.why(a, first, out)?;
            return self.why(b, truth, out);
        }
        if first == truth { self.why(a, truth, out) } else { self.why(b, truth, out) }
    }

    fn why_sides(&mut self, op: Op, a: &'w Expr, b: &'w Expr, truth: bool, out: &mut Unmet) -> Outcome<()> {
        let before = out.reasons.len();
        let (left, right) = (self.side(a, out)?, self.side(b, out)?);
        if out.reasons.len() == before {
            // Two literals: there is nothing behind them, and yet something is to be shown.
            let text = printed(self.world, &left, SHOWN);
            out.reasons.push(Reason { span: a.span, text, value: Some(left.clone()) });
        }
        if op == Op::Eq && !truth && out.sides.is_none() {
            out.sides = Some((left, right));
        }
        Ok(())
    }

    /// Evaluates a side, and says what it is unless it is written out.
    fn side(&mut self, expr: &'w Expr, out: &mut Unmet) -> Outcome {
        let value = self.eval(expr)?;
        if is_written(expr) {
            return Ok(value);
        }
        let mut text = printed(self.world, &value, SHOWN);
        if let Node::Builtin(BuiltinFn::Count, arguments) = &expr.node
            && let [of] = arguments.as_slice()
            && value != Value::Int(0)
        {
            let counted = self.eval(of)?;
            text = format!("{text}: {}", printed(self.world, &counted, SHOWN));
        }
        out.reasons.push(Reason { span: expr.span, text, value: Some(value.clone()) });
        Ok(value)
    }

    /// What is a truth value by itself.
    fn plain(&mut self, expr: &'w Expr, out: &mut Unmet) -> Outcome<()> {
        let value = self.eval(expr)?;
        let text = printed(self.world, &value, SHOWN);
        out.reasons.push(Reason { span: expr.span, text, value: Some(value) });
        Ok(())
    }

    /// The first item that decides, with what decides in it; or that none does.
    fn why_quantified(
        &mut self,
        every: bool,
        source: &'w Source,
        condition: &'w Expr,
        out: &mut Unmet,
    ) -> Outcome<()> {
        let (mut looked_at, mut deciding) = (0_u64, 0_u64);
        let (mut first, mut inside) = (None, Unmet::default());
        self.each(source, |machine| {
            looked_at += 1;
            if machine.truth(condition)? == every {
                return Ok(Continue(()));
            }
            deciding += 1;
            if first.is_none() {
                first = machine.running_text();
                machine.why(condition, !every, &mut inside)?;
            }
            Ok(Continue(()))
        })?;
        let what = if every { "does not hold" } else { "holds" };
        let text = match first {
            Some(circumstances) if deciding == 1 => format!("{what} for 1 of {looked_at}, {circumstances}"),
            Some(circumstances) => format!("{what} for {deciding} of {looked_at}, first {circumstances}"),
            None if looked_at == 0 => "there is none".to_owned(),
            None if every => format!("holds for all {looked_at}"),
            None => format!("holds for none of {looked_at}"),
        };
        out.reasons.push(Reason { span: source.span, text, value: None });
        if deciding == 0 && looked_at > 0 {
            self.side(&source.over, out)?;
        }
        out.reasons.append(&mut inside.reasons);
        Ok(())
    }

    /// `all(list)` and `any(list)`: which items are true, and which are not.
    fn why_list(&mut self, expr: &'w Expr, arguments: &'w [Expr], out: &mut Unmet) -> Outcome<()> {
        let [list] = arguments else { return Ok(()) };
        if let Node::ListFor { source, value } = &list.node {
            let mut texts = (Vec::new(), None);
            self.each(source, |machine| {
                let holds = machine.truth(value)?;
                if !holds && texts.1.is_none() {
                    texts.1 = machine.running_text();
                }
                texts.0.push(holds);
                Ok(if texts.0.len() > MOST_ITEMS { Break(()) } else { Continue(()) })
            })?;
            if let Some(first) = texts.1 {
                let count = texts.0.iter().filter(|holds| !**holds).count();
                let which = if count == 1 { "" } else { "first " };
                let text = format!("false for {count} of {}, {which}{first}", texts.0.len());
                out.reasons.push(Reason { span: source.span, text, value: None });
                return Ok(());
            }
        }
        if is_written(list) { self.plain(expr, out) } else { self.side(list, out).map(drop) }
    }
}

/// Items beyond which nobody counts how many are false.
const MOST_ITEMS: usize = 1_000_000;

/// Does the expression say its value itself?
fn is_written(expr: &Expr) -> bool {
    match &expr.node {
        Node::Lit(_) | Node::None => true,
        Node::Negate(inner) | Node::Conform(inner, _) => is_written(inner),
        Node::Range(a, b) => is_written(a) && is_written(b),
        Node::List(items) => items.iter().all(is_written),
        Node::Record(_, values) => values.iter().all(is_written),
        Node::Map(entries) => entries.iter().all(|(key, value)| is_written(key) && is_written(value)),
        Node::Interpolate(pieces) => pieces.iter().all(|piece| matches!(piece, cell_lang::hir::Piece::Text(_))),
        Node::Static(_) => true,
        Node::SetOf(_, items) => items.iter().all(is_written),
        _ => false,
    }
}

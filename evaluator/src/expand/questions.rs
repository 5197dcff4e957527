//! Questions of a test about the whole program. Owns how one is put; what is answered is `testing`'s.

use cell_lang::hir::BuiltinFn;
use cell_lang::source::Span;

use super::machine::{Machine, Outcome};
use crate::value::Value;

/// Knows the whole program, after its expansion.
pub(crate) trait Answers: Sync {
    /// What a question comes to; none if it has no such arguments, which the checker sees to.
    fn answer(&self, question: BuiltinFn, arguments: &[Value]) -> Option<Value>;
}

impl Machine<'_, '_> {
    pub(super) fn ask(&mut self, question: BuiltinFn, arguments: &[Value], span: Span) -> Outcome {
        let answer = self.answers.and_then(|answers| answers.answer(question, arguments));
        answer.ok_or_else(|| self.broken(span))
    }
}

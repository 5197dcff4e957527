//! Questions of a test about the whole program. Owns how one is put; what is answered is `testing`'s.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::BuiltinFn;
use cell_lang::source::Span;

use super::machine::{Machine, Outcome};
use crate::value::Value;

/// Why a question has no answer.
pub(crate) enum Unanswered {
    /// It has other arguments than the checker lets through.
    Malformed,
    /// It is about nothing that there is: the fact, and what to do. A test that asked it would hold for nothing.
    Void(String, Option<String>),
    /// What is needed to answer it cannot be read.
    Unreadable(String),
}

/// Knows the whole program, after its expansion.
pub(crate) trait Answers: Sync {
    /// What a question comes to.
    fn answer(&self, question: BuiltinFn, arguments: &[Value]) -> Result<Value, Unanswered>;
}

impl Machine<'_, '_> {
    pub(super) fn ask(&mut self, question: BuiltinFn, arguments: &[Value], span: Span) -> Outcome {
        let Some(answers) = self.answers else { return Err(self.broken(span)) };
        answers.answer(question, arguments).map_err(|why| match why {
            Unanswered::Malformed => self.broken(span),
            Unanswered::Unreadable(why) => self.fail(Diagnostic::new(Code::RefusedLiteral, span, why)),
            Unanswered::Void(fact, help) => {
                let finding = Diagnostic::new(Code::RefusedLiteral, span, fact);
                self.fail(help.into_iter().fold(finding, Diagnostic::help))
            }
        })
    }
}

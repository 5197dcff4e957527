//! Questions: the functions of the language that ask about the whole program, which only a test may call.
//!
//! Owns what each takes and gives, and where one may be asked. A new one has a line among the functions of
//! [`crate::hir`] and is named in `is_question` there; it has its form here, and its answer where tests are run.

use super::Checker;
use super::expr::Typed;
use super::scope::{Scope, Site};
use crate::diagnostics::{Code, Diagnostic};
use crate::hir::{BuiltinFn, Node};
use crate::schema::{Kind, KindSet};
use crate::source::Span;
use crate::syntax::ast;
use crate::types::Ty;

/// What a question takes, in its order, and gives.
struct Form {
    takes: Vec<Ty>,
    /// How many of the last ones may be left out.
    optional: usize,
    gives: Ty,
}

fn form(question: BuiltinFn) -> Option<Form> {
    let one = |kind| Ty::Ref(KindSet::of(&[kind]));
    match question {
        BuiltinFn::Can => Some(Form {
            takes: vec![
                Ty::Ref(KindSet::of(&[Kind::Group, Kind::User])),
                Ty::String,
                Ty::Ref(KindSet::of(&[Kind::Cell, Kind::Account])),
                Ty::String,
            ],
            optional: 1,
            gives: Ty::Bool,
        }),
        BuiltinFn::WaveOf => {
            Some(Form { takes: vec![one(Kind::Cell), one(Kind::Rollout)], optional: 0, gives: Ty::String.optional() })
        }
        _ => None,
    }
}

impl Checker<'_> {
    /// `question(arguments)`
    pub(super) fn question(
        &mut self,
        scope: &mut Scope,
        question: BuiltinFn,
        args: &[ast::Expr],
        span: Span,
    ) -> Typed {
        if !scope.in_test {
            let message = format!("`{}` is asked outside of a test", question.name());
            let why = "its answer is known once all of the program is expanded: ask it in a `test` block";
            self.report(Diagnostic::new(Code::OnlyInTests, span, message).help(why));
            return self.arguments_of_error(scope, args, span);
        }
        let Some(Form { takes, optional, gives }) = form(question) else { return Typed::error(span) };
        if args.len() > takes.len() || args.len() + optional < takes.len() {
            return self.wrong_count(scope, question, args, span);
        }
        let arguments = args.iter().zip(takes).map(|(argument, ty)| {
            let site = Site::language(ty, "an argument");
            self.expect(scope, argument, &site)
        });
        let arguments = arguments.collect();
        Typed::new(Node::Builtin(question, arguments), span, gives)
    }
}

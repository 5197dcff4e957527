//! Literals with their places: what [`number`](super::number) refuses becomes a finding and an `Error` node.

use super::super::ast::ExprKind;
use super::super::grammar::{Pair, Rule};
use super::Lower;
use super::number::{self, Invalid};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;
use crate::value::Lit;

impl Lower<'_> {
    /// A literal that is no string; `negative` when a minus stands directly before it.
    pub(super) fn literal(&mut self, pair: &Pair<'_>, negative: bool) -> ExprKind {
        let text = pair.as_str();
        let read = match pair.as_rule() {
            Rule::date => number::date(text),
            Rule::time => number::time(text),
            Rule::cidr => number::cidr(text),
            _ => number::number(text, negative),
        };
        self.read_or_report(read, self.span(pair))
    }

    fn read_or_report(&mut self, read: Result<Lit, Invalid>, span: Span) -> ExprKind {
        match read {
            Ok(lit) => ExprKind::Lit(lit),
            Err(invalid) => {
                let diagnostic = Diagnostic::new(Code::InvalidLiteral, span, invalid.message).help_if(invalid.help);
                self.report(match invalid.instead {
                    Some(text) => diagnostic.fix(span, text),
                    None => diagnostic,
                });
                ExprKind::Error
            }
        }
    }
}

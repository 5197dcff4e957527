//! Types as written.

use smol_str::SmolStr;

use super::super::ast::{RecordFieldType, TypeExpr, TypeExprKind};
use super::super::grammar::{Pair, Rule};
use super::{Kids, Lower, MAX_DEPTH, is_string};
use crate::source::Span;

impl Lower<'_> {
    /// A type; `Error` should the grammar not have one.
    pub(super) fn type_expr(&mut self, pair: Option<Pair<'_>>) -> TypeExpr {
        let Some(pair) = pair else { return self.no_type() };
        if self.depth >= MAX_DEPTH {
            let span = self.span(&pair).head();
            self.report_too_deep(span);
            return TypeExpr { kind: TypeExprKind::Error, span };
        }
        self.depth += 1;
        let mut kids = Kids::of(pair);
        let mut ty = match kids.0.next() {
            Some(base) => self.base_type(base),
            None => self.no_type(),
        };
        let mut marks = 0;
        for mark in kids.0 {
            marks += 1;
            let span = ty.span.to(self.span(&mark));
            if self.depth + marks > MAX_DEPTH {
                self.report_too_deep(span);
                ty = TypeExpr { kind: TypeExprKind::Error, span };
                break;
            }
            ty = TypeExpr { kind: TypeExprKind::Optional(Box::new(ty)), span };
        }
        self.depth -= 1;
        ty
    }

    fn no_type(&self) -> TypeExpr {
        TypeExpr { kind: TypeExprKind::Error, span: self.places.span(0, 0) }
    }

    fn base_type(&mut self, pair: Pair<'_>) -> TypeExpr {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        if rule == Rule::type_name {
            return TypeExpr { kind: TypeExprKind::Name(SmolStr::new(pair.as_str())), span };
        }
        let mut kids = Kids::of(pair);
        let kind = match rule {
            Rule::ref_type => {
                let is_set = kids.next_if(Rule::ref_word).is_some_and(|word| word.as_str() == "Set");
                let kind = self.name(kids.find(Rule::ident));
                if is_set { TypeExprKind::Set(kind) } else { TypeExprKind::Ref(kind) }
            }
            Rule::list_type => TypeExprKind::List(Box::new(self.type_expr(kids.find(Rule::type_expr)))),
            Rule::map_type => {
                let key = self.type_expr(kids.find(Rule::type_expr));
                let value = self.type_expr(kids.find(Rule::type_expr));
                TypeExprKind::Map(Box::new(key), Box::new(value))
            }
            Rule::enum_type => self.enum_type(kids),
            _ => self.record_type(kids),
        };
        TypeExpr { kind, span }
    }

    fn enum_type(&mut self, kids: Kids<'_>) -> TypeExprKind {
        let mut values = Vec::new();
        let mut last: Option<Span> = None;
        for kid in kids.0 {
            match kid.as_rule() {
                Rule::missing_comma => last.into_iter().for_each(|end| self.missing_comma(end, "values")),
                rule if is_string(rule) => {
                    let value = self.string(kid);
                    last = Some(value.span);
                    values.push(value);
                }
                _ => {}
            }
        }
        TypeExprKind::Enum(values)
    }

    fn record_type(&mut self, kids: Kids<'_>) -> TypeExprKind {
        let mut fields = Vec::new();
        let mut last: Option<Span> = None;
        for kid in kids.0 {
            match kid.as_rule() {
                Rule::missing_comma => last.into_iter().for_each(|end| self.missing_comma(end, "fields")),
                Rule::record_field => {
                    let field = self.record_field(Kids::of(kid));
                    last = Some(field.default.as_ref().map_or(field.ty.span, |default| default.span));
                    fields.push(field);
                }
                _ => {}
            }
        }
        TypeExprKind::Record(fields)
    }

    fn record_field(&mut self, mut kids: Kids<'_>) -> RecordFieldType {
        let name = self.name(kids.find(Rule::ident));
        let ty = self.type_expr(kids.find(Rule::type_expr));
        let default = kids.next_if(Rule::eq).map(|eq| {
            self.equals(Some(eq));
            self.expr(kids.find(Rule::expr)).expr
        });
        RecordFieldType { name, ty, default }
    }
}

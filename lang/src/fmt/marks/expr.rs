//! Marks in expressions and types.

use super::{Lost, Marked, Marks};
use crate::fmt::doc::Shape;
use crate::syntax::ast::{Expr, ExprKind, TypeExpr, TypeExprKind};

impl Marks<'_, '_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Marked {
        match &expr.kind {
            ExprKind::Error => Err(Lost),
            // What is interpolated stays as it is, as all in a string.
            ExprKind::None | ExprKind::Name(_) | ExprKind::Str(_) => Ok(()),
            ExprKind::Lit(_) => {
                let first = self.word_at(expr.span.start).ok_or(Lost)?;
                if self.doc.spelled(first) == "-" {
                    self.prefix(first);
                }
                Ok(())
            }
            ExprKind::Subject(_) => {
                let dot = self.at(expr.span.start, ".")?;
                if let Some(word) = self.doc.words.get_mut(dot) {
                    word.tight_before = false;
                }
                Ok(())
            }
            ExprKind::Field(base, _) => self.expr(base),
            ExprKind::Index(base, index) => {
                self.expr(base)?;
                let open = self.after(base, "[")?;
                self.tight(open);
                self.expr(index)
            }
            ExprKind::Call(callee, arguments) => {
                self.expr(callee)?;
                self.call(self.after(callee, "(")?)?;
                arguments.iter().try_for_each(|argument| self.expr(argument))
            }
            ExprKind::Unary { op_span, operand, .. } => {
                let op = self.word_at(op_span.start).ok_or(Lost)?;
                self.prefix(op);
                self.expr(operand)
            }
            ExprKind::Binary { op, op_span, left, right } => {
                let word = self.at(op_span.start, op.symbol())?;
                self.may_break_before(word);
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::Where { over, condition } => {
                self.expr(over)?;
                let word = self.after(over, "where")?;
                self.may_break_before(word);
                self.expr(condition)
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition)?;
                let word = self.after(condition, "then")?;
                self.may_break_before(word);
                self.expr(then)?;
                let word = self.after(then, "else")?;
                self.may_break_before(word);
                self.expr(otherwise)
            }
            ExprKind::Quantified { over, condition, .. } => {
                self.over(over)?;
                self.expr(condition)
            }
            ExprKind::List(items) => {
                self.list(self.at(expr.span.start, "[")?, Shape::List { pad: false })?;
                items.iter().try_for_each(|item| self.expr(item))
            }
            ExprKind::Map(entries) => {
                self.list(self.at(expr.span.start, "{")?, Shape::List { pad: true })?;
                entries.iter().try_for_each(|(_, value)| self.expr(value))
            }
            ExprKind::Record(fields) => {
                self.list(self.at(expr.span.start, "{")?, Shape::List { pad: true })?;
                fields.iter().try_for_each(|(_, value)| self.expr(value))
            }
            ExprKind::ListFor { over, value, condition, .. } => {
                self.shape(self.at(expr.span.start, "[")?, Shape::Loop { pad: false });
                self.over(over)?;
                self.expr(value)?;
                self.filter(value, condition.as_deref())
            }
            ExprKind::MapFor { over, key, value, condition, .. } => {
                self.shape(self.at(expr.span.start, "{")?, Shape::Loop { pad: true });
                self.over(over)?;
                self.expr(key)?;
                self.expr(value)?;
                self.filter(value, condition.as_deref())
            }
        }
    }

    /// What a loop runs over, and the `:` after it.
    fn over(&mut self, over: &Expr) -> Marked {
        self.expr(over)?;
        let colon = self.after(over, ":")?;
        if let Some(word) = self.doc.words.get_mut(colon) {
            word.tight_before = false;
            word.breaks_after = true;
        }
        Ok(())
    }

    /// The `if` of a loop after its value.
    fn filter(&mut self, value: &Expr, condition: Option<&Expr>) -> Marked {
        let Some(condition) = condition else { return Ok(()) };
        let word = self.after(value, "if")?;
        self.may_break_before(word);
        self.expr(condition)
    }

    fn prefix(&mut self, index: usize) {
        if let Some(word) = self.doc.words.get_mut(index) {
            word.tight_after = true;
        }
    }

    fn tight(&mut self, index: usize) {
        if let Some(word) = self.doc.words.get_mut(index) {
            word.tight_before = true;
        }
    }

    /// The parentheses of a call or of parameters.
    pub(super) fn call(&mut self, open: usize) -> Marked {
        self.tight(open);
        self.list(open, Shape::Call)
    }

    /// Elements with commas in the brackets that open at `open`.
    fn list(&mut self, open: usize, shape: Shape) -> Marked {
        let close = self.mate(open)?;
        self.shape(open, shape);
        let (mut index, mut first) = (open + 1, true);
        while index < close {
            let Some(word) = self.doc.words.get_mut(index) else { break };
            if first {
                word.starts = true;
                first = false;
            }
            if self.doc.spelled(index) == "," {
                first = true;
                if let Some(word) = self.doc.words.get_mut(index) {
                    (word.dropped, word.starts) = (true, false);
                }
            } else {
                index = self.doc.words.get(index).map_or(index, |word| (word.mate as usize).max(index));
            }
            index += 1;
        }
        Ok(())
    }

    pub(super) fn ty(&mut self, ty: &TypeExpr) -> Marked {
        match &ty.kind {
            TypeExprKind::Error => Err(Lost),
            TypeExprKind::Name(_) => Ok(()),
            TypeExprKind::Ref(_) | TypeExprKind::Set(_) => {
                let open = self.word_at(ty.span.start).ok_or(Lost)? + 1;
                let close = self.word_to(ty.span.end).ok_or(Lost)?;
                self.is(open, "<")?;
                self.is(close, ">")?;
                self.tight(open);
                self.prefix(open);
                self.tight(close);
                Ok(())
            }
            TypeExprKind::List(inner) => {
                self.at(ty.span.start, "[")?;
                self.ty(inner)
            }
            TypeExprKind::Map(key, value) => {
                self.at(ty.span.start, "{")?;
                self.ty(key)?;
                self.ty(value)
            }
            TypeExprKind::Enum(_) => {
                let open = self.word_at(ty.span.start).ok_or(Lost)? + 1;
                self.list(self.is(open, "{")?, Shape::List { pad: true })
            }
            TypeExprKind::Record(fields) => {
                self.list(self.at(ty.span.start, "{")?, Shape::List { pad: true })?;
                for field in fields {
                    self.ty(&field.ty)?;
                    field.default.as_ref().map_or(Ok(()), |default| self.expr(default))?;
                }
                Ok(())
            }
            TypeExprKind::Optional(inner) => self.ty(inner),
        }
    }
}

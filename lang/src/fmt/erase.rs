//! Takes the places out of a tree, so that two trees can be compared by what they say.
//!
//! Every node is taken apart field by field: a new field does not compile until somebody decides about it here.

use crate::source::{FileId, Span};
use crate::syntax::ast::{
    Binder, BlockItem, Body, BodyFor, ConditionItem, ConditionTest, Decl, DeclKind, Expr, ExprKind, FieldItem, File,
    Item, Label, Name, RecordFieldType, Regex, StrLit, StrPart, TestStep, TypeExpr, TypeExprKind,
};

const NOWHERE: Span = Span { file: FileId(0), start: 0, end: 0 };

pub(super) fn file(File { edition, decls }: &mut File) {
    edition.iter_mut().for_each(string);
    decls.iter_mut().for_each(decl);
}

pub(super) fn decl(Decl { doc: _, export, span, kind }: &mut Decl) {
    export.iter_mut().for_each(place);
    place(span);
    match kind {
        DeclKind::Import { path, name: of } => {
            string(path);
            name(of);
        }
        DeclKind::Let { name: of, ty: annotated, value } => {
            name(of);
            annotated.iter_mut().for_each(ty);
            expr(value);
        }
        DeclKind::Fn { name: of, params, result, body } => {
            name(of);
            for (param, annotated) in params {
                name(param);
                ty(annotated);
            }
            ty(result);
            expr(body);
        }
        DeclKind::Type { name: of, ty: base, matching, check } => {
            name(of);
            ty(base);
            matching.iter_mut().for_each(|Regex { text: _, span }| place(span));
            check.iter_mut().for_each(expr);
        }
        DeclKind::Param { name: of, ty: annotated, default, check } => {
            name(of);
            ty(annotated);
            default.iter_mut().chain(check).for_each(expr);
        }
        DeclKind::Defaults { name: of, kind, body: with } => {
            name(of);
            name(kind);
            body(with);
        }
        DeclKind::Module { label: of, path, body: with } => {
            label(of);
            string(path);
            body(with);
        }
        DeclKind::For { binder: names, over, condition, body } => {
            binder(names);
            expr(over);
            condition.iter_mut().for_each(expr);
            body.iter_mut().for_each(decl);
        }
        DeclKind::If { arms } => {
            for (condition, body) in arms {
                condition.iter_mut().for_each(expr);
                body.iter_mut().for_each(decl);
            }
        }
        DeclKind::Assert { message, condition } => {
            string(message);
            expr(condition);
        }
        DeclKind::Test { name: of, steps } => {
            string(of);
            steps.iter_mut().for_each(step);
        }
        DeclKind::Moved(with) | DeclKind::Removed(with) => body(with),
        DeclKind::Accept { label: of, body: with } => {
            label(of);
            body(with);
        }
        DeclKind::Entity { kind, label: of, using, body: with } => {
            name(kind);
            label(of);
            using.iter_mut().flatten().for_each(name);
            body(with);
        }
    }
}

fn step(step: &mut TestStep) {
    match step {
        TestStep::Let { name: of, ty: annotated, value } => {
            name(of);
            annotated.iter_mut().for_each(ty);
            expr(value);
        }
        TestStep::Expect(condition) => expr(condition),
    }
}

fn place(span: &mut Span) {
    *span = NOWHERE;
}

fn name(Name { text: _, span }: &mut Name) {
    place(span);
}

fn label(label: &mut Label) {
    match label {
        Label::Name(of) => name(of),
        Label::Str(of) => string(of),
    }
}

fn binder(Binder { first, second }: &mut Binder) {
    name(first);
    second.iter_mut().for_each(name);
}

fn string(StrLit { parts, span }: &mut StrLit) {
    place(span);
    for part in parts {
        match part {
            StrPart::Text(_) => {}
            StrPart::Expr(inner) => expr(inner),
        }
    }
}

fn body(Body { items, span, incomplete: _ }: &mut Body) {
    place(span);
    items.iter_mut().for_each(item);
}

fn item(item: &mut Item) {
    match item {
        Item::Field(FieldItem { over, key, value, span }) => {
            over.iter_mut().for_each(place);
            label(key);
            expr(value);
            place(span);
        }
        Item::Block(BlockItem { doc: _, over, name: of, label: sort, body: with, span }) => {
            over.iter_mut().for_each(place);
            name(of);
            sort.iter_mut().for_each(label);
            body(with);
            place(span);
        }
        Item::Condition(ConditionItem { if_present: _, quantifier: _, key, test, span }) => {
            string(key);
            if let ConditionTest::Compare { op: _, op_span, value } = test {
                place(op_span);
                expr(value);
            }
            place(span);
        }
        Item::For(BodyFor { binder: names, over, condition, body: with, span }) => {
            binder(names);
            expr(over);
            condition.iter_mut().for_each(expr);
            body(with);
            place(span);
        }
    }
}

fn ty(TypeExpr { kind, span }: &mut TypeExpr) {
    place(span);
    match kind {
        TypeExprKind::Error | TypeExprKind::Name(_) => {}
        TypeExprKind::Ref(of) | TypeExprKind::Set(of) => name(of),
        TypeExprKind::List(inner) | TypeExprKind::Optional(inner) => ty(inner),
        TypeExprKind::Map(key, value) => {
            ty(key);
            ty(value);
        }
        TypeExprKind::Enum(values) => values.iter_mut().for_each(string),
        TypeExprKind::Record(fields) => {
            for RecordFieldType { name: of, ty: annotated, default } in fields {
                name(of);
                ty(annotated);
                default.iter_mut().for_each(expr);
            }
        }
    }
}

fn expr(Expr { kind, span }: &mut Expr) {
    place(span);
    match kind {
        ExprKind::Error | ExprKind::Lit(_) | ExprKind::None | ExprKind::Name(_) => {}
        ExprKind::Str(of) => string(of),
        ExprKind::Subject(of) => name(of),
        ExprKind::Field(base, of) => {
            expr(base);
            name(of);
        }
        ExprKind::Index(base, index) => {
            expr(base);
            expr(index);
        }
        ExprKind::Call(callee, arguments) => {
            expr(callee);
            arguments.iter_mut().for_each(expr);
        }
        ExprKind::Unary { op: _, op_span, operand } => {
            place(op_span);
            expr(operand);
        }
        ExprKind::Binary { op: _, op_span, left, right } => {
            place(op_span);
            expr(left);
            expr(right);
        }
        ExprKind::If { condition, then, otherwise } => {
            [condition, then, otherwise].into_iter().for_each(|part| expr(part));
        }
        ExprKind::Quantified { quantifier: _, binder: names, over, condition } => {
            binder(names);
            expr(over);
            expr(condition);
        }
        ExprKind::Where { over, condition } => {
            expr(over);
            expr(condition);
        }
        ExprKind::List(items) => items.iter_mut().for_each(expr),
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                string(key);
                expr(value);
            }
        }
        ExprKind::Record(fields) => {
            for (key, value) in fields {
                name(key);
                expr(value);
            }
        }
        ExprKind::ListFor { binder: names, over, value, condition } => {
            binder(names);
            expr(over);
            expr(value);
            condition.iter_mut().for_each(|condition| expr(condition));
        }
        ExprKind::MapFor { binder: names, over, key, value, condition } => {
            binder(names);
            [over, key, value].into_iter().for_each(|part| expr(part));
            condition.iter_mut().for_each(|condition| expr(condition));
        }
    }
}

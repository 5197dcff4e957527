//! A tree as one line a declaration: operators first, in parentheses.

use crate::syntax::ast::{
    Binder, Body, ConditionOp, ConditionTest, Decl, DeclKind, Expr, ExprKind, File, Item, Label, Quantifier, StrLit,
    StrPart, TestStep, TypeExpr, TypeExprKind, UnaryOp,
};

pub(super) fn file(file: &File) -> String {
    let mut out = String::new();
    if let Some(edition) = &file.edition {
        out.push_str(&format!("edition {}\n", string(edition)));
    }
    file.decls.iter().for_each(|decl| out.push_str(&format!("{}\n", self::decl(decl))));
    out
}

fn decls(decls: &[Decl]) -> String {
    let inner = decls.iter().map(|inner| format!("{}; ", decl(inner))).collect::<String>();
    format!("{{ {inner}}}")
}

fn or_nothing<T>(before: &str, what: Option<&T>, print: impl Fn(&T) -> String) -> String {
    what.map(|what| format!("{before}{}", print(what))).unwrap_or_default()
}

pub(super) fn decl(decl: &Decl) -> String {
    let doc = if decl.doc.is_empty() { String::new() } else { format!("## {:?} ", decl.doc) };
    let export = if decl.export.is_some() { "export " } else { "" };
    format!("{doc}{export}{}", kind(&decl.kind))
}

fn kind(kind: &DeclKind) -> String {
    match kind {
        DeclKind::Import { path, name } => format!("import {} as {}", string(path), name.text),
        DeclKind::Let { name, ty: annotated, value } => {
            format!("let {}{} = {}", name.text, or_nothing(": ", annotated.as_ref(), ty), expr(value))
        }
        DeclKind::Fn { name, params, result, body } => {
            let params: Vec<_> = params.iter().map(|(name, of)| format!("{}: {}", name.text, ty(of))).collect();
            format!("fn {}({}): {} = {}", name.text, params.join(", "), ty(result), expr(body))
        }
        DeclKind::Type { name, ty: of, matching, check } => format!(
            "type {} = {}{}{}",
            name.text,
            ty(of),
            or_nothing(" matching ", matching.as_ref(), |regex| format!("/{}/", regex.text)),
            or_nothing(" check ", check.as_ref(), expr)
        ),
        DeclKind::Param { name, ty: of, default, check } => format!(
            "param {}: {}{}{}",
            name.text,
            ty(of),
            or_nothing(" = ", default.as_ref(), expr),
            or_nothing(" check ", check.as_ref(), expr)
        ),
        DeclKind::Defaults { name, kind, body: of } => {
            format!("defaults {} for {} {}", name.text, kind.text, body(of))
        }
        DeclKind::Module { label: of, path, body: with } => {
            format!("module {} = {} {}", label(of), string(path), body(with))
        }
        DeclKind::For { binder: names, over, condition, body } => format!(
            "for {} in {}{} {}",
            binder(names),
            expr(over),
            or_nothing(" if ", condition.as_ref(), expr),
            decls(body)
        ),
        DeclKind::If { arms } => arms
            .iter()
            .map(|(condition, body)| format!("if {} {}", or_nothing("", condition.as_ref(), expr), decls(body)))
            .collect::<Vec<_>>()
            .join(" else "),
        DeclKind::Assert { message, condition } => format!("assert {} {}", string(message), expr(condition)),
        DeclKind::Test { name, steps } => {
            let steps: Vec<_> = steps.iter().map(step).collect();
            format!("test {} {{ {} }}", string(name), steps.join("; "))
        }
        DeclKind::Moved(of) => format!("moved {}", body(of)),
        DeclKind::Removed(of) => format!("removed {}", body(of)),
        DeclKind::Accept { label: of, body: with } => format!("accept {} {}", label(of), body(with)),
        DeclKind::Entity { kind, label: of, using, body: with } => {
            let using = or_nothing(" using ", using.as_ref(), |path| {
                path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
            });
            format!("{} {}{using} {}", kind.text, label(of), body(with))
        }
    }
}

fn step(step: &TestStep) -> String {
    match step {
        TestStep::Let { name, ty: annotated, value } => {
            format!("let {}{} = {}", name.text, or_nothing(": ", annotated.as_ref(), ty), expr(value))
        }
        TestStep::Expect(condition) => format!("expect {}", expr(condition)),
    }
}

fn label(label: &Label) -> String {
    match label {
        Label::Name(name) => name.text.to_string(),
        Label::Str(text) => string(text),
    }
}

fn binder(binder: &Binder) -> String {
    format!("{}{}", binder.first.text, or_nothing(", ", binder.second.as_ref(), |name| name.text.to_string()))
}

fn body(body: &Body) -> String {
    let items: Vec<_> = body.items.iter().map(item).collect();
    let open = if body.incomplete { "{? " } else { "{ " };
    format!("{open}{}}}", items.iter().map(|item| format!("{item}, ")).collect::<String>())
}

fn item(item: &Item) -> String {
    let over = |over: bool| if over { "override " } else { "" };
    match item {
        Item::Field(field) => format!("{}{} = {}", over(field.over.is_some()), label(&field.key), expr(&field.value)),
        Item::Block(block) => {
            let doc = if block.doc.is_empty() { String::new() } else { format!("## {:?} ", block.doc) };
            let of = or_nothing(" ", block.label.as_ref(), label);
            format!("{doc}{}{}{of} {}", over(block.over.is_some()), block.name.text, body(&block.body))
        }
        Item::Condition(condition) => {
            let present = if condition.if_present { "if present " } else { "" };
            let quantifier = condition.quantifier.map_or("", |which| match which {
                Quantifier::Every => "every ",
                Quantifier::Some => "some ",
            });
            format!("{present}{quantifier}{} {}", string(&condition.key), test(&condition.test))
        }
        Item::For(each) => format!(
            "for {} in {}{} {}",
            binder(&each.binder),
            expr(&each.over),
            or_nothing(" if ", each.condition.as_ref(), expr),
            body(&each.body)
        ),
    }
}

fn test(test: &ConditionTest) -> String {
    match test {
        ConditionTest::Present => "present".to_owned(),
        ConditionTest::Absent => "absent".to_owned(),
        ConditionTest::Compare { op, value, .. } => {
            let op = match op {
                ConditionOp::Iam(name) => name.to_string(),
                other => format!("{other:?}"),
            };
            format!("{op} {}", expr(value))
        }
    }
}

pub(super) fn ty(of: &TypeExpr) -> String {
    match &of.kind {
        TypeExprKind::Error => "<error>".to_owned(),
        TypeExprKind::Name(name) => name.to_string(),
        TypeExprKind::Ref(kind) => format!("Ref<{}>", kind.text),
        TypeExprKind::Set(kind) => format!("Set<{}>", kind.text),
        TypeExprKind::List(inner) => format!("[{}]", ty(inner)),
        TypeExprKind::Map(key, value) => format!("{{{} => {}}}", ty(key), ty(value)),
        TypeExprKind::Enum(values) => {
            format!("enum {{{}}}", values.iter().map(string).collect::<Vec<_>>().join(", "))
        }
        TypeExprKind::Record(fields) => {
            let fields = fields.iter().map(|field| {
                format!("{}: {}{}", field.name.text, ty(&field.ty), or_nothing(" = ", field.default.as_ref(), expr))
            });
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        TypeExprKind::Optional(inner) => format!("{}?", ty(inner)),
    }
}

fn exprs(list: &[Expr]) -> String {
    list.iter().map(expr).collect::<Vec<_>>().join(", ")
}

pub(super) fn string(string: &StrLit) -> String {
    let parts = string.parts.iter().map(|part| match part {
        StrPart::Text(text) => format!("{text:?}").trim_matches('"').to_owned(),
        StrPart::Expr(inner) => format!("\\({})", expr(inner)),
    });
    format!("\"{}\"", parts.collect::<String>())
}

pub(super) fn expr(of: &Expr) -> String {
    match &of.kind {
        ExprKind::Error => "<error>".to_owned(),
        ExprKind::Lit(lit) => lit.to_string(),
        ExprKind::None => "none".to_owned(),
        ExprKind::Str(text) => string(text),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Subject(name) => format!(".{}", name.text),
        ExprKind::Field(base, name) => format!("{}.{}", expr(base), name.text),
        ExprKind::Index(base, index) => format!("{}[{}]", expr(base), expr(index)),
        ExprKind::Call(callee, arguments) => format!("{}({})", expr(callee), exprs(arguments)),
        ExprKind::Unary { op, operand, .. } => {
            format!("({} {})", if *op == UnaryOp::Not { "!" } else { "-" }, expr(operand))
        }
        ExprKind::Binary { op, left, right, .. } => format!("({} {} {})", op.symbol(), expr(left), expr(right)),
        ExprKind::If { condition, then, otherwise } => {
            format!("(if {} {} {})", expr(condition), expr(then), expr(otherwise))
        }
        ExprKind::Quantified { quantifier, binder: names, over, condition } => {
            format!("({quantifier:?} {} {} {})", binder(names), expr(over), expr(condition))
        }
        ExprKind::Where { over, condition } => format!("(where {} {})", expr(over), expr(condition)),
        ExprKind::List(items) => format!("[{}]", exprs(items)),
        ExprKind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{} = {}", string(key), expr(value)));
            format!("map {{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Record(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("{} = {}", key.text, expr(value)));
            format!("record {{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        ExprKind::ListFor { binder: names, over, value, condition } => format!(
            "[for {} in {}: {}{}]",
            binder(names),
            expr(over),
            expr(value),
            or_nothing(" if ", condition.as_deref(), expr)
        ),
        ExprKind::MapFor { binder: names, over, key, value, condition } => format!(
            "{{for {} in {}: {} => {}{}}}",
            binder(names),
            expr(over),
            expr(key),
            expr(value),
            or_nothing(" if ", condition.as_deref(), expr)
        ),
    }
}

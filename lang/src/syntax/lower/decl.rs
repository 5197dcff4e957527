//! Declarations. Says which of them may stand where.

use super::super::ast::Regex;
use super::super::ast::{Body, Decl, DeclKind, Expr, ExprKind, Name, StrLit, TestStep, TypeExpr, TypeExprKind};
use super::super::grammar::{Pair, Pairs, Rule};
use super::{Kids, Lower, MAX_DEPTH};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;

use smol_str::SmolStr;

/// What a declaration of the grammar becomes.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(in super::super) enum Lowered {
    /// A declaration of the tree.
    Decl(Decl),
    /// `edition "…"`, and where its first word stands.
    Edition(StrLit, Span),
    /// Nothing: it stood where it cannot, and an error says so.
    Nothing,
}

/// Where declarations stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Place {
    /// In the file itself.
    File,
    /// In the body of a `for`.
    For,
    /// In an arm of an `if`.
    If,
}

impl Place {
    fn word(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::For => "`for`",
            Self::If => "`if`",
        }
    }
}

impl Lower<'_> {
    /// Declarations that were found inside others and could not stand there: the file has their names.
    pub(in super::super) fn take_hoisted(&mut self) -> Vec<Decl> {
        std::mem::take(&mut self.hoisted)
    }

    /// A declaration with the documentation above it.
    pub(in super::super) fn decl(&mut self, pair: Pair<'_>, doc: SmolStr, place: Place) -> Lowered {
        let start = pair.as_span().start();
        let mut kids = Kids::of(pair);
        let export = kids.next_if(Rule::export).map(|pair| self.span(&pair));
        let Some(inner) = kids.0.next() else { return Lowered::Nothing };
        let rule = inner.as_rule();
        let word = self.first_word(&inner);
        let export = self.check_export(export, rule, word);
        let head = self.places.span(start, start);
        if rule == Rule::edition_decl {
            let edition = self.string_or_empty(Kids::of(inner).string());
            if place != Place::File {
                self.misplaced(word, place);
                return Lowered::Nothing;
            }
            return Lowered::Edition(edition, word);
        }
        let Some((kind, last)) = self.decl_kind(inner, rule) else { return Lowered::Nothing };
        let decl = Decl { doc, export, span: head.to(last), kind };
        if place == Place::File || stands_inside(rule) {
            return Lowered::Decl(decl);
        }
        self.misplaced(word, place);
        self.hoisted.extend(named_only(decl));
        Lowered::Nothing
    }

    fn first_word(&self, pair: &Pair<'_>) -> Span {
        let start = pair.as_span().start();
        let len = pair.as_str().find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'));
        self.places.span(start, start + len.unwrap_or(pair.as_str().len()))
    }

    fn misplaced(&mut self, word: Span, place: Place) {
        let offset = (word.start as usize).saturating_sub(self.places.base);
        let text = self.text.get(offset..offset + (word.end - word.start) as usize).unwrap_or("this").to_owned();
        self.report(
            Diagnostic::new(Code::Misplaced, word, format!("`{text}` cannot stand inside {}", place.word()))
                .help("only entities, `module`, `for`, `if` and `assert` stand there; move it to the file's level"),
        );
    }

    fn check_export(&mut self, export: Option<Span>, rule: Rule, word: Span) -> Option<Span> {
        let export = export?;
        if matches!(rule, Rule::let_decl | Rule::fn_decl | Rule::type_decl | Rule::defaults_decl) {
            return Some(export);
        }
        self.report(
            Diagnostic::new(
                Code::Misplaced,
                export,
                "`export` stands only before `let`, `fn`, `type` and `defaults`",
            )
            .fix(export.to(word.head()), ""),
        );
        None
    }

    /// What is declared, and the place of its last part.
    fn decl_kind(&mut self, pair: Pair<'_>, rule: Rule) -> Option<(DeclKind, Span)> {
        let mut kids = Kids::of(pair);
        Some(match rule {
            Rule::entity => self.entity(kids),
            Rule::let_decl => {
                let (name, ty, value, last) = self.binding(kids);
                (DeclKind::Let { name, ty, value }, last)
            }
            Rule::for_decl => self.for_decl(kids),
            Rule::if_decl => self.if_decl(kids),
            Rule::fn_decl => self.fn_decl(kids),
            Rule::type_decl => self.type_decl(kids),
            Rule::param_decl => self.param_decl(kids),
            Rule::defaults_decl => {
                let name = self.name(kids.find(Rule::ident));
                let kind = self.name(kids.find(Rule::ident));
                let body = self.body(kids.find(Rule::body));
                let last = body.span;
                (DeclKind::Defaults { name, kind, body }, last)
            }
            Rule::module_decl => {
                let label = kids.label();
                let label = self.label(label);
                self.equals(kids.find(Rule::eq));
                let path = self.string_or_empty(kids.string());
                let body = self.body(kids.find(Rule::body));
                let last = body.span;
                (DeclKind::Module { label, path, body }, last)
            }
            Rule::import_decl => {
                let path = self.string_or_empty(kids.string());
                let name = self.name(kids.find(Rule::ident));
                let last = name.span;
                (DeclKind::Import { path, name }, last)
            }
            Rule::assert_decl => {
                let message = self.string_or_empty(kids.string());
                let condition = self.expr(kids.find(Rule::expr)).expr;
                let last = self.last(kids.find(Rule::close_brace), condition.span);
                (DeclKind::Assert { message, condition }, last)
            }
            Rule::test_decl => self.test_decl(kids),
            Rule::moved_decl => {
                let body = self.body(kids.find(Rule::body));
                let last = body.span;
                (DeclKind::Moved(body), last)
            }
            Rule::removed_decl => {
                let body = self.body(kids.find(Rule::body));
                let last = body.span;
                (DeclKind::Removed(body), last)
            }
            Rule::accept_decl => {
                let label = kids.label();
                let label = self.label(label);
                let body = self.body(kids.find(Rule::body));
                let last = body.span;
                (DeclKind::Accept { label, body }, last)
            }
            _ => return None,
        })
    }

    fn last(&self, pair: Option<Pair<'_>>, otherwise: Span) -> Span {
        pair.map_or(otherwise, |pair| self.span(&pair))
    }

    fn entity(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        let kind = self.name(kids.find(Rule::kind));
        let label = kids.label();
        let label = self.label(label);
        self.extra_label(&mut kids);
        let using = kids.next_if(Rule::kw_using).and_then(|_| kids.find(Rule::path));
        let using = using.map(|path| Kids::of(path).0.map(|name| self.name(Some(name))).collect());
        let body = self.body(kids.find(Rule::body));
        let last = body.span;
        (DeclKind::Entity { kind, label, using, body }, last)
    }

    /// `name: type = value`
    fn binding(&mut self, mut kids: Kids<'_>) -> (Name, Option<TypeExpr>, Expr, Span) {
        let name = self.name(kids.find(Rule::ident));
        let ty = kids.next_if(Rule::colon).map(|_| self.type_expr(kids.find(Rule::type_expr)));
        self.equals(kids.find(Rule::eq));
        let value = self.expr(kids.find(Rule::expr));
        (name, ty, value.expr, value.outer)
    }

    fn for_decl(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        self.keyword_for(kids.find(Rule::kw_for));
        let binder = self.binder(kids.find(Rule::binder));
        let over = self.expr(kids.find(Rule::expr)).expr;
        let condition = self.filter(&mut kids);
        let (body, last) = self.decls(kids.find(Rule::decls), Place::For);
        (DeclKind::For { binder, over, condition, body }, last)
    }

    fn if_decl(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        let mut arms = Vec::new();
        let mut last = self.places.span(0, 0);
        while let Some(word) = kids.0.next() {
            let condition = match word.as_rule() {
                Rule::kw_else => None,
                _ => {
                    self.check_else_if(&word);
                    Some(self.expr(kids.find(Rule::expr)).expr)
                }
            };
            let (body, end) = self.decls(kids.find(Rule::decls), Place::If);
            last = end;
            arms.push((condition, body));
        }
        (DeclKind::If { arms }, last)
    }

    fn check_else_if(&mut self, word: &Pair<'_>) {
        if matches!(word.as_str(), "elif" | "elsif" | "elseif") {
            self.foreign(self.span(word), word.as_str(), "else if");
        }
    }

    fn decls(&mut self, pair: Option<Pair<'_>>, place: Place) -> (Vec<Decl>, Span) {
        let Some(pair) = pair else { return (Vec::new(), self.places.span(0, 0)) };
        let range = pair.as_span();
        let span = self.places.span(range.start(), range.end());
        if self.depth >= MAX_DEPTH {
            self.report_too_deep(span.head());
            return (Vec::new(), span);
        }
        self.depth += 1;
        let mut decls = Vec::new();
        let mut end = range.start() + 1;
        for kid in Kids::of(pair).0 {
            let range = kid.as_span();
            let doc = self.doc(end, range.start());
            if kid.as_rule() == Rule::decl
                && let Lowered::Decl(decl) = self.decl(kid, doc, place)
            {
                decls.push(decl);
            }
            end = range.start();
        }
        self.depth -= 1;
        (decls, span)
    }

    fn fn_decl(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        let name = self.name(kids.find(Rule::ident));
        let params = kids.find(Rule::fn_params).map_or_else(Vec::new, |pair| self.fn_params(Kids::of(pair)));
        if let Some(mark) = kids.find(Rule::result_mark)
            && mark.as_str() != ":"
        {
            self.foreign(self.span(&mark), mark.as_str(), ":");
        }
        let result = self.type_expr(kids.find(Rule::type_expr));
        self.equals(kids.find(Rule::eq));
        let body = self.expr(kids.find(Rule::expr));
        (DeclKind::Fn { name, params, result, body: body.expr }, body.outer)
    }

    fn fn_params(&mut self, kids: Kids<'_>) -> Vec<(Name, TypeExpr)> {
        let mut params = Vec::new();
        let mut last: Option<Span> = None;
        for kid in kids.0 {
            match kid.as_rule() {
                Rule::missing_comma => last.into_iter().for_each(|end| self.missing_comma(end, "parameters")),
                Rule::fn_param => {
                    let mut kids = Kids::of(kid);
                    let name = self.name(kids.find(Rule::ident));
                    let ty = self.type_expr(kids.find(Rule::type_expr));
                    last = Some(ty.span);
                    params.push((name, ty));
                }
                _ => {}
            }
        }
        params
    }

    fn type_decl(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        let name = self.name(kids.find(Rule::ident));
        self.equals(kids.find(Rule::eq));
        let ty = self.type_expr(kids.find(Rule::type_expr));
        let mut last = ty.span;
        let matching = kids.next_if(Rule::kw_matching).and_then(|_| kids.find(Rule::regex)).map(|pair| {
            last = self.span(&pair);
            let text = pair.as_str();
            let text = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
            Regex { text: SmolStr::new(text.replace("\\/", "/")), span: last }
        });
        let check = self.check(&mut kids, &mut last);
        (DeclKind::Type { name, ty, matching, check }, last)
    }

    fn param_decl(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        let name = self.name(kids.find(Rule::ident));
        let ty = self.type_expr(kids.find(Rule::type_expr));
        let mut last = ty.span;
        let default = kids.next_if(Rule::eq).map(|eq| {
            self.equals(Some(eq));
            let built = self.expr(kids.find(Rule::expr));
            last = built.outer;
            built.expr
        });
        let check = self.check(&mut kids, &mut last);
        (DeclKind::Param { name, ty, default, check }, last)
    }

    fn check(&mut self, kids: &mut Kids<'_>, last: &mut Span) -> Option<Expr> {
        kids.next_if(Rule::kw_check)?;
        let built = self.expr(kids.find(Rule::expr));
        *last = built.outer;
        Some(built.expr)
    }

    fn test_decl(&mut self, mut kids: Kids<'_>) -> (DeclKind, Span) {
        let name = self.string_or_empty(kids.string());
        let Some(body) = kids.find(Rule::test_body) else {
            let last = name.span;
            return (DeclKind::Test { name, steps: Vec::new() }, last);
        };
        let last = self.span(&body);
        let steps = self.steps(body.into_inner());
        (DeclKind::Test { name, steps }, last)
    }

    /// The steps of a test.
    pub(in super::super) fn steps(&mut self, pairs: Pairs<'_>) -> Vec<TestStep> {
        let mut steps = Vec::new();
        for pair in pairs {
            match pair.as_rule() {
                Rule::let_decl => {
                    let (name, ty, value, _) = self.binding(Kids::of(pair));
                    steps.push(TestStep::Let { name, ty, value });
                }
                Rule::expect => steps.push(TestStep::Expect(self.expr(Kids::of(pair).find(Rule::expr)).expr)),
                _ => {}
            }
        }
        steps
    }
}

/// May it stand inside `for` and `if`?
fn stands_inside(rule: Rule) -> bool {
    matches!(rule, Rule::entity | Rule::module_decl | Rule::for_decl | Rule::if_decl | Rule::assert_decl)
}

/// What remains of a declaration that stood where it cannot: its name, so that what uses it finds it.
pub(in super::super) fn named_only(mut decl: Decl) -> Option<Decl> {
    let error = |span| Expr { kind: ExprKind::Error, span };
    match &mut decl.kind {
        DeclKind::Let { value, .. } => *value = error(value.span),
        DeclKind::Fn { body, .. } => *body = error(body.span),
        DeclKind::Type { ty, matching, check, .. } => {
            ty.kind = TypeExprKind::Error;
            *matching = None;
            *check = None;
        }
        DeclKind::Defaults { body, .. } => incomplete(body),
        DeclKind::Import { .. } | DeclKind::Param { .. } => {}
        _ => return None,
    }
    Some(decl)
}

fn incomplete(body: &mut Body) {
    body.items.clear();
    body.incomplete = true;
}

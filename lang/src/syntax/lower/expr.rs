//! Expressions: from a flat run of operands and operators to a tree, by precedence climbing.
//!
//! INVARIANT: no expression tree is higher than [`MAX_DEPTH`], whatever nests: brackets, `if` in `else`, or a long
//! chain of one operator. `1 + 1 + …` with more than that many operands is refused with E0111 as well, because
//! every later phase, and the tree's own `drop`, recurses along it.

use smol_str::SmolStr;

use super::super::ast::{BinaryOp, Binder, Expr, ExprKind, Name, Quantifier, StrLit, StrPart, UnaryOp};
use super::super::grammar::{Pair, Pairs, Rule};
use super::operators::{self, Grouping, Infix};
use super::{Kids, Lower, MAX_DEPTH, is_string};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;
use crate::value::{Lit, quote};

/// An expression that was just built.
pub(super) struct Built {
    pub(super) expr: Expr,
    /// Its place with the parentheses around it.
    pub(super) outer: Span,
    pub(super) height: u32,
}

impl Built {
    fn leaf(kind: ExprKind, span: Span) -> Self {
        Self { expr: Expr { kind, span }, outer: span, height: 1 }
    }
}

/// An operator with its place.
struct Operator {
    infix: Infix,
    span: Span,
}

impl Lower<'_> {
    /// An expression; `Error` should the grammar not have one.
    pub(super) fn expr(&mut self, pair: Option<Pair<'_>>) -> Built {
        let Some(pair) = pair else { return Built::leaf(ExprKind::Error, self.places.span(0, 0)) };
        let start = pair.as_span().start();
        if self.depth >= MAX_DEPTH {
            return self.deep_error(self.places.span(start, start));
        }
        self.depth += 1;
        let mut pairs = pair.into_inner();
        let built = self.binary(&mut pairs, operators::LOOSEST);
        self.depth -= 1;
        built
    }

    /// A part of another expression.
    #[expect(clippy::unnecessary_box_returns, reason = "the tree wants it so")]
    fn part(&mut self, pair: Option<Pair<'_>>, height: &mut u32) -> Box<Expr> {
        let built = self.expr(pair);
        *height = (*height).max(built.height);
        Box::new(built.expr)
    }

    fn deep_error(&mut self, span: Span) -> Built {
        self.report_too_deep(span);
        Built::leaf(ExprKind::Error, span)
    }

    /// A node over parts of which the highest has `height`.
    fn node(&mut self, kind: ExprKind, span: Span, height: u32) -> Built {
        if height >= MAX_DEPTH {
            return self.deep_error(span);
        }
        Built { expr: Expr { kind, span }, outer: span, height: height + 1 }
    }

    /// Operands joined by operators that bind at least as tightly as `level`.
    fn binary(&mut self, pairs: &mut Pairs<'_>, level: u8) -> Built {
        let mut left = self.unary(pairs, level);
        let mut last: Option<(u8, Span)> = None;
        while let Some(pair) = pairs.peek() {
            let (infix, ours) = operators::infix(pair.as_str());
            let (binds, grouping) = operators::binding(infix);
            if binds < level {
                break;
            }
            pairs.next();
            let operator = Operator { infix, span: self.span(&pair) };
            if let Some(ours) = ours {
                self.foreign(operator.span, pair.as_str(), ours);
            }
            let mut chained = false;
            if grouping == Grouping::None {
                if let Some((before, first)) = last
                    && before == binds
                {
                    self.chained(binds, first, operator.span);
                    chained = true;
                }
                last = Some((binds, operator.span));
            }
            let right = self.right_operand(pairs, if grouping == Grouping::Right { binds } else { binds + 1 });
            left = self.join(left, &operator, right);
            if chained {
                // It was reported; of what type it would be, nobody knows.
                left.expr.kind = ExprKind::Error;
            }
        }
        left
    }

    /// The right operand; what groups to the right is as deep as it is long.
    fn right_operand(&mut self, pairs: &mut Pairs<'_>, level: u8) -> Built {
        if self.depth >= MAX_DEPTH {
            let span = pairs.peek().map_or_else(|| self.places.span(0, 0), |pair| self.span(&pair));
            pairs.by_ref().for_each(drop);
            return self.deep_error(span);
        }
        self.depth += 1;
        let right = self.binary(pairs, level);
        self.depth -= 1;
        right
    }

    fn join(&mut self, left: Built, operator: &Operator, right: Built) -> Built {
        let span = left.outer.to(right.outer);
        let height = left.height.max(right.height);
        let (left, right) = (Box::new(left.expr), Box::new(right.expr));
        let kind = match operator.infix {
            Infix::Where => ExprKind::Where { over: left, condition: right },
            Infix::Op(op) => ExprKind::Binary { op, op_span: operator.span, left, right },
            Infix::NotIn => {
                self.report(
                    Diagnostic::new(Code::ForeignSyntax, operator.span, "`not in` stands only in conditions")
                        .help("write `!(x in xs)`"),
                );
                let within = ExprKind::Binary { op: BinaryOp::In, op_span: operator.span, left, right };
                let operand = Box::new(Expr { kind: within, span });
                ExprKind::Unary { op: UnaryOp::Not, op_span: operator.span, operand }
            }
        };
        self.node(kind, span, height)
    }

    fn chained(&mut self, level: u8, first: Span, second: Span) {
        if level == operators::COMPARE {
            self.report(
                Diagnostic::new(Code::ChainedComparison, second, "comparisons do not chain")
                    .also(first, "the first comparison")
                    .help("write `a < b && b < c`"),
            );
        } else {
            self.report(
                Diagnostic::new(Code::UnexpectedToken, second, "this operator does not chain")
                    .also(first, "the first one")
                    .help("put one of the two in parentheses"),
            );
        }
    }

    /// An operand with the operators before it.
    fn unary(&mut self, pairs: &mut Pairs<'_>, level: u8) -> Built {
        let Some(first) = pairs.next() else { return Built::leaf(ExprKind::Error, self.places.span(0, 0)) };
        if first.as_rule() != Rule::prefix {
            let atom = self.atom(first);
            return self.postfix(atom, pairs);
        }
        let op_span = self.span(&first);
        let op = if first.as_str() == "-" { UnaryOp::Neg } else { UnaryOp::Not };
        if first.as_str().starts_with("not") {
            let word = Span { end: op_span.start + 3, ..op_span };
            self.report(Diagnostic::new(Code::ForeignSyntax, word, "expected `!`, found `not`").fix(op_span, "!"));
        }
        if op == UnaryOp::Neg
            && let Some(number) = pairs.peek()
            && number.as_rule() == Rule::number
            && let Some(literal) = self.negative(&number, op_span, pairs)
        {
            return literal;
        }
        let below = if op == UnaryOp::Neg { operators::NEGATE } else { operators::NOT };
        if level > below {
            let message = format!("`{}` needs parentheses here", if op == UnaryOp::Neg { "-" } else { "!" });
            self.report(Diagnostic::new(Code::UnexpectedToken, op_span, message).help("write `(!x)`"));
        }
        // One level up for `-`: it takes one operand, and no second minus.
        let operand = self.right_operand(pairs, if op == UnaryOp::Neg { below + 1 } else { below });
        let span = op_span.to(operand.outer);
        self.node(ExprKind::Unary { op, op_span, operand: Box::new(operand.expr) }, span, operand.height)
    }

    /// A minus directly before an integer is part of it: the least of all integers has no positive counterpart.
    /// Before a quantity it is an operator.
    fn negative(&mut self, number: &Pair<'_>, minus: Span, pairs: &mut Pairs<'_>) -> Option<Built> {
        if !number.as_str().bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return None;
        }
        pairs.next();
        let kind = self.literal(number, true);
        let literal = Built::leaf(kind, minus.to(self.span(number)));
        Some(self.postfix(literal, pairs))
    }

    fn postfix(&mut self, mut built: Built, pairs: &mut Pairs<'_>) -> Built {
        while let Some(pair) = pairs.peek() {
            let rule = pair.as_rule();
            if !matches!(rule, Rule::member | Rule::index | Rule::call) {
                break;
            }
            pairs.next();
            let span = built.outer.to(self.span(&pair));
            let mut height = built.height;
            let mut kids = Kids::of(pair);
            let base = Box::new(built.expr);
            let kind = match rule {
                Rule::member => ExprKind::Field(base, self.name(kids.find(Rule::ident))),
                Rule::index => ExprKind::Index(base, self.part(kids.find(Rule::expr), &mut height)),
                _ => {
                    let arguments = self.exprs(kids, "arguments", &mut height);
                    ExprKind::Call(base, arguments)
                }
            };
            built = self.node(kind, span, height);
        }
        built
    }

    /// Expressions between commas.
    fn exprs(&mut self, kids: Kids<'_>, things: &str, height: &mut u32) -> Vec<Expr> {
        let mut exprs = Vec::new();
        let mut last: Option<Span> = None;
        for kid in kids.0 {
            match kid.as_rule() {
                Rule::missing_comma => last.into_iter().for_each(|end| self.missing_comma(end, things)),
                Rule::expr => {
                    let built = self.expr(Some(kid));
                    last = Some(built.outer);
                    *height = (*height).max(built.height);
                    exprs.push(built.expr);
                }
                _ => {}
            }
        }
        exprs
    }

    fn atom(&mut self, pair: Pair<'_>) -> Built {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        match rule {
            rule if is_string(rule) => self.string_atom(pair),
            Rule::name => Built::leaf(word(pair.as_str()), span),
            Rule::number | Rule::date | Rule::time | Rule::cidr => {
                let kind = self.literal(&pair, false);
                Built::leaf(kind, span)
            }
            Rule::subject => {
                let name = self.name(Kids::of(pair).find(Rule::ident));
                Built::leaf(ExprKind::Subject(name), span)
            }
            Rule::paren => {
                let inner = self.expr(Kids::of(pair).find(Rule::expr));
                Built { outer: span, ..inner }
            }
            Rule::dollar => {
                let mark = Span { end: span.start + 1, ..span };
                self.report(
                    Diagnostic::new(Code::ForeignSyntax, mark, "expected a value, found `${`")
                        .help("outside a string write the expression itself; inside one, `\\(…)`"),
                );
                let inner = self.expr(Kids::of(pair).find(Rule::expr));
                Built { outer: span, ..inner }
            }
            _ => self.compound(pair, rule, span),
        }
    }

    fn string_atom(&mut self, pair: Pair<'_>) -> Built {
        let last = pair.as_span().end().saturating_sub(1);
        if self.places.inserted(last) {
            // Recovery closed it: where it should have ended is unknown.
            return Built::leaf(ExprKind::Error, self.span(&pair));
        }
        let string = self.string(pair);
        let span = string.span;
        self.node(ExprKind::Str(string), span, self.string_height)
    }

    fn compound(&mut self, pair: Pair<'_>, rule: Rule, span: Span) -> Built {
        let mut height = 0;
        let mut kids = Kids::of(pair);
        let mut end = span;
        let kind = match rule {
            Rule::list => ExprKind::List(self.exprs(kids, "list items", &mut height)),
            Rule::map => self.map(kids, &mut height),
            Rule::list_for => {
                let binder = self.binder(kids.find(Rule::binder));
                let over = self.part(kids.find(Rule::expr), &mut height);
                let value = self.part(kids.find(Rule::expr), &mut height);
                let condition = kids.find(Rule::expr).map(|pair| self.part(Some(pair), &mut height));
                ExprKind::ListFor { binder, over, value, condition }
            }
            Rule::map_for => {
                let binder = self.binder(kids.find(Rule::binder));
                let over = self.part(kids.find(Rule::expr), &mut height);
                let key = self.part(kids.find(Rule::expr), &mut height);
                let value = self.part(kids.find(Rule::expr), &mut height);
                let condition = kids.find(Rule::expr).map(|pair| self.part(Some(pair), &mut height));
                ExprKind::MapFor { binder, over, key, value, condition }
            }
            Rule::if_expr => {
                let condition = self.part(kids.find(Rule::expr), &mut height);
                let then = self.part(kids.find(Rule::expr), &mut height);
                let last = self.expr(kids.find(Rule::expr));
                end = last.outer;
                height = height.max(last.height);
                ExprKind::If { condition, then, otherwise: Box::new(last.expr) }
            }
            _ => {
                let quantifier = quantifier(kids.next_if(Rule::quantifier).as_ref());
                let binder = self.binder(kids.find(Rule::binder));
                let over = self.part(kids.find(Rule::expr), &mut height);
                let last = self.expr(kids.find(Rule::expr));
                end = last.outer;
                height = height.max(last.height);
                ExprKind::Quantified { quantifier, binder, over, condition: Box::new(last.expr) }
            }
        };
        self.node(kind, span.head().to(end), height)
    }

    /// `{ … }`: the keys of a map are strings, those of a record names; the first one decides.
    fn map(&mut self, kids: Kids<'_>, height: &mut u32) -> ExprKind {
        let mut map: Vec<(StrLit, Expr)> = Vec::new();
        let mut record: Vec<(Name, Expr)> = Vec::new();
        let mut key: Option<Pair<'_>> = None;
        let mut last: Option<Span> = None;
        for kid in kids.0 {
            match kid.as_rule() {
                Rule::eq => self.equals(Some(kid)),
                Rule::missing_comma => last.into_iter().for_each(|end| self.missing_comma(end, "entries")),
                Rule::expr => {
                    let Some(key) = key.take() else { continue };
                    let is_map = if record.is_empty() && map.is_empty() {
                        is_string(key.as_rule())
                    } else {
                        record.is_empty()
                    };
                    if is_map {
                        let key = self.map_key(key);
                        *height = (*height).max(self.string_height);
                        let value = self.expr(Some(kid));
                        last = Some(value.outer);
                        *height = (*height).max(value.height);
                        map.push((key, value.expr));
                    } else {
                        let key = self.record_key(key);
                        let value = self.expr(Some(kid));
                        last = Some(value.outer);
                        *height = (*height).max(value.height);
                        record.push((key, value.expr));
                    }
                }
                rule if rule == Rule::ident || is_string(rule) => key = Some(kid),
                _ => {}
            }
        }
        if record.is_empty() { ExprKind::Map(map) } else { ExprKind::Record(record) }
    }

    fn map_key(&mut self, key: Pair<'_>) -> StrLit {
        if is_string(key.as_rule()) {
            return self.string(key);
        }
        let span = self.span(&key);
        let text = key.as_str();
        self.report(
            Diagnostic::new(Code::UnexpectedToken, span, format!("expected a string, found `{text}`"))
                .help("the keys of a map are strings, those of a record names")
                .fix(span, quote(text)),
        );
        StrLit { parts: vec![StrPart::Text(SmolStr::new(text))], span }
    }

    fn record_key(&mut self, key: Pair<'_>) -> Name {
        if !is_string(key.as_rule()) {
            return self.name(Some(key));
        }
        let string = self.string(key);
        let text = string.plain();
        let diagnostic = Diagnostic::new(Code::UnexpectedToken, string.span, "expected a name, found a string")
            .help("the keys of a map are strings, those of a record names");
        self.report(match &text {
            Some(text) => diagnostic.fix(string.span, text.to_string()),
            None => diagnostic,
        });
        Name { text: text.unwrap_or_default(), span: string.span }
    }

    /// The names of a loop.
    pub(super) fn binder(&mut self, pair: Option<Pair<'_>>) -> Binder {
        match pair {
            Some(pair) => {
                let mut kids = Kids::of(pair);
                let first = self.name(kids.find(Rule::ident));
                let second = kids.find(Rule::ident).map(|pair| self.name(Some(pair)));
                Binder { first, second }
            }
            None => Binder { first: self.name(None), second: None },
        }
    }
}

/// `every` or `some`.
pub(super) fn quantifier(pair: Option<&Pair<'_>>) -> Quantifier {
    if pair.is_some_and(|pair| pair.as_str() == "some") { Quantifier::Some } else { Quantifier::Every }
}

fn word(text: &str) -> ExprKind {
    match text {
        "true" => ExprKind::Lit(Lit::Bool(true)),
        "false" => ExprKind::Lit(Lit::Bool(false)),
        "none" => ExprKind::None,
        name => ExprKind::Name(SmolStr::new(name)),
    }
}

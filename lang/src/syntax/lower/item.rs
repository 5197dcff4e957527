//! Bodies and what stands in them: fields, blocks, loops and conditions.

use super::super::ast::{BlockItem, Body, BodyFor, ConditionItem, ConditionOp, ConditionTest, Expr, FieldItem, Item};
use super::super::grammar::{Pair, Pairs, Rule};
use super::{Kids, Lower, MAX_DEPTH};
use crate::diagnostics::{Code, Diagnostic};
use crate::source::Span;

use smol_str::SmolStr;

impl Lower<'_> {
    /// The items that the entry `items` parsed; `doc` is the documentation above the first.
    pub(in super::super) fn lone_items(&mut self, pairs: Pairs<'_>, doc: SmolStr) -> Vec<Item> {
        let Some(pair) = Kids(pairs).find(Rule::items) else { return Vec::new() };
        let mut items = self.items(Kids::of(pair), 0, &mut false);
        if let Some(Item::Block(block)) = items.first_mut() {
            block.doc = doc;
        }
        items
    }

    /// A body in braces; an incomplete one should the grammar not have one.
    pub(super) fn body(&mut self, pair: Option<Pair<'_>>) -> Body {
        let Some(pair) = pair else {
            return Body { items: Vec::new(), span: self.places.span(0, 0), incomplete: true };
        };
        let range = pair.as_span();
        let span = self.places.span(range.start(), range.end());
        // What recovery closed was left open.
        let mut incomplete = self.places.inserted(range.end().saturating_sub(1));
        if self.depth >= MAX_DEPTH {
            self.report_too_deep(span.head());
            return Body { items: Vec::new(), span, incomplete: true };
        }
        self.depth += 1;
        let items = self.items(Kids::of(pair), range.start() + 1, &mut incomplete);
        self.depth -= 1;
        Body { items, span, incomplete }
    }

    /// The items among `kids`; what stands before the first of them ends at `from`.
    fn items(&mut self, kids: Kids<'_>, from: usize, incomplete: &mut bool) -> Vec<Item> {
        let mut items = Vec::new();
        let mut end = from;
        for kid in kids.0 {
            let range = kid.as_span();
            match kid.as_rule() {
                Rule::field => items.push(self.field(kid)),
                Rule::block => items.push(self.block(kid, end)),
                Rule::body_for => items.push(Item::For(self.body_for(kid))),
                Rule::condition => items.push(self.condition(kid)),
                _ => {}
            }
            end = range.start();
            *incomplete |= self.too_deep;
        }
        items
    }

    fn field(&mut self, pair: Pair<'_>) -> Item {
        let mut kids = Kids::of(pair);
        let over = self.override_mark(&mut kids);
        let key = self.label(kids.label());
        if matches!(kids.peek_rule(), Some(Rule::eq | Rule::eq_key)) {
            self.equals(kids.0.next());
        }
        let value = self.expr(kids.find(Rule::expr));
        let span = over.unwrap_or(key.span()).to(value.outer);
        Item::Field(FieldItem { over, key, value: value.expr, span })
    }

    fn override_mark(&mut self, kids: &mut Kids<'_>) -> Option<Span> {
        let start = kids.next_if(Rule::override_mark)?.as_span().start();
        Some(self.places.span(start, start + "override".len()))
    }

    fn block(&mut self, pair: Pair<'_>, end: usize) -> Item {
        let doc = self.doc(end, pair.as_span().start());
        let mut kids = Kids::of(pair);
        let over = self.override_mark(&mut kids);
        let name = self.name(kids.find(Rule::ident));
        let label = kids.label_if().map(|pair| self.label(Some(pair)));
        self.extra_label(&mut kids);
        let body = self.body(kids.find(Rule::body));
        let span = over.unwrap_or(name.span).to(body.span);
        Item::Block(BlockItem { doc, over, name, label, body, span })
    }

    /// A second label, as other languages have it.
    pub(super) fn extra_label(&mut self, kids: &mut Kids<'_>) {
        if let Some(extra) = kids.next_if(Rule::extra_label) {
            let text = extra.as_str().trim_end().to_owned();
            let start = extra.as_span().start();
            let span = self.places.span(start, start + text.len());
            self.report(
                Diagnostic::new(Code::ForeignSyntax, span, format!("expected `{{`, found `{text}`"))
                    .help("one label names a declaration; what the second says is a field")
                    .fix(span, ""),
            );
        }
    }

    fn body_for(&mut self, pair: Pair<'_>) -> BodyFor {
        let start = pair.as_span().start();
        let mut kids = Kids::of(pair);
        self.keyword_for(kids.find(Rule::kw_for));
        let binder = self.binder(kids.find(Rule::binder));
        let over = self.expr(kids.find(Rule::expr)).expr;
        let condition = self.filter(&mut kids);
        let body = self.body(kids.find(Rule::body));
        let span = self.places.span(start, start).to(body.span);
        BodyFor { binder, over, condition, body, span }
    }

    /// `if condition` of a loop.
    pub(super) fn filter(&mut self, kids: &mut Kids<'_>) -> Option<Expr> {
        kids.next_if(Rule::kw_if)?;
        Some(self.expr(kids.find(Rule::expr)).expr)
    }

    /// `for`, or `foreach` as other languages have it.
    pub(super) fn keyword_for(&mut self, pair: Option<Pair<'_>>) {
        if let Some(pair) = pair
            && pair.as_str() != "for"
        {
            self.foreign(self.span(&pair), pair.as_str(), "for");
        }
    }

    fn condition(&mut self, pair: Pair<'_>) -> Item {
        let start = pair.as_span().start();
        let mut kids = Kids::of(pair);
        let if_present = kids.next_if(Rule::kw_if).is_some();
        if if_present {
            kids.next_if(Rule::kw_present);
        }
        let quantifier = kids.next_if(Rule::quantifier).map(|word| super::expr::quantifier(Some(&word)));
        let key = self.string_or_empty(kids.string());
        let (test, end) = self.condition_test(&mut kids, key.span);
        Item::Condition(ConditionItem {
            if_present,
            quantifier,
            key,
            test,
            span: self.places.span(start, start).to(end),
        })
    }

    fn condition_test(&mut self, kids: &mut Kids<'_>, key: Span) -> (ConditionTest, Span) {
        let Some(word) = kids.0.next() else {
            return (ConditionTest::Present, key);
        };
        let span = self.span(&word);
        match word.as_rule() {
            Rule::kw_present => (ConditionTest::Present, span),
            Rule::kw_absent => (ConditionTest::Absent, span),
            _ => {
                let value = self.expr(kids.find(Rule::condition_value));
                let op = condition_op(word.as_str());
                (ConditionTest::Compare { op, op_span: span, value: value.expr }, value.outer)
            }
        }
    }
}

fn condition_op(text: &str) -> ConditionOp {
    match text {
        "==" => ConditionOp::Eq,
        "!=" => ConditionOp::Ne,
        "<" => ConditionOp::Lt,
        "<=" => ConditionOp::Le,
        ">" => ConditionOp::Gt,
        ">=" => ConditionOp::Ge,
        "in" => ConditionOp::In,
        "like" => ConditionOp::Like,
        // An operator of IAM is one word; only `not in` and `not like` have white space.
        text if text.starts_with("not") && text.contains(char::is_whitespace) && text.ends_with("in") => {
            ConditionOp::NotIn
        }
        text if text.starts_with("not") && text.contains(|c: char| c.is_whitespace()) => ConditionOp::NotLike,
        text => ConditionOp::Iam(SmolStr::new(text)),
    }
}

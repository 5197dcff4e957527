//! Policy conditions: each comes to exactly one IAM operator.
//!
//! Source of the operators: IAM User Guide, "IAM JSON policy elements: Condition operators"; of the global keys:
//! "AWS global condition context keys", read 2026-09.

use smol_str::{SmolStr, format_smolstr};

use super::Checker;
use super::collections::text;
use super::expr::Typed;
use super::fit::named;
use super::scope::{Scope, Site};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir::{self, BodyLoop, Condition, Expr};
use crate::source::Span;
use crate::syntax::ast::{self, ConditionOp, ConditionTest, Item, Quantifier};
use crate::types::Ty;

/// IAM's operators by name, with the family of values each takes.
const OPERATORS: [(&str, Family); 27] = [
    ("StringEquals", Family::Text),
    ("StringNotEquals", Family::Text),
    ("StringEqualsIgnoreCase", Family::Text),
    ("StringNotEqualsIgnoreCase", Family::Text),
    ("StringLike", Family::Text),
    ("StringNotLike", Family::Text),
    ("NumericEquals", Family::Number),
    ("NumericNotEquals", Family::Number),
    ("NumericLessThan", Family::Number),
    ("NumericLessThanEquals", Family::Number),
    ("NumericGreaterThan", Family::Number),
    ("NumericGreaterThanEquals", Family::Number),
    ("DateEquals", Family::Date),
    ("DateNotEquals", Family::Date),
    ("DateLessThan", Family::Date),
    ("DateLessThanEquals", Family::Date),
    ("DateGreaterThan", Family::Date),
    ("DateGreaterThanEquals", Family::Date),
    ("Bool", Family::Truth),
    ("BinaryEquals", Family::Text),
    ("IpAddress", Family::Address),
    ("NotIpAddress", Family::Address),
    ("ArnEquals", Family::Text),
    ("ArnLike", Family::Text),
    ("ArnNotEquals", Family::Text),
    ("ArnNotLike", Family::Text),
    ("Null", Family::Truth),
];

/// Global condition keys whose type is known, in lower case.
const GLOBAL_KEYS: [(&str, Family); 32] = [
    ("aws:calledvia", Family::Text),
    ("aws:calledviafirst", Family::Text),
    ("aws:calledvialast", Family::Text),
    ("aws:currenttime", Family::Date),
    ("aws:epochtime", Family::Number),
    ("aws:federatedprovider", Family::Text),
    ("aws:multifactorauthage", Family::Number),
    ("aws:multifactorauthpresent", Family::Truth),
    ("aws:principalaccount", Family::Text),
    ("aws:principalarn", Family::Text),
    ("aws:principalisawsservice", Family::Truth),
    ("aws:principalorgid", Family::Text),
    ("aws:principalorgpaths", Family::Text),
    ("aws:principalservicename", Family::Text),
    ("aws:principaltype", Family::Text),
    ("aws:referer", Family::Text),
    ("aws:requestedregion", Family::Text),
    ("aws:resourceaccount", Family::Text),
    ("aws:resourceorgid", Family::Text),
    ("aws:resourceorgpaths", Family::Text),
    ("aws:securetransport", Family::Truth),
    ("aws:sourceaccount", Family::Text),
    ("aws:sourcearn", Family::Text),
    ("aws:sourceip", Family::Address),
    ("aws:sourceorgid", Family::Text),
    ("aws:sourcevpc", Family::Text),
    ("aws:sourcevpce", Family::Text),
    ("aws:tagkeys", Family::Text),
    ("aws:tokenissuetime", Family::Date),
    ("aws:useragent", Family::Text),
    ("aws:userid", Family::Text),
    ("aws:viaawsservice", Family::Truth),
];

/// The kinds of values that operators take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Text,
    Number,
    Date,
    Truth,
    Address,
}

impl Family {
    fn of(ty: &Ty) -> Option<Self> {
        match ty.base() {
            Ty::String => Some(Self::Text),
            Ty::Int => Some(Self::Number),
            Ty::Date => Some(Self::Date),
            Ty::Bool => Some(Self::Truth),
            Ty::Cidr => Some(Self::Address),
            Ty::Later(inner) => Self::of(inner),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "numbers",
            Self::Date => "dates",
            Self::Truth => "true or false",
            Self::Address => "IP blocks",
        }
    }
}

impl Checker<'_> {
    /// The conditions of a body.
    pub(super) fn conditions(&mut self, scope: &mut Scope, body: &ast::Body) -> Vec<hir::ConditionItem> {
        let mut out = Vec::with_capacity(body.items.len());
        for item in &body.items {
            match item {
                Item::Condition(condition) => {
                    out.extend(self.policy_condition(scope, condition).map(hir::ConditionItem::One));
                }
                Item::For(looped) => {
                    let mark = scope.mark();
                    let header = (&looped.binder, &looped.over, looped.condition.as_ref());
                    let source = self.source(scope, header, "in a loop");
                    let items = self.conditions(scope, &looped.body);
                    scope.reset(mark);
                    out.push(hir::ConditionItem::For(BodyLoop { source, items }));
                }
                Item::Field(field) => {
                    let message = "a condition is written `\"key\" == value`, not with `=`";
                    self.report(Diagnostic::new(Code::WrongItem, field.span, message));
                }
                Item::Block(block) => {
                    let message = "only conditions stand here";
                    self.report(
                        Diagnostic::new(Code::WrongItem, block.span, message).help("write `\"key\" == value`"),
                    );
                }
            }
        }
        out
    }

    fn policy_condition(&mut self, scope: &mut Scope, item: &ast::ConditionItem) -> Option<Condition> {
        let key_name = item.key.plain();
        if let Some(key) = key_name.as_ref().filter(|key| !key.contains(':')) {
            let message = format!("`{key}` is no condition key");
            let help = "a key reads `service:Key`, such as `aws:RequestedRegion`";
            self.report(Diagnostic::new(Code::WrongCondition, item.key.span, message).help(help));
        }
        let key = self.string(scope, &item.key);
        let key = self.fit(key, &Site::language(Ty::String, "as a condition key"), item.key.span);
        let null = |value: &str, checker: &mut Self| {
            checker.no_qualifiers(item);
            let values = text(value, item.span);
            Some((SmolStr::new_static("Null"), values))
        };
        let (operator, values) = match &item.test {
            ConditionTest::Present => null("false", self)?,
            ConditionTest::Absent => null("true", self)?,
            ConditionTest::Compare { op, op_span, value } => {
                let known = key_name.as_deref().and_then(global_key);
                let (operator, values) = self.compared(scope, (op, *op_span), value, known)?;
                (qualified(item, &operator), values)
            }
        };
        Some(Condition { key, operator, values, span: item.span })
    }

    fn no_qualifiers(&mut self, item: &ast::ConditionItem) {
        if item.if_present || item.quantifier.is_some() {
            let message = "`present` and `absent` stand without `if present`, `every` and `some`";
            self.report(Diagnostic::new(Code::WrongCondition, item.span, message));
        }
    }

    /// Operator and values of a comparison.
    fn compared(
        &mut self,
        scope: &mut Scope,
        (op, op_span): (&ConditionOp, Span),
        value: &ast::Expr,
        known: Option<Family>,
    ) -> Option<(SmolStr, Expr)> {
        let Typed { expr, ty } = self.infer(scope, value);
        let element = match &ty {
            Ty::List(inner) => (**inner).clone(),
            other => other.clone(),
        };
        if matches!(element, Ty::Error) {
            return None;
        }
        let Some(family) = Family::of(&element) else {
            if matches!(element, Ty::Optional(_) | Ty::Secret) {
                self.wrong_operand("a condition", &element, value.span);
            } else {
                let message = format!("IAM cannot compare with {}", named(&ty));
                self.report(Diagnostic::new(Code::WrongCondition, value.span, message));
            }
            return None;
        };
        if let Some(wanted) = known.filter(|wanted| *wanted != family && !matches!(op, ConditionOp::Iam(_))) {
            let message = format!("this key holds {}, and this is {}", wanted.word(), named(&ty));
            self.report(Diagnostic::new(Code::WrongCondition, value.span, message));
            return None;
        }
        let listed = matches!(ty, Ty::List(_));
        let operator = self.operator(op, op_span, family, listed)?;
        Some((operator, expr))
    }

    /// The IAM operator that an operator comes to for values of a family.
    fn operator(&mut self, op: &ConditionOp, span: Span, family: Family, listed: bool) -> Option<SmolStr> {
        use ConditionOp::{Eq, Ge, Gt, Iam, In, Le, Like, Lt, Ne, NotIn, NotLike};
        let name = match (op, family) {
            (Iam(name), _) => return self.iam_operator(name, span, family),
            (Eq | Ne, _) if listed => {
                let word = if *op == Eq { "in" } else { "not in" };
                let message = "one value is compared by `==` and `!=`";
                self.report(Diagnostic::new(Code::WrongCondition, span, message).help(format!("write `{word} […]`")));
                return None;
            }
            (In | NotIn, _) if !listed && family != Family::Address => {
                let word = if *op == In { "==" } else { "!=" };
                let message = "`in` and `not in` take a list";
                self.report(
                    Diagnostic::new(Code::WrongCondition, span, message).help(format!("write `{word} …`, or `[…]`")),
                );
                return None;
            }
            (Eq | In, Family::Text) => "StringEquals",
            (Ne | NotIn, Family::Text) => "StringNotEquals",
            (Like, Family::Text) => "StringLike",
            (NotLike, Family::Text) => "StringNotLike",
            (Eq | In, Family::Number) => "NumericEquals",
            (Ne | NotIn, Family::Number) => "NumericNotEquals",
            (Lt, Family::Number) => "NumericLessThan",
            (Le, Family::Number) => "NumericLessThanEquals",
            (Gt, Family::Number) => "NumericGreaterThan",
            (Ge, Family::Number) => "NumericGreaterThanEquals",
            (Eq | In, Family::Date) => "DateEquals",
            (Ne | NotIn, Family::Date) => "DateNotEquals",
            (Lt, Family::Date) => "DateLessThan",
            (Le, Family::Date) => "DateLessThanEquals",
            (Gt, Family::Date) => "DateGreaterThan",
            (Ge, Family::Date) => "DateGreaterThanEquals",
            (Eq, Family::Truth) => "Bool",
            (Eq | In, Family::Address) => "IpAddress",
            (Ne | NotIn, Family::Address) => "NotIpAddress",
            _ => {
                let message = format!("IAM has no such comparison of {}", family.word());
                let help = match family {
                    Family::Truth => "write `== true` or `== false`",
                    Family::Text => "text is compared by `==`, `!=`, `in`, `not in`, `like` and `not like`",
                    Family::Address => "an IP block is compared by `in`, `not in`, `==` and `!=`",
                    Family::Number | Family::Date => "write `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` or `not in`",
                };
                self.report(Diagnostic::new(Code::WrongCondition, span, message).help(help));
                return None;
            }
        };
        Some(SmolStr::new_static(name))
    }

    fn iam_operator(&mut self, name: &SmolStr, span: Span, family: Family) -> Option<SmolStr> {
        let bare = name.strip_suffix("IfExists").unwrap_or(name);
        let found = OPERATORS.iter().find(|(operator, _)| *operator == bare);
        match found {
            Some((_, wanted)) if *wanted == family || family == Family::Text => Some(name.clone()),
            Some((_, wanted)) => {
                let message = format!("`{name}` compares {}, and this is {}", wanted.word(), family.word());
                self.report(Diagnostic::new(Code::WrongCondition, span, message));
                None
            }
            None => {
                let message = format!("IAM has no operator `{name}`");
                let help = suggest(bare, "operators", OPERATORS.iter().map(|(operator, _)| *operator));
                self.report(Diagnostic::new(Code::WrongCondition, span, message).help_if(help));
                None
            }
        }
    }
}

/// The operator with `ForAllValues:`, `ForAnyValue:` and `IfExists`.
fn qualified(item: &ast::ConditionItem, operator: &str) -> SmolStr {
    let set = match item.quantifier {
        Some(Quantifier::Every) => "ForAllValues:",
        Some(Quantifier::Some) => "ForAnyValue:",
        None => "",
    };
    let exists = if item.if_present && !operator.ends_with("IfExists") { "IfExists" } else { "" };
    format_smolstr!("{set}{operator}{exists}")
}

fn global_key(key: &str) -> Option<Family> {
    let key = key.to_ascii_lowercase();
    GLOBAL_KEYS.iter().find(|(known, _)| *known == key).map(|(_, family)| *family)
}

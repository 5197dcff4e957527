//! A policy document as a tree: what was written, and where. Owns the types, their JSON and its places; what a
//! statement means is not its affair, and it must not know where a document came from.

mod json;
mod parse;

use std::sync::Arc;

use serde::Serialize;
use smol_str::SmolStr;

pub use parse::{Fault, MAX_BYTES, parse};

/// Where something was written. The engine carries it and never reads it: for a document it counts bytes of its text,
/// for a statement that a program wrote whatever the caller counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The document or file, as the caller names it.
    pub origin: Arc<str>,
    /// Where it begins.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

/// A text with its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Text {
    /// The text, without JSON's quotes and escapes.
    pub value: SmolStr,
    /// How it was written.
    pub form: Form,
    /// Where.
    pub source: Source,
}

/// How a text was written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Form {
    /// As a string.
    #[default]
    String,
    /// As a number or a boolean, which IAM takes in conditions.
    Bare,
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Version {
    /// `2008-10-17`, also where none is written: without policy variables.
    #[default]
    Absent,
    /// `2008-10-17`, written.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Document {
    /// The version of the language it is written in.
    pub version: Version,
    /// Its `Id`.
    pub id: Option<SmolStr>,
    /// Its statements.
    pub statements: Vec<Statement>,
    /// Whether its one statement was written without a list around it.
    pub bare: bool,
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Effect {
    /// Allow.
    Allow,
    /// Deny.
    Deny,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Its `Sid`.
    pub sid: Option<SmolStr>,
    /// Allow or deny.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`: only in policies of resources.
    pub principal: Option<Principals>,
    /// `Action` or `NotAction`.
    pub actions: Elements,
    /// `Resource` or `NotResource`; none only where there is a principal, and then it is any resource.
    pub resources: Option<Elements>,
    /// Its conditions; all must hold.
    pub conditions: Vec<Condition>,
    /// The whole statement.
    pub source: Source,
}

/// A list of patterns, or all but them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Elements {
    /// Whether it is the `Not…` form.
    pub not: bool,
    /// The patterns.
    pub items: Vec<Text>,
    /// Whether the one pattern was written without a list around it.
    pub bare: bool,
}

/// Whom a statement of a resource's policy is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principals {
    /// Whether it is `NotPrincipal`.
    pub not: bool,
    /// By kind (`AWS`, `Service`, `Federated`, `CanonicalUser`); empty for a bare `"*"`.
    pub by_kind: Vec<(SmolStr, Elements)>,
    /// Where.
    pub source: Source,
}

/// One key under one operator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub qualifier: Option<Qualifier>,
    /// The operator without qualifier and `IfExists`, as it was written: `StringLike`.
    pub operator: SmolStr,
    /// Whether it ends in `IfExists`.
    pub if_exists: bool,
    /// The condition key, as it was written.
    pub key: SmolStr,
    /// The values; one of them must hold, or none for a negated operator.
    pub values: Vec<Text>,
    /// Whether the one value was written without a list around it.
    pub bare: bool,
    /// From the key to the last value.
    pub source: Source,
}

/// How a condition reads a key of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Qualifier {
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

impl Source {
    /// A place in `origin`.
    pub fn new(origin: &Arc<str>, start: u32, end: u32) -> Self {
        Self { origin: Arc::clone(origin), start, end }
    }
}

impl Text {
    /// A text written as a string.
    pub fn new(value: impl Into<SmolStr>, source: Source) -> Self {
        Self { value: value.into(), form: Form::String, source }
    }
}

impl Elements {
    /// One of these.
    pub fn any_of(items: Vec<Text>) -> Self {
        Self { not: false, items, bare: false }
    }

    /// None of these.
    pub fn none_of(items: Vec<Text>) -> Self {
        Self { not: true, items, bare: false }
    }
}

impl Document {
    /// A document of version `2012-10-17` of these statements.
    pub fn new(statements: Vec<Statement>) -> Self {
        Self { version: Version::V2012, id: None, statements, bare: false }
    }

    /// A resource control policy as it certainly binds a principal's requests: what it denies of resources of the
    /// principal's own account, and of those of which a request does not say whose they are, in services all of whose
    /// resources it binds. Resources of other accounts are bound by the policies that hold there; keys that AWS
    /// manages, and some actions of KMS, by none, so that of KMS nothing is taken away.
    ///
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>,
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/resource-control-policies.html>
    #[must_use]
    pub fn on_own_resources(mut self) -> Self {
        const BOUND: [&str; 4] = ["s3", "secretsmanager", "sqs", "sts"];
        for statement in self.statements.iter_mut().filter(|statement| statement.effect == Effect::Deny) {
            let mut bound = Vec::new();
            for item in &statement.actions.items {
                match item.value.split_once(':') {
                    Some((service, _)) if BOUND.iter().any(|own| own.eq_ignore_ascii_case(service)) => {
                        bound.push(item.clone());
                    }
                    None if item.value == "*" => {
                        bound.extend(BOUND.iter().map(|own| Text::new(format!("{own}:*"), item.source.clone())));
                    }
                    _ => {}
                }
            }
            // `NotAction` is none that AWS takes here.
            statement.actions.items = if statement.actions.not { Vec::new() } else { bound };
            let own = Text::new("${aws:PrincipalAccount}", statement.source.clone());
            let source = statement.source.clone();
            statement.conditions.push(Condition::new(
                "StringEqualsIfExists",
                "aws:ResourceAccount",
                vec![own],
                source,
            ));
        }
        self.statements.retain(|statement| !statement.actions.items.is_empty());
        self
    }

    /// Whether `${…}` in it is a policy variable.
    pub fn has_variables(&self) -> bool {
        self.version == Version::V2012
    }
}

impl Condition {
    /// A condition by IAM's whole name of its operator: `ForAllValues:StringLikeIfExists`.
    pub fn new(operator: &str, key: impl Into<SmolStr>, values: Vec<Text>, source: Source) -> Self {
        let (qualifier, rest) = match operator.split_once(':') {
            Some((word, rest)) if word.eq_ignore_ascii_case("ForAllValues") => (Some(Qualifier::All), rest),
            Some((word, rest)) if word.eq_ignore_ascii_case("ForAnyValue") => (Some(Qualifier::Any), rest),
            _ => (None, operator),
        };
        let plain = rest.len().checked_sub("IfExists".len()).and_then(|at| {
            let (head, tail) = (rest.get(..at)?, rest.get(at..)?);
            tail.eq_ignore_ascii_case("IfExists").then_some(head)
        });
        let (operator, if_exists) = plain.map_or((rest, false), |head| (head, true));
        Self { qualifier, operator: operator.into(), if_exists, key: key.into(), values, bare: false, source }
    }

    /// IAM's whole name of the operator.
    pub fn operator_name(&self) -> SmolStr {
        let qualifier = match self.qualifier {
            Some(Qualifier::All) => "ForAllValues:",
            Some(Qualifier::Any) => "ForAnyValue:",
            None => "",
        };
        smol_str::format_smolstr!("{qualifier}{}{}", self.operator, if self.if_exists { "IfExists" } else { "" })
    }
}

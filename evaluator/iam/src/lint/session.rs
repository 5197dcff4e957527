//! Conditions that no session of Identity Center meets. Owns how that is told; what a session carries is
//! [`crate::session`]'s.

use smol_str::{SmolStr, format_smolstr};

use super::{Found, Kind};
use crate::access::{ANYTHING, Fact};
use crate::condition::{Test, Truth};
use crate::domain::holds_of_all;
use crate::pattern::Lookup;
use crate::policy::{Condition, Document, Qualifier, Statement};
use crate::session::{self, Session};

/// Each condition that is false in every session: the key it asks for is never there, or never so.
pub(super) fn never(document: &Document, statement: &Statement, partition: &str, found: &mut Found<'_>) {
    let facts = Session { partition: Some(partition), ..Session::default() }.facts();
    for condition in &statement.conditions {
        let key = condition.key.to_ascii_lowercase();
        let Some(fact) = facts.get(&key) else { continue };
        if !is_false(document, condition, fact) {
            continue;
        }
        let (how, why) = match (fact, session::never(&key)) {
            (Fact::Absent, why) => ("is in no session of IAM Identity Center", why),
            _ if condition.operator.eq_ignore_ascii_case("null") => {
                ("is in every request of a session of IAM Identity Center", None)
            }
            (fact, _) => ("is never so in a session of IAM Identity Center", words(fact)),
        };
        let fact = format!("`{}` {how}, so this never holds", condition.key);
        found.add(Kind::NeverInSession, &condition.source, fact).help = why.map(Into::into);
    }
}

/// Whether a condition is false of all that a session may carry by its key.
fn is_false(document: &Document, condition: &Condition, fact: &Fact) -> bool {
    let unknown: &dyn Fn(&str) -> Lookup = &|_| Lookup::Unknown;
    let test = Test::read(condition, Some(unknown).filter(|_| document.has_variables()));
    let truth = match fact {
        Fact::Absent => return false_when_absent(condition),
        Fact::Is(values) => test.holds(values),
        Fact::Like(shape) => holds_of_all(&test, shape),
    };
    truth == Truth::No
}

/// What a session carries.
fn words(fact: &Fact) -> Option<SmolStr> {
    match fact {
        Fact::Absent => None,
        Fact::Is(values) => Some(format_smolstr!("it is `{}`", values.join("`, `"))),
        Fact::Like(shape) if shape == ANYTHING => None,
        Fact::Like(shape) if !shape.contains(['*', '$']) => {
            Some(format_smolstr!("it is `{}`", shape.replace('|', "` or `")))
        }
        // Of several forms the first names all parts.
        Fact::Like(shape) => {
            shape.split('|').next().map(|form| format_smolstr!("it is of the form `{}`", open(form)))
        }
    }
}

/// A form with the names of its open parts in capitals.
fn open(form: &str) -> String {
    let mut parts = form.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, after) = part.split_once('}').unwrap_or((part, ""));
        out.push_str(&name.to_ascii_uppercase());
        out.push_str(after);
    }
    out
}

/// Whether a condition is false when its key is absent.
pub(super) fn false_when_absent(condition: &Condition) -> bool {
    let operator = condition.operator.to_ascii_lowercase();
    if operator == "null" {
        return condition.values.iter().all(|value| !value.value.eq_ignore_ascii_case("true"));
    }
    !condition.if_exists
        && condition.qualifier != Some(Qualifier::All)
        && (condition.qualifier == Some(Qualifier::Any) || !negated(&operator))
}

/// Whether an operator (in lower case, without qualifier and `IfExists`) is a negated one.
pub(super) fn negated(operator: &str) -> bool {
    operator.contains("not")
}

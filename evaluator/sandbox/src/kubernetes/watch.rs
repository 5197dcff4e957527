//! Watches: what is asked for by selectors, and the changes since a revision. Owns how selectors are read; how a change
//! is written is [`super::http`]'s.

use super::kinds::Kind;
use super::store::{Kubernetes, text};
use crate::error::ApiError;
use crate::input::Input;
use serde_json::Value;

/// Which objects are asked for.
#[derive(Clone, Default)]
pub(super) struct Filter {
    labels: Vec<Term>,
    fields: Vec<Term>,
}

#[derive(Clone)]
enum Term {
    Is(String, String),
    IsNot(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Has(String),
    HasNot(String),
}

impl Filter {
    /// Reads `labelSelector` and `fieldSelector`.
    pub(super) fn of(input: Input<'_>) -> Result<Self, ApiError> {
        let read = |name: &str| terms(input.text(name)).ok_or_else(|| unreadable(name, input.text(name)));
        Ok(Self { labels: read("labels")?, fields: read("fields")? })
    }

    /// Does an object fit?
    pub(super) fn fits(&self, object: &Value) -> bool {
        let label = |key: &str| object["metadata"]["labels"][key].as_str().map(str::to_owned);
        // A field that is not there is empty, as the API server has it.
        let field = |key: &str| {
            let pointer = format!("/{}", key.replace('.', "/"));
            Some(text(object, &pointer).to_owned())
        };
        self.labels.iter().all(|term| term.holds(label)) && self.fields.iter().all(|term| term.holds(field))
    }
}

impl Term {
    fn holds(&self, value: impl Fn(&str) -> Option<String>) -> bool {
        match self {
            Self::Is(key, wanted) => value(key).as_ref() == Some(wanted),
            Self::IsNot(key, other) => value(key).as_ref() != Some(other),
            Self::In(key, all) => value(key).is_some_and(|found| all.contains(&found)),
            Self::NotIn(key, all) => value(key).is_none_or(|found| !all.contains(&found)),
            Self::Has(key) => value(key).is_some(),
            Self::HasNot(key) => value(key).is_none(),
        }
    }
}

/// Terms between commas; commas between brackets are of their term.
fn terms(text: &str) -> Option<Vec<Term>> {
    let mut depth = 0_i32;
    let parts = text.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|part| !part.is_empty()).map(term).collect()
}

fn term(text: &str) -> Option<Term> {
    let owned = |part: &str| part.trim().to_owned();
    for (word, is_in) in [(" notin ", false), (" in ", true)] {
        if let Some((key, list)) = text.split_once(word) {
            let list = list.trim().strip_prefix('(')?.strip_suffix(')')?;
            let list = list.split(',').map(owned).collect();
            return Some(if is_in { Term::In(owned(key), list) } else { Term::NotIn(owned(key), list) });
        }
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Some(Term::IsNot(owned(key), owned(value)));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Some(Term::Is(owned(key), owned(value)));
    }
    match text.strip_prefix('!') {
        Some(key) => Some(Term::HasNot(owned(key))),
        None if text.contains(' ') => None,
        None => Some(Term::Has(owned(text))),
    }
}

fn unreadable(name: &str, text: &str) -> ApiError {
    ApiError::new("BadRequest", 400, format!("unable to parse {name} {text:?}"))
}

/// What is watched.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) cluster: String,
    pub(super) kind: &'static Kind,
    /// The keys begin so.
    pub(super) head: String,
    pub(super) filter: Filter,
}

impl Watched {
    /// Changes after a revision, each by its name and the object; none when they are not kept any more.
    pub(super) fn since(&self, store: &Kubernetes, revision: u64) -> Option<Vec<(&'static str, Value)>> {
        let oldest = store.changes.first().map_or(u64::MAX, |(at, _)| *at);
        // Everything up to the first change that is kept was there before it.
        if revision + 1 < oldest && revision < store.revision && oldest > 1 && revision != 0 {
            return None;
        }
        let changes = store.changes.from(&(revision + 1)).map(|(_, change)| change);
        let mine = changes.filter(|change| change.cluster == self.cluster && change.key.starts_with(&self.head));
        let seen = mine.filter_map(|change| {
            let (now, before) = (self.filter.fits(&change.object), self.filter.fits(&change.before));
            // One that comes to fit is new to who watches, and one that ceases to is gone.
            let what = match (change.what.as_str(), now, before && !change.before.is_null()) {
                ("DELETED", _, true) | ("MODIFIED", false, true) => "DELETED",
                ("ADDED", true, _) | ("MODIFIED", true, false) => "ADDED",
                ("MODIFIED", true, true) => "MODIFIED",
                _ => return None,
            };
            Some((what, change.object.clone()))
        });
        Some(seen.collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_read_as_kubectl_writes_them() {
        let object = json!({
            "metadata": {"name": "web-1", "labels": {"app": "web", "tier": "a"}},
            "involvedObject": {"kind": "Pod"},
        });
        let fits = |labels: &str, fields: &str| {
            let input = json!({"labels": labels, "fields": fields});
            Filter::of(Input(&input)).unwrap().fits(&object)
        };
        for yes in ["", "app=web", "app==web,tier!=b", "tier in (a,b),app", "tier notin (b, c)", "!other"] {
            assert!(fits(yes, ""), "{yes}");
        }
        for no in ["app=proxy", "app!=web", "tier in (b,c)", "tier notin (a)", "other", "!app"] {
            assert!(!fits(no, ""), "{no}");
        }
        assert!(fits("", "metadata.name=web-1,involvedObject.kind=Pod"));
        assert!(!fits("", "metadata.name=web-2"));
        assert!(Filter::of(Input(&json!({"labels": "app in web"}))).is_err());
    }
}

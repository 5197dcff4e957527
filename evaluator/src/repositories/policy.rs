//! A repository's policy as text, in which cellc has its own statements among those of others. Owns where they stand and
//! how they are put in, replaced and taken out.
//!
//! `INVARIANT`: what is not ours keeps its very bytes, and its place. Ours are those whose `Sid` begins with [`OURS`].

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::limits;
use crate::plan::canonical;

/// How the names of our statements begin.
pub const OURS: &str = "cellc";

/// A text with our statements as they are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It says so already.
    Same,
    /// This is to be written.
    Write(String),
    /// No statement is left: the policy is to be deleted, since there is none without a statement.
    Delete,
}

/// Why a text cannot be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It does not read as a policy.
    Unreadable(String),
    /// It would have more characters than AWS takes.
    TooLong {
        /// So many.
        size: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(f, "the policy that is there cannot be read: {why}"),
            Self::TooLong { size } => {
                let most = limits::REPOSITORY_POLICY.most;
                write!(f, "the policy would have {size} characters; AWS takes {most}")
            }
        }
    }
}

#[derive(Deserialize)]
struct Policy<'a> {
    #[serde(rename = "Statement", borrow)]
    statement: &'a RawValue,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "Sid", default)]
    sid: Option<String>,
}

/// A statement where it stands.
struct Standing {
    at: Range<usize>,
    /// Its name, of one of ours.
    ours: Option<String>,
}

/// The statements of a text.
struct Statements {
    /// Where the value of `Statement` stands.
    all: Range<usize>,
    /// Is it a list? One statement may stand alone.
    list: bool,
    each: Vec<Standing>,
}

fn unreadable(error: impl fmt::Display) -> Refused {
    Refused::Unreadable(error.to_string())
}

/// Where a part of a text stands in it.
fn place(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}

impl Statements {
    fn of(text: &str) -> Result<Self, Refused> {
        let policy: Policy<'_> = serde_json::from_str(text).map_err(unreadable)?;
        let whole = policy.statement.get();
        let list = whole.starts_with('[');
        let parts: Vec<&RawValue> =
            if list { serde_json::from_str(whole).map_err(unreadable)? } else { vec![policy.statement] };
        let one = |part: &&RawValue| {
            let named: Named = serde_json::from_str(part.get()).map_err(unreadable)?;
            Ok(Standing { at: place(text, part.get()), ours: named.sid.filter(|sid| sid.starts_with(OURS)) })
        };
        Ok(Self { all: place(text, whole), list, each: parts.iter().map(one).collect::<Result<_, Refused>>()? })
    }
}

fn part<'a>(text: &'a str, at: &Range<usize>) -> &'a str {
    text.get(at.clone()).unwrap_or_default()
}

/// Our statements in a text, by name. Of two of one name the first counts.
///
/// # Errors
/// [`Refused::Unreadable`]
pub fn ours(text: &str) -> Result<BTreeMap<String, Json>, Refused> {
    let mut all = BTreeMap::new();
    for one in Statements::of(text)?.each {
        if let Some(sid) = one.ours {
            let statement = serde_json::from_str(part(text, &one.at)).map_err(unreadable)?;
            all.entry(sid).or_insert(statement);
        }
    }
    Ok(all)
}

/// Does a statement say the same as another? A single value is a list of one, and lists have no order.
pub fn same(one: &Json, other: &Json) -> bool {
    form(one) == form(other)
}

/// A statement in one form, so that two that say the same are the same.
pub fn form(statement: &Json) -> Json {
    let whole = canonical::canonical(&serde_json::json!({ "Statement": [statement] }));
    let mut statement = whole.pointer("/Statement/0").cloned().unwrap_or_default();
    if let Some(Json::Object(principals)) = statement.get_mut("Principal") {
        for value in principals.values_mut() {
            let mut all = match value.take() {
                Json::Array(items) => items,
                one => vec![one],
            };
            all.sort_by_key(Json::to_string);
            all.dedup();
            *value = Json::Array(all);
        }
    }
    statement
}

/// Our statements as a document, in the form in which they are compared.
pub fn document<'a>(statements: impl IntoIterator<Item = &'a Json>) -> Json {
    serde_json::json!({ "Statement": statements.into_iter().map(form).collect::<Vec<_>>() })
}

/// A text with these statements of ours, by name, and no others of ours; none when there is no policy. One that says the
/// same already keeps its bytes and its place; one that changes keeps its place; a new one stands last.
///
/// # Errors
/// [`Refused`]
pub fn edited(text: Option<&str>, wanted: &BTreeMap<String, Json>) -> Result<Edited, Refused> {
    let Some(text) = text else {
        if wanted.is_empty() {
            return Ok(Edited::Same);
        }
        let all: Vec<String> = wanted.values().map(Json::to_string).collect();
        return fitting(format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(",")));
    };
    let statements = Statements::of(text)?;
    let mut left = wanted.clone();
    let mut kept: Vec<Keep> = Vec::new();
    for one in &statements.each {
        kept.push(match &one.ours {
            None => Keep::AsItIs,
            Some(sid) => match left.remove(sid) {
                None => Keep::Gone,
                Some(statement) => {
                    let is: Json = serde_json::from_str(part(text, &one.at)).map_err(unreadable)?;
                    if same(&is, &statement) { Keep::AsItIs } else { Keep::Becomes(statement.to_string()) }
                }
            },
        });
    }
    let added: Vec<String> = left.values().map(Json::to_string).collect();
    if added.is_empty() && kept.iter().all(|one| matches!(one, Keep::AsItIs)) {
        return Ok(Edited::Same);
    }
    if added.is_empty() && kept.iter().all(|one| matches!(one, Keep::Gone)) {
        return Ok(Edited::Delete);
    }
    fitting(written(text, &statements, &kept, &added))
}

/// What becomes of a statement.
enum Keep {
    AsItIs,
    Becomes(String),
    Gone,
}

/// The text anew. What stands between two statements goes with the one that is taken out after it, or, of the first one,
/// before it.
fn written(text: &str, statements: &Statements, kept: &[Keep], added: &[String]) -> String {
    let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut out = between(0, statements.all.start).to_owned();
    // After the bracket, where there is one, up to the first statement.
    let first = statements.each.first().map_or(statements.all.end - 1, |one| one.at.start);
    out.push_str(if statements.list { between(statements.all.start, first) } else { "[" });
    let mut end: Option<usize> = None;
    for (one, keep) in statements.each.iter().zip(kept) {
        let said = match keep {
            Keep::Gone => continue,
            Keep::AsItIs => part(text, &one.at),
            Keep::Becomes(statement) => statement,
        };
        if let Some(end) = end {
            // Several may be gone in between: the space before this one is its own.
            let before = statements.each.iter().rev().find(|other| other.at.end <= one.at.start);
            out.push_str(between(before.map_or(end, |other| other.at.end), one.at.start));
        }
        out.push_str(said);
        end = Some(one.at.end);
    }
    for (at, statement) in added.iter().enumerate() {
        if at > 0 || end.is_some() {
            out.push(',');
        }
        out.push_str(statement);
    }
    let last = statements.each.last().map_or(first, |one| one.at.end);
    out.push_str(if statements.list { between(last, statements.all.end) } else { "]" });
    out.push_str(between(statements.all.end, text.len()));
    out
}

fn fitting(text: String) -> Result<Edited, Refused> {
    match text.chars().count() {
        size if size > limits::REPOSITORY_POLICY.most => Err(Refused::TooLong { size }),
        _ => Ok(Edited::Write(text)),
    }
}

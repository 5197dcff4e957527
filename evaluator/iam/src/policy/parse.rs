//! A policy document from JSON text, with the place of each part. Owns the grammar of policies and the bounds on a
//! document; it must never panic, whatever the text.

use std::sync::Arc;

use foldhash::HashSet;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use smol_str::SmolStr;
use thiserror::Error;

use super::{Condition, Document, Effect, Elements, Form, Principals, Source, Statement, Text, Version};

/// The longest text that is read. AWS's largest policies have 130 KB.
pub const MAX_BYTES: usize = 1 << 20;

/// Why a text is no policy document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Fault {
    /// Where.
    pub at: Source,
    /// What is wrong, as a sentence without its stop.
    pub message: String,
}

/// Reads a policy document.
///
/// # Errors
/// When the text is no JSON, is longer than [`MAX_BYTES`], has a field twice, or a field that no policy has: with the
/// place.
pub fn parse(text: &str, origin: &Arc<str>) -> Result<Document, Fault> {
    let reader = Reader { text, origin };
    if text.len() > MAX_BYTES {
        return Err(reader.fault_at(0, 0, format!("the document is longer than {MAX_BYTES} bytes")));
    }
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        let at = offset_of(text, error.line(), error.column());
        reader.fault_at(at, at, format!("this is no JSON: {error}"))
    })?;
    reader.document(root)
}

/// The byte that serde_json's line and column (both from 1) stand for.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    (start + column.saturating_sub(1)).min(text.len())
}

/// An object as it stands: names may repeat, and are checked.
struct Fields<'t>(Vec<(SmolStr, &'t RawValue)>);

impl<'t> Deserialize<'t> for Fields<'t> {
    fn deserialize<D: Deserializer<'t>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'t> Visitor<'t> for Each {
            type Value = Fields<'t>;

            fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Fields<'t>, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry::<SmolStr, &'t RawValue>()? {
                    all.push(entry);
                }
                Ok(Fields(all))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

struct Reader<'t> {
    text: &'t str,
    origin: &'t Arc<str>,
}

impl<'t> Reader<'t> {
    fn source(&self, start: usize, end: usize) -> Source {
        // The length is checked against `MAX_BYTES` first.
        Source::new(self.origin, start as u32, end as u32)
    }

    fn place(&self, raw: &RawValue) -> Source {
        let start = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.source(start, start + raw.get().len())
    }

    fn fault_at(&self, start: usize, end: usize, message: String) -> Fault {
        Fault { at: self.source(start, end), message }
    }

    fn fault(&self, raw: &RawValue, message: impl Into<String>) -> Fault {
        Fault { at: self.place(raw), message: message.into() }
    }

    fn fields(&self, raw: &'t RawValue, what: &str) -> Result<Vec<(SmolStr, &'t RawValue)>, Fault> {
        let Ok(Fields(all)) = serde_json::from_str(raw.get()) else {
            return Err(self.fault(raw, format!("{what} is an object")));
        };
        let mut seen: HashSet<&str> = HashSet::default();
        match all.iter().find(|(name, _)| !seen.insert(name)) {
            Some((name, again)) => Err(self.fault(again, format!("`{name}` stands twice in {what}"))),
            None => Ok(all),
        }
    }

    fn string(&self, raw: &RawValue, what: &str) -> Result<SmolStr, Fault> {
        serde_json::from_str(raw.get()).map_err(|_| self.fault(raw, format!("{what} is a string")))
    }

    fn document(&self, raw: &'t RawValue) -> Result<Document, Fault> {
        let mut document = Document { version: Version::Absent, id: None, statements: Vec::new(), bare: false };
        let mut found = false;
        for (name, value) in self.fields(raw, "a policy document")? {
            match name.as_str() {
                "Version" => document.version = self.version(value)?,
                "Id" => document.id = Some(self.string(value, "`Id`")?),
                "Statement" => {
                    found = true;
                    (document.statements, document.bare) = self.statements(value)?;
                }
                _ => return Err(self.fault(value, format!("a policy document has no field `{name}`"))),
            }
        }
        if found { Ok(document) } else { Err(self.fault(raw, "a policy document has a `Statement`")) }
    }

    fn version(&self, raw: &RawValue) -> Result<Version, Fault> {
        match self.string(raw, "`Version`")?.as_str() {
            "2012-10-17" => Ok(Version::V2012),
            "2008-10-17" => Ok(Version::V2008),
            _ => Err(self.fault(raw, "`Version` is `2012-10-17` or `2008-10-17`")),
        }
    }

    fn statements(&self, raw: &'t RawValue) -> Result<(Vec<Statement>, bool), Fault> {
        let (all, bare) = several(raw);
        Ok((all.into_iter().map(|one| self.statement(one)).collect::<Result<_, _>>()?, bare))
    }

    fn statement(&self, raw: &'t RawValue) -> Result<Statement, Fault> {
        let (mut sid, mut effect, mut principal, mut actions, mut resources) = (None, None, None, None, None);
        let mut conditions = Vec::new();
        for (name, value) in self.fields(raw, "a statement")? {
            let twice = || self.fault(value, format!("`{name}` stands beside its opposite"));
            match name.as_str() {
                "Sid" => sid = Some(self.string(value, "`Sid`")?),
                "Effect" => effect = Some(self.effect(value)?),
                "Principal" | "NotPrincipal" => {
                    let one = self.principals(value, name == "NotPrincipal")?;
                    principal.replace(one).map_or(Ok(()), |_| Err(twice()))?;
                }
                "Action" | "NotAction" => {
                    let one = self.elements(value, name == "NotAction", &name)?;
                    actions.replace(one).map_or(Ok(()), |_| Err(twice()))?;
                }
                "Resource" | "NotResource" => {
                    let one = self.elements(value, name == "NotResource", &name)?;
                    resources.replace(one).map_or(Ok(()), |_| Err(twice()))?;
                }
                "Condition" => conditions = self.conditions(value)?,
                _ => return Err(self.fault(value, format!("a statement has no field `{name}`"))),
            }
        }
        let effect = effect.ok_or_else(|| self.fault(raw, "a statement has an `Effect`"))?;
        let actions = actions.ok_or_else(|| self.fault(raw, "a statement has an `Action` or a `NotAction`"))?;
        if resources.is_none() && principal.is_none() {
            return Err(self.fault(raw, "a statement has a `Resource` or a `NotResource`"));
        }
        Ok(Statement { sid, effect, principal, actions, resources, conditions, source: self.place(raw) })
    }

    fn effect(&self, raw: &RawValue) -> Result<Effect, Fault> {
        match self.string(raw, "`Effect`")?.as_str() {
            "Allow" => Ok(Effect::Allow),
            "Deny" => Ok(Effect::Deny),
            _ => Err(self.fault(raw, "`Effect` is `Allow` or `Deny`")),
        }
    }

    fn elements(&self, raw: &'t RawValue, not: bool, what: &str) -> Result<Elements, Fault> {
        let (all, bare) = several(raw);
        let item = |raw: &&'t RawValue| {
            let value = self.string(raw, &format!("`{what}`"))?;
            Ok(Text { value, form: Form::String, source: self.place(raw) })
        };
        Ok(Elements { not, items: all.iter().map(item).collect::<Result<_, _>>()?, bare })
    }

    fn principals(&self, raw: &'t RawValue, not: bool) -> Result<Principals, Fault> {
        let source = self.place(raw);
        if let Ok(star) = self.string(raw, "") {
            return match star.as_str() {
                "*" => Ok(Principals { not, by_kind: Vec::new(), source }),
                _ => Err(self.fault(raw, "a principal is `*`, or an object by kind")),
            };
        }
        let fields = self.fields(raw, "a principal")?;
        if fields.is_empty() {
            return Err(self.fault(raw, "a principal names somebody"));
        }
        let kind = |(kind, raw)| self.elements(raw, false, "Principal").map(|all| (kind, all));
        Ok(Principals { not, by_kind: fields.into_iter().map(kind).collect::<Result<_, _>>()?, source })
    }

    fn conditions(&self, raw: &'t RawValue) -> Result<Vec<Condition>, Fault> {
        let mut out = Vec::new();
        for (operator, keys) in self.fields(raw, "`Condition`")? {
            let by_key = self.fields(keys, "an operator's conditions")?;
            if by_key.is_empty() {
                return Err(self.fault(keys, format!("`{operator}` has no key")));
            }
            for (key, values) in by_key {
                let (all, bare) = several(values);
                let values_read = all.iter().map(|raw| self.value(raw)).collect::<Result<_, _>>()?;
                let mut condition = Condition::new(&operator, key, values_read, self.place(values));
                condition.bare = bare;
                if condition.operator_name() != operator {
                    return Err(self.fault(keys, format!("`{operator}` is written `{}`", condition.operator_name())));
                }
                out.push(condition);
            }
        }
        Ok(out)
    }

    fn value(&self, raw: &RawValue) -> Result<Text, Fault> {
        let source = self.place(raw);
        match raw.get().as_bytes().first() {
            Some(b'"') => Ok(Text { value: self.string(raw, "a value")?, form: Form::String, source }),
            Some(b'{' | b'[' | b'n') | None => Err(self.fault(raw, "a value is a string, a number or a boolean")),
            _ => Ok(Text { value: raw.get().into(), form: Form::Bare, source }),
        }
    }
}

/// The items of a list, or the one value that stands without a list around it.
fn several(raw: &RawValue) -> (Vec<&RawValue>, bool) {
    match serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        Ok(all) => (all, false),
        Err(_) => (vec![raw], true),
    }
}

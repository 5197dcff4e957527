//! An explanation as data, as text and as JSON. Owns how it is written; what it says is its maker's.

use cell_lang::source::Span;
use serde_json::{Map, json};
use smol_str::SmolStr;

use crate::emit::text::printed;
use crate::emit::to_json;
use crate::value::Value;
use crate::world::World;

/// Characters of a value that the text shows.
const WIDTH: usize = 90;

/// What was asked for, what it is, and why.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The address.
    pub address: SmolStr,
    /// The field, if one was asked for.
    pub field: Option<SmolStr>,
    /// Its value; none when it is absent, or when no field was asked for.
    pub value: Option<Value>,
    /// Why it is so.
    pub because: Vec<Reason>,
}

/// One step back.
#[derive(Debug, Clone, Default)]
pub struct Reason {
    /// What it is about: a name of the program; may be empty.
    pub name: SmolStr,
    /// What is to be said.
    pub text: String,
    /// What the name stands for.
    pub value: Option<Value>,
    /// The place.
    pub at: Option<Span>,
    /// Is the text under the place worth showing?
    pub shown: bool,
    /// Why that is so.
    pub because: Vec<Reason>,
}

impl Reason {
    /// One without a place.
    pub(super) fn said(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// One with a place.
    pub(super) fn at(text: impl Into<String>, at: Span) -> Self {
        Self { text: text.into(), at: Some(at), ..Self::default() }
    }

    /// With the text at its place.
    pub(super) fn with_source(mut self) -> Self {
        self.shown = true;
        self
    }

    /// About this name, which stands for this value.
    pub(super) fn of(mut self, name: impl Into<SmolStr>, value: Option<Value>) -> Self {
        (self.name, self.value) = (name.into(), value);
        self
    }

    /// For these reasons.
    pub(super) fn because(mut self, because: Vec<Reason>) -> Self {
        self.because = because;
        self
    }
}

impl Explanation {
    /// As an indented tree.
    pub fn text(&self, world: &World<'_>) -> String {
        let mut out = match &self.field {
            None => self.address.to_string(),
            Some(field) => format!("{}.{field}", self.address),
        };
        match (&self.value, &self.field) {
            (Some(value), _) => out.push_str(&format!(" = {}", printed(world, value, WIDTH))),
            (None, Some(_)) => out.push_str(" is absent"),
            (None, None) => {}
        }
        out.push('\n');
        self.because.iter().for_each(|reason| reason.write(world, 1, &mut out));
        out
    }

    /// As JSON: `{format_version, address, field, value, because: [{name, value, text, at, source, because}]}`.
    pub fn json(&self, world: &World<'_>) -> serde_json::Value {
        let mut map = Map::new();
        map.insert("format_version".to_owned(), json!(crate::emit::FORMAT_VERSION));
        map.insert("address".to_owned(), json!(self.address.as_str()));
        if let Some(field) = &self.field {
            map.insert("field".to_owned(), json!(field.as_str()));
        }
        if let Some(value) = &self.value {
            map.insert("value".to_owned(), to_json(world, value));
        }
        map.insert("because".to_owned(), self.because.iter().map(|reason| reason.json(world)).collect());
        serde_json::Value::Object(map)
    }
}

impl Reason {
    fn write(&self, world: &World<'_>, depth: usize, out: &mut String) {
        let mut parts = String::new();
        if !self.name.is_empty() {
            parts.push_str(&self.name);
            if let Some(value) = &self.value {
                parts.push_str(&format!(" = {}", printed(world, value, WIDTH)));
            }
        }
        if !self.text.is_empty() {
            parts.push_str(if parts.is_empty() { "" } else { ": " });
            parts.push_str(&self.text);
        }
        if let Some(at) = self.at {
            parts.push_str(&format!(" ({})", world.program().sources.place(at)));
        }
        if let Some(source) = self.source(world) {
            parts.push_str(&format!(": {source}"));
        }
        out.push_str(&"  ".repeat(depth));
        out.push_str(&parts);
        out.push('\n');
        self.because.iter().for_each(|reason| reason.write(world, depth + 1, out));
    }

    /// The text at the place, on one line; none when it is long.
    fn source(&self, world: &World<'_>) -> Option<String> {
        let text = world.program().sources.text(self.at.filter(|_| self.shown)?);
        let words: Vec<&str> = text.split_whitespace().collect();
        let line = words.join(" ");
        let head: String = line.chars().take(WIDTH).collect();
        Some(if head.len() < line.len() { format!("{head}…") } else { line })
    }

    fn json(&self, world: &World<'_>) -> serde_json::Value {
        let mut map = Map::new();
        if !self.name.is_empty() {
            map.insert("name".to_owned(), json!(self.name.as_str()));
        }
        if let Some(value) = &self.value {
            map.insert("value".to_owned(), to_json(world, value));
        }
        if !self.text.is_empty() {
            map.insert("text".to_owned(), json!(self.text));
        }
        if let Some(at) = self.at {
            let sources = &world.program().sources;
            let (start, end) = sources.range(at);
            map.insert("at".to_owned(), json!({ "file": sources.path(at.file), "start": start, "end": end }));
        }
        if let Some(source) = self.source(world) {
            map.insert("source".to_owned(), json!(source));
        }
        if !self.because.is_empty() {
            map.insert("because".to_owned(), self.because.iter().map(|reason| reason.json(world)).collect());
        }
        serde_json::Value::Object(map)
    }
}

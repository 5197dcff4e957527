//! Documents that a program reads from files: where their statements stand. Owns the way from a statement of such a
//! document, however it was written out since, to the line of the file.

use std::sync::Arc;

use cell_iam::policy;
use cell_lang::hir::{BuiltinFn, FieldValue, Node};
use cell_lang::value::Lit;

use super::model::Place;
use crate::emit;
use crate::resources::policy::parse;
use crate::rules::read::Read as _;
use crate::value::EntityId;
use crate::world::World;

/// A statement of a document in a file.
#[derive(Debug, Clone)]
struct Written {
    sid: Option<String>,
    /// Where it begins in the document as it is sent to AWS.
    start: u32,
    place: Place,
}

/// The statements of a document in a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Document(Vec<Written>);

impl Document {
    /// The document of an entity whose `file` is read by `file("…")`; none where it is computed.
    pub(super) fn of(world: &World<'_>, id: EntityId) -> Option<Self> {
        let setting = world.setting(id, "file")?;
        let FieldValue::Value(expr) = &*setting.value else { return None };
        let Node::Builtin(BuiltinFn::File, arguments) = &expr.node else { return None };
        let Some(Node::Lit(Lit::Str(path))) = arguments.first().map(|argument| &argument.node) else { return None };
        let text = world.text(id, "file")?;
        let sent = emit::to_json(world, &parse(text).ok()?).to_string();
        let origin = Arc::from(path.as_str());
        let (here, sent) = (policy::parse(text, &origin).ok()?, policy::parse(&sent, &origin).ok()?);
        let pairs = here.statements.iter().zip(&sent.statements);
        let written = pairs.map(|(here, sent)| Written {
            sid: here.sid.as_ref().map(ToString::to_string),
            start: sent.source.start,
            place: at(path, text, here.source.start as usize, world.address(id)),
        });
        Some(Self(written.collect()))
    }

    /// Where a statement stands: by its `Sid`, else by where it begins in the document.
    pub(super) fn find(&self, sid: Option<&str>, start: u32) -> Option<&Place> {
        let own: Vec<&Written> = self.0.iter().filter(|one| sid.is_some() && one.sid.as_deref() == sid).collect();
        let found = match own.as_slice() {
            [one] => Some(*one),
            _ => self.0.iter().find(|one| one.start == start),
        };
        found.map(|one| &one.place)
    }
}

/// The line and column of a byte of a text.
pub(super) fn at(file: &str, text: &str, byte: usize, entity: &str) -> Place {
    let before = text.get(..byte).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    Place {
        entity: entity.to_owned(),
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
    }
}

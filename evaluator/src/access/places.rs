//! Where the statements of a program stand. Owns the way from a policy and its `Sid` back to the source.

use std::collections::BTreeMap;

use cell_lang::schema::Kind;
use cell_lang::source::Span;

use super::documents::Document;
use super::model::Place;
use crate::resources::policy::{sid, statements};
use crate::rules::fleet::sound;
use crate::value::Value;
use crate::world::World;

/// Where statements stand, by the address of what they belong to and their `Sid`.
#[derive(Debug, Clone, Default)]
pub struct Places {
    statements: BTreeMap<(String, String), Place>,
    conditions: BTreeMap<(String, String, String), Place>,
    entities: BTreeMap<String, Place>,
    documents: BTreeMap<String, Document>,
}

impl Places {
    /// Of a program's permission sets and service control policies.
    pub fn new(world: &World<'_>) -> Self {
        let mut places = Self::default();
        for kind in [Kind::PermissionSet, Kind::Scp] {
            for id in sound(world, kind) {
                let address = world.address(id).to_owned();
                for (_, block) in statements(world, id) {
                    let sid = sid(block.title()).to_string();
                    if let Some(Value::Conditions(all)) = block.get("when") {
                        for condition in all.iter() {
                            let key = (address.clone(), sid.clone(), condition.key.to_ascii_lowercase());
                            places.conditions.insert(key, place(world, &address, condition.span));
                        }
                    }
                    let key = (address.clone(), sid);
                    places.statements.insert(key, place(world, &address, world.head(block)));
                }
                places.documents.extend(Document::of(world, id).map(|document| (address.clone(), document)));
                let label = place(world, &address, world.label_span(id));
                places.entities.insert(address, label);
            }
        }
        places
    }

    /// Where a condition of a statement stands.
    pub fn condition(&self, policy: &str, sid: &str, key: &str) -> Option<Place> {
        self.conditions.get(&(policy.to_owned(), sid.to_owned(), key.to_ascii_lowercase())).cloned()
    }

    /// The place of a statement that is written by itself, in the program or in a file that it reads. `start` is where
    /// it begins in the policy's document.
    pub fn statement(&self, policy: &str, sid: Option<&str>, start: u32) -> Option<Place> {
        let own = sid.and_then(|sid| self.statements.get(&(policy.to_owned(), sid.to_owned()))).cloned();
        own.or_else(|| self.in_file(policy, sid, start))
    }

    /// The place of a statement in a file that the program reads.
    pub fn in_file(&self, policy: &str, sid: Option<&str>, start: u32) -> Option<Place> {
        self.documents.get(policy)?.find(sid, start).cloned()
    }

    /// The statement's place; else the policy's; none of a policy that the program does not write.
    pub fn find(&self, policy: &str, sid: Option<&str>) -> Option<Place> {
        let statement = sid.and_then(|sid| self.statements.get(&(policy.to_owned(), sid.to_owned())));
        statement.or_else(|| self.entities.get(policy)).cloned()
    }
}

/// A place for people.
pub(super) fn place(world: &World<'_>, entity: &str, span: Span) -> Place {
    let sources = &world.program().sources;
    let start = sources.range(span).0;
    Place {
        entity: entity.to_owned(),
        file: sources.path(span.file).to_owned(),
        line: start.line as usize,
        column: start.column as usize,
    }
}

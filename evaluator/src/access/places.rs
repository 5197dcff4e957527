//! Where the statements of a program stand. Owns the way from a policy and its `Sid` back to the source.

use std::collections::BTreeMap;

use cell_lang::schema::Kind;
use cell_lang::source::Span;

use super::model::Place;
use crate::resources::policy::{sid, statements};
use crate::rules::fleet::sound;
use crate::world::World;

/// Where statements stand, by the address of what they belong to and their `Sid`.
#[derive(Debug, Clone, Default)]
pub struct Places {
    statements: BTreeMap<(String, String), Place>,
    entities: BTreeMap<String, Place>,
}

impl Places {
    /// Of a program's permission sets and service control policies.
    pub fn new(world: &World<'_>) -> Self {
        let mut places = Self::default();
        for kind in [Kind::PermissionSet, Kind::Scp] {
            for id in sound(world, kind) {
                let address = world.address(id).to_owned();
                for (_, block) in statements(world, id) {
                    let key = (address.clone(), sid(block.title()).to_string());
                    places.statements.insert(key, place(world, &address, world.head(block)));
                }
                let label = place(world, &address, world.label_span(id));
                places.entities.insert(address, label);
            }
        }
        places
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

//! What tests are answered when they ask about the whole program. Owns the answers, one function a question; which
//! questions there are is the checker's, and the facts are the rules'.

use std::sync::OnceLock;

use cell_lang::hir::BuiltinFn;

use crate::access::pins::Pins;
use crate::access::questions::{Questions, void};
use crate::expand::{Answers, Unanswered};
use crate::rules::fleet::Fleet;
use crate::value::{EntityId, Value};
use crate::world::World;

/// What is known of a program that was expanded without errors. What no test asks for is not looked into.
pub(super) struct Known<'w, 'p> {
    world: &'w World<'p>,
    pins: &'w Pins,
    fleet: OnceLock<Fleet>,
    access: OnceLock<Result<Questions<'w>, String>>,
}

impl<'w, 'p> Known<'w, 'p> {
    pub(super) fn new(world: &'w World<'p>, pins: &'w Pins) -> Self {
        Self { world, pins, fleet: OnceLock::new(), access: OnceLock::new() }
    }

    fn fleet(&self) -> &Fleet {
        self.fleet.get_or_init(|| Fleet::new(self.world))
    }

    /// Whether somebody can do something somewhere.
    fn can(&self, who: EntityId, action: &str, place: EntityId, resource: &str) -> Result<Value, Unanswered> {
        let read = || Questions::new(self.world, self.pins).map_err(|why| why.to_string());
        let questions = self.access.get_or_init(read).as_ref();
        let questions = questions.map_err(|why| Unanswered::Unreadable(why.clone()))?;
        if let Some((fact, help)) = void(action, resource) {
            return Err(Unanswered::Void(fact, help));
        }
        let (who, place) = (self.world.address(who), self.world.address(place));
        Ok(Value::Bool(questions.can(who, place, action, resource)))
    }

    /// The label of the wave that brings the cell a release.
    fn wave_of(&self, cell: EntityId, rollout: EntityId) -> Option<Value> {
        let wave = self.fleet().rollout(rollout)?.wave_of(cell);
        Some(wave.map_or(Value::None, |wave| Value::Str(wave.label().into())))
    }
}

impl Answers for Known<'_, '_> {
    fn answer(&self, question: BuiltinFn, arguments: &[Value]) -> Result<Value, Unanswered> {
        match (question, arguments) {
            (BuiltinFn::Can, [Value::Ref(who), Value::Str(action), Value::Ref(place)]) => {
                self.can(*who, action, *place, "*")
            }
            (BuiltinFn::Can, [Value::Ref(who), Value::Str(action), Value::Ref(place), Value::Str(resource)]) => {
                self.can(*who, action, *place, resource)
            }
            (BuiltinFn::WaveOf, [Value::Ref(cell), Value::Ref(rollout)]) => {
                self.wave_of(*cell, *rollout).ok_or(Unanswered::Malformed)
            }
            _ => Err(Unanswered::Malformed),
        }
    }
}

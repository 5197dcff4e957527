//! Looks at computed values: is it what its type says? Owns the words of E0405; the rules themselves are the
//! types'.

use std::sync::Arc;

use cell_lang::diagnostics::{self, Code, Diagnostic};
use cell_lang::source::Span;
use cell_lang::types::{Ty, UserTy};
use cell_lang::value::Lit;
use foldhash::fast::RandomState;
use smol_str::SmolStr;

use super::machine::{Machine, Origin, Outcome, Stop};
use super::show;
use crate::value::{Map, RecordValue, Value};
use crate::world::World;

impl Machine<'_, '_> {
    /// The value as one of the type: the same, but a list where a set is wanted becomes one.
    pub(super) fn conform(&mut self, value: Value, ty: &Ty, span: Span) -> Outcome {
        match (ty, &value) {
            (Ty::Optional(_), Value::None) => Ok(value),
            (Ty::Optional(inner) | Ty::Later(inner), _) => self.conform(value, inner, span),
            // It is looked at by the cloud that makes it.
            (_, Value::Later(_)) => Ok(value),
            (Ty::Builtin(builtin), _) => match value.to_lit().map_or(Ok(()), |lit| builtin.check(&lit)) {
                Ok(()) => Ok(value),
                Err(why) => Err(self.refuse(why, builtin.name(), span)),
            },
            (Ty::User(user), _) => self.conform_user(value, user, span),
            (Ty::Enum(values), _) => self.conform_enum(value, values, span),
            (Ty::Set(_), _) => self.as_set(&value, span),
            _ if !is_looked_into(ty) => Ok(value),
            (Ty::List(inner), _) => {
                let mut items = Vec::new();
                for item in value.items() {
                    self.charge(1, span)?;
                    items.push(self.conform(item, inner, span)?);
                }
                Ok(Value::List(items.into()))
            }
            (Ty::Map(both), Value::Map(map)) => {
                let mut out = Map::with_capacity_and_hasher(map.len(), RandomState::default());
                for (key, item) in &**map {
                    self.charge(1, span)?;
                    let key = self.conform(key.clone(), &both.0, span)?;
                    out.insert(key, self.conform(item.clone(), &both.1, span)?);
                }
                Ok(Value::Map(Arc::new(out)))
            }
            (Ty::Record(record), Value::Record(given)) => {
                let mut values = Vec::with_capacity(given.values.len());
                for (field, item) in record.fields.iter().zip(&given.values) {
                    values.push(self.conform(item.clone(), &field.ty, span)?);
                }
                Ok(Value::Record(Arc::new(RecordValue { names: given.names.clone(), values })))
            }
            _ => Err(self.broken(span)),
        }
    }

    fn refuse(&self, why: String, name: &str, span: Span) -> Stop {
        self.fail(Diagnostic::new(Code::RefusedValue, span, why).here(format!("this is to be of type {name}")))
    }

    fn conform_enum(&mut self, value: Value, values: &[SmolStr], span: Span) -> Outcome {
        let Some(text) = value.as_str() else { return Err(self.broken(span)) };
        if values.iter().any(|one| one == text) {
            return Ok(value);
        }
        let shown = show::value(self.world, &value);
        let help = diagnostics::suggest(text, "values", values.iter().map(SmolStr::as_str));
        let all = Ty::Enum(values.into());
        let finding =
            Diagnostic::new(Code::RefusedValue, span, format!("{shown} is none of the values expected here"));
        Err(self.fail(finding.here(format!("this is to be of type {all}")).help_if(help)))
    }

    fn conform_user(&mut self, value: Value, user: &Arc<UserTy>, span: Span) -> Outcome {
        let value = self.conform(value, &user.base, span)?;
        let shown = |machine: &Self| show::value(machine.world, &value);
        if let (Some((regex, pattern)), Some(text)) = (&user.matching, value.as_str()) {
            self.charge_text(text.len(), span)?;
            let whole = regex.find(text).is_some_and(|found| found.len() == text.len());
            if !whole {
                let message = format!("{} does not match /{pattern}/", shown(self));
                return Err(self.refuse_user(message, user, span));
            }
        }
        if user.has_check && !self.check_holds(&value, user, span)? {
            let message = format!("{} fails the check of type {}", shown(self), user.name);
            return Err(self.refuse_user(message, user, span));
        }
        Ok(value)
    }

    fn refuse_user(&self, message: String, user: &UserTy, span: Span) -> Stop {
        let finding = Diagnostic::new(Code::RefusedValue, span, message);
        let here = format!("this is to be of type {}", user.name);
        self.fail(finding.here(here).also(user.span, "the type is declared here"))
    }

    fn check_holds(&mut self, value: &Value, user: &UserTy, span: Span) -> Outcome<bool> {
        let check = self.world.program.types.get(user.id as usize).and_then(|ty| ty.check.as_ref());
        let Some(check) = check else { return Ok(true) };
        let home = self.home_of(user.span);
        let at = self.locals.len();
        self.enter_call(span)?;
        self.locals.extend([Value::None, value.clone()]);
        let result = self.within(home, |machine| machine.apply(check, 1, at));
        self.locals.truncate(at);
        self.leave_call();
        match result? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(self.broken(span)),
        }
    }
}

/// Runs the check that a literal of the program still has to pass.
pub(super) fn literal(world: &World<'_>, (lit, user, span): &(Lit, Arc<UserTy>, Span)) {
    let unit = world.units_by_file.get(&span.file).and_then(|unit| world.imports.get(unit.index()));
    let Some(instance) = unit else { return };
    let mut machine = Machine::free(world, Origin::of(*instance, &[]), 0);
    let value = Value::from(lit);
    // What fails is reported.
    if let Ok(false) = machine.check_holds(&value, user, *span) {
        let message = format!("{} fails the check of type {}", show::value(world, &value), user.name);
        let finding = Diagnostic::new(Code::RefusedLiteral, *span, message);
        machine.report(finding.also(user.span, "the type is declared here"));
    }
}

/// Is there anything in a value of the type to look at?
fn is_looked_into(ty: &Ty) -> bool {
    match ty {
        Ty::Builtin(_) | Ty::User(_) | Ty::Enum(_) | Ty::Set(_) => true,
        Ty::List(inner) | Ty::Optional(inner) | Ty::Later(inner) => is_looked_into(inner),
        Ty::Map(both) => is_looked_into(&both.0) || is_looked_into(&both.1),
        Ty::Record(record) => record.fields.iter().any(|field| is_looked_into(&field.ty)),
        _ => false,
    }
}

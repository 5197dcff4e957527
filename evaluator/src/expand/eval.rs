//! What each expression means. Owns the one match over [`Node`] and control flow; operators are `ops`', functions
//! of the language `builtins`', reading of names and fields `access`'.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{Expr, FnId, Node, Op, Piece, Slot, Source};
use cell_lang::source::Span;
use foldhash::fast::RandomState;
use indexmap::map::Entry;
use smol_str::SmolStr;
use std::fmt::Write as _;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use super::loops::Items;
use super::machine::{Machine, Outcome, Stop};
use super::{ops, show};
use crate::value::{Later, LaterPiece, Map, RecordValue, Value};
use crate::world::InstanceId;

/// Bytes of text whose making or comparing counts as one step.
const BYTES_A_STEP: usize = 8;

impl<'w> Machine<'w, '_> {
    /// What an expression comes to. Leaves the stack of locals as it was.
    pub(crate) fn eval(&mut self, expr: &'w Expr) -> Outcome {
        self.enter(expr.span)?;
        let result = self.node(expr);
        self.leave();
        result
    }

    /// The truth of a condition.
    pub(crate) fn truth(&mut self, expr: &'w Expr) -> Outcome<bool> {
        match self.eval(expr)? {
            Value::Bool(truth) => Ok(truth),
            _ => Err(self.broken(expr.span)),
        }
    }

    /// The text of an expression.
    pub(crate) fn text(&mut self, expr: &'w Expr) -> Outcome<SmolStr> {
        match self.eval(expr)? {
            Value::Str(text) => Ok(text),
            _ => Err(self.broken(expr.span)),
        }
    }

    fn node(&mut self, expr: &'w Expr) -> Outcome {
        let span = expr.span;
        match &expr.node {
            Node::Error => Err(Stop::Failed),
            Node::Lit(lit) => Ok(Value::from(lit)),
            Node::None => Ok(Value::None),
            Node::Interpolate(pieces) => self.interpolate(pieces, span),
            Node::Local(slot) => self.local(*slot, span),
            Node::Let(id) => self.read_let(self.instance, *id, span),
            Node::ImportedLet(id) => self.imported_let(*id, span),
            Node::ModuleLet(module, id) => self.module_let(*module, *id, span),
            Node::Param(id) => self.param(*id, span),
            Node::All(kind) => self.all_of(*kind, span),
            Node::Static(id) => self.fixed(*id, span),
            Node::Lookup(kind, label) => self.lookup(*kind, label, span),
            Node::Field(inner, access) => self.access(inner, access, span),
            Node::Index(map, key) => self.index(map, key),
            Node::Call(id, arguments) => self.call(*id, arguments, span),
            Node::Builtin(function, arguments) => self.builtin(*function, arguments, span),
            Node::Not(inner) => Ok(Value::Bool(!self.truth(inner)?)),
            Node::Negate(inner) => {
                let value = self.eval(inner)?;
                ops::negate(&value).map_err(|fault| self.fault("-", fault, span))
            }
            Node::Binary(op, a, b) => self.binary(*op, a, b, span),
            Node::And(a, b) => Ok(Value::Bool(self.truth(a)? && self.truth(b)?)),
            Node::Or(a, b) => Ok(Value::Bool(self.truth(a)? || self.truth(b)?)),
            Node::Coalesce(a, b) => match self.eval(a)? {
                Value::None => self.eval(b),
                value => Ok(value),
            },
            Node::Range(first, last) => match (self.eval(first)?, self.eval(last)?) {
                (Value::Int(first), Value::Int(last)) => Ok(Value::Range(first, last)),
                _ => Err(self.broken(span)),
            },
            Node::If(condition, yes, no) => {
                if self.truth(condition)? {
                    self.eval(yes)
                } else {
                    self.eval(no)
                }
            }
            Node::Quantified { every, source, condition } => self.quantified(*every, source, condition),
            Node::Where { over, slot, condition } => self.filter(over, *slot, condition, span),
            Node::List(items) => self.list(items, span),
            Node::SetOf(_, items) => self.set_of(items, span),
            Node::Map(entries) => self.map(entries),
            Node::Record(names, values) => self.record(names, values),
            Node::RecordDefault(id) => self.record_default(*id, span),
            Node::ListFor { source, value } => self.list_for(source, value),
            Node::MapFor { source, key, value } => self.map_for(source, key, value),
            Node::Conform(inner, ty) => {
                let value = self.eval(inner)?;
                self.conform(value, ty, inner.span)
            }
        }
    }

    fn local(&mut self, slot: Slot, span: Span) -> Outcome {
        match self.locals.get(self.base + slot.index()) {
            Some(value) => Ok(value.clone()),
            None => Err(self.broken(span)),
        }
    }

    fn interpolate(&mut self, pieces: &'w [Piece], span: Span) -> Outcome {
        // Most values in a text are short names.
        let mut text = String::with_capacity(pieces.iter().map(|piece| piece.text().map_or(16, SmolStr::len)).sum());
        let mut later = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(known) => text.push_str(known),
                Piece::Value(expr) => match self.eval(expr)? {
                    Value::Str(known) => text.push_str(&known),
                    Value::Later(value) => {
                        later.extend((!text.is_empty()).then(|| LaterPiece::Text(std::mem::take(&mut text).into())));
                        match &*value {
                            Later::Field(id, name) => later.push(LaterPiece::Field(*id, name)),
                            Later::Text(pieces) => {
                                self.charge(pieces.len() as u64, span)?;
                                later.extend_from_slice(pieces);
                            }
                        }
                    }
                    value => match value.to_lit() {
                        // Writing to a string cannot fail.
                        Some(lit) => drop(write!(text, "{lit}")),
                        None => return Err(self.broken(expr.span)),
                    },
                },
            }
            self.check_length(text.len(), span)?;
        }
        self.charge((text.len() / BYTES_A_STEP) as u64, span)?;
        if later.is_empty() {
            return Ok(Value::Str(text.into()));
        }
        later.extend((!text.is_empty()).then(|| LaterPiece::Text(text.into())));
        Ok(Value::Later(Arc::new(Later::Text(later))))
    }

    /// Refuses a text longer than the limit.
    pub(super) fn check_length(&mut self, len: usize, span: Span) -> Outcome<()> {
        let most = self.world.options.max_string;
        if len <= most {
            return Ok(());
        }
        let finding = Diagnostic::new(Code::BudgetSpent, span, format!("a string longer than {most} bytes"));
        Err(self.fail(finding.help("raise the limit with `--max-string`")))
    }

    /// Counts what it takes to read or make a text.
    pub(super) fn charge_text(&mut self, len: usize, span: Span) -> Outcome<()> {
        self.charge((len / BYTES_A_STEP) as u64, span)
    }

    fn call(&mut self, id: FnId, arguments: &'w [Expr], span: Span) -> Outcome {
        let Some(function) = self.world.program.functions.get(id.index()) else { return Err(self.broken(span)) };
        let at = self.locals.len();
        let result = self.arguments(arguments).and_then(|()| {
            self.enter_call(span)?;
            let home = self.world.home(self.instance, function.unit);
            let result = self.within(home, |machine| machine.apply(&function.body, arguments.len(), at));
            self.leave_call();
            result
        });
        self.locals.truncate(at);
        result
    }

    fn arguments(&mut self, arguments: &'w [Expr]) -> Outcome<()> {
        self.locals.push(Value::None);
        for argument in arguments {
            let value = self.eval(argument)?;
            self.locals.push(value);
        }
        Ok(())
    }

    fn binary(&mut self, op: Op, a: &'w Expr, b: &'w Expr, span: Span) -> Outcome {
        let (a, b) = (self.eval(a)?, self.eval(b)?);
        match op {
            Op::Eq => Ok(Value::Bool(self.equal(&a, &b, span)?)),
            Op::Ne => Ok(Value::Bool(!self.equal(&a, &b, span)?)),
            Op::In => Ok(Value::Bool(self.is_in(&a, &b, span)?)),
            Op::Lt | Op::Le | Op::Gt | Op::Ge => match ops::compare(&a, &b) {
                Some(order) => Ok(Value::Bool(ops::holds(op, order))),
                None => Err(self.broken(span)),
            },
            Op::Add | Op::Sub | Op::Mul | Op::Div => ops::arithmetic(op, &a, &b).map_err(|fault| {
                let shown = [&a, &b].map(|value| show::value(self.world, value));
                let [a, b] = &shown;
                self.fault(&format!("{a} {} {b}", ops::sign(op)), fault, span)
            }),
        }
    }

    /// Reports why an operator gives nothing.
    pub(super) fn fault(&self, what: &str, fault: ops::Fault, span: Span) -> Stop {
        let message = match fault {
            ops::Fault::OutOfRange => format!("`{what}` is out of range"),
            ops::Fault::ByZero => format!("`{what}` divides by zero"),
            ops::Fault::Types => return self.broken(span),
        };
        let help = "whole numbers and quantities are 64 bits wide and never wrap";
        let finding = Diagnostic::new(Code::Arithmetic, span, message);
        self.fail(if fault == ops::Fault::OutOfRange { finding.help(help) } else { finding })
    }

    /// Equality, counting what it looks at.
    pub(super) fn equal(&mut self, a: &Value, b: &Value, span: Span) -> Outcome<bool> {
        match (a, b) {
            (Value::Str(a), Value::Str(b)) if a.len() == b.len() => {
                self.charge_text(a.len(), span)?;
                Ok(a == b)
            }
            (Value::List(a), Value::List(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b.iter()) {
                    self.charge(1, span)?;
                    if !self.equal(a, b, span)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Record(a), Value::Record(b)) => {
                for (a, b) in a.values.iter().zip(&b.values) {
                    self.charge(1, span)?;
                    if !self.equal(a, b, span)? {
                        return Ok(false);
                    }
                }
                Ok(a.names == b.names)
            }
            (Value::Map(a), Value::Map(b)) if a.len() == b.len() => {
                for (key, value) in &**a {
                    self.charge(1, span)?;
                    match b.get(key) {
                        Some(other) if self.equal(value, other, span)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (Value::Range(..), Value::List(list)) | (Value::List(list), Value::Range(..)) => {
                self.charge(list.len() as u64, span)?;
                Ok(a == b)
            }
            (Value::Set(left), Value::Set(right)) if left.len() == right.len() => {
                self.charge(left.len() as u64, span)?;
                Ok(a == b)
            }
            _ => Ok(a == b),
        }
    }

    fn is_in(&mut self, value: &Value, collection: &Value, span: Span) -> Outcome<bool> {
        match (collection, value) {
            (Value::List(list), value) => {
                for item in list.iter() {
                    self.charge(1, span)?;
                    if self.equal(item, value, span)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (Value::Range(first, last), Value::Int(number)) => Ok(first <= number && number <= last),
            (Value::Set(set), Value::Ref(id)) => Ok(self.world.contains(set, *id)),
            (Value::Map(map), key) => Ok(map.contains_key(key)),
            _ => Err(self.broken(span)),
        }
    }

    fn quantified(&mut self, every: bool, source: &'w Source, condition: &'w Expr) -> Outcome {
        let mut result = every;
        self.each(source, |machine| {
            if machine.truth(condition)? == every {
                return Ok(Continue(()));
            }
            result = !every;
            Ok(Break(()))
        })?;
        Ok(Value::Bool(result))
    }

    fn filter(&mut self, over: &'w Expr, slot: Slot, condition: &'w Expr, span: Span) -> Outcome {
        let value = self.eval(over)?;
        let Some(items) = Items::of(&value) else { return Err(self.broken(span)) };
        let (mut set, mut list) = (Vec::new(), Vec::new());
        for at in 0..items.len() {
            self.charge(1, span)?;
            let Some((item, _)) = items.get(at) else { break };
            self.bind(slot, item.clone());
            if self.truth(condition)? {
                match (&items, item) {
                    (Items::Set(_), Value::Ref(id)) => set.push(id),
                    (_, item) => list.push(item),
                }
            }
        }
        Ok(if matches!(items, Items::Set(_)) { Value::Set(set.into()) } else { Value::List(list.into()) })
    }

    fn list(&mut self, items: &'w [Expr], span: Span) -> Outcome {
        self.charge(items.len() as u64, span)?;
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(self.eval(item)?);
        }
        Ok(Value::List(values.into()))
    }

    fn map(&mut self, entries: &'w [(Expr, Expr)]) -> Outcome {
        let mut map = Map::with_capacity_and_hasher(entries.len(), RandomState::default());
        let mut places = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            self.charge(1, key.span)?;
            let known = self.eval(key)?;
            let value = self.eval(value)?;
            self.insert(&mut map, &mut places, (known, key.span), value)?;
        }
        Ok(Value::Map(Arc::new(map)))
    }

    /// Puts an entry in a map; a key that stands in it already is an error. `places` says where each key stands, in
    /// the order of the map.
    pub(super) fn insert(
        &mut self,
        map: &mut Map,
        places: &mut Vec<Span>,
        (key, span): (Value, Span),
        value: Value,
    ) -> Outcome<()> {
        match map.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(value);
                places.push(span);
                Ok(())
            }
            Entry::Occupied(occupied) => {
                let shown = show::value(self.world, occupied.key());
                let finding =
                    Diagnostic::new(Code::DuplicateKey, span, format!("key {shown} stands twice in one map"));
                let first = places.get(occupied.index()).copied().unwrap_or(span);
                Err(self.fail(finding.here("the second").also(first, "the first").help("remove one of the two")))
            }
        }
    }

    fn record(&mut self, names: &'w Arc<[SmolStr]>, values: &'w [Expr]) -> Outcome {
        let mut out = Vec::with_capacity(values.len());
        for value in values {
            out.push(self.eval(value)?);
        }
        Ok(Value::Record(Arc::new(RecordValue { names: names.clone(), values: out })))
    }

    /// What a field of a record is that a literal leaves out: its expression belongs to the file of the type.
    fn record_default(&mut self, id: u32, span: Span) -> Outcome {
        let Some(body) = self.world.program.record_defaults.get(id as usize) else { return Err(self.broken(span)) };
        let home = self.home_of(body.expr.span);
        let at = self.locals.len();
        self.enter_call(span)?;
        let result = self.within(home, |machine| machine.apply(body, 0, at));
        self.locals.truncate(at);
        self.leave_call();
        result
    }

    /// The instance against which what stands at a place is evaluated.
    pub(super) fn home_of(&self, place: Span) -> InstanceId {
        match self.world.units_by_file.get(&place.file) {
            Some(unit) => self.world.home(self.instance, *unit),
            None => self.instance,
        }
    }

    fn list_for(&mut self, source: &'w Source, value: &'w Expr) -> Outcome {
        let mut values = Vec::new();
        self.each(source, |machine| {
            values.push(machine.eval(value)?);
            Ok(Continue(()))
        })?;
        Ok(Value::List(values.into()))
    }

    fn map_for(&mut self, source: &'w Source, key: &'w Expr, value: &'w Expr) -> Outcome {
        let mut map = Map::default();
        let mut places = Vec::new();
        self.each(source, |machine| {
            let known = machine.eval(key)?;
            let value = machine.eval(value)?;
            machine.insert(&mut map, &mut places, (known, key.span), value)?;
            Ok(Continue(()))
        })?;
        Ok(Value::Map(Arc::new(map)))
    }
}

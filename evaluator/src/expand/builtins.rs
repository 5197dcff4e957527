//! The functions of the language. Owns what each does; types and numbers of arguments are the checker's.

use std::cmp::Ordering;
use std::sync::PoisonError;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::files::FileError;
use cell_lang::hir::{BuiltinFn, Expr};
use cell_lang::source::Span;
use smol_str::{SmolStr, format_smolstr};

use super::loops::Items;
use super::machine::{Machine, Outcome, Stop};
use super::{ops, show};
use crate::value::{EntityId, Value};
use crate::world::{FileText, World};

/// A width up to which a number is padded without taking memory; the library's formatting has a limit not far above.
const SHORT: usize = 20;

impl<'w> Machine<'w, '_> {
    pub(super) fn builtin(&mut self, function: BuiltinFn, arguments: &'w [Expr], span: Span) -> Outcome {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.eval(argument)?);
        }
        match (function, values.as_slice()) {
            (BuiltinFn::Count, [value]) => self.count(value, span),
            (BuiltinFn::All, [value]) => self.truths(value, false, span),
            (BuiltinFn::Any, [value]) => self.truths(value, true, span),
            (BuiltinFn::Keys, [Value::Map(map)]) => {
                self.charge(map.len() as u64, span)?;
                Ok(Value::List(map.keys().cloned().collect()))
            }
            (BuiltinFn::Values, [Value::Map(map)]) => {
                self.charge(map.len() as u64, span)?;
                Ok(Value::List(map.values().cloned().collect()))
            }
            (BuiltinFn::Join, [list, Value::Str(separator)]) => self.join(list, separator, span),
            (BuiltinFn::Pad, [Value::Int(number), Value::Int(width)]) => self.pad(*number, *width, span),
            (BuiltinFn::Mod, [Value::Int(a), Value::Int(b)]) => {
                ops::modulo(*a, *b).map_err(|fault| self.fault(&format!("mod({a}, {b})"), fault, span))
            }
            (BuiltinFn::Min, [value]) => self.extreme_of(value, Ordering::Less, span),
            (BuiltinFn::Max, [value]) => self.extreme_of(value, Ordering::Greater, span),
            (BuiltinFn::Min, values) => self.extreme(values, Ordering::Less, span),
            (BuiltinFn::Max, values) => self.extreme(values, Ordering::Greater, span),
            (BuiltinFn::StartsWith, [Value::Str(text), Value::Str(prefix)]) => {
                self.charge_text(prefix.len(), span)?;
                Ok(Value::Bool(text.starts_with(prefix.as_str())))
            }
            (BuiltinFn::EndsWith, [Value::Str(text), Value::Str(suffix)]) => {
                self.charge_text(suffix.len(), span)?;
                Ok(Value::Bool(text.ends_with(suffix.as_str())))
            }
            (BuiltinFn::Union, sets) => self.union(sets, span),
            (BuiltinFn::Except, [from, taken]) => self.except(from, taken, span),
            (BuiltinFn::Secret, [Value::Str(place)]) => Ok(Value::Secret(place.clone())),
            (BuiltinFn::File, [Value::Str(path)]) => self.file(path, span),
            (question, arguments) if question.is_question() => self.ask(question, arguments, span),
            _ => Err(self.broken(span)),
        }
    }

    fn count(&mut self, value: &Value, span: Span) -> Outcome {
        let Some(items) = Items::of(value) else { return Err(self.broken(span)) };
        match i64::try_from(items.len()) {
            Ok(count) => Ok(Value::Int(count)),
            Err(_) => Err(self.fault("count", ops::Fault::OutOfRange, span)),
        }
    }

    fn truths(&mut self, value: &Value, wanted: bool, span: Span) -> Outcome {
        self.charge(value.elements().len() as u64, span)?;
        let mut found = false;
        for item in value.elements() {
            found |= item.as_bool().ok_or_else(|| self.broken(span))? == wanted;
        }
        Ok(Value::Bool(found == wanted))
    }

    fn join(&mut self, list: &Value, separator: &str, span: Span) -> Outcome {
        let mut text = String::new();
        for (at, item) in list.elements().iter().enumerate() {
            self.charge(1, span)?;
            let Some(item) = item.as_str() else { return Err(self.broken(span)) };
            if at > 0 {
                text.push_str(separator);
            }
            text.push_str(item);
            self.check_length(text.len(), span)?;
        }
        self.charge_text(text.len(), span)?;
        Ok(Value::Str(text.into()))
    }

    /// The digits of a number, filled up with zeros at the left.
    fn pad(&mut self, number: i64, width: i64, span: Span) -> Outcome {
        let width = usize::try_from(width).unwrap_or(0);
        self.check_length(width, span)?;
        self.charge_text(width, span)?;
        let sign = if number < 0 { "-" } else { "" };
        if width <= SHORT {
            return Ok(Value::Str(format_smolstr!("{sign}{:0width$}", number.unsigned_abs())));
        }
        let digits = number.unsigned_abs().to_string();
        let zeros = "0".repeat(width.saturating_sub(digits.len()));
        Ok(Value::Str(format!("{sign}{zeros}{digits}").into()))
    }

    fn extreme_of(&mut self, value: &Value, wanted: Ordering, span: Span) -> Outcome {
        match value {
            Value::List(list) => self.extreme(list, wanted, span),
            Value::Range(first, last) if first <= last => {
                Ok(Value::Int(if wanted == Ordering::Less { *first } else { *last }))
            }
            Value::Range(..) => self.extreme(&[], wanted, span),
            other => Ok(other.clone()),
        }
    }

    fn extreme(&mut self, values: &[Value], wanted: Ordering, span: Span) -> Outcome {
        self.charge(values.len() as u64, span)?;
        let Some((first, rest)) = values.split_first() else {
            let what = if wanted == Ordering::Less { "least" } else { "greatest" };
            let finding = Diagnostic::new(Code::EmptyCollection, span, format!("the {what} of nothing"));
            return Err(self.fail(finding.here("this list is empty").help("test `count(…) > 0` before")));
        };
        let mut best = first;
        for value in rest {
            match ops::compare(value, best) {
                Some(order) if order == wanted => best = value,
                Some(_) => {}
                None => return Err(self.broken(span)),
            }
        }
        Ok(best.clone())
    }

    pub(super) fn set_of(&mut self, items: &'w [Expr], span: Span) -> Outcome {
        let mut ids = Vec::with_capacity(items.len());
        for item in items {
            let value = self.eval(item)?;
            self.refs_into(&value, &mut ids, span)?;
        }
        Ok(self.sealed_set(ids))
    }

    /// The set of these: by address, each once.
    fn sealed_set(&self, mut ids: Vec<EntityId>) -> Value {
        self.world.sort_set(&mut ids);
        Value::Set(ids.into())
    }

    fn refs_into(&mut self, value: &Value, ids: &mut Vec<EntityId>, span: Span) -> Outcome<()> {
        match value {
            Value::Ref(id) => ids.push(*id),
            Value::Set(set) => {
                self.charge(set.len() as u64, span)?;
                ids.extend_from_slice(set);
            }
            Value::List(list) => {
                self.charge(list.len() as u64, span)?;
                for item in list.iter() {
                    self.refs_into(item, ids, span)?;
                }
            }
            _ => return Err(self.broken(span)),
        }
        Ok(())
    }

    /// A list, a set or a reference as a set.
    pub(super) fn as_set(&mut self, value: &Value, span: Span) -> Outcome {
        if let Value::Set(_) = value {
            return Ok(value.clone());
        }
        self.union(std::slice::from_ref(value), span)
    }

    fn union(&mut self, sets: &[Value], span: Span) -> Outcome {
        let mut ids = Vec::new();
        for set in sets {
            self.refs_into(set, &mut ids, span)?;
        }
        Ok(self.sealed_set(ids))
    }

    fn except(&mut self, from: &Value, taken: &Value, span: Span) -> Outcome {
        let (Value::Set(from), Value::Set(taken)) = (self.as_set(from, span)?, self.as_set(taken, span)?) else {
            return Err(self.broken(span));
        };
        self.charge(from.len() as u64, span)?;
        Ok(Value::Set(from.iter().copied().filter(|id| !self.world.contains(&taken, *id)).collect()))
    }

    fn file(&mut self, path: &SmolStr, span: Span) -> Outcome {
        let text = self.world.file_text(path);
        match text {
            Ok(text) => {
                self.charge_text(text.len(), span)?;
                Ok(Value::Str(text))
            }
            Err(error) => Err(self.bad_file(path, &error, span)),
        }
    }

    fn bad_file(&self, path: &str, error: &FileError, span: Span) -> Stop {
        let path = show::value(self.world, &Value::Str(path.into()));
        let (message, help) = match error {
            FileError::NotFound => (format!("there is no file {path}"), None),
            FileError::NotAFile => (format!("{path} is no file"), None),
            FileError::Outside => {
                (format!("{path} lies outside the project"), Some("copy it into the project".into()))
            }
            FileError::TooLarge(most) => (
                format!("{path} has more than {most} bytes"),
                Some("a string has at most that many: see `--max-string`".into()),
            ),
            FileError::NotPinned => (format!("{path} is of a package that `cell.lock` does not pin"), None),
            FileError::Changed { pinned, found } => {
                (format!("{path} is not as `cell.lock` pins it: {found} instead of {pinned}"), None)
            }
            FileError::Unreadable(why) => (format!("{path} cannot be read: {why}"), None::<String>),
        };
        self.fail(Diagnostic::new(Code::BadFile, span, message).help_if(help))
    }
}

impl World<'_> {
    /// The text of a file, read once.
    fn file_text(&self, path: &SmolStr) -> FileText {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.get(path) {
            return known.clone();
        }
        let text = self.files.read(path).and_then(|bytes| {
            if bytes.len() > self.options.max_string {
                return Err(FileError::TooLarge(self.options.max_string as u64));
            }
            let text = String::from_utf8(bytes);
            text.map(SmolStr::from).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                FileError::Unreadable(format!("byte {at} is not UTF-8 text"))
            })
        });
        texts.insert(path.clone(), text.clone());
        text
    }
}

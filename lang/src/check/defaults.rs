//! Defaults: one flat level under entities; every change of what they set is spelled `override`.

use std::sync::Arc;

use smol_str::SmolStr;

use super::body::{Said, SaidFields, combined, join};
use super::scope::{Effects, Scope};
use super::{Checker, Item};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir::{Field, FieldValue, NamedItem, Node, Setting, UnitId};
use crate::schema::{FieldSpec, Kind, Shape};
use crate::source::Span;
use crate::syntax::ast::{self, Name};
use crate::types::Ty;
use crate::value::Lit;

/// A `defaults` block before and after it is checked.
#[derive(Debug)]
pub(super) struct DefaultsState<'a> {
    pub(super) unit: usize,
    pub(super) name: &'a Name,
    pub(super) kind: &'a Name,
    body: &'a ast::Body,
    done: Option<Defaults>,
}

/// A checked `defaults` block.
#[derive(Debug, Clone)]
pub(super) struct Defaults {
    pub(super) name: SmolStr,
    pub(super) span: Span,
    pub(super) kind: Option<Kind>,
    pub(super) fields: Arc<SaidFields>,
    pub(super) effects: Effects,
    /// Part of them could not be read: what they seem to lack may be there.
    pub(super) incomplete: bool,
}

impl<'a> DefaultsState<'a> {
    pub(super) fn new(unit: usize, name: &'a Name, kind: &'a Name, body: &'a ast::Body) -> Self {
        Self { unit, name, kind, body, done: None }
    }
}

impl Checker<'_> {
    /// Checks all defaults of a file, used or not.
    pub(super) fn check_defaults(&mut self, unit: usize) {
        for id in 0..self.defaults.len() {
            if self.defaults[id].unit == unit {
                self.defaults_of(id);
            }
        }
    }

    fn defaults_of(&mut self, id: usize) -> Defaults {
        let state = &self.defaults[id];
        if let Some(done) = &state.done {
            return done.clone();
        }
        let (unit, name, kind, body) = (state.unit, state.name, state.kind, state.body);
        let kind = match Kind::parse(&kind.text) {
            // What could not be read was reported; its kind is no second fault.
            None if body.incomplete => None,
            _ => self.kind_of(kind),
        };
        let mut effects = Effects::default();
        let fields = kind.map_or_else(Vec::new, |kind| {
            let base = Scope::new(unit).about(Ty::Ref(kind.into()));
            self.fields(&base, kind, body, &mut effects).said
        });
        for over in fields.iter().flatten().filter_map(|said| said.over) {
            let message = "defaults override nothing: they are the one level below entities";
            self.report(Diagnostic::new(Code::OverrideOfNothing, over, message).help("leave `override` out"));
        }
        let fields = Arc::new(fields);
        let incomplete = body.incomplete;
        let done = Defaults { name: name.text.clone(), span: name.span, kind, fields, effects, incomplete };
        self.defaults[id].done = Some(done.clone());
        done
    }

    /// The defaults that an entity uses, with the file they belong to.
    pub(super) fn used_defaults(&mut self, unit: usize, using: &[Name], kind: Kind) -> Option<(Defaults, usize)> {
        let (defaults, owner) = match using {
            [name] => {
                let Some((id, _)) = self.units[unit].defaults.get(&name.text).copied() else {
                    self.no_defaults(unit, name, None);
                    return None;
                };
                (self.defaults_of(id), unit)
            }
            [import, name] => self.imported_defaults(unit, import, name)?,
            _ => {
                let span = using.first().zip(using.last()).map(|(a, b)| a.span.to(b.span))?;
                self.report(Diagnostic::new(Code::NotDeclared, span, "defaults are `name` or `import.name`"));
                return None;
            }
        };
        let span = using.last()?.span;
        match defaults.kind {
            Some(found) if found != kind => {
                let message =
                    format!("defaults `{}` are for {}, not for {}", defaults.name, found.name(), kind.name());
                let diagnostic = Diagnostic::new(Code::WrongDefaults, span, message);
                self.report(diagnostic.also(defaults.span, "declared here"));
                None
            }
            Some(_) => Some((defaults, owner)),
            None => None,
        }
    }

    fn imported_defaults(&mut self, unit: usize, import: &Name, name: &Name) -> Option<(Defaults, usize)> {
        let target = match self.units[unit].values.get(&import.text) {
            Some((Item::Import(target), _)) => (*target)?,
            Some((_, place)) => {
                let message = format!("`{}` is no import", import.text);
                let diagnostic =
                    Diagnostic::new(Code::NotDeclared, import.span, message).also(*place, "declared here");
                self.report(diagnostic);
                return None;
            }
            None => {
                self.not_declared(&Scope::new(unit), &import.text, import.span);
                return None;
            }
        };
        let Some((id, _)) = self.units[target].defaults.get(&name.text).copied() else {
            self.no_defaults(target, name, Some(import));
            return None;
        };
        if !self.units[target].exported.contains_key(&name.text) {
            let message = format!("`{}` does not export the defaults `{}`", import.text, name.text);
            let diagnostic = Diagnostic::new(Code::NotExported, name.span, message);
            self.report(diagnostic.help("write `export` before them"));
        }
        let defaults = self.defaults_of(id);
        let effects = defaults.effects.clone();
        self.pure(&effects, name.span, &name.text);
        Some((defaults, target))
    }

    fn no_defaults(&mut self, unit: usize, name: &Name, import: Option<&Name>) {
        let mut names: Vec<&str> = self.units[unit].defaults.keys().map(SmolStr::as_str).collect();
        names.sort_unstable();
        let owner = import.map_or_else(String::new, |import| format!("{}.", import.text));
        let message = format!("defaults `{owner}{}` are not declared", name.text);
        let help = suggest(&name.text, "defaults", names);
        self.report(Diagnostic::new(Code::NotDeclared, name.span, message).help_if(help));
    }

    /// An entity's own fields over the defaults it uses.
    pub(super) fn merged(
        &mut self,
        kind: Kind,
        own: &SaidFields,
        defaults: Option<(&Defaults, usize)>,
    ) -> Vec<Field> {
        let spec = kind.spec();
        let mut out = Vec::with_capacity(spec.fields.len());
        for (at, field) in spec.fields.iter().enumerate() {
            let mine = own.get(at).map_or(&[][..], Vec::as_slice);
            let inherited = defaults.and_then(|(defaults, _)| defaults.fields.get(at)).map_or(&[][..], Vec::as_slice);
            out.push(match defaults {
                Some((defaults, unit)) if !inherited.is_empty() => {
                    let from = (defaults.name.clone(), UnitId(unit as u32));
                    self.merged_field(field, mine, inherited, &from, defaults.incomplete)
                }
                _ => {
                    self.overrides_nothing(field, mine, defaults.map(|(defaults, _)| defaults));
                    combined(mine)
                }
            });
        }
        out
    }

    fn overrides_nothing(&mut self, field: &FieldSpec, mine: &[Said], defaults: Option<&Defaults>) {
        if defaults.is_some_and(|defaults| defaults.incomplete) {
            return;
        }
        for said in mine {
            let Some(over) = said.over else { continue };
            let (message, place) = match defaults {
                Some(defaults) => {
                    let message =
                        format!("`override {}`, but defaults `{}` sets no `{0}`", field.name, defaults.name);
                    (message, Some(defaults.span))
                }
                None => (format!("`override {}`, but no defaults are used here", field.name), None),
            };
            let mut diagnostic = Diagnostic::new(Code::OverrideOfNothing, over.to(said.name), message);
            if let Some(place) = place {
                diagnostic = diagnostic.also(place, "these defaults");
            }
            self.report(diagnostic.help(format!("write `{}` without `override`", field.name)));
        }
    }

    fn merged_field(
        &mut self,
        field: &FieldSpec,
        mine: &[Said],
        inherited: &[Said],
        from: &(SmolStr, UnitId),
        incomplete: bool,
    ) -> Field {
        let taken = |said: &Said| Arc::new(of_defaults(&said.setting, from));
        match &field.shape {
            Shape::Named(_) => self.merged_named(field, mine, inherited, from, incomplete),
            Shape::Sort(sort) if sort.many => {
                let parts: Vec<Arc<Setting>> =
                    inherited.iter().map(taken).chain(mine.iter().map(|said| said.setting.clone())).collect();
                let span = parts.first().map_or(inherited[0].setting.span, |first| first.span);
                Field::Set(Arc::new(join(parts.iter(), span)))
            }
            _ => match mine.first() {
                None => inherited.first().map_or(Field::Unset, |said| Field::Set(taken(said))),
                Some(said) => {
                    let below = &inherited[0];
                    if said.over.is_none() {
                        self.silent_override(field.name, said.name, below, &from.0);
                    }
                    let setting = Setting { replaces: Some(below.setting.span), ..copy(&said.setting) };
                    Field::Set(Arc::new(setting))
                }
            },
        }
    }

    fn silent_override(&mut self, what: &str, place: Span, below: &Said, defaults: &str) {
        let replaced = match &*below.setting.value {
            FieldValue::Value(expr) => format!(" to replace {}", self.shown(expr.span).trim_matches('`')),
            _ => String::new(),
        };
        let message = format!("`{what}` is already set by defaults `{defaults}`");
        self.report(
            Diagnostic::new(Code::SilentOverride, place, message)
                .also(below.setting.span, "set here")
                .help(format!("write `override {what}`{replaced}"))
                .fix(place.head(), "override "),
        );
    }

    /// Blocks that repeat add up by label; the same label again takes `override`.
    fn merged_named(
        &mut self,
        field: &FieldSpec,
        mine: &[Said],
        inherited: &[Said],
        from: &(SmolStr, UnitId),
        incomplete: bool,
    ) -> Field {
        let mut parts: Vec<Arc<Setting>> = Vec::new();
        let mut replaced: Vec<SmolStr> = Vec::new();
        for said in mine {
            let Some(label) = label_of(&said.setting) else { continue };
            let below = inherited.iter().find(|other| label_of(&other.setting).as_ref() == Some(&label));
            match (below, said.over) {
                (Some(_), Some(_)) => replaced.push(label),
                (Some(below), None) => {
                    self.silent_override(&format!("{} {label}", field.name), said.name, below, &from.0);
                    replaced.push(label);
                }
                (None, Some(_)) if incomplete => {}
                (None, Some(over)) => {
                    let message = format!(
                        "`override {0} {label}`, but defaults `{1}` has no `{0} {label}`",
                        field.name, from.0
                    );
                    self.report(Diagnostic::new(Code::OverrideOfNothing, over.to(said.name), message));
                }
                (None, None) => {}
            }
        }
        for said in inherited {
            if label_of(&said.setting).is_none_or(|label| !replaced.contains(&label)) {
                parts.push(Arc::new(of_defaults(&said.setting, from)));
            }
        }
        parts.extend(mine.iter().map(|said| said.setting.clone()));
        match parts.first().map(|first| first.span) {
            Some(span) => Field::Set(Arc::new(join(parts.iter(), span))),
            None => Field::Unset,
        }
    }
}

/// The setting as it comes from defaults. Its value is shared by all that use them.
fn of_defaults(setting: &Arc<Setting>, from: &(SmolStr, UnitId)) -> Setting {
    Setting { from: Some(from.clone()), ..copy(setting) }
}

/// The same setting, its value shared.
fn copy(setting: &Arc<Setting>) -> Setting {
    Setting {
        span: setting.span,
        from: setting.from.clone(),
        replaces: setting.replaces,
        value: setting.value.clone(),
        frame: setting.frame,
    }
}

/// The fixed label of a block that repeats.
fn label_of(setting: &Setting) -> Option<SmolStr> {
    match &*setting.value {
        FieldValue::Named(items) => match items.as_slice() {
            [NamedItem::Block { label, .. }] => match &label.node {
                Node::Lit(Lit::Str(text)) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

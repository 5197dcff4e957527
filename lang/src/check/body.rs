//! Bodies: the fields of entities and blocks against the schema.

use std::sync::Arc;

use smol_str::SmolStr;

use super::Checker;
use super::calls::counted;
use super::collections::text;
use super::scope::{Declared, Scope, Site, Subject};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir::{BodyLoop, Expr, Field, FieldValue, MapItem, NamedItem, Record, Setting, SortItem};
use crate::schema::kinds::GRANTABLE;
use crate::schema::{FieldSpec, Kind, Need, RecordSpec, Shape, SortSpec, Subject as Of};
use crate::source::Span;
use crate::syntax::ast::{self, BlockItem, FieldItem, Item, Label, Name};
use crate::types::{Builtin, Ty};

/// What a body's item says of one field.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) setting: Arc<Setting>,
    /// The `override`, where it stands, and where the field's name stands.
    pub(super) over: Option<Span>,
    pub(super) name: Span,
}

/// The items of a body, by the place of their field in the schema. A field that repeats has several.
pub(super) type SaidFields = Vec<Vec<Said>>;

/// What a body says: its fields, and which of them have an error, so that nothing follows from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Items {
    pub(super) said: SaidFields,
    pub(super) broken: Vec<bool>,
}

/// Reads what an item says of a field: its value and the slots that takes.
pub(super) type ReadItem<'r, C> = &'r mut dyn FnMut(&mut C, &Item, &'static FieldSpec) -> Option<(FieldValue, u32)>;

impl Checker<'_> {
    /// A block inside an entity: nothing is overridden in it, and all it needs is in it.
    pub(super) fn block(&mut self, scope: &mut Scope, spec: &'static RecordSpec, body: &ast::Body) -> Record {
        let Items { said, broken } =
            self.items(spec, body, &mut |checker, item, field| checker.value(scope, spec, field, item));
        for over in said.iter().flatten().filter_map(|said| said.over) {
            let message = "nothing here can be overridden";
            self.report(Diagnostic::new(Code::OverrideOfNothing, over, message).help("leave `override` out"));
        }
        let fields: Vec<Field> = said.into_iter().map(|said| combined(&said)).collect();
        let record = Record { spec, fields, span: body.span };
        if !body.incomplete {
            self.complete(&record, &broken, &format!("`{}`", spec.name), body.span.head());
        }
        record
    }

    /// Goes through the items of a body, each to the field it says something of.
    pub(super) fn items(&mut self, spec: &'static RecordSpec, body: &ast::Body, value: ReadItem<'_, Self>) -> Items {
        let mut said: SaidFields = spec.fields.iter().map(|_| Vec::new()).collect();
        let mut broken = vec![false; spec.fields.len()];
        for item in &body.items {
            let Some((at, name, over, span)) = self.field_of(spec, item) else { continue };
            let field = &spec.fields[at];
            let Some((value, frame)) = value(self, item, field) else {
                broken[at] = true;
                continue;
            };
            let setting = Arc::new(Setting { span, from: None, replaces: None, value: Arc::new(value), frame });
            let repeats = matches!(&field.shape, Shape::Named(_)) || matches!(&field.shape, Shape::Sort(s) if s.many);
            if let (false, Some(first)) = (repeats, said[at].first()) {
                let message = format!("`{}` is set twice", field.name);
                let diagnostic = Diagnostic::new(Code::SetTwice, name, message).also(first.name, "first set here");
                self.report(diagnostic.help("remove one of them"));
                continue;
            }
            said[at].push(Said { setting, over, name });
        }
        Items { said, broken }
    }

    /// The field that an item says something of; reports an item that cannot stand here.
    fn field_of(&mut self, spec: &'static RecordSpec, item: &Item) -> Option<(usize, Span, Option<Span>, Span)> {
        let (name, over, span) = match item {
            Item::Field(FieldItem { key, over, span, .. }) => {
                let text = key.plain()?;
                (Name { text, span: key.span() }, *over, *span)
            }
            Item::Block(block) => (block.name.clone(), block.over, block.span),
            Item::For(looped) => (self.loop_field(&looped.body)?, None, looped.span),
            Item::Condition(condition) => {
                let message = format!("a condition cannot stand in {}", spec.name);
                let help = "conditions stand in `when { … }` and `unless { … }`";
                self.report(Diagnostic::new(Code::WrongItem, condition.span, message).help(help));
                return None;
            }
        };
        let Some(at) = spec.position(&name.text) else {
            let removed = self.no_field(spec.name, &name, name.span, spec.fields.iter().map(|field| field.name));
            drop(removed);
            return None;
        };
        if let Item::Field(FieldItem { key: Label::Str(string), .. }) = item {
            let message = format!("the field `{}` is written without quotes", name.text);
            let diagnostic = Diagnostic::new(Code::WrongSpelling, string.span, message);
            self.report(diagnostic.fix(string.span, name.text.to_string()));
        }
        Some((at, name.span, over, span))
    }

    /// The one field whose blocks a loop in a body makes.
    fn loop_field(&mut self, body: &ast::Body) -> Option<Name> {
        let mut found: Option<Name> = None;
        for item in &body.items {
            let name = match item {
                Item::Block(block) => block.name.clone(),
                Item::For(looped) => self.loop_field(&looped.body)?,
                Item::Field(FieldItem { span, .. }) | Item::Condition(ast::ConditionItem { span, .. }) => {
                    let message = "a loop here makes blocks that repeat, and nothing else";
                    self.report(Diagnostic::new(Code::WrongItem, *span, message));
                    return None;
                }
            };
            match &found {
                Some(first) if first.text != name.text => {
                    let message = format!("a loop makes blocks of one name: `{}` or `{}`", first.text, name.text);
                    let diagnostic = Diagnostic::new(Code::WrongItem, name.span, message);
                    self.report(diagnostic.also(first.span, "the first one").help("write two loops"));
                    return None;
                }
                Some(_) => {}
                None => found = Some(name),
            }
        }
        found
    }

    /// What an item says of a field, and the slots that takes.
    pub(super) fn value(
        &mut self,
        scope: &mut Scope,
        spec: &'static RecordSpec,
        field: &'static FieldSpec,
        item: &Item,
    ) -> Option<(FieldValue, u32)> {
        let mark = scope.mark();
        let outer = scope.subject.clone();
        let slot = match field.subject {
            Of::Itself => None,
            Of::EachCell | Of::EachAccount => {
                let either = field.subject == Of::EachAccount;
                let kinds = if either { GRANTABLE } else { Kind::Cell.into() };
                let slot = scope.slot();
                scope.subject = Some(Subject { slot, ty: Ty::Ref(kinds), either });
                Some(slot)
            }
        };
        let value = self.shaped(scope, spec, field, item);
        scope.subject = outer;
        scope.reset(mark);
        let value = value?;
        // Whom a grant is given to is one value, unless it asks each cell.
        let one = matches!(&field.shape, Shape::Value(Ty::OneOrMany(_)));
        let value = match slot {
            Some(slot) if !one || scope.subjects_read.contains(&slot) => FieldValue::PerTarget(slot, Box::new(value)),
            _ => value,
        };
        Some((value, scope.frame()))
    }

    fn shaped(
        &mut self,
        scope: &mut Scope,
        spec: &'static RecordSpec,
        field: &'static FieldSpec,
        item: &Item,
    ) -> Option<FieldValue> {
        match (&field.shape, item) {
            (Shape::Value(ty), Item::Field(said)) => {
                let site = site_of(spec, field, ty);
                Some(FieldValue::Value(self.expect(scope, &said.value, &site)))
            }
            (Shape::Value(_), Item::Block(block)) => {
                let message = format!("`{}` is written `{} = …`", field.name, field.name);
                self.report(Diagnostic::new(Code::WrongSpelling, block.name.span, message));
                None
            }
            (shape, Item::Field(said)) => {
                let braces = match shape {
                    Shape::Named(_) => "label { … }",
                    Shape::Sort(_) => "sort { … }",
                    _ => "{ … }",
                };
                let message = format!("`{0}` is written `{0} {braces}`", field.name);
                self.report(Diagnostic::new(Code::WrongSpelling, said.key.span(), message));
                self.infer(scope, &said.value);
                None
            }
            (Shape::Named(inner), item) => {
                self.named(scope, field, inner, item).map(|item| FieldValue::Named(vec![item]))
            }
            (Shape::Sort(sort), item) => {
                self.sorted(scope, sort, item).map(|item| FieldValue::Sort(sort, vec![item]))
            }
            (Shape::Block(inner), Item::Block(block)) => {
                self.no_label(block, field.name);
                Some(FieldValue::Block(self.block(scope, inner, &block.body)))
            }
            (Shape::Map(ty), Item::Block(block)) => {
                self.no_label(block, field.name);
                let site = site_of(spec, field, ty);
                Some(FieldValue::Map(self.map_body(scope, &site, &block.body)))
            }
            (Shape::Conditions, Item::Block(block)) => {
                self.no_label(block, field.name);
                Some(FieldValue::Conditions(self.conditions(scope, &block.body)))
            }
            (_, Item::For(looped)) => {
                let message = format!("`{}` does not repeat", field.name);
                self.report(Diagnostic::new(Code::WrongItem, looped.span, message));
                None
            }
            (_, Item::Condition(_)) => None,
        }
    }

    fn no_label(&mut self, block: &BlockItem, field: &str) {
        if let Some(label) = &block.label {
            let message = format!("`{field}` has no label");
            self.report(
                Diagnostic::new(Code::WrongBlockLabel, label.span(), message)
                    .help(format!("write `{field} {{ … }}`")),
            );
        }
    }

    /// A block that repeats by label, or a loop of such.
    fn named(
        &mut self,
        scope: &mut Scope,
        field: &'static FieldSpec,
        inner: &'static RecordSpec,
        item: &Item,
    ) -> Option<NamedItem> {
        match item {
            Item::Block(block) => {
                let Some(label) = &block.label else {
                    let message = format!("`{}` needs a label", field.name);
                    let help = format!("write `{} name {{ … }}`", field.name);
                    self.report(Diagnostic::new(Code::WrongBlockLabel, block.name.span, message).help(help));
                    self.block(scope, inner, &block.body);
                    return None;
                };
                let label = self.label(scope, label, Ty::Builtin(Builtin::BlockLabel));
                let body = self.block(scope, inner, &block.body);
                Some(NamedItem::Block { label, doc: block.doc.clone(), body })
            }
            Item::For(looped) => {
                let mark = scope.mark();
                let header = (&looped.binder, &looped.over, looped.condition.as_ref());
                let source = self.source(scope, header, "in a loop");
                self.mentions(&looped.body, &looped.binder.first);
                let items = looped.body.items.iter();
                let items = items.filter_map(|item| self.named(scope, field, inner, item)).collect();
                scope.reset(mark);
                Some(NamedItem::For(BodyLoop { source, items }))
            }
            _ => None,
        }
    }

    /// Labels in a loop mention its first name.
    fn mentions(&mut self, body: &ast::Body, name: &Name) {
        for item in &body.items {
            match item {
                Item::Block(BlockItem { label: Some(label), .. }) => self.label_mentions(label, name),
                Item::For(inner) => self.mentions(&inner.body, name),
                _ => {}
            }
        }
    }

    /// A block of a sort, or a loop of such.
    fn sorted(&mut self, scope: &mut Scope, sort: &'static SortSpec, item: &Item) -> Option<SortItem> {
        match item {
            Item::Block(block) => {
                let tag = block.label.as_ref().and_then(Label::plain);
                let Some((at, inner)) = tag.as_deref().and_then(|tag| sort.sort(tag)) else {
                    self.wrong_sort(sort, block, tag);
                    return None;
                };
                let body = self.block(scope, inner, &block.body);
                Some(SortItem::Block { sort: at, body })
            }
            Item::For(looped) => {
                let message = format!("`{}` cannot be in a loop: a sort stands once", sort.name);
                self.report(Diagnostic::new(Code::WrongItem, looped.span, message));
                None
            }
            _ => None,
        }
    }

    fn wrong_sort(&mut self, sort: &SortSpec, block: &BlockItem, tag: Option<SmolStr>) {
        let tags = sort.sorts.iter().map(|record| record.name);
        let diagnostic = match tag {
            Some(tag) => {
                let span = block.label.as_ref().map_or(block.name.span, Label::span);
                Diagnostic::new(Code::WrongBlockLabel, span, format!("`{}` has no sort `{tag}`", sort.name))
                    .help_if(suggest(&tag, "sorts", tags))
            }
            None => {
                let tags: Vec<&str> = tags.collect();
                let message = format!("`{}` needs its sort", sort.name);
                Diagnostic::new(Code::WrongBlockLabel, block.name.span, message).help(format!(
                    "write `{} {} {{ … }}`; the sorts are `{}`",
                    sort.name,
                    tags[0],
                    tags.join("`, `")
                ))
            }
        };
        self.report(diagnostic);
    }

    /// The entries of a map written as a block.
    pub(super) fn map_body(&mut self, scope: &mut Scope, site: &Site, body: &ast::Body) -> Vec<MapItem> {
        self.unique_keys(body.items.iter().filter_map(|item| match item {
            Item::Field(field) => Some((field.key.plain(), field.key.span())),
            _ => None,
        }));
        let mut out = Vec::with_capacity(body.items.len());
        for item in &body.items {
            match item {
                Item::Field(field) => {
                    if let Some(over) = field.over {
                        let message = "a key of a map is not overridden by itself";
                        let help = "write `override` before the block; it then replaces the whole map";
                        self.report(Diagnostic::new(Code::OverrideOfNothing, over, message).help(help));
                    }
                    let key = self.map_key(scope, &field.key);
                    out.push(MapItem::Entry { key, value: self.expect(scope, &field.value, site) });
                }
                Item::For(looped) => {
                    let mark = scope.mark();
                    let header = (&looped.binder, &looped.over, looped.condition.as_ref());
                    let source = self.source(scope, header, "in a loop");
                    let items = self.map_body(scope, site, &looped.body);
                    scope.reset(mark);
                    out.push(MapItem::For(BodyLoop { source, items }));
                }
                Item::Block(BlockItem { span, .. }) | Item::Condition(ast::ConditionItem { span, .. }) => {
                    let message = "only `key = value` stands here";
                    self.report(Diagnostic::new(Code::WrongItem, *span, message));
                }
            }
        }
        out
    }

    fn map_key(&mut self, scope: &mut Scope, key: &Label) -> Expr {
        match key {
            Label::Name(name) => text(&name.text, name.span),
            Label::Str(string) => {
                let typed = self.string(scope, string);
                self.fit(typed, &Site::language(Ty::String, "as a key"), string.span)
            }
        }
    }

    /// Reports what a record needs and does not have.
    pub(super) fn complete(&mut self, record: &Record, broken: &[bool], owner: &str, place: Span) {
        let is_broken = |at: usize| broken.get(at).copied().unwrap_or(false);
        for (at, (field, said)) in record.spec.fields.iter().zip(&record.fields).enumerate() {
            if matches!((&field.need, said), (Need::Required, Field::Unset)) && !is_broken(at) {
                let message = format!("{owner} needs `{}`", field.name);
                let diagnostic = Diagnostic::new(Code::MissingField, place, message);
                self.report(diagnostic.help(format!("write {}", example_of(field))));
            }
        }
        for group in &record.spec.one_of {
            if group.iter().filter_map(|name| record.spec.position(name)).any(is_broken) {
                continue;
            }
            let set: Vec<(&str, Span)> = group
                .iter()
                .filter_map(|name| {
                    record.spec.position(name).and_then(|at| record.fields.get(at).map(|f| (*name, f)))
                })
                .filter_map(|(name, field)| if let Field::Set(s) = field { Some((name, s.span)) } else { None })
                .collect();
            match set.as_slice() {
                [] => {
                    let message = format!("{owner} needs `{}`", group.join("` or `"));
                    self.report(Diagnostic::new(Code::MissingField, place, message));
                }
                [_] => {}
                [(first, at), (second, span), ..] => {
                    let message = format!("{owner} has `{first}` and `{second}`, and takes one of them");
                    let found = counted(set.len(), "field");
                    self.report(Diagnostic::new(Code::SetTwice, *span, message).also(*at, format!("one of {found}")));
                }
            }
        }
    }
}

/// How a field is written, for a help.
fn example_of(field: &FieldSpec) -> String {
    match &field.shape {
        Shape::Value(Ty::Builtin(builtin)) => format!("`{} = …`: {}", field.name, builtin.describe()),
        Shape::Value(ty) => format!("`{} = …`, {}", field.name, article(ty)),
        Shape::Named(_) => format!("`{} name {{ … }}`", field.name),
        Shape::Sort(sort) => format!("`{} {} {{ … }}`", field.name, sort.sorts.first().map_or("sort", |s| s.name)),
        Shape::Block(_) | Shape::Map(_) | Shape::Conditions => format!("`{} {{ … }}`", field.name),
    }
}

fn article(ty: &Ty) -> String {
    let text = ty.to_string();
    let vowel = text.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o']);
    format!("{} {text}", if vowel { "an" } else { "a" })
}

/// The site of a field's value.
fn site_of(spec: &'static RecordSpec, field: &'static FieldSpec, ty: &Ty) -> Site {
    let optional =
        matches!(field.need, Need::Optional) && !spec.one_of.iter().any(|group| group.contains(&field.name));
    let ty = match ty {
        // Absent, or `none`: the same.
        ty if optional => ty.clone().optional(),
        // Here alone an owner that may be absent is taken: a cell without one is an error of its own.
        Ty::OneOrMany(_) => ty.clone().optional(),
        other => other.clone(),
    };
    Site { ty, declared: Declared::Schema(spec.name, field.name), later: field.later, place: "in this field" }
}

/// Several blocks of one field as one setting.
pub(super) fn combined(said: &[Said]) -> Field {
    match said {
        [] => Field::Unset,
        [one] => Field::Set(one.setting.clone()),
        [first, ..] => Field::Set(Arc::new(join(said.iter().map(|said| &said.setting), first.setting.span))),
    }
}

/// One setting of all the blocks of several.
pub(super) fn join<'s>(settings: impl Iterator<Item = &'s Arc<Setting>>, span: Span) -> Setting {
    let (mut parts, mut frame) = (Vec::new(), 1);
    for setting in settings {
        frame = frame.max(setting.frame);
        parts.push(setting.clone());
    }
    Setting { span, from: None, replaces: None, value: Arc::new(FieldValue::Joined(parts)), frame }
}

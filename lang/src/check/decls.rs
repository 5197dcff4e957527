//! The tree of declarations: entities, modules, loops, choices, assertions; and the blocks beside them.

use std::sync::Arc;

use smol_str::SmolStr;

use super::Checker;
use super::entity::Written;
use super::scope::{Effects, Said, Scope, Site};
use crate::diagnostics::{Code, Diagnostic, suggest};
use crate::hir::{self, FieldValue, LayerSet, Node, StaticModuleId, UnitId};
use crate::schema::kinds::{ACCEPT, MOVED, REMOVED};
use crate::schema::{Layer, RecordSpec};
use crate::source::Span;
use crate::syntax::ast::{self, DeclKind, Label, StrLit};
use crate::types::Ty;
use crate::value::Lit;

/// What a file declares.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) decls: Vec<hir::Decl>,
    pub(super) layers: LayerSet,
    pub(super) tests: Vec<hir::Test>,
    pub(super) moved: Vec<hir::Moved>,
    pub(super) removed: Vec<hir::Removed>,
    pub(super) accepts: Vec<hir::Accept>,
}

/// Declarations of a body, and what they come to together.
#[derive(Debug, Default)]
struct Inner {
    decls: Vec<hir::Decl>,
    /// Layers in which something is declared or instantiated.
    layers: LayerSet,
    /// Layers in which something is declared, modules' contents included.
    contents: LayerSet,
    asserts: bool,
}

/// The loops and choices around a declaration.
#[derive(Debug, Default, Clone)]
struct Around<'e> {
    /// The first names of the loops.
    names: Vec<&'e ast::Name>,
    /// What the headers need.
    headers: Vec<Effects>,
}

impl Checker<'_> {
    /// Checks the declarations of a file.
    pub(super) fn decls(&mut self, scope: &mut Scope, decls: &[ast::Decl], out: &mut Declared) {
        let inner = self.inner(scope, decls, &Around::default(), true);
        out.decls = inner.decls;
        out.layers = inner.contents;
        for decl in decls {
            match &decl.kind {
                DeclKind::Test { name, steps } => out.tests.extend(self.test(scope.unit, name, steps, decl.span)),
                DeclKind::Moved(body) => out.moved.extend(self.moved(scope.unit, body)),
                DeclKind::Removed(body) => out.removed.extend(self.removed(scope.unit, body)),
                DeclKind::Accept { label, body } => {
                    out.accepts.extend(self.accept(scope.unit, label, body, decl.span));
                }
                _ => {}
            }
        }
    }

    fn inner(&mut self, scope: &mut Scope, decls: &[ast::Decl], around: &Around<'_>, top: bool) -> Inner {
        let mut out = Inner::default();
        for decl in decls {
            match &decl.kind {
                DeclKind::Entity { kind, label, using, body } => {
                    let written =
                        Written { kind, label, using: using.as_deref(), body, doc: &decl.doc, span: decl.span, top };
                    self.entity_in(scope, &written, around, &mut out);
                }
                DeclKind::Module { label, path, body } => {
                    self.module_in(scope, (label, path, body), decl.span, around, top, &mut out);
                }
                DeclKind::For { binder, over, condition, body } => {
                    self.for_in(scope, (binder, over, condition.as_ref()), body, around, &mut out);
                }
                DeclKind::If { arms } => self.if_in(scope, arms, around, &mut out),
                DeclKind::Assert { message, condition } => {
                    let mut own = scope.fork();
                    let message = self.string(&mut own, message);
                    let message = self.fit(message, &Site::language(Ty::String, "in a message"), decl.span);
                    let condition = self.expect(&mut own, condition, &Site::language(Ty::Bool, "in an assertion"));
                    let assert = hir::Assert { message, condition, frame: own.frame(), span: decl.span };
                    out.decls.push(hir::Decl::Assert(assert));
                    out.asserts = true;
                }
                _ => {}
            }
        }
        out
    }

    fn entity_in(&mut self, scope: &Scope, written: &Written<'_>, around: &Around<'_>, out: &mut Inner) {
        let Some((entity, label_effects)) = self.entity(scope, written) else { return };
        let layer = entity.kind.layer();
        for name in &around.names {
            self.label_mentions(written.label, name);
        }
        let plural = entity.kind.plural();
        let sound = !matches!(entity.label.node, Node::Error);
        if self.headers_allow(&around.headers, layer, written.kind.span, plural) && sound {
            self.seals(&label_effects, layer as u8, || format!("a label of {}", entity.kind.name()));
        }
        out.layers = out.layers.with(layer);
        out.contents = out.contents.with(layer);
        out.decls.push(hir::Decl::Entity(Arc::new(entity)));
    }

    /// Refuses a loop or choice over what the layer itself declares.
    fn headers_allow(&mut self, headers: &[Effects], layer: Layer, at: Span, what: &str) -> bool {
        for header in headers {
            if header.need <= layer as u8 {
                continue;
            }
            let Some((span, read)) = &header.need_from else { continue };
            let of = read.trim_start_matches("the set ");
            let message = format!("a loop over {of} cannot declare {what}");
            self.report(
                Diagnostic::new(Code::SealedLayer, at, message)
                    .also(*span, format!("{read} is read here"))
                    .help("what a set holds is known only above its layer: foundation, cells, services, relations"),
            );
            return false;
        }
        true
    }

    fn for_in(
        &mut self,
        scope: &mut Scope,
        header: (&ast::Binder, &ast::Expr, Option<&ast::Expr>),
        body: &[ast::Decl],
        around: &Around<'_>,
        out: &mut Inner,
    ) {
        let mark = scope.mark();
        let before = std::mem::take(&mut scope.effects);
        let source = self.source(scope, header, "in a loop");
        let effects = std::mem::replace(&mut scope.effects, before);
        let mut deeper = around.clone();
        deeper.names.push(&header.0.first);
        deeper.headers.push(effects);
        let inner = self.inner(scope, body, &deeper, false);
        let frame = scope.frame();
        scope.reset(mark);
        let looped = hir::For { source, body: inner.decls, layers: inner.layers, frame, asserts: inner.asserts };
        out.decls.push(hir::Decl::For(looped));
        out.take(inner.layers, inner.contents, inner.asserts);
    }

    fn if_in(
        &mut self,
        scope: &mut Scope,
        arms: &[(Option<ast::Expr>, Vec<ast::Decl>)],
        around: &Around<'_>,
        out: &mut Inner,
    ) {
        let mark = scope.mark();
        let mut deeper = around.clone();
        let mut checked = Vec::with_capacity(arms.len());
        let (mut layers, mut contents, mut asserts) = (LayerSet::default(), LayerSet::default(), false);
        for (condition, body) in arms {
            let before = std::mem::take(&mut scope.effects);
            let condition = condition.as_ref().map(|condition| self.condition(scope, condition, "in an `if`"));
            deeper.headers.push(std::mem::replace(&mut scope.effects, before));
            let inside = scope.mark();
            scope.facts.extend(condition.iter().flat_map(|condition| condition.holds.iter().cloned()));
            let inner = self.inner(scope, body, &deeper, false);
            scope.reset(inside);
            scope.facts.extend(condition.iter().flat_map(|condition| condition.fails.iter().cloned()));
            layers = layers.union(inner.layers);
            contents = contents.union(inner.contents);
            asserts |= inner.asserts;
            checked.push((condition.map(|condition| condition.expr), inner.decls));
        }
        let frame = scope.frame();
        scope.reset(mark);
        out.decls.push(hir::Decl::If(hir::If { arms: checked, layers, frame, asserts }));
        out.take(layers, contents, asserts);
    }

    fn module_in(
        &mut self,
        scope: &Scope,
        (label, path, body): (&Label, &StrLit, &ast::Body),
        span: Span,
        around: &Around<'_>,
        top: bool,
        out: &mut Inner,
    ) {
        let mut own = scope.fork();
        let label_expr = self.label(&mut own, label, Ty::Builtin(crate::types::Builtin::Label));
        for name in &around.names {
            self.label_mentions(label, name);
        }
        let target = self.files[scope.unit].links.get(&path.span).copied();
        let arguments = self.arguments(&mut own, target, label, body);
        let Some(target) = target else { return };
        let mut needs = own.effects.clone();
        for header in &around.headers {
            needs.include(header, label.span());
        }
        let layers = self.units[target].layers;
        let at = needs.layer().unwrap_or(Layer::Relations);
        if let Some(lowest) = layers.lowest().filter(|lowest| needs.need > *lowest as u8) {
            self.module_too_late(&needs, lowest, label.span());
        } else {
            self.seals(&needs, Layer::Relations as u8, || "a module".to_owned());
        }
        let fixed = if top { self.static_module(scope.unit, &label_expr) } else { None };
        if let Some(id) = fixed
            && let Some(need) = self.units[scope.unit].module_needs.get_mut(id.index())
        {
            *need = needs.need;
        }
        let module = hir::Module {
            label: label_expr,
            fixed,
            unit: UnitId(target as u32),
            arguments,
            label_span: label.span(),
            span,
            at,
            layers,
            bound: scope.bound(),
            frame: own.frame(),
        };
        out.take(LayerSet::default().with(at), layers, false);
        out.decls.push(hir::Decl::Module(Arc::new(module)));
    }

    fn module_too_late(&mut self, needs: &Effects, lowest: Layer, label: Span) {
        let Some((span, what)) = &needs.need_from else { return };
        let message = format!("this module declares {}, so it cannot be given {what}", lowest.name());
        self.report(
            Diagnostic::new(Code::SealedLayer, *span, message)
                .also(label, "the module")
                .help("a module takes a set when all that it declares lies above the set's layer"),
        );
    }

    fn static_module(&self, unit: usize, label: &hir::Expr) -> Option<StaticModuleId> {
        let Node::Lit(Lit::Str(text)) = &label.node else { return None };
        let (item, span) = self.units[unit].values.get(text)?;
        match item {
            super::Item::Module(id) if *span == label.span => Some(*id),
            _ => None,
        }
    }

    /// What a module's block gives to the parameters of its file.
    fn arguments(
        &mut self,
        scope: &mut Scope,
        target: Option<usize>,
        label: &Label,
        body: &ast::Body,
    ) -> Vec<Option<(hir::Expr, Span)>> {
        let params = target.map_or_else(Vec::new, |target| self.units[target].params.clone());
        let mut out: Vec<Option<(hir::Expr, Span)>> = params.iter().map(|_| None).collect();
        for item in &body.items {
            let ast::Item::Field(field) = item else {
                let span = match item {
                    ast::Item::Block(block) => block.span,
                    ast::Item::For(looped) => looped.span,
                    ast::Item::Condition(condition) => condition.span,
                    ast::Item::Field(field) => field.span,
                };
                let message = "a module's block holds `parameter = value` and nothing else";
                self.report(Diagnostic::new(Code::WrongItem, span, message));
                continue;
            };
            let name = field.key.plain().unwrap_or_default();
            if let Some(over) = field.over {
                let message = format!("`override {name}`, but a parameter is only given");
                self.report(Diagnostic::new(Code::OverrideOfNothing, over, message).help("leave `override` out"));
            }
            let Some(at) = params.iter().position(|param| param.name == name) else {
                if target.is_some() {
                    let message = format!("the module has no parameter `{name}`");
                    let names = params.iter().map(|param| param.name.as_str());
                    let help = suggest(&name, "parameters", names);
                    self.report(Diagnostic::new(Code::UnknownParameter, field.key.span(), message).help_if(help));
                }
                self.infer(scope, &field.value);
                continue;
            };
            let said = Said::Name(params[at].name.clone());
            let mut site = Site::declared(params[at].ty.clone(), params[at].span, said);
            site.place = "a parameter";
            let value = self.expect(scope, &field.value, &site);
            if let Some((_, first)) = &out[at] {
                let message = format!("`{name}` is set twice");
                self.report(
                    Diagnostic::new(Code::SetTwice, field.key.span(), message).also(*first, "first set here"),
                );
            } else {
                out[at] = Some((value, field.value.span));
            }
        }
        if !body.incomplete {
            for (param, given) in params.iter().zip(&out) {
                if given.is_none() && !param.has_default {
                    let message = format!("the module needs `{}`", param.name);
                    let diagnostic = Diagnostic::new(Code::MissingField, label.span(), message);
                    let diagnostic = diagnostic.also(param.span, "a parameter without default");
                    self.report(diagnostic.help(format!("write `{} = …`, a {}", param.name, param.ty)));
                }
            }
        }
        out
    }

    fn test(&mut self, unit: usize, name: &StrLit, steps: &[ast::TestStep], span: Span) -> Option<hir::Test> {
        let mut scope = Scope::of_test(unit);
        let mut out = Vec::with_capacity(steps.len());
        for step in steps {
            out.push(match step {
                ast::TestStep::Expect(condition) => {
                    let site = Site::language(Ty::Bool, "in a test");
                    hir::TestStep::Expect(self.expect(&mut scope, condition, &site))
                }
                ast::TestStep::Let { name, ty, value } => {
                    let (expr, ty) = match ty {
                        Some(written) => {
                            let ty = self.read_type(unit, written);
                            let site = Site::declared(ty.clone(), written.span, "declared here");
                            (self.expect(&mut scope, value, &site), ty)
                        }
                        None => {
                            let typed = self.infer(&mut scope, value);
                            (typed.expr, typed.ty)
                        }
                    };
                    hir::TestStep::Let(self.bind(&mut scope, name, ty), expr)
                }
            });
        }
        let name = self.fixed_text(name, "the name of a test")?;
        Some(hir::Test { name, steps: out, frame: scope.frame(), span })
    }

    /// A block that says something of addresses, of the schema's fields.
    fn plain_block(&mut self, unit: usize, spec: &'static RecordSpec, body: &ast::Body) -> (hir::Record, Scope) {
        let mut scope = Scope::new(unit);
        let record = self.block(&mut scope, spec, body);
        (record, scope)
    }

    fn moved(&mut self, unit: usize, body: &ast::Body) -> Option<hir::Moved> {
        let (record, _) = self.plain_block(unit, &MOVED, body);
        Some(hir::Moved { from: self.address(&record, "from")?, to: self.address(&record, "to")? })
    }

    fn removed(&mut self, unit: usize, body: &ast::Body) -> Option<hir::Removed> {
        let (record, _) = self.plain_block(unit, &REMOVED, body);
        let account = literal_of(&record, "account").map(|(text, _)| text);
        Some(hir::Removed { from: self.address(&record, "from")?, account })
    }

    /// An address in a block, written out.
    fn address(&mut self, record: &hir::Record, field: &str) -> Option<(SmolStr, Span)> {
        let found = literal_of(record, field);
        let at = record.spec.position(field)?;
        if let (None, Some(hir::Field::Set(setting))) = (&found, record.fields.get(at)) {
            let FieldValue::Value(expr) = &*setting.value else { return None };
            if !matches!(expr.node, Node::Error) {
                let message = "an address cannot be computed here";
                self.report(Diagnostic::new(Code::BadRemoval, expr.span, message).help("write it out"));
            }
        }
        found
    }

    fn accept(&mut self, unit: usize, label: &Label, body: &ast::Body, span: Span) -> Option<hir::Accept> {
        let (record, _) = self.plain_block(unit, &ACCEPT, body);
        let label = match label {
            Label::Name(name) => name.text.clone(),
            Label::Str(string) => self.fixed_text(string, "the label of an `accept`")?,
        };
        Some(hir::Accept { label, body: record, span })
    }
}

impl Inner {
    fn take(&mut self, layers: LayerSet, contents: LayerSet, asserts: bool) {
        self.layers = self.layers.union(layers);
        self.contents = self.contents.union(contents);
        self.asserts |= asserts;
    }
}

/// A field's value, if it is a string written out, with its place.
fn literal_of(record: &hir::Record, field: &str) -> Option<(SmolStr, Span)> {
    let at = record.spec.position(field)?;
    let hir::Field::Set(setting) = record.fields.get(at)? else { return None };
    match &*setting.value {
        FieldValue::Value(hir::Expr { node: Node::Lit(Lit::Str(text)), span }) => Some((text.clone(), *span)),
        _ => None,
    }
}

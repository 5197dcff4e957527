//! What a value was computed from, step by step back: names in its expression, what they stand for, and why.
//!
//! Reads values that the expansion found; what no name leads to (an element inside a `where`) is not told.

use cell_lang::hir::{Access, Expr, FnId, Let, LetId, Node, ParamId, Setting, Slot, Source};
use cell_lang::schema::{FieldSpec, Kind};
use cell_lang::source::Span;

use super::expressions::{children, loop_of, module_at, of_value};
use super::origin::{Origin, org_setting, origin};
use super::tree::Reason;
use crate::value::{EntityId, Value};
use crate::world::{Binding, InstanceId, World};

/// Steps back that are told.
const MAX_DEPTH: usize = 12;

/// Reasons of one level that are told.
const MAX_WIDTH: usize = 24;

/// Where an expression stands: what its names mean.
#[derive(Clone, Copy)]
struct Scope<'w> {
    instance: InstanceId,
    /// The entity whose field it is.
    entity: Option<EntityId>,
    /// The subject, by its slot: `.field` is a field of it.
    subject: Option<(Slot, EntityId)>,
    /// What the loops around stood for.
    bindings: &'w [Binding],
    depth: usize,
}

/// Finds reasons.
pub(super) struct Reasons<'w, 'p> {
    world: &'w World<'p>,
}

impl<'w, 'p> Reasons<'w, 'p> {
    pub(super) fn new(world: &'w World<'p>) -> Self {
        Self { world }
    }

    /// Why a field is what it is.
    pub(super) fn of_field(&self, id: EntityId, field: &'static FieldSpec) -> Reason {
        self.field(id, field, 0)
    }

    /// Why an entity has its label.
    pub(super) fn of_label(&self, id: EntityId) -> Reason {
        self.label(id, 0)
    }

    /// Where an entity is declared, and in which loops and modules.
    pub(super) fn of_declaration(&self, id: EntityId) -> Reason {
        let entity = self.world.entity(id);
        let mut reason = Reason::at("declared", self.world.label_span(id));
        let scope = self.scope(id, 0);
        reason.because = entity.bindings.iter().map(|binding| self.binding(scope, id, binding)).collect();
        let mut instance = Some(entity.instance);
        while let Some((span, prefix)) =
            instance.and_then(|at| Some((self.world.instance(at).span?, &self.world.instance(at).prefix)))
        {
            reason.because.push(Reason::at(format!("in module `{}`", prefix.trim_end_matches('.')), span));
            instance = instance.and_then(|at| self.world.instance(at).parent);
        }
        reason
    }

    fn scope(&self, id: EntityId, depth: usize) -> Scope<'w> {
        let entity = self.world.entity(id);
        Scope {
            instance: entity.instance,
            entity: Some(id),
            subject: Some((Slot(0), id)),
            bindings: &entity.bindings,
            depth,
        }
    }

    /// Of what a module, a let or an argument says: no subject, no loop.
    fn outside(instance: InstanceId, depth: usize) -> Scope<'w> {
        Scope { instance, entity: None, subject: None, bindings: &[], depth }
    }

    fn field(&self, id: EntityId, field: &'static FieldSpec, depth: usize) -> Reason {
        let world = self.world;
        let reason = super::from(world, id, field);
        match origin(world, id, field) {
            Origin::OrgAccounts { org, .. } => match org_setting(world, id, field.name) {
                // Its names are the organization's, its subject the one that takes the value.
                Some(taken) => {
                    let subject = taken.taker.map(|slot| (slot, id));
                    let scope = Scope { entity: Some(id), subject, ..self.scope(org, depth) };
                    self.setting(reason, taken.setting, scope)
                }
                None => reason,
            },
            Origin::Computed(_) if world.field(id, field.name).and_then(Value::as_str) == Some(world.label(id)) => {
                reason.because(vec![self.label(id, depth + 1)])
            }
            _ => match world.setting(id, field.name) {
                Some(setting) => {
                    let mut scope = self.scope(id, depth);
                    if let Some((_, unit)) = &setting.from {
                        (scope.instance, scope.bindings) = (world.home(scope.instance, *unit), &[]);
                    }
                    self.setting(reason, setting, scope)
                }
                None => reason,
            },
        }
    }

    fn setting(&self, reason: Reason, setting: &'w Setting, scope: Scope<'w>) -> Reason {
        let mut reason = reason.with_source();
        for expr in of_value(&setting.value) {
            self.names(expr, scope, &mut reason.because);
        }
        reason
    }

    fn label(&self, id: EntityId, depth: usize) -> Reason {
        let decl = &self.world.entity(id).decl;
        let mut reason = Reason::at("the label", decl.label.span).with_source();
        self.names(&decl.label, self.scope(id, depth), &mut reason.because);
        reason
    }

    /// Adds a reason for each name in an expression, each once.
    fn names(&self, expr: &'w Expr, scope: Scope<'w>, out: &mut Vec<Reason>) {
        if scope.depth >= MAX_DEPTH || out.len() >= MAX_WIDTH {
            return;
        }
        let found = match &expr.node {
            Node::Local(slot) => self.local(*slot, scope),
            Node::Let(id) | Node::ImportedLet(id) | Node::ModuleLet(_, id) => self.a_let(*id, expr, scope),
            Node::Param(id) => self.param(*id, scope),
            Node::Call(id, _) => self.function(*id),
            Node::All(kind) => self.all(*kind, expr, scope),
            Node::Field(inner, access) => match self.known(inner, scope) {
                Some(Value::Ref(id)) => self.field_of(id, access, expr, scope),
                _ => None,
            },
            _ => None,
        };
        let leaf = found.is_some() && matches!(expr.node, Node::Field(..));
        if let Some(reason) = found.filter(|new| !out.iter().any(|old| old.name == new.name && old.at == new.at)) {
            out.push(reason);
        }
        if !leaf {
            children(expr).into_iter().for_each(|child| self.names(child, scope, out));
        }
    }

    fn local(&self, slot: Slot, scope: Scope<'w>) -> Option<Reason> {
        let binding = scope.bindings.iter().find(|binding| binding.slot == slot)?;
        Some(self.binding(scope, scope.entity?, binding))
    }

    fn binding(&self, scope: Scope<'w>, id: EntityId, binding: &Binding) -> Reason {
        let text = format!("item {} of the loop", binding.item);
        let source = self.source_of(id, binding.slot);
        let mut reason = match source {
            Some(source) => Reason::at(text, source.over.span).with_source(),
            None => Reason::said(text),
        };
        if let Some(source) = source {
            self.names(&source.over, Scope { depth: scope.depth + 1, ..scope }, &mut reason.because);
        }
        reason.of(binding.name.clone(), Some(binding.value.clone()))
    }

    fn source_of(&self, id: EntityId, slot: Slot) -> Option<&'w Source> {
        let entity = self.world.entity(id);
        let unit = self.world.program().units.get(self.world.instance(entity.instance).unit.index())?;
        loop_of(unit, &entity.decl, slot)
    }

    /// A let and the instance it is read in.
    fn read(&self, id: LetId, expr: &Expr, scope: Scope<'w>) -> Option<(&'w Let, InstanceId)> {
        let declared = self.world.program().lets.get(id.index())?;
        let instance = match &expr.node {
            Node::ModuleLet(module, _) => (*self.world.instance(scope.instance).modules.get(module.index())?)?,
            Node::ImportedLet(_) => *self.world.imports.get(declared.unit.index())?,
            _ => scope.instance,
        };
        Some((declared, instance))
    }

    fn let_value(&self, declared: &Let, instance: InstanceId) -> Option<Value> {
        let memo = self.world.instance(instance).lets.get(declared.index as usize)?.get()?;
        memo.result.as_ref().ok().cloned()
    }

    fn a_let(&self, id: LetId, expr: &Expr, scope: Scope<'w>) -> Option<Reason> {
        let (declared, instance) = self.read(id, expr, scope)?;
        let value = self.let_value(declared, instance);
        let mut reason = Reason::at("a let", declared.span);
        let inner = Self::outside(instance, scope.depth + 1);
        self.names(&declared.value.expr, inner, &mut reason.because);
        Some(reason.of(declared.name.clone(), value))
    }

    fn param(&self, id: ParamId, scope: Scope<'w>) -> Option<Reason> {
        let instance = self.world.instance(scope.instance);
        let program = self.world.program();
        let param = program.units.get(instance.unit.index())?.params.get(id.index())?;
        let value = instance.params.get(id.index())?.as_ref()?.as_ref().ok().cloned();
        let reason = match self.argument(scope.instance, id) {
            Some((expr, span, parent)) => {
                let name = instance.prefix.trim_end_matches('.');
                let mut reason = Reason::at(format!("a parameter, given to module `{name}`"), span).with_source();
                let inner = Self::outside(parent, scope.depth + 1);
                self.names(expr, inner, &mut reason.because);
                reason
            }
            None => Reason::at("a parameter, with its default", param.span),
        };
        Some(reason.of(param.name.clone(), value))
    }

    /// What a module's block gives for a parameter, with its place and the instance it is read in.
    fn argument(&self, instance: InstanceId, id: ParamId) -> Option<(&'w Expr, Span, InstanceId)> {
        let instance = self.world.instance(instance);
        let parent = instance.parent?;
        let unit = self.world.program().units.get(self.world.instance(parent).unit.index())?;
        let module = module_at(&unit.decls, instance.span?)?;
        let (expr, span) = module.arguments.get(id.index())?.as_ref()?;
        Some((expr, *span, parent))
    }

    fn function(&self, id: FnId) -> Option<Reason> {
        let function = self.world.program().functions.get(id.index())?;
        Some(Reason::at("a function", function.span).of(function.name.clone(), None))
    }

    fn all(&self, kind: Kind, expr: &Expr, scope: Scope<'w>) -> Option<Reason> {
        let count = self.world.instance(scope.instance).sets.get(kind as usize)?.len();
        let text = if count == 1 { "1 of them".to_owned() } else { format!("all {count} of them") };
        Some(Reason::at(text, expr.span).of(kind.plural(), None))
    }

    fn field_of(&self, id: EntityId, access: &Access, expr: &Expr, scope: Scope<'w>) -> Option<Reason> {
        let world = self.world;
        let spec = world.kind(id).spec();
        let own = scope.subject.is_some_and(|(_, subject)| subject == id);
        let named = |field: &str| if own { format!(".{field}") } else { format!("{}.{field}", world.address(id)) };
        let field = match access {
            Access::Entity(at) => spec.fields.get(usize::from(*at))?,
            Access::EntityByName(name) => spec.field(name)?,
            Access::Later(name) => {
                return Some(Reason::at("known only after apply", expr.span).of(named(name), None));
            }
            Access::Label | Access::NameIsLabel => {
                let value = Some(Value::Str(world.label(id).clone()));
                return Some(self.label(id, scope.depth + 1).of(named("label"), value));
            }
            _ => return None,
        };
        let reason = self.field(id, field, scope.depth + 1);
        Some(reason.of(named(field.name), Some(world.field_or_none(id, field.name).clone())))
    }

    /// The value of an expression that is no more than a name.
    fn known(&self, expr: &Expr, scope: Scope<'w>) -> Option<Value> {
        let world = self.world;
        match &expr.node {
            Node::Lit(lit) => Some(Value::from(lit)),
            Node::Local(slot) => match scope.subject {
                Some((subject, id)) if subject == *slot => Some(Value::Ref(id)),
                _ => scope.bindings.iter().find(|binding| binding.slot == *slot).map(|binding| binding.value.clone()),
            },
            Node::Param(id) => {
                world.instance(scope.instance).params.get(id.index())?.as_ref()?.as_ref().ok().cloned()
            }
            Node::Let(id) | Node::ImportedLet(id) | Node::ModuleLet(_, id) => {
                let (declared, instance) = self.read(*id, expr, scope)?;
                self.let_value(declared, instance)
            }
            Node::Static(id) => (*world.instance(scope.instance).statics.get(id.index())?).map(Value::Ref),
            Node::Lookup(kind, label) => {
                let label = self.known(label, scope)?;
                world
                    .instance(scope.instance)
                    .labels
                    .get(*kind as usize)?
                    .get(label.as_str()?)
                    .copied()
                    .map(Value::Ref)
            }
            Node::Conform(inner, _) => self.known(inner, scope),
            Node::Field(inner, access) => match (self.known(inner, scope)?, access) {
                (Value::Ref(id), Access::Entity(at)) => world.field_at(id, usize::from(*at)).cloned(),
                (Value::Ref(id), Access::EntityByName(name)) => world.field(id, name).cloned(),
                (Value::Ref(id), Access::Label | Access::NameIsLabel) => Some(Value::Str(world.label(id).clone())),
                _ => None,
            },
            _ => None,
        }
    }
}

//! Instances of files: their parameters, and their entities with fixed labels. Owns what exists before a layer is
//! walked; the walk is `structure`'s.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{self, Body, Decl, Expr, Param, Slot, Unit, UnitId};
use cell_lang::schema::Kind;
use cell_lang::source::Span;
use smol_str::{SmolStr, format_smolstr};

use super::machine::{Machine, Origin, Outcome, Stop};
use super::show;
use super::structure::Builder;
use crate::value::EntityId;
use crate::world::{Binding, Failed, Instance, InstanceId};

fn many<T>(count: usize, make: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(make).take(count).collect()
}

fn blank(unit: UnitId, of: &Unit) -> Instance {
    let kinds = Kind::ALL.len();
    Instance {
        unit,
        parent: None,
        prefix: SmolStr::default(),
        span: None,
        imported: true,
        children: Vec::new(),
        params: of.params.iter().map(|_| None).collect(),
        lets: many(of.lets.len(), OnceLock::new),
        statics: Vec::new(),
        modules: Vec::new(),
        labels: many(kinds, HashMap::new),
        sets: many(kinds, Arc::default),
        partial: vec![false; kinds],
        own: many(kinds, Vec::new),
    }
}

impl<'p> Builder<'p> {
    /// An instance of each file for what others import of it.
    pub(super) fn add_imports(&mut self) {
        for (at, unit) in self.world.program.units.iter().enumerate() {
            let id = UnitId(at as u32);
            self.world.imports.push(InstanceId(self.world.instances.len() as u32));
            self.world.instances.push(blank(id, unit));
            self.world.units_by_file.insert(unit.file, id);
        }
    }

    /// An instance that declares: with its entities of fixed label, so that what stands below may refer to them.
    pub(super) fn add_instance(
        &mut self,
        unit: UnitId,
        from: Option<(InstanceId, &str, Span)>,
    ) -> Option<InstanceId> {
        let of = self.world.program.units.get(unit.index())?;
        let id = InstanceId(self.world.instances.len() as u32);
        let mut instance = blank(unit, of);
        instance.imported = false;
        instance.statics = vec![None; of.statics.len()];
        instance.modules = vec![None; of.static_modules.len()];
        if let Some((parent, label, span)) = from {
            instance.parent = Some(parent);
            instance.prefix = format_smolstr!("{}{label}.", self.world.instance(parent).prefix);
            instance.span = Some(span);
            self.world.instances.get_mut(parent.index())?.children.push(id);
        }
        self.world.instances.push(instance);
        for decl in &of.decls {
            if let Decl::Entity(entity) = decl {
                self.add_static(id, entity);
            }
        }
        Some(id)
    }

    fn add_static(&mut self, instance: InstanceId, decl: &Arc<hir::Entity>) {
        let Some(fixed) = decl.fixed else { return };
        let unit = self.world.program.units.get(self.world.instance(instance).unit.index());
        let Some(((_, label), _)) = unit.and_then(|unit| unit.statics.get_index(fixed.index())) else { return };
        let entity = self.add_entity(instance, decl, label.clone(), &Arc::default());
        let statics = self.world.instances.get_mut(instance.index()).map(|instance| &mut instance.statics);
        if let Some(place) = statics.and_then(|statics| statics.get_mut(fixed.index())) {
            *place = entity;
        }
    }

    /// Takes an entity in, unless its address is taken or the budget is spent.
    pub(super) fn add_entity(
        &mut self,
        instance: InstanceId,
        decl: &Arc<hir::Entity>,
        label: SmolStr,
        bindings: &Arc<[Binding]>,
    ) -> Option<EntityId> {
        let world = &mut self.world;
        let owner = world.instances.get_mut(instance.index())?;
        let address = format_smolstr!("{}{}.{label}", owner.prefix, decl.kind.name());
        if let Some(first) = world.addresses.get(&address).copied() {
            self.same_address(first, instance, decl, bindings);
            return None;
        }
        if !self.may_grow(decl.label.span) {
            return None;
        }
        let world = &mut self.world;
        let id = EntityId(world.entities.len() as u32);
        world.instances.get_mut(instance.index())?.labels.get_mut(decl.kind as usize)?.insert(label.clone(), id);
        world.addresses.insert(address.clone(), id);
        if decl.kind == Kind::Org && world.org.is_none() {
            world.org = Some(id);
        }
        let fields = many(decl.kind.spec().fields.len(), OnceLock::new).into_boxed_slice();
        let (kind, decl, bindings, failed) = (decl.kind, decl.clone(), bindings.clone(), AtomicBool::new(false));
        world.entities.push(crate::world::Entity { kind, instance, label, address, decl, bindings, fields, failed });
        Some(id)
    }

    /// Fills in the parameters of a module: what its block gives, then defaults, then checks.
    pub(super) fn fill_params(&mut self, module: &'p hir::Module, parent: InstanceId, id: InstanceId) {
        let Some(unit) = self.world.program.units.get(module.unit.index()) else { return };
        for (at, param) in unit.params.iter().enumerate() {
            if let Some(Some((expr, _))) = module.arguments.get(at) {
                let origin = Origin::of(parent, &self.bindings);
                let value = argument(Machine::free(&self.world, origin, module.frame), expr, param);
                self.set_param(id, at, value);
            }
        }
        for (at, param) in unit.params.iter().enumerate() {
            if !matches!(module.arguments.get(at), Some(Some(_))) {
                let value = self.default_of(id, param, module.span);
                self.set_param(id, at, value);
            }
        }
        for (at, param) in unit.params.iter().enumerate() {
            let place = module.arguments.get(at).and_then(|given| given.as_ref());
            let place = place.map_or(param.span, |(_, item)| *item);
            if let Some(check) = &param.check
                && self.check_param(parent, id, (at, param), check, place).is_err()
            {
                self.set_param(id, at, Err(Stop::Failed));
            }
        }
    }

    /// Fills in the parameters of the root file, which nobody gives: defaults, then checks.
    pub(super) fn fill_root(&mut self) {
        let id = self.world.root;
        let Some(unit) = self.world.program.units.get(self.world.program.root.index()) else { return };
        for (at, param) in unit.params.iter().enumerate() {
            let value = self.default_of(id, param, param.span);
            self.set_param(id, at, value);
        }
        for (at, param) in unit.params.iter().enumerate() {
            if let Some(check) = &param.check
                && self.check_param(id, id, (at, param), check, param.span).is_err()
            {
                self.set_param(id, at, Err(Stop::Failed));
            }
        }
    }

    fn set_param(&mut self, instance: InstanceId, at: usize, value: Outcome) {
        let params = self.world.instances.get_mut(instance.index()).map(|instance| &mut instance.params);
        if let Some(place) = params.and_then(|params| params.get_mut(at)) {
            *place = Some(value.map_err(|_| Failed));
        }
    }

    fn default_of(&self, id: InstanceId, param: &'p Param, module: Span) -> Outcome {
        let Some(default) = &param.default else {
            let message = format!("parameter `{}` is not given", param.name);
            let finding = Diagnostic::new(Code::MissingField, module, message);
            return Err(Machine::free(&self.world, Origin::of(id, &[]), 0).fail(finding));
        };
        argument(Machine::free(&self.world, Origin::of(id, &[]), default.frame), &default.expr, param)
    }

    fn check_param(
        &self,
        parent: InstanceId,
        id: InstanceId,
        (at, param): (usize, &'p Param),
        check: &'p Body,
        place: Span,
    ) -> Outcome<()> {
        let Some(Some(Ok(value))) = self.world.instance(id).params.get(at) else { return Ok(()) };
        let mut machine = Machine::free(&self.world, Origin::of(id, &[]), check.frame.max(2));
        machine.bind(Slot(1), value.clone());
        if machine.truth(&check.expr)? {
            return Ok(());
        }
        let message = format!("`{}` = {} fails its check", param.name, show::value(&self.world, value));
        let finding = Diagnostic::new(Code::ParameterCheck, place, message);
        // It is said of the module's declaration, in the loops around that.
        let outside = Machine::free(&self.world, Origin::of(parent, &self.bindings), 0);
        Err(outside.fail(finding.also(check.expr.span, "this does not hold")))
    }
}

fn argument<'w>(mut machine: Machine<'w, '_>, expr: &'w Expr, param: &Param) -> Outcome {
    let value = machine.eval(expr)?;
    machine.conform(value, &param.ty, expr.span)
}

//! The walk over declarations: which entities and modules there are. Owns loops, choices, labels, addresses and
//! the number of entities; values of fields are no affair of it.
//!
//! A layer is walked after all below it are complete. The same walk, at the end, comes by the assertions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{self, Decl, LayerSet, UnitId};
use cell_lang::schema::{Kind, Layer};
use cell_lang::source::Span;
use cell_lang::types::Builtin;
use cell_lang::value::Lit;
use rayon::slice::ParallelSliceMut as _;
use smol_str::SmolStr;

use super::loops::{Items, ordinal};
use super::machine::{Machine, Origin, Outcome};
use crate::report::{Finding, Rank};
use crate::value::{EntityId, Value};
use crate::world::{Binding, InstanceId, World};

/// What a walk is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// To declare what lies in a layer.
    Declare(Layer),
    /// To evaluate assertions.
    Assert,
}

/// As how many entities a module counts: it takes some five kilobytes even if it declares nothing.
const MODULE_WEIGHT: usize = 50;

/// Makes a [`World`].
pub(super) struct Builder<'p> {
    pub(super) world: World<'p>,
    pass: Pass,
    /// The names of the loops around, from outside in.
    pub(super) bindings: Vec<Binding>,
    /// Steps of the headers of the nest of loops in progress: they share one budget.
    steps: u64,
    /// Was it said that there are too many entities?
    full: bool,
    modules: HashMap<(InstanceId, SmolStr), Span>,
}

impl<'p> Builder<'p> {
    pub(super) fn new(world: World<'p>) -> Self {
        let (pass, bindings) = (Pass::Declare(Layer::Foundation), Vec::new());
        Self { world, pass, bindings, steps: 0, full: false, modules: HashMap::new() }
    }

    /// Walks every instance, those too that the walk makes.
    pub(super) fn walk(&mut self, pass: Pass) {
        self.pass = pass;
        let mut at = 0;
        while let Some(instance) = self.world.instances.get(at) {
            let unit = self.world.program.units.get(instance.unit.index());
            if let (false, Some(unit)) = (instance.imported, unit) {
                self.top(InstanceId(at as u32), &unit.decls);
            }
            at += 1;
        }
    }

    fn top(&mut self, instance: InstanceId, decls: &'p [Decl]) {
        for decl in decls {
            self.steps = 0;
            self.decl(instance, decl);
        }
    }

    fn decls(&mut self, instance: InstanceId, decls: &'p [Decl]) {
        for decl in decls {
            self.decl(instance, decl);
        }
    }

    fn decl(&mut self, instance: InstanceId, decl: &'p Decl) {
        if self.full {
            return;
        }
        match (decl, self.pass) {
            (Decl::Entity(entity), Pass::Declare(layer)) if entity.kind.layer() == layer => {
                self.entity(instance, entity);
            }
            (Decl::Module(module), Pass::Declare(layer)) if module.at == layer => self.module(instance, module),
            (Decl::For(inner), _) if self.enters(inner.layers, inner.asserts) => self.repeat(instance, inner),
            (Decl::If(inner), _) if self.enters(inner.layers, inner.asserts) => self.choose(instance, inner),
            (Decl::Assert(assert), Pass::Assert) => {
                super::asserts::check(&self.world, instance, &self.bindings, assert);
            }
            _ => {}
        }
    }

    fn enters(&self, layers: LayerSet, asserts: bool) -> bool {
        !self.full
            && match self.pass {
                Pass::Declare(layer) => layers.contains(layer),
                Pass::Assert => asserts,
            }
    }

    fn entity(&mut self, instance: InstanceId, decl: &'p Arc<hir::Entity>) {
        let made = match decl.fixed {
            Some(id) => self.world.instance(instance).statics.get(id.index()).copied().flatten(),
            None => self.computed(instance, decl),
        };
        let kind = decl.kind as usize;
        let own = self.world.instances.get_mut(instance.index()).and_then(|owner| owner.own.get_mut(kind));
        if let (Some(id), Some(own)) = (made, own) {
            own.push(id);
        }
    }

    fn computed(&mut self, instance: InstanceId, decl: &'p Arc<hir::Entity>) -> Option<EntityId> {
        match self.label(instance, &decl.label, decl.frame, decl.kind.label_type(), decl.kind.name()) {
            Ok(label) => {
                let bindings: Arc<[Binding]> = self.bindings.as_slice().into();
                self.add_entity(instance, decl, label, &bindings)
            }
            Err(_) => {
                self.lose(instance, &mut [decl.kind].into_iter());
                None
            }
        }
    }

    fn label(
        &self,
        instance: InstanceId,
        label: &'p hir::Expr,
        frame: u32,
        rule: Builtin,
        what: &str,
    ) -> Outcome<SmolStr> {
        let mut machine = Machine::free(&self.world, Origin::of(instance, &self.bindings), frame);
        let text = machine.text(label)?;
        match rule.check(&Lit::Str(text.clone())) {
            Ok(()) => Ok(text),
            Err(why) => {
                let finding = Diagnostic::new(Code::RefusedValue, label.span, why);
                Err(machine.fail(finding.here(format!("the label of this {what}"))))
            }
        }
    }

    fn module(&mut self, parent: InstanceId, module: &'p hir::Module) {
        let label = self.label(parent, &module.label, module.frame, Builtin::Label, "module");
        let made = label.ok().filter(|label| self.is_new_module(parent, label, module)).and_then(|label| {
            if !self.may_grow(module.label_span) {
                return None;
            }
            self.add_instance(module.unit, Some((parent, label.as_str(), module.label_span)))
        });
        let Some(id) = made else {
            let units = &self.world.program.units;
            let decls = units.get(module.unit.index()).map_or(&[][..], |unit| &unit.decls);
            return self.lose_all(parent, decls);
        };
        if let Some(fixed) = module.fixed {
            let modules = self.world.instances.get_mut(parent.index()).map(|parent| &mut parent.modules);
            if let Some(place) = modules.and_then(|modules| modules.get_mut(fixed.index())) {
                *place = Some(id);
            }
        }
        self.fill_params(module, parent, id);
    }

    fn is_new_module(&mut self, parent: InstanceId, label: &SmolStr, module: &hir::Module) -> bool {
        let Some(first) = self.modules.insert((parent, label.clone()), module.label_span) else { return true };
        let message = format!("two modules are both `{}{label}`", self.world.instance(parent).prefix);
        let finding = Diagnostic::new(Code::SameAddress, module.label_span, message);
        let finding = if first == module.label_span { finding } else { finding.also(first, "the first") };
        Machine::free(&self.world, Origin::of(parent, &self.bindings), 0).report(finding);
        false
    }

    fn repeat(&mut self, instance: InstanceId, decl: &'p hir::For) {
        let over = self.header(instance, decl.frame, |machine| {
            let value = machine.eval(&decl.source.over)?;
            Items::of(&value).ok_or_else(|| machine.broken(decl.source.over.span))
        });
        let Ok(items) = over else { return self.lose_all(instance, &decl.body) };
        for at in 0..items.len() {
            let Some(item) = items.get(at) else { break };
            let counts = self.header(instance, decl.frame, |machine| machine.step(&decl.source, item.clone()));
            match counts {
                Ok(true) => self.iterate(instance, decl, item, ordinal(at)),
                Ok(false) => {}
                Err(_) => self.lose_all(instance, &decl.body),
            }
            if self.full || self.steps > self.world.options.max_steps {
                break;
            }
        }
    }

    fn iterate(&mut self, instance: InstanceId, decl: &'p hir::For, item: (Value, Option<Value>), number: u32) {
        let depth = self.bindings.len();
        let (name, slot) = decl.source.first.clone();
        self.bindings.push(Binding { name, slot, value: item.0, item: number, second: false });
        if let (Some((name, slot)), Some(value)) = (decl.source.second.clone(), item.1) {
            self.bindings.push(Binding { name, slot, value, item: number, second: true });
        }
        self.decls(instance, &decl.body);
        self.bindings.truncate(depth);
    }

    fn choose(&mut self, instance: InstanceId, decl: &'p hir::If) {
        for (condition, body) in &decl.arms {
            let holds = match condition {
                Some(condition) => self.header(instance, decl.frame, |machine| machine.truth(condition)),
                None => Ok(true),
            };
            match holds {
                Ok(true) => return self.decls(instance, body),
                Ok(false) => {}
                Err(_) => return decl.arms.iter().for_each(|(_, body)| self.lose_all(instance, body)),
            }
        }
    }

    /// Evaluates a part of a header, on the budget of the nest.
    fn header<T>(
        &mut self,
        instance: InstanceId,
        frame: u32,
        work: impl FnOnce(&mut Machine<'_, 'p>) -> Outcome<T>,
    ) -> Outcome<T>
    where
        T: 'static,
    {
        let mut machine =
            Machine::free(&self.world, Origin::of(instance, &self.bindings), frame).with_steps(self.steps);
        let result = work(&mut machine);
        self.steps = machine.steps();
        result
    }

    // What goes wrong.

    /// Is there room for one more entity or module? Says once if not.
    pub(super) fn may_grow(&mut self, span: Span) -> bool {
        let most = self.world.options.max_entities;
        // The root's own instance does not count.
        let modules = self.world.instances.len().saturating_sub(self.world.imports.len() + 1);
        if self.world.entities.len() + modules * MODULE_WEIGHT < most {
            return true;
        }
        if !self.full {
            self.full = true;
            let finding = Diagnostic::new(
                Code::BudgetSpent,
                span,
                format!("more than {most} entities; a module counts as {MODULE_WEIGHT}"),
            );
            let finding = finding.help("declare fewer, or raise the limit with `--max-entities`");
            Machine::free(&self.world, Origin::of(self.world.root, &self.bindings), 0).report(finding);
            self.lose(self.world.root, &mut Kind::ALL.iter().copied());
        }
        false
    }

    pub(super) fn same_address(
        &self,
        first: EntityId,
        instance: InstanceId,
        decl: &hir::Entity,
        bindings: &[Binding],
    ) {
        let world = &self.world;
        world.fail(first);
        let message = format!("two {} are both `{}`", decl.kind.plural(), world.address(first));
        let (here, there) = (decl.label.span, world.label_span(first));
        let texts = (super::circumstances(world, bindings), world.bindings_text(first));
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let finding = if here == there {
            // In the order of the items, as the loop came by them.
            Diagnostic::new(Code::SameAddress, here, message).here(texts.1).also(here, texts.0)
        } else {
            let finding = Diagnostic::new(Code::SameAddress, here, message).here(or(texts.0, "the second"));
            finding.also(there, or(texts.1, "the first"))
        };
        let items = bindings.iter().map(|binding| binding.item).collect();
        let rank = Rank { instance: instance.0, entity: None, target: None, items };
        world.report(Finding { diagnostic: finding, rank, circumstances: String::new() });
    }

    /// Entities of these kinds may be missing, in the instance and in those it is a module of.
    fn lose(&mut self, instance: InstanceId, kinds: &mut dyn Iterator<Item = Kind>) {
        for kind in kinds {
            let mut next = Some(instance);
            while let Some(owner) = next.and_then(|id| self.world.instances.get_mut(id.index())) {
                if let Some(partial) = owner.partial.get_mut(kind as usize) {
                    *partial = true;
                }
                next = owner.parent;
            }
        }
    }

    fn lose_all(&mut self, instance: InstanceId, decls: &'p [Decl]) {
        if self.full {
            // All is lost already.
            return;
        }
        let mut lost = vec![false; Kind::ALL.len()];
        kinds_of(self.world.program, decls, &mut lost, &mut HashSet::new());
        self.lose(instance, &mut Kind::ALL.iter().copied().filter(|kind| lost.get(*kind as usize) == Some(&true)));
    }

    /// Completes a layer: every set of its kinds, by address.
    pub(super) fn seal(&mut self, layer: Layer) {
        self.world.sealed = self.world.sealed.with(layer);
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.layer() == layer) {
            let mut gathered: Vec<Vec<EntityId>> = Vec::with_capacity(self.world.instances.len());
            for instance in &mut self.world.instances {
                gathered.push(instance.own.get_mut(kind as usize).map(std::mem::take).unwrap_or_default());
            }
            // Modules come after what declares them.
            for at in (0..gathered.len()).rev() {
                let mut ids = gathered.get_mut(at).map(std::mem::take).unwrap_or_default();
                let parent = self.world.instances.get(at).and_then(|instance| instance.parent);
                if let Some(above) = parent.and_then(|parent| gathered.get_mut(parent.index())) {
                    above.extend_from_slice(&ids);
                }
                let address = |id: &EntityId| self.world.entities.get(id.index()).map(|entity| &entity.address);
                ids.par_sort_unstable_by(|a, b| address(a).cmp(&address(b)));
                if let Some(set) = self.world.instances.get_mut(at).and_then(|i| i.sets.get_mut(kind as usize)) {
                    *set = ids.into();
                }
            }
        }
    }
}

/// The kinds that these declare, modules too.
fn kinds_of(program: &hir::Program, decls: &[Decl], found: &mut [bool], seen: &mut HashSet<UnitId>) {
    for decl in decls {
        match decl {
            Decl::Entity(entity) => {
                if let Some(place) = found.get_mut(entity.kind as usize) {
                    *place = true;
                }
            }
            Decl::Module(module) if seen.insert(module.unit) => {
                let unit = program.units.get(module.unit.index());
                kinds_of(program, unit.map_or(&[], |unit| &unit.decls), found, seen);
            }
            Decl::Module(_) => {}
            Decl::For(inner) => kinds_of(program, &inner.body, found, seen),
            Decl::If(inner) => inner.arms.iter().for_each(|(_, body)| kinds_of(program, body, found, seen)),
            Decl::Assert(_) => {}
        }
    }
}

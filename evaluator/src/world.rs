//! The expansion: instances of files, entities and their fields, and the sink of the findings.
//!
//! Owns what is read after (and while) a program is expanded. How it is filled is [`crate::expand`]'s affair; what
//! is judged over it is the rules'. May be read from several threads.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use cell_lang::diagnostics::Diagnostic;
use cell_lang::files::{FileError, Files};
use cell_lang::hir::{self, Field, Program, Setting, Slot, UnitId};
use cell_lang::schema::{Kind, Layer};
use cell_lang::source::{FileId, Span};
use smol_str::SmolStr;

use crate::budget::Options;
use crate::expand::{ForTargets, Task};
use crate::report::{Finding, Rank, Sink};
use crate::value::{BlockValue, EntityId, Value};

/// Something that has an error, which was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// An instance of a file: an index into the instances of a [`World`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceId(pub u32);

impl InstanceId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl EntityId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A file with its parameters filled in: the root file, or a module.
#[derive(Debug)]
pub struct Instance {
    /// The file.
    pub unit: UnitId,
    /// The instance that declares the module; none for the root.
    pub parent: Option<InstanceId>,
    /// What stands before an entity's kind in its address: nothing, or `west.`.
    pub prefix: SmolStr,
    /// Where the module's label stands; none for the root.
    pub span: Option<Span>,
    /// Is it only there for the lets of an imported file? Such a one declares nothing.
    pub imported: bool,
    /// Its modules, in the order in which they were made.
    pub children: Vec<InstanceId>,
    pub(crate) params: Vec<Option<Result<Value, Failed>>>,
    pub(crate) lets: Vec<OnceLock<Memo>>,
    pub(crate) statics: Vec<Option<EntityId>>,
    pub(crate) modules: Vec<Option<InstanceId>>,
    /// Its own entities, for each kind by label.
    pub(crate) labels: Vec<HashMap<SmolStr, EntityId>>,
    /// For each kind: the entities of it and of its modules, by address; filled when the layer is sealed.
    pub(crate) sets: Vec<Arc<[EntityId]>>,
    /// For each kind: may entities be missing because a loop, a label or a module has an error?
    pub(crate) partial: Vec<bool>,
    /// Its own entities of each kind, in the order in which they were made.
    pub(crate) own: Vec<Vec<EntityId>>,
}

/// The name of a loop with what it stood for.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The name.
    pub name: SmolStr,
    /// Its slot.
    pub slot: Slot,
    /// The value.
    pub value: Value,
    /// Which item it was, from 1.
    pub item: u32,
    /// Is it the second name of its loop: the value of a map's entry?
    pub second: bool,
}

/// What a field or a let came to.
#[derive(Debug)]
pub(crate) struct Memo {
    pub(crate) result: Result<Value, Failed>,
    /// Through how many others it depends on the farthest.
    pub(crate) levels: u16,
    /// How many expressions were in evaluation inside each other, at most.
    pub(crate) height: u32,
}

/// An entity.
#[derive(Debug)]
pub struct Entity {
    /// Its kind.
    pub kind: Kind,
    /// The instance that declares it.
    pub instance: InstanceId,
    /// Its label.
    pub label: SmolStr,
    /// Its address: `west.cell.usw2-001`.
    pub address: SmolStr,
    /// Its declaration; several entities share that of a loop.
    pub decl: Arc<hir::Entity>,
    /// The names of the loops around it, from outside in.
    pub bindings: Arc<[Binding]>,
    pub(crate) fields: Box<[OnceLock<Memo>]>,
    pub(crate) failed: AtomicBool,
}

/// A file that `file()` read.
pub(crate) type FileText = Result<SmolStr, FileError>;

/// The expansion of a program.
pub struct World<'p> {
    pub(crate) program: &'p Program,
    pub(crate) files: &'p dyn Files,
    pub(crate) options: Options,
    /// The workers; none while it is made (by one of them), or if none could be had.
    pub(crate) pool: Option<rayon::ThreadPool>,
    pub(crate) instances: Vec<Instance>,
    /// For each unit, the instance for what others import of it.
    pub(crate) imports: Vec<InstanceId>,
    pub(crate) root: InstanceId,
    pub(crate) units_by_file: HashMap<FileId, UnitId>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) addresses: HashMap<SmolStr, EntityId>,
    /// Layers whose entities are all known.
    pub(crate) sealed: hir::LayerSet,
    pub(crate) org: Option<EntityId>,
    pub(crate) texts: Mutex<HashMap<SmolStr, FileText>>,
    pub(crate) sink: Sink,
}

impl std::fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("entities", &self.entities.len()).finish_non_exhaustive()
    }
}

impl<'p> World<'p> {
    /// The program.
    pub fn program(&self) -> &'p Program {
        self.program
    }

    /// The limits it was expanded under.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Runs `work` on a worker of the expansion: [`Self::evaluate_for`] is fastest there, and rayon's parallel
    /// iterators in it use the threads the run was given.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) if pool.current_thread_index().is_none() => pool.install(work),
            _ => work(),
        }
    }

    /// A field that is computed for each cell or account, to be computed for many of them, in [`Self::run`].
    pub(crate) fn for_targets(&self, id: EntityId, name: &str) -> ForTargets<'_, 'p> {
        ForTargets::new(self, id, name)
    }

    /// The instance of the root file.
    pub fn root(&self) -> InstanceId {
        self.root
    }

    /// The root and every module, parents before children.
    pub fn instances(&self) -> impl Iterator<Item = (InstanceId, &Instance)> {
        let all = self.instances.iter().enumerate().map(|(at, instance)| (InstanceId(at as u32), instance));
        all.filter(|(_, instance)| !instance.imported)
    }

    /// An instance. INVARIANT: ids come from this world.
    pub fn instance(&self, id: InstanceId) -> &Instance {
        &self.instances[id.index()]
    }

    /// All entities of a kind, of the root and its modules, by address; those with errors too.
    pub fn of(&self, kind: Kind) -> &[EntityId] {
        self.set_of(self.root, kind)
    }

    /// The entities of a kind of an instance and its modules, by address.
    pub fn set_of(&self, instance: InstanceId, kind: Kind) -> &Arc<[EntityId]> {
        &self.instance(instance).sets[kind as usize]
    }

    /// May entities of the kind be missing, because what would declare them has an error? Then a rule that finds
    /// none of them, or too few, says nothing.
    pub fn is_partial(&self, kind: Kind) -> bool {
        self.instance(self.root).partial[kind as usize]
    }

    /// Every entity, in the order in which they were made.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, &Entity)> {
        self.entities.iter().enumerate().map(|(at, entity)| (EntityId(at as u32), entity))
    }

    /// An entity. INVARIANT: ids come from this world.
    pub fn entity(&self, id: EntityId) -> &Entity {
        &self.entities[id.index()]
    }

    /// The entity of an address.
    pub fn find(&self, address: &str) -> Option<EntityId> {
        self.addresses.get(address).copied()
    }

    /// The organization, if the program declares one; the first if it declares several.
    pub fn org(&self) -> Option<EntityId> {
        self.org
    }

    /// Its kind.
    pub fn kind(&self, id: EntityId) -> Kind {
        self.entity(id).kind
    }

    /// Its address: `west.cell.usw2-001`.
    pub fn address(&self, id: EntityId) -> &str {
        &self.entity(id).address
    }

    /// Its label.
    pub fn label(&self, id: EntityId) -> &SmolStr {
        &self.entity(id).label
    }

    /// The field `name` where the kind has one and it is a text, else the label.
    pub fn name(&self, id: EntityId) -> &str {
        self.str_field(id, "name").unwrap_or_else(|| self.label(id))
    }

    /// Has it no error? One with an error takes part in no rule.
    pub fn ok(&self, id: EntityId) -> bool {
        !self.entity(id).failed.load(Ordering::Relaxed)
    }

    /// Says that it has an error. Rules that run side by side must not depend on each other's calls of this.
    pub fn fail(&self, id: EntityId) {
        self.entity(id).failed.store(true, Ordering::Relaxed);
    }

    /// The value of a field: none when it is absent, failed, or no field of the kind.
    pub fn field(&self, id: EntityId, name: &str) -> Option<&Value> {
        self.field_at(id, self.kind(id).spec().position(name)?)
    }

    /// The value of a field by its place in the schema: none when it is absent or failed.
    pub fn field_at(&self, id: EntityId, at: usize) -> Option<&Value> {
        match self.outcome_at(id, at)? {
            Ok(Value::None) | Err(Failed) => None,
            Ok(value) => Some(value),
        }
    }

    /// What a field came to: its value, [`Value::None`] too, or its failure. None when the kind has no such field.
    pub fn outcome(&self, id: EntityId, name: &str) -> Option<&Result<Value, Failed>> {
        self.outcome_at(id, self.kind(id).spec().position(name)?)
    }

    fn outcome_at(&self, id: EntityId, at: usize) -> Option<&Result<Value, Failed>> {
        let slot = self.entity(id).fields.get(at)?;
        // What is not evaluated yet (a layer in the making) counts as failed.
        Some(slot.get().map_or(&Err(Failed), |memo| &memo.result))
    }

    /// The value of a field, [`Value::None`] when there is none.
    pub fn field_or_none(&self, id: EntityId, name: &str) -> &Value {
        self.field(id, name).unwrap_or(&Value::None)
    }

    /// The text of a field.
    pub fn str_field(&self, id: EntityId, name: &str) -> Option<&str> {
        self.field(id, name)?.as_str()
    }

    /// Is the field this text?
    pub fn field_is(&self, id: EntityId, name: &str, text: &str) -> bool {
        self.str_field(id, name) == Some(text)
    }

    /// What the program says of a field, in the entity or in the defaults it uses.
    pub fn setting(&self, id: EntityId, name: &str) -> Option<&Arc<Setting>> {
        let entity = self.entity(id);
        match entity.decl.body.fields.get(entity.kind.spec().position(name)?)? {
            Field::Set(setting) => Some(setting),
            Field::Unset => None,
        }
    }

    /// Where a field is set, in the entity or its defaults; where the label stands if it is not.
    pub fn setting_span(&self, id: EntityId, name: &str) -> Span {
        self.setting(id, name).map_or_else(|| self.label_span(id), |setting| setting.span)
    }

    /// Where its label stands.
    pub fn label_span(&self, id: EntityId) -> Span {
        self.entity(id).decl.label.span
    }

    /// Where the label or the sort of a block stands: what is underlined of one that may be long.
    pub(crate) fn head(&self, block: &BlockValue) -> Span {
        let span = block.span;
        let before = Span { start: 0, end: span.start, ..span };
        let text = self.program().sources.text(before).trim_end();
        let start = match text.strip_suffix('"') {
            Some(inside) => inside.rfind('"'),
            None => text.rfind(|c: char| !c.is_ascii_alphanumeric() && !"_-+=@".contains(c)).map(|at| at + 1),
        };
        match start.filter(|start| *start < text.len()) {
            Some(start) => Span::new(span.file, start, text.len()),
            None => span.head(),
        }
    }

    /// From its kind to its closing brace.
    pub fn span(&self, id: EntityId) -> Span {
        self.entity(id).decl.span
    }

    /// A field that is computed for each cell or account ([`Value::PerTarget`]), for one of them; any other field
    /// as it is. Its findings are reported.
    pub fn evaluate_for(&self, id: EntityId, name: &str, target: EntityId) -> Result<Value, Failed> {
        self.run(|| ForTargets::new(self, id, name).value(target))
    }

    /// Is the entity one of the set? `O(log n)`.
    pub fn contains(&self, set: &[EntityId], id: EntityId) -> bool {
        let address = self.address(id);
        set.binary_search_by(|other| self.address(*other).cmp(address)).is_ok()
    }

    /// Sorts by address and drops repeats: what a set is.
    pub fn sort_set(&self, ids: &mut Vec<EntityId>) {
        ids.sort_by(|a, b| self.address(*a).cmp(self.address(*b)));
        ids.dedup();
    }

    /// For what the loops around an entity stood: `with region = "us-east-1" (item 1)`; empty outside loops.
    pub fn bindings_text(&self, id: EntityId) -> String {
        crate::expand::circumstances(self, &self.entity(id).bindings)
    }

    /// Reports a finding.
    pub fn report(&self, finding: Finding) {
        self.sink.report(finding);
    }

    /// Reports a finding about an entity: those of one code and place, for entities of one loop, become one.
    pub fn report_for(&self, id: EntityId, diagnostic: Diagnostic) {
        let entity = self.entity(id);
        let items = entity.bindings.iter().map(|binding| binding.item).collect();
        let rank = Rank { instance: entity.instance.0, entity: Some(id), target: None, items };
        self.report(Finding { diagnostic, rank, circumstances: self.bindings_text(id) });
    }

    /// Was an error reported?
    pub fn has_errors(&self) -> bool {
        self.sink.has_errors()
    }

    /// Everything reported so far, folded and sorted.
    pub fn take_findings(&self) -> Vec<Diagnostic> {
        self.sink.take()
    }

    /// Everything reported, folded and sorted.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.sink.take()
    }

    pub(crate) fn is_sealed(&self, layer: Layer) -> bool {
        self.sealed.contains(layer)
    }

    /// A let by its place among those of the instance's file.
    pub(crate) fn let_at(&self, instance: InstanceId, at: usize) -> Option<&'p hir::Let> {
        let id = self.program.units.get(self.instance(instance).unit.index())?.lets.get(at)?;
        self.program.lets.get(id.index())
    }

    /// Keeps what a task came to, unless another thread was first: it found the same.
    pub(crate) fn keep(&self, task: Task, memo: Memo) {
        let slot = match task {
            Task::Field(id, at) => {
                if memo.result.is_err() {
                    self.fail(id);
                }
                self.entity(id).fields.get(at)
            }
            Task::Let(id, at) => self.instance(id).lets.get(at),
            Task::Free => None,
        };
        let _ = slot.map(|slot| slot.set(memo));
    }

    /// The instance against which what a file says is evaluated, seen from `own`.
    pub(crate) fn home(&self, own: InstanceId, unit: UnitId) -> InstanceId {
        if self.instance(own).unit == unit { own } else { self.imports.get(unit.index()).copied().unwrap_or(own) }
    }
}

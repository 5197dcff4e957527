//! What evaluates: a stack of locals, the tasks in progress, and the counters of the one on top.
//!
//! Owns steps, levels and heights, the memo of fields and lets, circles, and how a finding gets its
//! circumstances. What an expression means is `eval`'s.
//!
//! INVARIANT: whether a task fails, and what is reported, does not depend on what was evaluated before it. Levels
//! and heights are therefore measured from a root downward, stored with the memo, and counted alike whether a task
//! is looked up or performed; what stops an evaluation because of where its root stands is never stored below it.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{Body, LetId, Slot, Source};
use cell_lang::source::Span;

use super::show;
use crate::budget::{MAX_HEIGHT, MAX_LEVELS};
use crate::report::{Finding, Rank};
use crate::value::{EntityId, Value};
use crate::world::{Binding, Failed, InstanceId, Memo, World};

/// Why an evaluation stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It has an error, which was reported.
    Failed,
    /// It came back to a task in progress, which was reported.
    Circle,
    /// It is too deep, seen from its root, which reports it.
    TooDeep,
}

impl From<Failed> for Stop {
    fn from(_: Failed) -> Self {
        Self::Failed
    }
}

/// What an evaluation comes to.
pub(crate) type Outcome<T = Value> = Result<T, Stop>;

/// Something that is evaluated on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// A field of an entity, by its place in the schema.
    Field(EntityId, usize),
    /// A let of an instance, by its place among those of its file.
    Let(InstanceId, usize),
    /// A header, a label, an argument, an assertion, a value for one cell: nothing refers to it.
    Free,
}

/// A task in progress, with the place in it that reads the next one.
#[derive(Debug)]
struct InProgress {
    task: Task,
    reading: Option<Span>,
}

/// For what something is evaluated: what its findings say of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin<'w> {
    pub(crate) instance: InstanceId,
    pub(crate) entity: Option<EntityId>,
    pub(crate) target: Option<EntityId>,
    pub(crate) bindings: &'w [Binding],
    /// The entity that takes its value from the organization's `accounts`, and the field.
    pub(crate) taker: Option<(EntityId, &'static str)>,
}

impl<'w> Origin<'w> {
    /// Of something in an instance, inside these loops.
    pub(crate) fn of(instance: InstanceId, bindings: &'w [Binding]) -> Self {
        Self { instance, entity: None, target: None, bindings, taker: None }
    }
}

/// The counters of a task.
#[derive(Debug, Clone, Copy)]
struct Meter<'w> {
    origin: Origin<'w>,
    steps: u64,
    calls: usize,
    /// The outermost call in evaluation.
    call: Option<Span>,
    levels: usize,
    /// The height where the task began, and the greatest since.
    start: u32,
    peak: u32,
    /// Loops that were in evaluation when it began.
    loops: usize,
}

/// A loop in evaluation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running<'w> {
    pub(super) source: &'w Source,
    pub(super) base: usize,
    pub(super) item: u32,
}

#[cfg(test)]
thread_local! {
    /// The lowest address that the stack of this thread reached.
    pub(super) static LOWEST: std::cell::Cell<usize> = const { std::cell::Cell::new(usize::MAX) };
}

/// Steps of a task whose budget is spent and was reported.
const SPENT: u64 = u64::MAX >> 1;

/// Evaluates expressions, one at a time.
pub(crate) struct Machine<'w, 'p> {
    pub(crate) world: &'w World<'p>,
    /// The instance whose lets and parameters are read.
    pub(super) instance: InstanceId,
    pub(super) locals: Vec<Value>,
    /// Where the frame begins.
    pub(super) base: usize,
    pub(super) running: Vec<Running<'w>>,
    height: u32,
    tasks: Vec<InProgress>,
    meter: Meter<'w>,
}

impl<'w, 'p> Machine<'w, 'p> {
    fn new(world: &'w World<'p>, origin: Origin<'w>) -> Self {
        let (steps, calls, call, levels, start, peak, loops) = (0, 0, None, 0, 0, 0, 0);
        let meter = Meter { origin, steps, calls, call, levels, start, peak, loops };
        let (locals, running, tasks) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, instance: origin.instance, locals, base: 0, running, height: 0, tasks, meter }
    }

    /// For something that nothing refers to, with a frame of so many slots that holds the names of the loops.
    pub(crate) fn free(world: &'w World<'p>, origin: Origin<'w>, frame: u32) -> Self {
        let mut machine = Self::new(world, origin);
        machine.tasks.push(InProgress { task: Task::Free, reading: None });
        machine.open(frame);
        machine
    }

    /// Goes on counting steps from here; what it counted in the end is [`Self::steps`].
    pub(crate) fn with_steps(mut self, steps: u64) -> Self {
        self.meter.steps = steps;
        self
    }

    /// Steps counted so far.
    pub(crate) fn steps(&self) -> u64 {
        self.meter.steps
    }

    /// Evaluates every field of an entity that is not evaluated yet.
    pub(crate) fn force_entity(world: &'w World<'p>, id: EntityId) {
        let entity = world.entity(id);
        let mut machine = Self::new(world, Origin::of(entity.instance, &[]));
        for (at, field) in entity.fields.iter().enumerate() {
            if field.get().is_none() {
                // Its failure is in its memo.
                let _ = machine.run(Task::Field(id, at), entity.decl.label.span);
            }
        }
    }

    /// Evaluates every let of an instance that is not evaluated yet.
    pub(crate) fn force_lets(world: &'w World<'p>, id: InstanceId) {
        let mut machine = Self::new(world, Origin::of(id, &[]));
        for (at, value) in world.instance(id).lets.iter().enumerate() {
            if let (None, Some(declared)) = (value.get(), world.let_at(id, at)) {
                let _ = machine.run(Task::Let(id, at), declared.span);
            }
        }
    }

    pub(super) fn origin(&self) -> &Origin<'w> {
        &self.meter.origin
    }

    pub(super) fn set_origin(&mut self, origin: Origin<'w>) {
        self.meter.origin = origin;
    }

    // Frames.

    /// Begins a frame above all others: the subject and the names of the loops in their slots.
    pub(super) fn open(&mut self, frame: u32) {
        let origin = self.meter.origin;
        self.base = self.locals.len();
        let bound = origin.bindings.iter().map(|binding| binding.slot.0 + 1).max().unwrap_or(1);
        self.locals.resize(self.base + frame.max(bound) as usize, Value::None);
        if let (Some(id), Some(slot)) = (origin.entity, self.locals.get_mut(self.base)) {
            *slot = Value::Ref(id);
        }
        for binding in origin.bindings {
            self.bind(binding.slot, binding.value.clone());
        }
    }

    /// Sees to it that the frame on top has so many slots.
    pub(super) fn widen(&mut self, frame: u32) {
        let end = self.base + frame as usize;
        if self.locals.len() < end {
            self.locals.resize(end, Value::None);
        }
    }

    /// Puts a value in a slot of the frame.
    pub(super) fn bind(&mut self, slot: Slot, value: Value) {
        if let Some(place) = self.locals.get_mut(self.base + slot.index()) {
            *place = value;
        }
    }

    /// Does something in the context of another instance.
    pub(super) fn within<T>(&mut self, instance: InstanceId, work: impl FnOnce(&mut Self) -> T) -> T {
        let own = std::mem::replace(&mut self.instance, instance);
        let result = work(self);
        self.instance = own;
        result
    }

    /// Does something in a frame of its own.
    pub(super) fn framed<T>(&mut self, frame: u32, work: impl FnOnce(&mut Self) -> T) -> T {
        let (base, len) = (self.base, self.locals.len());
        self.open(frame);
        let result = work(self);
        self.locals.truncate(len);
        self.base = base;
        result
    }

    /// Evaluates a body whose first slots after the subject's are `arguments`.
    pub(super) fn apply(&mut self, body: &'w Body, arguments: usize, at: usize) -> Outcome {
        let base = std::mem::replace(&mut self.base, at);
        self.locals.resize(at + (body.frame as usize).max(arguments + 1), Value::None);
        let result = self.eval(&body.expr);
        self.base = base;
        result
    }

    // Counting.

    /// Counts so many steps.
    pub(super) fn charge(&mut self, steps: u64, span: Span) -> Outcome<()> {
        self.meter.steps = self.meter.steps.saturating_add(steps);
        if self.meter.steps <= self.world.options.max_steps { Ok(()) } else { Err(self.spent(span)) }
    }

    #[cold]
    fn spent(&mut self, span: Span) -> Stop {
        if self.meter.steps < SPENT {
            let call = self.meter.call.unwrap_or(span);
            let most = self.world.options.max_steps;
            let mut finding = Diagnostic::new(Code::BudgetSpent, call, "the step budget is spent")
                .here(format!("this takes more than {most} steps"))
                .help("do less here, or raise the limit with `--max-steps`");
            if call != span {
                finding = finding.also(span, "the last step was here");
            }
            self.report(finding);
        }
        self.meter.steps = SPENT;
        Stop::Failed
    }

    /// Counts a step and a level of nesting; [`Self::leave`] ends the level.
    pub(super) fn enter(&mut self, span: Span) -> Outcome<()> {
        self.charge(1, span)?;
        if self.height >= MAX_HEIGHT {
            return Err(self.too_deep(span));
        }
        #[cfg(test)]
        LOWEST.set(LOWEST.get().min(std::ptr::from_ref(&span).addr()));
        self.height += 1;
        self.meter.peak = self.meter.peak.max(self.height);
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.height -= 1;
    }

    /// Begins a call, or the check of a type.
    pub(super) fn enter_call(&mut self, span: Span) -> Outcome<()> {
        if self.meter.calls == 0 {
            self.meter.call = Some(span);
        }
        self.meter.calls += 1;
        if self.meter.calls <= MAX_LEVELS {
            return Ok(());
        }
        let message = format!("more than {MAX_LEVELS} calls stand in each other");
        let call = self.meter.call.unwrap_or(span);
        let finding = Diagnostic::new(Code::BudgetSpent, call, message).also(span, "the last call was here");
        self.meter.calls -= 1;
        Err(self.fail(finding))
    }

    pub(super) fn leave_call(&mut self) {
        self.meter.calls -= 1;
        if self.meter.calls == 0 {
            self.meter.call = None;
        }
    }

    // Tasks.

    /// Reads a field, evaluating it first if nobody has.
    pub(super) fn read_field(&mut self, id: EntityId, at: usize, span: Span) -> Outcome {
        match self.world.entity(id).fields.get(at) {
            Some(slot) => match slot.get() {
                Some(memo) => self.recall(memo, span),
                None => self.run(Task::Field(id, at), span),
            },
            None => Err(self.broken(span)),
        }
    }

    /// Reads a let of an instance.
    pub(super) fn read_let(&mut self, instance: InstanceId, id: LetId, span: Span) -> Outcome {
        let Some(declared) = self.world.program.lets.get(id.index()) else { return Err(self.broken(span)) };
        let at = declared.index as usize;
        match self.world.instance(instance).lets.get(at) {
            Some(slot) => match slot.get() {
                Some(memo) => self.recall(memo, span),
                None => self.run(Task::Let(instance, at), span),
            },
            None => Err(self.broken(span)),
        }
    }

    /// What is evaluated already counts as deep as if it were evaluated now.
    fn recall(&mut self, memo: &Memo, span: Span) -> Outcome {
        let levels = usize::from(memo.levels);
        if self.tasks.len() + levels > MAX_LEVELS || self.height + memo.height > MAX_HEIGHT {
            return Err(self.too_deep(span));
        }
        self.meter.levels = self.meter.levels.max(levels + 1);
        self.meter.peak = self.meter.peak.max(self.height + memo.height);
        Ok(memo.result.clone()?)
    }

    /// Evaluates a task on this thread. Another may do the same meanwhile: the value is the same, the first is kept.
    fn run(&mut self, task: Task, span: Span) -> Outcome {
        if let Some(at) = self.tasks.iter().position(|other| other.task == task) {
            return Err(self.circle(at, span));
        }
        if self.tasks.len() > MAX_LEVELS {
            return Err(self.too_deep(span));
        }
        if let Some(reader) = self.tasks.last_mut() {
            reader.reading = Some(span);
        }
        let (outer, base, len, instance) = (self.meter, self.base, self.locals.len(), self.instance);
        let (start, loops) = (self.height, self.running.len());
        self.meter = Meter { steps: 0, calls: 0, call: None, levels: 0, start, peak: start, loops, ..outer };
        self.tasks.push(InProgress { task, reading: None });

        let result = self.perform(task);

        let inner = std::mem::replace(&mut self.meter, outer);
        self.tasks.pop();
        self.running.truncate(loops);
        self.locals.truncate(len);
        (self.base, self.instance, self.height) = (base, instance, start);
        self.meter.levels = self.meter.levels.max(inner.levels + 1);
        self.meter.peak = self.meter.peak.max(inner.peak);
        self.settle(task, result, inner, span)
    }

    fn settle(&mut self, task: Task, result: Outcome, inner: Meter<'w>, span: Span) -> Outcome {
        let memo = |result| Memo {
            result,
            levels: u16::try_from(inner.levels).unwrap_or(u16::MAX),
            height: inner.peak.saturating_sub(inner.start),
        };
        let outside = self.tasks.len();
        match result {
            Ok(value) => {
                self.world.keep(task, memo(Ok(value.clone())));
                Ok(value)
            }
            Err(Stop::Failed) => {
                self.world.keep(task, memo(Err(Failed)));
                Err(Stop::Failed)
            }
            // The root keeps its own verdict; a task that the root reads gets its own when it is a root.
            Err(_) if outside == 0 => {
                self.world.keep(task, memo(Err(Failed)));
                Err(Stop::Failed)
            }
            Err(Stop::TooDeep) if outside == 1 => Err(self.too_deep(span)),
            Err(Stop::Circle) if outside == 1 => Err(Stop::Failed),
            Err(stop) => Err(stop),
        }
    }

    fn perform(&mut self, task: Task) -> Outcome {
        match task {
            Task::Field(id, at) => self.perform_field(id, at),
            Task::Let(instance, at) => {
                let Some(declared) = self.world.let_at(instance, at) else { return Err(Stop::Failed) };
                self.instance = instance;
                self.meter.origin = Origin::of(instance, &[]);
                self.open(declared.value.frame);
                self.eval(&declared.value.expr)
            }
            Task::Free => Err(Stop::Failed),
        }
    }

    #[cold]
    fn too_deep(&mut self, span: Span) -> Stop {
        if self.tasks.len() > 1 {
            return Stop::TooDeep;
        }
        // Whoever reads this is too deep as well.
        self.meter.levels = MAX_LEVELS + 1;
        let name = self.tasks.last().map_or_else(String::new, |top| show::task(self.world, top.task));
        let what = if name.is_empty() { "this".to_owned() } else { format!("`{name}`") };
        let message = format!("{what} depends on more than {MAX_LEVELS} others in a row");
        let finding = Diagnostic::new(Code::BudgetSpent, self.meter.call.unwrap_or(span), message);
        self.fail(finding.help("compute it from fewer, such as with one expression over a list"))
    }

    #[cold]
    fn circle(&mut self, at: usize, span: Span) -> Stop {
        if let Some(reader) = self.tasks.last_mut() {
            reader.reading = Some(span);
        }
        let Some(members) = self.tasks.get(at..) else { return Stop::Circle };
        let mut steps: Vec<(Span, String)> =
            members.iter().map(|m| (m.reading.unwrap_or(span), show::task(self.world, m.task))).collect();
        // The same circle reads the same wherever one enters it.
        let least = (0..steps.len()).min_by_key(|start| {
            let mut turned = steps.clone();
            turned.rotate_left(*start);
            turned
        });
        steps.rotate_left(least.unwrap_or(0));
        let Some((place, first)) = steps.first().cloned() else { return Stop::Circle };
        let chain: Vec<&str> = steps.iter().map(|(_, name)| name.as_str()).chain([first.as_str()]).collect();
        let message = format!("fields need each other: {}", chain.join(" → "));
        let mut finding = Diagnostic::new(Code::FieldCircle, place, message);
        for (at, (place, _)) in steps.iter().enumerate() {
            let text = format!("needs `{}`", chain.get(at + 1).copied().unwrap_or_default());
            finding = if at == 0 { finding.here(text) } else { finding.also(*place, text) };
        }
        self.world.report(Finding::new(finding.help("set one of them to a value that needs none of the others")));
        Stop::Circle
    }

    // Findings.

    /// Reports a finding with its circumstances.
    pub(super) fn report(&self, mut finding: Diagnostic) {
        let origin = &self.meter.origin;
        let mut bindings = origin.bindings.to_vec();
        bindings.extend(self.running.iter().skip(self.meter.loops).flat_map(|running| self.bound(running)));
        if let Some((taker, field)) = origin.taker {
            let text = format!("`{}` takes its `{field}` from there", self.world.address(taker));
            finding = finding.also(self.world.label_span(taker), text);
        }
        let items = bindings.iter().map(|binding| binding.item).collect();
        let rank = Rank { instance: origin.instance.0, entity: origin.entity, target: origin.target, items };
        let mut parts = vec![super::circumstances(self.world, &bindings)];
        parts.extend(origin.target.map(|target| format!("for {}", self.world.address(target))));
        parts.retain(|part| !part.is_empty());
        self.world.report(Finding { diagnostic: finding, rank, circumstances: parts.join(", ") });
    }

    /// Reports a finding: the evaluation cannot go on.
    #[cold]
    pub(super) fn fail(&self, finding: Diagnostic) -> Stop {
        self.report(finding);
        Stop::Failed
    }

    /// A value of another type than the checker promised. Cannot happen; if it does, it is said.
    #[cold]
    pub(super) fn broken(&self, span: Span) -> Stop {
        self.fail(Diagnostic::new(Code::TypeMismatch, span, "this value is of another kind than its type says"))
    }

    /// What the innermost loop stands for.
    pub(super) fn running_text(&self) -> Option<String> {
        let bindings: Vec<Binding> = self.bound(self.running.last()?).collect();
        Some(super::circumstances(self.world, &bindings))
    }

    fn bound(&self, running: &Running<'w>) -> impl Iterator<Item = Binding> {
        let both = [(Some(&running.source.first), false), (running.source.second.as_ref(), true)];
        let (base, item) = (running.base, running.item);
        both.into_iter().filter_map(move |(bound, second)| {
            let (name, slot) = bound?;
            let value = self.locals.get(base + slot.index()).cloned().unwrap_or(Value::None);
            Some(Binding { name: name.clone(), slot: *slot, value, item, second })
        })
    }
}

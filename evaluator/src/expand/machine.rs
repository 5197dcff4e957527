//! What evaluates: a stack of locals, and the counters of the task on top.
//!
//! Owns frames, steps and nesting, and how a finding gets its circumstances. Which tasks there are and what becomes
//! of their values is `tasks`'; what an expression means is `eval`'s.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::{Body, Slot, Source};
use cell_lang::source::Span;

use super::questions::Answers;
use super::tasks::{InProgress, Task};
use crate::budget::MAX_HEIGHT;
use crate::report::{Finding, Rank};
use crate::value::{EntityId, Value};
use crate::world::{Binding, Failed, InstanceId, World};

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
pub(super) struct Meter<'w> {
    pub(super) origin: Origin<'w>,
    pub(super) steps: u64,
    pub(super) calls: usize,
    /// The outermost call in evaluation.
    pub(super) call: Option<Span>,
    pub(super) levels: usize,
    /// The height where the task began, and the greatest since.
    pub(super) start: u32,
    pub(super) peak: u32,
    /// Loops that were in evaluation when it began.
    pub(super) loops: usize,
}

impl<'w> Meter<'w> {
    fn new(origin: Origin<'w>) -> Self {
        Self { origin, steps: 0, calls: 0, call: None, levels: 0, start: 0, peak: 0, loops: 0 }
    }
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
    pub(super) height: u32,
    pub(super) tasks: Vec<InProgress>,
    pub(super) meter: Meter<'w>,
    /// Who answers the questions of a test; nobody elsewhere.
    pub(super) answers: Option<&'w dyn Answers>,
}

impl<'w, 'p> Machine<'w, 'p> {
    pub(super) fn new(world: &'w World<'p>, origin: Origin<'w>) -> Self {
        let (locals, running, tasks) = (Vec::new(), Vec::new(), Vec::new());
        let meter = Meter::new(origin);
        Self { world, instance: origin.instance, locals, base: 0, running, height: 0, tasks, meter, answers: None }
    }

    /// For something that nothing refers to, with a frame of so many slots that holds the names of the loops.
    pub(crate) fn free(world: &'w World<'p>, origin: Origin<'w>, frame: u32) -> Self {
        let mut machine = Self::new(world, origin);
        machine.tasks.push(InProgress { task: Task::Free, reading: None });
        machine.open(frame);
        machine
    }

    /// The same frame once more, after an evaluation that did not fail: for another target, from no steps.
    pub(super) fn again(mut self, origin: Origin<'w>) -> Self {
        self.meter = Meter::new(origin);
        self
    }

    /// For a test: one that may ask.
    pub(super) fn asking(mut self, answers: &'w dyn Answers) -> Self {
        self.answers = Some(answers);
        self
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
            let most = crate::limits::grouped(usize::try_from(self.world.options.max_steps).unwrap_or(usize::MAX));
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
        let most = self.world.options.max_depth;
        if self.meter.calls <= most {
            return Ok(());
        }
        let message = format!("more than {most} calls stand in each other");
        let call = self.meter.call.unwrap_or(span);
        let finding = Diagnostic::new(Code::BudgetSpent, call, message)
            .also(span, "the last call was here")
            .help("raise the limit with `--max-depth`");
        self.meter.calls -= 1;
        Err(self.fail(finding))
    }

    pub(super) fn leave_call(&mut self) {
        self.meter.calls -= 1;
        if self.meter.calls == 0 {
            self.meter.call = None;
        }
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
        let shown = |place: Span| finding.labels.iter().any(|label| label.span == place);
        if let Some(call) = self.meter.call.filter(|call| !shown(*call)) {
            finding = finding.also(call, "called here");
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

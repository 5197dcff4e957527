//! Fields and lets as tasks: each is evaluated once, when it is first read. Owns the memo, levels and circles.
//!
//! INVARIANT: whether a task fails, and what is reported, does not depend on what was evaluated before it. Levels
//! and heights are therefore measured from a root downward, stored with the memo, and counted alike whether a task
//! is looked up or performed; what stops an evaluation because of where its root stands is never stored below it.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::hir::LetId;
use cell_lang::source::Span;

use super::machine::{Machine, Meter, Origin, Outcome, Stop};
use super::show;
use crate::budget::MAX_HEIGHT;
use crate::report::Finding;
use crate::value::EntityId;
use crate::world::{Failed, InstanceId, Memo, World};

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
pub(super) struct InProgress {
    pub(super) task: Task,
    pub(super) reading: Option<Span>,
}

impl<'w, 'p> Machine<'w, 'p> {
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
        if self.tasks.len() + levels > self.world.options.max_depth || self.height + memo.height > MAX_HEIGHT {
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
        if self.tasks.len() > self.world.options.max_depth {
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
    pub(super) fn too_deep(&mut self, span: Span) -> Stop {
        if self.tasks.len() > 1 {
            return Stop::TooDeep;
        }
        // Whoever reads this is too deep as well.
        let most = self.world.options.max_depth;
        self.meter.levels = most + 1;
        let name = self.tasks.last().map_or_else(String::new, |top| show::task(self.world, top.task));
        let what = if name.is_empty() { "this".to_owned() } else { format!("`{name}`") };
        let message = format!("{what} depends on more than {most} others in a row");
        let finding = Diagnostic::new(Code::BudgetSpent, self.meter.call.unwrap_or(span), message);
        self.fail(finding.help(
            "compute it from fewer, such as with one expression over a list; or raise the limit with `--max-depth`",
        ))
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
}

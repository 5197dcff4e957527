//! What may begin: a pure state machine over the operations of a plan.
//!
//! Owns the order: an operation begins when what it needs is done, a lane of its service is free, and nothing else
//! works on its account. A failure keeps only those back that need what failed. Every step takes the time of a
//! look-up by address, whatever the size of the plan.

use std::collections::{BTreeMap, BTreeSet};

use super::lanes::Lanes;
use crate::plan::model::{Limits, Operation, OperationId, Service, Verb};

/// Accounts that are closed at once: AWS refuses more. (AWS Organizations quotas)
const CLOSINGS: u64 = 3;

/// Policies of repositories that are written at once: each account has limits of its own.
const REPOSITORIES: u64 = 4;

/// Stacks that are worked on at once: each is in an account and region that have limits of their own.
pub(crate) const STACKS: u64 = 16;

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It waits for so many others.
    Waiting(u32),
    /// It may begin.
    Ready,
    /// It is under way.
    Running,
    /// Its service is through with it, and what it did was not seen yet: it takes no lane and no account.
    Unseen,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// It is not begun, since this one failed.
    Skipped(OperationId),
}

/// Operations in their order.
#[derive(Debug)]
pub(super) struct Schedule<'p> {
    operations: &'p [Operation],
    stages: Vec<Stage>,
    /// Who waits for each.
    waiting: Vec<Vec<OperationId>>,
    ready: BTreeMap<Service, BTreeSet<OperationId>>,
    /// Operations on an account, each account one at a time.
    queues: BTreeMap<&'p str, BTreeSet<OperationId>>,
    /// The first of each account that is free, where one is ready.
    heads: BTreeSet<(OperationId, &'p str)>,
    busy: BTreeSet<&'p str>,
    provisions: BTreeSet<OperationId>,
    provisioning: bool,
    running: BTreeMap<Service, usize>,
    unseen: usize,
    lanes: Lanes,
    creations: u64,
    left: usize,
}

impl<'p> Schedule<'p> {
    /// Of a plan's operations. INVARIANT: each needs only earlier ones, which a plan file is held to.
    pub(super) fn new(operations: &'p [Operation], limits: Limits) -> Self {
        let stages = operations.iter().map(|operation| Stage::Waiting(operation.needs.len() as u32)).collect();
        let mut waiting = vec![Vec::new(); operations.len()];
        for operation in operations {
            for need in &operation.needs {
                if let Some(list) = waiting.get_mut(need.0 as usize) {
                    list.push(operation.id);
                }
            }
        }
        let mut schedule = Self {
            operations,
            stages,
            waiting,
            ready: BTreeMap::new(),
            queues: BTreeMap::new(),
            heads: BTreeSet::new(),
            busy: BTreeSet::new(),
            provisions: BTreeSet::new(),
            provisioning: false,
            running: BTreeMap::new(),
            unseen: 0,
            lanes: Lanes::new(limits.lanes),
            creations: limits.creations,
            left: operations.len(),
        };
        for operation in operations.iter().filter(|operation| operation.needs.is_empty()) {
            schedule.make_ready(operation.id);
        }
        schedule
    }

    /// The next operation that may begin now; it counts as begun.
    pub(super) fn next(&mut self) -> Option<&'p Operation> {
        let id = self.next_local().or_else(|| self.next_center()).or_else(|| self.next_organization());
        let id = id.or_else(|| self.next_repository()).or_else(|| self.next_stack())?;
        if let Some(stage) = self.stages.get_mut(id.0 as usize) {
            *stage = Stage::Running;
        }
        let operation = self.operations.get(id.0 as usize)?;
        *self.running.entry(lane(operation)).or_default() += 1;
        Some(operation)
    }

    /// The service is through with an operation, and has pushed back so often in all: its lane and its account are
    /// free, but what needs it waits until it was seen. The number of lanes, where it became smaller by this.
    pub(super) fn left(&mut self, id: OperationId, pushes: u64) -> Option<u64> {
        let operation = self.operations.get(id.0 as usize)?;
        if let Some(stage) = self.stages.get_mut(id.0 as usize) {
            *stage = Stage::Unseen;
            self.unseen += 1;
        }
        self.leave(operation, pushes)
    }

    fn leave(&mut self, operation: &'p Operation, pushes: u64) -> Option<u64> {
        let service = lane(operation);
        if let Some(count) = self.running.get_mut(&service) {
            *count = count.saturating_sub(1);
        }
        if let Some(account) = account(operation) {
            self.busy.remove(account);
            self.offer(account);
        }
        if operation.verb == Verb::Provision {
            self.provisioning = false;
        }
        let flying = self.count(Service::IdentityCenter);
        if service == Service::IdentityCenter { self.lanes.ended(flying, pushes) } else { None }
    }

    /// An operation has ended, and IAM Identity Center has pushed back so often in all. Those that need a failed one
    /// are skipped. The number of lanes, where it became smaller by this.
    pub(super) fn ended(&mut self, id: OperationId, well: bool, pushes: u64) -> Option<u64> {
        let operation = self.operations.get(id.0 as usize)?;
        let fewer = if self.stages.get(id.0 as usize) == Some(&Stage::Unseen) {
            self.unseen = self.unseen.saturating_sub(1);
            None
        } else {
            self.leave(operation, pushes)
        };
        self.settle(id, if well { Stage::Done } else { Stage::Failed });
        if well {
            for next in self.waiting.get(id.0 as usize).cloned().unwrap_or_default() {
                let Some(Stage::Waiting(count)) = self.stages.get_mut(next.0 as usize) else { continue };
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.make_ready(next);
                }
            }
        } else {
            self.skip_from(id);
        }
        fewer
    }

    /// Does something wait for these alone, which were not seen yet?
    pub(super) fn holds_back(&self, unseen: impl Iterator<Item = OperationId>) -> bool {
        let mut held: BTreeMap<OperationId, u32> = BTreeMap::new();
        for next in unseen.filter_map(|id| self.waiting.get(id.0 as usize)).flatten() {
            *held.entry(*next).or_default() += 1;
        }
        held.iter().any(|(id, count)| self.stages.get(id.0 as usize) == Some(&Stage::Waiting(*count)))
    }

    /// Is nothing of IAM Identity Center under way, and nothing there that could begin?
    pub(super) fn is_idle(&self) -> bool {
        let none_ready = self.ready.get(&Service::IdentityCenter).is_none_or(BTreeSet::is_empty);
        self.count(Service::IdentityCenter) == 0 && none_ready && self.heads.is_empty() && self.provisions.is_empty()
    }

    fn skip_from(&mut self, failed: OperationId) {
        let mut stack = self.waiting.get(failed.0 as usize).cloned().unwrap_or_default();
        while let Some(id) = stack.pop() {
            if matches!(self.stages.get(id.0 as usize), Some(Stage::Waiting(_))) {
                self.settle(id, Stage::Skipped(failed));
                stack.extend(self.waiting.get(id.0 as usize).cloned().unwrap_or_default());
            }
        }
    }

    fn settle(&mut self, id: OperationId, stage: Stage) {
        if let Some(slot) = self.stages.get_mut(id.0 as usize) {
            *slot = stage;
            self.left = self.left.saturating_sub(1);
        }
    }

    /// How far each is.
    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Has everything ended, or can nothing begin any more?
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// How many are under way, those too that were not seen yet.
    pub(super) fn in_flight(&self) -> usize {
        self.running.values().sum::<usize>() + self.unseen
    }

    fn make_ready(&mut self, id: OperationId) {
        let Some(operation) = self.operations.get(id.0 as usize) else { return };
        if let Some(stage) = self.stages.get_mut(id.0 as usize) {
            *stage = Stage::Ready;
        }
        if let Some(account) = account(operation) {
            let queue = self.queues.entry(account).or_default();
            let first = queue.first().copied();
            queue.insert(id);
            if !self.busy.contains(account) {
                self.heads.extend(first.is_none().then_some((id, account)));
            }
        } else if operation.verb == Verb::Provision {
            self.provisions.insert(id);
        } else {
            self.ready.entry(lane(operation)).or_default().insert(id);
        }
    }

    /// Puts the first of a free account's queue where it can be begun.
    fn offer(&mut self, account: &'p str) {
        if let Some(first) = self.queues.get(account).and_then(|queue| queue.first()) {
            self.heads.insert((*first, account));
        }
    }

    fn count(&self, service: Service) -> u64 {
        self.running.get(&service).copied().unwrap_or(0) as u64
    }

    fn take(&mut self, service: Service) -> Option<OperationId> {
        self.ready.get_mut(&service)?.pop_first()
    }

    fn next_local(&mut self) -> Option<OperationId> {
        self.take(Service::Record)
    }

    /// Creations and closings take long and wait most of it: their lanes are not that of the other writes.
    fn next_organization(&mut self) -> Option<OperationId> {
        if self.count(Service::Creation) < self.creations
            && let Some(id) = self.take(Service::Creation)
        {
            return Some(id);
        }
        if self.count(Service::Closing) < CLOSINGS
            && let Some(id) = self.take(Service::Closing)
        {
            return Some(id);
        }
        if self.count(Service::Organizations) == 0 { self.take(Service::Organizations) } else { None }
    }

    fn next_repository(&mut self) -> Option<OperationId> {
        if self.count(Service::Repositories) < REPOSITORIES { self.take(Service::Repositories) } else { None }
    }

    /// Stacks take no lane of anybody else.
    fn next_stack(&mut self) -> Option<OperationId> {
        if self.count(Service::Stacks) < STACKS { self.take(Service::Stacks) } else { None }
    }

    fn next_center(&mut self) -> Option<OperationId> {
        if self.count(Service::IdentityCenter) >= self.lanes.open() || self.provisioning {
            return None;
        }
        // A provisioning works on many accounts: nothing else does meanwhile.
        if self.busy.is_empty()
            && let Some(id) = self.provisions.pop_first()
        {
            self.provisioning = true;
            return Some(id);
        }
        if let Some(id) = self.take(Service::IdentityCenter) {
            return Some(id);
        }
        if !self.provisions.is_empty() {
            return None;
        }
        let (id, account) = self.heads.pop_first()?;
        self.busy.insert(account);
        if let Some(queue) = self.queues.get_mut(account) {
            queue.remove(&id);
        }
        Some(id)
    }
}

/// Whose lane an operation takes.
fn lane(operation: &Operation) -> Service {
    match operation.verb {
        Verb::Tag { .. } if crate::plan::cost::is_set(&operation.address) => Service::IdentityCenter,
        _ => operation.verb.service(),
    }
}

/// The account that an operation works on alone.
fn account(operation: &Operation) -> Option<&str> {
    match &operation.verb {
        Verb::Assign { target, .. } | Verb::Unassign { target, .. } => Some(target),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::model::Fields;

    const LIMITS: Limits = Limits { tps: 15, organizations_tps: 8, lanes: 3, creations: 1 };

    fn operations(all: Vec<(Verb, Vec<u32>)>) -> Vec<Operation> {
        let one = |(at, (verb, needs)): (usize, (Verb, Vec<u32>))| Operation {
            id: OperationId(at as u32),
            address: format!("x.{at}"),
            verb,
            needs: needs.into_iter().map(OperationId).collect(),
            sets: Fields::new(),
        };
        all.into_iter().enumerate().map(one).collect()
    }

    fn assign(account: &str) -> Verb {
        Verb::Assign { set: "s".into(), principal: "p".into(), target: account.into() }
    }

    #[test]
    fn an_account_is_worked_on_one_at_a_time() {
        let all = operations(vec![(assign("a"), vec![]), (assign("a"), vec![]), (assign("b"), vec![])]);
        let mut schedule = Schedule::new(&all, LIMITS);
        let begun: Vec<u32> = std::iter::from_fn(|| schedule.next()).map(|operation| operation.id.0).collect();
        assert_eq!(begun, [0, 2]);
        schedule.ended(OperationId(0), true, 0);
        assert_eq!(schedule.next().map(|operation| operation.id.0), Some(1));
    }

    #[test]
    fn what_was_not_seen_yet_keeps_no_lane_and_all_that_needs_it() {
        let all = operations(vec![
            (assign("a"), vec![]),
            (assign("a"), vec![]),
            (assign("b"), vec![]),
            (assign("c"), vec![0, 2]),
        ]);
        let mut schedule = Schedule::new(&all, Limits { lanes: 1, ..LIMITS });
        let next = |schedule: &mut Schedule<'_>| schedule.next().map(|operation| operation.id.0);
        assert_eq!((next(&mut schedule), next(&mut schedule)), (Some(0), None));
        schedule.left(OperationId(0), 0);
        assert_eq!((next(&mut schedule), next(&mut schedule)), (Some(1), None), "its lane and its account are free");
        schedule.left(OperationId(1), 0);
        assert_eq!(next(&mut schedule), Some(2));
        schedule.left(OperationId(2), 0);
        assert_eq!((schedule.in_flight(), schedule.is_idle()), (3, true));
        let held = |ids: &[u32]| ids.iter().map(|id| OperationId(*id)).collect::<Vec<_>>().into_iter();
        assert_eq!([schedule.holds_back(held(&[0, 1])), schedule.holds_back(held(&[0, 2]))], [false, true]);
        schedule.ended(OperationId(0), true, 0);
        assert_eq!(next(&mut schedule), None, "one of two that it needs was not seen");
        schedule.ended(OperationId(2), true, 0);
        assert_eq!(next(&mut schedule), Some(3));
    }

    #[test]
    fn fewer_begin_when_the_service_pushes_back() {
        let all = operations(["a", "b", "c", "d", "e", "f"].map(|account| (assign(account), vec![])).into());
        let mut schedule = Schedule::new(&all, LIMITS);
        let begin = |schedule: &mut Schedule<'_>| std::iter::from_fn(|| schedule.next()).count();
        assert_eq!(begin(&mut schedule), 3);
        assert_eq!(schedule.ended(OperationId(0), true, 2), Some(1));
        assert_eq!(begin(&mut schedule), 0, "two are under way, and one may be");
        assert_eq!(schedule.ended(OperationId(1), true, 2), None);
        assert_eq!(schedule.ended(OperationId(2), true, 2), None);
        assert_eq!(begin(&mut schedule), 1);
        assert_eq!(schedule.ended(OperationId(3), true, 2), None);
        assert_eq!(begin(&mut schedule), 2, "a calm round opens one more");
    }

    #[test]
    fn a_failure_keeps_back_only_what_needs_it() {
        let all = operations(vec![
            (assign("a"), vec![]),
            (assign("b"), vec![0]),
            (assign("c"), vec![1]),
            (assign("d"), vec![]),
        ]);
        let mut schedule = Schedule::new(&all, LIMITS);
        while let Some(operation) = schedule.next() {
            schedule.ended(operation.id, operation.id.0 != 0, 0);
        }
        let skipped = Stage::Skipped(OperationId(0));
        assert_eq!(schedule.stages(), [Stage::Failed, skipped, skipped, Stage::Done]);
        assert!(schedule.is_over());
    }

    proptest! {
        /// Whatever waits for what: everything ends, nothing begins before what it needs, no limit is passed.
        #[test]
        fn everything_ends_in_order(
            shape in proptest::collection::vec((0_u8..5, proptest::collection::vec(any::<u16>(), 0..3), 0_u8..4), 1..60),
            picks in proptest::collection::vec(any::<u16>(), 200),
        ) {
            let all = operations(shape.iter().enumerate().map(|(at, (kind, needs, account))| {
                let verb = match kind {
                    0 => Verb::CreateAccount { email: String::new(), name: String::new(), tags: BTreeMap::default() },
                    1 => Verb::MoveAccount { to: "root".into() },
                    2 => Verb::Provision,
                    3 => Verb::DeleteInlinePolicy,
                    _ => assign(["a", "b", "c", "d"][usize::from(*account)]),
                };
                let needs: BTreeSet<u32> = needs.iter().filter(|_| at > 0).map(|need| u32::from(*need) % at as u32).collect();
                (verb, needs.into_iter().collect())
            }).collect());
            let mut schedule = Schedule::new(&all, LIMITS);
            let (mut running, mut done): (Vec<OperationId>, BTreeSet<OperationId>) = Default::default();
            let mut picks = picks.into_iter().cycle();
            while !schedule.is_over() {
                while let Some(operation) = schedule.next() {
                    prop_assert!(operation.needs.iter().all(|need| done.contains(need)));
                    running.push(operation.id);
                    let of = |service| running.iter().filter(|id| lane(&all[id.0 as usize]) == service).count();
                    prop_assert!(of(Service::IdentityCenter) <= 3 && of(Service::Creation) <= 1 && of(Service::Organizations) <= 1);
                }
                prop_assert!(!running.is_empty(), "nothing is under way and something is left");
                let at = usize::from(picks.next().unwrap_or_default()) % running.len();
                let id = running.swap_remove(at);
                done.insert(id);
                schedule.ended(id, true, 0);
            }
        }
    }
}

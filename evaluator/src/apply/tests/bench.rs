//! A bench: a cloud, a place for the record and a clock; programs are planned and run against it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::cloud::FakeCloud;
use super::store::FakeStore;
use super::time::{Life, StillClock};
use super::world;
use crate::apply::journal::{Journal, JournalError, load};
use crate::apply::published;
use crate::apply::receipt::{Ending, Outcome, Receipt};
use crate::apply::{Run, Watcher};
use crate::live::{Depth, Live, Reader, recorded};
use crate::plan::desired::Desired;
use crate::plan::fault::Fault;
use crate::plan::model::{Operation, Plan};
use crate::plan::scope::Scope;
use crate::plan::{Command, Question, drift, file, moves, plan};
use crate::provider::{CloudError, Provider};
use crate::registry::record::{Principal, Record};
use crate::registry::store::{Lease, Owner, Store};
use crate::releases::Kept;

/// Groups that exist.
pub(crate) const GROUPS: [&str; 5] = ["ops", "dev", "sec", "audit", "guests"];

/// When everything begins.
pub(crate) fn dawn() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

/// What a program asks for, at dawn.
pub(crate) fn desired(program: &str) -> Desired {
    desired_at(program, dawn())
}

/// What a program asks for at an instant.
pub(crate) fn desired_at(program: &str, at: Timestamp) -> Desired {
    crate::rules::tests::expanded(program, |world| Desired::new(world, &crate::resources::derive(world), at))
}

/// The part that `--only` names.
pub(crate) fn only(addresses: &[&str]) -> Scope {
    Scope { only: addresses.iter().map(|address| (*address).to_owned()).collect(), except: Vec::new() }
}

/// Why there is no plan.
#[derive(Debug)]
pub(crate) enum NoPlan {
    /// The cloud could not be read.
    Cloud(CloudError),
    /// The program has to be mended.
    Faults(Vec<Fault>),
}

impl NoPlan {
    /// The codes, in order, each once.
    pub(crate) fn codes(&self) -> String {
        match self {
            Self::Cloud(error) => error.to_string(),
            Self::Faults(faults) => {
                let mut all: Vec<&str> = faults.iter().map(|fault| fault.code.as_str()).collect();
                all.dedup();
                all.join(" ")
            }
        }
    }
}

/// Looks on: says when something begins.
struct Looker<'a>(Mutex<&'a mut (dyn FnMut(&Operation) + Send)>);

impl Watcher for Looker<'_> {
    fn began(&self, operation: &Operation) {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))(operation);
    }

    fn ended(&self, _: &Operation, _: &Outcome) {}

    fn remark(&self, _: &str) {}
}

/// The bench.
pub(crate) struct Bench {
    pub(crate) cloud: FakeCloud,
    pub(crate) store: FakeStore,
    pub(crate) clock: Arc<StillClock>,
    pub(crate) life: Arc<Life>,
    runs: AtomicU32,
}

impl Bench {
    /// With an empty organization and no record.
    pub(crate) fn new() -> Self {
        let (clock, life) = (Arc::new(StillClock::new(dawn())), Arc::new(Life::default()));
        let cloud = FakeCloud::new(clock.clone(), life.clone(), &GROUPS);
        let store = FakeStore::new(life.clone());
        Self { cloud, store, clock, life, runs: AtomicU32::new(0) }
    }

    /// With what these programs left, applied one after another.
    pub(crate) fn after(programs: &[&Desired]) -> Self {
        let bench = Self::new();
        for program in programs {
            let (_, receipt) = bench.apply(program);
            assert_eq!(receipt.ending, Ending::Done, "{:#?}", receipt.failed().collect::<Vec<_>>());
        }
        bench.cloud.count_anew();
        bench
    }

    /// Another bench where all is the same.
    pub(crate) fn copy(&self) -> Self {
        let (clock, life) = (Arc::new(StillClock::new(self.clock.at())), Arc::new(Life::default()));
        let cloud = self.cloud.copy(clock.clone(), life.clone());
        let store = self.store.copy(life.clone());
        Self { cloud, store, clock, life, runs: AtomicU32::new(self.runs.load(Ordering::Relaxed)) }
    }

    /// The record as it lies there.
    pub(crate) fn record(&self) -> Record {
        load(&self.store).unwrap().record
    }

    /// What is read for a program.
    pub(crate) fn read(&self, desired: &Desired, scope: &Scope, depth: Depth) -> Result<Live, CloudError> {
        let record = self.record();
        let record = moves::follow(desired, &record).0;
        let lanes = usize::try_from(desired.org.limits.lanes).unwrap();
        let live = Reader {
            provider: &self.cloud,
            clock: self.clock.as_ref(),
            desired,
            record: &record,
            scope,
            depth,
            lanes,
        }
        .read()?;
        Ok(Live { read_at: Some(dawn()), ..live })
    }

    /// The plan of a part, to an end.
    pub(crate) fn try_plan(&self, desired: &Desired, scope: &Scope, command: Command) -> Result<Plan, NoPlan> {
        let live = self.read(desired, scope, command.depth()).map_err(NoPlan::Cloud)?;
        let record = self.record();
        let (record, origins) = moves::follow(desired, &record);
        self.ask(desired, (&record, &origins), (&live, &BTreeMap::new()), scope, command)
    }

    /// The plan of a part, with what the books of releases say.
    pub(crate) fn plan_with(
        &self,
        desired: &Desired,
        kept: &BTreeMap<String, Kept>,
        scope: &Scope,
    ) -> Result<Plan, NoPlan> {
        self.plan_of(desired, kept, scope, Command::Apply)
    }

    /// The plan of a command, where the books say this.
    pub(crate) fn plan_of(
        &self,
        desired: &Desired,
        kept: &BTreeMap<String, Kept>,
        scope: &Scope,
        command: Command,
    ) -> Result<Plan, NoPlan> {
        let live = self.read(desired, scope, Depth::Plan).map_err(NoPlan::Cloud)?;
        let record = self.record();
        let (record, origins) = moves::follow(desired, &record);
        self.ask(desired, (&record, &origins), (&live, kept), scope, command)
    }

    fn ask(
        &self,
        desired: &Desired,
        record: (&Record, &BTreeMap<String, String>),
        (live, kept): (&Live, &BTreeMap<String, Kept>),
        scope: &Scope,
        command: Command,
    ) -> Result<Plan, NoPlan> {
        plan(&self.question(desired, record, (live, kept), scope, command)).map_err(NoPlan::Faults)
    }

    pub(crate) fn question<'q>(
        &self,
        desired: &'q Desired,
        record: (&'q Record, &'q BTreeMap<String, String>),
        (live, kept): (&'q Live, &'q BTreeMap<String, Kept>),
        scope: &'q Scope,
        command: Command,
    ) -> Question<'q> {
        Question {
            desired,
            record,
            live,
            kept,
            scope,
            command,
            at: dawn(),
            cloud: "memory",
            registry: self.store.place(),
            limits: desired.org.limits,
        }
    }

    /// The plan of a whole program.
    #[track_caller]
    pub(crate) fn plan(&self, desired: &Desired) -> Plan {
        self.try_plan(desired, &Scope::default(), Command::Apply).unwrap()
    }

    /// The plan of a whole program that reads nothing.
    pub(crate) fn unread(&self, desired: &Desired) -> Result<Plan, NoPlan> {
        let record = self.record();
        let (record, origins) = moves::follow(desired, &record);
        let live = recorded::recorded(desired, &record);
        self.ask(desired, (&record, &origins), (&live, &BTreeMap::new()), &Scope::default(), Command::Apply)
    }

    /// What was changed outside since the last run, by a plan that asks for what the record says.
    pub(crate) fn drift(&self, desired: &Desired) -> Plan {
        let record = self.record();
        let wished = recorded::wished(desired, &record);
        let live = self.read(&wished, &Scope::default(), Depth::Drift).unwrap();
        let (nothing, kept, whole) = (BTreeMap::new(), BTreeMap::new(), Scope::default());
        drift(&self.question(&wished, (&record, &nothing), (&live, &kept), &whole, Command::Apply)).unwrap()
    }

    fn lease(&self) -> Lease {
        let number = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        let owner = Owner {
            run: format!("run-{number}"),
            who: "test".to_owned(),
            process: number,
            command: "apply".to_owned(),
            since: self.clock.at(),
        };
        self.store.lock(&owner).unwrap()
    }

    /// Runs a plan.
    pub(crate) fn run(&self, desired: &Desired, plan: &Plan) -> Receipt {
        self.watched(desired, plan, &AtomicBool::new(false), &mut |_| {}).unwrap()
    }

    /// Runs a plan, watched, until it is told to stop.
    pub(crate) fn watched(
        &self,
        desired: &Desired,
        plan: &Plan,
        stop: &AtomicBool,
        look: &mut (dyn FnMut(&Operation) + Send),
    ) -> Result<Receipt, JournalError> {
        let lease = self.lease();
        let journal = Journal::open(&self.store, self.clock.as_ref(), lease.clone())?;
        let known = |(address, wanted): (&String, &crate::plan::desired::WantedPrincipal)| {
            Some((address.clone(), Principal { id: plan.ids.get(address)?.clone(), name: wanted.name.clone() }))
        };
        let looker = Looker(Mutex::new(look));
        let run = Run {
            provider: &self.cloud as &dyn Provider,
            clock: self.clock.as_ref(),
            journal: &journal,
            plan,
            plan_id: file::plan_id(plan),
            program: desired.digest(),
            principals: desired.principals.iter().filter_map(known).collect(),
            cells: journal.with(|record| published::cells(plan, &desired.published, record)),
            clerk: None,
            stop,
            watcher: &looker,
        };
        let receipt = run.run();
        if self.life.is_over() {
            self.life.begin();
            self.store.free();
        } else if receipt.ending != Ending::NotRecorded {
            self.store.unlock(&lease).unwrap();
        } else {
            // One that was lost is not given back.
            _ = self.store.unlock(&lease);
        }
        Ok(receipt)
    }

    /// Plans and runs.
    #[track_caller]
    pub(crate) fn apply(&self, desired: &Desired) -> (Plan, Receipt) {
        let plan = self.plan(desired);
        let receipt = self.run(desired, &plan);
        (plan, receipt)
    }

    /// Plans and runs the tearing down.
    #[track_caller]
    pub(crate) fn destroy(&self, desired: &Desired) -> (Plan, Receipt) {
        let plan = self.try_plan(desired, &Scope::default(), Command::Destroy).unwrap();
        let receipt = self.run(desired, &plan);
        (plan, receipt)
    }

    /// What is in the cloud, in words.
    pub(crate) fn shape(&self) -> Vec<String> {
        world::shape(&self.cloud.state())
    }

    /// One more plan and run brings it to what the program says, and then there is nothing to do; nothing is there
    /// twice, lost or left over, and the record says what is there. What is wrong, if anything.
    pub(crate) fn converges(&self, desired: &Desired, command: Command, shape: &[String]) -> Result<(), String> {
        self.cloud.mend();
        self.store.fault(super::store::Fault::None);
        let whole = Scope::default();
        let planned = |when: &str| {
            self.try_plan(desired, &whole, command).map_err(|no| format!("{when} there is no plan: {no:?}"))
        };
        let plan = planned("after the trouble")?;
        let receipt = self.run(desired, &plan);
        if receipt.ending != Ending::Done {
            return Err(format!("the next run fails: {:#?}", receipt.failed().collect::<Vec<_>>()));
        }
        self.is_recorded().map_err(|wrong| format!("after the next run {wrong}"))?;
        self.is_settled(desired, command)?;
        world::same(shape, &self.shape())?;
        self.is_recorded()
    }

    /// One run tears down what is there of a program: nothing is left that is not among these lines, and the record waits for
    /// nothing.
    pub(crate) fn torn_down(&self, desired: &Desired, shape: &[String]) -> Result<(), String> {
        let plan = self.try_plan(desired, &Scope::default(), Command::Destroy);
        let receipt = self.run(desired, &plan.map_err(|no| format!("there is no plan: {no:?}"))?);
        if receipt.ending != Ending::Done {
            return Err(format!("the tearing down fails: {:#?}", receipt.failed().collect::<Vec<_>>()));
        }
        let left: Vec<String> = self.shape().into_iter().filter(|line| !shape.contains(line)).collect();
        if !left.is_empty() {
            return Err(format!("left: {}", left.join("\n")));
        }
        self.is_settled(desired, Command::Destroy)?;
        // Of an account that was asked for nobody knows whether it comes.
        let waits = self.record().pending.into_iter().find(|(_, pending)| pending.kind != "account");
        waits.map_or(Ok(()), |waits| Err(format!("the record waits for {waits:?}")))
    }

    /// Is nothing left to do in the cloud? What the record alone did not see it takes in by one more run.
    pub(crate) fn is_settled(&self, desired: &Desired, command: Command) -> Result<(), String> {
        let planned = || {
            let plan = self.try_plan(desired, &Scope::default(), command);
            plan.map_err(|no| format!("in the end there is no plan: {no:?}"))
        };
        let mut left = planned()?;
        if !left.operations.is_empty() && left.operations.iter().all(|operation| operation.verb.is_local()) {
            self.run(desired, &left);
            left = planned()?;
        }
        if left.changes.is_empty() && left.operations.is_empty() {
            return Ok(());
        }
        Err(format!("something is left to do: {}", world::told(&left)))
    }

    /// Does every entry of the record stand for what is there, and has everything owned an entry?
    pub(crate) fn is_recorded(&self) -> Result<(), String> {
        let record = self.record();
        if !record.pending.is_empty() {
            return Err(format!("the record waits for {:?}", record.pending));
        }
        world::recorded(&record, &self.cloud.state())
    }
}

/// Told to stop when this operation begins, counted from 0.
pub(crate) fn stop_at(stop: &AtomicBool, at: usize) -> impl FnMut(&Operation) + Send + '_ {
    let mut begun = 0;
    move |_: &Operation| {
        if begun == at {
            stop.store(true, Ordering::SeqCst);
        }
        begun += 1;
    }
}

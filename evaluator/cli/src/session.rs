//! What the commands that look at a cloud share: the program as it is wanted, the connection, the record, a reading,
//! a plan. Owns how each failure on the way is told.

use std::path::PathBuf;

use cell_eval::access::pins::Pins;
use cell_eval::access::subject::Subject;
use cell_eval::apply::journal::{JournalError, Loaded, load};
use cell_eval::live::{Depth, Live, Reader, Survey, recorded};
use cell_eval::plan::desired::Desired;
use cell_eval::plan::fault::{self, Fault};
use cell_eval::plan::model::{Notice, NoticeKind, Place, Plan, Verb};
use cell_eval::plan::scope::Scope;
use cell_eval::plan::{Command, Question, UNREAD, drift, moves, plan, release};
use cell_eval::provider::{Boundary, Clock as _, CloudError, Failure, Provider as _};
use cell_eval::registry::record::Record;
use cell_eval::registry::store::{Registry, StoreError};
use cell_eval::releases::withdrawn::put_back;
use cell_eval::releases::{Desk, Dossier, Kept};
use cell_eval::words::counted;
use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::source::SourceMap;
use jiff::Timestamp;

use crate::args::{CloudArgs, ScopeArgs};
use crate::cloud::{Connection, OWN, Purpose, Recorded, Unconnected};
use crate::exit::Status;
use crate::output::Output;
use crate::pipeline::{Run, Wish};
use crate::progress::{while_asking, while_reading};

/// Roles that are looked up for one plan: enough to see what they are, few enough to leave the plan on a screen.
const ROLES: usize = 5;

/// A program that is to be compared with a cloud.
pub(crate) struct Session<'a> {
    /// Where is written.
    pub(crate) output: &'a Output,
    /// The program.
    pub(crate) subject: Subject,
    /// The cloud.
    pub(crate) connection: Connection,
    /// The instant.
    pub(crate) at: Timestamp,
    /// The folder beside the program that is the tool's own.
    pub(crate) own: PathBuf,
    purpose: Purpose,
    sources: std::sync::Arc<SourceMap>,
}

impl<'a> Session<'a> {
    /// Checks and expands the program, and connects.
    pub(crate) fn open(
        run: &Run<'_>,
        output: &'a Output,
        cloud: &CloudArgs,
        at: Option<Timestamp>,
        purpose: Purpose,
    ) -> Result<Self, Status> {
        // Whole seconds: what is shown is then what is recorded.
        let at = at.unwrap_or_else(|| {
            let now = Timestamp::now();
            Timestamp::from_second(now.as_second()).unwrap_or(now)
        });
        Self::connect(run, output, cloud, at, run.subject(at)?, purpose)
    }

    /// For a plan of what is wanted: nobody wants what has expired and is not there, so that the program is read as if it had
    /// no such cells. A document or a parameter that names the account of one keeps the plan from being made.
    pub(crate) fn without_expired(mut self, run: &Run<'_>) -> Result<Self, Status> {
        if self.subject.desired.expired_cells.is_empty() {
            return Ok(self);
        }
        let record = load(self.connection.store.as_ref()).map_err(|error| self.unreadable(&error))?.record;
        let absent = self.subject.desired.expired_and_absent(&moves::follow(&self.subject.desired, &record).0);
        if absent.is_empty() {
            return Ok(self);
        }
        let subject = run.subject_without(&absent, self.at)?;
        let named = subject.desired.accounts_named();
        let faults: Vec<Fault> =
            named.iter().filter(|(cell, _)| absent.contains(*cell)).map(expired_and_named).collect();
        if !faults.is_empty() {
            return Err(self.faults(&faults));
        }
        let expired = std::mem::replace(&mut self.subject, subject).desired.expired_cells;
        self.subject.desired.expired_cells = expired;
        Ok(self)
    }

    /// Connects for a program.
    pub(crate) fn connect(
        run: &Run<'_>,
        output: &'a Output,
        cloud: &CloudArgs,
        at: Timestamp,
        (subject, sources): Wish,
        purpose: Purpose,
    ) -> Result<Self, Status> {
        let beside = run.folder();
        let connection = Connection::open(cloud, &subject.desired, &beside, purpose)
            .map_err(|error| unconnected(output, &error))?;
        connection.remarks.iter().for_each(|remark| output.remark(remark));
        Ok(Self { output, subject, connection, at, own: beside.join(OWN), purpose, sources })
    }

    /// The record, with the journal of a run that did not end folded in, and forms of permission sets as they were put back.
    pub(crate) fn load(&self) -> Result<Loaded, Status> {
        let mut loaded = loaded(self.connection.store.as_ref(), self.output)?;
        if !self.subject.desired.rolled.is_empty() {
            put_back(&mut loaded.record, &self.kept(|of| of.contains("permission_set."))?);
        }
        Ok(loaded)
    }

    /// Reads the cloud.
    pub(crate) fn read(
        &self,
        desired: &Desired,
        record: &Record,
        scope: &Scope,
        depth: Depth,
    ) -> Result<Live, Status> {
        let reader = self.reader(desired, record, scope, depth);
        let read = while_reading(reader.provider, self.output, || reader.read());
        let mut live = read.map_err(|error| self.cloud(&error))?;
        live.read_at = Some(self.connection.clock.now());
        live.by_reader = self.purpose == Purpose::Look && desired.org.reader_role.is_some();
        Ok(live)
    }

    /// Reads who has which of the sets that the record does not have.
    pub(crate) fn foreign_access(&self, record: &Record) -> Result<Live, Status> {
        let (desired, scope) = (&self.subject.desired, Scope::default());
        let reader = self.reader(desired, record, &scope, Depth::Drift);
        reader.foreign_access().map_err(|error| self.cloud(&error))
    }

    /// The documents of AWS's policies that the sets have: as they are pinned, else as AWS has them now. One that may
    /// not be read stays unknown.
    pub(crate) fn documents_of(&self, live: &Live) -> Result<Pins, Status> {
        let mut pins = self.subject.pins.clone();
        let details = live.sets.values().filter_map(|set| set.detail.as_ref());
        let named = details.flat_map(|detail| {
            let boundary = match &detail.boundary {
                Some(Boundary::Managed(arn)) => Some(arn),
                _ => None,
            };
            detail.managed.iter().chain(boundary)
        });
        let asked: std::collections::BTreeSet<&String> =
            named.filter(|arn| !pins.managed.contains_key(*arn)).collect();
        let mut read = Vec::new();
        for arn in asked {
            match self.connection.provider.managed_policy(arn) {
                Ok(policy) => read.extend(policy.map(|policy| (arn.clone(), policy.document))),
                Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {}
                Err(error) => return Err(self.cloud(&error)),
            }
        }
        pins.managed.extend(read);
        Ok(pins)
    }

    /// Reads everything that exists, whoever made it.
    pub(crate) fn survey(&self, survey: Survey) -> Result<Live, Status> {
        let (desired, record, scope) = (&self.subject.desired, Record::default(), Scope::default());
        let reader = self.reader(desired, &record, &scope, Depth::Drift);
        while_reading(reader.provider, self.output, || reader.survey(survey)).map_err(|error| self.cloud(&error))
    }

    /// The plan for a record.
    pub(crate) fn plan(
        &self,
        record: &Record,
        scope: &Scope,
        command: Command,
        refresh: bool,
    ) -> Result<Plan, Status> {
        self.plan_at(record, scope, command, refresh.then_some(command.depth()))
    }

    /// The plan for a record, and what it does to people's access. Without a depth nothing is read.
    pub(crate) fn plan_at(
        &self,
        record: &Record,
        scope: &Scope,
        command: Command,
        depth: Option<Depth>,
    ) -> Result<Plan, Status> {
        let desired = &self.subject.desired;
        let followed = moves::follow(desired, record);
        let made = match command {
            Command::Apply => {
                scope.clone().without_expired(desired, &followed.0).with_taken_back(desired, &followed.0)
            }
            Command::Destroy => scope.clone(),
        };
        let scope = &made;
        let live = match depth {
            Some(depth) => self.read(desired, &followed.0, scope, depth)?,
            None => recorded::recorded(desired, &followed.0),
        };
        let kept = self.kept(|_| true)?;
        let plan = self.ask_of(desired, (&followed.0, &followed.1), &live, &kept, scope, command)?;
        let unread = depth.is_none().then(|| UNREAD.to_owned());
        let reading = unread.unwrap_or_else(|| plan.reading.clone());
        let mut plan = self.judged(Plan { reading, ..plan }, &followed.0)?;
        if depth.is_some() {
            self.policies_exist(&plan)?;
            self.roles_that_change(&mut plan);
            self.who_may(&mut plan)?;
        } else {
            plan.entered.clear();
        }
        Ok(plan)
    }

    /// The same plan, with what it does to people's access.
    pub(crate) fn reviewed(&self, plan: Plan, record: &Record) -> Result<Plan, Status> {
        self.judged(plan, &moves::follow(&self.subject.desired, record).0)
    }

    fn judged(&self, plan: Plan, record: &Record) -> Result<Plan, Status> {
        let review = self.subject.of_plan(&plan, record);
        let review = Some(review.map_err(|why| crate::output::fail(&why.to_string()))?);
        Ok(Plan { review, ..plan })
    }

    /// What the books say of the releases that are asked for.
    fn kept(&self, asked: impl Fn(&str) -> bool) -> Result<std::collections::BTreeMap<String, Kept>, Status> {
        let books = Desk::new(self.connection.store.as_ref()).all(asked);
        books.map_err(|error| say(self.output, &finding(Code::RecordUnreadable, error.to_string())))
    }

    /// What was changed outside, of all that the record and the books of releases have.
    pub(crate) fn drift(&self, wished: &Desired, record: &Record) -> Result<Plan, Status> {
        let kept = self.kept(|_| true)?;
        let (scope, none) = (Scope::default(), std::collections::BTreeMap::new());
        let mut live = self.read(wished, record, &scope, Depth::Drift)?;
        let reader = self.reader(wished, record, &scope, Depth::Drift);
        let provider = self.connection.provider.as_ref();
        let read = while_reading(provider, self.output, || reader.deployed(&mut live, &kept));
        read.map_err(|error| self.cloud(&error))?;
        let question = self.question(wished, (record, &none), &live, &kept, &scope, Command::Apply);
        drift(&question).map_err(|found| self.faults(&found))
    }

    /// What a release brings to its cells, and what they have.
    pub(crate) fn release(&self, record: &Record, dossier: &Dossier) -> Result<Plan, Status> {
        let (desired, kept) = (&self.subject.desired, self.kept(|of| of == dossier.of)?);
        let (live, scope, none) =
            (recorded::recorded(desired, record), Scope::default(), std::collections::BTreeMap::new());
        let question = self.question(desired, (record, &none), &live, &kept, &scope, Command::Apply);
        let mut plan = release(&question, dossier);
        "nothing was read: cells have what their books say, as it was read back when it came"
            .clone_into(&mut plan.reading);
        Ok(plan)
    }

    fn reader<'r>(&'r self, desired: &'r Desired, record: &'r Record, scope: &'r Scope, depth: Depth) -> Reader<'r> {
        let lanes = usize::try_from(desired.org.limits.lanes).unwrap_or(1);
        Reader {
            provider: self.connection.provider.as_ref(),
            clock: self.connection.time.as_ref(),
            desired,
            record,
            scope,
            depth,
            lanes,
        }
    }

    /// Asks for a plan in which no component has a part, and tells what keeps it from being made.
    pub(crate) fn ask(
        &self,
        desired: &Desired,
        record: (&Record, &std::collections::BTreeMap<String, String>),
        live: &Live,
        scope: &Scope,
        command: Command,
    ) -> Result<Plan, Status> {
        // What is in cells is not asked for; whose forms go by waves is known.
        let kept = self.kept(|of| of.contains("permission_set."))?;
        self.ask_of(desired, record, live, &kept, scope, command)
    }

    /// Asks for a plan, and tells what keeps it from being made.
    fn ask_of(
        &self,
        desired: &Desired,
        record: (&Record, &std::collections::BTreeMap<String, String>),
        live: &Live,
        kept: &std::collections::BTreeMap<String, Kept>,
        scope: &Scope,
        command: Command,
    ) -> Result<Plan, Status> {
        let question = self.question(desired, record, live, kept, scope, command);
        plan(&question).map_err(|found| self.faults(&found))
    }

    fn question<'q>(
        &'q self,
        desired: &'q Desired,
        record: (&'q Record, &'q std::collections::BTreeMap<String, String>),
        live: &'q Live,
        kept: &'q std::collections::BTreeMap<String, Kept>,
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
            at: self.at,
            cloud: self.connection.name,
            registry: self.connection.store.place(),
            limits: desired.org.limits,
        }
    }

    /// AWS's own policies that are to be attached exist: a name that does not would fail in the middle of an apply.
    fn policies_exist(&self, plan: &Plan) -> Result<(), Status> {
        let mut asked = std::collections::BTreeMap::new();
        for operation in &plan.operations {
            if let Verb::AttachManaged { policy } = &operation.verb {
                asked.entry(policy.as_str()).or_insert(operation.address.as_str());
            }
        }
        let mut missing = Vec::new();
        for (arn, address) in asked {
            match self.connection.provider.managed_policy_exists(arn) {
                Ok(true) => {}
                Ok(false) => {
                    let place = plan.changes.iter().find(|change| change.address == address);
                    missing.push(no_policy(arn, place.and_then(|change| change.sources.first()), address));
                }
                // Who may not look finds out at apply.
                Err(error) if matches!(error.failure, Failure::Denied | Failure::Unsupported) => {}
                Err(error) => return Err(self.cloud(&error)),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(self.faults(&missing)) }
    }

    /// Tells faults at their places in the program.
    pub(crate) fn faults(&self, faults: &[Fault]) -> Status {
        self.output.diagnostics(&self.sources, &fault::diagnostics(&self.sources, faults))
    }

    /// The ARNs of roles that are made anew or go, as far as the accounts let them be read: what names them breaks.
    fn roles_that_change(&self, plan: &mut Plan) {
        let hazards = plan.notices.iter().filter(|notice| notice.kind == NoticeKind::Hazard);
        let lost: Vec<(String, String)> = plan
            .operations
            .iter()
            .filter_map(|operation| match &operation.verb {
                Verb::Unassign { set, target, .. } => Some((set.clone(), target.clone())),
                _ => None,
            })
            .collect();
        let hit = |target: &String| hazards.clone().any(|hazard| hazard.addresses.contains(target));
        let mut asked = std::collections::BTreeSet::new();
        let mut roles = Vec::new();
        for (set, target) in lost.into_iter().filter(|(_, target)| hit(target)) {
            if !asked.insert((set.clone(), target.clone())) || asked.len() > ROLES {
                continue;
            }
            let name =
                plan.names.get(&set).cloned().unwrap_or_else(|| set.rsplit('.').next().unwrap_or(&set).to_owned());
            let Some(account) = plan.ids.get(&target) else { continue };
            // An account that lets nobody in keeps its names to itself: the hazard is told all the same.
            if let Ok(Some(arn)) = self.connection.provider.reserved_role(account, &name) {
                roles.push(format!("the role as it is now in {target}: {arn}"));
            }
        }
        if asked.len() > ROLES {
            let more = counted(asked.len() - ROLES, "more role");
            roles.push(format!("{more} that change or go were not looked up"));
        }
        plan.notices.extend(roles.into_iter().map(|message| Notice::note(message, Vec::new())));
    }

    /// Says beforehand what this caller will be refused.
    fn who_may(&self, plan: &mut Plan) -> Result<(), Status> {
        let management = plan.target.management_account.clone();
        let needed: usize =
            plan.authority.iter().filter(|part| part.who == "management account").map(|part| part.operations).sum();
        if needed == 0 || management.is_empty() {
            return Ok(());
        }
        let caller = self.connection.provider.caller().map_err(|error| self.cloud(&error))?;
        if caller.account != management {
            let message = format!(
                "for the management account to do: {}; the caller is of account {}, and will be refused",
                counted(needed, "operation"),
                caller.account
            );
            plan.notices.push(Notice::note(message, Vec::new()));
        }
        Ok(())
    }

    /// Tells that the cloud cannot be read.
    pub(crate) fn cloud(&self, error: &CloudError) -> Status {
        say(self.output, &cloud_finding(error))
    }

    /// Tells that the record cannot be used.
    pub(crate) fn unreadable(&self, error: &JournalError) -> Status {
        unreadable(self.output, &self.connection.store.place(), error)
    }
}

/// A cell that has expired and is not there, and what names its account.
fn expired_and_named((cell, (by, place)): (&String, &(String, Option<Place>))) -> Fault {
    Fault::new(Code::AccountNotThere, format!("{by} names the account of {cell}, which has expired and is not there"))
        .at(place.as_ref(), "here")
        .help("take the name out, or put off the `expires` of the cell")
}

/// Opens the record alone, and says what has to be said first.
pub(crate) fn recorded(
    run: &Run<'_>,
    cloud: &CloudArgs,
    desired: &Desired,
    output: &Output,
) -> Result<Recorded, Status> {
    let opened = Recorded::open(cloud, desired, &run.folder()).map_err(|error| unconnected(output, &error))?;
    opened.remarks.iter().for_each(|remark| output.remark(remark));
    Ok(opened)
}

/// The record at a place, with the journal of a run that did not end folded in.
pub(crate) fn loaded(store: &dyn Registry, output: &Output) -> Result<Loaded, Status> {
    let place = store.place();
    let loaded = while_asking(&place, output, || load(store)).map_err(|error| unreadable(output, &place, &error))?;
    if loaded.unfinished {
        // Who holds the lock may be this very process.
        let other = store.holder().ok().flatten().filter(|owner| owner.process != std::process::id());
        output.remark(&match other {
            Some(owner) => format!("a run is under way, and counts as far as it is: {owner}"),
            None => "an earlier run ended before its time; what it did is in the journal and counts".to_owned(),
        });
    }
    Ok(loaded)
}

/// Tells that the record at a place cannot be used.
pub(crate) fn unreadable(output: &Output, place: &str, error: &JournalError) -> Status {
    match error {
        JournalError::Store(error) => say(output, &store_finding(error)),
        JournalError::NotDropped(_) => {
            say(output, &finding(Code::RecordNotWritten, error.to_string()).help(crate::apply::UNDROPPED))
        }
        JournalError::Record(error) => say(
            output,
            &finding(Code::RecordUnreadable, format!("{place}: {error}"))
                .help("restore it from a copy, or move it away and run `cellc registry rebuild`"),
        ),
    }
}

/// A managed policy that a permission set names and AWS does not have.
pub(crate) fn no_policy(arn: &str, place: Option<&Place>, address: &str) -> Fault {
    Fault::new(Code::PolicyMissing, format!("AWS has no managed policy {arn}"))
        .at(place, format!("{address} names it"))
        .help("correct its name; `aws iam list-policies --scope AWS` lists them")
}

/// The part that the arguments name.
pub(crate) fn scope(args: &ScopeArgs) -> Scope {
    Scope { only: args.only.clone(), except: args.except.clone() }
}

/// Tells that there is no connection.
pub(crate) fn unconnected(output: &Output, error: &Unconnected) -> Status {
    match error {
        Unconnected::Cloud(error) => say(output, &cloud_finding(error)),
        Unconnected::Store(error) => say(output, &store_finding(error)),
        Unconnected::Sandbox(message) => crate::output::fail(message),
    }
}

/// Says a finding that has no place in a program.
pub(crate) fn say(output: &Output, diagnostic: &Diagnostic) -> Status {
    output.diagnostics(&SourceMap::default(), std::slice::from_ref(diagnostic))
}

/// A finding without a place.
pub(crate) fn finding(code: Code, message: String) -> Diagnostic {
    Diagnostic { code, message, labels: Vec::new(), helps: Vec::new(), fix: None }
}

/// Tells that the cloud cannot be read.
pub(crate) fn unread(output: &Output, error: &CloudError) -> Status {
    say(output, &cloud_finding(error))
}

fn cloud_finding(error: &CloudError) -> Diagnostic {
    match error.failure {
        Failure::Credentials if error.is_of_the_clock() => finding(Code::NoCredentials, format!("AWS does not take what is signed by this machine's clock: {error}"))
            .help("set the clock: AWS takes requests that were signed within five minutes of its own time")
            .help("nothing was changed; the credentials may be good"),
        Failure::Credentials => finding(Code::NoCredentials, format!("AWS cannot be used with these credentials: {error}"))
            .help(named_profile())
            .help("sign in (`aws sso login`), or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
            .help("to try it without any: `--cloud sandbox` works on an emulated AWS in this process"),
        Failure::Denied => finding(Code::ReadFailed, format!("the caller may not read what the plan needs: {error}"))
            .help("the organization is read by its management account or a delegated administrator: `aws sts get-caller-identity` says whose these credentials are")
            .help("what such a caller must be allowed to do stands in the policies that `cellc plan --policy` prints for one who may"),
        _ => finding(Code::ReadFailed, error.to_string()).help("nothing was changed; run again when it answers"),
    }
}

/// Which credentials were looked for.
fn named_profile() -> String {
    match std::env::var("AWS_PROFILE") {
        Ok(profile) if !profile.is_empty() => {
            format!(
                "AWS_PROFILE is `{}`: is it in the configuration, and signed in?",
                crate::progress::visible(&profile)
            )
        }
        _ => "no AWS_PROFILE is set".to_owned(),
    }
}

/// A finding about the place of the record.
pub(crate) fn store_finding(error: &StoreError) -> Diagnostic {
    match error {
        StoreError::Locked(owner) => finding(Code::Locked, format!("the registry is locked by {owner}"))
            .help("wait until it ends; the lock of a file goes with its process, one in a bucket a minute after, or by `cellc registry unlock`"),
        other => finding(Code::RecordUnreadable, other.to_string()).help(match other {
            StoreError::LockLost(_) => "another run may be under way: when it has ended, run again",
            StoreError::NoLock(_) => "once no run is under way there, `cellc registry unlock` puts it right",
            StoreError::Moved => "run again: it begins with what the other run wrote",
            StoreError::Unknown(_) => "run again: it looks whether it was written",
            _ => "see that the place can be read and written, and run again: what was there before is still there",
        }),
    }
}

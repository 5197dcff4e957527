//! A permission set with a rollout: the set is changed by this apply, and its roles in accounts get the new form wave by wave.
//! Accounts in no wave get it at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::digest::sha256;
use crate::live::LiveSet;
use crate::plan::build::{Builder, Step};
use crate::plan::diff::sets::{HALF_APPLIED, TOLD};
use crate::plan::model::{Change, Fields, InForce, OperationId, QueueOrder, Verb};
use crate::releases::dossier::{Cell, FORMAT_VERSION};
use crate::releases::sets::PARTS;
use crate::releases::wishes::Wish;
use crate::releases::withdrawn::form;
use crate::releases::{Dossier, Spec, Target};
use crate::rollout::state::Cell as CellOf;
use crate::rollout::{CellState, Event, Phase, step};
use crate::terminal::visible;
use crate::words::{counted, first_of, have};

/// Letters of a form's digest that are its version.
const VERSION: usize = 8;

impl Builder<'_> {
    /// Provisions the accounts in no wave, and queues the others.
    pub(super) fn by_waves(
        &mut self,
        plan: &mut Change,
        set: &LiveSet,
        arn: &str,
        edited: bool,
        needs: &[OperationId],
    ) {
        let address = plan.address.clone();
        let Some(wish) = self.desired.releases.get(&address) else { return };
        let waves: BTreeMap<String, String> =
            wish.cells.keys().filter_map(|cell| Some((self.ids.get(cell)?.clone(), cell.clone()))).collect();
        let used: BTreeSet<String> = if edited {
            self.accounts_with(set, arn)
        } else {
            let same = self.with_form(
                &address,
                set.stale.iter().filter_map(|account| waves.get(account)),
                plan.before.as_ref(),
            );
            let behind = |account: &&String| !waves.get(*account).is_some_and(|cell| same.contains(cell));
            set.stale.iter().filter(behind).cloned().collect()
        };
        let used = if self.looks { self.unexplained(&address, used, &waves, plan.before.as_ref()) } else { used };
        // What a rollout that is under way brings is no older form that was forgotten.
        let rolling = |account: &String| {
            let cell = waves.get(account);
            let open = self.kept.get(&address).and_then(|kept| kept.book.open());
            !edited && cell.zip(open).is_some_and(|(cell, open)| open.state.cells.contains_key(cell))
        };
        let left: BTreeSet<String> = used.iter().filter(|account| !rolling(account)).cloned().collect();
        let queued = self.kept.get(&address).is_some_and(|kept| kept.book.next.is_some()) && !edited;
        let all = self.accounts_with(set, arn);
        let in_waves: BTreeMap<&String, &String> =
            left.iter().filter_map(|account| Some((waves.get(account)?, account))).collect();
        let mut last = needs.to_vec();
        for account in left.iter().filter(|account| !waves.contains_key(*account)) {
            let target = self.address_of("account", account);
            self.ids.insert(target.clone(), account.clone());
            let operation = self.operation(&address, Verb::ProvisionIn { target }, needs, Fields::new());
            plan.operations.push(operation);
            last.push(operation);
        }
        if !in_waves.is_empty() && !queued {
            // Those in no wave have it by this apply, and go back with the others.
            let at_once = self.at_once(&all, &waves);
            let mut cells = in_waves.clone();
            cells.extend(&at_once);
            let behind = cells.iter().filter(|(_, account)| set.stale.contains(account)).map(|(cell, _)| *cell);
            plan.in_force = self.in_force(&address, behind, plan.before.as_ref());
            let order = QueueOrder { dossier: dossier(wish, arn, plan.after.as_ref(), &cells) };
            self.ended_before(&address, &order.dossier.version);
            let mut needs = needs.to_vec();
            needs.extend(if edited { None } else { self.record_put_back(plan, arn) });
            let operation = self.operation(&address, Verb::Queue(Box::new(order)), &needs, Fields::new());
            plan.operations.push(operation);
            last.push(operation);
            let cells = counted(in_waves.len(), "cell");
            let message = format!(
                "{address} goes by waves: `cellc rollout run` brings it to {cells}; access that is given anew meanwhile has its new form at once"
            );
            self.note(message, vec![address.clone()]);
        }
        let queued = if queued { in_waves.len() } else { 0 };
        let rolls = used.iter().any(rolling);
        self.tell_what_waits(&address, queued, rolls);
        if let Some(last) = last.last() {
            self.step(&address, Step::Formed, *last);
        }
        if !edited && !plan.operations.is_empty() {
            let accounts: Vec<String> = left.iter().map(|account| self.address_of("account", account)).collect();
            plan.reason = Some(format!(
                "{HALF_APPLIED}another form than the set's is in force in {}",
                first_of(&accounts, TOLD)
            ));
        }
    }

    /// Says of a set whose form is queued for so many cells, or goes by waves now, that another process carries that out.
    fn tell_what_waits(&mut self, address: &str, queued: usize, rolls: bool) {
        if queued > 0 {
            let cells = counted(queued, "cell");
            let message =
                format!("{address}: its new form is queued for {cells}; `cellc rollout run` carries it out");
            self.waits(message, vec![address.to_owned()]);
        }
        if rolls {
            let phase = self.kept.get(address).and_then(|kept| kept.book.open()).map(|open| &open.state.phase);
            let moves = match phase {
                Some(Phase::RollingBack { why }) => format!("its former form comes back by waves: {why}"),
                _ => "its new form goes by waves, and the rollout is under way".to_owned(),
            };
            let message = format!("{address}: {moves}; where nobody carries that out, `cellc rollout run` does");
            self.waits(message, vec![address.to_owned()]);
        }
    }

    /// While a form comes to accounts, or is watched there, another one waits: a set has one form, and what would be edited under
    /// the rollout would be taken back with it. A rollout that waits itself gives way. So `after` is the form that the rollout works
    /// with. What is neither that nor, on its way back, the former one, somebody has changed outside.
    pub(super) fn wait_for_rollout(&mut self, address: &str, before: &Fields, after: &mut Fields) -> Under {
        let Some(forms) = self.holds(address) else { return Under::Nothing };
        let own = forms.has(before);
        let form = match (own, &forms.former) {
            (true, _) => before,
            (false, Some(former)) => former,
            (false, None) => &forms.brings,
        };
        let waits = !is_form(after, form);
        for part in PARTS {
            match form.get(part) {
                Some(value) => _ = after.insert(part.to_owned(), value.clone()),
                None => _ = after.remove(part),
            }
        }
        let rolled = self.desired.rolled.contains(address);
        if waits || !rolled {
            let label = address.rsplit('.').next().unwrap_or(address);
            let no_waves = if rolled { "" } else { ", and the program takes it through no waves any more" };
            let message = format!(
                "{address}: {}{no_waves}; what the program says of the set now waits until that is over, or `cellc rollout abort {label}` ends it",
                forms.told
            );
            self.waits(message, vec![address.to_owned()]);
        }
        if own { Under::Rollout } else { Under::ChangedOutside }
    }

    /// The forms that a rollout holds a set in, unless it gives way. What the program takes through no waves any more queues nothing
    /// that it could give way to.
    fn holds(&self, address: &str) -> Option<Forms> {
        let kept = self.kept.get(address)?;
        let rollout = kept.book.open()?;
        let dossier = kept.dossiers.get(&rollout.dossier)?;
        let state = &rollout.state;
        if self.desired.rolled.contains(address) {
            let event = Event::Superseded { by: String::new() };
            step(&dossier.course, state.clone(), state.now, &event).refused?;
        }
        let brings = form(dossier)?;
        let former = match state.phase {
            Phase::RollingBack { .. } => Some(self.former(address)?),
            _ => None,
        };
        Some(Forms { brings, former, told: format!("{} is {}", state.version, state.phase.word()) })
    }

    /// The form that the accounts of a set had before its last rollout.
    fn former(&self, address: &str) -> Option<Fields> {
        let kept = self.kept.get(address)?;
        let former = &kept.book.rollout.as_ref()?.former;
        form(former.values().find_map(|has| kept.dossiers.get(&has.dossier))?)
    }

    /// After the rollout's form was set again: where that has come, or nobody brings it, it is provisioned again, since what somebody
    /// put into the set meanwhile may be there.
    pub(super) fn provision_again(&mut self, plan: &mut Change, set: &LiveSet, arn: &str, needs: &[OperationId]) {
        let address = plan.address.clone();
        let has = |cell: &CellOf| matches!(cell.state, CellState::Baking | CellState::Done | CellState::AtOnce);
        let mut last = needs.to_vec();
        for account in self.accounts_with(set, arn) {
            let target = self.address_of("account", &account);
            let open = self.kept.get(&address).and_then(|kept| kept.book.open());
            let cell = open.and_then(|open| open.state.cells.get(&target));
            if cell.is_some_and(|cell| !has(cell)) {
                continue;
            }
            self.ids.insert(target.clone(), account);
            let operation = self.operation(&address, Verb::ProvisionIn { target }, needs, Fields::new());
            plan.operations.push(operation);
            last.push(operation);
        }
        if let Some(last) = last.last() {
            self.step(&address, Step::Formed, *last);
        }
    }

    /// Of accounts with another form than the set's those that have none which the book knows: what goes by waves, or was ended
    /// on its way, was changed by nobody outside.
    fn unexplained(
        &mut self,
        address: &str,
        stale: BTreeSet<String>,
        waves: &BTreeMap<String, String>,
        is: Option<&Fields>,
    ) -> BTreeSet<String> {
        let of =
            |account: &String| waves.get(account).cloned().unwrap_or_else(|| self.address_of("account", account));
        let cells: BTreeMap<String, String> = stale.into_iter().map(|account| (of(&account), account)).collect();
        let forms = self.in_force(address, cells.keys(), is);
        let known: BTreeSet<&String> = forms.iter().flat_map(|form| &form.accounts).collect();
        if !known.is_empty() {
            let (accounts, have) = (counted(known.len(), "account"), have(known.len()));
            let message = format!(
                "{address}: {accounts} {have} another form than the set, as its book says: `cellc rollout watch --once` tells what became of its rollout"
            );
            self.waits(message, vec![address.to_owned()]);
        }
        cells.iter().filter(|(cell, _)| !known.contains(cell)).map(|(_, account)| account.clone()).collect()
    }

    /// Says that what is queued was ended by somebody before.
    fn ended_before(&mut self, address: &str, version: &str) {
        let Some((who, begun)) = self.kept.get(address).and_then(|kept| kept.book.ended_by(version)) else { return };
        let how = if begun { "ended the rollout of this form" } else { "took this form out of the queue" };
        let message = format!(
            "{address}: {} {how}, and this apply queues it again; to leave it so: `--except {address}`, or the former form in the program",
            visible::text(who)
        );
        self.note(message, vec![address.to_owned()]);
    }

    /// The cells that have a set's form, as the book saw it. An account whose set was changed and changed back was provisioned
    /// before, and so with an older form to AWS, which is the same one.
    fn with_form<'c>(
        &self,
        address: &str,
        cells: impl Iterator<Item = &'c String>,
        is: Option<&Fields>,
    ) -> BTreeSet<String> {
        let Some(is) = is else { return BTreeSet::new() };
        let forms = self.forms(address, cells).into_iter().filter(|(form, _)| is_form(form, is));
        forms.flat_map(|(_, cells)| cells).collect()
    }

    /// The forms that cells and accounts have by the book, other than the set's.
    fn in_force<'c>(
        &self,
        address: &str,
        cells: impl Iterator<Item = &'c String>,
        is: Option<&Fields>,
    ) -> Vec<InForce> {
        let Some(is) = is else { return Vec::new() };
        let others = self.forms(address, cells).into_iter().filter(|(form, _)| !is_form(form, is));
        let with_the_rest = |(mut form, accounts): (Fields, Vec<String>)| {
            form.retain(|name, _| PARTS.contains(&name.as_str()));
            let rest = is.iter().filter(|(name, _)| !PARTS.contains(&name.as_str()));
            form.extend(rest.map(|(name, value)| (name.clone(), value.clone())));
            InForce { form, accounts }
        };
        others.map(with_the_rest).collect()
    }

    /// The forms that accounts have which lack the set's: as the book says, or this older one.
    pub(super) fn older_forms(
        &self,
        address: &str,
        accounts: &[String],
        older: &Fields,
        is: &Fields,
    ) -> Vec<InForce> {
        let mut all = self.in_force(address, accounts.iter(), Some(is));
        let by_book: BTreeSet<&String> = all.iter().flat_map(|form| &form.accounts).collect();
        let rest: Vec<String> = accounts.iter().filter(|account| !by_book.contains(account)).cloned().collect();
        if !rest.is_empty() && !is_form(older, is) {
            let others = is.iter().filter(|(name, _)| !PARTS.contains(&name.as_str()));
            let form = older.iter().chain(others).map(|(name, value)| (name.clone(), value.clone())).collect();
            all.push(InForce { form, accounts: rest });
        }
        all
    }

    /// The forms that the book knows of cells and accounts, each read once.
    fn forms<'c>(&self, address: &str, cells: impl Iterator<Item = &'c String>) -> Vec<(Fields, Vec<String>)> {
        let Some(kept) = self.kept.get(address) else { return Vec::new() };
        let mut by: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for cell in cells {
            // What was given anew while a form came, and was taken back elsewhere since, has that one.
            let named = kept.book.cells.get(cell).map(|has| &has.dossier).or(kept.book.withdrawn.as_ref());
            if let Some(dossier) = named {
                by.entry(dossier).or_default().push(cell.clone());
            }
        }
        by.into_iter().filter_map(|(dossier, cells)| Some((form(kept.dossiers.get(dossier)?)?, cells))).collect()
    }

    /// The accounts that have a set and are in no wave, by address.
    fn at_once(&self, all: &BTreeSet<String>, waves: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let others = all.iter().filter(|account| !waves.contains_key(*account));
        others.map(|account| (self.address_of("account", account), account.clone())).collect()
    }

    /// Why a set has the former form again: its last rollout was taken back, and nobody has changed it since.
    pub(super) fn taken_back(&self, address: &str, is: &Fields) -> Option<String> {
        let kept = self.kept.get(address)?;
        let rollout = kept.book.rollout.as_ref()?;
        let Phase::RolledBack { why } = &rollout.state.phase else { return None };
        is_form(&self.former(address)?, is)
            .then(|| format!("the rollout of the new form was taken back: {why}; apply begins it anew"))
    }

    /// Is a rollout at work with the form of a set, and has it what that has brought or put back? Nobody has changed it outside.
    pub(super) fn is_under_rollout(&self, address: &str, is: &Fields) -> bool {
        self.holds(address).is_some_and(|forms| forms.has(is))
    }

    /// Before a set whose form was taken back is edited or queued, the record gets the former one: it still has the form that was
    /// taken back, the edit writes what it changes alone, and the book says so only until then. What somebody has put into the
    /// set since is not recorded.
    pub(super) fn record_put_back(&mut self, plan: &mut Change, arn: &str) -> Option<OperationId> {
        let taken_back = self.kept.get(&plan.address)?.book.withdrawn.is_some();
        let entry = self.record.entry(&plan.address).filter(|_| taken_back)?;
        let part = |name: &str| (name.to_owned(), entry.fields.get(name).cloned().unwrap_or(Json::Null));
        let sets = PARTS.into_iter().map(part).collect();
        let operation = self.operation(&plan.address.clone(), Verb::Remember { id: arn.to_owned() }, &[], sets);
        plan.operations.push(operation);
        Some(operation)
    }

    /// Ids of the accounts that have a set, as far as they were read or are in the record.
    fn accounts_with(&self, set: &LiveSet, arn: &str) -> BTreeSet<String> {
        let given = self.live.given.iter().filter(|given| given.set == arn).map(|given| given.account.clone());
        given.chain(set.accounts.iter().flatten().cloned()).collect()
    }

    /// Before a set by waves is edited, the form that its accounts have is written into the book: whatever ends the run after
    /// the first edit, what an alarm puts back is known. An account with an older form than the set's has what the book says.
    pub(super) fn keep_form(
        &mut self,
        plan: &mut Change,
        set: &LiveSet,
        arn: &str,
        needs: &[OperationId],
    ) -> Option<OperationId> {
        let address = plan.address.clone();
        let wish = self.desired.releases.get(&address).filter(|_| self.desired.rolled.contains(&address))?;
        let accounts = self.accounts_with(set, arn);
        let book = self.kept.get(&address).map(|kept| &kept.book);
        let known = |cell: &String| book.is_some_and(|book| book.cells.contains_key(cell));
        let in_waves: Vec<(&String, &String)> =
            wish.cells.keys().filter_map(|cell| Some((cell, self.ids.get(cell)?))).collect();
        let waves = in_waves.iter().map(|(cell, account)| ((*account).clone(), (*cell).clone())).collect();
        let at_once = self.at_once(&accounts, &waves);
        let cells: BTreeMap<&String, &String> = in_waves
            .into_iter()
            .chain(&at_once)
            .filter(|(cell, account)| accounts.contains(*account) && !(set.stale.contains(account) && known(cell)))
            .collect();
        if cells.is_empty() {
            return None;
        }
        let former = Box::new(dossier(wish, arn, plan.before.as_ref(), &cells));
        let operation = self.operation(&address, Verb::KeepForm { former }, needs, Fields::new());
        plan.operations.push(operation);
        Some(operation)
    }
}

/// How a set stands to the rollout of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Under {
    /// No rollout holds it.
    Nothing,
    /// It is as the rollout has it.
    Rollout,
    /// It is otherwise.
    ChangedOutside,
}

/// The forms that a rollout works with.
struct Forms {
    brings: Fields,
    /// What it puts back, while it does.
    former: Option<Fields>,
    /// What it does.
    told: String,
}

impl Forms {
    /// Whether a set is as the rollout has it: while it is being put back, of each form a part.
    fn has(&self, is: &Fields) -> bool {
        let former = |part: &str| self.former.as_ref().is_some_and(|former| former.get(part) == is.get(part));
        PARTS.iter().all(|part| self.brings.get(*part) == is.get(*part) || former(part))
    }
}

/// Is it the form of these fields?
fn is_form(form: &Fields, is: &Fields) -> bool {
    PARTS.iter().all(|part| form.get(*part) == is.get(*part))
}

/// A form of a set for some cells.
fn dossier(wish: &Wish, arn: &str, form: Option<&Fields>, cells: &BTreeMap<&String, &String>) -> Dossier {
    let form = serde_json::to_value(form).unwrap_or(Json::Null).to_string();
    let name = sha256(form.as_bytes());
    let mut course = wish.course.clone();
    for wave in &mut course.waves {
        wave.cells.retain(|cell| cells.contains_key(cell));
    }
    course.waves.retain(|wave| !wave.cells.is_empty());
    let cell = |(cell, account): (&&String, &&String)| {
        let target = Target::Set { set: arn.to_owned(), form: name.clone() };
        let spec = Spec { account: (*account).clone(), region: String::new(), target };
        let alarms = wish.cells.get(*cell).map(|placed| placed.alarms.clone()).unwrap_or_default();
        ((*cell).clone(), Cell { spec, alarms })
    };
    Dossier {
        format_version: FORMAT_VERSION.to_owned(),
        of: wish.of.clone(),
        version: format!("form {}", name.get(..VERSION).unwrap_or(&name)),
        digests: BTreeMap::new(),
        image: String::new(),
        templates: BTreeMap::new(),
        course,
        cells: cells.iter().map(cell).collect(),
        texts: BTreeMap::from([(name, form)]),
    }
}

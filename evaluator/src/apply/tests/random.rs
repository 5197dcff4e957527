//! Random programs and what happens to their clouds: an apply leaves nothing to do, whatever was there before.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::bench::{Bench, desired, only};
use super::cloud::{FULL, MANAGEMENT, State, Trouble};
use super::troubles::is_read;
use super::world;
use crate::apply::receipt::Ending;
use crate::plan::desired::Desired;
use crate::plan::file;
use crate::plan::scope::Scope;
use crate::plan::{Command, cost};
use crate::provider::Given;

const CELLS: [&str; 4] = ["a", "b", "c", "d"];
const POLICIES: [&str; 2] = ["deny", "more"];
const UNITS: [&str; 3] = ["one", "two", "three"];
const SETS: [&str; 3] = ["Look", "Run", "Own"];
const GROUPS: [&str; 3] = ["ops", "dev", "sec"];

/// A unit, as choices.
#[derive(Debug, Clone, Copy)]
struct UnitSketch {
    tagged: bool,
    /// Which policies are attached to it, of those that are there.
    held: [bool; POLICIES.len()],
    /// What it lies in: one of the units before it, else the root.
    parent: u8,
    /// Under which name.
    name: u8,
}

/// A permission set, as choices.
#[derive(Debug, Clone, Copy)]
struct SetSketch {
    session: u8,
    /// One of AWS's policies.
    managed: bool,
    /// A policy that names a cell's account.
    inline: bool,
    /// Under which name.
    name: u8,
    tagged: bool,
}

/// A program, as choices.
#[derive(Debug, Clone)]
struct Sketch {
    /// Each policy: is it there, and what does it deny?
    policies: Vec<Option<u8>>,
    units: Vec<Option<UnitSketch>>,
    /// Each cell: in which unit, under which name, and held by the first policy?
    cells: Vec<Option<(u8, u8, bool)>>,
    sets: Vec<Option<SetSketch>>,
    /// Group, set, cell: who has what where.
    grants: BTreeSet<(u8, u8, u8)>,
}

fn unit() -> impl Strategy<Value = UnitSketch> {
    let fields = (any::<bool>(), any::<[bool; POLICIES.len()]>(), 0..4_u8, 0..2_u8);
    fields.prop_map(|(tagged, held, parent, name)| UnitSketch { tagged, held, parent, name })
}

fn set() -> impl Strategy<Value = SetSketch> {
    let fields = (1..4_u8, any::<bool>(), any::<bool>(), 0..2_u8, any::<bool>());
    fields.prop_map(|(session, managed, inline, name, tagged)| SetSketch { session, managed, inline, name, tagged })
}

fn sketch() -> impl Strategy<Value = Sketch> {
    use proptest::collection::{btree_set, vec};
    use proptest::option::weighted;
    let all = (
        vec(weighted(0.8, 0..2_u8), POLICIES.len()),
        vec(weighted(0.8, unit()), UNITS.len()),
        vec(weighted(0.8, (0..4_u8, 0..3_u8, any::<bool>())), CELLS.len()),
        vec(weighted(0.8, set()), SETS.len()),
        btree_set((0..3_u8, 0..3_u8, 0..4_u8), 0..12),
    );
    all.prop_map(|(policies, units, cells, sets, grants)| Sketch { policies, units, cells, sets, grants })
}

impl Sketch {
    /// Those of some policies that are there, as a field of a unit or a cell.
    fn scps(&self, held: &[bool]) -> String {
        let there =
            POLICIES.iter().zip(&self.policies).zip(held).filter(|((_, policy), held)| policy.is_some() && **held);
        let names: Vec<String> = there.map(|((name, _), _)| format!("scp.{name}")).collect();
        if names.is_empty() { String::new() } else { format!(", scps = [{}]", names.join(", ")) }
    }

    fn units(&self) -> String {
        let mut text = "ou home {}\n".to_owned();
        for (at, (label, unit)) in UNITS.iter().zip(&self.units).enumerate() {
            let Some(unit) = unit else { continue };
            let tags = if unit.tagged { ", tags { team = \"x\" }" } else { "" };
            let above = usize::from(unit.parent);
            let parent = UNITS.get(above).filter(|_| above < at && self.units[above].is_some());
            let parent = parent.map_or_else(String::new, |parent| format!(", parent = ou.{parent}"));
            let (name, scps) = (unit.name, self.scps(&unit.held));
            text.push_str(&format!("ou {label} {{ name = \"{label}{name}\"{parent}{scps}{tags} }}\n"));
        }
        text
    }

    /// The program; cells of `before` that are gone are parked.
    fn program(&self, before: Option<&Self>) -> Desired {
        let mut text =
            "org o { accounts { email = \"aws+\\(.label)@x.example\" }, limits { lanes = 4, creations = 3 } }\n"
                .to_owned();
        for (label, policy) in POLICIES.iter().zip(&self.policies) {
            let Some(what) = policy else { continue };
            let actions = ["sdb:*", "sdb:Select"][usize::from(*what)];
            text.push_str(&format!(
                "scp {label} {{ deny all {{ actions = [\"{actions}\"], resources = [\"*\"] }} }}\n"
            ));
        }
        text.push_str(&self.units());
        GROUPS.iter().for_each(|group| text.push_str(&format!("group {group} {{}}\n")));
        for (at, (label, cell)) in CELLS.iter().zip(&self.cells).enumerate() {
            let Some((unit, name, held)) = cell else {
                if before.is_some_and(|before| before.cells[at].is_some()) {
                    text.push_str(&format!("removed {{ from = \"cell.{label}\", account = \"park\" }}\n"));
                }
                continue;
            };
            let unit = UNITS
                .get(usize::from(*unit))
                .filter(|_| self.units.get(usize::from(*unit)).is_some_and(Option::is_some));
            // What a program does not say of an account stays: it always says where the account is.
            let unit = unit.unwrap_or(&"home");
            let scps = self.scps(&[*held]);
            text.push_str(&format!(
                "cell {label} {{ kind = \"alpha\", region = \"us-west-2\", name = \"{label}{name}\", ou = ou.{unit}{scps} }}\n"
            ));
        }
        let known = CELLS.iter().zip(&self.cells).find(|(_, cell)| cell.is_some()).map(|(label, _)| *label);
        for (name, set) in SETS.iter().zip(&self.sets) {
            let Some(SetSketch { session, managed, inline, name: other, tagged }) = set else { continue };
            let tags = if *tagged { "tags { team = \"x\" }," } else { "" };
            let managed = if *managed { "managed = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]," } else { "" };
            let inline = known.filter(|_| *inline).map_or_else(String::new, |cell| {
                format!("allow run {{ actions = [\"ec2:StartInstances\"], resources = [\"arn:aws:ec2:*:\\(cell.{cell}.account_id):*\"] }}")
            });
            text.push_str(&format!(
                "permission_set {name} {{ name = \"{name}{other}\", session = {session}h, {tags} {managed} {inline} }}\n"
            ));
        }
        for (group, set, cell) in &self.grants {
            let at = |index: &u8| usize::from(*index);
            if self.sets[at(set)].is_some() && self.cells[at(cell)].is_some() {
                let (to, can, on) = (GROUPS[at(group)], SETS[at(set)], CELLS[at(cell)]);
                text.push_str(&format!(
                    "grant g{group}{set}{cell} {{ to = group.{to}, can = permission_set.{can}, on = [cell.{on}] }}\n"
                ));
            }
        }
        desired(&text)
    }
}

/// What somebody does to a cloud outside.
#[derive(Debug, Clone, Copy)]
enum Edit {
    RenameAccount,
    MoveToRoot,
    RenameUnit,
    DeleteSet,
    ChangeSet,
    OlderForm,
    Take,
    GiveStranger,
    Detach,
    DropPolicy,
}

fn edits() -> impl Strategy<Value = Vec<(Edit, Index)>> {
    use Edit as E;
    let all = vec![
        E::RenameAccount,
        E::MoveToRoot,
        E::RenameUnit,
        E::DeleteSet,
        E::ChangeSet,
        E::OlderForm,
        E::Take,
        E::GiveStranger,
        E::Detach,
        E::DropPolicy,
    ];
    proptest::collection::vec((select(all), any::<Index>()), 0..5)
}

/// One of a list.
fn pick<T: Clone>(all: impl Iterator<Item = T>, index: Index) -> Option<T> {
    let all: Vec<T> = all.collect();
    (!all.is_empty()).then(|| index.get(&all).clone())
}

fn done_outside(state: &mut State, edit: Edit, index: Index) -> Option<()> {
    let set = pick(state.sets.keys().cloned(), index);
    let account = pick(state.accounts.keys().filter(|id| *id != MANAGEMENT).cloned(), index);
    match edit {
        Edit::RenameAccount => "theirs".clone_into(&mut state.accounts.get_mut(&account?)?.name),
        Edit::MoveToRoot => state.accounts.get_mut(&account?)?.parent = Some(super::cloud::ROOT_ID.to_owned()),
        Edit::RenameUnit => {
            let id = pick(
                state.units.values().filter(|unit| unit.name != "cellc-parked").map(|unit| unit.id.clone()),
                index,
            )?;
            state.units.get_mut(&id)?.name = format!("theirs-{id}");
        }
        Edit::DeleteSet => {
            let set = set?;
            let held: Vec<Given> = state.all_given().into_iter().filter(|given| given.set == set).collect();
            held.iter().for_each(|given| state.take(given));
            state.sets.remove(&set);
        }
        Edit::ChangeSet => state.sets.get_mut(&set?)?.fields.session = Some("PT9H".to_owned()),
        Edit::OlderForm => state.sets.get_mut(&set?)?.revision += 1,
        Edit::Take => {
            let given = pick(state.all_given().into_iter(), index)?;
            state.take(&given);
        }
        Edit::GiveStranger => {
            let given = Given { set: set?, principal: state.group("guests"), account: account? };
            state.give(&given);
        }
        Edit::Detach => state.attached.retain(|(policy, _)| policy == FULL),
        Edit::DropPolicy => {
            state.attached.retain(|(policy, _)| policy == FULL);
            state.policies.retain(|id, _| id == FULL);
        }
    }
    Some(())
}

/// What of a cloud a program says: all but accounts that were parked, and where they are.
fn asked_for(bench: &Bench) -> Vec<String> {
    let mut all = bench.shape();
    all.retain(|line| !line.contains("cellc-parked"));
    all
}

/// A few calls that go wrong, each in some way.
fn troubles() -> impl Strategy<Value = Vec<(&'static str, u64, Trouble)>> {
    let calls = [
        "organizations:CreateOrganizationalUnit",
        "organizations:CreateAccount",
        "organizations:MoveAccount",
        "organizations:CreatePolicy",
        "organizations:AttachPolicy",
        "organizations:ListAccounts",
        "sso:CreatePermissionSet",
        "sso:PutInlinePolicyToPermissionSet",
        "sso:ProvisionPermissionSet",
        "sso:CreateAccountAssignment",
        "sso:DeleteAccountAssignment",
        "sso:ListPermissionSets",
    ];
    let ways = [
        Trouble::Lost,
        Trouble::LostAfter,
        Trouble::Throttled,
        Trouble::Denied,
        Trouble::DiesBefore,
        Trouble::DiesAfter,
    ];
    proptest::collection::vec((select(calls.to_vec()), 1..4_u64, select(ways.to_vec())), 1..5)
}

fn bytes(bench: &Bench, desired: &Desired) -> Vec<u8> {
    let mut out = Vec::new();
    file::write(&bench.plan(desired), &mut out).unwrap();
    out
}

/// How many of each property are tried: as many as `PROPTEST_CASES` says, where somebody has more time.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|said| said.parse().ok()).unwrap_or(32)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// From one program to another, over what others did meanwhile: the cloud is as a first apply would have made it.
    #[test]
    fn an_apply_leaves_nothing_to_do(first in sketch(), second in sketch(), edits in edits()) {
        let (from, to) = (first.program(None), second.program(Some(&first)));
        let bench = Bench::after(&[&from]);
        bench.cloud.edit(|state| edits.iter().for_each(|(edit, index)| _ = done_outside(state, *edit, *index)));
        prop_assert_eq!(bytes(&bench, &to), bytes(&bench, &to), "a plan made twice has the same bytes");
        let (_, receipt) = bench.apply(&to);
        prop_assert_eq!(receipt.ending, Ending::Done, "{:?}", receipt.failed().collect::<Vec<_>>());
        prop_assert_eq!(bench.is_settled(&to, Command::Apply), Ok(()));
        let fresh = Bench::after(&[&second.program(None)]);
        prop_assert_eq!(world::same(&asked_for(&fresh), &asked_for(&bench)), Ok(()));
        prop_assert_eq!(bench.is_recorded(), Ok(()));
    }

    /// The same with troubles in the middle: what a run could not do the next ones do, and no receipt says done of what
    /// is not.
    #[test]
    fn an_apply_with_troubles_is_gone_on_with(
        first in sketch(), second in sketch(), edits in edits(), troubles in troubles()
    ) {
        let (from, to) = (first.program(None), second.program(Some(&first)));
        let bench = Bench::after(&[&from]);
        bench.cloud.edit(|state| edits.iter().for_each(|(edit, index)| _ = done_outside(state, *edit, *index)));
        let calm = bench.copy();
        calm.apply(&to);
        for (call, nth, trouble) in &troubles {
            bench.cloud.script(call, *nth, *trouble);
        }
        // A plan may not come about, and that is told.
        if let Ok(plan) = bench.try_plan(&to, &Scope::default(), Command::Apply) {
            let receipt = bench.run(&to, &plan);
            let is_done = receipt.ending == Ending::Done;
            prop_assert!(!is_done || world::same(&asked_for(&calm), &asked_for(&bench)).is_ok(), "{receipt:?}");
        }
        bench.life.begin();
        prop_assert_eq!(bench.converges(&to, Command::Apply, &calm.shape()), Ok(()));
    }

    /// A saved plan does what it says, no more and no less.
    #[test]
    fn a_saved_plan_does_exactly_its_operations(first in sketch(), second in sketch(), edits in edits()) {
        let (from, to) = (first.program(None), second.program(Some(&first)));
        let bench = Bench::after(&[&from]);
        bench.cloud.edit(|state| edits.iter().for_each(|(edit, index)| _ = done_outside(state, *edit, *index)));
        let plan = file::parse(&bytes(&bench, &to)).unwrap();
        bench.cloud.count_anew();
        let receipt = bench.run(&to, &plan);
        let done: Vec<_> = receipt.operations.iter().map(|one| one.id).collect();
        prop_assert_eq!(done, plan.operations.iter().map(|one| one.id).collect::<Vec<_>>());
        let mut said: BTreeMap<&str, u64> = BTreeMap::new();
        for call in plan.operations.iter().filter(|one| !one.verb.is_local()).flat_map(cost::calls) {
            *said.entry(call).or_default() += 1;
        }
        let writes = bench.cloud.asked().into_iter().filter(|(call, _)| !is_read(call));
        for (call, times) in writes {
            prop_assert!(times <= said.get(call.as_str()).copied().unwrap_or(0), "{call}: {times} times, said {said:?}");
        }
    }

    /// A part touches nothing else.
    #[test]
    fn a_part_touches_nothing_else(first in sketch(), second in sketch(), which in any::<Index>()) {
        let (from, to) = (first.program(None), second.program(Some(&first)));
        let bench = Bench::after(&[&from]);
        let cell = *which.get(&CELLS);
        let named = format!("cell.{cell}");
        prop_assume!(to.cells.contains_key(&named) || from.cells.contains_key(&named));
        let plan = bench.try_plan(&to, &only(&[&named]), Command::Apply).unwrap();
        // A document that names an account which is not there yet and is no part of this is another matter.
        prop_assume!(!plan.changes.iter().any(|change| change.kind == "permission_set" && !change.later.is_empty()));
        let before = bench.shape();
        let receipt = bench.run(&to, &plan);
        prop_assert_eq!(receipt.ending, Ending::Done, "{:?}", receipt.failed().collect::<Vec<_>>());
        let after = bench.shape();
        let own = format!("aws+{cell}@x.example");
        let others = |lines: &[String]| lines.iter().filter(|line| !line.contains(&own)).cloned().collect::<BTreeSet<_>>();
        let lost: Vec<String> = others(&before).difference(&others(&after)).cloned().collect();
        prop_assert_eq!(lost, Vec::<String>::new(), "what is of others stays as it was");
        let more: Vec<String> = others(&after).difference(&others(&before)).cloned().collect();
        // What it needs is made along with it.
        prop_assert!(more.iter().all(|line| !line.contains("has ") && !line.starts_with("account")), "{more:?}");
        // One that was parked is no address any more.
        if to.cells.contains_key(&named) {
            let left = bench.try_plan(&to, &only(&[&named]), Command::Apply).unwrap();
            prop_assert!(left.operations.is_empty(), "{}", world::told(&left));
        }
    }

    /// Tearing down leaves nothing that is owned but parked accounts.
    #[test]
    fn tearing_down_leaves_nothing_but_parked_accounts(sketch in sketch(), edits in edits()) {
        let program = sketch.program(None);
        let bench = Bench::after(&[&program]);
        bench.cloud.edit(|state| edits.iter().for_each(|(edit, index)| _ = done_outside(state, *edit, *index)));
        let (_, receipt) = bench.destroy(&program);
        prop_assert_eq!(receipt.ending, Ending::Done, "{:?}", receipt.failed().collect::<Vec<_>>());
        let (state, record) = (bench.cloud.state(), bench.record());
        let parking = state.unit("cellc-parked").map(|unit| unit.id.clone());
        let parked = state.accounts.values().filter(|account| account.id != MANAGEMENT);
        prop_assert!(parked.clone().all(|account| account.parent == parking), "every account is parked");
        prop_assert_eq!(parked.count(), sketch.cells.iter().flatten().count());
        prop_assert_eq!(record.parked.len(), sketch.cells.iter().flatten().count());
        prop_assert!(state.sets.is_empty() && state.given.is_empty(), "nobody has anything");
        prop_assert_eq!(state.policies.len(), 1, "only AWS's own is left");
        prop_assert!(state.units.values().all(|unit| unit.name == "cellc-parked"));
        let owned: Vec<&String> = record.resources.keys().filter(|address| *address != "parking").collect();
        prop_assert_eq!(owned, Vec::<&String>::new());
        let left = bench.try_plan(&program, &Scope::default(), Command::Destroy).unwrap();
        prop_assert!(left.operations.is_empty(), "{}", world::told(&left));
    }
}

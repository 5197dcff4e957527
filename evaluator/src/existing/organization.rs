//! The organization that exists: the `org` block, units, accounts, service control policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cell_lang::schema::Kind;
use cell_lang::types::Builtin;

use super::words::{Labels, fits, label, list, reference, slug, text};
use super::{Named, Writer, labelled, tags};
use crate::live::Live;
use crate::live::foreign::FULL_AWS_ACCESS;
use crate::plan::canonical;
use crate::plan::desired::Org;
use crate::plan::identity::{is_open, unproven};
use crate::provider::{Account, Policy, Unit};

/// Accounts that differ in their names alone are said by a loop from so many on.
const LOOP: usize = 3;

fn root(live: &Live) -> &str {
    live.organization.as_ref().map(|found| found.root.as_str()).unwrap_or_default()
}

/// The unit of parked accounts: one at the root with such accounts and no others, or of the usual name.
pub(super) fn parking(live: &Live) -> Option<&Unit> {
    let (mut waiting, mut others) = (BTreeSet::new(), BTreeSet::new());
    for account in live.accounts.values().filter(|account| is_open(account)) {
        let all = if unproven(account, live).is_none() { &mut waiting } else { &mut others };
        all.extend(account.parent.as_deref());
    }
    let at_root = || live.units.values().filter(|unit| unit.parent == root(live));
    let holds = |unit: &&Unit| waiting.contains(unit.id.as_str()) && !others.contains(unit.id.as_str());
    at_root().find(holds).or_else(|| at_root().find(|unit| unit.name == Org::default().parking))
}

impl<'a> Writer<'a> {
    fn root(&self) -> &'a str {
        root(self.live)
    }

    pub(super) fn organization(&self) -> String {
        let mut out = String::new();
        // A string takes everything.
        let mut field = |name: &str, value: &str| _ = writeln!(out, "{name} = {}", text(value));
        if let Some(found) = &self.live.organization {
            field("management_account", &found.management_account);
        }
        if let Some(center) = self.live.center.as_ref().filter(|center| fits(Builtin::InstanceArn, &center.arn)) {
            field("identity_center", &center.arn);
        }
        if let Some(region) = self.facts.home_region.as_deref().filter(|region| fits(Builtin::AwsRegion, region)) {
            field("home_region", region);
        }
        if let Some(delegate) = &self.facts.delegated_admin {
            field("delegated_admin", delegate);
        }
        let parking = self.parking.filter(|unit| unit.name != Org::default().parking);
        if let Some(unit) = parking.filter(|unit| fits(Builtin::OuName, &unit.name)) {
            field("parking", &unit.name);
        }
        out.push_str(&self.attached(self.root()));
        format!("org {} {{\n{out}}}\n", label(&self.facts.name))
    }

    /// The policies of the program that are attached to a target, as its field.
    fn attached(&self, target: &str) -> String {
        let own: BTreeSet<&String> = self
            .live
            .attached
            .iter()
            .filter(|(_, to)| to == target)
            .filter_map(|(policy, _)| self.policies.get(policy.as_str()))
            .collect();
        if own.is_empty() {
            return String::new();
        }
        let all: Vec<String> = own.into_iter().map(|label| reference(Kind::Scp, label, false)).collect();
        format!("scps = {}\n", list(&all))
    }

    /// Units, those above first, each below its own by name.
    fn tree(&self) -> Vec<&'a Unit> {
        let live = self.live;
        let mut below: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
        for unit in live.units.values() {
            below.entry(&unit.parent).or_default().push(unit);
        }
        below.values_mut().for_each(|units| units.sort_by_key(|unit| std::cmp::Reverse((&unit.name, &unit.id))));
        let mut out = Vec::new();
        let mut open: Vec<&Unit> = below.remove(self.root()).unwrap_or_default();
        while let Some(unit) = open.pop() {
            out.push(unit);
            open.extend(below.remove(unit.id.as_str()).unwrap_or_default());
        }
        out
    }

    /// Where AWS's own policy was taken away, which no program says.
    fn lists(&mut self) {
        let live = self.live;
        let is_attached = |id: &String| live.attached.contains(&(FULL_AWS_ACCESS.to_owned(), id.clone()));
        let units = live.units.values().map(|unit| (&unit.id, format!("unit {}", unit.name)));
        let accounts = live.accounts.values().filter(|account| is_open(account));
        let all = units.chain(accounts.map(|account| (&account.id, format!("account {}", account.name))));
        let (with, without): (Vec<_>, Vec<_>) = all.partition(|(id, _)| is_attached(id));
        // Not every server lists it.
        if with.is_empty() {
            return;
        }
        for (_, name) in without {
            let why = "`cellc` never touches it; a unit that is made anew has it again, which a brake holds";
            self.leave(format!("that FullAWSAccess is detached from {name}"), why);
        }
    }

    /// Units: and the parking one, which is the tool's own wherever there is one of the name.
    pub(super) fn units(&mut self) -> String {
        self.lists();
        let root = self.root();
        let parking = self.parking.map(|unit| unit.id.clone());
        let mut kept: Vec<&Unit> = Vec::new();
        for unit in self.tree() {
            let above = unit.parent == root || kept.iter().any(|other| other.id == unit.parent);
            if parking.as_ref() == Some(&unit.id) {
                self.leave(format!("unit {}", unit.name), "it is where `cellc` parks accounts (`parking` of `org`)");
            } else if !above {
                self.leave(format!("unit {}", unit.name), "the unit above it is left out");
            } else if fits(Builtin::OuName, &unit.name) {
                kept.push(unit);
            } else {
                self.leave(format!("unit {}", unit.name), "its name has a character that a program does not take");
            }
        }
        let names: BTreeMap<&str, &str> = kept.iter().map(|unit| (unit.id.as_str(), unit.name.as_str())).collect();
        self.units = labelled(kept.iter().map(|unit| {
            let own = slug(&unit.name, "ou");
            let above = names.get(unit.parent.as_str()).and_then(|name| slug(&format!("{name}-{}", unit.name), "ou"));
            let fallback = (own.is_none() && above.is_none()).then(|| "unit".to_owned());
            (unit.id.as_str(), unit.name.as_str(), own.into_iter().chain(above).chain(fallback).collect())
        }));
        self.hold(kept.len(), "unit");
        kept.into_iter().map(|unit| self.unit(unit)).collect()
    }

    fn unit(&mut self, unit: &'a Unit) -> String {
        let (live, own) = (self.live, self.units.get(unit.id.as_str()).cloned().unwrap_or_default());
        let mut body = Vec::new();
        if let Some(parent) = self.units.get(unit.parent.as_str()) {
            body.push(format!("parent = {}", reference(Kind::Ou, parent, false)));
        }
        if own != unit.name {
            body.push(format!("name = {}", text(&unit.name)));
        }
        let attached = self.attached(&unit.id);
        body.extend((!attached.is_empty()).then(|| attached.trim_end().to_owned()));
        let said = self.own_tags(&format!("unit {}", unit.name), live.tags.get(&unit.id));
        entity(Kind::Ou, &own, "", &body, &tags::block(&said))
    }

    /// Accounts, by unit. What those of a unit have in common is said once.
    pub(super) fn accounts(&mut self) -> String {
        let live = self.live;
        let (waiting, open): (Vec<&Account>, Vec<&Account>) =
            live.accounts.values().filter(|account| is_open(account)).partition(|account| self.waits(account));
        for account in waiting {
            let why = "it is parked, and waits for a cell: `cellc registry rebuild` takes it into the record";
            self.leave(format!("account {} ({})", account.name, account.id), why);
        }
        for account in live.accounts.values().filter(|account| !is_open(account)) {
            let why = format!("it is {}, and stays as it is", account.state.word());
            self.leave(format!("account {} ({})", account.name, account.id), why);
        }
        let mut units: Vec<Option<&str>> = vec![None];
        units.extend(self.tree().into_iter().map(|unit| Some(unit.id.as_str())));
        let mut of: BTreeMap<Option<&str>, Vec<&'a Account>> = BTreeMap::new();
        for account in open {
            let unit = account.parent.as_deref().filter(|unit| self.units.contains_key(unit));
            of.entry(unit).or_default().push(account);
        }
        of.values_mut().for_each(|accounts| accounts.sort_by_key(|account| (&account.name, &account.id)));
        let ordered: Vec<&Account> = units.iter().filter_map(|unit| of.get(unit)).flatten().copied().collect();
        let named = self.name_accounts(&ordered);
        self.hold(ordered.len(), "account");
        let mut out = String::new();
        for unit in units {
            if let Some(accounts) = of.get(&unit) {
                out.push_str(&self.accounts_of(unit, accounts, &named));
            }
        }
        out
    }

    /// Is it marked as parked, and where parked ones are?
    pub(super) fn waits(&self, account: &Account) -> bool {
        let unit = self.parking.map(|unit| &unit.id);
        unit.is_some() && account.parent.as_ref() == unit && unproven(account, self.live).is_none()
    }

    /// Labels of accounts; those whose names are written.
    fn name_accounts(&mut self, accounts: &[&'a Account]) -> BTreeSet<&'a str> {
        let (mut seen, mut written) = (BTreeSet::new(), BTreeSet::new());
        for account in accounts {
            if !fits(Builtin::AccountName, &account.name) {
                let why = "AWS would not take its name from a program: it keeps it, unwritten";
                self.leave(format!("the name of account {} ({})", account.name, account.id), why);
            } else if seen.insert(account.name.as_str()) {
                written.insert(account.id.as_str());
            } else {
                let why = "another account has the same name: both keep it, and one has it unwritten";
                self.leave(format!("the name of account {} ({})", account.name, account.id), why);
            }
        }
        let mut labels = Labels::default();
        let mut in_turn = accounts.to_vec();
        in_turn.sort_by_key(|account| slug(&account.name, "account").as_deref() != Some(&account.name));
        for account in in_turn {
            let own = account.name.as_str();
            let candidates = [slug(own, "account").unwrap_or_else(|| "account".to_owned())];
            // A label is the name where none is written: it must be no other account's.
            let is_written = written.contains(account.id.as_str());
            let refused = |label: &str| seen.contains(label) && !(is_written && label == own);
            let label = labels.take_unless(&candidates, &refused);
            self.accounts.insert(&account.id, Named { label, looped: false });
        }
        written
    }

    fn accounts_of(&mut self, unit: Option<&'a str>, accounts: &[&'a Account], written: &BTreeSet<&str>) -> String {
        let live = self.live;
        let tags_of: Vec<BTreeMap<String, String>> = accounts
            .iter()
            .map(|account| self.own_tags(&format!("account {}", account.name), live.tags.get(&account.id)))
            .collect();
        let shared = tags_of.first().filter(|first| accounts.len() > 1 && tags_of.iter().all(|tags| tags == *first));
        let shared = shared.cloned().unwrap_or_default();
        let place = unit.and_then(|unit| self.units.get(unit)).cloned();
        let says = place.is_some() || !shared.is_empty();
        let using = place.clone().map_or_else(|| "in-root".to_owned(), |place| format!("in-{place}"));
        let common = says && accounts.len() > 1;
        let mut out = String::from("\n");
        let unit_field = place.map(|place| format!("ou = {}", reference(Kind::Ou, &place, false)));
        if common {
            let body: Vec<String> = unit_field.clone().into_iter().collect();
            let _ = writeln!(out, "defaults {using} for account {{ {}\n{} }}", body.join(", "), tags::block(&shared));
        }
        let using = if common { format!(" using {using}") } else { String::new() };
        let mut plain = Vec::new();
        for (account, own) in accounts.iter().zip(&tags_of) {
            let Some(named) = self.accounts.get(account.id.as_str()).cloned() else { continue };
            let own = if common && *own == shared { BTreeMap::new() } else { own.clone() };
            let mut body = vec![format!("account_id = {}", text(&account.id))];
            body.extend(unit_field.clone().filter(|_| !common));
            let says_name = written.contains(account.id.as_str()) && named.label != account.name;
            body.extend(says_name.then(|| format!("name = {}", text(&account.name))));
            let attached = self.attached(&account.id);
            body.extend((!attached.is_empty()).then(|| attached.trim_end().to_owned()));
            if common && body.len() == 1 && own.is_empty() && written.contains(account.id.as_str()) {
                plain.push(*account);
                continue;
            }
            out.push_str(&entity(Kind::Account, &named.label, &using, &body, &tags::block(&own)));
        }
        out.push_str(&self.plain_accounts(&plain, &using));
        out
    }

    /// Accounts of which there is nothing to say but name and id.
    fn plain_accounts(&mut self, accounts: &[&'a Account], using: &str) -> String {
        let looped = accounts.len() >= LOOP;
        let mut lines = String::new();
        for account in accounts {
            let Some(named) = self.accounts.get_mut(account.id.as_str()) else { continue };
            named.looped = looped;
            let id = text(&account.id);
            if looped {
                let _ = writeln!(lines, "{} = {id},", text(&named.label));
            } else {
                lines.push_str(&entity(Kind::Account, &named.label, using, &[format!("account_id = {id}")], ""));
            }
        }
        if !looped {
            return lines;
        }
        format!("for name, id in {{\n{lines}}} {{\naccount \"\\(name)\"{using} {{ account_id = id }}\n}}\n")
    }

    /// Policies that a program can say get labels before anything is attached.
    pub(super) fn name_policies(&mut self) {
        let mut own: Vec<&'a Policy> = self.live.policies.values().filter(|policy| !policy.aws_managed).collect();
        own.sort_by_key(|policy| (&policy.name, &policy.id));
        let is_off = self.live.organization.as_ref().is_some_and(|organization| !organization.policies_enabled);
        own.retain(|policy| {
            let why = if is_off {
                "these policies are switched off at the root, and an apply would switch them on"
            } else if !fits(Builtin::PolicyName, &policy.name) {
                "its name has a character that a program does not take"
            } else if !fits(Builtin::ScpDescription, &policy.description) {
                "its description has a character that a program does not take"
            } else if !policy.content.as_deref().is_some_and(is_object) {
                "its document is no JSON object"
            } else {
                return true;
            };
            self.leave(format!("service control policy {}", policy.name), format!("{why}; it stays as it is"));
            false
        });
        self.policies = labelled(own.iter().map(|policy| {
            (
                policy.id.as_str(),
                policy.name.as_str(),
                vec![slug(&policy.name, "scp").unwrap_or_else(|| "policy".to_owned())],
            )
        }));
    }

    pub(super) fn policies(&mut self) -> String {
        let live = self.live;
        let mut own: Vec<(String, &Policy)> =
            self.policies.iter().filter_map(|(id, label)| Some((label.clone(), live.policies.get(*id)?))).collect();
        own.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.hold(own.len(), "service control policy");
        let mut out = String::new();
        for (label, policy) in own {
            let mut body = Vec::new();
            body.extend((label != policy.name).then(|| format!("name = {}", text(&policy.name))));
            body.extend(
                (!policy.description.is_empty()).then(|| format!("description = {}", text(&policy.description))),
            );
            let content = policy.content.as_deref().map(canonical::parsed).unwrap_or_default();
            let document = self.document(Kind::Scp, &label, &content);
            let said = self.own_tags(&format!("service control policy {}", policy.name), live.tags.get(&policy.id));
            let blocks = format!("{document}{}", tags::block(&said));
            out.push_str(&entity(Kind::Scp, &label, "", &body, &blocks));
        }
        self.attached_to_others();
        out
    }

    /// Attachments to what is not in the program.
    fn attached_to_others(&mut self) {
        let live = self.live;
        for (policy, target) in &live.attached {
            let known = *target == self.root()
                || self.units.contains_key(target.as_str())
                || self.accounts.contains_key(target.as_str());
            if known || !self.policies.contains_key(policy.as_str()) {
                continue;
            }
            let name = live.policies.get(policy).map_or(policy.as_str(), |policy| policy.name.as_str());
            let at = live.accounts.get(target).map(|account| &account.name);
            let at = at.or_else(|| live.units.get(target).map(|unit| &unit.name)).unwrap_or(target);
            let what = format!("service control policy {name} on {at}");
            self.leave(what, "what it is attached to is left out; it stays attached");
        }
    }
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|tree| tree.is_object())
}

/// An entity: its fields on one line where they fit, then its blocks.
pub(super) fn entity(kind: Kind, name: &str, using: &str, fields: &[String], blocks: &str) -> String {
    let body = if blocks.is_empty() { fields.join(", ") } else { format!("\n{}\n{blocks}", fields.join("\n")) };
    format!("{} {}{using} {{ {body} }}\n", kind.name(), label(name))
}

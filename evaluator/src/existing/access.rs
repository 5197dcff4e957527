//! Access that exists: groups and users, permission sets, who is given which where.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::schema::Kind;
use cell_lang::types::Builtin;
use cell_lang::value::{Lit, write_duration};

use super::organization::entity;
use super::words::{Labels, fits, label, list, reference, slug, text, texts};
use super::{Writer, tags};
use crate::live::{LiveSet, SetDetail};
use crate::plan::canonical;
use crate::plan::diff::sets::written;
use crate::plan::identity::is_open;
use crate::provider::{Boundary, Principal, PrincipalKind};

/// Units that one grant names at most: beyond that a list of accounts reads no worse.
const UNITS: usize = 3;
/// How long a session lasts where nobody said it. (CreatePermissionSet: one hour)
const HOUR: i64 = 3_600_000;

impl<'a> Writer<'a> {
    /// Groups and users that are given something in an account of the program.
    pub(super) fn people(&mut self) -> String {
        let live = self.live;
        let mut known: Vec<(&'a Principal, &'a String)> = Vec::new();
        let all: BTreeSet<&'a Principal> = live.given.iter().map(|given| &given.principal).collect();
        for principal in all {
            match live.names.get(principal) {
                Some(name) if fits(Builtin::PrincipalName, name) => known.push((principal, name)),
                Some(name) => {
                    let what = format!("{} {name}", principal.kind.word());
                    self.leave(
                        what,
                        "its name has a character that a program does not take: the plan takes away what it is given",
                    );
                }
                None => {
                    let what = format!("a {} that is gone ({})", principal.kind.word(), principal.id);
                    self.leave(what, "nobody has a name for it any more: the plan takes away what it was given");
                }
            }
        }
        known.sort_by_key(|(principal, name)| (principal.kind, *name, &principal.id));
        let (mut groups, mut users) = (Labels::default(), Labels::default());
        let mut out = String::new();
        for (principal, name) in &known {
            let (kind, labels) = match principal.kind {
                PrincipalKind::Group => (Kind::Group, &mut groups),
                PrincipalKind::User => (Kind::User, &mut users),
            };
            // Of an e-mail what stands before the `@`, while that tells people apart.
            let near = name.split_once('@').and_then(|(head, _)| slug(head, kind.name()));
            let whole = slug(name, kind.name()).unwrap_or_else(|| kind.name().to_owned());
            let own = labels.take(&near.into_iter().chain([whole]).collect::<Vec<_>>());
            let body: Vec<String> = (own != **name).then(|| format!("name = {}", text(name))).into_iter().collect();
            out.push_str(&entity(kind, &own, "", &body, ""));
            self.people.insert(principal, own);
        }
        let count = |kind| known.iter().filter(|(principal, _)| principal.kind == kind).count();
        let (groups, users) = (count(PrincipalKind::Group), count(PrincipalKind::User));
        self.hold(groups, "group");
        self.hold(users, "user");
        out
    }

    pub(super) fn permission_sets(&mut self) -> String {
        let live = self.live;
        let mut own: Vec<(&'a String, &'a LiveSet)> = live.sets.iter().collect();
        own.sort_by_key(|(arn, set)| (&set.fields.name, *arn));
        // A name that is a label is its own; the others make way for it.
        own.sort_by_key(|(_, set)| !fits(Builtin::PermissionSetLabel, &set.fields.name));
        let mut labels = Labels::default();
        let mut all = Vec::new();
        for (arn, set) in own {
            let detail = set.detail.clone().unwrap_or_default();
            if let Some(why) = unsaid(set, &detail) {
                self.leave(format!("permission set {}", set.fields.name), format!("{why}; it stays as it is"));
                continue;
            }
            let name = &set.fields.name;
            let plain = name.replace(['.', ','], "-");
            // Room for a number.
            let shorter = plain.chars().take(28).collect();
            let label = labels.take(&[plain, shorter]);
            self.sets.insert(arn, label.clone());
            all.push((label, set, detail));
        }
        all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        self.hold(all.len(), "permission set");
        all.into_iter().map(|(label, set, detail)| self.permission_set(&label, set, &detail)).collect()
    }

    fn permission_set(&mut self, own: &str, set: &LiveSet, detail: &SetDetail) -> String {
        let mut body = Vec::new();
        let fields = &set.fields;
        body.extend((own != fields.name).then(|| format!("name = {}", text(&fields.name))));
        let said = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
        body.extend(said(&fields.description).map(|description| format!("description = {}", text(&description))));
        let session = fields.session.as_deref().and_then(session);
        body.extend(session.filter(|ms| *ms != HOUR).map(|ms| format!("session = {}", write_duration(ms))));
        body.extend(said(&fields.relay_state).map(|state| format!("relay_state = {}", text(&state))));
        let mut managed = detail.managed.clone();
        managed.sort();
        body.extend((!managed.is_empty()).then(|| format!("managed = {}", texts(&managed))));
        let mut customer: Vec<String> = detail.customer.iter().map(written).collect();
        customer.sort();
        body.extend((!customer.is_empty()).then(|| format!("customer_managed = {}", texts(&customer))));
        body.extend(detail.boundary.as_ref().map(|boundary| format!("boundary = {}", text(&bounded(boundary)))));
        let mut blocks = String::new();
        if let Some(inline) = said(&detail.inline) {
            blocks = self.document(Kind::PermissionSet, own, &canonical::parsed(&inline));
        }
        let tags = self.own_tags(&format!("permission set {}", fields.name), detail.tags.as_ref());
        blocks.push_str(&tags::block(&tags));
        format!("permission_set {} {{\n{}\n{blocks}}}\n", label(own), body.join("\n"))
    }

    /// Who is given a set alike on the same accounts is in one grant; where the accounts are all of a unit, the grant is
    /// on the unit's.
    pub(super) fn grants(&mut self) -> String {
        let live = self.live;
        let mut on: BTreeMap<(&'a str, &'a Principal), BTreeSet<&'a str>> = BTreeMap::new();
        for given in &live.given {
            let (set, account) = (given.set.as_str(), given.account.as_str());
            if !self.sets.contains_key(set) || !self.people.contains_key(&given.principal) {
                continue;
            }
            if self.accounts.contains_key(account) {
                on.entry((set, &given.principal)).or_default().insert(account);
            } else {
                self.leave_given(set, account);
            }
        }
        let mut alike: BTreeMap<(String, BTreeSet<&'a str>), Vec<&'a Principal>> = BTreeMap::new();
        for ((set, principal), accounts) in on {
            let Some(label) = self.sets.get(set) else { continue };
            alike.entry((label.clone(), accounts)).or_default().push(principal);
        }
        let mut grants: Vec<(String, Vec<String>, BTreeSet<&'a str>)> = alike
            .into_iter()
            .map(|((set, accounts), people)| {
                let mut to: Vec<String> = people.iter().filter_map(|principal| self.person(principal)).collect();
                to.sort();
                (set, to, accounts)
            })
            .collect();
        grants.sort_by(|(a, to, _), (b, others, _)| (a, to).cmp(&(b, others)));
        self.hold(live.given.len(), "assignment");
        let mut labels = Labels::default();
        grants.iter().map(|(set, to, accounts)| self.grant(set, to, accounts, &mut labels)).collect()
    }

    fn person(&self, principal: &Principal) -> Option<String> {
        let kind = if principal.kind == PrincipalKind::Group { Kind::Group } else { Kind::User };
        Some(reference(kind, self.people.get(principal)?, false))
    }

    fn leave_given(&mut self, set: &str, account: &str) {
        let live = self.live;
        let name = live.sets.get(set).map_or(set, |set| set.fields.name.as_str());
        if let Some(found) = live.accounts.get(account).filter(|found| self.waits(found)) {
            let why = "it waits for a cell, and is left out; once the set is owned, the plan takes away what is given there";
            return self.leave(format!("permission set {name} in account {}", found.name), why);
        }
        let (at, why) = match live.accounts.get(account) {
            Some(found) if !is_open(found) => (found.name.clone(), format!("it is {}", found.state.word())),
            Some(found) => (found.name.clone(), "it is left out".to_owned()),
            None => (account.to_owned(), "it is not in the organization any more".to_owned()),
        };
        self.leave(format!("permission set {name} in account {at}"), format!("{why}; what is given there stays"));
    }

    fn grant(&self, set: &str, to: &[String], accounts: &BTreeSet<&str>, labels: &mut Labels) -> String {
        let people = match to {
            [one] => one.clone(),
            [one, rest @ ..] => format!("{one} and {} more", rest.len()),
            [] => String::new(),
        };
        let people = people.split_once(['.', '[']).map_or(people.clone(), |(_, name)| name.to_owned());
        let name = slug(&format!("{people} {set}"), "to").unwrap_or_else(|| "grant".to_owned());
        let own = labels.take(&[name]);
        let whom = if let [one] = to { one.clone() } else { list(to) };
        let can = reference(Kind::PermissionSet, set, false);
        format!("grant {} {{\nto = {whom}\ncan = {can}\non = {}\n}}\n", label(&own), self.targets(accounts))
    }

    /// A set of accounts: all of them, those of units, or one by one.
    fn targets(&self, accounts: &BTreeSet<&str>) -> String {
        if accounts.len() > 1 && accounts.len() == self.accounts.len() {
            return "accounts".to_owned();
        }
        let (units, rest) = self.by_unit(accounts);
        let named = |ids: &[&str]| {
            let mut all: Vec<String> = ids
                .iter()
                .filter_map(|id| self.accounts.get(id))
                .map(|named| reference(Kind::Account, &named.label, named.looped))
                .collect();
            all.sort();
            list(&all)
        };
        if units.is_empty() || units.len() > UNITS {
            return named(&accounts.iter().copied().collect::<Vec<_>>());
        }
        let tests: Vec<String> =
            units.iter().map(|unit| format!(".ou == {}", reference(Kind::Ou, unit, false))).collect();
        let selected = format!("accounts where {}", tests.join(" || "));
        if rest.is_empty() { selected } else { format!("union({selected}, {})", named(&rest)) }
    }

    /// The units all of whose accounts, and more than one, are in a set; and the accounts of the set in no such unit.
    fn by_unit<'s>(&self, accounts: &BTreeSet<&'s str>) -> (Vec<&String>, Vec<&'s str>) {
        let unit_of =
            |id: &str| self.live.accounts.get(id)?.parent.as_deref().filter(|id| self.units.contains_key(id));
        let mut of: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for id in self.accounts.keys() {
            if let Some(unit) = unit_of(id) {
                let counts = of.entry(unit).or_default();
                counts.0 += 1;
                counts.1 += usize::from(accounts.contains(id));
            }
        }
        let whole = |unit: &str| of.get(unit).is_some_and(|(all, some)| *all > 1 && all == some);
        let mut units: Vec<&String> =
            of.keys().filter(|unit| whole(unit)).filter_map(|unit| self.units.get(*unit)).collect();
        units.sort();
        let rest = accounts.iter().copied().filter(|id| !unit_of(id).is_some_and(whole)).collect();
        (units, rest)
    }
}

/// Why a set cannot be said, if it cannot.
fn unsaid(set: &LiveSet, detail: &SetDetail) -> Option<String> {
    let fields = &set.fields;
    let bad = |of: Builtin, value: Option<&str>| value.is_some_and(|value| !value.is_empty() && !fits(of, value));
    if !fits(Builtin::PermissionSetName, &fields.name) {
        return Some("its name has a character that a program does not take".to_owned());
    }
    if bad(Builtin::Description, fields.description.as_deref()) {
        return Some("its description has a character that a program does not take".to_owned());
    }
    if bad(Builtin::RelayState, fields.relay_state.as_deref()) {
        return Some("its relay state has a character that a program does not take".to_owned());
    }
    let lasts = fields.session.as_deref().map(|text| session(text).map(Lit::Duration));
    if lasts.is_some_and(|lasts| lasts.is_none_or(|lasts| Builtin::Session.check(&lasts).is_err())) {
        return Some(format!("its session lasts {}", fields.session.as_deref().unwrap_or_default()));
    }
    if let Some(arn) = detail.managed.iter().find(|arn| !fits(Builtin::ManagedPolicyArn, arn)) {
        return Some(format!("it has the policy {arn}, which is none of AWS's own"));
    }
    if let Some(policy) = detail.customer.iter().map(written).find(|name| !fits(Builtin::CustomerPolicy, name)) {
        return Some(format!("it has the policy {policy}, whose name a program does not take"));
    }
    let boundary = detail.boundary.as_ref().map(bounded)?;
    (!fits(Builtin::Boundary, &boundary)).then(|| format!("its boundary is {boundary}"))
}

fn bounded(boundary: &Boundary) -> String {
    match boundary {
        Boundary::Managed(arn) => arn.clone(),
        Boundary::Customer(policy) => written(policy),
    }
}

/// A duration of ISO 8601 in milliseconds.
fn session(text: &str) -> Option<i64> {
    let span = text.parse::<jiff::SignedDuration>().ok()?;
    i64::try_from(span.as_millis()).ok()
}

//! From two sides to a review: each distinct change of access is decided once, and told for everybody it is about.
//! Owns how changes are folded into rows, their order and their fingerprints. What a change is, the engine says; what
//! it looks like on a page is [`super::text`]'s and its like.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use cell_iam::data::{self, paths::Paths, sensitive::Sensitive};
use cell_iam::{Engine, catalogue::Catalogue, risk};

use super::accepts::{self, Accept};
use super::cases::{CaseId, Cases, differing};
use super::guards::{self, Rule};
use super::judge::{Judge, Told};
use super::model::{Delta, Evidence, FORMAT_VERSION, Proof, Review, Row, SetChange, Severity, Verdict};
use super::pins::Pins;
use super::sides::{Holding, Side};
use super::sources::Sources;
use super::{equivalent, fingerprint, limits};
use crate::plan::desired::Desired;
use crate::plan::model::{Fields, Place};

/// What is reviewed.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// As it is.
    pub before: &'a Side,
    /// As it will be.
    pub after: &'a Side,
    /// The program: names, kinds of cells, where grants stand.
    pub desired: &'a Desired,
    /// Where statements stand, and the documents of policies that no program writes, on either side.
    pub sources: Sources<'a>,
    /// The program's guards.
    pub guards: &'a [Rule],
    /// Those of the former revision, where another revision is compared with.
    pub guards_before: &'a [Rule],
    /// The program's waivers.
    pub accepts: &'a [Accept],
    /// The day on which waivers are judged; none, and none has expired.
    pub today: Option<jiff::civil::Date>,
    /// What `before` is, for people: `live`, `revision main`.
    pub base: &'a str,
}

impl<'a> Question<'a> {
    /// The pins of the side before.
    pub(super) fn pins_before(&self) -> &'a Pins {
        self.sources.former.map_or(self.sources.now.pins, |former| former.pins)
    }
}

/// What the engine knows of AWS and cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the shipped data of AWS cannot be read: {0}")]
pub struct Unreadable(String);

/// What the engine knows of AWS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) catalogue: &'static Catalogue,
    pub(super) lists: &'static Sensitive,
    pub(super) paths: &'static Paths,
    pub(super) date: &'static str,
}

impl Known {
    /// Reads it, once a process.
    pub(super) fn read() -> Result<Self, Unreadable> {
        let unreadable = |error: &dyn std::fmt::Display| Unreadable(error.to_string());
        Ok(Self {
            catalogue: data::all().map_err(|error| unreadable(&error))?,
            lists: data::sensitive::known().map_err(|error| unreadable(&error))?,
            paths: data::paths::known().map_err(|error| unreadable(&error))?,
            date: data::date().map_err(|error| unreadable(&error))?,
        })
    }
}

/// The review. The same question gives the same bytes.
///
/// # Errors
/// When the shipped list of actions cannot be read.
pub fn review(question: &Question<'_>) -> Result<Review, Unreadable> {
    let mut cases = Cases::new(question.pins_before());
    mind_guards(&mut cases, question.guards);
    let before = cases.of(question.before);
    let is_same = std::ptr::eq(question.before, question.after) && question.sources.former.is_none();
    let after = if is_same {
        Cow::Borrowed(&before)
    } else {
        Cow::Owned(cases.under(question.sources.now.pins).of(question.after))
    };
    let changes = if is_same {
        BTreeMap::new()
    } else {
        let was = with_newcomers(&mut cases, question.before, question.pins_before(), (&before, &after));
        let now = with_newcomers(&mut cases, question.after, question.sources.now.pins, (&after, &before));
        differing(&was, &now)
    };
    let own =
        question.after.alone().map(|alone| cases.under(question.sources.now.pins).of(&alone)).unwrap_or_default();
    let known = Known::read()?;
    let mut judge = Judge {
        question,
        cases: &cases,
        known,
        engine: Engine::in_partition(known.catalogue, &question.desired.org.partition).showing(risk::gravity(
            known.catalogue,
            known.lists,
            known.paths,
        )),
        evidence: Evidence { cases: cases.len(), actions_of: known.date.to_owned(), ..Evidence::default() },
    };
    let (rows, through) = folded(&changes, &mut judge);
    let guards = guards::judge(question, &cases, [&before, &after, &own], known, &mut judge.engine);
    judge.evidence.queries += guards.queries;
    let equivalent = equivalent::find(question, &mut judge.engine);
    let extents = if rows.is_empty() { BTreeMap::new() } else { extents(&before, &after) };
    let mut principals: Vec<Row> =
        rows.into_iter().map(|(key, (told, cells))| row(question, &extents, &told, key, &cells)).collect();
    principals.sort_by(|a, b| order(a).cmp(&order(b)));
    let mut limits = limits::find(question, &mut judge.engine, &principals, &through);
    let longer = limits::longer(question.before, question.after);
    let mut evidence = judge.evidence;
    count(&principals, &mut evidence);
    let gains = |row: &Row| !row.gained.is_empty() && row.waived.is_none();
    let verdict = match () {
        () if guards.guards.iter().any(|guard| guard.holds == super::model::Holds::Broken) => Verdict::Broken,
        () if principals.iter().any(gains) || !longer.is_empty() => Verdict::Review,
        () => Verdict::None,
    };
    limits.extend(longer);
    let mut everybody = principals_of(&before);
    if !is_same {
        everybody.extend(principals_of(&after));
    }
    let touched: BTreeSet<&String> = principals.iter().map(|row| &row.principal).collect();
    Ok(Review {
        format_version: FORMAT_VERSION.to_owned(),
        verdict,
        fingerprint: fingerprint::whole(principals.iter().map(|row| row.fingerprint.as_str())),
        source: question.desired.source.clone(),
        base: question.base.to_owned(),
        unchanged: everybody.len() - touched.len(),
        limits,
        idle: accepts::idle(question.accepts, &principals, question.today),
        principals,
        equivalent,
        guards: guards.guards,
        unmanaged: Vec::new(),
        unmanaged_access: None,
        not_modelled: not_modelled(question, &cases),
        evidence,
    })
}

/// What makes several cells one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    principal: String,
    shape: String,
    sets: SetChange,
    until: Option<String>,
}

/// Rows in the making, each with the cells and the digest of the change there.
type Rows = BTreeMap<Key, (Told, BTreeMap<String, String>)>;

/// Each distinct change decided once, those that read alike folded, and the places in which a change weakens a limit.
fn folded(changes: &BTreeMap<(CaseId, CaseId), Vec<Holding>>, judge: &mut Judge<'_, '_>) -> (Rows, BTreeSet<String>) {
    let question = judge.question;
    let mut rows: Rows = BTreeMap::new();
    let mut through: BTreeSet<String> = BTreeSet::new();
    let found = changes.iter().filter_map(|(pair, holdings)| {
        let (_, first) = holdings.first()?;
        judge.change(*pair, first).map(|told| (*pair, holdings, told))
    });
    let found: Vec<_> = found.collect();
    let told: BTreeMap<&Holding, &Told> =
        found.iter().flat_map(|(_, holdings, told)| holdings.iter().map(move |holding| (holding, told))).collect();
    for ((old, new), holdings, change) in &found {
        through.extend(holdings.iter().filter(|_| change.weakened).map(|holding| holding.1.clone()));
        let shape = change.shape();
        let Some((_, first)) = holdings.first() else { continue };
        for holding in holdings.iter().filter(|holding| !is_told_of_groups(question, &told, holding, change)) {
            let sets = set_change(question, holding);
            let until = longest_session(question.before, &sets.taken);
            let key = Key { principal: holding.0.clone(), shape: shape.clone(), sets, until };
            let moved = || change.moved(judge.cases, (*old, *new), (first, &holding.1));
            let row = rows.entry(key).or_insert_with(|| (moved(), BTreeMap::new()));
            row.1.insert(holding.1.clone(), change.digest.clone());
        }
    }
    (rows, through)
}

/// Tells accounts apart that a guard names.
fn mind_guards(cases: &mut Cases<'_>, guards: &[Rule]) {
    for forbid in guards.iter().flat_map(|rule| &rule.forbids).map(|forbidden| &forbidden.what) {
        let values = forbid.unless.iter().flat_map(|condition| &condition.values);
        forbid.resources.items.iter().chain(values).for_each(|text| cases.mind(&text.value));
    }
}

/// Is a user's change that of a group, and nothing comes of the two together? Then the group's row tells it.
fn is_told_of_groups(
    question: &Question<'_>,
    told: &BTreeMap<&Holding, &Told>,
    holding: &Holding,
    change: &Told,
) -> bool {
    let (before, after) = (question.before, question.after);
    let own = before.given.get(holding);
    let is_own = own != after.given.get(holding)
        || own.into_iter().flatten().any(|set| before.form(set, &holding.1) != after.form(set, &holding.1))
        || change.weakened;
    let groups = after.groups.as_ref().and_then(|all| all.get(&holding.0)).into_iter().flatten();
    let theirs: Vec<&Told> =
        groups.filter_map(|group| told.get(&(group.clone(), holding.1.clone())).copied()).collect();
    !is_own && !theirs.is_empty() && change.is_told_by(&theirs)
}

/// The cases of a side, and of those who have something on the other side only: limits hold them here, too.
fn with_newcomers<'o, 'p>(
    cases: &mut Cases<'p>,
    side: &Side,
    pins: &'p Pins,
    (own, other): (&'o BTreeMap<Holding, CaseId>, &BTreeMap<Holding, CaseId>),
) -> Cow<'o, BTreeMap<Holding, CaseId>> {
    let mut all = Cow::Borrowed(own);
    let mut known: BTreeMap<&str, CaseId> = BTreeMap::new();
    cases.under(pins);
    for holding in other.keys().filter(|holding| !own.contains_key(*holding)) {
        let case = *known.entry(&holding.1).or_insert_with(|| cases.nobody(side, &holding.1));
        all.to_mut().insert(holding.clone(), case);
    }
    all
}

/// Which sets a principal is given and loses in a place.
fn set_change(question: &Question<'_>, holding: &Holding) -> SetChange {
    let empty = BTreeSet::new();
    let (old, new) =
        (question.before.given.get(holding).unwrap_or(&empty), question.after.given.get(holding).unwrap_or(&empty));
    SetChange { given: new.difference(old).cloned().collect(), taken: old.difference(new).cloned().collect() }
}

/// The longest session that may be open under some sets.
fn longest_session(side: &Side, sets: &[String]) -> Option<String> {
    let sets = sets.iter().filter_map(|set| side.sets.get(set));
    let session = |fields: &Fields| fields.get("session").and_then(|value| value.as_str()).map(str::to_owned);
    let length = |text: &String| text.parse::<jiff::SignedDuration>().map_or(0, |duration| duration.as_secs());
    sets.map(|fields| session(fields).unwrap_or_else(|| "PT1H".to_owned())).max_by_key(length)
}

/// Those who have anything anywhere. They stand one after the other.
fn principals_of(held: &BTreeMap<Holding, CaseId>) -> BTreeSet<&String> {
    let mut all: Vec<&String> = held.keys().map(|(principal, _)| principal).collect();
    all.dedup();
    all.into_iter().collect()
}

/// How many places each principal has anything in.
fn extents(before: &BTreeMap<Holding, CaseId>, after: &BTreeMap<Holding, CaseId>) -> BTreeMap<String, usize> {
    let mut extents: BTreeMap<String, usize> = BTreeMap::new();
    let holdings: BTreeSet<&Holding> = before.keys().chain(after.keys()).collect();
    for (principal, _) in holdings {
        *extents.entry(principal.clone()).or_default() += 1;
    }
    extents
}

fn row(
    question: &Question<'_>,
    extents: &BTreeMap<String, usize>,
    told: &Told,
    key: Key,
    changes: &BTreeMap<String, String>,
) -> Row {
    let mut cells: Vec<String> = changes.keys().cloned().collect();
    let is_prod = |cell: &String| question.desired.cells.get(cell).is_some_and(|kind| kind == "prod");
    cells.sort_by_key(|cell| (!is_prod(cell), cell.clone()));
    let severity = |all: &[Delta]| all.iter().map(|delta| delta.risk.severity).min();
    let until = |delta: &Delta| Delta { until: key.until.clone(), ..delta.clone() };
    let lost = told.lost.iter().cloned().chain(told.kept.iter().map(until)).collect();
    let name = question.desired.principals.get(&key.principal);
    let mut row = Row {
        name: name.map_or_else(|| key.principal.clone(), |wanted| wanted.name.clone()),
        production: cells.iter().filter(|cell| is_prod(cell)).count(),
        everywhere: extents.get(&key.principal) == Some(&cells.len()),
        severity: severity(&told.gained).unwrap_or(Severity::Low),
        gained: told.gained.clone(),
        lost,
        grants: grants(question, &key, &cells),
        sets: key.sets,
        principal: key.principal,
        cells,
        fingerprint: String::new(),
        waived: None,
    };
    // Whom and where the program means, and not how it calls them.
    let place =
        |cell: &String| match question.desired.resources.get(cell).and_then(|it| it.account.as_ref()?.id.clone()) {
            Some(id) => format!("{cell} {id}"),
            None => cell.clone(),
        };
    let all: BTreeSet<(String, &str)> = changes.iter().map(|(cell, change)| (place(cell), change.as_str())).collect();
    row.fingerprint = fingerprint::of_row((&row.principal, &row.name), &all);
    row.waived = question
        .accepts
        .iter()
        .find(|accept| accept.change == row.fingerprint && question.today.is_none_or(|today| accept.expires >= today))
        .map(Accept::waived);
    row
}

/// Where the program grants what is given anew.
fn grants(question: &Question<'_>, key: &Key, cells: &[String]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for set in &key.sets.given {
        let head = match set.rsplit_once("permission_set.") {
            Some((module, label)) => format!("assignment.{module}{label}"),
            None => continue,
        };
        for cell in cells {
            let address = format!("{head}/{}/{cell}", key.principal);
            let sources = question.desired.resources.get(&address).map(|wanted| wanted.sources.as_slice());
            for place in sources.unwrap_or_default() {
                if !places.contains(place) {
                    places.push(place.clone());
                }
            }
        }
    }
    places
}

fn order(row: &Row) -> (bool, Severity, bool, std::cmp::Reverse<usize>, &str, &[String]) {
    (
        row.gained.is_empty(),
        row.severity,
        row.production == 0,
        std::cmp::Reverse(row.cells.len()),
        &row.principal,
        &row.cells,
    )
}

fn count(rows: &[Row], evidence: &mut Evidence) {
    for delta in rows.iter().flat_map(|row| row.gained.iter().chain(&row.lost)) {
        match delta.proof {
            Proof::Proven => evidence.proven += 1,
            Proof::May => evidence.may += 1,
        }
    }
}

/// What the review does not see.
fn not_modelled(question: &Question<'_>, cases: &Cases<'_>) -> Vec<String> {
    let mut all = vec![
        "policies of resources (buckets, keys, queues, roles' trust)".to_owned(),
        "permission sets, roles and users that cellc does not manage, and roles that are taken from there".to_owned(),
        match question.after.groups {
            Some(_) => "people whom the program names in no grant: what one has by several groups together".to_owned(),
            None => "memberships of groups are not read: what one person has by several groups, or besides, is judged for each alone".to_owned(),
        },
    ];
    let mut unpinned = question.pins_before().missing(question.before);
    unpinned.extend(question.sources.now.pins.missing(question.after));
    if !unpinned.is_empty() {
        let unpinned: Vec<String> = unpinned.into_iter().collect();
        let pinned = "`cellc lock --update` pins them";
        all.push(format!(
            "documents that are not pinned, so that they may allow anything: {} ({pinned})",
            unpinned.join(", ")
        ));
    }
    let pins = question.sources.now.pins;
    let limits = match (&pins.organization, &pins.resources) {
        (None, None) => Some("service and resource control policies attached outside the program: none is pinned"),
        (None, _) => Some("service control policies attached outside the program: none is pinned"),
        (_, None) => Some("resource control policies: none is pinned"),
        (_, Some(pinned)) if pinned.is_empty() => None,
        (_, Some(_)) => Some(
            "resource control policies but for S3, SQS, STS and Secrets Manager, and those of other accounts, for what is done to resources there",
        ),
    };
    all.extend(limits.map(str::to_owned));
    all.extend(cases.unread().iter().map(|(name, why)| format!("{name}, which cannot be read: {why}")));
    all
}

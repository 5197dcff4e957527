//! Accesses of principals in cells and accounts, equal ones folded. Owns how an [`Access`] is put together from a
//! side, and what makes two of them one case; what a case allows is the engine's affair.
//!
//! A case holds no account's id unless one of its policies tells the account from others, so that a thousand cells
//! under the same policies are one case. It is decided for one of its cells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cell_iam::access::{self, Access, Fact, Facts, Home, Level, Part, Way};
use cell_iam::policy::{self, Document};
use cell_iam::session::{self, Session};
use foldhash::HashMap;
use indexmap::{IndexMap, IndexSet};
use serde_json::Value as Json;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::homes::{Homes, Named};
use super::pins::Pins;
use super::sides::{Holding, Side};
use crate::digest::short;
use crate::plan::model::Fields;

/// What AWS attaches to every target; no program takes it away.
const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"FullAWSAccess","Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A case, by its place in [`Cases`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId(u32);

/// Nobody's access: nothing is allowed.
pub const NOTHING: CaseId = CaseId(0);

/// The distinct accesses of the sides of one question.
#[derive(Debug)]
pub struct Cases<'p> {
    pins: &'p Pins,
    documents: HashMap<(SmolStr, SmolStr), Part>,
    full: Part,
    ways: IndexSet<Arc<Way>>,
    chains: IndexSet<Arc<Vec<Level>>>,
    /// Each with the first cell or account that it is in.
    distinct: IndexMap<Case, String>,
    homes: Homes,
    /// Accounts that a question tells from others.
    named: Named,
    /// Policies that could not be read, by name.
    unread: BTreeMap<SmolStr, String>,
}

/// What makes two accesses one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Case {
    ways: Vec<usize>,
    /// The service control policies.
    chain: usize,
    /// The resource control policies.
    resources: usize,
    management: bool,
    account: Account,
    organization: Option<SmolStr>,
}

/// The account of a case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Account {
    /// It has no id yet.
    Unknown,
    /// One that no policy of the case tells from others.
    Some,
    /// This one.
    Named(SmolStr),
}

impl<'p> Cases<'p> {
    /// None yet but nobody's.
    pub fn new(pins: &'p Pins) -> Self {
        let mut cases = Self {
            pins,
            documents: HashMap::default(),
            full: Part::Unknown { name: "FullAWSAccess".into() },
            ways: IndexSet::new(),
            chains: IndexSet::new(),
            distinct: IndexMap::new(),
            homes: Homes::default(),
            named: Named::default(),
            unread: BTreeMap::new(),
        };
        cases.full = cases.document("FullAWSAccess", FULL_ACCESS);
        cases.chains.insert(Arc::default());
        let nobody = Case {
            ways: Vec::new(),
            chain: 0,
            resources: 0,
            management: false,
            account: Account::Unknown,
            organization: None,
        };
        cases.distinct.insert(nobody, String::new());
        cases
    }

    /// Tells the accounts from others that a question names, by a pattern of resources or a value of a condition.
    pub fn mind(&mut self, text: &str) {
        self.named.text(text, true);
    }

    /// Tells each account from others: nobody knows what will be asked.
    pub fn mind_all(&mut self) {
        self.named = Named::all();
    }

    /// The same, reading what no program writes from other pins: each side has its own.
    pub fn under(&mut self, pins: &'p Pins) -> &mut Self {
        self.pins = pins;
        self
    }

    /// The case of every holding of a side. Work by the number of holdings; the documents of a set are read once.
    pub fn of(&mut self, side: &Side) -> BTreeMap<Holding, CaseId> {
        self.homes.learn(side);
        let mut targets: HashMap<&str, Target> = HashMap::default();
        let sets: BTreeMap<&str, Prepared> =
            side.sets.iter().map(|(address, fields)| (address.as_str(), self.way(address, fields))).collect();
        let forms: BTreeMap<(&str, &str), Prepared> = side
            .forms
            .iter()
            .map(|((set, place), fields)| ((set.as_str(), place.as_str()), self.way(set, fields)))
            .collect();
        let mut all = Vec::with_capacity(side.given.len());
        for (holding, names) in side.held() {
            let target = match targets.get(holding.1.as_str()) {
                Some(target) => target.clone(),
                None => {
                    let target = self.target(side, &holding.1);
                    targets.insert(&holding.1, target.clone());
                    target
                }
            };
            let held: Vec<&Prepared> = names
                .iter()
                .filter_map(|name| {
                    let own = if forms.is_empty() { None } else { forms.get(&(name.as_str(), holding.1.as_str())) };
                    own.or_else(|| sets.get(name.as_str()))
                })
                .collect();
            let case = self.case(side, &holding.1, &target, &held);
            let id = self.numbered(case, &holding.1);
            all.push((holding.clone(), id));
        }
        all.into_iter().collect()
    }

    /// The case of somebody who has nothing in a target: nobody's, under the limits that hold there.
    pub fn nobody(&mut self, side: &Side, target: &str) -> CaseId {
        if !side.above.contains_key(target) {
            return NOTHING;
        }
        let found = self.target(side, target);
        let case = self.case(side, target, &found, &[]);
        self.numbered(case, target)
    }

    /// What is known of the sets that somebody has in a target, as a case.
    fn case(&self, side: &Side, address: &str, target: &Target, held: &[&Prepared]) -> Case {
        let mut ways: Vec<usize> = held.iter().map(|way| way.at).collect();
        ways.sort_unstable();
        let told_apart =
            |id: &str| self.named.has(id) || target.named.has(id) || held.iter().any(|way| way.named.has(id));
        let account = match self.homes.of(address).account {
            None => Account::Unknown,
            Some(id) if told_apart(&id) => Account::Named(id),
            Some(_) => Account::Some,
        };
        let organization = side.organization.as_ref().map(ToSmolStr::to_smolstr);
        let Target { chain, resources, management, .. } = *target;
        Case { ways, chain, resources, management, account, organization }
    }

    fn numbered(&mut self, case: Case, first: &str) -> CaseId {
        let entry = self.distinct.entry(case);
        let id = CaseId(entry.index() as u32);
        entry.or_insert_with(|| first.to_owned());
        id
    }

    /// The access of a case, in the first cell or account that it is in.
    pub fn access(&self, id: CaseId) -> Access {
        let first = self.distinct.get_index(id.0 as usize).map(|(_, first)| first.clone());
        self.access_in(id, &first.unwrap_or_default())
    }

    /// The access of a case in one of its cells or accounts.
    pub fn access_in(&self, id: CaseId, target: &str) -> Access {
        let Some((case, _)) = self.distinct.get_index(id.0 as usize).filter(|_| id != NOTHING) else {
            return Access::default();
        };
        let home = self.homes.of(target);
        let region = self.homes.region.as_deref();
        let ways = case.ways.iter().filter_map(|at| self.ways.get_index(*at));
        let levels = |at: usize| self.chains.get_index(at).map(|chain| chain.as_ref().clone()).unwrap_or_default();
        Access {
            facts: facts(&home, case.organization.as_ref()),
            ways: ways.map(|way| way_in(way, &home, region)).collect(),
            scps: levels(case.chain),
            rcps: levels(case.resources),
            management_account: case.management,
            home,
        }
    }

    /// Where a cell or account is.
    pub(super) fn home(&self, target: &str) -> Home {
        self.homes.of(target)
    }

    /// How many distinct ones there are, those of who has nothing left out.
    pub fn len(&self) -> usize {
        self.distinct.keys().filter(|case| !case.ways.is_empty()).count()
    }

    /// Is there none but nobody's?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Policies whose documents could not be read, with why.
    pub fn unread(&self) -> &BTreeMap<SmolStr, String> {
        &self.unread
    }

    fn target(&mut self, side: &Side, target: &str) -> Target {
        let id = side.accounts.get(target);
        let management = id.is_some() && id == side.management.as_ref();
        let (mut chain, mut resources): (Vec<Level>, Vec<Level>) = Default::default();
        if !management {
            for at in side.levels(target) {
                let own = side.attached.get(&at).into_iter().flatten();
                let mut parts: Vec<Part> = own
                    .filter_map(|policy| Some((policy, side.policies.get(policy)?)))
                    .map(|(policy, content)| self.document(policy, &content.to_string()))
                    .collect();
                let pins = self.pins;
                let limits = pins.resource_attached(&at);
                if !limits.is_empty() {
                    let mut parts: Vec<Part> = limits.iter().map(|(name, text)| self.limit(name, text)).collect();
                    parts.push(self.full.clone());
                    resources.push(Level { name: at.to_smolstr(), parts });
                }
                let foreign = pins.attached(&at);
                parts.extend(foreign.iter().map(|(name, text)| self.document(name, text)));
                // A level where nothing but AWS's own policy is attached holds nobody back.
                if parts.is_empty() {
                    continue;
                }
                parts.push(self.full.clone());
                chain.push(Level { name: at.to_smolstr(), parts });
            }
        }
        let named = Named::by(chain.iter().chain(&resources).flat_map(|level| &level.parts));
        let chain = self.chains.insert_full(Arc::new(chain)).0;
        let resources = self.chains.insert_full(Arc::new(resources)).0;
        Target { chain, resources, management, named }
    }

    /// A permission set as a way to act.
    fn way(&mut self, address: &str, fields: &Fields) -> Prepared {
        let texts = |name: &str| {
            let all = fields.get(name).and_then(Json::as_array);
            all.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut identity: Vec<Part> = texts("managed").iter().map(|arn| self.managed(arn)).collect();
        identity.extend(texts("customer_managed").iter().map(|name| Self::customer(name)));
        if let Some(inline) = fields.get("inline").filter(|inline| !inline.is_null()) {
            let text = inline.as_str().map_or_else(|| inline.to_string(), str::to_owned);
            if !text.is_empty() {
                identity.push(self.document(address, &text));
            }
        }
        let boundary = fields.get("boundary").and_then(Json::as_str).filter(|name| !name.is_empty());
        let boundary = boundary
            .map(|name| vec![if name.starts_with("arn:") { self.managed(name) } else { Self::customer(name) }]);
        let name = fields.get("name").and_then(Json::as_str).unwrap_or(address).to_smolstr();
        let named = Named::by(identity.iter().chain(boundary.iter().flatten()));
        let way = Way { name, identity, boundary, session: None, facts: Facts::default() };
        Prepared { at: self.ways.insert_full(Arc::new(way)).0, named }
    }

    fn managed(&mut self, arn: &str) -> Part {
        match self.pins.managed(arn).map(str::to_owned) {
            Some(text) => self.document(arn, &text),
            None => Part::Unknown { name: arn.to_smolstr() },
        }
    }

    fn customer(name: &str) -> Part {
        Part::Unknown { name: format_smolstr!("customer-managed policy {name}") }
    }

    /// A document by its name and text; one that cannot be read may allow and deny anything.
    fn document(&mut self, name: &str, text: &str) -> Part {
        self.read(name, text, |document| document)
    }

    /// A resource control policy.
    fn limit(&mut self, name: &str, text: &str) -> Part {
        self.read(name, text, Document::on_own_resources)
    }

    fn read(&mut self, name: &str, text: &str, as_it_binds: fn(Document) -> Document) -> Part {
        let key = (name.to_smolstr(), text.to_smolstr());
        if let Some(part) = self.documents.get(&key) {
            return part.clone();
        }
        let part = match policy::parse(text, &Arc::from(name)) {
            Ok(document) => Part::Known(access::Named::new(name, as_it_binds(document))),
            Err(fault) => {
                self.unread.insert(name.to_smolstr(), fault.to_string());
                // Another document under the name is another unknown.
                Part::Unknown { name: format_smolstr!("{name} (sha256 {}…)", short(text, 12)) }
            }
        };
        self.documents.insert(key, part.clone());
        part
    }
}

/// What one permission set allows by itself; of a service control policy, what it leaves of everything.
pub(super) fn alone(pins: &Pins, side: &Side, address: &str) -> Access {
    let mut cases = Cases::new(pins);
    if let Some(fields) = side.sets.get(address) {
        let way = cases.way(address, fields);
        let way = cases.ways.get_index(way.at).cloned();
        let ways = way.iter().map(|way| way_in(way, &Home::default(), side.home_region.as_deref())).collect();
        return Access { facts: facts(&Home::default(), None), ways, ..Access::default() };
    }
    let content = side.policies.get(address).map(ToString::to_string).unwrap_or_default();
    let parts = vec![cases.document(address, &content), cases.full.clone()];
    let everything = Way { identity: vec![cases.full.clone()], ..Way::default() };
    // It binds others too than sessions of Identity Center.
    Access { ways: vec![everything], scps: vec![Level { name: address.to_smolstr(), parts }], ..Access::default() }
}

/// What one managed policy allows by itself.
pub(super) fn managed(pins: &Pins, arn: &str) -> Access {
    Access::of(vec![Cases::new(pins).managed(arn)], facts(&Home::default(), None))
}

/// The policies of a permission set that its program does not write.
pub(super) fn beside(pins: &Pins, side: &Side, address: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = alone(pins, side, address).ways.into_iter().flat_map(|way| way.identity).collect();
    parts.retain(|part| part.name() != address);
    parts
}

#[derive(Debug, Clone)]
struct Target {
    chain: usize,
    resources: usize,
    management: bool,
    named: Named,
}

struct Prepared {
    at: usize,
    /// The accounts that its policies tell from others.
    named: Named,
}

/// What every session carries there.
fn facts(home: &Home, organization: Option<&SmolStr>) -> Facts {
    let mut facts = session::facts();
    facts.set("aws:PrincipalAccount", Session { account: home.account.as_deref(), ..Session::default() }.account());
    if let Some(organization) = organization {
        facts.set("aws:PrincipalOrgID", Fact::Is(vec![organization.clone()]));
    }
    facts
}

/// A way in an account: the ARN of its role is known but for the suffix that AWS makes up.
fn way_in(way: &Arc<Way>, home: &Home, home_region: Option<&str>) -> Way {
    let mut way = way.as_ref().clone();
    let (account, partition) = (home.account.as_deref(), home.partition.as_deref());
    let session = Session { account, home_region, set: Some(&way.name), partition };
    way.facts.set("aws:PrincipalArn", session.role());
    way
}

/// Every holding of either side, with its case before and after where they differ.
pub fn differing(
    before: &BTreeMap<Holding, CaseId>,
    after: &BTreeMap<Holding, CaseId>,
) -> BTreeMap<(CaseId, CaseId), Vec<Holding>> {
    let holdings: BTreeSet<&Holding> = before.keys().chain(after.keys()).collect();
    let mut all: BTreeMap<(CaseId, CaseId), Vec<Holding>> = BTreeMap::new();
    for holding in holdings {
        let of = |side: &BTreeMap<Holding, CaseId>| side.get(holding).copied().unwrap_or(NOTHING);
        let (old, new) = (of(before), of(after));
        if old != new {
            all.entry((old, new)).or_default().push(holding.clone());
        }
    }
    all
}

//! Accesses of principals in cells and accounts, equal ones folded. Owns how an [`Access`] is put together from a
//! side, and what makes two of them one case; what a case allows is the engine's affair.
//!
//! A case holds no account's id unless one of its policies asks for it, so that a thousand cells under the same
//! policies are one case.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cell_iam::access::{Access, Fact, Facts, Level, Named, Part, Way};
use cell_iam::policy::{self, Document, Elements, Statement};
use foldhash::HashMap;
use indexmap::IndexSet;
use serde_json::Value as Json;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::fingerprint::hex;
use super::pins::Pins;
use super::sides::{Holding, Side};
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
    distinct: IndexSet<Case>,
    /// Policies that could not be read, by name.
    unread: BTreeMap<SmolStr, String>,
}

/// What makes two accesses one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Case {
    ways: Vec<usize>,
    chain: usize,
    management: bool,
    /// The account and the organization, where a policy of the case asks for them.
    place: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    account: Option<SmolStr>,
    organization: Option<SmolStr>,
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
            distinct: IndexSet::new(),
            unread: BTreeMap::new(),
        };
        cases.full = cases.document("FullAWSAccess", FULL_ACCESS);
        cases.chains.insert(Arc::default());
        cases.distinct.insert(Case { ways: Vec::new(), chain: 0, management: false, place: None });
        cases
    }

    /// The same, reading what no program writes from other pins: each side has its own.
    pub fn under(&mut self, pins: &'p Pins) -> &mut Self {
        self.pins = pins;
        self
    }

    /// The case of every holding of a side. Work by the number of holdings; the documents of a set are read once.
    pub fn of(&mut self, side: &Side) -> BTreeMap<Holding, CaseId> {
        let mut targets: HashMap<&str, Target> = HashMap::default();
        let sets: BTreeMap<&str, Prepared> =
            side.sets.iter().map(|(address, fields)| (address.as_str(), self.way(address, fields))).collect();
        let mut all = BTreeMap::new();
        for (holding, names) in &side.given {
            let target = match targets.get(holding.1.as_str()) {
                Some(target) => target.clone(),
                None => {
                    let target = self.target(side, &holding.1);
                    targets.insert(&holding.1, target.clone());
                    target
                }
            };
            let mut ways: Vec<(usize, bool)> =
                names.iter().filter_map(|name| sets.get(name.as_str())).map(|way| (way.at, way.asks)).collect();
            ways.sort_unstable();
            let asks = target.asks || ways.iter().any(|(_, asks)| *asks);
            let place = asks.then(|| target.place.clone());
            let ways = ways.into_iter().map(|(at, _)| at).collect();
            let case = Case { ways, chain: target.chain, management: target.management, place };
            all.insert(holding.clone(), CaseId(self.distinct.insert_full(case).0 as u32));
        }
        all
    }

    /// The case of somebody who has nothing in a target: nobody's, under the limits that hold there.
    pub fn nobody(&mut self, side: &Side, target: &str) -> CaseId {
        if !side.above.contains_key(target) {
            return NOTHING;
        }
        let Target { chain, management, .. } = self.target(side, target);
        let case = Case { ways: Vec::new(), chain, management, place: None };
        CaseId(self.distinct.insert_full(case).0 as u32)
    }

    /// The access of a case.
    pub fn access(&self, id: CaseId) -> Access {
        let Some(case) = self.distinct.get_index(id.0 as usize) else { return Access::default() };
        let ways = case.ways.iter().filter_map(|at| self.ways.get_index(*at));
        let scps = self.chains.get_index(case.chain).map(|chain| chain.as_ref().clone()).unwrap_or_default();
        Access {
            facts: facts(case.place.as_ref()),
            ways: ways.map(|way| way_in(way, case.place.as_ref())).collect(),
            scps,
            rcps: Vec::new(),
            management_account: case.management,
        }
    }

    /// Is what differs between two cases only what holds their principals: policies of the organization or boundaries?
    pub fn differ_in_bounds_only(&self, old: CaseId, new: CaseId) -> bool {
        let identity = |id: CaseId| {
            let case = self.distinct.get_index(id.0 as usize);
            let ways = case.into_iter().flat_map(|case| &case.ways).filter_map(|at| self.ways.get_index(*at));
            ways.map(|way| (way.name.clone(), way.identity.clone())).collect::<Vec<_>>()
        };
        old != new && identity(old) == identity(new)
    }

    /// How many distinct ones there are, those of who has nothing left out.
    pub fn len(&self) -> usize {
        self.distinct.iter().filter(|case| !case.ways.is_empty()).count()
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
        let (mut chain, mut asks) = (Vec::new(), false);
        if !management {
            for at in side.levels(target) {
                let own = side.attached.get(&at).into_iter().flatten();
                let mut parts: Vec<Part> = own
                    .filter_map(|policy| Some((policy, side.policies.get(policy)?)))
                    .map(|(policy, content)| self.document(policy, &content.to_string()))
                    .collect();
                let foreign = self.pins.attached(&at);
                parts.extend(foreign.iter().map(|(name, text)| self.document(name, text)));
                // A level where nothing but AWS's own policy is attached holds nobody back.
                if parts.is_empty() {
                    continue;
                }
                parts.push(self.full.clone());
                asks |= parts.iter().any(asks_for_place);
                chain.push(Level { name: at.to_smolstr(), parts });
            }
        }
        let chain = self.chains.insert_full(Arc::new(chain)).0;
        let place = Place {
            account: id.map(ToSmolStr::to_smolstr),
            organization: side.organization.as_ref().map(ToSmolStr::to_smolstr),
        };
        Target { chain, management, asks, place }
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
        let asks = identity.iter().chain(boundary.iter().flatten()).any(asks_for_place);
        let way = Way { name, identity, boundary, session: None, facts: Facts::default() };
        Prepared { at: self.ways.insert_full(Arc::new(way)).0, asks }
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
        let key = (name.to_smolstr(), text.to_smolstr());
        if let Some(part) = self.documents.get(&key) {
            return part.clone();
        }
        let part = match policy::parse(text, &Arc::from(name)) {
            Ok(document) => Part::Known(Named::new(name, document)),
            Err(fault) => {
                self.unread.insert(name.to_smolstr(), fault.to_string());
                // Another document under the name is another unknown.
                Part::Unknown { name: format_smolstr!("{name} (sha256 {}…)", hex(text, 12)) }
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
        let way = cases.ways.get_index(way.at).map(|way| way.as_ref().clone());
        return Access { facts: facts(None), ways: way.into_iter().collect(), ..Access::default() };
    }
    let content = side.policies.get(address).map(ToString::to_string).unwrap_or_default();
    let parts = vec![cases.document(address, &content), cases.full.clone()];
    let everything = Way { identity: vec![cases.full.clone()], ..Way::default() };
    Access {
        facts: facts(None),
        ways: vec![everything],
        scps: vec![Level { name: address.to_smolstr(), parts }],
        ..Access::default()
    }
}

/// What one managed policy allows by itself.
pub(super) fn managed(pins: &Pins, arn: &str) -> Access {
    Access::of(vec![Cases::new(pins).managed(arn)], facts(None))
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
    management: bool,
    asks: bool,
    place: Place,
}

struct Prepared {
    at: usize,
    /// Does one of its policies ask in which account a request is made?
    asks: bool,
}

/// What every session of Identity Center carries.
fn facts(place: Option<&Place>) -> Facts {
    let mut facts =
        Facts::default().with("aws:PrincipalType", "AssumedRole").with("aws:PrincipalIsAWSService", "false");
    // A session of Identity Center carries no key of multi-factor authentication, whatever its people did to sign in.
    facts.set("aws:MultiFactorAuthPresent", Fact::Absent);
    facts.set("aws:MultiFactorAuthAge", Fact::Absent);
    if let Some(account) = place.and_then(|place| place.account.as_ref()) {
        facts.set("aws:PrincipalAccount", Fact::Is(vec![account.clone()]));
    }
    if let Some(organization) = place.and_then(|place| place.organization.as_ref()) {
        facts.set("aws:PrincipalOrgID", Fact::Is(vec![organization.clone()]));
    }
    facts
}

/// A way in an account: the ARN of its role is known but for the suffix that AWS makes up.
fn way_in(way: &Arc<Way>, place: Option<&Place>) -> Way {
    let mut way = way.as_ref().clone();
    if let Some(account) = place.and_then(|place| place.account.as_ref()) {
        let arn = format_smolstr!(
            "arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{}_????????????????",
            way.name
        );
        way.facts.set("aws:PrincipalArn", Fact::Like(arn));
    }
    way
}

/// Does a policy say anything that depends on the account or the role of the principal?
fn asks_for_place(part: &Part) -> bool {
    const KEYS: &[&str] =
        &["aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths"];
    let Part::Known(named) = part else { return false };
    let variable = |elements: &Elements| elements.items.iter().any(|text| text.value.contains("${"));
    let asks = |statement: &Statement| {
        statement.resources.as_ref().is_some_and(variable)
            || statement.conditions.iter().any(|condition| {
                KEYS.contains(&condition.key.to_ascii_lowercase().as_str())
                    || condition.values.iter().any(|value| value.value.contains("${"))
            })
    };
    let document: &Document = named.document();
    document.statements.iter().any(asks)
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

//! The resources that an action may be asked for on, divided by patterns. Owns templates of ARNs and how a witness is
//! made to look like a real ARN; it must not know of statements.

use std::rc::Rc;

use foldhash::fast::FixedState;
use foldhash::{HashMap, HashSet};
use indexmap::IndexMap;
use smol_str::SmolStr;

use crate::access::Home;
use crate::automaton::{Bits, Minterm, TooMany, grouped};
use crate::catalogue::{Action, Catalogue, ONLY_ON_ALL, Service};
use crate::classes::Member;
use crate::pattern::{Class, Pattern, Tok, matches};
use crate::tables::{Numbered, Tables};

/// The template of a request for no resource.
const NO_RESOURCE: &str = "*";

/// The template of a request for no resource although the action has types of them: AWS does not say whether it can
/// be made.
const PERHAPS_NO_RESOURCE: &str = "**";

/// Begins a template of resources of which AWS does not say whether the action is asked for on them.
const UNDOCUMENTED: char = '?';

/// The template of any ARN.
const ANY_ARN: &str = "arn:${Partition}:${Service}:${AnyRegion}:${AnyAccount}:${Resource}";

/// One region of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The patterns that match it, each segment by itself.
    pub(crate) within: Bits,
    /// The patterns that match it if a `*` reaches across colons.
    pub(crate) across: Bits,
    /// A resource in it.
    pub(crate) text: String,
    /// Whether a request for it can be made for certain.
    pub(crate) real: bool,
}

impl Place {
    /// Whether it does not matter how a `*` is read.
    pub(crate) fn is_plain(&self) -> bool {
        self.within == self.across
    }
}

/// The steps of a template.
struct Template {
    /// As ARNs are: names without colons, but for the keys of objects.
    real: Box<[Tok]>,
    /// Names with any character.
    loose: Box<[Tok]>,
    /// Whether a request for it can be made for certain.
    certain: bool,
}

/// Whether an action, listed or not, is IAM's.
fn is_of_iam(action: &str) -> bool {
    action.split_once(':').is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case("iam"))
}

/// Whether an action is a call of IAM. `iam:PassRole` is none: it is asked for within a call of another service.
pub fn calls_iam(action: &str) -> bool {
    is_of_iam(action) && !action.eq_ignore_ascii_case("iam:PassRole")
}

/// How patterns divide the resources of a template.
type Divided = Rc<Result<Vec<Place>, TooMany>>;

/// How patterns divide the resources of an action.
pub(crate) struct Division {
    pub(crate) places: Result<Vec<Place>, TooMany>,
    /// Equal for those that differ in nothing but the texts of their places.
    pub(crate) shape: u32,
}

/// Groups of patterns of resources, and their number.
#[derive(Clone)]
pub(crate) struct Patterns {
    pub(crate) groups: Vec<Vec<u32>>,
    number: u32,
}

/// What actions take: the service, types of resources, whether they are asked for on no resource too, and for IAM's the
/// account's number.
type Types = (usize, Box<[u16]>, bool, usize);

/// What outlives a question: templates, and how patterns divide them.
pub(crate) struct Places {
    partition: SmolStr,
    /// The partition where none is said.
    usual: SmolStr,
    /// Whether resources count of which AWS does not say that the action is asked for on them.
    undocumented: bool,
    templates: Numbered<SmolStr>,
    read: Vec<Template>,
    /// Lists of templates.
    lists: Numbered<Rc<[u32]>>,
    /// The account that IAM acts in, if it is known, and its number; of none the number is 0.
    account: (Option<SmolStr>, usize),
    accounts: Numbered<SmolStr>,
    /// By service and action, and for IAM's the number of the account: the number of a list.
    of_action: HashMap<(usize, usize, usize), u32>,
    of_types: HashMap<Types, u32>,
    /// Groups of patterns, each with an end.
    patterns: Numbered<Box<[u32]>>,
    shapes: Numbered<Vec<(Bits, Bits, bool)>>,
    /// By template and groups of patterns.
    divided: HashMap<(u32, u32), Divided>,
    /// By list of templates and groups of patterns.
    divisions: HashMap<(u32, u32), Rc<Division>>,
}

impl Places {
    /// For the resources of a partition: `aws`.
    pub(crate) fn new(partition: SmolStr) -> Self {
        Self {
            usual: partition.clone(),
            partition,
            undocumented: true,
            templates: Numbered::default(),
            read: Vec::new(),
            lists: Numbered::default(),
            account: (None, 0),
            accounts: Numbered::default(),
            of_action: HashMap::default(),
            of_types: HashMap::default(),
            patterns: Numbered::default(),
            shapes: Numbered::default(),
            divided: HashMap::default(),
            divisions: HashMap::default(),
        }
    }

    /// Whether it is the partition `aws`.
    pub(crate) fn is_aws(&self) -> bool {
        self.partition == "aws"
    }

    /// Resources are of a home's partition, and IAM acts on those of its account and on no others, if it is known.
    pub(crate) fn within(&mut self, home: &Home) {
        let partition = home.partition.as_ref().unwrap_or(&self.usual);
        if *partition != self.partition {
            self.partition = partition.clone();
            self.templates.clear();
            self.read.clear();
            self.lists.clear();
            self.of_action.clear();
            self.of_types.clear();
            self.divided.clear();
            self.divisions.clear();
        }
        let account = home.account.as_ref();
        let number = account.map_or(0, |account| self.accounts.insert_full(account.clone()).0 + 1);
        self.account = (account.cloned(), number);
    }

    /// Leaves out resources of which AWS does not say that the action is asked for on them.
    pub(crate) fn only_listed(&mut self) {
        self.undocumented = false;
    }

    /// The number of the list of the templates of an action's resources, ordered; what is certain comes first.
    pub(crate) fn templates(&mut self, catalogue: &Catalogue, member: &Member) -> u32 {
        let Member::Known(service, action) = member else {
            let named =
                if let Member::Unlisted(name) | Member::Future(_, name) = member { name.as_str() } else { "" };
            let any = match self.account.0.as_deref().filter(|_| is_of_iam(named)) {
                Some(account) => format!("arn:${{Partition}}:iam::{account}:${{Resource}}"),
                None => ANY_ARN.to_owned(),
            };
            let list = [self.template(NO_RESOURCE), self.template(&any)];
            return self.list(list.into());
        };
        let prefix = catalogue.services.get_index(*service).map_or("", |(name, _)| name.as_str());
        let (account, number) = if prefix == "iam" { self.account.clone() } else { (None, 0) };
        let key = (*service, *action, number);
        if let Some(found) = self.of_action.get(&key) {
            return *found;
        }
        let known = catalogue.services.get_index(*service).map(|(_, service)| service);
        let found = known.and_then(|known| Some((known, known.actions.get(*action)?)));
        let out = match found {
            Some((known, action)) => self.of_resources((*service, prefix), known, action, (account, number)),
            None => self.list(Rc::default()),
        };
        self.of_action.insert(key, out);
        out
    }

    fn list(&mut self, templates: Rc<[u32]>) -> u32 {
        self.lists.insert_full(templates).0 as u32
    }

    /// Those of all actions of a service that take the same types of resources.
    fn of_resources(
        &mut self,
        (service, prefix): (usize, &str),
        known: &Service,
        action: &Action,
        (account, number): (Option<SmolStr>, usize),
    ) -> u32 {
        let key = (service, action.resources.as_slice().into(), action.whole, number);
        if let Some(found) = self.of_types.get(&key) {
            return *found;
        }
        let mut out = Vec::new();
        if action.resources.is_empty() {
            out.push(self.template(NO_RESOURCE));
            // Some are asked for on a resource all the same: `iam:ListRoles` on `role/`, as its refusals show.
            if !ONLY_ON_ALL.contains(&prefix) {
                let of = account.as_deref().unwrap_or("${AnyAccount}");
                let any = format!("{UNDOCUMENTED}arn:${{Partition}}:{prefix}:${{AnyRegion}}:{of}:${{Resource}}");
                out.push(self.template(&any));
            }
        } else if action.whole {
            out.push(self.template(PERHAPS_NO_RESOURCE));
        }
        let types = action.resources.iter().filter_map(|at| known.resources.get(usize::from(*at)));
        for resource in types {
            // What AWS itself owns is in nobody's account: `arn:aws:ssm:us-west-2::document/AWS-RunShellScript`,
            // or in its own: `arn:aws:iam::aws:policy/ReadOnlyAccess`.
            let (own, owner) = match &account {
                Some(account) => (resource.arn.replacen("${Account}", account, 1), "aws"),
                None => (resource.arn.to_string(), ""),
            };
            out.push(self.template(&own));
            let owned = resource.arn.replacen("${Account}", owner, 1);
            if owned != resource.arn && (owner.is_empty() || resource.name == "policy") {
                out.push(self.template(&format!("{UNDOCUMENTED}{owned}")));
            }
        }
        let text = |number: &u32| self.templates.get_index(*number as usize);
        if !self.undocumented {
            out.retain(|number| !text(number).is_some_and(|text| text.starts_with(UNDOCUMENTED)));
        }
        let order = |number: &u32| (text(number).is_some_and(|text| !is_certain(text)), text(number));
        out.sort_by(|one, other| order(one).cmp(&order(other)));
        out.dedup();
        let out = self.list(out.into());
        self.of_types.insert(key, out);
        out
    }

    /// The same, what the action's name says it acts on first, `ec2:RunInstances` runs an instance; then the shortest.
    pub(crate) fn by_name(&mut self, catalogue: &Catalogue, member: &Member) -> u32 {
        let list = self.templates(catalogue, member);
        let Member::Known(service, action) = member else { return list };
        let Some((_, known)) = catalogue.services.get_index(*service) else { return list };
        let Some(action) = known.actions.get(*action) else { return list };
        let mut out = self.lists.get_index(list as usize).map(|list| list.to_vec()).unwrap_or_default();
        let name = action.name.to_ascii_lowercase();
        let types = action.resources.iter().filter_map(|at| known.resources.get(usize::from(*at)));
        let said: Vec<&SmolStr> = types
            .filter(|kind| name.contains(&kind.name.to_ascii_lowercase().replace('-', "")))
            .map(|kind| &kind.arn)
            .collect();
        out.sort_by_key(|number| {
            let text = self.templates.get_index(*number as usize);
            let (text, said) = (text.map_or("", SmolStr::as_str), text.is_some_and(|text| self.is_of(text, &said)));
            (!is_certain(text), !said, text.len())
        });
        self.list(out.into())
    }

    /// Whether a template is one of these, which have a variable for the account.
    fn is_of(&self, template: &str, arns: &[&SmolStr]) -> bool {
        let account = self.account.0.as_deref().unwrap_or("${Account}");
        arns.iter().any(|arn| *arn == template || arn.replacen("${Account}", account, 1) == template)
    }

    fn template(&mut self, text: &str) -> u32 {
        let (number, new) = self.templates.insert_full(text.into());
        if new {
            let shape = text.strip_prefix(UNDOCUMENTED).unwrap_or(text);
            let read = |loose| read_template(shape, &self.partition, loose).into();
            let certain = is_certain(text);
            self.read.push(Template { real: read(false), loose: read(true), certain });
        }
        number as u32
    }

    /// Numbers groups of patterns.
    pub(crate) fn patterns(&mut self, groups: Vec<Vec<u32>>) -> Patterns {
        // A number that no pattern has ends each group.
        let flat = groups.iter().flat_map(|group| group.iter().copied().chain([u32::MAX])).collect();
        Patterns { groups, number: self.patterns.insert_full(flat).0 as u32 }
    }

    /// How patterns divide the resources of a list of templates.
    pub(crate) fn divide(&mut self, tables: &Tables, list: u32, patterns: &Patterns) -> Rc<Division> {
        let key = (list, patterns.number);
        if let Some(found) = self.divisions.get(&key) {
            return Rc::clone(found);
        }
        let places = self.places(tables, list, patterns);
        let shape = places.iter().flatten().map(|place| (place.within.clone(), place.across.clone(), place.real));
        let mut shape: Vec<_> = shape.collect();
        shape.sort();
        let shape = self.shapes.insert_full(shape).0 as u32;
        let found = Rc::new(Division { places, shape });
        self.divisions.insert(key, Rc::clone(&found));
        found
    }

    fn places(&mut self, tables: &Tables, list: u32, patterns: &Patterns) -> Result<Vec<Place>, TooMany> {
        let mut all: IndexMap<(Bits, Bits), Place, FixedState> = IndexMap::default();
        let templates = self.lists.get_index(list as usize).cloned().unwrap_or_default();
        for template in &*templates {
            let divided = self.divide_one(tables, *template, patterns);
            let divided = divided.as_ref().as_ref().map_err(|too_many| *too_many)?;
            for place in divided {
                all.entry((place.within.clone(), place.across.clone())).or_insert_with(|| place.clone());
            }
        }
        Ok(all.into_values().collect())
    }

    fn divide_one(&mut self, tables: &Tables, template: u32, Patterns { groups, number }: &Patterns) -> Divided {
        let key = (template, *number);
        if let Some(found) = self.divided.get(&key) {
            return Rc::clone(found);
        }
        let mut patterns: Vec<(usize, &Pattern)> = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            patterns.extend(group.iter().filter_map(|number| tables.pattern(*number)).map(|(_, read)| (at, read)));
        }
        let template = self.read.get(template as usize);
        let found = template.ok_or(TooMany).and_then(|template| divide(template, &patterns, groups.len()));
        let found = Rc::new(found);
        self.divided.insert(key, Rc::clone(&found));
        found
    }
}

/// Whether requests for the resources of a template can be made for certain.
fn is_certain(template: &str) -> bool {
    template != PERHAPS_NO_RESOURCE && !template.starts_with(UNDOCUMENTED)
}

/// Both readings are told apart over real ARNs. Where a policy writes a colon within a name, names with colons are
/// divided as well, by the patterns' segments.
fn divide(template: &Template, patterns: &[(usize, &Pattern)], size: usize) -> Result<Vec<Place>, TooMany> {
    let within = |(at, pattern): &(usize, &'_ Pattern)| (*at as u32, pattern.within.clone());
    let mut steps: Vec<(u32, Box<[Tok]>)> = patterns.iter().map(within).collect();
    // Groups with a pattern that reads differently have a second column, with all their patterns.
    let mut columns: Vec<usize> = (0..size).collect();
    let mut more = size;
    for at in 0..size {
        let own = || patterns.iter().filter(|(group, _)| *group == at);
        if own().any(|(_, pattern)| pattern.across.is_some()) {
            let reading = |pattern: &Pattern| pattern.across.clone().unwrap_or_else(|| pattern.within.clone());
            steps.extend(own().map(|(_, pattern)| (more as u32, reading(pattern))));
            if let Some(column) = columns.get_mut(at) {
                *column = more;
            }
            more += 1;
        }
    }
    let place = |minterm: Minterm| {
        let (mut within, mut across) = (Bits::none(size), Bits::none(size));
        for (at, column) in columns.iter().enumerate() {
            within.set_if(at, minterm.matched.has(at));
            across.set_if(at, minterm.matched.has(*column));
        }
        Place { within, across, text: minterm.text, real: template.certain }
    };
    let mut places: Vec<Place> = grouped_over(&template.real, &steps)?.into_iter().map(place).collect();
    if patterns.iter().any(|(_, pattern)| names_colon(&pattern.within)) {
        let mut known: HashSet<Bits> = places.iter().map(|place| place.within.clone()).collect();
        steps.truncate(patterns.len());
        for Minterm { matched, text } in grouped_over(&template.loose, &steps)? {
            let mut within = Bits::none(size);
            (0..size).for_each(|at| within.set_if(at, matched.has(at)));
            if known.insert(within.clone()) {
                let mut across = within.clone();
                for (at, pattern) in patterns {
                    across.set_if(*at, pattern.across.as_ref().is_some_and(|toks| matches(toks, &text)));
                }
                places.push(Place { within, across, text, real: template.certain });
            }
        }
    }
    Ok(places)
}

fn grouped_over(template: &[Tok], steps: &[(u32, Box<[Tok]>)]) -> Result<Vec<Minterm>, TooMany> {
    let steps: Vec<(u32, &[Tok])> = steps.iter().map(|(group, toks)| (*group, &**toks)).collect();
    grouped(template, &steps)
}

/// Whether a pattern has a colon in the last segment of an ARN.
fn names_colon(toks: &[Tok]) -> bool {
    toks.iter().filter(|tok| **tok == Tok::Is(':')).count() > 5
}

/// The steps of a template: `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
fn read_template(text: &str, partition: &str, loose: bool) -> Vec<Tok> {
    if matches!(text, NO_RESOURCE | PERHAPS_NO_RESOURCE) {
        return vec![Tok::Is('*')];
    }
    let name_class = if loose { Class::Any } else { Class::NotColon };
    let mut out = Vec::new();
    let mut rest = text;
    let mut colons = 0;
    while let Some(c) = rest.chars().next() {
        if let Some((name, after)) = rest.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
            match (colons, name) {
                (1, _) => out.extend(partition.chars().map(Tok::Is)),
                (3, "AnyRegion") | (4, "AnyAccount") => out.push(Tok::Many(Class::Name)),
                (0..5, _) => out.extend([Tok::One(Class::Name), Tok::Many(Class::Name)]),
                (_, "ObjectName" | "KeyName") => out.extend([Tok::One(Class::Any), Tok::Many(Class::Any)]),
                _ => out.extend([Tok::One(name_class), Tok::Many(name_class)]),
            }
            rest = after;
            continue;
        }
        colons += usize::from(c == ':');
        match c {
            '*' => out.extend([Tok::One(name_class), Tok::Many(name_class)]),
            _ => out.push(Tok::Is(c)),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    out
}

/// A region and an account for witnesses where nothing is known: AWS's own for examples.
const EXAMPLES: (&str, &str) = ("us-east-1", "111122223333");

/// A resource as real as one that fares the same with all patterns can be: of the principal's own account and region,
/// if it can.
pub(crate) fn realistic(text: &str, patterns: &[&Pattern], home: &Home) -> SmolStr {
    let fares = |text: &str| -> Vec<(bool, bool)> {
        let across = |p: &Pattern| p.across.as_ref().is_some_and(|toks| matches(toks, text));
        patterns.iter().map(|p| (matches(&p.within, text), across(p))).collect()
    };
    let wanted = fares(text);
    let mut text = text.to_owned();
    let (region, account) = (home.region.as_deref(), home.account.as_deref());
    for (segment, own, example) in [(3, region, EXAMPLES.0), (4, account, EXAMPLES.1)] {
        for (better, is_own) in own.map(|own| (own, true)).into_iter().chain([(example, false)]) {
            let mut parts: Vec<&str> = text.splitn(6, ':').collect();
            let whole = parts.len() == 6;
            let poor = |part: &str| !part.is_empty() && part != "aws" && (is_own || part.len() < 3);
            let Some(part) = parts.get_mut(segment).filter(|part| whole && poor(part)) else { continue };
            *part = better;
            let tried = parts.join(":");
            if fares(&tried) == wanted {
                text = tried;
                break;
            }
        }
    }
    text.into()
}

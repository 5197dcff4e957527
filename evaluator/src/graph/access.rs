//! Nodes of grants and of the people who have them. A grant's node is a permission set on some cells; people with the
//! same nodes are one node.

use std::collections::{BTreeMap, BTreeSet};

use cell_lang::schema::Kind;

use super::cells::{counted, name};
use super::{Edge, Member, Node, Role, Sketch};
use crate::emit::text::printed;
use crate::rules::fleet::sound;
use crate::rules::read::Read;
use crate::value::{EntityId, Value};

/// Grants of one set on the same cells and accounts.
#[derive(Debug, Default)]
struct Given {
    grants: Vec<EntityId>,
    people: BTreeSet<Person>,
}

/// Somebody who has a grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Person {
    address: String,
    text: String,
}

impl Sketch<'_, '_> {
    pub(super) fn grants(&mut self) {
        let mut people: BTreeMap<Person, BTreeSet<usize>> = BTreeMap::new();
        for ((set, targets), given) in self.given() {
            let at = self.graph.nodes.len();
            self.graph.nodes.push(self.grant_node(set, &given));
            for person in given.people {
                people.entry(person).or_default().insert(at);
            }
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for target in &targets {
                if let Some(to) = self.node_of.get(target) {
                    *counts.entry(*to).or_default() += 1;
                }
            }
            for (to, count) in counts {
                let all = self.graph.nodes.get(to).map_or(0, |node| node.members.len());
                let text = if count < all { format!("{count} of {all}") } else { String::new() };
                self.graph.edges.push(Edge { from: at, to, text, count });
            }
        }
        self.people(people);
    }

    /// The grants of the picture by what they give and where, in the order of the addresses of the sets.
    fn given(&self) -> Vec<((EntityId, Vec<EntityId>), Given)> {
        let world = self.world;
        let mut all: BTreeMap<(String, Vec<EntityId>), (EntityId, Given)> = BTreeMap::new();
        for grant in sound(world, Kind::Grant) {
            let Some(set) = world.entity_at(grant, "can") else { continue };
            let kept =
                |target: &EntityId| self.focus.keeps_grant(grant, *target) && self.node_of.contains_key(target);
            let targets: Vec<EntityId> = world.members(grant, "on").iter().copied().filter(kept).collect();
            if targets.is_empty() {
                continue;
            }
            let people = self.people_of(grant);
            let (_, given) =
                all.entry((world.address(set).to_owned(), targets)).or_insert_with(|| (set, Given::default()));
            given.grants.push(grant);
            given.people.extend(people);
        }
        all.into_iter().map(|((_, targets), (set, given))| ((set, targets), given)).collect()
    }

    /// Whom a grant is given to. What is asked of each cell stands as the program has it.
    fn people_of(&self, grant: EntityId) -> Vec<Person> {
        match self.world.get(grant, "to") {
            Some(to @ Value::PerTarget(_)) => {
                let text = printed(self.world, to, 40);
                let asked = text.strip_prefix("to =").unwrap_or(&text).trim();
                let text =
                    if asked == ".owner" { "each cell's owner".to_owned() } else { format!("each cell's {asked}") };
                vec![Person { address: format!("{}.to", self.world.address(grant)), text }]
            }
            Some(to) => {
                let kept = to.refs().into_iter().filter(|id| self.focus.keeps_person(*id));
                let person = |id| {
                    let address = self.world.address(id).to_owned();
                    let text = format!("{} {}", self.world.kind(id).name(), name(self.world, id));
                    Person { address, text }
                };
                kept.map(person).collect()
            }
            None => Vec::new(),
        }
    }

    fn grant_node(&self, set: EntityId, given: &Given) -> Node {
        let world = self.world;
        let label = |id: EntityId| name(world, id);
        let member = |id: &EntityId| Member { address: world.address(*id).to_owned(), text: label(*id) };
        let members: Vec<Member> = given.grants.iter().map(member).collect();
        let until = given.grants.iter().filter_map(|grant| Some((grant, world.get(*grant, "expires")?)));
        let mut notes: Vec<String> = until
            .map(|(grant, day)| match given.grants.len() {
                1 => format!("until {}", printed(world, day, 20)),
                _ => format!("{} until {}", label(*grant), printed(world, day, 20)),
            })
            .collect();
        if let [one] = members.as_slice() {
            notes.insert(0, one.text.clone());
        }
        let title = name(world, set);
        Node { role: Role::Grant, title, members, notes, group: None }
    }

    fn people(&mut self, people: BTreeMap<Person, BTreeSet<usize>>) {
        let mut alike: BTreeMap<BTreeSet<usize>, Vec<Person>> = BTreeMap::new();
        for (person, grants) in people {
            alike.entry(grants).or_default().push(person);
        }
        for (grants, people) in alike {
            let from = self.graph.nodes.len();
            let title = match people.as_slice() {
                [one] => one.text.clone(),
                several => several_people(several),
            };
            let members = people.into_iter().map(|Person { address, text }| Member { address, text }).collect();
            self.graph.nodes.push(Node { role: Role::People, title, members, notes: Vec::new(), group: None });
            for to in grants {
                self.graph.edges.push(Edge { from, to, text: String::new(), count: 0 });
            }
        }
    }
}

/// `3 groups, 1 user`.
fn several_people(people: &[Person]) -> String {
    let of = |what: &str| people.iter().filter(|person| person.text.starts_with(what)).count();
    let (groups, users) = (of("group "), of("user "));
    let others = people.len() - groups - users;
    let parts = [(groups, "group"), (users, "user"), (others, "rule")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what));
    parts.collect::<Vec<_>>().join(", ")
}

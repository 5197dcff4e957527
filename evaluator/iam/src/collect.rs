//! Regions of many classes joined to those that a report shows. Owns which are one, and how actions are named; how a
//! region is found is not its affair.

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use smol_str::{SmolStr, format_smolstr};

use crate::catalogue::{Action, Catalogue, Service};
use crate::classes::Member;
use crate::region::{Actions, Glob, Proof, Reason, Region};
use crate::tables::Question;

/// A region of one class, before equal ones are joined.
pub(crate) struct Found {
    pub(crate) gained: bool,
    pub(crate) region: Region,
    pub(crate) members: Vec<Member>,
}

impl Found {
    /// Actions of which nothing is decided.
    pub(crate) fn undecided(members: Vec<Member>, gained: bool) -> Self {
        let region = Region {
            actions: Actions::default(),
            resources: vec![Glob { glob: "*".into(), and: Vec::new(), except: Vec::new() }],
            when: vec![Vec::new()],
            more: false,
            changes: Vec::new(),
            proof: Proof::May(vec![Reason::Size]),
            witness: None,
            before: Vec::new(),
            after: Vec::new(),
        };
        Self { gained, region, members }
    }
}

/// Whether a request for an action may carry a key (in lower case), as far as AWS says. Keys that begin with `aws:` come
/// with all requests, but for those of tags.
pub(crate) fn carries_named(catalogue: &Catalogue, action: &str, key: &str) -> bool {
    catalogue.action(action).is_none_or(|(service, action)| documents(service, action, key))
}

/// The same for a member of a class.
pub(crate) fn carries(catalogue: &Catalogue, member: &Member, key: &str) -> bool {
    let Member::Known(service, action) = member else { return true };
    let service = catalogue.services.get_index(*service).map(|(_, service)| service);
    let found = service.and_then(|service| Some((service, service.actions.get(*action)?)));
    found.is_none_or(|(service, action)| documents(service, action, key))
}

fn documents(service: &Service, action: &Action, key: &str) -> bool {
    let of_tags = ["aws:requesttag/", "aws:resourcetag/", "aws:tagkeys"].iter().any(|start| key.starts_with(start));
    let own = || action.keys.iter().filter_map(|at| service.keys.get(usize::from(*at))).any(|known| known.is(key));
    (key.starts_with("aws:") && !of_tags) || own()
}

/// Joins the regions that differ only in their actions, and names these.
pub(crate) fn collect(
    catalogue: &Catalogue,
    question: &Question,
    found: Vec<Found>,
    mut rank: impl FnMut(&Member) -> (u8, u32),
) -> (Vec<Region>, Vec<Region>) {
    let mut joined: IndexMap<_, (Region, Vec<Member>, _), FixedState> = IndexMap::default();
    for Found { gained, region, members } in found {
        let key = (
            gained,
            region.resources.clone(),
            region.when.clone(),
            region.more,
            region.changes.clone(),
            region.proof.clone(),
        );
        let own = members.first().map(&mut rank);
        match joined.get_mut(&key) {
            Some((joined, all, first)) => {
                // The first member's witness is the region's.
                if own < *first {
                    (*joined, *first) = (region, own);
                }
                all.extend(members);
            }
            None => _ = joined.insert(key, (region, members, own)),
        }
    }
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    for ((is_gained, ..), (mut region, members, _)) in joined {
        region.actions = actions(catalogue, question, &members);
        if is_gained { gained.push(region) } else { lost.push(region) }
    }
    (gained, lost)
}

/// The name of a member, as `service:Action`.
pub(crate) fn member_name(catalogue: &Catalogue, member: &Member) -> SmolStr {
    match member {
        Member::Unlisted(name) | Member::Future(_, name) => name.clone(),
        Member::Known(service, action) => known_name(catalogue, *service, *action),
    }
}

fn known_name(catalogue: &Catalogue, service: usize, action: usize) -> SmolStr {
    let found = catalogue.services.get_index(service);
    let named = found.and_then(|(prefix, service)| Some((prefix, service.actions.get(action)?)));
    named.map(|(prefix, action)| format_smolstr!("{prefix}:{}", action.name)).unwrap_or_default()
}

fn actions(catalogue: &Catalogue, question: &Question, members: &[Member]) -> Actions {
    let mut out = Actions::default();
    let written = |text: &SmolStr| question.names.get(text).unwrap_or(text).clone();
    let mut known = Vec::with_capacity(members.len());
    for member in members {
        match member {
            Member::Known(service, action) => known.push((*service, *action)),
            Member::Unlisted(name) => out.unlisted.push(written(name)),
            Member::Future(pattern, _) => out.future.push(written(pattern)),
        }
    }
    known.sort_unstable();
    known.dedup();
    // In the catalogue's order, they are nearly in that of their names, which the sort below is quick with.
    out.known = known.iter().map(|(service, action)| known_name(catalogue, *service, *action)).collect();
    for list in [&mut out.known, &mut out.unlisted, &mut out.future] {
        list.sort();
        list.dedup();
    }
    out.whole = whole(catalogue, &known, &out.future);
    out
}

/// The services all of whose actions are among these (distinct) known ones, and those yet to come; `*` when it is each
/// service, and those that nobody has heard of.
fn whole(catalogue: &Catalogue, known: &[(usize, usize)], future: &[SmolStr]) -> Vec<SmolStr> {
    let mut counts = vec![0_usize; catalogue.services.len()];
    for (service, _) in known {
        if let Some(count) = counts.get_mut(*service) {
            *count += 1;
        }
    }
    let services = catalogue.services.iter().zip(counts);
    let full = services.filter(|((_, service), count)| service.actions.len() == *count);
    let patterns = full.map(|((prefix, _), _)| format_smolstr!("{prefix}:*"));
    let out: Vec<SmolStr> = patterns.filter(|pattern| future.binary_search(pattern).is_ok()).collect();
    let all = out.len() == catalogue.services.len() && future.iter().any(|pattern| pattern == "*");
    if all { vec!["*".into()] } else { out }
}

//! Programs as a model from which both their text and the truth about them are had.

use std::fmt::Write as _;

use super::edits::Random;

/// A cell: its name, kind, region.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) name: &'static str,
    kind: &'static str,
    region: &'static str,
}

/// A request, but for who makes it and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    pub(super) region: Option<&'a str>,
    pub(super) team: Option<&'a str>,
}

/// A condition on one key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Regions(Vec<&'static str>),
    Team(&'static str),
    NoTeam,
}

#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) allow: bool,
    /// `not_actions`?
    pub(super) other: bool,
    pub(super) actions: Vec<&'static str>,
    pub(super) resources: Vec<&'static str>,
    pub(super) when: Vec<Condition>,
}

#[derive(Debug, Clone)]
pub(super) struct Set {
    pub(super) statements: Vec<Statement>,
    /// A place in [`BOUNDARIES`].
    pub(super) boundary: Option<usize>,
}

/// Where a grant or a policy holds: everywhere, or in cells of these kinds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grant {
    pub(super) to: &'static str,
    pub(super) set: usize,
    pub(super) kinds: Vec<&'static str>,
}

/// A service control policy: of the whole organization, or of the unit of production cells.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub(super) everywhere: bool,
    pub(super) denies: Vec<Statement>,
}

#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) sets: Vec<Set>,
    pub(super) grants: Vec<Grant>,
    pub(super) limits: Vec<Limit>,
    /// How many labels were made anew, so that no two are the same.
    pub(super) renamed: usize,
}

/// Boundaries of AWS's, with the one pattern of actions each allows here.
pub(super) const BOUNDARIES: [(&str, &str); 2] =
    [("arn:aws:iam::aws:policy/AmazonS3FullAccess", "s3:*"), ("arn:aws:iam::aws:policy/PowerUserAccess", "*")];

pub(super) const KINDS: [&str; 3] = ["prod", "alpha", "preprod"];
const ACTIONS: [&str; 6] =
    ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:DeleteObject", "sqs:SendMessage", "sqs:PurgeQueue"];
const PATTERNS: [&str; 5] = ["s3:Get*", "s3:*Object", "s3:*", "sqs:*", "sqs:Send*"];
const RESOURCES: [&str; 5] = [
    "arn:aws:s3:::logs/2026",
    "arn:aws:s3:::logs/2027",
    "arn:aws:s3:::data/x",
    "arn:aws:sqs:us-west-2:222222222222:jobs",
    "arn:aws:sqs:us-west-2:222222222222:mail",
];
const PLACES: [&str; 6] = [
    "arn:aws:s3:::logs/*",
    "arn:aws:s3:::logs/2026",
    "arn:aws:s3:::data/*",
    "arn:aws:s3:::*/*",
    "arn:aws:sqs:*:*:jobs",
    "arn:aws:sqs:*:*:*",
];
pub(super) const REGIONS: [&str; 3] = ["us-west-2", "us-east-1", "eu-west-1"];
pub(super) const TEAMS: [&str; 2] = ["red", "blue"];

/// Every request that programs here can tell apart.
pub(super) fn requests() -> Vec<Request<'static>> {
    let mut all = Vec::new();
    for action in ACTIONS {
        let service = &action[..=action.find(':').unwrap()];
        for resource in RESOURCES.into_iter().filter(|arn| arn["arn:aws:".len()..].starts_with(service)) {
            for region in REGIONS {
                for team in TEAMS.into_iter().map(Some).chain([None]) {
                    all.push(Request { action, resource, region: Some(region), team });
                }
            }
        }
    }
    all
}

/// Does a pattern of `*` take the whole text?
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text
            .strip_prefix(start)
            .is_some_and(|tail| (0..=tail.len()).filter_map(|at| tail.get(at..)).any(|tail| glob(rest, tail))),
    }
}

/// Does a pattern take an action, whose case says nothing?
fn named(pattern: &str, action: &str) -> bool {
    glob(&pattern.to_lowercase(), &action.to_lowercase())
}

impl Statement {
    fn takes(&self, request: &Request<'_>) -> bool {
        self.other != self.actions.iter().any(|pattern| named(pattern, request.action))
            && self.resources.iter().any(|pattern| glob(pattern, request.resource))
            && self.when.iter().all(|condition| match condition {
                Condition::Regions(regions) => request.region.is_some_and(|region| regions.contains(&region)),
                Condition::Team(team) => request.team == Some(team),
                Condition::NoTeam => request.team.is_none(),
            })
    }

    pub(super) fn random(random: &mut Random, allow: bool) -> Self {
        let other = random.below(8) == 0;
        let actions = match random.below(3) {
            0 => vec![random.one(&PATTERNS)],
            1 => vec![random.one(&ACTIONS)],
            _ => random.some(&ACTIONS),
        };
        let when = match random.below(6) {
            0 | 3 => vec![Condition::Regions(random.some(&REGIONS))],
            1 => vec![Condition::Team(random.one(&TEAMS))],
            2 if !allow => vec![Condition::NoTeam],
            _ => Vec::new(),
        };
        Self { allow, other, actions, resources: random.some(&PLACES), when }
    }

    fn text(&self, label: &str) -> String {
        let list = |all: &[&str]| all.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ");
        let (effect, not) = (if self.allow { "allow" } else { "deny" }, if self.other { "not_" } else { "" });
        let mut text = format!(
            "  {effect} {label} {{\n    {not}actions = [{}]\n    resources = [{}]\n",
            list(&self.actions),
            list(&self.resources)
        );
        if !self.when.is_empty() {
            text.push_str("    when {\n");
            for condition in &self.when {
                let line = match condition {
                    Condition::Regions(regions) => format!("\"aws:RequestedRegion\" in [{}]", list(regions)),
                    Condition::Team(team) => format!("\"aws:PrincipalTag/team\" == \"{team}\""),
                    Condition::NoTeam => "\"aws:PrincipalTag/team\" absent".to_owned(),
                };
                writeln!(text, "      {line}").unwrap();
            }
            text.push_str("    }\n");
        }
        text + "  }\n"
    }
}

/// Does a policy allow it: is it allowed, and not denied?
fn decides(statements: &[Statement], request: &Request<'_>) -> (bool, bool) {
    let any = |allow: bool| statements.iter().any(|one| one.allow == allow && one.takes(request));
    (any(true), any(false))
}

impl Program {
    pub(super) const GROUPS: [&'static str; 3] = ["ops", "dev", "audit"];
    pub(super) const CELLS: [Cell; 4] = [
        Cell { name: "west", kind: "prod", region: "us-west-2" },
        Cell { name: "east", kind: "prod", region: "us-east-1" },
        Cell { name: "first", kind: "alpha", region: "us-west-2" },
        Cell { name: "last", kind: "preprod", region: "eu-west-1" },
    ];

    pub(super) fn random(random: &mut Random) -> Self {
        let sets: Vec<Set> = (0..2 + random.below(2))
            .map(|_| {
                let mut statements: Vec<Statement> =
                    (0..=random.below(3)).map(|_| Statement::random(random, true)).collect();
                statements.extend((0..random.below(2)).map(|_| Statement::random(random, false)));
                let boundary = (random.below(4) == 0).then_some(0);
                Set { statements, boundary }
            })
            .collect();
        let limits = (0..=random.below(2))
            .map(|_| Limit { everywhere: random.below(2) == 0, denies: vec![Statement::random(random, false)] })
            .collect();
        // Each set is given to somebody, since one that nobody has is an error of the program.
        let grants =
            (0..sets.len()).map(|set| Grant { to: random.one(&Self::GROUPS), set, kinds: random.some(&KINDS) });
        Self { grants: grants.collect(), sets, limits, renamed: 0 }
    }

    /// The answer to a request, from the meaning of policies alone (spec/permissions.md).
    pub(super) fn allows(&self, group: &str, cell: &Cell, request: &Request<'_>) -> bool {
        let limited = self.limits.iter().any(|limit| {
            (limit.everywhere || cell.kind == "prod") && limit.denies.iter().any(|deny| deny.takes(request))
        });
        let given = |set: &usize| {
            self.grants.iter().any(|grant| grant.to == group && grant.set == *set && grant.kinds.contains(&cell.kind))
        };
        let power = |set: usize| {
            let set = &self.sets[set];
            let bound = set.boundary.is_none_or(|at| named(BOUNDARIES[at].1, request.action));
            decides(&set.statements, request) == (true, false) && bound
        };
        !limited && (0..self.sets.len()).filter(given).any(power)
    }

    pub(super) fn text(&self) -> String {
        let attached = |everywhere: bool| {
            let of = self.limits.iter().enumerate().filter(|(_, limit)| limit.everywhere == everywhere);
            of.map(|(at, _)| format!("scp.limit-{at}")).collect::<Vec<_>>().join(", ")
        };
        let mut text = format!(
            "org o {{\n  management_account = \"111111111111\"\n  scps = [{}]\n  \
             accounts {{ email = \"aws+\\(.name)@x.example\", ou = ou[.kind] }}\n}}\n",
            attached(true)
        );
        writeln!(text, "ou prod {{ scps = [{}] }}\nou alpha {{}}\nou preprod {{}}", attached(false)).unwrap();
        for group in Self::GROUPS {
            writeln!(text, "group {group} {{}}").unwrap();
        }
        for Cell { name, kind, region } in Self::CELLS {
            writeln!(text, "cell {name} {{ kind = \"{kind}\", region = \"{region}\", owner = group.ops }}").unwrap();
        }
        let mut label = self.renamed;
        let mut policy = |text: &mut String, statements: &[Statement]| {
            for statement in statements {
                text.push_str(&statement.text(&format!("s{label}")));
                label += 1;
            }
            text.push_str("}\n");
        };
        for (at, limit) in self.limits.iter().enumerate() {
            writeln!(text, "scp limit-{at} {{").unwrap();
            policy(&mut text, &limit.denies);
        }
        for (at, set) in self.sets.iter().enumerate() {
            writeln!(text, "permission_set Set{at} {{").unwrap();
            if let Some(boundary) = set.boundary {
                writeln!(text, "  boundary = \"{}\"", BOUNDARIES[boundary].0).unwrap();
            }
            policy(&mut text, &set.statements);
        }
        for (at, Grant { to, set, kinds }) in self.grants.iter().enumerate() {
            let which = kinds.iter().map(|kind| format!(".kind == \"{kind}\"")).collect::<Vec<_>>().join(" || ");
            writeln!(
                text,
                "grant g{at} {{\n  to = group.{to}\n  can = permission_set.Set{set}\n  on = cells where {which}\n}}"
            )
            .unwrap();
        }
        text
    }
}

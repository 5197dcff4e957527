//! Edits of a program: those that give somebody more, and those that mean nothing.

use super::program::{Condition, Grant, KINDS, Limit, Program, REGIONS, Statement};

/// Numbers that are the same for the same seed: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// One or more of them, in their order, at times all.
    pub(super) fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        let kept = self.below(of.len());
        of.iter().enumerate().filter(|(at, _)| *at == kept || self.below(3) == 0).map(|(_, one)| *one).collect()
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}

type Edit = fn(&mut Program, &mut Random);

/// What a person may write that gives more, by accident or not.
pub(super) const WIDENINGS: [(&str, Edit); 12] = [
    ("an action more", |program, random| {
        let more = random.one(&["s3:DeleteObject", "sqs:PurgeQueue", "s3:PutObject"]);
        allow(program, random).actions.push(more);
    }),
    ("a wider pattern of actions", |program, random| {
        let wide = random.one(&["s3:*", "sqs:*", "s3:Get*"]);
        let statement = allow(program, random);
        (statement.other, statement.actions) = (false, vec![wide]);
    }),
    ("an exception more in not_actions", |program, random| {
        let statement = allow(program, random);
        (statement.other, statement.actions) = (true, vec!["s3:PutObject"]);
    }),
    ("a wider resource", |program, random| {
        let wide = random.one(&["arn:aws:s3:::*/*", "arn:aws:sqs:*:*:*", "arn:aws:s3:::logs/*"]);
        allow(program, random).resources.push(wide);
    }),
    ("a condition that goes", |program, random| allow(program, random).when.clear()),
    ("a region more", |program, random| {
        for condition in &mut allow(program, random).when {
            if let Condition::Regions(regions) = condition {
                *regions = REGIONS.to_vec();
            }
        }
    }),
    ("a deny that goes", |program, random| {
        let set = random.below(program.sets.len());
        program.sets[set].statements.retain(|statement| statement.allow);
    }),
    ("a deny that holds less", |program, random| {
        let set = random.below(program.sets.len());
        for deny in program.sets[set].statements.iter_mut().filter(|statement| !statement.allow) {
            deny.when = narrowed(std::mem::take(&mut deny.when), Condition::NoTeam);
        }
    }),
    ("a grant in more cells", |program, random| {
        let grant = random.below(program.grants.len());
        program.grants[grant].kinds = KINDS.to_vec();
    }),
    ("a grant to one more", |program, random| {
        let (to, set) = (random.one(&Program::GROUPS), random.below(program.sets.len()));
        program.grants.push(Grant { to, set, kinds: random.some(&KINDS) });
    }),
    ("a limit that goes", |program, random| {
        let limit = random.below(program.limits.len());
        let nothing = Statement {
            allow: false,
            other: false,
            actions: vec!["glacier:DeleteVault"],
            resources: vec!["*"],
            when: Vec::new(),
        };
        program.limits[limit].denies = vec![nothing];
    }),
    ("a wider boundary", |program, _| {
        for set in &mut program.sets {
            set.boundary = set.boundary.map(|_| 1);
        }
    }),
];

fn allow<'a>(program: &'a mut Program, random: &mut Random) -> &'a mut Statement {
    let set = random.below(program.sets.len());
    let allows = program.sets[set].statements.iter_mut().filter(|statement| statement.allow);
    let mut allows: Vec<&mut Statement> = allows.collect();
    allows.swap_remove(random.below(allows.len()))
}

/// Writes the program otherwise, with the same meaning.
pub(super) fn rewrite(program: &mut Program, random: &mut Random) {
    program.renamed += 1;
    let set = random.below(program.sets.len());
    let statements = &mut program.sets[set].statements;
    let at = random.below(statements.len());
    match random.below(8) {
        0 => random.shuffle(statements),
        1 => {
            let again = statements[at].clone();
            statements.push(again);
        }
        2 => split(statements, at),
        3 => {
            random.shuffle(&mut statements[at].actions);
            random.shuffle(&mut statements[at].resources);
        }
        4 => {
            let mut narrower = statements[at].clone();
            narrower.when = narrowed(narrower.when, Condition::Regions(vec![REGIONS[0]]));
            statements.insert(0, narrower);
        }
        5 => {
            let twice = program.grants[random.below(program.grants.len())].clone();
            program.grants.extend(twice.kinds.iter().map(|kind| Grant { kinds: vec![kind], ..twice.clone() }));
        }
        6 => {
            let again = program.limits[random.below(program.limits.len())].clone();
            program.limits.push(Limit { everywhere: again.everywhere, denies: again.denies });
        }
        _ => {
            let first = statements[at].resources[0];
            statements[at].resources.push(first);
        }
    }
}

/// With one condition more, unless there is one already: a key stands once under an operator.
fn narrowed(when: Vec<Condition>, more: Condition) -> Vec<Condition> {
    if when.is_empty() { vec![more] } else { when }
}

/// One statement as several: one for each action, or each resource.
fn split(statements: &mut Vec<Statement>, at: usize) {
    let whole = statements.remove(at);
    if whole.other {
        statements.extend(whole.resources.iter().map(|one| Statement { resources: vec![one], ..whole.clone() }));
    } else {
        statements.extend(whole.actions.iter().map(|one| Statement { actions: vec![one], ..whole.clone() }));
    }
}

//! The permission engine over every version of AWS's managed policies: what it says of each change, against its own
//! evaluation of single requests and against a simulator that others wrote.

#![allow(clippy::print_stdout, reason = "the figures that the specification gives, for who asks with --nocapture")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cell_iam::access::Access;
use cell_iam::decide::{Verdict, allows};
use cell_iam::region::{Delta, Glob, Proof, Reason, Region};
use cell_iam::{Context, Engine, Request, data};
use cell_tests::iam::{Answer, Managed, Solved, access, managed, simulate, solve};
use serde_json::Value;

/// All policies with what each version allows and each change does.
static CORPUS: LazyLock<Vec<Policy>> = LazyLock::new(corpus);

/// So many random requests are decided.
const RANDOM: usize = 50_000;

/// One of so many is decided by the simulator too.
const SAMPLE: usize = 50;

/// One direction of so many is decided by the solver too: a number that has no divisor with two, so both occur.
const SOLVED: usize = 61;

struct Policy {
    managed: Managed,
    versions: Vec<Access>,
    /// From each version to the next.
    changes: Vec<Delta>,
}

fn corpus() -> Vec<Policy> {
    let mut engine = Engine::new(data::all().unwrap());
    let policy = |managed: Managed| {
        let read = |document: &Value| access(&managed.name, document).unwrap();
        let versions: Vec<Access> = managed.versions.iter().map(read).collect();
        let changes = versions.windows(2).map(|pair| engine.diff(&pair[0], &pair[1])).collect();
        Policy { managed, versions, changes }
    };
    managed().unwrap().into_iter().map(policy).collect()
}

/// Each change with its two versions, and each of its two directions: from, to, what is gained by it.
fn directions() -> impl Iterator<Item = (&'static Policy, [usize; 2], &'static [Region])> {
    CORPUS.iter().flat_map(|policy| {
        policy.changes.iter().enumerate().flat_map(move |(at, delta)| {
            [(policy, [at, at + 1], &delta.gained[..]), (policy, [at + 1, at], &delta.lost[..])]
        })
    })
}

#[test]
fn every_version_is_read_without_loss() {
    let mut count = 0;
    for policy in CORPUS.iter() {
        for document in &policy.managed.versions {
            let origin = policy.managed.name.as_str().into();
            let read = cell_iam::policy::parse(&document.to_string(), &origin).unwrap();
            assert_eq!(read.to_json(), *document, "{}", policy.managed.name);
            count += 1;
        }
    }
    assert_eq!(count, 6_194);
}

#[test]
fn every_change_is_decided_and_few_only_perhaps() {
    let (mut verdicts, mut perhaps, mut some) = (0, 0, 0);
    for (policy, _, regions) in directions() {
        verdicts += 1;
        let proven = |region: &Region| region.proof == Proof::Proven;
        perhaps += usize::from(!regions.is_empty() && !regions.iter().any(proven));
        some += usize::from(!regions.iter().all(proven));
        for region in regions {
            if let Proof::May(reasons) = &region.proof {
                assert!(
                    !reasons.is_empty() && !reasons.contains(&Reason::Size),
                    "{}: {region:#?}",
                    policy.managed.name
                );
            }
        }
    }
    assert_eq!(verdicts, 2 * 4_600);
    println!("of {verdicts} verdicts {perhaps} are only perhaps, and {some} have a part that is");
    assert!(perhaps * 100 <= verdicts, "{perhaps} of {verdicts} are only perhaps; {some} have a part that is");
}

/// The witnesses of all proven regions: policy, from and to, request.
fn witnesses() -> Vec<(&'static Policy, [usize; 2], &'static Request)> {
    let proven = |region: &&Region| region.proof == Proof::Proven;
    let of = |(policy, versions, regions): (&'static Policy, [usize; 2], &'static [Region])| {
        let each = regions.iter().filter(proven).filter_map(|region| region.witness.as_ref());
        each.map(move |witness| (policy, versions, &witness.request)).collect::<Vec<_>>()
    };
    directions().flat_map(of).collect()
}

#[test]
fn every_witness_changes_as_is_said() {
    let witnesses = witnesses();
    for (policy, [from, to], request) in &witnesses {
        let verdict = |version: usize| allows(&policy.versions[version], request).verdict;
        let name = &policy.managed.name;
        assert_eq!(verdict(*from), Verdict::Denied, "{name} {from} to {to}: {request:?}");
        assert_eq!(verdict(*to), Verdict::Allowed, "{name} {from} to {to}: {request:?}");
    }
    assert!(witnesses.len() > 5_000, "{}", witnesses.len());
}

#[test]
fn an_independent_simulator_agrees_with_the_witnesses() {
    let known =
        |(_, _, request): &(&Policy, [usize; 2], &Request)| data::all().unwrap().action(&request.action).is_some();
    let witnesses: Vec<_> = witnesses().into_iter().filter(known).collect();
    let mut documents = Vec::new();
    let mut asked = Vec::new();
    for (policy, [from, to], request) in &witnesses {
        documents.extend([&policy.managed.versions[*from], &policy.managed.versions[*to]]);
        asked.extend([(documents.len() - 2, *request), (documents.len() - 1, *request)]);
    }
    let as_it_is = simulate(&documents, &asked, false).unwrap();
    let typed = simulate(&documents, &asked, true).unwrap();
    let agree = |answers: &[Answer]| answers == [Answer::Denied, Answer::Allowed];
    let (mut agreed, mut after_all, mut others, mut odd) = (0, 0, BTreeMap::<&str, usize>::new(), Vec::new());
    for (at, (policy, _, request)) in witnesses.iter().enumerate() {
        if agree(&as_it_is[2 * at..2 * at + 2]) {
            agreed += 1;
        } else if agree(&typed[2 * at..2 * at + 2]) {
            after_all += 1;
        } else {
            match explained(request, &policy.managed) {
                "" => odd.push(format!("{}: {request:?} {:?}", policy.managed.name, &typed[2 * at..2 * at + 2])),
                cause => *others.entry(cause).or_default() += 1,
            }
        }
    }
    let all = witnesses.len();
    println!("{all} witnesses: {agreed} agree, {after_all} with types written out; {others:?}, {} odd", odd.len());
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    assert!((agreed + after_all) * 1_000 >= all * 995, "{agreed} and {after_all} of {all} agree; {others:?}");
}

/// The solver knows no list of actions and no templates of resources: a request is any two texts. So where it finds
/// nothing nothing is proven gained, and where nothing at all is told, not even perhaps, it finds nothing.
#[test]
fn a_solver_agrees_on_a_sample() {
    let sample: Vec<_> = directions().step_by(SOLVED).collect();
    let documents: Vec<[&Value; 2]> = sample
        .iter()
        .map(|(policy, [from, to], _)| [&policy.managed.versions[*from], &policy.managed.versions[*to]])
        .collect();
    let mut said = BTreeMap::<Solved, usize>::new();
    let mut differ = Vec::new();
    for ((policy, [from, to], gained), solved) in sample.iter().zip(solve(&documents).unwrap()) {
        *said.entry(solved).or_default() += 1;
        let proven = gained.iter().any(|region| region.proof == Proof::Proven);
        if (solved == Solved::Gain && gained.is_empty()) || (solved == Solved::None && proven) {
            differ.push(format!("{} {from} to {to}: {solved:?}, and {gained:#?}", policy.managed.name));
        }
    }
    println!("the solver on {} changes: {said:?}", sample.len());
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    let decided = said
        .get(&Solved::Gain)
        .copied()
        .unwrap_or_default()
        .min(said.get(&Solved::None).copied().unwrap_or_default());
    assert!(decided > 10, "{said:?}");
}

/// Why the simulator may say something else, as the specification explains; empty when there is no such reason.
fn explained(request: &Request, policy: &Managed) -> &'static str {
    let text = policy.versions.iter().map(Value::to_string).collect::<String>();
    let if_exists = text.match_indices("ForAnyValue:").any(|(at, _)| {
        let name = text[at..].split('"').next().unwrap_or_default();
        name.ends_with("IfExists")
    });
    let own_keys = request.context.iter().any(|(key, _)| key.starts_with("kms:EncryptionContext:"));
    if request.resource.contains("role/aws-reserved/") {
        "roles that IAM keeps"
    } else if if_exists {
        "IfExists of several values"
    } else if own_keys {
        "keys with a name of their own"
    } else if request.resource.matches(':').count() > 5 && !request.resource.contains(":s3:") {
        "names with colons"
    } else if request.resource == "*" {
        "requests for no resource"
    } else if text.contains(":*-model/") && request.action.starts_with("bedrock:") {
        "wildcards across a type"
    } else {
        ""
    }
}

/// A small generator with a seed, so that the same requests are asked each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        if all.is_empty() { None } else { all.get(self.below(all.len())) }
    }
}

/// A random request about a change: an action that one of its statements names, on a resource like one of its own,
/// with some of the values that its conditions ask for.
fn random(dice: &mut Dice, documents: [&Value; 2]) -> Option<Request> {
    let statements: Vec<&Value> = documents.iter().flat_map(|document| list(&document["Statement"])).collect();
    let statement = *dice.of(&statements)?;
    let actions: Vec<&Value> = list(&statement["Action"]);
    let action = dice_text(dice.of(&actions)?);
    let action = filled(dice, &action, "Thing");
    let (service, name) = action.split_once(':')?;
    let (service_of, known) = data::all().unwrap().action(&format!("{service}:{name}"))?;
    let action = format!("{service}:{}", known.name).into();
    let resources: Vec<&Value> = list(&dice.of(&statements)?["Resource"]);
    let resource = dice_text(dice.of(&resources)?);
    let resource = if known.resources.is_empty() { "*".to_owned() } else { filled(dice, &resource, "thing") };
    let templates = known.resources.iter().map(|at| &service_of.resources[usize::from(*at)].arn);
    let real = known.resources.is_empty() || templates.into_iter().any(|template| is_of(template, &resource));
    if !real {
        return None;
    }
    let mut context = Context::default();
    for statement in &statements {
        for by_key in statement["Condition"].as_object().into_iter().flatten().map(|(_, by_key)| by_key) {
            for (key, values) in by_key.as_object().into_iter().flatten() {
                // What the access says of every request goes before what a request says.
                let settled = ["aws:principalaccount", "aws:resourceaccount"].contains(&&*key.to_ascii_lowercase());
                let values: Vec<&Value> =
                    list(values).into_iter().filter(|value| !settled && !dice_text(value).contains("${")).collect();
                if let Some(value) = dice.of(&values).filter(|_| dice.below(16) < 9) {
                    context.set(key.as_str(), vec![filled(dice, &dice_text(value), "some").into()]);
                }
            }
        }
    }
    Some(Request { action, resource: resource.into(), context })
}

/// Whether a resource is of a type: no variable is empty, and none but the key of an object has a colon.
fn is_of(template: &str, resource: &str) -> bool {
    let mut rest = resource;
    let mut pieces = template.split("${").map(|piece| piece.split_once('}').unwrap_or(("", piece)));
    let Some((_, first)) = pieces.next() else { return false };
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    for (name, literal) in pieces {
        // The variable reaches up to the literal that follows it, or to the end.
        let end = if literal.is_empty() {
            Some(rest.len())
        } else {
            rest.get(1..).and_then(|more| more.find(literal)).map(|at| at + 1)
        };
        let Some(end) = end.filter(|end| *end > 0) else { return false };
        let value = &rest[..end];
        let plain = match name {
            "Partition" => value == "aws",
            "ObjectName" | "KeyName" => true,
            "Region" | "Account" => value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            _ => !value.contains(':'),
        };
        if !plain {
            return false;
        }
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty() && !resource.contains('*')
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn dice_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A pattern with its wildcards and variables filled in.
fn filled(dice: &mut Dice, pattern: &str, with: &str) -> String {
    let fill = ["", "x", with, "us-east-1", "111122223333"];
    let mut out = String::new();
    for c in pattern.replace("${aws:PrincipalAccount}", "111122223333").chars() {
        match c {
            '*' => out.push_str(fill[dice.below(fill.len())]),
            '?' => out.push('x'),
            c => out.push(c),
        }
    }
    out
}

#[test]
fn random_requests_find_no_gain_that_was_missed() {
    let mut dice = Dice(20_260_926);
    let changes: Vec<(&Policy, usize)> =
        CORPUS.iter().flat_map(|policy| (0..policy.changes.len()).map(move |at| (policy, at))).collect();
    let (mut asked, mut differ) = (Vec::new(), 0);
    while asked.len() < RANDOM {
        let (policy, at) = *dice.of(&changes).unwrap();
        let [old, new] = [&policy.managed.versions[at], &policy.managed.versions[at + 1]];
        let Some(request) = random(&mut dice, [old, new]) else { continue };
        let verdicts = [at, at + 1].map(|version| allows(&policy.versions[version], &request).verdict);
        let regions = match verdicts {
            [Verdict::Denied, Verdict::Allowed] => Some(&policy.changes[at].gained),
            [Verdict::Allowed, Verdict::Denied] => Some(&policy.changes[at].lost),
            _ => None,
        };
        if let Some(regions) = regions {
            differ += 1;
            let said = regions.iter().any(|region| may_hold(region, &request));
            assert!(said, "{} {at}: missed {request:?} {regions:#?}", policy.managed.name);
        }
        asked.push((policy, at, request, verdicts));
    }
    assert!(differ > RANDOM / 100, "{differ} of {RANDOM} requests tell two versions apart");
    let sample: Vec<_> = asked.iter().step_by(SAMPLE).collect();
    let mut documents = Vec::new();
    let mut questions = Vec::new();
    for (policy, at, request, _) in &sample {
        documents.extend([&policy.managed.versions[*at], &policy.managed.versions[*at + 1]]);
        questions.extend([(documents.len() - 2, request), (documents.len() - 1, request)]);
    }
    let answers = simulate(&documents, &questions, true).unwrap();
    let (mut same, mut gains, mut excused, mut other) = (0, 0, 0, Vec::new());
    for ((policy, at, request, verdicts), said) in sample.iter().zip(answers.chunks(2)) {
        let excuse = explained(request, &policy.managed);
        // Soundness: what the simulator calls a gain is in a region, proven or perhaps.
        if said == [Answer::Denied, Answer::Allowed] {
            let held = policy.changes[*at].gained.iter().any(|region| may_hold(region, request));
            gains += usize::from(held);
            excused += usize::from(!held);
            assert!(held || !excuse.is_empty(), "{} {at}: missed {request:?}", policy.managed.name);
        }
        for (verdict, said) in verdicts.iter().zip(said) {
            match (verdict, said) {
                (Verdict::May, _) | (_, Answer::Unsaid) => {}
                (Verdict::Allowed, Answer::Allowed) | (Verdict::Denied, Answer::Denied) => same += 1,
                _ if !excuse.is_empty() => excused += 1,
                _ => other.push(format!("{} {at}: {request:?} {verdict:?} {said:?}", policy.managed.name)),
            }
        }
    }
    let (all, others) = (sample.len(), other.len());
    println!(
        "{differ} of {RANDOM} tell versions apart; of {all} the simulator calls {gains} gains that are in regions"
    );
    println!("{same} answers are the same, {excused} are explained, {others} are other:\n{}", other.join("\n"));
    assert!(other.len() * 100 <= same, "{}", other.join("\n"));
}

/// Whether a region has a request's action and resource: a weaker claim than that the request is in it.
fn may_hold(region: &Region, request: &Request) -> bool {
    // A variable may stand for anything.
    let matches = |pattern: &str| match pattern.split_once("${") {
        Some((start, _)) => request.resource.starts_with(start),
        None => glob_matches(pattern, &request.resource),
    };
    let within = |all: &Glob| matches(&all.glob) && all.and.iter().all(|and| matches(and));
    let known = region.actions.known.iter().any(|action| action.eq_ignore_ascii_case(&request.action));
    known && region.resources.iter().any(within)
}

fn glob_matches(glob: &str, text: &str) -> bool {
    let parts: Vec<&str> = glob.split('*').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return glob == text };
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

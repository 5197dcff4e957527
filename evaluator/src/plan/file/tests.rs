//! Plans go to files and come back as they were, or not at all.

#![allow(clippy::expect_used, reason = "a test fails so")]

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::plan::model::{Action, Fields, NoticeKind, Place, Quota};
use crate::provider::{Boundary, CustomerPolicy, SetFields};

fn address() -> impl Strategy<Value = String> {
    "(west\\.)?(cell|account|group|permission_set)\\.[A-Za-z0-9-]{1,8}(/[a-z]{1,6}\\.[a-z0-9-]{1,8}){0,2}"
}

/// Anything a cloud may call something.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", any::<String>().prop_map(|text| text.chars().take(8).collect())]
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        text().prop_map(Json::from),
        address().prop_map(|address| json!({ "later": address })),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn fields() -> impl Strategy<Value = Fields> {
    btree_map("[a-z_]{1,8}", tree(), 0..4).prop_map(Fields::from_iter)
}

fn verb() -> impl Strategy<Value = Verb> {
    let tags = || btree_map(text(), text(), 0..3);
    let set = (text(), proptest::option::of(text()), proptest::option::of(text()));
    let set =
        set.prop_map(|(name, session, relay_state)| SetFields { name, description: None, session, relay_state });
    prop_oneof![
        Just(Verb::EnablePolicies),
        (address(), text(), tags()).prop_map(|(parent, name, tags)| Verb::CreateUnit { parent, name, tags }),
        text().prop_map(|id| Verb::DeleteUnit { id }),
        (text(), text(), tags()).prop_map(|(email, name, tags)| Verb::CreateAccount { email, name, tags }),
        address().prop_map(|to| Verb::MoveAccount { to }),
        (tags(), vec(text(), 0..3)).prop_map(|(set, remove)| Verb::Tag { set, remove }),
        (text(), text(), tree()).prop_map(|(name, description, content)| Verb::UpdatePolicy {
            name,
            description,
            content
        }),
        (address(), address()).prop_map(|(policy, target)| Verb::AttachPolicy { policy, target }),
        (set, tags()).prop_map(|(fields, tags)| Verb::CreateSet { fields, tags }),
        tree().prop_map(|document| Verb::PutInlinePolicy { document }),
        (text(), text()).prop_map(|(name, path)| Verb::AttachCustomer { policy: CustomerPolicy { name, path } }),
        text().prop_map(|arn| Verb::PutBoundary { boundary: Boundary::Managed(arn) }),
        (text(), text()).prop_map(|(name, path)| {
            Verb::PutBoundary { boundary: Boundary::Customer(CustomerPolicy { name, path }) }
        }),
        (address(), address(), address()).prop_map(|(set, principal, target)| Verb::Assign {
            set,
            principal,
            target
        }),
        text().prop_map(|id| Verb::Remember { id }),
        Just(Verb::Forget),
        address().prop_map(|from| Verb::Readdress { from }),
    ]
}

/// What is said of an operation before it has its place.
type Draft = (String, Verb, Vec<prop::sample::Index>, Fields);

fn operations(drafts: Vec<Draft>) -> Vec<Operation> {
    let one = |(at, (address, verb, needs, sets)): (usize, Draft)| {
        let needs =
            if at == 0 { Vec::new() } else { needs.iter().map(|need| OperationId(need.index(at) as u32)).collect() };
        Operation { id: OperationId(at as u32), address, verb, needs, sets }
    };
    drafts.into_iter().enumerate().map(one).collect()
}

fn change() -> impl Strategy<Value = (Change, Vec<prop::sample::Index>)> {
    let actions = [
        Action::Create,
        Action::Adopt,
        Action::Move,
        Action::Update,
        Action::Replace,
        Action::Delete,
        Action::Forget,
        Action::NoOp,
    ];
    let who = (address(), text(), proptest::sample::select(actions.to_vec()), text());
    let sides = (proptest::option::of(fields()), proptest::option::of(fields()));
    let rest = (proptest::option::of(address()), proptest::option::of(text()), vec(text(), 0..3));
    let place = (address(), "[a-z/]{1,6}\\.cell", 1..900_usize, 1..90_usize);
    let place = place.prop_map(|(entity, file, line, column)| Place { entity, file, line, column });
    (who, sides, rest, vec(place, 0..3), vec(any::<prop::sample::Index>(), 0..3)).prop_map(
        |((address, kind, action, name), (before, after), (from, reason, drift), sources, operations)| {
            let later = drift.clone();
            let id = reason.clone();
            let operations_later = Vec::new();
            let change = Change {
                address,
                kind,
                action,
                id,
                name,
                from,
                before,
                after,
                later,
                drift,
                unread: reason.is_some(),
                in_force: Vec::new(),
                reason,
                sources,
                operations: operations_later,
            };
            (change, operations)
        },
    )
}

fn notice() -> impl Strategy<Value = Notice> {
    let kinds =
        vec![NoticeKind::Brake, NoticeKind::Hazard, NoticeKind::Unmanaged, NoticeKind::Waits, NoticeKind::Note];
    let rest = (text(), vec(address(), 0..3), proptest::option::of(text()));
    (proptest::sample::select(kinds), rest).prop_map(|(kind, (message, addresses, allow))| Notice {
        kind,
        code: allow.clone(),
        message,
        addresses,
        allow,
    })
}

fn access() -> impl Strategy<Value = Access> {
    let targets = || vec(address(), 0..3);
    (address(), text(), address(), targets(), targets(), targets()).prop_map(
        |(principal, principal_name, permission_set, gained, lost, new_targets)| Access {
            principal,
            principal_name,
            permission_set,
            gained,
            lost,
            new_targets,
        },
    )
}

fn target() -> impl Strategy<Value = Target> {
    (text(), text(), proptest::option::of(text()), any::<u64>()).prop_map(
        |(cloud, organization, instance, serial)| {
            let (management_account, registry) = (organization.clone(), cloud.clone());
            let identity_store = instance.clone();
            Target {
                cloud,
                organization,
                management_account,
                instance,
                identity_store,
                roles: None,
                registry,
                serial,
            }
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    let drafts = vec((address(), verb(), vec(any::<prop::sample::Index>(), 0..3), fields()), 0..5);
    let maps = (btree_map(address(), text(), 0..3), btree_map(address(), text(), 0..3));
    let lists = (vec(access(), 0..3), vec(notice(), 0..3));
    let numbers = (any::<u64>(), any::<u32>(), -1_000_000_000..4_000_000_000_i64);
    let all = (drafts, vec(change(), 0..4), maps, lists, target(), numbers, text());
    all.prop_map(|(drafts, changes, (ids, names), (access, notices), target, (count, number, at), reading)| {
        let operations = operations(drafts);
        let with = |(mut change, indices): (Change, Vec<prop::sample::Index>)| {
            if !operations.is_empty() {
                change.operations = indices.iter().map(|at| OperationId(at.index(operations.len()) as u32)).collect();
            }
            change
        };
        let changes = changes.into_iter().map(with).collect();
        let quotas = vec![Quota { what: reading.clone(), before: count, after: count, most: count }];
        let by_call = [(reading.clone(), count)].into();
        Plan {
            command: "apply".to_owned(),
            source: "main.cell".to_owned(),
            at: jiff::Timestamp::from_second(at).expect("an instant"),
            only: ids.keys().cloned().collect(),
            except: names.keys().cloned().collect(),
            target,
            limits: Limits { tps: count, ..Limits::default() },
            ids,
            names,
            changes,
            operations,
            access,
            review: None,
            memberships: None,
            entered: [number.to_string()].into(),
            notices,
            authority: vec![Authority { who: reading.clone(), operations: number as usize, what: reading.clone() }],
            cost: Cost { calls: count, by_call, duration_s: count, quotas },
            unapplied: vec![Unapplied { kind: reading.clone(), count: number as usize }],
            reading,
            rest_of: None,
            saved_as: None,
        }
    })
}

fn written(plan: &Plan) -> Vec<u8> {
    let mut out = Vec::new();
    write(plan, &mut out).expect("a vector takes all");
    out
}

proptest! {
    #[test]
    fn what_is_written_is_read(plan in plan()) {
        let bytes = written(&plan);
        let read = parse(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&read, &plan);
        prop_assert_eq!(written(&read), bytes);
        prop_assert_eq!(plan_id(&read), plan_id(&plan));
    }

    #[test]
    fn no_byte_can_be_changed(plan in plan(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = written(&plan);
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        prop_assert!(parse(&bytes).is_err());
        bytes.truncate(at);
        prop_assert!(parse(&bytes).is_err());
    }

    #[test]
    fn any_plan_can_be_shown(plan in plan(), verbose in any::<bool>(), width in 0..200_usize) {
        let mut out = String::new();
        let look = crate::plan::text::Look { verbose, width, color: false };
        crate::plan::text::write(&plan, &look, &mut out).expect("a string takes all");
        prop_assert!(out.chars().all(|c| c == '\n' || !visible::is_hidden(c)));
    }
}

/// The simplest plan, with its operations and changes.
fn some(operations: Vec<Operation>, changes: Vec<Change>) -> Plan {
    let target = Target {
        cloud: "sandbox".to_owned(),
        organization: String::new(),
        management_account: String::new(),
        instance: None,
        identity_store: None,
        roles: None,
        registry: String::new(),
        serial: 0,
    };
    Plan {
        command: "apply".to_owned(),
        source: "main.cell".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        only: Vec::new(),
        except: Vec::new(),
        target,
        limits: Limits::default(),
        ids: BTreeMap::new(),
        names: BTreeMap::new(),
        changes,
        operations,
        access: Vec::new(),
        review: None,
        memberships: None,
        entered: BTreeSet::new(),
        notices: Vec::new(),
        authority: Vec::new(),
        cost: Cost::default(),
        unapplied: Vec::new(),
        reading: String::new(),
        rest_of: None,
        saved_as: None,
    }
}

fn operation(id: u32, needs: &[u32], verb: Verb) -> Operation {
    let needs = needs.iter().map(|need| OperationId(*need)).collect();
    Operation { id: OperationId(id), address: "cell.a".to_owned(), verb, needs, sets: Fields::new() }
}

fn refusal(plan: &Plan) -> String {
    parse(&written(plan)).expect_err("it is refused").to_string()
}

/// A file of which somebody changed the text and reckoned the digest anew.
fn forged(plan: &Plan, from: &str, to: &str) -> Result<Plan, PlanFileError> {
    let text = String::from_utf8(written(plan)).expect("text");
    let mut lines: Vec<String> = text.replacen(from, to, 1).lines().map(str::to_owned).collect();
    lines.remove(1);
    let rest = lines.join("\n") + "\n";
    let mut digest = Sha256::new();
    digest.update(&rest);
    lines.insert(1, format!("\"plan_id\":\"{}\",", id_of(digest)));
    parse((lines.join("\n") + "\n").as_bytes())
}

#[test]
fn what_contradicts_itself_is_refused() {
    let wrong_place = some(vec![operation(1, &[], Verb::Forget)], Vec::new());
    assert_eq!(refusal(&wrong_place), "the plan file makes no sense: operation 1 is at place 0");
    let itself = some(vec![operation(0, &[0], Verb::Forget)], Vec::new());
    assert_eq!(
        refusal(&itself),
        "the plan file makes no sense: operation 0 waits for operation 0, which is not before it"
    );
    let hidden = Verb::MoveAccount { to: "ou.a\u{202e}b".to_owned() };
    assert_eq!(
        refusal(&some(vec![operation(0, &[], hidden)], Vec::new())),
        "the plan file makes no sense: the name `ou.a\\u{202e}b` has characters that are not shown"
    );
    for address in ["", "cell.a//b", " cell.a", "a\nb"] {
        let mut one = operation(0, &[], Verb::Forget);
        address.clone_into(&mut one.address);
        assert!(parse(&written(&some(vec![one], Vec::new()))).is_err(), "{address}");
    }
    let summary = forged(&some(Vec::new(), Vec::new()), "\"create\":0", "\"create\":1");
    assert_eq!(summary.expect_err("it is refused"), broken("its summary is not that of its changes"));
}

#[test]
fn another_minor_is_read_and_another_major_named() {
    let plan = some(vec![operation(0, &[], Verb::Remember { id: "1".to_owned() })], Vec::new());
    let newer = forged(&plan, "\"command\"", "\"of_a_later_version\":[1],\n\"command\"");
    assert_eq!(newer.as_ref(), Ok(&plan));
    assert_eq!(forged(&plan, "\"1.5\"", "\"1.7\"").as_ref(), Ok(&plan));
    let major = forged(&plan, "\"1.5\"", "\"2.0\"").expect_err("it is refused").to_string();
    assert_eq!(major, "the plan file has format 2.0, and this cellc reads 1.5; plan again");
}

#[test]
fn what_is_no_plan_is_refused() {
    for bytes in ["", "{}", "[]", "\u{0}", "{\"format_version\":\"1.0\"}", "{\"format_version\":1}"] {
        assert!(parse(bytes.as_bytes()).is_err(), "{bytes}");
    }
    let deep = "[".repeat(1_000_000);
    assert!(matches!(parse(deep.as_bytes()), Err(PlanFileError::NotAPlan(_))));
    assert!(matches!(parse(&vec![b' '; MAX_BYTES + 1]), Err(PlanFileError::TooLarge(_))));
    let changed = String::from_utf8(written(&some(Vec::new(), Vec::new()))).expect("text").replace("main", "evil");
    assert_eq!(parse(changed.as_bytes()), Err(PlanFileError::Changed));
}

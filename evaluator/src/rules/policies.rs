//! Policies as a whole: how large they are, and how many stand on one thing.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use cell_lang::source::Span;

use super::Context;
use super::fleet::sound;
use super::read::Read;
use crate::limits::{self, Limit, grouped};
use crate::resources::{policy, repositories};
use crate::value::{EntityId, Value};

/// "the policy of scp.x has 6,000 characters; at most 5,120 are taken".
fn too_large(cx: &Context<'_, '_>, about: EntityId, what: &str, unit: &str, size: usize, limit: Limit) {
    let (size, most) = (grouped(size), grouped(limit.most));
    let message = format!("{what} has {size} {unit}; AWS takes {most}");
    let finding = Diagnostic::new(Code::PolicyTooLarge, cx.world.label_span(about), message)
        .here(format!("at most {most} {}", limit.what));
    cx.report(about, finding.help("fold statements with `*`, or split it in two"));
}

/// The document of a policy or permission set; one that is read from a file must be JSON.
fn document(cx: &Context<'_, '_>, id: EntityId) -> Option<Value> {
    if let Some(Err(why)) = cx.world.text(id, "file").map(|file| policy::parse(file)) {
        let message = format!("the policy of {} is not JSON as AWS takes it: {why}", cx.address(id));
        cx.report(id, Diagnostic::new(Code::BadFile, cx.world.setting_span(id, "file"), message));
    }
    policy::of(cx.world, id)
}

/// `rule.policy.scp-size`: a service control policy has at most 5,120 characters as minified JSON. One that is
/// read from a file is JSON.
pub(super) fn scp_size(cx: &Context<'_, '_>) {
    for scp in sound(cx.world, Kind::Scp) {
        let size = document(cx, scp).map_or(0, |document| policy::minified(&document).chars().count());
        if size > limits::SCP_CHARACTERS.most {
            too_large(cx, scp, cx.address(scp), "characters", size, limits::SCP_CHARACTERS);
        }
    }
}

/// `rule.scp.has-policy`: a service control policy has statements or a file, and not both; a permission set has not
/// both either.
pub(super) fn scp_form(cx: &Context<'_, '_>) {
    for scp in sound(cx.world, Kind::Scp).chain(sound(cx.world, Kind::PermissionSet)) {
        let statements = policy::statements(cx.world, scp);
        match (statements.first(), cx.world.get(scp, "file")) {
            (None, None) if cx.world.kind(scp) == Kind::Scp => {
                let message = format!("{} has no statement and no `file`", cx.address(scp));
                let finding = Diagnostic::new(Code::NeededHere, cx.world.label_span(scp), message)
                    .help("write a `deny` or an `allow`, or `file = file(\"…\")`");
                cx.report(scp, finding);
            }
            (Some((_, block)), Some(_)) => {
                let message = format!("{} has statements and a `file`; it takes one of them", cx.address(scp));
                let finding = Diagnostic::new(Code::SetTwice, cx.world.setting_span(scp, "file"), message)
                    .also(cx.head(block), "a statement");
                cx.report(scp, finding);
            }
            _ => {}
        }
    }
}

/// `rule.policy.scp-count`: at most 5 service control policies stand on one target.
pub(super) fn scp_count(cx: &Context<'_, '_>) {
    let most = limits::SCPS_A_TARGET.most;
    for kind in [Kind::Org, Kind::Ou, Kind::Account, Kind::Cell] {
        for target in sound(cx.world, kind) {
            let count = cx.world.members(target, "scps").len();
            if count <= most {
                continue;
            }
            let message = format!("{} has {count} service control policies; AWS takes {most}", cx.address(target));
            let finding = Diagnostic::new(Code::QuotaExceeded, cx.world.setting_span(target, "scps"), message)
                .help("join some of them, or attach some to the unit above");
            cx.report(target, finding);
        }
    }
}

/// `rule.policy.inline-size`: the statements of a permission set come to at most 32,768 bytes, and at most 10,240
/// without white space.
pub(super) fn inline_size(cx: &Context<'_, '_>) {
    for set in sound(cx.world, Kind::PermissionSet) {
        let Some(document) = document(cx, set) else { continue };
        let text = policy::minified(&document);
        let dense = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count();
        let what = format!("the inline policy of {}", cx.address(set));
        if text.len() > limits::INLINE_BYTES.most {
            too_large(cx, set, &what, "bytes", text.len(), limits::INLINE_BYTES);
        } else if dense > limits::INLINE_DENSE_BYTES.most {
            too_large(cx, set, &what, "bytes without white space", dense, limits::INLINE_DENSE_BYTES);
        }
    }
}

/// A limit as the organization has it: what `limits` of `org` says where AWS raises it, else AWS's own.
pub(super) fn most(cx: &Context<'_, '_>, limit: Limit) -> usize {
    let said = limit.raised_by.zip(cx.world.org()).and_then(|(field, org)| {
        let block = cx.world.block(org, "limits")?;
        if let Some(Value::Int(number)) = block.field(field) { usize::try_from(*number).ok() } else { None }
    });
    said.unwrap_or(limit.most)
}

/// The field of a set to show for its policies: the first of the two that is written.
pub(super) fn policies_span(cx: &Context<'_, '_>, set: EntityId) -> Span {
    let written = ["managed", "customer_managed"].into_iter().find(|field| !cx.world.items(set, field).is_empty());
    cx.world.setting_span(set, written.unwrap_or("managed"))
}

/// AWS managed and customer managed policies of a permission set.
pub(super) fn attached(cx: &Context<'_, '_>, set: EntityId) -> usize {
    ["managed", "customer_managed"].iter().map(|field| cx.world.items(set, field).len()).sum()
}

/// `rule.policy.count`: a permission set has at most 20 policies, AWS's and the customer's together.
pub(super) fn count(cx: &Context<'_, '_>) {
    let most = most(cx, limits::POLICIES_A_SET);
    for set in sound(cx.world, Kind::PermissionSet) {
        let count = attached(cx, set);
        if count > most {
            let message = format!("{} has {count} policies; AWS takes {most} in a set", cx.address(set));
            let finding = Diagnostic::new(Code::QuotaExceeded, policies_span(cx, set), message);
            cx.report(
                set,
                finding.help("a quota that AWS has raised is said by `limits { set_policies = … }` in `org`"),
            );
        }
        for field in ["managed", "customer_managed"] {
            twice(cx, set, field);
        }
    }
}

fn twice(cx: &Context<'_, '_>, set: EntityId, field: &'static str) {
    let items = cx.world.items(set, field);
    let repeated = items.iter().enumerate().find(|(at, item)| items.iter().take(*at).any(|other| other == *item));
    if let Some((_, Value::Str(policy))) = repeated {
        let message = format!("{} names `{policy}` twice in `{field}`", cx.address(set));
        cx.report(set, Diagnostic::new(Code::DuplicateKey, cx.world.setting_span(set, field), message));
    }
}

/// `rule.policy.repository-size`: the policy of an ECR repository has at most 10,240 characters. Beyond 300 cells
/// it asks for their places in the organization instead of naming each account.
pub(super) fn repository_size(cx: &Context<'_, '_>) {
    for repository in repositories::repositories(cx.world, &cx.fleet) {
        let size = repository.policy_size(cx.world);
        let Some(source) = repository.sources.first().filter(|_| size > limits::REPOSITORY_POLICY.most) else {
            continue;
        };
        let (most, size) = (grouped(limits::REPOSITORY_POLICY.most), grouped(size));
        let message = format!(
            "the policy of repository `{}` in {} has some {size} characters; AWS takes {most}",
            repository.name,
            cx.address(repository.account),
        );
        let span = source.part.unwrap_or_else(|| cx.world.label_span(source.entity));
        let finding = Diagnostic::new(Code::PolicyTooLarge, span, message)
            .help("put the cells that pull under fewer organizational units");
        cx.report(source.entity, finding);
    }
}

//! What has to be known beside the changes: brakes, hazards, authority, cost, and the sum. Owns their wording.

use std::collections::HashSet;

use super::names::Names;
use super::page::{Page, Row, Sign};
use super::{places, visible};
use crate::live::organization::UNREAD_TAGS;
use crate::plan::UNSEEN;
use crate::plan::model::{Cost, Notice, NoticeKind, OperationId, Plan};
use crate::words::counted;

/// Classes of notices in the order in which a reader has to see them.
const CLASSES: &[(NoticeKind, &str)] = &[
    (NoticeKind::Brake, "apply refuses this plan unless it is let through"),
    (NoticeKind::Hazard, "hazards"),
    (NoticeKind::Unmanaged, "access that cellc does not manage"),
    (NoticeKind::Waits, "under way, queued, or waited for"),
    (NoticeKind::Note, "notes"),
];

/// Everything behind the changes.
pub(super) fn sections(names: &Names<'_>, page: &mut Page) {
    unnamed_operations(names.plan, page);
    for (kind, title) in CLASSES {
        let notices: Vec<&Notice> = names.plan.notices.iter().filter(|notice| notice.kind == *kind).collect();
        if !notices.is_empty() {
            page.title(title);
            notices.iter().for_each(|notice| one_notice(names, page, notice));
        }
    }
    page.blank();
    if circumstances(names.plan, page) {
        page.blank();
    }
    page.plain(0, &sum(names.plan));
}

/// Operations of no change: nothing that apply does is left unsaid.
fn unnamed_operations(plan: &Plan, page: &mut Page) {
    let named: HashSet<OperationId> =
        plan.changes.iter().flat_map(|change| change.operations.iter().copied()).collect();
    let mut rest = plan.operations.iter().filter(|operation| !named.contains(&operation.id)).peekable();
    if rest.peek().is_some() {
        page.title("done besides");
        for operation in rest {
            let address = visible::name(&operation.address);
            page.row(&Row::signed(1, Sign::Change, format!("{address}  {}", places::operation(operation))));
        }
    }
}

fn one_notice(names: &Names<'_>, page: &mut Page, notice: &Notice) {
    let mut text = visible::text(&notice.message);
    if let Some(code) = &notice.code {
        text.push_str(&format!(" [{}]", visible::name(code)));
    }
    if let Some(allow) = &notice.allow {
        text.push_str(&format!("; `--allow {}` lets it through", visible::name(allow)));
    }
    let sign = match notice.kind {
        NoticeKind::Brake | NoticeKind::Hazard => Some(Sign::Stop),
        NoticeKind::Unmanaged | NoticeKind::Waits | NoticeKind::Note => None,
    };
    page.row(&Row { depth: 1, sign, text });
    let called: Vec<String> = notice.addresses.iter().map(|address| names.with_kind(address)).collect();
    let is_said = |name: &String| notice.message.contains(name.as_str());
    let said = called.iter().zip(&notice.addresses).all(|(name, address)| is_said(name) || is_said(address));
    if !said {
        page.plain(3, &page.names("", &called, 1));
    }
}

/// What is recorded only, who must call, what it costs. Was there anything to say?
fn circumstances(plan: &Plan, page: &mut Page) -> bool {
    let before = page.lines();
    if !plan.unapplied.is_empty() {
        let kinds = plan.unapplied.iter();
        let kinds = kinds.map(|kind| counted(kind.count, &visible::text(&kind.kind).replace('_', " ")));
        page.plain(0, &format!("recorded, not applied by this version: {}", kinds.collect::<Vec<_>>().join(", ")));
    }
    for authority in &plan.authority {
        let (who, what) = (visible::text(&authority.who), visible::text(&authority.what));
        page.plain(0, &format!("authority: {who}, for {} ({what})", counted(authority.operations, "operation")));
    }
    cost(&plan.cost, page);
    if !plan.reading.is_empty() {
        page.plain(0, &visible::text(&plan.reading));
    }
    page.lines() > before
}

fn cost(cost: &Cost, page: &mut Page) {
    if cost.calls > 0 {
        let requests = if cost.calls == 1 { "request" } else { "requests" };
        page.plain(0, &format!("cost: {} {requests}, {}", cost.calls, duration(cost.duration_s)));
    }
    for quota in &cost.quotas {
        let over = quota.after > quota.most;
        if page.look.verbose || over || quota.before != quota.after {
            let what = visible::text(&quota.what);
            let text = format!("quota: {what} {} → {} of {} at most", quota.before, quota.after, quota.most);
            page.row(&Row { depth: 0, sign: over.then_some(Sign::Stop), text });
        }
    }
    if page.look.verbose {
        cost.by_call.iter().for_each(|(call, count)| page.plain(1, &format!("{count} {}", visible::name(call))));
    }
}

/// `about 40 s`, `about 2 min`, `about 1 h 30 min`: rounded up, since it is the least.
fn duration(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    match (seconds, minutes / 60, minutes % 60) {
        (0..=59, ..) => format!("about {} s", seconds.max(1)),
        (_, 0, minutes) => format!("about {minutes} min"),
        (_, hours, 0) => format!("about {hours} h"),
        (_, hours, minutes) => format!("about {hours} h {minutes} min"),
    }
}

/// `12 to create, 3 to update, 1 to delete; 0 drifted`.
fn sum(plan: &Plan) -> String {
    let summary = plan.summary();
    let drifted = plan.changes.iter().filter(|change| !change.drift.is_empty()).count();
    let counts = [
        (summary.create, "create"),
        (summary.update, "update"),
        (summary.replace, "replace"),
        (summary.moved, "move"),
        (summary.adopt, "adopt"),
        (summary.delete, "delete"),
        (summary.forget, "forget"),
    ];
    let some: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} to {word}")).collect();
    let said = if plan.command == "drift" { "it was last applied" } else { "the program says" };
    let waits = plan.notices.iter().any(|notice| notice.kind == NoticeKind::Waits);
    let tags = plan.notices.iter().any(|notice| notice.message.starts_with(UNREAD_TAGS));
    let unseen = match (plan.reading.contains(UNSEEN), tags) {
        (true, true) => Some(("access of others and tags of accounts, units and policies", "were")),
        (true, false) => Some(("access of others", "was")),
        (false, true) => Some(("tags of accounts, units and policies", "were")),
        (false, false) => None,
    };
    let beside = match (waits, unseen) {
        (true, Some((what, _))) => {
            format!(", but for what is under way, queued or waited for, and {what}, not looked for")
        }
        (true, None) => ", but for what is under way, queued or waited for".to_owned(),
        (false, Some((what, verb))) => format!(", but for {what}, which {verb} not looked for"),
        (false, None) => String::new(),
    };
    let (live, rest) = if plan.is_of_all() {
        (format!("live is as {said}{beside}"), "")
    } else {
        (format!("what was read is as {said}{beside}, and not all could be read"), "; not all could be read")
    };
    match (some.is_empty(), drifted, plan.operations.is_empty()) {
        (true, 0, true) if plan.command == "destroy" && plan.is_of_all() => {
            format!("no changes: nothing of the program is there{beside}")
        }
        (true, 0, true) => format!("no changes: {live}"),
        (true, 0, false) => {
            format!("{} and no changes; 0 drifted{rest}", counted(plan.operations.len(), "operation"))
        }
        (true, ..) => format!("no changes: {live}; {drifted} drifted"),
        (false, ..) => format!("{}; {drifted} drifted{rest}", some.join(", ")),
    }
}

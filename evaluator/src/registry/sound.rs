//! Is what a record says possible? Owns of which kind an address is, and the forms of the ids in a record that AWS is asked
//! with and people are shown: whoever may write the record can write anything there.

use super::record::{Entry, Record, RecordError, base_of};
use crate::plan::desired::PARKING;
use crate::terminal::visible;

/// What counts snapshots and locks stays below: numbers that every reader of JSON has exactly (RFC 8259, section 6).
const COUNTED: u64 = 1 << 53;

/// Refuses a record with something in it that no run writes.
///
/// # Errors
/// The first such thing.
pub fn check(record: &Record) -> Result<(), RecordError> {
    let counts = [("serial", record.serial), ("fence", record.fence)];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count >= COUNTED) {
        return Err(unsound(format!("its `{name}` is beyond 2^53")));
    }
    if let Some(found) = &record.organization {
        form(is_organization(&found.organization), &found.organization, "its `organization`", "an organization")?;
        form(
            is_account(&found.management_account),
            &found.management_account,
            "its management account",
            "an account",
        )?;
    }
    record.resources.iter().try_for_each(|(address, entry)| is_of_its_kind(address, entry))?;
    for (id, parked) in &record.parked {
        form(is_account(id), id, &format!("what was {}", visible::text(&parked.from)), "an account")?;
    }
    let requests = record.pending.iter().filter(|(_, pending)| pending.kind == "account");
    for (address, request) in requests.filter_map(|(address, pending)| Some((address, pending.request.as_deref()?))) {
        if !is_request(request) {
            return Err(unsound(format!(
                "`{}` of {} is no id of a request for an account; without a `request` the account is found by its name and e-mail",
                visible::text(request),
                visible::text(address)
            )));
        }
    }
    Ok(())
}

/// Of which kind an address is.
pub(crate) fn kind_of_address(address: &str) -> &'static str {
    if address == PARKING {
        return "ou";
    }
    let head = address.split('/').next().unwrap_or(address);
    let derived = ["assignment", "scp_attachment", "repository_policy"];
    if let Some(kind) =
        derived.into_iter().find(|kind| head.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.')))
    {
        return kind;
    }
    if head.starts_with("stack.") && (address.contains('/') || head.matches('.').count() == 1) {
        return "stack";
    }
    match head.rsplit('.').nth(1) {
        Some("ou") => "ou",
        Some("scp") => "scp",
        Some("permission_set") => "permission_set",
        _ => "account",
    }
}

/// Has an entry the kind of its address, and its id the form of that kind?
fn is_of_its_kind(address: &str, entry: &Entry) -> Result<(), RecordError> {
    let kind = kind_of_address(base_of(address));
    if entry.kind != kind {
        let (address, is) = (visible::text(address), visible::text(&entry.kind));
        return Err(unsound(format!("the kind of {address} is {kind}, and not `{is}`")));
    }
    let (holds, what) = match kind {
        "account" => (is_account(&entry.id), "an account"),
        "ou" => (is_plain(&entry.id, "ou-", "-"), "a unit"),
        "scp" => (is_plain(&entry.id, "p-", "_"), "a policy"),
        "permission_set" => (is_set(&entry.id), "a permission set"),
        "stack" => (is_plain(&entry.id, "arn:", ":/._-"), "a stack"),
        _ => (true, ""),
    };
    if entry.id.is_empty() || holds { Ok(()) } else { form(false, &entry.id, &visible::text(address), what) }
}

fn form(holds: bool, id: &str, of: &str, what: &str) -> Result<(), RecordError> {
    if holds { Ok(()) } else { Err(unsound(format!("`{}` of {of} is no id of {what}", visible::text(id)))) }
}

fn unsound(what: String) -> RecordError {
    RecordError::Unsound(what)
}

/// Twelve digits (AWS Organizations API, `Account`: `^\d{12}$`).
fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// AWS Organizations API, `Organization`: `^o-[a-z0-9]{10,32}$`; shorter ones do no harm.
fn is_organization(id: &str) -> bool {
    is_named(id, "o-")
}

/// A service says of another text only that it is wrong (AWS Organizations API, `DescribeCreateAccountStatus`:
/// `^car-[a-z0-9]{8,32}$`; shorter ones do no harm).
fn is_request(id: &str) -> bool {
    is_named(id, "car-")
}

/// AWS Organizations API: `^ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}$` (`OrganizationalUnit`) and `^p-[0-9a-zA-Z_]{8,128}$`
/// (`PolicySummary`); ARNs of permission sets and stacks have letters, digits and these between them. Shorter ones do no harm.
fn is_plain(id: &str, head: &str, between: &str) -> bool {
    let rest = id.strip_prefix(head).unwrap_or_default();
    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || between.contains(c))
}

/// IAM Identity Center API, `PermissionSetArn`: `arn:…:sso:::permissionSet/(sso)?ins-…/ps-…`; moto writes `instance` there.
fn is_set(id: &str) -> bool {
    match id.split('/').collect::<Vec<_>>().as_slice() {
        [kind, instance, set] => {
            is_plain(kind, "arn:", ":-")
                && is_plain(instance.strip_prefix("sso").unwrap_or(instance), "ins-", ".-")
                && is_plain(set, "ps-", ".-")
        }
        _ => false,
    }
}

fn is_named(id: &str, head: &str) -> bool {
    let rest = id.strip_prefix(head).unwrap_or_default();
    (1..=32).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;

    /// What is said of a record with one more thing in it.
    fn said(name: &str, value: &serde_json::Value) -> Option<String> {
        let mut record = json!({
            "format_version": "1.0",
            "organization": { "organization": "o-a1b2c3d4e5", "management_account": "111111111111" },
        });
        record[name] = value.clone();
        let record = Record::parse(record.to_string().as_bytes()).unwrap();
        check(&record).err().map(|error| error.to_string())
    }

    #[test]
    fn ids_have_their_form() {
        let at = "2026-11-26T20:44:46Z";
        let entry = |kind: &str, id: &str| {
            let address = match kind {
                "scp" => "rails.scp.a",
                "ou" => "ou.a",
                "permission_set" => "permission_set.a",
                _ => "cell.a",
            };
            json!({ address: { "kind": kind, "id": id, "applied_at": at, "run": "r" } })
        };
        let parked = |id: &str| json!({ id: { "from": "cell.a", "email": "a@x", "name": "a", "since": at } });
        let asked = |request: &str| json!({ "cell.b": { "kind": "account", "name": "b", "at": at, "run": "r", "request": request } });
        let of = |organization: &str, management: &str| json!({ "organization": organization, "management_account": management });
        let sound = [
            ("serial", json!(7)),
            ("resources", entry("account", "222222222222")),
            ("resources", entry("scp", "p-1")),
            ("resources", entry("ou", "ou-a1b2-0a1b2c3d")),
            (
                "resources",
                entry("permission_set", "arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef"),
            ),
            ("parked", parked("222222222222")),
            ("pending", asked("car-0a1b2c3d")),
        ];
        for (name, value) in sound {
            assert_eq!(said(name, &value), None, "{name} {value}");
        }
        let unsound = [
            ("serial", json!(u64::MAX)),
            ("fence", json!(1_u64 << 53)),
            ("resources", entry("account", "22222222222")),
            ("resources", entry("account", "../222222222222")),
            ("resources", entry("ou", "222222222222")),
            ("resources", entry("scp", "222222222222")),
            ("resources", entry("scp", "p-")),
            ("resources", entry("scp", "p-../x")),
            ("resources", entry("ou", "ou-")),
            ("resources", entry("ou", "ou-\u{1b}[2J")),
            ("resources", entry("permission_set", "arn:aws:sso:::permissionSet/ssoins-1/ps-\u{1b}[2J")),
            ("resources", entry("permission_set", "arn:aws:sso:::permissionSet/ssoins-1/ps-1/2")),
            ("resources", entry("permission_set", "arn:aws:sso:::permissionSet/../ps-1")),
            ("resources", entry("permission_set", "arn:aws:sso:::permissionSet/")),
            ("parked", parked("account")),
            ("pending", asked("")),
            ("pending", asked("car-")),
            ("pending", asked("car-A")),
            ("pending", asked("../x")),
            ("organization", of("o-\u{1b}[2J", "111111111111")),
            ("organization", of("o-a1b2c3d4e5", "\u{1b}]0;x\u{7}")),
        ];
        for (name, value) in unsound {
            let said = said(name, &value);
            assert!(said.as_ref().is_some_and(|said| !said.contains('\u{1b}')), "{name} {value}: {said:?}");
        }
        let long = said("pending", &asked(&"x".repeat(100_000))).unwrap();
        assert!(long.len() < 1_000, "{long}");
    }
}

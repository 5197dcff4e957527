//! Tags, over all kinds.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;

use super::fleet::sound;
use super::read::Read;
use super::{Context, ticked};
use crate::limits;
use crate::value::{EntityId, Value};

/// What every owned thing is tagged with besides.
const OWN: usize = 1;

/// `rule.tags.fit`: at most 75 tags, the one that says who owns it counted; keys have 1 to 128 letters, digits,
/// white space and `_.:/=+-@`, and begin neither with `aws:` nor with `cellc:`.
pub(super) fn fit(cx: &Context<'_, '_>) {
    for kind in Kind::ALL {
        for id in sound(cx.world, *kind) {
            let Some(Value::Map(tags)) = cx.world.get(id, "tags") else { continue };
            let most = limits::TAGS.most - OWN;
            if tags.len() > most {
                let message =
                    format!("{} has {} tags; at most {most} fit beside cellc's own", cx.address(id), tags.len());
                report(cx, id, Code::QuotaExceeded, message);
            }
            let mut keys = tags.keys().filter_map(Value::as_str);
            if let Some((key, why)) = keys.find_map(|key| Some((key, refused(key)?))) {
                report(cx, id, Code::NameTooLong, format!("the tag {} of {} {why}", ticked(key), cx.address(id)));
            }
        }
    }
}

fn report(cx: &Context<'_, '_>, id: EntityId, code: Code, message: String) {
    cx.report(id, Diagnostic::new(code, cx.world.setting_span(id, "tags"), message));
}

fn refused(key: &str) -> Option<String> {
    let (length, most) = (key.chars().count(), limits::TAG_KEY.most);
    let reserved = |prefix: &str| key.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    let plain = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if length == 0 || length > most {
        Some(format!("has {length} characters; AWS takes 1 to {most}"))
    } else if reserved("aws:") {
        Some("begins with `aws:`, which AWS keeps for itself".to_owned())
    } else if reserved("cellc:") {
        Some("begins with `cellc:`, which says who owns a thing".to_owned())
    } else if !key.chars().all(plain) {
        Some("has a character that AWS refuses in keys".to_owned())
    } else {
        None
    }
}

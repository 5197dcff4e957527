//! Alarms: what they are compared with.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;

use super::Context;
use super::fleet::sound;
use super::read::Read;
use crate::value::Value;

/// `rule.alarm.threshold`: an alarm on a ratio is compared with a share; none is compared with money.
pub(super) fn threshold(cx: &Context<'_, '_>) {
    for id in sound(cx.world, Kind::Alarm) {
        let ratio = cx.world.block(id, "ratio").is_some();
        for field in ["above", "below"] {
            let Some(value) = cx.world.get(id, field) else { continue };
            let fits = if ratio { matches!(value, Value::Percent(_)) } else { !matches!(value, Value::Usd(_)) };
            if fits {
                continue;
            }
            let (what, help) = if ratio {
                ("a ratio is compared with a share", "write a percentage, such as `1%`")
            } else {
                ("no metric is money", "write a number, a percentage, a duration or a size")
            };
            let message = format!("`{field}` of {}: {what}", cx.address(id));
            let span = cx.world.setting_span(id, field);
            cx.report(id, Diagnostic::new(Code::RefusedValue, span, message).help(help));
        }
    }
}

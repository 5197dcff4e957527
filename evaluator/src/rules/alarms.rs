//! Alarms: what they are compared with, and how long they look back.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;
use cell_lang::value::write_duration;

use super::Context;
use super::fleet::sound;
use super::read::Read;
use crate::limits::{self, Limit};
use crate::value::{EntityId, Value};

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

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// `rule.alarm.periods`: an alarm looks back over whole periods, no further than CloudWatch looks, and at periods that the metric
/// may have.
pub(super) fn periods(cx: &Context<'_, '_>) {
    for id in sound(cx.world, Kind::Alarm) {
        let length = |field: &str| cx.world.get(id, field).and_then(Value::as_duration).filter(|length| *length > 0);
        let (Some(over), Some(period)) = (length("over"), length("period")) else { continue };
        let namespace = cx.world.text(id, "namespace").filter(|name| name.starts_with("AWS/"));
        if let Some(namespace) = namespace.filter(|_| period < MINUTE) {
            of_aws(cx, id, period, namespace);
        }
        if over > most(period) {
            too_far(cx, id, over, period);
        } else if over % period != 0 {
            in_part(cx, id, over, period);
        }
    }
}

/// How far an alarm with such a period looks back at most.
fn most(period: i64) -> i64 {
    let limit: Limit = if period < HOUR { limits::SHORT_PERIODS } else { limits::PERIODS };
    i64::try_from(limit.most).unwrap_or(i64::MAX).saturating_mul(1_000)
}

fn told(cx: &Context<'_, '_>, id: EntityId, at: &str, message: String, help: String) {
    let finding = Diagnostic::new(Code::WrongPeriods, cx.world.setting_span(id, at), message);
    cx.report(id, finding.help(help));
}

fn of_aws(cx: &Context<'_, '_>, id: EntityId, period: i64, namespace: &str) {
    let message = format!(
        "{} has periods of {}; CloudWatch takes 1m or more for what is in `{namespace}`",
        cx.address(id),
        write_duration(period)
    );
    told(cx, id, "period", message, "write `period = 1m`".to_owned());
}

fn too_far(cx: &Context<'_, '_>, id: EntityId, over: i64, period: i64) {
    let (most, longest) = (most(period), most(HOUR));
    let short = period < HOUR;
    let with = if short { " with periods of less than 1h" } else { "" };
    let message = format!(
        "{} looks back {}; CloudWatch takes {}{with}",
        cx.address(id),
        write_duration(over),
        write_duration(most)
    );
    let shorter = format!("write `over = {}`", write_duration(most / period * period));
    let help =
        if short && over <= longest && over % HOUR == 0 { format!("{shorter}, or `period = 1h`") } else { shorter };
    told(cx, id, "over", message, help);
}

fn in_part(cx: &Context<'_, '_>, id: EntityId, over: i64, period: i64) {
    let message = format!(
        "`over` of {} is {}, which is no multiple of its period of {}",
        cx.address(id),
        write_duration(over),
        write_duration(period)
    );
    let below = over / period * period;
    let around = [below, below + period].map(write_duration);
    let help = match below {
        0 => format!("write `over = {}`, or a shorter period", around[1]),
        _ => format!("write `over = {}` or `over = {}`, or another period", around[0], around[1]),
    };
    told(cx, id, "over", message, help);
}

//! Guards, as far as they are judged without looking into policies.

use cell_lang::diagnostics::{Code, Diagnostic};
use cell_lang::schema::Kind;

use super::fleet::sound;
use super::read::Read;
use super::{Context, ticked};
use crate::value::Value;

/// `rule.guard.not-empty`: a guard selects at least one cell. While a cell may be missing because what declares
/// it has an error, this is not judged.
pub(super) fn not_empty(cx: &Context<'_, '_>) {
    if cx.world.is_partial(Kind::Cell) {
        return;
    }
    for guard in sound(cx.world, Kind::Guard).filter(|guard| cx.world.members(*guard, "on").is_empty()) {
        let name = ticked(&cx.world.entity(guard).label);
        let message = format!("guard {name} selects no cell; a proof over nothing proves nothing");
        let span = cx.world.setting_span(guard, "on");
        cx.report(guard, Diagnostic::new(Code::EmptyGuard, span, message).help("select a cell, or remove the guard"));
    }
    for guard in sound(cx.world, Kind::Guard) {
        if !matches!(cx.world.get(guard, "principals"), Some(Value::Set(set)) if set.is_empty()) {
            continue;
        }
        let name = ticked(&cx.world.entity(guard).label);
        let message = format!("guard {name} selects no principal; a proof over nothing proves nothing");
        let span = cx.world.setting_span(guard, "principals");
        let finding = Diagnostic::new(Code::EmptyGuard, span, message);
        cx.report(guard, finding.help("leave `principals` out to hold for everybody, or remove the guard"));
    }
}

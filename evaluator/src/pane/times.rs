//! Instants as people read them, all in UTC. Owns the words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-06-01 07:00`
pub(super) fn moment(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `2026-06-01`
pub(super) fn day(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%Y-%m-%d").to_string()
}

//! The hours in which cells may be begun. Owns when a window is open and when it opens next, in its own time zone.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

/// Hours of some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The days: `mon` to `sun`.
    pub days: Vec<String>,
    /// The minute of the day from which it is open.
    pub from: u16,
    /// The minute of the day from which it is not.
    pub to: u16,
    /// The name of its time zone: `Europe/Berlin`.
    pub zone: String,
}

/// The names of days, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Minutes of an hour.
const HOUR: u16 = 60;

impl Window {
    /// Whether it is open at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.next(at) == Some(at)
    }

    /// The first instant from `at` on at which it is open. None when it never is: it has no day, or its zone is not known.
    pub fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.zone()?;
        let today = zone.to_datetime(at).date();
        // The day before too, whose hours the change of a zone's offset may have moved; and two weeks, since the change may
        // leave the hours of one day out altogether.
        (-1..=14).filter_map(|days| today.checked_add(days.days()).ok()).find_map(|day| {
            let (from, to) = self.hours(day, &zone)?;
            (at < to && from < to).then(|| at.max(from))
        })
    }

    /// Its time zone.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.zone).ok()
    }

    /// From when until when it is open on a day; none when it is not that day's.
    fn hours(&self, day: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let name = DAYS.get(usize::try_from(day.weekday().since(Weekday::Monday)).ok()?)?;
        let instant = |minute: u16| {
            let (hour, minute) = (i8::try_from(minute / HOUR).ok()?, i8::try_from(minute % HOUR).ok()?);
            let time = Time::new(hour, minute, 0, 0).ok()?;
            zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()
        };
        let is_day = self.days.iter().any(|own| own == name);
        is_day.then(|| Some((instant(self.from)?, instant(self.to)?))).flatten()
    }
}

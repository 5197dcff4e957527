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
    /// Whether it is open at an instant: whether its zone's clock shows one of its hours.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.zone().is_some_and(|zone| self.is_open_in(&zone, at))
    }

    fn is_open_in(&self, zone: &TimeZone, at: Timestamp) -> bool {
        let now = zone.to_datetime(at);
        let minute = u16::from(now.hour().unsigned_abs()) * HOUR + u16::from(now.minute().unsigned_abs());
        self.is_day(now.date()) && (self.from..self.to).contains(&minute)
    }

    /// The first instant from `at` on at which it is open. None when it never is: it has no day, or its zone is not known.
    pub fn next(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.zone()?;
        if self.is_open_in(&zone, at) {
            return Some(at);
        }
        let today = zone.to_datetime(at).date();
        // Two weeks, since a change of clocks may leave the hours of one day out altogether.
        (0..=14).filter_map(|days| today.checked_add(days.days()).ok()).find_map(|day| {
            let begins = |instant: &Timestamp| *instant >= at && self.is_open_in(&zone, *instant);
            self.begins(day, &zone).into_iter().flatten().filter(begins).min()
        })
    }

    /// Its time zone.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZone::get(&self.zone).ok()
    }

    fn is_day(&self, day: Date) -> bool {
        let number = usize::try_from(day.weekday().since(Weekday::Monday)).ok();
        number.and_then(|number| DAYS.get(number)).is_some_and(|name| self.days.iter().any(|own| own == name))
    }

    /// When it may begin on a day: as the clock shows the time, twice where it does so twice, or as the clock is put on or back.
    fn begins(&self, day: Date, zone: &TimeZone) -> Option<Vec<Timestamp>> {
        let (hour, minute) = (i8::try_from(self.from / HOUR).ok()?, i8::try_from(self.from % HOUR).ok()?);
        let begins = zone.to_ambiguous_timestamp(day.to_datetime(Time::new(hour, minute, 0, 0).ok()?));
        let midnight = zone.to_timestamp(day.to_datetime(Time::midnight())).ok()?;
        let change = zone.following(midnight).next().map(|change| change.timestamp());
        let change = change.filter(|at| zone.to_datetime(*at).date() == day);
        Some([begins.earlier().ok(), begins.later().ok(), change].into_iter().flatten().collect())
    }
}

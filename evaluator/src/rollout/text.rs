//! The calendar as people read it: one line for each wave, in the window's time zone. Owns the words; the times are
//! [`super::calendar`]'s.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::calendar::{Entry, calendar};
use super::course::Course;
use crate::releases::Apart;
use crate::terminal::visible;
use crate::words::counted;

/// The calendar of each course from an instant on, as text. `takes` is how long a cell is taken to need.
pub fn calendars(courses: &[&Course], at: Timestamp, takes: SignedDuration) -> String {
    let pages: Vec<String> = courses.iter().map(|course| page(course, at, takes)).collect();
    pages.join("\n")
}

/// Which of the cells of some courses are drained: a calendar has them all; none where no cell is.
pub fn passed_by(courses: &[&Course], drained: &BTreeSet<String>) -> Option<String> {
    let waves = courses.iter().flat_map(|course| &course.waves);
    let own: BTreeSet<&String> = waves.flat_map(|wave| &wave.cells).filter(|cell| drained.contains(*cell)).collect();
    let own: Vec<String> = own.into_iter().map(|cell| visible::name(cell)).collect();
    let are = if own.len() == 1 {
        "is drained, and passed by until it is"
    } else {
        "are drained, and passed by until they are"
    };
    (!own.is_empty()).then(|| format!("{} {are} no more: then the release comes there, too\n", own.join(", ")))
}

/// The same as one JSON document, with the cells that are apart now, of what there are such.
pub fn json(
    courses: &[&Course],
    at: Timestamp,
    takes: SignedDuration,
    apart: &BTreeMap<String, Vec<Apart>>,
) -> String {
    let one = |course: &&Course| {
        let mut one = json!({
            "of": course.of,
            "rollout": course.rollout,
            "zone": course.window.as_ref().map(|window| &window.zone),
            "waves": calendar(course, at, takes),
        });
        if let Some(apart) = apart.get(&course.of) {
            one["apart"] = json!(apart);
        }
        one
    };
    let calendars: Vec<Json> = courses.iter().map(one).collect();
    let takes = takes.as_secs();
    format!("{}\n", json!({ "format_version": "1.0", "at": at, "takes_seconds": takes, "calendars": calendars }))
}

/// Cells that are apart now, a line each, and what makes them one again.
pub fn apart(apart: &BTreeMap<String, Vec<Apart>>) -> String {
    let mut out = String::new();
    for (of, one) in apart.iter().flat_map(|(of, all)| all.iter().map(move |one| (of, one))) {
        out.push_str(&format!("{}: {}; {}\n", visible::name(of), one.told(), visible::text(&one.mend)));
    }
    out
}

fn page(course: &Course, at: Timestamp, takes: SignedDuration) -> String {
    let zone = course.window.as_ref().and_then(super::window::Window::zone).unwrap_or(TimeZone::UTC);
    let name = course.window.as_ref().map_or("UTC", |window| window.zone.as_str());
    let entries = calendar(course, at, takes);
    let by =
        course.rollout.as_ref().map_or("in no waves".to_owned(), |rollout| format!("by {}", visible::name(rollout)));
    let mut out =
        format!("{} {by}, begun {} ({})\n", visible::name(&course.of), moment(at, &zone, None), visible::text(name));
    let Some(last) = entries.iter().map(|entry| entry.ends).max() else {
        out.push_str("  it goes to no cell\n");
        return out;
    };
    let width = entries.iter().map(|entry| entry.wave.chars().count()).max().unwrap_or_default();
    for entry in &entries {
        out.push_str(&format!("  {:width$}  {}\n", visible::text(&entry.wave), line(entry, &zone)));
    }
    let each = counted(usize::try_from(takes.as_mins()).unwrap_or_default(), "minute");
    out.push_str(&format!(
        "  all cells by {}, if all goes well and a cell takes {each}\n",
        moment(last, &zone, None)
    ));
    out
}

/// `3 cells   Tue 2 Jun 09:00–09:15, bake to 21:15, after an approval`
fn line(entry: &Entry, zone: &TimeZone) -> String {
    let begins = zone.to_datetime(entry.begins);
    let deployed = moment(entry.deployed, zone, Some(&begins));
    let mut text = format!("{}, {}–{deployed}", counted(entry.cells, "cell"), moment(entry.begins, zone, None));
    if entry.ends > entry.deployed {
        let last = zone.to_datetime(entry.deployed);
        text.push_str(&format!(", bake to {}", moment(entry.ends, zone, Some(&last))));
    }
    if entry.traffic {
        text.push_str(" or until there was traffic enough");
    }
    if entry.approval {
        text.push_str(", after somebody has agreed");
    }
    text
}

/// `Tue 2 Jun 09:00`; only the time, if it is on the day of another. With the offset, where clocks go back and the hour comes twice.
fn moment(at: Timestamp, zone: &TimeZone, other: Option<&DateTime>) -> String {
    let local = zone.to_datetime(at);
    let same = other.is_some_and(|other| other.date() == local.date());
    let time = local.strftime(if same { "%H:%M" } else { "%a %-d %b %H:%M" }).to_string();
    if zone.to_ambiguous_zoned_datetime(local).is_ambiguous() {
        format!("{time} ({})", zone.to_offset(at))
    } else {
        time
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails so")]
mod tests {
    use super::*;

    #[test]
    fn an_hour_that_comes_twice_says_which() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let told = |at: &str| moment(at.parse().unwrap(), &zone, None);
        assert_eq!(told("2026-10-24T23:30:00Z"), "Sun 25 Oct 01:30");
        assert_eq!(told("2026-10-25T00:30:00Z"), "Sun 25 Oct 02:30 (+02)");
        assert_eq!(told("2026-10-25T01:30:00Z"), "Sun 25 Oct 02:30 (+01)");
        assert_eq!(told("2026-10-25T02:30:00Z"), "Sun 25 Oct 03:30");
    }
}

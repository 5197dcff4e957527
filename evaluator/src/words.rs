//! Numbers with their words, `1 cell`, `300 cells`, `a minute`, and what is told one after the other. Owns the plural, and
//! nothing else of what is told.

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};

/// `1 cell`, `300 cells`.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {}", if count == 1 { one.to_owned() } else { plural(one) })
}

/// Names, the first `most` of them, and how many more there are: `a, b and 3 more`.
pub fn first_of(names: &[String], most: usize) -> String {
    let told = names.get(..most).unwrap_or(names).join(", ");
    if names.len() > most { format!("{told} and {} more", names.len() - most) } else { told }
}

/// The verb that goes with so many: `has`, `have`.
pub fn have(count: usize) -> &'static str {
    if count == 1 { "has" } else { "have" }
}

/// An instant, to the second: `2026-06-02 09:00:00Z`.
pub fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The plural of a noun whose plural is regular, as kinds of entities and resources are.
pub fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ => format!("{one}s"),
    }
}

/// How long something took, in minutes, or in seconds if it is less.
pub fn lasted(time: SignedDuration) -> String {
    match (time.as_mins(), time.as_secs()) {
        (0, 1) => "a second".to_owned(),
        (0, n) => format!("{n} seconds"),
        (1, _) => "a minute".to_owned(),
        (n, _) => format!("{n} minutes"),
    }
}

/// What follows a sentence: each part behind a semicolon.
pub fn listed<T: Display>(parts: &[T]) -> String {
    parts.iter().fold(String::new(), |text, part| format!("{text}; {part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        assert_eq!(
            [counted(1, "cell"), counted(0, "cell"), counted(2, "entity")],
            ["1 cell", "0 cells", "2 entities"]
        );
        assert_eq!(plural("key"), "keys");
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([first_of(&names, 3), first_of(&names, 2)], ["a, b, c", "a, b and 1 more"]);
    }
}

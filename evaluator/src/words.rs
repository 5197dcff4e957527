//! Numbers with their words: `1 cell`, `300 cells`. Owns the plural, and nothing else of what is told.

/// `1 cell`, `300 cells`.
pub fn counted(count: usize, one: &str) -> String {
    format!("{count} {}", if count == 1 { one.to_owned() } else { plural(one) })
}

/// The plural of a noun whose plural is regular, as kinds of entities and resources are.
pub fn plural(one: &str) -> String {
    match one.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o']) => format!("{stem}ies"),
        _ => format!("{one}s"),
    }
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
    }
}

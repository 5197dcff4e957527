//! The names of what is generated. Owns how labels become names of stacks, roles, projects and state machines, and how they
//! are kept within the cloud's limits: one that is too long ends in eight digits of its own hash.

use crate::digest::short;

/// A stack's name: `cellc-` and this, at most 128 of letters, digits and `-`.
pub(super) fn stack(label: &str) -> String {
    bounded(&format!("cellc-{label}"), 128, "-")
}

/// The name of a role: at most 64 characters.
pub(super) fn role(component: &str, what: &str) -> String {
    bounded(&format!("cellc-{component}-{what}"), 64, "-_.")
}

/// The name of a project of CodeBuild: at most 150 characters, without dots.
pub(super) fn project(component: &str, what: &str) -> String {
    bounded(&format!("cellc-{component}-{what}"), 150, "-_")
}

/// The name of a state machine: at most 80 characters, without dots.
pub(super) fn machine(component: &str, wave: &str) -> String {
    bounded(&format!("cellc-{component}-{wave}"), 80, "-_")
}

/// A name of at most `most` bytes in which other characters than letters, digits and `allowed` are none. Two names stay two.
pub(super) fn bounded(name: &str, most: usize, allowed: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || allowed.contains(c);
    if name.len() <= most && name.chars().all(fits) {
        return name.to_owned();
    }
    let hash = short(name, 4);
    let kept = most.saturating_sub(hash.len() + 1);
    let plain: String = name.chars().map(|c| if fits(c) { c } else { '-' }).take(kept).collect();
    format!("{plain}-{hash}")
}

/// A label as a part of a logical id, which has letters and digits only: `error-ratio` is `ErrorRatio`. A dot is `00`, and a
/// `-` before a digit is `0`, so that two labels stay two.
pub(super) fn logical(label: &str) -> String {
    let mut id = String::with_capacity(label.len());
    let mut begins = true;
    for c in label.chars() {
        match c {
            _ if c.is_ascii_alphabetic() && begins => id.push(c.to_ascii_uppercase()),
            _ if c.is_ascii_digit() && begins && !id.is_empty() => id.extend(['0', c]),
            _ if c.is_ascii_alphanumeric() => id.push(c),
            '.' | '/' => id.push_str("00"),
            _ => {}
        }
        begins = !c.is_ascii_alphanumeric();
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_become_logical_ids() {
        for (label, id) in
            [("error-ratio", "ErrorRatio"), ("usw2-001", "Usw20001"), ("west.usw2", "West00Usw2"), ("a", "A")]
        {
            assert_eq!(logical(label), id);
        }
        assert_ne!(logical("a-1"), logical("a1"));
        assert_ne!(logical("a.b"), logical("a-b"));
    }

    #[test]
    fn names_stay_within_their_limits_and_apart() {
        let long = "x".repeat(100);
        let (one, other) = (role(&long, "build"), role(&long, "deploy"));
        assert_eq!((one.len(), other.len()), (64, 64));
        assert_ne!(one, other);
        assert_eq!(stack("alpha"), "cellc-alpha");
        assert!(stack("west.alpha").starts_with("cellc-west-alpha-"), "{}", stack("west.alpha"));
        assert_ne!(stack("west.alpha"), stack("west-alpha"));
    }
}

//! What a service says, made fit to be told: without the credentials that were used, on one line, with nothing that
//! steers a terminal or turns the text, and not too long.
//!
//! Owns which credentials these are, for that alone. They are the process's and not a connection's: whichever of them a
//! text holds, nobody may read it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aws_credential_types::Credentials;
use cell_eval::terminal::visible;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::call::hold;

/// The longest text that is passed on, in characters.
pub(crate) const LONGEST: usize = 600;
/// What is shorter is no credential of AWS's (those have 20 characters and more), and may well be a word: `test`.
const LEAST: usize = 16;
/// What stands in place of a credential.
const STRUCK: &str = "(a credential, not told)";

/// In each spelling in which a service may say them back.
static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// These are used from now on.
pub(crate) fn learn(keys: &Credentials) {
    let all = [Some(keys.access_key_id()), Some(keys.secret_access_key()), keys.session_token()];
    let mut known = hold(&KNOWN);
    for secret in all.into_iter().flatten().filter(|secret| secret.len() >= LEAST) {
        // As it is, as a URL has it, and as a URL has it that leaves alone what it may.
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        let lower = encoded.replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d");
        known.extend([secret.to_owned(), encoded, lower]);
    }
}

/// A text without them; what a service cut off is found by its beginning.
fn struck(text: &str) -> String {
    let known = hold(&KNOWN);
    let mut longest: Vec<&String> = known.iter().collect();
    longest.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut text = text.to_owned();
    for secret in longest {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), STRUCK);
        }
        let begins = (LEAST..secret.len()).rev().filter_map(|length| secret.get(..length));
        let cut = begins.into_iter().find_map(|begin| text.strip_suffix(begin)).map(str::len);
        if let Some(end) = cut {
            text.truncate(end);
            text.push_str(STRUCK);
        }
    }
    text
}

/// What may be told of a text.
pub(crate) fn harmless(text: &str) -> String {
    let line: String = struck(text).chars().map(|c| if c.is_whitespace() { ' ' } else { c }).take(LONGEST).collect();
    visible::whole(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIATOLDTOLDTOLD0000";
    const SECRET: &str = "toldSecretKey/0123456789+abcdefghijklmnop";
    const TOKEN: &str = "toldSessionToken//0123456789+toldToken==";

    fn learnt() {
        learn(&Credentials::new(ID, SECRET, Some(TOKEN.to_owned()), None, "test"));
        learn(&Credentials::new("told", "test", None, None, "test"));
    }

    #[test]
    fn credentials_are_struck_in_each_spelling() {
        learnt();
        let encoded = TOKEN.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
        for said in [
            ID,
            SECRET,
            TOKEN,
            &encoded,
            &encoded.to_lowercase().replace("toldsessiontoken", "toldSessionToken").replace("toldtoken", "toldToken"),
        ] {
            let text = harmless(&format!("the token '{said}' is bad"));
            assert_eq!(text, format!("the token '{STRUCK}' is bad"), "{said}");
        }
        assert_eq!(harmless(&format!("cut: {}", &TOKEN[..20])), format!("cut: {STRUCK}"));
    }

    #[test]
    fn a_credential_is_struck_before_the_text_is_cut() {
        learnt();
        let text = harmless(&format!("{}{SECRET}", "x".repeat(LONGEST - 10)));
        assert!(!text.contains(&SECRET[..5]), "{text}");
    }

    #[test]
    fn words_of_a_sandbox_s_keys_stay() {
        learnt();
        assert_eq!(harmless("a test of what was told"), "a test of what was told");
    }

    #[test]
    fn what_steers_or_turns_is_escaped() {
        assert_eq!(
            harmless("two\nlines\tand \u{1b}[2J\u{202e}x\u{200b}"),
            "two lines and \\u{1b}[2J\\u{202e}x\\u{200b}"
        );
        assert_eq!(harmless(&"x".repeat(5_000)).len(), LONGEST);
    }
}

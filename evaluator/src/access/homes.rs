//! Where principals work, and which accounts policies tell from others. Owns when two accounts are alike to a policy;
//! what the policy allows is the engine's affair.

use std::collections::{BTreeMap, BTreeSet};

use cell_iam::access::{Home, Part};
use cell_iam::policy::{Condition, Document, Elements};
use foldhash::HashSet;
use smol_str::{SmolStr, ToSmolStr};

use super::sides::Side;

/// The digits of an account's id.
const DIGITS: usize = 12;

/// Accounts that policies tell from others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Named {
    ids: BTreeSet<SmolStr>,
    /// Whether they may tell any from any: by a part of the id.
    all: bool,
}

impl Named {
    /// Those that none is like.
    pub(super) fn all() -> Self {
        Self { ids: BTreeSet::new(), all: true }
    }

    /// Those that some policy names.
    pub(super) fn by<'p>(parts: impl Iterator<Item = &'p Part>) -> Self {
        let mut named = Self::default();
        for part in parts {
            if let Part::Known(part) = part {
                named.read(part.document());
            }
        }
        named
    }

    fn read(&mut self, document: &Document) {
        let texts = |elements: &Elements| elements.items.iter().map(|item| item.value.clone()).collect::<Vec<_>>();
        let value = |condition: &Condition| {
            condition.values.iter().map(|value| (condition.key.clone(), value.value.clone())).collect::<Vec<_>>()
        };
        let resources: Vec<SmolStr> =
            document.statements.iter().filter_map(|statement| statement.resources.as_ref()).flat_map(texts).collect();
        let values: Vec<(SmolStr, SmolStr)> =
            document.statements.iter().flat_map(|statement| &statement.conditions).flat_map(value).collect();
        // A variable may put the id anywhere.
        let anywhere = resources.iter().chain(values.iter().map(|(_, value)| value)).any(|text| text.contains("${"));
        for text in &resources {
            self.text(text, anywhere);
        }
        for (key, text) in &values {
            let key = key.to_ascii_lowercase();
            self.text(text, anywhere || key.contains("account") || key.contains("arn"));
        }
    }

    /// Those that a text names; `anywhere` when a part of it that is no account's may be one.
    pub(super) fn text(&mut self, text: &str, anywhere: bool) {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        for (at, part) in parts.iter().enumerate() {
            let of_account = anywhere || (parts.first() == Some(&"arn") && (at < 5 || parts.len() < 6));
            for word in part.split(|c: char| !(c.is_ascii_digit() || matches!(c, '*' | '?'))) {
                let digits = word.chars().filter(char::is_ascii_digit).count();
                if digits == word.len() && digits == DIGITS {
                    self.ids.insert(word.into());
                }
                self.all |= of_account && digits > 0 && digits < word.len();
            }
        }
    }

    /// Whether an account is told from others.
    pub(super) fn has(&self, id: &str) -> bool {
        self.all || self.ids.contains(id)
    }
}

/// Where cells and accounts are, by address.
#[derive(Debug, Clone, Default)]
pub(super) struct Homes {
    places: BTreeMap<String, Home>,
    /// Identity Center's region.
    pub(super) region: Option<SmolStr>,
    /// The partition of the accounts, if it is another than `aws`.
    partition: Option<SmolStr>,
}

impl Homes {
    /// What a side knows of its targets.
    pub(super) fn learn(&mut self, side: &Side) {
        let text = |text: &String| text.to_smolstr();
        self.region = side.home_region.as_ref().map(text).or_else(|| self.region.take());
        self.partition = side.partition.as_ref().map(text).or_else(|| self.partition.take());
        let targets: HashSet<&String> = side.given.keys().map(|(_, target)| target).collect();
        for target in targets {
            let home = self.places.entry(target.clone()).or_default();
            home.account = side.accounts.get(target).map(text).or_else(|| home.account.take());
            home.region = side.regions.get(target).map(text).or_else(|| home.region.take());
            home.region = home.region.take().or_else(|| self.region.clone());
        }
    }

    /// Where a cell or account is.
    pub(super) fn of(&self, target: &str) -> Home {
        let home = self.places.get(target).cloned().unwrap_or_default();
        Home { partition: self.partition.clone(), ..home }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_tells_apart() {
        let named = |text: &str, anywhere: bool| {
            let mut named = Named::default();
            named.text(text, anywhere);
            (named.has("111122223333"), named.has("444455556666"))
        };
        for (text, anywhere, expected) in [
            ("*", false, (false, false)),
            ("arn:aws:iam::*:role/app-1*", false, (false, false)),
            ("arn:aws:iam::111122223333:role/*", false, (true, false)),
            ("arn:aws:iam::1111*:role/x", false, (true, true)),
            ("arn:aws:iam::????????????:role/x", false, (false, false)),
            ("arn:aws:iam::1*", false, (true, true)),
            ("arn:aws:s3:::logs-111122223333/*", false, (true, false)),
            ("arn:aws:s3:::logs-1111*", false, (false, false)),
            ("arn:aws:s3:::logs-1111*", true, (true, true)),
            ("111122223333", true, (true, false)),
        ] {
            assert_eq!(named(text, anywhere), expected, "{text}");
        }
    }
}

//! Amounts of money, exact, and what tells what was spent. Owns reading and writing amounts as Cost Explorer writes them.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::provider::Answer;

/// Parts of one unit of a currency: as many decimals as Cost Explorer gives.
const PARTS: i128 = 10_i128.pow(DECIMALS);
const DECIMALS: u32 = 10;
/// Digits that are read of one amount. More than any bill has, and far from overflowing.
const DIGITS: usize = 27;

/// An amount in some currency, to ten decimals. What is finer is rounded to the nearest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

impl Money {
    /// What part of `other` it is, in whole per cent, rounded down; none of nothing.
    pub fn percent_of(self, other: Self) -> Option<i64> {
        if other.0 <= 0 {
            return None;
        }
        i64::try_from(self.0.checked_mul(100)?.div_euclid(other.0)).ok()
    }

    /// Is it at least this share of `other`? The share is in millionths of a per cent.
    pub(crate) fn reaches(self, share: i64, other: Self) -> bool {
        let part = other.0.saturating_mul(i128::from(share)) / 100_000_000;
        self.0 >= part
    }

    /// What it comes to in `whole` days, if it came to this in `days`; none without any.
    pub fn at_this_rate(self, days: i128, whole: i128) -> Option<Self> {
        if days <= 0 { None } else { Some(Self(self.0.checked_mul(whole)? / days)) }
    }

    /// Two decimals, the thousands apart: `12,345.68`.
    pub fn short(self) -> String {
        let cents = (self.0.unsigned_abs() + PARTS.unsigned_abs() / 200) / (PARTS.unsigned_abs() / 100);
        let whole = (cents / 100).to_string();
        let mut out = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        let sign = if self.0 < 0 && cents > 0 { "-" } else { "" };
        format!("{sign}{out}.{:02}", cents % 100)
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Money {
    /// All decimals that count: `12.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) =
            (self.0.unsigned_abs() / PARTS.unsigned_abs(), self.0.unsigned_abs() % PARTS.unsigned_abs());
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if part != 0 {
            write!(f, ".{}", format!("{part:010}").trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// It is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no amount of money")]
pub struct NoMoney(String);

impl FromStr for Money {
    type Err = NoMoney;

    /// `12.3456789012`, `-0.5`, `1.2E-7`.
    fn from_str(text: &str) -> Result<Self, NoMoney> {
        parse(text.trim()).ok_or_else(|| NoMoney(text.chars().take(40).collect()))
    }
}

fn parse(text: &str) -> Option<Money> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{part}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let all = all.trim_start_matches('0');
    let kept = all.get(..all.len().min(DIGITS))?;
    let dropped = i32::try_from(all.len() - kept.len()).ok()?;
    let number: i128 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
    let shift = exponent.checked_sub(i32::try_from(part.len()).ok()?)?.checked_add(dropped)?;
    let shift = shift.checked_add(i32::try_from(DECIMALS).ok()?)?;
    let parts = match u32::try_from(shift) {
        _ if number == 0 => 0,
        Ok(up) => number.checked_mul(10_i128.checked_pow(up)?)?,
        // So small that nothing is left of it.
        Err(_) => 10_i128.checked_pow(shift.unsigned_abs()).map_or(0, |down| (number + down / 2) / down),
    };
    Some(Money(if negative { -parts } else { parts }))
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What was spent, by account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    /// The currency of the bill: `USD`.
    pub currency: String,
    /// The months, in order.
    pub periods: Vec<Period>,
    /// The names of accounts, as far as the bill knows them.
    pub names: BTreeMap<String, String>,
    /// How many requests it took: each is billed.
    pub requests: usize,
}

/// What was spent in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its first day.
    pub from: Date,
    /// The day after its last.
    pub to: Date,
    /// May it still change?
    pub estimated: bool,
    /// The amounts, by account.
    pub by_account: BTreeMap<String, Money>,
}

/// What tells what was spent.
pub trait Spending {
    /// By account and month, from a first of a month up to another, which is left out.
    ///
    /// # Errors
    /// When the bill cannot be read.
    fn spent(&self, from: Date, to: Date) -> Answer<Spent>;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_as_cost_explorer_writes_them() {
        let shown = |text: &str| money(text).to_string();
        assert_eq!(shown("2103.4567891234"), "2103.4567891234");
        assert_eq!(shown("0"), "0");
        assert_eq!(shown("0E-10"), "0");
        assert_eq!(shown("1.2E-7"), "0.00000012");
        assert_eq!(shown("1.25e3"), "1250");
        assert_eq!(shown("-12.50"), "-12.5");
        assert_eq!(shown("0.00000000005"), "0.0000000001", "the nearest");
        assert_eq!(shown("1E-400"), "0");
        for wrong in ["", "-", ".", "1,000", "12usd", "1E", "1E+99", "NaN", "--1"] {
            assert!(wrong.parse::<Money>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_are_shown_in_cents() {
        let shown = |text: &str| money(text).short();
        assert_eq!(shown("1234567.895"), "1,234,567.90");
        assert_eq!(shown("999.994"), "999.99");
        assert_eq!(shown("-1000"), "-1,000.00");
        assert_eq!(shown("-0.001"), "0.00");
        assert_eq!(shown("0.005"), "0.01");
    }

    #[test]
    fn a_share_is_reached_or_not() {
        let budget = money("2000");
        assert!(money("1600").reaches(80_000_000, budget));
        assert!(!money("1599.99").reaches(80_000_000, budget));
        assert_eq!(money("1999.99").percent_of(budget), Some(99));
        assert_eq!(money("5").percent_of(money("0")), None);
        assert_eq!(money("100").at_this_rate(10, 30), Some(money("300")));
        assert_eq!(money("100").at_this_rate(0, 30), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(parts in -1_000_000_000_000_000_000_000_i128..1_000_000_000_000_000_000_000) {
            let amount = Money(parts);
            prop_assert_eq!(amount.to_string().parse::<Money>().unwrap(), amount);
        }

        #[test]
        fn any_text_is_an_amount_or_refused(text in "[-+0-9.eE]{0,40}") {
            let _ = text.parse::<Money>();
        }
    }
}

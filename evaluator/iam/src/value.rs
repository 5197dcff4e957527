//! Values of conditions that are no text: numbers, instants, networks. Owns how they are read and written.

use std::net::IpAddr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

/// A finite number, ordered and comparable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

impl Number {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let number: f64 = text.trim().parse().ok()?;
        // Minus zero is zero.
        number.is_finite().then_some(Self(number + 0.0))
    }

    pub(crate) fn write(self) -> SmolStr {
        self.0.to_smolstr()
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl std::hash::Hash for Number {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// An instant of an ISO 8601 text or of seconds since 1970; a day begins at midnight UTC.
pub(crate) fn read_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        let duration = SignedDuration::try_from_secs_f64(seconds).ok()?;
        return Timestamp::from_duration(duration).ok();
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    // Without an offset it is UTC; `…T10:00Z` lacks the seconds that jiff's instants need.
    let local = text.strip_suffix('Z').unwrap_or(text);
    let local = local.parse::<DateTime>().or_else(|_| local.parse::<Date>().map(|day| day.at(0, 0, 0, 0))).ok()?;
    TimeZone::UTC.to_timestamp(local).ok()
}

/// A range of addresses of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Net {
    v6: bool,
    first: u128,
    last: u128,
}

impl Net {
    /// An address or a CIDR block; bits below its prefix count not.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
            None => (text.trim(), None),
        };
        let (v6, bits, width) = match address.parse().ok()? {
            IpAddr::V4(v4) => (false, u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (true, v6.to_bits(), 128),
        };
        let host = width - length.unwrap_or(width).min(width);
        if length.is_some_and(|length| length > width) {
            return None;
        }
        let mask = 1_u128.checked_shl(host).map_or(u128::MAX, |size| size - 1);
        Some(Self { v6, first: bits & !mask, last: bits | mask })
    }

    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.v6 == other.v6 && self.first <= other.first && other.last <= self.last
    }

    /// Its first address, and the first one after it.
    pub(crate) fn edges(&self) -> impl Iterator<Item = SmolStr> {
        let limit = if self.v6 { u128::MAX } else { u128::from(u32::MAX) };
        let after = self.last.checked_add(1).filter(|next| *next <= limit);
        let v6 = self.v6;
        [Some(self.first), after].into_iter().flatten().map(move |bits| {
            if v6 {
                std::net::Ipv6Addr::from_bits(bits).to_smolstr()
            } else {
                std::net::Ipv4Addr::from_bits(bits as u32).to_smolstr()
            }
        })
    }
}

/// Numbers before, at, between and after these.
pub(crate) fn numbers_around(mut ends: Vec<Number>) -> Vec<SmolStr> {
    ends.sort();
    ends.dedup();
    let mut out = Vec::with_capacity(2 * ends.len() + 1);
    out.extend(ends.first().map(|first| Number(first.0 - 1.0)));
    for pair in ends.windows(2) {
        let [low, high] = pair else { continue };
        let whole = Number(low.0.floor() + 1.0);
        let middle = Number(low.0 + (high.0 - low.0) / 2.0);
        out.push(if *low < whole && whole < *high { whole } else { middle });
    }
    out.extend(ends.last().map(|last| Number(last.0 + 1.0)));
    out.extend(ends);
    out.into_iter().map(Number::write).collect()
}

/// Instants before, at, between and after these.
pub(crate) fn instants_around(mut ends: Vec<Timestamp>) -> Vec<SmolStr> {
    ends.sort();
    ends.dedup();
    let second = SignedDuration::from_secs(1);
    let mut out = Vec::with_capacity(2 * ends.len() + 1);
    out.extend(ends.first().and_then(|first| first.checked_sub(second).ok()));
    for pair in ends.windows(2) {
        let [low, high] = pair else { continue };
        out.extend(low.checked_add(low.duration_until(*high) / 2).ok());
    }
    out.extend(ends.last().and_then(|last| last.checked_add(second).ok()));
    out.extend(ends);
    out.into_iter().map(|instant| format_smolstr!("{instant}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails so")]

    use super::*;

    #[test]
    fn instants_of_all_forms() {
        let expected = read_instant("2027-01-31T00:00:00Z");
        assert!(expected.is_some());
        for text in
            ["2027-01-31", "2027-01-31T00:00Z", "2027-01-31T01:00:00+01:00", "1801353600", "2027-01-31T00:00:00"]
        {
            assert_eq!(read_instant(text), expected, "{text}");
        }
        assert_eq!(read_instant("soon"), None);
    }

    #[test]
    fn networks() {
        let net = |text: &str| Net::read(text).unwrap();
        assert!(net("10.0.0.0/8").contains(&net("10.1.2.3")));
        assert!(!net("10.0.0.0/8").contains(&net("11.0.0.0")));
        assert!(net("0.0.0.0/0").contains(&net("255.255.255.255")));
        assert!(net("::/0").contains(&net("ffff::")));
        assert!(!net("::/0").contains(&net("1.1.1.1")));
        assert_eq!(net("10.0.0.0/8").edges().collect::<Vec<_>>(), ["10.0.0.0", "11.0.0.0"]);
        assert_eq!(Net::read("10.0.0.0/33"), None);
        assert_eq!(Net::read("10.0.0"), None);
    }

    #[test]
    fn numbers_between() {
        let ends = vec![Number(5.0), Number(6.0), Number(9.0)];
        assert_eq!(numbers_around(ends), ["4", "5.5", "7", "10", "5", "6", "9"]);
        assert_eq!(Number::read("-0"), Number::read("0"));
        assert_eq!(Number::read("inf"), None);
    }
}

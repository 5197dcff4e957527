//! Literal values and how they print. Owns units and fixed-point numbers; knows nothing of types or places.

use std::fmt;

use smol_str::SmolStr;

/// A decimal with six places, exact: `0.5` is `500_000` of them. Range: that of `i64` divided by a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal(pub i64);

impl Decimal {
    /// Millionths in one.
    pub const ONE: i64 = 1_000_000;
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let (whole, part) = (magnitude / 1_000_000, magnitude % 1_000_000);
        if self.0 < 0 {
            f.write_str("-")?;
        }
        write!(f, "{whole}")?;
        if part != 0 {
            write!(f, ".{}", format!("{part:06}").trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// A literal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lit {
    /// `true`, `false`
    Bool(bool),
    /// `400_000`
    Int(i64),
    /// `"text"`, with nothing interpolated
    Str(SmolStr),
    /// `12h`, in milliseconds
    Duration(i64),
    /// `0.5%`
    Percent(Decimal),
    /// `40_000usd`
    Usd(Decimal),
    /// `64MiB`, in bytes
    Size(i64),
    /// `2026-12-31`, a day that exists
    Date(jiff::civil::Date),
    /// `09:00`, in minutes after midnight, below 1,440
    Time(u16),
    /// `10.0.0.0/8`
    Cidr(Cidr),
}

/// An IPv4 or IPv6 block. INVARIANT: no bit after the prefix is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    /// The first address.
    pub address: std::net::IpAddr,
    /// Bits of prefix.
    pub prefix: u8,
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Cidr {
    /// Reads `address/prefix`; none unless the bits after the prefix are clear.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix): (std::net::IpAddr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
        let clear = match address {
            std::net::IpAddr::V4(v4) => prefix <= 32 && v4.to_bits().checked_shl(prefix.into()).unwrap_or(0) == 0,
            std::net::IpAddr::V6(v6) => prefix <= 128 && v6.to_bits().checked_shl(prefix.into()).unwrap_or(0) == 0,
        };
        clear.then_some(Self { address, prefix })
    }
}

const DURATION_UNITS: [(i64, &str); 5] =
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
const SIZE_UNITS: [(i64, &str); 5] =
    [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")];

/// A duration in milliseconds as the language writes it, in the largest unit that keeps it whole: `90m`, `12h`.
pub fn write_duration(ms: i64) -> String {
    write_in_units(ms, &DURATION_UNITS, "0s")
}

/// A size in bytes as the language writes it: `64MiB`.
pub fn write_size(bytes: i64) -> String {
    write_in_units(bytes, &SIZE_UNITS, "0B")
}

fn write_in_units(amount: i64, units: &[(i64, &str)], zero: &str) -> String {
    if amount == 0 {
        return zero.to_owned();
    }
    let unit = units.iter().find(|(factor, _)| amount % factor == 0);
    unit.map_or_else(String::new, |(factor, name)| format!("{}{name}", amount / factor))
}

/// A duration in milliseconds as ISO 8601 writes it, for the cloud and for JSON: `PT12H`, `PT1H30M`, `PT0.25S`.
pub fn write_duration_iso(ms: i64) -> String {
    if ms == 0 {
        return "PT0S".to_owned();
    }
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let (hours, minutes, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    let mut out = format!("{sign}PT");
    if hours != 0 {
        out.push_str(&format!("{hours}H"));
    }
    if minutes != 0 {
        out.push_str(&format!("{minutes}M"));
    }
    if rest != 0 {
        let (seconds, part) = (rest / 1_000, rest % 1_000);
        let part = if part == 0 { String::new() } else { format!(".{}", format!("{part:03}").trim_end_matches('0')) };
        out.push_str(&format!("{seconds}{part}S"));
    }
    out
}

/// A time of day, in minutes after midnight: `09:00`.
pub fn write_time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl fmt::Display for Lit {
    /// As the language writes it; a string without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Str(value) => f.write_str(value),
            Self::Duration(ms) => f.write_str(&write_duration(*ms)),
            Self::Percent(value) => write!(f, "{value}%"),
            Self::Usd(value) => write!(f, "{value}usd"),
            Self::Size(bytes) => f.write_str(&write_size(*bytes)),
            Self::Date(date) => write!(f, "{date}"),
            Self::Time(minutes) => f.write_str(&write_time(*minutes)),
            Self::Cidr(cidr) => write!(f, "{cidr}"),
        }
    }
}

impl Lit {
    /// The literal as a program writes it: a string in quotes, escaped.
    pub fn quoted(&self) -> String {
        match self {
            Self::Str(text) => quote(text),
            other => other.to_string(),
        }
    }
}

/// A text as a string literal of the language.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

//! Numbers with and without units, days, times and address blocks: from their text to a value, exactly. Knows
//! no places; says in words what is wrong.

use std::net::IpAddr;

use crate::value::{Cidr, Decimal, Lit};

/// Why a text stands for no value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid {
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// What to write for it, where that is clear.
    pub(super) instead: Option<String>,
}

impl Invalid {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, instead: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn instead(mut self, text: impl Into<String>) -> Self {
        self.instead = Some(text.into());
        self
    }
}

/// What a unit measures, and how many of the smallest one it has.
#[derive(Clone, Copy)]
enum Unit {
    Milliseconds(i128),
    Bytes(i128),
    Percent,
    Usd,
}

const UNITS: [(&str, Unit); 12] = [
    ("ms", Unit::Milliseconds(1)),
    ("s", Unit::Milliseconds(1_000)),
    ("m", Unit::Milliseconds(60_000)),
    ("h", Unit::Milliseconds(3_600_000)),
    ("d", Unit::Milliseconds(86_400_000)),
    ("%", Unit::Percent),
    ("usd", Unit::Usd),
    ("B", Unit::Bytes(1)),
    ("KiB", Unit::Bytes(1 << 10)),
    ("MiB", Unit::Bytes(1 << 20)),
    ("GiB", Unit::Bytes(1 << 30)),
    ("TiB", Unit::Bytes(1 << 40)),
];

/// The units of other languages, and what they are called here.
const FOREIGN_UNITS: [(&[&str], &str); 9] = [
    (&["msec", "msecs", "millis", "milliseconds"], "ms"),
    (&["sec", "secs", "second", "seconds"], "s"),
    (&["min", "mins", "minute", "minutes"], "m"),
    (&["hr", "hrs", "hour", "hours"], "h"),
    (&["day", "days"], "d"),
    (&["k", "kb", "kib", "ki"], "KiB"),
    (&["mb", "mib", "mi"], "MiB"),
    (&["g", "gb", "gib", "gi"], "GiB"),
    (&["t", "tb", "tib", "ti"], "TiB"),
];

/// `400_000`, `12h`, `0.5%`; `negative` when a minus stands directly before it.
pub(super) fn number(text: &str, negative: bool) -> Result<Lit, Invalid> {
    let whole_end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (whole, rest) = text.split_at(whole_end);
    let (part, unit) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(rest.len());
            let (part, unit) = rest.split_at(end);
            (Some(part), unit)
        }
        None => (None, rest),
    };
    let digits = [Some(whole), part].into_iter().flatten();
    if digits.clone().any(|digits| digits.ends_with('_') || digits.contains("__")) {
        return Err(Invalid::new(format!("`{text}` has a `_` that separates no digits")));
    }
    let scale = part.map_or(0, |part| part.bytes().filter(u8::is_ascii_digit).count());
    let mantissa = digits
        .flat_map(str::bytes)
        .filter(u8::is_ascii_digit)
        .try_fold(0_i128, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0')))
        .map(|mantissa| if negative { -mantissa } else { mantissa });
    let (Some(mantissa), Ok(scale)) = (mantissa, u32::try_from(scale)) else { return Err(out_of_range(text)) };
    if unit.is_empty() {
        return integer(text, mantissa, part.is_some());
    }
    let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(unknown_unit(text, unit));
    };
    let of = |factor| scaled(text, mantissa, scale, factor);
    match *unit {
        Unit::Milliseconds(factor) => of(factor).map(Lit::Duration),
        Unit::Bytes(factor) => of(factor).map(Lit::Size),
        Unit::Percent => of(i128::from(Decimal::ONE)).map(|millionths| Lit::Percent(Decimal(millionths))),
        Unit::Usd => of(i128::from(Decimal::ONE)).map(|millionths| Lit::Usd(Decimal(millionths))),
    }
}

fn integer(text: &str, value: i128, has_part: bool) -> Result<Lit, Invalid> {
    if has_part {
        return Err(Invalid::new(format!("`{text}` is no whole number"))
            .help("only quantities have decimals: `0.5%`, `1.5h`, `2.50usd`"));
    }
    i64::try_from(value).map(Lit::Int).map_err(|_| out_of_range(text))
}

/// `mantissa / 10^scale * factor`, when that is a whole number in range.
fn scaled(text: &str, mantissa: i128, scale: u32, factor: i128) -> Result<i64, Invalid> {
    let divisor = 10_i128.checked_pow(scale).ok_or_else(|| too_fine(text))?;
    let amount = mantissa.checked_mul(factor).ok_or_else(|| out_of_range(text))?;
    if amount % divisor != 0 {
        return Err(too_fine(text));
    }
    i64::try_from(amount / divisor).map_err(|_| out_of_range(text))
}

fn out_of_range(text: &str) -> Invalid {
    Invalid::new(format!("`{text}` is out of range")).help("numbers have 64 bits")
}

fn too_fine(text: &str) -> Invalid {
    Invalid::new(format!("`{text}` is finer than its unit can hold"))
        .help("durations are whole milliseconds, sizes whole bytes, the others have six decimals")
}

fn unknown_unit(text: &str, unit: &str) -> Invalid {
    let lower = unit.to_ascii_lowercase();
    let near = UNITS.iter().map(|(name, _)| *name).find(|name| name.to_ascii_lowercase() == lower);
    let near = near
        .or_else(|| FOREIGN_UNITS.iter().find(|(names, _)| names.contains(&lower.as_str())).map(|(_, ours)| *ours));
    let invalid = Invalid::new(format!("there is no unit `{unit}`"));
    match near {
        Some(near) => {
            let number = text.strip_suffix(unit).unwrap_or(text);
            invalid.help(format!("did you mean `{number}{near}`?")).instead(format!("{number}{near}"))
        }
        None => {
            invalid.help("the units are `ms`, `s`, `m`, `h`, `d`, `%`, `usd`, `B`, `KiB`, `MiB`, `GiB` and `TiB`")
        }
    }
}

/// `2026-12-31`
pub(super) fn date(text: &str) -> Result<Lit, Invalid> {
    let mut parts = text.split('-').map(|part| part.parse::<i16>().ok());
    let mut next = || parts.next().flatten();
    let (year, month, day) = (next(), next(), next());
    let small = |part: Option<i16>| part.and_then(|part| i8::try_from(part).ok());
    match (year, small(month), small(day)) {
        (Some(year), Some(month), Some(day)) => jiff::civil::Date::new(year, month, day).ok(),
        _ => None,
    }
    .map(Lit::Date)
    .ok_or_else(|| {
        Invalid::new(format!("there is no day `{text}`")).help("a date is year, month and day: `2026-12-31`")
    })
}

/// `09:00`
pub(super) fn time(text: &str) -> Result<Lit, Invalid> {
    let invalid =
        || Invalid::new(format!("there is no time `{text}`")).help("a day has the times `00:00` to `23:59`");
    let (hours, minutes) = text.split_once(':').ok_or_else(invalid)?;
    let parsed = (hours.parse::<u16>().ok(), minutes.parse::<u16>().ok());
    let (Some(h @ 0..24), Some(m @ 0..60)) = parsed else { return Err(invalid()) };
    if hours.len() != 2 {
        let whole = format!("0{text}");
        return Err(Invalid::new(format!("expected `{whole}`, found `{text}`"))
            .help("a time has two digits for the hour")
            .instead(whole));
    }
    Ok(Lit::Time(h * 60 + m))
}

/// `10.0.0.0/8`, `2001:db8::/32`
pub(super) fn cidr(text: &str) -> Result<Lit, Invalid> {
    let invalid = || {
        Invalid::new(format!("`{text}` is no block of addresses"))
            .help("a block is an address and the bits of its prefix: `10.0.0.0/8`")
    };
    let (address, prefix) = text.split_once('/').ok_or_else(invalid)?;
    let address: IpAddr = address.parse().map_err(|_| invalid())?;
    let prefix: u8 = prefix.parse().map_err(|_| invalid())?;
    let first = match address {
        IpAddr::V4(v4) if prefix <= 32 => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::from((u32::from(v4) & mask).to_be_bytes())
        }
        IpAddr::V6(v6) if prefix <= 128 => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::from((u128::from(v6) & mask).to_be_bytes())
        }
        _ => return Err(invalid()),
    };
    if first != address {
        let whole = format!("{first}/{prefix}");
        return Err(Invalid::new(format!("`{text}` has bits after its prefix"))
            .help(format!("the block begins at `{whole}`"))
            .instead(whole));
    }
    Ok(Lit::Cidr(Cidr { address, prefix }))
}

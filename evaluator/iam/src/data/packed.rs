//! The catalogue's file: a head, an index, and each service compressed alone, so that one can be read without the
//! others. Owns that form; `data/generate.mjs` writes it.

use indexmap::IndexMap;
use miniz_oxide::inflate::decompress_slice_iter_to_slice;
use smol_str::SmolStr;

use super::amended::amended;
use crate::catalogue::{Action, Catalogue, ConditionKey, KeyKind, Level, ResourceType, Service};

/// The block of the condition keys that any service may carry.
const GLOBALS: &str = "*";

/// No service is near this size; a damaged index must not ask for more memory.
const MAX_BLOCK: usize = 4 << 20;

/// Shipped data that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue of actions cannot be read: {0}")]
pub struct Damaged(SmolStr);

fn damaged(what: &str) -> Damaged {
    Damaged(what.into())
}

/// What the file says of itself, and where its blocks are.
pub(super) struct Head<'a> {
    pub(super) package: &'a str,
    pub(super) date: &'a str,
    lines: &'a str,
    blocks: Vec<Block<'a>>,
}

struct Block<'a> {
    name: &'a str,
    packed: &'a [u8],
    size: usize,
}

/// Reads head and index.
pub(super) fn head(file: &[u8]) -> Result<Head<'_>, Damaged> {
    let end = file.windows(2).position(|two| two == b"\n\n").ok_or_else(|| damaged("it has no index"))?;
    let (top, mut rest) = (&file[..=end], &file[end + 2..]);
    let top = std::str::from_utf8(top).map_err(|_| damaged("its index is no text"))?;
    let index = top.find("\nS").map_or(top.len(), |at| at + 1);
    let field = |name: &str| top[..index].lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    if !top.starts_with("cell-iam catalogue 1\n") {
        return Err(damaged("it is of another form"));
    }
    let mut blocks = Vec::new();
    for line in top[index..].lines() {
        let mut parts = line.strip_prefix('S').unwrap_or_default().split('\t');
        let name = parts.next().unwrap_or_default();
        let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok());
        let (Some(length), Some(size)) = (number(), number()) else { return Err(damaged(line)) };
        if length > rest.len() || size > MAX_BLOCK {
            return Err(damaged(line));
        }
        let (packed, after) = rest.split_at(length);
        rest = after;
        blocks.push(Block { name, packed, size });
    }
    Ok(Head { package: field("package "), date: field("date "), lines: &top[..index], blocks })
}

/// The services whose name is wanted, and the global keys.
pub(super) fn read(file: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Catalogue, Damaged> {
    let head = head(file)?;
    let mut globals = Vec::new();
    let mut services = IndexMap::new();
    let mut buffer = Vec::new();
    for block in &head.blocks {
        if block.name == GLOBALS {
            globals = service(block.unpack(&mut buffer)?)?.keys;
        } else if wanted(block.name) {
            services.insert(block.name.into(), amended(block.name, service(block.unpack(&mut buffer)?)?));
        }
    }
    Ok(Catalogue { date: head.date.into(), services, globals })
}

/// The whole file without compression.
pub(super) fn text(file: &[u8]) -> Result<String, Damaged> {
    let head = head(file)?;
    let mut out = head.lines.to_owned();
    let mut buffer = Vec::new();
    for block in &head.blocks {
        let text = block.unpack(&mut buffer)?;
        out.push_str(&format!("S{}\n{text}", block.name));
    }
    Ok(out)
}

impl Block<'_> {
    fn unpack<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b str, Damaged> {
        buffer.clear();
        buffer.resize(self.size, 0);
        let got = decompress_slice_iter_to_slice(buffer, std::iter::once(self.packed), false, true);
        if got != Ok(self.size) {
            return Err(damaged(self.name));
        }
        std::str::from_utf8(buffer).map_err(|_| damaged(self.name))
    }
}

fn service(text: &str) -> Result<Service, Damaged> {
    let mut out = Service::default();
    for line in text.split_terminator('\n') {
        let (tag, rest) = line.split_at_checked(1).ok_or_else(|| damaged("an empty line"))?;
        let mut rest = Some(rest);
        // By bytes: the fields are short, and there are a hundred thousand.
        let mut next = || {
            let text = rest.take().ok_or_else(|| damaged(line))?;
            let end = text.bytes().position(|byte| byte == b'\t').unwrap_or(text.len());
            rest = text.get(end + 1..);
            Ok::<&str, Damaged>(&text[..end])
        };
        let name = SmolStr::new(next()?);
        match tag {
            "K" => out.keys.push(key(name, next()?).ok_or_else(|| damaged(line))?),
            "R" => out.resources.push(ResourceType { name, arn: next()?.into() }),
            "A" => {
                let (level, resources, keys) = (next()?, next()?, next()?);
                let (letter, whole) = level.strip_suffix('o').map_or((level, false), |letter| (letter, true));
                let level = level_of(letter).ok_or_else(|| damaged(line))?;
                let resources = numbers(resources, out.resources.len()).ok_or_else(|| damaged(line))?;
                let keys = numbers(keys, out.keys.len()).ok_or_else(|| damaged(line))?;
                out.actions.push(Action { name, level, resources, whole, keys });
            }
            _ => return Err(damaged(line)),
        }
    }
    Ok(out)
}

fn key(name: SmolStr, kind: &str) -> Option<ConditionKey> {
    let (letter, several) = kind.strip_suffix('+').map_or((kind, false), |letter| (letter, true));
    let kind = match letter {
        "s" => KeyKind::String,
        "n" => KeyKind::Numeric,
        "d" => KeyKind::Date,
        "b" => KeyKind::Bool,
        "i" => KeyKind::Ip,
        "a" => KeyKind::Arn,
        "y" => KeyKind::Binary,
        _ => return None,
    };
    Some(ConditionKey { name, kind, several })
}

fn level_of(letter: &str) -> Option<Level> {
    Some(match letter {
        "l" => Level::List,
        "r" => Level::Read,
        "t" => Level::Tagging,
        "w" => Level::Write,
        "p" => Level::PermissionsManagement,
        _ => return None,
    })
}

/// Ascending indices below `below`, each written as its distance from the one before it.
fn numbers(list: &str, below: usize) -> Option<Vec<u16>> {
    if list.is_empty() {
        return Some(Vec::new());
    }
    let mut out = Vec::with_capacity(list.len() / 2 + 1);
    let (mut last, mut step) = (0u16, 0u16);
    for byte in list.bytes().chain([b',']) {
        if byte.is_ascii_digit() {
            step = step.checked_mul(10)?.checked_add(u16::from(byte - b'0'))?;
        } else if byte == b',' {
            last = last.checked_add(step)?;
            if usize::from(last) >= below {
                return None;
            }
            out.push(last);
            step = 0;
        } else {
            return None;
        }
    }
    Some(out)
}

/// Whether a pattern with `*` and `?` covers a name, whatever the case of ASCII letters.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut back = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(c) if c.eq_ignore_ascii_case(&name[n]) => (p, n) = (p + 1, n + 1),
            _ => {
                let Some((star, from)) = back else { return false };
                back = Some((star, from + 1));
                (p, n) = (star + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_cover_names() {
        for (pattern, name, covers) in
            [("*", "s3", true), ("S?", "s3", true), ("ec*r", "ecr", true), ("ec*r", "ecs", false), ("", "s3", false)]
        {
            assert_eq!(glob(pattern, name), covers, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_an_error_and_no_panic(at in 0usize..9_000, byte in any::<u8>(), cut in 0usize..200_000) {
            let mut file = super::super::PACKED.to_vec();
            let at = at.min(file.len() - 1);
            file[at] = byte;
            let _ = read(&file, |name| name.starts_with('a'));
            let _ = read(&file[..cut.min(file.len())], |name| name == "s3");
        }
    }
}

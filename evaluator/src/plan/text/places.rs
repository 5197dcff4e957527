//! Where things stand in the program, and in which cells and accounts something holds. Owns how both are listed.

use indexmap::IndexSet;

use super::names::{self, Names};
use super::page::Page;
use super::visible;
use crate::plan::model::{Change, Operation, Place};
use crate::words::counted;

/// Places of one thing that are shown unless all are asked for.
const PLACES: usize = 2;

/// Cells and accounts behind a lead: `in 38 cells: alpha, dev-ana, … (36 more)`.
pub(super) fn targets(names: &Names<'_>, page: &Page, lead: &str, addresses: &[&str], lines: usize) -> String {
    if let [one] = addresses {
        return format!("{lead}{}", names.with_kind(one));
    }
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for address in addresses {
        let kind = names::kind(address).unwrap_or("place");
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    let counted: Vec<String> = counts.iter().map(|(kind, count)| counted_kind(*count, kind)).collect();
    let alike = counts.len() == 1;
    let called: Vec<String> =
        addresses.iter().map(|one| if alike { names.of(one) } else { names.with_kind(one) }).collect();
    page.names(&format!("{lead}{}: ", counted.join(" and ")), &called, lines)
}

fn counted_kind(count: usize, kind: &str) -> String {
    counted(count, &kind.replace('_', " "))
}

/// The places that changes come from, each once: `grant developers-look (main.cell:149)`; empty without any.
pub(super) fn sources<'p>(names: &Names<'_>, page: &Page, changes: impl Iterator<Item = &'p Change>) -> String {
    let all: IndexSet<String> =
        changes.flat_map(|change| change.sources.iter().map(|place| source(names, place, &change.address))).collect();
    let all: Vec<String> = all.into_iter().collect();
    let most = if page.look.verbose || all.len() <= PLACES + 1 { all.len() } else { PLACES };
    let listed = all.get(..most).unwrap_or_default().join(", ");
    match all.len() - most {
        0 => listed,
        more => format!("{listed}, … ({more} more)"),
    }
}

fn source(names: &Names<'_>, place: &Place, address: &str) -> String {
    let at = format!("{}:{}", visible::name(&place.file), place.line);
    if place.entity == address { at } else { format!("{} ({at})", names.with_kind(&place.entity)) }
}

/// An operation on one line: `operation 12: assign, after 3, 4`.
pub(super) fn operation(operation: &Operation) -> String {
    let needs: Vec<String> = operation.needs.iter().map(|id| id.0.to_string()).collect();
    let after = if needs.is_empty() { String::new() } else { format!(", after {}", needs.join(", ")) };
    format!("operation {}: {}{after}", operation.id.0, operation.verb.word().replace('_', " "))
}

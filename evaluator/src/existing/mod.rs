//! The program of an organization that exists: its text, from what was read of the cloud.
//!
//! Owns which words say what exists, and what is left out, with the reason. The text is in canonical form; taken over
//! (`cellc adopt --all`) it plans nothing. Reads no cloud and writes no file.

mod access;
mod document;
mod organization;
mod tags;
pub mod taking;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use cell_lang::schema::Kind;
use serde_json::Value as Json;

use crate::live::Live;
use crate::provider::{Principal, Unit};
use crate::terminal::visible::is_hidden;
use words::Labels;

/// What is known besides of the organization.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The label of the `org` block.
    pub name: String,
    /// The region of Identity Center.
    pub home_region: Option<String>,
    /// The account that administers Identity Center for others.
    pub delegated_admin: Option<String>,
    /// Resource control policies that are not AWS's own, by name, with how many things each is attached to. They are
    /// beyond what a program says.
    pub resource_policies: Vec<(String, usize)>,
}

/// A program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Its files, by path: `main.cell`, and the documents that it reads.
    pub files: Vec<(String, String)>,
    /// What exists and is not in it, or not as it is.
    pub left: Vec<Left>,
    /// How many of what is in it, for people: `12 accounts`.
    pub holds: Vec<String>,
}

/// Something that a program does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What: `permission set Admin`.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The program of what was read: a whole [`crate::live::Survey`].
pub fn program(live: &Live, facts: &Facts) -> Program {
    let mut writer = Writer::new(live, facts);
    let sections = [
        section("Organizational units.", &writer.units()),
        section("Accounts: each is taken over by its id, and none is made.", &writer.accounts()),
        section("Groups and users: they come from the identity provider.", &writer.people()),
        section("What people may be given.", &writer.permission_sets()),
        section("Who is given what, and where.", &writer.grants()),
        section("Service control policies: `scps` says what each holds.", &writer.policies()),
    ];
    for (name, targets) in &facts.resource_policies {
        let why = format!(
            "a program says nothing of these; it stays as it is, attached to {}",
            crate::words::counted(*targets, "target")
        );
        writer.leave(format!("resource control policy {name}"), why);
    }
    let organization = writer.organization();
    writer.left.sort();
    writer.left.dedup();
    let mut out = String::from("edition \"2026\"\n\n");
    out.push_str(&writer.preface());
    out.push_str(&organization);
    sections.iter().for_each(|section| out.push_str(section));
    let main = cell_lang::fmt::format(&out).text;
    let mut files = vec![("main.cell".to_owned(), main)];
    files.append(&mut writer.files);
    Program { files, left: writer.left, holds: writer.holds }
}

/// An account that is in the program.
#[derive(Debug, Clone)]
struct Named {
    label: String,
    /// Is it declared by a loop?
    looped: bool,
}

/// The program in the making.
struct Writer<'a> {
    live: &'a Live,
    facts: &'a Facts,
    /// The unit in which accounts wait for a cell.
    parking: Option<&'a Unit>,
    /// Labels by id: units, policies, sets; those that are left out have none.
    units: BTreeMap<&'a str, String>,
    policies: BTreeMap<&'a str, String>,
    sets: BTreeMap<&'a str, String>,
    accounts: BTreeMap<&'a str, Named>,
    people: BTreeMap<&'a Principal, String>,
    files: Vec<(String, String)>,
    left: Vec<Left>,
    holds: Vec<String>,
}

impl<'a> Writer<'a> {
    fn new(live: &'a Live, facts: &'a Facts) -> Self {
        let (units, accounts, people) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (policies, sets) = (BTreeMap::new(), BTreeMap::new());
        let (files, left, holds) = (Vec::new(), Vec::new(), Vec::new());
        let parking = organization::parking(live);
        let mut writer = Self { live, facts, parking, units, policies, sets, accounts, people, files, left, holds };
        writer.name_policies();
        writer
    }

    fn leave(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.left.push(Left { what: what.into(), why: why.into() });
    }

    fn hold(&mut self, count: usize, what: &str) {
        if count > 0 {
            self.holds.push(crate::words::counted(count, what));
        }
    }

    /// What the reader of the program should know first.
    fn preface(&self) -> String {
        let id = self.live.organization.as_ref().map(|found| found.id.as_str()).unwrap_or_default();
        let mut out = format!(
            "# Written by `cellc init --from-live` from organization {id} as it was. `cellc adopt --all` takes it over;\n\
             # `cellc plan` then says what is not as it is here, if anything.\n"
        );
        if !self.left.is_empty() {
            out.push_str("#\n# Not in here, and why:\n");
            for Left { what, why } in &self.left {
                let _ = writeln!(out, "# - {}", one_line(&format!("{what}: {why}")));
            }
        }
        out.push('\n');
        out
    }

    /// The document of a policy or set, as statements or as a file beside the program; what stands in the body.
    fn document(&mut self, kind: Kind, label: &str, document: &Json) -> String {
        if let Some(statements) = document::statements(kind, document) {
            return format!("{statements}\n");
        }
        let mut name: String =
            label.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect();
        let folder = if kind == Kind::Scp { "policies" } else { "permission-sets" };
        while self.files.iter().any(|(path, _)| path.eq_ignore_ascii_case(&format!("{folder}/{name}.json"))) {
            name.push('-');
        }
        let path = format!("{folder}/{name}.json");
        let field = format!("file = file({})\n", words::text(&path));
        self.files.push((path, format!("{document:#}\n")));
        field
    }
}

/// A text on one line, without what a terminal or a comment would take amiss.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { ' ' } else { c }).collect()
}

/// Labels by what they are of (id, name, candidates), in the order of the items; but whose name is a label itself has
/// it before all others.
fn labelled<'a>(items: impl Iterator<Item = (&'a str, &'a str, Vec<String>)>) -> BTreeMap<&'a str, String> {
    let mut labels = Labels::default();
    let mut all: Vec<_> = items.collect();
    all.sort_by_key(|(_, name, candidates)| !candidates.iter().any(|candidate| candidate == name));
    all.into_iter().map(|(id, _, candidates)| (id, labels.take(&candidates))).collect()
}

/// A section of the program, with its title; nothing when there is nothing in it.
fn section(title: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\n# {title}\n\n{}", text.trim_start()) }
}

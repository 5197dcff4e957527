//! What a policy says in vain or by mistake. Owns which lints there are, their kinds and codes, and the form of a
//! finding; how it is shown, and whether it matters here, is the caller's affair.
//!
//! The lints that ask what a statement does are decided by the engine, exactly, and are silent where it says `may`.
//! Those that ask how it is written know a mistake by its form. All are silent on what AWS's own managed policies do
//! on purpose: a test counts what they find there.

mod actions;
mod conditions;
mod known;
mod meaning;
mod quick;
mod regions;
mod resources;
mod session;

use serde::Serialize;
use smol_str::SmolStr;

use crate::access::Part;
use crate::catalogue::Catalogue;
use crate::engine::Engine;
use crate::policy::{Document, Source, Statement};

/// What there is to say of an action or a pattern of actions that no action of the catalogue fits: the fact, and what
/// was meant perhaps. None of one that there is.
pub fn unlisted(catalogue: &Catalogue, action: &str) -> Option<(String, Option<String>)> {
    let doubt = actions::doubt(catalogue, action)?;
    Some((doubt.fact, doubt.meant.map(|meant| meant.help())))
}

/// A kind of finding. Its name and code never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A condition that no session of Identity Center can meet.
    NeverInSession,
    /// A statement that changes nothing, since others say the same.
    Redundant,
    /// An allow of which denies leave nothing.
    Shadowed,
    /// A statement that no request can match.
    NeverMatches,
    /// An action that AWS does not list.
    UnknownAction,
    /// A condition key that the actions do not carry.
    ForeignKey,
    /// A wildcard under an operator that reads none.
    GlobInEquals,
    /// `ForAllValues:` on a key that may be absent.
    AllOfNothing,
    /// A policy variable where IAM does not expand it.
    VariableTooEarly,
    /// A list of regions that misses one that is used.
    MissingRegion,
    /// A deny of what nothing allows.
    DeniesNothing,
}

impl Kind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 11] = [
        Self::NeverInSession,
        Self::Redundant,
        Self::Shadowed,
        Self::NeverMatches,
        Self::UnknownAction,
        Self::ForeignKey,
        Self::GlobInEquals,
        Self::AllOfNothing,
        Self::VariableTooEarly,
        Self::MissingRegion,
        Self::DeniesNothing,
    ];

    /// The code that its findings are reported under. A deny of nothing is a note: a defensive deny is good.
    pub fn code(self) -> &'static str {
        match self {
            Self::NeverInSession => "W0701",
            Self::Redundant => "W0702",
            Self::Shadowed => "W0703",
            Self::NeverMatches => "W0704",
            Self::UnknownAction => "W0705",
            Self::ForeignKey => "W0706",
            Self::GlobInEquals => "W0707",
            Self::AllOfNothing => "W0708",
            Self::VariableTooEarly => "W0709",
            Self::MissingRegion => "W0710",
            Self::DeniesNothing => "N0702",
        }
    }
}

/// What a lint found. The texts are sentences without their stop, with code in back ticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which lint.
    pub kind: Kind,
    /// The statement, counted from 0.
    pub statement: usize,
    /// What is so.
    pub fact: String,
    /// Where.
    pub at: Source,
    /// Where else, and what is there.
    pub also: Vec<Also>,
    /// What to do, or why it is so.
    pub help: Option<String>,
    /// A change that mends it, when there is one that can only be meant.
    pub edit: Option<Edit>,
}

/// Another place of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Also {
    /// Where.
    pub at: Source,
    /// What is there.
    pub says: String,
}

/// A replacement of a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What is replaced.
    pub at: Source,
    /// By what: the value, without quotes.
    pub by: SmolStr,
}

/// What the lints know beside the document.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The actions there are.
    pub catalogue: &'a Catalogue,
    /// Whose policy it is.
    pub of: Holder,
    /// The partition of the accounts where it applies: `aws`.
    pub partition: &'a str,
    /// The regions that are used where the policy applies; empty when nobody knows.
    pub regions: &'a [SmolStr],
}

/// Whose policy a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A permission set's: all its requests are made in sessions of Identity Center.
    PermissionSet,
    /// Any other identity's: a role of a service, a user, a boundary.
    Identity,
    /// A service control policy or another policy of an organization: it allows nothing by itself.
    Organization,
}

/// Finds what policies say in vain or by mistake. It remembers what it learned of patterns: one for all policies of a
/// program is much faster than one for each.
pub struct Linter<'a> {
    setting: Setting<'a>,
    engine: Engine<'a>,
}

impl<'a> Linter<'a> {
    /// A linter of policies in this setting.
    pub fn new(setting: Setting<'a>) -> Self {
        Self { setting, engine: Engine::in_partition(setting.catalogue, setting.partition).as_listed() }
    }

    /// All that is found in a document, by statement. `beside` are the other policies of the same identity, such as
    /// the managed policies of a permission set: a statement may repeat them, and a deny may be about them.
    pub fn lint(&mut self, document: &Document, beside: &[Part]) -> Vec<Finding> {
        let mut out = Vec::new();
        for (at, statement) in document.statements.iter().enumerate() {
            self.written(document, statement, &mut Found { statement: at, out: &mut out });
        }
        meaning::vain(document, beside, &self.setting, &mut self.engine, &mut out);
        out.sort_by(|a, b| (a.statement, &a.at, a.kind).cmp(&(b.statement, &b.at, b.kind)));
        out
    }

    /// The lints of how a statement is written.
    fn written(&self, document: &Document, statement: &Statement, found: &mut Found<'_>) {
        actions::unknown(statement, &self.setting, found);
        resources::early_variables(document, statement, found);
        conditions::globs(document, statement, found);
        conditions::all_of_nothing(statement, found);
        conditions::foreign_keys(statement, &self.setting, found);
        regions::missing(statement, &self.setting, found);
        if self.setting.of == Holder::PermissionSet {
            session::never(document, statement, self.setting.partition, found);
        }
    }
}

/// Where the findings of one statement go.
struct Found<'o> {
    statement: usize,
    out: &'o mut Vec<Finding>,
}

impl Found<'_> {
    /// A finding; what more there is to it can be set in what is returned.
    fn add(&mut self, kind: Kind, at: &Source, fact: String) -> &mut Finding {
        let statement = self.statement;
        self.out.push(Finding { kind, statement, fact, at: at.clone(), also: Vec::new(), help: None, edit: None });
        let last = self.out.len() - 1;
        &mut self.out[last]
    }
}

#[cfg(test)]
mod tests;

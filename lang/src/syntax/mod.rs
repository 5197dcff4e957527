//! From text to tree. `parse` cannot fail: it returns a tree and what is wrong with the text.
//!
//! The fast path parses declaration by declaration and lowers each at once. Should one not parse, all of the
//! file goes through recovery, which finds what is wrong piece by piece.

pub mod ast;
mod chunks;
mod decode;
mod delimiters;
mod expected;
mod findings;
mod grammar;
mod lower;
mod places;
mod quick;
mod recover;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod tree;
mod turning;

pub use decode::{DecodeError, DecodeErrorKind, decode};
pub use tokens::{Token, TokenKind, tokens};

use findings::Findings;
pub(crate) use findings::MOST as MOST_FINDINGS;
use grammar::Rule;
use lower::{Lower, Lowered, Place};
use places::Places;
use tree::Tree;

use crate::diagnostics::{self, Code, Diagnostic};
use crate::source::{FileId, Span};

/// The only edition there is.
pub const EDITION: &str = "2026";

/// The stack for files that do not parse at once: they may nest as deep as the language allows, and pest takes
/// some ten kilobytes a level.
const DEEP_STACK: usize = 64 << 20;

/// A parsed file.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// What it says, as far as it could be read.
    pub file: ast::File,
    /// What is wrong with it, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a file. Cannot fail: what could not be read is in the diagnostics, and an error node in the tree.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let outcome = match strict(file, text, false) {
        Ok(outcome) => outcome,
        Err(refused) => on_deep_stack(|| {
            let again = if refused == Refused::Deep { strict(file, text, true).ok() } else { None };
            again.unwrap_or_else(|| recover::recover(file, text, false))
        }),
    };
    let end = Span::new(file, text.len(), text.len());
    let mut diagnostics = outcome.findings.into_diagnostics(end);
    // Between words the same character is no white space, too.
    for finding in turning::turning(file, text) {
        if diagnostics.iter().all(|other| other.span() != finding.span()) {
            diagnostics.push(finding);
        }
    }
    diagnostics::sort(&mut diagnostics);
    Parsed { file: outcome.file, diagnostics }
}

/// What a text says, if there is nothing wrong with it. Looks for no fault, and so costs little where there is one.
pub(crate) fn sound(file: FileId, text: &str) -> Option<Parsed> {
    let outcome = match strict(file, text, false) {
        Err(Refused::Deep) => on_deep_stack(|| strict(file, text, true)).ok()?,
        outcome => outcome.ok()?,
    };
    let end = Span::new(file, text.len(), text.len());
    let is_sound = outcome.findings.into_diagnostics(end).is_empty() && turning::turning(file, text).is_empty();
    is_sound.then(|| Parsed { file: outcome.file, diagnostics: Vec::new() })
}

/// Runs `work` where there is stack enough; here, should the system give no thread.
fn on_deep_stack<T: Send>(work: impl Fn() -> T + Sync) -> T {
    #[cfg(test)]
    DEEP_STACKS.set(DEEP_STACKS.get() + 1);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, &work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => work(),
        }
    })
}

#[cfg(test)]
thread_local! {
    /// How often this thread has begun another one.
    pub(crate) static DEEP_STACKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Why the fast path gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// The text does not parse.
    Text,
    /// It nests deeper than this thread's stack may allow.
    Deep,
}

/// What parsing a file comes to.
#[derive(Debug)]
struct Outcome {
    file: ast::File,
    findings: Findings,
}

impl Outcome {
    fn new() -> Self {
        Self { file: ast::File { edition: None, decls: Vec::new() }, findings: Findings::default() }
    }

    /// Takes in what was lowered; returns where it ends in the file.
    fn take(&mut self, lowered: Lowered, mut lower: Lower<'_>) -> Option<u32> {
        self.file.decls.append(&mut lower.take_hoisted());
        self.findings.append(lower.into_findings());
        match lowered {
            Lowered::Nothing => None,
            Lowered::Edition(edition, word) => {
                let end = edition.span.end;
                if let Some(finding) = self.check_edition(&edition, word) {
                    self.findings.push(finding);
                }
                self.file.edition.get_or_insert(edition);
                Some(end)
            }
            Lowered::Decl(decl) => {
                let end = decl.span.end;
                self.file.decls.push(decl);
                Some(end)
            }
        }
    }

    fn check_edition(&self, edition: &ast::StrLit, word: Span) -> Option<Diagnostic> {
        if self.file.edition.is_some() || !self.file.decls.is_empty() {
            return Some(Diagnostic::new(Code::Misplaced, word, "`edition` stands first in a file"));
        }
        if edition.plain().as_deref() == Some(EDITION) {
            return None;
        }
        Some(
            Diagnostic::new(Code::UnknownEdition, edition.span, "this edition is not known")
                .help(format!("the only edition is \"{EDITION}\""))
                .fix(edition.span, format!("\"{EDITION}\"")),
        )
    }
}

/// The file, if all of it parses. Declaration by declaration is what the rule `file` does as well, and what pest
/// keeps for one declaration is small. `deep`: the stack has room for all that the language allows.
fn strict(file: FileId, text: &str, deep: bool) -> Result<Outcome, Refused> {
    let mut outcome = Outcome::new();
    let mut end = 0;
    let mut at = skip_blank(text, 0);
    let mut tree = Tree::new(text);
    while at < text.len() {
        let slice = text.get(at..).unwrap_or("");
        // What the quick parser does not take the grammar decides.
        let quick = quick::parse(slice, &mut tree);
        if !quick {
            let parsed = grammar::parse(Rule::decl, slice);
            tree = parsed.map_err(|refusal| if refusal.too_deep { Refused::Deep } else { Refused::Text })?;
        }
        let Some(pair) = tree.pairs().next() else { return Err(Refused::Text) };
        let next = at + pair.as_span().end();
        if !quick && !deep && may_nest_deep(text.get(at..next).unwrap_or("")) {
            return Err(Refused::Deep);
        }
        let mut lower = Lower::new(slice, Places::at_base(file, at));
        let lowered = lower.decl(pair, lower::doc(text, end, at), Place::File);
        end = outcome.take(lowered, lower).map_or(at, |end| end as usize);
        at = skip_blank(text, next);
    }
    Ok(outcome)
}

/// Can the tree of this text be so high that lowering it wants more than a small stack? Counts what nests, without
/// regard to strings and comments.
fn may_nest_deep(text: &str) -> bool {
    const FEW: usize = 40;
    if text.len() <= FEW {
        return false;
    }
    let (mut depth, mut deepest, mut signs) = (0_usize, 0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'!' | b'?' => signs += 1,
            _ => {}
        }
    }
    let words = ["then", "every", "some"];
    deepest > FEW || signs > FEW || words.iter().any(|word| text.matches(word).nth(FEW).is_some())
}

/// The next byte from `at` that is neither white space nor in a comment.
fn skip_blank(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' => at += 1,
            b'#' => {
                let rest = bytes.get(at..).unwrap_or(&[]);
                at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
            }
            _ => break,
        }
    }
    at
}

//! What the formatter promises, checked for one text. Owns the comparison; must not lay out.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::erase;
use crate::source::FileId;
use crate::syntax::ast::{Decl, File};
use crate::syntax::{self, Parsed, Token, TokenKind, tokens};

/// Which promise does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// The words are others.
    Words,
    /// A comment is lost, moved past another, or changed.
    Comments,
    /// The tree is another, or other faults are found in it.
    Tree,
    /// Formatted again it would change again.
    Again,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Words => "the words would change",
            Self::Comments => "the comments would change",
            Self::Tree => "the meaning would change",
            Self::Again => "a second run would change it again",
        })
    }
}

/// Does `formatted` say what `text` says, of which `parsed` is the tree? The words are the same but for commas, the
/// comments the same and in the same order, the trees the same but for places, and formatting it again changes
/// nothing.
pub fn prove(text: &str, parsed: &Parsed, formatted: &str) -> Result<(), Unproven> {
    same_content(text, formatted)?;
    let after = syntax::parse(FileId(0), formatted);
    if erased(&parsed.file) != erased(&after.file) || !same_faults(parsed, &after) {
        return Err(Unproven::Tree);
    }
    if super::format_parsed(formatted, &after).text != formatted {
        return Err(Unproven::Again);
    }
    Ok(())
}

/// Are the words the same but for commas, and the comments but for white space at their ends?
fn same_content(text: &str, formatted: &str) -> Result<(), Unproven> {
    let (before, after) = (tokens(text), tokens(formatted));
    if !words(text, &before).eq(words(formatted, &after)) {
        return Err(Unproven::Words);
    }
    if !comments(text, &before).eq(comments(formatted, &after)) {
        return Err(Unproven::Comments);
    }
    Ok(())
}

fn words<'a>(text: &'a str, tokens: &'a [Token]) -> impl Iterator<Item = Cow<'a, str>> {
    let spelled = tokens.iter().filter(|token| !token.kind.is_trivia()).map(move |token| token.text(text));
    spelled
        .flat_map(|word| match word {
            "," => [None, None],
            // The lexer knows no types: it is two words in `Set<cell>= …`.
            ">=" => [Some(Cow::Borrowed(">")), Some(Cow::Borrowed("="))],
            word if word.contains("\r\n") => [Some(Cow::Owned(word.replace("\r\n", "\n"))), None],
            word => [Some(Cow::Borrowed(word)), None],
        })
        .flatten()
}

fn comments<'a>(text: &'a str, tokens: &'a [Token]) -> impl Iterator<Item = &'a str> {
    let comment = |token: &&Token| matches!(token.kind, TokenKind::Comment | TokenKind::Doc);
    tokens.iter().filter(comment).map(move |token| token.text(text).trim_end())
}

fn erased(file: &File) -> File {
    let mut file = file.clone();
    erase::file(&mut file);
    file
}

fn same_faults(before: &Parsed, after: &Parsed) -> bool {
    let codes = |parsed: &Parsed| parsed.diagnostics.iter().map(|found| found.code).collect::<Vec<_>>();
    codes(before) == codes(after)
}

/// The declarations of `text` that are not the same in `formatted`, or that a second run would change; nothing when
/// they cannot be told apart.
pub(super) fn differing(text: &str, parsed: &Parsed, formatted: &str) -> Vec<Range<usize>> {
    let after = syntax::parse(FileId(0), formatted);
    if parsed.file.decls.len() != after.file.decls.len() {
        return Vec::new();
    }
    let same = |before: &Decl, after: &Decl| {
        let (mut tree, mut tree_after) = (before.clone(), after.clone());
        erase::decl(&mut tree);
        erase::decl(&mut tree_after);
        let bytes =
            |text: &str, decl: &Decl| text.get(decl.span.start as usize..decl.span.end as usize).map(str::to_owned);
        let (source, result) = (bytes(text, before).unwrap_or_default(), bytes(formatted, after).unwrap_or_default());
        tree == tree_after
            && same_content(&source, &result).is_ok()
            && super::format(&result).text.trim_end() == result
    };
    let pairs = parsed.file.decls.iter().zip(&after.file.decls);
    let differing = pairs.filter(|(before, after)| !same(before, after));
    differing.map(|(before, _)| before.span.start as usize..before.span.end as usize).collect()
}

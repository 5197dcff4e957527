//! The pages of `spec/errors`, embedded. Owns how one is found; the table is made when the crate is built.

use cell_lang::diagnostics::Code;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of a code, as it stands in the specification.
pub(crate) fn page(code: Code) -> Option<&'static str> {
    PAGES.iter().find(|(name, _)| *name == code.as_str()).map(|(_, page)| *page)
}

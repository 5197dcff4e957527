//! From text to tree. `parse` cannot fail: it returns a tree and what is wrong with the text.

pub mod ast;

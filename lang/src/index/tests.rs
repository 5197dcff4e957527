//! Words of programs and what they stand for.

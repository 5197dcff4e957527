//! Reads a plan file, as it is and with a digest that is right.
#![no_main]
#[path = "../../src/invariants.rs"]
#[allow(dead_code, reason = "each target takes one of them")]
mod invariants;
#[path = "../../src/memory.rs"]
#[allow(dead_code, reason = "the suite takes more of it")]
mod memory;

libfuzzer_sys::fuzz_target!(|text: &str| invariants::of_plan_files(text));

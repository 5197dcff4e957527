//! The one test binary of the end-to-end suites: each file beside this one is a suite.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod apply_moto;
mod apply_sandbox;
mod architecture;
mod authority;
mod bad_cases;
mod bad_input;
mod command_line;
mod conformance;
mod dependencies;
mod determinism;
mod editor;
mod edits;
mod examples;
mod existing;
mod faults;
mod first_look;
mod floor;
mod formatting;
mod fuzzing;
mod good_cases;
mod grammar_page;
mod graph;
mod iam_corpus;
mod iam_data;
mod iam_lints;
mod installation;
mod kills;
mod least_rights;
mod least_rights_elsewhere;
mod mutation;
mod operations;
mod packages;
mod pins;
mod published;
mod review_outputs;
mod reviews;
mod safety;
mod security;
mod silent_failures;
mod spec_runs;
mod starter;
mod testing;
mod what_multiplies;
mod where_others_fail;

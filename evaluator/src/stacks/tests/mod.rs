//! Tests of stacks: the table of states.

mod states;

//! Reviews of small programs, whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails so")]

use super::accepts::Accept;
use super::guards::Rule;
use super::model::{Delta, Holds, Review, Verdict};
use super::pins::Pins;
use super::places::Places;
use super::review::{Question, review};
use super::sides::Side;
use crate::plan::desired::Desired;
use crate::resources::Resources;
use crate::rules::tests::expanded;

/// The review of a change from one program to another.
fn change(before: &str, after: &str, pins: &Pins) -> Review {
    let none = |_: &str| None;
    let at = "2026-11-27T00:00:00Z".parse().unwrap();
    let side = |text: &str| {
        expanded(text, |world| {
            let desired = Desired::new(world, &Resources::new(world).all(), at);
            let side = Side::of_program(&desired, &none);
            (desired, side, Places::new(world), Rule::all(world, &none), Accept::all(world))
        })
    };
    let ((_, before, ..), (desired, after, places, guards, accepts)) = (side(before), side(after));
    let question = Question {
        before: &before,
        after: &after,
        desired: &desired,
        places: &places,
        guards: &guards,
        accepts: &accepts,
        pins,
        today: None,
        base: "before",
    };
    review(&question).unwrap()
}

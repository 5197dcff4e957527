//! One pane: every cell with its account, its version of each component, its wave, its alarms and its last apply, and what
//! cells cost. Owns putting that together from the program, the record, the books of releases and what others have read,
//! and how it is told. Reads nothing itself: alarms and money are behind [`alarms::Alarms`] and [`money::Spending`].

pub mod alarms;
pub mod bill;
pub mod bill_text;
pub mod html;
pub mod model;
pub mod money;
mod releases;
pub mod rows;
#[cfg(test)]
mod tests;
pub mod text;
mod times;

pub use alarms::{Alarms, Asked, Heard, asked, listen};
pub use bill::{Bill, bill};
pub use model::Pane;
pub use money::{Money, Period, Spending, Spent};
pub use rows::{Given, Shelved, pane};

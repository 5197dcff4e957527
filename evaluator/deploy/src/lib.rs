//! What brings components into cells by programs that are there already: `git` fetches their repositories, `make` runs
//! their targets.
//!
//! Owns those processes and the folders they work in. What is to be run, in which order and with what it is told is
//! [`cell_eval::bootstrap`]'s; what people read is the command line's.
//!
//! The programs themselves, and no library in their place: credentials, keys, proxies and hosts are then as the user has
//! set them up.

pub mod bootstrap;
pub mod deployment;
pub mod folder;
pub mod git;
pub mod lint;
pub mod make;
pub mod process;
pub mod source;

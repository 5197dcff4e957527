//! Identifiers in the shapes AWS uses, drawn from a counter so that the same calls give the same identifiers.

use serde::{Deserialize, Serialize};

const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const DIGITS: &[u8] = b"0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The counter that every identifier comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ids(u64);

/// Spreads the bits of a number: neighbours come out unrelated (splitmix64).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Ids {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }

    fn draw(&mut self, alphabet: &[u8], length: usize) -> String {
        let mut bits = mix(self.next());
        let mut text = String::with_capacity(length);
        for _ in 0..length {
            let at = (bits % alphabet.len() as u64) as usize;
            text.push(alphabet.get(at).copied().map_or('0', char::from));
            bits = mix(bits);
        }
        text
    }

    pub(crate) fn lower(&mut self, length: usize) -> String {
        self.draw(LOWER, length)
    }

    pub(crate) fn hex(&mut self, length: usize) -> String {
        self.draw(HEX, length)
    }

    pub(crate) fn upper(&mut self, length: usize) -> String {
        self.draw(UPPER, length)
    }

    /// An account number; never with a leading zero, which people lose in spreadsheets.
    pub(crate) fn account(&mut self) -> String {
        format!("{}{}", 1 + self.next() % 9, self.draw(DIGITS, 11))
    }

    pub(crate) fn guid(&mut self) -> String {
        let raw = self.hex(32);
        let cut = |from: usize, to: usize| raw.get(from..to).unwrap_or_default().to_owned();
        format!("{}-{}-4{}-a{}-{}", cut(0, 8), cut(8, 12), cut(13, 16), cut(17, 20), cut(20, 32))
    }
}

//! SHA-256 in hexadecimal digits, as names of what is kept by its content.

use sha2::{Digest as _, Sha256};

/// The digest of bytes.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// The digest of what a value says of itself for debugging, which is written nowhere as a whole.
pub fn of_debug(value: &impl std::fmt::Debug) -> String {
    struct Sink(Sha256);
    impl std::fmt::Write for Sink {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }
    let mut sink = Sink(Sha256::new());
    // The sink takes everything.
    let _ = std::fmt::Write::write_fmt(&mut sink, format_args!("{value:?}"));
    hex(&sink.0.finalize())
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// The first bytes of the digest of a text.
pub fn short(text: &str, bytes: usize) -> String {
    sha256(text).chars().take(2 * bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180-4, example B.1
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((sha256("abc").as_str(), short("abc", 4).as_str()), (abc, "ba7816bf"));
    }
}

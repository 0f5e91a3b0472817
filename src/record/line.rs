//! One line of the journal: how it is sealed, and how it is told from a torn one.
//!
//! `{"v":1,"seq":N,"prev":"H",BODY,"hash":"H"}` and a newline. The hash is the SHA-256 of the
//! bytes before `,"hash":`, so that a line can be checked without parsing JSON. Inside JSON
//! strings a quotation mark is always escaped: no value can imitate the head or the end.

use sha2::{Digest, Sha256};

/// The version that this program writes.
pub const VERSION: u32 = 1;

/// A SHA-256, as bytes.
pub type Hash = [u8; 32];

/// What stands before the first line of a chain.
pub const NO_HASH: Hash = [0; 32];

/// `,"hash":"` and 64 digits and `"}`.
const END_LENGTH: usize = 9 + 64 + 2;
const HASH_KEY: &[u8] = b",\"hash\":\"";

/// The position of a line in its chain, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Version of the line's format.
    pub version: u32,
    /// Number in the chain, from 1.
    pub seq: u64,
    /// Hash of the line before.
    pub prev: Hash,
    /// Its own hash.
    pub hash: Hash,
}

/// Appends a sealed line to `out` and returns its hash.
pub fn seal(out: &mut Vec<u8>, seq: u64, prev: &Hash, body: &[u8]) -> Hash {
    let start = out.len();
    let head = format!(
        "{{\"v\":{VERSION},\"seq\":{seq},\"prev\":\"{}\",",
        super::hex(prev)
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body);
    let hash: Hash = Sha256::digest(out.get(start..).unwrap_or_default()).into();
    out.extend_from_slice(HASH_KEY);
    out.extend_from_slice(super::hex(&hash).as_bytes());
    out.extend_from_slice(b"\"}\n");
    hash
}

/// Reads the seal of a line (without its newline). `None`: it is no whole line, or none of ours.
pub fn parse(line: &[u8]) -> Option<Seal> {
    let (head, end) = line.split_at_checked(line.len().checked_sub(END_LENGTH)?)?;
    let hash = end.strip_prefix(HASH_KEY)?.strip_suffix(b"\"}")?;
    let rest = head.strip_prefix(b"{\"v\":")?;
    let (version, rest) = number(rest)?;
    let rest = rest.strip_prefix(b",\"seq\":")?;
    let (seq, rest) = number(rest)?;
    let rest = rest.strip_prefix(b",\"prev\":\"")?;
    let (prev, rest) = rest.split_at_checked(64)?;
    rest.strip_prefix(b"\",")?;
    Some(Seal {
        version: u32::try_from(version).ok()?,
        seq,
        prev: unhex(prev)?,
        hash: unhex(hash)?,
    })
}

/// Whether the line's bytes have the hash that it claims.
pub fn holds(line: &[u8], seal: &Seal) -> bool {
    let sealed = line.len().checked_sub(END_LENGTH);
    sealed
        .and_then(|end| line.get(..end))
        .is_some_and(|bytes| Hash::from(Sha256::digest(bytes)) == seal.hash)
}

/// What stands between head and hash: the fields of the record itself.
pub fn body(line: &[u8]) -> Option<&[u8]> {
    parse(line)?;
    let end = line.len().checked_sub(END_LENGTH)?;
    let prev = line.windows(8).position(|w| w == b",\"prev\":")?;
    line.get(prev + 8 + 64 + 3..end)
}

pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at_checked(length)?;
    Some((std::str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

/// 64 lower-case hexadecimal digits as a hash.
pub fn unhex(digits: &[u8]) -> Option<Hash> {
    let mut hash = NO_HASH;
    let (eights, rest) = digits.as_chunks::<8>();
    if eights.len() != 8 || !rest.is_empty() {
        return None;
    }
    for (bytes, eight) in hash.as_chunks_mut::<4>().0.iter_mut().zip(eights) {
        *bytes = eight_digits(*eight)?.to_be_bytes();
    }
    Some(hash)
}

/// Eight digits at once, each in a byte of a word: a journal has 128 of them a line.
pub(super) fn eight_digits(digits: [u8; 8]) -> Option<u32> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_be_bytes(digits);
    // `a` to `f` are 0x61 to 0x66, `0` to `9` are 0x30 to 0x39.
    let letter = word >> 6 & ONES;
    let value = (word & (0x0f * ONES)) + letter * 9;
    let spelt = value + 0x30 * ONES + letter * 0x27;
    let is_above_nine = (value + 6 * ONES) >> 4 & ONES;
    if spelt != word || value & (0xf0 * ONES) != 0 || is_above_nine != letter {
        return None;
    }
    let pairs = (value | value >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    u32::try_from((fours | fours >> 16) & 0xffff_ffff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(seq: u64, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        seal(&mut out, seq, &NO_HASH, body);
        out.pop();
        out
    }

    #[test]
    fn a_sealed_line_reads_back_and_holds() {
        let line = sealed(42, br#""id":"x","phase":"intent""#);
        let seal = parse(&line).unwrap();
        assert_eq!((seal.version, seal.seq, seal.prev), (1, 42, NO_HASH));
        assert!(holds(&line, &seal));
        assert_eq!(body(&line), Some(&br#""id":"x","phase":"intent""#[..]));
        serde_json::from_slice::<serde_json::Value>(&line).unwrap();
    }

    #[test]
    fn no_beginning_of_a_line_passes_for_a_line() {
        let line = sealed(7, br#""argv":["echo",",\"hash\":\"0000\"}"]"#);
        for cut in 0..line.len() {
            assert_eq!(parse(&line[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn only_lower_case_digits_are_read() {
        for byte in 0..=255u8 {
            let expected = char::from(byte)
                .to_digit(16)
                .filter(|_| !byte.is_ascii_uppercase());
            for at in 0..8 {
                let mut digits = *b"00000000";
                digits[at] = byte;
                let shifted = expected.map(|d| d << (28 - 4 * at));
                assert_eq!(eight_digits(digits), shifted, "{byte} at {at}");
            }
        }
        assert_eq!(
            unhex(crate::record::hex(&[0xa5; 32]).as_bytes()),
            Some([0xa5; 32])
        );
        assert_eq!(unhex(b"00"), None);
    }

    proptest! {
        #[test]
        fn a_changed_byte_does_not_hold(at in 0usize..200, to: u8) {
            let mut line = sealed(7, br#""id":"0198f2c4","phase":"intent","verdict":"allowed""#);
            let at = at % line.len();
            prop_assume!(line[at] != to);
            line[at] = to;
            let intact = parse(&line).is_some_and(|seal| holds(&line, &seal));
            // Only what stands after the hashed bytes may still read: the hash itself must not.
            prop_assert!(!intact);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes).map(|s| holds(&bytes, &s));
            let _ = body(&bytes);
        }
    }
}

//! Record ids: UUIDs of version 7, so that they sort by time.

use std::fmt;
use std::io;

use crate::sys::clock::Moment;
use crate::sys::entropy;

/// The id that the entries of one run share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// A new id for a run that began at `moment`.
    ///
    /// # Errors
    /// Where the kernel gives no random bytes.
    pub fn new(moment: Moment) -> io::Result<RecordId> {
        let mut random = [0u8; 10];
        entropy::fill(&mut random)?;
        Ok(RecordId::from_parts(moment.millis(), random))
    }

    /// RFC 9562: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits.
    fn from_parts(millis: u64, random: [u8; 10]) -> RecordId {
        let [_, _, t0, t1, t2, t3, t4, t5] = millis.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        RecordId([
            t0,
            t1,
            t2,
            t3,
            t4,
            t5,
            0x70 | (r0 & 0x0f),
            r1,
            0x80 | (r2 & 0x3f),
            r3,
            r4,
            r5,
            r6,
            r7,
            r8,
            r9,
        ])
    }

    /// A number spread evenly over all ids, for jitter.
    pub(crate) fn spread(self) -> u64 {
        let [.., a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = super::hex(&self.0);
        let mut rest = hex.as_str();
        for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            if index > 0 {
                f.write_str("-")?;
            }
            let (part, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            f.write_str(part)?;
            rest = tail;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_version_and_variant_and_sort_by_time() {
        let early = RecordId::from_parts(0x0198_f2c4_78dd, [0xff; 10]);
        assert_eq!(early.to_string(), "0198f2c4-78dd-7fff-bfff-ffffffffffff");
        let late = RecordId::from_parts(0x0198_f2c4_78de, [0; 10]);
        assert!(late > early && late.to_string() > early.to_string());
    }

    #[test]
    fn two_ids_of_one_moment_differ() {
        let moment = Moment::default();
        assert_ne!(
            RecordId::new(moment).unwrap(),
            RecordId::new(moment).unwrap()
        );
    }
}

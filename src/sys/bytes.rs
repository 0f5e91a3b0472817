//! Many bytes at once.

/// How many.
pub(crate) const WIDTH: usize = 64;

/// Where the byte stands in the chunk: a bit a place, the first one lowest.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code, reason = "instructions that every such processor has")]
pub(crate) fn bits(chunk: &[u8; WIDTH], byte: u8) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8};
    let (parts, _) = chunk.as_chunks::<16>();
    let mut all = 0;
    for part in parts.iter().rev() {
        // SAFETY: SSE2 belongs to x86-64 itself; sixteen bytes are read, aligned or not.
        let equal = unsafe {
            let bytes = _mm_loadu_si128(part.as_ptr().cast());
            _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed())))
        };
        all = all << 16 | u64::from(equal.cast_unsigned());
    }
    all
}

/// Where the byte stands in the chunk: a bit a place, the first one lowest.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn bits(chunk: &[u8; WIDTH], byte: u8) -> u64 {
    let bytes = chunk.iter().rev();
    bytes.fold(0, |all, b| all << 1 | u64::from(*b == byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_bit() {
        let mut chunk = [b'a'; WIDTH];
        assert_eq!((bits(&chunk, b'a'), bits(&chunk, b'b')), (u64::MAX, 0));
        for at in 0..WIDTH {
            chunk[at] = 0xff;
            assert_eq!(bits(&chunk, 0xff), 1 << at);
            chunk[at] = b'a';
        }
    }
}

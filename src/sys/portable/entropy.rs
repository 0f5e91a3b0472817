//! Random bytes from the kernel.
#![allow(
    unsafe_code,
    reason = "getentropy(3) has no safe wrapper in our crates"
)]

use std::io;

/// Fills `buffer` from the kernel's generator.
///
/// # Errors
/// Where the kernel refuses.
pub fn fill(buffer: &mut [u8]) -> io::Result<()> {
    // The most that one call gives.
    for part in buffer.chunks_mut(256) {
        // SAFETY: pointer and length are those of a live, exclusive slice.
        if unsafe { libc::getentropy(part.as_mut_ptr().cast(), part.len()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

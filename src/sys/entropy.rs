//! Random bytes from the kernel.
#![allow(unsafe_code, reason = "getrandom(2) has no safe wrapper in our crates")]

use std::io;

/// Fills `buffer` from the kernel's generator.
///
/// # Errors
/// Where the kernel refuses (a seccomp filter without `getrandom`).
pub fn fill(buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|r| !r.is_empty()) {
        // SAFETY: pointer and length are those of a live, exclusive slice.
        let got = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
        match usize::try_from(got) {
            Ok(n) => filled += n,
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

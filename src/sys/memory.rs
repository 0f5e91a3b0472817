//! Memory of a process that has long to wait.

/// Gives back what waiting does not need: free heap, and the pages of the program's own code,
/// which come back from the page cache one by one when they are used again.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the program's own pages by address")]
pub fn release() {
    unsafe extern "C" {
        /// Where the linker put the beginning of the program and the end of its code. Nothing
        /// between them is ever written.
        static __ehdr_start: u8;
        static etext: u8;
    }
    const PAGE: usize = 4096;
    let (start, end) = (&raw const __ehdr_start as usize, &raw const etext as usize);
    let (start, end) = (start.next_multiple_of(PAGE), end - end % PAGE);
    // SAFETY: the range is the program's file, mapped privately and unwritten: what is dropped is
    // read again from the file. `malloc_trim` touches only free memory.
    unsafe {
        if start < end {
            // Else one fault brings 2 MiB of them back.
            libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_NOHUGEPAGE);
            libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED);
        }
        #[cfg(target_env = "gnu")]
        libc::malloc_trim(0);
    }
}

/// Elsewhere nothing is given back.
#[cfg(not(target_os = "linux"))]
pub fn release() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_program_goes_on_after_it() {
        let before = String::from("kept");
        release();
        assert_eq!(format!("{before} {:?}", Some(1.5)), "kept Some(1.5)");
    }
}

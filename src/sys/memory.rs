//! Memory of a process that has long to wait.

/// What a launch executes stands in so much at the front of a release (build/launch-order.txt).
#[cfg(target_os = "linux")]
const FRONT: usize = 2 << 20;

/// Gives back what waiting does not need: free heap, and the pages of the program's own code,
/// which come back from the page cache one by one when they are used again.
#[cfg(target_os = "linux")]
pub fn release() {
    forget_code(0);
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "malloc_trim")]
    // SAFETY: touches only free memory.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Gives back the pages of code that judging needed and the end of a launch does not. Costs next to
/// nothing, unlike [`release`]: what comes next is still there.
#[cfg(target_os = "linux")]
pub fn release_judging() {
    forget_code(FRONT);
}

/// Drops the pages of the program's code and constants from so many bytes on.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the program's own pages by address")]
fn forget_code(from: usize) {
    unsafe extern "C" {
        /// Where the linker put the beginning of the program and the end of its code. Nothing
        /// between them is ever written.
        static __ehdr_start: u8;
        static etext: u8;
    }
    const PAGE: usize = 4096;
    let (start, end) = (&raw const __ehdr_start as usize, &raw const etext as usize);
    let (start, end) = ((start + from).next_multiple_of(PAGE), end - end % PAGE);
    if start < end {
        // SAFETY: the range is the program's file, mapped privately and unwritten: what is dropped
        // is read again from the file.
        unsafe { libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED) };
    }
}

/// Elsewhere nothing is given back.
#[cfg(not(target_os = "linux"))]
pub fn release() {}

/// Elsewhere nothing is given back.
#[cfg(not(target_os = "linux"))]
pub fn release_judging() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_program_goes_on_after_it() {
        let before = String::from("kept");
        release_judging();
        release();
        assert_eq!(format!("{before} {:?}", Some(1.5)), "kept Some(1.5)");
    }
}

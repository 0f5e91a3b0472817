//! A program that is to be started, and its words for `exec`.

use std::ffi::{CStr, CString};

use super::signals::Inherited;

/// A program to start, ready for `execve`.
pub struct Program<'a> {
    /// Absolute path.
    pub path: &'a CStr,
    /// Its words.
    pub argv: &'a [CString],
    /// Its environment.
    pub environment: &'a [CString],
    /// Signal state to give it back.
    pub signals: &'a Inherited,
}

/// Its words as `exec` takes them. What they point to must outlive them.
pub(super) fn pointers<'a>(words: impl Iterator<Item = &'a CString>) -> Vec<*const libc::c_char> {
    words
        .map(|w| w.as_ptr())
        .chain(std::iter::once(std::ptr::null()))
        .collect()
}

/// The words for `/bin/sh PATH ...`, for a script without `#!`.
pub(super) fn shell_words(program: &Program<'_>) -> Vec<*const libc::c_char> {
    let head = [c"/bin/sh".as_ptr(), program.path.as_ptr()];
    let tail = program.argv.iter().skip(1).map(|w| w.as_ptr());
    head.into_iter()
        .chain(tail)
        .chain(std::iter::once(std::ptr::null()))
        .collect()
}

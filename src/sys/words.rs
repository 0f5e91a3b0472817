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

/// Its words as `exec` takes them: the child must not allocate.
pub(super) struct Execution<'a> {
    path: &'a CStr,
    argv: Vec<*const libc::c_char>,
    environment: Vec<*const libc::c_char>,
    /// The words for `/bin/sh PATH ...`, for a script without `#!`.
    shell_argv: Vec<*const libc::c_char>,
}

impl<'a> Execution<'a> {
    pub(super) fn of(program: &Program<'a>) -> Execution<'a> {
        Execution {
            path: program.path,
            argv: pointers(program.argv.iter()),
            environment: pointers(program.environment.iter()),
            shell_argv: shell_words(program),
        }
    }

    /// Becomes the program. Returns only the errno.
    #[allow(unsafe_code, reason = "execve")]
    pub(super) fn execute(&self) -> i32 {
        let path = self.path.as_ptr();
        // SAFETY: all pointers are to NUL-terminated strings that live as long as `'a`, or to
        // arrays of such that end with NULL: `of` alone makes them.
        unsafe { libc::execve(path, self.argv.as_ptr(), self.environment.as_ptr()) };
        let errno = nix::errno::Errno::last_raw();
        if errno == libc::ENOEXEC {
            // SAFETY: as above.
            unsafe {
                libc::execve(
                    c"/bin/sh".as_ptr(),
                    self.shell_argv.as_ptr(),
                    self.environment.as_ptr(),
                )
            };
        }
        errno
    }
}

fn pointers<'a>(words: impl Iterator<Item = &'a CString>) -> Vec<*const libc::c_char> {
    words
        .map(|w| w.as_ptr())
        .chain(std::iter::once(std::ptr::null()))
        .collect()
}

fn shell_words(program: &Program<'_>) -> Vec<*const libc::c_char> {
    let head = [c"/bin/sh".as_ptr(), program.path.as_ptr()];
    let tail = program.argv.iter().skip(1).map(|w| w.as_ptr());
    head.into_iter()
        .chain(tail)
        .chain(std::iter::once(std::ptr::null()))
        .collect()
}

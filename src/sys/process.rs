//! Facts about this process.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::own;

/// The entries of `environ` as they came: duplicates and entries without `=` included, which the
/// standard library hides.
#[allow(unsafe_code, reason = "reads the C environment")]
pub fn environ() -> Vec<OsString> {
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    // SAFETY: `environ` is a NULL-terminated array of NUL-terminated strings that the C runtime
    // set up; nothing in this crate changes it, and this runs before any thread is started.
    unsafe { texts(environ) }
}

/// What [`MainWords`] kept.
static WORDS: AtomicPtr<*const libc::c_char> = AtomicPtr::new(std::ptr::null_mut());

/// The words that the C runtime passes to a `main` entered as C enters it: the type of its second
/// parameter. Nobody else can make one.
#[repr(transparent)]
#[derive(Debug)]
pub struct MainWords(*const *const libc::c_char);

impl MainWords {
    /// Keeps them for [`words`]: only with glibc does the standard library know them without its
    /// own entry.
    pub fn keep(self) {
        WORDS.store(self.0.cast_mut(), Ordering::Relaxed);
    }
}

/// This program's words, the first being its own name.
#[allow(unsafe_code, reason = "reads what the C runtime passed to main")]
pub fn words() -> Vec<OsString> {
    let kept = WORDS.load(Ordering::Relaxed);
    if kept.is_null() {
        return std::env::args_os().collect();
    }
    // SAFETY: the C runtime passes a NULL-terminated array of NUL-terminated strings that lives as
    // long as the process, and only it makes a `MainWords`.
    unsafe { texts(kept) }
}

/// # Safety
/// `at` is null or a NULL-terminated array of NUL-terminated strings.
#[allow(unsafe_code, reason = "walks an array of the C runtime")]
unsafe fn texts(mut at: *const *const libc::c_char) -> Vec<OsString> {
    let mut entries = Vec::with_capacity(64);
    // SAFETY: as this function's own; the walk stops at the NULL.
    unsafe {
        while !at.is_null() && !(*at).is_null() {
            entries.push(OsStr::from_bytes(CStr::from_ptr(*at).to_bytes()).to_owned());
            at = at.add(1);
        }
    }
    entries
}

/// The effective user id.
pub fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The real user id.
pub fn real_user() -> u32 {
    nix::unistd::getuid().as_raw()
}

/// Whether this process may execute a file.
pub fn may_execute(path: &std::path::Path) -> bool {
    own::may_execute(path)
}

/// Becomes another program, with this process's environment as it is. Returns only the error.
pub fn become_program(path: &std::path::Path, argv: &[OsString]) -> std::io::Error {
    let text = |word: &OsStr| CString::new(word.as_bytes());
    let path = text(path.as_os_str());
    let argv: Result<Vec<CString>, _> = argv.iter().map(|word| text(word)).collect();
    match (path, argv) {
        (Ok(path), Ok(argv)) => match nix::unistd::execv(&path, &argv) {
            Ok(never) => match never {},
            Err(errno) => errno.into(),
        },
        _ => std::io::ErrorKind::InvalidInput.into(),
    }
}

/// A file in the folder that this very program lies in, links followed.
///
/// # Errors
/// Where the system does not tell.
pub fn beside(name: &str) -> std::io::Result<std::path::PathBuf> {
    Ok(own::program()?.with_file_name(name))
}

/// Whether a path, links followed, is the very file that this process runs.
pub fn is_this_program(path: &std::path::Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| is_this_file(&about))
}

/// Whether that is the file of the running program.
pub fn is_this_file(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    own::facts().is_ok_and(|own| (own.dev(), own.ino()) == (about.dev(), about.ino()))
}

/// The children of this process.
#[allow(
    clippy::disallowed_methods,
    reason = "whom this process started is a fact about it"
)]
pub fn children() -> Vec<i32> {
    let own = std::process::id();
    let list = std::fs::read_to_string(format!("/proc/self/task/{own}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// Whether a process is stopped, for whom it is told that it was.
pub fn is_stopped(pid: i32) -> bool {
    own::is_stopped(pid)
}

/// This process's id.
pub fn id() -> u32 {
    std::process::id()
}

/// A file for a descriptor that the caller opened for us. The caller of this function must not
/// let it be closed twice; keep it in `ManuallyDrop`.
#[allow(unsafe_code, reason = "a descriptor given by number")]
pub fn borrowed_file(fd: i32) -> std::fs::File {
    use std::os::fd::FromRawFd;
    // SAFETY: the number was checked to be an open descriptor above 2 that the command line names;
    // nothing in this process owns it, and the file is never dropped.
    unsafe { std::fs::File::from_raw_fd(fd) }
}

/// Makes this process the parent of descendants whose own parents end: it stays their ancestor,
/// which is what lets it look into them where the system restricts that (Yama).
pub(crate) fn adopt_orphans() {
    own::adopt_orphans();
}

/// Closes this process to other programs of its user: none may trace it, write its memory or take
/// its descriptors. What it starts is open again from its `exec` on.
pub(crate) fn close_to_others() {
    own::close_to_others();
}

/// The text of a small file of the kernel (`/proc`, `/sys`), in one read: such a file has no
/// length to ask for, and reading it in steps makes the kernel write it several times. For files
/// that the kernel writes in one piece, which `stat`, `cgroup` and single values are.
///
/// # Errors
/// The system's.
pub fn kernel_text(path: &str) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut text = [0u8; 4096];
    let read = std::fs::File::open(path)?.read(&mut text)?;
    Ok(text.get(..read).unwrap_or_default().to_vec())
}

/// Ends this process at once: nothing is flushed or torn down.
#[allow(unsafe_code, reason = "_exit")]
pub fn leave(code: u8) -> ! {
    // SAFETY: takes a plain number and does not come back.
    unsafe { libc::_exit(i32::from(code)) }
}

//! Tracing: `ptrace(2)` on a child that is seized before its `exec`, and with it on all that it
//! starts. Only the thread that seized it may call these.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};

use super::check;
use super::notified::Instruction;
pub(crate) use super::notified::{Call, News, Refused};
use super::registers::{self, Registers};
use super::signals::SignalQueue;
use super::spawn::Child;
use super::wait::Used;
use super::words::{self, Program};
use super::{seccomp, signals, spawn, wait};

const PEEK: libc::c_long = 2;
const CONTINUE: libc::c_long = 7;
const DETACH: libc::c_long = 17;
const CONTINUE_TO_RESULT: libc::c_long = 24;
const EVENT_MESSAGE: libc::c_long = 0x4201;
const SEIZE: libc::c_long = 0x4206;
const INTERRUPT: libc::c_long = 0x4207;
const LISTEN: libc::c_long = 0x4208;

/// Marks stops at a call's result; all that is started is traced too; `exec` and the filter's
/// questions stop; and when the tracer ends, so does the tree.
const OPTIONS: libc::c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

fn ptrace(
    request: libc::c_long,
    thread: u32,
    address: libc::c_long,
    data: libc::c_long,
) -> io::Result<()> {
    // SAFETY: none of the requests made here without a pointer reads or writes memory of ours;
    // those with one get that of a live value of the right size from their caller.
    check(unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            request,
            libc::c_long::from(thread),
            address,
            data,
        )
    })
    .map(drop)
}

/// The next piece of news, and for those that ended what they used; `None` where there is none.
/// Untraced children of this process are reaped with it.
pub(crate) fn next() -> Option<(u32, News, Used)> {
    news_of(-1, libc::WNOHANG).ok().flatten()
}

fn news_of(who: i32, options: libc::c_int) -> io::Result<Option<(u32, News, Used)>> {
    let Some((pid, status, used)) = wait::any(who, options | libc::__WALL)? else {
        return Ok(None);
    };
    let thread = pid.cast_unsigned();
    Ok(Some((thread, news(thread, status), used)))
}

fn news(thread: u32, status: i32) -> News {
    if !libc::WIFSTOPPED(status) {
        return News::Ended(wait::change_of(status));
    }
    let signal = libc::WSTOPSIG(status);
    let message = || event_message(thread).unwrap_or(0);
    match status >> 16 {
        libc::PTRACE_EVENT_SECCOMP => News::Asks(message() != 0),
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            News::Started(message() as u32)
        }
        libc::PTRACE_EVENT_EXEC => News::Executed(message() as u32),
        libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => News::Stopped(signal),
        0 if signal == libc::SIGTRAP | 0x80 => News::Result,
        0 => News::Signal(signal),
        _ => News::Passing,
    }
}

fn event_message(thread: u32) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    ptrace(EVENT_MESSAGE, thread, 0, &raw mut message as libc::c_long)?;
    Ok(message)
}

/// Lets a stopped thread run on, with that signal delivered (0: none). That it is gone meanwhile
/// is told by its end.
pub(crate) fn go_on(thread: u32, signal: i32) {
    let _ = ptrace(CONTINUE, thread, 0, signal.into());
}

/// Lets it run until its call has a result.
pub(crate) fn go_on_to_result(thread: u32) {
    let _ = ptrace(CONTINUE_TO_RESULT, thread, 0, 0);
}

/// Leaves it stopped with its process until that is continued.
pub(crate) fn listen(thread: u32) {
    let _ = ptrace(LISTEN, thread, 0, 0);
}

/// Stops it, for [`let_go`].
pub(crate) fn interrupt(thread: u32) {
    let _ = ptrace(INTERRUPT, thread, 0, 0);
}

/// Traces a stopped thread no longer.
pub(crate) fn let_go(thread: u32, signal: i32) {
    let _ = ptrace(DETACH, thread, 0, signal.into());
}

/// Traces a thread and all that it starts from now on.
///
/// # Errors
/// `EPERM` where it is traced already or the system does not allow it.
pub(crate) fn seize(thread: u32) -> io::Result<()> {
    ptrace(SEIZE, thread, 0, OPTIONS.into())
}

/// The call that a thread stands before.
///
/// # Errors
/// `ESRCH` where it is gone.
pub(crate) fn call(thread: u32, foreign: bool) -> io::Result<Call> {
    Registers::read(thread).map(|registers| registers.call(foreign))
}

/// Gives the call that a thread stands before a result instead of making it.
///
/// # Errors
/// `ESRCH` where it is gone; others where the processor's convention has no such way.
pub(crate) fn skip(thread: u32, result: i64) -> io::Result<()> {
    registers::replace(thread, -1, result)
}

/// At the result of a call that was skipped: makes it one that a signal interrupted, which the
/// kernel ends or repeats as the signal's handler asks.
///
/// # Errors
/// As [`skip`].
pub(crate) fn interrupted(thread: u32, number: i32, result: i64) -> io::Result<()> {
    registers::replace(thread, number, result)
}

/// Reads the memory of a stopped thread word by word, where nothing better is to be had.
///
/// # Errors
/// `EFAULT`, `EIO` where nothing is mapped there, `ESRCH` where it is not traced by us.
pub(crate) fn peek(thread: u32, address: u64, buffer: &mut [u8]) -> io::Result<()> {
    const WORD: u64 = size_of::<libc::c_long>() as u64;
    let mut at = address;
    let mut rest = buffer;
    while !rest.is_empty() {
        let mut word: libc::c_long = 0;
        let begin = at - at % WORD;
        let here = begin as libc::c_long;
        ptrace(PEEK, thread, here, &raw mut word as libc::c_long)?;
        let bytes = word.to_ne_bytes();
        let own = bytes.get((at - begin) as usize..).unwrap_or_default();
        let count = own.len().min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        now.copy_from_slice(own.get(..count).unwrap_or_default());
        rest = later;
        at += count as u64;
    }
    Ok(())
}

/// Puts `program` in force for the calling thread and all it starts, as [`seccomp::install`]; its
/// questions stop whoever asks for the tracer, and fail where there is none.
///
/// # Errors
/// The kernel's errno.
pub(crate) fn install(program: &[Instruction]) -> Result<(), i32> {
    seccomp::install_traced(program)
}

/// Starts the program as [`super::spawn::spawn`] does, traced from before its `exec` on. What
/// `before_exec` writes to memory is not seen here.
///
/// # Errors
/// The error of `fork`, of `before_exec`, of tracing, or of `execve` in the child.
pub(crate) fn spawn(
    program: &Program<'_>,
    before_exec: &mut dyn FnMut() -> Result<(), i32>,
) -> io::Result<Child> {
    let words = words::Execution::of(program);
    let mut prepare = || {
        program.signals.restore_dispositions();
        before_exec()
    };
    let mut execute = || {
        program.signals.restore_mask();
        words.execute()
    };
    let (pid, mut told) = begin(&mut prepare, &mut execute)?;
    let child = pid.cast_signed();
    loop {
        match news_of(child, 0) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(Some((_, News::Executed(_), _))) => break,
            Ok(Some((_, News::Ended(_), _))) => return Err(said(&mut told)),
            Ok(Some((_, News::Signal(signal), _))) => go_on(pid, signal),
            Ok(Some((_, News::Stopped(_), _))) => listen(pid),
            Ok(_) => go_on(pid, 0),
        }
    }
    go_on(pid, 0);
    let pidfd = spawn::handle(child)?;
    Ok(Child { pid: child, pidfd })
}

/// The error that a child told before it ended.
fn said(told: &mut UnixStream) -> io::Error {
    let mut errno = [0; 4];
    match told.read_exact(&mut errno) {
        Ok(()) => io::Error::from_raw_os_error(i32::from_ne_bytes(errno)),
        Err(_) => io::Error::from_raw_os_error(libc::ECHILD),
    }
}

/// A child that has done `prepare` and is seized, on its way into `work`. What `work` returns can
/// be read from the stream.
fn begin(
    prepare: &mut dyn FnMut() -> Result<(), i32>,
    work: &mut dyn FnMut() -> i32,
) -> Result<(u32, UnixStream), Refused> {
    let before = |error: io::Error| Refused::Before(error.raw_os_error().unwrap_or(libc::EMFILE));
    let (mut ours, theirs) = UnixStream::pair().map_err(before)?;
    let parent = nix::unistd::getpid().as_raw();
    // SAFETY: the child makes only system calls before it executes or ends.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(before(io::Error::last_os_error()));
    }
    if pid == 0 {
        child(theirs.as_raw_fd(), parent, prepare, work);
    }
    drop(theirs);
    let thread = pid.cast_unsigned();
    let mut errno = [0; 4];
    let refused = match ours
        .read_exact(&mut errno)
        .map(|()| i32::from_ne_bytes(errno))
    {
        Ok(0) => match seize(thread).and_then(|()| ours.write_all(&[1])) {
            Ok(()) => return Ok((thread, ours)),
            Err(error) => Refused::Tracing(error.raw_os_error().unwrap_or(libc::EPERM)),
        },
        Ok(errno) => Refused::Before(errno),
        Err(_) => Refused::Before(libc::ECHILD),
    };
    end(pid);
    Err(refused)
}

fn end(child: i32) {
    signals::send(child, libc::SIGKILL);
    while matches!(news_of(child, 0), Ok(Some((_, news, _))) if !matches!(news, News::Ended(_))) {}
}

/// The child's side. Only system calls.
fn child(
    tell: RawFd,
    parent: i32,
    prepare: &mut dyn FnMut() -> Result<(), i32>,
    work: &mut dyn FnMut() -> i32,
) -> ! {
    let say = |errno: i32| {
        let bytes = errno.to_ne_bytes();
        // SAFETY: the bytes outlive the call, which only reads them.
        unsafe { libc::write(tell, bytes.as_ptr().cast(), bytes.len()) };
    };
    // SAFETY: plain integers, and one byte that outlives the call.
    unsafe {
        // Ends with the launcher. Checked afterwards: it may have ended before.
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0);
        if libc::getppid() != parent {
            libc::_exit(127);
        }
        // A copy of a process that is closed to others could not be seized.
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
        let errno = prepare().err().unwrap_or(0);
        say(errno);
        let mut go = 0u8;
        if errno == 0 && libc::read(tell, (&raw mut go).cast(), 1) == 1 {
            say(work());
        }
        libc::_exit(127)
    }
}

/// What no connect fails with.
const SIGN: i32 = libc::EXDEV;
/// How long a trial may take.
const TRIAL: Duration = Duration::from_secs(2);

/// Tries a program on a child that connects to nothing: whether its call stops for us, and gets
/// the result that we give it.
///
/// # Errors
/// See [`Refused`].
pub(crate) fn attempt(program: &[Instruction]) -> Result<(), Refused> {
    let mut connect = || {
        // SAFETY: no socket and no address: the kernel looks at neither.
        let result = unsafe { libc::connect(-1, std::ptr::null(), 0) };
        match (result, nix::errno::Errno::last_raw()) {
            (-1, SIGN) => 0,
            (_, errno) => errno.max(1),
        }
    };
    let children = SigSet::from(Signal::SIGCHLD);
    let before = |_| Refused::Before(libc::EMFILE);
    let mask = children.thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let queue = SignalQueue::of_children().map_err(before)?;
    let tried = begin(&mut || install(program), &mut connect)
        .and_then(|(thread, told)| watch(thread, told, &queue));
    if let Ok(mask) = mask {
        let _ = mask.thread_set_mask();
    }
    tried
}

/// Whether the child of a trial is asked about, and hears what we answer.
fn watch(thread: u32, mut told: UnixStream, queue: &SignalQueue) -> Result<(), Refused> {
    let begun = Instant::now();
    while begun.elapsed() < TRIAL {
        while queue.next().is_some() {}
        match news_of(thread.cast_signed(), libc::WNOHANG) {
            // Who ignores SIGCHLD is not told.
            Ok(None) => wait::wait_for_input(queue.as_fd(), Some(Duration::from_millis(2))),
            Ok(Some((_, News::Asks(_), _))) => {
                let _ = skip(thread, -i64::from(SIGN));
                go_on(thread, 0);
            }
            Ok(Some((_, News::Ended(_), _))) => {
                let errno = said(&mut told).raw_os_error();
                return match errno {
                    Some(0) => Ok(()),
                    _ => Err(Refused::Unheard),
                };
            }
            // Signals are not the trial's.
            Ok(Some(_)) => go_on(thread, 0),
            Err(_) => return Err(Refused::Unheard),
        }
    }
    end(thread.cast_signed());
    Err(Refused::Unheard)
}

//! Tracing is Linux's: here nothing is traced.

use std::io;

use super::notified::Instruction;
pub(crate) use super::notified::{Call, News, Refused};
use super::spawn::Child;
use super::wait::Used;
use super::words::Program;

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

/// There is no news.
pub(crate) fn next() -> Option<(u32, News, Used)> {
    None
}

/// Nobody stands.
pub(crate) fn go_on(_thread: u32, _signal: i32) {}

/// Nobody stands.
pub(crate) fn go_on_to_result(_thread: u32) {}

/// Nobody stands.
pub(crate) fn listen(_thread: u32) {}

/// Stops nobody.
pub(crate) fn interrupt(_thread: u32) {}

/// Nobody stands.
pub(crate) fn let_go(_thread: u32, _signal: i32) {}

/// Traces nobody.
///
/// # Errors
/// Always.
pub(crate) fn seize(_thread: u32) -> io::Result<()> {
    unsupported()
}

/// No call.
///
/// # Errors
/// Always.
pub(crate) fn call(_thread: u32, _foreign: bool) -> io::Result<Call> {
    unsupported()
}

/// Skips nothing.
///
/// # Errors
/// Always.
pub(crate) fn skip(_thread: u32, _result: i64) -> io::Result<()> {
    unsupported()
}

/// Interrupts nothing.
///
/// # Errors
/// Always.
pub(crate) fn interrupted(_thread: u32, _number: i32, _result: i64) -> io::Result<()> {
    unsupported()
}

/// Reads nothing.
///
/// # Errors
/// Always.
pub(crate) fn peek(_thread: u32, _address: u64, _buffer: &mut [u8]) -> io::Result<()> {
    unsupported()
}

/// Puts nothing in force.
///
/// # Errors
/// Always.
pub(crate) fn install(_program: &[Instruction]) -> Result<(), i32> {
    Err(libc::ENOSYS)
}

/// Starts nothing.
///
/// # Errors
/// Always.
pub(crate) fn spawn(
    _program: &Program<'_>,
    _before_exec: &mut dyn FnMut() -> Result<(), i32>,
) -> io::Result<Child> {
    unsupported()
}

/// Tries nothing.
///
/// # Errors
/// Always.
pub(crate) fn attempt(_program: &[Instruction]) -> Result<(), Refused> {
    Err(Refused::Before(libc::ENOSYS))
}

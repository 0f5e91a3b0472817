//! The registers of a traced thread as far as they make a system call: `PTRACE_GETREGSET`.
#![allow(
    unsafe_code,
    reason = "system calls that our crates have no safe wrapper for"
)]

use std::io;

use super::check;
use super::notified::Call;

const GET: libc::c_long = 0x4204;
const SET: libc::c_long = 0x4205;
/// `NT_PRSTATUS`.
const GENERAL: libc::c_long = 1;

/// Where the kernel puts what, in registers of 8 bytes, or of 4 for programs of 32 bits.
struct Layout {
    number: usize,
    result: usize,
    arguments: [usize; 6],
}

/// As `struct user_regs_struct` has them: `orig_rax`, `rax`, and `rdi` to `r9`.
#[cfg(target_arch = "x86_64")]
const NATIVE: Layout = Layout {
    number: 15,
    result: 10,
    arguments: [14, 13, 12, 7, 9, 8],
};
/// `int $0x80` in a program of 64 bits: `rbx`, `rcx`, `rdx`, `rsi`, `rdi`, `rbp`.
#[cfg(target_arch = "x86_64")]
const FOREIGN: Layout = Layout {
    number: 15,
    result: 10,
    arguments: [5, 11, 12, 13, 14, 4],
};
/// `orig_eax`, `eax`, and `ebx` to `ebp`.
#[cfg(target_arch = "x86_64")]
const NARROW: Layout = Layout {
    number: 11,
    result: 6,
    arguments: [0, 1, 2, 3, 4, 5],
};

/// `x8`, `x0`, and `x0` to `x5`.
#[cfg(not(target_arch = "x86_64"))]
const NATIVE: Layout = Layout {
    number: 8,
    result: 0,
    arguments: [0, 1, 2, 3, 4, 5],
};
/// There are no calls of 32 bits in a program of 64.
#[cfg(not(target_arch = "x86_64"))]
const FOREIGN: Layout = NATIVE;
/// `r7`, `r0`, and `r0` to `r5`.
#[cfg(not(target_arch = "x86_64"))]
const NARROW: Layout = Layout {
    number: 7,
    result: 0,
    arguments: [0, 1, 2, 3, 4, 5],
};

/// No set of registers that is read here is longer, in words of 8 bytes.
const WORDS: usize = 48;
/// The sets of 32-bit programs have at most 18 registers of 4 bytes.
const NARROWEST: usize = 18 * 4;

/// The general registers of a stopped thread.
pub(super) struct Registers {
    words: [u64; WORDS],
    /// Bytes of them that the kernel filled in.
    length: usize,
}

impl Registers {
    /// # Errors
    /// `ESRCH` where the thread is gone.
    pub(super) fn read(thread: u32) -> io::Result<Registers> {
        let mut registers = Registers {
            words: [0; WORDS],
            length: WORDS * 8,
        };
        registers.length = transfer(GET, thread, GENERAL, &mut registers.words, WORDS * 8)?;
        Ok(registers)
    }

    fn write(&mut self, thread: u32) -> io::Result<()> {
        transfer(SET, thread, GENERAL, &mut self.words, self.length).map(drop)
    }

    fn is_narrow(&self) -> bool {
        self.length <= NARROWEST
    }

    fn layout(&self, foreign: bool) -> &'static Layout {
        match (self.is_narrow(), foreign) {
            (true, _) => &NARROW,
            (false, true) => &FOREIGN,
            (false, false) => &NATIVE,
        }
    }

    fn get(&self, at: usize) -> u64 {
        let word = |at: usize| self.words.get(at).copied().unwrap_or(0);
        match self.is_narrow() {
            true => word(at / 2) >> (32 * (at % 2)) & 0xffff_ffff,
            false => word(at),
        }
    }

    fn set(&mut self, at: usize, value: i64) {
        let narrow = self.is_narrow();
        let Some(word) = self.words.get_mut(if narrow { at / 2 } else { at }) else {
            return;
        };
        let value = value.cast_unsigned();
        let shift = 32 * (at % 2);
        *word = match narrow {
            true => *word & !(0xffff_ffff << shift) | (value & 0xffff_ffff) << shift,
            false => value,
        };
    }

    pub(super) fn call(&self, foreign: bool) -> Call {
        let layout = self.layout(foreign);
        let wide = if foreign { 0xffff_ffff } else { u64::MAX };
        Call {
            number: self.get(layout.number) as i32,
            arguments: layout.arguments.map(|at| self.get(at) & wide),
        }
    }
}

/// Gives the call of a stopped thread another number and result.
///
/// # Errors
/// `ESRCH` where the thread is gone; `EINVAL` for 32-bit programs on AArch64.
pub(super) fn replace(thread: u32, number: i32, result: i64) -> io::Result<()> {
    let mut registers = Registers::read(thread)?;
    let layout = registers.layout(false);
    renumber(thread, number, &mut registers, layout)?;
    registers.set(layout.result, result);
    registers.write(thread)
}

#[cfg(not(target_arch = "aarch64"))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "it can fail where the number is no register"
)]
fn renumber(
    _thread: u32,
    number: i32,
    registers: &mut Registers,
    layout: &Layout,
) -> io::Result<()> {
    registers.set(layout.number, number.into());
    Ok(())
}

/// Here the number that counts is kept apart from the registers.
#[cfg(target_arch = "aarch64")]
fn renumber(
    thread: u32,
    number: i32,
    _registers: &mut Registers,
    _layout: &Layout,
) -> io::Result<()> {
    const SYSTEM_CALL: libc::c_long = 0x404; // NT_ARM_SYSTEM_CALL
    let mut word = [u64::from(number.cast_unsigned())];
    transfer(SET, thread, SYSTEM_CALL, &mut word, 4).map(drop)
}

/// Reads or writes a set of registers; how many bytes it has.
fn transfer(
    request: libc::c_long,
    thread: u32,
    set: libc::c_long,
    words: &mut [u64],
    length: usize,
) -> io::Result<usize> {
    let mut part = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: length.min(words.len() * 8),
    };
    // SAFETY: the kernel reads or writes at most `iov_len` bytes, which the borrowed words have,
    // and stores in the live `iovec` how many they were.
    check(unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            request,
            libc::c_long::from(thread),
            set,
            &raw mut part,
        )
    })?;
    Ok(part.iov_len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(length: usize) -> Registers {
        let mut words = [0; WORDS];
        for (at, word) in words.iter_mut().enumerate() {
            let at = at as u64;
            *word = match length <= NARROWEST {
                true => (2 * at) | ((2 * at + 1) << 32),
                false => 0xf_0000_0000 | at,
            };
        }
        Registers { words, length }
    }

    #[test]
    fn calls_are_read_where_the_kernel_puts_them() {
        let wide = filled(WORDS * 8);
        let call = wide.call(false);
        assert_eq!(call.number as usize, NATIVE.number);
        let expected = NATIVE.arguments.map(|at| 0xf_0000_0000 | at as u64);
        assert_eq!(call.arguments, expected);
        let expected = FOREIGN.arguments.map(|at| at as u64);
        assert_eq!(wide.call(true).arguments, expected);
        let narrow = filled(17 * 4).call(true);
        assert_eq!(narrow.number as usize, NARROW.number);
        assert_eq!(narrow.arguments, NARROW.arguments.map(|at| at as u64));
    }

    #[test]
    fn only_the_register_that_is_set_changes() {
        for length in [17 * 4, 27 * 8] {
            let mut registers = filled(length);
            registers.set(3, -13);
            let changed = if length == 17 * 4 {
                0xffff_fff3
            } else {
                -13i64 as u64
            };
            let before = filled(length);
            for at in 0..17 {
                let expected = if at == 3 { changed } else { before.get(at) };
                assert_eq!(registers.get(at), expected);
            }
        }
    }
}

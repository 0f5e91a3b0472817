//! The seccomp program: which system calls the supervisor is asked about, which are refused in
//! the kernel, for each calling convention that a processor takes.
//!
//! Connecting has many doors: `connect`, a send with TCP fast open, io_uring, 32-bit calls, the
//! x32 numbers, SCTP by socket option. Each is asked about or shut here.

use crate::sys::seccomp::Instruction;

/// How closely the calls are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strictness {
    /// Doors that cannot be watched are shut.
    pub(crate) hold: bool,
    /// Single messages with an address are asked about.
    pub(crate) messages: bool,
    /// Questions go to a tracer, not to a listener.
    pub(crate) traced: bool,
}

impl Strictness {
    /// The question about a call. A tracer is told which convention's it is.
    fn ask(self, foreign: bool) -> To {
        To::End(match (self.traced, foreign) {
            (false, _) => ASK,
            (true, false) => TRACE,
            (true, true) => TRACE | 1,
        })
    }
}

/// Numbers of the calls in one calling convention; `None` where it has no such call.
#[derive(Debug)]
pub(crate) struct Calls {
    /// `AUDIT_ARCH_*`.
    pub(crate) architecture: u32,
    pub(crate) connect: u32,
    pub(crate) socket: u32,
    pub(crate) send_to: u32,
    pub(crate) send_message: u32,
    pub(crate) send_messages: u32,
    /// One call for all of them (`socketcall`).
    pub(crate) multiplexed: Option<u32>,
    /// Numbers from [`SECOND_NUMBERS`] on are a second convention.
    pub(crate) second_numbers: bool,
}

pub(crate) const X86_64: Calls = Calls {
    architecture: 0xC000_003E,
    connect: 42,
    socket: 41,
    send_to: 44,
    send_message: 46,
    send_messages: 307,
    multiplexed: None,
    second_numbers: true,
};

pub(crate) const I386: Calls = Calls {
    architecture: 0x4000_0003,
    connect: 362,
    socket: 359,
    send_to: 369,
    send_message: 370,
    send_messages: 345,
    multiplexed: Some(102),
    second_numbers: false,
};

pub(crate) const AARCH64: Calls = Calls {
    architecture: 0xC000_00B7,
    connect: 203,
    socket: 198,
    send_to: 206,
    send_message: 211,
    send_messages: 269,
    multiplexed: None,
    second_numbers: false,
};

pub(crate) const ARM: Calls = Calls {
    architecture: 0x4000_0028,
    connect: 283,
    socket: 281,
    send_to: 290,
    send_message: 296,
    send_messages: 374,
    multiplexed: Some(102),
    second_numbers: false,
};

/// The same number everywhere: they came after the tables were made one.
pub(crate) const IO_URING_SETUP: u32 = 425;
const IO_URING_ENTER: u32 = 426;
const IO_URING_REGISTER: u32 = 427;
pub(crate) const LANDLOCK_RESTRICT_SELF: u32 = 446;

/// Where x32 begins.
const SECOND_NUMBERS: u32 = 0x4000_0000;

/// `socketcall`'s own numbers.
pub(crate) const MULTIPLEXED_CONNECT: u32 = 3;

/// The conventions of this build's processor: its own and the 32-bit one it also takes.
pub(crate) fn native() -> Option<(&'static Calls, &'static Calls)> {
    if cfg!(target_arch = "x86_64") {
        Some((&X86_64, &I386))
    } else if cfg!(target_arch = "aarch64") {
        Some((&AARCH64, &ARM))
    } else {
        None
    }
}

const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
const EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const ANY_BIT: u16 = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN: u16 = 0x06; // BPF_RET | BPF_K

pub(crate) const ALLOW: u32 = 0x7fff_0000;
pub(crate) const ASK: u32 = 0x7fc0_0000;
pub(crate) const TRACE: u32 = 0x7ff0_0000;
pub(crate) const ERRNO: u32 = 0x0005_0000;

const ENOSYS: u32 = 38;
const EPROTONOSUPPORT: u32 = 93;
const EOPNOTSUPP: u32 = 95;
const EAFNOSUPPORT: u32 = 97;
const MSG_FASTOPEN: u32 = 0x2000_0000;

const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// Where a step goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    /// So many steps further: 0 is the next.
    Skip(usize),
    /// The filter ends with this action.
    End(u32),
}

const NEXT: To = To::Skip(0);
const PASS: To = To::End(ALLOW);

/// A step whose ends are still named: all that end the same way share one last instruction.
#[derive(Debug, Clone, Copy)]
struct Planned {
    code: u16,
    value: u32,
    jump_true: To,
    jump_false: To,
}

type Steps = Vec<Planned>;

fn when(code: u16, value: u32, jump_true: To, jump_false: To) -> Planned {
    Planned {
        code,
        value,
        jump_true,
        jump_false,
    }
}

fn load(offset: u32) -> Planned {
    when(LOAD, offset, NEXT, NEXT)
}

/// Loads the low half of an argument (both processors are little-endian).
fn load_argument(index: u32) -> Planned {
    load(16 + 8 * index)
}

fn load_argument_high(index: u32) -> Planned {
    load(20 + 8 * index)
}

fn refuse(errno: u32) -> To {
    To::End(ERRNO | errno)
}

/// A call that is not simply allowed.
#[derive(Debug)]
struct Door {
    number: u32,
    what: What,
}

/// What decides about it.
#[derive(Debug)]
enum What {
    /// Nothing more.
    At(To),
    /// Steps that always end by themselves.
    By(Steps),
}

fn door(number: u32, to: To) -> Door {
    let what = What::At(to);
    Door { number, what }
}

fn closer(number: u32, steps: Steps) -> Door {
    let what = What::By(steps);
    Door { number, what }
}

/// Numbers closer to each other than this are looked through one after the other.
const NEAR: u32 = 16;

/// The whole program.
pub(crate) fn program(native: &Calls, foreign: &Calls, how: Strictness) -> Vec<Instruction> {
    let mut steps = vec![load(ARCHITECTURE)];
    for (calls, doors, other) in [
        (foreign, foreign_calls(foreign, how), NEXT),
        (native, native_calls(native, how), refuse(ENOSYS)),
    ] {
        let body = search(doors);
        let other = match other {
            To::Skip(_) => To::Skip(body.len()),
            end => end,
        };
        steps.push(when(EQUAL, calls.architecture, NEXT, other));
        steps.extend(body);
    }
    assemble(&steps)
}

/// Puts the shared ends behind the steps, and distances in the place of names.
fn assemble(steps: &Steps) -> Vec<Instruction> {
    let mut ends: Vec<u32> = Vec::new();
    let mut distance = |at: usize, to: To| match to {
        To::Skip(further) => further,
        To::End(action) => {
            let known = ends.iter().position(|end| *end == action);
            let place = known.unwrap_or_else(|| {
                ends.push(action);
                ends.len() - 1
            });
            steps.len() + place - at - 1
        }
    };
    let mut program = Vec::with_capacity(steps.len() + 8);
    for (at, step) in steps.iter().enumerate() {
        // A test that checks the program holds it to what a conditional jump reaches.
        let mut jump = |to| u8::try_from(distance(at, to)).unwrap_or(u8::MAX);
        program.push(Instruction {
            code: step.code,
            jump_true: jump(step.jump_true),
            jump_false: jump(step.jump_false),
            value: step.value,
        });
    }
    program.extend(ends.into_iter().map(|action| Instruction {
        code: RETURN,
        jump_true: 0,
        jump_false: 0,
        value: action,
    }));
    program
}

/// Near doors, looked through one after the other.
struct Group<'d> {
    doors: &'d [Door],
    first: u32,
    last: u32,
}

/// Finds the door of a number. When a filter is installed the kernel runs it for each number of
/// each convention, so what counts is how soon those between the doors leave.
fn search(mut doors: Vec<Door>) -> Steps {
    doors.sort_by_key(|door| door.number);
    let mut groups = Vec::new();
    let mut rest = doors.as_slice();
    while let Some((first, later)) = rest.split_first() {
        let mut last = first.number;
        let near = later.iter().take_while(|door| {
            let near = door.number - last < NEAR;
            last = if near { door.number } else { last };
            near
        });
        let (doors, others) = rest.split_at(1 + near.count());
        rest = others;
        let to_the_end = first.number == SECOND_NUMBERS;
        groups.push(Group {
            doors,
            first: first.number,
            last: if to_the_end { u32::MAX } else { last },
        });
    }
    let mut steps = vec![load(NUMBER)];
    steps.extend(divide(&groups, 0, u32::MAX).1);
    steps
}

/// The way through the numbers from `low` to `high`, halved by how many calls there are: where it
/// begins, and its steps.
fn divide(groups: &[Group<'_>], low: u32, high: u32) -> (To, Steps) {
    if let [group] = groups {
        match group.doors {
            [
                Door {
                    what: What::At(to), ..
                },
            ] if (group.first, group.last) == (low, high) => return (*to, Steps::new()),
            // Its numbers are not looked through one by one.
            _ if group.first == SECOND_NUMBERS => {}
            doors if calls_between(low, high) < calls_between(group.first, group.last) + NEAR => {
                return (NEXT, group_tests(doors));
            }
            _ => {}
        }
    }
    let edges = groups
        .iter()
        .flat_map(|group| [group.first, group.last.saturating_add(1)]);
    let uneven = |cut: &u32| calls_between(low, cut - 1).abs_diff(calls_between(*cut, high));
    let cuts = edges.filter(|cut| (low + 1..=high).contains(cut));
    let Some(cut) = cuts.min_by_key(uneven) else {
        return (PASS, Steps::new());
    };
    let (below, above) = groups.split_at(groups.partition_point(|group| group.last < cut));
    let (below, left) = divide(below, low, cut - 1);
    let (above, right) = divide(above, cut, high);
    let above = match above {
        To::Skip(_) => To::Skip(left.len()),
        end => end,
    };
    let mut steps = vec![when(AT_LEAST, cut, above, below)];
    steps.extend(left);
    steps.extend(right);
    (NEXT, steps)
}

/// About how many calls have a number in that range.
fn calls_between(low: u32, high: u32) -> u32 {
    /// The tables end about here.
    const CALLS: u32 = 470;
    (high.min(CALLS) + 1).saturating_sub(low)
}

/// Looks through near numbers; the last one that does not match is allowed.
fn group_tests(group: &[Door]) -> Steps {
    let mut steps = Steps::new();
    for (at, door) in group.iter().enumerate() {
        let is_last = at + 1 == group.len();
        let (to, body) = match &door.what {
            What::At(to) => (*to, [].as_slice()),
            What::By(body) => (NEXT, body.as_slice()),
        };
        let other = match is_last {
            true => PASS,
            false => To::Skip(body.len()),
        };
        steps.push(when(EQUAL, door.number, to, other));
        steps.extend(body);
    }
    steps
}

const RINGS: [u32; 3] = [IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER];

fn native_calls(calls: &Calls, how: Strictness) -> Vec<Door> {
    let ask = how.ask(false);
    let mut doors = vec![
        door(calls.connect, ask),
        closer(calls.send_to, send_to(how)),
        closer(calls.send_message, send_message(2, how)),
        closer(calls.send_messages, send_message(3, how)),
        door(LANDLOCK_RESTRICT_SELF, ask),
    ];
    if calls.second_numbers {
        doors.push(door(SECOND_NUMBERS, refuse(ENOSYS)));
    }
    if how.hold {
        doors.push(closer(calls.socket, socket()));
        doors.extend(RINGS.map(|number| door(number, refuse(ENOSYS))));
    } else {
        doors.push(door(IO_URING_SETUP, ask));
    }
    doors
}

/// Fast open is a connect in disguise; without it every client falls back to `connect`.
fn send_to(how: Strictness) -> Steps {
    let mut steps = send_message(3, how);
    if how.messages {
        steps.pop();
        steps.extend([
            when(ANY_BIT, MSG_FASTOPEN, refuse(EOPNOTSUPP), NEXT),
            load_argument(4),
            when(EQUAL, 0, NEXT, how.ask(false)),
            load_argument_high(4),
            when(EQUAL, 0, PASS, how.ask(false)),
        ]);
    }
    steps
}

fn send_message(flags: u32, how: Strictness) -> Steps {
    let other = if how.messages { how.ask(false) } else { PASS };
    vec![
        load_argument(flags),
        when(ANY_BIT, MSG_FASTOPEN, refuse(EOPNOTSUPP), other),
    ]
}

/// Unix, IPv4, IPv6, netlink, the kernel's ciphers; of IP only stream, datagram and raw, and neither SCTP (which
/// connects by socket option) nor DCCP.
fn socket() -> Steps {
    let protocol = refuse(EPROTONOSUPPORT);
    vec![
        load_argument(0),
        when(EQUAL, 1, PASS, NEXT),
        when(EQUAL, 16, PASS, NEXT),
        when(EQUAL, 38, PASS, NEXT),
        when(EQUAL, 2, To::Skip(1), NEXT),
        when(EQUAL, 10, NEXT, refuse(EAFNOSUPPORT)),
        load_argument(2),
        when(EQUAL, 132, protocol, NEXT),
        when(EQUAL, 33, protocol, NEXT),
        load_argument(1),
        when(AND, 0xf, NEXT, NEXT),
        when(AT_LEAST, 4, protocol, PASS),
    ]
}

/// 32-bit calls of a 64-bit machine: rarely used and not worth a second supervisor. Held: there
/// are none. Watched: asked about as far as the address can be seen.
fn foreign_calls(calls: &Calls, how: Strictness) -> Vec<Door> {
    let ask = how.ask(true);
    let mut doors = vec![door(LANDLOCK_RESTRICT_SELF, ask)];
    if how.hold {
        let shut = [
            Some(calls.connect),
            Some(calls.send_to),
            Some(calls.send_message),
            Some(calls.send_messages),
            calls.multiplexed,
        ];
        let shut = shut.into_iter().flatten().chain(RINGS);
        doors.extend(shut.map(|number| door(number, refuse(ENOSYS))));
    } else {
        doors.extend([calls.connect, IO_URING_SETUP].map(|number| door(number, ask)));
        if let Some(number) = calls.multiplexed {
            let steps = vec![
                load_argument(0),
                when(EQUAL, MULTIPLEXED_CONNECT, ask, PASS),
            ];
            doors.push(closer(number, steps));
        }
    }
    doors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do: its interpreter, as far as the program uses it.
    fn run(program: &[Instruction], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = Vec::new();
        data.extend(number.to_le_bytes());
        data.extend(architecture.to_le_bytes());
        data.extend([0; 8]);
        for argument in arguments {
            data.extend(argument.to_le_bytes());
        }
        let mut accumulator = 0u32;
        let mut at = 0usize;
        loop {
            let step = program[at];
            at += 1;
            let jump = |condition: bool| {
                usize::from(if condition {
                    step.jump_true
                } else {
                    step.jump_false
                })
            };
            match step.code {
                LOAD => {
                    let offset = step.value as usize;
                    assert_eq!(offset % 4, 0);
                    accumulator = u32::from_le_bytes(data[offset..offset + 4].try_into().unwrap());
                }
                AND => accumulator &= step.value,
                EQUAL => at += jump(accumulator == step.value),
                AT_LEAST => at += jump(accumulator >= step.value),
                ANY_BIT => at += jump(accumulator & step.value != 0),
                RETURN => return step.value,
                other => panic!("no such instruction: {other:#x}"),
            }
        }
    }

    const HOLD: Strictness = Strictness {
        hold: true,
        messages: true,
        traced: false,
    };
    const WATCH: Strictness = Strictness {
        hold: false,
        messages: false,
        traced: false,
    };
    const FAST: u64 = MSG_FASTOPEN as u64;

    fn no(errno: u32) -> u32 {
        ERRNO | errno
    }

    #[test]
    fn both_processors_hold_the_same_doors() {
        for (native, foreign) in [(&X86_64, &I386), (&AARCH64, &ARM)] {
            let program = program(native, foreign, HOLD);
            let native_call =
                |number, arguments| run(&program, native.architecture, number, arguments);
            assert_eq!(native_call(native.connect, [3, 1, 16, 0, 0, 0]), ASK);
            assert_eq!(native_call(native.send_to, [3, 1, 9, 0, 0, 0]), ALLOW);
            assert_eq!(native_call(native.send_to, [3, 1, 9, 0, 1, 16]), ASK);
            assert_eq!(native_call(native.send_to, [3, 1, 9, 0, 1 << 32, 16]), ASK);
            assert_eq!(
                native_call(native.send_to, [3, 1, 9, FAST, 1, 16]),
                no(EOPNOTSUPP)
            );
            assert_eq!(
                native_call(native.send_message, [3, 1, FAST | 64, 0, 0, 0]),
                no(EOPNOTSUPP)
            );
            assert_eq!(native_call(native.send_message, [3, 1, 64, 0, 0, 0]), ASK);
            assert_eq!(
                native_call(native.send_messages, [3, 1, 2, FAST, 0, 0]),
                no(EOPNOTSUPP)
            );
            assert_eq!(
                native_call(native.send_messages, [3, 1, FAST, 0, 0, 0]),
                ASK
            );
            for number in [IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER] {
                assert_eq!(native_call(number, [0; 6]), no(ENOSYS));
            }
            assert_eq!(native_call(LANDLOCK_RESTRICT_SELF, [0; 6]), ASK);
            // open, openat, write, execve and the last of the table
            for number in [0, 1, 2, 56, 64, 221, 257, 59, 450] {
                assert_eq!(native_call(number, [1; 6]), ALLOW, "{number}");
            }
            for number in [foreign.connect, foreign.send_to, foreign.send_message] {
                assert_eq!(
                    run(&program, foreign.architecture, number, [0; 6]),
                    no(ENOSYS)
                );
            }
            assert_eq!(
                run(&program, foreign.architecture, 102, [3, 0, 0, 0, 0, 0]),
                no(ENOSYS)
            );
            assert_eq!(run(&program, foreign.architecture, 4, [0; 6]), ALLOW);
            assert_eq!(run(&program, 0xC000_0015, 4, [0; 6]), no(ENOSYS));
        }
    }

    #[test]
    fn second_numbers_are_shut() {
        let program = program(&X86_64, &I386, WATCH);
        let x32 = 0x4000_0000 + X86_64.connect;
        assert_eq!(run(&program, X86_64.architecture, x32, [0; 6]), no(ENOSYS));
        assert_eq!(
            run(&program, X86_64.architecture, u32::MAX, [0; 6]),
            no(ENOSYS)
        );
    }

    #[test]
    fn sockets_that_cannot_be_judged_are_not_made() {
        let program = program(&X86_64, &I386, HOLD);
        let cases: &[(u64, u64, u64, u32)] = &[
            (1, 1, 0, ALLOW),
            (1, 5, 0, ALLOW),
            (2, 1, 6, ALLOW),
            (2, 1 | 0o2004000, 0, ALLOW),
            (2, 2, 17, ALLOW),
            (10, 1, 262, ALLOW),
            (10, 3, 58, ALLOW),
            (16, 3, 0, ALLOW),
            (38, 5, 0, ALLOW),
            (2, 1, 132, no(EPROTONOSUPPORT)),
            (2, 5, 0, no(EPROTONOSUPPORT)),
            (10, 5 | 0o2000000, 0, no(EPROTONOSUPPORT)),
            (2, 6, 0, no(EPROTONOSUPPORT)),
            (2, 6, 33, no(EPROTONOSUPPORT)),
            (2, 10, 0, no(EPROTONOSUPPORT)),
            (40, 1, 0, no(EAFNOSUPPORT)),
            (43, 1, 0, no(EAFNOSUPPORT)),
            (17, 3, 0, no(EAFNOSUPPORT)),
        ];
        for &(family, kind, protocol, expected) in cases {
            assert_eq!(
                run(
                    &program,
                    X86_64.architecture,
                    X86_64.socket,
                    [family, kind, protocol, 0, 0, 0]
                ),
                expected,
                "socket({family}, {kind}, {protocol})"
            );
        }
    }

    #[test]
    fn watching_shuts_only_what_has_a_fall_back() {
        let program = program(&X86_64, &I386, WATCH);
        let native = |number, arguments| run(&program, X86_64.architecture, number, arguments);
        let foreign = |number, arguments| run(&program, I386.architecture, number, arguments);
        assert_eq!(native(X86_64.connect, [0; 6]), ASK);
        assert_eq!(native(X86_64.socket, [40, 1, 0, 0, 0, 0]), ALLOW);
        assert_eq!(native(IO_URING_SETUP, [0; 6]), ASK);
        assert_eq!(native(IO_URING_ENTER, [0; 6]), ALLOW);
        assert_eq!(native(X86_64.send_to, [3, 1, 9, 0, 1, 16]), ALLOW);
        assert_eq!(
            native(X86_64.send_to, [3, 1, 9, FAST, 1, 16]),
            no(EOPNOTSUPP)
        );
        assert_eq!(native(X86_64.send_message, [3, 1, 0, 0, 0, 0]), ALLOW);
        assert_eq!(foreign(I386.connect, [0; 6]), ASK);
        assert_eq!(foreign(102, [3, 0, 0, 0, 0, 0]), ASK);
        assert_eq!(foreign(102, [1, 0, 0, 0, 0, 0]), ALLOW);
    }

    #[test]
    fn a_tracer_is_asked_the_same_and_told_of_whom() {
        for (native, foreign) in [(&X86_64, &I386), (&AARCH64, &ARM)] {
            for how in [HOLD, WATCH] {
                let traced = Strictness {
                    traced: true,
                    ..how
                };
                let (listened, traced) = (
                    program(native, foreign, how),
                    program(native, foreign, traced),
                );
                assert!(
                    !traced
                        .iter()
                        .any(|step| step.code == RETURN && step.value == ASK)
                );
                let questions = [
                    (native.architecture, TRACE),
                    (foreign.architecture, TRACE | 1),
                ];
                for (architecture, question) in questions {
                    for number in (0..470).chain([SECOND_NUMBERS]) {
                        let arguments = [3, 1, 9, 0, 1, 16];
                        let expected = match run(&listened, architecture, number, arguments) {
                            ASK => question,
                            other => other,
                        };
                        assert_eq!(run(&traced, architecture, number, arguments), expected);
                    }
                }
            }
        }
    }

    #[test]
    fn the_program_is_short_and_ends() {
        for how in [HOLD, WATCH] {
            let program = program(&X86_64, &I386, how);
            // No distance is longer than a conditional jump reaches.
            assert!(program.len() < 80, "{}", program.len());
            assert_eq!(program.last().unwrap().code, RETURN);
        }
    }

    /// The kernel runs the program for each number when it is installed: that is its price.
    #[test]
    fn usual_numbers_leave_early() {
        for how in [HOLD, WATCH] {
            let program = program(&X86_64, &I386, how);
            let mut taken = 0;
            for architecture in [X86_64.architecture, I386.architecture] {
                for number in 0..470 {
                    taken += steps(&program, architecture, number);
                }
            }
            let average = taken as f64 / 940.0;
            assert!(average < 8.0, "{average} steps");
        }
    }

    /// How many instructions a number passes until it is decided, or an argument is asked for.
    fn steps(program: &[Instruction], architecture: u32, number: u32) -> usize {
        let (mut at, mut taken, mut accumulator) = (0, 0, 0);
        loop {
            let step = program[at];
            (at, taken) = (at + 1, taken + 1);
            let holds = match step.code {
                LOAD if step.value == NUMBER => Some(number),
                LOAD if step.value == ARCHITECTURE => Some(architecture),
                LOAD | RETURN => return taken,
                _ => None,
            };
            accumulator = holds.unwrap_or(accumulator);
            let jumps = match step.code {
                EQUAL => accumulator == step.value,
                AT_LEAST => accumulator >= step.value,
                _ => continue,
            };
            at += usize::from(if jumps {
                step.jump_true
            } else {
                step.jump_false
            });
        }
    }

    #[test]
    fn numbers_between_the_doors_are_allowed() {
        for (native, foreign) in [(&X86_64, &I386), (&AARCH64, &ARM)] {
            for how in [HOLD, WATCH] {
                let program = program(native, foreign, how);
                let conventions = [
                    (native.architecture, native_calls(native, how)),
                    (foreign.architecture, foreign_calls(foreign, how)),
                ];
                for (architecture, doors) in conventions {
                    for number in (0..1000).chain(SECOND_NUMBERS - 5..SECOND_NUMBERS) {
                        if doors.iter().all(|door| door.number != number) {
                            assert_eq!(run(&program, architecture, number, [1; 6]), ALLOW);
                        }
                    }
                }
            }
        }
    }
}

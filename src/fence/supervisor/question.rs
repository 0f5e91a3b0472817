//! What a waiting system call asks for, in any calling convention.

use std::os::fd::RawFd;

use crate::fence::filter::{self, Calls};
use crate::sys::seccomp::Notification;

/// What a waiting call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Connect {
        socket: RawFd,
        address: u64,
        length: i32,
    },
    Message {
        address: u64,
        length: i32,
    },
    Header {
        address: u64,
    },
    Headers {
        address: u64,
        count: u64,
    },
    Multiplexed {
        arguments: u64,
    },
    Ring,
    OwnSandbox,
    Unknown,
}

impl Question {
    pub(super) fn of(notification: &Notification, native: &Calls, foreign: &Calls) -> Question {
        let number = notification.number as u32;
        let [a, b, c, _, e, f] = notification.arguments;
        let calls = match notification.architecture {
            architecture if architecture == native.architecture => native,
            architecture if architecture == foreign.architecture => foreign,
            _ => return Question::Unknown,
        };
        match number {
            _ if number == calls.connect => Question::Connect {
                socket: a as RawFd,
                address: b,
                length: c as i32,
            },
            _ if number == calls.send_to => Question::Message {
                address: e,
                length: f as i32,
            },
            _ if number == calls.send_message => Question::Header { address: b },
            _ if number == calls.send_messages => Question::Headers {
                address: b,
                count: c & 0xffff_ffff,
            },
            _ if Some(number) == calls.multiplexed => Question::Multiplexed { arguments: b },
            filter::IO_URING_SETUP => Question::Ring,
            filter::LANDLOCK_RESTRICT_SELF => Question::OwnSandbox,
            _ => Question::Unknown,
        }
    }
}

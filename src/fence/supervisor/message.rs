//! Single messages with a destination: judged, then left to the kernel.

use super::{Supervisor, Unread, errno};
use crate::fence::endpoint::{Endpoint, LONGEST};
use crate::fence::policy::Kind;
use crate::fence::report::Outcome;
use crate::fence::task;
use crate::sys::seccomp::{Answer, Notification};

/// Sizes of `struct msghdr` and `struct mmsghdr` on 64-bit machines; both begin with the name's
/// address and length.
pub(super) const HEADER: usize = 56;
pub(super) const HEADERS: usize = 64;

impl Supervisor {
    pub(super) fn judge_message(
        &mut self,
        notification: &Notification,
        address: u64,
        length: i32,
    ) -> Answer {
        let bytes = match self.read_address(notification, address, length) {
            Ok(bytes) => bytes,
            // What we cannot read the kernel may: it gets no second look at it.
            Err(Unread::Errno(errno @ task::EFAULT)) => return Answer::Errno(errno),
            // The kernel says what is wrong with it.
            Err(Unread::Errno(_)) => return Answer::Continue,
            Err(Unread::Unknown) => {
                self.ledger.unjudged += 1;
                return self.unjudged_answer();
            }
        };
        let Ok(endpoint) = Endpoint::decode_destination(&bytes) else {
            return Answer::Continue;
        };
        let thread = notification.thread;
        let judgement = match &endpoint {
            Endpoint::Ip(address, port) => self.policy.judge_ip(*address, *port, Kind::Message),
            Endpoint::UnixPath(path) => match self.pin(thread, path) {
                Ok((_, identity)) => self.judge_unix(&endpoint, Some(identity)),
                Err(_) => return Answer::Continue,
            },
            Endpoint::UnixAbstract(_) => self.judge_unix(&endpoint, None),
            Endpoint::Unspecified | Endpoint::Other(_) => return Answer::Continue,
        };
        if !self.refuses(&judgement) {
            return Answer::Continue;
        }
        self.ledger.note(
            thread,
            &endpoint,
            Kind::Message,
            &judgement,
            Outcome::Refused,
        );
        Answer::Errno(errno::EACCES)
    }

    /// The `msghdr` structures of a send: each names its own destination.
    pub(super) fn judge_headers(
        &mut self,
        notification: &Notification,
        address: u64,
        count: u64,
        size: usize,
    ) -> Answer {
        let mut headers = vec![0; size * usize::try_from(count).unwrap_or(0)];
        if task::read_memory(notification.thread, address, &mut headers).is_err() {
            // An unreadable list is the kernel's to complain of, unless it is closed to us only.
            let readable = task::read_memory(notification.thread, address, &mut [0; 1]);
            return match readable {
                Err(error) if error.raw_os_error() == Some(task::EFAULT) => {
                    Answer::Errno(task::EFAULT)
                }
                _ => self.unjudged_answer(),
            };
        }
        for header in headers.chunks_exact(size) {
            let name = header
                .first_chunk::<8>()
                .map_or(0, |b| u64::from_ne_bytes(*b));
            let length = header.get(8..).and_then(|rest| rest.first_chunk::<4>());
            let length = length.map_or(0, |bytes| i32::from_ne_bytes(*bytes));
            if name == 0 || length == 0 {
                continue;
            }
            // The kernel cuts what is too long, where a plain send refuses it.
            let length = length.min(LONGEST as i32);
            let answer = self.judge_message(notification, name, length);
            if answer != Answer::Continue {
                return answer;
            }
        }
        Answer::Continue
    }
}

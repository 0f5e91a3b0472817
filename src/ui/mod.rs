//! What people see: knows types, decides nothing.

pub mod journal;
pub mod page;
pub mod report;
pub mod sanitize;
pub mod settings;

use std::io::{self, IsTerminal, Write};

/// The two output streams. Data goes to `out`, all else to `err`; a closed pipe is no error.
pub struct Ui {
    out: io::Stdout,
    err: io::Stderr,
    colour: Colour,
    /// A person reads `err`.
    attended: bool,
    closed: bool,
}

/// Where colour may be used.
#[derive(Debug, Clone, Copy, Default)]
struct Colour {
    out: bool,
    err: bool,
}

/// A piece of text with a meaning that colour may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    Plain,
    /// A heading or label.
    Label,
    /// Allowed, intact.
    Good,
    /// Refused, broken.
    Bad,
    /// Worth a look.
    Note,
}

impl Ui {
    /// The process's own streams. Colour only on terminals, never with `NO_COLOR` set.
    pub fn new(variable: &dyn Fn(&str) -> Option<String>) -> Ui {
        let set = |name| variable(name).is_some_and(|v| !v.is_empty());
        let forced = set("CLICOLOR_FORCE");
        let off = set("NO_COLOR") || variable("TERM").as_deref() == Some("dumb");
        let (out, err) = (io::stdout(), io::stderr());
        let allowed = |terminal: bool| !off && (terminal || forced);
        let colour = Colour {
            out: allowed(out.is_terminal()),
            err: allowed(err.is_terminal()),
        };
        Ui {
            attended: err.is_terminal(),
            out,
            err,
            colour,
            closed: false,
        }
    }

    /// Whether messages go to a terminal.
    pub fn is_attended(&self) -> bool {
        self.attended
    }

    /// Whether data goes to a terminal.
    pub fn is_read(&self) -> bool {
        self.out.is_terminal()
    }

    /// Writes data.
    pub fn data(&mut self, text: &str) {
        let written = self.out.write_all(text.as_bytes());
        self.closed |= written.and_then(|()| self.out.flush()).is_err();
    }

    /// Writes JSON.
    pub fn json(&mut self, text: &str) {
        self.data(&sanitize::json(text));
    }

    /// Nobody reads the data any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Writes a message.
    pub fn message(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    /// Says what went wrong, and what to do next.
    pub fn error(&mut self, what: &str, hints: &[String]) {
        let mut text = format!(
            "{} {}\n",
            paint(self.colour.err, Tone::Bad, "tagout: error:"),
            sanitize::line(what)
        );
        for hint in hints {
            text.push_str(&format!(
                "{} {}\n",
                paint(self.colour.err, Tone::Note, "hint:"),
                sanitize::line(hint)
            ));
        }
        self.message(&text);
    }

    /// Whether data may be coloured.
    pub fn colours_data(&self) -> bool {
        self.colour.out
    }

    /// Whether messages may be coloured.
    pub fn colours_messages(&self) -> bool {
        self.colour.err
    }
}

/// The text in the colour of its meaning, where colour is on.
pub fn paint(on: bool, tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Label => "1",
        Tone::Good => "32",
        Tone::Bad => "1;31",
        Tone::Note => "33",
    };
    if on {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

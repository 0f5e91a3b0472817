//! Scripts that a client reads before or instead of standard input: each file once judged, files
//! that it includes followed, all of it bounded.

use std::path::{Path, PathBuf};

use crate::command::sql::{Event, SqlReading};
use crate::command::{Action, Command, Effect, Opt, Place, Reach, Stdin, World};

/// How deep files may include files, and how many are read.
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 64;

/// Reads a client's texts into a command.
pub(super) struct Scripts<'a> {
    pub(super) command: Command,
    world: &'a World<'a>,
    read: &'a dyn Fn(&str) -> SqlReading,
    files: usize,
}

impl<'a> Scripts<'a> {
    pub(super) fn new(
        command: Command,
        world: &'a World<'a>,
        read: &'a dyn Fn(&str) -> SqlReading,
    ) -> Self {
        Scripts {
            command,
            world,
            read,
            files: 0,
        }
    }

    /// An action that can do anything.
    pub(super) fn opaque(&mut self, name: &'static str, why: impl Into<String>) {
        let action = Action::new(name, Effect::Opaque, why.into());
        self.command.actions.push(action);
    }

    /// Adds what was made of a text that stands at `place`; `folder` is the script's own.
    pub(super) fn absorb(
        &mut self,
        reading: &SqlReading,
        place: &str,
        folder: &Path,
        depth: usize,
    ) {
        self.command.actions.extend(reading.actions(place));
        if reading.statements.iter().any(|s| s.why == "runs a program") {
            // What it reaches has nothing to do with where the client is connected.
            self.reach(Reach::Unknown("a program that is started".to_owned()));
        }
        for event in &reading.events {
            match event {
                Event::Reach(reach) => self.reach(reach.clone()),
                Event::Include { path, beside } => {
                    let base = if *beside {
                        folder.to_owned()
                    } else {
                        self.command.step.cwd.clone()
                    };
                    let path = crate::files::lexical(&base.join(path));
                    self.file(&path, depth + 1);
                }
            }
        }
    }

    fn reach(&mut self, reach: Reach) {
        // A script may switch back and forth; its places are few.
        if self.command.reaches.len() < 256 {
            self.command.reaches.push(reach);
        }
    }

    /// Judges an option's text.
    pub(super) fn option(&mut self, option: &Opt, reading: impl Fn(&str) -> SqlReading) {
        match (&option.unknown, &option.value) {
            (Some(why), _) => self.opaque("SQL", format!("{} is not literal: {why}", option.name)),
            (None, Some(text)) => {
                let folder = self.command.step.cwd.clone();
                let reading = reading(text);
                self.absorb(&reading, &option.name, &folder, 0);
            }
            (None, None) => {}
        }
    }

    /// Judges a file.
    pub(super) fn file(&mut self, path: &Path, depth: usize) {
        self.files += 1;
        if depth > MAX_DEPTH || self.files > MAX_FILES {
            self.opaque("script", "too many files inside files to follow");
            return;
        }
        if let Place::Elsewhere(place) = &self.command.step.place {
            let why = format!("{} lies in `{place}`", path.display());
            self.opaque("script", why);
            return;
        }
        if self.command.step.cwd_unknown.is_some() && !path.is_absolute() {
            self.opaque("script", "its directory is not known");
            return;
        }
        match self.world.files.read_text(path) {
            Ok(text) => {
                let shown = crate::files::shown(path, &self.command.step.cwd);
                let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
                let reading = (self.read)(&text);
                self.absorb(&reading, &shown, &folder, depth);
                self.mistaken(&text, &shown);
                let foreign = |s: &crate::command::sql::Statement| {
                    s.name == "SQL" && s.effect == Effect::Opaque
                };
                if reading.statements.iter().any(foreign) {
                    self.reach(Reach::Unknown(format!("{shown} cannot be read as SQL")));
                }
            }
            Err(e) => self.opaque("script", format!("{}: {e}", path.display())),
        }
    }

    /// A text whose bytes are no UTF-8: in some encodings a byte that looks like a backslash or a
    /// backtick is the second half of a letter before it.
    fn mistaken(&mut self, text: &str, place: &str) {
        if ["\u{FFFD}\\", "\u{FFFD}`"].iter().any(|m| text.contains(m)) {
            self.opaque(
                "SQL",
                format!("{place} is in an encoding that is not known"),
            );
        }
    }

    /// A text that cannot be read can do anything, and can go anywhere.
    fn unread(&mut self, why: String) {
        self.reach(Reach::Unknown(format!(
            "another database may be chosen there: {why}"
        )));
        self.opaque("standard input", why);
    }

    /// Judges standard input; a stream is read for it.
    pub(super) fn stdin(&mut self) {
        match self.command.step.stdin.clone().read() {
            Stdin::Null => {}
            Stdin::Text(text, source) => {
                let folder = self.command.step.cwd.clone();
                let reading = (self.read)(&text);
                self.absorb(&reading, source.text(), &folder, 0);
                self.mistaken(&text, source.text());
            }
            Stdin::File(path) => self.file(&path, 0),
            Stdin::Terminal => self.opaque("console", "somebody types what it does"),
            Stdin::Inherited | Stdin::Stream(_) => {
                self.unread("what standard input says is not known beforehand".to_owned());
            }
            Stdin::Unknown(why) => self.unread(why),
        }
    }
}

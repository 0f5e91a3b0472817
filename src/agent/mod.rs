//! Coding agents: reads what an agent's hook says of a command before it runs, and answers in
//! exactly the agent's protocol. In doubt the answer is a refusal; nothing here runs the command.

mod answer;
mod call;
mod canary;
mod judge;
mod line;
mod settings;

pub use answer::{Answer, Approval, deny_text, encode};
pub use call::{Asked, Call, Event, MAX_INPUT, read};
pub use canary::{CANARY_LINE, Canary, HARMLESS_LINE, canary, refuses};
pub use judge::{Outcome, Planner, Rules, decide};
pub use line::{simple_words, split_leading_cd, starts_nothing};
pub use settings::{Installed, Place, command_line, found_in, places, snippet};

/// The agents whose protocol is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
    /// GitHub Copilot CLI.
    Copilot,
    /// Cursor.
    Cursor,
}

impl Agent {
    /// All of them with the words of `--agent`.
    pub const WORDS: &[(&str, Agent)] = &[
        ("claude", Agent::Claude),
        ("codex", Agent::Codex),
        ("gemini", Agent::Gemini),
        ("copilot", Agent::Copilot),
        ("cursor", Agent::Cursor),
    ];

    /// The agent of that word.
    pub fn from_word(word: &str) -> Option<Agent> {
        let mut words = Agent::WORDS.iter();
        words.find(|(w, _)| *w == word).map(|(_, agent)| *agent)
    }

    /// The word of `--agent`.
    pub fn word(self) -> &'static str {
        let mut words = Agent::WORDS.iter();
        words.find(|(_, a)| *a == self).map_or("", |(word, _)| word)
    }

    /// The name that people know it by.
    pub fn title(self) -> &'static str {
        match self {
            Agent::Claude => "Claude Code",
            Agent::Codex => "Codex",
            Agent::Gemini => "Gemini CLI",
            Agent::Copilot => "GitHub Copilot CLI",
            Agent::Cursor => "Cursor",
        }
    }
}

//! The parts of a shell script.

use std::cell::OnceCell;
use std::rc::Rc;

/// Commands in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// Each with its `&&` and `||` tail.
    pub items: Vec<AndOr>,
}

/// Pipelines joined by `&&` and `||`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AndOr {
    /// The first one.
    pub first: Pipeline,
    /// The others; `true` for `&&`.
    pub rest: Vec<(bool, Pipeline)>,
    /// Followed by `&`.
    pub background: bool,
}

/// Commands joined by `|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Started with `!`.
    pub negated: bool,
    /// The commands.
    pub commands: Vec<Command>,
}

/// One command with its redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it is.
    pub node: Node,
    /// Redirections, in order.
    pub redirects: Vec<Redirect>,
    /// Where it starts in the script's text, bytes.
    pub at: usize,
}

/// The kinds of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// `A=b program words`.
    Simple {
        /// Assignments before the program.
        assigns: Vec<Assign>,
        /// Program and words.
        words: Vec<Word>,
    },
    /// `{ list; }`, and `coproc list`.
    Group(List),
    /// `( list )`.
    Subshell(List),
    /// `if`, with each condition and body; the `else` part has no condition.
    If(Vec<(Option<List>, List)>),
    /// `while` and `until`.
    Loop(List, List),
    /// `for name in words` and `select`; no words: the parameters.
    For(String, Option<Vec<Word>>, List),
    /// `for ((...))`: what stands in the parentheses, and the body.
    ForArithmetic(Word, List),
    /// `case`: the word, the patterns and the bodies.
    Case(Word, Vec<CaseArm>),
    /// A function definition.
    Function(String, Rc<Command>),
    /// `[[ words ]]`.
    Condition(Vec<Word>),
    /// `(( text ))`.
    Arithmetic(Word),
}

/// One arm of a `case`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseArm {
    /// Its patterns.
    pub patterns: Vec<Word>,
    /// What runs.
    pub body: List,
    /// Another arm may run after it (`;&`, `;;&`).
    pub falls: bool,
}

/// `name=value`, `name+=value`, `name[index]=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assign {
    /// The variable.
    pub name: String,
    /// With an index in brackets.
    pub indexed: bool,
    /// `+=`.
    pub append: bool,
    /// The value; a list is one [`Part::List`].
    pub value: Word,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The descriptor in front; `None` for the operator's own.
    pub fd: Option<String>,
    /// What is done.
    pub what: Redirection,
}

/// The kinds of redirections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirection {
    /// `< file`, `<> file`.
    Read(Word),
    /// `> file`, `>| file`, `&> file`.
    Write(Word),
    /// `>> file`, `&>> file`.
    Append(Word),
    /// `<& word`.
    CopyIn(Word),
    /// `>& word` with a descriptor.
    CopyOut(Word),
    /// `<< word`: the text, filled in when its lines are reached.
    Here(Rc<OnceCell<Word>>),
    /// `<<< word`.
    HereString(Word),
}

/// A word in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// The parts, in order.
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text outside quotes: patterns, braces and a leading tilde have meaning.
    Text(String),
    /// Text in quotes or behind a backslash.
    Quoted(String),
    /// `$name`, `${name...}`.
    Parameter(Parameter),
    /// `$(list)`, `` `list` ``.
    Command {
        /// The commands.
        list: List,
        /// In double quotes.
        quoted: bool,
        /// As spelled.
        spelled: String,
    },
    /// `$((text))`: the text, with expansions.
    Arithmetic {
        /// The text.
        text: Word,
        /// As spelled.
        spelled: String,
    },
    /// `<(list)`, `>(list)`.
    Process {
        /// The commands.
        list: List,
        /// `<(`: the command's output is read.
        reads: bool,
        /// As spelled.
        spelled: String,
    },
    /// `(words)` as the value of an assignment.
    List(Vec<Word>),
    /// Something whose value depends on the shell.
    Unclear(String),
}

/// A parameter expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name, digit or special sign.
    pub name: String,
    /// In brackets: `@`, `*`, an index.
    pub index: Option<String>,
    /// `:-`, `-`, `:=`, `=`, `:+`, `+`, `:?`, `?`, or any other (`%`, `/`, `#`...) as spelled;
    /// empty where there is none.
    pub operator: String,
    /// What follows the operator.
    pub operand: Word,
    /// In double quotes.
    pub quoted: bool,
    /// As spelled.
    pub spelled: String,
}

impl Word {
    /// The text, where the word holds nothing but text.
    pub fn literal(&self) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(s) | Part::Quoted(s) => text.push_str(s),
                _ => return None,
            }
        }
        Some(text)
    }
}

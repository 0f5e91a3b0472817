//! One program start.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::environment::Vars;
use crate::source::Source;

/// A word of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The text; for a word that is not literal, as it is spelled.
    pub text: String,
    /// Why the text is not what the program will get (`$DB is not known`), or `None`.
    pub unknown: Option<String>,
}

impl Word {
    /// A literal word.
    pub fn literal(text: impl Into<String>) -> Self {
        Word {
            text: text.into(),
            unknown: None,
        }
    }

    /// A word that cannot be known, and why.
    pub fn unknown(spelled: impl Into<String>, why: impl Into<String>) -> Self {
        Word {
            text: spelled.into(),
            unknown: Some(why.into()),
        }
    }
}

/// Where a program runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine, in this file system.
    Here,
    /// Somewhere else, in whose words: `docker exec web`, `ssh db1`. Its files and variables
    /// cannot be seen from here.
    Elsewhere(String),
}

/// What a program reads from standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stdin {
    /// The caller's own standard input, whatever it is.
    Inherited,
    /// The same, and it is read where what a program does hangs on it.
    Stream(Stream),
    /// A terminal at which somebody types: a console.
    Terminal,
    /// Nothing.
    Null,
    /// A file, redirected by the command line.
    File(PathBuf),
    /// Text that stands in the command line (heredoc, `echo '...' |`), and where.
    Text(String, Source),
    /// Something that cannot be known, and why.
    Unknown(String),
}

/// A stream that is read when it is first asked for, and not again.
#[derive(Clone)]
pub struct Stream(Rc<dyn Fn() -> Option<Stdin>>);

impl Stream {
    /// A stream that `read` reads; `None` where it cannot be read beforehand.
    pub fn new(read: impl Fn() -> Option<String> + 'static) -> Self {
        let text = OnceCell::new();
        Stream(Rc::new(move || {
            let text: &Option<String> = text.get_or_init(&read);
            let source = Source::argument("standard input");
            text.as_ref().map(|text| Stdin::Text(text.clone(), source))
        }))
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Stream {}

impl Stdin {
    /// The same, a stream read.
    #[must_use]
    pub fn read(self) -> Self {
        match &self {
            Stdin::Stream(stream) => (stream.0)().unwrap_or(Stdin::Inherited),
            _ => self,
        }
    }
}

/// What a container or another root has of the world outside, under a path of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The path inside.
    pub inside: PathBuf,
    /// What lies there: a path of this machine (it has a slash), or the name of a volume.
    pub source: Word,
    /// Only what the name says of a database counts: all of another container's volumes; or a path
    /// of a machine that is not this one.
    pub by_name: bool,
}

/// One program start: what a wrapper or a shell line leads to.
#[derive(Debug, Clone)]
pub struct Step {
    /// The words; the first is the program as it is spelled. Never empty.
    pub argv: Vec<Word>,
    /// The variables that the program sees.
    pub vars: Vars,
    /// Why there may be further variables, or other values, that cannot be seen (`op run`
    /// injects secrets, a login shell reads profiles); `None` where `vars` is all.
    pub vars_open: Option<String>,
    /// The directory it starts in.
    pub cwd: PathBuf,
    /// Why the directory is not known (`cd $DIR`); `cwd` is then only the last known one.
    pub cwd_unknown: Option<String>,
    /// Its standard input.
    pub stdin: Stdin,
    /// Where it runs.
    pub place: Place,
    /// The user it runs as, where a wrapper changed it (`sudo -u postgres`).
    pub user: Option<String>,
    /// The wrappers passed on the way, outermost first, for people.
    pub via: Vec<String>,
    /// It starts only where the program before it succeeded (npm's `pre` scripts).
    pub later: bool,
    /// Where it stands in the first script that led to it, bytes.
    pub at: Option<usize>,
    /// The interpreter with its own options, where `argv` is a script or module that one runs.
    pub interpreter: Vec<Word>,
    /// What is mounted where it runs.
    pub mounts: Vec<Mount>,
    /// The program before it is given these words and nobody knows what for: only a start that
    /// destroys or stops counts. How often that is so on the way here.
    pub supposed: u8,
}

impl Step {
    /// A program start on this machine with literal words.
    pub fn new(argv: impl IntoIterator<Item = String>, vars: Vars, cwd: PathBuf) -> Self {
        Step {
            argv: argv.into_iter().map(Word::literal).collect(),
            vars,
            vars_open: None,
            cwd,
            cwd_unknown: None,
            stdin: Stdin::Inherited,
            place: Place::Here,
            user: None,
            via: Vec::new(),
            later: false,
            at: None,
            interpreter: Vec::new(),
            mounts: Vec::new(),
            supposed: 0,
        }
    }

    /// The same start with other words: what a wrapper runs.
    pub fn with_argv(&self, argv: Vec<Word>) -> Self {
        let mut step = self.clone();
        step.argv = argv;
        step
    }

    /// The same start with the first `n` words taken off; `None` where nothing is left.
    pub fn tail(&self, n: usize) -> Option<Self> {
        (n < self.argv.len()).then(|| self.with_argv(self.argv[n..].to_vec()))
    }

    /// Notes that a wrapper was passed.
    pub fn through(mut self, wrapper: impl Into<String>) -> Self {
        self.via.push(wrapper.into());
        self
    }

    /// Notes the interpreter: the first `n` words of `of`.
    pub fn run_by(mut self, of: &Step, n: usize) -> Self {
        self.interpreter = of.argv.get(..n).unwrap_or(&of.argv).to_vec();
        self
    }

    /// The program as it is spelled.
    pub fn program_path(&self) -> &str {
        self.argv.first().map_or("", |w| w.text.as_str())
    }

    /// The program's file name.
    pub fn program(&self) -> &str {
        let path = self.program_path();
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The words after the program, as text.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.argv.iter().skip(1).map(|w| w.text.as_str())
    }

    /// The first word that cannot be known, and why.
    pub fn first_unknown(&self) -> Option<(&str, &str)> {
        self.argv
            .iter()
            .find_map(|w| w.unknown.as_deref().map(|why| (w.text.as_str(), why)))
    }

    /// A path as the program would open it.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        crate::files::lexical(&self.cwd.join(path))
    }
}

//! Follows a script to the programs it starts, assuming that every branch may run.

use std::path::PathBuf;
use std::rc::Rc;

use super::ast::{
    AndOr, Assign, CaseArm, Command, List, Node, Part, Pipeline, Redirect, Redirection,
    Word as Spelled,
};
use super::expand::matches_pattern;
use super::state::{State, Value};
use super::{Dialect, parse};
use crate::command::{Stdin, Step, Word, World};
use crate::source::{Source, SourceKind};

/// How many commands of a script are followed, and how deep functions and files may call.
const MAX_COMMANDS: usize = 8_000;
const MAX_CALLS: usize = 24;
const MAX_ROUNDS: usize = 64;
/// How many variables are kept apart.
const MAX_VARIABLES: usize = 1_000;

/// What is known about a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It does not hold now, but may by the time the script gets there.
    NotYet,
    /// Cannot be said.
    Open,
}

/// One run of a script.
pub(super) struct Run<'w> {
    pub(super) base: Step,
    pub(super) world: World<'w>,
    pub(super) dialect: Dialect,
    pub(super) state: State,
    /// The program starts found so far.
    pub(super) out: Vec<Step>,
    /// Why the script can do anything.
    pub(super) opaque: Vec<String>,
    /// Files that the script itself writes.
    pub(super) written: Vec<PathBuf>,
    /// The script's name, `$0`.
    pub(super) name: String,
    /// Where its assignments stand.
    pub(super) source: Source,
    pub(super) calls: usize,
    /// Where the command that is followed stands in the script's text.
    pub(super) at: usize,
    commands: usize,
}

impl<'w> Run<'w> {
    pub(super) fn new(step: &Step, world: &World<'w>, dialect: Dialect) -> Self {
        let state = State::of(step);
        Run {
            base: step.clone(),
            world: *world,
            dialect,
            state,
            out: Vec::new(),
            opaque: Vec::new(),
            written: Vec::new(),
            name: step.program_path().to_owned(),
            source: Source::argument("shell line"),
            calls: 0,
            at: 0,
            commands: 0,
        }
    }

    /// Assignments come from this file from here on.
    pub(super) fn in_file(&mut self, shown: &str) {
        self.source = Source::new(SourceKind::ProjectFile, shown.to_owned());
    }

    pub(super) fn dialect_has_braces(&self) -> bool {
        self.dialect != Dialect::Posix
    }

    pub(super) fn script_name(&self) -> String {
        self.name.clone()
    }

    pub(super) fn home(&self) -> Option<String> {
        match self.state.value("HOME") {
            Value::Text(home) => Some(home),
            Value::Unset => {
                let home = self.world.caller.home.as_ref()?;
                Some(home.display().to_string())
            }
            _ => None,
        }
    }

    pub(super) fn give_up(&mut self, why: impl Into<String>) {
        let why = why.into();
        if self.opaque.len() < 8 && !self.opaque.contains(&why) {
            self.opaque.push(why);
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        if self.state.locals.len() > MAX_VARIABLES || self.state.vars.len() > 4 * MAX_VARIABLES {
            return self.give_up("the script sets too many variables to follow");
        }
        let source = self.source.with_note(name);
        self.state.assign(name, value, &source);
    }

    /// Follows a list; says whether it surely succeeds.
    pub(super) fn list(&mut self, list: &List) -> bool {
        let mut sure = true;
        for item in &list.items {
            sure = self.and_or(item);
        }
        sure
    }

    fn and_or(&mut self, item: &AndOr) -> bool {
        if item.background {
            let before = self.state.clone();
            self.chain(item);
            self.state = before;
            return true;
        }
        self.chain(item)
    }

    fn chain(&mut self, item: &AndOr) -> bool {
        let mut truth = self.pipeline(&item.first);
        let mut others: Vec<State> = Vec::new();
        for (and, pipeline) in &item.rest {
            let runs = match (and, truth) {
                (true, Truth::Yes) | (false, Truth::No) => Truth::Yes,
                (true, Truth::No) | (false, Truth::Yes) => Truth::No,
                (true, Truth::NotYet) => Truth::NotYet,
                (false, Truth::NotYet) | (_, Truth::Open) => Truth::Open,
            };
            match runs {
                Truth::No if *and => {}
                // `sure || other`: judged all the same, but without effect on what follows.
                Truth::No | Truth::NotYet => {
                    let before = self.state.clone();
                    self.pipeline(pipeline);
                    self.state = before;
                }
                Truth::Yes => truth = self.pipeline(pipeline),
                Truth::Open => {
                    let before = self.state.clone();
                    let then = self.pipeline(pipeline);
                    if !and && ends_script(pipeline) {
                        self.state = before;
                        truth = Truth::Yes;
                    } else if *and {
                        others.push(before);
                        truth = if then == Truth::No { then } else { Truth::Open };
                    } else {
                        self.state.join(&before);
                        truth = if then == Truth::Yes {
                            then
                        } else {
                            Truth::Open
                        };
                    }
                }
            }
        }
        for other in &others {
            self.state.join(other);
        }
        truth == Truth::Yes
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Truth {
        let truth = match pipeline.commands.as_slice() {
            [] => Truth::Yes,
            [one] => self.command(one),
            several => {
                self.piped(several);
                Truth::Open
            }
        };
        match truth {
            Truth::Yes if pipeline.negated => Truth::No,
            Truth::No if pipeline.negated => Truth::Yes,
            Truth::NotYet if pipeline.negated => Truth::Open,
            truth => truth,
        }
    }

    fn piped(&mut self, commands: &[Command]) {
        let outside = self.state.clone();
        for (at, command) in commands.iter().enumerate() {
            let before = self.state.clone();
            self.command(command);
            if at + 1 == commands.len() {
                break;
            }
            self.state = before;
            let stdin = self.piped_output(command);
            self.state = outside.clone();
            self.state.stdin = stdin;
        }
        self.state = outside;
    }

    /// Runs a list aside (a substitution, a subshell): what it changes stays inside.
    pub(super) fn aside(&mut self, list: &List, stdin: Option<Stdin>) {
        let before = self.state.clone();
        if let Some(stdin) = stdin {
            self.state.stdin = stdin;
        }
        self.list(list);
        self.state = before;
    }

    /// The text that a command substitution becomes.
    pub(super) fn substitution(&mut self, list: &List) -> Result<String, String> {
        self.aside(list, None);
        let before = self.state.clone();
        let text = self.quietly(|run| run.list_output(list));
        self.state = before;
        text.map(|t| t.trim_end_matches('\n').to_owned())
    }

    /// Does something without noting the programs it starts (they were noted already).
    pub(super) fn quietly<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let (steps, whys, files) = (self.out.len(), self.opaque.len(), self.written.len());
        let result = act(self);
        self.out.truncate(steps);
        self.opaque.truncate(whys);
        self.written.truncate(files);
        result
    }

    fn spent(&mut self) -> bool {
        self.commands += 1;
        if self.commands > MAX_COMMANDS || self.calls > MAX_CALLS {
            self.give_up("the script is too long or calls itself too deep to follow");
            return true;
        }
        false
    }

    pub(super) fn command(&mut self, command: &Command) -> Truth {
        if self.spent() {
            return Truth::Open;
        }
        if let Node::Simple { assigns, words } = &command.node {
            self.at = command.at;
            return self.simple(assigns, words, &command.redirects);
        }
        let outer = self.state.stdin.clone();
        self.state.stdin = self.redirected(&command.redirects);
        let truth = self.compound(&command.node);
        self.state.stdin = outer;
        truth
    }

    fn compound(&mut self, node: &Node) -> Truth {
        match node {
            Node::Simple { .. } => return Truth::Open,
            Node::Group(list) => {
                return if self.list(list) {
                    Truth::Yes
                } else {
                    Truth::Open
                };
            }
            Node::Subshell(list) => self.aside(list, None),
            Node::If(arms) => self.branches(arms),
            Node::Loop(condition, body) => self.repeated(|run| {
                run.list(condition);
                run.list(body);
            }),
            Node::For(name, words, body) => self.for_each(name, words.as_deref(), body),
            Node::ForArithmetic(text, body) => {
                self.arithmetic(text);
                self.repeated(|run| {
                    run.list(body);
                });
            }
            Node::Case(subject, arms) => self.case(subject, arms),
            Node::Function(name, body) => {
                self.state.changed();
                self.state.functions.insert(name.clone(), Rc::clone(body));
                return Truth::Yes;
            }
            Node::Condition(words) => return self.condition(words),
            Node::Arithmetic(text) => self.arithmetic(text),
        }
        Truth::Open
    }

    fn condition(&mut self, words: &[Spelled]) -> Truth {
        let mut expanded = Vec::new();
        for word in words {
            expanded.push(self.expand_one(word));
        }
        let operator = words.get(1).and_then(Spelled::literal);
        let pattern = words.get(2).is_some_and(|w| {
            w.parts
                .iter()
                .any(|p| !matches!(p, Part::Quoted(_)) && !plain(p))
        });
        // The right side is a pattern, and `<`, `&&` are not in the list: only plain forms count.
        if expanded.len() > 3 || operator.as_deref() == Some("=~") || pattern {
            return Truth::Open;
        }
        self.test(&expanded)
    }

    /// Both ways of a condition: the state after is what holds on all ways.
    fn branches(&mut self, arms: &[(Option<List>, List)]) {
        let mut ends: Vec<State> = Vec::new();
        let mut falls_through = true;
        for (condition, body) in arms {
            let truth = match condition {
                None => Truth::Yes,
                Some(list) => self.list_truth(list),
            };
            if truth == Truth::No {
                continue;
            }
            let before = self.state.clone();
            self.list(body);
            let after = std::mem::replace(&mut self.state, before);
            if truth != Truth::NotYet && !list_ends_script(body) {
                ends.push(after);
            }
            if truth == Truth::Yes {
                falls_through = false;
                break;
            }
        }
        let mut ends = ends.into_iter();
        if !falls_through && let Some(first) = ends.next() {
            self.state = first;
        }
        for end in ends {
            self.state.join(&end);
        }
    }

    fn list_truth(&mut self, list: &List) -> Truth {
        match list.items.as_slice() {
            [only] if only.rest.is_empty() && !only.background => self.pipeline(&only.first),
            _ => {
                self.list(list);
                Truth::Open
            }
        }
    }

    /// A body that runs any number of times: what it changes is not known while it runs.
    fn repeated(&mut self, mut body: impl FnMut(&mut Self)) {
        let before = self.state.clone();
        self.quietly(&mut body);
        let mut start = before;
        let once = std::mem::replace(&mut self.state, start.clone());
        start.join(&once);
        self.state = start.clone();
        body(self);
        self.state.join(&start);
    }

    fn for_each(&mut self, name: &str, words: Option<&[Spelled]>, body: &List) {
        let values: Option<Vec<Word>> = match words {
            Some(words) => {
                let mut all = Vec::new();
                for word in words {
                    all.extend(self.expand(word));
                }
                Some(all)
            }
            None => self.state.params.as_deref().cloned(),
        };
        let literal =
            values.filter(|v| v.len() <= MAX_ROUNDS && v.iter().all(|w| w.unknown.is_none()));
        match literal {
            Some(values) => {
                for value in values {
                    self.set(name, Value::Text(value.text));
                    self.list(body);
                }
            }
            None => {
                let why = format!("`{name}` takes values that are not known");
                self.set(name, Value::Unknown(why));
                self.repeated(|run| {
                    run.list(body);
                });
            }
        }
    }

    fn case(&mut self, subject: &Spelled, arms: &[CaseArm]) {
        let subject = self.expand_one(subject);
        let before = self.state.clone();
        let chosen = self.chosen_arm(&subject, arms);
        let mut state: Option<State> = None;
        for (at, arm) in arms.iter().enumerate() {
            if chosen.is_some_and(|c| c != Some(at)) {
                continue;
            }
            self.state = before.clone();
            self.list(&arm.body);
            if !list_ends_script(&arm.body) {
                let after = self.state.clone();
                match &mut state {
                    Some(state) => state.join(&after),
                    None => state = Some(after),
                }
            }
        }
        self.state = match (state, chosen) {
            (Some(state), Some(Some(_))) => state,
            (Some(mut state), _) => {
                state.join(&before);
                state
            }
            (None, _) => before,
        };
    }

    /// The arm that is taken, where that can be said; the inner `None`: none of them.
    fn chosen_arm(&mut self, subject: &Word, arms: &[CaseArm]) -> Option<Option<usize>> {
        let long = subject.text.len() > 256;
        if subject.unknown.is_some() || long || arms.iter().any(|a| a.falls) {
            return None;
        }
        for (at, arm) in arms.iter().enumerate() {
            for pattern in &arm.patterns {
                if pattern
                    .parts
                    .iter()
                    .any(|p| matches!(p, Part::Quoted(q) if q.contains(['*', '?', '['])))
                {
                    return None;
                }
                let text = pattern.literal()?;
                if text.len() > 256 || text.contains(['(', '\\']) {
                    return None;
                }
                if matches_pattern(&text, &subject.text) {
                    return Some(Some(at));
                }
            }
        }
        Some(None)
    }

    /// Names that `(( ))` may change are not known afterwards.
    pub(super) fn arithmetic(&mut self, text: &Spelled) {
        let expanded = self.expand_one(text).text;
        if !expanded.contains('=') && !expanded.contains("++") && !expanded.contains("--") {
            return;
        }
        for name in expanded.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if parse::is_name(name) {
                let why = format!("`{name}` is computed");
                self.set(name, Value::Unknown(why));
            }
        }
    }

    fn simple(&mut self, assigns: &[Assign], words: &[Spelled], redirects: &[Redirect]) -> Truth {
        let mut argv = Vec::new();
        for word in words {
            argv.extend(self.expand(word));
        }
        if argv.is_empty() {
            self.redirected(redirects);
            let before = self.out.len();
            for assign in assigns {
                self.assign(assign);
            }
            return if words.is_empty() && self.out.len() == before {
                Truth::Yes
            } else {
                Truth::Open
            };
        }
        if assigns.is_empty() {
            return self.plain_simple(argv, redirects);
        }
        let outer = self.state.clone();
        let stdin = self.redirected(redirects);
        for assign in assigns {
            self.assign(assign);
            let source = self.source.with_note(&assign.name);
            self.state.export(&assign.name, &source);
        }
        self.state.stdin = stdin;
        let first = argv.first().map(|w| w.text.clone()).unwrap_or_default();
        let keeps = super::builtins::changes_state(&first);
        let truth = self.invoke(argv);
        if keeps {
            // `A=b source file`: the assignments may or may not stay, depending on the shell.
            self.state.stdin = outer.stdin;
        } else {
            self.state = outer;
        }
        truth
    }

    fn plain_simple(&mut self, argv: Vec<Word>, redirects: &[Redirect]) -> Truth {
        if redirects.is_empty() {
            return self.invoke(argv);
        }
        let outer = self.state.stdin.clone();
        self.state.stdin = self.redirected(redirects);
        // `exec < file` redirects the shell itself.
        let stays = argv.len() == 1 && argv.first().is_some_and(|w| w.text == "exec");
        let truth = self.invoke(argv);
        if !stays {
            self.state.stdin = outer;
        }
        truth
    }

    pub(super) fn assign(&mut self, assign: &Assign) {
        let value = match assign.value.parts.as_slice() {
            [Part::List(words)] => {
                let mut all = Vec::new();
                for word in words {
                    all.extend(self.expand(word));
                }
                Value::List(all)
            }
            _ => {
                let word = self.expand_one(&assign.value);
                word.unknown.map_or(Value::Text(word.text), Value::Unknown)
            }
        };
        let value = match (assign.indexed, assign.append) {
            (true, _) => Value::Unknown(format!("`{}` is a list", assign.name)),
            (false, false) => value,
            (false, true) => appended(self.state.value(&assign.name), value),
        };
        self.set(&assign.name, value);
    }

    /// Standard input after the redirections. Files that are written are noted.
    pub(super) fn redirected(&mut self, redirects: &[Redirect]) -> Stdin {
        let mut stdin = self.state.stdin.clone();
        for redirect in redirects {
            let is_input = redirect.fd.as_deref().is_none_or(|fd| fd == "0");
            match &redirect.what {
                Redirection::Read(word) => {
                    let from = self.read_from(word);
                    if is_input {
                        stdin = from;
                    }
                }
                Redirection::Write(word) => self.write_to(word, ">"),
                Redirection::Append(word) => self.write_to(word, ">>"),
                Redirection::CopyOut(word) => {
                    let word = self.expand_one(word);
                    let number = word.text.trim_end_matches('-');
                    if !number.bytes().all(|b| b.is_ascii_digit()) {
                        self.writes_file(&word, ">");
                    }
                }
                Redirection::CopyIn(word) => {
                    let word = self.expand_one(word);
                    if is_input {
                        stdin = match word.text.as_str() {
                            "-" => Stdin::Null,
                            "0" => stdin,
                            other => Stdin::Unknown(format!("descriptor {other}")),
                        };
                    }
                }
                Redirection::Here(body) => {
                    let text = body.get().cloned().unwrap_or_default();
                    let text = self.expand_one(&text);
                    if is_input {
                        stdin = given(text, "here-document", "");
                    }
                }
                Redirection::HereString(word) => {
                    let text = self.expand_one(word);
                    if is_input {
                        stdin = given(text, "here-string", "\n");
                    }
                }
            }
        }
        stdin
    }

    fn read_from(&mut self, word: &Spelled) -> Stdin {
        if let [
            Part::Process {
                list, reads: true, ..
            },
        ] = word.parts.as_slice()
        {
            return match self.substitution(list) {
                Ok(text) => Stdin::Text(text + "\n", Source::argument("process substitution")),
                Err(why) => Stdin::Unknown(why),
            };
        }
        let word = self.expand_one(word);
        if self.dials(&word.text) {
            return Stdin::Unknown("what a server answers".to_owned());
        }
        if let Some(why) = word.unknown {
            return Stdin::Unknown(why);
        }
        if word.text == "/dev/null" {
            return Stdin::Null;
        }
        if let Some(why) = &self.state.cwd_unknown
            && !word.text.starts_with('/')
        {
            return Stdin::Unknown(why.clone());
        }
        let path = crate::files::lexical(&self.state.cwd.join(&word.text));
        if self.written.contains(&path) {
            return Stdin::Unknown(format!("`{}` is written by the same script", word.text));
        }
        Stdin::File(path)
    }

    fn write_to(&mut self, word: &Spelled, operator: &str) {
        let word = self.expand_one(word);
        self.writes_file(&word, operator);
    }

    fn writes_file(&mut self, word: &Word, operator: &str) {
        if word.unknown.is_some() {
            return;
        }
        if self.dials(&word.text) {
            return;
        }
        let path = crate::files::lexical(&self.state.cwd.join(&word.text));
        if operator == ">" {
            let step = self.step(vec![Word::literal(">"), word.clone()]);
            self.out.push(step);
        }
        if self.written.len() < 256 {
            self.written.push(path);
        }
    }

    /// A connection by `/dev/tcp/HOST/PORT`: what is sent is not known.
    fn dials(&mut self, path: &str) -> bool {
        let Some(address) = path.strip_prefix("/dev/tcp/") else {
            return false;
        };
        let words = std::iter::once("nc").chain(address.splitn(2, '/'));
        let mut step = self.step(words.map(Word::literal).collect());
        step.stdin = Stdin::Unknown("what is written there".to_owned());
        self.out.push(step);
        true
    }

    /// A program start in the present state.
    pub(super) fn step(&self, argv: Vec<Word>) -> Step {
        let mut step = self.base.clone();
        step.argv = argv;
        step.vars = self.state.vars.clone();
        step.vars_open = self.state.why_open();
        step.cwd.clone_from(&self.state.cwd);
        step.cwd_unknown.clone_from(&self.state.cwd_unknown);
        step.stdin = self.state.stdin.clone();
        step.at.get_or_insert(self.at);
        step
    }

    /// Notes a program start.
    pub(super) fn start(&mut self, mut argv: Vec<Word>) {
        if !self.written.is_empty() {
            for word in argv.iter_mut().filter(|w| w.unknown.is_none()) {
                let tail = word.text.rsplit('=').next().unwrap_or(&word.text);
                let path = crate::files::lexical(&self.state.cwd.join(tail));
                if self.written.contains(&path) {
                    word.unknown = Some("the same script writes this file".to_owned());
                }
            }
        }
        if self.out.len() > 4 * crate::command::MAX_STEPS {
            return self.give_up("the script starts too many programs to follow");
        }
        self.notes_written(&argv);
        let step = self.step(argv);
        self.out.push(step);
    }

    /// Notes the files that a program makes, by its words: `tee x`, `curl -o x`, `cp a x`.
    fn notes_written(&mut self, argv: &[Word]) {
        let program = argv.first().map_or("", |w| w.text.as_str());
        let words: Vec<&str> = argv.iter().skip(1).map(|w| w.text.as_str()).collect();
        let operands = words.iter().copied().filter(|w| !w.starts_with('-'));
        let behind = |name: &dyn Fn(&str) -> bool| {
            let at = words.iter().position(|w| name(w))?;
            words.get(at + 1).copied()
        };
        let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let bundle = |w: &str, letter: char| {
            w.starts_with('-') && !w.starts_with("--") && w.ends_with(letter)
        };
        let mut made: Vec<String> = Vec::new();
        match program.rsplit('/').next().unwrap_or(program) {
            "tee" => made.extend(operands.map(str::to_owned)),
            "cp" | "mv" | "install" | "ln" | "rsync" | "scp" => {
                let all: Vec<&str> = operands.collect();
                if let Some((to, from)) = all.split_last() {
                    made.push((*to).to_owned());
                    made.extend(from.iter().map(|f| format!("{to}/{}", base(f))));
                }
            }
            "curl" => {
                let named = behind(&|w| w == "--output" || bundle(w, 'o'));
                made.extend(named.map(str::to_owned));
                if words
                    .iter()
                    .any(|w| *w == "--remote-name" || bundle(w, 'O'))
                {
                    made.extend(operands.map(base));
                }
            }
            "wget" => {
                let named = behind(&|w| w.starts_with("--output-d") || bundle(w, 'O'));
                match named {
                    Some(name) => made.push(name.to_owned()),
                    None => made.extend(operands.map(base)),
                }
            }
            _ => return,
        }
        for path in made.iter().filter(|path| !path.is_empty()) {
            let path = crate::files::lexical(&self.state.cwd.join(path));
            if self.written.len() < 256 {
                self.written.push(path);
            }
        }
    }
}

fn plain(part: &Part) -> bool {
    matches!(part, Part::Text(text) if !text.contains(['*', '?', '[', '(']))
        || matches!(part, Part::Parameter(p) if p.quoted)
}

fn given(word: Word, what: &'static str, end: &str) -> Stdin {
    match word.unknown {
        None => Stdin::Text(word.text + end, Source::argument(what)),
        Some(why) => Stdin::Unknown(format!("the {what}: {why}")),
    }
}

fn appended(old: Value, new: Value) -> Value {
    match (old, new) {
        (Value::Text(old), Value::Text(new)) => Value::Text(old + &new),
        (Value::Unset, new) => new,
        (Value::List(mut old), Value::List(new)) => {
            old.extend(new);
            Value::List(old)
        }
        (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Value::Unknown(why),
        _ => Value::Unknown("text and a list are put together".to_owned()),
    }
}

fn ends_script(pipeline: &Pipeline) -> bool {
    let [command] = pipeline.commands.as_slice() else {
        return false;
    };
    match &command.node {
        Node::Simple { words, .. } => words.first().and_then(Spelled::literal).is_some_and(|w| {
            matches!(w.as_str(), "exit" | "return" | "die" | "continue" | "break")
        }),
        Node::Group(list) => list_ends_script(list),
        _ => false,
    }
}

fn list_ends_script(list: &List) -> bool {
    list.items
        .last()
        .is_some_and(|item| item.rest.is_empty() && ends_script(&item.first))
}

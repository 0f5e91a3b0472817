//! What words become: variables, substitutions, splitting, patterns.

use super::ast::{Parameter, Part, Word as Spelled};
use super::run::Run;
use super::state::Value;
use crate::command::{Stdin, Word};

/// A field under construction.
#[derive(Default)]
struct Field {
    text: String,
    unknown: Option<String>,
    /// Something stands here, even if empty.
    present: bool,
    /// Where unquoted pattern signs stand.
    pattern: bool,
}

/// What one word may become, bytes and fields: values that are doubled again and again grow past all
/// memory. A program's own words end at 128 KiB each.
const MAX_BYTES: usize = 256 << 10;
const MAX_FIELDS: usize = 4096;

const TOO_LONG: &str = "a value is too long to follow";

/// Fields of one word.
#[derive(Default)]
struct Fields {
    done: Vec<Field>,
    last: Field,
    bytes: usize,
    /// It becomes more than is followed.
    cut: bool,
}

impl Fields {
    fn push(&mut self, text: &str) {
        self.last.present = true;
        self.bytes = self.bytes.saturating_add(text.len());
        self.cut |= self.bytes > MAX_BYTES || self.done.len() > MAX_FIELDS;
        match self.cut {
            true => self.last.unknown = Some(TOO_LONG.to_owned()),
            false => self.last.text.push_str(text),
        }
    }

    fn unknown(&mut self, spelled: &str, why: String) {
        self.push(spelled);
        self.last.unknown.get_or_insert(why);
    }

    fn split(&mut self) {
        if self.last.present && !self.cut {
            self.done.push(std::mem::take(&mut self.last));
        }
    }

    /// The result of an unquoted expansion: blanks part it into fields.
    fn push_split(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find([' ', '\t', '\n']) {
            let (before, after) = rest.split_at(at);
            if !before.is_empty() {
                self.push(before);
                self.last.pattern |= before.contains(['*', '?', '[']);
            }
            self.split();
            rest = after.trim_start_matches([' ', '\t', '\n']);
        }
        if !rest.is_empty() {
            self.push(rest);
            self.last.pattern |= rest.contains(['*', '?', '[']);
        }
    }

    fn push_word(&mut self, word: &Word) {
        self.push(&word.text);
        if let Some(why) = &word.unknown {
            self.last.unknown.get_or_insert_with(|| why.clone());
        }
    }
}

impl Run<'_> {
    /// The fields that a word becomes.
    pub(super) fn expand(&mut self, word: &Spelled) -> Vec<Word> {
        if let [Part::Quoted(text)] = word.parts.as_slice() {
            return vec![Word::literal(text.clone())];
        }
        if let [Part::Text(text)] = word.parts.as_slice()
            && !text.contains(['*', '?', '[', '{', '~'])
        {
            return vec![Word::literal(text.clone())];
        }
        if let [Part::Text(text)] = word.parts.as_slice()
            && self.dialect_has_braces()
            && let Some(words) = brace_words(text)
        {
            return words.into_iter().map(Word::literal).collect();
        }
        let mut fields = Fields::default();
        self.fields(word, &mut fields, true);
        if fields.cut {
            self.give_up(TOO_LONG);
            fields.cut = false;
        }
        fields.split();
        let mut words = Vec::new();
        for field in fields.done {
            self.finish(field, &mut words);
        }
        words
    }

    /// The one text that a word becomes where nothing is split (assignments, redirections).
    pub(super) fn expand_one(&mut self, word: &Spelled) -> Word {
        let mut fields = Fields::default();
        self.fields(word, &mut fields, false);
        if fields.cut {
            self.give_up(TOO_LONG);
        }
        Word {
            text: fields.last.text,
            unknown: fields.last.unknown,
        }
    }

    fn finish(&mut self, field: Field, words: &mut Vec<Word>) {
        if field.unknown.is_none() && field.pattern && !field.text.contains("://") {
            match self.matches(&field.text) {
                Some(found) if found.is_empty() => {}
                Some(found) => {
                    words.extend(found.into_iter().map(Word::literal));
                    return;
                }
                None => {
                    let why = "a pattern that the shell expands";
                    words.push(Word::unknown(field.text, why));
                    return;
                }
            }
        }
        words.push(Word {
            text: field.text,
            unknown: field.unknown,
        });
    }

    /// Files that match a pattern whose last component alone has signs; `None` where it cannot
    /// be said.
    fn matches(&self, pattern: &str) -> Option<Vec<String>> {
        let (dir, last) = match pattern.rfind('/') {
            Some(slash) => pattern.split_at(slash + 1),
            None => ("", pattern),
        };
        if dir.contains(['*', '?', '[']) || self.state.cwd_unknown.is_some() {
            return None;
        }
        let path = crate::files::lexical(&self.state.cwd.join(dir));
        let names = self.world.files.list(&path);
        Some(
            names
                .iter()
                .filter(|name| !name.starts_with('.') || last.starts_with('.'))
                .filter(|name| matches_pattern(last, name))
                .map(|name| format!("{dir}{name}"))
                .collect(),
        )
    }

    fn fields(&mut self, word: &Spelled, fields: &mut Fields, splits: bool) {
        for (at, part) in word.parts.iter().enumerate() {
            match part {
                Part::Text(text) => self.plain_text(text, at == 0, fields, splits),
                Part::Quoted(text) => fields.push(text),
                Part::Parameter(_) if fields.cut => {}
                Part::Parameter(parameter) => self.parameter(parameter, fields, splits),
                Part::Command {
                    list,
                    quoted,
                    spelled,
                } => match self.substitution(list) {
                    Ok(text) if *quoted || !splits => fields.push(&text),
                    Ok(text) if self.splits_plainly() => fields.push_split(&text),
                    Ok(_) => fields.unknown(spelled, "IFS is set".to_owned()),
                    Err(why) => fields.unknown(spelled, why),
                },
                Part::Arithmetic { text, spelled } => {
                    self.arithmetic(text);
                    fields.unknown(spelled, "a computed number".to_owned());
                }
                Part::Process {
                    list,
                    spelled,
                    reads,
                } => {
                    let fed = "what the other command writes";
                    self.aside(list, (!reads).then(|| Stdin::Unknown(fed.to_owned())));
                    let why = if *reads {
                        "the output of other commands"
                    } else {
                        "other commands read it"
                    };
                    fields.unknown(spelled, why.to_owned());
                }
                Part::List(_) => fields.unknown("(...)", "a list of values".to_owned()),
                Part::Unclear(spelled) => {
                    fields.unknown(spelled, "what it means depends on the shell".to_owned());
                }
            }
        }
    }

    fn plain_text(&mut self, text: &str, first: bool, fields: &mut Fields, splits: bool) {
        let mut text = text;
        if first
            && let Some(rest) = text.strip_prefix('~')
            && (rest.is_empty() || rest.starts_with('/'))
        {
            match self.home() {
                Some(home) => fields.push(&home),
                None => fields.unknown("~", "the home directory is not known".to_owned()),
            }
            text = rest;
        } else if first && text.starts_with('~') {
            fields.unknown("", "another user's home directory".to_owned());
        }
        if splits && self.dialect_has_braces() && has_braces(text) {
            fields.unknown(text, "braces that the shell expands".to_owned());
            return;
        }
        fields.push(text);
        let open = text.find('[');
        let set = open.is_some_and(|at| text.get(at..).is_some_and(|r| r.contains(']')));
        fields.last.pattern |= text.contains(['*', '?']) || set;
    }

    fn parameter(&mut self, parameter: &Parameter, fields: &mut Fields, splits: bool) {
        let spelled = parameter.spelled.as_str();
        let operand = &parameter.operand;
        if matches!(parameter.name.as_str(), "@" | "*") && parameter.operator.is_empty() {
            return self.all_parameters(parameter, fields, splits);
        }
        let value = self.parameter_value(parameter);
        let empty = match &value {
            Value::Text(text) => text.is_empty(),
            Value::List(words) => words.is_empty(),
            Value::Unset => true,
            Value::Unknown(_) => false,
        };
        let unset = value == Value::Unset;
        let takes_operand = match parameter.operator.as_str() {
            "" | ":?" | "?" => false,
            ":-" | ":=" => empty,
            "-" | "=" => unset,
            ":+" => !empty,
            "+" => !unset,
            _ => {
                self.fields_quietly(operand);
                return fields.unknown(spelled, format!("`{spelled}` is not followed"));
            }
        };
        if let Value::Unknown(why) = &value {
            self.fields_quietly(operand);
            return fields.unknown(spelled, why.clone());
        }
        if takes_operand {
            if parameter.operator.ends_with('=') {
                let word = self.expand_one(operand);
                let value = word.unknown.map_or(Value::Text(word.text), Value::Unknown);
                self.set(&parameter.name, value);
            }
            return self.fields(operand, fields, splits && !parameter.quoted);
        }
        match value {
            Value::Text(text) if parameter.quoted || !splits => fields.push(&text),
            Value::Text(text) if self.splits_plainly() => fields.push_split(&text),
            Value::Text(text) if !text.contains(|c: char| !c.is_ascii_alphanumeric()) => {
                fields.push(&text);
            }
            Value::Text(_) => fields.unknown(spelled, "IFS is set".to_owned()),
            Value::List(words) => self.list_value(&words, parameter, fields),
            Value::Unset if ends_empty(parameter) => {
                if parameter.quoted {
                    fields.push("");
                }
            }
            Value::Unset => fields.unknown(spelled, format!("`{}` is not set", parameter.name)),
            Value::Unknown(why) => fields.unknown(spelled, why),
        }
    }

    fn fields_quietly(&mut self, operand: &Spelled) {
        let mut unused = Fields::default();
        self.fields(operand, &mut unused, false);
    }

    fn list_value(&mut self, words: &[Word], parameter: &Parameter, fields: &mut Fields) {
        let all = matches!(parameter.index.as_deref(), Some("@" | "*"));
        let picked = match parameter.index.as_deref() {
            None => words.first(),
            Some(index) => index.parse().ok().and_then(|n: usize| words.get(n)),
        };
        if all {
            push_all(words, parameter.quoted, fields);
        } else if let Some(word) = picked {
            fields.push_word(word);
        } else {
            let why = "this element of the list is not known";
            fields.unknown(&parameter.spelled, why.to_owned());
        }
    }

    fn all_parameters(&mut self, parameter: &Parameter, fields: &mut Fields, splits: bool) {
        let Some(params) = self.state.params.clone() else {
            let why = "the script's parameters are not known";
            return fields.unknown(&parameter.spelled, why.to_owned());
        };
        if !splits || (parameter.name == "*" && parameter.quoted) {
            for (at, word) in params.iter().enumerate() {
                if at > 0 {
                    fields.push(" ");
                }
                fields.push_word(word);
            }
        } else {
            push_all(&params, parameter.quoted, fields);
        }
    }

    fn parameter_value(&self, parameter: &Parameter) -> Value {
        let name = parameter.name.as_str();
        if let Ok(number) = name.parse::<usize>() {
            if number == 0 {
                return Value::Text(self.script_name());
            }
            return match &self.state.params {
                None => Value::Unknown("the script's parameters are not known".to_owned()),
                Some(params) => match params.get(number - 1) {
                    None => Value::Unset,
                    Some(word) => match &word.unknown {
                        None => Value::Text(word.text.clone()),
                        Some(why) => Value::Unknown(why.clone()),
                    },
                },
            };
        }
        match name {
            "#" => match &self.state.params {
                Some(params) => Value::Text(params.len().to_string()),
                None => Value::Unknown("the script's parameters are not known".to_owned()),
            },
            "PWD" if !self.state.locals.contains_key("PWD") => match &self.state.cwd_unknown {
                None => Value::Text(self.state.cwd.display().to_string()),
                Some(why) => Value::Unknown(why.clone()),
            },
            "RANDOM" | "SECONDS" | "LINENO" | "UID" | "EUID" | "PPID" | "HOSTNAME" | "BASHPID"
            | "EPOCHSECONDS" | "REPLY" | "OLDPWD" | "BASH_SOURCE" | "FUNCNAME" | "PIPESTATUS"
                if self.state.value(name) == Value::Unset =>
            {
                Value::Unknown(format!("`{name}` is the shell's own"))
            }
            "?" | "$" | "!" | "-" | "_" => Value::Unknown(format!("`${name}` is the shell's own")),
            _ => self.state.value(name),
        }
    }

    fn splits_plainly(&self) -> bool {
        self.state.value("IFS") == Value::Unset
    }
}

fn ends_empty(parameter: &Parameter) -> bool {
    matches!(parameter.operator.as_str(), ":+" | "+" | "-" | ":-")
}

fn push_all(words: &[Word], quoted: bool, fields: &mut Fields) {
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            fields.split();
        }
        if quoted || word.unknown.is_some() {
            fields.push_word(word);
        } else {
            fields.push_split(&word.text);
        }
    }
}

/// Whether the shell would expand braces here: `{a,b}`, `{1..3}`.
fn has_braces(text: &str) -> bool {
    let Some(open) = text.find('{') else {
        return false;
    };
    text.get(open..).is_some_and(|rest| {
        rest.find('}')
            .and_then(|close| rest.get(..close))
            .is_some_and(|inner| inner.contains(',') || inner.contains(".."))
    })
}

/// The words of `a{b,c}d`; `None` where there are no such braces, or more than lists of plain texts.
fn brace_words(text: &str) -> Option<Vec<String>> {
    if !has_braces(text) || text.contains(['*', '?', '[', '~', '$']) {
        return None;
    }
    let mut words = vec![String::new()];
    let mut rest = text;
    while let Some((before, tail)) = rest.split_once('{') {
        let (inner, after) = tail.split_once('}')?;
        if inner.contains('{') || inner.contains("..") || !inner.contains(',') || words.len() > 64 {
            return None;
        }
        let with = |word: &String| -> Vec<String> {
            let choices = inner.split(',');
            choices.map(|c| format!("{word}{before}{c}")).collect()
        };
        words = words.iter().flat_map(with).collect();
        rest = after;
    }
    if rest.contains('}') {
        return None;
    }
    let whole = words.into_iter().map(|word| word + rest);
    Some(whole.filter(|word| !word.is_empty()).collect())
}

/// Whether a name matches a pattern of `*`, `?` and `[...]`.
pub(super) fn matches_pattern(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0usize, 0usize);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('[') => set_matches(&pattern, p, name.get(n).copied()),
            Some('?') => Some(p + 1),
            Some(c) if Some(c) == name.get(n) => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((star_at, from))) => {
                star = Some((star_at, from + 1));
                p = star_at + 1;
                n = from + 1;
            }
            (None, None) => return false,
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// The position after a set that holds the character.
fn set_matches(pattern: &[char], at: usize, found: Option<char>) -> Option<usize> {
    let found = found?;
    let length = pattern.iter().skip(at + 1).position(|c| *c == ']');
    let Some(length) = length else {
        return (found == '[').then_some(at + 1);
    };
    let set = pattern.get(at + 1..at + 1 + length)?;
    let (negated, set) = match set.first() {
        Some('!' | '^') => (true, set.get(1..)?),
        _ => (false, set),
    };
    let mut holds = false;
    let mut i = 0;
    while let Some(low) = set.get(i) {
        match (set.get(i + 1), set.get(i + 2)) {
            (Some('-'), Some(high)) => {
                holds |= (*low..=*high).contains(&found);
                i += 3;
            }
            _ => {
                holds |= *low == found;
                i += 1;
            }
        }
    }
    (holds != negated).then_some(at + length + 2)
}

//! Keeping secrets out of records and off the screen.
//!
//! Five rules look at the same text, each marks what it takes for a secret, and everything marked
//! is replaced: *structure* (passwords in URLs and DSNs), *option* (what a known program takes as
//! a password), *name* (`password=`, `--token X`), *shape* (what looks like a known kind of
//! token), *value* (what is the value of a secret variable). In doubt too much is replaced.

mod names;
mod options;
mod shapes;
mod split;
mod structure;

use std::borrow::Cow;
use std::ops::Range;

pub use names::is_secret;

/// What stands for a secret; its length says nothing.
pub const MASK: &str = "****";

/// Values shorter than this are not searched for: they would be found everywhere.
const MIN_KNOWN: usize = 8;

/// What stands beyond this in one text is left out, not searched.
const MAX_TEXT: usize = 16 * 1024;

/// The rule that found a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A password in a URL or DSN.
    Structure,
    /// A value that a known program takes as a password.
    Option,
    /// A value whose name says that it is secret.
    Name,
    /// A token of a known shape.
    Shape,
    /// The value of a secret variable.
    Value,
}

impl Rule {
    /// The word for it in records.
    pub fn word(self) -> &'static str {
        match self {
            Rule::Structure => "structure",
            Rule::Option => "option",
            Rule::Name => "name",
            Rule::Shape => "shape",
            Rule::Value => "value",
        }
    }
}

/// A part of a text that is a secret.
type Mark = (Range<usize>, Rule);

/// Words without their secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The words, each secret replaced by [`MASK`].
    pub words: Vec<String>,
    /// Which words were changed, and by which rule first.
    pub hits: Vec<(usize, Rule)>,
}

/// Finds secrets; knows the values of secret variables, which it keeps in memory only.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Vec<String>,
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.known.len())
    }
}

impl Redactor {
    /// Knows no values.
    pub fn new() -> Redactor {
        Redactor::default()
    }

    /// Learns the values of variables with secret names, and passwords in other values.
    pub fn learn<'a>(&mut self, variables: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>) {
        for (name, value) in variables {
            // The shell's working directory, not a password.
            if value.len() >= MIN_KNOWN && name != "PWD" && is_secret(name) {
                self.learn_value(&value);
            }
            for (range, _) in structure::marks(&value) {
                self.learn_value(value.get(range).unwrap_or_default());
            }
        }
    }

    /// Knows the secret values of an environment as it came (`NAME=value`, byte strings).
    pub fn of_environ(environ: &[std::ffi::OsString]) -> Redactor {
        let mut redactor = Redactor::new();
        for entry in environ {
            // Words are recorded lossily, too: a value that is not UTF-8 is found in them.
            if let Some((name, value)) = entry.to_string_lossy().split_once('=') {
                redactor.learn([(name, Cow::Borrowed(value))]);
            }
        }
        redactor
    }

    /// Learns the secrets in the words of a command line: a misread word may stand elsewhere in what
    /// is said of it. Only what looks made up: a password that is also a database's name is left.
    pub fn learn_words<S: AsRef<str>>(&mut self, words: &[S]) {
        let words: Vec<&str> = words.iter().map(|w| bounded(w.as_ref())).collect();
        let marks = options::marks(&words, 0);
        for (word, mut marks) in words.iter().zip(marks) {
            marks.extend(self.text_marks(word));
            for (range, _) in marks {
                let secret = word.get(range).unwrap_or_default();
                for piece in secret.split(|c: char| !c.is_alphanumeric()) {
                    let has = |of: fn(&u8) -> bool| piece.as_bytes().iter().any(of);
                    if has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) {
                        self.learn_value(piece);
                    }
                }
            }
        }
    }

    /// Learns one value.
    pub fn learn_value(&mut self, value: &str) {
        if value.len() >= MIN_KNOWN && !self.known.iter().any(|k| k == value) {
            self.known.push(value.to_owned());
        }
    }

    /// The words of a command line without their secrets.
    pub fn words<S: AsRef<str>>(&self, words: &[S]) -> Redacted {
        let words: Vec<&str> = words.iter().map(|w| bounded(w.as_ref())).collect();
        let mut marks = options::marks(&words, 0);
        let mut redacted = Redacted::default();
        for (index, (word, marks)) in words.iter().zip(&mut marks).enumerate() {
            marks.extend(self.text_marks(word));
            if let Some(rule) = marks.iter().map(|(_, rule)| *rule).min() {
                redacted.hits.push((index, rule));
            }
            redacted.words.push(replaced(word, marks));
        }
        redacted
    }

    /// A text of the caller (a claim, a message of a program) without its secrets.
    pub fn text(&self, text: &str) -> String {
        let text = bounded(text);
        replaced(text, &mut self.text_marks(text))
    }

    /// A text of our own (a reason, a source), in which names of secrets are just words.
    pub fn own_text(&self, text: &str) -> String {
        let text = bounded(text);
        let mut marks = structure::marks(text);
        marks.extend(shapes::marks(text));
        self.known_marks(text, &mut marks);
        replaced(text, &mut marks)
    }

    fn text_marks(&self, text: &str) -> Vec<Mark> {
        let mut marks = structure::marks(text);
        marks.extend(names::marks(text));
        marks.extend(shapes::marks(text));
        self.known_marks(text, &mut marks);
        marks
    }

    fn known_marks(&self, text: &str, marks: &mut Vec<Mark>) {
        for known in &self.known {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(known.as_str())) {
                let start = from + at;
                marks.push((start..start + known.len(), Rule::Value));
                from = start + known.len();
            }
        }
    }
}

/// A page without passwords in its URLs: what a database is called may be one that was mistyped.
pub fn without_passwords(page: &str) -> String {
    let line = |line| replaced(line, &mut structure::marks(line));
    page.split_inclusive('\n').map(line).collect()
}

fn bounded(text: &str) -> &str {
    let end = (0..=MAX_TEXT.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// The text with every marked part replaced; parts that touch are replaced as one.
fn replaced(text: &str, marks: &mut [Mark]) -> String {
    if marks.is_empty() {
        return text.to_owned();
    }
    marks.sort_unstable_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut masked_to = None;
    for (range, _) in marks.iter() {
        if masked_to.is_none_or(|end| range.start > end) {
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(MASK);
        }
        done = done.max(range.end);
        masked_to = Some(done);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(line: &[&str]) -> Vec<String> {
        Redactor::new().words(line).words
    }

    #[test]
    fn what_a_word_hid_is_hidden_wherever_it_turns_up() {
        let mut redactor = Redactor::new();
        redactor.learn_words(&["docker", "login", "-p", "s3cret-b1gandlong", "me"]);
        redactor.learn_words(&["psql", "postgres://app:x@hunter2hunter2@db/worker_db"]);
        redactor.learn_words(&["psql", "postgres://app_user:app_user@db/app_user"]);
        let text = redactor.own_text("container b1gandlong behind hunter2hunter2@db for app_user");
        assert_eq!(text, "container **** behind ****@db for app_user");
    }

    #[test]
    fn a_secret_stands_in_no_place_that_a_client_takes_one_in() {
        let lines: [&[&str]; 20] = [
            &["curl", "https://s3cret:x-oauth-basic@github.com/a"],
            &["curl", "--user=me:s3cret", "https://x"],
            &["redis-cli", "-h", "db", "AUTH", "s3cret"],
            &["redis-cli", "auth", "me", "s3cret"],
            &["redis-cli", "CONFIG", "SET", "requirepass", "s3cret"],
            &["redis-cli", "ACL", "SETUSER", "bob", "on", ">s3cret"],
            &[
                "redis-cli",
                "MIGRATE",
                "h",
                "6379",
                "k",
                "0",
                "9",
                "AUTH2",
                "me",
                "s3cret",
            ],
            &["redis-cli", "HELLO", "3", "AUTH", "me", "s3cret"],
            &["docker", "login", "-u", "me", "-p", "s3cret", "registry"],
            &["htpasswd", "-b", "file", "me", "s3cret"],
            &["mysql", "-e", "create user a identified by \"s3cret\""],
            &["psql", "-c", "alter role a password $$s3cret$$"],
            &["psql", "-c", "alter role a password $x$s3cret$x$; select 1"],
            &["psql", "-c", "alter role a password E's3cret'"],
            &[
                "sh",
                "-c",
                "psql <<EOF\nALTER ROLE a PASSWORD 's3cret';\nEOF",
            ],
            &["x", "jdbc:oracle:thin:scott/s3cret@//h:1521/x"],
            &["psql", "postgres://app@s3cret@db/shop"],
            &["psql", "postgres://app:a s3cret@db/shop"],
            &["psql", "POSTGRES://app:s3cret@db/shop"],
            &["sh", "-c", "redis-cli AUTH s3cret; true"],
        ];
        for line in lines {
            let shown = words(line).join(" ");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        // What follows for another program is judged by that program.
        let line = ["docker", "login", "x", "mysql", "-hdb", "shop"];
        assert_eq!(words(&line)[4..], ["-hdb", "shop"]);
        let page = "target postgres://app@s3cret@db/x\n  and mysql://u:s3cret@h/y\n";
        assert_eq!(
            without_passwords(page),
            "target postgres://app@****@db/x\n  and mysql://u:****@h/y\n"
        );
    }

    #[test]
    fn each_rule_hides_its_secrets_and_nothing_else() {
        let cases: [(&[&str], &[&str]); 36] = [
            (
                &["psql", "postgres://app:s3cret@db:5432/shop"],
                &["psql", "postgres://app:****@db:5432/shop"],
            ),
            (
                &["psql", "postgres://app@db/shop"],
                &["psql", "postgres://app@db/shop"],
            ),
            (
                &["x", "postgres://app:a/b@c@db/shop"],
                &["x", "postgres://app:****@db/shop"],
            ),
            (
                &["redis-cli", "-u", "redis://:s3cret@h:6379/0"],
                &["redis-cli", "-u", "redis://:****@h:6379/0"],
            ),
            (
                &["x", "app:s3cret@tcp(db:3306)/shop?tls=true"],
                &["x", "app:****@tcp(db:3306)/shop?tls=true"],
            ),
            (
                &["x", "postgres://app@(/run/postgresql:5432)/shop"],
                &["x", "postgres://app@(/run/postgresql:5432)/shop"],
            ),
            (
                &["x", "postgres://app:s3cret@(/run/postgresql)/shop"],
                &["x", "postgres://app:****@(/run/postgresql)/shop"],
            ),
            (
                &["git", "clone", "https://tok@github.com/a/b"],
                &["git", "clone", "https://****@github.com/a/b"],
            ),
            (
                &["npm", "i", "https://registry.npmjs.org/@a/b"],
                &["npm", "i", "https://registry.npmjs.org/@a/b"],
            ),
            (
                &["mysql", "-ps3cret", "-hdb", "shop"],
                &["mysql", "-p****", "-hdb", "shop"],
            ),
            (&["mysql", "-Nps3cret"], &["mysql", "-Np****"]),
            (&["mysql", "-upeter"], &["mysql", "-upeter"]),
            (&["mysql", "-p", "shop"], &["mysql", "-p", "shop"]),
            (
                &["mysql", "--password", "shop"],
                &["mysql", "--password", "shop"],
            ),
            (
                &["sudo", "/usr/bin/mysqldump", "-ps3cret"],
                &["sudo", "/usr/bin/mysqldump", "-p****"],
            ),
            (
                &["psql", "--no-password", "shop"],
                &["psql", "--no-password", "shop"],
            ),
            (
                &["psql", "--password", "shop"],
                &["psql", "--password", "shop"],
            ),
            (
                &["redis-cli", "-a", "s3cret", "FLUSHALL"],
                &["redis-cli", "-a", "****", "FLUSHALL"],
            ),
            (
                &["mongosh", "-p", "s3cret", "-u", "me"],
                &["mongosh", "-p", "****", "-u", "me"],
            ),
            (
                &["sqlcmd", "-Ps3cret", "-U", "sa"],
                &["sqlcmd", "-P****", "-U", "sa"],
            ),
            (
                &["curl", "-u", "me:s3cret", "http://h/"],
                &["curl", "-u", "me:****", "http://h/"],
            ),
            (
                &["sqlplus", "scott/tiger@orcl"],
                &["sqlplus", "scott/****@orcl"],
            ),
            (
                &["env", "PGPASSWORD=a b;c&d", "psql"],
                &["env", "PGPASSWORD=****", "psql"],
            ),
            (
                &["x", "--token", "-weird", "y"],
                &["x", "--token", "****", "y"],
            ),
            (
                &["x", "--api-key=abc", "--author=me"],
                &["x", "--api-key=****", "--author=me"],
            ),
            (
                &["psql", "host=db password='a b' user=me"],
                &["psql", "host=db password=**** user=me"],
            ),
            (
                &["curl", "-H", "Authorization: Bearer abc.def"],
                &["curl", "-H", "Authorization: ****"],
            ),
            (
                &["x", r#"{"password": "a\"b", "n": 1}"#],
                &["x", r#"{"password": ****, "n": 1}"#],
            ),
            (
                &["sh", "-c", "mysql -ps3cret shop < x.sql"],
                &["sh", "-c", "mysql -p**** shop < x.sql"],
            ),
            (
                &["sh", "-c", "cd x && PGPASSWORD='a b' psql -c 'select 1'"],
                &["sh", "-c", "cd x && PGPASSWORD=**** psql -c 'select 1'"],
            ),
            (
                &["sh", "-c", "sh -c 'redis-cli -a s3cret'"],
                &["sh", "-c", "sh -c 'redis-cli -a ****"],
            ),
            (
                &["psql", "-c", "ALTER USER u PASSWORD 'a''b'"],
                &["psql", "-c", "ALTER USER u PASSWORD ****"],
            ),
            (
                &["mysql", "-e", "CREATE USER u IDENTIFIED BY 'x y'; SELECT 1"],
                &["mysql", "-e", "CREATE USER u IDENTIFIED BY ****; SELECT 1"],
            ),
            (&["x", "AKIAIOSFODNN7EXAMPLE"], &["x", "****"]),
            (
                &["x", "see ghp_0123456789abcdefghijABCDEFGHIJ012345."],
                &["x", "see ****."],
            ),
            (
                &["php", "artisan", "migrate:fresh", "--force"],
                &["php", "artisan", "migrate:fresh", "--force"],
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line), expected, "{line:?}");
        }
    }

    #[test]
    fn values_of_secret_variables_are_hidden_wherever_they_stand() {
        let mut redactor = Redactor::new();
        redactor.learn([
            ("DB_PASSWORD", Cow::from("correct horse")),
            ("DATABASE_URL", Cow::from("mysql://u:battery-staple@h/d")),
            ("PATH", Cow::from("/usr/bin:/bin")),
            ("TOKEN", Cow::from("short")),
        ]);
        let redacted = redactor.words(&[
            "x",
            "a-correct horse-b",
            "battery-staple",
            "short",
            "/usr/bin:/bin",
        ]);
        assert_eq!(
            redacted.words,
            ["x", "a-****-b", "****", "short", "/usr/bin:/bin"]
        );
        assert_eq!(redacted.hits, [(1, Rule::Value), (2, Rule::Value)]);
        assert_eq!(redactor.own_text("token: correct horse"), "token: ****");
    }

    /// A way to place a secret in a command line.
    fn placed(way: usize, secret: &str) -> Vec<String> {
        let plain = |line: &str| line.split(' ').map(|w| w.replace('@', secret)).collect();
        match way {
            0 => plain("mysql -p@ shop"),
            1 => plain("redis-cli -h x -a @ GET k"),
            2 => plain("x --db-password @"),
            3 => plain("env MYSQL_PWD=@ mysql"),
            4 => vec![
                "psql".into(),
                format!("postgres://u:{secret}@h/d?sslmode=require"),
            ],
            5 => vec!["psql".into(), format!("host=h password={secret} dbname=d")],
            6 => vec!["sh".into(), "-c".into(), format!("mysql -p{secret} shop")],
            7 => vec!["sh".into(), "-c".into(), format!("X_TOKEN={secret} y; z")],
            8 => vec!["curl".into(), "-H".into(), format!("X-Api-Key: {secret}")],
            9 => vec![
                "x".into(),
                format!("ghp_{secret}0123456789abcdefghijABCDEFGHIJ012345"),
            ],
            10 => vec!["x".into(), format!("u:{secret}@tcp(h:3306)/d")],
            11 => plain("sudo -u app mongosh --host h -p @"),
            12 => vec!["x".into(), format!("https://h/?access_token={secret}&b=c")],
            13 => vec![
                "ssh".into(),
                "h".into(),
                format!("sh -c 'redis-cli -a {secret} FLUSHALL'"),
            ],
            _ => vec!["x".into(), format!("known {secret} value")],
        }
    }

    proptest! {
        #[test]
        fn no_secret_of_any_rule_is_left(way in 0usize..15, secret in "[A-Za-z0-9._~+%-]{8,40}") {
            let secret = if way == 9 { secret.replace(['.', '~', '+', '%', '-', '_'], "q") } else { secret };
            let mut redactor = Redactor::new();
            redactor.learn([("SOME_SECRET", Cow::from(if way > 13 { secret.as_str() } else { "" }))]);
            let line = placed(way, &secret);
            let shown = redactor.words(&line).words;
            prop_assert!(!shown.join(" ").contains(&secret), "{:?} -> {:?}", line, shown);
        }

        #[test]
        fn whole_words_hide_any_secret(way in 0usize..4, secret in "\\PC{8,40}") {
            let line = placed(way, &secret);
            let shown = Redactor::new().words(&line).words;
            prop_assert!(!shown.join("\n").contains(&secret), "{:?} -> {:?}", line, shown);
        }

        #[test]
        fn nothing_makes_it_panic(line in proptest::collection::vec("\\PC{0,60}", 0..6)) {
            let redacted = Redactor::new().words(&line);
            prop_assert_eq!(redacted.words.len(), line.len());
        }

        #[test]
        fn quotes_and_escapes_do_not_make_it_panic(text in "[-a-z'\"\\\\ =:;@/$(){}&|p]{0,80}") {
            let line = ["sh".to_owned(), "-c".to_owned(), format!("mysql -p {text}")];
            let _ = Redactor::new().words(&line);
        }
    }
}

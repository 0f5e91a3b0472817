//! `.env` files as the Python libraries read them, and what they put into `os.environ`.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::eval::{EnvVar, Interpreter};
use super::value::Val;
use crate::environment::dotenv;
use crate::source::Source;

/// Readers by their names in the table of dialects.
pub(super) const LOAD: &str = "python-dotenv-1.2.4-load";
pub(super) const VALUES: &str = "python-dotenv-1.2.4";
pub(super) const DECOUPLE: &str = "python-decouple-3.8";
pub(super) const ENVIRON: &str = "django-environ-0.14.0";
pub(super) const ENVIRON_COMMENTS: &str = "django-environ-0.14.0-parse_comments";

/// An entry of a file: its name, its value or why it is not known, and its place.
pub(super) type Pair = (String, Result<String, Rc<str>>, Source);

/// Reads a file in a dialect; an error says why nothing in it is known. A missing file is empty.
pub(super) fn read(me: &Interpreter<'_>, dialect: &str, path: &Path) -> Result<Vec<Pair>, Rc<str>> {
    let shown = crate::files::shown(path, &me.cwd);
    let text = match me.world.files.read_text(path) {
        Ok(text) => text,
        Err(crate::files::FileError::Missing | crate::files::FileError::NotAFile) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(format!("{shown}: {e}").into()),
    };
    // A reader that hides what the process has already is asked for the whole file: which of the
    // two wins is decided where the entries are put in.
    let loads = dialect == LOAD;
    let process = |name: &str| {
        let var = me
            .environ
            .get(name)
            .filter(|_| loads || dialect == VALUES)?;
        var.value.clone().ok()
    };
    let found = dotenv::dialect(dialect).ok_or_else(|| Rc::from("no reader for the file"))?;
    let entries =
        dotenv::read(found, &text, &process).map_err(|e| Rc::from(format!("{shown} {e}")))?;
    let uncertain = text.contains("${") && me.environ.values().any(|v| v.value.is_err());
    Ok(entries
        .into_iter()
        .filter_map(|entry| {
            let source = Source::project_file(&shown, entry.line).with_note(&entry.name);
            let value = match (entry.unknown, uncertain) {
                (Some(why), _) => Err(Rc::from(format!("{shown}: {}: {why}", entry.name))),
                (None, true) => Err(Rc::from(format!(
                    "{shown} uses variables that are not known"
                ))),
                (None, false) => Ok(entry.value?),
            };
            Some((entry.name, value, source))
        })
        .collect())
}

/// The nearest file of that name, from a directory upward.
pub(super) fn find_upward(me: &Interpreter<'_>, from: &Path, name: &str) -> Option<PathBuf> {
    from.ancestors()
        .map(|dir| dir.join(name))
        .find(|path| me.world.files.is_file(path))
}

/// Puts entries into `os.environ`; without `over` only where the name is not there yet.
pub(super) fn load(me: &mut Interpreter<'_>, pairs: Result<Vec<Pair>, Rc<str>>, over: bool) {
    let pairs = match pairs {
        Ok(pairs) => pairs,
        Err(why) => {
            me.environ_open = Some(why);
            return;
        }
    };
    let doubt = me.uncertain(0);
    let before: Vec<String> = me.environ.keys().cloned().collect();
    for (name, value, source) in pairs {
        if !over && before.contains(&name) {
            continue;
        }
        let value = match &doubt {
            Some(why) => Err(why.clone()),
            None => value,
        };
        me.environ.insert(name, EnvVar { value, source });
    }
}

/// Entries as a dict.
pub(super) fn as_dict(pairs: Result<Vec<Pair>, Rc<str>>, source: Source) -> Val {
    match pairs {
        Err(why) => Val::unknown(why, source),
        Ok(pairs) => {
            let entries = pairs
                .into_iter()
                .map(|(name, value, source)| {
                    let value = match value {
                        Ok(text) => Val::str(text, source),
                        Err(why) => Val::unknown(why, source),
                    };
                    (name.as_str().into(), value)
                })
                .collect();
            Val::dict(entries, source)
        }
    }
}

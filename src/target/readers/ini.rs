//! Files as Python's `configparser` reads them: sections, `[DEFAULT]`, continuation lines,
//! `%(name)s`.

use std::collections::BTreeMap;

/// A value as it stands in the file, with its line.
type Raw = (String, usize);

/// A parsed file. Option names are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    sections: BTreeMap<String, BTreeMap<String, Raw>>,
    defaults: BTreeMap<String, Raw>,
    /// What `configparser` refuses: the line and why.
    pub error: Option<(usize, String)>,
}

impl Ini {
    /// Parses a file. A mistake is kept in `error`; what stands before it is there.
    pub fn parse(text: &str) -> Ini {
        let mut ini = Ini::default();
        let mut section: Option<String> = None;
        let mut option: Option<(String, usize)> = None;
        for (number, line) in (1..).zip(text.lines()) {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with(';') {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            if let (Some((name, outer)), Some(section)) = (&option, &section)
                && indent > *outer
            {
                let place = ini.options(section);
                if let Some((value, _)) = place.get_mut(name) {
                    value.push('\n');
                    value.push_str(trimmed);
                }
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[').and_then(|l| l.split_once(']')) {
                section = Some(name.0.to_owned());
                ini.options(name.0);
                option = None;
                continue;
            }
            let Some(current) = &section else {
                ini.error = Some((number, "an option before any section".into()));
                break;
            };
            let at = trimmed.find(['=', ':']);
            let Some(at) = at else {
                ini.error = Some((number, "neither a section nor `name = value`".into()));
                break;
            };
            let name = trimmed[..at].trim().to_lowercase();
            let value = trimmed[at + 1..].trim().to_owned();
            let current = current.clone();
            ini.options(&current).insert(name.clone(), (value, number));
            option = Some((name, indent));
        }
        ini
    }

    fn options(&mut self, section: &str) -> &mut BTreeMap<String, Raw> {
        if section == "DEFAULT" {
            &mut self.defaults
        } else {
            self.sections.entry(section.to_owned()).or_default()
        }
    }

    /// Whether a section is there.
    pub fn has_section(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// Names of the sections.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// Names of a section's options, those of `[DEFAULT]` included.
    pub fn keys(&self, section: &str) -> Vec<String> {
        let own = self
            .sections
            .get(section)
            .into_iter()
            .flat_map(|s| s.keys());
        let mut keys: Vec<String> = own.chain(self.defaults.keys()).cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Sets an option.
    pub fn set(&mut self, section: &str, name: &str, value: &str, line: usize) {
        self.options(section)
            .insert(name.to_lowercase(), (value.to_owned(), line));
    }

    /// Whether a value may be set: every `%` is doubled or part of a reference.
    ///
    /// # Errors
    /// Says so where it is not.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let mut rest = value.replace("%%", "");
        while let Some(at) = rest.find("%(") {
            match rest[at..].find(")s") {
                Some(end) => rest.replace_range(at..at + end + 2, ""),
                None => break,
            }
        }
        if rest.contains('%') {
            return Err("a `%` that is not doubled".into());
        }
        Ok(())
    }

    fn raw(&self, section: &str, name: &str) -> Option<&Raw> {
        self.sections
            .get(section)
            .and_then(|s| s.get(name))
            .or_else(|| self.defaults.get(name))
    }

    /// The value of an option after interpolation, with its line. `given` are names that the
    /// program adds (`here`).
    ///
    /// # Errors
    /// What interpolation refuses: a single `%`, an unknown name, names that go in circles.
    pub fn get(
        &self,
        section: &str,
        name: &str,
        given: &[(&str, &str)],
    ) -> Result<Option<(String, usize)>, String> {
        let name = name.to_lowercase();
        match self.raw(section, &name) {
            None => Ok(given
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| ((*v).to_owned(), 0))),
            Some((raw, line)) => self
                .interpolate(section, raw, given, 0)
                .map(|value| Some((value, *line))),
        }
    }

    /// Interpolates a text as if it stood in a section.
    ///
    /// # Errors
    /// As [`Ini::get`].
    pub fn interpolate(
        &self,
        section: &str,
        raw: &str,
        given: &[(&str, &str)],
        depth: usize,
    ) -> Result<String, String> {
        if depth > 10 {
            return Err("interpolation nested too deep".into());
        }
        let mut out = String::new();
        let mut rest = raw;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let tail = &rest[at + 1..];
            if let Some(after) = tail.strip_prefix('%') {
                out.push('%');
                rest = after;
                continue;
            }
            let field = tail.strip_prefix('(').and_then(|t| t.split_once(")s"));
            let Some((name, after)) = field else {
                return Err("a `%` that is not doubled".into());
            };
            let name = name.to_lowercase();
            let value = match self.raw(section, &name) {
                Some((raw, _)) => self.interpolate(section, raw, given, depth + 1)?,
                None => given
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| (*v).to_owned())
                    .ok_or_else(|| format!("`%({name})s` is not defined"))?,
            };
            out.push_str(&value);
            if out.len() > 64 * 1024 {
                return Err("too long".into());
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_with_defaults_and_interpolation() {
        let ini = Ini::parse(
            "[DEFAULT]\nhost = db\n# note\n[a]\nURL = pg://%(host)s/%(here)s%%20\n  more\n[b]\nhost: other\n",
        );
        let get = |s: &str, n: &str| ini.get(s, n, &[("here", "/x")]);
        assert_eq!(get("a", "url"), Ok(Some(("pg://db//x%20\nmore".into(), 5))));
        assert_eq!(get("b", "host"), Ok(Some(("other".into(), 8))));
        assert_eq!(get("b", "url"), Ok(None));
        assert!(ini.error.is_none() && ini.has_section("b"));
    }

    #[test]
    fn broken_interpolation_is_an_error_without_the_value() {
        let ini = Ini::parse("[a]\nurl = p%40\nloop = %(loop)s\nnone = %(none2)s\nstray\n");
        for name in ["url", "loop", "none"] {
            let error = ini.get("a", name, &[]).unwrap_err();
            assert!(!error.contains("p%40"), "{error}");
        }
        assert_eq!(ini.error.as_ref().map(|e| e.0), Some(5));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a\\[\\]%()s=: \\n#é]{0,80}") {
            let ini = Ini::parse(&text);
            for section in ini.section_names().map(str::to_owned).collect::<Vec<_>>() {
                for key in ini.keys(&section) {
                    let _ = ini.get(&section, &key, &[]);
                }
            }
        }
    }
}

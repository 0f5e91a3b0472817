//! Which commands shell functions and shims wrap, and the profile of each.

use std::ffi::OsStr;

use super::Config;
use crate::profile::Trust;

/// A command that is wrapped where nothing else is said.
pub struct Usual {
    /// Its words: a function of the first one's name looks for the others.
    pub command: &'static str,
    /// Its profile where no configuration names any.
    pub profile: Option<&'static str>,
    /// Whether its first word gets a shim too.
    pub shim: bool,
}

const fn usual(command: &'static str, profile: Option<&'static str>, shim: bool) -> Usual {
    Usual {
        command,
        profile,
        shim,
    }
}

/// What is wrapped where nothing else is said.
pub const USUAL: &[Usual] = &[
    usual("artisan", Some("laravel"), false),
    usual("./artisan", Some("laravel"), false),
    usual("php artisan", Some("laravel"), true),
    usual("rake", Some("rails"), true),
    usual("bin/rake", Some("rails"), false),
    usual("rails", Some("rails"), true),
    usual("bin/rails", Some("rails"), false),
    usual("bundle exec rake", Some("rails"), false),
    usual("bundle exec rails", Some("rails"), false),
    usual("psql", None, true),
    usual("mysql", None, true),
    usual("mariadb", None, true),
];

impl Config {
    /// The profile of a wrapped command, by its first word: the strongest layer's word for it,
    /// else the configuration's own profile, else the usual one. What a project says that nobody
    /// trusted does not count.
    pub fn profile_of(&self, name: &OsStr) -> Option<String> {
        let mut layers: Vec<_> = self.layers.iter().collect();
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.kind));
        let said = layers
            .iter()
            .filter(|layer| layer.trust == Trust::Trusted)
            .flat_map(|layer| &layer.document.hook.profiles)
            .find(|(command, _)| name == command.as_str());
        if let Some((_, profile)) = said {
            return Some(profile.clone());
        }
        if layers.iter().any(|layer| layer.document.profile.is_some()) {
            return None;
        }
        let usual = USUAL
            .iter()
            .find(|u| u.command.split(' ').next().is_some_and(|w| name == w));
        usual.and_then(|u| u.profile).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Layer, LayerKind, parse_document};
    use crate::source::SourceKind;

    #[test]
    fn the_strongest_trusted_word_names_the_profile() {
        let layer = |kind, trust, text: &str| Layer {
            kind,
            name: String::new(),
            trust,
            document: parse_document(text, "x.toml", SourceKind::UserFile).unwrap(),
        };
        let (user, project) = (LayerKind::User, LayerKind::Project);
        let hook = |profile: &str| format!("hook.profiles.rake = \"{profile}\"");
        let tightens = |text: &str| layer(project, Trust::TightenOnly, text);
        let trusted = |kind, text: &str| layer(kind, Trust::Trusted, text);
        let table: Vec<(Vec<Layer>, Option<&str>)> = vec![
            (vec![], Some("rails")),
            (vec![tightens(&hook("mine"))], Some("rails")),
            (vec![trusted(project, &hook("mine"))], Some("mine")),
            (
                vec![
                    trusted(project, &hook("mine")),
                    trusted(user, &hook("worker")),
                ],
                Some("worker"),
            ),
            (vec![tightens("profile = \"worker\"")], None),
            (
                vec![
                    trusted(user, "profile = \"worker\""),
                    trusted(project, &hook("mine")),
                ],
                Some("mine"),
            ),
        ];
        for (layers, expected) in table {
            let config = Config {
                layers,
                project: None,
            };
            assert_eq!(config.profile_of("rake".as_ref()).as_deref(), expected);
        }
        assert_eq!(Config::default().profile_of("psql".as_ref()), None);
        assert_eq!(
            Config::default()
                .profile_of("bin/rails".as_ref())
                .as_deref(),
            Some("rails")
        );
    }
}

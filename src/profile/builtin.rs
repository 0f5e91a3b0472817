//! The profiles that come with tagout (`profiles/*.toml`), packed at build time: a launch reads the
//! one at hand, and none twice.

use std::sync::OnceLock;

use super::{Descriptors, FenceMode, FenceUnavailable, Production, ProfileText, Unmarked};
use crate::packed::Packed;
use crate::source::{Source, SourceKind};

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// The names of the built-in profiles.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    STARTS.iter().map(|(name, _)| *name)
}

/// The built-in profile of that name.
pub(super) fn builtin(name: &str) -> Option<&'static ProfileText> {
    static READ: [OnceLock<Box<ProfileText>>; STARTS.len()] =
        [const { OnceLock::new() }; STARTS.len()];
    let index = STARTS.iter().position(|(known, _)| *known == name)?;
    let (_, start) = STARTS.get(index)?;
    let packed = Packed::at(PACKED, &[], usize::from(*start));
    let read = || Box::new(profile(name, packed));
    Some(READ.get(index)?.get_or_init(read))
}

type Said = (String, Source);

fn profile(name: &str, mut packed: Packed) -> ProfileText {
    let mut profile = ProfileText::default();
    for _ in 0..packed.number() {
        let key = packed.text();
        let said = all_said(name, &mut packed);
        match key {
            "description" => profile.description = said.into_iter().next().map(|(text, _)| text),
            "extends" => profile.extends = said.into_iter().next(),
            "pass" => profile.pass = said,
            "drop" => profile.drop = said,
            "never" => profile.never = said,
            "require" => profile.require = said,
            "allow" => profile.allow = said,
            "hide" => profile.hide = said,
            "set" => profile.set = pairs(said),
            "production" => profile.production = word(&said, Production::WORDS),
            "unmarked" => profile.unmarked = word(&said, Unmarked::WORDS),
            "fence" => profile.fence = word(&said, FenceMode::WORDS),
            "fence_unavailable" => profile.fence_unavailable = word(&said, FenceUnavailable::WORDS),
            "descriptors" => profile.descriptors = said.first().map(descriptors),
            _ => {}
        }
    }
    profile
}

/// Most stand in the same line as the one before: its place is written once.
fn all_said(name: &str, packed: &mut Packed) -> Vec<Said> {
    let mut written = (0, Source::new(SourceKind::Profile, ""));
    let count = packed.number();
    let said = (0..count).map(|_| {
        let line = packed.number();
        if line != written.0 {
            let place: &str = format!("built-in:{name}:{line}").leak();
            written = (line, Source::new(SourceKind::Profile, place));
        }
        (packed.text().to_owned(), written.1.clone())
    });
    said.collect()
}

fn pairs(said: Vec<Said>) -> Vec<(String, String, Source)> {
    let mut said = said.into_iter();
    let mut pairs = Vec::new();
    while let (Some((name, _)), Some((value, source))) = (said.next(), said.next()) {
        pairs.push((name, value, source));
    }
    pairs
}

fn word<T: Copy>(said: &[Said], words: &[(&str, T)]) -> Option<(T, Source)> {
    let (text, source) = said.first()?;
    let (_, meant) = words.iter().find(|(word, _)| word == text)?;
    Some((*meant, source.clone()))
}

fn descriptors((text, source): &Said) -> (Descriptors, Source) {
    let kept = match text.as_str() {
        "no-sockets" => Descriptors::NoSockets,
        _ => Descriptors::All,
    };
    (kept, source.clone())
}

#[cfg(test)]
mod tests {
    use super::super::parse_profile;
    use super::*;

    #[test]
    fn what_was_packed_is_what_the_text_says() {
        for (name, text) in BUILTIN {
            let parsed = parse_profile(text, &format!("built-in:{name}")).unwrap();
            assert_eq!(builtin(name), Some(&parsed), "{name}");
        }
        assert!(names().eq(BUILTIN.iter().map(|(name, _)| *name)));
    }
}

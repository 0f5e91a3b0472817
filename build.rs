//! Turns the catalogue (`profiles/commands/*.toml`) and the built-in profiles (`profiles/*.toml`) into
//! packed data with an index: a launch reads no more than the tool's own part and its profile. A
//! mistake in the data stops the build with the file's name.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a mistake in the data must stop the build"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

fn main() {
    println!("cargo::rerun-if-changed=profiles");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    if env::var("PROFILE").is_ok_and(|p| p == "release") {
        link_for_release(out);
    }
    println!("cargo::rustc-env=TAGOUT_VERSION={}", version());
    fs::write(out.join("catalogue.rs"), catalogue(out)).expect("OUT_DIR is writable");
    fs::write(out.join("builtin.rs"), profiles(out)).expect("OUT_DIR is writable");
}

/// Equal functions once, and a file that is mapped with few page faults: constants stand in front of
/// the code in one segment, and the file is written in one piece, not page by page through a mapping.
/// The page cache then holds it in large pieces, and where a file system makes them of 2 MiB (ext4
/// since Linux 6.16) one fault maps all that a launch needs.
const LLD_FLAGS: [&str; 5] = [
    "--icf=all",
    "--build-id=none",
    "-znorelro",
    "--no-rosegment",
    "--no-mmap-output-file",
];

/// A release aborts on panic: nothing unwinds, so the tables for it (a tenth of the binary) are left
/// out. What a launch executes lies side by side.
fn link_for_release(out: &Path) {
    let libc = env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    if !matches!(libc.as_str(), "gnu" | "musl") {
        return;
    }
    let no_tables =
        fs::canonicalize("build/no-unwind-tables.ld").expect("the script stands in build/");
    let launch = out.join("launch.ld");
    fs::write(&launch, launch_order()).expect("OUT_DIR is writable");
    println!("cargo::rerun-if-changed=build/no-unwind-tables.ld");
    println!("cargo::rerun-if-changed=build/launch-order.txt");
    let mut flags = vec![
        "--no-eh-frame-hdr".to_owned(),
        format!("--script={}", no_tables.display()),
        format!("--script={}", launch.display()),
    ];
    // The toolchain's own linker, used for musl and on x86-64, knows these; others need not.
    if libc == "musl" || env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|a| a == "x86_64") {
        flags.extend(LLD_FLAGS.map(str::to_owned));
    }
    // The compiler driver passes on what it is told to; musl's linker is called without it.
    let through = if libc == "musl" { "" } else { "-Wl," };
    for flag in flags {
        println!("cargo::rustc-link-arg-bins={through}{flag}");
    }
}

/// Functions that a launch executes, laid side by side: it then touches fewer windows of the page
/// cache, each a page fault and 64 KiB of resident memory. A line names a section, or a member of a
/// library and its section; what no longer exists is passed over.
fn launch_order() -> String {
    let names = fs::read_to_string("build/launch-order.txt").expect("the list stands in build/");
    let mut script = String::from("SECTIONS { .text.launch : {\n");
    for name in names.lines() {
        let _ = match name.split_once(' ') {
            Some((member, section)) => writeln!(script, "*{member}({section})"),
            None => writeln!(script, "*({name})"),
        };
    }
    script.push_str("} } INSERT BEFORE .text;\n");
    // The one large table stands apart from the rest of what is written, which then fills few pages.
    script.push_str(
        "SECTIONS { .data.tools : { *(.data.*8unpacked5TOOLS) } } INSERT BEFORE .tdata;\n",
    );
    script
}

/// Version, commit, kind and machine: `0.1.0 (0587488, release, x86_64-unknown-linux-gnu)`. Debug
/// builds do not ask for the commit: each new one would build everything again.
fn version() -> String {
    let set = |name: &str| env::var(name).unwrap_or_default();
    let kind = set("PROFILE");
    let commit = if kind == "release" { commit() } else { None };
    let commit = commit.map(|c| format!("{c}, ")).unwrap_or_default();
    format!(
        "{} ({commit}{kind}, {})",
        set("CARGO_PKG_VERSION"),
        set("TARGET")
    )
}

/// The commit that is built, where it is known: from git, or from what cargo puts into a package.
fn commit() -> Option<String> {
    let git = |args: &[&str]| {
        let out = std::process::Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(out.stdout).ok()?;
        (out.status.success()).then(|| text.trim().to_owned())
    };
    if let Ok(info) = fs::read_to_string(".cargo_vcs_info.json") {
        let sha = info.split("\"sha1\": \"").nth(1)?.get(..7)?;
        return Some(sha.to_owned());
    }
    // Inside another project's repository its commit would say nothing.
    let top = fs::canonicalize(git(&["rev-parse", "--show-toplevel"])?).ok()?;
    if top != fs::canonicalize(".").ok()? {
        return None;
    }
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    let commit = git(&["rev-parse", "--short=7", "HEAD"])?;
    let changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(if changed {
        format!("{commit} with changes")
    } else {
        commit
    })
}

/// Files of a directory that end in `.toml`, by name.
fn toml_files(dir: &str) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap_or_else(|e| panic!("{dir}: {e}"))
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .map(|p| {
            let text = fs::read_to_string(&p).unwrap_or_else(|e| panic!("{}: {e}", p.display()));
            (p.display().to_string(), text)
        })
        .collect();
    files.sort();
    files
}

/// Built-in profiles, as text (what people are shown) and packed (`profiles.bin`, read by
/// `src/profile/builtin.rs`: a launch parses no TOML for them). A test there holds the two together.
fn profiles(out: &Path) -> String {
    let mut packed = Packed::default();
    let mut texts = String::new();
    let mut names = Vec::new();
    for (path, text) in toml_files("profiles") {
        let name = Path::new(&path)
            .file_stem()
            .and_then(|s| s.to_str())
            .expect("a file has a name");
        let full = fs::canonicalize(&path).expect("the file was just read");
        let _ = writeln!(texts, "    ({name:?}, include_str!({full:?})),");
        names.push(name.to_owned());
        packed.0.push(Item::Start);
        pack_profile(&mut packed, &path, &text);
    }
    let bin = out.join("profiles.bin");
    let (bytes, starts) = packed.bytes(&[]);
    fs::write(&bin, bytes).expect("OUT_DIR is writable");
    let starts: Vec<_> = names.iter().zip(starts).collect();
    format!(
        "/// Built-in profiles: name and text.\npub static BUILTIN: &[(&str, &str)] = &[\n{texts}];\n\
         static PACKED: &[u8] = include_bytes!({bin:?});\n\
         static STARTS: [(&str, u16); {}] = {starts:?};\n",
        names.len(),
    )
}

/// Each key with its texts, the line of each before it; of `set` a name and its value in turn.
fn pack_profile(out: &mut Packed, path: &str, text: &str) {
    let root = DeTable::parse(text).unwrap_or_else(|e| panic!("{path}: {e}"));
    out.number(root.get_ref().len());
    for (key, value) in root.get_ref() {
        out.text(key.get_ref());
        let mut texts: Vec<(String, usize)> = Vec::new();
        let text_of = |value: &Spanned<DeValue<'_>>| match value.get_ref().as_str() {
            Some(text) => (text.to_owned(), value.span().start),
            None => panic!("{path}: `{}` holds something else than text", key.get_ref()),
        };
        match value.get_ref() {
            DeValue::Array(items) => texts.extend(items.iter().map(text_of)),
            DeValue::Table(table) => {
                for (name, value) in table {
                    texts.push((name.get_ref().to_string(), name.span().start));
                    texts.push(text_of(value));
                }
            }
            _ => texts.push(text_of(value)),
        }
        out.number(texts.len());
        for (word, at) in texts {
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            out.number(line);
            out.text(&word);
        }
    }
}

/// The packed catalogue (`catalogue.bin`, read by `src/command/catalogue.rs`) and its index. Tables
/// of references would be three times as large as what they refer to.
fn catalogue(out: &Path) -> String {
    let mut packed = Packed::default();
    let mut names = Vec::new();
    let mut programs: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (path, text) in toml_files("profiles/commands") {
        let file: Table = text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        check_keys(&path, &file, &["tool"]);
        for tool in tables(&path, &file, "tool") {
            check_keys(&path, tool, TOOL_KEYS);
            for program in strings(&path, tool, "programs") {
                let entry = (names.len(), path.clone());
                if let Some((_, other)) = programs.insert(program.clone(), entry) {
                    panic!("{path}: program `{program}` is already a tool in {other}");
                }
            }
            packed.0.push(Item::Start);
            let name = string(&path, tool, "name");
            assert!(
                !names.contains(&name),
                "{path}: two tools are called `{name}`"
            );
            names.push(name);
            pack_tool(&mut packed, &path, tool);
        }
    }
    let bin = out.join("catalogue.bin");
    let pairs = packed.pairs();
    let (bytes, starts) = packed.bytes(&pairs);
    fs::write(&bin, bytes).expect("OUT_DIR is writable");
    let effects: Vec<String> = EFFECTS
        .iter()
        .map(|(_, e)| format!("Effect::{e}"))
        .collect();
    let text: String = programs.keys().map(String::as_str).collect();
    let mut out = format!(
        "const COUNT: usize = {};\n\
         static PACKED: &[u8] = include_bytes!({bin:?});\n\
         static PAIRS: [[u8; 2]; {}] = {pairs:?};\n\
         static STARTS: [u32; COUNT] = {starts:?};\n\
         const EFFECTS: [Effect; {}] = [{}];\n\
         /// The names of all programs, sorted, without anything between them.\n\
         static PROGRAM_NAMES: &str = {text:?};\n\
         /// Where the name of each program starts and the index of its tool; where the last ends.\n\
         static PROGRAMS: &[(u16, u16)] = &[\n",
        names.len(),
        pairs.len(),
        effects.len(),
        effects.join(", "),
    );
    let mut start = 0;
    for (program, (index, _)) in &programs {
        let _ = writeln!(out, "    ({start}, {index}),");
        start += program.len();
    }
    let _ = writeln!(out, "    ({start}, 0),");
    out.push_str("];\n");
    out
}

const TOOL_KEYS: &[&str] = &[
    "name",
    "programs",
    "reader",
    "resolver",
    "unlisted",
    "bare",
    "value-options",
    "secret-options",
    "data",
    "action",
    "example",
];
const ACTION_KEYS: &[&str] = &["name", "aliases", "effect", "why", "when", "example"];
const WHEN_KEYS: &[&str] = &["option", "value", "without", "word", "effect", "why"];

/// The words for effects and what they are in code; packed as their index here.
const EFFECTS: &[(&str, &str)] = &[
    ("none", "None"),
    ("reads", "Reads"),
    ("writes", "Writes"),
    ("changes-schema", "ChangesSchema"),
    ("opaque", "Opaque"),
    ("stops", "Stops"),
    ("destroys", "Destroys"),
];

/// What is packed, in order.
enum Item {
    /// Here a tool or a profile starts.
    Start,
    Number(usize),
    Text(String),
    /// A text that is looked for: it stands as it is.
    Name(String),
}

/// Numbers are written seven bits a byte, low ones first, with the eighth bit on all but the last.
/// A text that stands once is twice its length and its bytes; the others stand at the front, the
/// most frequent first, and are named by twice their place plus one. A list is its length and its
/// items.
#[derive(Default)]
struct Packed(Vec<Item>);

impl Packed {
    fn number(&mut self, number: usize) {
        self.0.push(Item::Number(number));
    }

    fn text(&mut self, text: &str) {
        self.0.push(Item::Text(text.to_owned()));
    }

    fn list(&mut self, items: &[String]) {
        self.number(items.len());
        for item in items {
            self.text(item);
        }
    }

    fn effect(&mut self, path: &str, word: &str) {
        let at = EFFECTS.iter().position(|(known, _)| *known == word);
        self.number(at.unwrap_or_else(|| panic!("{path}: `{word}` is no effect")));
    }

    /// The pairs of bytes that texts are written by: each in turn the most frequent one, which the
    /// byte 128 and so on stands for from then on.
    fn pairs(&self) -> Vec<[u8; 2]> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for item in &self.0 {
            if let Item::Text(text) = item
                && known.insert(text)
            {
                assert!(text.is_ascii(), "not ASCII: {text}");
                texts.push(text.clone().into_bytes());
            }
        }
        let mut pairs = Vec::new();
        for code in 0x80..=0xff {
            let mut counts = vec![0_u32; 1 << 16];
            for text in &texts {
                for pair in text.windows(2) {
                    counts[usize::from(pair[0]) << 8 | usize::from(pair[1])] += 1;
                }
            }
            let most = (0..counts.len()).max_by_key(|at| (counts[*at], std::cmp::Reverse(*at)));
            let most = most.expect("there are pairs");
            let pair = [(most >> 8) as u8, most as u8];
            texts
                .iter_mut()
                .for_each(|text| *text = joined(text, pair, code));
            pairs.push(pair);
        }
        pairs
    }

    /// All of it as bytes, and where the tools start.
    fn bytes(self, pairs: &[[u8; 2]]) -> (Vec<u8>, Vec<usize>) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &self.0 {
            if let Item::Text(text) = item {
                *counts.entry(text).or_default() += 1;
            }
        }
        let mut shared: Vec<(&str, usize)> = counts.into_iter().filter(|(_, n)| *n > 1).collect();
        shared.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
        let (mut out, mut places, mut starts) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (text, _) in shared {
            places.insert(text, out.len());
            write_text(&mut out, text, pairs);
        }
        for item in &self.0 {
            match item {
                Item::Start => starts.push(out.len()),
                Item::Number(number) => write_number(&mut out, *number),
                Item::Text(text) => match places.get(text.as_str()) {
                    Some(place) => write_number(&mut out, place * 2 + 1),
                    None => write_text(&mut out, text, pairs),
                },
                Item::Name(name) => write_text(&mut out, name, &[]),
            }
        }
        (out, starts)
    }
}

fn write_number(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_text(out: &mut Vec<u8>, text: &str, pairs: &[[u8; 2]]) {
    let mut bytes = text.as_bytes().to_vec();
    for (pair, code) in pairs.iter().zip(0x80..=0xff) {
        bytes = joined(&bytes, *pair, code);
    }
    write_number(out, bytes.len() * 2);
    out.extend(bytes);
}

/// The bytes with a code for each pair of that kind.
fn joined(bytes: &[u8], pair: [u8; 2], code: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes.get(at..at + 2) == Some(&pair) {
            out.push(code);
            at += 2;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

fn pack_tool(out: &mut Packed, path: &str, tool: &Table) {
    let or = |key, default: &str| optional(path, tool, key).unwrap_or_else(|| default.into());
    out.0.push(Item::Name(string(path, tool, "name")));
    out.text(&or("reader", "words"));
    out.text(&or("resolver", ""));
    out.effect(path, &or("unlisted", "none"));
    out.effect(path, &or("bare", "none"));
    out.list(&strings(path, tool, "value-options"));
    out.list(&strings(path, tool, "secret-options"));
    pack_data(out, path, tool);
    let actions = tables(path, tool, "action");
    out.number(actions.len());
    let mut seen = Vec::new();
    for action in actions {
        check_keys(path, action, ACTION_KEYS);
        let name = string(path, action, "name");
        assert!(
            !seen.contains(&name),
            "{path}: action `{name}` stands twice"
        );
        out.text(&name);
        out.list(&strings(path, action, "aliases"));
        out.effect(path, &string(path, action, "effect"));
        out.text(&optional(path, action, "why").unwrap_or_default());
        let circumstances = tables(path, action, "when");
        out.number(circumstances.len());
        for when in circumstances {
            pack_when(out, path, when);
        }
        seen.push(name);
    }
}

fn pack_when(out: &mut Packed, path: &str, when: &Table) {
    check_keys(path, when, WHEN_KEYS);
    out.list(&strings(path, when, "option"));
    let value = optional(path, when, "value");
    out.number(usize::from(value.is_some()));
    out.text(&value.unwrap_or_default());
    out.list(&strings(path, when, "without"));
    out.list(&strings(path, when, "word"));
    out.effect(path, &string(path, when, "effect"));
    out.text(&optional(path, when, "why").unwrap_or_default());
}

fn pack_data(out: &mut Packed, path: &str, tool: &Table) {
    let none = Table::new();
    let table = tool.get("data").map_or(&none, |value| {
        value
            .as_table()
            .unwrap_or_else(|| panic!("{path}: `data` is not a table"))
    });
    out.number(table.len());
    for key in table.keys() {
        out.text(key);
        out.list(&strings(path, table, key));
    }
}

fn check_keys(path: &str, table: &Table, known: &[&str]) {
    for key in table.keys() {
        assert!(
            known.contains(&key.as_str()),
            "{path}: unknown key `{key}` (known: {})",
            known.join(", ")
        );
    }
}

fn tables<'a>(path: &str, table: &'a Table, key: &str) -> Vec<&'a Table> {
    match table.get(key) {
        None => Vec::new(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|i| {
                i.as_table()
                    .unwrap_or_else(|| panic!("{path}: `{key}` holds something else than tables"))
            })
            .collect(),
        Some(_) => panic!("{path}: write `[[{key}]]`"),
    }
}

fn optional(path: &str, table: &Table, key: &str) -> Option<String> {
    table.get(key).map(|v| {
        v.as_str()
            .unwrap_or_else(|| panic!("{path}: `{key}` is not a string"))
            .to_owned()
    })
}

fn string(path: &str, table: &Table, key: &str) -> String {
    optional(path, table, key).unwrap_or_else(|| panic!("{path}: `{key}` is missing in {table:?}"))
}

/// A list of strings; a single string stands for a list of one.
fn strings(path: &str, table: &Table, key: &str) -> Vec<String> {
    match table.get(key) {
        None => Vec::new(),
        Some(Value::String(s)) => vec![s.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .map(|i| {
                i.as_str()
                    .unwrap_or_else(|| panic!("{path}: `{key}` holds something else than strings"))
                    .to_owned()
            })
            .collect(),
        Some(_) => panic!("{path}: `{key}` is not a list of strings"),
    }
}

//! `tagout man`: manual pages, from the same definitions as the help.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_mangen::Man;

use crate::cli::{Session, exit};
use crate::topics::exits::EXITS;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command
        .arg(
            Arg::new("page")
                .value_name("COMMAND")
                .num_args(0..)
                .help("The page of this command (`log verify`) [default: tagout itself]"),
        )
        .arg(
            Arg::new("dir")
                .long("dir")
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with("page")
                .help("Write all pages there"),
        )
        .after_help(
            "Examples:\n  tagout man | man -l -\n  tagout man --dir /usr/local/share/man/man1",
        )
}

/// Prints a page, or writes all.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let pages = pages();
    if let Some(dir) = matches.get_one::<PathBuf>("dir") {
        for (name, text) in &pages {
            if let Err(e) = std::fs::write(dir.join(name), text) {
                return session.failed(&format!("{}: {e}", dir.join(name).display()), &[]);
            }
        }
        return exit::OK;
    }
    let words = matches.get_many::<String>("page").into_iter().flatten();
    let name = words.fold("tagout".to_owned(), |name, word| format!("{name}-{word}"));
    match pages
        .into_iter()
        .find(|(page, _)| *page == format!("{name}.1"))
    {
        Some((_, text)) => {
            session.ui.data(&text);
            exit::OK
        }
        None => {
            session.ui.error(
                &format!("there is no page {name}(1)"),
                &["tagout help lists the commands".to_owned()],
            );
            exit::USAGE
        }
    }
}

/// All pages: file name and text.
pub fn pages() -> Vec<(String, String)> {
    let root = super::definition().version(env!("CARGO_PKG_VERSION"));
    let mut pages = Vec::new();
    collect(root, "tagout", &mut pages);
    pages
}

fn collect(command: Command, name: &str, pages: &mut Vec<(String, String)>) {
    let inner: Vec<Command> = command.get_subcommands().cloned().collect();
    let display = name.replace('-', " ");
    let command = command.display_name(name.to_owned()).bin_name(display);
    let mut text = Vec::new();
    let page = Man::new(command).title(name).section("1").manual("tagout");
    if page.render(&mut text).is_ok() {
        let text = String::from_utf8_lossy(&text).into_owned();
        let more = if name == "tagout" {
            exit_status()
        } else {
            String::new()
        };
        pages.push((format!("{name}.1"), format!("{}\n{more}", text.trim_end())));
    }
    for command in inner {
        let name = format!("{name}-{}", command.get_name());
        collect(command, &name, pages);
    }
}

fn exit_status() -> String {
    let lines = EXITS.iter();
    let lines =
        lines.map(|(code, meaning)| format!(".TP\n{}\n{}\n", escaped(code), escaped(meaning)));
    format!(".SH \"EXIT STATUS\"\n{}", lines.collect::<String>())
}

/// A line of roff text.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

//! `tagout completions`: the shells' completions, from the same definitions as the help.

use clap::{Arg, ArgMatches, Command, builder::PossibleValuesParser};
use clap_complete::{Shell, generate};

use crate::cli::{Session, exit};
use crate::topics;

/// The shells.
pub const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// After `--` another program's words begin: bash is told so.
const BASH_COMMAND: &str = r#"
_tagout_or_command() {
    local at
    for ((at = 1; at < COMP_CWORD; at++)); do
        if [[ ${COMP_WORDS[at]} == -- ]]; then
            if declare -F _comp_command_offset >/dev/null; then
                _comp_command_offset $((at + 1))
            elif declare -F _command_offset >/dev/null; then
                _command_offset $((at + 1))
            elif ((COMP_CWORD == at + 1)); then
                COMPREPLY=($(compgen -c -- "${COMP_WORDS[COMP_CWORD]}"))
            else
                COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
            fi
            return
        fi
    done
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        -p | --profile) COMPREPLY=($(compgen -W "$(PROFILES)" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
        help) COMPREPLY=($(compgen -W "TOPICS" -- "${COMP_WORDS[COMP_CWORD]}")) ;;
        *) _tagout "$@" ;;
    esac
}
complete -F _tagout_or_command -o bashdefault -o default tagout
"#;

/// The same for fish.
const FISH_COMMAND: &str = r#"
function __tagout_after_dashes
    set -l words (commandline -opc)
    contains -- -- $words
end
function __tagout_command_line
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    set -e words[1..$at]
    complete -C "$words "(commandline -ct)
end
complete -c tagout -n __tagout_after_dashes -f -a '(__tagout_command_line)'
complete -c tagout -n 'not __tagout_after_dashes' -s p -l profile -x -a '(PROFILES)'
complete -c tagout -n '__fish_seen_subcommand_from help' -f -a 'TOPICS'
"#;

/// The profiles that count in the reader's folder.
const ZSH_PROFILES: &str = r#"
_tagout_profiles() {
    compadd -- ${(f)"$(PROFILES)"}
}
"#;

/// Prints the names of the profiles.
const PROFILES: &str = r#"tagout profile list 2>/dev/null | sed -n "s/^..\([^ ]*\) .*/\1/p""#;

/// The definition.
pub(super) fn define(command: Command) -> Command {
    command
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(PossibleValuesParser::new(SHELLS))
                .help("The shell"),
        )
        .after_help(
            "Examples:\n  tagout completions bash >~/.local/share/bash-completion/completions/tagout\n  \
             tagout completions zsh >~/.zfunc/_tagout        (a folder of fpath)\n  \
             tagout completions fish >~/.config/fish/completions/tagout.fish",
        )
}

/// Prints them.
pub(super) fn run(session: &mut Session, matches: &ArgMatches) -> u8 {
    let shell = matches
        .get_one::<String>("shell")
        .map_or("", String::as_str);
    match script(shell) {
        Some(text) => {
            session.ui.data(&text);
            exit::OK
        }
        None => exit::USAGE,
    }
}

/// The completions for a shell.
pub fn script(shell: &str) -> Option<String> {
    let (generator, more) = match shell {
        "bash" => (Shell::Bash, BASH_COMMAND),
        "zsh" => (Shell::Zsh, ZSH_PROFILES),
        "fish" => (Shell::Fish, FISH_COMMAND),
        _ => return None,
    };
    let mut text = Vec::new();
    generate(generator, &mut super::definition(), "tagout", &mut text);
    let text = String::from_utf8_lossy(&text);
    let topics = topics::names().join(" ");
    let more = more
        .replace("PROFILES", PROFILES)
        .replace("TOPICS", &topics);
    if shell == "zsh" {
        return Some(zsh(&text, &more, &topics));
    }
    Some(format!("{}\n{more}", text.trim_end()))
}

/// zsh is told where each argument stands which names there are. The file ends with the call that
/// completes: what it needs stands before.
fn zsh(text: &str, more: &str, topics: &str) -> String {
    let line = |line: &str| {
        let named = match line {
            profile if profile.contains(":NAME:_default") => {
                let is_it = line.starts_with("'-p+[") || line.starts_with("'--profile=[");
                is_it.then(|| profile.replace(":NAME:_default", ":NAME:_tagout_profiles"))
            }
            help if help.starts_with("'*::words ") => {
                Some(help.replace(":_default'", &format!(":({topics})'")))
            }
            command if command.starts_with("'*::command ") => {
                Some(command.replace(":_default'", ":_cmdambivalent'"))
            }
            _ => None,
        };
        named.unwrap_or_else(|| line.to_owned())
    };
    let lines: Vec<String> = text.trim_end().lines().map(line).collect();
    let (head, rest) = lines.split_at(lines.len().min(1));
    format!("{}\n{more}\n{}\n", head.join("\n"), rest.join("\n"))
}

# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_tagout_global_optspecs
    string join \n h/help V/version
end

function __fish_tagout_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_tagout_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_tagout_using_subcommand
    set -l cmd (__fish_tagout_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c tagout -n "__fish_tagout_needs_command" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_needs_command" -s V -l version -d 'Print version'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "run" -d 'Start a command with a scrubbed environment, if what it would do is allowed'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "explain" -d 'Say what `run` would do, without doing it: variables, program, effect, targets, verdict'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "mark" -d 'Mark a target as disposable or production, for this user'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "trust" -d 'Trust a project\'s tagout.toml with the content it has now; without trust it only tightens'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "dotenv" -d 'Show what a reader of .env files makes of one'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "init" -d 'Look at the project and propose a tagout.toml: profiles, and marks with where they come from'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "profile" -d 'List the profiles, show what one lets through, learn what a command asks for'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "config" -d 'Show every setting with where it comes from, and check the files'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "check" -d 'Find what pipelines, images, units and code do to databases without tagout'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "doctor" -d 'Try each protection on this machine with a canary: what is missing, and how to get it'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "hook" -d 'Put tagout before the commands that people type (bash, zsh, fish, sh) or that agents run'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "shim" -d 'Put tagout before commands in scripts, cron, make: install, list, remove'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "log" -d 'Show what was run and refused, newest first, and check the journal'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "report" -d 'Write one page about what was run and refused: production, refusals, surprises, durations'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "completions" -d 'Print completions for bash, zsh or fish'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "man" -d 'Print a manual page, or write all of them'
complete -c tagout -n "__fish_tagout_needs_command" -f -a "help" -d 'Help on a command or a topic: rules, effects, exit-codes, ...'
complete -c tagout -n "__fish_tagout_using_subcommand run" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand run" -s p -l profile -d 'The profile to use [default: the configuration\'s, else `default`]' -r
complete -c tagout -n "__fish_tagout_using_subcommand run" -l keep -d 'Let this variable of the caller through for this run (exact name, repeatable)' -r
complete -c tagout -n "__fish_tagout_using_subcommand run" -l hook -d 'Use the profile that shells and shims use for the command NAME' -r
complete -c tagout -n "__fish_tagout_using_subcommand run" -l status-fd -d 'Write lines of JSON there: refused, started or failed, and how it ended' -r
complete -c tagout -n "__fish_tagout_using_subcommand run" -l json-status -d 'The same, and first the plan; a number is a descriptor, all else a file' -r
complete -c tagout -n "__fish_tagout_using_subcommand run" -l probe -d 'Ask the framework too: load its configuration as the command would, fenced off, and compare'
complete -c tagout -n "__fish_tagout_using_subcommand run" -l no-spool -d 'Do not read a stream for a client beforehand: it can then do anything'
complete -c tagout -n "__fish_tagout_using_subcommand run" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand explain" -s p -l profile -d 'The profile to use [default: the configuration\'s, else `default`]' -r
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l keep -d 'Let this variable of the caller through for this run (exact name, repeatable)' -r
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l hook -d 'Use the profile that shells and shims use for the command NAME' -r
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l probe -d 'Ask the framework too: load its configuration as the command would, fenced off, and compare'
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l no-spool -d 'Do not read a stream for a client beforehand: it can then do anything'
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l json -d 'As JSON (schema tagout.explain/1)'
complete -c tagout -n "__fish_tagout_using_subcommand explain" -l all -d 'List every variable, not only their number'
complete -c tagout -n "__fish_tagout_using_subcommand explain" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l engine -d 'Kind of server: postgres, mysql, sqlite, redis, mongodb, ...' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l host -d 'Host name or address; `*` stands for anything' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l network -d 'Address range, 10.0.0.0/8' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l socket -d 'Unix socket' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l file -d 'Database file' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l port -d 'Port' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l database -d 'Database name; `*` stands for anything' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l environment -d 'Framework environment' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l identifier -d 'Identifier in a cloud or container runtime' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -l url -d 'postgres://host:port/database' -r
complete -c tagout -n "__fish_tagout_using_subcommand mark" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand trust" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand trust" -l prefix -d 'Trust every project file below FILE, a directory, whatever it holds'
complete -c tagout -n "__fish_tagout_using_subcommand trust" -l remove -d 'Trust it no longer'
complete -c tagout -n "__fish_tagout_using_subcommand trust" -l list -d 'Show what is trusted'
complete -c tagout -n "__fish_tagout_using_subcommand trust" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand dotenv" -l dialect -d 'The reader and its version, one of --list' -r
complete -c tagout -n "__fish_tagout_using_subcommand dotenv" -l env -d 'A variable of the process that reads the file (repeatable); there are no others' -r
complete -c tagout -n "__fish_tagout_using_subcommand dotenv" -l json -d 'As one JSON object, names to values'
complete -c tagout -n "__fish_tagout_using_subcommand dotenv" -l list -d 'List the dialects'
complete -c tagout -n "__fish_tagout_using_subcommand dotenv" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand init" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand init" -l yes -d 'Write it without asking'
complete -c tagout -n "__fish_tagout_using_subcommand init" -l print -d 'Show it and write nothing'
complete -c tagout -n "__fish_tagout_using_subcommand init" -l trust -d 'With --yes: trust the file as it is then (tagout trust)'
complete -c tagout -n "__fish_tagout_using_subcommand init" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and not __fish_seen_subcommand_from list show learn" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and not __fish_seen_subcommand_from list show learn" -f -a "list" -d 'List the profiles that can be named here'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and not __fish_seen_subcommand_from list show learn" -f -a "show" -d 'Show what a profile lets through, each setting with its place'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and not __fish_seen_subcommand_from list show learn" -f -a "learn" -d 'Run a command once, scrubbed; say which dropped variables it asks for; propose them'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from list" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from show" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from show" -l json -d 'As JSON (schema tagout.config/1)'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -s p -l profile -d 'The profile to learn for [default: the one a run here would use]' -r
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -l yes -d 'Write it without asking'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -l print -d 'Show it and write nothing'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -l trust -d 'With --yes: trust the file as it is then (tagout trust)'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -l no-run -d 'Run nothing: only compare with names in the project\'s code'
complete -c tagout -n "__fish_tagout_using_subcommand profile; and __fish_seen_subcommand_from learn" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand config; and not __fish_seen_subcommand_from show check" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand config; and not __fish_seen_subcommand_from show check" -f -a "show" -d 'Show the files that count here and every setting in force, each with its place'
complete -c tagout -n "__fish_tagout_using_subcommand config; and not __fish_seen_subcommand_from show check" -f -a "check" -d 'Check every configuration file that counts here, and every profile in them'
complete -c tagout -n "__fish_tagout_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand config; and __fish_seen_subcommand_from show" -s p -l profile -d 'The profile to show [default: the one a run here would use]' -r
complete -c tagout -n "__fish_tagout_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'As JSON (schema tagout.config/1)'
complete -c tagout -n "__fish_tagout_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand check" -l format -d 'How to say it' -r -f -a "text\t''
json\t''
github\t''
sarif\t''
gitlab\t''
junit\t''"
complete -c tagout -n "__fish_tagout_using_subcommand check" -l baseline -d 'Leave out the findings that this file knows' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand check" -l write-baseline -d 'Write all findings into this file, and exit 0' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand check" -l fail-on -d 'The least level that makes it exit 1' -r -f -a "error\t''
warning\t''
never\t''"
complete -c tagout -n "__fish_tagout_using_subcommand check" -l explain -d 'Show the page of a rule' -r -f -a "changes-production\t''
destroys-production\t''
destroys-unmarked\t''
destroys-unresolved\t''
ignore-without-reason\t''
production-address\t''
refused-command\t''
unknown-profile\t''
unknown-rule\t''
unreadable-file\t''
unused-ignore\t''
unwrapped-command\t''
unwrapped-spawn\t''"
complete -c tagout -n "__fish_tagout_using_subcommand check" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand check" -s q -l quiet -d 'Findings only, not the commands that were seen (text)'
complete -c tagout -n "__fish_tagout_using_subcommand check" -l rules -d 'List the rules'
complete -c tagout -n "__fish_tagout_using_subcommand check" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand doctor" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand doctor" -l agent -d 'Try the hooks that this coding agent is configured with, and nothing else' -r -f -a "claude\t''
codex\t''
gemini\t''
copilot\t''
cursor\t''"
complete -c tagout -n "__fish_tagout_using_subcommand doctor" -s p -l profile -d 'Try the launch of this profile [default: the one a run here would use]' -r
complete -c tagout -n "__fish_tagout_using_subcommand doctor" -l json -d 'As JSON (schema tagout.doctor/1)'
complete -c tagout -n "__fish_tagout_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand hook" -l agent -d 'Answer this coding agent: its question is read from standard input' -r -f -a "claude\t''
codex\t''
gemini\t''
copilot\t''
cursor\t''"
complete -c tagout -n "__fish_tagout_using_subcommand hook" -s p -l profile -d 'The profile that the agent\'s commands run under' -r
complete -c tagout -n "__fish_tagout_using_subcommand hook" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand hook" -l install -d 'Print what belongs into the agent\'s settings, and where'
complete -c tagout -n "__fish_tagout_using_subcommand hook" -l no-rewrite -d 'Never replace a command: ask the agent to write it behind tagout itself'
complete -c tagout -n "__fish_tagout_using_subcommand hook" -l approve -d 'What tagout allows runs without a question of the agent (Claude Code, Copilot)'
complete -c tagout -n "__fish_tagout_using_subcommand hook" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and not __fish_seen_subcommand_from install list remove" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and not __fish_seen_subcommand_from install list remove" -f -a "install" -d 'Make links to tagout under the names of other programs, for PATH'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and not __fish_seen_subcommand_from install list remove" -f -a "list" -d 'List the shims, with the program that each would start'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and not __fish_seen_subcommand_from install list remove" -f -a "remove" -d 'Remove the shims'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and __fish_seen_subcommand_from install" -l config -d 'The user\'s configuration folder [default: ~/.config/tagout]' -r
complete -c tagout -n "__fish_tagout_using_subcommand shim; and __fish_seen_subcommand_from install" -l command -d 'Only this one (repeatable) [default: the usual ones and those of [hook] commands]' -r
complete -c tagout -n "__fish_tagout_using_subcommand shim; and __fish_seen_subcommand_from install" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand shim; and __fish_seen_subcommand_from remove" -l command -d 'Only this one (repeatable)' -r
complete -c tagout -n "__fish_tagout_using_subcommand shim; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l journal -d 'Read this journal instead of one\'s own' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l since -d 'Only runs judged at or after' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l until -d 'Only runs judged before' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l target -d 'Only runs with such a target: a part of its URI, or all of it with `*`' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l tier -d 'Only runs with a target of that tier' -r -f -a "production\t''
disposable\t''
unmarked\t''
unresolved\t''"
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l effect -d 'Only runs of that effect' -r -f -a "none\t''
reads\t''
writes\t''
changes-schema\t''
opaque\t''
stops\t''
destroys\t''"
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l verdict -d 'Only allowed or refused runs' -r -f -a "allowed\t''
refused\t''"
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l profile -d 'Only runs of that profile' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l user -d 'Only runs of that user (name or id)' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l cwd -d 'Only runs in that directory or below' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l gate -d 'Only runs that a gate held back: require, mark, anchor, fence or hide' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -s n -l count -d 'At most so many' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l open -d 'Only runs without an outcome'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l mismatch -d 'Only runs that contacted a database which was not resolved'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l utc -d 'Show times in UTC, as they are recorded [default: local time with its offset]'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l no-pager -d 'Print it all at once [default: by $PAGER or less on a terminal]'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -l json -d 'One run a line, as JSON'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -f -a "show" -d 'Tell the whole story of one run'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -f -a "tail" -d 'Show the newest runs'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -f -a "stats" -d 'Count runs by verdict, effect, tier, profile, user and result'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -f -a "verify" -d 'Check that the journal is as it was written, and against an anchor that nothing is missing'
complete -c tagout -n "__fish_tagout_using_subcommand log; and not __fish_seen_subcommand_from show tail stats verify checkpoint" -f -a "checkpoint" -d 'Sign the journal\'s head and keep it elsewhere, so that a cut or rewritten journal shows'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from show" -l journal -d 'Read this journal instead of one\'s own' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from show" -l utc -d 'Show times in UTC, as they are recorded [default: local time with its offset]'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from show" -l no-pager -d 'Print it all at once [default: by $PAGER or less on a terminal]'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from show" -l json -d 'The entries as JSON'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from tail" -l journal -d 'Read this journal instead of one\'s own' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from tail" -s n -l count -d 'At most so many' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from tail" -s f -l follow -d 'Go on with what is recorded from now on'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from tail" -l utc -d 'Show times in UTC, as they are recorded [default: local time with its offset]'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from tail" -l json -d 'One entry a line, as JSON'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from tail" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from stats" -l journal -d 'Read this journal instead of one\'s own' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from stats" -l since -d 'Only runs judged at or after' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from stats" -l utc -d 'Show times in UTC, as they are recorded [default: local time with its offset]'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from stats" -l json -d 'As JSON'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from verify" -l journal -d 'Read this journal instead of one\'s own' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from verify" -l against -d 'Heads that were kept elsewhere: file:PATH, postgres:CONNINFO or git:PATH (repeatable)' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from verify" -l signers -d 'Believe only heads signed by these (ssh-keygen\'s allowed signers)' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from verify" -l require-anchor -d 'Fail where no anchor is known, because then a cut end cannot be seen'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from verify" -l json -d 'As JSON'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l key -d 'Sign with this private key of ssh-keygen [default: the configuration\'s]' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -l to -d 'Keep it there too: file:PATH, syslog, postgres:CONNINFO or git:PATH[,REMOTE] (repeatable)' -r
complete -c tagout -n "__fish_tagout_using_subcommand log; and __fish_seen_subcommand_from checkpoint" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand report" -l html -d 'The page; it needs no network and no script' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand report" -l journal -d 'Report on this journal instead of one\'s own' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand report" -l postgres -d 'Report on what tagout-ship put there; the role needs to read (tagout_read)' -r
complete -c tagout -n "__fish_tagout_using_subcommand report" -l host -d 'Only runs of that host' -r
complete -c tagout -n "__fish_tagout_using_subcommand report" -l since -d 'Only runs judged at or after' -r
complete -c tagout -n "__fish_tagout_using_subcommand report" -s n -l count -d 'Tell the stories of at most so many runs, the newest; numbers are over all' -r
complete -c tagout -n "__fish_tagout_using_subcommand report" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand completions" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand man" -l dir -d 'Write all pages there' -r -F
complete -c tagout -n "__fish_tagout_using_subcommand man" -s h -l help -d 'Print help'
complete -c tagout -n "__fish_tagout_using_subcommand help" -s h -l help -d 'Print help'

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
complete -c tagout -n 'not __tagout_after_dashes' -s p -l profile -x -a '(tagout profile list 2>/dev/null | sed -n "s/^..\([^ ]*\) .*/\1/p")'
complete -c tagout -n '__fish_seen_subcommand_from help' -f -a 'rules effects marks profiles layers settings environment targets fence journal exit-codes limits reads-production reads-disposable reads-unmarked reads-unresolved writes-production writes-disposable writes-unmarked writes-unresolved changes-schema-production changes-schema-disposable changes-schema-unmarked changes-schema-unresolved opaque-production opaque-disposable opaque-unmarked opaque-unresolved stops-production stops-disposable stops-unmarked stops-unresolved destroys-production destroys-disposable destroys-unmarked destroys-unresolved no-database required-variable'

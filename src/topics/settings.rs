//! Every setting of a configuration file, as data: `tagout help settings` and the reference are
//! made of it, and a test holds it against the parser's keys.

/// A part of a configuration file.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// How it begins in a file.
    pub head: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its settings.
    pub settings: &'static [Setting],
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its key.
    pub key: &'static str,
    /// What it takes.
    pub takes: &'static str,
    /// What holds where nobody says anything.
    pub default: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What an untrusted project's file can do with it.
    pub untrusted: &'static str,
}

const fn setting(
    key: &'static str,
    takes: &'static str,
    default: &'static str,
    untrusted: &'static str,
    does: &'static str,
) -> Setting {
    Setting {
        key,
        takes,
        default,
        does,
        untrusted,
    }
}

/// All parts.
pub const PARTS: &[Part] = &[
    Part {
        head: "",
        about: "At the top of a file",
        settings: &[
            setting(
                "profile",
                "a name",
                "\"default\"",
                "counts where nobody else names one and the profile is no looser",
                "The profile of a run that names none with -p. The nearest file's wish counts: project, user, machine",
            ),
            setting(
                "hook",
                "a table",
                "none",
                "see there",
                "What shell functions and shims wrap: [hook]",
            ),
            setting(
                "profiles",
                "tables",
                "the built-in ones",
                "each only tightens",
                "Profiles by name: [profiles.worker]",
            ),
            setting(
                "every",
                "a table",
                "none",
                "only tightens",
                "Limits for every profile: a level here only tightens",
            ),
            setting(
                "marks",
                "a list of tables",
                "the built-in ones",
                "production marks count",
                "Rules that recognise targets: [[marks]]",
            ),
            setting(
                "migrations",
                "a list of tables",
                "none",
                "ignored",
                "SQL migrations that have run: [[migrations]]",
            ),
            setting(
                "journal",
                "a table",
                "none",
                "can only demand more",
                "How the journal is anchored",
            ),
        ],
    },
    Part {
        head: "[profiles.NAME] and [every]",
        about: "What one kind of run may have and do",
        settings: &[
            setting(
                "description",
                "text",
                "none",
                "counts",
                "One line for people, shown by `profile list`",
            ),
            setting(
                "extends",
                "a name",
                "none",
                "counts for its own profiles",
                "The profile that this one builds on",
            ),
            setting(
                "pass",
                "names",
                "none",
                "ignored",
                "Variables that pass from the caller. Exact names; LC_* is the one family",
            ),
            setting(
                "drop",
                "names",
                "none",
                "counts",
                "Variables that do not pass although a profile below lists them",
            ),
            setting(
                "never",
                "names, * at the end allowed",
                "none",
                "counts",
                "Variables that pass under no circumstances, --keep included",
            ),
            setting(
                "set",
                "NAME = \"value\"",
                "none",
                "ignored",
                "Variables that are set",
            ),
            setting(
                "require",
                "names",
                "none",
                "counts",
                "Variables without which the command is refused (rule required-variable)",
            ),
            setting(
                "production",
                "never, read, write, migrate, console",
                "write",
                "counts where it is tighter",
                "The highest effect allowed on production, and on what cannot be resolved",
            ),
            setting(
                "unmarked",
                "refuse, allow",
                "refuse",
                "counts where it is tighter",
                "What happens to a destroying command whose target no mark recognises",
            ),
            setting(
                "descriptors",
                "\"all\", \"no-sockets\", or numbers",
                "\"no-sockets\"",
                "counts where it is tighter",
                "Inherited descriptors above 2 that are closed: all, or sockets only, or all but these numbers. Sockets never stay",
            ),
            setting(
                "fence",
                "off, observe, hold",
                "observe",
                "counts where it is tighter",
                "What the kernel fence does: nothing, record what is contacted, or also refuse what was not resolved",
            ),
            setting(
                "fence_unavailable",
                "warn, refuse",
                "warn",
                "counts where it is tighter",
                "What happens where the kernel offers no fence: start and say so, or do not start",
            ),
            setting(
                "allow",
                "host:port, host, network, :port, /socket",
                "none",
                "ignored",
                "Endpoints that the fence lets through besides the resolved targets",
            ),
            setting(
                "hide",
                "file names",
                "none",
                "counts",
                "Files that the command's clients must not find: ~/.pgpass, ~/.my.cnf, ...",
            ),
            setting(
                "hide_by",
                "variables, landlock",
                "variables",
                "counts",
                "How they are hidden: by variables that point their usual readers to nothing, or by the kernel too",
            ),
            setting(
                "private",
                "home, tmp",
                "none",
                "counts",
                "What the command gets a place of its own for: HOME, TMPDIR; empty at the start, removed afterwards",
            ),
            setting(
                "limits",
                "memory_mib, processes, open_files, cpu_seconds, file_mib, core_mib = number",
                "the caller's",
                "counts",
                "Bounds on what each process of the command may use; of several the tightest",
            ),
            setting(
                "survivors",
                "leave, wait, kill",
                "leave",
                "counts",
                "What happens to processes that are left when the command has ended",
            ),
        ],
    },
    Part {
        head: "[[marks]]",
        about: "A rule that recognises targets. All parts that are given must match",
        settings: &[
            setting(
                "tier",
                "production, disposable",
                "must be given",
                "disposable is ignored",
                "What the target is. Production wins over disposable",
            ),
            setting(
                "engine",
                "a word",
                "any",
                "",
                "postgres, mysql (MariaDB too), sqlite, redis, mongodb, sqlserver, clickhouse, ...",
            ),
            setting(
                "host",
                "a name or address, * at either end",
                "any",
                "",
                "The host",
            ),
            setting(
                "network",
                "an address range",
                "any",
                "",
                "The host's address lies in it: 10.0.0.0/8",
            ),
            setting("socket", "a path", "any", "", "The Unix socket"),
            setting("file", "a path", "any", "", "The database file"),
            setting("port", "a number", "any", "", "The port"),
            setting(
                "database",
                "a name, * at either end",
                "any",
                "",
                "The database",
            ),
            setting(
                "environment",
                "a word",
                "any",
                "",
                "The framework's environment: production, staging, ...",
            ),
            setting(
                "identifier",
                "a name, * at either end",
                "any",
                "",
                "An identifier in a cloud or container runtime",
            ),
            setting(
                "url",
                "a URL",
                "any",
                "",
                "Engine, host, port and database in one: postgres://db-1:5432/shop",
            ),
            setting("why", "text", "none", "", "A note for people"),
        ],
    },
    Part {
        head: "[[migrations]]",
        about: "SQL migrations that have run on the targets it names: their files no longer count when the tool goes up. Where the machine's policy has such a part, only its own count",
        settings: &[
            setting(
                "folder",
                "a path, or the end of one",
                "any",
                "ignored",
                "The folder of the migrations: /srv/shop/db/migrations, db/migrations",
            ),
            setting(
                "applied",
                "a list of versions",
                "none",
                "ignored",
                "Versions that have run, as the tool's own table has them. The newest is enough for golang-migrate, goose and tern, which never run an older one",
            ),
            setting(
                "applied_file",
                "an absolute path",
                "none",
                "ignored",
                "A file with such versions, the first word of each line",
            ),
            setting(
                "engine",
                "a word",
                "any",
                "ignored",
                "The targets on which they have run: postgres, mysql, sqlite, ...",
            ),
            setting(
                "host",
                "a name or address, * at either end",
                "any",
                "ignored",
                "The host",
            ),
            setting(
                "network",
                "an address range",
                "any",
                "ignored",
                "The host's address lies in it",
            ),
            setting("socket", "a path", "any", "ignored", "The Unix socket"),
            setting("file", "a path", "any", "ignored", "The database file"),
            setting("port", "a number", "any", "ignored", "The port"),
            setting(
                "database",
                "a name, * at either end",
                "any",
                "ignored",
                "The database",
            ),
            setting(
                "environment",
                "a word",
                "any",
                "ignored",
                "The framework's environment",
            ),
            setting(
                "identifier",
                "a name, * at either end",
                "any",
                "ignored",
                "An identifier in a cloud or container runtime",
            ),
            setting(
                "url",
                "a URL",
                "any",
                "ignored",
                "Engine, host, port and database in one",
            ),
            setting("why", "text", "none", "ignored", "A note for people"),
        ],
    },
    Part {
        head: "[journal]",
        about: "How the journal is anchored. Only the machine and the user name keys and places",
        settings: &[
            setting(
                "key",
                "a path",
                "none",
                "ignored",
                "Private key (ssh-keygen) that signs heads",
            ),
            setting(
                "anchors",
                "file:PATH, syslog, postgres:CONNINFO, git:PATH[,REMOTE]",
                "none",
                "ignored",
                "Places where heads are kept",
            ),
            setting(
                "anchor_required_for",
                "effects",
                "none",
                "counts",
                "Effects before which a head must have been kept, or the command does not start",
            ),
        ],
    },
    Part {
        head: "[hook]",
        about: "What shell functions (tagout hook) and shims (tagout shim) wrap",
        settings: &[
            setting(
                "commands",
                "commands",
                "artisan, php artisan, rake, rails, psql, mysql, mariadb",
                "counts",
                "Commands besides the usual ones: \"mycli\", or \"mycli run\" where only that is wrapped",
            ),
            setting(
                "profiles",
                "a table: command = \"profile\"",
                "rails for rake and rails, laravel for artisan, where no layer names a profile",
                "ignored",
                "The profile of a wrapped command, by its first word",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{
        DOCUMENT_KEYS, HOOK_KEYS, JOURNAL_KEYS, MARK_KEYS, MIGRATION_KEYS, PROFILE_KEYS,
    };

    #[test]
    fn the_parser_knows_these_settings_and_no_others() {
        let parsed = [
            DOCUMENT_KEYS,
            PROFILE_KEYS,
            MARK_KEYS,
            MIGRATION_KEYS,
            JOURNAL_KEYS,
            HOOK_KEYS,
        ];
        assert_eq!(PARTS.len(), parsed.len());
        for (part, keys) in PARTS.iter().zip(parsed) {
            let mut ours: Vec<_> = part.settings.iter().map(|s| s.key).collect();
            let mut theirs = keys.to_vec();
            ours.sort_unstable();
            theirs.sort_unstable();
            assert_eq!(ours, theirs, "{}", part.head);
        }
    }
}

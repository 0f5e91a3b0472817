//! Which files are looked at, and as what.

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    GitHub,
    GitLab,
    CircleCi,
    Jenkins,
    Procfile,
    Dockerfile,
    Compose,
    Makefile,
    Justfile,
    PackageJson,
    ComposerJson,
    Crontab,
    /// A crontab of the system, with a user in each line.
    SystemCrontab,
    Systemd,
    Shell,
    Php,
    Ruby,
    Python,
    JavaScript,
    Go,
    /// Nothing in its name says what it is: its first line may.
    Nameless,
}

/// The kind of a file by its path.
pub(super) fn of(path: &str) -> Option<Kind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let (stem, extension) = match lower.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (lower.as_str(), ""),
    };
    // Templates of files are no such files yet.
    if matches!(
        extension,
        "tt" | "erb" | "j2" | "jinja" | "tmpl" | "tpl" | "template" | "dist" | "example" | "md"
    ) {
        return None;
    }
    let yaml = matches!(extension, "yml" | "yaml");
    let inside = |folder: &str| path.starts_with(folder) || path.contains(&format!("/{folder}"));
    Some(match lower.as_str() {
        _ if yaml && inside(".github/workflows/") => Kind::GitHub,
        "action.yml" | "action.yaml" => Kind::GitHub,
        ".gitlab-ci.yml" | ".gitlab-ci.yaml" => Kind::GitLab,
        _ if yaml && (inside(".gitlab/ci/") || lower.ends_with(".gitlab-ci.yml")) => Kind::GitLab,
        _ if yaml && inside(".circleci/") => Kind::CircleCi,
        _ if stem == "jenkinsfile" || lower == "jenkinsfile" || extension == "jenkinsfile" => {
            Kind::Jenkins
        }
        _ if stem == "procfile" || lower == "procfile" => Kind::Procfile,
        _ if stem == "dockerfile"
            || stem == "containerfile"
            || matches!(extension, "dockerfile" | "containerfile") =>
        {
            Kind::Dockerfile
        }
        _ if yaml
            && (stem == "compose"
                || stem.starts_with("compose.")
                || stem.starts_with("docker-compose")) =>
        {
            Kind::Compose
        }
        "makefile" | "gnumakefile" => Kind::Makefile,
        _ if matches!(extension, "mk" | "mak") => Kind::Makefile,
        "justfile" | ".justfile" => Kind::Justfile,
        _ if extension == "just" => Kind::Justfile,
        "package.json" => Kind::PackageJson,
        "composer.json" => Kind::ComposerJson,
        "crontab" => Kind::Crontab,
        _ if inside("cron.d/") && extension.is_empty() => Kind::SystemCrontab,
        _ if matches!(extension, "cron" | "crontab") => Kind::Crontab,
        _ => match extension {
            "service" => Kind::Systemd,
            "sh" | "bash" | "zsh" | "ksh" => Kind::Shell,
            "php" => Kind::Php,
            "rb" | "rake" => Kind::Ruby,
            "py" => Kind::Python,
            "js" | "mjs" | "cjs" | "ts" | "mts" | "cts" | "tsx" | "jsx" => Kind::JavaScript,
            "go" => Kind::Go,
            "" if lower == "rakefile" => Kind::Ruby,
            "" => Kind::Nameless,
            _ => return None,
        },
    })
}

/// The kind that a first line says: `#!/usr/bin/env bash`.
pub(super) fn by_first_line(line: &str) -> Option<Kind> {
    let rest = line.strip_prefix("#!")?;
    let mut words = rest.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.find(|w| !w.starts_with('-') && !w.contains('='))?;
    }
    let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    Some(match program {
        "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" => Kind::Shell,
        "php" => Kind::Php,
        "ruby" => Kind::Ruby,
        "python" => Kind::Python,
        "node" => Kind::JavaScript,
        "make" => Kind::Makefile,
        "just" => Kind::Justfile,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_name_and_first_line() {
        let cases = [
            (".github/workflows/ci.yml", Some(Kind::GitHub)),
            ("app/.github/workflows/x.yaml", Some(Kind::GitHub)),
            ("deploy/action.yml", Some(Kind::GitHub)),
            (".gitlab-ci.yml", Some(Kind::GitLab)),
            (".circleci/config.yml", Some(Kind::CircleCi)),
            ("Jenkinsfile", Some(Kind::Jenkins)),
            ("Procfile.dev", Some(Kind::Procfile)),
            ("docker/Dockerfile.prod", Some(Kind::Dockerfile)),
            ("web.Dockerfile", Some(Kind::Dockerfile)),
            ("docker-compose.override.yml", Some(Kind::Compose)),
            ("compose.yaml", Some(Kind::Compose)),
            ("Makefile", Some(Kind::Makefile)),
            ("justfile", Some(Kind::Justfile)),
            ("web/package.json", Some(Kind::PackageJson)),
            ("etc/cron.d/app", Some(Kind::SystemCrontab)),
            ("worker.service", Some(Kind::Systemd)),
            ("bin/deploy", Some(Kind::Nameless)),
            ("x.md", None),
            ("config.yml", None),
        ];
        for (path, kind) in cases {
            assert_eq!(of(path), kind, "{path}");
        }
        assert_eq!(
            by_first_line("#!/usr/bin/env -S bash -e"),
            Some(Kind::Shell)
        );
        assert_eq!(by_first_line("#!/usr/bin/python3.11"), Some(Kind::Python));
        assert_eq!(by_first_line("plain"), None);
    }
}

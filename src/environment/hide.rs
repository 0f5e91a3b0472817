//! Files that the command's clients must not find: hidden by the clients' own variables, which
//! then point to nothing. Where a client has no such variable, that is said.

use std::path::{Path, PathBuf};

use crate::files::Files;

/// Ends of paths, and the variables by which their readers are sent elsewhere.
const READERS: &[(&str, &[(&str, &str)])] = &[
    (".pgpass", &[("PGPASSFILE", "/dev/null")]),
    (".pg_service.conf", &[("PGSERVICEFILE", "/dev/null")]),
    (".psqlrc", &[("PSQLRC", "/dev/null")]),
    (".mylogin.cnf", &[("MYSQL_TEST_LOGIN_FILE", "/dev/null")]),
    (".redisclirc", &[("REDISCLI_RCFILE", "/dev/null")]),
    (
        ".aws",
        &[
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_CONFIG_FILE", "/dev/null"),
        ],
    ),
    (
        ".aws/credentials",
        &[("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")],
    ),
    (".aws/config", &[("AWS_CONFIG_FILE", "/dev/null")]),
    (".kube", &[("KUBECONFIG", "/dev/null")]),
    (".kube/config", &[("KUBECONFIG", "/dev/null")]),
    (".config/gcloud", &[("CLOUDSDK_CONFIG", "/dev/null")]),
    (".docker", &[("DOCKER_CONFIG", "/dev/null")]),
];

/// The variables that hide a path, with their values; none where no client's variable does.
pub fn variables(path: &str) -> &'static [(&'static str, &'static str)] {
    let path = path.trim_end_matches('/');
    let known = READERS.iter().find(|(end, _)| {
        path.strip_suffix(end)
            .is_some_and(|start| start.is_empty() || start.ends_with('/'))
    });
    known.map_or(&[], |(_, variables)| variables)
}

/// The files themselves: `~` is each of the homes, what is relative lies in the project. Links are
/// followed; what does not exist needs no hiding.
pub fn real_paths<'a>(
    paths: impl Iterator<Item = &'a str>,
    homes: &[PathBuf],
    project: &Path,
    files: &dyn Files,
) -> Vec<PathBuf> {
    let places = |path: &str| match path.strip_prefix("~/") {
        Some(rest) => homes.iter().map(|home| home.join(rest)).collect(),
        None => vec![project.join(path)],
    };
    paths
        .flat_map(places)
        .filter_map(|path| files.real_path(&path))
        .collect()
}

/// What cannot be hidden of these paths, and why.
pub fn missing<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<String> {
    paths
        .filter(|path| variables(path).is_empty())
        .map(|path| {
            format!("`{path}` is not hidden: no variable of its readers sends them elsewhere")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_are_sent_to_nothing() {
        assert_eq!(variables("~/.pgpass"), [("PGPASSFILE", "/dev/null")]);
        assert_eq!(variables("/home/app/.aws/").len(), 2);
        assert_eq!(variables(".pgpass").len(), 1);
        assert!(variables("~/not.pgpass").is_empty());
        let paths = ["~/.pgpass", "~/.my.cnf", ".env.production"];
        assert_eq!(missing(paths.into_iter()).len(), 2);
    }
}

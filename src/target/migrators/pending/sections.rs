//! Which part of a migration file runs on the way up.

/// How a file tells its two directions apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// It does not: the whole file runs.
    Whole,
    /// `-- migrate:up`, `-- +goose Up`, `-- +migrate Up`: the word before the direction.
    Marked(&'static str),
    /// `-- Up Migration`, `-- Down Migration`; without the first all of it runs.
    NodePg,
    /// `---- create above / drop below ----`.
    Tern,
    /// Whole, with `${placeholders}`.
    Placeholders,
}

/// The text with everything blanked out that only runs on the way down; lines keep their numbers.
pub(super) fn up(text: &str, style: Style) -> String {
    if style == Style::NodePg && !text.lines().any(|l| node_pg(l, "up")) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut down = false;
    for line in text.split_inclusive('\n') {
        match direction(line, style) {
            Some(Direction::Up) => down = false,
            Some(Direction::Down) => down = true,
            None => {}
        }
        if down {
            out.push_str(if line.ends_with('\n') { "\n" } else { "" });
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Whether the text is only complete when it runs.
pub(super) fn templated(text: &str, style: Style) -> bool {
    let filled = |open: &str, own: &str| {
        text.match_indices(open)
            .any(|(at, _)| !text[at..].starts_with(own))
    };
    match style {
        Style::Placeholders => filled("${", "${flyway:"),
        Style::Tern => text.contains("{{"),
        Style::Marked("+goose") => {
            let on = |l: &str| marked(l, "+goose").is_some_and(|w| w == "envsub on");
            text.contains('$') && text.lines().any(on)
        }
        Style::Whole | Style::Marked(_) | Style::NodePg => false,
    }
}

enum Direction {
    Up,
    Down,
}

fn direction(line: &str, style: Style) -> Option<Direction> {
    let is = |up: bool, down: bool| match (up, down) {
        (true, _) => Some(Direction::Up),
        (_, true) => Some(Direction::Down),
        _ => None,
    };
    match style {
        Style::Whole | Style::Placeholders => None,
        Style::Marked("migrate") => {
            let words = line.trim_end().strip_prefix("--")?.trim_start();
            let word = words.split_whitespace().next()?;
            is(word == "migrate:up", word == "migrate:down")
        }
        Style::Marked(word) => {
            let words = marked(line, word)?;
            let first = words.split(' ').next()?;
            is(first == "up", first == "down")
        }
        Style::NodePg => is(node_pg(line, "up"), node_pg(line, "down")),
        Style::Tern => is(false, line.trim() == "---- create above / drop below ----"),
    }
}

/// The words behind `-- MARK`, in small letters.
fn marked(line: &str, mark: &str) -> Option<String> {
    let words = line.trim().strip_prefix("--")?.trim_start();
    let rest = words.strip_prefix(mark)?;
    Some(rest.trim().to_ascii_lowercase())
}

/// `-- Up Migration`, with any dashes and spaces before it.
fn node_pg(line: &str, direction: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("--") else {
        return false;
    };
    let rest = rest
        .trim_start_matches(|c: char| c == '-' || c.is_whitespace())
        .to_ascii_lowercase();
    rest.strip_prefix(direction).is_some_and(|r| {
        r.starts_with(char::is_whitespace) && r.trim_start().starts_with("migration")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_on_the_way_up_is_left() {
        let cases = [
            (
                "-- migrate:up\na;\n-- migrate:down\nb;\n",
                Style::Marked("migrate"),
                "a",
            ),
            (
                "--migrate:up transaction:false\na;\n--migrate:down\nb;\n",
                Style::Marked("migrate"),
                "a",
            ),
            (
                "-- +goose Up\na;\n-- +goose Down\nb;\n",
                Style::Marked("+goose"),
                "a",
            ),
            (
                "-- +goose down\nb;\n-- +goose up\na;\n",
                Style::Marked("+goose"),
                "a",
            ),
            (
                "-- +migrate Up\na;\n-- +migrate Down notransaction\nb;\n",
                Style::Marked("+migrate"),
                "a",
            ),
            (
                "-- Up Migration\na;\n--- down  migration\nb;\n",
                Style::NodePg,
                "a",
            ),
            ("a;\n-- Down Migration\nb;\n", Style::NodePg, "ab"),
            (
                "a;\n---- create above / drop below ----\nb;\n",
                Style::Tern,
                "a",
            ),
            ("a;\n-- migrate:down\nb;\n", Style::Whole, "ab"),
        ];
        for (text, style, wanted) in cases {
            let left = up(text, style);
            let has = |w: &str| left.lines().any(|l| l == format!("{w};"));
            assert_eq!((has("a"), has("b")), (true, wanted == "ab"), "{text:?}");
            assert_eq!(left.lines().count(), text.lines().count(), "{text:?}");
        }
    }
}

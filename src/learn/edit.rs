//! Adds names to a profile's `pass` in a file's text, leaving everything else as it is.

/// The text with the names in the profile's `pass`.
pub fn with_passes(before: &str, profile: &str, names: &[String]) -> String {
    let list = names
        .iter()
        .map(|n| format!("\"{n}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let heads = [
        format!("[profiles.{profile}]"),
        format!("[profiles.\"{profile}\"]"),
    ];
    let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
    let Some(head) = lines
        .iter()
        .position(|l| heads.iter().any(|h| l.trim_end().starts_with(h)))
    else {
        let gap = if before.is_empty() || before.ends_with("\n\n") {
            ""
        } else {
            "\n"
        };
        let end = if before.is_empty() || before.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        return format!("{before}{end}{gap}[profiles.{profile}]\npass = [{list}]\n");
    };
    let own = lines
        .iter()
        .skip(head + 1)
        .take_while(|l| !l.starts_with('['));
    let pass = own.enumerate().find_map(|(at, l)| {
        let rest = l
            .trim_start()
            .strip_prefix("pass")?
            .trim_start()
            .strip_prefix('=')?;
        rest.trim_start().starts_with('[').then_some(head + 1 + at)
    });
    match pass.and_then(|at| lines.get_mut(at)) {
        Some(line) => {
            let empty = line.replace(' ', "").starts_with("pass=[]");
            let comma = if empty { "" } else { ", " };
            *line = line.replacen('[', &format!("[{list}{comma}"), 1);
        }
        None => lines.insert(head + 1, format!("pass = [{list}]")),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_where_the_profile_stands() {
        let names = ["A".to_owned(), "B".to_owned()];
        for (before, after) in [
            ("", "[profiles.w]\npass = [\"A\", \"B\"]\n"),
            (
                "profile = \"w\"\n",
                "profile = \"w\"\n\n[profiles.w]\npass = [\"A\", \"B\"]\n",
            ),
            (
                "[profiles.w]\nfence = \"hold\"\n[profiles.x]\npass = [\"C\"]\n",
                "[profiles.w]\npass = [\"A\", \"B\"]\nfence = \"hold\"\n[profiles.x]\npass = [\"C\"]\n",
            ),
            (
                "[profiles.w]\npass = [\n  \"C\",\n]\n",
                "[profiles.w]\npass = [\"A\", \"B\", \n  \"C\",\n]\n",
            ),
            (
                "[profiles.w]\npass = []\n",
                "[profiles.w]\npass = [\"A\", \"B\"]\n",
            ),
        ] {
            assert_eq!(with_passes(before, "w", &names), after, "{before}");
        }
    }
}

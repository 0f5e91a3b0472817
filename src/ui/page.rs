//! A report as one page that needs nothing else: no network, no script, readable in print, usable
//! with the keyboard alone. Everything in it was written by others and is escaped here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::journal::{self as shown, State, Zone};
use super::sanitize;
use crate::record::query::Found;
use crate::record::stats::Stats;

/// What a report is made of.
pub struct Report<'a> {
    /// Where the journal is, or what it is called.
    pub title: &'a str,
    /// When it was made.
    pub made: &'a str,
    /// The runs, newest first, each with how it stands.
    pub runs: &'a [(Found, State)],
    /// Numbers over all runs.
    pub stats: &'a Stats,
    /// Whether it is to be believed, in words.
    pub belief: &'a str,
    /// Whether nothing speaks against it.
    pub is_intact: bool,
}

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8886; --bad: #b3261e; --good: #1b6e3c; --soft: #8881; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --good: #7ddc9a; } }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid var(--line); break-after: avoid; }
pre { overflow-x: auto; background: var(--soft); padding: .6rem; white-space: pre-wrap; overflow-wrap: anywhere; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .1rem .9rem .1rem 0; vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
details { border-bottom: 1px solid var(--line); } summary { cursor: pointer; padding: .3rem 0; overflow-wrap: anywhere; }
summary:focus-visible, a:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); }
.numbers { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start; } rect { fill: currentColor; } rect.low { opacity: .35; }
@media print { body { max-width: none; } details::details-content { content-visibility: visible; display: block; }
  details { break-inside: avoid; } nav { display: none; } }
";

/// The page.
pub fn page(report: &Report<'_>) -> String {
    let mut out = String::new();
    let title = escaped(report.title);
    out.push_str(&format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>tagout: {title}</title><style>{STYLE}</style></head><body><main>\n\
         <h1>What tagout ran and refused</h1><p>{title}, made {}</p>\n",
        escaped(report.made)
    ));
    let sections = sections(report.runs);
    out.push_str("<nav aria-label=\"Sections\"><p>");
    for (id, name, _, runs) in &sections {
        out.push_str(&format!(
            "<a href=\"#{id}\">{name} ({})</a> &nbsp; ",
            runs.len()
        ));
    }
    out.push_str("</p></nav>\n");
    believed(&mut out, report);
    numbers(&mut out, report.stats);
    durations(&mut out, report.runs);
    for (id, name, empty, runs) in &sections {
        out.push_str(&format!("<section><h2 id=\"{id}\">{name}</h2>\n"));
        if runs.is_empty() {
            out.push_str(&format!("<p>{empty}</p>"));
        }
        for (found, state) in runs {
            run(&mut out, found, *state);
        }
        out.push_str("</section>\n");
    }
    out.push_str("</main></body></html>\n");
    out
}

type Section<'a> = (
    &'static str,
    &'static str,
    &'static str,
    Vec<&'a (Found, State)>,
);

fn sections(runs: &[(Found, State)]) -> [Section<'_>; 5] {
    let with = |test: fn(&Found, State) -> bool| -> Vec<&(Found, State)> {
        runs.iter()
            .filter(|(found, state)| test(found, *state))
            .collect()
    };
    [
        (
            "refused",
            "Refused",
            "Nothing was refused.",
            with(|f, _| f.run["verdict"] == "refused"),
        ),
        (
            "production",
            "Touched production",
            "Nothing that ran touched production.",
            with(|f, _| {
                f.run["verdict"] == "allowed"
                    && list(&f.run["targets"])
                        .iter()
                        .any(|t| t["tier"] == "production")
            }),
        ),
        (
            "mismatch",
            "Contacted what was not resolved",
            "Nothing did.",
            with(|f, _| {
                f.outcome
                    .as_ref()
                    .is_some_and(|o| list(&o["observed"]).iter().any(|s| s["mismatch"] == true))
            }),
        ),
        (
            "lost",
            "Without an outcome",
            "Every run has its outcome.",
            with(|_, s| matches!(s, State::Lost | State::Elsewhere)),
        ),
        (
            "all",
            "All runs, newest first",
            "There are none.",
            with(|_, _| true),
        ),
    ]
}

fn believed(out: &mut String, report: &Report<'_>) {
    let class = if report.is_intact { "good" } else { "bad" };
    let text = escaped(report.belief);
    out.push_str(&format!("<section><h2>Is the journal to be believed?</h2><pre class=\"{class}\">{text}</pre></section>\n"));
}

fn numbers(out: &mut String, stats: &Stats) {
    out.push_str("<section><h2>In numbers</h2><div class=\"numbers\">");
    let lists = [
        ("Verdict", &stats.verdicts),
        ("Refused by", &stats.refusals),
        ("Effect", &stats.effects),
        ("Tier", &stats.tiers),
        ("Profile", &stats.profiles),
        ("User", &stats.users),
        ("Result", &stats.results),
    ];
    for (name, counts) in lists {
        let mut counts: Vec<_> = counts.iter().collect();
        counts.sort_by(|a, b| b.1.cmp(a.1));
        out.push_str(&format!("<table><tr><th colspan=\"2\">{name}</th></tr>"));
        for (what, count) in counts.into_iter().take(12) {
            out.push_str(&format!(
                "<tr><td>{}</td><td class=\"n\">{count}</td></tr>",
                escaped(what)
            ));
        }
        out.push_str("</table>");
    }
    out.push_str("</div></section>\n");
}

/// Half and nineteen twentieths of each day's runs were shorter than the bars.
fn durations(out: &mut String, runs: &[(Found, State)]) {
    let mut days: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (found, _) in runs {
        let day = found.run["time"].as_str().and_then(|t| t.get(..10));
        let took = found.outcome.as_ref().and_then(|o| o["took_ms"].as_u64());
        if let (Some(day), Some(took)) = (day, took) {
            days.entry(day.to_owned()).or_default().push(took);
        }
    }
    out.push_str("<section><h2>How long runs took, by day</h2>");
    if days.is_empty() {
        out.push_str("<p>No run has ended.</p></section>\n");
        return;
    }
    out.push_str("<table><tr><th>Day</th><th>Runs</th><th>Half within</th><th>95 % within</th><th>Longest</th><th aria-hidden=\"true\"></th></tr>");
    for times in days.values_mut() {
        times.sort_unstable();
    }
    let at = |times: &[u64], share: usize| {
        let last = times.len().saturating_sub(1);
        times.get(last * share / 100).copied().unwrap_or(0)
    };
    let longest = days.values().map(|t| at(t, 95)).max().unwrap_or(1).max(1);
    for (day, times) in days.iter().rev().take(60) {
        let [half, most, all] = [50, 95, 100].map(|share| at(times, share));
        let words = |ms: u64| shown::duration(&Value::from(ms));
        let bar = |ms: u64| (ms * 240 / longest).max(1);
        out.push_str(&format!(
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td aria-hidden=\"true\"><svg width=\"240\" height=\"12\"><rect class=\"low\" width=\"{}\" height=\"12\"/>\
             <rect width=\"{}\" height=\"12\"/></svg></td></tr>",
            escaped(day), times.len(), words(half), words(most), words(all), bar(most), bar(half)
        ));
    }
    out.push_str("</table></section>\n");
}

fn run(out: &mut String, found: &Found, state: State) {
    let cells = shown::row(found, state, Zone::Utc);
    let [time, _, verdict, effect, result, took, targets, command] = cells.map(|c| escaped(&c));
    let class = if found.run["verdict"] == "refused" {
        "bad"
    } else {
        ""
    };
    let host = found
        .host
        .as_deref()
        .map(|host| format!("{} ", escaped(host)));
    let host = host.unwrap_or_default();
    out.push_str(&format!(
        "<details><summary>{time} {host}<span class=\"{class}\">{verdict}</span> {}: \
         <code>{command}</code>{}</summary><pre>{}</pre></details>\n",
        said(&[&effect, &result, &took]).join(", "),
        said(&[&targets])
            .first()
            .map_or_else(String::new, |t| format!(" → {t}")),
        escaped(&shown::story(found, state, Zone::Utc, false))
    ));
}

/// The cells that say something.
fn said<'a>(cells: &[&'a String]) -> Vec<&'a str> {
    let cells = cells.iter().map(|cell| cell.as_str());
    cells.filter(|cell| *cell != "-").collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Text for HTML; newlines stay.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for c in sanitize::line(line).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_in_a_record_becomes_markup() {
        let evil = "<script>alert(1)</script>\"'&";
        let found = Found {
            host: Some(evil.to_owned()),
            run: json!({
                "id": evil, "time": evil, "verdict": "refused", "rule": evil, "effect": evil,
                "targets": [{"uri": evil, "tier": "production"}],
                "actor": {"user": evil}, "process": {"argv": [evil], "cwd": evil},
            }),
            outcome: Some(
                json!({"exit": {"signal": evil}, "took_ms": 5, "observed": [{"peer": evil, "mismatch": true}]}),
            ),
        };
        let mut stats = Stats::default();
        stats.profiles.insert(evil.to_owned(), 1);
        let page = page(&Report {
            title: evil,
            made: evil,
            runs: &[(found, State::Ended)],
            stats: &stats,
            belief: evil,
            is_intact: true,
        });
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;"));
        assert!(page.contains("Refused (1)"));
    }
}

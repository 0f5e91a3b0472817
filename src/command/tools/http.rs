//! `curl` and its kin: what they write over, and requests to the interfaces of databases that speak
//! HTTP (Elasticsearch, CouchDB, ClickHouse, InfluxDB), known by their ports and paths
//! (`requests` in the catalogue).

use crate::command::sql::{self, Dialect};
use crate::command::{Action, Args, Command, Effect, Reading, Stdin, Step, Tool, World, catalogue};

/// Options that carry what is sent.
const BODY: &[&str] = &[
    "-d",
    "--data",
    "--data-binary",
    "--data-raw",
    "--data-ascii",
    "--data-urlencode",
    "--json",
    "--post-data",
    "--body-data",
    "--post-file",
    "--body-file",
    "--raw",
    "-F",
    "-T",
    "--upload-file",
];

/// Engines that take SQL by HTTP: what is sent is judged whole.
const SQL: &[&str] = &["clickhouse", "questdb", "rqlite", "trino"];

/// Engines in whose bodies a word for deleting is one.
const TOLD: &[&str] = &[
    "solr",
    "neo4j",
    "railway",
    "influxdb",
    "arangodb",
    "dgraph",
    "surrealdb",
];

/// Engines that are asked in JSON of their own.
const SEARCHES: &[&str] = &[
    "elasticsearch",
    "opensearch",
    "meilisearch",
    "typesense",
    "qdrant",
    "weaviate",
    "milvus",
];

/// Keys of JSON under which statements are sent.
const KEYS: &[&str] = &["sql", "stmt", "statement", "query", "command"];

/// A request, as far as it is known.
struct Request<'a> {
    method: String,
    url: &'a str,
    engine: Option<&'static str>,
    /// What is sent; `None` for what cannot be read beforehand.
    bodies: Vec<Option<String>>,
}

/// Reads a request by its method, address and body.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let reading = super::file_words::read(tool, step, world);
    if reading.command.is_some() {
        return reading;
    }
    let args = Args::parse(&step.argv, tool.value_options);
    let method = args
        .value(&["-X", "--request", "--method"])
        .map(str::to_ascii_uppercase)
        .or_else(|| httpie_method(step, &args))
        .unwrap_or_default();
    let method = method.to_ascii_uppercase();
    let bodies = bodies(&args, step, world);
    for url in args.operand_texts().chain(args.value(&["--url"])) {
        if let Some(address) = url.strip_prefix("telnet://") {
            return super::everyday::lines(tool, step, address, args.clone());
        }
        let request = Request {
            method: method.clone(),
            url,
            engine: engine(url),
            bodies: bodies.clone(),
        };
        if let Some((effect, why)) = request.judge() {
            let host = url.split('?').next().unwrap_or(url);
            let host = host.rsplit('@').next().unwrap_or(host).to_owned();
            let mut command = Command::new(Some(tool), step.clone());
            command.args = args.clone();
            command.hints.push(("name", host));
            let engine = request.engine.unwrap_or("http");
            command.hints.push(("engine", engine.to_owned()));
            let name = if method.is_empty() {
                "request"
            } else {
                &method
            };
            return Reading::command(command.doing(Action::new(name.to_owned(), effect, why)));
        }
    }
    reading
}

/// `http DELETE :9200/users`: the method is a word.
fn httpie_method(step: &Step, args: &Args) -> Option<String> {
    let kin = matches!(
        step.program(),
        "http" | "https" | "xh" | "xhs" | "httpie" | "curlie"
    );
    let methods = ["get", "post", "put", "patch", "delete", "head", "options"];
    let mut words = args.operand_texts().take(3).filter(|_| kin);
    let word = words.find(|w| methods.iter().any(|m| w.eq_ignore_ascii_case(m)))?;
    Some(word.to_owned())
}

/// What the words send: `@file` and `@-` are read where they can be.
fn bodies(args: &Args, step: &Step, world: &World<'_>) -> Vec<Option<String>> {
    let given = args.options.iter();
    let given = given.filter(|o| BODY.contains(&o.name.as_str()));
    let from = |path: &str| match (path, &step.stdin) {
        ("-", Stdin::Text(text, _)) => Some(text.clone()),
        ("-", Stdin::File(path)) => world.files.read_text(path).ok(),
        ("-", _) => None,
        _ => world.files.read_text(&step.path(path)).ok(),
    };
    given
        .map(|option| {
            let value = option
                .value
                .as_deref()
                .filter(|_| option.unknown.is_none())?;
            let file = option.name.ends_with("-file") || option.name == "-T";
            let raw = option.name == "--data-raw";
            let tail = value.split_once('=').map_or(value, |(_, tail)| tail);
            match (
                value.strip_prefix('@').filter(|_| !raw),
                tail.strip_prefix('@'),
            ) {
                _ if file => from(value),
                (Some(path), _) => from(path),
                (None, Some(path)) if option.name == "-F" => from(path),
                _ => Some(value.to_owned()),
            }
        })
        .collect()
}

/// The engine that takes requests at an address, by its port or host.
pub(super) fn engine(url: &str) -> Option<&'static str> {
    let requests = catalogue::find("(requests)")?;
    let mut known = requests.data("addresses").iter();
    known.find_map(|entry| {
        let (place, engine) = entry.split_once(' ')?;
        let there = url.match_indices(place).any(|(at, _)| {
            let after = url.get(at + place.len()..).unwrap_or("");
            !after.starts_with(|c: char| c.is_ascii_digit())
        });
        there.then_some(engine)
    })
}

impl Request<'_> {
    fn judge(&self) -> Option<(Effect, &'static str)> {
        let requests = catalogue::find("(requests)")?;
        let url = self.url.to_ascii_lowercase();
        let path = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let path = path.find('/').map_or("", |at| path.get(at..).unwrap_or(""));
        let names = |key: &str| requests.data(key).iter().any(|part| path.contains(part));
        if self.method == "DELETE" && (self.engine.is_some() || names("deleted")) {
            return Some((Effect::Destroys, "deletes what the address names"));
        }
        let asks = matches!(self.method.as_str(), "HEAD" | "OPTIONS");
        if names("destroying") && !asks {
            return Some((
                Effect::Destroys,
                "deletes or replaces what the request names",
            ));
        }
        let harm = |text: &str| {
            let lower = text.to_ascii_lowercase();
            ["delete", "drop", "remove ", "remove_index", "erase"]
                .iter()
                .any(|w| lower.contains(w))
        };
        let bulk = path
            .split('?')
            .next()
            .is_some_and(|p| p.ends_with("/_bulk") || p.ends_with("/_aliases"));
        let told = bulk || self.engine.is_some_and(|engine| TOLD.contains(&engine));
        let sent = self.bodies.iter().flatten().map(String::as_str);
        let query = self.query();
        if told && sent.clone().chain(query.as_deref()).any(harm) {
            return Some((Effect::Destroys, "sends what deletes"));
        }
        if self.engine.is_some_and(|engine| SEARCHES.contains(&engine)) && !bulk {
            return None;
        }
        let unread = self.bodies.iter().any(Option::is_none);
        if unread && (bulk || self.engine.is_some_and(|e| SQL.contains(&e))) {
            return Some((Effect::Opaque, "what is sent cannot be read beforehand"));
        }
        let dialect = match self.engine {
            Some("clickhouse") => Dialect::Clickhouse,
            _ => Dialect::Generic,
        };
        let plain = self.engine.is_some_and(|e| SQL.contains(&e));
        let judged = sent.chain(query.as_deref()).map(|text| {
            let text = text.strip_prefix("query=").unwrap_or(text).trim();
            if text.starts_with(['{', '[']) {
                let all = statements(text).into_iter();
                return all
                    .map(|s| sql::judge(&s, dialect).effect())
                    .max()
                    .unwrap_or(Effect::None);
            }
            sql::judge(text, dialect).effect()
        });
        let worst = judged.max()?;
        // Elsewhere only what destroys for certain is SQL.
        (plain || matches!(worst, Effect::Destroys | Effect::Stops)).then_some((worst, "runs SQL"))
    }

    /// The query in the address, of engines that take it there.
    fn query(&self) -> Option<String> {
        let engine = self.engine?;
        if engine != "influxdb" && !SQL.contains(&engine) {
            return None;
        }
        let (_, query) = self.url.split_once('?')?;
        let mut fields = query.split('&').filter_map(|f| f.split_once('='));
        let (_, text) = fields.find(|(name, _)| matches!(*name, "query" | "q"))?;
        Some(crate::target::url::decode(&text.replace('+', " ")))
    }
}

/// The strings of a JSON text that are statements: members of a list, and values of the keys under
/// which statements are sent.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let list = text.starts_with('[');
    let mut key = String::new();
    let mut rest = text;
    while let Some((_, inner)) = rest.split_once('"') {
        let mut literal = String::new();
        let mut chars = inner.char_indices();
        let mut end = inner.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, 'n' | 't' | 'r')) => literal.push(' '),
                    Some((_, c)) => literal.push(c),
                    None => {}
                },
                '"' => {
                    end = at + 1;
                    break;
                }
                c => literal.push(c),
            }
        }
        rest = inner.get(end..).unwrap_or("");
        if rest.trim_start().starts_with(':') {
            key = literal.to_ascii_lowercase();
        } else if KEYS.contains(&key.as_str()) || list && key.is_empty() {
            found.push(literal);
        }
    }
    found
}

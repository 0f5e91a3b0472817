//! `curl` and its kin: what they write over, and requests to the interfaces of databases that speak
//! HTTP (Elasticsearch, CouchDB, ClickHouse, InfluxDB), known by their ports.

use crate::command::sql::{self, Dialect};
use crate::command::{Action, Args, Command, Effect, Reading, Step, Tool, World};

/// Ports of databases that take requests, with the engine.
const PORTS: &[(&str, &str)] = &[
    (":9200", "elasticsearch"),
    (":5984", "couchdb"),
    (":8123", "clickhouse"),
    (":8086", "influxdb"),
    (":7474", "neo4j"),
    (":6333", "qdrant"),
    (":8529", "arangodb"),
    (":8108", "typesense"),
    (":7700", "meilisearch"),
    (":8983", "solr"),
    (":19530", "milvus"),
    // Hosted ones, and the interfaces by which clouds delete databases.
    (".es.amazonaws.com", "elasticsearch"),
    (".aoss.amazonaws.com", "opensearch"),
    (".found.io", "elasticsearch"),
    (".elastic-cloud.com", "elasticsearch"),
    (".qdrant.io", "qdrant"),
    ("//api.heroku.com", "heroku"),
    ("//backboard.railway.", "railway"),
    ("//api.digitalocean.com/v2/databases", "digitalocean"),
    ("//api.supabase.com", "supabase"),
    ("//console.neon.tech", "neon"),
    ("//api.turso.tech", "turso"),
    ("//api.planetscale.com", "planetscale"),
    ("//api.render.com", "render"),
    ("//api.machines.dev", "fly"),
    ("//management.azure.com", "azure"),
    ("//sqladmin.googleapis.com", "gcloud"),
];

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
    let addresses = args
        .operand_texts()
        .chain(args.value(&["--url"]))
        .filter_map(|url| Some((url, engine(url)?)));
    for (url, engine) in addresses {
        if let Some((effect, why)) = judge(&method, url, engine, &args) {
            let host = url.split('?').next().unwrap_or(url);
            let host = host.rsplit('@').next().unwrap_or(host).to_owned();
            let mut command = Command::new(Some(tool), step.clone());
            command.args = args.clone();
            command.hints.push(("name", host));
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
    let kin = matches!(step.program(), "http" | "https" | "xh" | "httpie");
    let word = args.operand(0).filter(|_| kin)?;
    word.bytes()
        .all(|b| b.is_ascii_alphabetic())
        .then(|| word.to_owned())
}

fn engine(url: &str) -> Option<&'static str> {
    let found = PORTS.iter().find(|(port, _)| {
        url.match_indices(port).any(|(at, _)| {
            let after = url.get(at + port.len()..).unwrap_or("");
            !after.starts_with(|c: char| c.is_ascii_digit())
        })
    });
    found.map(|(_, engine)| *engine)
}

fn judge(method: &str, url: &str, engine: &str, args: &Args) -> Option<(Effect, &'static str)> {
    let body: Vec<_> = args
        .options
        .iter()
        .filter(|o| {
            [
                "-d",
                "--data",
                "--data-binary",
                "--data-raw",
                "--data-urlencode",
            ]
            .contains(&o.name.as_str())
        })
        .collect();
    if method == "DELETE" {
        return Some((Effect::Destroys, "deletes what the address names"));
    }
    if url.contains("_delete_by_query") || url.contains("_purge") || url.contains("/api/v2/delete")
    {
        return Some((Effect::Destroys, "deletes what the request names"));
    }
    if matches!(
        engine,
        "solr" | "neo4j" | "railway" | "influxdb" | "arangodb"
    ) {
        let harm = |text: &str| {
            let lower = text.to_ascii_lowercase();
            ["delete", "drop ", "remove "]
                .iter()
                .any(|w| lower.contains(w))
        };
        let told = body.iter().filter_map(|o| o.value.as_deref());
        let told = told.chain(
            url.split_once("q=")
                .filter(|_| engine == "influxdb")
                .map(|q| q.1),
        );
        let why = "sends what deletes";
        return told
            .into_iter()
            .any(harm)
            .then_some((Effect::Destroys, why));
    }
    if engine != "clickhouse" {
        return None;
    }
    let query = url
        .split_once("query=")
        .map(|(_, q)| q.split('&').next().unwrap_or(q).replace('+', " "))
        .map(|q| q.replace("%20", " "));
    let texts = query
        .into_iter()
        .chain(body.iter().filter_map(|o| o.value.clone()));
    let worst = texts
        .map(|text| sql::judge(&text, Dialect::Clickhouse).effect())
        .max()?;
    Some((worst, "runs SQL"))
}

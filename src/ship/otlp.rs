//! To an OpenTelemetry collector: OTLP/HTTP logs as JSON. A record's identity goes with it as
//! `log.record.uid`, because the protocol itself does not recognise what it has seen.

use std::time::Duration;

use serde_json::{Value, json};

use super::http::{Address, post};
use super::{Batch, SendError, Sink, Summary};
use crate::record::follow::Line;
use crate::record::{hex, parse_rfc3339};

/// A collector.
pub struct Otlp {
    address: Address,
}

impl Otlp {
    /// A collector by its `http://` address; `/v1/logs` where no path is named.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn new(url: &str) -> Result<Otlp, String> {
        let address = Address::parse(url, "/v1/logs")?;
        Ok(Otlp { address })
    }
}

impl Sink for Otlp {
    fn send(&mut self, batch: &Batch<'_>) -> Result<(), SendError> {
        let body = request(batch).to_string();
        let answer = post(&self.address, body.as_bytes());
        let answer = answer.map_err(|why| SendError::Later(why, None))?;
        let words = || format!("the collector answered {}", answer.status);
        match answer.status {
            200..300 => rejected(&answer.body, batch.lines.len()),
            429 | 502..=504 => {
                let wait = answer.retry_after.map(Duration::from_secs);
                Err(SendError::Later(words(), wait))
            }
            400 | 413 | 422 => Err(SendError::Poison(words())),
            _ => Err(SendError::Later(words(), None)),
        }
    }
}

/// A partial success says how many records were rejected, not which: in halves they are found.
fn rejected(body: &[u8], sent: usize) -> Result<(), SendError> {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let partial = &value["partialSuccess"];
    let count = &partial["rejectedLogRecords"];
    // OTLP/JSON writes 64-bit numbers as text.
    let count = count
        .as_u64()
        .or_else(|| count.as_str()?.parse().ok())
        .unwrap_or(0);
    if count == 0 {
        return Ok(());
    }
    let why = partial["errorMessage"]
        .as_str()
        .unwrap_or("no reason given");
    Err(SendError::Poison(format!(
        "{count} of {sent} records rejected: {why}"
    )))
}

fn request(batch: &Batch<'_>) -> Value {
    let records: Vec<Value> = batch.lines.iter().map(|line| record(batch, line)).collect();
    json!({"resourceLogs": [{
        "resource": {"attributes": [text("service.name", "tagout"), text("host.name", batch.host)]},
        "scopeLogs": [{
            "scope": {"name": "tagout", "version": env!("CARGO_PKG_VERSION")},
            "logRecords": records,
        }],
    }]})
}

fn record(batch: &Batch<'_>, line: &Line) -> Value {
    let summary = Summary::of(line);
    let seq = line.seal.seq;
    let nanos = parse_rfc3339(summary.time).map_or(0, |m| {
        u128::from(m.seconds) * 1_000_000_000 + u128::from(m.nanos)
    });
    let (severity, number) = match summary.phase {
        "refused" => ("WARN", 13),
        _ => ("INFO", 9),
    };
    let mut attributes = vec![
        text(
            "log.record.uid",
            &format!("{}/{}/{seq}", batch.host, batch.chain),
        ),
        text("tagout.phase", summary.phase),
        text("tagout.run", summary.id),
        text("tagout.chain", batch.chain),
        json!({"key": "tagout.seq", "value": {"intValue": seq.to_string()}}),
        text("tagout.hash", &hex(&line.seal.hash)),
    ];
    let named = [
        ("tagout.verdict", summary.verdict.as_deref()),
        ("tagout.effect", summary.effect.as_deref()),
        ("tagout.tier", summary.tier),
    ];
    attributes.extend(
        named
            .iter()
            .filter_map(|(key, value)| Some(text(key, (*value)?))),
    );
    json!({
        "timeUnixNano": nanos.to_string(),
        "severityText": severity,
        "severityNumber": number,
        "eventName": format!("tagout.{}", summary.phase),
        "body": {"stringValue": String::from_utf8_lossy(&line.bytes)},
        "attributes": attributes,
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

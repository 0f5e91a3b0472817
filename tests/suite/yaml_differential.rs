//! The YAML reader against Ruby's own Psych: the same text, the same values, the same refusals.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tagout::target::readers::yaml::{self, Schema};
use tagout::target::{Traced, Value};

use crate::support::needs;

/// Reads texts separated by NUL and answers one JSON line each.
const RUBY: &str = r#"
require 'yaml'
require 'json'
def plain(v)
  case v
  when Hash then '{' + v.map { |k, x| k.to_s.to_json + ':' + plain(x) }.join(',') + '}'
  when Array then '[' + v.map { |x| plain(x) }.join(',') + ']'
  when nil, true, false, Integer then v.to_json
  when Float then v.finite? ? 'f' + v.to_i.to_s : 'f'
  else v.to_s.to_json
  end
end
STDIN.read.split("\0", -1).each do |text|
  begin
    v = YAML.respond_to?(:unsafe_load) ? YAML.unsafe_load(text) : YAML.load(text)
    v = nil if v == false
    puts plain(v)
  rescue Psych::Exception, ArgumentError
    puts 'error'
  end
end
"#;

fn psych(texts: &[String]) -> Vec<String> {
    let mut child = Command::new("ruby")
        .args(["-e", RUBY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = texts.join("\0");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn ours(text: &str) -> String {
    match yaml::read(text, "x.yml", Schema::Psych) {
        Ok(traced) => shown(&traced),
        Err(_) => "error".to_owned(),
    }
}

fn shown(traced: &Traced) -> String {
    match &traced.value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(f) if f.is_finite() => format!("f{}", f.trunc() + 0.0),
        Value::Float(_) => "f".to_owned(),
        Value::Str(s) => json(s),
        Value::List(items) => {
            format!(
                "[{}]",
                items.iter().map(shown).collect::<Vec<_>>().join(",")
            )
        }
        Value::Map(entries) => {
            let mut out = String::from("{");
            for (at, (key, value)) in entries.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                let _ = write!(out, "{comma}{}:{}", json(key), shown(value));
            }
            out + "}"
        }
        Value::Unknown(why) => format!("unknown {why}"),
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

const TEXTS: &[&str] = &[
    "",
    "# only a comment\n",
    "a: 1\nb: two\nc:\nd: ~\ne: 'it''s'\nf: \"x\\ty\\u00e9\"\n",
    "default: &default\n  adapter: postgresql\n  pool: 5\ndevelopment:\n  <<: *default\n  database: x\n",
    "a: &a {x: 1, y: 2}\nb:\n  y: 3\n  <<: *a\n",
    "a: &a\n  x: 1\nb: &b\n  x: 2\n  z: 3\nc:\n  <<: [*a, *b]\n  q: 1\n",
    "list:\n- a\n- b: 1\n  c: 2\n-\n  d: 3\n- - x\n  - y\n",
    "list:\n  - a\n  - 'b'\n\n  # comment\n  - c # trailing\n",
    "flow: {a: 1, \"b\": [1, 2, {c: d}], e: }\nlist: [a, 'b', \"c\", ]\nmulti: [1,\n  2,\n  3]\n",
    "text: |\n  one\n   two\n\n  three\nnext: >\n  folded\n  text\n\n  para\n   deeper\n  back\nend: |-\n  no newline\nkeep: |+\n  kept\n\nlast: x\n",
    "plain: one\n  two\n  three\n\n  four\nb: c\n",
    "---\na: 1\n...\nignored: true\n",
    "--- \na: 1\n---\nb: 2\n",
    "%YAML 1.1\n---\na: 1\n",
    "host: ::1\nport: 5432,5433\nip: 10.0.0.9\ntime: 12:30\nsocket: /var/run/x.sock\nurl: postgres://u:p@h:5432/db?x=y#z\n",
    "on: yes\noff: No\n1: one\n~: nil\n:sym: 1\n\"<<\": 3\n",
    "a: 'multi\n  line\n\n  text'\nb: \"multi\n  line \\\n  joined\"\n",
    "a: b: c\n",
    "a:\n\tb: 1\n",
    "a: [1, 2\nb: 3\n",
    "a: *nope\n",
    "a: %{x}\n",
    "a: @x\n",
    "key: value\n  bad: indent\n",
    "a: 1\n b: 2\n",
    "a: - b\n",
    "- a\n- b\nc: d\n",
    "just a string\n",
    "'quoted'\n",
    "a: 'x' y\n",
    "a: # comment\n  b: 1 #not a comment? yes\n  c: x#y\n",
    "a: !ruby/sym x\nb: !str 12\nc: !!str 12\n",
    "x: &anchor value\ny: *anchor\n",
    "x: &p\n  q: 1\ny: *p\n",
    "a: 1_000\nb: 0x1f\nc: 017\nd: 1.5\ne: 1e3\nf: .5\ng: 6.1.7\nh: 08\ni: +12\nj: -3\nk: 1,000\nl: 12e03\nm: 1.\n",
    "a:\n  - b:\n      c: 1\n    d: 2\n  - e\n",
    "\u{FEFF}a: 1\n",
    "a: 1\r\nb:\r\n  c: two\r\n",
    "a: \"\"\nb: ''\nc: \" \"\n",
    "key with spaces: x y z\n? a\n",
    "base: &base\n  a: 1\nother: &other\n  <<: *base\n  b: 2\nlast:\n  <<: *other\n  a: 9\n",
    "dev:\n  primary: &p\n    db: x\n  replica:\n    <<: *p\n    replica: true\n",
    "production:\n  <<: &d\n    adapter: postgresql\n    pool: 3\n  url: x\n",
    "a: |2\n    x\n   y\n",
    "a: >-\n  x\n  y\nb: |\nc: 1\n",
    "a: !!int \"3\"\n",
    "host: [h1, h2]\nport: [1, '2']\n",
    "{a: 1, b: {c: 2}}\n",
    "[a, b]\n",
    "a: {}\nb: []\n",
    "- \n- x\n",
    "a:\n- 1\nb:\n- 2\n",
    "a: x:y\nb: x :y\n",
    "a: \"x\" # c\n",
];

#[test]
fn reads_what_psych_reads() {
    if needs("ruby").is_none() {
        return;
    }
    let texts: Vec<String> = TEXTS.iter().map(|t| (*t).to_owned()).collect();
    let real = psych(&texts);
    assert_eq!(real.len(), texts.len());
    let wrong: Vec<String> = texts
        .iter()
        .zip(&real)
        .map(|(text, real)| (text, ours(text), real))
        .filter(|(_, ours, real)| ours != *real && !(ours == "error" && beyond(real)))
        .map(|(text, ours, real)| format!("{text:?}\n  ours  {ours}\n  psych {real}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the reader refuses on purpose although Psych reads it.
fn beyond(real: &str) -> bool {
    real.contains("key with spaces")
}

#[test]
fn generated_configurations_are_read_as_psych_reads_them() {
    if needs("ruby").is_none() {
        return;
    }
    let scalar = prop_oneof![
        "[a-z0-9_.:/,#\\-]{0,8}",
        "'[a-z #:]{0,6}'",
        "\"[a-z #:]{0,6}\"",
        Just("*a".to_owned()),
        "\\[[a-z0-9]{1,3}, [a-z0-9]{1,3}\\]",
        "\\{[a-z]{1,3}: [a-z0-9]{1,3}\\}",
        "[0-9]{1,4}[,._:]?[0-9]{0,3}",
    ];
    let line = (
        prop_oneof![9 => Just(2usize), 1 => Just(4), 1 => Just(0)],
        prop_oneof![Just("<<"), Just("host"), Just("port"), Just("db")],
        scalar,
    )
        .prop_map(|(indent, key, value)| format!("{}{key}: {value}\n", " ".repeat(indent)));
    let document = proptest::collection::vec(line, 1..8)
        .prop_map(|lines| format!("base: &a {{x: 1}}\nsection:\n{}", lines.concat()));
    // The same texts each time: what differs is mended and added above, never met by chance.
    let mut runner = TestRunner::deterministic();
    let mut texts = Vec::new();
    for _ in 0..1500 {
        texts.push(document.new_tree(&mut runner).unwrap().current());
    }
    let real = psych(&texts);
    let mut read = 0;
    for (text, real) in texts.iter().zip(&real) {
        let ours = ours(text);
        read += usize::from(ours != "error");
        assert!(&ours == real, "{text}\n  ours  {ours}\n  psych {real}");
    }
    assert!(read > 300, "only {read} of the generated texts are YAML");
}

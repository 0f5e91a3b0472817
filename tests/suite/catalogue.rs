//! Every entry of the catalogue carries its own examples; here they are held against the code.

use std::path::Path;

use tagout::command::{Caller, Command, Effect, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Memory;
use toml::{Table, Value};

/// An example of the catalogue: where it stands, its words, what it must come to.
struct Example {
    at: String,
    argv: Vec<String>,
    effect: String,
    /// Files by path below the project, where the reader needs some.
    files: Vec<(String, String)>,
    env: Vec<(String, String)>,
    stdin: Option<String>,
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

fn pairs(table: &Table, key: &str) -> Vec<(String, String)> {
    table
        .get(key)
        .and_then(Value::as_table)
        .map_or(Vec::new(), |t| {
            t.iter().map(|(k, v)| (k.clone(), text(v))).collect()
        })
}

fn examples_of(at: &str, table: &Table, out: &mut Vec<Example>) -> usize {
    let Some(list) = table.get("example").and_then(Value::as_array) else {
        return 0;
    };
    for item in list {
        let item = item.as_table().expect("an example is a table");
        let argv = item.get("argv").and_then(Value::as_array).expect("argv");
        out.push(Example {
            at: at.to_owned(),
            argv: argv.iter().map(text).collect(),
            effect: text(item.get("effect").expect("effect")),
            files: pairs(item, "files"),
            env: pairs(item, "env"),
            stdin: item.get("stdin").map(text),
        });
    }
    list.len()
}

fn all_examples() -> (Vec<Example>, Vec<String>) {
    let mut examples = Vec::new();
    let mut without = Vec::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/commands");
    let mut paths: Vec<_> = std::fs::read_dir(dir)
        .expect("the catalogue is there")
        .map(|e| e.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let file: Table = std::fs::read_to_string(&path)
            .expect("readable")
            .parse()
            .expect("TOML");
        for tool in file
            .get("tool")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let tool = tool.as_table().expect("a tool is a table");
            let tool_name = text(tool.get("name").expect("name"));
            let at = format!("{name}: {tool_name}");
            let own = examples_of(&at, tool, &mut examples);
            let actions = tool.get("action").and_then(Value::as_array);
            for action in actions.into_iter().flatten() {
                let action = action.as_table().expect("an action is a table");
                let at = format!("{at}: {}", text(action.get("name").expect("name")));
                if examples_of(&at, action, &mut examples) == 0 {
                    without.push(at);
                }
            }
            if own == 0 && actions.is_none_or(Vec::is_empty) {
                without.push(at);
            }
        }
    }
    (examples, without)
}

/// What a command line comes to: the strongest effect of all it leads to.
pub(crate) fn effect(
    argv: &[String],
    files: &[(String, String)],
    env: &[(String, String)],
    stdin: Option<&str>,
) -> Effect {
    let mut memory = Memory::new();
    for (path, text) in files {
        memory = memory.with(Path::new("/srv/app").join(path), text.as_str());
    }
    let mut vars = Vars::new();
    let source = || tagout::source::Source::argument("test");
    vars.set("HOME", "/home/u", source());
    for (name, value) in env {
        vars.set(name.as_str(), value, source());
    }
    let caller = Caller {
        user: "u".to_owned(),
        ..Caller::default()
    };
    let world = World {
        files: &memory,
        caller: &caller,
        heard: None,
    };
    let mut step = Step::new(argv.to_vec(), vars, "/srv/app".into());
    if let Some(text) = stdin {
        step.stdin = tagout::command::Stdin::Text(text.to_owned(), source());
    }
    understand(step, &world)
        .iter()
        .map(Command::effect)
        .max()
        .unwrap_or(Effect::None)
}

#[test]
fn every_example_of_the_catalogue_has_the_effect_it_says() {
    let (examples, _) = all_examples();
    assert!(examples.len() > 100, "only {} examples", examples.len());
    let wrong: Vec<String> = examples
        .iter()
        .filter_map(|e| {
            let found = effect(&e.argv, &e.files, &e.env, e.stdin.as_deref());
            (found.word() != e.effect).then(|| {
                format!(
                    "{}: {:?} is {}, not {}",
                    e.at,
                    e.argv,
                    found.word(),
                    e.effect
                )
            })
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        examples.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_entry_of_the_catalogue_has_an_example() {
    let (_, without) = all_examples();
    assert!(
        without.is_empty(),
        "{} entries:\n{}",
        without.len(),
        without.join("\n")
    );
}

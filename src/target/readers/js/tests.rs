//! Configurations as projects write them, and text that is none.

use std::path::Path;

use proptest::prelude::*;

use super::{Evaluator, parse};
use crate::command::{Caller, Step, World};
use crate::environment::Vars;
use crate::files::Memory;
use crate::source::{Source, SourceKind};
use crate::target::{Traced, Value};

fn config(files: &[(&str, &str)], env: &[(&str, &str)]) -> Traced {
    let mut memory = Memory::new();
    for (path, text) in files {
        memory = memory.with(format!("/app/{path}"), *text);
    }
    let mut vars = Vars::new();
    for (name, value) in env {
        vars.set(*name, value, Source::new(SourceKind::Inherited, "caller"));
    }
    let caller = Caller::default();
    let world = World {
        files: &memory,
        caller: &caller,
        heard: None,
    };
    let step = Step::new(["x".to_owned()], vars, "/app".into());
    let mut evaluator = Evaluator::new(&step, &world);
    let path = Path::new("/app").join(files[0].0);
    match evaluator.config(&path) {
        Ok(value) => value,
        Err(stop) => Traced::new(
            Value::Str(format!("stop: {}", stop.detail)),
            Source::default_of("test"),
        ),
    }
}

/// The value under `url`, shown.
fn url(files: &[(&str, &str)], env: &[(&str, &str)]) -> String {
    let config = config(files, env);
    match config.get("url").map_or(&config.value, |v| &v.value) {
        Value::Str(text) => text.clone(),
        Value::Unknown(_) => "unknown".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn shapes_that_projects_write() {
    let env = [("URL", "env"), ("EMPTY", ""), ("PORT", "5433")];
    for (text, expected) in [
        ("module.exports = { url: 'a' }", "a"),
        ("export default { url: process.env.URL || 'b' }", "env"),
        (
            "export default { url: process.env.EMPTY || 'b' } satisfies Config;",
            "b",
        ),
        ("export default { url: process.env.EMPTY ?? 'b' }", ""),
        (
            "export default { url: process.env.NOPE ?? 'b' } as const",
            "b",
        ),
        (
            "const { URL: u = 'x', NOPE = 'd' } = process.env; export default { url: u + NOPE }",
            "envd",
        ),
        (
            "export default { url: `h:${process.env.PORT!}/${1 + 1}` }",
            "h:5433/2",
        ),
        (
            "const base: Partial<X<Y>> = { url: 'a', b: [1, 2] as number[] };\nmodule.exports = { ...base, url: base['url'] + '!' }",
            "a!",
        ),
        (
            "import type { Config } from 'x';\nimport { y, type Z } from './other';\nexport default { url: y } ",
            "other",
        ),
        (
            "const f = async (e: string, n?: number): Promise<string> => { if (!e) throw new Error('no'); return e; };\nmodule.exports = async () => ({ url: await f(process.env['URL']) })",
            "env",
        ),
        (
            "function required(name: string): string { const v = process.env[name]; if (v === undefined) { throw new Error(`missing ${name}`) } return v }\nexport default { url: required('URL') }",
            "env",
        ),
        (
            "function required(name) { const v = process.env[name]; if (!v) throw new Error('missing ' + name); return v }\nexport default { url: required('NOPE') }",
            "stop: config.ts: missing NOPE",
        ),
        (
            "const on = process.env.NODE_ENV === 'production'; module.exports = { url: on ? 'p' : 'd' }",
            "d",
        ),
        (
            "let u = 'a'; if (process.env.URL) { u = process.env.URL } else u = 'c'; export default { url: u }",
            "env",
        ),
        (
            "let u = 'a'; if (Math.random() > 1) { u = 'b' } export default { url: u }",
            "unknown",
        ),
        (
            "let u = 'a'; if (foo()) throw new Error('x'); export default { url: u }",
            "a",
        ),
        (
            "let u = 'a'; for (const x of [1]) { u = 'b' }\nexport default { url: u }",
            "unknown",
        ),
        (
            "process.env.URL ??= 'x'; process.env.NEW = 'n'; export default { url: process.env.URL + process.env.NEW }",
            "envn",
        ),
        (
            "const u = new URL('postgres://u:p@h:1/d'); export default { url: u.hostname + u.port + u.pathname.slice(1) }",
            "h1d",
        ),
        ("export default { url: fetchSecret() }", "unknown"),
        (
            "enum A { B }\ninterface X extends Y { a?: string; b(): void }\ntype Z<T> = { [K in keyof T]: T[K] } | 'x';\nexport default <Config>{ url: 'a' }",
            "unknown",
        ),
        ("export default defineConfig({ url: 'a' })", "a"),
        ("const knexfile = { url: 'a' };\nexport = knexfile;", "a"),
        (
            "const a = 1 / 2; const r = /[/]x/.test('y'); module.exports = { url: 'a' }",
            "a",
        ),
        (
            "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = { url: 'a' };",
            "a",
        ),
        (
            "require('dotenv').config();\nmodule.exports = { url: process.env.FROM_FILE }",
            "file",
        ),
        (
            "import 'dotenv/config';\nexport default { url: process.env.FROM_FILE }",
            "file",
        ),
        (
            "import * as dotenv from 'dotenv';\ndotenv.config({ path: './other.env' });\nexport default { url: process.env.FROM_FILE }",
            "other",
        ),
        (
            "import { config } from 'dotenv';\nimport { expand } from 'dotenv-expand';\nexpand(config());\nexport default { url: process.env.EXPANDED }",
            "file!",
        ),
        (
            "import { loadSecrets } from 'vault';\nloadSecrets();\nexport default { url: process.env.URL }",
            "unknown",
        ),
        (
            "import 'mystery-setup';\nexport default { url: process.env.URL }",
            "unknown",
        ),
        (
            "const path = require('path'); module.exports = { url: path.resolve(__dirname, '..', 'x.db') }",
            "/x.db",
        ),
    ] {
        let files = [
            ("config.ts", text),
            ("other.ts", "export const y = 'other'"),
            (
                ".env",
                "FROM_FILE=file\nEXPANDED=${FROM_FILE}!\nURL=fromfile\n",
            ),
            ("other.env", "FROM_FILE=other\n"),
        ];
        assert_eq!(url(&files, &env), expected, "{text}");
    }
}

#[test]
fn a_value_says_where_it_came_from() {
    let text = "module.exports = {\n  url: process.env.URL || 'fallback',\n}";
    let config = config(&[("k.js", text)], &[("URL", "x")]);
    let url = config
        .get("url")
        .map(|u| (u.source.to_string(), u.beat.len()));
    assert_eq!(url, Some(("caller (URL)".to_owned(), 1)));
}

#[test]
fn nesting_is_bounded() {
    for open in [
        "(", "[", "{a:", "`${", "!", "a=>", "if(a)", "f(", "<", "a?b:", "-",
    ] {
        let text = format!("x = {}", open.repeat(20_000));
        let _ = parse::module(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn the_parser_never_panics(text in "(const|let|=|\\{|\\}|\\(|\\)|\\[|\\]|=>|a|b|'x'|`\\$\\{|`|\\?|:|,|;|\\.|import|from|export|default|function|<|>|as|new|if|\n|/|\"|\\\\|ż|1|\\?\\?|\\.\\.\\.| ){0,40}") {
        let _ = config(&[("x.ts", &text)], &[]);
    }
}

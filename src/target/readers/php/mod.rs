//! Configuration written in PHP: a tolerant parser and an evaluator that never runs anything.

pub mod ast;
mod builtins;
mod eval;
mod lexer;
mod parser;
pub mod url;
mod value;

pub use eval::{Answer, Host, Place, expression, file, text};
pub use value::{Array, Cell, Found, Key, Val};

pub(crate) use builtins::from_json;

/// Parses a file.
pub fn parse(text: &str) -> Vec<ast::Stmt> {
    parser::file(text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::files::{Files, Memory};
    use crate::source::{Source, SourceKind};
    use crate::target::Value;

    /// A host with a few variables.
    struct Fixed(Memory);

    impl Host for Fixed {
        fn variable(&self, _: Place, name: &str) -> Option<Cell> {
            let value = match name {
                "H" => "host1",
                "EMPTY" => "",
                _ => return None,
            };
            let source = Source::new(SourceKind::Inherited, "caller");
            Some(Cell::new(Val::Str(value.into()), source))
        }

        fn call(&self, name: &str, args: &[Cell], _: &Source) -> Option<Answer> {
            (name == "env").then(
                || match self.variable(Place::Server, &args[0].val.text()?) {
                    Some(cell) => Some(Answer::Cell(cell)),
                    None => Some(Answer::Default(1)),
                },
            )?
        }

        fn files(&self) -> &dyn Files {
            &self.0
        }

        fn base(&self) -> &Path {
            Path::new("/p")
        }
    }

    fn value(code: &str) -> String {
        let host =
            Fixed(Memory::new().with("/p/sub.php", "<?php return ['k' => 'sub', 'u' => f()];"));
        show(
            &text(&format!("<?php\n{code}"), Path::new("/p/c.php"), &host)
                .traced()
                .value,
        )
    }

    fn show(value: &Value) -> String {
        match value {
            Value::Null => "null".into(),
            Value::Bool(b) => b.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Float(f) => format!("{f}"),
            Value::Str(s) => s.clone(),
            Value::List(list) => format!(
                "[{}]",
                list.iter()
                    .map(|t| show(&t.value))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            Value::Map(map) => {
                let one =
                    |(k, t): &(String, crate::target::Traced)| format!("{k}:{}", show(&t.value));
                format!("{{{}}}", map.iter().map(one).collect::<Vec<_>>().join(","))
            }
            Value::Unknown(_) => "?".into(),
        }
    }

    #[test]
    fn evaluates_what_configuration_uses() {
        for (code, want) in [
            ("return 'a'.\"b{$x}c\".'d';", "abcd"),
            (
                "$x = 'q'; return \"a$x[0]b{$x}\\x41\\u{e9}\";",
                "aqbqA\u{e9}",
            ),
            ("return <<<'E'\n  a $x\n   b\n  E;", "a $x\n b"),
            ("return env('H', 'd') ?: 'z';", "host1"),
            ("return env('NO', fn() => env('H'));", "host1"),
            ("return env('NO', 'd');", "d"),
            ("return $_ENV['NO'] ?? 'n';", "n"),
            ("return [...['a' => 1], 'b' => 2];", "{a:1,b:2}"),
            ("return ['a' => unknown(), 'b' => 2];", "{a:?,b:2}"),
            ("return [unknown() => 1, 'b' => 2];", "{b:2}"),
            ("return ['a' => 1, unknown() => 1];", "{a:?}"),
            ("return [PDO::X => 1, 'b' => 2]['b'];", "2"),
            ("return (fn($a, $b = 2) => $a + $b)(1);", "3"),
            (
                "$a = ['x' => ['y' => 1]]; $a['x']['z'] = 2; unset($a['x']['y']); return $a;",
                "{x:{z:2}}",
            ),
            ("[$a, $b] = explode(':', 'h:1'); return $b.$a;", "1h"),
            (
                "if (unknown()) { $a = 1; } else { $a = 1; } return $a;",
                "1",
            ),
            ("$a = 1; if (unknown()) { $a = 2; } return $a;", "?"),
            (
                "$a = ['h' => 1, 'o' => 1]; if (unknown()) { $a['o'] = 2; } return $a;",
                "{h:1,o:?}",
            ),
            ("if (unknown()) { return 1; } return 2;", "?"),
            (
                "return match (true) { env('NO') !== null => 'a', default => 'b' };",
                "b",
            ),
            ("return !$x = 'v';", "false"),
            ("return (require __DIR__.'/sub.php')['k'];", "sub"),
            ("return extension_loaded('x') ? ['a' => 1] : [];", "{a:?}"),
            (
                "return array_filter(['a' => env('NO'), 'b' => 1]);",
                "{b:1}",
            ),
            ("return ['a' => 1] + ['a' => 2, 'b' => 3];", "{a:1,b:3}"),
            ("function f($x) { return $x.'!'; } return f('a');", "a!"),
            (
                "while (g($x)) { $y = 1; } return ['x' => 1, 'y' => $y];",
                "{x:1,y:?}",
            ),
            ("$x = 's'; preg_match('/a/', 's', $x); return $x;", "?"),
            ("putenv('NO=set'); return env('NO');", "set"),
            ("return 07 + 0x10 + 0b11 + 1_000;", "1026"),
            ("return -5 % 3;", "-2"),
            ("return isset($a['b']) || empty($c);", "true"),
            ("exit(1); return 1;", "?"),
            ("return substr('abcdef', -3, 2);", "de"),
        ] {
            assert_eq!(value(code), want, "{code}");
        }
    }

    #[test]
    fn where_a_value_came_from_is_said() {
        let host = Fixed(Memory::new());
        let cell = text(
            "<?php\nreturn [\n'a' => env('H', 'd'),\n'b' => env('NO', 'd'), 'c' => env('H') ? 'x' : 'y'];",
            Path::new("/p/c.php"),
            &host,
        );
        let source = |key: &str| {
            cell.traced()
                .get(key)
                .map(|t| t.source.to_string())
                .unwrap()
        };
        assert_eq!(source("a"), "caller");
        assert_eq!(source("b"), "c.php:4 default");
        assert_eq!(source("c"), "caller (chose c.php:4)");
    }

    #[test]
    fn deep_and_long_files_are_bounded() {
        let deep = format!("return {}1{};", "(".repeat(50_000), ")".repeat(50_000));
        let chain = format!("return 'a'{};", ".'b'".repeat(50_000));
        let ifs = format!("{} return 1;", "if (x()) { ".repeat(20_000));
        let arrays = format!("return {}", "[".repeat(50_000));
        let access = format!("return $a{};", "->b()".repeat(50_000));
        for code in [deep, chain, ifs, arrays, access] {
            let _ = value(&code);
        }
    }

    proptest! {
        #[test]
        fn never_panics(code in "[a-c$'\"{}()\\[\\];,.=>?:!&|<\\-+*/ \n0-9#@\\\\\u{e9}]{0,120}") {
            let _ = value(&code);
        }

        #[test]
        fn never_panics_on_words(words in proptest::collection::vec(prop_oneof![
            Just("if"), Just("("), Just(")"), Just("{"), Just("}"), Just("return"), Just("fn"), Just("=>"), Just("$a"), Just("["), Just("]"),
            Just(";"), Just("function"), Just("class"), Just("match"), Just("foreach"), Just("as"), Just("switch"), Just("case"), Just(":"),
            Just("<<<X\n"), Just("\nX"), Just("\"{$a"), Just("}\""), Just("env('H'"), Just(","), Just("..."), Just("new"), Just("::"), Just("->"),
            Just("?>"), Just("<?php"), Just("static"), Just("use"), Just("else"), Just("elseif"), Just("=") , Just("?"), Just("try"), Just("catch")
        ], 0..60)) {
            let _ = value(&words.join(" "));
        }

        #[test]
        fn parse_url_never_panics(url in "[a-c:/?#@\\[\\]0-9.%\u{e9} ]{0,40}") {
            let _ = url::parse(&url);
        }
    }
}

//! Code given as a word of the line: whether it starts programs, deletes files or loads more code.

use crate::command::{Reading, Stdin, Step, Tool, Word, World};

/// Functions of the scripting languages that start programs, delete files or run other code.
const CALLS: &[&str] = &[
    "system",
    "exec",
    "execute",
    "execl",
    "execv",
    "execvp",
    "popen",
    "spawn",
    "passthru",
    "shell_exec",
    "proc_open",
    "pcntl_exec",
    "qx",
    "eval",
    "assert",
    "compile",
    "unlink",
    "rmdir",
    "rmtree",
    "remove_tree",
    "remove",
    "removedirs",
    "truncate",
    "__import__",
    "import_module",
    "run_path",
    "run_module",
    "include",
    "include_once",
    "require_once",
    "do shell script",
    "connect",
];

/// Libraries whose names alone say that programs are started or databases are reached.
const NAMES: &[&str] = &[
    "subprocess",
    "pexpect",
    "shutil",
    "child_process",
    "DBI",
    "DBD::",
    "IPC::",
    "luasql",
    "Deno.Command",
    "Deno.run",
    "Deno.remove",
    "execSync",
    "pg_query",
    "pg_connect",
    "mysqli",
    "new PDO",
    "SQLite3",
];

/// Options after which code follows.
const CODE: &[&str] = &["-e", "-E", "-ne", "-pe", "eval"];

/// What in the code reaches beyond it, if anything does.
pub(super) fn reaches(code: &str) -> Option<&'static str> {
    let named = NAMES.iter().find(|name| code.contains(**name));
    named
        .or_else(|| CALLS.iter().find(|name| calls(code, name)))
        .copied()
        .or_else(|| destroying_call(code).then_some("a call that deletes"))
        .or_else(|| writes_database(code).then_some("a database file"))
}

/// Parts of the names of functions that delete, whatever library has them.
const DELETING: &[&str] = &[
    "drop",
    "delete",
    "truncate",
    "flushall",
    "flushdb",
    "flush_all",
    "destroy",
    "wipe",
    "purge",
    "unlink",
];

/// Whether a method is called whose name says that it deletes (`.drop_all(`, `->deleteMany(`), or a
/// request of that method is sent.
fn destroying_call(code: &str) -> bool {
    let named = |at: usize| {
        let head = code.get(..at).unwrap_or("").trim_end();
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '!';
        let name = head.trim_end_matches(word);
        let method = name.ends_with(['.', '>', ':', '&']);
        let name = head.get(name.len()..).unwrap_or("").to_ascii_lowercase();
        // Without an object before it only a longer name is a function's: `delete($h{x})`.
        let tells = |part: &str| name.contains(part) && (method || name.len() > part.len());
        DELETING.iter().any(|part| tells(part))
    };
    let sends = ["'DELETE'", "\"DELETE\""]
        .iter()
        .any(|verb| code.contains(verb));
    sends || code.match_indices('(').any(|(at, _)| named(at))
}

/// Whether a file whose name is a database's is opened to be written.
fn writes_database(code: &str) -> bool {
    let literals: Vec<&str> = code.split(['"', '\'']).skip(1).step_by(2).collect();
    let mode = |text: &&str| {
        matches!(
            text.trim_end_matches('b'),
            "w" | "w+" | "r+" | "a" | ">" | ">>" | "+<"
        )
    };
    let opens = code.contains("open(") && literals.iter().any(mode);
    literals.iter().any(|text| {
        let file = text.trim_start_matches(['>', '+', '<', ' ']);
        let written = opens || text.starts_with('>') || code.contains("write");
        written && !file.contains([' ', '(']) && super::file_words::is_database_name(file)
    })
}

/// The names that JavaScript may use and still only print: none leads to a module or a process.
const PRINTING: &[&str] = &[
    "console",
    "log",
    "error",
    "info",
    "warn",
    "JSON",
    "stringify",
    "Math",
    "max",
    "min",
    "floor",
    "ceil",
    "round",
    "random",
    "Date",
    "now",
    "new",
    "toISOString",
    "process",
    "version",
    "versions",
    "platform",
    "arch",
    "node",
    "v8",
    "length",
    "true",
    "false",
    "null",
    "undefined",
];

/// Whether JavaScript code only prints constants: literals, [`PRINTING`] names, no `[` and no
/// template, so that no other name can be built.
pub(super) fn only_prints(code: &str) -> bool {
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => match rest.get(1..).and_then(|s| s.find([first, '\\', '\n'])) {
                Some(at) if rest.get(at + 1..).is_some_and(|s| s.starts_with(first)) => at + 2,
                _ => return false,
            },
            c if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(rest.len());
                if !PRINTING.contains(&rest.get(..end).unwrap_or("")) {
                    return false;
                }
                end
            }
            c if c.is_ascii_digit() || " \n.,;()+-*/%".contains(c) => 1,
            _ => return false,
        };
        rest = rest.get(end..).unwrap_or("");
    }
    !code.trim().is_empty()
}

/// Whether the code has the word followed by an argument: `system(`, `system "`, `system $x`.
fn calls(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code.get(..at).and_then(|s| s.chars().next_back());
        let after = code.get(at + name.len()..).unwrap_or("").trim_start();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            && after.starts_with(['(', '"', '\'', '$', '@', '{'])
    })
}

/// Perl, awk, Lua and the like: their code may stand in any word.
pub(super) fn read(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let words = step.argv.iter().skip(1);
    if let Some(at) = step.argv.iter().position(|w| w.text.starts_with("npm:")) {
        // `deno run npm:prisma ...`.
        let mut argv = step.argv.get(at..).unwrap_or(&[]).to_vec();
        if let Some(word) = argv.first_mut() {
            word.text.drain(.."npm:".len());
        }
        argv.insert(0, Word::literal("npx"));
        return Reading::steps(vec![step.with_argv(argv).through(tool.name)]);
    }
    let shells = tool.data("shell-marks");
    let marked = |text: &str| shells.iter().find(|mark| text.contains(**mark)).copied();
    for word in words {
        if word.unknown.is_some() && step.argv.iter().any(|w| CODE.contains(&w.text.as_str())) {
            return Reading::opaque(Some(tool), step, "code", "code that is not seen");
        }
        if let Some(what) = marked(&word.text).or_else(|| reaches(&word.text)) {
            let why = format!("code on the line that uses `{what}`");
            return Reading::opaque(Some(tool), step, "code", why);
        }
    }
    if let Stdin::Text(text, _) = &step.stdin
        && step.argv.len() == 1
        && let Some(what) = marked(text).or_else(|| reaches(text))
    {
        let why = format!("code on standard input that uses `{what}`");
        return Reading::opaque(Some(tool), step, "code", why);
    }
    let file = step.words().find(|w| !w.starts_with('-'));
    let code = step.words().any(|w| CODE.contains(&w));
    let script = file.filter(|_| !code);
    script
        .and_then(|file| super::script::read(tool, step, world, file))
        .unwrap_or_else(|| Reading::not_mine(step))
}

#[cfg(test)]
mod tests {
    use super::{only_prints, reaches};

    #[test]
    fn javascript_that_only_prints_is_told_from_all_other() {
        for code in [
            "console.log('drop table users')",
            "process.version",
            "1+1",
            "console.log(Date.now());",
        ] {
            assert!(only_prints(code), "{code}");
        }
        for code in [
            "",
            "require('x')",
            "console.log(`${require('x')}`)",
            "console['con'+'structor']('x')()",
            "console.log.constructor('x')()",
            "console.log('\\'');require('x');('')",
            "import('x')",
            "process.kill(1)",
            "process.\\u0065xit()",
            "$",
        ] {
            assert!(!only_prints(code), "{code}");
        }
    }

    #[test]
    fn code_that_starts_programs_is_told_from_code_that_speaks_of_them() {
        for code in [
            "system('dropdb x')",
            "system \"dropdb x\"",
            "__import__(\"os\").system(\"dropdb x\")",
            "import shutil; shutil.rmtree('/x')",
            "os.execute('x')",
            "exec($c);",
            "f=getattr(os,'po'+'pen');eval('f')",
            "from shop import db; db.drop_all()",
            "es.indices.delete(index='*')",
            "urlopen(Request('http://es:9200/x', method='DELETE'))",
            "open('app.db','w').close()",
            "Path('a.sqlite3').write_bytes(b'')",
            "open(F, '>', 'app.db')",
        ] {
            assert!(reaches(code).is_some(), "{code}");
        }
        for code in [
            "print(\"drop table x\")",
            "s/ecosystem (a)/x/",
            "echo 1;",
            "{print $1}",
            "import json,sys; print(json.load(sys.stdin))",
            "import re; print(re.sub('a', 'b', 'c'))",
            "delete($h{x}); print 1",
            "print('drop (it)')",
            "open('notes.txt','w').write('drop table users')",
            "print(open('app.db','rb').read(16))",
        ] {
            assert!(reaches(code).is_none(), "{code}");
        }
    }
}

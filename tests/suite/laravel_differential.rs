//! Laravel 8 itself (Debian's package) against the static reading: the same project, environment
//! and words; the connector at the very bottom only writes down what it was to open.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tagout::command::{Caller, Step, World, understand};
use tagout::environment::Vars;
use tagout::files::Disk;
use tagout::source::{Source, SourceKind};
use tagout::target::{Address, Resolution, resolve};

use crate::support::needs;

const FRAMEWORK: &str = "/usr/share/php/Illuminate/autoload.php";

const ARTISAN: &str = r#"#!/usr/bin/env php
<?php
require __DIR__.'/bootstrap/autoload.php';
$app = require __DIR__.'/bootstrap/app.php';
$kernel = $app->make(Illuminate\Contracts\Console\Kernel::class);
exit($kernel->handle(new Symfony\Component\Console\Input\ArgvInput, new Symfony\Component\Console\Output\ConsoleOutput));
"#;

const AUTOLOAD: &str = r"<?php
require_once 'Illuminate/autoload.php';
class TestKernel extends Illuminate\Foundation\Console\Kernel {}
class TestHandler extends Illuminate\Foundation\Exceptions\Handler { public function report(Throwable $e) {} }
class Recorder {
    private $driver;
    public function __construct($driver) { $this->driver = $driver; }
    public function connect(array $config) {
        $out = [];
        foreach (['driver', 'host', 'port', 'database', 'unix_socket', 'username'] as $key) {
            $out[$key] = isset($config[$key]) ? (is_scalar($config[$key]) ? (string) $config[$key] : json_encode($config[$key])) : null;
        }
        file_put_contents(dirname(__DIR__).'/recorded.json', json_encode($out, JSON_INVALID_UTF8_SUBSTITUTE));
        exit(0);
    }
}
";

const APP: &str = r"<?php
$app = new Illuminate\Foundation\Application(dirname(__DIR__));
$app->singleton(Illuminate\Contracts\Console\Kernel::class, TestKernel::class);
$app->singleton(Illuminate\Contracts\Debug\ExceptionHandler::class, TestHandler::class);
foreach (['mysql', 'pgsql', 'sqlite', 'sqlsrv'] as $driver) {
    $app->bind('db.connector.'.$driver, function () use ($driver) { return new Recorder($driver); });
}
return $app;
";

const CONFIG_APP: &str = r"<?php
return [
    'name' => 'demo', 'env' => env('APP_ENV', 'production'), 'debug' => false, 'timezone' => 'UTC', 'locale' => 'en',
    'fallback_locale' => 'en', 'key' => 'base64:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'cipher' => 'AES-256-CBC',
    'providers' => [
        Illuminate\Cache\CacheServiceProvider::class, Illuminate\Foundation\Providers\ConsoleSupportServiceProvider::class,
        Illuminate\Database\DatabaseServiceProvider::class, Illuminate\Filesystem\FilesystemServiceProvider::class,
        Illuminate\Foundation\Providers\FoundationServiceProvider::class, Illuminate\Queue\QueueServiceProvider::class,
        Illuminate\Bus\BusServiceProvider::class, Illuminate\Translation\TranslationServiceProvider::class,
        Illuminate\View\ViewServiceProvider::class, Illuminate\Encryption\EncryptionServiceProvider::class,
    ],
    'aliases' => [],
];
";

const CONFIG_LOGGING: &str = "<?php return ['default' => 'null', 'deprecations' => 'null', 'channels' => ['null' => ['driver' => 'monolog', 'handler' => Monolog\\Handler\\NullHandler::class]]];\n";

const STOCK: &str = r"<?php
return [
    'default' => env('DB_CONNECTION', 'mysql'),
    'connections' => [
        'sqlite' => ['driver' => 'sqlite', 'url' => env('DATABASE_URL'), 'database' => env('DB_DATABASE', database_path('database.sqlite'))],
        'mysql' => ['driver' => 'mysql', 'url' => env('DATABASE_URL'), 'host' => env('DB_HOST', '127.0.0.1'), 'port' => env('DB_PORT', '3306'), 'database' => env('DB_DATABASE', 'forge'), 'username' => env('DB_USERNAME', 'forge'), 'unix_socket' => env('DB_SOCKET', '')],
        'pgsql' => ['driver' => 'pgsql', 'url' => env('DATABASE_URL'), 'host' => env('DB_HOST', '127.0.0.1'), 'port' => env('DB_PORT', '5432'), 'database' => env('DB_DATABASE', 'forge'), 'username' => env('DB_USERNAME', 'forge')],
        'sqlsrv' => ['driver' => 'sqlsrv', 'url' => env('DATABASE_URL'), 'host' => env('DB_HOST', 'localhost'), 'port' => env('DB_PORT', '1433'), 'database' => env('DB_DATABASE', 'forge'), 'username' => env('DB_USERNAME', 'forge')],
    ],
    'migrations' => 'migrations',
];
";

/// A project, an environment, words.
#[derive(Debug, Clone)]
struct Case {
    files: Vec<(&'static str, String)>,
    env: Vec<(&'static str, String)>,
    words: Vec<String>,
}

struct Project {
    dir: tempfile::TempDir,
}

impl Project {
    fn new() -> Project {
        let project = Project {
            dir: tempfile::tempdir().unwrap(),
        };
        for (path, text) in [
            ("artisan", ARTISAN),
            ("bootstrap/autoload.php", AUTOLOAD),
            ("bootstrap/app.php", APP),
            ("config/app.php", CONFIG_APP),
            ("config/logging.php", CONFIG_LOGGING),
            ("bootstrap/cache/.keep", ""),
            ("storage/framework/cache/data/.keep", ""),
            ("storage/framework/views/.keep", ""),
            ("storage/logs/.keep", ""),
            ("database/database.sqlite", ""),
        ] {
            project.put(path, text);
        }
        project
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn put(&self, path: &str, text: &str) {
        let full = self.root().join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, text).unwrap();
    }

    /// What Laravel was to open; `None` where it stops before.
    fn real(&self, case: &Case) -> (Option<BTreeMap<String, Option<String>>>, String) {
        let root = self.root();
        let record = root.join("recorded.json");
        let _ = std::fs::remove_file(&record);
        let output = Command::new("php")
            .args(
                case.words
                    .iter()
                    .map(|w| w.replace("{ROOT}", &root.display().to_string())),
            )
            .current_dir(&root)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .envs(case.env.iter().map(|(n, v)| (n, OsStr::new(v))))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        let recorded = std::fs::read_to_string(&record)
            .ok()
            .and_then(|t| serde_json::from_str::<serde_json::Value>(&t).ok());
        let map = recorded.map(|value| {
            let object = value.as_object().unwrap();
            object
                .iter()
                .map(|(k, v)| (k.clone(), v.as_str().map(str::to_owned)))
                .collect()
        });
        (map, said)
    }

    fn ours(&self, case: &Case) -> Resolution {
        let root = self.root();
        let mut vars = Vars::new();
        let source = Source::new(SourceKind::Inherited, "process environment");
        vars.set("PATH", "/usr/bin:/bin", source.clone());
        for (name, value) in &case.env {
            vars.set(*name, value, source.clone());
        }
        let argv = std::iter::once("php".to_owned()).chain(case.words.iter().cloned());
        let files = Disk::default();
        let caller = Caller::default();
        let world = World {
            files: &files,
            caller: &caller,
            heard: None,
        };
        let mut all = Resolution::none();
        for command in understand(Step::new(argv, vars, root), &world) {
            all.merge(resolve(&command, &world));
        }
        all
    }
}

/// One answer as comparable text.
fn shown(
    engine: &str,
    host: Option<&str>,
    port: Option<&str>,
    socket: Option<&str>,
    database: &str,
) -> String {
    format!("{engine} host={host:?} port={port:?} socket={socket:?} database={database}")
}

fn wanted(real: &BTreeMap<String, Option<String>>, root: &Path) -> String {
    let get = |key: &str| real.get(key).and_then(|v| v.as_deref());
    let filled = |key: &str| get(key).filter(|v| !v.is_empty());
    let database = get("database").unwrap_or("");
    match get("driver").unwrap_or("") {
        "sqlite" if database == ":memory:" => shown("sqlite", None, None, None, ":memory:"),
        "sqlite" => {
            let path = root.join(database);
            let path = path.canonicalize().unwrap_or(path);
            shown("sqlite", None, None, None, &path.display().to_string())
        }
        "mysql" => match (filled("unix_socket").filter(|s| *s != "0"), get("host")) {
            (Some(socket), _) => shown("mysql", None, None, Some(socket), database),
            (None, Some("localhost" | "")) => shown("mysql", None, None, Some(""), database),
            (None, host) => shown(
                "mysql",
                host,
                Some(filled("port").filter(|p| *p != "0").unwrap_or("3306")),
                None,
                database,
            ),
        },
        "pgsql" => match get("host") {
            Some(host) if host.starts_with('/') => {
                shown("postgres", None, None, Some(host), database)
            }
            host => shown(
                "postgres",
                host,
                Some(filled("port").unwrap_or("5432")),
                None,
                database,
            ),
        },
        "sqlsrv" => shown(
            "sqlserver",
            get("host"),
            Some(filled("port").filter(|p| *p != "0").unwrap_or("1433")),
            None,
            database,
        ),
        other => shown(other, get("host"), get("port"), None, database),
    }
}

fn given(target: &tagout::target::Target) -> String {
    let database = target.database.as_ref().map_or("", |d| d.value.as_str());
    let engine = target.engine.word();
    match &target.address {
        Address::Host { host, port, .. } => {
            let port = port.as_ref().map(|p| p.value.to_string());
            shown(engine, Some(&host.value), port.as_deref(), None, database)
        }
        Address::Socket { path, .. } => shown(engine, None, None, Some(&path.value), database),
        Address::File { path } => shown(engine, None, None, None, &path.value),
        Address::Memory { .. } => shown(engine, None, None, None, ":memory:"),
        Address::Identifier { name } => name.value.clone(),
    }
}

/// Whether the static answer is the real one (or honestly none); `Err` names the difference.
fn judge(project: &Project, case: &Case) -> Result<bool, String> {
    let (real, said) = project.real(case);
    let ours = project.ours(case);
    let answers: Vec<String> = ours.targets.iter().map(given).collect();
    let tell = |what: &str| {
        let said: String = said.chars().take(300).collect();
        format!(
            "{what}\n  case {case:?}\n  real {real:?}\n  said {said}\n  ours {answers:?}\n  gaps {:?}\n  errors {:?}",
            ours.gaps, ours.errors
        )
    };
    match &real {
        None if ours.targets.is_empty() => Ok(ours.gaps.is_empty()),
        None => Err(tell("Laravel stops, and a target was named")),
        Some(_) if !ours.errors.is_empty() => Err(tell("Laravel connects, and was said to stop")),
        Some(_) if !ours.gaps.is_empty() => Ok(false),
        Some(real) => {
            // A comma list of hosts is libpq's to split.
            let host = real.get("host").cloned().flatten().unwrap_or_default();
            let several = real
                .get("driver")
                .is_some_and(|d| d.as_deref() == Some("pgsql"))
                && host.contains(',');
            let hosts: Vec<&str> = if several {
                host.split(',').collect()
            } else {
                vec![host.as_str()]
            };
            let want: Vec<String> = hosts
                .iter()
                .map(|one| {
                    let mut real = real.clone();
                    if several {
                        real.insert("host".to_owned(), Some((*one).to_owned()));
                    }
                    wanted(&real, &project.root())
                })
                .collect();
            if answers == want {
                Ok(true)
            } else {
                Err(tell(&format!("another database: want {want:?}")))
            }
        }
    }
}

fn fresh() -> Vec<String> {
    ["artisan", "migrate:fresh", "--force"]
        .map(str::to_owned)
        .to_vec()
}

fn stock(env_file: &str, env: &[(&'static str, &str)]) -> Case {
    Case {
        files: vec![
            ("config/database.php", STOCK.to_owned()),
            (".env", env_file.to_owned()),
        ],
        env: env.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(),
        words: fresh(),
    }
}

/// Runs cases in one project; files of a case replace those of the one before.
fn hold(cases: &[Case], at_least: usize) {
    if needs("php").is_none() {
        return;
    }
    if !Path::new(FRAMEWORK).exists() {
        needs("php-laravel-framework");
        return;
    }
    let project = Project::new();
    let mut wrong = Vec::new();
    let mut resolved = 0;
    let mut before: Vec<&'static str> = Vec::new();
    for case in cases {
        for path in before.drain(..) {
            let _ = std::fs::remove_file(project.root().join(path));
        }
        for (path, text) in &case.files {
            project.put(path, text);
            before.push(path);
        }
        match judge(&project, case) {
            Ok(known) => resolved += usize::from(known),
            Err(why) => wrong.push(why),
        }
    }
    println!(
        "{} cases: {resolved} decided, {} undecided, {} wrong",
        cases.len(),
        cases.len() - resolved - wrong.len(),
        wrong.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong
            .iter()
            .take(6)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n\n")
    );
    assert!(
        resolved * 100 >= cases.len() * at_least,
        "only {resolved} of {} decided",
        cases.len()
    );
}

/// A small generator of its own: the same cases in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.roll(list.len())]
    }
}

#[test]
fn env_files_select_what_laravel_selects() {
    let mut dice = Dice(0x5EED_0001);
    let keys = [
        "DB_HOST",
        "DB_PORT",
        "DB_DATABASE",
        "DB_CONNECTION",
        "DATABASE_URL",
        "DB_SOCKET",
        "STAGE",
        "APP_ENV",
    ];
    let values = [
        "h1",
        "10.0.0.9",
        "worker",
        "\"a b\"",
        "'x${STAGE}'",
        "x_${STAGE}",
        "\"q_${STAGE}_$STAGE\"",
        "",
        "null",
        "(empty)",
        "false",
        "a#b",
        "a #b",
        "\"a\\nb\"",
        "'it'",
        "pgsql",
        "mysql",
        "sqlite",
        "sqlsrv",
        "localhost",
        "3307",
        "0",
        "5433",
        ":memory:",
        "\"'x'\"",
        "x\\y",
        "mysql://u:p@uh:33/udb",
        "postgres://pgh/pdb?sslmode=require",
        "sqlite:///rel.sqlite",
        "mysql://h/db?host=qh&port=99",
        "\"open",
        "x y",
        "'open",
        "\"a\\qb\"",
        "${DB_HOST}",
        "${NOPE}",
        "/run/x.sock",
        "//h/d",
        "mysql://h:x/d",
        "TRUE",
        "2024",
    ];
    let leads = ["", "", "", "", "export ", "  ", "\"", "# ", "#"];
    let mut cases = Vec::new();
    for _ in 0..170 {
        let mut text = String::new();
        for _ in 0..=dice.roll(6) {
            let lead = dice.of(&leads);
            let close = if lead == "\"" { "\"" } else { "" };
            let assign = dice.of(&["=", "=", "=", "=", " = ", "", ": "]);
            let assign = if dice.roll(3) > 0 { "=" } else { assign };
            let end = dice.of(&["\n", "\n", "\r\n", "\r", "\n\n"]);
            text += &format!(
                "{lead}{}{close}{assign}{}{end}",
                dice.of(&keys),
                dice.of(&values)
            );
        }
        let mut env = Vec::new();
        for key in keys {
            if dice.roll(7) == 0 {
                env.push((key, dice.of(&values).to_owned()));
            }
        }
        let mut case = Case {
            env,
            ..stock(&text, &[])
        };
        if dice.roll(4) == 0 {
            case.files.push((
                ".env.testing",
                "DB_HOST=testing-host\nDB_DATABASE=testing\n".to_owned(),
            ));
            if dice.roll(2) == 0 {
                case.words.push("--env=testing".to_owned());
            }
        }
        cases.push(case);
    }
    hold(&cases, 85);
}

#[test]
fn configurations_are_evaluated_as_php_does() {
    let mut dice = Dice(0x5EED_0002);
    let hosts = [
        "env('DB_HOST', 'dflt')",
        "env('NOPE', env('DB_HOST', 'x'))",
        "$_SERVER['DB_HOST'] ?? 'srv'",
        "$_ENV['DB_HOST'] ?? 'envd'",
        "getenv('DB_HOST') ?: 'get'",
        "env('STAGE') === 'prod' ? 'p-host' : 'd-host'",
        "env('NOPE', fn () => 'lazy')",
        "$u['host'] ?? 'nourl'",
        "explode(',', env('DB_HOST', 'a,b'))[0]",
        "trim(' '.env('DB_HOST').' ')",
        "sprintf('%s.%s', env('DB_HOST', 'h'), 'internal')",
        "strtolower(env('DB_HOST', 'UP'))",
        "str_replace('10.', '20.', env('DB_HOST', '10.1.1.1'))",
        "match (env('STAGE')) { 'prod' => 'm1', default => 'm2' }",
        "(function () { return env('DB_HOST', 'iife'); })()",
        "implode('.', ['a', env('STAGE', 'b')])",
        "env('DB_HOST') ?: 'elvis'",
        "[env('DB_HOST', 'l1')]",
        "substr(env('DB_HOST', 'abcdef'), 0, 2)",
        "\"pre-{$stage}\"",
        "\"$stage.db\"",
        "Str::lower('ABC')",
        "helper(env('DB_HOST'))",
        "is_null(env('NOPE')) ? 'isnull' : 'no'",
        "in_array(env('STAGE'), ['prod', 'live'], true) ? 'pp' : 'dd'",
        "$map[$stage] ?? 'nomap'",
        "constant('HOSTC')",
    ];
    let databases = [
        "env('DB_DATABASE', 'forge')",
        "env('DB_PREFIX', 'pre').'_'.env('DB_DATABASE')",
        "ltrim($u['path'] ?? '/fallback', '/')",
        "'app_'.$stage",
        "(string) env('DB_DATABASE', 5)",
        "env('DB_DATABASE') . (env('STAGE') ? '_'.env('STAGE') : '')",
        "basename(__DIR__)",
        "ucfirst('db')",
        "'x' . 1 + 0 . ''",
        "strlen('abc') > 2 ? 'long' : 'short'",
        "config_path() ? 'cp' : ''",
        "<<<X\n  here_{$stage}\n  X",
        "NAME",
    ];
    let ports = [
        "env('DB_PORT', 3306)",
        "(int) env('DB_PORT', '33')",
        "$u['port'] ?? 3399",
        "intval('12ab')",
        "3000 + 6",
        "0x1F90",
        "null",
    ];
    let drivers = ["mysql", "mysql", "pgsql", "sqlsrv"];
    let mut cases = Vec::new();
    for _ in 0..170 {
        let helper = "if (! function_exists('helper')) { function helper($v, $d = 'hd') { return $v === null || $v === '' ? $d : $v; } }\n";
        let head = "use Illuminate\\Support\\Str;\ndefine('HOSTC', 'const-host');\nconst NAME = 'const_db';\n$stage = env('STAGE', 'local');\n$u = parse_url((string) env('MY_URL', ''));\n$map = ['local' => 'lh', 'prod' => 'ph'];\n";
        let body = format!(
            "$c = ['default' => 'main', 'connections' => ['main' => ['driver' => '{}', 'host' => {}, 'port' => {}, 'database' => {}, 'username' => 'u', 'options' => extension_loaded('pdo_mysql') ? array_filter([PDO::MYSQL_ATTR_SSL_CA => env('CA')]) : []]], 'migrations' => 'migrations'];\n",
            dice.of(&drivers),
            dice.of(&hosts),
            dice.of(&ports),
            dice.of(&databases)
        );
        let tail = dice.of(&[
            "return $c;\n",
            "return $c;\n",
            "if (env('STAGE') === 'prod') { $c['connections']['main']['host'] = 'if-host'; }\nreturn $c;\n",
            "foreach (['a', 'b'] as $n) { $c['connections'][$n] = $c['connections']['main']; }\n$c['default'] = 'b';\nreturn $c;\n",
            "return array_merge($c, ['extra' => 1]);\n",
            "return ['redis' => ['x' => Str::slug('A B', '_')]] + $c;\n",
            "unset($c['connections']['main']['port']);\nreturn $c;\n",
            "switch (env('STAGE')) { case 'prod': $c['connections']['main']['database'] = 'sw'; break; }\nreturn $c;\n",
        ]);
        let config = format!("<?php\n{head}{helper}{body}{tail}");
        let env_file = format!(
            "DB_HOST={}\nDB_DATABASE={}\nDB_PORT=3311\n{}{}",
            dice.of(&["filehost", "10.0.0.9", "a1,b2"]),
            dice.of(&["worker", "w2"]),
            dice.of(&["", "STAGE=prod\n", "STAGE=dev\n"]),
            dice.of(&[
                "",
                "MY_URL=mysql://u:p@urlhost:3310/urldb\n",
                "MY_URL=/only/path\n"
            ])
        );
        let mut env = Vec::new();
        for (key, value) in [
            ("DB_HOST", "prochost"),
            ("STAGE", "prod"),
            ("DB_DATABASE", "proc"),
        ] {
            if dice.roll(5) == 0 {
                env.push((key, value.to_owned()));
            }
        }
        cases.push(Case {
            files: vec![("config/database.php", config), (".env", env_file)],
            env,
            words: fresh(),
        });
    }
    hold(&cases, 85);
}

#[test]
fn words_select_what_the_console_selects() {
    let mut cases = Vec::new();
    let file = "DB_CONNECTION=mysql\nDB_HOST=h\nDB_DATABASE=d\n";
    for line in [
        "artisan migrate:fresh --force",
        "artisan mi:f --force",
        "artisan MI:FR --force",
        "artisan m:fr --force",
        "artisan d:w --force",
        "artisan m:f --force",
        "artisan migrate:re --force",
        "artisan -n migrate:fresh --force",
        "artisan --env testing migrate:fresh --force",
        "artisan --env=testing db:wipe --force",
        "artisan migrate:fresh --force --env testing",
        "artisan --force -- migrate:fresh",
        "artisan --database=pgsql migrate:fresh --force",
        "artisan --database pgsql migrate:fresh --force",
        "artisan migrate:fresh --force --database",
        "artisan migrate:fresh --force --database pgsql",
        "artisan migrate:fresh --force --database=sqlsrv --database=sqlite",
        "artisan migrate:fresh --force -x",
        "artisan migrate:fresh --force --nope",
        "artisan migrate:fresh --force extra",
        "artisan migrate:fresh --force=1",
        "artisan",
        "artisan list",
        "artisan -V migrate:fresh",
        "artisan migrate:fresh --help",
        "artisan migrate:fresh -h",
        "artisan db:wipe --force -- --env=testing",
        "artisan migrate:status",
        "artisan migrate:install",
        "artisan migrate --force",
        "artisan migrate --force --pretend",
        "artisan migrate:rollback --force",
        "artisan migrate:reset --force",
        "-d memory_limit=256M artisan migrate:fresh --force",
        "-d variables_order=EGPCS artisan db:wipe --force",
        "-f artisan migrate:fresh --force",
        "{ROOT}/artisan db:wipe --force",
        "artisan migrate:frash --force",
        "artisan db:wipe --force --database=mysql::read",
        "artisan db:wipe --force --database=nosuch",
        "artisan db:wipe -vvv --force",
        "artisan db:wipe -nq --force",
        "artisan db:wi --force --drop-views",
        "artisan db:wipe --force --env",
        "artisan db:wipe --force --env=",
        "artisan --version",
        "artisan help migrate",
    ] {
        let mut case = stock(file, &[]);
        case.files.push((
            ".env.testing",
            "DB_CONNECTION=mysql\nDB_HOST=testing\nDB_DATABASE=t\n".to_owned(),
        ));
        case.words = line.split(' ').map(str::to_owned).collect();
        cases.push(case);
    }
    hold_words(&cases);
}

/// As [`hold`], but where Laravel does not connect by itself (nothing to do, no command) naming
/// the target that it would use is no mistake.
fn hold_words(cases: &[Case]) {
    if needs("php").is_none() || !Path::new(FRAMEWORK).exists() {
        return;
    }
    let project = Project::new();
    let mut wrong = Vec::new();
    for case in cases {
        for (path, text) in &case.files {
            project.put(path, text);
        }
        let case = Case {
            words: case
                .words
                .iter()
                .map(|w| w.replace("{ROOT}", &project.root().display().to_string()))
                .collect(),
            ..case.clone()
        };
        wrong.extend(judge(&project, &case).err());
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
}

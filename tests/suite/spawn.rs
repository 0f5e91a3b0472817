//! The spawn helpers of `examples/spawn`, in their own languages: each tells tagout's refusals from
//! the command's own failure, and gives the command nothing that the profile does not pass.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tagout::{Launcher, Outcome};

use crate::support::{Scene, needs, ran, skip, tagout};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/spawn")
}

impl Scene {
    /// A program that finds tagout on PATH and has production's settings in its environment.
    fn spawner(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.command(program);
        let folder = Path::new(tagout()).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display());
        command
            .env("PATH", path)
            .env("DATABASE_URL", "postgres://db1/production")
            .env("LANG", "C.UTF-8");
        command
    }
}

/// What each `run` program says of a command.
fn tells(mut run: impl FnMut(&Scene) -> Command) {
    let scene = Scene::new();
    let drop = ["psql", "-h", "db1", "shop", "-c", "drop table orders"];
    let table: Vec<(&str, Vec<&str>, &str)> = vec![
        ("worker", vec!["true"], "exited 0\n"),
        ("worker", vec!["sh", "-c", "exit 3"], "exited 3\n"),
        ("worker", vec!["sh", "-c", "exit 77"], "exited 77\n"),
        (
            "worker",
            vec!["sh", "-c", "kill -TERM $$"],
            "signalled SIGTERM\n",
        ),
        ("worker", drop.to_vec(), "refused destroys-unmarked\n"),
        ("worker", vec!["no-such-program"], "not started ENOENT\n"),
        (
            "worker",
            vec!["sh", "-c", "echo ${DATABASE_URL-nothing}"],
            "nothing\nexited 0\n",
        ),
        (
            "worker",
            vec![
                "printf", "<%s>\\n", "a  b", "*", "c\nd", "", "$HOME", "it's",
            ],
            "<a  b>\n<*>\n<c\nd>\n<>\n<$HOME>\n<it's>\nexited 0\n",
        ),
    ];
    for (profile, argv, expected) in table {
        let ran = ran(run(&scene).arg(profile).args(&argv));
        assert_eq!(ran.out, expected, "{argv:?}: {ran:?}");
    }
    let failed = ran(run(&scene).args(["no-such-profile", "true"]));
    assert!(failed.out.starts_with("failed "), "{failed:?}");
    assert!(failed.out.contains("no-such-profile"), "{failed:?}");
}

#[test]
fn python() {
    if needs("python3").is_none() {
        return;
    }
    tells(|scene| {
        let mut command = scene.spawner("python3");
        command.arg("-B").arg(examples().join("python/run.py"));
        command
    });
}

#[test]
fn ruby() {
    if needs("ruby").is_none() {
        return;
    }
    tells(|scene| {
        let mut command = scene.spawner("ruby");
        command.arg(examples().join("ruby/run.rb"));
        command
    });
    let scene = Scene::new();
    let script = "cat; echo wrong >&2; exit 4";
    let captured = ran(scene
        .spawner("ruby")
        .arg(examples().join("ruby/capture.rb"))
        .args(["worker", "sh", "-c", script]));
    assert_eq!(captured.out, "\"given\"\n\"wrong\\n\"\n4\n", "{captured:?}");
}

#[test]
fn node() {
    if needs("node").is_none() {
        return;
    }
    tells(|scene| {
        let mut command = scene.spawner("node");
        command.arg(examples().join("node/run.mjs"));
        command
    });
}

#[test]
fn php_with_symfony_process() {
    if needs("php").is_none() {
        return;
    }
    if !Path::new("/usr/share/php/Symfony/Component/Process/autoload.php").exists() {
        return skip("php-symfony-process");
    }
    tells(|scene| {
        let mut command = scene.spawner("php");
        command.arg(examples().join("php/run.php"));
        command
    });
}

/// Laravel's `Process` facade came with Laravel 10, which Debian does not have: a stand-in of the
/// few methods that the provider uses, over the real Symfony Process.
#[test]
fn php_with_a_stand_in_for_laravels_process() {
    if needs("php").is_none() {
        return;
    }
    if !Path::new("/usr/share/php/Symfony/Component/Process/autoload.php").exists() {
        return skip("php-symfony-process");
    }
    let scene = Scene::new();
    let stand_in = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/laravel-process.php"
    );
    let told = ran(scene
        .spawner("php")
        .arg(stand_in)
        .arg(examples().join("php")));
    assert_eq!(
        told.out,
        "ran 3 in / nothing\nrefused destroys-unmarked\nfaked tagout run --profile worker -- true\n",
        "{told:?}"
    );
}

#[test]
fn go() {
    if needs("go").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("run");
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-build");
    let built = ran(Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg("./run")
        .current_dir(examples().join("go"))
        .env("GOCACHE", cache)
        .env("GOFLAGS", "-mod=mod")
        .env("GOPROXY", "off")
        .env("CGO_ENABLED", "0"));
    assert_eq!(built.code, Some(0), "{built:?}");
    tells(|scene| scene.spawner(&program));
}

#[test]
fn rust() {
    let folder = Path::new(tagout()).parent().unwrap();
    let program = folder.join("examples/spawn");
    assert!(program.exists(), "cargo builds examples with the tests");
    tells(|scene| scene.spawner(&program));
}

#[test]
fn the_library_launches_what_it_plans() {
    let scene = Scene::new();
    let launcher = |program: &str| {
        let mut launcher = Launcher::new(program);
        launcher
            .tagout(tagout())
            .current_dir(scene.dir.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", scene.dir.path())
            .env("XDG_STATE_HOME", scene.path(".state"))
            .env("MAIL_HOST", "mail")
            .env("DB_HOST", "production");
        launcher
    };
    let output = launcher("sh")
        .args([
            "-c",
            "pwd; echo $MAIL_HOST-$DB_HOST; echo err >&2; cat; exit 5",
        ])
        .profile("worker")
        .keep("MAIL_HOST")
        .output()
        .unwrap();
    let here = scene.dir.path().canonicalize().unwrap();
    assert_eq!(output.outcome, Outcome::Exited(5));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{}\nmail-\n", here.display())
    );
    assert_eq!(output.stderr, b"err\n");
    let mut destroying = launcher("psql");
    destroying.args(["-h", "db1", "shop", "-c", "drop table orders"]);
    let plan = destroying.plan().unwrap();
    assert_eq!(
        plan.targets()[0].target.to_string(),
        "postgres://root@db1:5432/shop"
    );
    let Outcome::Refused(refusal) = destroying.output().unwrap().outcome else {
        panic!("it is refused");
    };
    assert_eq!(refusal.rule, plan.verdict.rule);
    assert_eq!(refusal.reasons, plan.verdict.reasons);
    let mut started = launcher("cat").stdin(Stdio::piped()).spawn().unwrap();
    drop(started.child.stdin.take());
    assert_eq!(started.wait().unwrap(), Outcome::Exited(0));
    let mut absent = launcher("true");
    assert!(absent.tagout("/no/such/tagout").spawn().is_err());
    assert_eq!(
        launcher("true").tagout("/bin/true").status().unwrap(),
        Outcome::Failed("tagout ended without a word: exit status: 0".to_owned())
    );
}

#[test]
fn the_status_tells_the_plan_and_every_ending() {
    let scene = Scene::new();
    let events = |args: &[&str]| -> Vec<serde_json::Value> {
        let ran = ran(scene
            .tagout(&["run", "--json-status", "status.json"])
            .args(args));
        let text = std::fs::read_to_string(scene.path("status.json")).unwrap();
        assert!(!ran.out.contains("event"), "{ran:?}");
        text.lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    };
    let kinds = |events: &[serde_json::Value]| -> Vec<String> {
        let kinds = events
            .iter()
            .map(|e| e["event"].as_str().unwrap().to_owned());
        kinds.collect()
    };
    let ran = events(&["--", "sh", "-c", "exit 77"]);
    assert_eq!(kinds(&ran), ["plan", "started", "ended"]);
    assert_eq!(ran[0]["schema"], "tagout.status/1");
    assert_eq!(
        (&ran[0]["allowed"], &ran[2]["code"]),
        (&true.into(), &77.into())
    );
    assert_eq!(ran[0]["id"], ran[2]["id"]);
    let url = "postgres://u:hunter2@db1/shop";
    let refused = events(&["--", "psql", url, "-c", "drop table x"]);
    assert_eq!(kinds(&refused), ["plan", "refused"]);
    assert_eq!(refused[0]["targets"][0]["tier"], "unmarked");
    assert_eq!(refused[0]["effect"], "destroys");
    assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    assert_eq!(
        kinds(&events(&["--", "no-such-program"])),
        ["plan", "not-started"]
    );
    assert_eq!(
        kinds(&events(&["-p", "no-such-profile", "--", "true"])),
        ["failed"]
    );
    let two = scene.bash("tagout run --status-fd 3 --json-status=4 -- true 3>short 4>long");
    assert_eq!(two.code, Some(0), "{two:?}");
    let lines = |name| {
        std::fs::read_to_string(scene.path(name))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((lines("short"), lines("long")), (2, 3));
    let bad = scene.bash("tagout run --json-status /no/such/folder/x -- true");
    assert_eq!(bad.code, Some(125), "{bad:?}");
}

/// A server or worker, stopped when the test is over.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let id = self.0.id().to_string();
        let _ = Command::new("kill").arg(id).status();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Starts it and waits until it has said that it is ready.
    fn until(command: &mut Command, ready: &str) -> Running {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut seen = String::new();
        let mut lines = out.lines().map_while(Result::ok);
        let found = lines.any(|line| {
            seen += &(line.clone() + "\n");
            line.contains(ready)
        });
        assert!(found, "{command:?} ended before {ready:?}: {seen}");
        // It goes on printing; nobody may keep it waiting.
        std::thread::spawn(move || lines.for_each(drop));
        Running(child)
    }
}

/// A Redis server and its port.
fn redis(scene: &Scene) -> Option<(Running, u16)> {
    let server = needs("redis-server")?;
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let mut command = scene.command(server);
    command.args([
        "--port",
        &port.to_string(),
        "--save",
        "",
        "--bind",
        "127.0.0.1",
    ]);
    let server = Running::until(&mut command, "Ready to accept connections");
    Some((server, port))
}

/// Copies an example; its project's file becomes the user's, with the port of this test's Redis.
fn example(scene: &Scene, name: &str, port: u16) {
    for part in [name, "ruby/tagout.rb", "node/tagout.mjs"] {
        let to = scene.path(part);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp")
            .arg("-r")
            .arg(examples().join(part))
            .arg(to)
            .status();
        assert!(copied.unwrap().success());
    }
    let file = scene.path(name).join("tagout.toml");
    let Ok(text) = std::fs::read_to_string(&file) else {
        return;
    };
    let text = text.replace("6379", &port.to_string());
    std::fs::remove_file(file).unwrap();
    scene.file("config/config.toml", &text);
}

#[test]
fn sidekiq() {
    if needs("sidekiq").is_none() || needs("ruby").is_none() {
        return;
    }
    let scene = Scene::new();
    let Some((_server, port)) = redis(&scene) else {
        return;
    };
    example(&scene, "ruby/sidekiq", port);
    let url = format!("redis://127.0.0.1:{port}/0");
    let program = |name: &str| {
        let mut command = scene.spawner(name);
        command
            .env("REDIS_URL", &url)
            .current_dir(scene.path("ruby/sidekiq"));
        command
    };
    let enqueue = "require './worker'; Report.perform_async('DATABASE_URL', ['psql', '-h', 'db1', 'shop', '-c', 'drop table x']); \
        Report.perform_async('REDIS_URL', ['sh', '-c', 'exit 3'])";
    let put = ran(program("ruby").args(["-e", enqueue]));
    assert_eq!(put.code, Some(0), "{put:?}");
    let mut worker = program(tagout());
    worker.args(["run", "--config"]).arg(scene.path("config"));
    worker.args([
        "-p",
        "sidekiq",
        "--",
        "sidekiq",
        "-r",
        "./worker.rb",
        "-c",
        "1",
    ]);
    let _worker = Running(worker.stdin(Stdio::null()).spawn().unwrap());
    let take = "2.times { puts Sidekiq.redis { |r| r.blpop('report', timeout: 60).last } }";
    let came = ran(program("ruby").args(["-e", &format!("require './worker'; {take}")]));
    assert_eq!(
        came.out,
        format!("nothing destroys-unmarked\n{url} 3\n"),
        "{came:?}"
    );
}

/// A folder below `target/` with packages of npm, made once.
fn node_modules() -> Option<PathBuf> {
    needs("npm")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bullmq");
    let modules = folder.join("node_modules");
    if modules.join("bullmq/package.json").exists() {
        return Some(modules);
    }
    std::fs::create_dir_all(&folder).unwrap();
    let installed = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "bullmq@5"])
        .current_dir(&folder)
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        skip("bullmq");
        return None;
    }
    Some(modules)
}

#[test]
fn bullmq() {
    if needs("node").is_none() {
        return;
    }
    let Some(modules) = node_modules() else {
        return;
    };
    let scene = Scene::new();
    let Some((_server, port)) = redis(&scene) else {
        return;
    };
    example(&scene, "node/bullmq", port);
    std::os::unix::fs::symlink(modules, scene.path("node/bullmq/node_modules")).unwrap();
    let program = |name: &str| {
        let mut command = scene.spawner(name);
        command
            .env("REDIS_URL", format!("redis://127.0.0.1:{port}"))
            .current_dir(scene.path("node/bullmq"));
        command
    };
    let mut worker = program("node");
    worker.arg("worker.mjs").stdin(Stdio::null());
    let _worker = Running(worker.spawn().unwrap());
    let asked = ran(program("node").arg("ask.mjs"));
    assert_eq!(
        asked.out, "{\"code\":0,\"stdout\":\"nothing\\n\"}\n{\"refused\":\"destroys-unmarked\"}\n",
        "{asked:?}"
    );
}

/// A Python with Celery: the system's own, else an environment made once below `target/`.
fn celery_python() -> Option<PathBuf> {
    let system = needs("python3")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/celery");
    let own = folder.join("bin/python");
    let has = |python: &Path| {
        let mut command = Command::new(python);
        command.args(["-c", "import celery"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if has(&own) {
        return Some(own);
    }
    if has(&system) {
        return Some(system);
    }
    let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    let made = done(Command::new(system).args(["-m", "venv"]).arg(&folder))
        && done(Command::new(folder.join("bin/pip")).args(["-q", "install", "celery"]));
    if !made {
        skip("celery");
        return None;
    }
    Some(own)
}

#[test]
fn celery() {
    let Some(python) = celery_python() else {
        return;
    };
    let scene = Scene::new();
    let folder = scene.path("celery");
    for part in ["python/celery", "python/tagout.py"] {
        let mut copy = Command::new("cp");
        copy.arg("-r")
            .arg(examples().join(part))
            .arg(scene.dir.path());
        assert!(copy.status().unwrap().success());
    }
    std::fs::create_dir_all(folder.join("queue")).unwrap();
    std::fs::create_dir_all(folder.join("results")).unwrap();
    let program = || {
        let mut command = scene.spawner(&python);
        command
            .current_dir(&folder)
            .env("BROKER_URL", "filesystem://")
            .env(
                "RESULT_URL",
                format!("file://{}", folder.join("results").display()),
            );
        command
    };
    let _worker = Running(
        program()
            .args(["worker.py", "--loglevel", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let ask = "import tasks\n\
        print(tasks.seen.delay('DATABASE_URL').get(timeout=60))\n\
        print(tasks.command.delay(['sh', '-c', 'exit 3']).get(timeout=60))\n\
        print(tasks.command.delay(['psql', '-h', 'db1', 'shop', '-c', 'drop table x']).get(timeout=60))\n";
    let asked = ran(program().args(["-c", ask]));
    assert_eq!(asked.out, "nothing\n3\ndestroys-unmarked\n", "{asked:?}");
}

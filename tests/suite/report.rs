//! `tagout report` in a real browser: without network, without a mouse, and on paper; from a
//! journal and from the database of a fleet.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::journal::{Made, twenty};
use crate::support;

pub(crate) fn report(made: &Made, args: &[&str]) -> PathBuf {
    let file = made.dir.path().join("report.html");
    let output = Command::new(support::tagout())
        .args(["report", "--html", file.to_str().unwrap()])
        .args(args)
        .env("XDG_STATE_HOME", made.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    file
}

/// The browser's own switches: no sandbox, since tests may run as root, and a home of its own.
fn browser(home: &Path) -> Option<String> {
    let program = support::needs("chromium-headless-shell")?;
    Some(format!(
        "{} --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir={}",
        program.display(),
        home.join("browser").display()
    ))
}

/// A browser that is told what to do over a pipe, as its development tools do: requests and answers
/// end in NUL.
struct Browser {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    events: Vec<Value>,
}

impl Browser {
    fn start(home: &Path) -> Option<Browser> {
        let line = format!(
            "exec {} --remote-debugging-pipe about:blank 3<&0 4>&1 0</dev/null 1>/dev/null",
            browser(home)?
        );
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut browser = Browser {
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
            session: None,
            last: 0,
            events: Vec::new(),
        };
        let targets = browser.ask("Target.getTargets", json!({}));
        let page = targets["targetInfos"]
            .as_array()
            .unwrap()
            .iter()
            .find(|t| t["type"] == "page")
            .unwrap()["targetId"]
            .clone();
        let attached = browser.ask(
            "Target.attachToTarget",
            json!({"targetId": page, "flatten": true}),
        );
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        Some(browser)
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut request = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        self.input
            .write_all(request.to_string().as_bytes())
            .unwrap();
        self.input.write_all(b"\0").unwrap();
        loop {
            let answer = self.next();
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn next(&mut self) -> Value {
        let mut answer = Vec::new();
        self.output.read_until(0, &mut answer).unwrap();
        assert_eq!(answer.pop(), Some(0), "the browser ended");
        serde_json::from_slice(&answer).unwrap()
    }

    fn open(&mut self, page: &Path) {
        self.ask("Page.enable", json!({}));
        self.ask("Network.enable", json!({}));
        let url = format!("file://{}", page.display());
        self.ask("Page.navigate", json!({"url": url}));
        while !self
            .events
            .iter()
            .any(|e| e["method"] == "Page.loadEventFired")
        {
            let event = self.next();
            self.events.push(event);
        }
    }

    /// What the page's own objects say.
    fn see(&mut self, expression: &str) -> Value {
        let seen = self.ask("Runtime.evaluate", json!({"expression": expression}));
        seen["result"]["value"].clone()
    }

    fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let mut event =
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            if key == "Enter" && kind == "keyDown" {
                event["text"] = json!("\r");
            }
            self.ask("Input.dispatchKeyEvent", event);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_page_asks_for_nothing_and_every_story_opens_with_the_keyboard_alone() {
    let made = twenty();
    let page = report(&made, &[]);
    let Some(mut browser) = Browser::start(made.dir.path()) else {
        return;
    };
    browser.open(&page);
    let asked: Vec<&Value> = browser
        .events
        .iter()
        .filter(|e| e["method"] == "Network.requestWillBeSent")
        .map(|e| &e["params"]["request"]["url"])
        .collect();
    assert_eq!(
        asked.len(),
        1,
        "the page itself and nothing else: {asked:?}"
    );
    let stories = browser.see("document.querySelectorAll('details').length");
    let stops = browser.see("document.querySelectorAll('a[href], summary').length");
    assert!(stories.as_u64() > Some(20));
    let where_we_are = "document.activeElement.tagName";
    let mut opened = 0;
    for _ in 0..stops.as_u64().unwrap() {
        browser.press("Tab", 9);
        if browser.see(where_we_are) == "SUMMARY" {
            browser.press("Enter", 13);
            opened += 1;
        } else {
            assert_eq!(browser.see(where_we_are), "A");
        }
    }
    assert_eq!(stories, opened, "each story is a stop");
    let all = browser.see("document.querySelectorAll('details[open] pre').length");
    assert_eq!(all, stories);
    let text = browser.see("document.querySelector('#mismatch').parentElement.innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains("NOT a resolved target"), "{text}");
    // The focus is seen, headings are in order, every table says what its columns are.
    let outline = browser.see("getComputedStyle(document.activeElement).outlineStyle");
    assert_ne!(outline, "none");
    let headings = browser.see(
        "document.querySelectorAll('h1').length + '/' + document.querySelectorAll('h2').length",
    );
    assert_eq!(headings, "1/8");
    assert_eq!(browser.see("document.documentElement.lang"), "en");
}

#[test]
fn a_printed_page_tells_the_stories_that_are_closed_on_the_screen() {
    let made = twenty();
    let page = report(&made, &[]);
    let Some(_) = support::needs("pdftotext") else {
        return;
    };
    let Some(browser) = browser(made.dir.path()) else {
        return;
    };
    let paper = made.dir.path().join("report.pdf");
    let line = format!(
        "{browser} --print-to-pdf={} file://{}",
        paper.display(),
        page.display()
    );
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(paper.is_file(), "{output:?}");
    let text = Command::new("pdftotext")
        .arg("-layout")
        .arg(&paper)
        .arg("-")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for expected in [
        "What tagout ran and refused",
        "NOT a resolved target",
        "job-20",
        "destroys-production",
    ] {
        assert!(text.contains(expected), "{expected}:\n{text}");
    }
    let whole = text.matches("/srv/app-").count();
    assert!(whole >= 20, "{whole} stories on paper:\n{text}");
}

#[test]
fn a_database_that_is_not_there_is_said() {
    let made = Made::new();
    let port = crate::servers::free_port();
    let place = format!("host=127.0.0.1 port={port} user=nobody password=s3cret-word dbname=x");
    let output = Command::new(support::tagout())
        .args(["report", "--html", "x.html", "--postgres", &place])
        .current_dir(made.dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("psql") && !said.contains("s3cret"), "{said}");
    assert!(!made.dir.path().join("x.html").exists());
}

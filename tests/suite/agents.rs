//! Coding agents: their questions as they ask them, answered as they read it.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Ran, Scene, needs, ran, tagout};

const AGENTS: [&str; 5] = ["claude", "codex", "gemini", "copilot", "cursor"];
const WIPE: &str = "psql -h db1 -d shop_production -c 'DROP TABLE orders'";

/// A question as the agent asks it.
fn question(agent: &str, line: &str) -> Value {
    let input = json!({"command": line, "description": "d"});
    match agent {
        "gemini" => {
            json!({"session_id": "s", "transcript_path": "/t", "cwd": "/", "hook_event_name": "BeforeTool",
            "timestamp": "2026-11-22T06:00:00Z", "tool_name": "run_shell_command", "tool_input": input})
        }
        "copilot" => {
            json!({"sessionId": "s", "timestamp": 1, "cwd": "/", "toolName": "bash", "toolArgs": input})
        }
        "cursor" => {
            json!({"hook_event_name": "preToolUse", "conversation_id": "c", "generation_id": "g",
            "workspace_roots": ["/"], "cwd": "/", "tool_name": "Shell", "tool_input": input})
        }
        _ => {
            json!({"session_id": "s", "transcript_path": null, "cwd": "/", "permission_mode": "default",
            "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": input, "tool_use_id": "t"})
        }
    }
}

fn fed(command: &mut Command, input: &[u8]) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A hook that answers before it has read everything is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input);
    let out = child.wait_with_output().unwrap();
    Ran {
        code: out.status.code(),
        signal: None,
        out: String::from_utf8_lossy(&out.stdout).into_owned(),
        err: String::from_utf8_lossy(&out.stderr).into_owned(),
    }
}

fn asked(scene: &Scene, agent: &str, input: &Value) -> Ran {
    told(scene, agent, input.to_string().as_bytes())
}

fn told(scene: &Scene, agent: &str, input: &[u8]) -> Ran {
    fed(&mut scene.tagout(&["hook", "--agent", agent]), input)
}

/// The reason of a refusal in the agent's own form; nothing else may stand in the answer.
fn refusal(agent: &str, ran: &Ran) -> Option<String> {
    if ran.code != Some(0) {
        return None;
    }
    let answer: Value = serde_json::from_str(&ran.out).ok()?;
    let inner = &answer["hookSpecificOutput"]["permissionDecisionReason"];
    let reason = match agent {
        "claude" | "codex" => inner,
        "gemini" => &answer["reason"],
        "copilot" => &answer["permissionDecisionReason"],
        _ => &answer["agent_message"],
    };
    let reason = reason.as_str()?.to_owned();
    let whole = match agent {
        "claude" | "codex" => json!({"hookSpecificOutput": {"hookEventName": "PreToolUse",
            "permissionDecision": "deny", "permissionDecisionReason": reason}}),
        "gemini" => json!({"decision": "deny", "reason": reason}),
        "copilot" => json!({"permissionDecision": "deny", "permissionDecisionReason": reason}),
        _ => json!({"permission": "deny", "user_message": reason, "agent_message": reason}),
    };
    (answer == whole && !reason.trim().is_empty()).then_some(reason)
}

/// The command that the agent would run instead; the rest of the answer is as it must be.
fn rewritten(agent: &str, ran: &Ran) -> String {
    assert_eq!(ran.code, Some(0), "{agent}: {ran:?}");
    let answer: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
    let input = match agent {
        "claude" | "codex" => &answer["hookSpecificOutput"]["updatedInput"],
        "gemini" => &answer["hookSpecificOutput"]["tool_input"],
        "copilot" => &answer["modifiedArgs"],
        _ => &answer["updated_input"],
    };
    let command = input["command"].as_str();
    let command = command
        .unwrap_or_else(|| panic!("{agent}: {ran:?}"))
        .to_owned();
    let whole = json!({"command": command, "description": "d"});
    let expected = match agent {
        "claude" => {
            json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "ask",
            "permissionDecisionReason": "judged, fenced and recorded by tagout", "updatedInput": whole}})
        }
        "codex" => json!({"hookSpecificOutput": {"hookEventName": "PreToolUse",
            "permissionDecision": "allow", "updatedInput": whole}}),
        "gemini" => json!({"hookSpecificOutput": {"hookEventName": "BeforeTool",
            "tool_input": {"command": command}}}),
        "copilot" => json!({"modifiedArgs": whole}),
        _ => json!({"permission": "allow", "updated_input": whole}),
    };
    assert_eq!(answer, expected, "{agent}");
    command
}

#[test]
fn what_would_destroy_production_is_refused_in_every_protocol_and_recorded() {
    let scene = Scene::new();
    for (n, agent) in AGENTS.iter().enumerate() {
        let ran = asked(&scene, agent, &question(agent, WIPE));
        let reason = refusal(agent, &ran).unwrap_or_else(|| panic!("{agent}: {ran:?}"));
        assert!(reason.contains("shop_production"), "{reason}");
        let records: Vec<String> = scene.records().iter().map(Value::to_string).collect();
        let refusals = records.iter().filter(|r| r.contains("destroys-production"));
        assert_eq!(refusals.count(), n + 1, "{agent}: {records:?}");
        assert!(
            records.last().unwrap().contains("DROP TABLE orders"),
            "{records:?}"
        );
    }
    let shell = json!({"hook_event_name": "beforeShellExecution", "command": WIPE, "cwd": "/"});
    let ran = asked(&scene, "cursor", &shell);
    assert!(refusal("cursor", &ran).is_some(), "{ran:?}");
}

#[test]
fn what_is_allowed_runs_behind_tagout_and_means_the_same() {
    let Some(bash) = needs("bash") else { return };
    let scene = Scene::new();
    let lines = [
        "printf '%s|' a 'b c' \"d'e\" | cat",
        "sh -c 'echo $0 \"$1\"' x 'y  z'",
        "A=\"1 2\" sh -c 'echo $A' && echo 'it'\\''s' | tr a-z A-Z",
        "for i in 1 2; do sh -c \"echo $i\"; done; sh -c 'exit 3'",
        "cat <<'END'\n$HOME `x` \"q\" 'r'\nEND",
        "cd sub && ls | cat",
    ];
    scene.file("sub/inside", "");
    for agent in AGENTS {
        for line in lines {
            let mut input = question(agent, line);
            input["cwd"] = json!(scene.dir.path());
            let command = rewritten(agent, &asked(&scene, agent, &input));
            let wrapped = format!("{} run --profile agent -- ", tagout());
            assert!(command.contains(&wrapped), "{command}");
            let plain = ran(scene.command(&bash).args(["-c", line]));
            let held = ran(scene.command(&bash).args(["-c", &command]));
            let same = (plain.code, &plain.out) == (held.code, &held.out);
            assert!(same, "{command}: {plain:?} {held:?}");
        }
    }
}

#[test]
fn nothing_that_goes_wrong_lets_a_command_run() {
    let scene = Scene::new();
    let huge = json!({"tool_name": "Bash", "tool_input": {"command": "x".repeat(5 << 20)}});
    let broken: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{\"tool_name\":\"Ba".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe".to_vec(),
        huge.to_string().into_bytes(),
        "[".repeat(1 << 20).into_bytes(),
        br#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#.to_vec(),
        br#"{"tool_name":"Bash","tool_input":{"command":["psql",7]}}"#.to_vec(),
        br#"{"tool_name":"run_shell_command","tool_input":null}"#.to_vec(),
    ];
    scene.file("broken/config.toml", "not toml [");
    let broken_config = scene.path("broken").display().to_string();
    for agent in AGENTS {
        for input in &broken {
            let ran = told(&scene, agent, input);
            let shown = String::from_utf8_lossy(&input[..input.len().min(80)]).into_owned();
            assert!(refusal(agent, &ran).is_some(), "{agent}: {shown}: {ran:?}");
        }
        let unknown = json!({"hook_event_name": "EventOfTomorrow", "tool_name": "ShellOfTomorrow",
            "tool_input": {"command": WIPE}});
        let ran = asked(&scene, agent, &unknown);
        assert!(refusal(agent, &ran).is_some(), "{agent}: {ran:?}");
        for wrong in [vec!["--no-such-option"], vec!["--config", &broken_config]] {
            let mut command = scene.tagout(&["hook", "--agent", agent]);
            let input = question(agent, "ls").to_string();
            let ran = fed(command.args(&wrong), input.as_bytes());
            assert!(refusal(agent, &ran).is_some(), "{agent}: {wrong:?} {ran:?}");
        }
    }
}

#[test]
fn a_missing_companion_or_journal_or_directory_refuses_too() {
    let scene = Scene::new();
    scene.copy(tagout().as_ref(), "tagout");
    for agent in AGENTS {
        let input = question(agent, WIPE).to_string();
        let mut alone = scene.command(scene.path("tagout"));
        let ran = fed(alone.args(["hook", "--agent", agent]), input.as_bytes());
        assert!(refusal(agent, &ran).is_some(), "{agent}: {ran:?}");
        let line = format!(
            "mkdir gone && cd gone && rmdir ../gone && {} hook --agent {agent}",
            tagout()
        );
        let mut nowhere = scene.command("bash");
        let ran = fed(nowhere.args(["-c", &line]), input.as_bytes());
        assert!(refusal(agent, &ran).is_some(), "{agent}: {ran:?}");
        let mut unwritable = scene.tagout(&["hook", "--agent", agent]);
        unwritable.env("XDG_STATE_HOME", "/proc/nowhere");
        let ran = fed(&mut unwritable, input.as_bytes());
        let reason = refusal(agent, &ran).unwrap_or_else(|| panic!("{agent}: {ran:?}"));
        assert!(reason.contains("not recorded"), "{reason}");
    }
}

#[test]
fn tools_that_run_nothing_are_left_alone() {
    let scene = Scene::new();
    let silent = [
        ("claude", "PreToolUse", ""),
        ("codex", "PreToolUse", ""),
        ("gemini", "BeforeTool", "{}\n"),
        ("copilot", "PreToolUse", "{}\n"),
        ("cursor", "preToolUse", "{\"permission\":\"allow\"}\n"),
    ];
    for (agent, event, expected) in silent {
        let read = json!({"hook_event_name": event, "tool_name": "Read",
            "tool_input": {"file_path": "/x"}, "cwd": "/"});
        let ran = asked(&scene, agent, &read);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(0), expected),
            "{agent}: {ran:?}"
        );
    }
    let after = json!({"hook_event_name": "PostToolUse", "tool_name": "Bash",
        "tool_input": {"command": WIPE}});
    assert_eq!(asked(&scene, "claude", &after).out, "");
    let folder = question("claude", "cd src");
    assert_eq!(asked(&scene, "claude", &folder).out, "");
}

#[test]
fn an_agent_cannot_choose_its_own_rules() {
    let scene = Scene::new();
    let lines = [
        "tagout run -p console -- psql -d shop_production",
        "tagout run --profile agent --keep DATABASE_URL -- psql -c 'drop table x'",
        "tagout run --profile agent -- psql -d shop_production -c 'drop table x'",
        "env tagout mark disposable --host db1",
        "sh -c 'tagout trust'",
        "tagout-companion init --yes",
        "echo x >> ~/.config/tagout/config.toml",
        "ls && tagout run -- true",
    ];
    for line in lines {
        let ran = asked(&scene, "claude", &question("claude", line));
        assert!(refusal("claude", &ran).is_some(), "{line}: {ran:?}");
    }
    let write = json!({"hook_event_name": "PreToolUse", "tool_name": "Write", "cwd": "/",
        "tool_input": {"file_path": "/home/app/.config/tagout/config.toml", "content": "x"}});
    assert!(refusal("claude", &asked(&scene, "claude", &write)).is_some());
    let wrapped = format!("{} run --profile agent -- ls", tagout());
    let ran = asked(&scene, "claude", &question("claude", &wrapped));
    assert_eq!(
        ran.out, "",
        "what is behind tagout is not put there twice: {ran:?}"
    );
}

#[test]
fn where_nobody_is_asked_the_rewriting_is_not_lost_and_approval_is_a_choice() {
    let scene = Scene::new();
    let mut input = question("claude", "ls");
    input["permission_mode"] = json!("bypassPermissions");
    let answer: Value = serde_json::from_str(&asked(&scene, "claude", &input).out).unwrap();
    let output = &answer["hookSpecificOutput"];
    assert!(output["updatedInput"].is_object(), "{answer}");
    assert!(output.get("permissionDecision").is_none(), "{answer}");
    let mut command = scene.tagout(&["hook", "--agent", "claude", "--approve"]);
    let ran = fed(
        &mut command,
        question("claude", "ls").to_string().as_bytes(),
    );
    assert!(
        ran.out.contains(r#""permissionDecision":"allow""#),
        "{ran:?}"
    );
    let mut command = scene.tagout(&["hook", "--agent", "codex", "--no-rewrite"]);
    let line = "psql -h localhost -d a_test -c 'drop table x'";
    let ran = fed(&mut command, question("codex", line).to_string().as_bytes());
    let reason = refusal("codex", &ran).unwrap_or_else(|| panic!("{ran:?}"));
    assert!(
        reason.contains("run --profile agent -- psql -h localhost"),
        "{reason}"
    );
}

/// Whatever stands around it, a command that destroys production never gets a permission.
#[test]
fn a_destroying_command_is_refused_whatever_stands_around_it() {
    let scene = Scene::new();
    let noise = "[-a-z0-9 '\"$;&|(){}\\\\\\n]{0,12}";
    let strategy = (0usize..5, noise, "[a-z_]{1,12}", any::<bool>());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let found = runner.run(&strategy, |(agent, noise, key, extra)| {
        let agent = AGENTS[agent];
        let mut input = question(agent, &format!("{WIPE}\n{noise}"));
        if extra && input.get(&key).is_none() {
            input[&key] = json!([noise, {"command": "ls"}]);
        }
        let ran = asked(&scene, agent, &input);
        prop_assert!(refusal(agent, &ran).is_some(), "{} {:?}", input, ran);
        Ok(())
    });
    found.unwrap();
}

#[test]
fn the_doctor_believes_only_a_refusal_that_it_sees() {
    let scene = Scene::new();
    let settings = [
        ("claude", ".claude/settings.json"),
        ("codex", ".codex/hooks.json"),
        ("gemini", ".gemini/settings.json"),
        ("copilot", ".copilot/hooks/tagout.json"),
        ("cursor", ".cursor/hooks.json"),
    ];
    let refused = "a command that destroys production is refused";
    for (agent, file) in settings {
        let doctor = || ran(&mut scene.tagout(&["doctor", "--agent", agent]));
        let none = doctor();
        assert_eq!(none.code, Some(1), "{agent}: {none:?}");
        assert!(none.out.contains("--install"), "{none:?}");
        let printed = ran(&mut scene.tagout(&["hook", "--agent", agent, "--install"]));
        assert!(printed.err.contains(file), "{printed:?}");
        scene.file(file, &printed.out);
        let good = doctor();
        assert_eq!(good.code, Some(0), "{agent}: {good:?}");
        assert!(good.out.contains(refused), "{good:?}");
        let deaf = printed
            .out
            .replace(tagout(), "/nowhere/tagout")
            .replace(" || ", " || true || ");
        scene.file(file, &deaf);
        let bad = doctor();
        assert_eq!(bad.code, Some(1), "{agent}: {bad:?}");
        assert!(bad.out.contains("would run"), "{bad:?}");
        scene.file(file, &printed.out.replace(tagout(), "/nowhere/tagout"));
        let gone = doctor();
        assert!(
            gone.out.contains(refused),
            "the settings refuse by themselves: {gone:?}"
        );
        std::fs::remove_file(scene.path(file)).unwrap();
    }
}

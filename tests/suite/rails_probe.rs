//! `--probe` on a real Rails application: Active Record's own configurations against the static
//! reading, and nothing connected.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::{Scene, needs, ran, skip};

const DROP: [&str; 2] = ["bin/rails", "db:drop"];

struct Project {
    scene: Scene,
    server: TcpListener,
}

impl Project {
    fn new() -> Option<Project> {
        needs("ruby")?;
        let mut rails = Command::new("ruby");
        rails.args(["-e", "require 'rails'; require 'active_record'"]);
        let installed = rails.output().is_ok_and(|out| out.status.success());
        if !installed {
            skip("ruby-railties and ruby-activerecord");
            return None;
        }
        let scene = Scene::new();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        server.set_nonblocking(true).unwrap();
        let port = server.local_addr().unwrap().port();
        scene
            .file("config/boot.rb", "require 'pathname'\n")
            .file("config/environment.rb", "require_relative 'application'\nRails.application.initialize!\n")
            .file("config/application.rb", "require_relative 'boot'\nrequire 'logger'\nrequire 'rails'\nrequire 'active_model/railtie'\nrequire 'active_record/railtie'\nmodule App\n  class Application < Rails::Application\n    config.eager_load = false\n    config.logger = Logger.new(nil)\n  end\nend\n")
            .file("Rakefile", "require_relative 'config/application'\nRails.application.load_tasks\n")
            .file("Gemfile.lock", "GEM\n  specs:\n    activerecord (6.1.7.10)\n    rails (6.1.7.10)\n")
            .file("bin/rails", "#!/usr/bin/env ruby\nAPP_PATH = File.expand_path('../config/application', __dir__)\nrequire_relative '../config/boot'\nrequire 'rails/commands'\n")
            .file("config/database.yml", &format!("default: &default\n  adapter: postgresql\n  host: 127.0.0.1\n  port: {port}\n  password: hush\ndevelopment:\n  <<: *default\n  database: shop_development\ntest:\n  <<: *default\n  database: shop_test\n"));
        Some(Project { scene, server })
    }

    fn explain(&self, probe: bool) -> Value {
        let mut words = vec!["--"];
        if probe {
            words.insert(0, "--probe");
        }
        words.extend(DROP);
        self.scene.explain(&words)
    }

    fn nobody_came(&self) {
        let came = self.server.accept().map(|(_, who)| who);
        assert_eq!(came.map_err(|e| e.kind()), Err(ErrorKind::WouldBlock));
    }
}

#[test]
fn rails_agrees() {
    let Some(project) = Project::new() else {
        return;
    };
    let (read, probed) = (project.explain(false), project.explain(true));
    assert_eq!(read["targets"].as_array().map(Vec::len), Some(2), "{read}");
    assert_eq!(read["targets"], probed["targets"], "{probed}");
    let said = probed.to_string();
    assert!(
        said.contains("the project's Rails gives the same answer"),
        "{said}"
    );
    assert!(!said.contains("hush"), "{said}");
    project.nobody_came();
}

#[test]
fn code_that_reading_does_not_follow_is_found_out() {
    let Some(project) = Project::new() else {
        return;
    };
    project.scene.file("lib/tenancy.rb", "key = %w[DATABASE URL].join('_')\nENV.send(:store, key, 'postgres://elsewhere.internal/shop_two')\n");
    project.scene.file(
        "config/boot.rb",
        "require 'pathname'\nKernel.send(:load, File.expand_path('../lib/tenancy.rb', __dir__))\n",
    );
    let probed = project.explain(true);
    let unresolved = probed["unresolved"].to_string();
    let named = probed["targets"].to_string() + &unresolved;
    assert!(
        named.contains("elsewhere.internal") && named.contains("shop_two"),
        "{probed}"
    );
    let refused = ran(project.scene.tagout(&["run", "--probe", "--"]).args(DROP));
    assert_eq!(refused.code, Some(77), "{refused:?}");
    project.nobody_came();
}

#[test]
fn rails_answers_what_reading_leaves_open() {
    let Some(project) = Project::new() else {
        return;
    };
    project.scene.file("config/database.yml", "development:\n  adapter: postgresql\n  host: 127.0.0.1\n  database: <%= Array.new(3) { |i| ('a'.ord + i).chr }.rotate.join %>\n");
    let read = project.explain(false);
    assert_ne!(read["unresolved"], serde_json::json!([]), "{read}");
    let probed = project.explain(true);
    assert_eq!(probed["unresolved"], serde_json::json!([]), "{probed}");
    assert_eq!(probed["targets"][0]["database"], "bca", "{probed}");
    project.nobody_came();
}

#[test]
fn a_boot_that_connects_is_held() {
    let Some(project) = Project::new() else {
        return;
    };
    let port = project.server.local_addr().unwrap().port();
    let text = format!("require 'socket'\nTCPSocket.new('127.0.0.1', {port})\n");
    project.scene.file("config/initializers/eager.rb", &text);
    let said = project.explain(true).to_string();
    assert!(
        said.contains("not probed: it failed, and wanted to connect"),
        "{said}"
    );
    project.nobody_came();
}

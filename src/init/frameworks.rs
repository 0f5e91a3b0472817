//! What `tagout init` knows of frameworks, as data: how one is recognised, and how to ask it for its
//! databases in production and in tests.

/// A framework or tool with a configuration of databases.
#[derive(Debug, Clone, Copy)]
pub struct Framework {
    /// Its name.
    pub name: &'static str,
    /// Files of which one says that it is here.
    pub markers: &'static [&'static str],
    /// The built-in profile for it.
    pub profile: &'static str,
    /// The variable that names its environment; empty where it has none.
    pub variable: &'static str,
    /// Values of that variable: for production, for tests.
    pub environments: (&'static [&'static str], &'static [&'static str]),
    /// Commands that connect to whatever the application does; the first migrates.
    pub commands: &'static [&'static [&'static str]],
    /// The reader of its `.env` files.
    pub dialect: &'static str,
}

/// Those that are looked for.
pub const FRAMEWORKS: &[Framework] = &[
    Framework {
        name: "Laravel",
        markers: &["artisan"],
        profile: "laravel",
        variable: "APP_ENV",
        environments: (&["production"], &["testing"]),
        commands: &[
            &["php", "artisan", "migrate"],
            &["php", "artisan", "queue:work"],
        ],
        dialect: "phpdotenv-5.6",
    },
    Framework {
        name: "Rails",
        markers: &["config/application.rb", "bin/rails"],
        profile: "rails",
        variable: "RAILS_ENV",
        environments: (&["production"], &["test"]),
        commands: &[&["bin/rails", "db:migrate"]],
        dialect: "ruby-dotenv-3.1.8",
    },
    Framework {
        name: "Django",
        markers: &["manage.py"],
        profile: "django",
        variable: "DJANGO_SETTINGS_MODULE",
        environments: (&[], &[]),
        commands: &[&["python3", "manage.py", "migrate"]],
        dialect: "python-dotenv-1.2.4",
    },
    Framework {
        name: "Doctrine",
        markers: &["config/packages/doctrine.yaml"],
        profile: "laravel",
        variable: "APP_ENV",
        environments: (&["prod"], &["test"]),
        commands: &[&["php", "bin/console", "doctrine:migrations:migrate"]],
        dialect: "phpdotenv-5.6",
    },
    Framework {
        name: "Prisma",
        markers: &["prisma/schema.prisma", "schema.prisma"],
        profile: "node",
        variable: "NODE_ENV",
        environments: (&["production"], &["test"]),
        commands: &[&["npx", "prisma", "migrate", "deploy"]],
        dialect: "node-dotenv-16.6.1",
    },
    Framework {
        name: "Knex",
        markers: &["knexfile.js", "knexfile.ts", "knexfile.cjs", "knexfile.mjs"],
        profile: "node",
        variable: "NODE_ENV",
        environments: (&["production"], &["test"]),
        commands: &[&["npx", "knex", "migrate:latest"]],
        dialect: "node-dotenv-16.6.1",
    },
    Framework {
        name: "Sequelize",
        markers: &[".sequelizerc", "config/config.json", "config/config.js"],
        profile: "node",
        variable: "NODE_ENV",
        environments: (&["production"], &["test"]),
        commands: &[&["npx", "sequelize-cli", "db:migrate"]],
        dialect: "node-dotenv-16.6.1",
    },
    Framework {
        name: "Drizzle",
        markers: &["drizzle.config.ts", "drizzle.config.js"],
        profile: "node",
        variable: "NODE_ENV",
        environments: (&["production"], &["test"]),
        commands: &[&["npx", "drizzle-kit", "push"]],
        dialect: "node-dotenv-16.6.1",
    },
    Framework {
        name: "Alembic",
        markers: &["alembic.ini"],
        profile: "django",
        variable: "",
        environments: (&[], &[]),
        commands: &[&["alembic", "upgrade", "head"]],
        dialect: "python-dotenv-1.2.4",
    },
];

/// What the words of an environment mean.
pub const PRODUCTION_WORDS: &[&str] = &["production", "prod", "live"];
/// What the words of an environment mean.
pub const TEST_WORDS: &[&str] = &["test", "testing", "tests", "ci"];

/// How a language starts programs, by the endings of its files.
pub const SPAWNS: &[(&[&str], &[&str])] = &[
    (
        &["php"],
        &[
            "new Process(",
            "Process::run(",
            "Process::start(",
            "Process::fromShellCommandline(",
            "proc_open(",
            "shell_exec(",
            "passthru(",
        ],
    ),
    (
        &["rb", "rake"],
        &["Open3.", "Process.spawn(", "Kernel.system(", "IO.popen("],
    ),
    (
        &["py"],
        &[
            "subprocess.run(",
            "subprocess.Popen(",
            "subprocess.check_",
            "os.system(",
        ],
    ),
    (
        &["js", "ts", "mjs", "cjs"],
        &[
            "execSync(",
            "spawnSync(",
            "execFile(",
            "child_process.",
            "execa(",
        ],
    ),
];

/// CI definitions: files and folders.
pub const CI: &[&str] = &[
    ".github/workflows",
    ".gitlab-ci.yml",
    "Jenkinsfile",
    ".circleci/config.yml",
    "bitbucket-pipelines.yml",
    "azure-pipelines.yml",
    ".buildkite/pipeline.yml",
];

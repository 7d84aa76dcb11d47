//! The directions of the house: which module may name which.

use std::fs;
use std::path::{Path, PathBuf};

/// For each module, the modules of the crate that it may name.
const MAY_NAME: [(&str, &[&str]); 19] = [
    ("clock", &[]),
    ("id", &[]),
    ("secret", &[]),
    ("domain_name", &[]),
    ("authz", &["authz"]),
    // The log's form is a setting.
    ("telemetry", &["config"]),
    // Settings are checked where they are read: by what they configure.
    ("config", &["authn", "authz", "mail", "secret", "store"]),
    // The keys of our own tokens are kept sealed.
    ("authn", &["authn", "authz", "clock", "domain_name", "id", "secret", "store"]),
    ("store", &["authz", "clock", "id", "store"]),
    ("connector", &["clock", "connector", "secret", "store"]),
    // A letter tells what a notification holds.
    ("mail", &["domain", "mail", "secret"]),
    ("domain", &["authz", "connector", "domain", "domain_name", "id", "secret", "store"]),
    // A code that is mailed is opened on its way.
    ("worker", &["authz", "connector", "domain", "id", "mail", "secret", "store", "worker"]),
    // A secret in an input is wrapped before anything else sees it.
    ("graphql", &["authz", "domain", "domain_name", "graphql", "id", "secret", "store"]),
    // `app` holds the parts that a handler is given.
    // Introspection is a rule of the domain, asked without a schema between.
    ("http", &["app", "authn", "authz", "config", "domain", "graphql", "http", "id", "store"]),
    (
        "app",
        &["authn", "clock", "config", "connector", "domain", "graphql", "http", "mail", "store", "worker"],
    ),
    ("demo", &["app", "authn", "authz", "demo", "domain", "http", "store"]),
    (
        "cli",
        &[
            "app",
            "authn",
            "authz",
            "cli",
            "clock",
            "config",
            "connector",
            "demo",
            "domain",
            "graphql",
            "http",
            "id",
            "mail",
            "secret",
            "store",
            "telemetry",
            "worker",
        ],
    ),
    ("main", &[]),
];

/// Libraries that only some modules may name, in any form.
const LIBRARIES: [(&str, &[&str]); 9] = [
    ("sea_orm", &["store"]),
    ("sqlx", &["store"]),
    ("migration", &["store"]),
    ("axum", &["http", "cli"]),
    ("async_graphql", &["graphql", "http"]),
    ("chrono_tz", &["domain"]),
    ("lettre", &["mail"]),
    ("minijinja", &["mail"]),
    ("reqwest", &["authn", "connector"]),
];

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The source files of a folder, each with its text without comments.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    files(&root, &mut found);
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        (path.strip_prefix(&root).unwrap().to_path_buf(), code.collect::<Vec<_>>().join("\n"))
    };
    found.into_iter().map(read).collect()
}

fn module(path: &Path) -> String {
    path.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The names that follow `prefix` in a text; those in `{…}` too.
fn named(text: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let list = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap_or_default());
        let many = rest.starts_with('{');
        for part in list.split(',') {
            let name: String =
                part.trim().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            names.push(name);
            if !many {
                break;
            }
        }
    }
    names
}

#[test]
fn modules_name_only_what_they_may() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let module = module(&path);
        if module == "lib" {
            continue;
        }
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module) else {
            faults.push(format!("{} belongs to no module that is known here", path.display()));
            continue;
        };
        for name in named(&text, "crate::") {
            if name != module && !allowed.contains(&name.as_str()) {
                faults.push(format!("{}: {module} names {name}", path.display()));
            }
        }
    }
    faults.dedup();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn libraries_are_named_only_where_they_belong() {
    let mut faults = Vec::new();
    for (path, text) in sources("src") {
        let module = module(&path);
        for (library, modules) in LIBRARIES {
            let is_named = text.match_indices(&format!("{library}::")).any(|(at, _)| {
                !text[..at]
                    .ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
            });
            // The key set's tests start a small server to answer them.
            let is_test = path.components().any(|part| {
                ["tests", "testing.rs", "tests.rs"].contains(&part.as_os_str().to_str().unwrap())
            });
            if is_named && !modules.contains(&module.as_str()) && !is_test {
                faults.push(format!("{}: names {library}", path.display()));
            }
        }
    }
    for (path, text) in sources("entity/src") {
        if text.contains("async_graphql") {
            faults.push(format!("entity/{}: names async_graphql", path.display()));
        }
    }
    for (path, text) in sources("migration/src") {
        if text.contains("entity::") {
            faults.push(format!("migration/{}: names entity", path.display()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_file_is_named_for_nothing() {
    let nothing =
        ["utils", "util", "helpers", "helper", "common", "types", "service", "services", "manager", "misc"];
    for (path, _) in sources("src") {
        for part in path.components() {
            let name = part.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
            assert!(!nothing.contains(&name.as_str()), "{}", path.display());
        }
    }
}

//! Databases for tests: made once with the demo's story, then copied for each test.
//!
//! PostgreSQL is a temporary cluster of the installed binaries, or the server that
//! `GUICHET_TEST_POSTGRES_URL` names. It is stopped when the test process ends, however
//! it ends: a shell waits for the end of a pipe that this process holds.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{env, fs};

use chrono::{DateTime, Utc};
use guichet::clock::Clock;
use guichet::demo::{self, Seeded};
use guichet::store::{self, Database, DatabaseSettings};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::sync::{Mutex, OnceCell};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// When the demo's story was written.
pub fn begin() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// The address of a fresh copy of the story; none where the database is missing and may be.
pub async fn fresh(kind: Kind) -> Option<DatabaseSettings> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let url = match kind {
        Kind::Sqlite => {
            let template = sqlite_template().await;
            let copy = template.with_file_name(format!("test-{number}.sqlite"));
            fs::copy(template, &copy).unwrap();
            format!("sqlite://{}", copy.display())
        }
        Kind::Postgres => postgres_copy(number).await?,
    };
    Some(settings(url))
}

fn settings(url: String) -> DatabaseSettings {
    DatabaseSettings { url, connections: 4, statement_timeout: Duration::from_secs(20) }
}

/// A directory that goes away with the machine's temporary files; one for the run.
fn directory() -> &'static Path {
    static DIRECTORY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let path = env::temp_dir().join(format!("guichet-tests-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        // Removed when this process ends, however it ends.
        let script = format!("cat >/dev/null; rm -rf '{}'", path.display());
        std::mem::forget(watchdog(&script));
        path
    })
}

/// A shell that runs the script up to its first read, and the rest when this process has ended.
fn watchdog(script: &str) -> Child {
    Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn seed(url: String) {
    let database = Database::connect(&settings(url), Clock::manual(begin())).await.unwrap();
    store::installation::migrate(&database).await.unwrap();
    assert_eq!(demo::seed_bare(&database).await.unwrap(), Seeded::Done);
    database.close().await;
}

async fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceCell<PathBuf> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let path = directory().join("template.sqlite");
            seed(format!("sqlite://{}", path.display())).await;
            path
        })
        .await
}

async fn postgres_copy(number: u32) -> Option<String> {
    static SERVER: OnceCell<Option<String>> = OnceCell::const_new();
    static COPYING: Mutex<()> = Mutex::const_new(());
    let server = SERVER
        .get_or_init(|| async {
            let server = postgres_server()?;
            drop_leftovers(&server).await;
            let name = format!("guichet_template_{}", std::process::id());
            execute(&server, &format!("CREATE DATABASE {name}")).await;
            seed(format!("{server}/{name}")).await;
            Some(server)
        })
        .await;
    let Some(server) = server else {
        assert!(
            !env::var("GUICHET_TEST_REQUIRE").unwrap_or_default().contains("postgres"),
            "PostgreSQL is required, but initdb was not found and GUICHET_TEST_POSTGRES_URL is not set"
        );
        eprintln!(
            "skipped: PostgreSQL is not installed (initdb not found) and GUICHET_TEST_POSTGRES_URL is not set"
        );
        return None;
    };
    let process = std::process::id();
    let name = format!("guichet_test_{process}_{number}");
    let _one_at_a_time = COPYING.lock().await;
    execute(server, &format!("CREATE DATABASE {name} TEMPLATE guichet_template_{process}")).await;
    Some(format!("{server}/{name}"))
}

async fn execute(server: &str, sql: &str) {
    let connection = sea_orm::Database::connect(format!("{server}/postgres")).await.unwrap();
    connection.execute_unprepared(sql).await.unwrap();
    connection.close().await.unwrap();
}

/// Drops what runs that are over have left on a server that is kept: nobody is connected to it.
async fn drop_leftovers(server: &str) {
    let connection = sea_orm::Database::connect(format!("{server}/postgres")).await.unwrap();
    let idle = "SELECT datname::text FROM pg_database WHERE datname ~ '^guichet_(test|template)_[0-9_]+$'
        AND datname NOT IN (SELECT datname FROM pg_stat_activity WHERE datname IS NOT NULL)";
    let found = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, idle)).await.unwrap();
    for row in found {
        let name: String = row.try_get_by_index(0).unwrap();
        // Of a run that goes on beside this one, it may be in use by now: then it stays.
        let _ = connection.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name}")).await;
    }
    connection.close().await.unwrap();
}

/// The address of a server, without the database.
fn postgres_server() -> Option<String> {
    if let Ok(url) = env::var("GUICHET_TEST_POSTGRES_URL") {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let bin = postgres_bin()?;
    let directory = directory();
    let data = directory.join("postgres");
    fs::create_dir_all(&data).unwrap();
    // PostgreSQL refuses to run as root.
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let as_user = if root { "runuser -u postgres -- " } else { "" };
    if root {
        assert!(Command::new("chown").arg("postgres").arg(&data).status().unwrap().success());
    }
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (bin, data) = (bin.display(), data.display());
    let start = format!(
        "set -e; cd /; {as_user}{bin}/initdb -D {data}/db -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 -N >/dev/null; \
         {as_user}{bin}/pg_ctl -D {data}/db -l {data}/log -w -o \"-p {port} -k '' -c listen_addresses=127.0.0.1 \
         -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300\" start >/dev/null"
    );
    let started = Command::new("sh").args(["-c", &start]).stdin(Stdio::null()).output().unwrap();
    assert!(
        started.status.success(),
        "PostgreSQL did not start: {}",
        String::from_utf8_lossy(&started.stderr)
    );
    let stop = format!(
        "cat >/dev/null; cd /; {as_user}{bin}/pg_ctl -D {data}/db -m immediate stop; rm -rf '{data}'"
    );
    std::mem::forget(watchdog(&stop));
    Some(format!("postgres://postgres@127.0.0.1:{port}"))
}

/// Where initdb is: on the path, or where Debian keeps it.
fn postgres_bin() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let mut candidates: Vec<PathBuf> = env::split_paths(&path).chain(debian).collect();
    candidates.retain(|candidate| candidate.join("initdb").is_file() && candidate.join("pg_ctl").is_file());
    // A link on the path may lack its neighbours; the real place has them.
    candidates.into_iter().next().map(|found| {
        fs::canonicalize(found.join("initdb"))
            .ok()
            .and_then(|real| real.parent().map(Path::to_path_buf))
            .unwrap_or(found)
    })
}

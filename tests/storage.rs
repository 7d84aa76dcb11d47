//! A database that does not keep what is written: full, failing, or cut off in the middle of a commit.

mod cut;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::{env, fs};

use chrono::TimeDelta;
use guichet::clock::Clock;
use guichet::config::Limits;
use guichet::store::database::Connection as _;
use guichet::store::{Database, DatabaseSettings, StoreError, Transaction, Txn};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use self::cut::{Cut, Proxy};
use crate::harness::{Kind, Server, codes, database};

const CREATE: &str = "mutation($name: String!) { createCatalog(input: {displayName: $name}) {
    catalog { id } userErrors { code } } }";

impl Server {
    /// Makes a catalog; tells whether that was acknowledged, or gives the code of the error.
    async fn make_catalog(&self, name: &str) -> Result<(), String> {
        let answer = self.ask_with(&self.token("alice"), CREATE, json!({ "name": name })).await;
        match &answer.json["errors"][0] {
            Value::Null => {
                assert_eq!(codes(&answer.json["data"]["createCatalog"]), [""; 0], "{name}");
                Ok(())
            }
            error => Err(error["extensions"]["code"].as_str().unwrap_or_default().to_owned()),
        }
    }

    /// Asks for a name that is taken: the transaction rolls back.
    async fn is_refused(&self, taken: &str) {
        let payload = self.ask("alice", CREATE, json!({ "name": taken })).await;
        assert_eq!(codes(&payload["createCatalog"]), ["NAME_TAKEN"], "{taken}");
    }

    /// The catalogs that another connection reads from the database.
    async fn catalogs_elsewhere(&self) -> Vec<String> {
        names(&Database::connect(&self.database_settings(), Clock::system()).await.unwrap()).await
    }
}

async fn names(database: &Database) -> Vec<String> {
    let mut sql = database.sql();
    sql.push("SELECT display_name AS name FROM catalog ORDER BY display_name");
    let rows = database.all(sql).await.unwrap();
    rows.iter().map(|row| row.try_get("", "name").unwrap()).collect()
}

/// How a transaction that adds a catalog is made to fail, on each database: how, and how it is taken away.
fn faults(kind: Kind) -> Vec<(&'static str, &'static [&'static str], &'static [&'static str])> {
    match kind {
        Kind::Sqlite => vec![
            (
                "SQLite rolls back by itself in the middle, as it does when the disk is full",
                &["CREATE TRIGGER fault AFTER INSERT ON catalog BEGIN SELECT RAISE(ROLLBACK, 'by itself'); END"],
                &["DROP TRIGGER fault"],
            ),
            (
                "a statement in the middle fails",
                &["CREATE TRIGGER fault AFTER INSERT ON catalog BEGIN SELECT RAISE(ABORT, 'a fault'); END"],
                &["DROP TRIGGER fault"],
            ),
            (
                "the commit fails and the transaction stays open",
                &[
                    "CREATE TABLE fault_of (id integer REFERENCES fault_to (id) DEFERRABLE INITIALLY DEFERRED)",
                    "CREATE TABLE fault_to (id integer PRIMARY KEY)",
                    "CREATE TRIGGER fault AFTER INSERT ON catalog BEGIN INSERT INTO fault_of VALUES (1); END",
                ],
                &["DROP TRIGGER fault", "DROP TABLE fault_of", "DROP TABLE fault_to"],
            ),
        ],
        Kind::Postgres => vec![
            (
                "a statement in the middle fails",
                &[
                    "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a fault''; END'",
                    "CREATE TRIGGER fault AFTER INSERT ON catalog FOR EACH ROW EXECUTE FUNCTION fault()",
                ],
                &["DROP TRIGGER fault ON catalog", "DROP FUNCTION fault()"],
            ),
            (
                "the commit fails",
                &[
                    "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a fault''; END'",
                    "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON catalog DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                        EXECUTE FUNCTION fault()",
                ],
                &["DROP TRIGGER fault ON catalog", "DROP FUNCTION fault()"],
            ),
            (
                "the disk is full at the commit",
                &[
                    "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
                        'BEGIN RAISE EXCEPTION ''full'' USING ERRCODE = ''53100''; END'",
                    "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON catalog DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                        EXECUTE FUNCTION fault()",
                ],
                &["DROP TRIGGER fault ON catalog", "DROP FUNCTION fault()"],
            ),
            (
                "the commit is in the way of another",
                &[
                    "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS
                        'BEGIN RAISE EXCEPTION ''serialize'' USING ERRCODE = ''40001''; END'",
                    "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON catalog DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                        EXECUTE FUNCTION fault()",
                ],
                &["DROP TRIGGER fault ON catalog", "DROP FUNCTION fault()"],
            ),
        ],
    }
}

/// Adds a catalog's row by hand, overlooks that a statement failed, and adds a fact.
struct Overlooks;

impl Transaction for Overlooks {
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<bool, StoreError> {
        let mut sql = txn.sql();
        sql.push("INSERT INTO installation (key, value) VALUES ('first', '1')");
        txn.execute(sql).await?;
        let mut sql = txn.sql();
        sql.push("INSERT INTO catalog SELECT * FROM catalog");
        let _overlooked = txn.execute(sql).await;
        let mut sql = txn.sql();
        sql.push("INSERT INTO installation (key, value) VALUES ('second', '2')");
        Ok(txn.execute(sql).await.is_ok())
    }
}

on_both_databases! {
    async fn d23_after_a_failed_end_of_a_transaction_everything_acknowledged_is_kept(server: Server) {
        for (at, (what, put, take)) in faults(server.kind).into_iter().enumerate() {
            let before = server.contents().await;
            for text in put {
                server.sql(text).await;
            }
            assert!(server.make_catalog(&format!("Lost {at}")).await.is_err(), "{what}");
            for text in take {
                server.sql(text).await;
            }
            assert_eq!(server.contents().await, before, "{what}: nothing of it is kept");
            // A refusal rolls back: inside of a transaction that is open still it would be a savepoint.
            let kept = format!("Kept {at}");
            assert_eq!(server.make_catalog(&kept).await, Ok(()), "{what}");
            server.is_refused(&kept).await;
            let last = format!("Last {at}");
            assert_eq!(server.make_catalog(&last).await, Ok(()), "{what}");
            server.work().await;
            let elsewhere = server.catalogs_elsewhere().await;
            assert!(elsewhere.contains(&kept) && elsewhere.contains(&last), "{what}: {elsewhere:?}");
            assert!(!elsewhere.contains(&format!("Lost {at}")), "{what}");
            assert_eq!(server.ready().await.0, 200, "{what}");
        }
    }

    async fn d23_who_overlooks_that_a_statement_failed_keeps_nothing(server: Server) {
        let fault = match server.kind {
            Kind::Sqlite => "CREATE TRIGGER fault BEFORE INSERT ON catalog BEGIN SELECT RAISE(ROLLBACK, 'by itself'); END",
            // The names are taken.
            Kind::Postgres => "SELECT 1",
        };
        server.sql(fault).await;
        let done = server.app.database.write(&Overlooks).await;
        assert!(matches!(done, Err(StoreError::Other(_))), "{done:?}");
        let kept = server.rows("SELECT value FROM installation WHERE key IN ('first', 'second')".to_owned()).await;
        assert_eq!(kept, [""; 0]);
    }
}

/// The connection ends between the commit and its answer: what was kept is not told, and not tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d23_a_commit_that_was_not_answered_is_not_repeated() {
    let Some(settings) = database::fresh(Kind::Postgres).await else { return };
    let proxy = Proxy::start(&settings.url).await;
    let through = DatabaseSettings { url: proxy.url(), ..settings.clone() };
    let server = Server::start_at(Kind::Postgres, through, Limits::default(), None, &[]).await;
    for (at, (cut, kept)) in [(Cut::Answer, true), (Cut::Commit, false)].into_iter().enumerate() {
        let name = format!("Cut {at}");
        proxy.cut_next(cut);
        let answer = server.ask_with(&server.token("alice"), CREATE, json!({ "name": name })).await;
        let error = &answer.json["errors"][0];
        assert_eq!(error["extensions"]["code"], "UNAVAILABLE", "{answer:?}");
        assert!(error["message"].as_str().unwrap().contains("Look before you repeat it"), "{error}");
        assert_eq!(proxy.cuts(), at + 1, "it was tried once");
        let direct = Database::connect(&settings, Clock::system()).await.unwrap();
        let found = names(&direct).await.iter().filter(|found| **found == name).count();
        assert_eq!(found, usize::from(kept), "{name}");
        assert_eq!(server.make_catalog(&format!("After {at}")).await, Ok(()));
        assert!(names(&direct).await.contains(&format!("After {at}")));
        assert_eq!(server.ready().await.0, 200);
    }
}

/// A small filesystem of its own, unmounted when it goes; none if this process may not mount one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(megabytes: u64) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(directory.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        if !mounted {
            let required = env::var("GUICHET_TEST_REQUIRE").unwrap_or_default().contains("mount");
            assert!(!required, "a small filesystem is required, but this process may not mount one");
            eprintln!("skipped: this process may not mount a small filesystem");
        }
        mounted.then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills what is free.
    fn fill(&self) {
        let ballast = self.path().join("ballast");
        let mut file = fs::OpenOptions::new().create(true).append(true).open(ballast).unwrap();
        for size in [65_536, 4_096] {
            while std::io::Write::write_all(&mut file, &vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        fs::remove_file(self.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d23_after_a_full_disk_everything_acknowledged_is_kept() {
    let Some(settings) = database::fresh(Kind::Sqlite).await else { return };
    let template = settings.url.strip_prefix("sqlite://").unwrap().to_owned();
    let megabytes = fs::metadata(&template).unwrap().len() / 1_000_000 + 12;
    let Some(disk) = SmallDisk::new(megabytes) else { return };
    let file = disk.path().join("guichet.sqlite");
    fs::copy(&template, &file).unwrap();
    let settings = DatabaseSettings { url: format!("sqlite://{}", file.display()), ..settings };
    let server = Server::start_at(Kind::Sqlite, settings.clone(), Limits::default(), None, &[]).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = server.app.worker.clone();
    let running = tokio::spawn(async move { worker.run(async { drop(stopped.await) }).await });
    let board = server.package("Board papers").await;
    let policy = server.policy_of(&board).await;
    let people = server.people("Person", 15).await;

    let (mut acknowledged, mut given, mut failures, mut unready) = (Vec::new(), Vec::new(), 0, false);
    let give = "mutation($i: CreateAssignmentInput!) { createAssignment(input: $i) { accessRequest { id } userErrors { code } } }";
    // Before the disk is full, while it is, and after it was freed; each time with deliveries on their way.
    for (phase, people) in ["before", "full", "after"].into_iter().zip(people.chunks(5)) {
        match phase {
            "full" => {
                // Or there would be room in what the log of SQLite has used before.
                let direct = sea_orm::Database::connect(&settings.url).await.unwrap();
                direct.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
                disk.fill();
            }
            "after" => {
                disk.free();
                assert_eq!(server.ready().await.0, 200, "a write has succeeded");
            }
            _ => {}
        }
        let mut people = people.iter();
        for at in 0..200 {
            let name = format!("{phase} {at}");
            match server.make_catalog(&name).await {
                Ok(()) => {
                    if phase != "full" {
                        server.is_refused(&name).await;
                    }
                    acknowledged.push(name);
                }
                Err(code) => {
                    assert_eq!((code.as_str(), phase), ("UNAVAILABLE", "full"));
                    failures += 1;
                    unready |= server.ready().await.0 == 503;
                }
            }
            if let Some(person) = people.next() {
                let input = json!({ "accessPackage": board, "policy": policy, "user": person });
                let answer = server.ask_with(&server.token("alice"), give, json!({ "i": input })).await;
                if answer.json["errors"].is_null() {
                    assert_eq!(codes(&answer.json["data"]["createAssignment"]), [""; 0]);
                    given.push(person.clone());
                }
            }
            if at >= 6 && (phase != "full" || failures >= 5 && unready) {
                break;
            }
        }
    }
    assert!(failures > 0 && unready, "the disk was full: {failures}, {unready}");
    assert!(given.len() >= 10, "{}", given.len());
    drop(stop);
    running.await.unwrap();
    // What was being tried while the disk was full is done when its lease is over.
    server.clock.advance(TimeDelta::seconds(61));
    server.work().await;

    // Another connection reads it from the file, and so does a server that starts anew.
    let elsewhere = server.catalogs_elsewhere().await;
    let missing: Vec<&String> = acknowledged.iter().filter(|name| !elsewhere.contains(name)).collect();
    assert_eq!(missing, [""; 0]);
    let Ok(app) = Arc::try_unwrap(server.another(None).await) else { panic!("shared") };
    assert_eq!(names(&app.database).await, elsewhere);
    app.database.close().await;
    let count = "SELECT CAST(count(*) AS text) AS n FROM assignment g JOIN access_package p ON p.id = g.access_package_id
        WHERE p.display_name = 'Board papers' AND g.state = 'DELIVERED' AND g.user_id IN
        (SELECT u.id FROM app_user u WHERE u.display_name LIKE 'Person %')";
    assert_eq!(server.rows(count.to_owned()).await, [given.len().to_string()], "what was given is known");
    let answer = server.rows("PRAGMA integrity_check".to_owned()).await;
    assert_eq!(answer, ["ok"]);
}

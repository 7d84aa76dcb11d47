//! The hash chain of the audit trail: what is sealed, when, and what shows that somebody changed it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::audit_chain;
use entity::audit_event::{self, AuditOutcome};
use futures_util::future::join_all;
use guichet::domain::audit_chain::form::{Place, canonical, object};
use guichet::domain::audit_chain::verify::{self, Fault, Report};
use guichet::domain::audit_chain::{Head, export};
use guichet::id::Kind as Id;
use guichet::store::audit_chain::Span;
use guichet::store::audit_event::{Event, record};
use guichet::store::{self, Database, StoreError, Transaction, Txn};
use guichet::worker;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::harness::{Kind, Server};

/// Records an event, and waits for a permission before it commits.
struct Record {
    organization: Uuid,
    action: String,
    go: Option<Arc<Semaphore>>,
    inserted: Option<Arc<Semaphore>>,
}

impl Transaction for Record {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let event = Event {
            organization: self.organization,
            actor: None,
            action: &self.action,
            target: Some((Id::Organization, self.organization)),
            call: None,
            details: Some(json!({ "n": 1 })),
        };
        record(txn, &event).await?;
        if let Some(inserted) = &self.inserted {
            inserted.add_permits(1);
        }
        if let Some(go) = &self.go {
            let _ = go.acquire().await.unwrap();
        }
        Ok(())
    }
}

/// Writes rows as they are.
struct Insert(Vec<audit_event::Model>);

impl Transaction for Insert {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        txn.insert_all(self.0.clone()).await
    }
}

/// Moves a head.
struct Advance(Option<audit_chain::Model>, audit_chain::Model);

impl Transaction for Advance {
    type Output = bool;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<bool, StoreError> {
        store::audit_chain::advance(txn, self.0.as_ref(), &self.1).await
    }
}

impl Server {
    pub async fn organization_id_of(&self, slug: &str) -> Uuid {
        let all = store::organization::all(&self.app.database).await.unwrap();
        all.into_iter().find(|organization| organization.slug == slug).unwrap().id
    }

    pub async fn note_event(&self, organization: Uuid, action: &str) {
        let record = Record { organization, action: action.to_owned(), go: None, inserted: None };
        self.app.database.write(&record).await.unwrap();
    }

    /// What verification says of an organization: each fault with its place, and the report.
    async fn verified_trail(&self, organization: Uuid, expected: Option<&Head>) -> (Vec<Finding>, Report) {
        let mut found = Vec::new();
        let mut tell =
            |finding: verify::Finding| found.push((finding.sequence, finding.event, finding.fault));
        let report = verify::run(&self.app.database, organization, expected, &mut tell).await.unwrap();
        (found, report)
    }

    async fn whole_trail(&self, organization: Uuid) -> Report {
        let (found, report) = self.verified_trail(organization, None).await;
        assert_eq!(found, [], "{report:?}");
        report
    }

    /// The events of an organization by their numbers; those without one first.
    async fn audit_trail(&self, organization: Uuid) -> Vec<audit_event::Model> {
        let rows = store::audit_chain::page(
            &self.app.database,
            organization,
            store::audit_chain::START,
            Span::default(),
            10_000,
        );
        rows.await.unwrap().into_iter().map(|row| row.event.unwrap()).collect()
    }

    /// Runs a statement that a test made.
    async fn tamper_trail(&self, text: String) {
        self.sql(text.leak()).await;
    }

    /// Puts the trail back as it was when `keep` was called.
    async fn restore_trail(&self) {
        self.sql("DELETE FROM audit_event").await;
        self.sql("INSERT INTO audit_event SELECT * FROM kept_event").await;
        self.sql("DELETE FROM audit_chain").await;
        self.sql("INSERT INTO audit_chain SELECT * FROM kept_chain").await;
    }

    async fn keep_trail(&self) {
        self.sql("CREATE TABLE kept_event AS SELECT * FROM audit_event").await;
        self.sql("CREATE TABLE kept_chain AS SELECT * FROM audit_chain").await;
    }
}

type Finding = (Option<i64>, Option<Uuid>, Fault);

const CONTOSO: &str = "organization_id = (SELECT id FROM organization WHERE slug = 'contoso')";

/// A chain of some length, of which number 5 has a value in every column.
async fn some_chain(server: &Server) -> Uuid {
    let contoso = server.organization_id_of("contoso").await;
    server.clock.advance(TimeDelta::hours(1));
    server.work().await;
    server.sql("DELETE FROM audit_event").await;
    server.sql("DELETE FROM audit_chain").await;
    for at in 1..=9 {
        if at == 5 {
            let catalogs =
                server.ask("alice", "{ catalogs(first: 1) { nodes { id version } } }", json!({})).await;
            let mut input = catalogs["catalogs"]["nodes"][0].clone();
            input["description"] = json!("Changed.");
            let change = "mutation($input: UpdateCatalogInput!) { updateCatalog(input: $input) { userErrors { code } } }";
            server.ask("alice", change, json!({ "input": input })).await;
        } else {
            server.note_event(contoso, &format!("step.{at}")).await;
        }
    }
    server.clock.advance(TimeDelta::seconds(1));
    server.work().await;
    let trail = server.audit_trail(contoso).await;
    assert_eq!(trail.len(), 9);
    let fifth = &trail[4];
    assert_eq!(fifth.action, "catalog.updated");
    assert!(
        fifth.actor_id.is_some()
            && fifth.target_id.is_some()
            && fifth.request_id.is_some()
            && fifth.details.is_some()
    );
    contoso
}

on_both_databases! {
    async fn what_happened_before_is_sealed_and_then_what_happens(server: Server) {
        let contoso = server.organization_id_of("contoso").await;
        // As if it had happened before the upgrade.
        for step in ["step.a", "step.b", "step.c"] {
            server.note_event(contoso, step).await;
        }
        assert!(server.audit_trail(contoso).await.is_empty());
        server.clock.advance(TimeDelta::hours(1));
        server.work().await;
        let report = server.whole_trail(contoso).await;
        assert_eq!((report.waiting, report.late), (0, 3));
        let trail = server.audit_trail(contoso).await;
        assert_eq!(trail[..3].iter().map(|event| &event.action[..]).collect::<Vec<_>>(), ["step.a", "step.b", "step.c"]);
        assert!((1..).zip(&trail).all(|(number, event)| event.sequence == Some(number)));
        // Nothing is due: nothing is written, and nobody is woken.
        let told = server.app.database.committed().notified();
        server.work().await;
        assert!(tokio::time::timeout(Duration::ZERO, told).await.is_err());
        assert_eq!(server.audit_trail(contoso).await, trail);
        // Sealing alone wakes nobody, too.
        server.note_event(contoso, "step.one").await;
        let told = server.app.database.committed().notified();
        assert_eq!(worker::audit::run(&server.app.database).await.unwrap(), 1);
        assert!(tokio::time::timeout(Duration::ZERO, told).await.is_err());
        // Another server goes on where this one was.
        let other = server.another(None).await;
        server.note_event(contoso, "step.two").await;
        other.worker.run_due().await.unwrap();
        let after = server.audit_trail(contoso).await;
        assert_eq!(after[..trail.len()], trail);
        assert_eq!(after[trail.len()..].iter().map(|event| &event.action[..]).collect::<Vec<_>>(), ["step.one", "step.two"]);
        // Organizations have chains of their own.
        let fabrikam = server.organization_id_of("fabrikam").await;
        server.note_event(fabrikam, "step.three").await;
        server.work().await;
        assert_eq!(server.audit_trail(contoso).await, after);
        let report = server.whole_trail(fabrikam).await;
        assert_eq!(report.head.unwrap().sequence, i64::try_from(report.events).unwrap());
    }

    /// A refusal is in the chain as any other event.
    async fn refused_attempts_are_sealed(server: Server) {
        server.work().await;
        let refused = "mutation { createUser(input: {issuer: \"x\", subject: \"x\", displayName: \"x\"}) { userErrors { code } } }";
        assert_eq!(server.errors("karim", refused, json!({})).await, ["FORBIDDEN"]);
        server.work().await;
        let contoso = server.organization_id_of("contoso").await;
        let trail = server.audit_trail(contoso).await;
        assert_eq!(trail.last().unwrap().outcome, AuditOutcome::Refused);
        server.whole_trail(contoso).await;
    }

    /// A transaction that is committed late comes after what was sealed meanwhile, once.
    async fn what_is_committed_late_is_sealed_after(server: Server) {
        if server.kind == Kind::Sqlite {
            return; // one writer at a time
        }
        let contoso = server.organization_id_of("contoso").await;
        server.work().await;
        let count = server.audit_trail(contoso).await.len();
        let (go, inserted) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let slow = Record {
            organization: contoso, action: "step.slow".to_owned(), go: Some(Arc::clone(&go)), inserted: Some(Arc::clone(&inserted)),
        };
        let database = server.app.database.clone();
        let slow = tokio::spawn(async move { database.write(&slow).await.unwrap() });
        let _ = inserted.acquire().await.unwrap();
        server.note_event(contoso, "step.quick").await;
        server.work().await;
        let actions = async || -> Vec<String> {
            server.audit_trail(contoso).await.into_iter().skip(count).map(|event| event.action).collect()
        };
        assert_eq!(actions().await, ["step.quick"]);
        go.add_permits(1);
        slow.await.unwrap();
        server.work().await;
        assert_eq!(actions().await, ["step.quick", "step.slow"]);
        let trail = server.audit_trail(contoso).await;
        assert!(trail[count].id > trail[count + 1].id, "the slow one was made before");
        server.whole_trail(contoso).await;
    }

    /// Writers that go on, and two servers that seal at once.
    async fn two_sealers_seal_everything_once(server: Server) {
        let organizations = [server.organization_id_of("contoso").await, server.organization_id_of("fabrikam").await];
        let other = server.another(None).await;
        let seal = async |database: &Database| {
            let mut sealed = 0;
            for _ in 0..40 {
                sealed += worker::audit::run(database).await.unwrap();
                tokio::task::yield_now().await;
            }
            sealed
        };
        let write = async |writer: usize| {
            for step in 0..20 {
                server.note_event(organizations[step % 2], &format!("writer.{writer}.{step}")).await;
            }
        };
        let (first, second, _) =
            tokio::join!(seal(&server.app.database), seal(&other.database), join_all((0..4).map(write)));
        let rest = seal(&server.app.database).await;
        let mut all = 0;
        for organization in organizations {
            let trail = server.audit_trail(organization).await;
            all += trail.len();
            assert!((1..).zip(&trail).all(|(number, event)| event.sequence == Some(number)));
            assert_eq!(server.whole_trail(organization).await.waiting, 0);
        }
        assert_eq!(first + second + rest, all, "nothing is sealed twice");
    }

    /// Whoever reads the trail beside a running server finds each event in the chain or among those that wait.
    async fn what_is_sealed_while_it_is_read_is_told_once(server: Server) {
        let contoso = some_chain(&server).await;
        let other = server.another(None).await;
        server.clock.advance(TimeDelta::hours(1));
        let span = Span { from: Some(server.clock.now()), until: None };
        for round in 1..=60 {
            server.note_event(contoso, &format!("round.{round}")).await;
            // Some of them a little later than others.
            let seal = async {
                for _ in 0..round % 8 {
                    tokio::task::yield_now().await;
                }
                worker::audit::run(&other.database).await.unwrap()
            };
            let (_, (found, report)) = tokio::join!(seal, server.verified_trail(contoso, None));
            assert_eq!((found, report.events + u64::try_from(report.waiting).unwrap()), (vec![], 9 + 2 * round - 1), "{report:?}");
            assert_eq!(report.head.unwrap().sequence, i64::try_from(report.events).unwrap());
            server.note_event(contoso, &format!("round.{round}")).await;
            let mut lines = 0;
            let mut take = |_: &str| {
                lines += 1;
                Ok(())
            };
            let span = if round % 2 == 0 { span } else { Span::default() };
            let (_, left_out) =
                tokio::join!(worker::audit::run(&other.database), export::run(&server.app.database, contoso, span, &mut take));
            let all = if round % 2 == 0 { 2 * round } else { 9 + 2 * round };
            assert_eq!(lines + u64::try_from(left_out.unwrap()).unwrap(), all);
        }
    }

    /// Of two that read the same head one is too late, whether or not there was one.
    async fn a_head_is_moved_once(server: Server) {
        let contoso = server.organization_id_of("contoso").await;
        let database = &server.app.database;
        let head = |sequence: i64| audit_chain::Model {
            organization_id: contoso, sequence, hash: format!("{sequence}"), sealed_at: server.clock.now(),
        };
        for (from, to) in [(None, head(3)), (Some(head(3)), head(5)), (Some(head(5)), head(6))] {
            let other = audit_chain::Model { sequence: to.sequence + 1, ..to.clone() };
            assert!(database.write(&Advance(from.clone(), to.clone())).await.unwrap());
            assert!(!database.write(&Advance(from, other)).await.unwrap());
            assert_eq!(store::audit_chain::head(database, contoso).await.unwrap(), Some(to));
        }
        // The number alone is not enough: the chain could have been written anew.
        let forged = audit_chain::Model { hash: "x".to_owned(), ..head(6) };
        assert!(!database.write(&Advance(Some(forged), head(7))).await.unwrap());
    }

    /// However many events: the same statements.
    async fn a_batch_is_a_fixed_number_of_statements(server: Server) {
        let contoso = server.organization_id_of("contoso").await;
        server.work().await;
        let database = &server.app.database;
        let mut taken = Vec::new();
        for count in [1, 7, 80] {
            join_all((0..count).map(|_| server.note_event(contoso, "step"))).await;
            let before = database.statement_count();
            assert_eq!(worker::audit::run(database).await.unwrap(), count);
            taken.push(database.statement_count() - before);
        }
        assert_eq!(taken, [5, 5, 5]);
        let before = database.statement_count();
        assert_eq!(worker::audit::run(database).await.unwrap(), 0);
        assert_eq!(database.statement_count() - before, 1, "an idle sealer looks once");
    }

    /// More than one batch.
    async fn a_backlog_is_sealed_batch_by_batch(server: Server) {
        let contoso = server.organization_id_of("contoso").await;
        server.note_event(contoso, "step.first").await;
        server.work().await;
        let model = server.audit_trail(contoso).await[0].clone();
        let unsealed = audit_event::Model { sequence: None, sealed_at: None, previous_hash: None, hash: None, ..model };
        let rows = (0..1_201).map(|_| audit_event::Model { id: server.clock.id(), ..unsealed.clone() });
        let before = server.audit_trail(contoso).await.len();
        server.app.database.write(&Insert(rows.collect())).await.unwrap();
        assert_eq!(worker::audit::run(&server.app.database).await.unwrap(), 500);
        server.work().await;
        let report = server.whole_trail(contoso).await;
        assert_eq!((report.events, report.waiting), (u64::try_from(before).unwrap() + 1_201, 0), "read in two pages");
    }

    /// The worker of a running server seals by itself, soon, and what it finished with when it is stopped.
    async fn a_running_worker_seals(server: Server) {
        let contoso = server.organization_id_of("contoso").await;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let worker = server.app.worker.clone();
        let running = tokio::spawn(async move { worker.run(async { let _ = stopped.await; }).await });
        server.note_event(contoso, "step.first").await;
        let sealed = async {
            while server.whole_trail(contoso).await.waiting > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), sealed).await.unwrap();
        server.note_event(contoso, "step.last").await;
        stop.send(()).unwrap();
        running.await.unwrap();
        assert_eq!(server.audit_trail(contoso).await.last().unwrap().action, "step.last");
    }

    /// Whatever the database makes of the columns: what is read has the form of what was written.
    async fn the_form_is_the_same_whatever_keeps_the_event(server: Server) {
        let contoso = server.organization_id_of("contoso").await;
        let at = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let sealed_at = DateTime::<Utc>::from_timestamp_micros(1_790_000_001_000_000).unwrap();
        let details = [
            None,
            Some(json!({})),
            Some(json!([])),
            Some(json!("text")),
            Some(json!({ "zz": 1, "a": { "ü": [1, -1, u64::MAX, i64::MIN], "\u{10000}": null, "\u{ffee}": true, "": "" }, "Z": " \"\\/\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{2028}𝄞" })),
            Some(json!({ "bb": 1, "aaa": 2, "c": 3 })),
        ];
        let written: Vec<audit_event::Model> = details.into_iter().enumerate().map(|(at_row, details)| audit_event::Model {
            id: server.clock.id(),
            organization_id: contoso,
            at: at + TimeDelta::microseconds(i64::try_from(at_row).unwrap()),
            actor_id: (at_row > 0).then(Uuid::nil),
            action: "odd \u{7f}\n\"'ü𝄞".to_owned(),
            outcome: AuditOutcome::Refused,
            target_type: (at_row > 1).then(|| "usr".to_owned()),
            target_id: (at_row > 1).then(Uuid::max),
            request_id: (at_row > 2).then(Uuid::max),
            details,
            sequence: None,
            sealed_at: None,
            previous_hash: None,
            hash: None,
        }).collect();
        server.app.database.write(&Insert(written.clone())).await.unwrap();
        server.work().await;
        let trail = server.audit_trail(contoso).await;
        let place = Place { sequence: 1, previous: None, sealed_at };
        let form = |event: &audit_event::Model| canonical(&Value::Object(object(event, &place)));
        for written in &written {
            let read = trail.iter().find(|event| event.id == written.id).unwrap();
            assert_eq!(form(read), form(written));
        }
        server.whole_trail(contoso).await;
    }

    async fn a_change_of_any_column_is_found(server: Server) {
        let contoso = some_chain(&server).await;
        server.keep_trail().await;
        let fifth = server.audit_trail(contoso).await[4].id;
        let other = "(SELECT id FROM organization WHERE slug = 'contoso')";
        let time = "(SELECT created_at FROM organization WHERE slug = 'contoso')";
        let altered = vec![(Some(5), Some(fifth), Fault::Altered)];
        let mut columns = vec![
            ("at", time), ("actor_id", other), ("actor_id", "NULL"), ("action", "action || 'x'"), ("outcome", "'REFUSED'"),
            ("target_type", "'usr'"), ("target_type", "NULL"), ("target_id", other), ("target_id", "NULL"),
            ("request_id", other), ("request_id", "NULL"), ("details", "'{\"x\": 1}'"), ("details", "'null'"), ("details", "NULL"),
            ("sealed_at", time), ("sealed_at", "NULL"), ("previous_hash", "hash"), ("previous_hash", "NULL"),
            ("hash", "previous_hash"), ("hash", "upper(hash)"),
        ];
        for (column, value) in columns.clone() {
            server.tamper_trail(format!("UPDATE audit_event SET {column} = {value} WHERE sequence = 5 AND {CONTOSO}")).await;
            assert_eq!(server.verified_trail(contoso, None).await.0, altered, "{column} = {value}");
            server.restore_trail().await;
        }
        // Its id is told as it is now; its place and its organization are another matter.
        server.tamper_trail(format!("UPDATE audit_event SET id = {other} WHERE sequence = 5 AND {CONTOSO}")).await;
        assert_eq!(server.verified_trail(contoso, None).await.0, [(Some(5), Some(contoso), Fault::Altered)]);
        server.restore_trail().await;
        server.tamper_trail(format!("UPDATE audit_event SET sequence = 12 WHERE sequence = 5 AND {CONTOSO}")).await;
        assert_eq!(server.verified_trail(contoso, None).await.0, [
            (Some(5), None, Fault::Missing { to: 5 }), (Some(10), None, Fault::Missing { to: 11 }),
            (Some(12), Some(fifth), Fault::Altered), (Some(12), Some(fifth), Fault::BehindHead),
        ]);
        server.restore_trail().await;
        server.tamper_trail(format!("UPDATE audit_event SET organization_id = (SELECT id FROM organization WHERE slug = 'fabrikam') WHERE sequence = 5 AND {CONTOSO}")).await;
        assert_eq!(server.verified_trail(contoso, None).await.0, [(Some(5), None, Fault::Missing { to: 5 })]);
        let fabrikam = server.organization_id_of("fabrikam").await;
        assert_eq!(server.verified_trail(fabrikam, None).await.0, [
            (Some(1), None, Fault::Missing { to: 4 }), (Some(5), Some(fifth), Fault::Altered), (Some(5), Some(fifth), Fault::BehindHead),
        ]);
        server.restore_trail().await;
        server.tamper_trail(format!("UPDATE audit_event SET organization_id = actor_id WHERE sequence = 5 AND {CONTOSO}")).await;
        let strays = verify::strays(&server.app.database).await.unwrap();
        assert_eq!(strays.iter().map(|finding| (finding.sequence, finding.event, &finding.fault)).collect::<Vec<_>>(),
            [(Some(5), Some(fifth), &Fault::NoOrganization)]);
        server.restore_trail().await;
        assert_eq!(verify::strays(&server.app.database).await.unwrap(), []);
        // No column was forgotten.
        columns.extend([("id", ""), ("organization_id", ""), ("sequence", "")]);
        let table = match server.kind {
            Kind::Sqlite => "SELECT name FROM pragma_table_info('audit_event')",
            Kind::Postgres => "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'audit_event'",
        };
        for column in server.rows(table.to_owned()).await {
            assert!(columns.iter().any(|(name, _)| *name == column), "{column}");
        }
        server.whole_trail(contoso).await;
    }

    async fn what_was_removed_inserted_or_exchanged_is_found(server: Server) {
        let contoso = some_chain(&server).await;
        server.keep_trail().await;
        let trail = server.audit_trail(contoso).await;
        let end = server.whole_trail(contoso).await.head.unwrap();
        let id = |number: i64| Some(trail[usize::try_from(number).unwrap() - 1].id);
        let found = async |statements: &[&str]| {
            for statement in statements {
                server.tamper_trail(format!("{statement} AND {CONTOSO}")).await;
            }
            let found = server.verified_trail(contoso, Some(&end)).await.0;
            server.restore_trail().await;
            found
        };
        assert_eq!(found(&["DELETE FROM audit_event WHERE sequence = 3"]).await, [(Some(3), None, Fault::Missing { to: 3 })]);
        assert_eq!(found(&["DELETE FROM audit_event WHERE sequence < 3"]).await, [(Some(1), None, Fault::Missing { to: 2 })]);
        assert_eq!(found(&["DELETE FROM audit_event WHERE sequence > 7"]).await,
            [(Some(9), None, Fault::Cut { at: 7 }), (Some(9), None, Fault::Unexpected)]);
        assert_eq!(found(&["DELETE FROM audit_chain WHERE sequence > 0"]).await, [(Some(9), id(9), Fault::BehindHead)]);
        assert_eq!(found(&["UPDATE audit_chain SET hash = upper(hash) WHERE sequence > 0"]).await, [(Some(9), id(9), Fault::OtherHead)]);
        // Two change places.
        assert_eq!(found(&[
            "UPDATE audit_event SET sequence = 103 WHERE sequence = 3", "UPDATE audit_event SET sequence = 3 WHERE sequence = 4",
            "UPDATE audit_event SET sequence = 4 WHERE sequence = 103",
        ]).await, [(Some(3), id(4), Fault::Altered), (Some(4), id(3), Fault::Altered)]);
        // One is put in between, and the others move on.
        assert_eq!(found(&[
            "UPDATE audit_event SET sequence = sequence + 100 WHERE sequence > 6", "UPDATE audit_event SET sequence = sequence - 99 WHERE sequence > 100",
            "INSERT INTO audit_event SELECT organization_id, organization_id, at, actor_id, 'x', outcome, target_type, target_id, request_id, details, 7, sealed_at, previous_hash, hash FROM audit_event WHERE sequence = 8",
        ]).await.iter().map(|(number, _, fault)| (number.unwrap(), fault.clone())).collect::<Vec<_>>(), [
            (7, Fault::Altered), (8, Fault::Altered), (9, Fault::Altered), (9, Fault::OtherHead), (9, Fault::Unexpected), (10, Fault::Altered),
            (10, Fault::BehindHead),
        ]);
        // The end is cut off, and the head set back with it: only who kept a head finds it.
        let cut = [
            "DELETE FROM audit_event WHERE sequence > 7",
            "UPDATE audit_chain SET sequence = 7, hash = (SELECT e.hash FROM audit_event e WHERE e.sequence = 7 AND e.organization_id = audit_chain.organization_id) WHERE sequence = 9",
        ];
        assert_eq!(found(&cut).await, [(Some(9), None, Fault::Unexpected)]);
        for statement in cut {
            server.tamper_trail(format!("{statement} AND {CONTOSO}")).await;
        }
        server.whole_trail(contoso).await;
        // And when the chain has grown again since.
        for _ in 0..4 {
            server.note_event(contoso, "step.new").await;
        }
        server.work().await;
        let (found, report) = server.verified_trail(contoso, Some(&end)).await;
        assert_eq!(found.iter().map(|(number, _, fault)| (number.unwrap(), fault.clone())).collect::<Vec<_>>(), [(9, Fault::Unexpected)]);
        assert_eq!(report.head.unwrap().sequence, 11);
    }

    /// An event that somebody inserts without a place waits, or is sealed, late.
    async fn what_nobody_seals_is_told(server: Server) {
        let contoso = some_chain(&server).await;
        server.note_event(contoso, "step.waits").await;
        server.clock.advance(verify::BOUND);
        let report = server.whole_trail(contoso).await;
        assert_eq!((report.waiting, report.late), (1, 0));
        server.clock.advance(TimeDelta::microseconds(1));
        let (found, _) = server.verified_trail(contoso, None).await;
        let waits = server.app.database.clone();
        let waits = store::audit_chain::unsealed(&waits, contoso, 10).await.unwrap();
        assert_eq!(found, [(None, Some(waits[0].id), Fault::Unsealed)]);
        server.work().await;
        let report = server.whole_trail(contoso).await;
        assert_eq!((report.waiting, report.late), (0, 1));
        // Taken out of the chain, and sealed again at its end: the gap stays.
        server.tamper_trail(format!("UPDATE audit_event SET sequence = NULL, hash = NULL WHERE sequence = 2 AND {CONTOSO}")).await;
        server.work().await;
        let (found, report) = server.verified_trail(contoso, None).await;
        assert_eq!(found, [(Some(2), None, Fault::Missing { to: 2 })]);
        assert_eq!(report.late, 2);
    }

    /// Who puts an event behind the head stops the sealing, which says so and shows.
    async fn a_forged_end_is_not_sealed_over(server: Server) {
        let contoso = some_chain(&server).await;
        server.tamper_trail(format!("UPDATE audit_event SET sequence = 10 WHERE sequence = 2 AND {CONTOSO}")).await;
        server.note_event(contoso, "step.next").await;
        assert!(worker::audit::run(&server.app.database).await.is_err());
        let fabrikam = server.organization_id_of("fabrikam").await;
        server.note_event(fabrikam, "step.other").await;
        assert!(worker::audit::run(&server.app.database).await.is_err());
        assert_eq!(server.whole_trail(fabrikam).await.waiting, 0, "others are sealed all the same");
        assert_eq!(server.verified_trail(contoso, None).await.1.waiting, 1);
    }

    /// Who has the export, the documentation and a SHA-256 needs nothing else of Guichet.
    async fn an_export_can_be_verified_by_anybody(server: Server) {
        let contoso = some_chain(&server).await;
        let trail = server.audit_trail(contoso).await;
        let lines = server.exported_trail(contoso, Span::default()).await;
        assert_eq!(lines.len(), trail.len());
        let mut previous = Value::Null;
        for (line, event) in lines.iter().zip(&trail) {
            let mut exported: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
            let given = exported.remove("hash").unwrap();
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, plain(&json!(exported)).as_bytes());
            let hash: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(given, json!(hash), "{line}");
            assert_eq!(exported.get("previousHash").cloned().unwrap_or_default(), previous);
            assert_eq!(exported["id"], json!(Id::AuditEvent.text(event.id)));
            previous = given;
        }
        // A part, by the time of the events.
        let (from, until) = (trail[2].at, trail[8].at + TimeDelta::microseconds(1));
        assert_eq!(server.exported_trail(contoso, Span { from: Some(from), until: Some(until) }).await.len(), 9, "one instant");
        server.clock.advance(TimeDelta::hours(1));
        server.note_event(contoso, "step.later").await;
        let later = Span { from: Some(server.clock.now()), until: None };
        assert_eq!(server.exported_trail(contoso, later).await, [""; 0], "it is not sealed");
        server.work().await;
        let later = server.exported_trail(contoso, later).await;
        assert!(later.len() == 1 && later[0].contains("step.later"), "{later:?}");
        assert_eq!(server.exported_trail(contoso, Span { from: None, until: Some(from) }).await, [""; 0]);
        // Many pages, in order.
        let unsealed = audit_event::Model { sequence: None, sealed_at: None, previous_hash: None, hash: None, ..trail[0].clone() };
        let rows = (0..2_100).map(|_| audit_event::Model { id: server.clock.id(), ..unsealed.clone() });
        server.app.database.write(&Insert(rows.collect())).await.unwrap();
        server.work().await;
        let lines = server.exported_trail(contoso, Span::default()).await;
        let numbers: Vec<i64> = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["sequence"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (1..=2_110).collect::<Vec<_>>());
    }
}

impl Server {
    async fn exported_trail(&self, organization: Uuid, span: Span) -> Vec<String> {
        let mut text = String::new();
        let mut take = |line: &str| {
            text.push_str(line);
            Ok(())
        };
        export::run(&self.app.database, organization, span, &mut take).await.unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

/// The canonical form, by the words of `docs/audit.md`.
fn plain(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let sorted: BTreeMap<Vec<char>, (&String, &Value)> =
                members.iter().map(|member| (member.0.chars().collect(), member)).collect();
            let member = |(name, value): &(&String, &Value)| format!("{}:{}", json!(name), plain(value));
            format!("{{{}}}", sorted.values().map(member).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

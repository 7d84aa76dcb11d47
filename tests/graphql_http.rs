//! The audits of the specification GraphQL over HTTP, by those who wrote it, against a running server.

use serde_json::Value;

use crate::harness::{Kind, Server, npm};

/// How many audits the package has: none is left out without a word.
const AUDITS: usize = 61;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_audit_is_ok() {
    let Some(server) = Server::start(Kind::Sqlite).await else { return };
    let url = format!("{}/graphql", server.base);
    let authorization = format!("Bearer {}", server.token("alice"));
    let run =
        move || npm::Script::start("graphql_http", "audits.mjs", &[url.as_str(), authorization.as_str()]);
    let Some(script) = tokio::task::spawn_blocking(run).await.unwrap() else { return };
    let results: Vec<Value> = serde_json::from_str(&script.first_line).unwrap();
    let faults: Vec<&Value> = results.iter().filter(|audit| audit["status"] != "ok").collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(results.len(), AUDITS);
}

//! The pages: what they are served with, and that what the request page asks is what the API answers.

use std::collections::BTreeMap;
use std::path::Path;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::harness::Server;

/// What the request page asks with, by the names of its operations.
async fn variables(server: &Server) -> BTreeMap<&'static str, Value> {
    let package = server.package("Ledger reader").await;
    let url =
        format!("https://access.example/@contoso.example#/access-packages/{}", package.as_str().unwrap());
    let open = json!(["SUBMITTED", "PENDING_APPROVAL", "SCHEDULED", "DELIVERING"]);
    let held = json!(["SCHEDULED", "DELIVERING", "DELIVERED", "PARTIALLY_DELIVERED", "REVOKING"]);
    let own =
        "{ viewer { accessRequests(first: 1) { nodes { id } } assignments(first: 1) { nodes { id } } } }";
    let own = server.ask("karim", own, json!({})).await["viewer"].clone();
    let request = own["accessRequests"]["nodes"][0]["id"].clone();
    let assignment = own["assignments"]["nodes"][0]["id"].clone();
    BTreeMap::from([
        ("access-request", json!({ "id": request, "language": "de-CH" })),
        ("assignment", json!({ "id": assignment })),
        ("cancel", json!({ "input": { "id": "x", "reason": null } })),
        (
            "decide",
            json!({ "input": { "idempotencyKey": "k", "selection": {
                "items": [{ "id": "x", "decision": "APPROVE", "justification": null }] } } }),
        ),
        ("decided", json!({ "id": "x" })),
        ("extend", json!({ "input": { "assignment": "x", "justification": null, "idempotencyKey": "k" } })),
        ("give-up", json!({ "input": { "id": "x", "reason": null } })),
        ("inbox", json!({ "after": null })),
        ("own-assignments", json!({ "after": null, "state": held })),
        ("own-requests", json!({ "after": null })),
        ("preview", json!({ "input": { "accessPackage": package } })),
        ("requestable-packages", json!({ "after": null, "search": "" })),
        (
            "share-link-target",
            json!({ "url": url, "package": package, "open": open, "held": held, "language": "de-CH" }),
        ),
        (
            "submit",
            json!({ "input": { "accessPackage": "x", "answers": [{ "question": "q", "values": [] }],
                "justification": "", "idempotencyKey": "k" } }),
        ),
        ("viewer", json!({})),
    ])
}

/// The answer to a `GET`: its status, headers and body.
async fn served(server: &Server, path: &str) -> (u16, HeaderMap, String) {
    let response = reqwest::get(format!("{}{path}", server.base)).await.unwrap();
    (response.status().as_u16(), response.headers().clone(), response.text().await.unwrap())
}

on_both_databases! {
    /// Within the limits as they are unless an operator sets others.
    async fn what_the_request_page_asks_is_answered(server: Server) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/src/request/operations");
        let mut variables = variables(&server).await;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let operation = std::fs::read_to_string(&path).unwrap();
            let given = variables.remove(name).unwrap_or_else(|| panic!("{name} is not tried"));
            let data = server.ask("karim", &operation, given).await;
            let (_, first) = data.as_object().unwrap().iter().next().unwrap();
            assert!(first.is_object() || name == "decided", "{name}: {data}");
            // Of what was shown, something is there to be shown.
            match name {
                "access-request" => assert_eq!(data["node"]["type"], "USER_ADD", "{data}"),
                "assignment" => assert!(data["node"]["accessPackage"].is_object(), "{data}"),
                "share-link-target" => {
                    assert_eq!(data["shareLinkTarget"]["accessPackage"]["displayName"], "Ledger reader", "{data}");
                    assert_eq!(data["viewer"]["accessRequests"]["nodes"][0]["state"], "PENDING_APPROVAL", "{data}");
                }
                _ => {}
            }
        }
        assert!(variables.is_empty(), "no such operations: {:?}", variables.keys());
    }

    /// An organization that is there looks like one that is not.
    async fn pages_keep_to_themselves(server: Server) {
        for (path, title, cached) in [
            ("/@contoso.example", "<title>Guichet</title>", "no-cache"),
            ("/@nobody.example", "<title>Guichet</title>", "no-cache"),
            ("/sign-in/from/adatum?code=x&state=y", "<title>Signing in · Guichet</title>", "no-store"),
        ] {
            let (status, headers, html) = served(&server, path).await;
            assert_eq!(status, 200, "{path}");
            assert_eq!(headers["content-type"], "text/html; charset=utf-8", "{path}");
            assert_eq!(headers["cache-control"], cached, "{path}");
            let policy = headers["content-security-policy"].to_str().unwrap();
            for part in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"] {
                assert!(policy.split(';').any(|rule| rule.trim() == part), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
            if html.contains("not in this binary") {
                continue;
            }
            assert!(html.contains(title), "{path}: {html}");
            assert!(!html.contains("code=x"), "{path}: {html}");
            let files: Vec<&str> = html.split('"').filter(|part| part.contains("assets/")).collect();
            assert_eq!(files.len(), 4, "{path}: {html}");
            for file in files {
                let there = url::Url::parse("http://x").unwrap().join(path).unwrap().join(file).unwrap();
                let (status, headers, _) = served(&server, there.path()).await;
                assert_eq!(status, 200, "{file}");
                assert_eq!(headers["content-encoding"], "gzip", "{file}");
                assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable", "{file}");
                assert_eq!(headers["x-content-type-options"], "nosniff", "{file}");
                assert_eq!(headers["referrer-policy"], "no-referrer", "{file}");
                assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"), "{file}");
            }
        }
        let (_, _, here) = served(&server, "/@contoso.example").await;
        let (_, _, nowhere) = served(&server, "/@nobody.example").await;
        assert_eq!(here, nowhere);
        for path in ["/@", "/@contoso.example/more", "/assets/", "/assets/none.js"] {
            assert_eq!(served(&server, path).await.0, 404, "{path}");
        }
    }
}

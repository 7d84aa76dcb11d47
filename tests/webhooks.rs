//! Webhooks: a real receiver in the test, and a library that nobody here wrote checks what was signed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::npm::Script;
use crate::harness::{Server, codes};

/// What one call brought.
#[derive(Clone, Debug)]
struct Received {
    headers: HashMap<String, String>,
    body: String,
}

impl Received {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Answer = (u16, Vec<(&'static str, String)>, String);

/// An endpoint that takes everything, but for the answers that were ordered.
#[derive(Clone, Default)]
struct Receiver {
    url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/guichet", listener.local_addr().unwrap());
        let receiver = Self { url, ..Self::default() };
        let own = receiver.clone();
        let take = async move |headers: HeaderMap, body: Bytes| {
            let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
                (name.to_string(), value.to_str().unwrap().to_owned())
            };
            let call = Received {
                headers: headers.iter().map(header).collect(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            own.received.lock().unwrap().push(call);
            let (status, headers, body) =
                own.answers.lock().unwrap().pop_front().unwrap_or((204, Vec::new(), String::new()));
            let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                answer.headers_mut().insert(name, value.parse().unwrap());
            }
            answer
        };
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/guichet", post(take))).await });
        receiver
    }

    fn answer(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.answers.lock().unwrap().push_back((status, headers, body.to_owned()));
    }

    /// What came since the last time this was asked.
    fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

impl Server {
    /// Makes a webhook as the organization's owner; its payload.
    async fn make_webhook(&self, name: &str, url: &str) -> Value {
        let fields =
            "secret webhook { id displayName url enabled version createdBy { displayName } viewerCanEdit }";
        let made =
            self.mutation("farah", "createWebhook", fields, json!({ "displayName": name, "url": url })).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        made
    }

    /// What went to a webhook, newest first.
    async fn events(&self, webhook: &Value) -> Vec<Value> {
        let query = "query($id: ID!) { node(id: $id) { ... on Webhook { enabled deliveries(first: 100) { totalCount nodes {
            id action state attemptCount nextAttemptAt responseStatus errorCode errorMessage createdAt completedAt viewerCanSendAgain
            webhook { id } tokenRequest { id state } body
            attempts { nodes { number responseStatus errorCode errorMessage startedAt finishedAt } } } } } } }";
        let found = self.ask("farah", query, json!({ "id": webhook["id"] })).await;
        found["node"]["deliveries"]["nodes"].as_array().unwrap().clone()
    }

    async fn send_again(&self, subject: &str, event: &Value) -> Value {
        let fields = "webhookDelivery { state nextAttemptAt }";
        self.mutation(subject, "sendWebhookDeliveryAgain", fields, json!({ "id": event["id"] })).await
    }
}

/// What the library makes of a call at a time.
async fn verified(script: &Script, secret: &str, call: &Received, now: i64) -> Value {
    let port: Value = serde_json::from_str(&script.first_line).unwrap();
    let body = json!({ "secret": secret, "headers": call.headers, "body": call.body, "now": now });
    let url = format!("http://127.0.0.1:{}/", port["port"]);
    reqwest::Client::new().post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

on_both_databases! {
    async fn an_endpoint_is_told_with_githubs_names_and_a_signature(server: Server) {
        let Some(library) = Script::start("webhooks", "verify.mjs", &[]) else { return };
        let receiver = Receiver::start().await;
        let made = server.make_webhook("Chat", &receiver.url).await;
        assert_eq!(made["webhook"]["createdBy"]["displayName"], "Farah Haddad");
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");

        let token = server.waiting_token("karim").await;
        server.work().await;
        let calls = receiver.take();
        assert_eq!(calls.len(), 1);
        let now = server.clock.now().timestamp();
        let checked = verified(&library, secret, &calls[0], now).await;
        assert_eq!(checked["payload"], calls[0].json(), "{checked}");
        assert_eq!(calls[0].headers["content-type"], "application/json");
        assert_eq!(calls[0].headers["webhook-timestamp"], now.to_string());
        let mut altered = calls[0].clone();
        altered.body = altered.body.replace("created", "approved");
        assert!(verified(&library, secret, &altered, now).await["error"].is_string());
        assert!(verified(&library, secret, &calls[0], now + 400).await["error"].is_string(), "too old");

        let told = calls[0].json();
        assert_eq!((&told["action"], &told["type"]), (&json!("created"), &json!("personal_access_token_request.created")));
        assert_eq!((&told["organization"]["login"], &told["sender"]["login"]), (&json!("contoso"), &json!("karim")));
        let request = &told["personal_access_token_request"];
        let mut names: Vec<&String> = request.as_object().unwrap().keys().collect();
        names.sort_unstable();
        assert_eq!(names, ["created_at", "id", "owner", "permissions_added", "permissions_result", "permissions_upgraded",
            "repositories", "repository_count", "repository_selection", "token_expired", "token_expires_at", "token_id",
            "token_last_used_at", "token_name"]);
        assert_eq!((&request["id"], &request["token_id"], &request["token_name"]), (&token["request"]["id"], &token["id"], &json!("Nightly")));
        assert_eq!((&request["repository_selection"], &request["repository_count"]), (&json!("subset"), &json!(1)));
        assert_eq!(request["repositories"][0]["full_name"], "contoso/payments-api");
        assert_eq!(request["repositories"][0]["private"], true);
        let asked = json!({ "organization": {}, "repository": { "issues": "read" }, "other": {} });
        let nothing = json!({ "organization": {}, "repository": {}, "other": {} });
        assert_eq!((&request["permissions_added"], &request["permissions_upgraded"], &request["permissions_result"]), (&asked, &nothing, &asked));
        assert_eq!((&request["token_expired"], &request["token_last_used_at"], &request["owner"]["login"]), (&json!(false), &Value::Null, &json!("karim")));

        server.decide(&token["request"]["id"], "APPROVE").await;
        // More than was granted: what is new, what is more, and the whole.
        let query = "query($id: ID!) { node(id: $id) { ... on AccessToken { version } } }";
        let version = server.ask("karim", query, json!({ "id": token["id"] })).await["node"]["version"].clone();
        let access = server.fine("ALL", &[], &[("REPOSITORY", "issues", "WRITE"), ("ORGANIZATION", "members", "READ")]);
        let wider = server.mutation("karim", "updateAccessToken", "accessToken { request { id } }",
            json!({ "id": token["id"], "version": version, "access": access })).await;
        assert_eq!(codes(&wider), [""; 0]);
        server.decide(&wider["accessToken"]["request"]["id"], "DENY").await;
        let other = server.waiting_token("lena").await;
        server.mutation("lena", "cancelTokenRequest", "", json!({ "id": other["request"]["id"] })).await;
        server.work().await;
        let mut calls = receiver.take();
        calls.sort_by_key(|call| call.headers["webhook-id"].clone());
        let told: Vec<Value> = calls.iter().map(Received::json).collect();
        let actions: Vec<&Value> = told.iter().map(|told| &told["action"]).collect();
        assert_eq!(actions, ["approved", "created", "denied", "created", "cancelled"]);
        assert_eq!(told[0]["sender"]["login"], "farah");
        for told in [&told[1], &told[2]] {
            let request = &told["personal_access_token_request"];
            assert_eq!(request["permissions_added"], json!({ "organization": { "members": "read" }, "repository": {}, "other": {} }));
            assert_eq!(request["permissions_upgraded"], json!({ "organization": {}, "repository": { "issues": "write" }, "other": {} }));
            assert_eq!(request["permissions_result"], json!({ "organization": { "members": "read" }, "repository": { "issues": "write" }, "other": {} }));
            assert_eq!((&request["repository_selection"], &request["repository_count"], &request["repositories"]), (&json!("all"), &Value::Null, &Value::Null));
        }
        for call in &calls {
            assert!(verified(&library, secret, call, now).await["payload"].is_object());
        }
        // Each is there to be read, and was sent once.
        let events = server.events(&made["webhook"]).await;
        assert_eq!(events.len(), 6);
        for event in &events {
            assert_eq!((&event["state"], &event["attemptCount"], &event["responseStatus"]), (&json!("SUCCEEDED"), &json!(1), &json!(204)));
            assert_eq!(event["attempts"]["nodes"].as_array().map(Vec::len), Some(1));
            assert!(event["nextAttemptAt"].is_null() && event["errorCode"].is_null() && event["viewerCanSendAgain"] == true);
        }
        assert!(events.iter().any(|event| event["id"] == json!(calls[0].headers["webhook-id"]) && event["body"] == json!(calls[0].body)));
        // Approved without a decision, and told all the same.
        let own = server.make_token("farah", server.fine("ALL", &[], &[])).await;
        assert_eq!(own["accessToken"]["request"]["state"], "APPROVED");
        server.work().await;
        assert!(receiver.take().iter().any(|call| call.json()["action"] == "approved"));
    }

    async fn an_event_is_tried_until_it_is_taken(server: Server) {
        let receiver = Receiver::start().await;
        let webhook = server.make_webhook("Chat", &receiver.url).await["webhook"].clone();
        receiver.answer(503, &[("retry-after", "120")], "<b>down</b> for a while");
        receiver.answer(302, &[("location", &receiver.url.replace("guichet", "elsewhere"))], "");
        receiver.answer(500, &[], &"x".repeat(100_000));
        server.waiting_token("karim").await;
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["state"], &event["responseStatus"], &event["errorCode"]), (&json!("PENDING"), &json!(503), &json!("REMOTE_UNAVAILABLE")));
        assert_eq!(event["errorMessage"], "<b>down</b> for a while");
        assert_eq!(codes(&server.send_again("farah", &event).await), ["ALREADY_IN_PROGRESS"]);
        server.clock.advance(TimeDelta::seconds(119));
        server.work().await;
        assert_eq!(receiver.take().len(), 1, "not before the endpoint wants it");
        server.clock.advance(TimeDelta::seconds(1));
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["responseStatus"], &event["errorCode"]), (&json!(302), &json!("REJECTED_BY_REMOTE")), "a redirect is not followed");
        server.clock.advance(TimeDelta::minutes(5));
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["responseStatus"], event["errorMessage"].as_str().map(str::len)), (&json!(500), Some(1_000)));
        server.clock.advance(TimeDelta::minutes(5));
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["state"], &event["attemptCount"], &event["errorCode"]), (&json!("SUCCEEDED"), &json!(4), &Value::Null));
        let statuses: Vec<&Value> = event["attempts"]["nodes"].as_array().unwrap().iter().map(|one| &one["responseStatus"]).collect();
        assert_eq!(statuses, [503, 302, 500, 204]);
        let calls = receiver.take();
        assert_eq!(calls.len(), 3);
        assert!(calls.iter().all(|call| call.headers["webhook-id"] == event["id"] && call.body == event["body"]), "the same event under the same id");
        assert_ne!(calls[0].headers["webhook-signature"], calls[1].headers["webhook-signature"], "signed at the time of the attempt");
        // And once more when somebody asks for it.
        let again = server.send_again("farah", &event).await;
        assert_eq!((codes(&again), &again["webhookDelivery"]["state"]), (vec![], &json!("PENDING")));
        server.work().await;
        assert_eq!(receiver.take()[0].headers["webhook-id"], event["id"]);
        assert_eq!(server.events(&webhook).await[0]["attemptCount"], 5);
    }

    async fn after_three_days_an_event_is_given_up(server: Server) {
        // Nobody listens on this port.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let webhook = server.make_webhook("Nobody", &format!("http://{free}/")).await["webhook"].clone();
        server.waiting_token("karim").await;
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["state"], &event["errorCode"], &event["responseStatus"]), (&json!("PENDING"), &json!("REMOTE_UNAVAILABLE"), &Value::Null));
        assert!(!event["errorMessage"].as_str().unwrap().contains("127.0.0.1"));
        server.clock.advance(TimeDelta::days(3));
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["state"], &event["attemptCount"], &event["nextAttemptAt"]), (&json!("FAILED"), &json!(2), &Value::Null));
        assert_eq!(event["viewerCanSendAgain"], true);
    }

    async fn private_addresses_are_refused_unless_a_setting_allows_them(server: Server) {
        let receiver = Receiver::start().await;
        let url = receiver.url.replace("127.0.0.1", "localhost");
        let literal = server.make_webhook("Literal", &receiver.url).await["webhook"].clone();
        // As a name is, which only its resolution tells; over TLS, since plain HTTP is refused before.
        let named = server.make_webhook("Named", &url.replace("http:", "https:")).await["webhook"].clone();
        server.waiting_token("karim").await;
        let strict = server.another_without_private_addresses().await;
        strict.worker.run_due().await.unwrap();
        assert!(receiver.take().is_empty());
        for webhook in [&literal, &named] {
            let event = server.events(webhook).await[0].clone();
            assert_eq!((&event["state"], &event["errorCode"]), (&json!("FAILED"), &json!("CONNECTOR_MISCONFIGURED")), "{event}");
        }
        let named = server.events(&named).await[0]["errorMessage"].clone();
        assert_eq!(named, "The address leads to a network that calls may not go to.");
    }

    async fn an_endpoint_that_is_gone_is_switched_off(server: Server) {
        let receiver = Receiver::start().await;
        let webhook = server.make_webhook("Chat", &receiver.url).await["webhook"].clone();
        receiver.answer(410, &[], "");
        server.waiting_token("karim").await;
        server.work().await;
        let event = server.events(&webhook).await[0].clone();
        assert_eq!((&event["state"], &event["responseStatus"]), (&json!("FAILED"), &json!(410)));
        let query = "{ webhooks { nodes { enabled } } }";
        assert_eq!(server.ask("farah", query, json!({})).await["webhooks"]["nodes"][0]["enabled"], false);
        server.waiting_token("karim").await;
        server.work().await;
        assert_eq!((server.events(&webhook).await.len(), receiver.take().len()), (1, 1), "nothing more is told");
        assert_eq!(codes(&server.send_again("farah", &event).await), ["NOT_ACTIVE"]);
    }

    async fn webhooks_are_made_changed_and_deleted_by_owners(server: Server) {
        let receiver = Receiver::start().await;
        let before = server.contents().await;
        let create = async |input: Value| server.mutation("farah", "createWebhook", "secret webhook { id }", input).await;
        for (input, code, field) in [
            (json!({ "displayName": "", "url": receiver.url }), "INVALID_INPUT", "displayName"),
            (json!({ "displayName": "x", "url": "ftp://hooks.example/" }), "INVALID_INPUT", "url"),
            (json!({ "displayName": "x", "url": "https://user:hunter2@hooks.example/" }), "INVALID_INPUT", "url"),
            (json!({ "displayName": "x", "url": "http://1.1.1.1/" }), "INVALID_INPUT", "url"),
            (json!({ "displayName": "x", "url": format!("https://hooks.example/{}", "x".repeat(2_000)) }), "INVALID_INPUT", "url"),
        ] {
            let refused = create(input).await;
            assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec![code], &json!(["input", field])));
            assert!(refused["secret"].is_null() && !refused.to_string().contains("hunter2"));
        }
        assert!(server.contents().await == before, "a refused call changed something");

        let first = create(json!({ "displayName": "Chat", "url": receiver.url, "idempotencyKey": "k" })).await;
        let again = create(json!({ "displayName": "Chat", "url": receiver.url, "idempotencyKey": "k" })).await;
        assert_eq!((codes(&again), &again["secret"], &again["webhook"]["id"]), (vec!["SECRET_ALREADY_SHOWN"], &Value::Null, &first["webhook"]["id"]));
        assert_eq!(codes(&create(json!({ "displayName": " chat ", "url": receiver.url })).await), ["NAME_TAKEN"]);
        let secret = first["secret"].as_str().unwrap();
        assert!(!server.contents().await.iter().any(|row| row.contains(secret) || row.contains(&secret[6..])), "the secret is stored sealed");

        let id = &first["webhook"]["id"];
        let update = async |input: Value| server.mutation("farah", "updateWebhook", "secret webhook { enabled version displayName }", input).await;
        assert_eq!(codes(&update(json!({ "id": id, "version": 7, "enabled": false })).await), ["CONFLICT"]);
        server.waiting_token("karim").await;
        let off = update(json!({ "id": id, "version": 1, "enabled": false, "displayName": "Quiet" })).await;
        assert_eq!(off["webhook"], json!({ "enabled": false, "version": 2, "displayName": "Quiet" }));
        server.waiting_token("lena").await;
        server.work().await;
        assert!(receiver.take().is_empty());
        let events = server.events(&first["webhook"]).await;
        assert_eq!((events.len(), &events[0]["state"]), (1, &json!("CANCELED")));
        let on = update(json!({ "id": id, "version": 2, "enabled": true, "newSecret": true })).await;
        let renewed = on["secret"].as_str().unwrap();
        assert!(renewed.starts_with("whsec_") && renewed != secret);
        assert_eq!(codes(&server.send_again("farah", &events[0]).await), [""; 0]);
        server.work().await;
        assert_eq!(receiver.take().len(), 1);

        // Others see it or not, and change nothing; another organization has none of it.
        let list = "{ webhooks { totalCount nodes { url viewerCanEdit } } }";
        for (who, count) in [("farah", 1), ("alice", 1), ("deniz", 1), ("karim", 0), ("mila", 0)] {
            let seen = server.ask(who, list, json!({})).await["webhooks"].clone();
            assert_eq!(seen["totalCount"], count, "{who}");
            if count == 1 {
                assert_eq!(seen["nodes"][0]["viewerCanEdit"], who == "farah");
            }
        }
        let node = "query($id: ID!) { node(id: $id) { id } }";
        for id in [id, &events[0]["id"]] {
            assert!(server.ask("karim", node, json!({ "id": id })).await["node"].is_null());
            assert!(server.ask("mila", node, json!({ "id": id })).await["node"].is_null());
        }
        let gone = server.mutation("farah", "deleteWebhook", "webhook { deletedAt }", json!({ "id": id })).await;
        assert!(gone["webhook"]["deletedAt"].is_string());
        assert_eq!(codes(&server.mutation("farah", "deleteWebhook", "", json!({ "id": id })).await), ["NOT_FOUND"]);
        server.waiting_token("karim").await;
        server.work().await;
        assert!(receiver.take().is_empty());
        // Its name is free again; at most twenty there are.
        for place in 0..20 {
            let name = if place == 0 { "Quiet".to_owned() } else { format!("Number {place}") };
            assert_eq!(codes(&create(json!({ "displayName": name, "url": receiver.url, "enabled": false })).await), [""; 0]);
        }
        assert_eq!(codes(&create(json!({ "displayName": "One more", "url": receiver.url })).await), ["INVALID_INPUT"]);
    }

    async fn telling_of_many_takes_as_many_statements_as_of_few(server: Server) {
        let receiver = Receiver::start().await;
        let webhook = server.make_webhook("Chat", &receiver.url).await["webhook"].clone();
        let mut taken = Vec::new();
        for count in [2, 12] {
            let mut ids = Vec::new();
            for _ in 0..count {
                ids.push(server.waiting_token("karim").await["request"]["id"].clone());
            }
            let before = server.app.database.statement_count();
            let input = json!({ "selection": { "ids": ids }, "decision": "DENY" });
            let done = server.mutation("farah", "reviewTokenRequests", "bulkOperation { acceptedCount }", input).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], count);
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken[0], taken[1], "{taken:?}");
        server.work().await;
        assert_eq!(receiver.take().len(), 28);
        let denied = server.events(&webhook).await.iter().filter(|event| event["action"] == "DENIED").count();
        assert_eq!(denied, 14);
        // A list with attempts inside takes the same statements for one row as for all.
        let query = "query($first: Int!) { webhooks(first: 1) { nodes { deliveries(first: $first) { totalCount nodes {
            id state webhook { id } tokenRequest { id } viewerCanSendAgain attempts { nodes { number } } } } } } }";
        let mut taken = Vec::new();
        for first in [1, 28] {
            let before = server.app.database.statement_count();
            server.ask("farah", query, json!({ "first": first })).await;
            taken.push(server.app.database.statement_count() - before);
        }
        assert_eq!(taken[0], taken[1], "{taken:?}");
    }

    async fn of_two_servers_one_sends(server: Server) {
        let receiver = Receiver::start().await;
        server.make_webhook("Chat", &receiver.url).await;
        for _ in 0..20 {
            server.waiting_token("karim").await;
        }
        let other = server.another(None).await;
        let (one, two) = tokio::join!(server.app.worker.run_due(), other.worker.run_due());
        one.unwrap();
        two.unwrap();
        let mut ids: Vec<String> = receiver.take().iter().map(|call| call.headers["webhook-id"].clone()).collect();
        assert_eq!(ids.len(), 20);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 20, "each once");
    }
}

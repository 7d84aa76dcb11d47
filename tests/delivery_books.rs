//! The books around a delivery say what happened: each test is named by the finding that it holds.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const REQUEST: &str = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state completedAt
    reprocess { eligible reason } viewerCanCancel assignment { id state expiresAt } approvals { state }
    deliveries { operation state result attemptCount nextAttemptAt lastError { code } }
    history(first: 50) { nodes { action fromState toState reason actor { displayName } bulkOperation { id } } } } } }";

/// A way in which an assignment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Revoked,
    RevokedByIds,
    RevokedByFilter,
    GivenUp,
    Deactivated,
    Expired,
    Replaced,
}

impl Ending {
    /// The reason that the history of the request shows.
    const fn reason(self) -> &'static str {
        match self {
            Self::Revoked | Self::RevokedByIds | Self::RevokedByFilter => "The project is over.",
            Self::GivenUp => "ASSIGNMENT_ENDED",
            Self::Deactivated => "USER_DEACTIVATED",
            Self::Expired => "EXPIRED",
            Self::Replaced => "REPLACED",
        }
    }

    /// Who ends it.
    fn actor(self, holder: &str) -> Value {
        match self {
            Self::Revoked | Self::RevokedByIds | Self::RevokedByFilter | Self::Deactivated => {
                json!({ "displayName": "Alice Martin" })
            }
            Self::GivenUp => json!({ "displayName": holder }),
            Self::Expired | Self::Replaced => Value::Null,
        }
    }
}

impl Server {
    async fn book(&self, request: &Value) -> Value {
        self.ask("alice", REQUEST, json!({ "id": request })).await["node"].clone()
    }

    /// Assigns a package as Alice; gives the request.
    async fn assigns(&self, package: &Value, user: &Value, more: Value) -> Value {
        let mut input =
            json!({ "accessPackage": package, "user": user, "policy": self.policy_of(package).await });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.mutation("alice", "createAssignment", "accessRequest { id }", input).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        made["accessRequest"]["id"].clone()
    }

    /// A mutation of somebody who was made by `people`.
    async fn as_person(&self, name: &str, mutation: &str, fields: &str, input: Value) -> Value {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {fields} userErrors {{ code message field }} }} }}"
        );
        let token = self.token_with(name, "contoso", &[]);
        let answer = self.ask_with(&token, &query, json!({ "input": input })).await;
        assert!(answer.json["errors"].is_null(), "{name}: {}", answer.json);
        answer.json["data"][mutation].clone()
    }

    /// Ends the assignment of a request whose holder was made by `people`.
    async fn ends_by(&self, way: Ending, request: &Value, name: &str, user: &Value, package: &Value) {
        let assignment = self.book(request).await["assignment"]["id"].clone();
        let reason = "The project is over.";
        let done = match way {
            Ending::Revoked => {
                let input = json!({ "id": assignment, "reason": reason });
                self.mutation("alice", "revokeAssignment", "assignment { state }", input).await
            }
            Ending::RevokedByIds => {
                let input = json!({ "selection": { "ids": [assignment] }, "reason": reason });
                let done = self.on_assignments("alice", "revokeAssignments", input).await;
                assert_eq!(done["bulkOperation"]["acceptedCount"], 1, "{done}");
                done
            }
            Ending::RevokedByFilter => {
                let filter = json!({ "user": [user], "accessPackage": [package],
                    "state": ["SCHEDULED", "DELIVERING", "PARTIALLY_DELIVERED", "DELIVERED", "DELIVERY_FAILED"] });
                let input =
                    json!({ "selection": { "filter": filter }, "expectedCount": 1, "reason": reason });
                let done = self.on_assignments("alice", "revokeAssignments", input).await;
                assert_eq!(codes(&done), [""; 0], "{done}");
                self.work().await;
                done
            }
            Ending::GivenUp => {
                self.as_person(name, "giveUpAssignment", "assignment { state }", json!({ "id": assignment })).await
            }
            Ending::Deactivated => {
                self.mutation("alice", "deactivateUser", "user { state }", json!({ "id": user })).await
            }
            Ending::Expired => {
                let end = self.book(request).await["assignment"]["expiresAt"].clone();
                let end: chrono::DateTime<chrono::Utc> = end.as_str().unwrap().parse().unwrap();
                self.clock.advance(end - self.clock.now());
                self.work().await;
                json!({ "userErrors": [] })
            }
            Ending::Replaced => {
                let input = json!({ "accessPackage": package });
                self.as_person(name, "submitAccessRequest", "accessRequest { id }", input).await
            }
        };
        assert_eq!(codes(&done), [""; 0], "{way:?}: {done}");
    }

    /// A request was canceled because its assignment ended in this way, from this state.
    async fn is_canceled_by(&self, way: Ending, request: &Value, from: &str, holder: &str) {
        let seen = self.book(request).await;
        assert_eq!(seen["state"], "CANCELED", "{way:?} {from}: {seen}");
        assert!(seen["completedAt"].is_string(), "{way:?} {from}");
        assert_eq!(seen["reprocess"], json!({ "eligible": false, "reason": "NOT_REPROCESSABLE_STATE" }), "{way:?} {from}");
        assert_eq!(seen["viewerCanCancel"], false, "{way:?} {from}");
        let last = seen["history"]["nodes"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["action"], &last["fromState"]), (&json!("CANCELED"), &json!(from)), "{way:?}: {seen}");
        assert_eq!((&last["reason"], &last["actor"]), (&json!(way.reason()), &way.actor(holder)), "{way:?} {from}");
        let by_bulk = matches!(way, Ending::RevokedByIds | Ending::RevokedByFilter);
        assert_eq!(last["bulkOperation"]["id"].is_string(), by_bulk, "{way:?} {from}");
        let query = "query($target: [ID!]) { auditEvents(filter: {target: $target, action: [\"access_request.canceled\"]}) { totalCount } }";
        let audited = self.ask("alice", query, json!({ "target": [request] })).await;
        assert_eq!(audited["auditEvents"]["totalCount"], 1, "{way:?} {from}");
    }
}

on_both_databases! {
    async fn d08_what_ends_before_its_start_cancels_its_request(server: Server) {
        let ways = [Ending::Revoked, Ending::RevokedByIds, Ending::RevokedByFilter, Ending::GivenUp, Ending::Deactivated];
        let people = server.people("Early", ways.len()).await;
        for (at, (way, user)) in ways.into_iter().zip(&people).enumerate() {
            let name = format!("Early {at}");
            let package = server.guarded(&format!("{way:?}"), json!({})).await;
            let starts = json!({ "startsAt": server.clock.now() + TimeDelta::days(3) });
            let request = server.assigns(&package, user, starts).await;
            assert_eq!(server.book(&request).await["state"], "SCHEDULED", "{way:?}");
            let delete = async || codes(&server.mutation("alice", "deleteAccessPackage", "accessPackage { id }", json!({ "id": package })).await).first().map(|code| (*code).to_owned());
            assert_eq!(delete().await.as_deref(), Some("IN_USE"), "{way:?}");
            server.ends_by(way, &request, &name, user, &package).await;
            server.is_canceled_by(way, &request, "SCHEDULED", &name).await;
            assert_eq!(server.book(&request).await["assignment"]["state"], "ENDED", "{way:?}");
            // The person can ask again, and take it back again; then nothing holds the package.
            if way != Ending::Deactivated {
                let again = server.as_person(&name, "submitAccessRequest", "accessRequest { id state }", json!({ "accessPackage": package,
                    "startsAt": server.clock.now() + TimeDelta::days(3) })).await;
                assert_eq!((codes(&again), &again["accessRequest"]["state"]), (vec![], &json!("SCHEDULED")), "{way:?}");
                let canceled = server.as_person(&name, "cancelAccessRequest", "accessRequest { state }", json!({ "id": again["accessRequest"]["id"] })).await;
                assert_eq!(canceled["accessRequest"]["state"], "CANCELED", "{way:?}: {canceled}");
            }
            assert_eq!(delete().await, None, "{way:?}");
        }
        server.clock.advance(TimeDelta::days(4));
        server.work().await;
        let members = server.members("frontend").await;
        assert!(!members.iter().any(|member| member.starts_with("Early")), "{members:?}");
    }
}

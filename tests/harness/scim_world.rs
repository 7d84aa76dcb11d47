//! Catalogs, packages and people around a SCIM server, built through the API, and what Guichet's books say.

use std::cmp::max;

use chrono::{DateTime, TimeDelta, Utc};
use guichet::demo;
use serde_json::{Value, json};

use super::{Server, codes};

/// The bearer token of every SCIM server.
pub const TOKEN: &str = "a-token-of-the-scim-server";

/// How long a test waits for what is tried again, by the test's clock: adds are given up after six hours, and a removal
/// that waiting alone does not help is tried again after a day.
const PATIENCE: TimeDelta = TimeDelta::hours(40);

const BOOKS: &str = "query($p: ID!, $ps: [ID!]) {
    assignments(filter: { accessPackage: $ps }, first: 100) { nodes { id state user { id } } }
    accessRequests(filter: { accessPackage: [$p] }, first: 100) { nodes { requestor { id } assignment { id }
        deliveries { operation state nextAttemptAt lastError { code } } } } }";

/// A package over one group of a SCIM server.
#[derive(Clone, Debug)]
pub struct ScimPackage {
    pub catalog: Value,
    pub role: Value,
    pub package: Value,
    /// Its policy: every member, without end.
    pub policy: Value,
}

/// An assignment, as the books have it.
#[derive(Clone, Debug)]
pub struct Held {
    pub id: Value,
    pub user: Value,
    pub state: String,
}

/// A delivery, as the books have it.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub user: Value,
    pub assignment: Value,
    pub operation: String,
    pub state: String,
    pub code: Option<String>,
    pub next: Option<DateTime<Utc>>,
}

impl Delivered {
    /// Whether it waits or was given up, and says why.
    pub fn names_a_failure(&self) -> bool {
        matches!(self.state.as_str(), "FAILED" | "PENDING") && self.code.is_some()
    }

    fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "PENDING" | "IN_PROGRESS")
    }
}

/// What Guichet says of some packages.
#[derive(Clone, Debug, Default)]
pub struct Books {
    pub assignments: Vec<Held>,
    pub deliveries: Vec<Delivered>,
}

impl Books {
    /// The state of an assignment.
    pub fn state_of(&self, assignment: &Value) -> &str {
        let held = self.assignments.iter().find(|held| held.id == *assignment);
        held.map_or("unknown", |held| held.state.as_str())
    }

    /// The codes of the deliveries that wait or were given up, in the order they were queued.
    pub fn failures(&self) -> Vec<&str> {
        let failing = self.deliveries.iter().filter(|delivery| delivery.names_a_failure());
        failing.filter_map(|delivery| delivery.code.as_deref()).collect()
    }
}

impl Server {
    /// Runs a mutation as Alice; gives the payload, which must not refuse.
    pub async fn build(&self, name: &str, fields: &str, input: Value) -> Value {
        let payload = self.mutation("alice", name, fields, input).await;
        assert_eq!(codes(&payload), [""; 0], "{name}: {payload}");
        payload
    }

    /// Asks for a package in a person's own name; gives the request.
    pub async fn ask_for(&self, subject: &str, package: &Value) -> Value {
        let input = json!({ "accessPackage": package });
        let payload = self.mutation(subject, "submitAccessRequest", "accessRequest { id }", input).await;
        assert_eq!(codes(&payload), [""; 0], "{subject}");
        payload["accessRequest"]["id"].clone()
    }

    /// A SCIM connector.
    pub async fn scim_connector(&self, name: &str, base_url: &str) -> Value {
        let input = json!({ "kind": "SCIM", "displayName": name, "baseUrl": base_url, "secret": TOKEN });
        self.build("createConnector", "connector { id }", input).await["connector"]["id"].clone()
    }

    /// A catalog with one group of a connector, and a package of it.
    pub async fn scim_package_of(&self, connector: &Value, name: &str, group: &str) -> ScimPackage {
        let catalog = self.build("createCatalog", "catalog { id }", json!({ "displayName": name })).await;
        let catalog = catalog["catalog"]["id"].clone();
        let opening = json!({ "connector": connector, "catalog": catalog, "targets": [group] });
        self.build("openConnector", "connector { id }", opening).await;
        let resource = json!({ "catalog": catalog, "connector": connector, "kind": "GROUP",
            "displayName": name, "originId": group });
        let made = self.build("createResource", "resource { roles { id } }", resource).await;
        self.package_in(&catalog, name, &made["resource"]["roles"][0]["id"]).await
    }

    /// Another package of a catalog that gives the same role.
    pub async fn package_in(&self, catalog: &Value, name: &str, role: &Value) -> ScimPackage {
        let input = json!({ "catalog": catalog, "displayName": name, "resourceRoles": [role] });
        let made = self.build("createAccessPackage", "accessPackage { id }", input).await;
        let package = made["accessPackage"]["id"].clone();
        let policy = json!({ "accessPackage": package, "displayName": "Everybody",
            "requestorScope": "ALL_MEMBERS", "expiration": { "never": true } });
        let made = self.build("createAssignmentPolicy", "assignmentPolicy { id }", policy).await;
        let policy = made["assignmentPolicy"]["id"].clone();
        ScimPackage { catalog: catalog.clone(), role: role.clone(), package, policy }
    }

    /// A member of Contoso with an address; gives the id.
    pub async fn colleague(&self, name: &str, email: &str) -> Value {
        let input = json!({ "displayName": name, "email": email, "subject": name,
            "issuer": demo::issuer("contoso") });
        self.build("createUser", "user { id }", input).await["user"]["id"].clone()
    }

    /// Changes the address of a user.
    pub async fn readdress(&self, user: &Value, email: &str) {
        let query = "query($id: ID!) { node(id: $id) { ... on User { version } } }";
        let version = self.ask("alice", query, json!({ "id": user })).await["node"]["version"].clone();
        let input = json!({ "id": user, "version": version, "email": email });
        self.build("updateUser", "user { id }", input).await;
    }

    /// Assigns a package directly; gives the assignment. Nothing is delivered yet.
    pub async fn give(&self, package: &ScimPackage, user: &Value) -> Value {
        let input = json!({ "accessPackage": package.package, "policy": package.policy, "user": user });
        let made = self.build("createAssignment", "accessRequest { assignment { id } }", input).await;
        made["accessRequest"]["assignment"]["id"].clone()
    }

    /// Revokes an assignment. Nothing is taken yet.
    pub async fn take(&self, assignment: &Value) {
        self.build("revokeAssignment", "assignment { id }", json!({ "id": assignment })).await;
    }

    /// What the books say of these packages.
    pub async fn books(&self, packages: &[&ScimPackage]) -> Books {
        let mut books = Books::default();
        for package in packages {
            let variables = json!({ "p": package.package, "ps": [package.package] });
            let found = self.ask("alice", BOOKS, variables).await;
            for held in found["assignments"]["nodes"].as_array().unwrap() {
                let state = held["state"].as_str().unwrap().to_owned();
                let (id, user) = (held["id"].clone(), held["user"]["id"].clone());
                books.assignments.push(Held { id, user, state });
            }
            for request in found["accessRequests"]["nodes"].as_array().unwrap() {
                let deliveries = request["deliveries"].as_array().unwrap();
                books.deliveries.extend(deliveries.iter().map(|delivery| delivered(request, delivery)));
            }
        }
        books
    }

    /// Works, and sets the clock forward to the next try and by steps that double, from an hour, until nothing waits or
    /// 40 hours have passed; gives what the books say then.
    pub async fn rest(&self, packages: &[&ScimPackage]) -> Books {
        let begin = self.clock.now();
        let mut step = TimeDelta::hours(1);
        loop {
            self.work().await;
            let books = self.books(packages).await;
            let open: Vec<&Delivered> = books.deliveries.iter().filter(|one| one.is_open()).collect();
            let now = self.clock.now();
            if open.is_empty() || now - begin > PATIENCE {
                return books;
            }
            let next = open.iter().filter_map(|delivery| delivery.next).min();
            let wait = next.map_or(TimeDelta::zero(), |next| next - now);
            self.clock.advance(max(wait, step));
            step = step * 2;
        }
    }
}

fn delivered(request: &Value, delivery: &Value) -> Delivered {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Delivered {
        user: request["requestor"]["id"].clone(),
        assignment: request["assignment"]["id"].clone(),
        operation: text(&delivery["operation"]).unwrap(),
        state: text(&delivery["state"]).unwrap(),
        code: text(&delivery["lastError"]["code"]),
        next: delivery["nextAttemptAt"].as_str().map(|at| at.parse().unwrap()),
    }
}

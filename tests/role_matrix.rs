//! Every query and mutation of the schema as every person of the demo, against `role_matrix.txt`.
//!
//! After a wanted change: `UPDATE_ROLE_MATRIX=1 cargo test role_matrix`, and read the difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, TypeDefinition, TypeKind, TypeSystemDefinition};
use guichet::authz::{Permission, Role};
use guichet::demo;
use serde_json::{Value, json};

use crate::harness::server::Answer;
use crate::harness::{Kind, Server, codes};

/// The columns: who, the catalog role that the story gives them, and what they are.
const COLUMNS: [(&str, Option<Role>, &str); 14] = [
    ("alice", None, "global administrator"),
    ("bruno", None, "identity governance administrator"),
    ("chloe", None, "user administrator"),
    ("deniz", None, "global reader"),
    ("emil", None, "catalog creator"),
    ("farah", None, "organization owner"),
    ("goran", Some(Role::CatalogOwner), "catalog owner of Engineering"),
    ("hana", Some(Role::AccessPackageManager), "access package manager of Engineering"),
    ("ivan", Some(Role::AccessPackageAssignmentManager), "access package assignment manager of Engineering"),
    ("judith", Some(Role::CatalogReader), "catalog reader of Engineering"),
    ("karim", None, "member without a role"),
    ("build-server", None, "resource server"),
    ("outsider", None, "Fabrikam's global administrator, looking at Contoso"),
    ("anonymous", None, "a call without a token"),
];

/// Mutations that need no permission, and why.
const FOR_EVERYBODY: [(&str, &str); 13] = [
    ("giveUpAssignment", "everybody gives up what they themselves hold"),
    ("submitAccessRequest", "everybody asks for themselves; the package's policies decide"),
    ("markNotificationsRead", "everybody marks what they themselves were told"),
    ("updateNotificationPreferences", "everybody says what they themselves want to be told"),
    ("reviewAccessRequests", "everybody decides what waits for them; policies say what that is"),
    ("extendAssignment", "everybody extends their own; managers of requests, those they manage"),
    ("submitDecisions", "everybody decides what waits in their inbox; policies and roles say what that is"),
    ("cancelAccessRequest", "everybody cancels their own; managers of requests, those they manage"),
    ("createAccessToken", "every member makes their own; what it is allowed, owners decide"),
    ("updateAccessToken", "one's own"),
    ("regenerateAccessToken", "one's own"),
    ("revokeAccessToken", "one's own"),
    ("cancelTokenRequest", "one's own tokens'"),
];

const LEGEND: &str = "\
# Who may do what. Written by the test in role_matrix.rs, which sends every query and every mutation of the
# schema as every person below, on SQLite and on PostgreSQL.
#
# Queries: yes   all that the global administrator sees
#          some  less than that
#          none  nothing
# Changes: may   somewhere in the organization; each object is still judged by itself
#          no    refused (FORBIDDEN), and noted in the audit trail
# Both:    401   not let in at all
#
";

/// The root fields of the schema: `Query` or `Mutation`.
fn root_fields(root: &str) -> BTreeMap<String, FieldDefinition> {
    let TypeKind::Object(object) = types().remove(root).unwrap().kind else { panic!("{root} is an object") };
    object.fields.into_iter().map(|field| (field.node.name.node.to_string(), field.node)).collect()
}

/// The types of the schema.
pub fn types() -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(guichet::graphql::sdl()).unwrap();
    let types = document.definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => {
            Some((definition.node.name.node.to_string(), definition.node))
        }
        _ => None,
    });
    types.collect()
}

/// The names of the types that are a `Node`.
pub fn node_types() -> Vec<String> {
    let is_node = |definition: &TypeDefinition| match &definition.kind {
        TypeKind::Object(object) => object.implements.iter().any(|interface| interface.node == "Node"),
        _ => false,
    };
    types().into_iter().filter(|(_, definition)| is_node(definition)).map(|(name, _)| name).collect()
}

/// The permission that `@requires` promises.
fn required(field: &FieldDefinition) -> Option<Permission> {
    let directive = field.directives.iter().find(|directive| directive.node.name.node == "requires")?;
    let value = directive.node.get_argument("permission").unwrap().node.clone().into_json().unwrap();
    Some(serde_json::from_value(value).unwrap())
}

const OBJECTS: &str = "query($nodes: [ID!]!) { nodes(ids: $nodes) { id } }";

/// Queries that show how much one sees; the weight of the answer counts.
const QUERIES: [(&str, &str); 25] = [
    (
        "accessRequestPreview",
        "query($package: ID!) { accessRequestPreview(input: { accessPackage: $package }) { policy { id } } }",
    ),
    ("accessPackages", "{ accessPackages { totalCount } }"),
    ("accessRequests", "{ accessRequests { totalCount } }"),
    ("assignments", "{ assignments { totalCount } }"),
    ("auditEvents", "{ auditEvents { totalCount } }"),
    ("bulkOperations", "{ bulkOperations { totalCount } }"),
    ("catalogs", "{ catalogs { totalCount } }"),
    ("connectedOrganizations", "{ connectedOrganizations { totalCount } }"),
    ("connectors", "{ connectors { totalCount } }"),
    ("failedMails", "{ failedMails { totalCount } }"),
    ("guestSteps", "{ guestSteps { totalCount } }"),
    ("introspectionClients", "{ introspectionClients { totalCount } }"),
    ("node", "query($node: ID!) { node(id: $node) { id } }"),
    ("nodes", OBJECTS),
    ("organization", "{ organization { slug displayName domains } }"),
    ("permissionCatalog", "{ permissionCatalog { name } }"),
    ("repositories", "{ repositories { totalCount } }"),
    ("requestsWithoutApprover", "{ requestsWithoutApprover { totalCount } }"),
    ("shareLinkTarget", "query($link: URL!) { shareLinkTarget(url: $link) { accessPackage { id } } }"),
    ("tokenGrants", "{ tokenGrants { totalCount } }"),
    ("tokenRequests", "{ tokenRequests { totalCount } }"),
    (
        "tokenAccess",
        "query($token: ID!) { tokenAccess(token: $token, permission: \"members_read\") { forbiddenBy } }",
    ),
    ("users", "{ users { totalCount } }"),
    ("viewer", "{ viewer { user { id } } }"),
    ("webhooks", "{ webhooks { totalCount } }"),
];

/// How much an answer holds: numbers count themselves, texts one, nulls nothing.
fn weight(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 0,
        Value::Number(number) => number.as_u64().unwrap(),
        Value::String(_) => 1,
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.values().map(weight).sum(),
    }
}

/// An input for every mutation, good but for its ids, or refused for what it says.
///
/// Every id is `<prefix>_x`, for others to be put in its place.
pub fn samples() -> Vec<(&'static str, Value)> {
    vec![
        ("addAccessPackageResourceRoles", json!({ "id": "pkg_x", "resourceRoles": ["rrole_x"] })),
        ("addResourceRole", json!({ "resource": "res_x", "displayName": "Owner", "originId": "owner" })),
        ("assignCatalogRole", json!({ "catalog": "cat_x", "role": "CATALOG_READER", "user": "usr_x" })),
        ("cancelAccessRequest", json!({ "id": "areq_x", "reason": "Sample." })),
        ("cancelTokenRequest", json!({ "id": "treq_x" })),
        ("createAccessPackage", json!({ "catalog": "cat_x", "displayName": "Sample" })),
        (
            "createAccessToken",
            json!({ "name": "Sample", "expiresAt": "2026-12-01T00:00:00Z",
                "access": { "fineGrained": { "repositorySelection": "SUBSET", "repositories": ["repo_x"] } } }),
        ),
        ("createAssignment", json!({ "accessPackage": "pkg_x", "policy": "pol_x", "user": "usr_x" })),
        ("createAssignments", json!({ "accessPackage": "pkg_x", "policy": "pol_x", "users": ["usr_x"] })),
        (
            "createAssignmentPolicy",
            json!({ "accessPackage": "pkg_x", "displayName": "Sample", "requestorScope": "ALL_MEMBERS",
                "expiration": { "never": true } }),
        ),
        ("createCatalog", json!({ "displayName": "" })),
        (
            "createConnectedOrganization",
            json!({ "displayName": "Sample", "internalSponsors": ["usr_x"], "identitySources":
                [{ "domain": { "domain": "sample.example", "issuers": [demo::issuer("fabrikam")] } }] }),
        ),
        ("deleteConnectedOrganization", json!({ "id": "corg_x" })),
        ("updateConnectedOrganization", json!({ "id": "corg_x", "version": 1, "displayName": "Sample" })),
        ("unblockUser", json!({ "id": "usr_x" })),
        ("createConnector", json!({ "displayName": "", "kind": "DIRECTORY" })),
        ("extendAssignment", json!({ "assignment": "asg_x" })),
        (
            "createDirectoryGroup",
            json!({ "connector": "conn_x", "displayName": "Sample", "originId": "sample" }),
        ),
        (
            "createResource",
            json!({ "catalog": "cat_x", "connector": "conn_x", "displayName": "Sample", "kind": "GROUP",
                "originId": "sample" }),
        ),
        (
            "createUser",
            json!({ "displayName": "Sample", "issuer": demo::issuer("contoso"), "subject": "sample",
                "manager": "usr_x" }),
        ),
        ("deactivateUser", json!({ "id": "usr_x" })),
        ("deleteAccessPackage", json!({ "id": "pkg_x" })),
        ("deleteAssignmentPolicy", json!({ "id": "pol_x" })),
        ("deleteCatalog", json!({ "id": "cat_x" })),
        ("deleteConnector", json!({ "id": "conn_x" })),
        ("deleteDirectoryGroup", json!({ "id": "dgrp_x" })),
        ("deleteResource", json!({ "id": "res_x" })),
        ("openConnector", json!({ "catalog": "cat_x", "connector": "conn_x", "targets": ["*"] })),
        ("reactivateUser", json!({ "id": "usr_x" })),
        ("removeAccessPackageResourceRoles", json!({ "id": "pkg_x", "resourceRoles": ["rrole_x"] })),
        ("regenerateAccessToken", json!({ "id": "tok_x" })),
        ("removeResourceRole", json!({ "id": "rrole_x" })),
        (
            "reprocessAccessRequests",
            json!({ "selection": { "filter": { "accessPackage": ["pkg_x"] } }, "expectedCount": 1 }),
        ),
        (
            "reviewAccessRequests",
            json!({ "selection": { "filter": { "accessPackage": ["pkg_x"] } }, "decision": "DENY", "expectedCount": 5_000 }),
        ),
        (
            "reviewTokenRequests",
            json!({ "selection": { "filter": { "owner": ["usr_x"] } }, "decision": "DENY", "expectedCount": 5_000 }),
        ),
        ("revokeAccessToken", json!({ "id": "tok_x" })),
        (
            "revokeTokenGrants",
            json!({ "selection": { "filter": { "owner": ["usr_x"] } }, "expectedCount": 5_000 }),
        ),
        ("revokeAssignment", json!({ "id": "asg_x" })),
        (
            "setIncompatibleAccessPackages",
            json!({ "accessPackage": "pkg_x", "incompatibleAccessPackages": ["pkg_x"] }),
        ),
        (
            "revokeAssignments",
            json!({ "selection": { "filter": { "accessPackage": ["pkg_x"] } }, "expectedCount": 5_000 }),
        ),
        (
            "reprocessAssignments",
            json!({ "selection": { "filter": { "accessPackage": ["pkg_x"] } }, "expectedCount": 5_000 }),
        ),
        ("giveUpAssignment", json!({ "id": "asg_x" })),
        ("createShareLink", json!({ "accessPackage": "pkg_x", "label": "" })),
        ("revokeShareLink", json!({ "id": "slnk_x" })),
        ("submitAccessRequest", json!({ "accessPackage": "pkg_x" })),
        (
            "submitDecisions",
            json!({ "selection": { "filter": { "accessPackage": ["pkg_x"], "requestor": ["usr_x"] } },
                "decision": "DENY", "expectedCount": 5_000 }),
        ),
        (
            "linkAccount",
            json!({ "connector": "conn_x", "links": [{ "user": "usr_x", "remoteId": "sample" }], "mode": "CORRECT" }),
        ),
        ("previewCorrelation", json!({ "connector": "conn_x", "users": ["usr_x"] })),
        ("resolveManually", json!({ "deliveries": ["dlv_x"], "reason": "" })),
        ("testConnector", json!({ "id": "conn_x" })),
        ("unlinkAccount", json!({ "accounts": [] })),
        ("unassignCatalogRole", json!({ "id": "crole_x" })),
        ("updateAccessToken", json!({ "id": "tok_x", "version": 1, "name": "Sample" })),
        ("updateAccessPackage", json!({ "id": "pkg_x", "version": 1, "displayName": "Sample" })),
        ("updateAssignmentPolicy", json!({ "id": "pol_x", "version": 1, "displayName": "Sample" })),
        ("updateCatalog", json!({ "id": "cat_x", "version": 1, "displayName": "Sample" })),
        ("updateConnector", json!({ "id": "conn_x", "version": 1, "displayName": "Sample" })),
        ("updateOrganization", json!({ "version": 0, "displayName": "Sample" })),
        ("updateResource", json!({ "id": "res_x", "version": 1, "displayName": "Sample" })),
        ("updateUser", json!({ "id": "usr_x", "version": 1, "displayName": "Sample" })),
        ("markNotificationsRead", json!({ "selection": { "ids": ["ntf_x"] } })),
        (
            "updateNotificationPreferences",
            json!({ "preferences": [{ "kind": "TOKEN_REQUEST_DENIED", "enabled": false }] }),
        ),
        ("createIntrospectionClient", json!({ "displayName": "" })),
        (
            "createPermissionDefinition",
            json!({ "target": "REPOSITORY", "name": "", "lowestLevel": "READ", "highestLevel": "WRITE" }),
        ),
        ("createRepository", json!({ "name": "", "visibility": "PRIVATE" })),
        ("deleteIntrospectionClient", json!({ "id": "icl_x" })),
        ("deletePermissionDefinition", json!({ "target": "REPOSITORY", "name": "no_such" })),
        ("deleteRepository", json!({ "id": "repo_x" })),
        ("setBaseAccessLevel", json!({ "version": 0, "level": "NONE" })),
        ("setOrganizationAccess", json!({ "user": "usr_x", "level": "READ" })),
        ("setRepositoryAccess", json!({ "repository": "repo_x", "user": "usr_x", "level": "READ" })),
        ("updateRepository", json!({ "id": "repo_x", "version": 1, "description": "Sample" })),
        ("createWebhook", json!({ "displayName": "", "url": "" })),
        ("deleteWebhook", json!({ "id": "whk_x" })),
        ("sendWebhookDeliveryAgain", json!({ "id": "whd_x" })),
        ("updateWebhook", json!({ "id": "whk_x", "version": 1, "displayName": "Sample" })),
        ("updateTokenPolicy", json!({ "version": 0, "classic": "RESTRICTED" })),
    ]
}

/// A mutation as an operation that asks for the refusals only.
pub fn mutation(name: &str) -> String {
    let input = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    format!("mutation($input: {input}!) {{ {name}(input: $input) {{ userErrors {{ code }} }} }}")
}

impl Server {
    /// Sends an operation as the person of a column.
    async fn as_column(&self, column: &str, query: &str, variables: Value) -> Answer {
        match column {
            "anonymous" => self.call(None, None, query, variables).await,
            "outsider" => self.call(Some(&self.token("mila")), Some("contoso"), query, variables).await,
            _ => self.call(Some(&self.token(column)), None, query, variables).await,
        }
    }

    /// The ids of every object that a person sees, by type: everything that the lists lead to.
    pub async fn everything(&self, subject: &str) -> BTreeMap<String, Vec<String>> {
        const QUERIES: [&str; 10] = [
            "{ viewer { notifications { nodes { __typename id } } } }",
            "{ repositories { nodes { __typename id access { nodes { __typename id } } } }
               introspectionClients { nodes { __typename id } }
               webhooks { nodes { __typename id deliveries(first: 100) { nodes { __typename id } } } } }",
            "{ connectedOrganizations { nodes { __typename id } } organization { __typename id } users(first: 100) { nodes { __typename id } }
               connectors { nodes { __typename id groups(first: 100) { nodes { __typename id } } } } }",
            "{ catalogs { nodes { __typename id roleAssignments { nodes { __typename id } }
                 resources { nodes { __typename id roles { __typename id } } }
                 accessPackages { nodes { __typename id policies { __typename id } } } } } }",
            "{ accessRequests(first: 100) { nodes { __typename id deliveries { __typename id } approvals { __typename id } } }
               assignments(first: 100) { nodes { __typename id } } }",
            "{ tokenRequests { nodes { __typename id token { __typename id } } } tokenGrants { nodes { __typename id } } }",
            "{ accessPackages { nodes { signedLinks { nodes { __typename id } } } } }",
            "{ connectors { nodes { system { __typename id } accounts { nodes { __typename id } } } } }",
            "{ assignments(first: 30) { nodes { user { grants(state: [ABSENT, GIVING, HELD], first: 5) { nodes { __typename id } } } } } }",
            "{ bulkOperations { nodes { __typename id } } auditEvents { nodes { __typename id } } }",
        ];
        self.tell_something(subject).await;
        self.have_accounts().await;
        let mut found = BTreeMap::new();
        for query in QUERIES {
            gather(&self.ask(subject, query, json!({})).await, &mut found);
        }
        found
    }

    /// An account of somebody at each remote system that has none.
    async fn have_accounts(&self) {
        self.sql(match self.kind {
            Kind::Sqlite => {
                "INSERT INTO remote_account (id, organization_id, system_id, user_id, remote_id, state, origin, version,
                created_at, updated_at) SELECT randomblob(16), y.organization_id, y.id, (SELECT u.id FROM app_user u
                WHERE u.organization_id = y.organization_id ORDER BY u.id LIMIT 1), 'known', 'LINKED', 'USER_NAME', 1,
                y.created_at, y.created_at FROM remote_system y
                WHERE NOT EXISTS (SELECT 1 FROM remote_account a WHERE a.system_id = y.id)"
            }
            Kind::Postgres => {
                "INSERT INTO remote_account (id, organization_id, system_id, user_id, remote_id, state, origin, version,
                created_at, updated_at) SELECT gen_random_uuid(), y.organization_id, y.id, (SELECT u.id FROM app_user u
                WHERE u.organization_id = y.organization_id ORDER BY u.id LIMIT 1), 'known', 'LINKED', 'USER_NAME', 1,
                y.created_at, y.created_at FROM remote_system y
                WHERE NOT EXISTS (SELECT 1 FROM remote_account a WHERE a.system_id = y.id)"
            }
        })
        .await;
    }

    /// A step at the end of a guest, on record.
    pub async fn guest_ended(&self) {
        self.sql("INSERT INTO guest_step (id, organization_id, user_id, step, at, since, actor_id)
            SELECT id, organization_id, id, 'BLOCKED', created_at, created_at, NULL FROM app_user WHERE subject = 'lena'").await;
    }

    /// Makes a bulk operation that changes nothing.
    pub async fn dry_run(&self, subject: &str) {
        const DRY_RUN: &str = "mutation { reprocessAccessRequests(input: {dryRun: true,
            selection: {filter: {state: [DELIVERY_FAILED, PARTIALLY_DELIVERED]}}}) { userErrors { code } } }";
        let answer = self.ask(subject, DRY_RUN, json!({})).await;
        assert_eq!(codes(&answer["reprocessAccessRequests"]), [""; 0]);
        self.work().await;
    }

    /// Makes a token that waits, and two that were granted something, a webhook that is to be told of them, and a
    /// signed link.
    pub async fn tokens_of(&self, subject: &str, organization: &str, repository: &str) {
        let owner = if organization == "fabrikam" { "mila" } else { "farah" };
        let owner = self.token_with(owner, organization, &["ORGANIZATION_OWNER"]);
        let name = format!("For {subject}");
        let query = "mutation($name: String!) {
            createWebhook(input: {displayName: $name, url: \"http://127.0.0.1:9/\"}) { userErrors { code } } }";
        self.ask_with(&owner, query, json!({ "name": name })).await;
        let query = "query($name: String!) { repositories(filter: {search: $name}) { nodes { id } } }";
        let found = self.ask(subject, query, json!({ "name": repository })).await;
        let repository = found["repositories"]["nodes"][0]["id"].clone();
        let subset = self.fine("SUBSET", &[repository], &[]);
        for access in [self.fine("NONE", &[], &[]), subset.clone()] {
            assert_eq!(codes(&self.make_token(subject, access).await), [""; 0]);
        }
        let owner = self.token_with(subject, organization, &["ORGANIZATION_OWNER"]);
        let input = json!({ "name": "Owned", "expiresAt": self.in_days(30), "access": subset });
        let made = self.ask_with(&owner, &mutation("createAccessToken"), json!({ "input": input })).await;
        assert_eq!(codes(&made.json["data"]["createAccessToken"]), [""; 0]);
        // And a signed link, which needs a package.
        let owner = if organization == "fabrikam" { "mila" } else { "alice" };
        let packages = self.ask(owner, "{ accessPackages { nodes { id } } }", json!({})).await;
        let input = json!({ "accessPackage": packages["accessPackages"]["nodes"][0]["id"], "label": name });
        let made = self.ask(owner, &mutation("createShareLink"), json!({ "input": input })).await;
        assert_eq!(codes(&made["createShareLink"]), [""; 0]);
    }

    /// The events of what was refused, newest first.
    async fn refusals(&self) -> Vec<Value> {
        const REFUSED: &str = "{ auditEvents(filter: {outcome: [REFUSED]}, first: 100) {
            nodes { id action requestId actor { displayName } } } }";
        let events = self.ask("alice", REFUSED, json!({})).await;
        events["auditEvents"]["nodes"].as_array().unwrap().clone()
    }
}

fn gather(value: &Value, found: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(fields) => {
            if let (Some(Value::String(name)), Some(Value::String(id))) =
                (fields.get("__typename"), fields.get("id"))
            {
                found.entry(name.clone()).or_default().push(id.clone());
            }
            fields.values().for_each(|field| gather(field, found));
        }
        _ => {}
    }
}

fn error_codes(answer: &Answer) -> Vec<&str> {
    let errors = answer.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap()).collect()
}

/// Whether the person of a column holds a permission, by THE table: everywhere, or somewhere.
fn holds(column: &str, permission: Permission) -> (bool, bool) {
    let claimed = demo::PEOPLE.iter().find(|person| person.subject == column);
    let everywhere = claimed.is_some_and(|person| person.roles.iter().any(|role| role.grants(permission)));
    let (_, assigned, _) = COLUMNS.iter().find(|(name, ..)| *name == column).unwrap();
    (everywhere, everywhere || assigned.is_some_and(|role| role.grants(permission)))
}

/// The line of a query: how much each person sees of it.
async fn query_line(server: &Server, query: &str, variables: &Value) -> Vec<&'static str> {
    let mut cells = Vec::new();
    let mut most = 0;
    for (column, ..) in COLUMNS {
        let answer = server.as_column(column, query, variables.clone()).await;
        if column == "anonymous" {
            assert_eq!((answer.status, error_codes(&answer)), (401, vec!["UNAUTHENTICATED"]), "{query}");
            cells.push("401");
            continue;
        }
        assert!(answer.json["errors"].is_null(), "{column}: {query}\n{}", answer.json);
        let seen = weight(&answer.json["data"]);
        if column == "alice" {
            assert!(seen > 0, "the global administrator sees nothing: {query}");
            most = seen;
        }
        assert!(seen <= most, "{column} sees more than the global administrator: {query}");
        cells.push(if seen == 0 {
            "none"
        } else if seen == most {
            "yes"
        } else {
            "some"
        });
    }
    cells
}

/// The line of a mutation: who may.
async fn mutation_line(server: &Server, name: &str, input: &Value) -> Vec<&'static str> {
    let mut cells = Vec::new();
    for (column, ..) in COLUMNS {
        let answer = server.as_column(column, &mutation(name), json!({ "input": input })).await;
        cells.push(match error_codes(&answer)[..] {
            ["UNAUTHENTICATED"] if answer.status == 401 => "401",
            ["FORBIDDEN"] => "no",
            [] => {
                // Nothing must be changed by a sample.
                assert_ne!(codes(&answer.json["data"][name]), [""; 0], "{name} as {column} was done");
                "may"
            }
            _ => panic!("{name} as {column}: {}", answer.json),
        });
    }
    cells
}

fn write_line(table: &mut String, name: &str, cells: &[&str]) {
    write!(table, "{name:<34}").unwrap();
    for ((column, ..), cell) in COLUMNS.iter().zip(cells) {
        write!(table, "{cell:<width$}", width = column.len().max(4) + 2).unwrap();
    }
    table.truncate(table.trim_end().len());
    table.push('\n');
}

fn write_head(table: &mut String, title: &str) {
    table.push('\n');
    write_line(table, title, &COLUMNS.map(|(column, ..)| column));
}

on_both_databases! {
    async fn what_everybody_may_is_as_the_table_says(server: Server) {
        // Everybody was here once, so that no first sight comes between.
        for (column, ..) in COLUMNS {
            server.as_column(column, "{ viewer { roles } }", json!({})).await;
        }
        server.dry_run("alice").await;
        server.dry_run("hana").await;
        server.guest_ended().await;
        server.tokens_of("karim", "contoso", "website").await;
        server.tokens_of("lena", "contoso", "website").await;

        let mut table = LEGEND.to_owned();
        for (column, _, title) in COLUMNS {
            writeln!(table, "# {column:<12}  {title}").unwrap();
        }
        let objects = server.everything("alice").await;
        assert_eq!(objects.keys().cloned().collect::<Vec<_>>(), node_types(), "an object of every type");
        let backend = server.package("Backend engineer").await;
        let one = server.ask("karim", "query($package: ID!) { viewer { accessRequests(
            filter: {accessPackage: [$package]}) { nodes { id } } } }", json!({ "package": backend })).await;
        let one = one["viewer"]["accessRequests"]["nodes"][0]["id"].clone();
        let each: Vec<&String> = objects.values().map(|ids| &ids[0]).collect();
        let token = &objects["AccessToken"][0];
        let link = server.share_link(&backend).await;
        let variables = json!({ "node": one, "nodes": each, "token": token, "package": backend, "link": link });

        write_head(&mut table, "Queries");
        for (name, field) in root_fields("Query") {
            let sample = QUERIES.iter().find(|(sample, _)| *sample == name);
            let (_, query) = sample.unwrap_or_else(|| panic!("the query {name} has no sample: write one"));
            let cells = query_line(&server, query, &variables).await;
            for ((column, ..), cell) in COLUMNS.iter().zip(&cells) {
                let Some((everywhere, somewhere)) = required(&field).map(|needed| holds(column, needed)) else {
                    continue;
                };
                assert!(!everywhere || *cell == "yes", "{name}: {column} holds the permission, but sees {cell}");
                assert!(!somewhere || *cell != "none", "{name}: {column} holds the permission, but sees {cell}");
            }
            write_line(&mut table, &name, &cells);
        }
        write_head(&mut table, "Objects by their ids");
        for (name, ids) in &objects {
            let ids: Vec<&String> = ids.iter().take(100).collect();
            write_line(&mut table, name, &query_line(&server, OBJECTS, &json!({ "nodes": ids })).await);
        }
        write_head(&mut table, "Changes");
        let before = server.contents().await;
        let samples = samples();
        for (name, field) in root_fields("Mutation") {
            let sample = samples.iter().find(|(sample, _)| *sample == name);
            let (_, input) = sample.unwrap_or_else(|| panic!("the mutation {name} has no sample: write one"));
            let cells = mutation_line(&server, &name, input).await;
            let open = FOR_EVERYBODY.iter().any(|(open, _)| *open == name);
            assert_eq!(required(&field).is_none(), open, "{name}: @requires, or a reason in FOR_EVERYBODY");
            for ((column, ..), cell) in COLUMNS.iter().zip(&cells) {
                let promised = match (*column, required(&field)) {
                    ("anonymous", _) => "401",
                    (_, None) => "may",
                    (_, Some(permission)) if holds(column, permission).1 => "may",
                    _ => "no",
                };
                assert_eq!(*cell, promised, "{name} as {column}: not as the table of roles and @requires say");
            }
            write_line(&mut table, &name, &cells);
        }
        assert_eq!(server.contents().await, before, "a sample changed something");

        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/role_matrix.txt");
        if env::var_os("UPDATE_ROLE_MATRIX").is_some() && server.kind == Kind::Sqlite {
            fs::write(&path, &table).unwrap();
        }
        let golden = fs::read_to_string(&path).unwrap_or_default();
        let same = golden == table || env::var_os("UPDATE_ROLE_MATRIX").is_some();
        assert!(same, "the table is now as follows (UPDATE_ROLE_MATRIX=1 writes it):\n{table}\n{}",
            golden.lines().zip(table.lines()).filter(|(was, is)| was != is)
                .fold(String::new(), |text, (was, is)| text + "- " + was + "\n+ " + is + "\n"));
    }

    async fn what_is_forbidden_changes_nothing_and_is_audited(server: Server) {
        server.ask("karim", "{ viewer { roles } }", json!({})).await;
        server.ask("alice", "{ viewer { roles } }", json!({})).await;
        let before = server.contents().await;
        let samples = samples();
        for (name, field) in root_fields("Mutation") {
            let Some(permission) = required(&field) else { continue };
            let (_, input) = samples.iter().find(|(sample, _)| *sample == name).unwrap();
            let refused = server.refusals().await;
            let answer = server.as_column("karim", &mutation(&name), json!({ "input": input })).await;
            assert_eq!(error_codes(&answer), ["FORBIDDEN"], "{name}");
            assert_eq!(answer.json["data"], Value::Null, "{name}");
            let roles: Vec<&str> = Role::granting(permission).into_iter().map(Role::name).collect();
            assert_eq!(answer.json["errors"][0]["extensions"]["requiredRoles"], json!(roles), "{name}");
            assert!(server.contents().await == before, "{name} was refused, and changed something");
            let now = server.refusals().await;
            let new: Vec<&Value> = now.iter().filter(|event| !refused.contains(event)).collect();
            assert_eq!((new.len(), now.len()), (1, refused.len() + 1), "{name}: one event of a refusal");
            assert_eq!(new[0]["actor"]["displayName"], "Karim Benali", "{name}");
            assert_eq!(new[0]["requestId"], answer.headers["x-request-id"], "{name}");
        }
    }
}

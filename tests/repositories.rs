//! Repositories, the permission catalogue and introspection clients, through the API.

use serde_json::{Value, json};

use crate::harness::{Server, codes};

const NAMES: &str =
    "{ repositories(first: 100) { totalCount nodes { name viewerLevel access { totalCount } } } }";
const ALL_FIELDS: &str =
    "id name description visibility originId viewerLevel viewerCanEdit version createdAt deletedAt";

impl Server {
    /// The payload of a mutation, whatever its end.
    pub async fn mutation(&self, subject: &str, name: &str, fields: &str, input: Value) -> Value {
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {name}(input: $input) {{ {fields} userErrors {{ code message field }} }} }}"
        );
        self.ask(subject, &query, json!({ "input": input })).await[name].clone()
    }

    /// A repository of Contoso by its name.
    pub async fn repository(&self, name: &str) -> Value {
        let query =
            "query($name: String!) { repositories(filter: {search: $name}) { nodes { id name version } } }";
        let found = self.ask("farah", query, json!({ "name": name })).await;
        found["repositories"]["nodes"][0].clone()
    }

    /// The actions of the newest audit events about an object.
    async fn audited(&self, target: &Value) -> Vec<String> {
        let query = "query($target: [ID!]) { auditEvents(filter: {target: $target}, first: 20) { nodes { action } } }";
        let found = self.ask("alice", query, json!({ "target": [target] })).await;
        let nodes = found["auditEvents"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["action"].as_str().unwrap().to_owned()).collect()
    }
}

fn seen(answer: &Value) -> Vec<(String, Value)> {
    let nodes = answer["repositories"]["nodes"].as_array().unwrap().iter();
    nodes.map(|node| (node["name"].as_str().unwrap().to_owned(), node["viewerLevel"].clone())).collect()
}

on_both_databases! {
    async fn a_repository_is_made_changed_and_deleted_by_owners(server: Server) {
        let input = json!({ "name": "Engine", "description": "It runs.", "visibility": "PRIVATE",
            "originId": "remote/1", "idempotencyKey": "k" });
        let create = async |input: &Value| server.mutation("farah", "createRepository",
            &format!("repository {{ {ALL_FIELDS} }}"), input.clone()).await;
        let made = create(&input).await;
        assert_eq!(codes(&made), [""; 0]);
        let made = &made["repository"];
        assert_eq!(made["name"], "Engine");
        assert_eq!(made["originId"], "remote/1");
        assert_eq!(made["viewerLevel"], "ADMIN", "who administers the organization administers what is in it");
        assert_eq!(&create(&input).await["repository"], made, "the same key, the same repository");
        let id = &made["id"];
        for (bad, code) in [
            (json!({ "name": "engine", "visibility": "PUBLIC" }), "NAME_TAKEN"),
            (json!({ "name": "other", "visibility": "PUBLIC", "originId": "remote/1" }), "NAME_TAKEN"),
            (json!({ "name": "a/b", "visibility": "PUBLIC" }), "INVALID_INPUT"),
            (json!({ "name": "..", "visibility": "PUBLIC" }), "INVALID_INPUT"),
            (json!({ "name": "other", "visibility": "PUBLIC", "originId": "" }), "INVALID_INPUT"),
            (json!({ "name": "other", "visibility": "PUBLIC", "idempotencyKey": "k" }), "IDEMPOTENCY_KEY_REUSED"),
        ] {
            let before = server.contents().await;
            assert_eq!(codes(&create(&bad).await), [code], "{bad}");
            assert_eq!(server.contents().await, before, "{bad}");
        }
        let update = async |input: Value| server.mutation("farah", "updateRepository",
            &format!("repository {{ {ALL_FIELDS} }}"), input).await;
        let changed = update(json!({ "id": id, "version": 1, "visibility": "INTERNAL", "originId": null })).await;
        assert_eq!(changed["repository"]["visibility"], "INTERNAL");
        assert_eq!(changed["repository"]["originId"], Value::Null);
        assert_eq!(changed["repository"]["name"], "Engine");
        assert_eq!(changed["repository"]["version"], 2);
        assert_eq!(codes(&update(json!({ "id": id, "version": 1, "name": "late" })).await), ["CONFLICT"]);
        assert_eq!(codes(&update(json!({ "id": id, "version": 2, "name": "WEBSITE" })).await), ["NAME_TAKEN"]);
        let deleted = server.mutation("farah", "deleteRepository", "repository { deletedAt }", json!({ "id": id })).await;
        assert_ne!(deleted["repository"]["deletedAt"], Value::Null);
        assert_eq!(codes(&update(json!({ "id": id, "version": 3, "name": "late" })).await), ["NOT_FOUND"]);
        let again = json!({ "name": "ENGINE", "visibility": "PRIVATE", "originId": "remote/1" });
        assert_eq!(codes(&create(&again).await), [""; 0], "what was deleted gives its name free");
        assert_eq!(server.audited(id).await, ["repository.deleted", "repository.updated", "repository.created"]);
    }

    async fn everybody_sees_the_repositories_that_they_may_read(server: Server) {
        let of = |names: &[(&str, Option<&str>)]| -> Vec<(String, Value)> {
            names.iter().map(|(name, level)| ((*name).to_owned(), json!(level))).collect()
        };
        let karim = server.ask("karim", NAMES, json!({})).await;
        assert_eq!(seen(&karim), of(&[("handbook", Some("READ")), ("infrastructure", Some("READ")),
            ("payments-api", Some("WRITE")), ("status-page", Some("READ")), ("website", Some("WRITE"))]));
        assert_eq!(karim["repositories"]["totalCount"], 5);
        for node in karim["repositories"]["nodes"].as_array().unwrap() {
            assert!(node["access"]["totalCount"].as_u64().unwrap() <= 1, "of others' access nothing is seen: {node}");
        }
        let emil = server.ask("emil", NAMES, json!({})).await;
        assert_eq!(seen(&emil), of(&[("handbook", Some("READ")), ("status-page", Some("READ")), ("website", Some("READ"))]));
        for (reader, level) in [("farah", "ADMIN"), ("alice", "READ"), ("deniz", "READ")] {
            let all = server.ask(reader, NAMES, json!({})).await;
            assert_eq!(all["repositories"]["totalCount"], 6, "{reader}");
            assert_eq!(all["repositories"]["nodes"][0]["viewerLevel"], level, "{reader}: seeing is not having");
            assert_eq!(all["repositories"]["nodes"][3]["access"]["totalCount"], 3, "{reader}");
        }
        // An outsider sees what is public.
        let outside = server.call(Some(&server.token("mila")), Some("contoso"), NAMES, json!({})).await;
        assert_eq!(seen(&outside.json["data"]), of(&[("status-page", Some("READ")), ("website", Some("READ"))]));
        // The base level opens all of them to members, and to nobody else.
        let base = async |version: u32, level: &str| server.mutation("farah", "setBaseAccessLevel",
            "organization { baseAccessLevel version }", json!({ "version": version, "level": level })).await;
        let set = base(1, "WRITE").await;
        assert_eq!(set["organization"]["baseAccessLevel"], "WRITE");
        let emil = server.ask("emil", NAMES, json!({})).await;
        assert_eq!(emil["repositories"]["totalCount"], 6);
        assert!(seen(&emil).iter().all(|(_, level)| level == "WRITE"));
        let outside = server.call(Some(&server.token("mila")), Some("contoso"), NAMES, json!({})).await;
        assert_eq!(outside.json["data"]["repositories"]["totalCount"], 2);
        // By ids it is the same.
        assert_eq!(codes(&base(1, "NONE").await), ["CONFLICT"]);
        assert_eq!(base(2, "NONE").await["organization"]["baseAccessLevel"], "NONE");
        let node = "query($id: ID!) { node(id: $id) { id } }";
        let app = server.repository("mobile-app").await["id"].clone();
        assert_eq!(server.ask("karim", node, json!({ "id": app })).await["node"], Value::Null);
        assert_eq!(server.ask("lena", node, json!({ "id": app })).await["node"]["id"], app);
    }

    async fn access_is_given_changed_and_taken_away(server: Server) {
        let app = server.repository("mobile-app").await["id"].clone();
        let (karim, emil) = (server.user("Karim").await, server.user("Emil").await);
        let set = async |user: &Value, level: Value| server.mutation("farah", "setRepositoryAccess",
            "repository { id } repositoryAccess { id level user { displayName } repository { name } }",
            json!({ "repository": app, "user": user, "level": level })).await;
        let given = set(&karim, json!("READ")).await;
        assert_eq!(given["repositoryAccess"]["level"], "READ");
        assert_eq!(given["repositoryAccess"]["repository"]["name"], "mobile-app");
        let level = "query($id: ID!) { node(id: $id) { ... on Repository { viewerLevel } } }";
        assert_eq!(server.ask("karim", level, json!({ "id": app })).await["node"]["viewerLevel"], "READ");
        let raised = set(&karim, json!("ADMIN")).await;
        assert_eq!(raised["repositoryAccess"]["id"], given["repositoryAccess"]["id"]);
        assert_eq!(server.ask("karim", level, json!({ "id": app })).await["node"]["viewerLevel"], "ADMIN");
        let events = server.audited(&app).await.len();
        set(&karim, json!("ADMIN")).await;
        assert_eq!(server.audited(&app).await.len(), events, "what holds already is no change");
        let taken = set(&karim, Value::Null).await;
        assert_eq!((codes(&taken), &taken["repositoryAccess"]), (vec![], &Value::Null));
        assert_eq!(server.ask("karim", level, json!({ "id": app })).await["node"], Value::Null);
        // Bad input.
        assert_eq!(codes(&set(&json!("usr_x"), json!("READ")).await), ["NOT_FOUND"]);
        let other = server.mutation("farah", "setRepositoryAccess", "repository { id }",
            json!({ "repository": "repo_x", "user": karim, "level": "READ" })).await;
        assert_eq!((codes(&other), &other["userErrors"][0]["field"]), (vec!["NOT_FOUND"], &json!(["input", "repository"])));
        server.mutation("chloe", "deactivateUser", "user { id }", json!({ "id": emil })).await;
        assert_eq!(codes(&set(&emil, json!("READ")).await), ["USER_DEACTIVATED"]);
        // The organization itself.
        let organization = async |user: &Value, level: Value| server.mutation("farah", "setOrganizationAccess",
            "user { organizationAccessLevel }", json!({ "user": user, "level": level })).await;
        assert_eq!(organization(&karim, json!("WRITE")).await["user"]["organizationAccessLevel"], "WRITE");
        assert_eq!(server.ask("karim", level, json!({ "id": app })).await["node"], Value::Null);
        assert_eq!(organization(&karim, json!("ADMIN")).await["user"]["organizationAccessLevel"], "ADMIN");
        assert_eq!(server.ask("karim", level, json!({ "id": app })).await["node"]["viewerLevel"], "ADMIN");
        let own = "{ viewer { user { organizationAccessLevel } } }";
        assert_eq!(server.ask("karim", own, json!({})).await["viewer"]["user"]["organizationAccessLevel"], "ADMIN");
        let others = "query($id: ID!) { node(id: $id) { ... on User { organizationAccessLevel } } }";
        assert_eq!(server.ask("bruno", others, json!({ "id": karim })).await["node"]["organizationAccessLevel"], Value::Null);
        assert_eq!(organization(&karim, Value::Null).await["user"]["organizationAccessLevel"], Value::Null);
        assert_eq!(codes(&organization(&emil, json!("READ")).await), ["USER_DEACTIVATED"]);
    }

    async fn the_permission_catalogue_is_read_and_added_to(server: Server) {
        const CATALOG: &str = "query($filter: PermissionDefinitionFilter) { permissionCatalog(filter: $filter) {
            target name levels description administrative custom classicScopes { scope level } } }";
        let read = async |who: &str, filter: Value|
            server.ask(who, CATALOG, json!({ "filter": filter })).await["permissionCatalog"].as_array().unwrap().clone();
        let all = read("karim", json!({})).await;
        assert_eq!(all.len(), 56);
        let issues = read("karim", json!({ "target": "REPOSITORY", "search": "ISSUES" })).await;
        assert_eq!(issues, [json!({ "target": "REPOSITORY", "name": "issues", "levels": ["READ", "WRITE"],
            "description": "Issues with their comments, labels and milestones.", "administrative": false, "custom": false,
            "classicScopes": [{ "scope": "public_repo", "level": "WRITE" }, { "scope": "repo", "level": "WRITE" }] })]);
        let outside = server.call(Some(&server.token("mila")), Some("contoso"), CATALOG, json!({})).await;
        assert_eq!(outside.json["data"]["permissionCatalog"], json!([]));
        let input = json!({ "target": "REPOSITORY", "name": "releases_eu", "lowestLevel": "WRITE", "highestLevel": "ADMIN",
            "description": "Releases in Europe.", "classicScopes": [{ "scope": "eu:release", "level": "WRITE" }], "idempotencyKey": "k" });
        let create = async |input: &Value| server.mutation("farah", "createPermissionDefinition",
            "permissionDefinition { name levels custom classicScopes { scope level } }", input.clone()).await;
        let made = create(&input).await;
        assert_eq!(made["permissionDefinition"], json!({ "name": "releases_eu", "levels": ["WRITE", "ADMIN"], "custom": true,
            "classicScopes": [{ "scope": "eu:release", "level": "WRITE" }] }));
        assert_eq!(create(&input).await, made);
        assert_eq!(read("karim", json!({ "custom": true })).await.len(), 1);
        let with = |name: &str, value: Value| {
            let mut input = input.clone();
            input["idempotencyKey"] = Value::Null;
            input["name"] = json!("fresh");
            input[name] = value;
            input
        };
        for (bad, code) in [
            (with("name", json!("releases_eu")), "NAME_TAKEN"),
            (with("name", json!("issues")), "NAME_TAKEN"),
            (with("name", json!("Issues")), "INVALID_INPUT"),
            (with("name", json!("n".repeat(65))), "INVALID_INPUT"),
            (with("highestLevel", json!("READ")), "INVALID_INPUT"),
            (with("classicScopes", json!([{ "scope": "repo", "level": "READ" }])), "INVALID_INPUT"),
            (with("classicScopes", json!([{ "scope": "a", "level": "WRITE" }, { "scope": "a", "level": "ADMIN" }])), "INVALID_INPUT"),
        ] {
            let before = server.contents().await;
            assert!(codes(&create(&bad).await).contains(&code), "{bad}");
            assert_eq!(server.contents().await, before, "{bad}");
        }
        let delete = async |name: &str| server.mutation("farah", "deletePermissionDefinition",
            "permissionDefinition { name custom }", json!({ "target": "REPOSITORY", "name": name })).await;
        assert_eq!(codes(&delete("issues").await), ["FORBIDDEN"]);
        assert_eq!(codes(&delete("no_such").await), ["NOT_FOUND"]);
        assert_eq!(delete("releases_eu").await["permissionDefinition"], json!({ "name": "releases_eu", "custom": true }));
        assert_eq!(codes(&delete("releases_eu").await), ["NOT_FOUND"]);
        assert_eq!(read("karim", json!({ "custom": true })).await.len(), 0);
    }

    async fn the_secret_of_a_client_is_shown_once(server: Server) {
        const LIST: &str = "{ introspectionClients { totalCount nodes { displayName } } }";
        const FIELDS: &str = "introspectionClient { id displayName createdBy { displayName } deletedAt } secret";
        let input = json!({ "displayName": "Build farm", "idempotencyKey": "k" });
        let create = async |input: Value| server.mutation("farah", "createIntrospectionClient", FIELDS, input).await;
        let made = create(input.clone()).await;
        let secret = made["secret"].as_str().unwrap();
        assert!(secret.starts_with("gui_ics_"), "{secret}");
        assert_eq!(made["introspectionClient"]["createdBy"]["displayName"], "Farah Haddad");
        let again = create(input).await;
        assert_eq!((codes(&again), &again["secret"]), (vec!["SECRET_ALREADY_SHOWN"], &Value::Null));
        assert_eq!(again["introspectionClient"]["id"], made["introspectionClient"]["id"]);
        assert_eq!(codes(&create(json!({ "displayName": "BUILD  farm" })).await), ["NAME_TAKEN"]);
        let everything = server.contents().await.join("\n");
        assert!(!everything.contains(secret) && !everything.contains(&secret[10..]), "only a hash is kept");
        let seen = server.ask("deniz", LIST, json!({})).await;
        assert_eq!(seen["introspectionClients"], json!({ "totalCount": 2,
            "nodes": [{ "displayName": "Build farm" }, { "displayName": "Code server" }] }));
        assert_eq!(server.ask("bruno", LIST, json!({})).await["introspectionClients"]["totalCount"], 0);
        let id = &made["introspectionClient"]["id"];
        let gone = server.mutation("farah", "deleteIntrospectionClient", "introspectionClient { deletedAt }", json!({ "id": id })).await;
        assert_ne!(gone["introspectionClient"]["deletedAt"], Value::Null);
        let twice = server.mutation("farah", "deleteIntrospectionClient", "introspectionClient { id }", json!({ "id": id })).await;
        assert_eq!(codes(&twice), ["NOT_FOUND"]);
        assert_eq!(server.ask("deniz", LIST, json!({})).await["introspectionClients"]["totalCount"], 1);
    }

    async fn lists_of_repositories_take_the_same_statements_however_long(server: Server) {
        const PAGE: &str = "query($first: Int!) { repositories(first: $first) { totalCount nodes { id name viewerLevel
            access(first: 5) { totalCount nodes { level user { displayName } repository { name } } } } } }";
        server.ask("farah", PAGE, json!({ "first": 1 })).await;
        let mut counts = Vec::new();
        for first in [2, 6] {
            let before = server.app.database.statement_count();
            server.ask("farah", PAGE, json!({ "first": first })).await;
            counts.push(server.app.database.statement_count() - before);
        }
        assert_eq!(counts[0], counts[1], "{counts:?}");
    }
}

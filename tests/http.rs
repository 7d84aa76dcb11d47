//! The GraphQL handler: who is let in, what is taken, and how faults are told.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const JSON: (&str, &str) = ("content-type", "application/json");

impl Server {
    async fn raw(&self, headers: &[(&str, &str)], body: impl Into<String>) -> Answer {
        let authorization = format!("Bearer {}", self.token("alice"));
        let mut all = vec![("authorization", authorization.as_str())];
        all.extend(headers);
        self.send(&all, body.into()).await
    }

    async fn document(&self, query: &str) -> Answer {
        self.raw(&[JSON], json!({ "query": query }).to_string()).await
    }
}

fn code(answer: &Answer) -> &str {
    answer.json["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

on_both_databases! {
    async fn a_variable_that_is_not_given_counts_as_not_written(server: Server) {
        let list = "query($search: String, $first: Int, $after: String, $filter: UserFilter, $name: String) {
            viewer { requestableAccessPackages(search: $search, first: $first, after: $after) { totalCount } }
            users(filter: $filter) { totalCount } named: users(filter: { search: $name }) { totalCount nodes { displayName } } }";
        let all = server.ask("alice", list, json!({})).await;
        assert_eq!(all["users"]["totalCount"], all["named"]["totalCount"]);
        assert_eq!(server.ask("alice", list, json!({ "name": "karim" })).await["named"]["totalCount"], 1);
        let refused = server.errors("alice", list, json!({ "name": null })).await;
        assert_eq!(refused, ["BAD_USER_INPUT"], "null that was given is another thing");

        // In an update what was not given stays as it is.
        let user = "query($id: ID!) { node(id: $id) { ... on User { id version displayName manager { id } } } }";
        let id = server.user("Karim").await;
        let before = server.ask("alice", user, json!({ "id": id })).await["node"].clone();
        assert!(before["manager"]["id"].is_string());
        let update = "mutation($id: ID!, $version: Int!, $name: String, $manager: ID) {
            updateUser(input: { id: $id, version: $version, displayName: $name, manager: $manager }) { userErrors { code } } }";
        let mut given = json!({ "id": id, "version": before["version"], "name": "Karim B." });
        assert_eq!(server.ask("alice", update, given.clone()).await["updateUser"]["userErrors"], json!([]));
        let after = server.ask("alice", user, json!({ "id": id })).await["node"].clone();
        assert_eq!((&after["displayName"], &after["manager"]), (&json!("Karim B."), &before["manager"]));
        given["version"] = after["version"].clone();
        given["manager"] = Value::Null;
        assert_eq!(server.ask("alice", update, given).await["updateUser"]["userErrors"], json!([]));
        let without = server.ask("alice", user, json!({ "id": id })).await["node"].clone();
        assert!(without["manager"].is_null());
    }

    async fn nobody_is_let_in_without_a_good_token(server: Server) {
        let good = server.token("karim");
        let late = { server.clock.advance(TimeDelta::hours(2)); good.clone() };
        let mut forged = server.token("karim");
        forged.replace_range(forged.len() - 3.., "AAA");
        let stranger = server.token_with("karim", "nowhere", &[]);
        for token in [late.as_str(), forged.as_str(), stranger.as_str(), "", "x", "a.b.c"] {
            let authorization = format!("Bearer {token}");
            let answer = server.send(&[JSON, ("authorization", &authorization)], "{".repeat(100)).await;
            assert_eq!((answer.status, code(&answer)), (401, "UNAUTHENTICATED"), "{token}");
            let challenge = &answer.headers["www-authenticate"];
            assert!(challenge.starts_with("Bearer realm=\"guichet\""), "{challenge}");
            assert!(!challenge.contains("karim") && !challenge.contains("contoso"), "{challenge}");
        }
        // Before the body is looked at: even one that is too large, or would break a parser.
        let answer = server.send(&[JSON], "[".repeat(400_000)).await;
        assert_eq!(answer.status, 401);
    }

    async fn a_deactivated_user_is_refused(server: Server) {
        assert_eq!(server.document("{ viewer { roles } }").await.status, 200);
        server.sql("UPDATE app_user SET state = 'DEACTIVATED' WHERE subject = 'alice'").await;
        server.clock.advance(TimeDelta::seconds(6));
        let answer = server.document("{ viewer { roles } }").await;
        assert_eq!((answer.status, code(&answer)), (401, "UNAUTHENTICATED"));
    }

    async fn only_json_is_taken(server: Server) {
        let body = json!({ "query": "{ viewer { roles } }" }).to_string();
        for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1"] {
            let answer = server.raw(&[("content-type", media)], body.clone()).await;
            assert_eq!((answer.status, code(&answer)), (415, "BAD_USER_INPUT"), "{media}");
        }
        assert_eq!(server.raw(&[("content-type", "application/json; charset=UTF-8")], body.clone()).await.status, 200);
        for broken in ["", "{", "[]", "null", "\"x\"", "{\"variables\": {}}", "{\"query\": 1}", "[{\"query\": \"{ viewer { roles } }\"}]", " [\"{ viewer { roles } }\"]", "{\"query\": \"{ __typename }\", \"variables\": [1]}"] {
            let answer = server.raw(&[JSON], broken).await;
            assert_eq!((answer.status, code(&answer)), (400, "BAD_USER_INPUT"), "{broken}");
        }
    }

    async fn the_client_chooses_the_media_type(server: Server) {
        let newer = "application/graphql-response+json";
        for (accept, document, status, media) in [
            ("*/*", "{ viewer { roles } }", 200, "application/json"),
            (newer, "{ viewer { roles } }", 200, newer),
            ("application/json, application/graphql-response+json", "{ viewer { roles } }", 200, newer),
            ("application/json", "{", 200, "application/json"),
            ("application/json", "{ nothing }", 200, "application/json"),
            (newer, "{", 400, newer),
            (newer, "{ nothing }", 400, newer),
            (newer, "query A { viewer { roles } } query B { viewer { roles } }", 400, newer),
            // Executed, and failed on the way.
            (newer, "{ users(first: 101) { totalCount } }", 200, newer),
            ("text/html", "{ viewer { roles } }", 406, "application/json"),
            ("application/json;q=0", "{ viewer { roles } }", 406, "application/json"),
        ] {
            let answer = server.raw(&[JSON, ("accept", accept)], json!({ "query": document }).to_string()).await;
            let content = &answer.headers["content-type"];
            assert_eq!((answer.status, content), (status, &format!("{media}; charset=utf-8")), "{accept}: {document}");
            assert_eq!(answer.headers["vary"], "accept");
            assert_eq!(answer.json["errors"].is_null(), code(&answer) == "none", "{}", answer.json);
            assert!(status == 200 || answer.json.get("data").is_none(), "{}", answer.json);
        }
        // A faulty token matters more than a media type that we do not have.
        assert_eq!(server.send(&[JSON, ("accept", "text/html")], "{}".to_owned()).await.status, 401);
    }

    async fn the_body_has_a_limit(server: Server) {
        let body = |size: usize| {
            let empty = json!({ "query": "{ viewer { roles } } #" }).to_string();
            json!({ "query": format!("{{ viewer {{ roles }} }} #{}", "x".repeat(size - empty.len())) }).to_string()
        };
        assert_eq!(body(262_144).len(), 262_144);
        assert_eq!(server.raw(&[JSON], body(262_144)).await.status, 200);
        let answer = server.raw(&[JSON], body(262_145)).await;
        assert_eq!((answer.status, code(&answer)), (413, "BAD_USER_INPUT"));
    }

    async fn deep_nesting_does_not_end_the_server(server: Server) {
        for depth in [64, 200, 1_500, 2_000, 5_000, 20_000] {
            for (open, close) in [("[", "]"), ("{a:", "}")] {
                let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
                let answer = server.document(&format!("{{ node(id: {value}) {{ id }} }}")).await;
                assert_eq!((answer.status, code(&answer)), (400, "QUERY_TOO_COMPLEX"), "{depth}");
            }
            let variables = format!("{}1{}", "[".repeat(depth + 1), "]".repeat(depth + 1));
            let body = format!("{{\"query\": \"query($a: ID) {{ node(id: $a) {{ id }} }}\", \"variables\": {{\"a\": {variables}}}}}");
            let answer = server.raw(&[JSON], body).await;
            assert_eq!((answer.status, code(&answer)), (400, "QUERY_TOO_COMPLEX"), "{depth}");
            let selections = format!("{{ a {}", "{ a ".repeat(depth));
            assert_eq!(server.document(&selections).await.status, 400);
        }
        assert_eq!(server.document("{ viewer { roles } }").await.status, 200);
    }

    async fn fragments_that_multiply_are_refused(server: Server) {
        for times in [2, 3] {
            let mut text = String::from("{ ...f0 }");
            for at in 0..31 {
                let next = format!("...f{} ", at + 1).repeat(times);
                text = format!("{text} fragment f{at} on Query {{ {next} }}");
            }
            text.push_str(" fragment f31 on Query { __typename }");
            let answer = server.document(&text).await;
            assert_eq!((answer.status, code(&answer)), (400, "QUERY_TOO_COMPLEX"));
        }
        let cycle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        assert_eq!(code(&server.document(cycle).await), "GRAPHQL_VALIDATION_FAILED");
    }

    async fn a_mutation_named_twice_runs_not_at_all(server: Server) {
        let twice = "mutation { createCatalog(input: {displayName: \"Twice\"}) { userErrors { code } } ...again }
            fragment again on Mutation { createCatalog(input: {displayName: \"Twice\"}) { catalog { id } } }";
        let answer = server.document(twice).await;
        assert_eq!((answer.status, code(&answer)), (200, "GRAPHQL_VALIDATION_FAILED"));
        assert!(answer.json.get("data").is_none());
        let found = server.document("{ catalogs(filter: {search: \"twice\"}) { totalCount } }").await;
        assert_eq!(found.json["data"]["catalogs"]["totalCount"], 0);
    }

    async fn queries_alone_come_by_get(server: Server) {
        let client = reqwest::Client::new();
        let token = server.token("alice");
        let get = |query: &'static str| {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            client.get(format!("{}/graphql?query={query}", server.base)).bearer_auth(&token).send()
        };
        let answer = get("{ viewer { roles } }").await.unwrap();
        assert_eq!(answer.status(), 200);
        let refused = get("mutation { createCatalog(input: {displayName: \"By GET\"}) { userErrors { code } } }").await.unwrap();
        assert_eq!((refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()), (405, "POST"));
        let found = server.document("{ catalogs(filter: {search: \"by get\"}) { totalCount } }").await;
        assert_eq!(found.json["data"]["catalogs"]["totalCount"], 0);
        let other = client.put(format!("{}/graphql", server.base)).bearer_auth(&token).send().await.unwrap();
        assert_eq!((other.status().as_u16(), other.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD, POST"));
        let other: Value = other.json().await.unwrap();
        assert_eq!(other["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        for (query, what) in [("", "query"), ("?query={__typename}&variables=[1]", "variables"), ("?query={__typename}&extensions=1", "extensions")] {
            let answer = client.get(format!("{}/graphql{query}", server.base)).bearer_auth(&token).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{what}");
            let answer: Value = answer.json().await.unwrap();
            assert!(answer["errors"][0]["message"].as_str().unwrap().contains(what), "{answer}");
        }
    }

    async fn every_error_has_a_code(server: Server) {
        for (query, expected) in [
            ("{", "GRAPHQL_PARSE_FAILED"),
            ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ node(id: {a: 1}) { id } }", "GRAPHQL_VALIDATION_FAILED"),
            ("query A { viewer { roles } } query B { viewer { roles } }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ users(first: 101) { totalCount } }", "BAD_USER_INPUT"),
            ("{ users(first: -1) { totalCount } }", "BAD_USER_INPUT"),
            ("{ users(first: 1, last: 1) { totalCount } }", "BAD_USER_INPUT"),
            ("{ users(filter: {search: null}) { totalCount } }", "BAD_USER_INPUT"),
            ("{ users(after: \"x\") { totalCount } }", "INVALID_CURSOR"),
            ("{ users(filter: {search: \"\\u0001\"}) { totalCount } }", "BAD_USER_INPUT"),
        ] {
            let answer = server.document(query).await;
            let errors = answer.json["errors"].as_array().unwrap();
            assert!(errors.iter().all(|error| error["extensions"]["code"].is_string()), "{query}");
            assert_eq!(code(&answer), expected, "{query}");
            assert!(answer.headers.contains_key("x-request-id"));
        }
    }

    async fn a_field_that_fails_is_null_where_the_type_says_so(server: Server) {
        // `users` cannot be null, so the whole answer is; the alias is honoured on the way.
        let answer = server.document("{ people: users(first: 101) { totalCount } viewer { roles } }").await;
        assert_eq!(answer.json["data"], Value::Null);
        assert_eq!(answer.json["errors"][0]["path"], json!(["people"]));
        // Inside of `node`, which can be null, it stops there.
        let id = server.document("{ organization { id } catalogs(first: 1) { nodes { id } } }").await;
        let catalog = id.json["data"]["catalogs"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let answer = server.document(&format!(
            "{{ viewer {{ roles }} node(id: \"{catalog}\") {{ ... on Catalog {{ displayName accessPackages(first: 101) {{ totalCount }} }} }} }}"
        )).await;
        assert_eq!(answer.json["data"]["node"], Value::Null);
        assert_ne!(answer.json["data"]["viewer"], Value::Null);
    }
}

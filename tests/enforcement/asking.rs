//! Introspection by itself: who may ask, what is told, for how long, and what it costs.

use chrono::TimeDelta;
use guichet::domain::access_token::secret;
use serde_json::{Value, json};

use super::{all, classic, with_form};
use crate::harness::Server;

/// What came back.
struct Told {
    status: u16,
    json: Value,
    cache: String,
    challenge: String,
    retry_after: String,
}

impl Server {
    async fn introspect(&self, authorization: Option<&str>, form: &[(&str, &str)]) -> Told {
        let request = reqwest::Client::new().post(format!("{}/oauth2/introspect", self.base));
        let request = with_form(request, form);
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        let response = request.send().await.unwrap();
        let header = |name: &str| {
            let value = response.headers().get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let (status, cache) = (response.status().as_u16(), header("cache-control"));
        let (challenge, retry_after) = (header("www-authenticate"), header("retry-after"));
        Told { status, cache, challenge, retry_after, json: response.json().await.unwrap() }
    }

    /// The number of statements that a token's introspection takes.
    async fn statements(&self, authorization: &str, token: &str) -> u64 {
        self.app.introspector.flush().await.unwrap();
        let before = self.app.database.statement_count();
        assert_eq!(self.introspect(Some(authorization), &[("token", token)]).await.status, 200);
        self.app.database.statement_count() - before
    }
}

on_both_databases! {
    async fn the_answer_has_the_members_of_the_specification_and_the_grants(server: Server) {
        let client = server.basic("Code host").await;
        let token = server.issue_token("karim", all(), Some(30)).await;
        let told = server.introspect(Some(&client), &[("token", &token.secret), ("token_type_hint", "access_token")]).await;
        assert_eq!((told.status, told.cache.as_str()), (200, "private, max-age=3"));
        assert_eq!(told.json["active"], true);
        assert_eq!(told.json["sub"], server.user("Karim").await);
        assert_eq!(told.json["iat"], server.clock.now().timestamp());
        assert_eq!(told.json["exp"], (server.clock.now() + TimeDelta::days(30)).timestamp());
        assert_eq!(told.json["guichet"]["token_id"], token.id);
        let grant = told.json["guichet"]["grants"][0].clone();
        assert_eq!(grant["organization"]["slug"], "contoso");
        assert_eq!((&grant["state"], &grant["repositories"]), (&json!("pending"), &json!([])));
        server.settle_request(&token, "APPROVE").await;
        let told = server.introspect(Some(&client), &[("token", &token.secret)]).await;
        let grant = told.json["guichet"]["grants"][0].clone();
        assert_eq!((&grant["state"], &grant["repository_selection"]), (&json!("active"), &json!("all")));
        assert_eq!((&grant["permissions"], &grant["repositories_complete"]), (&json!({}), &json!(true)));
        let repositories = grant["repositories"].as_array().unwrap();
        let names: Vec<&str> = repositories.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["handbook", "infrastructure", "payments-api", "status-page", "website"], "what Karim may read");
        assert_eq!(repositories[2]["permissions"], json!({ "contents": "write", "metadata": "read" }));
        assert_eq!(repositories[1]["permissions"], json!({ "contents": "read", "metadata": "read" }));
        // One repository, by its id, its name in any case, or its id at the resource server.
        let id = server.repository("payments-api").await["id"].clone();
        for named in [id.as_str().unwrap(), "Payments-API", "contoso/payments-api"] {
            let told = server.introspect(Some(&client), &[("token", &token.secret), ("repository", named)]).await;
            let one = told.json["guichet"]["grants"][0]["repositories"].clone();
            assert_eq!((one.as_array().unwrap().len(), &one[0]["id"]), (1, &id), "{named}");
        }
        for none in ["mobile-app", "nothing", "repo_x", "fabrikam/workshop"] {
            let told = server.introspect(Some(&client), &[("token", &token.secret), ("repository", none)]).await;
            assert_eq!(told.json["guichet"]["grants"][0]["repositories"], json!([]), "{none}");
        }
        let old = server.issue_token("karim", classic("repo"), None).await;
        let told = server.introspect(Some(&client), &[("token", &old.secret)]).await;
        assert_eq!((&told.json["scope"], &told.json["exp"]), (&json!("repo"), &Value::Null));
        server.change_policy(json!({ "classic": "RESTRICTED" })).await;
        let told = server.introspect(Some(&client), &[("token", &old.secret)]).await;
        assert_eq!(told.json["scope"], Value::Null, "a scope that is not in force is not told");
        assert_eq!(told.json["guichet"]["grants"][0]["state"], "restricted");
        // Of what is over, exactly this.
        server.clock.advance(TimeDelta::days(30));
        let told = server.introspect(Some(&client), &[("token", &token.secret)]).await;
        assert_eq!((told.json, told.cache.as_str()), (json!({ "active": false }), "no-store"));
    }

    async fn only_those_who_may_ask_are_answered(server: Server) {
        let client = server.basic("Code host").await;
        let token = server.issue_token("karim", all(), Some(30)).await;
        let secret = token.secret.as_str();
        let jwt = |token: String| format!("Bearer {token}");
        let asks = async |authorization: Option<&str>, form: &[(&str, &str)]| {
            let told = server.introspect(authorization, form).await;
            (told.status, told.json["error"].as_str().unwrap_or_default().to_owned(), told.json["active"] == true)
        };
        let answered = (200, String::new(), true);
        let refused = |status: u16, error: &str| (status, error.to_owned(), false);
        assert_eq!(asks(Some(&client), &[("token", secret)]).await, answered);
        assert_eq!(asks(Some(&jwt(server.token("build-server"))), &[("token", secret)]).await, answered);
        let pair = String::from_utf8(base64::Engine::decode(&base64::engine::general_purpose::STANDARD,
            client.strip_prefix("Basic ").unwrap()).unwrap()).unwrap();
        let (id, own) = pair.split_once(':').unwrap();
        assert_eq!(asks(None, &[("token", secret), ("client_id", id), ("client_secret", own)]).await, answered);
        // Wrong ways to say who asks.
        for (authorization, form) in [
            (None, vec![("token", secret)]),
            (None, vec![("token", secret), ("client_id", id)]),
            (None, vec![("token", secret), ("client_id", id), ("client_secret", "wrong")]),
            (None, vec![("token", secret), ("client_id", "icl_x"), ("client_secret", own)]),
            (Some("Basic ???"), vec![("token", secret)]),
            (Some("Digest x"), vec![("token", secret)]),
        ] {
            assert_eq!(asks(authorization, &form).await, refused(401, "invalid_client"), "{authorization:?} {form:?}");
        }
        assert_eq!(asks(Some(&client), &[("token", secret), ("client_secret", own)]).await, refused(400, "invalid_request"));
        let told = server.introspect(None, &[("token", secret)]).await;
        assert!(told.challenge.starts_with("Basic "), "{}", told.challenge);
        assert_eq!(asks(Some("Bearer nonsense"), &[("token", secret)]).await, refused(401, "invalid_token"));
        for person in ["farah", "alice", "karim"] {
            let told = asks(Some(&jwt(server.token(person))), &[("token", secret)]).await;
            assert_eq!(told, refused(401, "insufficient_scope"), "{person}");
        }
        assert_eq!(asks(Some(&jwt(secret.to_owned())), &[("token", secret)]).await, refused(401, "invalid_token"));
        // Another organization's is told nothing.
        let foreign = server.token_with("robot", "fabrikam", &["RESOURCE_SERVER"]);
        assert_eq!(asks(Some(&jwt(foreign)), &[("token", secret)]).await, (200, String::new(), false));
        // Forms that are none.
        assert_eq!(asks(Some(&client), &[]).await, refused(400, "invalid_request"));
        assert_eq!(asks(Some(&client), &[("token", "")]).await, refused(400, "invalid_request"));
        assert_eq!(asks(Some(&client), &[("token", secret), ("token", secret)]).await, refused(400, "invalid_request"));
        let long = "x".repeat(20_000);
        assert_eq!(asks(Some(&client), &[("token", &long)]).await, refused(400, "invalid_request"));
        let address = format!("{}/oauth2/introspect", server.base);
        let other = reqwest::Client::new();
        let json = other.post(&address).header("authorization", &client).json(&json!({ "token": secret })).send().await.unwrap();
        assert_eq!(json.status(), 400);
        let get = other.get(format!("{address}?token={secret}")).header("authorization", &client).send().await.unwrap();
        assert_eq!((get.status().as_u16(), get.headers()["allow"].to_str().unwrap()), (405, "POST"));
        // A client that was deleted is not answered any more.
        server.mutation("farah", "deleteIntrospectionClient", "introspectionClient { id }", json!({ "id": id })).await;
        assert_eq!(asks(Some(&client), &[("token", secret)]).await, refused(401, "invalid_client"));
    }

    async fn a_text_that_is_no_secret_costs_no_statement_and_guessing_is_slowed(server: Server) {
        let client = server.basic("Code host").await;
        let token = server.issue_token("karim", all(), Some(30)).await;
        server.statements(&client, &token.secret).await;
        let mut wrong = token.secret.clone().into_bytes();
        let last = wrong.last_mut().unwrap();
        *last = if *last == b'a' { b'b' } else { b'a' };
        let wrong = String::from_utf8(wrong).unwrap();
        for text in [wrong.as_str(), "x", "gui_pat_", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"] {
            assert_eq!(server.statements(&client, text).await, 0, "{text}");
        }
        // Well-formed secrets that nobody was given: each costs a look-up, and only so many are done.
        for count in 0..600 {
            let invented = secret::make().unwrap();
            let told = server.introspect(Some(&client), &[("token", invented.secret.expose())]).await;
            assert_eq!((told.status, told.json), (200, json!({ "active": false })), "{count}");
        }
        let before = server.app.database.statement_count();
        let invented = secret::make().unwrap();
        let told = server.introspect(Some(&client), &[("token", invented.secret.expose())]).await;
        assert_eq!((told.status, told.retry_after.as_str()), (429, "60"));
        assert_eq!(server.app.database.statement_count(), before);
        let other = server.basic("Another host").await;
        assert_eq!(server.introspect(Some(&other), &[("token", &token.secret)]).await.status, 200, "the others go on");
        server.clock.advance(TimeDelta::minutes(1));
        let told = server.introspect(Some(&client), &[("token", &token.secret)]).await;
        assert_eq!((told.status, told.json["active"] == true), (200, true));
    }

    async fn answers_come_from_memory_but_never_past_a_change_or_the_bound(server: Server) {
        let client = server.basic("Code host").await;
        let token = server.issue_token("karim", all(), Some(30)).await;
        server.settle_request(&token, "APPROVE").await;
        server.statements(&client, &token.secret).await;
        assert_eq!(server.statements(&client, &token.secret).await, 0, "from memory");
        server.clock.advance(TimeDelta::seconds(2));
        let anew = server.statements(&client, &token.secret).await;
        assert_eq!(anew, 3, "the client, the token, the catalogue; each is one read");
        server.clock.advance(TimeDelta::minutes(2));
        let state = async || {
            let told = server.introspect(Some(&client), &[("token", &token.secret)]).await;
            told.json["guichet"]["grants"][0]["state"].clone()
        };
        assert_eq!(state().await, "active");
        // What another server does is seen within the bound: two seconds here, three where it was told.
        server.sql("UPDATE token_grant SET state = 'REVOKED'").await;
        assert_eq!(state().await, "active");
        server.clock.advance(TimeDelta::seconds(2));
        assert_eq!(state().await, "revoked");
        server.sql("UPDATE token_grant SET state = 'ACTIVE'").await;
        server.clock.advance(TimeDelta::seconds(2));
        assert_eq!(state().await, "active");
        // What this server does is seen at once.
        server.take_back(&token).await;
        assert_eq!(state().await, "revoked");
    }

    async fn uses_are_noted_once_a_minute_and_not_on_the_way(server: Server) {
        const USED: &str = "query($id: ID!) { node(id: $id) { ... on AccessToken { lastUsedAt } } }";
        let client = server.basic("Code host").await;
        let token = server.issue_token("karim", all(), Some(30)).await;
        let other = server.issue_token("karim", classic("repo"), None).await;
        let used = async |token: &crate::enforcement::Made| server.ask("karim", USED, json!({ "id": token.id })).await["node"]["lastUsedAt"].clone();
        assert_eq!(used(&token).await, Value::Null);
        for secret in [&token.secret, &token.secret, &other.secret] {
            server.introspect(Some(&client), &[("token", secret)]).await;
        }
        server.app.introspector.flush().await.unwrap();
        let first = used(&token).await;
        assert_ne!(first, Value::Null, "a pending token can be used, for what is public");
        assert_eq!(used(&other).await, first);
        server.clock.advance(TimeDelta::seconds(59));
        server.introspect(Some(&client), &[("token", &token.secret)]).await;
        let before = server.app.database.statement_count();
        server.app.introspector.flush().await.unwrap();
        assert_eq!(server.app.database.statement_count(), before, "nothing to write within the minute");
        assert_eq!(used(&token).await, first);
        server.clock.advance(TimeDelta::seconds(1));
        server.introspect(Some(&client), &[("token", &token.secret)]).await;
        server.app.introspector.flush().await.unwrap();
        assert_ne!(used(&token).await, first);
        assert_eq!(used(&other).await, first);
    }
}

//! Sign-in at an issuer from our pages, at a provider that nobody here wrote.

use chrono::TimeDelta;
use guichet::clock::Clock;
use guichet::config::Limits;
use serde_json::{Value, json};

use crate::harness::provider::Provider;
use crate::harness::{Answer, Kind, Server};

const BACK: &str = "https://access.example/sign-in/from/adatum";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const VIEWER: &str = "{ viewer { user { displayName } roles } }";

/// Defines tests with a provider at which Paula and Quentin can sign in, on both databases.
macro_rules! with_provider {
    ($(async fn $name:ident($server:ident: Server, $provider:ident: Provider) with $more:tt $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($server: Server, $provider: Provider) $body

            async fn on(kind: Kind) {
                let people = json!({ "paula": { "tid": "t1", "name": "Paula Partner" }, "quentin": { "tid": "t2" } });
                let Some(provider) = Provider::sending_back(&people, BACK) else { return };
                let trusted = provider.with_sign_in(json!($more));
                let started = Server::start_trusting(kind, Limits::default(), None, &[trusted]).await;
                let Some(server) = started else { return };
                // The provider follows the machine's clock.
                server.clock.advance(Clock::system().now() - server.clock.now() + TimeDelta::seconds(1));
                check(server, provider).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                on(Kind::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                on(Kind::Postgres).await;
            }
        }
    )*};
}

impl Server {
    async fn begin_at(&self, issuer: &str) -> Value {
        let begun =
            self.endpoint("/sign-in/authorizations", &JSON, json!({ "issuer": issuer }).to_string()).await;
        assert_eq!(begun.status, 200, "{}", begun.json);
        begun.json
    }

    async fn finish_at(&self, issuer: &str, code: &str, verifier: &str) -> Answer {
        let body = json!({ "issuer": issuer, "code": code, "code_verifier": verifier }).to_string();
        self.endpoint("/sign-in/authorizations/tokens", &JSON, body).await
    }

    async fn ways(&self, query: &str) -> Answer {
        let answer = reqwest::get(format!("{}/sign-in/ways{query}", self.base)).await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let headers =
            headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        Answer { status, headers, json: serde_json::from_str(&answer.text().await.unwrap()).unwrap() }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.json["errors"][0]["extensions"]["code"].as_str().unwrap_or_default())
}

with_provider! {
    async fn a_code_becomes_a_token_once(server: Server, provider: Provider) with {} {
        let issuer = provider.issuer.as_str();
        let begun = server.begin_at(issuer).await;
        let address = url::Url::parse(text(&begun["authorization_url"])).unwrap();
        let sent: std::collections::BTreeMap<_, _> = address.query_pairs().into_owned().collect();
        assert_eq!((sent["redirect_uri"].as_str(), sent["response_type"].as_str()), (BACK, "code"));
        assert_eq!(begun["redirect_uri"], BACK);
        assert_eq!((sent["code_challenge_method"].as_str(), sent["scope"].as_str()), ("S256", "openid"));
        assert_eq!((sent["state"].as_str(), sent["resource"].as_str()), (text(&begun["state"]), "urn:guichet"));
        assert!(!address.as_str().contains(text(&begun["code_verifier"])));
        assert!(!sent.contains_key("prompt"));
        // After a sign-out the issuer is to ask who it is.
        let again = json!({ "issuer": issuer, "again": true }).to_string();
        let again = server.endpoint("/sign-in/authorizations", &JSON, again).await.json;
        assert!(text(&again["authorization_url"]).contains("prompt=login"), "{again}");
        // Nobody gets the same again.
        let other = server.begin_at(issuer).await;
        assert_ne!(other["state"], begun["state"]);
        assert_ne!(other["code_verifier"], begun["code_verifier"]);

        let back = provider.visit(address.as_str(), "paula").await;
        assert_eq!((back["state"].as_str(), back["iss"].as_str()), (text(&begun["state"]), issuer));
        // Who took the code on its way has no verifier of it.
        let stolen = server.finish_at(issuer, &back["code"], text(&other["code_verifier"])).await;
        assert_eq!(code(&stolen), (403, "WRONG_CODE"), "{}", stolen.json);

        let back = provider.visit(address.as_str(), "paula").await;
        let done = server.finish_at(issuer, &back["code"], text(&begun["code_verifier"])).await;
        assert_eq!((done.status, &done.json["token_type"]), (200, &json!("Bearer")), "{}", done.json);
        assert_eq!(done.headers["cache-control"], "no-store");
        let token = text(&done.json["access_token"]);
        assert_eq!(server.visit(token, VIEWER, json!({})).await["viewer"], json!({ "user": null, "roles": [] }));
        let again = server.finish_at(issuer, &back["code"], text(&begun["code_verifier"])).await;
        assert_eq!(code(&again), (403, "WRONG_CODE"), "{}", again.json);
    }

    async fn a_client_with_a_secret_signs_people_in(server: Server, provider: Provider) with
        { "clientId": "guichet-server", "clientSecret": "secret", "parameters": { "prompt": "login" } } {
        let begun = server.begin_at(&provider.issuer).await;
        assert!(text(&begun["authorization_url"]).contains("prompt=login"), "{begun}");
        let back = provider.visit(text(&begun["authorization_url"]), "paula").await;
        let done = server.finish_at(&provider.issuer, &back["code"], text(&begun["code_verifier"])).await;
        assert_eq!(done.status, 200, "{}", done.json);
    }

    async fn a_token_that_is_not_for_us_is_told_at_once(server: Server, provider: Provider) with { "resource": "urn:other" } {
        let begun = server.begin_at(&provider.issuer).await;
        let back = provider.visit(text(&begun["authorization_url"]), "paula").await;
        let done = server.finish_at(&provider.issuer, &back["code"], text(&begun["code_verifier"])).await;
        assert_eq!(code(&done), (502, "ISSUER_UNUSABLE"), "{}", done.json);
        assert!(done.json["errors"][0]["message"].as_str().unwrap().contains("another audience"), "{}", done.json);
        assert!(done.json["access_token"].is_null());
    }

    async fn what_is_no_sign_in_is_refused(server: Server, provider: Provider) with { "clientId": "guichet-server", "clientSecret": "wrong" } {
        let issuer = provider.issuer.as_str();
        let attempt = async |body: Value| server.endpoint("/sign-in/authorizations", &JSON, body.to_string()).await;
        for body in [json!({}), json!({ "issuer": "https://nobody.example" }), json!({ "issuer": 1 }),
            json!({ "issuer": issuer, "redirect_uri": "https://evil.example" }), json!({ "issuer": crate::harness::server::OUTSIDE })] {
            assert_eq!(code(&attempt(body.clone()).await), (400, "BAD_USER_INPUT"), "{body}");
        }
        for (given, verifier) in [("", "v".repeat(43)), ("c", "v".repeat(42)), ("c", "v".repeat(129))] {
            assert_eq!(code(&server.finish_at(issuer, given, &verifier).await), (400, "BAD_USER_INPUT"), "{verifier}");
        }
        let form = server.endpoint("/sign-in/authorizations", &[("content-type", "application/x-www-form-urlencoded")], "issuer=x").await;
        assert_eq!(code(&form), (415, "BAD_USER_INPUT"), "{}", form.json);
        let read = reqwest::get(format!("{}/sign-in/authorizations", server.base)).await.unwrap();
        assert_eq!((read.status().as_u16(), read.headers()["allow"].to_str().unwrap()), (405, "POST"));
        // The operator set a wrong secret: the person learns that it is not their fault, and no more.
        let begun = server.begin_at(issuer).await;
        let back = provider.visit(text(&begun["authorization_url"]), "paula").await;
        let done = server.finish_at(issuer, &back["code"], text(&begun["code_verifier"])).await;
        assert_eq!(code(&done), (502, "ISSUER_UNUSABLE"), "{}", done.json);
        assert!(!done.json.to_string().contains("client"), "{}", done.json);
    }

    async fn the_ways_are_listed(server: Server, provider: Provider) with { "name": "Adatum's people" } {
        let listed = server.ways("?organization=contoso.example").await;
        assert_eq!((listed.status, listed.headers["cache-control"].as_str()), (200, "no-store"));
        let ways = json!({ "public_url": "https://access.example", "email": false, "people": [],
            "issuers": [{ "issuer": provider.issuer, "name": "Adatum's people" }] });
        assert_eq!(listed.json, ways);
        // Of an organization that is none, as of one that lets nobody in by mail; and of none at all.
        for query in ["?organization=nobody.example", "?organization=", "", "?organization=%00"] {
            assert_eq!(server.ways(query).await.json, ways, "{query}");
        }
        for query in ["?organisation=contoso", "?organization=a&organization=b"] {
            assert_eq!(code(&server.ways(query).await), (400, "BAD_USER_INPUT"), "{query}");
        }
    }
}

/// The setting is checked at the start, and each fault names its field.
#[test]
fn a_sign_in_that_cannot_work_is_refused_at_the_start() {
    use guichet::authn::issuer::Issuers;
    let good = json!({ "id": "contoso", "name": "Contoso", "authorizationUrl": "https://login.contoso.example/authorize",
        "tokenUrl": "https://login.contoso.example/token", "clientId": "guichet" });
    let parse = |sign_in: Value| {
        let issuer = json!([{ "issuer": "https://login.contoso.example", "audience": "guichet",
            "keys": { "jwksUrl": "https://login.contoso.example/keys" }, "signIn": sign_in }]);
        Issuers::parse(&issuer.to_string(), false).map_err(|error| error.to_string())
    };
    let sign_in = parse(good.clone()).unwrap().as_slice()[0].sign_in.clone().unwrap();
    assert_eq!((sign_in.scope.as_str(), sign_in.client_secret.is_none()), ("openid", true));
    for (field, value, says) in [
        ("id", json!("Con/toso"), "signIn.id: must have at most 40"),
        ("id", json!("x".repeat(41)), "signIn.id: must have at most 40"),
        ("name", json!("x".repeat(61)), "signIn.name: must have at most 60"),
        ("name", Value::Null, "signIn.name: "),
        ("authorizationUrl", json!("http://login.contoso.example"), "signIn.authorizationUrl: must be https"),
        (
            "tokenUrl",
            json!("https://me:pass@login.contoso.example"),
            "signIn.tokenUrl: must not hold a user name",
        ),
        ("clientId", json!(" "), "signIn.clientId: must not be empty"),
        ("clientSecret", json!(4711), "signIn.clientSecret: must be a text"),
        ("parameters", json!({ "state": "x" }), "signIn.parameters: Guichet sets state itself"),
        ("parameter", json!({}), "signIn.parameter: is no field"),
    ] {
        let mut wrong = good.clone();
        wrong[field] = value;
        let told = parse(wrong).unwrap_err();
        assert!(told.contains(says) && !told.contains("4711") && !told.contains("pass@"), "{told}");
    }
    assert!(parse(json!("Contoso")).unwrap_err().contains("signIn: must be an object"));
}

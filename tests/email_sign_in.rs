//! Sign-in of people from outside by a one-time code, as a mail server that nobody here wrote receives it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use guichet::authn::sign::Signer;
use guichet::config::Limits;
use serde_json::{Value, json};

use crate::harness::mailbox::Mailbox;
use crate::harness::{Answer, Kind, Server, codes};

/// The issuer of the tokens.
const OWN: &str = "https://access.example";
const PAULA: &str = "paula@adatum.example";
const VIEWER: &str = "{ organization { slug } viewer { user { id kind displayName email } roles accessRequests { totalCount } } }";

/// Defines tests with a mail server, on both databases.
macro_rules! with_codes {
    ($(async fn $name:ident($server:ident: Server, $mailbox:ident: Mailbox) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($server: Server, $mailbox: Mailbox) $body

            async fn on(kind: Kind) {
                let Some(mailbox) = Mailbox::start() else { return };
                let settings = Some(mailbox.settings());
                let Some(server) = Server::start_mailing(kind, Limits::default(), settings).await else { return };
                check(server, mailbox).await;
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
    async fn ask_for_code(&self, organization: &str, address: &str) -> Answer {
        let headers = [("content-type", "application/json"), ("guichet-organization", organization)];
        self.endpoint("/sign-in/codes", &headers, json!({ "address": address }).to_string()).await
    }

    async fn exchange(&self, organization: &str, address: &str, code: &str) -> Answer {
        let body = json!({ "address": address, "code": code, "organization": organization });
        self.endpoint("/sign-in/tokens", &[("content-type", "application/json")], body.to_string()).await
    }

    /// Asks for a code and reads it in the mail.
    async fn code_for(&self, mailbox: &Mailbox, address: &str) -> String {
        let asked = self.ask_for_code("contoso", address).await;
        assert_eq!((asked.status, &asked.json), (202, &json!({ "expires_in": 600 })), "{}", asked.json);
        self.work().await;
        code_in(mailbox.mails().await.iter().rfind(|mail| mail["to"] == json!([address])).unwrap())
    }

    /// The token of somebody who signs in.
    async fn sign_in(&self, mailbox: &Mailbox, address: &str) -> String {
        let code = self.code_for(mailbox, address).await;
        let answer = self.exchange("contoso", address, &code).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json["access_token"].as_str().unwrap().to_owned()
    }

    async fn allow_codes(&self, allowed: bool) -> Value {
        let before = self.ask("alice", "{ organization { version } }", json!({})).await;
        let input = json!({ "version": before["organization"]["version"], "emailSignIn": allowed });
        self.mutation("alice", "updateOrganization", "organization { emailSignIn }", input).await
    }

    /// How many codes are written down.
    async fn codes_kept(&self) -> Vec<String> {
        self.rows("SELECT address || ' ' || tries_left FROM sign_in_code ORDER BY address".to_owned()).await
    }
}

fn code_in(mail: &Value) -> String {
    let text = mail["text"].as_str().unwrap();
    let line = text.lines().find(|line| line.len() == 8 && line.bytes().all(|byte| byte.is_ascii_digit()));
    let code = line.unwrap_or_else(|| panic!("{text}")).to_owned();
    assert!(mail["html"].as_str().unwrap().contains(&format!(">{code}<")));
    assert!(!mail["subject"].as_str().unwrap().contains(&code));
    code
}

fn code_of(answer: &Answer) -> &str {
    answer.json["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

/// Another code of eight digits.
fn other(code: &str) -> String {
    format!("{:08}", (code.parse::<u32>().unwrap() + 1) % 100_000_000)
}

fn part(token: &str, number: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(number).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

with_codes! {
    async fn an_outsider_signs_in_asks_and_is_the_same_guest_again(server: Server, mailbox: Mailbox) {
        assert_eq!(server.ask_for_code("contoso", PAULA).await.status, 403, "off unless set otherwise");
        assert_eq!(server.allow_codes(true).await["organization"], json!({ "emailSignIn": true }));
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        // Written in another way, it is the same address.
        let asked = server.ask_for_code("contoso.example", " Paula@ADATUM.example").await;
        assert_eq!(asked.status, 202, "{}", asked.json);
        server.work().await;
        let mails = mailbox.mails().await;
        let mail = mails.iter().find(|mail| mail["to"] == json!([PAULA])).unwrap();
        assert_eq!(mail["subject"], "[Contoso] Your code to sign in");
        let code = code_in(mail);
        let answer = server.exchange("contoso", "PAULA@adatum.example", &format!(" {} {}\n", &code[..4], &code[4..])).await;
        assert_eq!((answer.status, &answer.json["token_type"], &answer.json["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(!answer.headers["x-request-id"].is_empty() && !answer.headers.contains_key("access-control-allow-origin"));
        let token = answer.json["access_token"].as_str().unwrap().to_owned();
        // What it says, and who can verify it.
        let (header, claims) = (part(&token, 0), part(&token, 1));
        assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
        assert_eq!((&claims["iss"], &claims["aud"], &claims["email"], &claims["email_verified"]), (&json!(OWN), &json!(OWN), &json!(PAULA), &json!(true)));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
        assert!(claims["roles"].is_null() && !claims["sub"].as_str().unwrap().contains("paula"));
        let set: Value = reqwest::get(format!("{}/.well-known/jwks.json", server.base)).await.unwrap().json().await.unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!((keys.len(), &keys[0]["kid"], &keys[0]["crv"], &keys[0]["alg"]), (1, &header["kid"], &json!("P-256"), &json!("ES256")));
        assert!(keys[0]["d"].is_null(), "the private half stays here");
        // A newcomer, then a guest.
        let seen = server.visit(&token, VIEWER, json!({})).await;
        assert_eq!((&seen["viewer"]["user"], &seen["viewer"]["roles"]), (&Value::Null, &json!([])));
        assert_eq!(codes(&server.knock(&token, &package).await), [""; 0]);
        let guest = server.visit(&token, VIEWER, json!({})).await["viewer"]["user"].clone();
        assert_eq!((&guest["kind"], &guest["displayName"], &guest["email"]), (&json!("GUEST"), &json!(PAULA), &json!(PAULA)));
        // Without a header the token names the organization; no other one is let into by it.
        let named = server.call(Some(&token), None, VIEWER, json!({})).await.json;
        assert_eq!((&named["data"]["organization"]["slug"], &named["data"]["viewer"]["user"]["id"]), (&json!("contoso"), &guest["id"]));
        server.sql("UPDATE organization SET email_sign_in = TRUE").await;
        for (organization, status) in [("fabrikam", 401), ("nowhere", 400)] {
            let refused = server.call(Some(&token), Some(organization), VIEWER, json!({})).await;
            assert_eq!(refused.status, status, "{organization}");
        }
        // Another server takes it; later the same address is the same guest, under another key.
        let other = server.another(None).await;
        assert!(other.authenticator.viewer(&token, Some("contoso")).await.unwrap().user.is_some());
        server.clock.advance(TimeDelta::hours(1) + TimeDelta::seconds(31));
        assert_eq!(server.call(Some(&token), Some("contoso"), VIEWER, json!({})).await.status, 401, "it has ended");
        let again = server.sign_in(&mailbox, PAULA).await;
        assert_eq!(server.visit(&again, VIEWER, json!({})).await["viewer"]["user"]["id"], guest["id"]);
        assert_eq!(part(&again, 0)["kid"], header["kid"]);
        assert!(other.authenticator.viewer(&again, None).await.unwrap().user.is_some());
        // Their organization was proposed, and Guichet may vouch for its domain.
        let query = "{ connectedOrganizations(first: 100) { nodes { state identitySources { domain issuers } } } }";
        let found = server.ask("alice", query, json!({})).await["connectedOrganizations"]["nodes"].clone();
        let proposed = json!({ "state": "PROPOSED", "identitySources": [{ "domain": "adatum.example", "issuers": [OWN] }] });
        assert!(found.as_array().unwrap().contains(&proposed), "{found}");
        // Turned off, the tokens are refused at once.
        server.allow_codes(false).await;
        assert_eq!(server.call(Some(&again), Some("contoso"), VIEWER, json!({})).await.status, 401);
        assert_eq!(code_of(&server.ask_for_code("contoso", PAULA).await), "EMAIL_SIGN_IN_NOT_ALLOWED");
    }

    async fn a_code_is_taken_once_in_its_time_and_within_five_tries(server: Server, mailbox: Mailbox) {
        server.allow_codes(true).await;
        server.sql("UPDATE organization SET email_sign_in = TRUE").await;
        let wrong = async |organization: &str, address: &str, code: &str| {
            let answer = server.exchange(organization, address, code).await;
            assert_eq!((answer.status, code_of(&answer)), (403, "WRONG_CODE"), "{}", answer.json);
        };
        // It lets nobody else in, and into nothing else; that costs no tries.
        let code = server.code_for(&mailbox, PAULA).await;
        wrong("contoso", "quentin@adatum.example", &code).await;
        wrong("fabrikam", PAULA, &code).await;
        for _ in 0..4 {
            wrong("contoso", PAULA, &other(&code)).await;
        }
        assert_eq!(server.exchange("contoso", PAULA, &code).await.status, 200, "the fifth try");
        wrong("contoso", PAULA, &code).await;
        // Five wrong ones end it.
        let code = server.code_for(&mailbox, PAULA).await;
        for _ in 0..5 {
            wrong("contoso", PAULA, &other(&code)).await;
        }
        wrong("contoso", PAULA, &code).await;
        // A newer one ends the older.
        let older = server.code_for(&mailbox, PAULA).await;
        let newer = server.code_for(&mailbox, PAULA).await;
        wrong("contoso", PAULA, &older).await;
        server.clock.advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        assert_eq!(server.exchange("contoso", PAULA, &newer).await.status, 200, "the last second");
        let late = server.code_for(&mailbox, PAULA).await;
        server.clock.advance(TimeDelta::minutes(10));
        wrong("contoso", PAULA, &late).await;
        // Of two who come with it at once one gets in.
        let quick = server.code_for(&mailbox, "rita@adatum.example").await;
        let enter = async || server.exchange("contoso", "rita@adatum.example", &quick).await.status;
        let (one, two) = tokio::join!(enter(), enter());
        assert_eq!([one.min(two), one.max(two)], [200, 403]);
        // What is no code is told as such, and costs no try.
        for odd in ["", "1234567", "123456789", "1234567x", "１２３４５６７８"] {
            assert_eq!(code_of(&server.exchange("contoso", PAULA, odd).await), "BAD_USER_INPUT", "{odd}");
        }
    }

    async fn nothing_tells_the_addresses_apart(server: Server, mailbox: Mailbox) {
        server.allow_codes(true).await;
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let token = server.sign_in(&mailbox, PAULA).await;
        assert_eq!(codes(&server.knock(&token, &package).await), [""; 0]);
        let addresses = [PAULA, "stranger@nowhere.example", "karim@contoso.example", "nobody@contoso.example", "x@gmail.com", "y@evil-contoso.example"];
        let mut told = Vec::new();
        for address in addresses {
            let before = server.app.database.statement_count();
            let asked = server.ask_for_code("contoso", address).await;
            let asking = server.app.database.statement_count() - before;
            let tried = server.exchange("contoso", address, "00000000").await;
            let trying = server.app.database.statement_count() - before - asking;
            let names = |answer: &Answer| {
                let mut names: Vec<String> = answer.headers.keys().cloned().collect();
                names.sort_unstable();
                names
            };
            told.push((asked.status, asked.json.clone(), names(&asked), asking, tried.status, tried.json.clone(), names(&tried), trying));
        }
        // Of an address that never asked, too.
        let before = server.app.database.statement_count();
        let tried = server.exchange("contoso", "never@nowhere.example", "00000000").await;
        assert_eq!((tried.status, tried.json), (told[0].4, told[0].5.clone()));
        assert_eq!(server.app.database.statement_count() - before, told[0].7);
        for (address, told_of) in addresses.iter().zip(&told) {
            assert_eq!(told_of, &told[0], "{address}");
        }
        // Members sign in by their issuer: no code is mailed, and the one that is kept cannot be used.
        server.work().await;
        let mails = mailbox.mails().await;
        let mailed = |address: &str| {
            mails.iter().filter(|mail| mail["to"] == json!([address]) && mail["subject"] == "[Contoso] Your code to sign in").count()
        };
        assert_eq!(addresses.map(mailed), [2, 1, 0, 0, 1, 1]);
        let kept = server.codes_kept().await;
        assert!(kept.contains(&"karim@contoso.example 0".to_owned()), "{kept:?}");
        assert!(kept.contains(&"x@gmail.com 4".to_owned()), "{kept:?}");
        // No code stands readable in the database.
        let code = server.code_for(&mailbox, "stranger@nowhere.example").await;
        assert!(!server.contents().await.concat().contains(&code));
    }

    async fn who_asks_too_often_waits(server: Server, mailbox: Mailbox) {
        server.allow_codes(true).await;
        server.sql("UPDATE organization SET email_sign_in = TRUE").await;
        for address in [PAULA, "karim@contoso.example"] {
            for _ in 0..5 {
                assert_eq!(server.ask_for_code("contoso", address).await.status, 202);
            }
            server.clock.advance(TimeDelta::minutes(20));
            let before = server.contents().await;
            let answer = server.ask_for_code("contoso", address).await;
            assert_eq!((answer.status, code_of(&answer), answer.headers["retry-after"].as_str()), (429, "RATE_LIMITED", "2400"));
            assert!(server.contents().await == before);
            assert_eq!(server.ask_for_code("fabrikam", address).await.status, 202, "another organization counts by itself");
        }
        server.clock.advance(TimeDelta::minutes(40));
        assert_eq!(server.ask_for_code("contoso", PAULA).await.status, 202);
        // The organization as a whole.
        server.sql("UPDATE sign_in_code SET ask_count = 500 WHERE address = 'paula@adatum.example'").await;
        let answer = server.ask_for_code("contoso", "new@adatum.example").await;
        assert_eq!((answer.status, code_of(&answer)), (429, "RATE_LIMITED"));
        assert_eq!(server.ask_for_code("fabrikam", "new@adatum.example").await.status, 202);
        // What need not be counted any more is deleted.
        server.clock.advance(TimeDelta::hours(1));
        server.work().await;
        assert_eq!(server.codes_kept().await, [""; 0]);
        // Who tries codes without end waits, too.
        for _ in 0..600 {
            assert_eq!(server.exchange("contoso", PAULA, "00000000").await.status, 403);
        }
        let answer = server.exchange("contoso", PAULA, "00000000").await;
        assert_eq!((answer.status, code_of(&answer), answer.headers["retry-after"].as_str()), (429, "RATE_LIMITED", "60"));
        server.clock.advance(TimeDelta::minutes(1));
        assert_eq!(server.sign_in(&mailbox, PAULA).await.split('.').count(), 3);
    }

    async fn what_is_no_address_or_no_call_is_refused(server: Server, mailbox: Mailbox) {
        server.allow_codes(true).await;
        let before = server.contents().await;
        for odd in ["", "paula", "paula@", "@adatum.example", "paula@adatum", "p a@adatum.example", "\"p\"@adatum.example",
            "paula@adatum.example\r\nBcc: eve@evil.example", "paula@adatum.example.", "p\u{430}ula@adatum.example", "paula@192.0.2.1", "paula\0@adatum.example"] {
            // White space around an address is none of it.
            let answer = server.ask_for_code("contoso", odd).await;
            assert_eq!((answer.status, code_of(&answer)), (400, "BAD_USER_INPUT"), "{odd:?}");
            assert!(odd.is_empty() || !answer.json.to_string().contains(&format!("{odd} ")));
        }
        let unknown = server.ask_for_code("nowhere", PAULA).await;
        let off = server.ask_for_code("fabrikam", PAULA).await;
        assert_eq!((unknown.status, code_of(&unknown)), (403, "EMAIL_SIGN_IN_NOT_ALLOWED"));
        assert_eq!((unknown.status, &unknown.json), (off.status, &off.json));
        let json_type = ("content-type", "application/json");
        let body = json!({ "address": PAULA, "organization": "contoso" }).to_string();
        for path in ["/sign-in/codes", "/sign-in/tokens"] {
            for media in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
                assert_eq!(server.endpoint(path, &[("content-type", media)], body.clone()).await.status, 415, "{media}");
            }
            assert_eq!(server.endpoint(path, &[json_type], "x".repeat(9_000)).await.status, 413);
            for odd in ["", "{", "[]", "{}", "null", &"[".repeat(3_000), r#"{"address":1}"#, r#"{"address":"paula@adatum.example"}"#,
                r#"{"address":"paula@adatum.example","code":"12345678","organization":""}"#] {
                let answer = server.endpoint(path, &[json_type], odd).await;
                assert_eq!((answer.status, code_of(&answer)), (400, "BAD_USER_INPUT"), "{path} {odd}");
            }
            let got = reqwest::get(format!("{}{path}", server.base)).await.unwrap();
            assert_eq!((got.status().as_u16(), got.headers()["allow"].to_str().unwrap()), (405, "POST"));
        }
        assert!(server.contents().await == before);
        assert!(mailbox.mails().await.iter().all(|mail| mail["to"] != json!([PAULA])));
        // Another domain that only looks alike is another one.
        assert_eq!(server.ask_for_code("contoso", "karim@CONTOSO.example").await.status, 202);
        assert_eq!(server.ask_for_code("contoso", "karim@c\u{43e}ntoso.example").await.status, 202);
        let kept = server.codes_kept().await;
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept.iter().any(|row| row.starts_with("karim@xn--") && row.ends_with(" 5")), "{kept:?}");
        assert!(kept.contains(&"karim@contoso.example 0".to_owned()), "{kept:?}");
    }

    async fn only_our_own_keys_sign_our_tokens(server: Server, mailbox: Mailbox) {
        server.allow_codes(true).await;
        let token = server.sign_in(&mailbox, PAULA).await;
        let status = async |token: &str| server.call(Some(token), Some("contoso"), VIEWER, json!({})).await.status;
        assert_eq!(status(&token).await, 200);
        // By a shared secret: the public key is one that everybody knows.
        let set = reqwest::get(format!("{}/.well-known/jwks.json", server.base)).await.unwrap().text().await.unwrap();
        let forged = Signer::new(&set).unwrap().sign(&part(&token, 1)).unwrap();
        assert_eq!(status(&forged).await, 401);
        let parts: Vec<&str> = token.split('.').collect();
        for header in [json!({ "alg": "none", "typ": "at+jwt" }), json!({ "alg": "ES256", "typ": "at+jwt" }), json!({ "alg": "ES256", "typ": "at+jwt", "kid": "x" })] {
            let header = URL_SAFE_NO_PAD.encode(header.to_string());
            assert_eq!(status(&format!("{header}.{}.{}", parts[1], parts[2])).await, 401);
        }
        let mut claims = part(&token, 1);
        claims["email"] = json!("boss@adatum.example");
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        assert_eq!(status(&format!("{}.{claims}.{}", parts[0], parts[2])).await, 401);
        // After 30 days another key signs; the old one is deleted when its tokens have ended.
        server.clock.advance(TimeDelta::days(30));
        let newer = server.sign_in(&mailbox, PAULA).await;
        assert_ne!(part(&newer, 0)["kid"], part(&token, 0)["kid"]);
        assert_eq!(status(&newer).await, 200);
        let count = "SELECT CAST(COUNT(*) AS text) FROM signing_key".to_owned();
        assert_eq!(server.rows(count.clone()).await, ["2"]);
        server.clock.advance(TimeDelta::days(30));
        assert_eq!(status(&server.sign_in(&mailbox, PAULA).await).await, 200);
        assert_eq!(server.rows(count).await, ["2"], "the first one is gone");
        // A key whose row is gone verifies nothing after a minute, on any server.
        let current = server.sign_in(&mailbox, PAULA).await;
        assert_eq!(status(&current).await, 200);
        server.sql("DELETE FROM signing_key").await;
        server.clock.advance(TimeDelta::minutes(2));
        assert_eq!(status(&current).await, 401);
        assert_eq!(status(&server.sign_in(&mailbox, PAULA).await).await, 200, "another one is made");
        // So it is where the key that sealed it is gone: only the private half is lost.
        let before = server.sign_in(&mailbox, "rita@adatum.example").await;
        server.sql("UPDATE signing_key SET private_key = 'k0.' || private_key").await;
        let after = server.sign_in(&mailbox, "rita@adatum.example").await;
        assert_ne!(part(&before, 0)["kid"], part(&after, 0)["kid"]);
        assert_eq!((status(&before).await, status(&after).await), (200, 200));
    }

    async fn a_mail_is_tried_again_as_long_as_its_code_is_good(server: Server, mailbox: Mailbox) {
        server.allow_codes(true).await;
        server.work().await;
        let attempts = async || mailbox.attempts().await.iter().filter(|mail| mail["to"] == json!([PAULA])).count();
        mailbox.answer(&[(451, "try later, paula@adatum.example")]).await;
        assert_eq!(server.ask_for_code("contoso", PAULA).await.status, 202);
        server.work().await;
        assert_eq!(attempts().await, 1);
        server.clock.advance(TimeDelta::seconds(31));
        server.work().await;
        assert_eq!(attempts().await, 2);
        let mails = mailbox.mails().await;
        let code = code_in(mails.iter().find(|mail| mail["to"] == json!([PAULA])).unwrap());
        assert_eq!(server.exchange("contoso", PAULA, &code).await.status, 200);
        // Refused for good, or too late: it ends.
        mailbox.answer(&[(550, "no such user")]).await;
        assert_eq!(server.ask_for_code("contoso", PAULA).await.status, 202);
        server.work().await;
        assert_eq!(server.ask_for_code("contoso", "late@adatum.example").await.status, 202);
        server.clock.advance(TimeDelta::minutes(10));
        server.work().await;
        assert_eq!(attempts().await, 3);
        assert!(mailbox.attempts().await.iter().all(|mail| mail["to"] != json!(["late@adatum.example"])));
        let due = "SELECT CAST(COUNT(*) AS text) FROM sign_in_code WHERE due_at IS NOT NULL".to_owned();
        assert_eq!(server.rows(due).await, ["0"]);
    }
}

on_both_databases! {
    async fn without_a_mail_server_it_cannot_be_turned_on(server: Server) {
        let before = server.contents().await;
        let refused = server.allow_codes(true).await;
        assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec!["MAIL_NOT_CONFIGURED"], &json!(["input", "emailSignIn"])));
        assert!(server.contents().await == before);
        // Where it was on before the mail server was taken away, the problem is named.
        server.sql("UPDATE organization SET email_sign_in = TRUE WHERE slug = 'contoso'").await;
        let answer = server.ask_for_code("contoso", PAULA).await;
        assert_eq!((answer.status, code_of(&answer)), (503, "MAIL_NOT_CONFIGURED"));
        assert_eq!(server.codes_kept().await, [""; 0]);
        assert_eq!(codes(&server.allow_codes(false).await), [""; 0], "it can be turned off");
        // Outsiders are not told of it.
        let seen = server.visit(&server.outside("x", json!({})), "{ organization { slug emailSignIn } }", json!({})).await;
        assert_eq!(seen["organization"], json!({ "slug": "contoso", "emailSignIn": null }));
    }
}

//! Mail, as a mail server that nobody here wrote receives it: decisions, the daily digest, failures, TLS.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::bulk_operation::ReviewDecision;
use guichet::app::App;
use guichet::config::Limits;
use guichet::id::Kind as Id;
use guichet::mail::{Encryption, Settings};
use guichet::secret::Secret;
use guichet::store;
use serde_json::{Value, json};

use crate::harness::mailbox::{LOGIN, Mailbox};
use crate::harness::tokens::Decide;
use crate::harness::{Kind, Server, codes};

/// Defines tests with a mail server, on both databases.
macro_rules! with_mail {
    ($($(#[$meta:meta])* async fn $name:ident($server:ident: Server, $mailbox:ident: Mailbox) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn check($server: Server, $mailbox: Mailbox) $body

            async fn on(kind: Kind) {
                let Some(mailbox) = Mailbox::start() else { return };
                let settings = Some(mailbox.settings());
                let Some(server) = Server::start_mailing(kind, Limits::default(), settings).await else { return };
                // The story's requests wait for ever: their end is mailed, too.
                server.sql("UPDATE approval SET due_at = NULL").await;
                // And so does its access.
                server.sql("UPDATE assignment SET expires_at = NULL").await;
                server.sql("UPDATE assignment SET due_at = NULL WHERE state <> 'SCHEDULED'").await;
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

const TOLD: &str = "{ viewer { notifications(first: 100) { unreadCount nodes {
    id kind title reason subjectId url mailState mailError mailedAt } } } }";
const FAILED: &str = "{ failedMails(first: 100) { totalCount nodes { notificationId kind state errorCode
    errorMessage errorStatus attemptCount nextAttemptAt failedAt receiver { displayName } } } }";

impl Server {
    async fn told(&self, subject: &str) -> Vec<Value> {
        let told = self.ask(subject, TOLD, json!({})).await;
        told["viewer"]["notifications"]["nodes"].as_array().unwrap().clone()
    }

    async fn failed_mails(&self, subject: &str) -> Vec<Value> {
        let failed = self.ask(subject, FAILED, json!({})).await;
        failed["failedMails"]["nodes"].as_array().unwrap().clone()
    }

    /// Tells Karim that a request of a token of his was denied.
    async fn deny(&self, token: &str, reason: &'static str) {
        let made = self.made("karim", token, TimeDelta::days(30)).await;
        let ids = vec![made.request.id];
        self.insert(&[made]).await;
        self.announce(Decide { decision: Some(ReviewDecision::Deny), ids, reason: Some(reason) }).await;
    }

    /// Makes a token through the API; gives its newest request.
    async fn file(&self, subject: &str, name: &str) -> Value {
        let input = json!({ "name": name, "expiresAt": self.clock.now() + TimeDelta::days(30), "access": { "fineGrained": {
            "repositorySelection": "ALL", "permissions": [{ "target": "REPOSITORY", "name": "issues", "level": "READ" }] } } });
        let query = "mutation($input: CreateAccessTokenInput!) { createAccessToken(input: $input) {
            accessToken { request { id state } } userErrors { code message } } }";
        let made = self.ask(subject, query, json!({ "input": input })).await["createAccessToken"].clone();
        assert_eq!(codes(&made), [""; 0], "{made}");
        made["accessToken"]["request"].clone()
    }

    /// Sets when owners get their digest.
    async fn digest_at(&self, hour: i32, zone: &str) {
        let version = self.ask("alice", "{ organization { version } }", json!({})).await;
        let input = json!({ "version": version["organization"]["version"], "digestHour": hour, "digestTimeZone": zone });
        let query = "mutation($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
            organization { digestHour digestTimeZone } userErrors { code } } }";
        let set = self.ask("alice", query, json!({ "input": input })).await["updateOrganization"].clone();
        assert_eq!(set["organization"], json!({ "digestHour": hour, "digestTimeZone": zone }), "{set}");
    }

    /// Moves the clock on to a time.
    fn until(&self, time: &str) {
        let time: DateTime<Utc> = time.parse().unwrap();
        assert!(time >= self.clock.now());
        self.clock.advance(time - self.clock.now());
    }
}

/// Whom a mail went to.
fn receiver(mail: &Value) -> &str {
    let to = mail["to"].as_array().unwrap();
    assert_eq!(to.len(), 1, "one mail, one receiver");
    to[0].as_str().unwrap()
}

fn text<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail[name].as_str().unwrap_or_else(|| panic!("{name}: {mail}"))
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let all = mail["headers"].as_array().unwrap();
    let found: Vec<&Value> = all.iter().filter(|header| header["key"] == name).collect();
    assert_eq!(found.len(), 1, "{name}");
    found[0]["value"].as_str().unwrap()
}

with_mail! {
    async fn approvers_and_requestors_are_mailed_what_concerns_them(server: Server, mailbox: Mailbox) {
        let package = server.package("Ledger reader").await;
        let asks = async |who: &str| {
            let input = json!({ "accessPackage": package, "justification": "The <b>audit</b>." });
            let made = server.mutation(who, "submitAccessRequest", "accessRequest { id }", input).await;
            assert_eq!(codes(&made), [""; 0]);
            made["accessRequest"]["id"].clone()
        };
        let (judith, hana, deniz) = (asks("judith").await, asks("hana").await, asks("deniz").await);
        let decide = async |who: &str, id: &Value, decision: &str, why: &str| {
            let input = json!({ "selection": { "ids": [id] }, "decision": decision, "justification": why });
            let done = server.mutation(who, "reviewAccessRequests", "bulkOperation { acceptedCount }", input).await;
            assert_eq!(done["bulkOperation"]["acceptedCount"], 1);
        };
        decide("goran", &judith, "APPROVE", "As agreed.").await;
        decide("goran", &hana, "DENY", "Ask in spring.").await;
        // Alice wants to hear nothing of what waits for her.
        let input = json!({ "preferences": [{ "kind": "APPROVAL_PENDING", "enabled": false }] });
        let set = server.mutation("alice", "updateNotificationPreferences", "preferences { kind enabled }", input).await;
        assert_eq!(codes(&set), [""; 0]);
        asks("bruno").await;
        server.work().await;
        server.clock.advance(TimeDelta::days(14));
        server.work().await;
        let mut mails: Vec<(String, String, String)> = Vec::new();
        for mail in mailbox.mails().await {
            mails.push((receiver(&mail).to_owned(), text(&mail, "subject").to_owned(), text(&mail, "text").to_owned()));
        }
        mails.sort();
        let subjects: Vec<(&str, &str)> = mails.iter().map(|(to, subject, _)| (to.as_str(), subject.as_str())).collect();
        assert_eq!(subjects, [
            ("alice@contoso.example", "[Contoso] Deniz Yılmaz asks for “Ledger reader”"),
            ("bruno@contoso.example", "[Contoso] Your request for “Ledger reader” was denied"),
            ("deniz@contoso.example", "[Contoso] Your request for “Ledger reader” was denied"),
            ("goran@contoso.example", "[Contoso] Hana Sato asks for “Ledger reader”"),
            ("goran@contoso.example", "[Contoso] Judith Okafor asks for “Ledger reader”"),
            ("hana@contoso.example", "[Contoso] Your request for “Ledger reader” was denied"),
            ("judith@contoso.example", "[Contoso] Your request for “Ledger reader” was approved"),
        ]);
        let link = format!("https://access.example/@contoso.example#/access-requests/{}", hana.as_str().unwrap());
        assert!(mails[4].2.contains("> The <b>audit</b>.") && mails[3].2.contains(&link), "{}", mails[3].2);
        assert!(mails[5].2.contains("> Ask in spring.") && !mails[5].2.contains("nobody decided"), "{}", mails[5].2);
        assert!(mails[6].2.contains("> As agreed."), "{}", mails[6].2);
        assert!(mails[2].2.contains("nobody decided in time"), "{}", mails[2].2);
        assert_eq!(server.told("deniz").await[0]["subjectId"], deniz);
    }

    async fn a_decision_reaches_the_owner_of_the_token_with_its_reason(server: Server, mailbox: Mailbox) {
        const REASON: &str = "Too much: <b>three</b> repositories do.\nBcc: eve@evil.example\n\nAsk again & name them.";
        let hostile = "ci \"<i>\r\nBcc: eve@evil.example";
        let made = [
            server.made("karim", hostile, TimeDelta::days(30)).await,
            server.made("karim", "release", TimeDelta::days(30)).await,
            server.made("ivan", "backup", TimeDelta::days(30)).await.granted(),
        ];
        server.insert(&made).await;
        let ids = |place: usize| vec![made[place].request.id];
        server.announce(Decide { decision: Some(ReviewDecision::Deny), ids: ids(0), reason: Some(REASON) }).await;
        server.announce(Decide { decision: Some(ReviewDecision::Approve), ids: ids(1), reason: None }).await;
        server.announce(Decide { decision: None, ids: vec![made[2].grant.as_ref().unwrap().id], reason: Some("Unused.") }).await;
        assert!(mailbox.mails().await.is_empty(), "nothing is sent by a command");
        server.work().await;
        server.work().await;

        let mut mails: BTreeMap<String, Value> = BTreeMap::new();
        for mail in mailbox.mails().await {
            assert_eq!(mail["sender"], "guichet@contoso.example");
            assert_eq!(mail["from"], json!({ "name": "Guichet", "address": "guichet@contoso.example" }));
            assert_eq!(header(&mail, "auto-submitted"), "auto-generated");
            assert_eq!(text(&mail, "date"), server.clock.now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
            let names = ["from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"];
            assert_eq!(mail["headers"].as_array().unwrap().len(), names.len(), "{}", mail["headers"]);
            assert!(!mail["raw"].as_str().unwrap().contains("\r\nBcc:"), "{}", mail["raw"]);
            mails.insert(text(&mail, "subject").to_owned(), mail);
        }
        let subjects: Vec<&str> = mails.keys().map(String::as_str).collect();
        assert_eq!(subjects, [
            "[Contoso] The access of your token “backup” was revoked",
            "[Contoso] The request of your access token “ci \"<i> Bcc: eve@evil.example” was denied",
            "[Contoso] The request of your access token “release” was approved",
        ]);
        let mails: Vec<&Value> = mails.values().collect();
        assert_eq!(mails.iter().map(|mail| receiver(mail)).collect::<Vec<_>>(),
            ["ivan@contoso.example", "karim@contoso.example", "karim@contoso.example"]);
        assert_eq!(mails[1]["receivers"][0], json!({ "name": "Karim Benali", "address": "karim@contoso.example" }));

        // The reason is there in both parts, as text; the link leads to the token.
        let (denied, link) = (mails[1], format!("https://access.example/@contoso.example#/access-tokens/{}", Id::AccessToken.text(made[0].token.id)));
        for line in ["> Too much: <b>three</b> repositories do.", "> Bcc: eve@evil.example", "> Ask again & name them.", &link] {
            assert!(text(denied, "text").contains(line), "{line}: {}", denied["text"]);
        }
        let html = text(denied, "html").replace("&#x2f;", "/");
        for part in ["Too much: &lt;b&gt;three&lt;/b&gt; repositories do.<br>", "Ask again &amp; name them.", &format!("href=\"{link}\""), "Hello Karim Benali,"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("<i>") && !html.contains("<b>three"), "{html}");
        assert!(text(mails[0], "text").contains("> Unused."));
        assert!(!text(mails[2], "text").contains("reason"), "{}", mails[2]["text"]);

        // The same in the API, for the owner of the token alone.
        let told = server.told("karim").await;
        assert_eq!(told.len(), 2);
        let denied = told.iter().find(|row| row["kind"] == "TOKEN_REQUEST_DENIED").unwrap();
        assert_eq!((&denied["reason"], &denied["url"], &denied["mailState"]), (&json!(REASON), &json!(link), &json!("SENT")));
        assert_eq!(denied["subjectId"], Id::TokenRequest.text(made[0].request.id));
        let message_id = format!("<{}@contoso.example>", denied["id"].as_str().unwrap());
        assert_eq!(mails[1]["messageId"], message_id);
        assert_eq!(server.told("ivan").await[0]["reason"], "Unused.");
        for other in ["alice", "farah", "ivan"] {
            let found = server.ask(other, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": denied["id"] })).await;
            assert_eq!(found["node"], Value::Null, "{other} reads Karim's notification");
        }
    }

    async fn a_review_in_bulk_is_told_for_what_happened_and_for_nothing_else(server: Server, mailbox: Mailbox) {
        const REVIEW: &str = "mutation($input: ReviewTokenRequestsInput!) { reviewTokenRequests(input: $input) {
            bulkOperation { acceptedCount rejectedCount } userErrors { code } } }";
        const REVOKE: &str = "mutation($input: RevokeTokenGrantsInput!) { revokeTokenGrants(input: $input) {
            bulkOperation { acceptedCount rejectedCount } userErrors { code } } }";
        let review = async |who: &str, input: Value| server.ask(who, REVIEW, json!({ "input": input })).await["reviewTokenRequests"].clone();
        let (first, second) = (server.file("karim", "first").await, server.file("karim", "second").await);
        let third = server.file("ivan", "third").await;
        // An owner's own token needs nobody, and nothing is mailed of it.
        assert_eq!(server.file("farah", "own").await["state"], "APPROVED");

        let dry = json!({ "selection": { "ids": [first["id"], third["id"]] }, "decision": "APPROVE", "dryRun": true });
        assert_eq!(review("farah", dry).await["bulkOperation"]["acceptedCount"], 2);
        server.work().await;
        assert!(mailbox.mails().await.is_empty(), "a dry run tells nobody");

        let unknown = Id::TokenRequest.text(server.clock.id());
        let denied = json!({ "selection": { "ids": [first["id"], first["id"], unknown, "treq_x", third["id"]] },
            "decision": "DENY", "reason": "Name the repositories." });
        let done = review("farah", denied).await;
        assert_eq!(done["bulkOperation"], json!({ "acceptedCount": 3, "rejectedCount": 2 }), "{done}");
        server.work().await;
        let again = json!({ "selection": { "ids": [first["id"], second["id"]] }, "decision": "APPROVE" });
        let done = review("farah", again).await;
        assert_eq!(done["bulkOperation"], json!({ "acceptedCount": 1, "rejectedCount": 1 }), "{done}");
        server.work().await;

        let told = |mails: &[Value]| {
            let mut told: Vec<(String, String)> =
                mails.iter().map(|mail| (receiver(mail).to_owned(), text(mail, "subject").to_owned())).collect();
            told.sort();
            told
        };
        let line = |who: &str, what: &str| (format!("{who}@contoso.example"), format!("[Contoso] {what}"));
        let mut expected = vec![
            line("ivan", "The request of your access token “third” was denied"),
            line("karim", "The request of your access token “first” was denied"),
            line("karim", "The request of your access token “second” was approved"),
        ];
        let mails = mailbox.mails().await;
        assert_eq!(told(&mails), expected);
        assert!(mails.iter().filter(|mail| text(mail, "subject").contains("denied")).all(|mail| text(mail, "text").contains("> Name the repositories.")));

        // A refused call tells nobody, and neither does one without the permission.
        assert_eq!(server.errors("karim", REVIEW, json!({ "input": { "selection": { "ids": [third["id"]] }, "decision": "APPROVE" } })).await, ["FORBIDDEN"]);
        let long = "x".repeat(1_025);
        let refused = review("farah", json!({ "selection": { "ids": [third["id"]] }, "decision": "DENY", "reason": long })).await;
        assert_eq!(codes(&refused), ["INVALID_INPUT"]);
        // By filter the worker decides, and tells.
        let fourth = server.file("ivan", "fourth").await;
        assert_eq!(fourth["state"], "PENDING");
        let all = json!({ "selection": { "filter": { "state": ["PENDING"] } }, "decision": "APPROVE", "reason": "Fine.", "expectedCount": 1 });
        assert_eq!(codes(&review("farah", all).await), [""; 0]);
        server.work().await;
        server.work().await;
        expected.push(line("ivan", "The request of your access token “fourth” was approved"));
        expected.sort();
        assert_eq!(told(&mailbox.mails().await), expected);

        // What was granted is taken back.
        let grants = server.ask("farah", "{ tokenGrants(first: 100) { nodes { id token { name } } } }", json!({})).await;
        let grants = grants["tokenGrants"]["nodes"].as_array().unwrap().clone();
        let grant = grants.iter().find(|grant| grant["token"]["name"] == "fourth").unwrap();
        let revoke = json!({ "input": { "selection": { "ids": [grant["id"], grant["id"]] }, "reason": "Not any more." } });
        let done = server.ask("farah", REVOKE, revoke).await["revokeTokenGrants"].clone();
        assert_eq!(codes(&done), [""; 0]);
        server.work().await;
        expected.push(line("ivan", "The access of your token “fourth” was revoked"));
        expected.sort();
        let mails = mailbox.mails().await;
        assert_eq!(told(&mails), expected);
        assert!(mails.iter().any(|mail| text(mail, "text").contains("> Not any more.")));
        let own = server.told("ivan").await;
        assert_eq!((own.len(), &own[0]["kind"], &own[0]["reason"]), (3, &json!("TOKEN_GRANT_REVOKED"), &json!("Not any more.")));
        assert_eq!(own[0]["subjectId"], grant["id"]);
        assert!(server.told("farah").await.is_empty());
    }

    async fn a_mail_that_is_refused_for_now_is_sent_later_with_the_same_id(server: Server, mailbox: Mailbox) {
        mailbox.answer(&[(451, "4.7.1 Greylisted"), (421, "4.3.2 Closing")]).await;
        server.deny("ci", "No.").await;
        server.work().await;
        let told = server.told("karim").await[0].clone();
        assert_eq!((&told["mailState"], &told["mailError"]), (&json!("PENDING"), &json!("REFUSED_FOR_NOW")));
        let failed = server.failed_mails("farah").await;
        assert_eq!(failed.len(), 1);
        assert_eq!((&failed[0]["state"], &failed[0]["errorStatus"], &failed[0]["receiver"]["displayName"]),
            (&json!("PENDING"), &json!(451), &json!("Karim Benali")));
        assert!(text(&failed[0], "errorMessage").contains("Greylisted"));
        // The back-off: not before 24 s, at the latest after 30 s, then up to a minute.
        server.clock.advance(TimeDelta::seconds(23));
        server.work().await;
        assert_eq!(mailbox.attempts().await.len(), 1);
        server.clock.advance(TimeDelta::seconds(7));
        server.work().await;
        assert_eq!(mailbox.attempts().await.len(), 2);
        server.clock.advance(TimeDelta::seconds(47));
        server.work().await;
        assert_eq!(mailbox.attempts().await.len(), 2);
        server.clock.advance(TimeDelta::seconds(13));
        server.work().await;
        let attempts = mailbox.attempts().await;
        assert_eq!((attempts.len(), mailbox.mails().await.len()), (3, 1));
        for name in ["messageId", "date", "subject", "text"] {
            assert!(attempts.iter().all(|attempt| attempt[name] == attempts[0][name]), "{name}");
        }
        let told = server.told("karim").await[0].clone();
        assert_eq!((&told["mailState"], &told["mailError"]), (&json!("SENT"), &Value::Null));
        assert!(server.failed_mails("farah").await.is_empty());
    }

    async fn a_mail_that_is_refused_for_good_is_seen_and_not_sent_again(server: Server, mailbox: Mailbox) {
        mailbox.answer(&[(550, "5.1.1 No such mailbox")]).await;
        server.deny("ci", "No.").await;
        server.work().await;
        server.clock.advance(TimeDelta::days(2));
        server.work().await;
        assert_eq!((mailbox.attempts().await.len(), mailbox.mails().await.len()), (1, 0));
        let told = server.told("karim").await[0].clone();
        assert_eq!((&told["mailState"], &told["mailError"], &told["reason"]),
            (&json!("FAILED"), &json!("REJECTED"), &json!("No.")), "it stays readable");
        for who in ["alice", "bruno", "deniz", "farah"] {
            let failed = server.failed_mails(who).await;
            assert_eq!(failed.len(), 1, "{who}");
            assert_eq!((&failed[0]["state"], &failed[0]["errorCode"], &failed[0]["errorStatus"], &failed[0]["attemptCount"], &failed[0]["nextAttemptAt"]),
                (&json!("FAILED"), &json!("REJECTED"), &json!(550), &json!(1), &Value::Null), "{who}");
            assert!(text(&failed[0], "errorMessage").contains("No such mailbox"), "{who}");
        }
        for who in ["karim", "hana", "mila"] {
            assert!(server.failed_mails(who).await.is_empty(), "{who}");
        }
    }

    async fn what_a_dead_worker_held_is_sent_by_another_and_once(server: Server, mailbox: Mailbox) {
        server.deny("ci", "No.").await;
        let claimed = store::notification::claim(&server.app.database, server.clock.id()).await.unwrap();
        assert_eq!(claimed.len(), 1);
        server.work().await;
        assert!(mailbox.mails().await.is_empty(), "while the lease lasts, nobody else sends it");
        server.clock.advance(TimeDelta::seconds(61));
        server.work().await;
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 1);
        assert_eq!(server.told("karim").await[0]["mailState"], "SENT");
    }

    async fn three_workers_at_once_send_one_mail_each_and_write_one_digest(server: Server, mailbox: Mailbox) {
        server.ask("farah", "{ viewer { roles } }", json!({})).await;
        server.work().await;
        for number in 0..12 {
            server.deny(Box::leak(format!("ci {number}").into_boxed_str()), "No.").await;
        }
        server.clock.advance(TimeDelta::days(1));
        let workers: Vec<Arc<App>> = vec![
            Arc::clone(&server.app),
            server.another(Some(mailbox.settings())).await,
            server.another(Some(mailbox.settings())).await,
        ];
        let work = |app: &Arc<App>| {
            let worker = app.worker.clone();
            tokio::spawn(async move { worker.run_due().await })
        };
        let running: Vec<_> = workers.iter().map(work).collect();
        for worker in running {
            // Another worker may be in the way for a moment; what is left is due at the next look.
            let _ = worker.await.unwrap();
        }
        server.work().await;
        let mails = mailbox.mails().await;
        let mut ids: Vec<&str> = mails.iter().map(|mail| text(mail, "messageId")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((mails.len(), ids.len()), (13, 13), "twelve decisions and a digest");
        assert_eq!(mails.iter().filter(|mail| receiver(mail) == "farah@contoso.example").count(), 1);
    }

    async fn owners_get_one_digest_a_day_over_both_changes_of_the_clock(server: Server, mailbox: Mailbox) {
        server.digest_at(2, "Europe/Berlin").await;
        let mut sent = 0;
        // In Berlin 2:00 comes twice on 25 October 2026, and not at all on 28 March 2027.
        for (begin, days) in [
            ("2026-10-23T12:30:00Z", ["2026-10-24T00", "2026-10-25T00", "2026-10-26T01", "2026-10-27T01"]),
            ("2027-03-26T12:30:00Z", ["2027-03-27T01", "2027-03-28T01", "2027-03-29T00", "2027-03-30T00"]),
        ] {
            server.until(begin);
            // Two owners sign in; for 30 days they are known to be owners.
            server.ask("farah", "{ viewer { roles } }", json!({})).await;
            let goran = server.token_with("goran", "contoso", &["ORGANIZATION_OWNER"]);
            server.ask_with(&goran, "{ viewer { roles } }", json!({})).await;
            server.work().await;
            let made = server.made("karim", begin, TimeDelta::days(60)).await;
            server.insert(&[made]).await;
            sent = mailbox.mails().await.len().max(sent);
            let mut at = Vec::new();
            for _ in 0..94 {
                server.clock.advance(TimeDelta::hours(1));
                server.work().await;
                let mails = mailbox.mails().await;
                let new = &mails[sent..];
                sent = mails.len();
                if !new.is_empty() {
                    let mut to: Vec<&str> = new.iter().map(receiver).collect();
                    to.sort_unstable();
                    assert_eq!(to, ["farah@contoso.example", "goran@contoso.example"]);
                    at.push(server.clock.now().format("%Y-%m-%dT%H").to_string());
                }
            }
            assert_eq!(at, days);
            // What was decided waits no more.
            server.sql("UPDATE token_request SET state = 'DENIED'").await;
        }
        server.clock.advance(TimeDelta::days(3));
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), sent, "none on an empty day");
        assert_eq!(sent, 16);
    }

    async fn a_digest_names_the_oldest_by_owner_and_counts_the_rest(server: Server, mailbox: Mailbox) {
        server.ask("farah", "{ viewer { roles } }", json!({})).await;
        server.work().await;
        let mut made = Vec::new();
        for number in 0..60 {
            server.clock.advance(TimeDelta::seconds(60));
            let who = if number % 3 == 0 { "ivan" } else { "karim" };
            let one = server.made(who, &format!("token {number:02} <b>"), TimeDelta::days(30)).await;
            made.push(if number == 1 { one.because("I <need>\nit & more") } else { one });
        }
        server.insert(&made).await;
        server.clock.advance(TimeDelta::days(1));
        server.work().await;
        let mails = mailbox.mails().await;
        assert_eq!(mails.len(), 1);
        let mail = &mails[0];
        assert_eq!((receiver(mail), text(mail, "subject")), ("farah@contoso.example", "[Contoso] 60 token requests wait for review"));
        let (body, html) = (text(mail, "text"), text(mail, "html").replace("&#x2f;", "/"));
        for part in [body, html.as_str()] {
            assert!(part.contains("and 10 more"), "{part}");
            assert!(part.find("Ivan Petrov").unwrap() < part.find("Karim Benali").unwrap(), "the oldest request is Ivan's");
            assert!(part.contains("token 49") && !part.contains("token 50"), "{part}");
            let link = |number: usize| format!("https://access.example/@contoso.example#/token-requests/{}", Id::TokenRequest.text(made[number].request.id));
            assert!(part.contains(&link(0)) && part.contains(&link(49)) && !part.contains(&link(50)));
            assert!(part.contains("https://access.example/@contoso.example#/token-requests?state=PENDING"));
            let (first, third) = (part.find("token 00").unwrap(), part.find("token 03").unwrap());
            assert!(first < third && third < part.find("token 01").unwrap(), "by owner");
        }
        assert!(body.contains("\"I <need> it & more\""), "{body}");
        assert!(html.contains("I &lt;need&gt; it &amp; more") && !html.contains("<b>"), "{html}");
        // In the API it is there, too, and leads to what waits.
        let told = server.told("farah").await;
        assert_eq!((told.len(), &told[0]["kind"], &told[0]["title"]), (1, &json!("TOKEN_REQUEST_DIGEST"), &json!("60 token requests wait for review")));
    }

    async fn a_digest_that_is_moved_to_later_comes_once_that_day(server: Server, mailbox: Mailbox) {
        server.until("2026-09-22T06:00:00Z");
        server.ask("farah", "{ viewer { roles } }", json!({})).await;
        server.digest_at(8, "UTC").await;
        let made = server.made("karim", "ci", TimeDelta::days(30)).await;
        server.insert(&[made]).await;
        server.until("2026-09-22T08:00:00Z");
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 1, "at the hour itself");
        server.digest_at(10, "UTC").await;
        server.until("2026-09-22T11:00:00Z");
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 1, "the day has had its digest");
        // Three days without a server: the last of them is made up for, and no other.
        server.until("2026-09-26T03:00:00Z");
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 2);
        server.until("2026-09-26T10:00:00Z");
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 3);
    }

    async fn who_no_longer_is_an_owner_gets_no_digest(server: Server, mailbox: Mailbox) {
        server.ask("farah", "{ viewer { roles } }", json!({})).await;
        let goran = server.token_with("goran", "contoso", &["ORGANIZATION_OWNER"]);
        server.ask_with(&goran, "{ viewer { roles } }", json!({})).await;
        let made = server.made("karim", "ci", TimeDelta::days(90)).await;
        server.insert(&[made]).await;
        server.work().await;
        // Göran's next token claims the role no more; Farah's sign-in was 31 days ago.
        server.ask("goran", "{ viewer { roles } }", json!({})).await;
        server.clock.advance(TimeDelta::days(1));
        server.work().await;
        let to: Vec<Value> = mailbox.mails().await.iter().map(|mail| mail["to"][0].clone()).collect();
        assert_eq!(to, ["farah@contoso.example"]);
        server.clock.advance(TimeDelta::days(31));
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 1);
    }

    async fn a_token_that_ends_soon_is_told_of_once(server: Server, mailbox: Mailbox) {
        let made = [
            server.made("karim", "long", TimeDelta::days(10)).await,
            server.made("karim", "short", TimeDelta::days(5)).await,
            server.made("ivan", "given up", TimeDelta::days(10)).await,
        ];
        server.insert(&made).await;
        server.sql("UPDATE access_token SET revoked_at = created_at WHERE name = 'given up'").await;
        for hours in [71, 1, 1, 100] {
            server.clock.advance(TimeDelta::hours(hours));
            server.work().await;
            let expected = usize::from(server.clock.now() >= made[0].token.created_at + TimeDelta::days(3));
            assert_eq!(mailbox.mails().await.len(), expected, "after {hours} hours");
        }
        let mails = mailbox.mails().await;
        assert_eq!((receiver(&mails[0]), text(&mails[0], "subject")), ("karim@contoso.example", "[Contoso] Your access token “long” expires on 1 October 2026"));
        assert!(text(&mails[0], "text").contains("/notifications/preferences"));
        // Regenerated for another thirty days: it is told of again when that time comes.
        let issued = server.clock.now();
        let token = server.made("karim", "long", TimeDelta::days(30)).await.token;
        let mut again = server.made_of(token.organization_id, token.owner_id, "again", TimeDelta::days(30));
        again.token.issued_at = issued;
        server.insert(&[again]).await;
        server.clock.advance(TimeDelta::days(24));
        server.work().await;
        server.work().await;
        assert_eq!(mailbox.mails().await.len(), 2);
    }

    async fn what_was_turned_off_is_not_told(server: Server, mailbox: Mailbox) {
        const PREFER: &str = "mutation($input: UpdateNotificationPreferencesInput!) { updateNotificationPreferences(input: $input) {
            preferences { kind enabled canDisable } userErrors { code field } } }";
        server.ask("farah", "{ viewer { roles } }", json!({})).await;
        let off = |kind: &str| json!({ "input": { "preferences": [{ "kind": kind, "enabled": false }] } });
        let set = server.ask("farah", PREFER, off("TOKEN_REQUEST_DIGEST")).await["updateNotificationPreferences"].clone();
        assert_eq!(codes(&set), [""; 0]);
        let set = server.ask("karim", PREFER, off("TOKEN_EXPIRING")).await["updateNotificationPreferences"].clone();
        assert_eq!(set["preferences"][3], json!({ "kind": "TOKEN_EXPIRING", "enabled": false, "canDisable": true }));
        for decision in ["TOKEN_REQUEST_APPROVED", "TOKEN_REQUEST_DENIED", "TOKEN_GRANT_REVOKED"] {
            let refused = server.ask("karim", PREFER, off(decision)).await["updateNotificationPreferences"].clone();
            assert_eq!(codes(&refused), ["INVALID_INPUT"], "{decision}");
            assert_eq!(refused["userErrors"][0]["field"], json!(["input", "preferences", "0", "enabled"]));
        }
        server.deny("ci", "No.").await;
        let made = server.made("karim", "long", TimeDelta::days(8)).await;
        server.insert(&[made]).await;
        server.clock.advance(TimeDelta::days(2));
        server.work().await;
        let mails = mailbox.mails().await;
        assert_eq!(mails.len(), 1, "the decision alone");
        assert!(server.told("farah").await.is_empty());
        assert_eq!(server.told("karim").await.len(), 1);
        // Turned on again, the digest comes with the next day; the token was told of in vain.
        let on = json!({ "input": { "preferences": [{ "kind": "TOKEN_REQUEST_DIGEST", "enabled": true }] } });
        server.ask("farah", PREFER, on).await;
        server.clock.advance(TimeDelta::days(1));
        server.work().await;
        let mails = mailbox.mails().await;
        assert_eq!(mails.iter().map(receiver).collect::<Vec<_>>(), ["karim@contoso.example", "farah@contoso.example"]);
    }

    async fn who_has_no_address_or_is_gone_is_sent_nothing(server: Server, mailbox: Mailbox) {
        server.sql("UPDATE app_user SET email = NULL WHERE subject = 'karim'").await;
        server.deny("ci", "No.").await;
        server.work().await;
        assert_eq!(server.told("karim").await[0]["mailState"], "NONE");
        // The address is gone between the decision and the mail.
        server.sql("UPDATE app_user SET email = 'karim@contoso.example' WHERE subject = 'karim'").await;
        server.deny("two", "No.").await;
        server.sql("UPDATE app_user SET email = NULL WHERE subject = 'karim'").await;
        server.work().await;
        assert_eq!(server.told("karim").await[0]["mailState"], "NONE");
        // An address that cannot be one.
        server.sql("UPDATE app_user SET email = 'karim @ contoso' WHERE subject = 'karim'").await;
        server.deny("three", "No.").await;
        server.work().await;
        let told = server.told("karim").await[0].clone();
        assert_eq!((&told["mailState"], &told["mailError"]), (&json!("FAILED"), &json!("BAD_ADDRESS")));
        assert!(mailbox.attempts().await.is_empty());
        assert!(!server.failed_mails("farah").await[0]["errorMessage"].as_str().unwrap().contains("karim"));
    }
}

/// What became of a mail to Karim, sent with these settings: its state, the error, and how often it was given to the
/// mail server.
async fn sent_with(mailbox: &Mailbox, settings: Settings) -> Option<(Value, Value, Vec<Value>)> {
    let server = Server::start_mailing(Kind::Sqlite, Limits::default(), Some(settings)).await?;
    let before = mailbox.attempts().await.len();
    server.deny("ci", "No.").await;
    server.work().await;
    let told = server.told("karim").await[0].clone();
    let attempts = mailbox.attempts().await.split_off(before);
    Some((told["mailState"].clone(), told["mailError"].clone(), attempts))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_go_over_tls_and_with_the_login_or_not_at_all() {
    let Some(mailbox) = Mailbox::guarded() else { return };
    let good = mailbox.guarded_settings();
    let (state, error, attempts) = sent_with(&mailbox, good.clone()).await.unwrap();
    assert_eq!((state, error, attempts.len()), (json!("SENT"), Value::Null, 1));
    assert_eq!((&attempts[0]["secure"], &attempts[0]["user"]), (&json!(true), &json!(LOGIN.0)));

    let wrong_password =
        Settings { login: Some((LOGIN.0.to_owned(), Secret::new("hunter2"))), ..good.clone() };
    let untrusted = Settings { certificates: None, ..good.clone() };
    let no_login = Settings { login: None, ..good.clone() };
    let another_name = Settings { host: "localhost.localdomain".to_owned(), ..good.clone() };
    let plain = Settings { encryption: Encryption::Never, ..good };
    for (settings, expected) in [
        (wrong_password, &["LOGIN_FAILED"][..]),
        (untrusted, &["TLS_FAILED"]),
        (no_login, &["LOGIN_FAILED"]),
        // The name need not lead anywhere on this machine; where it does, the certificate is another one's.
        (another_name, &["TLS_FAILED", "UNREACHABLE"]),
        // The server takes a login over TLS only.
        (plain, &["LOGIN_FAILED"]),
    ] {
        let (state, error, attempts) = sent_with(&mailbox, settings).await.unwrap();
        assert_eq!((state, attempts.len()), (json!("PENDING"), 0), "{expected:?}");
        assert!(expected.contains(&error.as_str().unwrap()), "{error} is none of {expected:?}");
    }

    // A mail server without STARTTLS gets nothing from who wants it.
    let Some(open) = Mailbox::start() else { return };
    let settings = Settings { encryption: Encryption::StartTls, ..open.settings() };
    let (state, error, attempts) = sent_with(&open, settings).await.unwrap();
    assert_eq!((state, error, attempts.len()), (json!("PENDING"), json!("TLS_FAILED"), 0));
    // Nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (state, error, _) = sent_with(&open, Settings { port, ..open.settings() }).await.unwrap();
    assert_eq!((state, error), (json!("PENDING"), json!("UNREACHABLE")));
}

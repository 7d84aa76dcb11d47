//! The binary as its users start it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use guichet::clock::Clock;
use guichet::store::database::Connection as _;
use guichet::store::{Database, DatabaseSettings};
use serde_json::{Value, json};

use crate::harness::provider::Provider;

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The binary in a directory, with nothing of this machine's settings.
fn guichet(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guichet"));
    command.current_dir(directory).env_clear().stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What the demo prints for a person.
struct Printed {
    name: String,
    token: String,
    organization: Option<String>,
    query: String,
}

/// A demo that runs until it is dropped.
struct Demo {
    child: Child,
    printed: String,
}

impl Demo {
    fn start(directory: &Path) -> Self {
        let mut child = guichet(directory).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut printed = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            printed.push_str(&line);
            printed.push('\n');
            if line.starts_with("Stop with") {
                break;
            }
        }
        Self { child, printed }
    }

    fn address(&self) -> &str {
        self.printed.lines().find_map(|line| line.strip_prefix("GraphQL    ")).unwrap()
    }

    /// What was printed for each person.
    fn people(&self) -> Vec<Printed> {
        let read = |part: &str| {
            let between = |start: &str, end: &str| {
                part.split(start).nth(1).and_then(|rest| rest.split(end).next()).map(str::to_owned)
            };
            Printed {
                name: part.split(',').next().unwrap().to_owned(),
                token: between("Bearer ", "'").unwrap(),
                organization: between("'guichet-organization: ", "'"),
                query: between("-d '", "'\n").unwrap(),
            }
        };
        self.printed.split("\n# ").skip(1).map(read).collect()
    }

    async fn ask(&self, token: &str, body: String) -> Value {
        self.ask_in(None, token, body).await
    }

    async fn ask_in(&self, organization: Option<&str>, token: &str, body: String) -> Value {
        let request = reqwest::Client::new().post(self.address()).bearer_auth(token);
        let mut request = request.header("content-type", "application/json");
        if let Some(organization) = organization {
            request = request.header("guichet-organization", organization);
        }
        request.body(body).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_demo_prints_a_link_that_leads_a_partner_to_its_package_also_where_its_usual_address_is_taken() {
    // Whether this takes it or somebody else has: the demo has to go elsewhere.
    let _taken = std::net::TcpListener::bind(guichet::demo::USUAL_ADDRESS);
    let directory = tempfile::tempdir().unwrap();
    let demo = Demo::start(directory.path());
    let base = demo.address().strip_suffix("/graphql").unwrap();
    assert_ne!(base, format!("http://{}", guichet::demo::USUAL_ADDRESS));
    let link = demo.printed.lines().find(|line| line.contains("#/access-packages/")).unwrap();
    assert_eq!(link, guichet::demo::partners::share_link(base));
    let people = demo.people();
    let partner = people.iter().find(|person| person.name == "Wim de Vries").unwrap();
    assert_eq!(partner.organization.as_deref(), Some("contoso"));
    let (organization, token) = (partner.organization.as_deref(), &partner.token);
    let seen = demo.ask_in(organization, token, partner.query.clone()).await["data"].clone();
    assert_eq!(seen["organization"]["displayName"], "Contoso");
    assert_eq!(seen["viewer"]["user"], Value::Null, "nobody there has heard of him");
    let packages = seen["viewer"]["requestableAccessPackages"]["nodes"].as_array().unwrap();
    assert_eq!(packages.len(), 1);
    assert_eq!(packages[0]["displayName"], "Product launch");
    // The pages offer the same person, who acts where the link leads, and an operation with the same link.
    let read = async |path: &str| -> Value {
        reqwest::get(format!("{base}{path}")).await.unwrap().json().await.unwrap()
    };
    let ways = read("/sign-in/ways").await;
    let offered = ways["people"].as_array().unwrap().iter().find(|person| person["name"] == "Wim de Vries");
    assert_eq!(offered.unwrap()["organization"], "contoso");
    let config = read("/graphiql/config.json").await;
    let mut tabs = config["tabs"].as_array().unwrap().iter();
    let operation = tabs.find(|tab| tab["title"] == "17 Where a link leads").unwrap();
    let led = demo.ask_in(organization, token, json!({ "query": operation["query"] }).to_string()).await;
    assert_eq!(led["data"]["shareLinkTarget"]["accessPackage"]["displayName"], "Product launch", "{led}");
    // At home he is a member, by the same token.
    let home = demo.ask(
        token,
        json!({ "query": "{ viewer { user { displayName } } organization { slug } }" }).to_string(),
    );
    assert_eq!(
        home.await["data"],
        json!({ "viewer": { "user": { "displayName": "Wim de Vries" } }, "organization": { "slug": "fabrikam" } })
    );
}

#[tokio::test]
async fn without_a_subcommand_it_is_the_demo_and_a_second_start_finds_it_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let demo = Demo::start(directory.path());
    assert!(demo.address().starts_with("http://127.0.0.1:"));
    let people = demo.people();
    assert_eq!(people.len(), 14);
    for Printed { name, token, organization, query } in &people {
        let answer = demo.ask_in(organization.as_deref(), token, query.clone()).await;
        assert!(answer["errors"].is_null() && answer["data"].is_object(), "{name}: {answer}");
    }
    let everything =
        json!({ "query": "{ accessRequests(first: 100) { totalCount nodes { id state submittedAt } } }" });
    let alice = &people.iter().find(|person| person.name == "Alice Martin").unwrap().token;
    let before = demo.ask(alice, everything.to_string()).await;
    let states: std::collections::BTreeSet<&str> = before["data"]["accessRequests"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["state"].as_str().unwrap())
        .collect();
    assert_eq!(states.len(), 9, "requests in every state: {states:?}");
    drop(demo);
    let demo = Demo::start(directory.path());
    assert_eq!(demo.ask(alice, everything.to_string()).await, before);
    // Another person, by a token made on the command line.
    let token = run(guichet(directory.path()).args(["token", "nobody-yet", "--role", "GLOBAL_READER"]));
    let token = String::from_utf8(token.stdout).unwrap();
    let answer = demo
        .ask(token.trim(), json!({ "query": "{ viewer { roles user { displayName } } }" }).to_string())
        .await;
    assert_eq!(
        answer["data"]["viewer"],
        json!({ "roles": ["GLOBAL_READER"], "user": { "displayName": "nobody-yet" } })
    );
    let token = run(guichet(directory.path()).args(["token", "farah"]));
    let token = String::from_utf8(token.stdout).unwrap();
    let answer = demo.ask(token.trim(), json!({ "query": "{ viewer { roles } }" }).to_string()).await;
    assert_eq!(
        answer["data"]["viewer"],
        json!({ "roles": ["ORGANIZATION_OWNER"] }),
        "what the demo says of her"
    );
    drop(demo);
    // It is never served for real.
    let issuers = json!([{ "issuer": "https://idp.example", "audience": "guichet", "organization": "contoso",
        "keys": { "jwksFile": "keys.json" } }]);
    let refused = run(guichet(directory.path())
        .arg("serve")
        .env("GUICHET_DATABASE_URL", "sqlite://guichet-demo/guichet.sqlite")
        .env("GUICHET_ISSUERS", issuers.to_string())
        .env("GUICHET_SECRET_KEYS", KEY));
    assert!(!refused.status.success());
    assert!(text(&refused).contains("demo data"), "{}", text(&refused));
}

#[test]
fn settings_that_cannot_be_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let missing = run(guichet(at).arg("serve"));
    for name in ["GUICHET_DATABASE_URL", "GUICHET_ISSUERS", "GUICHET_SECRET_KEYS"] {
        assert!(text(&missing).contains(name), "{}", text(&missing));
    }
    let unknown = run(guichet(at).arg("serve").env("GUICHET_LISTEM", "x"));
    assert!(!unknown.status.success() && text(&unknown).contains("GUICHET_LISTEM"));
    let demo = run(guichet(at).env("GUICHET_LISTEN", "127.0.0.1:1"));
    assert!(
        !demo.status.success()
            && text(&demo).contains("GUICHET_LISTEN is set, but the demo takes no settings")
    );
    let wrong = run(guichet(at).arg("serve").env("GUICHET_LISTEN", "nowhere"));
    assert!(!wrong.status.success() && text(&wrong).contains("--listen"));
    let hs256 = json!([{ "issuer": "i", "audience": "a", "organization": "o", "keys": { "hs256Secret": "s".repeat(40) } }]);
    let demo_keys = run(guichet(at)
        .arg("serve")
        .env("GUICHET_DATABASE_URL", "sqlite://x")
        .env("GUICHET_SECRET_KEYS", KEY)
        .env("GUICHET_ISSUERS", hs256.to_string()));
    assert!(text(&demo_keys).contains("HS256"), "{}", text(&demo_keys));
    assert!(!text(&demo_keys).contains("ssssssss"));
    assert!(!at.join("guichet-demo").exists());
}

#[test]
fn the_doctor_tries_the_sign_in_at_issuers() {
    let Some(provider) = Provider::sending_back(&json!({}), "http://127.0.0.1:8080/sign-in/from/adatum")
    else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let doctor = |sign_in: Value| {
        let issuers = Value::from(vec![provider.with_sign_in(sign_in)]).to_string();
        let mut command = guichet(directory.path());
        command.arg("doctor").env("GUICHET_DATABASE_URL", "sqlite://guichet.sqlite");
        text(&run(command.env("GUICHET_SECRET_KEYS", KEY).env("GUICHET_ISSUERS", issuers)))
    };
    let what = format!("sign-in at issuer {:?}", provider.issuer);
    let told = doctor(json!({}));
    assert!(told.contains(&format!("ok     {what}")), "{told}");
    let told = doctor(json!({ "clientId": "guichet-server", "clientSecret": "wrong-one" }));
    assert!(told.contains(&format!("WRONG  {what}")) && !told.contains("wrong-one"), "{told}");
}

#[test]
fn an_operator_sets_a_server_up() {
    let directory = tempfile::tempdir().unwrap();
    let with_database = |arguments: &[&str]| {
        let mut command = guichet(directory.path());
        command.args(arguments).env("GUICHET_DATABASE_URL", "sqlite://guichet.sqlite");
        command.env("GUICHET_SECRET_KEYS", KEY).env("GUICHET_ISSUERS", "@issuers.json");
        run(&mut command)
    };
    std::fs::write(directory.path().join("issuers.json"), "[]").unwrap();
    let migrated = with_database(&["migrate"]);
    assert!(migrated.status.success(), "{}", text(&migrated));
    let create =
        ["organization", "create", "--slug", "contoso", "--name", "Contoso", "--domain", "contoso.example"];
    assert!(with_database(&create).status.success());
    assert!(text(&with_database(&create)).contains("has this slug"));
    let odd = ["organization", "create", "--slug", "Con toso", "--name", "Contoso"];
    assert!(text(&with_database(&odd)).contains("--slug"));
    assert!(text(&with_database(&["seed"])).contains("holds data of its own"));
    let doctor = with_database(&["doctor"]);
    assert!(!doctor.status.success());
    assert!(text(&doctor).contains("ok     database") && text(&doctor).contains("WRONG  GUICHET_ISSUERS"));
    let config = with_database(&["config"]);
    assert!(text(&config).contains("GUICHET_SECRET_KEYS=(set)") && !text(&config).contains("AAAA"));
    let schema = run(guichet(directory.path()).arg("schema"));
    assert_eq!(String::from_utf8(schema.stdout).unwrap(), include_str!("../schema.graphql"));
}

#[test]
fn an_operator_imports_what_github_tells() {
    let directory = tempfile::tempdir().unwrap();
    let with_database = |arguments: &[&str]| {
        run(guichet(directory.path()).args(arguments).env("GUICHET_DATABASE_URL", "sqlite://guichet.sqlite"))
    };
    assert!(with_database(&["migrate"]).status.success());
    let create = ["organization", "create", "--slug", "contoso", "--name", "Contoso"];
    assert!(with_database(&create).status.success());
    let request = json!({
        "id": 25381, "reason": null, "owner": { "login": "octocat", "id": 1 }, "repository_selection": "all",
        "permissions": { "organization": { "members": "read" }, "other": { "gists": "write" } },
        "created_at": "2023-05-16T08:47:09.000-07:00", "token_id": 98716, "token_name": "Some Token",
        "token_expired": false, "token_expires_at": null, "token_last_used_at": null
    });
    let import = |organization: &str, content: &str| {
        std::fs::write(directory.path().join("github.json"), content).unwrap();
        with_database(&["import", "github", "--organization", organization, "github.json"])
    };
    let broken = json!([request, { "id": 2 }]).to_string();
    let cut = json!([request]).to_string();
    for (organization, content, said) in [
        ("contoso", "", "the file is empty"),
        ("contoso", "id;login", "is not JSON"),
        ("contoso", &cut[..cut.len() - 2], "was cut off"),
        ("contoso", r#"{"message": "Bad credentials"}"#, "must hold lists"),
        ("contoso", broken.as_str(), "item number 2: missing field"),
        ("nowhere", cut.as_str(), "no organization with the slug \"nowhere\""),
    ] {
        let refused = import(organization, content);
        assert!(!refused.status.success(), "{said}");
        let text = text(&refused);
        assert!(text.contains(said) && text.contains("nothing was imported"), "{text}");
    }
    let missing = with_database(&["import", "github", "--organization", "contoso", "nowhere.json"]);
    assert!(!missing.status.success() && text(&missing).contains("nowhere.json"), "{}", text(&missing));
    let done = import("contoso", &cut);
    assert!(done.status.success());
    assert!(text(&done).contains("Token requests: 1 added, 0 changed, 0 left"), "{}", text(&done));
    assert!(text(&done).contains("1 permissions were left out"), "{}", text(&done));
    let again = text(&import("contoso", &cut));
    assert!(again.contains("Token requests: 0 added, 0 changed, 1 left"), "{again}");
}

/// Runs a statement on a database, for what no command does.
async fn tamper(directory: &Path, statement: &'static str) {
    let settings = DatabaseSettings {
        url: format!("sqlite://{}", directory.join("guichet.sqlite").display()),
        connections: 1,
        statement_timeout: std::time::Duration::from_secs(10),
    };
    let database = Database::connect(&settings, Clock::system()).await.unwrap();
    let mut sql = database.sql();
    sql.push(statement);
    assert_eq!(database.execute(sql).await.unwrap(), 1, "{statement}");
    database.close().await;
}

#[tokio::test]
async fn an_operator_verifies_and_exports_the_audit_trail() {
    let directory = tempfile::tempdir().unwrap();
    let with_database = |arguments: &[&str]| {
        run(guichet(directory.path()).args(arguments).env("GUICHET_DATABASE_URL", "sqlite://guichet.sqlite"))
    };
    assert!(with_database(&["migrate"]).status.success());
    for slug in ["contoso", "fabrikam"] {
        assert!(with_database(&["organization", "create", "--slug", slug, "--name", slug]).status.success());
    }
    let whole = with_database(&["audit", "verify"]);
    assert!(whole.status.success());
    assert_eq!(
        text(&whole),
        "ok     contoso no head yet\n       0 events, 1 wait to be sealed\n\
         ok     fabrikam no head yet\n       0 events, 1 wait to be sealed\n"
    );
    let none = with_database(&["audit", "export"]);
    assert!(none.status.success() && none.stdout.is_empty());
    assert_eq!(text(&none), "guichet: 2 events are not sealed yet, and were left out\n");
    // A server seals them.
    let issuers = json!([{ "issuer": "https://idp.example", "audience": "guichet", "organization": "contoso",
        "keys": { "jwksFile": "keys.json" } }]);
    std::fs::write(directory.path().join("keys.json"), r#"{"keys":[]}"#).unwrap();
    let mut server = guichet(directory.path());
    server
        .arg("serve")
        .env("GUICHET_DATABASE_URL", "sqlite://guichet.sqlite")
        .env("GUICHET_LISTEN", "127.0.0.1:0");
    server.env("GUICHET_ISSUERS", issuers.to_string()).env("GUICHET_SECRET_KEYS", KEY).stdout(Stdio::null());
    let server = Demo { child: server.spawn().unwrap(), printed: String::new() };
    let mut heads = String::new();
    for _ in 0..200 {
        heads = text(&with_database(&["audit", "verify"]));
        if !heads.contains("1 wait") {
            break;
        }
    }
    drop(server);
    let head = |slug: &str| {
        let line = heads.lines().find_map(|line| line.strip_prefix(&format!("ok     {slug} "))).unwrap();
        line.to_owned()
    };
    assert!(head("contoso").starts_with("1:") && head("contoso").len() == 66, "{heads}");
    let named = |slug: &str, of: &str| format!("{slug}={}", head(of));
    let verify_all = |contoso: &str, fabrikam: &str| {
        with_database(&["audit", "verify", "--expect", contoso, "--expect", fabrikam])
    };
    let verify = |organization: &str, expect: &str| {
        with_database(&["audit", "verify", "--organization", organization, "--expect", expect])
    };
    assert!(verify("contoso", &head("contoso")).status.success());
    assert!(verify("contoso", &named("contoso", "contoso")).status.success());
    let both = verify_all(&named("fabrikam", "fabrikam"), &named("contoso", "contoso"));
    assert!(both.status.success() && text(&both) == heads, "{}", text(&both));
    let exchanged = verify_all(&named("fabrikam", "contoso"), &named("contoso", "fabrikam"));
    assert!(!exchanged.status.success());
    assert_eq!(text(&exchanged).matches("not as expected").count(), 2, "{}", text(&exchanged));
    let export = with_database(&["audit", "export", "--organization", "contoso"]);
    let event: Value = serde_json::from_slice(&export.stdout).unwrap();
    assert_eq!(format!("{}:{}", event["sequence"], event["hash"].as_str().unwrap()), head("contoso"));
    assert_eq!(
        (&event["action"], &event["form"]),
        (&json!("organization.created"), &json!("guichet-audit-1"))
    );
    let both = with_database(&["audit", "export", "--since", "2020-01-01T00:00:00Z"]);
    assert_eq!(String::from_utf8_lossy(&both.stdout).lines().count(), 2);
    let before = with_database(&["audit", "export", "--until", "2020-01-01T00:00:00Z"]);
    assert!(before.status.success() && before.stdout.is_empty());
    // What is asked wrongly.
    for (arguments, said) in [
        (&["audit", "verify", "--organization", "nowhere"][..], "no organization with the slug \"nowhere\""),
        (&["audit", "verify", "--expect", "1"], "expected sequence:hash"),
        (
            &["audit", "verify", "--expect", head("contoso").as_str()],
            "name it, as --expect SLUG=SEQUENCE:HASH",
        ),
        (&["audit", "verify", "--expect", "contoso=1"], "expected sequence:hash"),
        (&["audit", "verify", "--expect", named("nowhere", "contoso").as_str()], "\"nowhere\" is not among"),
        (
            &[
                "audit",
                "verify",
                "--organization",
                "contoso",
                "--expect",
                named("fabrikam", "fabrikam").as_str(),
            ],
            "\"fabrikam\" is not among",
        ),
        (
            &[
                "audit",
                "verify",
                "--expect",
                named("contoso", "contoso").as_str(),
                "--expect",
                named("contoso", "fabrikam").as_str(),
            ],
            "two heads of \"contoso\"",
        ),
        (&["audit", "export", "--since", "yesterday"], "--since"),
    ] {
        let refused = with_database(arguments);
        assert!(!refused.status.success() && text(&refused).contains(said), "{}", text(&refused));
    }
    // Another's head, then an event that was altered, then one that is gone.
    let other = verify("contoso", &head("fabrikam"));
    assert!(!other.status.success() && text(&other).contains("not as expected"), "{}", text(&other));
    let contoso = "organization_id = (SELECT id FROM organization WHERE slug = 'contoso')";
    tamper(directory.path(), format!("UPDATE audit_event SET action = 'nothing' WHERE {contoso}").leak())
        .await;
    let altered = with_database(&["audit", "verify"]);
    assert!(!altered.status.success());
    let said = format!("WRONG  contoso 1 {}: altered", event["id"].as_str().unwrap());
    assert!(text(&altered).starts_with(&said), "{}", text(&altered));
    assert!(text(&altered).contains(&format!("ok     fabrikam {}", head("fabrikam"))), "{}", text(&altered));
    tamper(directory.path(), format!("DELETE FROM audit_event WHERE {contoso}").leak()).await;
    let cut = verify("contoso", &head("contoso"));
    assert!(!cut.status.success());
    assert!(text(&cut).starts_with("WRONG  contoso 1: removed: the chain ends at 0"), "{}", text(&cut));
    tamper(directory.path(), format!("DELETE FROM audit_chain WHERE {contoso}").leak()).await;
    assert!(with_database(&["audit", "verify"]).status.success(), "nothing in the database tells of it");
    let cut = verify_all(&named("contoso", "contoso"), &named("fabrikam", "fabrikam"));
    assert!(
        !cut.status.success() && text(&cut).contains("WRONG  contoso 1: not as expected"),
        "{}",
        text(&cut)
    );
    assert!(text(&cut).contains(&format!("ok     fabrikam {}", head("fabrikam"))), "{}", text(&cut));
    let cut = verify("contoso", &head("contoso"));
    assert!(
        !cut.status.success() && text(&cut).contains("WRONG  contoso 1: not as expected"),
        "{}",
        text(&cut)
    );
}

#[test]
fn a_server_does_not_start_with_an_issuer_of_its_own_name() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("keys.json"), r#"{"keys":[]}"#).unwrap();
    let start = |issuer: &str, public_url: &str| {
        let issuers =
            json!([{ "issuer": issuer, "audience": "guichet", "keys": { "jwksFile": "keys.json" } }]);
        let mut server = guichet(directory.path());
        server.args(["serve", "--migrate"]).env("GUICHET_DATABASE_URL", "sqlite://guichet.sqlite");
        // Nobody can listen there: what is not refused before ends there.
        server.env("GUICHET_LISTEN", "192.0.2.1:1").env("GUICHET_PUBLIC_URL", public_url);
        run(server.env("GUICHET_ISSUERS", issuers.to_string()).env("GUICHET_SECRET_KEYS", KEY))
    };
    let said = "GUICHET_ISSUERS: an issuer has the name of this server's own, GUICHET_PUBLIC_URL";
    for public_url in ["https://access.example", "https://access.example/"] {
        let refused = start("https://access.example", public_url);
        assert!(!refused.status.success() && text(&refused).contains(said), "{}", text(&refused));
    }
    let other = start("https://idp.example", "https://access.example");
    assert!(!other.status.success() && !text(&other).contains("GUICHET_ISSUERS"), "{}", text(&other));
}

#[test]
fn every_setting_is_documented_and_printed() {
    let directory = tempfile::tempdir().unwrap();
    let help = run(guichet(directory.path()).args(["serve", "--help"]));
    let config = run(guichet(directory.path()).arg("config"));
    let (help, config) = (text(&help), text(&config));
    let settings: Vec<&str> =
        help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next()).collect();
    assert!(settings.len() > 20, "{settings:?}");
    for name in settings {
        assert!(config.contains(&format!("{name}=")), "`guichet config` says nothing of {name}");
        assert!(
            include_str!("../README.md").contains(&format!("`{name}`")),
            "README.md says nothing of {name}"
        );
    }
    let refused = run(guichet(directory.path()).args(["serve", "--idle-timeout", "10"]));
    assert!(text(&refused).contains("GUICHET_IDLE_TIMEOUT must be 5 seconds longer"), "{}", text(&refused));
    let refused = run(guichet(directory.path()).args(["serve", "--request-timeout", "0"]));
    assert!(text(&refused).contains("--request-timeout"), "{}", text(&refused));
}

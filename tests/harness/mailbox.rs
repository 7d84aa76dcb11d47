//! A mail server that nobody here wrote: `smtp-server` of npm, and what it was given, read by `postal-mime`.

use std::path::Path;
use std::time::Duration;

use guichet::mail::{Encryption, Settings};
use guichet::secret::Secret;
use serde_json::{Value, json};

use super::npm::Script;

/// A running mail server.
pub struct Mailbox {
    _script: Script,
    smtp: u16,
    control: String,
}

/// Who may log in, where the mail server wants a login.
pub const LOGIN: (&str, &str) = ("guichet", "a-password-of-the-mail-server");

impl Mailbox {
    /// A mail server that takes everything, without TLS; none where it is missing and may be.
    pub fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// A mail server that wants STARTTLS and a login.
    pub fn guarded() -> Option<Self> {
        Self::with(&[LOGIN.0, LOGIN.1])
    }

    fn with(arguments: &[&str]) -> Option<Self> {
        let script = Script::start("smtp", "server.mjs", arguments)?;
        let ports: Value = serde_json::from_str(&script.first_line).unwrap();
        let port = |name: &str| u16::try_from(ports[name].as_u64().unwrap()).unwrap();
        let control = format!("http://127.0.0.1:{}", port("control"));
        Some(Self { smtp: port("smtp"), control, _script: script })
    }

    /// The settings to send mails there.
    pub fn settings(&self) -> Settings {
        Settings {
            host: "127.0.0.1".to_owned(),
            port: self.smtp,
            encryption: Encryption::Never,
            certificates: None,
            login: None,
            from: "Guichet <guichet@contoso.example>".to_owned(),
            timeout: Duration::from_secs(10),
            connections: 4,
        }
    }

    /// The settings with STARTTLS, the authority of the test's certificate, and the login.
    pub fn guarded_settings(&self) -> Settings {
        let authority = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/authority.pem");
        Settings {
            encryption: Encryption::StartTls,
            certificates: Some(std::fs::read(authority).unwrap()),
            login: Some((LOGIN.0.to_owned(), Secret::new(LOGIN.1))),
            ..self.settings()
        }
    }

    /// The mails that it took, in order.
    pub async fn mails(&self) -> Vec<Value> {
        self.list("mails").await
    }

    /// The mails that were given to it, also those that it refused.
    pub async fn attempts(&self) -> Vec<Value> {
        self.list("attempts").await
    }

    /// What the next mails are answered, one for each: a status and a text.
    pub async fn answer(&self, answers: &[(u16, &str)]) {
        let answers: Vec<Value> =
            answers.iter().map(|(code, text)| json!({ "code": code, "text": text })).collect();
        let sent = reqwest::Client::new().post(format!("{}/answers", self.control)).json(&answers).send();
        assert!(sent.await.unwrap().status().is_success());
    }

    async fn list(&self, name: &str) -> Vec<Value> {
        reqwest::get(format!("{}/{name}", self.control)).await.unwrap().json().await.unwrap()
    }
}

//! Where mails go.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use url::Url;

use super::ConfigError;
use super::limits::seconds;
use crate::mail::letter::Sender;
use crate::mail::settings::{Settings, Wish, server};
use crate::secret::Secret;

/// The mail server. Without one nothing is mailed, and what people are told stays readable in the API.
#[derive(Args, Clone, Debug)]
pub struct MailArgs {
    /// The mail server: <smtps://host:465>, or <smtp://host:587> with STARTTLS; without one nothing is mailed
    #[arg(long, env = "GUICHET_SMTP_URL", value_name = "URL")]
    pub smtp_url: Option<Url>,

    /// The user at the mail server, where it wants one
    #[arg(long, env = "GUICHET_SMTP_USER", value_name = "NAME", requires = "smtp_url")]
    pub smtp_user: Option<String>,

    /// The password of that user
    #[arg(
        long,
        env = "GUICHET_SMTP_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD",
        requires = "smtp_user"
    )]
    pub smtp_password: Option<String>,

    /// How the connection is protected
    #[arg(long, env = "GUICHET_SMTP_TLS", value_name = "WHEN", value_enum, default_value_t = SmtpTls::Auto)]
    pub smtp_tls: SmtpTls,

    /// A file with certificates (PEM) that are trusted for the mail server, beside those of the machine
    #[arg(long, env = "GUICHET_SMTP_CA", value_name = "FILE")]
    pub smtp_ca: Option<PathBuf>,

    /// The longest that the mail server may take to connect, or to answer, in seconds
    #[arg(long, env = "GUICHET_SMTP_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = seconds())]
    pub smtp_timeout: Duration,

    /// The most connections to the mail server at once
    #[arg(long, env = "GUICHET_SMTP_CONNECTIONS", value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub smtp_connections: u32,

    /// Who mails come from, for example: Guichet <guichet@contoso.example>
    #[arg(long, env = "GUICHET_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SmtpTls {
    /// TLS, but for a mail server on this machine (<smtp://> to a loopback address).
    Auto,
    /// TLS to any mail server.
    Required,
    /// No TLS with <smtp://>: mails and password cross the network readable.
    None,
}

impl MailArgs {
    /// The settings of the mail server, or what is wrong; none where there is no mail server.
    pub fn settings(&self) -> Result<Option<Settings>, ConfigError> {
        let Some(url) = &self.smtp_url else { return Ok(None) };
        let wrong = |name: &str, fault: String| ConfigError(format!("GUICHET_{name}: {fault}"));
        let wish = match self.smtp_tls {
            SmtpTls::Auto => Wish::Safe,
            SmtpTls::Required => Wish::Required,
            SmtpTls::None => Wish::Plain,
        };
        let (host, port, encryption) = server(url, wish).map_err(|fault| wrong("SMTP_URL", fault))?;
        let Some(from) = &self.mail_from else {
            return Err(ConfigError(
                "GUICHET_MAIL_FROM (--mail-from) is missing: say who mails come from".to_owned(),
            ));
        };
        Sender::parse(from).map_err(|fault| wrong("MAIL_FROM", fault))?;
        let login = match (&self.smtp_user, &self.smtp_password) {
            (Some(user), Some(password)) => Some((user.clone(), Secret::new(password.as_str()))),
            (None, None) => None,
            _ => return Err(wrong("SMTP_USER", "user and password belong together: give both".to_owned())),
        };
        let read = |path: &PathBuf| {
            fs::read(path).map_err(|error| wrong("SMTP_CA", format!("{}: {error}", path.display())))
        };
        Ok(Some(Settings {
            host,
            port,
            encryption,
            certificates: self.smtp_ca.as_ref().map(read).transpose()?,
            login,
            from: from.clone(),
            timeout: self.smtp_timeout,
            connections: self.smtp_connections,
        }))
    }

    /// Each setting with the end of its variable's name and its value, secrets hidden.
    pub(super) fn rows(&self) -> [(&'static str, String); 8] {
        let shown = |text: Option<String>| text.unwrap_or_else(|| "(not set)".to_owned());
        let tls = self.smtp_tls.to_possible_value();
        [
            // A password that was written into the address by mistake is not shown.
            ("SMTP_URL", shown(self.smtp_url.as_ref().map(|url| super::without_password(url.as_str())))),
            ("SMTP_USER", shown(self.smtp_user.clone())),
            ("SMTP_PASSWORD", shown(self.smtp_password.as_ref().map(|_| "(set)".to_owned()))),
            ("SMTP_TLS", tls.map(|when| when.get_name().to_owned()).unwrap_or_default()),
            ("SMTP_CA", shown(self.smtp_ca.as_ref().map(|path| path.display().to_string()))),
            ("SMTP_TIMEOUT", self.smtp_timeout.as_secs().to_string()),
            ("SMTP_CONNECTIONS", self.smtp_connections.to_string()),
            ("MAIL_FROM", shown(self.mail_from.clone())),
        ]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        mail: MailArgs,
    }

    fn settings(arguments: &[&str]) -> Result<Option<Settings>, String> {
        let all = std::iter::once("x").chain(arguments.iter().copied());
        Alone::try_parse_from(all).unwrap().mail.settings().map_err(|error| error.0)
    }

    #[test]
    fn mail_needs_a_server_and_a_sender() {
        assert!(settings(&[]).unwrap().is_none());
        let server = ["--smtp-url", "smtps://mail.example"];
        assert!(settings(&server).unwrap_err().contains("GUICHET_MAIL_FROM"));
        let with = |more: &[&str]| {
            settings(&[&server[..], &["--mail-from", "guichet@contoso.example"], more].concat())
        };
        assert_eq!(with(&[]).unwrap().unwrap().port, 465);
        assert!(with(&["--smtp-user", "guichet"]).unwrap_err().contains("password"));
        assert!(with(&["--smtp-ca", "/no/such/file"]).unwrap_err().contains("GUICHET_SMTP_CA"));
        assert!(with(&["--smtp-tls", "none"]).unwrap_err().contains("GUICHET_SMTP_URL"));
        let odd = ["--smtp-url", "smtps://mail.example", "--mail-from", "a@b.example\r\nBcc: c@d.example"];
        assert!(settings(&odd).unwrap_err().contains("GUICHET_MAIL_FROM"));
    }

    #[test]
    fn no_password_is_shown() {
        let arguments = [
            "x",
            "--smtp-url",
            "smtp://u:hunter2@mail.example",
            "--smtp-user",
            "u",
            "--smtp-password",
            "hunter3",
        ];
        let mail = Alone::try_parse_from(arguments).unwrap().mail;
        let shown = format!("{:?}", mail.rows());
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(!mail.settings().unwrap_err().0.contains("hunter"));
    }
}

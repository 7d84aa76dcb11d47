//! Mail: from what a notification tells to a message that an SMTP server has taken.
//!
//! Texts of people go through the templates, which escape them, and through
//! [`letter::one_line`] before they become part of a header.

pub mod letter;
pub mod settings;
pub mod sign_in_code;
pub mod template;

use std::error::Error as _;
use std::io;
use std::time::Duration;

use entity::notification::MailErrorCode as Code;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::domain::notification::mail::Failure;
pub use letter::Letter;
pub use settings::{Encryption, Settings};

/// How long one mail may take, whatever the server does; shorter than a worker's lease.
const DEADLINE: Duration = Duration::from_secs(40);
/// How long a connection to the mail server is kept without a mail.
const IDLE: Duration = Duration::from_secs(30);
/// The most characters that are kept of a mail server's words.
const LONGEST_WORDS: usize = 500;

/// Sends letters to a mail server, over connections that are kept. Clones share them.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: letter::Sender,
}

impl Mailer {
    /// A mailer that has not connected yet; what is wrong with the settings otherwise. To be called where there is a
    /// runtime.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let from = letter::Sender::parse(&settings.from)?;
        let tls = match settings.encryption {
            Encryption::Never => Tls::None,
            Encryption::Always => Tls::Wrapper(tls_parameters(settings)?),
            Encryption::StartTls => Tls::Required(tls_parameters(settings)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
            .port(settings.port)
            .tls(tls)
            .timeout(Some(settings.timeout))
            .hello_name(ClientId::Domain(from.domain().to_owned()))
            .pool_config(PoolConfig::new().max_size(settings.connections).idle_timeout(IDLE));
        if let Some((user, password)) = &settings.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Sends a letter; it is with the mail server when this is done.
    pub async fn send(&self, letter: &Letter) -> Result<(), Failure> {
        let message = letter.message(&self.from)?;
        match tokio::time::timeout(DEADLINE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(Failure {
                code: Code::TimedOut,
                status: None,
                message: "The mail server took too long.".to_owned(),
            }),
        }
    }

    /// Whether the mail server lets us in; sends nothing.
    pub async fn check(&self) -> Result<(), Failure> {
        match tokio::time::timeout(DEADLINE, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Ok(Ok(false)) | Err(_) => Err(Failure {
                code: Code::TimedOut,
                status: None,
                message: "The mail server did not answer.".to_owned(),
            }),
        }
    }
}

fn tls_parameters(settings: &Settings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(pem) = &settings.certificates {
        let found = Certificate::from_pem(pem)
            .map_err(|error| format!("the certificates cannot be read: {error}"))?;
        builder = builder.add_root_certificate(found);
    }
    builder.build().map_err(|error| format!("TLS: {error}"))
}

/// What a failure of the library means.
fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    let status = error.status().and_then(|code| code.to_string().parse::<u16>().ok());
    let words = error.source().map_or_else(|| error.to_string(), |source| root(source).to_string());
    let code = match status {
        // RFC 4954 §6, RFC 5248: the login is refused, missing, too weak, or needs encryption.
        Some(530 | 534 | 535 | 538) => Code::LoginFailed,
        Some(500..) => Code::Rejected,
        Some(_) => Code::RefusedForNow,
        None if error.is_tls() || is_broken_tls(error) => Code::TlsFailed,
        None if error.is_timeout() => Code::TimedOut,
        // The library tells these apart by their words only.
        None if error.is_client() && words.contains("STARTTLS") => Code::TlsFailed,
        None if error.is_client() && words.contains("authentication") => Code::LoginFailed,
        None => Code::Unreachable,
    };
    Failure { code, status, message: letter::one_line(&words, LONGEST_WORDS) }
}

/// The innermost cause.
fn root<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

/// A handshake that failed comes as invalid data of the connection.
fn is_broken_tls(error: &lettre::transport::smtp::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        source = cause.source();
    }
    false
}

//! Where mails go, and from whom.

use std::net::IpAddr;
use std::time::Duration;

use url::{Host, Url};

use crate::secret::Secret;

/// Where mails go, and from whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name or address of the mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub encryption: Encryption,
    /// Certificates in PEM that are trusted beside those of the machine.
    pub certificates: Option<Vec<u8>>,
    /// User and password, where the server wants them.
    pub login: Option<(String, Secret)>,
    /// The sender: an address, with or without a name.
    pub from: String,
    /// The longest that the server may take to connect, or to answer.
    pub timeout: Duration,
    /// The most connections at once.
    pub connections: u32,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte.
    Always,
    /// TLS after STARTTLS, or no mail.
    StartTls,
    /// None.
    Never,
}

/// What the operator says about protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Whatever is safe: none is safe to this machine only.
    Safe,
    /// Always.
    Required,
    /// Not at all: the operator answers for the network.
    Plain,
}

/// Reads the address of a mail server: `smtps://host:465`, or `smtp://host:587`.
pub fn server(address: &Url, wish: Wish) -> Result<(String, u16, Encryption), String> {
    let form = "must be smtps://host:port, or smtp://host:port with STARTTLS";
    let bare =
        ["", "/"].contains(&address.path()) && address.query().is_none() && address.fragment().is_none();
    if !address.username().is_empty() || address.password().is_some() {
        return Err("must not hold a user or password: they have settings of their own".to_owned());
    }
    let Some(host) = address.host_str().filter(|host| bare && !host.is_empty()) else {
        return Err(form.to_owned());
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let (usual, encryption) = match (address.scheme(), wish) {
        ("smtps", Wish::Plain) => return Err("is smtps://, which is never plain".to_owned()),
        ("smtps", Wish::Safe | Wish::Required) => (465, Encryption::Always),
        ("smtp", Wish::Plain) => (587, Encryption::Never),
        ("smtp", Wish::Safe) if is_loopback(&host) => (587, Encryption::Never),
        ("smtp", Wish::Safe | Wish::Required) => (587, Encryption::StartTls),
        _ => return Err(form.to_owned()),
    };
    Ok((host, address.port().unwrap_or(usual), encryption))
}

fn is_loopback(host: &str) -> bool {
    let address = match Host::parse(host) {
        Ok(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Ok(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => host.parse().ok(),
    };
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str, wish: Wish) -> Result<(String, u16, Encryption), String> {
        server(&address.parse().unwrap(), wish)
    }

    #[test]
    fn mail_leaves_the_machine_encrypted_unless_the_operator_says_otherwise() {
        for (address, wish, port, encryption) in [
            ("smtps://mail.example", Wish::Safe, 465, Encryption::Always),
            ("smtps://mail.example:1465", Wish::Required, 1465, Encryption::Always),
            ("smtp://mail.example", Wish::Safe, 587, Encryption::StartTls),
            ("smtp://mail.example:25", Wish::Required, 25, Encryption::StartTls),
            ("smtp://mail.example", Wish::Plain, 587, Encryption::Never),
            ("smtp://127.0.0.1:1025", Wish::Safe, 1025, Encryption::Never),
            ("smtp://127.1.2.3:1025", Wish::Safe, 1025, Encryption::Never),
            ("smtp://localhost:1025", Wish::Safe, 1025, Encryption::Never),
            ("smtp://[::1]:1025", Wish::Safe, 1025, Encryption::Never),
            ("smtp://127.0.0.1:1025", Wish::Required, 1025, Encryption::StartTls),
            ("smtp://127.0.0.1.example", Wish::Safe, 587, Encryption::StartTls),
            ("smtp://localhost.example", Wish::Safe, 587, Encryption::StartTls),
            ("smtp://10.0.0.1", Wish::Safe, 587, Encryption::StartTls),
        ] {
            let (_, read_port, read_encryption) = read(address, wish).unwrap();
            assert_eq!((read_port, read_encryption), (port, encryption), "{address}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_mail_server_is_refused_without_its_password() {
        for address in
            ["https://mail.example", "smtp:mail", "smtp://mail.example/path", "smtp://mail.example?tls=none"]
        {
            assert!(read(address, Wish::Safe).is_err(), "{address}");
        }
        let refused = read("smtp://user:hunter2@mail.example", Wish::Safe).unwrap_err();
        assert!(!refused.contains("hunter2"));
        assert!(read("smtps://mail.example", Wish::Plain).is_err());
    }
}

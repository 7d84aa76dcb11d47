//! Where a remote answers: what is accepted as its base URL.

use url::Url;

use crate::domain::error::{Code, Rejection};

/// The longest base URL, in characters.
const LONGEST: usize = 2_000;

/// An `https` URL, or an `http` one where private addresses are allowed; without user name, password,
/// query and fragment. The refusal does not repeat it: there can be a password in it.
pub fn base_url(field: &str, text: &str, allow_private_addresses: bool) -> Result<String, Rejection> {
    let refuse =
        |message: &str| Err(Rejection::of(field, Code::InvalidInput, format!("`{field}` {message}")));
    if text.chars().count() > LONGEST
        || text.chars().any(|character| character.is_control() || character == ' ')
    {
        return refuse("must have at most 2,000 characters, without spaces or control characters.");
    }
    let Ok(url) = Url::parse(text) else { return refuse("must be an absolute https URL.") };
    match (url.scheme(), allow_private_addresses) {
        ("https", _) | ("http", true) => {}
        ("http", false) => {
            return refuse(
                "must begin with https; http is for private addresses only, and this server does not allow those.",
            );
        }
        _ => return refuse("must be an absolute https URL."),
    }
    if !url.has_host() {
        return refuse("must be an absolute https URL.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or password: give the `secret` instead.");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not hold a query or fragment.");
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_addresses_are_taken() {
        for good in
            ["https://scim.example.com/v2", "https://scim.example.com:8443/", "https://[2606:4700::1111]/"]
        {
            assert_eq!(base_url("baseUrl", good, false), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "scim.example.com",
            "/v2",
            "https://",
            "ftp://scim.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://scim.example.com/",
            "https://user@scim.example.com/",
            "https://:word@scim.example.com/",
            "https://scim.example.com/?tenant=1",
            "https://scim.example.com/?",
            "https://scim.example.com/#part",
            "https://scim.example.com/ v2",
            "https://scim.example.com/\nv2",
        ] {
            assert_eq!(base_url("baseUrl", bad, false).unwrap_err().code, Code::InvalidInput, "{bad}");
        }
    }

    #[test]
    fn http_is_taken_where_private_addresses_are_allowed() {
        assert!(base_url("baseUrl", "http://localhost:9000/scim", true).is_ok());
        assert!(base_url("baseUrl", "http://user:word@localhost/", true).is_err());
    }

    #[test]
    fn a_refusal_does_not_repeat_the_address() {
        for bad in
            ["https://user:hunter2@scim.example.com/", "hunter2", "ftp://hunter2/", "https://x/?hunter2"]
        {
            assert!(!base_url("baseUrl", bad, false).unwrap_err().message.contains("hunter2"));
        }
    }
}

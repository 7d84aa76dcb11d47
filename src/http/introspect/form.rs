//! What is asked, as a form; and the credentials of HTTP Basic.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The parameters of a request. None may come twice (RFC 6749 §3.2); those that are not known are passed over.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub token: Option<String>,
    pub repository: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    hint: Option<String>,
}

impl Form {
    /// Reads a form; or says what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            let place = match name.as_ref() {
                "token" => &mut form.token,
                "repository" => &mut form.repository,
                "client_id" => &mut form.client_id,
                "client_secret" => &mut form.client_secret,
                "token_type_hint" => &mut form.hint,
                _ => continue,
            };
            if value.contains('\0') || value.len() > 2_000 {
                return Err("A parameter is longer than 2,000 bytes, or holds what no text does.");
            }
            // A parameter without a value is as if it was left out (RFC 6749 §3.2).
            if !value.is_empty() && place.replace(value.into_owned()).is_some() {
                return Err("A parameter comes twice.");
            }
        }
        Ok(form)
    }
}

/// Whether the body is said to be a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The id and the secret of a client in HTTP Basic, each encoded as in a form (RFC 6749 §2.3.1).
pub(super) fn basic(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

fn decoded(text: &str) -> Option<String> {
    if text.contains(['&', '=']) {
        return None;
    }
    let pair = url::form_urlencoded::parse(text.as_bytes()).next();
    Some(pair.map(|(name, _)| name.into_owned()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_read_once_each() {
        let form = Form::parse(b"token=a%2Bb+c&token_type_hint=access_token&x=1&x=2&repository=").unwrap();
        assert_eq!(form.token.as_deref(), Some("a+b c"));
        assert_eq!(form.repository, None, "without a value it is left out");
        assert!(Form::parse(b"token=a&token=a").is_err());
        assert!(Form::parse(b"client_id=a&token=b&client_id=c").is_err());
        assert!(Form::parse(b"token=%00").is_err());
        assert!(Form::parse(format!("token={}", "a".repeat(2_001)).as_bytes()).is_err());
    }

    #[test]
    fn basic_is_read_as_a_form_encodes_it() {
        let of = |text: &str| basic(&STANDARD.encode(text));
        assert_eq!(of("icl_1:s3cret"), Some(("icl_1".to_owned(), "s3cret".to_owned())));
        assert_eq!(of("a%3Ab:c%20d+e"), Some(("a:b".to_owned(), "c d e".to_owned())));
        assert_eq!(of("a:"), Some(("a".to_owned(), String::new())));
        assert_eq!((of("a"), of("a=b:c"), basic("%%%"), basic("")), (None, None, None, None));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text: String) {
            let _ = Form::parse(&bytes);
            let _ = basic(&text);
        }
    }
}

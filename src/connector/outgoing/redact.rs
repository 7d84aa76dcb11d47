//! Makes a remote's words safe to keep and to show.
//!
//! A remote may repeat what it was sent, the credential included, plain or
//! encoded. Its words lose every form of the secret that we can name, everything
//! that looks like a credential, and the characters that steer a terminal or a
//! text's direction; then they are cut.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::connector::REMOTE_TEXT_LIMIT;
use crate::secret::Secret;

/// What stands where something was taken out.
const REMOVED: &str = "[removed]";

/// A secret shorter than this, in bytes, is removed only as it is: parts of its encodings would
/// match words of the remote.
const SHORTEST_ENCODED: usize = 6;

/// Removes one secret from texts.
pub struct Redactor {
    /// The forms of the secret, the longest first.
    forms: Vec<String>,
}

impl Redactor {
    /// Prepares the forms of `secret`: plain, JSON string, base64 (RFC 4648, both alphabets, at any
    /// offset inside of a longer text), percent-encoded and form-encoded.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let plain = secret.expose();
        let mut forms = vec![plain.to_owned()];
        if plain.len() >= SHORTEST_ENCODED {
            forms.extend(encoded_forms(plain));
        }
        forms.retain(|form| !form.is_empty());
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// The text without secrets and control characters, at most [`REMOTE_TEXT_LIMIT`] characters.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        // First the invisible, so that it cannot split what is searched for.
        let visible: String = text.chars().filter(|letter| !is_invisible(*letter)).collect();
        let lines: Vec<String> = visible.split('\n').map(|line| self.without_credentials(line)).collect();
        // A secret that was broken over lines is whole again here.
        let unbroken = lines.concat();
        let joined = lines.join(" ");
        let text = if self.remove_forms(&unbroken) == unbroken { joined } else { unbroken };
        let text = self.remove_forms(&text);
        text.trim().chars().take(REMOTE_TEXT_LIMIT).collect()
    }

    fn without_credentials(&self, line: &str) -> String {
        remove_bearer(&remove_authorization(&self.remove_forms(line)))
    }

    fn remove_forms(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form, REMOVED))
    }
}

fn encoded_forms(plain: &str) -> Vec<String> {
    let mut forms = vec![
        percent_encode(plain),
        percent_encode(plain).to_lowercase(),
        url::form_urlencoded::byte_serialize(plain.as_bytes()).collect(),
    ];
    forms.extend(serde_json::to_string(plain).map(|quoted| quoted.trim_matches('"').to_owned()));
    for offset in 0..3 {
        let shifted = [vec![0; offset], plain.as_bytes().to_vec()].concat();
        // Characters at either end that also hold bits of a neighbour are not the secret's own.
        let from = [0, 2, 3][offset];
        let to = shifted.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            forms.extend(engine.encode(&shifted).get(from..to).map(str::to_owned));
        }
    }
    forms
}

/// Encodes everything but the unreserved characters (RFC 3986 §2.3), so that the text is one path
/// segment or one query value.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// Control characters but the line feed, and those that are not seen or turn the text's direction.
fn is_invisible(letter: char) -> bool {
    (letter.is_control() && letter != '\n')
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Removes an `Authorization` header to the end of its line: its schemes hold blanks and commas.
fn remove_authorization(line: &str) -> String {
    const HEADER: &str = "authorization";
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower[from..].find(HEADER) {
        let (start, end) = (from + found, from + found + HEADER.len());
        // A quoted name, as in JSON, may stand before the colon.
        let rest = lower[end..].trim_start_matches(['"', '\'', '\\', ' ']);
        if rest.starts_with([':', '=']) {
            return format!("{}{REMOVED}", &line[..start]);
        }
        from = end;
    }
    line.to_owned()
}

/// Removes each `Bearer` with the token behind it (RFC 6750 §2.1).
fn remove_bearer(line: &str) -> String {
    const SCHEME: &str = "bearer";
    let lower = line.to_ascii_lowercase();
    let mut kept = String::new();
    let mut from = 0;
    while let Some(found) = lower[from..].find(SCHEME) {
        let (start, end) = (from + found, from + found + SCHEME.len());
        let token = lower[end..].trim_start_matches([' ', ':', '=', '"', '\'']);
        let gap = lower.len() - end - token.len();
        let length = token.find(|letter| !is_token_letter(letter)).unwrap_or(token.len());
        if gap == 0 || length == 0 {
            kept.push_str(&line[from..end]);
            from = end;
        } else {
            kept.push_str(&line[from..start]);
            kept.push_str(REMOVED);
            from = end + gap + length;
        }
    }
    kept.push_str(&line[from..]);
    kept
}

fn is_token_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~+/=%".contains(letter)
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn clean(secret: &str, text: &str) -> String {
        Redactor::new(&Secret::new(secret)).clean(text)
    }

    #[test]
    fn every_form_of_the_secret_is_removed() {
        let secret = r#"s3cr/t+"wörd"\=="#;
        for form in [
            secret.to_owned(),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            percent_encode(secret),
            percent_encode(secret).to_lowercase(),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            serde_json::to_string(secret).expect("JSON"),
        ] {
            let cleaned = clean(secret, &format!("before {form} after"));
            assert!(cleaned.starts_with("before "), "{cleaned}");
            assert!(cleaned.ends_with(" after"), "{cleaned}");
            assert!(cleaned.contains(REMOVED) && !cleaned.contains("cr"), "{cleaned}");
        }
    }

    #[test]
    fn what_looks_like_a_credential_is_removed() {
        for (text, cleaned) in [
            ("got Bearer abc.def-ghi= here", "got [removed] here"),
            ("got bearer: abc", "got [removed]"),
            ("BEARER  abc, bearer def", "[removed], [removed]"),
            ("Authorization: Basic dXNlcjp3b3Jk\nand more", "[removed] and more"),
            (r#"{"authorization":"Digest a="b", c"}"#, r#"{"[removed]"#),
            ("the authorization failed", "the authorization failed"),
            ("unbearerable", "unbearerable"),
            ("a bearer", "a bearer"),
        ] {
            assert_eq!(clean("another-secret", text), cleaned);
        }
    }

    #[test]
    fn a_secret_that_was_split_is_removed_all_the_same() {
        for split in ["tok\u{0}en-1", "tok\u{200b}en-1", "tok\u{202e}en-1", "tok\r\nen-1"] {
            let cleaned = clean("token-1", &format!("is {split}!"));
            assert_eq!(cleaned, "is [removed]!");
        }
    }

    #[test]
    fn long_texts_are_cut_at_whole_characters() {
        assert_eq!(clean("secret", &"ö".repeat(2_000)), "ö".repeat(REMOTE_TEXT_LIMIT));
    }

    #[test]
    fn a_segment_has_no_reserved_character() {
        assert_eq!(percent_encode("a/b?c#d%e f\"\\ö"), "a%2Fb%3Fc%23d%25e%20f%22%5C%C3%B6");
    }

    proptest! {
        #[test]
        fn the_secret_is_never_in_what_is_kept(
            secret in "[A-Za-z0-9._~+/-]{8,64}",
            before in "\\PC{0,40}",
            after in "\\PC{0,40}",
            form in 0_usize..4,
        ) {
            let encoded = match form {
                0 => secret.clone(),
                1 => STANDARD.encode(format!("user:{secret}")),
                2 => STANDARD.encode(&secret),
                _ => percent_encode(&secret),
            };
            let cleaned = clean(&secret, &format!("{before}{encoded}{after}"));
            prop_assert!(!cleaned.contains(&secret));
            prop_assert!(!cleaned.contains(&encoded));
        }

        #[test]
        fn any_text_is_bounded_and_without_control_characters(text in "(?s).{0,3000}") {
            let cleaned = clean("a-secret-token", &text);
            prop_assert!(cleaned.chars().count() <= REMOTE_TEXT_LIMIT);
            prop_assert!(!cleaned.chars().any(char::is_control));
        }
    }
}

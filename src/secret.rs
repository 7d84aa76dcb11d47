//! Secrets: kept out of logs in memory, sealed at rest.
//!
//! What the database must keep and cannot hash (the credential of a connector)
//! is sealed by AES-256-GCM under a key of the operator, bound to its table,
//! column and row: text that was moved to another place does not open. Keys have
//! names and can be changed without downtime: the first encrypts, all decrypt.

pub mod form;

use std::collections::HashSet;
use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use uuid::Uuid;

/// The length of a key, in bytes.
const KEY_LENGTH: usize = 32;

/// The longest name of a key, in characters.
const NAME_LIMIT: usize = 16;

/// A text that no log line, error or debug print may show.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The secret of a client that signs in to Guichet, as it is made: what is kept is its hash alone.
#[derive(Debug)]
pub struct ClientSecret(Secret);

/// How the secrets of clients begin: scanners and people tell by it what they found.
const CLIENT_PREFIX: &str = "gui_ics_";

impl ClientSecret {
    /// A new one, of 256 random bits.
    pub fn new() -> Result<Self, SealError> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
        Ok(Self(Secret::new(format!("{CLIENT_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))))
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> String {
        hash(self.0.expose())
    }

    /// The text, to be told once.
    #[must_use]
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

/// What is kept of a secret that is long and random.
#[must_use]
pub fn hash(secret: &str) -> String {
    sha256(secret)
}

/// SHA-256 of a text, in 64 hexadecimal digits.
#[must_use]
pub fn sha256(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let hash = digest(&SHA256, text.as_bytes());
    let digits = hash.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Whether a text is the secret of a hash, in a time that does not tell how much of it is right.
#[must_use]
pub fn is_hash_of(kept: &str, secret: &str) -> bool {
    verify_slices_are_equal(kept.as_bytes(), hash(secret).as_bytes()).is_ok()
}

/// Where a sealed text is kept; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's id.
    pub id: Uuid,
}

impl Place {
    /// The associated data. Names of tables and columns hold no `|`, so no two places share one.
    fn associated_data(self) -> Aad<Vec<u8>> {
        Aad::from(format!("{}|{}|{}", self.table, self.column, self.id).into_bytes())
    }
}

/// Why the list of keys cannot be used. Names the key, never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The list is empty.
    #[error("no secret key is given; expected name:base64, the first one encrypts")]
    Empty,
    /// An entry has no name of 1 to 16 letters a-z, digits or underscores before a colon.
    #[error("secret key number {0} does not have the form name:base64 with a name of 1 to 16 of a-z, 0-9, _")]
    Name(usize),
    /// The value is not standard base64.
    #[error("the secret key {0} is not standard base64")]
    Base64(String),
    /// The value does not have 32 bytes.
    #[error("the secret key {0} does not have 32 bytes")]
    Length(String),
    /// Two keys have one name.
    #[error("the secret key {0} is given twice")]
    Twice(String),
}

/// Why a text could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The text does not have the form of a sealed one.
    #[error("this is not a sealed secret")]
    Malformed,
    /// It was sealed under a key that is not in the list.
    #[error("the secret was sealed by the key {0}, which is not given")]
    UnknownKey(String),
    /// It was altered, belongs to another place, or the key of that name is another one.
    #[error("the secret does not open by the key {0}")]
    Refused(String),
    /// The random source or the cipher failed.
    #[error("the secret could not be sealed")]
    Cipher,
}

struct Key {
    name: String,
    cipher: RandomizedNonceKey,
}

/// The operator's keys: the first encrypts, all decrypt.
pub struct SecretKeys {
    first: Key,
    others: Vec<Key>,
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(|key| &key.name)).finish()
    }
}

impl SecretKeys {
    /// Reads `k2:base64,k1:base64`: names of 1 to 16 of a-z, 0-9 and `_`, values of 32 bytes in
    /// standard base64. Blanks around the entries are ignored.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        if text.trim().is_empty() {
            return Err(KeysError::Empty);
        }
        let mut names = HashSet::new();
        let mut keys = Vec::new();
        for (position, entry) in text.split(',').enumerate() {
            let key = Key::parse(entry.trim(), position + 1)?;
            if !names.insert(key.name.clone()) {
                return Err(KeysError::Twice(key.name));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or(KeysError::Empty)?;
        Ok(Self { first, others: keys.collect() })
    }

    /// Seals `plaintext` for `place`, as `<key name>.<base64url of nonce, ciphertext and tag>`.
    ///
    /// The nonce is random (96 bits); one key should seal fewer than 2³² texts (NIST SP 800-38D §8.3).
    pub fn seal(&self, plaintext: &[u8], place: Place) -> Result<String, SealError> {
        let mut text = plaintext.to_vec();
        let nonce = self
            .first
            .cipher
            .seal_in_place_append_tag(place.associated_data(), &mut text)
            .map_err(|_| SealError::Cipher)?;
        let sealed = [nonce.as_ref().as_slice(), &text].concat();
        Ok(format!("{}.{}", self.first.name, URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what [`Self::seal`] made for the same `place`.
    pub fn open(&self, text: &str, place: Place) -> Result<Vec<u8>, SealError> {
        let (name, sealed) = text.split_once('.').ok_or(SealError::Malformed)?;
        if !is_name(name) {
            return Err(SealError::Malformed);
        }
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SealError::Malformed)?;
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Malformed)?;
        let key =
            self.all().find(|key| key.name == name).ok_or_else(|| SealError::UnknownKey(name.to_owned()))?;
        let mut text = ciphertext.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = key
            .cipher
            .open_in_place(nonce, place.associated_data(), &mut text)
            .map_err(|_| SealError::Refused(name.to_owned()))?;
        Ok(opened.to_vec())
    }

    /// Whether a sealed text was sealed by the first key; a rotation re-seals the others.
    #[must_use]
    pub fn is_current(&self, text: &str) -> bool {
        text.split_once('.').is_some_and(|(name, _)| name == self.first.name)
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Key {
    fn parse(entry: &str, position: usize) -> Result<Self, KeysError> {
        let (name, value) = entry.split_once(':').ok_or(KeysError::Name(position))?;
        if !is_name(name) {
            return Err(KeysError::Name(position));
        }
        let name = name.to_owned();
        let Ok(bytes) = STANDARD.decode(value) else { return Err(KeysError::Base64(name)) };
        if bytes.len() != KEY_LENGTH {
            return Err(KeysError::Length(name));
        }
        match RandomizedNonceKey::new(&AES_256_GCM, &bytes) {
            Ok(cipher) => Ok(Self { name, cipher }),
            Err(_) => Err(KeysError::Length(name)),
        }
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_LIMIT).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place = Place { table: "connector", column: "credential", id: Uuid::from_u128(7) };

    fn entry(name: &str, byte: u8) -> String {
        format!("{name}:{}", STANDARD.encode([byte; KEY_LENGTH]))
    }

    fn keys(text: &str) -> SecretKeys {
        SecretKeys::parse(text).expect("good keys")
    }

    #[test]
    fn the_first_key_encrypts_and_all_decrypt() {
        let old = keys(&entry("k1", 1));
        let new = keys(&format!("{}, {}", entry("k2", 2), entry("k1", 1)));
        let sealed_before = old.seal(b"word", PLACE).expect("sealed");
        let sealed_after = new.seal(b"word", PLACE).expect("sealed");
        assert!(sealed_before.starts_with("k1."));
        assert!(sealed_after.starts_with("k2."));
        assert_eq!(new.open(&sealed_before, PLACE), Ok(b"word".to_vec()));
        assert_eq!(new.open(&sealed_after, PLACE), Ok(b"word".to_vec()));
        assert_eq!(old.open(&sealed_after, PLACE), Err(SealError::UnknownKey("k2".to_owned())));
        assert!(!new.is_current(&sealed_before));
        assert!(new.is_current(&sealed_after));
    }

    #[test]
    fn a_sealed_text_opens_only_in_its_place_and_by_its_key() {
        let all = keys(&entry("k1", 1));
        let sealed = all.seal(b"word", PLACE).expect("sealed");
        let refused = Err(SealError::Refused("k1".to_owned()));
        for place in [
            Place { table: "other", ..PLACE },
            Place { column: "other", ..PLACE },
            Place { id: Uuid::from_u128(8), ..PLACE },
        ] {
            assert_eq!(all.open(&sealed, place), refused);
        }
        assert_eq!(keys(&entry("k1", 9)).open(&sealed, PLACE), refused);
    }

    #[test]
    fn one_text_is_sealed_differently_each_time() {
        let all = keys(&entry("k1", 1));
        assert_ne!(all.seal(b"word", PLACE), all.seal(b"word", PLACE));
    }

    #[test]
    fn bad_lists_are_refused_by_name_and_without_the_value() {
        let short = format!("k1:{}", STANDARD.encode([1; 31]));
        let parse = |text: &str| SecretKeys::parse(text).expect_err("bad keys");
        assert_eq!(parse(" "), KeysError::Empty);
        assert_eq!(parse("c2VjcmV0"), KeysError::Name(1));
        assert_eq!(parse(":c2VjcmV0"), KeysError::Name(1));
        assert_eq!(parse("K1:c2VjcmV0"), KeysError::Name(1));
        assert_eq!(parse("a2345678901234567:c2VjcmV0"), KeysError::Name(1));
        assert_eq!(parse(&format!("{},", entry("k1", 1))), KeysError::Name(2));
        assert_eq!(parse("k1:c2Vjc$"), KeysError::Base64("k1".to_owned()));
        assert_eq!(parse(&short), KeysError::Length("k1".to_owned()));
        assert_eq!(parse(&format!("{},{}", entry("k1", 1), entry("k1", 2))), KeysError::Twice("k1".into()));
        for text in ["k1:c2Vjc$", "c2VjcmV0", &short] {
            let shown = format!("{0} {0:?}", parse(text));
            assert!(!shown.contains("c2Vjc") && !shown.contains("AQEB"), "{shown}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "[secret] [secret]");
        assert_eq!(format!("{:?}", keys(&format!("{},{}", entry("b", 2), entry("a", 1)))), r#"["b", "a"]"#);
    }

    #[test]
    fn the_secret_of_a_client_is_known_by_its_hash() {
        let made = ClientSecret::new().unwrap();
        let other = ClientSecret::new().unwrap();
        let (hash, text) = (made.hash(), made.into_secret());
        assert!(text.expose().starts_with("gui_ics_") && text.expose().len() == 51);
        assert!(is_hash_of(&hash, text.expose()));
        assert!(!is_hash_of(&hash, other.into_secret().expose()));
        assert!(!is_hash_of("", text.expose()) && !is_hash_of(&hash, ""));
    }

    #[test]
    fn garbage_is_malformed() {
        let all = keys(&entry("k1", 1));
        for text in ["", ".", "k1", "k1.", "k1.!", "k1.AAAA", "K1.AAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(all.open(text, PLACE), Err(SealError::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(plaintext: Vec<u8>, id: u128, key: u8) {
            let all = keys(&entry("k1", key));
            let place = Place { id: Uuid::from_u128(id), ..PLACE };
            let sealed = all.seal(&plaintext, place).expect("sealed");
            prop_assert_eq!(all.open(&sealed, place), Ok(plaintext));
        }

        #[test]
        fn what_was_altered_does_not_open(plaintext: Vec<u8>, position: prop::sample::Index, bit in 0_u8..8) {
            let all = keys(&entry("k1", 1));
            let sealed = all.seal(&plaintext, PLACE).expect("sealed");
            let mut bytes = URL_SAFE_NO_PAD.decode(&sealed["k1.".len()..]).expect("base64url");
            let position = position.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let altered = format!("k1.{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert_eq!(all.open(&altered, PLACE), Err(SealError::Refused("k1".to_owned())));
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text: String) {
            prop_assert!(keys(&entry("k1", 1)).open(&text, PLACE).is_err());
            prop_assert!(SecretKeys::parse(&text).is_err());
        }
    }
}

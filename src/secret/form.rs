//! Secrets that people pass on: prefix + public part + `_` + random part + checksum.
//!
//! The public part finds what the secret is of; the random part, of 178 bits, is what nobody guesses; the checksum
//! tells a mistyped or invented secret before the database is asked. Scanners know secrets by their form.
//! Such a secret is told once: only its SHA-256 is kept.

use aws_lc_rs::rand;

use super::{SealError, Secret};

/// The length of the public part, in characters.
const LOOKUP: usize = 16;
/// The length of the random part, in characters of 5.95 bits.
const RANDOM: usize = 30;
/// The length of the checksum, in characters.
const CHECKSUM: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A secret that was made just now.
#[derive(Debug)]
pub struct Made {
    /// The whole of it, to be told once.
    pub secret: Secret,
    /// The public part.
    pub lookup: String,
    /// What is kept of it.
    pub hash: String,
    /// The last four characters.
    pub last_four: String,
}

/// A secret of the right form and checksum: it may be one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented<'a> {
    /// The public part, to find what it is of by.
    pub lookup: &'a str,
    whole: &'a str,
}

impl Presented<'_> {
    /// Whether this is the secret that `kept` is the hash of; takes equally long for every wrong one.
    #[must_use]
    pub fn is(&self, kept: &str) -> bool {
        super::is_hash_of(kept, self.whole)
    }
}

/// A form of secrets: what they begin with.
#[derive(Clone, Copy, Debug)]
pub struct Form(&'static str);

impl Form {
    /// Secrets that begin like this.
    #[must_use]
    pub const fn new(prefix: &'static str) -> Self {
        Self(prefix)
    }

    /// A new secret.
    pub fn make(self) -> Result<Made, SealError> {
        let lookup = random(LOOKUP)?;
        let mut text = format!("{}{lookup}_{}", self.0, random(RANDOM)?);
        text.push_str(&checksum(&text));
        let last_four = text.get(text.len() - 4..).unwrap_or_default().to_owned();
        Ok(Made { hash: super::hash(&text), lookup, last_four, secret: Secret::new(text) })
    }

    /// Reads a secret; none for whatever has not the form or the checksum of one. Nothing is looked up.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<Presented<'_>> {
        let (lookup, rest) = text.strip_prefix(self.0)?.split_once('_')?;
        let is_written_in_digits = |part: &str| part.bytes().all(|byte| DIGITS.contains(&byte));
        if lookup.len() != LOOKUP || rest.len() != RANDOM + CHECKSUM {
            return None;
        }
        if !is_written_in_digits(lookup) || !is_written_in_digits(rest) {
            return None;
        }
        let (body, sum) = text.split_at_checked(text.len() - CHECKSUM)?;
        (checksum(body) == sum).then_some(Presented { lookup, whole: text })
    }
}

/// So many random digits, each as likely as every other.
fn random(length: usize) -> Result<String, SealError> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        rand::fill(&mut bytes).map_err(|_| SealError::Cipher)?;
        // 248 is four times 62: bytes above it would make the first digits more likely.
        let digits = bytes.into_iter().filter(|byte| *byte < 248).map(|byte| DIGITS[usize::from(byte) % 62]);
        text.extend(digits.take(length - text.len()).map(char::from));
    }
    Ok(text)
}

/// The CRC-32 of a text, in six digits.
fn checksum(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut digits = [0; CHECKSUM];
    for place in digits.iter_mut().rev() {
        *place = DIGITS[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

/// CRC-32 as in ISO 3309 and zip, bit by bit: a secret is short.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFIX: &str = "gui_pat_";
    const FORM: Form = Form::new(PREFIX);

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(""), "000000");
    }

    #[test]
    fn what_is_made_is_read_back() {
        let made = FORM.make().unwrap();
        let text = made.secret.expose();
        assert_eq!(text.len(), PREFIX.len() + LOOKUP + 1 + RANDOM + CHECKSUM);
        let presented = FORM.parse(text).unwrap();
        assert_eq!(presented.lookup, made.lookup);
        assert!(presented.is(&made.hash) && text.ends_with(&made.last_four));
        assert!(!presented.is(&FORM.make().unwrap().hash));
        assert!(!format!("{made:?}").contains(text), "the secret is not printed");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,80}|gui_pat_[0-9A-Za-z_]{40,60}") {
            let _ = FORM.parse(&text);
        }

        #[test]
        fn a_secret_with_one_character_changed_is_none(place in 0..61usize, to in 0..62usize) {
            let made = FORM.make().unwrap();
            let mut bytes = made.secret.expose().as_bytes().to_vec();
            let other = DIGITS[to];
            prop_assume!(bytes[place] != other);
            bytes[place] = other;
            let text = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(FORM.parse(&text), None);
        }

        #[test]
        fn a_secret_cut_or_lengthened_is_none(cut in 0..61usize, more in "[0-9A-Za-z]{1,5}") {
            let made = FORM.make().unwrap();
            let text = made.secret.expose();
            prop_assert_eq!(FORM.parse(&text[..cut]), None);
            let longer = format!("{text}{more}");
            prop_assert_eq!(FORM.parse(&longer), None);
        }
    }
}

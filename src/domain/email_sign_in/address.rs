//! An e-mail address in the one form that codes are mailed to and people are known by.

use crate::domain_name;

/// The longest address, and the longest part before the `@`, in bytes (RFC 5321 §4.5.3.1).
const LONGEST: usize = 254;
const LONGEST_LOCAL: usize = 64;

/// An address in its canonical form: lower case, the domain in Punycode. The code is mailed to this very form, so
/// whoever reads it there is whom the form means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Reads an address; none for what is none. Quoted local parts and letters beyond ASCII in them are not taken: what
    /// looks alike must not be another person.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (local, domain) = text.trim().rsplit_once('@')?;
        let is_atom = |atom: &str| {
            !atom.is_empty()
                && atom
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
        };
        if local.len() > LONGEST_LOCAL || !local.split('.').all(is_atom) {
            return None;
        }
        let text = format!("{}@{}", local.to_ascii_lowercase(), domain_name::canonical(domain)?);
        (text.len() <= LONGEST).then_some(Self { text, at: local.len() })
    }

    /// The whole address.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The canonical domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.text.get(self.at + 1..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_has_one_form() {
        for (given, expected) in [
            ("paula@adatum.example", Some("paula@adatum.example")),
            (" Paula.P+x@ADATUM.Example\n", Some("paula.p+x@adatum.example")),
            ("paula@BÜCHER.example", Some("paula@xn--bcher-kva.example")),
            ("paula@adatum.example.", None),
            ("paula@adatum", None),
            ("paula@", None),
            ("@adatum.example", None),
            ("paula", None),
            ("", None),
            ("pаula@adatum.example", None), // a Cyrillic а
            ("a b@adatum.example", None),
            ("a..b@adatum.example", None),
            (".a@adatum.example", None),
            ("\"paula\"@adatum.example", None),
            ("eve@evil.example@adatum.example", None),
            ("paula@adatum.example\r\nBcc: eve@evil.example", None),
            ("Paula <paula@adatum.example>", None),
            ("paula@[192.0.2.1]", None),
            ("paula@192.0.2.1", None),
            ("a@b.example,c@d.example", None),
        ] {
            assert_eq!(Address::parse(given).as_ref().map(Address::text), expected, "{given:?}");
        }
        assert_eq!(Address::parse("p@BÜCHER.example").unwrap().domain(), "xn--bcher-kva.example");
        assert_eq!(Address::parse(&format!("{}@adatum.example", "a".repeat(65))), None);
    }

    proptest! {
        #[test]
        fn the_form_is_its_own_and_on_one_line(text in "\\PC{0,20}@?\\PC{0,30}", local in "[!-~]{1,20}") {
            for text in [text, format!("{local}@adatum.example")] {
                if let Some(address) = Address::parse(&text) {
                    prop_assert_eq!(Address::parse(address.text()), Some(address.clone()));
                    prop_assert!(address.text().bytes().all(|byte| byte.is_ascii_graphic()));
                    prop_assert_eq!(address.text().matches('@').count(), 1);
                }
            }
        }
    }
}

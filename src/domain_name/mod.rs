//! Domains of e-mail addresses: one form for each, so that two can be compared letter by letter.
//!
//! A domain is never compared by its end: `contoso.com.evil.example` is another one than `contoso.com`, and so is
//! what only looks like it. Letters beyond ASCII are written in Punycode (RFC 5891), by the library that reads URLs.

use url::Host;

/// The longest domain, in bytes (RFC 1035 §2.3.4, without the root).
const LONGEST: usize = 253;
/// The longest label of a domain, in bytes.
const LONGEST_LABEL: usize = 63;

/// Domains where anybody can have an address: they say nothing of an organization. One a line; `#` begins a comment.
const PUBLIC: &str = include_str!("public_mail.txt");

/// The canonical form of a domain: lower case, Punycode, two labels or more. None for anything else: an address in
/// numbers, a domain that ends with a dot, one with letters that no host has.
#[must_use]
pub fn canonical(domain: &str) -> Option<String> {
    // The library undoes percent-encoding, which no address has.
    if domain.contains('%') || domain.ends_with('.') || domain.len() > 4 * LONGEST {
        return None;
    }
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return None };
    let mut labels = domain.split('.');
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let fits = domain.len() <= LONGEST && domain.contains('.') && labels.all(is_label);
    fits.then_some(domain)
}

/// The canonical domain of an e-mail address.
#[must_use]
pub fn of_address(address: &str) -> Option<String> {
    address.rsplit_once('@').and_then(|(_, domain)| canonical(domain))
}

/// Whether anybody can have an address there; the domain is in its canonical form.
#[must_use]
pub fn is_public_mail(domain: &str) -> bool {
    PUBLIC
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .any(|public| public == domain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_domain_has_one_form() {
        for (given, expected) in [
            ("contoso.com", Some("contoso.com")),
            ("CONTOSO.Com", Some("contoso.com")),
            ("bücher.example", Some("xn--bcher-kva.example")),
            ("BÜCHER.example", Some("xn--bcher-kva.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("contoso。com", Some("contoso.com")),
            ("contoso.com.evil.example", Some("contoso.com.evil.example")),
            // The о is a Cyrillic one.
            ("contosо.com", Some("xn--contos-6ye.com")),
            ("contoso.com.", None),
            ("contoso", None),
            ("", None),
            (".com", None),
            ("a..com", None),
            ("-a.com", None),
            ("a_b.com", None),
            ("con%74oso.com", None),
            ("192.0.2.1", None),
            ("0x7f.1", None),
            ("[2001:db8::1]", None),
            ("contoso.com/x", None),
            ("contoso.com:25", None),
            ("contoso.com@evil.example", None),
            ("con toso.com", None),
        ] {
            let found = canonical(given);
            if given.contains('о') {
                assert!(found.as_deref().is_some_and(|found| found.starts_with("xn--")), "{found:?}");
                continue;
            }
            assert_eq!(found.as_deref(), expected, "{given}");
        }
        assert_eq!(canonical(&format!("{}.com", "a".repeat(64))), None);
        assert_eq!(of_address("\"a@contoso.com\"@Evil.example").as_deref(), Some("evil.example"));
        assert_eq!(of_address("contoso.com"), None);
    }

    #[test]
    fn public_domains_are_canonical_and_known() {
        let lines = PUBLIC.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let domains: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        assert!(domains.len() > 50);
        for domain in domains {
            assert_eq!(canonical(domain).as_deref(), Some(domain));
            assert!(is_public_mail(domain));
        }
        assert!(!is_public_mail("contoso.com") && !is_public_mail("mail.gmail.com"));
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own(text in "\\PC{0,40}") {
            if let Some(found) = canonical(&text) {
                prop_assert_eq!(canonical(&found), Some(found.clone()));
                prop_assert!(found.is_ascii() && !found.contains(char::is_uppercase));
            }
        }
    }
}

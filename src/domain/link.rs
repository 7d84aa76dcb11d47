//! The links to the organization's pages: one writer, and one parser for those that people bring back.

use uuid::Uuid;

use super::notification::Content;
use crate::id::Kind;
use crate::secret::Secret;

/// The longest link that is read, in bytes.
const LONGEST: usize = 2_000;

/// The frontend of an organization: links to its pages.
///
/// They have the form of share links, `<public_url>/@<hint>#/<page>`. Opening one does nothing by itself.
#[derive(Clone, Debug)]
pub struct Frontend(String);

impl Frontend {
    /// The pages at the server's public address, for the organization with this hint: a domain, or its slug.
    #[must_use]
    pub fn new(public_url: &str, hint: &str) -> Self {
        Self(format!("{}/@{hint}#", public_url.trim_end_matches('/')))
    }

    /// The page of what a notification is about.
    #[must_use]
    pub fn of(&self, content: &Content) -> String {
        match content {
            Content::TokenRequestApproved(told)
            | Content::TokenRequestDenied(told)
            | Content::TokenGrantRevoked(told) => self.token(told.token),
            Content::TokenExpiring(told) => self.token(told.token),
            Content::ApprovalPending(told) => self.access_request(told.request),
            Content::AccessRequestApproved(told)
            | Content::AccessRequestDenied(told)
            | Content::AccessRequestWithdrawn(told) => self.access_request(told.request),
            Content::AssignmentExpiring(told) => self.assignment(told.assignment),
            Content::AssignmentRevoked(told) => self.assignment(told.assignment),
            Content::PackageRoleFailed(told) => self.access_package(told.package),
            Content::TokenRequestDigest(_) => format!("{}/token-requests?state=PENDING", self.0),
        }
    }

    /// The page of an access package: its share link.
    #[must_use]
    pub fn access_package(&self, id: Uuid) -> String {
        format!("{}{ACCESS_PACKAGES}{}", self.0, Kind::AccessPackage.text(id))
    }

    /// A share link with a secret.
    #[must_use]
    pub fn signed(&self, id: Uuid, secret: &Secret) -> String {
        format!("{}{SECRET}{}", self.access_package(id), secret.expose())
    }

    /// The page of a token.
    #[must_use]
    pub fn token(&self, id: Uuid) -> String {
        format!("{}/access-tokens/{}", self.0, Kind::AccessToken.text(id))
    }

    /// The page of an access request.
    #[must_use]
    pub fn access_request(&self, id: Uuid) -> String {
        format!("{}/access-requests/{}", self.0, Kind::AccessRequest.text(id))
    }

    /// The page of an assignment.
    #[must_use]
    pub fn assignment(&self, id: Uuid) -> String {
        format!("{}/assignments/{}", self.0, Kind::Assignment.text(id))
    }

    /// The page of a token request.
    #[must_use]
    pub fn token_request(&self, id: Uuid) -> String {
        format!("{}/token-requests/{}", self.0, Kind::TokenRequest.text(id))
    }

    /// The page where one says what one wants to be told.
    #[must_use]
    pub fn preferences(&self) -> String {
        format!("{}/notifications/preferences", self.0)
    }
}

/// How the page of an access package begins.
const ACCESS_PACKAGES: &str = "/access-packages/";
/// What stands before the secret of a signed link.
const SECRET: &str = "?t=";

/// What a share link says.
#[derive(Clone, Debug)]
pub struct ShareLink {
    /// The organization: one of its domains, or its slug; in any case of letters.
    pub hint: String,
    /// The package.
    pub access_package: Uuid,
    /// The secret, where the link carries one; whether it is a good one is not known yet.
    pub secret: Option<Secret>,
}

impl ShareLink {
    /// Reads a share link of this server: the whole of it, letter by letter as it is written, but for the case of the
    /// hint. None for anything else: another scheme, host, port or path, a query, a second fragment, an id that is none.
    #[must_use]
    pub fn parse(public_url: &str, text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let rest = text.strip_prefix(public_url.trim_end_matches('/'))?.strip_prefix("/@")?;
        let (hint, fragment) = rest.split_once('#')?;
        let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
        if hint.is_empty() || !hint.bytes().all(is_of_a_name) {
            return None;
        }
        let page = fragment.strip_prefix(ACCESS_PACKAGES)?;
        let (id, secret) = page.split_once(SECRET).map_or((page, None), |(id, secret)| (id, Some(secret)));
        let is_of_a_secret = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if secret.is_some_and(|secret| secret.is_empty() || !secret.bytes().all(is_of_a_secret)) {
            return None;
        }
        let access_package = Kind::AccessPackage.parse(id)?;
        Some(Self { hint: hint.to_owned(), access_package, secret: secret.map(Secret::new) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_begin_with_the_public_address_however_it_ends() {
        for public_url in ["https://access.example", "https://access.example/"] {
            let link = Frontend::new(public_url, "contoso.example").preferences();
            assert_eq!(link, "https://access.example/@contoso.example#/notifications/preferences");
        }
    }

    /// What would be written for what was read.
    fn again(public_url: &str, text: &str) -> Option<String> {
        let link = ShareLink::parse(public_url, text)?;
        let frontend = Frontend::new(public_url, &link.hint);
        Some(match &link.secret {
            None => frontend.access_package(link.access_package),
            Some(secret) => frontend.signed(link.access_package, secret),
        })
    }

    const PUBLIC: &str = "https://access.example:8443/guichet";

    #[test]
    fn only_the_whole_link_of_this_server_is_read() {
        let id = Uuid::from_u128(7);
        let package = Kind::AccessPackage.text(id);
        let link = Frontend::new(PUBLIC, "contoso.example").access_package(id);
        assert_eq!(link, format!("{PUBLIC}/@contoso.example#/access-packages/{package}"));
        assert_eq!(ShareLink::parse(&format!("{PUBLIC}/"), &link).unwrap().access_package, id);
        for wrong in [
            link.replace("https", "http"),
            link.replace(":8443", ""),
            link.replace("access.example", "access.example.evil.example"),
            link.replace("https://", "https://user@"),
            link.replace("/guichet", ""),
            link.replace("@contoso.example", "@"),
            link.replace("/@contoso.example", ""),
            link.replace("@contoso.example", "@contoso.example/"),
            link.replace("@contoso.example", "@contoso.example?x=1"),
            link.replace("@contoso.example", "@con%74oso.example"),
            link.replace('#', ""),
            link.replace('#', "%23"),
            link.replace('#', "##"),
            link.replace("/access-packages", "access-packages"),
            link.replace(&package, &Kind::User.text(id)),
            link.replace(&package, &package.to_uppercase()),
            link.replace(&package, ""),
            format!("{link}#"),
            format!("{link}#/access-packages/{package}"),
            format!("{link}/"),
            format!("{link}?x=1"),
            format!("{link}?t="),
            format!("{link}?t=a?t=b"),
            format!("{link}?t=a&x=1"),
            format!("{link}?t=a%20"),
            format!(" {link}"),
            format!("{link}\n"),
            package,
            String::new(),
        ] {
            assert_eq!(again(PUBLIC, &wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            bits: u128,
            hint in "[a-zA-Z0-9][a-zA-Z0-9.-]{0,60}",
            slash: bool,
            secret in proptest::option::of("[0-9A-Za-z_]{1,80}"),
        ) {
            let public_url = if slash { format!("{PUBLIC}/") } else { PUBLIC.to_owned() };
            let (id, frontend) = (Uuid::from_u128(bits), Frontend::new(&public_url, &hint));
            let written = match &secret {
                None => frontend.access_package(id),
                Some(secret) => frontend.signed(id, &Secret::new(secret)),
            };
            let link = ShareLink::parse(&public_url, &written).unwrap();
            prop_assert_eq!((link.hint, link.access_package), (hint, id));
            prop_assert_eq!(link.secret.map(|secret| secret.expose().to_owned()), secret);
        }

        #[test]
        fn what_is_read_is_what_would_be_written(
            before in "(https://access.example:8443/guichet)?/?@?",
            hint in "[a-zA-Z0-9.%/?-]{0,12}",
            sign in "#{0,2}",
            path in "(/access-packages/)?",
            id in "(pkg_0[0-9a-z]{25}|\\PC{0,30})",
            after in "(\\?t=[0-9A-Za-z_?#]{0,5})?|\\PC{0,3}",
        ) {
            let text = format!("{before}{hint}{sign}{path}{id}{after}");
            if let Some(written) = again(PUBLIC, &text) {
                prop_assert_eq!(written, text);
            }
        }

        #[test]
        fn a_link_with_one_character_changed_says_something_else_or_nothing(place in 0..80usize, to in "[ -~]") {
            let link = Frontend::new(PUBLIC, "contoso.example").access_package(Uuid::from_u128(7));
            prop_assume!(place < link.len());
            let mut changed = link.clone();
            changed.replace_range(place..=place, &to);
            prop_assume!(changed != link);
            prop_assert_ne!(again(PUBLIC, &changed), Some(link));
        }
    }
}

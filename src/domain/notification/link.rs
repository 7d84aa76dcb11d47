//! Where the frontend shows what a notification is about.

use uuid::Uuid;

use super::Content;
use crate::id::Kind;

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
            Content::AccessRequestApproved(told) | Content::AccessRequestDenied(told) => {
                self.access_request(told.request)
            }
            Content::AssignmentExpiring(told) => self.assignment(told.assignment),
            Content::TokenRequestDigest(_) => format!("{}/token-requests?state=PENDING", self.0),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_begin_with_the_public_address_however_it_ends() {
        for public_url in ["https://access.example", "https://access.example/"] {
            let link = Frontend::new(public_url, "contoso.example").preferences();
            assert_eq!(link, "https://access.example/@contoso.example#/notifications/preferences");
        }
    }
}

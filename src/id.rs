//! Global ids: a prefix that tells the type, and a UUID, in the `TypeID` text form.
//!
//! `pkg_01h455vb4pex5vsknk084sn02q`: 26 characters of Crockford's base 32, lower
//! case. Ids are opaque to clients; garbage is simply not found.

use uuid::Uuid;

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 26;

/// The types that have ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `AccessPackage`.
    AccessPackage,
    /// `AccessRequest`.
    AccessRequest,
    /// `AccessToken`.
    AccessToken,
    /// `Approval`.
    Approval,
    /// `Assignment`.
    Assignment,
    /// `AssignmentPolicy`.
    AssignmentPolicy,
    /// `AuditEvent`.
    AuditEvent,
    /// `BulkOperation`.
    BulkOperation,
    /// `Catalog`.
    Catalog,
    /// `CatalogRoleAssignment`.
    CatalogRoleAssignment,
    /// `ConnectedOrganization`.
    ConnectedOrganization,
    /// `Connector`.
    Connector,
    /// `Delivery`.
    Delivery,
    /// `DirectoryGroup`.
    DirectoryGroup,
    /// `EntitlementGrant`.
    EntitlementGrant,
    /// `IntrospectionClient`.
    IntrospectionClient,
    /// `Notification`.
    Notification,
    /// `Organization`.
    Organization,
    /// `RemoteAccount`.
    RemoteAccount,
    /// `RemoteSystem`.
    RemoteSystem,
    /// `Repository`.
    Repository,
    /// `RepositoryAccess`.
    RepositoryAccess,
    /// `Resource`.
    Resource,
    /// `ResourceRole`.
    ResourceRole,
    /// `SignedLink`.
    SignedLink,
    /// `TokenGrant`.
    TokenGrant,
    /// `TokenRequest`.
    TokenRequest,
    /// `User`.
    User,
    /// `Webhook`.
    Webhook,
    /// `WebhookDelivery`.
    WebhookDelivery,
}

impl Kind {
    /// Every type that has ids.
    pub const ALL: [Self; 30] = [
        Self::AccessPackage,
        Self::AccessRequest,
        Self::AccessToken,
        Self::Approval,
        Self::Assignment,
        Self::AssignmentPolicy,
        Self::AuditEvent,
        Self::BulkOperation,
        Self::Catalog,
        Self::CatalogRoleAssignment,
        Self::ConnectedOrganization,
        Self::Connector,
        Self::Delivery,
        Self::DirectoryGroup,
        Self::EntitlementGrant,
        Self::IntrospectionClient,
        Self::Notification,
        Self::Organization,
        Self::RemoteAccount,
        Self::RemoteSystem,
        Self::Repository,
        Self::RepositoryAccess,
        Self::Resource,
        Self::ResourceRole,
        Self::SignedLink,
        Self::TokenGrant,
        Self::TokenRequest,
        Self::User,
        Self::Webhook,
        Self::WebhookDelivery,
    ];

    /// The prefix of its ids.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::AccessPackage => "pkg",
            Self::AccessRequest => "areq",
            Self::AccessToken => "tok",
            Self::Approval => "apr",
            Self::Assignment => "asg",
            Self::AssignmentPolicy => "pol",
            Self::AuditEvent => "evt",
            Self::BulkOperation => "bulk",
            Self::Catalog => "cat",
            Self::CatalogRoleAssignment => "crole",
            Self::ConnectedOrganization => "corg",
            Self::Connector => "conn",
            Self::Delivery => "dlv",
            Self::DirectoryGroup => "dgrp",
            Self::EntitlementGrant => "egr",
            Self::IntrospectionClient => "icl",
            Self::Notification => "ntf",
            Self::Organization => "org",
            Self::RemoteAccount => "acct",
            Self::RemoteSystem => "rsys",
            Self::Repository => "repo",
            Self::RepositoryAccess => "racc",
            Self::Resource => "res",
            Self::ResourceRole => "rrole",
            Self::SignedLink => "slnk",
            Self::TokenGrant => "tgr",
            Self::TokenRequest => "treq",
            Self::User => "usr",
            Self::Webhook => "whk",
            Self::WebhookDelivery => "whd",
        }
    }

    /// The id as clients see it.
    #[must_use]
    pub fn text(self, uuid: Uuid) -> String {
        prefixed(self.prefix(), uuid)
    }

    /// The UUID in an id of this type; none for anything else.
    #[must_use]
    pub fn parse(self, id: &str) -> Option<Uuid> {
        let digits = id.strip_prefix(self.prefix())?.strip_prefix('_')?.as_bytes();
        // 26 digits hold 130 bits: a first digit above 7 would not fit.
        if digits.len() != LENGTH || digits[0] > b'7' {
            return None;
        }
        let mut bits: u128 = 0;
        for digit in digits {
            let value = DIGITS.iter().position(|candidate| candidate == digit)?;
            bits = (bits << 5) | u128::try_from(value).ok()?;
        }
        Some(Uuid::from_u128(bits))
    }

    /// The type and UUID of any id.
    #[must_use]
    pub fn parse_any(id: &str) -> Option<(Self, Uuid)> {
        Self::ALL.into_iter().find_map(|kind| Some((kind, kind.parse(id)?)))
    }
}

/// An id with this prefix.
#[must_use]
pub fn prefixed(prefix: &str, uuid: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + 1 + LENGTH);
    text.push_str(prefix);
    text.push('_');
    let bits = uuid.as_u128();
    for place in (0..LENGTH).rev() {
        let digit = (bits >> (5 * place)) & 31;
        text.push(char::from(DIGITS[usize::try_from(digit).unwrap_or_default()]));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_the_typeid_specification_is_read_and_written() {
        let uuid = Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(Kind::User.text(uuid), "usr_01h455vb4pex5vsknk084sn02q");
        assert_eq!(Kind::User.parse("usr_01h455vb4pex5vsknk084sn02q"), Some(uuid));
    }

    proptest! {
        #[test]
        fn every_id_is_read_back_as_its_own_type_only(bits: u128, at in 0..Kind::ALL.len()) {
            let kind = Kind::ALL[at];
            let uuid = Uuid::from_u128(bits);
            prop_assert_eq!(Kind::parse_any(&kind.text(uuid)), Some((kind, uuid)));
        }

        #[test]
        fn any_text_is_either_nothing_or_the_one_spelling_of_an_id(text in "\\PC{0,40}|[a-z]{3,5}_[0-9a-z]{26}") {
            if let Some((kind, uuid)) = Kind::parse_any(&text) {
                prop_assert_eq!(kind.text(uuid), text);
            }
        }
    }
}

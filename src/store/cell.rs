//! Values as PostgreSQL sends them.
//!
//! The drivers check the type of every cell against the type of its column, and then
//! again behind two layers of traits. Without that a page of some thousand cells takes
//! a tenth to a sixth less of the server's time (`docs/performance.md`). The types of our columns are known: what has the
//! length that its type has is taken as it is, and all else goes the long way.

use chrono::{DateTime, Utc};
use sea_orm::prelude::Json;
use sea_orm::{ActiveEnum, TryGetable};
use uuid::Uuid;

/// From PostgreSQL's epoch, the year 2000, back to that of Unix, in microseconds.
const EPOCH: i64 = 946_684_800_000_000;

/// A value that stands in a cell.
pub(super) trait Cell: TryGetable {
    /// What null stands for; none where it is not allowed.
    fn absent() -> Option<Self> {
        None
    }

    /// The value of these bytes; none where they are not of its binary form.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Some value, for a column that nobody looks at.
    fn unread() -> Self;
}

impl<T: Cell> Cell for Option<T>
where
    Self: TryGetable,
{
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        T::decode(bytes).map(Some)
    }

    fn unread() -> Self {
        None
    }
}

impl Cell for Uuid {
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }

    fn unread() -> Self {
        Self::nil()
    }
}

impl Cell for String {
    fn decode(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }

    fn unread() -> Self {
        Self::new()
    }
}

impl Cell for bool {
    fn decode(bytes: &[u8]) -> Option<Self> {
        if let [byte] = bytes { Some(*byte != 0) } else { None }
    }

    fn unread() -> Self {
        false
    }
}

impl Cell for i32 {
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }

    fn unread() -> Self {
        0
    }
}

impl Cell for i64 {
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }

    fn unread() -> Self {
        0
    }
}

impl Cell for DateTime<Utc> {
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::from_timestamp_micros(i64::decode(bytes)?.checked_add(EPOCH)?)
    }

    fn unread() -> Self {
        Self::UNIX_EPOCH
    }
}

impl Cell for Json {
    fn decode(_: &[u8]) -> Option<Self> {
        None
    }

    fn unread() -> Self {
        Self::Null
    }
}

macro_rules! texts {
    ($($module:ident::$name:ident or $unread:ident),* $(,)?) => {
        $(
            impl Cell for entity::$module::$name {
                fn decode(bytes: &[u8]) -> Option<Self> {
                    Self::try_from_value(&String::decode(bytes)?).ok()
                }

                fn unread() -> Self {
                    Self::$unread
                }
            }
        )*
    };
}

texts! {
    access_request::AccessRequestType or UserAdd,
    access_request::AccessRequestState or Submitted,
    access_request_event::AccessRequestAction or Submitted,
    access_token::TokenKind or FineGrained,
    access_token::TokenOrigin or Guichet,
    app_user::UserKind or Member,
    app_user::UserState or Deactivated,
    app_user::GuestEnd or Blocked,
    approval::ApprovalState or Pending,
    approval_approver::ApproverGround or User,
    assignment::AssignmentState or Scheduled,
    assignment_policy::RequestorScope or SpecificUsers,
    assignment_policy::ExpirationKind or Never,
    assignment_policy::Extension or NotAllowed,
    audit_event::AuditOutcome or Done,
    bulk_operation::BulkOperationKind or ReprocessAccessRequests,
    bulk_operation::BulkOperationState or Running,
    bulk_operation::ReviewDecision or Approve,
    bulk_operation_item::BulkItemOutcome or Pending,
    catalog_role_assignment::CatalogRole or CatalogOwner,
    connected_organization::ConnectedOrganizationState or Proposed,
    connector::AccountName or Email,
    connector::ConnectorKind or Directory,
    connector::ConnectorHealth or Unknown,
    delivery::DeliveryOperation or Add,
    delivery::DeliveryState or Pending,
    delivery::DeliveryResult or Changed,
    delivery::DeliveryErrorCode or RemoteThrottled,
    delivery_attempt::AttemptOutcome or Succeeded,
    entitlement_grant::EntitlementGrantOrigin or Given,
    entitlement_grant::EntitlementGrantState or Absent,
    guest_step::GuestStepKind or Blocked,
    identity_source::IdentityKind or Issuer,
    notification::NotificationKind or TokenRequestApproved,
    notification::MailState or None,
    notification::MailErrorCode or Unreachable,
    organization::BaseLevel or None,
    organization::TokenAccess or Allowed,
    permission_definition::PermissionTarget or Organization,
    policy_stage_approver::ApproverKind or User,
    policy_stage_approver::ApproverPart or Primary,
    remote_account::RemoteAccountOrigin or Created,
    remote_account::RemoteAccountState or Creating,
    repository::Visibility or Public,
    repository_access::AccessLevel or Read,
    resource::ResourceKind or Group,
    token_grant::TokenGrantState or Active,
    token_request::TokenRequestState or Pending,
    token_request::RepositorySelection or None,
    token_request::AutomaticReason or Owner,
    token_request::CancelReason or Requester,
    token_request_event::TokenRequestAction or Created,
    webhook_delivery::WebhookAction or Created,
    webhook_delivery::WebhookDeliveryState or Pending,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_form_goes_the_long_way() {
        assert_eq!(Uuid::decode(&[0; 16]), Some(Uuid::nil()));
        assert_eq!(Uuid::decode(&[0; 15]), None);
        assert_eq!(i32::decode(&[0, 0, 1, 0]), Some(256));
        assert_eq!(i32::decode(&[0, 0, 0, 0, 0, 0, 1, 0]), None);
        assert_eq!(i64::decode(&[255; 8]), Some(-1));
        assert_eq!(bool::decode(&[1]), Some(true));
        assert_eq!(bool::decode(&[]), None);
        assert_eq!(String::decode(&[0xff]), None);
        assert_eq!(
            DateTime::<Utc>::decode(&0i64.to_be_bytes()).unwrap().to_rfc3339(),
            "2000-01-01T00:00:00+00:00"
        );
        assert_eq!(DateTime::<Utc>::decode(&(-1i64).to_be_bytes()).unwrap().timestamp_micros(), EPOCH - 1);
        assert_eq!(DateTime::<Utc>::decode(&i64::MAX.to_be_bytes()), None, "infinity");
        assert_eq!(Option::<i32>::absent(), Some(None));
        assert_eq!(i32::absent(), None);
    }
}

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
}

impl Cell for Uuid {
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::from_slice(bytes).ok()
    }
}

impl Cell for String {
    fn decode(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(str::to_owned)
    }
}

impl Cell for bool {
    fn decode(bytes: &[u8]) -> Option<Self> {
        if let [byte] = bytes { Some(*byte != 0) } else { None }
    }
}

impl Cell for i32 {
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Cell for i64 {
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

impl Cell for DateTime<Utc> {
    fn decode(bytes: &[u8]) -> Option<Self> {
        Self::from_timestamp_micros(i64::decode(bytes)?.checked_add(EPOCH)?)
    }
}

impl Cell for Json {
    fn decode(_: &[u8]) -> Option<Self> {
        None
    }
}

macro_rules! texts {
    ($($module:ident::$name:ident),* $(,)?) => {
        $(
            impl Cell for entity::$module::$name {
                fn decode(bytes: &[u8]) -> Option<Self> {
                    Self::try_from_value(&String::decode(bytes)?).ok()
                }
            }
        )*
    };
}

texts! {
    access_request::AccessRequestType,
    access_request::AccessRequestState,
    access_request_event::AccessRequestAction,
    access_token::TokenKind,
    access_token::TokenOrigin,
    app_user::UserKind,
    app_user::UserState,
    assignment::AssignmentState,
    assignment_policy::RequestorScope,
    assignment_policy::ExpirationKind,
    audit_event::AuditOutcome,
    bulk_operation::BulkOperationKind,
    bulk_operation::BulkOperationState,
    bulk_operation::ReviewDecision,
    bulk_operation_item::BulkItemOutcome,
    catalog_role_assignment::CatalogRole,
    connector::ConnectorKind,
    connector::ConnectorHealth,
    delivery::DeliveryOperation,
    delivery::DeliveryState,
    delivery::DeliveryResult,
    delivery::DeliveryErrorCode,
    delivery_attempt::AttemptOutcome,
    notification::NotificationKind,
    notification::MailState,
    notification::MailErrorCode,
    organization::BaseLevel,
    organization::TokenAccess,
    permission_definition::PermissionTarget,
    policy_stage_approver::ApproverKind,
    repository::Visibility,
    repository_access::AccessLevel,
    resource::ResourceKind,
    token_grant::TokenGrantState,
    token_request::TokenRequestState,
    token_request::RepositorySelection,
    token_request::AutomaticReason,
    token_request::CancelReason,
    token_request_event::TokenRequestAction,
    webhook_delivery::WebhookAction,
    webhook_delivery::WebhookDeliveryState,
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

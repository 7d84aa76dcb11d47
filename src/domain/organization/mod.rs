//! The organization's own settings.

pub mod update;

use chrono::{DateTime, Utc};
use entity::organization::{self, BaseLevel, TokenAccess};
use uuid::Uuid;

/// An organization as it is made, with the usual settings.
#[must_use]
pub fn usual(id: Uuid, slug: String, display_name: String, created_at: DateTime<Utc>) -> organization::Model {
    organization::Model {
        id,
        slug,
        display_name,
        reprocess_window_seconds: 14 * 86_400,
        version: 1,
        created_at,
        base_level: BaseLevel::None,
        fine_grained_tokens: TokenAccess::Allowed,
        classic_tokens: TokenAccess::Allowed,
        token_approval_required: true,
        fine_grained_lifetime_seconds: Some(366 * 86_400),
        classic_lifetime_seconds: None,
        token_policy_version: 1,
        guest_block_after_seconds: 30 * 86_400,
        guest_remove_after_seconds: 30 * 86_400,
        email_sign_in: false,
    }
}

//! Access tokens: credentials that members make for their programs.

pub mod create;
pub mod end;
pub mod regenerate;
pub mod revoke;
pub mod secret;
pub mod update;
pub mod wanted;

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_token::{self, TokenKind};
use entity::organization::{self, TokenAccess};
use uuid::Uuid;

pub use wanted::Wanted;

use crate::authz::{Actor, Permission, Viewer};
use crate::domain::error::{Code, Error, Rejection};
use crate::domain::token_request::file::restricted;
use crate::domain::{Attempt, input};
use crate::id::Kind;
use crate::store::{self, Txn};

/// The longest name, in characters.
pub const LONGEST_NAME: usize = 40;
/// The most repositories of a subset.
pub const MOST_REPOSITORIES: usize = 50;

/// The attempt of a user on one of their tokens.
fn attempt(actor: &Actor, action: &'static str, id: Option<Uuid>) -> Attempt {
    Attempt {
        organization: actor.organization,
        actor: Some(actor.user),
        call: actor.call,
        action,
        target: id.map(|id| (Kind::AccessToken, id)),
    }
}

/// The name of a token: 1 to 40 characters on one line.
fn name(text: &str) -> Result<String, Rejection> {
    let name = input::name("name", text).ok().filter(|name| name.chars().count() <= LONGEST_NAME);
    name.ok_or_else(|| {
        let message = format!(
            "`name` must have 1 to {LONGEST_NAME} characters on one line, without control characters."
        );
        Rejection::of("name", Code::InvalidInput, message)
    })
}

/// The organization and the member who acts, both held until the transaction ends.
async fn begin(txn: &Txn, actor: &Actor, viewer: &Viewer) -> Result<organization::Model, Error> {
    let Some(organization) = store::organization::hold(txn, actor.organization).await? else {
        return Err(Rejection::new(Code::NotFound, "There is no such organization.").into());
    };
    if !viewer.is_member {
        return Err(Rejection::new(Code::Forbidden, "Only members make and keep access tokens.").into());
    }
    if !store::user::lock_active(txn, actor.user).await? {
        return Err(Rejection::new(Code::UserDeactivated, "You were deactivated.").into());
    }
    Ok(organization)
}

/// The token of the member who acts, locked; refused when it was given up.
async fn own(txn: &Txn, actor: &Actor, id: Option<Uuid>) -> Result<access_token::Model, Error> {
    let not_found = || Rejection::of("id", Code::NotFound, "There is no such token of yours.");
    let token = store::access_token::lock_own(txn, actor.user, id.ok_or_else(not_found)?).await?;
    Ok(token.ok_or_else(not_found)?)
}

/// Refuses a token that was given up.
fn live(token: access_token::Model) -> Result<access_token::Model, Rejection> {
    if token.revoked_at.is_none() {
        return Ok(token);
    }
    Err(Rejection::of("id", Code::TokenRevoked, "The token was revoked. Make a new one."))
}

/// Whether the viewer is an owner of the organization, whose tokens need no approval.
fn is_owner(viewer: &Viewer) -> bool {
    viewer.holds(Permission::ManageTokens)
}

/// Refuses kinds of tokens that the organization restricts.
fn allowed(organization: &organization::Model, kind: TokenKind) -> Result<(), Rejection> {
    let access = match kind {
        TokenKind::FineGrained => organization.fine_grained_tokens,
        TokenKind::Classic => organization.classic_tokens,
    };
    match access {
        TokenAccess::Allowed => Ok(()),
        TokenAccess::Restricted => Err(restricted()),
    }
}

/// Judges an expiry by the clock and by the longest lifetime that the organization allows.
pub fn judge_expiry(
    organization: &organization::Model,
    kind: TokenKind,
    now: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<(), Rejection> {
    if expires_at.is_some_and(|expires| expires <= now) {
        let message = "`expiresAt` must lie in the future.";
        return Err(Rejection::of("expiresAt", Code::InvalidSchedule, message));
    }
    let most = match kind {
        TokenKind::FineGrained => organization.fine_grained_lifetime_seconds,
        TokenKind::Classic => organization.classic_lifetime_seconds,
    };
    let Some(most) = most else { return Ok(()) };
    let last = TimeDelta::try_seconds(most).and_then(|most| now.checked_add_signed(most));
    if expires_at.is_some_and(|expires| last.is_none_or(|last| expires <= last)) {
        return Ok(());
    }
    let days = most / 86_400;
    let message =
        format!("Tokens of this kind must expire within {days} days here: give an earlier `expiresAt`.");
    Err(Rejection::of("expiresAt", Code::LifetimeTooLong, message))
}

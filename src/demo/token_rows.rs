//! The rows of access tokens in the demo: small words for what [`super::tokens`] tells.
//!
//! Every word is about the token that was told last, and leaves the rows that the commands would have
//! left: histories, grants that take the place of others, requests that end with their tokens.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use entity::access_token::{self, TokenKind, TokenOrigin};
use entity::permission_definition::PermissionTarget;
use entity::repository_access::AccessLevel;
use entity::token_grant::{self, TokenGrantState};
use entity::token_request::{self, AutomaticReason, CancelReason, RepositorySelection, TokenRequestState};
use entity::token_request_event::{self, TokenRequestAction as Action};
use entity::{access_token_scope, token_request_permission, token_request_repository};
use uuid::Uuid;

use super::story::id;
use crate::store::{StoreError, Txn};

/// A permission that is asked for.
pub type May = (PermissionTarget, &'static str, AccessLevel);

/// Which repositories are asked for.
#[derive(Clone, Copy, Debug)]
pub enum In {
    /// None but what is public.
    Nothing,
    /// Every one.
    Everything,
    /// These.
    These(&'static [&'static str]),
}

/// The times of a token, in hours from now.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// How long ago it was made.
    pub made: i64,
    /// In how many it expires; below zero when it has.
    pub ends: Option<i64>,
    /// How long ago it was last used.
    pub used: Option<i64>,
}

/// Why a request ended, or a grant: the words, or the code.
#[derive(Clone, Copy, Debug, Default)]
struct Because {
    words: Option<&'static str>,
    canceled: Option<CancelReason>,
    automatic: Option<AutomaticReason>,
}

/// The rows of one organization.
pub struct Rows {
    slug: &'static str,
    /// The owner of the organization, who decides.
    decides: Uuid,
    now: DateTime<Utc>,
    tokens: Vec<access_token::Model>,
    scopes: Vec<access_token_scope::Model>,
    requests: Vec<token_request::Model>,
    repositories: Vec<token_request_repository::Model>,
    permissions: Vec<token_request_permission::Model>,
    events: Vec<token_request_event::Model>,
    grants: Vec<token_grant::Model>,
    /// What the ids of the last token's requests are made of.
    name: String,
}

impl Rows {
    /// An organization without tokens, and the owner who decides there.
    #[must_use]
    pub fn new(slug: &'static str, decides: &str, now: DateTime<Utc>) -> Self {
        Self {
            slug,
            decides: id(slug, "user", decides),
            now,
            tokens: Vec::new(),
            scopes: Vec::new(),
            requests: Vec::new(),
            repositories: Vec::new(),
            permissions: Vec::new(),
            events: Vec::new(),
            grants: Vec::new(),
            name: String::new(),
        }
    }

    fn ago(&self, hours: i64) -> DateTime<Utc> {
        self.now - TimeDelta::hours(hours)
    }

    /// A token of a person that says what it may do by repositories and permissions.
    pub fn fine_grained(&mut self, owner: &str, name: &str, life: Life) {
        self.token(owner, name, TokenKind::FineGrained, life);
    }

    /// A token of a person that says what it may do by scopes.
    pub fn classic(&mut self, owner: &str, name: &str, life: Life, scopes: &[&str]) {
        self.token(owner, name, TokenKind::Classic, life);
        let Some(token_id) = self.tokens.last().map(|token| token.id) else { return };
        let scope = |scope: &&str| access_token_scope::Model { token_id, scope: (*scope).to_owned() };
        self.scopes.extend(scopes.iter().map(scope));
    }

    fn token(&mut self, owner: &str, name: &str, kind: TokenKind, life: Life) {
        self.name = format!("{owner}/{name}");
        let secret = |part: &str| id(self.slug, part, &self.name).simple().to_string();
        let made_at = self.ago(life.made);
        let expires_at = life.ends.map(|hours| self.now + TimeDelta::hours(hours));
        let used_at = life.used.map(|hours| self.ago(hours));
        self.tokens.push(access_token::Model {
            id: id(self.slug, "token", &self.name),
            organization_id: id(self.slug, "organization", self.slug),
            owner_id: id(self.slug, "user", owner),
            kind,
            name: name.to_owned(),
            lookup: secret("token secret").chars().skip(16).collect(),
            // No secret has this hash: who wants to use a token makes one of their own.
            secret_hash: String::new(),
            last_four: secret("token secret end").chars().skip(28).collect(),
            issued_at: made_at,
            expires_at,
            last_used_at: used_at.map(|at| at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at)),
            revoked_at: None,
            due_at: expires_at.filter(|at| *at > self.now),
            version: 1,
            created_at: made_at,
            origin: TokenOrigin::Guichet,
            external_id: None,
        });
    }

    /// It asks for this, so many hours ago; what still waits is overtaken.
    pub fn asks(&mut self, ago: i64, why: &str, which: In, may: &[May]) {
        let at = self.ago(ago);
        let owner = self.tokens.last().map(|token| token.owner_id);
        let overtaken = Because { canceled: Some(CancelReason::Superseded), ..Because::default() };
        self.close(at, TokenRequestState::Canceled, Action::Canceled, owner, overtaken);
        let Some(token) = self.tokens.last_mut() else { return };
        let before = self.requests.iter().filter(|request| request.token_id == token.id);
        let (number, follows) = before.fold((1, None), |(number, _), request| (number + 1, Some(request.id)));
        if number > 1 {
            token.version += 1;
        }
        let standing = self
            .grants
            .iter()
            .find(|grant| grant.token_id == token.id && grant.state == TokenGrantState::Active);
        let request_id = id(self.slug, "token request", &format!("{}/{number}", self.name));
        let (selection, names) = match which {
            In::Nothing => (RepositorySelection::None, [].as_slice()),
            In::Everything => (RepositorySelection::All, [].as_slice()),
            In::These(names) => (RepositorySelection::Subset, names),
        };
        self.requests.push(token_request::Model {
            id: request_id,
            organization_id: token.organization_id,
            token_id: token.id,
            owner_id: token.owner_id,
            state: TokenRequestState::Pending,
            justification: Some(why.to_owned()),
            repository_selection: selection,
            follows_id: follows,
            base_id: standing.map(|grant| grant.request_id),
            automatic_reason: None,
            cancel_reason: None,
            reviewed_by_id: None,
            reviewed_at: None,
            review_reason: None,
            closed_at: None,
            created_at: at,
            event_count: 0,
            origin: TokenOrigin::Guichet,
            external_id: None,
            expires_at: token.expires_at,
        });
        let asked = |name: &&str| token_request_repository::Model {
            request_id,
            repository_id: id(self.slug, "repository", name),
        };
        self.repositories.extend(names.iter().map(asked));
        let permission = |(target, name, level): &May| token_request_permission::Model {
            request_id,
            target: *target,
            name: (*name).to_owned(),
            level: *level,
        };
        self.permissions.extend(may.iter().map(permission));
        self.note(request_id, at, Action::Created, (None, TokenRequestState::Pending), owner, None);
    }

    /// What it asks for is granted, in place of what it was granted before.
    pub fn approved(&mut self, ago: i64) {
        let decides = Some(self.decides);
        self.grant(self.ago(ago), Action::Approved, decides, Because::default());
    }

    /// What it asks for is granted at once, and nobody has to decide.
    pub fn granted(&mut self, reason: AutomaticReason) {
        let Some(at) = self.requests.last().map(|request| request.created_at) else { return };
        let because = Because { automatic: Some(reason), ..Because::default() };
        self.grant(at, Action::ApprovedAutomatically, None, because);
    }

    fn grant(&mut self, at: DateTime<Utc>, action: Action, actor: Option<Uuid>, because: Because) {
        let owner = self.tokens.last().map(|token| token.owner_id);
        let Some(request) = self.close(at, TokenRequestState::Approved, action, actor, because) else {
            return;
        };
        let (to, action) = (TokenGrantState::Superseded, Action::GrantSuperseded);
        self.end(at, to, action, actor.or(owner), None);
        let Some(row) = self.requests.iter().find(|row| row.id == request) else { return };
        let number = self.requests.iter().filter(|other| other.token_id == row.token_id).count();
        self.grants.push(token_grant::Model {
            id: id(self.slug, "token grant", &format!("{}/{number}", self.name)),
            organization_id: row.organization_id,
            token_id: row.token_id,
            owner_id: row.owner_id,
            request_id: request,
            state: TokenGrantState::Active,
            repository_selection: row.repository_selection,
            granted_at: at,
            granted_by_id: actor,
            ended_at: None,
            ended_by_id: None,
            end_reason: None,
            origin: TokenOrigin::Guichet,
            external_id: None,
        });
    }

    /// What it asks for is refused.
    pub fn denied(&mut self, ago: i64, reason: &'static str) {
        let decides = Some(self.decides);
        let because = Because { words: Some(reason), ..Because::default() };
        self.close(self.ago(ago), TokenRequestState::Denied, Action::Denied, decides, because);
    }

    /// Its owner withdraws what it asks for.
    pub fn withdrawn(&mut self, ago: i64) {
        let owner = self.tokens.last().map(|token| token.owner_id);
        self.cancel(self.ago(ago), owner, CancelReason::Requester);
    }

    /// What it was granted is revoked, and what it asks for beyond that cancelled.
    pub fn revoked(&mut self, ago: i64, reason: &'static str) {
        let (at, decides) = (self.ago(ago), Some(self.decides));
        self.end(at, TokenGrantState::Revoked, Action::GrantRevoked, decides, Some(reason));
        self.cancel(at, decides, CancelReason::GrantRevoked);
    }

    /// Its owner gives it up.
    pub fn given_up(&mut self, ago: i64) {
        let at = self.ago(ago);
        let Some(token) = self.tokens.last_mut() else { return };
        token.revoked_at = Some(at);
        token.due_at = None;
        token.version += 1;
        let owner = Some(token.owner_id);
        self.cancel(at, owner, CancelReason::TokenRevoked);
        self.end(at, TokenGrantState::Ended, Action::GrantEnded, owner, None);
    }

    /// Its time is over: what it asks for and what it was granted end with it.
    pub fn expired(&mut self) {
        let Some(at) = self.tokens.last().and_then(|token| token.expires_at) else { return };
        self.close(at, TokenRequestState::Expired, Action::Expired, None, Because::default());
        self.end(at, TokenGrantState::Ended, Action::GrantEnded, None, None);
    }

    fn cancel(&mut self, at: DateTime<Utc>, actor: Option<Uuid>, reason: CancelReason) {
        let because = Because { canceled: Some(reason), ..Because::default() };
        self.close(at, TokenRequestState::Canceled, Action::Canceled, actor, because);
    }

    /// Ends what waits, and gives its id.
    fn close(
        &mut self,
        at: DateTime<Utc>,
        to: TokenRequestState,
        action: Action,
        actor: Option<Uuid>,
        because: Because,
    ) -> Option<Uuid> {
        let token = self.tokens.last()?.id;
        let waits = |request: &&mut token_request::Model| {
            request.token_id == token && request.state == TokenRequestState::Pending
        };
        let request = self.requests.iter_mut().find(waits)?;
        request.state = to;
        request.closed_at = Some(at);
        if matches!(to, TokenRequestState::Approved | TokenRequestState::Denied) {
            request.reviewed_at = Some(at);
            request.reviewed_by_id = actor;
            request.review_reason = because.words.map(str::to_owned);
        }
        request.automatic_reason = because.automatic;
        request.cancel_reason = because.canceled;
        let request = request.id;
        let code = because.canceled.and_then(|reason| Some(serde_json::json!(reason).as_str()?.to_owned()));
        let reason = because.words.map(str::to_owned).or(code);
        self.note(request, at, action, (Some(TokenRequestState::Pending), to), actor, reason);
        Some(request)
    }

    /// Ends what is granted.
    fn end(
        &mut self,
        at: DateTime<Utc>,
        to: TokenGrantState,
        action: Action,
        actor: Option<Uuid>,
        reason: Option<&str>,
    ) {
        let Some(token) = self.tokens.last().map(|token| token.id) else { return };
        let stands = |grant: &&mut token_grant::Model| {
            grant.token_id == token && grant.state == TokenGrantState::Active
        };
        let Some(grant) = self.grants.iter_mut().find(stands) else { return };
        grant.state = to;
        grant.ended_at = Some(at);
        grant.ended_by_id = actor;
        grant.end_reason = reason.map(str::to_owned);
        let request = grant.request_id;
        let steps = (Some(TokenRequestState::Approved), TokenRequestState::Approved);
        self.note(request, at, action, steps, actor, reason.map(str::to_owned));
    }

    fn note(
        &mut self,
        request: Uuid,
        at: DateTime<Utc>,
        action: Action,
        (from_state, to_state): (Option<TokenRequestState>, TokenRequestState),
        actor_id: Option<Uuid>,
        reason: Option<String>,
    ) {
        let Some(row) = self.requests.iter_mut().find(|row| row.id == request) else { return };
        row.event_count += 1;
        self.events.push(token_request_event::Model {
            request_id: request,
            seq: row.event_count,
            at,
            action,
            from_state,
            to_state,
            actor_id,
            reason,
            bulk_operation_id: None,
        });
    }

    /// Writes the rows.
    pub async fn write(&self, txn: &Txn) -> Result<(), StoreError> {
        txn.insert_all(self.tokens.clone()).await?;
        txn.insert_all(self.scopes.clone()).await?;
        txn.insert_all(self.requests.clone()).await?;
        txn.insert_all(self.repositories.clone()).await?;
        txn.insert_all(self.permissions.clone()).await?;
        txn.insert_all(self.events.clone()).await?;
        txn.insert_all(self.grants.clone()).await
    }
}

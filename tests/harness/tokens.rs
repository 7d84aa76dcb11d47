//! Tokens and their requests, written as rows: for what is told of them, whichever command made them.

use chrono::{DateTime, TimeDelta, Utc};
use entity::access_token::{self, TokenKind, TokenOrigin};
use entity::bulk_operation::ReviewDecision;
use entity::notification::{self, MailErrorCode, MailState, NotificationKind};
use entity::token_grant::{self, TokenGrantState};
use entity::token_request::{self, RepositorySelection, TokenRequestState};
use guichet::domain::notification::token as told;
use guichet::id::Kind;
use guichet::store::{StoreError, Transaction, Txn};
use serde_json::json;
use uuid::Uuid;

use super::Server;

/// A token with its request.
#[derive(Clone, Debug)]
pub struct Made {
    pub token: access_token::Model,
    pub request: token_request::Model,
    pub grant: Option<token_grant::Model>,
}

struct Insert(Vec<Made>);

impl Transaction for Insert {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        txn.insert_all(self.0.iter().map(|made| made.token.clone()).collect()).await?;
        txn.insert_all(self.0.iter().map(|made| made.request.clone()).collect()).await?;
        txn.insert_all(self.0.iter().filter_map(|made| made.grant.clone()).collect()).await
    }
}

/// What a command tells the owners of tokens.
pub struct Decide {
    pub decision: Option<ReviewDecision>,
    pub ids: Vec<Uuid>,
    pub reason: Option<&'static str>,
}

impl Transaction for Decide {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        match self.decision {
            Some(decision) => told::reviewed(txn, decision, &self.ids, self.reason.into()).await,
            None => told::revoked(txn, &self.ids, self.reason.into()).await,
        }
    }
}

impl Server {
    /// A token of a person, made now for so long; its request waits.
    pub async fn made(&self, subject: &str, name: &str, life: TimeDelta) -> Made {
        let query = "{ organization { id } viewer { user { id } } }";
        let found = self.ask(subject, query, json!({})).await;
        let organization = Kind::Organization.parse(found["organization"]["id"].as_str().unwrap()).unwrap();
        let owner = Kind::User.parse(found["viewer"]["user"]["id"].as_str().unwrap()).unwrap();
        self.made_of(organization, owner, name, life)
    }

    /// The same, of an owner whose id is known.
    pub fn made_of(&self, organization: Uuid, owner: Uuid, name: &str, life: TimeDelta) -> Made {
        let now: DateTime<Utc> = self.clock.now();
        let token = access_token::Model {
            id: self.clock.id(),
            organization_id: organization,
            owner_id: owner,
            kind: TokenKind::FineGrained,
            name: name.to_owned(),
            lookup: self.clock.id().simple().to_string(),
            secret_hash: "0".repeat(64),
            last_four: "abcd".to_owned(),
            issued_at: now,
            expires_at: Some(now + life),
            last_used_at: None,
            revoked_at: None,
            due_at: None,
            version: 1,
            created_at: now,
            origin: TokenOrigin::Guichet,
            external_id: None,
        };
        let request = token_request::Model {
            id: self.clock.id(),
            organization_id: organization,
            token_id: token.id,
            owner_id: owner,
            state: TokenRequestState::Pending,
            justification: None,
            repository_selection: RepositorySelection::All,
            follows_id: None,
            base_id: None,
            automatic_reason: None,
            cancel_reason: None,
            reviewed_by_id: None,
            reviewed_at: None,
            review_reason: None,
            closed_at: None,
            created_at: now,
            event_count: 0,
            origin: TokenOrigin::Guichet,
            external_id: None,
            expires_at: token.expires_at,
        };
        Made { token, request, grant: None }
    }

    /// Writes tokens with their requests.
    pub async fn insert(&self, made: &[Made]) {
        self.app.database.write(&Insert(made.to_vec())).await.unwrap();
    }

    /// Tells the owners of tokens what was decided, as a command does.
    pub async fn announce(&self, decide: Decide) {
        self.app.database.write(&decide).await.unwrap();
    }
}

/// Notifications of a user whose mails failed.
struct Told(Uuid, Uuid);

impl Transaction for Told {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let row = |number: i32| notification::Model {
            id: txn.id(),
            organization_id: self.0,
            user_id: self.1,
            kind: NotificationKind::TokenExpiring,
            subject_type: None,
            subject_id: None,
            content: json!({ "kind": "TOKEN_EXPIRING", "token": Uuid::nil(), "tokenName": "ci", "expiresAt": txn.now() }),
            created_at: txn.now() - TimeDelta::minutes(i64::from(number)),
            read_at: None,
            mail_state: MailState::Failed,
            attempt_count: number,
            due_at: None,
            lease: None,
            error_code: Some(MailErrorCode::Rejected),
            error_message: Some("5.1.1 No such mailbox".to_owned()),
            error_status: Some(550),
            error_at: Some(txn.now()),
            sent_at: None,
        };
        txn.insert_all((1..6).map(row).collect()).await
    }
}

impl Server {
    /// Notifications of a person whose mails failed, where they have none yet.
    pub async fn tell_something(&self, subject: &str) {
        let query = "{ organization { id } viewer { user { id } notifications { totalCount } } }";
        let found = self.ask(subject, query, json!({})).await;
        if found["viewer"]["notifications"]["totalCount"] == 0 {
            let organization =
                Kind::Organization.parse(found["organization"]["id"].as_str().unwrap()).unwrap();
            let user = Kind::User.parse(found["viewer"]["user"]["id"].as_str().unwrap()).unwrap();
            self.app.database.write(&Told(organization, user)).await.unwrap();
        }
    }
}

impl Made {
    /// With a reason for asking.
    pub fn because(mut self, justification: &str) -> Self {
        self.request.justification = Some(justification.to_owned());
        self
    }

    /// Approved, with a grant.
    pub fn granted(mut self) -> Self {
        self.request.state = TokenRequestState::Approved;
        self.grant = Some(token_grant::Model {
            id: self.request.id,
            organization_id: self.request.organization_id,
            token_id: self.token.id,
            owner_id: self.token.owner_id,
            request_id: self.request.id,
            state: TokenGrantState::Active,
            repository_selection: RepositorySelection::All,
            granted_at: self.request.created_at,
            granted_by_id: None,
            ended_at: None,
            ended_by_id: None,
            end_reason: None,
            origin: TokenOrigin::Guichet,
            external_id: None,
        });
        self
    }
}

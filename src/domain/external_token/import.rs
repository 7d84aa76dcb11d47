//! Import: show what another system holds. One transaction: all of a file, or nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::access_token::{self, TokenKind, TokenOrigin};
use entity::app_user::{self, UserKind, UserState};
use entity::token_grant::{self, TokenGrantState};
use entity::token_request::{self, RepositorySelection, TokenRequestState};
use entity::token_request_permission;
use uuid::Uuid;

use super::{Account, Contents, Item};
use crate::domain::input;
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::external_token::{self as store_external, Part};
use crate::store::{self, StoreError, Transaction, Txn};

/// Whoever signs in comes by an issuer that is a URL: this is none.
const ISSUER: &str = "urn:guichet:import:github";

/// Import what GitHub told.
pub struct Import {
    /// The slug of the organization that shows it.
    pub organization: String,
    /// What was read.
    pub contents: Contents,
    /// Whether it is all that there is: what it lacks of its kind is over.
    pub complete: bool,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Of the requests.
    pub requests: Counts,
    /// Of the grants.
    pub grants: Counts,
}

/// What became of a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Not there before.
    pub added: u64,
    /// Changed at the origin since.
    pub changed: u64,
    /// As it was.
    pub left: u64,
    /// No longer at the origin.
    pub ended: u64,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The organization is not there.
    #[error("there is no organization with the slug {0:?}; `guichet organization create` makes one")]
    NoOrganization(String),
    /// It broke.
    #[error("the database: {0}")]
    Broken(#[from] StoreError),
}

impl Transaction for Import {
    type Output = Outcome;
    type Error = ImportError;

    async fn run(&self, txn: &Txn) -> Result<Outcome, ImportError> {
        let organization = store::organization::lock_by_slug(txn, &self.organization).await?;
        let organization =
            organization.ok_or_else(|| ImportError::NoOrganization(self.organization.clone()))?.id;
        let part = Part { organization, origin: TokenOrigin::Github };
        let changed = self.tokens(txn, part).await?;
        let requests = self.requests(txn, part, &changed).await?;
        let grants = self.grants(txn, part, &changed).await?;
        let outcome = Outcome { requests, grants };
        if [requests, grants].iter().any(|counts| counts.added + counts.changed + counts.ended > 0) {
            audit(txn, organization, outcome).await?;
        }
        Ok(outcome)
    }
}

/// The tokens of an import, with those that differ from what was there.
struct Tokens {
    /// By their id at the origin.
    by_id: HashMap<String, access_token::Model>,
    /// Those that were changed, or whose owner was.
    changed: HashSet<Uuid>,
}

impl Import {
    fn items(&self) -> impl Iterator<Item = &Item> {
        self.contents.requests.values().chain(self.contents.grants.values())
    }

    /// Writes the owners' accounts; gives all of them, and those that have another name now.
    async fn accounts(
        &self,
        txn: &Txn,
        part: Part,
    ) -> Result<(HashMap<String, Uuid>, HashSet<Uuid>), StoreError> {
        let wanted: BTreeMap<&str, &Account> =
            self.items().map(|item| (item.account.id.as_str(), &item.account)).collect();
        let ids: Vec<String> = wanted.keys().map(|id| (*id).to_owned()).collect();
        let there = part.accounts(txn, &ids).await?;
        let mut there: HashMap<String, app_user::Model> =
            there.into_iter().map(|row| (row.subject.clone(), row)).collect();
        let (mut rows, mut known, mut renamed) = (Vec::new(), HashMap::new(), HashSet::new());
        for (id, account) in wanted {
            let row = match there.remove(id) {
                Some(row) if row.display_name == account.login => {
                    known.insert(id.to_owned(), row.id);
                    continue;
                }
                Some(row) => {
                    renamed.insert(row.id);
                    app_user::Model { version: row.version + 1, ..row }
                }
                None => account_row(txn, part, id),
            };
            known.insert(id.to_owned(), row.id);
            let (display_name, name_key) = (account.login.clone(), input::key(&account.login));
            rows.push(app_user::Model { display_name, name_key, ..row });
        }
        if !rows.is_empty() {
            part.write_accounts(txn, rows).await?;
        }
        Ok((known, renamed))
    }

    /// Writes the tokens that requests and grants are about. A grant tells more recently of one than a request.
    async fn tokens(&self, txn: &Txn, part: Part) -> Result<Tokens, StoreError> {
        let (accounts, renamed) = self.accounts(txn, part).await?;
        let wanted: BTreeMap<&str, &Item> = self.items().map(|item| (item.token.id.as_str(), item)).collect();
        let ids: Vec<String> = wanted.keys().map(|id| (*id).to_owned()).collect();
        let there = part.tokens(txn, &ids).await?;
        let mut by_id: HashMap<String, access_token::Model> =
            there.into_iter().filter_map(|row| Some((row.external_id.clone()?, row))).collect();
        let mut changed: HashSet<Uuid> =
            by_id.values().filter(|row| renamed.contains(&row.owner_id)).map(|row| row.id).collect();
        let mut rows = Vec::new();
        for (id, item) in wanted {
            let before = by_id.get(id);
            let told = &item.token;
            let after = access_token::Model {
                name: told.name.clone(),
                expires_at: told.expires_at,
                last_used_at: told.last_used_at,
                ..match before {
                    Some(row) => row.clone(),
                    None => token_row(txn, part, accounts[&item.account.id], item),
                }
            };
            if before == Some(&after) {
                continue;
            }
            changed.insert(after.id);
            let after = access_token::Model { version: after.version + 1, ..after };
            rows.push(after.clone());
            by_id.insert(id.to_owned(), after);
        }
        store_external::write_tokens(txn, rows).await?;
        Ok(Tokens { by_id, changed })
    }

    async fn requests(&self, txn: &Txn, part: Part, tokens: &Tokens) -> Result<Counts, StoreError> {
        let items = &self.contents.requests;
        if items.is_empty() {
            return Ok(Counts::default());
        }
        let ids: Vec<String> = items.keys().cloned().collect();
        let there = part.requests(txn, &ids).await?;
        let permitted = Permitted::of(txn, there.iter().map(|row| row.id).collect()).await?;
        let there: HashMap<String, token_request::Model> =
            there.into_iter().filter_map(|row| Some((row.external_id.clone()?, row))).collect();
        let mut counts = Counts::default();
        let mut rows = Vec::new();
        for (id, item) in items {
            let token = &tokens.by_id[&item.token.id];
            let before = there.get(id);
            let after = token_request::Model {
                state: TokenRequestState::Pending,
                justification: item.justification.clone(),
                repository_selection: item.selection,
                created_at: item.at,
                closed_at: None,
                ..match before {
                    Some(row) => row.clone(),
                    None => request_row(txn, token, Some(id.clone()), item.selection),
                }
            };
            let same = before == Some(&after) && permitted.are(after.id, item);
            if counts.note(before.is_some(), same && !tokens.changed.contains(&token.id)) && !same {
                rows.push((after, item));
            }
        }
        let of_tokens: Vec<Uuid> = rows.iter().map(|(row, _)| row.token_id).collect();
        counts.ended += part.end_replaced_requests(txn, &of_tokens, &ids).await?;
        if self.complete {
            counts.ended += part.end_other_requests(txn, &ids).await?;
        }
        write_requests(txn, rows).await?;
        Ok(counts)
    }

    async fn grants(&self, txn: &Txn, part: Part, tokens: &Tokens) -> Result<Counts, StoreError> {
        let items = &self.contents.grants;
        if items.is_empty() {
            return Ok(Counts::default());
        }
        let ids: Vec<String> = items.keys().cloned().collect();
        let there = part.grants(txn, &ids).await?;
        let behind: Vec<Uuid> = there.iter().map(|row| row.request_id).collect();
        let permitted = Permitted::of(txn, behind.clone()).await?;
        let behind = store_external::requests_behind(txn, &behind).await?;
        let behind: HashMap<Uuid, token_request::Model> =
            behind.into_iter().map(|row| (row.id, row)).collect();
        let there: HashMap<String, token_grant::Model> =
            there.into_iter().filter_map(|row| Some((row.external_id.clone()?, row))).collect();
        let mut counts = Counts::default();
        let (mut requests, mut rows) = (Vec::new(), Vec::new());
        for (id, item) in items {
            let token = &tokens.by_id[&item.token.id];
            let before = there.get(id);
            let request = before.and_then(|grant| behind.get(&grant.request_id));
            let request = token_request::Model {
                state: TokenRequestState::Approved,
                repository_selection: item.selection,
                created_at: item.at,
                reviewed_at: Some(item.at),
                closed_at: Some(item.at),
                ..match request {
                    Some(row) => row.clone(),
                    None => request_row(txn, token, None, item.selection),
                }
            };
            let after = token_grant::Model {
                state: TokenGrantState::Active,
                repository_selection: item.selection,
                granted_at: item.at,
                ended_at: None,
                ..match before {
                    Some(row) => row.clone(),
                    None => grant_row(txn, &request, id.clone()),
                }
            };
            let same = before == Some(&after) && permitted.are(request.id, item);
            if counts.note(before.is_some(), same && !tokens.changed.contains(&token.id)) && !same {
                rows.push(after);
                requests.push((request, item));
            }
        }
        let of_tokens: Vec<Uuid> = rows.iter().map(|row| row.token_id).collect();
        counts.ended += part.end_replaced_grants(txn, &of_tokens, &ids).await?;
        if self.complete {
            counts.ended += part.end_other_grants(txn, &ids).await?;
        }
        write_requests(txn, requests).await?;
        store_external::write_grants(txn, rows).await?;
        Ok(counts)
    }
}

impl Counts {
    /// Counts one; tells whether there is something to write of it.
    fn note(&mut self, was_there: bool, is_same: bool) -> bool {
        match (was_there, is_same) {
            (true, true) => self.left += 1,
            (true, false) => self.changed += 1,
            (false, _) => self.added += 1,
        }
        !(was_there && is_same)
    }
}

/// The permissions of requests as they are kept.
struct Permitted(HashMap<Uuid, Vec<token_request_permission::Model>>);

impl Permitted {
    async fn of(txn: &Txn, requests: Vec<Uuid>) -> Result<Self, StoreError> {
        let mut rows: HashMap<Uuid, Vec<token_request_permission::Model>> = HashMap::new();
        for row in store::token_request::permissions(txn, &requests).await? {
            rows.entry(row.request_id).or_default().push(row);
        }
        Ok(Self(rows))
    }

    fn are(&self, request: Uuid, item: &Item) -> bool {
        let kept = self.0.get(&request).map_or(&[][..], Vec::as_slice);
        kept.len() == item.permissions.len()
            && kept
                .iter()
                .all(|row| item.permissions.get(&(row.target, row.name.clone())) == Some(&row.level))
    }
}

async fn write_requests(txn: &Txn, rows: Vec<(token_request::Model, &Item)>) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = rows.iter().map(|(row, _)| row.id).collect();
    let permissions = rows.iter().flat_map(|(row, item)| {
        item.permissions.iter().map(|((target, name), level)| token_request_permission::Model {
            request_id: row.id,
            target: *target,
            name: name.clone(),
            level: *level,
        })
    });
    let permissions = permissions.collect();
    store_external::write_requests(txn, rows.into_iter().map(|(row, _)| row).collect()).await?;
    store_external::replace_permissions(txn, &ids, permissions).await
}

fn account_row(txn: &Txn, part: Part, id: &str) -> app_user::Model {
    app_user::Model {
        id: txn.id(),
        organization_id: part.organization,
        issuer: ISSUER.to_owned(),
        subject: id.to_owned(),
        kind: UserKind::Guest,
        // Whatever looks for people who may act does not find them.
        state: UserState::Deactivated,
        display_name: String::new(),
        name_key: String::new(),
        email: None,
        manager_id: None,
        claimed_roles: None,
        claimed_at: None,
        deactivated_at: Some(txn.now()),
        version: 1,
        created_at: txn.now(),
        connected_organization_id: None,
        guest_end: None,
        guest_end_at: None,
        unblocked_at: None,
    }
}

fn token_row(txn: &Txn, part: Part, owner_id: Uuid, item: &Item) -> access_token::Model {
    access_token::Model {
        id: txn.id(),
        organization_id: part.organization,
        owner_id,
        kind: TokenKind::FineGrained,
        name: String::new(),
        // No secret has such a public part, and none has this hash.
        lookup: format!("github:{}:{}", part.organization, item.token.id),
        secret_hash: String::new(),
        last_four: String::new(),
        issued_at: item.at,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
        due_at: None,
        version: 0,
        created_at: item.at,
        origin: part.origin,
        external_id: Some(item.token.id.clone()),
    }
}

fn request_row(
    txn: &Txn,
    token: &access_token::Model,
    external_id: Option<String>,
    repository_selection: RepositorySelection,
) -> token_request::Model {
    token_request::Model {
        id: txn.id(),
        organization_id: token.organization_id,
        token_id: token.id,
        owner_id: token.owner_id,
        state: TokenRequestState::Pending,
        justification: None,
        repository_selection,
        follows_id: None,
        base_id: None,
        automatic_reason: None,
        cancel_reason: None,
        reviewed_by_id: None,
        reviewed_at: None,
        review_reason: None,
        closed_at: None,
        created_at: txn.now(),
        event_count: 0,
        origin: token.origin,
        external_id,
        expires_at: None,
    }
}

fn grant_row(txn: &Txn, request: &token_request::Model, external_id: String) -> token_grant::Model {
    token_grant::Model {
        id: txn.id(),
        organization_id: request.organization_id,
        token_id: request.token_id,
        owner_id: request.owner_id,
        request_id: request.id,
        state: TokenGrantState::Active,
        repository_selection: request.repository_selection,
        granted_at: request.created_at,
        granted_by_id: None,
        ended_at: None,
        ended_by_id: None,
        end_reason: None,
        origin: request.origin,
        external_id: Some(external_id),
    }
}

async fn audit(txn: &Txn, organization: Uuid, outcome: Outcome) -> Result<(), StoreError> {
    let counts = |counts: Counts| {
        serde_json::json!({
            "added": counts.added, "changed": counts.changed, "left": counts.left, "ended": counts.ended,
        })
    };
    let event = Event {
        organization,
        actor: None,
        action: "personal_access_token.imported",
        target: Some((Kind::Organization, organization)),
        call: None,
        details: Some(serde_json::json!({
            "origin": "GITHUB", "requests": counts(outcome.requests), "grants": counts(outcome.grants),
        })),
    };
    audit_event::record(txn, &event).await
}

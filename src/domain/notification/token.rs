//! Tell the owners of tokens what was decided about them.

use entity::bulk_operation::ReviewDecision;
use uuid::Uuid;

use super::Content;
use super::content::TokenDecision;
use super::tell::{Notice, tell};
use crate::id::Kind;
use crate::store::token_notice::{self, Decided};
use crate::store::{Said, StoreError, Txn};

/// Tells the owners of these tokens that their requests were reviewed: two statements, however many there are.
/// To be called with what was changed by a person; what is approved by itself is not told.
pub async fn reviewed(
    txn: &Txn,
    decision: ReviewDecision,
    requests: &[Uuid],
    said: Said<'_>,
) -> Result<(), StoreError> {
    let content = match decision {
        ReviewDecision::Approve => Content::TokenRequestApproved,
        ReviewDecision::Deny => Content::TokenRequestDenied,
    };
    let decided = token_notice::of_requests(txn, requests).await?;
    tell(txn, notices(decided, Kind::TokenRequest, said, content)).await
}

/// Tells the owners of these tokens that their grants were revoked: two statements, however many there are.
pub async fn revoked(txn: &Txn, grants: &[Uuid], said: Said<'_>) -> Result<(), StoreError> {
    let decided = token_notice::of_grants(txn, grants).await?;
    tell(txn, notices(decided, Kind::TokenGrant, said, Content::TokenGrantRevoked)).await
}

fn notices(
    decided: Vec<Decided>,
    kind: Kind,
    said: Said<'_>,
    content: fn(TokenDecision) -> Content,
) -> Vec<Notice> {
    let notice = |row: Decided| Notice {
        receiver: row.owner,
        subject: Some((kind, row.id)),
        content: content(TokenDecision {
            token: row.token,
            token_name: row.token_name,
            reason: said.about(row.id).filter(|reason| !reason.is_empty()).map(str::to_owned),
        }),
    };
    decided.into_iter().map(notice).collect()
}

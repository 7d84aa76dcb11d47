//! Tell the owners of tokens that these end soon: once for each end.

use chrono::TimeDelta;

use super::Content;
use super::content::TokenEnd;
use super::tell::{Notice, tell};
use crate::id::Kind;
use crate::store::{StoreError, Transaction, Txn, token_notice};

/// How long before its end the owner of a token is told.
pub const NOTICE: TimeDelta = TimeDelta::days(7);
/// How many tokens one transaction tells of.
const BATCH: u64 = 500;

/// Tells of tokens that end within seven days, and gives how many were looked at. A token that was made for a
/// shorter time ends as its owner expects, and is not told of.
pub struct TellExpiring;

impl Transaction for TellExpiring {
    type Output = usize;
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<usize, StoreError> {
        let ending = token_notice::note_expiring(txn, txn.now() + NOTICE, BATCH).await?;
        let looked_at = ending.len();
        let long = ending.into_iter().filter(|token| token.expires_at - token.issued_at > NOTICE);
        let notice = |row: token_notice::Expiring| Notice {
            receiver: row.owner,
            subject: Some((Kind::AccessToken, row.token)),
            content: Content::TokenExpiring(TokenEnd {
                token: row.token,
                token_name: row.name,
                expires_at: row.expires_at,
            }),
        };
        tell(txn, long.map(notice).collect()).await?;
        Ok(looked_at)
    }
}

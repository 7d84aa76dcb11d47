//! Tell people something, in the transaction of what it tells.

use uuid::Uuid;

use super::{Content, is_optional};
use crate::id::Kind;
use crate::store::{self, StoreError, Txn};

/// Something to tell somebody.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Who is told.
    pub receiver: Uuid,
    /// The object that it is about.
    pub subject: Option<(Kind, Uuid)>,
    /// What it tells.
    pub content: Content,
}

/// Tells all of them in one statement, but for those who want to hear nothing of it; mails become due.
pub async fn tell(txn: &Txn, notices: Vec<Notice>) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(notices.len());
    for Notice { receiver, subject, content } in notices {
        let kind = content.kind();
        let content = serde_json::to_value(content).map_err(|error| StoreError::Other(error.to_string()))?;
        rows.push(store::notification::Notice {
            receiver,
            kind,
            always: !is_optional(kind),
            subject,
            content,
        });
    }
    store::notification::tell(txn, &rows).await.map(|_| ())
}

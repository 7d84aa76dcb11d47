//! The mails with codes to sign in with, and the codes that are over.

use uuid::Uuid;

use super::Post;
use crate::domain::back_off;
use crate::domain::email_sign_in::{LIFE, SPAN, place};
use crate::domain::notification::mail::is_retryable;
use crate::mail::sign_in_code::{Told, letter};
use crate::mail::{Letter, Mailer};
use crate::secret::Secret;
use crate::store::{self, Database, StoreError};

/// A mail that is this worker's for a minute.
pub struct Mail {
    claimed: store::sign_in_code::Mail,
    mailer: Mailer,
    lease: Uuid,
}

/// Claims mails that are due. Without a mail server none is: the codes end unsent.
pub async fn claim(database: &Database, post: &Post) -> Result<Vec<Mail>, StoreError> {
    let Some(mailer) = &post.mailer else { return Ok(Vec::new()) };
    let lease = database.clock().id();
    let claimed = store::sign_in_code::claim(database, lease).await?;
    Ok(claimed.into_iter().map(|claimed| Mail { claimed, mailer: mailer.clone(), lease }).collect())
}

/// Tries to send a mail once; as long as its code is good it is tried again.
pub async fn attempt(database: &Database, post: &Post, mail: Mail) {
    let Mail { claimed, mailer, lease } = mail;
    let code = &claimed.code;
    let now = database.clock().now();
    let letter = if now < code.expires_at { written(post, &claimed) } else { None };
    let mut due_at = None;
    if let Some(letter) = letter
        && let Err(failure) = mailer.send(&letter).await
    {
        // The mail server's own words can hold the address.
        tracing::warn!(code = %code.id, error = ?failure.code, status = failure.status, "a code was not mailed");
        let jitter = f64::from(lease.as_bytes()[15]) / 255.0;
        let next = database.clock().now() + back_off::pause(code.attempt_count, jitter);
        due_at = Some(next).filter(|next| is_retryable(failure.code) && *next < code.expires_at);
    }
    if let Err(error) = store::sign_in_code::finish(database, code.id, lease, due_at).await {
        tracing::error!(%error, code = %code.id, "could not write the end of a mail");
    }
}

fn written(post: &Post, claimed: &store::sign_in_code::Mail) -> Option<Letter> {
    let code = &claimed.code;
    let opened = post.secret_keys.open(&code.code, place(code.id));
    let opened = opened.inspect_err(|error| tracing::warn!(%error, code = %code.id, "a code does not open"));
    let secret = Secret::new(String::from_utf8(opened.ok()?).ok()?);
    let told = Told {
        id: format!("code-{}", code.id.simple()),
        at: code.expires_at - LIFE,
        address: &code.address,
        organization: &claimed.organization,
        code: &secret,
        expires_at: code.expires_at,
    };
    letter(&told).inspect_err(|error| tracing::error!(%error, "a template failed")).ok()
}

/// Deletes what need not be counted any more.
pub async fn forget(database: &Database) -> Result<(), StoreError> {
    let now = database.clock().now();
    store::sign_in_code::delete_before(database, now - SPAN, now).await
}

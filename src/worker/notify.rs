//! What people are told without having done anything, and the mails that are due.

use entity::app_user::UserState;
use entity::notification::MailErrorCode;
use uuid::Uuid;

use super::Post;
use crate::domain::link::Frontend;
use crate::domain::notification::assignment::{NOTICES, TellEnding};
use crate::domain::notification::expiring::{NOTICE, TellExpiring};
use crate::domain::notification::mail::{End, Failure, LIFE, after};
use crate::domain::notification::{Content, digest, package};
use crate::id::Kind;
use crate::mail::template::{Receiver, letter};
use crate::mail::{Letter, Mailer};
use crate::store::{self, Database, StoreError, package_notice};

/// Writes the digests that are due; tells how many were moved.
pub async fn digests(database: &Database) -> Result<usize, StoreError> {
    let mut moved = 0;
    for (organization, plan) in store::digest::due(database, database.clock().now()).await? {
        if plan.is_none() {
            database.write(&digest::Begin { organization }).await?;
        } else {
            moved += usize::from(database.write(&digest::Write { organization }).await?);
        }
    }
    Ok(moved)
}

/// Tells of the tokens that end soon; tells how many were looked at.
pub async fn expiring(database: &Database) -> Result<usize, StoreError> {
    let now = database.clock().now();
    let mut moved = 0;
    while store::token_notice::any_expiring(database, now, now + NOTICE).await? {
        let told = database.write(&TellExpiring).await?;
        if told == 0 {
            break; // another server was faster
        }
        moved += told;
    }
    Ok(moved)
}

/// Tells of the assignments that end soon; tells how many were looked at.
pub async fn ending(database: &Database) -> Result<usize, StoreError> {
    let now = database.clock().now();
    let mut moved = 0;
    for ahead in NOTICES {
        while store::assignment_notice::any_expiring(database, ahead.name, now, now + ahead.before).await? {
            let told = database.write(&TellEnding(ahead)).await?;
            if told == 0 {
                break; // another server was faster
            }
            moved += told;
        }
    }
    Ok(moved)
}

/// Tells of roles that could not be given to those who held their packages; tells how many notices were written.
pub async fn failed_roles(database: &Database) -> Result<usize, StoreError> {
    let mut moved = 0;
    while package_notice::any_failed(database, package::NOTICE, database.clock().now() - package::GATHER)
        .await?
    {
        let told = database.write(&package::TellFailed).await?;
        if told == 0 {
            break; // another server was faster
        }
        moved += told;
    }
    Ok(moved)
}

/// A mail that is this worker's for a minute.
pub struct Mail {
    claimed: store::notification::Mail,
    mailer: Mailer,
    lease: Uuid,
}

/// Claims mails that are due. Without a mail server none is; what has waited for one for too long waits no more.
pub async fn claim(database: &Database, post: &Post) -> Result<Vec<Mail>, StoreError> {
    let Some(mailer) = &post.mailer else {
        store::notification::leave_unsent(database, database.clock().now() - LIFE).await?;
        return Ok(Vec::new());
    };
    let lease = database.clock().id();
    let claimed = store::notification::claim(database, lease).await?;
    Ok(claimed.into_iter().map(|claimed| Mail { claimed, mailer: mailer.clone(), lease }).collect())
}

/// Tries to send a mail once and writes how that ended.
pub async fn attempt(database: &Database, post: &Post, mail: Mail) {
    let Mail { claimed: mail, mailer, lease } = mail;
    let end = match written(database, post, &mail) {
        Err(end) => end,
        Ok(letter) => mailer.send(&letter).await.map_or_else(End::Failed, |()| End::Taken),
    };
    let id = mail.notification.id;
    if let End::Failed(failure) = &end {
        tracing::warn!(notification = %id, code = ?failure.code, status = failure.status, "a mail was not sent");
    }
    // Random bits of the lease spread the next tries out.
    let jitter = f64::from(lease.as_bytes()[15]) / 255.0;
    let after = after(&mail.notification, &end, database.clock().now(), jitter);
    match store::notification::finish(database, &after, lease).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(notification = %id, "another worker has taken over the lease of a mail; this result is not written");
        }
        Err(error) => tracing::error!(%error, notification = %id, "could not write the end of a mail"),
    }
}

/// The letter to send; how the attempt ends where there is none.
fn written(database: &Database, post: &Post, mail: &store::notification::Mail) -> Result<Letter, End> {
    let (told, receiver) = (&mail.notification, &mail.receiver);
    let failed =
        |code, message: &str| End::Failed(Failure { code, status: None, message: message.to_owned() });
    let address = receiver.email.as_deref().filter(|_| receiver.state == UserState::Active);
    let address = address.ok_or(End::NobodyThere)?;
    if database.clock().now() - told.created_at > LIFE {
        return Err(failed(MailErrorCode::Expired, "It could not be sent within three days."));
    }
    let content = Content::of(told)
        .ok_or_else(|| failed(MailErrorCode::Internal, "A later version of Guichet wrote it."))?;
    let to = Receiver {
        id: Kind::Notification.text(told.id),
        at: told.created_at,
        name: &receiver.display_name,
        address,
        organization: &mail.organization,
    };
    letter(&content, &to, &Frontend::new(&post.public_url, &mail.hint)).map_err(|error| {
        tracing::error!(%error, notification = %told.id, "a template failed");
        failed(MailErrorCode::Internal, "The mail could not be written.")
    })
}

//! What the end of an attempt to send a mail means, and when it is tried again.

use chrono::{DateTime, TimeDelta, Utc};
use entity::notification::{self, MailErrorCode as Code, MailState};

use crate::domain::back_off;

/// How long after it was written a mail may still be sent.
pub const LIFE: TimeDelta = TimeDelta::days(3);

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// A mail server has taken the mail.
    Taken,
    /// There is nobody to send it to: the receiver was deactivated, or has no address any more.
    NobodyThere,
    /// It failed.
    Failed(Failure),
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The kind.
    pub code: Code,
    /// The mail server's status.
    pub status: Option<u16>,
    /// The mail server's own words, or ours.
    pub message: String,
}

/// Whether waiting can help.
#[must_use]
pub const fn is_retryable(code: Code) -> bool {
    match code {
        Code::Unreachable | Code::TimedOut | Code::TlsFailed | Code::LoginFailed | Code::RefusedForNow => {
            true
        }
        Code::Rejected | Code::BadAddress | Code::Expired | Code::Internal => false,
    }
}

/// The notification after an attempt.
#[must_use]
pub fn after(
    before: &notification::Model,
    end: &End,
    now: DateTime<Utc>,
    jitter: f64,
) -> notification::Model {
    let done = notification::Model {
        due_at: None,
        error_code: None,
        error_message: None,
        error_status: None,
        ..before.clone()
    };
    match end {
        End::Taken => notification::Model { mail_state: MailState::Sent, sent_at: Some(now), ..done },
        End::NobodyThere => notification::Model { mail_state: MailState::None, ..done },
        End::Failed(Failure { code, status, message }) => {
            let next = now + back_off::pause(before.attempt_count, jitter);
            let due_at = Some(next).filter(|next| is_retryable(*code) && *next <= before.created_at + LIFE);
            notification::Model {
                mail_state: if due_at.is_some() { MailState::Pending } else { MailState::Failed },
                due_at,
                error_code: Some(*code),
                error_message: Some(message.clone()),
                error_status: status.map(i32::from),
                error_at: Some(now),
                ..before.clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use entity::notification::NotificationKind;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const CODES: [Code; 9] = [
        Code::Unreachable,
        Code::TimedOut,
        Code::TlsFailed,
        Code::LoginFailed,
        Code::RefusedForNow,
        Code::Rejected,
        Code::BadAddress,
        Code::Expired,
        Code::Internal,
    ];

    fn mail(attempts: i32) -> notification::Model {
        notification::Model {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            user_id: Uuid::nil(),
            kind: NotificationKind::TokenRequestDenied,
            subject_type: None,
            subject_id: None,
            content: serde_json::Value::Null,
            created_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            read_at: None,
            mail_state: MailState::Pending,
            attempt_count: attempts,
            due_at: None,
            lease: Some(Uuid::max()),
            error_code: None,
            error_message: None,
            error_status: None,
            error_at: None,
            sent_at: None,
        }
    }

    proptest! {
        #[test]
        fn a_mail_waits_or_has_ended_and_is_never_sent_late(
            code in 0..CODES.len(), attempts in 1..10_000, age in 0i64..400_000, jitter in 0.0..1.0,
        ) {
            let (before, code) = (mail(attempts), CODES[code]);
            let now = before.created_at + TimeDelta::seconds(age);
            let failure = Failure { code, status: None, message: String::new() };
            let failed = after(&before, &End::Failed(failure), now, jitter);
            prop_assert_eq!(failed.due_at.is_some(), failed.mail_state == MailState::Pending);
            prop_assert_eq!(failed.error_code, Some(code));
            match failed.due_at {
                Some(due) => {
                    prop_assert!(is_retryable(code));
                    prop_assert!(due > now && due <= now + TimeDelta::hours(1) && due <= before.created_at + LIFE);
                }
                None => prop_assert!(!is_retryable(code) || now + TimeDelta::hours(1) > before.created_at + LIFE),
            }
        }
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let now = mail(1).created_at;
        let failure = Failure { code: Code::Unreachable, status: None, message: "away".to_owned() };
        let failed = after(&mail(1), &End::Failed(failure), now, 0.0);
        let sent = after(&failed, &End::Taken, now, 0.0);
        assert_eq!((sent.mail_state, sent.error_code, sent.due_at), (MailState::Sent, None, None));
        assert_eq!(after(&failed, &End::NobodyThere, now, 0.0).mail_state, MailState::None);
    }
}

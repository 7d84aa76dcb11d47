//! What people are told, and the mails that go with it; the daily digest of each organization.
//!
//! A notification is its own place in the queue of mails: `due_at` is set while its mail waits.
//! `notification_once` keeps what was told already, also for those who want to hear nothing of it.

use crate::Change;

pub(crate) const CHANGE: Change = Change {
    name: "m10_notifications",
    up: r"
CREATE TABLE notification (
    id {id} NOT NULL PRIMARY KEY,
    organization_id {id} NOT NULL REFERENCES organization (id),
    user_id {id} NOT NULL REFERENCES app_user (id),
    kind text NOT NULL,
    subject_type text,
    subject_id {id},
    content {json} NOT NULL,
    created_at {time} NOT NULL,
    read_at {time},
    mail_state text NOT NULL CHECK (mail_state IN ('NONE', 'PENDING', 'SENT', 'FAILED')),
    attempt_count integer NOT NULL,
    due_at {time},
    lease {id},
    error_code text,
    error_message text,
    error_status integer,
    error_at {time},
    sent_at {time}
);
CREATE INDEX notification_newest ON notification (user_id, created_at, id);
CREATE INDEX notification_unread ON notification (user_id, created_at, id) WHERE read_at IS NULL;
CREATE INDEX notification_due ON notification (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notification_failed ON notification (organization_id, created_at, id) WHERE error_code IS NOT NULL;

CREATE TABLE notification_preference (
    user_id {id} NOT NULL REFERENCES app_user (id),
    kind text NOT NULL,
    enabled boolean NOT NULL,
    updated_at {time} NOT NULL,
    PRIMARY KEY (user_id, kind)
);

CREATE TABLE notification_once (
    kind text NOT NULL,
    subject_id {id} NOT NULL,
    user_id {id} NOT NULL,
    at {time} NOT NULL,
    PRIMARY KEY (kind, subject_id, user_id, at)
);

CREATE TABLE organization_digest (
    organization_id {id} NOT NULL PRIMARY KEY REFERENCES organization (id),
    hour integer NOT NULL CHECK (hour BETWEEN 0 AND 23),
    time_zone text NOT NULL,
    due_at {time} NOT NULL
);
CREATE INDEX organization_digest_due ON organization_digest (due_at);
",
    down: "DROP TABLE organization_digest; DROP TABLE notification_once; DROP TABLE notification_preference;
DROP TABLE notification;",
};

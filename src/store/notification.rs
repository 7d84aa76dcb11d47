//! What people are told, their preferences, and the queue of mails.

use chrono::{DateTime, Utc};
use entity::notification::{self, MailErrorCode, MailState, NotificationKind};
use entity::{app_user, notification_preference};
use sea_orm::{ActiveEnum as _, QueryResult};
use serde_json::json;
use uuid::Uuid;

use super::database::{Connection, Database, Txn};
use super::due::{Queue, STEP, Waiting};
use super::error::StoreError;
use super::names;
use super::page::{List, Page, Window, alone};
use super::row::model;
use super::sql::Sql;
use crate::authz::Scope;
use crate::id::Kind;

/// How many mails one claim takes.
const CLAIMED: u64 = 16;

/// Something to tell somebody.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Who is told.
    pub receiver: Uuid,
    /// What it is about.
    pub kind: NotificationKind,
    /// Whether the receiver hears of it whatever they prefer.
    pub always: bool,
    /// The object that it is about.
    pub subject: Option<(Kind, Uuid)>,
    /// What it tells.
    pub content: serde_json::Value,
}

/// Writes notices, in one statement; those whose receivers do not want them are left out. A mail is due at
/// once where the receiver is active and has an address. Tells how many were written.
pub async fn tell(txn: &Txn, notices: &[Notice]) -> Result<u64, StoreError> {
    if notices.is_empty() {
        return Ok(0);
    }
    let object = |notice: &Notice| {
        json!({
            "id": txn.id().simple().to_string(),
            "receiver": notice.receiver.simple().to_string(),
            "kind": notice.kind.to_value(),
            "always": if notice.always { "yes" } else { "no" },
            "subjectType": notice.subject.map(|(kind, _)| kind.prefix()),
            "subject": notice.subject.map(|(_, id)| id.simple().to_string()),
            "content": notice.content,
        })
    };
    let mut sql = txn.sql();
    sql.push(
        "INSERT INTO notification (id, organization_id, user_id, kind, subject_type, subject_id, content",
    );
    sql.push(", created_at, mail_state, attempt_count, due_at) SELECT ").id_of("g", "id");
    sql.push(", u.organization_id, u.id, ").text_of("g", "kind").push(", ").text_of("g", "subjectType");
    sql.push(", ").id_of("g", "subject").push(", ").json_of("g", "content").push(", ").bind(txn.now());
    sql.push(", CASE WHEN u.email IS NOT NULL AND u.state = 'ACTIVE' THEN 'PENDING' ELSE 'NONE' END, 0");
    sql.push(", CASE WHEN u.email IS NOT NULL AND u.state = 'ACTIVE' THEN ").bind(Some(txn.now()));
    sql.push(" END FROM ").objects(notices.iter().map(object).collect(), "g");
    sql.push(" JOIN app_user u ON u.id = ").id_of("g", "receiver");
    sql.push(" LEFT JOIN notification_preference p ON p.user_id = u.id AND p.kind = ").text_of("g", "kind");
    sql.push(" WHERE ").text_of("g", "always").push(" = 'yes' OR p.enabled IS NULL OR p.enabled");
    txn.execute(sql).await
}

/// Which notifications are wanted. All given conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of these kinds.
    pub kinds: Option<Vec<NotificationKind>>,
    /// Only those not yet read.
    pub unread: bool,
}

fn own(sql: &mut Sql, scope: &Scope) {
    sql.push("n.organization_id = ").bind(scope.organization).push(" AND n.user_id = ").bind(scope.user);
}

/// A page of the viewer's own notifications, by time.
pub async fn list(
    connection: &impl Connection,
    scope: &Scope,
    filter: &Filter,
    window: &Window,
) -> Result<Page<notification::Model>, StoreError> {
    let list = List {
        from: "notification n",
        key: ("n.created_at", "n_created_at"),
        id: ("n.id", "n_id"),
        columns: Box::new(|sql| {
            sql.columns::<notification::Entity>("n");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            own(sql, scope);
            if let Some(kinds) = &filter.kinds {
                sql.push(" AND n.kind").any_text(&names(kinds));
            }
            if filter.unread {
                sql.push(" AND n.read_at IS NULL");
            }
        }),
    };
    list.page(connection, window, |row| model::<notification::Model>(row, "n_")).await
}

/// The viewer's own notifications by id.
pub async fn find(
    connection: &impl Connection,
    scope: &Scope,
    ids: &[Uuid],
) -> Result<Vec<notification::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<notification::Entity>("n").push(" FROM notification n WHERE ");
    own(&mut sql, scope);
    sql.push(" AND n.id").any_id(ids);
    let rows = connection.all(sql).await?;
    Ok(rows.iter().map(|row| model::<notification::Model>(row, "n_")).collect::<Result<_, _>>()?)
}

/// How many notifications a user has not read.
pub async fn unread(connection: &impl Connection, user: Uuid) -> Result<i64, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT count(*) AS unread FROM notification n WHERE n.read_at IS NULL AND n.user_id = ");
    let rows = connection.all({
        sql.bind(user);
        sql
    });
    Ok(rows.await?.first().map(|row| row.try_get("", "unread")).transpose()?.unwrap_or_default())
}

/// Which of a user's notifications to mark.
#[derive(Clone, Copy, Debug)]
pub enum Marked<'a> {
    /// These.
    Ids(&'a [Uuid]),
    /// All that were made until then.
    Until(DateTime<Utc>),
}

/// How many of these ids are notifications of the user.
pub async fn count_own(txn: &Txn, user: Uuid, ids: &[Uuid]) -> Result<usize, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT n.id AS id FROM notification n WHERE n.user_id = ").bind(user);
    sql.push(" AND n.id").any_id(ids);
    Ok(txn.all(sql).await?.len())
}

/// Marks notifications of a user as read; tells how many were not read before.
pub async fn mark_read(txn: &Txn, user: Uuid, marked: Marked<'_>) -> Result<u64, StoreError> {
    let mut sql = txn.sql();
    sql.push("UPDATE notification SET read_at = ").bind(txn.now());
    sql.push(" WHERE read_at IS NULL AND user_id = ").bind(user);
    match marked {
        Marked::Ids(ids) => sql.push(" AND id").any_id(ids),
        Marked::Until(until) => sql.push(" AND created_at <= ").bind(until),
    };
    txn.execute(sql).await
}

/// What a user said about kinds of notifications.
pub async fn preferences(
    connection: &impl Connection,
    user: Uuid,
) -> Result<Vec<notification_preference::Model>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").columns::<notification_preference::Entity>("p");
    sql.push(" FROM notification_preference p WHERE p.user_id = ").bind(user);
    let rows = connection.all(sql).await?;
    let read = |row| model::<notification_preference::Model>(row, "p_");
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// Notes whether a user wants kinds of notifications.
pub async fn prefer(txn: &Txn, user: Uuid, wanted: &[(NotificationKind, bool)]) -> Result<(), StoreError> {
    let object = |(kind, enabled): &(NotificationKind, bool)| json!({ "kind": kind.to_value(), "enabled": if *enabled { "yes" } else { "no" } });
    let mut sql = txn.sql();
    sql.push("INSERT INTO notification_preference (user_id, kind, enabled, updated_at) SELECT u.id, ");
    sql.text_of("g", "kind").push(", ").text_of("g", "enabled").push(" = 'yes', ").bind(txn.now());
    sql.push(" FROM ").objects(wanted.iter().map(object).collect(), "g");
    sql.push(" JOIN app_user u ON u.id = ").bind(user);
    sql.push(" WHERE TRUE ON CONFLICT (user_id, kind) DO UPDATE SET enabled = excluded.enabled");
    sql.push(", updated_at = excluded.updated_at");
    txn.execute(sql).await.map(|_| ())
}

/// Notes that these users are told of a kind of thing about a subject for this time; gives those who were not
/// told before.
pub async fn once(
    txn: &Txn,
    kind: NotificationKind,
    subject: Uuid,
    users: &[Uuid],
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push("INSERT INTO notification_once (kind, subject_id, user_id, at) SELECT ").bind(kind.to_value());
    sql.push(", ").bind(subject).push(", u.id, ").bind(at).push(" FROM app_user u WHERE u.id").any_id(users);
    sql.push(" ON CONFLICT DO NOTHING RETURNING user_id");
    let rows = txn.all(sql).await?;
    rows.iter().map(|row| Ok(row.try_get("", "user_id")?)).collect()
}

/// Forgets what was told before this time: nothing asks for it any more.
pub async fn forget_once(txn: &Txn, before: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM notification_once WHERE at < ").bind(before);
    txn.execute(sql).await.map(|_| ())
}

/// A notification with its receiver.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The notification, with this attempt counted.
    pub notification: notification::Model,
    /// Who gets it.
    pub receiver: app_user::Model,
    /// The name of the organization.
    pub organization: String,
    /// What the organization is called in links: its first domain, else its slug.
    pub hint: String,
}

/// The mails that wait.
const QUEUE: Queue = Queue {
    table: "notification",
    claimable: "q.mail_state = 'PENDING'",
    also: "",
    is_stranded: |sql, now| {
        sql.push("q.error_at > ").bind(now + STEP).push(" OR q.attempt_count = 0");
    },
};

/// Claims mails that are due. What a dead worker held is due again after its lease.
pub async fn claim(database: &Database, lease: Uuid) -> Result<Vec<Mail>, StoreError> {
    if !QUEUE.has_due(database).await? {
        return Ok(Vec::new());
    }
    let ids = QUEUE.claim(database, lease, |sql| QUEUE.first(sql, database, CLAIMED)).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = database.sql();
    sql.push("SELECT ").columns::<notification::Entity>("n").push(", ").columns::<app_user::Entity>("u");
    sql.push(", o.display_name AS organization, COALESCE((SELECT d.domain FROM organization_domain d");
    sql.push(" WHERE d.organization_id = o.id ORDER BY d.position, d.domain LIMIT 1), o.slug) AS hint");
    sql.push(" FROM notification n JOIN app_user u ON u.id = n.user_id");
    sql.push(" JOIN organization o ON o.id = n.organization_id WHERE n.lease = ").bind(lease);
    sql.push(" AND n.id").any_id(&ids).push(" ORDER BY n.created_at, n.id");
    let rows = database.all_writing(sql).await?;
    let read = |row: &QueryResult| {
        Ok(Mail {
            notification: model::<notification::Model>(row, "n_")?,
            receiver: model::<app_user::Model>(row, "u_")?,
            organization: row.try_get("", "organization")?,
            hint: row.try_get("", "hint")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Makes due what a clock that was set back has stranded; returns how many mails.
pub async fn recover(database: &Database) -> Result<u64, StoreError> {
    QUEUE.recover(database).await
}

/// How many mails are due.
pub async fn waiting(database: &Database) -> Result<Waiting, StoreError> {
    QUEUE.waiting(database).await
}

/// Writes the end of an attempt, if the mail is still this worker's; tells whether it was.
pub async fn finish(
    database: &Database,
    after: &notification::Model,
    lease: Uuid,
) -> Result<bool, StoreError> {
    let mut sql = database.sql();
    sql.push("UPDATE notification SET mail_state = ").bind(after.mail_state.to_value());
    sql.push(", due_at = ").bind(after.due_at).push(", lease = NULL");
    sql.push(", error_code = ").bind(after.error_code.map(|code| code.to_value()));
    sql.push(", error_message = ").bind(after.error_message.clone());
    sql.push(", error_status = ").bind(after.error_status);
    sql.push(", error_at = ").bind(after.error_at).push(", sent_at = ").bind(after.sent_at);
    sql.push(" WHERE id = ").bind(after.id).push(" AND lease = ").bind(lease);
    Ok(database.execute(sql).await? == 1)
}

/// Ends the wait of mails that are older than this, where there is no mail server to give them to.
pub async fn leave_unsent(database: &Database, before: DateTime<Utc>) -> Result<(), StoreError> {
    let mut sql = database.sql();
    sql.push("SELECT 1 FROM notification n WHERE n.due_at < ").bind(before).push(" LIMIT 1");
    if database.all(sql).await?.is_empty() {
        return Ok(());
    }
    let mut sql = database.sql();
    sql.push("UPDATE notification SET mail_state = 'NONE', due_at = NULL, lease = NULL WHERE due_at < ");
    sql.bind(before);
    database.execute(sql).await.map(|_| ())
}

/// A page of the mails of an organization whose last attempt failed, by time; none without the permission.
pub async fn failed(
    connection: &impl Connection,
    scope: &Scope,
    states: Option<&[MailState]>,
    codes: Option<&[MailErrorCode]>,
    window: &Window,
) -> Result<Page<notification::Model>, StoreError> {
    let list = List {
        from: "notification n",
        key: ("n.created_at", "n_created_at"),
        id: ("n.id", "n_id"),
        columns: Box::new(|sql| {
            sql.columns::<notification::Entity>("n");
        }),
        joins: Box::new(alone),
        matching: Box::new(|sql| {
            sql.push("n.error_code IS NOT NULL AND n.organization_id = ").bind(scope.organization);
            if !scope.mails {
                sql.push(" AND 1 = 0");
            }
            if let Some(states) = states {
                sql.push(" AND n.mail_state").any_text(&names(states));
            }
            if let Some(codes) = codes {
                sql.push(" AND n.error_code").any_text(&names(codes));
            }
        }),
    };
    list.page(connection, window, |row| model::<notification::Model>(row, "n_")).await
}

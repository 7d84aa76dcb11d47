//! Packages that exclude one another, in one direction.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::assignment::AssignmentState;
use entity::{access_package, access_package_incompatible};
use sea_orm::QueryResult;
use uuid::Uuid;

use super::Access;
use super::access_package::visible;
use super::database::{Connection, Txn};
use super::error::StoreError;
use super::row::model;
use super::sql::Sql;

/// Some of the access of assignment `h` may be there.
const HELD: &str = "h.state IN ('SCHEDULED', 'DELIVERING', 'PARTIALLY_DELIVERED', 'DELIVERED', 'REVOKING')";
/// Request `o` asks for a package, and is open.
const OPEN: &str = "o.kind IN ('USER_ADD', 'ADMIN_ADD') AND o.state IN ('SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING')";

/// Adds: something stands against requesting the package in this column for the person whom `person` writes.
pub(super) fn exists(sql: &mut Sql, package: &'static str, person: impl Fn(&mut Sql)) {
    sql.push("(");
    held(sql, package, &person);
    sql.push(" OR EXISTS (SELECT 1 FROM access_package_incompatible x JOIN access_request o");
    sql.push(" ON o.access_package_id = x.incompatible_id AND ").push(OPEN).push(" AND o.requestor_id = ");
    person(sql);
    sql.push(" WHERE x.access_package_id = ").push(package).push("))");
}

/// Adds: that person holds something that excludes the package in this column.
pub(super) fn held(sql: &mut Sql, package: &'static str, person: impl Fn(&mut Sql)) {
    sql.push("EXISTS (SELECT 1 FROM access_package_incompatible x JOIN assignment h");
    sql.push(" ON h.access_package_id = x.incompatible_id AND ").push(HELD).push(" AND h.user_id = ");
    person(sql);
    sql.push(" WHERE x.access_package_id = ").push(package).push(")");
}

/// What stands against requests for these packages for these people: the person, the package, and what is held or
/// requested.
pub async fn standing(
    connection: &impl Connection,
    pairs: &[(Uuid, Uuid)],
) -> Result<Vec<(Uuid, Uuid, Uuid)>, StoreError> {
    let (users, packages): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
    let mut sql = connection.sql();
    sql.push("SELECT h.user_id AS person, x.access_package_id AS package, x.incompatible_id AS against");
    sql.push(
        " FROM access_package_incompatible x JOIN assignment h ON h.access_package_id = x.incompatible_id",
    );
    sql.push(" AND ").push(HELD).push(" AND h.user_id").any_id(&users);
    sql.push(" WHERE x.access_package_id").any_id(&packages);
    sql.push(" UNION SELECT o.requestor_id, x.access_package_id, x.incompatible_id");
    sql.push(" FROM access_package_incompatible x JOIN access_request o");
    sql.push(" ON o.access_package_id = x.incompatible_id AND ").push(OPEN).push(" AND o.requestor_id");
    sql.any_id(&users).push(" WHERE x.access_package_id").any_id(&packages);
    sql.push(" ORDER BY 1, 2, 3");
    let mut found = Vec::new();
    for row in &connection.all(sql).await? {
        let (person, package) = (row.try_get("", "person")?, row.try_get("", "package")?);
        if pairs.contains(&(person, package)) {
            found.push((person, package, row.try_get("", "against")?));
        }
    }
    found.dedup();
    Ok(found)
}

/// Something that stands beside a package of a person and excludes it: held, to be held, or asked for.
#[derive(Clone, Debug)]
pub struct Beside {
    /// The person.
    pub person: Uuid,
    /// The package that is excluded.
    pub package: Uuid,
    /// Where the assignment stands; none where there is a request only.
    pub state: Option<AssignmentState>,
    /// When it was asked for, and the request, which tells two of one instant apart.
    pub made: (DateTime<Utc>, Uuid),
    /// The name of its package.
    pub package_name: String,
}

/// What these people hold, or will, that excludes these packages, and which of these requests ask for such a thing; by
/// the name of what it is.
pub async fn beside(txn: &Txn, pairs: &[(Uuid, Uuid)], asked: &[Uuid]) -> Result<Vec<Beside>, StoreError> {
    let (users, packages): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
    let mut sql = txn.sql();
    sql.push("SELECT h.user_id AS person, x.access_package_id AS package, h.state AS state");
    sql.push(", r.submitted_at AS made, r.id AS request, p.display_name AS name, p.name_key AS name_key");
    sql.push(
        " FROM access_package_incompatible x JOIN assignment h ON h.access_package_id = x.incompatible_id",
    );
    sql.push(" AND ").push(HELD).push(" AND h.user_id").any_id(&users);
    sql.push(
        " JOIN access_request r ON r.id = h.request_id JOIN access_package p ON p.id = h.access_package_id",
    );
    sql.push(" WHERE x.access_package_id").any_id(&packages);
    if !asked.is_empty() {
        sql.push(" UNION ALL SELECT o.requestor_id, x.access_package_id, NULL");
        sql.push(", o.submitted_at, o.id, p.display_name, p.name_key");
        sql.push(" FROM access_package_incompatible x JOIN access_request o");
        sql.push(" ON o.access_package_id = x.incompatible_id AND o.id").any_id(asked);
        sql.push(" JOIN access_package p ON p.id = o.access_package_id");
        sql.push(" WHERE x.access_package_id").any_id(&packages);
    }
    sql.push(" ORDER BY name_key, request");
    let read = |row: &QueryResult| {
        Ok(Beside {
            person: row.try_get("", "person")?,
            package: row.try_get("", "package")?,
            state: row.try_get("", "state")?,
            made: (row.try_get("", "made")?, row.try_get("", "request")?),
            package_name: row.try_get("", "name")?,
        })
    };
    txn.all(sql).await?.iter().map(read).collect()
}

/// The packages that exclude these, of those that may be seen; by name.
pub async fn of_packages(
    connection: &impl Connection,
    access: Access<'_>,
    packages: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Arc<access_package::Model>>>, StoreError> {
    named(connection, access, packages, ("x.access_package_id", "x.incompatible_id")).await
}

/// The packages that these exclude, of those that may be seen; by name.
pub async fn excluding(
    connection: &impl Connection,
    access: Access<'_>,
    packages: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Arc<access_package::Model>>>, StoreError> {
    named(connection, access, packages, ("x.incompatible_id", "x.access_package_id")).await
}

async fn named(
    connection: &impl Connection,
    access: Access<'_>,
    packages: &[Uuid],
    (of, other): (&'static str, &'static str),
) -> Result<HashMap<Uuid, Vec<Arc<access_package::Model>>>, StoreError> {
    let mut sql = connection.sql();
    sql.push("SELECT ").push(of).push(" AS of_package, ").columns::<access_package::Entity>("p");
    sql.push(" FROM access_package_incompatible x JOIN access_package p ON p.id = ")
        .push(other)
        .push(" WHERE ");
    visible(&mut sql, access, false);
    sql.push(" AND p.deleted_at IS NULL AND ").push(of).any_id(packages).push(" ORDER BY p.name_key, p.id");
    let mut found: HashMap<Uuid, Vec<Arc<access_package::Model>>> = HashMap::new();
    for row in &connection.all(sql).await? {
        let package = Arc::new(model::<access_package::Model>(row, "p_")?);
        found.entry(row.try_get("", "of_package")?).or_default().push(package);
    }
    Ok(found)
}

/// Says which packages exclude this one: exactly these.
pub async fn set(txn: &Txn, package: Uuid, against: &[Uuid]) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM access_package_incompatible WHERE access_package_id = ").bind(package);
    txn.execute(sql).await?;
    let row = |incompatible_id: &Uuid| access_package_incompatible::Model {
        access_package_id: package,
        incompatible_id: *incompatible_id,
    };
    txn.insert_all(against.iter().map(row).collect()).await
}

/// Which packages exclude this one.
pub async fn get(txn: &Txn, package: Uuid) -> Result<Vec<Uuid>, StoreError> {
    let mut sql = txn.sql();
    sql.push(
        "SELECT x.incompatible_id AS id FROM access_package_incompatible x WHERE x.access_package_id = ",
    );
    sql.bind(package).push(" ORDER BY x.incompatible_id");
    txn.all(sql).await?.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

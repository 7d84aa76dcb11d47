//! Tokens, requests and grants of another system, and the accounts of their owners there: as sets.
//!
//! Rows are known by what their origin calls them. They stand among Guichet's own and are read like these.

use entity::access_token::{self, TokenOrigin};
use entity::token_grant::{self, TokenGrantState};
use entity::token_request::{self, TokenRequestState};
use entity::{app_user, token_request_permission};
use sea_orm::{ActiveEnum as _, EntityTrait, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::database::{Connection, Txn};
use super::error::StoreError;
use super::sql::Sql;

/// An organization's part of what was imported from one origin.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The organization.
    pub organization: Uuid,
    /// Where it comes from.
    pub origin: TokenOrigin,
}

impl Part {
    /// Adds: the row is of this part.
    fn own(self, sql: &mut Sql) {
        sql.push("x.organization_id = ").bind(self.organization);
        sql.push(" AND x.origin = ").bind(self.origin.to_value());
    }

    async fn read<E>(
        self,
        txn: &Txn,
        table: &'static str,
        ids: &[String],
    ) -> Result<Vec<E::Model>, StoreError>
    where
        E: EntityTrait,
        E::Model: FromQueryResult,
    {
        let mut sql = txn.sql();
        sql.push("SELECT ").columns::<E>("x").push(" FROM ").push(table).push(" x WHERE ");
        self.own(&mut sql);
        sql.push(" AND x.external_id").any_text(ids);
        let rows = txn.all(sql).await?;
        rows.iter().map(|row| Ok(E::Model::from_query_result(row, "x_")?)).collect()
    }

    /// The accounts with these ids at the origin.
    pub async fn accounts(self, txn: &Txn, ids: &[String]) -> Result<Vec<app_user::Model>, StoreError> {
        let mut sql = txn.sql();
        sql.push("SELECT ").columns::<app_user::Entity>("x").push(" FROM app_user x WHERE ");
        self.own(&mut sql);
        sql.push(" AND x.subject").any_text(ids);
        let rows = txn.all(sql).await?;
        rows.iter().map(|row| Ok(app_user::Model::from_query_result(row, "x_")?)).collect()
    }

    /// The tokens with these ids at the origin.
    pub async fn tokens(self, txn: &Txn, ids: &[String]) -> Result<Vec<access_token::Model>, StoreError> {
        self.read::<access_token::Entity>(txn, "access_token", ids).await
    }

    /// The requests with these ids at the origin.
    pub async fn requests(self, txn: &Txn, ids: &[String]) -> Result<Vec<token_request::Model>, StoreError> {
        self.read::<token_request::Entity>(txn, "token_request", ids).await
    }

    /// The grants with these ids at the origin.
    pub async fn grants(self, txn: &Txn, ids: &[String]) -> Result<Vec<token_grant::Model>, StoreError> {
        self.read::<token_grant::Entity>(txn, "token_grant", ids).await
    }

    /// Writes accounts, and marks them: they are no users.
    pub async fn write_accounts(self, txn: &Txn, rows: Vec<app_user::Model>) -> Result<(), StoreError> {
        use app_user::Column as C;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        txn.upsert_all(rows, C::Id, &[C::DisplayName, C::NameKey, C::Version]).await?;
        let mut sql = txn.sql();
        sql.push("UPDATE app_user SET origin = ").bind(self.origin.to_value()).push(" WHERE id").any_id(&ids);
        txn.execute(sql).await.map(|_| ())
    }

    /// Ends the waiting requests that are not among these; tells how many.
    pub async fn end_other_requests(self, txn: &Txn, ids: &[String]) -> Result<u64, StoreError> {
        let mut sql = txn.sql();
        sql.push("UPDATE token_request AS x SET state = ").bind(TokenRequestState::Canceled.to_value());
        sql.push(", closed_at = ").bind(txn.now()).push(" WHERE ");
        self.own(&mut sql);
        sql.push(" AND x.external_id IS NOT NULL AND x.state = 'PENDING' AND NOT (x.external_id")
            .any_text(ids);
        sql.push(")");
        txn.execute(sql).await
    }

    /// Ends the grants in force that are not among these; tells how many.
    pub async fn end_other_grants(self, txn: &Txn, ids: &[String]) -> Result<u64, StoreError> {
        let mut sql = txn.sql();
        sql.push("UPDATE token_grant AS x SET state = ").bind(TokenGrantState::Ended.to_value());
        sql.push(", ended_at = ").bind(txn.now()).push(" WHERE ");
        self.own(&mut sql);
        sql.push(" AND x.state = 'ACTIVE' AND NOT (x.external_id").any_text(ids).push(")");
        txn.execute(sql).await
    }

    /// Ends the waiting requests of these tokens but for those with these ids: a token has one at a time.
    pub async fn end_replaced_requests(
        self,
        txn: &Txn,
        tokens: &[Uuid],
        but: &[String],
    ) -> Result<u64, StoreError> {
        let mut sql = txn.sql();
        sql.push("UPDATE token_request AS x SET state = ").bind(TokenRequestState::Canceled.to_value());
        sql.push(", closed_at = ").bind(txn.now()).push(" WHERE ");
        self.own(&mut sql);
        sql.push(" AND x.state = 'PENDING' AND x.token_id").any_id(tokens);
        sql.push(" AND NOT (x.external_id").any_text(but).push(")");
        txn.execute(sql).await
    }

    /// Ends the grants in force of these tokens but for those with these ids: a token has one at a time.
    pub async fn end_replaced_grants(
        self,
        txn: &Txn,
        tokens: &[Uuid],
        but: &[String],
    ) -> Result<u64, StoreError> {
        let mut sql = txn.sql();
        sql.push("UPDATE token_grant AS x SET state = ").bind(TokenGrantState::Superseded.to_value());
        sql.push(", ended_at = ").bind(txn.now()).push(" WHERE ");
        self.own(&mut sql);
        sql.push(" AND x.state = 'ACTIVE' AND x.token_id").any_id(tokens);
        sql.push(" AND NOT (x.external_id").any_text(but).push(")");
        txn.execute(sql).await
    }
}

/// Writes tokens: new ones, and what can change at the origin of those that are there.
pub async fn write_tokens(txn: &Txn, rows: Vec<access_token::Model>) -> Result<(), StoreError> {
    use access_token::Column as C;
    txn.upsert_all(rows, C::Id, &[C::Name, C::ExpiresAt, C::LastUsedAt, C::Version]).await
}

/// Writes requests: new ones, and what can change at the origin of those that are there.
pub async fn write_requests(txn: &Txn, rows: Vec<token_request::Model>) -> Result<(), StoreError> {
    use token_request::Column as C;
    let changing =
        [C::State, C::Justification, C::RepositorySelection, C::CreatedAt, C::ReviewedAt, C::ClosedAt];
    txn.upsert_all(rows, C::Id, &changing).await
}

/// Writes grants: new ones, and what can change at the origin of those that are there.
pub async fn write_grants(txn: &Txn, rows: Vec<token_grant::Model>) -> Result<(), StoreError> {
    use token_grant::Column as C;
    txn.upsert_all(rows, C::Id, &[C::State, C::RepositorySelection, C::GrantedAt, C::EndedAt]).await
}

/// Replaces what requests ask for.
pub async fn replace_permissions(
    txn: &Txn,
    requests: &[Uuid],
    rows: Vec<token_request_permission::Model>,
) -> Result<(), StoreError> {
    let mut sql = txn.sql();
    sql.push("DELETE FROM token_request_permission WHERE request_id").any_id(requests);
    txn.execute(sql).await?;
    txn.insert_all(rows).await
}

/// The requests behind these grants, by id.
pub async fn requests_behind(txn: &Txn, ids: &[Uuid]) -> Result<Vec<token_request::Model>, StoreError> {
    let mut sql = txn.sql();
    sql.push("SELECT ").columns::<token_request::Entity>("x").push(" FROM token_request x WHERE x.id");
    sql.any_id(ids);
    let rows = txn.all(sql).await?;
    let read = |row: &QueryResult| Ok(token_request::Model::from_query_result(row, "x_")?);
    rows.iter().map(read).collect()
}

//! A statement under construction: literal text, and values that are always bound.
//!
//! [`Sql::push`] takes only `'static` text, so nothing that a client sent can
//! become part of a statement. The same text runs on both databases but for the
//! few places where they differ, which are methods here.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{ArrayType, Values};
use sea_orm::{DbBackend, EntityTrait, IdenStatic, Iterable, Statement, Value};
use uuid::Uuid;

use super::columns::Columns;

/// Which database a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

/// A statement under construction.
#[derive(Clone, Debug)]
pub struct Sql {
    dialect: Dialect,
    text: String,
    values: Vec<Value>,
}

impl Sql {
    /// An empty statement.
    #[must_use]
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::with_capacity(512), values: Vec::new() }
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds literal text.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value as a parameter.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds a number as text: limits, which belong to the statement's shape.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.text.push_str(&number.to_string());
        self
    }

    /// Adds `alias.column AS alias_column` for every column of a table.
    pub fn columns<E: EntityTrait>(&mut self, alias: &'static str) -> &mut Self {
        self.some_columns::<E>(alias, Columns::ALL)
    }

    /// The same for some of them, the key always among them.
    pub fn some_columns<E: EntityTrait>(&mut self, alias: &'static str, wanted: Columns) -> &mut Self {
        let wanted = wanted.and(Columns::KEY);
        for (place, column) in E::Column::iter().enumerate().filter(|(place, _)| wanted.has(*place)) {
            if place > 0 {
                self.text.push_str(", ");
            }
            for part in [alias, ".", column.as_str(), " AS ", alias, "_", column.as_str()] {
                self.text.push_str(part);
            }
        }
        self
    }

    /// Adds ` = any of these ids`, with one parameter however many there are. One alone is compared as it is:
    /// PostgreSQL does not see the order of an index behind a list.
    pub fn any_id(&mut self, ids: &[Uuid]) -> &mut Self {
        if let [id] = ids {
            return self.push(" = ").bind(*id);
        }
        match self.dialect {
            Dialect::Postgres => {
                let ids: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
                self.push(" = ANY(").bind(Value::Array(ArrayType::Uuid, Some(Box::new(ids)))).push(")")
            }
            Dialect::Sqlite => {
                let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
                self.push(" IN (SELECT unhex(value) FROM json_each(").bind(json(&ids)).push("))")
            }
        }
    }

    /// Adds ` = any of these texts`, with one parameter however many there are.
    pub fn any_text<T: AsRef<str>>(&mut self, texts: &[T]) -> &mut Self {
        if let [text] = texts {
            return self.push(" = ").bind(text.as_ref().to_owned());
        }
        let texts: Vec<String> = texts.iter().map(|text| text.as_ref().to_owned()).collect();
        match self.dialect {
            Dialect::Postgres => {
                let texts: Vec<Value> = texts.into_iter().map(Value::from).collect();
                self.push(" = ANY(").bind(Value::Array(ArrayType::String, Some(Box::new(texts)))).push(")")
            }
            Dialect::Sqlite => self.push(" IN (SELECT value FROM json_each(").bind(json(&texts)).push("))"),
        }
    }

    /// Adds a table of (`position`, `id`) rows, in the order given, as `alias`.
    pub fn ordered_ids(&mut self, ids: &[Uuid], alias: &'static str) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => {
                let ids: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
                self.push("(SELECT id, ordinality - 1 AS position FROM unnest(")
                    .bind(Value::Array(ArrayType::Uuid, Some(Box::new(ids))))
                    .push(") WITH ORDINALITY AS given(id, ordinality)) ")
                    .push(alias)
            }
            Dialect::Sqlite => {
                let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
                self.push("(SELECT unhex(value) AS id, key AS position FROM json_each(")
                    .bind(json(&ids))
                    .push(")) ")
                    .push(alias)
            }
        }
    }

    /// Adds a table with one row for each object of a JSON array, as `alias`; one parameter however many there are.
    /// What the objects hold is read by [`id_of`](Self::id_of), [`text_of`](Self::text_of), [`number_of`](Self::number_of),
    /// [`json_of`](Self::json_of).
    pub fn objects(&mut self, objects: Vec<serde_json::Value>, alias: &'static str) -> &mut Self {
        let objects = serde_json::Value::from(objects);
        match self.dialect {
            Dialect::Postgres => {
                self.push("jsonb_array_elements(").bind(objects).push(") ").push(alias).push(" (value)")
            }
            Dialect::Sqlite => self.push("json_each(").bind(objects.to_string()).push(") ").push(alias),
        }
    }

    /// Adds a member of an object as an id; it is given as 32 hexadecimal digits.
    pub fn id_of(&mut self, alias: &'static str, member: &'static str) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.push("(").push(alias).push(".value->>'").push(member).push("')::uuid"),
            Dialect::Sqlite => self.push("unhex(").push(alias).push(".value->>'").push(member).push("')"),
        }
    }

    /// Adds a member of an object as text.
    pub fn text_of(&mut self, alias: &'static str, member: &'static str) -> &mut Self {
        self.push("(").push(alias).push(".value->>'").push(member).push("')")
    }

    /// Adds a member of an object as a whole number.
    pub fn number_of(&mut self, alias: &'static str, member: &'static str) -> &mut Self {
        self.push("CAST(").text_of(alias, member).push(" AS bigint)")
    }

    /// Adds a member of an object as JSON.
    pub fn json_of(&mut self, alias: &'static str, member: &'static str) -> &mut Self {
        self.push("(").push(alias).push(".value->'").push(member).push("')")
    }

    /// Adds: the JSON array in a column holds this text.
    pub fn holds(&mut self, column: &'static str, text: &str) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.push(column).push(" @> ").bind(serde_json::json!([text])),
            Dialect::Sqlite => {
                self.push("EXISTS (SELECT 1 FROM json_each(").push(column).push(") held WHERE held.value = ");
                self.bind(text.to_owned()).push(")")
            }
        }
    }

    /// Adds a new id, another one for each row. Ids that are made here sort in no order.
    pub fn new_id(&mut self) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.push("gen_random_uuid()"),
            Dialect::Sqlite => self.push("randomblob(16)"),
        }
    }

    /// Adds: the JSON array in a column holds the text of another one.
    pub fn holds_column(&mut self, column: &'static str, text: &'static str) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.push("jsonb_exists(").push(column).push(", ").push(text).push(")"),
            Dialect::Sqlite => {
                self.push("EXISTS (SELECT 1 FROM json_each(").push(column).push(") held WHERE held.value = ");
                self.push(text).push(")")
            }
        }
    }

    /// Adds what stands after the `@` of an address, in lower case.
    pub fn domain_of(&mut self, column: &'static str) -> &mut Self {
        match self.dialect {
            Dialect::Postgres => self.push("lower(split_part(").push(column).push(", '@', 2))"),
            Dialect::Sqlite => {
                self.push("lower(substr(").push(column).push(", instr(").push(column).push(", '@') + 1))")
            }
        }
    }

    /// Adds `FOR UPDATE OF alias` where rows can be locked; on SQLite the writer is alone.
    pub fn lock(&mut self, alias: &'static str) -> &mut Self {
        if self.dialect == Dialect::Postgres {
            self.push(" FOR UPDATE OF ").push(alias);
        }
        self
    }

    /// Adds `FOR NO KEY UPDATE OF alias` where rows can be locked: nobody else locks or changes it, but what refers to it
    /// can be written.
    pub fn lock_but_for_references(&mut self, alias: &'static str) -> &mut Self {
        if self.dialect == Dialect::Postgres {
            self.push(" FOR NO KEY UPDATE OF ").push(alias);
        }
        self
    }

    /// Adds `FOR SHARE OF alias` where rows can be locked: others may hold it, too, but not change it.
    pub fn hold(&mut self, alias: &'static str) -> &mut Self {
        if self.dialect == Dialect::Postgres {
            self.push(" FOR SHARE OF ").push(alias);
        }
        self
    }

    /// Adds `FOR UPDATE OF alias SKIP LOCKED` where rows can be locked.
    pub fn lock_free(&mut self, alias: &'static str) -> &mut Self {
        if self.dialect == Dialect::Postgres {
            self.push(" FOR UPDATE OF ").push(alias).push(" SKIP LOCKED");
        }
        self
    }

    /// Adds ` AND column >= from AND column < until`, each bound where given.
    pub fn within(
        &mut self,
        column: &'static str,
        from: Option<DateTime<Utc>>,
        until: Option<DateTime<Utc>>,
    ) -> &mut Self {
        if let Some(from) = from {
            self.push(" AND ").push(column).push(" >= ").bind(from);
        }
        if let Some(until) = until {
            self.push(" AND ").push(column).push(" < ").bind(until);
        }
        self
    }

    /// Which database it is for.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The text and its values.
    pub(super) fn parts(self) -> (String, Values) {
        (self.text, Values(self.values))
    }

    pub(super) fn statement(self) -> Statement {
        let backend = match self.dialect {
            Dialect::Postgres => DbBackend::Postgres,
            Dialect::Sqlite => DbBackend::Sqlite,
        };
        Statement::from_sql_and_values(backend, self.text, self.values)
    }
}

fn json(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_one_parameter_however_long() {
        for dialect in [Dialect::Postgres, Dialect::Sqlite] {
            let mut none = Sql::new(dialect);
            none.push("id").any_id(&[]);
            let mut one = Sql::new(dialect);
            one.push("id").any_id(&[Uuid::nil()]);
            let mut three = Sql::new(dialect);
            three.push("id").any_id(&[Uuid::nil(), Uuid::max(), Uuid::nil()]);
            assert_eq!(none.text, three.text);
            assert_eq!((none.values.len(), one.values.len(), three.values.len()), (1, 1, 1));
            assert_eq!(one.text, "id = $1");
        }
    }
}

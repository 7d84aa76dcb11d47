//! What is said about the rows that one statement changes: the same about all, or about each its own.
//!
//! Decisions of one call are written as a set even where each has its own words: these go into the statement as
//! one parameter, a table with a row for each id.

use std::collections::HashMap;

use uuid::Uuid;

use super::sql::Sql;

/// What is said about each of a set of rows.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// The same about all; none: nothing.
    All(Option<&'a str>),
    /// About these; nothing about others.
    Each(&'a HashMap<Uuid, &'a str>),
}

/// Nothing is said.
impl Default for Said<'_> {
    fn default() -> Self {
        Self::All(None)
    }
}

impl<'a> From<Option<&'a str>> for Said<'a> {
    fn from(text: Option<&'a str>) -> Self {
        Self::All(text)
    }
}

impl<'a> Said<'a> {
    /// What is said about a row.
    #[must_use]
    pub fn about(&self, id: Uuid) -> Option<&'a str> {
        match self {
            Self::All(text) => *text,
            Self::Each(texts) => texts.get(&id).copied(),
        }
    }

    /// Adds the value for a row of the statement.
    pub(super) fn value(self, sql: &mut Sql) {
        match self {
            Self::All(text) => sql.bind(text.map(str::to_owned)),
            Self::Each(_) => sql.push("said.text"),
        };
    }

    /// Adds the table of what is said about these rows to an `UPDATE`, where there is one.
    pub(super) fn add_from(self, sql: &mut Sql, ids: &[Uuid]) {
        if let Self::Each(texts) = self {
            sql.push(" FROM ");
            table(sql, ids, texts);
        }
    }

    /// Adds `FROM` a table for a `SELECT`; what is said comes first, so that each row is found by its id.
    pub(super) fn add_from_with(self, sql: &mut Sql, ids: &[Uuid], name: &'static str) {
        sql.push(" FROM ");
        if let Self::Each(texts) = self {
            table(sql, ids, texts);
            sql.push(" CROSS JOIN ");
        }
        sql.push(name);
    }

    /// Adds the condition that a row is one of these.
    pub(super) fn is_about(self, sql: &mut Sql, column: &'static str, ids: &[Uuid]) {
        sql.push(column);
        match self {
            Self::All(_) => sql.any_id(ids),
            Self::Each(_) => sql.push(" = said.id"),
        };
    }
}

fn table(sql: &mut Sql, ids: &[Uuid], texts: &HashMap<Uuid, &str>) {
    let row = |id: &Uuid| serde_json::json!({ "id": id.simple().to_string(), "text": texts.get(id) });
    sql.push("(SELECT ").id_of("v", "id").push(" AS id, ").text_of("v", "text").push(" AS text FROM ");
    sql.objects(ids.iter().map(row).collect(), "v").push(") said");
}

/// What is said about rows, as it is collected.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    texts: HashMap<Uuid, &'a str>,
    /// What is said about all of them, where it is the same.
    same: Option<Option<&'a str>>,
}

impl<'a> Words<'a> {
    /// What is said about these rows.
    pub fn of(pairs: impl IntoIterator<Item = (Uuid, Option<&'a str>)>) -> Self {
        let pairs: Vec<(Uuid, Option<&'a str>)> = pairs.into_iter().collect();
        let first = pairs.first().and_then(|(_, text)| *text);
        let same = pairs.iter().all(|(_, text)| *text == first).then_some(first);
        Self { texts: pairs.into_iter().filter_map(|(id, text)| Some((id, text?))).collect(), same }
    }

    /// As statements take it.
    #[must_use]
    pub fn said(&self) -> Said<'_> {
        match self.same {
            Some(text) => Said::All(text),
            None => Said::Each(&self.texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_about_all_is_said_once() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(matches!(Words::of([]).said(), Said::All(None)));
        assert!(matches!(Words::of([(one, Some("a")), (two, Some("a"))]).said(), Said::All(Some("a"))));
        let words = Words::of([(one, Some("a")), (two, None)]);
        assert!(matches!(words.said(), Said::Each(_)));
        assert_eq!((words.said().about(one), words.said().about(two)), (Some("a"), None));
    }
}

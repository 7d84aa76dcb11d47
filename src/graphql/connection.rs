//! Relay connections by keyset.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{
    ContainerType, Context, Enum, InputType, Lookahead, MaybeUndefined, Object, OutputType, SimpleObject,
    TypeName,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use uuid::Uuid;

use super::error::ApiError;
use super::resolve::{Now, Plain, Rows, columns_of};
use crate::store::{self, Columns, Direction, Key, Position, Window};

/// The most rows of a page.
pub const LARGEST_PAGE: i32 = 100;
/// The rows of a page when the client does not say.
pub const USUAL_PAGE: i32 = 20;
/// The version of the cursors' form.
const VERSION: u8 = 1;

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OrderDirection {
    /// Smallest, first or oldest first.
    Asc,
    /// Largest, last or newest first.
    Desc,
}

impl From<OrderDirection> for Direction {
    fn from(direction: OrderDirection) -> Self {
        match direction {
            OrderDirection::Asc => Self::Ascending,
            OrderDirection::Desc => Self::Descending,
        }
    }
}

/// The four paging arguments, as they came.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// How many from the start.
    pub first: Option<i32>,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// How many from the end.
    pub last: Option<i32>,
    /// Only what comes before this cursor.
    pub before: Option<String>,
}

/// The order of a list: its name stands in the cursors.
#[derive(Clone, Copy, Debug)]
pub struct Sorted {
    /// The name of the order, for example `SUBMITTED_AT`.
    pub by: &'static str,
    /// Which way.
    pub direction: Direction,
}

/// What a query selects of a connection.
pub struct Selected<'a>(Vec<Lookahead<'a>>, bool, bool);

impl<'a> Selected<'a> {
    /// Looks at the selection of the field that is being answered.
    #[must_use]
    pub fn of(ctx: &'a Context<'a>) -> Self {
        let look = ctx.look_ahead();
        let nodes = vec![look.field("nodes"), look.field("edges").field("node")];
        let rows = ["nodes", "edges", "pageInfo"].iter().any(|name| look.field(name).exists());
        Self(nodes, rows, look.field("totalCount").exists())
    }

    /// Looks at the selection of the field that is being answered, which is one object.
    #[must_use]
    pub fn of_one(ctx: &'a Context<'a>) -> Self {
        Self(vec![ctx.look_ahead()], true, false)
    }

    /// Whether this field is selected of a row, under any of these paths.
    #[must_use]
    pub fn has(&self, path: &[&str]) -> bool {
        self.0.iter().any(|node| {
            let (Some(first), rest) = (path.first(), path.get(1..).unwrap_or_default()) else { return false };
            rest.iter().fold(node.field(first), |look, name| look.field(name)).exists()
        })
    }

    /// The columns of a row, or of what it names, that the query is answered from; none where that is not selected.
    #[must_use]
    pub fn columns<T: Plain>(&self, path: &[&str]) -> Columns {
        columns_of::<T>(self.0.iter().flat_map(|row| match path {
            [] => row.selection_fields(),
            [first, rest @ ..] => {
                rest.iter().fold(row.field(first), |look, name| look.field(name)).selection_fields()
            }
        }))
    }
}

impl Paging {
    /// The window that is asked for.
    pub fn window(&self, sorted: Sorted, selected: &Selected<'_>) -> Result<Window, ApiError> {
        self.window_of(sorted, selected, LARGEST_PAGE)
    }

    /// The window that is asked for, with another limit than the usual one.
    pub fn window_of(
        &self,
        sorted: Sorted,
        selected: &Selected<'_>,
        largest: i32,
    ) -> Result<Window, ApiError> {
        let (size, from_end) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(ApiError::BadUserInput("Give `first` or `last`, not both.".into()));
            }
            (None, Some(last)) => (size("last", last, largest)?, true),
            (Some(first), None) => (size("first", first, largest)?, false),
            (None, None) => (USUAL_PAGE.unsigned_abs().into(), false),
        };
        let decode = |cursor: &Option<String>| {
            cursor.as_deref().map(|text| sorted.decode(text).ok_or(ApiError::InvalidCursor)).transpose()
        };
        Ok(Window {
            direction: sorted.direction,
            size: if selected.1 { size } else { 0 },
            from_end,
            after: decode(&self.after)?,
            before: decode(&self.before)?,
            count: selected.2,
        })
    }
}

fn size(name: &str, size: i32, largest: i32) -> Result<u64, ApiError> {
    match u64::try_from(size) {
        Ok(size) if size <= u64::from(largest.unsigned_abs()) => Ok(size),
        _ => Err(ApiError::BadUserInput(format!("`{name}` must be between 0 and {largest}."))),
    }
}

impl Sorted {
    /// The cursor of a position in this order.
    #[must_use]
    pub fn encode(&self, position: &Position) -> String {
        let (kind, key) = match &position.key {
            Key::Time(time) => ("t", serde_json::Value::from(time.timestamp_micros())),
            Key::Text(text) => ("s", serde_json::Value::from(text.as_str())),
            Key::Number(number) => ("n", serde_json::Value::from(*number)),
        };
        debug_assert_eq!(kind, self.kind(), "the keys of the order {}", self.by);
        let id = position.id.simple().to_string();
        let cursor =
            serde_json::json!([VERSION, self.by, self.direction == Direction::Descending, kind, key, id]);
        URL_SAFE_NO_PAD.encode(cursor.to_string())
    }

    /// The kind of the keys in this order: a text, a number, or a time.
    fn kind(&self) -> &'static str {
        match self.by {
            "NAME" => "s",
            "NUMBER" | "POSITION" | "SEQUENCE" => "n",
            _ => "t",
        }
    }

    /// The position that a cursor of this order stands for.
    #[must_use]
    pub fn decode(&self, cursor: &str) -> Option<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (version, by, descending, kind, key, id): (u8, String, bool, String, serde_json::Value, Uuid) =
            serde_json::from_slice(&bytes).ok()?;
        if version != VERSION || by != self.by || descending != (self.direction == Direction::Descending) {
            return None;
        }
        // A key of another kind would be compared with a column of another type, which PostgreSQL refuses.
        if kind != self.kind() {
            return None;
        }
        let key = match kind.as_str() {
            "t" => {
                let time = DateTime::from_timestamp_micros(key.as_i64()?)?;
                Key::Time(Some(time).filter(|time| super::text::is_storable(*time))?)
            }
            // A text with a null byte is no key of any row, and PostgreSQL refuses it.
            "s" => Key::Text(key.as_str().filter(|text| !text.contains('\0'))?.to_owned()),
            "n" => Key::Number(key.as_i64()?),
            _ => return None,
        };
        Some(Position { key, id })
    }
}

/// An object that stands in lists.
pub trait Listed: ContainerType + Plain + Clone {
    /// Where it stands in a list that is sorted so.
    fn position(&self, by: &str) -> Position;
}

/// Part of a list, and how to get more of it.
pub struct Connection<T> {
    rows: Vec<T>,
    sorted: Sorted,
    has_next: bool,
    has_previous: bool,
    total: Option<i64>,
}

impl<T: Listed> Connection<T> {
    /// The page as it was read, each row made into its object.
    pub fn new<R>(page: store::Page<R>, sorted: Sorted, make: impl FnMut(R) -> T) -> Self {
        Self {
            rows: page.rows.into_iter().map(make).collect(),
            sorted,
            has_next: page.has_next,
            has_previous: page.has_previous,
            total: page.total,
        }
    }

    /// The page of one parent's list, as it was read with its siblings'.
    pub fn nested<R>(page: &store::Page<Arc<R>>, sorted: Sorted, make: impl FnMut(Arc<R>) -> T) -> Self {
        Self::new(page.clone(), sorted, make)
    }

    /// The objects with a cursor each, for connections that have more fields than these.
    pub(super) fn with_cursors(&self) -> Rows<Edge<T>> {
        Rows(self.rows.iter().map(|row| Edge { node: row.clone(), cursor: self.cursor(row) }).collect())
    }

    /// The objects.
    pub(super) fn rows(&self) -> Rows<&T> {
        Rows(self.rows.iter().collect())
    }

    /// How to get more.
    pub(super) fn place(&self) -> Now<PageInfo> {
        Now(PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.rows.first().map(|row| self.cursor(row)),
            end_cursor: self.rows.last().map(|row| self.cursor(row)),
        })
    }

    /// How many objects match over all pages.
    pub(super) fn total(&self) -> i32 {
        i32::try_from(self.total.unwrap_or_default()).unwrap_or(i32::MAX)
    }

    fn cursor(&self, row: &T) -> String {
        self.sorted.encode(&row.position(self.sorted.by))
    }
}

impl<T: Listed> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <T as OutputType>::type_name()).into()
    }
}

/// Part of a list, and how to get more of it.
#[Object(name_type)]
impl<T: Listed> Connection<T> {
    /// The objects with a cursor each.
    async fn edges(&self) -> Rows<Edge<T>> {
        self.with_cursors()
    }

    /// The objects.
    async fn nodes(&self) -> Rows<&T> {
        self.rows()
    }

    /// How to get more.
    async fn page_info(&self) -> Now<PageInfo> {
        self.place()
    }

    /// How many objects match over all pages. Counted only when selected.
    async fn total_count(&self) -> i32 {
        self.total()
    }
}

/// An object in a list, with its cursor.
pub struct Edge<T> {
    node: T,
    cursor: String,
}

impl<T: Listed> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", <T as OutputType>::type_name()).into()
    }
}

impl<T> Plain for Edge<T> {}

/// An object in a list, with its cursor.
#[Object(name_type)]
impl<T: Listed> Edge<T> {
    /// The object.
    async fn node(&self) -> Now<&T> {
        Now(&self.node)
    }

    /// Where the object stands in the list, for `after` and `before`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }
}

impl Plain for PageInfo {}

/// How to get more of a list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there is more after the last object.
    has_next_page: bool,
    /// Whether there is more before the first object.
    has_previous_page: bool,
    /// The cursor of the first object; null on an empty page.
    start_cursor: Option<String>,
    /// The cursor of the last object; null on an empty page.
    end_cursor: Option<String>,
}

/// A condition of a filter: absent is no condition, null is an error.
pub fn given<T: InputType + Clone>(name: &str, value: &MaybeUndefined<T>) -> Result<Option<T>, ApiError> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Err(ApiError::BadUserInput(format!(
            "The condition `{name}` is null. Leave it out if it is not wanted."
        ))),
        MaybeUndefined::Value(value) => Ok(Some(value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Key> {
        prop_oneof![
            any::<String>().prop_map(|text| Key::Text(text.replace('\0', ""))),
            (-62_000_000_000_000_000i64..200_000_000_000_000_000)
                .prop_map(|micros| Key::Time(DateTime::from_timestamp_micros(micros).unwrap())),
            any::<i64>().prop_map(Key::Number),
        ]
    }

    proptest! {
        #[test]
        fn a_cursor_is_read_back_in_its_own_order_only(key in key(), bits: u128) {
            let (by, other) = match &key {
                Key::Time(_) => ("SUBMITTED_AT", "CREATED_AT"),
                Key::Text(_) => ("NAME", "SUBMITTED_AT"),
                Key::Number(_) => ("SEQUENCE", "NUMBER"),
            };
            let newest = Sorted { by, direction: Direction::Descending };
            let position = Position { key, id: Uuid::from_u128(bits) };
            let cursor = newest.encode(&position);
            prop_assert_eq!(newest.decode(&cursor), Some(position));
            prop_assert_eq!(Sorted { direction: Direction::Ascending, ..newest }.decode(&cursor), None);
            prop_assert_eq!(Sorted { by: other, ..newest }.decode(&cursor), None);
        }

        #[test]
        fn a_key_of_another_kind_is_no_place(micros: i64, text: String, descending: bool) {
            let direction = if descending { Direction::Descending } else { Direction::Ascending };
            for (by, kind, key) in [
                ("NAME", "t", serde_json::json!(micros)),
                ("NAME", "n", serde_json::json!(micros)),
                ("CREATED_AT", "s", serde_json::json!(text)),
                ("SEQUENCE", "t", serde_json::json!(micros)),
            ] {
                let cursor = serde_json::json!([VERSION, by, descending, kind, key, Uuid::nil().simple().to_string()]);
                let cursor = URL_SAFE_NO_PAD.encode(cursor.to_string());
                prop_assert_eq!(Sorted { by, direction }.decode(&cursor), None);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,120}") {
            let _ = Sorted { by: "NAME", direction: Direction::Ascending }.decode(&text);
        }
    }
}

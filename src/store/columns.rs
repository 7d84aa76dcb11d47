//! Which columns of a table a query needs.
//!
//! What nobody asked for is neither read nor sent: a row of the Requests screen has
//! some sixty columns, of which it shows eight. A column that is left out stands in
//! the row with some value of its type, so whoever asks for a part of a table must
//! name all that is looked at; `tests/resolution.rs` asks for every field alone.

/// Columns of a table, by their place in its entity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Columns(u64);

impl Columns {
    /// None: the table is not read.
    pub const NONE: Self = Self(0);
    /// The first one, which is the key.
    pub const KEY: Self = Self(1);
    /// All of them.
    pub const ALL: Self = Self(u64::MAX);

    /// The columns at these places; see [`columns!`](crate::store::columns::columns).
    #[must_use]
    pub const fn at(places: &[u64]) -> Self {
        let (mut bits, mut rest) = (0, places);
        while let [place, others @ ..] = rest {
            bits |= 1 << *place;
            rest = others;
        }
        Self(bits)
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether the table is read at all.
    #[must_use]
    pub const fn any(self) -> bool {
        self.0 != 0
    }

    /// Whether the column at this place is among them.
    #[must_use]
    pub const fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }
}

/// Columns of an entity by name: `columns!(app_user: DisplayName, Email)`.
macro_rules! columns {
    ($entity:ident: $($column:ident),* $(,)?) => {
        $crate::store::columns::Columns::at(&[$(entity::$entity::Column::$column as u64),*])
    };
}

pub(crate) use columns;

#[cfg(test)]
mod tests {
    use entity::app_user::Column;
    use sea_orm::Iterable as _;

    use super::*;

    #[test]
    fn columns_are_those_that_are_named() {
        let some = columns!(app_user: Id, Email);
        let named = |(place, column)| some.has(place).then_some(column);
        let named: Vec<Column> = Column::iter().enumerate().filter_map(named).collect();
        assert!(matches!(named[..], [Column::Id, Column::Email]));
        assert!(!Columns::NONE.any() && some.any() && Columns::KEY.has(0));
        assert_eq!(some.and(Columns::ALL), Columns::ALL);
    }
}

//! Global ids in the schema; their form is in [`crate::id`].

use async_graphql::ID;
use uuid::Uuid;

pub use crate::id::Kind;

/// Between a [`Kind`] with its UUIDs and the schema's `ID`.
pub trait GlobalId {
    /// The id as clients see it.
    fn id(self, uuid: Uuid) -> ID;
    /// The UUID in an id of this type; for anything else the nil UUID, which names nothing.
    fn named(self, id: &ID) -> Uuid;
    /// The UUIDs in ids of this type; the others name nothing and are left out.
    fn parse_all(self, ids: &[ID]) -> Vec<Uuid>;
}

impl GlobalId for Kind {
    fn id(self, uuid: Uuid) -> ID {
        ID(self.text(uuid))
    }

    fn named(self, id: &ID) -> Uuid {
        self.parse(id).unwrap_or(Uuid::nil())
    }

    fn parse_all(self, ids: &[ID]) -> Vec<Uuid> {
        ids.iter().filter_map(|id| self.parse(id)).collect()
    }
}

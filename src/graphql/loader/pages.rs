//! Lists inside of lists: the same page of every parent's list, read together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use entity::bulk_operation_item::BulkItemOutcome;
use entity::entitlement_grant::EntitlementGrantState;
use entity::webhook_delivery::WebhookDeliveryState;
use uuid::Uuid;

use crate::store::{Page, Window, access_package, access_request, assignment};

/// A page whose rows are shared with the objects made of them.
pub type PageOf<T> = Page<Arc<T>>;

/// A page of one parent's list. Parents of whom the same is asked are read together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nested<A> {
    parent: Uuid,
    asked: Arc<A>,
}

impl<A> Nested<A> {
    /// What is asked of this parent's list.
    pub fn new(parent: Uuid, asked: A) -> Self {
        Self { parent, asked: Arc::new(asked) }
    }

    /// The same as is asked of other parents.
    pub fn of(parent: Uuid, asked: &Arc<A>) -> Self {
        Self { parent, asked: Arc::clone(asked) }
    }
}

/// What is asked of the requests for a package.
pub type RequestsAsked = (access_request::Filter, access_request::Include, Window);
/// What is asked of the assignments of a package.
pub type AssignmentsAsked = (assignment::Filter, assignment::Include, Window);
/// What is asked of the packages of a catalog.
pub type PackagesAsked = (access_package::Include, access_package::Order, Window);
/// What is asked of what goes to a webhook.
pub type EventsAsked = (Option<Vec<WebhookDeliveryState>>, Window);
/// What is asked of the grants of a user, or of a resource.
pub type GrantsAsked = (Vec<EntitlementGrantState>, Window);
/// What is asked of the items of a bulk operation.
pub type ItemsAsked = (Option<Vec<BulkItemOutcome>>, Window);

/// The parents of whom the same is asked.
pub fn by_asked<A: Eq + Hash>(keys: &[Nested<A>]) -> HashMap<Arc<A>, Vec<Uuid>> {
    let mut groups: HashMap<Arc<A>, Vec<Uuid>> = HashMap::new();
    for key in keys {
        groups.entry(Arc::clone(&key.asked)).or_default().push(key.parent);
    }
    groups
}

/// The pages that were read of parents, by the keys that asked for them.
pub fn tied<A, R>(
    asked: &Arc<A>,
    pages: HashMap<Uuid, Page<R>>,
) -> impl Iterator<Item = (Nested<A>, PageOf<R>)> {
    pages.into_iter().map(|(parent, page)| (Nested::of(parent, asked), page.map(Arc::new)))
}

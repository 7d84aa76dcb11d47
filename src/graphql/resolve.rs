//! Answers from rows that were read already, without the library's cost per field.
//!
//! The library makes a task of every field and a set of tasks of every object.
//! For rows that a page has loaded nearly every field is ready at once: here each
//! is polled once, and only what has to wait (a loader) is driven together with
//! the rest of its list, so that loaders still see all keys at once. The types in
//! the schema are those of `T`.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::Registry;
use async_graphql::{
    ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ScalarType, SelectionField,
    ServerError, ServerResult, Value,
};
use futures_util::future::join_all;

pub use async_graphql::resolver_utils::enum_value;

use crate::store::Columns;

/// What is there without waiting: the plain columns of a row, by the name of their field.
///
/// A second, shorter way to what the resolvers answer, for types that stand in long lists;
/// `tests/resolution.rs` holds the two against each other.
pub trait Plain {
    /// The value of a field; none where its resolver is to be asked.
    fn plain(&self, _field: &str) -> Option<Value> {
        None
    }

    /// The columns that a field is answered from; all of them where that is not said.
    #[must_use]
    fn columns(_field: &str) -> Columns {
        Columns::ALL
    }
}

impl<T: Plain> Plain for &T {
    fn plain(&self, field: &str) -> Option<Value> {
        (*self).plain(field)
    }

    fn columns(field: &str) -> Columns {
        T::columns(field)
    }
}

/// The columns that these selections on `T` are answered from; none where nothing is selected.
pub fn columns_of<'a, T: Plain>(selections: impl IntoIterator<Item = SelectionField<'a>>) -> Columns {
    selections.into_iter().fold(Columns::NONE, |columns, selection| {
        let fields = selection.selection_set().filter(|field| field.name() != "__typename");
        fields.fold(columns.and(Columns::KEY), |columns, field| columns.and(T::columns(field.name())))
    })
}

/// A scalar as it is answered.
pub fn scalar<T: ScalarType>(value: &T) -> Value {
    value.to_value()
}

/// A scalar that can be missing, as it is answered.
pub fn maybe<T: ScalarType>(value: Option<&T>) -> Value {
    value.map_or(Value::Null, ScalarType::to_value)
}

/// One object that was read already.
pub struct Now<T>(pub T);

/// A list of objects that were read already.
pub struct Rows<T>(pub Vec<T>);

type Pending<'a> = Pin<Box<dyn Future<Output = ServerResult<Value>> + Send + 'a>>;

/// The value of one field: there, or still to come.
enum Slot<'a> {
    Ready(ServerResult<Value>),
    Pending(Pending<'a>),
}

/// The fields of a selection on `T`, with fragments opened.
fn fields<'a, T: ContainerType>(ctx: &ContextSelectionSet<'a>) -> ServerResult<Vec<&'a Positioned<Field>>> {
    fn collect<'a>(
        ctx: &ContextSelectionSet<'a>,
        type_name: &str,
        found: &mut Vec<&'a Positioned<Field>>,
    ) -> ServerResult<()> {
        for selection in &ctx.item.node.items {
            let (condition, selections) = match &selection.node {
                Selection::Field(field) => {
                    found.push(field);
                    continue;
                }
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.as_ref(), &fragment.node.selection_set)
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = ctx.query_env.fragments.get(name).ok_or_else(|| {
                        ServerError::new(format!("Unknown fragment \"{name}\"."), Some(spread.pos))
                    })?;
                    (Some(&fragment.node.type_condition), &fragment.node.selection_set)
                }
            };
            let applies = condition.is_none_or(|condition| {
                let condition = condition.node.on.node.as_str();
                let interfaces = ctx.schema_env.registry.implements.get(type_name);
                condition == type_name || interfaces.is_some_and(|names| names.contains(condition))
            });
            if applies {
                collect(&ctx.with_selection_set(selections), type_name, found)?;
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    collect(ctx, &T::type_name(), &mut found)?;
    Ok(found)
}

/// Asks one field of one row, once.
async fn ask<'a, T: ContainerType + Plain>(
    ctx: &'a ContextSelectionSet<'a>,
    row: &'a T,
    field: &'a Positioned<Field>,
) -> Slot<'a> {
    let name = field.node.name.node.as_str();
    if name == "__typename" {
        return Slot::Ready(Ok(Value::String(row.introspection_type_name().into_owned())));
    }
    if let Some(value) = row.plain(name) {
        return Slot::Ready(Ok(value));
    }
    let mut answer: Pending<'a> = Box::pin(async move {
        let ctx = ctx.with_field(field);
        Ok(row.resolve_field(&ctx).await?.unwrap_or_default())
    });
    match poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await {
        Poll::Ready(value) => Slot::Ready(value),
        Poll::Pending => Slot::Pending(answer),
    }
}

/// Waits for a value that is still to come.
async fn settle(slot: &mut Slot<'_>) {
    if let Slot::Pending(answer) = slot {
        let value = answer.await;
        *slot = Slot::Ready(value);
    }
}

/// Answers rows: first what is there, then all that has to wait, together.
async fn resolve<T: ContainerType + Plain>(
    contexts: &[ContextSelectionSet<'_>],
    rows: &[&T],
    fields: &[&Positioned<Field>],
) -> Vec<Value> {
    let mut slots = Vec::with_capacity(rows.len() * fields.len());
    for (ctx, row) in contexts.iter().zip(rows) {
        for field in fields {
            slots.push(ask(ctx, *row, field).await);
        }
    }
    join_all(slots.iter_mut().filter(|slot| matches!(slot, Slot::Pending(_))).map(settle)).await;
    let keys: Vec<&Name> = fields.iter().map(|field| &field.node.response_key().node).collect();
    let comes_twice = (1..keys.len()).any(|at| keys[..at].contains(&keys[at]));
    let mut slots = slots.into_iter();
    let mut values = Vec::with_capacity(rows.len());
    for ctx in contexts {
        let mut object = IndexMap::with_capacity(fields.len());
        for (key, slot) in keys.iter().zip(slots.by_ref()) {
            match slot {
                Slot::Ready(Ok(value)) if comes_twice => merge(&mut object, (*key).clone(), value),
                Slot::Ready(Ok(value)) => {
                    object.insert((*key).clone(), value);
                }
                Slot::Ready(Err(error)) => ctx.add_error(error),
                Slot::Pending(_) => {}
            }
        }
        values.push(Value::Object(object));
    }
    values
}

/// Puts a value under its key; a key that two selections name gets the fields of both.
fn merge(object: &mut IndexMap<Name, Value>, name: Name, value: Value) {
    let Some(there) = object.get_mut(&name) else {
        object.insert(name, value);
        return;
    };
    match (there, value) {
        (Value::Object(there), Value::Object(more)) => {
            for (name, value) in more {
                merge(there, name, value);
            }
        }
        (Value::List(there), Value::List(more)) => {
            for (there, more) in there.iter_mut().zip(more) {
                if let (Value::Object(there), Value::Object(more)) = (there, more) {
                    for (name, value) in more {
                        merge(there, name, value);
                    }
                }
            }
        }
        _ => {}
    }
}

impl<T: ContainerType + Plain> OutputType for Now<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let fields = fields::<T>(ctx)?;
        let values = resolve(std::slice::from_ref(ctx), &[&self.0], &fields).await;
        Ok(values.into_iter().next().unwrap_or_default())
    }
}

impl<T: ContainerType + Plain> OutputType for Rows<T> {
    fn type_name() -> Cow<'static, str> {
        Vec::<T>::type_name()
    }

    fn qualified_type_name() -> String {
        Vec::<T>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry);
        Self::qualified_type_name()
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        let fields = fields::<T>(ctx)?;
        let contexts: Vec<_> = (0..self.0.len()).map(|index| ctx.with_index(index)).collect();
        let rows: Vec<&T> = self.0.iter().collect();
        Ok(Value::List(resolve(&contexts, &rows, &fields).await))
    }
}

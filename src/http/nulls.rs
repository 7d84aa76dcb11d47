//! Nulls where fields failed.
//!
//! The library leaves a failing field's key out of the answer, even where the
//! field is nullable. The specification wants null, and where the type is not
//! nullable, null for the nearest parent that is. Driven by the paths of the
//! errors and the types of the schema, one pass puts that right.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{Name, PathSegment, Positioned, Response, Value};

use super::shape::{Shape, named, root};

/// Puts the nulls of an answer right.
pub fn mend(
    shape: &Shape,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    response: &mut Response,
) {
    let mend = Mend { shape, document };
    let Value::Object(data) = &mut response.data else { return };
    let mut lost = false;
    for error in &response.errors {
        lost |= mend.object(data, &[(root(operation.ty), &operation.selection_set.node)], &error.path);
    }
    if lost {
        response.data = Value::Null;
    }
}

struct Mend<'a> {
    shape: &'a Shape,
    document: &'a ExecutableDocument,
}

impl<'a> Mend<'a> {
    /// Follows a path into an object; tells whether the object itself must become null.
    fn object(
        &self,
        object: &mut IndexMap<Name, Value>,
        selected: &[(&'a str, &'a SelectionSet)],
        path: &[PathSegment],
    ) -> bool {
        let Some((PathSegment::Field(key), rest)) = path.split_first() else { return false };
        let mut found = Vec::new();
        for (parent, set) in selected {
            self.fields(parent, set, key, &mut found);
        }
        let Some(ty) =
            found.iter().find_map(|(parent, field)| self.shape.type_of(parent, &field.node.name.node))
        else {
            return false;
        };
        let below: Vec<(&str, &SelectionSet)> =
            found.iter().map(|(_, field)| (named(ty), &field.node.selection_set.node)).collect();
        let value = object.entry(Name::new(key)).or_insert(Value::Null);
        if rest.is_empty() {
            *value = Value::Null;
        }
        if self.value(value, ty, &below, rest) {
            *value = Value::Null;
        }
        !ty.nullable && *value == Value::Null
    }

    /// Follows a path into a value of a type; tells whether the value must become null.
    fn value(
        &self,
        value: &mut Value,
        ty: &Type,
        below: &[(&'a str, &'a SelectionSet)],
        path: &[PathSegment],
    ) -> bool {
        match (value, path.split_first()) {
            (Value::List(list), Some((PathSegment::Index(index), rest))) => {
                let BaseType::List(inner) = &ty.base else { return false };
                let Some(item) = list.get_mut(*index) else { return false };
                if rest.is_empty() || self.value(item, inner, below, rest) {
                    *item = Value::Null;
                }
                !inner.nullable && *item == Value::Null
            }
            (Value::Object(object), Some((PathSegment::Field(_), _))) => self.object(object, below, path),
            _ => false,
        }
    }

    /// The fields of a selection that have this response key, with the type that each stands on.
    fn fields(
        &self,
        parent: &'a str,
        set: &'a SelectionSet,
        key: &str,
        found: &mut Vec<(&'a str, &'a Positioned<Field>)>,
    ) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    if field.node.response_key().node == key {
                        found.push((parent, field));
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.fields(parent, &fragment.node.selection_set.node, key, found);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.node.fragment_name.node) {
                        let parent = fragment.node.type_condition.node.on.node.as_str();
                        self.fields(parent, &fragment.node.selection_set.node, key, found);
                    }
                }
            }
        }
    }
}

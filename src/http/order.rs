//! Answers in the order of the document.
//!
//! The library puts fields into an object as they complete. Here the root, and what
//! stands in it one by one, gets the order that the specification asks for; rows of
//! lists have it already (see [`resolve`](crate::graphql::resolve)). The work depends
//! on the document's size and not on the answer's.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Value};

/// What is selected under each response key, in the order of the document.
type Selected<'a> = IndexMap<&'a Name, Vec<&'a SelectionSet>>;

/// Puts the fields of an answer into the order of its selection.
pub fn arrange(document: &ExecutableDocument, set: &SelectionSet, data: &mut Value) {
    if let Value::Object(object) = data {
        arrange_object(document, &[set], object);
    }
}

fn arrange_object(document: &ExecutableDocument, sets: &[&SelectionSet], object: &mut IndexMap<Name, Value>) {
    let mut selected = Selected::with_capacity(object.len());
    for set in sets {
        collect(document, set, &mut selected);
    }
    let is_arranged = object.keys().eq(selected.keys().copied().filter(|name| object.contains_key(*name)));
    if !is_arranged {
        object.sort_by_cached_key(|name, _| selected.get_index_of(name));
    }
    for (name, sets) in &selected {
        if let Some(Value::Object(inner)) = object.get_mut(*name) {
            arrange_object(document, sets, inner);
        }
    }
}

fn collect<'a>(document: &'a ExecutableDocument, set: &'a SelectionSet, selected: &mut Selected<'a>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let sets = selected.entry(&field.node.response_key().node).or_default();
                if !field.node.selection_set.node.items.is_empty() {
                    sets.push(&field.node.selection_set.node);
                }
            }
            Selection::InlineFragment(fragment) => {
                collect(document, &fragment.node.selection_set.node, selected);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect(document, &fragment.node.selection_set.node, selected);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::super::document::chosen;
    use super::*;

    fn arranged(text: &str, answer: serde_json::Value) -> String {
        let document = parse_query(text).unwrap();
        let mut data = Value::from_json(answer).unwrap();
        arrange(&document, &chosen(&document, None).unwrap().selection_set.node, &mut data);
        data.to_string()
    }

    #[test]
    fn fields_stand_as_they_were_asked_for() {
        let text =
            "{ c ...f b: c { x ...g } d { y } } fragment f on Query { a b: c { z } } fragment g on C { y x }";
        let answer = json!({ "d": [{ "y": 1 }], "b": { "x": 1, "y": 2, "z": 3 }, "a": 1, "c": { "q": 1 } });
        assert_eq!(arranged(text, answer), "{c: {q: 1}, a: 1, b: {z: 3, x: 1, y: 2}, d: [{y: 1}]}");
    }

    #[test]
    fn what_is_missing_is_left_missing() {
        assert_eq!(arranged("{ a b c }", json!({ "c": 1, "a": 2 })), "{a: 2, c: 1}");
        assert_eq!(arranged("{ a }", json!(null)), "null");
    }
}

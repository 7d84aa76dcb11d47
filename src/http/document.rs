//! Checks on a parsed document, before anything of it is validated or executed.
//!
//! The library follows fragment spreads without memory: 31 fragments with three
//! spreads each, in under a kilobyte, would hang a thread. And it runs a mutation
//! twice when a fragment repeats its response key.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};

/// The most selections of an operation, with every spread counted as what it stands for.
pub const MOST_SELECTIONS: u64 = 10_000;

/// What is wrong with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A fragment contains itself.
    Cycle,
    /// It stands for too many selections.
    Size,
    /// A mutation names one response key twice: it would run twice.
    RepeatedMutation,
}

/// Checks every operation of a document.
pub fn check(document: &ExecutableDocument) -> Result<(), Fault> {
    let mut counts = HashMap::new();
    for (_, operation) in document.operations.iter() {
        let mut open = HashSet::new();
        let set = &operation.node.selection_set.node;
        if count(document, set, &mut counts, &mut open)? > MOST_SELECTIONS {
            return Err(Fault::Size);
        }
        if operation.node.ty == OperationType::Mutation {
            let mut keys = HashSet::new();
            root_keys(document, set, &mut keys)?;
        }
    }
    Ok(())
}

/// The operation that is to be executed; none where the name is missing or wrong.
#[must_use]
pub fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(&operation.node),
        (DocumentOperations::Multiple(operations), Some(name)) => {
            operations.get(name).map(|operation| &operation.node)
        }
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next().map(|operation| &operation.node)
        }
        (DocumentOperations::Single(_), Some(_)) | (DocumentOperations::Multiple(_), None) => None,
    }
}

/// How many selections a set stands for; each fragment is counted once and remembered.
fn count<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    counts: &mut HashMap<&'a str, u64>,
    open: &mut HashSet<&'a str>,
) -> Result<u64, Fault> {
    let mut total: u64 = 0;
    for selection in &set.items {
        let inside = match &selection.node {
            Selection::Field(field) => count(document, &field.node.selection_set.node, counts, open)?,
            Selection::InlineFragment(fragment) => {
                count(document, &fragment.node.selection_set.node, counts, open)?
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if let Some(known) = counts.get(name) {
                    *known
                } else if let Some(fragment) = document.fragments.get(name) {
                    if !open.insert(name) {
                        return Err(Fault::Cycle);
                    }
                    let inside = count(document, &fragment.node.selection_set.node, counts, open)?;
                    open.remove(name);
                    counts.insert(name, inside);
                    inside
                } else {
                    0
                }
            }
        };
        total = total.saturating_add(inside).saturating_add(1);
    }
    Ok(total)
}

/// Collects the response keys at the root of a mutation; one that comes twice is a fault.
fn root_keys<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    keys: &mut HashSet<&'a str>,
) -> Result<(), Fault> {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                if !keys.insert(field.node.response_key().node.as_str()) {
                    return Err(Fault::RepeatedMutation);
                }
            }
            Selection::InlineFragment(fragment) => {
                root_keys(document, &fragment.node.selection_set.node, keys)?;
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    root_keys(document, &fragment.node.selection_set.node, keys)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn fault(text: &str) -> Result<(), Fault> {
        check(&parse_query(text).unwrap())
    }

    /// Fragments that each spread the next one `times` times.
    fn chain(length: usize, times: usize) -> String {
        let mut text = String::from("{ ...f0 }");
        for at in 0..length {
            let next = format!("...f{} ", at + 1);
            let _ = write!(text, " fragment f{at} on Query {{ {} }}", next.repeat(times));
        }
        let _ = write!(text, " fragment f{length} on Query {{ __typename }}");
        text
    }

    #[test]
    fn doubling_and_tripling_fragments_are_counted_and_not_followed() {
        assert_eq!(fault(&chain(31, 1)), Ok(()));
        assert_eq!(fault(&chain(31, 2)), Err(Fault::Size));
        assert_eq!(fault(&chain(31, 3)), Err(Fault::Size));
    }

    #[test]
    fn a_fragment_that_contains_itself_is_refused() {
        let text = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        assert_eq!(fault(text), Err(Fault::Cycle));
    }

    #[test]
    fn a_mutation_whose_key_comes_twice_is_refused() {
        let twice = "mutation { a ...f } fragment f on Mutation { a }";
        assert_eq!(fault(twice), Err(Fault::RepeatedMutation));
        assert_eq!(fault("mutation { a b: a ...f } fragment f on Mutation { c: a }"), Ok(()));
        assert_eq!(fault("{ a a }"), Ok(()));
    }
}

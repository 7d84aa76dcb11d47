//! Variables that were not given.
//!
//! By the specification an argument, or a field of an input object, whose variable was not given and has no default
//! counts as not written (October 2021, 3.10 and 6.4.1). The library takes null for it, which means something else: in
//! an update it takes a value away, and in a filter it is refused. So it is taken out of the document before that is
//! executed.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Variables};
use async_graphql_value::Value;

use super::document;

/// Takes out what stands for variables of an operation that were not given, and these variables. Where there are some,
/// the document is left with this operation alone: fragments that others use, too, need not fit them any more.
pub fn leave_out(document: &mut ExecutableDocument, name: Option<&str>, variables: &Variables) {
    let missing = match document::chosen(document, name) {
        Some(operation) => missing(operation, variables),
        None => return,
    };
    if missing.is_empty() {
        return;
    }
    let operation = match &mut document.operations {
        DocumentOperations::Single(operation) => Some(operation),
        DocumentOperations::Multiple(operations) => {
            operations.retain(|own, _| name.is_none_or(|name| own == name));
            operations.values_mut().next()
        }
    };
    let Some(operation) = operation.map(|operation| &mut operation.node) else { return };
    let mut walk =
        Walk { missing: &missing, left_out: HashSet::new(), kept: HashSet::new(), spreads: Vec::new() };
    walk.directives(&operation.directives);
    walk.set(&mut operation.selection_set.node);
    let mut reached = HashSet::new();
    while let Some(spread) = walk.spreads.pop() {
        let Some(fragment) = document.fragments.get_mut(&spread) else { continue };
        if reached.insert(spread) {
            walk.directives(&fragment.node.directives);
            walk.set(&mut fragment.node.selection_set.node);
        }
    }
    // A variable that is declared must be used somewhere; one that never was is told as ever.
    let gone: HashSet<&Name> = walk.left_out.difference(&walk.kept).collect();
    operation.variable_definitions.retain(|definition| !gone.contains(&definition.node.name.node));
    if matches!(&document.operations, DocumentOperations::Multiple(_)) {
        document.fragments.retain(|name, _| reached.contains(name));
    }
}

/// The variables of an operation that were not given and need not be.
fn missing(operation: &OperationDefinition, variables: &Variables) -> HashSet<Name> {
    let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    let missing = definitions.filter(|definition| {
        definition.var_type.node.nullable
            && definition.default_value.is_none()
            && !variables.contains_key(&definition.name.node)
    });
    missing.map(|definition| definition.name.node.clone()).collect()
}

struct Walk<'a> {
    missing: &'a HashSet<Name>,
    /// Those that stood somewhere where they are left out.
    left_out: HashSet<Name>,
    /// Those that are still used: as an item of a list, which is null then, or by a directive.
    kept: HashSet<Name>,
    /// The fragments to look at.
    spreads: Vec<Name>,
}

impl Walk<'_> {
    fn set(&mut self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    let field = &mut field.node;
                    self.directives(&field.directives);
                    field.arguments.retain(|(_, value)| !self.stands_for_nothing(&value.node));
                    for (_, value) in &mut field.arguments {
                        self.value(&mut value.node);
                    }
                    self.set(&mut field.selection_set.node);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.node.directives);
                    self.spreads.push(spread.node.fragment_name.node.clone());
                }
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.node.directives);
                    self.set(&mut fragment.node.selection_set.node);
                }
            }
        }
    }

    fn value(&mut self, value: &mut Value) {
        match value {
            Value::Variable(name) => {
                self.kept.insert(name.clone());
            }
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                fields.retain(|_, value| !self.stands_for_nothing(value));
                fields.values_mut().for_each(|value| self.value(value));
            }
            _ => {}
        }
    }

    fn stands_for_nothing(&mut self, value: &Value) -> bool {
        match value {
            Value::Variable(name) if self.missing.contains(name) => {
                self.left_out.insert(name.clone());
                true
            }
            _ => false,
        }
    }

    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            self.value(&mut value.node.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    /// The arguments of the first field, and the variables, once what was not given is left out.
    fn left(text: &str, variables: Json) -> (String, Vec<String>) {
        let mut document = parse_query(text).unwrap();
        leave_out(&mut document, None, &Variables::from_json(variables));
        let mut operations: Vec<_> =
            document.operations.iter().map(|(_, operation)| &operation.node).collect();
        operations.sort_by_key(|operation| operation.variable_definitions.len());
        let operation = operations.pop().unwrap();
        let Selection::Field(field) = &operation.selection_set.node.items[0].node else { panic!("a field") };
        let arguments =
            field.node.arguments.iter().map(|(name, value)| format!("{}: {}", name.node, value.node));
        let definitions = operation.variable_definitions.iter();
        (
            arguments.collect::<Vec<_>>().join(", "),
            definitions.map(|definition| definition.node.name.node.to_string()).collect(),
        )
    }

    #[test]
    fn what_was_not_given_counts_as_not_written() {
        let text = "query($a: Int, $b: Int, $c: Int = 3, $d: Int!) { x(a: $a, b: $b, c: $c, d: $d) }";
        assert_eq!(
            left(text, json!({ "b": null })),
            ("b: $b, c: $c, d: $d".into(), vec!["b".into(), "c".into(), "d".into()])
        );
        let text = "mutation($a: Int, $b: Int) { x(input: { a: $a, in: { b: $b, c: 1 } }) }";
        assert_eq!(left(text, json!({})), ("input: {in: {c: 1}}".into(), vec![]));
        assert_eq!(left(text, json!({ "a": 1, "b": 2 })).1.len(), 2);
    }

    #[test]
    fn an_item_of_a_list_is_null_and_a_directive_stays() {
        let text = "query($a: Int, $b: Boolean) { x(list: [1, $a], a: $a) @include(if: $b) }";
        assert_eq!(left(text, json!({})), ("list: [1, $a]".into(), vec!["a".into(), "b".into()]));
    }

    #[test]
    fn what_another_operation_of_the_document_needs_is_its_matter() {
        let text = "query A($a: Int) { ...F } query B($a: Int!, $b: Int = 1) { ...F ...G y(b: $b) }
            fragment F on Query { x(a: $a) } fragment G on Query { z }";
        let mut document = parse_query(text).unwrap();
        leave_out(&mut document, Some("A"), &Variables::default());
        assert!(document::chosen(&document, Some("A")).unwrap().variable_definitions.is_empty());
        assert!(document::chosen(&document, Some("B")).is_none());
        assert_eq!(document.fragments.keys().collect::<Vec<_>>(), ["F"]);
        let mut document = parse_query(text).unwrap();
        leave_out(&mut document, Some("B"), &Variables::from_json(json!({ "a": 1 })));
        assert_eq!(document.operations.iter().count(), 2, "nothing is missing");
    }

    #[test]
    fn a_variable_that_nothing_uses_is_still_told() {
        assert_eq!(left("query($a: Int) { x }", json!({})).1, ["a"]);
    }

    #[test]
    fn fragments_are_looked_at_too() {
        let mut document =
            parse_query("query($a: Int) { ...F ... on Query { y(a: $a) } } fragment F on Query { x(a: $a) }")
                .unwrap();
        leave_out(&mut document, None, &Variables::default());
        let fragment = &document.fragments["F"].node.selection_set.node.items[0].node;
        let Selection::Field(field) = fragment else { panic!("a field") };
        assert!(field.node.arguments.is_empty());
    }
}

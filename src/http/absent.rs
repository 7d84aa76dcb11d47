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

/// Takes out what stands for variables that were not given, and these variables.
pub fn leave_out(document: &mut ExecutableDocument, variables: &Variables) {
    let missing = missing(document, variables);
    if missing.is_empty() {
        return;
    }
    let mut walk = Walk { missing: &missing, kept: HashSet::new() };
    let mut operations: Vec<&mut OperationDefinition> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![&mut operation.node],
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().map(|operation| &mut operation.node).collect()
        }
    };
    for operation in &mut operations {
        walk.directives(&operation.directives);
        walk.set(&mut operation.selection_set.node);
    }
    for fragment in document.fragments.values_mut() {
        walk.directives(&fragment.node.directives);
        walk.set(&mut fragment.node.selection_set.node);
    }
    let kept = walk.kept;
    // A variable that is declared must be used somewhere.
    for operation in operations {
        operation.variable_definitions.retain(|definition| {
            let name = &definition.node.name.node;
            !missing.contains(name) || kept.contains(name)
        });
    }
}

/// The variables that were not given and need not be. Where operations share a name, all must be able to do without:
/// they share the fragments, too.
fn missing(document: &ExecutableDocument, variables: &Variables) -> HashSet<Name> {
    let (mut missing, mut needed) = (HashSet::new(), HashSet::new());
    for (_, operation) in document.operations.iter() {
        for definition in &operation.node.variable_definitions {
            let name = &definition.node.name.node;
            if !definition.node.var_type.node.nullable || definition.node.default_value.is_some() {
                needed.insert(name);
            } else if !variables.contains_key(name) {
                missing.insert(name.clone());
            }
        }
    }
    missing.retain(|name| !needed.contains(name));
    missing
}

struct Walk<'a> {
    missing: &'a HashSet<Name>,
    /// Those that are still used: as an item of a list, which is null then, or by a directive.
    kept: HashSet<Name>,
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
                Selection::FragmentSpread(spread) => self.directives(&spread.node.directives),
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

    fn stands_for_nothing(&self, value: &Value) -> bool {
        matches!(value, Value::Variable(name) if self.missing.contains(name))
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
        leave_out(&mut document, &Variables::from_json(variables));
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
    fn operations_that_share_a_name_are_one_matter() {
        let text = "query A($a: Int) { x(a: $a) } query B($a: Int!, $b: Int) { x(a: $a, b: $b) }";
        assert_eq!(left(text, json!({})), ("a: $a".into(), vec!["a".into()]));
    }

    #[test]
    fn fragments_are_looked_at_too() {
        let mut document =
            parse_query("query($a: Int) { ...F ... on Query { y(a: $a) } } fragment F on Query { x(a: $a) }")
                .unwrap();
        leave_out(&mut document, &Variables::default());
        let fragment = &document.fragments["F"].node.selection_set.node.items[0].node;
        let Selection::Field(field) = fragment else { panic!("a field") };
        assert!(field.node.arguments.is_empty());
    }
}

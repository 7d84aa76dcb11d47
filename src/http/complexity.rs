//! How much an operation asks for, with its variables.
//!
//! Each field counts one. What stands below the `nodes` or `edges` of a page counts
//! once for each row that `first` or `last` asks for, 20 where neither is given; what
//! stands below a field with the argument `ids`, once for each id; and a mutation one
//! more for each id or item of its `selection`, and for each of its `users`, `links`,
//! `accounts` or `deliveries`. Lists without pages count once: their length
//! is bounded where they are written. Fields that are skipped count, too.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as Constant, Variables};
use async_graphql_value::Value;

use super::shape::{Members, Shape, Times, named, root};
use crate::graphql::bulk_operation::LARGEST_ITEM_PAGE;
use crate::graphql::connection::USUAL_PAGE;

/// The complexity of an operation of a document that [`document::check`](super::document::check) let pass.
#[must_use]
pub fn of(
    shape: &Shape,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> u64 {
    let mut count = Count { shape, document, operation, variables, fragments: HashMap::new() };
    count.set(shape.members(root(operation.ty)), &operation.selection_set.node).all()
}

/// What a selection costs.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// For each object.
    once: u64,
    /// For each row of the page that the object is.
    rows: u64,
}

impl Cost {
    fn all(self) -> u64 {
        self.once.saturating_add(self.rows)
    }
}

/// One way through an operation.
struct Count<'a> {
    shape: &'a Shape,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// The costs of the fragments so far.
    fragments: HashMap<&'a str, Cost>,
}

impl<'a> Count<'a> {
    fn set(&mut self, parent: Option<&'a Members>, set: &'a SelectionSet) -> Cost {
        let mut cost = Cost::default();
        for selection in &set.items {
            let more = match &selection.node {
                Selection::Field(field) => self.field(parent, field),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let parent = condition
                        .map_or(parent, |condition| self.shape.members(condition.node.on.node.as_str()));
                    self.set(parent, &fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
            };
            cost.once = cost.once.saturating_add(more.once);
            cost.rows = cost.rows.saturating_add(more.rows);
        }
        cost
    }

    fn fragment(&mut self, name: &'a Name) -> Cost {
        if let Some(known) = self.fragments.get(name.as_str()) {
            return *known;
        }
        let Some(fragment) = self.document.fragments.get(name) else { return Cost::default() };
        let parent = self.shape.members(fragment.node.type_condition.node.on.node.as_str());
        let cost = self.set(parent, &fragment.node.selection_set.node);
        self.fragments.insert(name.as_str(), cost);
        cost
    }

    fn field(&mut self, parent: Option<&'a Members>, field: &'a Positioned<Field>) -> Cost {
        let field = &field.node;
        let name = field.name.node.as_str();
        let known = parent.and_then(|members| members.get(name));
        let below = if field.selection_set.node.items.is_empty() {
            Cost::default()
        } else {
            self.set(known.and_then(|known| self.shape.members(named(&known.ty))), &field.selection_set.node)
        };
        let below = match known.map_or(Times::Once, |known| known.times) {
            Times::Page => below.once.saturating_add(below.rows.saturating_mul(self.page(field))),
            Times::Ids => below.all().saturating_mul(self.length(field.get_argument("ids"), &[])),
            Times::Once => {
                let selected = field.get_argument("input");
                let places: [&[&str]; 6] = [
                    &["selection", "ids"],
                    &["selection", "items"],
                    &["users"],
                    &["links"],
                    &["accounts"],
                    &["deliveries"],
                ];
                let given = places.iter().map(|place| self.length(selected, place));
                given.fold(below.all(), u64::saturating_add)
            }
        };
        let all = below.saturating_add(1);
        if parent.is_some_and(|members| members.is_page) && matches!(name, "nodes" | "edges") {
            Cost { once: 0, rows: all }
        } else {
            Cost { once: all, rows: 0 }
        }
    }

    /// How many rows a field's `first` and `last` ask for.
    fn page(&self, field: &Field) -> u64 {
        let size = |name: &str| match &field.get_argument(name)?.node {
            Value::Number(number) => Some(rows(number)),
            Value::Variable(name) => match self.variable(name)? {
                Constant::Number(number) => Some(rows(number)),
                _ => None,
            },
            _ => None,
        };
        size("first").max(size("last")).unwrap_or(USUAL_PAGE.unsigned_abs().into())
    }

    /// How many values the list has that stands at a path inside of an argument.
    fn length(&self, argument: Option<&Positioned<Value>>, path: &[&str]) -> u64 {
        let Some(mut value) = argument.map(|argument| &argument.node) else { return 0 };
        let mut path = path.iter();
        loop {
            match value {
                Value::Variable(name) => {
                    let mut constant = self.variable(name);
                    for name in path {
                        constant = match constant {
                            Some(Constant::Object(fields)) => fields.get(*name),
                            _ => None,
                        };
                    }
                    return match constant {
                        Some(Constant::List(items)) => items.len() as u64,
                        _ => 0,
                    };
                }
                Value::Object(fields) => {
                    let Some(inner) = path.next().and_then(|name| fields.get(*name)) else { return 0 };
                    value = inner;
                }
                Value::List(items) if path.len() == 0 => return items.len() as u64,
                _ => return 0,
            }
        }
    }

    /// The value of a variable: as it came, else as the operation says.
    fn variable(&self, name: &Name) -> Option<&Constant> {
        self.variables.get(name).or_else(|| {
            let definitions = &self.operation.variable_definitions;
            let found = definitions.iter().find(|definition| definition.node.name.node == *name)?;
            found.node.default_value.as_ref().map(|value| &value.node)
        })
    }
}

/// A number of rows. Nothing is read for what every list refuses: less than none, or more than any page has.
fn rows(number: &serde_json::Number) -> u64 {
    number.as_u64().filter(|rows| *rows <= LARGEST_ITEM_PAGE.unsigned_abs().into()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::super::document::chosen;
    use super::*;
    use crate::graphql::sdl;

    fn complexity(text: &str, variables: serde_json::Value) -> u64 {
        let document = parse_query(text).unwrap();
        let shape = Shape::read(&sdl()).unwrap();
        let operation = chosen(&document, None).unwrap();
        of(&shape, &document, operation, &Variables::from_json(variables))
    }

    #[test]
    fn a_field_counts_one_and_a_page_its_rows() {
        for (text, expected) in [
            ("{ __typename }", 1),
            ("{ viewer { roles } }", 2),
            // users; 20 times nodes and id
            ("{ users { nodes { id } } }", 1 + 20 * 2),
            ("{ users(first: 3) { nodes { id } } }", 1 + 3 * 2),
            ("{ users(last: 4) { edges { node { id } cursor } } }", 1 + 4 * 4),
            ("{ users(first: null) { nodes { id } } }", 1 + 20 * 2),
            ("{ users(first: 0) { nodes { id } } }", 1),
            ("{ users(first: -1) { nodes { id } } }", 1),
            (
                "{ users(first: 50) { totalCount pageInfo { hasNextPage endCursor } nodes { id } } }",
                5 + 50 * 2,
            ),
            (
                "{ catalogs(first: 10) { nodes { accessPackages(first: 5) { nodes { id } } } } }",
                1 + 10 * (1 + 1 + 5 * 2),
            ),
            (
                "{ ...q } fragment q on Query { users(first: 2) { ...u ...u } } fragment u on UserConnection { nodes { id } }",
                1 + 2 * 4,
            ),
            ("{ users(first: 2) { ... on UserConnection { nodes { ... { id } } } } }", 1 + 2 * 2),
            ("{ nodes(ids: [\"a\", \"b\"]) { id ... on User { email } } }", 1 + 2 * 2),
            ("{ nothing { nodes { id } } }", 3),
            ("{ users(first: 1000) { nodes { id } } }", 1 + 1_000 * 2),
            ("{ users(first: 1001) { nodes { id } } }", 1),
            ("{ users(first: 18446744073709551615) { nodes { id } } }", 1),
        ] {
            assert_eq!(complexity(text, json!({})), expected, "{text}");
        }
    }

    #[test]
    fn variables_count_as_what_they_are() {
        let page = "query($n: Int = 7) { users(first: $n) { nodes { id } } }";
        assert_eq!(complexity(page, json!({})), 1 + 7 * 2);
        assert_eq!(complexity(page, json!({ "n": 100 })), 1 + 100 * 2);
        assert_eq!(complexity(page, json!({ "n": null })), 1 + 20 * 2);
        assert_eq!(complexity(page, json!({ "n": "100" })), 1 + 20 * 2);
        let nodes = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
        assert_eq!(complexity(nodes, json!({ "ids": ["a", "b", "c"] })), 1 + 3);
        let three = json!(["a", "b", "c"]);
        for (arguments, variables) in [
            ("input: {selection: {ids: [\"a\", \"b\", \"c\"]}}", json!({})),
            ("input: {selection: {ids: $x}}", json!({ "x": three })),
            ("input: {selection: $x}", json!({ "x": { "ids": three } })),
            ("input: $x", json!({ "x": { "selection": { "ids": three } } })),
            ("input: $x", json!({ "x": { "selection": { "items": three } } })),
        ] {
            let text = format!(
                "mutation($x: X) {{ reprocessAccessRequests({arguments}) {{ userErrors {{ code }} }} }}"
            );
            assert_eq!(complexity(&text, variables), 1 + 3 + 2, "{arguments}");
        }
        let many = "mutation($x: X) { createAssignments(input: {users: $x}) { userErrors { code } } }";
        assert_eq!(complexity(many, json!({ "x": three })), 1 + 3 + 2);
    }
}

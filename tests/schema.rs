//! The schema: what is checked in is what is served, and everything in it is described.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use guichet::graphql;

#[test]
fn the_file_is_the_schema() {
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert!(
        file == graphql::sdl(),
        "schema.graphql is stale: run `cargo run -- schema > schema.graphql` and look at the difference"
    );
}

#[test]
fn every_element_is_described() {
    let mut bare = Vec::new();
    let mut check = |name: String, described: bool| {
        if !described {
            bare.push(name);
        }
    };
    for definition in parse_schema(graphql::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        // The library's own scalars and directives have its own words.
        check(name.clone(), definition.node.description.is_some());
        match definition.node.kind {
            TypeKind::Object(object) => {
                for field in object.fields {
                    check(format!("{name}.{}", field.node.name.node), field.node.description.is_some());
                    for argument in field.node.arguments {
                        let place = format!("{name}.{}({})", field.node.name.node, argument.node.name.node);
                        check(place, argument.node.description.is_some());
                    }
                }
            }
            TypeKind::Interface(interface) => {
                for field in interface.fields {
                    check(format!("{name}.{}", field.node.name.node), field.node.description.is_some());
                }
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    check(format!("{name}.{}", value.node.value.node), value.node.description.is_some());
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    check(format!("{name}.{}", field.node.name.node), field.node.description.is_some());
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    assert!(bare.is_empty(), "without a description: {bare:#?}");
}

/// Every operation of the walk-through is valid, and the README names each.
#[tokio::test]
async fn the_operations_of_the_readme_are_valid() {
    let schema = graphql::schema();
    let readme = include_str!("../README.md");
    for (title, operation) in guichet::demo::OPERATIONS {
        let response = schema
            .execute(
                async_graphql::Request::new(format!("{operation} query Other {{ __typename }}"))
                    .operation_name("Other"),
            )
            .await;
        assert!(response.errors.is_empty(), "{title}: {:?}", response.errors);
        assert!(
            readme.contains(title) || !title.starts_with(char::is_numeric),
            "{title} is not in the README"
        );
    }
}

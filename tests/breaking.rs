//! Breaking changes of the schema: each needs a line under "Breaking" in the changelog.
//!
//! The schema is compared with that of the newest commit that is published (`origin/main`), or
//! else of the commit before this one; without a history there is nothing to compare.

use std::collections::BTreeMap;
use std::process::Command;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

/// Everything that a client can depend on, by its name, with its type.
fn elements(sdl: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for definition in parse_schema(sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let name = definition.node.name.node.to_string();
        found.insert(name.clone(), String::new());
        let fields = match definition.node.kind {
            TypeKind::Object(object) => object.fields,
            TypeKind::Interface(interface) => interface.fields,
            TypeKind::Enum(values) => {
                for value in values.values {
                    found.insert(format!("{name}.{}", value.node.value.node), String::new());
                }
                continue;
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    let ty = field.node.ty.node.to_string();
                    let optional = !ty.ends_with('!') || field.node.default_value.is_some();
                    let required = if optional { "" } else { " (required)" };
                    found.insert(
                        format!("{name}.{}", field.node.name.node),
                        format!("{}{required}", ty.trim_end_matches('!')),
                    );
                }
                continue;
            }
            TypeKind::Scalar | TypeKind::Union(_) => continue,
        };
        for field in fields {
            let place = format!("{name}.{}", field.node.name.node);
            for argument in &field.node.arguments {
                let ty = argument.node.ty.node.to_string();
                let optional = !ty.ends_with('!') || argument.node.default_value.is_some();
                let required = if optional { "" } else { " (required)" };
                found.insert(
                    format!("{place}({})", argument.node.name.node),
                    format!("{}{required}", ty.trim_end_matches('!')),
                );
            }
            found.insert(place, field.node.ty.node.to_string());
        }
    }
    found
}

/// What a client of the old schema would miss in the new one.
fn breaks(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (elements(old), elements(new));
    let mut found: Vec<String> = old
        .iter()
        .filter(|(name, ty)| match new.get(*name) {
            None => true,
            // A field that can no longer be null, or an input that is no longer required, breaks nobody.
            Some(now) => {
                now != *ty
                    && now.trim_end_matches('!') != ty.as_str()
                    && *now != ty.replace(" (required)", "")
            }
        })
        .map(|(name, _)| name.clone())
        .collect();
    // Something new that must be given breaks those who do not know it.
    found.extend(
        new.iter()
            .filter(|(name, ty)| {
                let parent = name.split(['.', '(']).next().unwrap_or_default();
                let known = match name.split_once('(') {
                    Some((field, _)) => old.contains_key(field),
                    None => old.contains_key(parent),
                };
                ty.ends_with("(required)") && !old.contains_key(*name) && known
            })
            .map(|(name, _)| name.clone()),
    );
    found
}

fn published() -> Option<String> {
    let show = |commit: &str| {
        let mut git = Command::new("git");
        git.current_dir(env!("CARGO_MANIFEST_DIR")).args(["show", &format!("{commit}:schema.graphql")]);
        let shown = git.output().ok().filter(|shown| shown.status.success())?;
        String::from_utf8(shown.stdout).ok()
    };
    show("origin/main")
        .filter(|published| *published != include_str!("../schema.graphql"))
        .or_else(|| show("HEAD~1"))
}

#[test]
fn a_breaking_change_of_the_schema_is_in_the_changelog() {
    let Some(old) = published() else { return };
    let changelog = include_str!("../CHANGELOG.md");
    let unreleased = changelog.split("\n## ").find(|part| part.starts_with("Unreleased")).unwrap_or_default();
    let noted = unreleased.split("\n### ").find(|part| part.starts_with("Breaking")).unwrap_or_default();
    let unnoted: Vec<String> = breaks(&old, include_str!("../schema.graphql"))
        .into_iter()
        .filter(|name| !noted.contains(&format!("`{name}`")))
        .collect();
    assert!(unnoted.is_empty(), "breaking, and not under \"Breaking\" in CHANGELOG.md: {unnoted:#?}");
}

#[test]
fn what_breaks_clients_is_found() {
    let old = "type Query { a(x: Int): String! b: Int! } enum E { ONE TWO } input I { p: Int! q: Int }";
    for (new, broken) in [
        (old, [].as_slice()),
        (
            "type Query { a(x: Int, y: Int): String! b: Int! c: Int } enum E { ONE TWO SIX } input I { p: Int q: Int r: Int }",
            &[],
        ),
        (
            "type Query { a(x: Int): String b: Int! } enum E { ONE TWO } input I { p: Int! q: Int }",
            &["Query.a"],
        ),
        (
            "type Query { a: String! } enum E { ONE } input I { p: Int! q: Int }",
            &["E.TWO", "Query.a(x)", "Query.b"],
        ),
        (
            "type Query { a(x: Int, y: Int!): String! b: Int! } enum E { ONE TWO } input I { p: Int! q: Int! }",
            &["I.q", "Query.a(y)"],
        ),
    ] {
        assert_eq!(breaks(old, new), broken, "{new}");
    }
}

//! What the schema says of each field: its type, and how often what stands below it is answered.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, FieldDefinition, OperationType, Type, TypeKind, TypeSystemDefinition,
};

/// The fields of every type of the schema.
pub struct Shape(HashMap<String, Members>);

/// The fields of one type.
pub struct Members {
    fields: HashMap<String, Member>,
    /// Whether it is a page: what stands below its `nodes` and `edges` is answered once for each row.
    pub is_page: bool,
}

/// One field.
pub struct Member {
    /// Its type.
    pub ty: Type,
    /// How often what stands below it is answered.
    pub times: Times,
}

/// How often what stands below a field is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    Once,
    /// Once for each row of a page, which `first` or `last` says.
    Page,
    /// Once for each id of the argument `ids`.
    Ids,
}

impl Shape {
    /// Reads a schema in its own language.
    ///
    /// # Errors
    /// When the text is no schema, with the parser's words.
    pub fn read(sdl: &str) -> Result<Self, String> {
        let document = async_graphql::parser::parse_schema(sdl).map_err(|error| error.to_string())?;
        let mut types = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let fields = match definition.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                TypeKind::Scalar | TypeKind::Union(_) | TypeKind::Enum(_) | TypeKind::InputObject(_) => {
                    continue;
                }
            };
            let fields: HashMap<_, _> = fields.into_iter().map(|field| member(field.node)).collect();
            let is_page = fields.contains_key("pageInfo");
            types.insert(definition.node.name.node.to_string(), Members { fields, is_page });
        }
        Ok(Self(types))
    }

    /// The fields of a type.
    #[must_use]
    pub fn members(&self, name: &str) -> Option<&Members> {
        self.0.get(name)
    }

    /// The type of a field.
    #[must_use]
    pub fn type_of(&self, parent: &str, field: &str) -> Option<&Type> {
        Some(&self.members(parent)?.get(field)?.ty)
    }
}

impl Members {
    /// A field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Member> {
        self.fields.get(name)
    }
}

fn member(field: FieldDefinition) -> (String, Member) {
    let takes = |name: &str| field.arguments.iter().any(|argument| argument.node.name.node == name);
    let times = if takes("first") {
        Times::Page
    } else if takes("ids") {
        Times::Ids
    } else {
        Times::Once
    };
    (field.name.node.to_string(), Member { ty: field.ty.node, times })
}

/// The named type inside of lists.
#[must_use]
pub fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(inner) => named(inner),
    }
}

/// The type that an operation begins at.
#[must_use]
pub fn root(ty: OperationType) -> &'static str {
    match ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

//! What a document is, by its text alone, before anything of it is validated or executed.
//!
//! The library follows fragment spreads without memory: 31 fragments with three
//! spreads each, in under a kilobyte, would hang a thread. And it runs a mutation
//! twice when a fragment repeats its response key. Here each part of a document
//! is looked at once, and nothing depends on variables or on who asks.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::parser::{self, parse_query};

use super::scan::{self, Excess};
use crate::config::Limits;

/// The most lists of the schema (fields, interfaces …) that a path below `__schema` or `__type` may go
/// through; tools need one, and each multiplies the answer.
const INTROSPECTED_LISTS: u32 = 2;

/// A document that was parsed and found to be within the limits.
pub struct Checked {
    /// The document.
    pub document: ExecutableDocument,
    /// Whether it asks for the schema.
    pub introspects: bool,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no document; where and why.
    Syntax(String),
    /// A fragment contains itself.
    Cycle,
    /// A mutation names one response key twice: it would run twice.
    RepeatedMutation,
    /// It is above a limit; the text names the limit and its value.
    Limit(String),
}

/// Parses a document and holds it against the limits.
pub fn read(text: &str, limits: &Limits) -> Result<Checked, Fault> {
    scan::document(text, limits.query_tokens).map_err(|excess| match excess {
        Excess::Nesting => Fault::Limit(format!("Brackets may be nested {} deep.", scan::DEEPEST)),
        Excess::Tokens => Fault::Limit(format!("A document may have {} tokens.", limits.query_tokens)),
        Excess::Unclosed => Fault::Syntax("A block string is not closed.".to_owned()),
    })?;
    let document = parse_query(text).map_err(|error| Fault::Syntax(misparsed(&error)))?;
    let introspects = check(&document, limits)?;
    Ok(Checked { document, introspects })
}

/// Where and why a document cannot be read. The parser's own message repeats the line, in which there
/// can be a secret.
fn misparsed(error: &parser::Error) -> String {
    let parser::Error::Syntax { message, start, .. } = error else { return error.to_string() };
    let reason = message.lines().last().unwrap_or_default().trim_start_matches([' ', '=']);
    format!("Line {}, column {}: {reason}.", start.line, start.column)
}

/// Holds a parsed document against the limits; tells whether it asks for the schema.
pub fn check(document: &ExecutableDocument, limits: &Limits) -> Result<bool, Fault> {
    let mut walk =
        Walk { document, limits, fragments: HashMap::new(), aliases: 0, directives: 0, introspects: false };
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        walk.count_directives(operation.directives.len())?;
        for variable in &operation.variable_definitions {
            walk.count_directives(variable.node.directives.len())?;
        }
        let size = walk.set(&operation.selection_set.node)?;
        walk.within(size)?;
        if operation.ty == OperationType::Mutation {
            root_keys(document, &operation.selection_set.node, &mut HashSet::new())?;
        }
    }
    // The library validates fragments that no operation names, too.
    for name in document.fragments.keys() {
        walk.fragment(name)?;
    }
    Ok(walk.introspects)
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

/// How large a selection is, with its fragments opened.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Fields, inline fragments and spreads.
    selections: u64,
    /// Fields inside of fields.
    depth: u32,
    /// Selection sets inside of selection sets.
    levels: usize,
    /// Lists of the schema on one path.
    lists: u32,
}

impl Size {
    /// Adds one selection with what stands inside of it.
    fn add(&mut self, inside: Self) {
        self.selections = self.selections.saturating_add(inside.selections).saturating_add(1);
        self.depth = self.depth.max(inside.depth);
        self.levels = self.levels.max(inside.levels + 1);
        self.lists = self.lists.max(inside.lists);
    }
}

/// One way through a document.
struct Walk<'a> {
    document: &'a ExecutableDocument,
    limits: &'a Limits,
    /// The sizes of the fragments so far; none for one that is being looked at.
    fragments: HashMap<&'a str, Option<Size>>,
    aliases: u32,
    directives: u32,
    introspects: bool,
}

impl<'a> Walk<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Size, Fault> {
        let mut size = Size::default();
        for selection in &set.items {
            let inside = match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    self.count_directives(field.directives.len())?;
                    if field.alias.is_some() {
                        self.aliases += 1;
                        if self.aliases > self.limits.query_aliases {
                            let most = self.limits.query_aliases;
                            return Err(Fault::Limit(format!("A document may have {most} aliases.")));
                        }
                    }
                    let mut inside = self.set(&field.selection_set.node)?;
                    inside.depth += 1;
                    self.introspection(field.name.node.as_str(), &mut inside)?;
                    inside
                }
                Selection::InlineFragment(fragment) => {
                    self.count_directives(fragment.node.directives.len())?;
                    self.set(&fragment.node.selection_set.node)?
                }
                Selection::FragmentSpread(spread) => {
                    self.count_directives(spread.node.directives.len())?;
                    self.fragment(spread.node.fragment_name.node.as_str())?
                }
            };
            size.add(inside);
        }
        Ok(size)
    }

    /// The size of a fragment, which is looked at once.
    fn fragment(&mut self, name: &str) -> Result<Size, Fault> {
        match self.fragments.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Fault::Cycle),
            None => {}
        }
        // That there is none, the validation says.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Size::default());
        };
        self.fragments.insert(name.as_str(), None);
        self.count_directives(fragment.node.directives.len())?;
        let size = self.set(&fragment.node.selection_set.node)?;
        self.within(size)?;
        self.fragments.insert(name.as_str(), Some(size));
        Ok(size)
    }

    /// Notes that the schema is asked for, and how far.
    fn introspection(&mut self, name: &str, inside: &mut Size) -> Result<(), Fault> {
        match name {
            "fields" | "inputFields" | "interfaces" | "possibleTypes" => inside.lists += 1,
            "__schema" | "__type" => {
                self.introspects = true;
                if inside.lists > INTROSPECTED_LISTS {
                    return Err(Fault::Limit(format!(
                        "Below `{name}`, a path may go through {INTROSPECTED_LISTS} of the lists `fields`, \
                         `inputFields`, `interfaces` and `possibleTypes`."
                    )));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn count_directives(&mut self, more: usize) -> Result<(), Fault> {
        if more == 0 {
            return Ok(());
        }
        self.directives = self.directives.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        let most = self.limits.query_directives;
        if self.directives > most {
            return Err(Fault::Limit(format!("A document may have {most} directives.")));
        }
        Ok(())
    }

    fn within(&self, size: Size) -> Result<(), Fault> {
        let Limits { query_depth, query_selections, .. } = self.limits;
        if size.depth > *query_depth {
            return Err(Fault::Limit(format!("Fields may be nested {query_depth} deep.")));
        }
        if size.levels > scan::DEEPEST {
            let most = scan::DEEPEST;
            return Err(Fault::Limit(format!("Selections may be nested {most} deep, fragments opened.")));
        }
        if size.selections > *query_selections {
            return Err(Fault::Limit(format!(
                "An operation may stand for {query_selections} selections, fragments opened."
            )));
        }
        Ok(())
    }
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
mod tests;

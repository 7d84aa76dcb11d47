//! Documents that were read before: clients send the same few again and again.

use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::document::{self, Checked, Fault};
use crate::config::Limits;

/// How many documents are expected.
const EXPECTED: usize = 256;
/// How much text of documents is kept, in bytes; the parsed form is about twenty times as large.
const KEPT: u64 = 256 * 1024;
/// The longest document that is kept, in bytes.
const LONGEST: usize = 16 * 1024;

/// Reads documents, and remembers those that are in use.
pub struct Documents {
    limits: Limits,
    known: Cache<Box<str>, Arc<Checked>, Length>,
}

#[derive(Clone)]
struct Length;

impl Weighter<Box<str>, Arc<Checked>> for Length {
    fn weight(&self, text: &Box<str>, _: &Arc<Checked>) -> u64 {
        text.len() as u64
    }
}

impl Documents {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), known: Cache::with_weighter(EXPECTED, KEPT, Length) }
    }

    /// Parses a document and holds it against the limits, or finds it as it was read before.
    pub fn read(&self, text: &str) -> Result<Arc<Checked>, Fault> {
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        let read = Arc::new(document::read(text, &self.limits)?);
        // A change may have a secret written into it.
        let only_asks =
            read.document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query);
        if only_asks && text.len() <= LONGEST {
            self.known.insert(text.into(), Arc::clone(&read));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_remembered_and_what_is_no_document_is_not() {
        let documents = Documents::new(&Limits::default());
        let first = documents.read("{ a }").unwrap();
        assert!(Arc::ptr_eq(&first, &documents.read("{ a }").unwrap()));
        assert!(!Arc::ptr_eq(&first, &documents.read("{ a  }").unwrap()));
        assert!(documents.read("{ a").is_err());
        assert!(documents.read("{ a").is_err());
        let change = "mutation { a(secret: \"x\") }";
        assert!(!Arc::ptr_eq(&documents.read(change).unwrap(), &documents.read(change).unwrap()));
        let long = format!("{{ a }} # {}", "x".repeat(LONGEST));
        let read = documents.read(&long).unwrap();
        assert!(!Arc::ptr_eq(&read, &documents.read(&long).unwrap()));
    }

    #[test]
    fn the_memory_is_bounded() {
        let documents = Documents::new(&Limits::default());
        for number in 0..1_000 {
            documents.read(&format!("{{ a{number} }} # {}", "x".repeat(1_000))).unwrap();
        }
        assert!(documents.known.weight() <= KEPT);
        assert!(documents.known.len() < 300);
    }
}

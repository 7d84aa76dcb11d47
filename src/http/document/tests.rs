//! Each limit at its edge, on both sides.

use std::fmt::Write as _;

use super::*;

fn fault(text: &str) -> Result<(), Fault> {
    read(text, &Limits::default()).map(|_| ())
}

fn limit(message: &str) -> Result<(), Fault> {
    Err(Fault::Limit(message.to_owned()))
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
    let much = limit("An operation may stand for 10000 selections, fragments opened.");
    assert_eq!(fault(&chain(31, 1)), Ok(()));
    assert_eq!(fault(&chain(31, 2)), much);
    assert_eq!(fault(&chain(31, 3)), much);
    let unused = chain(31, 3).replace("{ ...f0 }", "{ a }");
    assert_eq!(fault(&unused), much);
}

#[test]
fn selections_are_counted_with_fragments_opened() {
    // A spread of a hundred fields is 101 selections: 99 of them and a field are 10,000.
    let text = |more: &str| {
        format!("{{ {} {more} }} fragment f on Query {{ {} }}", "...f ".repeat(99), "a ".repeat(100))
    };
    assert_eq!(fault(&text("a")), Ok(()));
    assert_eq!(fault(&text("a a")), limit("An operation may stand for 10000 selections, fragments opened."));
}

#[test]
fn depth_is_that_of_fields_wherever_they_stand() {
    let deep = |depth: usize| format!("{{ {} b {} }}", "a { ".repeat(depth - 1), "}".repeat(depth - 1));
    let much = limit("Fields may be nested 20 deep.");
    assert_eq!(fault(&deep(20)), Ok(()));
    assert_eq!(fault(&deep(21)), much);
    let half = |depth: usize| {
        let (open, close) = ("a { ".repeat(depth), "}".repeat(depth));
        format!("{{ a {{ ... {{ ...f }} }} }} fragment f on Query {{ {open} b {close} }}")
    };
    assert_eq!(fault(&half(18)), Ok(()));
    assert_eq!(fault(&half(19)), much);
}

#[test]
fn fragments_inside_of_fragments_have_an_end() {
    assert_eq!(fault(&chain(62, 1)), Ok(()));
    assert_eq!(fault(&chain(63, 1)), limit("Selections may be nested 64 deep, fragments opened."));
}

#[test]
fn aliases_and_directives_are_counted_over_the_whole_document() {
    let aliases = |count: usize| {
        let fields: Vec<String> = (1..count).map(|at| format!("a{at}: a")).collect();
        let fields = fields.join(" ");
        format!("{{ {fields} ...f }} fragment f on Query {{ b: a }}")
    };
    assert_eq!(fault(&aliases(30)), Ok(()));
    assert_eq!(fault(&aliases(31)), limit("A document may have 30 aliases."));
    let directives = |count: usize| {
        format!(
            "query($a: Int @x) @x {{ a {} ...f @x ... @x {{ a }} }} fragment f on Query @x {{ a }}",
            "@x ".repeat(count - 5)
        )
    };
    assert_eq!(fault(&directives(20)), Ok(()));
    assert_eq!(fault(&directives(21)), limit("A document may have 20 directives."));
}

#[test]
fn tokens_are_counted() {
    let tokens = |count: usize| format!("{{ {} }}", "a ".repeat(count - 2));
    assert_eq!(fault(&tokens(2_000)), Ok(()));
    assert_eq!(fault(&tokens(2_001)), limit("A document may have 2000 tokens."));
}

#[test]
fn a_fragment_that_contains_itself_is_refused() {
    let cycle = "fragment a on Query { ...b } fragment b on Query { ...a }";
    assert_eq!(fault(&format!("{{ ...a }} {cycle}")), Err(Fault::Cycle));
    assert_eq!(fault(&format!("{{ c }} {cycle}")), Err(Fault::Cycle));
}

#[test]
fn a_mutation_whose_key_comes_twice_is_refused() {
    let twice = "mutation { a ...f } fragment f on Mutation { a }";
    assert_eq!(fault(twice), Err(Fault::RepeatedMutation));
    assert_eq!(fault("mutation { a b: a ...f } fragment f on Mutation { c: a }"), Ok(()));
    assert_eq!(fault("{ a a }"), Ok(()));
}

#[test]
fn asking_for_the_schema_is_seen_and_bounded() {
    let introspects = |text: &str| read(text, &Limits::default()).map(|checked| checked.introspects);
    assert_eq!(introspects("{ fields { fields { fields } } __typename }"), Ok(false));
    assert_eq!(introspects("{ ...f } fragment f on Query { a: __type(name: \"A\") { name } }"), Ok(true));
    assert_eq!(introspects("{ __schema { types { fields { type { interfaces { name } } } } } }"), Ok(true));
    let deep = "{ __schema { types { fields { type { ...t } } } } }
        fragment t on __Type { possibleTypes { fields { name } } }";
    assert!(matches!(introspects(deep), Err(Fault::Limit(message)) if message.contains("`__schema`")));
}

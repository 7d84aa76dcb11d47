//! A look at a document before it is parsed.
//!
//! The parser's stack overflows, and the process with it, on a list or object
//! nested some thousand deep. This scan is linear and keeps no stack: it counts
//! tokens and open brackets outside of strings and comments.

/// The most brackets that may be open at once, in a document and in its variables.
pub const DEEPEST: usize = 64;

/// What is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Brackets are nested too deep.
    Nesting,
    /// There are too many tokens.
    Tokens,
    /// A block string has no end. It is no document, and what follows cannot be judged: the parser goes
    /// back and reads the three quotes as an empty string and the begin of another one.
    Unclosed,
}

/// Scans a GraphQL document, which may have so many tokens.
pub fn document(text: &str, most_tokens: usize) -> Result<(), Excess> {
    let bytes = text.as_bytes();
    let (mut at, mut open, mut tokens) = (0, 0usize, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                while at < bytes.len() && !matches!(bytes[at], b'\n' | b'\r') {
                    at += 1;
                }
                continue;
            }
            b'"' => at = string_end(bytes, at).ok_or(Excess::Unclosed)?,
            b'{' | b'[' | b'(' => {
                open += 1;
                at += 1;
            }
            b'}' | b']' | b')' => {
                open = open.saturating_sub(1);
                at += 1;
            }
            byte if is_word(byte) => {
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
            }
            _ => at += 1,
        }
        tokens += 1;
        if open > DEEPEST {
            return Err(Excess::Nesting);
        }
        if tokens > most_tokens {
            return Err(Excess::Tokens);
        }
    }
    Ok(())
}

/// Scans a JSON text for its nesting alone.
pub fn json(bytes: &[u8]) -> Result<(), Excess> {
    let (mut open, mut quoted, mut escaped) = (0usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                open += 1;
                // The variables stand one level inside of the body.
                if open > DEEPEST + 1 {
                    return Err(Excess::Nesting);
                }
            }
            b'}' | b']' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.') || byte >= 0x80
}

/// The place after the string that begins here; none for a block string that is not closed.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes[start..].starts_with(b"\"\"\"") {
        let mut at = start + 3;
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 4;
            } else if bytes[at..].starts_with(b"\"\"\"") {
                return Some(at + 3);
            } else {
                at += 1;
            }
        }
        return None;
    }
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            // A string ends with its line; what follows is scanned as the parser would see it: not at all.
            b'\n' | b'\r' => return Some(at),
            _ => at += 1,
        }
    }
    Some(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Result<(), Excess> {
        super::document(text, 2_000)
    }

    #[test]
    fn nesting_is_counted_outside_of_strings_and_comments() {
        let nested = |depth: usize| format!("{{ a(x: {}{}) }}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(document(&nested(62)), Ok(()));
        for depth in [63, 200, 1_500, 2_000, 20_000] {
            assert_eq!(document(&nested(depth)), Err(Excess::Nesting), "{depth}");
        }
        assert_eq!(document(&format!("{{ a(x: \"{}\") }}", "[".repeat(500))), Ok(()));
        assert_eq!(document(&format!("{{ a(x: \"\"\"{}\"\"\") }}", "[\"".repeat(500))), Ok(()));
        assert_eq!(document(&format!("# {}\n{{ a }}", "[".repeat(500))), Ok(()));
        assert_eq!(document(&format!("{{ a(x: \"\\\"\", y: {} }}", "[".repeat(500))), Err(Excess::Nesting));
    }

    #[test]
    fn a_block_string_without_an_end_hides_nothing() {
        let nested = "[".repeat(2_000);
        for text in [
            format!("{{ a(x: [\"\"\"a\" {nested}"),
            format!("{{ a(x: [\"\"\"\\\"\"\" \" {nested}"),
            format!("{{ a(x: [\"\"\"\"\"\"\"\"\" {nested}"),
            format!("{{ a(x: [\"\" \"\"\" {nested}"),
        ] {
            assert!(document(&text).is_err(), "{text}");
        }
        assert_eq!(document("{ a(x: \"\"\"closed \\\"\"\" here\"\"\") }"), Ok(()));
        assert_eq!(document("{ a(x: \"\"\"open"), Err(Excess::Unclosed));
    }

    #[test]
    fn tokens_are_counted() {
        assert_eq!(document(&format!("{{ {} }}", "a ".repeat(1_998))), Ok(()));
        assert_eq!(document(&format!("{{ {} }}", "a ".repeat(1_999))), Err(Excess::Tokens));
    }

    #[test]
    fn variables_are_looked_at_too() {
        let nested = |depth: usize| format!("{{\"variables\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(json(nested(64).as_bytes()), Ok(()));
        for depth in [65, 200, 2_000, 20_000] {
            assert_eq!(json(nested(depth).as_bytes()), Err(Excess::Nesting), "{depth}");
        }
        assert_eq!(json(br#"{"query":"\"[[["}"#), Ok(()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}|[\"\\\\\\[\\]{}#\n ]{0,200}") {
            let _ = document(&text);
            let _ = json(text.as_bytes());
        }
    }
}

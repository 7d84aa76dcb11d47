//! Which of the two media types an answer has, by the header `Accept`.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The form of an answer. The content is the same; the status is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/json`: what is wrong with a document is told with status 200, as clients of old expect.
    Json,
    /// `application/graphql-response+json`: a call that was not executed has a status that says so.
    GraphqlResponse,
}

impl Media {
    /// The name, as headers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GraphqlResponse => "application/graphql-response+json",
        }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json; charset=utf-8",
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        }
    }
}

/// How exactly a range names a media type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    /// `*/*`
    Anything,
    /// `application/*`
    Kind,
    /// The type itself.
    Exact,
}

/// The media type that the client prefers; none where it accepts neither.
///
/// Without a preference it is JSON, as the specification says; of the two named alike, the newer one.
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let mut best: [Option<(Exactness, u16)>; 2] = [None, None];
    let mut said_anything = false;
    for value in headers.get_all(ACCEPT) {
        // A header that is no text names nothing that we have.
        let text = value.to_str().unwrap_or("?");
        for range in outside_of_quotes(text, ',') {
            let range = range.trim();
            if range.is_empty() {
                continue;
            }
            said_anything = true;
            for (media, best) in [Media::Json, Media::GraphqlResponse].into_iter().zip(&mut best) {
                // The most exact range decides, whatever others say.
                let found = matches(range, media.name());
                if found.is_some_and(|(exact, _)| best.is_none_or(|(known, _)| exact > known)) {
                    *best = found;
                }
            }
        }
    }
    if !said_anything {
        return Some(Media::Json);
    }
    let wanted = |best: Option<(Exactness, u16)>| best.filter(|(_, weight)| *weight > 0);
    match (wanted(best[0]), wanted(best[1])) {
        (None, None) => None,
        (Some(_), None) => Some(Media::Json),
        (None, Some(_)) => Some(Media::GraphqlResponse),
        (Some(json), Some(newer)) => {
            let newer_is_named = newer.0 == Exactness::Exact;
            let is_preferred = (newer.1, newer.0) >= (json.1, json.0);
            Some(if newer_is_named && is_preferred { Media::GraphqlResponse } else { Media::Json })
        }
    }
}

/// Whether a range of `Accept` holds a media type: how exactly, and its weight in thousandths.
fn matches(range: &str, media: &str) -> Option<(Exactness, u16)> {
    let mut parts = outside_of_quotes(range, ';').map(str::trim);
    let name = parts.next()?;
    let exactness = if name.eq_ignore_ascii_case(media) {
        Exactness::Exact
    } else if name == "*/*" {
        Exactness::Anything
    } else if name.eq_ignore_ascii_case("application/*") {
        Exactness::Kind
    } else {
        return None;
    };
    let mut weight = 1_000;
    for (name, value) in parts.filter_map(|part| part.split_once('=')) {
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        if name.eq_ignore_ascii_case("q") {
            weight = thousandths(value)?;
        } else if name.eq_ignore_ascii_case("charset") && !value.eq_ignore_ascii_case("utf-8") {
            return None;
        }
    }
    Some((exactness, weight))
}

/// A weight: 0 to 1 with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

/// The parts of a text between separators that do not stand in a quoted string.
fn outside_of_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return letter == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn accepting(values: &[&str]) -> Option<Media> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        negotiate(&headers)
    }

    #[test]
    fn the_client_chooses() {
        let (json, newer) = (Some(Media::Json), Some(Media::GraphqlResponse));
        for (accept, expected) in [
            ("", json),
            ("*/*", json),
            ("application/*", json),
            ("application/json", json),
            ("application/graphql-response+json", newer),
            ("Application/GraphQL-Response+JSON", newer),
            ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", newer),
            ("application/json, application/graphql-response+json", newer),
            ("application/graphql-response+json;q=0.9, application/json", json),
            ("application/graphql-response+json, application/json;q=0.9", newer),
            ("application/graphql-response+json, */*", newer),
            ("application/json, */*", json),
            ("application/graphql-response+json;q=0.5, */*;q=0.8", json),
            ("application/json;q=0, */*", newer),
            ("application/json;q=0, application/*", newer),
            ("application/graphql-response+json;q=0, */*", json),
            ("*/*;q=0, application/json;q=0.001", json),
            ("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", json),
            ("text/html;x=\"a,application/json\"", None),
            ("text/html;x=\"\\\",\", application/json", json),
            ("text/html", None),
            ("*/*;q=0", None),
            ("application/json;q=0", None),
            ("application/json;q=2", None),
            ("application/json;q=0.0001", None),
            ("application/json;charset=latin1", None),
            ("application/json;charset=\"UTF-8\"", json),
            ("application", None),
            (", ,application/json,", json),
            ("é", None),
        ] {
            assert_eq!(accepting(&[accept]), expected, "{accept}");
        }
        assert_eq!(accepting(&[]), json);
        assert_eq!(accepting(&["text/html", "application/json"]), json);
    }

    proptest! {
        #[test]
        fn no_header_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = negotiate(&HeaderMap::from_iter([(ACCEPT, value)]));
            }
        }

        #[test]
        fn no_list_panics(parts in prop::collection::vec(prop::sample::select(vec![
            "application/json", "application/graphql-response+json", "*/*", "application/*", ";", ",", "q=", "q", "=", "\"", "\\",
            " ", "0.5", "1", "1.000", "é", "charset=utf-8", "/",
        ]), 0..16)) {
            let _ = accepting(&[&parts.concat()]);
        }

        /// What weighs more is taken, wherever it stands.
        #[test]
        fn the_higher_weight_wins(json in 0u16..=1_000, newer in 0u16..=1_000, turned: bool) {
            let weight = |thousandths: u16| format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
            let mut ranges = [
                format!("application/json;q={}", weight(json)),
                format!("application/graphql-response+json; q={}", weight(newer)),
            ];
            if turned {
                ranges.reverse();
            }
            let expected = match (json, newer) {
                (0, 0) => None,
                _ if newer >= json => Some(Media::GraphqlResponse),
                _ => Some(Media::Json),
            };
            prop_assert_eq!(accepting(&[&ranges.join(", ")]), expected);
        }
    }
}

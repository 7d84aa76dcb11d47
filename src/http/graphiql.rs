//! GraphiQL, the IDE of the API, out of this binary: nothing is fetched from anywhere else, so it works in a network
//! without a way out. The page's sources are in `web/`; `build.rs` bundles them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::map_response;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

include!(concat!(env!("OUT_DIR"), "/graphiql_assets.rs"));

/// Monaco, the editor, sets styles from its script and has its icons as `data:` fonts and images.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    font-src 'self' data:; img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'none'; \
    frame-ancestors 'none'; base-uri 'none'";

/// What the page is told: everything in it can be read by whoever reaches the server.
#[derive(Debug, Clone, Serialize)]
pub struct Page {
    /// Where the page sends operations: a path of this server, such as `/graphql`.
    pub endpoint: String,
    /// The people of the demo, whom a visitor can act as. Empty outside the demo.
    pub people: Vec<DemoPerson>,
    /// The prepared operations: tabs on the first visit, and always in the page's menu "Operations".
    pub tabs: Vec<Tab>,
}

/// A person of the demo, with the token that lets any visitor act as them.
#[derive(Debug, Clone, Serialize)]
pub struct DemoPerson {
    /// How the person is called; no two people of a page share a name.
    pub name: String,
    /// What the person is there, in words.
    pub role: String,
    /// The slug or domain to send as `Guichet-Organization`.
    pub organization: String,
    /// A token that this server accepts.
    pub token: String,
}

/// A prepared operation.
#[derive(Debug, Clone, Serialize)]
pub struct Tab {
    /// What the menu calls it; no two tabs of a page share a title. The tab itself shows the operation's name.
    pub title: String,
    /// The GraphQL document.
    pub query: String,
    /// Its variables, as JSON.
    pub variables: Option<String>,
}

/// A file of the page. Its name holds a hash of its content, so it never changes.
struct Asset {
    role: Role,
    name: &'static str,
    content_type: &'static str,
    gzip: &'static [u8],
}

/// What a file is to the page.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "an empty table, built without npm, constructs none")]
enum Role {
    Script,
    Style,
    Icon,
    Licence,
    /// Loaded by another file.
    Part,
}

/// Serves the page at `/graphiql`, and what it needs below it.
pub fn router(page: Page) -> Router {
    Router::new()
        .route("/graphiql", get(document))
        .route("/graphiql/config.json", get(config))
        .route("/graphiql/assets/{file}", get(asset))
        .layer(map_response(protect))
        .with_state(Arc::new(page))
}

async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn document() -> Response {
    // Its files have other names in the next release: browsers ask for it each time.
    ([(CACHE_CONTROL, "no-cache")], Html(html(ASSETS))).into_response()
}

async fn config(State(page): State<Arc<Page>>) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(page.as_ref())).into_response()
}

async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == file) else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    if !accepts_gzip(&headers) {
        let sentence = "This file is only served with `Content-Encoding: gzip`.\n";
        return (StatusCode::NOT_ACCEPTABLE, [(VARY, "Accept-Encoding")], sentence).into_response();
    }
    let described = [
        (CONTENT_TYPE, asset.content_type),
        (CONTENT_ENCODING, "gzip"),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "Accept-Encoding"),
    ];
    (described, asset.gzip).into_response()
}

/// A client that does not name encodings takes any (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let named: Vec<_> = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(encoding)
        .collect();
    let weight = |name| named.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, q)| *q);
    named.is_empty() || weight("gzip").or_else(|| weight("*")).is_some_and(|q| q > 0.0)
}

/// `gzip;q=0.5` as its name and its weight. A weight that is not a number refuses.
fn encoding(item: &str) -> (&str, f32) {
    match item.split_once(';') {
        None => (item.trim(), 1.0),
        Some((name, parameter)) => {
            let weight = parameter.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
            (name.trim(), weight.unwrap_or(0.0))
        }
    }
}

/// Addresses are relative, so the page also works behind a proxy that serves Guichet under a path.
fn html(assets: &[Asset]) -> String {
    let file = |role: Role| assets.iter().find(|asset| asset.role == role).map(|asset| asset.name);
    let (Some(script), Some(style), Some(icon), Some(licence)) =
        (file(Role::Script), file(Role::Style), file(Role::Icon), file(Role::Licence))
    else {
        return NOT_BUILT.to_owned();
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guichet · GraphiQL</title>
<link rel="icon" href="graphiql/assets/{icon}">
<link rel="license" href="graphiql/assets/{licence}">
<link rel="stylesheet" href="graphiql/assets/{style}">
<script type="module" src="graphiql/assets/{script}"></script>
</head>
<body>
<div id="page"><noscript>GraphiQL is a program in JavaScript, which this browser does not run.</noscript></div>
</body>
</html>
"#
    )
}

const NOT_BUILT: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guichet · GraphiQL</title>
<style>
:root { color-scheme: light dark; }
body { max-width: 40em; margin: 15vh auto 0; padding: 0 1em; font: 16px/1.6 system-ui, sans-serif; }
</style>
</head>
<body>
<h1>GraphiQL is not in this binary</h1>
<p>Guichet was built on a machine without npm, or without a way to the npm registry. The API works all the same.</p>
<p>To have GraphiQL here, install Node.js 20 or newer, which brings npm, and build again with</p>
<pre><code>GUICHET_WEB=require cargo build</code></pre>
<p>With this setting the build stops and gives the reason if the page cannot be made.</p>
</body>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_accepted_unless_it_is_refused() {
        for value in ["gzip", "deflate, GZIP;q=0.5, br", "*", "br, *;q=0.1"] {
            assert!(accepts_gzip(&accepting(value)), "{value}");
        }
        assert!(accepts_gzip(&HeaderMap::new()));
        for value in ["identity", "br, deflate", "gzip;q=0", "gzip;q=0, *", "*;q=0", ""] {
            assert!(!accepts_gzip(&accepting(value)), "{value}");
        }
    }

    #[test]
    fn the_page_names_its_files() {
        let asset = |role, name| Asset { role, name, content_type: "text/plain", gzip: b"" };
        let page = html(&[
            asset(Role::Part, "chunk-1.js"),
            asset(Role::Script, "page-2.js"),
            asset(Role::Style, "page-3.css"),
            asset(Role::Icon, "icon-4.svg"),
            asset(Role::Licence, "licences-5.txt"),
        ]);
        for name in ["page-2.js", "page-3.css", "icon-4.svg", "licences-5.txt"] {
            assert!(page.contains(&format!("\"graphiql/assets/{name}\"")), "{name}");
        }
        assert!(!page.contains("chunk-1.js"));
    }

    #[test]
    fn a_binary_without_the_page_says_how_to_get_it() {
        assert!(html(&[]).contains("GUICHET_WEB=require cargo build"));
    }

    #[tokio::test]
    async fn files_are_kept_for_ever_and_only_sent_to_those_who_can_read_them() {
        let Some(known) = ASSETS.first() else { return };
        let sent = asset(Path(known.name.to_owned()), accepting("gzip")).await;
        assert_eq!(sent.status(), StatusCode::OK);
        assert_eq!(sent.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(sent.headers()[CACHE_CONTROL], "public, max-age=31536000, immutable");
        let refused = asset(Path(known.name.to_owned()), accepting("br")).await;
        assert_eq!(refused.status(), StatusCode::NOT_ACCEPTABLE);
        let unknown = asset(Path("../Cargo.toml".to_owned()), accepting("gzip")).await;
        assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    }
}

//! The pages that people open: GraphiQL, the request page, and the way back from an issuer's sign-in.
//!
//! They come out of this binary: nothing is fetched from anywhere else, so they work in a network without a way out.
//! Their sources are in `web/`; `build.rs` bundles them.

pub mod graphiql;
pub mod request;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

include!(concat!(env!("OUT_DIR"), "/web_assets.rs"));

/// What the pages are told besides what the API says. Whoever reaches the server can read all of it.
#[derive(Debug, Clone, Default)]
pub struct PageSettings {
    /// The prepared operations of GraphiQL; none where GraphiQL is not served.
    pub graphiql: Option<Vec<graphiql::Tab>>,
    /// The people of the demo, as whom visitors can act; nobody outside the demo.
    pub people: Vec<DemoPerson>,
}

/// A person of the demo, with the token that lets any visitor act as them.
#[derive(Debug, Clone, Serialize)]
pub struct DemoPerson {
    /// How the person is called; no two people share a name.
    pub name: String,
    /// What the person is there, in words.
    pub role: String,
    /// The slug or domain to send as `Guichet-Organization`.
    pub organization: String,
    /// A token that this server accepts.
    pub token: String,
}

/// A file of the pages. Its name holds a hash of its content, so it never changes.
struct Asset {
    /// What it is to a page, as `build.mjs` calls it; `part` where only another file asks for it.
    role: &'static str,
    name: &'static str,
    content_type: &'static str,
    gzip: &'static [u8],
}

/// A page: what its document says before its script takes over.
struct Page {
    title: &'static str,
    /// The way from the page's address up to that of the server.
    up: &'static str,
    /// The roles of its files.
    script: &'static str,
    style: &'static str,
    /// What whoever does not run scripts is told.
    without_script: &'static str,
    /// What may be loaded and done on it.
    policy: &'static str,
}

/// The files of all pages, at `/assets`.
pub fn assets() -> Router {
    Router::new().route("/assets/{file}", get(asset))
}

impl Page {
    /// The document, with what protects it.
    fn answer(&self) -> Response {
        // Its files have other names in the next release: browsers ask for it each time.
        protected(([(CACHE_CONTROL, "no-cache")], Html(self.html(ASSETS))).into_response(), self.policy)
    }

    /// Addresses are relative, so the page also works behind a proxy that serves Guichet under a path.
    fn html(&self, assets: &[Asset]) -> String {
        let file = |role: &str| assets.iter().find(|asset| asset.role == role).map(|asset| asset.name);
        let (Some(script), Some(style), Some(icon), Some(licence)) =
            (file(self.script), file(self.style), file("icon"), file("licence"))
        else {
            return NOT_BUILT.to_owned();
        };
        let Self { title, up, without_script, .. } = self;
        format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{up}assets/{icon}">
<link rel="license" href="{up}assets/{licence}">
<link rel="stylesheet" href="{up}assets/{style}">
<script type="module" src="{up}assets/{script}"></script>
</head>
<body>
<div id="page"><noscript>{without_script}</noscript></div>
</body>
</html>
"#
        )
    }
}

/// With the headers that keep a page to itself.
fn protected(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
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
    // Workers are scripts of their own, with a policy of their own: the strictest that lets them run.
    protected((described, asset.gzip).into_response(), "default-src 'none'; script-src 'self'")
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

const NOT_BUILT: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Guichet</title>
<style>
:root { color-scheme: light dark; }
body { max-width: 40em; margin: 15vh auto 0; padding: 0 1em; font: 16px/1.6 system-ui, sans-serif; }
</style>
</head>
<body>
<h1>This page is not in this binary</h1>
<p>Guichet was built on a machine without npm, or without a way to the npm registry. The API works all the same.</p>
<p>To have the pages here, install Node.js 20 or newer, which brings npm, and build again with</p>
<pre><code>GUICHET_WEB=require cargo build</code></pre>
<p>With this setting the build stops and gives the reason if the pages cannot be made.</p>
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

    const PAGE: Page = Page {
        title: "A page",
        up: "../",
        script: "a.script",
        style: "a.style",
        without_script: "It wants a script.",
        policy: "default-src 'none'",
    };

    #[test]
    fn a_page_names_its_files() {
        let asset = |role, name| Asset { role, name, content_type: "text/plain", gzip: b"" };
        let html = PAGE.html(&[
            asset("part", "chunk-1.js"),
            asset("a.script", "a-2.js"),
            asset("a.style", "a-3.css"),
            asset("b.script", "b-2.js"),
            asset("icon", "icon-4.svg"),
            asset("licence", "licences-5.txt"),
        ]);
        for name in ["a-2.js", "a-3.css", "icon-4.svg", "licences-5.txt"] {
            assert!(html.contains(&format!("\"../assets/{name}\"")), "{name}");
        }
        assert!(!html.contains("chunk-1.js") && !html.contains("b-2.js"));
    }

    #[test]
    fn a_binary_without_the_pages_says_how_to_get_them() {
        assert!(PAGE.html(&[]).contains("GUICHET_WEB=require cargo build"));
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

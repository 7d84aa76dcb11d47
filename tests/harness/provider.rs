//! An issuer that nobody here wrote: `oidc-provider` of npm.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use url::Url;

use super::npm::Script;

/// A running provider.
pub struct Provider {
    _script: Script,
    pub issuer: String,
}

impl Provider {
    /// A provider that knows these people, by their claims; none where it is missing and may be.
    pub fn start(people: &Value) -> Option<Self> {
        Self::with(&[&people.to_string()])
    }

    /// A provider at which these people can sign in, to be sent back to this address.
    pub fn sending_back(people: &Value, address: &str) -> Option<Self> {
        Self::with(&[&people.to_string(), address])
    }

    fn with(arguments: &[&str]) -> Option<Self> {
        let script = Script::start("oidc", "server.mjs", arguments)?;
        let first: Value = serde_json::from_str(&script.first_line).unwrap();
        Some(Self { issuer: first["issuer"].as_str().unwrap().to_owned(), _script: script })
    }

    /// As an issuer of the settings.
    pub fn trusted(&self) -> Value {
        json!({ "issuer": self.issuer, "audience": "guichet",
            "keys": { "jwksUrl": format!("{}/jwks", self.issuer) }, "algorithms": ["RS256"] })
    }

    /// As an issuer at which people sign in on our pages.
    pub fn with_sign_in(&self, more: Value) -> Value {
        let mut sign_in = json!({ "id": "adatum", "name": "Adatum", "clientId": "guichet-page", "resource": "urn:guichet",
            "authorizationUrl": format!("{}/auth", self.issuer), "tokenUrl": format!("{}/token", self.issuer) });
        let Value::Object(more) = more else { panic!("settings are an object") };
        sign_in.as_object_mut().unwrap().extend(more);
        let mut issuer = self.trusted();
        issuer["signIn"] = sign_in;
        issuer
    }

    /// An access token of somebody, without a browser.
    pub async fn token(&self, subject: &str) -> String {
        let answer = Client::new()
            .post(format!("{}/token", self.issuer))
            .basic_auth(subject, Some("secret"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials")
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, path: &str) -> String {
        reqwest::get(format!("{}{path}", self.issuer)).await.unwrap().text().await.unwrap()
    }

    /// Signs somebody in as a browser would, from the address that one is sent to; answers what comes back with them.
    pub async fn visit(&self, address: &str, name: &str) -> BTreeMap<String, String> {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut cookies = BTreeMap::new();
        let form = at(&self.issuer, &follow(client.get(address), &mut cookies).await);
        let filled = client
            .post(&form)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("name={name}"));
        let onwards = at(&self.issuer, &follow(filled, &mut cookies).await);
        let back = Url::parse(&follow(client.get(&onwards), &mut cookies).await).unwrap();
        assert!(!back.as_str().starts_with(&self.issuer), "{back}");
        back.query_pairs().into_owned().collect()
    }
}

/// Sends a request as a browser with these cookies; answers where it leads.
async fn follow(request: RequestBuilder, cookies: &mut BTreeMap<String, String>) -> String {
    let sent: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let response: Response = request.header(COOKIE, sent.join("; ")).send().await.unwrap();
    for set in response.headers().get_all(SET_COOKIE) {
        let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
        cookies.insert(name.to_owned(), value.to_owned());
    }
    let status = response.status();
    let Some(location) = response.headers().get(LOCATION).cloned() else {
        panic!("{status}: {}", response.text().await.unwrap());
    };
    location.to_str().unwrap().to_owned()
}

fn at(issuer: &str, path: &str) -> String {
    Url::parse(issuer).unwrap().join(path).unwrap().into()
}

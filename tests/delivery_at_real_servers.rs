//! The flows of delivery at SCIM servers that nobody here wrote: npm `scimmy-routers`, `PyPI` `scim2-server`.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::npm::Script;
use crate::harness::scim_world::{ScimPackage, TOKEN};
use crate::harness::{Server, npm, python};

const ADA: &str = "ada@contoso.example";
const OTHER: &str = "other@example.org";

/// A real server with a group that holds somebody already.
struct Peer {
    name: &'static str,
    base_url: String,
    group: String,
    client: Client,
    /// Ends with this value.
    _script: Script,
}

impl Peer {
    /// The servers that are there.
    async fn all() -> Vec<Self> {
        let scimmy = npm::Script::start("scim", "server.mjs", &[TOKEN]).map(|it| ("scimmy", "/scim/v2", it));
        let scim2 =
            python::start("scim2_server", "server.py", &[TOKEN]).map(|it| ("scim2-server", "/v2", it));
        let mut peers = Vec::new();
        for (name, path, script) in [scimmy, scim2].into_iter().flatten() {
            let line: Value = serde_json::from_str(&script.first_line).unwrap();
            let base_url = format!("http://127.0.0.1:{}{path}", line["port"]);
            let mut peer =
                Self { name, base_url, group: String::new(), client: Client::new(), _script: script };
            let other = peer.make("Users", "User", json!({ "userName": OTHER })).await;
            let members = json!([{ "value": other }]);
            peer.group =
                peer.make("Groups", "Group", json!({ "displayName": "Team", "members": members })).await;
            peers.push(peer);
        }
        peers
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let mut request = self.client.request(method, format!("{}/{path}", self.base_url)).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{}: {path}: {status}: {text}", self.name);
        serde_json::from_str(&text).unwrap()
    }

    /// Makes a user or a group; gives the id.
    async fn make(&self, path: &str, schema: &str, mut body: Value) -> String {
        body["schemas"] = json!([format!("urn:ietf:params:scim:schemas:core:2.0:{schema}")]);
        self.call(Method::POST, path, Some(&body)).await["id"].as_str().unwrap().to_owned()
    }

    /// The login names of the members, sorted.
    async fn truth(&self) -> Vec<String> {
        let group = self.call(Method::GET, &format!("Groups/{}", self.group), None).await;
        let mut names = Vec::new();
        for member in group["members"].as_array().into_iter().flatten() {
            let path = format!("Users/{}", member["value"].as_str().unwrap());
            names.push(self.call(Method::GET, &path, None).await["userName"].as_str().unwrap().to_owned());
        }
        names.sort();
        names
    }

    async fn package(&self, server: &Server) -> (Value, ScimPackage) {
        let connector = server.scim_connector(self.name, &self.base_url).await;
        let package = server.scim_package_of(&connector, self.name, &self.group).await;
        (connector, package)
    }
}

async fn state_of(server: &Server, package: &ScimPackage, assignment: &Value) -> String {
    server.rest(&[package]).await.state_of(assignment).to_owned()
}

on_both_databases! {
    async fn access_is_given_taken_given_again_and_ends_with_the_leaver(server: Server) {
        for peer in Peer::all().await {
            let (_, package) = peer.package(&server).await;
            let ada = server.colleague(peer.name, ADA).await;
            let held = server.give(&package, &ada).await;
            assert_eq!(state_of(&server, &package, &held).await, "DELIVERED", "{}", peer.name);
            assert_eq!(peer.truth().await, [ADA, OTHER], "{}", peer.name);
            server.take(&held).await;
            assert_eq!(state_of(&server, &package, &held).await, "ENDED", "{}", peer.name);
            assert_eq!(peer.truth().await, [OTHER], "{}", peer.name);
            let again = server.give(&package, &ada).await;
            assert_eq!(state_of(&server, &package, &again).await, "DELIVERED", "{}", peer.name);
            assert_eq!(peer.truth().await, [ADA, OTHER], "{}", peer.name);
            server.build("deactivateUser", "user { id }", json!({ "id": ada })).await;
            assert_eq!(state_of(&server, &package, &again).await, "ENDED", "{}", peer.name);
            assert_eq!(peer.truth().await, [OTHER], "{}", peer.name);
        }
    }

    async fn two_catalogs_share_a_group(server: Server) {
        for peer in Peer::all().await {
            let (connector, first) = peer.package(&server).await;
            let name = format!("{} again", peer.name);
            let second = server.scim_package_of(&connector, &name, &peer.group).await;
            let ada = server.colleague(peer.name, ADA).await;
            let (one, other) = (server.give(&first, &ada).await, server.give(&second, &ada).await);
            server.rest(&[&first, &second]).await;
            assert_eq!(peer.truth().await, [ADA, OTHER], "{}", peer.name);
            server.take(&one).await;
            assert_eq!(state_of(&server, &first, &one).await, "ENDED", "{}", peer.name);
            assert_eq!(peer.truth().await, [ADA, OTHER], "{}", peer.name);
            server.take(&other).await;
            assert_eq!(state_of(&server, &second, &other).await, "ENDED", "{}", peer.name);
            assert_eq!(peer.truth().await, [OTHER], "{}", peer.name);
        }
    }
}

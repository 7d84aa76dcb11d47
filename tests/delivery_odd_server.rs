//! The odd SCIM server of the tests: faithful by default, and odd as told.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::odd_scim::{Account, OddScim, Oddity};
use crate::harness::scim_world::TOKEN;

const ADA: &str = "ada@example.org";
const BEN: &str = "ben@example.org";

struct Remote {
    odd: OddScim,
    client: Client,
}

impl Remote {
    /// A server with a group of which Ben is a member.
    async fn start(oddities: &[Oddity]) -> Self {
        let odd = OddScim::start(oddities).await;
        odd.put_group("team");
        odd.put_user(Account::named(BEN));
        odd.put_in("team", BEN);
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { odd, client }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        self.call_with(method, path, body, &[]).await
    }

    async fn call_with(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut request =
            self.client.request(method, format!("{}{path}", self.odd.base_url())).bearer_auth(TOKEN);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, None).await.1
    }

    async fn patch(&self, operations: Value) -> (u16, Value) {
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.call(Method::PATCH, "/Groups/team", Some(body)).await
    }

    /// Makes a user by a call; gives the id.
    async fn make(&self, user_name: &str) -> Value {
        let (status, made) = self.call(Method::POST, "/Users", Some(json!({ "userName": user_name }))).await;
        assert_eq!(status, 201, "{made}");
        made["id"].clone()
    }

    async fn ben(&self) -> Value {
        self.get("/Users?filter=userName%20eq%20%22BEN@example.org%22").await["Resources"][0]["id"].clone()
    }
}

fn add(ids: &[&Value]) -> Value {
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    json!({ "op": "add", "path": "members", "value": members })
}

fn remove(id: &Value) -> Value {
    json!({ "op": "remove", "path": format!("members[value eq {id}]") })
}

fn remove_by_value(id: &Value) -> Value {
    json!({ "op": "remove", "path": "members", "value": [{ "value": id }] })
}

#[tokio::test]
async fn it_is_faithful_by_default() {
    let remote = Remote::start(&[]).await;
    let ada = remote.make(ADA).await;
    let twice = remote.call(Method::POST, "/Users", Some(json!({ "userName": "ADA@example.org" }))).await;
    assert_eq!((twice.0, &twice.1["scimType"]), (409, &json!("uniqueness")));
    assert_eq!(remote.patch(json!([add(&[&ada]), add(&[&ada])])).await.0, 204);
    assert_eq!(remote.odd.truth("team"), [ADA, BEN]);
    let group = remote.get("/Groups/team?attributes=members.value").await;
    assert_eq!((group["members"].as_array().unwrap().len(), &group["displayName"]), (2, &Value::Null));
    let id = ada.as_str().unwrap();
    for (filter, found) in [
        (format!("id eq \"team\" and members.value eq \"{id}\""), 1),
        ("id eq \"team\" and members.value eq \"nobody\"".to_owned(), 0),
    ] {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", &filter).finish();
        let list = remote.get(&format!("/Groups?{query}")).await;
        assert_eq!(list["totalResults"], found, "{filter}");
    }
    assert_eq!(
        remote.get("/Users?filter=emails.value%20eq%20%22ben@example.org%22").await["totalResults"],
        1
    );
    assert_eq!(remote.get("/Users?filter=externalId%20eq%20%22none%22").await["totalResults"], 0);
    let unknown = remote.call(Method::GET, "/Users?filter=nickName%20pr", None).await;
    assert_eq!((unknown.0, &unknown.1["scimType"]), (400, &json!("invalidFilter")));
    // Removed by filter, by value, and replaced.
    let ben = remote.ben().await;
    assert_eq!(remote.patch(json!([remove(&ben)])).await.0, 204);
    assert_eq!(remote.odd.truth("team"), [ADA]);
    assert_eq!(remote.patch(json!([remove_by_value(&ada), add(&[&ben])])).await.0, 204);
    assert_eq!(remote.odd.truth("team"), [BEN]);
    let replace = json!({ "op": "replace", "path": "members", "value": [{ "value": ada }] });
    assert_eq!(remote.patch(json!([replace])).await.0, 204);
    assert_eq!(
        (remote.odd.truth("team"), remote.odd.writes_of(BEN)),
        (vec![ADA.to_owned()], vec!["remove", "add"])
    );
    // All or nothing.
    let refused = remote.patch(json!([add(&[&ben]), add(&[&json!("nobody")])])).await;
    assert_eq!((refused.0, remote.odd.truth("team")), (400, vec![ADA.to_owned()]));
    // A version that does not fit.
    let body = json!({ "Operations": [add(&[&ben])] });
    let stale = remote.call_with(Method::PATCH, "/Groups/team", Some(body), &[("if-match", "W/\"1\"")]).await;
    assert_eq!((stale.0, remote.odd.truth("team")), (412, vec![ADA.to_owned()]));
    let missing = remote.call(Method::GET, "/Groups/other", None).await;
    assert_eq!((missing.0, &missing.1["status"]), (404, &json!("404")));
    assert_eq!(remote.call(Method::DELETE, &format!("/Users/{id}"), None).await.0, 204);
    assert!(remote.odd.truth("team").is_empty());
    assert_eq!(remote.odd.count("POST", "/Users"), 2);
    let statuses: Vec<u16> = remote.odd.calls().iter().map(|call| call.status).collect();
    assert_eq!((statuses[0], statuses.last()), (201, Some(&204)));
    let stranger = remote.client.get(remote.odd.base_url() + "/Users").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
}

#[tokio::test]
async fn it_writes_oddly_as_told() {
    // What is switched on; the operations on Ada, who is no member, and Ben, who is one; the truth
    // afterwards.
    type Row = (Oddity, fn(&Value, &Value) -> Value, u16, &'static [&'static str]);
    let rows: [Row; 14] = [
        (Oddity::AddNotDone, |ada, _| json!([add(&[ada])]), 204, &[BEN]),
        (Oddity::AddReplaces, |ada, _| json!([add(&[ada])]), 204, &[ADA]),
        (Oddity::AddDropsOne, |ada, _| json!([add(&[ada])]), 204, &[ADA]),
        (Oddity::AddRepeats, |_, ben| json!([add(&[ben])]), 204, &[BEN, BEN]),
        (Oddity::RemovalNotDone, |_, ben| json!([remove(ben), remove_by_value(ben)]), 204, &[BEN]),
        (Oddity::FilteredRemovalNotDone, |_, ben| json!([remove(ben)]), 204, &[BEN]),
        (Oddity::FilteredRemovalNotDone, |_, ben| json!([remove_by_value(ben)]), 204, &[]),
        (Oddity::RemovalShowsMember, |_, ben| json!([remove(ben)]), 200, &[BEN]),
        (Oddity::RemovalByValueRemovesAll, |ada, _| json!([remove_by_value(ada)]), 204, &[]),
        (
            Oddity::RefusedBatchCommitsFirst,
            |ada, _| json!([add(&[ada]), add(&[&json!("nobody")])]),
            400,
            &[ADA, BEN],
        ),
        (Oddity::BatchWithMemberFails, |ada, ben| json!([add(&[ada, ben])]), 500, &[BEN]),
        (Oddity::FilteredRemovalRefused, |_, ben| json!([remove(ben)]), 501, &[BEN]),
        (Oddity::PathlessOnly, |ada, _| json!([add(&[ada])]), 400, &[BEN]),
        (
            Oddity::PathlessOnly,
            |ada, _| json!([{ "op": "add", "value": { "members": [{ "value": ada }] } }]),
            204,
            &[ADA, BEN],
        ),
    ];
    for (oddity, operations, status, truth) in rows {
        let remote = Remote::start(&[oddity]).await;
        let (ada, ben) = (remote.make(ADA).await, remote.ben().await);
        assert_eq!(remote.patch(operations(&ada, &ben)).await.0, status, "{oddity:?}");
        assert_eq!(remote.odd.truth("team"), truth, "{oddity:?}");
    }
    // Places that shift: the second removal takes another one.
    let remote = Remote::start(&[Oddity::ShiftingIndexes]).await;
    let ids = [remote.make(ADA).await, remote.make("cleo@example.org").await];
    remote.patch(json!([add(&[&ids[0], &ids[1]])])).await;
    let ben = remote.ben().await;
    assert_eq!(remote.patch(json!([remove(&ben), remove(&ids[0])])).await.0, 204);
    assert_eq!(remote.odd.truth("team"), [ADA]);
}

#[tokio::test]
async fn it_reads_oddly_as_told() {
    /// What a group shows, made of its true members.
    type Shown = fn(&Value, &Value) -> Value;
    let rows: [(Oddity, Shown); 6] = [
        (Oddity::MembersLeftOut, |_, _| Value::Null),
        (Oddity::MembersEmpty, |_, _| json!([])),
        (Oddity::FirstMembersOnly(1), |ben, _| json!([{ "value": ben }])),
        (Oddity::OtherCaseIds, |ben, ada| {
            let upper = |id: &Value| id.as_str().unwrap().to_uppercase();
            json!([{ "value": upper(ben) }, { "value": upper(ada) }])
        }),
        (Oddity::NumericIds, |_, _| json!([{ "value": 1 }, { "value": 2 }])),
        (Oddity::ReadingsLagWrites(1), |ben, _| json!([{ "value": ben }])),
    ];
    for (oddity, expected) in rows {
        let remote = Remote::start(&[oddity]).await;
        let (ben, ada) = (remote.ben().await, remote.make(ADA).await);
        remote.patch(json!([add(&[&ada])])).await;
        assert_eq!(remote.get("/Groups/team").await["members"], expected(&ben, &ada), "{oddity:?}");
        assert_eq!(remote.odd.truth("team"), [ADA, BEN], "{oddity:?}");
    }
    let remote = Remote::start(&[Oddity::RefOnly]).await;
    let members = remote.get("/Groups/team").await["members"].clone();
    assert!(members[0]["$ref"].is_string() && members[0]["value"].is_null(), "{members}");
    let remote = Remote::start(&[Oddity::ReadingsLagReadings(2)]).await;
    let ada = remote.make(ADA).await;
    remote.patch(json!([add(&[&ada])])).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(remote.get("/Groups/team").await["members"].as_array().unwrap().len());
    }
    assert_eq!(seen, [1, 1, 2]);
    let remote = Remote::start(&[Oddity::LongMembers]).await;
    remote.odd.put_crowd("team", "example.org", 600);
    let long = remote.get("/Groups/team").await.to_string().len();
    let short = remote.get("/Groups/team?attributes=members.value").await.to_string().len();
    assert!(long > 1024 * 1024 && short < 1024 * 1024, "{long}, {short}");
}

#[tokio::test]
async fn it_knows_users_oddly_as_told() {
    let remote = Remote::start(&[Oddity::NewUserUnknown { calls: 1, status: 404 }]).await;
    let ada = remote.make(ADA).await;
    let refused = remote.patch(json!([add(&[&ada])])).await;
    assert!(refused.0 == 404 && refused.1["detail"].as_str().unwrap().contains(ada.as_str().unwrap()));
    assert_eq!(remote.patch(json!([add(&[&ada])])).await.0, 204);
    let remote = Remote::start(&[Oddity::UserNameWithCase]).await;
    assert_eq!(remote.ben().await, Value::Null);
    let remote = Remote::start(&[Oddity::OthersAccountsHidden]).await;
    assert_eq!(remote.ben().await, Value::Null);
    assert_eq!(remote.call(Method::POST, "/Users", Some(json!({ "userName": BEN }))).await.0, 409);
    let remote = Remote::start(&[Oddity::MadeInactive]).await;
    let ada = remote.make(ADA).await;
    assert!(!remote.odd.is_active(ADA));
    let activate = json!({ "Operations": [{ "op": "replace", "value": { "active": true } }] });
    let path = format!("/Users/{}", ada.as_str().unwrap());
    assert_eq!(remote.call(Method::PATCH, &path, Some(activate)).await.0, 200);
    assert!(remote.odd.is_active(ADA));
    let remote = Remote::start(&[Oddity::ExternalIdRefused(422)]).await;
    let refused = remote.call(Method::GET, "/Users?filter=externalId%20eq%20%22a%22", None).await;
    assert_eq!(refused.0, 422);
}

#[tokio::test]
async fn its_protocol_is_odd_as_told() {
    let tag = [("if-match", "W/\"1\"")];
    for (oddity, headers, statuses) in [
        (Oddity::WantsPlainJson, &[] as &[_], [415, 415]),
        (Oddity::IfMatchRefused, &tag, [501, 501]),
        (Oddity::WeakTags, &tag, [412, 412]),
        (Oddity::Throttled { status: 403, retry_after: 9, calls: 1 }, &[], [403, 204]),
        (Oddity::TokenExpired, &[], [401, 401]),
        (Oddity::NotFoundPage, &[], [404, 404]),
        (Oddity::Redirects, &[], [302, 302]),
        (Oddity::Unavailable, &[], [503, 503]),
    ] {
        let remote = Remote::start(&[]).await;
        let ada = remote.make(ADA).await;
        remote.odd.set(oddity);
        let body = json!({ "Operations": [add(&[&ada])] });
        for status in statuses {
            let answered = remote.call_with(Method::PATCH, "/Groups/team", Some(body.clone()), headers).await;
            assert_eq!(answered.0, status, "{oddity:?}");
        }
        remote.odd.unset(oddity);
        assert_eq!(remote.patch(json!([add(&[&ada])])).await.0, 204, "{oddity:?}");
    }
}

#[tokio::test]
async fn it_tells_of_writes_and_holds_answers_back() {
    let remote = Remote::start(&[]).await;
    let ada = remote.make(ADA).await;
    remote.odd.hold_next_answer();
    let asked = remote.patch(json!([add(&[&ada])]));
    let watched = async {
        remote.odd.arrived().await;
        // Applied, and not answered yet.
        assert_eq!(remote.odd.truth("team"), [ADA, BEN]);
        remote.odd.take_out("team", BEN);
        remote.odd.release();
    };
    let (answered, ()) = tokio::join!(asked, watched);
    assert_eq!((answered.0, remote.odd.truth("team")), (204, vec![ADA.to_owned()]));
    remote.odd.delete_group("team");
    assert!(remote.odd.truth("team").is_empty());
    assert_eq!(remote.call(Method::GET, "/Groups/team", None).await.0, 404);
}

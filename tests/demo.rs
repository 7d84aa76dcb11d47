//! The demo: what the README says of its tokens and of its partners, and that its rows are as the rules leave them.

use std::collections::BTreeSet;

use guichet::demo;
use serde_json::{Value, json};

use crate::harness::Server;

impl Server {
    /// Adds the tokens of the demo, which other tests do without.
    pub async fn with_tokens(&self) {
        self.app.database.write(&demo::Tokens).await.unwrap();
    }

    /// Adds the package for partners of the demo, which other tests do without.
    pub async fn with_partners(&self) {
        self.app.database.write(&demo::Partners).await.unwrap();
    }

    /// Runs a prepared operation of the demo, in Contoso.
    async fn prepared(&self, subject: &str, number: usize) -> Value {
        let start = format!("{number} ");
        let mut tabs = demo::tabs("https://access.example").into_iter();
        let tab = tabs.find(|tab| tab.title.starts_with(&start)).unwrap();
        self.visit(&self.demo_token(subject), &tab.query, json!({})).await
    }

    /// The token that the demo prints for a person.
    fn demo_token(&self, subject: &str) -> String {
        let person = demo::PEOPLE.iter().find(|person| person.subject == subject).unwrap();
        self.secrets.token(&person.claims(self.clock.now())).unwrap()
    }
}

fn nodes(connection: &Value) -> &Vec<Value> {
    connection["nodes"].as_array().unwrap()
}

fn every(rows: &[Value], pointer: &str) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row.pointer(pointer)?.as_str().map(str::to_owned)).collect()
}

/// The names of people.
fn names(people: &Value) -> Vec<&str> {
    people.as_array().unwrap().iter().map(|person| person["displayName"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn the_walk_through_of_the_readme_for_partners(server: Server) {
        server.with_partners().await;
        let link = demo::partners::share_link("https://access.example");
        let found = server.prepared("emil", 16).await["accessPackages"]["nodes"].clone();
        assert_eq!(found.as_array().unwrap().len(), 1);
        assert_eq!(found[0]["shareLink"], json!({ "url": link, "directoryHint": "contoso.example", "externallyUsable": true, "problems": [] }));
        assert_eq!(names(&found[0]["policies"][0]["specificConnectedOrganizations"]), ["Fabrikam"]);

        // As the partner: nobody yet, and nobody by looking.
        let before = server.contents().await;
        let led = server.prepared("wim", 17).await;
        let target = &led["shareLinkTarget"];
        assert_eq!((&led["viewer"]["user"], &target["accessPackage"]["displayName"]), (&Value::Null, &json!("Product launch")));
        assert_eq!((&target["blockers"], &target["userErrors"]), (&json!([]), &json!([])));
        let policy = &target["applicablePolicies"][0];
        assert_eq!((&policy["justificationRequired"], &policy["extension"], &policy["expiration"]["duration"]), (&json!(true), &json!("WITHOUT_APPROVAL"), &json!("P90D")));
        assert_eq!(policy["approvalStages"], json!([{ "timeout": "P14D", "approvers": [{ "kind": "SPONSOR" }] }, { "timeout": "P14D", "approvers": [{ "kind": "USER" }] }]));
        assert_eq!(every(policy["questions"].as_array().unwrap(), "/key"), ["contract", "market"].map(str::to_owned).into());
        let preview = server.prepared("wim", 18).await;
        assert_eq!(preview["unanswered"]["acceptable"], false);
        assert_eq!(every(preview["unanswered"]["userErrors"].as_array().unwrap(), "/code"), ["JUSTIFICATION_REQUIRED", "QUESTION_UNANSWERED"].map(str::to_owned).into());
        let answered = &preview["answered"];
        assert_eq!((&answered["acceptable"], &answered["userErrors"]), (&json!(true), &json!([])));
        let stages: Vec<_> = answered["stages"].as_array().unwrap().iter().map(|stage| names(&stage["approvers"])).collect();
        assert_eq!(stages, [["Bruno Keller"], ["Emil Novák"]]);
        let ends = server.clock.now() + chrono::TimeDelta::days(90);
        assert_eq!(answered["expiresAt"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), ends);
        assert!(server.contents().await == before, "looking changes nothing");
        // An answer must have the form that the question gives, or be one of its choices.
        for (contract, market) in [("2041", "asia"), ("C-20411", "asia"), ("C-2041", "Asia")] {
            let answers = json!([{ "question": "contract", "values": [contract] }, { "question": "market", "values": [market] }]);
            let query = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { userErrors { code } } }";
            let input = json!({ "accessPackage": target["accessPackage"]["id"], "justification": "Why not?", "answers": answers });
            let refused = server.visit(&server.demo_token("wim"), query, json!({ "input": input })).await;
            assert_eq!(refused["accessRequestPreview"]["userErrors"], json!([{ "code": "INVALID_ANSWER" }]), "{answers}");
        }
        // Nobody else learns of it: another organization's people, and Contoso's own.
        for token in [server.outside("paula", json!({})), server.token("karim")] {
            let query = "query($url: URL!) { shareLinkTarget(url: $url) { accessPackage { id } userErrors { code } } }";
            let target = server.visit(&token, query, json!({ "url": link })).await["shareLinkTarget"].clone();
            assert_eq!(target, json!({ "accessPackage": null, "userErrors": [{ "code": "NOT_AVAILABLE" }] }));
        }

        let made = server.prepared("wim", 19).await["submitAccessRequest"].clone();
        assert_eq!(made["userErrors"], json!([]));
        let request = &made["accessRequest"];
        assert_eq!((&request["state"], &request["requestor"]), (&json!("PENDING_APPROVAL"), &json!({ "displayName": "Wim de Vries", "kind": "GUEST" })));
        assert_eq!(names(&request["pendingApprovers"]), ["Bruno Keller"]);
        for (place, (approver, other)) in [("bruno", "emil"), ("emil", "bruno")].into_iter().enumerate() {
            assert_eq!(server.prepared(other, 20).await["viewer"]["inbox"]["totalCount"], 0, "it is not {other}'s turn");
            let inbox = server.prepared(approver, 20).await["viewer"]["inbox"].clone();
            let item = &inbox["nodes"][0];
            assert_eq!((&inbox["totalCount"], &item["viewerCanDecide"], &item["subject"]["stage"]), (&json!(1), &json!(true), &json!(place + 1)), "{inbox}");
            assert_eq!(item["requestor"]["connectedOrganization"]["displayName"], "Fabrikam");
            let answers = &item["subject"]["accessRequest"]["answers"];
            assert_eq!((&answers[0]["displayValues"], &answers[1]["displayValues"]), (&json!(["C-2041"]), &json!(["Europe"])));
            let first = &item["subject"]["accessRequest"]["approvals"][0];
            assert_eq!(first["decidedBy"]["displayName"], if place == 0 { Value::Null } else { json!("Bruno Keller") });
            assert_eq!(server.members("launch-workspace").await, [""; 0]);
            let approved = server.prepared(approver, 21).await["submitDecisions"].clone();
            assert_eq!((&approved["bulkOperation"]["totalCount"], &approved["userErrors"]), (&json!(1), &json!([])), "{approved}");
            server.work().await;
        }
        let mine = server.prepared("wim", 22).await["viewer"].clone();
        assert_eq!(mine["user"], json!({ "displayName": "Wim de Vries", "kind": "GUEST" }));
        let (request, assignment) = (&mine["accessRequests"]["nodes"][0], &mine["assignments"]["nodes"][0]);
        assert_eq!((&request["state"], &assignment["state"]), (&json!("DELIVERED"), &json!("DELIVERED")), "{mine}");
        assert_eq!((&assignment["viewerCanExtend"], &assignment["viewerCanGiveUp"]), (&json!(true), &json!(true)));
        assert_eq!(every(nodes(&mine["notifications"]), "/kind"), ["ACCESS_REQUEST_APPROVED".to_owned()].into());
        let there = server.prepared("bruno", 23).await;
        let delivery = &there["accessRequests"]["nodes"][0]["deliveries"][0];
        assert_eq!((&delivery["connector"]["displayName"], &delivery["resourceRole"]["resource"]["originId"], &delivery["state"]),
            (&json!("Company directory"), &json!("launch-workspace"), &json!("SUCCEEDED")));
        assert_eq!(there["node"]["members"]["nodes"], json!([{ "user": { "displayName": "Wim de Vries", "kind": "GUEST" } }]));
        // A day later it can be kept for a day longer.
        server.clock.advance(chrono::TimeDelta::days(1));
        let extended = server.visit(&server.demo_token("wim"), "mutation($id: ID!) { extendAssignment(input: { assignment: $id, justification: \"More pictures.\" })
            { accessRequest { state } userErrors { code } } }", json!({ "id": assignment["id"] })).await;
        assert_eq!(extended["extendAssignment"]["userErrors"], json!([]), "{extended}");

        let revoked = server.prepared("emil", 24).await["revokeAssignments"].clone();
        assert_eq!((&revoked["bulkOperation"]["totalCount"], &revoked["userErrors"]), (&json!(1), &json!([])), "{revoked}");
        server.work().await;
        let mine = server.prepared("wim", 22).await["viewer"].clone();
        let assignment = &mine["assignments"]["nodes"][0];
        assert_eq!((&assignment["state"], &assignment["viewerCanExtend"]), (&json!("ENDED"), &json!(false)));
        assert_eq!(server.prepared("bruno", 23).await["node"]["members"]["nodes"], json!([]));
        // At home, nothing of it is to be seen.
        let home = server.ask("wim", "{ viewer { accessRequests { totalCount } } organization { slug } }", json!({})).await;
        assert_eq!(home, json!({ "viewer": { "accessRequests": { "totalCount": 0 } }, "organization": { "slug": "fabrikam" } }));
    }

    async fn the_walk_through_of_the_readme_for_tokens(server: Server) {
        server.with_tokens().await;
        let waiting = server.prepared("farah", 6).await["tokenRequests"].clone();
        assert_eq!(waiting["totalCount"], 20);
        assert_eq!(every(nodes(&waiting), "/owner/displayName").len(), 9, "several owners");
        let one_owner = server.prepared("farah", 7).await["tokenRequests"].clone();
        assert_eq!(
            every(nodes(&one_owner), "/token/name"),
            ["Deploy bot", "Laptop", "Release notes"].map(str::to_owned).into()
        );
        let one = server.prepared("farah", 8).await["node"].clone();
        assert_eq!((&one["state"], &one["review"]["eligible"]), (&json!("PENDING"), &json!(true)));
        assert_eq!(
            one["permissionChanges"],
            json!([
                { "kind": "UPGRADED", "target": "REPOSITORY", "name": "contents", "from": "READ", "to": "WRITE" },
                { "kind": "ADDED", "target": "REPOSITORY", "name": "deployments", "from": null, "to": "WRITE" },
                { "kind": "ADDED", "target": "REPOSITORY", "name": "secrets", "from": null, "to": "READ" },
            ])
        );
        assert_eq!(one["repositoryChanges"]["added"], json!([{ "name": "infrastructure", "visibility": "PRIVATE" }]));
        assert_eq!(one["token"]["grant"]["grantedBy"]["displayName"], "Farah Haddad");
        let before = server.rows("SELECT state FROM token_request ORDER BY id".to_owned()).await;
        let dry = server.prepared("farah", 9).await["reviewTokenRequests"]["bulkOperation"].clone();
        assert_eq!((&dry["acceptedCount"], &dry["rejectedCount"]), (&json!(2), &json!(1)), "{dry}");
        assert_eq!(nodes(&dry["items"])[2]["error"]["code"], "ALREADY_REVIEWED");
        assert_eq!(server.rows("SELECT state FROM token_request ORDER BY id".to_owned()).await, before);
        let denied = server.prepared("farah", 10).await["reviewTokenRequests"]["bulkOperation"].clone();
        assert_eq!((&denied["acceptedCount"], &denied["rejectedCount"]), (&json!(2), &json!(0)));
        let approved = server.prepared("farah", 11).await["reviewTokenRequests"].clone();
        assert_eq!(approved["bulkOperation"]["totalCount"], 18, "{approved}");
        server.work().await;
        let done = server.prepared("farah", 12).await["bulkOperations"]["nodes"][0].clone();
        assert_eq!((&done["acceptedCount"], &done["rejectedCount"]), (&json!(17), &json!(1)));
        assert_eq!(every(nodes(&done["items"]), "/error/code"), ["SELF_REVIEW".to_owned()].into());
        assert_eq!(every(nodes(&done["items"]), "/target/grant/state"), ["ACTIVE".to_owned()].into());
        assert_eq!(server.prepared("farah", 6).await["tokenRequests"]["totalCount"], 1);
        let mine = server.prepared("karim", 13).await;
        let token = |mine: &Value, name: &str| {
            nodes(&mine["viewer"]["accessTokens"]).iter().find(|token| token["name"] == name).unwrap().clone()
        };
        let bot = token(&mine, "Deploy bot");
        assert_eq!(bot["request"]["state"], "DENIED");
        assert_eq!(bot["request"]["reviewReason"], "What writes to payments-api runs in the release pipeline. Ask for reading.");
        assert_eq!(bot["grant"]["permissions"][0]["level"], "READ", "what was granted before stays");
        assert_eq!(token(&mine, "Release notes")["request"]["state"], "APPROVED");
        assert_eq!(nodes(&mine["tokenGrants"]).len(), 0);
        let told = server.prepared("karim", 14).await["viewer"]["notifications"].clone();
        let kinds = |kind: &str| nodes(&told).iter().filter(|told| told["kind"] == kind).count();
        assert_eq!((kinds("TOKEN_REQUEST_DENIED"), kinds("TOKEN_REQUEST_APPROVED")), (2, 2), "{told}");
        let reasons = every(nodes(&told), "/reason");
        assert_eq!(reasons, [bot["request"]["reviewReason"].as_str().unwrap().to_owned()].into());
        let revoked = server.prepared("farah", 15).await["revokeTokenGrants"]["bulkOperation"].clone();
        assert_eq!(revoked["acceptedCount"], 1, "{revoked}");
        let mine = server.prepared("karim", 13).await;
        assert_eq!(token(&mine, "Deploy bot")["grant"], Value::Null);
        let revoked = &nodes(&mine["tokenGrants"])[0];
        assert_eq!((&revoked["token"]["name"], &revoked["endReason"]), (&json!("Deploy bot"), &json!("The release pipeline reads payments-api now.")));
        let told = server.prepared("karim", 14).await["viewer"]["notifications"]["nodes"][0].clone();
        assert_eq!((&told["kind"], &told["reason"]), (&json!("TOKEN_GRANT_REVOKED"), &revoked["endReason"]), "{told}");
    }

    async fn the_tokens_of_the_demo_are_as_the_rules_leave_them(server: Server) {
        server.with_tokens().await;
        // The worker finds nothing that it would have done, and tells people of what comes.
        let before = server.contents().await;
        server.work().await;
        let after = server.contents().await;
        let changed: BTreeSet<&str> =
            after.iter().filter(|row| !before.contains(row)).map(|row| row.split(':').next().unwrap()).collect();
        assert_eq!((changed, after.len() > before.len()), (["notification", "notification_once", "organization_digest"].into(), true));
        // Every state is shown; what is suspended or left behind by a member would need one who left.
        for (column, states) in [
            ("state FROM token_request", vec!["APPROVED", "CANCELED", "DENIED", "EXPIRED", "PENDING"]),
            ("state FROM token_grant", vec!["ACTIVE", "ENDED", "REVOKED", "SUPERSEDED"]),
            ("kind FROM access_token", vec!["CLASSIC", "FINE_GRAINED"]),
            ("cancel_reason FROM token_request WHERE cancel_reason IS NOT NULL", vec!["GRANT_REVOKED", "REQUESTER", "SUPERSEDED", "TOKEN_REVOKED"]),
            ("automatic_reason FROM token_request WHERE automatic_reason IS NOT NULL", vec!["NARROWED", "OWNER", "PUBLIC_ONLY"]),
        ] {
            let found: BTreeSet<String> = server.rows(format!("SELECT {column}")).await.into_iter().collect();
            assert_eq!(found, states.into_iter().map(str::to_owned).collect(), "{column}");
        }
        // No row contradicts another.
        for (what, contradiction) in [
            ("histories are whole", "token_request r WHERE r.event_count <> (SELECT count(*) FROM token_request_event e
                WHERE e.request_id = r.id) OR r.event_count <> (SELECT max(e.seq) FROM token_request_event e WHERE e.request_id = r.id)"),
            ("histories end where requests stand", "token_request r JOIN token_request_event e ON e.request_id = r.id
                AND e.seq = r.event_count WHERE e.to_state <> r.state"),
            ("steps follow each other", "token_request_event r JOIN token_request_event n ON n.request_id = r.request_id
                AND n.seq = r.seq + 1 WHERE n.at < r.at OR n.from_state <> r.to_state"),
            ("what waits is open", "token_request r WHERE (r.state = 'PENDING') <> (r.closed_at IS NULL)"),
            ("a reason goes with its state", "token_request r WHERE (r.state = 'CANCELED') <> (r.cancel_reason IS NOT NULL)
                OR (r.automatic_reason IS NOT NULL AND r.state <> 'APPROVED') OR (r.reviewed_at IS NOT NULL) <> (r.state IN ('APPROVED', 'DENIED'))"),
            ("what was approved was granted", "token_request r LEFT JOIN token_grant g ON g.request_id = r.id
                WHERE (r.state = 'APPROVED') <> (g.id IS NOT NULL)"),
            ("a grant is of its request's token", "token_request r JOIN token_grant g ON g.request_id = r.id
                WHERE g.token_id <> r.token_id OR g.owner_id <> r.owner_id OR g.repository_selection <> r.repository_selection OR g.granted_at <> r.closed_at"),
            ("what is in force has no end", "token_grant r WHERE (r.state = 'ACTIVE') <> (r.ended_at IS NULL)"),
            ("nothing is asked for before its token is made, or after its end", "token_request r JOIN access_token t ON t.id = r.token_id
                WHERE r.created_at < t.created_at OR r.created_at > t.expires_order OR r.owner_id <> t.owner_id"),
            ("dead tokens hold nothing", "token_grant r JOIN access_token t ON t.id = r.token_id
                WHERE r.state = 'ACTIVE' AND (t.revoked_at IS NOT NULL OR t.due_at IS NULL)"),
            ("dead tokens wait for nothing", "token_request r JOIN access_token t ON t.id = r.token_id
                WHERE r.state = 'PENDING' AND (t.revoked_at IS NOT NULL OR t.due_at IS NULL)"),
            ("tokens are used while they live", "access_token r WHERE r.last_used_at < r.created_at OR r.last_used_at > r.expires_order"),
            ("subsets name repositories, others do not", "token_request r WHERE (r.repository_selection = 'SUBSET')
                <> EXISTS (SELECT 1 FROM token_request_repository n WHERE n.request_id = r.id)"),
            ("named repositories are there", "token_request_repository r JOIN token_request q ON q.id = r.request_id
                LEFT JOIN repository p ON p.id = r.repository_id AND p.organization_id = q.organization_id WHERE p.id IS NULL"),
        ] {
            let found = server.rows(format!("SELECT CAST(count(*) AS text) FROM {contradiction}")).await;
            assert_eq!(found, ["0"], "{what}");
        }
        // Whoever asks for repositories and permissions may: they see those, and the catalogue offers these.
        let asked = "{ tokenRequests(first: 100) { nodes { id owner { displayName } automaticReason repositories { name }
            permissions { target name level } permissionChanges { kind } } } }";
        for (owner, people) in [
            ("farah", vec!["karim", "lena", "goran", "ivan", "hana", "judith", "emil", "chloe", "farah"]),
            ("mila", vec!["nils", "qing", "rosa", "samir"]),
        ] {
            let owners = server.token_with(owner, if owner == "mila" { "fabrikam" } else { "contoso" }, &["ORGANIZATION_OWNER"]);
            let all = server.ask_with(&owners, asked, json!({})).await.json["data"]["tokenRequests"].clone();
            let mut seen = 0;
            for person in people {
                for request in nodes(&server.ask(person, asked, json!({})).await["tokenRequests"]).iter().filter(|_| person != "farah") {
                    seen += 1;
                    assert!(nodes(&all).contains(request), "{person} does not see the whole of {request}");
                }
            }
            assert_eq!(seen + nodes(&all).iter().filter(|request| request["owner"]["displayName"] == "Farah Haddad").count(), nodes(&all).len());
            let catalogue = server.ask_with(&owners, "{ permissionCatalog { target name levels } }", json!({})).await.json["data"]["permissionCatalog"].clone();
            for request in nodes(&all) {
                for permission in request["permissions"].as_array().unwrap() {
                    let offered = catalogue.as_array().unwrap().iter().any(|offered| {
                        offered["target"] == permission["target"] && offered["name"] == permission["name"]
                            && offered["levels"].as_array().unwrap().contains(&permission["level"])
                    });
                    assert!(offered, "{permission}");
                }
                if request["automaticReason"] == "NARROWED" {
                    let kinds = every(request["permissionChanges"].as_array().unwrap(), "/kind");
                    assert!(!kinds.contains("ADDED") && !kinds.contains("UPGRADED"), "{request}");
                }
            }
        }
    }

    async fn the_filters_have_something_to_find(server: Server) {
        server.with_tokens().await;
        let (now, day) = (server.clock.now(), chrono::TimeDelta::days(1));
        for (filter, expected) in [
            (json!({ "permission": ["contents_write"] }), 4),
            (json!({ "permission": ["members"] }), 3),
            (json!({ "lastUsedBefore": "2000-01-01T00:00:00Z" }), 13),
            (json!({ "lastUsedSince": now - day }), 6),
            (json!({ "expiresBefore": now + day * 14 }), 0),
            (json!({ "expiresBefore": now + day * 21 }), 2),
            (json!({ "createdSince": now - day }), 3),
        ] {
            let mut filter = filter;
            filter["state"] = json!(["PENDING"]);
            let query = "query($filter: TokenRequestFilter) { tokenRequests(filter: $filter) { totalCount } }";
            let found = server.ask("farah", query, json!({ "filter": filter })).await;
            assert_eq!(found["tokenRequests"]["totalCount"], expected, "{filter}");
        }
    }

    async fn each_token_of_the_demo_can_be_given_up_and_has_no_secret(server: Server) {
        server.with_tokens().await;
        assert_eq!(server.rows("SELECT name FROM access_token WHERE secret_hash <> '' OR length(lookup) <> 16 OR length(last_four) <> 4".to_owned()).await, [""; 0]);
        let tokens = server.ask("lena", "{ viewer { accessTokens(first: 50) { nodes { id } } } }", json!({})).await;
        for token in nodes(&tokens["viewer"]["accessTokens"]) {
            let done = server.mutation("lena", "revokeAccessToken", "accessToken { state }", json!({ "id": token["id"] })).await;
            assert_eq!(done["accessToken"]["state"], "REVOKED", "{done}");
        }
        let left = "{ tokenRequests(filter: {state: [PENDING]}) { totalCount } tokenGrants(filter: {state: [ACTIVE]}) { totalCount } }";
        assert_eq!(server.ask("lena", left, json!({})).await, json!({ "tokenRequests": { "totalCount": 0 }, "tokenGrants": { "totalCount": 0 } }));
    }
}

//! A preview says what a submission does: held against each other over many wishes.

use serde_json::{Value, json};

use crate::harness::server::OUTSIDE;
use crate::harness::{Server, codes};

impl Server {
    async fn preview(&self, subject: &str, input: &Value) -> Value {
        let query = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { acceptable
            userErrors { code field } policy { displayName } applicablePolicies { displayName } startsAt expiresAt
            stages { hasApprover stage { timeout } approvers { displayName } } incompatibleAccessPackages { displayName } } }";
        self.ask(subject, query, json!({ "input": input })).await["accessRequestPreview"].clone()
    }
}

on_both_databases! {
    async fn a_preview_says_what_a_submission_does(server: Server) {
        let question = json!([{ "key": "why", "required": true, "text": { "default": "Why?" }, "answer": { "text": {} } }]);
        let by_manager = json!([{ "approvers": [{ "manager": true }], "approversVisible": true }, { "approvers": [{ "catalogRole": "ACCESS_PACKAGE_MANAGER" }] }]);
        let asking = server.guarded("Asking", json!({ "questions": question, "managersMayRequest": true })).await;
        let decided = server.guarded("Decided", json!({ "approvalStages": by_manager, "customSchedule": false })).await;
        let several = server.guarded("Several", json!({})).await;
        let second = server.policy_for(&several, json!({ "displayName": "Second", "expiration": { "afterDuration": "P2D" }, "justificationRequired": true })).await;
        let exclusive = server.guarded("Exclusive", json!({})).await;
        let input = json!({ "accessPackage": exclusive, "incompatibleAccessPackages": [decided] });
        assert_eq!(codes(&server.mutation("hana", "setIncompatibleAccessPackages", "accessPackage { id }", input).await), [""; 0]);
        let nobody = server.guarded("Nobody", json!({ "requestorScope": "NOBODY" })).await;
        let lena = server.user("Lena").await;
        // Lena waits for one that excludes another.
        assert_eq!(codes(&server.submits("lena", &decided, json!({})).await), [""; 0]);
        let soon = (server.clock.now() + chrono::TimeDelta::days(1)).to_rfc3339();
        let late = (server.clock.now() + chrono::TimeDelta::days(11)).to_rfc3339();
        let wishes = [
            json!({}),
            json!({ "answers": [{ "question": "why", "values": ["Because."] }] }),
            json!({ "answers": [{ "question": "why", "values": [""] }, { "question": "who", "values": [] }], "justification": "a\u{0007}" }),
            json!({ "policy": second["assignmentPolicy"]["id"], "justification": "For a day." }),
            json!({ "policy": second["assignmentPolicy"]["id"] }),
            json!({ "policy": "pol_x", "startsAt": soon }),
            json!({ "startsAt": soon, "expiresAt": late, "justification": "Later." }),
            json!({ "startsAt": late, "expiresAt": soon }),
            json!({ "requestor": lena, "answers": [{ "question": "why", "values": ["For her."] }] }),
            json!({ "requestor": "user_x" }),
        ];
        let (mut accepted, mut refused) = (0, 0);
        for who in ["karim", "lena", "goran", "guest"] {
            server.ask(who, "{ viewer { roles } }", json!({})).await;
            for package in [&asking, &decided, &several, &exclusive, &nobody, &json!("pkg_x")] {
                for wish in &wishes {
                    let mut input = json!({ "accessPackage": package });
                    input.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
                    let before = server.contents().await;
                    let preview = server.preview(who, &input).await;
                    assert_eq!(server.contents().await, before, "a preview makes nothing");
                    let request = "accessRequest { id state policy { displayName } assignment { startsAt expiresAt } approvals { approvers { displayName } } }";
                    let done = server.mutation(who, "submitAccessRequest", request, input.clone()).await;
                    let said: Vec<&str> = codes(&preview);
                    assert_eq!((&said, preview["acceptable"] == true), (&codes(&done), codes(&done).is_empty()), "{who}: {input}");
                    let fields = |errors: &Value| errors.as_array().unwrap().iter().map(|error| error["field"].clone()).collect::<Vec<_>>();
                    assert_eq!(fields(&preview["userErrors"]), fields(&done["userErrors"]), "{who}: {input}");
                    let made = &done["accessRequest"];
                    if made.is_null() {
                        refused += 1;
                        continue;
                    }
                    accepted += 1;
                    assert_eq!(made["policy"], preview["policy"], "{who}: {input}");
                    if let Some(held) = made["assignment"].as_object() {
                        assert_eq!((&held["startsAt"], &held["expiresAt"]), (&preview["startsAt"], &preview["expiresAt"]), "{who}: {input}");
                        assert_eq!(preview["stages"], json!([]));
                    } else {
                        assert_eq!(made["state"], "PENDING_APPROVAL");
                        let approvers = &preview["stages"][0]["approvers"];
                        assert_eq!(&made["approvals"][0]["approvers"], approvers, "{who}: {input}");
                    }
                    // As it was, for the next wish.
                    let undone = if made["assignment"].is_null() {
                        server.mutation(who, "cancelAccessRequest", "accessRequest { id }", json!({ "id": made["id"] })).await
                    } else {
                        let held = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessRequest { assignment { id } } } }", json!({ "id": made["id"] })).await;
                        server.mutation("ivan", "revokeAssignment", "assignment { id }", json!({ "id": held["node"]["assignment"]["id"] })).await
                    };
                    assert_eq!(codes(&undone), [""; 0]);
                    server.work().await;
                }
            }
        }
        assert!(accepted > 15 && refused > 200, "{accepted} {refused}");
        let blocked = server.preview("lena", &json!({ "accessPackage": exclusive })).await;
        assert_eq!(blocked["incompatibleAccessPackages"], json!([{ "displayName": "Decided" }]));
        let stages = server.preview("karim", &json!({ "accessPackage": decided })).await["stages"].clone();
        assert_eq!((&stages[0]["approvers"], &stages[1]["approvers"], &stages[1]["hasApprover"]), (&json!([{ "displayName": "Göran Lindqvist" }]), &json!([]), &json!(true)));
    }

    async fn a_newcomer_is_shown_who_would_really_be_asked(server: Server) {
        let tenant = |value: &str| json!([{ "tenant": { "issuer": OUTSIDE, "claim": "tid", "value": value } }]);
        let adatum = server.partner("Adatum", tenant("t1")).await;
        server.partner("Tailspin", tenant("t2")).await;
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS",
            "approvalStages": [{ "approvers": [{ "sponsors": true }], "approversVisible": true,
                "fallbackApprovers": [{ "user": server.user("Bruno").await }] }] })).await;
        let emil = server.user("Emil").await;
        let set = json!({ "id": adatum["id"], "version": 1, "internalSponsors": [emil] });
        assert_eq!(codes(&server.mutation("alice", "updateConnectedOrganization", "connectedOrganization { id }", set).await), [""; 0]);
        let preview = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { acceptable
            stages { hasApprover approvers { displayName } } } }";
        let asked = "query($id: ID!) { node(id: $id) { ... on AccessRequest { approvals { approvers { displayName } } } } }";
        // Of an organization with sponsors, of one without any, and of one that nobody knows.
        for (who, claims, asks) in [("paula", json!({ "tid": "t1" }), "Emil Novák"), ("petra", json!({ "tid": "t2" }), "Bruno Keller"),
            ("pia", json!({ "tid": "t3" }), "Bruno Keller")] {
            let token = server.outside(who, claims);
            let before = server.contents().await;
            let seen = server.visit(&token, preview, json!({ "input": { "accessPackage": package } })).await["accessRequestPreview"].clone();
            assert!(server.contents().await == before, "a preview makes nobody");
            assert_eq!(seen, json!({ "acceptable": true, "stages": [{ "hasApprover": true, "approvers": [{ "displayName": asks }] }] }), "{who}");
            let made = server.knock(&token, &package).await["accessRequest"].clone();
            let request = server.ask("alice", asked, json!({ "id": made["id"] })).await["node"]["approvals"].clone();
            assert_eq!(request, json!([{ "approvers": seen["stages"][0]["approvers"] }]), "{who}");
        }
    }
}

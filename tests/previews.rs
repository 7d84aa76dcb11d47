//! A preview says what a submission does: held against each other over many wishes.

use guichet::id::Kind;
use serde_json::{Value, json};

use crate::harness::server::OUTSIDE;
use crate::harness::{Server, codes};

impl Server {
    /// How many statements an operation of somebody takes.
    async fn count(&self, token: &str, query: &str, input: &Value) -> u64 {
        let before = self.app.database.statement_count();
        self.visit(token, query, json!({ "input": input })).await;
        self.app.database.statement_count() - before
    }

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

    async fn what_cannot_be_asked_for_is_not_told_apart(server: Server) {
        let shared = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let deleted = server.partner_package("Deleted", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        assert_eq!(codes(&server.mutation("alice", "deleteAccessPackage", "accessPackage { id }", json!({ "id": deleted })).await), [""; 0]);
        let foreign = server.ask("mila", "{ accessPackages { nodes { id } } }", json!({})).await["accessPackages"]["nodes"][0]["id"].clone();
        let closed = server.guarded("Closed", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let hidden = server.partner_package("Hidden", json!({ "requestorScope": "SPECIFIC_USERS", "specificUsers": [server.user("Emil").await] })).await;
        let hide = json!({ "id": hidden, "version": 1, "hidden": true });
        assert_eq!(codes(&server.mutation("alice", "updateAccessPackage", "accessPackage { id }", hide).await), [""; 0]);
        let off = server.partner_package("Off", json!({ "requestorScope": "ALL_EXTERNAL_USERS", "enabled": false })).await;
        let nobody = server.partner_package("Nobody", json!({ "requestorScope": "NOBODY" })).await;
        // Farah reports to Bruno, and sees what he does not: what excludes one another, is held, and asks itself.
        let farah = server.user("Farah").await;
        let question = json!([{ "key": "ticket", "required": true, "text": { "default": "Which ticket?" }, "answer": { "text": {} } }]);
        let only_hers = server.guarded("Only hers", json!({ "requestorScope": "SPECIFIC_USERS", "specificUsers": [farah], "questions": question })).await;
        let several = server.guarded("Of several policies", json!({ "requestorScope": "SPECIFIC_USERS", "specificUsers": [farah] })).await;
        for policy in [json!({ "displayName": "Another", "requestorScope": "SPECIFIC_USERS", "specificUsers": [farah] }),
            // Managers may request under one that does not admit her.
            json!({ "displayName": "For Emil", "requestorScope": "SPECIFIC_USERS", "specificUsers": [server.user("Emil").await], "managersMayRequest": true })] {
            assert_eq!(codes(&server.policy_for(&several, policy).await), [""; 0]);
        }
        assert_eq!(codes(&server.submits("farah", &only_hers, json!({ "answers": [{ "question": "ticket", "values": ["7"] }] })).await), [""; 0]);
        let against = json!({ "accessPackage": several, "incompatibleAccessPackages": [only_hers] });
        assert_eq!(codes(&server.mutation("hana", "setIncompatibleAccessPackages", "accessPackage { id }", against).await), [""; 0]);
        let unknown = |kind: Kind| json!(kind.text(uuid::Uuid::from_u128(1)));
        let ids = [unknown(Kind::AccessPackage), unknown(Kind::User), json!(""), json!("pkg_x"), json!("'; --"), json!("pkg_".repeat(1_000)),
            foreign, deleted, closed, hidden, off, nobody, only_hers.clone(), several.clone()];
        let newcomer = server.outside("paula", json!({ "name": "Paula Partner" }));
        let guest = server.outside("gerd", json!({ "name": "Gerd Guest" }));
        assert_eq!(codes(&server.knock(&guest, &shared).await), [""; 0]);
        let manager = server.token_with("bruno", "contoso", &[]);
        let fields = "userErrors { code field message }";
        let preview = format!("query($input: SubmitAccessRequestInput!) {{ accessRequestPreview(input: $input) {{ acceptable {fields} policy {{ id }}
            applicablePolicies {{ id }} stages {{ hasApprover }} incompatibleAccessPackages {{ id }} startsAt expiresAt }} }}");
        let submit = format!("mutation($input: SubmitAccessRequestInput!) {{ submitAccessRequest(input: $input) {{ accessRequest {{ id }} {fields} }} }}");
        let before = server.contents().await;
        for (token, requestor) in [(&newcomer, None), (&guest, None), (&server.token_with("karim", "contoso", &[]), None), (&manager, Some(&farah))] {
            for (name, query) in [("accessRequestPreview", &preview), ("submitAccessRequest", &submit)] {
                let mut expected = None;
                for id in &ids {
                    let input = json!({ "accessPackage": id, "requestor": requestor, "policy": "pol_x", "justification": "Why.",
                        "shareLink": "https://access.example/", "idempotencyKey": format!("key of {id}").chars().take(100).collect::<String>() });
                    let statements = server.app.database.statement_count();
                    let answer = server.visit(token, query, json!({ "input": input })).await[name].clone();
                    let statements = server.app.database.statement_count() - statements;
                    assert_eq!(codes(&answer), ["NOT_FOUND"], "{name} {id}");
                    // The first asks who the caller is, too.
                    match &expected {
                        None => expected = Some((answer, server.count(token, query, &input).await)),
                        Some(expected) => assert_eq!(&(answer, statements), expected, "{name} {id}"),
                    }
                }
            }
        }
        assert!(server.contents().await == before, "nothing was made");
        // Farah herself is told.
        for (package, codes_of) in [(&only_hers, &["ALREADY_ASSIGNED", "QUESTION_UNANSWERED"][..]), (&several, &["INCOMPATIBLE_PACKAGE", "POLICY_REQUIRED"])] {
            let seen = server.ask("farah", &preview, json!({ "input": { "accessPackage": package } })).await;
            assert_eq!(codes(&seen["accessRequestPreview"]), codes_of);
        }
    }

    async fn a_manager_is_told_of_what_a_policy_lets_managers_request(server: Server) {
        let (farah, karim) = (server.user("Farah").await, server.user("Karim").await);
        let named = |more: Value| {
            let mut policy = json!({ "requestorScope": "SPECIFIC_USERS", "specificUsers": [farah] });
            policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            policy
        };
        let (hers, secret) = (server.guarded("For her", named(json!({ "managersMayRequest": true }))).await, server.guarded("Secret", named(json!({}))).await);
        let (known, shared) = (server.guarded("Known", json!({})).await, server.guarded("Shared", json!({ "managersMayRequest": true })).await);
        let against = json!({ "accessPackage": shared, "incompatibleAccessPackages": [secret, known] });
        assert_eq!(codes(&server.mutation("hana", "setIncompatibleAccessPackages", "accessPackage { id }", against).await), [""; 0]);
        for package in [&secret, &known] {
            assert_eq!(codes(&server.submits("farah", package, json!({})).await), [""; 0]);
        }
        let manager = server.token_with("bruno", "contoso", &[]);
        let preview = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { userErrors { code } incompatibleAccessPackages { displayName } } }";
        let asked = async |package: &Value, requestor: &Value| {
            server.visit(&manager, preview, json!({ "input": { "accessPackage": package, "requestor": requestor } })).await["accessRequestPreview"].clone()
        };
        // What they see themselves is named; of the other they learn that there is something.
        let seen = asked(&shared, &farah).await;
        assert_eq!((codes(&seen), &seen["incompatibleAccessPackages"]), (vec!["INCOMPATIBLE_PACKAGE"], &json!([{ "displayName": "Known" }])));
        assert_eq!(codes(&asked(&known, &farah).await), ["ALREADY_ASSIGNED", "FORBIDDEN"], "they see it themselves");
        assert_eq!(codes(&asked(&secret, &farah).await), ["NOT_FOUND"]);
        assert_eq!(codes(&asked(&hers, &karim).await), codes(&asked(&json!("pkg_x"), &karim).await), "who does not report to them");
        // The policy says that managers may know: they need not be admitted themselves.
        let own = json!({ "input": { "accessPackage": hers } });
        assert_eq!(codes(&server.visit(&manager, preview, own).await["accessRequestPreview"]), ["NOT_FOUND"]);
        assert_eq!(codes(&asked(&hers, &farah).await), [""; 0]);
        let submit = "mutation($input: SubmitAccessRequestInput!) { submitAccessRequest(input: $input) { accessRequest { requestor { displayName } } userErrors { code } } }";
        let made = server.visit(&manager, submit, json!({ "input": { "accessPackage": hers, "requestor": farah } })).await["submitAccessRequest"].clone();
        assert_eq!(made["accessRequest"]["requestor"]["displayName"], "Farah Haddad");
    }
}

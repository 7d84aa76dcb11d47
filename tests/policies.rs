//! Policies: questions and their answers, times, and requests that managers make for their people.

use serde_json::{Value, json};

use crate::harness::{Server, codes};

/// Everything that a request can leave behind.
const TRACES: &str = "SELECT CAST((SELECT count(*) FROM access_request) AS text) || '/' || CAST((SELECT count(*) FROM assignment) AS text)
    || '/' || CAST((SELECT count(*) FROM approval) AS text) AS traces";

impl Server {
    /// A package of its own in Engineering that gives one role, under a policy of this kind, which admits all
    /// members for ten days where nothing else is said.
    pub async fn guarded(&self, name: &str, policy: Value) -> Value {
        let catalogs = self.ask(
            "alice",
            "{ catalogs(filter: { search: \"Engineering\" }) { nodes { id } } }",
            json!({}),
        );
        let role = "query($id: ID!) { node(id: $id) { ... on AccessPackage { resourceRoles { id } } } }";
        let role = self.ask("alice", role, json!({ "id": self.package("Frontend engineer").await })).await;
        let input = json!({ "catalog": catalogs.await["catalogs"]["nodes"][0]["id"], "displayName": name,
            "resourceRoles": [role["node"]["resourceRoles"][0]["id"]] });
        let made = self.mutation("alice", "createAccessPackage", "accessPackage { id }", input).await;
        assert_eq!(codes(&made), [""; 0]);
        let package = made["accessPackage"]["id"].clone();
        let made = self.policy_for(&package, policy).await;
        assert_eq!(codes(&made), [""; 0]);
        package
    }

    /// A policy of a package.
    pub async fn policy_for(&self, package: &Value, policy: Value) -> Value {
        let mut input = json!({ "accessPackage": package, "displayName": "For members", "requestorScope": "ALL_MEMBERS",
            "expiration": { "afterDuration": "P10D" } });
        input.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let policy = "assignmentPolicy { id version questions { key text(language: \"fr-CH\") required translations { language }
            answer { __typename ... on AcceptedText { pattern } ... on AcceptedChoice { several choices { value text } } } } }";
        self.mutation("alice", "createAssignmentPolicy", policy, input).await
    }

    /// Asks for a package; the request, or the codes.
    pub async fn submits(&self, subject: &str, package: &Value, more: Value) -> Value {
        let mut input = json!({ "accessPackage": package });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let request = "accessRequest { id type state requestor { displayName } submittedBy { displayName } policy { displayName }
            justification assignment { id startsAt expiresAt } answers { values displayValues(language: \"fr\") question { key text required } } }";
        self.mutation(subject, "submitAccessRequest", request, input).await
    }
}

fn questions() -> Value {
    json!([
        { "key": "ticket", "required": true, "text": { "default": "Which ticket?", "translations": [{ "language": "fr", "text": "Quel ticket ?" }] },
            "answer": { "text": { "pattern": "[A-Z]{2,5}-[0-9]+" } } },
        { "key": "site", "text": { "default": "Where?" }, "answer": { "choice": { "choices": [
            { "value": "north", "text": { "default": "In the north", "translations": [{ "language": "fr", "text": "Au nord" }] } },
            { "value": "south", "text": { "default": "In the south" } }] } } },
        { "key": "shifts", "text": { "default": "When?" }, "answer": { "choice": { "several": true, "choices": [
            { "value": "day", "text": { "default": "By day" } }, { "value": "night", "text": { "default": "By night" } }] } } },
    ])
}

on_both_databases! {
    async fn a_request_answers_the_questions_of_its_policy(server: Server) {
        let package = server.guarded("Asking", json!({ "questions": questions() })).await;
        let before = server.rows(TRACES.to_owned()).await;
        let refused: [(Value, &[&str]); 8] = [
            (json!([]), &["QUESTION_UNANSWERED"]),
            (json!([{ "question": "ticket", "values": ["ops 7"] }]), &["INVALID_ANSWER"]),
            (json!([{ "question": "ticket", "values": ["OPS-7\u{202e}"] }]), &["INVALID_ANSWER"]),
            (json!([{ "question": "ticket", "values": ["x".repeat(2_001)] }]), &["INVALID_ANSWER"]),
            (json!([{ "question": "ticket", "values": ["OPS-7"] }, { "question": "site", "values": ["east"] }]), &["INVALID_ANSWER"]),
            (json!([{ "question": "ticket", "values": ["OPS-7"] }, { "question": "site", "values": ["north", "south"] }]), &["INVALID_ANSWER"]),
            (json!([{ "question": "nobody's", "values": ["OPS-7"] }]), &["INVALID_ANSWER", "QUESTION_UNANSWERED"]),
            (json!([{ "question": "ticket", "values": ["OPS-7"] }, { "question": "ticket", "values": ["OPS-8"] }]), &["INVALID_ANSWER"]),
        ];
        for (answers, expected) in refused {
            let done = server.submits("karim", &package, json!({ "answers": answers })).await;
            assert_eq!(codes(&done), expected, "{answers}");
        }
        assert_eq!(server.rows(TRACES.to_owned()).await, before, "nothing was made");
        let answers = json!([{ "question": "shifts", "values": ["night", "day"] }, { "question": "site", "values": ["north"] }, { "question": "ticket", "values": ["OPS-7"] }]);
        let made = server.submits("karim", &package, json!({ "answers": answers })).await;
        assert_eq!(codes(&made), [""; 0]);
        let given = &made["accessRequest"]["answers"];
        assert_eq!(given[0]["question"]["key"], "ticket", "in the order of the questions");
        assert_eq!((&given[1]["values"], &given[1]["displayValues"]), (&json!(["north"]), &json!(["Au nord"])));
        assert_eq!((&given[2]["values"], &given[2]["displayValues"]), (&json!(["day", "night"]), &json!(["By day", "By night"])));
        // What was answered stays what was asked.
        let policies = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id version } } } }", json!({ "id": package })).await;
        let policy = &policies["node"]["policies"][0];
        let changed = server.mutation("alice", "updateAssignmentPolicy", "assignmentPolicy { questions { key } }",
            json!({ "id": policy["id"], "version": policy["version"], "questions": [] })).await;
        assert_eq!((codes(&changed), &changed["assignmentPolicy"]["questions"]), (vec![], &json!([])));
        let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { answers { question { text } values } } } }";
        let seen = server.ask("alice", query, json!({ "id": made["accessRequest"]["id"] })).await;
        assert_eq!(seen["node"]["answers"][0], json!({ "question": { "text": "Which ticket?" }, "values": ["OPS-7"] }));
        assert_eq!(codes(&server.submits("lena", &package, json!({})).await), [""; 0], "and is asked no more");
    }

    async fn questions_are_checked_when_they_are_written(server: Server) {
        let package = server.guarded("Asking", json!({})).await;
        let kept = server.policy_for(&package, json!({ "displayName": "Asking", "questions": questions() })).await;
        let kept = &kept["assignmentPolicy"]["questions"];
        assert_eq!((&kept[0]["text"], &kept[0]["required"], &kept[1]["text"]), (&json!("Quel ticket ?"), &json!(true), &json!("Where?")));
        assert_eq!(kept[0]["answer"]["pattern"], "[A-Z]{2,5}-[0-9]+");
        assert_eq!(kept[2]["answer"]["choices"][1], json!({ "value": "night", "text": "By night" }));
        let text = |key: &str, pattern: &str| json!({ "key": key, "text": { "default": "?" }, "answer": { "text": { "pattern": pattern } } });
        let choice = |choices: Value| json!({ "key": "a", "text": { "default": "?" }, "answer": { "choice": { "choices": choices } } });
        let one = json!({ "value": "x", "text": { "default": "X" } });
        let many: Vec<Value> = (0..21).map(|place| text(&format!("q{place}"), "x")).collect();
        let in_french = json!({ "default": "?", "translations": [{ "language": "fr", "text": "a" }, { "language": "FR", "text": "b" }] });
        let wrong: [(Value, &str); 11] = [
            (json!(many), "questions"),
            (json!([text("", "x")]), "questions.0.key"),
            (json!([text("a b", "x")]), "questions.0.key"),
            (json!([text("a", "x"), text("a", "x")]), "questions.1.key"),
            (json!([text("a", "(")]), "questions.0.answer.text.pattern"),
            (json!([text("a", r"(x)\1")]), "questions.0.answer.text.pattern"),
            (json!([choice(json!([]))]), "questions.0.answer.choice.choices"),
            (json!([choice(json!([one, one]))]), "questions.0.answer.choice.choices.1.value"),
            (json!([{ "key": "a", "text": { "default": " " }, "answer": { "text": {} } }]), "questions.0.text.default"),
            (json!([{ "key": "a", "text": in_french, "answer": { "text": {} } }]), "questions.0.text.translations.1.language"),
            (json!([{ "key": "a", "text": { "default": "?", "translations": [{ "language": "français", "text": "a" }] }, "answer": { "text": {} } }]), "questions.0.text.translations.0.language"),
        ];
        let before = server.contents().await;
        for (questions, field) in wrong {
            let done = server.policy_for(&package, json!({ "displayName": "Wrong", "questions": questions })).await;
            assert_eq!(codes(&done), ["INVALID_INPUT"], "{questions}");
            let path: Vec<&str> = done["userErrors"][0]["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(path.join("."), format!("input.{field}"));
        }
        let stage = |more: Value| {
            let mut stage = json!({ "approvers": [{ "manager": true }] });
            stage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!([stage])
        };
        let wrong = [
            (stage(json!({ "alternatesAfter": "P1D" })), "approvalStages.0.alternatesAfter"),
            (stage(json!({ "alternateApprovers": [{ "manager": true }] })), "approvalStages.0.alternatesAfter"),
            (stage(json!({ "alternateApprovers": [{ "manager": true }], "alternatesAfter": "P14D" })), "approvalStages.0.alternatesAfter"),
            (stage(json!({ "alternateApprovers": [{ "manager": true }], "alternatesAfter": "PT59M" })), "approvalStages.0.alternatesAfter"),
            (stage(json!({ "fallbackApprovers": [{ "manager": false }] })), "approvalStages.0.fallbackApprovers.0.manager"),
            (stage(json!({ "fallbackApprovers": [{ "user": "user_x" }] })), "approvalStages.0.fallbackApprovers.0.user"),
        ];
        for (stages, field) in wrong {
            let done = server.policy_for(&package, json!({ "displayName": "Wrong", "approvalStages": stages })).await;
            let path: Vec<&str> = done["userErrors"][0]["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(path.join("."), format!("input.{field}"), "{stages}: {done}");
        }
        assert_eq!(server.contents().await, before);
    }

    async fn a_policy_can_set_the_times_by_itself(server: Server) {
        let package = server.guarded("Timed", json!({ "customSchedule": false })).await;
        let now = server.clock.now();
        let later = (now + chrono::TimeDelta::days(2)).to_rfc3339();
        let refused = server.submits("karim", &package, json!({ "startsAt": later, "expiresAt": later })).await;
        assert!(codes(&refused).iter().all(|code| *code == "INVALID_SCHEDULE") && codes(&refused).len() >= 2, "{refused}");
        let made = server.submits("karim", &package, json!({})).await;
        let end = (now + chrono::TimeDelta::days(10)).to_rfc3339();
        assert_eq!(made["accessRequest"]["assignment"]["expiresAt"].as_str().unwrap()[..19], end[..19]);
        // Who assigns directly chooses the times.
        let policies = server.ask("alice", "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }", json!({ "id": package })).await;
        let input = json!({ "accessPackage": package, "user": server.user("Lena").await, "policy": policies["node"]["policies"][0]["id"], "startsAt": later });
        let assigned = server.mutation("alice", "createAssignment", "accessRequest { state }", input).await;
        assert_eq!(assigned["accessRequest"]["state"], "SCHEDULED");
    }

    async fn managers_request_for_those_who_report_to_them(server: Server) {
        let approval = json!([{ "approvers": [{ "manager": true }] }]);
        let package = server.guarded("For teams", json!({ "managersMayRequest": true, "approvalStages": approval })).await;
        let others = server.guarded("For oneself", json!({})).await;
        let (karim, hana, hidden) = (server.user("Karim").await, server.user("Hana").await, json!("user_x"));
        let mila = server.ask_with(&server.token_with("mila", "fabrikam", &[]), "{ viewer { user { id } } }", json!({})).await.json;
        let foreign = mila["data"]["viewer"]["user"]["id"].clone();
        assert!(foreign.is_string());
        let before = server.rows(TRACES.to_owned()).await;
        for (who, requestor, package, code) in [
            ("goran", &karim, &others, "FORBIDDEN"),
            ("alice", &karim, &package, "FORBIDDEN"),
            ("lena", &hana, &package, "NOT_FOUND"),
            ("goran", &hidden, &package, "NOT_FOUND"),
            ("goran", &foreign, &package, "NOT_FOUND"),
        ] {
            let refused = server.submits(who, package, json!({ "requestor": requestor })).await;
            assert_eq!(codes(&refused), [code], "{who}");
            assert_eq!(refused["userErrors"][0]["field"], json!(["input", "requestor"]), "{who}");
        }
        assert_eq!(server.rows(TRACES.to_owned()).await, before);
        let made = server.submits("goran", &package, json!({ "requestor": karim })).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        let request = &made["accessRequest"];
        assert_eq!((&request["requestor"]["displayName"], &request["submittedBy"]["displayName"]), (&json!("Karim Benali"), &json!("Göran Lindqvist")));
        assert_eq!((&request["type"], &request["state"]), (&json!("USER_ADD"), &json!("PENDING_APPROVAL")));
        // The manager asked, and does not decide it as well.
        let review = "bulkOperation { items(first: 1) { nodes { error { code } } } }";
        let input = json!({ "selection": { "ids": [request["id"]] }, "decision": "APPROVE" });
        let done = server.mutation("goran", "reviewAccessRequests", review, input).await;
        assert_eq!(done["bulkOperation"]["items"]["nodes"][0]["error"]["code"], "SELF_REVIEW");
        let again = server.submits("karim", &package, json!({})).await;
        assert_eq!(codes(&again), ["REQUEST_OPEN"]);
        let canceled = server.mutation("karim", "cancelAccessRequest", "accessRequest { state }", json!({ "id": request["id"] })).await;
        assert_eq!(canceled["accessRequest"]["state"], "CANCELED", "it is about him");
        let own = server.submits("goran", &package, json!({ "requestor": server.user("Göran").await })).await;
        assert_eq!(codes(&own), [""; 0], "oneself can be named");
        let gone = server.mutation("alice", "deactivateUser", "user { state }", json!({ "id": karim })).await;
        assert_eq!(codes(&gone), [""; 0]);
        let refused = server.submits("goran", &package, json!({ "requestor": karim })).await;
        assert_eq!(codes(&refused), ["USER_DEACTIVATED"]);
    }
}

//! Connected organizations: what is accepted, who is of one, and who is admitted for it.

use chrono::{DateTime, TimeDelta};
use guichet::demo;
use serde_json::{Value, json};

use crate::harness::provider::Provider;
use crate::harness::server::OUTSIDE;
use crate::harness::{Kind, Server, codes};

const FIELDS: &str = "connectedOrganization { id displayName state version identitySources {
    kind issuer claim value domain issuers } internalSponsors { displayName } externalSponsors { displayName } }";
const SUBMIT: &str = "mutation($input: SubmitAccessRequestInput!) { submitAccessRequest(input: $input) {
    accessRequest { id state } userErrors { code message field } } }";

impl Server {
    /// Asks in Contoso with a token from elsewhere; the answer must hold no errors.
    pub async fn visit(&self, token: &str, query: &str, variables: Value) -> Value {
        let answer = self.call(Some(token), Some("contoso"), query, variables).await.json;
        assert!(answer["errors"].is_null(), "{query}\n{answer}");
        answer["data"].clone()
    }

    /// Submits a request from elsewhere.
    pub async fn knock(&self, token: &str, package: &Value) -> Value {
        let input = json!({ "input": { "accessPackage": package } });
        self.visit(token, SUBMIT, input).await["submitAccessRequest"].clone()
    }

    /// A connected organization of Contoso that is known by these sources.
    pub async fn partner(&self, name: &str, sources: Value) -> Value {
        let input = json!({ "displayName": name, "identitySources": sources });
        let made = self.mutation("alice", "createConnectedOrganization", FIELDS, input).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        made["connectedOrganization"].clone()
    }

    /// A package in the catalog that outsiders may use, under a policy of this scope.
    pub async fn partner_package(&self, name: &str, policy: Value) -> Value {
        let catalogs = self
            .ask("alice", "{ catalogs(filter: { search: \"Marketing\" }) { nodes { id } } }", json!({}))
            .await;
        let input = json!({ "catalog": catalogs["catalogs"]["nodes"][0]["id"], "displayName": name });
        let made = self.mutation("alice", "createAccessPackage", "accessPackage { id }", input).await;
        assert_eq!(codes(&made), [""; 0]);
        let package = made["accessPackage"]["id"].clone();
        let mut input = json!({ "accessPackage": package, "displayName": "Partners", "expiration": { "afterDuration": "P10D" } });
        input.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let made = self.mutation("alice", "createAssignmentPolicy", "assignmentPolicy { id }", input).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        package
    }

    /// The connected organizations of Contoso by name, each with its state.
    async fn connections_of_contoso(&self) -> Vec<(String, String)> {
        let query = "{ connectedOrganizations(first: 100) { nodes { displayName state } } }";
        let found = self.ask("alice", query, json!({})).await;
        let nodes = found["connectedOrganizations"]["nodes"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        nodes.iter().map(|node| (text(&node["displayName"]), text(&node["state"]))).collect()
    }
}

/// The domain of a partner, for which the issuer of everybody may vouch.
fn domain(name: &str) -> Value {
    json!([{ "domain": { "domain": name, "issuers": [OUTSIDE] } }])
}

fn tenant(value: &str) -> Value {
    json!([{ "tenant": { "issuer": OUTSIDE, "claim": "tid", "value": value } }])
}

fn verified(email: &str) -> Value {
    json!({ "email": email, "email_verified": true, "name": "Paula Partner" })
}

on_both_databases! {
    async fn one_is_entered_changed_and_deleted(server: Server) {
        let input = json!({ "displayName": "Adatum", "description": "Paper.", "idempotencyKey": "k",
            "identitySources": [{ "domain": { "domain": "ADATUM.Example", "issuers": [OUTSIDE, demo::issuer("fabrikam"), OUTSIDE] } },
                { "domain": { "domain": "bücher.example", "issuers": [OUTSIDE] } }],
            "internalSponsors": [server.user("Bruno").await] });
        let create = async |input: &Value| server.mutation("chloe", "createConnectedOrganization", FIELDS, input.clone()).await;
        let made = create(&input).await;
        assert_eq!(codes(&made), [""; 0], "{made}");
        let made = made["connectedOrganization"].clone();
        assert_eq!(made["state"], "CONFIGURED");
        assert_eq!(made["identitySources"], json!([
            { "kind": "DOMAIN", "issuer": null, "claim": null, "value": null, "domain": "adatum.example", "issuers": [demo::issuer("fabrikam"), OUTSIDE] },
            { "kind": "DOMAIN", "issuer": null, "claim": null, "value": null, "domain": "xn--bcher-kva.example", "issuers": [OUTSIDE] }]));
        assert_eq!(made["internalSponsors"], json!([{ "displayName": "Bruno Keller" }]));
        assert_eq!(create(&input).await["connectedOrganization"], made, "the same key, the same organization");

        // It is found by what a screen shows of it.
        let list = "query($filter: ConnectedOrganizationFilter) { connectedOrganizations(filter: $filter) { totalCount nodes { displayName } } }";
        for (filter, names) in [
            (json!({ "domain": ["BÜCHER.example"] }), vec!["Adatum"]),
            (json!({ "domain": ["example"] }), vec![]),
            (json!({ "issuer": [OUTSIDE] }), vec!["Adatum"]),
            (json!({ "issuer": [demo::issuer("fabrikam")] }), vec!["Adatum", "Fabrikam"]),
            (json!({ "state": ["PROPOSED"] }), vec![]),
            (json!({ "sponsor": [server.user("Bruno").await] }), vec!["Adatum", "Fabrikam"]),
            (json!({ "search": "dat" }), vec!["Adatum"]),
        ] {
            let found = server.ask("deniz", list, json!({ "filter": filter })).await["connectedOrganizations"].clone();
            let found: Vec<&str> = found["nodes"].as_array().unwrap().iter().map(|node| node["displayName"].as_str().unwrap()).collect();
            assert_eq!(found, names, "{filter}");
        }
        assert_eq!(server.ask("goran", list, json!({})).await["connectedOrganizations"]["totalCount"], 0);

        // Changed, and in use by a policy, it cannot be deleted.
        let update = async |input: Value| server.mutation("bruno", "updateConnectedOrganization", FIELDS, input).await;
        let id = &made["id"];
        let changed = update(json!({ "id": id, "version": 1, "displayName": "Adatum Ltd", "state": "PROPOSED",
            "identitySources": tenant("t9"), "internalSponsors": [] })).await;
        assert_eq!(codes(&changed), [""; 0], "{changed}");
        assert_eq!(changed["connectedOrganization"]["state"], "PROPOSED");
        assert_eq!(changed["connectedOrganization"]["identitySources"][0]["value"], "t9");
        assert_eq!(changed["connectedOrganization"]["internalSponsors"], json!([]));
        assert_eq!(codes(&update(json!({ "id": id, "version": 1, "displayName": "Late" })).await), ["CONFLICT"]);
        // A policy may name one that is only proposed: whoever names it has looked at it.
        let package = server.partner_package("Paper", json!({ "requestorScope": "SPECIFIC_CONNECTED_ORGANIZATIONS",
            "specificConnectedOrganizations": [id, id] })).await;
        let seen = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id specificConnectedOrganizations { displayName } } } } }";
        let policy = server.ask("alice", seen, json!({ "id": package })).await["node"]["policies"][0].clone();
        assert_eq!(policy["specificConnectedOrganizations"], json!([{ "displayName": "Adatum Ltd" }]));
        let delete = async || server.mutation("alice", "deleteConnectedOrganization", "connectedOrganization { deletedAt }", json!({ "id": id })).await;
        let before = server.contents().await;
        let refused = delete().await;
        assert_eq!(codes(&refused), ["IN_USE"]);
        assert!(refused["userErrors"][0]["message"].as_str().unwrap().contains(policy["id"].as_str().unwrap()));
        assert_eq!(server.contents().await, before);
        let freed = server.mutation("alice", "updateAssignmentPolicy", "assignmentPolicy { specificConnectedOrganizations { id } }",
            json!({ "id": policy["id"], "version": 1, "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        assert_eq!(codes(&freed), [""; 0], "{freed}");
        assert_eq!(freed["assignmentPolicy"]["specificConnectedOrganizations"], json!([]));
        assert_eq!(codes(&delete().await), [""; 0]);
        assert_eq!(codes(&delete().await), ["NOT_FOUND"]);
        // Its name and its sources are free again.
        server.partner("Adatum Ltd", tenant("t9")).await;
        let audited = server.ask("alice", "query($target: [ID!]) { auditEvents(filter: {target: $target}) { nodes { action } } }",
            json!({ "target": [id] })).await;
        assert_eq!(audited["auditEvents"]["nodes"], json!([{ "action": "connected_organization.deleted" },
            { "action": "connected_organization.updated" }, { "action": "connected_organization.created" }]));
    }

    async fn what_is_wrong_is_refused_with_its_code(server: Server) {
        server.partner("Adatum", domain("adatum.example")).await;
        server.partner("Tailspin", tenant("t1")).await;
        let own = demo::issuer("contoso");
        let before = server.contents().await;
        for (sources, expected, field) in [
            (json!([]), "INVALID_INPUT", "identitySources"),
            (domain("adatum.example"), "IDENTITY_SOURCE_TAKEN", "identitySources.0"),
            (domain("ADATUM.example"), "IDENTITY_SOURCE_TAKEN", "identitySources.0"),
            (tenant("t1"), "IDENTITY_SOURCE_TAKEN", "identitySources.0"),
            (json!([{ "issuer": demo::issuer("fabrikam") }]), "IDENTITY_SOURCE_TAKEN", "identitySources.0"),
            (json!([{ "issuer": own }]), "INVALID_INPUT", "identitySources.0.issuer"),
            (json!([{ "issuer": "https://nobody.example" }]), "INVALID_INPUT", "identitySources.0.issuer"),
            (json!([{ "issuer": OUTSIDE }, { "issuer": OUTSIDE }]), "INVALID_INPUT", "identitySources.1"),
            (json!([{ "tenant": { "issuer": OUTSIDE, "claim": "org", "value": "t2" } }]), "INVALID_INPUT", "identitySources.0.tenant.claim"),
            (json!([{ "tenant": { "issuer": OUTSIDE, "claim": "tid", "value": "" } }]), "INVALID_INPUT", "identitySources.0.tenant.value"),
            (domain("gmail.com"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (domain("Outlook.COM"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (domain("contoso.example"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (domain("example"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (domain("*.example.com"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (domain("192.0.2.7"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (domain("a@b.example"), "INVALID_INPUT", "identitySources.0.domain.domain"),
            (json!([{ "domain": { "domain": "new.example", "issuers": [] } }]), "INVALID_INPUT", "identitySources.0.domain.issuers"),
            (json!([{ "domain": { "domain": "new.example", "issuers": [own] } }]), "INVALID_INPUT", "identitySources.0.domain.issuers.0"),
            (json!([{ "issuer": OUTSIDE }, { "domain": { "domain": "new.example", "issuers": [OUTSIDE] } }]), "INVALID_INPUT", "identitySources"),
            (Value::Array((0..21).map(|number| tenant(&format!("n{number}"))[0].clone()).collect()), "INVALID_INPUT", "identitySources"),
        ] {
            let input = json!({ "displayName": "New", "identitySources": sources });
            let refused = server.mutation("alice", "createConnectedOrganization", FIELDS, input).await;
            assert_eq!(codes(&refused), [expected], "{sources}: {refused}");
            let path: Vec<&str> = refused["userErrors"][0]["field"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect();
            assert_eq!(path.join("."), field, "{sources}");
        }
        for (more, expected) in [
            (json!({ "displayName": "adatum" }), "NAME_TAKEN"),
            (json!({ "displayName": "" }), "INVALID_INPUT"),
            (json!({ "internalSponsors": ["usr_01h455vb4pex5vsknk084sn02q"] }), "NOT_FOUND"),
        ] {
            let mut input = json!({ "displayName": "New", "identitySources": domain("new.example") });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = server.mutation("alice", "createConnectedOrganization", FIELDS, input).await;
            assert_eq!(codes(&refused), [expected], "{more}");
        }
        // Policies: the list goes with its scope alone, and names what is there.
        let package = server.package("Campaign editor").await;
        let theirs = "{ connectedOrganizations { nodes { id } } }";
        let own = server.ask("alice", theirs, json!({})).await["connectedOrganizations"]["nodes"][0]["id"].clone();
        let foreign = server.ask("mila", theirs, json!({})).await["connectedOrganizations"]["nodes"][0]["id"].clone();
        for (scope, named, expected) in [
            ("SPECIFIC_CONNECTED_ORGANIZATIONS", json!([]), "INVALID_INPUT"),
            ("SPECIFIC_CONNECTED_ORGANIZATIONS", json!([foreign]), "NOT_FOUND"),
            ("SPECIFIC_CONNECTED_ORGANIZATIONS", json!([own, "corg_x"]), "NOT_FOUND"),
            ("ALL_CONNECTED_ORGANIZATIONS", json!([own]), "INVALID_INPUT"),
            ("ALL_MEMBERS", json!([own]), "INVALID_INPUT"),
        ] {
            let input = json!({ "accessPackage": package, "displayName": "New", "expiration": { "never": true },
                "requestorScope": scope, "specificConnectedOrganizations": named });
            let refused = server.mutation("alice", "createAssignmentPolicy", "assignmentPolicy { id }", input).await;
            assert_eq!(codes(&refused), [expected], "{scope} {named}");
        }
        assert!(server.contents().await == before, "something was changed");
    }

    async fn who_is_admitted_is_decided_by_what_the_issuer_vouches_for(server: Server) {
        let (wanted, other) = (server.partner("Adatum", domain("adatum.example")).await, server.partner("Tailspin", tenant("t1")).await);
        let specific = server.partner_package("Specific", json!({ "requestorScope": "SPECIFIC_CONNECTED_ORGANIZATIONS",
            "specificConnectedOrganizations": [wanted["id"]] })).await;
        let all = server.partner_package("All", json!({ "requestorScope": "ALL_CONNECTED_ORGANIZATIONS" })).await;
        let anybody = server.partner_package("Anybody", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let look = "{ viewer { user { id } requestableAccessPackages { nodes { displayName } } } organization { domains } }";
        let before = server.contents().await;
        let everything = ["All", "Anybody", "Specific"].as_slice();
        for (claims, names) in [
            (verified("paula@adatum.example"), everything),
            (verified("paula@ADATUM.Example"), everything),
            (json!({ "email": "paula@adatum.example" }), &["Anybody"]),
            (json!({ "email": "paula@adatum.example", "email_verified": false }), &["Anybody"]),
            (verified("paula@adatum.example.evil.example"), &["Anybody"]),
            (verified("paula@sub.adatum.example"), &["Anybody"]),
            (verified("paula@аdatum.example"), &["Anybody"]),
            (verified("paula@xn--datum-3we.example"), &["Anybody"]),
            (verified("\"paula@adatum.example\"@evil.example"), &["Anybody"]),
            (verified("paula@gmail.com"), &["Anybody"]),
            (json!({ "tid": "t1" }), &["All", "Anybody"]),
            (json!({ "tid": "T1" }), &["Anybody"]),
            // Known by the tenant, nobody is matched by the domain.
            (json!({ "tid": "t1", "email": "paula@adatum.example", "email_verified": true }), &["All", "Anybody"]),
            // No claim makes roles of an outsider.
            (json!({ "roles": ["GLOBAL_ADMINISTRATOR"] }), &["Anybody"]),
        ] {
            let seen = server.visit(&server.outside("paula", claims.clone()), look, json!({})).await;
            let nodes = seen["viewer"]["requestableAccessPackages"]["nodes"].as_array().unwrap().clone();
            let found: Vec<&str> = nodes.iter().map(|node| node["displayName"].as_str().unwrap()).collect();
            assert_eq!(found, names, "{claims}");
            assert_eq!((&seen["viewer"]["user"], &seen["organization"]["domains"]), (&Value::Null, &json!([])), "{claims}");
        }
        assert!(server.contents().await == before, "looking makes nobody");
        // Another issuer may not vouch for the domain: Fabrikam's own is known as Fabrikam's, whatever the address.
        let mila = server.visit(&server.token("mila"), look, json!({})).await;
        assert_eq!(mila["viewer"]["requestableAccessPackages"]["nodes"], json!([{ "displayName": "All" }, { "displayName": "Anybody" }]));
        // Members are not meant by scopes for people from outside.
        for package in [&specific, &all, &anybody] {
            let refused = server.ask("karim", SUBMIT, json!({ "input": { "accessPackage": package } })).await;
            assert_eq!(codes(&refused["submitAccessRequest"]), ["NOT_FOUND"]);
        }
        // Without an organization in the header, an issuer that speaks for none is nowhere.
        let nowhere = server.call(Some(&server.outside("paula", json!({}))), None, "{ organization { slug } }", json!({})).await;
        assert_eq!((nowhere.status, &nowhere.json["errors"][0]["extensions"]["code"]), (400, &json!("BAD_USER_INPUT")));
        // A change counts at once.
        let token = server.outside("paula", verified("paula@adatum.example"));
        assert_eq!(codes(&server.mutation("alice", "updateConnectedOrganization", FIELDS, json!({ "id": wanted["id"], "version": 1, "state": "PROPOSED" })).await), [""; 0]);
        assert_eq!(codes(&server.knock(&token, &all).await), ["NOT_FOUND"]);
        assert_eq!(codes(&server.knock(&token, &specific).await), [""; 0]);
        // A guest can be assigned directly only what their organization is meant by.
        let paula = server.user("Paula").await;
        let policies = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        for (package, expected) in [(&all, vec!["NOT_REQUESTABLE"]), (&anybody, vec![])] {
            let policy = server.ask("alice", policies, json!({ "id": package })).await["node"]["policies"][0]["id"].clone();
            let input = json!({ "accessPackage": package, "user": paula, "policy": policy });
            assert_eq!(codes(&server.mutation("alice", "createAssignment", "accessRequest { id }", input).await), expected);
        }
        let _ = other;
    }

    async fn the_first_accepted_request_makes_a_guest(server: Server) {
        let adatum = server.partner("Adatum", domain("adatum.example")).await;
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_CONNECTED_ORGANIZATIONS",
            "justificationRequired": true })).await;
        let token = server.outside("paula", verified("paula@adatum.example"));
        // A refused request makes nobody.
        let before = server.contents().await;
        assert_eq!(codes(&server.knock(&token, &package).await), ["JUSTIFICATION_REQUIRED"]);
        assert!(server.contents().await == before);
        let input = json!({ "input": { "accessPackage": package, "justification": "For the fair.", "idempotencyKey": "k" } });
        // Two at once make one guest and one request.
        let (one, two) = tokio::join!(server.visit(&token, SUBMIT, input.clone()), server.visit(&token, SUBMIT, input.clone()));
        for made in [&one, &two] {
            assert_eq!(codes(&made["submitAccessRequest"]), [""; 0], "{made}");
        }
        assert_eq!(one, two, "the key makes them one");
        let viewer = "{ viewer { user { id displayName email kind connectedOrganization { id } } roles accessRequests { totalCount } }
            users { totalCount } connectedOrganizations { totalCount } guestSteps { totalCount } }";
        let own = server.visit(&token, viewer, json!({})).await;
        assert_eq!(own["viewer"]["user"]["kind"], "GUEST");
        assert_eq!(own["viewer"]["user"]["connectedOrganization"], Value::Null, "guests see name and slug of the organization, and no more");
        assert_eq!((&own["viewer"]["accessRequests"]["totalCount"], &own["users"]["totalCount"]), (&json!(1), &json!(1)));
        assert_eq!(own["connectedOrganizations"]["totalCount"], 0);
        let query = "query($of: [ID!]) { users(filter: {connectedOrganization: $of}) { nodes { displayName email kind state issuer subject
            connectedOrganization { displayName identitySources { domain } } } } }";
        let found = server.ask("alice", query, json!({ "of": [adatum["id"]] })).await;
        assert_eq!(found["users"]["nodes"], json!([{ "displayName": "Paula Partner", "email": "paula@adatum.example", "kind": "GUEST",
            "state": "ACTIVE", "issuer": OUTSIDE, "subject": "paula",
            "connectedOrganization": { "displayName": "Adatum", "identitySources": [{ "domain": "adatum.example" }] } }]));
        // Where a guest comes from is what their issuer says now.
        let moved = server.outside("paula", json!({ "tid": "elsewhere" }));
        server.visit(&moved, viewer, json!({})).await;
        assert_eq!(server.ask("alice", query, json!({ "of": [adatum["id"]] })).await["users"]["nodes"], json!([]));
        // An address that nobody verified is not kept.
        let anybody = server.partner_package("Anybody", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let quentin = server.outside("quentin", json!({ "email": "quentin@adatum.example", "name": "Quentin" }));
        assert_eq!(codes(&server.knock(&quentin, &anybody).await), [""; 0]);
        let seen = server.visit(&quentin, viewer, json!({})).await;
        assert_eq!((&seen["viewer"]["user"]["displayName"], &seen["viewer"]["user"]["email"]), (&json!("Quentin"), &Value::Null));
    }

    async fn an_unknown_organization_is_proposed(server: Server) {
        let anybody = server.partner_package("Anybody", json!({ "requestorScope": "ALL_EXTERNAL_USERS" })).await;
        let configured = server.partner_package("Configured", json!({ "requestorScope": "ALL_CONNECTED_ORGANIZATIONS" })).await;
        let knows = async || server.connections_of_contoso().await;
        assert_eq!(knows().await.len(), 1, "Fabrikam");
        let vera = server.outside("vera", verified("vera@Woodgrove.example"));
        assert_eq!(codes(&server.knock(&vera, &configured).await), ["NOT_FOUND"], "nobody is admitted, nothing proposed");
        assert_eq!(knows().await.len(), 1);
        assert_eq!(codes(&server.knock(&vera, &anybody).await), [""; 0]);
        let woodgrove = ("woodgrove.example".to_owned(), "PROPOSED".to_owned());
        assert_eq!(knows().await[1], woodgrove);
        // The second of them is of the same one; for which it is not enough to be proposed.
        let walt = server.outside("walt", verified("walt@woodgrove.example"));
        assert_eq!(codes(&server.knock(&walt, &anybody).await), [""; 0]);
        assert_eq!(knows().await.len(), 2);
        assert_eq!(codes(&server.knock(&walt, &configured).await), ["NOT_FOUND"]);
        let proposed = server.ask("alice", "{ connectedOrganizations(filter: {state: [PROPOSED]}) { nodes { id version proposedAt identitySources { domain issuers } } } }", json!({})).await
            ["connectedOrganizations"]["nodes"][0].clone();
        assert!(proposed["proposedAt"].is_string());
        assert_eq!(proposed["identitySources"], json!([{ "domain": "woodgrove.example", "issuers": [OUTSIDE] }]));
        let configure = json!({ "id": proposed["id"], "version": proposed["version"], "state": "CONFIGURED" });
        assert_eq!(codes(&server.mutation("alice", "updateConnectedOrganization", FIELDS, configure).await), [""; 0]);
        assert_eq!(codes(&server.knock(&walt, &configured).await), [""; 0]);
        // Public mail domains, unverified addresses, and one's own domain form none.
        for (subject, claims) in [
            ("xena", verified("xena@gmail.com")),
            ("yuri", json!({ "email": "yuri@unverified.example" })),
            ("zoe", verified("zoe@contoso.example")),
            ("adam", json!({})),
        ] {
            assert_eq!(codes(&server.knock(&server.outside(subject, claims), &anybody).await), [""; 0], "{subject}");
        }
        assert_eq!(knows().await.len(), 2);
        // A domain for which another issuer vouches is not joined by naming it.
        let theirs = json!([{ "domain": { "domain": "guarded.example", "issuers": [demo::issuer("fabrikam")] } }]);
        let guarded = server.partner("Guarded", theirs).await;
        assert_eq!(codes(&server.knock(&server.outside("mallory", verified("mallory@guarded.example")), &anybody).await), [""; 0]);
        let inside = server.ask("alice", "query($of: [ID!]) { users(filter: {connectedOrganization: $of}) { totalCount } }", json!({ "of": [guarded["id"]] })).await;
        assert_eq!(inside["users"]["totalCount"], 0);
        // So many an hour.
        for number in 1..20 {
            let token = server.outside(&format!("n{number}"), json!({ "tid": format!("tenant-{number}") }));
            assert_eq!(codes(&server.knock(&token, &anybody).await), [""; 0], "{number}");
        }
        let before = server.contents().await;
        let late = server.outside("late", json!({ "tid": "one-too-many" }));
        let preview = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { userErrors { code } } }";
        let previewed = async |token: &str| {
            let input = json!({ "input": { "accessPackage": anybody } });
            server.visit(token, preview, input).await["accessRequestPreview"]["userErrors"].clone()
        };
        assert_eq!(previewed(&late).await, json!([{ "code": "TOO_MANY_NEW_ORGANIZATIONS" }]));
        let wanda = server.outside("wanda", verified("wanda@woodgrove.example"));
        assert_eq!(previewed(&wanda).await, json!([]), "of an organization that is there already");
        assert_eq!(codes(&server.knock(&late, &anybody).await), ["TOO_MANY_NEW_ORGANIZATIONS"]);
        assert!(server.contents().await == before, "nobody was made");
        // What does not exist for them is told as ever.
        assert_eq!(codes(&server.knock(&late, &configured).await), ["NOT_FOUND"]);
        server.clock.advance(TimeDelta::hours(1));
        let late = server.outside("late", json!({ "tid": "one-too-many" }));
        assert_eq!(codes(&server.knock(&late, &anybody).await), [""; 0]);
    }

    async fn what_does_not_admit_somebody_does_not_exist_for_them(server: Server) {
        let adatum = server.partner("Adatum", domain("adatum.example")).await;
        let specific = json!({ "requestorScope": "SPECIFIC_CONNECTED_ORGANIZATIONS", "specificConnectedOrganizations": [adatum["id"]] });
        let (closed, disabled) = (server.partner_package("Not for them", specific).await, server.partner_package("Off", json!({ "requestorScope": "ALL_EXTERNAL_USERS", "enabled": false })).await);
        let inside = server.package("Frontend engineer").await;
        // In a catalog that is not open to outsiders, a policy for them admits nobody.
        let policy = json!({ "accessPackage": inside, "displayName": "Outsiders", "requestorScope": "ALL_EXTERNAL_USERS", "expiration": { "never": true } });
        let policy = server.mutation("alice", "createAssignmentPolicy", "assignmentPolicy { id }", policy).await;
        assert_eq!(codes(&policy), [""; 0]);
        let foreign = server.ask("mila", "{ accessPackages { nodes { id policies { id } } } }", json!({})).await["accessPackages"]["nodes"][0].clone();
        let policy_of = "query($id: ID!) { node(id: $id) { ... on AccessPackage { policies { id } } } }";
        let hidden_policy = server.ask("alice", policy_of, json!({ "id": closed })).await["node"]["policies"][0]["id"].clone();
        let node = "query($id: ID!) { node(id: $id) { id } }";
        for (who, token) in [("newcomer", server.outside("nora", json!({}))), ("known", server.token("mila"))] {
            let garbage = server.knock(&token, &json!("pkg_01h455vb4pex5vsknk084sn02q")).await;
            assert_eq!(codes(&garbage), ["NOT_FOUND"]);
            for package in [&closed, &disabled, &inside, &foreign["id"], &json!("x")] {
                assert_eq!(server.knock(&token, package).await, garbage, "{who} {package}");
                assert_eq!(server.visit(&token, node, json!({ "id": package })).await["node"], Value::Null, "{who} {package}");
            }
            for policy in [&hidden_policy, &policy["assignmentPolicy"]["id"]] {
                assert_eq!(server.visit(&token, node, json!({ "id": policy })).await["node"], Value::Null, "{who} {policy}");
            }
            assert_eq!(server.visit(&token, node, json!({ "id": adatum["id"] })).await["node"], Value::Null);
        }
        // To those whom the policy admits it is there, with the policy, until the catalog is closed to them.
        let paula = server.outside("paula", verified("paula@adatum.example"));
        let seen = "query($id: ID!) { node(id: $id) { ... on AccessPackage { displayName viewerCanRequest viewerCannotRequestReasons { code }
            policies { displayName specificUsers { id } specificConnectedOrganizations { id } } } } }";
        assert_eq!(server.visit(&paula, seen, json!({ "id": closed })).await["node"], json!({ "displayName": "Not for them", "viewerCanRequest": true,
            "viewerCannotRequestReasons": [], "policies": [{ "displayName": "Partners", "specificUsers": [], "specificConnectedOrganizations": [] }] }));
        server.sql("UPDATE catalog SET externally_visible = false WHERE display_name = 'Marketing'").await;
        assert_eq!(server.visit(&paula, seen, json!({ "id": closed })).await["node"], Value::Null);
        assert_eq!(codes(&server.knock(&paula, &closed).await), ["NOT_FOUND"]);
    }
}

on_both_databases! {
    async fn sponsors_decide_for_those_who_come_from_there(server: Server) {
        let adatum = server.partner("Adatum", domain("adatum.example")).await;
        let package = server.partner_package("Guarded", json!({ "requestorScope": "ALL_EXTERNAL_USERS",
            "approvalStages": [{ "approvers": [{ "sponsors": true }] }] })).await;
        let update = async |version: i32, mut more: Value| {
            more.as_object_mut().unwrap().extend(json!({ "id": adatum["id"], "version": version }).as_object().unwrap().clone());
            server.mutation("alice", "updateConnectedOrganization", FIELDS, more).await
        };
        let approvers = async |request: &Value| {
            let query = "query($id: ID!) { node(id: $id) { ... on AccessRequest { state approvals { approvers { displayName } } } } }";
            let found = server.ask("alice", query, json!({ "id": request })).await["node"].clone();
            let names = found["approvals"][0]["approvers"].as_array().unwrap().clone();
            (found["state"].clone(), names.iter().map(|user| user["displayName"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
        };
        let come = async |subject: &str, name: &str| {
            let claims = json!({ "email": format!("{subject}@adatum.example"), "email_verified": true, "name": name });
            let made = server.knock(&server.outside(subject, claims), &package).await;
            assert_eq!(codes(&made), [""; 0], "{made}");
            made["accessRequest"]["id"].clone()
        };
        // Without sponsors others take their place.
        server.ask("bruno", "{ viewer { roles } }", json!({})).await;
        let first = come("paula", "Paula Partner").await;
        assert_eq!(approvers(&first).await, (json!("PENDING_APPROVAL"), vec!["Bruno Keller".to_owned()]));
        // Sponsors: a member from inside, a guest from there; and not the one for the other.
        let (emil, paula) = (server.user("Emil").await, server.user("Paula").await);
        let before = server.contents().await;
        for (wrong, field) in [(json!({ "internalSponsors": [paula] }), "internalSponsors"), (json!({ "externalSponsors": [emil] }), "externalSponsors")] {
            let refused = update(1, wrong).await;
            assert_eq!((codes(&refused), &refused["userErrors"][0]["field"]), (vec!["INVALID_INPUT"], &json!(["input", field, "0"])));
        }
        assert!(server.contents().await == before);
        let set = update(1, json!({ "internalSponsors": [emil], "externalSponsors": [paula, paula] })).await;
        assert_eq!(codes(&set), [""; 0], "{set}");
        assert_eq!(set["connectedOrganization"]["externalSponsors"], json!([{ "displayName": "Paula Partner" }]));
        let second = come("quentin", "Quentin Partner").await;
        assert_eq!(approvers(&second).await.1, ["Emil Novák", "Paula Partner"]);
        // The guest decides by her own token; nobody decides for themselves.
        let decide = "mutation($ids: [ID!]!) { reviewAccessRequests(input: {selection: {ids: $ids}, decision: APPROVE}) {
            bulkOperation { items(first: 10) { nodes { error { code } } } } userErrors { code } } }";
        let token = server.outside("paula", verified("paula@adatum.example"));
        let done = server.visit(&token, decide, json!({ "ids": [first, second] })).await["reviewAccessRequests"].clone();
        assert_eq!(done["bulkOperation"]["items"]["nodes"], json!([{ "error": { "code": "SELF_REVIEW" } }, { "error": null }]));
        assert_eq!(approvers(&second).await.0, "DELIVERED");
        // A sponsor from there who holds nothing stays; once nobody needs them they go.
        assert_eq!(codes(&server.mutation("alice", "cancelAccessRequest", "accessRequest { id }", json!({ "id": first })).await), [""; 0]);
        server.clock.advance(TimeDelta::days(60));
        server.work().await;
        let state = "query($id: ID!) { node(id: $id) { ... on User { state } } }";
        assert_eq!(server.ask("alice", state, json!({ "id": paula })).await["node"]["state"], "ACTIVE");
        assert_eq!(codes(&update(2, json!({ "externalSponsors": [] })).await), [""; 0]);
        server.clock.advance(TimeDelta::minutes(2));
        server.work().await;
        assert_eq!(server.ask("alice", state, json!({ "id": paula })).await["node"]["state"], "BLOCKED");
    }

    async fn a_preview_tells_a_newcomer_what_their_request_would_do(server: Server) {
        let package = server.partner_package("Shared", json!({ "requestorScope": "ALL_EXTERNAL_USERS", "justificationRequired": true })).await;
        let preview = "query($input: SubmitAccessRequestInput!) { accessRequestPreview(input: $input) { acceptable policy { displayName } userErrors { code } } }";
        let nora = server.outside("nora", json!({}));
        let before = server.contents().await;
        let look = async |package: &Value, why: Option<&str>| server.visit(&nora, preview,
            json!({ "input": { "accessPackage": package, "justification": why } })).await["accessRequestPreview"].clone();
        assert_eq!(look(&package, Some("Because.")).await, json!({ "acceptable": true, "policy": { "displayName": "Partners" }, "userErrors": [] }));
        assert_eq!(look(&package, None).await["userErrors"], json!([{ "code": "JUSTIFICATION_REQUIRED" }]));
        let inside = server.package("Frontend engineer").await;
        assert_eq!(look(&inside, Some("x")).await, look(&json!("pkg_x"), Some("x")).await);
        assert_eq!(look(&inside, Some("x")).await["userErrors"], json!([{ "code": "NOT_FOUND" }]));
        assert!(server.contents().await == before, "a preview makes nobody");
    }
}

/// A member of a part of a JWT: 0 is the header, 1 the claims.
fn member(token: &str, part: usize, name: &str) -> Value {
    use base64::Engine as _;
    let bytes =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(part).unwrap()).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()[name].clone()
}

/// The partner's people come in by tokens of a provider that nobody here wrote, also after it changed its keys.
async fn partners_sign_in_by_their_own_provider(kind: Kind) {
    let people = json!({
        "paula": { "tid": "t1", "name": "Paula Partner", "email": "paula@adatum.example", "email_verified": true,
            "roles": ["GLOBAL_ADMINISTRATOR"] },
        "quentin": { "tid": "t2", "email": "quentin@adatum.example", "email_verified": false },
    });
    let Some(provider) = Provider::start(&people) else { return };
    let trusted = json!({ "issuer": provider.issuer, "audience": "guichet",
        "keys": { "jwksUrl": format!("{}/jwks", provider.issuer) }, "algorithms": ["RS256"] });
    let started = Server::start_trusting(kind, guichet::config::Limits::default(), None, &[trusted]).await;
    let Some(server) = started else { return };
    let token = provider.token("paula").await;
    assert_eq!((member(&token, 0, "typ"), member(&token, 0, "alg")), (json!("at+jwt"), json!("RS256")));
    // The provider follows the machine's clock.
    let issued = DateTime::from_timestamp(member(&token, 1, "iat").as_i64().unwrap(), 0).unwrap();
    server.clock.advance(issued - server.clock.now() + TimeDelta::seconds(1));

    let sources = json!([{ "tenant": { "issuer": provider.issuer, "claim": "tid", "value": "t1" } }]);
    let adatum = server.partner("Adatum", sources).await;
    let package = server
        .partner_package(
            "Shared",
            json!({ "requestorScope": "SPECIFIC_CONNECTED_ORGANIZATIONS",
        "specificConnectedOrganizations": [adatum["id"]] }),
        )
        .await;
    let viewer =
        "{ viewer { user { displayName } roles requestableAccessPackages { nodes { displayName } } } }";
    let seen = server.visit(&token, viewer, json!({})).await["viewer"].clone();
    assert_eq!(
        seen,
        json!({ "user": null, "roles": [], "requestableAccessPackages": { "nodes": [{ "displayName": "Shared" }] } })
    );
    let made = server.knock(&token, &package).await;
    assert_eq!(codes(&made), [""; 0], "{made}");
    // Of the other tenant, with an address that nobody verified, nobody is admitted.
    let quentin = provider.token("quentin").await;
    assert_eq!(codes(&server.knock(&quentin, &package).await), ["NOT_FOUND"]);

    // The provider changes its key; the old one is still published, so that both tokens are good.
    provider.get("/__rotate").await;
    let renewed = provider.token("paula").await;
    assert_ne!(member(&renewed, 0, "kid"), member(&token, 0, "kid"));
    server.clock.advance(TimeDelta::seconds(31));
    for good in [&renewed, &token] {
        let seen = server.visit(good, viewer, json!({})).await["viewer"].clone();
        assert_eq!(seen["user"], json!({ "displayName": "Paula Partner" }));
    }
    let readings: u32 = provider.get("/__readings").await.parse().unwrap();
    assert_eq!(readings, 2, "the key set is read when a key is not known, and not for each token");
    // Then it forgets them, and what they signed is worth nothing any more.
    provider.get("/__rotate?forget").await;
    let newest = provider.token("paula").await;
    server.clock.advance(TimeDelta::seconds(31));
    assert_eq!(
        server.visit(&newest, viewer, json!({})).await["viewer"]["user"]["displayName"],
        "Paula Partner"
    );
    let refused = server.call(Some(&token), Some("contoso"), viewer, json!({})).await;
    assert_eq!(
        (refused.status, &refused.json["errors"][0]["extensions"]["code"]),
        (401, &json!("UNAUTHENTICATED"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partners_sign_in_by_their_own_provider_sqlite() {
    partners_sign_in_by_their_own_provider(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partners_sign_in_by_their_own_provider_postgres() {
    partners_sign_in_by_their_own_provider(Kind::Postgres).await;
}

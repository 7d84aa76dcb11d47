//! The end of an assignment is told before: 14 days and 1 day, once each.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Server, codes};

const TOLD: &str = "{ viewer { notifications(filter: {kind: [ASSIGNMENT_EXPIRING]}, first: 100) {
    nodes { title subjectId url mailState createdAt } } } }";

impl Server {
    /// Lets somebody hold a package for so long; gives the assignment.
    async fn hold_for(&self, subject: &str, lasts: TimeDelta) -> Value {
        let package = self.package("Frontend engineer").await;
        let input = json!({ "accessPackage": package, "expiresAt": self.clock.now() + lasts });
        let made =
            self.mutation(subject, "submitAccessRequest", "accessRequest { assignment { id } }", input).await;
        assert_eq!(codes(&made), [""; 0]);
        self.work().await;
        made["accessRequest"]["assignment"]["id"].clone()
    }

    async fn told_of_ends(&self, subject: &str) -> Vec<Value> {
        let told = self.ask(subject, TOLD, json!({})).await;
        told["viewer"]["notifications"]["nodes"].as_array().unwrap().clone()
    }

    /// Goes to this time, and lets the worker look.
    async fn go_to(&self, time: DateTime<Utc>) {
        self.clock.advance(time - self.clock.now());
        self.work().await;
    }
}

on_both_databases! {
    async fn an_end_is_told_fourteen_days_and_one_day_before(server: Server) {
        let id = server.hold_for("karim", TimeDelta::days(40)).await;
        let end = server.clock.now() + TimeDelta::days(40);
        server.sql("UPDATE app_user SET email = 'karim@contoso.example' WHERE subject = 'karim'").await;
        server.go_to(end - TimeDelta::days(14) - TimeDelta::seconds(1)).await;
        assert!(server.told_of_ends("karim").await.is_empty());
        server.go_to(end - TimeDelta::days(14) + TimeDelta::seconds(61)).await;
        let told = server.told_of_ends("karim").await;
        assert_eq!(told.len(), 1);
        let day = end.format("%-d %B %Y");
        assert_eq!(told[0]["title"], format!("Your access to “Frontend engineer” ends on {day}"));
        assert_eq!((&told[0]["subjectId"], &told[0]["mailState"]), (&id, &json!("PENDING")));
        assert_eq!(told[0]["url"], format!("https://access.example/@contoso.example#/assignments/{}", id.as_str().unwrap()));
        // Another server tells nothing a second time.
        let other = server.another(None).await;
        let (one, two) = tokio::join!(server.app.worker.run_due(), other.worker.run_due());
        one.unwrap();
        two.unwrap();
        server.go_to(end - TimeDelta::days(1) - TimeDelta::seconds(1)).await;
        assert_eq!(server.told_of_ends("karim").await.len(), 1);
        server.clock.advance(TimeDelta::minutes(2));
        let (one, two) = tokio::join!(server.app.worker.run_due(), other.worker.run_due());
        one.unwrap();
        two.unwrap();
        assert_eq!(server.told_of_ends("karim").await.len(), 2);
        server.go_to(end + TimeDelta::days(1)).await;
        assert_eq!(server.told_of_ends("karim").await.len(), 2);
        assert!(!server.members("frontend").await.contains(&"Karim Benali".to_owned()));
    }

    async fn short_ended_and_unwanted_ends_are_not_told(server: Server) {
        server.hold_for("karim", TimeDelta::days(14)).await;
        server.hold_for("lena", TimeDelta::hours(20)).await;
        let ended = server.hold_for("farah", TimeDelta::days(40)).await;
        server.hold_for("goran", TimeDelta::days(40)).await;
        let end = server.clock.now() + TimeDelta::days(14);
        let off = server.mutation("goran", "updateNotificationPreferences", "__typename",
            json!({ "preferences": [{ "kind": "ASSIGNMENT_EXPIRING", "enabled": false }] })).await;
        assert_eq!(codes(&off), [""; 0]);
        server.go_to(server.clock.now() + TimeDelta::minutes(2)).await;
        assert!(server.told_of_ends("karim").await.is_empty(), "14 days were all it was made for");
        assert!(server.told_of_ends("lena").await.is_empty());
        server.go_to(end - TimeDelta::hours(23)).await;
        assert_eq!(server.told_of_ends("karim").await.len(), 1, "a day before");
        server.mutation("farah", "giveUpAssignment", "assignment { state }", json!({ "id": ended })).await;
        server.go_to(end + TimeDelta::days(13)).await;
        assert!(server.told_of_ends("farah").await.is_empty(), "given up");
        assert!(server.told_of_ends("goran").await.is_empty(), "turned off");
    }

    async fn one_notice_is_enough_after_a_standstill_and_a_later_end_is_told_again(server: Server) {
        let id = server.hold_for("karim", TimeDelta::days(40)).await;
        let end = server.clock.now() + TimeDelta::days(40);
        server.go_to(end - TimeDelta::hours(20)).await;
        assert_eq!(server.told_of_ends("karim").await.len(), 1);
        // The end is put off, as an extension does.
        server.sql("UPDATE assignment SET expires_at = '2027-03-01T00:00:00+00:00', due_at = '2027-03-01T00:00:00+00:00'
            WHERE user_id IN (SELECT id FROM app_user WHERE subject = 'karim') AND state = 'DELIVERED'").await;
        let end: DateTime<Utc> = "2027-03-01T00:00:00Z".parse().unwrap();
        server.go_to(end - TimeDelta::days(20)).await;
        assert_eq!(server.told_of_ends("karim").await.len(), 1);
        server.go_to(end - TimeDelta::days(13)).await;
        let told = server.told_of_ends("karim").await;
        assert_eq!(told.len(), 2);
        assert_eq!((&told[0]["title"], &told[0]["subjectId"]), (&json!("Your access to “Frontend engineer” ends on 1 March 2027"), &id));
    }
}

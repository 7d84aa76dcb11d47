//! What was found about delivery at real remotes, one test each, as it should be.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::odd_scim::{Account, OddScim, Oddity};
use crate::harness::scim_world::ScimPackage;

const GROUP: &str = "team";
const OTHER: &str = "other@example.org";
const ADA: &str = "ada@contoso.example";

/// A server with a group that holds somebody already, and a package of it.
struct World<'a> {
    server: &'a Server,
    odd: OddScim,
    connector: Value,
    package: ScimPackage,
}

impl<'a> World<'a> {
    async fn build(server: &'a Server, name: &str, oddities: &[Oddity]) -> Self {
        let odd = OddScim::start(oddities).await;
        odd.put_group(GROUP);
        odd.put_user(Account::named(OTHER));
        odd.put_in(GROUP, OTHER);
        let connector = server.scim_connector(name, &odd.base_url()).await;
        let package = server.scim_package_of(&connector, name, GROUP).await;
        Self { server, odd, connector, package }
    }

    /// Gives the package, and rests; the person must be in.
    async fn give(&self, user: &Value, account: &str) -> Value {
        let assignment = self.server.give(&self.package, user).await;
        let books = self.server.rest(&[&self.package]).await;
        assert_eq!(books.state_of(&assignment), "DELIVERED");
        assert_eq!(self.odd.truth(GROUP), [account, OTHER]);
        assignment
    }

    /// Takes an assignment, and rests; gives its state.
    async fn take(&self, assignment: &Value) -> String {
        self.server.take(assignment).await;
        self.server.rest(&[&self.package]).await.state_of(assignment).to_owned()
    }
}

async fn state_of(server: &Server, packages: &[&ScimPackage], assignment: &Value) -> String {
    server.rest(packages).await.state_of(assignment).to_owned()
}

on_both_databases! {
    async fn d01_members_that_are_not_shown_are_removed(server: Server) {
        let ways = [
            Oddity::MembersLeftOut, Oddity::MembersEmpty, Oddity::FirstMembersOnly(1), Oddity::RefOnly,
            Oddity::OtherCaseIds,
        ];
        let ada = server.colleague("Ada", ADA).await;
        let mut left = Vec::new();
        for way in ways {
            let world = World::build(&server, &format!("{way:?}"), &[way]).await;
            let held = world.give(&ada, ADA).await;
            let state = world.take(&held).await;
            if world.odd.truth(GROUP) != [OTHER] || state != "ENDED" || world.odd.writes_of(ADA).len() != 2 {
                left.push((way, state, world.odd.truth(GROUP)));
            }
        }
        assert!(left.is_empty(), "{left:?}");
    }

    async fn d02_a_removal_that_is_only_said_is_made_in_the_other_form(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        for way in [Oddity::FilteredRemovalNotDone, Oddity::RemovalShowsMember] {
            let world = World::build(&server, &format!("{way:?}"), &[way]).await;
            let held = world.give(&ada, ADA).await;
            assert_eq!(world.take(&held).await, "ENDED", "{way:?}");
            assert_eq!(world.odd.truth(GROUP), [OTHER], "{way:?}");
        }
    }

    async fn d02_a_removal_that_is_never_made_is_a_failure_that_is_seen(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[Oddity::RemovalNotDone]).await;
        let held = world.give(&ada, ADA).await;
        assert_eq!(world.take(&held).await, "REVOKING");
        assert_eq!(world.odd.truth(GROUP), [ADA, OTHER]);
        assert!(!server.books(&[&world.package]).await.failures().is_empty());
        world.odd.unset(Oddity::RemovalNotDone);
        assert_eq!(state_of(&server, &[&world.package], &held).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [OTHER]);
    }

    async fn d03_another_login_name_is_still_the_same_account(server: Server) {
        // The account is others': Guichet found it by its login name, and its own id is not there.
        let renamed = "ada.byron@contoso.example";
        for (place, (here, there)) in [(true, false), (false, true), (true, true)].into_iter().enumerate() {
            for leaves in [false, true] {
                let name = format!("Cloud {place} {leaves}");
                let ada = server.colleague(&name, ADA).await;
                let world = World::build(&server, &name, &[]).await;
                world.odd.put_user(Account::named(ADA));
                let held = world.give(&ada, ADA).await;
                if here {
                    server.readdress(&ada, renamed).await;
                }
                if there {
                    world.odd.rename_user(ADA, if here { "a.lovelace@contoso.example" } else { renamed });
                }
                if leaves {
                    server.build("deactivateUser", "user { id }", json!({ "id": ada })).await;
                } else {
                    server.take(&held).await;
                }
                let state = state_of(&server, &[&world.package], &held).await;
                assert_eq!(world.odd.truth(GROUP), [OTHER], "{name}");
                assert_eq!(state, "ENDED", "{name}");
            }
        }
    }

    async fn d03_an_account_that_is_gone_is_no_obstacle(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let held = world.give(&ada, ADA).await;
        assert!(world.odd.delete_user(ADA));
        assert_eq!(world.take(&held).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [OTHER]);
    }

    async fn d04_two_catalogs_one_group(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let second = server.scim_package_of(&world.connector, "Cloud again", GROUP).await;
        let one = world.give(&ada, ADA).await;
        let other = server.give(&second, &ada).await;
        assert_eq!(state_of(&server, &[&second], &other).await, "DELIVERED");
        assert_eq!(world.take(&one).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [ADA, OTHER], "the other catalog still gives it");
        server.take(&other).await;
        assert_eq!(state_of(&server, &[&second], &other).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [OTHER]);
    }

    async fn d04_two_connectors_one_base_url(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        // Written otherwise, but the same.
        let base_url = format!("{}/", world.odd.base_url());
        let connector = server.scim_connector("Cloud again", &base_url).await;
        let second = server.scim_package_of(&connector, "Cloud again", GROUP).await;
        let one = world.give(&ada, ADA).await;
        let other = server.give(&second, &ada).await;
        assert_eq!(state_of(&server, &[&second], &other).await, "DELIVERED");
        assert_eq!(world.take(&one).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [ADA, OTHER]);
    }

    async fn d04_two_users_one_account(server: Server) {
        let (ada, twin) = (server.colleague("Ada", ADA).await, server.colleague("Ada again", ADA).await);
        let world = World::build(&server, "Cloud", &[]).await;
        world.odd.put_user(Account::named(ADA));
        let one = world.give(&ada, ADA).await;
        // Refused and seen, or given: then what the first loses stays the second's.
        let other = server.give(&world.package, &twin).await;
        let is_given = state_of(&server, &[&world.package], &other).await == "DELIVERED";
        assert_eq!(world.take(&one).await, "ENDED");
        let books = server.books(&[&world.package]).await;
        let expected = if is_given { vec![ADA, OTHER] } else { vec![OTHER] };
        assert_eq!(world.odd.truth(GROUP), expected);
        assert_eq!(books.state_of(&other) == "DELIVERED", is_given);
    }

    async fn d06_a_user_who_was_just_made_is_tried_again(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        for status in [404, 400] {
            let way = Oddity::NewUserUnknown { calls: 2, status };
            let world = World::build(&server, &format!("Cloud {status}"), &[way]).await;
            let held = server.give(&world.package, &ada).await;
            server.work().await;
            let books = server.books(&[&world.package]).await;
            assert_eq!(books.deliveries[0].state, "PENDING", "{status}");
            assert_eq!(books.failures(), ["ACCOUNT_NOT_READY"], "{status}: the person, not the group");
            let wait = books.deliveries[0].next.unwrap() - server.clock.now();
            assert!(wait <= TimeDelta::minutes(1), "{status}: after seconds, not {wait}");
            assert_eq!(state_of(&server, &[&world.package], &held).await, "DELIVERED", "{status}");
            assert_eq!(world.odd.truth(GROUP), [ADA, OTHER], "{status}");
            assert_eq!(world.odd.count("POST", "/Users"), 1, "{status}");
        }
    }

    async fn d07_a_group_that_was_deleted_keeps_nobody(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let held = world.give(&ada, ADA).await;
        world.odd.delete_group(GROUP);
        assert_eq!(world.take(&held).await, "ENDED");
        let again = server.give(&world.package, &ada).await;
        assert_eq!(state_of(&server, &[&world.package], &again).await, "DELIVERY_FAILED");
        assert_eq!(server.books(&[&world.package]).await.failures(), ["RESOURCE_NOT_FOUND"]);
    }

    async fn d07_a_wrong_base_url_ends_no_access(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let held = world.give(&ada, ADA).await;
        world.odd.set(Oddity::NotFoundPage);
        assert_eq!(world.take(&held).await, "REVOKING");
        assert!(!server.books(&[&world.package]).await.failures().is_empty());
        assert_eq!(world.odd.truth(GROUP), [ADA, OTHER]);
        world.odd.unset(Oddity::NotFoundPage);
        assert_eq!(state_of(&server, &[&world.package], &held).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [OTHER]);
    }

    async fn d12_an_account_that_guichet_made_is_made_active(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let held = world.give(&ada, ADA).await;
        assert_eq!(world.take(&held).await, "ENDED");
        world.odd.set_active(ADA, false);
        world.give(&ada, ADA).await;
        assert!(world.odd.is_active(ADA));
    }

    async fn d12_an_account_of_others_stays_as_it_is(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        world.odd.put_user(Account { inactive: true, ..Account::named(ADA) });
        server.give(&world.package, &ada).await;
        server.rest(&[&world.package]).await;
        assert!(!world.odd.is_active(ADA));
    }

    async fn d13_no_second_account_beside_a_staff_number(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let emails = vec![ADA.to_owned()];
        world.odd.put_user(Account { user_name: "E-1815".to_owned(), emails, ..Account::default() });
        let held = server.give(&world.package, &ada).await;
        assert_eq!(state_of(&server, &[&world.package], &held).await, "DELIVERED");
        assert_eq!(world.odd.users(), ["E-1815", OTHER]);
        assert_eq!(world.odd.truth(GROUP), ["E-1815", OTHER]);
        assert_eq!(world.take(&held).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [OTHER]);
    }

    async fn d18_what_no_package_holds_any_more_is_taken(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let second = server.package_in(&world.package.catalog, "Cloud again", &world.package.role).await;
        let one = world.give(&ada, ADA).await;
        let other = server.give(&second, &ada).await;
        assert_eq!(state_of(&server, &[&second], &other).await, "DELIVERED");
        let roles = json!({ "id": second.package, "resourceRoles": [second.role] });
        server.build("removeAccessPackageResourceRoles", "accessPackage { id }", roles).await;
        server.rest(&[&world.package, &second]).await;
        assert_eq!(world.odd.truth(GROUP), [ADA, OTHER], "the first package still holds the role");
        assert_eq!(world.take(&one).await, "ENDED");
        assert_eq!(world.odd.truth(GROUP), [OTHER], "no package gives it");
    }

    async fn d19_an_add_that_fails_for_good_keeps_nothing(server: Server) {
        let ada = server.colleague("Ada", ADA).await;
        let world = World::build(&server, "Cloud", &[]).await;
        let second = server.package_in(&world.package.catalog, "Cloud again", &world.package.role).await;
        let one = world.give(&ada, ADA).await;
        // The second add waits while the first assignment ends.
        world.odd.set(Oddity::Unavailable);
        let other = server.give(&second, &ada).await;
        server.work().await;
        server.take(&one).await;
        let state = state_of(&server, &[&world.package, &second], &other).await;
        assert_eq!(state, "DELIVERY_FAILED");
        world.odd.unset(Oddity::Unavailable);
        server.rest(&[&world.package, &second]).await;
        assert_eq!(world.odd.truth(GROUP), [OTHER], "the second says that it holds nothing");
        server.take(&other).await;
        let books = server.rest(&[&world.package, &second]).await;
        assert_eq!((books.state_of(&one), books.state_of(&other)), ("ENDED", "ENDED"));
        assert_eq!(world.odd.truth(GROUP), [OTHER]);
    }
}

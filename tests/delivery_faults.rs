//! What a crash of a server, and any order of events, leave behind at a remote: nothing, and nothing twice.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::harness::Server;
use crate::harness::odd_scim::{Account, OddScim};
use crate::harness::scim_world::ScimPackage;

const GROUP: &str = "team";
const OTHER: &str = "other@example.org";

/// A small generator of numbers, so that a walk can be repeated by its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides as u64).unwrap()
    }
}

/// Where a worker dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dies {
    /// The account was created, and the answer did not arrive.
    CreatingTheAccount,
    /// The membership was written, and the answer did not arrive.
    Giving,
    /// The membership was taken, and the answer did not arrive.
    Taking,
}

/// Works until a write has arrived at the remote, and dies before its answer does.
async fn die(server: &Server, odd: &OddScim, dies: Dies) {
    // The account is created before the membership is written.
    let writes = if dies == Dies::Giving { 2 } else { 1 };
    let worker = server.app.worker.clone();
    odd.hold_next_answer();
    let running = tokio::spawn(async move { worker.run_due().await });
    for write in 1..=writes {
        odd.arrived().await;
        if write < writes {
            odd.hold_next_answer();
            odd.release();
        }
    }
    running.abort();
    assert!(running.await.is_err(), "it was under way");
    odd.release();
}

/// How the account of a user was found.
async fn origin_of(server: &Server, user: &str) -> Vec<String> {
    let text = format!(
        "SELECT a.origin || ' ' || a.state FROM remote_account a JOIN app_user u ON u.id = a.user_id WHERE u.subject = '{user}'"
    );
    server.rows(text).await
}

on_both_databases! {
    async fn a_worker_that_dies_loses_and_doubles_nothing(server: Server) {
        for dies in [Dies::CreatingTheAccount, Dies::Giving, Dies::Taking] {
            let name = format!("{dies:?}");
            let address = format!("{}@contoso.example", name.to_lowercase());
            let odd = OddScim::start(&[]).await;
            odd.put_group(GROUP);
            odd.put_user(Account::named(OTHER));
            odd.put_in(GROUP, OTHER);
            let connector = server.scim_connector(&name, &odd.base_url()).await;
            let package = server.scim_package_of(&connector, &name, GROUP).await;
            let user = server.colleague(&name, &address).await;
            let held = server.give(&package, &user).await;
            if dies == Dies::Taking {
                server.work().await;
                server.take(&held).await;
            }
            die(&server, &odd, dies).await;
            // Its leases end, and another worker goes on.
            server.clock.advance(TimeDelta::minutes(2));
            let books = server.rest(&[&package]).await;
            let (state, members) = match dies {
                Dies::Taking => ("ENDED", vec![OTHER]),
                Dies::CreatingTheAccount | Dies::Giving => ("DELIVERED", vec![address.as_str(), OTHER]),
            };
            assert_eq!(books.state_of(&held), state, "{dies:?}");
            assert_eq!(odd.truth(GROUP), members, "{dies:?}");
            assert_eq!(odd.count("POST", "/Users"), 1, "{dies:?}: one account");
            assert_eq!(origin_of(&server, &name).await, ["CREATED LINKED"], "{dies:?}: it is known to be Guichet's");
        }
    }

    async fn whatever_the_order_the_remote_holds_what_is_wanted(server: Server) {
        for seed in 0..3 {
            let mut dice = Dice(seed);
            let odd = OddScim::start(&[]).await;
            odd.put_group(GROUP);
            odd.put_user(Account::named(OTHER));
            odd.put_in(GROUP, OTHER);
            let connector = server.scim_connector(&format!("Cloud {seed}"), &odd.base_url()).await;
            // Two catalogs, and two packages in one of them, all with the one group.
            let first = server.scim_package_of(&connector, &format!("First {seed}"), GROUP).await;
            let second = server.scim_package_of(&connector, &format!("Second {seed}"), GROUP).await;
            let third = server.package_in(&second.catalog, &format!("Third {seed}"), &second.role).await;
            let packages: [&ScimPackage; 3] = [&first, &second, &third];
            let names = [format!("ann{seed}"), format!("ben{seed}")];
            let mut people = Vec::new();
            for name in &names {
                people.push(server.colleague(name, &format!("{name}@contoso.example")).await);
            }
            // The test's own account of it: who holds which package, and which packages give the group.
            let mut held: Vec<(usize, usize, Value)> = Vec::new();
            let mut gives = [true; 3];
            let mut walk = Vec::new();
            for _ in 0..24 {
                let (person, package) = (dice.roll(2), dice.roll(3));
                let step = dice.roll(7);
                walk.push((step, person, package));
                let mine = held.iter().position(|one| (one.0, one.1) == (person, package));
                match (step, mine) {
                    (0 | 1, None) => {
                        let assignment = server.give(packages[package], &people[person]).await;
                        held.push((person, package, assignment));
                    }
                    (0..=2, Some(at)) => server.take(&held.swap_remove(at).2).await,
                    (3, _) => {
                        let change = json!({ "id": packages[package].package, "resourceRoles": [packages[package].role] });
                        let name = if gives[package] { "removeAccessPackageResourceRoles" } else { "addAccessPackageResourceRoles" };
                        server.build(name, "", change).await;
                        gives[package] = !gives[package];
                    }
                    (4, _) => server.readdress(&people[person], &format!("{}-{}@contoso.example", names[person], walk.len())).await,
                    (5, _) => server.work().await,
                    _ => {
                        // A worker dies with what it has claimed.
                        guichet::store::delivery::claim(&server.app.database, server.clock.id()).await.unwrap();
                        server.clock.advance(TimeDelta::seconds(61));
                    }
                }
            }
            server.rest(&packages).await;
            let members = odd.truth(GROUP).len();
            let wanted = (0..2).filter(|person| held.iter().any(|one| one.0 == *person && gives[one.1])).count();
            assert_eq!(members, wanted + 1, "{seed}: {walk:?}: {:?}", odd.truth(GROUP));
            assert!(odd.truth(GROUP).contains(&OTHER.to_owned()), "{seed}: what others put in stays");
            assert!(odd.users().len() <= 3, "{seed}: one account each: {:?}", odd.users());
        }
    }
}

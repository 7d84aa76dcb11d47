//! Every behaviour of a SCIM server × every flow, through the running server and its API.
//!
//! A cell holds if, whenever everything rests, the true members at the remote are exactly those who are
//! wanted plus those whom others put in, or the books name the difference: a delivery that waits or was
//! given up with an error code, or an assignment that is neither `DELIVERED` nor `ENDED`. Who is wanted is
//! the test's own account. `FAILS_TODAY` lists the cells that do not hold; whoever mends one removes it
//! from the list.

pub mod behaviours;
mod flows;

use std::collections::BTreeSet;

use self::behaviours::{BEHAVIOURS, Behaviour, Family};
use self::flows::Flow;
use crate::harness::Server;

/// The cells that do not hold yet. Guichet does not look by itself whether access that it gave is still there, and these
/// flows ask it for nothing after others deleted the group and renamed the account: only a comparison would tell.
const FAILS_TODAY: &[(&str, Flow)] =
    &[("group_deleted", Flow::RenameThere), ("group_deleted", Flow::RenameBoth)];

/// Runs the rows of one family, each on a server of its own.
async fn check_family(first: Server, family: Family) {
    let kind = first.kind;
    let mut first = Some(first);
    let mut faults = Vec::new();
    let names: BTreeSet<&str> = BEHAVIOURS.iter().map(|behaviour| behaviour.name).collect();
    for (name, _) in FAILS_TODAY {
        assert!(names.contains(name), "FAILS_TODAY: there is no behaviour {name}");
    }
    for behaviour in BEHAVIOURS.iter().filter(|behaviour| behaviour.family == family) {
        let server = match first.take() {
            Some(server) => server,
            None => Server::start(kind).await.expect("the database is there"),
        };
        for flow in Flow::ALL {
            faults.extend(check_cell(&server, behaviour, flow).await);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What is wrong about one cell, if it is.
async fn check_cell(server: &Server, behaviour: &Behaviour, flow: Flow) -> Option<String> {
    let cell = format!("(\"{}\", Flow::{flow:?}),", behaviour.name);
    let is_listed = FAILS_TODAY.contains(&(behaviour.name, flow));
    match (flows::run(server, behaviour, flow).await, is_listed) {
        (Ok(()), false) | (Err(_), true) => None,
        (Ok(()), true) => Some(format!("{cell} // holds: remove it from FAILS_TODAY")),
        (Err(fault), false) => Some(format!("{cell} // {fault}")),
    }
}

on_both_databases! {
    async fn servers_that_read_oddly(server: Server) {
        check_family(server, Family::Reading).await;
    }

    async fn servers_that_write_oddly(server: Server) {
        check_family(server, Family::Writing).await;
    }

    async fn servers_with_odd_users(server: Server) {
        check_family(server, Family::Users).await;
    }

    async fn servers_with_an_odd_protocol(server: Server) {
        check_family(server, Family::Protocol).await;
    }
}

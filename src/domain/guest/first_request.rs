//! The first request of somebody from outside makes a guest of them, or nothing: when it is refused, nobody was made.

use std::sync::Arc;

use entity::app_user::{self, UserKind, UserState};
use uuid::Uuid;

use crate::authz::{Actor, Outsider, Scope};
use crate::domain::access_request::plan::Wish;
use crate::domain::access_request::submit::Submit;
use crate::domain::connected_organization::propose::propose;
use crate::domain::{Attempt, Command, Error, input};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// Ask for a package, as somebody from outside who is no user yet.
pub struct FirstRequest {
    /// Who asks, as their issuer vouches.
    pub newcomer: Arc<Outsider>,
    /// What they ask for; who they are in it is filled in here.
    pub submit: Submit,
}

impl Command for FirstRequest {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt { actor: None, ..self.submit.attempt() }
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        let organization = self.submit.actor.organization;
        // Of two first requests of one person at once the second is one of a guest.
        store::organization::lock(txn, organization).await?;
        let (issuer, subject) = (&self.newcomer.issuer, &self.newcomer.subject);
        if let Some(user) = store::user::known(txn, organization, issuer, subject).await? {
            return self.of(user.id, false).run(txn).await;
        }
        let actor = Actor { user: txn.id(), ..self.submit.actor };
        txn.insert(self.guest(txn, &actor)).await?;
        txn.changes_access();
        let first_seen = Event::by(&actor, "user.first_seen", Kind::User, actor.user);
        audit_event::record(txn, &first_seen).await?;
        let request = self.of(actor.user, true).run(txn).await?;
        if let Some(proposal) = self.newcomer.proposes() {
            let connected = propose(txn, &actor, proposal).await?;
            store::user::set_connected_organization(txn, actor.user, connected).await?;
        }
        Ok(request)
    }
}

impl FirstRequest {
    /// The request of this user. As long as they are a newcomer no policy for users means them: which policies admit
    /// somebody does not change because they are written down in the middle of it.
    fn of(&self, user: Uuid, is_newcomer: bool) -> Submit {
        let actor = Actor { user, ..self.submit.actor };
        let scope = Scope { user: Some(user), is_newcomer, ..self.submit.scope.clone() };
        let wish = Wish { user, ..self.submit.wish.clone() };
        Submit { actor, scope, wish, ..self.submit.clone() }
    }

    fn guest(&self, txn: &Txn, actor: &Actor) -> app_user::Model {
        app_user::Model {
            id: actor.user,
            organization_id: actor.organization,
            issuer: self.newcomer.issuer.clone(),
            subject: self.newcomer.subject.clone(),
            kind: UserKind::Guest,
            state: UserState::Active,
            name_key: input::key(&self.newcomer.name),
            display_name: self.newcomer.name.clone(),
            email: self.newcomer.email.clone(),
            manager_id: None,
            claimed_roles: None,
            claimed_at: None,
            deactivated_at: None,
            version: 1,
            created_at: txn.now(),
            connected_organization_id: self.newcomer.connected,
            guest_end: None,
            guest_end_at: None,
            unblocked_at: None,
        }
    }
}

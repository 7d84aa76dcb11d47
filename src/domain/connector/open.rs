//! Open a connector to a catalog, for named targets: the catalog's owners may take these as resources.

use std::collections::BTreeSet;

use entity::connector_opening;
use uuid::Uuid;

use super::{EVERY_TARGET, get};
use crate::authz::Permit;
use crate::authz::permission::action::EditConnector;
use crate::domain::input::{self, Checks};
use crate::domain::{Attempt, Code, Command, Error, Rejection, catalog, confirm_everywhere, refusal};
use crate::id::Kind;
use crate::store::audit_event::{self, Event};
use crate::store::{self, Txn};

/// The most targets of one opening.
const MOST_TARGETS: usize = 1_000;

/// Set the allow-list of one catalog at one connector.
pub struct Open {
    /// The permit.
    pub permit: Permit<EditConnector>,
    /// The connector; none where the id was garbage.
    pub connector: Option<Uuid>,
    /// The catalog; none where the id was garbage.
    pub catalog: Option<Uuid>,
    /// The ids of the targets at the remote; `*` alone for all; none to close it.
    pub targets: Vec<String>,
}

impl Command for Open {
    type Output = Uuid;

    fn attempt(&self) -> Attempt {
        Attempt::with(&self.permit, self.connector.map(|id| (Kind::Connector, id)))
    }

    async fn run(&self, txn: &Txn) -> Result<Uuid, Error> {
        confirm_everywhere(txn, &self.permit).await?;
        let actor = self.permit.actor();
        let catalog = match self.catalog {
            Some(id) => store::catalog::lock(txn, actor.organization, id).await?,
            None => None,
        };
        let connector = get(txn, actor.organization, "connector", self.connector).await?;
        let catalog = catalog.ok_or_else(|| catalog::not_found("catalog"))?;
        let wanted = self.checked()?;
        let open = store::connector::targets(txn, connector.id, catalog.id).await?;
        let removed: Vec<String> = open.iter().filter(|target| !wanted.contains(*target)).cloned().collect();
        let added: Vec<String> = wanted.iter().filter(|target| !open.contains(*target)).cloned().collect();
        if removed.is_empty() && added.is_empty() {
            return Ok(connector.id);
        }
        let wanted: Vec<String> = wanted.into_iter().collect();
        if !wanted.iter().any(|target| target == EVERY_TARGET) {
            let taken = store::connector::taken_besides(txn, connector.id, catalog.id, &wanted).await?;
            if !taken.is_empty() {
                let reason = "Resources of the catalog use targets that are not in the list";
                return Err(refusal::in_use("targets", reason, &taken).into());
            }
        }
        store::connector::close(txn, connector.id, catalog.id, &removed).await?;
        let rows = added.iter().map(|target| connector_opening::Model {
            connector_id: connector.id,
            catalog_id: catalog.id,
            target: target.clone(),
            created_at: txn.now(),
        });
        txn.insert_all(rows.collect()).await?;
        store::connector::touch(txn, connector.id).await?;
        let event = Event::by(&actor, "connector.opened", Kind::Connector, connector.id);
        let details = serde_json::json!({
            "catalog": Kind::Catalog.text(catalog.id),
            "added": added,
            "removed": removed,
        });
        audit_event::record(txn, &event.with(details)).await?;
        Ok(connector.id)
    }
}

impl Open {
    /// The targets, each once.
    fn checked(&self) -> Result<BTreeSet<String>, Error> {
        let mut checks = Checks::default();
        let wrong = |message: &str| Rejection::of("targets", Code::InvalidInput, message);
        checks.refuse_if(self.targets.len() > MOST_TARGETS, || {
            wrong("`targets` must hold at most 1,000 ids; `*` stands for all of them.")
        });
        checks.refuse_if(
            self.targets.len() > 1 && self.targets.iter().any(|target| target == EVERY_TARGET),
            || wrong("`*` stands for all targets: give it alone."),
        );
        let mut wanted = BTreeSet::new();
        for (place, target) in self.targets.iter().take(MOST_TARGETS).enumerate() {
            wanted.insert(checks.take(input::origin(&format!("targets.{place}"), target)));
        }
        checks.done()?;
        Ok(wanted)
    }
}

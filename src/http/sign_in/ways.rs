//! `GET /sign-in/ways`: what people can sign in by.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::super::refusal::bad_request;
use super::{answer, unavailable};
use crate::app::App;
use crate::authn::code_flow::Choice;
use crate::store::{self, StoreError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    organization: String,
}

/// Answers for the organization of this name, its own issuer first. For a name that no organization has, as for one that
/// lets nobody in by mail.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    answer(&app, async {
        let Query(asked) =
            asked.map_err(|_| bad_request("The only parameter is `organization`: a slug or a domain."))?;
        let (names, allows_mail) = named(&app, &asked.organization).await.map_err(unavailable)?;
        let is_own =
            |choice: &Choice<'_>| choice.organization.is_some_and(|own| names.iter().any(|name| name == own));
        let mut choices: Vec<Choice<'_>> = app.code_flow.choices().collect();
        choices.sort_by_key(|choice| !is_own(choice));
        let issuers = choices.iter().map(|choice| json!({ "issuer": choice.issuer, "name": choice.name }));
        let told = json!({
            "public_url": app.environment.public_url.trim_end_matches('/'),
            "email": allows_mail && app.environment.can_mail,
            "issuers": issuers.collect::<Vec<_>>(),
            "people": app.pages.people,
        });
        Ok((StatusCode::OK, told))
    })
    .await
}

/// The names of an organization, and whether it lets people in by mail.
async fn named(app: &App, name: &str) -> Result<(Vec<String>, bool), StoreError> {
    if name.is_empty() || name.contains('\0') {
        return Ok((Vec::new(), false));
    }
    let Some(organization) = store::organization::named(&app.database, name).await? else {
        return Ok((Vec::new(), false));
    };
    let mut names = store::organization::domains(&app.database, organization.id).await?;
    names.push(organization.slug);
    Ok((names, organization.email_sign_in))
}

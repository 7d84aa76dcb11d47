//! The endpoints: `ServiceProviderConfig`, `Users`, `Groups` (RFC 7644 §3.2).

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use serde_json::Value;
use url::Url;

use super::answers::{self, Answer};
use super::directory::Account;
use super::oddity::Oddity;
use super::patch::{self, Written};
use super::{Inner, filter};

/// How many are listed if nothing is said.
const PAGE: usize = 100;

impl Inner {
    /// Answers a call; `written` gets whose membership it wrote.
    pub(super) fn route(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        headers: &HeaderMap,
        body: &Value,
        written: &mut Written,
    ) -> Answer {
        let query = Query::parse(query);
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match (method, segments.as_slice()) {
            ("GET", ["ServiceProviderConfig"]) => Answer::json(200, &answers::configuration()),
            ("GET", ["Users"]) => self.list_users(&query),
            ("POST", ["Users"]) => self.make_user(body),
            ("GET", ["Users", id]) => self.user(id, 200),
            ("PATCH", ["Users", id]) => self.patch_user(id, body),
            ("DELETE", ["Users", id]) if self.directory.delete_user(id) => Answer::nothing(),
            ("DELETE", ["Users", _]) => missing(),
            ("GET", ["Groups"]) => self.list_groups(&query),
            ("GET", ["Groups", id]) => self.group(id, query.get("attributes")),
            ("PATCH", ["Groups", id]) => {
                let tag = headers.get(IF_MATCH).and_then(|tag| tag.to_str().ok());
                match self.patch_group(id, &query, tag, body) {
                    Ok((answer, names)) => {
                        *written = names;
                        answer
                    }
                    Err(refused) => refused,
                }
            }
            (_, ["Users" | "Groups", ..]) => Answer::error(501, None, "This is not supported"),
            _ => Answer::error(404, None, "There is no such endpoint"),
        }
    }

    fn list_users(&self, query: &Query) -> Answer {
        let comparisons = match query.comparisons() {
            Ok(comparisons) => comparisons,
            Err(refused) => return refused,
        };
        for comparison in &comparisons {
            for oddity in &self.oddities {
                if let (Oddity::ExternalIdRefused(status), "externalid") =
                    (oddity, comparison.attribute.as_str())
                {
                    return Answer::error(*status, Some("invalidFilter"), "externalId is not supported");
                }
            }
        }
        let mut found = Vec::new();
        for user in self.directory.users() {
            let mut fits = !self.oddities.contains(&Oddity::OthersAccountsHidden) || user.made_by_call;
            for comparison in &comparisons {
                match filter::fits_user(user, comparison, &self.oddities) {
                    Some(fit) => fits &= fit,
                    None => return unknown_filter(),
                }
            }
            if fits {
                found.push(answers::user(user, &self.base, &self.oddities));
            }
        }
        Answer::json(200, &query.page(&found))
    }

    fn list_groups(&mut self, query: &Query) -> Answer {
        let comparisons = match query.comparisons() {
            Ok(comparisons) => comparisons,
            Err(refused) => return refused,
        };
        let mut found = Vec::new();
        for group in &self.directory.groups {
            let mut fits = true;
            for comparison in &comparisons {
                match filter::fits_group(&self.directory, group, comparison, &self.oddities) {
                    Some(fit) => fits &= fit,
                    None => return unknown_filter(),
                }
            }
            if fits {
                found.push(group.id.clone());
            }
        }
        let shown: Vec<Value> =
            found.iter().filter_map(|id| self.shown(id, query.get("attributes"))).collect();
        Answer::json(200, &query.page(&shown))
    }

    fn make_user(&mut self, body: &Value) -> Answer {
        let text = |attribute: &str| body[attribute].as_str().map(str::to_owned);
        let Some(user_name) = text("userName").filter(|name| !name.is_empty()) else {
            return Answer::error(400, Some("invalidValue"), "userName is required");
        };
        let is_exact = self.oddities.contains(&Oddity::UserNameWithCase);
        let is_taken = |account: &Account| {
            let same_letters = account.user_name.to_lowercase() == user_name.to_lowercase();
            if is_exact { account.user_name == user_name } else { same_letters }
        };
        if self.directory.users().any(|user| is_taken(&user.account)) {
            return Answer::error(409, Some("uniqueness"), "This userName is taken");
        }
        let emails = body["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
        let account = Account {
            user_name,
            external_id: text("externalId"),
            emails: emails.iter().filter_map(|email| Some(email["value"].as_str()?.to_owned())).collect(),
            inactive: body["active"] == false || self.oddities.contains(&Oddity::MadeInactive),
        };
        let unknown_for = self.oddities.iter().find_map(|oddity| match oddity {
            Oddity::NewUserUnknown { calls, status } => Some((*calls, *status)),
            _ => None,
        });
        let numeric = self.oddities.contains(&Oddity::NumericIds);
        let user = self.directory.add_user(account, numeric);
        user.display_name = text("displayName").unwrap_or_default();
        user.made_by_call = true;
        user.unknown_for = unknown_for;
        let id = user.id.clone();
        self.user(&id, 201)
    }

    fn user(&self, id: &str, status: u16) -> Answer {
        match self.directory.user(id) {
            Some(user) => Answer::json(status, &answers::user(user, &self.base, &self.oddities)),
            None => missing(),
        }
    }

    fn patch_user(&mut self, id: &str, body: &Value) -> Answer {
        let Some(operations) = body["Operations"].as_array() else { return no_operations() };
        let Some(user) = self.directory.user_mut(id) else { return missing() };
        match patch::user(user, operations) {
            Ok(()) => self.user(id, 200),
            Err(refused) => refused,
        }
    }

    fn group(&mut self, id: &str, attributes: Option<&str>) -> Answer {
        let Some(shown) = self.shown(id, attributes) else { return missing() };
        let version = self.directory.group(id).map_or(0, |group| group.version);
        Answer::json(200, &shown).tagged(version)
    }

    /// A group as a reading shows it.
    fn shown(&mut self, id: &str, attributes: Option<&str>) -> Option<Value> {
        let members = self.directory.group_mut(id)?.shown(&self.oddities);
        Some(self.represent(id, &members, attributes))
    }

    fn represent(&self, id: &str, members: &[String], attributes: Option<&str>) -> Value {
        let group = self.directory.group(id).expect("the group was found");
        answers::group(&self.directory, group, members, attributes, &self.base, &self.oddities)
    }

    fn patch_group(
        &mut self,
        id: &str,
        query: &Query,
        tag: Option<&str>,
        body: &Value,
    ) -> Result<(Answer, Written), Answer> {
        let Some(operations) = body["Operations"].as_array() else { return Err(no_operations()) };
        let Some(group) = self.directory.group(id) else { return Err(missing()) };
        let is_weak = self.oddities.contains(&Oddity::WeakTags);
        if tag.is_some_and(|tag| is_weak || tag != "*" && tag != answers::tag(group.version)) {
            return Err(Answer::error(412, None, "The group has another version"));
        }
        let written = patch::group(&mut self.directory, id, operations, &self.oddities)?;
        let shows_members = self.oddities.contains(&Oddity::RemovalShowsMember);
        let attributes = query.get("attributes");
        let answer = if shows_members || attributes.is_some() {
            let members = self.directory.group(id).expect("the group was found").members.clone();
            Answer::json(200, &self.represent(id, &members, attributes))
        } else {
            Answer::nothing()
        };
        Ok((answer, written))
    }
}

fn missing() -> Answer {
    Answer::error(404, None, "The resource was not found")
}

fn no_operations() -> Answer {
    Answer::error(400, Some("invalidSyntax"), "There are no Operations")
}

fn unknown_filter() -> Answer {
    Answer::error(400, Some("invalidFilter"), "This filter is not known")
}

/// The query of a URL.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str) -> Self {
        let url = Url::parse(&format!("http://localhost/?{query}")).expect("a URL");
        Self(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    fn comparisons(&self) -> Result<Vec<filter::Comparison>, Answer> {
        self.get("filter").map_or(Ok(Vec::new()), |text| filter::parse(text).ok_or_else(unknown_filter))
    }

    fn page(&self, found: &[Value]) -> Value {
        let number = |name, default| self.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        answers::list(found, number("startIndex", 1), number("count", PAGE))
    }
}

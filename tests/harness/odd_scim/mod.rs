//! An odd SCIM server: faithful to RFC 7643 and 7644, with switchable oddities of real servers.
//!
//! `let odd = OddScim::start(&[Oddity::MembersLeftOut]).await;` answers at `odd.base_url()` on loopback to
//! the bearer token [`TOKEN`]. It keeps users and groups in memory and tells what is true, whatever it
//! tells its clients: [`OddScim::truth`]. It lives as long as its value.

mod answers;
mod directory;
mod filter;
mod oddity;
mod patch;
mod routes;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::answers::Answer;
pub use self::directory::Account;
use self::directory::Directory;
pub use self::oddity::Oddity;
use super::scim_world::TOKEN;

/// The path of the base URL.
const BASE: &str = "/scim/v2";

/// The longest request that is read, in bytes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// A call that was answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// The path below the base URL.
    pub path: String,
    pub status: u16,
    /// Whose membership it wrote: `add`, `remove` or `replace`, and the login name.
    pub written: Vec<(&'static str, String)>,
}

/// The running server.
pub struct OddScim {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    state: Mutex<Inner>,
    /// How many writes were applied.
    writes: watch::Sender<usize>,
    released: Notify,
}

#[derive(Default)]
struct Inner {
    base: String,
    directory: Directory,
    oddities: Vec<Oddity>,
    calls: Vec<Call>,
    /// Whether the answer to the next write is held back.
    hold: bool,
    /// How many writes [`OddScim::arrived`] has told of.
    told: usize,
}

impl OddScim {
    /// Starts a server with these oddities and an empty directory.
    pub async fn start(oddities: &[Oddity]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the address that was bound");
        let base = format!("http://{address}{BASE}");
        let inner = Inner { base, oddities: oddities.to_vec(), ..Inner::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(inner),
            writes: watch::Sender::new(0),
            released: Notify::new(),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("a running server");
        });
        Self { address, shared, server }
    }

    /// Where it answers, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}{BASE}", self.address)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.lock()
    }

    /// Switches an oddity on.
    pub fn set(&self, oddity: Oddity) {
        self.inner().oddities.push(oddity);
    }

    /// Switches an oddity off.
    pub fn unset(&self, oddity: Oddity) {
        self.inner().oddities.retain(|one| *one != oddity);
    }

    /// Makes an empty group.
    pub fn put_group(&self, id: &str) {
        self.inner().directory.add_group(id);
    }

    /// Makes a user, as the company's own directory does; gives the id.
    pub fn put_user(&self, account: Account) -> String {
        let mut inner = self.inner();
        let numeric = inner.oddities.contains(&Oddity::NumericIds);
        inner.directory.add_user(account, numeric).id.clone()
    }

    /// Makes `count` users with addresses of this domain, and puts them into a group.
    pub fn put_crowd(&self, group: &str, domain: &str, count: usize) {
        for number in 0..count {
            let id = self.put_user(Account::named(&format!("person-{number:05}@{domain}")));
            self.inner().directory.group_mut(group).expect("a group of this id").members.push(id);
        }
    }

    /// Puts a user into a group by hand, beside all calls.
    pub fn put_in(&self, group: &str, user_name: &str) {
        let mut inner = self.inner();
        let id = inner.directory.named(user_name).expect("a user of this name").id.clone();
        inner.directory.group_mut(group).expect("a group of this id").members.push(id);
    }

    /// Takes a user out of a group by hand, beside all calls.
    pub fn take_out(&self, group: &str, user_name: &str) {
        let mut inner = self.inner();
        let id = inner.directory.named(user_name).expect("a user of this name").id.clone();
        inner.directory.group_mut(group).expect("a group of this id").members.retain(|one| *one != id);
    }

    /// Changes a login name and its address, as the company's own directory does.
    pub fn rename_user(&self, user_name: &str, new: &str) {
        let mut inner = self.inner();
        let account = &mut inner.directory.named_mut(user_name).expect("a user of this name").account;
        *account = Account { external_id: account.external_id.take(), ..Account::named(new) };
    }

    /// Switches an account on or off.
    pub fn set_active(&self, user_name: &str, active: bool) {
        let mut inner = self.inner();
        inner.directory.named_mut(user_name).expect("a user of this name").account.inactive = !active;
    }

    /// Deletes a user, who leaves all groups, as the company's own directory does; false if there is none.
    pub fn delete_user(&self, user_name: &str) -> bool {
        let mut inner = self.inner();
        let id = inner.directory.named(user_name).map(|user| user.id.clone());
        id.is_some_and(|id| inner.directory.delete_user(&id))
    }

    /// Deletes a group.
    pub fn delete_group(&self, id: &str) {
        self.inner().directory.groups.retain(|group| group.id != id);
    }

    /// The login names of the true members of a group, sorted, as often as they are listed; none if the
    /// group was deleted.
    pub fn truth(&self, group: &str) -> Vec<String> {
        let inner = self.inner();
        let members = inner.directory.group(group).map(|group| group.members.as_slice());
        let mut names: Vec<String> =
            members.unwrap_or_default().iter().map(|id| inner.directory.name_of(id)).collect();
        names.sort();
        names
    }

    /// The login names of all users, sorted.
    pub fn users(&self) -> Vec<String> {
        let inner = self.inner();
        let mut names: Vec<String> =
            inner.directory.users().map(|user| user.account.user_name.clone()).collect();
        names.sort();
        names
    }

    /// Whether the user of this login name is there and active.
    pub fn is_active(&self, user_name: &str) -> bool {
        self.inner().directory.named(user_name).is_some_and(|user| !user.account.inactive)
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.inner().calls.clone()
    }

    /// How many calls of a method there were to a path below the base URL.
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.inner().calls.iter().filter(|call| call.method == method && call.path == path).count()
    }

    /// What the calls that succeeded wrote of one user's memberships: `add`, `remove` or `replace`, in order.
    pub fn writes_of(&self, user_name: &str) -> Vec<&'static str> {
        let inner = self.inner();
        let written = inner.calls.iter().flat_map(|call| &call.written);
        written.filter(|(_, name)| name == user_name).map(|(what, _)| *what).collect()
    }

    /// Holds the answer to the next write back, after it was applied, until [`release`](Self::release).
    pub fn hold_next_answer(&self) {
        let mut inner = self.inner();
        inner.hold = true;
        inner.told = *self.shared.writes.borrow();
    }

    /// Lets the answer that is held back go.
    pub fn release(&self) {
        self.shared.released.notify_one();
    }

    /// Resolves when a write was applied that [`hold_next_answer`](Self::hold_next_answer) or an earlier call
    /// of this has not seen.
    pub async fn arrived(&self) {
        let told = self.inner().told;
        let mut writes = self.shared.writes.subscribe();
        let seen = *writes.wait_for(|writes| *writes > told).await.expect("a running server");
        self.inner().told = seen;
    }
}

impl Drop for OddScim {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let method = parts.method.as_str();
    let (answer, is_held) = {
        let mut inner = shared.lock();
        let below = path.strip_prefix(BASE).unwrap_or(&path).to_owned();
        let mut written = Vec::new();
        let answer = inner
            .refuse(&path, &parts.headers, &body)
            .unwrap_or_else(|| inner.route(method, &below, &query, &parts.headers, &body, &mut written));
        let is_applied = answer.status < 300 && method != "GET";
        let is_held = is_applied && std::mem::take(&mut inner.hold);
        let written = if is_applied { written } else { Vec::new() };
        let call = Call { method: method.to_owned(), path: below, status: answer.status, written };
        inner.calls.push(call);
        if is_applied {
            shared.writes.send_modify(|writes| *writes += 1);
        }
        (answer, is_held)
    };
    if is_held {
        shared.released.notified().await;
    }
    answer.into_response()
}

impl Inner {
    /// What is refused before anything is looked at.
    fn refuse(&mut self, path: &str, headers: &HeaderMap, body: &Value) -> Option<Answer> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !path.starts_with(BASE) {
            return Some(Answer::page(404, "Not found"));
        }
        for oddity in &mut self.oddities {
            match oddity {
                Oddity::NotFoundPage => return Some(Answer::page(404, "Not found")),
                Oddity::Redirects => return Some(Answer::redirect("/sign-in")),
                Oddity::Unavailable => return Some(Answer::error(503, None, "Come back later")),
                Oddity::Throttled { status, retry_after, calls } if *calls > 0 => {
                    *calls -= 1;
                    return Some(Answer::throttled(*status, *retry_after));
                }
                Oddity::TokenExpired => return Some(Answer::error(401, None, "The token has expired")),
                Oddity::WantsPlainJson if !body.is_null() && header(CONTENT_TYPE).contains("scim") => {
                    return Some(Answer::page(415, "Unsupported Media Type"));
                }
                Oddity::IfMatchRefused if headers.contains_key(IF_MATCH) => {
                    return Some(Answer::error(501, None, "If-Match is not supported"));
                }
                _ => {}
            }
        }
        let expected = format!("Bearer {TOKEN}");
        (header(AUTHORIZATION) != expected).then(|| Answer::error(401, None, "The token is wrong"))
    }
}

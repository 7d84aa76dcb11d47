//! Clients that are slow, leave, or say nothing, and calls that take too long: nothing is held for them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use guichet::config::Limits;
use guichet::store::database::Connection as _;
use guichet::store::{StoreError, Transaction, Txn};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::harness::{Kind, Server};

/// Longer than anything here may take.
const SOON: Duration = Duration::from_secs(20);

/// The name of the organization is what changes here.
const RENAME: &str = "mutation($name: String!, $version: Int!) {
    updateOrganization(input: {displayName: $name, version: $version}) { userErrors { code } } }";

/// A transaction that holds what a renaming needs, until it is told to end.
struct Hold {
    began: Arc<Semaphore>,
    end: Arc<Semaphore>,
}

impl Transaction for Hold {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let mut sql = txn.sql();
        sql.push("UPDATE organization SET slug = slug");
        txn.execute(sql).await?;
        self.began.add_permits(1);
        let _ = self.end.acquire().await;
        Ok(())
    }
}

/// A hold on a server's database.
struct Held {
    end: Arc<Semaphore>,
    task: JoinHandle<Result<(), StoreError>>,
}

impl Held {
    async fn begin(server: &Server) -> Self {
        let (began, end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let hold = Hold { began: Arc::clone(&began), end: Arc::clone(&end) };
        let database = server.app.database.clone();
        let task = tokio::spawn(async move { database.write(&hold).await });
        began.acquire().await.unwrap().forget();
        Self { end, task }
    }

    async fn end(self) {
        self.end.add_permits(1);
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until something holds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < SOON, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

impl Server {
    async fn organization(&self) -> (String, Value) {
        let found = self.ask("alice", "{ organization { displayName version } }", json!({})).await;
        let organization = &found["organization"];
        (organization["displayName"].as_str().unwrap().to_owned(), organization["version"].clone())
    }

    /// Opens a connection, and sends an operation on it by hand.
    async fn open(&self, query: &str, variables: Value) -> TcpStream {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let head = self.head(body.len());
        let mut stream = self.connect().await;
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        stream
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.base.trim_start_matches("http://")).await.unwrap()
    }

    fn head(&self, length: usize) -> String {
        format!(
            "POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n",
            self.token("alice")
        )
    }

    /// How many connections to PostgreSQL do or hold something, besides the one that asks.
    async fn busy(&self) -> usize {
        if self.kind == Kind::Sqlite {
            return 0;
        }
        let busy = "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database()
            AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'";
        self.rows(busy.to_owned()).await.len()
    }

    /// Makes sure that no transaction and no connection was left behind.
    async fn has_everything_back(&self) {
        until("a connection is held", || async { self.busy().await == 0 }).await;
        // All connections at once, and the one that writes.
        let all = (0..20).map(|_| self.ask("alice", "{ users(first: 1) { totalCount } }", json!({})));
        timeout(SOON, futures_util::future::join_all(all)).await.unwrap();
        let (_, version) = self.organization().await;
        let renamed = self.ask("alice", RENAME, json!({ "name": "Back", "version": version }));
        let renamed = timeout(SOON, renamed).await.unwrap();
        assert_eq!(renamed["updateOrganization"]["userErrors"], json!([]));
        assert_eq!(self.organization().await.0, "Back");
    }
}

/// Reads what comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = timeout(SOON, stream.read_to_end(&mut bytes)).await.expect("the connection is closed");
    assert!(read.is_ok() || !bytes.is_empty(), "{read:?}");
    String::from_utf8(bytes).unwrap()
}

on_both_databases! {
    /// A database that was started anew, or an operator who ended its connections, costs no reader an error.
    async fn a_connection_that_has_ended_is_replaced(server: Server) {
        const CATALOGS: &str = "{ catalogs { totalCount nodes { displayName accessPackages { totalCount } } } }";
        // At once, so that several connections are kept.
        let all = futures_util::future::join_all((0..8).map(|_| server.ask("alice", CATALOGS, json!({})))).await;
        let before = all[0].clone();
        if server.kind == Kind::Postgres {
            // From outside: every connection of this server, those that are kept for reading among them.
            server.rows("SELECT CAST(count(pg_terminate_backend(pid)) AS text) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()".to_owned()).await;
        }
        let all = futures_util::future::join_all((0..8).map(|_| server.ask("alice", CATALOGS, json!({})))).await;
        assert!(all.iter().all(|seen| *seen == before));
    }

    async fn a_change_whose_client_left_is_done_whole(server: Server) {
        let (_, version) = server.organization().await;
        let held = Held::begin(&server).await;
        let stream = server.open(RENAME, json!({ "name": "Without me", "version": version })).await;
        // It waits for the hold: on PostgreSQL for the row, on SQLite for its turn.
        match server.kind {
            Kind::Postgres => until("the change waits", || async { server.busy().await > 1 }).await,
            // Nothing of the database tells who waits.
            Kind::Sqlite => sleep(Duration::from_millis(500)).await,
        }
        drop(stream);
        held.end().await;
        until("the change is done", || async { server.organization().await.0 == "Without me" }).await;
        server.has_everything_back().await;
    }

    async fn queries_whose_clients_left_leave_nothing_behind(server: Server) {
        for _ in 0..50 {
            let stream = server.open("{ accessRequests(first: 100) { totalCount nodes { id deliveries { id } } } }", json!({})).await;
            drop(stream);
        }
        for _ in 0..10 {
            let stream = server.open(RENAME, json!({ "name": "Maybe", "version": 1 })).await;
            drop(stream);
        }
        server.has_everything_back().await;
    }
}

/// A call that takes too long is told so, and nothing of it happens, then or later.
async fn a_late_change_is_rolled_back(kind: Kind) {
    let limits = Limits { request_timeout: Duration::from_secs(1), ..Limits::default() };
    let Some(server) = Server::start_with(kind, limits).await else { return };
    let (name, version) = server.organization().await;
    let held = Held::begin(&server).await;
    let token = server.token("alice");
    let answer = server.ask_with(&token, RENAME, json!({ "name": "Late", "version": version })).await;
    let error = &answer.json["errors"][0];
    assert_eq!((answer.status, &error["extensions"]["code"]), (503, &json!("TIMEOUT")), "{}", answer.json);
    assert!(error["message"].as_str().unwrap().starts_with("The call took longer than 1 seconds"), "{error}");
    held.end().await;
    // Writers take turns: once another one had it, the change had it, too.
    Held::begin(&server).await.end().await;
    until("the change is given up", || async { server.busy().await == 0 }).await;
    assert_eq!(server.organization().await.0, name);
    server.has_everything_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_change_is_rolled_back_on_sqlite() {
    a_late_change_is_rolled_back(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_change_is_rolled_back_on_postgres() {
    a_late_change_is_rolled_back(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_query_is_given_up() {
    let limits = Limits { request_timeout: Duration::from_secs(1), ..Limits::default() };
    let Some(server) = Server::start_with(Kind::Postgres, limits).await else { return };
    let token = server.token("alice");
    server.ask("alice", "{ viewer { roles } }", json!({})).await;
    let locked = Locked { began: Arc::new(Semaphore::new(0)), end: Arc::new(Semaphore::new(0)) };
    let (began, end) = (Arc::clone(&locked.began), Arc::clone(&locked.end));
    let database = server.app.database.clone();
    let task = tokio::spawn(async move { database.write(&locked).await });
    began.acquire().await.unwrap().forget();
    for _ in 0..3 {
        let answer = server.ask_with(&token, "{ catalogs { totalCount } }", json!({})).await;
        assert_eq!(
            (answer.status, &answer.json["errors"][0]["extensions"]["code"]),
            (503, &json!("TIMEOUT"))
        );
    }
    end.add_permits(1);
    task.await.unwrap().unwrap();
    server.has_everything_back().await;
}

/// A transaction that keeps a table from being read, until it is told to end.
struct Locked {
    began: Arc<Semaphore>,
    end: Arc<Semaphore>,
}

impl Transaction for Locked {
    type Output = ();
    type Error = StoreError;

    async fn run(&self, txn: &Txn) -> Result<(), StoreError> {
        let mut sql = txn.sql();
        sql.push("LOCK TABLE catalog IN ACCESS EXCLUSIVE MODE");
        txn.execute(sql).await?;
        self.began.add_permits(1);
        let _ = self.end.acquire().await;
        Ok(())
    }
}

fn impatient() -> Limits {
    Limits {
        request_timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(2),
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let Some(server) = Server::start_with(Kind::Sqlite, impatient()).await else { return };
    let mut stream = server.connect().await;
    stream.write_all(format!("{}{{\"query\":", server.head(100)).as_bytes()).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("\"code\":\"TIMEOUT\""), "{answer}");
    // One that ends before its end is no operation.
    let mut stream = server.connect().await;
    stream.write_all(format!("{}{{\"query\":", server.head(100)).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(!rest(stream).await.starts_with("HTTP/1.1 2"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_traffic_are_closed() {
    let Some(server) = Server::start_with(Kind::Sqlite, impatient()).await else { return };
    // Never used.
    let silent = server.connect().await;
    // Half a head, and the first bytes of HTTP/2.
    let mut half = server.connect().await;
    half.write_all(b"POST /graphql HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut begun = server.connect().await;
    begun.write_all(b"PRI * HTTP/2.0\r\n\r\nSM").await.unwrap();
    // Used once, and kept.
    let kept = server.open("{ __typename }", json!({})).await;
    let (silent, half, begun, kept) = tokio::join!(rest(silent), rest(half), rest(begun), rest(kept));
    assert_eq!((silent.as_str(), begun.as_str()), ("", ""));
    assert!(!half.starts_with("HTTP/1.1 2"), "{half}");
    assert!(kept.starts_with("HTTP/1.1 200 "), "{kept}");
    assert_eq!(server.organization().await.0, "Contoso");
}

/// A head that comes byte by byte never is without traffic, and must have an end all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_drips_is_not_waited_for() {
    let Some(server) = Server::start_with(Kind::Sqlite, impatient()).await else { return };
    let mut stream = server.connect().await;
    stream.write_all(b"POST /graphql HTTP/1.1\r\nx: ").await.unwrap();
    let begin = Instant::now();
    while stream.write_all(b"x").await.is_ok() {
        assert!(begin.elapsed() < SOON, "the connection is still open");
        sleep(Duration::from_millis(100)).await;
    }
}

//! A reverse proxy on loopback that misbehaves on demand.
//!
//! It stands between the code under test and a real server: `let proxy =
//! FaultProxy::start(upstream).await; proxy.set(Mode::Hang);`. It lives as long
//! as its value.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the proxy does with the requests that come from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forwards.
    Pass,
    /// Closes every connection, the open ones at their next request, without an answer.
    Down,
    /// Answers this status, without forwarding.
    Status(u16),
    /// Answers 429 with this `Retry-After`, without forwarding.
    Throttle(String),
    /// Never answers.
    Hang,
    /// Forwards; requests of this method then lose their connection instead of getting their answer.
    SwallowAnswer(Method),
    /// Forwards; requests of this method then get this status instead of their answer.
    ReplaceAnswer(Method, u16),
    /// Answers 200 with a page, as the sign-in of a company's proxy does.
    Html200,
}

/// The running proxy.
pub struct FaultProxy {
    address: SocketAddr,
    mode: SharedMode,
    server: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy before `upstream`, an origin such as `http://127.0.0.1:4000`, in [`Mode::Pass`].
    pub async fn start(upstream: &str) -> Self {
        let mode = SharedMode(Arc::new(Mutex::new(Mode::Pass)));
        let inner = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on loopback");
        let address = inner.local_addr().expect("the address that was bound");
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let state =
            Forward { upstream: upstream.trim_end_matches('/').to_owned(), client, mode: mode.clone() };
        let service =
            Router::new().fallback(handle).with_state(state).into_make_service_with_connect_info::<Cut>();
        let listener = FaultListener { inner, mode: mode.clone() };
        let server = tokio::spawn(async move {
            axum::serve(listener, service).await.expect("a running proxy");
        });
        Self { address, mode, server }
    }

    /// The proxy's own origin, without a slash at its end.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Switches the mode.
    pub fn set(&self, mode: Mode) {
        *self.mode.0.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Clone)]
struct SharedMode(Arc<Mutex<Mode>>);

impl SharedMode {
    fn get(&self) -> Mode {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Clone)]
struct Forward {
    upstream: String,
    client: reqwest::Client,
    mode: SharedMode,
}

async fn handle(
    State(forward): State<Forward>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    match forward.mode.get() {
        Mode::Pass => forward.send(request).await,
        Mode::Down => connection.cut(),
        Mode::Status(status) => status_only(status),
        Mode::Throttle(wait) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait)]).into_response()
        }
        Mode::Hang => future::pending().await,
        Mode::SwallowAnswer(method) => {
            let swallowed = request.method() == method;
            let answer = forward.send(request).await;
            if swallowed { connection.cut() } else { answer }
        }
        Mode::ReplaceAnswer(method, status) => {
            let replaced = request.method() == method;
            let answer = forward.send(request).await;
            if replaced { status_only(status) } else { answer }
        }
        Mode::Html200 => {
            ([(header::CONTENT_TYPE, "text/html")], "<html>Please sign in</html>").into_response()
        }
    }
}

fn status_only(status: u16) -> Response {
    StatusCode::from_u16(status).expect("a status").into_response()
}

impl Forward {
    async fn send(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let body: Bytes = to_bytes(body, usize::MAX).await.expect("a whole request");
        let answer = self
            .client
            .request(parts.method, format!("{}{path}", self.upstream))
            .headers(end_to_end(parts.headers))
            .body(body)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
                let body = answer.bytes().await.expect("a whole answer");
                (status, headers, Body::from(body)).into_response()
            }
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}

/// The headers without those that belong to one connection (RFC 9110 §7.6.1) and the length.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers
}

/// Fails the writes of one connection, so that it ends without an answer.
#[derive(Clone)]
struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Cuts the connection; the answer is for the types only and is never seen.
    fn cut(&self) -> Response {
        self.0.store(true, Ordering::SeqCst);
        StatusCode::NO_CONTENT.into_response()
    }

    fn check(&self) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected<IncomingStream<'_, FaultListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, FaultListener>) -> Self {
        stream.io().cut.clone()
    }
}

/// Accepts connections; drops them at once while the mode is [`Mode::Down`].
struct FaultListener {
    inner: TcpListener,
    mode: SharedMode,
}

impl Listener for FaultListener {
    type Io = FaultStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (FaultStream, SocketAddr) {
        loop {
            if let Ok((stream, address)) = self.inner.accept().await
                && self.mode.get() != Mode::Down
            {
                return (FaultStream { stream, cut: Cut(Arc::default()) }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

struct FaultStream {
    stream: TcpStream,
    cut: Cut,
}

impl AsyncRead for FaultStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, to)
    }
}

impl AsyncWrite for FaultStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

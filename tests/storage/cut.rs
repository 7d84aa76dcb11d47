//! A proxy before PostgreSQL that cuts the connection at a commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The commit itself.
    Commit,
    /// Its answer.
    Answer,
}

/// The proxy; it lives as long as the test.
pub struct Proxy {
    url: String,
    next: Arc<Mutex<Option<Cut>>>,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts before the server of this address.
    pub async fn start(url: &str) -> Self {
        let mut parsed = reqwest::Url::parse(url).unwrap();
        let upstream = format!("{}:{}", parsed.host_str().unwrap(), parsed.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        parsed.set_host(Some("127.0.0.1")).unwrap();
        parsed.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let (next, cuts) = (Arc::new(Mutex::new(None)), Arc::new(AtomicUsize::new(0)));
        let shared = (Arc::clone(&next), Arc::clone(&cuts));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&upstream).await.unwrap();
                tokio::spawn(forward(client, server, shared.clone()));
            }
        });
        Self { url: parsed.to_string(), next, cuts }
    }

    /// The address of the proxy.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Cuts the connection at the next commit.
    pub fn cut_next(&self, cut: Cut) {
        *self.next.lock().unwrap() = Some(cut);
    }

    /// How often one was cut.
    pub fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

async fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    (next, cuts): (Arc<Mutex<Option<Cut>>>, Arc<AtomicUsize>),
) {
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(size @ 1..) = read else { return };
                let commits = asked[..size].windows(7).any(|part| part == b"COMMIT\0");
                let cut = if commits { next.lock().unwrap().take() } else { None };
                if cut.is_some() {
                    cuts.fetch_add(1, Ordering::SeqCst);
                }
                if cut == Some(Cut::Commit) {
                    return;
                }
                server.write_all(&asked[..size]).await.unwrap();
                if cut == Some(Cut::Answer) {
                    // Until the server has said what the client never hears.
                    let _ = server.read(&mut answered).await;
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(size @ 1..) = read else { return };
                if client.write_all(&answered[..size]).await.is_err() {
                    return;
                }
            }
        }
    }
}

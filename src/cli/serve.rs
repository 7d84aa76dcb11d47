//! `guichet serve`: a server for production, and never a demo.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app::{App, StartError};
use crate::clock::Clock;
use crate::config::{DatabaseArgs, ServeArgs};
use crate::http::pages::PageSettings;
use crate::{demo, http, store};

/// How often a server looks whether another one has brought the schema up to date.
const SCHEMA_POLL: Duration = Duration::from_secs(2);

/// Starts the server and serves until it is told to stop.
pub async fn run(database: &DatabaseArgs, serve: &ServeArgs) -> Result<(), StartError> {
    let settings = serve.settings(database)?;
    let graphiql = serve.graphiql.then(|| demo::tabs(&settings.public_url));
    let pages = PageSettings { graphiql, people: Vec::new() };
    let app = App::start(settings, Clock::system(), pages).await?;
    if serve.migrate {
        store::installation::migrate(&app.database).await?;
    }
    while store::installation::pending_migrations(&app.database).await? > 0 {
        tracing::warn!(
            "the database schema is older than this server: run `guichet migrate`, or serve --migrate"
        );
        tokio::time::sleep(SCHEMA_POLL).await;
    }
    if store::installation::fact(&app.database, demo::FACT).await?.is_some() {
        return Err(StartError::Other(
            "this database holds demo data, and its tokens are for anybody: give `serve` another database"
                .to_owned(),
        ));
    }
    let (listener, address) = listen(serve.listen).await?;
    tracing::info!(%address, "serving");
    until_stopped(app, listener, serve.worker).await;
    Ok(())
}

/// Opens the socket.
pub async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error: std::io::Error| StartError::Other(format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Serves until the process is told to stop; calls and deliveries that run are finished first.
pub async fn until_stopped(app: Arc<App>, listener: TcpListener, worker: bool) {
    let (stopped, mut told) = tokio::sync::watch::channel(());
    let worker = worker.then(|| {
        let worker = app.worker.clone();
        tokio::spawn(async move {
            worker
                .run(async {
                    let _ = told.changed().await;
                })
                .await;
        })
    });
    http::connections::serve(listener, http::router(&app), app.limits.idle_timeout, stop()).await;
    drop(stopped);
    if let Some(worker) = worker {
        let _ = worker.await;
    }
    if let Err(error) = app.introspector.flush().await {
        tracing::warn!(%error, "could not note which tokens were used");
    }
}

/// Waits for the signal to stop.
async fn stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        else {
            let _ = interrupt.await;
            return;
        };
        tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = interrupt.await;
}

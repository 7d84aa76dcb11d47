//! The log: where it goes and in which form. Ids only, never names, addresses or secrets.

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging to standard error; a second call changes nothing.
pub fn init(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started already");
    }
}

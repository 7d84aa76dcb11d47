//! What one call, and one connection, may cost.

use std::time::Duration;

use clap::builder::{RangedU64ValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

/// How much longer than a request's time its connection is kept, at least.
const TO_ANSWER: Duration = Duration::from_secs(5);

/// The limits of a server. Documents are measured before anything of them is executed.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of a request, in bytes
    #[arg(long, env = "GUICHET_BODY_LIMIT", value_name = "BYTES", default_value_t = 262_144)]
    pub body_limit: usize,

    /// The most tokens of a document: names, values and punctuation, without commas
    #[arg(long, env = "GUICHET_QUERY_TOKENS", value_name = "N", default_value_t = 2_000)]
    pub query_tokens: usize,

    /// The deepest that fields may stand inside of fields
    #[arg(long, env = "GUICHET_QUERY_DEPTH", value_name = "N", default_value_t = 20)]
    pub query_depth: u32,

    /// The most aliases of a document
    #[arg(long, env = "GUICHET_QUERY_ALIASES", value_name = "N", default_value_t = 30)]
    pub query_aliases: u32,

    /// The most directives of a document, such as @include
    #[arg(long, env = "GUICHET_QUERY_DIRECTIVES", value_name = "N", default_value_t = 20)]
    pub query_directives: u32,

    /// The most selections of an operation, with every fragment opened where it stands
    #[arg(long, env = "GUICHET_QUERY_SELECTIONS", value_name = "N", default_value_t = 10_000)]
    pub query_selections: u64,

    /// The highest complexity of an operation: one for each field, those of a page once for each row asked for
    #[arg(long, env = "GUICHET_QUERY_COMPLEXITY", value_name = "N", default_value_t = 20_000)]
    pub query_complexity: u64,

    /// The longest that a request may take, in seconds, from its head to its answer
    #[arg(long, env = "GUICHET_REQUEST_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = seconds())]
    pub request_timeout: Duration,

    /// The longest that a connection is kept without traffic, or waits for the head of a request, in seconds
    #[arg(long, env = "GUICHET_IDLE_TIMEOUT", value_name = "SECONDS", default_value = "75", value_parser = seconds())]
    pub idle_timeout: Duration,

    /// The most access tokens that a member may have, without those that were revoked
    #[arg(long, env = "GUICHET_TOKENS_PER_USER", value_name = "N", default_value_t = 50)]
    pub tokens_per_user: u32,

    /// Who may ask the API for its schema, and is told near names for unknown ones
    #[arg(long, env = "GUICHET_INTROSPECTION", value_name = "WHO", value_enum, default_value_t = Introspection::Everyone)]
    pub introspection: Introspection,
}

/// Who may ask the API for its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Introspection {
    /// Everyone with a valid token.
    Everyone,
    /// Those who may change the organization's settings.
    Administrators,
    /// Nobody: the schema comes from `guichet schema`.
    Nobody,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_limit: 262_144,
            query_tokens: 2_000,
            query_depth: 20,
            query_aliases: 30,
            query_directives: 20,
            query_selections: 10_000,
            query_complexity: 20_000,
            request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            tokens_per_user: 50,
            introspection: Introspection::Everyone,
        }
    }
}

impl Limits {
    /// Each limit with the end of its variable's name and its value.
    pub(super) fn rows(&self) -> [(&'static str, String); 11] {
        let introspection = self.introspection.to_possible_value();
        [
            ("BODY_LIMIT", self.body_limit.to_string()),
            ("QUERY_TOKENS", self.query_tokens.to_string()),
            ("QUERY_DEPTH", self.query_depth.to_string()),
            ("QUERY_ALIASES", self.query_aliases.to_string()),
            ("QUERY_DIRECTIVES", self.query_directives.to_string()),
            ("QUERY_SELECTIONS", self.query_selections.to_string()),
            ("QUERY_COMPLEXITY", self.query_complexity.to_string()),
            ("REQUEST_TIMEOUT", self.request_timeout.as_secs().to_string()),
            ("IDLE_TIMEOUT", self.idle_timeout.as_secs().to_string()),
            ("TOKENS_PER_USER", self.tokens_per_user.to_string()),
            ("INTROSPECTION", introspection.map(|who| who.get_name().to_owned()).unwrap_or_default()),
        ]
    }

    /// What cannot be, in words.
    pub(super) fn fault(&self) -> Option<String> {
        (self.idle_timeout < self.request_timeout + TO_ANSWER).then(|| {
            format!(
                "GUICHET_IDLE_TIMEOUT must be {} seconds longer than GUICHET_REQUEST_TIMEOUT, or more: a connection \
                 is without traffic while its request is answered",
                TO_ANSWER.as_secs()
            )
        })
    }
}

/// A whole number of seconds, up to a day.
pub(super) fn seconds() -> impl TypedValueParser<Value = Duration> {
    RangedU64ValueParser::<u64>::new().range(1..=86_400).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        limits: Limits,
    }

    #[test]
    fn what_is_not_set_is_what_help_says() {
        let parsed = Alone::command().mut_args(|argument| argument.env(None::<&str>)).get_matches_from(["x"]);
        let parsed = <Alone as clap::FromArgMatches>::from_arg_matches(&parsed).unwrap();
        assert_eq!(parsed.limits, Limits::default());
    }

    #[test]
    fn a_connection_outlives_its_request() {
        let limits = |idle| Limits { idle_timeout: Duration::from_secs(idle), ..Limits::default() };
        assert!(limits(14).fault().is_some_and(|fault| fault.contains("GUICHET_IDLE_TIMEOUT")));
        assert_eq!(limits(15).fault(), None);
    }
}

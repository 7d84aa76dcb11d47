//! The command line. Without a subcommand it is the demo.

mod audit;
mod demo;
mod doctor;
mod import;
mod operator;
mod serve;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::app::StartError;
use crate::config::{self, ConfigError, DatabaseArgs, LogFormat, PREFIX, ServeArgs};
use crate::{graphql, telemetry};

/// Variables that begin like ours and belong to the build and the tests.
const NOT_SETTINGS: [&str; 2] = ["GUICHET_WEB", "GUICHET_TEST_"];

/// Self-hosted access governance with a GraphQL API.
///
/// Without a subcommand a demo starts: on this machine only, with a database of
/// its own in the directory guichet-demo, demo data, and a token for each role.
#[derive(Parser)]
#[command(name = "guichet", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API
    Serve {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        serve: Box<ServeArgs>,
    },
    /// Bring the database schema up to date
    Migrate {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Put the demo's data into an empty database, which then is a demo database for good
    Seed {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Make a token for the demo
    Token(demo::TokenArgs),
    /// Print the schema in its own language
    Schema,
    /// Print the effective settings, with secrets hidden
    Config {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        serve: Box<ServeArgs>,
    },
    /// Check database, keys, clock and connectors, and say what to do
    Doctor {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        serve: Box<ServeArgs>,
    },
    /// Manage organizations
    Organization {
        #[command(subcommand)]
        command: OrganizationCommand,
    },
    /// Verify and export the audit trail
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Show what another system holds
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Read the hash chain of each organization, name what was altered, removed or inserted, and print its head
    ///
    /// Keep the heads (sequence:hash) where nobody who can write to the database can: with one of them in --expect,
    /// also a trail whose end was cut off, or that was written anew, is found. Fails when something is wrong. It can
    /// run beside a server.
    Verify {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        verify: audit::VerifyArgs,
    },
    /// Write audit events to standard output: a line of JSON each, which anybody can verify (docs/audit.md)
    Export {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        export: audit::ExportArgs,
    },
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Show the token requests and grants that an organization has at GitHub; nothing there is changed
    Github {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        import: import::GithubArgs,
    },
}

#[derive(Subcommand)]
enum OrganizationCommand {
    /// Make an organization
    Create {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        organization: operator::OrganizationArgs,
    },
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 * 1024 * 1024).build();
    let done = runtime
        .map_err(|error| StartError::Other(error.to_string()))
        .and_then(|runtime| runtime.block_on(run(cli)));
    match done {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "guichet: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, StartError> {
    let variables: Vec<String> = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !NOT_SETTINGS.iter().any(|start| name.starts_with(start)))
        .collect();
    config::unknown_variables(&known_variables(), variables.iter().map(String::as_str))?;
    let Some(command) = cli.command else {
        if let Some(name) = variables.first() {
            return Err(ConfigError(format!(
                "{name} is set, but the demo takes no settings: unset it, or start a server with `guichet serve`"
            ))
            .into());
        }
        telemetry::init("warn,guichet=info", LogFormat::Text);
        return demo::run().await;
    };
    match command {
        Command::Serve { database, serve } => {
            telemetry::init(&serve.log, serve.log_format);
            serve::run(&database, &serve).await?;
        }
        Command::Migrate { database } => operator::migrate(&database).await?,
        Command::Seed { database } => operator::seed(&database).await?,
        Command::Token(arguments) => demo::token(&arguments)?,
        Command::Schema => say(&graphql::sdl()),
        Command::Config { database, serve } => say(&serve.show(&database)),
        Command::Doctor { database, serve } => return doctor::run(&database, &serve).await,
        Command::Organization { command: OrganizationCommand::Create { database, organization } } => {
            operator::create_organization(&database, organization).await?;
        }
        Command::Audit { command: AuditCommand::Verify { database, verify } } => {
            return audit::verify(&database, verify).await;
        }
        Command::Audit { command: AuditCommand::Export { database, export } } => {
            audit::export(&database, export).await?;
        }
        Command::Import { command: ImportCommand::Github { database, import } } => {
            import::github(&database, import).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints text as it is.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}

/// The variables of every setting of every command.
fn known_variables() -> Vec<String> {
    fn collect(command: &clap::Command, names: &mut Vec<String>) {
        for argument in command.get_arguments() {
            names.extend(argument.get_env().and_then(|name| name.to_str()).map(str::to_owned));
        }
        for command in command.get_subcommands() {
            collect(command, names);
        }
    }
    let mut names = Vec::new();
    collect(&Cli::command(), &mut names);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_variable_that_no_setting_has_is_named() {
        let known = known_variables();
        assert!(config::unknown_variables(&known, ["GUICHET_LISTEN", "PATH"].into_iter()).is_ok());
        let error = config::unknown_variables(&known, ["GUICHET_LISTEM"].into_iter()).unwrap_err();
        assert!(error.to_string().contains("GUICHET_LISTEM"));
    }
}

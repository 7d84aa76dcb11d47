//! Import of what other systems hold, from files.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::operator::connect;
use super::say;
use crate::app::StartError;
use crate::config::DatabaseArgs;
use crate::domain::external_token::github::{self, LONGEST_FILE};
use crate::domain::external_token::import::{Counts, Import};

/// An import from GitHub.
#[derive(Args, Clone, Debug)]
pub struct GithubArgs {
    /// The slug of the organization that shows them
    #[arg(long)]
    pub organization: String,
    /// The file holds all of its kind: requests or grants that it lacks are over at GitHub
    #[arg(long)]
    pub complete: bool,
    /// What GitHub's REST API answered for personal-access-token-requests or personal-access-tokens: a list, or
    /// several one after the other
    pub file: PathBuf,
}

/// Shows what GitHub told: all of the file, or nothing.
pub async fn github(database: &DatabaseArgs, arguments: GithubArgs) -> Result<(), StartError> {
    let fail = |error: &dyn std::fmt::Display| {
        StartError::Other(format!("{}: {error}; nothing was imported", arguments.file.display()))
    };
    let bytes = read(&arguments.file).map_err(|error| fail(&error))?;
    let contents = github::read(&bytes).map_err(|error| fail(&error))?;
    let left_out = contents.left_out;
    let database = connect(database).await?;
    let import =
        Import { organization: arguments.organization.clone(), contents, complete: arguments.complete };
    let done = database.write(&import).await.map_err(|error| fail(&error))?;
    say(&format!("Token requests: {}\nToken grants:   {}\n", sentence(done.requests), sentence(done.grants)));
    if left_out > 0 {
        say(&format!(
            "{left_out} permissions were left out: they are about people's own accounts, not about the organization.\n"
        ));
    }
    Ok(())
}

fn sentence(counts: Counts) -> String {
    let Counts { added, changed, left, ended } = counts;
    format!("{added} added, {changed} changed, {left} left as they were, {ended} ended")
}

/// The file; one that is too long is not read to its end.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST_FILE {
        return Err(format!("the file is longer than {} MiB", LONGEST_FILE / (1024 * 1024)));
    }
    Ok(bytes)
}

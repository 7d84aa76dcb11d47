//! Servers of the npm world as peers of a test.
//!
//! The packages of a folder below `tests/` are installed by `npm ci` once for
//! each content of its lock file, into `target/npm/`, never into the source
//! tree. A started script ends with its value, and also with the test process:
//! it is to exit when its standard input closes.

use std::fmt::Write;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};

/// How long a script may take to its first line.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A running script.
pub struct Script {
    child: Child,
    /// The first line that it printed.
    pub first_line: String,
}

impl Script {
    /// Starts `script` of the folder `tests/<folder>`, installing its packages before where needed.
    ///
    /// `None`: node or npm is missing, or the packages cannot be had; the reason was printed and
    /// the test is to be skipped. Where `GUICHET_TEST_REQUIRE` names `npm`, this panics instead.
    pub fn start(folder: &str, script: &str, arguments: &[&str]) -> Option<Self> {
        match Self::try_start(folder, script, arguments) {
            Ok(script) => Some(script),
            Err(missing) if is_required("npm") => panic!("GUICHET_TEST_REQUIRE names npm, but {missing}"),
            Err(missing) => {
                eprintln!("skipped: {missing}");
                None
            }
        }
    }

    fn try_start(folder: &str, script: &str, arguments: &[&str]) -> Result<Self, String> {
        let installed = install(folder)?;
        let mut command = Command::new("node");
        command.arg(installed.join(script)).args(arguments).current_dir(&installed);
        Self::spawn(command, script)
    }

    /// Starts a command and waits for its first line.
    pub(super) fn spawn(mut command: Command, script: &str) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{script} cannot be started: {error}"))?;
        let output = child.stdout.take().expect("the output was piped");
        let mut started = Self { child, first_line: String::new() };
        // From here on a failure is no missing peer: the script is ours.
        started.first_line = first_line(output).unwrap_or_else(|| panic!("{script} printed no line"));
        Ok(started)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of a script's output; what follows is read and dropped, so that the script does
/// not stop at a full pipe.
fn first_line(output: impl io::Read + Send + 'static) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(output).lines();
        if let Some(Ok(line)) = lines.next() {
            // Nobody listens any more after the limit.
            let _ = sender.send(line);
        }
        lines.for_each(drop);
    });
    receiver.recv_timeout(START_LIMIT).ok()
}

/// Whether a peer of this kind must be there.
pub(super) fn is_required(peer: &str) -> bool {
    std::env::var("GUICHET_TEST_REQUIRE")
        .is_ok_and(|required| required.split(',').any(|one| one.trim() == peer))
}

/// Installs the packages of `tests/<folder>` where that has not been done on this machine, and
/// answers the folder that holds them and the newest scripts.
fn install(folder: &str) -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let lock = fs::read(source.join("package-lock.json")).expect("the lock file of the test folder");
    // The folder for temporary files of tests is `target/tmp`.
    let all = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("npm");
    let target = all.join(name_of(&lock));
    fs::create_dir_all(&target).expect("a folder below target");

    // Other threads and other test processes may be here, too.
    let guard = File::create(target.join(".lock")).expect("a lock file below target");
    guard.lock().expect("the lock");
    copy_files(&source, &target);
    let done = target.join(".installed");
    if !done.exists() {
        npm_ci(&target)?;
        File::create(done).expect("a mark below target");
    }
    Ok(target)
}

fn npm_ci(target: &Path) -> Result<(), String> {
    let ended = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(target)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("npm cannot be started: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("npm ci failed: {}", String::from_utf8_lossy(&ended.stderr).trim()))
}

/// Copies the files of a test folder; each is there whole or not at all for a reader.
fn copy_files(source: &Path, target: &Path) {
    for entry in fs::read_dir(source).expect("the test folder") {
        let entry = entry.expect("an entry of the test folder");
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        if from.is_file() && fs::read(&from).ok() != fs::read(&to).ok() {
            let whole = to.with_extension("copying");
            fs::copy(&from, &whole).expect("a copy below target");
            fs::rename(whole, to).expect("a copy below target");
        }
    }
}

/// A name for this content.
pub(super) fn name_of(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref()[..8].iter().fold(String::new(), |mut name, byte| {
        write!(name, "{byte:02x}").expect("a string takes everything");
        name
    })
}

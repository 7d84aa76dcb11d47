//! Servers of the Python world as peers of a test.
//!
//! The packages that `requirements.txt` of a folder below `tests/` pins are installed once for each content
//! of that file, into a virtual environment below `target/python/`, never into the source tree.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::npm::{Script, is_required, name_of};

/// Starts `script` of the folder `tests/<folder>`, installing its packages before where needed.
///
/// `None`: Python or its `venv` is missing, or the packages cannot be had; the reason was printed and the
/// test is to be skipped. Where `GUICHET_TEST_REQUIRE` names `python`, this panics instead.
pub fn start(folder: &str, script: &str, arguments: &[&str]) -> Option<Script> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let started = install(&source).and_then(|python| {
        let mut command = Command::new(python);
        command.arg(source.join(script)).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        Script::spawn(command, script)
    });
    match started {
        Ok(script) => Some(script),
        Err(missing) if is_required("python") => {
            panic!("GUICHET_TEST_REQUIRE names python, but {missing}")
        }
        Err(missing) => {
            eprintln!("skipped: {missing}");
            None
        }
    }
}

/// Installs the packages where that has not been done on this machine; gives the interpreter that has them.
fn install(source: &Path) -> Result<PathBuf, String> {
    let requirements = source.join("requirements.txt");
    let pinned = fs::read(&requirements).expect("the requirements of the test folder");
    // The folder for temporary files of tests is `target/tmp`.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python").join(name_of(&pinned));
    fs::create_dir_all(&target).expect("a folder below target");

    // Other threads and other test processes may be here, too.
    let guard = File::create(target.join(".lock")).expect("a lock file below target");
    guard.lock().expect("the lock");
    let (environment, done) = (target.join("venv"), target.join(".installed"));
    let python = environment.join("bin").join("python");
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment), "python3 -m venv")?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement"]);
        run(pip.arg(&requirements), "pip install")?;
        File::create(done).expect("a mark below target");
    }
    Ok(python)
}

fn run(command: &mut Command, name: &str) -> Result<(), String> {
    let ended = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} cannot be started: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{name} failed: {}", String::from_utf8_lossy(&ended.stderr).trim()))
}

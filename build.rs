//! Bundles the pages (`web/`) with npm and writes the table of their assets for `src/http/pages`.
//!
//! A machine without npm, or without a way to the registry, still builds Guichet: the table is then empty and the pages
//! say what to do. `GUICHET_WEB=require` turns that into an error with its reason.

use std::env::{self, VarError};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the bundle is made of, inside `web/`. A `node_modules` that a developer has there is no part of it.
const INPUTS: [&str; 4] = ["package.json", "package-lock.json", "build.mjs", "src"];

/// On Windows npm is a script, which is only found with its ending.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// The lock file pins every package by its hash, and none of them needs to run a script at installation.
/// Settings of the user that would leave out esbuild are overruled. Without a network npm gives up soon.
const INSTALL: [&str; 10] = [
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--include=dev",
    "--include=optional",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=1000",
    "--fetch-timeout=60000",
];

#[expect(clippy::print_stderr, reason = "cargo shows it when the build script fails")]
fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Outcome<()> {
    let web = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("web");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    announce_inputs(&web);
    let is_required = is_required()?;

    let bundle = out.join("web");
    let table = match (bundled(&web, &bundle), is_required) {
        (Ok(()), _) => table(&fs::read_to_string(bundle.join("manifest.tsv"))?)?,
        (Err(reason), true) => {
            return Err(format!("GUICHET_WEB=require, but the pages were not built: {reason}").into());
        }
        (Err(_), false) => table("")?,
    };
    fs::write(out.join("web_assets.rs"), table)?;
    Ok(())
}

fn announce_inputs(web: &Path) {
    for input in INPUTS {
        println!("cargo:rerun-if-changed={}", web.join(input).display());
    }
    println!("cargo:rerun-if-env-changed=GUICHET_WEB");
}

fn is_required() -> Outcome<bool> {
    match env::var("GUICHET_WEB").as_deref() {
        Ok("require") => Ok(true),
        Ok("") | Err(VarError::NotPresent) => Ok(false),
        Ok(other) => Err(format!("GUICHET_WEB is `{other}`; the only value is `require`").into()),
        Err(VarError::NotUnicode(_)) => Err("GUICHET_WEB is not text; the only value is `require`".into()),
    }
}

/// Makes sure that `bundle` holds the pages of today's inputs. The stamp is written last, so a bundle that was not
/// finished is made again.
fn bundled(web: &Path, bundle: &Path) -> Outcome<()> {
    let files = files(web)?;
    let stamp = hash(&files);
    if fs::read_to_string(bundle.join("stamp")).is_ok_and(|written| written == stamp) {
        return Ok(());
    }

    let work = bundle.with_file_name("web-work");
    for folder in [bundle, work.as_path()] {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
    }
    for (name, content) in &files {
        let copy = work.join(name);
        fs::create_dir_all(copy.parent().ok_or("a file has a folder")?)?;
        fs::write(copy, content)?;
    }
    run(Command::new(NPM).args(INSTALL).current_dir(&work))?;
    run(Command::new("node").arg("build.mjs").arg(bundle).current_dir(&work))?;
    fs::write(bundle.join("stamp"), stamp)?;
    // Over 200 MB, for each profile, that only another change of web/ would use again.
    fs::remove_dir_all(work)?;
    Ok(())
}

/// The inputs with their names inside `web/`, in one order on every machine.
fn files(web: &Path) -> Outcome<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = INPUTS.iter().map(|input| web.join(input)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else {
            let content = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            found.push((path.strip_prefix(web)?.to_owned(), content));
        }
    }
    found.sort();
    Ok(found)
}

fn hash(files: &[(PathBuf, Vec<u8>)]) -> String {
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn run(command: &mut Command) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("`{name}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{name}` failed ({}): {}", output.status, said.trim()).into())
}

/// The Rust source of the table, from the manifest that build.mjs wrote.
fn table(manifest: &str) -> Outcome<String> {
    let mut source = String::from("static ASSETS: &[Asset] = &[\n");
    for line in manifest.lines() {
        let [role, name, content_type] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("manifest.tsv: `{line}` has not three parts").into());
        };
        let gzip = format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/web/{name}.gz\"))");
        writeln!(
            source,
            "    Asset {{ role: {role:?}, name: {name:?}, content_type: {content_type:?}, gzip: {gzip} }},"
        )?;
    }
    source.push_str("];\n");
    Ok(source)
}

//! Puts the web pages where `src/http/assets.rs` embeds them from: `$OUT_DIR/web/dist`.
//!
//! In this order: a notice when `SKIP_WEB=1` (or there is no web folder); `web/dist` when its STAMP says
//! that it was built from these very sources, as in the source archive; a build of our own in `OUT_DIR`,
//! which needs Node; else one sentence that says what to do. `KEEP_WEB=1` puts a build into `web/dist`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

type Outcome<T = ()> = Result<T, String>;

const NOT_BUILT: &str = "The web UI is not built. Install Node 20.19+ or use the source archive, which contains it.";
const NOTICE: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Frontdesk</title>\n\
     <h1>Frontdesk is running without its web pages</h1>\n\
     <p>This binary was built with SKIP_WEB=1. The HTTP interface and the mail receiver work.</p>\n</html>\n";
/// Beside every file that shrinks: its brotli form, at the highest quality.
const COMPRESS: &str = r#"
const fs = require("fs"), path = require("path"), zlib = require("zlib");
for (const entry of fs.readdirSync(process.argv[1], { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(html|js|css|json|svg|txt|webmanifest|wasm)$/.test(entry.name)) continue;
  const file = path.join(entry.parentPath ?? entry.path, entry.name), plain = fs.readFileSync(file);
  const packed = zlib.brotliCompressSync(plain, { params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: plain.length } });
  if (packed.length < plain.length * 0.95) fs.writeFileSync(file + ".br", packed);
}
"#;

fn main() {
    if let Err(message) = run() {
        println!("cargo::error={}", message.replace('\n', " "));
        std::process::exit(1);
    }
}

fn run() -> Outcome {
    for variable in ["SKIP_WEB", "ALLOW_NO_UI", "KEEP_WEB"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(variable("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    let web = PathBuf::from(variable("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?).join("web");
    let embedded = out.join("web/dist");
    let package = web.join("package.json");
    if !package.exists() {
        println!("cargo::rerun-if-changed={}", package.display());
    }
    if is_on("SKIP_WEB") || !package.exists() {
        return skip(&embedded);
    }
    let sources = sources(&web)?;
    watch(&web)?;
    let stamp = stamp(&web, &sources)?;
    let given = web.join("dist");
    if is_stamped(&given, &stamp) && !is_on("KEEP_WEB") {
        return replace(&given, &embedded);
    }
    let built = out.join("web-build/dist");
    if !is_stamped(&built, &stamp) {
        build(&web, &sources, &out.join("web-build"))?;
        write(&built.join("STAMP"), &stamp)?;
    }
    if is_on("KEEP_WEB") {
        replace(&built, &given)?;
    }
    replace(&built, &embedded)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn is_on(name: &str) -> bool {
    variable(name).is_some_and(|value| value != "0")
}

/// Embeds the notice. A release without pages is nearly always a mistake.
fn skip(embedded: &Path) -> Outcome {
    if variable("PROFILE").as_deref() == Some("release") && !is_on("ALLOW_NO_UI") {
        return Err(String::from(
            "A release needs the web UI; set ALLOW_NO_UI=1 with SKIP_WEB=1 to build one without.",
        ));
    }
    if embedded.exists() {
        fs::remove_dir_all(embedded).map_err(|error| told(embedded, &error))?;
    }
    write(&embedded.join("index.html"), NOTICE)
}

/// Every file the pages are built from, as paths relative to `web` with `/`, sorted.
fn sources(web: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for (name, is_folder) in entries(&web.join(&folder))? {
            let path = folder.join(&name);
            if is_folder {
                folders.push(path);
            } else {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Name and kind of what is in a folder, without what was made there.
fn entries(folder: &Path) -> Outcome<Vec<(String, bool)>> {
    const MADE: [&str; 5] = ["node_modules", "dist", ".vite", ".svelte-kit", "coverage"];
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| told(folder, &error))? {
        let entry = entry.map_err(|error| told(folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if MADE.contains(&name.as_str()) || name.ends_with('~') || name.ends_with(".swp") {
            continue;
        }
        let kind = entry.file_type().map_err(|error| told(folder, &error))?;
        found.push((name, kind.is_dir()));
    }
    Ok(found)
}

/// Tells cargo to look again when a source changes, not when node_modules or dist do.
fn watch(web: &Path) -> Outcome {
    for (name, _) in entries(web)? {
        println!("cargo::rerun-if-changed={}", web.join(name).display());
    }
    let stamp = web.join("dist/STAMP");
    if stamp.exists() {
        println!("cargo::rerun-if-changed={}", stamp.display());
    }
    Ok(())
}

/// SHA-256 over names, lengths and contents of the sources, the lockfile among them.
fn stamp(web: &Path, sources: &[String]) -> Outcome<String> {
    let mut hash = Sha256::new();
    for name in sources {
        let path = web.join(name);
        let content = fs::read(&path).map_err(|error| told(&path, &error))?;
        hash.update(format!("{name}\0{}\0", content.len()));
        hash.update(&content);
    }
    Ok(format!("{:x}\n", hash.finalize()))
}

fn is_stamped(dist: &Path, stamp: &str) -> bool {
    fs::read_to_string(dist.join("STAMP")).is_ok_and(|found| found.trim() == stamp.trim())
}

/// Builds the pages in `work`, whose node_modules stay as long as the lockfile does.
fn build(web: &Path, sources: &[String], work: &Path) -> Outcome {
    let node = Command::new("node").arg("--version").output().ok().filter(|output| output.status.success());
    let version = node.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    if !version.as_deref().is_some_and(is_new_enough) {
        let found = version.map_or(String::new(), |version| format!(" (Node {version} is too old.)"));
        return Err(format!("{NOT_BUILT}{found}"));
    }
    fs::create_dir_all(work).map_err(|error| told(work, &error))?;
    for (name, is_folder) in entries(work)? {
        if name != "installed" {
            let path = work.join(name);
            let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|error| told(&path, &error))?;
        }
    }
    for name in sources {
        copy(&web.join(name), &work.join(name))?;
    }
    install(work)?;
    let dist = work.join("dist");
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(|error| told(&dist, &error))?;
    }
    command(work, npm(), &["run", "build"])?;
    if !dist.join("index.html").exists() {
        return Err(String::from("`npm run build` in web/ made no dist/index.html."));
    }
    command(work, "node", &["-e", COMPRESS, "dist"])
}

/// Whether `version`, as `v20.19.1`, is at least 20.19.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (20, 19)
}

fn install(work: &Path) -> Outcome {
    let lockfile = work.join("package-lock.json");
    let lock = fs::read(&lockfile).map_err(|error| told(&lockfile, &error))?;
    let lock = format!("{:x}", Sha256::digest(&lock));
    let marker = work.join("installed");
    if work.join("node_modules").exists() && fs::read_to_string(&marker).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    command(work, npm(), &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    write(&marker, &lock)
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn command(folder: &Path, program: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("TZ", "UTC").env("LANG", "C.UTF-8").env("NO_COLOR", "1");
    let called = format!("{program} {}", arguments.first().unwrap_or(&""));
    let output = command.output().map_err(|error| format!("{called} cannot be started: {error}. {NOT_BUILT}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    for line in told.lines() {
        println!("cargo::warning={line}");
    }
    Err(format!("`{called}` failed in {}; its output is above.", folder.display()))
}

/// Makes `to` a copy of `from`.
fn replace(from: &Path, to: &Path) -> Outcome {
    if to.exists() {
        fs::remove_dir_all(to).map_err(|error| told(to, &error))?;
    }
    for name in sources(from)? {
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Outcome {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    }
    fs::copy(from, to).map(drop).map_err(|error| told(from, &error))
}

fn write(path: &Path, text: &str) -> Outcome {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    }
    fs::write(path, text).map_err(|error| told(path, &error))
}

fn told(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

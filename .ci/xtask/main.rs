//! `cargo xtask dist` builds the packages of a release in `target/packages`.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "\
Usage: cargo xtask dist [TARGET]...

Builds rosterpatch for each target and packs it in target/packages, with an SBOM and SHA256SUMS. A target with musl also
becomes a .deb. Without TARGET: on Linux x86_64-unknown-linux-musl and x86_64-pc-windows-gnu, elsewhere this machine's.

Needs: cargo install --locked cargo-auditable cargo-cyclonedx cargo-deb
       rustup target add TARGET
       on Debian: apt-get install musl-tools gcc-mingw-w64-x86-64";

/// The maximum size of a package.
const MOST_BYTES: u64 = 15_000_000;

/// The features of the packaged program.
const FEATURES: &str = "--features=postgres";

/// The parent folder of the generated assets that Cargo.toml lists for cargo-deb.
const PACKAGES: &str = "target/packages";

/// The shells with completion scripts, and the file names.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "rosterpatch.bash"),
    ("zsh", "_rosterpatch"),
    ("fish", "rosterpatch.fish"),
];

fn main() {
    if let Err(why) = run() {
        eprintln!("xtask: {why}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((task, targets)) if task == "dist" && !targets.iter().any(|t| t.starts_with('-')) => {
            dist(targets)
        }
        _ => Err(USAGE.into()),
    }
}

fn dist(targets: &[String]) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::env::set_current_dir(root)?;
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    let packages = Path::new(PACKAGES);
    if packages.exists() {
        fs::remove_dir_all(packages)?;
    }
    fs::create_dir_all(packages)?;
    let id = output("cargo", &["pkgid"])?;
    let version = id.trim().rsplit(['#', '@']).next().unwrap_or_default();
    let targets = match targets {
        [] => default_targets()?,
        named => named.to_vec(),
    };
    for target in &targets {
        let program = ["--locked", "--profile", "dist", "--bin", "rosterpatch"];
        cargo(
            &["auditable", "build", "--target", target, FEATURES],
            &program,
        )?;
        let folder = built.join(target).join("dist");
        let name = format!("rosterpatch-{version}-{target}");
        if target.contains("windows") {
            let task = PathBuf::from("samples/nightly/rosterpatch-watch.xml");
            pack(&name, &[folder.join("rosterpatch.exe"), task])?;
        } else {
            let program = folder.join("rosterpatch");
            let mut files = described(&program)?;
            files.push(program);
            pack(&name, &files)?;
        }
        if target.ends_with("-musl") {
            let ready = ["--no-build", "--no-strip", "--profile", "dist"];
            cargo(&["deb", "--output", PACKAGES, "--target", target], &ready)?;
        }
        let (sbom, of_xtask) = ("rosterpatch.cdx", ".ci/xtask/rosterpatch.cdx.json");
        let options = ["--format", "json", "--override-filename", sbom];
        cargo(&["cyclonedx", "--target", target, FEATURES], &options)?;
        fs::rename(
            "rosterpatch.cdx.json",
            packages.join(format!("{name}.cdx.json")),
        )?;
        fs::remove_file(of_xtask)?;
    }
    fs::remove_dir_all(packages.join("parts")).or_else(absent_is_fine)?;
    write_sums()
}

fn default_targets() -> Result<Vec<String>> {
    if cfg!(target_os = "linux") {
        let both = ["x86_64-unknown-linux-musl", "x86_64-pc-windows-gnu"];
        return Ok(both.map(str::to_owned).to_vec());
    }
    let told = output("rustc", &["-vV"])?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(vec![host.ok_or("rustc -vV prints no host")?.to_owned()])
}

/// Writes the manual pages and completion scripts of a program for this machine. Returns their paths.
fn described(program: &Path) -> Result<Vec<PathBuf>> {
    let program = program.to_str().ok_or("the path is not UTF-8")?;
    let parts = Path::new(PACKAGES).join("parts");
    let (man, completions) = (parts.join("man"), parts.join("completions"));
    for folder in [&man, &completions] {
        fs::create_dir_all(folder)?;
    }
    output(program, &["man", "--out", &man.to_string_lossy()])?;
    for (shell, name) in SHELLS {
        fs::write(
            completions.join(name),
            output(program, &["completions", shell])?,
        )?;
    }
    let mut files = Vec::new();
    for folder in [man, completions] {
        for file in fs::read_dir(folder)? {
            files.push(file?.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Packs these files, and the repository's files that every archive contains, into an archive with one
/// folder.
fn pack(name: &str, files: &[PathBuf]) -> Result<()> {
    let of_repository = ["LICENSE", "CHANGELOG.md", "samples/rosterpatch.toml"].map(PathBuf::from);
    let files = of_repository.iter().chain(files);
    let packages = Path::new(PACKAGES);
    if name.contains("windows") {
        let mut zip = ZipWriter::new(File::create(packages.join(format!("{name}.zip")))?);
        for file in files {
            let inner = Path::new(name).join(file.file_name().ok_or("no file name")?);
            zip.start_file_from_path(inner, SimpleFileOptions::default())?;
            io::copy(&mut File::open(file)?, &mut zip)?;
        }
        zip.finish()?;
        return Ok(());
    }
    let folder = packages.join(name);
    fs::create_dir(&folder)?;
    for file in files {
        fs::copy(file, folder.join(file.file_name().ok_or("no file name")?))?;
    }
    let archive = packages.join(format!("{name}.tar.gz"));
    let archive = archive.to_string_lossy();
    output("tar", &["-czf", &archive, "-C", PACKAGES, name])?;
    Ok(fs::remove_dir_all(folder)?)
}

/// Writes the checksums of all packages, and fails if a package is too large.
fn write_sums() -> Result<()> {
    let mut packages = Vec::new();
    for file in fs::read_dir(PACKAGES)? {
        packages.push(file?.path());
    }
    packages.sort();
    let mut sums = String::new();
    for path in &packages {
        let content = fs::read(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let sum: String = Sha256::digest(&content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        sums += &format!("{sum}  {name}\n");
        println!("{:>10} bytes  {}", content.len(), path.display());
        if content.len() as u64 > MOST_BYTES {
            return Err(format!("{name} is larger than {MOST_BYTES} bytes").into());
        }
    }
    Ok(fs::write(Path::new(PACKAGES).join("SHA256SUMS"), sums)?)
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    }
}

/// Runs a cargo command and passes its output through.
fn cargo(command: &[&str], options: &[&str]) -> Result<()> {
    let status = Command::new("cargo").args(command).args(options).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("cargo {} failed: {status}\n\n{USAGE}", command.join(" ")).into()),
    }
}

/// Runs a program and returns its standard output.
fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let done = Command::new(program)
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    match done.status.success() {
        true => Ok(String::from_utf8(done.stdout)?),
        false => Err(format!("{program} {} failed: {}", arguments.join(" "), done.status).into()),
    }
}

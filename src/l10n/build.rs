//! This build script generates two functions for each message of the catalogues: one renders it, the other
//! constructs it as data. A missing key, argument or translation fails the build.

use std::path::Path;
use std::process::ExitCode;

use fluent_typed::{BuildOptions, FtlOutputOptions, LintLevel, try_build_from_locales_folder};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=src/l10n/build.rs");
    let Some(out) = std::env::var_os("OUT_DIR") else {
        eprintln!("cargo sets OUT_DIR for a build script");
        return ExitCode::FAILURE;
    };
    let place = |name: &str| Path::new(&out).join(name).display().to_string();
    let options = BuildOptions::default()
        .with_locales_folder("src/l10n/messages")
        .with_output_file_path(&place("messages.rs"))
        .with_ftl_output(FtlOutputOptions::single_file(&place("messages.ftl")))
        .with_prefix("")
        .with_lint_level(LintLevel::Deny)
        .without_bidi_isolation()
        .without_format();
    if let Err(error) = try_build_from_locales_folder(options) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let constructed = std::fs::read_to_string(place("messages.rs"))
        .and_then(|generated| std::fs::write(place("constructors.rs"), constructors(&generated)));
    if let Err(error) = constructed {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Returns a constructor for each message, with the arguments in the order of its contract:
/// `MessageContract { message: "cell-is-date", attribute: None, vars: &["cell", "text"], … }`.
fn constructors(generated: &str) -> String {
    let quoted = |text: &str| -> Vec<String> {
        let parts = text.split('"').skip(1).step_by(2);
        parts.map(str::to_owned).collect()
    };
    let mut code = String::new();
    for line in generated.lines() {
        let Some(contract) = line.trim().strip_prefix("MessageContract { message: ") else {
            continue;
        };
        let Some((key, rest)) = contract.split_once(", attribute: None, vars: &[") else {
            continue;
        };
        let key = quoted(key).concat();
        let names = quoted(rest.split(']').next().unwrap_or_default());
        let function = key.replace('-', "_");
        let parameters: Vec<String> = names
            .iter()
            .map(|name| format!("{name}: impl Into<Argument>"))
            .collect();
        let arguments: Vec<String> = names
            .iter()
            .map(|name| format!("(\"{name}\", {name}.into())"))
            .collect();
        code += &format!(
            "pub fn {function}({}) -> Message {{ Message::new(\"{key}\", [{}]) }}\n",
            parameters.join(", "),
            arguments.join(", ")
        );
    }
    code
}

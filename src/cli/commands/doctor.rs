//! The `doctor` command, which prints problems that would stop an import.

use std::sync::Arc;

use crate::app::{
    AppError, Asking, Diagnosis, Examined, Health, of_api, of_metrics, of_notify, of_state,
};
use crate::cli::args::DoctorArgs;
use crate::cli::config::Config;
use crate::cli::options::{GeneralOptions, RosterOptions};
use crate::cli::{logging, settings, terminal};
use crate::clock::SystemClock;
use crate::l10n::say;
use crate::model::{Exit, with_causes};
use crate::report::{Look, Tone};
use crate::send::{ClientOptions, Credentials};
use crate::targets::TargetSpec;

/// Runs `rosterpatch doctor`. Every possible check is made, even if others fail.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &DoctorArgs) -> Result<Exit, AppError> {
    logging::start(common, None);
    let look = terminal::look(common);
    let config = match Config::load(common) {
        Ok(config) => config,
        Err(error) => {
            let found = [wrong(say().doctor_config(), error)];
            terminal::out(&in_words(&found, look));
            return Ok(exit(&found));
        }
    };
    if !args.all_profiles {
        let found = examine(&config, common, args);
        terminal::out(&in_words(&found, look));
        return Ok(exit(&found));
    }
    let mut all = Vec::new();
    for name in config.profiles() {
        let found = examine(&config.with_profile(name)?, common, args);
        let between = if all.is_empty() { "" } else { "\n" };
        let heading = look.paint(Tone::Heading, &say().doctor_profile(name));
        terminal::out(&format!("{between}{heading}\n{}", in_words(&found, look)));
        all.extend(found);
    }
    if all.is_empty() {
        let path = config.origin(None);
        return Err(AppError::Usage(say().doctor_no_profiles(path)));
    }
    Ok(exit(&all))
}

/// Returns the exit code. A local problem takes precedence over a refusal by the API.
fn exit(found: &[Diagnosis]) -> Exit {
    let any = |health| found.iter().any(|one| one.health == health);
    if any(Health::Wrong) {
        Exit::CannotDo
    } else if any(Health::Refused) {
        Exit::Refused
    } else {
        Exit::Success
    }
}

fn in_words(found: &[Diagnosis], look: Look) -> String {
    let width = found.iter().map(|one| one.what.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for finding in found {
        let (mark, tone) = match finding.health {
            Health::Well => ("✓", Tone::New),
            Health::Unknown => ("?", Tone::Warning),
            Health::Wrong | Health::Refused => ("✗", Tone::Old),
        };
        let mut lines = finding.told.lines();
        let indent = format!("  {:<width$}  ", finding.what);
        let first = look.lines(None, &indent, lines.next().unwrap_or_default());
        let shown = first.join("\n");
        let mut shown = shown.strip_prefix(' ').unwrap_or(&shown).to_owned();
        for line in lines {
            shown.push_str(&format!("\n{line}"));
        }
        text.push_str(&format!("{}{shown}\n", look.paint(tone, mark)));
    }
    text
}

fn well(what: String, told: impl Into<String>) -> Diagnosis {
    Diagnosis::new(what, Health::Well, told)
}

fn wrong(what: String, error: AppError) -> Diagnosis {
    Diagnosis::new(what, Health::Wrong, with_causes(&error))
}

/// Makes the checks in order and skips those whose prerequisites failed.
fn examine(config: &Config, common: &GeneralOptions, args: &DoctorArgs) -> Vec<Diagnosis> {
    let told = match config.path() {
        Some(_) => config.origin(config.profile()),
        None => say().doctor_no_config(),
    };
    let mut found = vec![well(say().doctor_config(), told)];
    let state = settings::state(config, common).map(|state| (of_state(&state), state));
    let state = match state {
        Ok((finding, state)) => {
            let is_well = finding.health == Health::Well;
            found.push(finding);
            Some(state).filter(|_| is_well)
        }
        Err(error) => {
            found.push(wrong(say().doctor_state(), error));
            None
        }
    };
    let notifications = settings::notifications(config);
    found.extend(notifications.metrics.as_deref().map(of_metrics));
    found.extend(notifications.notify.iter().flat_map(of_notify));
    let named = config.fill(&RosterOptions {
        target: args.target.clone(),
        ..RosterOptions::default()
    });
    let spec = match settings::target(named.target.as_deref()) {
        Ok(spec) => spec,
        Err(error) => {
            found.push(wrong(say().doctor_target(), error));
            return found;
        }
    };
    found.push(well(say().doctor_target(), spec.title.clone()));
    let connection = args.reach.connection(config);
    // The address of the token endpoint may contain a variable.
    let spec = match settings::variables(config, &connection, &spec) {
        Ok(variables) => Arc::new(Arc::unwrap_or_clone(spec).with_variables(&variables)),
        Err(_) => spec,
    };
    let credentials = settings::credentials(config, &spec);
    found.push(match &credentials {
        Ok(_) => well(
            say().doctor_credentials(),
            say().doctor_present(variables_of(config, &spec)),
        ),
        Err(error) => Diagnosis::new(
            say().doctor_credentials(),
            Health::Refused,
            with_causes(error),
        ),
    });
    let token_url = credentials.as_ref().ok().and_then(Credentials::token_url);
    found.extend(token_url.map(|url| well(say().doctor_token(), say().doctor_token_at(url))));
    let place = args.reach.place(config);
    let client = || -> Result<ClientOptions, AppError> {
        let variables = settings::variables(config, &connection, &spec)?;
        connection.client(settings::base_url(&place, &spec, &variables)?)
    };
    let client = match client() {
        Ok(client) => client,
        Err(error) => {
            found.push(wrong(say().doctor_network(), error));
            return found;
        }
    };
    let pace = settings::pace(
        &config.fill(&Default::default()),
        settings::own_quota(&spec),
    );
    let pace = match pace {
        Ok(pace) => Some(pace),
        Err(error) => {
            found.push(wrong(say().doctor_quota_name(), error));
            None
        }
    };
    let asking = match (credentials, pace, &state) {
        (Ok(credentials), Some(pace), Some(state)) => Some(Asking {
            credentials,
            pace,
            state,
        }),
        _ => None,
    };
    found.extend(of_api(&Examined {
        spec,
        client: &client,
        asking,
        clock: Arc::new(SystemClock),
    }));
    found
}

/// Returns the environment variables of the credentials in use, for the first sign-in method that has all of
/// them.
fn variables_of(config: &Config, spec: &TargetSpec) -> String {
    let set = |name: String| {
        let variable = config.credential_variable(&name);
        let value = std::env::var_os(&variable).filter(|value| !value.is_empty());
        value.map(|_| variable)
    };
    let held_by = |name: &str| set(name.to_owned()).or_else(|| set(format!("{name}_FILE")));
    let mut ways = spec.sign_in.iter();
    let used = ways.find_map(|way| {
        let names = way.variables().into_iter();
        names.map(held_by).collect::<Option<Vec<String>>>()
    });
    used.unwrap_or_default().join(" + ")
}

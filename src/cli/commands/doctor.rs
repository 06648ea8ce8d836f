use std::sync::Arc;

use crate::app::{AppError, Examined, Finding, Health, of_api, of_state};
use crate::cli::args::DoctorArgs;
use crate::cli::config::Config;
use crate::cli::options::{ConnectionOptions, GeneralOptions, PlaceOptions, RosterOptions};
use crate::cli::{logging, settings, terminal};
use crate::clock::SystemClock;
use crate::l10n::say;
use crate::model::{Exit, with_causes};
use crate::report::Tone;
use crate::send::ClientOptions;

/// `rosterpatch doctor`: what would stop an import here, and what to do about it. Each is looked at that
/// can be, whatever is wrong with the others.
pub(in crate::cli) fn run(common: &GeneralOptions, args: &DoctorArgs) -> Result<Exit, AppError> {
    logging::start(common, None);
    let mut found = Vec::new();
    examine(common, args, &mut found);
    let look = terminal::look(common);
    let width = found.iter().map(|one| one.what.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for finding in &found {
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
    terminal::out(&text);
    let any = |health| found.iter().any(|one| one.health == health);
    Ok(if any(Health::Wrong) {
        Exit::CannotDo
    } else if any(Health::Refused) {
        Exit::Refused
    } else {
        Exit::Success
    })
}

/// Looks at one thing after another, as far as those before it allow.
fn examine(common: &GeneralOptions, args: &DoctorArgs, found: &mut Vec<Finding>) {
    let well = |what, told: String| Finding::new(what, Health::Well, told);
    let wrong = |what, error: AppError| Finding::new(what, Health::Wrong, with_causes(&error));
    let config = match Config::load(common) {
        Ok(config) => config,
        Err(error) => return found.push(wrong(say().doctor_config(), error)),
    };
    let told = match config.path() {
        Some(_) => config.origin(config.profile()),
        None => say().doctor_no_config(),
    };
    found.push(well(say().doctor_config(), told));
    let state = match settings::state(&config, common) {
        Ok(state) => state,
        Err(error) => return found.push(wrong(say().doctor_state(), error)),
    };
    found.push(of_state(&state));
    let named = config.fill(&RosterOptions {
        target: args.target.clone(),
        ..RosterOptions::default()
    });
    let spec = match settings::target(named.target.as_deref()) {
        Ok(spec) => spec,
        Err(error) => return found.push(wrong(say().doctor_target(), error)),
    };
    found.push(well(say().doctor_target(), spec.title.clone()));
    let credentials = settings::credentials(&config, &spec);
    found.push(match &credentials {
        Ok(_) => well(say().doctor_credentials(), say().doctor_present()),
        Err(error) => Finding::new(
            say().doctor_credentials(),
            Health::Refused,
            with_causes(error),
        ),
    });
    let place = config.place(&PlaceOptions {
        env: args.env.clone(),
        base_url: args.base_url.clone(),
        ..PlaceOptions::default()
    });
    let connection = config.fill(&ConnectionOptions {
        var: args.var.clone(),
        ca_cert: args.ca_cert.clone(),
        ..ConnectionOptions::default()
    });
    let client = || -> Result<ClientOptions, AppError> {
        let variables = settings::variables(&config, &connection, &spec)?;
        Ok(ClientOptions {
            base_url: settings::base_url(&place, &spec, &variables)?,
            timeout: connection.timeout().0.length,
            ca_certificates: settings::ca_certificates(&connection)?,
        })
    };
    let client = match client() {
        Ok(client) => client,
        Err(error) => return found.push(wrong(say().doctor_network(), error)),
    };
    let pace = settings::pace(
        &config.fill(&Default::default()),
        settings::own_quota(&spec),
    );
    match (credentials, pace) {
        (Ok(credentials), Ok(pace)) => found.extend(of_api(&Examined {
            spec,
            credentials,
            client: &client,
            pace,
            state: &state,
            clock: Arc::new(SystemClock),
        })),
        (_, Err(error)) => found.push(wrong(say().doctor_quota_name(), error)),
        (Err(_), _) => {}
    }
}

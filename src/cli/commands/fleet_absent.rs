//! Replacement for the queue commands in builds without PostgreSQL.

use crate::app::AppError;
use crate::cli::fleet_args::{DatabaseCommand, EnqueueArgs, QueueArgs, WorkArgs};
use crate::cli::options::GeneralOptions;
use crate::journal::JournalError;
use crate::model::Exit;

fn not_built() -> Result<Exit, AppError> {
    Err(JournalError::NotBuilt.into())
}

pub(in crate::cli) fn put(_: &GeneralOptions, args: &EnqueueArgs) -> Result<Exit, AppError> {
    let _ = (&args.files, args.format);
    not_built()
}

pub(in crate::cli) fn at_work(_: &GeneralOptions, args: &WorkArgs) -> Result<Exit, AppError> {
    let _ = (args.batches, &args.metrics, args.format);
    not_built()
}

pub(in crate::cli) fn list(_: &GeneralOptions, args: &QueueArgs) -> Result<Exit, AppError> {
    let _ = (args.all, &args.metrics, args.format);
    not_built()
}

pub(in crate::cli) fn database(_: &GeneralOptions, _: &DatabaseCommand) -> Result<Exit, AppError> {
    not_built()
}

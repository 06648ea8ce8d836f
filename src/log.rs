//! Facts are logged with the message of their code, and each argument as a field.

use crate::model::Fact;

/// Logs a fact at a level. This is a macro because `tracing` requires a constant level.
macro_rules! write_at {
    ($level:ident, $fact:expr) => {{
        let fact = $fact;
        let numbers = fact.numbers();
        tracing::event!(
            tracing::Level::$level,
            code = fact.code().as_str(),
            cause = fact.cause().map(|cause| cause.as_str()),
            path = fact
                .path()
                .map(|path| tracing::field::display(path.display())),
            run = fact.run(),
            row = numbers.row,
            line = numbers.line,
            last_line = numbers.last_line,
            column = numbers.column,
            other_column = numbers.other_column,
            count = numbers.count,
            of = numbers.of,
            most = numbers.most,
            most_percent = numbers.most_percent,
            status = numbers.status,
            names = fact.names(),
            io_error = fact.io_error().map(tracing::field::display),
            database_error = fact.database_error().map(tracing::field::display),
            "{}",
            fact.code().sentence()
        );
    }};
}

/// Logs an error that prevented a command from completing.
pub fn error(fact: &Fact) {
    write_at!(ERROR, fact);
}

/// Logs a problem that does not prevent a command from completing.
pub fn warn(fact: &Fact) {
    write_at!(WARN, fact);
}

/// Logs an event.
pub fn info(fact: &Fact) {
    write_at!(INFO, fact);
}

/// Logs details for diagnosis.
pub fn debug(fact: &Fact) {
    write_at!(DEBUG, fact);
}

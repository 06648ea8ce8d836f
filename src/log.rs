//! Facts in the log: the message is the code's sentence, and each argument is a field.

use crate::model::Fact;

/// Writes a fact into the log at a level; a macro, since a level is part of a place in the code.
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

/// Logs what kept a command from doing what it was to do.
pub fn error(fact: &Fact) {
    write_at!(ERROR, fact);
}

/// Logs what is wrong and keeps nothing from being done.
pub fn warn(fact: &Fact) {
    write_at!(WARN, fact);
}

/// Logs what happened.
pub fn info(fact: &Fact) {
    write_at!(INFO, fact);
}

/// Logs what explains how something was done.
pub fn debug(fact: &Fact) {
    write_at!(DEBUG, fact);
}

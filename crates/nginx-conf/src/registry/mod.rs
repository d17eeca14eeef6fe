//! Every directive of nginx and its own modules: where it can stand, how many words it takes, and
//! how we stand to it. The rows are the one place that says what is supported.

mod core;
mod foreign;
mod gateways;
mod http;
mod mail;
mod proxy;
mod row;
mod stream;

pub use foreign::{built_in_module, foreign_module};
pub use row::{Context, Form, Row, Standing};

/// All rows; a name has several when it differs from context to context.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [core::ROWS, http::ROWS, proxy::ROWS, gateways::ROWS, stream::ROWS, mail::ROWS].into_iter().flatten()
}

/// The rows of a name.
pub fn lookup(name: &str) -> impl Iterator<Item = &'static Row> {
    rows().filter(move |row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_row_in_a_context() {
        for row in rows() {
            for context in row.contexts {
                let count = lookup(row.name).filter(|other| other.contexts.contains(context)).count();
                assert_eq!(count, 1, "{} {}", row.name, context.describe());
            }
        }
    }

    #[test]
    fn counts_of_words_are_ranges() {
        for row in rows() {
            assert!(row.least <= row.most, "{}", row.name);
            assert!(row.form != Form::Flag || (row.least, row.most) == (1, 1), "{}", row.name);
            assert!(!row.contexts.is_empty(), "{}", row.name);
        }
        assert!(rows().count() > 700);
    }
}

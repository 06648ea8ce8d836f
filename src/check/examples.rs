use super::row::Checker;

/// What a target says of its own fields.
impl Checker {
    /// The fields whose example their own kind or limits refuse, by position, and why.
    pub fn refused_examples(&self) -> Vec<(usize, String)> {
        let refused = |column: &super::row::Column| {
            let field = &self.spec.fields[column.field];
            let example = field.example.trim();
            if example.is_empty() {
                return None;
            }
            let choices = column.choices.as_ref();
            let value = self.of_kind(field, choices, example, &|_| None, &mut None);
            let value = value.and_then(|value| {
                self.within_limits(column, field, &value)?;
                Ok(value)
            });
            let fault = value.err()?.into_inner();
            let doubtful = super::severity::is_doubt(fault.code, field.free_text);
            // A guarded value is right in itself.
            (!doubtful && fault.code != "guarded.not_allowed")
                .then_some((column.field, fault.message))
        };
        self.columns.iter().filter_map(refused).collect()
    }
}

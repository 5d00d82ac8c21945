//! The statements, as texts. `$1` is the stack in all of them.

/// The statements about the table of one schema.
pub(crate) struct Statements {
    /// `$2` a name.
    pub(crate) read: String,
    /// `$2` a name, `$3` its content, `$4` the write's mark. One row if there was none of that name.
    pub(crate) create: String,
    /// The same, with `$5` the version that is there.
    pub(crate) replace: String,
    /// `$2` a name, `$3` a write's mark. One row if that write is what is there.
    pub(crate) written: String,
    /// `$2` a name.
    pub(crate) remove: String,
    /// `$2` the first name, `$3` the first after the last.
    pub(crate) list: String,
    /// The names and contents of the same.
    pub(crate) read_range: String,
    /// Removes what is not empty of the same.
    pub(crate) remove_range: String,
    /// Whether the schema is there; `$1` is its name.
    pub(crate) has_schema: &'static str,
    /// Makes the schema.
    pub(crate) make_schema: String,
    /// Makes the table.
    pub(crate) make_table: String,
}

impl Statements {
    /// The statements for a schema.
    pub(crate) fn new(schema: &str) -> Self {
        let schema = quoted(schema);
        let table = format!("{schema}.blobs");
        let one = "WHERE stack = $1 AND name = $2";
        // The names' bytes are compared, whatever the database's collation: the index is of that order.
        let range = "WHERE stack = $1 AND name >= $2 AND name < $3";
        Self {
            read: format!("SELECT content, version FROM {table} {one}"),
            create: format!(
                "INSERT INTO {table} (stack, name, content, mark) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING version"
            ),
            replace: format!(
                "UPDATE {table} SET content = $3, mark = $4, version = DEFAULT, written_at = DEFAULT {one} AND version = $5 RETURNING version"
            ),
            written: format!("SELECT version FROM {table} {one} AND mark = $3"),
            remove: format!("DELETE FROM {table} {one}"),
            list: format!("SELECT name FROM {table} {range} ORDER BY name"),
            read_range: format!("SELECT name, content FROM {table} {range} ORDER BY name"),
            remove_range: format!("DELETE FROM {table} {range} AND length(content) > 0"),
            has_schema: "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1",
            make_schema: alone(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")),
            make_table: alone(&format!(
                "CREATE TABLE IF NOT EXISTS {table} (
                    stack text COLLATE \"C\" NOT NULL,
                    name text COLLATE \"C\" NOT NULL,
                    content bytea NOT NULL,
                    version bigint GENERATED ALWAYS AS IDENTITY,
                    mark bigint NOT NULL,
                    written_at timestamptz NOT NULL DEFAULT now(),
                    PRIMARY KEY (stack, name)
                )"
            )),
        }
    }
}

/// Two that make the same thing at once get in each other's way: one after the other, in the transaction that several statements in one
/// message are.
fn alone(statement: &str) -> String {
    const KEY: u64 = u64::from_be_bytes(*b"meshform");
    format!("SELECT pg_advisory_xact_lock({}); {statement}", KEY.cast_signed())
}

/// What a new session is told. A statement must have ended before its answer is no longer waited for.
pub(crate) fn session_setup(statement_timeout_ms: u128) -> String {
    format!(
        "SET statement_timeout = {statement_timeout_ms}; \
         SET idle_in_transaction_session_timeout = {statement_timeout_ms}; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

/// The names that begin with a prefix lie between it and this: names hold nothing that comes after a tilde.
pub(crate) fn after(prefix: &str) -> String {
    format!("{prefix}~")
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_cannot_break_out_of_its_quotes() {
        let statements = Statements::new("a\".x; DROP TABLE \"b");
        assert_eq!(
            statements.remove,
            "DELETE FROM \"a\"\".x; DROP TABLE \"\"b\".blobs WHERE stack = $1 AND name = $2"
        );
    }

    #[test]
    fn a_prefix_covers_every_name_that_begins_with_it() {
        let within = |prefix: &str, name: &str| prefix <= name && name < after(prefix).as_str();
        for name in ["journal/", "journal/z", "journal/0-.z/zz"] {
            assert!(within("journal/", name), "{name}");
        }
        for name in ["journal", "journal0", "jour", "k", "state.json"] {
            assert!(!within("journal/", name), "{name}");
        }
        assert!(within("", "z") && within("jour", "journal/z"));
    }
}

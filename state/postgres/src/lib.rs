//! The storage in a PostgreSQL database: one table, in which every blob and every chunk of a log is a row.
//!
//! ```text
//! settings    what is said about the database becomes how it is reached; connection_string, what libpq knows and the driver does not
//! tls         how far the server is trusted
//! statements  SQL as text
//! session     one connection: deadlines, errors
//! storage     `Storage`: each operation is one statement, again after a lost connection
//! ```
//!
//! It works with PostgreSQL 12 and later, and connects when it is first used. The table is made by the first write. Every write carries a
//! random mark that is stored with it: when an answer is lost, the mark tells whether the write was done.
//!
//! # Settings
//!
//! | name | meaning | unless given |
//! | --- | --- | --- |
//! | `connection` | a URL (`postgres://user@host:5432/database`) or `key=value` pairs, as libpq reads them; secret, as it may hold a password | the variables below |
//! | `password` | the user's password, if it is not in `connection`; secret | `PGPASSWORD` |
//! | `stack` | the name of the stack in the table | required |
//! | `schema` | the schema that the table is in; it is made if it is not there | `meshform` |
//! | `sslmode` | `disable`, `prefer` (TLS if the server speaks it), `require` (TLS, whoever answers; as `verify-ca` if there is a `ca`), `verify-ca` (a trusted certificate), `verify-full` (one of that very host) | what `connection` says, `PGSSLMODE`; `prefer` on this machine, `verify-full` elsewhere |
//! | `ca` | the certificates to trust, as PEM | those of the system |
//! | `timeout_seconds` | how long one operation may take, from 1 to 3600 | 30 |
//!
//! Of the environment, `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE` and `PGSSLMODE` count where `connection` is silent.
//!
//! A connection pooler between must keep a session's settings: in PgBouncer, `pool_mode = session`.

mod connection_string;
mod session;
mod settings;
mod statements;
mod storage;
mod tls;

pub use self::settings::SETTINGS;
pub use self::storage::PostgresStorage;

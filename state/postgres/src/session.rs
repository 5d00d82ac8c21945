//! One connection to the database, and what its errors mean.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row};

use crate::settings::Settings;
use crate::statements::session_setup;
use crate::tls::TlsProblem;

/// One statement and what it is about.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    pub(crate) text: &'a str,
    pub(crate) parameters: &'a [(&'a (dyn ToSql + Sync), Type)],
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The table or its schema is not there.
    NoTable,
    /// The connection ended or did not come about, or the server stops or starts: it may pass. What was asked may have been done.
    Lost(String),
    /// The server refuses.
    Refused(String),
}

/// An open connection. What keeps it going ends with it.
pub(crate) struct Session {
    client: Client,
    connection: JoinHandle<()>,
}

impl Session {
    /// Connects.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        let tls = settings.trust.connector().map_err(|problem| Failure::Refused(problem.to_string()))?;
        let opened = settings.config.connect(tls).await;
        let (client, connection) = opened.map_err(|error| Failure::new(&error))?;
        let connection = tokio::spawn(async {
            // How it ended is told to whoever waits for an answer.
            let _ = connection.await;
        });
        let session = Self { client, connection };
        let setup = session_setup(statement_timeout(settings.timeout).as_millis());
        session.execute(&setup).await?;
        Ok(session)
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.client.is_closed()
    }

    /// Asks for rows. The statement is not kept in the session, so that a pooler may change what is behind it.
    pub(crate) async fn rows(&self, query: Query<'_>) -> Result<Vec<Row>, Failure> {
        let rows = self.client.query_typed(query.text, query.parameters).await;
        rows.map_err(|error| Failure::new(&error))
    }

    /// Has statements executed, all or none.
    pub(crate) async fn execute(&self, statements: &str) -> Result<(), Failure> {
        self.client.batch_execute(statements).await.map_err(|error| Failure::new(&error))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// A statement ends before nobody waits for it any more: it then is known that it was not done.
fn statement_timeout(operation: Duration) -> Duration {
    operation * 9 / 10
}

impl Failure {
    /// What an error means.
    fn new(error: &Error) -> Self {
        if let Some(refusal) = error.as_db_error() {
            let code = refusal.code();
            let told = format!("{} (SQLSTATE {})", refusal.message(), code.code());
            return match code {
                &SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME => Self::NoTable,
                code if may_pass(code) => Self::Lost(told),
                _ => Self::Refused(told),
            };
        }
        let cause = error.source();
        let is_refused = cause.is_some_and(|cause| cause.is::<TlsProblem>() || !cause.is::<io::Error>());
        match is_refused {
            true => Self::Refused(chain(error)),
            false => Self::Lost(chain(error)),
        }
    }
}

/// Whether the server may do the same thing when it is asked again (PostgreSQL's documentation, appendix A).
fn may_pass(code: &SqlState) -> bool {
    let class = code.code().get(..2).unwrap_or_default();
    // 57014 is our own time limit.
    class == "08" || class == "40" || class == "53" || (class == "57" && *code != SqlState::QUERY_CANCELED)
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let told = cause.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        next = cause.source();
    }
    text
}

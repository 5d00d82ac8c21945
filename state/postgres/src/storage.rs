//! The storage: each operation is one statement.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use meshform_engine::ports::BoxFuture;
use meshform_state::{Blob, Condition, SettingsProblem, Storage, StorageError, Version};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use crate::session::{Failure, Query, Session};
use crate::settings::Settings;
use crate::statements::{Statements, after};

/// How often something is tried whose answers are lost.
const ATTEMPTS_MAX: u32 = 7;
/// The pause before the second attempt; it doubles each time.
const PAUSE: Duration = Duration::from_millis(100);

/// Keeps the documents of one stack in a PostgreSQL database. Its futures need a tokio runtime.
pub struct PostgresStorage {
    settings: Settings,
    statements: Statements,
    session: Mutex<Option<Arc<Session>>>,
}

/// What came of a statement that was tried until there was an answer.
struct Answered {
    rows: Vec<Row>,
    /// Whether an answer was lost before: it may have been done then.
    again: bool,
}

impl PostgresStorage {
    /// A storage, by its [settings](crate#settings). It connects when it is first used.
    ///
    /// # Errors
    /// When a setting is missing or makes no sense.
    pub fn new(
        settings: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, SettingsProblem> {
        let settings = Settings::new(settings, environment)?;
        let statements = Statements::new(&settings.schema);
        Ok(Self { settings, statements, session: Mutex::new(None) })
    }

    /// Does something within the time that one operation has.
    async fn operation<T>(
        &self,
        verb: &str,
        name: &str,
        work: impl Future<Output = Result<T, Stop>>,
    ) -> Result<T, StorageError> {
        let problem = match timeout(self.settings.timeout, work).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(Stop::Conflict)) => return Err(StorageError::Conflict),
            Ok(Err(Stop::Failed(problem))) => problem,
            Err(_) => {
                // Who hangs would keep the next one waiting as well.
                self.session.lock().await.take();
                format!("no answer within {} seconds", self.settings.timeout.as_secs())
            }
        };
        let attempt = format!("{verb} {name:?} in {}", self.settings.place());
        Err(StorageError::Failed { attempt, problem })
    }

    async fn session(&self) -> Result<Arc<Session>, Failure> {
        let mut session = self.session.lock().await;
        if let Some(open) = session.as_ref().filter(|session| !session.is_over()) {
            return Ok(open.clone());
        }
        let opened = Arc::new(Session::open(&self.settings).await?);
        *session = Some(opened.clone());
        Ok(opened)
    }

    async fn ask_once(&self, query: Query<'_>) -> Result<Vec<Row>, Failure> {
        self.session().await?.rows(query).await
    }

    /// Asks until there is an answer. What it asks for must do no harm when it is done twice.
    async fn ask(&self, query: Query<'_>) -> Result<Answered, Failure> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.ask_once(query).await {
                Ok(rows) => return Ok(Answered { rows, again: attempt > 1 }),
                Err(Failure::Lost(_)) if attempt < ATTEMPTS_MAX => sleep(pause).await,
                Err(failure) => return Err(failure),
            }
            pause *= 2;
        }
        Err(Failure::Lost("no attempt was made".into()))
    }

    /// The same, where no table is one without rows.
    async fn look(&self, query: Query<'_>) -> Result<Vec<Row>, Stop> {
        match self.ask(query).await {
            Ok(answered) => Ok(answered.rows),
            Err(Failure::NoTable) => Ok(Vec::new()),
            Err(Failure::Lost(problem) | Failure::Refused(problem)) => Err(Stop::Failed(problem)),
        }
    }

    async fn make_table(&self) -> Result<(), Failure> {
        let schema = &self.settings.schema;
        let parameters = [(schema as _, Type::NAME)];
        let query = Query { text: self.statements.has_schema, parameters: &parameters };
        // Who may not make schemas may not even ask for one that is there to be made.
        if self.ask(query).await?.rows.is_empty() {
            self.session().await?.execute(&self.statements.make_schema).await?;
        }
        self.session().await?.execute(&self.statements.make_table).await
    }

    async fn put(&self, name: &str, content: &[u8], condition: &Condition) -> Result<Version, Stop> {
        let mark: i64 = rand::random();
        let stack = &self.settings.stack;
        let version = match condition {
            Condition::Absent => 0,
            // Not one of ours: it cannot be there.
            Condition::Unchanged(Version(version)) => version.parse::<i64>().map_err(|_| Stop::Conflict)?,
        };
        let parameters = [
            (stack as _, Type::TEXT),
            (&name as _, Type::TEXT),
            (&content as _, Type::BYTEA),
            (&mark as _, Type::INT8),
            (&version as _, Type::INT8),
        ];
        let query = match condition {
            Condition::Absent => Query { text: &self.statements.create, parameters: &parameters[..4] },
            Condition::Unchanged(_) => Query { text: &self.statements.replace, parameters: &parameters },
        };
        let answered = match self.ask(query).await {
            Err(Failure::NoTable) => {
                self.make_table().await?;
                self.ask(query).await?
            }
            answered => answered?,
        };
        match answered.rows.first() {
            Some(row) => Ok(version_in(row, 0)?),
            None if answered.again => self.written(name, mark).await,
            None => Err(Stop::Conflict),
        }
    }

    /// Whether it was this write that the condition does not hold after.
    async fn written(&self, name: &str, mark: i64) -> Result<Version, Stop> {
        let parameters =
            [(&self.settings.stack as _, Type::TEXT), (&name as _, Type::TEXT), (&mark as _, Type::INT8)];
        let rows = self.look(Query { text: &self.statements.written, parameters: &parameters }).await?;
        rows.first().map_or(Err(Stop::Conflict), |row| version_in(row, 0))
    }

    async fn range(&self, text: &str, prefix: &str) -> Result<Vec<Row>, Stop> {
        let end = after(prefix);
        let parameters =
            [(&self.settings.stack as _, Type::TEXT), (&prefix as _, Type::TEXT), (&end as _, Type::TEXT)];
        self.look(Query { text, parameters: &parameters }).await
    }

    async fn one(&self, text: &str, name: &str) -> Result<Option<Row>, Stop> {
        let parameters = [(&self.settings.stack as _, Type::TEXT), (&name as _, Type::TEXT)];
        Ok(self.look(Query { text, parameters: &parameters }).await?.pop())
    }
}

impl Storage for PostgresStorage {
    fn place(&self) -> String {
        self.settings.place()
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Blob>, StorageError>> {
        Box::pin(self.operation("read", name, async move {
            let Some(row) = self.one(&self.statements.read, name).await? else { return Ok(None) };
            Ok(Some(Blob { content: column(&row, 0)?, version: version_in(&row, 1)? }))
        }))
    }

    fn write<'a>(
        &'a self,
        name: &'a str,
        content: &'a [u8],
        condition: Condition,
    ) -> BoxFuture<'a, Result<Version, StorageError>> {
        Box::pin(self.operation("write", name, async move { self.put(name, content, &condition).await }))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.operation("remove", name, async move {
            self.one(&self.statements.remove, name).await?;
            Ok(())
        }))
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, StorageError>> {
        Box::pin(self.operation("list", prefix, async move {
            let rows = self.range(&self.statements.list, prefix).await?;
            rows.iter().map(|row| column(row, 0)).collect()
        }))
    }

    fn read_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(self.operation("read", log, async move {
            let rows = self.range(&self.statements.read_range, &format!("{log}/")).await?;
            let mut content = Vec::new();
            for row in &rows {
                // A log without its beginning was removed: only its seal is left.
                if content.is_empty() && column::<&str>(row, 0)? != format!("{log}/{:020}", 0) {
                    break;
                }
                content.extend(column::<&[u8]>(row, 1)?);
            }
            Ok(content)
        }))
    }

    fn remove_log<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<(), StorageError>> {
        Box::pin(self.operation("remove", log, async move {
            self.range(&self.statements.remove_range, &format!("{log}/")).await?;
            Ok(())
        }))
    }
}

impl fmt::Debug for PostgresStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PostgresStorage").field(&self.place()).finish()
    }
}

/// Why an operation has not done what was asked.
enum Stop {
    /// The condition does not hold.
    Conflict,
    /// This went wrong.
    Failed(String),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(match failure {
            Failure::NoTable => "the table was removed just now".into(),
            Failure::Lost(problem) | Failure::Refused(problem) => problem,
        })
    }
}

fn version_in(row: &Row, index: usize) -> Result<Version, Stop> {
    column::<i64>(row, index).map(|version| Version(version.to_string()))
}

fn column<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, Stop> {
    row.try_get(index).map_err(|_| Stop::Failed("the table is not one of ours: it has other columns".into()))
}

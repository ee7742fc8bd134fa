//! The connections to the database: made when they are needed, kept while they work, replaced
//! when they do not.

use std::{
    borrow::Cow,
    collections::HashMap,
    ops::Deref,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::{FutureExt as _, future::try_join_all};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_postgres::{
    Client, Row, Statement,
    types::{FromSql, ToSql},
};

use super::{
    connect::Connector,
    error::{Fault, Outcome},
};

/// A parameter of a statement.
pub(super) type Parameter<'p> = &'p (dyn ToSql + Sync);

/// A statement with its parameters, to be sent with others.
pub(super) struct Step<'s> {
    sql: Cow<'s, str>,
    parameters: Vec<Held<'s>>,
}

enum Held<'s> {
    Own(Box<dyn ToSql + Sync + Send + 's>),
    Lent(Parameter<'s>),
}

impl<'s> Step<'s> {
    pub(super) fn new(sql: impl Into<Cow<'s, str>>) -> Self {
        Self {
            sql: sql.into(),
            parameters: Vec::new(),
        }
    }

    /// With one more parameter.
    pub(super) fn with(mut self, parameter: impl ToSql + Sync + Send + 's) -> Self {
        self.parameters.push(Held::Own(Box::new(parameter)));
        self
    }

    /// With one more parameter, that is somebody else's.
    pub(super) fn lent(mut self, parameter: Parameter<'s>) -> Self {
        self.parameters.push(Held::Lent(parameter));
        self
    }

    fn parameters(&self) -> Vec<Parameter<'_>> {
        let parameters = self.parameters.iter();
        parameters
            .map(|held| match held {
                Held::Own(own) => &**own as Parameter<'_>,
                Held::Lent(lent) => *lent,
            })
            .collect()
    }
}

/// How a transaction sees what others do meanwhile.
#[derive(Debug, Clone, Copy)]
pub(super) enum Transaction {
    /// Reads, all from one state.
    Reading,
    /// Each statement sees what was committed before it: with a lock held, what the lock
    /// protects is of one state.
    Writing,
}

impl Transaction {
    const fn begin(self) -> &'static str {
        match self {
            Self::Reading => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Writing => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        }
    }
}

/// A bounded number of connections.
pub(super) struct Pool {
    connector: Connector,
    idle: Mutex<Vec<Connection>>,
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
    /// How long a caller waits for a connection, and how long for an answer.
    patience: Duration,
}

/// A connection with the statements that it knows.
pub(super) struct Connection {
    client: Client,
    statements: Mutex<HashMap<Box<str>, Statement>>,
    patience: Duration,
    /// Whether a transaction is open.
    open: AtomicBool,
    /// Whether it must not be used again.
    broken: AtomicBool,
}

/// A connection on loan. One that was given back within a transaction, or that failed, is
/// closed instead.
pub(super) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _slot: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(
        connector: Connector,
        connections: usize,
        most_waiting: usize,
        patience: Duration,
    ) -> Self {
        Self {
            connector,
            idle: Mutex::default(),
            slots: Arc::new(Semaphore::new(connections.max(1))),
            waiting: AtomicUsize::new(0),
            most_waiting,
            patience,
        }
    }

    /// A connection; waits a bounded time for one when all are lent.
    pub(super) async fn lease(self: &Arc<Self>) -> Outcome<Lease> {
        let slot = self.slot().await?;
        let idle = self.shelf().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lease {
            pool: Arc::clone(self),
            connection: Some(connection),
            _slot: slot,
        })
    }

    /// Closes the connections that nobody uses and lends no more.
    pub(super) fn close(&self) {
        self.slots.close();
        self.shelf().clear();
    }

    async fn slot(&self) -> Outcome<OwnedSemaphorePermit> {
        let slots = Arc::clone(&self.slots);
        if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            return Ok(slot);
        }
        let _place = Place::enter(self)?;
        match timeout(self.patience, slots.acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) => Err(Fault::Lost("the store is closed".into())),
            Err(_) => Err(Fault::Overloaded),
        }
    }

    async fn connect(&self) -> Outcome<Connection> {
        let connected = timeout(self.patience, self.connector.connect()).await;
        let client = connected.unwrap_or_else(|_| Err(Fault::Lost(NO_ANSWER.into())))?;
        Ok(Connection {
            client,
            statements: Mutex::default(),
            patience: self.patience,
            open: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        })
    }

    /// The idle connections that still are ones; the one used last is taken first.
    fn shelf(&self) -> MutexGuard<'_, Vec<Connection>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|it| !it.client.is_closed());
        idle
    }
}

const NO_ANSWER: &str = "the database did not answer in time";

/// A place in the queue for a connection; given up also by a caller that goes away.
struct Place<'p>(&'p Pool);

impl<'p> Place<'p> {
    fn enter(pool: &'p Pool) -> Outcome<Self> {
        let before = pool.waiting.fetch_add(1, Relaxed);
        let place = Self(pool);
        if before >= pool.most_waiting {
            return Err(Fault::Overloaded);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("given back only when dropped"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        if !connection.open.load(Relaxed) && !connection.broken.load(Relaxed) {
            self.pool.shelf().push(connection);
        }
    }
}

impl Connection {
    /// The rows of a statement.
    pub(super) async fn query(&self, sql: &str, parameters: &[Parameter<'_>]) -> Outcome<Vec<Row>> {
        self.watch(async {
            let statement = self.prepared(sql).await?;
            Ok(self.client.query(&statement, parameters).await?)
        })
        .await
    }

    /// The row of a statement that has one at most.
    pub(super) async fn row(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Outcome<Option<Row>> {
        Ok(self.query(sql, parameters).await?.pop())
    }

    /// The first column of a statement that has one row at most.
    pub(super) async fn value<T>(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Outcome<Option<T>>
    where
        T: for<'r> FromSql<'r>,
    {
        let row = self.row(sql, parameters).await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Carries a statement out; how many rows it touched.
    pub(super) async fn execute(&self, sql: &str, parameters: &[Parameter<'_>]) -> Outcome<u64> {
        self.watch(async {
            let statement = self.prepared(sql).await?;
            Ok(self.client.execute(&statement, parameters).await?)
        })
        .await
    }

    /// Carries out statements without parameters.
    pub(super) async fn batch(&self, sql: &str) -> Outcome<()> {
        self.watch(async { Ok(self.client.batch_execute(sql).await?) })
            .await
    }

    /// The rows of several statements that are sent at once and carried out in their order.
    /// Within a transaction none is carried out after one that failed.
    pub(super) async fn pipeline(&self, steps: &[Step<'_>]) -> Outcome<Vec<Vec<Row>>> {
        self.watch(async {
            let statements = steps.iter().map(|step| self.prepared(&step.sql));
            let statements = try_join_all(statements).await?;
            let answers = steps.iter().zip(&statements).map(|(step, statement)| {
                let parameters = step.parameters();
                async move { Ok(self.client.query(statement, &parameters).await?) }
            });
            try_join_all(answers).await
        })
        .await
    }

    /// Begins a transaction and sends its first statements with it.
    pub(super) async fn begin(
        &self,
        kind: Transaction,
        first: Vec<Step<'_>>,
    ) -> Outcome<Vec<Vec<Row>>> {
        self.open.store(true, Relaxed);
        let mut steps = vec![Step::new(kind.begin())];
        steps.extend(first);
        let mut rows = self.pipeline(&steps).await?;
        rows.remove(0);
        Ok(rows)
    }

    /// Sends the last statements of a transaction and its end with them. When one fails,
    /// nothing of the transaction is kept.
    pub(super) async fn commit(&self, mut last: Vec<Step<'_>>) -> Outcome<()> {
        last.push(Step::new("COMMIT"));
        self.pipeline(&last).await?;
        self.open.store(false, Relaxed);
        Ok(())
    }

    /// Ends a transaction of which nothing is to be kept. Does not wait: whatever is sent next
    /// is carried out after it.
    pub(super) fn roll_back(&self) {
        let end = self.client.batch_execute("ROLLBACK").now_or_never();
        if !matches!(end, Some(Err(_))) {
            self.open.store(false, Relaxed);
        }
    }

    async fn prepared(&self, sql: &str) -> Outcome<Statement> {
        if let Some(known) = self.known().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.known().insert(sql.into(), statement.clone());
        Ok(statement)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Box<str>, Statement>> {
        self.statements
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a bounded time. A connection that is lost, or of which an answer is still to
    /// come, is not used again.
    async fn watch<T>(&self, work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        let done = timeout(self.patience, work).await;
        let done = done.unwrap_or_else(|_| Err(Fault::Lost(NO_ANSWER.into())));
        if matches!(done, Err(Fault::Lost(_))) {
            self.broken.store(true, Relaxed);
        }
        done
    }
}

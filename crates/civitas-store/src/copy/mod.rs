//! Moving all that a store holds into another, whichever they are.
//!
//! What a store holds is what its tables hold, so that the tables themselves say what is copied:
//! both databases are asked for theirs and must agree ([`layout`]), and a table that is added
//! later is copied without a word here. Rows are taken over as they are, numbers and all, in
//! the order of the primary key; a batch and how far it goes are committed together, so that a
//! copy that was cut off goes on from there. At the end both sides are read again and compared.
//! Until then no server opens the target.

pub(crate) mod layout;
pub(crate) mod row;

use std::path::PathBuf;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use tokio::task;

use self::{
    layout::{Pair, Table},
    row::{Cell, Digest, Row},
};
use crate::{
    postgres::{self, PostgresUrl},
    sqlite,
};

/// Most rows that are held at a time.
const MOST_ROWS: usize = 4_096;

/// Once a batch holds so many bytes, the next one has fewer rows.
const ENOUGH_BYTES: usize = 2 << 20;

/// Where a store is.
#[derive(Debug, Clone)]
pub enum End {
    /// A data folder.
    Folder(PathBuf),
    /// A database.
    Database(Box<PostgresUrl>),
}

/// What a copy is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rows are written.
    Copying,
    /// Both stores are read and compared.
    Comparing,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Rows that are done in this stage.
    pub done: u64,
    /// Rows of this stage.
    pub of: u64,
}

/// A copy that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Tables that were copied.
    pub tables: usize,
    /// Rows that the target now has.
    pub rows: u64,
    /// SHA-256 over all that either store holds, in hexadecimal digits.
    pub hash: String,
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source is not there, or a server uses one of the stores, or it cannot be opened.
    #[error("{0}")]
    Open(String),
    /// The target holds something.
    #[error("the target holds data already; a copy needs an empty one")]
    NotEmpty,
    /// The target holds a part of another copy.
    #[error(
        "the target holds a part of a copy of {0}; go on from there, or begin anew with --restart"
    )]
    OtherSource(String),
    /// The stores are not of one form.
    #[error("{0}; both must be of this version")]
    Layout(String),
    /// A store failed on the way.
    #[error("the {side} failed: {cause}; the same command goes on from there")]
    Failed {
        /// `source` or `target`.
        side: &'static str,
        /// What it said.
        cause: String,
    },
    /// The two stores are not the same.
    #[error(
        "the stores differ in {tables}: the source was changed while it was copied. Stop what changes it, and begin anew with --restart"
    )]
    Differ {
        /// The tables that differ.
        tables: String,
    },
}

/// How far a copy is, as the target keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// What is copied.
    pub(crate) source: String,
    /// The table in work; those before it, by name, are done.
    pub(crate) table: String,
    /// The last row of it that was written ([`row::encode`]); empty before the first.
    pub(crate) position: Vec<u8>,
    /// Rows that were written, of all tables.
    pub(crate) rows: u64,
}

/// Rows of a table, and where the last one stands.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    pub(crate) last: Option<Vec<Cell>>,
}

/// What a database says when it fails.
pub(crate) type Done<T> = Result<T, String>;

/// A store as a copy needs it. No server serves from it meanwhile.
#[async_trait]
pub(crate) trait Side: Send {
    /// The tables that hold what the store holds.
    async fn tables(&mut self) -> Done<Vec<Table>>;

    /// From now on reads one state, which nobody changes.
    async fn hold(&mut self, tables: &[&Table]) -> Done<()>;

    /// How many rows the table has.
    async fn count(&mut self, table: &Table) -> Done<u64>;

    /// At most so many rows after a place, in the order of the table's primary key.
    async fn read(&mut self, table: &Table, after: Option<&[Cell]>, most: usize) -> Done<Batch>;

    /// How far the unfinished copy in this store is, if it holds one.
    async fn mark(&mut self) -> Done<Option<Mark>>;

    /// Begins a copy.
    async fn begin(&mut self, mark: &Mark) -> Done<()>;

    /// Writes rows and how far the copy is with them, both or neither.
    async fn write(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Done<()>;

    /// Forgets an unfinished copy and all that it wrote.
    async fn clear(&mut self, tables: &[&Table]) -> Done<()>;

    /// The copy is whole: from now on the store may be opened.
    async fn finish(&mut self, tables: &[&Table]) -> Done<()>;
}

/// Copies all that a store holds into an empty one, or goes on with a copy that was cut off.
/// With `restart` a copy that was cut off begins anew. Tells of its progress.
pub async fn copy(
    from: &End,
    to: &End,
    restart: bool,
    watch: &mut (dyn FnMut(Progress) + Send),
) -> Result<Copied, CopyError> {
    let mut source = from.source().await?;
    let mut target = to.target().await?;
    let tables = (
        source.tables().await.map_err(at_source)?,
        target.tables().await.map_err(at_target)?,
    );
    let pairs = layout::pairs(tables.0, tables.1).map_err(CopyError::Layout)?;
    let here: Vec<&Table> = pairs.iter().map(|pair| &pair.source).collect();
    source.hold(&here).await.map_err(at_source)?;
    let mut job = Job {
        source,
        target,
        pairs: &pairs,
        rows: 0,
        watch,
    };
    for pair in &pairs {
        job.rows += job.source.count(&pair.source).await.map_err(at_source)?;
    }
    let mark = job.begin(&from.name(), restart).await?;
    job.copy(mark).await?;
    let copied = job.compare().await?;
    let there: Vec<&Table> = pairs.iter().map(|pair| &pair.target).collect();
    job.target.finish(&there).await.map_err(at_target)?;
    Ok(copied)
}

impl End {
    async fn source(&self) -> Result<Box<dyn Side>, CopyError> {
        let mut side = match self {
            Self::Folder(folder) => sqlite::copy::existing(folder),
            Self::Database(url) => postgres::copy::open(url).await,
        }
        .map_err(CopyError::Open)?;
        match side.mark().await.map_err(at_source)? {
            None => Ok(side),
            Some(mark) => Err(CopyError::Open(format!(
                "the source itself is an unfinished copy of {}",
                mark.source
            ))),
        }
    }

    async fn target(&self) -> Result<Box<dyn Side>, CopyError> {
        let side = match self {
            Self::Folder(folder) => sqlite::copy::open(folder),
            Self::Database(url) => postgres::copy::open(url).await,
        };
        side.map_err(CopyError::Open)
    }

    fn name(&self) -> String {
        match self {
            Self::Folder(folder) => {
                let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
                format!("sqlite:{}", folder.display())
            }
            Self::Database(url) => url.to_string(),
        }
    }
}

fn at_source(cause: String) -> CopyError {
    CopyError::Failed {
        side: "source",
        cause,
    }
}

fn at_target(cause: String) -> CopyError {
    CopyError::Failed {
        side: "target",
        cause,
    }
}

/// A copy in work.
struct Job<'c> {
    source: Box<dyn Side>,
    target: Box<dyn Side>,
    pairs: &'c [Pair],
    /// Rows of the source.
    rows: u64,
    watch: &'c mut (dyn FnMut(Progress) + Send),
}

impl Job<'_> {
    /// Where to go on.
    async fn begin(&mut self, source: &str, restart: bool) -> Result<Mark, CopyError> {
        if let Some(mark) = self.target.mark().await.map_err(at_target)? {
            if !restart && mark.source == source {
                return Ok(mark);
            }
            if !restart {
                return Err(CopyError::OtherSource(mark.source));
            }
            let tables: Vec<&Table> = self.pairs.iter().map(|pair| &pair.target).collect();
            self.target.clear(&tables).await.map_err(at_target)?;
        }
        for pair in self.pairs {
            let any = self.target.read(&pair.target, None, 1).await;
            if !any.map_err(at_target)?.rows.is_empty() {
                return Err(CopyError::NotEmpty);
            }
        }
        let mark = Mark {
            source: source.to_owned(),
            table: String::new(),
            position: Vec::new(),
            rows: 0,
        };
        self.target.begin(&mark).await.map_err(at_target)?;
        Ok(mark)
    }

    async fn copy(&mut self, mut mark: Mark) -> Result<(), CopyError> {
        let begun = mark.table.clone();
        let left = self.pairs.iter().filter(|it| it.name() >= begun.as_str());
        for pair in left {
            if mark.table != pair.name() {
                mark.table = pair.name().to_owned();
                mark.position.clear();
            }
            let mut walk = Walk::after(&mark.position)?;
            loop {
                self.tell(Stage::Copying, mark.rows, self.rows);
                let batch = walk.next(self.source.as_mut(), &pair.source).await;
                let rows = batch.map_err(at_source)?;
                if rows.is_empty() {
                    break;
                }
                mark.position = row::encode(walk.place.as_deref().unwrap_or_default());
                mark.rows += rows.len() as u64;
                let written = self.target.write(&pair.target, &rows, &mark).await;
                written.map_err(at_target)?;
            }
        }
        Ok(())
    }

    /// Reads both sides again.
    async fn compare(&mut self) -> Result<Copied, CopyError> {
        let (mut differ, mut done) = (Vec::new(), 0);
        let (mut hash, mut rows) = (Sha256::new(), 0);
        for pair in self.pairs {
            let source = self.digest(true, &pair.source, &mut done).await;
            let source = source.map_err(at_source)?;
            let target = self.digest(false, &pair.target, &mut done).await;
            let target = target.map_err(at_target)?;
            if source != target {
                differ.push(pair.name());
            }
            hash.update(pair.name());
            hash.update(target.bytes());
            rows += target.rows;
        }
        if !differ.is_empty() {
            let tables = differ.join(", ");
            return Err(CopyError::Differ { tables });
        }
        Ok(Copied {
            tables: self.pairs.len(),
            rows,
            hash: format!("{:x}", hash.finalize()),
        })
    }

    async fn digest(&mut self, source: bool, table: &Table, done: &mut u64) -> Done<Digest> {
        let (mut walk, mut digest) = (Walk::default(), Digest::default());
        loop {
            let side = if source {
                &mut self.source
            } else {
                &mut self.target
            };
            let rows = walk.next(side.as_mut(), table).await?;
            if rows.is_empty() {
                return Ok(digest);
            }
            for row in &rows {
                digest.add(row);
            }
            *done += rows.len() as u64;
            self.tell(Stage::Comparing, *done, self.rows * 2);
        }
    }

    fn tell(&mut self, stage: Stage, done: u64, of: u64) {
        (self.watch)(Progress { stage, done, of });
    }
}

/// A way through the rows of a table, in batches that hold about the same number of bytes.
struct Walk {
    place: Option<Vec<Cell>>,
    most: usize,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            place: None,
            most: 64,
        }
    }
}

impl Walk {
    /// From a place on that was noted down.
    fn after(position: &[u8]) -> Result<Self, CopyError> {
        let place = row::decode(position);
        let place = place.ok_or_else(|| at_target("how far the copy is cannot be read".into()))?;
        Ok(Self {
            place: (!place.is_empty()).then_some(place),
            ..Self::default()
        })
    }

    async fn next(&mut self, side: &mut dyn Side, table: &Table) -> Done<Vec<Row>> {
        // A store in a file never waits.
        task::yield_now().await;
        let batch = side.read(table, self.place.as_deref(), self.most).await?;
        let bytes: usize = batch.rows.iter().flatten().map(Cell::size).sum();
        self.most = match bytes {
            0..ENOUGH_BYTES => (self.most * 2).min(MOST_ROWS),
            _ => (self.most / 2).max(1),
        };
        if let Some(last) = batch.last {
            self.place = Some(last);
        }
        Ok(batch.rows)
    }
}

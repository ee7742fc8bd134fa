//! The store over PostgreSQL as one end of a copy: see [`crate::copy`].

mod form;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use civitas_directory::stream::Stream;
use tokio::time::sleep;
use tokio_postgres::Row as SqlRow;

use self::form::{passed, reading, writing};
use super::{
    LONG,
    connect::{Connector, PostgresUrl},
    error::{Fault, OpenPostgresError, Outcome},
    migrate,
    pool::{Connection, Lease, Parameter, Pool},
};
use crate::copy::{
    Batch, Done, Mark, Side,
    layout::{Column, Kind, Table},
    row::{Cell, Row},
};

/// The table with how far an unfinished copy is; there is none otherwise.
const MARK: &str = "copying";

/// Nobody has a stream in work yet.
const LEASES: &str = "INSERT INTO stream_lease (tenant, stream) SELECT tenant, id FROM stream";

/// Held by whoever copies: any number that nobody else uses, and that of the schema.
const LOCK: &str = "SELECT pg_try_advisory_lock(706944, hashtext(current_schema()))";

/// How long the lock is waited for, and the pause between two tries.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);

/// Columns that number their rows by themselves.
const NUMBERED: &str = "
    SELECT c.relname::text, a.attname::text
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> ''
    WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())";

/// The store of a database.
pub(crate) async fn open(url: &PostgresUrl) -> Done<Box<dyn Side>> {
    let pool = Pool::new(Connector::new(url, LONG)?, 1, 1, LONG);
    let lease = Arc::new(pool).lease().await.map_err(Fault::text)?;
    let migrated = migrate::migrate(&lease).await;
    migrated.map_err(|error| error.to_string())?;
    lock(&lease).await?;
    Ok(Box::new(End { lease }))
}

/// A copy that was killed holds its lock until the database has noticed.
async fn lock(connection: &Connection) -> Done<()> {
    let begun = Instant::now();
    loop {
        let locked: Option<bool> = connection.value(LOCK, &[]).await.map_err(Fault::text)?;
        if locked == Some(true) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            return Err("another copy of this database is in work".into());
        }
        sleep(PAUSE).await;
    }
}

/// Whether the database holds a part of a copy.
pub(super) async fn is_unfinished(connection: &Connection) -> Result<bool, OpenPostgresError> {
    let marked = marked(connection).await;
    marked.map_err(|fault| OpenPostgresError::Database(fault.text()))
}

async fn marked(connection: &Connection) -> Outcome<bool> {
    let sql = "SELECT to_regclass($1) IS NOT NULL";
    let marked: Option<bool> = connection.value(sql, &[&MARK]).await?;
    Ok(marked == Some(true))
}

struct End {
    lease: Lease,
}

#[async_trait]
impl Side for End {
    async fn tables(&mut self) -> Done<Vec<Table>> {
        form::tables(&self.lease).await
    }

    /// Servers may go on reading; what they write waits.
    async fn hold(&mut self, tables: &[&Table]) -> Done<()> {
        let hold = format!(
            "SET idle_in_transaction_session_timeout = 0;
             BEGIN ISOLATION LEVEL REPEATABLE READ;
             LOCK TABLE {} IN SHARE MODE",
            listed(tables)
        );
        self.lease.batch(&hold).await.map_err(Fault::text)
    }

    async fn count(&mut self, table: &Table) -> Done<u64> {
        let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
        let count: Option<i64> = self.lease.value(&sql, &[]).await.map_err(Fault::text)?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    async fn read(&mut self, table: &Table, after: Option<&[Cell]>, most: usize) -> Done<Batch> {
        read(&self.lease, table, after, most)
            .await
            .map_err(Fault::text)
    }

    async fn mark(&mut self) -> Done<Option<Mark>> {
        mark(&self.lease).await.map_err(Fault::text)
    }

    async fn begin(&mut self, mark: &Mark) -> Done<()> {
        // Whatever is lost with the database's memory is lost with how far the copy was.
        let create = format!(
            "SET synchronous_commit = off;
             CREATE TABLE IF NOT EXISTS {MARK} (
                 source bytea NOT NULL,
                 name text NOT NULL,
                 position bytea NOT NULL,
                 rows bigint NOT NULL
             )"
        );
        self.lease.batch(&create).await.map_err(Fault::text)?;
        let sql =
            format!("INSERT INTO {MARK} (source, name, position, rows) VALUES ($1, $2, $3, $4)");
        let noted: [Parameter<'_>; 4] = [
            &mark.source.as_bytes(),
            &mark.table,
            &mark.position,
            &mark.rows.cast_signed(),
        ];
        let begun = self.lease.execute(&sql, &noted).await;
        begun.map(|_| ()).map_err(Fault::text)
    }

    async fn write(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Done<()> {
        write(&self.lease, table, rows, mark)
            .await
            .map_err(Fault::text)
    }

    async fn clear(&mut self, tables: &[&Table]) -> Done<()> {
        // Statements that are sent together are one transaction.
        let clear = format!("TRUNCATE {}; DROP TABLE {MARK}", listed(tables));
        self.lease.batch(&clear).await.map_err(Fault::text)
    }

    async fn finish(&mut self, tables: &[&Table]) -> Done<()> {
        let numbered = self.lease.query(NUMBERED, &[]).await.map_err(Fault::text)?;
        let numbers = numbered.iter().map(|row| {
            let (table, column) = (quoted(row.get(0)), row.get::<_, &str>(1));
            let quoted = quoted(column);
            format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({quoted}))
                 FROM {table} HAVING max({quoted}) IS NOT NULL;"
            )
        });
        // Statements that are sent together are one transaction.
        let numbers: String = numbers.collect();
        let finish = format!("{numbers} {LEASES}; DROP TABLE {MARK}");
        let durable = "SET synchronous_commit = on";
        self.lease.batch(durable).await.map_err(Fault::text)?;
        self.lease.batch(&finish).await.map_err(Fault::text)?;
        // The tables were empty when the statistics were last taken.
        let analyze = format!("ANALYZE {}", listed(tables));
        self.lease.batch(&analyze).await.map_err(Fault::text)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn listed(tables: &[&Table]) -> String {
    let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
    names.join(", ")
}

async fn read(
    connection: &Connection,
    table: &Table,
    after: Option<&[Cell]>,
    most: usize,
) -> Outcome<Batch> {
    let joined = |parts: Vec<String>| parts.join(", ");
    let columns = table.columns.iter().chain(&table.order);
    let columns = joined(columns.map(reading).collect());
    let order = joined(table.order.iter().map(|it| quoted(&it.name)).collect());
    let values = table.order.iter().enumerate().map(|(at, column)| {
        let value = format!("${}::{}", at + 2, passed(column.kind));
        writing(column, &value).swap_remove(0).1
    });
    let beyond = match after {
        Some(_) => format!(" WHERE ({order}) > ({})", joined(values.collect())),
        None => String::new(),
    };
    let name = quoted(&table.name);
    let sql = format!("SELECT {columns} FROM {name}{beyond} ORDER BY {order} LIMIT $1");
    let most_rows = most as i64;
    let mut parameters: Vec<Parameter<'_>> = vec![&most_rows];
    for cell in after.unwrap_or_default() {
        parameters.push(match cell {
            Cell::Number(number) => number,
            Cell::Octets(octets) => octets,
            Cell::Null => &None::<i64>,
        });
    }
    let found = connection.query(&sql, &parameters).await?;
    let rows = found.iter().map(|row| cells(row, 0, &table.columns));
    let rows: Vec<Row> = rows.collect::<Outcome<_>>()?;
    let last = found.last();
    let last = last.map(|row| cells(row, table.columns.len(), &table.order));
    Ok(Batch {
        rows,
        last: last.transpose()?,
    })
}

fn cells(row: &SqlRow, from: usize, columns: &[Column]) -> Outcome<Row> {
    let cells = columns.iter().enumerate().map(|(at, column)| {
        let at = from + at;
        Ok(match column.kind {
            Kind::Number => row
                .try_get::<_, Option<i64>>(at)?
                .map_or(Cell::Null, Cell::Number),
            Kind::Octets | Kind::Key => row
                .try_get::<_, Option<Vec<u8>>>(at)?
                .map_or(Cell::Null, Cell::Octets),
        })
    });
    cells.collect()
}

async fn mark(connection: &Connection) -> Outcome<Option<Mark>> {
    if !marked(connection).await? {
        return Ok(None);
    }
    // A copy that goes on loses no more than one that begins.
    connection.batch("SET synchronous_commit = off").await?;
    let sql = format!("SELECT source, name, position, rows FROM {MARK}");
    let Some(row) = connection.row(&sql, &[]).await? else {
        return Ok(None);
    };
    let source: &[u8] = row.try_get(0)?;
    Ok(Some(Mark {
        source: String::from_utf8_lossy(source).into(),
        table: row.try_get(1)?,
        position: row.try_get(2)?,
        rows: row.try_get::<_, i64>(3)?.cast_unsigned(),
    }))
}

/// One statement, and so one transaction.
async fn write(connection: &Connection, table: &Table, rows: &[Row], mark: &Mark) -> Outcome<()> {
    let numbers: Vec<Vec<Option<i64>>>;
    let octets: Vec<Vec<Option<&[u8]>>>;
    (numbers, octets) = columns(table, rows);
    let (mut given, mut taken) = (Vec::new(), Vec::new());
    let (mut arrays, mut names) = (Vec::new(), Vec::new());
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    let (mut numbers, mut octets) = (numbers.iter(), octets.iter());
    for (at, column) in table.columns.iter().enumerate() {
        arrays.push(format!("${}::{}[]", at + 1, passed(column.kind)));
        names.push(format!("c{at}"));
        for (into, value) in writing(column, &format!("u.c{at}")) {
            given.push(value);
            taken.push(into);
        }
        match column.kind {
            Kind::Number => parameters.extend(numbers.next().map(|it| it as Parameter<'_>)),
            Kind::Octets | Kind::Key => {
                parameters.extend(octets.next().map(|it| it as Parameter<'_>));
            }
        }
    }
    let pushed = pushed(table, rows)?;
    if let Some(pushed) = &pushed {
        parameters.push(pushed);
        arrays.push(format!("${}::boolean[]", parameters.len()));
        names.push("pushed".into());
        given.push("u.pushed".into());
        taken.push("pushed".into());
    }
    let first = parameters.len() + 1;
    let sql = format!(
        "WITH written AS (
             INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE
             SELECT {} FROM unnest({}) AS u ({})
         )
         UPDATE {MARK} SET name = ${first}, position = ${}, rows = ${}",
        quoted(&table.name),
        taken.join(", "),
        given.join(", "),
        arrays.join(", "),
        names.join(", "),
        first + 1,
        first + 2,
    );
    let copied = mark.rows.cast_signed();
    parameters.extend([&mark.table as Parameter<'_>, &mark.position, &copied]);
    connection.execute(&sql, &parameters).await?;
    Ok(())
}

/// Of streams, whether each is pushed, which follows from its text.
fn pushed(table: &Table, rows: &[Row]) -> Outcome<Option<Vec<bool>>> {
    let text = table.columns.iter().position(|it| it.name == "text");
    let Some(text) = text.filter(|_| table.name == "stream") else {
        return Ok(None);
    };
    let pushed = rows.iter().map(|row| {
        let Cell::Octets(text) = &row[text] else {
            return Ok(false);
        };
        let stream = serde_json::from_slice::<Stream>(text);
        // Without the text, which may hold a secret.
        let stream = stream.map_err(|_| Fault::Refused("a stream is not readable".into()))?;
        Ok(stream.is_pushed())
    });
    pushed.collect::<Outcome<_>>().map(Some)
}

/// Rows as columns: those of numbers and those of octets, each in the table's order.
#[expect(clippy::type_complexity, reason = "columns of both types")]
fn columns<'r>(
    table: &Table,
    rows: &'r [Row],
) -> (Vec<Vec<Option<i64>>>, Vec<Vec<Option<&'r [u8]>>>) {
    let (mut numbers, mut octets) = (Vec::new(), Vec::new());
    for (at, column) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| &row[at]);
        match column.kind {
            Kind::Number => numbers.push(
                cells
                    .map(|cell| match cell {
                        Cell::Number(number) => Some(*number),
                        _ => None,
                    })
                    .collect(),
            ),
            Kind::Octets | Kind::Key => octets.push(
                cells
                    .map(|cell| match cell {
                        Cell::Octets(octets) => Some(&**octets),
                        _ => None,
                    })
                    .collect(),
            ),
        }
    }
    (numbers, octets)
}

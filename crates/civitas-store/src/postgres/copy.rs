//! The store over PostgreSQL as one end of a copy: see [`crate::copy`].

use std::sync::Arc;

use async_trait::async_trait;
use civitas_directory::stream::Stream;
use tokio_postgres::Row as SqlRow;

use super::{
    LONG,
    connect::{Connector, PostgresUrl},
    error::{Fault, OpenPostgresError, Outcome},
    migrate,
    pool::{Connection, Lease, Parameter, Pool},
};
use crate::{
    copy::{
        Batch, Done, Mark, Side,
        layout::{Column, Kind, Table},
        row::{Cell, Row},
    },
    key,
};

/// The table with how far an unfinished copy is; there is none otherwise.
const MARK: &str = "copying";

/// Tables that say nothing of what the store holds.
const OTHER_TABLES: [&str; 3] = [MARK, "migration", "stream_lease"];

/// Columns that say nothing of it: which process has a job in work, and what follows from
/// another column.
const OTHER_COLUMNS: [(&str, &str); 3] = [
    ("job", "worker"),
    ("job", "leased_until"),
    ("stream", "pushed"),
];

/// Nobody has a stream in work yet.
const LEASES: &str = "INSERT INTO stream_lease (tenant, stream) SELECT tenant, id FROM stream";

/// An instant in the words of the database; the other store has seconds.
const INSTANT: &str = "timestamp with time zone";

/// The table whose keys stand in two columns, because an index takes no more than `head`.
const KEYED: &str = "value";

/// Held by whoever copies: any number that nobody else uses, and that of the schema.
const LOCK: &str = "SELECT pg_try_advisory_lock(706944, hashtext(current_schema()))";

/// Tables with columns (and those of the primary key by place), by name.
const COLUMNS: &str = "
    SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull,
           array_position(i.indkey::int2[], a.attnum)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
    WHERE c.relkind IN ('r', 'p')
      AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    ORDER BY c.relname::text COLLATE \"C\", a.attname::text COLLATE \"C\"";

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
    let is_alone: Option<bool> = lease.value(LOCK, &[]).await.map_err(Fault::text)?;
    if is_alone != Some(true) {
        return Err("another copy of this database is in work".into());
    }
    Ok(Box::new(End { lease }))
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
        let rows = self.lease.query(COLUMNS, &[]).await.map_err(Fault::text)?;
        let mut tables: Vec<Table> = Vec::new();
        let mut orders: Vec<(i32, Column)> = Vec::new();
        for (number, row) in rows.iter().enumerate() {
            let (table, place, column) = described(row)?;
            if OTHER_TABLES.contains(&&*table) {
                continue;
            }
            orders.extend(place.map(|place| (place, column.clone())));
            let is_last = rows
                .get(number + 1)
                .is_none_or(|next| next.get::<_, &str>(0) != table);
            match tables.last_mut() {
                Some(last) if last.name == table => last.columns.push(column),
                _ => tables.push(Table {
                    name: table,
                    columns: vec![column],
                    order: Vec::new(),
                }),
            }
            if let (true, Some(last)) = (is_last, tables.last_mut()) {
                orders.sort_by_key(|(place, _)| *place);
                last.order = orders.drain(..).map(|(_, column)| column).collect();
                last.columns = copied(&last.name, std::mem::take(&mut last.columns));
            }
        }
        Ok(tables)
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
             CREATE TABLE {MARK} (
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

fn described(row: &SqlRow) -> Done<(String, Option<i32>, Column)> {
    let (table, name): (String, String) = (row.get(0), row.get(1));
    let stored_as: String = row.get(2);
    let kind = match &*stored_as {
        "bigint" | "integer" | "smallint" | "boolean" | INSTANT => Kind::Number,
        "text" | "bytea" => Kind::Octets,
        other => {
            return Err(format!(
                "{table}.{name} is {other}, which a copy cannot read"
            ));
        }
    };
    let column = Column {
        name,
        kind,
        stored_as,
        nullable: row.get(3),
    };
    Ok((table, row.get(4), column))
}

fn is_other(table: &str, column: &str) -> bool {
    OTHER_TABLES.contains(&table) || OTHER_COLUMNS.contains(&(table, column))
}

/// The columns that are copied, of all that a table has.
fn copied(table: &str, columns: Vec<Column>) -> Vec<Column> {
    let of_key = |it: &Column| table == KEYED && matches!(&*it.name, "head" | "tail");
    let mut copied: Vec<Column> = columns
        .into_iter()
        .filter(|it| !is_other(table, &it.name) && !of_key(it))
        .collect();
    if table == KEYED {
        copied.push(Column {
            name: "key".into(),
            kind: Kind::Key,
            stored_as: "key".into(),
            nullable: false,
        });
        copied.sort_by(|a, b| a.name.cmp(&b.name));
    }
    copied
}

/// A column as it is read.
fn reading(column: &Column) -> String {
    let name = quoted(&column.name);
    match &*column.stored_as {
        "boolean" => format!("{name}::integer::bigint"),
        "integer" | "smallint" => format!("{name}::bigint"),
        "text" => format!("convert_to({name}, 'UTF8')"),
        INSTANT => format!("floor(extract(epoch FROM {name}))::bigint"),
        "key" => "head || tail".into(),
        _ => name,
    }
}

/// The columns that hold what a copied column does, and what they take of a value.
fn writing(column: &Column, value: &str) -> Vec<(String, String)> {
    let name = quoted(&column.name);
    let head = key::HEAD;
    match &*column.stored_as {
        "boolean" => vec![(name, format!("{value} <> 0"))],
        "integer" | "smallint" => vec![(name, format!("{value}::{}", column.stored_as))],
        "text" => vec![(name, format!("convert_from({value}, 'UTF8')"))],
        INSTANT => vec![(name, format!("to_timestamp({value})"))],
        "key" => vec![
            ("head".into(), format!("substring({value} FOR {head})")),
            ("tail".into(), format!("substring({value} FROM {head} + 1)")),
        ],
        _ => vec![(name, value.to_owned())],
    }
}

/// The type of a column's values on their way.
const fn passed(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "bigint",
        Kind::Octets | Kind::Key => "bytea",
    }
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

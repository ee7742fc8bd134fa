//! The embedded store as one end of a copy: see [`crate::copy`].

use std::path::Path;

use async_trait::async_trait;
use civitas_scim::value::Key;
use rusqlite::{
    Connection, OptionalExtension as _, Result, Row as SqlRow, params_from_iter,
    types::{Value, ValueRef},
};

use super::{DataFolder, Lock, Options, migrated};
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

/// Columns that are null in here where the other store has nothing: an open job has no result.
const EMPTY_WHEN_NULL: [(&str, &str); 1] = [("job", "result")];

/// Page cache, in KiB.
const CACHE_KIB: u32 = 32 * 1024;

/// The store of a data folder that is there.
pub(crate) fn existing(folder: &Path) -> Done<Box<dyn Side>> {
    if !folder.join(DataFolder::DATABASE).exists() {
        return Err(format!("there is no database in {}", folder.display()));
    }
    open(folder)
}

/// The store of a data folder, made when it is not there.
pub(crate) fn open(folder: &Path) -> Done<Box<dyn Side>> {
    let lock = DataFolder::lock(folder).map_err(|error| error.to_string())?;
    let options = Options {
        writer_cache_kib: CACHE_KIB,
        ..Options::default()
    };
    let file = folder.join(DataFolder::DATABASE);
    let connection = migrated(&file, &options).map_err(|error| error.to_string())?;
    Ok(Box::new(End {
        connection,
        _lock: lock,
    }))
}

/// Whether the file holds a part of a copy.
pub(super) fn is_unfinished(connection: &Connection) -> Result<bool> {
    connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")?
        .exists([MARK])
}

struct End {
    connection: Connection,
    _lock: Lock,
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: rusqlite::Error) -> String {
    error.to_string()
}

#[async_trait]
impl Side for End {
    async fn tables(&mut self) -> Done<Vec<Table>> {
        tables(&self.connection).map_err(told)
    }

    async fn hold(&mut self, _tables: &[&Table]) -> Done<()> {
        self.connection.execute_batch("BEGIN").map_err(told)
    }

    async fn count(&mut self, table: &Table) -> Done<u64> {
        let sql = format!("SELECT count(*) FROM {}", quoted(&table.name));
        let count: i64 = self
            .connection
            .query_row(&sql, [], |row| row.get(0))
            .map_err(told)?;
        Ok(count.cast_unsigned())
    }

    async fn read(&mut self, table: &Table, after: Option<&[Cell]>, most: usize) -> Done<Batch> {
        read(&self.connection, table, after, most).map_err(told)
    }

    async fn mark(&mut self) -> Done<Option<Mark>> {
        if !is_unfinished(&self.connection).map_err(told)? {
            return Ok(None);
        }
        let sql = format!("SELECT source, name, position, rows FROM {MARK}");
        let mark = self.connection.query_row(&sql, [], |row| {
            Ok(Mark {
                source: row.get(0)?,
                table: row.get(1)?,
                position: row.get(2)?,
                rows: row.get::<_, i64>(3)?.cast_unsigned(),
            })
        });
        mark.optional().map_err(told)
    }

    async fn begin(&mut self, mark: &Mark) -> Done<()> {
        let mut begin = || {
            let transaction = self.connection.transaction()?;
            transaction.execute_batch(&format!(
                "CREATE TABLE {MARK} (
                     source TEXT NOT NULL,
                     name TEXT NOT NULL,
                     position BLOB NOT NULL,
                     rows INTEGER NOT NULL
                 ) STRICT"
            ))?;
            let sql = format!("INSERT INTO {MARK} VALUES (?1, ?2, ?3, ?4)");
            transaction.execute(&sql, noted(mark))?;
            transaction.commit()
        };
        begin().map_err(told)
    }

    async fn write(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Done<()> {
        let mut write = || {
            let transaction = self.connection.transaction()?;
            insert(&transaction, table, rows)?;
            let sql = format!("UPDATE {MARK} SET source = ?1, name = ?2, position = ?3, rows = ?4");
            transaction.prepare_cached(&sql)?.execute(noted(mark))?;
            transaction.commit()
        };
        write().map_err(told)
    }

    async fn clear(&mut self, tables: &[&Table]) -> Done<()> {
        let mut clear = || {
            let transaction = self.connection.transaction()?;
            for table in tables {
                transaction.execute(&format!("DELETE FROM {}", quoted(&table.name)), [])?;
            }
            transaction.execute(&format!("DROP TABLE {MARK}"), [])?;
            transaction.commit()
        };
        clear().map_err(told)
    }

    async fn finish(&mut self, _tables: &[&Table]) -> Done<()> {
        let drop = format!("DROP TABLE {MARK}");
        self.connection.execute_batch(&drop).map_err(told)
    }
}

fn noted(mark: &Mark) -> (&str, &str, &[u8], i64) {
    let Mark {
        source,
        table,
        position,
        rows,
    } = mark;
    (source, table, position, rows.cast_signed())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn tables(connection: &Connection) -> Result<Vec<Table>> {
    let names: Vec<String> = connection
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    let tables = names.into_iter().filter(|name| name != MARK);
    tables.map(|name| described(connection, name)).collect()
}

fn described(connection: &Connection, name: String) -> Result<Table> {
    let mut statement = connection
        .prepare(r#"SELECT name, type, "notnull", pk FROM pragma_table_info(?1) ORDER BY name"#)?;
    let columns = statement.query_map([&name], |row| {
        let column: String = row.get(0)?;
        let stored_as: String = row.get(1)?;
        let (is_set, place): (bool, i64) = (row.get(2)?, row.get(3)?);
        let is_empty = EMPTY_WHEN_NULL.contains(&(&*name, &*column));
        let column = Column {
            kind: match &*stored_as {
                "INTEGER" => Kind::Number,
                "ANY" => Kind::Key,
                _ => Kind::Octets,
            },
            name: column,
            stored_as,
            nullable: !is_set && place == 0 && !is_empty,
        };
        Ok((place, column))
    });
    let columns: Vec<(i64, Column)> = columns?.collect::<Result<_>>()?;
    let mut order: Vec<_> = columns.iter().filter(|(place, _)| *place > 0).collect();
    order.sort_by_key(|(place, _)| *place);
    let order = order
        .into_iter()
        .map(|(_, column)| column.clone())
        .collect();
    Ok(Table {
        name,
        columns: columns.into_iter().map(|(_, column)| column).collect(),
        order,
    })
}

fn names(columns: &[Column]) -> String {
    let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
    names.join(", ")
}

fn places(from: usize, count: usize) -> String {
    let places: Vec<String> = (from..from + count).map(|n| format!("?{n}")).collect();
    places.join(", ")
}

fn read(
    connection: &Connection,
    table: &Table,
    after: Option<&[Cell]>,
    most: usize,
) -> Result<Batch> {
    let (columns, order) = (names(&table.columns), names(&table.order));
    let beyond = match after {
        Some(_) => format!(" WHERE ({order}) > ({})", places(2, table.order.len())),
        None => String::new(),
    };
    let name = quoted(&table.name);
    let sql = format!("SELECT {columns}, {order} FROM {name}{beyond} ORDER BY {order} LIMIT ?1");
    let mut parameters = vec![Value::Integer(most as i64)];
    for (cell, column) in after.unwrap_or_default().iter().zip(&table.order) {
        parameters.push(stored(cell, column)?);
    }
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = statement.query(params_from_iter(parameters))?;
    let (mut rows, mut last) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        rows.push(cells(row, 0, &table.columns, &table.name)?);
        last = Some(cells(row, table.columns.len(), &table.order, &table.name)?);
    }
    Ok(Batch { rows, last })
}

fn cells(row: &SqlRow<'_>, from: usize, columns: &[Column], table: &str) -> Result<Row> {
    let columns = columns.iter().enumerate();
    let cells = columns.map(|(at, column)| {
        let bytes = |key| Cell::Octets(key::encode(&key));
        Ok(match row.get_ref(from + at)? {
            ValueRef::Null if EMPTY_WHEN_NULL.contains(&(table, &*column.name)) => {
                Cell::Octets(Vec::new())
            }
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) if column.kind == Kind::Key => bytes(Key::Integer(number)),
            ValueRef::Integer(number) => Cell::Number(number),
            ValueRef::Real(real) => bytes(Key::Real(real)),
            ValueRef::Text(text) if column.kind == Kind::Key => {
                bytes(Key::Text(String::from_utf8_lossy(text).into()))
            }
            ValueRef::Text(octets) | ValueRef::Blob(octets) => Cell::Octets(octets.to_vec()),
        })
    });
    cells.collect()
}

fn insert(connection: &Connection, table: &Table, rows: &[Row]) -> Result<()> {
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        quoted(&table.name),
        names(&table.columns),
        places(1, table.columns.len())
    );
    let mut statement = connection.prepare_cached(&sql)?;
    for row in rows {
        let values = row.iter().zip(&table.columns);
        let values = values.map(|(cell, column)| stored(cell, column));
        statement.execute(params_from_iter(values.collect::<Result<Vec<_>>>()?))?;
    }
    Ok(())
}

/// The cell as the column keeps it.
fn stored(cell: &Cell, column: &Column) -> Result<Value> {
    let text = |octets: &[u8]| match std::str::from_utf8(octets) {
        Ok(text) => Ok(Value::Text(text.to_owned())),
        Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(error.into())),
    };
    Ok(match (cell, &*column.stored_as) {
        (Cell::Null, _) => Value::Null,
        (Cell::Number(number), _) => Value::Integer(*number),
        (Cell::Octets(octets), "BLOB") => Value::Blob(octets.clone()),
        (Cell::Octets(octets), "ANY") => match key::decode(octets).to_key() {
            Key::Integer(integer) => Value::Integer(integer),
            Key::Real(real) => Value::Real(real),
            Key::Text(text) => Value::Text(text),
        },
        (Cell::Octets(octets), _) => text(octets)?,
    })
}

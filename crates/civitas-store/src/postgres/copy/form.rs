//! In which form the database holds what is copied.

use tokio_postgres::Row as SqlRow;

use super::{MARK, quoted};
use crate::{
    copy::{
        Done,
        layout::{Column, Kind, Table},
    },
    key,
    postgres::{error::Fault, pool::Connection},
};

/// Tables that say nothing of what the store holds.
const OTHER_TABLES: [&str; 3] = [MARK, "migration", "stream_lease"];

/// Columns that say nothing of it: which process has a job in work or
/// is about to send a mail, and what follows from
/// another column.
const OTHER_COLUMNS: [(&str, &str); 4] = [
    ("job", "worker"),
    ("job", "leased_until"),
    ("mail", "leased_until"),
    ("stream", "pushed"),
];

/// An instant in the words of the database; the other store has seconds.
const INSTANT: &str = "timestamp with time zone";

/// The table whose keys stand in two columns, because an index takes no more than `head`.
const KEYED: &str = "value";

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

/// The tables that hold what the store holds.
pub(super) async fn tables(connection: &Connection) -> Done<Vec<Table>> {
    let rows = connection.query(COLUMNS, &[]).await.map_err(Fault::text)?;
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
pub(super) fn reading(column: &Column) -> String {
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
pub(super) fn writing(column: &Column, value: &str) -> Vec<(String, String)> {
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
pub(super) const fn passed(kind: Kind) -> &'static str {
    match kind {
        Kind::Number => "bigint",
        Kind::Octets | Kind::Key => "bytea",
    }
}

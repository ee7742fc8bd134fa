//! Which tables two databases have, and whether one can hold what the other does.

use std::collections::BTreeSet;

/// What a column holds, whichever database it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An integer, or a truth value as 0 or 1.
    Number,
    /// Bytes, or text as UTF-8.
    Octets,
    /// A key of an index, as [`crate::key`] writes it.
    Key,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The type as the database calls it.
    pub(crate) stored_as: String,
    /// Whether it may be null.
    pub(crate) nullable: bool,
}

/// A table as one database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// What is copied, by name.
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, in whose order the rows are read.
    pub(crate) order: Vec<Column>,
}

/// A table as both databases have it.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) source: Table,
    pub(crate) target: Table,
}

impl Pair {
    pub(crate) fn name(&self) -> &str {
        &self.source.name
    }
}

/// The tables of both databases, by name. The error names what only one of them has, or holds
/// in another form: nothing is left behind in silence.
pub(crate) fn pairs(source: Vec<Table>, target: Vec<Table>) -> Result<Vec<Pair>, String> {
    let names = |tables: &[Table]| -> BTreeSet<String> {
        tables.iter().map(|table| table.name.clone()).collect()
    };
    let (here, there) = (names(&source), names(&target));
    if let Some(name) = here.symmetric_difference(&there).next() {
        return Err(format!("only one of the stores has a table {name}"));
    }
    let (mut source, mut target) = (source, target);
    source.sort_by(|a, b| a.name.cmp(&b.name));
    target.sort_by(|a, b| a.name.cmp(&b.name));
    let pairs = source.into_iter().zip(target);
    pairs
        .map(|(source, target)| Pair { source, target })
        .map(agreeing)
        .collect()
}

fn agreeing(pair: Pair) -> Result<Pair, String> {
    let forms = |table: &Table| -> BTreeSet<(String, String)> {
        let columns = table.columns.iter();
        let form = |it: &Column| (it.name.clone(), format!("{:?}, {}", it.kind, it.nullable));
        columns.map(form).collect()
    };
    let (here, there) = (forms(&pair.source), forms(&pair.target));
    if let Some((column, _)) = here.symmetric_difference(&there).next() {
        let name = pair.name();
        return Err(format!(
            "the stores do not hold the same in {name}.{column}"
        ));
    }
    if pair.source.order.is_empty() {
        return Err(format!("the table {} has no primary key", pair.name()));
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[(&str, Kind, bool)]) -> Table {
        let column = |(name, kind, nullable): &(&str, Kind, bool)| Column {
            name: (*name).into(),
            kind: *kind,
            stored_as: String::new(),
            nullable: *nullable,
        };
        let columns: Vec<Column> = columns.iter().map(column).collect();
        let order = columns[..1].to_vec();
        Table {
            name: name.into(),
            columns,
            order,
        }
    }

    #[test]
    fn what_only_one_store_has_is_told() {
        let one = || table("one", &[("id", Kind::Number, false)]);
        let two = || table("two", &[("id", Kind::Number, false)]);
        assert_eq!(
            pairs(vec![two(), one()], vec![one(), two()]).unwrap().len(),
            2
        );
        let refused = pairs(vec![one(), two()], vec![one()]).unwrap_err();
        assert!(refused.contains("two"), "{refused}");
        let wide = table(
            "one",
            &[("id", Kind::Number, false), ("at", Kind::Number, true)],
        );
        let refused = pairs(vec![one()], vec![wide]).unwrap_err();
        assert!(refused.contains("one.at"), "{refused}");
    }

    #[test]
    fn what_one_store_holds_in_another_form_is_told() {
        let of = |kind, nullable| vec![table("one", &[("id", kind, nullable)])];
        for other in [of(Kind::Octets, false), of(Kind::Number, true)] {
            let refused = pairs(of(Kind::Number, false), other).unwrap_err();
            assert!(refused.contains("one.id"), "{refused}");
        }
    }
}

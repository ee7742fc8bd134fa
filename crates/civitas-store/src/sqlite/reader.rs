//! Reads of single things, and what is read beside a resource.

use std::collections::HashSet;

use civitas_directory::{
    change::Difference,
    record::{Found, GroupRef, MemberRef, Record, Timestamp, Version},
    store::{Event, EventKind, Position, Referent, Want},
};
use rusqlite::{Connection, OptionalExtension, Result, Row};

use super::{
    GROUP, USER,
    apply::{CREATED, DELETED},
    catalog::Catalog,
    schema::{kind_of, ordinal_of},
};

/// A statement that reads resources `r` for [`Reader::found`]. Its parameter 1 is
/// [`Reader::asks_groups`]: whether a resource is in any group, which most are not, is then told
/// with it instead of by a statement of its own.
macro_rules! resources {
    ($rest:literal) => {
        concat!(
            "SELECT r.rid, r.id, r.version, r.created, r.modified, r.document,
                    CASE WHEN ?1 THEN EXISTS (
                        SELECT 1 FROM membership WHERE member_rid = r.rid
                    ) ELSE 0 END
             FROM ",
            $rest
        )
    };
}

/// A resource by partition and id.
pub(super) const BY_ID: &str = resources!("resource r WHERE r.partition = ?2 AND r.id = ?3");
/// A resource by its row.
pub(super) const BY_RID: &str = resources!("resource r WHERE r.rid = ?2");
/// Resources by a range of rows.
pub(super) const BY_RANGE: &str =
    resources!("resource r WHERE r.rid BETWEEN ?2 AND ?3 ORDER BY r.rid");
/// Resources beyond a row that have a value of an attribute, once for each element that has it.
pub(super) const BY_VALUE: &str = resources!(
    "value v CROSS JOIN resource r ON r.rid = v.rid
     WHERE v.attribute = ?2 AND v.key = ?3 AND v.rid > ?4 ORDER BY v.rid"
);

/// Members of a group beyond a row.
pub(super) const BY_GROUP: &str = resources!(
    "membership m CROSS JOIN resource r ON r.rid = m.member_rid
     WHERE m.group_rid = ?2 AND m.member_rid > ?3 AND m.member_rid <= ?4 ORDER BY m.member_rid"
);

/// Reads in one partition on one connection.
#[derive(Clone, Copy)]
pub(super) struct Reader<'r> {
    pub(super) connection: &'r Connection,
    pub(super) catalog: &'r Catalog,
    pub(super) partition: i64,
}

impl Reader<'_> {
    /// One resource. The statement stays open while what stands beside it is read, so that
    /// all is of one state.
    pub(super) fn read(&self, resource_type: &str, id: &str, want: Want) -> Result<Option<Found>> {
        let kind = self
            .catalog
            .kind(self.connection, self.partition, resource_type)?;
        let Some(kind) = kind else {
            return Ok(None);
        };
        let mut statement = self.connection.prepare_cached(BY_ID)?;
        let asks_groups = Self::asks_groups(resource_type, want);
        let mut rows = statement.query((asks_groups, self.partition, id))?;
        match rows.next()? {
            Some(row) if kind_of(row.get(0)?) == kind => {
                self.found(row, resource_type, want).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether resources of the type are read with the groups that they are in.
    pub(super) fn asks_groups(resource_type: &str, want: Want) -> bool {
        want.groups && resource_type == USER
    }

    /// The resource of a row of one of the statements above, with what is asked for beside it.
    pub(super) fn found(&self, row: &Row<'_>, resource_type: &str, want: Want) -> Result<Found> {
        let rid = row.get(0)?;
        let groups = || {
            if row.get(6)? {
                self.groups(rid)
            } else {
                Ok(Vec::new())
            }
        };
        Ok(Found {
            record: Record {
                resource_type: resource_type.into(),
                id: row.get(1)?,
                position: Position(ordinal_of(rid)),
                version: Version(row.get(2)?),
                created: Timestamp(row.get(3)?),
                modified: Timestamp(row.get(4)?),
                document: row.get(5)?,
            },
            groups: Self::asks_groups(resource_type, want)
                .then(groups)
                .transpose()?,
            members: want
                .members
                .filter(|_| resource_type == GROUP)
                .map(|limit| self.members(rid, limit))
                .transpose()?,
        })
    }

    /// Groups of a member: direct ones, then those that contain them.
    fn groups(&self, member: i64) -> Result<Vec<GroupRef>> {
        let mut nested = false;
        let mut direct = HashSet::new();
        let mut groups = Vec::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT g.rid, g.id, g.display,
                    EXISTS (SELECT 1 FROM membership WHERE member_rid = g.rid)
             FROM membership m CROSS JOIN resource g ON g.rid = m.group_rid
             WHERE m.member_rid = ?1 ORDER BY m.group_rid",
        )?;
        let mut rows = statement.query([member])?;
        while let Some(row) = rows.next()? {
            direct.insert(row.get(0)?);
            groups.push(group(row, true)?);
            nested |= row.get::<_, bool>(3)?;
        }
        if nested {
            self.indirect_groups(member, &direct, &mut groups)?;
        }
        Ok(groups)
    }

    fn indirect_groups(
        &self,
        member: i64,
        direct: &HashSet<i64>,
        groups: &mut Vec<GroupRef>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(
            "WITH RECURSIVE above (rid) AS (
                 SELECT group_rid FROM membership WHERE member_rid = ?1
                 UNION
                 SELECT m.group_rid FROM above CROSS JOIN membership m ON m.member_rid = above.rid
             )
             SELECT g.rid, g.id, g.display
             FROM above CROSS JOIN resource g ON g.rid = above.rid ORDER BY g.rid",
        )?;
        let mut rows = statement.query([member])?;
        while let Some(row) = rows.next()? {
            if !direct.contains(&row.get(0)?) {
                groups.push(group(row, false)?);
            }
        }
        Ok(())
    }

    /// Members of a group, at most one more than the limit.
    fn members(&self, group: i64, limit: usize) -> Result<Vec<MemberRef>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut statement = self.connection.prepare_cached(
            "SELECT r.rid, r.id, coalesce(nullif(r.display, ''), m.display, '')
             FROM membership m CROSS JOIN resource r ON r.rid = m.member_rid
             WHERE m.group_rid = ?1 ORDER BY m.member_rid LIMIT ?2",
        )?;
        let mut rows = statement.query([group, limit])?;
        let mut members = Vec::new();
        while let Some(row) = rows.next()? {
            let name = self
                .catalog
                .type_name(self.connection, kind_of(row.get(0)?))?;
            members.push(MemberRef {
                id: row.get(1)?,
                resource_type: name.as_ref().into(),
                display: row.get(2)?,
            });
        }
        Ok(members)
    }

    /// What an id refers to.
    pub(super) fn referent(&self, id: &str) -> Result<Option<Referent>> {
        let found: Option<(i64, String)> = self
            .connection
            .prepare_cached("SELECT rid, display FROM resource WHERE partition = ?1 AND id = ?2")?
            .query_row((self.partition, id), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((rid, display)) = found else {
            return Ok(None);
        };
        let name = self.catalog.type_name(self.connection, kind_of(rid))?;
        Ok(Some(Referent {
            id: id.into(),
            resource_type: name.as_ref().into(),
            display,
        }))
    }

    /// The credential of a resource, as text.
    pub(super) fn credential(&self, id: &str) -> Result<Option<String>> {
        self.connection
            .prepare_cached(
                "SELECT c.text FROM resource r CROSS JOIN credential c ON c.rid = r.rid
                 WHERE r.partition = ?1 AND r.id = ?2",
            )?
            .query_row((self.partition, id), |row| row.get(0))
            .optional()
    }

    /// Events after a version.
    pub(super) fn events(&self, after: i64, limit: usize) -> Result<Vec<Event>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection
            .prepare_cached(
                "SELECT seq, at, actor, request, what, kind, id, whole, changed, active
                 FROM event WHERE partition = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?
            .query_map([self.partition, after, limit], |row| self.event(row))?
            .collect()
    }

    fn event(&self, row: &Row<'_>) -> Result<Event> {
        let name = self.catalog.type_name(self.connection, row.get(5)?)?;
        Ok(Event {
            version: Version(row.get(0)?),
            at: Timestamp(row.get(1)?),
            actor: row.get(2)?,
            request_id: row.get(3)?,
            kind: match row.get(4)? {
                CREATED => EventKind::Created,
                DELETED => EventKind::Deleted,
                _ => EventKind::Changed,
            },
            resource_type: name.as_ref().into(),
            id: row.get(6)?,
            difference: difference(row)?,
        })
    }
}

/// The last three columns of an event.
fn difference(row: &Row<'_>) -> Result<Option<Difference>> {
    let Some(whole) = row.get(7)? else {
        return Ok(None);
    };
    let names: String = row.get(8)?;
    Ok(Some(Difference {
        whole,
        attributes: names.split_whitespace().map(str::to_owned).collect(),
        active: row.get(9)?,
    }))
}

fn group(row: &Row<'_>, direct: bool) -> Result<GroupRef> {
    Ok(GroupRef {
        id: row.get(1)?,
        display: row.get(2)?,
        direct,
    })
}

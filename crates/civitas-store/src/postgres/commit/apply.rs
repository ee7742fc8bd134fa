//! What a change set makes of a slate. No I/O: all that it looks at was read before.
//!
//! A change checks all its guards before it changes anything, so that one refused leaves
//! nothing behind. Of a set of several changes a copy is kept until all are done.

use civitas_directory::{
    change::{
        Change, ChangeSet, Committed, Create, Delete, Difference, Members, NewMember, Proof,
        Rejected, Replace, Unique,
    },
    credential::Verdict,
    link::LinkChange,
    record::{Timestamp, Version},
    store::Position,
    tenant::Partition,
};
use civitas_scim::index::IndexEntry;

use super::{
    draft::{Created, Event, State, Value},
    slate::{Row, Slate},
};
use crate::{
    credential, key,
    postgres::{GROUP, USER, log},
    rid::{kind_of, ordinal_of, rid},
};

/// A resource that the change set has given a new version.
struct Touched {
    rid: i64,
    /// Its version before; `None` of a new resource.
    before: Option<i64>,
    version: i64,
}

struct Applying<'s, 'b> {
    slate: &'s mut Slate<'b>,
    set: &'b ChangeSet,
    touched: Vec<Touched>,
    verdict: Option<Verdict>,
}

impl<'b> Slate<'b> {
    /// Applies a change set, or refuses it and is as before.
    pub(super) fn apply(
        &mut self,
        partition: Partition,
        set: &'b ChangeSet,
    ) -> Result<Committed, Rejected> {
        if self.numbers.generation != partition.generation() {
            return Err(Rejected::Reset);
        }
        if self.numbers.catalogue != set.catalogue.0 {
            return Err(Rejected::Outdated);
        }
        let before = (set.changes.len() > 1).then(|| self.clone());
        let applying = Applying {
            slate: self,
            set,
            touched: Vec::new(),
            verdict: None,
        };
        let result = applying.run();
        if let (Err(_), Some(before)) = (&result, before) {
            *self = before;
        }
        result
    }
}

impl<'b> Applying<'_, 'b> {
    fn run(mut self) -> Result<Committed, Rejected> {
        let mut first = None;
        for change in &self.set.changes {
            let row = match change {
                Change::Create(create) => self.create(create)?,
                Change::Replace(replace) => self.replace(replace)?,
                Change::Delete(delete) => self.delete(delete)?,
                Change::Members(members) => self.members(members)?,
                Change::Touch(touch) => {
                    let row = self.require(&touch.resource_type, &touch.id, touch.expect)?;
                    self.touch(&row, &touch.id, None, None);
                    row
                }
                Change::Credential(proof) => self.prove(proof)?,
                Change::Feint => {
                    self.slate.draft.feints += 1;
                    continue;
                }
                Change::Mail(mail) => {
                    self.slate.draft.mails.push(mail);
                    continue;
                }
                Change::Link(change) => {
                    self.link(change)?;
                    continue;
                }
            };
            first.get_or_insert(row);
        }
        Ok(self.committed(first.as_ref()))
    }

    /// The state in which all changes left the resource of the first one.
    fn committed(&self, first: Option<&Row>) -> Committed {
        let rid = first.map(|row| row.rid);
        let mut touched = self.touched.iter();
        let touched = touched.rfind(|touched| Some(touched.rid) == rid);
        let (version, modified) = match (touched, first) {
            (Some(touched), _) => (touched.version, self.set.at.0),
            (None, Some(row)) => (row.version, row.modified),
            (None, None) => (0, self.set.at.0),
        };
        Committed {
            position: Position(rid.map_or(0, ordinal_of)),
            version: Version(version),
            modified: Timestamp(modified),
            changed: !self.touched.is_empty(),
            verdict: self.verdict,
        }
    }

    /// Changes what a user proves itself by.
    fn prove(&mut self, proof: &Proof) -> Result<Row, Rejected> {
        let row = self.slate.rows.get(&proof.id).cloned();
        let row = row.ok_or_else(|| Rejected::Missing {
            id: proof.id.clone(),
        })?;
        let kept = self.slate.credentials.get(&row.rid).map(String::as_str);
        let applied = credential::apply(&proof.change, kept);
        let (verdict, text) = applied.map_err(Rejected::Unavailable)?;
        if verdict == Some(Verdict::TooManyMails) {
            return Err(Rejected::TooManyMails);
        }
        self.verdict = verdict.or(self.verdict);
        if let Some(text) = text {
            let stamp = self.slate.numbers.last + 1;
            self.slate.credentials.insert(row.rid, text.clone());
            self.slate.draft.credentials.insert(row.rid, (stamp, text));
        }
        Ok(row)
    }

    /// A link is issued, or redeemed. One that comes in this transaction was told to nobody yet.
    fn link(&mut self, change: &'b LinkChange) -> Result<(), Rejected> {
        match change {
            LinkChange::Issue(link) => {
                let purpose = link.purpose.name();
                let links = &mut self.slate.links;
                links.retain(|_, it| it.purpose != purpose || it.subject != link.subject);
                self.slate.draft.issue(link);
            }
            LinkChange::Redeem { id, at } => {
                let link = self.slate.links.remove(id);
                if link.is_none_or(|it| at.0 >= it.expires) {
                    return Err(Rejected::Spent);
                }
                self.slate.draft.redeemed.insert(id);
            }
        }
        Ok(())
    }

    fn create(&mut self, create: &'b Create) -> Result<Row, Rejected> {
        if self.slate.rows.contains_key(&create.id) {
            let id = create.id.clone();
            return Err(Rejected::Exists { id });
        }
        // A kind was made for every resource that a change set of the transaction creates.
        let Some(kind) = self.slate.kind(&create.resource_type) else {
            let name = &create.resource_type;
            return Err(Rejected::Unavailable(format!("{name} has no number")));
        };
        self.require_free(kind, &create.unique, 0)?;
        let next = self.slate.next.entry(kind).or_insert(1);
        let rid = rid(kind, *next);
        *next += 1;
        let version = self.event(kind, &create.id, log::CREATED, None);
        let at = self.set.at.0;
        self.slate.draft.created.insert(
            rid,
            Created {
                id: &create.id,
                at,
                state: State {
                    version,
                    modified: at,
                    content: Some((&create.display, &create.document)),
                },
            },
        );
        self.touched.push(Touched {
            rid,
            before: None,
            version,
        });
        let row = Row {
            rid,
            resource_type: create.resource_type.clone(),
            version,
            modified: at,
        };
        self.slate.know(create.id.clone(), row.clone());
        self.index(kind, rid, &create.index, true);
        self.slate.draft.count(rid, 1);
        Ok(row)
    }

    fn replace(&mut self, replace: &'b Replace) -> Result<Row, Rejected> {
        let row = self.require(&replace.resource_type, &replace.id, Some(replace.expect))?;
        let kind = kind_of(row.rid);
        self.require_free(kind, &replace.unique, row.rid)?;
        let content = Some((replace.display.as_str(), replace.document.as_str()));
        self.touch(&row, &replace.id, Some(&replace.difference), content);
        self.index(kind, row.rid, &replace.index_removed, false);
        self.index(kind, row.rid, &replace.index_added, true);
        Ok(row)
    }

    fn delete(&mut self, delete: &'b Delete) -> Result<Row, Rejected> {
        let row = self.require(&delete.resource_type, &delete.id, Some(delete.expect))?;
        let kind = kind_of(row.rid);
        let version = self.event(kind, &delete.id, log::DELETED, None);
        self.touched.push(Touched {
            rid: row.rid,
            before: Some(row.version),
            version,
        });
        for group in self.slate.groups_of(row.rid) {
            let Some(id) = self.slate.ids.get(&group).cloned() else {
                continue;
            };
            if let Some(group) = self.slate.rows.get(&id).cloned() {
                self.touch(&group, &id, None, None);
            }
        }
        self.slate.forget(&delete.id);
        self.slate.draft.delete(row.rid);
        self.index(kind, row.rid, &delete.index, false);
        self.slate.draft.count(row.rid, -1);
        Ok(row)
    }

    fn members(&mut self, members: &'b Members) -> Result<Row, Rejected> {
        let group = self.require(GROUP, &members.group, members.expect)?;
        let added = self.resolve_members(&members.add)?;
        self.refuse_cycle(group.rid, members, &added)?;
        let mut changed = false;
        if members.clear {
            for member in self.slate.members_of(group.rid) {
                if !added.contains(&member) {
                    changed |= self.remove(group.rid, member);
                }
            }
        }
        for id in &members.remove {
            let member = self.slate.rows.get(id).map(|row| row.rid);
            if let Some(member) = member.filter(|it| !added.contains(it)) {
                changed |= self.remove(group.rid, member);
            }
        }
        for (member, new) in added.iter().zip(&members.add) {
            if self.slate.join(group.rid, *member) {
                let display = new.display.as_deref();
                self.slate.draft.join(group.rid, *member, display);
                changed = true;
            }
        }
        if changed {
            self.touch(&group, &members.group, None, None);
        }
        Ok(group)
    }

    /// Members are users and groups, as the schema of groups has it.
    fn resolve_members(&self, members: &[NewMember]) -> Result<Vec<i64>, Rejected> {
        let mut rids = Vec::with_capacity(members.len());
        for member in members {
            let id = || member.id.clone();
            let Some(row) = self.slate.rows.get(&member.id) else {
                return Err(Rejected::NoSuchMember { id: id() });
            };
            let actual = &row.resource_type;
            let claimed = member.claimed_type.as_ref();
            if claimed.is_some_and(|it| it != actual) || !matches!(actual.as_str(), USER | GROUP) {
                let actual = actual.clone();
                return Err(Rejected::MemberType { id: id(), actual });
            }
            rids.push(row.rid);
        }
        Ok(rids)
    }

    /// Only a group can contain, so only added groups are looked at: none may stand above
    /// the group, or be it.
    fn refuse_cycle(&self, group: i64, members: &Members, added: &[i64]) -> Result<(), Rejected> {
        if !added.iter().any(|rid| kind_of(*rid) == kind_of(group)) {
            return Ok(());
        }
        let above = self.slate.above(group);
        let mut pairs = members.add.iter().zip(added);
        match pairs.find(|(_, rid)| above.contains(rid)) {
            Some((member, _)) => Err(Rejected::Cycle {
                id: member.id.clone(),
            }),
            None => Ok(()),
        }
    }

    fn remove(&mut self, group: i64, member: i64) -> bool {
        let was_there = self.slate.part(group, member);
        if was_there {
            self.slate.draft.leave(group, member);
        }
        was_there
    }

    /// The resource, if it is there and has the version that was read: the stored one, or
    /// the one that an earlier change of the set replaced.
    fn require(
        &self,
        resource_type: &str,
        id: &str,
        expect: Option<Version>,
    ) -> Result<Row, Rejected> {
        let row = self.slate.rows.get(id);
        let Some(row) = row.filter(|row| row.resource_type == resource_type) else {
            return Err(Rejected::Missing { id: id.into() });
        };
        let touched = self.touched.iter().find(|touched| touched.rid == row.rid);
        let read = touched.map_or(Some(row.version), |touched| touched.before);
        match expect {
            Some(expect) if read != Some(expect.0) => Err(Rejected::Stale { id: id.into() }),
            _ => Ok(row.clone()),
        }
    }

    fn require_free(&self, kind: i64, unique: &[Unique], own: i64) -> Result<(), Rejected> {
        for Unique { path, key } in unique {
            let Some(attribute) = self.slate.attribute(kind, path) else {
                continue;
            };
            let holders = self.slate.holders.get(&(attribute, key::encode(key)));
            if holders.is_some_and(|holders| holders.iter().any(|rid| *rid != own)) {
                return Err(Rejected::Taken { path: path.clone() });
            }
        }
        Ok(())
    }

    /// Gives the resource the version of the change set, with an event when it is new.
    fn touch(
        &mut self,
        row: &Row,
        id: &str,
        difference: Option<&'b Difference>,
        content: Option<(&'b str, &'b str)>,
    ) {
        let touched = self.touched.iter().find(|touched| touched.rid == row.rid);
        let version = if let Some(touched) = touched {
            touched.version
        } else {
            let version = self.event(kind_of(row.rid), id, log::CHANGED, difference);
            self.touched.push(Touched {
                rid: row.rid,
                before: Some(row.version),
                version,
            });
            version
        };
        let modified = self.set.at.0;
        let state = State {
            version,
            modified,
            content,
        };
        self.slate.draft.change(row.rid, state);
        if let Some(row) = self.slate.rows.get_mut(id) {
            row.version = version;
            row.modified = modified;
        }
    }

    fn event(&mut self, kind: i64, id: &str, what: i16, difference: Option<&'b Difference>) -> i64 {
        self.slate.numbers.last += 1;
        let seq = self.slate.numbers.last;
        self.slate.draft.events.push(Event {
            seq,
            at: self.set.at.0,
            actor: &self.set.actor,
            request: &self.set.request_id,
            what,
            kind,
            id: id.to_owned(),
            difference,
        });
        seq
    }

    fn index(&mut self, kind: i64, rid: i64, entries: &[IndexEntry], comes: bool) {
        for entry in entries {
            let Some(attribute) = self.slate.attribute(kind, &entry.path) else {
                continue;
            };
            let value = Value {
                attribute,
                key: key::encode(&entry.key),
                rid,
                element: entry.element.cast_signed(),
            };
            self.slate.enter(value, comes);
        }
    }
}

//! A draft as statements: one for each table that changes, whatever the number of rows.

use civitas_directory::link::Link;

use super::{
    draft::{Created, Draft, Event, State, Value},
    slate::Slate,
};
use crate::{
    key,
    postgres::{census, pool::Step},
};

const DELETE_MEMBERSHIPS: &str =
    "DELETE FROM membership WHERE group_rid = ANY ($1) OR member_rid = ANY ($1)";
const DELETE_CREDENTIALS: &str = "DELETE FROM credential WHERE rid = ANY ($1)";
const DELETE_RESOURCES: &str = "DELETE FROM resource WHERE rid = ANY ($1)";

const LEAVE: &str = "DELETE FROM membership m
    USING unnest($1::bigint[], $2::bigint[]) AS u (group_rid, member_rid)
    WHERE m.group_rid = u.group_rid AND m.member_rid = u.member_rid";

const UNINDEX: &str = "DELETE FROM value v
    USING unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::int[])
        AS u (attribute, head, tail, rid, element)
    WHERE v.attribute = u.attribute AND v.head = u.head AND v.rid = u.rid
        AND v.element = u.element AND v.tail = u.tail";

const CREATE: &str = "INSERT INTO resource
        (rid, kind, partition, id, version, created, modified, display, document)
    SELECT rid, rid >> 40, $1::bigint, id, version, created, modified, display, document
    FROM unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[],
        $8::bytea[]) AS u (rid, id, version, created, modified, display, document)";

const TOUCH: &str = "UPDATE resource r SET version = u.version, modified = u.modified
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (rid, version, modified)
    WHERE r.rid = u.rid";

const REPLACE: &str = "UPDATE resource r SET version = u.version, modified = u.modified,
        display = u.display, document = u.document
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[])
        AS u (rid, version, modified, display, document)
    WHERE r.rid = u.rid";

const INDEX: &str = "INSERT INTO value (attribute, head, tail, rid, element)
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::int[])
    ON CONFLICT DO NOTHING";

const JOIN: &str = "INSERT INTO membership (group_rid, member_rid, display)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])";

const SET_CREDENTIALS: &str = "INSERT INTO credential (rid, stamp, text)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])
    ON CONFLICT (rid) DO UPDATE SET stamp = excluded.stamp, text = excluded.text";

const FEINT: &str = "UPDATE partition SET feints = feints + $2 WHERE id = $1";

const MAIL: &str = "INSERT INTO mail (tenant, id, content, at, due)
    SELECT $1::bigint, u.*, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FROM unnest($2::bytea[], $3::bytea[], $4::bigint[]) AS u";

const REDEEM: &str = "DELETE FROM link WHERE tenant = $1 AND id = ANY ($2)";

const END: &str = "DELETE FROM link l USING unnest($2::bytea[], $3::text[]) AS u (subject, purpose)
    WHERE l.tenant = $1 AND l.subject = u.subject AND l.purpose = u.purpose";

const ISSUE: &str = "INSERT INTO link (tenant, id, purpose, hash, subject, content, expires)
    SELECT $1::bigint, u.* FROM unnest($2::bytea[], $3::text[], $4::text[], $5::bytea[],
        $6::bytea[], $7::bigint[]) AS u";

const EVENT: &str = "INSERT INTO event
        (partition, seq, at, kind, what, whole, active, id, actor, request, changed)
    SELECT $1::bigint, u.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[],
        $6::boolean[], $7::boolean[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[]) AS u";

const NEXT: &str = "UPDATE kind k SET next = u.next
    FROM unnest($1::bigint[], $2::bigint[]) AS u (id, next)
    WHERE k.id = u.id AND k.next <> u.next";

const LAST: &str = "UPDATE partition SET last = $2 WHERE id = $1";

impl<'b> Slate<'b> {
    /// The statements that write what has become of the partition; none when nothing has.
    pub(super) fn into_steps(self) -> Vec<Step<'b>> {
        let mut steps = Vec::new();
        let mut draft = self.draft;
        proven(&mut draft, &mut steps);
        if draft.feints > 0 {
            steps.push(Step::new(FEINT).with(self.partition).with(draft.feints));
        }
        written(self.partition, &draft, &mut steps);
        if self.numbers.last == self.was {
            return steps;
        }
        gone(&draft, &mut steps);
        created(self.partition, &draft, &mut steps);
        changed(&draft, &mut steps);
        entries(&draft, true, INDEX, &mut steps);
        joined(&draft, &mut steps);
        events(self.partition, draft.events, &mut steps);
        counted(&draft.counts.into_iter().collect::<Vec<_>>(), &mut steps);
        if !self.next.is_empty() {
            let (kinds, next): (Vec<i64>, Vec<i64>) = self.next.into_iter().unzip();
            steps.push(Step::new(NEXT).with(kinds).with(next));
        }
        steps.push(Step::new(LAST).with(self.partition).with(self.numbers.last));
        steps
    }
}

/// Before anything new, which may take the place of what goes.
fn gone<'b>(draft: &Draft<'b>, steps: &mut Vec<Step<'b>>) {
    if !draft.deleted.is_empty() {
        let rids: Vec<i64> = draft.deleted.iter().copied().collect();
        for sql in [DELETE_MEMBERSHIPS, DELETE_CREDENTIALS, DELETE_RESOURCES] {
            steps.push(Step::new(sql).with(rids.clone()));
        }
    }
    if !draft.left.is_empty() {
        let (groups, members): (Vec<i64>, Vec<i64>) = draft.left.iter().copied().unzip();
        steps.push(Step::new(LEAVE).with(groups).with(members));
    }
    entries(draft, false, UNINDEX, steps);
}

fn created<'b>(partition: i64, draft: &Draft<'b>, steps: &mut Vec<Step<'b>>) {
    if draft.created.is_empty() {
        return;
    }
    let of = |number: fn(&Created<'b>) -> i64| -> Vec<i64> {
        draft.created.values().map(number).collect()
    };
    let text = |text: fn(&Created<'b>) -> &'b str| -> Vec<&'b [u8]> {
        draft
            .created
            .values()
            .map(|it| text(it).as_bytes())
            .collect()
    };
    let rids: Vec<i64> = draft.created.keys().copied().collect();
    let step = Step::new(CREATE)
        .with(partition)
        .with(rids)
        .with(text(|it| it.id))
        .with(of(|it| it.state.version))
        .with(of(|it| it.at))
        .with(of(|it| it.state.modified))
        .with(text(|it| it.state.content.unwrap_or_default().0))
        .with(text(|it| it.state.content.unwrap_or_default().1));
    steps.push(step);
}

fn changed<'b>(draft: &Draft<'b>, steps: &mut Vec<Step<'b>>) {
    for has_content in [false, true] {
        let states = draft.changed.iter();
        let states: Vec<(&i64, &State<'b>)> = states
            .filter(|(_, state)| state.content.is_some() == has_content)
            .collect();
        if states.is_empty() {
            continue;
        }
        let of = |number: fn(&State<'b>) -> i64| -> Vec<i64> {
            states.iter().map(|(_, state)| number(state)).collect()
        };
        let text = |text: fn((&'b str, &'b str)) -> &'b str| -> Vec<&'b [u8]> {
            let content = states.iter().map(|(_, it)| it.content.unwrap_or_default());
            content.map(|it| text(it).as_bytes()).collect()
        };
        let rids: Vec<i64> = states.iter().map(|(rid, _)| **rid).collect();
        let step = Step::new(if has_content { REPLACE } else { TOUCH })
            .with(rids)
            .with(of(|it| it.version))
            .with(of(|it| it.modified));
        steps.push(if has_content {
            step.with(text(|it| it.0)).with(text(|it| it.1))
        } else {
            step
        });
    }
}

/// Entries of the index of values that come or go, in the order of the index.
fn entries<'b>(draft: &Draft<'b>, come: bool, sql: &'static str, steps: &mut Vec<Step<'b>>) {
    let values = draft.values.iter().filter(|(_, comes)| **comes == come);
    let mut values: Vec<&Value> = values.map(|(value, _)| value).collect();
    if values.is_empty() {
        return;
    }
    values.sort_unstable_by(|a, b| (a.attribute, &a.key, a.rid).cmp(&(b.attribute, &b.key, b.rid)));
    let (mut heads, mut tails) = (Vec::new(), Vec::new());
    for value in &values {
        let (head, tail) = key::split(&value.key);
        heads.push(head.to_vec());
        tails.push(tail.to_vec());
    }
    let attributes: Vec<i64> = values.iter().map(|it| it.attribute).collect();
    let rids: Vec<i64> = values.iter().map(|it| it.rid).collect();
    let elements: Vec<i32> = values.iter().map(|it| it.element).collect();
    let step = Step::new(sql)
        .with(attributes)
        .with(heads)
        .with(tails)
        .with(rids)
        .with(elements);
    steps.push(step);
}

fn joined<'b>(draft: &Draft<'b>, steps: &mut Vec<Step<'b>>) {
    if draft.joined.is_empty() {
        return;
    }
    let (groups, members): (Vec<i64>, Vec<i64>) = draft.joined.keys().copied().unzip();
    let displays = draft.joined.values();
    let displays: Vec<Option<&'b [u8]>> = displays.map(|it| it.map(str::as_bytes)).collect();
    steps.push(Step::new(JOIN).with(groups).with(members).with(displays));
}

/// Mails and links.
fn written<'b>(partition: i64, draft: &Draft<'b>, steps: &mut Vec<Step<'b>>) {
    if !draft.mails.is_empty() {
        let mails = || draft.mails.iter();
        let ids: Vec<&'b [u8]> = mails().map(|it| it.id.as_bytes()).collect();
        let contents: Vec<&'b [u8]> = mails().map(|it| it.content.as_bytes()).collect();
        let at: Vec<i64> = mails().map(|it| it.at.0).collect();
        let step = Step::new(MAIL).with(partition).with(ids);
        steps.push(step.with(contents).with(at));
    }
    if !draft.redeemed.is_empty() {
        let ids: Vec<&'b [u8]> = draft.redeemed.iter().map(|it| it.as_bytes()).collect();
        steps.push(Step::new(REDEEM).with(partition).with(ids));
    }
    if !draft.issued.is_empty() {
        let links = || draft.issued.values();
        let bytes = |part: fn(&'b Link) -> &'b str| -> Vec<&'b [u8]> {
            links().map(|it| part(it).as_bytes()).collect()
        };
        let subjects = bytes(|it| &it.subject);
        let purposes: Vec<&'b str> = links().map(|it| it.purpose.name()).collect();
        let hashes: Vec<&'b str> = links().map(|it| it.hash.as_str()).collect();
        let expires: Vec<i64> = links().map(|it| it.expires.0).collect();
        let end = Step::new(END).with(partition);
        steps.push(end.with(subjects.clone()).with(purposes.clone()));
        let issue = Step::new(ISSUE).with(partition).with(bytes(|it| &it.id));
        let issue = issue.with(purposes).with(hashes).with(subjects);
        steps.push(issue.with(bytes(|it| &it.content)).with(expires));
    }
}

fn proven<'b>(draft: &mut Draft<'b>, steps: &mut Vec<Step<'b>>) {
    if draft.credentials.is_empty() {
        return;
    }
    let (mut rids, mut stamps, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (rid, (stamp, text)) in std::mem::take(&mut draft.credentials) {
        rids.push(rid);
        stamps.push(stamp);
        texts.push(text.into_bytes());
    }
    steps.push(
        Step::new(SET_CREDENTIALS)
            .with(rids)
            .with(stamps)
            .with(texts),
    );
}

fn events<'b>(partition: i64, events: Vec<Event<'b>>, steps: &mut Vec<Step<'b>>) {
    let of = |number: fn(&Event<'b>) -> i64| -> Vec<i64> { events.iter().map(number).collect() };
    let differences = || events.iter().map(|it| it.difference);
    let whole: Vec<Option<bool>> = differences().map(|it| it.map(|it| it.whole)).collect();
    let active: Vec<Option<bool>> = differences().map(|it| it?.active).collect();
    let changed: Vec<Option<Vec<u8>>> = differences()
        .map(|it| it.map(|it| it.attributes.join(" ").into_bytes()))
        .collect();
    let text = |text: fn(&Event<'b>) -> &'b str| -> Vec<&'b [u8]> {
        events.iter().map(|it| text(it).as_bytes()).collect()
    };
    let whats: Vec<i16> = events.iter().map(|it| it.what).collect();
    let step = Step::new(EVENT)
        .with(partition)
        .with(of(|it| it.seq))
        .with(of(|it| it.at))
        .with(of(|it| it.kind))
        .with(whats)
        .with(whole)
        .with(active);
    let (actors, requests) = (text(|it| it.actor), text(|it| it.request));
    let ids = events.into_iter().map(|it| it.id.into_bytes());
    let ids: Vec<Vec<u8>> = ids.collect();
    steps.push(step.with(ids).with(actors).with(requests).with(changed));
}

fn counted(counts: &[((i64, u32, i64), i64)], steps: &mut Vec<Step<'_>>) {
    let counts = counts.iter().filter(|(_, change)| *change != 0);
    let (mut kinds, mut bits, mut blocks, mut changes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for ((kind, bit, block), change) in counts {
        kinds.push(*kind);
        bits.push(bit.cast_signed());
        blocks.push(*block);
        changes.push(*change);
    }
    if !kinds.is_empty() {
        let step = Step::new(census::COUNT);
        steps.push(step.with(kinds).with(bits).with(blocks).with(changes));
    }
}

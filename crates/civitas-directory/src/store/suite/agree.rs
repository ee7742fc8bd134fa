//! Two stores on one random script: every answer of the one is compared with that of the
//! other. With the memory store as reference this compares a store's queries with the
//! evaluator.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};

use super::stage::{
    ENTERPRISE, Resource, START, Stage, WHOLE, group, members, news, owned, query, select, sort,
    user,
};
use crate::{
    change::{Change, Committed, Members, Rejected},
    record::{Found, Timestamp, Version},
    store::{FoundPage, Page, Place, Position, Store, memory::MemoryStore},
};

/// Values of text attributes: few, so that they meet; apart in case, normal form, width, and
/// in what query languages give a meaning.
const TEXTS: [&str; 16] = [
    "",
    "ann",
    "Ann",
    "anna",
    "ÄRA",
    "ära",
    "a\u{308}ra",
    "Straße",
    "STRASSE",
    "İstanbul",
    "ﬃ",
    "50%_off",
    "o'neil \"x\"",
    "back\\slash*?",
    "日本\u{1F600}",
    "nul\u{0}nul",
];

/// Parts of the values, to look for.
const PARTS: [&str; 12] = [
    "",
    "a",
    "AN",
    "ä",
    "ra",
    "s",
    "ß",
    "%",
    "_",
    "'",
    "\\",
    "\u{1F600}",
];

const EMAIL_TYPES: [&str; 3] = ["work", "home", "Other"];

const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];

/// What a filter may compare an attribute with.
#[derive(Clone, Copy)]
enum Operand {
    Text,
    Id,
    Type,
    Boolean,
    Instant,
}

type Attributes = &'static [(&'static str, Operand)];

const OF_USERS: Attributes = &[
    ("userName", Operand::Text),
    ("displayName", Operand::Text),
    ("externalId", Operand::Text),
    ("title", Operand::Text),
    ("nickName", Operand::Text),
    ("name.familyName", Operand::Text),
    ("active", Operand::Boolean),
    ("emails.value", Operand::Text),
    ("emails.type", Operand::Type),
    ("emails.primary", Operand::Boolean),
    ("roles.value", Operand::Text),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
        Operand::Text,
    ),
    (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        Operand::Id,
    ),
    ("groups.value", Operand::Id),
    ("groups.display", Operand::Text),
    ("groups.type", Operand::Type),
    ("id", Operand::Id),
    ("meta.created", Operand::Instant),
    ("meta.lastModified", Operand::Instant),
];

const OF_GROUPS: Attributes = &[
    ("displayName", Operand::Text),
    ("externalId", Operand::Text),
    ("members.value", Operand::Id),
    ("members.type", Operand::Type),
    ("members.display", Operand::Text),
    ("id", Operand::Id),
    ("meta.created", Operand::Instant),
    ("meta.lastModified", Operand::Instant),
];

/// Multi-valued attributes with the sub-attributes that stand between brackets.
const LISTS_OF_USERS: &[(&str, Attributes)] = &[
    (
        "emails",
        &[
            ("value", Operand::Text),
            ("type", Operand::Type),
            ("primary", Operand::Boolean),
        ],
    ),
    (
        "roles",
        &[("value", Operand::Text), ("type", Operand::Type)],
    ),
    (
        "groups",
        &[
            ("value", Operand::Id),
            ("display", Operand::Text),
            ("type", Operand::Type),
        ],
    ),
];

const LISTS_OF_GROUPS: &[(&str, Attributes)] = &[(
    "members",
    &[
        ("value", Operand::Id),
        ("display", Operand::Text),
        ("type", Operand::Type),
    ],
)];

/// Attributes to sort by. What is derived from membership is left out: the order within it is
/// the store's own.
const SORTS_OF_USERS: [&str; 11] = [
    "userName",
    "displayName",
    "externalId",
    "title",
    "active",
    "emails",
    "emails.type",
    "name.familyName",
    "id",
    "meta.created",
    "meta.lastModified",
];
const SORTS_OF_GROUPS: [&str; 4] = ["displayName", "externalId", "id", "meta.lastModified"];

/// Runs a random script of changes and queries on both stores, which are empty, and panics
/// where they answer differently. Equal seeds make equal scripts.
pub async fn agree(reference: Arc<dyn Store>, subject: Arc<dyn Store>, seed: u64, steps: usize) {
    let mut script = Script {
        reference: Stage::new(reference).await,
        subject: Stage::new(subject).await,
        dice: Dice(seed),
        known: BTreeMap::new(),
        issued: 0,
        seed,
    };
    for step in 0..steps {
        script.step().await;
        if step % 50 == 49 {
            script.compare_all().await;
        }
    }
    script.compare_all().await;
    script.reference.clean().await;
    script.subject.clean().await;
}

/// After a random script, compared with the memory store, the store finds nothing wrong with
/// itself.
pub async fn random_script_verifies_clean(store: Arc<dyn Store>) {
    agree(Arc::new(MemoryStore::new()), store, 7, 600).await;
}

/// A small source of chance (a linear congruential generator), the same everywhere.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.roll(list.len())]
    }

    /// True once in so many.
    fn once_in(&mut self, many: usize) -> bool {
        self.roll(many) == 0
    }

    fn flip(&mut self) -> bool {
        self.once_in(2)
    }
}

struct Script {
    reference: Stage,
    subject: Stage,
    dice: Dice,
    /// The resources that both stores have.
    known: BTreeMap<String, Resource>,
    /// How many ids were made up.
    issued: usize,
    seed: u64,
}

/// What a commit came to, without the numbers that are a store's own.
type Outcome = Result<(Timestamp, bool), Rejected>;

fn outcome(result: Result<Committed, Rejected>) -> Outcome {
    result.map(|done| (done.modified, done.changed))
}

impl Script {
    async fn step(&mut self) {
        match self.dice.roll(16) {
            0..=2 => self.create_user().await,
            3 => self.create_group().await,
            4 | 5 => self.replace().await,
            6 => self.delete().await,
            7..=9 => self.members().await,
            10 => self.walk().await,
            11 => self.query_both_types().await,
            _ => self.query_one_type().await,
        }
    }

    /// An id: a new one, or once in a while one that is in use.
    fn new_id(&mut self, letter: char) -> String {
        self.issued += 1;
        let used = self.dice.once_in(20).then(|| self.any_id());
        used.flatten().unwrap_or(format!("{letter}{}", self.issued))
    }

    fn any_id(&mut self) -> Option<String> {
        let ids: Vec<&String> = self.known.keys().collect();
        (!ids.is_empty()).then(|| (*self.dice.pick(&ids)).clone())
    }

    fn id_of(&mut self, resource_type: &str) -> Option<String> {
        let of_type = |it: &(&String, &Resource)| it.1.resource_type == resource_type;
        let ids: Vec<_> = self
            .known
            .iter()
            .filter(of_type)
            .map(|it| it.0.clone())
            .collect();
        (!ids.is_empty()).then(|| self.dice.pick(&ids).clone())
    }

    fn random_user(&mut self, id: &str) -> Resource {
        let name = match self.dice.pick(&TEXTS) {
            text if text.is_empty() || self.dice.flip() => format!("user{}", self.dice.roll(60)),
            text => format!("{text}{}", self.dice.roll(4)),
        };
        let mut user = user(id, &name);
        for attribute in ["displayName", "externalId", "title", "nickName"] {
            if self.dice.flip() {
                user = user.with(attribute, *self.dice.pick(&TEXTS));
            }
        }
        if self.dice.flip() {
            user = user.with("active", self.dice.flip());
        }
        if self.dice.once_in(3) {
            user = user.with("name", json!({ "familyName": self.dice.pick(&TEXTS) }));
        }
        for (attribute, at_most) in [("emails", 3), ("roles", 2)] {
            let count = self.dice.roll(at_most + 1);
            if count > 0 {
                user = user.with(attribute, self.elements(count));
            }
        }
        self.enterprise(user)
    }

    fn enterprise(&mut self, user: Resource) -> Resource {
        let manager = self.any_id();
        match (self.dice.roll(4), manager) {
            (0, Some(id)) => user.with(ENTERPRISE, json!({ "manager": { "value": id } })),
            (1, _) => user.with(ENTERPRISE, json!({ "department": self.dice.pick(&TEXTS) })),
            _ => user,
        }
    }

    /// Elements of a multi-valued attribute, at most one of them primary.
    fn elements(&mut self, count: usize) -> Value {
        let primary = self.dice.roll(2 * count);
        let element = |number| {
            let mut element = json!({ "value": self.dice.pick(&TEXTS) });
            if self.dice.flip() {
                element["type"] = Value::from(*self.dice.pick(&EMAIL_TYPES));
            }
            if number == primary {
                element["primary"] = Value::from(true);
            }
            element
        };
        (0..count).map(element).collect()
    }

    fn random_group(&mut self, id: &str) -> Resource {
        let display = *self.dice.pick(&TEXTS);
        let group = group(id, display);
        if self.dice.once_in(3) {
            group.with("externalId", *self.dice.pick(&TEXTS))
        } else {
            group
        }
    }

    async fn create_user(&mut self) {
        let id = self.new_id('u');
        let user = self.random_user(&id);
        self.create(user).await;
    }

    async fn create_group(&mut self) {
        let id = self.new_id('g');
        let group = self.random_group(&id);
        self.create(group).await;
    }

    async fn create(&mut self, resource: Resource) {
        let create = || vec![Change::Create(resource.create())];
        let told = outcome(self.reference.commit(create()).await);
        let answer = outcome(self.subject.commit(create()).await);
        assert_eq!(answer, told, "{}: create {resource:?}", self.seed);
        if told.is_ok() {
            self.known.insert(resource.id().into(), resource);
        }
    }

    async fn replace(&mut self) {
        let Some(id) = self.any_id() else { return };
        let old = self.known[&id].clone();
        let new = match old.resource_type {
            "User" => self.random_user(&id),
            _ => self.random_group(&id),
        };
        let ahead = i64::from(self.dice.once_in(8));
        let replace = |version: Version| {
            let expect = Version(version.0 + ahead);
            vec![Change::Replace(new.replace(&old, expect))]
        };
        let version = self.reference.version(&old).await;
        let told = outcome(self.reference.commit(replace(version)).await);
        let version = self.subject.version(&old).await;
        let answer = outcome(self.subject.commit(replace(version)).await);
        assert_eq!(answer, told, "{}: replace {old:?} by {new:?}", self.seed);
        if told.is_ok() {
            self.known.insert(id, new);
        }
    }

    async fn delete(&mut self) {
        let Some(id) = self.any_id() else { return };
        let old = self.known[&id].clone();
        let delete = |version| vec![Change::Delete(old.delete(version))];
        let version = self.reference.version(&old).await;
        let told = outcome(self.reference.commit(delete(version)).await);
        let version = self.subject.version(&old).await;
        let answer = outcome(self.subject.commit(delete(version)).await);
        assert_eq!(answer, told, "{}: delete {old:?}", self.seed);
        self.known.remove(&id);
    }

    fn some_ids(&mut self, at_most: usize) -> Vec<String> {
        let count = self.dice.roll(at_most + 1);
        let mut ids: Vec<String> = (0..count).filter_map(|_| self.any_id()).collect();
        if self.dice.once_in(12) {
            ids.push("nobody".into());
        }
        ids
    }

    async fn members(&mut self) {
        let Some(group) = self.id_of("Group") else {
            return;
        };
        let (add, remove) = (self.some_ids(3), self.some_ids(2));
        let change = Members {
            clear: self.dice.once_in(6),
            add: news(&add.iter().map(String::as_str).collect::<Vec<_>>()),
            remove: owned(&remove.iter().map(String::as_str).collect::<Vec<_>>()),
            ..members(&group)
        };
        let told = self
            .reference
            .commit(vec![Change::Members(change.clone())])
            .await;
        let answer = self
            .subject
            .commit(vec![Change::Members(change.clone())])
            .await;
        // With several faults in one change, which is told is the store's own.
        let known = |result| outcome(result).map_err(|_| ());
        assert_eq!(known(answer), known(told), "{}: {change:?}", self.seed);
    }

    fn random_selection(&mut self, resource_type: &str) -> (String, Option<String>) {
        let filter = (!self.dice.once_in(8)).then(|| self.filter(resource_type, 3));
        (resource_type.into(), filter)
    }

    fn random_type(&mut self) -> &'static str {
        if self.dice.once_in(4) {
            "Group"
        } else {
            "User"
        }
    }

    /// A search of one type, sorted or not, one page of it.
    async fn query_one_type(&mut self) {
        let resource_type = self.random_type();
        let (_, filter) = self.random_selection(resource_type);
        let mut selection = select(resource_type, filter.as_deref());
        if self.dice.flip() {
            let path = match resource_type {
                "User" => *self.dice.pick(&SORTS_OF_USERS),
                _ => *self.dice.pick(&SORTS_OF_GROUPS),
            };
            selection.sort = Some(sort(resource_type, path, self.dice.flip()));
        }
        let page = self.page();
        self.compare(vec![selection], page, filter.as_deref()).await;
    }

    /// A search over both types with a filter that the types share.
    async fn query_both_types(&mut self) {
        let resource_type = self.random_type();
        let (_, filter) = self.random_selection(resource_type);
        let descending = self.dice.flip();
        let ordered = self.dice.flip();
        let of_type = |name: &str| {
            let mut selection = select(name, filter.as_deref());
            selection.sort = ordered.then(|| sort(name, "displayName", descending));
            selection
        };
        let selections = vec![of_type("User"), of_type("Group")];
        let page = self.page();
        self.compare(selections, page, filter.as_deref()).await;
    }

    fn page(&mut self) -> Page {
        let (offset, count) = match self.dice.roll(3) {
            0 => (0, 10_000),
            _ => (self.dice.roll(12) as u64, self.dice.roll(8)),
        };
        Page::Index { offset, count }
    }

    async fn compare(
        &self,
        selections: Vec<crate::store::Selection>,
        page: Page,
        filter: Option<&str>,
    ) {
        let query = query(selections, page);
        let told = self.reference.search(query.clone()).await;
        let answer = self.subject.search(query.clone()).await;
        let (told, answer) = (Seen::of(&told), Seen::of(&answer));
        assert_eq!(answer, told, "{}: {filter:?} as {query:?}", self.seed);
    }

    /// Goes through all that a filter selects, page after page.
    async fn walk(&mut self) {
        let resource_type = self.random_type();
        let (_, filter) = self.random_selection(resource_type);
        let mut selections = vec![select(resource_type, filter.as_deref())];
        match self.dice.roll(4) {
            0 | 1 => {
                let path = match resource_type {
                    "User" => *self.dice.pick(&SORTS_OF_USERS),
                    _ => *self.dice.pick(&SORTS_OF_GROUPS),
                };
                selections[0].sort = Some(sort(resource_type, path, self.dice.flip()));
            }
            2 => {
                let both = ["User", "Group"].map(|name| select(name, filter.as_deref()));
                selections = both.into();
            }
            _ => {}
        }
        let count = 1 + self.dice.roll(9);
        let (mut here, mut there) = (None, None);
        loop {
            let ask =
                |place: Option<Place>| query(selections.clone(), Page::After { place, count });
            let told = self.reference.search(ask(here)).await;
            let answer = self.subject.search(ask(there)).await;
            let (told_seen, answer_seen) = (Seen::of(&told), Seen::of(&answer));
            (here, there) = (told.next, answer.next);
            let (told, answer) = (told_seen, answer_seen);
            assert_eq!(answer, told, "{}: {filter:?}, pages of {count}", self.seed);
            if here.is_none() {
                return;
            }
        }
    }

    /// Compares everything that both stores show.
    async fn compare_all(&self) {
        let (told, answer) = (self.reference.dump().await, self.subject.dump().await);
        let seen = |found: &[Found]| found.iter().map(settled).collect::<Vec<_>>();
        assert_eq!(
            seen(&answer.resources),
            seen(&told.resources),
            "{}",
            self.seed
        );
        assert_eq!(answer.events.len(), told.events.len(), "{}", self.seed);
        for found in &told.resources {
            let (kind, id) = (&found.record.resource_type, &found.record.id);
            let answer = self
                .subject
                .store
                .read(self.subject.partition, kind, id, WHOLE);
            let answer = answer.await.unwrap().unwrap();
            assert_eq!(settled(&answer), settled(found), "{}", self.seed);
        }
    }
}

/// A page with nothing of the store's own in it.
#[derive(Debug, PartialEq)]
struct Seen {
    total: u64,
    more: bool,
    items: Vec<Found>,
}

impl Seen {
    fn of(page: &FoundPage) -> Self {
        Self {
            total: page.total,
            more: page.next.is_some(),
            items: page.items.iter().map(settled).collect(),
        }
    }
}

/// The resource without its version and position, which each store counts as it likes; groups and
/// members by id, and absent when empty.
fn settled(found: &Found) -> Found {
    let mut found = found.clone();
    found.record.version = Version(0);
    found.record.position = Position(0);
    found.groups = found.groups.filter(|groups| !groups.is_empty());
    found.members = found.members.filter(|members| !members.is_empty());
    if let Some(groups) = &mut found.groups {
        assert!(groups.is_sorted_by_key(|group| !group.direct), "{groups:?}");
        groups.sort_by(|a, b| a.id.cmp(&b.id));
    }
    if let Some(members) = &mut found.members {
        members.sort_by(|a, b| a.id.cmp(&b.id));
    }
    found
}

/// Filters as text.
impl Script {
    fn filter(&mut self, resource_type: &str, depth: usize) -> String {
        let kind = if depth == 0 { 0 } else { self.dice.roll(9) };
        match kind {
            0..=3 => self.comparison(attributes(resource_type)),
            4 | 5 => self.element(resource_type, depth - 1),
            6 => format!("not ({})", self.filter(resource_type, depth - 1)),
            _ => {
                let left = self.filter(resource_type, depth - 1);
                let right = self.filter(resource_type, depth - 1);
                format!("({left}) {} ({right})", self.dice.pick(&["and", "or"]))
            }
        }
    }

    fn element(&mut self, resource_type: &str, depth: usize) -> String {
        let lists = if resource_type == "User" {
            LISTS_OF_USERS
        } else {
            LISTS_OF_GROUPS
        };
        let (list, within) = *self.dice.pick(lists);
        let mut inner = self.comparison(within);
        for _ in 0..self.dice.roll(depth + 1) {
            let (word, more) = (*self.dice.pick(&["and", "or"]), self.comparison(within));
            inner = match self.dice.roll(4) {
                0 => format!("not ({inner}) {word} {more}"),
                1 => format!("({inner}) {word} not ({more})"),
                _ => format!("({inner}) {word} {more}"),
            };
        }
        format!("{list}[{inner}]")
    }

    fn comparison(&mut self, attributes: Attributes) -> String {
        let (path, operand) = *self.dice.pick(attributes);
        if self.dice.once_in(8) {
            return format!("{path} pr");
        }
        let among = match operand {
            Operand::Boolean => &OPERATORS[..2],
            _ => &OPERATORS[..],
        };
        let operator = *self.dice.pick(among);
        let part = matches!(operator, "co" | "sw" | "ew");
        let literal = match operand {
            Operand::Boolean => json!(self.dice.flip()),
            Operand::Instant if part => return format!("{path} pr"),
            Operand::Instant => json!(self.instant()),
            Operand::Text if part => json!(self.dice.pick(&PARTS)),
            Operand::Text => json!(self.dice.pick(&TEXTS)),
            Operand::Id if part => json!(self.dice.pick(&["u", "g", "1", "u1", ""])),
            Operand::Id => json!(self.any_id().unwrap_or_default()),
            Operand::Type => {
                let types = [
                    "work", "HOME", "other", "direct", "indirect", "User", "group",
                ];
                json!(self.dice.pick(&types))
            }
        };
        format!("{path} {operator} {literal}")
    }

    /// An instant of the script, or just beside one.
    fn instant(&mut self) -> String {
        let at = START + self.dice.roll(400) as i64 * 1_000 + self.dice.roll(2) as i64;
        Timestamp(at).to_string()
    }
}

fn attributes(resource_type: &str) -> Attributes {
    if resource_type == "User" {
        OF_USERS
    } else {
        OF_GROUPS
    }
}

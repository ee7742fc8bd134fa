//! The reference: a store that is right by being plain. It keeps everything in memory,
//! answers every search by evaluating the condition on each resource, and commits on a copy.
//!
//! Other stores are compared with it (see `suite`); it also serves tests that need a store
//! and no disk. Nothing in it is fast.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use civitas_scim::{
    definition::Claim,
    index::{self, IndexEntry},
    schema::ResourceType,
    value::Key,
};

use super::{
    Changes, ChangesQuery, Event, EventKind, FoundPage, LogReach, MAX_SNAPSHOTS, Newest, Page,
    Place, Position, Query, ReadError, Referent, RegistryError, Selection, Snapshot, Store, Want,
};
use crate::{
    catalogue::{Build, Catalogue},
    change::{
        Change, ChangeSet, Committed, Create, Delete, Difference, Members, Proof, Rejected,
        Replace, Unique,
    },
    client::{Client, ClientChange, ClientRefusal, DistinguishedName},
    credential::{Credential, Lockout, LockoutChange, Verdict},
    file::File,
    job::{End, Forget, Job, Part, PartDone, Row},
    link::{Link, LinkChange},
    mail::{MAIL_LEASE, MOST_KEPT, Mail, Settled},
    record::{Found, GroupRef, MemberRef, Record, Timestamp, Version},
    redefinition::{IndexOf, Redefinition, Refused, TypeClaim},
    retry::{Attempt, Claimed},
    settings::{self, Settings},
    stream::{MAX_STREAMS, Stream, StreamChange},
    tenant::{Partition, Stage, Tenant},
    text::TextSet,
};

/// The resource type that belongs to groups.
const USER: &str = "User";
/// The resource type that has members.
const GROUP: &str = "Group";

/// A [`Store`] in memory. What it keeps ends with it. It enforces no limit on the documents
/// that a query examines.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

/// Everything the store keeps.
#[derive(Debug, Default)]
struct State {
    tenants: BTreeMap<String, Tenant>,
    settings: Settings,
    /// By number of the partition.
    shelves: BTreeMap<i64, Shelf>,
    secrets: BTreeMap<String, Vec<u8>>,
    /// What jobs are yet to do and what came of their steps, by number of the partition, id,
    /// and number.
    parts: BTreeMap<(i64, String, u64), Received>,
    rows: BTreeMap<(i64, String, u64), String>,
    /// By number of the partition and name.
    files: BTreeMap<(i64, String), (File, Vec<u8>)>,
    /// Requests under a token and when they are forgotten, by number of the partition and key.
    retries: BTreeMap<(i64, String), Retry>,
    /// By number of the partition and id.
    streams: BTreeMap<(i64, String), Stream>,
    /// In the order in which they came.
    mails: Vec<Waiting>,
    /// The last position given to a resource of any partition.
    last_position: i64,
    commits: u64,
}

/// A request under a token.
#[derive(Debug)]
struct Retry {
    content: String,
    until: Timestamp,
    answer: Option<String>,
}

/// A mail that waits to be sent.
#[derive(Debug)]
struct Waiting {
    of: Partition,
    mail: Mail,
    /// When it is due; `None` of one that is kept.
    due: Option<Instant>,
}

/// A part of a job, and when it was added.
#[derive(Debug)]
struct Received {
    content: Vec<u8>,
    added: Instant,
}

/// What one partition holds.
#[derive(Debug, Default)]
struct Shelf {
    generation: i64,
    scene: Scene,
    clients: BTreeMap<String, Client>,
    lockouts: BTreeMap<String, Lockout>,
    snapshots: BTreeMap<String, (Timestamp, Scene)>,
    rehearsals: String,
}

/// What of a partition a snapshot keeps.
#[derive(Debug, Default, Clone)]
struct Scene {
    resources: Resources,
    events: Vec<Event>,
    /// The last event that was forgotten.
    pruned: Version,
    /// The number of the last event.
    last_event: i64,
    stage: Stage,
    settings: Settings,
    catalogue: Arc<Catalogue>,
    jobs: BTreeMap<String, Job>,
    links: BTreeMap<String, Link>,
    /// By kind and language.
    texts: BTreeMap<(String, String), TextSet>,
}

/// The resources of a partition in creation order, and who is whose member.
#[derive(Debug, Default, Clone)]
struct Resources {
    stored: BTreeMap<Position, Arc<Stored>>,
    positions: BTreeMap<String, Position>,
    /// Members by group.
    members: BTreeMap<Position, BTreeSet<Position>>,
    /// What clients called members when they added them, by group and member.
    labels: BTreeMap<(Position, Position), String>,
}

/// One resource.
#[derive(Debug, Clone)]
struct Stored {
    position: Position,
    record: Record,
    display: String,
    index: Vec<IndexEntry>,
    credential: Credential,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The state. A panic elsewhere cannot have left it half changed: changes are made on a
    /// copy and moved in.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is seen in the partition; in an empty one when nothing was written to it.
    fn look<T>(&self, partition: Partition, see: impl FnOnce(&Shelf) -> T) -> T {
        match self.state().shelves.get(&partition.raw()) {
            Some(kept) => see(kept),
            None => see(&Shelf::default()),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(
        &self,
        partition: Partition,
        resource_type: &str,
        id: &str,
        want: Want,
    ) -> Result<Option<Found>, ReadError> {
        Ok(self.look(partition, |shelf| {
            let stored = shelf.scene.resources.of_type(resource_type, id)?;
            Some(shelf.scene.resources.found(stored, want))
        }))
    }

    async fn referents(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Referent>>, ReadError> {
        Ok(self.look(partition, |shelf| {
            let referent = |id: &String| shelf.scene.resources.by_id(id).map(|it| it.referent());
            ids.iter().map(referent).collect()
        }))
    }

    async fn search(&self, partition: Partition, query: Query) -> Result<FoundPage, ReadError> {
        Ok(self.look(partition, |shelf| shelf.scene.resources.search(&query)))
    }

    async fn credentials(
        &self,
        partition: Partition,
        ids: &[String],
    ) -> Result<Vec<Option<Credential>>, ReadError> {
        Ok(self.look(partition, |shelf| {
            let credential = |id: &String| {
                let stored = shelf.scene.resources.by_id(id)?;
                let is_empty = stored.credential.is_empty();
                (!is_empty).then(|| stored.credential.clone())
            };
            ids.iter().map(credential).collect()
        }))
    }

    async fn events(
        &self,
        partition: Partition,
        after: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        Ok(self.look(partition, |shelf| {
            let later = |event: &&Event| after.is_none_or(|after| event.version > after);
            let events = shelf.scene.events.iter();
            events.filter(later).take(limit).cloned().collect()
        }))
    }

    async fn changes(
        &self,
        partition: Partition,
        query: ChangesQuery,
    ) -> Result<Option<Changes>, ReadError> {
        Ok(self.look(partition, |shelf| {
            let reach = shelf.scene.reach();
            let is_known = (reach.pruned..=reach.last).contains(&query.after);
            is_known.then(|| shelf.scene.changes(&query))
        }))
    }

    async fn log_reach(&self, partition: Partition) -> Result<LogReach, ReadError> {
        Ok(self.look(partition, |shelf| shelf.scene.reach()))
    }

    async fn prune_events(
        &self,
        before: Timestamp,
        most: u64,
        step: usize,
    ) -> Result<bool, ReadError> {
        let mut state = self.state();
        let shelves = state.shelves.iter_mut();
        let mut left = step;
        for (_, shelf) in shelves.filter(|(key, _)| **key > 0) {
            let scene = &mut shelf.scene;
            let kept_from = scene.last_event.saturating_sub_unsigned(most);
            let open = scene.jobs.values().filter(|job| job.end.is_none());
            let needed_after = open.map(|job| job.since).min();
            let is_old = |event: &Event| {
                (event.at < before || event.version.0 <= kept_from)
                    && needed_after.is_none_or(|since| event.version <= since)
            };
            while left > 0 && scene.events.first().is_some_and(is_old) {
                scene.pruned = scene.events.remove(0).version;
                left -= 1;
            }
        }
        Ok(left == 0)
    }

    async fn commit(
        &self,
        partition: Partition,
        change_set: ChangeSet,
    ) -> Result<Committed, Rejected> {
        self.state().commit(partition, change_set)
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, RegistryError> {
        let state = self.state();
        Ok(state.tenants.values().map(|it| state.present(it)).collect())
    }

    async fn tenant_by_name(&self, name: &str) -> Result<Option<Tenant>, RegistryError> {
        let state = self.state();
        Ok(state.tenants.get(name).map(|it| state.present(it)))
    }

    async fn tenant_by_host(&self, host: &str) -> Result<Option<Tenant>, RegistryError> {
        let state = self.state();
        Ok(state.tenant_by_host(host).map(|it| state.present(it)))
    }

    async fn create_tenant(&self, name: &str, hosts: &[String]) -> Result<Tenant, RegistryError> {
        self.state().create_tenant(name, hosts)
    }

    async fn server_settings(&self) -> Result<Settings, RegistryError> {
        Ok(self.state().settings.clone())
    }

    async fn change_settings(
        &self,
        of: Option<Partition>,
        changes: &[settings::Change],
    ) -> Result<(), RegistryError> {
        self.state().change_settings(of, changes)
    }

    async fn set_stage(&self, partition: Partition, stage: Stage) -> Result<(), RegistryError> {
        self.state().shelf(partition)?.scene.stage = stage;
        Ok(())
    }

    async fn rehearsals(&self, partition: Partition) -> Result<String, RegistryError> {
        Ok(self.state().shelf(partition)?.rehearsals.clone())
    }

    async fn set_rehearsals(&self, partition: Partition, text: &str) -> Result<(), RegistryError> {
        self.state().shelf(partition)?.rehearsals = text.into();
        Ok(())
    }

    async fn take_snapshot(
        &self,
        partition: Partition,
        name: &str,
        at: Timestamp,
    ) -> Result<Snapshot, RegistryError> {
        let mut state = self.state();
        let place = state.shelf(partition)?;
        if !place.snapshots.contains_key(name) && place.snapshots.len() >= MAX_SNAPSHOTS {
            return Err(RegistryError::TooManySnapshots(MAX_SNAPSHOTS));
        }
        let mut scene = place.scene.clone();
        scene.jobs.retain(|_, job| job.end.is_some());
        let taken = scene.snapshot(name, at);
        place.snapshots.insert(name.into(), (at, scene));
        Ok(taken)
    }

    async fn snapshots(&self, partition: Partition) -> Result<Vec<Snapshot>, RegistryError> {
        let mut state = self.state();
        let snapshots = state.shelf(partition)?.snapshots.iter();
        Ok(snapshots
            .map(|(name, (at, scene))| scene.snapshot(name, *at))
            .collect())
    }

    async fn drop_snapshot(&self, partition: Partition, name: &str) -> Result<(), RegistryError> {
        let mut state = self.state();
        let dropped = state.shelf(partition)?.snapshots.remove(name);
        dropped.map(drop).ok_or_else(|| no_snapshot(name))
    }

    async fn reset(
        &self,
        partition: Partition,
        snapshot: Option<&str>,
    ) -> Result<Partition, RegistryError> {
        let mut state = self.state();
        let place = state.shelf(partition)?;
        place.scene = match snapshot {
            None => Scene::default(),
            Some(name) => {
                let kept = place.snapshots.get(name);
                kept.map(|(_, scene)| scene.clone())
                    .ok_or_else(|| no_snapshot(name))?
            }
        };
        place.generation += 1;
        place.rehearsals.clear();
        let (generation, last) = (place.generation, Version(place.scene.last_event));
        let jobs: BTreeSet<String> = place.scene.jobs.keys().cloned().collect();
        let own = partition.raw();
        state.mails.retain(|it| it.of.raw() != own);
        state.parts.retain(|(of, ..), _| *of != own);
        state.files.retain(|(of, _), _| *of != own);
        state.retries.retain(|(of, _), _| *of != own);
        let rows = &mut state.rows;
        rows.retain(|(of, job, _), _| *of != own || jobs.contains(job));
        let streams = state.streams.iter_mut();
        for (_, stream) in streams.filter(|((of, _), _)| *of == partition.raw()) {
            StreamChange::Reset(last).apply(stream);
        }
        Ok(partition.in_generation(generation))
    }

    async fn client(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Client>, RegistryError> {
        Ok(self.look(partition, |shelf| shelf.clients.get(id).cloned()))
    }

    async fn clients(&self, partition: Partition) -> Result<Vec<Client>, RegistryError> {
        Ok(self.look(partition, |shelf| shelf.clients.values().cloned().collect()))
    }

    async fn create_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let clients = &mut state.shelves.entry(partition.raw()).or_default().clients;
        if clients.contains_key(&client.id) {
            return Err(RegistryError::ClientExists(client.id));
        }
        client.check_certificates()?;
        check_unbound(clients, &client)?;
        clients.insert(client.id.clone(), client);
        Ok(())
    }

    async fn replace_client(
        &self,
        partition: Partition,
        client: Client,
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let clients = &mut state.shelves.entry(partition.raw()).or_default().clients;
        match clients.get_mut(&client.id) {
            Some(stored) => {
                let certificates = std::mem::take(&mut stored.certificates);
                *stored = Client {
                    certificates,
                    ..client
                };
            }
            None => return Err(RegistryError::Missing(format!("client {}", client.id))),
        }
        Ok(())
    }

    async fn change_client(
        &self,
        partition: Partition,
        id: &str,
        change: ClientChange,
    ) -> Result<Client, RegistryError> {
        let mut state = self.state();
        let clients = &mut state.shelves.entry(partition.raw()).or_default().clients;
        let stored = clients.get(id).cloned();
        let mut client = stored.ok_or_else(|| RegistryError::Missing(format!("client {id}")))?;
        change.apply(&mut client)?;
        check_unbound(clients, &client)?;
        clients.insert(id.to_owned(), client.clone());
        Ok(client)
    }

    async fn client_by_certificate(
        &self,
        partition: Partition,
        subject: &DistinguishedName,
    ) -> Result<Option<Client>, RegistryError> {
        Ok(self.look(partition, |shelf| {
            let mut clients = shelf.clients.values();
            let found = clients.find(|it| it.certificates.contains(subject));
            found.cloned()
        }))
    }

    async fn client_lockout(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Lockout, RegistryError> {
        let lockout = self.look(partition, |shelf| shelf.lockouts.get(id).copied());
        Ok(lockout.unwrap_or_default())
    }

    async fn change_lockout(
        &self,
        partition: Partition,
        id: &str,
        change: LockoutChange,
    ) -> Result<Verdict, RegistryError> {
        let mut state = self.state();
        let place = state.shelves.entry(partition.raw()).or_default();
        Ok(change.apply(place.lockouts.entry(id.to_owned()).or_default()))
    }

    async fn create_job(&self, partition: Partition, job: Job) -> Result<(), RegistryError> {
        let mut state = self.state();
        let jobs = &mut state.shelf(partition)?.scene.jobs;
        jobs.insert(job.id.clone(), job);
        Ok(())
    }

    async fn job(&self, partition: Partition, id: &str) -> Result<Option<Job>, RegistryError> {
        Ok(self.look(partition, |shelf| shelf.scene.jobs.get(id).cloned()))
    }

    async fn add_job_part(
        &self,
        partition: Partition,
        id: &str,
        part: Part,
    ) -> Result<(), RegistryError> {
        let key = (partition.raw(), id.to_owned(), part.number);
        let part = Received {
            content: part.content,
            added: Instant::now(),
        };
        self.state().parts.insert(key, part);
        Ok(())
    }

    async fn drop_job_parts(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        self.state().drop_parts(partition, id);
        Ok(())
    }

    async fn drop_stray_parts(&self, idle: Duration) -> Result<(), RegistryError> {
        let State { shelves, parts, .. } = &mut *self.state();
        let fresh = parts.iter().filter(|(_, part)| part.added.elapsed() < idle);
        let fresh = fresh.map(|((of, id, _), _)| (*of, id.clone()));
        let fresh: BTreeSet<(i64, String)> = fresh.collect();
        let is_job = |of: i64, id: &str| {
            let place = shelves.get(&of);
            place.is_some_and(|it| it.scene.jobs.contains_key(id))
        };
        parts.retain(|(of, id, _), _| is_job(*of, id) || fresh.contains(&(*of, id.clone())));
        Ok(())
    }

    async fn next_job_part(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Part>, RegistryError> {
        let state = self.state();
        let mut parts = numbered(&state.parts, partition, id, None);
        Ok(parts.next().map(|(number, part)| Part {
            number,
            content: part.content.clone(),
        }))
    }

    async fn finish_job_part(
        &self,
        partition: Partition,
        id: &str,
        done: PartDone,
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let job = state.open_job(partition, id)?;
        job.done += done.rows.len() as u64;
        job.since = done.since;
        let key = |number| (partition.raw(), id.to_owned(), number);
        state.parts.remove(&key(done.number));
        let rows = done.rows.into_iter();
        state.rows.extend(rows.map(|row| (key(row.step), row.text)));
        Ok(())
    }

    async fn job_rows(
        &self,
        partition: Partition,
        id: &str,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Row>, RegistryError> {
        let state = self.state();
        let rows = numbered(&state.rows, partition, id, after).take(limit);
        let rows = rows.map(|(step, text)| Row {
            step,
            text: text.clone(),
        });
        Ok(rows.collect())
    }

    async fn cancel_job(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let mut state = self.state();
        let job = state.shelf(partition)?.scene.jobs.get_mut(id);
        if let Some(job) = job.filter(|job| job.end.is_none()) {
            job.cancelled = true;
        }
        Ok(())
    }

    async fn end_job(&self, partition: Partition, id: &str, end: End) -> Result<(), RegistryError> {
        let mut state = self.state();
        let job = state.open_job(partition, id)?;
        job.end = Some(end);
        job.cancelled = false;
        job.input.clear();
        state.drop_parts(partition, id);
        Ok(())
    }

    async fn open_jobs(&self) -> Result<Vec<(Partition, Job)>, RegistryError> {
        let state = self.state();
        let open = state.shelves.iter().flat_map(|(raw, shelf)| {
            let jobs = shelf.scene.jobs.values();
            let open = jobs.filter(|job| job.end.is_none());
            open.map(|job| (Partition::from_raw(*raw), job.clone()))
        });
        Ok(open.collect())
    }

    async fn forget_jobs(&self, partition: Partition, forget: Forget) -> Result<(), RegistryError> {
        let mut state = self.state();
        let mut purged = BTreeSet::new();
        state.shelf(partition)?.scene.jobs.retain(|id, job| {
            let Some(end) = job.end.as_mut() else {
                return true;
            };
            if end.at < forget.results {
                end.result.clear();
                purged.insert(id.clone());
            }
            end.at >= forget.jobs
        });
        let rows = &mut state.rows;
        rows.retain(|(of, id, _), _| *of != partition.raw() || !purged.contains(id));
        Ok(())
    }

    async fn jobs(
        &self,
        partition: Partition,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Job>, RegistryError> {
        Ok(self
            .look(partition, |shelf| {
                let jobs = shelf.scene.jobs.values().rev();
                let jobs = jobs.filter(|it| before.is_none_or(|before| it.id.as_str() < before));
                Some(jobs.take(limit).cloned().collect())
            })
            .unwrap_or_default())
    }

    async fn add_file(
        &self,
        partition: Partition,
        file: File,
        content: Vec<u8>,
    ) -> Result<bool, RegistryError> {
        let key = (partition.raw(), file.name.clone());
        let size = content.len() as u64;
        let file = File { size, ..file };
        match self.state().files.entry(key) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(free) => {
                free.insert((file, content));
                Ok(true)
            }
        }
    }

    async fn file(
        &self,
        partition: Partition,
        name: &str,
    ) -> Result<Option<(File, Vec<u8>)>, RegistryError> {
        let key = (partition.raw(), name.to_owned());
        Ok(self.state().files.get(&key).cloned())
    }

    async fn files(&self, partition: Partition) -> Result<Vec<File>, RegistryError> {
        let state = self.state();
        let own = state
            .files
            .iter()
            .filter(|((of, _), _)| *of == partition.raw());
        Ok(own.map(|(_, (file, _))| file.clone()).collect())
    }

    async fn drop_file(&self, partition: Partition, name: &str) -> Result<bool, RegistryError> {
        let key = (partition.raw(), name.to_owned());
        Ok(self.state().files.remove(&key).is_some())
    }

    async fn forget_files(
        &self,
        partition: Partition,
        before: Timestamp,
    ) -> Result<(), RegistryError> {
        let files = &mut self.state().files;
        files.retain(|(of, _), (file, _)| *of != partition.raw() || file.created >= before);
        Ok(())
    }

    async fn claim_retry(
        &self,
        partition: Partition,
        attempt: &Attempt,
    ) -> Result<Claimed<String>, RegistryError> {
        let own = partition.raw();
        let mut state = self.state();
        let retries = &mut state.retries;
        retries.retain(|(of, _), it| *of != own || it.until > attempt.at);
        match retries.entry((own, attempt.key.clone())) {
            Entry::Occupied(found) => {
                let Retry {
                    content, answer, ..
                } = found.get();
                Ok(Claimed::found(attempt, content, answer.clone()))
            }
            Entry::Vacant(free) => {
                free.insert(Retry {
                    content: attempt.content.clone(),
                    until: attempt.until(),
                    answer: None,
                });
                Ok(Claimed::Granted)
            }
        }
    }

    async fn settle_retry(
        &self,
        partition: Partition,
        key: &str,
        answer: Option<&str>,
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let Entry::Occupied(mut found) = state.retries.entry((partition.raw(), key.to_owned()))
        else {
            return Ok(());
        };
        if found.get().answer.is_some() {
            return Ok(());
        }
        match answer {
            Some(answer) => found.get_mut().answer = Some(answer.to_owned()),
            None => {
                found.remove();
            }
        }
        Ok(())
    }

    async fn create_stream(
        &self,
        partition: Partition,
        stream: Stream,
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let streams = state.streams.keys();
        if streams.filter(|(of, _)| *of == partition.raw()).count() >= MAX_STREAMS {
            return Err(RegistryError::TooManyStreams(MAX_STREAMS));
        }
        let key = (partition.raw(), stream.id.clone());
        state.streams.insert(key, stream);
        Ok(())
    }

    async fn stream(
        &self,
        partition: Partition,
        id: &str,
    ) -> Result<Option<Stream>, RegistryError> {
        let key = (partition.raw(), id.to_owned());
        Ok(self.state().streams.get(&key).cloned())
    }

    async fn streams(&self, partition: Partition) -> Result<Vec<Stream>, RegistryError> {
        let state = self.state();
        let streams = state.streams.iter();
        let own = streams.filter(|((of, _), _)| *of == partition.raw());
        Ok(own.map(|(_, stream)| stream.clone()).collect())
    }

    async fn all_streams(&self) -> Result<Vec<(Partition, Stream)>, RegistryError> {
        let state = self.state();
        let streams = state.streams.iter();
        let streams = streams.map(|((of, _), it)| (Partition::from_raw(*of), it.clone()));
        Ok(streams.collect())
    }

    async fn change_stream(
        &self,
        partition: Partition,
        id: &str,
        change: StreamChange,
    ) -> Result<Stream, RegistryError> {
        let mut state = self.state();
        let State {
            shelves, streams, ..
        } = &mut *state;
        let generation = shelves.get(&partition.raw()).map(|it| it.generation);
        if generation.unwrap_or_default() != partition.generation() {
            return Err(RegistryError::Reset);
        }
        let stream = streams.get_mut(&(partition.raw(), id.to_owned()));
        let stream = stream.ok_or_else(|| RegistryError::Missing(format!("stream {id}")))?;
        change.apply(stream);
        Ok(stream.clone())
    }

    async fn drop_stream(&self, partition: Partition, id: &str) -> Result<(), RegistryError> {
        let key = (partition.raw(), id.to_owned());
        let dropped = self.state().streams.remove(&key);
        let missing = || RegistryError::Missing(format!("stream {id}"));
        dropped.map(drop).ok_or_else(missing)
    }

    async fn take_mails(&self, most: usize) -> Result<Vec<(Partition, Mail)>, RegistryError> {
        let now = Instant::now();
        let mut state = self.state();
        let due = state.mails.iter_mut();
        let due = due.filter(|it| it.due.is_some_and(|due| due <= now));
        let taken = due.take(most).map(|it| {
            it.due = Some(now + MAIL_LEASE);
            (it.of, it.mail.clone())
        });
        Ok(taken.collect())
    }

    async fn settle_mail(
        &self,
        partition: Partition,
        id: &str,
        settled: Settled,
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let is = |it: &Waiting| it.of.raw() == partition.raw() && it.mail.id == id;
        if settled == Settled::Done {
            state.mails.retain(|it| !is(it));
        } else if let Some(waiting) = state.mails.iter_mut().find(|it| is(it)) {
            waiting.mail.attempts += 1;
            waiting.due = match settled {
                Settled::Later(after) => Some(Instant::now() + after),
                _ => None,
            };
        }
        let own = |it: &Waiting| it.of.raw() == partition.raw() && it.due.is_none();
        let kept = state.mails.iter().filter(|it| own(it)).count();
        let mut excess = kept.saturating_sub(MOST_KEPT);
        state.mails.retain(|it| {
            let goes = own(it) && excess > 0;
            excess -= usize::from(goes);
            !goes
        });
        Ok(())
    }

    async fn mails(&self, partition: Partition) -> Result<Vec<Mail>, RegistryError> {
        let state = self.state();
        let mails = state.mails.iter().rev();
        let own = mails.filter(|it| it.of.raw() == partition.raw());
        Ok(own.take(MOST_KEPT).map(|it| it.mail.clone()).collect())
    }

    async fn drop_mails(&self, partition: Partition) -> Result<(), RegistryError> {
        let mails = &mut self.state().mails;
        mails.retain(|it| it.of.raw() != partition.raw());
        Ok(())
    }

    async fn link(&self, partition: Partition, id: &str) -> Result<Option<Link>, RegistryError> {
        Ok(self.look(partition, |shelf| shelf.scene.links.get(id).cloned()))
    }

    async fn forget_links(&self, before: Timestamp) -> Result<(), RegistryError> {
        for shelf in self.state().shelves.values_mut() {
            shelf.scene.links.retain(|_, it| it.expires >= before);
        }
        Ok(())
    }

    async fn text(
        &self,
        partition: Partition,
        kind: &str,
        locale: &str,
    ) -> Result<Option<TextSet>, RegistryError> {
        let key = (kind.to_owned(), locale.to_owned());
        Ok(self.look(partition, |shelf| shelf.scene.texts.get(&key).cloned()))
    }

    async fn texts(&self, partition: Partition) -> Result<Vec<TextSet>, RegistryError> {
        Ok(self.look(partition, |shelf| {
            shelf.scene.texts.values().cloned().collect()
        }))
    }

    async fn set_texts(
        &self,
        partition: Partition,
        texts: &[TextSet],
    ) -> Result<(), RegistryError> {
        let mut state = self.state();
        let kept = &mut state
            .shelves
            .entry(partition.raw())
            .or_default()
            .scene
            .texts;
        for set in texts {
            let key = (set.kind.clone(), set.locale.clone());
            if set.content.is_empty() {
                kept.remove(&key);
            } else {
                kept.insert(key, set.clone());
            }
        }
        Ok(())
    }

    async fn secret(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, RegistryError> {
        let mut state = self.state();
        let kept = state.secrets.entry(name.to_owned());
        Ok(kept.or_insert_with(|| fresh.to_vec()).clone())
    }

    async fn replace_secret(
        &self,
        name: &str,
        old: &[u8],
        new: &[u8],
    ) -> Result<bool, RegistryError> {
        let mut state = self.state();
        let kept = state.secrets.get_mut(name).filter(|kept| *kept == old);
        Ok(kept.map(|kept| *kept = new.to_vec()).is_some())
    }

    async fn catalogue(&self, partition: Partition) -> Result<Arc<Catalogue>, RegistryError> {
        Ok(self.look(partition, |shelf| Arc::clone(&shelf.scene.catalogue)))
    }

    async fn redefine(
        &self,
        partition: Partition,
        redefinition: Redefinition,
    ) -> Result<(), Refused> {
        let mut state = self.state();
        let kept = state.shelves.entry(partition.raw()).or_default();
        if kept.generation != partition.generation() {
            return Err(Refused::Outdated);
        }
        kept.scene.redefine(redefinition)
    }

    async fn build_index(
        &self,
        partition: Partition,
        resource_type: &ResourceType,
        path: &str,
    ) -> Result<bool, ReadError> {
        let mut state = self.state();
        let kept = state.shelves.entry(partition.raw()).or_default();
        Ok(kept.scene.build(resource_type, path))
    }

    async fn ready(&self) -> Result<(), ReadError> {
        Ok(())
    }

    async fn verify(&self) -> Result<Vec<String>, ReadError> {
        let state = self.state();
        let shelves = state.shelves.values();
        Ok(shelves
            .flat_map(|shelf| shelf.scene.resources.faults(&shelf.scene.catalogue))
            .collect())
    }

    fn commits(&self) -> u64 {
        self.state().commits
    }
}

/// What a job has under numbers, after one, in their order.
fn numbered<'m, T>(
    all: &'m BTreeMap<(i64, String, u64), T>,
    partition: Partition,
    id: &str,
    after: Option<u64>,
) -> impl Iterator<Item = (u64, &'m T)> {
    let first = after.map_or(0, |it| it.saturating_add(1));
    let key = |number| (partition.raw(), id.to_owned(), number);
    let range = all.range(key(first)..=key(u64::MAX));
    range.map(|((_, _, number), value)| (*number, value))
}

impl State {
    fn open_job(&mut self, partition: Partition, id: &str) -> Result<&mut Job, RegistryError> {
        let job = self.shelf(partition)?.scene.jobs.get_mut(id);
        let job = job.filter(|job| job.end.is_none());
        job.ok_or_else(|| RegistryError::Missing(format!("open job {id}")))
    }

    fn drop_parts(&mut self, partition: Partition, id: &str) {
        let parts = &mut self.parts;
        parts.retain(|(of, job, _), _| (*of, job.as_str()) != (partition.raw(), id));
    }

    fn tenant_by_host(&self, host: &str) -> Option<&Tenant> {
        let has_host = |tenant: &&Tenant| tenant.hosts.iter().any(|own| own == host);
        self.tenants.values().find(has_host)
    }

    fn create_tenant(&mut self, name: &str, hosts: &[String]) -> Result<Tenant, RegistryError> {
        if self.tenants.contains_key(name) {
            return Err(RegistryError::TenantExists(name.into()));
        }
        if let Some(host) = hosts
            .iter()
            .find(|host| self.tenant_by_host(host).is_some())
        {
            return Err(RegistryError::HostTaken(host.clone()));
        }
        let tenant = Tenant {
            name: name.into(),
            hosts: hosts.to_vec(),
            partition: Partition::from_raw(self.tenants.len() as i64 + 1),
            catalogue: Catalogue::standard(),
            settings: Settings::default(),
            stage: Stage::default(),
            last_event: Version(0),
        };
        self.shelves
            .insert(tenant.partition.raw(), Shelf::default());
        self.tenants.insert(name.into(), tenant.clone());
        Ok(tenant)
    }

    fn change_settings(
        &mut self,
        of: Option<Partition>,
        changes: &[settings::Change],
    ) -> Result<(), RegistryError> {
        let settings = match of {
            None => &mut self.settings,
            Some(partition) => &mut self.shelf(partition)?.scene.settings,
        };
        for change in changes {
            // Changes are checked when they are made.
            let _ = settings.apply(change);
        }
        Ok(())
    }

    /// The tenant as it is now.
    fn present(&self, tenant: &Tenant) -> Tenant {
        let mut tenant = tenant.clone();
        if let Some(shelf) = self.shelves.get(&tenant.partition.raw()) {
            tenant.partition = tenant.partition.in_generation(shelf.generation);
            tenant.stage = shelf.scene.stage;
            tenant.settings = shelf.scene.settings.clone();
            tenant.catalogue = Arc::clone(&shelf.scene.catalogue);
            tenant.last_event = Version(shelf.scene.last_event);
        }
        tenant
    }

    /// The shelf of a tenant that exists.
    fn shelf(&mut self, partition: Partition) -> Result<&mut Shelf, RegistryError> {
        let place = self.shelves.get_mut(&partition.raw());
        place.ok_or_else(|| RegistryError::Missing("tenant".into()))
    }

    /// Applies the changes to a copy and moves it in when all guards held.
    fn commit(&mut self, partition: Partition, asked: ChangeSet) -> Result<Committed, Rejected> {
        let place = self.shelves.entry(partition.raw()).or_default();
        if place.generation != partition.generation() {
            return Err(Rejected::Reset);
        }
        let kept = &mut place.scene;
        if asked.catalogue != kept.catalogue.version() {
            return Err(Rejected::Outdated);
        }
        let mut draft = Draft {
            resources: kept.resources.clone(),
            at: asked.at,
            last_position: self.last_position,
            touched: Vec::new(),
            verdict: None,
            links: kept.links.clone(),
            mails: Vec::new(),
        };
        let mut first = None;
        for change in asked.changes {
            if let Some(position) = draft.apply(change)? {
                first.get_or_insert(position);
            }
        }
        let before = kept.last_event;
        for touched in &draft.touched {
            kept.last_event += 1;
            let version = Version(kept.last_event);
            draft.resources.mark(touched.position, version, asked.at);
            kept.events.push(Event {
                version,
                at: asked.at,
                actor: asked.actor.clone(),
                request_id: asked.request_id.clone(),
                kind: touched.kind,
                resource_type: touched.resource_type.clone(),
                id: touched.id.clone(),
                difference: touched.difference.clone(),
            });
        }
        let committed = draft.committed(first, before);
        self.last_position = draft.last_position;
        kept.resources = draft.resources;
        kept.links = draft.links;
        let now = Some(Instant::now());
        self.mails
            .extend(draft.mails.into_iter().map(|mail| Waiting {
                of: partition,
                mail,
                due: now,
            }));
        self.commits += 1;
        Ok(committed)
    }
}

impl Scene {
    fn snapshot(&self, name: &str, at: Timestamp) -> Snapshot {
        Snapshot {
            name: name.into(),
            at,
            last_event: Version(self.last_event),
        }
    }
}

/// Refuses certificates that are another client's.
fn check_unbound(clients: &BTreeMap<String, Client>, client: &Client) -> Result<(), ClientRefusal> {
    let others = clients.values().filter(|it| it.id != client.id);
    let mut bound = others.flat_map(|it| &it.certificates);
    match bound.find(|it| client.certificates.contains(it)) {
        Some(subject) => Err(ClientRefusal::Bound(subject.clone())),
        None => Ok(()),
    }
}

fn no_snapshot(name: &str) -> RegistryError {
    RegistryError::Missing(format!("snapshot {name}"))
}

impl Scene {
    fn reach(&self) -> LogReach {
        LogReach {
            pruned: self.pruned,
            last: self.events.last().map_or(self.pruned, |it| it.version),
        }
    }

    fn changes(&self, query: &ChangesQuery) -> Changes {
        let mut later = self.events.iter().filter(|it| it.version > query.after);
        let mut changes = Changes {
            items: Vec::new(),
            seen: query.after,
            more: false,
        };
        for event in later.by_ref().take(query.max_events) {
            if changes.items.len() == query.count {
                changes.more = true;
                return changes;
            }
            changes.seen = event.version;
            if query.types.contains(&event.resource_type) {
                changes.items.extend(self.newest(event, query.want));
            }
        }
        changes.more = later.next().is_some();
        changes
    }

    /// The state that the event made, if nothing happened to the resource since.
    fn newest(&self, event: &Event, want: Want) -> Option<Newest> {
        match self.resources.by_id(&event.id) {
            Some(stored) if stored.record.version == event.version => Some(Newest::Present {
                is_new: event.kind == EventKind::Created,
                found: self.resources.found(stored, want),
            }),
            None if event.kind == EventKind::Deleted => Some(Newest::Gone {
                resource_type: event.resource_type.clone(),
                id: event.id.clone(),
                at: event.at,
                version: event.version,
            }),
            _ => None,
        }
    }

    fn redefine(&mut self, asked: Redefinition) -> Result<(), Refused> {
        if asked.expect != self.catalogue.version() {
            return Err(Refused::Outdated);
        }
        for (number, claim) in asked.claims.iter().enumerate() {
            if let Some(id) = self.resources.contradiction(claim) {
                return Err(Refused::Broken { claim: number, id });
            }
        }
        let is_dropped = |it: &Build| {
            let mut dropped = asked.dropped.iter();
            dropped.any(|gone| gone.resource_type == it.resource_type && gone.path == it.path)
        };
        let mut builds = self.catalogue.builds().to_vec();
        builds.retain(|it| !is_dropped(it));
        for IndexOf {
            resource_type,
            path,
        } in asked.indexes
        {
            let own = |it: &&Arc<Stored>| it.record.resource_type == resource_type;
            let total = self.resources.stored.values().filter(own).count() as u64;
            builds.push(Build {
                resource_type,
                path,
                examined: 0,
                total,
            });
        }
        let version = Version(asked.expect.0 + 1);
        self.catalogue = Arc::new(Catalogue::new(version, asked.definitions, builds));
        Ok(())
    }

    /// All at once: what is in memory is read at once, too.
    fn build(&mut self, resource_type: &ResourceType, path: &str) -> bool {
        for stored in self.resources.stored.values_mut() {
            if stored.record.resource_type != resource_type.name {
                continue;
            }
            let entries = index::entries(&stored.record.attributes(), resource_type);
            let missing: Vec<_> = entries
                .into_iter()
                .filter(|it| it.path == path && !stored.index.contains(it))
                .collect();
            Arc::make_mut(stored).index.extend(missing);
        }
        let mut builds = self.catalogue.builds().to_vec();
        builds.retain(|it| it.resource_type != resource_type.name || it.path != path);
        let definitions = self.catalogue.definitions().clone();
        let version = self.catalogue.version();
        self.catalogue = Arc::new(Catalogue::new(version, definitions, builds));
        true
    }
}

/// The resources as a change set would leave them.
struct Draft {
    resources: Resources,
    at: Timestamp,
    last_position: i64,
    /// The changed resources, each once, in the order of their first change. They keep the
    /// version that was read until all guards held, so that several changes of one resource
    /// may name it.
    touched: Vec<Touched>,
    verdict: Option<Verdict>,
    links: BTreeMap<String, Link>,
    mails: Vec<Mail>,
}

/// A resource that gets a new version.
struct Touched {
    position: Position,
    kind: EventKind,
    resource_type: String,
    id: String,
    /// As the first change of the resource tells it.
    difference: Option<Difference>,
}

impl Draft {
    /// Applies one change; returns the position of the resource it is about, if it is about one.
    fn apply(&mut self, change: Change) -> Result<Option<Position>, Rejected> {
        Ok(Some(match change {
            Change::Create(create) => self.create(create)?,
            Change::Replace(replace) => self.replace(replace)?,
            Change::Delete(delete) => self.delete(&delete)?,
            Change::Members(members) => self.members(&members)?,
            Change::Touch(touch) => {
                let row = self.guarded(&touch.resource_type, &touch.id, touch.expect)?;
                self.touch(&row, EventKind::Changed, None);
                row.position
            }
            Change::Credential(proof) => self.credential(&proof)?,
            Change::Feint => return Ok(None),
            Change::Mail(mail) => {
                self.mails.push(mail);
                return Ok(None);
            }
            Change::Link(link) => {
                self.link(link)?;
                return Ok(None);
            }
        }))
    }

    fn link(&mut self, change: LinkChange) -> Result<(), Rejected> {
        match change {
            LinkChange::Issue(new) => {
                let is_same = |it: &Link| it.purpose == new.purpose && it.subject == new.subject;
                self.links.retain(|_, it| !is_same(it));
                self.links.insert(new.id.clone(), new);
            }
            LinkChange::Redeem { id, at } => {
                let found = self.links.remove(&id);
                if found.is_none_or(|it| it.has_expired(at)) {
                    return Err(Rejected::Spent);
                }
            }
        }
        Ok(())
    }

    fn credential(&mut self, proof: &Proof) -> Result<Position, Rejected> {
        let Some(old) = self.resources.by_id(&proof.id) else {
            let id = proof.id.clone();
            return Err(Rejected::Missing { id });
        };
        let mut stored = Stored::clone(old);
        let verdict = proof.change.apply(&mut stored.credential);
        if verdict == Some(Verdict::TooManyMails) {
            return Err(Rejected::TooManyMails);
        }
        self.verdict = verdict.or(self.verdict);
        let position = stored.position;
        self.resources.stored.insert(position, Arc::new(stored));
        Ok(position)
    }

    fn create(&mut self, new: Create) -> Result<Position, Rejected> {
        if self.resources.positions.contains_key(&new.id) {
            return Err(Rejected::Exists { id: new.id });
        }
        self.resources
            .check_free(&new.resource_type, &new.id, &new.unique)?;
        self.last_position += 1;
        let position = Position(self.last_position);
        self.resources.positions.insert(new.id.clone(), position);
        let stored = Stored {
            position,
            record: Record {
                resource_type: new.resource_type,
                id: new.id,
                position,
                version: Version(0),
                created: self.at,
                modified: self.at,
                document: new.document,
            },
            display: new.display,
            index: new.index,
            credential: Credential::default(),
        };
        self.touch(&stored, EventKind::Created, None);
        self.resources.stored.insert(position, Arc::new(stored));
        Ok(position)
    }

    fn replace(&mut self, new: Replace) -> Result<Position, Rejected> {
        let old = self.guarded(&new.resource_type, &new.id, Some(new.expect))?;
        self.resources
            .check_free(&new.resource_type, &new.id, &new.unique)?;
        let mut stored = Stored::clone(&old);
        stored.record.document = new.document;
        stored.display = new.display;
        for gone in &new.index_removed {
            if let Some(at) = stored.index.iter().position(|entry| entry == gone) {
                stored.index.swap_remove(at);
            }
        }
        stored.index.extend(new.index_added);
        self.touch(&stored, EventKind::Changed, Some(new.difference));
        self.resources.stored.insert(old.position, Arc::new(stored));
        Ok(old.position)
    }

    fn delete(&mut self, delete: &Delete) -> Result<Position, Rejected> {
        let old = self.guarded(&delete.resource_type, &delete.id, Some(delete.expect))?;
        self.touch(&old, EventKind::Deleted, None);
        for group in self.resources.groups_with(old.position) {
            self.touch(&group, EventKind::Changed, None);
        }
        self.resources.take_out(&old);
        Ok(old.position)
    }

    fn members(&mut self, change: &Members) -> Result<Position, Rejected> {
        let group = self.guarded(GROUP, &change.group, change.expect)?;
        let added = self.resources.new_members(change)?;
        let before = self.resources.members_of(group.position);
        let mut after = if change.clear {
            BTreeSet::new()
        } else {
            before.clone()
        };
        for gone in change
            .remove
            .iter()
            .filter_map(|id| self.resources.by_id(id))
        {
            after.remove(&gone.position);
        }
        after.extend(added.iter().map(|member| member.position));
        if after == before {
            return Ok(group.position);
        }
        for gone in before.difference(&after) {
            self.resources.labels.remove(&(group.position, *gone));
        }
        for (member, new) in added.iter().zip(&change.add) {
            if let Some(label) = new
                .display
                .clone()
                .filter(|_| !before.contains(&member.position))
            {
                let place = (group.position, member.position);
                self.resources.labels.entry(place).or_insert(label);
            }
        }
        self.resources.members.insert(group.position, after);
        for member in added {
            if self.resources.contains(member.position, group.position) {
                return Err(Rejected::Cycle {
                    id: member.record.id.clone(),
                });
            }
        }
        self.touch(&group, EventKind::Changed, None);
        Ok(group.position)
    }

    /// The resource to change, when it is there and has the version that was read.
    fn guarded(
        &self,
        resource_type: &str,
        id: &str,
        expect: Option<Version>,
    ) -> Result<Arc<Stored>, Rejected> {
        let Some(stored) = self.resources.of_type(resource_type, id) else {
            return Err(Rejected::Missing { id: id.into() });
        };
        if expect.is_some_and(|version| version != stored.record.version) {
            return Err(Rejected::Stale { id: id.into() });
        }
        Ok(Arc::clone(stored))
    }

    /// Notes that the resource gets a new version. A creation stays one, and a deletion is
    /// the last that happens.
    fn touch(&mut self, stored: &Stored, kind: EventKind, difference: Option<Difference>) {
        let same = |touched: &&mut Touched| touched.position == stored.position;
        match self.touched.iter_mut().find(same) {
            Some(touched) if kind == EventKind::Deleted => touched.kind = kind,
            Some(_) => {}
            None => self.touched.push(Touched {
                position: stored.position,
                kind,
                resource_type: stored.record.resource_type.clone(),
                id: stored.record.id.clone(),
                difference,
            }),
        }
    }

    /// What the commit did to the resource of the first change, when the last event before it
    /// was `before`. A set without changes did nothing to nothing.
    fn committed(&self, first: Option<Position>, before: i64) -> Committed {
        let number = |position| {
            let index = self.touched.iter().position(|it| it.position == position)?;
            Some((Version(before + index as i64 + 1), self.at))
        };
        let as_it_was = |position| {
            let record = &self.resources.stored.get(&position)?.record;
            Some((record.version, record.modified))
        };
        let (version, modified) = first
            .and_then(|position| number(position).or_else(|| as_it_was(position)))
            .unwrap_or((Version(before), self.at));
        Committed {
            position: first.unwrap_or(Position(0)),
            version,
            modified,
            changed: !self.touched.is_empty(),
            verdict: self.verdict,
        }
    }
}

impl Resources {
    fn by_id(&self, id: &str) -> Option<&Arc<Stored>> {
        self.stored.get(self.positions.get(id)?)
    }

    fn of_type(&self, resource_type: &str, id: &str) -> Option<&Arc<Stored>> {
        self.by_id(id)
            .filter(|stored| stored.record.resource_type == resource_type)
    }

    fn members_of(&self, group: Position) -> BTreeSet<Position> {
        self.members.get(&group).cloned().unwrap_or_default()
    }

    /// The groups that have the resource as a member of their own, in creation order.
    fn groups_with(&self, member: Position) -> Vec<Arc<Stored>> {
        self.members
            .iter()
            .filter(|(_, members)| members.contains(&member))
            .filter_map(|(group, _)| self.stored.get(group).cloned())
            .collect()
    }

    /// A resource that contradicts the claim.
    fn contradiction(&self, asked: &TypeClaim) -> Option<String> {
        let own = |it: &&Arc<Stored>| it.record.resource_type == asked.resource_type;
        let mut own = self.stored.values().filter(own);
        let found = match &asked.claim {
            Claim::Distinct { path } => {
                let mut seen: Vec<&Key> = Vec::new();
                own.find(|stored| {
                    let keys = stored.index.iter().filter(|it| it.path == *path);
                    let mut keys: Vec<&Key> = keys.map(|it| &it.key).collect();
                    keys.dedup();
                    let doubled = keys.iter().any(|key| seen.contains(key));
                    seen.extend(keys);
                    doubled
                })
            }
            claim => own.find(|stored| claim.is_broken_by(&stored.record.attributes())),
        };
        found.map(|stored| stored.record.id.clone())
    }

    /// Refuses unique values that another resource of the type has in its index.
    fn check_free(&self, resource_type: &str, id: &str, unique: &[Unique]) -> Result<(), Rejected> {
        let mut others = self.stored.values().filter(|stored| {
            stored.record.resource_type == resource_type && stored.record.id != id
        });
        let taken = others.find_map(|other| unique.iter().find(|value| other.holds(value)));
        match taken {
            Some(value) => Err(Rejected::Taken {
                path: value.path.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The members that a change adds.
    fn new_members(&self, change: &Members) -> Result<Vec<Arc<Stored>>, Rejected> {
        let mut members = Vec::with_capacity(change.add.len());
        for new in &change.add {
            let Some(member) = self.by_id(&new.id) else {
                return Err(Rejected::NoSuchMember { id: new.id.clone() });
            };
            let actual = &member.record.resource_type;
            let is_other = |claimed: &String| claimed != actual;
            let is_foreign = !matches!(actual.as_str(), USER | GROUP);
            if is_foreign || new.claimed_type.as_ref().is_some_and(is_other) {
                return Err(Rejected::MemberType {
                    id: new.id.clone(),
                    actual: actual.clone(),
                });
            }
            members.push(Arc::clone(member));
        }
        Ok(members)
    }

    /// Whether the group is the member or holds it on any level.
    fn contains(&self, group: Position, member: Position) -> bool {
        let mut seen = BTreeSet::from([group]);
        let mut waiting = vec![group];
        while let Some(group) = waiting.pop() {
            let fresh = self
                .members_of(group)
                .into_iter()
                .filter(|it| seen.insert(*it));
            waiting.extend(fresh.collect::<Vec<_>>());
        }
        seen.contains(&member)
    }

    fn take_out(&mut self, stored: &Stored) {
        self.stored.remove(&stored.position);
        self.positions.remove(&stored.record.id);
        self.members.remove(&stored.position);
        for members in self.members.values_mut() {
            members.remove(&stored.position);
        }
        let gone = stored.position;
        self.labels
            .retain(|(group, member), _| *group != gone && *member != gone);
    }

    /// Gives a resource, unless it was deleted, its new version.
    fn mark(&mut self, position: Position, version: Version, at: Timestamp) {
        if let Some(stored) = self.stored.get_mut(&position) {
            let record = &mut Arc::make_mut(stored).record;
            record.version = version;
            record.modified = at;
        }
    }
}

/// Reading.
impl Resources {
    fn found(&self, stored: &Stored, want: Want) -> Found {
        let record = stored.record.clone();
        let groups =
            (want.groups && record.resource_type == USER).then(|| self.group_refs(stored.position));
        let members = want
            .members
            .filter(|_| record.resource_type == GROUP)
            .map(|limit| self.member_refs(stored.position, limit));
        Found {
            record,
            groups,
            members,
        }
    }

    /// The groups that hold the user, direct ones first, each kind in creation order.
    fn group_refs(&self, user: Position) -> Vec<GroupRef> {
        let direct = self.groups_with(user);
        let mut all: BTreeMap<Position, Arc<Stored>> = BTreeMap::new();
        let mut waiting = direct.clone();
        while let Some(group) = waiting.pop() {
            let above = self.groups_with(group.position);
            if all.insert(group.position, group).is_none() {
                waiting.extend(above);
            }
        }
        for group in &direct {
            all.remove(&group.position);
        }
        let direct = direct.iter().map(|group| group.group_ref(true));
        let indirect = all.values().map(|group| group.group_ref(false));
        direct.chain(indirect).collect()
    }

    /// The members of a group, `limit` and one more: users, then groups.
    fn member_refs(&self, group: Position, limit: usize) -> Vec<MemberRef> {
        let members = self.members_of(group);
        let of_type = |groups: bool| {
            let stored = members.iter().filter_map(|member| self.stored.get(member));
            stored.filter(move |it| (it.record.resource_type == GROUP) == groups)
        };
        of_type(false)
            .chain(of_type(true))
            .take(limit.saturating_add(1))
            .map(|member| member.member_ref(self.labels.get(&(group, member.position))))
            .collect()
    }

    fn search(&self, query: &Query) -> FoundPage {
        let mut hits: Vec<Hit<'_>> = Vec::new();
        for (type_order, selection) in query.selections.iter().enumerate() {
            hits.extend(self.select(selection, type_order));
        }
        let sort = query.selections.iter().find_map(|it| it.sort.as_ref());
        let descending = sort.is_some_and(|sort| sort.descending);
        let total = hits.len() as u64;
        let (hits, next) = match &query.page {
            Page::Index { offset, count } => {
                let several = query.selections.len() > 1;
                hits.sort_by(|a, b| a.order(b, descending, several));
                let offset = usize::try_from(*offset).unwrap_or(usize::MAX);
                let hits: Vec<_> = hits.into_iter().skip(offset).take(*count).collect();
                (hits, None)
            }
            Page::After { place, count } => {
                let place = place.as_ref().map(|place| {
                    let mut selections = query.selections.iter();
                    let order = selections.position(|it| it.resource_type == place.resource_type);
                    (place, order.unwrap_or(usize::MAX))
                });
                after(hits, place, *count, descending)
            }
        };
        FoundPage {
            total,
            items: hits
                .iter()
                .map(|hit| self.found(hit.stored, query.want))
                .collect(),
            next,
        }
    }

    /// The resources of the type for which the condition holds.
    fn select<'s>(
        &'s self,
        selection: &'s Selection,
        type_order: usize,
    ) -> impl Iterator<Item = Hit<'s>> {
        let whole = Want {
            groups: true,
            members: Some(usize::MAX),
        };
        self.stored
            .values()
            .filter(|stored| stored.record.resource_type == selection.resource_type)
            .filter_map(move |stored| {
                let resource = self.found(stored, whole).resource();
                let condition = selection.condition.as_ref();
                condition
                    .is_none_or(|it| it.matches(&resource))
                    .then(|| Hit {
                        key: selection.sort.as_ref().and_then(|sort| sort.key(&resource)),
                        type_order,
                        stored,
                    })
            })
    }
}

/// A resource that a query found, with its place in the result.
struct Hit<'s> {
    key: Option<Key>,
    /// The place of its type among the types asked for.
    type_order: usize,
    stored: &'s Stored,
}

impl Hit<'_> {
    /// By the sort key; ties in creation order, whichever way the keys run.
    fn order(&self, other: &Self, descending: bool, several: bool) -> Ordering {
        let by_key = by_key(self.key.as_ref(), other.key.as_ref());
        let by_key = if descending { by_key.reverse() } else { by_key };
        let tie = |hit: &Self| {
            let stored = hit.stored;
            let among_types = several.then_some((stored.record.created, hit.type_order));
            (among_types, stored.position)
        };
        by_key.then_with(|| tie(self).cmp(&tie(other)))
    }

    /// By the sort key, then by type and creation, against a place of the type at an order.
    fn order_to(&self, key: Option<&Key>, type_order: usize, position: Position) -> Ordering {
        by_key(self.key.as_ref(), key)
            .then(self.type_order.cmp(&type_order))
            .then(self.stored.position.cmp(&position))
    }
}

/// A missing key comes after every other.
fn by_key(a: Option<&Key>, b: Option<&Key>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.order(b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// The hits that come after a place of the type at an order, and where to go on.
fn after<'s>(
    mut hits: Vec<Hit<'s>>,
    place: Option<(&Place, usize)>,
    count: usize,
    descending: bool,
) -> (Vec<Hit<'s>>, Option<Place>) {
    let beyond = if descending {
        Ordering::Less
    } else {
        Ordering::Greater
    };
    if let Some((place, order)) = place {
        hits.retain(|hit| hit.order_to(place.key.as_ref(), order, place.position) == beyond);
    }
    hits.sort_by(|a, b| {
        let order = a.order_to(b.key.as_ref(), b.type_order, b.stored.position);
        if descending { order.reverse() } else { order }
    });
    let more = hits.len() > count;
    hits.truncate(count);
    let next = hits.last().filter(|_| more).map(|hit| Place {
        resource_type: hit.stored.record.resource_type.clone(),
        position: hit.stored.position,
        key: hit.key.clone(),
    });
    (hits, next)
}

impl Stored {
    fn referent(&self) -> Referent {
        Referent {
            id: self.record.id.clone(),
            resource_type: self.record.resource_type.clone(),
            display: self.display.clone(),
        }
    }

    fn group_ref(&self, direct: bool) -> GroupRef {
        GroupRef {
            id: self.record.id.clone(),
            display: self.display.clone(),
            direct,
        }
    }

    fn member_ref(&self, label: Option<&String>) -> MemberRef {
        let named = Some(&self.display).filter(|it| !it.is_empty());
        MemberRef {
            id: self.record.id.clone(),
            resource_type: self.record.resource_type.clone(),
            display: named.or(label).cloned().unwrap_or_default(),
        }
    }

    fn holds(&self, unique: &Unique) -> bool {
        let same = |entry: &IndexEntry| entry.path == unique.path && entry.key == unique.key;
        self.index.iter().any(same)
    }
}

/// Self-check.
impl Resources {
    /// What is wrong, a line each.
    fn faults(&self, catalogue: &Catalogue) -> Vec<String> {
        let mut faults = Vec::new();
        for stored in self.stored.values() {
            let record = &stored.record;
            if let Some(fault) = stored.fault(catalogue) {
                faults.push(format!("{} {}: {fault}", record.resource_type, record.id));
            }
        }
        for (group, members) in &self.members {
            for member in members {
                if let Some(fault) = self.membership_fault(*group, *member) {
                    faults.push(fault);
                }
            }
        }
        faults
    }

    fn membership_fault(&self, group: Position, member: Position) -> Option<String> {
        let is_group = |it: &&Arc<Stored>| it.record.resource_type == GROUP;
        let Some(holder) = self.stored.get(&group).filter(is_group) else {
            return Some(format!("members of {}, which is no group", group.0));
        };
        let id = &holder.record.id;
        if !self.stored.contains_key(&member) {
            return Some(format!("{GROUP} {id}: a member that is not there"));
        }
        let cycle = self.contains(member, group);
        cycle.then(|| format!("{GROUP} {id}: contains itself"))
    }
}

impl Stored {
    /// What is wrong with the document or its index entries.
    fn fault(&self, catalogue: &Catalogue) -> Option<String> {
        if serde_json::from_str::<civitas_scim::Attributes>(&self.record.document).is_err() {
            return Some("the document is no JSON object".into());
        }
        let attributes = self.record.attributes();
        if attributes.get("id").and_then(|id| id.as_str()) != Some(&self.record.id) {
            return Some("the document has another id".into());
        }
        let Some(own) = catalogue.resource_type(&self.record.resource_type) else {
            return Some("the resource type is not served".into());
        };
        let mut right = index::entries(&attributes, own);
        // An index that is being built may lack entries, but has none that are wrong.
        let is_built = |path: &str| {
            let mut builds = catalogue.builds().iter();
            builds.any(|it| it.resource_type == own.name && it.path == path)
        };
        right.retain(|it| self.index.contains(it) || !is_built(&it.path));
        let missing = right.iter().find(|entry| !self.index.contains(entry));
        if let Some(entry) = missing {
            return Some(format!("no index entry {} {:?}", entry.path, entry.key));
        }
        let surplus = self.index.iter().find(|entry| !right.contains(entry));
        let surplus = surplus.map(|it| format!("index entry {} {:?} too many", it.path, it.key));
        let doubled = || "an index entry stands twice".to_owned();
        surplus.or_else(|| (self.index.len() != right.len()).then(doubled))
    }
}

//! Clocks, seeds, snapshots and resets.

use std::{collections::BTreeMap, sync::Arc};

use super::credentials::password;
use super::job::job;
use super::stage::{Dump, START, Stage, add, group, members, owned, remove, user};
use crate::{
    change::{Change, Members, Rejected},
    clock::Clock,
    credential::Credential,
    job::{End, Job},
    record::{Timestamp, Version},
    store::{MAX_SNAPSHOTS, RegistryError, Snapshot, Store},
    tenant::{Partition, Stage as TenantStage},
};

const AT: Timestamp = Timestamp(START);

async fn take(stage: &Stage, name: &str) -> Snapshot {
    let taken = stage.store.take_snapshot(stage.partition, name, AT).await;
    taken.unwrap()
}

/// The stage after a reset.
async fn reset(stage: Stage, name: Option<&str>) -> Stage {
    let partition = stage.store.reset(stage.partition, name).await.unwrap();
    assert_eq!(partition.raw(), stage.partition.raw());
    assert!(partition > stage.partition, "a new generation");
    let stage = stage.moved(partition);
    stage.clean().await;
    stage
}

async fn tenant_stage(stage: &Stage) -> TenantStage {
    let tenants = stage.store.tenants().await.unwrap();
    let mut tenants = tenants.into_iter();
    let own = tenants.find(|it| it.partition == stage.partition);
    own.unwrap().stage
}

/// Some users, a group with members, and a password.
async fn furnish(stage: &Stage) {
    let ann = Change::Create(user("u1", "ann").create());
    stage.done(vec![ann, password("u1", "$ann")]).await;
    stage
        .create(&[
            &user("u2", "bea").with("displayName", "Bea"),
            &user("u3", "cem"),
            &group("g1", "Staff"),
            &group("g2", "All"),
        ])
        .await;
    stage.done(vec![add("g1", &["u1", "u2"])]).await;
    stage.done(vec![add("g2", &["g1", "u3"])]).await;
}

/// A change of every sort.
async fn disturb(stage: &Stage) {
    stage.replace(&user("u1", "ann"), &user("u1", "anna")).await;
    stage
        .delete(&user("u2", "bea").with("displayName", "Bea"))
        .await;
    stage
        .create(&[&user("u9", "bea"), &group("g9", "New")])
        .await;
    stage.done(vec![add("g9", &["u9", "u1"])]).await;
    let kept = Members {
        clear: true,
        ..members("g2")
    };
    stage.done(vec![Change::Members(kept)]).await;
    // A password of somebody who had none, with no other change of the user.
    stage.done(vec![password("u3", "$cem")]).await;
}

async fn passwords(stage: &Stage) -> Vec<Option<Credential>> {
    let ids = ["u1", "u2", "u3", "u9"].map(str::to_owned);
    let read = stage.store.credentials(stage.partition, &ids);
    read.await.unwrap()
}

/// A reset takes back what was created, changed and deleted, members, passwords and events;
/// what comes after gets the numbers it would have got then.
pub async fn a_reset_takes_everything_back(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    furnish(&stage).await;
    let taken = take(&stage, "start").await;
    assert_eq!((taken.name.as_str(), taken.at), ("start", AT));
    stage.clean().await;
    let (before, hashes) = (stage.dump().await, passwords(&stage).await);
    disturb(&stage).await;
    let disturbed = stage.dump().await;
    assert_ne!(disturbed, before);
    let stage = reset(stage, Some("start")).await;
    assert_eq!(stage.dump().await, before);
    assert_eq!(passwords(&stage).await, hashes);
    assert_eq!(stage.select("User", r#"userName eq "bea""#).await, ["u2"]);
    assert_eq!(
        stage.select("User", r#"userName eq "anna""#).await,
        owned(&[])
    );
    assert_eq!(stage.group_ids("u3").await, [("g2".into(), true)]);
    // The clock of the stage goes on, all else is as the first time.
    disturb(&stage).await;
    let again = stage.dump().await;
    let versions = |dump: &Dump| {
        let resources = dump.resources.iter();
        let versions: Vec<_> = resources
            .map(|it| (it.record.id.clone(), it.record.version))
            .collect();
        versions
    };
    assert_eq!(versions(&again), versions(&disturbed));
    let stage = reset(stage, Some("start")).await;
    let stage = reset(stage, Some("start")).await;
    assert_eq!(stage.dump().await, before);
}

/// Without a snapshot nothing is left, and the first event is the first one again.
pub async fn a_reset_to_nothing_leaves_nothing(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let empty = stage.dump().await;
    furnish(&stage).await;
    let before = stage.dump().await;
    take(&stage, "full").await;
    let stage = reset(stage, None).await;
    assert_eq!(stage.dump().await, empty);
    let created = stage.done(vec![Change::Create(user("u1", "ann").create())]);
    assert_eq!(created.await.version, Version(1));
    let stage = reset(stage, Some("full")).await;
    assert_eq!(stage.dump().await, before);
    let stage = reset(stage, None).await;
    assert_eq!(stage.dump().await, empty);
}

/// A reset takes jobs back too: those that had ended are kept, none is in work afterwards, and
/// other tenants keep theirs.
pub async fn a_reset_takes_jobs_back(store: Arc<dyn Store>) {
    let other = store.create_tenant("zeta", &[]).await.unwrap().partition;
    let stage = Stage::new(store).await;
    let (store, own) = (Arc::clone(&stage.store), stage.partition);
    let ended = End {
        at: AT,
        cancelled: false,
        result: "done".into(),
    };
    for (partition, id) in [(own, "kept"), (own, "open"), (other, "others")] {
        store.create_job(partition, job(id)).await.unwrap();
    }
    store.end_job(own, "kept", ended.clone()).await.unwrap();
    take(&stage, "start").await;
    store.create_job(own, job("late")).await.unwrap();
    store.end_job(own, "open", ended).await.unwrap();
    let open = store.open_jobs().await.unwrap();
    let ids = |open: &[(Partition, Job)]| -> Vec<String> {
        let mut ids: Vec<_> = open.iter().map(|(_, job)| job.id.clone()).collect();
        ids.sort();
        ids
    };
    assert_eq!(
        ids(&open),
        ["late", "others"],
        "snapshots have none in work"
    );
    let stage = reset(stage, Some("start")).await;
    let known = async |id| store.job(stage.partition, id).await.unwrap().is_some();
    assert!(known("kept").await);
    assert!(!known("open").await && !known("late").await);
    assert_eq!(ids(&store.open_jobs().await.unwrap()), ["others"]);
    let stage = reset(stage, None).await;
    assert_eq!(store.job(stage.partition, "kept").await.unwrap(), None);
    assert_eq!(ids(&store.open_jobs().await.unwrap()), ["others"]);
}

/// What was computed before a reset is not committed after it.
pub async fn a_reset_overtakes_change_sets(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    furnish(&stage).await;
    take(&stage, "start").await;
    let before = stage.dump().await;
    let late = stage.set(vec![Change::Create(user("u7", "gus").create())]);
    let old = stage.partition;
    let stage = reset(stage, Some("start")).await;
    let committed = stage.store.commit(old, late.clone()).await;
    assert_eq!(committed, Err(Rejected::Reset));
    assert_eq!(stage.dump().await, before);
    let committed = stage.store.commit(stage.partition, late).await;
    assert!(committed.is_ok(), "{committed:?}");
}

/// Snapshots belong to a tenant, by name, and resets see nothing of other tenants. A
/// snapshot is taken anew in its own place.
pub async fn snapshots_belong_to_a_tenant(store: Arc<dyn Store>) {
    let here = Stage::new(store).await;
    let there = here.beside("umbra").await;
    furnish(&here).await;
    there.create(&[&user("u1", "zoe")]).await;
    let first = there.dump().await;
    let (a, b) = (take(&here, "a").await, take(&there, "a").await);
    assert_eq!((a.last_event, b.last_event), (Version(7), Version(1)));
    here.done(vec![remove("g1", &["u1"])]).await;
    let changed = here.dump().await;
    take(&here, "b").await;
    let listed = here.store.snapshots(here.partition).await.unwrap();
    assert_eq!(
        listed,
        [
            a,
            Snapshot {
                name: "b".into(),
                at: AT,
                last_event: Version(8)
            }
        ]
    );
    there.create(&[&user("u2", "yan")]).await;
    let second = there.dump().await;
    let here = reset(here, Some("a")).await;
    assert_eq!(there.dump().await, second);
    disturb(&here).await;
    let there = reset(there, Some("a")).await;
    assert_eq!(there.dump().await, first);
    let here = reset(here, Some("b")).await;
    assert_eq!(here.dump().await, changed);
    disturb(&here).await;
    let disturbed = here.dump().await;
    take(&here, "b").await;
    let here = reset(here, Some("a")).await;
    let here = reset(here, Some("b")).await;
    assert_eq!(here.dump().await, disturbed);

    let missing = Err(RegistryError::Missing("snapshot c".into()));
    let store = &here.store;
    assert_eq!(store.reset(here.partition, Some("c")).await, missing);
    let missing = Err(RegistryError::Missing("snapshot b".into()));
    assert_eq!(store.reset(there.partition, Some("b")).await, missing);
    assert_eq!(store.drop_snapshot(here.partition, "b").await, Ok(()));
    let missing = Err(RegistryError::Missing("snapshot b".into()));
    assert_eq!(store.drop_snapshot(here.partition, "b").await, missing);
    here.clean().await;
    assert_eq!(here.dump().await, disturbed);
    let nobody = Partition::from_raw(99);
    assert!(store.take_snapshot(nobody, "a", AT).await.is_err());
    assert!(store.reset(nobody, None).await.is_err());
    assert!(store.snapshots(nobody).await.is_err());
}

/// Only so many snapshots are kept; one that is dropped makes room.
pub async fn snapshots_are_bounded(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    for number in 0..MAX_SNAPSHOTS {
        take(&stage, &format!("s{number}")).await;
    }
    let store = &stage.store;
    let surplus = store.take_snapshot(stage.partition, "more", AT).await;
    assert_eq!(surplus, Err(RegistryError::TooManySnapshots(MAX_SNAPSHOTS)));
    take(&stage, "s3").await;
    store.drop_snapshot(stage.partition, "s3").await.unwrap();
    furnish(&stage).await;
    let before = stage.dump().await;
    take(&stage, "more").await;
    disturb(&stage).await;
    let stage = reset(stage, Some("more")).await;
    assert_eq!(stage.dump().await, before);
}

/// Rehearsals stay with their tenant until it is reset.
pub async fn rehearsals_end_with_a_reset(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let beside = stage.beside("umbra").await;
    let (store, here) = (Arc::clone(&stage.store), stage.partition);
    assert_eq!(store.rehearsals(here).await, Ok(String::new()));
    for text in ["[1]", "[2]"] {
        assert_eq!(store.set_rehearsals(here, text).await, Ok(()));
        assert_eq!(store.rehearsals(here).await, Ok(text.into()));
    }
    assert_eq!(store.rehearsals(beside.partition).await, Ok(String::new()));
    take(&stage, "start").await;
    reset(stage, Some("start")).await;
    assert_eq!(store.rehearsals(here).await, Ok(String::new()));
    let nobody = Partition::from_raw(99);
    assert!(store.set_rehearsals(nobody, "[]").await.is_err());
}

/// Clock and seed stay with their tenant; snapshots keep them.
pub async fn a_stage_is_set_and_kept(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let beside = stage.beside("umbra").await;
    assert_eq!(tenant_stage(&stage).await, TenantStage::default());
    let frozen = TenantStage {
        clock: Clock::Frozen { at: AT },
        seed: Some(u64::MAX),
    };
    let running = TenantStage {
        clock: Clock::Running { ahead_ms: -5 },
        seed: None,
    };
    for set in [running, frozen] {
        stage.store.set_stage(stage.partition, set).await.unwrap();
        assert_eq!(tenant_stage(&stage).await, set);
    }
    assert_eq!(tenant_stage(&beside).await, TenantStage::default());
    take(&stage, "frozen").await;
    stage
        .store
        .set_stage(stage.partition, running)
        .await
        .unwrap();
    let stage = reset(stage, Some("frozen")).await;
    assert_eq!(tenant_stage(&stage).await, frozen);
    let stage = reset(stage, None).await;
    assert_eq!(tenant_stage(&stage).await, TenantStage::default());
}

/// However snapshots, resets and changes follow each other, a reset brings back what was kept.
pub async fn random_resets_bring_back_what_was_kept(store: Arc<dyn Store>) {
    let mut stage = Stage::new(store).await;
    let mut kept: BTreeMap<String, Dump> = BTreeMap::new();
    let mut chance: u64 = 7;
    let mut draw = |below: u64| {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % below
    };
    for step in 0..120 {
        let name = format!("s{}", draw(3));
        let id = format!("u{}", draw(8));
        match draw(6) {
            0 => {
                take(&stage, &name).await;
                kept.insert(name, stage.dump().await);
            }
            1 if kept.contains_key(&name) => {
                stage = reset(stage, Some(&name)).await;
                assert_eq!(stage.dump().await, kept[&name], "step {step}: {name}");
            }
            2 if draw(8) == 0 => stage = reset(stage, None).await,
            3 | 4 => {
                let new = user(&id, &format!("{id} {step}"));
                match stage.found("User", &id).await {
                    None => stage.create(&[&new]).await,
                    Some(found) => {
                        let old =
                            user(&id, found.record.attributes()["userName"].as_str().unwrap());
                        stage.replace(&old, &new).await;
                    }
                }
            }
            _ => {
                if stage.found("Group", "g").await.is_none() {
                    stage.create(&[&group("g", "G")]).await;
                }
                if stage.found("User", &id).await.is_some() {
                    let ids = [id.as_str()];
                    let edit = if draw(2) == 0 {
                        add("g", &ids)
                    } else {
                        remove("g", &ids)
                    };
                    stage.done(vec![edit]).await;
                }
            }
        }
    }
    stage.clean().await;
}

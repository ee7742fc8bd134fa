//! What users prove themselves by, kept beside their resources.

use std::sync::Arc;

use futures_util::future;

use super::stage::{START, Stage, user};
use crate::{
    change::{Change, Proof, Rejected, Touch},
    credential::{
        Code, CodeCheck, Credential, CredentialChange, Lockout, Logon, Password, PasswordStatus,
        Policy, Totp, Verdict,
    },
    record::{Timestamp, Version},
    store::Store,
};

/// Attempts that are made at the same time.
const AT_ONCE: usize = 32;

fn proof(id: &str, change: CredentialChange) -> Change {
    Change::Credential(Proof {
        id: id.into(),
        change,
    })
}

/// The change that sets a password.
pub(super) fn password(id: &str, hash: &str) -> Change {
    let password = Password {
        hash: hash.into(),
        set: Timestamp(START),
        status: PasswordStatus::Enabled,
    };
    proof(id, CredentialChange::Password(password))
}

/// A password is shown that was compared with a hash.
fn logon(id: &str, hash: &str, matches: bool) -> Change {
    let logon = Logon {
        at: Timestamp(START),
        hash: Some(hash.into()),
        matches,
        meets_policy: true,
        secret: None,
        code: Code::Missing,
        policy: Policy::STANDARD,
    };
    proof(id, CredentialChange::Logon(logon))
}

async fn read(stage: &Stage, id: &str) -> Option<Credential> {
    let ids = [id.to_owned()];
    let read = stage.store.credentials(stage.partition, &ids);
    read.await.unwrap().pop().unwrap()
}

async fn hash(stage: &Stage, id: &str) -> Option<String> {
    read(stage, id).await?.password.map(|it| it.hash)
}

/// A password is kept beside the resource, in the same change set or another, until it goes
/// or the resource does.
pub async fn a_password_is_set_kept_replaced_and_cleared(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let (ann, bob) = (user("u1", "ann"), user("u2", "bob"));
    let create = Change::Create(ann.create());
    stage.done(vec![create, password("u1", "$one")]).await;
    stage.create(&[&bob]).await;
    assert_eq!(hash(&stage, "u1").await.as_deref(), Some("$one"));
    assert_eq!(read(&stage, "u2").await, None);
    assert_eq!(read(&stage, "u3").await, None);
    let ids = ["u3", "u1", "u2", "u1"].map(str::to_owned);
    let several = stage.store.credentials(stage.partition, &ids);
    let several: Vec<_> = several.await.unwrap().iter().map(Option::is_some).collect();
    assert_eq!(several, [false, true, false, true]);
    let version = stage.version(&ann).await;
    let again = vec![password("u1", "$two"), password("u1", "$three")];
    stage.done(again).await;
    let found = read(&stage, "u1").await.unwrap();
    assert_eq!(found.password.unwrap().hash, "$three");
    assert_eq!(found.history, ["$two", "$one"]);
    assert_eq!(stage.version(&ann).await, version, "it has none of its own");
    // Whole or not at all.
    let late = Change::Touch(Touch {
        resource_type: "User".into(),
        id: "u1".into(),
        expect: Some(Version(0)),
    });
    let refused = stage.refused(vec![password("u1", "$four"), late]).await;
    assert_eq!(refused, Rejected::Stale { id: "u1".into() });
    assert_eq!(hash(&stage, "u1").await.as_deref(), Some("$three"));
    let nobody = stage.refused(vec![password("u9", "$nine")]).await;
    assert_eq!(nobody, Rejected::Missing { id: "u9".into() });
    let other = stage.beside("umbra").await;
    assert_eq!(read(&other, "u1").await, None);
    let refused = other.refused(vec![password("u1", "$other")]).await;
    assert_eq!(refused, Rejected::Missing { id: "u1".into() });
    stage
        .done(vec![proof("u1", CredentialChange::NoPassword)])
        .await;
    assert_eq!(hash(&stage, "u1").await, None);
    stage.done(vec![password("u1", "$five")]).await;
    stage.delete(&ann).await;
    assert_eq!(read(&stage, "u1").await, None);
    stage.clean().await;
    stage.create(&[&ann]).await;
    assert_eq!(read(&stage, "u1").await, None);
    // A user that goes with the change set that has set its password.
    let version = stage.version(&ann).await;
    let gone = vec![password("u1", "$six"), Change::Delete(ann.delete(version))];
    stage.done(gone).await;
    assert_eq!(read(&stage, "u1").await, None);
    stage.clean().await;
}

/// What is shown is judged and counted, and is neither a version nor an event.
pub async fn a_logon_makes_no_version(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let ann = user("u1", "ann");
    let create = Change::Create(ann.create());
    stage.done(vec![create, password("u1", "$one")]).await;
    let before = stage.dump().await;
    for (matches, verdict, failed) in [
        (false, Verdict::Wrong, 1),
        (false, Verdict::Wrong, 2),
        (true, Verdict::Accepted, 0),
        (false, Verdict::Wrong, 1),
    ] {
        let done = stage.done(vec![logon("u1", "$one", matches)]).await;
        assert_eq!((done.verdict, done.changed), (Some(verdict), false));
        assert_eq!(done.version, stage.version(&ann).await);
        let found = read(&stage, "u1").await.unwrap();
        assert_eq!(found.attempts, Lockout::after(failed));
    }
    let overtaken = stage.done(vec![logon("u1", "$old", true)]).await;
    assert_eq!(overtaken.verdict, Some(Verdict::Overtaken));
    let feint = stage.done(vec![Change::Feint]).await;
    assert_eq!((feint.verdict, feint.changed), (None, false));
    let last_logon = read(&stage, "u1").await.unwrap().last_logon;
    assert_eq!(last_logon, Some(Timestamp(START)));
    assert_eq!(stage.dump().await, before);
    let gone = stage.refused(vec![logon("u9", "$one", true)]).await;
    assert_eq!(gone, Rejected::Missing { id: "u9".into() });
    stage.clean().await;
}

/// Of attempts at the same time none is lost, and none beyond the limit tells anything.
pub async fn attempts_at_once_are_all_counted(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    let totp = Totp {
        secret: "sealed".into(),
        spent: None,
        attempts: Lockout::default(),
    };
    stage
        .done(vec![
            Change::Create(user("u1", "ann").create()),
            password("u1", "$one"),
            Change::Create(user("u2", "bob").create()),
            proof("u2", CredentialChange::Totp(Some(totp))),
        ])
        .await;
    // The right one is shown when more than the limit are.
    let attempts = (0..AT_ONCE).map(|number| {
        let right = number == AT_ONCE - 1;
        stage.commit(vec![logon("u1", "$one", right)])
    });
    let verdicts = verdicts(attempts).await;
    assert_eq!(count(&verdicts, Verdict::Wrong), 4, "{verdicts:?}");
    assert_eq!(count(&verdicts, Verdict::Locked), AT_ONCE - 4);
    let found = read(&stage, "u1").await.unwrap();
    assert!(found.attempts.is_locked(Timestamp(START)));
    assert_eq!(found.attempts.failed(Timestamp(START)), 5);
    // A code is good once, however often it is shown at once.
    let check = CodeCheck {
        at: Timestamp(START),
        secret: Some("sealed".into()),
        code: Code::Right(7),
    };
    let code = || proof("u2", CredentialChange::Code(check.clone()));
    let attempts = (0..AT_ONCE).map(|_| stage.commit(vec![code()]));
    let verdicts = self::verdicts(attempts).await;
    assert_eq!(count(&verdicts, Verdict::Accepted), 1, "{verdicts:?}");
    assert_eq!(count(&verdicts, Verdict::CodeUsed), AT_ONCE - 1);
    stage.clean().await;
}

async fn verdicts<F>(attempts: impl Iterator<Item = F>) -> Vec<Verdict>
where
    F: Future<Output = Result<crate::change::Committed, Rejected>>,
{
    let done = future::join_all(attempts).await.into_iter();
    done.map(|it| it.unwrap().verdict.unwrap()).collect()
}

fn count(verdicts: &[Verdict], verdict: Verdict) -> usize {
    verdicts.iter().filter(|it| **it == verdict).count()
}

/// A reset takes back what was counted since, though it made no version.
pub async fn a_reset_takes_credentials_back(store: Arc<dyn Store>) {
    let stage = Stage::new(store).await;
    stage
        .done(vec![
            Change::Create(user("u1", "ann").create()),
            password("u1", "$one"),
            Change::Create(user("u2", "bob").create()),
        ])
        .await;
    stage.done(vec![logon("u1", "$one", false)]).await;
    let kept = read(&stage, "u1").await;
    let take = |stage: &Stage| {
        let (store, partition) = (Arc::clone(&stage.store), stage.partition);
        async move {
            store
                .take_snapshot(partition, "kept", Timestamp(START))
                .await
                .unwrap()
        }
    };
    take(&stage).await;
    let mut stage = stage;
    for _ in 0..2 {
        stage.done(vec![logon("u1", "$one", false)]).await;
        stage.done(vec![password("u2", "$new")]).await;
        assert_ne!(read(&stage, "u1").await, kept);
        let partition = stage.store.reset(stage.partition, Some("kept"));
        let partition = partition.await.unwrap();
        stage = stage.moved(partition);
        assert_eq!(read(&stage, "u1").await, kept);
        assert_eq!(read(&stage, "u2").await, None);
        stage.clean().await;
    }
    let partition = stage.store.reset(stage.partition, None).await.unwrap();
    let stage = stage.moved(partition);
    assert_eq!(read(&stage, "u1").await, None);
    stage.clean().await;
}

//! Mails that wait, links, and texts.

use std::{sync::Arc, time::Duration};

use futures_util::future;

use super::stage::{START, Stage, user};
use crate::{
    change::{Change, Proof, Rejected},
    credential::{CredentialChange, MAX_MAILS},
    link::{Link, LinkChange, Purpose},
    mail::{MAIL_LEASE, Mail, Settled},
    record::Timestamp,
    store::Store,
    text::TextSet,
};

fn mail(id: &str) -> Mail {
    Mail {
        id: id.into(),
        content: format!("sealed {id}"),
        at: Timestamp(START),
        attempts: 0,
    }
}

fn link(id: &str, subject: &str) -> Link {
    Link {
        id: id.into(),
        purpose: Purpose::Reset,
        hash: format!("hash of {id}"),
        subject: subject.into(),
        content: r#"{"a":"ä"}"#.into(),
        expires: Timestamp(START + 1_000),
    }
}

fn issue(link: &Link) -> Change {
    Change::Link(LinkChange::Issue(link.clone()))
}

fn redeem(id: &str, ms: i64) -> Change {
    Change::Link(LinkChange::Redeem {
        id: id.into(),
        at: Timestamp(START + ms),
    })
}

fn counted(id: &str) -> Change {
    Change::Credential(Proof {
        id: id.into(),
        change: CredentialChange::Mail(Timestamp(START)),
    })
}

fn ids(mails: &[Mail]) -> Vec<&str> {
    let mut ids: Vec<&str> = mails.iter().map(|it| it.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

/// A mail waits from the commit that wrote it until it is settled, and whoever has taken it has it
/// for itself.
pub async fn mails_wait_until_they_are_settled(store: Arc<dyn Store>) {
    let stage = Stage::new(Arc::clone(&store)).await;
    let of = stage.partition;
    let written = stage.done(vec![Change::Mail(mail("a"))]).await;
    assert!(!written.changed, "a mail is no event");
    stage
        .done(vec![
            Change::Create(user("u", "ann").create()),
            Change::Mail(mail("b")),
        ])
        .await;
    // Refused with what it tells of.
    let twice = vec![
        Change::Mail(mail("c")),
        Change::Create(user("u", "ann").create()),
    ];
    stage.refused(twice).await;
    let taken = store.take_mails(1).await.unwrap();
    assert_eq!(taken, [(of, mail("a"))], "what waits longest comes first");
    store.settle_mail(of, "a", Settled::Done).await.unwrap();
    store.settle_mail(of, "a", Settled::Kept).await.unwrap();
    let taken = store.take_mails(9).await.unwrap();
    assert_eq!(taken, [(of, mail("b"))]);
    store
        .settle_mail(of, "b", Settled::Later(Duration::ZERO))
        .await
        .unwrap();
    let again = store.take_mails(9).await.unwrap();
    let tried = Mail {
        attempts: 1,
        ..mail("b")
    };
    assert_eq!(again, [(of, tried)], "the same mail, once more");
    let long = Settled::Later(MAIL_LEASE);
    store.settle_mail(of, "b", long).await.unwrap();
    assert_eq!(store.take_mails(9).await, Ok(vec![]));
    assert_eq!(ids(&store.mails(of).await.unwrap()), ["b"]);
    store.settle_mail(of, "b", Settled::Kept).await.unwrap();
    assert_eq!(store.take_mails(9).await, Ok(vec![]), "kept, not sent");
    assert_eq!(ids(&store.mails(of).await.unwrap()), ["b"]);
    assert_eq!(store.verify().await, Ok(vec![]));
    stage.done(vec![Change::Mail(mail("d"))]).await;
    store.drop_mails(of).await.unwrap();
    assert_eq!(store.mails(of).await, Ok(vec![]));
}

/// Mails go with a reset, and belong to their tenant.
pub async fn mails_belong_to_a_tenant(store: Arc<dyn Store>) {
    let stage = Stage::new(Arc::clone(&store)).await;
    let zeta = store.create_tenant("zeta-2", &[]).await.unwrap().partition;
    stage.done(vec![Change::Mail(mail("a"))]).await;
    assert_eq!(store.mails(zeta).await, Ok(vec![]));
    store.settle_mail(zeta, "a", Settled::Done).await.unwrap();
    store.drop_mails(zeta).await.unwrap();
    assert_eq!(store.mails(stage.partition).await.unwrap().len(), 1);
    store.reset(stage.partition, None).await.unwrap();
    assert_eq!(store.mails(stage.partition).await, Ok(vec![]));
}

/// A link is redeemed once, while it is the newest and has not expired.
pub async fn a_link_is_redeemed_once(store: Arc<dyn Store>) {
    let stage = Stage::new(Arc::clone(&store)).await;
    let of = stage.partition;
    let (one, two, other) = (link("1", "ann"), link("2", "ann"), link("3", "bob"));
    stage.done(vec![issue(&one)]).await;
    stage.done(vec![issue(&other)]).await;
    assert_eq!(store.link(of, "1").await, Ok(Some(one)));
    stage.done(vec![issue(&two)]).await;
    assert_eq!(store.link(of, "1").await, Ok(None), "the newer one ends it");
    assert_eq!(stage.refused(vec![redeem("1", 0)]).await, Rejected::Spent);
    assert_eq!(
        stage.refused(vec![redeem("2", 1_000)]).await,
        Rejected::Spent
    );
    let twice = vec![redeem("2", 0), redeem("2", 0)];
    assert_eq!(stage.refused(twice).await, Rejected::Spent);
    assert_eq!(store.link(of, "2").await, Ok(Some(two)));
    let attempts = (0..8).map(|_| stage.commit(vec![redeem("2", 999)]));
    let done = future::join_all(attempts).await;
    assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
    assert_eq!(store.link(of, "2").await, Ok(None));
    let zeta = store.create_tenant("zeta-2", &[]).await.unwrap().partition;
    assert_eq!(store.link(zeta, "3").await, Ok(None));
    store.forget_links(other.expires).await.unwrap();
    assert_eq!(store.link(of, "3").await, Ok(Some(other.clone())));
    let later = Timestamp(other.expires.0 + 1);
    store.forget_links(later).await.unwrap();
    assert_eq!(store.link(of, "3").await, Ok(None));
}

/// Mails about a credential are counted where they are written.
pub async fn mails_about_a_credential_are_bounded(store: Arc<dyn Store>) {
    let stage = Stage::new(Arc::clone(&store)).await;
    stage.create(&[&user("u", "ann")]).await;
    let attempts = (0..8).map(|number| {
        let mail = Change::Mail(mail(&number.to_string()));
        stage.commit(vec![counted("u"), mail])
    });
    let done = future::join_all(attempts).await;
    let refused = done.iter().filter_map(|it| it.as_ref().err());
    let refused: Vec<&Rejected> = refused.collect();
    assert_eq!(refused, [&Rejected::TooManyMails; 8 - MAX_MAILS]);
    let mails = store.mails(stage.partition).await.unwrap();
    assert_eq!(mails.len(), MAX_MAILS);
}

/// Texts are set, replaced and taken away by kind and language, and go back with a reset.
pub async fn texts_belong_to_a_tenant(store: Arc<dyn Store>) {
    let stage = Stage::new(Arc::clone(&store)).await;
    let of = stage.partition;
    let set = |kind: &str, locale: &str, content: &str| TextSet {
        kind: kind.into(),
        locale: locale.into(),
        media: "text/html".into(),
        content: content.into(),
    };
    let (one, two) = (set("b", "de", "a=ä\n"), set("a", "en", "x"));
    store
        .set_texts(of, &[one.clone(), two.clone()])
        .await
        .unwrap();
    assert_eq!(store.text(of, "b", "de").await, Ok(Some(one.clone())));
    assert_eq!(store.text(of, "b", "en").await, Ok(None));
    assert_eq!(store.texts(of).await, Ok(vec![two.clone(), one]));
    let zeta = store.create_tenant("zeta-2", &[]).await.unwrap().partition;
    assert_eq!(store.texts(zeta).await, Ok(vec![]));
    store
        .take_snapshot(of, "s", Timestamp(START))
        .await
        .unwrap();
    let changed = [set("b", "de", "b=2"), set("a", "en", "")];
    store.set_texts(of, &changed).await.unwrap();
    assert_eq!(store.texts(of).await, Ok(vec![changed[0].clone()]));
    store.reset(of, Some("s")).await.unwrap();
    assert_eq!(store.text(of, "a", "en").await, Ok(Some(two)));
    store.reset(of, None).await.unwrap();
    assert_eq!(store.texts(of).await, Ok(vec![]));
}

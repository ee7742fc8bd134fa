//! Tenants, their clients, the signing key, and readiness.

use std::sync::Arc;

use civitas_scim::tolerance::Profile;

use super::stage::{Stage, owned, user};
use crate::{
    catalogue::Catalogue,
    client::{
        Account, Application, Client, ClientChange, ClientRefusal, DistinguishedName, Role, Roles,
        Secret, SecretScopes,
    },
    credential::{Lockout, LockoutChange, Verdict},
    record::{Timestamp, Version},
    settings::{Change, Key, Maintenance, Settings},
    store::{RegistryError, Store},
    tenant::{Partition, Stage as TenantStage, Tenant},
};

/// Names and host names lead to one tenant each; a refused tenant leaves nothing.
pub async fn tenants_have_names_and_hosts(store: Arc<dyn Store>) {
    assert_eq!(store.tenants().await.unwrap(), []);
    let hosts = owned(&["id.umbra.test", "login.umbra.test"]);
    let umbra = store.create_tenant("umbra", &hosts).await.unwrap();
    let acme = store.create_tenant("acme", &[]).await.unwrap();
    assert_ne!(umbra.partition, acme.partition);
    let same = Tenant {
        name: "umbra".into(),
        hosts: hosts.clone(),
        partition: umbra.partition,
        catalogue: Catalogue::standard(),
        settings: Settings::default(),
        stage: TenantStage::default(),
        last_event: Version(0),
    };
    assert_eq!(umbra, same);
    assert_eq!(
        store.tenants().await.unwrap(),
        [acme.clone(), umbra.clone()]
    );
    let again = store.create_tenant("acme", &owned(&["acme.test"])).await;
    assert_eq!(again, Err(RegistryError::TenantExists("acme".into())));
    let taken = store
        .create_tenant("zeta", &owned(&["zeta.test", "login.umbra.test"]))
        .await;
    assert_eq!(
        taken,
        Err(RegistryError::HostTaken("login.umbra.test".into()))
    );
    assert_eq!(store.tenants().await.unwrap(), [acme, umbra.clone()]);
    for (host, tenant) in [
        ("id.umbra.test", Some(&umbra)),
        ("login.umbra.test", Some(&umbra)),
        ("umbra.test", None),
        ("zeta.test", None),
        ("acme.test", None),
        ("", None),
    ] {
        let found = store.tenant_by_host(host).await.unwrap();
        assert_eq!(found.as_ref(), tenant, "{host}");
    }
    let zeta = store
        .create_tenant("zeta", &owned(&["zeta.test"]))
        .await
        .unwrap();
    let realm = store.create_tenant("zeta/west", &[]).await.unwrap();
    assert_eq!(
        store.tenant_by_host("zeta.test").await.unwrap().as_ref(),
        Some(&zeta)
    );
    for (name, tenant) in [
        ("zeta", Some(&zeta)),
        ("zeta/west", Some(&realm)),
        ("zeta/", None),
        ("zet", None),
        ("zeta.test", None),
        ("", None),
    ] {
        let found = store.tenant_by_name(name).await.unwrap();
        assert_eq!(found.as_ref(), tenant, "{name}");
    }
    assert_ne!(realm.partition, zeta.partition);
}

/// Settings are done one by one, stay with their tenant, and come back with it.
pub async fn settings_belong_to_a_tenant_or_the_server(store: Arc<dyn Store>) {
    let change = |key, value: Option<&str>| Change::new(key, value.map(Into::into)).unwrap();
    let hosts = owned(&["id.umbra.test"]);
    let umbra = store.create_tenant("umbra", &hosts).await.unwrap();
    let acme = store.create_tenant("acme", &[]).await.unwrap();
    let changes = [
        change(Key::RequirePreconditions, Some("true")),
        change(Key::MovedTo, Some("https://new.test")),
    ];
    for _ in 0..2 {
        let done = store.change_settings(Some(umbra.partition), &changes).await;
        assert_eq!(done, Ok(()));
    }
    let back = [change(Key::MovedTo, None)];
    let done = store.change_settings(Some(umbra.partition), &back).await;
    assert_eq!(done, Ok(()));
    let set = Settings {
        require_preconditions: true,
        ..Settings::default()
    };
    let umbra = Tenant {
        settings: set,
        ..umbra
    };
    let found = store.tenant_by_host("id.umbra.test").await.unwrap();
    assert_eq!(found.as_ref(), Some(&umbra));
    assert_eq!(store.tenants().await.unwrap(), [acme, umbra.clone()]);

    assert_eq!(store.server_settings().await, Ok(Settings::default()));
    let closed = [change(Key::Maintenance, Some("60"))];
    assert_eq!(store.change_settings(None, &closed).await, Ok(()));
    let server = store.server_settings().await.unwrap();
    assert_eq!(server.maintenance, Some(Maintenance { retry_after: 60 }));
    let found = store.tenant_by_host("id.umbra.test").await.unwrap();
    assert_eq!(found, Some(umbra));
    let nobody = Partition::from_raw(99);
    let missing = store.change_settings(Some(nobody), &closed).await;
    assert!(
        matches!(missing, Err(RegistryError::Missing(_))),
        "{missing:?}"
    );
}

fn client(id: &str, role: Role) -> Client {
    Client {
        id: id.into(),
        secrets: vec![Secret::plain(format!("$secret-of-{id}"))],
        certificates: Vec::new(),
        roles: Roles::NONE.with(role),
        enabled: true,
        profile: Profile::default(),
        account: None,
        application: None,
    }
}

/// Clients are created once, replaced whole, listed by id, and known to their tenant only.
pub async fn clients_belong_to_a_tenant(store: Arc<dyn Store>) {
    let here = Stage::new(store).await;
    let there = here.beside("umbra").await;
    let store = &here.store;
    let account = Account {
        signing_keys: vec!["PEM".into()],
        name: "Sync".into(),
        description: "nightly".into(),
        keys: "{}".into(),
        scopes: vec!["a:*".into(), "b".into()],
    };
    let sync = Client {
        account: Some(account),
        ..client("sync", Role::Write)
    };
    let admin = Client {
        application: Some(Application {
            name: "Shop".into(),
            home: Some("https://shop.example/".into()),
        }),
        ..client("admin", Role::Administer)
    };
    assert_eq!(store.client(here.partition, "sync").await.unwrap(), None);
    assert_eq!(store.clients(here.partition).await.unwrap(), []);
    for client in [&sync, &admin] {
        let created = store.create_client(here.partition, client.clone()).await;
        assert_eq!(created, Ok(()));
    }
    let again = store
        .create_client(here.partition, client("sync", Role::Read))
        .await;
    assert_eq!(again, Err(RegistryError::ClientExists("sync".into())));
    let listed = store.clients(here.partition).await.unwrap();
    assert_eq!(listed, [admin.clone(), sync.clone()]);
    assert_eq!(
        store.client(here.partition, "sync").await.unwrap(),
        Some(sync)
    );

    assert_eq!(store.client(there.partition, "sync").await.unwrap(), None);
    assert_eq!(store.clients(there.partition).await.unwrap(), []);
    let absent = store
        .replace_client(there.partition, client("sync", Role::Read))
        .await;
    assert!(
        matches!(absent, Err(RegistryError::Missing(_))),
        "{absent:?}"
    );
    let namesake = client("sync", Role::Read);
    let created = store.create_client(there.partition, namesake.clone()).await;
    assert_eq!(created, Ok(()));

    let disabled = Client {
        secrets: vec![Secret::plain("$new".into())],
        roles: Roles::NONE,
        enabled: false,
        profile: Profile::parse("entra -op-case").unwrap(),
        ..client("sync", Role::Read)
    };
    let replaced = store.replace_client(here.partition, disabled.clone()).await;
    assert_eq!(replaced, Ok(()));
    let listed = store.clients(here.partition).await.unwrap();
    assert_eq!(listed, [admin, disabled]);
    assert_eq!(store.clients(there.partition).await.unwrap(), [namesake]);
}

fn subject(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

/// Secrets come and go one by one, whoever changes the client besides, and are kept with what
/// they are good for.
pub async fn clients_have_several_secrets(store: Arc<dyn Store>) {
    let here = Stage::new(store).await;
    let there = here.beside("umbra").await;
    let store = &here.store;
    for stage in [&here, &there] {
        let created = client("sync", Role::Read);
        let created = store.create_client(stage.partition, created).await;
        assert_eq!(created, Ok(()));
    }
    let secret = |id: &str| Secret {
        id: id.into(),
        hash: format!("${id}"),
        plain: false,
        scopes: SecretScopes::parse("users").unwrap(),
        created: Some(Timestamp(1)),
        expires: Some(Timestamp(2)),
    };
    let change = |id: &'static str, change| store.change_client(here.partition, id, change);
    let add = |id| ClientChange::AddSecret(secret(id));
    let all = (0..8).map(|number| change("sync", add(["a", "b"][number % 2])));
    let all = futures_util::future::join_all(all).await;
    let refused = Err(RegistryError::Client(ClientRefusal::TooManySecrets(2)));
    assert_eq!(all.iter().filter(|it| it.is_ok()).count(), 1, "{all:?}");
    assert_eq!(
        all.iter().filter(|it| **it == refused).count(),
        7,
        "{all:?}"
    );
    let found = store.client(here.partition, "sync").await.unwrap().unwrap();
    let plain = Secret::plain("$secret-of-sync".into());
    let second = found.secrets[1].clone();
    assert_eq!(found.secrets, [plain.clone(), secret(&second.id)]);

    let disabled = change("sync", ClientChange::Enable(false)).await.unwrap();
    assert_eq!((disabled.enabled, disabled.secrets.len()), (false, 2));
    let strict = Profile::parse("strict").unwrap();
    let changed = change("sync", ClientChange::Tolerate(strict))
        .await
        .unwrap();
    assert_eq!(
        changed,
        Client {
            profile: strict,
            ..disabled
        }
    );
    let removed = change("sync", ClientChange::RemoveSecret(plain.id.clone())).await;
    assert_eq!(removed.unwrap().secrets, [second]);
    let again = change("sync", ClientChange::RemoveSecret(plain.id.clone())).await;
    let none = RegistryError::Client(ClientRefusal::NoSecret(plain.id.clone()));
    assert_eq!(again, Err(none));
    let nobody = change("nobody", ClientChange::Enable(true)).await;
    assert!(
        matches!(nobody, Err(RegistryError::Missing(_))),
        "{nobody:?}"
    );

    let other = store.client(there.partition, "sync").await.unwrap();
    assert_eq!(other, Some(client("sync", Role::Read)));
}

/// A certificate is one client's in its tenant, whoever asks for it at once, and stays so when the
/// client is replaced.
pub async fn certificates_belong_to_one_client(store: Arc<dyn Store>) {
    let here = Stage::new(store).await;
    let there = here.beside("umbra").await;
    let store = &here.store;
    let (shop, sync) = (subject("CN=shop,O=Acme"), subject("CN=sync"));
    let of = |id: &str, certificates: &[&DistinguishedName]| Client {
        certificates: certificates.iter().copied().cloned().collect(),
        ..client(id, Role::Read)
    };
    for client in [of("a", &[&shop]), of("b", &[])] {
        let created = store.create_client(here.partition, client).await;
        assert_eq!(created, Ok(()));
    }
    let bound =
        |subject: &DistinguishedName| RegistryError::Client(ClientRefusal::Bound(subject.clone()));
    let taken = store.create_client(here.partition, of("c", &[&sync, &shop]));
    assert_eq!(taken.await, Err(bound(&shop)));
    assert_eq!(store.client(here.partition, "c").await, Ok(None));
    let change = |id: &'static str, change| store.change_client(here.partition, id, change);
    let taken = change("b", ClientChange::Bind(shop.clone())).await;
    assert_eq!(taken, Err(bound(&shop)));

    let found = |subject: &DistinguishedName| {
        let subject = subject.clone();
        async move {
            let found = store.client_by_certificate(here.partition, &subject).await;
            found.unwrap().map(|it| it.id)
        }
    };
    assert_eq!(found(&shop).await.as_deref(), Some("a"));
    assert_eq!(found(&sync).await, None);
    let elsewhere = store.client_by_certificate(there.partition, &shop).await;
    assert_eq!(elsewhere, Ok(None));
    let namesake = store
        .create_client(there.partition, of("b", &[&shop]))
        .await;
    assert_eq!(namesake, Ok(()));

    // One of those that ask at once has it.
    let all = (0..8).map(|number| change(["a", "b"][number % 2], ClientChange::Bind(sync.clone())));
    let all = futures_util::future::join_all(all).await;
    let made: Vec<_> = all.iter().flatten().map(|it| &it.id).collect();
    assert_eq!(made.len(), 4, "{all:?}");
    assert!(made.iter().all(|it| *it == made[0]), "{all:?}");
    assert_eq!(found(&sync).await.as_ref(), Some(made[0]));

    let replaced = store
        .replace_client(here.partition, client("a", Role::Write))
        .await;
    assert_eq!(replaced, Ok(()));
    assert_eq!(found(&shop).await.as_deref(), Some("a"));
    let freed = change("a", ClientChange::Unbind(shop.clone()))
        .await
        .unwrap();
    assert!(!freed.certificates.contains(&shop));
    assert_eq!(found(&shop).await, None);
    let moved = change("b", ClientChange::Bind(shop.clone())).await.unwrap();
    assert!(moved.certificates.contains(&shop));
    let listed = store.clients(here.partition).await.unwrap();
    assert_eq!(listed.last(), Some(&moved));
}

/// Wrong secrets are counted, by whoever at once, until one is right, somebody unlocks, or there
/// are so many that nothing is taken for a while.
pub async fn wrong_secrets_lock_a_client(store: Arc<dyn Store>) {
    let here = Stage::new(store).await;
    let there = here.beside("umbra").await;
    let shown = |matches, ms: i64| LockoutChange::Shown {
        matches,
        at: Timestamp(1_000 + ms),
    };
    let show = |stage: &Stage, id: &'static str, change| {
        let (store, partition) = (Arc::clone(&stage.store), stage.partition);
        async move { store.change_lockout(partition, id, change).await.unwrap() }
    };
    let lockout = |stage: &Stage, id: &'static str| {
        let (store, partition) = (Arc::clone(&stage.store), stage.partition);
        async move { store.client_lockout(partition, id).await.unwrap() }
    };
    assert_eq!(show(&here, "a", shown(false, 0)).await, Verdict::Wrong);
    assert_eq!(lockout(&here, "a").await, Lockout::after(1));
    assert_eq!(show(&here, "a", shown(true, 0)).await, Verdict::Accepted);
    assert!(lockout(&here, "a").await.is_clear());
    let all = (0..16).map(|_| show(&here, "a", shown(false, 0)));
    let all = futures_util::future::join_all(all).await;
    let wrong = all.iter().filter(|it| **it == Verdict::Wrong).count();
    assert_eq!((wrong, all.len()), (4, 16), "{all:?}");
    assert_eq!(show(&here, "a", shown(true, 1)).await, Verdict::Locked);
    assert!(lockout(&here, "b").await.is_clear());
    assert!(lockout(&there, "a").await.is_clear());
    assert_eq!(
        show(&here, "a", LockoutChange::Clear).await,
        Verdict::Accepted
    );
    assert_eq!(show(&here, "a", shown(true, 1)).await, Verdict::Accepted);
}

/// The first secret that is offered under a name stays, until it is replaced by who knows it.
pub async fn a_secret_is_made_once(store: Arc<dyn Store>) {
    let (first, second) = (vec![7; 32], vec![8; 5]);
    assert_eq!(store.secret("a", &first).await, Ok(first.clone()));
    assert_eq!(store.secret("a", &second).await, Ok(first.clone()));
    assert_eq!(store.secret("b", &second).await, Ok(second.clone()));
    Stage::new(Arc::clone(&store))
        .await
        .create(&[&user("u1", "ann")])
        .await;
    assert_eq!(store.secret("a", &[9; 32]).await, Ok(first.clone()));

    let replace = |name, old, new| store.replace_secret(name, old, new);
    assert_eq!(replace("a", &second, &[1]).await, Ok(false));
    assert_eq!(replace("none", &first, &[1]).await, Ok(false));
    assert_eq!(replace("a", &first, &[1]).await, Ok(true));
    assert_eq!(replace("a", &first, &[2]).await, Ok(false));
    assert_eq!(store.secret("a", &first).await, Ok(vec![1]));
    assert_eq!(store.secret("b", &first).await, Ok(second));
}

/// A store that was opened can serve, and finds nothing wrong with itself.
pub async fn a_store_is_ready(store: Arc<dyn Store>) {
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(store.verify().await, Ok(vec![]));
    let stage = Stage::new(store).await;
    stage.clean().await;
    assert_eq!(stage.events().await, []);
}

//! `civitas tenant set`, `civitas tenant move` and `civitas maintenance`: what an operator
//! chooses for a tenant or the whole server. A running server notices within a second.

use civitas_directory::{
    Settings,
    settings::{Change, Key, Unsettable},
};

use crate::{
    cli::{Maintenance, Source},
    console,
    failure::Failure,
    source::find_tenant,
};

/// `civitas tenant set`
pub(crate) async fn set(name: &str, changes: &[String], source: &Source) -> Result<(), Failure> {
    let changes = changes.iter().map(|it| change(it));
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    show(&changed(Some(name), &changes, source).await?);
    Ok(())
}

/// `civitas tenant move`
pub(crate) async fn relocate(
    name: &str,
    to: Option<String>,
    source: &Source,
) -> Result<(), Failure> {
    let change = Change::new(Key::MovedTo, to).map_err(wrong)?;
    let settings = changed(Some(name), &[change], source).await?;
    console::say(&match settings.moved_to {
        Some(origin) => format!("requests of tenant {name} are sent on to {origin}"),
        None => format!("tenant {name} is served here"),
    });
    Ok(())
}

/// `civitas maintenance`
pub(crate) async fn maintenance(command: Maintenance) -> Result<(), Failure> {
    let (whose, value) = match command {
        Maintenance::On { retry_after, whose } => (whose, Some(retry_after.to_string())),
        Maintenance::Off { whose } => (whose, None),
    };
    let change = Change::new(Key::Maintenance, value).map_err(wrong)?;
    let settings = changed(whose.tenant.as_deref(), &[change], &whose.source).await?;
    let name = whose
        .tenant
        .map_or_else(|| "the server".to_owned(), |name| format!("tenant {name}"));
    console::say(&match settings.maintenance {
        Some(on) => format!(
            "{name} is in maintenance; clients are told to try again in {} seconds",
            on.retry_after
        ),
        None => format!("{name} is in service"),
    });
    Ok(())
}

/// Changes settings of a tenant, or without a name of the server; gives all of them.
async fn changed(
    name: Option<&str>,
    changes: &[Change],
    source: &Source,
) -> Result<Settings, Failure> {
    let store = source.location()?.open_existing().await?;
    let failed = |error: civitas_directory::store::RegistryError| Failure::other(error.to_string());
    let of = match name {
        Some(name) => Some(find_tenant(store.as_ref(), name).await?.partition),
        None => None,
    };
    store.change_settings(of, changes).await.map_err(failed)?;
    match name {
        Some(name) => Ok(find_tenant(store.as_ref(), name).await?.settings),
        None => store.server_settings().await.map_err(failed),
    }
}

fn change(text: &str) -> Result<Change, Failure> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Failure::configuration(format!("{text:?}: not of the form KEY=VALUE")))?;
    let value = Some(value).filter(|value| !value.is_empty());
    Change::named(name, value.map(str::to_owned)).map_err(wrong)
}

fn show(settings: &Settings) {
    for key in Key::ALL {
        let value = settings.value(key).unwrap_or_default();
        console::say(&format!("{}={value}", key.name()));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn wrong(error: Unsettable) -> Failure {
    Failure::configuration(error.to_string())
}

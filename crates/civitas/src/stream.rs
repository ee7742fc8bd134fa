//! `civitas stream`: streams of events, set up while the server runs or not. A running server
//! notices within a second.

use std::{fs, path::Path};

use civitas_directory::{
    NewStream, NextKey, StreamEdit, Tenant,
    stream::{Delivery, Payload, Receiver, Secret, Status, Stream},
};

use crate::{
    cli::{self, Source},
    config, console,
    failure::Failure,
    source::Opened,
};

/// Whoever has this command may push in clear text to this machine.
const ON_THIS_MACHINE: bool = true;

/// `civitas stream …`
pub(crate) async fn run(command: cli::Stream) -> Result<(), Failure> {
    match command {
        cli::Stream::Create {
            client,
            tenant,
            issuer,
            audience,
            payload,
            push,
            authorization,
            authorities,
            source,
        } => {
            let payload = Payload::named(&payload).ok_or_else(|| {
                Failure::configuration(format!("--payload = {payload:?}: not notice or full"))
            })?;
            let delivery = delivery(push, authorization.as_deref(), authorities.as_deref())?;
            let opened = Opened::tenant(&source, &tenant).await?;
            let new = NewStream {
                client,
                issuer: issuer_of(issuer, &source, &opened.tenant)?,
                audience,
                payload,
                delivery,
            };
            let now = opened.now();
            let created = opened
                .directory
                .create_stream(&opened.tenant, new, ON_THIS_MACHINE, now);
            let stream = created.await.map_err(|error| other(&error))?;
            console::say(&format!("stream {} of tenant {tenant} created", stream.id));
            console::say(&line(&stream));
        }
        cli::Stream::List { tenant, source } => {
            let opened = Opened::tenant(&source, &tenant).await?;
            let streams = opened.directory.streams(&opened.tenant, None).await;
            for stream in streams.map_err(|error| other(&error))? {
                console::say(&line(&stream));
            }
        }
        cli::Stream::Set {
            id,
            status,
            reason,
            tenant,
            source,
        } => {
            let status = Status::named(&status).ok_or_else(|| {
                Failure::configuration(format!("{status:?} is none of enabled, paused, disabled"))
            })?;
            let opened = Opened::tenant(&source, &tenant).await?;
            let edit = StreamEdit {
                status: Some((status, reason)),
                ..StreamEdit::default()
            };
            let now = opened.now();
            let changed =
                opened
                    .directory
                    .change_stream(&opened.tenant, &id, edit, ON_THIS_MACHINE, now);
            console::say(&line(&changed.await.map_err(|error| other(&error))?));
        }
        cli::Stream::Verify {
            id,
            state,
            tenant,
            source,
        } => {
            let opened = Opened::tenant(&source, &tenant).await?;
            let found = opened.directory.stream(&opened.tenant, &id, None).await;
            let stream = found.map_err(|error| other(&error))?;
            let now = opened.now();
            let asked = opened
                .directory
                .verify_stream(&opened.tenant, &stream, state, now);
            asked.await.map_err(|error| other(&error))?;
            console::say(&format!("a verification is due on stream {id}"));
        }
        cli::Stream::RotateKey {
            now,
            tenant,
            source,
        } => rotate_key(&tenant, &source, now).await?,
        cli::Stream::Delete { id, tenant, source } => {
            let opened = Opened::tenant(&source, &tenant).await?;
            let dropped = opened.directory.drop_stream(&opened.tenant, &id).await;
            dropped.map_err(|error| other(&error))?;
            console::say(&format!("stream {id} deleted"));
        }
    }
    Ok(())
}

async fn rotate_key(tenant: &str, source: &Source, at_once: bool) -> Result<(), Failure> {
    let opened = Opened::tenant(source, tenant).await?;
    let now = opened.now();
    let rotated = opened
        .directory
        .rotate_event_key(&opened.tenant, at_once, now);
    let NextKey {
        kid,
        from,
        others_until,
    } = rotated.await.map_err(|error| other(&error))?;
    console::say(&format!(
        "key {kid} signs the tokens of tenant {tenant} from {from} on"
    ));
    console::say(&match others_until {
        Some(until) => format!("the keys before it are published until {until}"),
        None => "no other key is published".to_owned(),
    });
    Ok(())
}

/// Id, client, how it is delivered, status, and how far it is.
fn line(stream: &Stream) -> String {
    let delivery = match &stream.delivery {
        Delivery::Poll => "poll",
        Delivery::Push(receiver) => &receiver.endpoint,
    };
    let Stream {
        id, client, status, ..
    } = stream;
    let (status, through) = (status.name(), stream.position.through.0);
    let reason = stream.reason.as_deref().unwrap_or_default();
    format!("{id}\t{client}\t{delivery}\t{status}\t{through}\t{reason}")
}

fn delivery(
    push: Option<String>,
    authorization: Option<&Path>,
    authorities: Option<&Path>,
) -> Result<Delivery, Failure> {
    let Some(endpoint) = push else {
        return Ok(Delivery::Poll);
    };
    let authorization = authorization.map(read).transpose()?;
    let authorities = authorities.map(read).transpose()?;
    if let Some(authorities) = &authorities {
        civitas_http::check_authorities(authorities)
            .map_err(|why| Failure::configuration(format!("--authorities: {why}")))?;
    }
    Ok(Delivery::Push(Receiver {
        endpoint,
        authorization: authorization.map(|text| Secret::new(text.trim_end())),
        authorities,
    }))
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|error| Failure::configuration(format!("cannot read {}: {error}", file.display())))
}

/// The issuer that was named, or that follows from the configuration.
fn issuer_of(named: Option<String>, source: &Source, tenant: &Tenant) -> Result<String, Failure> {
    if let Some(issuer) = named {
        return Ok(issuer);
    }
    let base = match &source.config {
        Some(path) => config::read(path)?.public_base_url,
        None => None,
    };
    let base = base.ok_or_else(|| {
        Failure::configuration(
            "--issuer is missing: the URL of the SCIM base, as receivers know it",
        )
    })?;
    let host = tenant.hosts.first().map(String::as_str);
    let base = host.map_or_else(|| base.clone(), |host| base.replace("{host}", host));
    Ok(format!("{base}/scim/v2"))
}

fn other(error: &civitas_directory::Error) -> Failure {
    Failure::other(error.to_string())
}

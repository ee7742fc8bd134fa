//! `civitas serve`: from arguments to a listening server, and to a clean stop.

use std::{
    io::{IsTerminal, stderr},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use civitas_directory::{Directory, Limits};
use civitas_http::{App, Settings};
use civitas_store::{DataFolder, Options};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

use crate::{
    certificate, cli,
    config::{self, Config, Http, Log},
    console,
    development::{self, Ready},
    failure::Failure,
    source::now,
    upkeep,
};

/// Requests that the ledger of development mode keeps.
const LEDGER_REQUESTS: usize = 1_000;
/// How long after a failure the building of indexes is tried again.
const REBUILD: Duration = Duration::from_secs(5);

/// `civitas serve`
pub(crate) async fn run(arguments: cli::Serve) -> Result<(), Failure> {
    let mut config = settings(&arguments)?;
    start_log(&config.log);
    let folder = config.location.prepared_folder()?;
    let _lock = folder
        .map(DataFolder::lock)
        .transpose()
        .map_err(|error| Failure::other(error.to_string()))?;
    let certificate = match folder {
        _ if !arguments.https => None,
        Some(folder) => Some(certificate::Development::of(folder)?),
        None => return Err(certificate::Development::homeless()),
    };
    if let Some(certificate) = &certificate {
        config.tls = Some(certificate.tls(arguments.client_authorities.as_deref())?);
    }
    let listener = listen(config.listen).await?;
    // Whoever sees that the server is up may stop it.
    let stop = stop_signal()?;
    // The secret is hashed while the store opens: each takes its time.
    let administrator = arguments
        .dev
        .then(development::Administrator::choose)
        .transpose()?;
    let client = administrator
        .clone()
        .map(|it| tokio::spawn(async move { it.client().await }));
    let store = config.location.open(&config.store).await?;
    if let Some(client) = client {
        let client = client.await;
        let client = client.map_err(|error| Failure::other(error.to_string()))??;
        development::register(store.as_ref(), client).await?;
    }
    let directory = Directory::open(store.clone(), config.limits).await;
    let directory = directory.map_err(|error| Failure::other(error.to_string()))?;
    let directory = Arc::new(match config.mail.take() {
        Some(carrier) => directory.with_carrier(Arc::new(carrier)),
        None if arguments.dev => directory.with_mailbox(),
        None => directory,
    });
    let address = listener.local_addr().unwrap_or(config.listen);
    let builder = tokio::spawn(build_indexes(Arc::clone(&directory)));
    let follower = Arc::clone(&directory);
    let follower = tokio::spawn(async move { follower.follow().await });
    let sender = Arc::clone(&directory);
    let sender = tokio::spawn(async move { sender.send_mails().await });
    let mut settings = http_settings(&config);
    settings.development = arguments.dev;
    let app = App::new(directory, settings);
    let base = base_url(&config, address);
    announce(&base, &config, administrator.as_ref(), certificate.as_ref());
    let ready = match &administrator {
        Some(administrator) => {
            let ready = Ready::new(base, administrator, certificate.as_ref());
            // Commands find the server by its data folder, whoever else wants to be told.
            let known = folder.map(|folder| ready.write(folder.join(Ready::FILE)));
            let told = arguments.ready_file.clone();
            let told = told.map(|file| ready.write(file));
            Some((known.transpose()?, told.transpose()?))
        }
        None => None,
    };
    let upkeep = tokio::spawn(upkeep::prune_events(store.clone(), config.limits));
    let links = tokio::spawn(upkeep::forget_links(store.clone()));
    let served = civitas_http::serve(listener, app, stop).await;
    upkeep.abort();
    links.abort();
    sender.abort();
    builder.abort();
    follower.abort();
    drop(ready);
    served.map_err(|error| Failure::other(format!("the server failed: {error}")))?;
    store.close();
    tracing::info!("stopped");
    Ok(())
}

/// Builds indexes beside the requests. When the store fails, it is given some time.
async fn build_indexes(directory: Arc<Directory>) {
    loop {
        if let Err(error) = directory.build_indexes().await {
            tracing::warn!(?error, "indexes are not built for now");
        }
        tokio::time::sleep(REBUILD).await;
    }
}

fn settings(arguments: &cli::Serve) -> Result<Config, Failure> {
    let mut config = match &arguments.config {
        Some(path) => config::read(path)?,
        None => development_config(arguments)?,
    };
    if arguments.config.is_some()
        && (arguments.place.data.is_some() || arguments.place.store.is_some())
    {
        config.location = arguments.place.location()?;
    }
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    Ok(config)
}

fn development_config(arguments: &cli::Serve) -> Result<Config, Failure> {
    Ok(Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
        public_base_url: None,
        standby_of: None,
        tls: None,
        location: arguments.place.location()?,
        limits: Limits::default(),
        store: Options::default(),
        http: Http {
            ledger_requests: LEDGER_REQUESTS,
            ..Http::default()
        },
        log: Log {
            level: "info".into(),
            json: false,
        },
        mail: None,
    })
}

fn start_log(log: &Log) {
    let filter = EnvFilter::try_from_env("CIVITAS_LOG").unwrap_or_else(|_| {
        EnvFilter::new(format!(
            "civitas={0},civitas_http={0},civitas_store={0},civitas_directory={0},warn",
            log.level
        ))
    });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    // A second subscriber in one process is refused; the first one stays.
    let _ = if log.json {
        builder.json().try_init()
    } else {
        builder.try_init()
    };
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "; another program has the port: choose one with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "; ports below 1024 need a privilege: choose a higher one with --listen"
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "; this machine does not have the address: choose one with --listen"
            }
            _ => "",
        };
        Failure::other(format!("cannot listen on {address}: {error}{advice}"))
    })
}

fn http_settings(config: &Config) -> Settings {
    let mut settings = Settings::new(now);
    settings.tls.clone_from(&config.tls);
    settings.public_base.clone_from(&config.public_base_url);
    settings.standby_of.clone_from(&config.standby_of);
    settings.ledger = config.http.ledger_requests;
    settings.limits.body_bytes = config.http.max_body_bytes;
    settings.limits.bulk_bytes = config.http.max_bulk_bytes;
    settings.limits.import_bytes = config.http.max_import_bytes;
    settings.limits.max_connections = config.http.max_connections;
    settings.limits.max_concurrent_requests = config.http.max_concurrent_requests;
    settings.limits.request_timeout = config.http.request_timeout;
    settings.limits.header_read_timeout = config.http.header_timeout;
    settings.limits.http2 = config.http.http2;
    settings
}

fn base_url(config: &Config, address: SocketAddr) -> String {
    match config.tls {
        Some(_) => format!("https://{address}"),
        None => format!("http://{address}"),
    }
}

fn announce(
    base: &str,
    config: &Config,
    administrator: Option<&development::Administrator>,
    certificate: Option<&certificate::Development>,
) {
    match administrator {
        Some(administrator) => {
            let place = config.location.to_string();
            development::welcome(base, &place, administrator, certificate);
        }
        None => console::say(&format!("listening on {base}, data in {}", config.location)),
    }
}

/// Completes when the process is asked to stop.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let failed =
        |error: std::io::Error| Failure::other(format!("cannot wait for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new connections, open requests are finished");
    })
}

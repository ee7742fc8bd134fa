//! One request from its header fields to its answer: bounds, routing, answering, and what
//! is told about it in log and metrics.

use std::{
    fmt::Write as _,
    future::{Future, poll_fn},
    hash::{BuildHasher as _, RandomState},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use civitas_directory::{Directory, id};
use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts,
};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use crate::{
    admin,
    body::Body,
    call::{host, host_name},
    clients,
    coding::Coder,
    dialect,
    door::{Arrival, check_headers},
    family::Family,
    feed, guide, import, job,
    metrics::Metrics,
    oauth, operations,
    page::{self, Page},
    rate::{Minutes, Rates},
    refusal::Refusal,
    reply::Reply,
    room::Room,
    router::{self, Fixed, Methods, Route},
    settings::Settings,
    stage::{Exchange, Ledger, Stage},
};

const MAX_REQUEST_ID: usize = 128;

/// The HTTP surface over a directory. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Surface>);

/// What all requests share.
pub(crate) struct Surface {
    pub(crate) directory: Arc<Directory>,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    /// Development mode's; see [`Surface::stage`].
    stage: Option<Stage>,
    pub(crate) ledger: Option<Ledger>,
    pub(crate) rates: Rates,
    pub(crate) minutes: Minutes,
    room: Room,
    connections: Arc<Semaphore>,
    coder: Coder,
    process: u64,
    issued: AtomicU64,
    stopping: watch::Sender<bool>,
}

impl App {
    /// The surface with its settings.
    pub fn new(directory: Arc<Directory>, settings: Settings) -> Self {
        let limits = settings.limits;
        let development = settings.development;
        let ledger = settings.ledger;
        Self(Arc::new(Surface {
            directory,
            stage: development.then(Stage::default),
            ledger: (ledger > 0).then(|| Ledger::new(ledger, development)),
            settings,
            metrics: Metrics::default(),
            rates: Rates::default(),
            minutes: Minutes::default(),
            room: Room::new(limits.max_concurrent_requests),
            connections: Arc::new(Semaphore::new(limits.max_connections)),
            coder: Coder::new(limits.coding_threads),
            process: RandomState::new().hash_one(0),
            issued: AtomicU64::new(0),
            stopping: watch::Sender::new(false),
        }))
    }
}

impl Surface {
    /// Development mode's. Of a program that is built without rehearsals nothing is left of it.
    pub(crate) fn stage(&self) -> Option<&Stage> {
        if cfg!(feature = "rehearsal") {
            self.stage.as_ref()
        } else {
            None
        }
    }

    /// Answers a request that came over a connection accepted on `local`.
    pub(crate) async fn answer(
        &self,
        request: Request<Incoming>,
        local: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let started = Instant::now();
        let (parts, incoming) = request.into_parts();
        let family = Family::of(parts.uri.path());
        let request_id = self.request_id(family, &parts);
        let mut body = self.body(incoming, &parts);
        if self.stage().is_some() {
            body.keep();
        }
        let route = router::find(parts.uri.path());
        let template = route.as_ref().map_or("-", Route::template);
        let arrival = Arrival {
            app: self,
            parts: &parts,
            body: &mut body,
            request_id: &request_id,
            system: (self.settings.clock)(),
            local,
        };
        let (outcome, ordered) = match self.stage() {
            None => (self.guarded(arrival, route).await, None),
            Some(stage) => Box::pin(stage.play(self, arrival, route)).await,
        };
        let cause = outcome.as_ref().err().and_then(cause);
        let mut reply = self.worded(outcome, family, &parts);
        let effect = ordered.and_then(|answer| answer.dress(&mut reply));
        if reply.status.as_u16() >= 400 {
            body.discard().await;
        }
        if let Ok(value) = HeaderValue::try_from(&request_id) {
            reply.headers.insert(family.request_id_field(), value);
        }
        if let Some(ledger) = self.ledger.as_ref().filter(|_| family.is_staged()) {
            self.write_down(ledger, &parts, &body, &reply, started.elapsed())
                .await;
        }
        if family.is_coded(parts.uri.path()) {
            self.coder.code(&mut reply, &parts.headers).await;
            family.coded(&mut reply);
        }
        let took = started.elapsed();
        self.metrics
            .observe(family, &parts.method, reply.status, took);
        let micros = took.as_micros() as u64;
        log(
            &request_id,
            &parts.method,
            template,
            reply.status,
            micros,
            cause,
        );
        let mut response = reply.into_response();
        if let Some(effect) = effect {
            response.extensions_mut().insert(effect);
        }
        response
    }

    /// Writes the request and its answer into the ledger of the tenant.
    async fn write_down(
        &self,
        ledger: &Ledger,
        parts: &Parts,
        body: &Body,
        reply: &Reply,
        took: Duration,
    ) {
        let host = host(parts).unwrap_or_default();
        let name = host_name(host).to_ascii_lowercase();
        let tenant = self.directory.tenant(Some(&name)).await;
        let Ok(Some(tenant)) = tenant else {
            return;
        };
        let target = parts.uri.path_and_query();
        let field = Family::of(parts.uri.path()).request_id_field();
        let request_id = reply.headers.get(field);
        let exchange = Exchange {
            at: tenant.stage.clock.at((self.settings.clock)()),
            took,
            request_id: request_id
                .and_then(|it| it.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
            method: parts.method.clone(),
            target: target.map(ToString::to_string).unwrap_or_default(),
            host: host.to_owned(),
            request_headers: parts.headers.clone(),
            request_body: body.kept().filter(|_| ledger.bodies).cloned(),
            status: reply.status,
            response_headers: reply.headers.clone(),
            response_body: ledger.bodies.then(|| reply.body.clone()),
        };
        ledger.record(tenant.partition, exchange);
    }

    /// The answer, a refusal in the words of the family that owns the path.
    fn worded(&self, outcome: Result<Reply, Refusal>, family: Family, parts: &Parts) -> Reply {
        let mut reply = outcome.unwrap_or_else(|refusal| {
            let mut reply = family.word(&refusal, parts);
            refusal.header_fields(&self.settings.realm, &mut reply.headers);
            reply
        });
        family.finish(&mut reply);
        reply
    }

    /// Routes and answers within the bounds of one request. A panic ends the request only.
    pub(crate) async fn guarded(
        &self,
        arrival: Arrival<'_>,
        route: Result<Route<'_>, Refusal>,
    ) -> Result<Reply, Refusal> {
        let route = route?;
        check_headers(arrival.parts, self.settings.limits.header_bytes)?;
        let method = &arrival.parts.method;
        let _place = self.room.enter(&self.directory, &route, method)?;
        let request_id = arrival.request_id;
        let route_time = (route == Route::Imports).then_some(import::TIME);
        let within = route_time.unwrap_or(self.settings.limits.request_timeout);
        let work = pin!(dispatch(arrival, route));
        match timeout(within, caught(work)).await {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(Refusal::Panic {
                request_id: request_id.to_owned(),
            }),
            Err(_) => Err(Refusal::TooSlow),
        }
    }

    fn body(&self, incoming: Incoming, parts: &Parts) -> Body {
        let limits = &self.settings.limits;
        Body::new(
            incoming,
            &parts.headers,
            limits.body_bytes,
            limits.body_read_timeout,
        )
    }

    /// The request id that the client sent, if it is fit for logs and header fields, else a
    /// new one.
    fn request_id(&self, family: Family, parts: &Parts) -> String {
        let sent = parts
            .headers
            .get(family.request_id_field())
            .and_then(|value| value.to_str().ok());
        let sane = |id: &&str| {
            (1..=MAX_REQUEST_ID).contains(&id.len())
                && id
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || b"-_.:/+=".contains(&it))
        };
        let sent = sent.filter(sane);
        match (family, sent) {
            // The service names each answer itself.
            (Family::Sap, _) => id::issue((self.settings.clock)()).to_uppercase(),
            (_, None) => self.issue_request_id(),
            // The service adds its own part.
            (Family::Oracle, Some(sent)) => format!("{sent}/{}", self.issue_request_id()),
            (_, Some(sent)) => sent.to_owned(),
        }
    }

    fn issue_request_id(&self) -> String {
        let mut id = String::with_capacity(24);
        let number = self.issued.fetch_add(1, Relaxed);
        let _ = write!(id, "{:016x}-{number:x}", self.process);
        id
    }

    /// Tells requests that wait for something that the server stops.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Whether the server stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Places for connections.
    pub(crate) fn connections(&self) -> &Arc<Semaphore> {
        &self.connections
    }

    /// Requests in work, and open connections.
    pub(crate) fn load(&self) -> (usize, usize) {
        let limits = &self.settings.limits;
        (
            self.room.taken(),
            limits
                .max_connections
                .saturating_sub(self.connections.available_permits()),
        )
    }
}

/// What is rare stands in a box: every request has the room of the largest future that does
/// not.
async fn dispatch(arrival: Arrival<'_>, route: Route<'_>) -> Result<Reply, Refusal> {
    match route {
        Route::Scim(route) => dialect::scim::answer(arrival, route).await,
        // A dialect of its own, with handlers larger than SCIM's.
        Route::Crest(place) => Box::pin(dialect::crest::answer(arrival, place)).await,
        Route::Oracle(place) => Box::pin(dialect::oracle::answer(arrival, place)).await,
        Route::Sap(place) => Box::pin(dialect::sap::answer(arrival, place)).await,
        Route::Fixed(route) => Box::pin(fixed(arrival, route)).await,
        Route::Job(id) => Box::pin(job::answer(arrival, id)).await,
        Route::JobRows(id) => Box::pin(job::rows(arrival, id)).await,
        Route::Stream(route) => Box::pin(feed::answer(arrival, route)).await,
        Route::Clients(route) => Box::pin(clients::answer(arrival, route)).await,
        Route::Imports => Box::pin(import::answer(arrival)).await,
        Route::Page(page) => Box::pin(visited(arrival, page)).await,
    }
}

async fn visited(arrival: Arrival<'_>, page: Page) -> Result<Reply, Refusal> {
    if let Some(reply) = preflight(page.methods(), &arrival.parts.method, admin::PATCHES)? {
        return Ok(reply);
    }
    page::answer(arrival, page).await
}

async fn fixed(arrival: Arrival<'_>, route: Fixed) -> Result<Reply, Refusal> {
    if let Some(reply) = preflight(route.methods(), &arrival.parts.method, admin::PATCHES)? {
        return Ok(reply);
    }
    match route {
        Fixed::Token => oauth::token(arrival, true).await,
        Fixed::Guide => guide::page(arrival).await,
        Fixed::Keys => feed::keys(&arrival).await,
        Fixed::Admin(route) => admin::answer(arrival, route).await,
        Fixed::Live => Ok(operations::live()),
        Fixed::Ready => operations::ready(arrival.app).await,
        Fixed::Metrics => Ok(operations::metrics(arrival.app)),
    }
}

/// Refuses a method that does not apply, and answers OPTIONS, which always does
/// (RFC 9110 §9.3.7), with the media types of patches where PATCH applies (RFC 5789 §3.1).
pub(crate) fn preflight(
    methods: Methods,
    method: &Method,
    patches: &'static str,
) -> Result<Option<Reply>, Refusal> {
    methods.check(method)?;
    if *method != Method::OPTIONS {
        return Ok(None);
    }
    let allow = HeaderValue::from_static(methods.allow());
    let reply = Reply::empty(StatusCode::NO_CONTENT).with(header::ALLOW, allow);
    if !methods.include(&Method::PATCH) {
        return Ok(Some(reply));
    }
    let types = HeaderValue::from_static(patches);
    Ok(Some(
        reply.with(HeaderName::from_static("accept-patch"), types),
    ))
}

/// The future's output; `None` when it panicked. It stays where it is: moved into another
/// future it would take its room twice.
fn caught<T>(mut future: Pin<&mut impl Future<Output = T>>) -> impl Future<Output = Option<T>> {
    poll_fn(move |context| {
        // What a panic leaves behind is dropped unseen with the future.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        }
    })
}

/// What the log is told of a refusal beyond its status.
fn cause(refusal: &Refusal) -> Option<String> {
    match refusal {
        Refusal::Directory(civitas_directory::Error::Unavailable(cause)) => Some(cause.clone()),
        Refusal::Panic { .. } => Some("panic".to_owned()),
        _ => None,
    }
}

/// One event per request. Neither the query nor an id stands in it, let alone a secret.
fn log(
    request_id: &str,
    method: &Method,
    route: &str,
    status: StatusCode,
    micros: u64,
    cause: Option<String>,
) {
    let status = status.as_u16();
    match status {
        500.. => {
            let cause = cause.unwrap_or_default();
            tracing::error!(request_id, %method, route, status, micros, cause, "answered");
        }
        400.. => tracing::info!(request_id, %method, route, status, micros, "answered"),
        _ => tracing::debug!(request_id, %method, route, status, micros, "answered"),
    }
}

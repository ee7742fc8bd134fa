//! Pushing tokens to receivers (RFC 8935), beside the requests. Each stream has a task of its
//! own that sends one token after the other: in the order of the log, each again until the
//! receiver has it, and what it has is stored before the next is sent. Of several processes
//! over one store one pushes a stream at a time: the one that the store has lent it to.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use civitas_directory::{
    Due, Error, Tenant, Word,
    event_token::Mark,
    store::{JOB_LEASE, JOB_TURN},
    stream::{Delivery, Receiver, Status, Stream},
};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

use super::receiver::{Answer, Sender};
use crate::{app::Surface, metrics::Feed};

/// How often it is asked which streams to push: often enough to keep them.
const ROUND: Duration = Duration::from_secs(1);

/// How long streams are pushed after they were asked for: until shortly before another process
/// may have them.
const HELD: Duration = JOB_LEASE.saturating_sub(JOB_TURN);

/// How long an event that another process wrote may go unseen.
const OTHERS: Duration = Duration::from_millis(500);

/// Tokens that are made at a time.
const BATCH: usize = 32;

/// Tokens on their way at a time, of all streams.
const SENDING: usize = 16;

/// How long the first failure is waited for, and the longest wait. It doubles in between.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Pushes for as long as the server runs.
pub(crate) async fn run(app: Arc<Surface>) {
    // A server that stands by for another leaves pushing to it.
    if app.settings.standby_of.is_some() {
        return;
    }
    let mut tasks = JoinSet::new();
    let mut running: HashMap<(i64, String), AbortHandle> = HashMap::new();
    let places = Arc::new(Semaphore::new(SENDING));
    let hold = Arc::new(Hold::new());
    loop {
        while tasks.try_join_next().is_some() {}
        let asked = Instant::now();
        let own = app.directory.own_streams().await;
        running.retain(|_, task| !task.is_finished());
        match own {
            Ok(own) => {
                hold.begin(asked);
                running.retain(|key, task| {
                    let goes_on = own.contains(key);
                    if !goes_on {
                        task.abort();
                    }
                    goes_on
                });
                for (partition, id) in own {
                    let push = Push {
                        app: Arc::clone(&app),
                        places: Arc::clone(&places),
                        hold: Arc::clone(&hold),
                        partition,
                        id: id.clone(),
                        sender: None,
                        failures: 0,
                    };
                    running
                        .entry((partition, id))
                        .or_insert_with(|| tasks.spawn(push.run()));
                }
            }
            Err(error) => tracing::warn!(?error, "streams are not pushed for now"),
        }
        sleep(ROUND).await;
    }
}

/// Until when streams are this process's to push.
struct Hold(Mutex<Instant>);

impl Hold {
    fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    /// They were asked for then.
    fn begin(&self, asked: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = asked + HELD;
    }

    fn lasts(&self) -> bool {
        Instant::now() < *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task of one stream.
struct Push {
    app: Arc<Surface>,
    places: Arc<Semaphore>,
    hold: Arc<Hold>,
    partition: i64,
    id: String,
    sender: Option<Sender>,
    /// Since the last token that was taken.
    failures: u32,
}

/// How a stream goes on.
enum Next {
    /// At once.
    On,
    /// After a while.
    Wait(Duration),
    /// When something happens.
    Idle,
    /// Not at all.
    End,
}

impl Push {
    async fn run(mut self) {
        let Ok(Some(host)) = self.app.directory.host_of(self.partition).await else {
            return;
        };
        loop {
            let mut changes = self.app.directory.watch();
            match self.step(&host).await {
                Ok(Next::On) => {}
                Ok(Next::Wait(time)) => sleep(time).await,
                Ok(Next::Idle) => {
                    let _ = timeout(OTHERS, changes.changed()).await;
                }
                Ok(Next::End) => return,
                Err(error) => {
                    tracing::warn!(?error, stream = self.id, "a stream waits");
                    sleep(ROUND).await;
                }
            }
        }
    }

    /// Sends what is due.
    async fn step(&mut self, host: &str) -> Result<Next, Error> {
        let app = Arc::clone(&self.app);
        let tenant = app.directory.tenant(Some(host)).await?;
        let tenant = tenant.filter(|it| it.partition.raw() == self.partition);
        let Some(tenant) = tenant else {
            return Ok(Next::End);
        };
        let stream = match app.directory.stream(&tenant, &self.id, None).await {
            Err(Error::NotFound { .. }) => return Ok(Next::End),
            found => found?,
        };
        let Delivery::Push(receiver) = &stream.delivery else {
            return Ok(Next::End);
        };
        if stream.status != Status::Enabled {
            return Ok(Next::End);
        }
        let settings = &tenant.settings;
        let served = settings.moved_to.is_none() && settings.maintenance.is_none();
        if !served || !app.directory.may_receive(&tenant, &stream).await? {
            return Ok(Next::Wait(ROUND));
        }
        let now = tenant.stage.clock.at((app.settings.clock)());
        let ready = app.directory.due(&tenant, &stream, BATCH, now).await?;
        if ready.due.is_empty() {
            return Ok(Next::Idle);
        }
        for due in ready.due {
            if !self.hold.lasts() {
                return Ok(Next::End);
            }
            let answer = self.send(receiver, due.token.clone()).await;
            match self.note(&tenant, &stream, &due, answer).await? {
                Next::On => {}
                other => return Ok(other),
            }
        }
        Ok(Next::On)
    }

    async fn send(&mut self, receiver: &Receiver, token: String) -> Answer {
        if !self.sender.as_ref().is_some_and(|it| it.is_to(receiver)) {
            match Sender::new(receiver) {
                Ok(sender) => self.sender = Some(sender),
                Err(why) => return Answer::Closed(why),
            }
        }
        let (Some(sender), Ok(_place)) = (self.sender.clone(), self.places.acquire().await) else {
            return Answer::Later("the server stops".into(), None);
        };
        let sent = spawn_blocking(move || sender.send(&token)).await;
        sent.unwrap_or_else(|error| Answer::Later(error.to_string(), None))
    }

    /// Stores what the receiver said; how to go on.
    async fn note(
        &mut self,
        tenant: &Tenant,
        stream: &Stream,
        due: &Due,
        answer: Answer,
    ) -> Result<Next, Error> {
        let (directory, metrics) = (&self.app.directory, &self.app.metrics);
        let word = match answer {
            Answer::Taken => {
                metrics.fed(Feed::Pushed, 1);
                metrics.fed(
                    Feed::Missed,
                    usize::from(matches!(due.mark, Mark::Missed(..))),
                );
                Word::Taken
            }
            Answer::Refused(why) => {
                metrics.fed(Feed::Refused, 1);
                let (stream, jti) = (&stream.id, &due.jti);
                tracing::warn!(stream, jti, why, "a receiver refused an event token");
                Word::Refused
            }
            Answer::Later(why, wait) => {
                metrics.fed(Feed::Failed, 1);
                let wait = wait.map_or_else(|| self.wait(), Duration::from_secs);
                self.failures = self.failures.saturating_add(1);
                let (stream, wait_ms) = (&stream.id, wait.as_millis() as u64);
                tracing::warn!(stream, why, wait_ms, "an event token was not pushed");
                return Ok(Next::Wait(wait));
            }
            Answer::Closed(why) => {
                tracing::error!(stream = stream.id, why, "a stream is paused");
                directory.pause_stream(tenant, &stream.id, why).await?;
                return Ok(Next::End);
            }
        };
        self.failures = 0;
        let words = [(due.mark.clone(), word)];
        let after = directory.settle(tenant, &stream.id, &words).await?;
        // What was made for the stream as it was is not sent on one that was set up otherwise,
        // nor anything beside a verification before that was taken.
        let same = after.is_some_and(|it| {
            it.status == stream.status
                && it.delivery == stream.delivery
                && it.verification == stream.verification
        });
        Ok(if same {
            Next::On
        } else {
            Next::Wait(Duration::ZERO)
        })
    }

    /// Doubled with each failure, and spread so that many do not come at once.
    fn wait(&self) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << self.failures.min(16));
        let wait = doubled.min(LONGEST_WAIT);
        let spread = RandomState::new().hash_one(self.failures) % 500;
        wait.mul_f64(0.75 + spread as f64 / 1_000.0)
    }
}

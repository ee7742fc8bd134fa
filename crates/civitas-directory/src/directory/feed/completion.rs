//! Completed requests on their way to the streams of their client.

use std::collections::BTreeSet;

use super::{Due, signed};
use crate::{
    completion,
    directory::Directory,
    error::Error,
    event_token::{self, EventKey, Mark},
    job::Job,
    record::Timestamp,
    stream::{Completion, Status, Stream, StreamChange},
    tenant::{Partition, Tenant},
};

impl Directory {
    /// Notes on the streams of whoever asked for a job that it is done, before that is stored:
    /// it is told as soon as it is.
    pub(in crate::directory) async fn note_completion(
        &self,
        partition: Partition,
        job: &Job,
        result: &str,
    ) -> Result<(), Error> {
        let tokens = completion::of(job, result).len() as u64;
        let Some(client) = job.actor.strip_prefix("client:").filter(|_| tokens > 0) else {
            return Ok(());
        };
        let streams = self.store.streams(partition).await?.into_iter();
        let own = streams.filter(|it| it.client == client && it.status != Status::Disabled);
        let own: Vec<Stream> = own.collect();
        if own.is_empty() {
            return Ok(());
        }
        let after = self.store.log_reach(partition).await?.last;
        for stream in own {
            let completed = StreamChange::Completed(Completion {
                job: job.id.clone(),
                after,
                tokens,
                told: BTreeSet::new(),
            });
            let noted = self.store.change_stream(partition, &stream.id, completed);
            noted.await?;
        }
        Ok(())
    }

    /// Adds tokens of completed requests to what is due, at most as many as make `most`.
    /// Whether there are more.
    pub(super) async fn add_completions(
        &self,
        tenant: &Tenant,
        stream: &Stream,
        key: &EventKey,
        (due, most): (&mut Vec<Due>, usize),
        now: Timestamp,
    ) -> Result<bool, Error> {
        let position = &stream.position;
        let completions = stream.completions.iter();
        // What a request did is told before its completion.
        for done in completions.filter(|it| it.after <= position.through) {
            let found = self.store.job(tenant.partition, &done.job).await?;
            let end = found.as_ref().map(|job| (job, job.end.as_ref()));
            let told = match end {
                // It was not stored yet that it has ended.
                Some((_, None)) => continue,
                Some((job, Some(end))) => (completion::of(job, &end.result), end.at),
                None => (Vec::new(), now),
            };
            let (told, ended) = told;
            if told.is_empty() {
                self.forget_completion(tenant, stream, done).await?;
            }
            for (number, completed) in (0..).zip(&told) {
                if done.told.contains(&number) {
                    continue;
                }
                if due.len() == most {
                    return Ok(true);
                }
                let mark = Mark::Completion(done.job.clone(), number);
                let jti = mark.jti(&stream.id);
                let claims = event_token::completed(stream, &jti, now, completed, ended);
                due.push(signed(key, mark, jti, &claims)?);
            }
        }
        Ok(false)
    }

    async fn forget_completion(
        &self,
        tenant: &Tenant,
        stream: &Stream,
        done: &Completion,
    ) -> Result<(), Error> {
        tracing::warn!(
            stream = stream.id,
            job = done.job,
            "a receiver missed a completion that is forgotten"
        );
        let forgotten = StreamChange::Forgotten(done.job.clone());
        let changed = self
            .store
            .change_stream(tenant.partition, &stream.id, forgotten);
        Ok(changed.await.map(drop)?)
    }
}

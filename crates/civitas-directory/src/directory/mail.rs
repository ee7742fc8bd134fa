//! Mails: written beside other changes, and sent afterwards.

use std::{sync::Arc, time::Duration};

use futures_util::future;

use super::Directory;
use crate::{
    change::Change,
    error::Error,
    id,
    mail::{self, Carrier, Letter, MAILS_AT_A_TIME, Mail, SEND_TIME, Settled, Undelivered},
    record::Timestamp,
    scope::Scope,
    tenant::{Partition, Tenant},
};

/// How long mails of other processes, and those that are tried again, may wait to be seen.
const TURN: Duration = Duration::from_secs(1);

/// Rest after the store has failed.
const REST: Duration = Duration::from_secs(5);

/// What takes the mails of a directory.
#[derive(Default)]
pub(super) enum Post {
    /// Nothing: none can be written.
    #[default]
    Nobody,
    /// They stay where they are, to be read in development.
    Mailbox,
    /// A server of mail.
    Carrier(Arc<dyn Carrier>),
}

/// A mail that is in the mailbox.
pub struct Kept {
    /// Its identifier.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub letter: Letter,
}

impl Directory {
    /// The directory with something that takes its mails.
    #[must_use]
    pub fn with_carrier(mut self, carrier: Arc<dyn Carrier>) -> Self {
        self.post = Post::Carrier(carrier);
        self
    }

    /// The directory with a mailbox, which keeps its mails to be read.
    #[must_use]
    pub fn with_mailbox(mut self) -> Self {
        self.post = Post::Mailbox;
        self
    }

    /// Whether mails can be written.
    ///
    /// # Errors
    /// [`Error::NoMail`]
    pub fn check_mail(&self) -> Result<(), Error> {
        match self.post {
            Post::Nobody => Err(Error::NoMail),
            Post::Mailbox | Post::Carrier(_) => Ok(()),
        }
    }

    /// A letter as a change that is to be committed with what it tells of.
    pub fn mail(&self, scope: &Scope, letter: &Letter) -> Result<Change, Error> {
        self.check_mail()?;
        let id = id::issue(scope.now);
        let unsealed = serde_json::to_vec(letter);
        let unsealed = unsealed.map_err(|error| Error::Unavailable(error.to_string()))?;
        let partition = mail::number(scope.partition);
        let sealed = self.seal.close(&mail::binding(&partition, &id), &unsealed);
        Ok(Change::Mail(Mail {
            content: sealed.map_err(Error::Unavailable)?,
            at: scope.now,
            attempts: 0,
            id,
        }))
    }

    /// The mails of a tenant that were not sent, the newest first. In development they are all
    /// there are.
    pub async fn mailbox(&self, tenant: &Tenant) -> Result<Vec<Kept>, Error> {
        let mails = self.store.mails(tenant.partition).await?.into_iter();
        let kept = mails.filter_map(|mail| {
            let letter = self.letter(tenant.partition, &mail)?;
            Some(Kept {
                id: mail.id,
                at: mail.at,
                letter,
            })
        });
        Ok(kept.collect())
    }

    /// Drops the mails of a tenant that were not sent.
    pub async fn empty_mailbox(&self, tenant: &Tenant) -> Result<(), Error> {
        Ok(self.store.drop_mails(tenant.partition).await?)
    }

    /// Sends mails for as long as it is awaited.
    pub async fn send_mails(&self) {
        loop {
            match self.send_some().await {
                Ok(0) => {
                    let _ = tokio::time::timeout(TURN, self.mailed.notified()).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "mails are not sent for now");
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Sends the mails that are due, some at a time. Returns how many were tried.
    pub async fn send_some(&self) -> Result<usize, Error> {
        if matches!(self.post, Post::Nobody) {
            return Ok(0);
        }
        let taken = self.store.take_mails(MAILS_AT_A_TIME).await?;
        let tried = taken.len();
        let sent = taken.into_iter().map(|(of, mail)| self.send(of, mail));
        future::try_join_all(sent).await?;
        Ok(tried)
    }

    async fn send(&self, of: Partition, mail: Mail) -> Result<(), Error> {
        let settled = match &self.post {
            Post::Nobody => return Ok(()),
            Post::Mailbox => Settled::Kept,
            Post::Carrier(carrier) => {
                if let Some(letter) = self.letter(of, &mail) {
                    attempt(carrier.as_ref(), of, &mail, &letter).await
                } else {
                    tracing::error!(mail = mail.id, "a mail does not open and is given up");
                    Settled::Done
                }
            }
        };
        Ok(self.store.settle_mail(of, &mail.id, settled).await?)
    }

    fn letter(&self, of: Partition, mail: &Mail) -> Option<Letter> {
        let partition = mail::number(of);
        let binding = mail::binding(&partition, &mail.id);
        let opened = self.seal.open(&binding, &mail.content)?;
        serde_json::from_slice(&opened).ok()
    }
}

/// One attempt, and what comes of it. The log says nothing of what a mail holds.
async fn attempt(carrier: &dyn Carrier, of: Partition, mail: &Mail, letter: &Letter) -> Settled {
    let (id, partition, attempt) = (&mail.id, of.raw(), mail.attempts + 1);
    let handed_on = tokio::time::timeout(SEND_TIME, carrier.carry(id, letter)).await;
    let too_long = |_| Err(Undelivered::Later("it took too long".into()));
    match handed_on.unwrap_or_else(too_long) {
        Ok(()) => {
            tracing::info!(mail = id, partition, attempt, "a mail was sent");
            Settled::Done
        }
        Err(Undelivered::Never(why)) => {
            tracing::error!(mail = id, partition, attempt, why, "a mail is given up");
            Settled::Done
        }
        Err(Undelivered::Later(why)) => {
            if let Some(after) = mail::retry(attempt) {
                let seconds = after.as_secs();
                tracing::warn!(mail = id, partition, attempt, why, seconds, "a mail waits");
                Settled::Later(after)
            } else {
                tracing::error!(mail = id, partition, attempt, why, "a mail is given up");
                Settled::Done
            }
        }
    }
}

//! One operation through all rounds. What goes wrong is told in its row and
//! keeps no other operation from being measured.

use std::time::Duration;

use super::{
    measure::{self, Sample},
    operation::{Kind, Operation, Scene},
    report::Row,
    server::Server,
    site::Site,
};

/// An operation on its way through the rounds.
pub(super) struct Job {
    operation: Operation,
    scene: Scene,
    pub(super) row: Row,
    ready: bool,
}

impl Job {
    /// Makes what the operation needs and rehearses it.
    pub(super) async fn prepared(operation: Operation, scene: Scene) -> Self {
        let row = Row::new(&operation.name, operation.connections);
        let mut job = Self {
            operation,
            scene,
            row,
            ready: false,
        };
        match job.prepare().await {
            Ok(bytes) => (job.row.answer_bytes, job.ready) = (bytes, true),
            Err(error) => job.fail(&error),
        }
        job
    }

    /// Measures one round, the first after a warm-up that does not count; `None`
    /// when that cannot be done.
    pub(super) async fn round(
        &mut self,
        server: &Server,
        warm_up: Duration,
        duration: Duration,
        round: u16,
    ) -> Option<Sample> {
        if self.ready && round == 0 {
            self.ready = self.load(server, warm_up, 0).await.is_some();
        }
        if !self.ready {
            return None;
        }
        self.load(server, duration, u64::from(round) + 1).await
    }

    async fn prepare(&mut self) -> anyhow::Result<Option<usize>> {
        self.scene.site = Site::sign_in(self.scene.site.address).await?;
        if let Kind::Member(size) = self.operation.kind {
            let group = self.scene.site.group(self.scene.members(size)).await?;
            self.scene.group = Some(group.into());
        }
        if self.operation.kind == Kind::Walk {
            self.scene.cursors = self.scene.walk().await?.into();
        }
        self.scene.rehearse(self.operation.kind).await
    }

    /// Loads the server once; failures go to the row.
    async fn load(&mut self, server: &Server, duration: Duration, seed: u64) -> Option<Sample> {
        match self.try_load(server, duration, seed).await {
            Ok(sample) => Some(sample),
            Err(error) => {
                self.fail(&error);
                None
            }
        }
    }

    async fn try_load(
        &mut self,
        server: &Server,
        duration: Duration,
        seed: u64,
    ) -> anyhow::Result<Sample> {
        // A token of its own, lest it expires within a long run.
        self.scene.site = Site::sign_in(server.address).await?;
        let scripts = self.scene.scripts(&self.operation, seed)?;
        let (sample, tally) =
            measure::sample(server, Some(&self.scene.site), scripts, duration).await?;
        for (what, count) in tally.failures {
            *self.row.failures.entry(what).or_default() += count;
        }
        Ok(sample)
    }

    fn fail(&mut self, error: &anyhow::Error) {
        *self.row.failures.entry(format!("{error:#}")).or_default() += 1;
    }
}

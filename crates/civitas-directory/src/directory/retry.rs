//! Carrying out once what is sent several times under one token.

use super::Directory;
use crate::{
    error::Error,
    retry::{Attempt, Claimed},
    scope::Scope,
};

impl Directory {
    /// Claims the token of a request. Whoever is granted it [settles](Self::settle_retry) it.
    pub async fn claim_retry(
        &self,
        scope: &Scope,
        attempt: &Attempt,
    ) -> Result<Claimed<Vec<u8>>, Error> {
        let claim = self.store.claim_retry(scope.partition, attempt).await?;
        Ok(match claim {
            Claimed::Granted => Claimed::Granted,
            Claimed::InWork => Claimed::InWork,
            Claimed::Another => Claimed::Another,
            Claimed::Answered(sealed) => {
                let partition = scope.partition.raw().to_string();
                let opened = self
                    .seal
                    .open(&["retry", &partition, &attempt.key], &sealed);
                let unreadable = || Error::Unavailable("a kept answer does not open".into());
                Claimed::Answered(opened.ok_or_else(unreadable)?)
            }
        })
    }

    /// Keeps the answer of a request whose token was granted, sealed, since it may show a
    /// secret; without one, the token is free again.
    pub async fn settle_retry(
        &self,
        scope: &Scope,
        attempt: &Attempt,
        answer: Option<&[u8]>,
    ) -> Result<(), Error> {
        let partition = scope.partition.raw().to_string();
        let binding = ["retry", &partition, &attempt.key];
        let sealed = answer.map(|it| self.seal.close(&binding, it)).transpose();
        let sealed = sealed.map_err(Error::Unavailable)?;
        let (partition, key) = (scope.partition, &attempt.key);
        let settled = self.store.settle_retry(partition, key, sealed.as_deref());
        Ok(settled.await?)
    }
}

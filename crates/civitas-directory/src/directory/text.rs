//! Texts of a tenant.

use super::Directory;
use crate::{error::Error, scope::Scope, tenant::Partition, text::TextSet, wording::Wording};

impl Directory {
    /// The wording of the tenant in a language.
    pub async fn wording(&self, scope: &Scope, language: Option<&str>) -> Result<Wording, Error> {
        let own = self.store.texts(scope.partition).await?;
        Ok(Wording::new(language, &own))
    }

    /// The texts of a tenant for a kind, in a language.
    pub async fn text(
        &self,
        partition: Partition,
        kind: &str,
        locale: &str,
    ) -> Result<Option<TextSet>, Error> {
        Ok(self.store.text(partition, kind, locale).await?)
    }

    /// All texts of a tenant, by kind and language.
    pub async fn texts(&self, partition: Partition) -> Result<Vec<TextSet>, Error> {
        Ok(self.store.texts(partition).await?)
    }

    /// Sets texts of a tenant in place of those of the same kinds and languages; those that are
    /// empty go. All of them or none.
    pub async fn set_texts(&self, partition: Partition, texts: &[TextSet]) -> Result<(), Error> {
        Ok(self.store.set_texts(partition, texts).await?)
    }
}

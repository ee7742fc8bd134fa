//! Files that clients leave for jobs, and jobs for clients.

use super::Directory;
use crate::{
    error::Error,
    file::{File, MAX_FILES},
    scope::Scope,
};

impl Directory {
    /// Refuses what would add a file when the tenant has too many. What is no longer kept of them
    /// is forgotten.
    pub async fn check_room_for_file(&self, scope: &Scope) -> Result<(), Error> {
        let before = self.ago(scope.now, 1);
        self.store.forget_files(scope.partition, before).await?;
        if self.store.files(scope.partition).await?.len() >= MAX_FILES {
            let why = format!("the tenant has {MAX_FILES} files already: delete some first");
            return Err(Error::InUse(why));
        }
        Ok(())
    }

    /// Keeps a file of the caller.
    ///
    /// # Errors
    /// [`Error::InUse`] when there is one with the same name.
    pub async fn keep_file(
        &self,
        scope: &Scope,
        name: &str,
        mark: String,
        content: Vec<u8>,
    ) -> Result<File, Error> {
        let file = File {
            name: name.to_owned(),
            actor: scope.actor.clone(),
            created: scope.now,
            size: content.len() as u64,
            mark,
        };
        let added = self.store.add_file(scope.partition, file.clone(), content);
        if added.await? {
            return Ok(file);
        }
        Err(Error::InUse(format!("there is a file {name} already")))
    }

    /// A file of the tenant and its content.
    pub async fn file(&self, scope: &Scope, name: &str) -> Result<(File, Vec<u8>), Error> {
        let found = self.store.file(scope.partition, name).await?;
        let kept = self.ago(scope.now, 1);
        let found = found.filter(|(file, _)| file.created >= kept);
        found.ok_or_else(|| no_file(name))
    }

    /// The files of the tenant, by name.
    pub async fn files(&self, scope: &Scope) -> Result<Vec<File>, Error> {
        let mut files = self.store.files(scope.partition).await?;
        let kept = self.ago(scope.now, 1);
        files.retain(|it| it.created >= kept);
        Ok(files)
    }

    /// Drops a file of the tenant.
    pub async fn drop_file(&self, scope: &Scope, name: &str) -> Result<(), Error> {
        if self.store.drop_file(scope.partition, name).await? {
            return Ok(());
        }
        Err(no_file(name))
    }
}

fn no_file(name: &str) -> Error {
    Error::NotFound {
        resource_type: "file".to_owned(),
        id: name.to_owned(),
    }
}

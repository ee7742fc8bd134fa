//! Exports: resources of a type as files that an import takes. A file says where the next one
//! begins, so that an export that was interrupted goes on after the last whole one.

use std::time::Duration;

use civitas_directory::{
    Error, Found, MemberRef, Scope, Tenant,
    export::row,
    file::{File, MAX_FILE},
    record::Timestamp,
    store::{Page, Place, Position, Selection, Want},
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use super::{
    super::{call::Call, condition, fault::Fault, kind::Kind, object, status},
    At, cell,
    column::{self, Column, Target},
    input::Input,
};
use crate::job::Work;

/// The kind of a stored export.
pub(crate) const KIND: &str = "oracle.export";

/// Resources that are read at a time; groups come with their members.
const USERS_AT_ONCE: usize = 500;
const GROUPS_AT_ONCE: usize = 20;

/// Members of one row. A group with more has several.
const MEMBERS_OF_A_ROW: usize = 1_000;

/// How long an export waits that the store fails.
const REST: Duration = Duration::from_secs(2);

/// What only exports are told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) filter: Option<String>,
}

/// Where the next file begins.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Mark {
    /// The resource before; `None` at the beginning.
    position: Option<i64>,
    /// Resources that are written.
    written: u64,
    /// Files that are written.
    files: u64,
    /// Whether that was all.
    ended: bool,
}

/// Does a stored export, or what is left of it, and words what came of it.
pub(crate) async fn carry_out(work: &Work) -> String {
    let opened = match Input::open(&work.job.input) {
        Ok(opened) => opened,
        Err(result) => return result.to_string(),
    };
    let mut result = opened.result;
    let export = Export {
        work,
        kind: opened.kind,
        columns: opened.columns,
        folder: folder(work.job.created, &work.job.id),
        input: opened.input,
    };
    loop {
        match export.all().await {
            Ok(Ok(written)) => {
                result["successCount"] = written.resources.into();
                result["failureCount"] = 0.into();
                result["files"] = written.files.into();
                return result.to_string();
            }
            Ok(Err(fault)) => {
                result["error"] = status::told(&fault).1;
                return result.to_string();
            }
            Err(_) if work.progress.is_lost() => return String::new(),
            Err(error) => tracing::warn!(?error, job = work.job.id, "an export waits"),
        }
        sleep(REST).await;
    }
}

/// What names of files that were made at an instant begin with.
pub(in super::super) fn stamp(at: Timestamp) -> String {
    let digits = at
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .take(12)
        .collect::<String>();
    format!("files/{digits}/")
}

fn folder(created: Timestamp, job: &str) -> String {
    format!("{}{job}/", stamp(created))
}

/// What an export has come to.
#[derive(Default)]
struct Written {
    /// Names of files, in their order.
    files: Vec<String>,
    resources: u64,
}

/// A stored export.
struct Export<'w> {
    work: &'w Work,
    kind: Kind,
    columns: Vec<Column>,
    folder: String,
    input: Input<Told>,
}

impl Export<'_> {
    /// Writes what is not written.
    async fn all(&self) -> Result<Result<Written, Fault>, Error> {
        let (directory, progress) = (&self.work.directory, &self.work.progress);
        loop {
            let tenant = directory.tenant_again(&self.work.tenant).await;
            let tenant = tenant.ok_or(Error::Conflict)?;
            // A reset takes the job back, and its files.
            if tenant.partition != self.work.tenant.partition {
                return Ok(Ok(Written::default()));
            }
            let headers = HeaderMap::new();
            let call = self.input.asker.call(At {
                work: self.work,
                tenant: &tenant,
                headers: &headers,
            });
            let (files, mark) = self.written(&call.scope).await?;
            let written = usize::try_from(mark.written).unwrap_or(usize::MAX);
            if mark.ended {
                progress.go_on(written);
                return Ok(Ok(Written {
                    files,
                    resources: mark.written,
                }));
            }
            if !progress.go_on(written) {
                if progress.is_lost() {
                    return Err(Error::Overloaded);
                }
                for name in &files {
                    directory.drop_file(&call.scope, name).await?;
                }
                return Ok(Ok(Written::default()));
            }
            if let Err(fault) = self.next_file(&call, &tenant, mark).await? {
                return Ok(Err(fault));
            }
        }
    }

    /// The files that are written, and where the next one begins.
    async fn written(&self, scope: &Scope) -> Result<(Vec<String>, Mark), Error> {
        let files = self.work.directory.files(scope).await?;
        let own = files
            .into_iter()
            .filter(|it| it.name.starts_with(&self.folder));
        let mark = |it: &File| serde_json::from_str::<Mark>(&it.mark).unwrap_or_default();
        let mut own: Vec<(Mark, String)> = own.map(|it| (mark(&it), it.name)).collect();
        own.sort_by_key(|(mark, _)| mark.files);
        let last = own.last().map_or_else(Mark::default, |(mark, _)| *mark);
        Ok((own.into_iter().map(|(_, name)| name).collect(), last))
    }

    /// Writes a file, unless the job is to end.
    async fn next_file(
        &self,
        call: &Call<'_>,
        tenant: &Tenant,
        mut mark: Mark,
    ) -> Result<Result<(), Fault>, Error> {
        let Some(kept) = self.kind.kept(&tenant.catalogue) else {
            return Ok(Err(Fault::not_built()));
        };
        let filter = self.input.told.filter.as_deref();
        let condition = filter.map(|it| condition::condition(self.kind, &kept, it));
        let selection = match condition.transpose() {
            Ok(condition) => Selection {
                resource_type: self.kind.name().to_owned(),
                condition,
                sort: None,
            },
            Err(fault) => return Ok(Err(fault)),
        };
        let mut content = row(self.columns.iter().map(|it| &it.head));
        while !mark.ended && content.len() < MAX_FILE {
            let written = usize::try_from(mark.written).unwrap_or(usize::MAX);
            if !self.work.progress.go_on(written) {
                return Ok(Ok(()));
            }
            let page = self.page(call, selection.clone(), mark).await?;
            mark.ended = page.next.is_none();
            let last = page.items.len();
            for (number, found) in page.items.iter().enumerate() {
                content.extend(self.rows(call, found).await?);
                mark.position = Some(found.record.position.0);
                mark.written += 1;
                if content.len() >= MAX_FILE && number + 1 < last {
                    mark.ended = false;
                    break;
                }
            }
            if page.items.is_empty() {
                mark.position = page.next.map_or(mark.position, |it| Some(it.position.0));
            }
        }
        mark.files += 1;
        let name = match (self.kind.endpoint(), mark.files) {
            (kind, 1) => format!("{}{kind}.csv", self.folder),
            (kind, number) => format!("{}{kind}_{number}.csv", self.folder),
        };
        let text = serde_json::to_string(&mark).unwrap_or_default();
        let kept = call
            .directory()
            .keep_file(&call.scope, &name, text, content);
        match kept.await {
            // Another process, which had the job or has it now, was there first: what it wrote
            // says where to go on.
            Ok(_) | Err(Error::InUse(_)) => Ok(Ok(())),
            Err(error) => Err(error),
        }
    }

    async fn page(
        &self,
        call: &Call<'_>,
        selection: Selection,
        mark: Mark,
    ) -> Result<civitas_directory::store::FoundPage, Error> {
        let (count, members) = if self.kind == Kind::Group {
            (GROUPS_AT_ONCE, Some(usize::MAX - 1))
        } else {
            (USERS_AT_ONCE, None)
        };
        let place = mark.position.map(|position| Place {
            resource_type: self.kind.name().to_owned(),
            position: Position(position),
            key: None,
        });
        let page = Page::After { place, count };
        let want = Want {
            groups: false,
            members,
        };
        let select = call
            .directory()
            .select_uncounted(&call.scope, selection, page, want);
        select.await
    }

    /// The rows of a resource, of which more than one hold its members.
    async fn rows(&self, call: &Call<'_>, found: &Found) -> Result<Vec<u8>, Error> {
        let object = object::of(self.kind, &found.record.attributes());
        let mut cells: Vec<String> = Vec::with_capacity(self.columns.len());
        let mut members = Vec::new();
        for column in &self.columns {
            cells.push(match column.target {
                Target::Manager => {
                    let manager = object.get(civitas_scim::schema::urn::ENTERPRISE_USER);
                    let id = manager.and_then(|it| it["manager"]["value"].as_str());
                    match id {
                        Some(id) => {
                            let id = super::super::id::kept(id);
                            let name = name(call, &id).await?.unwrap_or_default();
                            cell::written(&name).into_owned()
                        }
                        None => String::new(),
                    }
                }
                Target::Members => {
                    let of = found.members.as_deref().unwrap_or_default();
                    members = names(call, of).await?;
                    String::new()
                }
                Target::Path(_) | Target::Primary(_) => column::shown(column, &object),
            });
        }
        let at = self
            .columns
            .iter()
            .position(|it| it.target == Target::Members);
        let (Some(at), false) = (at, members.is_empty()) else {
            return Ok(row(&cells));
        };
        let mut rows = Vec::new();
        for some in members.chunks(MEMBERS_OF_A_ROW) {
            cells[at] = cell::written(&column::joined(some)).into_owned();
            rows.extend(row(&cells));
        }
        Ok(rows)
    }
}

/// The user names of members, of those that are users.
async fn names(call: &Call<'_>, members: &[MemberRef]) -> Result<Vec<String>, Error> {
    let mut names = Vec::with_capacity(members.len());
    for member in members
        .iter()
        .filter(|it| it.resource_type == Kind::User.name())
    {
        names.extend(name(call, &member.id).await?);
    }
    Ok(names)
}

/// The name of a user, if it is there.
async fn name(call: &Call<'_>, id: &str) -> Result<Option<String>, Error> {
    let Some(kept) = Kind::User.kept(&call.scope.catalogue) else {
        return Ok(None);
    };
    match call
        .directory()
        .get(&call.scope, &kept, id, Want::default())
        .await
    {
        Ok(found) => {
            let attributes = found.record.attributes();
            Ok(attributes
                .get("userName")
                .and_then(Value::as_str)
                .map(str::to_owned))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

//! Lists: by index, or from an identifier on.

use civitas_directory::{
    Outcome,
    store::{Page, Selection, Want},
};
use civitas_scim::{
    condition::{Condition, Sort},
    filter::Filter,
    messages::urn::LIST_RESPONSE,
    schema::ResourceType,
    tolerance::Tolerance,
};
use serde_json::{Value, json};

use super::{
    condition::{Ids, Written},
    projection::{self, Asked, Projection},
    proof, show, view,
};
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        kind::Kind,
        number,
    },
    refusal::Refusal,
    reply::Reply,
};

/// Resources of a page unless fewer are asked for; more never are.
pub(super) const MAX_COUNT: usize = 100;

/// What stands for the first page, and for the end.
const INITIAL: &str = "initial";
const END: &str = "end";

/// What a list is asked for with.
pub(super) struct Parameters {
    filter: Option<String>,
    attributes: Option<String>,
    excluded: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    start_id: Option<String>,
}

impl Parameters {
    /// The parameters of the query.
    pub(super) fn of_query(call: &Call<'_>) -> Result<Self, Fault> {
        let text = |name: &str| call.parameter(name).map(str::to_owned);
        let number = |name: &str, told: &str| -> Result<Option<i64>, Fault> {
            let value = call.parameter(name);
            let read = value.map(|it| it.parse::<i32>().map(i64::from));
            read.transpose().map_err(|_| out_of_range(told))
        };
        Ok(Self {
            filter: text("filter"),
            attributes: text("attributes"),
            excluded: text("excludedAttributes"),
            start_index: number("startIndex", "StartIndex")?,
            count: number("count", "Count")?,
            start_id: text("startId"),
        })
    }

    /// The parameters of a search message.
    pub(super) fn of_message(body: &Value) -> Result<Self, Fault> {
        let member = |name: &str| {
            let mut members = body.as_object().into_iter().flatten();
            let found = members.find(|(it, _)| it.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value).filter(|it| !it.is_null())
        };
        let text = |name: &str| -> Result<Option<String>, Fault> {
            let value = member(name);
            let text = value.map(|it| it.as_str().map(str::to_owned));
            text.map(|it| it.ok_or_else(Fault::unreadable)).transpose()
        };
        let names = |name: &str| -> Option<String> {
            match member(name)? {
                Value::Array(names) => {
                    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                    Some(names.join(","))
                }
                name => name.as_str().map(str::to_owned),
            }
        };
        let number = |name: &str, told: &str| -> Result<Option<i64>, Fault> {
            let value = member(name).map(|it| it.as_i64().ok_or_else(|| out_of_range(told)));
            value.transpose()
        };
        Ok(Self {
            filter: text("filter")?,
            attributes: names("attributes"),
            excluded: names("excludedAttributes"),
            start_index: number("startIndex", "StartIndex")?,
            count: number("count", "Count")?,
            start_id: text("startId")?,
        })
    }

    fn page_size(&self) -> usize {
        let count = self.count.map_or(MAX_COUNT as i64, |it| it.max(0));
        usize::try_from(count).unwrap_or(MAX_COUNT).min(MAX_COUNT)
    }
}

fn out_of_range(name: &str) -> Fault {
    Fault::value(format!("{name} is not a numeric value or is out of range."))
}

/// A list that is read.
struct List<'l> {
    call: &'l Call<'l>,
    kind: Kind,
    view: &'l ResourceType,
    kept: ResourceType,
    condition: Option<Condition>,
    projection: Projection,
}

/// Resources of a type, as the parameters ask for them.
pub(super) async fn answer(
    call: &Call<'_>,
    kind: Kind,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let catalogue = &call.scope.catalogue;
    let view = view::of(kind, catalogue);
    let kept = view::kept(kind, catalogue).ok_or(Refusal::UnknownPath)?;
    let (attributes, excluded) = (&parameters.attributes, &parameters.excluded);
    let projection = Projection::read(
        &view,
        Asked::List,
        attributes.as_deref(),
        excluded.as_deref(),
    )?;
    let start_id = parameters.start_id.as_deref().map(StartId::read);
    let start_id = start_id.transpose()?;
    let condition = match &parameters.filter {
        Some(text) => {
            let written = Written::parse(text)?;
            let ids = ids(call, kind, &view, &written).await?;
            Some(written.condition(kind, &view, &kept, &ids)?)
        }
        None => None,
    };
    let list = List {
        call,
        kind,
        view: &view,
        kept,
        condition,
        projection,
    };
    let count = parameters.page_size();
    match start_id {
        None => {
            let start = parameters.start_index.unwrap_or(1).max(1);
            list.by_index(start, count).await
        }
        Some(start) => {
            let told = parameters.start_id.as_deref().unwrap_or_default();
            list.by_id(&start, told, count).await
        }
    }
}

/// The users that a filter asks for by their User IDs, and groups likewise.
async fn ids(
    call: &Call<'_>,
    kind: Kind,
    view: &ResourceType,
    written: &Written,
) -> Result<Ids, Failure> {
    let mut ids = Ids::new();
    let (directory, scope) = (call.directory(), &call.scope);
    for text in written.numbers(kind, view) {
        let found = match kind {
            Kind::User => number::user(directory, scope, &text, Want::default()).await?,
            Kind::Group => number::group(directory, scope, &text, Want::default()).await?,
        };
        ids.insert(text, found.map(|it| it.record.id));
    }
    Ok(ids)
}

/// Where a page begins.
enum StartId {
    Initial,
    At(String),
    End,
}

impl StartId {
    fn read(text: &str) -> Result<Self, Fault> {
        if text.eq_ignore_ascii_case(INITIAL) {
            return Ok(Self::Initial);
        }
        if text.eq_ignore_ascii_case(END) {
            return Ok(Self::End);
        }
        let is_id = |it: char| it.is_ascii_alphanumeric() || "-._~".contains(it);
        if text.is_empty() || !text.chars().all(is_id) {
            let detail = format!("\"{text}\" is not a valid startId!");
            return Err(Fault::plain(detail));
        }
        Ok(Self::At(if is_uuid(text) {
            text.to_ascii_lowercase()
        } else {
            text.to_owned()
        }))
    }
}

/// Whether a text has the form of a UUID.
pub(super) fn is_uuid(text: &str) -> bool {
    let is_fit = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_fit)
}

impl List<'_> {
    async fn by_index(&self, start: i64, count: usize) -> Result<Reply, Failure> {
        let offset = u64::try_from(start - 1).unwrap_or_default();
        let condition = self.condition.clone();
        let (total, rows) = self.page(condition, offset, count).await?;
        let mut body = json!({
            "schemas": [LIST_RESPONSE],
            "totalResults": total,
            "itemsPerPage": count,
            "startIndex": start,
        });
        add_rows(&mut body, rows);
        Ok(Call::answer(Outcome::Answered, &body))
    }

    async fn by_id(&self, start: &StartId, told: &str, count: usize) -> Result<Reply, Failure> {
        let after = match start {
            StartId::At(id) => {
                let from = format!("id ge {}", Value::from(id.as_str()));
                let filter = Filter::parse(&from, &civitas_scim::filter::Limits::default());
                let filter = filter.map_err(civitas_directory::Error::Invalid)?;
                let resolved = filter.resolve(&self.kept, &[], &Tolerance::strict());
                Some(resolved.map_err(civitas_directory::Error::Invalid)?)
            }
            StartId::Initial | StartId::End => None,
        };
        let (total, mut rows) = match (start, after) {
            (StartId::End, _) => self.page(self.condition.clone(), 0, 0).await?,
            (_, None) => self.page(self.condition.clone(), 0, count + 1).await?,
            (_, Some(after)) => {
                let (total, _) = self.page(self.condition.clone(), 0, 0).await?;
                let both = self.condition.clone().into_iter().chain([after]);
                let both = Condition::And(both.collect());
                let (_, rows) = self.page(Some(both), 0, count + 1).await?;
                (total, rows)
            }
        };
        let next = match rows.get(count) {
            Some((id, _)) if !matches!(start, StartId::End) => id.clone(),
            _ => END.to_owned(),
        };
        rows.truncate(count);
        let mut body = json!({
            "schemas": [LIST_RESPONSE],
            "totalResults": total,
            "itemsPerPage": count,
            "startId": told,
            "nextId": next,
        });
        add_rows(&mut body, rows);
        Ok(Call::answer(Outcome::Answered, &body))
    }

    /// Resources by identifier, each with what is shown of it, and how many there are in all.
    async fn page(
        &self,
        condition: Option<Condition>,
        offset: u64,
        count: usize,
    ) -> Result<(u64, Vec<(String, Value)>), Failure> {
        let sort = Sort::resolve("id", false, &self.kept);
        let selection = Selection {
            resource_type: self.kind.name().to_owned(),
            condition,
            sort: Some(sort.map_err(civitas_directory::Error::Invalid)?),
        };
        let page = Page::Index { offset, count };
        let mut want = projection::want(self.kind, &self.projection, super::MAX_MEMBERS);
        // How many groups there are is told of each user.
        want.groups |= self.kind == Kind::User && self.projection.shows("meta");
        let directory = self.call.directory();
        let found = directory.select(&self.call.scope, selection, page, want);
        let found = found.await?;
        let ids: Vec<String> = found.items.iter().map(|it| it.record.id.clone()).collect();
        let credentials = proof::of(self.call, self.kind, &ids).await?;
        let rows = found
            .items
            .iter()
            .zip(&credentials)
            .map(|(found, credential)| {
                let credential = credential.as_ref();
                let mut object = show::whole(self.call, self.kind, self.view, found, credential);
                let groups = found.groups.as_deref().unwrap_or_default();
                if let (Kind::User, Some(meta)) = (self.kind, object.get_mut("meta")) {
                    meta["groups.cnt"] = groups.len().into();
                }
                let shown = self.projection.apply(self.view, object);
                (found.record.id.clone(), Value::Object(shown))
            });
        Ok((found.total, rows.collect()))
    }
}

/// Adds the rows, if there are any.
fn add_rows(body: &mut Value, rows: Vec<(String, Value)>) {
    if !rows.is_empty() {
        let rows = rows.into_iter().map(|(_, it)| it);
        body["Resources"] = rows.collect();
    }
}

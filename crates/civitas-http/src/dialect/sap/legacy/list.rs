//! Lists of the older API, in the order in which resources were created.

use civitas_directory::{
    Outcome,
    store::{FoundPage, Page, Place, Position, Selection, Want},
};
use civitas_scim::{
    condition::Condition,
    filter::{self, Filter, Literal, Operator},
    messages::urn::LIST_RESPONSE,
};
use serde_json::{Value, json};

use super::show;
use crate::{
    dialect::sap::{
        call::Call,
        fault::{Failure, Fault},
        identity::{
            self,
            condition::{Ids, Written},
            resource::everything,
            schema::{CUSTOM_GROUP, SAP_USER},
        },
        kind::Kind,
        number,
    },
    reply::Reply,
};

/// Resources of a page unless fewer are asked for; more never are.
const MAX_COUNT: i64 = 100;

fn invalid() -> Fault {
    Fault::invalid("invalidFilter", "Invalid filter")
}

pub(super) async fn answer(call: &Call<'_>, kind: Kind) -> Result<Reply, Failure> {
    let whole = |name: &str| -> Result<Option<i64>, Fault> {
        let value = call.parameter(name).map(str::parse::<i32>).transpose();
        let value = value.map_err(|_| Fault::value(format!("{name} is not a numeric value.")))?;
        Ok(value.map(i64::from))
    };
    let (start, count) = (whole("startIndex")?, whole("count")?);
    let start = start.unwrap_or(1).max(1);
    let count = count.unwrap_or(MAX_COUNT).clamp(0, MAX_COUNT);
    let condition = match call.parameter("filter").filter(|_| kind == Kind::User) {
        Some(text) => Some(condition(call, text).await?),
        None => None,
    };
    let list = List {
        call,
        kind,
        condition,
    };
    let size = usize::try_from(count).unwrap_or_default();
    match call.parameter("startId").filter(|_| kind == Kind::User) {
        None => {
            let offset = u64::try_from(start - 1).unwrap_or_default();
            let page = Page::Index {
                offset,
                count: size,
            };
            let found = list.found(page).await?;
            let mut body = json!({
                "schemas": [LIST_RESPONSE],
                "totalResults": found.total,
                "itemsPerPage": count,
                "startIndex": start,
            });
            list.add_rows(&mut body, &found).await?;
            Ok(Call::answer(Outcome::Answered, &body))
        }
        Some(told) => list.by_id(told, size).await,
    }
}

struct List<'l> {
    call: &'l Call<'l>,
    kind: Kind,
    condition: Option<Condition>,
}

impl List<'_> {
    async fn found(&self, page: Page) -> Result<FoundPage, Failure> {
        let selection = Selection {
            resource_type: self.kind.name().to_owned(),
            condition: self.condition.clone(),
            sort: None,
        };
        let want = everything(self.kind);
        let directory = self.call.directory();
        let found = directory.select(&self.call.scope, selection, page, want);
        Ok(found.await?)
    }

    /// A page that begins with a user.
    async fn by_id(&self, told: &str, count: usize) -> Result<Reply, Failure> {
        let begin = match told.to_ascii_lowercase().as_str() {
            "initial" => Some(Position(0)),
            "end" => None,
            _ => {
                let position = number::position_of_user(told);
                let detail = format!("\"{told}\" is not a valid startId!");
                Some(position.ok_or_else(|| Fault::plain(detail))?)
            }
        };
        let place = begin.map(|position| Place {
            resource_type: self.kind.name().to_owned(),
            position: Position(position.0 - 1),
            key: None,
        });
        let page = match place {
            None => Page::Index {
                offset: 0,
                count: 0,
            },
            Some(place) => Page::After {
                place: Some(place).filter(|it| it.position.0 >= 0),
                count: count + 1,
            },
        };
        let mut found = self.found(page).await?;
        let next = found.items.get(count);
        let next = next.map_or_else(|| "end".to_owned(), |it| number::user_id(&it.record));
        found.items.truncate(count);
        let mut body = json!({
            "schemas": [LIST_RESPONSE],
            "totalResults": found.total,
            "itemsPerPage": count,
            "startId": told,
            "nextId": next,
        });
        self.add_rows(&mut body, &found).await?;
        Ok(Call::answer(Outcome::Answered, &body))
    }

    async fn add_rows(&self, body: &mut Value, found: &FoundPage) -> Result<(), Failure> {
        let of = identity::types(self.call, self.kind)?;
        let mut rows = Vec::with_capacity(found.items.len());
        for found in &found.items {
            rows.push(show(self.call, self.kind, &of.view, found).await?);
        }
        if !rows.is_empty() {
            body["Resources"] = Value::Array(rows);
        }
        Ok(())
    }
}

/// The condition that a filter of this API stands for: comparisons of few attributes, all of which
/// hold.
async fn condition(call: &Call<'_>, text: &str) -> Result<Condition, Failure> {
    let filter = Filter::parse(text, &filter::Limits::default()).map_err(|_| invalid())?;
    let parts = match filter {
        Filter::And(parts) => parts,
        one => vec![one],
    };
    let mut tests = Vec::with_capacity(parts.len());
    for part in parts {
        let Filter::Compare(path, Operator::Eq, Literal::String(value)) = part else {
            return Err(invalid().into());
        };
        let literal = Value::from(value.as_str());
        tests.push(match path.as_str() {
            "id" => format!("{SAP_USER}:userId eq {literal}"),
            "userUuid" => format!("{SAP_USER}:userUuid eq {literal}"),
            "emails" | "userName" | "name.familyName" => format!("{path} eq {literal}"),
            "addresses.country" => {
                format!("addresses[type eq \"home\" and country eq {literal}]")
            }
            "groups" => {
                let id = group_called(call, &value).await?;
                format!("groups eq {}", Value::from(id))
            }
            _ => return Err(invalid().into()),
        });
    }
    resolved(call, Kind::User, &tests.join(" and ")).await
}

async fn resolved(call: &Call<'_>, kind: Kind, text: &str) -> Result<Condition, Failure> {
    let of = identity::types(call, kind)?;
    let written = Written::parse(text)?;
    let mut ids = Ids::new();
    for text in written.numbers(kind, &of.view) {
        let found = number::user(call.directory(), &call.scope, &text, Want::default()).await?;
        ids.insert(text, found.map(|it| it.record.id));
    }
    Ok(written.condition(kind, &of.view, &of.kept, &ids)?)
}

/// The identifier of the group that is called by a name; of none if there is none.
async fn group_called(call: &Call<'_>, name: &str) -> Result<String, Failure> {
    let text = format!("{CUSTOM_GROUP}:name eq {}", Value::from(name));
    let list = List {
        call,
        kind: Kind::Group,
        condition: Some(resolved(call, Kind::Group, &text).await?),
    };
    let page = Page::Index {
        offset: 0,
        count: 1,
    };
    let found = list.found(page).await?;
    let mut items = found.items.into_iter();
    Ok(items.next().map(|it| it.record.id).unwrap_or_default())
}

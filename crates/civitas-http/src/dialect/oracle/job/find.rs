//! Lists of jobs and of what came of their rows: which a filter selects. Pure.

use civitas_scim::{
    condition::Condition,
    filter::{self, Filter, Literal, Operator},
    schema::{Attribute, ResourceType, Schema, Type},
    tolerance::Tolerance,
};

use super::super::{fault::Fault, parameters::Parameters};

/// What a list is asked for.
pub(super) struct Asked {
    /// Which documents are in it.
    pub(super) condition: Option<Condition>,
    /// The job that all of them belong to, if the filter says so.
    pub(super) job: Option<String>,
    /// Whether the filter says nothing else.
    pub(super) whole: bool,
}

/// The attributes that documents of a type are searched by: texts, flags and instants, and those
/// that name the job.
pub(super) struct Searched {
    pub(super) name: &'static str,
    pub(super) texts: &'static [&'static str],
    pub(super) flags: &'static [&'static str],
    pub(super) instants: &'static [&'static str],
    pub(super) jobs: &'static [&'static str],
}

impl Searched {
    /// Reads the filter of a list.
    pub(super) fn asked(&self, parameters: &Parameters) -> Result<Asked, Fault> {
        let Some(text) = parameters.filter.as_deref() else {
            return Ok(Asked {
                condition: None,
                job: None,
                whole: true,
            });
        };
        let refused = || Fault::filter(text);
        let parsed = Filter::parse(text, &filter::Limits::default()).map_err(|_| refused())?;
        let job = self.job(&parsed);
        let whole = job.is_some() && matches!(parsed, Filter::Compare(..));
        let resolved = parsed.resolve(&self.row_type(), &[], &Tolerance::strict());
        Ok(Asked {
            condition: Some(resolved.map_err(|_| refused())?),
            job,
            whole,
        })
    }

    /// The job that whatever meets the filter belongs to.
    fn job(&self, filter: &Filter) -> Option<String> {
        match filter {
            Filter::And(parts) => parts.iter().find_map(|it| self.job(it)),
            Filter::Compare(path, Operator::Eq, Literal::String(id)) => {
                let mut names = self.jobs.iter();
                let names_job = names.any(|it| it.eq_ignore_ascii_case(path.as_str()));
                names_job.then(|| id.clone())
            }
            _ => None,
        }
    }

    fn row_type(&self) -> ResourceType {
        let of = |names: &'static [&'static str], r#type: Type| {
            names.iter().map(move |name| Attribute {
                name: (*name).to_owned(),
                r#type,
                ..Attribute::default()
            })
        };
        let attributes = of(self.texts, Type::String)
            .chain(of(self.jobs, Type::String))
            .chain(of(self.flags, Type::Boolean))
            .chain(of(self.instants, Type::DateTime));
        ResourceType {
            name: self.name.to_owned(),
            endpoint: format!("/{}", self.name),
            description: String::new(),
            schema: Schema {
                id: format!("urn:ietf:params:scim:schemas:oracle:idcs:{}", self.name),
                name: self.name.to_owned(),
                description: String::new(),
                attributes: attributes.collect(),
            },
            extensions: Vec::new(),
            common: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_may_name_the_job() {
        let searched = Searched {
            name: "Row",
            texts: &["type"],
            flags: &[],
            instants: &[],
            jobs: &["historyId"],
        };
        for (filter, job, whole) in [
            (r#"historyid eq "7""#, Some("7"), true),
            (r#"type eq "x" and historyId eq "7""#, Some("7"), false),
            (r#"historyId eq "7" or type eq "x""#, None, false),
            (r#"type eq "x""#, None, false),
        ] {
            let parameters = Parameters {
                filter: Some(filter.into()),
                ..Parameters::default()
            };
            let asked = searched.asked(&parameters).unwrap();
            assert_eq!(
                (asked.job.as_deref(), asked.whole),
                (job, whole),
                "{filter}"
            );
        }
        for filter in ["nonsense eq 1", "historyId"] {
            let parameters = Parameters {
                filter: Some(filter.into()),
                ..Parameters::default()
            };
            assert!(searched.asked(&parameters).is_err(), "{filter}");
        }
    }
}

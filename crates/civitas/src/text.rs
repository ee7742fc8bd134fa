//! `civitas text`: texts and templates that a tenant has in place of the product's.

use std::{fs, path::Path, sync::Arc};

use civitas_directory::{
    Store, Tenant,
    link::Purpose,
    text::{MAX_TEXT_BYTES, TextSet},
    wording::{self, Form, TEXTS},
};

use crate::{cli, console, failure::Failure, source::find_tenant};

pub(crate) async fn run(command: cli::Text) -> Result<(), Failure> {
    match command {
        cli::Text::List { of } => {
            let (store, tenant) = open(&of).await?;
            for set in store.texts(tenant.partition).await.map_err(other)? {
                console::say(&format!("{}\t{}", set.kind, set.locale));
            }
        }
        cli::Text::Show { kind, locale, of } => {
            let (store, tenant) = open(&of).await?;
            let found = store.text(tenant.partition, &kind, &locale).await;
            let found = found.map_err(other)?.ok_or_else(|| {
                Failure::other(format!(
                    "tenant {} has no {kind} in {locale} of its own",
                    tenant.name
                ))
            })?;
            console::say(found.content.trim_end());
        }
        cli::Text::Set {
            kind,
            locale,
            file,
            of,
        } => {
            let content = read(&kind, &locale, &file)?;
            set(&of, kind, locale, content).await?;
        }
        cli::Text::Unset { kind, locale, of } => set(&of, kind, locale, String::new()).await?,
    }
    Ok(())
}

async fn open(of: &cli::TextOwner) -> Result<(Arc<dyn Store>, Tenant), Failure> {
    let store = of.source.location()?.open_existing().await?;
    let tenant = find_tenant(store.as_ref(), &of.tenant).await?;
    Ok((store, tenant))
}

async fn set(
    of: &cli::TextOwner,
    kind: String,
    locale: String,
    content: String,
) -> Result<(), Failure> {
    let (store, tenant) = open(of).await?;
    let told = if content.is_empty() {
        format!(
            "tenant {} has the product's {kind} in {locale}",
            tenant.name
        )
    } else {
        format!("tenant {} has {kind} in {locale} of its own", tenant.name)
    };
    let set = TextSet {
        kind,
        locale,
        media: "text/html;charset=UTF-8".into(),
        content,
    };
    let done = store.set_texts(tenant.partition, &[set]).await;
    done.map_err(other)?;
    console::say(&told);
    Ok(())
}

/// The content of a file, if it is one for the kind.
fn read(kind: &str, locale: &str, file: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::configuration(format!("{}: {why}", file.display()));
    let known = wording::candidates(Some(locale));
    if known.first().map(String::as_str) != Some(locale) {
        return Err(Failure::configuration(format!(
            "{locale:?} is no language such as de or de_AT"
        )));
    }
    let content = fs::read_to_string(file).map_err(|error| wrong(&error.to_string()))?;
    if content.trim().is_empty() || content.len() > MAX_TEXT_BYTES {
        return Err(wrong(&format!(
            "empty, or more than {MAX_TEXT_BYTES} bytes"
        )));
    }
    if kind == TEXTS {
        wording::parse_properties(&content).map_err(|error| wrong(&error.to_string()))?;
    } else if templates().contains(&kind.to_owned()) {
        wording::check_template(&content).map_err(|error| wrong(&error.to_string()))?;
    } else {
        let kinds = templates().join(", ");
        return Err(Failure::configuration(format!(
            "there is no kind {kind:?}; there are: {TEXTS}, {kinds}"
        )));
    }
    Ok(content)
}

fn templates() -> Vec<String> {
    let purposes = Purpose::ALL.into_iter().filter(|it| *it != Purpose::Device);
    let each = purposes.flat_map(|it| Form::ALL.map(|form| wording::template_kind(it, form)));
    each.collect()
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn other(error: civitas_directory::store::RegistryError) -> Failure {
    Failure::other(error.to_string())
}

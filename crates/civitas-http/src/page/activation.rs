//! An account that is activated: its address is confirmed, and it gets a password if it has none.

use civitas_directory::Error;

use super::{
    content::Activation,
    device,
    form::{Form, Refused},
    view::Done,
    visit::Visit,
};
use crate::{
    dialect::sap::{Guest, Refusing},
    reply::Reply,
};

const FIELD: &str = "password";

pub(super) async fn answer(visit: &Visit<'_>) -> Result<Reply, Refused> {
    let about: Activation = visit.content()?;
    let user = &visit.link.subject;
    let directory = &visit.app.directory;
    let credential = directory.credential(&visit.scope, user).await?;
    let has_password = credential.password.is_some();
    let mut form = Form::new(visit, "activation").with(
        visit,
        ("email", "fixed", "username"),
        Some(&about.email),
    );
    if has_password {
        form.intro = visit.wording.line("page.activation.confirm", &[]);
    } else {
        form = form.with_password(visit, FIELD);
    }
    let Some(fields) = form.own(visit) else {
        return form.shown(visit);
    };
    let chosen = (!has_password).then(|| form.password(visit, fields, FIELD));
    if !form.is_right() {
        return form.shown(visit);
    }
    let (application, target) = (about.application.as_deref(), about.target.as_deref());
    let (mut beside, device) =
        device::offer(visit, user, &about.email, (application, target)).await?;
    beside.push(civitas_directory::Directory::redemption(
        &visit.scope,
        &visit.link,
    ));
    let guest = Guest::of(visit);
    let activated = guest.activate(user, &about, chosen.as_deref(), beside);
    match activated.await {
        Ok(()) => {}
        Err(Refusing::Weak) => {
            form.weak(visit, FIELD);
            return form.shown(visit);
        }
        Err(Refusing::Refusal(refusal)) => {
            return Err(match refusal {
                crate::refusal::Refusal::Directory(Error::NotFound { .. }) => Refused::Spent,
                other => other.into(),
            });
        }
    }
    visit.done(&Done {
        title: visit.wording.line("page.activation.title", &[]),
        text: visit.wording.line("page.activation.done", &[]),
        device,
        target,
        application,
    })
}

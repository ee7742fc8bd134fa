//! A new password in place of a forgotten one.

use super::{
    content::Reset,
    device,
    form::{Form, Refused},
    view::Done,
    visit::Visit,
};
use crate::reply::Reply;

const FIELD: &str = "new_password";

pub(super) async fn answer(visit: &Visit<'_>) -> Result<Reply, Refused> {
    let about: Reset = visit.content()?;
    let mut form = Form::new(visit, "password")
        .with(visit, ("email", "fixed", "username"), Some(&about.email))
        .with_password(visit, FIELD);
    let Some(fields) = form.own(visit) else {
        return form.shown(visit);
    };
    let chosen = form.password(visit, fields, FIELD);
    if !form.is_right() {
        return form.shown(visit);
    }
    let user = &visit.link.subject;
    let directory = &visit.app.directory;
    let (offer, device) = device::offer(visit, user, &about.email, (None, None)).await?;
    let set = directory.choose_password(&visit.scope, user, &chosen, &visit.link, offer);
    match set.await {
        Ok(()) => {}
        // What is left of the rules is that it was used before.
        Err(civitas_directory::Error::Invalid(_)) => {
            form.weak(visit, FIELD);
            return form.shown(visit);
        }
        Err(civitas_directory::Error::NotFound { .. }) => return Err(Refused::Spent),
        Err(error) => return Err(error.into()),
    }
    visit.done(&Done {
        title: visit.wording.line("page.password.title", &[]),
        text: visit.wording.line("page.password.done", &[]),
        device,
        ..Done::default()
    })
}

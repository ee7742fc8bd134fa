//! Somebody who was invited to an application becomes one of its users.

use super::{
    content::Invitation,
    device,
    form::{Form, Refused},
    view::Done,
    visit::Visit,
};
use crate::{
    dialect::sap::{Guest, NewUser, Refusing},
    reply::Reply,
};

const FIELD: &str = "password";

/// Characters that names do not have.
const FORBIDDEN: &str = "<>:";

pub(super) async fn answer(visit: &Visit<'_>) -> Result<Reply, Refused> {
    let about: Invitation = visit.content()?;
    let words = [
        ("inviter", about.inviter.as_str()),
        ("application", about.application.as_str()),
    ];
    let guest = Guest::of(visit);
    let known = guest.known(&about.email).await?;
    let mut form = Form::new(visit, "invitation").with(
        visit,
        ("email", "fixed", "username"),
        Some(&about.email),
    );
    form.intro = visit.wording.line("page.invitation.intro", &words);
    if known.is_some() {
        let more = visit.wording.line("page.invitation.known", &words);
        form.intro = format!("{} {more}", form.intro);
        form.action = visit.wording.line("page.invitation.join", &[]);
    } else {
        let (first, last) = (about.first_name.as_deref(), about.last_name.as_deref());
        form = form
            .with(visit, ("first_name", "text", "given-name"), first)
            .with(visit, ("last_name", "text", "family-name"), last)
            .with_password(visit, FIELD);
    }
    let Some(fields) = form.own(visit) else {
        return form.shown(visit);
    };
    let user = if let Some(user) = known {
        guest.join(&user, &about, &visit.link).await?;
        user
    } else {
        let new = NewUser {
            first_name: form.text(visit, fields, "first_name", (false, FORBIDDEN)),
            last_name: form.text(visit, fields, "last_name", (true, FORBIDDEN)),
            password: form.password(visit, fields, FIELD),
        };
        if !form.is_right() {
            return form.shown(visit);
        }
        match guest.register(&new, &about, &visit.link).await {
            Ok(user) => user,
            Err(Refusing::Weak) => {
                form.weak(visit, FIELD);
                return form.shown(visit);
            }
            Err(Refusing::Refusal(refusal)) => return Err(refusal.into()),
        }
    };
    let of = (
        Some(about.application.as_str()),
        Some(about.target.as_str()),
    );
    let (offer, device) = device::offer(visit, &user, &about.email, of).await?;
    if !offer.is_empty() {
        let directory = &visit.app.directory;
        directory.commit_beside(&visit.scope, offer).await?;
    }
    visit.done(&Done {
        title: visit.wording.line("page.invitation.title", &[]),
        text: visit.wording.line("page.invitation.done", &words),
        device,
        target: of.1,
        application: of.0,
    })
}

//! What operators ask: health and metrics. No tenant, no credentials.

use http::{HeaderValue, StatusCode};

use crate::{app::Surface, refusal::Refusal, reply::Reply};

/// `GET /health/live`: the process answers.
pub(crate) fn live() -> Reply {
    healthy()
}

/// `GET /health/ready`: requests can be served, and are meant to.
pub(crate) async fn ready(app: &Surface) -> Result<Reply, Refusal> {
    app.directory.ready().await?;
    if let Some(maintenance) = app.directory.server_settings().await?.maintenance {
        return Err(Refusal::Maintenance {
            retry_after: maintenance.retry_after,
        });
    }
    Ok(healthy())
}

/// `GET /metrics`.
pub(crate) fn metrics(app: &Surface) -> Reply {
    let (in_work, connections) = app.load();
    let text = app
        .metrics
        .render(in_work, connections, app.directory.commits());
    let media = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Reply::new(StatusCode::OK, media, text)
}

fn healthy() -> Reply {
    let media = HeaderValue::from_static("application/json");
    Reply::new(StatusCode::OK, media, r#"{"status":"ok"}"#)
}

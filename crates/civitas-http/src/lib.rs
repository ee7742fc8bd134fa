//! The HTTP surface of the directory.
//!
//! A request passes [`server`] (connections and their limits), [`app`] (bounds, routing,
//! log, metrics), [`router`] (the whole URL map) and [`call`] (who calls, under which
//! conditions); then a dialect decodes it, calls one use case of the directory and renders
//! the outcome. Knows no store.

mod app;
mod body;
mod call;
mod conditional;
mod credentials;
mod dialect;
mod form;
mod guide;
mod metrics;
mod negotiation;
mod oauth;
mod operations;
mod prefer;
mod problem;
mod refusal;
mod reply;
mod router;
mod server;
mod settings;

pub use app::App;
pub use server::serve;
pub use settings::{HttpLimits, Settings};

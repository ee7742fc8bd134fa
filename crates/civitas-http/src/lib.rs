//! The HTTP surface of the directory.
//!
//! A request passes [`server`] (connections and their limits), [`app`] (bounds, routing,
//! log, metrics), [`router`] (the whole URL map) and [`door`] (all checks before a use case,
//! in their order), which makes it a [`call`]; then a dialect decodes it, calls one use case of the directory and renders
//! the outcome. Knows no store.

mod admin;
mod app;
mod attribute;
mod body;
mod call;
mod clients;
mod coding;
mod conditional;
mod cookie;
mod country;
mod credentials;
mod dialect;
mod difference;
mod door;
mod effect;
mod failure;
mod family;
mod feed;
mod form;
mod guide;
mod import;
mod job;
mod letter;
mod metrics;
mod negotiation;
mod oauth;
mod operations;
mod ordered;
pub mod outcomes;
mod own_type;
mod page;
pub mod parity;
mod part;
mod peer;
mod prefer;
mod problem;
mod qr;
mod rate;
mod refusal;
mod reply;
mod room;
mod router;
mod server;
mod settings;
mod stage;
mod stream;
mod time_zone;
mod tls;
mod watched;

pub use app::App;
pub use feed::check_authorities;
pub use server::serve;
pub use settings::{Http2, HttpLimits, Settings};
pub use tls::{Tls, Unusable};

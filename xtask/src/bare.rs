//! A server that does nothing but HTTP: it answers any request with one fixed
//! body. What it reaches under the load generator is the most that a server on
//! the same stack could reach on this machine at this moment.

use std::net::Ipv4Addr;

use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, response::IntoResponse};
use tokio::net::TcpListener;

/// What the bare server listens on and answers.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Port on the loopback address.
    #[arg(long)]
    port: u16,
    /// Size of the body of every answer.
    #[arg(long)]
    bytes: usize,
}

/// Serves until it is killed.
pub(crate) fn main(options: &Options) -> anyhow::Result<()> {
    // The multi-threaded runtime at its defaults, as the real server has it.
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
            Ok(axum::serve(listener, router(options.bytes)).await?)
        })
}

/// Every path and method answers 200 with `bytes` bytes.
pub(crate) fn router(bytes: usize) -> Router {
    let body = Bytes::from(vec![b'x'; bytes]);
    Router::new().fallback(move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/scim+json")], body).into_response() }
    })
}

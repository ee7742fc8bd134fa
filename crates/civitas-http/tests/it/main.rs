//! The surface as clients see it: real sockets, real answers.

#![expect(clippy::unwrap_used, reason = "what is not as expected ends the test")]

mod administration;
mod bulk;
mod client_certificates;
mod client_secrets;
mod codings;
mod connections;
mod crest;
mod cursors;
mod definitions;
mod deltas;
mod every_operation;
mod faulty;
mod feed;
mod http;
mod http2;
mod imports;
mod jobs;
mod mails;
mod me;
mod openapi;
mod oracle;
mod order;
mod profiles;
mod receiver;
mod refusals;
mod resources;
mod routes;
mod sap;
mod stage;
mod status_codes;
mod tls;
mod tokens;
mod world;

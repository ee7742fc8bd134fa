//! The surface as clients see it: real sockets, real answers.

mod connections;
mod faulty;
mod http;
mod refusals;
mod resources;
mod routes;
mod tokens;
mod world;

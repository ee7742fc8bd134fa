//! The program as its users meet it: the real binary, a real file, real sockets.

#![expect(clippy::unwrap_used, reason = "what is not as expected ends the test")]

mod balancer;
mod command_line;
mod conformance;
mod copy;
mod crash;
mod csv;
mod definitions;
mod faults;
mod feed;
mod full_disk;
mod fuzz;
mod history;
mod isolation;
mod link;
mod nodes;
mod over_postgres;
mod overload;
mod parallel;
mod parity;
mod realms;
mod recorder;
mod robust;
mod server;
mod settings;
mod staging;
mod tls;
mod transfer;

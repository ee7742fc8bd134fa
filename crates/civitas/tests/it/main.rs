//! The program as its users meet it: the real binary, a real file, real sockets.

mod command_line;
mod conformance;
mod crash;
mod isolation;
mod parallel;
mod robust;
mod server;
mod transfer;

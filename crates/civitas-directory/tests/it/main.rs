//! Tests of the directory as its users see it.

#![expect(clippy::unwrap_used, reason = "what is not as expected ends the test")]

mod bulk;

use civitas_directory::{store::memory::MemoryStore, store_suite};

store_suite!(memory, MemoryStore::new());

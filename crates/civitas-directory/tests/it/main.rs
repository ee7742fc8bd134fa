//! Tests of the directory as its users see it.

use civitas_directory::{store::memory::MemoryStore, store_suite};

store_suite!(memory, MemoryStore::new());

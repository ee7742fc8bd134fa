//! Why a read failed, inside a store.

use civitas_directory::store::ReadError;

/// Why a read failed.
#[derive(Debug)]
pub(crate) enum ReadFault {
    /// The database failed, as it says.
    Unavailable(String),
    /// More documents would be examined than the limit allows.
    TooCostly {
        /// The limit.
        limit: usize,
    },
    /// Too much waits.
    Overloaded,
    /// A search turned out longer than one may be that does not leave its thread.
    Slow,
}

pub(crate) type ReadResult<T> = Result<T, ReadFault>;

impl From<ReadFault> for ReadError {
    fn from(fault: ReadFault) -> Self {
        match fault {
            ReadFault::Unavailable(cause) => Self::Unavailable(cause),
            ReadFault::TooCostly { limit } => Self::TooCostly { limit },
            ReadFault::Slow | ReadFault::Overloaded => Self::Overloaded,
        }
    }
}

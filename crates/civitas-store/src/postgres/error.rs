//! What goes wrong between here and the database, in the words of the directory.

use civitas_directory::{
    change::Rejected,
    redefinition::Refused,
    store::{ReadError, RegistryError},
};
use tokio_postgres::error::SqlState;

use crate::fault::ReadFault;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenPostgresError {
    /// The connection string or what it names is wrong. The text says what.
    #[error("{0}")]
    Url(String),
    /// The database cannot be reached, or refuses.
    #[error("the database cannot be opened: {0}")]
    Database(String),
    /// A newer version of the program has changed the form of the data.
    #[error("the data was written by a newer version of this program; use that version")]
    Newer,
    /// A copy to it has not been completed.
    #[error("the database holds an unfinished copy; `civitas copy` goes on with it")]
    Unfinished,
}

/// Why a statement failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// Others were in the way (`40001`, `40P01`, `55P03`): doing the same again may help.
    Again(String),
    /// A value that must be free is not (`23505`): the constraint that says so.
    Taken(String),
    /// The connection is lost, or is one to a server that does not serve.
    Lost(String),
    /// No connection was free in time.
    Overloaded,
    /// The database refused the statement.
    Refused(String),
}

pub(super) type Outcome<T> = Result<T, Fault>;

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let text = match error.as_db_error() {
            Some(told) => format!("{} ({})", told.message(), told.code().code()),
            None => error.to_string(),
        };
        let Some(state) = error.code() else {
            // Without a word from the database it is the connection, or a value that does not
            // fit its column, which a new connection does not harm.
            return Self::Lost(text);
        };
        match *state {
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE => Self::Again(text),
            SqlState::UNIQUE_VIOLATION => {
                let constraint = error.as_db_error().and_then(|it| it.constraint());
                Self::Taken(constraint.unwrap_or_default().to_owned())
            }
            SqlState::QUERY_CANCELED
            | SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::TOO_MANY_CONNECTIONS
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            // A primary that has become a standby.
            | SqlState::READ_ONLY_SQL_TRANSACTION => Self::Lost(text),
            _ if state.code().starts_with("08") => Self::Lost(text),
            _ => Self::Refused(text),
        }
    }
}

impl Fault {
    /// The text for the log.
    pub(super) fn text(self) -> String {
        match self {
            Self::Again(text) | Self::Lost(text) | Self::Refused(text) => text,
            Self::Taken(constraint) => format!("{constraint} is not unique"),
            Self::Overloaded => "no connection to the database was free in time".into(),
        }
    }
}

impl From<Fault> for ReadFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overloaded => Self::Overloaded,
            fault => Self::Unavailable(fault.text()),
        }
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        ReadFault::from(fault).into()
    }
}

impl From<Fault> for Rejected {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overloaded => Self::Overloaded,
            fault => Self::Unavailable(fault.text()),
        }
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overloaded => Self::Overloaded,
            fault => Self::Unavailable(fault.text()),
        }
    }
}

/// Why a tenant or client was not stored, inside the store.
#[derive(Debug)]
pub(super) enum RegistryFault {
    Refused(RegistryError),
    Database(Fault),
}

impl From<Fault> for RegistryFault {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}

impl From<RegistryError> for RegistryFault {
    fn from(error: RegistryError) -> Self {
        Self::Refused(error)
    }
}

impl From<RegistryFault> for RegistryError {
    fn from(fault: RegistryFault) -> Self {
        match fault {
            RegistryFault::Refused(error) => error,
            RegistryFault::Database(fault) => Self::Unavailable(fault.text()),
        }
    }
}

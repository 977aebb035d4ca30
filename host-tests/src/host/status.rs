//! The answers of a host call, by number, and the two ways in which one can go wrong.

/// A status that the module sees. The numbers are the ABI's; 5 and 9 and 11 exist but no call here gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    NotFound = 1,
    BadArgument = 2,
    SerializationFailure = 3,
    ParseFailure = 4,
    InvalidMemoryAccess = 6,
    Empty = 7,
    CasMismatch = 8,
    InternalFailure = 10,
    Unimplemented = 12,
}

impl Status {
    /// Is this an ordinary answer to a sensible question, rather than a mistake of the module?
    pub(super) fn is_ordinary(self) -> bool {
        matches!(self, Self::NotFound | Self::Empty | Self::CasMismatch)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NOT_FOUND",
            Self::BadArgument => "BAD_ARGUMENT",
            Self::SerializationFailure => "SERIALIZATION_FAILURE",
            Self::ParseFailure => "PARSE_FAILURE",
            Self::InvalidMemoryAccess => "INVALID_MEMORY_ACCESS",
            Self::Empty => "EMPTY",
            Self::CasMismatch => "CAS_MISMATCH",
            Self::InternalFailure => "INTERNAL_FAILURE",
            Self::Unimplemented => "UNIMPLEMENTED",
        }
    }
}

/// Why a host call did not succeed.
#[derive(Debug)]
pub(super) enum Fault {
    /// The module is told.
    Status(Status),
    /// The module is stopped: its allocator trapped.
    Trap(wasmtime::Error),
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// What a host call gives back to the generated wrapper.
pub(super) type Answer<T = ()> = Result<T, Fault>;

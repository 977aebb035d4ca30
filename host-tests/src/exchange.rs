//! One HTTP exchange as bytes: what captures are read into, what the host replays, what Envoy is asked to repeat.
//!
//! Nothing here is a `String` that came from the wire: headers and bodies may hold any byte.

/// A header or trailer list in wire order; duplicates are kept. Pseudo-headers (`:status`, `:path`) come first.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// How a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum End {
    /// The last byte, or the trailers, arrived.
    #[default]
    Complete,
    /// The peer reset the stream in the middle of the body.
    Reset,
}

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Message {
    /// Headers, pseudo-headers first.
    pub headers: Headers,
    /// The body as it was cut on the wire. Empty: there was no body at all (headers ended the stream).
    pub body: Vec<Vec<u8>>,
    /// Trailers, if there were any.
    pub trailers: Option<Headers>,
    /// How it ended.
    pub end: End,
}

/// Who made the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Origin {
    /// A server behind the proxy.
    #[default]
    Upstream,
    /// The proxy itself: the upstream refused the connection.
    ConnectFailure,
}

/// A request and its response.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Exchange {
    /// Short kebab-case name, unique in its folder.
    pub name: String,
    /// One line for a person.
    pub about: String,
    /// What the client sent.
    pub request: Message,
    /// What the upstream (or the proxy) answered, before any redaction.
    pub response: Message,
    /// Who answered.
    pub origin: Origin,
    /// The plugin configuration for this exchange; `None` is the bundle's default.
    pub policy: Option<serde_json::Value>,
    /// The planted secrets, by name, that must not reach the client. Their values live nowhere but here.
    pub planted: Vec<Planted>,
}

/// A synthetic secret that a capture contains.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Planted {
    /// Its name in the plants table.
    pub name: String,
    /// Its value: never printed (see the `Debug` below).
    pub value: Vec<u8>,
}

impl std::fmt::Debug for Planted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planted({}, {} bytes)", self.name, self.value.len())
    }
}

impl Message {
    /// The first value of a header, by lower-case name.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, v)| v.as_slice())
    }

    /// The whole body, joined.
    pub fn body_bytes(&self) -> Vec<u8> {
        self.body.concat()
    }
}

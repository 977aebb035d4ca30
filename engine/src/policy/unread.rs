//! Messages that cannot be inspected, and the bounds on what is: as written, and as streams ask for it.

use serde_json::{Map, Value, json};

use crate::error::Mistakes;
use crate::policy::read::{At, Read, Whole, choice, no_choice, object};

object! {
    /// What happens to a message that cannot be inspected, by the reason why; default: pass.
    pub(crate) struct OnUninspectable {
        /// A content encoding that is unknown, or not what it is said to be, or damaged.
        pub(crate) encoding: Option<Fate>,
        /// What follows behind limits.body_bytes.
        pub(crate) too_large: Option<Fate>,
        /// Pictures, archives and the like.
        pub(crate) content_type: Option<Fate>,
        /// WebSockets and tunnels.
        pub(crate) upgrade: Option<PassOrBlock>,
        /// A part of a body (206): it is read, but what its ends cut in two is not known.
        pub(crate) partial: Option<PassOrBlock>,
        /// A body that reaches one of the limits, or a candidate of more than 16 KiB that was given up.
        pub(crate) limit: Option<Fate>,
    }
}

choice! {
    /// What happens to a message, or to the rest of one, that cannot be inspected.
    pub enum Fate {
        /// It goes through, and is counted.
        Pass = "pass",
        /// The client gets an error in its place; once it has begun to leave, it is broken off.
        Block = "block",
        /// Its body, or the rest of it, is left out.
        Drop = "drop",
    }
}

/// The same where nothing can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PassOrBlock(Fate);

impl Read for PassOrBlock {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<PassOrBlock> {
        match at.value.as_str() {
            Some("pass") => Some(PassOrBlock(Fate::Pass)),
            Some("block") => Some(PassOrBlock(Fate::Block)),
            Some("drop") => {
                to.add(
                    at.place,
                    "without its bytes it is no such message; expected pass or block",
                );
                None
            }
            word => no_choice(at, word, &["pass", "block"], to),
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"enum": ["pass", "block"]})
    }
}

object! {
    /// Bounds on bodies.
    pub(crate) struct Limits {
        /// How many times its size a body may become when it is decoded; 1 MiB may always come out. Default: 100.
        pub(crate) decompression_ratio: Whole<2, 100_000> = Whole(100),
        /// How many bytes a body in br or zstd may look back; default: 8388608.
        pub(crate) window_bytes: Whole<65_536, 16_777_216> = Whole(8_388_608),
        /// How many bytes the decoders of one worker may take together; default: 67108864.
        pub(crate) decoder_bytes: Whole<1_048_576, 1_073_741_824> = Whole(67_108_864),
        /// How many bytes of a body, when it is decoded, are looked at; default: all.
        pub(crate) body_bytes: Option<Whole<1024, 9_007_199_254_740_991>>,
    }
}

/// What happens to what cannot be inspected, on one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnUnread {
    encoding: Fate,
    too_large: Fate,
    content_type: Fate,
    upgrade: Fate,
    partial: Fate,
    limit: Fate,
}

impl OnUnread {
    /// A route's own, key by key, and what it leaves out from the defaults.
    pub(crate) fn of(own: Option<&OnUninspectable>, defaults: &OnUninspectable) -> OnUnread {
        let get = |key: fn(&OnUninspectable) -> Option<Fate>| {
            own.and_then(key).or_else(|| key(defaults)).unwrap_or(Fate::Pass)
        };
        OnUnread {
            encoding: get(|o| o.encoding),
            too_large: get(|o| o.too_large),
            content_type: get(|o| o.content_type),
            upgrade: get(|o| o.upgrade.map(|w| w.0)),
            partial: get(|o| o.partial.map(|w| w.0)),
            limit: get(|o| o.limit),
        }
    }

    /// By the reason as metrics have it.
    pub(crate) fn by(&self, reason: &str) -> Fate {
        match reason {
            "encoding" => self.encoding,
            "too_large" => self.too_large,
            "content_type" => self.content_type,
            "upgrade" => self.upgrade,
            "partial" => self.partial,
            "limit" => self.limit,
            _ => Fate::Pass,
        }
    }
}

/// What the types cannot say of the defaults' or a route's `on_uninspectable`.
pub(crate) fn check(at: &str, own: &OnUninspectable, limits: &Limits, to: &mut Mistakes) {
    if limits.body_bytes.is_none() && own.too_large.is_some_and(|o| o != Fate::Pass) {
        to.add(
            format!("{at}on_uninspectable.too_large"),
            "no body is too large without limits.body_bytes; expected that too, or pass",
        );
    }
}

/// The policy's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// So many times its bytes may come out of an encoded body.
    pub decompression_ratio: u64,
    /// So far it may look back.
    pub window_bytes: usize,
    /// So many bytes all decoders of a VM may take.
    pub decoder_bytes: usize,
    /// So many bytes of a body are looked at.
    pub body_bytes: Option<u64>,
}

impl Bounds {
    pub(crate) fn of(limits: &Limits) -> Bounds {
        let bytes = |n| usize::try_from(n).unwrap_or(usize::MAX);
        Bounds {
            decompression_ratio: limits.decompression_ratio.0,
            window_bytes: bytes(limits.window_bytes.0),
            decoder_bytes: bytes(limits.decoder_bytes.0),
            body_bytes: limits.body_bytes.as_ref().map(|n| n.0),
        }
    }
}

//! What came of replaying captures, for a person: a table for the terminal and one HTML file.
//!
//! Both are made from [`Case`]s. Neither shows a secret unless asked to: a report is mailed around, and its readers
//! are more than may know the secrets. So what is masked is not only what the module found, but every planted value
//! and every other occurrence of what it found, on both sides.

mod html;
mod mask;
mod parts;
mod table;

use crate::capture::leaked;
use crate::exchange::{End, Exchange};
use crate::replay::{Ended, Replay};

pub use html::html;
pub use mask::{masked, visible};
pub use table::{Paint, Row, rows, table, table_painted};

/// An exchange and what came of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What was captured.
    pub exchange: Exchange,
    /// What replaying it gave.
    pub outcome: Outcome,
}

/// What came of an exchange.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It went through the module.
    Replayed(Box<Replay>),
    /// It could not be replayed, for this reason.
    NotReplayed(String),
}

/// What the report says of itself.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The module's file name.
    pub module: String,
    /// SHA-256 of the module, in hex.
    pub digest: String,
    /// Where the policy came from.
    pub policy: String,
    /// Show secrets in clear.
    pub show_secrets: bool,
}

impl Case {
    /// The replay, if there was one.
    pub fn replay(&self) -> Option<&Replay> {
        match &self.outcome {
            Outcome::Replayed(replay) => Some(replay),
            Outcome::NotReplayed(_) => None,
        }
    }

    /// The planted secrets that the client received.
    pub fn leaked(&self) -> Vec<&str> {
        self.replay()
            .map(|replay| leaked(&self.exchange.planted, &replay.client.message))
            .unwrap_or_default()
    }

    /// Why the replay counts as a failure; empty if it does not.
    pub fn faults(&self) -> Vec<String> {
        let Some(replay) = self.replay() else {
            return Vec::new();
        };
        let leaked = self.leaked();
        let mut faults: Vec<String> = leaked
            .iter()
            .map(|name| format!("the planted secret {name} reached the client"))
            .collect();
        if replay.client.ended == Ended::Hang {
            faults.push("the stream hangs: the client never gets its end".to_owned());
        }
        let blocked = replay.counted("blocked") > 0;
        if replay.client.ended == Ended::Reset && self.exchange.response.end == End::Complete && !blocked {
            faults.push("the connection was reset, though the upstream sent all of its response".to_owned());
        }
        if let Some(why) = &replay.failure {
            faults.push(format!("the VM failed: {why}"));
        }
        faults.extend(replay.strict.iter().map(|what| format!("host call: {what}")));
        faults
    }

    /// What the module says it did not look at: reasons, and how often.
    pub fn uninspected(&self) -> Vec<(&str, i64)> {
        let metrics = self.replay().into_iter().flat_map(|replay| &replay.grew);
        metrics
            .filter_map(|(name, count)| {
                let reason = name.split_once("uninspected.reason.")?.1;
                Some((reason.split('.').next().unwrap_or(reason), *count))
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Whether the client got the body byte for byte.
    pub fn body_unchanged(&self) -> bool {
        self.replay()
            .is_some_and(|r| r.client.message.body_bytes() == self.exchange.response.body_bytes())
    }
}

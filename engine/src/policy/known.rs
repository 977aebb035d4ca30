//! `known_secrets`: where the fingerprints of exact secrets come from, and what is done with what they find.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::strength;
use crate::error::Mistakes;
use crate::policy::action::{Action, Environment};
use crate::policy::read::{At, Read, choice, object};

object! {
    /// Exact secrets, known by fingerprints that an agent makes of them.
    pub(crate) struct KnownSecrets {
        /// Where they come from.
        pub(crate) feed: Source,
        /// What is done with an exact secret; default: label. Neither hash nor defang.
        pub(crate) action: Option<Action>,
    }
}

object! {
    /// The agent, as the proxy reaches it.
    pub(crate) struct Source {
        /// The proxy's cluster in which it is.
        pub(crate) cluster: String,
        /// The path that is asked for; default: /v1/fingerprints.
        pub(crate) path: Option<String>,
        /// What is asked for as the host; default: the cluster's name.
        pub(crate) authority: Option<String>,
        /// The environment variable that holds the key which agent and proxy share; default: KEEPMUM_AGENT_KEY.
        pub(crate) key_env: Option<String>,
        /// How often it is asked; default: 5s.
        pub(crate) every: Option<Time>,
        /// How long an answer may take; default: 2s.
        pub(crate) timeout: Option<Time>,
        /// How long the last good set holds while the agent does not answer; default: 10m.
        pub(crate) stale_after: Option<Time>,
        /// What happens then, and before the first set has come; default: alarm.
        pub(crate) on_stale: Option<OnStale>,
    }
}

choice! {
    /// What happens when no set is there, or an old one.
    pub enum OnStale {
        /// Requests go on, with the last good set if there is one.
        Keep = "keep",
        /// The same, with an error in the proxy's log each minute.
        Alarm = "alarm",
        /// Requests are answered with 503.
        Block = "block",
    }
}

/// A time such as `500ms`, `5s`, `10m`, `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time(Duration);

impl Read for Time {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Time> {
        let time = at.value.as_str().and_then(|text| {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (number, unit) = text.split_at_checked(digits)?;
            let milliseconds = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return None,
            };
            let all = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
            (100..=86_400_000).contains(&all).then_some(all)
        });
        match time {
            Some(milliseconds) => Some(Time(Duration::from_millis(milliseconds))),
            None => at.wrong("a time from 100ms to 24h, such as 500ms, 5s, 10m or 1h", to),
        }
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"})
    }
}

/// The feed, compiled.
#[derive(Clone, PartialEq, Eq)]
pub struct Feed {
    /// The proxy's cluster.
    pub cluster: String,
    /// The path that is asked for.
    pub path: String,
    /// The host that is asked for.
    pub authority: String,
    /// How often.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long a set holds.
    pub stale_after: Duration,
    /// What happens then.
    pub on_stale: OnStale,
    /// What agent and proxy share.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Feed({})", self.cluster)
    }
}

/// Where the key is looked for if the policy does not say.
const KEY: &str = "KEEPMUM_AGENT_KEY";

/// Bytes of a key.
const KEY_BYTES: usize = 32;

pub(crate) fn compile(written: &KnownSecrets, environment: Environment, to: &mut Mistakes) -> Option<Feed> {
    let before = to.count();
    let source = &written.feed;
    let at = |key: &str| format!("known_secrets.feed.{key}");
    let plain = |text: &str| (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !plain(&source.cluster) {
        to.add(at("cluster"), "expected the name of one of the proxy's clusters");
    }
    let path = source.path.clone().unwrap_or_else(|| "/v1/fingerprints".to_owned());
    if !plain(&path) || !path.starts_with('/') {
        to.add(at("path"), "expected a path that begins with a slash");
    }
    let authority = source.authority.clone().unwrap_or_else(|| source.cluster.clone());
    if !plain(&authority) {
        to.add(at("authority"), "expected a host name");
    }
    let time = |time: Option<Time>, default: u64| time.map_or(Duration::from_secs(default), |t| t.0);
    let every = time(source.every, 5);
    let stale_after = time(source.stale_after, 600);
    if stale_after < every {
        to.add(at("stale_after"), "it is shorter than every; expected as long at least");
    }
    match written.action {
        Some(Action::Hash(_)) => to.add(
            "known_secrets.action",
            "a hash of an exact secret would be one more fingerprint of it; expected label, mask, remove, block or report",
        ),
        Some(Action::Defang(_)) => to.add(
            "known_secrets.action",
            "nobody knows what the value is made of; expected label, mask, remove, block or report",
        ),
        Some(Action::Mask(ref m)) if m.keep_first.0 + m.keep_last.0 > 0 => to.add(
            "known_secrets.action.mask",
            "nothing of an exact secret may stay; expected neither keep_first nor keep_last",
        ),
        _ => {}
    }
    let name = source.key_env.as_deref().unwrap_or(KEY);
    let key = environment(name);
    let why = match &key {
        None => Some("there is no such variable in the environment".to_owned()),
        Some(key) if key.len() < KEY_BYTES => Some(format!("its value has {} bytes", key.len())),
        Some(key) if strength::bits(key) < strength::BITS => Some("its value can be guessed".to_owned()),
        Some(_) => None,
    };
    if let Some(why) = why {
        let variable = if source.key_env.is_some() {
            String::new()
        } else {
            format!("{KEY}: ")
        };
        to.add(
            at("key_env"),
            format!(
                "{variable}{why}; expected the agent's key, {KEY_BYTES} bytes or more that nobody can guess: `openssl rand -hex 32` makes one"
            ),
        );
    }
    (to.count() == before).then(|| Feed {
        cluster: source.cluster.clone(),
        path,
        authority,
        every,
        timeout: time(source.timeout, 2),
        stale_after,
        on_stale: source.on_stale.unwrap_or(OnStale::Alarm),
        key: key.unwrap_or_default(),
    })
}

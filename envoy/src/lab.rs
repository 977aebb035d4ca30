//! Captures behind real Envoys: one upstream that repeats their responses, one Envoy for each policy.
//!
//! A policy is a plugin's configuration, so exchanges with the same one share an Envoy. Exchanges that nobody answered get
//! an Envoy whose upstream refuses connections, and Envoy makes its own 503 again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use keepmum_host_tests::exchange::{Exchange, Message, Origin};

use crate::client::{self, Reply, Request};
use crate::config::Bootstrap;
use crate::process::Envoy;
use crate::upstream::{Answer, Upstream};

/// The request header that tells the upstream which exchange to repeat. Without it the path does: `/<name>`.
pub const WHICH: &str = "x-keepmum-capture";

/// How long nothing may come before a request counts as hung.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The upstream and the Envoys in front of it.
#[derive(Debug)]
pub struct Lab {
    _upstream: Upstream,
    envoys: Vec<(Group, Envoy)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    policy: String,
    origin: Origin,
}

impl Group {
    fn of(exchange: &Exchange, default_policy: &str) -> Self {
        let policy = exchange
            .policy
            .as_ref()
            .map_or_else(|| default_policy.to_owned(), ToString::to_string);
        Self {
            policy,
            origin: exchange.origin,
        }
    }
}

impl Lab {
    /// Starts what these exchanges need. `change` may alter each configuration.
    ///
    /// # Errors
    /// A port, a file or an Envoy cannot be had.
    pub fn start(
        binary: &Path,
        module: &Path,
        exchanges: &[Exchange],
        default_policy: &str,
        name: &str,
        change: impl Fn(Bootstrap) -> Result<Bootstrap>,
    ) -> Result<Self> {
        let table: Vec<(String, Arc<Message>)> = exchanges
            .iter()
            .map(|e| (e.name.clone(), Arc::new(e.response.clone())))
            .collect();
        let upstream = Upstream::start(move |seen| {
            let which = seen
                .header(WHICH)
                .unwrap_or_else(|| seen.path.strip_prefix(b"/").unwrap_or_default());
            let found = table.iter().find(|(name, _)| name.as_bytes() == which);
            Answer::new(found.map_or_else(|| Arc::new(not_found()), |(_, message)| Arc::clone(message)))
        })?;
        let mut envoys: Vec<(Group, Envoy)> = Vec::new();
        for exchange in exchanges {
            let group = Group::of(exchange, default_policy);
            if envoys.iter().any(|(g, _)| *g == group) {
                continue;
            }
            let behind = match exchange.origin {
                Origin::Upstream => upstream.address,
                Origin::ConnectFailure => Upstream::refusing()?,
            };
            let bootstrap = change(Bootstrap::for_tests(module, &group.policy, behind)?)?;
            let label = format!("{name}-{}", envoys.len());
            envoys.push((group, Envoy::start(binary, &bootstrap, &label)?));
        }
        Ok(Self {
            _upstream: upstream,
            envoys,
        })
    }

    /// The Envoy that stands in front of this exchange.
    ///
    /// # Errors
    /// The exchange is not one of those that the lab was started with.
    pub fn envoy(&mut self, exchange: &Exchange, default_policy: &str) -> Result<&mut Envoy> {
        let group = Group::of(exchange, default_policy);
        let found = self.envoys.iter_mut().find(|(g, _)| *g == group);
        found
            .map(|(_, envoy)| envoy)
            .with_context(|| format!("{} has no Envoy here", exchange.name))
    }

    /// Sends an exchange's request and returns what a client receives.
    ///
    /// # Errors
    /// Envoy does not answer, or hangs.
    pub fn replay(&mut self, exchange: &Exchange, default_policy: &str) -> Result<Reply> {
        let mut request = Request::from_capture(&exchange.request);
        request.headers.push((WHICH.into(), exchange.name.clone().into()));
        client::send(self.envoy(exchange, default_policy)?.address, &request, PATIENCE)
            .with_context(|| format!("capture {}", exchange.name))
    }

    /// All running Envoys.
    pub fn envoys(&mut self) -> impl Iterator<Item = &mut Envoy> {
        self.envoys.iter_mut().map(|(_, envoy)| envoy)
    }
}

fn not_found() -> Message {
    Message {
        headers: vec![
            (b":status".to_vec(), b"404".to_vec()),
            (b"content-length".to_vec(), b"11".to_vec()),
        ],
        body: vec![b"no capture\n".to_vec()],
        ..Message::default()
    }
}

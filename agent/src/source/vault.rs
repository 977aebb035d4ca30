//! HashiCorp Vault and OpenBao: KV of both versions, and credentials of the database engine, by a small client of our own.
//!
//! The crate `vaultrs` knows no leases, and its errors hold whole responses, secrets and all. What is asked here is a handful of
//! documented paths.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::Method;

use super::{Down, Missing, Read, Source};
use crate::config;
use crate::json::Json;
use crate::leaves;
use crate::secret::{Secret, Stage, Value};

mod client;
mod kv;
mod lease;
mod login;

use client::{Client, Failed};
use lease::Lease;
use login::Login;

/// One Vault: its session, what it was seen to have, and what is leased.
pub(super) struct Vault {
    config: config::Vault,
    client: Option<Client>,
    login: Option<Login>,
    /// A refused token was replaced in this read.
    fresh: bool,
    /// Versions do not change: by path and number.
    versions: HashMap<(String, u64), Vec<(String, Value)>>,
    leases: HashMap<usize, Lease>,
    read_at: Instant,
}

/// A failure that ends a whole read, or one that concerns a path.
enum Trouble {
    All(Down),
    One(Failed),
}

impl Vault {
    pub(super) fn new(config: config::Vault) -> Vault {
        Vault {
            config,
            client: None,
            login: None,
            fresh: false,
            versions: HashMap::new(),
            leases: HashMap::new(),
            read_at: Instant::now(),
        }
    }

    fn down(&self, what: &str, failed: &Failed) -> Down {
        Down(format!("{}: {what}: {failed}", self.config.address))
    }

    /// The client, logged in; a login is renewed in time, and made anew where that is not possible.
    async fn session(&mut self) -> Result<(), Down> {
        if self.client.is_none() {
            let made = Client::new(&self.config);
            self.client = Some(made.map_err(|why| Down(format!("{}: {why}", self.config.address)))?);
        }
        let Some(client) = &mut self.client else { return Ok(()) };
        if let Some(login) = &mut self.login {
            if !login.is_due() || login.renew(client).await {
                return Ok(());
            }
            self.login = None;
        }
        match Login::new(client, &self.config.auth).await {
            Ok(login) => {
                self.login = Some(login);
                Ok(())
            }
            Err(failed) => Err(self.down("login", &failed)),
        }
    }

    /// Asks with the session's token; a token that is refused is replaced once.
    async fn ask(&mut self, method: Method, path: &str, body: Option<&serde_json::Value>) -> Result<Json, Trouble> {
        loop {
            let Some(client) = &self.client else {
                return Err(Trouble::All(Down("no session".to_owned())));
            };
            match client.ask(method.clone(), path, body).await {
                Ok(json) => return Ok(json),
                // Once in a read: where it is the policy that refuses, another token does not help.
                Err(Failed::Denied) if !self.fresh => {
                    self.fresh = true;
                    self.login = None;
                    // The failure of a login would hide that of the path.
                    if self.session().await.is_err() {
                        return Err(Trouble::One(Failed::Denied));
                    }
                }
                Err(failed) if failed.is_of_all() => return Err(Trouble::All(self.down(path, &failed))),
                Err(failed) => return Err(Trouble::One(failed)),
            }
        }
    }
}

impl Source for Vault {
    async fn read(&mut self) -> Result<Read, Down> {
        self.read_at = Instant::now();
        self.fresh = false;
        self.session().await?;
        let mut read = Read::default();
        for mount in self.config.kv.clone() {
            kv::read(self, &mount, &mut read).await?;
        }
        for (i, role) in self.config.database.clone().iter().enumerate() {
            lease::read(self, i, role, &mut read).await?;
        }
        // A deleted version is not asked for again.
        let armed: Vec<_> = read
            .secrets
            .iter()
            .map(|s| s.id.split('#').next().unwrap_or_default().to_owned())
            .collect();
        self.versions.retain(|(id, _), _| armed.contains(id));
        Ok(read)
    }

    async fn changed(&mut self) {
        let leases = self.leases.values().map(Lease::due);
        let login = self.login.as_ref().and_then(Login::due);
        let next = leases.chain(login).fold(self.read_at + self.config.every, Instant::min);
        // Never at once: a lease of no time would be asked for without end.
        let least = self.read_at + self.config.every.min(Duration::from_millis(250));
        tokio::time::sleep_until(next.max(least).into()).await;
    }
}

/// The fields of one version, named after its id.
fn secrets(id: &str, version: &str, stage: Stage, fields: &[(String, Value)]) -> Vec<Secret> {
    let secret = |(name, value): &(String, Value)| Secret {
        value: value.clone(),
        ..Secret::new(format!("{id}#{name}"), version, "").staged(stage)
    };
    fields.iter().map(secret).collect()
}

fn fields(data: Option<&Json>) -> Vec<(String, Value)> {
    data.map(leaves::of_tree).unwrap_or_default()
}

/// What a failure of one path means for its secrets.
fn missing(id: &str, failed: &Failed) -> Missing {
    match failed {
        Failed::NotFound => Missing::gone(id, "404: there is no such secret, or it is deleted"),
        Failed::Denied => Missing::unread(
            id,
            "403: the policy does not allow it, or the token is not valid any more",
        ),
        other => Missing::unread(id, other.to_string()),
    }
}

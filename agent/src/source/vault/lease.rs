//! Credentials of the database engine. Dynamic ones are leased: renewed when two thirds of the time are over, and issued anew where
//! a renewal fails, or gives little time because the maximum is near. Static ones are read like any secret.
//!
//! A replaced credential stays armed for the grace period, since it may still be in use, and in somebody's log.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use zeroize::Zeroizing;

use super::client::Failed;
use super::{Trouble, Vault, fields, missing, secrets};
use crate::config::Database;
use crate::json::Json;
use crate::secret::{Stage, Value};
use crate::source::{Down, Read};

/// What was issued.
pub(super) struct Lease {
    id: Zeroizing<String>,
    renewable: bool,
    /// As it was first granted.
    time: Duration,
    due: Instant,
    ends: Instant,
    issue: u64,
    fields: Vec<(String, Value)>,
}

impl Lease {
    pub(super) fn due(&self) -> Instant {
        self.due
    }
}

pub(super) async fn read(vault: &mut Vault, index: usize, role: &Database, read: &mut Read) -> Result<(), Down> {
    let kind = if role.fixed { "static-creds" } else { "creds" };
    let id = format!("vault:{}/{kind}/{}", role.mount, role.role);
    let path = format!("{}/{kind}/{}", role.mount, role.role);
    let done = if role.fixed {
        fixed(vault, &path, &id, read).await
    } else {
        leased(vault, index, &path, &id, read).await
    };
    match done {
        Ok(()) => Ok(()),
        Err(Trouble::All(down)) => Err(down),
        Err(Trouble::One(failed)) => {
            read.missing.push(missing(&id, &failed));
            Ok(())
        }
    }
}

async fn fixed(vault: &mut Vault, path: &str, id: &str, read: &mut Read) -> Result<(), Trouble> {
    let answer = vault.ask(Method::GET, path, None).await?;
    let data = answer.get("data");
    let version = data
        .and_then(|d| d.get("last_vault_rotation"))
        .and_then(Json::text)
        .unwrap_or_default();
    let mut fields = fields(data);
    fields.retain(|(name, _)| ["username", "password", "password.basic"].contains(&name.as_str()));
    read.secrets.extend(secrets(id, version, Stage::Current, &fields));
    Ok(())
}

async fn leased(vault: &mut Vault, index: usize, path: &str, id: &str, read: &mut Read) -> Result<(), Trouble> {
    if !renewed(vault, index).await? {
        let answer = vault.ask(Method::GET, path, None).await?;
        let lease_id = answer
            .get("lease_id")
            .and_then(Json::text)
            .ok_or(Trouble::One(Failed::NoJson))?;
        let time = Duration::from_secs(answer.get("lease_duration").and_then(Json::number).unwrap_or(0));
        let (now, before) = (Instant::now(), vault.leases.get(&index).map_or(0, |lease| lease.issue));
        let lease = Lease {
            id: Zeroizing::new(lease_id.to_owned()),
            renewable: answer.get("renewable").is_some_and(Json::is_true),
            time,
            due: now + time * 2 / 3,
            ends: now + time,
            issue: before + 1,
            fields: fields(answer.get("data")),
        };
        vault.leases.insert(index, lease);
    }
    if let Some(lease) = vault.leases.get(&index) {
        read.secrets
            .extend(secrets(id, &lease.issue.to_string(), Stage::Current, &lease.fields));
    }
    Ok(())
}

/// Whether what was issued can be used on.
async fn renewed(vault: &mut Vault, index: usize) -> Result<bool, Trouble> {
    let Some(lease) = vault.leases.get(&index) else {
        return Ok(false);
    };
    if lease.due > Instant::now() {
        return Ok(true);
    }
    if !lease.renewable || lease.ends <= Instant::now() {
        return Ok(false);
    }
    let body = json!({"lease_id": lease.id.as_str()});
    let granted = match vault.ask(Method::POST, "sys/leases/renew", Some(&body)).await {
        Ok(answer) => answer.get("lease_duration").and_then(Json::number).unwrap_or(0),
        Err(Trouble::One(_)) => 0,
        Err(all) => return Err(all),
    };
    let granted = Duration::from_secs(granted);
    let Some(lease) = vault.leases.get_mut(&index) else {
        return Ok(false);
    };
    if granted < lease.time / 3 || granted.is_zero() {
        return Ok(false);
    }
    (lease.due, lease.ends) = (Instant::now() + granted * 2 / 3, Instant::now() + granted);
    Ok(true)
}

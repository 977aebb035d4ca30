//! KV, versions 1 and 2. Of version 2 the metadata is read first: it tells what is new, deleted or destroyed, so that a version is
//! asked for once.

use std::collections::VecDeque;

use http::Method;

use super::{Trouble, Vault, fields, missing, secrets};
use crate::config::Kv;
use crate::json::Json;
use crate::secret::Stage;
use crate::source::{Down, Missing, Read};

/// Secrets of one mount.
const MOST: usize = 10_000;

pub(super) async fn read(vault: &mut Vault, mount: &Kv, read: &mut Read) -> Result<(), Down> {
    let mut left: VecDeque<String> = mount
        .paths
        .iter()
        .map(|p| p.trim_start_matches('/').to_owned())
        .collect();
    let mut asked = 0;
    while let Some(path) = left.pop_front() {
        let id = format!("vault:{}/{path}", mount.mount);
        asked += 1;
        if asked > MOST {
            read.missing
                .push(Missing::unread(id, format!("more than {MOST} secrets and folders")));
            break;
        }
        let done = if path.is_empty() || path.ends_with('/') {
            folder(vault, mount, &path).await.map(|names| left.extend(names))
        } else if mount.version == 1 {
            one(vault, mount, &path, &id, read).await
        } else {
            versions(vault, mount, &path, &id, read).await
        };
        match done {
            Ok(()) => {}
            Err(Trouble::All(down)) => return Err(down),
            Err(Trouble::One(failed)) => read.missing.push(missing(&id, &failed)),
        }
    }
    Ok(())
}

async fn folder(vault: &mut Vault, mount: &Kv, path: &str) -> Result<Vec<String>, Trouble> {
    let below = if mount.version == 1 { "" } else { "metadata/" };
    let answer = vault
        .ask(Method::GET, &format!("{}/{below}{path}?list=true", mount.mount), None)
        .await?;
    let keys = match answer.get("data").and_then(|d| d.get("keys")) {
        Some(Json::List(keys)) => keys
            .iter()
            .filter_map(Json::text)
            .map(|k| format!("{path}{k}"))
            .collect(),
        _ => Vec::new(),
    };
    Ok(keys)
}

async fn one(vault: &mut Vault, mount: &Kv, path: &str, id: &str, read: &mut Read) -> Result<(), Trouble> {
    let answer = vault.ask(Method::GET, &format!("{}/{path}", mount.mount), None).await?;
    read.secrets
        .extend(secrets(id, "", Stage::Current, &fields(answer.get("data"))));
    Ok(())
}

async fn versions(vault: &mut Vault, mount: &Kv, path: &str, id: &str, read: &mut Read) -> Result<(), Trouble> {
    let answer = vault
        .ask(Method::GET, &format!("{}/metadata/{path}", mount.mount), None)
        .await?;
    let data = answer.get("data");
    let current = data
        .and_then(|d| d.get("current_version"))
        .and_then(Json::number)
        .unwrap_or(0);
    let all = data.and_then(|d| d.get("versions"));
    let there = |n: &u64| {
        let version = all.and_then(|v| v.get(&n.to_string()));
        version.is_some_and(|v| !v.get("destroyed").is_some_and(Json::is_true) && !is_deleted(v))
    };
    let mut numbers: Vec<u64> = (1..=current).rev().take(MOST).filter(there).collect();
    numbers.truncate(usize::try_from(mount.versions).unwrap_or(1));
    if numbers.first() != Some(&current) {
        let why = "its current version is deleted or destroyed";
        read.missing.push(Missing::gone(id, why));
    }
    for number in numbers {
        let key = (id.to_owned(), number);
        if !vault.versions.contains_key(&key) {
            let path = format!("{}/data/{path}?version={number}", mount.mount);
            let answer = vault.ask(Method::GET, &path, None).await?;
            let fields = fields(answer.get("data").and_then(|d| d.get("data")));
            vault.versions.insert(key.clone(), fields);
        }
        let stage = if number == current {
            Stage::Current
        } else {
            Stage::Previous
        };
        let known = vault.versions.get(&key).map(Vec::as_slice).unwrap_or_default();
        read.secrets.extend(secrets(id, &number.to_string(), stage, known));
    }
    Ok(())
}

/// A time of deletion may lie in the future (`delete_version_after`): until then the version is there.
fn is_deleted(version: &Json) -> bool {
    let time = version.get("deletion_time").and_then(Json::text).unwrap_or_default();
    !time.is_empty() && time <= now().as_str()
}

/// The time as RFC 3339 has it, to be compared as text.
fn now() -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Howard Hinnant's civil_from_days, for days after 1970.
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year_of_era + era * 400 + next;
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

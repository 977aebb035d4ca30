//! AWS Secrets Manager, by the official SDK: credentials come from wherever the SDK finds them (a role of the pod or the machine).
//!
//! A listing tells which versions there are and which stages they have, so that a rotation is noticed without reading any value, and
//! a version is read once. `GetSecretValue` by version, since by stage it could be moved between the two calls.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry, Tag};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use super::{Down, Missing, Read, Source};
use crate::config;
use crate::secret::{Secret, Stage, Value};

/// Values that are asked for at once.
const AT_ONCE: usize = 8;
/// More secrets of one source are not read.
const MOST: usize = 10_000;

/// One account and region.
pub(super) struct SecretsManager {
    config: config::Aws,
    client: Option<Client>,
    /// Versions do not change: by ARN and version.
    values: HashMap<(String, String), Value>,
    read_at: Instant,
}

/// A secret as it is listed.
struct Listed {
    arn: String,
    name: String,
    versions: Vec<(String, Stage)>,
}

/// Why there was no answer: the code, which names no secret.
struct Failed {
    code: String,
    /// It concerns all secrets alike.
    all: bool,
    gone: bool,
}

impl SecretsManager {
    pub(super) fn new(config: config::Aws) -> SecretsManager {
        SecretsManager {
            config,
            client: None,
            values: HashMap::new(),
            read_at: Instant::now(),
        }
    }

    async fn client(&mut self) -> Client {
        if let Some(client) = &self.client {
            return client.clone();
        }
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = aws_smithy_http_client::Builder::new().tls_provider(tls).build_https();
        let second = Duration::from_secs(1);
        let limits = TimeoutConfig::builder()
            .connect_timeout(5 * second)
            .operation_attempt_timeout(10 * second);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(4)
                    .with_max_backoff(5 * second),
            )
            .timeout_config(limits.operation_timeout(30 * second).build());
        if let Some(region) = &self.config.region {
            loader = loader.region(aws_config::Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.config.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let client = Client::new(&loader.load().await);
        self.client = Some(client.clone());
        client
    }

    /// All that the configuration asks for, each once.
    async fn list(&self, client: &Client, read: &mut Read) -> Result<Vec<Listed>, Down> {
        let mut all: Vec<Listed> = Vec::new();
        let by_prefix = self
            .config
            .prefix
            .iter()
            .map(|p| vec![filter(FilterNameStringType::Name, p)]);
        let by_tag = self.config.tags.iter().map(|(key, value)| {
            let value = value.iter().map(|v| filter(FilterNameStringType::TagValue, v));
            [filter(FilterNameStringType::TagKey, key)]
                .into_iter()
                .chain(value)
                .collect()
        });
        for filters in by_prefix.chain(by_tag) {
            let mut pages = client.list_secrets().set_filters(Some(filters)).into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|e| Down(format!("ListSecrets: {}", failed(&e).code)))?;
                all.extend(page.secret_list().iter().filter_map(|entry| self.wanted(entry)));
                if all.len() > MOST {
                    read.missing
                        .push(Missing::unread("aws:", format!("more than {MOST} secrets")));
                    return Ok(all);
                }
            }
        }
        for name in &self.config.names {
            let answer = match client.describe_secret().secret_id(name).send().await {
                Ok(answer) => answer,
                Err(e) => {
                    told(&failed(&e), &format!("aws:{name}"), "DescribeSecret", read)?;
                    continue;
                }
            };
            if answer.deleted_date().is_some() {
                read.missing
                    .push(Missing::gone(format!("aws:{name}"), "it is marked for deletion"));
                continue;
            }
            let shown = answer.name().unwrap_or(name).to_owned();
            let versions = stages(answer.version_ids_to_stages());
            all.push(Listed {
                arn: answer.arn().unwrap_or(name).to_owned(),
                name: shown,
                versions,
            });
        }
        let mut seen = HashSet::new();
        all.retain(|listed| seen.insert(listed.arn.clone()));
        Ok(all)
    }

    /// A filter matches parts of names, and keys and values of different tags: what was meant is looked at here.
    fn wanted(&self, entry: &SecretListEntry) -> Option<Listed> {
        let name = entry.name().unwrap_or_default();
        let tagged = |(key, value): &(String, Option<String>)| {
            let tags = entry.tags().iter();
            let same = |t: &Tag| t.key() == Some(key) && value.as_ref().is_none_or(|v| t.value() == Some(v));
            tags.into_iter().any(same)
        };
        let prefixed = self
            .config
            .prefix
            .as_ref()
            .is_some_and(|p| name.starts_with(p.as_str()));
        (prefixed || self.config.tags.iter().any(tagged)).then(|| Listed {
            arn: entry.arn().unwrap_or(name).to_owned(),
            name: name.to_owned(),
            versions: stages(entry.secret_versions_to_stages()),
        })
    }

    /// Reads what was not read before.
    async fn fetch(&mut self, client: &Client, listed: &[Listed], read: &mut Read) -> Result<(), Down> {
        let mut left = Vec::new();
        for secret in listed {
            for (version, stage) in &secret.versions {
                if !self.values.contains_key(&(secret.arn.clone(), version.clone())) {
                    left.push((secret.arn.clone(), version.clone(), secret.name.clone(), *stage));
                }
            }
        }
        let mut running = JoinSet::new();
        let mut left = left.into_iter();
        loop {
            while running.len() < AT_ONCE {
                let Some((arn, version, name, stage)) = left.next() else {
                    break;
                };
                let client = client.clone();
                running.spawn(async move {
                    let answer = client
                        .get_secret_value()
                        .secret_id(&arn)
                        .version_id(&version)
                        .send()
                        .await;
                    (arn, version, name, stage, answer)
                });
            }
            let Some(done) = running.join_next().await else {
                return Ok(());
            };
            let Ok((arn, version, name, stage, answer)) = done else {
                continue;
            };
            match answer {
                Ok(mut answer) => {
                    let text = answer.secret_string.take().map(String::into_bytes);
                    let binary = answer
                        .secret_binary
                        .take()
                        .map(aws_sdk_secretsmanager::primitives::Blob::into_inner);
                    let value = Zeroizing::new(text.or(binary).unwrap_or_default());
                    self.values.insert((arn, version), value);
                }
                Err(e) => {
                    let failed = failed(&e);
                    // A pending version may have been announced without a value yet.
                    if !(stage == Stage::Pending && failed.gone) {
                        told(&failed, &format!("aws:{name}"), "GetSecretValue", read)?;
                    }
                }
            }
        }
    }
}

impl Source for SecretsManager {
    async fn read(&mut self) -> Result<Read, Down> {
        self.read_at = Instant::now();
        let client = self.client().await;
        let mut read = Read::default();
        let listed = self.list(&client, &mut read).await?;
        self.fetch(&client, &listed, &mut read).await?;
        let mut live = HashSet::new();
        for secret in &listed {
            let id = format!("aws:{}", secret.name);
            for (version, stage) in &secret.versions {
                let key = (secret.arn.clone(), version.clone());
                if let Some(value) = self.values.get(&key).filter(|v| !v.is_empty()) {
                    let secret = Secret::new(id.clone(), version.clone(), "").staged(*stage);
                    read.secrets.push(Secret {
                        value: value.clone(),
                        ..secret
                    });
                }
                live.insert(key);
            }
        }
        self.values.retain(|key, _| live.contains(key));
        Ok(read)
    }

    async fn changed(&mut self) {
        tokio::time::sleep_until((self.read_at + self.config.every).into()).await;
    }
}

fn filter(key: FilterNameStringType, value: &str) -> Filter {
    Filter::builder().key(key).values(value).build()
}

/// Versions that have one of AWS' own stages: the most urgent of each.
fn stages(versions: Option<&HashMap<String, Vec<String>>>) -> Vec<(String, Stage)> {
    let stage = |labels: &Vec<String>| {
        let has = |label: &str| labels.iter().any(|l| l == label);
        match () {
            () if has("AWSCURRENT") => Some(Stage::Current),
            () if has("AWSPENDING") => Some(Stage::Pending),
            () if has("AWSPREVIOUS") => Some(Stage::Previous),
            () => None,
        }
    };
    let versions = versions.into_iter().flatten();
    let mut all: Vec<_> = versions
        .filter_map(|(v, labels)| Some((v.clone(), stage(labels)?)))
        .collect();
    all.sort();
    all
}

/// A failure of one secret is one that is missing; of all, it ends the read.
fn told(failed: &Failed, id: &str, what: &str, read: &mut Read) -> Result<(), Down> {
    if failed.all {
        return Err(Down(format!("{what}: {}", failed.code)));
    }
    let why = format!("{what}: {}", failed.code);
    read.missing.push(if failed.gone {
        Missing::gone(id, why)
    } else {
        Missing::unread(id, why)
    });
    Ok(())
}

fn failed<E: ProvideErrorMetadata, R>(e: &SdkError<E, R>) -> Failed {
    let kind = match e {
        SdkError::ServiceError(e) => e.err().code().unwrap_or("an error without a code"),
        SdkError::DispatchFailure(_) => "cannot be reached, or there are no credentials",
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::ConstructionFailure(_) => "cannot be asked for",
        _ => "an answer that is not what is documented",
    };
    let one = [
        "AccessDeniedException",
        "ResourceNotFoundException",
        "InvalidRequestException",
        "DecryptionFailure",
        "InvalidParameterException",
    ];
    let gone = ["ResourceNotFoundException", "InvalidRequestException"];
    Failed {
        code: kind.to_owned(),
        all: !one.contains(&kind),
        gone: gone.contains(&kind),
    }
}

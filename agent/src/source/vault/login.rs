//! How the agent comes to a token, and keeps it.
//!
//! A token is renewed when two thirds of its time are over. Where a renewal fails, or gives little time because the maximum is
//! near, a new login follows, if there is a way to log in.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use zeroize::Zeroizing;

use super::client::{Client, Failed};
use crate::config::{Auth, From};
use crate::json::Json;

/// A token in use.
pub(super) struct Login {
    /// It was given, and cannot be had anew.
    given: bool,
    renewable: bool,
    /// As it was first granted; zero: it does not end.
    time: Duration,
    due: Option<Instant>,
}

impl Login {
    pub(super) async fn new(client: &mut Client, auth: &Auth) -> Result<Login, Failed> {
        let (path, body) = match auth {
            Auth::Token(from) => return Login::given(client, &credential(from)?).await,
            Auth::AppRole {
                mount,
                role_id,
                secret_id,
            } => {
                let secret_id = credential(secret_id)?;
                (
                    format!("auth/{mount}/login"),
                    json!({"role_id": role_id, "secret_id": secret_id.trim()}),
                )
            }
            Auth::Kubernetes { mount, role, jwt } => {
                let jwt = credential(&From::File(jwt.clone()))?;
                (format!("auth/{mount}/login"), json!({"role": role, "jwt": jwt.trim()}))
            }
        };
        let answer = client.ask(Method::POST, &path, Some(&body)).await?;
        let auth = answer.get("auth").ok_or(Failed::NoJson)?;
        client.set_token(auth.get("client_token").and_then(Json::text).ok_or(Failed::NoJson)?)?;
        Ok(Login::of(auth, "lease_duration", false))
    }

    async fn given(client: &mut Client, token: &str) -> Result<Login, Failed> {
        client.set_token(token)?;
        let answer = client.ask(Method::GET, "auth/token/lookup-self", None).await?;
        Ok(Login::of(answer.get("data").ok_or(Failed::NoJson)?, "ttl", true))
    }

    fn of(auth: &Json, time: &str, given: bool) -> Login {
        let time = Duration::from_secs(auth.get(time).and_then(Json::number).unwrap_or(0));
        let renewable = auth.get("renewable").is_some_and(Json::is_true);
        let due = (!time.is_zero()).then(|| Instant::now() + time * 2 / 3);
        Login {
            given,
            renewable,
            time,
            due,
        }
    }

    /// Renews the token; whether that was enough.
    pub(super) async fn renew(&mut self, client: &Client) -> bool {
        // A given one that cannot be renewed is used until it is refused.
        let no_way = self.given;
        if self.renewable
            && let Ok(answer) = client
                .ask(Method::POST, "auth/token/renew-self", Some(&json!({})))
                .await
        {
            let granted = answer
                .get("auth")
                .and_then(|a| a.get("lease_duration"))
                .and_then(Json::number);
            let granted = Duration::from_secs(granted.unwrap_or(0));
            self.due = (!granted.is_zero()).then(|| Instant::now() + granted * 2 / 3);
            return no_way || granted >= self.time / 3;
        }
        self.due = None;
        no_way
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn is_due(&self) -> bool {
        self.due.is_some_and(|due| due <= Instant::now())
    }
}

/// What a variable or file holds.
fn credential(from: &From) -> Result<Zeroizing<String>, Failed> {
    let text = match from {
        From::Env(name) => std::env::var(name).ok(),
        From::File(path) => std::fs::read_to_string(path).ok(),
    };
    let text = text.map(Zeroizing::new).filter(|t| !t.trim().is_empty());
    text.ok_or(Failed::NoCredential)
}

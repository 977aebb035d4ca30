//! One request to Vault: bounded in time and size, repeated where Vault asks for patience, and told apart by what it means.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::config;
use crate::json::Json;

/// A longer answer is none of Vault's.
const ANSWER_BYTES: usize = 8 << 20;
/// For one answer, to its end.
const WITHIN: Duration = Duration::from_secs(15);
/// Times that one request is made.
const TRIES: u32 = 3;
/// No longer is waited for Vault, whatever it asks for; the source is told to be down instead.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection pool, and what goes with every request.
pub(super) struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: String,
    namespace: Option<HeaderValue>,
    token: Option<HeaderValue>,
}

/// Why there is no answer. Never what stood in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Denied,
    NotFound,
    /// Too many requests.
    Limited,
    Sealed,
    /// Not the active node, or still starting.
    Unavailable,
    Status(StatusCode),
    Unreachable,
    Late,
    TooLarge,
    NoJson,
    /// The request cannot be made: a path or credential that no header or address can hold.
    Unsendable,
    /// The file or variable with the credential is not there.
    NoCredential,
}

impl Failed {
    /// It concerns all paths alike.
    pub(super) fn is_of_all(self) -> bool {
        matches!(
            self,
            Failed::Limited | Failed::Sealed | Failed::Unavailable | Failed::Unreachable | Failed::Late
        )
    }

    fn may_pass(self) -> bool {
        matches!(self, Failed::Limited | Failed::Unavailable | Failed::Unreachable)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Denied => f.write_str("403, permission denied"),
            Failed::NotFound => f.write_str("404, not found"),
            Failed::Limited => f.write_str("429, too many requests"),
            Failed::Sealed => f.write_str("503, Vault is sealed"),
            Failed::Unavailable => f.write_str("Vault is not available"),
            Failed::Status(status) => write!(f, "status {}", status.as_u16()),
            Failed::Unreachable => f.write_str("cannot be reached"),
            Failed::Late => write!(f, "no whole answer within {} s", WITHIN.as_secs()),
            Failed::TooLarge => write!(f, "an answer of more than {ANSWER_BYTES} bytes"),
            Failed::NoJson => f.write_str("an answer that is no JSON, or not what is documented"),
            Failed::Unsendable => f.write_str("cannot be asked for"),
            Failed::NoCredential => f.write_str("the file or variable with the credential is not there, or empty"),
        }
    }
}

impl Client {
    pub(super) fn new(config: &config::Vault) -> Result<Client, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider);
        let tls = tls.with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        let tls = match &config.ca_file {
            Some(path) => {
                let mut roots = rustls::RootCertStore::empty();
                let unread = |_| format!("{}: no certificates in PEM", path.display());
                for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
                    let certificate = certificate.map_err(unread)?;
                    roots.add(certificate).map_err(|e| format!("{}: {e}", path.display()))?;
                }
                tls.with_root_certificates(roots)
            }
            None => tls
                .with_native_roots()
                .map_err(|e| format!("the system's certificates: {e}"))?,
        };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls.with_no_client_auth());
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(Duration::from_secs(5)));
        plain.enforce_http(false);
        let connector = connector.https_or_http().enable_http1().wrap_connector(plain);
        let namespace = config.namespace.as_deref().map(HeaderValue::from_str).transpose();
        Ok(Client {
            http: legacy::Client::builder(TokioExecutor::new()).build(connector),
            address: config.address.clone(),
            namespace: namespace.map_err(|_| "the namespace cannot stand in a header".to_owned())?,
            token: None,
        })
    }

    /// The token that goes with every request from now on.
    pub(super) fn set_token(&mut self, token: &str) -> Result<(), Failed> {
        let mut token = HeaderValue::from_str(token.trim()).map_err(|_| Failed::Unsendable)?;
        token.set_sensitive(true);
        self.token = Some(token);
        Ok(())
    }

    /// Asks, and asks again where it may pass.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Json, Failed> {
        let mut tries = 0;
        loop {
            tries += 1;
            let (failed, pause) = match tokio::time::timeout(WITHIN, self.once(&method, path, body)).await {
                Ok(Ok(json)) => return Ok(json),
                Ok(Err(failed)) => failed,
                Err(_) => (Failed::Late, None),
            };
            let pause = pause.unwrap_or(Duration::from_millis(100 << tries));
            if !failed.may_pass() || tries >= TRIES || pause > PATIENCE {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<Json, (Failed, Option<Duration>)> {
        let text = body.map(|body| body.to_string()).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/v1/{path}", self.address));
        if let Some(headers) = request.headers_mut() {
            headers.insert(
                HeaderName::from_static("x-vault-request"),
                HeaderValue::from_static("true"),
            );
            let more = [("x-vault-token", &self.token), ("x-vault-namespace", &self.namespace)];
            for (name, value) in more {
                if let Some(value) = value {
                    headers.insert(HeaderName::from_static(name), value.clone());
                }
            }
        }
        let request = request
            .body(Full::new(Bytes::from(text)))
            .map_err(|_| (Failed::Unsendable, None))?;
        let response = self
            .http
            .request(request)
            .await
            .map_err(|_| (Failed::Unreachable, None))?;
        let (head, body) = response.into_parts();
        let bytes = collect(body).await.map_err(|failed| (failed, None))?;
        if head.status.is_success() {
            if bytes.is_empty() {
                return Ok(Json::Null);
            }
            return serde_json::from_slice(&bytes).map_err(|_| (Failed::NoJson, None));
        }
        let sealed = || bytes.windows(6).any(|w| w == b"sealed");
        let failed = match head.status {
            StatusCode::FORBIDDEN => Failed::Denied,
            StatusCode::NOT_FOUND => Failed::NotFound,
            StatusCode::TOO_MANY_REQUESTS => Failed::Limited,
            StatusCode::SERVICE_UNAVAILABLE if sealed() => Failed::Sealed,
            // 412: a replica that has not caught up; 307: a standby that does not forward.
            StatusCode::PRECONDITION_FAILED | StatusCode::TEMPORARY_REDIRECT => Failed::Unavailable,
            status if status.is_server_error() => Failed::Unavailable,
            status => Failed::Status(status),
        };
        Err((failed, retry_after(&head.headers)))
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A body, no longer than is allowed; what is announced as longer is not begun.
async fn collect(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let most = ANSWER_BYTES as u64;
    if body.size_hint().lower() > most {
        return Err(Failed::TooLarge);
    }
    let room = usize::try_from(body.size_hint().lower()).unwrap_or(0);
    let mut all = Zeroizing::new(Vec::with_capacity(room));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failed::Unreachable)?;
        let Some(data) = frame.data_ref() else { continue };
        if all.len() + data.len() > ANSWER_BYTES {
            return Err(Failed::TooLarge);
        }
        if all.capacity() - all.len() < data.len() {
            // A vector that grows leaves its old bytes behind.
            let mut larger = Vec::with_capacity((all.len() + data.len()) * 2);
            larger.extend_from_slice(&all);
            all.zeroize();
            all = Zeroizing::new(larger);
        }
        all.extend_from_slice(data);
    }
    Ok(all)
}

//! What is told of each source.

use std::path::PathBuf;
use std::time::Duration;

use super::read::{At, Fields, Mistakes};

/// A source of secrets.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// In metrics and messages; the type where none is given.
    pub name: String,
    /// Without its secrets the agent does not start.
    pub required: bool,
    /// What it is.
    pub kind: SourceKind,
}

/// What a source is.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// The agent's own environment.
    Env(Env),
    /// A file of `NAME=value` lines.
    Dotenv(Dotenv),
    /// A file, or a directory with a file for each secret.
    Files(Files),
    /// AWS Secrets Manager.
    Aws(Aws),
    /// HashiCorp Vault or OpenBao.
    Vault(Vault),
}

/// The agent's own environment.
#[derive(Clone, Debug)]
pub struct Env {
    /// Variables that must be there.
    pub names: Vec<String>,
    /// Names of others, as globs.
    pub like: Vec<String>,
}

/// A file of `NAME=value` lines.
#[derive(Clone, Debug)]
pub struct Dotenv {
    /// The file.
    pub path: PathBuf,
    /// Names that must be in it.
    pub names: Vec<String>,
}

/// A file, or a directory with a file for each secret.
#[derive(Clone, Debug)]
pub struct Files {
    /// The file or directory.
    pub path: PathBuf,
    /// Files that must be there, relative to the directory.
    pub names: Vec<String>,
}

/// AWS Secrets Manager; credentials come from the SDK's own chain.
#[derive(Clone, Debug)]
pub struct Aws {
    /// Otherwise the SDK's own.
    pub region: Option<String>,
    /// For VPC endpoints and tests.
    pub endpoint: Option<String>,
    /// Names or ARNs that must be there.
    pub names: Vec<String>,
    /// All whose name begins so.
    pub prefix: Option<String>,
    /// All that have one of these tags: key, and value if one is given.
    pub tags: Vec<(String, Option<String>)>,
    /// How often versions are compared.
    pub every: Duration,
}

/// Vault or OpenBao.
#[derive(Clone, Debug)]
pub struct Vault {
    /// `https://vault.example.com:8200`.
    pub address: String,
    /// `X-Vault-Namespace`.
    pub namespace: Option<String>,
    /// Certificates to trust, PEM; otherwise the system's.
    pub ca_file: Option<PathBuf>,
    /// How it logs in.
    pub auth: Auth,
    /// Mounts of the KV engine.
    pub kv: Vec<Kv>,
    /// Roles of the database engine, whose credentials are issued to whoever reads.
    pub database: Vec<Database>,
    /// How often versions are compared.
    pub every: Duration,
}

/// How the agent logs in to Vault.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A token.
    Token(From),
    /// `auth/<mount>/login` with a role id and a secret id.
    AppRole {
        /// The mount, `approle` otherwise.
        mount: String,
        /// The role's id, which is no secret.
        role_id: String,
        /// The secret id.
        secret_id: From,
    },
    /// `auth/<mount>/login` with the service account's token.
    Kubernetes {
        /// The mount, `kubernetes` otherwise.
        mount: String,
        /// The role.
        role: String,
        /// The service account's token, read anew for each login.
        jwt: PathBuf,
    },
}

/// What holds a credential.
#[derive(Clone, Debug)]
pub enum From {
    /// A variable.
    Env(String),
    /// A file, read anew each time.
    File(PathBuf),
}

/// A mount of the KV engine.
#[derive(Clone, Debug)]
pub struct Kv {
    /// `secret`, `kv`.
    pub mount: String,
    /// 1 or 2.
    pub version: u64,
    /// Secrets, without `data/`; one that ends in `/` is a folder, read with all below it.
    pub paths: Vec<String>,
    /// How many versions of each are armed.
    pub versions: u64,
}

/// A role of the database engine.
#[derive(Clone, Debug)]
pub struct Database {
    /// `database`.
    pub mount: String,
    /// The role.
    pub role: String,
    /// A static role, whose password Vault rotates; otherwise a credential is issued to the agent itself.
    pub fixed: bool,
}

pub(super) fn source(at: &At<'_>, to: &mut Mistakes) -> Option<SourceConfig> {
    let mut fields = at.fields(to);
    let kind = fields.need("type", to).and_then(|at| at.text(to))?;
    let name = fields.text("name", to).unwrap_or_else(|| kind.clone());
    let required = fields.flag("required", true, to);
    let kind = match kind.as_str() {
        "env" => env(&mut fields, to),
        "dotenv" => path(&mut fields, to).map(|(path, names)| SourceKind::Dotenv(Dotenv { path, names })),
        "files" => path(&mut fields, to).map(|(path, names)| SourceKind::Files(Files { path, names })),
        "aws" => aws(&mut fields, to),
        "vault" => vault(&mut fields, to),
        _ => {
            to.add(&fields.at("type"), "expected one of env, dotenv, files, aws, vault");
            return None;
        }
    };
    fields.end(to);
    kind.map(|kind| SourceConfig { name, required, kind })
}

fn env(fields: &mut Fields<'_>, to: &mut Mistakes) -> Option<SourceKind> {
    let (names, like) = (fields.texts("names", to), fields.texts("like", to));
    if names.is_empty() && like.is_empty() {
        to.add(&fields.path, "needs names, or like (globs of names)");
    }
    if like.iter().any(|glob| globset::Glob::new(glob).is_err()) {
        to.add(&fields.at("like"), "expected globs, such as \"*_TOKEN\"");
        return None;
    }
    Some(SourceKind::Env(Env { names, like }))
}

fn path(fields: &mut Fields<'_>, to: &mut Mistakes) -> Option<(PathBuf, Vec<String>)> {
    let path = fields.need("path", to).and_then(|at| at.text(to));
    let names = fields.texts("names", to);
    Some((path?.into(), names))
}

fn every(fields: &mut Fields<'_>, to: &mut Mistakes) -> Duration {
    fields.duration("every", Duration::from_millis(100), Duration::from_secs(60), to)
}

fn aws(fields: &mut Fields<'_>, to: &mut Mistakes) -> Option<SourceKind> {
    let tags = fields.take("tags").map(|at| at.list(to)).unwrap_or_default();
    let tags = tags.iter().filter_map(|at| {
        let mut fields = at.fields(to);
        let key = fields.need("key", to).and_then(|at| at.text(to));
        let value = fields.text("value", to);
        fields.end(to);
        Some((key?, value))
    });
    let aws = Aws {
        tags: tags.collect(),
        region: fields.text("region", to),
        endpoint: fields.text("endpoint", to),
        names: fields.texts("names", to),
        prefix: fields.text("prefix", to),
        every: every(fields, to),
    };
    if aws.names.is_empty() && aws.prefix.is_none() && aws.tags.is_empty() {
        to.add(&fields.path, "needs names, prefix or tags");
    }
    if cfg!(not(feature = "aws")) {
        to.add(
            &fields.at("type"),
            "this build has no AWS Secrets Manager (feature aws)",
        );
    }
    Some(SourceKind::Aws(aws))
}

fn vault(fields: &mut Fields<'_>, to: &mut Mistakes) -> Option<SourceKind> {
    let address = fields.need("address", to).and_then(|at| {
        let address = at.text(to)?;
        let url = url::Url::parse(&address)
            .ok()
            .filter(|u| matches!(u.scheme(), "http" | "https"));
        if url.is_none_or(|u| !u.username().is_empty() || u.password().is_some() || u.query().is_some()) {
            to.add(&at.path, "expected an address such as https://vault.example.com:8200");
        }
        Some(address.trim_end_matches('/').to_owned())
    });
    let auth = fields.need("auth", to).and_then(|at| auth(&at, to));
    let (kv, database) = (fields.take("kv"), fields.take("database"));
    if kv.is_none() && database.is_none() {
        to.add(&fields.path, "needs kv or database");
    }
    let kv = kv.map(|at| at.list(to)).unwrap_or_default();
    let kv: Vec<_> = kv.iter().filter_map(|at| mount(at, to)).collect();
    let database = database.map(|at| at.list(to)).unwrap_or_default();
    let database: Vec<_> = database.iter().filter_map(|at| role(at, to)).collect();
    let (namespace, ca_file) = (fields.text("namespace", to), fields.text("ca_file", to));
    let every = every(fields, to);
    let ca_file = ca_file.map(PathBuf::from);
    Some(SourceKind::Vault(Vault {
        address: address?,
        namespace,
        ca_file,
        auth: auth?,
        kv,
        database,
        every,
    }))
}

fn auth(at: &At<'_>, to: &mut Mistakes) -> Option<Auth> {
    let mut fields = at.fields(to);
    let chosen = fields.one_of(&["token_env", "token_file", "approle", "kubernetes"], to);
    fields.end(to);
    let (key, at) = chosen?;
    match key {
        "token_env" => Some(Auth::Token(From::Env(at.text(to)?))),
        "token_file" => Some(Auth::Token(From::File(at.text(to)?.into()))),
        "approle" => {
            let mut fields = at.fields(to);
            let mount = fields.text("mount", to).unwrap_or_else(|| "approle".to_owned());
            let role_id = fields.need("role_id", to).and_then(|at| at.text(to));
            let secret_id = match fields.one_of(&["secret_id_env", "secret_id_file"], to) {
                Some(("secret_id_env", at)) => at.text(to).map(From::Env),
                Some((_, at)) => at.text(to).map(|path| From::File(path.into())),
                None => None,
            };
            fields.end(to);
            Some(Auth::AppRole {
                mount,
                role_id: role_id?,
                secret_id: secret_id?,
            })
        }
        _ => {
            const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
            let mut fields = at.fields(to);
            let mount = fields.text("mount", to).unwrap_or_else(|| "kubernetes".to_owned());
            let role = fields.need("role", to).and_then(|at| at.text(to));
            let jwt = fields.text("jwt_file", to).unwrap_or_else(|| TOKEN.to_owned()).into();
            fields.end(to);
            Some(Auth::Kubernetes {
                mount,
                role: role?,
                jwt,
            })
        }
    }
}

fn mount(at: &At<'_>, to: &mut Mistakes) -> Option<Kv> {
    let mut fields = at.fields(to);
    let mount = fields.need("mount", to).and_then(|at| at.text(to));
    let version = fields.whole("version", (1, 2), 2, to);
    let paths = fields.texts("paths", to);
    let versions = fields.whole("versions", (1, 10), 2, to);
    if paths.is_empty() {
        to.add(
            &fields.at("paths"),
            "needs one path at least; \"/\" is all of the mount",
        );
    }
    if let Some(i) = paths.iter().position(|path| !plain(path)) {
        to.add(
            &format!("{}[{i}]", fields.at("paths")),
            "expected a path such as payments/db, or a folder such as payments/",
        );
    }
    fields.end(to);
    let mount = mount?.trim_matches('/').to_owned();
    Some(Kv {
        mount,
        version,
        paths,
        versions,
    })
}

/// What can stand in a request's path as it is.
fn plain(path: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || "-._~/@+=,".contains(c);
    path.chars().all(ok) && !path.split('/').any(|part| part == ".." || part == ".")
}

fn role(at: &At<'_>, to: &mut Mistakes) -> Option<Database> {
    let mut fields = at.fields(to);
    let mount = fields.text("mount", to).unwrap_or_else(|| "database".to_owned());
    let role = fields.need("role", to).and_then(|at| at.text(to));
    let fixed = fields.flag("static", false, to);
    fields.end(to);
    Some(Database {
        fixed,
        mount: mount.trim_matches('/').to_owned(),
        role: role?,
    })
}

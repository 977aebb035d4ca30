//! The order of HTTP filters: requests pass the list forwards, responses backwards.
//!
//! So the first filter of the list sees what all others answer and do to bodies, and that is where Keepmum belongs; only what
//! makes bodies unreadable (a compressor) comes before it, and what makes them readable (a decompressor) after it.

use super::Patient;
use super::envoy::kind;
use crate::tree::At;

/// A filter of the list.
pub struct Filter<'a> {
    pub at: At<'a>,
    pub name: String,
    /// The last parts of its type: `compressor.v3.Compressor`.
    kind: String,
}

/// What a filter before Keepmum in the list does to a response, by a word in its type.
const ANSWERS: [(&str, &str); 19] = [
    (".adaptive_concurrency.", "answers requests itself"),
    (".admission_control.", "answers requests itself"),
    (".api_key_auth.", "answers requests itself"),
    (".aws_lambda.", "answers requests itself"),
    (".basic_auth.", "answers requests itself"),
    (".cache.", "answers requests itself"),
    (".credential_injector.", "answers requests itself"),
    (".custom_response.", "puts answers in place of others"),
    (".dynamic_modules.", "can answer requests and rewrite responses"),
    (".ext_authz.", "answers requests itself, with what its server says"),
    (".ext_proc.", "can answer requests and rewrite responses"),
    (".fault.", "answers requests itself"),
    (".golang.", "can answer requests and rewrite responses"),
    (".jwt_authn.", "answers requests itself"),
    (".local_ratelimit.", "answers requests itself"),
    (".lua.", "can answer requests and rewrite responses"),
    (".oauth2.", "answers requests itself, with cookies that hold tokens"),
    (".ratelimit.", "answers requests itself"),
    (".rbac.", "answers requests itself"),
];

impl<'a> Filter<'a> {
    pub fn of(at: &At<'a>) -> Filter<'a> {
        let config = at.get("typed_config");
        let config = config.or_else(|| at.get("config_discovery")?.get("default_config"));
        let discovered = || {
            let types = at.get("config_discovery")?.get("type_urls")?;
            let first = types.items().next()?;
            first.text().map(|url| url.rsplit('/').next().unwrap_or_default())
        };
        let own = config.as_ref().map(kind).filter(|kind| !kind.is_empty());
        let name = at.get("name").and_then(|name| name.text()).unwrap_or_default();
        Filter {
            kind: own.or_else(discovered).unwrap_or_default().to_owned(),
            name: name.to_owned(),
            at: at.clone(),
        }
    }

    fn is(&self, part: &str) -> bool {
        self.kind.contains(part)
    }

    /// Some name in it says so.
    fn is_keepmum(&self) -> bool {
        let config = self.at.get("typed_config");
        let config = config.or_else(|| self.at.get("config_discovery")?.get("default_config"));
        let config = config.and_then(|c| c.get("config").or_else(|| c.get("value")?.get("config")));
        let text = |at: Option<At>, key: &str| {
            let at = at?.get(key)?;
            Some(at.text()?.to_lowercase())
        };
        let vm = || config.as_ref()?.get("vm_config");
        let code = || vm()?.get("code");
        let names = [
            Some(self.name.to_lowercase()),
            text(config.clone(), "name"),
            text(config.clone(), "root_id"),
            text(vm(), "vm_id"),
            text(code().and_then(|c| c.get("local")), "filename"),
            text(code().and_then(|c| c.get("remote")?.get("http_uri")), "uri"),
        ];
        names.into_iter().flatten().any(|name| name.contains("keepmum"))
    }
}

/// Which of them runs Keepmum: the one that is called so, or the only one that runs a module.
pub fn keepmum(filters: &[Filter]) -> Option<usize> {
    let modules: Vec<usize> = (0..)
        .zip(filters)
        .filter(|(_, f)| f.is(".wasm."))
        .map(|(i, _)| i)
        .collect();
    let named = modules
        .iter()
        .find(|i| filters.get(**i).is_some_and(Filter::is_keepmum));
    match (named, modules.as_slice()) {
        (Some(named), _) => Some(*named),
        (None, [only]) => Some(*only),
        _ => None,
    }
}

/// What stands on the wrong side.
pub fn examine(filters: &[Filter], own: usize, to: &mut Patient) {
    for (i, f) in filters.iter().enumerate() {
        let name: String = f.name.chars().filter(|c| !c.is_control()).take(80).collect();
        if i < own {
            before(f, &name, to);
        } else if i > own && f.is(".compressor.") {
            to.error(
                &f.at.path,
                format!("{name} stands behind Keepmum in the list: responses pass it backwards, so that Keepmum sees compressed bodies"),
                "put it before Keepmum",
            );
        }
    }
}

fn before(f: &Filter, name: &str, to: &mut Patient) {
    if f.is(".router.") {
        to.error(
            &f.at.path,
            "the router stands before Keepmum: nothing behind it is asked",
            "put the router last",
        );
    } else if f.is(".decompressor.") {
        to.error(
            &f.at.path,
            format!("{name} stands before Keepmum in the list: responses pass it backwards, so that Keepmum sees what is still compressed"),
            "put it behind Keepmum",
        );
    } else if f.is(".wasm.") {
        let what =
            format!("{name}, another module, stands before Keepmum and can answer requests and rewrite responses");
        to.warning(&f.at.path, what + ": that is not looked at", "put it behind Keepmum");
    } else if let Some((_, what)) = ANSWERS.iter().find(|(part, _)| f.is(part)) {
        let what = format!("{name} stands before Keepmum and {what}: that is not looked at");
        to.warning(&f.at.path, what, "put it behind Keepmum");
    }
}

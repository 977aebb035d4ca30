//! The agent's own environment. It does not change while the agent runs.

use globset::Glob;

use super::{Down, Missing, Read, Source};
use crate::config;
use crate::leaves;
use crate::secret::Secret;

/// Variables that are chosen by name.
pub(super) struct Env(config::Env);

impl Env {
    pub(super) fn new(config: config::Env) -> Env {
        Env(config)
    }

    fn chosen(&self, vars: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>) -> Read {
        use std::os::unix::ffi::OsStringExt as _;
        let globs = self.0.like.iter().filter_map(|glob| Glob::new(glob).ok());
        let globs: Vec<_> = globs.map(|glob| glob.compile_matcher()).collect();
        let mut read = Read::default();
        for (name, value) in vars {
            let Ok(name) = name.into_string() else { continue };
            let wanted = self.0.names.contains(&name) || globs.iter().any(|glob| glob.is_match(&name));
            if wanted && !value.is_empty() {
                read.secrets
                    .push(Secret::new(format!("env:{name}"), "", value.into_vec()));
            }
        }
        for name in &self.0.names {
            let id = format!("env:{name}");
            if !read.secrets.iter().any(|s| s.id == id) {
                read.missing.push(Missing::gone(id, "not set, or empty"));
            }
        }
        leaves::add_pairs(&mut read.secrets);
        read
    }
}

impl Source for Env {
    async fn read(&mut self) -> Result<Read, Down> {
        Ok(self.chosen(std::env::vars_os()))
    }

    async fn changed(&mut self) {
        std::future::pending().await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Env;
    use crate::config;

    #[test]
    fn variables_are_chosen_by_name_and_glob_and_missing_ones_are_told() {
        let env = Env::new(config::Env {
            names: ["DB_PASSWORD", "EMPTY", "ABSENT"].map(str::to_owned).to_vec(),
            like: vec!["*_TOKEN".to_owned(), "DB_USER".to_owned()],
        });
        let vars = [
            ("DB_USER", "app"),
            ("DB_PASSWORD", "p"),
            ("EMPTY", ""),
            ("A_TOKEN", "t"),
            ("PATH", "/bin"),
        ];
        let read = env.chosen(vars.iter().map(|(n, v)| (n.into(), v.into())));
        let ids: Vec<&str> = read.secrets.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(
            ids,
            ["env:DB_USER", "env:DB_PASSWORD", "env:A_TOKEN", "env:DB_PASSWORD#basic"]
        );
        assert_eq!(read.secrets[3].value.as_slice(), b"app:p");
        let missing: Vec<&str> = read.missing.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(missing, ["env:EMPTY", "env:ABSENT"]);
    }
}

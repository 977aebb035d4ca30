//! `deny` as people write it, and compiled.

use std::sync::Arc;

use crate::deny::{DENY_LISTS, Denied, Paths};
use crate::error::Mistakes;
use crate::policy::glob::Glob;
use crate::policy::read::{List, Whole, object, unknown};

object! {
    /// Requests that are answered here and never reach the upstream.
    pub(crate) struct Deny {
        /// Paths such as /internal/** and /**/*.sql; upper and lower case are the same.
        pub(crate) paths: Vec<Glob>,
        /// Named lists of paths: files, vcs, debug, backups.
        pub(crate) lists: List<String>,
        /// The answer's status; default: 404.
        pub(crate) status: Whole<400, 599> = Whole(404),
    }
}

/// `deny`, compiled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    paths: Paths,
    status: u16,
}

impl Rules {
    pub(crate) fn new(written: &Deny) -> Arc<Rules> {
        let lists: Vec<&str> = written.lists.iter().map(|(_, name)| name.as_str()).collect();
        Arc::new(Rules {
            paths: Paths::new(&written.paths, &lists),
            status: u16::try_from(written.status.0).unwrap_or(404),
        })
    }

    /// Whether a request for this `:path` is answered here.
    pub(crate) fn denies(&self, target: &[u8]) -> Option<Denied> {
        let reason = self.paths.covers(target)?;
        let status = self.status;
        Some(Denied { status, reason })
    }
}

/// What the types cannot say.
pub(crate) fn check(at: &str, written: &Deny, to: &mut Mistakes) {
    let known: Vec<&str> = DENY_LISTS.iter().map(|list| list.name).collect();
    for (i, name) in written.lists.iter() {
        if !known.contains(&name.as_str()) {
            to.add(format!("{at}deny.lists[{i}]"), unknown(name, "list", &known));
        }
    }
    if written.paths.is_empty() && written.lists.is_empty() {
        to.add_new(
            &format!("{at}deny"),
            "it denies nothing; expected `lists`, such as [files, vcs, debug, backups], or `paths`, such as /internal/**",
        );
    }
}

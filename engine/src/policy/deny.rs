//! `deny` as people write it, and compiled.

use std::sync::Arc;

use crate::deny::{DENY_LISTS, Denied, Paths};
use crate::error::Mistakes;
use crate::policy::action::Action;
use crate::policy::glob::Glob;
use crate::policy::read::{List, Whole, object, unknown};
use crate::rewrite;

object! {
    /// Requests that are answered here and never reach the upstream.
    pub(crate) struct Deny {
        /// Paths such as /internal/** and /**/*.sql; upper and lower case are the same.
        pub(crate) paths: Vec<Glob>,
        /// Named lists of paths: files, vcs, debug, backups.
        pub(crate) lists: List<String>,
        /// What is done with bodies that look like a file of secrets, whatever their path: label, remove, block or report.
        pub(crate) bodies: Option<Action>,
        /// The answer's status; default: 404.
        pub(crate) status: Whole<400, 599> = Whole(404),
    }
}

/// `deny`, compiled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules {
    paths: Paths,
    status: u16,
    /// What is done with bodies that are files of secrets.
    pub(crate) on_file: Option<rewrite::Action>,
}

impl Rules {
    pub(crate) fn new(written: &Deny, on_file: Option<rewrite::Action>) -> Arc<Rules> {
        let lists: Vec<&str> = written.lists.iter().map(|(_, name)| name.as_str()).collect();
        Arc::new(Rules {
            paths: Paths::new(&written.paths, &lists),
            status: u16::try_from(written.status.0).unwrap_or(404),
            on_file,
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
pub(crate) fn check(at: &str, written: &Deny, scans_body: bool, to: &mut Mistakes) {
    let whole = |a: &Action| {
        matches!(
            a,
            Action::Label(_) | Action::Remove(_) | Action::Block(_) | Action::Report(_)
        )
    };
    if written.bodies.as_ref().is_some_and(|a| !whole(a)) {
        let why = "nothing of such a body can stay; expected label, remove, block or report";
        to.add(format!("{at}deny.bodies"), why);
    }
    if written.bodies.is_some() && !scans_body {
        let why = "bodies are not looked at; expected `body` in response.scan, or no `bodies` here";
        to.add(format!("{at}deny.bodies"), why);
    }
    let known: Vec<&str> = DENY_LISTS.iter().map(|list| list.name).collect();
    for (i, name) in written.lists.iter() {
        if !known.contains(&name.as_str()) {
            to.add(format!("{at}deny.lists[{i}]"), unknown(name, "list", &known));
        }
    }
    if written.paths.is_empty() && written.lists.is_empty() && written.bodies.is_none() {
        to.add_new(
            &format!("{at}deny"),
            "it denies nothing; expected `lists`, such as [files, vcs, debug, backups], `paths`, such as /internal/**, or `bodies`, such as label",
        );
    }
}

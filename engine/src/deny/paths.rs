//! Denied paths, compiled: every request is compared with all of them, so that most must cost no comparison of their own.
//!
//! Nearly all entries name the last segment, a segment at any depth, or an ending: those are looked up. What is left is
//! compared glob by glob. Upper and lower case are the same: on some file systems they are, and what is denied there must
//! not come out by another name.

use std::collections::BTreeMap;

use super::{DENY_LISTS, reading};
use crate::policy::glob::{Form, Glob};

/// Why a path is denied: 0 is the policy's own list, and then those of `DENY_LISTS`.
type Why = u8;

/// What the policy's own list is called.
const OWN: &str = "path";

/// Entries of all lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Paths {
    /// The last segment.
    names: BTreeMap<Vec<u8>, Why>,
    /// A segment, and all below it.
    folders: BTreeMap<Vec<u8>, Why>,
    /// What the last segment ends in.
    endings: Vec<(Vec<u8>, Why)>,
    /// What any segment ends in: a server runs a script whatever stands behind its name (`/info.php/x`).
    scripts: Vec<(Vec<u8>, Why)>,
    others: Vec<(Glob, Why)>,
}

/// Names that servers run, with the rest of the path as an argument (PATH_INFO).
fn is_script(name: &[u8]) -> bool {
    const ENDINGS: &[&str] = &[
        ".action", ".asax", ".ashx", ".asmx", ".asp", ".aspx", ".axd", ".cfc", ".cfm", ".cgi", ".do", ".fcgi", ".jsp",
        ".jspx", ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phtml", ".pl", ".py", ".rb", ".svc",
    ];
    ENDINGS.iter().any(|end| name.ends_with(end.as_bytes()))
}

impl Paths {
    /// The policy's own entries, and those of lists by their names.
    pub(crate) fn new(own: &[Glob], lists: &[&str]) -> Paths {
        let mut paths = Paths::default();
        for glob in own {
            paths.add(glob, 0);
        }
        for (list, why) in DENY_LISTS.iter().zip(1..) {
            if lists.contains(&list.name) {
                for glob in list.paths.iter().filter_map(|path| Glob::read(path).ok()) {
                    paths.add(&glob, why);
                }
            }
        }
        paths
    }

    fn add(&mut self, glob: &Glob, why: Why) {
        let glob = glob.lower_case();
        let runs = glob.last().is_some_and(is_script);
        match glob.form() {
            Form::Name(name) if runs => drop(self.folders.entry(name.to_vec()).or_insert(why)),
            Form::Ending(end) if runs => self.scripts.push((end.to_vec(), why)),
            Form::Other if runs => self.others.push((glob.and_below(), why)),
            Form::Name(name) => drop(self.names.entry(name.to_vec()).or_insert(why)),
            Form::Folder(name) => drop(self.folders.entry(name.to_vec()).or_insert(why)),
            Form::Ending(end) => self.endings.push((end.to_vec(), why)),
            Form::Other => self.others.push((glob, why)),
        }
    }

    /// The name of the list that a `:path` is on, in any reading.
    pub(crate) fn covers(&self, target: &[u8]) -> Option<&'static str> {
        let why = reading::all(target, |path| self.entry(path))?;
        let list = usize::from(why).checked_sub(1).and_then(|i| DENY_LISTS.get(i));
        Some(list.map_or(OWN, |list| list.name))
    }

    /// `path`: in lower case, from its first slash on.
    fn entry(&self, path: &[u8]) -> Option<Why> {
        let segments = path.split(|b| *b == b'/').skip(1);
        let last = path.iter().rposition(|b| *b == b'/').and_then(|i| path.get(i + 1..));
        let last = last.unwrap_or_default();
        (self.names.get(last).copied())
            .or_else(|| segments.clone().find_map(|s| self.folders.get(s).copied()))
            .or_else(|| {
                let ends = |(end, why): &(Vec<u8>, Why)| last.ends_with(end).then_some(*why);
                self.endings.iter().find_map(ends)
            })
            .or_else(|| {
                let ends = |s: &[u8]| (self.scripts.iter()).find_map(|(end, why)| s.ends_with(end).then_some(*why));
                let mut segments = segments.filter(|_| !self.scripts.is_empty());
                segments.find_map(ends)
            })
            .or_else(|| self.others.iter().find_map(|(g, why)| g.covers(path).then_some(*why)))
    }
}

//! The policy's lists of what goes and what stays, compiled: `fields` and `allow`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decide::whole::Whole;
use crate::decode::paths::Paths;
use crate::decode::zones::Kept;
use crate::engine::{Allowed, FieldNames, FieldRule};
use crate::error::Mistakes;
use crate::limits;
use crate::policy::action::Actions;
use crate::policy::read::List;
use crate::policy::written::{Allow, Field};
use crate::rewrite::Action;

/// Names and paths of fields → rules.
pub(super) fn fields(
    actions: &mut Actions,
    at: &str,
    written: &List<Field>,
    action: Action,
    to: &mut Mistakes,
) -> (Arc<[FieldRule]>, Arc<FieldNames>, Arc<Paths>) {
    let mut rules = Vec::new();
    let mut names = BTreeMap::new();
    let mut paths = Paths::default();
    for (i, f) in written.iter() {
        if f.names.is_empty() && f.path.is_none() {
            to.add_new(
                &format!("{at}fields[{i}]"),
                "expected `names`, at least one, or a `path`",
            );
        }
        let rule = u16::try_from(rules.len()).unwrap_or(u16::MAX);
        if f.path.as_ref().is_some_and(|path| !paths.add(path, rule)) {
            let why = format!("all paths together have more than {} segments", limits::PATH_STATES);
            to.add_new(&format!("{at}fields[{i}].path"), &why);
        }
        for (k, name) in f.names.iter() {
            let place = || format!("{at}fields[{i}].names[{k}]");
            if name.is_empty() || name.len() > limits::FIELD_NAME_BYTES {
                to.add(place(), format!("expected 1 to {} bytes", limits::FIELD_NAME_BYTES));
            }
            if names.insert(name.to_ascii_lowercase().into_bytes(), rule).is_some() {
                to.add(
                    place(),
                    "this name comes twice (capitals make no difference); leave one of them".to_owned(),
                );
            }
        }
        let action = match &f.action {
            Some(own) => actions.compile(&format!("{at}fields[{i}].action"), own, to),
            None => action,
        };
        rules.push(FieldRule {
            action,
            own: f.action.is_some(),
        });
    }
    (rules.into(), Arc::new(names), Arc::new(paths))
}

/// What stays, and the fields that it names.
pub(super) fn allow(at: &str, written: &List<Allow>, to: &mut Mistakes) -> (Arc<[Allowed]>, Arc<Kept>) {
    let mut all = Vec::new();
    let mut kept = Kept::default();
    let (mut patterns, mut rules) = (0, 0u16);
    for (i, a) in written.iter() {
        let place = |key: &str| format!("{at}allow[{i}].{key}");
        if a.value.as_ref().is_some_and(|value| value.0.is_empty()) {
            to.add(place("value"), "it is empty; expected a value");
        }
        if a.place.as_ref().is_some_and(|p| !is_place(p)) {
            to.add(
                place("place"),
                "expected request.header.NAME, request.path, request.query, request.body, request.trailer.NAME, response.header.NAME, \
                 response.body or response.trailer.NAME (`*` for any name, or any part of it)",
            );
        }
        let names_fields = !a.names.is_empty() || a.path.is_some();
        let says_nothing = a.value.is_none() && a.pattern.is_none() && a.place.is_none() && !names_fields;
        // What was said and is wrong has been told.
        if says_nothing && !to.has(&place("")) {
            let why = "missing; it is needed here, or else `pattern`, `names`, `path` or `place`";
            to.add(place("value"), why);
        }
        let pattern = a.pattern.as_ref().and_then(|pattern| {
            patterns += 1;
            let whole = Whole::compile(pattern).map_err(|why| to.add(place("pattern"), why));
            if patterns == limits::ALLOW_PATTERNS + 1 {
                let why = format!("{} are allowed; put alternatives into one: a|b", limits::ALLOW_PATTERNS);
                to.add(place("pattern"), why);
            }
            whole.ok()
        });
        let rule = names_fields
            .then_some(rules)
            .filter(|rule| usize::from(*rule) < limits::ALLOW_FIELDS);
        if let Some(rule) = rule {
            keep(a, rule, &mut kept, &place, to);
            rules += 1;
        } else if names_fields {
            let key = if a.path.is_some() { "path" } else { "names" };
            let why = format!(
                "{} items may name fields; put names into one list",
                limits::ALLOW_FIELDS
            );
            to.add(place(key), why);
        }
        all.push(Allowed {
            value: a.value.as_ref().map(|value| value.0.clone().into_bytes()),
            pattern,
            place: a.place.clone(),
            fields: rule.map(|rule| 1 << rule),
        });
    }
    (all.into(), Arc::new(kept))
}

/// The fields of one item.
fn keep(a: &Allow, rule: u16, kept: &mut Kept, place: &dyn Fn(&str) -> String, to: &mut Mistakes) {
    for (k, name) in a.names.iter() {
        if name.is_empty() || name.len() > limits::FIELD_NAME_BYTES {
            let why = format!("expected 1 to {} bytes", limits::FIELD_NAME_BYTES);
            to.add(place(&format!("names[{k}]")), why);
        }
        kept.add_name(name, rule);
    }
    if a.path.as_ref().is_some_and(|path| !kept.paths().add(path, rule)) {
        let why = format!("all paths together have more than {} segments", limits::PATH_STATES);
        to.add_new(&place("path"), &why);
    }
}

/// Places as the audit line calls them.
fn is_place(text: &str) -> bool {
    let name = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase());
    match text.split_once('.') {
        Some(("request", "path" | "query" | "body")) | Some(("response", "body")) => true,
        Some(("request" | "response", part)) => part
            .strip_prefix("header.")
            .or_else(|| part.strip_prefix("trailer."))
            .is_some_and(name),
        _ => false,
    }
}

//! The policy's lists of what goes and what stays, compiled: `fields` and `allow`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::decode::paths::Paths;
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

/// What stays.
pub(super) fn allow(at: &str, written: &List<Allow>, to: &mut Mistakes) -> Arc<[Allowed]> {
    let mut all = Vec::new();
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
        if a.value.is_none() && a.pattern.is_none() && a.place.is_none() {
            to.add_new(&place("value"), "missing; it is needed here, or else a `place`");
        }
        all.push(Allowed {
            value: a.value.as_ref().map(|value| value.0.clone().into_bytes()),
            place: a.place.clone(),
        });
    }
    all.into()
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

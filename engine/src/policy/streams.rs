//! Which streams are followed: built-in shapes by name, and fields of the policy's own.

use std::sync::Arc;

use crate::decode::deltas::{Shapes, WILDCARDS};
use crate::error::Mistakes;
use crate::limits;
use crate::policy::path::{JsonPath, Selector};
use crate::policy::read::List;
use crate::policy::written::{DeltaField, Stream};

pub(super) fn compile(
    at: &str,
    (names, deltas): (Option<&Vec<Stream>>, Option<&List<DeltaField>>),
    to: &mut Mistakes,
) -> Arc<Shapes> {
    let mut shapes = Shapes::built_in(|name| names.is_none_or(|n| n.iter().any(|s| s.name() == name)));
    let place = |i: usize| format!("{at}response.deltas[{i}]");
    for (i, delta) in deltas.into_iter().flat_map(List::iter) {
        if i >= limits::STREAM_DELTAS {
            to.add(place(i), format!("{} are allowed", limits::STREAM_DELTAS));
            break;
        }
        let mut good = fits(&delta.path, || format!("{}.path", place(i)), to);
        for (k, key) in delta.keys.iter() {
            good &= fits(key, || format!("{}.keys[{k}]", place(i)), to);
        }
        let keys: Vec<JsonPath> = delta.keys.iter().map(|(_, k)| k.clone()).collect();
        let shape = shapes.next_shape();
        if good && !shapes.add(shape, &delta.path, &keys, None, false) {
            to.add(place(i), "all streams together have too many paths".to_owned());
        }
    }
    Arc::new(shapes)
}

/// A path that a line is asked for.
fn fits(path: &JsonPath, place: impl Fn() -> String, to: &mut Mistakes) -> bool {
    let wild = path.0.iter().filter(|s| s.selector == Selector::Any).count();
    if path.0.iter().any(|s| s.descendant) {
        to.add(
            place(),
            "`..` is not accepted here; write the names that lead there".to_owned(),
        );
        return false;
    }
    if wild > WILDCARDS {
        to.add(
            place(),
            format!("more than {WILDCARDS} wildcards are not accepted here"),
        );
        return false;
    }
    true
}

impl Stream {
    /// Its name in policies.
    fn name(self) -> &'static str {
        match self {
            Stream::OpenaiChat => "openai-chat",
            Stream::OpenaiResponses => "openai-responses",
            Stream::Anthropic => "anthropic",
            Stream::Gemini => "gemini",
            Stream::Ollama => "ollama",
        }
    }
}

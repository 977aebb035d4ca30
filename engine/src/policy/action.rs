//! Actions as they are written, a name or a name with options (`{mask: {keep_last: 4}}`), and what compiling makes of them.

use serde_json::{Map, Value, json};

use crate::error::Mistakes;
use crate::policy::read::{At, Place, Read, Whole, no_choice, object};
use crate::policy::strength;
use crate::rewrite::{self, KEPT, Key, Mask, Means, Reply, Template};

/// Where the key of `hash` is looked for if the policy does not say.
const KEY: &str = "KEEPMUM_HASH_KEY";

/// A shorter key could be guessed.
const KEY_BYTES: usize = 16;

/// Most bytes of a reply's body.
const REPLY_BYTES: usize = 4 * 1024;

/// What the engine is given of its environment: a secret by its name.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<Vec<u8>>;

/// An action as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    Label(LabelOptions),
    Mask(MaskOptions),
    Remove(NoOptions),
    Hash(HashOptions),
    Defang(NoOptions),
    Block(BlockOptions),
    Report(NoOptions),
}

object! {
    /// What a label looks like.
    pub(crate) struct LabelOptions {
        /// A text in square brackets with {detector} in it; default: [REDACTED:{detector}].
        pub(crate) template: Option<String>,
    }
}

object! {
    /// What a mask leaves: 4 characters at most, and no more than a third of the value.
    pub(crate) struct MaskOptions {
        /// Characters at the front that stay.
        pub(crate) keep_first: Whole<0, 4> = Whole(0),
        /// Characters at the end that stay.
        pub(crate) keep_last: Whole<0, 4> = Whole(0),
        /// A * for each byte; otherwise always eight.
        pub(crate) preserve_length: bool = true,
    }
}

object! {
    /// Where the key comes from.
    pub(crate) struct HashOptions {
        /// The environment variable that holds it; default: KEEPMUM_HASH_KEY.
        pub(crate) key_env: Option<String>,
    }
}

object! {
    /// What the client gets.
    pub(crate) struct BlockOptions {
        /// The reply's status.
        pub(crate) status: Whole<400, 599> = Whole(502),
        /// Its body; default: application/problem+json.
        pub(crate) body: Option<String>,
        /// Of that body; default: text/plain.
        pub(crate) content_type: Option<String>,
    }
}

/// There are none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NoOptions;

impl Read for NoOptions {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<NoOptions> {
        match at.value {
            Value::Object(map) if map.is_empty() => Some(NoOptions),
            _ => at.wrong("nothing: this action has no options", to),
        }
    }

    fn absent() -> Option<NoOptions> {
        Some(NoOptions)
    }

    fn schema(_: &mut Map<String, Value>) -> Value {
        json!({"type": "object", "additionalProperties": false})
    }
}

/// Reads the options of one action; `None`: there are none to be read.
fn options<T: Read>(at: Option<At<'_>>, to: &mut Mistakes) -> Option<T> {
    match at {
        Some(at) if !at.value.is_null() => T::read(at, to),
        _ => T::absent(),
    }
}

impl Read for Action {
    fn read(at: At<'_>, to: &mut Mistakes) -> Option<Action> {
        let (name, below) = match at.value {
            Value::Object(map) => {
                at.object(NAMES, to)?;
                let mut known = map.iter().filter(|(name, _)| NAMES.contains(&name.as_str()));
                if map.is_empty() {
                    return at.wrong("one action, with its options", to);
                }
                // What is none has been told.
                let (name, value) = known.next()?;
                if known.next().is_some() {
                    return at.wrong("one action, with its options", to);
                }
                let place = Place::Key(&at.place, name);
                (name.as_str(), Some(At { value, place }))
            }
            Value::String(name) => (name.as_str(), None),
            _ => return no_choice(at, None, NAMES, to),
        };
        match name {
            "label" => options(below, to).map(Action::Label),
            "mask" => options(below, to).map(Action::Mask),
            "hash" => options(below, to).map(Action::Hash),
            "remove" => options(below, to).map(Action::Remove),
            "defang" => options(below, to).map(Action::Defang),
            "block" => options(below, to).map(Action::Block),
            "report" => options(below, to).map(Action::Report),
            word => no_choice(at, Some(word), NAMES, to),
        }
    }

    fn schema(definitions: &mut Map<String, Value>) -> Value {
        let with = json!({
            "label": LabelOptions::schema(definitions),
            "mask": MaskOptions::schema(definitions),
            "hash": HashOptions::schema(definitions),
            "remove": NoOptions::schema(definitions),
            "defang": NoOptions::schema(definitions),
            "block": BlockOptions::schema(definitions),
            "report": NoOptions::schema(definitions),
        });
        json!({"anyOf": [
            {"enum": NAMES},
            {"type": "object", "properties": with, "minProperties": 1, "maxProperties": 1, "additionalProperties": false},
        ]})
    }
}

const NAMES: &[&str] = &["label", "mask", "hash", "remove", "defang", "block", "report"];

/// The actions of a policy while it is compiled.
pub(crate) struct Actions<'e> {
    pub(crate) means: Means,
    pub(crate) environment: Environment<'e>,
    /// Where each template but the first was first written.
    pub(crate) templates: Vec<String>,
}

impl<'e> Actions<'e> {
    pub(crate) fn new(environment: Environment<'e>) -> Actions<'e> {
        Actions {
            means: Means::default(),
            environment,
            templates: Vec::new(),
        }
    }

    /// Puts what an action needs among the means, and refers to that. What is wrong is told, and a label is put.
    pub(crate) fn compile(&mut self, place: &str, action: &Action, to: &mut Mistakes) -> rewrite::Action {
        match action {
            Action::Label(LabelOptions { template: None }) => rewrite::Action::default(),
            Action::Label(LabelOptions { template: Some(text) }) => match Template::read(text) {
                Ok(template) => {
                    let number = put(&mut self.means.templates, template);
                    if usize::from(number) > self.templates.len() {
                        self.templates.push(format!("{place}.label.template"));
                    }
                    rewrite::Action::Label(number)
                }
                Err(why) => wrong(format!("{place}.label.template"), why, to),
            },
            Action::Mask(m) => self.mask(place, m, to),
            Action::Remove(_) => rewrite::Action::Remove,
            Action::Hash(h) => self.hash(place, h, to),
            Action::Defang(_) => rewrite::Action::Defang,
            Action::Block(b) => self.block(place, b, to),
            Action::Report(_) => rewrite::Action::Report,
        }
    }

    fn mask(&mut self, place: &str, m: &MaskOptions, to: &mut Mistakes) -> rewrite::Action {
        let small = |n: u64| u8::try_from(n).unwrap_or(KEPT);
        let mask = Mask {
            keep_first: small(m.keep_first.0),
            keep_last: small(m.keep_last.0),
            preserve_length: m.preserve_length,
        };
        if mask.keep_first + mask.keep_last > KEPT {
            let why = format!("keep_first and keep_last are more than {KEPT} together; expected {KEPT} at most");
            return wrong(format!("{place}.mask"), why, to);
        }
        self.means.note(mask);
        rewrite::Action::Mask(mask)
    }

    fn hash(&mut self, place: &str, h: &HashOptions, to: &mut Mistakes) -> rewrite::Action {
        let name = h.key_env.as_deref().unwrap_or(KEY);
        let key = (self.environment)(name);
        let why = match &key {
            None => "there is no such variable in the environment (a proxy's module sees only those that its vm_config names: environment_variables.host_env_keys, in Istio vmConfig.env with valueFrom: HOST)".to_owned(),
            Some(key) if key.is_empty() => "it is empty".to_owned(),
            Some(key) if key.len() < KEY_BYTES => format!("its value has {} bytes", key.len()),
            Some(key) if strength::bits(key) < strength::BITS => "its value can be guessed".to_owned(),
            Some(key) => match Key::new(name, key) {
                Some(key) => return rewrite::Action::Hash(put(&mut self.means.keys, key)),
                None => "its value cannot be used".to_owned(),
            },
        };
        let variable = h
            .key_env
            .as_ref()
            .map_or_else(|| format!("{name}: "), |_| String::new());
        let why = format!(
            "{variable}{why}; expected a key of {KEY_BYTES} bytes or more that nobody can guess: `openssl rand -hex 32` makes one"
        );
        wrong(format!("{place}.hash.key_env"), why, to)
    }

    fn block(&mut self, place: &str, b: &BlockOptions, to: &mut Mistakes) -> rewrite::Action {
        let default = Reply::default();
        if b.body.as_ref().is_some_and(|body| body.len() > REPLY_BYTES) {
            let why = format!("it is too long; expected {REPLY_BYTES} bytes at most");
            return wrong(format!("{place}.block.body"), why, to);
        }
        let media = |t: &String| {
            (3..=128).contains(&t.len()) && t.contains('/') && t.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        if b.content_type.as_ref().is_some_and(|t| !media(t)) {
            let why = "expected a media type such as text/plain".to_owned();
            return wrong(format!("{place}.block.content_type"), why, to);
        }
        let reply = Reply {
            status: u16::try_from(b.status.0).unwrap_or(default.status),
            body: b.body.clone(),
            content_type: b.content_type.clone().unwrap_or(default.content_type),
        };
        rewrite::Action::Block(put(&mut self.means.replies, reply))
    }
}

fn wrong(place: String, why: String, to: &mut Mistakes) -> rewrite::Action {
    to.add_new(&place, &why);
    rewrite::Action::default()
}

/// The number of an item in a list, into which it is put if it is not there.
fn put<T: PartialEq>(list: &mut Vec<T>, item: T) -> u16 {
    let at = list.iter().position(|i| *i == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    });
    u16::try_from(at).unwrap_or(u16::MAX)
}

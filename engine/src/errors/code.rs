//! An error code out of the JSON body that is being replaced: by a path of names and indexes, as the body streams by.
//!
//! What an upstream puts there is shown to a client, so that only 64 letters, digits, `_`, `.` and `-` pass, of a text or a
//! number; the caller looks at it as at a header. The first value at the path counts, whatever stands there. Why not the walker
//! of field rules: it has no end, and would find a name at any depth.

use std::sync::Arc;

use crate::limits;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(Vec<u8>),
    Index(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before a value.
    Value,
    /// In an object: before a key or its end.
    Key,
    KeyText,
    /// Behind a key.
    Colon,
    Text,
    Bare,
    /// Behind a value.
    After,
    /// It is found, is not there, or nobody looks further.
    Done,
}

/// A body on its way.
#[derive(Clone, Debug)]
pub struct CodeFinder {
    path: Arc<[Step]>,
    at: At,
    escaped: bool,
    /// Open containers; `true`: an object.
    open: Vec<bool>,
    /// So many of them, from the first, stand on the path: their children are compared with the step of that number.
    on_path: usize,
    /// The value at hand is the one.
    wanted: bool,
    /// The child at hand is the one that the step names.
    steps: bool,
    index: u64,
    text: Vec<u8>,
    /// The text under way is too long, or has an escape: it is no name of ours and no code.
    spoilt: bool,
    seen: u64,
    found: Option<String>,
}

impl CodeFinder {
    pub(crate) fn new(path: Arc<[Step]>) -> CodeFinder {
        CodeFinder {
            path,
            at: At::Value,
            escaped: false,
            open: Vec::new(),
            on_path: 0,
            wanted: false,
            steps: false,
            index: 0,
            text: Vec::new(),
            spoilt: false,
            seen: 0,
            found: None,
        }
    }

    /// Takes the next bytes; `true`: nothing that follows makes a difference.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        for b in bytes {
            if self.at == At::Done {
                break;
            }
            self.seen += 1;
            if self.seen > limits::CODE_BODY_BYTES {
                self.at = At::Done;
                break;
            }
            self.byte(*b);
        }
        self.at == At::Done
    }

    /// The code, of what was seen so far.
    pub fn code(&self) -> Option<&str> {
        self.found.as_deref()
    }

    fn byte(&mut self, b: u8) {
        match self.at {
            At::Done => {}
            At::KeyText | At::Text => self.text(b),
            At::Bare => match b {
                b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n' => {
                    self.value_ends();
                    self.byte(b);
                }
                _ => self.keep(b),
            },
            _ if matches!(b, b' ' | b'\t' | b'\r' | b'\n') => {}
            At::Colon if b == b':' => self.at = At::Value,
            At::Key if b == b'"' => self.begin(At::KeyText),
            At::Value if b == b'"' => self.begin(At::Text),
            At::Value if matches!(b, b'{' | b'[') => self.enter(b == b'{'),
            At::After if b == b',' => match self.open.last() {
                Some(true) => self.at = At::Key,
                Some(false) => {
                    if self.on_path == self.open.len() {
                        self.index += 1;
                    }
                    self.at = At::Value;
                    self.child();
                }
                None => self.at = At::Done,
            },
            At::After | At::Key | At::Value if matches!(b, b'}' | b']') => self.leave(),
            At::Value if !matches!(b, b',' | b':') => {
                self.begin(At::Bare);
                self.keep(b);
            }
            // No JSON.
            _ => self.at = At::Done,
        }
    }

    fn begin(&mut self, at: At) {
        self.text.clear();
        self.spoilt = false;
        self.escaped = false;
        self.at = at;
    }

    fn keep(&mut self, b: u8) {
        if self.text.len() < limits::FIELD_NAME_BYTES {
            self.text.push(b);
        } else {
            self.spoilt = true;
        }
    }

    fn text(&mut self, b: u8) {
        if self.escaped {
            self.escaped = false;
        } else if b == b'\\' {
            self.escaped = true;
            self.spoilt = true;
        } else if b != b'"' {
            self.keep(b);
        } else if self.at == At::Text {
            self.value_ends();
        } else {
            self.at = At::Colon;
            let step = self.path.get(self.on_path.wrapping_sub(1));
            let named = matches!(step, Some(Step::Name(name)) if *name == self.text);
            self.steps = named && !self.spoilt && self.on_path == self.open.len();
            self.wanted = self.steps && self.on_path == self.path.len();
        }
    }

    /// An item of a list begins: is it the one?
    fn child(&mut self) {
        let step = self.path.get(self.on_path.wrapping_sub(1));
        let named = matches!(step, Some(Step::Index(i)) if *i == self.index);
        self.steps = named && self.on_path == self.open.len();
        self.wanted = self.steps && self.on_path == self.path.len();
    }

    fn enter(&mut self, object: bool) {
        if self.wanted || self.open.len() >= limits::CODE_DEPTH {
            // What stands at the path is no code, or nobody looks so deep.
            self.at = At::Done;
            return;
        }
        let on_path = self.on_path == self.open.len() && (self.steps || self.open.is_empty());
        self.open.push(object);
        if on_path {
            self.on_path = self.open.len();
            self.index = 0;
        }
        self.at = if object { At::Key } else { At::Value };
        if !object {
            self.child();
        } else {
            self.steps = false;
        }
    }

    fn leave(&mut self) {
        if self.on_path == self.open.len() {
            // Behind the container that the path goes through nothing else is on it.
            self.at = At::Done;
            return;
        }
        self.open.pop();
        self.steps = false;
        self.wanted = false;
        self.at = At::After;
    }

    fn value_ends(&mut self) {
        self.at = At::After;
        if self.wanted {
            let is_code = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
            let fits = (1..=limits::CODE_BYTES).contains(&self.text.len()) && self.text.iter().all(is_code);
            let literal = matches!(self.text.as_slice(), b"null" | b"true" | b"false");
            if fits && !self.spoilt && !literal {
                self.found = String::from_utf8(self.text.clone()).ok();
            }
            self.at = At::Done;
        }
        self.steps = false;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{CodeFinder, Step};
    use crate::limits;

    fn name(n: &str) -> Step {
        Step::Name(n.as_bytes().to_vec())
    }

    /// The code, whatever the cut.
    fn find(path: &[Step], text: &str) -> Option<String> {
        let run = |pieces: &[&[u8]]| {
            let mut finder = CodeFinder::new(path.to_vec().into());
            let _ = pieces.iter().any(|p| finder.push(p));
            finder.code().map(str::to_owned)
        };
        let whole = run(&[text.as_bytes()]);
        for at in 0..text.len() {
            let (a, b) = text.as_bytes().split_at(at);
            assert_eq!(run(&[a, b]), whole, "{text} at {at}");
        }
        whole
    }

    #[test]
    fn codes_are_found_where_the_path_says() {
        let path = [name("error"), name("code")];
        for (text, code) in [
            (r#"{"error":{"code":"E_QUOTA.1-x"}}"#, Some("E_QUOTA.1-x")),
            (
                r#" { "a" : [ { "code" : "no" } ] , "error" : { "x" : {"code":"no"}, "code" : 17 } } "#,
                Some("17"),
            ),
            (r#"{"error":{"code":-3.5}}"#, Some("-3.5")),
            (
                r#"{"code":"no","error":{"details":[1,[2],{}],"code":"yes"}}"#,
                Some("yes"),
            ),
            (r#"{"error":{"code":"one","code":"two"}}"#, Some("one")),
            (r#"{"a":{"error":{"code":"no"}}}"#, None),
            (r#"{"error":[{"code":"no"}]}"#, None),
            (r#"{"error":{"code":{"code":"no"}}}"#, None),
            (r#"{"error":{},"error":{"code":"no"}}"#, None),
            (r#"{"error":{"code":"two words"}}"#, None),
            (r#"{"error":{"code":"a\u0062"}}"#, None),
            (r#"{"error":{"code":null}}"#, None),
            (r#"{"error":{"code":""}}"#, None),
            (r#"{"error":{"code":"cut"#, None),
            (r#"{"error":"x"}"#, None),
            (r#"{"er\"ror":{"code":"no"},"error":{"code":"yes"}}"#, Some("yes")),
            ("not json", None),
            ("", None),
            ("{]}{}}}", None),
        ] {
            assert_eq!(find(&path, text).as_deref(), code, "{text}");
        }
        let path = [name("errors"), Step::Index(1), name("code")];
        for (text, code) in [
            (r#"{"errors":[{"code":"a"},{"code":"b"},{"code":"c"}]}"#, Some("b")),
            (r#"{"errors":[[1,{"code":"x"}],{"m":[{}],"code":"b"}]}"#, Some("b")),
            (r#"{"errors":[1]}"#, None),
        ] {
            assert_eq!(find(&path, text).as_deref(), code, "{text}");
        }
        assert_eq!(find(&[Step::Index(0)], "[\"a\"]").as_deref(), Some("a"));
    }

    #[test]
    fn long_and_deep_bodies_come_to_an_end() {
        let path = [name("code")];
        let long = format!(
            "{{\"a\":\"{}\",\"code\":\"no\"}}",
            "x".repeat(limits::CODE_BODY_BYTES as usize)
        );
        let mut finder = CodeFinder::new(path.to_vec().into());
        assert!(finder.push(long.as_bytes()) && finder.code().is_none());
        let mut finder = CodeFinder::new(path.to_vec().into());
        assert!(finder.push("{\"a\":".repeat(1000).as_bytes()) && finder.code().is_none());
        let too_long = format!("{{\"code\":\"{}\"}}", "x".repeat(limits::CODE_BYTES + 1));
        let mut finder = CodeFinder::new(path.to_vec().into());
        assert!(finder.push(too_long.as_bytes()) && finder.code().is_none());
    }
}

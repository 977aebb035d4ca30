//! Where in a JSON document a place is, as a JSON pointer (RFC 6901): a walk over what has left, with a stack of the containers that are open.
//!
//! It goes behind the pipeline, up to what is settled, so that nothing need be kept for places that have nothing to tell. A key can hold
//! anything, a secret too: what is not plain is told as `*`, and so is what lies too deep or would be too long.

use crate::decode::scan::{Scan, Token};
use crate::limits;

/// A container that is open.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Where the name of the member at hand begins in `names`: it goes to where the next level's begins.
    from: usize,
    /// Of an array: the item at hand.
    item: Option<u64>,
}

/// The walk over one document.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pointers {
    scan: Scan,
    stack: Stack,
    walked: u64,
    /// Where the value of a field began that has not ended, and its pointer.
    open: Option<(u64, String)>,
}

/// The containers that are open.
#[derive(Clone, Debug, Default)]
struct Stack {
    levels: Vec<Level>,
    /// Those past `limits::POINTER_DEPTH`.
    deeper: u64,
    /// Of each object the member at hand, one behind the other.
    names: String,
}

impl Pointers {
    /// Memory, this included.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Pointers>()
            + self.scan.bytes()
            + self.stack.levels.capacity() * size_of::<Level>()
            + self.stack.names.capacity()
            + self.open.as_ref().map_or(0, |(_, path)| path.capacity())
    }

    /// How far it has come.
    pub(crate) fn walked(&self) -> u64 {
        self.walked
    }

    /// Walks on, over `data`, and tells the pointers of these places in it, which are in order; and of `open`, when it is asked for it.
    pub(crate) fn walk(&mut self, data: &[u8], places: &[u64], open: Option<u64>, mut tell: impl FnMut(u64, &str)) {
        let mut places = places.iter().copied().peekable();
        while let Some(place) = places.next_if(|place| *place < self.walked) {
            if let Some((_, path)) = self.open.as_ref().filter(|(at, _)| *at == place) {
                tell(place, path);
            }
        }
        if self.open.as_ref().is_some_and(|(at, _)| Some(*at) != open) {
            self.open = None;
        }
        let end = self.walked + data.len() as u64;
        let mut rest = data;
        loop {
            let begins = open.filter(|at| *at >= self.walked && self.open.is_none());
            let next = places
                .peek()
                .copied()
                .into_iter()
                .chain(begins)
                .min()
                .unwrap_or(end)
                .min(end);
            let (now, behind) = rest.split_at(usize::try_from(next - self.walked).unwrap_or(0).min(rest.len()));
            self.scan.run(now, |scan, _, _, token| self.stack.step(scan, token));
            (self.walked, rest) = (next, behind);
            if next >= end {
                return;
            }
            let pointer = self.stack.pointer();
            while places.next_if(|place| *place == next).is_some() {
                tell(next, &pointer);
            }
            if begins == Some(next) {
                self.open = Some((next, pointer));
            }
        }
    }
}

impl Stack {
    /// Of the value at hand.
    fn pointer(&self) -> String {
        let mut out = String::new();
        let ends = self.levels.iter().skip(1).map(|l| l.from).chain([self.names.len()]);
        for (level, end) in self.levels.iter().zip(ends) {
            let before = out.len();
            out.push('/');
            match level.item {
                Some(item) => out.push_str(&item.to_string()),
                None => out.push_str(self.names.get(level.from..end).unwrap_or_default()),
            }
            // At the object itself.
            if out.len() == before + 1 {
                out.truncate(before);
            }
            if out.len() + 2 > limits::POINTER_BYTES {
                out.truncate(before);
                out.push_str("/*");
                return out;
            }
        }
        if self.deeper > 0 {
            out.push_str("/*");
        }
        out
    }

    fn step(&mut self, scan: &Scan, token: Token) {
        match token {
            Token::Open { array } if self.levels.len() < limits::POINTER_DEPTH => self.levels.push(Level {
                from: self.names.len(),
                item: array.then_some(0),
            }),
            Token::Open { .. } => self.deeper += 1,
            Token::Close if self.deeper > 0 => self.deeper -= 1,
            Token::Close => {
                if let Some(level) = self.levels.pop() {
                    self.names.truncate(level.from);
                }
            }
            Token::Comma | Token::Key if self.deeper == 0 => {
                let Some(level) = self.levels.last_mut() else { return };
                if let (Token::Comma, Some(item)) = (token, &mut level.item) {
                    *item += 1;
                    return;
                }
                self.names.truncate(level.from);
                if token == Token::Key && level.item.is_none() {
                    let key = scan.key();
                    let name = key.as_deref().filter(|name| is_plain(name));
                    let name = name.and_then(|name| std::str::from_utf8(name).ok());
                    self.names.push_str(name.unwrap_or("*"));
                }
            }
            _ => {}
        }
    }
}

/// A name that may be told: of letters, digits, `_`, `-` and `.`, and with no more digits than names have.
fn is_plain(name: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let digits = name.iter().filter(|b| b.is_ascii_digit()).count();
    (1..=limits::POINTER_NAME_BYTES).contains(&name.len())
        && name.iter().all(plain)
        && digits <= limits::POINTER_NAME_DIGITS
}

#[cfg(test)]
mod tests {
    use super::Pointers;
    use crate::limits;

    /// The pointer of each `!`, cut at every place.
    fn check(text: &str, expected: &[&str]) {
        let places: Vec<u64> = (0..)
            .zip(text.bytes())
            .filter(|(_, b)| *b == b'!')
            .map(|(i, _)| i)
            .collect();
        for cut in 0..=text.len() {
            let (mut pointers, mut told) = (Pointers::default(), Vec::new());
            let (a, b) = text.as_bytes().split_at(cut);
            let here = places.partition_point(|p| *p < cut as u64);
            pointers.walk(a, &places[..here], None, |_, p| told.push(p.to_owned()));
            pointers.walk(b, &places[here..], None, |_, p| told.push(p.to_owned()));
            assert_eq!(told, expected, "{text} cut at {cut}");
            assert!(pointers.bytes() < 4096);
        }
    }

    #[test]
    fn a_place_has_its_pointer() {
        check(
            r#"{"a":"!","b":{"c":["x",1,"!"],"d":"!"},"e":"!"}"#,
            &["/a", "/b/c/2", "/b/d", "/e"],
        );
        check(r#""!""#, &[""]);
        check(r#"["!",["!"],{"k-1.x_y":"!"}]"#, &["/0", "/1/0", "/2/k-1.x_y"]);
        // In a key: the object.
        check(r#"{"a":{"b":1,"!":2}}"#, &["/a"]);
        check(r#"{"!":1}"#, &[""]);
        // As text, however it is spelt.
        check(r#"{"\u0061":"!"}"#, &["/a"]);
    }

    #[test]
    fn what_is_not_plain_is_not_told() {
        for name in [
            "a b",
            "a/b",
            "a~b",
            "über",
            "",
            "user@example.com",
            "a1b2c3d4e5",
            &"a".repeat(65),
        ] {
            check(&format!(r#"{{"{name}":{{"k":"!"}},"l":"!"}}"#), &["/*/k", "/l"]);
        }
        check(
            &format!(r#"{{"{}":"!"}}"#, "a".repeat(64)),
            &[&format!("/{}", "a".repeat(64))],
        );
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = limits::POINTER_DEPTH + 3;
        let text = format!("{}\"!\"{},\"!\"]", "[".repeat(deep), "]".repeat(deep - 1));
        check(&text, &[&format!("{}/*", "/0".repeat(limits::POINTER_DEPTH)), "/1"]);
        let name = "n".repeat(60);
        let text = format!(
            r#"{}"!"{},"b":"!"}}"#,
            format!(r#"{{"{name}":"#).repeat(10),
            "}".repeat(9)
        );
        let long = format!("{}/*", format!("/{name}").repeat(4));
        assert!(long.len() <= limits::POINTER_BYTES);
        check(&text, &[&long, "/b"]);
    }
}

//! JSON deltas: where a line of a model's stream has the next piece of a text, and which text that is.
//!
//! A chat API sends its answer word by word, each in a JSON object of its own. What the words spell is known only when they
//! are put together, text by text: `choices[0]` and `choices[1]` come mixed. A line is read as a whole, once, without a
//! tree: other fields that say which text it is may stand behind the piece. The walk of `decode/json.rs` goes on from chunk to chunk
//! and tells one place at a time, which would not do here.

use crate::policy::path::{JsonPath, Segment, Selector};

mod built_in;
mod string;

pub(crate) use built_in::BUILT_IN;
pub(crate) use string::{Unit, decoded, encode};

/// How a provider spells its texts, as it is written down.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) texts: &'static [Spelt],
    pub(crate) ends: &'static [Ending],
}

/// Pieces of a text.
pub(crate) struct Spelt {
    pub(crate) path: &'static str,
    /// What tells texts apart; the first of them is what an [`Ending`] goes by.
    pub(crate) keys: &'static [&'static str],
    /// What must stand in the line as well.
    pub(crate) asks: Option<&'static str>,
    /// The text is JSON.
    pub(crate) json: bool,
}

/// What says that a text is complete.
pub(crate) struct Ending {
    pub(crate) path: &'static str,
    pub(crate) is: Is,
    /// Texts with this first key; `None`: all of the provider.
    pub(crate) key: Option<&'static str>,
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Is {
    /// Anything but `null`.
    There,
    Exactly(&'static str),
    EndingIn(&'static str),
}

/// Shapes as they are looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shapes {
    paths: Vec<Vec<Selector>>,
    texts: Vec<Rule>,
    ends: Vec<End>,
}

#[derive(Clone, Debug)]
struct Rule {
    shape: u16,
    path: u16,
    keys: Vec<u16>,
    asks: Option<u16>,
    json: bool,
}

#[derive(Clone, Debug)]
struct End {
    shape: u16,
    path: u16,
    is: Is,
    key: Option<u16>,
}

/// Which text a piece belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextKey {
    shape: u16,
    rule: u16,
    first: u64,
    rest: u64,
}

/// The next piece of a text: what stands between the quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delta {
    pub(crate) key: TextKey,
    pub(crate) json: bool,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Which texts are complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    shape: u16,
    first: Option<u64>,
}

impl Ended {
    pub(crate) fn covers(&self, key: TextKey) -> bool {
        self.shape == key.shape && self.first.is_none_or(|f| f == key.first)
    }
}

/// What a line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) deltas: Vec<Delta>,
    pub(crate) ended: Vec<Ended>,
    found: Vec<Found>,
}

/// A scalar at one of the paths.
#[derive(Clone, Copy, Debug)]
struct Found {
    path: u16,
    /// Where its wildcards stand.
    at: [u32; WILDCARDS],
    start: usize,
    end: usize,
    text: bool,
}

/// Wildcards in a path of a shape.
pub(crate) const WILDCARDS: usize = 2;

/// Paths of all shapes together: a bit for each.
pub(crate) const PATHS: usize = 64;

/// Containers in each other; what is deeper is not looked at.
const DEPTH: usize = 16;

/// Values of one line that are kept, and pieces among them: no API sends a tenth of it.
const FOUND: usize = 256;

/// See [`FOUND`].
const DELTAS: usize = 64;

impl Shapes {
    /// The built-in ones of these names.
    pub(crate) fn built_in(takes: impl Fn(&str) -> bool) -> Shapes {
        let mut shapes = Shapes::default();
        for shape in BUILT_IN.iter().filter(|s| takes(s.name)) {
            let number = shapes.next_shape();
            for t in shape.texts {
                let keys: Vec<_> = t.keys.iter().filter_map(|k| JsonPath::read(k).ok()).collect();
                let asks = t.asks.and_then(|a| JsonPath::read(a).ok());
                if let Ok(path) = JsonPath::read(t.path) {
                    shapes.add(number, &path, &keys, asks.as_ref(), t.json);
                }
            }
            for e in shape.ends {
                let path = JsonPath::read(e.path).ok().and_then(|p| shapes.path(&p));
                let key = e.key.and_then(|k| JsonPath::read(k).ok());
                let key = key.and_then(|k| shapes.path(&k));
                if let Some(path) = path {
                    let (shape, is) = (number, e.is);
                    shapes.ends.push(End { shape, path, is, key });
                }
            }
        }
        shapes
    }

    /// A number for the texts that belong together.
    pub(crate) fn next_shape(&self) -> u16 {
        let used = self.texts.iter().map(|t| t.shape + 1).max();
        used.unwrap_or(0)
    }

    /// One more field that spells a text. `false`: there is no room.
    pub(crate) fn add(
        &mut self,
        shape: u16,
        path: &JsonPath,
        keys: &[JsonPath],
        asks: Option<&JsonPath>,
        json: bool,
    ) -> bool {
        let path = self.path(path);
        let keys: Option<Vec<u16>> = keys.iter().map(|k| self.path(k)).collect();
        let asked = asks.map(|a| self.path(a));
        let (Some(path), Some(keys), Some(_)) = (path, keys, asked.unwrap_or(Some(0))) else {
            return false;
        };
        self.texts.push(Rule {
            shape,
            path,
            keys,
            asks: asked.flatten(),
            json,
        });
        true
    }

    fn path(&mut self, path: &JsonPath) -> Option<u16> {
        let selectors: Vec<Selector> = path.0.iter().map(|s: &Segment| s.selector.clone()).collect();
        let i = match self.paths.iter().position(|p| *p == selectors) {
            Some(i) => i,
            None if self.paths.len() < PATHS => {
                self.paths.push(selectors);
                self.paths.len() - 1
            }
            None => return None,
        };
        u16::try_from(i).ok()
    }

    /// Nothing is looked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Reads one line of JSON.
    pub(crate) fn read(&self, line: &[u8], said: &mut Said) {
        said.deltas.clear();
        said.ended.clear();
        said.found.clear();
        self.walk(line, &mut said.found);
        let found = &said.found;
        let value = |f: &Found| line.get(f.start..f.end).unwrap_or_default();
        let key = |path: u16, of: &Found| {
            let wild = self.wildcards(path).min(self.wildcards(of.path));
            let same = |f: &&Found| f.path == path && f.at.get(..wild) == of.at.get(..wild);
            match found.iter().find(same) {
                Some(f) => hash(value(f).iter().copied()),
                None => hash(of.at.iter().take(wild).flat_map(|n| n.to_le_bytes())).rotate_left(1),
            }
        };
        for f in found.iter().filter(|f| f.text) {
            for (i, rule) in self.texts.iter().enumerate().filter(|(_, r)| r.path == f.path) {
                let asked = |a: u16| found.iter().any(|f| f.path == a);
                if said.deltas.len() >= DELTAS || !rule.asks.is_none_or(asked) {
                    continue;
                }
                let mut keys = rule.keys.iter().map(|k| key(*k, f));
                let first = keys.next().unwrap_or(0);
                let rest = hash(keys.flat_map(u64::to_le_bytes));
                let (shape, rule_number) = (rule.shape, u16::try_from(i).unwrap_or(u16::MAX));
                said.deltas.push(Delta {
                    key: TextKey {
                        shape,
                        rule: rule_number,
                        first,
                        rest,
                    },
                    json: rule.json,
                    start: f.start,
                    end: f.end,
                });
                break;
            }
        }
        for f in found {
            for end in self.ends.iter().filter(|e| e.path == f.path) {
                let is = match end.is {
                    Is::There => f.text || value(f) != b"null",
                    Is::Exactly(what) => value(f) == what.as_bytes(),
                    Is::EndingIn(what) => value(f).ends_with(what.as_bytes()),
                };
                if is {
                    said.ended.push(Ended {
                        shape: end.shape,
                        first: end.key.map(|k| key(k, f)),
                    });
                }
            }
        }
    }

    fn wildcards(&self, path: u16) -> usize {
        let selectors = self.paths.get(usize::from(path)).map_or(&[][..], Vec::as_slice);
        let wild = selectors.iter().filter(|s| **s == Selector::Any).count();
        wild.min(WILDCARDS)
    }

    /// Goes through the line once. What is no JSON gives what it gives: the pieces are changed where they stand.
    fn walk(&self, line: &[u8], found: &mut Vec<Found>) {
        let all = u64::MAX >> (PATHS - self.paths.len().clamp(1, PATHS));
        let mut stack: [Level; DEPTH] = [Level::default(); DEPTH];
        let mut depth = 0usize;
        let mut i = 0;
        // Inside the innermost container a value may begin.
        let mut key: Option<(usize, usize)> = None;
        while let Some(&b) = line.get(i) {
            let top = depth.checked_sub(1).and_then(|d| stack.get(d)).copied();
            let start = i;
            i += 1;
            match b {
                b'{' | b'[' => {
                    let alive = match top {
                        None if depth == 0 => all,
                        Some(top) => self.alive(top, key, line, depth - 1),
                        None => 0,
                    };
                    if let Some(level) = stack.get_mut(depth) {
                        *level = Level {
                            object: b == b'{',
                            index: 0,
                            alive,
                        };
                    }
                    depth += 1;
                    key = None;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    key = None;
                }
                b',' => {
                    if let Some(level) = depth.checked_sub(1).and_then(|d| stack.get_mut(d)) {
                        level.index = level.index.saturating_add(1);
                    }
                    key = None;
                }
                b':' | b' ' | b'\t' | b'\n' | b'\r' => {}
                _ => {
                    let text = b == b'"';
                    let (from, to) = if text {
                        let to = string_end(line, i);
                        i = to + 1;
                        (start + 1, to)
                    } else {
                        let is_end = |b: &u8| b",]}: \t\r\n\"{[".contains(b);
                        let rest = line.get(start..).unwrap_or_default();
                        i = start + rest.iter().position(is_end).unwrap_or(rest.len()).max(1);
                        (start, i)
                    };
                    let Some(top) = top else { continue };
                    if text && top.object && key.is_none() {
                        key = Some((from, to));
                        continue;
                    }
                    // A string that does not end is none.
                    if top.alive == 0 || (text && line.get(to).is_none()) {
                        continue;
                    }
                    let mut alive = self.alive(top, key, line, depth - 1);
                    while alive != 0 {
                        let path = alive.trailing_zeros() as usize;
                        alive &= alive - 1;
                        let Some(selectors) = self.paths.get(path).filter(|p| p.len() == depth) else {
                            continue;
                        };
                        if found.len() < FOUND {
                            let mut at = [0; WILDCARDS];
                            let wild = selectors.iter().zip(&stack).filter(|(s, _)| **s == Selector::Any);
                            for (slot, (_, level)) in at.iter_mut().zip(wild) {
                                *slot = level.index;
                            }
                            found.push(Found {
                                path: u16::try_from(path).unwrap_or(0),
                                at,
                                start: from,
                                end: to,
                                text,
                            });
                        }
                    }
                }
            }
        }
    }

    /// The paths that the value may be on which begins in this container.
    fn alive(&self, top: Level, key: Option<(usize, usize)>, line: &[u8], depth: usize) -> u64 {
        let mut alive = 0;
        let mut rest = top.alive;
        let name = key.and_then(|(from, to)| line.get(from..to)).unwrap_or_default();
        while rest != 0 {
            let path = rest.trailing_zeros();
            rest &= rest - 1;
            let selector = self.paths.get(path as usize).and_then(|p| p.get(depth));
            let goes_on = match selector {
                Some(Selector::Any) => true,
                Some(Selector::Index(n)) => !top.object && *n == u64::from(top.index),
                Some(Selector::Name(n)) => top.object && is_name(name, n),
                None => false,
            };
            alive |= u64::from(goes_on) << path;
        }
        alive
    }
}

/// An open container.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    object: bool,
    /// Values before this one.
    index: u32,
    /// Paths that have come as far as this.
    alive: u64,
}

/// A name as it stands in JSON is this one.
fn is_name(stood: &[u8], name: &[u8]) -> bool {
    stood == name || (stood.contains(&b'\\') && decoded(stood) == name)
}

/// Where a string ends that begins before `from`: its quote, or the end of the line.
fn string_end(line: &[u8], from: usize) -> usize {
    let mut i = from;
    while let Some(n) = memchr::memchr2(b'"', b'\\', line.get(i..).unwrap_or_default()) {
        i += n;
        if line.get(i) == Some(&b'"') {
            return i;
        }
        i += 2;
    }
    line.len()
}

fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    // FNV-1a: who makes two keys alike joins two texts of his own.
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3)
    })
}

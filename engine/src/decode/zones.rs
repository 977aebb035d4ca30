//! Which parts of a text are the values of fields that the policy's `allow` names: what detectors find there may stay.
//!
//! A finding is judged when its match ends, and by then the text behind its beginning may be inside another value. So the places are
//! kept where the set of rules changes, as far back as a candidate is open: eight bytes each, two for a value.
//!
//! Structure counts only where the whole text is JSON, or the whole line in a stream of events: who writes `"name":{` into a page must not
//! decide what stays in the rest of it.

use std::collections::BTreeMap;

use crate::decode::json::Event;
use crate::decode::pairs;
use crate::decode::paths::{Open, Paths};
use crate::decode::scan::{Scan, Token};

/// Rules, one bit each.
pub(crate) type Rules = u32;

/// The fields that items of `allow` name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// In lower case → an index of `sets`.
    names: BTreeMap<Vec<u8>, u16>,
    sets: Vec<Rules>,
    paths: Paths,
}

impl Kept {
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.paths.is_empty()
    }

    /// Whether names are asked for, which stand outside JSON too.
    pub(crate) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    pub(crate) fn add_name(&mut self, name: &str, rule: u16) {
        let next = u16::try_from(self.sets.len()).unwrap_or(u16::MAX);
        let at = *self.names.entry(name.to_ascii_lowercase().into_bytes()).or_insert(next);
        if at == next {
            self.sets.push(0);
        }
        if let Some(set) = self.sets.get_mut(usize::from(at)) {
            *set |= 1 << rule;
        }
    }

    pub(crate) fn paths(&mut self) -> &mut Paths {
        &mut self.paths
    }

    fn set_of(&self, name: &[u8]) -> Option<u16> {
        self.names.get(&name.to_ascii_lowercase()).copied()
    }

    fn set(&self, index: u16) -> Rules {
        self.sets.get(usize::from(index)).copied().unwrap_or(0)
    }

    /// The rules for a field of this name.
    pub(crate) fn named(&self, name: &[u8]) -> Rules {
        self.set_of(name).map_or(0, |i| self.set(i))
    }
}

/// Where in a text the structure of JSON stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spread {
    #[default]
    Nowhere,
    /// All of it is JSON.
    Whole,
    /// In lines that begin with it, by themselves or behind the name of an event's field.
    Lines(Line),
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Not known before something else than these bytes stands there.
    Front(u8),
    Json,
    /// Its document has been read, or there is none.
    Over,
}

impl Line {
    /// The longest of them: `data: `, and a separator of records.
    const FRONT: u8 = 8;

    fn front(self, b: u8) -> Line {
        match (self, b) {
            (_, b'\n') => Line::Front(0),
            (Line::Front(n), b'd' | b'a' | b't' | b':' | b' ' | b'\t' | b'\x1e') if n < Line::FRONT => {
                Line::Front(n + 1)
            }
            (Line::Front(_), b'{' | b'[') => Line::Json,
            (Line::Front(_), _) => Line::Over,
            (line, _) => line,
        }
    }
}

/// From here on another set of rules holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    /// From `Zones::origin`.
    at: u32,
    rules: Rules,
}

/// The walk over one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zones {
    /// What holds in all of it.
    all: Rules,
    spread: Spread,
    scan: Scan,
    pairs: Option<pairs::Walker>,
    open: Option<Box<Open>>,
    walked: u64,
    /// By the name that stands before the value to come.
    due: Rules,
    depth: u32,
    /// Containers whose values are kept: their depths, and what they add.
    containers: Vec<(u32, Rules)>,
    /// What the text or number under way adds.
    leaf: Rules,
    changes: Vec<Change>,
    origin: u64,
}

impl Zones {
    /// For a text that is all in these zones, and maybe JSON or pairs.
    pub(crate) fn new(all: Rules, spread: Spread, kind: Option<pairs::Kind>) -> Zones {
        Zones {
            all,
            spread,
            pairs: kind.map(pairs::Walker::new),
            ..Zones::default()
        }
    }

    /// Memory, this included.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Zones>()
            + self.scan.bytes()
            + self.pairs.as_ref().map_or(0, pairs::Walker::bytes)
            + self.open.as_deref().map_or(0, |open| size_of::<Open>() + open.bytes())
            + self.containers.capacity() * size_of::<(u32, Rules)>()
            + self.changes.capacity() * size_of::<Change>()
    }

    /// Walks on to an offset; `data` begins at `base`.
    pub(crate) fn walk(&mut self, kept: &Kept, (data, base): (&[u8], u64), to: u64, events: &mut Vec<Event>) {
        let from = std::mem::replace(&mut self.walked, to);
        let at = |o: u64| usize::try_from(o.saturating_sub(base)).unwrap_or(usize::MAX);
        let new = data.get(at(from)..at(to)).unwrap_or_default();
        if let Some(mut walker) = self.pairs.take() {
            events.clear();
            walker.walk(new, from, |name| kept.set_of(name), events);
            for event in events.drain(..) {
                match event {
                    Event::Begin { at, rule, .. } => self.change(at, kept.set(rule)),
                    Event::End { at, .. } => self.change(at, 0),
                }
            }
            self.pairs = Some(walker);
            return;
        }
        if self.open.is_none() && !kept.paths.is_empty() {
            self.open = Some(Box::default());
        }
        match self.spread {
            Spread::Nowhere => {}
            Spread::Whole => self.scan(kept, new, from),
            Spread::Lines(_) => self.lines(kept, new, from),
        }
    }

    /// Leaves out what does not stand in a line's document.
    fn lines(&mut self, kept: &Kept, new: &[u8], from: u64) {
        let mut i = 0;
        while let (Some(&b), Spread::Lines(line)) = (new.get(i), self.spread) {
            let rest = new.get(i..).unwrap_or_default();
            let to_feed = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = line.front(b);
            self.spread = Spread::Lines(line);
            i += match line {
                Line::Json => {
                    self.scan(kept, rest.get(..to_feed).unwrap_or_default(), from + i as u64);
                    to_feed
                }
                Line::Over => to_feed,
                Line::Front(_) => {
                    if b == b'\n' {
                        self.scan(kept, b"\n", from + i as u64);
                    }
                    1
                }
            };
        }
    }

    fn scan(&mut self, kept: &Kept, new: &[u8], from: u64) {
        let mut scan = std::mem::take(&mut self.scan);
        scan.run(new, |scan, i, ended, token| {
            self.token(kept, scan, from + i as u64, (ended, token))
        });
        self.scan = scan;
    }

    fn token(&mut self, kept: &Kept, scan: &Scan, at: u64, (ended, token): (bool, Token)) {
        if self.spread == Spread::Lines(Line::Over) && token != Token::Line {
            return;
        }
        if ended && self.leaf != 0 {
            self.leaf = 0;
            self.settle(at);
        }
        match token {
            Token::None => {}
            Token::Key => {
                let key = scan.key();
                self.due = key.as_deref().map_or(0, |key| kept.named(key));
                if let Some(open) = &mut self.open {
                    open.member(&kept.paths, key.as_deref());
                }
            }
            Token::Text | Token::Bare => {
                self.leaf = self.value();
                if self.leaf != 0 {
                    self.settle(at + u64::from(token == Token::Text));
                }
            }
            Token::Open { array } => {
                let rules = self.value();
                self.depth = self.depth.saturating_add(1);
                // One that holds already adds nothing, so that there are no more containers than rules.
                if rules & !self.containers() != 0 {
                    self.containers.push((self.depth, rules));
                    self.settle(at);
                }
                self.structure(kept, if array { b'[' } else { b'{' });
            }
            Token::Close => {
                self.structure(kept, b']');
                if self.containers.last().is_some_and(|(depth, _)| *depth >= self.depth) {
                    self.containers.pop();
                    self.settle(at + 1);
                }
                self.depth = self.depth.saturating_sub(1);
                if let (0, Spread::Lines(line)) = (self.depth, &mut self.spread) {
                    *line = Line::Over;
                }
            }
            Token::Comma => {
                self.due = 0;
                self.structure(kept, b',');
            }
            Token::Line if self.spread != Spread::Whole => {
                if let Some(open) = &mut self.open {
                    open.clear();
                }
                self.containers.clear();
                (self.depth, self.due) = (0, 0);
                self.settle(at);
            }
            Token::Line => {}
        }
    }

    /// The rules for the value that begins here.
    fn value(&mut self) -> Rules {
        std::mem::take(&mut self.due) | self.open.as_mut().map_or(0, |open| open.all_due())
    }

    fn structure(&mut self, kept: &Kept, b: u8) {
        if let Some(open) = &mut self.open {
            open.structure(&kept.paths, b);
        }
    }

    fn containers(&self) -> Rules {
        self.containers.iter().fold(0, |all, (_, rules)| all | rules)
    }

    fn settle(&mut self, at: u64) {
        self.change(at, self.containers() | self.leaf);
    }

    fn change(&mut self, at: u64, rules: Rules) {
        let at = u32::try_from(at.saturating_sub(self.origin)).unwrap_or(u32::MAX);
        if self.changes.last().is_some_and(|last| last.at == at) {
            self.changes.pop();
        }
        if self.changes.last().map_or(0, |last| last.rules) != rules {
            self.changes.push(Change { at, rules });
        }
    }

    /// The rules that hold in all of a stretch, which is not empty.
    pub(crate) fn of(&self, (start, end): (u64, u64)) -> Rules {
        let place = |o: u64| u32::try_from(o.saturating_sub(self.origin)).unwrap_or(u32::MAX);
        let (start, end) = (place(start), place(end));
        let first = self.changes.partition_point(|c| c.at <= start).checked_sub(1);
        let mut rules = match first {
            Some(i) => self.changes.get(i).map_or(0, |c| c.rules),
            None => 0,
        };
        for c in self.changes.iter().skip(first.map_or(0, |i| i + 1)) {
            if rules == 0 || c.at >= end {
                break;
            }
            rules &= c.rules;
        }
        rules | self.all
    }

    /// Nothing before this offset will be asked for any more.
    pub(crate) fn forget(&mut self, before: u64) {
        const FAR: u64 = 64 * 1024;
        let shift = before.saturating_sub(self.origin);
        let place = u32::try_from(shift).unwrap_or(u32::MAX);
        let first = self.changes.partition_point(|c| c.at <= place).saturating_sub(1);
        self.changes.drain(..first);
        if self.changes.capacity() > 64 && self.changes.len() < self.changes.capacity() / 4 {
            self.changes.shrink_to(self.changes.len());
        }
        if shift > FAR {
            self.origin = before;
            self.changes.iter_mut().for_each(|c| c.at = c.at.saturating_sub(place));
        }
    }
}

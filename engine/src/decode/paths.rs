//! Where in a JSON document the walk stands, as far as the paths of field rules ask: all paths are one automaton, whose states
//! are kept for each open container.
//!
//! Why not a stack of names that paths are compared with: that takes memory for names, and time for each value by the depth. A
//! level here takes forty bytes, whatever the paths; past `limits::PATH_DEPTH` levels none is added, and a path with `..` (no other can
//! reach so far down) takes there whatever its last segment takes: rather too much than too little.

use crate::limits;
use crate::policy::path::{JsonPath, Selector};

const WORDS: usize = limits::PATH_STATES / 64;

/// Segments that are waited for, one bit each.
type States = [u64; WORDS];

/// The paths of all field rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    states: Vec<State>,
    /// What is waited for below `$`.
    start: States,
}

#[derive(Clone, Debug)]
struct State {
    selector: Selector,
    descendant: bool,
    /// Of the path's last segment: the rule.
    rule: Option<u16>,
}

/// A child of a value: what stands in front of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Child<'a> {
    /// `None`: a name that is longer than any path's.
    Member(Option<&'a [u8]>),
    Item(u64),
}

impl Paths {
    /// Adds a path; `false`: there are too many.
    pub(crate) fn add(&mut self, path: &JsonPath, rule: u16) -> bool {
        if self.states.len() + path.0.len() > limits::PATH_STATES {
            return false;
        }
        set(&mut self.start, self.states.len());
        let last = path.0.len() - 1;
        self.states.extend(path.0.iter().enumerate().map(|(i, s)| State {
            selector: s.selector.clone(),
            descendant: s.descendant,
            rule: (i == last).then_some(rule),
        }));
        true
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// What is waited for below a child, and the rules for the child itself.
    fn step(&self, parent: &States, child: Child) -> (States, Due) {
        let (mut below, mut due) = ([0; WORDS], Due::default());
        for i in ones(parent) {
            let Some(state) = self.states.get(i) else { break };
            if state.descendant {
                set(&mut below, i);
            }
            if state.takes(child) {
                match state.rule {
                    Some(r) => due.add(r),
                    None => set(&mut below, i + 1),
                }
            }
        }
        (below, due)
    }

    /// The rules for a child that is too deep to be known: by the last segments of the paths that have come so far.
    fn deep(&self, parent: &States, child: Child) -> Due {
        let last = |i: usize| self.states.get(i..)?.iter().find(|s| s.rule.is_some());
        let live = ones(parent).filter_map(last);
        let takes = |s: &&State| match (&s.selector, child) {
            (Selector::Index(_), Child::Item(_)) => true,
            _ => s.takes(child),
        };
        let mut due = Due::default();
        live.filter(takes).filter_map(|s| s.rule).for_each(|r| due.add(r));
        due
    }
}

impl State {
    fn takes(&self, child: Child) -> bool {
        match (&self.selector, child) {
            (Selector::Any, _) => true,
            (Selector::Name(name), Child::Member(key)) => key.is_some_and(|key| name == key),
            (Selector::Index(at), Child::Item(i)) => *at == i,
            _ => false,
        }
    }
}

/// The rules for a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Due {
    first: Option<u16>,
    /// One bit for each of the first 32 rules.
    all: u32,
}

impl Due {
    fn add(&mut self, rule: u16) {
        self.first = Some(self.first.map_or(rule, |first| first.min(rule)));
        self.all |= 1u32.checked_shl(u32::from(rule)).unwrap_or(0);
    }
}

fn set(states: &mut States, i: usize) {
    if let Some(word) = states.get_mut(i / 64) {
        *word |= 1 << (i % 64);
    }
}

fn ones(states: &States) -> impl Iterator<Item = usize> {
    let of = |(w, mut bits): (usize, u64)| {
        std::iter::from_fn(move || {
            let i = (bits != 0).then(|| w * 64 + bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(i)
        })
    };
    states.iter().copied().enumerate().flat_map(of)
}

/// A container that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    states: States,
    /// Of an array: the item at hand.
    item: Option<u64>,
}

/// The containers that are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Open {
    levels: Vec<Level>,
    /// Those past `limits::PATH_DEPTH`.
    deeper: u64,
    /// One bit for each of those, the innermost first: it is an object. What is so deep that its bit was lost is taken for an
    /// array, so that values are taken, and names with them.
    objects: u128,
    /// What is waited for below the value that comes next.
    next: States,
    /// The rules for it.
    due: Due,
}

impl Open {
    /// Memory beyond the state itself.
    pub(crate) fn bytes(&self) -> usize {
        self.levels.capacity() * size_of::<Level>()
    }

    /// The line ends, and what was open in it.
    pub(crate) fn clear(&mut self) {
        self.levels.clear();
        (self.deeper, self.objects) = (0, 0);
        (self.next, self.due) = ([0; WORDS], Due::default());
    }

    /// The rule for the value that begins here.
    pub(crate) fn due(&mut self) -> Option<u16> {
        std::mem::take(&mut self.due).first
    }

    /// All rules for it, as bits, if their number is 32 at most. What is too deep to be known has none.
    pub(crate) fn all_due(&mut self) -> u32 {
        let due = std::mem::take(&mut self.due).all;
        if self.deeper > 0 { 0 } else { due }
    }

    /// A name and its colon were read.
    pub(crate) fn member(&mut self, paths: &Paths, key: Option<&[u8]>) {
        self.child(paths, Child::Member(key));
    }

    /// A bracket or a comma.
    pub(crate) fn structure(&mut self, paths: &Paths, b: u8) {
        match b {
            b'{' | b'[' => self.open(paths, b == b'['),
            b'}' | b']' => {
                if self.deeper > 0 {
                    self.deeper -= 1;
                    self.objects >>= 1;
                } else {
                    self.levels.pop();
                }
                (self.next, self.due) = ([0; WORDS], Due::default());
            }
            _ => {
                (self.next, self.due) = ([0; WORDS], Due::default());
                if self.deeper > 0 {
                    if self.objects & 1 == 0 {
                        self.child(paths, Child::Item(0));
                    }
                    return;
                }
                if let Some(item) = self.levels.last_mut().and_then(|level| level.item.as_mut()) {
                    *item += 1;
                    let item = *item;
                    self.child(paths, Child::Item(item));
                }
            }
        }
    }

    fn open(&mut self, paths: &Paths, array: bool) {
        if self.levels.len() >= limits::PATH_DEPTH {
            self.deeper += 1;
            self.objects = self.objects << 1 | u128::from(!array);
        } else {
            let states = if self.levels.is_empty() { paths.start } else { self.next };
            let item = array.then_some(0);
            self.levels.push(Level { states, item });
        }
        (self.next, self.due) = ([0; WORDS], Due::default());
        if array {
            self.child(paths, Child::Item(0));
        }
    }

    fn child(&mut self, paths: &Paths, child: Child) {
        let Some(top) = self.levels.last() else { return };
        if self.deeper > 0 {
            self.due = paths.deep(&top.states, child);
        } else {
            (self.next, self.due) = paths.step(&top.states, child);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Child, Paths};
    use crate::policy::path::JsonPath;

    fn takes(path: &str, children: &[Child]) -> bool {
        let mut paths = Paths::default();
        assert!(paths.add(&JsonPath::read("$.other.path").unwrap(), 0));
        assert!(paths.add(&JsonPath::read(path).unwrap(), 1));
        let mut at = (paths.start, Default::default());
        for child in children {
            at = paths.step(&at.0, *child);
        }
        at.1.first == Some(1) && at.1.all == 2
    }

    #[test]
    fn a_path_takes_what_it_describes() {
        let name = |n: &'static str| Child::Member(Some(n.as_bytes()));
        let item = Child::Item;
        for (path, children, is) in [
            ("$.a", vec![name("a")], true),
            ("$.a", vec![name("A")], false),
            ("$.a", vec![name("b")], false),
            ("$.a", vec![name("a"), name("a")], false),
            ("$['a b'].c", vec![name("a b"), name("c")], true),
            ("$[\"a\"][2]", vec![name("a"), item(2)], true),
            ("$[\"a\"][2]", vec![name("a"), item(1)], false),
            ("$['0']", vec![item(0)], false),
            ("$[0]", vec![name("0")], false),
            ("$.data[*].key", vec![name("data"), item(7), name("key")], true),
            ("$.data[*].key", vec![name("data"), name("x"), name("key")], true),
            ("$.*.key", vec![name("x"), name("key")], true),
            ("$.*", vec![Child::Member(None)], true),
            ("$..key", vec![name("key")], true),
            ("$..key", vec![name("a"), item(3), name("key")], true),
            ("$..key", vec![name("a"), name("key"), name("b")], false),
            ("$..a..b", vec![name("a"), name("x"), name("b")], true),
            ("$..a.b", vec![name("a"), name("a"), name("b")], true),
            ("$..[0]", vec![name("a"), item(0)], true),
            ("$..*", vec![name("a"), item(9), name("z")], true),
            ("$..[*]", vec![name("a"), item(9), name("z")], true),
        ] {
            assert_eq!(takes(path, &children), is, "{path} on {children:?}");
        }
    }
}

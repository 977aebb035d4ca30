//! Sets are made here, where the values are.
//!
//! For each secret a core is chosen: three neighbouring bytes, near the beginning, of which every form shows a piece in which
//! characters of two kinds meet ([`crate::places`]). Among the cores that do it is drawn by lot, so that its place tells
//! nothing, but for one rule: of those that are free, one whose gate few others have.

use std::collections::HashMap;

use zeroize::Zeroizing;

use crate::forms::{Form, NAMES, expand, is_hex};
use crate::key::{Key, KeyError, TAGGED};
use crate::places::meet;
use crate::record::Record;
use crate::set::{FORMAT, MOST_FORMS, Secret, Set, hex};
use crate::table::Table;

/// Bytes of a core: three, or five hexadecimal digits, which tell no more.
fn width_of_core(value: &[u8]) -> usize {
    if is_hex(value) { 5 } else { 3 }
}

/// A core begins no later than this in its value, if one of those will do: what stands before it is held back when a text ends with it.
const FARTHEST: usize = 16;

/// And never later than this.
const LAST: usize = 48;

/// Makes one set.
#[derive(Debug)]
pub struct Publisher {
    key: Key,
    salt: String,
    secrets: Vec<Secret>,
    records: Vec<Record>,
    prefix: [u8; 32],
    crowd: HashMap<u32, u32>,
    /// For lots: the same under every salt, or who has sets of many would learn more than one of them tells.
    lots: Zeroizing<[u8; 32]>,
}

/// What became of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// How many forms it has.
    pub forms: usize,
    /// Forms whose gate can stand anywhere: one such form has every byte of all traffic looked at.
    pub anywhere: usize,
}

impl Publisher {
    /// `salt`: sixteen random bytes or more, new for each set.
    pub fn new(shared: &[u8], salt: &[u8]) -> Result<Publisher, KeyError> {
        Ok(Publisher {
            key: Key::new(shared, salt)?,
            salt: hex(salt),
            secrets: Vec::new(),
            records: Vec::new(),
            prefix: [0; 32],
            crowd: HashMap::new(),
            lots: Zeroizing::new(blake3::derive_key("keepmum known secrets 1: lots", shared)),
        })
    }

    /// Takes a secret in. `None`: it is too short, or there are too many already.
    pub fn add(&mut self, secret: Secret, value: &[u8]) -> Option<Added> {
        let forms = expand(value);
        if forms.is_empty() || value.len() < crate::FORM_MIN_BYTES || self.records.len() + forms.len() > MOST_FORMS {
            return None;
        }
        let number = u32::try_from(self.secrets.len()).ok()?;
        self.secrets.push(secret);
        let core = self.core(value, &forms);
        let mut anywhere = 0;
        for form in &forms {
            let Some((record, prefix)) = self.record(form, value, core, number) else {
                continue;
            };
            anywhere += usize::from(record.anywhere);
            for b in form.text.get(..prefix).unwrap_or_default() {
                if let Some(bits) = self.prefix.get_mut(usize::from(b / 8)) {
                    *bits |= 1 << (b % 8);
                }
            }
            if record.wide.is_none() {
                *self.crowd.entry(record.narrow).or_default() += 1;
            }
            self.records.push(record);
        }
        Some(Added {
            forms: forms.len(),
            anywhere,
        })
    }

    /// The set, under a version that must have grown. `issued`: seconds since 1970.
    pub fn finish(mut self, version: u64, issued: u64) -> Set {
        use base64::Engine as _;
        self.records.sort_unstable_by_key(|r| (r.order(), r.digest));
        let mut packed = Vec::with_capacity(self.records.len() * crate::record::RECORD);
        self.records.iter().for_each(|r| r.write(&mut packed));
        Set {
            format: FORMAT.to_owned(),
            version,
            salt: self.salt,
            issued,
            secrets: self.secrets,
            forms: NAMES.iter().map(|n| (*n).to_owned()).collect(),
            prefix: hex(&self.prefix),
            records: base64::engine::general_purpose::STANDARD.encode(packed),
        }
    }

    /// Where the core begins.
    fn core(&self, value: &[u8], forms: &[Form]) -> usize {
        let width_of = width_of_core(value);
        // Of a character of several bytes a form shows nothing unless it is there as a whole.
        let fails = |f: &Form, at: usize| match gate_at(f, at..at + width_of) {
            Some(_) => 0,
            None if f.made_of(at, at + width_of).len() >= width(f) => 1,
            // Its gate would tell of more than the core.
            None => 100,
        };
        // Letters and digits say less than signs, and what encoders leave as it is tells nothing by its length.
        let plain = |range: std::ops::Range<usize>| {
            let others = value.get(range).unwrap_or_default().iter();
            usize::from(others.filter(|b| !b.is_ascii_alphanumeric()).count() > 0)
        };
        let failing = |at: usize| {
            let fails = forms.iter().map(|f| fails(f, at)).sum::<usize>();
            4 * fails + 2 * plain(at..at + width_of) + plain(0..at)
        };
        let last = value.len() - width_of;
        let all = |last: usize| (0..=last).map(|at| (failing(at), at)).collect::<Vec<_>>();
        let near = all(last.min(FARTHEST));
        let cores = match near.iter().any(|(fails, _)| *fails < 4) {
            true => near,
            false => all(last.min(LAST)),
        };
        let fewest = cores.iter().map(|(n, _)| *n).min().unwrap_or(0);
        let free: Vec<usize> = cores.iter().filter(|(n, _)| *n == fewest).map(|(_, at)| *at).collect();
        let crowd = |at: usize| {
            let gates = forms.iter().filter(|f| !f.sparse).filter_map(|f| {
                let gate = self.key.narrow(eight(f.text.get(gate_at(f, at..at + width_of)?..)?));
                self.crowd.get(&gate)
            });
            gates.max().copied().unwrap_or(0)
        };
        // Few others have it: no more than a handful, or the fewest.
        let least = free.iter().map(|at| crowd(*at)).min().unwrap_or(0);
        let free: Vec<usize> = free.into_iter().filter(|at| crowd(*at) <= least.max(8)).collect();
        let drawn = *blake3::keyed_hash(&self.lots, value).as_bytes();
        let drawn = u64::from_le_bytes(*drawn.first_chunk().unwrap_or(&[0; 8]));
        let i = usize::try_from(drawn % free.len().max(1) as u64).unwrap_or(0);
        free.get(i).copied().unwrap_or(0)
    }

    fn record(&self, form: &Form, value: &[u8], core: usize, secret: u32) -> Option<(Record, usize)> {
        let text = form.text.as_slice();
        let end = core + width_of_core(value);
        let (place, anywhere) = match gate_at(form, core..end) {
            Some(place) => (place, false),
            // All gates must be made of the core: where a form has too little of it, of what there is.
            None => (
                form.made_of(core, end).start.min(text.len().checked_sub(width(form))?),
                true,
            ),
        };
        let bytes = eight(text.get(place..)?);
        let len = form.walk.count(text);
        let first = text.get(..len.min(TAGGED))?;
        let number = u8::try_from(NAMES.iter().position(|n| *n == form.name)?).ok()?;
        Some((
            Record {
                narrow: self.key.narrow(bytes),
                wide: form.sparse.then(|| self.key.wide(bytes)),
                core: form
                    .core_at(value, core..end, place)
                    .map(|(bytes, shift)| (self.key.narrow(bytes), shift)),
                anywhere,
                offset: u8::try_from(form.walk.count(text.get(..place)?)).ok()?,
                alphabet: form.alphabet(first),
                walk: form.walk,
                len: u16::try_from(len).ok()?,
                tag: self.key.tag(number, first),
                digest: self.key.digest(number, text),
                secret,
                form: number,
            },
            // As far as a proxy must know a text to look for gates there.
            (place + Table::AHEAD).min(text.len()),
        ))
    }
}

/// Bytes of a form's gate.
fn width(form: &Form) -> usize {
    if form.sparse { 5 } else { 3 }
}

/// Where in a form its gate can stand, if its core begins there in the value: where characters of two kinds meet, in what is made
/// of the core alone.
fn gate_at(form: &Form, core: std::ops::Range<usize>) -> Option<usize> {
    let made = form.made_of(core.start, core.end);
    let last = made.end.checked_sub(width(form))?;
    let meets = |at: usize| matches!(form.text.get(at..at + 2), Some([a, b]) if meet(*a, *b));
    // Not inside of what stands for one character: what is before it could not be counted.
    let between = |at: usize| {
        form.text
            .get(..at)
            .is_some_and(|t| form.walk.bytes(t, form.walk.count(t)) == Some(at))
    };
    (made.start..=last).find(|at| (meets(*at) || meets(*at + 1)) && between(*at))
}

fn eight(text: &[u8]) -> u64 {
    let mut bytes = [0xff; 8];
    for (to, from) in bytes.iter_mut().zip(text) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::type_complexity, clippy::print_stdout)]
mod tests {
    use std::collections::HashMap;

    use super::{Publisher, width_of_core};
    use crate::forms::expand;
    use crate::places::meet;
    use crate::record::Record;

    /// What vaults hold, by the characters that their generators use.
    const ALPHABETS: [&[u8]; 4] = [
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        b"0123456789abcdef",
        b"ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    ];

    fn values(alphabet: &'static [u8], count: usize) -> impl Iterator<Item = Vec<u8>> {
        let mut x = 99u64;
        (0..count).map(move |_| {
            let one = |_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                alphabet[usize::try_from(x >> 33).unwrap() % alphabet.len()]
            };
            (0..24).map(one).collect()
        })
    }

    fn records(publisher: &Publisher, value: &[u8], core: usize) -> Vec<(&'static str, Record)> {
        let forms = expand(value);
        let record = |f: &crate::forms::Form| Some((f.name, publisher.record(f, value, core, 0)?.0));
        forms.iter().filter_map(record).collect()
    }

    fn publisher() -> Publisher {
        Publisher::new(b"a key of the tests alone", b"sixteen bytes 01").unwrap()
    }

    #[test]
    fn gates_tell_of_the_core_and_of_nothing_else() {
        let publisher = publisher();
        for alphabet in ALPHABETS {
            for (value, other) in values(alphabet, 400).zip(values(alphabet, 800).skip(400)) {
                let core = 5;
                let mut other = other;
                let end = core + width_of_core(&value);
                other[core..end].copy_from_slice(&value[core..end]);
                let others: HashMap<_, _> = records(&publisher, &other, core).into_iter().collect();
                for (name, record) in records(&publisher, &value, core) {
                    if let Some(other) = others.get(name) {
                        assert_eq!(
                            (record.narrow, record.wide, record.core),
                            (other.narrow, other.wide, other.core),
                            "{name}"
                        );
                    }
                }
            }
        }
    }

    /// What is not keyed, and all that somebody learns who has no key: lengths, where the core stands, and alphabets. As many bits
    /// as it takes to say which of these a value has among all from the same generator.
    fn shape(alphabet: &'static [u8]) -> f64 {
        let publisher = publisher();
        let mut shapes: HashMap<Vec<(&str, u16, Option<u8>, u8)>, u32> = HashMap::new();
        let count = 60_000;
        for value in values(alphabet, count) {
            let core = publisher.core(&value, &expand(&value));
            // Where the core stands was drawn by lot: what tells something is that a form has it elsewhere.
            let expected = |name: &str| match name {
                n if n.starts_with("base64") => None,
                n if n.starts_with("hex") || n.starts_with("utf16") => Some(core * 2),
                _ => Some(core),
            };
            let place = |name: &str, r: &Record| {
                let more = usize::from(r.offset) - expected(name)?.min(usize::from(r.offset));
                u8::try_from(more).ok()
            };
            let shape = records(&publisher, &value, core).into_iter();
            let shape = shape
                .map(|(name, r)| (name, r.len, place(name, &r), r.alphabet.number()))
                .collect();
            *shapes.entry(shape).or_default() += 1;
        }
        let bits = shapes.values().map(|n| {
            let p = f64::from(*n) / f64::from(u32::try_from(count).unwrap());
            -p * p.log2()
        });
        bits.sum()
    }

    #[test]
    fn a_set_tells_less_than_24_bits_of_a_secret() {
        for alphabet in ALPHABETS {
            let plain: Vec<u8> = alphabet.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
            let mut cores = 0u32;
            for a in &plain {
                for b in &plain {
                    cores += plain
                        .iter()
                        .map(|c| u32::from(meet(*a, *b) || meet(*b, *c)))
                        .sum::<u32>();
                }
            }
            // Of hexadecimal digits five.
            let core = if alphabet.len() == 16 {
                20.0
            } else {
                f64::from(cores).log2()
            };
            let shape = shape(alphabet);
            println!(
                "{} characters: {shape:.1} bits without the key, {:.1} with it",
                alphabet.len(),
                core + shape
            );
            assert!(core + shape < 24.0);
        }
    }
}

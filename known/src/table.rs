//! A set, made ready for the search, and the search.
//!
//! At a place where characters of two kinds meet, the gate of three bytes is made and one bit asked for; if that is set, the few
//! forms of that gate are compared: the alphabet first, which ends most looks within a few bytes, then the tag, then the digest.

use crate::FORM_BYTES;
use crate::key::{Key, TAGGED};
use crate::places;
use crate::record::{RECORD, Record};
use crate::set::{Error, Opened, Secret, open};

/// Two bits for each gate of three bytes: whether a form has it, and whether one has it that asks for five bytes as well.
const BITS: usize = (1 << crate::key::NARROW_BITS) / 32;

/// Bits of a gate by which forms are found.
const FAN: u32 = 16;

/// A set, ready.
pub struct Table {
    key: Key,
    version: u64,
    issued: u64,
    secrets: Vec<Secret>,
    forms: Vec<String>,
    gates: Box<[u64]>,
    /// Records of three bytes, by their gates, and behind them those of five, by theirs.
    records: Vec<u8>,
    narrow: Box<[u32]>,
    wide: Box<[u32]>,
    prefix: [u64; 4],
    /// How far behind the beginning of a form its gates stand, at most.
    offset: usize,
    /// Some forms can begin anywhere.
    anywhere: bool,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table(version {}, {} forms)", self.version, self.forms())
    }
}

/// A form of a secret that may stand somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// Where it begins, in the text that was given.
    pub start: usize,
    /// Which form, for [`Table::end`].
    pub form: u32,
    /// Its first bytes are all there, and are its own: it is the secret, but for one time in four thousand million.
    pub sure: bool,
}

/// What is known of a form that begins somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It stands there, in so many bytes.
    At(usize),
    /// It does not.
    None,
    /// The text ends before it does.
    Open,
}

/// Bytes that are read at each place.
const READ: usize = 8;

impl Table {
    /// From a set as it came, with the header that seals it. `than`: the version at hand.
    pub fn open(shared: &[u8], body: &[u8], seal: &str, than: Option<u64>) -> Result<Table, Error> {
        let set = open(shared, body, seal)?;
        if than.is_some_and(|than| set.version < than) {
            return Err(Error::Version);
        }
        Table::of(shared, set)
    }

    fn of(shared: &[u8], set: Opened) -> Result<Table, Error> {
        let key = Key::new(shared, &set.salt).map_err(|_| Error::Key)?;
        let records = set.records;
        let all = || records.as_chunks::<RECORD>().0.iter().filter_map(Record::read);
        // To sort them takes longer than all else.
        if !all().is_sorted_by_key(|r| r.order()) {
            return Err(Error::Record);
        }
        let (mut offset, mut anywhere, mut gates) = (0, false, zeroed(BITS)?);
        for record in all() {
            offset = offset.max(record.walk.most(usize::from(record.offset)));
            anywhere |= record.anywhere;
            let bit = 2 * record.narrow as usize + usize::from(record.wide.is_some());
            if let Some(word) = gates.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        let mut narrow = zeroed((1 << FAN) + 1)?;
        let mut wide = zeroed((1 << FAN) + 1)?;
        for record in all() {
            let (table, bucket) = match record.wide {
                Some(gate) => (&mut wide, wide_bucket(gate)),
                None => (&mut narrow, narrow_bucket(record.narrow)),
            };
            if let Some(count) = table.get_mut(bucket + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for count in narrow.iter_mut().chain(wide.iter_mut()) {
            sum += *count;
            *count = sum;
        }
        Ok(Table {
            key,
            version: set.version,
            issued: set.issued,
            secrets: set.secrets,
            forms: set.forms,
            gates,
            records,
            narrow,
            wide,
            prefix: set.prefix,
            offset,
            anywhere,
        })
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was made, in seconds since 1970.
    pub fn issued(&self) -> u64 {
        self.issued
    }

    /// How many forms it has.
    pub fn forms(&self) -> usize {
        self.records.len() / RECORD
    }

    /// The secrets that it has, by their numbers.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// The number of a form's secret, and what the form is called.
    pub fn of_form(&self, form: u32) -> Option<(u32, &str)> {
        let record = self.record(form)?;
        Some((record.secret, self.forms.get(usize::from(record.form))?))
    }

    /// Bytes in front of a place at which a form may begin whose gates stand there or later.
    pub fn reach(&self) -> usize {
        self.offset
    }

    /// Bytes that must be known behind a place to look for gates there.
    pub const AHEAD: usize = 5;

    /// How many bytes at the end of a text could belong to the beginning of a form whose gates are not all known: no more than
    /// `most`.
    pub fn begins(&self, text: &[u8], most: usize) -> usize {
        let could = |b: &&u8| self.prefix[usize::from(**b >> 6)] >> (**b & 63) & 1 != 0;
        text.iter().rev().take(most).take_while(could).count()
    }

    /// Tells of every form that may stand in a text with its gates at `from..to`. Ends when told to.
    pub fn search(&self, text: &[u8], from: usize, to: usize, found: &mut impl FnMut(usize, Here) -> bool) {
        let to = to.min(text.len());
        let mut at = from;
        let mut batch = [0u64; 32];
        while at < to {
            let left = to - at;
            let n = left.div_ceil(places::BLOCK).min(batch.len());
            let batch = batch.get_mut(..n).unwrap_or_default();
            if self.anywhere {
                batch.fill(u64::MAX);
            } else {
                places::blocks(text.get(at..).unwrap_or_default(), batch);
            }
            for (i, here) in batch.iter().enumerate() {
                let block = at + i * places::BLOCK;
                let last = block + places::BLOCK;
                // A core begins where two kinds meet or a byte before that.
                let next = u64::from(pair(text, last)) << 63;
                let mut places = here | here >> 1 | next;
                if last > to {
                    places &= u64::MAX >> (last - to).min(63);
                }
                while places != 0 {
                    let place = block + places.trailing_zeros() as usize;
                    places &= places - 1;
                    if !self.look(text, place, found) {
                        return;
                    }
                }
            }
            at += n * places::BLOCK;
        }
    }

    #[inline]
    fn look(&self, text: &[u8], place: usize, found: &mut impl FnMut(usize, Here) -> bool) -> bool {
        let bytes = match text.get(place..).and_then(|t| t.first_chunk::<READ>()) {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => ends(text.get(place..).unwrap_or_default()),
        };
        let gate = self.key.narrow(bytes);
        let bit = 2 * gate as usize;
        let bits = self.gates.get(bit / 64).map_or(0, |word| word >> (bit % 64) & 3);
        if bits == 0 {
            return true;
        }
        (bits & 1 == 0 || self.compare(text, place, (gate, None), found))
            && (bits & 2 == 0 || self.compare(text, place, (gate, Some(self.key.wide(bytes))), found))
    }

    /// The forms of a gate.
    fn compare(
        &self,
        text: &[u8],
        place: usize,
        (narrow, wide): (u32, Option<u32>),
        found: &mut impl FnMut(usize, Here) -> bool,
    ) -> bool {
        let (table, bucket) = match wide {
            Some(gate) => (&self.wide, wide_bucket(gate)),
            None => (&self.narrow, narrow_bucket(narrow)),
        };
        let bound = |i: usize| table.get(i).copied().unwrap_or(0);
        // Forms that begin together share a tag's work.
        let mut tagged = (usize::MAX, 0, 0, 0);
        for form in bound(bucket)..bound(bucket + 1) {
            let Some(record) = self.record(form) else { continue };
            if record.narrow != narrow || record.wide != wide {
                continue;
            }
            let before = text.get(..place).unwrap_or_default();
            let first = usize::from(record.len).min(TAGGED);
            let go_on = record.walk.starts(before, usize::from(record.offset), |start| {
                let Some(known) = text.get(start..).map(|t| t.get(..first).unwrap_or(t)) else {
                    return true;
                };
                if !record.alphabet.holds(known) {
                    return true;
                }
                let sure = known.len() == first;
                if sure {
                    if (tagged.0, tagged.1, tagged.2) != (start, first, record.form) {
                        tagged = (start, first, record.form, self.key.tag(record.form, known));
                    }
                    if tagged.3 != record.tag {
                        return true;
                    }
                }
                found(place, Here { start, form, sure })
            });
            if !go_on {
                return false;
            }
        }
        true
    }

    /// Whether a form stands at the beginning of a text.
    pub fn end(&self, form: u32, text: &[u8]) -> End {
        let Some(record) = self.record(form) else {
            return End::None;
        };
        let all = text.len() >= FORM_BYTES;
        let text = text.get(..FORM_BYTES).unwrap_or(text);
        match record.walk.bytes(text, usize::from(record.len)) {
            Some(len)
                if text
                    .get(..len)
                    .is_some_and(|t| self.key.digest(record.form, t) == record.digest) =>
            {
                End::At(len)
            }
            None if !all => End::Open,
            _ => End::None,
        }
    }

    fn record(&self, form: u32) -> Option<Record> {
        let (records, _) = self.records.as_chunks::<RECORD>();
        Record::read(records.get(form as usize)?)
    }
}

fn pair(text: &[u8], at: usize) -> bool {
    matches!(text.get(at..at + 2), Some([a, b]) if places::meet(*a, *b))
}

fn narrow_bucket(gate: u32) -> usize {
    (gate >> (crate::key::NARROW_BITS - FAN)) as usize
}

fn wide_bucket(gate: u32) -> usize {
    (gate >> (crate::key::WIDE_BITS - FAN)) as usize
}

/// The end of a text, and what no form has behind it.
fn ends(text: &[u8]) -> u64 {
    let mut bytes = [0xff; READ];
    for (to, from) in bytes.iter_mut().zip(text) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

fn zeroed<T: Clone + Default>(len: usize) -> Result<Box<[T]>, Error> {
    let mut all = Vec::new();
    all.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    all.resize(len, T::default());
    Ok(all.into_boxed_slice())
}

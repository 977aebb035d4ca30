//! A set, made ready for the search, and the search.
//!
//! At a place where characters of two kinds meet, the gate of three bytes is made and one bit asked for; if that is set, the few
//! forms of that gate are compared: the alphabet first, which ends most looks within a few bytes, then the tag, then the digest.

use crate::FORM_BYTES;
use crate::alphabet::Alphabet;
use crate::core64::{self, Shift};
use crate::key::{Key, NARROW_BITS, TAGGED, WIDE_BITS};
use crate::places;
use crate::record::{Gate, RECORD, Record};
use crate::set::{Error, Opened, Secret, open};
use crate::walk::Walk;

/// For each gate of three bytes, which kinds of forms have it: two bits, and one for each [`Shift`].
type First = [u8; 1 << NARROW_BITS];

/// One for each gate of the other kinds.
const SECOND: usize = (1 << WIDE_BITS) / 64;

/// Bits of a gate by which forms are found.
const FAN: u32 = 14;

/// The first bit for cores.
const CORE: u8 = 1 << Gate::Core as u8;

/// A set, ready.
pub struct Table {
    key: Key,
    version: u64,
    issued: u64,
    secrets: Vec<Secret>,
    forms: Vec<String>,
    first: Box<First>,
    second: [Box<[u64]>; 2],
    /// In the order of their gates.
    records: Vec<u8>,
    /// What is asked of each first.
    probes: Box<[Probe]>,
    /// Where the records of each kind of gate begin, by its first bits.
    fans: [Box<[u32]>; 3],
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

/// What is asked of a form at each place that has its gate, in as few bytes as can be.
struct Probe {
    gate: u32,
    tag: u32,
    len: u16,
    offset: u8,
    form: u8,
    alphabet: Alphabet,
    walk: Walk,
}

impl Probe {
    fn new(record: &Record) -> Probe {
        Probe {
            gate: record.gate().1,
            tag: record.tag,
            len: record.len,
            offset: record.offset,
            form: record.form,
            alphabet: record.alphabet,
            walk: record.walk,
        }
    }
}

/// Bytes that are read at each place.
const READ: usize = 8;

/// Bytes that are read for a block.
const WINDOW: usize = places::BLOCK + READ;

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
        let (mut offset, mut anywhere) = (0, false);
        let mut first: Box<First> = zeroed(1 << NARROW_BITS)?.try_into().map_err(|_| Error::Memory)?;
        let mut second = [zeroed::<u64>(SECOND)?, zeroed(SECOND)?];
        let fan = || zeroed::<u32>((1 << FAN) + 1);
        let mut fans = [fan()?, fan()?, fan()?];
        let mut probes = Vec::new();
        let room = probes.try_reserve_exact(records.len() / RECORD);
        room.map_err(|_| Error::Memory)?;
        for record in all() {
            offset = offset.max(record.walk.most(usize::from(record.offset)));
            anywhere |= record.anywhere;
            let (kind, gate) = record.gate();
            let bit = match (kind, record.core) {
                (Gate::Core, Some((_, shift))) => CORE << shift.index(),
                (kind, _) => 1 << kind as u8,
            };
            if let Some(kinds) = first.get_mut(record.narrow as usize) {
                *kinds |= bit;
            }
            if let Some(second) = (kind as usize).checked_sub(1).and_then(|i| second.get_mut(i)) {
                raise(second, gate as usize);
            }
            let count = fans
                .get_mut(kind as usize)
                .and_then(|fan| fan.get_mut(bucket(kind, gate) + 1));
            if let Some(count) = count {
                *count += 1;
            }
            probes.push(Probe::new(&record));
        }
        let mut sum = 0;
        for count in fans.iter_mut().flat_map(|fan| fan.iter_mut()) {
            sum += *count;
            *count = sum;
        }
        Ok(Table {
            key,
            version: set.version,
            issued: set.issued,
            secrets: set.secrets,
            forms: set.forms,
            first,
            second,
            records,
            probes: probes.into_boxed_slice(),
            fans,
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
                let mut end = [0xff; WINDOW];
                let window = match text.get(block..).and_then(|t| t.first_chunk::<WINDOW>()) {
                    Some(window) => window,
                    None => {
                        let rest = text.get(block..).unwrap_or_default();
                        end.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                        &end
                    }
                };
                while places != 0 {
                    let i = (places.trailing_zeros() & 63) as usize;
                    places &= places - 1;
                    let Some(bytes) = window.get(i..i + READ).and_then(|w| w.first_chunk()) else {
                        continue;
                    };
                    let bytes = u64::from_le_bytes(*bytes);
                    let gate = self.key.narrow(bytes);
                    let kinds = self.first.get(gate as usize).copied().unwrap_or(0);
                    if kinds != 0 && !self.look(text, block + i, (kinds, gate, bytes), found) {
                        return;
                    }
                }
            }
            at += n * places::BLOCK;
        }
    }

    /// The first gate is one of these kinds'.
    #[inline(never)]
    fn look(
        &self,
        text: &[u8],
        place: usize,
        (kinds, gate, bytes): (u8, u32, u64),
        found: &mut impl FnMut(usize, Here) -> bool,
    ) -> bool {
        if kinds & 1 << Gate::Narrow as u8 != 0 && !self.compare(text, place, (Gate::Narrow, gate), found) {
            return false;
        }
        if kinds & 1 << Gate::Wide as u8 != 0 {
            let gate = self.key.wide(bytes);
            if self.second(Gate::Wide, gate) && !self.compare(text, place, (Gate::Wide, gate), found) {
                return false;
            }
        }
        let mut cores = kinds / CORE;
        if cores != 0
            && let Some(around) = place.checked_sub(1).and_then(|at| text.get(at..)?.first_chunk())
        {
            let bits = core64::bits(around);
            while cores != 0 {
                let shift = Shift::of_number(cores.trailing_zeros());
                cores &= cores - 1;
                let gate = shift.gate(self.key.narrow(u64::from(shift.core(bits))));
                if self.second(Gate::Core, gate) && !self.compare(text, place, (Gate::Core, gate), found) {
                    return false;
                }
            }
        }
        true
    }

    #[inline]
    fn second(&self, kind: Gate, gate: u32) -> bool {
        let bits = (kind as usize).checked_sub(1).and_then(|i| self.second.get(i));
        let word = bits.and_then(|bits| bits.get(gate as usize / 64));
        word.is_some_and(|word| word >> (gate % 64) & 1 != 0)
    }

    /// The forms of a gate.
    #[inline(never)]
    fn compare(
        &self,
        text: &[u8],
        place: usize,
        (kind, gate): (Gate, u32),
        found: &mut impl FnMut(usize, Here) -> bool,
    ) -> bool {
        let fan = self.fans.get(kind as usize).map(|f| &**f).unwrap_or_default();
        let bound = |i: usize| fan.get(i).map_or(0, |n| *n as usize);
        let bucket = bucket(kind, gate);
        let from = bound(bucket);
        let probes = self.probes.get(from..bound(bucket + 1)).unwrap_or_default();
        // Forms that begin together share a tag's work.
        let mut tagged = (usize::MAX, 0, 0, 0);
        for (probe, form) in probes.iter().zip(from..) {
            if probe.gate != gate {
                continue;
            }
            let first = usize::from(probe.len).min(TAGGED);
            let form = u32::try_from(form).unwrap_or(u32::MAX);
            let mut try_at = |start: usize| {
                let Some(known) = text.get(start..).map(|t| t.get(..first).unwrap_or(t)) else {
                    return true;
                };
                if !probe.alphabet.may_hold(known) {
                    return true;
                }
                let sure = known.len() == first;
                if sure {
                    if (tagged.0, tagged.1, tagged.2) != (start, first, probe.form) {
                        tagged = (start, first, probe.form, self.key.tag(probe.form, known));
                    }
                    if tagged.3 != probe.tag {
                        return true;
                    }
                }
                found(place, Here { start, form, sure })
            };
            let offset = usize::from(probe.offset);
            let go_on = match (probe.walk, place.checked_sub(offset)) {
                (Walk::Bytes, Some(start)) => try_at(start),
                (Walk::Bytes, None) => true,
                (walk, _) => walk.starts(text.get(..place).unwrap_or_default(), offset, try_at),
            };
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

fn bucket(kind: Gate, gate: u32) -> usize {
    let bits = if kind == Gate::Narrow { NARROW_BITS } else { WIDE_BITS };
    (gate >> (bits - FAN)) as usize
}

fn raise(bits: &mut [u64], bit: usize) {
    if let Some(word) = bits.get_mut(bit / 64) {
        *word |= 1 << (bit % 64);
    }
}

fn zeroed<T: Clone + Default>(len: usize) -> Result<Box<[T]>, Error> {
    let mut all = Vec::new();
    all.try_reserve_exact(len).map_err(|_| Error::Memory)?;
    all.resize(len, T::default());
    Ok(all.into_boxed_slice())
}

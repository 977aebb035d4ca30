//! A compressed block (RFC 8878 section 3.1.1.3): literals, and sequences that say where they go and what is repeated.

use alloc::vec::Vec;

use super::bits::Backward;
use super::fse::Table;
use super::huffman::Codes;

/// What blocks of a frame hand on to the next.
pub(super) struct Tables {
    codes: Codes,
    lengths: Table,
    offsets: Table,
    matches: Table,
    /// The last three offsets.
    recent: [usize; 3],
    literals: Vec<u8>,
}

impl Default for Tables {
    fn default() -> Tables {
        Tables {
            codes: Codes::default(),
            lengths: Table::default(),
            offsets: Table::default(),
            matches: Table::default(),
            recent: RECENT,
            literals: Vec::new(),
        }
    }
}

const RECENT: [usize; 3] = [1, 4, 8];

/// How a kind of codes is described: the predefined counts and their accuracy, the most accurate table, the last code.
struct Codebook {
    counts: &'static [i16],
    log: u32,
    most_bits: u32,
    last: u8,
}

const LENGTHS: Codebook = Codebook {
    counts: &[
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
    ],
    log: 6,
    most_bits: 9,
    last: 35,
};

const OFFSETS: Codebook = Codebook {
    counts: &[
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
    ],
    log: 5,
    most_bits: 8,
    last: 31,
};

const MATCHES: Codebook = Codebook {
    counts: &[
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
    ],
    log: 6,
    most_bits: 9,
    last: 52,
};

/// From which length on, and how many bits more: of literals, from code 16 on.
const LONG_LENGTHS: [(usize, u32); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16384, 14),
    (32768, 15),
    (65536, 16),
];

/// The same of matches, from code 32 on.
const LONG_MATCHES: [(usize, u32); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16387, 14),
    (32771, 15),
    (65539, 16),
];

impl Tables {
    /// For the next frame.
    pub(super) fn restart(&mut self) {
        self.codes.clear();
        self.lengths.clear();
        self.offsets.clear();
        self.matches.clear();
        self.recent = RECENT;
    }

    pub(super) fn memory(&self) -> usize {
        let tables = [&self.lengths, &self.offsets, &self.matches];
        self.codes.memory() + tables.iter().map(|t| t.memory()).sum::<usize>() + self.literals.capacity()
    }

    /// Reads the literals; says how many bytes they were.
    fn read_literals(&mut self, data: &[u8], most: usize) -> Option<usize> {
        let byte = |i: usize| data.get(i).map(|b| usize::from(*b));
        let first = byte(0)?;
        let format = first >> 2 & 3;
        self.literals.clear();
        self.literals.try_reserve_exact(most).ok()?;
        if first & 2 == 0 {
            let (header, size) = match format {
                0 | 2 => (1, first >> 3),
                1 => (2, first >> 4 | byte(1)? << 4),
                _ => (3, first >> 4 | byte(1)? << 4 | byte(2)? << 12),
            };
            if size > most {
                return None;
            }
            if first & 1 == 1 {
                self.literals.resize(size, *data.get(header)?);
                return Some(header + 1);
            }
            self.literals.extend_from_slice(data.get(header..header + size)?);
            return Some(header + size);
        }
        let (header, width) = match format {
            0 | 1 => (3, 10),
            2 => (4, 14),
            _ => (5, 18),
        };
        let fields = data
            .get(..header)?
            .iter()
            .rev()
            .fold(0u64, |n, b| n << 8 | u64::from(*b))
            >> 4;
        let field = |n: u64| usize::try_from(n & ((1 << width) - 1)).ok();
        let (size, packed) = (field(fields)?, field(fields >> width)?);
        if size > most {
            return None;
        }
        let mut streams = data.get(header..header + packed)?;
        match first & 1 {
            0 => streams = streams.get(self.codes.read(streams)?..)?,
            _ if self.codes.is_empty() => return None,
            _ => {}
        }
        if format == 0 {
            self.codes.decode(streams, size, &mut self.literals)?;
            return Some(header + packed);
        }
        let (jumps, mut streams) = streams.split_at_checked(6)?;
        let quarter = size.div_ceil(4);
        for jump in jumps.chunks_exact(2) {
            let length = jump.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b));
            let (stream, rest) = streams.split_at_checked(length)?;
            self.codes.decode(stream, quarter, &mut self.literals)?;
            streams = rest;
        }
        let last = size.checked_sub(3 * quarter)?;
        self.codes.decode(streams, last, &mut self.literals)?;
        Some(header + packed)
    }
}

/// Makes a table ready in one of the four ways; says how many bytes that took.
fn table(table: &mut Table, mode: u8, data: &[u8], book: &Codebook) -> Option<usize> {
    match mode & 3 {
        0 => table.build(book.counts, book.log).map(|()| 0),
        1 => {
            let symbol = data.first().filter(|s| **s <= book.last)?;
            table.always(*symbol).map(|()| 1)
        }
        2 => table.read(data, book.most_bits, book.last.into()),
        _ => (!table.is_empty()).then_some(0),
    }
}

/// Decodes a block behind what is in the window, at most `most` bytes of it. `None`: it is damaged.
pub(super) fn decode(tables: &mut Tables, data: &[u8], window: &mut Vec<u8>, back: usize, most: usize) -> Option<()> {
    let used = tables.read_literals(data, most)?;
    let mut data = data.get(used..)?;
    let byte = |i: usize| data.get(i).map(|b| usize::from(*b));
    let (header, count) = match byte(0)? {
        0 => (1, 0),
        n @ 1..128 => (1, n),
        n @ 128..255 => (2, (n - 128) << 8 | byte(1)?),
        _ => (3, (byte(1)? | byte(2)? << 8) + 0x7f00),
    };
    data = data.get(header..)?;
    let end = window.len() + most;
    let mut literals = 0;
    if count > 0 {
        let (modes, rest) = data.split_first()?;
        data = rest;
        if modes & 3 != 0 {
            return None;
        }
        data = data.get(table(&mut tables.lengths, modes >> 6, data, &LENGTHS)?..)?;
        data = data.get(table(&mut tables.offsets, modes >> 4, data, &OFFSETS)?..)?;
        data = data.get(table(&mut tables.matches, modes >> 2, data, &MATCHES)?..)?;
        literals = sequences(tables, data, count, window, (back, end))?;
    } else if !data.is_empty() {
        return None;
    }
    let rest = tables.literals.get(literals..)?;
    if window.len() + rest.len() > end {
        return None;
    }
    window.extend_from_slice(rest);
    Some(())
}

/// Goes through the sequences; says how many literals they took.
fn sequences(
    tables: &mut Tables,
    data: &[u8],
    count: usize,
    window: &mut Vec<u8>,
    (back, end): (usize, usize),
) -> Option<usize> {
    let bits = &mut Backward::new(data)?;
    let mut length_state = tables.lengths.begin(bits);
    let mut offset_state = tables.offsets.begin(bits);
    let mut match_state = tables.matches.begin(bits);
    let mut at = 0;
    for left in (0..count).rev() {
        let code = u32::from(tables.offsets.symbol(offset_state)?);
        let offset = (1usize << code) + bits.read(code) as usize;
        let matched = match usize::from(tables.matches.symbol(match_state)?) {
            code @ 0..32 => code + 3,
            code => {
                let (base, more) = LONG_MATCHES.get(code - 32)?;
                base + bits.read(*more) as usize
            }
        };
        let length = match usize::from(tables.lengths.symbol(length_state)?) {
            code @ 0..16 => code,
            code => {
                let (base, more) = LONG_LENGTHS.get(code - 16)?;
                base + bits.read(*more) as usize
            }
        };
        if bits.left() < 0 || window.len() + length + matched > end {
            return None;
        }
        window.extend_from_slice(tables.literals.get(at..at + length)?);
        at += length;
        let offset = resolve(&mut tables.recent, offset, length)?;
        repeat(window, offset, matched, back)?;
        if left > 0 {
            tables.lengths.next(&mut length_state, bits)?;
            tables.matches.next(&mut match_state, bits)?;
            tables.offsets.next(&mut offset_state, bits)?;
        }
    }
    (bits.left() == 0).then_some(at)
}

/// What an offset means: up to three it is one of those before.
fn resolve(recent: &mut [usize; 3], offset: usize, length: usize) -> Option<usize> {
    let [a, b, c] = *recent;
    let (found, rest) = match (offset, length) {
        (4.., _) => (offset - 3, [a, b]),
        (1, 1..) => return Some(a),
        (2, 1..) | (1, 0) => (b, [a, c]),
        (3, 1..) | (2, 0) => (c, [a, b]),
        _ => (a.checked_sub(1)?, [a, b]),
    };
    *recent = [found, rest[0], rest[1]];
    (found > 0).then_some(found)
}

/// Says again what stands so far back.
fn repeat(window: &mut Vec<u8>, offset: usize, length: usize, back: usize) -> Option<()> {
    let from = window.len().checked_sub(offset).filter(|_| offset <= back)?;
    let mut left = length;
    // What is copied can begin in what was copied just now.
    while left > 0 {
        let n = left.min(window.len() - from);
        window.extend_from_within(from..from + n);
        left -= n;
    }
    Some(())
}

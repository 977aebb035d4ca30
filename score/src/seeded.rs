//! Random values that are the same on every machine: every text of the corpus is made from a seed, its own name.
//!
//! Not a crate for random numbers: their sequences change between versions, and then a score would.

/// Letters and digits.
pub const ALNUM: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const WORDS: &[&str] = &[
    "account",
    "archive",
    "basket",
    "billing",
    "branch",
    "bridge",
    "canvas",
    "carbon",
    "catalog",
    "census",
    "channel",
    "cluster",
    "column",
    "copper",
    "courier",
    "delivery",
    "device",
    "district",
    "export",
    "factory",
    "feature",
    "filter",
    "forest",
    "garden",
    "harbour",
    "history",
    "import",
    "invoice",
    "kitchen",
    "ledger",
    "letter",
    "library",
    "market",
    "member",
    "meter",
    "mirror",
    "monitor",
    "orange",
    "orders",
    "parcel",
    "partner",
    "pattern",
    "payment",
    "planet",
    "portal",
    "printer",
    "profile",
    "project",
    "receipt",
    "record",
    "region",
    "report",
    "review",
    "river",
    "sample",
    "season",
    "segment",
    "sensor",
    "shipment",
    "signal",
    "silver",
    "socket",
    "station",
    "stock",
    "storage",
    "summary",
    "ticket",
    "timber",
    "tracker",
    "traffic",
    "transit",
    "vehicle",
    "village",
    "voucher",
    "warehouse",
    "weather",
    "widget",
    "window",
    "winter",
    "worker",
];

/// A sequence of numbers (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The sequence of a name and a number (FNV-1a over both).
    pub fn of(name: &str, number: usize) -> Seeded {
        let mut h = 0xcbf2_9ce4_8422_2325_u64;
        for b in name.bytes().chain(number.to_le_bytes()) {
            h = (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Seeded(h)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// `len` characters of an alphabet.
    pub fn run(&mut self, alphabet: &str, len: usize) -> String {
        let all: Vec<char> = alphabet.chars().collect();
        (0..len)
            .filter_map(|_| {
                let at = self.below(all.len());
                all.get(at)
            })
            .collect()
    }

    /// One of the words.
    pub fn word(&mut self) -> &'static str {
        let at = self.below(WORDS.len());
        WORDS.get(at).copied().unwrap_or("word")
    }

    /// A UUID of version 4.
    pub fn uuid(&mut self) -> String {
        let hex = "0123456789abcdef";
        let (a, b, c, d) = (
            self.run(hex, 8),
            self.run(hex, 4),
            self.run(hex, 3),
            self.run("89ab", 1),
        );
        format!("{a}-{b}-4{c}-{d}{}-{}", self.run(hex, 3), self.run(hex, 12))
    }
}

#[cfg(test)]
mod tests {
    use super::Seeded;

    #[test]
    fn a_name_gives_the_same_values_each_time() {
        let make = || {
            let mut s = Seeded::of("a", 1);
            (s.run(super::ALNUM, 8), s.uuid(), s.between(3, 9))
        };
        assert_eq!(make(), make());
        assert_ne!(Seeded::of("a", 1).uuid(), Seeded::of("a", 2).uuid());
    }
}

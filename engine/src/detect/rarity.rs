//! Chooses by which four bytes each anchor is noticed, and in which bucket of the sieve: rare ones, and such as serve
//! many anchors.
//!
//! Rarity is estimated from a sample that stands below, not measured on anybody's traffic and not learned at run time:
//! the same policy gives the same tables everywhere. A bad estimate costs time, never a finding.

use std::collections::BTreeMap;

use crate::decode::Decode;
use crate::detect::anchors::{Anchor, Place, Spot, slot};
use crate::detect::sieve::{BUCKETS, GATED, LONG, RUN, Sieve};

/// What bodies are full of: English, the keys of JSON APIs, HTML, style sheets, scripts.
const SAMPLE: &str = r##"
the of and to in that is was for it with as his on be at by had not are but from or have an they which one you were all
her she there would their we him been has when who will no more if out so up said what its about than into them can only
other time new some could these two may first then do any like my now over such our man me even most made after also did
many off before must well back through years where much your way down should because long each just state people those
too mr how little good world make very year still see work men day get here old life both between being under three never
know same last another while us might great go come since against right came take used himself few house use during
without again place american around however home small found thought went say part once general high upon school every
 action section nation service version information message question position person number order customer account
 address payment shipment product project management development application request response resource reference
 country street change charge active status pending completed created updated deleted description international
 available following interest company business government university different important history report market price
 support contact image picture video music shop article author language english station letter member garden silver
 national process password secretary personal private public result access success error notes details because
{"id":"type":"name":"email":"url":"href":"self":"links":"status":"data":[{"object":"created_at":"2026-01-02T03:04:05.678Z"
,"updated_at":"2025-11-12T23:14:15Z","title":"description":"amount":100,"currency":"EUR","count":true,"has_more":false,
"items":[],"tags":["value","key":null,"user_id":"first_name":"last_name":"user":{"role":"index":0,"next":"previous":
"message":"code":"version":"timestamp":"language":"locale":"en_US","width":640,"height":480,"image":"thumbnail":"\n\"\/
<!doctype html><html lang="en"><head><meta charset="utf-8"><title></title><link rel="stylesheet" href="/assets/app.css">
<script src="https://cdn.example.com/static/js/main.js"></script></head><body class="page"><div class="container row col">
<ul><li><a href="https://www.example.com/articles/" title=""></a></li></ul><p class="text-muted"></p><h2 class="card-title">
<img src="/images/" alt="" width="" height="" loading="lazy"><span style="display:none;color:#fff;margin:0 auto;padding:4px">
<button type="button" onclick="return false" data-id=""></button><input type="text" name="" value=""></div></section>
function(e,t,n){return e.prototype.call(this,arguments)};var o=document.getElementById("");if(!t||!n.length)for(i=0;i<10;i++)
const x=require('');export default{};window.addEventListener("click",()=>{});"use strict";Object.defineProperty(exports,
font-family:sans-serif;background-color:#eee;border-radius:4px;position:relative;@media(max-width:600px){display:flex}
"##;

/// Four bytes, of which the last may be unknown, and their place.
struct Run {
    bytes: [Option<u8>; RUN],
    place: Place,
    /// Certainly no delimiter follows for long.
    gated: bool,
}

impl Run {
    /// With what stands before and behind it, if that is known.
    fn new(bytes: [Option<u8>; RUN], spot: Spot, before: Option<u8>, behind: Option<u8>) -> Run {
        let bit = |b: Option<u8>| b.map_or(u32::MAX, |b| 1 << (b & 31));
        Run {
            bytes,
            gated: false,
            place: Place {
                spot,
                before: bit(before),
                behind: bit(behind),
            },
        }
    }

    /// Its slots: one, or 256 if the third byte is unknown.
    fn slots(&self) -> impl Iterator<Item = u16> {
        let [a, b, c, _] = self.bytes.map(|b| b.unwrap_or(0));
        let last = if self.bytes[2].is_none() { 0..=u8::MAX } else { c..=c };
        last.map(move |c| slot([a, b, c]))
    }
}

/// What a place that passes the sieve costs, to what one costs that then passes the slots too.
const SLOT_COST: u32 = 6;

/// Of the places in traffic, one in so many has no delimiter for long.
const GATE: u32 = 3;

/// Of the ways that look cheap so many are weighed by the sample: a start must not take long.
const TRIED: usize = 24;

/// The choice so far.
pub(super) struct Chosen {
    sample: Sample,
    places: Vec<Vec<Place>>,
    buckets: Vec<Bucket>,
    /// What of the sample passes the gated buckets of the sieve, and what passes the others, one bit each.
    passes: [Vec<u64>; 2],
    pub(super) sieve: Sieve,
}

/// One bucket of the sieve, for the three bytes and either half of each.
struct Bucket {
    /// The halves that it lets through, one bit each.
    halves: [[u16; 2]; RUN],
    /// What share of all bytes that is.
    shares: [f64; RUN],
    /// What of the sample it lets through there, one bit each.
    lets: Vec<[u64; 2 * RUN]>,
}

impl Bucket {
    /// How much more of the sample it would let through, if bytes came independently of each other.
    fn growth(&self, run: [Option<u8>; RUN], sample: &Sample) -> u32 {
        let (mut now, mut then) = (1.0, 1.0);
        for ((halves, share), byte) in self.halves.iter().zip(self.shares).zip(run) {
            now *= share;
            then *= byte.map_or(1.0, |b| share + sample.more(*halves, b));
        }
        ((then - now) * f64::from(sample.total)) as u32
    }

    /// Lets a run through.
    fn add(&mut self, run: [Option<u8>; RUN], sample: &Sample) {
        for ((halves, share), byte) in self.halves.iter_mut().zip(&mut self.shares).zip(run) {
            match byte {
                Some(b) => {
                    *share += sample.more(*halves, b);
                    *halves = [halves[0] | 1 << (b & 15), halves[1] | 1 << (b >> 4)];
                }
                None => (*halves, *share) = ([u16::MAX; 2], 1.0),
            }
        }
    }
}

impl Chosen {
    /// For these anchors, and for escapes that may hide one of their characters.
    pub(super) fn of(all: &[Anchor], before_slash: &[bool; 256], slash_first: bool, decode: Decode) -> Chosen {
        let sample = Sample::new();
        let none = || vec![0u64; sample.words()];
        let bucket = || Bucket {
            halves: [[0; 2], [0; 2], [0; 2], [0, u16::MAX]],
            shares: [0.0; RUN],
            lets: vec![[0; 2 * RUN]; sample.words()],
        };
        let mut it = Chosen {
            places: vec![Vec::new(); 1 << 16],
            buckets: (0..BUCKETS - usize::from(decode.percent || decode.entities))
                .map(|_| bucket())
                .collect(),
            passes: [none(), none()],
            sieve: Sieve::default(),
            sample,
        };
        it.escapes(before_slash, slash_first);
        it.encodings(decode);
        let mut order: Vec<&Anchor> = all.iter().filter(|a| !a.begins_a_word()).collect();
        // Those that have no choice first.
        order.sort_by_key(|a| a.bytes.len());
        for anchor in order {
            it.take(&ways(anchor));
        }
        it
    }

    /// An escaped character in an anchor: `\u0073` for any, `\/` (the default of several encoders) for a slash.
    fn escapes(&mut self, before_slash: &[bool; 256], slash_first: bool) {
        let (back, u, zero, slash) = (Some(b'\\'), Some(b'u'), Some(b'0'), Some(b'/'));
        self.take(&[Run::new([back, u, zero, zero], Spot::Escape(0), None, None)]);
        if slash_first {
            self.take(&[Run::new([back, slash, None, None], Spot::Escape(0), None, None)]);
        }
        for before in (0..=255u8).filter(|b| before_slash[usize::from(*b)]) {
            self.take(&[Run::new(
                [Some(before), back, slash, None],
                Spot::Escape(-1),
                None,
                None,
            )]);
        }
    }

    /// Other encoded characters: `%3a`, `&#58;`, `&colon;`. They have a bucket of their own, in which the first byte is
    /// enough for both, and no slots: two bytes that are known out of four would set too many.
    fn encodings(&mut self, decode: Decode) {
        let bucket = self.buckets.len();
        if decode.percent {
            for upper in b'2'..=b'7' {
                self.sieve.add(bucket, [Some(b'%'), Some(upper), None, None]);
            }
        }
        if decode.entities {
            let second = (b'A'..=b'Z').chain(b'a'..=b'z').chain([b'#']);
            for second in second {
                self.sieve.add(bucket, [Some(b'&'), Some(second), None, None]);
            }
        }
    }

    /// Takes the way that costs least.
    fn take(&mut self, ways: &[Run]) {
        let mut guesses = Vec::with_capacity(ways.len() * BUCKETS);
        for run in ways {
            let slots = self.slot_cost(run);
            for (bucket, b) in self.buckets.iter().enumerate() {
                if bucket >= GATED || run.gated {
                    let growth = 2 * b.growth(run.bytes, &self.sample) / if bucket < GATED { GATE } else { 1 };
                    guesses.push((slots + growth, slots, run, bucket));
                }
            }
        }
        let tried = TRIED.min(guesses.len());
        if tried < guesses.len() {
            guesses.select_nth_unstable_by_key(tried, |(guess, ..)| *guess);
        }
        let mut best: Option<(u32, &Run, usize)> = None;
        for (guess, _, run, bucket) in guesses.into_iter().take(tried) {
            let bound = best.as_ref().map_or(u32::MAX, |b| b.0);
            let cost = guess.saturating_add(self.sieve_cost(run, bucket, bound.saturating_sub(guess)));
            if best.as_ref().is_none_or(|b| cost < b.0) {
                best = Some((cost, run, bucket));
            }
        }
        let Some((_, run, bucket)) = best else { return };
        self.sieve.add(bucket, run.bytes);
        self.let_through(run, bucket);
        for slot in run.slots() {
            let Some(places) = self.places.get_mut(usize::from(slot)) else {
                continue;
            };
            match places.iter_mut().find(|p| p.spot == run.place.spot) {
                Some(same) => {
                    same.before |= run.place.before;
                    same.behind |= run.place.behind;
                }
                None => places.push(run.place),
            }
        }
    }

    /// What of the sample would pass the slots and does not yet.
    fn slot_cost(&self, run: &Run) -> u32 {
        let cost = |s: u16| match self.places.get(usize::from(s)) {
            Some(places) if places.is_empty() => SLOT_COST * self.sample.slot_weight(s),
            Some(places) if places.iter().all(|p| p.spot != run.place.spot) => self.sample.slot_weight(s),
            _ => 0,
        };
        run.slots().map(cost).sum()
    }

    /// What of the sample would pass the sieve and does not yet; more than `bound` is not counted to the end.
    fn sieve_cost(&self, run: &Run, bucket: usize, bound: u32) -> u32 {
        let Some(Bucket { lets, .. }) = self.buckets.get(bucket) else {
            return u32::MAX;
        };
        let halves = halves(run.bytes);
        let (each, bound) = if bucket < GATED {
            (GATE, bound.saturating_mul(GATE))
        } else {
            (1, bound)
        };
        let [gated, open] = &self.passes;
        let mut cost = 0;
        let passes = gated.iter().zip(open);
        for (w, ((lets, has), (gated, open))) in lets.iter().zip(&self.sample.has).zip(passes).enumerate() {
            let let_in = |i: usize| lets[i] | has[i][halves[i]];
            let passes = if bucket < GATED { gated | open } else { *open };
            let new = (0..2 * RUN).fold(!passes, |new, i| new & let_in(i));
            if new != 0 {
                cost += self.sample.weight(w, new);
                if cost > bound {
                    break;
                }
            }
        }
        cost / each
    }

    /// Writes down what passes the sieve now.
    fn let_through(&mut self, run: &Run, number: usize) {
        let Some(bucket) = self.buckets.get_mut(number) else {
            return;
        };
        bucket.add(run.bytes, &self.sample);
        let halves = halves(run.bytes);
        let passes = &mut self.passes[usize::from(number >= GATED)];
        for ((lets, has), passes) in bucket.lets.iter_mut().zip(&self.sample.has).zip(passes) {
            for i in 0..2 * RUN {
                lets[i] |= has[i][halves[i]];
            }
            *passes |= lets.iter().fold(u64::MAX, |all, lets| all & lets);
        }
    }

    /// One bit a slot, and the places of each slot in order.
    pub(super) fn sorted(self) -> (Box<[u64; 1024]>, Vec<(u16, Place)>) {
        let mut bits = Box::new([0u64; 1024]);
        let mut all = Vec::new();
        for (slot, places) in (0..=u16::MAX).zip(self.places) {
            for place in places {
                bits[usize::from(slot >> 6)] |= 1 << (slot & 63);
                all.push((slot, place));
            }
        }
        (bits, all)
    }
}

/// The lower and the upper half of each byte; [`UNKNOWN`] of one that is not known, and of the half that the sieve does not
/// ask for.
fn halves(run: [Option<u8>; RUN]) -> [usize; 2 * RUN] {
    let [a, b, c, d] = run.map(|b| b.map_or([UNKNOWN; 2], |b| [usize::from(b & 15), usize::from(b >> 4)]));
    [a[0], a[1], b[0], b[1], c[0], c[1], d[0], UNKNOWN]
}

/// The numbers of the bits that are set.
fn ones(mut bits: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let one = (bits != 0).then(|| bits.trailing_zeros() as usize & 15);
        bits &= bits.wrapping_sub(1);
        one
    })
}

/// Stands for every half of a byte.
const UNKNOWN: usize = 16;

/// All runs of four in an anchor, or the only one of three, each with what stands beside it.
fn ways(anchor: &Anchor) -> Vec<Run> {
    let bytes = anchor.bytes.as_slice();
    let run = |at: usize, run: [Option<u8>; RUN]| {
        let offset = i8::try_from(at).ok()?;
        let spot = match bytes.len() {
            RUN.. => Spot::Anchor(offset),
            _ => Spot::Short(offset),
        };
        let before = at.checked_sub(1).and_then(|i| bytes.get(i)).copied();
        let behind = bytes.get(at + 3).copied();
        let gated = usize::from(anchor.run) >= at + usize::from(LONG);
        let run = Run::new(run, spot, before, behind);
        Some(Run { gated, ..run })
    };
    if let &[a, b, c] = bytes {
        return run(0, [Some(a), Some(b), Some(c), None]).into_iter().collect();
    }
    let windows = bytes.windows(RUN).filter_map(<[u8]>::first_chunk::<RUN>).enumerate();
    windows.filter_map(|(at, bytes)| run(at, bytes.map(Some))).collect()
}

/// Runs of four bytes as they come in traffic, and how often.
struct Sample {
    weights: Vec<u32>,
    slots: Vec<u32>,
    /// For each upper half of a byte and each lower one, how often that byte comes.
    bytes: [[u32; 16]; 16],
    /// How many bytes that are.
    total: u32,
    /// For the four bytes, either half of each and every value of it: the runs that have it there, one bit each.
    has: Vec<[[u64; UNKNOWN + 1]; 2 * RUN]>,
}

impl Sample {
    fn new() -> Sample {
        let mut runs: BTreeMap<[u8; RUN], u32> = BTreeMap::new();
        let mut add = |text: &[u8], weight: u32| {
            for run in text.windows(RUN).filter_map(<[u8]>::first_chunk) {
                *runs.entry(*run).or_default() += weight;
            }
        };
        add(SAMPLE.as_bytes(), 16);
        // Traffic is full of identifiers, digests and pictures too, of which no sample of this size holds enough.
        let mut state = 1u32;
        for (alphabet, len, weight) in [
            (&b"0123456789abcdef"[..], 1600, 4),
            (
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                1600,
                2,
            ),
        ] {
            let mut any = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                alphabet
                    .get((state >> 16) as usize % alphabet.len())
                    .copied()
                    .unwrap_or(0)
            };
            let text: Vec<u8> = (0..len).map(|_| any()).collect();
            add(&text, weight);
        }
        // The most frequent first, so that a bad choice is soon seen to be one.
        let mut runs: Vec<([u8; RUN], u32)> = runs.into_iter().collect();
        runs.sort_by_key(|(run, weight)| (u32::MAX - weight, *run));
        let words = runs.len().div_ceil(64);
        let mut it = Sample {
            weights: Vec::with_capacity(runs.len()),
            slots: vec![0; 1 << 16],
            bytes: [[0; 16]; 16],
            total: 0,
            has: vec![[[0; UNKNOWN + 1]; 2 * RUN]; words],
        };
        for (i, (run, weight)) in runs.into_iter().enumerate() {
            it.weights.push(weight);
            it.bytes[usize::from(run[0] >> 4)][usize::from(run[0] & 15)] += weight;
            it.total += weight;
            if let Some(w) = it.slots.get_mut(usize::from(slot([run[0], run[1], run[2]]))) {
                *w += weight;
            }
            if let Some(has) = it.has.get_mut(i / 64) {
                for (has, half) in has.iter_mut().zip(halves(run.map(Some))) {
                    has[half] |= 1 << (i % 64);
                    has[UNKNOWN] |= 1 << (i % 64);
                }
            }
        }
        it
    }

    /// The share of bytes that are let through in addition once the halves of `b` are.
    fn more(&self, [low, high]: [u16; 2], b: u8) -> f64 {
        let (l, h) = (usize::from(b & 15), usize::from(b >> 4));
        let mut sum = 0;
        if low >> l & 1 == 0 {
            sum += ones(high).map(|h| self.bytes[h][l]).sum::<u32>();
        }
        if high >> h & 1 == 0 {
            sum += ones(low | 1 << l).map(|l| self.bytes[h][l]).sum::<u32>();
        }
        f64::from(sum) / f64::from(self.total.max(1))
    }

    fn words(&self) -> usize {
        self.weights.len().div_ceil(64)
    }

    /// The weight of those runs of a word whose bit is set.
    fn weight(&self, word: usize, mut bits: u64) -> u32 {
        let mut sum = 0;
        while bits != 0 {
            let i = word * 64 + bits.trailing_zeros() as usize;
            sum += self.weights.get(i).copied().unwrap_or(0);
            bits &= bits - 1;
        }
        sum
    }

    fn slot_weight(&self, slot: u16) -> u32 {
        self.slots.get(usize::from(slot)).copied().unwrap_or(0)
    }
}

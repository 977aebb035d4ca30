//! Chooses by which three bytes each anchor is noticed: rare ones, and such as serve many anchors.
//!
//! Rarity is estimated from a sample that stands below, not measured on anybody's traffic and not learned at run time:
//! the same policy gives the same tables everywhere. A bad estimate costs time, never a finding.

use crate::detect::anchors::{Anchor, Place, Spot, slot};

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

/// Three bytes, of which one may be unknown, and their place.
struct Run {
    bytes: [Option<u8>; 3],
    place: Place,
}

impl Run {
    /// With what stands before and behind it, if that is known.
    fn new(bytes: [Option<u8>; 3], spot: Spot, before: Option<u8>, behind: Option<u8>) -> Run {
        let bit = |b: Option<u8>| b.map_or(u32::MAX, |b| 1 << (b & 31));
        Run {
            bytes,
            place: Place {
                spot,
                before: bit(before),
                behind: bit(behind),
            },
        }
    }

    /// Its slots: one, or 32 if a byte at the end is unknown.
    fn slots(&self) -> impl Iterator<Item = u16> {
        let [a, b, c] = self.bytes;
        let unknown = a.is_none() || c.is_none();
        (0..if unknown { 32 } else { 1 })
            .map(move |x| slot(u32::from_le_bytes([a.unwrap_or(x), b.unwrap_or(0), c.unwrap_or(x), 0])))
    }
}

/// The choice so far.
pub(super) struct Chosen {
    weights: Vec<u32>,
    places: Vec<Vec<Place>>,
}

/// A way to notice something: one run for even offsets and one for odd ones.
type Way = [Run; 2];

impl Chosen {
    /// For these anchors, and for escapes that may hide one of their characters.
    pub(super) fn of(all: &[Anchor], before_slash: &[bool; 256], slash_first: bool) -> Chosen {
        let mut it = Chosen {
            weights: weights(),
            places: vec![Vec::new(); 1 << 16],
        };
        it.escapes(before_slash, slash_first);
        let mut order: Vec<&[u8]> = all.iter().map(|a| a.bytes.as_slice()).collect();
        // Those that have no choice first.
        order.sort_by_key(|a| a.len());
        for bytes in order {
            let ways: Vec<Way> = match *bytes {
                [a, b, c] => {
                    let (a, b, c) = (Some(a), Some(b), Some(c));
                    let whole = || Run::new([a, b, c], Spot::Short(0), None, None);
                    vec![
                        [whole(), Run::new([None, a, b], Spot::Short(-1), None, c)],
                        [whole(), Run::new([b, c, None], Spot::Short(1), a, None)],
                    ]
                }
                _ => (0..bytes.len()).filter_map(|at| long(bytes, at)).collect(),
            };
            it.take(&ways);
        }
        it
    }

    /// An escaped character in an anchor: `\u0073` for any, `\/` (the default of several encoders) for a slash.
    fn escapes(&mut self, before_slash: &[bool; 256], slash_first: bool) {
        let (back, u, zero, slash) = (Some(b'\\'), Some(b'u'), Some(b'0'), Some(b'/'));
        self.take(&[[
            Run::new([back, u, zero], Spot::Escape(0), None, None),
            Run::new([None, back, u], Spot::Escape(-1), None, zero),
        ]]);
        if slash_first {
            self.take(&[[
                Run::new([back, slash, None], Spot::Escape(0), None, None),
                Run::new([None, back, slash], Spot::Escape(-1), None, None),
            ]]);
        }
        for before in (0..=255u8).filter(|b| before_slash[usize::from(*b)]) {
            let before = Some(before);
            let whole = || Run::new([before, back, slash], Spot::Escape(-1), None, None);
            self.take(&[
                [whole(), Run::new([None, before, back], Spot::Escape(-2), None, slash)],
                [whole(), Run::new([back, slash, None], Spot::Escape(0), before, None)],
            ]);
        }
    }

    /// Takes the way that costs least.
    fn take(&mut self, ways: &[Way]) {
        let Some(best) = ways.iter().min_by_key(|way| self.cost(way)) else {
            return;
        };
        for run in best {
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
    }

    /// A slot that is set already costs another look when it comes up; a new one costs a look and the way there.
    fn cost(&self, way: &Way) -> u32 {
        let one = |run: &Run| {
            let slot = |s: u16| {
                let weight = self.weights.get(usize::from(s)).copied().unwrap_or(0);
                match self.places.get(usize::from(s)) {
                    Some(places) if places.iter().any(|p| p.spot == run.place.spot) => 0,
                    Some(places) if !places.is_empty() => weight,
                    _ => 2 * weight + 1,
                }
            };
            run.slots().map(slot).sum::<u32>()
        };
        way.iter().map(one).sum()
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

/// The four bytes from `at` on.
fn long(bytes: &[u8], at: usize) -> Option<Way> {
    let &[a, b, c, d] = bytes.get(at..at + 4)? else {
        return None;
    };
    let offset = i8::try_from(at).ok()?;
    let before = at.checked_sub(1).and_then(|i| bytes.get(i)).copied();
    let behind = bytes.get(at + 4).copied();
    let (a, b, c, d) = (Some(a), Some(b), Some(c), Some(d));
    Some([
        Run::new([a, b, c], Spot::Anchor(offset), before, d),
        Run::new([b, c, d], Spot::Anchor(offset + 1), a, behind),
    ])
}

/// How often each slot comes up, by the sample; and a little for runs of digits, which no sample holds enough of.
fn weights() -> Vec<u32> {
    let mut weights = vec![0u32; 1 << 16];
    let mut add = |run: &[u8], n: u32| {
        if let &[a, b, c] = run
            && let Some(w) = weights.get_mut(usize::from(slot(u32::from_le_bytes([a, b, c, 0]))))
        {
            *w += n;
        }
    };
    for run in SAMPLE.as_bytes().windows(3) {
        add(run, 16);
    }
    let hex = b"0123456789abcdef";
    for a in hex {
        for b in hex {
            for c in hex {
                add(&[*a, *b, *c], 4);
            }
        }
    }
    weights
}

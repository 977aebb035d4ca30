//! One detector's candidates in every reading of the text: as it stands, and with percent-encoding undone once or twice.
//!
//! Both readings are needed. `%40` in the password of a URL is part of it, and the password goes whole; where the URL
//! stands encoded in another one, `%40` is the `@` behind the password. So the plain lane always runs. A second one is
//! split off from it where an encoded character stands with which a candidate would go on, or begins by itself at an
//! anchor of which a character is encoded; it ends with its candidates. All that is decided by the text alone.
//!
//! While a lane for encoded text runs, it takes every start that the plain lane takes, so that it never needs to be
//! merged with another one. That is why it is advanced first: where it ended has to be known when the plain lane comes
//! there.

use crate::decode::{Decode, Reading, escape};
use crate::detect::lane::{Event, Lane, Scratch, Start};
use crate::detect::program::Program;

/// How often percent-encoding is undone at most.
pub(crate) const DEPTHS: u8 = 2;

/// See above.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) detector: u16,
    plain: Lane,
    /// With percent-encoding undone.
    encoded: Vec<Lane>,
    /// Up to where `plain` was advanced.
    at: u64,
    /// Percent-encoding is looked for.
    percent: bool,
}

/// What of a block a track has still to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starts<'s> {
    all: &'s [Start],
    plain: &'s [Start],
    encoded: [&'s [Start]; DEPTHS as usize],
}

impl<'s> Starts<'s> {
    /// The starts of one block, in order.
    pub(crate) fn of(all: &'s [Start]) -> Starts<'s> {
        Starts {
            all,
            plain: all,
            encoded: [all; DEPTHS as usize],
        }
    }
}

impl Track {
    pub(crate) fn new(detector: u16, decode: Decode) -> Track {
        let reading = Reading {
            percent: 0,
            references: decode.entities,
        };
        Track {
            detector,
            plain: Lane::new(reading),
            encoded: Vec::new(),
            at: 0,
            percent: decode.percent,
        }
    }

    /// Nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.plain.is_idle() && self.encoded.iter().all(Lane::is_idle)
    }

    /// The first byte that must not leave yet.
    pub(crate) fn holds_from(&self) -> Option<u64> {
        let encoded = self.encoded.iter().filter_map(Lane::holds_from);
        self.plain.holds_from().into_iter().chain(encoded).min()
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of::<Track>() + self.plain.heap() + self.encoded.iter().map(Lane::bytes).sum::<usize>()
    }

    /// The lanes; events name them by their place here.
    pub(crate) fn lanes(&mut self) -> impl Iterator<Item = &mut Lane> {
        std::iter::once(&mut self.plain).chain(&mut self.encoded)
    }

    /// See [`Lane::advance`]; tells the lane too, by its number.
    pub(crate) fn advance(
        &mut self,
        (data, base, to): (&[u8], u64, u64),
        starts: &mut Starts,
        program: &Program,
        scratch: &mut Scratch,
    ) -> Option<(Event, usize)> {
        loop {
            for (i, lane) in self.encoded.iter_mut().enumerate() {
                let mine = cursor(&mut starts.encoded, lane.reading.percent);
                if let Some(event) = lane.advance((data, base, to), (mine, false), program, scratch) {
                    return Some((event, i + 1));
                }
            }
            let now = self.at;
            self.encoded.retain(|l| !l.is_idle() || l.pos() > now);
            let limit = self.limit(to, starts);
            let watch = self.percent && self.encoded.len() < usize::from(DEPTHS);
            let event = self
                .plain
                .advance((data, base, limit), (&mut starts.plain, watch), program, scratch);
            match event {
                Some(Event::Percent) => {
                    self.at = self.plain.pos();
                    self.split_off((data, base), starts, program);
                }
                Some(event) => return Some((event, 0)),
                None if limit >= to => {
                    self.at = self.at.max(to);
                    return None;
                }
                None => {
                    self.at = limit;
                    self.begin(starts);
                }
            }
        }
    }

    /// How far the plain lane can go before something must be decided there.
    fn limit(&self, to: u64, starts: &mut Starts) -> u64 {
        let mut limit = to;
        for lane in self.encoded.iter().filter(|l| l.is_idle()) {
            limit = limit.min(lane.pos());
        }
        for percent in 1..=DEPTHS {
            if !self.runs(percent)
                && let Some(next) = self.next(percent, starts)
            {
                limit = limit.min(next.at);
            }
        }
        limit
    }

    fn runs(&self, percent: u8) -> bool {
        self.encoded.iter().any(|l| l.reading.percent == percent)
    }

    /// The next start that is one only in this reading.
    fn next(&self, percent: u8, starts: &mut Starts) -> Option<Start> {
        let mine = cursor(&mut starts.encoded, percent);
        while let [next, rest @ ..] = *mine {
            if next.percent == percent && next.at >= self.at {
                return Some(*next);
            }
            *mine = rest;
        }
        None
    }

    fn reading(&self, percent: u8) -> Reading {
        Reading {
            percent,
            ..self.plain.reading
        }
    }

    /// The plain lane stands before a `%`: does a candidate go on with the character that it may encode?
    fn split_off(&mut self, (data, base): (&[u8], u64), starts: &mut Starts, program: &Program) {
        let from = usize::try_from(self.at.saturating_sub(base)).unwrap_or(usize::MAX);
        let text = data.get(from..).unwrap_or_default();
        let mut last = None;
        for percent in 1..=DEPTHS {
            let found = escape::encoded(text, self.reading(percent));
            if let Some((c, _)) = found
                && found != last
                && !self.runs(percent)
                && self.plain.goes_on_with(c, program)
            {
                self.take_up(percent, starts);
            }
            last = found;
        }
    }

    /// The plain lane has come to where a lane ended or begins.
    fn begin(&mut self, starts: &mut Starts) {
        for percent in 1..=DEPTHS {
            if !self.runs(percent) && self.next(percent, starts).is_some_and(|s| s.at == self.at) {
                self.take_up(percent, starts);
            }
        }
    }

    /// A lane for this reading, from here on, with the candidates of the plain one.
    fn take_up(&mut self, percent: u8, starts: &mut Starts) {
        let lane = if self.plain.is_idle() {
            Lane::at(self.reading(percent), self.at)
        } else {
            self.plain.fork(self.reading(percent))
        };
        self.encoded.push(lane);
        let behind = starts.all.partition_point(|s| s.at < self.at);
        *cursor(&mut starts.encoded, percent) = starts.all.get(behind..).unwrap_or_default();
    }

    /// The input ends here. Call `advance` afterwards until it has no more events.
    pub(crate) fn finish(&mut self, text: (&[u8], u64), program: &Program, scratch: &mut Scratch) {
        for lane in self.lanes() {
            lane.finish(text, program, scratch);
        }
    }
}

fn cursor<'c, 's>(all: &'c mut [&'s [Start]; DEPTHS as usize], percent: u8) -> &'c mut &'s [Start] {
    let [once, twice] = all;
    if percent > 1 { twice } else { once }
}

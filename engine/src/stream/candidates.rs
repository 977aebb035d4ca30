//! Detectors: anchors become candidates, candidates verdicts, verdicts edits.

use super::{Body, CONTEXT, Learned, Workspace, byte_before};
use crate::Engine;
use crate::decide::own;
use crate::decide::validate::Seen;
use crate::decode::zones::{Line, Rules, Spread, Zones};
use crate::decode::{Reading, escape, json, pairs};
use crate::detect::front::Text;
use crate::detect::lane::{Event, Match, Scratch, Start};
use crate::detect::program::Program;
use crate::detect::track::{Starts, Track};
use crate::engine::Spot;
use crate::exchange::{Exchange, greater_half};
use crate::explain::{Step, Verdict, What};
use crate::rewrite::{Action, Context, Defang, Edit, Form, Source, user_info};

impl Body {
    /// Detect: anchors in one pass, then every detector that has a candidate. Returns the offset up to which all
    /// beginnings are known.
    pub(super) fn detect(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        data: &[u8],
        last: bool,
        learned: &mut Vec<Learned>,
    ) -> u64 {
        let base = self.base;
        let from = usize::try_from(self.known.saturating_sub(base))
            .unwrap_or(0)
            .min(data.len());
        let context = (self.context, self.context_len);
        let before = |i: usize| byte_before(data, i, &context);
        let known = if last {
            data.len()
        } else {
            engine.armed.anchors.undecided(data, from, before)
        };
        let read = Text {
            data,
            base,
            before: before(0),
        };
        let long = work.long.begin_at(base + from as u64);
        engine.armed.anchors.scan(data, from, known, &mut work.hits, long);
        work.starts.clear();
        work.starts.append(&mut self.waiting);
        for &(at, anchor, percent) in &work.hits {
            let Some(anchor) = engine.armed.anchors.get(anchor) else {
                continue;
            };
            let text = data.get(at..).unwrap_or_default();
            let ruled_out = percent == 0 && anchor.is_ruled_out(text);
            if ruled_out {
                for (detector, _) in &anchor.detectors {
                    exchange.trace.note(|| Step {
                        detector: *detector,
                        start: base + at as u64,
                        what: What::Anchor { fits: false },
                    });
                }
            }
            let in_escape = self.ends_an_escape(data, at);
            // Behind its backslash a quote stands for itself: what begins with one can begin there.
            let quote = matches!(text.first(), Some(b'"' | b'\''));
            if ruled_out || (in_escape && !quote) {
                continue;
            }
            let first = anchor.bytes.first().copied().unwrap_or(0);
            let start = Start {
                at: base + at as u64,
                percent,
                before: before(at),
                first,
            };
            let reading = Reading {
                percent,
                ..engine.reading()
            };
            for (d, own) in &anchor.detectors {
                let Some(program) = engine.detectors.get(usize::from(*d)).map(|d| &d.program) else {
                    continue;
                };
                // The backslash must not be left over.
                if in_escape && !program.has_secret_group {
                    continue;
                }
                let start = match program.front {
                    Some(_) if !program.may_match_behind_front((text, reading)) => None,
                    Some(front) => {
                        let begin = engine
                            .armed
                            .fronts
                            .begin(read, at, (front, program.starts_at_border), before);
                        begin.and_then(|i| {
                            let first = *data.get(i)?;
                            let (at, before) = (base + i as u64, before(i));
                            Some(Start {
                                at,
                                percent,
                                before,
                                first,
                            })
                        })
                    }
                    // A lane begins here that takes over what the plain one has: not even a start in vain is left out,
                    // since how much of it can be seen depends on the cuts.
                    _ if percent > 0 => Some(start),
                    _ => program
                        .may_match((text, reading), start.before, first, Some(*own))
                        .then_some(start),
                };
                exchange.trace.note(|| Step {
                    detector: *d,
                    start: start.map_or(base + at as u64, |s| s.at),
                    what: What::Anchor { fits: start.is_some() },
                });
                work.starts.extend(start.map(|s| (*d, s)));
            }
        }
        if !engine.armed.classes.is_empty() {
            let anchored = work.starts.len();
            self.classes(engine, read, (from, known), &mut work.starts);
            for (detector, start) in work.starts.get(anchored..).unwrap_or_default() {
                exchange.trace.note(|| Step {
                    detector: *detector,
                    start: start.at,
                    what: What::Anchor { fits: true },
                });
            }
        }
        self.known = base + known as u64;
        let before_this = std::mem::replace(&mut self.scanned, self.known);
        if !last {
            let decided = engine.armed.fronts.decided(read, known);
            self.scanned = decided.max(before_this);
        }
        if !engine.kept.is_empty() {
            self.keep(engine, data, &mut work.events);
        }
        if work.starts.is_empty() && self.tracks.is_empty() {
            return self.scanned;
        }
        work.starts.sort_by_key(|(d, s)| (*d, s.at, s.percent));
        work.starts.dedup_by_key(|(d, s)| (*d, s.at, s.percent));
        let scanned = self.scanned;
        if scanned < self.known {
            self.waiting
                .extend(work.starts.extract_if(.., |(_, s)| s.at >= scanned));
        }
        let mut tracks = std::mem::take(&mut self.tracks);
        let mut batch = std::mem::take(&mut work.batch);
        for (detector, _) in &work.starts {
            if !tracks.iter().any(|t| t.detector == *detector) {
                tracks.push(Track::new(*detector, engine.decode));
            }
        }
        for track in &mut tracks {
            batch.clear();
            let low = work.starts.partition_point(|(d, _)| *d < track.detector);
            let mine = work.starts.get(low..).unwrap_or_default();
            batch.extend(mine.iter().take_while(|(d, _)| *d == track.detector).map(|(_, s)| *s));
            self.advance(
                engine,
                &mut work.scratch,
                exchange,
                (data, last),
                (track, &batch),
                learned,
            );
        }
        tracks.retain(|t| !t.is_idle());
        work.batch = batch;
        self.tracks = tracks;
        self.scanned
    }

    /// The items of `allow` in whose fields all of a stretch stands.
    pub(super) fn inside(&self, stretch: (u64, u64)) -> Rules {
        self.zones.as_ref().map_or(self.inside, |zones| zones.of(stretch))
    }

    /// Decode: fields whose values may stay, as far as all beginnings are known.
    fn keep(&mut self, engine: &Engine, data: &[u8], events: &mut Vec<json::Event>) {
        let mut zones = self.zones.take().unwrap_or_else(|| {
            let pairs = self.pairs.as_ref().filter(|_| engine.kept.has_names());
            let kind = pairs.map(pairs::Walker::kind);
            let spread = match (self.kind.json, self.lines) {
                (true, _) => Spread::Whole,
                (false, true) => Spread::Lines(Line::Front(0)),
                (false, false) => Spread::Nowhere,
            };
            Box::new(Zones::new(
                self.inside,
                spread,
                kind.filter(|k| !matches!(k, pairs::Kind::Whole(_) | pairs::Kind::WholeJson(_))),
            ))
        });
        zones.walk(&engine.kept, (data, self.base), self.scanned, events);
        self.zones = Some(zones);
    }

    /// Candidates of detectors that begin at a class.
    fn classes(&self, engine: &Engine, read: Text, within: (usize, usize), starts: &mut Vec<(u16, Start)>) {
        let (data, context) = (read.data, (self.context, self.context_len));
        let byte_before_at = |i: usize| byte_before(data, i, &context);
        let in_slashes = self.context_len > 0 && self.context.last() == Some(&b'\\');
        engine
            .armed
            .classes
            .scan(data, within, in_slashes, byte_before_at, |hit| {
                // A lane reads the letter behind any number of backslashes as an escape.
                let slash = hit
                    .at
                    .checked_sub(1)
                    .map_or(in_slashes, |i| data.get(i) == Some(&b'\\'));
                if slash && data.get(hit.at).is_some_and(|b| b"nrtbfu".contains(b)) {
                    return;
                }
                let reading = Reading {
                    percent: hit.percent,
                    ..engine.reading()
                };
                let text = (data.get(hit.at..).unwrap_or_default(), reading);
                let (at, before, first) = (self.base + hit.at as u64, hit.before, hit.first);
                for d in hit.detectors {
                    let Some(program) = engine.detectors.get(usize::from(*d)).map(|d| &d.program) else {
                        continue;
                    };
                    let start = Start {
                        at,
                        percent: hit.percent,
                        before,
                        first,
                    };
                    let start = match program.front {
                        Some(front) => program.may_match_behind_front(text).then(|| {
                            let i = engine.armed.fronts.begin(
                                read,
                                hit.at,
                                (front, program.starts_at_border),
                                byte_before_at,
                            )?;
                            let (at, before, first) = (self.base + i as u64, byte_before_at(i), *data.get(i)?);
                            Some(Start {
                                at,
                                percent: 0,
                                before,
                                first,
                            })
                        }),
                        None if hit.percent > 0 => Some(Some(start)),
                        None => Some(program.may_match(text, before, first, None).then_some(start)),
                    };
                    starts.extend(start.flatten().map(|s| (*d, s)));
                }
            });
    }

    /// The byte at `at` is the letter of an escape such as `\n`: an odd number of backslashes stands before it.
    pub(super) fn ends_an_escape(&self, data: &[u8], at: usize) -> bool {
        if !data.get(at).is_some_and(|b| b"nrtbfu/\"'".contains(b)) {
            return false;
        }
        let front = data.get(..at).unwrap_or_default();
        let run = front.iter().rev().take_while(|b| **b == b'\\').count();
        let before = run == front.len() && self.odd_slashes;
        (run + usize::from(before)) % 2 == 1
    }

    /// Takes one detector's candidates as far as all beginnings are known.
    pub(super) fn advance(
        &mut self,
        engine: &Engine,
        scratch: &mut Scratch,
        exchange: &mut Exchange,
        (data, last): (&[u8], bool),
        (track, starts): (&mut Track, &[Start]),
        learned: &mut Vec<Learned>,
    ) {
        let Some(detector) = engine.detectors.get(usize::from(track.detector)) else {
            return;
        };
        let program: &Program = &detector.program;
        let mut starts = Starts::of(starts);
        let mut finished = !last;
        loop {
            let event = track.advance((data, self.base, self.scanned), &mut starts, program, scratch);
            let id = track.detector;
            for lane in track.lanes() {
                while let Some(grown) = lane.grown() {
                    self.goes_on(engine, id, grown);
                }
            }
            let Some((event, lane)) = event.and_then(|(event, lane)| Some((event, track.lanes().nth(lane)?))) else {
                if finished {
                    return;
                }
                track.finish((data, self.base), program, scratch);
                finished = true;
                continue;
            };
            let (now, reading) = (lane.pos(), lane.reading);
            match event {
                Event::Closed(m) => match m.committed {
                    Some(from) if from < m.secret.1 => self.goes_on(engine, id, (from, m.secret.1)),
                    Some(_) => {}
                    None => _ = self.verdict(engine, exchange, data, (id, reading, now, m), false, learned),
                },
                Event::TooLong(m) => {
                    if self.verdict(engine, exchange, data, (id, reading, now, m), true, learned) {
                        lane.commit(m);
                    } else {
                        lane.reject(m);
                    }
                }
                Event::GivenUp => exchange.given_up += 1,
                Event::Percent => {}
            }
        }
    }

    /// Decide: what a candidate that came to its end is worth.
    pub(super) fn verdict(
        &mut self,
        engine: &Engine,
        exchange: &mut Exchange,
        data: &[u8],
        (detector, reading, now, m): (u16, Reading, u64, Match),
        goes_on: bool,
        learned: &mut Vec<Learned>,
    ) -> bool {
        let Some(found_by) = engine.detectors.get(usize::from(detector)) else {
            return false;
        };
        let at = |o: u64| usize::try_from(o.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let Some(raw) = data.get(at(m.secret.0)..at(m.secret.1)) else {
            return false;
        };
        // In JSON a quote that is not escaped ends the string, whatever a pattern thinks; and so it does where line
        // feeds are escaped, as in a line of a log.
        let in_string = self.kind.json || has_escaped_line_feed(raw);
        let within = if in_string { inside_string(raw) } else { raw.len() };
        // Where what assigns it is percent-encoded, an `&` that is not begins the next parameter.
        let lead = data.get(at(m.start)..at(m.secret.0)).unwrap_or_default();
        let parameter = reading.percent > 0 && lead.contains(&b'%');
        let next = parameter.then(|| memchr::memchr(b'&', raw)).flatten();
        let within = next.unwrap_or(within).min(within);
        let (raw, secret) = (
            raw.get(..within).unwrap_or_default(),
            (m.secret.0, m.secret.0 + within as u64),
        );
        let value = escape::text_of(raw, reading);
        let front = data.get(..at(m.secret.0)).unwrap_or_default();
        let lead = escape::text_of(lead, reading);
        let behind = escape::text_of(data.get(at(m.secret.1)..at(m.end)).unwrap_or_default(), reading);
        let mut before = self.front(data, at(m.start));
        if reading.percent > 0 || before.contains(&b'&') {
            before = escape::text_of(&before, reading).into_owned();
        }
        let rest = data.get(at(secret.1)..).unwrap_or_default();
        let after = escape::encoded(rest, reading).map(|(c, _)| c).or(rest.first().copied());
        let seen = Seen {
            value: &value,
            lead: &lead,
            front: &before,
            behind: &behind,
            after: after.filter(|_| secret.1 < now),
        };
        let spot = Spot {
            place: &exchange.place,
            fields: self.inside(secret),
            is_whole: !goes_on,
        };
        let verdict = if value.is_empty() {
            Verdict::Empty
        } else if own::inside_label(front, &value, &engine.means) {
            Verdict::OwnLabel
        } else {
            engine.judge(detector, &seen, spot)
        };
        exchange.trace.note(|| Step {
            detector,
            start: m.start,
            what: What::Matched { secret, verdict },
        });
        if verdict != Verdict::Secret {
            return false;
        }
        let source = Source::Detector(detector);
        let mut action = engine.action_of(detector);
        let (mut stretch, mut form) = (secret, Form::None);
        if goes_on {
            // Its end is not known, and it leaves as it streams.
            action = action.whole();
        } else {
            form = Form::of(
                &engine.means,
                action,
                found_by.defang,
                (raw, &value),
                behind.first().copied().or(seen.after),
            );
            if !self.kind.keep_length && action == Action::Defang && found_by.defang == Some(Defang::Url) {
                let lead = data.get(at(m.start)..at(secret.0)).unwrap_or_default();
                if let Some((from, to)) = user_info(lead, raw.len(), rest) {
                    (stretch, form) = ((m.start + from as u64, m.start + to as u64), Form::UserInfo);
                }
            }
        }
        if engine.remembers(detector) {
            let known = (now, secret.1);
            if found_by.program.has_secret_group {
                self.learn(learned, known, raw, &value, (source, action, form));
            }
            let half = greater_half(&value).filter(|half| !form.is_partial() && !engine.allows(half, spot));
            if let Some(half) = half {
                let form = Form::of(&engine.means, action, None, (half, half), None);
                self.learn(learned, known, half, half, (source, action, form));
            }
        }
        self.edit(source, stretch, (action, form, reading.percent), false);
        true
    }

    /// What an action becomes in this body.
    pub(super) fn treat(&self, action: Action, form: Form) -> (Action, Form) {
        if self.kind.keep_length {
            (action.of_equal_length(), Form::None)
        } else {
            (action, form)
        }
    }

    /// A run of which the beginning has been settled.
    fn goes_on(&mut self, engine: &Engine, detector: u16, stretch: (u64, u64)) {
        let action = engine.action_of(detector).whole();
        if action != Action::Report {
            self.edit(Source::Detector(detector), stretch, (action, Form::None, 0), true);
        }
    }

    /// The last bytes before `data[at]`, as many as are kept of what has left.
    fn front(&self, data: &[u8], at: usize) -> Vec<u8> {
        let kept = self.context.get(CONTEXT - self.context_len..).unwrap_or_default();
        let near = data.get(at.saturating_sub(CONTEXT)..at).unwrap_or_default();
        let far = kept.len().saturating_sub(CONTEXT - near.len());
        [kept.get(far..).unwrap_or_default(), near].concat()
    }

    fn edit(
        &mut self,
        source: Source,
        (start, end): (u64, u64),
        (action, form, percent): (Action, Form, u8),
        continues: bool,
    ) {
        let (action, form) = self.treat(action, form);
        self.pending.push(Edit {
            start,
            end,
            source,
            action,
            form,
            percent,
            context: Context::Inline,
            continues,
        });
    }
}

/// It has line feeds only as escapes.
fn has_escaped_line_feed(raw: &[u8]) -> bool {
    // Without a backslash no search is prepared: floods of matches come by here.
    memchr::memchr(b'\\', raw).is_some()
        && memchr::memmem::find(raw, b"\\n").is_some()
        && memchr::memchr(b'\n', raw).is_none()
}

/// How much of it stands before a quote that no backslash escapes.
fn inside_string(raw: &[u8]) -> usize {
    let mut escaped = false;
    for (i, b) in raw.iter().enumerate() {
        match b {
            b'"' if !escaped => return i,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    raw.len()
}

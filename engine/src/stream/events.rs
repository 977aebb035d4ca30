//! Streams of events: each is settled by itself, and what the deltas of a model spell is followed across them.
//!
//! Two passes, one behind the other. The first looks at lines of JSON in which a piece of a text stands
//! (`decode/deltas.rs`); the pieces of each text go through a [`Body`] of their own (`texts.rs`), and a line waits here while a candidate is
//! open that touches it, or a line before it (`line.rs`). What leaves goes through the ordinary pipeline, which forgets at each event's end
//! what was open: no secret reaches into the next event but by way of a text. The other order would leave the end
//! of a secret behind whose beginning looks whole in its event.
//!
//! Only a line that may have a piece is collected up to its end; everything else goes straight on. All is decided at the ends
//! of lines, or at a count of bytes, so that chunks do not matter.

use std::collections::VecDeque;

use super::{Body, Flow, Workspace};
use crate::Engine;
use crate::decode::deltas::Said;
use crate::exchange::Exchange;
use crate::limits;
use data::Data;
pub use framing::Framing;
use framing::Look;
use line::Line;
use texts::Text;

mod data;
mod framing;
mod line;
mod texts;

pub(super) use texts::Made;

/// Where in a line the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Front,
    /// It is collected.
    Json,
    /// It goes on as it comes.
    Other,
}

/// A stream of events on its way.
#[derive(Clone, Debug)]
pub(super) struct Events {
    framing: Framing,
    state: State,
    /// The last line ended with a carriage return, to which a line feed may belong.
    after_return: bool,
    /// What was collected of a line.
    front: Vec<u8>,
    /// Where the next byte stands in the INPUT, without what was collected.
    at: u64,
    /// Lines that wait, and what they take.
    lines: VecDeque<Line>,
    waiting: usize,
    texts: Vec<Text>,
    /// What the next text is called.
    next: u64,
    /// Lines of JSON that were read, and how many of them in a row had no piece.
    read: u64,
    others: u32,
    /// Goes on to the second pass.
    ready: Vec<u8>,
    /// How much has gone there, and where in the INPUT stands what has: from there on.
    given: u64,
    marks: VecDeque<(u64, u64)>,
    /// The lines of the event that is there.
    data: Data,
    /// What was reported of texts, by where it stands in the INPUT: the second pass sees it again.
    told: VecDeque<(u64, u64)>,
}

/// What each step needs.
struct Pass<'a> {
    body: &'a mut Body,
    engine: &'a Engine,
    work: &'a mut Workspace,
    exchange: &'a mut Exchange,
    out: &'a mut Vec<u8>,
}

impl Pass<'_> {
    /// The next text of the second pass. `ends`: an event ends with it.
    fn text(&mut self, text: &[u8], ends: bool, data: &mut Data) {
        if self.exchange.over() {
            return;
        }
        let before = self.out.len();
        let flow = match (text, ends) {
            ([], false) => Flow::Pass,
            ([], true) => self.body.end_enforced(self.engine, self.work, self.exchange, self.out),
            _ => self
                .body
                .block(self.engine, self.work, self.exchange, text, ends, self.out),
        };
        if let Some(made) = &mut self.body.made {
            self.out.truncate(before);
            data.write(made, self.out);
        } else if flow == Flow::Pass {
            self.out.extend_from_slice(text);
        }
    }
}

impl Body {
    /// A stream of events or lines.
    pub fn of_events(framing: Framing) -> Body {
        Body {
            form: super::wide::Form::Events(Box::new(Events::new(framing))),
            lines: true,
            ..Body::default()
        }
    }

    /// One block of a stream of events.
    pub(super) fn events_block(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (new, last): (&[u8], bool),
        out: &mut Vec<u8>,
    ) -> Flow {
        let super::wide::Form::Events(mut events) = std::mem::replace(&mut self.form, super::wide::Form::Bytes) else {
            return Flow::Pass;
        };
        let held = events.held() + self.held.len();
        let before = out.len();
        let mut pass = Pass {
            body: self,
            engine,
            work,
            exchange,
            out,
        };
        events.push(&mut pass, new);
        if last {
            events.finish(&mut pass);
        }
        if exchange.over() {
            *events = Events::new(events.framing);
        }
        let left = events.held() + self.held.len();
        self.form = super::wide::Form::Events(events);
        let same = held == 0 && left == 0 && out.get(before..) == Some(new);
        if same && !exchange.over() {
            out.truncate(before);
            return Flow::Pass;
        }
        Flow::Out
    }
}

impl Events {
    fn new(framing: Framing) -> Events {
        Events {
            framing,
            state: State::Front,
            after_return: false,
            front: Vec::new(),
            at: 0,
            lines: VecDeque::new(),
            waiting: 0,
            texts: Vec::new(),
            next: 0,
            read: 0,
            others: 0,
            ready: Vec::new(),
            given: 0,
            marks: VecDeque::new(),
            data: Data::default(),
            told: VecDeque::new(),
        }
    }

    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        self.front.len() + self.data.held() + self.lines.iter().map(Line::len).sum::<usize>()
    }

    pub(super) fn memory(&self) -> usize {
        size_of::<Events>()
            + self.front.capacity()
            + self.ready.capacity()
            + self.lines.iter().map(Line::memory).sum::<usize>()
            + self.texts.iter().map(Text::memory).sum::<usize>()
            + self.marks.capacity() * 16
            + self.data.memory()
            + self.told.capacity() * 16
    }

    /// Whether lines of JSON are read at all.
    fn follows(&self, engine: &Engine) -> bool {
        let other = self.framing == Framing::Lines && self.others >= limits::STREAM_OTHER_LINES;
        !engine.streams.is_empty() && !other
    }

    fn push(&mut self, pass: &mut Pass, new: &[u8]) {
        let mut rest = new;
        while !rest.is_empty() && !pass.exchange.over() {
            match self.state {
                State::Front => {
                    let (first, behind) = rest.split_at(1);
                    rest = behind;
                    if std::mem::take(&mut self.after_return) && first == b"\n" {
                        self.belongs(pass, first);
                        continue;
                    }
                    self.front.extend_from_slice(first);
                    match self.framing.look(&self.front) {
                        Look::Open => {}
                        Look::Json if self.follows(pass.engine) => self.state = State::Json,
                        Look::Json | Look::Other => {
                            self.state = State::Other;
                            self.let_go(pass);
                            if first.iter().all(|b| self.framing.ends_line(*b)) {
                                self.line_ends(pass, first);
                            }
                        }
                        Look::Empty => {
                            self.after_return = first == b"\r";
                            self.let_go(pass);
                            self.event_ends(pass);
                        }
                    }
                }
                State::Json => {
                    let room = limits::STREAM_LINE_BYTES.saturating_sub(self.front.len());
                    let end = self.framing.line_end(rest);
                    let (more, behind) = rest.split_at(end.unwrap_or(rest.len()).min(room));
                    rest = behind;
                    self.front.extend_from_slice(more);
                    if more.last().is_some_and(|b| self.framing.ends_line(*b)) {
                        self.line(pass);
                        self.line_ends(pass, more);
                    } else if more.len() == room {
                        self.state = State::Other;
                        self.let_go(pass);
                    }
                }
                State::Other => {
                    let end = self.framing.line_end(rest);
                    let (more, behind) = rest.split_at(end.unwrap_or(rest.len()));
                    rest = behind;
                    self.plain(pass, more);
                    if end.is_some() {
                        self.line_ends(pass, more);
                    }
                }
            }
        }
        self.flush(pass, false);
    }

    fn finish(&mut self, pass: &mut Pass) {
        if self.state == State::Json {
            self.line(pass);
        } else {
            self.let_go(pass);
        }
        self.state = State::Front;
        self.close(pass, |_| true);
        self.release(pass);
        self.flush(pass, true);
    }

    /// The line ends that these bytes end.
    fn line_ends(&mut self, pass: &mut Pass, bytes: &[u8]) {
        self.state = State::Front;
        self.after_return = self.framing == Framing::Events && bytes.ends_with(b"\r");
        if self.framing == Framing::Lines {
            self.event_ends(pass);
        }
    }

    /// A line feed behind a carriage return goes with it.
    fn belongs(&mut self, pass: &mut Pass, feed: &[u8]) {
        match self.lines.back_mut() {
            Some(line) => {
                line.extend(feed);
                self.waiting += feed.len();
                self.at += feed.len() as u64;
            }
            None => self.plain(pass, feed),
        }
    }

    /// What was collected is no line to be read.
    fn let_go(&mut self, pass: &mut Pass) {
        let front = std::mem::take(&mut self.front);
        self.plain(pass, &front);
    }

    /// What is not read goes on, or waits behind what does.
    fn plain(&mut self, pass: &mut Pass, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.lines.is_empty() {
            let room = limits::STREAM_HELD_BYTES.saturating_sub(self.waiting);
            let (more, rest) = bytes.split_at(room.min(bytes.len()));
            bytes = rest;
            match self.lines.back_mut() {
                Some(line) if line.is_open() => {
                    line.extend(more);
                    self.waiting += more.len();
                }
                _ => self.wait(Line::plain(self.at, more)),
            }
            self.at += more.len() as u64;
            self.bound(pass);
        }
        if !bytes.is_empty() {
            self.mark(self.at);
            self.ready.extend_from_slice(bytes);
            self.at += bytes.len() as u64;
        }
    }

    /// An event is complete.
    fn event_ends(&mut self, pass: &mut Pass) {
        match self.lines.back_mut() {
            Some(line) => line.ends_event = true,
            None => self.flush(pass, true),
        }
    }

    fn wait(&mut self, line: Line) {
        self.waiting += line.len() + limits::STREAM_LINE_COST;
        self.lines.push_back(line);
    }

    /// A line of JSON has come to its end.
    fn line(&mut self, pass: &mut Pass) {
        let raw = std::mem::take(&mut self.front);
        let (from, to) = self.framing.json_in(&raw);
        let json = raw.get(from..to).unwrap_or_default();
        if json == b"[DONE]" {
            self.close(pass, |_| true);
            self.release(pass);
            return self.plain(pass, &raw);
        }
        let mut said = Said::default();
        pass.engine.streams.read(json, &mut said);
        if said.deltas.is_empty() && said.ended.is_empty() {
            self.others = self.others.saturating_add(1);
            return self.plain(pass, &raw);
        }
        self.others = 0;
        self.read += 1;
        // What is learnt from a text must not depend on how much of what stands before it has come this far.
        self.flush(pass, false);
        let mut line = Line::plain(self.at, &raw);
        self.at += raw.len() as u64;
        let mut pieces = Vec::new();
        for delta in &said.deltas {
            let text = self.text_of(pass, delta);
            pieces.push((text, from + delta.start, from + delta.end));
        }
        let texts = line.take_pieces(&pieces, &mut self.texts);
        line.closed = true;
        self.wait(line);
        for (text, piece) in texts {
            self.feed(pass, text, &piece);
        }
        for ended in said.ended {
            self.close(pass, |text| ended.covers(text.key));
        }
        self.release(pass);
        self.bound(pass);
    }

    /// Lets go what no open candidate touches any more.
    fn release(&mut self, pass: &mut Pass) {
        while let Some(line) = self.lines.pop_front() {
            if !line.is_settled() {
                self.lines.push_front(line);
                return;
            }
            self.waiting = self.waiting.saturating_sub(line.len() + limits::STREAM_LINE_COST);
            self.mark(line.at);
            line.write(&mut self.ready);
            if line.ends_event {
                self.flush(pass, true);
            }
        }
    }

    /// Too much waits: what is open is masked as far as it has come.
    fn bound(&mut self, pass: &mut Pass) {
        if self.waiting < limits::STREAM_HELD_BYTES {
            return;
        }
        for i in 0..self.texts.len() {
            self.give_up(pass.exchange, i);
        }
        self.release(pass);
    }

    /// From here on, what goes to the second pass stands there in the INPUT.
    fn mark(&mut self, at: u64) {
        let next = self.given + self.ready.len() as u64;
        let shift = |(given, at): &(u64, u64)| at.wrapping_sub(*given);
        if self.marks.back().map_or(0, shift) != at.wrapping_sub(next) {
            self.marks.push_back((next, at));
        }
    }

    /// The second pass over what has come through the first. `last`: an event ends with it.
    fn flush(&mut self, pass: &mut Pass, last: bool) {
        let ready = std::mem::take(&mut self.ready);
        self.given += ready.len() as u64;
        let told = pass.exchange.findings().len();
        pass.exchange.keep_back();
        let mut blocks = ready.chunks(limits::BLOCK_BYTES).peekable();
        while let Some(block) = blocks.next() {
            let ends = last && blocks.peek().is_none();
            if self.framing == Framing::Lines {
                pass.text(block, ends, &mut Data::default());
            } else {
                let mut text = self.data.text(block, || pass.body.open());
                if ends {
                    text.extend(self.data.end());
                }
                pass.text(&text, ends, &mut self.data);
            }
        }
        if last && ready.is_empty() {
            let text = self.data.end();
            pass.text(&text, true, &mut self.data);
        }
        let reports = pass.exchange.take_kept_back();
        let (marks, data) = (&self.marks, &self.data);
        let place = |o: u64| {
            let o = data.place(o);
            let mark = marks.iter().rev().find(|(given, _)| *given <= o);
            mark.map_or(o, |(given, at)| o - given + at)
        };
        let stretch = |start: u64, end: u64| (place(start), place(end.saturating_sub(1)) + 1);
        pass.exchange.place_findings(told, stretch);
        for report in reports {
            let (from, to) = stretch(report.start, report.end);
            if !self.told.iter().any(|(f, t)| *f < to && from < *t) {
                pass.exchange.found(report.source, report.action, from, to);
            }
        }
        if last {
            self.data.ended();
            let gone = self.lines.front().map_or(self.at, |l| l.at);
            self.told.retain(|(_, to)| *to > gone);
            pass.body.made = None;
        }
        if last && self.marks.len() > 1 {
            self.marks.drain(..self.marks.len() - 1);
        }
        // The room is used again for the next event.
        if ready.capacity() <= 4 * 1024 {
            self.ready = ready;
            self.ready.clear();
        }
    }
}

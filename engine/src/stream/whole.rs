//! Bodies that are dealt with as a whole (`deny.bodies`): held until it is known that they are none, or swallowed.
//!
//! This stands in front of the pipeline, which sees nothing of such a file. What is held leaves for the pipeline as soon as the
//! recogniser says so, so that an ordinary body costs a look at its first bytes.

use super::{Body, Flow, Workspace};
use crate::Engine;
use crate::deny::file::{Kind, Recogniser, Verdict};
use crate::exchange::Exchange;
use crate::rewrite::{self, Action, Edit, Form, Source, Stretch};

/// What is known of the body as a whole.
#[derive(Clone, Debug, Default)]
pub(super) enum Whole {
    /// Nothing has come.
    #[default]
    New,
    /// It may be a file of secrets: what has come of it.
    Open(Box<Recogniser>, Vec<u8>),
    /// It is none, or nobody asks.
    Text,
    /// It is one, and what comes of it is dropped; where its length must stay, stars stand in its place.
    Dropped { keeps_length: bool },
}

impl Whole {
    /// Bytes that are held back.
    pub(super) fn held(&self) -> usize {
        match self {
            Whole::Open(_, held) => held.len(),
            _ => 0,
        }
    }

    pub(super) fn memory(&self) -> usize {
        match self {
            Whole::Open(_, held) => size_of::<Recogniser>() + 1024 + held.capacity(),
            _ => 0,
        }
    }
}

impl Body {
    /// The next chunk, whatever the mode; the body may be, or is, a file of secrets.
    pub(super) fn push_whole(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Flow {
        if let Whole::Text = self.whole {
            return self.enforced(engine, work, exchange, chunk, out);
        }
        if exchange.over() {
            return Flow::Out;
        }
        if let Whole::New = self.whole {
            self.whole = match engine.on_file() {
                Some(_) => Whole::Open(Box::default(), Vec::new()),
                None => Whole::Text,
            };
        }
        match std::mem::replace(&mut self.whole, Whole::Text) {
            Whole::New | Whole::Text => self.enforced(engine, work, exchange, chunk, out),
            Whole::Dropped { keeps_length } => {
                self.whole = Whole::Dropped { keeps_length };
                if keeps_length {
                    rewrite::stars(chunk.len() as u64, out);
                }
                Flow::Out
            }
            Whole::Open(mut recogniser, mut held) => match recogniser.push(chunk) {
                Verdict::Open => {
                    held.extend_from_slice(chunk);
                    self.whole = Whole::Open(recogniser, held);
                    Flow::Out
                }
                Verdict::Other if held.is_empty() => self.enforced(engine, work, exchange, chunk, out),
                Verdict::Other => self.let_go(engine, work, exchange, &[&held, chunk], out),
                Verdict::File(kind) => {
                    let found = (kind, recogniser.seen());
                    self.file(engine, work, exchange, (found, &[&held, chunk]), out)
                }
            },
        }
    }

    /// The body has ended.
    pub(super) fn finish_whole(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        out: &mut Vec<u8>,
    ) -> Flow {
        let mut flow = Flow::Pass;
        match std::mem::replace(&mut self.whole, Whole::Text) {
            Whole::New | Whole::Text => {}
            Whole::Dropped { .. } => return Flow::Pass,
            Whole::Open(mut recogniser, held) => {
                flow = match recogniser.finish() {
                    Verdict::File(kind) => {
                        let found = (kind, recogniser.seen());
                        self.file(engine, work, exchange, (found, &[&held]), out)
                    }
                    _ => self.let_go(engine, work, exchange, &[&held], out),
                };
                if let Whole::Dropped { .. } = self.whole {
                    return flow;
                }
            }
        }
        match self.end_enforced(engine, work, exchange, out) {
            Flow::Pass => flow,
            Flow::Out => Flow::Out,
        }
    }

    /// It is no file: what was held goes through the pipeline.
    fn let_go(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        pieces: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Flow {
        for piece in pieces {
            if self.enforced(engine, work, exchange, piece, out) == Flow::Pass {
                out.extend_from_slice(piece);
            }
        }
        Flow::Out
    }

    /// It is a file.
    fn file(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        ((kind, seen), pieces): ((Kind, u64), &[&[u8]]),
        out: &mut Vec<u8>,
    ) -> Flow {
        let Some(action) = engine.on_file() else {
            return self.let_go(engine, work, exchange, pieces, out);
        };
        let len: usize = pieces.iter().map(|p| p.len()).sum();
        // As far as it was read: how much of it has come by then is chance.
        exchange.found(Source::File(kind), action, 0, seen);
        match action {
            Action::Report => return self.let_go(engine, work, exchange, pieces, out),
            Action::Block(_) => exchange.block(engine, action),
            _ if self.kind.keep_length => rewrite::stars(len as u64, out),
            _ => {
                let edit = Edit {
                    start: 0,
                    end: seen,
                    source: Source::File(kind),
                    action,
                    form: Form::None,
                    percent: 0,
                    context: if self.kind.json {
                        rewrite::Context::JsonValue
                    } else {
                        rewrite::Context::Inline
                    },
                    continues: false,
                };
                let stretch = Stretch {
                    raw: &[],
                    before: None,
                    id: kind.id(),
                };
                rewrite::replacement(&engine.means, &edit, stretch, out);
            }
        }
        self.whole = Whole::Dropped {
            keeps_length: self.kind.keep_length,
        };
        Flow::Out
    }
}

//! A body that comes piece by piece: what could still become part of a finding is held, and nothing else.

use keepmum_engine::{Body, BodyKind, Exchange, Flow};

use crate::machine::{Machine, Outcome};

/// A body on its way through a [`Machine`].
pub struct Stream {
    body: Body,
    exchange: Exchange,
}

impl Stream {
    /// A body that is read as its content type says; without one, as text.
    #[must_use]
    pub fn new(content_type: Option<&[u8]>, keep_length: bool) -> Stream {
        let plain = BodyKind {
            keep_length,
            ..BodyKind::default()
        };
        Stream {
            body: content_type.map_or_else(|| Body::new(plain), |name| Body::of_type(name, keep_length)),
            exchange: Exchange::listing_all(),
        }
    }

    /// Takes the first bytes of the machine's input as the next piece, and with `end` the last. What leaves is the machine's
    /// output, unless nothing `changed`: then it is the piece as it came.
    pub fn push(&mut self, machine: &mut Machine, len: usize, end: bool) -> Outcome {
        machine.out.clear();
        let (engine, work, out) = (&machine.engine, &mut machine.work, &mut machine.out);
        let Some(piece) = machine.input.get(..len) else {
            return Outcome::LOST;
        };
        let mut changed = self.body.push(engine, work, &mut self.exchange, piece, out) == Flow::Out;
        if end {
            if !changed {
                out.extend_from_slice(piece);
                changed = true;
            }
            self.body.finish(engine, work, &mut self.exchange, out);
        }
        let findings = self.exchange.take_findings();
        let outcome = Outcome {
            changed,
            found: findings.len(),
            blocked: self.exchange.blocked().is_some(),
        };
        machine.tell(&findings);
        outcome
    }

    /// Bytes that are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.body.held()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Stream;
    use crate::Machine;

    #[test]
    fn the_output_does_not_depend_on_how_it_was_cut() {
        let text = b"a postgres://app:hunter2-hunter2@db/shop and more";
        let mut machine = Machine::new(b"{}", &|_| None).unwrap();
        for size in 1..text.len() {
            let (mut stream, mut all, mut held) = (Stream::new(None, false), Vec::new(), 0);
            for piece in text.chunks(size) {
                machine.input(piece.len()).unwrap();
                machine.input[..piece.len()].copy_from_slice(piece);
                let outcome = stream.push(&mut machine, piece.len(), false);
                all.extend_from_slice(if outcome.changed { machine.out() } else { piece });
                held = held.max(stream.held());
            }
            stream.push(&mut machine, 0, true);
            all.extend_from_slice(machine.out());
            assert_eq!(
                String::from_utf8(all).unwrap(),
                "a postgres://app:[REDACTED:postgres-url-password]@db/shop and more",
                "{size}"
            );
            assert!(held < text.len());
        }
    }
}

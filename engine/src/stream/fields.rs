//! Field rules: what the JSON walk sees becomes edits.

use super::{Body, Learned, Workspace};
use crate::Engine;
use crate::decide::own;
use crate::decode::{escape, json};
use crate::exchange::Exchange;
use crate::rewrite::{Action, Context, Edit, Source};

impl Body {
    /// Decode: the JSON walk as far as `to`, where field rules or numbers ask for one.
    pub(super) fn fields(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        exchange: &mut Exchange,
        (data, to, last): (&[u8], u64, bool),
        learned: &mut Vec<Learned>,
    ) {
        let numbers = engine.armed.numbers && self.kind.json;
        if engine.fields.is_empty() && !numbers {
            return;
        }
        let from = self.walked;
        self.walked = to;
        let at = |o: u64| usize::try_from(o.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let new = data.get(at(from)..at(to)).unwrap_or_default();
        let rule = |key: &[u8]| engine.field_names.get(&key.to_ascii_lowercase()).copied();
        // What must keep its length can lose text, and nothing else.
        let shapes = self.kind.json && !self.kind.keep_length;
        work.events.clear();
        let kept = numbers.then_some(&mut self.numbers);
        self.walker.walk(new, from, shapes, rule, &mut work.events, kept);
        let mut covered = from;
        for event in work.events.drain(..) {
            match event {
                json::Event::Begin { shape, .. } if self.kind.keep_length && shape != json::Shape::Text => {}
                json::Event::Begin { at, rule, shape } => {
                    self.field = Some((at, rule, shape));
                    // It begins with its first byte, so that there is one.
                    self.field_edit(engine, at, at + 1, rule, shape, false);
                    covered = at + 1;
                }
                json::Event::End { at, value } => {
                    self.field_ends(engine, exchange, (covered, at), value, learned);
                    covered = at;
                }
            }
        }
        if let Some((_, rule, shape)) = self.field {
            self.field_edit(engine, covered, to, rule, shape, true);
        }
        if last {
            if let (Some(from), true) = (self.walker.end_number(), numbers) {
                self.numbers.push((from, to));
            }
            self.field_ends(engine, exchange, (to, to), None, learned);
        }
    }

    /// The value of a field has ended: it is told, and its value remembered.
    fn field_ends(
        &mut self,
        engine: &Engine,
        exchange: &mut Exchange,
        (covered, at): (u64, u64),
        value: Option<Vec<u8>>,
        learned: &mut Vec<Learned>,
    ) {
        let Some((start, rule, shape)) = self.field.take() else {
            return;
        };
        if covered < at {
            self.field_edit(engine, covered, at, rule, shape, true);
        }
        let source = Source::Field(rule);
        let action = engine.fields.get(usize::from(rule)).map_or(Action::Label, |f| f.action);
        let raw = value.unwrap_or_default();
        let text = escape::text_of(&raw, escape::Reading::JSON);
        if own::already_redacted(&text) {
            return;
        }
        exchange.found(source, action, start, at);
        self.learn(learned, (at + 1, at), &raw, &text, (source, action));
    }

    fn field_edit(&mut self, engine: &Engine, start: u64, end: u64, rule: u16, shape: json::Shape, continues: bool) {
        if !engine.enforce {
            return;
        }
        let action = engine.fields.get(usize::from(rule)).map_or(Action::Label, |f| f.action);
        let context = if shape == json::Shape::Text {
            Context::Inline
        } else {
            Context::JsonValue
        };
        self.pending.push(Edit {
            start,
            end,
            source: Source::Field(rule),
            action,
            context,
            continues,
        });
    }
}

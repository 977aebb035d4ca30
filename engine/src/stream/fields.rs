//! Field rules: what the JSON walk sees becomes edits.

use super::{Body, Learned, Workspace};
use crate::Engine;
use crate::decide::own;
use crate::decode::{escape, json, pairs};
use crate::exchange::Exchange;
use crate::limits;
use crate::rewrite::{Action, Context, Edit, Form, Source};

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
        let sought = json::Sought {
            rule,
            paths: &engine.field_paths,
            nested: shapes,
            lines: !self.kind.json,
        };
        match &mut self.pairs {
            Some(pairs) => pairs.walk(new, from, sought.rule, &mut work.events),
            None => self.walker.walk(new, from, &sought, &mut work.events, kept),
        }
        let mut covered = from;
        for event in work.events.drain(..) {
            match event {
                json::Event::Begin { shape, .. } if self.kind.keep_length && shape != json::Shape::Text => {}
                json::Event::Begin { at, rule, shape } => {
                    self.field = Some((at, rule, shape));
                    self.field_waits = self.field_action(engine, rule).needs_end();
                    // It begins with its first byte, so that there is one.
                    self.field_edit(engine, at, at + 1, rule, shape, false);
                    covered = at + 1;
                }
                json::Event::End { at, value } => {
                    self.field_ends(engine, exchange, (data, covered, at), value, learned);
                    covered = at;
                }
            }
        }
        if let Some((start, rule, shape)) = self.field {
            if self.field_waits && to - start > limits::CANDIDATE_BYTES {
                // Too long to wait for.
                self.field_waits = false;
                self.field_edit(engine, start, start + 1, rule, shape, false);
                covered = start + 1;
            }
            self.field_edit(engine, covered, to, rule, shape, true);
        }
        if last {
            if let (Some(from), true) = (self.walker.end_number(), numbers) {
                self.numbers.push((from, to));
            }
            let value = self.pairs.as_mut().and_then(pairs::Walker::end);
            self.field_ends(engine, exchange, (data, to, to), value, learned);
        }
    }

    /// The value of a field has ended: it is told, and its value remembered.
    fn field_ends(
        &mut self,
        engine: &Engine,
        exchange: &mut Exchange,
        (data, mut covered, at): (&[u8], u64, u64),
        value: Option<Vec<u8>>,
        learned: &mut Vec<Learned>,
    ) {
        let Some((start, rule, shape)) = self.field.take() else {
            return;
        };
        let source = Source::Field(rule);
        let action = self.field_action(engine, rule);
        let raw = value.unwrap_or_default();
        let reading = self
            .pairs
            .as_ref()
            .map_or(escape::Reading::JSON, pairs::Walker::reading);
        let text = escape::text_of(&raw, reading);
        if std::mem::take(&mut self.field_waits) {
            if at - start > limits::CANDIDATE_BYTES {
                self.field_edit(engine, start, start + 1, rule, shape, false);
                covered = start + 1;
            } else {
                let index = |o: u64| usize::try_from(o.saturating_sub(self.base)).unwrap_or(usize::MAX);
                let stood = data.get(index(start)..index(at)).unwrap_or_default();
                // What is no text is taken as it stands.
                let value = match shape {
                    json::Shape::Text => escape::text_of(stood, reading),
                    _ => stood.into(),
                };
                if own::already_redacted(&value, &engine.means) {
                    return;
                }
                let form = match shape {
                    // The ends of an object are brackets.
                    json::Shape::Nested if !matches!(action, Action::Hash(_)) => Form::None,
                    _ => Form::of(&engine.means, action, None, (stood, &value), None),
                };
                self.push_field(rule, (start, at), (action, form), shape, false);
                covered = at;
            }
        }
        if covered < at {
            self.field_edit(engine, covered, at, rule, shape, true);
        }
        let inside = match shape {
            // A document as a whole became a string.
            json::Shape::Nested => text.strip_prefix(b"\"").and_then(|t| t.strip_suffix(b"\"")),
            _ => None,
        };
        if own::already_redacted(inside.unwrap_or(&text), &engine.means) {
            return;
        }
        exchange.found(source, action, start, at);
        let action = engine
            .fields
            .get(usize::from(rule))
            .map(|f| f.action)
            .unwrap_or_default();
        let form = Form::of(&engine.means, action, None, (&raw, &text), None);
        self.learn(learned, (at + 1, at), &raw, &text, (source, action, form));
    }

    fn field_action(&self, engine: &Engine, rule: u16) -> Action {
        let action = engine.fields.get(usize::from(rule)).map(|f| f.action);
        match self.treat(action.unwrap_or_default(), Form::None).0 {
            // A value by itself says nothing that could stay.
            Action::Defang => Action::default(),
            action => action,
        }
    }

    /// An edit of a value that leaves as it streams.
    fn field_edit(&mut self, engine: &Engine, start: u64, end: u64, rule: u16, shape: json::Shape, continues: bool) {
        let action = self.field_action(engine, rule).whole();
        if action != Action::Report && !self.field_waits {
            self.push_field(rule, (start, end), (action, Form::None), shape, continues);
        }
    }

    fn push_field(
        &mut self,
        rule: u16,
        (start, end): (u64, u64),
        (action, form): (Action, Form),
        shape: json::Shape,
        continues: bool,
    ) {
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
            form,
            percent: 0,
            context,
            continues,
        });
    }
}

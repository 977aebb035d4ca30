//! Field rules: what the JSON walk sees becomes edits.

use super::{Body, Learned, Workspace};
use crate::Engine;
use crate::decide::validate;
use crate::decode::{escape, json};
use crate::exchange::Exchange;
use crate::rewrite::{Action, Context, Edit, Source};

impl Body {
    /// Decode: the JSON walk, where field rules or numbers ask for one.
    pub(super) fn fields(
        &mut self,
        engine: &Engine,
        work: &mut Workspace,
        new: &[u8],
        end: u64,
        learned: &mut Vec<Learned>,
        exchange: &mut Exchange,
    ) {
        let rules = !engine.fields.is_empty() && !self.kind.keep_length;
        if !rules && !(engine.numbers && self.kind.json) {
            return;
        }
        let from = end - new.len() as u64;
        let rule = |key: &[u8]| {
            if rules {
                engine.field_names.get(&key.to_ascii_lowercase()).copied()
            } else {
                None
            }
        };
        work.events.clear();
        self.walker
            .walk(new, from, self.kind.json, rule, &mut work.events, &mut self.numbers);
        let mut covered = from;
        for event in work.events.drain(..) {
            match event {
                json::Event::Begin { at, rule, shape } => {
                    self.field = Some((at, rule, shape));
                    // It begins with its first byte, so that there is one.
                    self.field_edit(engine, at, at + 1, rule, shape, false);
                    covered = at + 1;
                }
                json::Event::End { at, value } => {
                    let Some((start, rule, shape)) = self.field.take() else {
                        continue;
                    };
                    self.field_edit(engine, covered, at, rule, shape, true);
                    let source = Source::Field(rule);
                    let action = engine.fields.get(usize::from(rule)).map_or(Action::Label, |f| f.action);
                    let text = value.as_deref().map(escape::text_of);
                    let redacted = start == at || text.as_deref().is_some_and(validate::already_redacted);
                    if !redacted {
                        exchange.found(source, action, start, at);
                        if let Some(text) = text {
                            learned.push(Learned {
                                at,
                                from: at,
                                value: text.into_owned(),
                                source,
                                action,
                            });
                        }
                    }
                    covered = at;
                }
            }
        }
        if let (Some((_, rule, shape)), true) = (self.field, self.walker.inside_field()) {
            self.field_edit(engine, covered, end, rule, shape, true);
        }
    }

    pub(super) fn field_edit(
        &mut self,
        engine: &Engine,
        start: u64,
        end: u64,
        rule: u16,
        shape: json::Shape,
        continues: bool,
    ) {
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

//! The ways inside one counted repetition, each with the character number at which it entered; the oldest first.
//!
//! A queue whose first place is part of it: most repetitions have one way in them, and are entered and left again with
//! every character, so that memory from the heap would be asked for and given back a million times a second.

use std::collections::VecDeque;

use super::Path;

type Entry = (u64, Path);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entries {
    first: Option<Entry>,
    /// Empty if there is no first.
    more: VecDeque<Entry>,
}

impl Entries {
    pub(super) fn of(first: Entry) -> Entries {
        Entries {
            first: Some(first),
            more: VecDeque::new(),
        }
    }

    /// The same, but no more than so many.
    pub(super) fn first_few(&self, most: usize) -> Entries {
        Entries {
            first: self.first,
            more: self.more.iter().take(most.saturating_sub(1)).copied().collect(),
        }
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.first.as_ref()
    }

    pub(super) fn pop_front(&mut self) {
        self.first = self.more.pop_front();
    }

    pub(super) fn back_mut(&mut self) -> Option<&mut Entry> {
        self.more.back_mut().or(self.first.as_mut())
    }

    pub(super) fn push_back(&mut self, entry: Entry) {
        match self.first {
            None => self.first = Some(entry),
            Some(_) => self.more.push_back(entry),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Entry) -> bool) {
        self.more.retain(&mut keep);
        if !self.first.as_ref().is_some_and(keep) {
            self.pop_front();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.first.iter().chain(&self.more)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.first.iter_mut().chain(&mut self.more)
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Memory on the heap.
    pub(super) fn bytes(&self) -> usize {
        self.more.capacity() * size_of::<Entry>()
    }
}

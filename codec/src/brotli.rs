//! Brotli (RFC 7932), through `brotli-decompressor`. It takes its memory from an allocator that can refuse, and says so then
//! instead of stopping; the window that the first byte asks for is looked at before it sees any.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

use brotli_decompressor::{
    Allocator, BrotliDecoderErrorCode, BrotliDecoderTakeOutput, BrotliDecompressStream, BrotliResult, BrotliState,
    SliceWrapper, SliceWrapperMut,
};

use crate::{Broken, Sink};

/// Bytes that come out at a time.
const PIECE: usize = 16 * 1024;

/// One stream on its way.
pub(crate) struct Brotli {
    /// Bytes that it may look back.
    window: usize,
    memory: Memory,
    state: Option<Box<State>>,
    /// Output that goes out together, and how much of it there is.
    piece: Vec<u8>,
    filled: usize,
    done: bool,
}

type State = BrotliState<Memory, Memory, Memory>;

/// What a decoder holds.
#[derive(Clone, Default)]
struct Memory(Rc<Account>);

#[derive(Default)]
struct Account {
    used: Cell<usize>,
    allowed: Cell<usize>,
    refused: Cell<bool>,
}

/// Some of it; none of it was refused.
struct Cells<T> {
    cells: Vec<T>,
    of: Memory,
}

impl<T> Default for Cells<T> {
    fn default() -> Cells<T> {
        Cells {
            cells: Vec::new(),
            of: Memory::default(),
        }
    }
}

impl<T> Drop for Cells<T> {
    fn drop(&mut self) {
        let used = &self.of.0.used;
        used.set(used.get().saturating_sub(size_of_val(self.cells.as_slice())));
    }
}

impl<T> SliceWrapper<T> for Cells<T> {
    fn slice(&self) -> &[T] {
        &self.cells
    }
}

impl<T> SliceWrapperMut<T> for Cells<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.cells
    }
}

impl Memory {
    fn cells<T: Clone + Default>(&self, len: usize) -> Cells<T> {
        let mut cells = Vec::new();
        let used = self.0.used.get().saturating_add(len.saturating_mul(size_of::<T>()));
        if used > self.0.allowed.get() || cells.try_reserve_exact(len).is_err() {
            self.0.refused.set(true);
            return Cells::default();
        }
        cells.resize(len, T::default());
        self.0.used.set(used);
        Cells {
            cells,
            of: self.clone(),
        }
    }
}

impl<T: Clone + Default> Allocator<T> for Memory {
    type AllocatedMemory = Cells<T>;

    fn alloc_cell(&mut self, len: usize) -> Cells<T> {
        self.cells(len)
    }

    fn free_cell(&mut self, _: Cells<T>) {}
}

/// Bytes that a stream asks to look back, by its first byte (RFC 7932 section 9.1); `None`: it is no such byte.
fn window_of(first: u8) -> Option<usize> {
    let bits = match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, ..) => 16,
        (_, 0, 0) => 17,
        (_, 0, 1) => return None,
        (_, 0, n) => 8 + n,
        (_, n, _) => 17 + n,
    };
    Some(1 << bits)
}

/// What had been decoded when it failed, which would have come out before if the input had come in smaller pieces. The command
/// that failed may have written some bytes itself, or not: by byte they would be the same always, at five times the cost.
fn rest(state: &mut State, sink: Sink<'_>) -> Result<(), Broken> {
    state.error_code = BrotliDecoderErrorCode::BROTLI_DECODER_SUCCESS;
    state.meta_block_remaining_len = state.meta_block_remaining_len.max(0);
    loop {
        let mut size = PIECE;
        let piece = BrotliDecoderTakeOutput(state, &mut size);
        if piece.is_empty() {
            return Ok(());
        }
        sink(piece)?;
    }
}

impl Brotli {
    pub(crate) fn new(window: usize) -> Brotli {
        let memory = Memory::default();
        memory.0.allowed.set(usize::MAX);
        Brotli {
            window,
            memory,
            state: None,
            piece: Vec::new(),
            filled: 0,
            done: false,
        }
    }

    /// It may hold so many bytes from now on.
    pub(crate) fn allow(&mut self, bytes: usize) {
        self.memory
            .0
            .allowed
            .set(bytes.saturating_sub(PIECE + size_of::<State>()));
    }

    fn begin(&mut self, first: u8) -> Result<(), Broken> {
        if window_of(first).ok_or(Broken::Malformed)? > self.window {
            return Err(Broken::Window);
        }
        self.piece.try_reserve_exact(PIECE).map_err(|_| Broken::Memory)?;
        self.piece.resize(PIECE, 0);
        let memory = || self.memory.clone();
        self.state = Some(Box::new(BrotliState::new_strict(memory(), memory(), memory())));
        Ok(())
    }

    pub(crate) fn push(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        let done = self.decode(input, sink);
        // What was decoded before damage comes out before it is told.
        self.give(sink)?;
        match (done, &mut self.state) {
            (Err(Broken::Malformed | Broken::Memory), Some(state)) => rest(state, sink).and(done),
            _ => done,
        }
    }

    /// Gives out what has come together.
    fn give(&mut self, sink: Sink<'_>) -> Result<(), Broken> {
        let filled = core::mem::take(&mut self.filled);
        match self.piece.get(..filled) {
            Some(piece) if filled > 0 => sink(piece),
            _ => Ok(()),
        }
    }

    fn decode(&mut self, input: &[u8], sink: Sink<'_>) -> Result<(), Broken> {
        let Some(first) = input.first() else { return Ok(()) };
        if self.done {
            return Err(Broken::Trailing);
        }
        if self.state.is_none() {
            self.begin(*first)?;
        }
        let (mut left, mut at, mut total) = (input.len(), 0, 0);
        loop {
            let Some(state) = &mut self.state else { return Ok(()) };
            let mut room = self.piece.len() - self.filled;
            let (filled, piece) = (&mut self.filled, self.piece.as_mut_slice());
            let result = BrotliDecompressStream(&mut left, &mut at, input, &mut room, filled, piece, &mut total, state);
            match result {
                // Output that found no room is asked for once more.
                BrotliResult::NeedsMoreOutput | BrotliResult::NeedsMoreInput if room == 0 => self.give(sink)?,
                BrotliResult::NeedsMoreOutput | BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultFailure if self.memory.0.refused.get() => return Err(Broken::Memory),
                BrotliResult::ResultFailure => return Err(Broken::Malformed),
                BrotliResult::ResultSuccess => {
                    self.done = true;
                    self.state = None;
                    return if left > 0 { Err(Broken::Trailing) } else { Ok(()) };
                }
            }
        }
    }

    pub(crate) fn finish(&self) -> Result<(), Broken> {
        // An empty body is an empty message, whatever it is said to be.
        if self.done || self.state.is_none() {
            Ok(())
        } else {
            Err(Broken::Truncated)
        }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.done
    }

    pub(crate) fn memory(&self) -> usize {
        let state = if self.state.is_some() { size_of::<State>() } else { 0 };
        state + self.piece.capacity() + self.memory.0.used.get()
    }
}

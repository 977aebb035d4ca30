//! The host calls, by subject. Each function reads its arguments from the module's memory, acts on the
//! current (or effective) context, and answers with a status.

pub(super) mod buffers;
pub(super) mod calls;
pub(super) mod general;
pub(super) mod maps;
pub(super) mod measure;
pub(super) mod sharing;
pub(super) mod stream;
pub(super) mod wasi;

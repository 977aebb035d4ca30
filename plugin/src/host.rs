//! Every call to the proxy, in one file: bytes in, bytes out, a named error for each status.
//!
//! Why not the SDK's own functions: they unwrap UTF-8 (one `authorization` header with a byte over 0x7f kills the
//! worker and prints the header) and panic on a status that they do not expect.
//!
//! Why `unsafe` is sound here: the imports below have the signatures of proxy-wasm ABI 0.2.1, and of WASI preview 1. Pointers passed in come
//! from live slices and are only read during the call. A pointer handed out by the host was made by this module's own
//! exported allocator (the SDK's `malloc`: a `Vec<u8>` of exactly the size asked for, forgotten), so that taking it
//! back as a `Vec` with that size as length and capacity is its inverse.
#![allow(unsafe_code)]

/// Why a host call did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostError {
    /// What was asked for is not there (NOT_FOUND, EMPTY).
    Absent,
    /// The call is not possible in this phase, or its arguments are wrong (BAD_ARGUMENT).
    Refused,
    /// Anything else.
    Failed,
}

fn status(code: u32) -> Result<(), HostError> {
    match code {
        0 => Ok(()),
        1 | 7 => Err(HostError::Absent),
        2 => Err(HostError::Refused),
        _ => Err(HostError::Failed),
    }
}

/// Log levels, as the proxy numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

/// Header lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Map {
    Request = 0,
    RequestTrailers = 1,
    Response = 2,
    ResponseTrailers = 3,
    CallResponse = 6,
}

/// Buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    RequestBody = 0,
    ResponseBody = 1,
    CallResponse = 4,
    PluginConfiguration = 7,
}

mod env {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub(super) fn proxy_log(level: u32, text: *const u8, len: usize) -> u32;
        pub(super) fn proxy_get_log_level(level: *mut u32) -> u32;
        pub(super) fn proxy_get_buffer_bytes(
            buffer: u32,
            start: usize,
            max: usize,
            data: *mut *mut u8,
            len: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_buffer_bytes(
            buffer: u32,
            start: usize,
            size: usize,
            data: *const u8,
            len: usize,
        ) -> u32;
        pub(super) fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, len: *mut usize) -> u32;
        pub(super) fn proxy_set_header_map_pairs(map: u32, data: *const u8, len: usize) -> u32;
        pub(super) fn proxy_add_header_map_value(
            map: u32,
            key: *const u8,
            key_len: usize,
            value: *const u8,
            value_len: usize,
        ) -> u32;
        pub(super) fn proxy_remove_header_map_value(map: u32, key: *const u8, key_len: usize) -> u32;
        #[allow(clippy::too_many_arguments)]
        pub(super) fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_len: usize,
            body: *const u8,
            body_len: usize,
            headers: *const u8,
            headers_len: usize,
            grpc_status: i32,
        ) -> u32;
        pub(super) fn proxy_get_property(path: *const u8, path_len: usize, data: *mut *mut u8, len: *mut usize) -> u32;
        pub(super) fn proxy_set_property(path: *const u8, path_len: usize, data: *const u8, len: usize) -> u32;
        pub(super) fn proxy_get_shared_data(
            key: *const u8,
            key_len: usize,
            data: *mut *mut u8,
            len: *mut usize,
            cas: *mut u32,
        ) -> u32;
        pub(super) fn proxy_set_shared_data(
            key: *const u8,
            key_len: usize,
            data: *const u8,
            len: usize,
            cas: u32,
        ) -> u32;
        pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub(super) fn proxy_close_stream(stream: u32) -> u32;
        pub(super) fn proxy_define_metric(kind: u32, name: *const u8, name_len: usize, id: *mut u32) -> u32;
        pub(super) fn proxy_increment_metric(id: u32, by: i64) -> u32;
        pub(super) fn proxy_record_metric(id: u32, value: u64) -> u32;
    }
}

mod wasi {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub(super) fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u32;
        pub(super) fn environ_get(entries: *mut *mut u8, text: *mut u8) -> u32;
    }
}

/// The most environment that is read.
const ENVIRONMENT_BYTES: usize = 1024 * 1024;

/// The environment that the proxy gives the module (`vm_config.environment_variables`): `NAME=value`, each.
pub(crate) fn environment() -> Vec<Vec<u8>> {
    let (mut count, mut size) = (0usize, 0usize);
    let code = unsafe { wasi::environ_sizes_get(&raw mut count, &raw mut size) };
    if code != 0 || count == 0 || size > ENVIRONMENT_BYTES || count > size {
        return Vec::new();
    }
    // The host writes so many pointers into the second, and so many bytes.
    let (mut entries, mut text) = (vec![std::ptr::null_mut(); count], vec![0u8; size]);
    if unsafe { wasi::environ_get(entries.as_mut_ptr(), text.as_mut_ptr()) } != 0 {
        return Vec::new();
    }
    text.split(|b| *b == 0)
        .filter(|e| !e.is_empty())
        .map(<[u8]>::to_vec)
        .collect()
}

/// Writes one line to the proxy's log.
pub(crate) fn log(level: Level, text: &str) {
    // A log line that cannot be written is not worth more than the request.
    let _ = unsafe { env::proxy_log(level as u32, text.as_ptr(), text.len()) };
}

/// Whether lines of this level are kept, so that they need not be made otherwise.
pub(crate) fn logs(level: Level) -> bool {
    let mut current = Level::Info as u32;
    let code = unsafe { env::proxy_get_log_level(&raw mut current) };
    status(code).is_ok() && current <= level as u32
}

fn taken(code: u32, data: *mut u8, len: usize) -> Result<Vec<u8>, HostError> {
    status(code)?;
    if data.is_null() || len == 0 {
        return Ok(Vec::new());
    }
    Ok(unsafe { Vec::from_raw_parts(data, len, len) })
}

/// At most `max` bytes of a buffer from `start` on.
pub(crate) fn buffer(buffer: Buffer, start: usize, max: usize) -> Result<Vec<u8>, HostError> {
    let (mut data, mut len) = (std::ptr::null_mut(), 0);
    let code = unsafe { env::proxy_get_buffer_bytes(buffer as u32, start, max, &raw mut data, &raw mut len) };
    taken(code, data, len)
}

/// Replaces the whole of a body buffer that holds `len` bytes.
pub(crate) fn replace_buffer(buffer: Buffer, len: usize, data: &[u8]) -> Result<(), HostError> {
    status(unsafe { env::proxy_set_buffer_bytes(buffer as u32, 0, len, data.as_ptr(), data.len()) })
}

/// Adds to the end of a body buffer that is not empty.
pub(crate) fn append_buffer(buffer: Buffer, data: &[u8]) -> Result<(), HostError> {
    // What begins behind the end is appended, in all versions.
    let behind = i32::MAX as usize;
    status(unsafe { env::proxy_set_buffer_bytes(buffer as u32, behind, 0, data.as_ptr(), data.len()) })
}

/// A header list, serialised (`headers.rs` reads it). Empty when the list is not live in this phase.
pub(crate) fn pairs(map: Map) -> Result<Vec<u8>, HostError> {
    let (mut data, mut len) = (std::ptr::null_mut(), 0);
    let code = unsafe { env::proxy_get_header_map_pairs(map as u32, &raw mut data, &raw mut len) };
    taken(code, data, len)
}

/// Replaces a header list. The caller keeps to the proxy's limits: past them it would delete every header.
pub(crate) fn set_pairs(map: Map, serialised: &[u8]) -> Result<(), HostError> {
    status(unsafe { env::proxy_set_header_map_pairs(map as u32, serialised.as_ptr(), serialised.len()) })
}

/// Adds one header.
pub(crate) fn add(map: Map, name: &[u8], value: &[u8]) -> Result<(), HostError> {
    status(unsafe {
        env::proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

/// Removes all headers of a name.
pub(crate) fn remove(map: Map, name: &[u8]) -> Result<(), HostError> {
    status(unsafe { env::proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// Answers the client in place of the upstream.
pub(crate) fn reply(code: u16, details: &str, headers: &[u8], body: &[u8]) -> Result<(), HostError> {
    status(unsafe {
        env::proxy_send_local_response(
            u32::from(code),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    })
}

/// A property of the exchange, by the steps of its path.
pub(crate) fn property(path: &[&str]) -> Result<Vec<u8>, HostError> {
    let path = path.join("\0");
    let (mut data, mut len) = (std::ptr::null_mut(), 0);
    let code = unsafe { env::proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut len) };
    taken(code, data, len)
}

/// Sets a property: filter state of the proxy, as `wasm.<path>`.
pub(crate) fn set_property(path: &str, value: &[u8]) -> Result<(), HostError> {
    status(unsafe { env::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// What VMs of one id share under a key, and a number that changes when it is written.
pub(crate) fn shared(key: &str) -> Result<(Vec<u8>, u32), HostError> {
    let (mut data, mut len, mut cas) = (std::ptr::null_mut(), 0, 0);
    let code =
        unsafe { env::proxy_get_shared_data(key.as_ptr(), key.len(), &raw mut data, &raw mut len, &raw mut cas) };
    Ok((taken(code, data, len)?, cas))
}

/// Writes that, if nobody else has since; `cas` is zero where there was nothing.
pub(crate) fn share(key: &str, data: &[u8], cas: u32) -> Result<(), HostError> {
    status(unsafe { env::proxy_set_shared_data(key.as_ptr(), key.len(), data.as_ptr(), data.len(), cas) })
}

/// From now on the root context is called so often.
pub(crate) fn tick_every(milliseconds: u32) -> Result<(), HostError> {
    status(unsafe { env::proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Nanoseconds since 1970; zero if the proxy does not tell.
pub(crate) fn now() -> u64 {
    let mut time = 0;
    match unsafe { env::proxy_get_current_time_nanoseconds(&raw mut time) } {
        0 => time,
        _ => 0,
    }
}

/// Resets the stream to the client.
pub(crate) fn reset_response() -> Result<(), HostError> {
    status(unsafe { env::proxy_close_stream(1) })
}

/// Defines a metric: 0 is a counter, 1 a gauge.
pub(crate) fn define_metric(kind: u32, name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    status(unsafe { env::proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(id)
}

/// Adds to a counter; `by` must be above zero.
pub(crate) fn increment(id: u32, by: i64) -> Result<(), HostError> {
    status(unsafe { env::proxy_increment_metric(id, by) })
}

/// Sets a gauge.
pub(crate) fn record(id: u32, value: u64) -> Result<(), HostError> {
    status(unsafe { env::proxy_record_metric(id, value) })
}

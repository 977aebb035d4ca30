//! The WASI functions that Envoy registers, under both module names: a few real, the rest with fixed answers.
//!
//! Why not a real WASI: a module in a proxy has no files, no arguments and no exit; what it may see is this.

use wasmtime::{Caller, Linker};

use crate::host::log::LogLevel;
use crate::host::memory::{Guest, read, write, write_u32, write_u64};
use crate::host::state::Host;
use crate::host::status::Fault;

const SUCCESS: u32 = 0;
const BADF: u32 = 8;
const FAULT: u32 = 21;
const INVAL: u32 = 28;
const NOENT: u32 = 44;
const NOSYS: u32 = 52;
const NOTSUP: u32 = 58;

/// More random bytes than this in one call are refused.
const MAX_RANDOM: u32 = 64 * 1024;

/// Links functions with a body: they answer with an errno, or trap.
macro_rules! real {
    ($linker:expr, $module:expr; $($name:literal => $function:path as ($($arg:ident : $ty:ty),*);)*) => {
        $($linker.func_wrap($module, $name, |mut guest: Caller<'_, Host>, $($arg: $ty),*| -> wasmtime::Result<u32> {
            guest.data().check_allowed($name)?;
            match $function(&mut guest, $($arg),*) {
                Ok(errno) => Ok(errno),
                Err(Fault::Trap(trap)) => Err(trap),
                Err(Fault::Status(_)) => Ok(FAULT),
            }
        })?;)*
    };
}

/// Links functions that always answer the same.
macro_rules! fixed {
    ($linker:expr, $module:expr; $($errno:ident : $($name:literal ($($ty:ty),*)),+;)*) => {
        $($($linker.func_wrap($module, $name, |guest: Caller<'_, Host>, $(_: $ty),*| -> wasmtime::Result<u32> {
            guest.data().check_allowed($name)?;
            Ok($errno)
        })?;)+)*
    };
}

/// Links functions that answer 0 for standard output and error, and BADF for any other file.
macro_rules! standard_streams_only {
    ($linker:expr, $module:expr; $($name:literal ($($ty:ty),*)),+;) => {
        $($linker.func_wrap($module, $name, |guest: Caller<'_, Host>, fd: u32, $(_: $ty),*| -> wasmtime::Result<u32> {
            guest.data().check_allowed($name)?;
            Ok(if is_standard(fd) { SUCCESS } else { BADF })
        })?;)+
    };
}

fn is_standard(fd: u32) -> bool {
    matches!(fd, 1 | 2)
}

pub(in crate::host) fn link(linker: &mut Linker<Host>, module: &str) -> wasmtime::Result<()> {
    real! { linker, module;
        "fd_write" => fd_write as (fd: u32, vectors: u32, count: u32, written: u32);
        "fd_pwrite" => fd_pwrite as (fd: u32, vectors: u32, count: u32, offset: u64, written: u32);
        "fd_fdstat_get" => fd_fdstat_get as (fd: u32, out: u32);
        "fd_seek" => fd_seek as (fd: u32, offset: i64, whence: u32, out: u32);
        "fd_close" => fd_close as (fd: u32);
        "environ_get" => environ_get as (array: u32, buffer: u32);
        "environ_sizes_get" => environ_sizes_get as (count: u32, size: u32);
        "args_sizes_get" => args_sizes_get as (count: u32, size: u32);
        "clock_time_get" => clock_time_get as (id: u32, precision: u64, out: u32);
        "clock_res_get" => clock_res_get as (id: u32, out: u32);
        "random_get" => random_get as (buffer: u32, len: u32);
        "poll_oneoff" => poll_oneoff as (subscriptions: u32, events: u32, count: u32, out: u32);
    }
    fixed! { linker, module;
        SUCCESS: "args_get"(u32, u32), "sched_yield"(), "fd_advise"(u32, u64, u64, u32);
        NOENT: "path_open"(u32, u32, u32, u32, u32, u64, u64, u32, u32);
        BADF: "fd_prestat_get"(u32, u32), "fd_filestat_get"(u32, u32);
        NOSYS: "fd_prestat_dir_name"(u32, u32, u32), "fd_read"(u32, u32, u32, u32),
            "fd_pread"(u32, u32, u32, u64, u32), "fd_fdstat_set_flags"(u32, u32);
        NOTSUP: "fd_renumber"(u32, u32), "path_create_directory"(u32, u32, u32),
            "path_filestat_get"(u32, u32, u32, u32, u32), "path_filestat_set_times"(u32, u32, u32, u32, u64, u64, u32),
            "path_link"(u32, u32, u32, u32, u32, u32, u32), "path_readlink"(u32, u32, u32, u32, u32, u32),
            "path_remove_directory"(u32, u32, u32), "path_rename"(u32, u32, u32, u32, u32, u32),
            "path_symlink"(u32, u32, u32, u32, u32), "path_unlink_file"(u32, u32, u32),
            "proc_raise"(u32), "sock_accept"(u32, u32, u32), "sock_recv"(u32, u32, u32, u32, u32, u32),
            "sock_send"(u32, u32, u32, u32, u32), "sock_shutdown"(u32, u32);
        // 20, ENOTDIR in that numbering.
        NOTDIR: "fd_readdir"(u32, u32, u32, u64, u32);
    }
    standard_streams_only! { linker, module;
        "fd_allocate"(u64, u64), "fd_datasync"(), "fd_fdstat_set_rights"(u64, u64), "fd_filestat_set_size"(u64),
        "fd_filestat_set_times"(u64, u64, u32), "fd_sync"(), "fd_tell"(u32);
    }
    linker.func_wrap(
        module,
        "proc_exit",
        |mut guest: Caller<'_, Host>, _: u32| -> wasmtime::Result<()> {
            guest.data().check_allowed("proc_exit")?;
            guest.data_mut().lasting.log(LogLevel::Trace, b"wasi proc_exit");
            Ok(())
        },
    )?;
    Ok(())
}

const NOTDIR: u32 = 20;

/// Standard output is an info line, standard error an error line, each without its newline.
fn fd_write(guest: &mut Guest<'_>, fd: u32, vectors: u32, count: u32, written: u32) -> Result<u32, Fault> {
    let level = match fd {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return Ok(BADF),
    };
    let mut line = Vec::new();
    for i in 0..count {
        let vector = read(guest, vectors.wrapping_add(i.wrapping_mul(8)), 8)?;
        let word = |at: usize| {
            vector[at..at + 4]
                .iter()
                .rev()
                .fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
        };
        let (ptr, len) = (word(0), word(4));
        if len > 0 {
            line.extend_from_slice(read(guest, ptr, len)?);
        }
    }
    let len = line.len();
    if len > 0 {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        let host = guest.data_mut();
        if level >= host.options.log_level {
            host.lasting.log(level, &line);
        }
    }
    write_u32(guest, written, len as u32)?;
    Ok(SUCCESS)
}

fn fd_pwrite(guest: &mut Guest<'_>, fd: u32, vectors: u32, count: u32, _: u64, written: u32) -> Result<u32, Fault> {
    fd_write(guest, fd, vectors, count, written)
}

fn fd_fdstat_get(guest: &mut Guest<'_>, fd: u32, out: u32) -> Result<u32, Fault> {
    if !is_standard(fd) {
        return Ok(BADF);
    }
    let mut stat = [0; 24];
    stat[8] = 64; // the right to write
    write(guest, out, &stat)?;
    Ok(SUCCESS)
}

fn fd_seek(_: &mut Guest<'_>, _: u32, _: i64, _: u32, _: u32) -> Result<u32, Fault> {
    Ok(SUCCESS)
}

fn fd_close(_: &mut Guest<'_>, _: u32) -> Result<u32, Fault> {
    Ok(SUCCESS)
}

fn environ_get(guest: &mut Guest<'_>, array: u32, buffer: u32) -> Result<u32, Fault> {
    let options = guest.data().options.clone();
    let (mut array, mut buffer) = (array, buffer);
    for (key, value) in &options.environment {
        let entry = format!("{key}={value}\0");
        write_u32(guest, array, buffer)?;
        write(guest, buffer, entry.as_bytes())?;
        array = array.wrapping_add(4);
        buffer = buffer.wrapping_add(entry.len() as u32);
    }
    Ok(SUCCESS)
}

fn environ_sizes_get(guest: &mut Guest<'_>, count: u32, size: u32) -> Result<u32, Fault> {
    let environment = &guest.data().options.environment;
    let (entries, bytes) = (
        environment.len(),
        environment.iter().map(|(k, v)| k.len() + v.len() + 2).sum::<usize>(),
    );
    write_u32(guest, count, entries as u32)?;
    write_u32(guest, size, bytes as u32)?;
    Ok(SUCCESS)
}

fn args_sizes_get(guest: &mut Guest<'_>, count: u32, size: u32) -> Result<u32, Fault> {
    write_u32(guest, count, 0)?;
    write_u32(guest, size, 0)?;
    Ok(SUCCESS)
}

fn clock_time_get(guest: &mut Guest<'_>, id: u32, _: u64, out: u32) -> Result<u32, Fault> {
    if id > 1 {
        return Ok(NOTSUP);
    }
    let now = guest.data().lasting.clock.now;
    write_u64(guest, out, now)?;
    Ok(SUCCESS)
}

fn clock_res_get(guest: &mut Guest<'_>, id: u32, out: u32) -> Result<u32, Fault> {
    if id > 1 {
        return Ok(NOTSUP);
    }
    write_u64(guest, out, 1)?;
    Ok(SUCCESS)
}

fn random_get(guest: &mut Guest<'_>, buffer: u32, len: u32) -> Result<u32, Fault> {
    if len > MAX_RANDOM {
        return Ok(INVAL);
    }
    let mut bytes = vec![0; len as usize];
    guest.data_mut().lasting.clock.fill(&mut bytes);
    write(guest, buffer, &bytes)?;
    Ok(SUCCESS)
}

/// Go's runtime calls this; no event ever comes.
fn poll_oneoff(guest: &mut Guest<'_>, _: u32, _: u32, _: u32, out: u32) -> Result<u32, Fault> {
    write_u32(guest, out, 0)?;
    Ok(SUCCESS)
}

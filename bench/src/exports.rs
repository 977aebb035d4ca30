//! The wasm module's functions: numbers in, numbers out. Memory is written by the host, into what `alloc` returned.
//!
//! No pointer is followed here: the buffer belongs to the subject, and the host only learns where it lies.
// An export needs its exact name, and the compiler counts that as unsafe; there is nothing else of the kind here.
#![allow(unsafe_code)]

use std::cell::RefCell;

use crate::Subject;

thread_local! {
    static SUBJECT: RefCell<Option<Subject>> = const { RefCell::new(None) };
}

fn with<T: Default>(act: impl FnOnce(&mut Subject) -> T) -> T {
    SUBJECT
        .with(|s| s.try_borrow_mut().ok().and_then(|mut s| s.as_mut().map(act)))
        .unwrap_or_default()
}

/// Compiles the policy and the DFA, and returns the number of anchors; 0: neither is there.
#[unsafe(no_mangle)]
pub extern "C" fn start() -> u32 {
    SUBJECT.with(|s| s.replace(Subject::new().ok()));
    with(|s| u32::try_from(s.anchors()).unwrap_or(0))
}

/// Makes room for bodies of this length together, and returns where the host puts them.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(len: u32) -> *mut u8 {
    SUBJECT.with(|s| {
        s.borrow_mut().as_mut().map_or(std::ptr::null_mut(), |s| {
            s.data = vec![0; len as usize];
            s.data.as_mut_ptr()
        })
    })
}

/// What the bytes are: the length of each body, and whether they are JSON.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(each: u32, json: u32) {
    with(|s| (s.each, s.json) = (each as usize, json != 0));
}

/// Reads the bytes as a policy, which is the one from now on; 0: it is refused.
#[unsafe(no_mangle)]
pub extern "C" fn compile() -> u64 {
    with(|s| {
        let policy = std::mem::take(&mut s.data);
        let taken = s.compile(&policy);
        s.data = policy;
        u64::from(taken)
    })
}

/// Reads the bytes as a set of fingerprints, and returns how many forms it has; 0: it is refused.
#[unsafe(no_mangle)]
pub extern "C" fn know() -> u64 {
    with(|s| {
        let set = std::mem::take(&mut s.data);
        let forms = s.know(&set);
        s.data = set;
        forms as u64
    })
}

/// Chooses routes, and returns for how many requests there was one.
#[unsafe(no_mangle)]
pub extern "C" fn route_pass() -> u64 {
    with(|s| s.route_pass())
}

/// Takes the bodies through the engine, and returns how many findings there were.
#[unsafe(no_mangle)]
pub extern "C" fn engine_pass() -> u64 {
    with(|s| s.engine_pass().times)
}

/// Looks for the anchors in the bodies, and returns how many there are.
#[unsafe(no_mangle)]
pub extern "C" fn anchor_pass() -> u64 {
    with(|s| s.anchor_pass())
}

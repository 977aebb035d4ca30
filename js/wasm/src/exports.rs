//! What JavaScript sees: numbers and short texts. Long ones stand in the module's memory.

#![allow(missing_docs, reason = "the types that users read are written by hand")]

use wasm_bindgen::prelude::*;

use crate::machine;
use crate::stream;

#[wasm_bindgen]
extern "C" {
    /// Where variables are looked up.
    pub type Environment;
    #[wasm_bindgen(method, structural)]
    fn get(this: &Environment, name: &str) -> Option<String>;
}

/// A panic text could quote what was being read: the place is all that is told.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|_| {}));
}

#[wasm_bindgen]
pub fn policy_schema() -> String {
    keepmum_engine::policy_schema().to_string()
}

#[wasm_bindgen]
pub struct Machine(machine::Machine);

#[wasm_bindgen]
impl Machine {
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str, environment: &Environment) -> Result<Machine, JsValue> {
        let look = |name: &str| environment.get(name).map(String::into_bytes);
        machine::Machine::new(policy.as_bytes(), &look)
            .map(Machine)
            .map_err(|told| JsValue::from_str(&told))
    }

    /// Zero: there is no memory for so much.
    pub fn input(&mut self, len: usize) -> usize {
        self.0.input(len).map_or(0, |at| at as usize)
    }

    pub fn redact(&mut self, len: usize, keep_length: bool) -> u32 {
        self.0.redact(len, None, keep_length).packed()
    }

    pub fn redact_as(&mut self, len: usize, content_type: &str, keep_length: bool) -> u32 {
        self.0.redact(len, Some(content_type.as_bytes()), keep_length).packed()
    }

    pub fn out(&self) -> usize {
        self.0.out().as_ptr() as usize
    }

    pub fn out_len(&self) -> usize {
        self.0.out().len()
    }

    pub fn findings(&self) -> String {
        self.0.findings().to_owned()
    }

    pub fn begin(&mut self, key: &[u8], salt: &[u8]) -> bool {
        self.0.begin(key, salt)
    }

    pub fn arm(&mut self, id: &str, len: usize) -> bool {
        self.0.arm(id, len).is_ok()
    }

    pub fn know(&mut self) -> bool {
        self.0.know()
    }

    pub fn about(&self) -> String {
        self.0.about()
    }
}

#[wasm_bindgen]
pub struct Stream(stream::Stream);

#[wasm_bindgen]
impl Stream {
    #[wasm_bindgen(constructor)]
    pub fn new(content_type: Option<String>, keep_length: bool) -> Stream {
        Stream(stream::Stream::new(
            content_type.as_deref().map(str::as_bytes),
            keep_length,
        ))
    }

    pub fn push(&mut self, machine: &mut Machine, len: usize, end: bool) -> u32 {
        self.0.push(&mut machine.0, len, end).packed()
    }

    pub fn held(&self) -> usize {
        self.0.held()
    }
}

//! The plugin's configuration: read once for each VM, refused with the field's name if it is wrong.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use keepmum_engine::fingerprints::Table;
use keepmum_engine::{Engine, Workspace};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::audit::Limiter;
use crate::host::{self, Buffer, Level};
use crate::instances::{PERIOD, Running};
use crate::known::{self, SOON};
use crate::metrics::{Metrics, mode};
use crate::response::{Pool, Response};

/// What all streams of a VM share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) work: RefCell<Workspace>,
    pub(crate) metrics: Metrics,
    pub(crate) limiter: RefCell<Limiter>,
    /// Memory of decoders.
    pub(crate) pool: Pool,
}

/// The root context.
#[derive(Default)]
pub(crate) struct Root {
    engine: Option<Arc<Engine>>,
    shared: Rc<Shared>,
    running: Running,
}

impl Context for Root {
    fn on_http_call_response(&mut self, token: u32, headers: usize, size: usize, _: usize) {
        let new = known::answered(token, headers, size, self.shared.metrics);
        self.know(new);
    }
}

impl Root {
    /// Streams that begin now look for exact secrets by this set.
    fn know(&self, new: Option<Arc<Table>>) {
        if let (Some(_), Ok(mut work)) = (&new, self.shared.work.try_borrow_mut()) {
            work.know(new);
            let _ = host::tick_every(PERIOD);
        }
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let text = match host::buffer(Buffer::PluginConfiguration, 0, size) {
            Ok(text) => text,
            Err(_) if size == 0 => Vec::new(),
            Err(_) => {
                host::log(
                    Level::Error,
                    "keepmum refuses to start: .: the proxy did not hand over the configuration",
                );
                return false;
            }
        };
        let environment = host::environment();
        let variable = |name: &str| {
            let of_it = |e: &Vec<u8>| Some(e.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
            environment.iter().find_map(of_it)
        };
        match Engine::with_environment(&text, &variable) {
            Ok(engine) => {
                self.shared.metrics.gauge("armed", u64::from(engine.enforces()));
                self.shared.metrics.gauge("detectors", engine.detectors() as u64);
                self.running = Running::start(engine.version());
                self.know(known::start(engine.feed()));
                // Without it the proxy only tells less, and has no exact secrets.
                let _ = host::tick_every(if known::is_waiting() { SOON } else { PERIOD });
                host::log(
                    Level::Info,
                    &format!("keepmum runs policy {} ({})", engine.version(), mode(&engine)),
                );
                self.engine = Some(Arc::new(engine));
                true
            }
            Err(e) => {
                self.shared.metrics.event("policy_refused");
                for mistake in e.mistakes() {
                    host::log(Level::Error, &format!("keepmum refuses to start: {mistake}"));
                }
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if self.running.is_newest() {
            let new = known::look(self.shared.metrics);
            self.know(new);
        }
        self.running.note(self.shared.metrics);
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        let engine = self.engine.clone()?;
        Some(Box::new(Response::new(engine, self.shared.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

//! The plugin's configuration: read once for each VM, refused with the field's name if it is wrong.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use keepmum_engine::{Engine, Workspace};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::audit::Limiter;
use crate::host::{self, Buffer, Level};
use crate::instances::{PERIOD, Running};
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

impl Context for Root {}

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
                // Without it the proxy only tells less.
                let _ = host::tick_every(PERIOD);
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

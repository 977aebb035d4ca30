//! The set of fingerprints: fetched from the agent over one of the proxy's clusters, checked, and shared by all workers.
//!
//! One VM asks for all: who is first to move the time of the next question on, in the data that VMs of one `vm_id` share,
//! asks. What came is checked before it is shared, and again by each VM that takes it from there, since others could write there too.
//! Whatever goes wrong, the last good set stays.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use keepmum_engine::fingerprints::{Error, MAC_HEADER, MOST_BYTES, Table, mac};
use keepmum_engine::{Feed, OnStale};

use crate::headers::Headers;
use crate::host::{self, Buffer, Level, Map};
use crate::metrics::Metrics;

/// Milliseconds between two looks while there is no set.
pub(crate) const SOON: u32 = 100;

/// Nanoseconds between two lines of an alarm.
const ALARM: u64 = 60_000_000_000;

/// Clients whose hits are counted.
const CLIENTS: usize = 1_024;

/// The longest `etag` that is sent back.
const ETAG_BYTES: usize = 128;

thread_local! {
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
    static HITS: RefCell<BTreeMap<Vec<u8>, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// What this VM has of a feed.
struct Known {
    feed: Arc<Feed>,
    /// The keys of what VMs share of it.
    notes: String,
    set: String,
    table: Option<Arc<Table>>,
    /// Which of the sets that were shared it is.
    generation: u64,
    since: u64,
    asked: Option<u32>,
    alarmed: u64,
    blocks: bool,
    /// How the last fetch ended.
    last: &'static str,
}

/// What VMs share besides the set.
#[derive(Clone, Default)]
struct Notes {
    /// How many sets have been shared.
    generation: u64,
    /// When the agent is asked next.
    next: u64,
    /// When it last said which set holds.
    checked: u64,
    etag: Vec<u8>,
}

impl Notes {
    fn read(bytes: &[u8]) -> Notes {
        let word = |at: usize| {
            let bytes = bytes.get(at..at + 8)?.try_into().ok()?;
            Some(u64::from_le_bytes(bytes))
        };
        Notes {
            generation: word(0).unwrap_or(0),
            next: word(8).unwrap_or(0),
            checked: word(16).unwrap_or(0),
            etag: bytes.get(24..).unwrap_or_default().to_vec(),
        }
    }

    fn write(&self) -> Vec<u8> {
        let words = [self.generation, self.next, self.checked];
        let words = words.iter().flat_map(|w| w.to_le_bytes());
        words.chain(self.etag.iter().copied()).collect()
    }
}

/// The policy of this VM has this feed from now on. Returns the set that is already there.
pub(crate) fn start(feed: Option<&Arc<Feed>>) -> Option<Arc<Table>> {
    KNOWN.with_borrow_mut(|known| {
        let Some(feed) = feed else {
            *known = None;
            return None;
        };
        if let Some(same) = known.as_ref().filter(|k| k.feed == *feed) {
            return same.table.clone();
        }
        let place = format!("{}\n{}\n{}", feed.cluster, feed.authority, feed.path);
        let name: String = mac(&feed.key, place.as_bytes())
            .iter()
            .take(8)
            .map(|b| format!("{b:02x}"))
            .collect();
        *known = Some(Known {
            feed: feed.clone(),
            notes: format!("keepmum.known.{name}.notes"),
            set: format!("keepmum.known.{name}.set"),
            table: None,
            generation: 0,
            since: host::now(),
            asked: None,
            alarmed: 0,
            blocks: feed.on_stale == OnStale::Block,
            last: "",
        });
        None
    })
}

/// Whether requests are answered here, since no set is there or an old one.
pub(crate) fn blocks() -> bool {
    KNOWN.with_borrow(|known| known.as_ref().is_some_and(|k| k.blocks))
}

/// What was found of exact secrets for a client: how often all in all, as far as this VM knows.
pub(crate) fn count_client(client: &[u8], times: u64) -> u64 {
    HITS.with_borrow_mut(|hits| {
        if hits.len() >= CLIENTS && !hits.contains_key(client) {
            // Who has the fewest is forgotten.
            let fewest = hits.iter().min_by_key(|(_, n)| **n).map(|(client, _)| client.clone());
            fewest.and_then(|client| hits.remove(&client));
        }
        let all = hits.entry(client.to_vec()).or_default();
        *all = all.saturating_add(times);
        *all
    })
}

/// Each look: takes a newer set from the others, and asks for one if it is time. `Some`: the set is another one now.
pub(crate) fn look(metrics: Metrics) -> Option<Arc<Table>> {
    KNOWN.with_borrow_mut(|known| known.as_mut()?.look(metrics))
}

/// The agent has answered, or has not. `Some`: the set is another one now.
pub(crate) fn answered(token: u32, headers: usize, size: usize, metrics: Metrics) -> Option<Arc<Table>> {
    KNOWN.with_borrow_mut(|known| {
        let known = known.as_mut()?;
        (known.asked == Some(token)).then_some(())?;
        known.asked = None;
        known.answered(headers, size, metrics)
    })
}

/// Whether there is a feed, and no set of it.
pub(crate) fn is_waiting() -> bool {
    KNOWN.with_borrow(|known| known.as_ref().is_some_and(|k| k.table.is_none()))
}

impl Known {
    fn look(&mut self, metrics: Metrics) -> Option<Arc<Table>> {
        let now = host::now();
        let (bytes, cas) = host::shared(&self.notes).unwrap_or_default();
        let mut notes = Notes::read(&bytes);
        let mut new = None;
        if notes.generation != self.generation {
            self.generation = notes.generation;
            new = self.take(metrics);
        }
        self.tell(&notes, now, metrics);
        if now >= notes.next {
            // Who dies meanwhile is not waited for long.
            notes.next = now.saturating_add(nanoseconds(self.feed.timeout + Duration::from_secs(1)));
            if host::share(&self.notes, &notes.write(), cas).is_ok() {
                self.ask(&notes, metrics);
            }
        }
        new
    }

    /// Takes the set that another VM has shared.
    fn take(&mut self, metrics: Metrics) -> Option<Arc<Table>> {
        let (bytes, _) = host::shared(&self.set).ok()?;
        let (seal, body) = bytes.iter().position(|b| *b == b'\n').and_then(|i| {
            let (seal, body) = bytes.split_at(i);
            Some((std::str::from_utf8(seal).ok()?, body.get(1..)?))
        })?;
        match Table::open(&self.feed.key, body, seal, self.version()) {
            Ok(table) => Some(self.adopt(table)),
            Err(e) => {
                self.refused(e, metrics);
                None
            }
        }
    }

    fn adopt(&mut self, table: Table) -> Arc<Table> {
        let table = Arc::new(table);
        self.table = Some(table.clone());
        table
    }

    fn version(&self) -> Option<u64> {
        self.table.as_ref().map(|t| t.version())
    }

    /// Gauges, and what happens when the set is old.
    fn tell(&mut self, notes: &Notes, now: u64, metrics: Metrics) {
        let checked = if notes.checked == 0 { self.since } else { notes.checked };
        let age = now.saturating_sub(checked);
        let stale = age > nanoseconds(self.feed.stale_after);
        let (version, secrets, forms) = self
            .table
            .as_ref()
            .map_or((0, 0, 0), |t| (t.version(), t.secrets().len() as u64, t.forms() as u64));
        metrics.gauge("known_version", version);
        metrics.gauge("known_secrets", secrets);
        metrics.gauge("known_forms", forms);
        metrics.gauge("known_age_seconds", age / 1_000_000_000);
        metrics.gauge("known_stale", u64::from(stale));
        self.blocks = self.feed.on_stale == OnStale::Block && (stale || self.table.is_none());
        if stale && self.feed.on_stale != OnStale::Keep && now.saturating_sub(self.alarmed) > ALARM {
            self.alarmed = now;
            let seconds = age / 1_000_000_000;
            host::log(
                Level::Error,
                &format!("keepmum: the agent has given no set of known secrets for {seconds} s"),
            );
        }
    }

    fn ask(&mut self, notes: &Notes, metrics: Metrics) {
        let etag = std::str::from_utf8(&notes.etag).unwrap_or_default();
        let mut headers = vec![
            (":method", "GET"),
            (":path", self.feed.path.as_str()),
            (":authority", self.feed.authority.as_str()),
            ("accept", "application/json"),
        ];
        if !etag.is_empty() && self.table.is_some() {
            headers.push(("if-none-match", etag));
        }
        let asked =
            proxy_wasm::hostcalls::dispatch_http_call(&self.feed.cluster, headers, None, vec![], self.feed.timeout);
        match asked {
            Ok(token) => self.asked = Some(token),
            Err(_) => self.ended("no_cluster", None, metrics),
        }
    }

    fn answered(&mut self, headers: usize, size: usize, metrics: Metrics) -> Option<Arc<Table>> {
        let list = Headers::get(Map::CallResponse).filter(|_| headers > 0);
        let Some(list) = list else {
            self.ended("unreachable", None, metrics);
            return None;
        };
        let text = |name: &[u8]| {
            list.first(name)
                .and_then(|v| std::str::from_utf8(v).ok())
                .unwrap_or_default()
        };
        match text(b":status") {
            "304" if self.table.is_some() => {
                self.ended("unchanged", Some(None), metrics);
                None
            }
            "200" => match self.read(text(MAC_HEADER.as_bytes()), size) {
                Ok(None) => {
                    self.ended("unchanged", Some(None), metrics);
                    None
                }
                Ok(Some(table)) => {
                    let etag = list
                        .first(b"etag")
                        .filter(|e| e.len() <= ETAG_BYTES)
                        .unwrap_or_default();
                    self.ended("new", Some(Some(etag)), metrics);
                    Some(table)
                }
                Err(e) => {
                    self.refused(e, metrics);
                    self.ended("refused", None, metrics);
                    None
                }
            },
            _ => {
                self.ended("status", None, metrics);
                None
            }
        }
    }

    /// Checks what came, and shares it. `None`: it is the set at hand.
    fn read(&mut self, seal: &str, size: usize) -> Result<Option<Arc<Table>>, Error> {
        if size > MOST_BYTES {
            return Err(Error::TooLarge);
        }
        let body = host::buffer(Buffer::CallResponse, 0, size).unwrap_or_default();
        let table = Table::open(&self.feed.key, &body, seal, self.version())?;
        if self.version() == Some(table.version()) {
            return Ok(None);
        }
        let mut shared = Vec::new();
        let room = shared.try_reserve_exact(seal.len() + 1 + body.len());
        room.map_err(|_| Error::Memory)?;
        shared.extend_from_slice(seal.as_bytes());
        shared.push(b'\n');
        shared.extend_from_slice(&body);
        drop(body);
        // Without it the others ask by themselves.
        let _ = host::share(&self.set, &shared, 0);
        Ok(Some(self.adopt(table)))
    }

    fn refused(&self, why: Error, metrics: Metrics) {
        metrics.event(&format!("known_refused.reason.{}", why.reason()));
        host::log(
            Level::Error,
            &format!("keepmum: a set of known secrets is refused: {}", why.reason()),
        );
    }

    /// The fetch is over: when the next one is, and what the others must know. `good`: the agent said which set holds; within it the
    /// mark of a new one.
    fn ended(&mut self, how: &'static str, good: Option<Option<&[u8]>>, metrics: Metrics) {
        metrics.event(&format!("known_fetch.reason.{how}"));
        if self.last != how && (good.is_none() || how == "new") {
            let level = if good.is_none() { Level::Warn } else { Level::Info };
            let version = self.version().unwrap_or(0);
            host::log(
                level,
                &format!("keepmum: fetching known secrets: {how}; version {version} is armed"),
            );
        }
        self.last = how;
        let now = host::now();
        for _ in 0..8 {
            let (bytes, cas) = host::shared(&self.notes).unwrap_or_default();
            let mut notes = Notes::read(&bytes);
            let every = nanoseconds(self.feed.every);
            // A tenth more or less, so that proxies which began together do not go on together.
            notes.next = now.saturating_add(every - every / 10 + (now >> 10) % (every / 5).max(1));
            if let Some(new) = good {
                notes.checked = now;
                if let Some(etag) = new {
                    notes.etag = etag.to_vec();
                    notes.generation += 1;
                }
            }
            if host::share(&self.notes, &notes.write(), cas).is_ok() {
                if good.is_some_and(|new| new.is_some()) {
                    self.generation = notes.generation;
                }
                self.tell(&notes, now, metrics);
                return;
            }
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

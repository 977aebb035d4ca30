//! What is armed → a sealed set of fingerprints.
//!
//! The salt is new with every set, so that two sets cannot be compared. The same bytes of a value are looked at under every salt:
//! who collects sets learns no more of it than one of them tells.

use std::time::{SystemTime, UNIX_EPOCH};

use keepmum_known::publish::Publisher;
use keepmum_known::{KeyError, MOST_BYTES, Secret as Named, Stage};
use zeroize::Zeroizing;

use crate::random::random;
use crate::store::Armed;

/// Ids and versions are cut to this, as those who read a set demand.
const NAME_BYTES: usize = 256;

/// The id of the canary.
const CANARY: &str = "keepmum:canary";

/// Makes sets, each with a higher version.
pub(crate) struct Press {
    shared: Zeroizing<Vec<u8>>,
    salt: [u8; 16],
    version: u64,
}

/// A set as it is served.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) version: u64,
    pub(crate) issued: u64,
    pub(crate) secrets: usize,
    pub(crate) forms: usize,
    /// Forms that can begin anywhere: one of them has every byte of all traffic looked at.
    pub(crate) anywhere: usize,
    /// What no room was left for, or what is too short for any form.
    pub(crate) left_out: Vec<String>,
    pub(crate) body: bytes::Bytes,
    pub(crate) seal: String,
    pub(crate) canary: Zeroizing<String>,
}

/// A value that stands in every set: where it is redacted, the set is armed. It is no secret to who has the key.
pub(crate) fn canary(shared: &[u8]) -> String {
    let mac = keepmum_known::mac(shared, b"keepmum canary 1");
    let hex: String = mac.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("kmcanary{hex}")
}

impl Press {
    pub(crate) fn new(shared: Zeroizing<Vec<u8>>) -> Result<Press, KeyError> {
        let salt = random();
        keepmum_known::Key::new(&shared, &salt)?;
        Ok(Press {
            shared,
            salt,
            version: 0,
        })
    }

    /// The next set. Versions are times, so that they grow over restarts too.
    pub(crate) fn publish(&mut self, armed: &[Armed<'_>]) -> Option<Published> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(now.as_millis()).unwrap_or(u64::MAX - 1);
        self.version = millis.max(self.version + 1);
        self.salt = random();
        let mut publisher = Publisher::new(&self.shared, &self.salt).ok()?;
        let mut made = Published {
            version: self.version,
            issued: now.as_secs(),
            ..Published::default()
        };
        let named = |id: &str, version: &str, stage| Named {
            id: name(id),
            version: name(version),
            stage,
        };
        let canary = Zeroizing::new(canary(&self.shared));
        let all = armed
            .iter()
            .map(|a| (named(&a.secret.id, a.version, a.stage), a.secret.value.as_slice()));
        for (secret, value) in all.chain([(named(CANARY, "1", Stage::Current), canary.as_bytes())]) {
            let id = secret.id.clone();
            match publisher.add(secret, value) {
                Some(added) => {
                    made.secrets += 1;
                    made.forms += added.forms;
                    made.anywhere += added.anywhere;
                }
                None => made.left_out.push(id),
            }
        }
        let (body, seal) = publisher.finish(self.version, made.issued).seal(&self.shared).ok()?;
        if body.len() > MOST_BYTES {
            return None;
        }
        (made.body, made.seal, made.canary) = (body.into(), seal, canary);
        Some(made)
    }
}

fn name(text: &str) -> String {
    let plain = |c: char| if c.is_control() { '?' } else { c };
    let mut out = String::new();
    for c in text.chars().map(plain) {
        if out.len() + c.len_utf8() > NAME_BYTES {
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use keepmum_known::{End, Stage, Table};

    use super::{Press, canary};
    use crate::secret::Secret;
    use crate::store::Armed;

    fn key() -> Vec<u8> {
        (0..32).map(|i: u8| i.wrapping_mul(37) ^ 0x5a).collect()
    }

    /// The id of what a text holds.
    fn found(table: &Table, text: &[u8]) -> Option<String> {
        let mut id = None;
        table.search(text, 0, text.len(), &mut |_, here| {
            let end = text.get(here.start..).map(|text| table.end(here.form, text));
            if matches!(end, Some(End::At(_))) {
                let secret = table
                    .of_form(here.form)
                    .and_then(|(secret, _)| table.secrets().get(secret as usize));
                id = secret.map(|s| s.id.clone());
            }
            true
        });
        id
    }

    #[test]
    fn a_set_finds_what_is_armed_and_the_canary_and_holds_neither() {
        let secret = Secret::new("x:db\n#password", "7", "w8Tz4-qLx7-plm2");
        let mut press = Press::new(key().into()).unwrap();
        let armed = [Armed {
            secret: &secret,
            version: "7",
            stage: Stage::Pending,
        }];
        let first = press.publish(&armed).unwrap();
        assert_eq!((first.secrets, first.left_out.len()), (2, 0));
        let table = Table::open(&key(), &first.body, &first.seal, None).unwrap();
        assert_eq!(found(&table, b"a: w8Tz4-qLx7-plm2 ").as_deref(), Some("x:db?#password"));
        let text = format!("-- {} --", canary(&key()));
        assert_eq!(found(&table, text.as_bytes()).as_deref(), Some("keepmum:canary"));
        assert!(
            !first
                .body
                .windows(7)
                .any(|w| w == b"w8Tz4-q" || w == &canary(&key()).as_bytes()[..7])
        );
        let second = press.publish(&armed).unwrap();
        assert!(second.version > first.version);
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(Press::new(b"short".to_vec().into()).is_err());
    }
}

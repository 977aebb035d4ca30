//! Exact secrets, told by fingerprints: who holds the set holds no secret.
//!
//! The agent knows the values and makes a [`Set`] of them ([`publish`], with the feature of that name): for each spelling in which a
//! value could appear ([`forms`]) its length, eighteen or twenty bits of a hash of three of its bytes, and keyed digests of
//! the whole. The proxy compiles it ([`Table`]) and asks at each place of a text whether one of them stands there.
//!
//! Why not a list of hashes by length: a proxy would have to hash every place of every text for every length. Why not the
//! values themselves, in a trie: then a dump of the proxy's memory is a dump of the vault.
//!
//! **What the set tells of a secret**, to somebody who also has the key: its length, which encoders would change it, the kind of
//! characters it is made of, and hashes of three bytes of it, its *core*. All hashes of all forms of a
//! secret are of the same three bytes, so that together they tell no more than these. The digests are of whole forms: they tell
//! whether a guess of the whole value is right, and nothing of a part. Without the key the set tells the first half of it. The
//! test `a_set_tells_less_than_24_bits_of_a_secret` counts.

mod alphabet;
mod core64;
#[cfg(feature = "publish")]
pub mod forms;
mod key;
mod places;
#[cfg(feature = "publish")]
pub mod publish;
mod record;
mod set;
mod table;
mod walk;

pub use key::{Key, KeyError, MAC_HEADER, mac};
pub use set::{Error, FORMAT, MOST_BYTES, MOST_FORMS, Secret, Set, Stage};
pub use table::{End, Here, Table};

/// The longest form that is looked for: what may be held of a text for it.
pub const FORM_BYTES: usize = 16 * 1024;

/// The shortest.
pub const FORM_MIN_BYTES: usize = 8;

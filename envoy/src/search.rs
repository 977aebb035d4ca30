//! Looks for planted secrets in bytes, in the spellings in which a careless log line would print them.
//!
//! A plain text search would miss the worst leak that a Rust program makes: a `Debug` of bytes, as a list of numbers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use keepmum_host_tests::exchange::Planted;

/// A secret that was found: which one, in which spelling, where. Never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The plant's name.
    pub plant: String,
    /// How it was written.
    pub spelling: &'static str,
    /// The first offset.
    pub offset: usize,
}

/// What is searched for, prepared once.
#[derive(Debug)]
pub struct Search {
    needles: Vec<Needle>,
}

struct Needle {
    plant: String,
    spelling: &'static str,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Needle({}, {})", self.plant, self.spelling)
    }
}

impl Search {
    /// A search for these plants.
    #[must_use]
    pub fn new(plants: &[Planted]) -> Self {
        let needles = plants.iter().filter(|p| !p.value.is_empty()).flat_map(|plant| {
            spellings(&plant.value).into_iter().map(|(spelling, bytes)| Needle {
                plant: plant.name.clone(),
                spelling,
                bytes,
            })
        });
        Self {
            needles: needles.collect(),
        }
    }

    /// Every needle that occurs in these bytes, once.
    #[must_use]
    pub fn hits(&self, bytes: &[u8]) -> Vec<Hit> {
        let find = |n: &Needle| {
            let offset = memchr::memmem::find(bytes, &n.bytes)?;
            Some(Hit {
                plant: n.plant.clone(),
                spelling: n.spelling,
                offset,
            })
        };
        self.needles.iter().filter_map(find).collect()
    }

    /// Every needle that occurs in the files under a folder.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn folder(&self, folder: &Path) -> Result<(usize, Vec<(PathBuf, Hit)>)> {
        let (mut files, mut found) = (0, Vec::new());
        for entry in fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                let (more, deeper) = self.folder(&path)?;
                files += more;
                found.extend(deeper);
            } else {
                files += 1;
                found.extend(self.hits(&fs::read(&path)?).into_iter().map(|hit| (path.clone(), hit)));
            }
        }
        Ok((files, found))
    }
}

fn spellings(value: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let joined =
        |each: &dyn Fn(&u8) -> String, by: &str| value.iter().map(each).collect::<Vec<_>>().join(by).into_bytes();
    let mut all = vec![
        ("plain", value.to_vec()),
        ("numbers", joined(&|b| b.to_string(), ", ")),
        ("numbers without spaces", joined(&|b| b.to_string(), ",")),
        ("hex", joined(&|b| format!("{b:02x}"), "")),
        ("hex, upper case", joined(&|b| format!("{b:02X}"), "")),
    ];
    let escaped = String::from_utf8_lossy(value).escape_debug().to_string().into_bytes();
    if escaped != value {
        all.push(("escaped", escaped));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{Planted, Search};

    #[test]
    fn finds_every_spelling_and_never_says_the_value() {
        let value = ["not", "-a-", "secret\""].concat().into_bytes();
        let search = Search::new(&[Planted {
            name: "example".into(),
            value: value.clone(),
        }]);
        for text in [
            String::from_utf8_lossy(&value).into_owned(),
            format!("{value:?}"),
            format!("{:?}", String::from_utf8_lossy(&value)),
            value.iter().map(|b| format!("{b:02x}")).collect(),
        ] {
            let hits = search.hits(format!("log line: {text} end").as_bytes());
            assert_eq!(hits.len(), 1, "one spelling");
            assert!(!format!("{search:?}{hits:?}").contains("secret"));
        }
        assert!(search.hits(b"nothing here").is_empty());
    }
}

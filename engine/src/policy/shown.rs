//! Names that an operator wrote, as they may stand in an error: a key, an id, a route's name.
//!
//! Somebody pastes a token where a key belongs, and the error that names the key would carry it into the proxy's log. So what
//! does not read like a name is told by its length alone. Why not ask the detectors: a policy that cannot be read arms none, and
//! a password has no form that they know.

use crate::catalogue;
use crate::decide::validate::words;

/// Bytes of the longest key that is shown.
const MOST: usize = 32;
/// Up to so many bytes it need not read like words: `qa_v2`.
const SHORT: usize = 6;
const DIGITS: usize = 3;

/// Keys of the language that do not read like words.
const ODD: &[&str] = &["body_bytes", "key_env", "keywords"];

/// A key as it may stand in a message.
pub fn shown(key: &str) -> String {
    shown_as("key", key)
}

/// The same for what is called something else.
pub(crate) fn shown_as(what: &str, text: &str) -> String {
    // YAML takes for a part of the key what stands behind a colon without a space.
    let front = text.split_once(':').map_or(text, |(front, _)| front);
    if !is_name(front) {
        return format!("<a {what} of {} characters>", text.chars().count());
    }
    let cut = if front.len() < text.len() { "…" } else { "" };
    format!("{front}{cut}")
}

/// Whether it reads like the name of something.
fn is_name(text: &str) -> bool {
    if catalogue::BUILT_IN.iter().any(|d| d.id == text) || ODD.contains(&text) {
        return true;
    }
    let count = |is: fn(&u8) -> bool| text.bytes().filter(is).count();
    let capitals = count(u8::is_ascii_uppercase);
    text.len() <= MOST
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && count(u8::is_ascii_digit) <= DIGITS
        && (text.len() <= SHORT || (reads(text) && (capitals <= DIGITS || count(u8::is_ascii_lowercase) == 0)))
}

/// Whether its letters follow one another as in words, with numbers only behind them, and few of its parts are too short to tell.
fn reads(text: &str) -> bool {
    let parts = || {
        text.split(['_', '-', '.'])
            .map(|p| p.trim_end_matches(|c: char| c.is_ascii_digit()))
    };
    let short = parts().filter(|p| (1..=3).contains(&p.len())).count();
    let often = |part: &str, of: usize| {
        let (often, pairs) = words::pairs(part.as_bytes());
        (of + 1) * often >= of * pairs
    };
    short <= 3
        && often(text, 2)
        && parts().all(|p| p.bytes().all(|b| b.is_ascii_alphabetic()) && (p.len() <= 3 || often(p, 1)))
        && parts().any(|p| p.len() > 3)
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::policy::schema::policy_schema;

    #[test]
    fn every_key_of_the_language_is_shown() {
        fn keys(schema: &serde_json::Value, all: &mut Vec<String>) {
            if let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) {
                all.extend(properties.keys().cloned());
            }
            let below = schema.as_object().into_iter().flat_map(|o| o.values());
            below
                .chain(schema.as_array().into_iter().flatten())
                .for_each(|s| keys(s, all));
        }
        let mut all = Vec::new();
        keys(&serde_json::from_str(&policy_schema()).unwrap_or_default(), &mut all);
        assert!(all.len() > 80, "{}", all.len());
        for key in all {
            assert_eq!(shown(&key), key);
        }
    }

    #[test]
    fn what_somebody_mistyped_is_shown() {
        for key in [
            "mdoe",
            "feilds",
            "pattren",
            "failure_polcy",
            "keepFirst",
            "on_uninspectible",
            "corelation-id",
            "k17",
        ] {
            assert_eq!(shown(key), key);
        }
        assert_eq!(shown("mode:report"), "mode…");
    }

    /// Tokens as chance makes them, of every length and alphabet.
    #[test]
    fn what_chance_made_is_cut() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as usize
        };
        for (alphabet, least, most) in [
            (&b"abcdefghijklmnopqrstuvwxyz0123456789"[..], 8, 60),
            (
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
                8,
                60,
            ),
            (b"0123456789abcdef", 8, 20),
            (b"abcdefghijklmnopqrstuvwxyz", 12, 60),
            (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 12, 60),
        ] {
            let mut bare = 0;
            for i in 0..10_000 {
                let length = least + i % 40;
                let key: String = (0..length)
                    .map(|_| char::from(alphabet[next() % alphabet.len()]))
                    .collect();
                bare += usize::from(shown(&key).contains(&key));
            }
            assert!(
                bare <= most,
                "{bare} of 10,000 in {}",
                String::from_utf8_lossy(alphabet)
            );
        }
    }
}

//! Damaged capture files: whatever a byte becomes, reading gives exchanges or an error, never a panic or a hang.
//!
//! Starts from real files, since random bytes fail at the first brace and test nothing behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::path::{Path, PathBuf};

use keepmum_host_tests::capture;
use proptest::prelude::*;

/// A HAR file, streamed segments, a buffered trace.
const FILES: [&str; 3] = [
    "proxy-session.har",
    "trailers-with-url/trace.jsonl",
    "aws-get-secret-value/trace.json",
];

/// What replaces a byte: structure, digits, text, and bytes that are no UTF-8.
const BYTES: &[u8] = b"{}[]\",:0-7anz\\\n\0\x80\xff";

/// A file of its own for each test: they run at the same time.
fn scratch(test: &str, text: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("mutations-{test}"));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("capture.har");
    std::fs::write(&file, text).unwrap();
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused(
        which in 0..FILES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..BYTES.len(), 0..3_u8), 1..6),
    ) {
        let mut text = std::fs::read(capture::bundled_folder().join(FILES[which])).unwrap();
        for (place, byte, kind) in edits {
            let at = place.index(text.len());
            match kind {
                0 => text[at] = BYTES[byte],
                1 => text.insert(at, BYTES[byte]),
                _ => { text.remove(at); }
            }
        }
        let file = scratch("damaged", &text);
        if let Err(why) = capture::read(&file) {
            let why = format!("{why:#}");
            prop_assert!(why.contains("capture.har"), "{}", why);
        }
    }

    #[test]
    fn a_file_that_ends_early_is_read_or_refused(which in 0..FILES.len(), end in any::<prop::sample::Index>()) {
        let text = std::fs::read(capture::bundled_folder().join(FILES[which])).unwrap();
        let _ = capture::read(&scratch("short", &text[..end.index(text.len())]));
    }
}

//! Every bound in one place, each with the reason for its size. A bound that is reached has a defined, counted outcome.

/// Bytes of input that one candidate may span before it is either settled or given up.
///
/// A candidate that already matched is redacted from here on as it streams (the rest of the run is swallowed);
/// one that has not matched is given up and counted as `limit`. The longest built-in pattern needs about 8,000
/// bytes before its match is certain.
pub const CANDIDATE_BYTES: u64 = 16 * 1024;

/// How far behind the beginning of a finding others are waited for that overlap it and might be dealt with more strictly.
/// Findings can overlap in a chain without end, and each takes some seventy bytes; a longer value keeps no part of itself.
pub const OVERLAP_BYTES: u64 = 4 * 1024;

/// Input is worked through in blocks of this size, which bounds the scratch memory that one push can need.
pub const BLOCK_BYTES: usize = 16 * 1024;

/// An anchor is at most this long; what follows in the pattern is checked by the pattern itself.
pub const ANCHOR_BYTES: usize = 16;

/// An anchor is at least this long: the prefilter needs three bytes to be selective.
pub const ANCHOR_MIN_BYTES: usize = 3;

/// Characters that may stand in a candidate before its anchor: a host name has 253.
pub const FRONT_BYTES: usize = 253;

/// Anchors that one pattern may expand to.
pub const ANCHORS_PER_PATTERN: usize = 256;

/// Bytes of a pattern as it is written.
pub const PATTERN_BYTES: usize = 8 * 1024;

/// Instructions of one compiled pattern.
pub const PATTERN_OPS: usize = 4 * 1024;

/// Instructions of a custom detector's pattern: each that is live costs time for every byte of a candidate, and nobody
/// has measured a custom pattern on hostile input.
pub const CUSTOM_PATTERN_OPS: usize = 512;

/// The same for one without a literal, which runs from every byte that its class allows.
pub const UNANCHORED_PATTERN_OPS: usize = 64;

/// Custom detectors of that kind in a policy.
pub const UNANCHORED_DETECTORS: usize = 8;

/// Instructions of a pattern in `allow`, which is run over each value that a detector finds: one bit each.
pub const ALLOW_PATTERN_OPS: usize = 128;

/// Counts of its repetitions, all together: one bit each.
pub const ALLOW_PATTERN_COUNTS: usize = 8 * 1024;

/// Patterns in an `allow`.
pub const ALLOW_PATTERNS: usize = 32;

/// Items of an `allow` that name fields: one bit each.
pub const ALLOW_FIELDS: usize = 32;

/// Keywords of a custom detector, and bytes of each.
pub const KEYWORDS: usize = 16;

/// See [`KEYWORDS`].
pub const KEYWORD_BYTES: std::ops::RangeInclusive<usize> = 3..=32;

/// Characters that may stand between a keyword and what it announces.
pub const KEYWORD_DISTANCE: usize = 40;

/// Backslashes in a row that are still taken for one (nested) JSON escape.
pub const ESCAPE_SLASHES: u8 = 16;

/// Bytes that one encoded character takes at most: the backslashes, `u0026`, `amp;`, `#x` with eight digits, `;`.
pub const ESCAPE_BYTES: usize = 36;

/// Ways in one repetition that are read with percent-encoding undone as well, from the first encoded character on.
pub const FORKED_WAYS: usize = 32;

/// Values that are remembered in one exchange in order to be removed wherever they come again.
pub const REMEMBERED_VALUES: usize = 32;

/// Length of a value worth remembering: shorter ones would hit ordinary words.
pub const REMEMBERED_BYTES: std::ops::RangeInclusive<usize> = 8..=512;

/// Length of a part of a token that is remembered apart: a shorter one is no half of a secret, a longer one is no id.
pub const PART_BYTES: std::ops::RangeInclusive<usize> = 12..=64;

/// Forms of exact secrets that have begun in a body and not ended, of which the beginning is known to be right: more than one only
/// where a secret stands in another.
pub const OPEN_FORMS: usize = 64;

/// Exact secrets that are remembered to have come with a request, and that are told of in an exchange.
pub const SENT_SECRETS: usize = 64;

/// Findings that are listed one by one for an exchange; more are only counted.
pub const LISTED_FINDINGS: usize = 256;

/// Longest JSON key that is compared with `fields[].names`.
pub const FIELD_NAME_BYTES: usize = 128;

/// Longest bare JSON token (number, true, null) that is held to be replaced whole.
pub const NUMBER_BYTES: u64 = 64;

/// Size of a policy as written.
pub const POLICY_BYTES: usize = 5 * 1024 * 1024;

/// Custom detectors in a policy.
pub const CUSTOM_DETECTORS: usize = 256;

/// Characters of base64 in a row that are decoded: eighteen bytes are less than any token, and shorter runs are words.
pub const VIEW_CHARS: usize = 24;

/// Bytes of one run of base64 that are decoded; what follows leaves unread. A private key of 4,096 bits has 3,300.
pub const VIEW_BYTES: u64 = 8 * 1024;

/// Base64 inside base64 that is decoded: a registry's credentials stand so in a Kubernetes secret.
pub const VIEW_DEPTH: u8 = 2;

/// Values in a policy: an alias in YAML makes many of a few bytes.
pub const POLICY_NODES: usize = 200_000;

/// Levels of a policy's tree. What is meaningful has eight.
pub const POLICY_DEPTH: usize = 64;

/// Mistakes in a policy that are told at once.
pub const POLICY_ERRORS: usize = 50;

/// Segments of a JSONPath.
pub const PATH_SEGMENTS: usize = 16;

/// Segments of all paths of a policy or route together: each is a bit for every open container.
pub const PATH_STATES: usize = 256;

/// Containers in each other that paths are followed through. Deeper down a path with `..` takes what its last segment takes.
pub const PATH_DEPTH: usize = 128;

/// Containers in each other that JSON pointers are told for.
pub const POINTER_DEPTH: usize = 32;

/// Bytes of a JSON pointer.
pub const POINTER_BYTES: usize = 256;

/// Bytes of a name in one.
pub const POINTER_NAME_BYTES: usize = 64;

/// Digits of a name in one: what has more is an id, a number or a token, and no name that somebody chose.
pub const POINTER_NAME_DIGITS: usize = 4;

/// JSON pointers that are told of one exchange.
pub const POINTERS: usize = 16;

/// Bytes of an error's body in which its code is looked for.
pub const CODE_BODY_BYTES: u64 = 16 * 1024;

/// Bytes of an error code that is told: more is no code.
pub const CODE_BYTES: usize = 64;

/// Levels of an error's body that are followed.
pub const CODE_DEPTH: usize = 64;

/// Items of `errors.texts`.
pub const ERROR_TEXTS: usize = 64;

/// Items of `errors.headers.drop` and of `.keep`: each is compared with each header of an error.
pub const ERROR_HEADERS: usize = 64;

/// Bytes of `errors.type`, `.title` and `.detail`.
pub const ERROR_TYPE_BYTES: usize = 256;

/// See [`ERROR_TYPE_BYTES`].
pub const ERROR_TITLE_BYTES: usize = 128;

/// See [`ERROR_TYPE_BYTES`].
pub const ERROR_DETAIL_BYTES: usize = 1024;

/// Routes in a policy.
pub const ROUTES: usize = 1_024;

/// Sets of detectors that the routes of a policy may arm: each has search tables of its own, of some 100 KiB.
pub const ARMED_SETS: usize = 32;

/// Bytes of a route's name, which stands in metrics.
pub const ROUTE_NAME_BYTES: usize = 64;

/// Bytes at the head of a part of a multipart body: servers take 16 KiB at most. A longer one is read as text, and so is what follows.
pub const PART_HEAD_BYTES: usize = 8 * 1024;

/// Multipart bodies in each other that are taken apart; deeper ones are text.
pub const PART_DEPTH: u8 = 3;

/// Heads and pings that wait behind text which is held of a WebSocket's message. Beyond it the text is settled as if the message ended.
pub const SOCKET_QUEUE_BYTES: usize = 32 * 1024;

/// Texts of one stream of events that are followed at a time: the choices of an answer, and the calls in each.
pub const STREAM_TEXTS: usize = 16;

/// Longest line of an event stream in which pieces of texts are looked for.
pub const STREAM_LINE_BYTES: usize = 32 * 1024;

/// Bytes of a stream's events that wait behind a candidate, each line with [`STREAM_LINE_COST`] on top. A private key of 4,096
/// bits has 3,300 characters, of which an event of 300 bytes brings four.
pub const STREAM_HELD_BYTES: usize = 256 * 1024;

/// What a line that waits takes besides its bytes.
pub const STREAM_LINE_COST: usize = 128;

/// Lines of JSON without a piece of a text, after which a body of lines is no longer searched for one.
pub const STREAM_OTHER_LINES: u32 = 256;

/// Items of `response.deltas`.
pub const STREAM_DELTAS: usize = 16;

/// Letters at the end of a delta that could begin an anchor, for which its event does not wait: three of a key's first letters are
/// rare in other words, one or two are not.
pub const STREAM_FRONT_BYTES: u64 = 2;

/// Letters of a word at the end of a delta that could be base64, for which its event does not wait: base64 of so many characters
/// has a capital or a digit behind its first.
pub const STREAM_WORD_BYTES: usize = 12;

//! Streams of events: what comes out of each, however it was cut, and how soon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Run, at_cuts, engine, run_body};
use keepmum_engine::{Body, Engine, Exchange, Framing, Workspace};
use proptest::prelude::*;

/// A synthetic key, built so that no file holds it.
fn key() -> String {
    format!("sk{}{}", "_live_", "FAKEfakeFAKEfakeFAKE0001")
}

const LABEL: &str = "[REDACTED:stripe-secret-key]";

fn run<'a>(engine: &Engine, framing: Framing, pieces: impl IntoIterator<Item = &'a [u8]>) -> Run {
    run_body(engine, Body::of_events(framing), pieces)
}

/// What comes of it, whatever the cut.
fn becomes(policy: &str, framing: Framing, text: &str, want: &str) -> Run {
    let e = engine(policy);
    let got = run(&e, framing, [text.as_bytes()]);
    assert_eq!(String::from_utf8_lossy(&got.out), want, "of {text:?}");
    let same = |other: Run, how: String| {
        assert_eq!(
            (String::from_utf8_lossy(&other.out), &other.found),
            (String::from_utf8_lossy(&got.out), &got.found),
            "{how} of {text:?}"
        );
    };
    same(run(&e, framing, text.as_bytes().chunks(1)), "single bytes".to_owned());
    let step = (text.len() / 400).max(1);
    for at in (0..=text.len()).step_by(step) {
        let (a, b) = text.as_bytes().split_at(at);
        same(run(&e, framing, [a, b]), format!("cut at {at}"));
    }
    got
}

/// An event of OpenAI's chat completions.
fn chat(index: usize, content: &str) -> String {
    format!(
        r#"data: {{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{{"index":{index},"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null}}]}}"#
    ) + "\n\n"
}

#[test]
fn a_secret_cut_across_two_events_goes() {
    let k = key();
    for at in 1..k.len() {
        let (a, b) = k.split_at(at);
        let text = [chat(0, "the key is "), chat(0, a), chat(0, b), chat(0, " ok")].concat();
        // What is only a letter or two of the literal in front need not wait.
        let (first, second) = if at <= 2 { (a, LABEL) } else { (LABEL, "") };
        let want = [chat(0, "the key is "), chat(0, first), chat(0, second), chat(0, " ok")].concat();
        becomes("{}", Framing::Events, &text, &want);
    }
}

/// Whatever the provider sends: the name of what is tested, and an event with a piece of text for each.
type Shape = fn(&str) -> String;

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

const SHAPES: &[(&str, Framing, Shape)] = &[
    ("openai-chat", Framing::Events, |t| chat(0, t)),
    ("refusal", Framing::Events, |t| {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"refusal\":\"{t}\"}}}}]}}\n\n")
    }),
    ("reasoning", Framing::Events, |t| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{\"role\":\"assistant\",\"reasoning_content\":\"{t}\"}},\"index\":0}}]}}\n\n"
        )
    }),
    ("tool call", Framing::Events, |t| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":1,\"function\":{{\"arguments\":\"{t}\"}}}}]}},\"finish_reason\":null}}]}}\n\n"
        )
    }),
    ("legacy completions", Framing::Events, |t| {
        format!(
            "data: {{\"object\":\"text_completion\",\"choices\":[{{\"text\":\"{t}\",\"index\":0,\"finish_reason\":null}}]}}\n\n"
        )
    }),
    ("openai-responses", Framing::Events, |t| {
        format!(
            "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"{t}\",\"sequence_number\":7}}\n\n"
        )
    }),
    ("function call", Framing::Events, |t| {
        format!(
            "event: response.function_call_arguments.delta\ndata: {{\"type\":\"response.function_call_arguments.delta\",\"item_id\":\"fc_1\",\"output_index\":1,\"delta\":\"{t}\"}}\n\n"
        )
    }),
    ("anthropic", Framing::Events, |t| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{t}\"}}}}\n\n"
        )
    }),
    ("anthropic tool", Framing::Events, |t| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{{\"type\":\"input_json_delta\",\"partial_json\":\"{t}\"}}}}\n\n"
        )
    }),
    ("anthropic thinking", Framing::Events, |t| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"thinking_delta\",\"thinking\":\"{t}\"}}}}\n\n"
        )
    }),
    ("anthropic text completions", Framing::Events, |t| {
        format!("event: completion\ndata: {{\"type\":\"completion\",\"completion\":\"{t}\",\"stop_reason\":null}}\n\n")
    }),
    ("gemini", Framing::Events, |t| {
        format!(
            "data: {{\"candidates\": [{{\"content\": {{\"parts\": [{{\"text\": \"{t}\"}}],\"role\": \"model\"}},\"index\": 0}}],\"modelVersion\": \"m\"}}\r\n\r\n"
        )
    }),
    ("ollama chat", Framing::Lines, |t| {
        format!("{{\"model\":\"m\",\"message\":{{\"role\":\"assistant\",\"content\":\"{t}\"}},\"done\":false}}\n")
    }),
    ("ollama generate", Framing::Lines, |t| {
        format!("{{\"model\":\"m\",\"response\":\"{t}\",\"done\":false}}\n")
    }),
    ("json-seq", Framing::Lines, |t| {
        format!("\x1e{{\"model\":\"m\",\"response\":\"{t}\",\"done\":false}}\n")
    }),
];

#[test]
fn every_shape_is_followed() {
    let k = key();
    for (name, framing, shape) in SHAPES {
        for pieces in [2, 3, k.len()] {
            let size = k.len().div_ceil(pieces);
            let cut: Vec<&str> = (0..k.len())
                .step_by(size)
                .map(|i| &k[i..(i + size).min(k.len())])
                .collect();
            let mut text = shape("so: ");
            let mut want = text.clone();
            for (i, piece) in cut.iter().enumerate() {
                text += &shape(piece);
                // A letter or two of the literal in front do not wait.
                let put = if size > 1 { 0 } else { 2 };
                want += &shape(match i.cmp(&put) {
                    std::cmp::Ordering::Less => piece,
                    std::cmp::Ordering::Equal => LABEL,
                    std::cmp::Ordering::Greater => "",
                });
            }
            text += &shape("; and");
            want += &shape("; and");
            let got = becomes("{}", *framing, &text, &want);
            assert_eq!(got.found.len(), 1, "{name}: {:?}", got.found);
            let (from, to) = (got.found[0].1 as usize, got.found[0].2 as usize);
            assert!(size == 1 || text[from..].starts_with(cut[0]), "{name}");
            assert!(text[..to].ends_with(cut[cut.len() - 1]), "{name}");
            // What it would do without the shape: nothing.
            let none = becomes(r#"{"response":{"streams":[]}}"#, *framing, &text, &text);
            assert!(none.found.is_empty(), "{name}");
        }
    }
}

#[test]
fn texts_are_told_apart() {
    let k = key();
    let (a, b) = k.split_at(11);
    // Two choices take turns, and each has its own half of nothing.
    let text = [chat(0, a), chat(1, a), chat(1, b), chat(0, "! no"), chat(1, " end")].concat();
    let want = [
        chat(0, a),
        chat(1, LABEL),
        chat(1, ""),
        chat(0, "! no"),
        chat(1, " end"),
    ]
    .concat();
    becomes("{}", Framing::Events, &text, &want);
    // Two choices in one event.
    let two = |a: &str, b: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{a}\"}}}},{{\"index\":1,\"delta\":{{\"content\":\"{b}\"}}}}]}}\n\n"
        )
    };
    let text = [two(a, "x "), two(b, a), two(" ", b), two("", ".")].concat();
    let want = [two(LABEL, "x "), two("", LABEL), two(" ", ""), two("", ".")].concat();
    becomes("{}", Framing::Events, &text, &want);
}

#[test]
fn strings_stay_strings() {
    let k = key();
    let (a, b) = k.split_at(9);
    let spelt: String = a.bytes().map(|c| format!("\\u{c:04X}")).collect();
    // Escapes of JSON, of JSON in JSON, and what stands around in the same piece.
    let text = [
        chat(0, &format!("caf\\u00e9 \\ud83d\\ude00 \\\"{spelt}")),
        chat(0, &format!("{b}\\\"\\n\\\\ rest")),
    ]
    .concat();
    let want = [
        chat(0, &format!("caf\\u00e9 \\ud83d\\ude00 \\\"{LABEL}")),
        chat(0, "\\\"\\n\\\\ rest"),
    ]
    .concat();
    becomes("{}", Framing::Events, &text, &want);
    // A tool's arguments: a string in JSON in a string, and a field's name tells.
    let tool = |t: &str| SHAPES[3].2(&escaped(t));
    let policy = r#"{"fields":[{"names":["password"]}]}"#;
    let text = [tool("{\"user\": \"a\", \"pass"), tool("word\": \"short"), tool("er\"}")].concat();
    let want = [
        tool("{\"user\": \"a\", \"pass"),
        tool("word\": \"[REDACTED:field]"),
        tool("\"}"),
    ]
    .concat();
    becomes(policy, Framing::Events, &text, &want);
}

#[test]
fn an_end_of_any_kind_settles_what_is_open() {
    let k = key();
    let (a, b) = k.split_at(11);
    // Whole only when the stream ends.
    becomes(
        "{}",
        Framing::Events,
        &(chat(0, a) + &chat(0, b)),
        &(chat(0, LABEL) + &chat(0, "")),
    );
    // No key after all.
    let text = chat(0, "so sk") + &chat(0, "_live_") + "data: [DONE]\n\n: bye\n\n";
    becomes("{}", Framing::Events, &text, &text);
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let anthropic = SHAPES[7].2;
    let text = anthropic("sk") + stop + &anthropic("_live_") + stop;
    becomes("{}", Framing::Events, &text, &text);
    // A text is complete: nothing of it joins what comes under the same key.
    let text = anthropic(a) + stop + &anthropic(b) + stop;
    becomes("{}", Framing::Events, &text, &text);
}

/// How much has left after each piece.
fn left_after(policy: &str, framing: Framing, pieces: &[&str]) -> Vec<bool> {
    let e = engine(policy);
    let (mut work, mut exchange) = (Workspace::default(), Exchange::default());
    let mut body = Body::of_events(framing);
    let mut out = Vec::new();
    let left = pieces.iter().map(|p| {
        body.push(&e, &mut work, &mut exchange, p.as_bytes(), &mut out);
        body.held() == 0
    });
    left.collect()
}

#[test]
fn an_event_that_is_complete_and_clean_leaves_at_once() {
    let k = key();
    let of = |pieces: &[&str]| left_after("{}", Framing::Events, pieces);
    // What could go on in the next event does not, since this one ends.
    assert_eq!(
        of(&[
            &format!("data: {k}\n\n"),
            "data: sk_live_\n\n",
            ": sk\n\n",
            "id: 7\nretry: 1\n\n"
        ]),
        [true; 4]
    );
    assert_eq!(of(&["data: -----BEGIN PRIVATE KEY-----\n\n"]), [true]);
    assert_eq!(of(&["data: half an event\nid: 1\n"]), [true]);
    assert_eq!(
        of(&[&chat(0, "The weather is"), &chat(0, " fine"), "data: [DONE]\n\n"]),
        [true; 3]
    );
    // Only what an open candidate touches waits, and what stands behind it.
    assert_eq!(
        of(&[
            &chat(0, "key: sk_l"),
            ": alive\n\n",
            &chat(1, "other"),
            &chat(0, "ater.")
        ]),
        [false, false, false, true]
    );
    assert_eq!(
        left_after("{}", Framing::Lines, &["{\"a\":\"sk_live_\"}\n", "sk_live_\n"]),
        [true; 2]
    );
}

#[test]
fn what_is_learnt_in_a_text_goes_everywhere_behind_it() {
    let url = ["postgres://shop:", "fake-w0rd", "-7Qx9@db", "/shop and "];
    let text = url.map(|t| chat(0, t)).concat() + "data: {\"type\":\"done\",\"text\":\"fake-w0rd-7Qx9\"}\n\n";
    let want = [
        "postgres://shop:",
        "[REDACTED:postgres-url-password]",
        "@db",
        "/shop and ",
    ]
    .map(|t| chat(0, t))
    .concat()
        + "data: {\"type\":\"done\",\"text\":\"[REDACTED:postgres-url-password]\"}\n\n";
    becomes("{}", Framing::Events, &text, &want);
}

#[test]
fn floods_are_bounded() {
    let e = engine("{}");
    // Texts without end, each with something open.
    let mut text = String::new();
    for i in 0..10_000 {
        text += &chat(i, "key sk_liv");
    }
    let got = run(&e, Framing::Events, text.as_bytes().chunks(4096));
    assert!(got.most_memory < 1024 * 1024, "{}", got.most_memory);
    assert_eq!(got.out.len(), text.len(), "stars take as much room");
    // One that never ends: what waits is masked once there is too much of it, and its rest goes too.
    let k = key();
    let mut state = 7u32;
    let mut letter = || {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
        char::from(b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"[(state >> 16) as usize % 56])
    };
    let letters: Vec<char> = (0..3000).map(|_| letter()).collect();
    let rest = letters.iter().map(|c| chat(0, &c.to_string()));
    let long = [chat(0, "a: "), chat(0, &k)].concat() + &rest.collect::<String>() + &chat(0, " b");
    let got = run(&e, Framing::Events, long.as_bytes().chunks(1000));
    let same = run(&e, Framing::Events, long.as_bytes().chunks(77));
    assert!(got.out == same.out);
    let out = String::from_utf8(got.out).unwrap();
    assert!(!out.contains(&k[10..]));
    for letter in letters {
        assert!(!out.contains(&chat(0, &letter.to_string())), "{letter}");
    }
    assert!(out.contains("\" b\""));
    assert!(got.most_memory < 1024 * 1024, "{}", got.most_memory);
}

#[test]
fn a_huge_event_streams() {
    let text = format!(
        "data: {{\"type\":\"response.completed\",\"text\":\"{} {} end\"}}\n\n",
        "word ".repeat(200_000),
        key()
    );
    let e = engine("{}");
    let got = run(&e, Framing::Events, text.as_bytes().chunks(16 * 1024));
    assert!(got.most_memory < 160 * 1024, "{}", got.most_memory);
    assert_eq!(String::from_utf8(got.out).unwrap(), text.replace(&key(), LABEL));
}

/// What a stream may be made of: pieces of keys in every shape, between what stands around.
fn heap() -> impl Strategy<Value = String> {
    let k = key();
    let piece = prop_oneof![
        (0..14usize, 0..24usize, 1..24usize, 0..2usize).prop_map(move |(shape, from, len, index)| {
            let text = &k[from..(from + len).min(k.len())];
            match shape {
                0 | 12 | 13 => chat(index, text),
                n => SHAPES[n].2(text),
            }
        }),
        (0..3usize).prop_map(|i| chat(i, "sk_live_")),
        (0..2usize, "[a-zA-Z0-9 ]{0,9}").prop_map(|(i, t)| chat(i, &t)),
        Just(chat(0, "\\u0073k_l")),
        Just(chat(0, "postgres://u:")),
        Just(chat(0, "fake-w0rd-7Qx9@db/x ")),
        Just("data: fake-w0rd-7Qx9 sk_live_\n".to_owned()),
        Just("data: {\"a\":\"fake-w0rd-7Qx9\"}\n\n".to_owned()),
        Just(": alive\n\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("id: 7\nevent: x\n".to_owned()),
        (0..3usize, 0..2usize, 0..6usize).prop_map(move |(end, space, what)| {
            let end = ["\n", "\r", "\r\n"][end];
            let pem = |s| format!("-----{s} RSA {}-----", "PRIVATE KEY");
            let (begin, close, k) = (pem("BEGIN"), pem("END"), key());
            let row = "FAKEfakeFAKE0123456789+/FAKEfakeFAKE0123456789+/FAKEfakeFAKE0123";
            let lines: &[&str] = match what {
                0 => &[&begin, row, row, row, &close],
                1 => &[&begin, row, row],
                2 => &[row, &close, ""],
                3 => &["", "", "{\"text\":", "\"fake words\"}"],
                4 => &["k", &k[..9], &k[9..]],
                _ => &[&k],
            };
            let field = ["data:", "data: "][space];
            lines.iter().map(|line| format!("{field}{line}{end}")).collect()
        }),
        Just("data: [DONE]\n\n".to_owned()),
        Just("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n".to_owned()),
        Just("{\"choices\":[{\"delta\":{\"content\":\"sk_live".to_owned()),
        Just("data: {\"choices\":[{\"delta\":{\"content\":\"sk_live\\".to_owned()),
        Just(format!("data: {}\n\n", key())),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn cuts_do_not_matter(text in heap(), cuts in proptest::collection::vec(0..4000usize, 0..6), lines in any::<bool>()) {
        static ENGINES: std::sync::LazyLock<[Engine; 3]> = std::sync::LazyLock::new(|| [
            engine("{}"),
            engine(r#"{"response":{"action":{"mask":{"keep_last":4}}},"fields":[{"names":["text"],"action":"hash"}]}"#),
            engine(r#"{"mode":"report"}"#),
        ]);
        let framing = if lines { Framing::Lines } else { Framing::Events };
        for (i, e) in ENGINES.iter().enumerate() {
            let want = run(e, framing, [text.as_bytes()]);
            let cut = run(e, framing, at_cuts(text.as_bytes(), &cuts));
            let bytes = run(e, framing, text.as_bytes().chunks(1));
            for got in [cut, bytes] {
                prop_assert_eq!(String::from_utf8_lossy(&got.out), String::from_utf8_lossy(&want.out));
                prop_assert_eq!(&got.found, &want.found);
            }
            if want.found.is_empty() || i == 2 {
                prop_assert_eq!(String::from_utf8_lossy(&want.out), &*text);
            }
            prop_assert!(i == 2 || !String::from_utf8_lossy(&want.out).contains(&key()));
        }
    }
}

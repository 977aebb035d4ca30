//! Whether what arrived is what had to. Words about it hold names, offsets and lengths, never a value.

use keepmum_host_tests::capture::leaked;
use keepmum_host_tests::exchange::{Headers, Message};

use crate::table::Expected;

/// What a side saw.
#[derive(Clone, Debug, Default)]
pub struct Got {
    /// Headers with pseudo-headers, the body, trailers.
    pub message: Message,
    /// It did not end.
    pub cut: bool,
}

/// Headers that a proxy sets or takes on its own, and those that are taken back wherever a body may change.
const UNNAMED: &[&str] = &[
    "accept-encoding",
    "accept-ranges",
    "connection",
    "content-length",
    "date",
    "etag",
    "host",
    "if-range",
    "keep-alive",
    "range",
    "server",
    "te",
    "transfer-encoding",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-keepmum-capture",
    "x-keepmum-upstream",
    "x-request-id",
];

/// What is wrong with what arrived.
#[must_use]
pub fn wrong(want: &Expected, got: Option<&Got>) -> Vec<String> {
    let Some(got) = got else {
        let said = (!want.absent && !want.cut).then(|| "it did not arrive".to_owned());
        return said.into_iter().collect();
    };
    if want.absent {
        return vec!["it arrived".to_owned()];
    }
    let mut all: Vec<String> = leaked(&want.without, &got.message)
        .into_iter()
        .map(|name| format!("{name} arrived"))
        .collect();
    for name in [":status", ":path", ":method"] {
        if want.message.header(name) != got.message.header(name) {
            let text = |m: &Message| String::from_utf8_lossy(m.header(name).unwrap_or_default()).into_owned();
            let both = (name == ":status").then(|| format!(": {} for {}", text(&got.message), text(&want.message)));
            all.push(format!("other {name}{}", both.unwrap_or_default()));
        }
    }
    headers(want, &got.message.headers, &mut all);
    if want.cut != got.cut {
        all.push(format!("cut is {}", got.cut));
    }
    let (body, wanted) = (got.message.body_bytes(), want.message.body_bytes());
    if if want.cut {
        !wanted.starts_with(&body)
    } else {
        wanted != body
    } {
        let at = body.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        all.push(format!(
            "other body: {} bytes for {}, they part at {at}",
            body.len(),
            wanted.len()
        ));
    }
    let none = Headers::new();
    let trailers = [&got.message, &want.message].map(|m| m.trailers.as_ref().unwrap_or(&none));
    if !want.cut && trailers[0] != trailers[1] {
        all.push(format!(
            "trailers {:?} for {:?}",
            names(trailers[0]),
            names(trailers[1])
        ));
    }
    all
}

fn headers(want: &Expected, got: &Headers, all: &mut Vec<String>) {
    let values = |list: &Headers, name: &[u8]| -> Vec<Vec<u8>> {
        let of = list.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        of.map(|(_, v)| v.clone()).collect()
    };
    for (name, _) in &want.named {
        if values(&want.named, name) != values(got, name) {
            all.push(format!("other {}", String::from_utf8_lossy(name)));
        }
    }
    for name in &want.gone {
        if !values(got, name.as_bytes()).is_empty() {
            all.push(format!("{name} arrived"));
        }
    }
    if want.own {
        return;
    }
    let sent = &want.message.headers;
    for (name, _) in sent.iter().chain(got) {
        let text = String::from_utf8_lossy(name).to_ascii_lowercase();
        let skip = text.starts_with(':')
            || text.starts_with("x-envoy-")
            || UNNAMED.contains(&text.as_str())
            || want.gone.contains(&text)
            || want.named.iter().any(|(n, _)| n == name);
        if !skip && values(sent, name) != values(got, name) {
            all.push(format!("other {text}"));
        }
    }
}

fn names(list: &Headers) -> Vec<String> {
    let name = |(name, value): &(Vec<u8>, Vec<u8>)| format!("{}[{}]", String::from_utf8_lossy(name), value.len());
    list.iter().map(name).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests {
    use super::*;
    use keepmum_host_tests::exchange::Planted;

    fn header(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
        (name.into(), value.into())
    }

    fn message() -> Message {
        Message {
            headers: vec![header(":status", "200"), header("x-a", "1"), header("x-a", "2")],
            body: vec![b"fine".to_vec()],
            trailers: Some(vec![header("x-t", "1")]),
            ..Message::default()
        }
    }

    /// What is said of a message that differs from the expected one so.
    fn said(want: &Expected, change: fn(&mut Got)) -> String {
        let mut got = Got {
            message: message(),
            cut: false,
        };
        change(&mut got);
        wrong(want, Some(&got)).join("; ")
    }

    #[test]
    fn every_difference_is_told() {
        let want = Expected {
            message: message(),
            without: vec![Planted {
                name: "key".into(),
                value: b"0123456789".to_vec(),
            }],
            ..Expected::default()
        };
        assert_eq!(said(&want, |_| {}), "");
        assert_eq!(said(&want, |g| g.message.headers.push(header("date", "x"))), "");
        for (change, word) in [
            (
                (|g| g.message.headers[0] = header(":status", "500")) as fn(&mut Got),
                "other :status",
            ),
            (|g| g.message.headers[2] = header("x-a", "3"), "other x-a"),
            (|g| drop(g.message.headers.pop()), "other x-a"),
            (|g| g.message.headers.push(header("x-b", "")), "other x-b"),
            (|g| g.message.headers.push(header("x-b", "0123456789")), "key arrived"),
            (|g| g.message.body.clear(), "other body"),
            (|g| g.message.body.push(b"!".to_vec()), "other body"),
            (|g| g.message.trailers = None, "trailers"),
            (|g| g.cut = true, "cut is true"),
        ] {
            let said = said(&want, change);
            assert!(said.contains(word), "{word}: {said}");
        }
        assert_eq!(wrong(&want, None), ["it did not arrive"]);
        let absent = Expected {
            absent: true,
            ..want.clone()
        };
        assert_eq!(said(&absent, |_| {}), "it arrived");
        let cut = Expected { cut: true, ..want };
        assert_eq!(
            said(&cut, |g| (g.cut, g.message.body) = (true, vec![b"fi".to_vec()])),
            ""
        );
        assert!(said(&cut, |g| (g.cut, g.message.body) = (true, vec![b"fo".to_vec()])).contains("other body"));
    }
}

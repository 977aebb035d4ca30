//! Multipart bodies through the module, both ways: parts by their types and names, media counted, lengths true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod common;

use common::{answered, key, module, options, pairs};
use keepmum_host_tests::replay::replay;

const POLICY: &str = r#"{"fields":[{"names":["password"]}],"request":{"scan":["body"]}}"#;
const GIVEN: &str = "--b 1\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nfake words\r\n\
    --b 1\r\nContent-Disposition: form-data; name=a; filename=\"KEY.json\"\r\nContent-Type: application/json\r\n\r\n\
    {\"password\":[1],\"k\":\"KEY\"}\r\n\
    --b 1\r\nContent-Type: image/png\r\n\r\nKEY\r\n--b 1--\r\n";

#[test]
#[ignore = "needs the module: cargo xtask test --only captures"]
fn parts_are_redacted_in_both_directions() {
    let module = module();
    let given = GIVEN.replace("KEY", &key());
    let (front, image) = given.split_at(given.rfind(&key()).unwrap());
    let want = front
        .replace("fake words", "[REDACTED:field]")
        .replace("[1]", "\"[REDACTED:field]\"")
        .replace(&key(), "[REDACTED:stripe-secret-key]");
    let want = format!("{want}{image}");
    let content_type = ("content-type", "multipart/form-data; boundary=\"b 1\"");
    for size in [1, 7, 64, 1 << 20] {
        let pieces: Vec<&str> = given
            .as_bytes()
            .chunks(size)
            .map(|c| std::str::from_utf8(c).unwrap())
            .collect();
        let length = given.len().to_string();
        let mut exchange = answered("multipart", ("content-length", &length), &pieces);
        exchange.response.headers.retain(|(n, _)| n != b"content-type");
        exchange.response.headers.extend(pairs(&[content_type]));
        exchange
            .request
            .headers
            .extend(pairs(&[content_type, ("content-length", &length)]));
        exchange.request.body.clone_from(&exchange.response.body);
        let r = replay(&module, &options(POLICY), &exchange).unwrap();
        assert!(
            r.failure.is_none() && r.strict.is_empty(),
            "{:?} {:?}",
            r.failure,
            r.strict
        );
        let sent = r.upstream.as_ref().unwrap();
        for (what, message) in [("request", sent), ("response", &r.client.message)] {
            assert_eq!(
                String::from_utf8(message.body.concat()).unwrap(),
                want,
                "{what} in {size}"
            );
            assert_eq!(message.header("content-length"), None, "{what}");
            assert_eq!(message.header("content-type").unwrap(), content_type.1.as_bytes());
        }
        let unread = |what: &str| {
            r.metrics
                .get(&format!("keepmum.uninspected{what}.reason.content_type.route.default"))
        };
        assert_eq!(unread(""), Some(&2));
        assert_eq!(unread("_bytes"), Some(&(2 * key().len() as i64)));
        assert_eq!(r.told["outcome"], "redacted");
    }
    // Where a part that is not inspected is not to pass.
    let run = |policy: &str, body: &str| {
        let mut exchange = answered("part", content_type, &[body]);
        exchange.response.headers.remove(1);
        replay(&module, &options(policy), &exchange).unwrap()
    };
    for (fate, outcome) in [("block", "blocked"), ("drop", "dropped")] {
        let r = run(
            &format!(r#"{{"on_uninspectable":{{"content_type":"{fate}"}}}}"#),
            &given,
        );
        assert_eq!(r.told["outcome"], outcome);
        assert_eq!(r.client.message.body.concat(), b"", "{fate}");
        let unread = "keepmum.uninspected.reason.content_type.route.default";
        assert_eq!(r.metrics.get(unread), Some(&1));
        let fine = given.replace("image/png", "text/plain");
        assert_eq!(
            run("{}", &fine).client.message.body,
            run(r#"{"on_uninspectable":{"content_type":"block"}}"#, &fine)
                .client
                .message
                .body
        );
    }
    // Where nothing else is in it.
    let picture = "--b 1\r\nContent-Type: image/png\r\n\r\nfake\r\n--b 1--\r\n";
    let mut exchange = answered("picture", content_type, &[picture]);
    exchange.response.headers.remove(1);
    let r = replay(&module, &options("{}"), &exchange).unwrap();
    assert_eq!(r.told["outcome"], "uninspected");
    assert_eq!(r.client.message.body.concat(), picture.as_bytes());
}

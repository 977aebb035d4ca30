//! What is armed, and how long.

use std::time::{Duration, Instant};

use super::Store;
use crate::admission::Admission;
use crate::config::AdmissionConfig;
use crate::secret::{Secret, Stage};
use crate::source::{Missing, Read};

const HOUR: Duration = Duration::from_secs(3600);

fn store() -> Store {
    Store::new(HOUR, Admission::new(&AdmissionConfig::default()))
}

fn read(secrets: &[(&str, &str, &str, Stage)]) -> Read {
    let secret =
        |(id, version, value, stage): &(&str, &str, &str, Stage)| Secret::new(*id, *version, *value).staged(*stage);
    Read {
        secrets: secrets.iter().map(secret).collect(),
        missing: Vec::new(),
    }
}

#[track_caller]
fn armed(store: &Store, expected: &[&str]) {
    let shown = |a: &super::Armed<'_>| format!("{} {} {}", a.secret.id, a.version, a.stage.name());
    let all: Vec<String> = store.armed().iter().map(shown).collect();
    assert_eq!(all, expected);
}

const ONE: &str = "w8Tz4-qLx7-one";
const TWO: &str = "w8Tz4-qLx7-two";
use Stage::{Current, Pending, Previous};

#[test]
fn a_replaced_value_stays_for_the_grace_period() {
    let (mut store, now) = (store(), Instant::now());
    assert!(store.take(0, read(&[("x:a", "1", ONE, Current)]), now));
    assert!(!store.take(0, read(&[("x:a", "1", ONE, Current)]), now));
    assert!(store.take(0, read(&[("x:a", "2", TWO, Current)]), now));
    armed(&store, &["x:a 1 previous", "x:a 2 current"]);
    assert_eq!((store.count(0), store.next_end()), ((1, 1), Some(now + HOUR)));
    assert!(!store.expire(now + HOUR - Duration::from_secs(1)));
    assert!(store.expire(now + HOUR));
    armed(&store, &["x:a 2 current"]);
}

#[test]
fn a_value_that_comes_back_is_current_again() {
    let (mut store, now) = (store(), Instant::now());
    store.take(0, read(&[("x:a", "1", ONE, Current)]), now);
    store.take(0, read(&[("x:a", "2", TWO, Current)]), now);
    assert!(store.take(0, read(&[("x:a", "3", ONE, Current)]), now));
    armed(&store, &["x:a 3 current", "x:a 2 previous"]);
}

#[test]
fn a_pending_value_is_armed_before_it_is_live() {
    let (mut store, now) = (store(), Instant::now());
    store.take(0, read(&[("x:a", "1", ONE, Current), ("x:a", "2", TWO, Pending)]), now);
    armed(&store, &["x:a 1 current", "x:a 2 pending"]);
    assert!(store.take(0, read(&[("x:a", "1", ONE, Previous), ("x:a", "2", TWO, Current)]), now));
    armed(&store, &["x:a 1 previous", "x:a 2 current"]);
    assert_eq!(store.next_end(), None);
}

#[test]
fn one_value_is_armed_once_under_its_most_urgent_stage() {
    let (mut store, now) = (store(), Instant::now());
    store.take(0, read(&[("x:a", "1", ONE, Previous), ("x:a", "2", ONE, Current)]), now);
    armed(&store, &["x:a 2 current"]);
    store.take(1, read(&[("y:b", "9", ONE, Previous)]), now);
    armed(&store, &["x:a 2 current"]);
}

#[test]
fn what_could_not_be_read_stays_and_what_is_gone_does_not() {
    let (mut store, now) = (store(), Instant::now());
    store.take(0, read(&[("x:a", "1", ONE, Current), ("x:b", "1", TWO, Current)]), now);
    let missing = vec![Missing::unread("x:a", "503"), Missing::gone("x:b", "404")];
    assert!(store.take(
        0,
        Read {
            secrets: Vec::new(),
            missing
        },
        now
    ));
    armed(&store, &["x:a 1 current", "x:b 1 previous"]);
}

#[test]
fn an_id_that_begins_like_another_is_another() {
    let (mut store, now) = (store(), Instant::now());
    store.take(0, read(&[("x:a", "1", ONE, Current), ("x:ab", "1", TWO, Current)]), now);
    let missing = vec![Missing::unread("x:a", "503")];
    store.take(
        0,
        Read {
            secrets: Vec::new(),
            missing,
        },
        now,
    );
    armed(&store, &["x:a 1 current", "x:ab 1 previous"]);
}

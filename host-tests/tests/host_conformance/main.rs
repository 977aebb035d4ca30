//! The host against the facts of proxy-wasm as Envoy 1.40 implements it: one row for each fact.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod bodies;
mod kit;
mod lifecycle;
mod maps;
mod replies;
mod services;

#[test]
fn bodies_and_pauses() {
    run(bodies::ROWS);
}

#[test]
fn header_and_trailer_maps() {
    run(maps::ROWS);
}

#[test]
fn local_replies() {
    run(replies::ROWS);
}

#[test]
fn services_of_the_host() {
    run(services::ROWS);
}

fn run(rows: &[kit::Row]) {
    let mut failed = 0;
    for row in rows {
        if let Err(why) = kit::check(row) {
            failed += 1;
            eprintln!("--- {}\n{why}", row.fact);
        }
    }
    assert_eq!(failed, 0, "of {} rows", rows.len());
}

//! The vectors against a plain look at every byte.
#![allow(clippy::unwrap_used)]

use super::{BLOCK, BUCKETS, GATED, LONG, LONGER, LONGEST, Places, RUN, Sieve, Walk, begins_a_word, is_delimiter};

/// What one half of the buckets lets through, byte by byte.
fn passes(tables: &[[[u8; 16]; 2]; RUN], run: [u8; RUN]) -> bool {
    let half = |i: usize, half: usize| tables[i][half][usize::from(run[i] >> (4 * half) & 15)];
    let asked = (0..RUN).flat_map(|i| [(i, 0), (i, 1)]).filter(|at| *at != (RUN - 1, 1));
    asked.fold(0xff, |left, (i, h)| left & half(i, h)) != 0
}

/// No delimiter among as many bytes; what follows the end is unknown.
fn long(text: &[u8], at: usize, n: u16) -> bool {
    !text[at..].iter().take(usize::from(n)).any(|b| is_delimiter(*b))
}

fn begins(text: &[u8], at: usize) -> bool {
    let soft = (2..=10)
        .filter_map(|n| at.checked_sub(n))
        .any(|i| b"\\%=[".contains(&text[i]));
    begins_a_word(text[at]) && (at < 10 || soft || !begins_a_word(text[at - 1]))
}

#[test]
fn vectors_leave_the_places_that_bytes_do() {
    let mut sieve = Sieve::default();
    let runs = ["sk_k", "key:", "\\u00", "://A", "\u{7f}\u{1}x0", "AKIA", "-BE-"];
    for (i, run) in runs.into_iter().enumerate() {
        let run: [u8; RUN] = run.as_bytes().try_into().unwrap();
        sieve.add(i * 5 % (BUCKETS - 1), run.map(Some));
    }
    sieve.add(9, [Some(b'\\'), Some(b'/'), None, None]);
    sieve.add(BUCKETS - 1, [Some(b'%'), Some(b'/'), None, None]);
    let alphabet = b"sk_ey\\u0:/%AKI-BE\x7f\x01x\xffz=[ sk_key://AKIsk_AKI";
    let mut state = 7u32;
    for len in (0..400).chain(2000..2200) {
        let any = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            alphabet[(state >> 16) as usize % alphabet.len()]
        };
        let text: Vec<u8> = (0..len).map(any).collect();
        let (mut walk, mut found) = (Walk::new(), Vec::new());
        loop {
            let blocks = sieve.next(&text, &mut walk);
            if blocks.is_empty() {
                break;
            }
            found.extend_from_slice(blocks);
        }
        let of = |bits: fn(&Places) -> u64| {
            let set = |at: &usize| bits(&found[at / BLOCK]) >> (at % BLOCK) & 1 == 1;
            (0..len).filter(set).collect::<Vec<_>>()
        };
        let padded = [text.as_slice(), &[0xff; RUN]].concat();
        let run = |at: usize| padded[at..at + RUN].try_into().unwrap();
        let [gated, open] = &sieve.tables;
        let runs = (0..len).filter(|at| (passes(gated, run(*at)) && long(&text, *at, LONG)) || passes(open, run(*at)));
        assert_eq!(of(|p| p.runs), runs.collect::<Vec<_>>());
        let encoded = (0..len).filter(|at| padded[*at] == b'%' && padded[at + 1] == b'/');
        assert_eq!(of(|p| p.encoded), encoded.collect::<Vec<_>>());
        let starts = of(|p| p.starts);
        for at in 0..len {
            let least = begins(&text, at) && long(&text, at, LONGER);
            assert!(!least || starts.contains(&at), "{at} of {len}");
        }
        let first = |at: usize| begins_a_word(text[at]) && (at == 0 || !begins_a_word(text[at - 1]));
        let longest = (0..len).filter(|at| first(*at) && long(&text, *at, LONGEST as u16));
        assert_eq!(of(|p| p.longest), longest.collect::<Vec<_>>(), "of {len}");
        let more = starts
            .iter()
            .filter(|at| !begins(&text, **at) || !long(&text, **at, LONGER));
        assert!(more.count() <= 9 * len.div_ceil(64), "of {len}");
    }
}

#[test]
fn kinds_of_bytes_are_what_they_seem() {
    for b in 0..=255u8 {
        assert!(!begins_a_word(b) || b.is_ascii_alphanumeric(), "{b}");
        assert_eq!(is_delimiter(b), b <= b' ' || b"\"'(),<>{}".contains(&b), "{b}");
    }
    const { assert!(GATED < BUCKETS) };
}

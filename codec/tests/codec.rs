//! Decoders against the encoders of others: what comes out is what went in, however it was cut, and broken input breaks nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::io::Write;

use flate2::Compression;
use keepmum_codec::{Broken, Coding, Decoder, FREE_BYTES, Limits};
use proptest::prelude::*;

const LIMITS: Limits = Limits {
    ratio: 100,
    window: 8 << 20,
};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::GzBuilder::new().filename("a.txt").comment("b").extra([1, 2, 3]);
    encoder = encoder.mtime(1);
    let mut encoder = encoder.write(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn raw(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn brotli(text: &[u8], quality: u32, window: u32) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, quality, window)
        .write_all(text)
        .unwrap();
    out
}

fn encode(coding: Coding, text: &[u8]) -> Vec<u8> {
    match coding {
        Coding::Gzip => gzip(text),
        Coding::Deflate => zlib(text),
        Coding::Brotli => brotli(text, 5, 22),
        Coding::Zstd => zstd::encode_all(text, 3).unwrap(),
    }
}

/// What came out until it broke or ended, and how it ended. No piece is larger than the documentation says.
fn decode<'c>(
    codings: &[Coding],
    cuts: impl IntoIterator<Item = &'c [u8]>,
    limits: Limits,
) -> (Vec<u8>, Result<(), Broken>) {
    let mut decoder = Decoder::new(codings, limits);
    let mut out = Vec::new();
    let mut sink = |piece: &[u8]| {
        assert!(piece.len() <= 64 * 1024);
        out.extend_from_slice(piece);
        Ok(())
    };
    let mut done = Ok(());
    for cut in cuts {
        done = decoder.push(cut, &mut sink);
        if done.is_err() {
            break;
        }
    }
    let at_end = decoder.at_end();
    let done = done.and_then(|()| decoder.finish(&mut sink));
    assert!(at_end <= done.is_ok(), "it was not at its end");
    (out, done)
}

fn text(lines: usize) -> Vec<u8> {
    (0..lines)
        .flat_map(|i| format!("{{\"id\": {i}, \"note\": \"{}\"}}\n", i * 7919 % 1000).into_bytes())
        .collect()
}

const ALL: &[Coding] = &[Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

#[test]
fn what_was_encoded_comes_out() {
    for text in [b"".to_vec(), b"a".to_vec(), text(10), text(20_000)] {
        for coding in ALL {
            let encoded = encode(*coding, &text);
            for size in [encoded.len().max(1), 1000, 1] {
                let got = decode(&[*coding], encoded.chunks(size), LIMITS);
                assert!(
                    got == (text.clone(), Ok(())),
                    "{coding:?} in chunks of {size}: {:?}",
                    got.1
                );
            }
        }
        let got = decode(&[Coding::Deflate], raw(&text).chunks(3), LIMITS);
        assert!(got == (text.clone(), Ok(())), "raw deflate: {:?}", got.1);
        let members = [gzip(&text), gzip(b""), gzip(&text)].concat();
        let got = decode(&[Coding::Gzip], members.chunks(7), LIMITS);
        assert!(got == ([text.clone(), text.clone()].concat(), Ok(())));
        let stacked = gzip(&zlib(&text));
        let got = decode(&[Coding::Deflate, Coding::Gzip], stacked.chunks(100), LIMITS);
        assert!(got == (text, Ok(())), "a stack");
    }
}

#[test]
fn every_level_is_read() {
    let large = Limits {
        ratio: 100_000,
        ..LIMITS
    };
    let words = |n: usize| (0..n).flat_map(|i| [b"alpha ", b"bravo ", b"delta ", b"gamma "][i * i % 7 % 4].to_vec());
    let noise = |n: usize| (0..n as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8);
    let texts: Vec<Vec<u8>> = vec![
        text(30_000),
        words(200_000).collect(),
        noise(300_000).collect(),
        [text(3000), noise(200_000).collect(), vec![b'x'; 400_000], text(100)].concat(),
    ];
    for text in &texts {
        for level in [1, 3, 9, 15, 19] {
            let mut encoder = zstd::Encoder::new(Vec::new(), level).unwrap();
            encoder.include_checksum(level % 2 == 1).unwrap();
            encoder.write_all(text).unwrap();
            let one = encoder.finish().unwrap();
            let two = [
                one.as_slice(),
                b"\x50\x2a\x4d\x18\x03\0\0\0abc",
                &zstd::bulk::compress(text, level).unwrap(),
            ]
            .concat();
            let both = [text.as_slice(), text].concat();
            for size in [two.len(), 1000] {
                let got = decode(&[Coding::Zstd], two.chunks(size), large);
                assert!(
                    got == (both.clone(), Ok(())),
                    "zstd {level}: {:?} {}",
                    got.1,
                    got.0.len()
                );
            }
        }
        for (quality, window) in [(0, 10), (1, 16), (5, 17), (9, 22), (11, 23)] {
            let encoded = brotli(text, quality, window);
            let got = decode(&[Coding::Brotli], encoded.chunks(1000), large);
            assert!(got == (text.clone(), Ok(())), "brotli {quality}: {:?}", got.1);
        }
        for level in 0..=9 {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::new(level));
            encoder.write_all(text).unwrap();
            let got = decode(&[Coding::Gzip], encoder.finish().unwrap().chunks(1000), large);
            assert!(got == (text.clone(), Ok(())), "gzip {level}: {:?}", got.1);
        }
    }
}

#[test]
fn what_was_flushed_comes_out_at_once() {
    let event = b"data: {\"delta\": \"hello\"}\n\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    let mut zstd = zstd::Encoder::new(Vec::new(), 3).unwrap();
    let mut brotli = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let mut decoders = [Coding::Gzip, Coding::Zstd, Coding::Brotli].map(|c| Decoder::new(&[c], LIMITS));
    let mut seen = [0; 3];
    for _ in 0..5 {
        gzip.write_all(event).unwrap();
        gzip.flush().unwrap();
        zstd.write_all(event).unwrap();
        zstd.flush().unwrap();
        brotli.write_all(event).unwrap();
        brotli.flush().unwrap();
        let encoded = [gzip.get_ref(), zstd.get_ref(), brotli.get_ref()];
        for ((encoded, decoder), seen) in encoded.into_iter().zip(&mut decoders).zip(&mut seen) {
            let mut out = Vec::new();
            let mut sink = |piece: &[u8]| {
                out.extend_from_slice(piece);
                Ok(())
            };
            decoder.push(&encoded[*seen..], &mut sink).unwrap();
            *seen = encoded.len();
            assert_eq!(out, event);
        }
    }
}

#[test]
fn windows_and_memory_are_bounded() {
    let mut state = 1u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let text: Vec<u8> = (0..4 << 20).map(|_| noise()).collect();
    let encoded = [
        (Coding::Brotli, brotli(&text, 1, 22)),
        (Coding::Zstd, encode(Coding::Zstd, &text)),
    ];
    for (coding, encoded) in encoded {
        let limits = Limits {
            window: 1 << 20,
            ..LIMITS
        };
        assert_eq!(
            decode(&[coding], [encoded.as_slice()], limits),
            (vec![], Err(Broken::Window)),
            "{coding:?}"
        );
        let mut decoder = Decoder::new(&[coding], LIMITS);
        let mut most = 0;
        for cut in encoded.chunks(4096) {
            decoder.push(cut, &mut |_| Ok(())).unwrap();
            most = most.max(decoder.memory());
        }
        assert!(most < 6 << 20, "{coding:?}: {most} bytes");
        let mut decoder = Decoder::new(&[coding], LIMITS);
        decoder.allow(1 << 20);
        let mut held = 0;
        let done = encoded.chunks(4096).try_for_each(|cut| {
            let done = decoder.push(cut, &mut |_| Ok(()));
            held = held.max(decoder.memory());
            done
        });
        assert_eq!(done, Err(Broken::Memory), "{coding:?}");
        assert!(held <= 1 << 20, "{coding:?}: {held} bytes");
    }
}

#[test]
fn nothing_encoded_is_nothing() {
    for coding in ALL {
        assert_eq!(decode(&[*coding], [], LIMITS), (vec![], Ok(())), "{coding:?}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    let text = text(5000);
    let sound = gzip(&text);
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0xff);
    let mut sum = sound.clone();
    *sum.last_mut().unwrap() ^= 1;
    let cases: Vec<(&str, Coding, Vec<u8>, Broken)> = vec![
        ("plain text", Coding::Gzip, text.clone(), Broken::Lying),
        ("damaged", Coding::Gzip, damaged, Broken::Malformed),
        ("a wrong length", Coding::Gzip, sum, Broken::Malformed),
        (
            "no trailer",
            Coding::Gzip,
            sound[..sound.len() - 8].to_vec(),
            Broken::Truncated,
        ),
        (
            "half",
            Coding::Gzip,
            sound[..sound.len() / 2].to_vec(),
            Broken::Truncated,
        ),
        ("a header", Coding::Gzip, sound[..9].to_vec(), Broken::Truncated),
        (
            "garbage",
            Coding::Gzip,
            [sound.as_slice(), b"more"].concat(),
            Broken::Trailing,
        ),
        (
            "half a magic",
            Coding::Gzip,
            [sound.as_slice(), b"\x1f"].concat(),
            Broken::Trailing,
        ),
        (
            "garbage",
            Coding::Deflate,
            [zlib(&text).as_slice(), b"m"].concat(),
            Broken::Trailing,
        ),
        ("half", Coding::Deflate, zlib(&text)[..500].to_vec(), Broken::Truncated),
        ("one byte", Coding::Deflate, b"x".to_vec(), Broken::Truncated),
        (
            "half",
            Coding::Brotli,
            encode(Coding::Brotli, &text)[..2000].to_vec(),
            Broken::Truncated,
        ),
        (
            "garbage",
            Coding::Brotli,
            [encode(Coding::Brotli, &text).as_slice(), b"m"].concat(),
            Broken::Trailing,
        ),
        ("plain text", Coding::Zstd, text.clone(), Broken::Lying),
        (
            "half",
            Coding::Zstd,
            encode(Coding::Zstd, &text)[..2000].to_vec(),
            Broken::Truncated,
        ),
        (
            "garbage",
            Coding::Zstd,
            [encode(Coding::Zstd, &text).as_slice(), b"more"].concat(),
            Broken::Trailing,
        ),
        (
            "half a magic",
            Coding::Zstd,
            [encode(Coding::Zstd, &text).as_slice(), b"\x28\xb5"].concat(),
            Broken::Trailing,
        ),
    ];
    for (name, coding, encoded, broken) in cases {
        let whole = decode(&[coding], [encoded.as_slice()], LIMITS);
        assert_eq!(whole.1, Err(broken), "{name}");
        assert!(
            text.starts_with(&whole.0) || broken == Broken::Malformed,
            "{name}: what came out is no text"
        );
        for size in [1, 13] {
            let parts = decode(&[coding], encoded.chunks(size), LIMITS);
            let lengths = (parts.0.len(), whole.0.len());
            assert!(
                parts == whole,
                "{coding:?}, {name}, in chunks of {size}: {lengths:?} {:?}",
                parts.1
            );
        }
    }
}

#[test]
fn a_lie_can_be_taken_back() {
    for cut in 0..3 {
        let body = b"\x1f\x8b plain";
        let mut decoder = Decoder::new(&[Coding::Gzip], LIMITS);
        let mut sink = |_: &[u8]| panic!("nothing comes out");
        assert_eq!(decoder.push(&body[..cut], &mut sink), Ok(()));
        assert_eq!(decoder.push(&body[cut..], &mut sink), Err(Broken::Lying));
        assert_eq!([decoder.swallowed(), &body[cut..]].concat(), body);
    }
}

#[test]
fn a_bomb_goes_off_nowhere() {
    let zeros = vec![0; 64 << 20];
    for coding in ALL {
        let bomb = encode(*coding, &zeros);
        let (out, done) = decode(&[*coding], [bomb.as_slice()], LIMITS);
        assert_eq!(done, Err(Broken::Ratio), "{coding:?}");
        let most = FREE_BYTES.max(100 * (bomb.len() as u64).next_multiple_of(4096));
        assert!(
            (out.len() as u64) <= most,
            "{coding:?}: {} of {}",
            out.len(),
            bomb.len()
        );
        for size in [1, 4095, 4097] {
            assert!(
                decode(&[*coding], bomb.chunks(size), LIMITS) == (out.clone(), done),
                "{coding:?} by {size}"
            );
        }
        let small = encode(*coding, &zeros[..FREE_BYTES as usize]);
        assert_eq!(
            decode(&[*coding], [small.as_slice()], LIMITS).1,
            Ok(()),
            "a small one is none"
        );
        let stacked = gzip(&bomb);
        assert_eq!(
            decode(&[*coding, Coding::Gzip], [stacked.as_slice()], LIMITS).1,
            Err(Broken::Ratio)
        );
    }
    // Nothing comes out of the inner one, which is all header.
    let name = [b"\x1f\x8b\x08\x08\0\0\0\0\0\xff".to_vec(), vec![b'a'; 64 << 20]].concat();
    let inner = decode(&[Coding::Gzip, Coding::Gzip], [gzip(&name).as_slice()], LIMITS);
    assert_eq!(inner, (vec![], Err(Broken::Ratio)));
}

fn cut<'c>(bytes: &'c [u8], cuts: &[usize]) -> Vec<&'c [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    for n in cuts {
        let (part, behind) = rest.split_at((*n).min(rest.len()));
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

type Decoded = (Vec<u8>, Result<(), Broken>);

/// Whether a cut has changed nothing. In `br` the command that is damaged may have written something, or not.
fn same(coding: Coding, whole: &Decoded, parts: &Decoded) -> bool {
    let begins = whole.0.starts_with(&parts.0) || parts.0.starts_with(&whole.0);
    let damaged = whole.1 == Err(Broken::Malformed) && parts.1 == whole.1;
    whole == parts || (coding == Coding::Brotli && damaged && begins)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_never_stops_it_and_cuts_change_nothing(
        which in 0..ALL.len(),
        lines in prop_oneof![9 => 0usize..400, 1 => 4000usize..8000],
        noise in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        end in any::<prop::sample::Index>(),
        cuts in proptest::collection::vec(0usize..300, 0..40),
    ) {
        let mut encoded = encode(ALL[which], &text(lines));
        for (at, byte) in noise {
            let at = at.index(encoded.len());
            encoded[at] = byte;
        }
        encoded.truncate(end.index(encoded.len()) + 1);
        let whole = decode(&[ALL[which]], [encoded.as_slice()], LIMITS);
        let parts = decode(&[ALL[which]], cut(&encoded, &cuts), LIMITS);
        prop_assert!(same(ALL[which], &whole, &parts), "{:?} of {} and {:?} of {}", whole.1, whole.0.len(), parts.1, parts.0.len());
    }

    #[test]
    fn noise_never_stops_it(which in 0..ALL.len(), noise in proptest::collection::vec(any::<u8>(), 0..500)) {
        let whole = decode(&[ALL[which]], [noise.as_slice()], LIMITS);
        let parts = decode(&[ALL[which]], noise.chunks(1), LIMITS);
        prop_assert!(same(ALL[which], &whole, &parts), "{:?} of {} and {:?} of {}", whole.1, whole.0.len(), parts.1, parts.0.len());
    }
}

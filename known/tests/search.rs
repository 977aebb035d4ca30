//! Every form of every secret is found wherever it stands, and nothing else is; and what a set may not be.

#![allow(clippy::unwrap_used)]

use keepmum_known::publish::Publisher;
use keepmum_known::{End, Error, Here, Secret, Stage, Table, forms, mac};

const SHARED: &[u8] = b"a key of the tests, and of no one else";
const SALT: &[u8] = b"sixteen bytes 01";

/// Values that look like what vaults hold, from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 ^ self.0 >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next()).unwrap() % n
    }

    fn value(&mut self) -> Vec<u8> {
        let alphabets: [&[u8]; 6] = [
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            b"0123456789abcdef",
            b"ABCDEFGHJKMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ ",
            b"abcdefghijklmnopqrstuvwxyz-",
            b"abcdefghijklmnopqrstuvwxyz0123456789",
        ];
        let alphabet = alphabets[self.below(alphabets.len())];
        let len = 12 + self.below(52);
        (0..len).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}

fn secret(i: usize) -> Secret {
    Secret {
        id: format!("test:{i}"),
        version: "1".to_owned(),
        stage: Stage::Current,
    }
}

fn sealed(values: &[Vec<u8>]) -> (Vec<u8>, String) {
    let mut publisher = Publisher::new(SHARED, SALT).unwrap();
    for (i, value) in values.iter().enumerate() {
        publisher.add(secret(i), value).unwrap();
    }
    publisher.finish(1, 0).seal(SHARED).unwrap()
}

fn table(values: &[Vec<u8>]) -> Table {
    let (body, seal) = sealed(values);
    Table::open(SHARED, &body, &seal, None).unwrap()
}

/// The forms that stand in a text.
fn found(table: &Table, text: &[u8]) -> Vec<(usize, usize, u32)> {
    let mut all = Vec::new();
    table.search(text, 0, text.len(), &mut |_, Here { start, form, .. }| {
        if let End::At(len) = table.end(form, &text[start..]) {
            all.push((start, len, table.of_form(form).unwrap().0));
        }
        true
    });
    all
}

#[test]
fn every_form_of_every_secret_is_found_wherever_it_stands() {
    let mut random = Random(7);
    let mut values: Vec<Vec<u8>> = (0..500).map(|_| random.value()).collect();
    values.push("pässwörter-mit-ümlauten-99".as_bytes().to_vec());
    values.push((0..40u8).map(|i| i.wrapping_mul(7) ^ 0x80).collect());
    let table = table(&values);
    for (i, value) in values.iter().enumerate() {
        for form in forms::expand(value) {
            let noise: Vec<u8> = random.value();
            let (before, after) = (random.below(130), random.below(90));
            let mut text: Vec<u8> = noise.iter().copied().cycle().take(before).collect();
            let start = text.len();
            text.extend_from_slice(&form.text);
            let end = text.len();
            text.extend(noise.iter().rev().copied().cycle().take(after));
            let number = u32::try_from(i).unwrap();
            assert!(
                found(&table, &text).contains(&(start, end - start, number)),
                "{} of value {i}",
                form.name
            );
        }
    }
}

#[test]
fn ordinary_text_has_none() {
    let mut random = Random(9);
    let values: Vec<Vec<u8>> = (0..500).map(|_| random.value()).collect();
    let table = table(&values);
    let text: Vec<u8> = (0..2_000_000)
        .map(|_| u8::try_from(random.below(256)).unwrap())
        .collect();
    assert_eq!(found(&table, &text), []);
    let text: Vec<u8> = (0..60_000).flat_map(|_| random.value()).collect();
    assert_eq!(found(&table, &text), []);
}

#[test]
fn a_set_that_is_damaged_or_forged_is_refused() {
    let (body, seal) = sealed(&[b"Zq7-not-a-real-secret-4T".to_vec()]);
    let open = |body: &[u8], seal: &str| Table::open(SHARED, body, seal, None).err();
    assert_eq!(open(&body, &seal), None);
    let resealed = |body: &[u8]| {
        let hex: String = mac(SHARED, body).iter().map(|b| format!("{b:02x}")).collect();
        open(body, &format!("hmac-sha256={hex}"))
    };
    for seal in [
        "",
        "hmac-sha256=",
        "hmac-sha256=00",
        "sha256",
        &seal.replace("hmac", "HMAC"),
        &seal[..seal.len() - 1],
    ] {
        assert_eq!(open(&body, seal), Some(Error::Seal), "{seal}");
    }
    for at in [0, 20, body.len() / 2, body.len() - 1] {
        let mut other = body.clone();
        other[at] ^= 1;
        assert_eq!(open(&other, &seal), Some(Error::Seal));
    }
    assert_eq!(
        Table::open(b"another key, as long as the other", &body, &seal, None).err(),
        Some(Error::Seal)
    );
    let text = String::from_utf8(body.clone()).unwrap();
    let cases = [
        (text.replace("known/1", "known/2"), Error::Format),
        (text.replace("\"version\":1", "\"version\":-1"), Error::Schema),
        (
            text.replace("\"version\":1,\"salt\"", "\"more\":1,\"version\":1,\"salt\""),
            Error::Schema,
        ),
        (text[..text.len() - 1].to_owned(), Error::Schema),
        ("[]".to_owned(), Error::Schema),
        (text.replace("test:0", ""), Error::Record),
        (text.replace("test:0", "a\\nb"), Error::Record),
        (text.replace("\"records\":\"", "\"records\":\"AAAA"), Error::Record),
        (text.replace("\"prefix\":\"", "\"prefix\":\"00"), Error::Record),
        (" ".repeat(keepmum_known::MOST_BYTES + 1), Error::TooLarge),
    ];
    for (text, error) in cases {
        assert_eq!(resealed(text.as_bytes()), Some(error));
    }
    assert_eq!(Table::open(SHARED, &body, &seal, Some(2)).err(), Some(Error::Version));
    assert!(Table::open(SHARED, &body, &seal, Some(1)).is_ok());
}

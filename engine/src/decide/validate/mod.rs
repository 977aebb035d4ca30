//! Further checks on a value that a pattern matched. Each is a name in a detector's file, and a file here.
//!
//! A check rejects; none confirms. A checksum that fails is no reason to let a token pass: examples in documents and
//! scrambled copies fail it, and so does a real token of which one digit was cut off.

mod alphabet;
mod assignment;
pub(crate) mod base64;
mod bot_number;
mod code;
mod documented;
mod element;
mod email;
pub(crate) mod entropy;
mod iban;
mod internal_host;
mod ip_address;
mod known_fake;
mod media;
mod names;
mod nearby;
mod number;
mod password;
mod payment_card;
mod phone;
mod placeholder;
mod private_endpoint;
mod property;
mod random;
mod server_path;
mod spelled_hash;
mod ssn;
mod user_and_password;
mod word;
pub(crate) mod words;

use crate::decode::escape;

/// What a check looks at. All of it is in hand whenever a match ends, however the body was cut.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen<'a> {
    /// The text of the `secret` group, escapes undone.
    pub(crate) value: &'a [u8],
    /// What the pattern matched in front of it, from the anchor on, escapes undone.
    pub(crate) lead: &'a [u8],
    /// The input before the anchor, as it stands: 16 bytes, or fewer where the body begins.
    pub(crate) front: &'a [u8],
    /// What the pattern matched behind it, escapes undone.
    pub(crate) behind: &'a [u8],
    /// The input behind the value, if the match was decided by it.
    pub(crate) after: Option<u8>,
}

impl Seen<'_> {
    /// What stands before the anchor, escapes undone.
    pub(crate) fn front_text(&self) -> std::borrow::Cow<'_, [u8]> {
        escape::text_of(self.front, escape::Reading::JSON)
    }
}

#[cfg(test)]
impl<'a> Seen<'a> {
    /// A value with these texts before and behind it.
    fn between(front: &'a str, value: &'a str, behind: &'a str) -> Seen<'a> {
        Seen {
            value: value.as_bytes(),
            front: front.as_bytes(),
            behind: behind.as_bytes(),
            ..Seen::default()
        }
    }
}

/// A named check.
pub(crate) struct Validator {
    /// As detectors' files name it.
    pub(crate) name: &'static str,
    /// What it rejects, for `keepmum explain` and for documentation: completes "the value is".
    pub(crate) rejects: &'static str,
    pub(crate) accepts: fn(&Seen) -> bool,
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn validator(name: &'static str, rejects: &'static str, accepts: fn(&Seen) -> bool) -> Validator {
    Validator { name, rejects, accepts }
}

/// All of them.
pub(crate) static ALL: &[Validator] = &[
    validator("not-placeholder", "a placeholder", |seen| {
        placeholder::accepts(seen.value)
    }),
    validator(
        "email-address",
        "no mail address, but a file's name, a repository or the user of a URL",
        email::accepts,
    ),
    validator(
        "iban",
        "not as long as its country prescribes, or its check digits are wrong",
        iban::accepts,
    ),
    validator(
        "ip-address",
        "an address of nobody (documentation, loopback, unspecified, a mask) or a version number",
        ip_address::accepts,
    ),
    validator(
        "private-address",
        "an address outside private networks, of a network as a whole, or a version number",
        ip_address::is_private,
    ),
    validator(
        "payment-card",
        "of no card issuer's form, or its check digit is wrong",
        payment_card::accepts,
    ),
    validator("phone-number", "of no country's form", phone::accepts),
    validator("us-ssn", "a number that was never issued", ssn::accepts),
    validator(
        "user-and-password",
        "not a user name and a password in base64",
        |seen| user_and_password::accepts(seen.value),
    ),
    validator(
        "names-a-secret",
        "behind a name that no secret has, or not assigned to it",
        assignment::accepts,
    ),
    validator(
        "not-known-fake",
        "a documented example, filler or the alphabet",
        |seen| known_fake::accepts(seen.value),
    ),
    validator("not-documented", "an example of AWS's documents", |seen| {
        documented::accepts(seen.value)
    }),
    validator(
        "not-a-property",
        "assigned to an object's property in a program",
        property::accepts,
    ),
    validator("no-spelled-hash", "a hash whose base64 spells a sentence", |seen| {
        spelled_hash::accepts(seen.value)
    }),
    validator("not-a-template", "a variable that is still to be filled in", |seen| {
        !code::is_template(seen.value)
    }),
    validator("not-filler", "a form with nothing but x in it", |seen| {
        known_fake::is_filled(seen.value)
    }),
    validator(
        "not-code",
        "a reference, a call, a path, an address, a version or a date",
        |seen| code::accepts(seen.value),
    ),
    validator("not-media", "a picture, a font or an archive in base64", |seen| {
        media::accepts(seen.value)
    }),
    validator(
        "holds-a-secret",
        "an element's text without anything random in it",
        element::accepts,
    ),
    validator(
        "near-a-keyword",
        "too far from the keyword in sense, or not random enough",
        nearby::accepts,
    ),
    validator(
        "looks-random",
        "too short, too regular or too much like words for its name",
        random::accepts,
    ),
    validator("like-a-password", "a word rather than a password", |seen| {
        password::looks(seen.value, false)
    }),
    validator(
        "looks-like-a-password",
        "a word, a sentence or code rather than a password",
        password::accepts,
    ),
    validator(
        "internal-host",
        "a property in a script, a file's name or no host",
        internal_host::accepts,
    ),
    validator(
        "private-endpoint",
        "no private address, or a number in it is out of range",
        private_endpoint::accepts,
    ),
    validator(
        "server-path",
        "a part of a URL or a template, or an example's path",
        server_path::accepts,
    ),
    validator(
        "mixed",
        "without capitals, without small letters or without digits",
        |seen| alphabet::is_mixed(seen.value),
    ),
    validator("has-digits", "without a digit", |seen| alphabet::has_digit(seen.value)),
    validator("not-hex", "hexadecimal throughout, as a hash is", |seen| {
        alphabet::is_beyond_hex(seen.value)
    }),
    validator("not-in-a-word", "the tail of a longer word", word::accepts),
    validator("bot-number", "not behind a bot's number", bot_number::accepts),
];

/// The check with this name, or all the names that there are.
pub(crate) fn named(name: &str) -> Result<&'static Validator, String> {
    let names = || ALL.iter().map(|v| v.name).collect::<Vec<_>>().join(", ");
    let one = ALL.iter().find(|v| v.name == name);
    one.ok_or_else(|| format!("no such validator; there are {}", names()))
}

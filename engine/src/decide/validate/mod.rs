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
mod words;

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

/// All of them.
pub(crate) static ALL: &[Validator] = &[
    Validator {
        name: "not-placeholder",
        rejects: "a placeholder",
        accepts: |seen| placeholder::accepts(seen.value),
    },
    Validator {
        name: "email-address",
        rejects: "no mail address, but a file's name, a repository or the user of a URL",
        accepts: email::accepts,
    },
    Validator {
        name: "iban",
        rejects: "not as long as its country prescribes, or its check digits are wrong",
        accepts: iban::accepts,
    },
    Validator {
        name: "ip-address",
        rejects: "an address of nobody (documentation, loopback, unspecified, a mask) or a version number",
        accepts: ip_address::accepts,
    },
    Validator {
        name: "payment-card",
        rejects: "of no card issuer's form, or its check digit is wrong",
        accepts: payment_card::accepts,
    },
    Validator {
        name: "phone-number",
        rejects: "of no country's form",
        accepts: phone::accepts,
    },
    Validator {
        name: "us-ssn",
        rejects: "a number that was never issued",
        accepts: ssn::accepts,
    },
    Validator {
        name: "user-and-password",
        rejects: "not a user name and a password in base64",
        accepts: |seen| user_and_password::accepts(seen.value),
    },
    Validator {
        name: "names-a-secret",
        rejects: "behind a name that no secret has, or not assigned to it",
        accepts: assignment::accepts,
    },
    Validator {
        name: "not-known-fake",
        rejects: "a documented example, filler or the alphabet",
        accepts: |seen| known_fake::accepts(seen.value),
    },
    Validator {
        name: "not-documented",
        rejects: "an example of AWS's documents",
        accepts: |seen| documented::accepts(seen.value),
    },
    Validator {
        name: "not-a-property",
        rejects: "assigned to an object's property in a program",
        accepts: property::accepts,
    },
    Validator {
        name: "no-spelled-hash",
        rejects: "a hash whose base64 spells a sentence",
        accepts: |seen| spelled_hash::accepts(seen.value),
    },
    Validator {
        name: "not-a-template",
        rejects: "a variable that is still to be filled in",
        accepts: |seen| !code::is_template(seen.value),
    },
    Validator {
        name: "not-filler",
        rejects: "a form with nothing but x in it",
        accepts: |seen| known_fake::is_filled(seen.value),
    },
    Validator {
        name: "not-code",
        rejects: "a reference, a call, a path, an address, a version or a date",
        accepts: |seen| code::accepts(seen.value),
    },
    Validator {
        name: "not-media",
        rejects: "a picture, a font or an archive in base64",
        accepts: |seen| media::accepts(seen.value),
    },
    Validator {
        name: "holds-a-secret",
        rejects: "an element's text without anything random in it",
        accepts: element::accepts,
    },
    Validator {
        name: "near-a-keyword",
        rejects: "too far from the keyword in sense, or not random enough",
        accepts: nearby::accepts,
    },
    Validator {
        name: "looks-random",
        rejects: "too short, too regular or too much like words for its name",
        accepts: random::accepts,
    },
    Validator {
        name: "like-a-password",
        rejects: "a word rather than a password",
        accepts: |seen| password::looks(seen.value, false),
    },
    Validator {
        name: "looks-like-a-password",
        rejects: "a word, a sentence or code rather than a password",
        accepts: password::accepts,
    },
    Validator {
        name: "internal-host",
        rejects: "a property in a script, a file's name or no host",
        accepts: internal_host::accepts,
    },
    Validator {
        name: "private-endpoint",
        rejects: "no private address, or a number in it is out of range",
        accepts: private_endpoint::accepts,
    },
    Validator {
        name: "server-path",
        rejects: "a part of a URL or a template, or an example's path",
        accepts: server_path::accepts,
    },
    Validator {
        name: "mixed",
        rejects: "without capitals, without small letters or without digits",
        accepts: |seen| alphabet::is_mixed(seen.value),
    },
    Validator {
        name: "has-digits",
        rejects: "without a digit",
        accepts: |seen| alphabet::has_digit(seen.value),
    },
    Validator {
        name: "not-hex",
        rejects: "hexadecimal throughout, as a hash is",
        accepts: |seen| alphabet::is_beyond_hex(seen.value),
    },
    Validator {
        name: "not-in-a-word",
        rejects: "the tail of a longer word",
        accepts: word::accepts,
    },
    Validator {
        name: "bot-number",
        rejects: "not behind a bot's number",
        accepts: bot_number::accepts,
    },
];

/// The check with this name, or all the names that there are.
pub(crate) fn named(name: &str) -> Result<&'static Validator, String> {
    let names = || ALL.iter().map(|v| v.name).collect::<Vec<_>>().join(", ");
    let one = ALL.iter().find(|v| v.name == name);
    one.ok_or_else(|| format!("no such validator; there are {}", names()))
}

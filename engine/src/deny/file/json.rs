//! Files of credentials in JSON: Google's keys and Docker's settings, told by the names at their margin.
//!
//! The first name that such a file has not lets the body go, so that an API's answer is held for a few bytes. Why not the walker
//! of field rules: it does not know how deep it stands, and an answer about files would be taken for one.

use super::value::is_real;
use super::{Kind, Verdict};

/// Names at the margin of Google's files.
const GOOGLE: &[&[u8]] = &[
    b"account",
    b"auth_provider_x509_cert_url",
    b"auth_uri",
    b"client_email",
    b"client_id",
    b"client_secret",
    b"client_x509_cert_url",
    b"private_key",
    b"private_key_id",
    b"project_id",
    b"quota_project_id",
    b"refresh_token",
    b"token_uri",
    b"type",
    b"universe_domain",
];

/// Names with which Docker's file begins.
const DOCKER: &[&[u8]] = &[b"auths", b"credHelpers", b"credsStore", b"HttpHeaders"];

/// Bytes of a text that are looked at.
const TEXT: usize = 128;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// In an object: before a name or the end.
    #[default]
    Name,
    Colon,
    Value,
    Behind,
}

/// What was read so far, behind the first brace.
#[derive(Clone, Debug, Default)]
pub(super) struct Json {
    at: At,
    /// Open containers below the margin; only objects are looked into.
    depth: u8,
    list: u8,
    in_text: bool,
    escaped: bool,
    text: Vec<u8>,
    /// The name at the margin, and the one at hand.
    margin: Vec<u8>,
    name: Vec<u8>,
    docker: bool,
    /// A service account, a user; and what makes it theirs.
    service: bool,
    user: bool,
    key: bool,
}

impl Json {
    pub(super) fn byte(&mut self, b: u8) -> Verdict {
        if self.in_text {
            return self.text(b);
        }
        match b {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'"' if matches!(self.at, At::Name | At::Value) || self.list > 0 => {
                self.text.clear();
                self.in_text = true;
            }
            _ if self.list > 0 => match b {
                b'[' | b'{' => self.list = self.list.saturating_add(1),
                b']' | b'}' => {
                    self.list -= 1;
                    if self.list == 0 {
                        self.at = At::Behind;
                    }
                }
                _ => {}
            },
            b':' if self.at == At::Colon => self.at = At::Value,
            b'{' if self.at == At::Value => {
                if self.depth == 0 && self.margin == b"type" {
                    return Verdict::Other;
                }
                self.depth = self.depth.saturating_add(1);
                self.at = At::Name;
            }
            b'[' if self.at == At::Value => self.list = 1,
            b',' if self.at == At::Behind => self.at = At::Name,
            b'}' if matches!(self.at, At::Name | At::Behind) => {
                let Some(depth) = self.depth.checked_sub(1) else {
                    return Verdict::Other;
                };
                self.depth = depth;
                self.at = At::Behind;
            }
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'E' if matches!(self.at, At::Value | At::Behind) => {
                self.at = At::Behind;
            }
            // No JSON.
            _ => return Verdict::Other,
        }
        Verdict::Open
    }

    fn text(&mut self, b: u8) -> Verdict {
        if self.escaped {
            self.escaped = false;
        } else if b == b'\\' {
            self.escaped = true;
        } else if b == b'"' {
            self.in_text = false;
            return self.text_ends();
        }
        if self.text.len() < TEXT {
            self.text.push(b);
        }
        // Its end is far.
        if self.text.len() == TEXT && self.at == At::Value && self.list == 0 {
            return self.value();
        }
        Verdict::Open
    }

    fn text_ends(&mut self) -> Verdict {
        if self.list > 0 {
            return Verdict::Open;
        }
        if self.at == At::Name {
            self.at = At::Colon;
            self.name.clone_from(&self.text);
            if self.depth > 0 {
                return Verdict::Open;
            }
            self.margin.clone_from(&self.text);
            let name = self.name.as_slice();
            self.docker |= DOCKER.contains(&name);
            let known = self.docker || GOOGLE.contains(&name);
            return if known { Verdict::Open } else { Verdict::Other };
        }
        self.at = At::Behind;
        self.value()
    }

    /// A text behind a name.
    fn value(&mut self) -> Verdict {
        let (name, value) = (self.name.as_slice(), self.text.as_slice());
        if self.depth == 0 {
            match name {
                b"type" => match value {
                    b"service_account" => self.service = true,
                    b"authorized_user" => self.user = true,
                    _ if !self.docker => return Verdict::Other,
                    _ => {}
                },
                b"client_email" => self.service |= value.ends_with(b".gserviceaccount.com"),
                b"private_key" => self.key |= value.starts_with(b"-----BEGIN"),
                b"refresh_token" => self.key |= is_real(value),
                _ => {}
            }
            if (self.service || self.user) && self.key {
                return Verdict::File(Kind::Gcp);
            }
        }
        let auth = matches!(name, b"auth" | b"identitytoken" | b"registrytoken" | b"password");
        if self.depth == 2 && self.margin == b"auths" && auth && is_real(value) {
            return Verdict::File(Kind::Docker);
        }
        Verdict::Open
    }
}

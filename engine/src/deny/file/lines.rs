//! Files of lines: settings (`NAME=value`), sections of them, keys between BEGIN and END, netrc, and kubeconfig's YAML.
//!
//! The first line that says something decides which of them it can be, and is looked at from its first byte on, so that prose
//! and pages are let go at once.

use super::value::{is_real, is_secret, unquoted};
use super::{Kind, Verdict};

/// Bytes of a line that are looked at.
const LINE: usize = 512;

/// A first line is looked at byte by byte so far; no name and no section's title is longer.
const FRONT: usize = 96;

/// Lines that say nothing to a recogniser, and do not make it give up.
const ODD: usize = 2;

/// Keys of a kubeconfig that stand at the margin.
const KUBE: &[&[u8]] = &[
    b"apiVersion",
    b"clusters",
    b"contexts",
    b"current-context",
    b"kind",
    b"preferences",
    b"users",
];

/// What the lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Family {
    #[default]
    Unknown,
    Settings,
    Sections,
    Pem,
    Netrc,
    Kube,
}

/// What was read so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    family: Family,
    /// Settings: how many, how many in capitals, how many that hold a secret.
    settings: usize,
    capitals: usize,
    secrets: usize,
    odd: usize,
    /// A value in quotes that goes on over lines.
    quote: Option<u8>,
    /// In a section of pip's.
    pip: bool,
    /// netrc: the keyword of which the value comes next.
    keyword: Option<&'static [u8]>,
    machine: bool,
    /// kubeconfig: `apiVersion: v1`, `clusters`, something else at the margin, and a credential.
    version: bool,
    clusters: bool,
    others: bool,
}

impl Lines {
    pub(super) fn byte(&mut self, b: u8) -> Verdict {
        // The environment of a process has NULs in place of line ends.
        if matches!(b, b'\n' | 0) {
            let line = std::mem::take(&mut self.line);
            let verdict = self.line(&line);
            self.line = line;
            self.line.clear();
            return verdict;
        }
        if self.line.len() < LINE {
            self.line.push(b);
            if self.family == Family::Unknown && self.line.len() <= FRONT && !may_begin(self.line.trim_ascii_start()) {
                return Verdict::Other;
            }
        }
        Verdict::Open
    }

    /// `cut`: the window is full, and the body may go on.
    pub(super) fn end(&mut self, cut: bool) -> Verdict {
        if !cut && !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            let verdict = self.line(&line);
            if verdict != Verdict::Open {
                return verdict;
            }
        }
        match self.family {
            Family::Settings if self.is_dotenv() => Verdict::File(Kind::Dotenv),
            // The certificates of a few clusters fill the window before the first user's key comes.
            Family::Kube if cut && self.version && self.clusters => Verdict::File(Kind::Kubeconfig),
            _ => Verdict::Other,
        }
    }

    fn is_dotenv(&self) -> bool {
        self.settings >= 2
            && self.secrets > 0
            && 4 * self.capitals >= 3 * self.settings
            && 8 * self.odd <= self.settings
    }

    fn line(&mut self, line: &[u8]) -> Verdict {
        let text = line.trim_ascii();
        if let Some(quote) = self.quote {
            if text.contains(&quote) {
                self.quote = None;
            }
            return Verdict::Open;
        }
        if text.is_empty() || matches!(text.first(), Some(b'#' | b';')) {
            return if text.starts_with(b"#!") {
                Verdict::Other
            } else {
                Verdict::Open
            };
        }
        if self.family == Family::Unknown {
            let Some(family) = family(text) else {
                return Verdict::Other;
            };
            self.family = family;
        }
        match self.family {
            Family::Unknown => Verdict::Other,
            Family::Settings => self.setting(text),
            Family::Sections => self.section(line, text),
            Family::Pem => pem(text),
            Family::Netrc => self.netrc(text),
            Family::Kube => self.kube(line, text),
        }
    }

    fn setting(&mut self, text: &[u8]) -> Verdict {
        let Some((name, value)) = assignment(text) else {
            self.odd += 1;
            return if self.odd > ODD { Verdict::Other } else { Verdict::Open };
        };
        if let Some((quote @ (b'"' | b'\''), rest)) = value.split_first()
            && !rest.contains(quote)
        {
            self.quote = Some(*quote);
        }
        let value = unquoted(value);
        let auth = [&b"_authToken"[..], b"_auth", b"_password"];
        let npm = name.starts_with(b"//") || name.first() == Some(&b'_') || name.contains(&b':');
        if npm && auth.iter().any(|a| name.ends_with(a)) && is_real(value) {
            return Verdict::File(Kind::Npmrc);
        }
        self.settings += 1;
        self.capitals += usize::from(
            name.iter()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_'),
        );
        self.secrets += usize::from(is_secret(name, value));
        Verdict::Open
    }

    fn section(&mut self, line: &[u8], text: &[u8]) -> Verdict {
        if let Some(title) = title(text) {
            self.pip = matches!(
                title,
                b"pypi" | b"testpypi" | b"distutils" | b"server-login" | b"gitlab"
            );
            return Verdict::Open;
        }
        let Some((name, value)) = assignment(text) else {
            // A value may go on, indented.
            self.odd += usize::from(!line.starts_with(b" ") && !line.starts_with(b"\t"));
            return if self.odd > ODD { Verdict::Other } else { Verdict::Open };
        };
        let value = unquoted(value);
        let named = |ends: &[&[u8]]| ends.iter().any(|e| name.to_ascii_lowercase().ends_with(e));
        if named(&[b"secret_access_key", b"aws_session_token", b"secret_key"]) && value.len() >= 16 && is_real(value) {
            return Verdict::File(Kind::Aws);
        }
        if self.pip && name == b"password" && is_real(value) {
            return Verdict::File(Kind::Pypirc);
        }
        Verdict::Open
    }

    fn netrc(&mut self, text: &[u8]) -> Verdict {
        // What stands behind it on the line may still be prose.
        let mut found = false;
        for word in text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()) {
            match self.keyword.take() {
                Some(b"password") if self.machine && is_real(word) => found = true,
                Some(_) => {}
                None => match word {
                    b"machine" => {
                        self.machine = true;
                        self.keyword = Some(b"machine");
                    }
                    b"default" => self.machine = true,
                    b"login" => self.keyword = Some(b"login"),
                    b"account" => self.keyword = Some(b"account"),
                    b"password" => self.keyword = Some(b"password"),
                    _ => return Verdict::Other,
                },
            }
        }
        if found {
            Verdict::File(Kind::Netrc)
        } else {
            Verdict::Open
        }
    }

    fn kube(&mut self, line: &[u8], text: &[u8]) -> Verdict {
        let (name, value) = pair(text.strip_prefix(b"- ").unwrap_or(text));
        let value = unquoted(value);
        if text == b"---" {
            return Verdict::Open;
        }
        if line.first().is_some_and(|b| !matches!(b, b' ' | b'\t' | b'-')) {
            let known = match name {
                b"apiVersion" => value == b"v1",
                b"kind" => value == b"Config",
                name => KUBE.contains(&name),
            };
            if !known {
                return Verdict::Other;
            }
            self.version |= name == b"apiVersion";
            self.clusters |= name == b"clusters";
            self.others |= matches!(name, b"contexts" | b"current-context" | b"users" | b"kind");
        }
        let credentials = [
            &b"client-key-data"[..],
            b"token",
            b"password",
            b"id-token",
            b"refresh-token",
            b"access-token",
        ];
        self.secrets += usize::from(credentials.contains(&name) && is_real(value));
        if self.version && self.clusters && self.others && self.secrets > 0 {
            return Verdict::File(Kind::Kubeconfig);
        }
        Verdict::Open
    }
}

/// What the first line makes of the file.
fn family(text: &[u8]) -> Option<Family> {
    if text.starts_with(b"-----BEGIN ") || text.starts_with(b"PuTTY-User-Key-File-") {
        return Some(Family::Pem);
    }
    if title(text).is_some() {
        return Some(Family::Sections);
    }
    if text == b"---" || KUBE.contains(&pair(text).0) {
        return Some(Family::Kube);
    }
    if assignment(text).is_some() {
        return Some(Family::Settings);
    }
    let netrc = text.starts_with(b"machine") || text.starts_with(b"default");
    netrc.then_some(Family::Netrc)
}

fn pem(text: &[u8]) -> Verdict {
    let begins = text.starts_with(b"-----BEGIN ") && text.windows(11).any(|w| w == b"PRIVATE KEY");
    if begins || text.starts_with(b"PuTTY-User-Key-File-") {
        return Verdict::File(Kind::PrivateKey);
    }
    Verdict::Open
}

/// `[title]`
fn title(text: &[u8]) -> Option<&[u8]> {
    let inner = text.strip_prefix(b"[")?;
    let end = inner.iter().position(|b| *b == b']')?;
    let (title, behind) = (inner.get(..end)?, inner.get(end + 1..)?.trim_ascii_start());
    let clean = title
        .iter()
        .all(|b| is_name(*b) || matches!(b, b' ' | b':' | b'/' | b'@'));
    (clean && !title.is_empty() && matches!(behind.first(), None | Some(b'#' | b';'))).then_some(title)
}

fn is_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}

/// `name = value`, `export NAME=value`, and npm's names of registries.
fn assignment(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"export ").unwrap_or(text);
    let at = text.iter().position(|b| *b == b'=')?;
    let (name, value) = (text.get(..at)?.trim_ascii(), text.get(at + 1..)?.trim_ascii());
    let first = name.first()?;
    let registry = matches!(first, b'/' | b'@') || name.contains(&b':');
    let is_one = |b: &u8| is_name(*b) || (registry && matches!(b, b'/' | b'@' | b':' | b'[' | b']'));
    ((first.is_ascii_alphabetic() || matches!(first, b'_' | b'/' | b'@')) && name.iter().all(is_one))
        .then_some((name, value))
}

/// `name: value`
fn pair(text: &[u8]) -> (&[u8], &[u8]) {
    let at = text.iter().position(|b| *b == b':').unwrap_or(text.len());
    (
        text.get(..at).unwrap_or_default(),
        text.get(at + 1..).unwrap_or_default().trim_ascii(),
    )
}

/// Whether a first line that begins so can be one of ours.
fn may_begin(text: &[u8]) -> bool {
    let agrees = |with: &[u8]| with.starts_with(text) || text.starts_with(with);
    let Some((first, rest)) = text.split_first() else {
        return true;
    };
    match first {
        b'#' => rest.first() != Some(&b'!'),
        b';' => true,
        b'-' => agrees(b"-----BEGIN ") || text == b"---",
        b'[' => {
            let end = rest.iter().position(|b| *b == b']').unwrap_or(rest.len());
            rest.iter()
                .take(end)
                .all(|b| is_name(*b) || matches!(b, b' ' | b':' | b'/' | b'@'))
        }
        b'/' => agrees(b"//") && !rest.contains(&b' ') || rest.contains(&b'='),
        b'@' => !rest.contains(&b' ') || rest.contains(&b'='),
        _ if first.is_ascii_alphabetic() || *first == b'_' => {
            let end = text.iter().position(|b| !is_name(*b)).unwrap_or(text.len());
            let (word, behind) = text.split_at(end);
            match behind.first() {
                None | Some(b'=') => true,
                Some(b':') => KUBE.contains(&word) || word.starts_with(b"PuTTY-User-Key-File-"),
                Some(b' ' | b'\t') => {
                    let behind = behind.trim_ascii_start();
                    match word {
                        b"export" => behind
                            .iter()
                            .position(|b| !is_name(*b))
                            .is_none_or(|i| behind.get(i) == Some(&b'=')),
                        b"machine" | b"default" => netrc_may_go_on(word, behind),
                        _ => matches!(behind.first(), None | Some(b'=')),
                    }
                }
                Some(b'\r') => true,
                _ => false,
            }
        }
        _ => false,
    }
}

/// Behind `machine` a name stands, and then a keyword.
fn netrc_may_go_on(word: &[u8], behind: &[u8]) -> bool {
    let mut words = behind.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
    if word == b"machine" && words.next().is_none() {
        return true;
    }
    let keyword = |w: &[u8]| {
        [&b"login"[..], b"password", b"account"]
            .iter()
            .any(|k| k.starts_with(w))
    };
    words.next().is_none_or(keyword)
}

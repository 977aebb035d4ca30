//! Bodies that are files of secrets as a whole, whatever their path: told by their first lines or keys.
//!
//! A recogniser is fed byte by byte and says once what the body is. It holds a body up only while it may still be such a
//! file, 4 KiB at most: a page, an event stream, prose or an answer of an API is none after its first bytes. Since nothing leaves
//! before that, and what it says depends on the text alone, the output does not depend on how the body was cut.
//! Detectors find single secrets in such files; this takes all of it, also what has no form of its own.

mod json;
mod lines;
mod value;

/// Bytes of a body that may be held until it is known what it is. A dotenv file has fewer.
pub(crate) const WINDOW: usize = 4 * 1024;

/// What a whole body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Aws,
    Docker,
    Dotenv,
    Gcp,
    Kubeconfig,
    Netrc,
    Npmrc,
    PrivateKey,
    Pypirc,
}

impl Kind {
    /// What findings call it.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Kind::Aws => "aws-credentials-file",
            Kind::Docker => "docker-config-file",
            Kind::Dotenv => "dotenv-file",
            Kind::Gcp => "gcp-credentials-file",
            Kind::Kubeconfig => "kubeconfig-file",
            Kind::Netrc => "netrc-file",
            Kind::Npmrc => "npmrc-file",
            Kind::PrivateKey => "private-key-file",
            Kind::Pypirc => "pypirc-file",
        }
    }
}

/// What is known so far. The last two are for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open,
    Other,
    File(Kind),
}

/// Which recogniser reads.
#[derive(Clone, Debug)]
enum Reader {
    /// Nothing but blanks so far.
    Blank,
    Lines(lines::Lines),
    Json(json::Json),
}

/// A body of which the beginning is read.
#[derive(Clone, Debug)]
pub(crate) struct Recogniser {
    reader: Reader,
    seen: usize,
    verdict: Verdict,
}

impl Default for Recogniser {
    fn default() -> Recogniser {
        Recogniser {
            reader: Reader::Blank,
            seen: 0,
            verdict: Verdict::Open,
        }
    }
}

impl Recogniser {
    /// Takes the next bytes. Past the window nothing is open any more.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Verdict {
        for b in bytes {
            if self.verdict != Verdict::Open {
                break;
            }
            if self.seen >= WINDOW {
                self.verdict = self.end(true);
                break;
            }
            self.seen += 1;
            self.verdict = self.byte(*b);
        }
        self.verdict
    }

    /// Bytes that were looked at.
    pub(crate) fn seen(&self) -> u64 {
        self.seen as u64
    }

    /// The body has ended.
    pub(crate) fn finish(&mut self) -> Verdict {
        if self.verdict == Verdict::Open {
            self.verdict = self.end(false);
        }
        self.verdict
    }

    fn byte(&mut self, b: u8) -> Verdict {
        match &mut self.reader {
            // A byte order mark is blank too.
            Reader::Blank => match b {
                b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => Verdict::Open,
                b'{' => {
                    self.reader = Reader::Json(json::Json::default());
                    Verdict::Open
                }
                _ => {
                    let mut lines = lines::Lines::default();
                    let verdict = lines.byte(b);
                    self.reader = Reader::Lines(lines);
                    verdict
                }
            },
            Reader::Lines(lines) => lines.byte(b),
            Reader::Json(json) => json.byte(b),
        }
    }

    fn end(&mut self, cut: bool) -> Verdict {
        match &mut self.reader {
            Reader::Lines(lines) => lines.end(cut),
            Reader::Blank | Reader::Json(_) => Verdict::Other,
        }
    }
}

#[cfg(test)]
mod tests;

//! Finds the lines that part a multipart body, byte by byte.
//!
//! Such a line is a line break, `--`, the boundary, `--` behind the last part, blanks, and a line break; the first break is
//! the line's too, and not the part's. A break is LF or CRLF, since servers take both. A line on which the boundary goes on
//! (`--boundaryX`) is none: the RFC asks for the beginning alone, but no server in use reads it so. Why not the crate `multer`: it is
//! asynchronous, owns the body, and gives parts, where here every byte has to leave again.

/// Blanks that may stand behind a boundary.
const PADDING: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Text,
    Cr,
    /// At the beginning of a line, or so far into `--boundary`.
    Mark(usize),
    /// Behind the boundary, and one dash.
    Dash,
    /// Behind the boundary; `blanks` of them have come.
    Marked {
        closes: bool,
        blanks: usize,
    },
    MarkedCr {
        closes: bool,
    },
}

/// How far such a line has come.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// `--boundary`
    mark: Box<[u8]>,
    at: At,
}

/// What a byte told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is text, and so is what was open before it.
    Text,
    /// What was open before it is text; from this byte on it is open.
    Anew,
    /// It may be part of such a line.
    Open,
    /// It is the last byte of one.
    Line { closes: bool },
}

impl Line {
    pub(crate) fn new(boundary: &[u8]) -> Line {
        Line {
            mark: [b"--", boundary].concat().into(),
            at: At::Mark(0),
        }
    }

    /// What follows stands at the beginning of a line.
    pub(crate) fn begin(&mut self) {
        self.at = At::Mark(0);
    }

    /// The next byte.
    pub(crate) fn step(&mut self, b: u8) -> Step {
        let (at, step) = match (self.at, b) {
            (At::Mark(n), b) if self.mark.get(n) == Some(&b) => match n + 1 {
                n if n == self.mark.len() => (
                    At::Marked {
                        closes: false,
                        blanks: 0,
                    },
                    Step::Open,
                ),
                n => (At::Mark(n), Step::Open),
            },
            (At::Cr, b'\n') => (At::Mark(0), Step::Open),
            (
                At::Marked {
                    closes: false,
                    blanks: 0,
                },
                b'-',
            ) => (At::Dash, Step::Open),
            (At::Dash, b'-') => (
                At::Marked {
                    closes: true,
                    blanks: 0,
                },
                Step::Open,
            ),
            (At::Marked { closes, blanks }, b' ' | b'\t') if blanks < PADDING => {
                let blanks = blanks + 1;
                (At::Marked { closes, blanks }, Step::Open)
            }
            (At::Marked { closes, .. }, b'\r') => (At::MarkedCr { closes }, Step::Open),
            (At::Marked { closes, .. } | At::MarkedCr { closes }, b'\n') => (At::Mark(0), Step::Line { closes }),
            // The boundary has no line breaks, so that nothing else that is open can be the beginning of another.
            (_, b'\r') => (At::Cr, Step::Anew),
            (_, b'\n') => (At::Mark(0), Step::Anew),
            _ => (At::Text, Step::Text),
        };
        self.at = at;
        step
    }

    /// Where in `bytes`, from `i` on, the next byte stands that is not text for certain. `mark` is where the next boundary
    /// stands, if somebody has looked for it already.
    pub(crate) fn skip_text(&self, bytes: &[u8], i: usize, mark: &mut Option<usize>) -> usize {
        if self.at != At::Text {
            return i;
        }
        if mark.is_none_or(|mark| mark < i) {
            let found = memchr::memmem::find(bytes.get(i..).unwrap_or_default(), &self.mark);
            *mark = Some(found.map_or(usize::MAX, |n| i + n));
        }
        let safe = match *mark {
            Some(mark) if mark < bytes.len() => mark.saturating_sub(2),
            // Its break and all of it but the last byte may stand at the end.
            _ => bytes.len().saturating_sub(self.mark.len() + 1),
        };
        safe.max(i)
    }

    /// The body ends here: whether what is open is such a line.
    pub(crate) fn ends(&self) -> bool {
        matches!(self.at, At::Marked { .. } | At::MarkedCr { .. })
    }

    /// Whether this is one, with its own break and without the one before; `closes`.
    pub(crate) fn is(&self, line: &[u8]) -> Option<bool> {
        let rest = line.strip_prefix(&*self.mark)?;
        let (closes, rest) = rest.strip_prefix(b"--").map_or((false, rest), |rest| (true, rest));
        let blanks = rest.strip_suffix(b"\n")?;
        let blanks = blanks.strip_suffix(b"\r").unwrap_or(blanks);
        (blanks.len() <= PADDING && blanks.iter().all(|b| matches!(b, b' ' | b'\t'))).then_some(closes)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.mark.len()
    }
}

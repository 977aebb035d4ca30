//! Lines for people, on standard error. Where even that is closed there is nobody to tell.

use std::io::Write as _;

pub(crate) fn tell(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "keepmum agent: {line}");
}

//! `looks-like-a-password`: mixed enough to be one, and not a word of a form, a translation or a program.

use super::assignment::Assignment;
use super::{Seen, words};

pub(super) fn accepts(seen: &Seen) -> bool {
    let Some(assignment) = Assignment::of(seen) else {
        return false;
    };
    // Behind a mere space it is one only in a command's options.
    let front = seen
        .front
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'-')
        .count();
    let option = seen
        .front
        .get(seen.front.len() - front..)
        .is_some_and(|f| f.starts_with(b"--"));
    if assignment.loose && !option {
        return false;
    }
    // In a list or a call, the next constant.
    let constant = assignment.position && !seen.value.iter().any(u8::is_ascii_lowercase);
    !constant && looks(seen.value, assignment.quote.is_some())
}

/// Whether it is mixed as passwords are.
pub(super) fn looks(value: &[u8], quoted: bool) -> bool {
    let count = |f: fn(&u8) -> bool| value.iter().filter(|b| f(b)).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    let plain = count(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/' | b':' | b' '));
    let special = value.len() - plain;
    let spoken = words::only(value) && digits <= 2;
    let long = if quoted { 6 } else { 8 };
    value.len() >= long
        && value.len() <= 256
        && letters > 1
        && value.is_ascii()
        && !value.iter().any(u8::is_ascii_whitespace)
        && (digits > 0 && !(spoken && special == 0) || special > 0 && quoted && !words::only(value))
}

#[cfg(test)]
mod tests {
    use super::{Seen, accepts};

    #[test]
    fn passwords_are_told_from_words() {
        for (lead, after, value, is) in [
            ("password\": \"", b'"', "fake-Pa55word", true),
            ("password = ", b'\n', "fakefake99x", true),
            ("password: \"", b'"', "k!7;Qz", true),
            ("password\": \"", b'"', "Passwort", false),
            ("password\": \"", b'"', "newPassword2", false),
            ("password: ", b'\n', "Kennwort!", false),
            ("password: ", b',', "fa1", false),
            ("password reset ", b' ', "fake-Pa55word", false),
            ("password\", \"", b'"', "fake-Pa55word", true),
            ("password\", \"", b'"', "PBKDF2", false),
        ] {
            let seen = Seen {
                value: value.as_bytes(),
                lead: lead.as_bytes(),
                after: Some(after),
                ..Seen::default()
            };
            assert_eq!(accepts(&seen), is, "{lead}{value}");
        }
    }
}

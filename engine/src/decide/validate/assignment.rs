//! `names-a-secret`: does what stands before a value give it a name that a secret would have?
//!
//! A pattern finds a keyword, something like an operator and a value; what the words and the operator mean is judged here,
//! since a pattern that knew `key` from `monkey`, `keyCode` and `public_key` would have hundreds of branches. The name is
//! read in words: `apiKey`, `api_key`, `API-KEY` and `apikey` are one.

use super::Seen;
use super::names::{Promise, is_bare_key, is_qualified, name, split};

/// A name, an operator, and a value to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) promise: Promise,
    /// Nothing but space, or a hyphen, stands between the name and the value.
    pub(super) loose: bool,
    pub(super) quote: Option<u8>,
    /// It is the next argument of a call or the next item of a line.
    pub(super) position: bool,
}

/// How a value is tied to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Assigns,
    /// The next argument of a call, the next item of a line.
    Position,
    /// Nothing but space.
    Space,
}

impl Assignment {
    /// Reads what stands before the value.
    pub(super) fn of(seen: &Seen) -> Option<Assignment> {
        let (front, tail, glue) = split(seen)?;
        let named = name(front, tail)?;
        let (operator, quote) = operator(glue, seen.after, &[front, tail].concat())?;
        if front.is_empty() && is_bare_key(tail) && (operator != Operator::Space || !is_qualified(seen.front)) {
            return None;
        }
        if named == Promise::Weak && operator == Operator::Position {
            return None;
        }
        // `case.pass("…")`: there it is a verb. `"AWS::IAM::AccessKey": "…"`: the name of a type.
        let verb = tail == b"pass" && glue.starts_with(b"(");
        let before = seen.front.get(..seen.front.len() - front.len()).unwrap_or_default();
        let of_type = before.ends_with(b"::") && matches!(glue, [b'"' | b'\'', ..]);
        if verb || of_type {
            return None;
        }
        Some(Assignment {
            promise: named,
            loose: operator == Operator::Space,
            quote,
            position: operator == Operator::Position,
        })
    }
}

pub(super) fn accepts(seen: &Seen) -> bool {
    Assignment::of(seen).is_some()
}

/// What stands between the name and the value.
fn operator(glue: &[u8], after: Option<u8>, name: &[u8]) -> Option<(Operator, Option<u8>)> {
    if glue.starts_with(b"</t") {
        // The next cell of a table.
        return ends(None, after).then_some((Operator::Assigns, None));
    }
    let is_quote = |b: &u8| matches!(b, b'"' | b'\'' | b'`');
    let quote = glue.last().copied().filter(is_quote);
    let lines = glue.iter().any(|b| matches!(b, b'\n' | b'\r'));
    let quotes = glue.iter().filter(|b| is_quote(b)).count();
    let closed = glue.first().is_some_and(|b| is_quote(b) || matches!(b, b']' | b')')) && glue.len() > 1;
    let mut operator: Vec<u8> = Vec::new();
    let mut words: Vec<u8> = Vec::new();
    for b in glue {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => words.push(b.to_ascii_lowercase()),
            b if b.is_ascii_whitespace() || is_quote(b) || matches!(b, b']' | b')' | b'\\') => {}
            b => operator.push(*b),
        }
    }
    if !ends(quote, after) {
        return None;
    }
    // A value may begin with a hyphen.
    let operator = match operator.as_slice() {
        [front @ .., b'-'] if !front.is_empty() => front,
        all => all,
    };
    let operator = match operator {
        b"" if words == b"is" => Operator::Assigns,
        // `name="…" value="…"`, `"name": "…", "value": "…"`; under a bare `token` forms send what guards them.
        b"=" | b":" | b",:" if words == b"value" => {
            let bare = name.strip_prefix(b"_").unwrap_or(name);
            return (!bare.eq_ignore_ascii_case(b"token")).then_some((Operator::Assigns, quote));
        }
        b"|" if !name.iter().any(u8::is_ascii_lowercase) => Operator::Assigns,
        b"" if lines || quotes > 0 => return None,
        b"" => Operator::Space,
        b"-" if glue == b"-" => Operator::Space,
        b">" if quotes > 0 => return None,
        b">" => Operator::Assigns,
        b"," if quote.is_some() && closed => Operator::Position,
        b"(" | b"-" if quote.is_some() => Operator::Position,
        _ if lines && quote.is_none() => return None,
        b"=" | b":" | b"=>" | b":=" | b"::=" | b":::=" | b"?=" | b".=" | b"||=" | b"|=" | b"+=" | b"==" | b"==="
        | b":=>" => Operator::Assigns,
        _ => return None,
    };
    Some((operator, quote))
}

/// Whether a value ends as it began.
pub(super) fn ends(quote: Option<u8>, after: Option<u8>) -> bool {
    match (quote, after) {
        (Some(q), Some(a)) => a == q || matches!(a, b'\\' | b'\r' | b'\n'),
        (None, Some(a)) => a.is_ascii_whitespace() || b"\"'`,;)]}<>&|\\#".contains(&a),
        (_, None) => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Assignment, Promise, Seen};

    /// `name|rest`: the anchor stands at the bar.
    fn read(text: &str, after: u8) -> Option<(Promise, bool)> {
        let (front, lead) = text.split_once('|').unwrap();
        let seen = Seen {
            front: &front.as_bytes()[front.len().saturating_sub(16)..],
            lead: lead.as_bytes(),
            after: Some(after),
            ..Seen::default()
        };
        Assignment::of(&seen).map(|a| (a.promise, a.loose))
    }

    #[test]
    fn names_of_secrets_are_told_from_others() {
        let (strong, usual, weak) = (
            Some((Promise::Strong, false)),
            Some((Promise::Usual, false)),
            Some((Promise::Weak, false)),
        );
        for (text, want) in [
            ("api_|key = ", strong),
            ("api|Key: ", strong),
            ("x-API-|KEY: ", strong),
            ("bay|token=", strong),
            ("|accessTokenProd=", strong),
            ("|tokenV2: ", strong),
            ("billing_|key = ", usual),
            ("Using billing |key=", None),
            ("|auth = ", weak),
            ("|key = ", None),
            ("Using |Key=", None),
            ("mon|key = ", None),
            ("|keyboard = ", None),
            ("|keyCode: ", None),
            ("public_|key = ", None),
            ("foreign|Key=", None),
            ("csrf|Token: ", None),
            ("nextPage|Token: ", None),
            ("|token_url=", None),
            ("|credentialsId: ", None),
            ("|secretName: ", None),
            ("|tokenizer = ", None),
            ("|author = ", None),
            ("case.|pass(\"", None),
            ("FAKE::Data::Access|Key\": \"", None),
            ("FAKE::Access|Key = ", strong),
        ] {
            assert_eq!(read(text, b'\n'), want, "{text}");
        }
    }

    #[test]
    fn operators_are_told_from_what_merely_stands_there() {
        for (text, after, loose) in [
            ("|token = \"", b'"', Some(false)),
            ("|token\": \"", b'"', Some(false)),
            ("|token\":\n  \"", b'"', Some(false)),
            ("|token => '", b'\'', Some(false)),
            ("|token string = \"", b'"', Some(false)),
            ("|token>\n   ", b'\n', Some(false)),
            ("|TOKEN\", \"", b'"', Some(false)),
            ("|token(\"", b'"', Some(false)),
            ("|token - '", b'\'', Some(false)),
            ("|token ", b' ', Some(true)),
            ("|TOKEN-", b'\n', Some(true)),
            ("|token = \"", b' ', None),
            ("|token = \"", b'?', None),
            ("|token = ", b'(', None),
            ("|token =\n", b'\n', None),
            ("|token\">", b'<', None),
            ("DB_|TOKEN</td><td>", b'<', Some(false)),
            ("DB_|TOKEN\", \"value\": \"", b'"', Some(false)),
            ("_|token\" value=\"", b'"', None),
            ("DB_|TOKEN | ", b' ', Some(false)),
            ("|token | ", b' ', None),
            ("|token->", b'\n', None),
            ("|token, ", b'\n', None),
        ] {
            assert_eq!(read(text, after).map(|(_, l)| l), loose, "{text:?} before {after}");
        }
    }
}

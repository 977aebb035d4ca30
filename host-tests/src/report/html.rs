//! The HTML report: one file without scripts or anything from elsewhere, safe to open whatever the bodies hold.
//!
//! Everything from the wire goes through [`visible_lines`] and [`escaped`]; the policy in the head would stop what
//! got past them. Before and after stand side by side, and of a large body only what surrounds the findings: the
//! report of a mebibyte of JSON with four secrets is read in a minute, or not at all.

mod sides;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::mask::{escaped, visible};
use super::parts::{self, Bodies};
use super::{About, Case, Outcome};
use crate::exchange::{End, Exchange, Message, Origin};
use crate::replay::{Ended, Replay};

const STYLE: &str = include_str!("style.css");

/// The whole document.
pub fn html(cases: &[Case], about: &About) -> String {
    let mut page = Page {
        out: String::new(),
        show_secrets: about.show_secrets,
    };
    page.document(cases, about);
    page.out
}

/// Text that is being written. Writing to a String does not fail, so results are dropped.
pub(super) struct Page {
    out: String,
    show_secrets: bool,
}

/// Text from anywhere, for HTML.
fn text(from: &str) -> String {
    escaped(&visible(from.as_bytes()))
}

fn bytes(count: usize) -> String {
    match count {
        0..=9_999 => format!("{count} B"),
        10_000..=999_999 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.2} MB", count as f64 / 1e6),
    }
}

fn plural(count: usize, one: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {one}{s}")
}

impl Page {
    fn put(&mut self, html: impl AsRef<str>) {
        self.out.push_str(html.as_ref());
    }

    fn document(&mut self, cases: &[Case], about: &About) {
        let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        let _ = write!(
            self.out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"robots\" content=\"noindex\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>Keepmum replay report</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        );
        self.put("<header class=\"top\">\n<p class=\"brand\">Keepmum</p>\n<h1>Replay report</h1>\n");
        self.provenance(about);
        self.totals(cases);
        self.put("</header>\n<main>\n");
        self.overview(cases);
        for (index, case) in cases.iter().enumerate() {
            self.case(index, case);
        }
        self.put("</main>\n<footer><p>");
        self.put(if self.show_secrets {
            "Secrets are shown in clear, because <code>--show-secrets</code> was given: handle this file as a secret."
        } else {
            "Secrets that were found or planted are masked on both sides. What no detector knows stands here as it was captured: \
             handle reports of real traffic with care."
        });
        self.put("</p></footer>\n</body>\n</html>\n");
    }

    fn provenance(&mut self, about: &About) {
        let digest: String = about.digest.chars().take(16).collect();
        let _ = write!(self.out, "<p class=\"from\"><code>{}</code>", text(&about.module));
        if !digest.is_empty() {
            let _ = write!(self.out, " · sha256 <code>{}…</code>", text(&digest));
        }
        let _ = writeln!(self.out, " · policy: {}</p>", text(&about.policy));
    }

    fn totals(&mut self, cases: &[Case]) {
        let replays = || cases.iter().filter_map(Case::replay);
        let leaked: usize = cases.iter().map(|case| case.leaked().len()).sum();
        let faults: usize = cases.iter().map(|case| case.faults().len()).sum();
        let planted: usize = cases.iter().map(|case| case.exchange.planted.len()).sum();
        let mut detectors: Vec<_> = replays().flat_map(|r| &r.findings).map(|f| &f.detector).collect();
        detectors.sort_unstable();
        detectors.dedup();
        let found: usize = replays().map(|r| r.findings.len()).sum();
        let uninspected = cases.iter().filter(|case| !case.uninspected().is_empty()).count();
        let not_replayed = cases.len() - replays().count();
        self.put("<dl class=\"totals\">\n");
        self.total(cases.len(), "exchanges", "");
        self.total(found, "findings", "found");
        self.total(detectors.len(), "detectors matched", "");
        self.total(planted, "secrets planted", "");
        self.total(
            leaked,
            "of them reached a client",
            if leaked > 0 { "bad" } else { "good" },
        );
        self.total(
            uninspected,
            "with a part not inspected",
            if uninspected > 0 { "warn" } else { "" },
        );
        if not_replayed > 0 {
            self.total(not_replayed, "not replayed", "warn");
        }
        if faults > 0 {
            self.total(faults, "faults", "bad");
        }
        self.put("</dl>\n");
    }

    fn total(&mut self, count: usize, what: &str, class: &str) {
        let _ = writeln!(self.out, "<div class=\"{class}\"><dt>{what}</dt><dd>{count}</dd></div>");
    }

    fn overview(&mut self, cases: &[Case]) {
        self.put(
            "<section aria-labelledby=\"overview\">\n<h2 id=\"overview\">Overview</h2>\n<div class=\"scroll\" role=\"region\" aria-labelledby=\"overview\" tabindex=\"0\"><table class=\"overview\">\n<thead><tr>\
             <th scope=\"col\">Exchange</th><th scope=\"col\">Status</th><th scope=\"col\" class=\"number\">Found</th>\
             <th scope=\"col\">Detectors</th><th scope=\"col\">Outcome</th></tr></thead>\n<tbody>\n",
        );
        for (index, case) in cases.iter().enumerate() {
            let _ = write!(
                self.out,
                "<tr><th scope=\"row\"><a href=\"#x{index}\">{}</a></th>",
                text(&case.exchange.name)
            );
            match &case.outcome {
                Outcome::Replayed(replay) => {
                    let mut detectors: Vec<&str> = replay.findings.iter().map(|f| f.detector.as_str()).collect();
                    detectors.sort_unstable();
                    detectors.dedup();
                    let detectors: Vec<_> = detectors
                        .into_iter()
                        .map(|d| format!("<code>{}</code>", text(d)))
                        .collect();
                    let found = match replay.findings.len() {
                        0 => "–".to_owned(),
                        n => n.to_string(),
                    };
                    let _ = write!(
                        self.out,
                        "<td>{}</td><td class=\"number\">{found}</td><td class=\"ids\">{}</td><td>",
                        status(&case.exchange, replay),
                        detectors.join(" ")
                    );
                }
                Outcome::NotReplayed(_) => self.put("<td>–</td><td class=\"number\">–</td><td></td><td>"),
            }
            self.chips(case);
            self.put("</td></tr>\n");
        }
        self.put("</tbody>\n</table></div>\n</section>\n");
    }

    /// What became of a case, in a few words each.
    fn chips(&mut self, case: &Case) {
        let mut chip = |class: &str, what: &str| {
            let _ = write!(self.out, "<span class=\"chip {class}\">{}</span> ", text(what));
        };
        let replay = match &case.outcome {
            Outcome::Replayed(replay) => replay,
            Outcome::NotReplayed(_) => return chip("warn", "not replayed"),
        };
        for name in case.leaked() {
            chip("bad", &format!("reached the client: {name}"));
        }
        if replay.client.ended == Ended::Hang {
            chip("bad", "hangs");
        }
        if replay.client.ended == Ended::Reset {
            let expected = case.exchange.response.end == End::Reset;
            chip(if expected { "" } else { "bad" }, "reset");
        }
        if replay.failure.is_some() {
            chip("bad", "the VM failed");
        }
        if !replay.strict.is_empty() {
            chip("bad", &plural(replay.strict.len(), "host call remark"));
        }
        for (reason, _) in case.uninspected() {
            chip("warn", &format!("not inspected: {reason}"));
        }
        let kept = replay.findings.iter().any(|finding| finding.action == "report");
        match (replay.findings.is_empty(), case.body_unchanged(), kept) {
            (false, _, true) => chip("warn", "reported only"),
            (false, _, false) => chip("good", "redacted"),
            (true, true, _) => chip("", "unchanged"),
            (true, false, _) => chip("", "body replaced"),
        }
    }

    fn case(&mut self, index: usize, case: &Case) {
        let exchange = &case.exchange;
        let _ = write!(
            self.out,
            "<article id=\"x{index}\" aria-labelledby=\"h{index}\">\n<h2 id=\"h{index}\">{}</h2>\n<p class=\"chips\">",
            text(&exchange.name)
        );
        self.chips(case);
        let _ = write!(self.out, "</p>\n<p class=\"about\">{}</p>\n", text(&exchange.about));
        match &case.outcome {
            Outcome::Replayed(replay) => self.replayed(case, replay),
            Outcome::NotReplayed(why) => {
                let _ = writeln!(self.out, "<p class=\"note\">Not replayed: {}.</p>", text(why));
            }
        }
        self.put("</article>\n");
    }

    fn replayed(&mut self, case: &Case, replay: &Replay) {
        let exchange = &case.exchange;
        self.facts(exchange, replay);
        let faults = case.faults();
        if !faults.is_empty() {
            self.put("<h3>Faults</h3>\n<ul class=\"faults\">\n");
            for fault in faults {
                let _ = writeln!(self.out, "<li>{}</li>", text(&fault));
            }
            self.put("</ul>\n");
        }
        self.found(replay);
        let uninspected = case.uninspected();
        if !uninspected.is_empty() {
            self.put("<h3>Not inspected</h3>\n<ul>\n");
            for (reason, _) in uninspected {
                let _ = writeln!(
                    self.out,
                    "<li><code>{}</code>: {}</li>",
                    text(reason),
                    why_uninspected(reason)
                );
            }
            self.put("</ul>\n");
        }
        let bodies = Bodies::of(&exchange.response, replay);
        let parts = parts::parts(&exchange.response, replay, &bodies);
        self.sides(&parts, exchange);
    }

    fn facts(&mut self, exchange: &Exchange, replay: &Replay) {
        let show = |name| {
            text(&String::from_utf8_lossy(
                exchange.request.header(name).unwrap_or_default(),
            ))
        };
        let path = show(":path");
        // A query string may hold a secret of the client's.
        let path = path
            .split_once('?')
            .map_or(path.clone(), |(path, _)| format!("{path}?…"));
        self.put("<dl class=\"facts\">\n");
        self.fact(
            "Request",
            &format!("<code>{} {}{path}</code>", show(":method"), show(":authority")),
        );
        self.fact("Status", &status(exchange, replay));
        self.fact(
            "Body",
            &format!("{} → {}", extent(&exchange.response), extent(&replay.client.message)),
        );
        if exchange.origin == Origin::ConnectFailure {
            self.fact("Made by", "the proxy itself");
        }
        match replay.client.ended {
            Ended::Complete => {}
            Ended::Reset => self.fact("Ended", "reset before the end"),
            Ended::Hang => self.fact("Ended", "never"),
        }
        if let Some(policy) = &exchange.policy {
            self.fact("Own policy", &format!("<code>{}</code>", text(&policy.to_string())));
        }
        self.put("</dl>\n");
    }

    fn fact(&mut self, name: &str, html: &str) {
        let _ = writeln!(self.out, "<div><dt>{name}</dt><dd>{html}</dd></div>");
    }

    fn found(&mut self, replay: &Replay) {
        let mut counted: Vec<(&str, &str, &str, usize)> = Vec::new();
        for finding in &replay.findings {
            let key = (
                finding.detector.as_str(),
                finding.place.as_str(),
                finding.action.as_str(),
            );
            match counted.iter_mut().find(|known| (known.0, known.1, known.2) == key) {
                Some(known) => known.3 += 1,
                None => counted.push((key.0, key.1, key.2, 1)),
            }
        }
        if counted.is_empty() {
            return;
        }
        self.put(
            "<div class=\"scroll\"><table class=\"found\">\n<caption>Found</caption>\n<thead><tr><th scope=\"col\">Detector</th><th scope=\"col\">Place</th>\
             <th scope=\"col\">Action</th><th scope=\"col\" class=\"number\">Count</th></tr></thead>\n<tbody>\n",
        );
        for (detector, place, action, count) in counted {
            let _ = writeln!(
                self.out,
                "<tr><td><code>{}</code></td><td><code>{}</code></td><td>{}</td><td class=\"number\">{count}</td></tr>",
                text(detector),
                text(place),
                text(action)
            );
        }
        self.put("</tbody>\n</table></div>\n");
    }
}

fn status(exchange: &Exchange, replay: &Replay) -> String {
    let before = String::from_utf8_lossy(exchange.response.header(":status").unwrap_or(b"?")).into_owned();
    let after = replay.client.status.to_string();
    if before == after {
        text(&after)
    } else {
        format!("{} → {}", text(&before), text(&after))
    }
}

fn extent(message: &Message) -> String {
    let size = message.body.iter().map(Vec::len).sum();
    match message.body.len() {
        0 => "none".to_owned(),
        1 => bytes(size),
        chunks => format!("{} in {chunks} chunks", bytes(size)),
    }
}

fn why_uninspected(reason: &str) -> &'static str {
    match reason {
        "content_type" => "an image, sound, film or font: the body passes as it is",
        "encoding" => "the upstream compressed the body although it was not asked to",
        "upgrade" => "the connection changed its protocol",
        "too_large" => "the body is larger than the policy's limit",
        "partial" => "a part of a range: what a pattern needs may lie outside of it",
        "route" => "the policy exempts this route",
        "limit" => "a bound of the engine was reached",
        "error" => "the proxy did not hand it over",
        _ => "see the policy",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop")]
mod tests;

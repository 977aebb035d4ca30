//! Bodies that look like traffic, made at run time from a fixed seed: the same on every machine, and none in the repository.
//!
//! Not recorded ones: a recorded 4 MiB would have to be shipped, and nobody could say that nothing in it is a secret.
//! Here that holds by construction: every value is drawn from a list of words or from a generator of ids, digests, times
//! and pictures, and no key names a credential. Nor lorem ipsum: what slows a search down is near misses, so there are
//! many URLs, paths, base64 and hexadecimal runs, and words with which credentials begin too.

/// A sequence of numbers that is the same everywhere (SplitMix64).
pub struct Seeded(u64);

impl Seeded {
    /// A sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(at).copied().unwrap_or_default()
    }

    /// `len` characters of an alphabet.
    pub fn run(&mut self, alphabet: &[u8], len: usize) -> String {
        (0..len).map(|_| char::from(self.pick(alphabet))).collect()
    }

    fn uuid(&mut self) -> String {
        let mut part = |n| self.run(HEX, n);
        format!("{}-{}-4{}-a{}-{}", part(8), part(4), part(3), part(3), part(12))
    }

    fn time(&mut self) -> String {
        let (month, day, hour) = (1 + self.below(12), 1 + self.below(28), self.below(24));
        let (minute, second, milli) = (self.below(60), self.below(60), self.below(1000));
        format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }

    fn slug(&mut self) -> String {
        format!("{}-{}-{}", self.pick(WORDS), self.pick(WORDS), self.below(10_000))
    }

    fn sentence(&mut self) -> String {
        let mut text = String::new();
        for i in 0..8 + self.below(14) {
            // Half of all words in English are of a few dozen.
            let word = if self.below(2) == 0 {
                self.pick(COMMON)
            } else {
                self.pick(WORDS)
            };
            if i == 0 {
                text.push_str(&word[..1].to_uppercase());
                text.push_str(&word[1..]);
                continue;
            }
            text.push_str(if self.below(12) == 0 { ", " } else { " " });
            text.push_str(word);
        }
        text.push_str(self.pick(&[". ", ". ", ". ", "! ", "? "]));
        text
    }

    fn sentences(&mut self, n: u64) -> String {
        (0..n)
            .map(|_| self.sentence())
            .collect::<String>()
            .trim_end()
            .to_owned()
    }
}

/// Hexadecimal digits.
pub const HEX: &[u8] = b"0123456789abcdef";
/// The base64 alphabet.
pub const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What half of all English is made of.
const COMMON: &[&str] = &[
    "the", "of", "and", "to", "in", "is", "that", "for", "it", "with", "on", "as", "at", "by", "this", "we", "you",
    "from", "have", "are", "not", "be", "or", "was", "can", "will", "your", "our", "all", "more", "there", "when",
    "which", "they",
];

/// Other words, with a share of those that occur in names of keys and detectors.
const WORDS: &[&str] = &[
    "time",
    "people",
    "water",
    "order",
    "customer",
    "invoice",
    "payment",
    "shipment",
    "window",
    "garden",
    "history",
    "market",
    "service",
    "account",
    "session",
    "public",
    "private",
    "keyboard",
    "basic",
    "author",
    "letter",
    "morning",
    "island",
    "result",
    "pattern",
    "museum",
    "travel",
    "bottle",
    "silver",
    "kitchen",
    "project",
    "release",
    "version",
    "support",
    "network",
    "stream",
    "printer",
    "number",
    "season",
    "summer",
    "winter",
    "engine",
    "station",
    "platform",
    "library",
    "article",
    "picture",
    "language",
    "question",
    "answer",
    "message",
    "password",
    "secretary",
    "token",
    "monkey",
    "turkey",
    "skating",
    "risk",
    "desk",
    "task",
    "github",
    "slack",
    "stripe",
    "open",
    "database",
    "postgres",
    "redis",
    "server",
    "house",
    "family",
    "mother",
    "street",
    "office",
    "health",
    "music",
    "power",
    "paper",
    "friend",
    "weather",
    "colour",
    "doctor",
    "bridge",
    "winner",
    "member",
    "reader",
    "driver",
    "forest",
    "valley",
    "coffee",
    "dinner",
    "ticket",
    "camera",
    "screen",
    "button",
    "folder",
    "editor",
    "review",
    "update",
    "change",
    "choice",
    "reason",
    "result",
    "method",
    "family",
    "follow",
    "remain",
    "consider",
    "provide",
    "include",
    "continue",
    "available",
    "different",
    "important",
    "national",
    "several",
    "possible",
    "young",
    "early",
    "local",
    "social",
    "large",
    "small",
    "clear",
    "recent",
    "certain",
    "common",
    "quickly",
    "always",
    "often",
    "together",
    "already",
    "perhaps",
    "almost",
    "finally",
    "usually",
    "without",
    "because",
];

/// A page of a REST list, about this long. Valid JSON; a body with no secret in it.
pub fn json_list(bytes: usize) -> Vec<u8> {
    let mut r = Seeded::new(1);
    let mut text = String::with_capacity(bytes + 4096);
    text.push_str("{\"object\":\"list\",\"url\":\"/v1/orders\",\"has_more\":true,\"data\":[");
    while text.len() < bytes {
        if !text.ends_with('[') {
            text.push(',');
        }
        let item = order(&mut r, 2);
        text.push_str(&item);
    }
    text.push_str("],\"next\":\"https://api.example.com/v1/orders?page=2&per_page=100\"}");
    text.into_bytes()
}

/// Single objects of exactly `each` bytes, end to end, about `bytes` together.
pub fn json_objects(bytes: usize, each: usize) -> Vec<u8> {
    let mut r = Seeded::new(2);
    let mut all = String::with_capacity(bytes + each);
    while all.len() < bytes {
        let mut text = order(&mut r, 0);
        text.pop();
        text.push_str(",\"note\":\"");
        let mut fill = String::new();
        while fill.len() + text.len() + 2 < each {
            fill.push_str(&r.sentence());
        }
        fill.truncate(each.saturating_sub(text.len() + 2));
        all.push_str(&text);
        all.push_str(&fill);
        all.push_str("\"}");
    }
    all.into_bytes()
}

/// One object of a list; `more` is how much text and how many pictures it has.
fn order(r: &mut Seeded, more: u64) -> String {
    let id = r.below(9_000_000) + 1_000_000;
    let (uuid, made, changed) = (r.uuid(), r.time(), r.time());
    let (amount, quantity, price) = (r.below(100_000), r.below(20), r.below(9_999));
    let (customer, slug, digest) = (r.uuid(), r.slug(), r.run(HEX, 64));
    let status = r.pick(&["open", "paid", "shipped", "returned"]);
    let mut text = format!(
        "{{\"id\":{id},\"uuid\":\"{uuid}\",\"created_at\":\"{made}\",\"updated_at\":\"{changed}\",\"status\":\"{status}\",\
         \"amount\":{amount}.{:02},\"currency\":\"EUR\",\"paid\":{},\"customer\":{{\"id\":\"{customer}\",\
         \"email\":\"{}@example.com\",\"locale\":\"en_GB\"}},\"lines\":[{{\"sku\":\"{}\",\"quantity\":{quantity},\
         \"price\":{price}}}],\"url\":\"https:\\/\\/shop.example.com\\/orders\\/{id}?ref={slug}\",\"etag\":\"{}\",\"sha256\":\"{digest}\"",
        amount % 100,
        id.is_multiple_of(2),
        r.slug(),
        r.run(b"ABCDEFGHJKLMNP0123456789", 9),
        r.run(HEX, 16),
    );
    if more > 0 {
        let sentences = 2 * more;
        text.push_str(&format!(
            ",\"title\":\"{}\",\"description\":\"{} \\\"{}\\\"\\n{}\",\"tags\":[\"{}\",\"{}\",\"{}\"],\"links\":{{\"self\":\
             \"https://api.example.com/v1/orders/{id}\",\"image\":\"https://cdn.example.com/i/{}/{}.jpg?w=640&h=480\"}},\
             \"position\":{{\"lat\":{}.{},\"lon\":-{}.{}}}",
            r.sentences(1),
            r.sentences(sentences),
            r.slug(),
            r.sentences(more),
            r.pick(WORDS),
            r.pick(WORDS),
            r.pick(WORDS),
            r.run(HEX, 32),
            r.slug(),
            r.below(90),
            r.below(1_000_000),
            r.below(180),
            r.below(1_000_000),
        ));
        if r.below(4) == 0 {
            let len = 200 + usize::try_from(r.below(1200)).unwrap_or(0);
            text.push_str(&format!(
                ",\"thumbnail\":\"data:image/jpeg;base64,/9j/4AAQSkZJRgABAQ{}\"",
                r.run(BASE64, len)
            ));
        }
    }
    text.push('}');
    text
}

/// An HTML page, about this long: head, navigation, inline script and style, a list of articles.
pub fn html_page(bytes: usize) -> Vec<u8> {
    let mut r = Seeded::new(3);
    let mut text = String::with_capacity(bytes + 8192);
    text.push_str(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  \
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n  <title>Orders – Example Shop</title>\n",
    );
    for _ in 0..12 {
        let (name, hash) = (r.slug(), r.run(HEX, 20));
        text.push_str(&format!(
            "  <link rel=\"stylesheet\" href=\"/assets/{name}.{hash}.css\" crossorigin=\"anonymous\">\n"
        ));
    }
    text.push_str("</head>\n<body class=\"page page--list theme-light\">\n");
    while text.len() < bytes {
        let (slug, id, time) = (r.slug(), r.below(1_000_000), r.time());
        text.push_str(&format!(
            "  <article class=\"card card--{} mb-4 px-2\" id=\"item-{id}\" data-uuid=\"{}\">\n    <h2 class=\"card__title\">\
             <a href=\"/articles/{slug}?utm_source=list&amp;page={}\">{}</a></h2>\n    <time datetime=\"{time}\">{}</time>\n    \
             <img src=\"https://cdn.example.com/{}/{slug}.webp\" alt=\"{}\" width=\"640\" height=\"480\" loading=\"lazy\">\n    \
             <p>{}</p>\n    <p class=\"text-muted\">{} <em>{}</em> &mdash; <a href=\"https://www.example.org/{slug}\" \
             rel=\"noopener\">{}</a></p>\n  </article>\n",
            r.pick(WORDS),
            r.uuid(),
            r.below(100),
            r.sentences(1),
            &time[..10],
            r.run(HEX, 12),
            r.sentences(1),
            r.sentences(4),
            r.sentences(2),
            r.pick(WORDS),
            r.slug(),
        ));
        if r.below(16) == 0 {
            script(&mut r, &mut text);
        }
    }
    text.push_str("</body>\n</html>\n");
    text.into_bytes()
}

/// An inline script: minified code and a state object.
fn script(r: &mut Seeded, text: &mut String) {
    text.push_str("  <script>\n!function(e,t){\"use strict\";var n=function(e){return document.getElementById(e)};");
    for _ in 0..12 {
        let (word, other, n) = (r.pick(WORDS), r.pick(WORDS), r.below(1000));
        text.push_str(&format!(
            "t.{word}=function(e,r){{for(var i=0;i<e.length;i++)if(e[i].{other}>={n}&&!r)return n(\"{word}-\"+i).classList.\
             toggle(\"is-{other}\");return void 0===r?null:r[\"{word}\"]}};"
        ));
    }
    let (uuid, time) = (r.uuid(), r.time());
    text.push_str(&format!("}}(window,window.App=window.App||{{}});\nwindow.__STATE__={{\"page\":\"{uuid}\",\"at\":\"{time}\"}};\n  </script>\n"));
}

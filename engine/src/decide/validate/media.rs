//! `not-media`: pictures, fonts, sounds and archives in base64, which are long, even and everywhere in web pages.

/// How base64 of the commonest formats begins.
const MAGIC: &[&[u8]] = &[
    b"iVBORw0KGgo", // PNG
    b"/9j/",        // JPEG
    b"R0lGOD",      // GIF
    b"UklGR",       // RIFF: WebP, WAV
    b"d09GR",       // WOFF, WOFF2
    b"AAEAAAA",     // TrueType
    b"T1RUTw",      // OpenType
    b"AAABAA",      // ICO
    b"JVBERi",      // PDF
    b"PHN2Zy",      // <svg
    b"PD94bW",      // <?xml
    b"PCFET0",      // <!DO
    b"UEsDB",       // ZIP
    b"H4sIA",       // gzip
    b"SUQz",        // MP3
    b"T2dnUw",      // Ogg
    b"AAAAIGZ0",    // MP4
    b"AGFzbQ",      // WebAssembly
];

pub(super) fn accepts(value: &[u8]) -> bool {
    !MAGIC.iter().any(|m| value.starts_with(m))
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn media_are_told_by_their_beginning() {
        assert!(!accepts(b"iVBORw0KGgoAAAANSUhEUg"));
        assert!(!accepts(b"R0lGODlhAQABAIAAAAAAAP"));
        assert!(accepts(b"MIIEpAIBAAKCAQEA"));
    }
}

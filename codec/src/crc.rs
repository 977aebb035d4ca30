//! CRC-32 as gzip has it (RFC 1952 section 8), by a table of 1 KiB: the larger tables of a crate would be more than its code.

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut c = n as u32;
        let mut bit = 0;
        while bit < 8 {
            c = if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 };
            bit += 1;
        }
        table[n] = c;
        n += 1;
    }
    table
};

/// The sum of what came before and these bytes; of nothing it is zero.
pub(crate) fn crc32(before: u32, bytes: &[u8]) -> u32 {
    let step = |c: u32, b: &u8| TABLE[usize::from(c.to_le_bytes()[0] ^ b)] ^ (c >> 8);
    !bytes.iter().fold(!before, step)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_are_those_of_the_specification() {
        assert_eq!(super::crc32(0, b""), 0);
        assert_eq!(super::crc32(0, b"123456789"), 0xcbf4_3926);
        assert_eq!(super::crc32(super::crc32(0, b"1234"), b"56789"), 0xcbf4_3926);
    }
}

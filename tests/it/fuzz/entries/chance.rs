//! Choices that an input makes by itself, so that a file of the corpus stays the plain shape it is,
//! and the same bytes always make the same choice.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Draws that depend on an input alone.
pub struct Chance(u64);

impl Chance {
    /// FNV-1a over the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Self(bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold) | 1)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    /// These bytes with one changed, left out, put in or doubled: never the same bytes.
    pub fn altered(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut altered = bytes.to_vec();
        let way = self.below(4);
        if bytes.is_empty() || way == 0 {
            altered.insert(self.below(bytes.len() + 1), self.below(256) as u8);
            return altered;
        }
        let at = self.below(bytes.len());
        match way {
            1 => altered[at] ^= 1 << self.below(8),
            2 => altered[at] = altered[at].wrapping_add(1 + self.below(255) as u8),
            _ => {
                altered.remove(at);
            }
        }
        altered
    }
}

/// An input as a head of lines `name: value`, an empty line, and a body. What HTTP itself refuses
/// never comes to us, so it is left out.
pub fn head_and_body(bytes: &[u8]) -> (HeaderMap, &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}

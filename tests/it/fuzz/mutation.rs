//! Inputs made of files: one of them, changed a few times. It shrinks towards the file itself.

use proptest::collection::vec;
use proptest::prelude::*;

/// What was trouble somewhere before: a mark of byte order, half surrogates, NUL, numbers that are
/// none, overlong UTF-8, signs that turn a text round, ends of lines, ways to climb.
const SIGNS: [&[u8]; 36] = [
    b"\xEF\xBB\xBF",
    b"\0",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00\\ud800",
    b"1e999",
    b"-0",
    b"9223372036854775808",
    b"0x10",
    b"NaN",
    b"\xC0\xAF",
    b"\xE0\x80\xAF",
    b"\xED\xA0\x80",
    b"\xF4\x90\x80\x80",
    b"\xE2\x80\xAE",
    b"\xE2\x80\xA8",
    b"\r\n",
    b"\n\n",
    b"\t",
    b"\x1b[2J",
    b"../",
    b"%2e%2e%2f",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":",
    b"\"\"",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b",",
    b"&a [*a, *a]",
    b"!!str ",
    b"<<: ",
    b"00000000-0000-0000-0000-000000000000",
    b"2026-02-30T25:61:61Z",
    b"AAAA",
];
/// Most bytes of one input, so that splices do not grow for ever.
const LENGTH_MAX: usize = 64 * 1024;

#[derive(Clone, Debug)]
enum Change {
    Bit(usize, u8),
    Byte(usize, u8),
    Cut(usize, usize),
    Double(usize, usize),
    Sign(usize, usize),
    Splice {
        at: usize,
        file: usize,
        from: usize,
        length: usize,
    },
}

/// Inputs made of these files, and now and then of nothing at all.
pub fn of(files: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let changed = (any::<usize>(), vec(change(), 0..6));
    let made = changed.prop_map(move |(which, changes)| {
        let mut bytes = files[which % files.len()].clone();
        for change in changes {
            make(&mut bytes, change, &files);
            bytes.truncate(LENGTH_MAX);
        }
        bytes
    });
    prop_oneof![12 => made, 1 => vec(any::<u8>(), 0..200)]
}

fn change() -> impl Strategy<Value = Change> {
    let (place, length) = (any::<usize>(), 0..64_usize);
    prop_oneof![
        (place, any::<u8>()).prop_map(|(at, bit)| Change::Bit(at, bit)),
        (place, any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        (place, length.clone()).prop_map(|(at, length)| Change::Cut(at, length)),
        (place, length.clone()).prop_map(|(at, length)| Change::Double(at, length)),
        (place, 0..SIGNS.len()).prop_map(|(at, sign)| Change::Sign(at, sign)),
        (place, place, place, 0..512_usize).prop_map(|(at, file, from, length)| {
            Change::Splice {
                at,
                file,
                from,
                length,
            }
        }),
    ]
}

fn make(bytes: &mut Vec<u8>, change: Change, files: &[Vec<u8>]) {
    // Behind the last byte is a place, too.
    let length = bytes.len();
    let place = |at: usize| at % (length + 1);
    match change {
        Change::Bit(at, bit) => {
            if let Some(byte) = bytes.get_mut(place(at)) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Change::Byte(at, new) => {
            if let Some(byte) = bytes.get_mut(place(at)) {
                *byte = new;
            }
        }
        Change::Cut(at, length) => {
            let from = place(at);
            bytes.drain(from..(from + length).min(bytes.len()));
        }
        Change::Double(at, length) => {
            let from = place(at);
            let piece = bytes[from..(from + length).min(bytes.len())].to_vec();
            bytes.splice(from..from, piece);
        }
        Change::Sign(at, sign) => {
            let from = place(at);
            bytes.splice(from..from, SIGNS[sign].iter().copied());
        }
        Change::Splice {
            at,
            file,
            from,
            length,
        } => {
            let file = &files[file % files.len()];
            let from = from % (file.len() + 1);
            let piece = &file[from..(from + length).min(file.len())];
            let at = place(at);
            bytes.splice(at..at, piece.iter().copied());
        }
    }
}

//! The look at JSON before anything is built from it: what passes has one reading, and is no deeper
//! than it may be (threats W15 to W18). Told here by a reader of another make.

use std::collections::BTreeSet;
use std::fmt;

use estop::domain::reading::strict::{DEPTH_MAX, check};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

pub fn json(bytes: &[u8]) {
    let Ok(text) = check(bytes) else { return };
    assert_eq!(text.as_bytes(), bytes);
    let Depth(depth) = serde_json::from_slice(bytes).expect("it is JSON without doubles");
    assert!(depth <= DEPTH_MAX, "{depth} deep");
    assert!(!bytes.contains(&0) && !bytes.starts_with(b"\xEF\xBB\xBF"));

    // Written anew it still passes.
    let value: Value = serde_json::from_slice(bytes).unwrap();
    let again = value.to_string();
    assert!(check(again.as_bytes()).is_ok(), "{again}");
}

/// How deep lists and objects lie; an error where an object has one key twice or a text holds NUL.
struct Depth(usize);

impl<'de> Deserialize<'de> for Depth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Looking)
    }
}

struct Looking;

impl<'de> Visitor<'de> for Looking {
    type Value = Depth;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Depth, E> {
        Ok(Depth(0))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Depth, E> {
        match number.is_finite() {
            true => Ok(Depth(0)),
            false => Err(E::custom("no plain number")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Depth, E> {
        match text.contains('\0') {
            false => Ok(Depth(0)),
            true => Err(E::custom("NUL in a text")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Depth, A::Error> {
        let mut deepest = 0;
        while let Some(Depth(depth)) = items.next_element()? {
            deepest = deepest.max(depth);
        }
        Ok(Depth(deepest + 1))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Depth, A::Error> {
        let (mut keys, mut deepest) = (BTreeSet::new(), 0);
        while let Some(key) = members.next_key::<String>()? {
            if key.contains('\0') || !keys.insert(key) {
                return Err(serde::de::Error::custom("a key twice, or with NUL"));
            }
            let Depth(depth) = members.next_value()?;
            deepest = deepest.max(depth);
        }
        Ok(Depth(deepest + 1))
    }
}

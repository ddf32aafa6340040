//! Objects whose keys are compared without case, read in place.
//!
//! Senders' own tools look keys up without case (Logic Apps does), so a sender may change the case
//! and never notice. A generic JSON value would cost more than the rest of the reading together.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// Declares a borrowed struct read from an object: `field: Type = "key"`. Every field is an
/// option; a key that stands there twice in different case is an error, an unknown key is passed
/// over.
macro_rules! folded {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $key:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $name<'a> {
            $(pub(super) $field: Option<$kind>,)+
        }

        impl<'de: 'a, 'a> serde::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                struct Fields<'a>(std::marker::PhantomData<&'a ()>);

                impl<'de: 'a, 'a> serde::de::Visitor<'de> for Fields<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut members: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut read = $name::default();
                        let known = $crate::domain::reading::folded::Known(&[$($key),+]);
                        while let Some(key) = members.next_key_seed(known)? {
                            match key {
                                $(Some($key) => {
                                    if read.$field.replace(members.next_value()?).is_some() {
                                        return Err(serde::de::Error::duplicate_field($key));
                                    }
                                })+
                                _ => {
                                    members.next_value::<serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(read)
                    }
                }

                source.deserialize_map(Fields(std::marker::PhantomData))
            }
        }
    )+};
}
pub(super) use folded;

/// Recognises a key in any case and returns it as we write it.
#[derive(Clone, Copy)]
pub(super) struct Known(pub(super) &'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Known {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Self::Value, D::Error> {
        source.deserialize_str(self)
    }
}

impl Visitor<'_> for Known {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        let same = |known: &&&str| known.eq_ignore_ascii_case(key);
        Ok(self.0.iter().find(same).copied())
    }
}

/// A text, or something else where a text was hoped for. A sender that changes the type of a
/// member we merely show must not make the whole delivery unreadable.
#[derive(Debug)]
pub(super) enum Loose<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Other,
}

impl Loose<'_> {
    /// The text, when it is a text with something in it.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Text(_) | Self::Number(_) | Self::Other => None,
        }
    }

    /// The text or whole number, as people say it.
    pub(super) fn said(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(_) | Self::Other => self.text().map(str::to_owned),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(AnyValue)
    }
}

/// A list; `null` is an empty one.
pub(super) struct List<T>(pub(super) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Option::deserialize(source).map(|items| Self(items.unwrap_or_default()))
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Loose::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}

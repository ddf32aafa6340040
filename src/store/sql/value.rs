//! What a parameter or a column holds.

use rusqlite::types::{ToSql, ToSqlOutput, Value as Stored, ValueRef};

/// A parameter, or a column of a row that was read.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Value(Stored);

impl Value {
    pub(super) fn read(value: ValueRef<'_>) -> Result<Self, String> {
        Stored::try_from(value)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

/// What Rust reads out of a column; `None` says that the column holds something else.
pub(in crate::store) trait FromValue: Sized {
    fn from_value(value: Value) -> Option<Self>;
}

macro_rules! text_and_bytes {
    ($($of:ty => $make:expr),* $(,)?) => {$(
        impl From<$of> for Value {
            fn from(value: $of) -> Self {
                let make: fn($of) -> Stored = $make;
                Self(make(value))
            }
        }
    )*};
}

text_and_bytes! {
    i64 => Stored::Integer,
    u32 => |number| Stored::Integer(number.into()),
    u16 => |number| Stored::Integer(number.into()),
    i32 => |number| Stored::Integer(number.into()),
    bool => |yes| Stored::Integer(yes.into()),
    String => Stored::Text,
    &str => |text| Stored::Text(text.to_owned()),
    &String => |text| Stored::Text(text.clone()),
    Vec<u8> => Stored::Blob,
    &Vec<u8> => |bytes| Stored::Blob(bytes.clone()),
    &[u8] => |bytes| Stored::Blob(bytes.to_vec()),
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self(Stored::Null), Into::into)
    }
}

macro_rules! out_of {
    ($($to:ty: $held:pat => $made:expr),* $(,)?) => {$(
        impl FromValue for $to {
            fn from_value(value: Value) -> Option<Self> {
                let $held = value.0 else { return None };
                $made
            }
        }
    )*};
}

out_of! {
    i64: Stored::Integer(number) => Some(number),
    u32: Stored::Integer(number) => number.try_into().ok(),
    u16: Stored::Integer(number) => number.try_into().ok(),
    u64: Stored::Integer(number) => number.try_into().ok(),
    bool: Stored::Integer(number) => Some(number != 0),
    f64: Stored::Real(number) => Some(number),
    String: Stored::Text(text) => Some(text),
    Vec<u8>: Stored::Blob(bytes) => Some(bytes),
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value.0 == Stored::Null {
            return Some(None);
        }
        T::from_value(value).map(Some)
    }
}

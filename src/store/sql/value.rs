//! What a parameter or a column holds.

use std::error::Error as StdError;

use bytes::{BufMut as _, BytesMut};
use rusqlite::types::{ToSql, ToSqlOutput, Value as Stored, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql as ToServer, Type, to_sql_checked};

/// What a server could not give or take.
type Unfit = Box<dyn StdError + Sync + Send>;

/// A parameter, or a column of a row that was read.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Value(Stored);

impl Value {
    /// How many bytes it takes, about.
    pub(in crate::store) fn size(&self) -> usize {
        match &self.0 {
            Stored::Null | Stored::Integer(_) | Stored::Real(_) => 8,
            Stored::Text(text) => text.len(),
            Stored::Blob(bytes) => bytes.len(),
        }
    }

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

impl ToServer for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Unfit> {
        match &self.0 {
            Stored::Null => return Ok(IsNull::Yes),
            Stored::Integer(number) if *ty == Type::INT8 => out.put_i64(*number),
            Stored::Integer(number) if *ty == Type::INT4 => out.put_i32((*number).try_into()?),
            Stored::Real(number) if *ty == Type::FLOAT8 => out.put_f64(*number),
            Stored::Text(text) if *ty == Type::TEXT => {
                // PostgreSQL has no room for it in a text, and a stranger may send one.
                out.put_slice(text.replace('\0', "\u{fffd}").as_bytes());
            }
            Stored::Blob(bytes) if *ty == Type::BYTEA => out.put_slice(bytes),
            other @ (Stored::Integer(_) | Stored::Real(_) | Stored::Text(_) | Stored::Blob(_)) => {
                return Err(format!("a {} where {ty} is meant", other.data_type()).into());
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::FLOAT8,
            Type::TEXT,
            Type::BYTEA,
        ]
        .contains(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Unfit> {
        Ok(Self(match *ty {
            Type::INT8 => Stored::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Stored::Integer(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Stored::Integer(bool::from_sql(ty, raw)?.into()),
            Type::NUMERIC => Stored::Integer(whole(raw)?),
            Type::FLOAT8 => Stored::Real(f64::from_sql(ty, raw)?),
            Type::BYTEA => Stored::Blob(raw.to_vec()),
            _ => Stored::Text(String::from_utf8(raw.to_vec())?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Unfit> {
        Ok(Self(Stored::Null))
    }

    fn accepts(ty: &Type) -> bool {
        let whole = [Type::INT8, Type::INT4, Type::BOOL, Type::NUMERIC];
        let others = [Type::FLOAT8, Type::BYTEA, Type::TEXT, Type::UNKNOWN];
        whole.contains(ty) || others.contains(ty)
    }
}

/// A sum, which PostgreSQL counts without a limit: digits to the base of ten thousand.
fn whole(raw: &[u8]) -> Result<i64, Unfit> {
    let shorts: Vec<i16> = raw
        .chunks_exact(2)
        .map(|pair| i16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    let [_, weight, sign, 0, digits @ ..] = shorts.as_slice() else {
        return Err("a number that is not whole".into());
    };
    let mut number = 0_i64;
    for place in 0..=usize::try_from(*weight).unwrap_or(0) {
        let digit = digits.get(place).copied().unwrap_or(0);
        let shifted = number
            .checked_mul(10_000)
            .ok_or("a number beyond all limits")?;
        number = shifted
            .checked_add(digit.into())
            .ok_or("a number beyond all limits")?;
    }
    match sign {
        0 => Ok(number),
        0x4000 => Ok(-number),
        _ => Err("no number".into()),
    }
}

/// What Rust reads out of a column; `None` says that the column holds something else. Text and
/// bytes may be borrowed from the row.
pub(in crate::store) trait FromValue<'r>: Sized {
    fn from_value(value: &'r Value) -> Option<Self>;
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
        impl<'r> FromValue<'r> for $to {
            fn from_value(value: &'r Value) -> Option<Self> {
                let $held = &value.0 else { return None };
                $made
            }
        }
    )*};
}

out_of! {
    i64: Stored::Integer(number) => Some(*number),
    u32: Stored::Integer(number) => (*number).try_into().ok(),
    u16: Stored::Integer(number) => (*number).try_into().ok(),
    u64: Stored::Integer(number) => (*number).try_into().ok(),
    bool: Stored::Integer(number) => Some(*number != 0),
    f64: Stored::Real(number) => Some(*number),
    &'r str: Stored::Text(text) => Some(text),
    String: Stored::Text(text) => Some(text.clone()),
    &'r [u8]: Stored::Blob(bytes) => Some(bytes),
    Vec<u8>: Stored::Blob(bytes) => Some(bytes.clone()),
}

impl<'r> FromValue<'r> for &'r Value {
    fn from_value(value: &'r Value) -> Option<Self> {
        Some(value)
    }
}

impl<'r, T: FromValue<'r>> FromValue<'r> for Option<T> {
    fn from_value(value: &'r Value) -> Option<Self> {
        if value.0 == Stored::Null {
            return Some(None);
        }
        T::from_value(value).map(Some)
    }
}

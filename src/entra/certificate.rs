//! As much of an X.509 certificate as an assertion needs: its thumbprint, its end, its key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::domain::moment::Moment;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const VERSION: u8 = 0xA0;

/// One certificate, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// `x5t#S256`: base64url of the SHA-256 of its DER (Microsoft: certificate credentials).
    pub(super) thumbprint: String,
    /// When it ends.
    pub(super) ends: Moment,
    /// Its public key, for RSA a DER `RSAPublicKey`.
    pub(super) public_key: Vec<u8>,
}

impl Certificate {
    /// The first certificate in a PEM text.
    pub(super) fn in_pem(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
        let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
        let body: String = body.split_whitespace().collect();
        Self::in_der(&STANDARD.decode(body).ok()?)
    }

    /// RFC 5280, section 4.1: version, serial, algorithm, issuer, validity, subject, key.
    fn in_der(der: &[u8]) -> Option<Self> {
        let whole = Der(der).next(SEQUENCE)?;
        let mut fields = Der(Der(whole).next(SEQUENCE)?);
        if fields.tag() == Some(VERSION) {
            fields.any()?;
        }
        for _serial_algorithm_issuer in 0..3 {
            fields.any()?;
        }
        let mut validity = Der(fields.next(SEQUENCE)?);
        validity.any()?;
        let (tag, ends) = validity.any()?;
        let _subject = fields.any()?;
        let mut key = Der(fields.next(SEQUENCE)?);
        let _algorithm = key.any()?;
        let bits = key.next(BIT_STRING)?;
        Some(Self {
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(der)),
            ends: moment(tag, ends)?,
            public_key: bits.get(1..)?.to_vec(),
        })
    }
}

/// What is left of a piece of DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    fn next(&mut self, wanted: u8) -> Option<&'a [u8]> {
        let (tag, content) = self.any()?;
        (tag == wanted).then_some(content)
    }

    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        // 128 and more says how many bytes the length itself has.
        let (length, rest) = match first.checked_sub(0x80) {
            None => (usize::from(*first), rest),
            Some(count @ 1..=3) => {
                let (bytes, rest) = rest.split_at_checked(usize::from(count))?;
                let length = bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
                (length, rest)
            }
            Some(_) => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

/// `YYMMDDHHMMSSZ` (years 1950 to 2049) or `YYYYMMDDHHMMSSZ`.
fn moment(tag: u8, text: &[u8]) -> Option<Moment> {
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        UTC_TIME => format!("{}{text}", if text < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let digits = text.strip_suffix('Z')?;
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let piece = |from: usize| digits.get(from..from + 2);
    Moment::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        digits.get(..4)?,
        piece(4)?,
        piece(6)?,
        piece(8)?,
        piece(10)?,
        piece(12)?
    ))
}

//! Certificates for tests, made on the spot: no key stands in the repository.

use std::path::Path;
use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use super::CertificateFiles;

/// A certificate that nobody signed, and its key.
pub(crate) struct Minted {
    pub(crate) key_pem: String,
    pub(crate) certificate_pem: String,
    pub(crate) thumbprint: String,
    pub(crate) public_key: Vec<u8>,
}

impl Minted {
    /// One that ends at `ends`, a `YYYYMMDDHHMMSSZ` or its short form. All share one key.
    pub(crate) fn until(ends: &str) -> Self {
        static KEY: OnceLock<KeyPair> = OnceLock::new();
        Self::with(KEY.get_or_init(fresh), ends)
    }

    /// One with a key of its own.
    pub(crate) fn stranger(ends: &str) -> Self {
        Self::with(&fresh(), ends)
    }

    fn with(key: &KeyPair, ends: &str) -> Self {
        let public_key = key.public_key().as_ref().to_vec();
        let der = certificate(&public_key, ends);
        Self {
            key_pem: pem("PRIVATE KEY", key.as_der().unwrap().as_ref()),
            certificate_pem: pem("CERTIFICATE", &der),
            thumbprint: URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
            public_key,
        }
    }

    /// Both, written where an administrator would put them.
    pub(crate) fn files(&self, folder: &Path) -> CertificateFiles {
        let files = CertificateFiles {
            key: folder.join("estop.key"),
            certificate: folder.join("estop.pem"),
        };
        std::fs::write(&files.key, &self.key_pem).unwrap();
        std::fs::write(&files.certificate, &self.certificate_pem).unwrap();
        private(&files.key, 0o600);
        files
    }
}

#[cfg(unix)]
pub(crate) fn private(file: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn fresh() -> KeyPair {
    KeyPair::generate(KeySize::Rsa2048).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}

fn certificate(public_key: &[u8], ends: &str) -> Vec<u8> {
    let time = |text: &str| tlv(if text.len() == 13 { 0x17 } else { 0x18 }, text.as_bytes());
    // rsaEncryption, 1.2.840.113549.1.1.1, and NULL.
    let algorithm = [
        0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = tlv(0x03, &[&[0], public_key].concat());
    let fields = [
        tlv(0xA0, &tlv(0x02, &[2])),
        tlv(0x02, &[7]),
        algorithm.to_vec(),
        tlv(0x30, &[]),
        tlv(0x30, &[time("200101000000Z"), time(ends)].concat()),
        tlv(0x30, &[]),
        tlv(0x30, &[algorithm.to_vec(), bits].concat()),
    ];
    let signed = tlv(0x30, &fields.concat());
    tlv(
        0x30,
        &[signed, algorithm.to_vec(), tlv(0x03, &[0])].concat(),
    )
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut whole = vec![tag];
    match length {
        0..=0x7F => whole.push(length as u8),
        0x80..=0xFF => whole.extend([0x81, length as u8]),
        _ => whole.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    whole.extend(content);
    whole
}

//! What proves that nothing was changed: the record, its anchors, a bundle of evidence, a body at
//! rest, the journal of the break-glass. A changed one is never called whole (threats D03, D04).

use std::os::unix::fs::PermissionsExt as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use estop::audit::{Anchors, Head, Noted, line, verify_export};
use estop::domain::anchor::{Anchor, statement};
use estop::domain::moment::Moment;
use estop::domain::offline::stories;
use estop::domain::record::{Record, Seal, SealedLine, seal};
use estop::signature::{PublicKey, Purpose, Secret, SigningKey};
use estop::vault::{Closed, Vault};
use serde_json::json;
use serde_json::value::RawValue;

use super::chance::Chance;
use super::now;

/// Nobody but this file has it.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| key(7));

fn key(seed: u8) -> SigningKey {
    let drawn: [u8; 32] = std::array::from_fn(|n| seed.wrapping_add((n as u8).wrapping_mul(97)));
    SigningKey::new(&Secret::fresh(drawn), Purpose::Anchors).unwrap()
}

/// A record of a few lines, of which one carries the input.
fn chain(bytes: &[u8]) -> Vec<SealedLine> {
    let said = String::from_utf8_lossy(bytes).into_owned();
    let mut before = Seal::GENESIS;
    (1..=4)
        .map(|number| {
            let detail = match number {
                2 => json!({ "said": said }),
                _ => json!({ "n": number }),
            };
            let line = Record::new(Moment::from_millis(number), "test", detail).line();
            before = seal(before, &line);
            SealedLine {
                number,
                line,
                seal: before,
            }
        })
        .collect()
}

fn exported(chain: &[SealedLine]) -> String {
    chain.iter().map(|it| line(it) + "\n").collect()
}

/// What an export says, read by itself; `None` for what is no export.
fn says(export: &[u8]) -> Option<Vec<(i64, String, String)>> {
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        number: i64,
        seal: &'a str,
        #[serde(borrow)]
        record: &'a RawValue,
    }
    let text = str::from_utf8(export).ok()?;
    let lines = text.trim_end().split('\n');
    let read = lines.map(|line| {
        let line: Line<'_> = serde_json::from_str(line.trim_end()).ok()?;
        let seal = line.seal.to_ascii_lowercase();
        Some((line.number, seal, line.record.get().to_owned()))
    });
    read.collect()
}

/// An export with one byte changed is not the record whose head was noted, unless it says the same;
/// and no bytes of another are.
pub fn audit_export(bytes: &[u8]) {
    let chain = chain(bytes);
    let head = Head {
        number: 4,
        seal: chain[3].seal,
    };
    let noted = || Noted::head(Some(head));
    let whole = exported(&chain);
    let verified = verify_export(whole.as_bytes(), noted()).expect("an untouched record holds");
    assert_eq!(verified.head, head);

    let bent = Chance::of(bytes).altered(whole.as_bytes());
    if verify_export(bent.as_slice(), noted()).is_ok() {
        assert_eq!(says(&bent), says(whole.as_bytes()), "changed, and whole");
    }
    assert!(verify_export(bytes, noted()).is_err(), "another record");
    if let Ok(verified) = verify_export(bytes, Noted::default())
        && verified.cut.is_none()
        && verified.head.number > 0
    {
        let said = says(bytes).expect("it is an export");
        let numbers: Vec<i64> = said.iter().map(|(number, ..)| *number).collect();
        assert!(numbers.iter().copied().eq(1..=verified.head.number));
        let mut before = Seal::GENESIS;
        for (_, sealed, record) in &said {
            before = seal(before, record);
            assert_eq!(before.hex(), *sealed);
        }
    }
}

/// An anchor is believed only as its key signed it.
pub fn anchors(bytes: &[u8]) {
    if let Ok(strange) = Anchors::read(bytes, Some(KEY.public())) {
        assert_eq!(strange.count(), 0, "nobody signed it");
    }
    let mut chance = Chance::of(bytes);
    let signed = (1..=3).map(|number| {
        let sealed = seal(Seal::GENESIS, &String::from_utf8_lossy(bytes));
        let at = now();
        let anchor = Anchor {
            number,
            seal: sealed,
            at,
            key: KEY.public().to_string(),
            signature: KEY.sign(statement(number, sealed, at).as_bytes()),
        };
        serde_json::to_string(&anchor).unwrap() + "\n"
    });
    let file: String = signed.collect();
    let read = Anchors::read(file.as_bytes(), Some(KEY.public())).expect("they were signed");
    assert_eq!(read.count(), 3);
    assert!(Anchors::read(file.as_bytes(), Some(key(8).public())).is_err());

    let bent = chance.altered(file.as_bytes());
    if let Ok(read) = Anchors::read(bent.as_slice(), Some(KEY.public())) {
        let anchors = |file: &[u8]| -> Vec<Anchor> {
            let lines = serde_json::Deserializer::from_slice(file).into_iter();
            lines.map(Result::unwrap).collect()
        };
        assert_eq!(read.count(), 3, "one is gone unseen");
        assert_eq!(anchors(&bent), anchors(file.as_bytes()));
    }
}

/// A bundle is held against the key that was named: what another signed is never whole.
pub fn evidence_bundle(bytes: &[u8]) {
    let verified = estop::evidence::verify(bytes, Some(KEY.public()));
    assert!(verified.is_err(), "nobody signed it");
    // A bundle that holds by itself is held to the letter.
    if let Ok(verified) = estop::evidence::verify(bytes, None) {
        let key: PublicKey = verified.key;
        assert!(String::from_utf8_lossy(bytes).contains(&key.to_string()));
        let bent = Chance::of(bytes).altered(bytes);
        assert!(
            estop::evidence::verify(&bent, None).is_err(),
            "changed, and whole"
        );
    }
}

/// A journal is read to its end: each line is taken or counted as unreadable, and tells one story.
pub fn break_glass_journal(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("offline");
    std::fs::write(&path, bytes).unwrap();
    let Ok(read) = estop::offline::read(&path) else {
        assert!(str::from_utf8(bytes).is_err(), "it is text");
        return;
    };
    let read = read.expect("nobody writes it");
    let text = str::from_utf8(bytes).unwrap();
    let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(read.lines.len() + read.unreadable, lines);
    let stories = stories(&read.lines);
    let mut runs: Vec<_> = stories.iter().map(|story| story.run).collect();
    runs.sort_unstable();
    runs.dedup();
    assert_eq!(runs.len(), stories.len(), "one run, one story");
    for story in &stories {
        assert!(!story.is_contained() || !story.read_back.is_empty());
    }
}

/// A body opens as what was closed, for its own delivery, and for nothing else.
pub fn body_at_rest(bytes: &[u8]) {
    const DELIVERY: [u8; 16] = [3; 16];
    static VAULT: LazyLock<Vault> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.key");
        let drawn: [u8; 32] = std::array::from_fn(|n| 11_u8.wrapping_add((n as u8) * 5));
        std::fs::write(&path, STANDARD.encode(drawn)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        Vault::from_file(&path).unwrap()
    });
    let closed = VAULT.close(bytes, &DELIVERY).unwrap();
    assert!(closed.key.is_some());
    assert_eq!(VAULT.open(closed.clone(), &DELIVERY).unwrap(), bytes);
    assert!(VAULT.open(closed.clone(), &[4; 16]).is_err());
    let bent = Closed {
        bytes: Chance::of(bytes).altered(&closed.bytes),
        key: closed.key.clone(),
    };
    assert!(VAULT.open(bent, &DELIVERY).is_err());
    let strange = Closed {
        bytes: bytes.to_vec(),
        key: closed.key,
    };
    assert!(VAULT.open(strange, &DELIVERY).is_err());
}

//! Short texts of others: ids, times, names, addresses. What is read is written again as the one
//! spelling of it, and nothing in it can bend a path (threats W21, S06).

use std::fmt::Display;
use std::str::FromStr;

use estop::domain::callback::{CallbackAddress, CallbackHosts};
use estop::domain::detection::{DetectionType, SourceName};
use estop::domain::entity::ObjectId;
use estop::domain::found::OpaqueId;
use estop::domain::id::{ApprovalId, DeliveryId, DetectionId, PersonId, RunId, TokenId};
use estop::domain::moment::{Moment, Span};
use estop::domain::record::Seal;
use estop::domain::tools::BotId;
use estop::sentinel::{IncidentPath, Workspace};
use estop::signature::{KeyForm, NotASecret, PublicKey, Secret, SigningKey};

use super::chance::Chance;

/// The cursor of a listing is an id, and so is what looks up a credential.
pub fn ids(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    one_spelling::<RunId>(text);
    one_spelling::<DeliveryId>(text);
    one_spelling::<DetectionId>(text);
    one_spelling::<ApprovalId>(text);
    one_spelling::<TokenId>(text);
    one_spelling::<PersonId>(text);
    if let Ok(id) = text.parse::<ObjectId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
        assert!(!id.uuid().is_nil());
    }
    if let Ok(bot) = text.parse::<BotId>() {
        assert_eq!(bot.to_string(), text.to_ascii_lowercase());
    }
    let plain = |more: &str| {
        let bends = |c: char| !c.is_ascii_alphanumeric() && !more.contains(c);
        !text.is_empty() && !text.contains(bends)
    };
    assert!(OpaqueId::new(text).is_none() || plain("-_"));
    assert!(DetectionType::new(text).is_none() || plain(".-_"));
    assert!(SourceName::new(text).is_none() || plain("-_"));
}

fn one_spelling<I: FromStr + Display>(text: &str) {
    if let Ok(id) = text.parse::<I>() {
        assert_eq!(id.to_string(), text);
    }
}

pub fn moments(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some(at) = Moment::parse(text) {
        assert_eq!(Moment::parse(&at.to_string()), Some(at));
        assert!(at.plus(std::time::Duration::MAX) >= at);
        assert!(at.minus(std::time::Duration::MAX) <= at);
    }
    if let Some(span) = Span::parse(text) {
        assert_eq!(Span::parse(&span.to_string()), Some(span));
    }
    if let Some(seal) = Seal::from_hex(text) {
        assert_eq!(seal.hex(), text.to_ascii_lowercase());
    }
    if let Ok(head) = text.parse::<estop::audit::Head>() {
        assert_eq!(head.to_string().parse(), Ok(head));
    }
}

/// Texts that hold a key: taken as the key they are, or refused without being repeated.
pub fn keys(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for form in [KeyForm::Whsec, KeyForm::Text, KeyForm::Base64] {
        match Secret::parse_as(text, form) {
            Ok(secret) => {
                let again = Secret::parse_as(&format!("{text}\n"), form);
                assert!(again.is_ok_and(|again| again.is(&secret)));
            }
            Err(why) => is_silent(why, text),
        }
    }
    match text.parse::<PublicKey>() {
        Ok(key) => {
            assert_eq!(key.to_string().parse(), Ok(key));
            // The coded letters are checked to the last bit: one key, one spelling.
            assert_eq!(key.to_string(), text.strip_prefix("whpk_").unwrap_or(text));
        }
        Err(why) => assert_eq!("".parse::<PublicKey>(), Err(why)),
    }
    match SigningKey::parse(text) {
        Ok(key) => {
            let signed = key.sign(bytes);
            assert!(key.public().holds(bytes, &signed));
            let bent = Chance::of(bytes).altered(bytes);
            assert!(!key.public().holds(&bent, &signed));
        }
        Err(why) => assert_eq!(SigningKey::parse("").err(), Some(why)),
    }
}

/// A refusal holds a number of bytes at most. Its words are not searched for the text: a stranger's
/// text may be a piece of them.
fn is_silent(why: NotASecret, text: &str) {
    match why {
        NotASecret::TooShort(bytes) | NotASecret::TooLong(bytes, _) => assert!(bytes <= text.len()),
        NotASecret::Empty | NotASecret::NoPrefix | NotASecret::NotBase64 | NotASecret::Known => {}
    }
}

/// Nobody is called but a named host, by https, and without anything that means another.
pub fn callback_address(bytes: &[u8]) {
    const HOSTS: [&str; 2] = [
        "prod-12.westeurope.logic.azure.com",
        "*.apps.contoso.example",
    ];
    let hosts = CallbackHosts::new(HOSTS.map(str::to_owned).to_vec()).unwrap();
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let Ok(address) = hosts.admit(text) else {
        return;
    };
    let (shown, host) = (address.expose(), address.host());
    let below = host.strip_suffix(".apps.contoso.example");
    assert!(host == HOSTS[0] || below.is_some_and(|label| !label.is_empty()));
    // Read by eye: the scheme, the host, and then a path or a question at once.
    let rest = shown.strip_prefix("https://").expect("by https");
    let rest = rest.strip_prefix(host).expect("the host stands first");
    assert!(rest.starts_with('/') && !rest.contains('#'), "{shown}");
    assert!(!format!("{address:?}").contains(rest) || rest == "/");
    let kept = CallbackAddress::kept(shown);
    assert_eq!(kept.as_ref().map(CallbackAddress::host), Some(host));
    assert_eq!(hosts.admit(shown).ok(), Some(address));
}

/// An incident's path from a sender is a path of ours to call: the same segments, and no other.
pub fn incident_path(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Some(incident) = IncidentPath::parse(text) {
        let shown = incident.to_string();
        assert!(is_tame(&shown), "{shown}");
        assert_eq!(IncidentPath::parse(&shown), Some(incident));
    }
    if let Ok(workspace) = text.parse::<Workspace>() {
        let again: Result<Workspace, _> = workspace.to_string().parse();
        assert!(again.is_ok_and(|again| again.is(&workspace)));
    }
}

fn is_tame(path: &str) -> bool {
    let tame = |c: char| !c.is_control() && !"?#%\\".contains(c);
    path.chars().all(tame) && !path.split('/').any(|part| part == "." || part == "..")
}

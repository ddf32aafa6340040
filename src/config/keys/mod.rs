//! Every key of `estop.yaml`, for the page of reference. A test holds it against the parser.

mod deciding;
mod looking;
mod outward;
mod senders;
mod service;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Where it stands; a name in capitals is the writer's own.
    pub path: &'static str,
    /// What counts where it is left out, as Markdown; `needed` and `none` say that nothing does.
    pub fallback: &'static str,
    /// What it is, for people.
    pub means: &'static str,
}

const fn key(path: &'static str, fallback: &'static str, means: &'static str) -> Key {
    Key {
        path,
        fallback,
        means,
    }
}

/// Every key, in the order people write them.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    let parts = [
        service::KEYS,
        senders::KEYS,
        looking::KEYS,
        deciding::KEYS,
        outward::KEYS,
    ];
    parts.into_iter().flatten()
}

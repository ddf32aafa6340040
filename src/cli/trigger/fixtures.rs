//! What each sender sends, from the fixtures that the readers are tested with.
//!
//! A new sender: put its body into `tests/fixtures` and add a row here.

/// One body, as a sender sends it.
pub(super) struct Fixture {
    /// What it is called on the command line: the file's stem.
    pub(super) name: &'static str,
    /// The reader a source needs for it.
    pub(super) reader: &'static str,
    /// The body.
    pub(super) text: &'static str,
    /// The GUID in it that is the agent's.
    pub(super) agent: &'static str,
    /// The GUID in it that is the tenant's.
    pub(super) tenant: &'static str,
    /// Texts in it that name this one occasion, and are made fresh for each.
    pub(super) occasion: &'static [&'static str],
}

/// Every sender's body.
pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "estop_detection",
        reader: "estop",
        text: include_str!("../../../tests/fixtures/estop_detection.json"),
        agent: "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317",
        tenant: "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62",
        occasion: &["lab-0001"],
    },
    Fixture {
        name: "sentinel_incident",
        reader: "sentinel",
        text: include_str!("../../../tests/fixtures/sentinel_incident.json"),
        agent: "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317",
        tenant: "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62",
        occasion: &[
            "f27a9c84-5e3b-4d16-90c8-b1d7e4a06f53",
            "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963",
        ],
    },
];

impl Fixture {
    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FIXTURES
            .iter()
            .find(|fixture| fixture.name.eq_ignore_ascii_case(name))
    }

    /// Our own form, which takes any type.
    pub(super) const fn canonical() -> &'static Self {
        &FIXTURES[0]
    }
}

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

/// The agent and the tenant of every recorded body, where it names them.
const AGENT: &str = "7a4e1c90-52bd-4f38-9e61-c0d2a8b5f317";
const TENANT: &str = "e0c7b2a9-6d14-4583-b9f0-3a8d5e1c7f62";

macro_rules! fixture {
    ($name:literal, $reader:literal, $occasion:expr) => {
        Fixture {
            name: $name,
            reader: $reader,
            text: include_str!(concat!("../../../tests/fixtures/", $name, ".json")),
            agent: AGENT,
            tenant: TENANT,
            occasion: &$occasion,
        }
    };
}

/// Every sender's body.
pub(super) const FIXTURES: &[Fixture] = &[
    fixture!("estop_detection", "estop", ["lab-0001"]),
    fixture!(
        "sentinel_incident",
        "sentinel",
        [
            "f27a9c84-5e3b-4d16-90c8-b1d7e4a06f53",
            "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963",
        ]
    ),
    fixture!(
        "sentinel_alert",
        "sentinel",
        [
            "e2b07c5d-8f41-4d96-b3a8-60c9d15e7f24",
            "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963",
        ]
    ),
    fixture!(
        "sentinel_entity",
        "sentinel",
        ["9b1e6d73-40a5-4c28-8f6e-d3c70b92a514"]
    ),
    fixture!(
        "identity_protection_alert",
        "sentinel",
        ["0d5f92e8-3c7b-4a16-9e48-b7a1c06d3f52"]
    ),
    fixture!(
        "azure_monitor_log_alert",
        "azure_monitor",
        [
            "6e2f8a07-91d4-4b3c-a5f6-0c7d2e9b1a83",
            "a40c5e17-d8b3-4296-8f7e-3b1c9d06e254",
            "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963",
        ]
    ),
    fixture!(
        "azure_monitor_simple_log_alert",
        "azure_monitor",
        [
            "6e2f8a07-91d4-4b3c-a5f6-0c7d2e9b1a83",
            "a40c5e17-d8b3-4296-8f7e-3b1c9d06e254",
            "18d6f3b0-a97c-4e25-8b41-f5c0e2d7a963",
        ]
    ),
    fixture!("defender_alert", "defender", ["da638f2c91_1", "7f1c_1"]),
    fixture!("defender_alert_principal", "defender", ["da638f2c91_2"]),
    fixture!("ocsf_finding", "ocsf", ["aw-88121"]),
    fixture!("cloudevent_estop", "cloudevents", ["ce-4471"]),
    fixture!("cloudevent_ocsf", "cloudevents", ["ce-4471", "aw-88121"]),
    fixture!("splunk_alert", "splunk", ["scheduler_soc_at_1789898800_7"]),
    fixture!("elastic_alert", "elastic", ["7a4e1c90-alert"]),
    fixture!("datadog_alert", "datadog", ["5521889033"]),
    fixture!("sumo_alert", "sumo", ["0000000000ABCDEF"]),
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

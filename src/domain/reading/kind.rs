//! The senders we can read.

use std::fmt;

/// How a source's deliveries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderKind {
    /// Microsoft Sentinel's triggers (incident, alert, entity), as a Logic App forwards them.
    Sentinel,
    /// Azure Monitor's common alert schema: log search alerts.
    AzureMonitor,
    /// An alert of Microsoft Graph (`alerts_v2`), Defender's own form.
    Defender,
    /// OCSF Detection Finding.
    Ocsf,
    /// A CloudEvents envelope around one of the others.
    CloudEvents,
    /// Splunk's webhook action.
    Splunk,
    /// Kibana's webhook connector.
    Elastic,
    /// Datadog's webhook.
    Datadog,
    /// Sumo Logic's webhook connection.
    Sumo,
    /// Any template, by the mapping in the configuration.
    Mapped,
    /// Our own canonical form.
    Estop,
    /// One item of a risk list of Entra ID Protection, as Graph writes it.
    Entra,
}

impl ReaderKind {
    /// Every reader.
    pub const ALL: [Self; 12] = [
        Self::Sentinel,
        Self::AzureMonitor,
        Self::Defender,
        Self::Ocsf,
        Self::CloudEvents,
        Self::Splunk,
        Self::Elastic,
        Self::Datadog,
        Self::Sumo,
        Self::Mapped,
        Self::Estop,
        Self::Entra,
    ];

    /// The word for it in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sentinel => "sentinel",
            Self::AzureMonitor => "azure_monitor",
            Self::Defender => "defender",
            Self::Ocsf => "ocsf",
            Self::CloudEvents => "cloudevents",
            Self::Splunk => "splunk",
            Self::Elastic => "elastic",
            Self::Datadog => "datadog",
            Self::Sumo => "sumo",
            Self::Mapped => "mapped",
            Self::Estop => "estop",
            Self::Entra => "entra",
        }
    }

    /// The reader a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reader| reader.word() == word)
    }
}

impl fmt::Display for ReaderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

//! Where people are told: `page:`, checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::BadConfig;
use crate::domain::moment::Span;
use crate::domain::telling::DestinationName;
use crate::pager::{self, Takes, Taking};

/// Most places people are told at.
const PLACES_MAX: usize = 16;
/// Longest time a page may lie before it goes further.
const AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// One place as people write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageFile {
    pagerduty: Option<PagerDutyFile>,
    opsgenie: Option<OpsgenieFile>,
    webhook: Option<WebhookFile>,
    takes: Option<Vec<TakesWord>>,
    after: Option<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PagerDutyFile {
    routing_key_file: PathBuf,
    url: Option<Url>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpsgenieFile {
    api_key_file: PathBuf,
    url: Option<Url>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookFile {
    url: Url,
    secret_file: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TakesWord {
    Pages,
    Notices,
    Sponsors,
}

/// One place, checked. Its key is read by the roof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageConfig {
    /// What it is called.
    pub name: DestinationName,
    /// What it is told.
    pub takes: Takes,
    /// How long a page must lie unacknowledged before it goes here.
    pub after: Option<Duration>,
    /// Which far end.
    pub far: FarConfig,
}

/// A far end: its address and the file of its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FarConfig {
    /// PagerDuty.
    PagerDuty(Url, PathBuf),
    /// Opsgenie.
    Opsgenie(Url, PathBuf),
    /// A webhook of your own.
    Webhook(Url, PathBuf),
}

impl PageConfig {
    /// In a few words, without the path: it may hold what only the receiver should know.
    pub(super) fn shown(&self) -> String {
        let (kind, url) = match &self.far {
            FarConfig::PagerDuty(url, _) => ("pagerduty", url),
            FarConfig::Opsgenie(url, _) => ("opsgenie", url),
            FarConfig::Webhook(url, _) => ("webhook", url),
        };
        let after = self.after.map(|after| format!(" after {}", Span(after)));
        let host = url.host_str().unwrap_or_default();
        format!("{kind} at {host}{}", after.unwrap_or_default())
    }
}

/// Checks every place of the file.
pub(super) fn pages(
    base: &Path,
    files: BTreeMap<String, PageFile>,
) -> Result<Vec<PageConfig>, BadConfig> {
    if files.len() > PLACES_MAX {
        return Err(BadConfig(format!(
            "`page` names more than {PLACES_MAX} places"
        )));
    }
    let checked = files.into_iter().map(|(name, file)| {
        page(base, &name, file).map_err(|why| BadConfig(format!("`page.{name}`: {why}")))
    });
    checked.collect()
}

fn page(base: &Path, name: &str, file: PageFile) -> Result<PageConfig, String> {
    let name = DestinationName::new(name)
        .ok_or("a place's name is 1 to 64 lower-case letters, digits, `-` and `_`")?;
    let usual = |url: Option<Url>, usual: &str| match url {
        Some(url) => Ok(url),
        None => usual.parse().map_err(|why| format!("{usual}: {why}")),
    };
    let far = match (file.pagerduty, file.opsgenie, file.webhook) {
        (Some(it), None, None) => FarConfig::PagerDuty(
            usual(it.url, "https://events.pagerduty.com")?,
            base.join(it.routing_key_file),
        ),
        (None, Some(it), None) => FarConfig::Opsgenie(
            usual(it.url, "https://api.opsgenie.com")?,
            base.join(it.api_key_file),
        ),
        (None, None, Some(it)) => FarConfig::Webhook(it.url, base.join(it.secret_file)),
        _ => return Err("name one of pagerduty, opsgenie and webhook".to_owned()),
    };
    let (FarConfig::PagerDuty(url, _) | FarConfig::Opsgenie(url, _) | FarConfig::Webhook(url, _)) =
        &far;
    pager::checked(url).map_err(|bad| bad.to_string())?;
    let takes = takes(file.takes.as_deref(), &far)?;
    let after = file.after.map(|span| span.0).filter(|span| !span.is_zero());
    if after.is_some_and(|after| after > AFTER_MAX) {
        return Err("`after` is longer than 24h".to_owned());
    }
    if after.is_some() && takes.pages == Taking::No {
        return Err("`after` is about pages, which this place does not take".to_owned());
    }
    Ok(PageConfig {
        name,
        takes,
        after,
        far,
    })
}

fn takes(words: Option<&[TakesWord]>, far: &FarConfig) -> Result<Takes, String> {
    let words = words.unwrap_or(&[TakesWord::Pages]);
    if words.is_empty() {
        return Err("`takes` is empty: name pages, notices or sponsors".to_owned());
    }
    let taking = |word| {
        if words.contains(&word) {
            Taking::Yes
        } else {
            Taking::No
        }
    };
    let takes = Takes {
        pages: taking(TakesWord::Pages),
        notices: taking(TakesWord::Notices),
        sponsors: taking(TakesWord::Sponsors),
    };
    if takes.sponsors == Taking::Yes && !matches!(far, FarConfig::Webhook(..)) {
        return Err("sponsors are told by a webhook, which is handed their object ids".to_owned());
    }
    Ok(takes)
}

#[cfg(test)]
mod tests {
    use super::super::file::File;
    use super::{PageConfig, pages};

    fn read(page: &str) -> Result<Vec<PageConfig>, String> {
        let text = format!(
            "tenant:\n  id: 3f9e88bf-86f1-41af-91ab-2d7cd01177aa\n  credential: managed_identity\n\
             page:\n  oncall: {page}\n"
        );
        let file = File::parse("estop.yaml", &text).map_err(|bad| bad.to_string())?;
        pages(std::path::Path::new("/etc/estop"), file.page).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_place_is_one_far_end_with_its_key_in_a_file() {
        for good in [
            "{ pagerduty: { routing_key_file: pd.key } }",
            "{ opsgenie: { api_key_file: og.key, url: \"https://api.eu.opsgenie.com\" }, after: 15m }",
            "{ webhook: { url: \"https://x.example/hook\", secret_file: w.key }, takes: [pages, sponsors] }",
            "{ webhook: { url: \"http://127.0.0.1:9/\", secret_file: w.key } }",
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good));
        }
    }

    #[test]
    fn a_place_we_would_not_send_to_is_refused() {
        for (bad, why) in [
            ("{}", "name one of"),
            ("{ pagerduty: { routing_key: x } }", "routing_key"),
            (
                "{ webhook: { url: \"http://x.example/\", secret_file: w.key } }",
                "https",
            ),
            (
                "{ pagerduty: { routing_key_file: p }, takes: [sponsors] }",
                "webhook",
            ),
            ("{ pagerduty: { routing_key_file: p }, takes: [] }", "empty"),
            (
                "{ pagerduty: { routing_key_file: p }, takes: [notices], after: 5m }",
                "about pages",
            ),
            ("{ slack: \"#soc\" }", "slack"),
        ] {
            let said = read(bad).unwrap_err();
            assert!(said.contains(why), "{bad}: {said}");
        }
    }
}

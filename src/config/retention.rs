//! How long things are kept: `retention:`, checked.

use serde::Deserialize;

use super::BadConfig;
use crate::domain::moment::Span;
use crate::domain::retention::Retention;

/// `retention:` as people write it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetentionFile {
    deliveries: Option<Span>,
    runs: Option<Span>,
    audit: Option<Span>,
}

impl RetentionFile {
    /// Deliveries may not go before a sender has ceased to repeat them, nor the record of a run
    /// before the run.
    pub(super) fn checked(self) -> Result<Retention, BadConfig> {
        let usual = Retention::default();
        let or = |span: Option<Span>, usual| span.map_or(usual, |span| span.0);
        let retention = Retention {
            deliveries: or(self.deliveries, usual.deliveries),
            runs: or(self.runs, usual.runs),
            audit: or(self.audit, usual.audit),
        };
        let least = Retention::DELIVERIES_MIN;
        if retention.deliveries < least {
            return Err(BadConfig(format!(
                "`retention.deliveries` is less than {}: a sender that repeats itself would start anew",
                Span(least)
            )));
        }
        if retention.runs < retention.deliveries {
            return Err(BadConfig(
                "`retention.runs` is less than `retention.deliveries`: what followed from a delivery \
                 would go before it"
                    .to_owned(),
            ));
        }
        if retention.audit < retention.runs {
            return Err(BadConfig(
                "`retention.audit` is less than `retention.runs`: a run would outlive its record"
                    .to_owned(),
            ));
        }
        Ok(retention)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::RetentionFile;
    use crate::domain::moment::Span;

    const DAY: u64 = 24 * 3600;

    fn checked(deliveries: u64, runs: u64, audit: u64) -> Result<(), String> {
        let days = |days: u64| Some(Span(Duration::from_secs(days * DAY)));
        let file = RetentionFile {
            deliveries: days(deliveries),
            runs: days(runs),
            audit: days(audit),
        };
        let checked = file.checked().map(drop);
        checked.map_err(|bad| bad.to_string())
    }

    #[test]
    fn nothing_goes_before_what_it_is_needed_for() {
        assert_eq!(checked(30, 30, 30), Ok(()));
        for (written, key) in [
            ((29, 400, 400), "retention.deliveries"),
            ((90, 89, 400), "retention.runs"),
            ((90, 400, 399), "retention.audit"),
        ] {
            let bad = checked(written.0, written.1, written.2).unwrap_err();
            assert!(bad.starts_with(&format!("`{key}`")), "{bad}");
        }
    }
}

//! The loop: look now and then, and tell a person what will not work when it is needed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Doctor, Report, State};
use crate::domain::notice::Urgency;
use crate::store::Store;

/// The first look; by then the token is there and the connection is warm.
const FIRST: Duration = Duration::from_secs(5 * 60);
/// Every later one. Each costs three turns of ID Protection's slow lane.
const EVERY: Duration = Duration::from_secs(3600);
/// A failure that stays is told again after this.
const REMIND_EVERY: Duration = Duration::from_secs(24 * 3600);
/// Told by the drill's own alarm.
const TOLD_ELSEWHERE: &str = "drill";

/// Looks until told to stop.
pub async fn doctor_loop(doctor: Doctor, store: Store, stop: CancellationToken) {
    let mut pause = FIRST;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = doctor.clock.sleep(pause) => {}
        }
        pause = EVERY;
        let Some(report) = stop.run_until_cancelled(doctor.examine()).await else {
            return;
        };
        if let Err(error) = tell(&doctor, &store, &report).await {
            tracing::warn!(%error, "what the doctor found could not be told");
        }
    }
}

async fn tell(doctor: &Doctor, store: &Store, report: &Report) -> Result<(), crate::store::Error> {
    let failed = report.lines.iter().filter(|line| line.state == State::Fail);
    for line in failed.filter(|line| line.check != TOLD_ELSEWHERE) {
        let now = doctor.clock.now();
        let fix = line.fix.as_deref().unwrap_or("see: estop doctor");
        let text = format!("doctor: {}: {}. Fix: {fix}", line.check, line.said);
        let key = format!("doctor {}", line.check);
        let notice = store.notice(now, Urgency::Page, key, text);
        store.remind(notice, now.minus(REMIND_EVERY)).await?;
    }
    let mended = report.lines.iter().filter(|line| line.state == State::Ok);
    let keys = mended
        .map(|line| format!("doctor {}", line.check))
        .collect();
    store.resolve_keys(keys, doctor.clock.now()).await
}

//! Hours of calm work beside a tenant that fails now and then: does anything grow, is anything lost?
//!
//! On demand only: six minutes, or as many as `ESTOP_BENCH_SOAK` says (1440 is a day).

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use estop::domain::moment::Span;
use estop::signature::Secret;
use estop::sim::{Fault, Lag, On, RetryAfter, What};
use tokio::process::Command;
use uuid::Uuid;

use crate::stage::bodies::{Bodies, signed};
use crate::stage::machine::{memory, open_files, slope};
use crate::stage::sender::{not_taken, stream};
use crate::stage::service::{Program, Served, program_file, start};
use crate::stage::tenant::Far;
use crate::stage::{Line, millis, quantile, report};
use crate::strike::{contained_within, spans};

/// Minutes, unless told otherwise.
const MINUTES: u64 = 6;
/// Kills and other detections a second.
const RATES: (u32, u32) = (2, 50);
/// Connections of each.
const CONNECTIONS: usize = 16;
/// How often something begins to fail.
const FAILS_EVERY: Duration = Duration::from_secs(10);
/// How often the process is looked at.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
/// From so many minutes on the slope of its memory counts; before it is warm-up.
const SLOPE_COUNTS_FROM: u64 = 60;
/// Growth allowed, in MiB an hour.
const SLOPE_MAX: f64 = 1.0;
/// How long the journal may be.
const JOURNAL_MAX: u64 = 64 << 20;
/// How long the last kills may take: a throttle may last.
const CONTAINED_WITHIN: Duration = Duration::from_secs(120);

/// What a look at the process showed.
struct Look {
    hours: f64,
    resident: f64,
    files: usize,
    journal: u64,
}

/// Measures and reports.
pub async fn bench() {
    let asked = std::env::var("ESTOP_BENCH_SOAK").ok();
    let minutes = asked.map_or(MINUTES, |it| it.parse().expect("a number of minutes"));
    let seconds = u32::try_from(minutes * 60).expect("less than a century");
    let kills = (RATES.0 * seconds) as usize;
    let far = Arc::new(Far::open(kills).await);
    let secret = Arc::new(Secret::fresh(*b"a bench has no secret to protect"));
    let served = start(Program::Unthrottled, "enforce", &far, &secret).await;
    let failing = tokio::spawn(fail(Arc::clone(&far)));
    let sent = Arc::new(Mutex::new(vec![None; kills]));
    let (looks, told, others) = tokio::join!(
        look(&served, Duration::from_secs(minutes * 60)),
        kill((&served, &far), &secret, &sent),
        crowd((&served, &far), &secret, (RATES.1 * seconds) as usize),
    );
    failing.abort();
    let contained = contained_within(served.folder.path(), kills, CONTAINED_WITHIN).await;
    let spans = spans(&far, &far.agents, &sent.lock().unwrap());
    let folder = served.end().await;
    let sound = is_sound(folder.path()).await;
    let lost = kills - contained;
    let mut lines = vec![
        Line::new("detections not taken", (told + others).to_string())
            .gate("0", told + others == 0),
        Line::new("kills not contained", format!("{lost} of {kills}")).gate("0", lost == 0),
        Line::new("receipt to disable, p50", millis(quantile(&spans, 0.5))),
        Line::new(
            "receipt to disable, p99, with what failed",
            millis(quantile(&spans, 0.99)),
        ),
        Line::new("the record verifies", sound.to_string()).gate("true", sound),
    ];
    lines.extend(growth(&looks, minutes));
    report(
        &format!("soak: {minutes} minutes beside a tenant that fails every {FAILS_EVERY:?}"),
        &lines,
    );
}

async fn kill(
    (served, far): (&Served, &Far),
    secret: &Arc<Secret>,
    sent: &Arc<Mutex<Vec<Option<Instant>>>>,
) -> usize {
    let bodies = Bodies::new(far.tenant, "threatIntelligenceAccount");
    let (agents, secret, noted) = (far.agents.clone(), Arc::clone(secret), Arc::clone(sent));
    let make = move |number: usize| Some(signed(&secret, &bodies.about(*agents.get(number)?)));
    let note = move |number: usize, at: Instant| noted.lock().unwrap()[number] = Some(at);
    let told = stream(&served.address, (RATES.0, CONNECTIONS), make, note).await;
    not_taken(&told)
}

async fn crowd((served, far): (&Served, &Far), secret: &Arc<Secret>, count: usize) -> usize {
    let bodies = Bodies::new(far.tenant, "anomalousAgentActivity");
    let secret = Arc::clone(secret);
    let make = move |number: usize| {
        (number < count).then(|| signed(&secret, &bodies.about(Uuid::new_v4())))
    };
    let told = stream(&served.address, (RATES.1, CONNECTIONS), make, |_, _| {}).await;
    not_taken(&told)
}

/// One kind of failure after the other, for ever.
async fn fail(far: Arc<Far>) {
    let throttle = What::Throttle {
        retry_after: Some(RetryAfter::Seconds(2)),
    };
    let unavailable = What::Status {
        status: 503,
        code: "serviceUnavailable".to_owned(),
    };
    let kinds = [
        (On::any().times(20), throttle),
        (On::any().times(20), unavailable),
        (On::any().times(5), What::RefuseConnection),
        (On::any().times(3), What::LoseRequest),
        (
            On::request("PATCH", "").times(3),
            What::LoseReplyAfterEffect,
        ),
        (
            On::request("PATCH", "").times(3),
            What::StaleReads(Lag::Reads(3)),
        ),
        (
            On::any().times(10),
            What::Delay(Span(Duration::from_secs(1))),
        ),
        (On::any().times(1), What::ClaimsChallenge),
    ];
    for (on, what) in kinds.into_iter().cycle() {
        tokio::time::sleep(FAILS_EVERY).await;
        far.push_fault(Fault::new(on, what));
    }
}

async fn look(served: &Served, span: Duration) -> Vec<Look> {
    let began = Instant::now();
    let mut looks = Vec::new();
    while began.elapsed() < span {
        tokio::time::sleep(LOOKS_EVERY).await;
        let journal = served.folder.path().join("estop.db-wal");
        looks.push(Look {
            hours: began.elapsed().as_secs_f64() / 3600.0,
            resident: memory(served.pid(), "VmRSS:"),
            files: open_files(served.pid()),
            journal: std::fs::metadata(journal).map_or(0, |file| file.len()),
        });
    }
    looks
}

fn growth(looks: &[Look], minutes: u64) -> Vec<Line> {
    let settled = &looks[looks.len() / 2..];
    let slope = slope(settled.iter().map(|look| (look.hours, look.resident)));
    let memory = Line::new(
        "RSS in its second half, growth an hour",
        format!("{slope:+.1} MiB"),
    );
    let memory = if minutes >= SLOPE_COUNTS_FROM {
        memory.gate("1 MiB", slope <= SLOPE_MAX)
    } else {
        memory
    };
    let most = |of: fn(&Look) -> u64| looks.iter().map(of).max().unwrap_or_default();
    let resident = looks.iter().map(|look| look.resident).fold(0.0, f64::max);
    let files = |look: Option<&Look>| look.map_or(0, |look| look.files);
    let (first, last) = (files(settled.first()), files(looks.last()));
    let journal = most(|look| look.journal);
    vec![
        memory,
        Line::new("largest RSS", format!("{resident:.0} MiB")),
        Line::new(
            "open files halfway and at the end",
            format!("{first}; {last}"),
        )
        .gate("the same, or 8 more", last <= first + 8),
        Line::new("longest journal", format!("{} MiB", journal >> 20))
            .gate("64 MiB", journal <= JOURNAL_MAX),
    ]
}

/// What `estop audit verify` says of the store that is left.
async fn is_sound(folder: &std::path::Path) -> bool {
    let verified = Command::new(program_file())
        .args(["audit", "verify", "--store"])
        .arg(format!("sqlite:{}", folder.join("estop.db").display()))
        .stdout(std::process::Stdio::null())
        .status()
        .await;
    verified.unwrap().success()
}

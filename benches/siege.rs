//! Kills while everybody wants something: 100,000 detections a minute, as many forged ones, two
//! thousand connections that never end their request, fifty thousand low runs in the queue.
//!
//! On demand only: six minutes. `ESTOP_BENCH_SIEGE` asks for other seconds of each part; with 600 it is
//! the half hour of threat E08, and the growth of memory counts.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use estop::signature::Secret;
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use crate::stage::bodies::{Bodies, signed};
use crate::stage::machine::{memory, slope};
use crate::stage::sender::{Told, dawdle, stream};
use crate::stage::service::{Ground, Program, Served, start_on};
use crate::stage::tenant::Far;
use crate::stage::{Line, millis, quantile, report};
use crate::strike::{contained_within, spans};

/// Seconds of each part, unless told otherwise.
const SECONDS: u32 = 120;
/// Kills a second.
const KILLS: u32 = 20;
/// Detections, or forgeries, a second: 100,000 a minute.
const OTHERS: u32 = 1_667;
/// Connections of those who kill, and of the others.
const CONNECTIONS: (usize, usize) = (32, 128);
/// Connections that never end their request.
const DAWDLERS: usize = 2_000;
/// Runs that only look, and how long the tenant takes to answer each.
const LOW: (usize, Duration) = (50_000, Duration::from_secs(5));
/// How many of them come in a second.
const LOW_RATE: u32 = 2_000;
/// What design §11 asks for beside a crowd.
const GATE: Duration = Duration::from_millis(50);
/// What threat E07 asks for behind a queue of low runs.
const GATE_BEHIND_LOW: Duration = Duration::from_secs(5);
/// How often the memory is looked at.
const LOOKS_EVERY: Duration = Duration::from_secs(5);
/// What it may grow by in a minute once a part has gone on for half its time, in MiB (threat E08).
const SLOPE_MAX: f64 = 1.0;
/// Seconds of a part from which that counts; a shorter one is warm-up.
const SLOPE_COUNTS_FROM: u32 = 600;
/// How long the last may take to be decided, and contained.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

const LOOK: &str = "playbook: bench-look\nsummary: Say what would be stopped.\nowner: bench\n\
     trigger:\n  detection: [suspiciousAgentSignIn]\nentity: agent\nmode: observe\n\
     steps:\n  - disable_agent\nnotify: []\n";

struct Siege {
    far: Far,
    secret: Arc<Secret>,
    served: Served,
    seconds: u32,
}

/// What the kills of one part came to.
struct Part {
    spans: Vec<Duration>,
    kills: Told,
    others: Told,
    /// Minutes since it began, and MiB resident.
    looks: Vec<(f64, f64)>,
}

/// Measures and reports.
pub async fn bench() {
    let asked = std::env::var("ESTOP_BENCH_SIEGE").ok();
    let seconds = asked.map_or(SECONDS, |it| it.parse().expect("a number of seconds"));
    let kills = (KILLS * seconds) as usize;
    let far = Far::sluggish(3 * kills, LOW).await;
    let secret = Arc::new(Secret::fresh(*b"a bench has no secret to protect"));
    let ground = Ground {
        playbook: Some(LOOK),
        ..Ground::default()
    };
    let served = start_on(&ground, Program::Unthrottled, "enforce", (&far, &secret)).await;
    let siege = Siege {
        far,
        secret,
        served,
        seconds,
    };
    let _dawdlers = dawdle(&siege.served.address, DAWDLERS);
    let crowd = siege.part(0, "anomalousAgentActivity", true).await;
    let forged = siege.part(1, "threatIntelligenceAccount", false).await;
    let low = siege.queue_low_runs().await;
    let waiting = siege.counted("select count(*) from run where state = 'queued'");
    let behind = siege.kills(2).await;
    siege.settle(kills).await;
    let rows = [
        ("beside 100,000 detections a minute", &crowd, GATE),
        ("beside 100,000 forgeries a minute", &forged, GATE),
        ("behind low runs", &behind, GATE_BEHIND_LOW),
    ];
    let mut lines: Vec<Line> = rows.into_iter().flat_map(kill_lines).collect();
    lines.extend(rows.map(|(beside, part, _)| growth(beside, part, seconds)));
    lines.push(Line::new(
        "low runs in the queue when the kills began",
        waiting.to_string(),
    ));
    lines.extend(siege.losses(&[&crowd, &forged, &behind], &low, kills));
    let resident = memory(siege.served.pid(), "VmHWM:");
    let line = Line::new("largest RSS", format!("{resident:.0} MiB"));
    lines.push(line.gate("150 MB", resident * 1.048_576 <= 150.0));
    report(
        &format!("siege: {KILLS} kills a second, {DAWDLERS} connections that never end a request"),
        &lines,
    );
    drop(siege.served.end().await);
}

fn kill_lines((beside, part, gate): (&str, &Part, Duration)) -> [Line; 2] {
    let (p50, p99) = (quantile(&part.spans, 0.5), quantile(&part.spans, 0.99));
    [
        Line::new(&format!("p50 {beside}"), millis(p50)),
        Line::new(&format!("p99 {beside}"), millis(p99)).gate(&millis(gate), p99 <= gate),
    ]
}

fn growth(beside: &str, part: &Part, seconds: u32) -> Line {
    let settled = &part.looks[part.looks.len() / 2..];
    let slope = slope(settled.iter().copied());
    let line = Line::new(
        &format!("RSS {beside}, growth a minute in its second half"),
        format!("{slope:+.2} MiB"),
    );
    if seconds >= SLOPE_COUNTS_FROM {
        line.gate(&format!("{SLOPE_MAX} MiB"), slope < SLOPE_MAX)
    } else {
        line
    }
}

fn of(told: &Told, status: u16) -> usize {
    told.get(&status).copied().unwrap_or_default()
}

impl Siege {
    /// Kills beside others, who are signed or forged.
    async fn part(&self, number: usize, kind: &str, true_signature: bool) -> Part {
        let bodies = Bodies::new(self.far.tenant, kind);
        let secret = if true_signature {
            Arc::clone(&self.secret)
        } else {
            Arc::new(Secret::fresh(*b"somebody who guesses has another"))
        };
        let count = (OTHERS * self.seconds) as usize;
        let make = move |number: usize| {
            (number < count).then(|| signed(&secret, &bodies.about(Uuid::new_v4())))
        };
        let address = &self.served.address;
        let (part, others) = tokio::join!(
            self.kills(number),
            stream(address, (OTHERS, CONNECTIONS.1), make, |_, _| {}),
        );
        Part { others, ..part }
    }

    /// The kills of one part: each about an agent of its own.
    async fn kills(&self, part: usize) -> Part {
        let count = (KILLS * self.seconds) as usize;
        let agents = self.far.agents[part * count..(part + 1) * count].to_vec();
        let bodies = Bodies::new(self.far.tenant, "threatIntelligenceAccount");
        let (secret, named) = (Arc::clone(&self.secret), agents.clone());
        let make = move |number: usize| Some(signed(&secret, &bodies.about(*named.get(number)?)));
        let sent = Arc::new(Mutex::new(vec![None; count]));
        let noted = Arc::clone(&sent);
        let note = move |number: usize, at: Instant| noted.lock().unwrap()[number] = Some(at);
        let mut looks = Vec::new();
        let kills = tokio::select! {
            kills = stream(&self.served.address, (KILLS, CONNECTIONS.0), make, note) => kills,
            never = self.look(&mut looks) => never,
        };
        // The last of them are still on their way.
        tokio::time::sleep(GATE_BEHIND_LOW).await;
        let spans = spans(&self.far, &agents, &sent.lock().unwrap());
        Part {
            spans,
            kills,
            others: Told::new(),
            looks,
        }
    }

    /// How its memory grows, for as long as anyone looks.
    async fn look(&self, looks: &mut Vec<(f64, f64)>) -> ! {
        let began = Instant::now();
        loop {
            tokio::time::sleep(LOOKS_EVERY).await;
            let minutes = began.elapsed().as_secs_f64() / 60.0;
            looks.push((minutes, memory(self.served.pid(), "VmRSS:")));
        }
    }

    /// Detections that lead to a run which only looks, at agents whose tenant takes its time.
    async fn queue_low_runs(&self) -> Told {
        let agents = self.far.agents[self.far.agents.len() - LOW.0..].to_vec();
        let bodies = Bodies::new(self.far.tenant, "suspiciousAgentSignIn");
        let secret = Arc::clone(&self.secret);
        let make = move |number: usize| Some(signed(&secret, &bodies.about(*agents.get(number)?)));
        let address = &self.served.address;
        stream(address, (LOW_RATE, CONNECTIONS.1), make, |_, _| {}).await
    }

    /// Until every delivery is decided and every kill contained, or the time is up.
    async fn settle(&self, kills: usize) {
        let until = Instant::now() + SETTLED_WITHIN;
        let folder = self.served.folder.path();
        contained_within(folder, 3 * kills, SETTLED_WITHIN).await;
        while self.unread() > 0 && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    fn losses(&self, parts: &[&Part], low: &Told, kills: usize) -> [Line; 4] {
        let taken: usize = parts
            .iter()
            .map(|part| of(&part.kills, 202) + of(&part.others, 202))
            .sum();
        let taken = taken + of(low, 202);
        let [crowd, forged, _] = parts else {
            unreachable!("there are three parts")
        };
        let stored = self.counted("select count(*) from delivery");
        let contained = self.counted("select count(*) from run where state = 'contained'");
        let struck: usize = parts.iter().map(|part| part.spans.len()).sum();
        let believed = of(&forged.others, 202);
        [
            Line::new(
                "taken; turned away with 503",
                format!("{taken}; {}", of(&crowd.others, 503)),
            ),
            Line::new(
                "taken and not stored, or not decided",
                format!("{}; {}", taken.abs_diff(stored), self.unread()),
            )
            .gate("0; 0", taken == stored && self.unread() == 0),
            Line::new(
                "kills not struck; not contained",
                format!(
                    "{}; {}",
                    3 * kills - struck,
                    (3 * kills).saturating_sub(contained)
                ),
            )
            .gate("0; 0", struck == 3 * kills && contained == struck),
            Line::new(
                "forgeries believed; refused",
                format!("{believed}; {}", of(&forged.others, 401)),
            )
            .gate("0", believed == 0),
        ]
    }

    fn unread(&self) -> usize {
        self.counted("select count(*) from delivery where state = 'received'")
    }

    fn counted(&self, question: &str) -> usize {
        counted(&self.served.folder.path().join("estop.db"), question)
    }
}

fn counted(file: &Path, question: &str) -> usize {
    let store = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let count: i64 = store.query_row(question, [], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

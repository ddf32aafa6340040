//! What the figures were taken on, and what a process uses of it.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Ticks of `/proc/PID/stat` per second: fixed at 100 on Linux for user space.
const TICKS_PER_SECOND: f64 = 100.0;
/// Appends that are timed for the latency of the disk.
const SYNCS: usize = 200;

/// A folder on the disk the figures are about, removed with the value. `ESTOP_BENCH_FOLDER` names
/// another disk, such as one in memory: what is left of a figure there is not the disk's.
pub fn folder() -> tempfile::TempDir {
    let place = std::env::var_os("ESTOP_BENCH_FOLDER");
    let place = place.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    tempfile::tempdir_in(place).unwrap()
}

/// Cores, processor and disk in one line.
pub fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let (median, late) = sync_latency();
    format!(
        "{cores} cores, {model}; fdatasync of a 4 KiB append: median {}, p99 {}",
        super::millis(median),
        super::millis(late)
    )
}

fn sync_latency() -> (Duration, Duration) {
    let folder = folder();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.path().join("appended"))
        .unwrap();
    let mut spans: Vec<_> = (0..SYNCS)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[7; 4096]).unwrap();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    spans.sort();
    (super::quantile(&spans, 0.5), super::quantile(&spans, 0.99))
}

/// Processor time a process has used, in seconds.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name in brackets may hold spaces; user and system time are 12 and 13 fields after it.
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}

/// `VmRSS` or `VmHWM` of a process, in MiB.
pub fn memory(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|it| it.strip_prefix(line)).unwrap();
    let digits: String = found.chars().filter(char::is_ascii_digit).collect();
    digits.parse::<f64>().unwrap() / 1024.0
}

/// What the second of each pair grows by where the first grows by one: the line of least squares.
pub fn slope(points: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let count = points.clone().count().max(1) as f64;
    let sum = |all: (f64, f64), one: (f64, f64)| (all.0 + one.0, all.1 + one.1);
    let all = points.clone().fold((0.0, 0.0), sum);
    let (x_mean, y_mean) = (all.0 / count, all.1 / count);
    let spread: f64 = points.clone().map(|(x, _)| (x - x_mean).powi(2)).sum();
    let together: f64 = points.map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    together / spread.max(1e-12)
}

/// Files, sockets and the like that a process has open.
pub fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count()
}

/// Bytes of the store, its journal included.
pub fn store_bytes(folder: &Path) -> u64 {
    let of = |name: &str| -> PathBuf { folder.join(name) };
    ["estop.db", "estop.db-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(of(name)).ok())
        .map(|file| file.len())
        .sum()
}

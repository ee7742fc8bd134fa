//! A server as a child process, watched from outside through `/proc`.

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::http::{Connection, write_request};

/// How long a server may take until it is ready.
const START_LIMIT: Duration = Duration::from_mins(2);
/// Pause between two looks at a server that starts.
const START_POLL: Duration = Duration::from_micros(500);
/// Length of a tick in `/proc/PID/stat`: Linux shows 100 a second to programs.
const TICK: Duration = Duration::from_millis(10);

/// A running server; it is killed when dropped.
pub(super) struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to the first good answer about readiness.
    pub start: Duration,
}

/// A port that was free a moment ago.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

impl Server {
    /// Starts `command`, which must listen on `port`, and waits until it is
    /// ready. What it prints goes to the file `log`.
    pub(super) async fn start(
        command: &mut Command,
        port: u16,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let out = File::create(log)?;
        let program = PathBuf::from(command.get_program());
        command
            .stdin(Stdio::null())
            .stderr(out.try_clone()?)
            .stdout(out);
        let begin = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Self {
            child,
            address,
            start: Duration::ZERO,
        };
        while !is_ready(address).await {
            if let Some(status) = server.child.try_wait()? {
                bail!("{} ended with {status}:\n{}", program.display(), tail(log));
            }
            if begin.elapsed() > START_LIMIT {
                bail!("{} is not ready in time:\n{}", program.display(), tail(log));
            }
            tokio::time::sleep(START_POLL).await;
        }
        server.start = begin.elapsed();
        Ok(server)
    }

    /// Time that all threads have run since the start, `None` without `/proc`.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        let process = self.proc();
        // The scheduler's sum is exact but forgets threads that have ended; the
        // ticks remember them but are coarse. Whichever says more is nearer.
        threads_time(&process).max(ticks_time(&process))
    }

    /// Resident memory (`VmRSS`) in bytes, `None` without `/proc`.
    pub(super) fn resident_bytes(&self) -> Option<u64> {
        self.resident()()
    }

    /// Tells the resident memory whenever it is called, while the server runs.
    pub(super) fn resident(&self) -> impl Fn() -> Option<u64> + use<> {
        let status = self.proc().join("status");
        move || memory(&fs::read_to_string(&status).ok()?, "VmRSS:")
    }

    /// The most resident memory there ever was (`VmHWM`) in bytes, `None` without `/proc`.
    pub(super) fn peak_bytes(&self) -> Option<u64> {
        memory(
            &fs::read_to_string(self.proc().join("status")).ok()?,
            "VmHWM:",
        )
    }

    fn proc(&self) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of what a program has printed to the file `log`.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Bytes of all files below `folder`.
pub(super) fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        sum += if found.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            found.len()
        };
    }
    Ok(sum)
}

async fn is_ready(address: SocketAddr) -> bool {
    let mut request = Vec::new();
    write_request(&mut request, "GET", "/health/ready", "none", b"");
    let answer = async { Connection::open(address).await?.send(&request).await };
    matches!(
        tokio::time::timeout(Duration::from_secs(5), answer).await,
        Ok(Ok(200))
    )
}

fn threads_time(process: &Path) -> Option<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(process.join("task")).ok()? {
        // A thread may end between the listing and the look at it.
        if let Ok(text) = fs::read_to_string(thread.ok()?.path().join("schedstat")) {
            sum += Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?);
        }
    }
    Some(sum)
}

fn ticks_time(process: &Path) -> Option<Duration> {
    Some(TICK * ticks(&fs::read_to_string(process.join("stat")).ok()?)?)
}

/// `utime` and `stime` of `/proc/PID/stat`, the 14th and 15th field.
fn ticks(stat: &str) -> Option<u32> {
    // The second field is the program's name in parentheses and may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?)
}

fn memory(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_understood() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 1 2 3 4 700 50 6 7 20 0 9 0 1 2 3";
        assert_eq!(ticks(stat), Some(750));
        assert_eq!(
            memory("Name:\tx\nVmRSS:\t   20480 kB\n", "VmRSS:"),
            Some(20_971_520)
        );
    }
}

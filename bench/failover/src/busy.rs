//! How regular a master's advertisements are while the machine is busy with something else.

use crate::capture::{Capture, Frame};
use crate::host::{Network, Program};
use crate::{BUFFER, SETTINGS, Setting};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What else runs, each as a shell script: programs that start and end, programs that compute, and a
/// kernel that makes and frees 64 MiB of a capture's ring without a pause.
const LOADS: [(&str, &str); 4] = [
    ("idle", "exec sleep 1000"),
    ("starting", "for i in 1 2 3 4; do (while :; do /bin/true; done) & done; wait"),
    ("computing", "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait"),
    ("kernel", "while :; do timeout -s KILL 0.15 tcpdump -B 65536 -i lo -w -; sleep 0.3; done"),
];
/// A master without real-time priority, but the first among the others.
const NICE: &str = "global_defs {\n max_auto_priority -1\n vrrp_priority -20\n}\n";

/// Something that keeps the machine busy, in a process group of its own.
struct Load(Child);

impl Load {
    fn start(script: &str) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

/// The gaps between the advertisements of a master in so many seconds, sorted.
fn gaps(program: &Program, global: &str, setting: Setting, seconds: u32) -> io::Result<Vec<Duration>> {
    let (network, directory) = (Network::new()?, tempfile::tempdir()?);
    let file = directory.path().join("master.conf");
    std::fs::write(&file, global.to_owned() + &setting.configuration(150))?;
    let _master = program.start(&network.routers[0], &file)?;
    std::thread::sleep(Duration::from_secs(2));
    let capture = Capture::start(&network, directory.path(), BUFFER)?;
    std::thread::sleep(Duration::from_secs(seconds.into()));
    let frames = capture.frames()?;
    let adverts = frames.iter().filter(|(_, frame)| matches!(frame, Frame::Advert { .. }));
    let times: Vec<Duration> = adverts.map(|(at, _)| *at).collect();
    let mut gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    gaps.sort();
    Ok(gaps)
}

/// Runs masters of both programs beside each load, all at the same time, and prints how late they were.
pub(crate) fn run(ours: &Path, seconds: u32) -> io::Result<()> {
    let [.., setting] = SETTINGS;
    let ours = Program::Ours(ours.to_owned());
    let masters =
        [("backstay", &ours, ""), ("nice -20", &ours, NICE), ("keepalived", &Program::Keepalived, "")];
    println!("gaps between advertisements of a master at {}, ms, {seconds} s each", setting.name);
    println!("{:10} {:10} {:>9} {:>9} {:>9} {:>9}", "", "", "median", "99 %", "99.9 %", "max");
    for (load, script) in LOADS {
        let _load = Load::start(script)?;
        let outcomes: Vec<io::Result<Vec<Duration>>> = std::thread::scope(|scope| {
            let threads = masters
                .map(|(_, program, global)| scope.spawn(move || gaps(program, global, setting, seconds)));
            let panicked = |_| Err(io::Error::other("a thread has panicked"));
            threads.map(|thread| thread.join().unwrap_or_else(panicked)).into()
        });
        for ((name, ..), outcome) in masters.iter().zip(outcomes) {
            let gaps = outcome?;
            let rank = |of: usize| gaps.get(gaps.len() * of / 1000).map_or_else(String::new, hundredths);
            let max = gaps.last().map_or_else(String::new, hundredths);
            println!("{load:10} {name:10} {:>9} {:>9} {:>9} {max:>9}", rank(500), rank(990), rank(999));
        }
    }
    Ok(())
}

fn hundredths(time: &Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

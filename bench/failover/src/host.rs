//! Two routers on a switch, as network namespaces held by processes that die with this one.

use std::io::{self, BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A network namespace.
pub(crate) struct Host(Child);

impl Host {
    fn new() -> io::Result<Self> {
        // The holder ends with its standard input: also when this program is killed.
        let mut holder = Command::new("unshare");
        holder.args(["--net", "sh", "-c", "echo; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = holder.spawn()?;
        if let Some(output) = child.stdout.as_mut() {
            BufReader::new(output).read_line(&mut String::new())?;
        }
        Ok(Self(child))
    }

    /// A command that will run on this host.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.0.id().to_string(), "-n", "--"]).arg(program);
        command
    }

    /// Runs `ip` on this host.
    pub(crate) fn ip(&self, arguments: &str) -> io::Result<()> {
        let output = self.command("ip").args(arguments.split(' ')).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(io::Error::other(format!("ip {arguments}: {said}")))
    }

    /// Whether an address is on eth0.
    pub(crate) fn holds(&self, address: Ipv4Addr) -> io::Result<bool> {
        let output = self.command("ip").args(["-o", "addr", "show", "dev", "eth0"]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).contains(&format!(" {address}/")))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two routers on a switch.
pub(crate) struct Network {
    pub(crate) switch: Host,
    pub(crate) routers: [Host; 2],
}

impl Network {
    pub(crate) fn new() -> io::Result<Self> {
        let network = Self { switch: Host::new()?, routers: [Host::new()?, Host::new()?] };
        network.switch.ip("link add br0 type bridge")?;
        network.switch.ip("link set br0 up")?;
        for (at, router) in network.routers.iter().enumerate() {
            let (number, switch) = (at + 1, network.switch.0.id());
            router.ip(&format!("link add eth0 type veth peer name port{number} netns {switch}"))?;
            network.switch.ip(&format!("link set port{number} master br0 up"))?;
            router.ip(&format!("addr add 10.78.0.{number}/24 dev eth0"))?;
            router.ip("link set eth0 up")?;
            router.ip("link set lo up")?;
        }
        Ok(network)
    }
}

/// A program that takes part.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Our binary.
    Ours(PathBuf),
    Keepalived,
}

impl Program {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Program::Ours(_) => "backstay",
            Program::Keepalived => "keepalived",
        }
    }

    /// Starts it in a PID namespace of its own, so that killing the first process kills all, with its
    /// own `/run` and `/tmp`.
    pub(crate) fn start(&self, host: &Host, configuration: &Path) -> io::Result<Running> {
        let name = match self {
            Program::Ours(binary) => binary.display().to_string() + " keepalived",
            Program::Keepalived => "keepalived".to_owned(),
        };
        let script =
            format!("mount -t tmpfs tmpfs /run && cat > /run/k.conf && exec {name} -n -l -P -f /run/k.conf");
        let mut command = host.command("unshare");
        command.args([
            "--mount",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child=KILL",
            "sh",
            "-c",
            &script,
        ]);
        let log = std::fs::File::create(configuration.with_extension("log"))?;
        command.stdin(std::fs::File::open(configuration)?).stdout(log.try_clone()?).stderr(log);
        Ok(Running(command.spawn()?))
    }
}

/// A program that runs.
pub(crate) struct Running(Child);

impl Running {
    /// Of `unshare`, whose child is the program's first process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL to all its processes.
    pub(crate) fn kill(mut self) -> io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(drop)
    }

    /// Processor time that all its processes have used, to 10 ms.
    pub(crate) fn processor_time(&self) -> io::Result<Duration> {
        processor_time(self.0.id())
    }

    /// An orderly stop, and waits for its end.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        // The child of `unshare --fork` is the program's first process.
        let children = format!("/proc/{0}/task/{0}/children", self.0.id());
        let pid = std::fs::read_to_string(children)?;
        Command::new("kill").arg(pid.trim()).status()?;
        self.0.wait().map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processor time of a process and all below it.
fn processor_time(pid: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<u64> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|word| word.parse().unwrap_or(0))
        .collect();
    // After the name come the state and ten numbers; a tick is 10 ms.
    let ticks = fields.get(11..13).map_or(0, |times| times.iter().sum());
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut sum = Duration::from_millis(10 * ticks);
    for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        sum += processor_time(child)?;
    }
    Ok(sum)
}

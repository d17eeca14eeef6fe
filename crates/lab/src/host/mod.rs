//! A host: a process namespace with network, mounts and name of its own.

use crate::{Error, Programs};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

const INIT: &str = include_str!("init.sh");
const STAND_INS: [(&str, &str); 2] =
    [("systemctl", include_str!("systemctl.sh")), ("mail", include_str!("mail.sh"))];
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A host of a lab. When the value is dropped, all its processes are killed and its namespaces end.
#[derive(Debug)]
pub struct Host {
    name: String,
    init: Pid,
    unshare: Child,
    /// Its end, also by our death, ends the host.
    _gate: ChildStdin,
}

/// What a command in a host did.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit code; 128 and more when a signal ended it.
    pub code: i32,
    /// Standard output and error together, in this order.
    pub text: String,
}

impl Output {
    /// Whether it exited with 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

impl Host {
    /// Makes a host. `own` is a program that answers when called as `httpd` ([`crate::stand_in`]).
    ///
    /// # Errors
    /// No root, or the kernel refuses.
    pub fn new(name: &str, programs: &Programs, own: &Path) -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        let mut private = programs.private();
        private.push(("httpd", own));
        let programs = private.iter().map(|(name, path)| format!("{name}={}", path.display()));
        let mut unshare = Command::new("unshare")
            .args(["--mount", "--pid", "--net", "--uts", "--fork", "--kill-child"])
            // Not as an argument: there, `pgrep -f` and `ps` would see every word of it.
            .args(["bash", "-c", "eval \"$INIT\"", "init", name])
            .env("INIT", INIT)
            .args(programs)
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(Error::kernel("starting unshare"))?;
        let (Some(gate), Some(out)) = (unshare.stdin.take(), unshare.stdout.take()) else {
            return Err(Error::Missing("a pipe".into()));
        };
        let mut line = String::new();
        let _ = BufReader::new(out).read_line(&mut line);
        let pid = line.strip_prefix("ready ").and_then(|pid| pid.trim().parse().ok());
        let Some(init) = pid.and_then(Pid::from_raw) else {
            let mut output = line;
            drop(gate);
            if let Some(mut errors) = unshare.stderr.take() {
                let _ = errors.read_to_string(&mut output);
            }
            let _ = unshare.wait();
            return Err(Error::Command { host: name.into(), command: "init".into(), output });
        };
        let host = Self { name: name.into(), init, unshare, _gate: gate };
        for (name, text) in STAND_INS {
            host.write_executable(&format!("/usr/local/sbin/{name}"), text)?;
        }
        for (name, _) in private.iter().filter(|(name, _)| *name != "httpd") {
            let link = host.path(&format!("/usr/local/sbin/{name}"));
            std::os::unix::fs::symlink(format!("/run/lab/programs/{name}"), link)
                .map_err(Error::kernel("linking a program"))?;
        }
        Ok(host)
    }

    /// Its name, also what `hostname` says there.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number, on the machine, of its first process.
    pub fn pid(&self) -> i32 {
        self.init.as_raw_nonzero().get()
    }

    /// A command line for the operator that opens a shell in it.
    pub fn enter_line(&self) -> String {
        format!("nsenter -t {} -m -n -u -p bash", self.pid())
    }

    /// Where a path of the host is seen from outside. Only for paths without links on the way.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid()))
    }

    /// Writes a file of the host.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn write(&self, path: &str, text: &str) -> Result<(), Error> {
        let outside = self.path(path);
        // A link into the machine's directories gives way to a file of the host's own.
        if outside.is_symlink() {
            std::fs::remove_file(&outside).map_err(Error::kernel(format!("replacing {path}")))?;
        }
        std::fs::write(outside, text).map_err(Error::kernel(format!("writing {path}")))
    }

    /// Writes an executable file of the host, mode 755.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn write_executable(&self, path: &str, text: &str) -> Result<(), Error> {
        self.write(path, text)?;
        std::fs::set_permissions(self.path(path), PermissionsExt::from_mode(0o755))
            .map_err(Error::kernel(format!("making {path} executable")))
    }

    /// A program to be started in the host; the caller says what becomes of its input and output.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["-t", &self.pid().to_string(), "-m", "-n", "-u", "-p", "--", program])
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", "/root")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    /// Runs a line of bash in the host and waits for it.
    ///
    /// # Errors
    /// Only when it cannot be started.
    pub fn run(&self, line: &str) -> Result<Output, Error> {
        let output = self.program("bash").args(["-c", line]).output();
        let output = output.map_err(Error::kernel("starting nsenter"))?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(Output { code: output.status.code().unwrap_or(128), text })
    }

    /// Runs a line of bash that the lab depends on.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn must(&self, line: &str) -> Result<String, Error> {
        let output = self.run(line)?;
        if output.success() {
            return Ok(output.text);
        }
        Err(Error::Command { host: self.name.clone(), command: line.into(), output: output.text })
    }

    /// Starts a line of bash in the host and leaves it to itself, as a child of the host's first
    /// process: whatever becomes of it, nobody out here has to wait for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, line: &str) -> Result<(), Error> {
        let mut command = self.program("setsid");
        command.args(["--fork", "bash", "-c", line]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().map(drop).map_err(Error::kernel("starting nsenter"))
    }

    /// Runs a function on a thread in the host's network: a socket it opens stays there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn inside<T: Send>(&self, function: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let network = File::open(format!("/proc/{}/ns/net", self.pid()));
        let network = network.map_err(Error::kernel("opening a network namespace"))?;
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
                Ok(function())
            });
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
        .map_err(|errno: rustix::io::Errno| Error::Kernel {
            what: "entering a network namespace".into(),
            error: errno.into(),
        })
    }

    /// Kills every process of the host, as a power cut does; its files and network stay.
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn kill_all(&self) -> Result<(), Error> {
        self.signal_all("KILL")
    }

    /// Sends a signal to every process of the host: STOP pauses it, CONT wakes it.
    ///
    /// # Errors
    /// When `kill` cannot be started.
    pub fn signal_all(&self, signal: &str) -> Result<(), Error> {
        // kill(2) with -1 spares the caller and the first process.
        let line = format!("kill -{signal} -1");
        let status = self.program("bash").args(["-c", &line]).stderr(Stdio::null()).status();
        status.map(drop).map_err(Error::kernel("starting nsenter"))
    }

    /// Drops packets of an IP protocol (112 is VRRP) that arrive at or leave the host, until
    /// [`Host::pass_all`].
    ///
    /// # Errors
    /// When `nft` fails.
    pub fn drop_protocol(&self, protocol: u8) -> Result<(), Error> {
        let rule = format!("ip protocol {protocol} drop");
        let chain = |hook: &str| format!("chain {hook} {{ type filter hook {hook} priority 0; {rule}; }};");
        let table = format!("table inet lab {{ {} {} }}", chain("input"), chain("output"));
        self.must(&format!("nft '{table}'")).map(drop)
    }

    /// Ends what [`Host::drop_protocol`] began.
    ///
    /// # Errors
    /// When `nft` fails.
    pub fn pass_all(&self) -> Result<(), Error> {
        self.must("nft delete table inet lab").map(drop)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = kill_process(self.init, Signal::KILL);
        let _ = self.unshare.wait();
    }
}

//! A Linux of its own, as an ordinary process: user-mode Linux, for what this machine's kernel lacks
//! (ipvlan, VRFs, IPVS, VLANs, MPLS …). It boots in a few seconds, has one processor, and sees the
//! machine's files read-only.

use crate::{Error, Output};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const INIT: &str = include_str!("init.sh");
/// Debian's package `user-mode-linux`.
const KERNEL: &str = "/usr/bin/linux.uml";
const MODULES: &str = "/usr/lib/uml/modules";

/// A machine that boots for one script and is gone after it.
#[derive(Clone, Debug)]
pub struct UserModeLinux<'a> {
    /// Modules to load first, by name; what they need comes with them.
    pub modules: &'a [&'a str],
    /// Programs beside those of the machine, by the name that they are called by.
    pub programs: &'a [(&'a str, &'a Path)],
    /// How long it may run, its boot included, before it is killed.
    pub limit: Duration,
}

impl UserModeLinux<'_> {
    /// Whether it can run here.
    ///
    /// # Errors
    /// No root (a namespace keeps its processes together), or one of the packages `user-mode-linux` and
    /// `kmod` is not installed.
    pub fn check() -> Result<(), Error> {
        if !rustix::process::geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        for needed in [KERNEL, MODULES, "/usr/sbin/modprobe"] {
            if !Path::new(needed).exists() {
                return Err(Error::Missing(needed.into()));
            }
        }
        Ok(())
    }

    /// Boots, loads the modules and runs a bash script as root, with `/run`, `/tmp`, `/var/log`,
    /// `/etc/keepalived` and `/etc/nginx` of its own, empty at first, and everything else of the machine
    /// read-only. Nothing of it is left when this returns, or when this process dies.
    ///
    /// Any number may run side by side.
    ///
    /// # Errors
    /// It does not boot here, a module does not load, or the time is up: [`Error::Command`], with what
    /// was printed until then.
    pub fn run(&self, script: &str) -> Result<Output, Error> {
        Self::check()?;
        let exchange = tempfile::tempdir().map_err(Error::kernel("making a directory"))?;
        let put = |name: &str, text: &str| {
            let path = exchange.path().join(name);
            std::fs::write(&path, text)
                .and_then(|()| std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)))
                .map_err(Error::kernel("writing the script"))
        };
        put("init", INIT)?;
        put("script", script)?;
        put("modules", &self.modules.join("\n"))?;
        let programs: Vec<_> =
            self.programs.iter().map(|(name, path)| format!("{name} {}\n", path.display())).collect();
        put("programs", &programs.concat())?;
        let here = exchange.path().display();
        let kernel = Command::new("timeout")
            .args(["--kill-after=1", &self.limit.as_secs().to_string()])
            // Its many processes end with the first of their namespace; that is a shell, because the
            // kernel wants to be killable. Its network is not this machine's.
            .args(["unshare", "--pid", "--mount-proc", "--net", "--fork", "--kill-child=KILL"])
            .args(["setpriv", "--pdeathsig", "KILL", "sh", "-c", "\"$@\"; exit $?", "sh", KERNEL])
            .args(["root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "mem=512M", "quiet"])
            .args([&format!("init={here}/init"), &format!("EXCHANGE={here}"), &format!("uml_dir={here}")])
            .args(["con=null", "con0=null,fd:1"])
            .stdin(Stdio::null())
            .output()
            .map_err(Error::kernel("starting user-mode Linux"))?;
        let told = |name: &str| std::fs::read(exchange.path().join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&told("output")).into_owned();
        match String::from_utf8_lossy(&told("status")).trim().parse() {
            Ok(code) => Ok(Output { code, text }),
            Err(_) => {
                let console = [kernel.stdout, kernel.stderr].concat();
                let output = format!("{text}\n{}", String::from_utf8_lossy(&console));
                Err(Error::Command { host: "user-mode Linux".into(), command: "the script".into(), output })
            }
        }
    }
}

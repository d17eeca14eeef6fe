//! nginx.conf: is there an answer?

use super::support::{possible, run};
use super::{files, judge, quoted};
use diagnostic::Severity;
use nginx_conf::model::{Config, ListenAddress, LogDestination};
use nginx_conf::{Environment, Files, Resolver, load};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Files that answer; this number never falls.
const ANSWERED: usize = 11;

/// What stands around a fragment.
const WRAPPERS: [(&str, &str); 5] = [
    ("", ""),
    ("events { }\n", ""),
    ("events { }\nhttp {\n", "\n}\n"),
    ("events { }\nhttp { server {\n", "\n} }\n"),
    ("events { }\nhttp { server { location / {\n", "\n} } }\n"),
];

/// Where the wrapped file stands.
const MAIN: &str = "/etc/nginx/nginx.conf";

/// What the file asks its machine for: other files, and hosts.
#[derive(Default)]
struct Asked {
    text: Vec<u8>,
    files: Mutex<BTreeSet<PathBuf>>,
    hosts: Mutex<BTreeSet<String>>,
}

impl Files for Asked {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == Path::new(MAIN) {
            return Ok(self.text.clone());
        }
        self.files.lock().expect("no panic").insert(path.to_owned());
        Ok(Vec::new())
    }

    fn glob(&self, _: &str) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }
}

impl Resolver for Asked {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.hosts.lock().expect("no panic").insert(host.to_owned());
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}

#[test]
fn public_files_answer() {
    let files = files("nginx");
    if files.is_empty() || !possible() {
        return;
    }
    let answered = judge(&files, answers);
    println!("{answered} of {} nginx files start and answer", files.len());
    assert!(answered >= ANSWERED, "{answered} answer, not {ANSWERED}");
}

fn answers(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut least = (usize::MAX, "no wrapper".to_owned());
    for (before, after) in WRAPPERS {
        let asked =
            Asked { text: [before.as_bytes(), &bytes, after.as_bytes()].concat(), ..Asked::default() };
        let environment = Environment { files: &asked, resolver: &asked, ..Environment::system(true) };
        let loaded = load(Path::new(MAIN), &environment);
        let errors: Vec<&str> = (loaded.report.findings().iter())
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.message.as_str())
            .collect();
        match &loaded.config {
            Some(config) if errors.is_empty() => return start(&asked, config),
            _ if errors.len() < least.0 => {
                least = (errors.len(), errors.first().map_or("", |e| e).to_owned())
            }
            _ => {}
        }
    }
    Err(format!("{} errors: {}", least.0, least.1))
}

fn start(asked: &Asked, config: &Config) -> Result<String, String> {
    let Some(http) = &config.http else { return Err("no http block".to_owned()) };
    let mut script = "mkdir -p /tmp/over; mount -t tmpfs none /tmp/over\n\
        for d in etc home opt root usr srv var; do mkdir -p /tmp/over/$d/up /tmp/over/$d/work; \
        mount -t overlay -o lowerdir=/$d,upperdir=/tmp/over/$d/up,workdir=/tmp/over/$d/work overlay /$d; done\n\
        mkdir -p /etc/nginx /var/log/nginx\n"
        .to_owned();
    for path in asked.files.lock().expect("no panic").iter() {
        let path = quoted(&path.to_string_lossy());
        let _ = writeln!(script, "mkdir -p $(dirname {path}); [ -e {path} ] || : >{path}");
    }
    for host in asked.hosts.lock().expect("no panic").iter() {
        let _ = writeln!(script, "echo 127.0.0.1 {} >>/etc/hosts", quoted(host));
    }
    for log in &config.logs {
        if let LogDestination::File(path) = log {
            let _ = writeln!(script, "mkdir -p $(dirname {})", quoted(&path.to_string_lossy()));
        }
    }
    if let Some((user, group)) = &config.main.user {
        let group = group.as_ref().unwrap_or(user);
        let _ = writeln!(
            script,
            "grep -q '^{user}:' /etc/passwd || echo '{user}:x:60123:60123::/:' >>/etc/passwd"
        );
        let _ = writeln!(script, "grep -q '^{group}:' /etc/group || echo '{group}:x:60123:' >>/etc/group");
    }
    let mut urls = Vec::new();
    for listener in &http.listeners {
        let ListenAddress::Tcp(address) = &listener.address else { continue };
        let ip = match address.ip() {
            ip if !ip.is_unspecified() => {
                let _ = writeln!(script, "ip addr add {ip} dev lo 2>/dev/null");
                ip
            }
            IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
            IpAddr::V6(_) => "::1".parse().expect("loopback"),
        };
        urls.push(format!("http://{}/", SocketAddr::new(ip, address.port())));
    }
    if urls.is_empty() {
        return Err("it loads, and has no server".to_owned());
    }
    let _ = write!(
        script,
        r#"
        cat >{MAIN} <<'THE_END_OF_THE_FILE'
{text}
THE_END_OF_THE_FILE
        # In the background: some files say `daemon off`.
        nginx -c {MAIN} &
        for url in {urls}; do
            port=${{url##*:}}; until_ 10 bash -c "ss -ltn | grep -q :${{port%/}}"
            code=$(curl -s -g -o /dev/null --max-time 10 -w '%{{http_code}}' "$url"); rc=$?
            [ $code != 000 ] && echo "ANSWER $code from $url" && exit 0
            echo "curl $url: $rc"
        done
        exit 1
        "#,
        text = String::from_utf8_lossy(&asked.text),
        urls = urls.join(" "),
    );
    let text = run(&script).text;
    let answer = text.lines().find_map(|line| line.strip_prefix("ANSWER "));
    answer.map(str::to_owned).ok_or_else(|| format!("no answer\n{text}"))
}

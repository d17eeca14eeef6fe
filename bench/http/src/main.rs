//! CPU time per proxied request: nginx, HAProxy and ours, side by side.
//!
//! The proxy under test runs alone on core 0 with one thread; the load and the back end share one
//! event loop on core 1. Rounds are interleaved, and what counts is the median of the ratios within
//! a round: absolute figures drift from minute to minute. CPU time is what the kernel charged to
//! the proxy's processes (`utime` and `stime` of `/proc/PID/stat`).
#![forbid(unsafe_code)]

mod load;

use load::Load;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const BACKEND: &str = "127.0.0.1:19090";

/// What the command line says.
struct Options {
    /// Our binary and what stands before the configuration's path.
    ours: Vec<String>,
    rounds: usize,
    time: Duration,
    clients: usize,
    sizes: Vec<usize>,
    only: Option<String>,
}

fn options() -> Option<Options> {
    let mut options = Options {
        ours: words("target/release/backstay nginx -e stderr -c"),
        rounds: 7,
        time: Duration::from_secs(3),
        clients: 64,
        sizes: vec![128, 16 << 10],
        only: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        let value = arguments.next()?;
        match word.as_str() {
            "--ours" => options.ours = words(&value),
            "--rounds" => options.rounds = value.parse().ok()?,
            "--seconds" => options.time = Duration::from_secs_f64(value.parse().ok()?),
            "--clients" => options.clients = value.parse().ok()?,
            "--sizes" => options.sizes = value.split(',').map(|n| n.parse().ok()).collect::<Option<_>>()?,
            "--only" => options.only = Some(value),
            _ => return None,
        }
    }
    Some(options)
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A proxy under test.
struct Contender {
    name: &'static str,
    port: u16,
    command: Vec<String>,
}

fn contenders(directory: &Path, options: &Options) -> io::Result<Vec<Contender>> {
    let nginx = |name: &str, port: u16| -> io::Result<String> {
        let own = directory.join(name);
        std::fs::create_dir_all(&own)?;
        let path = own.join("nginx.conf");
        std::fs::write(&path, nginx_conf(&own, port))?;
        Ok(path.display().to_string())
    };
    let haproxy = directory.join("haproxy.cfg");
    std::fs::write(&haproxy, haproxy_conf(19_082))?;
    let mut ours = options.ours.clone();
    ours.push(nginx("ours", 19_083)?);
    let all = vec![
        Contender {
            name: "nginx",
            port: 19_081,
            command: words(&format!("nginx -e stderr -c {}", nginx("nginx", 19_081)?)),
        },
        Contender {
            name: "haproxy",
            port: 19_082,
            command: words(&format!("haproxy -q -db -f {}", haproxy.display())),
        },
        Contender { name: "ours", port: 19_083, command: ours },
    ];
    Ok(all.into_iter().filter(|c| options.only.as_deref().is_none_or(|only| only == c.name)).collect())
}

fn nginx_conf(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    format!(
        "user root; worker_processes 1; daemon off; pid {directory}/nginx.pid;\n\
         error_log {directory}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{\n\
           access_log {directory}/access.log;\n\
           keepalive_requests 1000000000;\n\
           upstream backend {{ server {BACKEND}; keepalive 128; keepalive_requests 1000000000; }}\n\
           server {{\n\
             listen 127.0.0.1:{port};\n\
             location / {{\n\
               proxy_pass http://backend;\n\
               proxy_http_version 1.1;\n\
               proxy_set_header Connection \"\";\n\
               proxy_set_header Host $host;\n\
               proxy_set_header X-Real-IP $remote_addr;\n\
               proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
             }}\n\
           }}\n\
         }}\n"
    )
}

fn haproxy_conf(port: u16) -> String {
    format!(
        "global\n  nbthread 1\n  maxconn 1024\n  log stdout format raw local0\n\
         defaults\n  mode http\n  log global\n  option httplog\n  option forwardfor\n  option splice-auto\n  http-reuse always\n\
         \x20 timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n\
         frontend f\n  bind 127.0.0.1:{port}\n  default_backend b\n\
         backend b\n  http-request set-header X-Real-IP %[src]\n  server s {BACKEND}\n"
    )
}

/// A proxy that runs.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(contender: &Contender, directory: &Path) -> io::Result<Self> {
        let log = std::fs::File::create(directory.join(format!("{}.out", contender.name)))?;
        let child = Command::new("taskset")
            .args(["-c", "0"])
            .args(&contender.command)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let running = Self { child, address: SocketAddr::from(([127, 0, 0, 1], contender.port)) };
        let end = Instant::now() + Duration::from_secs(5);
        while std::net::TcpStream::connect(running.address).is_err() {
            if Instant::now() > end {
                return Err(io::Error::other(format!("{} does not listen", contender.name)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    /// Clock ticks (1/100 s) that the proxy and its children have used.
    fn ticks(&self) -> io::Result<u64> {
        let mut ids = vec![self.child.id()];
        for entry in std::fs::read_dir("/proc")? {
            let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
            if stat(id).is_some_and(|fields| fields[1] == self.child.id().to_string()) {
                ids.push(id);
            }
        }
        let number = |word: &String| word.parse::<u64>().unwrap_or(0);
        Ok(ids.into_iter().filter_map(stat).map(|f| number(&f[11]) + number(&f[12])).sum())
    }
}

/// The fields of `/proc/PID/stat` after the command's name.
fn stat(id: u32) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let rest = &text[text.rfind(')')? + 2..];
    Some(rest.split(' ').map(str::to_owned).collect())
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// What a round showed of one proxy.
#[derive(Clone, Copy)]
struct Figures {
    /// Microseconds of CPU time per request.
    cpu: f64,
    /// Requests per second.
    rate: f64,
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn measure(load: &mut Load, running: &Running, options: &Options) -> io::Result<Figures> {
    load.connect(running.address, options.clients)?;
    load.run(Duration::from_millis(300))?;
    let (before, started) = (running.ticks()?, Instant::now());
    let done = load.run(options.time)?;
    let elapsed = started.elapsed().as_secs_f64();
    let ticks = running.ticks()? - before;
    load.disconnect();
    load.run(Duration::from_millis(50))?;
    Ok(Figures { cpu: ticks as f64 * 10_000.0 / done as f64, rate: done as f64 / elapsed })
}

fn run(options: &Options, directory: &Path) -> io::Result<()> {
    let mut core = rustix::thread::CpuSet::new();
    core.set(1);
    rustix::thread::sched_setaffinity(None, &core)?;
    let contenders = contenders(directory, options)?;
    for &size in &options.sizes {
        let mut load = Load::new(BACKEND.parse().map_err(io::Error::other)?, size)?;
        let running: Vec<Running> =
            contenders.iter().map(|c| Running::start(c, directory)).collect::<Result<_, _>>()?;
        let mut rounds: Vec<Vec<Figures>> = Vec::new();
        for _ in 0..options.rounds {
            rounds.push(running.iter().map(|r| measure(&mut load, r, options)).collect::<Result<_, _>>()?);
        }
        println!("{size} B answers, {} keep-alive connections, {} rounds", options.clients, options.rounds);
        println!("{:10} {:>12} {:>12} {:>14}", "", "µs CPU/req", "req/s", "ours cheaper ×");
        for (i, contender) in contenders.iter().enumerate() {
            let of = |value: fn(&Figures) -> f64| median(rounds.iter().map(|r| value(&r[i])).collect());
            let ratio = median(rounds.iter().filter_map(|r| Some(r[i].cpu / r.last()?.cpu)).collect());
            println!("{:10} {:12.1} {:12.0} {ratio:14.2}", contender.name, of(|f| f.cpu), of(|f| f.rate));
        }
        drop(running);
        drop(load);
        // The port of the back end is taken up again at the next size.
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn main() -> std::process::ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "usage: bench-http [--ours 'BINARY ARGUMENT…'] [--rounds N] [--seconds N] [--clients N] \
             [--sizes N,N…] [--only NAME]"
        );
        return std::process::ExitCode::FAILURE;
    };
    let directory = PathBuf::from(format!("/tmp/bench-http.{}", std::process::id()));
    let result = std::fs::create_dir_all(&directory).and_then(|()| run(&options, &directory));
    let _ = std::fs::remove_dir_all(&directory);
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-http: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

//! Configurations as packages install them start unchanged.

mod common;

use common::{findings, load_files};
use diagnostic::Severity;
use nginx_conf::model::{ListenAddress, Matcher, WorkerProcesses};
use nginx_conf::{Environment, Memory, Offline, load};
use std::path::Path;

const TYPES: &str = "types {\n  text/html html htm shtml;\n  text/css css;\n  image/jpeg jpeg jpg;\n}\n";

/// The structure of the Debian package's files.
fn debian() -> Memory {
    Memory::default()
        .with(
            "/etc/nginx/nginx.conf",
            "user www-data;\nworker_processes auto;\npid /run/nginx.pid;\nerror_log /var/log/nginx/error.log;\n\
             include /etc/nginx/modules-enabled/*.conf;\n\nevents {\n\tworker_connections 768;\n\t# multi_accept on;\n}\n\n\
             http {\n\tsendfile on;\n\ttcp_nopush on;\n\ttypes_hash_max_size 2048;\n\n\tinclude /etc/nginx/mime.types;\n\
             \tdefault_type application/octet-stream;\n\n\tssl_protocols TLSv1.2 TLSv1.3; # no older ones\n\
             \tssl_prefer_server_ciphers on;\n\n\taccess_log /var/log/nginx/access.log;\n\n\tgzip on;\n\
             \t# gzip_vary on;\n\n\tinclude /etc/nginx/conf.d/*.conf;\n\tinclude /etc/nginx/sites-enabled/*;\n}\n",
        )
        .with("/etc/nginx/mime.types", TYPES)
        .with(
            "/etc/nginx/modules-enabled/50-mod-stream.conf",
            "load_module modules/ngx_stream_module.so;\n",
        )
        .with(
            "/etc/nginx/sites-enabled/default",
            "server {\n\tlisten 80 default_server;\n\tlisten [::]:80 default_server;\n\n\t# listen 443 ssl;\n\n\
             \troot /var/www/html;\n\tindex index.html index.htm index.nginx-debian.html;\n\n\tserver_name _;\n\n\
             \tlocation / {\n\t\ttry_files $uri $uri/ =404;\n\t}\n}\n",
        )
}

/// The structure of the RHEL family's file.
fn rhel() -> Memory {
    Memory::default()
        .with(
            "/etc/nginx/nginx.conf",
            "user nginx;\nworker_processes auto;\nerror_log /var/log/nginx/error.log notice;\npid /run/nginx.pid;\n\n\
             include /usr/share/nginx/modules/*.conf;\n\nevents {\n    worker_connections 1024;\n}\n\nhttp {\n\
             \x20   log_format  main  '$remote_addr - $remote_user [$time_local] \"$request\" '\n\
             \x20                     '$status $body_bytes_sent \"$http_referer\" '\n\
             \x20                     '\"$http_user_agent\" \"$http_x_forwarded_for\"';\n\n\
             \x20   access_log  /var/log/nginx/access.log  main;\n\n    sendfile            on;\n\
             \x20   tcp_nopush          on;\n    keepalive_timeout   65;\n    types_hash_max_size 4096;\n\n\
             \x20   include             /etc/nginx/mime.types;\n    default_type        application/octet-stream;\n\n\
             \x20   include /etc/nginx/conf.d/*.conf;\n\n    server {\n        listen       80;\n\
             \x20       listen       [::]:80;\n        server_name  _;\n        root         /usr/share/nginx/html;\n\n\
             \x20       include /etc/nginx/default.d/*.conf;\n\n        error_page 404 /404.html;\n\
             \x20       location = /404.html {\n        }\n\n        error_page 500 502 503 504 /50x.html;\n\
             \x20       location = /50x.html {\n        }\n    }\n}\n",
        )
        .with("/etc/nginx/mime.types", TYPES)
}

#[test]
fn debians_files_start() {
    let loaded = load_files(&debian());
    assert_eq!(findings(&loaded), ["tls-not-served 20:2 ssl_protocols"]);
    let config = loaded.config.unwrap();
    assert_eq!(config.main.worker_processes, WorkerProcesses::Auto);
    assert_eq!(config.events.worker_connections, 768);
    let http = config.http.unwrap();
    assert_eq!(http.listeners.len(), 2);
    assert!(http.listeners.iter().all(|listener| listener.default_server == 0));
    let location = &http.servers[0].root.locations[0];
    assert_eq!(location.matcher, Matcher::Prefix("/".into()));
    assert_eq!(location.settings.index.len(), 3);
    assert!(location.settings.gzip.on && location.settings.sendfile && location.try_files.is_some());
}

#[test]
fn rhels_file_starts() {
    let loaded = load_files(&rhel());
    assert_eq!(findings(&loaded), Vec::<String>::new());
    let http = loaded.config.unwrap().http.unwrap();
    assert_eq!(http.listeners[0].address, ListenAddress::Tcp("0.0.0.0:80".parse().unwrap()));
    let server = &http.servers[0].root;
    assert_eq!(server.settings.error_pages.len(), 2);
    assert_eq!(server.settings.access_logs[0].format, 1);
    assert_eq!(server.settings.keepalive_timeout.0.as_secs(), 65);
}

#[test]
fn the_installed_files_start() {
    let path = Path::new("/etc/nginx/nginx.conf");
    if !path.is_file() {
        println!("skipped: nginx is not installed");
        return;
    }
    let loaded = load(path, &Environment { resolver: &Offline, ..Environment::system(true) });
    let severe: Vec<_> =
        loaded.report.findings().iter().filter(|finding| finding.severity > Severity::Hint).collect();
    assert!(severe.is_empty(), "{severe:?}");
    assert!(loaded.config.unwrap().http.is_some());
}

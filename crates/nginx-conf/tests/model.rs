//! What a configuration means: inheritance, defaults, merged listeners, compiled words.

mod common;

use common::{config, http, prefix};
use nginx_conf::model::*;
use std::path::PathBuf;
use std::time::Duration;

fn literal(text: &str) -> Template {
    Template::literal(text)
}

fn names(headers: &[AddHeader]) -> Vec<&str> {
    headers.iter().map(|header| header.name.as_str()).collect()
}

#[test]
fn the_main_level_has_its_defaults() {
    let plain = config("events { }");
    assert_eq!(plain.main.worker_processes, WorkerProcesses::Count(1));
    assert_eq!(plain.main.pid, PathBuf::from("/run/nginx.pid"));
    assert!(plain.main.daemon && plain.http.is_none());
    assert_eq!(plain.logs, [LogDestination::File("/var/log/nginx/error.log".into())]);
    assert_eq!(plain.main.error_logs, [ErrorLog { log: 0, level: LogLevel::Error }]);
    let full = config(
        "user a b; worker_processes auto; pid x.pid; daemon off; worker_rlimit_nofile 10; error_log e warn;\n\
         error_log stderr; worker_shutdown_timeout 5s; events { worker_connections 7; multi_accept on; }",
    );
    assert_eq!(full.main.user, Some(("a".to_owned(), Some("b".to_owned()))));
    assert_eq!(full.main.pid, PathBuf::from("/usr/share/nginx/x.pid"));
    assert_eq!(full.main.worker_shutdown_timeout, Some(Duration::from_secs(5)));
    assert_eq!(full.logs, [LogDestination::File("/usr/share/nginx/e".into()), LogDestination::Stderr]);
    assert_eq!(full.main.error_logs[0], ErrorLog { log: 0, level: LogLevel::Warn });
    assert_eq!(full.events, Events { worker_connections: 7 });
}

#[test]
fn lists_are_inherited_only_where_there_are_none() {
    let http = http(
        "add_header A 1; proxy_set_header X 1; error_page 404 /a; access_log /l1; index i; allow all;\n\
         server {\n\
           location /own { add_header B 2; proxy_set_header Y 2; error_page 500 /b; access_log /l2; deny all; }\n\
           location /same { }\n\
           location /off { access_log off; }\n\
         }\n\
         gzip_types a/b; client_max_body_size 5;",
    );
    let server = &http.servers[0].root;
    let own = &prefix(&server.locations, "/own").settings;
    let same = &prefix(&server.locations, "/same").settings;
    assert_eq!(names(&own.add_headers), ["B"]);
    assert_eq!(names(&same.add_headers), ["A"]);
    assert_eq!(own.error_pages[0].codes, [500]);
    assert_eq!(same.error_pages[0].codes, [404]);
    assert_eq!(own.access, [AccessRule { allow: false, network: None }]);
    assert_eq!(same.access, [AccessRule { allow: true, network: None }]);
    assert_eq!(own.access_logs.len(), 1);
    assert_ne!(own.access_logs, same.access_logs);
    assert!(prefix(&server.locations, "/off").settings.access_logs.is_empty());
    assert_eq!(same.index, [literal("i")]);
    // A directive below a block counts for it, too.
    assert_eq!(same.gzip.types, Some(vec!["text/html".to_owned(), "a/b".to_owned()]));
    assert_eq!(same.client_max_body_size, 5);
    let set = |settings: &Settings, name: &str| {
        settings.proxy.set_headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    assert_eq!(set(own, "X"), None);
    assert_eq!(set(own, "Y"), Some(literal("2")));
    assert_eq!(set(same, "X"), Some(literal("1")));
    assert_eq!(set(own, "Host"), Some(Template { parts: vec![Part::Variable(Variable::ProxyHost)] }));
    assert_eq!(set(own, "Connection"), Some(Template::default()));
}

#[test]
fn proxy_headers_have_defaults_that_can_be_overridden() {
    let http = http(
        "server { location / { proxy_http_version 1.0; proxy_set_header host $host; proxy_set_header Upgrade $http_upgrade;\n\
         proxy_hide_header X-Powered-By; proxy_pass_header Server; } }",
    );
    let proxy = &http.servers[0].root.locations[0].settings.proxy;
    let count =
        |name: &str| proxy.set_headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).count();
    assert_eq!((count("host"), count("upgrade"), count("connection"), count("te")), (1, 1, 1, 1));
    let connection = proxy.set_headers.iter().find(|(name, _)| name == "Connection").unwrap();
    assert_eq!(connection.1, literal("close"));
    assert!(proxy.hide_headers.contains(&"x-powered-by".to_owned()));
    assert!(proxy.hide_headers.contains(&"date".to_owned()));
    assert!(!proxy.hide_headers.contains(&"server".to_owned()));
}

#[test]
fn listeners_are_merged_by_address() {
    let http = http(
        "server { listen 80; listen [::]:80 ipv6only=off; }\n\
         server { listen *:80 default_server backlog=9; server_name a; }\n\
         server { listen 127.0.0.1; listen unix:/run/x; server_name b; }\n\
         server { server_name c; }",
    );
    let addresses: Vec<String> = http
        .listeners
        .iter()
        .map(|listener| match &listener.address {
            ListenAddress::Tcp(address) => address.to_string(),
            ListenAddress::Unix(path) => path.display().to_string(),
        })
        .collect();
    assert_eq!(addresses, ["0.0.0.0:80", "[::]:80", "127.0.0.1:80", "/run/x"]);
    let first = &http.listeners[0];
    assert_eq!((first.servers.as_slice(), first.default_server, first.backlog), (&[0, 1, 3][..], 1, 9));
    assert!(!http.listeners[1].ipv6only);
    assert_eq!(http.listeners[1].default_server, 0);
}

#[test]
fn server_names_are_of_five_kinds() {
    let http =
        http(r"server { server_name Example.org *.a.org .b.org www.c.* ~^(?<sub>.+)\.d$; return 200 $sub; }");
    let server = &http.servers[0];
    assert_eq!(server.name, "example.org");
    assert_eq!(
        server.names[..4],
        [
            ServerName::Exact("example.org".to_owned()),
            ServerName::Leading("a.org".to_owned()),
            ServerName::LeadingOrExact("b.org".to_owned()),
            ServerName::Trailing("www.c".to_owned()),
        ]
    );
    let ServerName::Regex(pattern) = &server.names[4] else { panic!("{:?}", server.names[4]) };
    assert_eq!(pattern.names, [("sub".to_owned(), 0)]);
    assert_eq!(http.user_variables, ["sub"]);
    assert_eq!(
        server.root.rewrite,
        [Instruction::Return(Return::Text(200, Template { parts: vec![Part::Variable(Variable::User(0))] }))]
    );
}

#[test]
fn locations_keep_their_kind_and_nest() {
    let http = http(
        r"server { location /a { root /r; location /a/b { } location ~* \.x$ { } } location = /e { }
          location ^~ /n { internal; } location @f { } location ~^/g { } }",
    );
    let locations = &http.servers[0].root.locations;
    let a = prefix(locations, "/a");
    assert_eq!(a.settings.root, Root::Root(literal("/r")));
    assert_eq!(a.locations[0].matcher, Matcher::Prefix("/a/b".into()));
    assert_eq!(a.locations[0].settings.root, Root::Root(literal("/r")));
    assert!(matches!(&a.locations[1].matcher, Matcher::Regex(pattern) if pattern.caseless));
    assert_eq!(locations[1].matcher, Matcher::Exact("/e".into()));
    assert_eq!(locations[2].matcher, Matcher::PrefixNoRegex("/n".into()));
    assert!(locations[2].internal && !locations[1].internal);
    assert_eq!(locations[3].matcher, Matcher::Named("f".to_owned()));
    assert!(matches!(&locations[4].matcher, Matcher::Regex(pattern) if pattern.source == "^/g"));
}

#[test]
fn handlers_rewrites_and_try_files_are_not_inherited() {
    let http = http(
        "server { root html; try_files $uri =404; rewrite ^ /x;\n\
         location /p/ { proxy_pass http://127.0.0.1:81/q/; return 204; location /p/in/ { } if ($uri) { add_header A b; } }\n\
         location /i/ { alias files/; location /i/deep/ { } } }",
    );
    let server = &http.servers[0].root;
    assert_eq!(server.settings.root, Root::Root(literal("/usr/share/nginx/html")));
    assert!(server.try_files.is_some() && server.rewrite.len() == 1);
    let p = prefix(&server.locations, "/p/");
    assert!(p.try_files.is_none());
    let Handler::Proxy(pass) = &p.handler else { panic!() };
    assert_eq!((pass.host.as_str(), pass.port, pass.uri.clone()), ("127.0.0.1:81", 81, Some(literal("/q/"))));
    assert_eq!(p.locations[0].handler, Handler::Static);
    assert!(p.locations[0].rewrite.is_empty());
    let [_, Instruction::If { location: Some(inside), .. }] = p.rewrite.as_slice() else {
        panic!("{:?}", p.rewrite)
    };
    assert_eq!(inside.handler, p.handler);
    assert_eq!(names(&inside.settings.add_headers), ["A"]);
    let i = prefix(&server.locations, "/i/");
    assert_eq!(i.settings.root, Root::Alias(literal("/usr/share/nginx/files/")));
    let deep = literal("/usr/share/nginx/files/deep/");
    assert_eq!(i.locations[0].settings.root, Root::Alias(deep));
}

#[test]
fn upstreams_are_shared_and_implicit_ones_follow() {
    let http = http(
        "server { location /a { proxy_pass http://localhost; } location /b { proxy_pass http://Web/x; }\n\
         location /c { proxy_pass http://localhost; } location /d { proxy_pass http://unix:/run/s:/u; } }\n\
         upstream web { least_conn; server 10.0.0.1:8080 weight=3 max_fails=2 fail_timeout=1m max_conns=9;\n\
         server 10.0.0.2 backup; server unix:/s down; keepalive 16; keepalive_timeout 5s; zone z 64k; }",
    );
    let shown: Vec<(&str, bool, usize)> =
        http.upstreams.iter().map(|up| (up.name.as_str(), up.implicit, up.keepalive)).collect();
    assert_eq!(shown, [("web", false, 16), ("localhost", true, 0), ("unix:/run/s", true, 0)]);
    let web = &http.upstreams[0];
    assert_eq!(web.method, Method::LeastConn);
    let peer = &web.peers[0];
    assert_eq!(peer.address, PeerAddress::Tcp("10.0.0.1:8080".parse().unwrap()));
    assert_eq!(
        (peer.weight, peer.max_fails, peer.fail_timeout, peer.max_conns),
        (3, 2, Duration::from_secs(60), 9)
    );
    assert!(web.peers[1].backup && web.peers[2].down);
    assert_eq!(http.upstreams[1].peers[0].address, PeerAddress::Tcp("127.0.0.1:80".parse().unwrap()));
    let locations = &http.servers[0].root.locations;
    let Handler::Proxy(unix) = &prefix(locations, "/d").handler else { panic!() };
    assert_eq!((unix.host.as_str(), unix.uri.clone()), ("localhost", Some(literal("/u"))));
    let Handler::Proxy(web) = &prefix(locations, "/b").handler else { panic!() };
    assert_eq!((web.upstream, web.host.as_str(), web.port), (0, "Web", 80));
}

#[test]
fn an_unknown_host_is_a_peer_that_waits() {
    let loaded = common::load_text("events { } http { upstream u { server a.invalid:81; } }");
    assert_eq!(loaded.report.findings()[0].id, "host-not-found");
    let http = loaded.config.unwrap().http.unwrap();
    assert_eq!(http.upstreams[0].peers[0].address, PeerAddress::Unresolved("a.invalid".to_owned(), 81));
}

#[test]
fn rewrite_programs_keep_their_order() {
    let http = http(
        r#"server { set $a $arg_x; if ($a ~* "^y{2}$") { return 403; } if (!-e $request_filename) { rewrite ^/(.*)$ /$1?z=1? last; }
           rewrite a https://b$uri; rewrite c /d permanent; break; return 444; }"#,
    );
    let program = &http.servers[0].root.rewrite;
    assert_eq!(program.len(), 7);
    let arg = Template { parts: vec![Part::Variable(Variable::Arg("x".to_owned()))] };
    assert_eq!(program[0], Instruction::Set { variable: 0, value: arg });
    let Instruction::If { condition: Condition::Matches { variable, pattern, negated }, then, location } =
        &program[1]
    else {
        panic!("{:?}", program[1])
    };
    assert_eq!((variable, pattern.source.as_str(), pattern.caseless), (&Variable::User(0), "^y{2}$", true));
    assert!(!negated && location.is_none());
    assert_eq!(then, &[Instruction::Return(Return::Status(403))]);
    let Instruction::If {
        condition: Condition::File { test: FileTest::Exists, negated: true, .. },
        then,
        ..
    } = &program[2]
    else {
        panic!("{:?}", program[2])
    };
    let Instruction::Rewrite(rewrite) = &then[0] else { panic!() };
    assert_eq!(
        (rewrite.flag, rewrite.keep_args, rewrite.args.clone()),
        (RewriteFlag::Last, false, Some(literal("z=1")))
    );
    let flags: Vec<RewriteFlag> = program
        .iter()
        .filter_map(|step| match step {
            Instruction::Rewrite(rewrite) => Some(rewrite.flag),
            _ => None,
        })
        .collect();
    assert_eq!(flags, [RewriteFlag::Redirect(302), RewriteFlag::Redirect(301)]);
    assert_eq!(program[6], Instruction::Return(Return::Status(444)));
}

#[test]
fn types_formats_and_logs_stand_in_tables() {
    let config = config(
        "events { } http { types { text/html html htm; text/css css; } log_format m escape=json '$uri' '-' \"$status\";\n\
         access_log /l m buffer=4k flush=1s if=$arg_l; access_log syslog:server=127.0.0.1,tag=t,nohostname;\n\
         server { location /t { types { } default_type a/b; } } }",
    );
    let http = config.http.unwrap();
    assert_eq!(http.types.len(), 3);
    let settings = &http.servers[0].root.settings;
    assert_eq!(http.types[settings.types][1], ("htm".to_owned(), "text/html".to_owned()));
    let inner = &http.servers[0].root.locations[0].settings;
    assert!(http.types[inner.types].is_empty());
    assert_eq!(inner.default_type, "a/b");
    assert_eq!(http.log_formats[0].name, "combined");
    assert_eq!((http.log_formats[1].escape, http.log_formats[1].line.parts.len()), (Escape::Json, 3));
    let log = &settings.access_logs[0];
    assert_eq!((log.format, log.buffer, log.flush), (1, 4096, Some(Duration::from_secs(1))));
    assert_eq!(
        config.logs[settings.access_logs[1].log],
        LogDestination::Syslog {
            server: SyslogServer::Udp("127.0.0.1:514".parse().unwrap()),
            facility: 23,
            severity: 6,
            tag: "t".to_owned(),
            nohostname: true,
        }
    );
}

#[test]
fn error_pages_and_try_files_have_their_forms() {
    let http = http(
        "server { error_page 404 /e; error_page 500 502 =200 @n; error_page 403 = https://x/; try_files $uri $uri/ /last; }",
    );
    let root = &http.servers[0].root;
    let pages = &root.settings.error_pages;
    assert_eq!((pages[0].overwrite, &pages[0].target), (None, &ErrorTarget::Uri(literal("/e"))));
    assert_eq!(
        (pages[1].overwrite, &pages[1].target),
        (Some(Some(200)), &ErrorTarget::Named("n".to_owned()))
    );
    assert_eq!(
        (pages[2].overwrite, &pages[2].target),
        (Some(None), &ErrorTarget::Url(literal("https://x/")))
    );
    let try_files = root.try_files.as_ref().unwrap();
    let folders: Vec<bool> = try_files.candidates.iter().map(|(_, folder)| *folder).collect();
    assert_eq!(folders, [false, true]);
    assert_eq!(try_files.fallback, Fallback::Uri(literal("/last")));
}

#[test]
fn port_8000_is_for_those_without_root() {
    let files = nginx_conf::Memory::default().with("/c", "events { } http { server { } }");
    let environment = nginx_conf::Environment {
        files: &files,
        global_directives: Some("daemon off;"),
        ..nginx_conf::Environment::system(false)
    };
    let config = nginx_conf::load(std::path::Path::new("/c"), &environment).config.unwrap();
    assert!(!config.main.daemon);
    let listeners = config.http.unwrap().listeners;
    assert_eq!(listeners[0].address, ListenAddress::Tcp("0.0.0.0:8000".parse().unwrap()));
}

#[test]
fn the_model_travels_as_bytes() {
    let config = config(
        "events { } http { upstream u { server 127.0.0.1; } server { location ~ (?<a>x) { proxy_pass http://u; } } }",
    );
    let bytes = serde_json::to_vec(&config).unwrap();
    assert_eq!(serde_json::from_slice::<Config>(&bytes).unwrap(), config);
}

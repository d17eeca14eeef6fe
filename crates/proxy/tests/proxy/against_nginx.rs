//! The same configuration, files and requests for a real nginx and for ours: the same answers.
//!
//! Where ours is stricter on purpose (framing, repeated fields), `hostile.rs` says what it answers.

use crate::support::*;
use std::fmt::Write;

#[test]
fn files() {
    let both = Both::with(
        "types { text/html html; text/css css; application/javascript js; image/png png; }
         default_type application/octet-stream; log_not_found off;
         log_format full '$remote_addr [$request] $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $uri $args $request_uri $host $server_protocol $request_method $sent_http_content_type $sent_http_etag';
         access_log access.log full;
         server { listen 127.0.0.1:8080; server_name a.name;
           location / { index index.html; }
           location /noindex/ { index none; }
           location /list/ { autoindex on; }
           location /alias/ { alias www/sub/; }
           location /noslash { alias www/sub; }
           location ~ ^/img/(.+\\.png)$ { alias www/pictures/$1; }
           location /charset/ { charset utf-8; alias www/sub/; }
           location /expires/ { alias www/sub/; expires 1h; add_header X-A b; add_header Cache-Control public; }
           location /expires-past/ { alias www/sub/; expires -1; }
           location /expires-max/ { alias www/sub/; expires max; }
           location /expires-epoch/ { alias www/sub/; expires epoch; }
           location /always/ { alias www/sub/; add_header X-Plain 1; add_header X-Always 2 always; }
           location /etagless/ { alias www/sub/; etag off; }
           location /one-range/ { alias www/sub/; max_ranges 1; }
           location /no-range/ { alias www/sub/; max_ranges 0; }
           location /before/ { alias www/sub/; if_modified_since before; }
           location /ims-off/ { alias www/sub/; if_modified_since off; }
           location /tokens/ { server_tokens off; return 404; }
           location /try/ { root www; try_files $uri $uri/ /fallback.html; }
           location /try-status/ { try_files $uri =418; }
           location /try-named/ { try_files $uri @named; }
           location @named { return 200 \"named $uri\"; }
           location /denied/ { deny all; }
           location /abs/ { absolute_redirect off; alias www/sub/; }
           location /noport/ { port_in_redirect off; alias www/sub/; }
           location /sname/ { server_name_in_redirect on; alias www/sub/; }
         }",
    );
    for (name, contents) in [
        ("index.html", "<h1>index</h1>"),
        ("a.css", "body { color: red }"),
        ("a b.html", "space"),
        ("plain", "no extension"),
        ("empty.html", ""),
        ("sub/index.html", "sub index"),
        ("sub/x.js", "x()"),
        ("sub/deep/y.html", "deep"),
        ("noindex/f.html", "f"),
        ("list/one.html", "1"),
        ("list/two & <three>.txt", "23"),
        ("list/dir/x", "x"),
        ("pictures/p.png", "PNG"),
        ("fallback.html", "fallback"),
        ("try/here.html", "here"),
    ] {
        both.ours.file(name, contents);
    }
    both.ours.file("big.bin", noise(300_000));
    both.ours.file("alphabet.html", "abcdefghijklmnopqrstuvwxyz");
    let times = std::process::Command::new("touch")
        .args(["-d", "@1700000000"])
        .arg(both.ours.path("www/list/dir"))
        .status();
    assert!(times.unwrap().success());
    let mut requests: Vec<String> = [
        "/",
        "/index.html",
        "/a.css",
        "/a%20b.html",
        "/plain",
        "/empty.html",
        "/none",
        "/sub",
        "/sub?x=1",
        "/sub/",
        "/sub/deep",
        "/sub/deep/",
        "/noindex/",
        "/noindex",
        "/list/",
        "/list",
        "/alias/x.js",
        "/alias/",
        "/alias",
        "/alias/deep",
        "/noslash/x.js",
        "/noslash",
        "/img/p.png",
        "/img/q.png",
        "/charset/",
        "/charset/x.js",
        "/expires/",
        "/expires/none",
        "/expires-past/",
        "/expires-max/",
        "/expires-epoch/",
        "/always/",
        "/always/none",
        "/etagless/",
        "/tokens/",
        "/try/here.html",
        "/try/none",
        "/try/",
        "/try-status/x",
        "/try-named/x?y=z",
        "/denied/x",
        "/abs/deep",
        "/noport/deep",
        "/sname/deep",
        "/a.css/",
        "/a.css/x",
        "//a.css",
        "/./a.css",
        "/sub/../a.css",
        "/%61.css",
        "/a.css?query=1",
        "/a.css#fragment",
        "/sub//deep/../x.js",
        "/big.bin",
        "/index.html%20",
        "/.",
        "/sub/.",
        "/sub/deep/..",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/../etc/passwd",
        "/a%00b",
        "/%",
        "/%zz",
        "/sub%2fx.js",
        "/A.CSS",
        "/...",
        "/a\\b",
        "/sub%5c..%5ca.css",
    ]
    .iter()
    .map(|path| get_with(path, &[]))
    .collect();
    for path in ["/alphabet.html", "/one-range/x.js", "/no-range/x.js", "/etagless/x.js"] {
        for range in [
            "bytes=0-0",
            "bytes=0-",
            "bytes=-5",
            "bytes=5-9",
            "bytes=20-100",
            "bytes=26-",
            "bytes=99-",
            "bytes=-0",
            "bytes=-100",
            "bytes=9-5",
            "bytes=0-1,5-6",
            "bytes=0-1, 3-",
            "bytes=0-,0-",
            "bytes=0-0,-1,99-",
            "bytes=",
            "bytes=a-b",
            "bytes=-",
            "items=0-1",
            "bytes=0-5,2-8",
            "Bytes=0-1",
            "bytes=0-1,",
            "bytes= 1-2",
        ] {
            requests.push(get_with(path, &[&format!("Range: {range}")]));
        }
    }
    let date = "Tue, 14 Nov 2023 22:13:20 GMT";
    let etag = "\"6553f100-1a\"";
    for fields in [
        &[format!("If-Modified-Since: {date}")][..],
        &["If-Modified-Since: Wed, 15 Nov 2023 22:13:20 GMT".to_owned()],
        &["If-Modified-Since: Mon, 13 Nov 2023 22:13:20 GMT".to_owned()],
        &["If-Modified-Since: nonsense".to_owned()],
        &[format!("If-None-Match: {etag}")],
        &[format!("If-None-Match: W/{etag}")],
        &["If-None-Match: *".to_owned()],
        &["If-None-Match: \"a\", \"b\"".to_owned()],
        &[format!("If-None-Match: \"a\", {etag}")],
        &["If-None-Match: \"a\"".to_owned(), format!("If-Modified-Since: {date}")],
        &[format!("If-Match: {etag}")],
        &["If-Match: \"a\"".to_owned()],
        &["If-Match: *".to_owned()],
        &[format!("If-Unmodified-Since: {date}")],
        &["If-Unmodified-Since: Mon, 13 Nov 2023 22:13:20 GMT".to_owned()],
        &[format!("If-Range: {etag}"), "Range: bytes=0-4".to_owned()],
        &["If-Range: \"a\"".to_owned(), "Range: bytes=0-4".to_owned()],
        &[format!("If-Range: {date}"), "Range: bytes=0-4".to_owned()],
        &["If-Range: Mon, 13 Nov 2023 22:13:20 GMT".to_owned(), "Range: bytes=0-4".to_owned()],
        &[format!("If-None-Match: {etag}"), "Range: bytes=0-4".to_owned()],
        &["Connection: close".to_owned()],
        &["Connection: keep-alive".to_owned()],
    ] {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        requests.push(get_with("/alphabet.html", &fields));
    }
    for place in ["/before/x.js", "/ims-off/x.js"] {
        for day in ["Tue, 14 Nov 2023", "Wed, 15 Nov 2023", "Mon, 13 Nov 2023"] {
            requests.push(get_with(place, &[&format!("If-Modified-Since: {day} 22:13:20 GMT")]));
        }
    }
    for path in ["/", "/alphabet.html", "/none", "/sub"] {
        requests.push(format!("HEAD {path} HTTP/1.1\r\nHost: some.name\r\n\r\n"));
        requests.push(format!("POST {path} HTTP/1.1\r\nHost: some.name\r\nContent-Length: 0\r\n\r\n"));
        requests.push(format!("GET {path} HTTP/1.0\r\n\r\n"));
        requests.push(format!("GET {path} HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n"));
        requests.push(format!("GET http://absolute.name{path} HTTP/1.1\r\nHost: absolute.name\r\n\r\n"));
    }
    both.compare(&requests);
    // Pages that are built in name their product, which is not as long; an index has a length here.
    let lines = |name: &str| -> Vec<String> {
        let own_page = |line: &String| {
            let served =
                [" 200 ", " 206 ", " 304 "].iter().any(|status| line.contains(&format!("]{status}")));
            !served || line.contains("/list/")
        };
        let lines = both.ours.log(name, requests.len()).into_iter();
        let full = lines.filter(|line| line.starts_with("127.0.0.1 [") && !own_page(line));
        let without_boundary = full.map(|line| match line.split_once("boundary=") {
            Some((before, after)) => format!("{before}boundary=…{}", &after[20..]),
            None => line,
        });
        // `$args` that an internal redirect emptied is shown as nothing by nginx, as `-` by us.
        without_boundary.map(|line| line.replace(".html  /", ".html - /")).collect()
    };
    let (ours, real) = (lines("access.log"), lines("nginx-access.log"));
    assert!(ours.len() > 100);
    for (ours, real) in ours.iter().zip(&real) {
        assert_eq!(ours, real);
    }
    assert_eq!(ours.len(), real.len());
}

#[test]
fn rewriting_and_errors() {
    let dead = nowhere();
    let up = Upstream::serve(|seen| {
        let path = seen.head.split(' ').nth(1).unwrap().to_owned();
        let status = path.rsplit('/').next().unwrap().split('?').next().unwrap();
        let code: u16 = status.parse().unwrap_or(200);
        let body = format!("upstream {path}");
        Reply::Bytes(
            format!("HTTP/1.1 {code} Said\r\nContent-Type: text/plain\r\nX-Up: 1\r\nSet-Cookie: a=b\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                .into_bytes(),
        )
    });
    let at = up.address;
    let both = Both::with(&format!(
        "log_not_found off; proxy_http_version 1.1; proxy_set_header Connection '';
         server {{ listen 127.0.0.1:8080; server_name a.name;
           set $outer o;
           error_page 418 /pages/teapot.html;
           location = /exact {{ return 200 exact; }}
           location /r/200 {{ return 200; }}
           location /r/text {{ return 200 'text $uri $args $outer'; }}
           location /r/201 {{ return 201 made; }}
           location /r/204 {{ return 204; }}
           location /r/301 {{ return 301 /elsewhere?x=$arg_x; }}
           location /r/302 {{ return 302 http://other.name/y; }}
           location /r/307 {{ return 307 https://other.name$request_uri; }}
           location /r/308 {{ return 308 relative; }}
           location /r/url {{ return http://bare.name/; }}
           location /r/400 {{ return 400; }}
           location /r/403 {{ return 403; }}
           location /r/404t {{ return 404 'not here'; }}
           location /r/418 {{ return 418; }}
           location /r/429 {{ return 429; }}
           location /r/444 {{ return 444; }}
           location /r/500 {{ return 500; }}
           location /r/503 {{ return 503; }}
           location /r/type {{ default_type application/json; return 200 '{{}}'; }}
           location /rw/last {{ rewrite ^/rw/last/(.*)$ /r/text/$1 last; return 500; }}
           location /rw/break {{ rewrite ^/rw/break/(.*)$ /sub/$1 break; }}
           location /rw/redirect {{ rewrite ^/rw/redirect/(.*)$ /to/$1 redirect; }}
           location /rw/permanent {{ rewrite ^/rw/permanent/(.*)$ /to/$1?own=1 permanent; }}
           location /rw/noargs {{ rewrite ^ /to? permanent; }}
           location /rw/abs {{ rewrite ^/rw/abs/(.*)$ http://abs.name/$1; }}
           location /rw/chain {{ rewrite ^/rw/chain/(.*)$ /one/$1; rewrite ^/one/(.*)$ /r/text/two/$1; }}
           location /rw/loop {{ rewrite ^/rw/loop/(.*)$ /rw/loop/$1x last; }}
           location /rw/named {{ rewrite ^/rw/named/(?<what>\\w+)/(?<n>\\d+)$ /r/text?w=$what&n=$n last; return 404; }}
           location /if/arg {{ if ($arg_a) {{ return 200 'a is $arg_a'; }} return 200 none; }}
           location /if/eq {{ if ($arg_a = 1) {{ return 200 one; }} if ($arg_a != 2) {{ return 200 other; }} return 200 two; }}
           location /if/re {{ if ($http_user_agent ~* (curl|wget)/([0-9]+)) {{ return 200 '$1 version $2'; }} return 200 human; }}
           location /if/nre {{ if ($arg_a !~ ^x) {{ return 403; }} return 200 x; }}
           location /if/set {{ set $v 0; if ($arg_a = 1) {{ set $v \"${{v}}1\"; }} if ($arg_b = 1) {{ set $v \"${{v}}1\"; }} if ($v = 011) {{ return 200 both; }} return 200 $v; }}
           location /if/file {{ if (-f $document_root/sub/x.js) {{ return 200 there; }} return 404; }}
           location /if/nofile {{ if (!-e $request_filename) {{ return 200 missing; }} return 200 there; }}
           location /if/header {{ add_header X-Always 1; if ($arg_a) {{ add_header X-If 1; }} return 200 t; }}
           location /if/method {{ if ($request_method = POST) {{ return 405; }} return 200 $request_method; }}
           location /e/page {{ error_page 404 /pages/404.html; }}
           location /e/status {{ error_page 404 =200 /pages/404.html; }}
           location /e/own {{ error_page 404 = /r/201; }}
           location /e/named {{ error_page 404 @named; }}
           location /e/named-own {{ error_page 404 = @named; }}
           location /e/url {{ error_page 404 http://error.name/; }}
           location /e/url301 {{ error_page 404 =301 http://error.name/; }}
           location /e/missing {{ error_page 404 /pages/none.html; }}
           location /e/403 {{ error_page 403 /pages/404.html; return 403; }}
           location /e/502 {{ error_page 502 504 /pages/50x.html; proxy_pass http://{dead}; }}
           location /e/502-named {{ error_page 502 = @up; proxy_pass http://{dead}; }}
           location /e/intercept/ {{ proxy_intercept_errors on; error_page 404 500 /pages/404.html; proxy_pass http://{at}; }}
           location /e/nointercept/ {{ error_page 404 500 /pages/404.html; proxy_pass http://{at}; }}
           location @named {{ return 202 'named $uri'; }}
           location @up {{ proxy_pass http://{at}; }}
           location /p/ {{ proxy_pass http://{at}; }}
           location /p/uri/ {{ proxy_pass http://{at}/base/; }}
           location /p/hide/ {{ proxy_hide_header X-Up; proxy_pass http://{at}; }}
           location /p/exp/ {{ expires 1h; add_header X-N $upstream_status; proxy_pass http://{at}; }}
           location ~ ^/p/re/(\\d+)$ {{ proxy_pass http://{at}; }}
           location /slash/ {{ proxy_pass http://{at}; }}
           location /nested/ {{ location /nested/a {{ return 200 a; }} location ~ b$ {{ return 200 b; }} return 200 nested; }}
           location /internal {{ internal; return 200 secret; }}
           location /to-internal {{ rewrite ^ /internal last; }}
           location /break {{ set $a 1; break; set $a 2; return 200 $a; }}
         }}
         server {{ listen 127.0.0.1:8080; server_name b.name *.wild.name ~^re(?<x>\\d+)\\.name$; return 200 'b $host $server_name $x'; }}
         server {{ listen 127.0.0.1:8080; server_name tail.*; return 200 'tail'; }}
         server {{ listen 127.0.0.1:8080; server_name .dot.name; return 301 $scheme://$host$request_uri; }}"
    ));
    for (name, text) in [
        ("pages/404.html", "custom 404"),
        ("pages/50x.html", "custom 50x"),
        ("pages/teapot.html", "teapot"),
        ("sub/x.js", "x()"),
    ] {
        both.ours.file(name, text);
    }
    let mut requests: Vec<String> = "/exact /exact/ /r/200 /r/text /r/text/a%20b?x=1 /r/201 /r/204 /r/301?x=5 /r/302 /r/307?a /r/308 \
        /r/url /r/400 /r/403 /r/404t /r/418 /r/429 /r/444 /r/500 /r/503 /r/type /rw/last/a?b=c /rw/break/x.js \
        /rw/break/none /rw/redirect/a%20b?q=1 /rw/permanent/a?q=1 /rw/permanent/a /rw/noargs?q /rw/abs/z?q=1 /rw/chain/x \
        /rw/loop/ /rw/named/thing/12 /rw/named/thing /if/arg /if/arg?a=5 /if/arg?a=0 /if/eq?a=1 /if/eq?a=2 /if/eq?a=3 \
        /if/re /if/nre?a=x /if/nre?a=y /if/set /if/set?a=1 /if/set?a=1&b=1 /if/set?b=1 /if/file /if/nofile \
        /if/header /if/header?a=1 /if/method /e/page/x /e/status/x /e/own/x /e/named/x /e/named-own/x /e/url/x \
        /e/url301/x /e/missing/x /e/403 /e/502 /e/502-named /e/intercept/404 /e/intercept/500 /e/intercept/503 \
        /e/intercept/200 /e/nointercept/404 /p/x /p/a%2Fb?c=%20 /p/uri/x%20y /p/uri/404 /p/hide/x /p/exp/x /p/exp/404 \
        /p/re/301 /slash /slash?x=1 /slash/ /nested/a /nested/ab /nested/x /nested/ /nested /internal \
        /to-internal /break /p/uri/../x /none"
        .split_whitespace()
        .map(|path| get_with(path, &[]))
        .collect();
    requests.push(get_with("/if/re", &["User-Agent: Curl/7.88"]));
    for host in [
        "b.name",
        "B.NAME",
        "x.wild.name",
        "a.b.wild.name",
        "wild.name",
        "re77.name",
        "rex.name",
        "tail.org",
        "dot.name",
        "x.dot.name:99",
        "b.name.",
        "a.name",
    ] {
        requests.push(format!("GET /r/text HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    }
    for path in ["/r/text", "/if/method", "/p/x", "/e/page/x", "/e/502"] {
        requests.push(format!("POST {path} HTTP/1.1\r\nHost: a.name\r\nContent-Length: 3\r\n\r\nabc"));
        requests.push(format!("HEAD {path} HTTP/1.1\r\nHost: a.name\r\n\r\n"));
        requests.push(format!("GET {path} HTTP/1.0\r\n\r\n"));
    }
    both.compare(&requests);
}

/// The upstream answers with the head that it was sent.
#[test]
fn heads_that_are_passed_on() {
    let up = Upstream::serve(|seen| {
        let fields = "X-Up: 1\r\nx-hidden:2\r\nX-Accel-Expires: 0\r\nSet-Cookie: a=b\r\nSet-Cookie:  c=d \r\n\
             Server: up/1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nLocation: http://elsewhere.name/\r\nX-End: e";
        let body = &seen.head;
        Reply::Bytes(
            format!("HTTP/1.1 200 Fine\r\nContent-Length: {}\r\n{fields}\r\n\r\n{body}", body.len())
                .into_bytes(),
        )
    });
    let at = up.address;
    let both = Both::with(&format!(
        "proxy_http_version 1.1; proxy_set_header Connection ''; log_format full '$request $sent_http_x_up $http_user_agent $http_x_wide $http_cookie $upstream_addr $upstream_status';
         access_log access.log full if=$sent_http_x_end;
         server {{ listen 127.0.0.1:8080; server_name a.name;
           location /plain/ {{ proxy_pass http://{at}; }}
           location /set/ {{
             proxy_set_header Host $host; proxy_set_header X-One 1; proxy_set_header x-two two; proxy_set_header Accept '';
             proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-None $arg_none; proxy_set_header X-Uri '<$uri>';
             proxy_set_header Connection ''; proxy_set_header User-Agent $http_user_agent/x; proxy_set_header X-Last last;
             proxy_hide_header X-HIDDEN; proxy_hide_header Location; proxy_pass http://{at}; }}
           location /pass/ {{ proxy_pass_header X-Accel-Expires; proxy_hide_header Set-Cookie; proxy_pass http://{at}; }}
           location /none/ {{ proxy_pass_request_headers off; proxy_pass http://{at}; }}
           location /uri/ {{ proxy_pass http://{at}/base/; }}
           location /ten/ {{ proxy_http_version 1.0; proxy_pass http://{at}; }}
         }}"
    ));
    let fields = "Host: a.name\r\nX-Odd:no space\r\nAccept: a\r\nUser-Agent: \"u\\a\"\r\nx-two: mine\r\nX-Wide:   w  \r\n\
        Cookie: c=1\r\nX-REAL-IP: forged\r\nX_Dropped: 1\r\nX-Empty:\r\nX-Tail: t\r\nKeep-Alive: 3";
    let mut requests = Vec::new();
    for location in ["plain", "set", "pass", "none", "uri", "ten"] {
        for target in ["x", "x?a=b", "a%20b%2Fc?none=1&x", "./y/../x//z"] {
            requests.push(format!("GET /{location}/{target} HTTP/1.1\r\n{fields}\r\n\r\n"));
        }
        requests.push(format!("GET http://a.name/{location}/x HTTP/1.1\r\n{fields}\r\n\r\n"));
        requests.push(format!("GET /{location}/x HTTP/1.0\r\n{fields}\r\n\r\n"));
        requests.push(format!("POST /{location}/x HTTP/1.1\r\n{fields}\r\nContent-Length: 3\r\n\r\nabc"));
        requests.push(format!("DELETE /{location}/x HTTP/1.1\r\n{fields}\r\n\r\n"));
    }
    both.compare(&requests);
    // Each request has a line in either format; the one with the time may come a second later.
    let lines = |name| -> Vec<String> {
        let lines = both.ours.log(name, 2 * requests.len());
        let untimed = |line: &String| match (line.find('['), line.find(']')) {
            (Some(start), Some(end)) if start < end => format!("{}{}", &line[..start], &line[end..]),
            _ => line.clone(),
        };
        lines.iter().map(untimed).collect()
    };
    assert_eq!(lines("access.log"), lines("nginx-access.log"));
}

#[test]
fn compression() {
    let up = Upstream::serve(|seen| {
        let kind = seen.head.split(' ').nth(1).unwrap().rsplit('/').next().unwrap().to_owned();
        let body = "proxied text ".repeat(100);
        Reply::Bytes(match kind.as_str() {
            "chunked" => format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nETag: \"x\"\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
            "encoded" => format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            "small" => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
            "png" => format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
            _ => format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=x\r\nETag: \"x\"\r\nAccept-Ranges: bytes\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
        }.into_bytes())
    });
    let at = up.address;
    let body = format!(
        "gzip on; gzip_vary on; gzip_types text/css; types {{ text/html html; text/css css; image/png png; }}
         server {{ listen 127.0.0.1:8080;
           location /p/ {{ proxy_http_version 1.1; proxy_pass http://{at}; }}
           location /any/ {{ gzip_proxied any; gzip_min_length 1; proxy_http_version 1.1; proxy_pass http://{at}; }}
           location /text {{ return 200 'some text some text some text some text'; }}
         }}"
    );
    let both = Both::with(&body);
    both.ours.file("big.html", "line of text\n".repeat(100_000));
    both.ours.file("some.css", "a { b: c } ".repeat(50));
    both.ours.file("some.png", noise(1000));
    both.ours.file("tiny.html", "tiny");
    let plain: Vec<String> =
        ["/big.html", "/some.css", "/some.png", "/tiny.html", "/p/x", "/p/chunked", "/p/encoded", "/text"]
            .iter()
            .map(|path| get_with(path, &[]))
            .collect();
    both.compare(&plain);
    // Two compressors never agree on the bytes: heads and contents are compared.
    for path in [
        "/big.html",
        "/some.css",
        "/some.png",
        "/tiny.html",
        "/text",
        "/p/x",
        "/p/chunked",
        "/p/encoded",
        "/p/small",
        "/p/png",
        "/any/small",
    ] {
        for fields in [
            &["Accept-Encoding: gzip"][..],
            &["Accept-Encoding: gzip", "Via: 1.1 x"],
            &["Accept-Encoding: gzip;q=0"],
        ] {
            let unpack = |address| {
                let mut client = Client::to(address);
                let answer = client.ask(&get_with(path, fields));
                let mut text = Vec::new();
                if answer.field("content-encoding") == Some("gzip") {
                    use std::io::Read;
                    flate2::read::GzDecoder::new(answer.body.as_slice()).read_to_end(&mut text).unwrap();
                } else {
                    text = answer.body.clone();
                }
                let head: Vec<String> = answer
                    .head
                    .lines()
                    .filter(|line| !line.starts_with("Date") && !line.starts_with("Server"))
                    .map(str::to_owned)
                    .collect();
                (head, text.len(), String::from_utf8_lossy(&text[..text.len().min(20)]).into_owned())
            };
            assert_eq!(unpack(both.ours.address()), unpack(both.real.address), "{path} {fields:?}");
        }
    }
}

#[test]
fn a_few_hundred_random_location_searches() {
    let mut state = 7u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let words = ["a", "b", "ab", "a.b", "ba", "aa"];
    let path = |random: &mut dyn FnMut(usize) -> usize| {
        let mut path = String::new();
        for _ in 0..1 + random(3) {
            write!(path, "/{}", words[random(words.len())]).unwrap();
        }
        if random(3) == 0 {
            path.push('/');
        }
        path
    };
    let patterns = ["^/a", "b$", "a.*b", "/b/", "\\.b", "^/(a|b)/a", "A", "aa$"];
    for _ in 0..12 {
        let mut body = String::from("server { listen 127.0.0.1:8080;\n");
        let mut used = std::collections::HashSet::new();
        let mut number = 0;
        for _ in 0..8 {
            number += 1;
            let kind = random(5);
            let matcher = match kind {
                0 => format!("= {}", path(&mut random)),
                1 => path(&mut random),
                2 => format!("^~ {}", path(&mut random)),
                3 => format!("~ {}", patterns[random(patterns.len())]),
                _ => format!("~* {}", patterns[random(patterns.len())]),
            };
            let key = matcher.trim_start_matches("^~ ").to_owned();
            if !used.insert(key) {
                continue;
            }
            let mut inner = String::new();
            if kind == 1 && random(2) == 0 {
                number += 1;
                let prefix = format!("{}{}", matcher, ["b", "/a", "/b/"][random(3)]);
                write!(inner, "location {prefix} {{ return 200 {number}; }} ").unwrap();
                number += 1;
                write!(inner, "location ~ {} {{ return 200 {number}; }} ", patterns[random(patterns.len())])
                    .unwrap();
            }
            number += 1;
            writeln!(body, "location {matcher} {{ {inner} set $x {number}; return 200 $x; }}").unwrap();
        }
        body.push('}');
        let both = Both::with(&body);
        let requests: Vec<String> = (0..40).map(|_| get_with(&path(&mut random), &[])).collect();
        both.compare(&requests);
    }
}

#[test]
fn error_logs_say_the_same() {
    let silent = Upstream::serve(|_| Reply::Hang(std::time::Duration::from_secs(1)));
    let closing = Upstream::serve(|_| Reply::Last(Vec::new()));
    let garbage = Upstream::serve(|_| Reply::Last(b"no http\r\n\r\n".to_vec()));
    let dead = nowhere();
    let both = Both::with(&format!(
        "server {{ listen 127.0.0.1:8080; server_name a.name;
           location /denied {{ deny all; }}
           location /empty/ {{ }}
           location /small {{ client_max_body_size 2; proxy_pass http://{dead}; }}
           location /dead {{ proxy_pass http://{dead}; }}
           location /silent {{ proxy_read_timeout 100ms; proxy_pass http://{}; }}
           location /closing {{ proxy_pass http://{}; }}
           location /garbage {{ proxy_pass http://{}; }}
         }}",
        silent.address, closing.address, garbage.address
    ));
    both.ours.file("empty/x", "");
    let asked = ["/none", "/denied", "/empty/", "/dead", "/silent?x=1", "/closing", "/none?a=\"b"];
    for path in asked {
        both.ask(&get_with(path, &["Referer: http://from/"]));
    }
    both.ask("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    let lines = |name: &str, product: &str| -> Vec<String> {
        let kept = both.ours.log(name, asked.len() + 1).into_iter();
        // After the time, the process and the connection, which are nobody's to agree on.
        let kept = kept.filter(|line| line.contains("[error]"));
        kept.map(|line| line[line.find(" *").unwrap() + 2..].split_once(' ').unwrap().1.replace(product, "…"))
            .collect()
    };
    let address = both.real.address.to_string();
    let (ours, real) =
        (lines("error.log", &both.ours.address().to_string()), lines("nginx-error.log", &address));
    assert_eq!(ours.len(), asked.len() + 1);
    for (ours, real) in ours.iter().zip(&real) {
        // One directory, reached under two spellings.
        assert_eq!(ours.replace("//", "/"), real.replace("//", "/"));
    }
}

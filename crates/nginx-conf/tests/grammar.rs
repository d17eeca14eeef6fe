//! Tokens, blocks and includes.

mod common;

use common::{findings, http_findings, load_files, load_text};
use nginx_conf::syntax::{Body, Directive, parse};
use nginx_conf::{Environment, Memory, dump};
use std::path::Path;

fn tree(text: &[u8]) -> (Vec<Directive>, Vec<String>) {
    let files = Memory::default().with("/nginx.conf", text);
    let environment = Environment { files: &files, ..Environment::system(true) };
    let parsed = parse(Path::new("/nginx.conf"), &environment);
    let ids = parsed.report.findings().iter().map(|finding| {
        let at = finding.span.map_or(0, |span| span.start);
        format!("{}@{at}", finding.id)
    });
    let ids = ids.collect();
    (parsed.directives, ids)
}

/// The words of the only directive.
fn words(text: &[u8]) -> Vec<Vec<u8>> {
    let (directives, ids) = tree(text);
    assert!(ids.is_empty(), "{ids:?}");
    assert_eq!(directives.len(), 1);
    std::iter::once(&directives[0].name).chain(&directives[0].args).map(|word| word.value.clone()).collect()
}

#[test]
fn words_are_cut_as_nginx_cuts_them() {
    let cases: &[(&[u8], &[&[u8]])] = &[
        (b"a b\tc\r\nd;", &[b"a", b"b", b"c", b"d"]),
        (b"a \"b c\" 'd e';", &[b"a", b"b c", b"d e"]),
        (b"a b\"c d\"e;", &[b"a", b"b\"c", b"d\"e"]),
        (b"a \"\" '';", &[b"a", b"", b""]),
        (b"a b#c #d;\n e;", &[b"a", b"b#c", b"e"]),
        (b"a ${b}c d${e};", &[b"a", b"${b}c", b"d${e}"]),
        (b"a \"${b}{;}\";", &[b"a", b"${b}{;}"]),
        (br#"a \"b\' "c\"d" 'e\'f' g\\h;"#, &[b"a", b"\"b'", b"c\"d", b"e'f", b"g\\h"]),
        (br"a b\;c \{d \#e;", &[b"a", br"b\;c", br"\{d", br"\#e"]),
        (br"a b\tc\rd\ne;", &[b"a", b"b\tc\rd\ne"]),
        (br"a ^/\d+\.php$;", &[b"a", br"^/\d+\.php$"]),
        (b"a (\"b\") (c );", &[b"a", b"(\"b\")", b"(c", b")"]),
        (b"a \"b\");", &[b"a", b"b", b")"]),
        (b"a b}c;", &[b"a", b"b}c"]),
        (b"a \xff\xfe \"\xe9\";", &[b"a", b"\xff\xfe", b"\xe9"]),
    ];
    for (text, expected) in cases {
        assert_eq!(words(text), *expected, "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn blocks_nest_and_keep_their_braces() {
    let (directives, ids) = tree(b"a b{c d;e{}}f;");
    assert!(ids.is_empty());
    assert_eq!(directives.len(), 2);
    let block = directives[0].block().unwrap();
    assert_eq!((block.open.start, block.close.map(|close| close.start)), (3, Some(11)));
    assert_eq!(block.directives.len(), 2);
    assert_eq!(directives[0].span.end, 12);
}

#[test]
fn a_word_may_be_4095_bytes_long() {
    let at_most = [b"a ", vec![b'x'; 4095].as_slice(), b";"].concat();
    assert_eq!(words(&at_most)[1].len(), 4095);
    for text in [
        [b"a ", vec![b'x'; 4096].as_slice(), b";"].concat(),
        [b"a ", vec![b'#'; 4096].as_slice(), b"\n;"].concat(),
    ] {
        assert_eq!(tree(&text).1, ["grammar-too-long@2"]);
    }
    let quoted = [b"a \"", vec![b'x'; 4096].as_slice(), b"\";"].concat();
    assert_eq!(tree(&quoted).1, ["grammar-unterminated@2"]);
}

#[test]
fn grammar_errors_are_placed_and_reading_goes_on() {
    let cases: &[(&[u8], &[&str], usize)] = &[
        (b"a; } b;", &["grammar-unexpected@3"], 2),
        (b"; b;", &["grammar-unexpected@0"], 1),
        (b"{ c; } b;", &["grammar-unexpected@0"], 2),
        (b"a { b c } d;", &["grammar-unexpected@8"], 2),
        (b"a { b c", &["grammar-unexpected@7"], 1),
        (b"a { b;", &["grammar-unterminated@6"], 1),
        (b"a \"b\"c; d;", &["grammar-unexpected@5"], 2),
        (b"a \"b;\nc; d;", &["grammar-unterminated@2"], 3),
        (b"a x{2,3}y { } b;", &["unquoted-brace@3"], 2),
        (b"a", &["grammar-unexpected@1"], 1),
    ];
    for (text, expected, count) in cases {
        let (directives, ids) = tree(text);
        let shown = String::from_utf8_lossy(text);
        assert_eq!(ids, *expected, "{shown}");
        assert_eq!(directives.len(), *count, "{shown}");
    }
}

#[test]
fn a_lua_block_is_one_unknown_directive() {
    let text = b"content_by_lua_block { -- } it's\n local a = \"}\" .. '}' --[[ } ]] if x then y({}) end [[ } ]] } b;";
    let (directives, ids) = tree(text);
    assert!(ids.is_empty(), "{ids:?}");
    assert_eq!(directives.len(), 2);
    assert!(matches!(directives[0].body, Body::Raw(_)));
    let loaded = http_findings("server { location / { content_by_lua_block { ngx.say('}') } } lissen 1; }");
    assert_eq!(loaded, ["unknown-directive 2:23 content_by_lua_block", "unknown-directive 2:63 lissen"]);
}

#[test]
fn nesting_without_end_is_refused() {
    let text = b"a {".repeat(200_000);
    let (_, ids) = tree(&text);
    assert!(ids.iter().any(|id| id.starts_with("nested-too-deeply")));
}

#[test]
fn includes_are_read_in_order_and_once_dumped() {
    let files = Memory::default()
        .with(
            "/etc/nginx/nginx.conf",
            "events { } http { include conf.d/*.conf; include /x/types; include none/*.conf; }",
        )
        .with("/etc/nginx/conf.d/b.conf", "server { listen 82; include part; }")
        .with("/etc/nginx/conf.d/a.conf", "server { listen 81; include part; }")
        .with("/etc/nginx/conf.d/.hidden.conf", "broken")
        .with("/etc/nginx/part", "root /srv;")
        .with("/x/types", "types { text/x x; }");
    let loaded = load_files(&files);
    assert_eq!(findings(&loaded), Vec::<String>::new());
    let http = loaded.config.unwrap().http.unwrap();
    let ports: Vec<String> =
        http.listeners.iter().map(|listener| format!("{:?}", listener.address)).collect();
    assert_eq!(ports, ["Tcp(0.0.0.0:81)", "Tcp(0.0.0.0:82)"]);
    let dump = String::from_utf8(dump(&loaded.sources)).unwrap();
    let names: Vec<&str> =
        dump.lines().filter_map(|line| line.strip_prefix("# configuration file ")).collect();
    assert_eq!(
        names,
        [
            "/etc/nginx/nginx.conf:",
            "/etc/nginx/conf.d/a.conf:",
            "/etc/nginx/part:",
            "/etc/nginx/conf.d/b.conf:",
            "/x/types:"
        ]
    );
    assert!(dump.ends_with("# configuration file /x/types:\ntypes { text/x x; }\n"));
}

#[test]
fn broken_includes_are_errors() {
    let files = Memory::default()
        .with(
            "/etc/nginx/nginx.conf",
            "events { }\ninclude gone.conf;\ninclude loop;\ninclude a b;\ninclude half;",
        )
        .with("/etc/nginx/loop", "include loop;")
        .with("/etc/nginx/half", "http {");
    let ids = findings(&load_files(&files));
    assert_eq!(
        ids,
        [
            "include-not-found 2:9 gone.conf",
            "include-cycle 1:9 loop",
            "grammar-unterminated 1:7 ",
            "wrong-arity 4:1 include"
        ]
    );
    let missing = load_files(&Memory::default());
    assert_eq!(findings(&missing), ["file-not-read"]);
    assert!(missing.config.is_none());
}

#[test]
fn a_byte_order_mark_is_named() {
    let loaded = load_text("\u{feff}events { }");
    let finding = &loaded.report.findings()[0];
    assert_eq!(finding.id, "unknown-directive");
    assert!(finding.help[0].contains("byte order mark"), "{finding:?}");
}

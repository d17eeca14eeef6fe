use super::*;
use crate::Memory;
use diagnostic::Severity;

struct Parsed {
    tree: Vec<Statement>,
    sources: Sources,
    report: Report,
}

impl Parsed {
    /// The tree on one line: words, then the block in braces.
    fn shown(&self) -> String {
        self.tree.iter().map(shown).collect::<Vec<_>>().join("; ")
    }

    /// `id@line:column` of every finding.
    fn findings(&self) -> Vec<String> {
        let place = |span| {
            let at = self.sources.position(span);
            format!("{}:{}", at.line, at.column)
        };
        let findings = self.report.findings().iter();
        findings.map(|f| format!("{}@{}", f.id, f.span.map_or("?".to_owned(), place))).collect()
    }
}

fn shown(statement: &Statement) -> String {
    let words = statement.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
    match &statement.block {
        None => words,
        Some(block) => {
            format!("{words} {{{}}}", block.statements.iter().map(shown).collect::<Vec<_>>().join("; "))
        }
    }
}

fn parse_files(files: Memory, environment: &Environment) -> Parsed {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let tree = parse(Path::new("/etc/k.conf"), &files, environment, &mut sources, &mut report).unwrap();
    Parsed { tree, sources, report }
}

fn parse_text(text: impl Into<Vec<u8>>) -> Parsed {
    let environment = Environment {
        host_name: "alpha.example.org".to_owned(),
        variables: [("HOME".to_owned(), "/root".to_owned())].into(),
        ..Environment::default()
    };
    parse_files(Memory::default().with("/etc/k.conf", text), &environment)
}

/// Each text gives this tree and no finding.
#[test]
fn well_formed_texts() {
    let cases: &[(&str, &str)] = &[
        ("a b # c\n! d\ne", "a b; e"),
        ("a b#c\na b!c", "a b; a b"),
        ("a \"b # c ! d\" e", "a b # c ! d e"),
        ("a '# b' c", "a # b c"),
        ("a it's # b's", "a it's"),
        ("a abcd\" efg\"h", "a abcd efgh"),
        ("a \"\\x41\\102\\t\\\"\\cA\"", "a AB\t\"\u{1}"),
        ("a \\#b \\!c", "a #b !c"),
        ("x y {\n a\n}", "x y {a}"),
        ("x y\n\n# c\n{\n a\n}", "x y {a}"),
        ("x y{\n a\n}", "x y {a}"),
        ("x { 1.2.3.4 }", "x {1.2.3.4}"),
        ("x { state BACKUP\n y }", "x {state BACKUP; y}"),
        ("x {a}y{b}", "x {a}; y {b}"),
        ("x {\n}y {\n}", "x {}; y {}"),
        ("x {\r\n a 1\r\n}\r\n", "x {a 1}"),
        ("a b \\\n  c\nd", "a b c; d"),
        ("x {}", "x {}"),
        ("", ""),
        ("\n\n   \n# only\n", ""),
    ];
    for (text, tree) in cases {
        let parsed = parse_text(*text);
        assert_eq!(parsed.shown(), *tree, "{text:?}");
        assert_eq!(parsed.findings(), [""; 0], "{text:?}");
    }
}

#[test]
fn definitions() {
    let cases: &[(&str, &str)] = &[
        ("$A=1\nx $A", "x 1"),
        ("$A=1 2 \nx $A y", "x 1 2 y"),
        ("$A=1\nx ${A}2", "x 12"),
        ("$A=1\n$B=${A}2\nx $B", "x 12"),
        ("$A=\nx $A y", "x y"),
        ("$A=v \\\n w { \\\n  a \\\n }\nx\n$A\ny", "x; v; w {a}; y"),
        (
            "$N=VI\n$I= \\\nvrrp_instance ${N} { \\\n state $S \\\n}\n$S=BACKUP\n$I",
            "vrrp_instance VI {state BACKUP}",
        ),
        ("x ${_PWD}", "x /etc"),
        ("x ${_INSTANCE}", "x alpha"),
        ("x ${_ENV HOME}", "x /root"),
        ("x a${_HASH}b\ny a ${_BANG} b", "x a; y a"),
        ("$DEBUG=${_HASH}\n$DEBUG x\ny", "y"),
        ("$M= \\\n m1 \\\n m2 a\nx${M}", "xm1; m2 a"),
        ("@alpha x 1\n@beta x 2\n@^alpha x 3\n@^beta x 4", "x 1; x 4"),
        ("@beta $A=1\n@^beta $A=2\nx $A", "x 2"),
        ("x { @alpha y 1\n@beta y 2\n}", "x {y 1}"),
        ("x { @beta y 1 }\ny 2 }", "x {y 2}"),
        ("x { ~SEQ(i, 2) y $i\n}", "x {y 1; y 2}"),
        ("x { $A=1\ny $A }", "x {y 1}"),
        ("x \"{ @beta\" y", "x { @beta y"),
        ("~SEQ(i, 3) x $i", "x 1; x 2; x 3"),
        ("~SEQ(i, 2, 4) x${i}", "x2; x3; x4"),
        ("~SEQ(i, 4, -2, 0) x $i", "x 4; x 2; x 0"),
        ("~SEQx(i, 9, 11) x $i", "x 9; x a; x b"),
        ("~LST(n, a, b) x $n", "x a; x b"),
        ("~LST({n, m}, {a, 1}, {b}) x $n $m", "x a 1; x b"),
        ("~SEQ(i, 1, 2) ~LST(n, a, b) x 10.0.$i ${n}", "x 10.0.$i a"),
        ("$E=3\n~SEQ(i, 2, $E) x $i", "x 2; x 3"),
    ];
    for (text, tree) in cases {
        let parsed = parse_text(*text);
        if text.contains("10.0") {
            // `$i` follows a dot: it is replaced, a blank comes after it.
            assert_eq!(parsed.shown(), "x 10.0.1 a; x 10.0.1 b; x 10.0.2 a; x 10.0.2 b");
        } else {
            assert_eq!(parsed.shown(), *tree, "{text:?}");
        }
        assert_eq!(parsed.findings(), [""; 0], "{text:?}");
    }
}

#[test]
fn random_numbers_follow_the_seed() {
    let read = |seed| {
        let environment = Environment { random_seed: seed, ..Environment::default() };
        let files = Memory::default().with("/etc/k.conf", "x ${_RANDOM 5 7} ${_RANDOM} ${_RANDOM 9 9}");
        parse_files(files, &environment).shown()
    };
    assert_eq!(read(1), read(1));
    assert_ne!(read(1), read(2));
    let written = |seed| {
        let text = "random_seed 7\nx ${_RANDOM} ${_RANDOM}";
        let environment = Environment { random_seed: seed, ..Environment::default() };
        parse_files(Memory::default().with("/etc/k.conf", text), &environment).shown()
    };
    assert_eq!(written(1), written(2), "the file's own seed goes before");
    for seed in 0..50 {
        let words: Vec<String> = read(seed).split(' ').map(str::to_owned).collect();
        assert!(["5", "6", "7"].contains(&words[1].as_str()), "{words:?}");
        assert!(words[2].parse::<u32>().unwrap() <= 32_767, "{words:?}");
        assert_eq!(words[3], "9");
    }
}

/// Each text gives these findings, and this tree all the same.
#[test]
fn what_is_wrong_and_what_is_understood() {
    let cases: &[(&str, &[&str], &str)] = &[
        ("\u{feff}a b", &["byte-order-mark@1:1"], "a b"),
        ("a \\\\remark { }\nb", &["backslash-remark@1:3"], "a; b"),
        ("x { \\\\remark\n a 1 \\\\二\n}", &["backslash-remark@1:5", "backslash-remark@2:6"], "x {a 1}"),
        ("a \"b\nc", &["grammar-unterminated-quote@1:3"], "a b; c"),
        ("a }\nb", &["grammar-stray-brace@1:3"], "a; b"),
        ("x {\n}\n}\ny {\n}", &["grammar-stray-brace@3:1"], "x {}; y {}"),
        ("{\n a\n}", &["grammar-stray-brace@1:1"], "a"),
        ("x {\n a", &["grammar-missing-brace@1:1"], "x {a}"),
        (
            "vrrp_instance A {\n a {\n  b\n}\nvrrp_instance B {\n}",
            &["grammar-missing-brace@1:1"],
            "vrrp_instance A {a {b}}; vrrp_instance B {}",
        ),
        (
            "vrrp_instance A\n state BACKUP\n}\nx",
            &["grammar-missing-brace@1:1"],
            "vrrp_instance A {state BACKUP}; x",
        ),
        ("x $UNKNOWN", &["undefined-name@1:3"], "x $UNKNOWN"),
        ("$A=1\nx $A/24", &["undefined-name@2:3"], "x $A/24"),
        ("x ${UNKNOWN}/24 y", &["undefined-name@1:3"], "x ${UNKNOWN}/24 y"),
        ("$A = 1 2 \nx $A y", &["definition-blank@1:1"], "x 1 2 y"),
        ("@id", &["empty-condition@1:1"], ""),
        ("~SEQ(i, 1, 0, 5) x", &["grammar-generator@1:1"], ""),
        ("~SEQ(i, 1 x", &["grammar-generator@1:1"], ""),
        ("~SEQ(i, 99999999) x", &["grammar-generator@1:1"], ""),
        ("~LST({a, b}, {1, 2, 3}) x", &["grammar-generator@1:1"], ""),
        ("~FOO(1) x", &["grammar-generator@1:1"], ""),
        ("include missing.conf\nx", &["include-missing@1:9"], "x"),
        ("include conf.d/*.conf\nx", &["include-missing@1:9"], "x"),
    ];
    for (text, findings, tree) in cases {
        let parsed = parse_text(*text);
        assert_eq!(parsed.findings(), *findings, "{text:?}");
        assert_eq!(parsed.shown(), *tree, "{text:?}");
    }
}

#[test]
fn a_missing_brace_is_traced_by_indentation() {
    let text = "vrrp_instance A {\n    authentication {\n        auth_type PASS\n    virtual_ipaddress {\n        1.2.3.4\n    }\n}\nvrrp_instance B {\n}\n";
    let parsed = parse_text(text);
    assert_eq!(parsed.findings(), ["grammar-missing-brace@1:1"]);
    let finding = &parsed.report.findings()[0];
    assert_eq!(finding.help, ["`authentication` probably lacks its `}`: add one before line 4"]);
    assert_eq!(finding.related.len(), 2);
}

#[test]
fn a_stray_brace_is_traced_by_indentation() {
    let text = "x A {\n    a {\n    }\n    }\n    b {\n    }\n}\n";
    let parsed = parse_text(text);
    assert_eq!(parsed.findings(), ["grammar-stray-brace@7:1"]);
    assert_eq!(
        parsed.report.findings()[0].help,
        ["by its indentation, the brace in line 4 is probably the one too many"]
    );
}

#[test]
fn words_that_are_not_utf8_are_named_and_comments_are_not() {
    let parsed = parse_text(&b"a \xb0 # \xb0\n"[..]);
    assert_eq!(parsed.findings(), ["not-utf8@1:3"]);
    assert_eq!(parsed.shown(), "a \u{fffd}");
}

#[test]
fn definitions_without_end_are_stopped() {
    let parsed = parse_text("$A=$A x\n$A");
    assert!(parsed.findings().iter().any(|f| f.starts_with("grammar-expansion")), "{:?}", parsed.findings());
    let mut doubling = "$A0=aaaaaaaaaaaaaaaa\n".to_owned();
    for i in 1..30 {
        doubling.push_str(&format!("$A{i}=${{A{0}}}${{A{0}}}\n", i - 1));
    }
    doubling.push_str("x $A29\n");
    let parsed = parse_text(doubling);
    assert!(parsed.findings().iter().any(|f| f.starts_with("grammar-expansion")), "{:?}", parsed.findings());
}

#[test]
fn includes_are_relative_nested_and_cycles_end() {
    let files = Memory::default()
        .with("/etc/k.conf", "a\ninclude d/*.conf\nx {\n include in.conf\n}\nb\n")
        .with("/etc/d/1.conf", "one\ninclude sub/s.conf\n")
        .with("/etc/d/2.conf", "two\ninclude 2.conf\n")
        .with("/etc/d/sub/s.conf", "sub ${_PWD}\n")
        .with("/etc/in.conf", "inner\n");
    let parsed = parse_files(files, &Environment::default());
    assert_eq!(parsed.shown(), "a; one; sub /etc/d/sub; two; x {inner}; b");
    assert_eq!(parsed.findings(), ["grammar-include-cycle@2:9"]);
}

#[test]
fn what_is_read_first_may_be_a_pattern() {
    let files = Memory::default()
        .with("/etc/d/1.conf", "one\ninclude in/1\n")
        .with("/etc/d/2.conf", "two\n")
        .with("/etc/d/in/1", "inner\n");
    let read = |path: &str| {
        let (mut sources, mut report) = (Sources::default(), Report::default());
        let tree = parse(Path::new(path), &files, &Environment::default(), &mut sources, &mut report);
        (tree.map(|tree| tree.len()), report.findings().iter().map(|f| f.id).collect::<Vec<_>>())
    };
    assert_eq!(read("/etc/d/*.conf"), (Some(3), vec![]));
    assert_eq!(read("/etc/d/{2,in/1}.conf"), (Some(1), vec![]));
    assert_eq!(read("/etc/*.conf"), (None, vec!["file-unreadable"]));
}

#[test]
fn includes_behind_braces_and_choices_within_choices() {
    let files = Memory::default()
        .with("/etc/k.conf", "x { include {in/{,a,b},c}.conf\ny }\ninclude in/*\n")
        .with("/etc/in/.conf", "hidden\n")
        .with("/etc/in/a.conf", "a\n")
        .with("/etc/in/b.conf", "b\n")
        .with("/etc/c.conf", "c\n");
    let parsed = parse_files(files, &Environment::default());
    assert_eq!(parsed.shown(), "x {hidden; a; b; c; y}; a; b");
    assert_eq!(parsed.findings(), [""; 0]);
}

#[test]
fn relative_paths_begin_at_the_directory_of_the_machine() {
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let files = Memory::default().with("k.conf", "x ${_PWD}").with("sub/k.conf", "x ${_PWD}");
    let environment = Environment { directory: "/srv".into(), ..Environment::default() };
    for (path, directory) in [("k.conf", "x /srv"), ("sub/k.conf", "x /srv/sub")] {
        let tree = parse(Path::new(path), &files, &environment, &mut sources, &mut report).unwrap();
        assert_eq!(shown(&tree[0]), directory);
    }
}

/// Every one of them used to take along all that was read before.
#[test]
fn stray_braces_without_end() {
    let parsed = parse_text("x {b}{\n".repeat(100_000));
    assert_eq!(parsed.tree.len(), 100_000);
    assert!(parsed.findings().len() < 1100, "{}", parsed.findings().len());
}

#[test]
fn stricter_includes() {
    let severity = |line: &str| {
        let files = Memory::default().with("/etc/k.conf", line).with("/etc/a.conf", "a");
        let parsed = parse_files(files, &Environment::default());
        parsed.report.findings().iter().map(|f| f.severity).collect::<Vec<_>>()
    };
    assert_eq!(severity("include *.cfg"), [Severity::Warning]);
    assert_eq!(severity("includew *.cfg"), [Severity::Error]);
    assert_eq!(severity("includem *.cfg"), [Severity::Warning]);
    assert_eq!(severity("includem missing.cfg"), [Severity::Error]);
    assert_eq!(severity("include {a,b}.conf"), []);
    assert_eq!(severity("includeb {a,b}.conf"), [Severity::Error]);
    assert_eq!(severity("includea {a,b}.conf"), [Severity::Error]);
}

#[test]
fn include_check_makes_what_follows_strict() {
    // An empty pattern of each kind after the words: how many findings are errors?
    let errors = |checks: &str| {
        let text = format!("{checks}\ninclude *.cfg\ninclude {{a,b}}.conf\n");
        let files = Memory::default().with("/etc/k.conf", text).with("/etc/a.conf", "a");
        let report = parse_files(files, &Environment::default()).report;
        report.findings().iter().filter(|f| f.severity == Severity::Error).map(|f| f.id).collect::<Vec<_>>()
    };
    let missing = "include-missing";
    assert_eq!(errors(""), [""; 0]);
    assert_eq!(errors("include_check"), [missing; 2]);
    for one in ["wildcard_match", "brace_match", "+wildcard_match", "wildcard_match -brace_match"] {
        assert_eq!(errors(&format!("include_check {one}")), [missing], "{one}");
    }
    assert_eq!(errors("include_check wildcard_match +brace_match"), [missing; 2]);
    assert_eq!(errors("include_check\ninclude_check -wildcard_match"), [missing]);
    assert_eq!(errors("include_check\ninclude_check readable"), [""; 0]);
    assert_eq!(errors("include_check\ninclude_check -wildcard_match -brace_match +match"), [""; 0]);
    assert_eq!(errors("include_check nonsense"), ["invalid-value"]);
    assert_eq!(errors("include_check wildcard_match brace_match"), ["invalid-value", missing]);
}

#[test]
fn include_check_of_an_included_file_ends_with_it() {
    let files = Memory::default()
        .with("/etc/k.conf", "include in.conf\ninclude *.cfg\n")
        .with("/etc/in.conf", "include_check\ninclude *.none\n");
    let report = parse_files(files, &Environment::default()).report;
    let severities: Vec<Severity> = report.findings().iter().map(|found| found.severity).collect();
    assert_eq!(severities, [Severity::Error, Severity::Warning]);
}

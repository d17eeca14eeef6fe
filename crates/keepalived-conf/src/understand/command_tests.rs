use super::*;

fn read(written: &str) -> (Option<Command>, Vec<&'static str>) {
    let text = format!("vrrp_script x {{\n script {written}\n}}\n");
    let loaded = crate::load_from(
        std::path::Path::new("k.conf"),
        &crate::Memory::default().with("k.conf", text),
        &crate::Environment::default(),
    );
    let command = loaded.config.scripts.first().map(|script| script.command.clone());
    (command, loaded.report.findings().iter().map(|f| f.id).collect())
}

fn exec(words: &[&str]) -> Option<Command> {
    Some(Command::Exec(words.iter().map(|w| (*w).to_owned()).collect()))
}

fn shell(shell: Shell, line: &str) -> Option<Command> {
    Some(Command::Shell { shell, line: line.to_owned() })
}

#[test]
fn lines_without_shell_words_are_started_directly() {
    let cases: &[(&str, &[&str])] = &[
        ("\"killall -0 nginx\"", &["killall", "-0", "nginx"]),
        ("\"[ -f /tmp/x ]\"", &["[", "-f", "/tmp/x", "]"]),
        ("/usr/bin/check", &["/usr/bin/check"]),
        ("/usr/bin/check one two", &["/usr/bin/check", "one", "two"]),
        ("\"/usr/bin/check 'one two'\"", &["/usr/bin/check", "one two"]),
        (
            "\"/bin/bash -c '[[ -f /tmp/x ]] && exit 1 || exit 0'\"",
            &["/bin/bash", "-c", "[[ -f /tmp/x ]] && exit 1 || exit 0"],
        ),
        (
            "\"/bin/sh -c 'test $(pgrep nginx | wc -l) -gt 0'\"",
            &["/bin/sh", "-c", "test $(pgrep nginx | wc -l) -gt 0"],
        ),
    ];
    for (written, words) in cases {
        let (command, findings) = read(written);
        assert_eq!(command, exec(words), "{written}");
        assert_eq!(findings, [""; 0], "{written}");
    }
}

/// What keepalived 2.2.7 gave to a program for each of these.
#[test]
fn escapes_in_a_quoted_command_are_read_twice() {
    let cases: &[(&str, &[&str])] = &[
        (r#""A \"exit 0\"""#, &["exit 0"]),
        (r#""A \"a b\" = 'a b'""#, &["a b", "=", "a b"]),
        (r#""A m 'a b' \"c d\" e\\ f x\"y\"z""#, &["m", "a b", "c d", "e f", "xyz"]),
        (r#""A b \"in ' er\" 'q\"q' tail""#, &["b", "in ' er", "q\"q", "tail"]),
        (r#"'A -f "sleep 1000"'"#, &["-f", "sleep 1000"]),
        (r#""A one\x20two""#, &["one", "two"]),
        (r#""A 'one\x20two'""#, &["one two"]),
        (r#""A 'it''s' \"\" '' -- \\\\ $HOME *""#, &["its", "", "", "--", "\\", "$HOME", "*"]),
        (r#""A a\\\"b""#, &["a\"b"]),
        (r#""A 'a\\\\nb' 'a\\nb' 'a\nb'""#, &["a\\nb", "a\nb", "a\nb"]),
        (r#""A 'a\\.b' 'a\.b'""#, &["a.b", "a.b"]),
        (r#""A -c 'test \"$0\" = \"x\"'""#, &["-c", "test \"$0\" = \"x\""]),
        (r#"'A -c "test \"a b\""'"#, &["-c", "test a", "b"]),
        (r#""A \'a b\' c""#, &["a b", "c"]),
        (r#""A 'a \'b\' c'""#, &["a b c"]),
        (r#""A \"a | b\" \;""#, &["a | b", ";"]),
        // A quote that nothing closes: 2.2.7 drops the command, 2.4.3 takes it for a character.
        (r#"'A don\'t'"#, &["don't"]),
    ];
    for (written, words) in cases {
        let (command, findings) = read(written);
        assert_eq!(command, exec(&[&["A"], *words].concat()), "{written}");
        assert_eq!(findings, [""; 0], "{written}");
    }
}

#[test]
fn lines_with_shell_words_are_given_to_a_shell() {
    let cases = [
        (
            "\"[[ -f /etc/keepalived/down ]] && exit 1 || exit 0\"",
            Shell::Bash,
            "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0",
        ),
        (
            "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0",
            Shell::Bash,
            "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0",
        ),
        (
            "\"[ -f /etc/hostname ] && exit 1 || exit 0\"",
            Shell::Posix,
            "[ -f /etc/hostname ] && exit 1 || exit 0",
        ),
        ("\"pgrep nginx | wc -l\"", Shell::Posix, "pgrep nginx | wc -l"),
        ("\"killall -0 nginx > /dev/null\"", Shell::Posix, "killall -0 nginx > /dev/null"),
        ("\"test $(pgrep -c nginx) -gt 0\"", Shell::Posix, "test $(pgrep -c nginx) -gt 0"),
        ("\"curl -s http://localhost/; exit $?\"", Shell::Posix, "curl -s http://localhost/; exit $?"),
        ("\"exit 1\"", Shell::Posix, "exit 1"),
        ("\"echo \\\"x\\\" | grep x\"", Shell::Posix, "echo \"x\" | grep x"),
    ];
    for (written, which, line) in cases {
        let (command, findings) = read(written);
        assert_eq!(command, shell(which, line), "{written}");
        assert_eq!(findings, ["shell-command"], "{written}");
    }
}

#[test]
fn a_file_that_has_to_open() {
    assert_eq!(read("\"</etc/hostname\"").0, Some(Command::FileOpens("/etc/hostname".into())));
}

#[test]
fn what_cannot_be_a_command_is_said() {
    assert_eq!(read("\"/usr/bin/check 'x\"").1, ["command-quote"]);
    assert_eq!(read("\"\"").1, ["empty-command"]);
}

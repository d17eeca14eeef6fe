//! `smtp_alert` end to end: a letter for each change of state, while the server is away, silent or
//! well; nothing waits for it.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use support::{Outcome, installed, possible, run};

/// Set in the sandbox: this test binary is the mail server there. Says how many connections are
/// met with silence before the first greeting.
const SERVE: &str = "TEST_MAIL_SERVER";

/// Not a test by itself: the mail server of the others.
#[test]
fn mail_server() {
    let Some(silent) = std::env::var(SERVE).ok().and_then(|n| n.parse::<usize>().ok()) else { return };
    let listener = TcpListener::bind("127.0.0.1:25").expect("port 25 is free");
    let mut held = Vec::new();
    for (count, client) in listener.incoming().enumerate() {
        let client = client.expect("a client");
        if count < silent {
            held.push(client);
        } else {
            std::thread::spawn(move || converse(client));
        }
    }
}

/// RFC 5321, as far as a letter needs it; prints what it is told.
fn converse(mut client: TcpStream) -> Option<()> {
    client.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let mut lines = BufReader::new(client.try_clone().ok()?).lines();
    client.write_all(b"220 sink ESMTP\r\n").ok()?;
    let mut letter = false;
    while let Some(Ok(line)) = lines.next() {
        println!("SMTP {line}");
        let answer: &[u8] = match (letter, line.get(..4).unwrap_or(&line)) {
            (true, ".") => {
                letter = false;
                b"250 taken\r\n"
            }
            (true, _) => continue,
            (false, "DATA") => {
                letter = true;
                b"354 go on\r\n"
            }
            (false, "QUIT") => b"221 bye\r\n",
            (false, _) => b"250 well\r\n",
        };
        client.write_all(answer).ok()?;
    }
    Some(())
}

fn life(program: &str, steps: &str) -> Outcome {
    run(&format!(
        r#"
        serve() {{ {SERVE}=$1 $TESTS --exact mail_server --nocapture --test-threads 1 >>/tmp/mail 2>&1 & }}
        ip link add ens33 type veth peer name other; ip addr add 10.0.0.1/24 dev ens33
        ip link set ens33 up; ip link set other up; touch /tmp/mail
        printf '#!/bin/sh\necho $1 >>/tmp/notified\n' >/etc/keepalived/notify.sh; chmod 755 /etc/keepalived/notify.sh
        cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {{
    notification_email {{
        root@localhost
        jevon@example.org
    }}
    notification_email_from ka_admin@example.org
    smtp_server 127.0.0.1
    smtp_connect_timeout 30
    router_id keepaliveA
    enable_script_security
    script_user root
}}
vrrp_instance VI_A {{
    state BACKUP
    interface ens33
    virtual_router_id 51
    priority 100
    smtp_alert
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    notify_master "/etc/keepalived/notify.sh master"
}}
X
        master() {{ ip addr show ens33 | grep -q 10.0.0.100; }}
        subject() {{ grep -q "Subject: .*Entering $1 state" /tmp/mail; }}
        start() {{ {program} -n -l -D -G >/tmp/log 2>&1 & }}
        {steps}
        cat /tmp/mail
        "#,
    ))
}

fn letters(outcome: &Outcome) -> Vec<String> {
    assert!(outcome.success, "{}", outcome.text);
    let said = ["SMTP MAIL FROM", "SMTP RCPT TO", "SMTP Subject: ", "SMTP To: ", "SMTP From: "];
    let lines = outcome.text.lines().filter(|line| said.iter().any(|start| line.starts_with(start)));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// The address and the script come in time although the server refuses; the letters come when it is there.
#[test]
fn a_server_that_is_down_at_first() {
    if !possible() {
        return;
    }
    let outcome = life(
        "keepalived",
        r#"
        start
        until_ 6 master || fail 'the address waits for the mail server'
        until_ 2 grep -q master /tmp/notified || fail 'the notify script waits for the mail server'
        serve 0
        until_ 40 subject MASTER || { cat /tmp/log; fail 'no letter about MASTER'; }
        subject BACKUP || fail 'no letter about BACKUP'
        "#,
    );
    let letters = letters(&outcome).join("\n");
    assert!(letters.contains("MAIL FROM:<ka_admin@example.org>"), "{letters}");
    assert!(letters.contains("RCPT TO:<root@localhost>"), "{letters}");
    assert!(letters.contains("RCPT TO:<jevon@example.org>"), "{letters}");
    assert!(
        letters.contains("Subject: [keepaliveA] VRRP Instance VI_A - Entering MASTER state"),
        "{letters}"
    );
}

/// A server that accepts and says nothing holds up letters only.
#[test]
fn a_server_that_is_silent() {
    if !possible() {
        return;
    }
    let outcome = life(
        "keepalived",
        r#"
        serve 1; until_ 5 bash -c 'ss -ltn | grep -q 127.0.0.1:25'
        start
        until_ 6 master || fail 'the address waits for the mail server'
        until_ 2 grep -q master /tmp/notified || fail 'the notify script waits for the mail server'
        kill %2; until_ 4 bash -c '! ip addr show ens33 | grep -q 10.0.0.100' || fail 'the stop waits for the mail server'
        "#,
    );
    assert!(outcome.success, "{}", outcome.text);
}

#[test]
fn the_letters_are_the_originals() {
    if !possible() || !installed("keepalived") {
        return;
    }
    let steps = r#"
        serve 0; until_ 5 bash -c 'ss -ltn | grep -q 127.0.0.1:25'
        start; until_ 20 subject MASTER || { cat /tmp/log; fail 'no letter'; }
    "#;
    let of_master = |program| {
        let letters = letters(&life(program, steps));
        let at = letters.iter().position(|line| line.contains("MASTER")).expect("a letter");
        letters[at].clone()
    };
    assert_eq!(of_master("keepalived"), of_master("/usr/sbin/keepalived"));
}

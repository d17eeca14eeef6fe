//! Mail, in real conversations with a small server.

use super::*;
use crate::message::Mail;
use keepalived_conf::model;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What a server heard before and in one letter.
#[derive(Debug, Default)]
struct Heard {
    commands: Vec<String>,
    letter: Vec<String>,
}

impl Heard {
    fn header(&self, name: &str) -> Vec<&str> {
        let head = self.letter.iter().take_while(|line| !line.is_empty());
        head.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }

    fn body(&self) -> Vec<&str> {
        self.letter.iter().map(String::as_str).skip_while(|line| !line.is_empty()).skip(1).collect()
    }
}

/// Answers to commands that begin with a text, instead of 250.
type Answers = &'static [(&'static str, &'static str)];

/// Serves conversations one after the other.
fn serve(listener: TcpListener, answers: Answers) -> Receiver<Heard> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if converse(stream, answers, &sender).is_none() {
                return;
            }
        }
    });
    receiver
}

/// `None` when nobody listens to what was heard any more.
fn converse(mut stream: TcpStream, answers: Answers, sender: &Sender<Heard>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut say = move |text: &str| stream.write_all(format!("{text}\r\n").as_bytes());
    let mut heard = Heard::default();
    say("220 sink ESMTP").ok();
    while let Some(Ok(line)) = lines.next() {
        heard.commands.push(line.clone());
        let answer = answers.iter().find(|(start, _)| line.starts_with(start)).map(|(_, answer)| *answer);
        if line == "DATA" && answer.is_none() {
            say("354 go on").ok();
            for line in lines.by_ref().map_while(Result::ok).take_while(|line| line != ".") {
                heard.letter.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
            }
            sender.send(std::mem::take(&mut heard)).ok()?;
        }
        say(answer.unwrap_or("250 fine")).ok();
        if line == "QUIT" {
            break;
        }
    }
    Some(())
}

fn settings(listener: &TcpListener) -> model::Mail {
    let address = listener.local_addr().unwrap();
    model::Mail {
        to: vec!["sysadmin@firewall.loc".into(), "Second Admin <root@localhost>".into()],
        from: Some("Alexandre.Cassen@firewall.loc".into()),
        server: Some((address.ip().to_string(), address.port())),
        connect_timeout: LONG,
        helo_name: Some("lb1.example.org".into()),
        alert: true,
        ..model::Mail::default()
    }
}

fn with(mail: model::Mail) -> Global {
    Global { mail, ..as_root() }
}

fn patient() -> Times {
    Times { mail_waits: vec![Duration::from_millis(20); 500], ..Times::default() }
}

fn mail(subject: &str, body: &str) -> ToRunner {
    ToRunner::Mail(Mail { subject: subject.into(), body: body.into() })
}

fn host() -> String {
    rustix::system::uname().nodename().to_str().unwrap().to_owned()
}

#[test]
fn a_letter_as_the_server_hears_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::new();
    bench.configure(with(settings(&listener)), vec![]);
    let sink = serve(listener, &[]);
    bench
        .send(&mail("[] VRRP Instance VI_1 - Entering MASTER state", "=> VRRP Instance\n.\nis now owning\n"));
    let heard = sink.recv_timeout(LONG).unwrap();
    let commands: Vec<&str> = heard.commands.iter().map(|line| line.trim_end()).collect();
    assert_eq!(
        commands,
        [
            "EHLO lb1.example.org",
            "MAIL FROM:<Alexandre.Cassen@firewall.loc>",
            "RCPT TO:<sysadmin@firewall.loc>",
            "RCPT TO:<root@localhost>",
            "DATA"
        ]
    );
    assert_eq!(heard.header("From"), ["Alexandre.Cassen@firewall.loc"]);
    assert_eq!(heard.header("Subject"), [format!("[{}] VRRP Instance VI_1 - Entering MASTER state", host())]);
    assert_eq!(heard.header("X-Mailer"), ["Keepalived"]);
    assert_eq!(heard.header("Date").len(), 1);
    assert_eq!(heard.header("Message-ID").len(), 1);
    assert!(heard.header("To")[0].contains("sysadmin@firewall.loc"), "{heard:?}");
    assert_eq!(heard.body()[..3], ["=> VRRP Instance", ".", "is now owning"]);
    bench.logged("was sent to sysadmin@firewall.loc, root@localhost");
}

#[test]
fn what_is_not_written_is_filled_in() {
    let listener = TcpListener::bind("[::1]:0").or_else(|_| TcpListener::bind("127.0.0.1:0")).unwrap();
    let mut bench = Bench::new();
    let mail_settings =
        model::Mail { to: vec!["root".into()], from: None, helo_name: None, ..settings(&listener) };
    bench.configure(with(mail_settings), vec![]);
    let sink = serve(listener, &[]);
    bench.send(&mail("[lb1] hello", "hello"));
    let heard = sink.recv_timeout(LONG).unwrap();
    let host = host();
    let commands: Vec<&str> = heard.commands.iter().map(|line| line.trim_end()).collect();
    assert_eq!(commands[0], format!("EHLO {host}"));
    assert_eq!(commands[1], format!("MAIL FROM:<keepalived@{host}>"));
    assert_eq!(commands[2], format!("RCPT TO:<root@{host}>"));
    assert_eq!(heard.header("Subject"), ["[lb1] hello"]);
}

#[test]
fn a_server_that_is_down_gets_its_mail_in_order_once_it_is_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut bench = Bench::with(patient());
    bench.configure(with(settings(&listener)), vec![]);
    drop(listener);
    bench.send(&mail("first", ""));
    bench.send(&mail("second", ""));
    let line = bench.logged("mail `first` to sysadmin@firewall.loc, root@localhost could not be sent yet");
    assert!(line.contains("refused"), "{line}");
    let sink = serve(TcpListener::bind(address).unwrap(), &[]);
    assert_eq!(sink.recv_timeout(LONG).unwrap().header("Subject"), ["first"]);
    assert_eq!(sink.recv_timeout(LONG).unwrap().header("Subject"), ["second"]);
    bench.stop().unwrap();
}

#[test]
fn a_server_that_says_later_is_asked_again_and_not_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::with(Times { mail_waits: vec![Duration::from_millis(20); 2], ..Times::default() });
    bench.configure(with(settings(&listener)), vec![]);
    let _sink = serve(listener, &[("RCPT", "451 greylisted")]);
    bench.send(&mail("later", ""));
    let line =
        bench.logged("mail `later` to sysadmin@firewall.loc, root@localhost is given up after 3 attempts");
    assert!(line.contains("451"), "{line}");
}

#[test]
fn a_recipient_that_is_refused_does_not_cost_the_others_theirs() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::new();
    bench.configure(with(settings(&listener)), vec![]);
    let sink = serve(listener, &[("RCPT TO:<sysadmin", "550 no such user")]);
    bench.send(&mail("one of two", ""));
    let heard = sink.recv_timeout(LONG).unwrap();
    assert_eq!(heard.commands.iter().filter(|line| line.starts_with("RCPT")).count(), 1, "{heard:?}");
    let line = bench.logged("to sysadmin@firewall.loc is refused by 127.0.0.1:");
    assert!(line.contains("550"), "{line}");
    bench.logged("was sent to root@localhost");
}

#[test]
fn a_server_that_hangs_keeps_nobody_waiting() {
    // It is connected to, and never says a word.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::with(Times { farewell: Duration::from_millis(100), ..patient() });
    let done = bench.path("done");
    bench.configure(with(settings(&listener)), vec![check("chk", exec(&["true"]))]);
    bench.send(&mail("stuck", ""));
    let _connected = listener.accept().unwrap();
    for _ in 0..5 {
        assert_eq!(bench.result(), Outcome::Exited(0));
    }
    let touch = Task { command: exec(&["touch", done.to_str().unwrap()]), user: None, arguments: vec![] };
    bench.notify("VI_1", vec![touch]);
    wait_for("the notification", || done.exists().then_some(()));
    bench.stop().unwrap();
    bench.logged("mail `stuck` was not sent: we stop");
}

#[test]
fn a_server_that_hangs_is_left_after_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::with(Times { mail_waits: vec![], ..Times::default() });
    let impatient = model::Mail { connect_timeout: Duration::from_millis(50), ..settings(&listener) };
    bench.configure(with(impatient), vec![]);
    bench.send(&mail("stuck", ""));
    bench.logged("mail `stuck` to sysadmin@firewall.loc, root@localhost is given up after 1 attempts");
}

#[test]
fn a_mail_under_way_is_sent_before_stopping() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::with(Times { farewell: LONG, ..Times::default() });
    bench.configure(with(settings(&listener)), vec![]);
    let sink = serve(listener, &[]);
    bench.send(&mail("goodbye", ""));
    bench.stop().unwrap();
    assert_eq!(sink.try_recv().unwrap().header("Subject"), ["goodbye"]);
}

#[test]
fn without_a_server_nothing_is_sent_and_that_is_said() {
    let mut bench = Bench::new();
    bench.configure(as_root(), vec![]);
    bench.send(&mail("nowhere", ""));
    bench.logged("mail `nowhere` is not sent: global_defs has no smtp_server");
}

/// Line breaks and other separators that mail programs have taken for one.
const BREAKS: [&str; 12] = [
    "\r\n", "\n", "\r", "\r\r\n", "\n\r", "\r\n ", "\r\n\t", "\0\r\n", "\u{b}\n", "\u{85}", "\u{2028}",
    "\r\n\r\n",
];
const HEADERS: [&str; 5] = [
    "Bcc: victim@example.org",
    "To: victim@example.org",
    "Subject: other",
    "Content-Type: text/html",
    ".\r\nRSET",
];

#[test]
fn a_subject_adds_no_header_no_recipient_and_no_command() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::with(Times { farewell: LONG, ..Times::default() });
    bench.configure(with(settings(&listener)), vec![]);
    let sink = serve(listener, &[]);
    let mut vectors = 0;
    for line_break in BREAKS {
        for header in HEADERS {
            vectors += 1;
            bench.send(&mail(
                &format!("[] VI{line_break}{header}"),
                &format!("body{line_break}.{line_break}{header}"),
            ));
            let heard = sink.recv_timeout(LONG).unwrap();
            let head: Vec<&String> = heard.letter.iter().take_while(|line| !line.is_empty()).collect();
            let names: Vec<&str> = head
                .iter()
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split(':').next().unwrap())
                .collect();
            let mut expected = [
                "Content-Transfer-Encoding",
                "Content-Type",
                "Date",
                "From",
                "Message-ID",
                "Subject",
                "To",
                "X-Mailer",
            ]
            .to_vec();
            let mut sorted = names.clone();
            sorted.sort_unstable();
            expected.sort_unstable();
            assert_eq!(sorted, expected, "{line_break:?} {header:?}: {head:#?}");
            assert_eq!(heard.header("Content-Type"), ["text/plain; charset=utf-8"]);
            assert_eq!(heard.commands.len(), 5, "{heard:?}");
        }
    }
    assert_eq!(vectors, 60);
}

#[test]
fn addresses_that_are_none_are_left_out_and_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut bench = Bench::new();
    let mut settings = settings(&listener);
    let bad = [
        "a@b.org\r\nRCPT TO:<victim@example.org>",
        "a@b.org\nBcc: victim@example.org",
        "a@b.org> <victim@example.org",
        "a b@c d",
        "@",
        "",
    ];
    settings.to.extend(bad.map(str::to_owned));
    settings.from = Some("me@here.org\r\nBcc: victim@example.org".into());
    settings.helo_name = Some("me\r\nRCPT TO:<victim@example.org>".into());
    bench.configure(with(settings), vec![]);
    let sink = serve(listener, &[]);
    bench.send(&mail("s", "b"));
    let heard = sink.recv_timeout(LONG).unwrap();
    assert_eq!(heard.commands.iter().filter(|line| line.starts_with("RCPT")).count(), 2, "{heard:?}");
    assert_eq!(heard.commands.len(), 5, "{heard:?}");
    assert!(heard.commands[1].starts_with("MAIL FROM:<keepalived@"));
    assert!(heard.header("Bcc").is_empty());
    bench.logged("is no mail address");
}

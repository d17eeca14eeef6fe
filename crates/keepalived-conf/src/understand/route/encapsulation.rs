//! `encap ip|ip6|mpls|ila …` of a route or nexthop.

use super::byte;
use crate::grammar::Word;
use crate::model::{Encapsulation, IpTunnel};
use crate::understand::names::Kind;
use crate::understand::reader::{Line, Reader};
use crate::value;
use diagnostic::Diagnostic;
use std::str::FromStr;

/// Labels of MPLS have 20 bits.
const GREATEST_LABEL: u64 = (1 << 20) - 1;

/// Reads what follows `encap`.
pub(super) fn read(option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<Encapsulation> {
    let kind = line.value(option, reader)?;
    match kind.text.as_str() {
        "ip" => tunnel(kind, ["tos", "ttl"], line, reader).map(Encapsulation::Ip),
        "ip6" => tunnel(kind, ["tc", "hoplimit"], line, reader).map(Encapsulation::Ip6),
        "mpls" => {
            let word = line.value(option, reader)?;
            labels(&word.text).map(Encapsulation::Mpls).or_else(|| misfit(word, "MPLS labels", reader))
        }
        "ila" => {
            let word = line.value(option, reader)?;
            locator(&word.text).map(Encapsulation::Ila).or_else(|| misfit(word, "an ILA locator", reader))
        }
        other => {
            let message = format!("`{other}` is not an encapsulation");
            let finding = Diagnostic::error("invalid-value", kind.span, message);
            reader.say(finding.help("encapsulations are ip, ip6, mpls and ila"));
            None
        }
    }
}

fn misfit<T>(word: &Word, what: &str, reader: &mut Reader<'_>) -> Option<T> {
    reader.error("invalid-value", word.span, format!("`{}` is not {what}", word.text));
    None
}

/// `id`, `dst`, `src`, the class, the hop limit and `flags` in any order.
fn tunnel<A: FromStr>(
    kind: &Word,
    [class, hops]: [&str; 2],
    line: &mut Line<'_>,
    reader: &mut Reader<'_>,
) -> Option<IpTunnel<A>> {
    let mut tunnel = IpTunnel::default();
    while let Some(option) = line.peek() {
        let name = option.text.as_str();
        if !matches!(name, "id" | "dst" | "src" | "flags") && name != class && name != hops {
            break;
        }
        line.next();
        let Some(word) = line.next() else {
            reader.error("missing-argument", option.span, format!("`{name}` needs a value"));
            return None;
        };
        let number = value::unsigned(&word.text);
        let bad = |reader: &mut Reader<'_>| misfit::<()>(word, &format!("a value of `{name}`"), reader);
        match name {
            "id" if number.is_some() => tunnel.id = number,
            "dst" | "src" => {
                let Ok(address) = word.text.parse() else { return bad(reader).and(None) };
                *(if name == "dst" { &mut tunnel.destination } else { &mut tunnel.source }) = Some(address);
            }
            "flags" if number.is_some_and(|n| n <= u64::from(u16::MAX)) => {
                tunnel.flags = number.and_then(|n| u16::try_from(n).ok());
            }
            _ if name == class => tunnel.traffic_class = Some(byte(Kind::Dsfield, "class", word, reader)?),
            _ if name == hops && number.is_some_and(|n| n <= u64::from(u8::MAX)) => {
                tunnel.hop_limit = number.and_then(|n| u8::try_from(n).ok());
            }
            _ => return bad(reader).and(None),
        }
    }
    if tunnel.destination.is_none() && tunnel.id.is_none() {
        reader.error("missing-argument", kind.span, format!("`encap {}` needs `dst` or `id`", kind.text));
        return None;
    }
    Some(tunnel)
}

/// One or two labels with `/` in between.
fn labels(text: &str) -> Option<Vec<u32>> {
    let label =
        |text| value::unsigned(text).filter(|n| *n <= GREATEST_LABEL).and_then(|n| u32::try_from(n).ok());
    let labels: Option<Vec<u32>> = text.split('/').map(label).collect();
    labels.filter(|labels| labels.len() <= 2)
}

/// Four groups of up to four hexadecimal digits with `:` in between.
fn locator(text: &str) -> Option<u64> {
    let groups: Option<Vec<u64>> =
        text.split(':').map(|group| u16::from_str_radix(group, 16).ok().map(u64::from)).collect();
    let groups = groups.filter(|groups| groups.len() == 4)?;
    Some(groups.iter().fold(0, |all, group| all << 16 | group))
}

//! Gateways: `via`, and `nexthop … nexthop …`.

use super::{encapsulation, realms, same_family};
use crate::grammar::Word;
use crate::model::{Family, NextHop};
use crate::registry::Context;
use crate::understand::reader::{Line, Reader};
use std::net::IpAddr;

/// `[inet|inet6] ADDRESS` behind `via`.
pub(super) fn gateway(
    option: &Word,
    line: &mut Line<'_>,
    family: &mut Option<Family>,
    reader: &mut Reader<'_>,
) -> Option<IpAddr> {
    let mut word = line.value(option, reader)?;
    let said = match word.text.as_str() {
        "inet" => Some(Family::Ipv4),
        "inet6" => Some(Family::Ipv6),
        _ => None,
    };
    if let Some(said) = said {
        same_family(family, said, word, reader)?;
        word = line.value(option, reader)?;
    }
    let address = reader.address(word)?;
    same_family(family, Family::of(address), word, reader)?;
    Some(address)
}

/// Everything behind the first `nexthop`.
pub(super) fn read_all(
    line: &mut Line<'_>,
    family: &mut Option<Family>,
    reader: &mut Reader<'_>,
) -> Option<Vec<NextHop>> {
    line.enter(Context::NextHopOption);
    let mut hops = vec![NextHop::default()];
    while let Some(option) = line.next() {
        if option.text == "nexthop" {
            hops.push(NextHop::default());
            continue;
        }
        let Some(hop) = hops.last_mut() else { break };
        if line.row(option, reader).is_none() {
            reader.say(line.unknown(option).help("the route is left out"));
            return None;
        }
        match option.text.as_str() {
            "via" => hop.via = Some(gateway(option, line, family, reader)?),
            "dev" => {
                let word = line.value(option, reader)?;
                hop.dev = Some(reader.device(word)?);
            }
            "weight" => hop.weight = line.value(option, reader)?.text.parse().ok(),
            "onlink" => hop.onlink = true,
            "encap" => hop.encapsulation = Some(encapsulation::read(option, line, reader)?),
            "realms" => {
                let word = line.value(option, reader)?;
                hop.realms = Some(realms(word, reader)?);
                same_family(family, Family::Ipv4, option, reader)?;
            }
            _ => {
                line.take("to");
                line.next();
            }
        }
    }
    Some(hops)
}

//! Metrics of a route: `mtu`, `advmss`, `rtt` and the like, some with `lock`.

use super::number;
use crate::grammar::Word;
use crate::model::{RouteMetric, RouteMetrics};
use crate::understand::reader::{Line, Reader};
use crate::value;
use diagnostic::Diagnostic;

/// Least and greatest time that keepalived lets a route have, ms.
const TIMES: (u64, u64) = (200, 120_000);

/// Reads the value of a metric.
pub(super) fn read(
    metrics: &mut RouteMetrics,
    option: &Word,
    line: &mut Line<'_>,
    reader: &mut Reader<'_>,
) -> Option<()> {
    match option.text.as_str() {
        "mtu" => metrics.mtu = Some(plain(option, line, reader)?),
        "advmss" => metrics.advmss = Some(plain(option, line, reader)?),
        "reordering" => metrics.reordering = Some(plain(option, line, reader)?),
        "cwnd" => metrics.cwnd = Some(plain(option, line, reader)?),
        "ssthresh" => metrics.ssthresh = Some(plain(option, line, reader)?),
        "rtt" => metrics.rtt = Some(time(8, option, line, reader)?),
        "rttvar" => metrics.rttvar = Some(time(4, option, line, reader)?),
        "rto_min" => metrics.rto_min = Some(time(1, option, line, reader)?),
        "window" => metrics.window = Some(number(option, line, reader)?),
        "initcwnd" => metrics.initcwnd = Some(number(option, line, reader)?),
        "initrwnd" => metrics.initrwnd = Some(number(option, line, reader)?),
        "hoplimit" => metrics.hoplimit = Some(line.value(option, reader)?.text.parse().ok()?),
        "quickack" => metrics.quickack = Some(line.value(option, reader)?.text == "1"),
        "fastopen_no_cookie" => metrics.fastopen_no_cookie = Some(line.value(option, reader)?.text == "1"),
        "features" => {
            line.value(option, reader)?;
            metrics.ecn = true;
        }
        _ => {
            let locked = line.take("lock");
            metrics.congctl = Some((line.value(option, reader)?.text.clone(), locked));
        }
    }
    Some(())
}

/// `[lock] NUMBER`.
fn plain(option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<RouteMetric> {
    let locked = line.take("lock");
    Some(RouteMetric { value: number(option, line, reader)?, locked })
}

/// `[lock] NUMBER` in the kernel's unit, or a time with `s` or `ms`.
fn time(per_ms: u64, option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<RouteMetric> {
    let locked = line.take("lock");
    let word = line.value(option, reader)?;
    let Some(units) = units(per_ms, &word.text) else {
        let message = format!("`{}` of `{}` is not a time", word.text, option.text);
        reader.say(
            Diagnostic::error("invalid-value", word.span, message).help("write it with `s` or `ms` behind"),
        );
        return None;
    };
    let within = units.clamp(TIMES.0 * per_ms, TIMES.1 * per_ms);
    if within != units {
        let message =
            format!("`{} {}` is out of bounds: {} ms is taken", option.text, word.text, within / per_ms);
        reader.warn("out-of-bounds", word.span, message, "times are from 200 ms to 120 s");
    }
    Some(RouteMetric { value: u32::try_from(within).ok()?, locked })
}

fn units(per_ms: u64, text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let seconds = ["secs", "sec", "s"].into_iter().find_map(|unit| lower.strip_suffix(unit));
    let Some(number) = seconds else {
        return value::microseconds(text).map(|millionths| millionths / 1_000_000);
    };
    let micros = match number.strip_suffix('m') {
        Some(milliseconds) => value::microseconds(milliseconds)? / 1000,
        None => value::microseconds(number)?,
    };
    micros.checked_mul(per_ms).map(|units| units / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_units_of_the_kernel() {
        assert_eq!(units(8, "300ms"), Some(2400));
        assert_eq!(units(8, "0.5s"), Some(4000));
        assert_eq!(units(4, "1secs"), Some(4000));
        assert_eq!(units(8, "1600"), Some(1600));
        assert_eq!(units(1, "xs"), None);
    }
}

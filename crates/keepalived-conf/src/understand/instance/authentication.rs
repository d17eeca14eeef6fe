//! `authentication { }` and `auth_hmac { }`.

use super::super::global::{number, time};
use super::super::reader::Reader;
use crate::grammar::Word;
use crate::model::{AntiReplay, AuthHmac, Authentication, Family, HmacKey, HmacMode, Secret, Version};
use crate::placement::{Body, Item};
use diagnostic::Diagnostic;
use std::path::Path;
use std::time::Duration;

/// Bytes of a key for HMAC-SHA256.
const KEY: std::ops::RangeInclusive<usize> = 32..=64;

/// Longest and shortest window when none is written.
const WINDOW: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// Reads both blocks; `auth_hmac` goes before the old way.
pub(super) fn read(
    body: &Body<'_>,
    version: Version,
    family: Family,
    reader: &mut Reader<'_>,
) -> Authentication {
    let blocks: Vec<_> = body.all("authentication").collect();
    let old = blocks.last().map(|block| (block, legacy(&blocks, block, version, family, reader)));
    let Some(block) = body.last("auth_hmac") else {
        return old.map_or(Authentication::None, |(_, old)| old);
    };
    let Some(hmac) = hmac(block, body, reader) else {
        return old.map_or(Authentication::None, |(_, old)| old);
    };
    if let Some((old, kind)) = old
        && kind != Authentication::None
    {
        reader.say(
            Diagnostic::warning(
                "two-authentications",
                old.span(),
                "`auth_hmac` counts, and this is left out",
            )
            .related(block.span(), "the other one")
            .help("remove one of the two blocks"),
        );
    }
    Authentication::Hmac(hmac)
}

/// Several blocks are read as one, the last of each word counting.
fn legacy(
    blocks: &[&Item<'_>],
    block: &Item<'_>,
    version: Version,
    family: Family,
    reader: &mut Reader<'_>,
) -> Authentication {
    let last = |word| blocks.iter().rev().find_map(|block| block.body.last(word)).and_then(Item::first);
    let (kind, pass) = (last("auth_type"), last("auth_pass"));
    let none = |message: &str, help: &str, reader: &mut Reader<'_>| {
        reader.warn("no-authentication", block.span(), message, help);
        Authentication::None
    };
    let kind = match kind {
        Some(word) if matches!(word.text.as_str(), "PASS" | "AH") => word,
        Some(word) => {
            reader.say(
                Diagnostic::error(
                    "invalid-value",
                    word.span,
                    format!("`{}` is not a type of authentication; none is used", word.text),
                )
                .suggest(&word.text, ["PASS", "AH"])
                .help("types are PASS and AH"),
            );
            return Authentication::None;
        }
        None => {
            let help = "add `auth_type PASS`, or remove the block";
            return none("without `auth_type` there is no authentication", help, reader);
        }
    };
    let Some(pass) = pass.filter(|pass| !pass.text.is_empty()) else {
        let help = "add `auth_pass PASSWORD`, or remove the block";
        return none("without `auth_pass` there is no authentication", help, reader);
    };
    if version == Version::V3 {
        reader.warn(
            "version-3-authentication",
            block.span(),
            "VRRPv3 has no authentication (RFC 5798 §9): this block is left out",
            "remove it on every router, or write `auth_hmac`, which keepalived knows from 2.4 on",
        );
        return Authentication::None;
    }
    if kind.text == "AH" && family == Family::Ipv6 {
        return none("`auth_type AH` is for IPv4 alone: none is used", "use `auth_hmac`", reader);
    }
    let key = key(pass, reader);
    if kind.text == "AH" { Authentication::Ah(key) } else { Authentication::Pass(key) }
}

fn key(pass: &Word, reader: &mut Reader<'_>) -> [u8; 8] {
    let password = password(pass, reader);
    let bytes = password.as_bytes();
    if bytes.len() > 8 {
        reader.warn(
            "long-password",
            pass.span,
            format!("only the first 8 of {} bytes are the password", bytes.len()),
            "all routers of the group compare 8 bytes; the password is sent in clear text",
        );
    }
    let mut key = [0; 8];
    let len = bytes.len().min(8);
    key[..len].copy_from_slice(&bytes[..len]);
    key
}

/// The password as it goes on the wire: of quotes and escapes, keepalived reads only `"` in this
/// place.
fn password(word: &Word, reader: &mut Reader<'_>) -> String {
    let literal = word.raw.replace('"', "");
    if word.raw.starts_with('\'') {
        reader.warn(
            "quoted-password",
            word.span,
            "here `'` is part of the password and ends at no blank",
            "leave quotes out, or write `\"`",
        );
        return literal.split_whitespace().next().unwrap_or_default().to_owned();
    }
    literal
}

fn hmac(block: &Item<'_>, instance: &Body<'_>, reader: &mut Reader<'_>) -> Option<AuthHmac> {
    let body = &block.body;
    let mut keys: Vec<HmacKey> = Vec::new();
    for item in body.all("key") {
        let Some(key) = hmac_key(item, reader) else { continue };
        if keys.iter().any(|known| known.id == key.id) {
            let message = format!("there is already a key {}", key.id);
            let finding = Diagnostic::error("duplicate-name", item.span(), message);
            reader.say(finding.help("the first one counts"));
            continue;
        }
        keys.push(key);
    }
    let active = body.last("active_key").and_then(|item| item.first());
    let active_key = number(active).and_then(|id| u8::try_from(id).ok());
    let Some(active_key) = active_key.filter(|id| keys.iter().any(|key| key.id == *id)) else {
        let message = match active_key {
            None => "`auth_hmac` has no `active_key`".to_owned(),
            Some(id) => format!("there is no key {id}"),
        };
        let span = active.map_or(block.span(), |word| word.span);
        let finding = Diagnostic::error("no-active-key", span, message);
        reader.say(
            finding.help("name the number of a `key`; without it `auth_hmac` is left out, as in keepalived"),
        );
        return None;
    };
    let text = |name| body.last(name).and_then(|item| item.first()).map(|word| word.text.as_str());
    let window = body.last("time_window");
    let anti_replay = if text("anti_replay") == Some("monotonic") {
        if let Some(item) = window {
            let message = "`time_window` means nothing beside `anti_replay monotonic`";
            reader.warn("unneeded-word", item.span(), message, "remove one of the two");
        }
        AntiReplay::Monotonic
    } else {
        let seconds = window.and_then(|item| number(item.first())).map(Duration::from_secs);
        let interval = instance.last("advert_int").and_then(|item| time(item.first()));
        let whole = Duration::from_secs(interval.map_or(1, |interval| interval.as_secs()));
        AntiReplay::Time(seconds.unwrap_or((whole * 3).clamp(WINDOW.0, WINDOW.1)))
    };
    let mode = match text("mode") {
        Some("permissive") => HmacMode::Permissive,
        Some("receive-only") => HmacMode::ReceiveOnly,
        _ => HmacMode::Enforce,
    };
    Some(AuthHmac { keys, active_key, anti_replay, mode })
}

/// `ID VALUE`: the bytes as text, `hex:…`, or `file:PATH`.
fn hmac_key(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<HmacKey> {
    let id = number(item.first()).and_then(|id| u8::try_from(id).ok())?;
    let value = item.arguments().get(1)?;
    let text = match value.text.strip_prefix("file:") {
        None => value.text.clone().into_bytes(),
        Some(path) => match reader.files.read(Path::new(path)) {
            Ok(mut bytes) => {
                while matches!(bytes.last(), Some(b'\n' | b'\r')) {
                    bytes.pop();
                }
                bytes
            }
            Err(error) => {
                let message = format!("the key cannot be read from `{path}`: {error}");
                reader.say(
                    Diagnostic::error("key-unreadable", value.span, message).help("the key is left out"),
                );
                return None;
            }
        },
    };
    let bytes = match text.strip_prefix(b"hex:") {
        None => Some(text),
        Some(digits) => hexadecimal(digits),
    };
    let Some(bytes) = bytes.filter(|bytes| KEY.contains(&bytes.len())) else {
        let message = format!("key {id} is not of 32 to 64 bytes");
        reader.say(
            Diagnostic::error("invalid-value", value.span, message)
                .help("`hex:` and 64 digits make a key of 32 bytes: `openssl rand -hex 32`")
                .help("the key is left out"),
        );
        return None;
    };
    Some(HmacKey { id, secret: Secret(bytes) })
}

/// Pairs of digits.
fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

//! Whether a failing script really makes the peer take over.

use super::same_router;
use crate::Loaded;
use crate::model::{TrackWeight, VrrpInstance};
use diagnostic::{Diagnostic, Report, Span};

pub(super) fn check(loaded: &Loaded, peer: Option<&Loaded>, report: &mut Report) {
    for (instance, places) in loaded.config.instances.iter().zip(&loaded.places.instances) {
        let other = peer.and_then(|p| p.config.instances.iter().find(|o| same_router(instance, o)));
        for (i, (tracked, span)) in instance.track_scripts.iter().zip(&places.track_scripts).enumerate() {
            let weight = tracked.weight;
            if weight.weight == 0 {
                continue;
            }
            let sound = priority(instance, None);
            let failed = priority(instance, Some(i));
            match other {
                Some(other) => against(instance, other, &tracked.name, *span, (sound, failed), report),
                None if peer.is_none() => alone(instance, &tracked.name, *span, (sound, failed), report),
                None => {}
            }
        }
    }
}

/// What a script adds to the priority.
fn effect(weight: TrackWeight, up: bool) -> i32 {
    let active = if weight.weight > 0 { up != weight.reverse } else { up == weight.reverse };
    if active { weight.weight } else { 0 }
}

/// The effective priority with every script up but one.
fn priority(instance: &VrrpInstance, failed: Option<usize>) -> i32 {
    if instance.priority == 255 {
        return 255;
    }
    let scripts = instance.track_scripts.iter().enumerate();
    let moved: i32 = scripts.map(|(i, tracked)| effect(tracked.weight, Some(i) != failed)).sum();
    (i32::from(instance.priority) + moved).clamp(1, 254)
}

fn alone(
    instance: &VrrpInstance,
    script: &str,
    span: Span,
    (sound, failed): (i32, i32),
    report: &mut Report,
) {
    if failed >= sound {
        return;
    }
    let between = match sound - failed {
        2 => format!("of {}", failed + 1),
        _ => format!("from {} to {}", failed + 1, sound - 1),
    };
    let mut finding = Diagnostic::hint(
        "track-weight",
        span,
        format!("when `{script}` fails, the priority of `{}` falls from {sound} to {failed}", instance.name),
    );
    finding = if sound - failed > 1 {
        finding.help(format!("a peer with a priority {between} then takes over"))
    } else {
        finding.help(format!("only a peer with priority {sound} and a lower address would then take over"))
    };
    report.push(finding.help("`check --peer FILE` proves it for the peer's file"));
}

fn against(
    ours: &VrrpInstance,
    theirs: &VrrpInstance,
    script: &str,
    span: Span,
    (sound, failed): (i32, i32),
    report: &mut Report,
) {
    let peer = priority(theirs, None);
    if sound < peer {
        return;
    }
    if failed < peer && theirs.nopreempt {
        report.push(
            Diagnostic::warning(
                "track-weight-nopreempt",
                span,
                format!("when `{script}` fails, the peer's {peer} beats {failed}, but it has `nopreempt` and stays BACKUP"),
            )
            .help("remove nopreempt there, or use weight 0: a failing script then gives the address up"),
        );
    } else if failed < peer {
        report.push(Diagnostic::hint(
            "track-weight-proved",
            span,
            format!(
                "when `{script}` fails, `{}` falls from {sound} to {failed} and the peer's {peer} takes over",
                ours.name
            ),
        ));
    } else {
        let tie = if failed == peer { ": at equal priority the higher address wins" } else { "" };
        report.push(
            Diagnostic::warning(
                "track-weight-too-small",
                span,
                format!("when `{script}` fails, `{}` falls from {sound} to {failed}, but the peer has {peer}{tie}", ours.name),
            )
            .label("the peer does not take over")
            .help(format!("a change of at least {} is needed", sound - peer + 1)),
        );
    }
}

//! What is tracked, and what it does to an instance: scripts with rise and fall, weights, and the
//! conditions that put an instance into FAULT.

use crate::Standing;
use std::fmt;

/// How a run of a script ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this status; 0 is success.
    Exited(i32),
    /// A signal ended it.
    Signalled(i32),
    /// It ran for too long and was killed.
    TimedOut,
    /// It could not be started, and why. keepalived would drop the check; here it counts as failed.
    NotRunnable(String),
}

impl Outcome {
    /// Whether the check passed.
    pub fn is_success(&self) -> bool {
        *self == Outcome::Exited(0)
    }
}

impl fmt::Display for Outcome {
    /// As keepalived ends the line `VRRP_Script(NAME) …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited(0) => f.write_str("succeeded"),
            Outcome::Exited(status) => write!(f, "failed (exited with status {status})"),
            Outcome::Signalled(signal) => write!(f, "failed (due to signal {signal})"),
            Outcome::TimedOut => f.write_str("timed_out"),
            Outcome::NotRunnable(why) => write!(f, "failed (cannot be run: {why})"),
        }
    }
}

/// `rise` and `fall` of a script, and what it counts as.
///
/// The counter is keepalived's: below `rise` the script is down. One success is enough for the first
/// verdict, and one failure, unless `init_fail` says that it starts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    rise: u32,
    fall: u32,
    counter: u32,
    known: bool,
}

impl Check {
    /// A script that has not run. `rise` and `fall` are at least 1.
    pub fn new(rise: u32, fall: u32, init_fail: bool) -> Self {
        let rise = rise.max(1);
        Self { rise, fall: fall.max(1), counter: if init_fail { 0 } else { rise - 1 }, known: init_fail }
    }

    /// A script whose verdict is known from before.
    pub fn restored(rise: u32, fall: u32, up: bool) -> Self {
        let mut check = Self::new(rise, fall, true);
        if up {
            check.counter = check.top();
        }
        check
    }

    fn top(&self) -> u32 {
        self.rise.saturating_add(self.fall) - 1
    }

    /// Whether it is up; `None` before the first result.
    pub fn up(&self) -> Option<bool> {
        self.known.then_some(self.counter >= self.rise)
    }

    /// Counts a run. Returns whether the verdict is new: the first one, or another than before.
    pub fn on(&mut self, success: bool) -> bool {
        let before = self.up();
        if !success {
            self.counter = if self.counter > self.rise { self.counter - 1 } else { 0 };
        } else if self.counter + 1 < self.rise {
            self.counter += 1;
        } else {
            self.counter = self.top();
        }
        self.known = true;
        self.up() != before
    }

    /// Takes other limits and keeps the verdict.
    pub fn reconfigure(&mut self, rise: u32, fall: u32) {
        if (rise, fall) != (self.rise, self.fall)
            && let Some(up) = self.up()
        {
            *self = Self::restored(rise, fall, up);
        }
    }
}

/// What something tracked does to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// −253 to 253. Positive is added while up, negative while down; 0 is FAULT while down.
    pub weight: i32,
    /// Positive is subtracted while up, negative added while down; with 0, FAULT while up.
    pub reverse: bool,
}

/// The effect of one tracked thing at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None.
    None,
    /// The instance cannot start before its first result.
    Waiting,
    /// It changes the priority.
    Priority(i32),
    /// It puts the instance into FAULT.
    Fault,
}

impl Weight {
    /// The effect when the tracked thing is up, down or not known yet.
    pub fn effect(self, up: Option<bool>) -> Effect {
        let signed = if self.reverse { -self.weight } else { self.weight };
        match (self.weight, up) {
            (0, None) => Effect::Waiting,
            (0, Some(up)) if up == self.reverse => Effect::Fault,
            (1.., Some(true)) | (..=-1, Some(false)) => Effect::Priority(signed),
            _ => Effect::None,
        }
    }
}

/// The sum of all effects on an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may take part.
    pub standing: Standing,
    /// The priority before clamping.
    pub priority: i32,
}

/// Adds up the effects of everything an instance tracks. A fault outweighs waiting.
pub fn verdict(base: u8, effects: impl IntoIterator<Item = Effect>) -> Verdict {
    let start = Verdict { standing: Standing::Fit, priority: i32::from(base) };
    effects.into_iter().fold(start, |mut verdict, effect| {
        match (effect, verdict.standing) {
            (Effect::Priority(change), _) => verdict.priority += change,
            (Effect::Fault, _) => verdict.standing = Standing::Unfit,
            (Effect::Waiting, Standing::Fit) => verdict.standing = Standing::Waiting,
            (Effect::Waiting | Effect::None, _) => {}
        }
        verdict
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts after each of a row of results, `+` and `-`; `!` marks a new verdict.
    fn run(mut check: Check, results: &str) -> String {
        results
            .chars()
            .map(|result| {
                let changed = check.on(result == '+');
                format!(
                    "{}{}",
                    if check.up() == Some(true) { "up" } else { "down" },
                    if changed { "! " } else { " " }
                )
            })
            .collect()
    }

    #[test]
    fn one_result_settles_a_script_at_the_start() {
        assert_eq!(Check::new(3, 3, false).up(), None);
        assert_eq!(run(Check::new(3, 3, false), "+"), "up! ");
        assert_eq!(run(Check::new(3, 3, false), "-"), "down! ");
    }

    #[test]
    fn rise_and_fall_count_results_in_a_row() {
        assert_eq!(run(Check::new(2, 3, false), "+--+---++"), "up! up up up up up down! down up! ");
        assert_eq!(run(Check::new(3, 1, false), "+-++-+++"), "up! down! down down down down down up! ");
    }

    #[test]
    fn init_fail_needs_rise_successes() {
        assert_eq!(Check::new(2, 1, true).up(), Some(false));
        assert_eq!(run(Check::new(2, 1, true), "-++"), "down down up! ");
    }

    #[test]
    fn a_restored_verdict_needs_fall_failures() {
        assert_eq!(Check::restored(2, 2, true).up(), Some(true));
        assert_eq!(run(Check::restored(2, 2, true), "--"), "up down! ");
        assert_eq!(run(Check::restored(2, 2, false), "++"), "down up! ");
    }

    #[test]
    fn other_limits_keep_the_verdict() {
        let mut check = Check::new(2, 2, false);
        check.on(true);
        check.reconfigure(5, 4);
        assert_eq!(check.up(), Some(true));
        assert_eq!(run(check, "----"), "up up up down! ");
    }

    #[test]
    fn weights_add_subtract_or_fault() {
        let effect = |weight, reverse, up| Weight { weight, reverse }.effect(up);
        let (up, down, unknown) = (Some(true), Some(false), None);
        for (weight, reverse, state, expected) in [
            (20, false, up, Effect::Priority(20)),
            (20, false, down, Effect::None),
            (-20, false, up, Effect::None),
            (-20, false, down, Effect::Priority(-20)),
            (20, true, up, Effect::Priority(-20)),
            (20, true, down, Effect::None),
            (-20, true, up, Effect::None),
            (-20, true, down, Effect::Priority(20)),
            (0, false, up, Effect::None),
            (0, false, down, Effect::Fault),
            (0, true, up, Effect::Fault),
            (0, true, down, Effect::None),
            (0, false, unknown, Effect::Waiting),
            (20, false, unknown, Effect::None),
            (-20, false, unknown, Effect::None),
        ] {
            assert_eq!(effect(weight, reverse, state), expected, "{weight} {reverse} {state:?}");
        }
    }

    #[test]
    fn effects_add_up_and_a_fault_outweighs_waiting() {
        let effects = [Effect::Priority(-20), Effect::Priority(5), Effect::Waiting];
        assert_eq!(verdict(100, effects), Verdict { standing: Standing::Waiting, priority: 85 });
        let effects = [Effect::Waiting, Effect::Fault, Effect::Waiting];
        assert_eq!(verdict(1, effects), Verdict { standing: Standing::Unfit, priority: 1 });
        assert_eq!(verdict(255, []), Verdict { standing: Standing::Fit, priority: 255 });
    }

    #[test]
    fn outcomes_in_keepalived_s_words() {
        for (outcome, words) in [
            (Outcome::Exited(0), "succeeded"),
            (Outcome::Exited(1), "failed (exited with status 1)"),
            (Outcome::Signalled(9), "failed (due to signal 9)"),
            (Outcome::TimedOut, "timed_out"),
            (Outcome::NotRunnable("no such file".into()), "failed (cannot be run: no such file)"),
        ] {
            assert_eq!(outcome.to_string(), words);
            assert_eq!(outcome.is_success(), words == "succeeded");
        }
    }
}

//! Which of the programs that run here a command is for.

use crate::supervisor::Face;
use crate::supervisor::names::Name;
use clap::Args;

/// Which program a command is for.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Choice {
    /// Which program, as `status` names it; what stands behind the `@` is enough
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
}

impl Choice {
    /// All that are meant: every one, if none is named.
    pub(super) fn all(&self, running: Vec<Name>) -> Result<Vec<Name>, String> {
        let Some(word) = &self.instance else { return Ok(running) };
        let meant: Vec<Name> = running.iter().filter(|name| name.is_meant_by(word)).cloned().collect();
        match meant.as_slice() {
            [] if running.is_empty() => Err(nothing()),
            [] => Err(format!("there is no {word} here, but {}", list(&running))),
            _ => Ok(meant),
        }
    }

    /// The one that is meant. If none is named, it is `backstay run` among those of these faces, else the
    /// only one.
    pub(super) fn one(&self, running: Vec<Name>, faces: &[Face]) -> Result<Name, String> {
        let mut meant = self.all(running)?;
        if self.instance.is_none() {
            meant.retain(|name| faces.contains(&name.face));
        }
        match (meant.as_slice(), &self.instance) {
            ([], _) => Err(nothing()),
            ([one], _) => Ok(one.clone()),
            ([first, ..], None) if *first == Name::usual(Face::Whole) => Ok(first.clone()),
            (several, _) => {
                Err(format!("{} run here: say which one is meant with --instance NAME", list(several)))
            }
        }
    }
}

fn nothing() -> String {
    "nothing of ours runs here; start it with `backstay run` or `systemctl start backstay`".to_owned()
}

fn list(names: &[Name]) -> String {
    let names: Vec<String> = names.iter().map(Name::to_string).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(face: Face, instance: &str) -> Name {
        Name { face, instance: Some(instance.to_owned()) }
    }

    fn one(word: Option<&str>, running: &[Name]) -> Result<String, String> {
        let choice = Choice { instance: word.map(str::to_owned) };
        let chosen = choice.one(running.to_vec(), &[Face::Whole, Face::Keepalived]);
        chosen.map(|name| name.to_string())
    }

    #[test]
    fn without_a_word_it_is_the_whole_program_or_the_only_one() {
        let [whole, nginx] = [Face::Whole, Face::Nginx].map(Name::usual);
        let two = named(Face::Keepalived, "two");
        assert_eq!(one(None, &[whole, two.clone(), nginx.clone()]), Ok("backstay".to_owned()));
        assert_eq!(one(None, &[two.clone(), nginx.clone()]), Ok("keepalived@two".to_owned()));
        assert!(one(None, &[nginx]).unwrap_err().starts_with("nothing"));
        let why = one(None, &[Name::usual(Face::Keepalived), two]).unwrap_err();
        assert!(
            why.starts_with("keepalived and keepalived@two run here") && why.contains("--instance"),
            "{why}"
        );
    }

    #[test]
    fn a_word_means_that_one_or_none() {
        let running =
            [Name::usual(Face::Whole), named(Face::Keepalived, "two"), named(Face::Nginx, "/a.pid")];
        assert_eq!(one(Some("two"), &running), Ok("keepalived@two".to_owned()));
        assert_eq!(one(Some("nginx@/a.pid"), &running), Ok("nginx@/a.pid".to_owned()));
        let why = one(Some("three"), &running).unwrap_err();
        assert_eq!(why, "there is no three here, but backstay, keepalived@two and nginx@/a.pid");
        assert!(one(Some("two"), &[]).unwrap_err().starts_with("nothing"));
    }
}

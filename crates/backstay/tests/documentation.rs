//! `docs/compatibility-keepalived.md` and `docs/nginx.md` list every word with what becomes of it, from the
//! registries. `UPDATE=1` rewrites the lists.

use keepalived_conf::registry as ha;
use nginx_conf::registry as web;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

const BEGIN: &str = "<!-- generated: UPDATE=1 cargo test -p backstay --test documentation -->\n";
const END: &str = "<!-- end -->\n";

/// Asserts that what stands between the marks of a page is this, or writes it there.
fn expect(page: &str, list: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = std::fs::read_to_string(&path).expect("the page exists");
    let (before, rest) = text.split_once(BEGIN).expect("the page has a mark");
    let (there, after) = rest.split_once(END).expect("the page has an end mark");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{list}{END}{after}")).expect("the page can be written");
        return;
    }
    assert!(there == list, "docs/{page} is out of date: run this test with UPDATE=1");
}

/// A table of the rows of each state, under its own head.
fn tables(states: [(&str, &str); 3], rows: &BTreeMap<(usize, String), Vec<String>>) -> String {
    let mut text = String::new();
    for (state, (title, header)) in states.into_iter().enumerate() {
        let of_state: Vec<_> = rows.iter().filter(|((number, _), _)| *number == state).collect();
        let _ = write!(text, "\n## {title} ({})\n{header}\n", of_state.len());
        for ((_, name), cells) in of_state {
            let _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
        }
    }
    text.push('\n');
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Where rows of a state are listed, and under which title.
fn section(support: ha::Support) -> (usize, &'static str) {
    match support {
        ha::Support::Acts => (0, "Acting"),
        ha::Support::NoEffect(_) => (1, "No effect here, and why"),
        ha::Support::Understood => (2, "Understood, not acted on yet: an error"),
        ha::Support::Unsupported => (3, "LVS: later, an error"),
        ha::Support::Obsolete => (4, "No keepalived of today acts on it either"),
    }
}

/// Places and descriptions of a word.
type Cells = (Vec<String>, Vec<String>);

/// Tables of all sections that have rows; words of one name and state share a line.
fn sections(words: &[&ha::Keyword]) -> String {
    let mut rows: BTreeMap<(usize, &str), Cells> = BTreeMap::new();
    let mut titles = BTreeMap::new();
    for word in words {
        let (number, title) = section(word.support);
        titles.insert(number, title);
        let (places, docs) = rows.entry((number, word.name)).or_default();
        places.extend(word.contexts.iter().map(|context| context.title().to_owned()));
        let why = match word.support {
            ha::Support::NoEffect(why) => format!("{}: {why}", word.doc),
            _ => word.doc.to_owned(),
        };
        if !docs.contains(&why) {
            docs.push(why);
        }
    }
    let mut text = String::new();
    for (number, title) in titles {
        let of_section: Vec<_> = rows.iter().filter(|((n, _), _)| *n == number).collect();
        let _ = write!(
            text,
            "\n### {title} ({})\n| word | where | what it does |\n|---|---|---|\n",
            of_section.len()
        );
        for ((_, name), (places, docs)) in of_section {
            let _ = writeln!(text, "| `{name}` | {} | {} |", places.join(", "), cell(&docs.join("; ")));
        }
    }
    text
}

/// How many act of those that VRRP has; a word counts once, wherever it may stand, as in the tables. Words
/// of LVS and words that no keepalived acts on are not among them.
fn count(words: &[&ha::Keyword]) -> String {
    let rows: BTreeSet<_> = words.iter().map(|word| (section(word.support).0, word.name)).collect();
    let of = |wanted: ha::Support| rows.iter().filter(|(number, _)| *number == section(wanted).0).count();
    let acting = of(ha::Support::Acts);
    let without_effect = of(ha::Support::NoEffect(""));
    let waiting = of(ha::Support::Understood);
    let all = acting + without_effect + waiting;
    format!(
        "**{acting} of {all} act ({:.1} %)**; {without_effect} make no difference here, with the reason given; {waiting} are understood and not acted on yet.",
        100.0 * acting as f64 / all as f64
    )
}

#[test]
fn every_word_of_keepalived_is_listed() {
    let keywords: Vec<_> = ha::keywords().collect();
    let options: Vec<_> = ha::options().collect();
    let list = format!(
        "\n## Keywords\nOf the keywords of VRRP, BFD and the program, {}\n{}\n## Within lines, and values\nOf the options of addresses, routes, rules, peers and tracked objects, {}\n{}\n",
        count(&keywords),
        sections(&keywords),
        count(&options),
        sections(&options)
    );
    expect("compatibility-keepalived.md", &list);
}

#[test]
fn every_directive_of_nginx_is_listed() {
    let mut rows: BTreeMap<(usize, String), Vec<String>> = BTreeMap::new();
    for row in web::rows() {
        let (state, why) = match row.standing {
            web::Standing::Acting => (0, String::new()),
            web::Standing::NoEffect(reason) => (1, cell(reason)),
            web::Standing::Needs(other) => {
                (1, format!("it only tunes `{other}`, which is not supported yet"))
            }
            web::Standing::Unless(value) => (2, format!("accepted as `{value}`, which switches it off")),
            web::Standing::Unsupported => (2, String::new()),
        };
        let places: Vec<String> = row
            .contexts
            .iter()
            .map(|context| context.describe().trim_start_matches("in ").to_owned())
            .collect();
        let cells = rows.entry((state, row.name.to_owned())).or_insert_with(|| vec![String::new(); 2]);
        if !cells[0].is_empty() {
            cells[0].push_str(", ");
        }
        cells[0].push_str(&places.join(", "));
        if !cells[1].contains(&why) {
            cells[1].push_str(&why);
        }
    }
    let states = [
        ("Acting", "| directive | where | |\n|---|---|---|"),
        ("No effect here, and why", "| directive | where | why |\n|---|---|---|"),
        ("Not supported yet: an error", "| directive | where | but |\n|---|---|---|"),
    ];
    expect("nginx.md", &tables(states, &rows));
}

//! `docs/keepalived.md` and `docs/nginx.md` list every word with what becomes of it, from the
//! registries. `UPDATE=1` rewrites the lists.

use keepalived_conf::registry as ha;
use nginx_conf::registry as web;
use std::collections::BTreeMap;
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

#[test]
fn every_word_of_keepalived_is_listed() {
    let mut rows: BTreeMap<(usize, String), Vec<String>> = BTreeMap::new();
    for word in ha::keywords() {
        let state = match word.support {
            ha::Support::Acts => 0,
            ha::Support::Obsolete => 1,
            ha::Support::Unsupported => 2,
        };
        let places: Vec<&str> = word.contexts.iter().map(|context| context.title()).collect();
        let cells = rows.entry((state, word.name.to_owned())).or_insert_with(|| vec![String::new(); 2]);
        for (cell_text, more) in cells.iter_mut().zip([places.join(", "), cell(word.doc)]) {
            if !cell_text.is_empty() {
                cell_text.push_str("; ");
            }
            cell_text.push_str(&more);
        }
    }
    let header = "| word | where | what it does |\n|---|---|---|";
    let states = [
        ("Acting", header),
        ("No effect: no keepalived of today acts on it either", header),
        ("Not supported yet: an error", header),
    ];
    expect("keepalived.md", &tables(states, &rows));
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

//! Names and contents that upset a shell, all the way from HCL to a host and back.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::lab::lend_one;
use crate::stack::Stack;

/// What a name or a content may be made of, the awkward before the plain.
const PIECES: &[&str] = &[
    "'",
    "\"",
    "\\",
    "$(touch /srv/ran)",
    "`touch /srv/ran`",
    "$HOME",
    "${PATH}",
    "\n",
    "\t",
    " ",
    "  ",
    ";",
    "&",
    "|",
    "<",
    ">",
    "*",
    "?",
    "[a]",
    "{b,c}",
    "~",
    "#",
    "!",
    "%s",
    "%",
    "-",
    "--help",
    "-n",
    "é",
    "日本",
    "🦀",
    "\u{301}",
    "\r",
    "\u{1b}[31m",
    "=",
    "EOF",
    "a",
    "\u{7f}",
    "\\n",
    "\\0",
    "CONTENT-",
];

/// A text of HCL, as a template that stands for it.
fn quoted(text: &str) -> String {
    let letter = |letter: char| match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '$' => "\\u0024".to_owned(),
        '%' => "\\u0025".to_owned(),
        letter if u32::from(letter) < 32 || u32::from(letter) == 127 => {
            format!("\\u{:04x}", u32::from(letter))
        }
        letter => letter.to_string(),
    };
    format!("\"{}\"", text.chars().map(letter).collect::<String>())
}

fn text(random: &mut StdRng, pieces: usize) -> String {
    let count = random.random_range(1..=pieces);
    (0..count).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect()
}

/// A word of the shell, by other means than those of the program.
fn octal(text: &str) -> String {
    text.bytes().map(|byte| format!("\\{byte:03o}")).collect()
}

#[test]
fn awkward_names_and_contents() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let mut random = StdRng::seed_from_u64(11);
    let mut files: Vec<(String, String)> = vec![
        ("-rf".into(), "-n".into()),
        (" ".into(), String::new()),
        ("a\nb".into(), "no line feed at the end".into()),
        ("nul".into(), "a\0b\0\0\n".into()),
        ("ends\n".into(), "\n\n".into()),
        ("\\".into(), "\\".into()),
        ("it's".into(), "'".into()),
        ("...".into(), "MAIN\nEOF\nfinish\n}\n".into()),
    ];
    for number in 0..24 {
        files.push((format!("{}{number}", text(&mut random, 6).replace('/', "_")), text(&mut random, 40)));
    }
    let block = |(number, (name, content)): (usize, &(String, String))| {
        format!(
            "resource \"host_file\" \"f{number}\" {{\n  path = {}\n  content = {}\n  create_parents = true\n  on_destroy = \"restore\"\n}}\n",
            quoted(&format!("/srv/an 'odd' $(place)/{name}")),
            quoted(content)
        )
    };
    let text: String = files.iter().enumerate().map(block).collect();
    let stack = Stack::of(hosts.lab(), &(host.block("") + &text));
    stack.apply().done().says(&[&format!("{} created", files.len())]);
    for (name, content) in &files {
        let path = octal(&format!("/srv/an 'odd' $(place)/{name}"));
        let script = format!(
            "f=$(printf '{path}.'); [ \"$(printf '{}' | sha256sum)\" = \"$(sha256sum <\"${{f%.}}\")\" ]",
            octal(content)
        );
        let held = host.try_sh(&script);
        assert_eq!(held.code, 0, "{name:?} holds {content:?}: {held}");
    }
    stack.plan().done();
    // Each of them is touched by hand, and the plan sees each.
    host.sh("cd \"/srv/an 'odd' \\$(place)\" && for f in .* *; do [ ! -f \"./$f\" ] || echo more >>\"./$f\"; done");
    stack.plan().code(2).says(&[&format!("{} to update", files.len())]);
    stack.apply().done();
    stack.plan().done();
    stack.destroy().done();
    host.sh("rmdir \"/srv/an 'odd' \\$(place)\"");
    host.is_as(&before, "nothing else was made, nor run");
}

#[test]
fn awkward_values_of_other_resources() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let mut random = StdRng::seed_from_u64(13);
    let line = |random: &mut StdRng| {
        let line: String = text(random, 12).chars().filter(|letter| !letter.is_control()).collect();
        format!("x{}y", line.replace('\u{301}', ""))
    };
    let lines: Vec<String> = (0..8).map(|_| line(&mut random)).collect();
    let mut blocks = String::new();
    for (number, line) in lines.iter().enumerate() {
        let (name, value) = (quoted(&format!("/srv/d {number} {}", line.replace('/', "_"))), quoted(line));
        blocks += &format!(
            r#"
resource "host_directory" "d{number}" {{
  path = {name}
}}
resource "host_line" "l{number}" {{
  path  = "/srv/lines{number}"
  match = {}
  line  = {}
}}
resource "host_env_file" "e{number}" {{
  path   = "/srv/variables{number}"
  values = {{ VALUE = {value} }}
}}
resource "host_command" "c{number}" {{
  run         = "printf %s \"$VALUE\" >\"$TO\""
  environment = {{ VALUE = {value}, TO = "/srv/command{number}" }}
  working_directory = host_directory.d{number}.path
  on_destroy  = "rm \"$TO\""
}}
"#,
            quoted(&format!("k{number}")),
            quoted(&format!("k{number} {line}")),
        );
    }
    let stack = Stack::of(hosts.lab(), &(host.block("") + &blocks));
    stack.apply().done();
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(host.sh(&format!("cat /srv/lines{number}")), format!("k{number} {line}\n"));
        assert_eq!(host.sh(&format!("cat /srv/command{number}")), *line);
        // As a shell reads it, which is one of those for whom it is written.
        assert_eq!(host.sh(&format!(". /srv/variables{number}; printf %s \"$VALUE\"")), *line);
    }
    stack.plan().done();
    stack.destroy().done();
    host.is_as(&before, "nothing else was made, nor run");
}

//! The layout compared with Terraform's, on samples that have every construct, and on versions of them with other spaces.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::*;

/// How many versions of each sample are made.
const VERSIONS: u64 = 8;

/// What Terraform does otherwise, on purpose: `(text, ours, Terraform's, why)`. Everything else must be the same.
const DIFFERENCES: &[(&str, &str, &str, &str)] = &[
    (
        "a /* why */ b {\n}\n",
        "a /* why */ \"b\" {\n}\n",
        "a \"b\" {\n}\n",
        "Terraform drops comments between labels; comments are kept",
    ),
    (
        "a \"\t\" {\n}\n",
        "a \"\t\" {\n}\n",
        "a \"\\t\" {\n}\n",
        "Terraform escapes labels anew; what is in quotes stays as it was written",
    ),
    (
        "a = \"${(b) ||\n(c)}\"\n",
        "a = ((b) ||\n(c))\n",
        "a = (b) ||\n(c)\n",
        "Terraform takes these parentheses for one pair and writes what it cannot read",
    ),
];

fn samples() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [folder.join("tests/format"), folder.join("../../examples/quickstart")];
    let files = files.iter().flat_map(|folder| formattable(folder, false).unwrap());
    files
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// The text with some spaces more and some less, still one that can be formatted.
fn mutated(text: &str, seed: u64) -> String {
    let mut numbers = Numbers(seed);
    let mut changed = text.to_owned();
    for _ in 0..text.len() / 40 {
        let place = numbers.below(changed.len());
        if !changed.is_char_boundary(place) {
            continue;
        }
        let mut next = changed.clone();
        match next.as_bytes()[place] {
            b' ' | b'\t' if numbers.below(2) == 0 => drop(next.remove(place)),
            // A tab in a label is one of the known differences.
            _ if is_quoted(&next, place) => next.insert(place, ' '),
            _ => next.insert_str(place, [" ", "   ", "\t", "\n"][numbers.below(4)]),
        }
        if format("", &next).is_ok() {
            changed = next;
        }
    }
    changed
}

fn is_quoted(text: &str, place: usize) -> bool {
    text[..place].rsplit('\n').next().is_some_and(|line| line.matches('"').count() % 2 == 1)
}

/// What Terraform makes of each text; `None` for one that it refuses. `None` altogether if there is no Terraform.
fn by_terraform(texts: &BTreeMap<String, String>) -> Option<BTreeMap<String, Option<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(format!("{name}.tf"));
    for (name, text) in texts {
        fs::write(path(name), text).unwrap();
    }
    let mut command = Command::new("terraform");
    let command = command.args(["fmt", "-no-color"]).current_dir(folder.path());
    // The exit code says whether any file is refused; which ones, standard error.
    let output = command.stdin(Stdio::null()).output().ok()?;
    let complaints = String::from_utf8(output.stderr).unwrap();
    let formatted = |name: &String| {
        let refused = complaints.contains(&format!("on {name}.tf line"));
        (name.clone(), (!refused).then(|| fs::read_to_string(path(name)).unwrap()))
    };
    Some(texts.keys().map(formatted).collect())
}

fn by_us(text: &str) -> String {
    format("", text).unwrap_or_else(|refused| panic!("{text}\n{refused:?}"))
}

#[test]
fn the_layout_is_that_of_terraform() {
    let mut texts = samples();
    for (name, text) in samples() {
        texts.extend((0..VERSIONS).map(|seed| (format!("{name}_{seed}"), mutated(&text, seed))));
    }
    let Some(expected) = by_terraform(&texts) else {
        eprintln!("NOT RUN: there is no terraform here to compare the layout with");
        return;
    };
    let compared = texts.iter().filter_map(|(name, text)| Some((name, text, expected[name].as_ref()?)));
    let mut count = 0;
    for (name, text, expect) in compared {
        let ours = by_us(text);
        assert!(ours == *expect, "{}{name} is\n{text}", unified::exact(name, expect, &ours));
        count += 1;
    }
    assert!(
        count * 10 >= texts.len() * 9,
        "terraform refuses {} of {} texts",
        texts.len() - count,
        texts.len()
    );
}

#[test]
fn where_the_layout_is_not_that_of_terraform_has_a_reason() {
    let texts: BTreeMap<_, _> =
        DIFFERENCES.iter().enumerate().map(|(at, (text, ..))| (at.to_string(), (*text).to_owned())).collect();
    for (text, ours, ..) in DIFFERENCES {
        assert_eq!(&by_us(text), ours);
    }
    let Some(theirs) = by_terraform(&texts) else {
        eprintln!("NOT RUN: there is no terraform here to compare the layout with");
        return;
    };
    for (at, (text, _, expect, why)) in DIFFERENCES.iter().enumerate() {
        assert_eq!(theirs[&at.to_string()].as_deref(), Some(*expect), "no longer true of {text}: {why}");
    }
}

#[test]
fn what_is_formatted_stays_formatted() {
    for (name, text) in samples() {
        for seed in 100..102 {
            let once = by_us(&mutated(&text, seed));
            assert_eq!(by_us(&once), once, "{name} {seed}");
        }
    }
}

#[test]
fn a_file_keeps_its_mode_and_a_link_stays_one() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("a.hcl"), folder.path().join("b.hcl"));
    fs::write(&file, "a=1\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&file, &link).unwrap();
    replace(&link, "a = 1\n").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&file).unwrap(), "a = 1\n");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

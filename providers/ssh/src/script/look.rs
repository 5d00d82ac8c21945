//! The program that looks at everything a plan asks of one host.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::native::Sight;
use super::task::{Guards, Question, Setting};
use super::{Program, assign, program, quote};
use crate::account::{Account, Known};

/// So many paths go into one argument list at most…
const BATCH_FILES: usize = 500;
/// …and so many bytes of them.
const BATCH_BYTES: usize = 100_000;

/// One file to look at.
#[derive(Clone, Debug)]
pub(crate) struct FileLook<'a> {
    /// The number of its records.
    pub(crate) index: usize,
    /// Where it lies.
    pub(crate) path: &'a str,
    /// The SHA-256 that it shall have, if that is known.
    pub(crate) want: Option<String>,
    /// Whether its content is of interest when it has another one.
    pub(crate) content: bool,
}

/// One command whose guards are to be asked.
#[derive(Clone, Debug)]
pub(crate) struct GuardLook<'a> {
    /// The number of its record.
    pub(crate) index: usize,
    /// Its guards.
    pub(crate) guards: Guards<'a>,
    /// Where they run.
    pub(crate) setting: Setting<'a>,
}

/// All that one program looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Looks<'a> {
    /// Files.
    pub(crate) files: Vec<FileLook<'a>>,
    /// Guards.
    pub(crate) guards: Vec<GuardLook<'a>>,
    /// Commands that tell something.
    pub(crate) questions: Vec<Question<'a>>,
    /// What the commands of libraries look at.
    pub(crate) sights: Vec<Sight>,
    /// The numbers under which the host is to tell about itself.
    pub(crate) facts: Vec<usize>,
    /// Users and groups of which it shall tell whether they are there.
    pub(crate) accounts: BTreeSet<Account>,
    /// The number under which it does.
    pub(crate) accounts_index: usize,
}

impl Looks<'_> {
    /// Whether there is nothing to look at.
    pub(crate) fn is_empty(&self) -> bool {
        let commands = self.guards.len() + self.questions.len();
        self.files.is_empty() && commands == 0 && self.sights.is_empty() && self.facts.is_empty()
    }
}

/// The program that looks at all of this. With `singly`, at each file by processes of its own: slower, but no file can get in the way
/// of another.
pub(crate) fn look(nonce: &str, looks: &Looks<'_>, timeout: bool, singly: bool) -> Program {
    let mut body = files(&looks.files, singly);
    if !looks.facts.is_empty() {
        body.push_str(include_str!("facts.sh"));
    }
    for index in &looks.facts {
        let _ = writeln!(body, "facts {index}");
    }
    body.push_str(&Known::ask(&looks.accounts, looks.accounts_index));
    body.push_str(&sights(&looks.sights));
    if !looks.guards.is_empty() || !looks.questions.is_empty() {
        body.push_str(&assign("timeout", if timeout { "1" } else { "0" }));
        body.push_str(include_str!("run.sh"));
    }
    for look in &looks.guards {
        body.push_str(&look.guards.ask(nonce, &look.setting));
        let _ = writeln!(body, "say settled {} \"$settled\"", look.index);
    }
    body.extend(looks.questions.iter().map(|question| question.ask(nonce)));
    program(nonce, &body)
}

/// Each library once, then all that they look at.
fn sights(sights: &[Sight]) -> String {
    let libraries: BTreeSet<_> = sights.iter().map(|sight| sight.library).collect();
    libraries.into_iter().map(str::to_owned).chain(sights.iter().map(Sight::line)).collect()
}

fn files(files: &[FileLook<'_>], singly: bool) -> String {
    let mut body = String::new();
    if files.is_empty() {
        return body;
    }
    body.push_str(include_str!("look.sh"));
    let (mut count, mut bytes) = (0, 0);
    for file in files {
        // A tool may print such a name in a form of its own, on several lines even.
        let alone = singly || file.path.contains(['\n', '\\']);
        if count > 0 && (alone || count == BATCH_FILES || bytes + file.path.len() > BATCH_BYTES) {
            body.push_str("measure\n");
            (count, bytes) = (0, 0);
        }
        let want = file.want.as_deref().unwrap_or("-");
        let _ = writeln!(body, "look {} {} {want} {}", file.index, quote(file.path), u8::from(file.content));
        (count, bytes) = if alone { (BATCH_FILES, 0) } else { (count + 1, bytes + file.path.len()) };
    }
    if count > 0 {
        body.push_str("measure\n");
    }
    body
}

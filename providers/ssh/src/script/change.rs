//! The programs that write and remove files.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::{Program, assign, confirming, program};

/// Content of up to so many bytes is a part of the program.
const INLINE_LIMIT: usize = 64 * 1024;

/// What has to be there for the change to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Guard<'a> {
    /// Just this version; the version of nothing is `absent`.
    Exact(&'a str),
    /// This version, or what is wanted: the answer to an earlier attempt was lost.
    ExactOrDone(&'a str),
    /// Whatever it is.
    Any,
}

/// Whether what is there is put aside for the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// No.
    No,
    /// Yes, even if something was put aside in an earlier life of the file.
    Yes,
    /// Yes, unless something was put aside already.
    IfMissing,
}

/// What becomes of a file at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// It goes.
    Remove,
    /// What was there before comes back.
    Restore,
    /// It stays.
    Keep,
}

/// One file to be written.
#[derive(Clone, Debug)]
pub(crate) struct Write<'a> {
    /// Where.
    pub(crate) path: &'a str,
    /// What.
    pub(crate) content: &'a [u8],
    /// Its permissions as octal digits without leading zeros.
    pub(crate) mode: &'a str,
    /// Its user, by name or number.
    pub(crate) owner: Option<&'a str>,
    /// Its group, by name or number.
    pub(crate) group: Option<&'a str>,
    /// Whether missing folders are made.
    pub(crate) parents: bool,
    /// What has to be there.
    pub(crate) guard: Guard<'a>,
    /// What is put aside.
    pub(crate) keep: Keep,
    /// In how many seconds the host takes it back unless it is confirmed.
    pub(crate) confirm: Option<u64>,
}

/// One file to be removed, or given back.
#[derive(Clone, Debug)]
pub(crate) struct Remove<'a> {
    /// Where.
    pub(crate) path: &'a str,
    /// What becomes of it.
    pub(crate) policy: Policy,
    /// What is recorded about what was there before: `absent`, `kept` or `too_large`; empty if nothing is.
    pub(crate) was: &'a str,
    /// What has to be there.
    pub(crate) guard: Guard<'a>,
    /// In how many seconds the host takes it back unless it is confirmed.
    pub(crate) confirm: Option<u64>,
}

/// The program that writes a file.
pub(crate) fn write(nonce: &str, file: &Write<'_>) -> Program {
    let keep = match file.keep {
        Keep::No => "no",
        Keep::Yes => "yes",
        Keep::IfMissing => "if_missing",
    };
    let want = sha256(file.content);
    let variables = [
        ("want", want.as_str()),
        ("mode", file.mode),
        ("owner", file.owner.unwrap_or_default()),
        ("group", file.group.unwrap_or_default()),
        ("parents", if file.parents { "1" } else { "0" }),
        ("keep", keep),
    ];
    let mut body = about(file.path, file.guard, file.confirm, &variables);
    body.push_str(include_str!("file.sh"));
    let payload = content(nonce, file.content, &mut body);
    body.push_str(include_str!("write.sh"));
    let program = program(nonce, &body);
    match payload {
        // Before the program gives its standard input away.
        Some(payload) => Program { text: format!("exec 5<&0\n{}", program.text), payload, ..program },
        None => program,
    }
}

/// The program that removes a file, or gives it back.
pub(crate) fn remove(nonce: &str, file: &Remove<'_>) -> Program {
    let policy = match file.policy {
        Policy::Remove => "remove",
        Policy::Restore => "restore",
        Policy::Keep => "keep",
    };
    let mut body = about(file.path, file.guard, file.confirm, &[("policy", policy), ("was", file.was)]);
    body.push_str(include_str!("file.sh"));
    body.push_str(include_str!("remove.sh"));
    program(nonce, &body)
}

/// The SHA-256 of bytes in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn about(path: &str, guard: Guard<'_>, confirm: Option<u64>, more: &[(&str, &str)]) -> String {
    let (guard, version) = match guard {
        Guard::Exact(version) => ("exact", version),
        Guard::ExactOrDone(version) => ("exact_or_done", version),
        Guard::Any => ("any", ""),
    };
    let key = sha256(path.as_bytes());
    let common = [("path", path), ("key", &key), ("guard", guard), ("version", version)];
    let variables: String = common.iter().chain(more).map(|(name, value)| assign(name, value)).collect();
    variables + &confirming(&key, confirm)
}

/// A function that prints the content. In base64 nothing in it can end the here-document or upset the shell. A shell takes its time over a
/// long one, though: that comes behind the program, as it is.
fn content(nonce: &str, content: &[u8], body: &mut String) -> Option<Vec<u8>> {
    if content.len() > INLINE_LIMIT {
        body.push_str("content() {\ncat <&5\n}\n");
        return Some(content.to_vec());
    }
    let _ = writeln!(body, "content() {{\nbase64 -d <<'CONTENT-{nonce}'");
    // 57 bytes make a line of 76 characters, as every decoder takes it.
    content.chunks(57).for_each(|line| {
        STANDARD.encode_string(line, body);
        body.push('\n');
    });
    let _ = writeln!(body, "CONTENT-{nonce}\n}}");
    None
}

//! `meshform fmt`: files in canonical layout.

use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::iter;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args};
use meshform_engine::format::format;

use crate::exit::Exit;
use crate::input::{Written, formattable};
use crate::problem::{Problem, ReportStyle};
use crate::render::unified;
use crate::terminal;

/// What to format, and what to do with the result.
///
/// The layout is that of `terraform fmt`. Comments and blank lines stay, and what the files say stays the same. A file that is not valid
/// HCL is left as it is.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Files, and folders whose *.hcl and *.hclvars files are meant; - formats standard input to standard output
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing, and exit with 3 if anything is not formatted
    #[arg(long)]
    check: bool,
    /// Show the changes
    #[arg(long)]
    diff: bool,
    /// Go into the folders in folders, too
    #[arg(long)]
    recursive: bool,
    /// Change the files
    #[arg(
        long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true"
    )]
    write: bool,
    /// List the files that are not formatted
    #[arg(
        long, value_name = "BOOL", action = ArgAction::Set, num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true"
    )]
    list: bool,
}

/// Formats all of it. What is wrong with one file keeps no other from being formatted.
///
/// # Errors
/// When the result cannot be printed.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Problem> {
    let mut exit = Exit::Done;
    for text in arguments.texts() {
        let ended = text.and_then(|text| one(&text, arguments));
        let ended = ended.unwrap_or_else(|problem| {
            problem.report(ReportStyle::Text);
            Exit::Failed
        });
        exit = match (exit, ended) {
            (Exit::Failed, _) | (_, Exit::Failed) => Exit::Failed,
            (Exit::Done, ended) => ended,
            (exit, _) => exit,
        };
    }
    Ok(exit)
}

impl Arguments {
    /// Everything that is to be formatted, read one by one.
    fn texts(&self) -> impl Iterator<Item = Result<Written, Problem>> {
        self.paths.iter().flat_map(|path| self.texts_at(path))
    }

    fn texts_at(&self, path: &Path) -> Box<dyn Iterator<Item = Result<Written, Problem>>> {
        if path == Path::new("-") {
            return Box::new(iter::once(Written::standard_input()));
        }
        match formattable(path, self.recursive) {
            Ok(files) => Box::new(files.into_iter().map(Written::file)),
            Err(problem) => Box::new(iter::once(Err(problem))),
        }
    }
}

fn one(given: &Written, arguments: &Arguments) -> Result<Exit, Problem> {
    let formatted = format(&given.name, &given.text)
        .map_err(|refused| Problem::found(refused.diagnostics, refused.sources))?;
    let changed = formatted != given.text;
    let file = given.path.as_deref();
    if changed && arguments.list && file.is_some() {
        terminal::print(&format!("{}\n", given.name))?;
    }
    if changed && arguments.diff {
        show(&unified::exact(&given.name, &given.text, &formatted))?;
    }
    match file.filter(|_| arguments.write) {
        _ if arguments.check => {}
        Some(path) if changed => {
            replace(path, &formatted).map_err(|error| Problem::io("write", path, &error))?;
        }
        Some(_) => {}
        // There is no other place for the result.
        None if !arguments.diff && (file.is_none() || !arguments.list) => {
            terminal::print_raw(formatted.as_bytes())?;
        }
        None => {}
    }
    Ok(if changed && arguments.check { Exit::Unformatted } else { Exit::Done })
}

fn show(diff: &str) -> Result<(), Problem> {
    match terminal::is_watched() {
        true => terminal::print(&unified::painted(diff))?,
        false => terminal::print_raw(diff.as_bytes())?,
    }
    Ok(())
}

/// Gives a file its new text, whole or not at all. A link stays a link.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let before = fs::metadata(&path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    keep_owner(file.path(), &before)?;
    file.as_file().set_permissions(before.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

/// What root formats stays its owner's.
fn keep_owner(path: &Path, before: &Metadata) -> io::Result<()> {
    let now = fs::metadata(path)?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    match chown(path, Some(before.uid()), Some(before.gid())) {
        // Nobody but root may do that. That the file is whoever's formats it is no reason to refuse.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        ended => ended,
    }
}

#[cfg(test)]
mod tests;

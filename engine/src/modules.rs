//! Which modules a stack calls whose files have not been read yet. Whoever reads them says where they lie ([`Sources::locate`]), adds
//! their files, and asks again, until nothing is missing.

use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Structure};

use crate::address::ModulePath;
use crate::diagnostic::{Diagnostic, Diagnostics, Sources};
use crate::syntax::{self, File, span_of};

/// More calls inside each other than anyone writes: a module that calls itself under another name would never end.
const DEPTH_MAX: usize = 32;

/// A `module` block whose files are to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingModule {
    /// The module.
    pub path: ModulePath,
    /// The folder of the one that calls it, as seen from the stack's.
    pub from: String,
    /// The folders of all that are on the way to it, the stack's own first.
    pub callers: Vec<String>,
    /// Where its files come from, as written.
    pub source: String,
    /// Which versions will do, as written.
    pub version: Option<String>,
}

/// The calls in the files read so far of modules that nobody has looked for. What is wrong with a call itself is told when the stack is
/// decoded.
pub fn missing(sources: &Sources) -> Vec<MissingModule> {
    let (files, _) = syntax::parse_where(sources, |_, source| source.text.contains("module"));
    let mut found = Vec::new();
    for (caller, folder) in callers_in(sources) {
        found.extend(calls(sources, &files, folder).filter_map(|(_, name, block)| {
            let path = caller.child(name);
            let is_open = sources.module(&path).is_none() && path.0.len() <= DEPTH_MAX;
            Some(MissingModule {
                from: folder.unwrap_or(".").to_owned(),
                callers: callers(sources, &caller),
                source: literal(block, "source").filter(|_| is_open)?,
                version: literal(block, "version"),
                path,
            })
        }));
    }
    found
}

/// What keeps modules from being found: files that do not parse, calls that do not say where a module is, and why one is not there.
pub fn problems(sources: &Sources) -> Diagnostics {
    let (files, mut diagnostics) = syntax::parse(sources);
    for (caller, folder) in callers_in(sources) {
        for (file, name, block) in calls(sources, &files, folder) {
            for argument in ["source", "version"] {
                let given = block.body.get_attribute(argument).filter(|_| literal(block, argument).is_none());
                diagnostics
                    .extend(given.map(|given| not_literal(argument).at(span_of(file.source, &given.value))));
            }
            let source = block.body.get_attribute("source");
            if source.is_none() {
                let detail = format!("The module {name:?} needs a `source`: where its files come from.");
                let problem = Diagnostic::error("Missing required argument", detail);
                diagnostics.push(problem.at(span_of(file.source, &block.ident)));
            }
            if let Some((source, Err(problem))) = source.zip(sources.module(&caller.child(name))) {
                let problem = Diagnostic::error(problem.summary.clone(), problem.detail.clone());
                diagnostics.push(problem.at(span_of(file.source, &source.value)));
            }
        }
    }
    diagnostics.sorted()
}

/// What to say of a module's argument that is more than a plain text.
pub(crate) fn not_literal(argument: &str) -> Diagnostic {
    Diagnostic::error(
        "Not a literal",
        format!(
            "The {argument} of a module is a plain text in double quotes: it is read before anything is evaluated."
        ),
    )
}

/// The stack, and every module that was found, with their folders.
fn callers_in(sources: &Sources) -> impl Iterator<Item = (ModulePath, Option<&str>)> {
    let called = sources.modules().map(|(path, folder)| (path.clone(), Some(folder)));
    std::iter::once((ModulePath::ROOT, None)).chain(called)
}

/// The `module` blocks in the files of a folder, with their names.
fn calls<'a>(
    sources: &'a Sources,
    files: &'a [File],
    folder: Option<&'a str>,
) -> impl Iterator<Item = (&'a File, &'a str, &'a Block)> {
    let own = move |file: &&File| sources.get(file.source).is_some_and(|it| it.folder.as_deref() == folder);
    let blocks = files.iter().filter(own).flat_map(|file| file.body.iter().map(move |it| (file, it)));
    blocks.filter_map(|(file, structure)| {
        let (name, block) = module_block(structure)?;
        Some((file, name, block))
    })
}

fn callers(sources: &Sources, path: &ModulePath) -> Vec<String> {
    let outer = (1..=path.0.len()).map(|depth| ModulePath(path.0.iter().take(depth).cloned().collect()));
    let folders = outer.filter_map(|outer| sources.module(&outer)?.ok().map(str::to_owned));
    std::iter::once(".".to_owned()).chain(folders).collect()
}

fn module_block(structure: &Structure) -> Option<(&str, &Block)> {
    let block = structure.as_block().filter(|block| block.ident.as_str() == "module")?;
    match &block.labels[..] {
        [name] => Some((name.as_str(), block)),
        _ => None,
    }
}

fn literal(block: &Block, name: &str) -> Option<String> {
    let attribute = block.body.get_attribute(name)?;
    match &attribute.value {
        Expression::String(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_until_all_is_read() {
        let mut sources = Sources::default();
        sources.add(
            "main.hcl",
            "module \"a\" {\n  source = \"./a\"\n}\nmodule \"b\" {\n  source = \"./${var.x}\"\n}\n",
        );
        let check = |sources: &Sources, expect: &[(&str, &str, &str)]| {
            let missing = missing(sources);
            let found: Vec<_> =
                missing.iter().map(|it| (it.path.to_string(), it.from.clone(), it.source.clone())).collect();
            let expect: Vec<_> = expect
                .iter()
                .map(|(path, from, source)| ((*path).into(), (*from).into(), (*source).into()))
                .collect();
            assert_eq!(found, expect);
            missing
        };
        let first = check(&sources, &[("module.a", ".", "./a")]);
        sources.locate(first[0].path.clone(), Ok("a".into()));
        sources.add_in(
            Some("a"),
            "a/main.hcl",
            "module \"inner\" {\n  source = \"../b\"\n version = \"~> 1\"\n}\n",
        );
        let second = check(&sources, &[("module.a.module.inner", "a", "../b")]);
        assert_eq!(
            (&second[0].callers[..], second[0].version.as_deref()),
            (&[".".to_owned(), "a".to_owned()][..], Some("~> 1"))
        );
        sources.locate(second[0].path.clone(), Ok("b".into()));
        check(&sources, &[]);
    }

    #[test]
    fn what_keeps_modules_away_is_told_with_its_place() {
        let mut sources = Sources::default();
        sources.add("a.hcl", "module \"a\" {\n  source = \"./a\"\n}\nmodule \"b\" {\n  source = var.x\n}\n");
        sources.add("b.hcl", "module \"c\" {}\nmodule \"d\" {\n  source = \"./a\"\n  version = 1\n}\n");
        sources.add("c.hcl", "x = \n");
        let path = ModulePath::ROOT.child("a");
        let problem = crate::diagnostic::ModuleProblem { summary: "Lost".into(), detail: "Gone.".into() };
        sources.locate(path, Err(problem));
        let told: Vec<_> = problems(&sources)
            .iter()
            .map(|it| {
                let span = it.span.as_ref().unwrap();
                let (line, _) = sources.position(span).unwrap();
                format!("{}:{line} {}", sources.get(span.source).unwrap().name, it.summary)
            })
            .collect();
        let expect = [
            "a.hcl:2 Lost",
            "a.hcl:5 Not a literal",
            "b.hcl:1 Missing required argument",
            "b.hcl:4 Not a literal",
        ];
        assert_eq!(told[..4], expect);
        assert!(told.len() == 5 && told[4].starts_with("c.hcl:1"), "{told:?}");
    }
}

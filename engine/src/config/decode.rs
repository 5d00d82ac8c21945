//! The top level of a stack: which blocks there are, each name once.

use std::collections::BTreeSet;
use std::sync::Arc;

use hcl_edit::structure::{Block, Structure};
use indexmap::IndexMap;

use super::blocks::{self, Labels};
use super::body::{BodyReader, FileText};
use super::{
    BlockName, Config, Module, Registry, data, import, module_call, policy, refactoring, references, settings,
};
use crate::address::{ModulePath, TargetKind, is_identifier};
use crate::diagnostic::{Diagnostic, Diagnostics, Sources, Span, did_you_mean};
use crate::syntax::File;

/// The block types of the language that this version reads.
const BLOCK_TYPES: [&str; 14] = [
    "variable", "locals", "output", "cluster", "host", "resource", "data", "module", "check", "policy",
    "moved", "removed", "import", "meshform",
];

/// Decodes the files of a stack as one, and those of each module that it calls. The result is usable only if no error was found.
///
/// `files` are those of `sources` that parsed. Where one is missing, an unknown name is no error: it may lie there.
pub fn decode(sources: &Sources, files: &[File], registry: &Registry) -> (Config, Diagnostics) {
    let mut config = Config::default();
    let mut diagnostics = Diagnostics::new();
    let mut open = vec![(ModulePath::ROOT, None)];
    while let Some((path, folder)) = open.pop() {
        let module = module(sources, files, folder, (registry, &path), (&mut config, &mut diagnostics));
        for (name, call) in &module.calls {
            let inner = path.child(name);
            let folder = module_call::folder(sources, &inner, call, &mut diagnostics);
            open.extend(folder.map(|folder| (inner, Some(folder))));
        }
        match path.0.is_empty() {
            true => config.root = module,
            false => drop(config.called.insert(path, module)),
        }
    }
    module_call::check(&config, &mut diagnostics);
    let incomplete = incomplete(sources, files);
    config.is_complete = incomplete.is_empty();
    references::resolve(&mut config, registry, &incomplete, &mut diagnostics);
    if !incomplete.contains(&ModulePath::ROOT) {
        references::check_settings(&config, registry, &mut diagnostics);
    }
    refactoring::check(&config, &mut diagnostics);
    config.repeated.iter().for_each(|block| block.check(&mut diagnostics));
    import::check(&config, &mut diagnostics);
    (config, diagnostics)
}

/// Decodes only what the stack says of itself, in its `meshform` blocks, and its variables, which those may use. The files are its own, all of
/// them if they are `complete`.
pub(crate) fn decode_settings(files: &[File], registry: &Registry, complete: bool) -> (Config, Diagnostics) {
    let (mut config, mut diagnostics) = (Config::default(), Diagnostics::new());
    let (path, module) = (&ModulePath::ROOT, Module { folder: ".".to_owned(), ..Module::default() });
    let mut decoder = Decoder { registry, path, module, config: &mut config, diagnostics: &mut diagnostics };
    for file in files {
        let text = FileText { source: file.source, text: Arc::clone(&file.text) };
        let wanted =
            file.body.blocks().filter(|block| matches!(block.ident.as_str(), "meshform" | "variable"));
        wanted.for_each(|block| decoder.block(&text, block));
    }
    let module = decoder.module;
    config.root = module;
    if complete {
        references::check_settings(&config, registry, &mut diagnostics);
    }
    (config, diagnostics)
}

/// What the files of one folder say.
fn module<'a>(
    sources: &Sources,
    files: &[File],
    folder: Option<&str>,
    (registry, path): (&'a Registry, &'a ModulePath),
    (config, diagnostics): (&'a mut Config, &'a mut Diagnostics),
) -> Module {
    let module = Module { folder: folder.unwrap_or(".").to_owned(), ..Module::default() };
    let mut decoder = Decoder { registry, path, module, config, diagnostics };
    for file in files {
        if sources.get(file.source).is_some_and(|source| source.folder.as_deref() == folder) {
            let text = FileText { source: file.source, text: Arc::clone(&file.text) };
            file.body.iter().for_each(|structure| decoder.structure(&text, structure));
        }
    }
    decoder.module
}

/// The modules of which a file did not parse.
fn incomplete(sources: &Sources, files: &[File]) -> Vec<ModulePath> {
    let parsed: BTreeSet<_> = files.iter().map(|file| file.source).collect();
    let broken = sources.iter().filter(|(id, _)| !parsed.contains(id)).map(|(_, source)| &source.folder);
    let broken: BTreeSet<_> = broken.collect();
    let called = sources.modules().map(|(path, folder)| (path.clone(), Some(folder.to_owned())));
    let all = std::iter::once((ModulePath::ROOT, None)).chain(called);
    all.filter(|(_, folder)| broken.contains(folder)).map(|(path, _)| path).collect()
}

/// Fills in one module.
struct Decoder<'a> {
    registry: &'a Registry,
    path: &'a ModulePath,
    module: Module,
    config: &'a mut Config,
    diagnostics: &'a mut Diagnostics,
}

impl Decoder<'_> {
    fn structure(&mut self, file: &FileText, structure: &Structure) {
        match structure {
            Structure::Block(block) => self.block(file, block),
            Structure::Attribute(attribute) => self.diagnostics.push(
                Diagnostic::error(
                    "Unexpected argument",
                    "A stack's files hold blocks. To name a value, put it into a `locals` block.",
                )
                .at(file.span(&attribute.key)),
            ),
        }
    }

    fn block(&mut self, file: &FileText, block: &Block) {
        match block.ident.as_str() {
            "variable" => self.variable(file, block),
            "locals" => self.locals(file, block),
            "output" => self.output(file, block),
            "cluster" => self.target(file, block, TargetKind::Cluster),
            "host" => self.target(file, block, TargetKind::Host),
            "resource" => self.resource(file, block),
            "data" => self.data(file, block, None),
            "module" => self.call(file, block),
            "check" => self.check(file, block),
            "policy" => self.policy(file, block),
            "moved" if self.labels(file, block, &[]).is_some() => {
                let repeated = &mut self.config.repeated;
                let moved = refactoring::moved(file, block, self.path, repeated, self.diagnostics);
                self.config.moved.extend(moved);
            }
            "removed" if self.labels(file, block, &[]).is_some() => {
                let repeated = &mut self.config.repeated;
                let removed = refactoring::removed(file, block, self.path, repeated, self.diagnostics);
                self.config.removed.extend(removed);
            }
            "import" if self.labels(file, block, &[]).is_some() => self.import(file, block),
            "moved" | "removed" | "import" => {}
            "meshform" => self.settings(file, block),
            other => self.unknown_block(file, block, other),
        }
    }

    fn variable(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let variable = blocks::variable(file, block, &labels, self.diagnostics);
        let [name] = &labels.texts[..] else { return };
        insert(&mut self.module.variables, name.clone(), variable, "variable", &labels, self.diagnostics);
    }

    fn output(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let Some(output) = blocks::output(file, block, &labels, self.diagnostics) else { return };
        let [name] = &labels.texts[..] else { return };
        insert(&mut self.module.outputs, name.clone(), output, "output", &labels, self.diagnostics);
    }

    fn target(&mut self, file: &FileText, block: &Block, kind: TargetKind) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let Some((_, schema)) = self.registry.target(kind) else {
            return self.unknown_block(file, block, kind.as_str());
        };
        let [name] = &labels.texts[..] else { return };
        let found = self.diagnostics.len();
        let target = blocks::target(file, block, kind, schema, &labels, self.diagnostics);
        self.note_if_broken(found, || BlockName::Target(kind, name.clone()));
        let key = (kind, name.clone());
        insert(&mut self.module.targets, key, target, kind.as_str(), &labels, self.diagnostics);
    }

    fn resource(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["TYPE", "NAME"]) else { return };
        let [kind, name] = &labels.texts[..] else { return };
        let Some(ty) = self.registry.resource_type(kind) else {
            let names: Vec<_> = self.registry.type_names().collect();
            return self.unknown_type("resource type", kind, &names, &labels);
        };
        let found = self.diagnostics.len();
        let resource = blocks::resource(file, block, ty, &labels, self.diagnostics);
        self.note_if_broken(found, || BlockName::Resource(kind.clone(), name.clone()));
        let key = (kind.clone(), name.clone());
        insert(&mut self.module.resources, key, resource, "resource", &labels, self.diagnostics);
    }

    fn import(&mut self, file: &FileText, block: &Block) {
        if !self.path.0.is_empty() {
            let detail = "What is there already is imported by the stack itself, also into a module: `to = module.NAME.TYPE.NAME`.";
            let problem = Diagnostic::error("Import in a module", detail).at(file.span(&block.ident));
            return self.diagnostics.push(problem);
        }
        self.config.imports.extend(import::import(file, block, self.diagnostics));
    }

    fn data(&mut self, file: &FileText, block: &Block, check: Option<&str>) {
        let Some(labels) = self.labels(file, block, &["TYPE", "NAME"]) else { return };
        let [kind, name] = &labels.texts[..] else { return };
        let Some(ty) = self.registry.data_type(kind) else {
            let names: Vec<_> = self.registry.data_type_names().collect();
            return self.unknown_type("data type", kind, &names, &labels);
        };
        let found = self.diagnostics.len();
        let data = data::decode(file, block, ty, &labels, check, self.diagnostics);
        self.note_if_broken(found, || BlockName::Data(kind.clone(), name.clone()));
        let key = (kind.clone(), name.clone());
        insert(&mut self.module.data, key, data, "data source", &labels, self.diagnostics);
    }

    fn check(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let (asserts, data) = blocks::check(file, block, self.diagnostics);
        let [name] = &labels.texts[..] else { return };
        data.into_iter().for_each(|block| self.data(file, block, Some(name)));
        insert(&mut self.module.checks, name.clone(), asserts, "check", &labels, self.diagnostics);
    }

    fn policy(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let Some(policy) = policy::policy(file, block, &labels, self.diagnostics) else { return };
        let [name] = &labels.texts[..] else { return };
        insert(&mut self.module.policies, name.clone(), policy, "policy", &labels, self.diagnostics);
    }

    fn call(&mut self, file: &FileText, block: &Block) {
        let Some(labels) = self.labels(file, block, &["NAME"]) else { return };
        let [name] = &labels.texts[..] else { return };
        let call = module_call::decode(file, block, &labels, self.diagnostics);
        insert(&mut self.module.calls, name.clone(), call, "module", &labels, self.diagnostics);
    }

    fn note_if_broken(&mut self, found_before: usize, name: impl FnOnce() -> BlockName) {
        if self.diagnostics.len() > found_before {
            self.config.broken.insert(name().within(self.path.clone()));
        }
    }

    fn locals(&mut self, file: &FileText, block: &Block) {
        if self.labels(file, block, &[]).is_none() {
            return;
        }
        let mut body =
            BodyReader::new(file.clone(), "A `locals` block", file.span(&block.ident), &block.body);
        for (name, span, value) in body.take_all() {
            let labels = Labels { texts: vec![name.clone()], span };
            insert(&mut self.module.locals, name, value, "local value", &labels, self.diagnostics);
        }
        body.finish(self.diagnostics);
    }

    fn settings(&mut self, file: &FileText, block: &Block) {
        if self.labels(file, block, &[]).is_none() {
            return;
        }
        match self.path.0.is_empty() {
            true => {
                let settings = &mut self.config.settings;
                settings::decode(file, block, self.registry, settings, self.diagnostics);
            }
            false => settings::decode_in_module(file, block, self.diagnostics),
        }
    }

    fn labels(&mut self, file: &FileText, block: &Block, names: &[&str]) -> Option<Labels> {
        labels(file, block, names, self.diagnostics)
    }

    fn unknown_block(&mut self, file: &FileText, block: &Block, name: &str) {
        let detail = if let Some(reason) = self.registry.reserved(name) {
            reason.to_owned()
        } else {
            match did_you_mean(name, BLOCK_TYPES) {
                Some(candidate) => {
                    format!("There is no block type \"{name}\". Did you mean \"{candidate}\"?")
                }
                None => format!("There is no block type \"{name}\". A stack has {}.", BLOCK_TYPES.join(", ")),
            }
        };
        self.diagnostics
            .push(Diagnostic::error("Unsupported block type", detail).at(file.span(&block.ident)));
    }

    fn unknown_type(&mut self, what: &str, kind: &str, names: &[&str], labels: &Labels) {
        let hint = match did_you_mean(kind, names.iter().copied()) {
            Some(candidate) => format!("Did you mean \"{candidate}\"?"),
            None => format!("There are {}.", names.join(", ")),
        };
        let detail = format!("There is no {what} \"{kind}\". {hint}");
        self.diagnostics.push(Diagnostic::error(format!("Unknown {what}"), detail).at(labels.span.clone()));
    }
}

/// The block's labels, if there are as many as there should be and each is a name.
pub(crate) fn labels(
    file: &FileText,
    block: &Block,
    names: &[&str],
    diagnostics: &mut Diagnostics,
) -> Option<Labels> {
    let span = match (block.labels.first(), block.labels.last()) {
        (Some(first), Some(last)) => join(file.span(first), file.span(last)),
        _ => file.span(&block.ident),
    };
    if block.labels.len() != names.len() {
        let labels: Vec<_> = names.iter().map(|name| format!(" \"{name}\"")).collect();
        let form = format!("{}{} {{ … }}", block.ident.as_str(), labels.concat());
        diagnostics.push(
            Diagnostic::error("Wrong number of labels", format!("Such a block is written `{form}`."))
                .at(span),
        );
        return None;
    }
    let texts: Vec<_> = block.labels.iter().map(|label| label.as_str().to_owned()).collect();
    if let Some(text) = texts.iter().find(|text| !is_identifier(text)) {
        diagnostics.push(
            Diagnostic::error(
                "Invalid name",
                format!("{text:?} is no name: use letters, digits, \"_\" and \"-\", beginning with a letter or \"_\"."),
            )
            .at(span),
        );
        return None;
    }
    Some(Labels { texts, span })
}

fn insert<K: std::hash::Hash + Eq, V>(
    map: &mut IndexMap<K, V>,
    key: K,
    value: V,
    what: &str,
    labels: &Labels,
    diagnostics: &mut Diagnostics,
) {
    if map.contains_key(&key) {
        let name = labels.texts.join(".");
        diagnostics.push(
            Diagnostic::error(
                "Duplicate name",
                format!("There is another {what} named \"{name}\". Give one of the two another name."),
            )
            .at(labels.span.clone()),
        );
        return;
    }
    map.insert(key, value);
}

fn join(first: Option<Span>, last: Option<Span>) -> Option<Span> {
    let (first, last) = (first?, last?);
    Some(Span { source: first.source, range: first.range.start..last.range.end })
}

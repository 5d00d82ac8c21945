//! What a name in an expression means: a block of the same module, an output of one that it calls, or something that only some
//! expressions know.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexSet;

use crate::address::{ModulePath, TargetKind};
use crate::config::{BlockId, BlockName, Config, Module, Registry, Repetition};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::lang::Reference;

/// Which names have a meaning in an expression besides those of blocks.
#[derive(Clone, Copy)]
pub(super) struct Local<'a> {
    pub(super) each: bool,
    pub(super) count: bool,
    /// `self`
    pub(super) itself: bool,
    /// `plan`
    pub(super) plan: bool,
    /// In `depends_on`: not values are named but blocks, and a module means all that is in it.
    pub(super) order: bool,
    /// The `check` block that it is in, whose `data` blocks only it may refer to.
    pub(super) check: Option<&'a str>,
}

impl Local<'_> {
    pub(super) const NONE: Self =
        Self { each: false, count: false, itself: false, plan: false, order: false, check: None };

    /// In a block that is repeated so.
    pub(super) fn of(repetition: &Repetition) -> Self {
        match repetition {
            Repetition::None => Self::NONE,
            Repetition::Count(_) => Self { count: true, ..Self::NONE },
            Repetition::ForEach(_) => Self { each: true, ..Self::NONE },
        }
    }
}

/// Why a name means nothing.
pub(super) enum Missing {
    /// It is wrong.
    Wrong(Diagnostic),
    /// It is of a module that is not there, which has been said.
    Said,
}

impl From<Diagnostic> for Missing {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Wrong(diagnostic)
    }
}

/// All names that expressions may use.
pub(super) struct Names<'a> {
    config: &'a Config,
    registry: &'a Registry,
    modules: BTreeMap<&'a ModulePath, HashMap<&'a str, IndexSet<&'a str>>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(config: &'a Config, registry: &'a Registry) -> Self {
        let modules = config.modules().map(|(path, module)| (path, names_in(module))).collect();
        Self { config, registry, modules }
    }

    /// The blocks that a reference in an expression of the module `home` needs: none for names that are no blocks.
    pub(super) fn resolve(
        &self,
        reference: &Reference,
        home: &ModulePath,
        local: Local<'_>,
    ) -> Result<Vec<BlockId>, Missing> {
        match reference.root.as_str() {
            "path" => return Ok(Vec::new()),
            "meshform" => return itself(reference).map_or_else(|| Ok(Vec::new()), |wrong| Err(wrong.into())),
            "each" if local.each => return Ok(Vec::new()),
            "count" if local.count => return Ok(Vec::new()),
            "self" if local.itself => return Ok(Vec::new()),
            "plan" if local.plan => return Ok(Vec::new()),
            "each" => return Err(out_of_place(reference, "a block that has the argument `for_each`").into()),
            "count" => return Err(out_of_place(reference, "a block that has the argument `count`").into()),
            "self" => return Err(out_of_place(reference, "a `postcondition` block").into()),
            "plan" => return Err(out_of_place(reference, "a `policy` block").into()),
            _ => {}
        }
        let root = reference.root.as_str();
        if !self.is_root(root) {
            return Err(self.unknown_root(reference, home).into());
        }
        if root == "data" {
            return self.data(reference, home, local);
        }
        let Some(name) = reference.name.as_deref() else {
            return Err(Diagnostic::error(
                "Incomplete reference",
                format!("\"{root}\" is followed by the name of one of them, such as `{root}.NAME`."),
            )
            .at(reference.span.clone())
            .into());
        };
        let candidates = self.modules.get(home).and_then(|roots| roots.get(root));
        if !candidates.is_some_and(|names| names.contains(name)) {
            return Err(unknown_name(reference, root, name, candidates.into_iter().flatten()).into());
        }
        match root {
            "module" => self.called(reference, home, name, local),
            _ => Ok(vec![block_name(root, name).within(home.clone())]),
        }
    }

    /// The `data` block that a reference needs.
    fn data(
        &self,
        reference: &Reference,
        home: &ModulePath,
        local: Local<'_>,
    ) -> Result<Vec<BlockId>, Missing> {
        let (Some(ty), Some(name)) = (&reference.name, &reference.attribute) else {
            let detail = "\"data\" is followed by a data type and a name, such as `data.host_facts.web`.";
            return Err(Diagnostic::error("Incomplete reference", detail).at(reference.span.clone()).into());
        };
        if self.registry.data_type(ty).is_none() {
            let hint = match did_you_mean(ty, self.registry.data_type_names()) {
                Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
                None => String::new(),
            };
            let detail = format!("There is no data type \"{ty}\".{hint}");
            return Err(Diagnostic::error("Unknown reference", detail).at(reference.span.clone()).into());
        }
        let module = self.config.module(home);
        let Some(block) = module.and_then(|module| module.data.get(&(ty.clone(), name.clone()))) else {
            let own = module.into_iter().flat_map(|module| module.data.keys());
            let names: Vec<_> = own.filter(|(other, _)| other == ty).map(|(_, name)| name.as_str()).collect();
            return Err(unknown_name(reference, &format!("data.{ty}"), name, names.iter()).into());
        };
        if block.check.is_some() && block.check.as_deref() != local.check {
            let check = block.check.as_deref().unwrap_or_default();
            return Err(
                out_of_place(reference, &format!("the check \"{check}\", in which it is looked up")).into()
            );
        }
        Ok(vec![BlockName::Data(ty.clone(), name.clone()).within(home.clone())])
    }

    /// The outputs of a called module that a reference needs.
    fn called(
        &self,
        reference: &Reference,
        home: &ModulePath,
        name: &str,
        local: Local<'_>,
    ) -> Result<Vec<BlockId>, Missing> {
        let path = home.child(name);
        let call = BlockName::Module(name.to_owned()).within(home.clone());
        let Some(module) = self.config.module(&path) else { return Err(Missing::Said) };
        let output = |name: &String| BlockName::Output(name.clone()).within(path.clone());
        if local.order {
            let inner = self.config.modules().filter(|(inner, _)| inner.is_within(&path));
            let all = inner.flat_map(|(inner, module)| {
                let resources = module.resources.keys();
                let resources = resources.map(|(ty, name)| BlockName::Resource(ty.clone(), name.clone()));
                let data = module.data.iter().filter(|(_, block)| block.check.is_none());
                let data = data.map(|((ty, name), _)| BlockName::Data(ty.clone(), name.clone()));
                resources.chain(data).map(|name| name.within(inner.clone())).collect::<Vec<_>>()
            });
            return Ok(std::iter::once(call).chain(all).collect());
        }
        match &reference.attribute {
            Some(attribute) if module.outputs.contains_key(attribute) => Ok(vec![output(attribute)]),
            Some(attribute) => Err(unknown_output(reference, &path, attribute, module).into()),
            None => Ok(std::iter::once(call).chain(module.outputs.keys().map(output)).collect()),
        }
    }

    fn is_root(&self, root: &str) -> bool {
        matches!(root, "var" | "local" | "data" | "module" | "cluster" | "host")
            || self.registry.resource_type(root).is_some()
    }

    fn unknown_root(&self, reference: &Reference, home: &ModulePath) -> Diagnostic {
        let root = reference.root.as_str();
        let roots =
            ["var", "local", "data", "module", "cluster", "host", "path", "meshform", "each", "count"];
        let is_named = |kind: &str| {
            self.modules.get(home).and_then(|roots| roots.get(kind)).is_some_and(|names| names.contains(root))
        };
        let hint = if root == "terraform" {
            "The workspace is written `meshform.workspace`.".to_owned()
        } else if is_named("var") {
            format!("A variable is written `var.{root}`.")
        } else if is_named("local") {
            format!("A local value is written `local.{root}`.")
        } else {
            match did_you_mean(root, roots.into_iter().chain(self.registry.type_names())) {
                Some(candidate) => format!("Did you mean \"{candidate}\"?"),
                None => "A text is written in double quotes.".to_owned(),
            }
        };
        Diagnostic::error("Unknown reference", format!("Nothing is named \"{root}\". {hint}"))
            .at(reference.span.clone())
    }
}

/// The names of a module by their roots.
fn names_in(module: &Module) -> HashMap<&str, IndexSet<&str>> {
    let variables = module.variables.keys().map(|name| ("var", name));
    let locals = module.locals.keys().map(|name| ("local", name));
    let calls = module.calls.keys().map(|name| ("module", name));
    let targets = module.targets.keys().map(|(kind, name)| (kind.as_str(), name));
    let resources = module.resources.keys().map(|(ty, name)| (ty.as_str(), name));
    let mut roots: HashMap<&str, IndexSet<&str>> = HashMap::new();
    for (root, name) in variables.chain(locals).chain(calls).chain(targets).chain(resources) {
        roots.entry(root).or_default().insert(name);
    }
    roots
}

fn unknown_name<'n>(
    reference: &Reference,
    root: &str,
    name: &str,
    candidates: impl Iterator<Item = &'n &'n str> + Clone,
) -> Diagnostic {
    /// More names than this help nobody.
    const LISTED_MAX: usize = 12;
    let what = match root {
        "var" => "variable".to_owned(),
        "local" => "local value".to_owned(),
        "cluster" | "host" | "module" => root.to_owned(),
        _ => match root.strip_prefix("data.") {
            Some(ty) => format!("data source of type \"{ty}\""),
            None => format!("resource of type \"{root}\""),
        },
    };
    let hint = match did_you_mean(name, candidates.clone().copied()) {
        Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
        None => {
            let listed: Vec<_> = candidates.clone().take(LISTED_MAX).copied().collect();
            let more = candidates.skip(LISTED_MAX).count();
            match (listed.is_empty(), more) {
                (true, _) => format!(" There is no {what} at all."),
                (false, 0) => format!(" There are: {}.", listed.join(", ")),
                (false, more) => format!(" There are: {}, and {more} more.", listed.join(", ")),
            }
        }
    };
    Diagnostic::error("Unknown reference", format!("No {what} is named \"{name}\".{hint}"))
        .at(reference.span.clone())
}

fn unknown_output(reference: &Reference, path: &ModulePath, name: &str, module: &Module) -> Diagnostic {
    let names: Vec<_> = module.outputs.keys().map(String::as_str).collect();
    let hint = match did_you_mean(name, names.iter().copied()) {
        Some(candidate) => format!("Did you mean \"{candidate}\"?"),
        None if names.is_empty() => "It has no outputs at all.".to_owned(),
        None => format!("It has: {}.", names.join(", ")),
    };
    Diagnostic::error("Unknown reference", format!("{path} has no output \"{name}\". {hint}"))
        .at(reference.span.clone())
}

fn block_name(root: &str, name: &str) -> BlockName {
    let name = name.to_owned();
    match root {
        "var" => BlockName::Variable(name),
        "local" => BlockName::Local(name),
        "cluster" => BlockName::Target(TargetKind::Cluster, name),
        "host" => BlockName::Target(TargetKind::Host, name),
        _ => BlockName::Resource(root.to_owned(), name),
    }
}

/// What is wrong with a reference to the program itself.
fn itself(reference: &Reference) -> Option<Diagnostic> {
    let detail = match reference.name.as_deref() {
        Some("workspace") => return None,
        Some(name) => match did_you_mean(name, ["workspace"]) {
            Some(_) => format!("There is no `meshform.{name}`. Did you mean \"workspace\"?"),
            None => format!("There is no `meshform.{name}`: only `meshform.workspace` is known."),
        },
        None => "\"meshform\" is followed by what is asked of it: `meshform.workspace`.".to_owned(),
    };
    Some(Diagnostic::error("Unknown reference", detail).at(reference.span.clone()))
}

fn out_of_place(reference: &Reference, place: &str) -> Diagnostic {
    Diagnostic::error(
        "Reference out of place",
        format!("\"{}\" has a meaning only inside {place}.", reference.root),
    )
    .at(reference.span.clone())
}

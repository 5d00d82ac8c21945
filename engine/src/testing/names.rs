//! What a test file's names stand for in the stack: `var.x`, `check.y`, `kube_object.web["a"]`, `module.site.data.kube_object.z`.

use crate::address::{Address, ModuleInstance, ModulePath};
use crate::config::{BlockId, BlockName, Config, Named, literal_key, named_by};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::lang::{Expression, Reference, TraversalStep};

/// The resource or look-up that an expression names, if there is one.
pub(super) fn instance(expression: &Expression, config: &Config) -> Result<Named, Diagnostic> {
    let named = address(expression);
    let Some(named) = named else {
        let detail = "It is the address of a resource or of what is looked up, or of one of its instances, such as kube_object.web, host_file.motd[\"db\"] or data.host_facts.db.";
        return Err(Diagnostic::error("Invalid address", detail).at(expression.span()));
    };
    let (is_there, others) = match &named {
        Named::Resource(address) => (is_declared(address, config), instances(config)),
        Named::Module(_) => (false, instances(config)),
    };
    match is_there {
        true => Ok(named),
        false => Err(absent(&named.to_string(), others).at(expression.span())),
    }
}

/// What an expression of `expect_failures` names.
pub(super) fn checked(expression: &Expression, config: &Config) -> Result<BlockId, Diagnostic> {
    let path = expression.as_path().unwrap_or_default();
    let [root, name] = &path[..] else { return block(expression, config) };
    let name = match root.as_str() {
        "var" => BlockName::Variable(name.clone()),
        "output" => BlockName::Output(name.clone()),
        "check" => BlockName::Check(name.clone()),
        "policy" => BlockName::Policy(name.clone()),
        "local" => {
            let detail = format!(
                "local.{name} has no conditions of its own: what can fail are variables, outputs, checks, policies, resources and look-ups."
            );
            return Err(Diagnostic::error("Nothing that can fail", detail).at(expression.span()));
        }
        _ => return block(expression, config),
    };
    match names_like(&name, config) {
        names if names.contains(&name) => Ok(name.within(ModulePath::ROOT)),
        names => {
            let names = names.iter().map(ToString::to_string).collect();
            Err(absent(&name.to_string(), names).at(expression.span()))
        }
    }
}

/// The block of a resource or look-up. Its conditions are those of all its instances.
fn block(expression: &Expression, config: &Config) -> Result<BlockId, Diagnostic> {
    let Named::Resource(address) = instance(expression, config)? else {
        return Err(absent(expression.text(), instances(config)).at(expression.span()));
    };
    if !address.keys.is_empty() || address.module.0.iter().any(|step| step.key.is_some()) {
        let detail = format!(
            "All instances of a block have the same conditions: write {} without keys.",
            BlockId::of(&address)
        );
        return Err(Diagnostic::error("Instance of a block", detail).at(expression.span()));
    }
    Ok(BlockId::of(&address))
}

/// Why a reference of an assertion leads nowhere.
pub(super) fn unresolved(
    reference: &Reference,
    config: &Config,
    runs: &[String],
    variables: &[String],
) -> Option<Diagnostic> {
    let (root, name) = (reference.root.as_str(), reference.name.as_deref()?);
    let root_module = &config.root;
    let known: Vec<String> = match root {
        "var" => root_module.variables.keys().chain(variables).cloned().collect(),
        "local" => root_module.locals.keys().cloned().collect(),
        "output" => root_module.outputs.keys().cloned().collect(),
        "module" => root_module.calls.keys().cloned().collect(),
        "run" => runs.to_vec(),
        "cluster" | "host" => root_module
            .targets
            .keys()
            .filter(|(kind, _)| kind.as_str() == root)
            .map(|(_, name)| name.clone())
            .collect(),
        "data" => {
            let attribute = reference.attribute.as_deref()?;
            let is_there = root_module.data.contains_key(&(name.to_owned(), attribute.to_owned()));
            let address = format!("data.{name}.{attribute}");
            return (!is_there).then(|| absent(&address, instances(config)).at(reference.span.clone()));
        }
        "path" | "each" | "count" | "self" => return None,
        _ => root_module
            .resources
            .keys()
            .filter(|(kind, _)| kind == root)
            .map(|(_, name)| name.clone())
            .collect(),
    };
    if known.iter().any(|known| known == name) {
        return None;
    }
    let address = format!("{root}.{name}");
    if root == "run" {
        let detail = format!("No run before this one is named \"{name}\".{}", hint(name, known));
        return Some(Diagnostic::error("Unknown reference", detail).at(reference.span.clone()));
    }
    let known = match known.is_empty() {
        true => instances(config),
        false => known.into_iter().map(|name| format!("{root}.{name}")).collect(),
    };
    Some(absent(&address, known).at(reference.span.clone()))
}

fn absent(address: &str, others: Vec<String>) -> Diagnostic {
    Diagnostic::error("Unknown reference", format!("The stack has no {address}.{}", hint(address, others)))
}

fn hint(given: &str, others: Vec<String>) -> String {
    match did_you_mean(given, others.iter().map(String::as_str)) {
        Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
        None => String::new(),
    }
}

/// All blocks of the sort of one.
fn names_like(name: &BlockName, config: &Config) -> Vec<BlockName> {
    let root = &config.root;
    match name {
        BlockName::Variable(_) => root.variables.keys().cloned().map(BlockName::Variable).collect(),
        BlockName::Output(_) => root.outputs.keys().cloned().map(BlockName::Output).collect(),
        BlockName::Check(_) => root.checks.keys().cloned().map(BlockName::Check).collect(),
        _ => root.policies.keys().cloned().map(BlockName::Policy).collect(),
    }
}

/// The resources and look-ups of the stack itself.
fn instances(config: &Config) -> Vec<String> {
    let resources = config.root.resources.keys().map(|(kind, name)| format!("{kind}.{name}"));
    let data = config.root.data.keys().map(|(ty, name)| format!("data.{ty}.{name}"));
    resources.chain(data).collect()
}

fn is_declared(address: &Address, config: &Config) -> bool {
    let (module, name) = (address.module.path(), address.name.clone());
    let module = config.module(&module);
    module.is_some_and(|module| match address.data_type() {
        Some(ty) => module.data.contains_key(&(ty.to_owned(), name)),
        None => module.resources.contains_key(&(address.kind.clone(), name)),
    })
}

/// An address with its keys, also one of a look-up.
fn address(expression: &Expression) -> Option<Named> {
    if let Some(named) = named_by(expression, &ModulePath::ROOT, &mut literal_key) {
        return Some(named);
    }
    let (root, steps) = expression.as_traversal()?;
    let mut steps = steps.into_iter().peekable();
    let mut module = ModuleInstance::ROOT;
    let mut word = root;
    while word == "module" {
        let TraversalStep::Attribute(name) = steps.next()? else { return None };
        let key = match steps.peek() {
            Some(TraversalStep::Index(key)) => Some(literal_key(key)?),
            _ => None,
        };
        if key.is_some() {
            steps.next();
        }
        module = module.child(&name, key);
        let TraversalStep::Attribute(next) = steps.next()? else { return None };
        word = next;
    }
    let (TraversalStep::Attribute(ty), TraversalStep::Attribute(name)) = (steps.next()?, steps.next()?)
    else {
        return None;
    };
    let mut address = Address::look_up(module, &ty, name);
    for step in steps {
        let TraversalStep::Index(key) = step else { return None };
        address = address.with_key(literal_key(&key)?);
    }
    (word == "data").then_some(Named::Resource(address))
}

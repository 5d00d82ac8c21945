//! Blocks → instances, pure: repetition, attributes by the schema, targets, composites.

mod attributes;
mod data;
mod elements;
mod expand;
mod nested;

pub(crate) use self::attributes::complete;
pub(crate) use self::data::LookUp;
pub(crate) use self::elements::elements;
pub(crate) use self::expand::{Each, Expansion, expand};
pub(crate) use self::nested::{Origin, with_computed};
use crate::address::{Address, Key, ModuleInstance, TargetAddress, TargetKind};
use crate::condition;
use crate::config::{BlockId, BlockName, Registry, ResourceBlock, TargetBlock, Timeouts};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::environment::Environment;
use crate::ephemeral;
use crate::files::Files;
use crate::lang::{Expression, Scope, evaluate};
use crate::ports::{LowerRequest, Part, Problem};
use crate::value::{Marks, Value};

/// One instance that the configuration wants.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) address: Address,
    /// The resource type whose attributes it has.
    pub(crate) kind: String,
    pub(crate) target: Placement,
    pub(crate) desired: Value,
    /// The block that says so.
    pub(crate) origin: Origin,
    pub(crate) depends_on: Vec<Address>,
    pub(crate) timeouts: Timeouts,
    /// Which repetition of its block it is, or is part of.
    pub(crate) each: Each,
}

/// Where an instance lives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Placement {
    /// Nowhere: it has no target.
    Nowhere,
    /// On this target.
    On(TargetAddress),
    /// Known only after apply.
    Unknown,
}

/// What a block says of where it belongs.
struct Belonging<'b> {
    what: &'static str,
    named: Option<&'b Expression>,
    /// Where the block is.
    span: &'b Option<Span>,
}

impl<'b> Belonging<'b> {
    fn of_resource(block: &'b ResourceBlock) -> Self {
        Self { what: "resource", named: block.target.as_ref(), span: &block.span }
    }
}

/// What lowering needs to know besides the block.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) environment: &'a Environment<'a>,
    pub(crate) files: &'a dyn Files,
    pub(crate) folder: &'a str,
    /// The instances of the targets known so far, for blocks that need not say which.
    pub(crate) targets: &'a [TargetAddress],
    /// What was answered to composites that ask their target something.
    pub(crate) found: &'a dyn Fn(&LookUp) -> Option<Value>,
}

/// Of a context in which nothing has been looked up.
pub(crate) fn nothing_found(_: &LookUp) -> Option<Value> {
    None
}

/// The outcome of lowering one repetition of a block.
pub(crate) enum Lowered {
    /// These instances: one, or a composite's parts.
    Instances(Vec<Instance>),
    /// It cannot be told yet, for this reason.
    Deferred(String),
    /// It cannot be told before this is looked up.
    Asks(Box<LookUp>),
}

impl Context<'_> {
    /// The instances of one repetition of a resource block in an instance of its module.
    pub(crate) fn lower(
        &self,
        at: &ModuleInstance,
        id: &BlockId,
        block: &ResourceBlock,
        each: &Each,
        diagnostics: &mut Diagnostics,
    ) -> Lowered {
        let BlockName::Resource(kind, name) = &id.name else { return Lowered::Instances(Vec::new()) };
        let Some(ty) = self.registry.resource_type(kind) else { return Lowered::Instances(Vec::new()) };
        let outer = self.environment.scope(at, id);
        let mut scope = outer.child();
        each.bind(&mut scope);
        let keys = each.key.iter().cloned().collect();
        let address = Address { keys, ..Address::within(at.clone(), kind, name) };
        let what = (condition::PRECONDITION, &*address.to_string());
        diagnostics.extend(condition::failures(&block.lifecycle.preconditions, what, &scope));
        let (desired, origin) = complete(&ty.body, &block.content, &scope, diagnostics);
        diagnostics.extend(ephemeral::refused_attributes(&address, &desired, &origin));
        let instance = Instance {
            target: self.place(at, ty.target, &Belonging::of_resource(block), &scope, diagnostics),
            kind: kind.clone(),
            depends_on: self.environment.resources_behind(at, id),
            timeouts: block.timeouts,
            each: each.clone(),
            address,
            desired: self.marked(kind, desired.without_ephemeral()),
            origin,
        };
        self.check(&instance, diagnostics);
        match ty.part_kind {
            None => Lowered::Instances(vec![instance]),
            Some(kind) => self.parts(&instance, kind, diagnostics),
        }
    }

    fn marked(&self, kind: &str, desired: Value) -> Value {
        match self.registry.provider(kind) {
            Some(provider) => provider.mark(kind, desired),
            None => desired,
        }
    }

    fn check(&self, instance: &Instance, diagnostics: &mut Diagnostics) {
        let Some(provider) = self.registry.provider(&instance.kind) else { return };
        for problem in provider.check(&instance.kind, &instance.desired) {
            diagnostics.push(place_problem(problem, &instance.address, &instance.origin));
        }
    }

    fn parts(&self, composite: &Instance, part_kind: &str, diagnostics: &mut Diagnostics) -> Lowered {
        let Some(provider) = self.registry.provider(&composite.kind) else {
            return Lowered::Instances(Vec::new());
        };
        let request = LowerRequest {
            kind: &composite.kind,
            address: &composite.address,
            desired: &composite.desired,
            files: self.files,
            folder: self.folder,
            found: None,
        };
        let asks = provider.asks(&request).map(|arguments| {
            arguments.map(|arguments| LookUp::of_composite(composite, arguments.without_ephemeral()))
        });
        let found = match asks {
            Ok(None) => None,
            Ok(Some(look_up)) => match (self.found)(&look_up) {
                Some(found) => Some(found),
                None => return Lowered::Asks(Box::new(look_up)),
            },
            Err(problems) => return refused(problems, composite, diagnostics),
        };
        let request = LowerRequest { found: found.as_ref(), ..request };
        match provider.lower(&request) {
            Ok(Some(parts)) => {
                for caution in provider.cautions(&request) {
                    diagnostics.push(place_problem(caution, &composite.address, &composite.origin));
                }
                let parts = parts.into_iter().map(|part| {
                    let desired = self.marked(part_kind, part.desired);
                    part_instance(composite, part_kind, Part { desired, ..part })
                });
                let parts: Vec<_> = parts.collect();
                for part in &parts {
                    self.check(part, diagnostics);
                }
                Lowered::Instances(parts)
            }
            Ok(None) => Lowered::Deferred("what it consists of is known only after apply".to_owned()),
            Err(problems) => refused(problems, composite, diagnostics),
        }
    }

    fn place(
        &self,
        at: &ModuleInstance,
        kind: Option<TargetKind>,
        block: &Belonging<'_>,
        scope: &Scope<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Placement {
        let Some(kind) = kind else { return Placement::Nowhere };
        let Some(expression) = block.named else { return self.only_target(at, kind, block, diagnostics) };
        let before = diagnostics.iter().count();
        let value = evaluate(expression, scope, diagnostics);
        if !value.is_known() {
            return Placement::Unknown;
        }
        let id = value.get_str("id").or(value.as_str());
        match id.and_then(|id| id.parse::<TargetAddress>().ok()).filter(|target| target.kind == kind) {
            Some(target) => Placement::On(target),
            None => {
                if diagnostics.iter().count() == before {
                    diagnostics.push(wrong_target(kind).at(expression.span()));
                }
                Placement::Unknown
            }
        }
    }

    /// The only target of its module, or else of the one that calls it.
    fn only_target(
        &self,
        at: &ModuleInstance,
        kind: TargetKind,
        block: &Belonging<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Placement {
        for place in std::iter::successors(Some(at.clone()), ModuleInstance::caller) {
            let own = |target: &&TargetAddress| target.kind == kind && target.module == place;
            let mut candidates = self.targets.iter().filter(own);
            match (candidates.next(), candidates.next()) {
                (Some(only), None) => return Placement::On(only.clone()),
                (None, _) => {}
                (Some(_), Some(_)) => break,
            }
        }
        let word = kind.as_str();
        diagnostics.push(
            Diagnostic::error(
                "No target",
                format!(
                    "This {} must say where it lives: `{word} = {word}.NAME`. It may leave that out only when the stack has exactly one {word}.",
                    block.what
                ),
            )
            .at(block.span.clone()),
        );
        Placement::Unknown
    }
}

fn refused(problems: Vec<Problem>, composite: &Instance, diagnostics: &mut Diagnostics) -> Lowered {
    for problem in problems {
        diagnostics.push(place_problem(problem, &composite.address, &composite.origin));
    }
    Lowered::Instances(Vec::new())
}

/// What does not hold of an instance with these attributes.
pub(crate) fn postconditions(
    environment: &Environment<'_>,
    block: &ResourceBlock,
    instance: &Instance,
    attributes: Value,
) -> Diagnostics {
    if block.lifecycle.postconditions.is_empty() {
        return Diagnostics::new();
    }
    let outer = environment.scope(&instance.address.module, &BlockId::of(&instance.address));
    let mut scope = outer.child();
    instance.each.bind(&mut scope);
    scope.set("self", attributes);
    let what = (condition::POSTCONDITION, &*instance.address.to_string());
    condition::failures(&block.lifecycle.postconditions, what, &scope)
}

/// The instances of a `cluster` or `host` block in an instance of its module with their attributes, or `None` while it is unknown how
/// many there are.
pub(crate) fn targets(
    context: &Context<'_>,
    at: &ModuleInstance,
    id: &BlockId,
    block: &TargetBlock,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<(TargetAddress, Value)>> {
    let BlockName::Target(kind, name) = &id.name else { return None };
    let (_, schema) = context.registry.target(*kind)?;
    let outer = context.environment.scope(at, id);
    let Expansion::Instances(all) = expand(&block.repetition, &outer, diagnostics) else { return None };
    let instances = all.iter().map(|each| {
        let mut scope = outer.child();
        each.bind(&mut scope);
        let (module, key) = (at.clone(), each.key.clone());
        let address = TargetAddress { module, kind: *kind, name: name.clone(), key };
        (address, complete(schema, &block.content, &scope, diagnostics).0)
    });
    Some(instances.collect())
}

/// A provider's problem at its place in the source.
pub(crate) fn place_problem(problem: Problem, address: &Address, origin: &Origin) -> Diagnostic {
    let span = origin.place(&problem.path).or_else(|| origin.any_place());
    let detail = format!("{} (in {address})", problem.detail);
    match problem.severity {
        Severity::Error => Diagnostic::error(problem.summary, detail),
        Severity::Warning => Diagnostic::warning(problem.summary, detail),
    }
    .at(span)
}

fn part_instance(composite: &Instance, kind: &str, part: Part) -> Instance {
    let address = |key: String| composite.address.clone().with_key(Key::Name(key));
    let siblings = part.after.into_iter().map(address);
    // What a part comes from, its provider's text tells no more.
    let stands_in = composite.desired.all_marks().is_stand_in();
    let marks = if stands_in { Marks::STAND_IN } else { Marks::NONE };
    Instance {
        depends_on: composite.depends_on.iter().cloned().chain(siblings).collect(),
        address: address(part.key),
        kind: kind.to_owned(),
        target: composite.target.clone(),
        desired: part.desired.marked(marks),
        origin: composite.origin.clone(),
        timeouts: composite.timeouts,
        each: composite.each.clone(),
    }
}

fn wrong_target(kind: TargetKind) -> Diagnostic {
    let word = kind.as_str();
    Diagnostic::error("Wrong target", format!("This must be a {word}, such as `{word}.NAME`."))
}

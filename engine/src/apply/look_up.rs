//! Looking things up while applying: as a step, again for a saved plan that does not hold what was secret in it, and for checks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::agree::contradiction;
use super::values::Values;
use crate::address::{Address, ModuleInstance, TargetAddress};
use crate::config::{BlockId, BlockName, Registry};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lower::{LookUp, Placement};
use crate::observer::Observer;
use crate::pipeline::{Failure, World};
use crate::plan::{Change, Plan};
use crate::ports::{ErrorCode, Found, ProviderError, Target};
use crate::secrets::{Secrets, has_fingerprint};
use crate::value::{Fingerprinter, Kind, Value};

/// Asks a target, or, for what is on none, the provider.
pub(super) async fn read(registry: &Registry, target: Option<&dyn Target>, look_up: &LookUp) -> Found {
    let items = [look_up.item()];
    let answers = match (target, registry.data_provider(&look_up.kind)) {
        (Some(target), _) => target.read(&items).await,
        (None, Some(provider)) => provider.read(&items).await,
        (None, None) => Vec::new(),
    };
    let unanswered =
        || error(ErrorCode::Other, "Not answered", format!("Nothing tells about {}.", look_up.address));
    answers.into_iter().next().unwrap_or_else(|| Err(unanswered()))
}

/// What a step looks up, once it is found to be what was reviewed.
///
/// # Errors
/// When it cannot be evaluated, or comes out differently than planned.
pub(super) fn prepare(
    change: &Change,
    values: &mut Values<'_>,
    keyed: &dyn Fingerprinter,
) -> Result<LookUp, ProviderError> {
    let look_up = values.look_up(&change.address).map_err(|problems| {
        let details: Vec<_> = problems.iter().map(|problem| problem.detail.as_str()).collect();
        refused(&details.join(" "))
    })?;
    if let Some(name) = look_up.unknown_argument() {
        return Err(refused(&format!("its argument \"{name}\" is not known even now")));
    }
    let differs =
        change.desired.as_ref().and_then(|planned| contradiction(planned, &look_up.arguments, keyed));
    if let Some(path) = differs {
        return Err(refused(&format!("{path} comes out otherwise than planned")));
    }
    let target = match &look_up.target {
        Placement::On(target) => Some(target),
        Placement::Nowhere | Placement::Unknown => None,
    };
    match target == change.target.as_ref() {
        true => Ok(look_up),
        false => Err(refused("it is to be looked up elsewhere than planned")),
    }
}

/// What is secret among the arguments of a look-up: hidden wherever it stands in the answer.
pub(super) fn secrets(look_up: &LookUp, fingerprinter: &Arc<dyn Fingerprinter>) -> Secrets {
    let mut secrets = Secrets::new(fingerprinter);
    secrets.learn(&look_up.arguments);
    secrets
}

/// Looks things up between the steps: before the first one, and after the last.
pub(super) struct Reader<'a> {
    pub(super) plan: &'a Plan,
    pub(super) world: &'a World,
    pub(super) observer: &'a dyn Observer,
    pub(super) fingerprinter: &'a Arc<dyn Fingerprinter>,
}

impl Reader<'_> {
    /// Looks up again what a saved plan holds only fingerprints of. Targets may depend on it, so this comes before they are connected.
    ///
    /// # Errors
    /// When it cannot be looked up, or is not what it was.
    pub(super) async fn reveal(&self, values: &mut Values<'_>) -> Result<(), Failure> {
        let hidden = || self.plan.data.iter().filter(|(_, found)| has_fingerprint(found));
        let blocks: BTreeSet<_> = hidden().map(|(address, _)| BlockId::of(address)).collect();
        for id in values.data_blocks().iter().filter(|id| blocks.contains(id)) {
            let mut problems = Diagnostics::new();
            let look_ups = values.look_ups(id, &mut problems);
            if problems.has_errors() {
                return Err(Failure::Diagnostics(problems));
            }
            for look_up in look_ups {
                if let Some(planned) = self.plan.data.get(&look_up.address).filter(|it| has_fingerprint(it)) {
                    let found = self.reveal_one(&look_up, planned, values).await?;
                    values.settle(&look_up.address, found);
                }
            }
        }
        Ok(())
    }

    /// Asks again what a saved plan holds only fingerprints of in what composites were answered. What that depends on is known by now.
    ///
    /// # Errors
    /// When it cannot be asked, or the answer is another one.
    pub(super) async fn reveal_composites(&self, values: &mut Values<'_>) -> Result<(), Failure> {
        for (address, planned) in self.plan.data.iter().filter(|(_, found)| has_fingerprint(found)) {
            let asked = values.asked(address).map_err(Failure::Diagnostics)?;
            if let Some(look_up) = asked {
                let found = self.reveal_one(&look_up, planned, values).await?;
                values.settle(address, found);
            }
        }
        Ok(())
    }

    async fn reveal_one(
        &self,
        look_up: &LookUp,
        planned: &Value,
        values: &mut Values<'_>,
    ) -> Result<Value, Diagnostic> {
        let address = &look_up.address;
        let found = self.read(look_up, values).await;
        let found = found
            .map_err(|error| Diagnostic::error(error.summary, format!("{} ({address})", error.detail)))?;
        revealed(planned, &found, &**self.fingerprinter).ok_or_else(|| {
            let detail = format!(
                "{address} is not what it was when the plan was made. Nothing was done: plan again and review."
            );
            Diagnostic::error("Looked up otherwise", detail)
        })
    }

    /// Looks up what the `check` blocks ask, now that all is done. What cannot be looked up is a warning.
    pub(super) async fn for_checks(&self, values: &mut Values<'_>, diagnostics: &mut Diagnostics) {
        for id in values.data_blocks() {
            let Some(block) = values.data(&id).filter(|block| block.check.is_some()) else { continue };
            if self.is_left_out(&id) {
                continue;
            }
            let mut problems = Diagnostics::new();
            for look_up in values.look_ups(&id, &mut problems) {
                let found = match look_up.unknown_argument() {
                    Some(_) => look_up.unknown.clone(),
                    None => self.read(&look_up, values).await.unwrap_or_else(|error| {
                        let detail = format!("{} ({})", error.detail, look_up.address);
                        problems.push(Diagnostic::error(error.summary, detail).at(block.span.clone()));
                        look_up.unknown.clone()
                    }),
                };
                values.settle(&look_up.address, found.clone());
                problems.extend(values.failures(&look_up, found));
            }
            diagnostics.extend(problems.into_warnings());
        }
    }

    /// Whether something is left out of a partial plan that a look-up needs.
    fn is_left_out(&self, id: &BlockId) -> bool {
        let BlockName::Data(ty, name) = &id.name else { return false };
        let anywhere = id.module.0.iter().fold(ModuleInstance::ROOT, |at, name| at.child(name, None));
        let address = Address::look_up(anywhere, ty, name);
        self.plan.partial.as_ref().is_some_and(|partial| partial.leaves_out(&address))
    }

    async fn read(&self, look_up: &LookUp, values: &mut Values<'_>) -> Found {
        let target = match &look_up.target {
            Placement::Nowhere => None,
            Placement::Unknown => return Err(not_known("where it is looked up")),
            Placement::On(target) => Some(self.connect(target, values).await?),
        };
        let found = read(&self.world.registry, target.as_deref(), look_up).await;
        let secrets = secrets(look_up, self.fingerprinter);
        match found {
            Ok(found) => Ok(secrets.mark(&found)),
            Err(error) => Err(ProviderError { detail: secrets.scrub(&error.detail), ..error }),
        }
    }

    /// A target that is the one that the plan was made against.
    async fn connect(
        &self,
        target: &TargetAddress,
        values: &mut Values<'_>,
    ) -> Result<Arc<dyn Target>, ProviderError> {
        let configs = values.targets(&mut Diagnostics::new());
        let config = configs.get(target).filter(|config| config.attributes.is_wholly_known());
        let config = config.ok_or_else(|| not_known(&target.to_string()))?;
        let connected = self.world.connect(config, self.observer).await?;
        match self.plan.targets.get(target) {
            Some(planned) if planned != connected.identity() => {
                let detail = format!(
                    "{target} is {} now, and the plan was made against another one.",
                    connected.identity()
                );
                Err(error(ErrorCode::Other, "Wrong target", detail))
            }
            _ => Ok(connected),
        }
    }
}

fn not_known(what: &str) -> ProviderError {
    error(ErrorCode::Other, "Not known", format!("It cannot be told even now: {what}."))
}

/// What was planned with, with its fingerprints replaced by what they are of; `None` if that is something else now.
fn revealed(planned: &Value, found: &Value, keyed: &dyn Fingerprinter) -> Option<Value> {
    if let Kind::Fingerprint(_) = planned.kind() {
        return found.redacted(keyed).same(planned).then(|| found.clone());
    }
    if !has_fingerprint(planned) {
        return Some(planned.clone());
    }
    let value = match (planned.as_map(), planned.as_list()) {
        (Some(fields), _) => {
            let inside = fields.iter().map(|(name, part)| {
                Some((name.clone(), revealed(part, found.get(name).unwrap_or(&Value::null()), keyed)?))
            });
            Value::object(inside.collect::<Option<BTreeMap<_, _>>>()?)
        }
        (None, Some(parts)) => {
            let others = found.as_list().filter(|others| others.len() == parts.len())?;
            let inside = parts.iter().zip(others).map(|(part, other)| revealed(part, other, keyed));
            Value::list(inside.collect::<Option<Vec<_>>>()?)
        }
        (None, None) => return None,
    };
    Some(value.marked(planned.is_sensitive()))
}

fn refused(detail: &str) -> ProviderError {
    error(
        ErrorCode::Changed,
        "Not as planned",
        format!("{detail}. Nothing was looked up: plan again and review."),
    )
}

fn error(code: ErrorCode, summary: &str, detail: String) -> ProviderError {
    ProviderError { code, summary: summary.to_owned(), detail, path: None }
}

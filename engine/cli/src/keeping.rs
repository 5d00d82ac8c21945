//! Where the state of a stack is: its `meshform` block, the environment and the selected workspace, put together.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use meshform_engine::config::Registry;
use meshform_engine::diagnostic::{Diagnostic, Sources, did_you_mean};
use meshform_engine::files::Files;
use meshform_engine::inputs::Input;
use meshform_engine::lang::FunctionContext;
use meshform_engine::plan::Plan;
use meshform_engine::ports::{Backend, DEFAULT_WORKSPACE, Place, StateStore};
use meshform_engine::settings::{self, Settings};
use meshform_engine::value::Value;

use crate::input::{DiskFiles, Stack, VariableArguments};
use crate::problem::Problem;
use crate::session::{STATE_FOLDER, Session};
use crate::workspace;

/// The kind of backend of a stack that names none.
pub(crate) const LOCAL: &str = "local";

/// The block whose keys are at fault when a setting of that name is.
const ENCRYPTION: &str = "encryption";

/// Where the states of a stack are, and which of them is meant.
pub(crate) struct Kept {
    /// What the stack says of itself.
    pub(crate) settings: Settings,
    /// All of its states.
    pub(crate) backend: Arc<dyn Backend>,
    /// What those are called, for people and for the working copy.
    pub(crate) place: String,
    /// The present workspace.
    pub(crate) workspace: String,
    /// Its state.
    pub(crate) store: Arc<dyn StateStore>,
}

impl Session {
    /// Where the state of a stack is. Nothing is asked of it yet, unless to know whether there is such a workspace.
    ///
    /// # Errors
    /// When the stack's settings are wrong, or there is no such workspace.
    pub(crate) fn kept(&self, stack: &Stack, inputs: &[Input], registry: &Registry) -> Result<Kept, Problem> {
        let kept = self.kept_whatever_workspace(stack, inputs, registry)?;
        self.stays(&stack.folder, &kept)?;
        if kept.workspace != DEFAULT_WORKSPACE {
            let known = self.runtime()?.block_on(kept.backend.workspaces())?;
            if !known.contains(&kept.workspace) {
                return Err(no_such_workspace(&kept.workspace, &known));
            }
        }
        Ok(kept)
    }

    /// The same, whether there is such a workspace or not.
    ///
    /// # Errors
    /// When the stack's settings are wrong.
    pub(crate) fn kept_whatever_workspace(
        &self,
        stack: &Stack,
        inputs: &[Input],
        registry: &Registry,
    ) -> Result<Kept, Problem> {
        let workspace = workspace::selected(&stack.folder, &self.environment)?;
        let settings = self.settings(&stack.folder, &stack.sources, &workspace, inputs, registry)?;
        let backend = self.backend(&stack.folder, &stack.sources, &settings)?;
        let store = backend.store(&workspace);
        let is_local = settings.backend.as_ref().is_none_or(|(kind, _)| kind == LOCAL);
        let place = if is_local { LOCAL.to_owned() } else { backend.name() };
        Ok(Kept { settings, backend, place, workspace, store })
    }

    /// The states of a stack that are kept in its folder, wherever they are to be kept by now.
    ///
    /// # Errors
    /// When the stack's encryption is wrong.
    pub(crate) fn local(&self, folder: &Path, kept: &Kept) -> Result<Arc<dyn Backend>, Problem> {
        let settings = Settings { backend: None, ..kept.settings.clone() };
        self.backend(folder, &Sources::default(), &settings)
    }

    /// A saved plan, which may be encrypted as the states are that the present folder's stack has, or as the environment says.
    ///
    /// # Errors
    /// When that stack's settings are wrong, none of their keys opens the plan, or the bytes are not a plan that this program can read.
    pub(crate) fn saved_plan(&self, bytes: &[u8], variables: &VariableArguments) -> Result<Plan, Problem> {
        let stack = Stack::read_own(Path::new("."))?;
        let inputs = variables.inputs(&self.environment, &stack, None)?;
        let registry = self.registry(&stack.folder);
        let settings = self.settings(&stack.folder, &stack.sources, DEFAULT_WORKSPACE, &inputs, &registry)?;
        let backend = self.backend(&stack.folder, &stack.sources, &settings)?;
        let plan = self.runtime()?.block_on(backend.open_plan(bytes.to_vec()))?;
        Ok(backend.store(DEFAULT_WORKSPACE).decode_plan(&plan)?)
    }

    /// What a stack says of itself, and the environment in its place.
    fn settings(
        &self,
        folder: &Path,
        sources: &Sources,
        workspace: &str,
        inputs: &[Input],
        registry: &Registry,
    ) -> Result<Settings, Problem> {
        let base = folder.to_string_lossy();
        let files: &dyn Files = &DiskFiles;
        let now = self.clock().now_ms();
        let functions = FunctionContext { files, base: &base, workspace, now, impure: None };
        let mut settings = settings::read(sources, registry, inputs, &functions)
            .map_err(|problems| Problem::found(problems, sources.clone()))?;
        if let Some(text) = &self.environment.encryption {
            let given = settings::encryption(text, registry, &functions);
            settings.encryption =
                Some(given.map_err(|problems| Problem::found(problems, Sources::default()))?);
        }
        Ok(settings)
    }

    fn backend(
        &self,
        folder: &Path,
        sources: &Sources,
        settings: &Settings,
    ) -> Result<Arc<dyn Backend>, Problem> {
        let written = settings.backend.as_ref();
        let place = Place {
            folder: folder.join(STATE_FOLDER).to_string_lossy().into_owned(),
            backend: written.map_or_else(|| LOCAL.to_owned(), |(kind, _)| kind.clone()),
            settings: written.map(|(_, written)| texts(&written.value)).unwrap_or_default(),
            encryption: settings.encryption.as_ref().map(|written| written.value.clone()),
            environment: Arc::clone(&self.environment.all),
            clock: self.shared_clock(),
        };
        (self.parts.backend)(&place).map_err(|problem| {
            let block = match problem.setting.as_str() {
                ENCRYPTION => settings.encryption.as_ref(),
                _ => written.map(|(_, written)| written),
            };
            let span = block.and_then(|block| block.place(&problem.setting));
            let detail = format!("`{}` {}.", problem.setting, problem.problem);
            let told = Diagnostic::error("The state cannot be kept so", detail).at(span);
            Problem::found(told.into(), sources.clone())
        })
    }
}

/// The settings that are given, as texts.
fn texts(settings: &Value) -> BTreeMap<String, String> {
    let settings = settings.as_map().into_iter().flatten();
    settings.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// Complains of a workspace that is not among those that there are, besides the default one.
pub(crate) fn no_such_workspace(name: &str, known: &[String]) -> Problem {
    let all = known.iter().map(String::as_str).chain([DEFAULT_WORKSPACE]);
    let hint = match did_you_mean(name, all) {
        Some(candidate) => format!("Did you mean \"{candidate}\"?"),
        None => format!(
            "\"meshform workspace new {name}\" makes it; \"meshform workspace list\" lists those that are."
        ),
    };
    Problem::new("No such workspace", format!("There is no workspace \"{name}\". {hint}"))
}

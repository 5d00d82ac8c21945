//! For tests: one resource, planned and applied by its real programs, in namespaces that keep them away from this machine.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ObserveItem, Observed, Operation, PerformRequest, Precondition,
    ProviderError, StepFailure, Verdict,
};
use meshform_engine::schema::Presence;
use meshform_engine::state::{Record, RecordStatus};
use meshform_engine::value::{Fingerprinter, Value};
use tempfile::TempDir;

use crate::answer::Answer;
use crate::promise::Promises;
use crate::resource::{self, Resource, Work};
use crate::script::{Looks, Program, look};

/// A resource of one type, what is recorded of it, and a shell in the namespaces where its programs run.
pub(crate) struct Trial {
    resource: &'static dyn Resource,
    pub(crate) record: Option<Arc<Record>>,
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    folder: TempDir,
}

/// What one plan shows.
pub(crate) struct Planned {
    pub(crate) difference: Difference,
    request: PerformRequest,
}

impl Planned {
    /// The verdict, and how each field changes, in one line.
    pub(crate) fn summary(&self) -> String {
        let show = |value: &Option<Value>| match value {
            Some(value) if value.has_sensitive() => "(sensitive)".to_owned(),
            Some(value) => meshform_engine::value::to_json(value)
                .map_or_else(|_| "?".to_owned(), |json| json.to_string()),
            None => "null".to_owned(),
        };
        let field = |field: &meshform_engine::plan::FieldChange| match &field.before {
            None => format!(" {}", field.path),
            before => format!(" {}: {} -> {}", field.path, show(before), show(&field.after)),
        };
        let fields: String = self.difference.fields.iter().map(field).collect();
        format!("{:?}{fields}", self.difference.verdict)
    }

    /// The notes, in one text.
    pub(crate) fn notes(&self) -> String {
        self.difference.notes.join(" ")
    }

    /// The paths that have drifted, in one line.
    pub(crate) fn drift(&self) -> String {
        let fields: Vec<_> = self.difference.drift.iter().map(|field| field.path.to_string()).collect();
        fields.join(" ")
    }
}

impl Trial {
    /// Begins with these commands in namespaces of its own.
    pub(crate) fn start(kind: &str, setup: &str) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "--mount", "--uts", "sh"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = command.spawn().expect("unshare is needed: install util-linux");
        let (input, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
        let mut trial = Self {
            resource: resource::named(kind).unwrap(),
            record: None,
            shell,
            input,
            output: BufReader::new(output),
            folder: TempDir::new().unwrap(),
        };
        assert_eq!(trial.shell(&format!("{{ {setup}\n}} 2>&1 && echo ready")), "ready\n");
        trial
    }

    /// Makes another resource of this type the one that is planned, with nothing recorded.
    pub(crate) fn anew(&mut self, kind: &str) {
        self.resource = resource::named(kind).unwrap();
        self.record = None;
    }

    /// Runs commands in the namespaces, and tells what they print.
    pub(crate) fn shell(&mut self, commands: &str) -> String {
        let script = self.folder.path().join("script");
        std::fs::write(&script, commands).unwrap();
        writeln!(self.input, "sh {} </dev/null; echo; echo END-OF-TRIAL", script.display()).unwrap();
        let mut all = String::new();
        loop {
            let read = self.output.read_line(&mut all).unwrap();
            assert_ne!(read, 0, "the shell has ended: {all}");
            if let Some(said) = all.strip_suffix("\nEND-OF-TRIAL\n") {
                return said.to_owned();
            }
        }
    }

    fn run(&mut self, program: &Program) -> (Answer, String) {
        let (text, words) = (self.folder.path().join("program"), self.folder.path().join("words"));
        std::fs::write(&text, &program.text).unwrap();
        let line = format!("sh <{} 2>{}", text.display(), words.display());
        let said = self.shell(&line);
        let words = std::fs::read_to_string(words).unwrap();
        let answer = Answer::read(said.as_bytes(), &program.nonce);
        (answer.unwrap_or_else(|| panic!("no whole answer: {said}\n{words}\n{}", program.text)), words)
    }

    /// Looks and compares, as `plan` does.
    pub(crate) fn plan(&mut self, fields: Option<&[(&str, Value)]>) -> Result<Planned, ProviderError> {
        let desired = fields.map(|fields| self.with_defaults(fields));
        let address = Address::new(self.resource.name(), "x");
        let identity = match (&desired, &self.record) {
            (Some(desired), _) => self.resource.identity(&address, desired).unwrap(),
            (None, record) => record.as_ref().unwrap().identity.clone(),
        };
        let item = ObserveItem {
            address: address.clone(),
            kind: self.resource.name().into(),
            identity: identity.clone(),
            desired: desired.clone(),
            record: self.record.clone(),
        };
        let mut looks = Looks::default();
        self.resource.look(0, &item, &mut looks);
        let (answer, _) = self.run(&look("n", &looks, true, false));
        let observed = self.resource.observed(0, &item, &answer, &Promises::default()).unwrap()?;
        let difference = self.resource.difference(&DifferenceRequest {
            address: &address,
            kind: self.resource.name(),
            record: self.record.as_deref(),
            observed: &observed,
            desired: desired.as_ref(),
            preview: None,
            fingerprinter: &Hashed,
        });
        let request = PerformRequest {
            address,
            kind: self.resource.name().into(),
            identity,
            operation: match difference.verdict {
                Verdict::Create => Operation::Create,
                Verdict::Delete => Operation::Delete,
                Verdict::Update | Verdict::NoOp | Verdict::Replace => Operation::Update,
            },
            desired,
            record: self.record.clone(),
            precondition: match &observed {
                Observed::Absent => Precondition::Absent,
                Observed::Present(there) => Precondition::Version(there.version.clone()),
            },
            timeout_ms: None,
        };
        Ok(Planned { difference, request })
    }

    /// Does what was planned and records it, secrets as fingerprints.
    pub(crate) fn apply(&mut self, planned: Planned) -> Result<(), StepFailure> {
        let resource = self.resource;
        let request = planned.request;
        let performed = match resource.work(&request, None)? {
            Work::Record(performed) => performed,
            Work::Job(job) => {
                let (answer, words) = self.run(&job.program("n", false, true)?);
                job.performed(&answer, &words)?
            }
            Work::Edit(_) | Work::Restart(_) => panic!("these are tested elsewhere"),
        };
        self.record = request.desired.is_some().then(|| {
            Arc::new(Record {
                target: None,
                identity: request.identity.clone(),
                attributes: performed.attributes.redacted(&Hashed),
                private: performed.private,
                depends_on: Vec::new(),
                status: RecordStatus::Complete,
            })
        });
        Ok(())
    }

    /// Plans and applies, and plans again: nothing is left to do.
    pub(crate) fn converge(&mut self, fields: Option<&[(&str, Value)]>) -> String {
        let planned = self.plan(fields).unwrap();
        let summary = planned.summary();
        self.apply(planned).unwrap();
        if fields.is_some() {
            assert_eq!(self.plan(fields).unwrap().summary(), "NoOp", "after {summary}");
        }
        summary
    }

    /// Plans and applies what fails, and tells why.
    pub(crate) fn fail(&mut self, fields: Option<&[(&str, Value)]>) -> ProviderError {
        let planned = self.plan(fields).unwrap();
        self.apply(planned).unwrap_err().error
    }

    fn with_defaults(&self, fields: &[(&str, Value)]) -> Value {
        let value = |attribute: meshform_engine::schema::Attribute| {
            let given =
                fields.iter().find(|(name, _)| *name == attribute.name).map(|(_, value)| value.clone());
            let value = given.or(match attribute.presence {
                Presence::Default(value) => Some(value),
                Presence::Optional => Some(Value::null()),
                Presence::Required | Presence::Computed => None,
            });
            value.map(|value| (attribute.name.to_owned(), value))
        };
        let desired = Value::object(self.resource.attributes().into_iter().filter_map(value));
        assert_eq!(crate::check::check(self.resource.name(), &desired), []);
        desired
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// Tells values apart, and does not show them.
struct Hashed;

impl Fingerprinter for Hashed {
    fn fingerprint(&self, value: &Value) -> String {
        crate::script::sha256(format!("{:?}", value.unmarked()).as_bytes())
    }
}

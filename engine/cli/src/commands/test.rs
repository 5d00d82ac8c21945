//! `meshform test`: the runs of a stack's test files, in worlds of their own.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use clap::Args;
use meshform_engine::diagnostic::{Sources, did_you_mean};
use meshform_engine::observer::Stop;
use meshform_engine::pipeline::{Options, check};
use meshform_engine::testing::{CleanUp, Run, RunReport, Session as TestSession, Subject, TestFile};
use tokio::runtime::Runtime;

use crate::exit::Exit;
use crate::input::{Stack, TEST_FOLDER, Tests, VariableArguments};
use crate::problem::Problem;
use crate::progress::{Display, EventStream, Watcher};
use crate::render::plan::Detail;
use crate::session::{Session, runtime};
use crate::tested::{Tally, TestedFile, TestedRun};
use crate::{interrupt, json, junit, render, terminal};

/// What to test, and how to tell what came of it.
///
/// Test files are named *.mftest.hcl. The runs of a file share one world, which begins empty and is taken down after the last of them. Unless
/// the file says otherwise, an embedded sandbox stands in for all clusters and hosts. The stack's own state is not touched.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Run only this file, or the runs of this name with those whose outputs they use (may be repeated)
    #[arg(long, value_name = "FILE|RUN")]
    filter: Vec<String>,
    /// Look for test files in this folder of the stack, too
    #[arg(long, value_name = "FOLDER", default_value = TEST_FOLDER)]
    test_directory: PathBuf,
    /// Show the plan of each run
    #[arg(long)]
    verbose: bool,
    /// Write the results to a file in JUnit's format, too
    #[arg(long, value_name = "FILE")]
    junit_xml: Option<PathBuf>,
    /// Print events as JSON, one on each line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    variables: VariableArguments,
}

/// Runs the tests.
///
/// # Errors
/// When the stack or a test file cannot be read or is wrong, when there are no tests, and when the results cannot be written.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let started = Instant::now();
    let stack = Stack::read(&arguments.folder)?;
    let suite = Suite::read(stack, arguments, session)?;
    let teller = Teller::new(arguments, session);
    teller.begin(&suite);
    let runtime = runtime()?;
    let mut tested = Vec::new();
    for (file, wanted) in &suite.files {
        let (file, is_interrupted) = suite.file(file, wanted, &teller, session, &runtime)?;
        tested.push(file);
        if is_interrupted {
            break;
        }
    }
    if let Some(path) = &arguments.junit_xml {
        let text = junit::document(&tested, &suite.sources);
        std::fs::write(path, text).map_err(|error| Problem::io("write the results to", path, &error))?;
    }
    teller.end(&tested, elapsed_ms(started))?;
    let is_whole = tested.len() == suite.files.len();
    Ok(if is_whole && Tally::of_all(&tested).is_good() { Exit::Done } else { Exit::Failed })
}

/// The tests of a stack that are to be run.
struct Suite {
    subject: Subject,
    /// The stack's files and those of its tests.
    sources: Sources,
    /// The files with the names of the runs that are wanted.
    files: Vec<(TestFile, BTreeSet<String>)>,
}

impl Suite {
    fn read(stack: Stack, arguments: &Arguments, session: &Session) -> Result<Self, Problem> {
        let tests = Tests::read(&stack, &arguments.test_directory)?;
        let inputs = arguments.variables.inputs(&session.environment, &stack, None)?;
        let folder = stack.folder_name();
        let world = session.world_of_text(&stack.folder)?;
        let (config, problems) = check(&stack.sources, &world, &folder);
        let Some(config) = config else { return Err(Problem::found(problems, stack.sources)) };
        if tests.is_empty() {
            return Err(no_tests(arguments));
        }
        let (files, problems) = tests.decoded(&config, &world.registry);
        if problems.has_errors() {
            return Err(Problem::found(problems, tests.sources));
        }
        let files = selected(files, &arguments.filter)?;
        let options = Options { folder, inputs, ..Options::default() };
        Ok(Self { subject: Subject { sources: stack.sources, options }, sources: tests.sources, files })
    }

    /// Runs one file; and whether it was interrupted.
    fn file(
        &self,
        file: &TestFile,
        wanted: &BTreeSet<String>,
        teller: &Teller<'_>,
        session: &Session,
        runtime: &Runtime,
    ) -> Result<(TestedFile, bool), Problem> {
        let (began_ms, started) = (session.clock().now_ms(), Instant::now());
        let (bench, sandbox) = session.bench(file);
        teller.begin_file(file)?;
        let mut under_way = TestSession::new(file, &self.subject, &bench);
        let stop = Stop::default();
        let runs = self.runs(file, wanted, &mut under_way, teller, &stop);
        let runs = runtime.block_on(interruptibly(runs, &stop, teller))?;
        let clean_up = runtime.block_on(cleaned(under_way, teller));
        runtime.block_on(sandbox.reset())?;
        let (name, elapsed_ms) = (file.name.clone(), elapsed_ms(started));
        let tested = TestedFile { name, began_ms, runs, clean_up, elapsed_ms };
        teller.end_file(&tested, &self.sources)?;
        Ok((tested, stop.is_draining()))
    }

    async fn runs(
        &self,
        file: &TestFile,
        wanted: &BTreeSet<String>,
        under_way: &mut TestSession<'_>,
        teller: &Teller<'_>,
        stop: &Stop,
    ) -> Result<Vec<TestedRun>, Problem> {
        let mut tested = Vec::new();
        for run in &file.runs {
            let started = Instant::now();
            let report = match wanted.contains(&run.name) {
                true => {
                    let watcher = teller.begin_run(file, run);
                    under_way.run(run, &*watcher, stop).await
                }
                false => RunReport::skipped(),
            };
            let (name, command) = (run.name.clone(), run.command);
            let run = TestedRun { name, command, report, elapsed_ms: elapsed_ms(started) };
            teller.end_run(file, &run, &self.sources)?;
            tested.push(run);
        }
        Ok(tested)
    }
}

async fn interruptibly<T>(work: impl Future<Output = T>, stop: &Stop, teller: &Teller<'_>) -> T {
    tokio::select! {
        done = work => done,
        never = interrupt::pass_on(stop, |message| teller.note(message)) => match never {},
    }
}

/// Takes down what the runs have made. An interrupt before has asked for no less.
async fn cleaned(under_way: TestSession<'_>, teller: &Teller<'_>) -> CleanUp {
    let stop = Stop::default();
    let watcher = teller.watcher();
    interruptibly(under_way.clean_up(&*watcher, &stop), &stop, teller).await
}

/// The files that the filters name, with the runs in them; all of them without filters.
fn selected(files: Vec<TestFile>, filters: &[String]) -> Result<Vec<(TestFile, BTreeSet<String>)>, Problem> {
    for filter in filters {
        let is_known =
            files.iter().any(|file| names(file, filter) || file.runs.iter().any(|run| run.name == *filter));
        if !is_known {
            return Err(no_match(filter, &files));
        }
    }
    let all = files.into_iter().map(|file| {
        let wanted = wanted(&file, filters);
        (file, wanted)
    });
    Ok(all
        .filter(|(file, wanted)| filters.is_empty() || (!wanted.is_empty() && !file.runs.is_empty()))
        .collect())
}

fn wanted(file: &TestFile, filters: &[String]) -> BTreeSet<String> {
    if filters.is_empty() || filters.iter().any(|filter| names(file, filter)) {
        return file.runs.iter().map(|run| run.name.clone()).collect();
    }
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    // What a run needs comes before it.
    for run in file.runs.iter().rev() {
        if filters.contains(&run.name) || wanted.contains(&run.name) {
            wanted.insert(run.name.clone());
            wanted.extend(run.needs.iter().cloned());
        }
    }
    wanted
}

/// Whether a filter means a file: by its path, or by the end of it.
fn names(file: &TestFile, filter: &str) -> bool {
    let filter = filter.strip_prefix("./").unwrap_or(filter);
    file.name == filter || file.name.ends_with(&format!("/{filter}"))
}

fn no_match(filter: &str, files: &[TestFile]) -> Problem {
    let runs = files.iter().flat_map(|file| &file.runs).map(|run| run.name.as_str());
    let names = files.iter().map(|file| file.name.as_str());
    let hint = match did_you_mean(filter, names.chain(runs)) {
        Some(candidate) => format!(" Did you mean \"{candidate}\"?"),
        None => String::new(),
    };
    Problem::new("No such test", format!("Neither a test file nor a run is named \"{filter}\".{hint}"))
}

fn no_tests(arguments: &Arguments) -> Problem {
    let detail = format!(
        "There are no *.mftest.hcl files in {} or its folder {}.",
        arguments.folder.display(),
        arguments.test_directory.display()
    );
    Problem::new("No tests", detail)
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Tells what happens, to a person or to a machine.
struct Teller<'a> {
    is_verbose: bool,
    session: &'a Session,
    stream: Option<EventStream>,
    /// Whoever watches what is under way.
    watcher: RefCell<Option<Rc<Watcher>>>,
}

impl<'a> Teller<'a> {
    fn new(arguments: &Arguments, session: &'a Session) -> Self {
        let stream = arguments.json.then(EventStream::new);
        Self { is_verbose: arguments.verbose, session, stream, watcher: RefCell::default() }
    }

    fn begin(&self, suite: &Suite) {
        if let Some(stream) = &self.stream {
            stream.write(json::test::tests(suite.files.iter().map(|(file, _)| file)));
        }
    }

    fn begin_file(&self, file: &TestFile) -> Result<(), Problem> {
        match &self.stream {
            Some(stream) => stream.write(json::test::file_started(&file.name)),
            None => terminal::print(&render::test::heading(&file.name))?,
        }
        Ok(())
    }

    /// Whoever watches what a run does.
    fn begin_run(&self, file: &TestFile, run: &Run) -> Rc<Watcher> {
        if let Some(stream) = &self.stream {
            stream.write(json::test::run_started(&file.name, run));
        }
        self.watcher()
    }

    /// A person is shown what goes on only while it does: the results are what stays.
    fn watcher(&self) -> Rc<Watcher> {
        let watcher = Rc::new(match &self.stream {
            Some(_) => Watcher::Machine(EventStream::continued()),
            None if terminal::is_followed() && !self.session.environment.line_by_line => {
                Watcher::Person(Display::new(false).fleeting())
            }
            None => Watcher::Nobody,
        });
        self.watcher.replace(Some(Rc::clone(&watcher)));
        watcher
    }

    fn end_run(&self, file: &TestFile, run: &TestedRun, sources: &Sources) -> Result<(), Problem> {
        // The redrawn part goes before anything else is printed.
        self.watcher.take();
        match &self.stream {
            Some(stream) => stream.write(json::test::run(&file.name, run, sources, self.is_verbose)),
            None => {
                let detail = Detail { full: false, columns: terminal::columns() };
                terminal::print(&render::test::run(run, sources, self.is_verbose, detail))?;
            }
        }
        Ok(())
    }

    fn end_file(&self, file: &TestedFile, sources: &Sources) -> Result<(), Problem> {
        self.watcher.take();
        match &self.stream {
            Some(stream) => stream.write(json::test::clean_up(file, sources)),
            None => terminal::print(&render::test::clean_up(file, sources, terminal::columns()))?,
        }
        Ok(())
    }

    fn end(&self, files: &[TestedFile], elapsed_ms: u64) -> Result<(), Problem> {
        match &self.stream {
            Some(stream) => stream.write(json::test::summary(files, elapsed_ms)),
            None => terminal::print(&render::test::summary(files, elapsed_ms))?,
        }
        Ok(())
    }

    fn note(&self, text: &str) {
        match self.watcher.borrow().as_deref() {
            None | Some(Watcher::Nobody) => terminal::say(&format!("{text}\n")),
            Some(watcher) => watcher.note(text),
        }
    }
}

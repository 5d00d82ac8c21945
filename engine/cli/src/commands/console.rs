//! `meshform console`: expressions in, values out.

use std::io::{self, Read as _};
use std::path::PathBuf;

use clap::Args;
use meshform_engine::console::{Answer, Console, expressions};
use meshform_engine::dice::Dice;
use meshform_engine::inputs;
use meshform_engine::lang::FunctionContext;
use meshform_engine::pipeline::check;

use crate::exit::Exit;
use crate::input::{Stack, VariableArguments};
use crate::line_editor::{Entry, LineEditor};
use crate::problem::{Problem, ReportStyle, tell};
use crate::render::answer;
use crate::session::{Session, small_runtime};
use crate::{json, terminal};

/// Where to evaluate, and how to answer.
///
/// Expressions may refer to the stack's variables, local values and targets, and to what is recorded of its resources. They are read
/// from the terminal, or one per line from standard input; brackets and heredocs hold several lines together. "exit" ends it.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The stack's folder, which may be empty
    #[arg(default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    variables: VariableArguments,
    /// Print each value as JSON, on a line of its own
    #[arg(long)]
    pub(crate) json: bool,
}

/// Answers until there are no more expressions. One that cannot be evaluated keeps no other from being answered.
///
/// # Errors
/// When the stack or its state cannot be read, or the stack has errors.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<Exit, Problem> {
    let stack = Stack::read_any(&arguments.folder)?;
    let folder = stack.folder_name();
    let registry = session.registry(&stack.folder);
    let given = arguments.variables.inputs(&session.environment, &stack, Some(&registry))?;
    let found = |diagnostics| Problem::found(diagnostics, stack.sources.clone());
    let (config, diagnostics) = check(&stack.sources, &session.world_of_text(&stack.folder)?, &folder);
    let Some(config) = config else { return Err(found(diagnostics)) };
    let kept = session.kept(&stack, &given, &registry)?;
    let world = session.world(registry, kept);
    let runtime = small_runtime()?;
    let fingerprinter = runtime.block_on(world.store.fingerprinter())?;
    let dice = Dice::new(&*world.clock, &*fingerprinter);
    let functions = FunctionContext {
        files: &*world.files,
        base: &folder,
        workspace: &world.workspace,
        now: world.clock.now_ms(),
        impure: Some(&dice),
    };
    let (variables, problems) = inputs::resolve(&config, &given, &functions);
    if problems.has_errors() {
        return Err(found(problems));
    }
    let snapshot = runtime.block_on(world.store.load())?.snapshot;
    let (console, problems) = Console::new(&config, &world.registry, &variables, &snapshot, &functions);
    tell(&problems, &stack.sources);
    let conversation = Conversation { console: &console, json: arguments.json };
    match terminal::can_converse() && !arguments.json {
        true => conversation.with_person(session.environment.line_by_line),
        false => conversation.with_input(),
    }
}

/// Expressions and their answers.
struct Conversation<'a> {
    console: &'a Console<'a>,
    json: bool,
}

impl Conversation<'_> {
    /// Answers all of standard input.
    fn with_input(&self) -> Result<Exit, Problem> {
        let mut text = String::new();
        io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
        let (lines, rest) = expressions(&text);
        let rest = Some(rest).filter(|rest| !rest.is_empty());
        let mut exit = Exit::Done;
        for line in lines.into_iter().chain(rest).take_while(|line| !is_exit(line)) {
            if !self.answer(line)? {
                exit = Exit::Failed;
            }
        }
        Ok(exit)
    }

    /// Answers a person at a terminal, who sees what is wrong and needs no exit code to tell it.
    fn with_person(&self, is_plain: bool) -> Result<Exit, Problem> {
        let mut editor = LineEditor::new(is_plain);
        let mut pending = String::new();
        loop {
            let prompt = if pending.is_empty() { "> " } else { "… " };
            match editor.read(prompt).map_err(unreadable)? {
                Entry::End => return Ok(Exit::Done),
                Entry::Interrupted => pending.clear(),
                Entry::Line(line) => {
                    pending.push_str(&line);
                    pending.push('\n');
                }
            }
            let (lines, rest) = expressions(&pending);
            if lines.first().is_some_and(|line| is_exit(line)) {
                return Ok(Exit::Done);
            }
            for line in lines {
                self.answer(line)?;
            }
            pending = rest.to_owned();
        }
    }

    /// Answers one expression; whether it could be evaluated.
    fn answer(&self, text: &str) -> Result<bool, Problem> {
        let Answer { value, diagnostics, sources } = self.console.answer(text);
        let evaluated = value.is_some();
        if self.json {
            let answer = match &value {
                Some(value) => json::value::redacted(value),
                None => json::diagnostics::document(&diagnostics, &sources),
            };
            terminal::print(&format!("{answer}\n"))?;
        } else {
            Problem::found(diagnostics, sources).report(ReportStyle::Text);
            let lines = value.iter().flat_map(answer::lines).map(|line| line + "\n");
            terminal::print(&lines.collect::<String>())?;
        }
        Ok(evaluated)
    }
}

fn is_exit(line: &str) -> bool {
    matches!(line.trim(), "exit" | "quit")
}

fn unreadable(error: io::Error) -> Problem {
    Problem::new("Standard input cannot be read", format!("Failed to read an expression: {error}."))
}

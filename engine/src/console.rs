//! What a person may ask about a stack: expressions over its variables, its local values, its targets, and what is recorded of its
//! resources. Nothing is contacted, and nothing changes.

use std::collections::BTreeMap;

use crate::address::{Address, ModuleInstance, TargetAddress};
use crate::config::{BlockId, BlockName, Config, Registry, Repetition};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceId, Sources};
use crate::environment::{Called, Environment, gather, target_value};
use crate::format;
use crate::lang::{Expression, FunctionContext, Scope, evaluate};
use crate::lower::{self, Context};
use crate::state::{Record, Snapshot};
use crate::syntax;
use crate::types::Type;
use crate::value::Value;

/// The names of a stack with their values, for as many expressions as are asked.
pub struct Console<'a> {
    scope: Scope<'a>,
}

/// What came of one expression.
#[derive(Debug)]
pub struct Answer {
    /// Its value, if there are no errors.
    pub value: Option<Value>,
    /// What there is to say about it.
    pub diagnostics: Diagnostics,
    /// The expression, as the diagnostics' places count.
    pub sources: Sources,
}

impl<'a> Console<'a> {
    /// Evaluates all that the stack's expressions may refer to. What was never applied is unknown.
    pub fn new(
        config: &'a Config,
        registry: &'a Registry,
        variables: &BTreeMap<String, Value>,
        snapshot: &'a Snapshot,
        functions: &'a FunctionContext<'a>,
    ) -> (Self, Diagnostics) {
        let mut names = Names {
            registry,
            functions,
            snapshot,
            environment: Environment::new(config, functions, variables),
            targets: Vec::new(),
            diagnostics: Diagnostics::new(),
        };
        for block in &config.order {
            names.block(block);
        }
        let mut scope = names.environment.console_scope();
        ["var", "local"].iter().for_each(|root| scope.declare_root(root));
        (Self { scope }, names.diagnostics)
    }

    /// Evaluates one expression.
    pub fn answer(&self, text: &str) -> Answer {
        let mut sources = Sources::default();
        let source = sources.add("console", text);
        let mut diagnostics = Diagnostics::new();
        let value = match self.evaluated(source, text, &sources, &mut diagnostics) {
            Ok(value) => Some(value).filter(|_| !diagnostics.has_errors()),
            Err(problem) => {
                diagnostics.push(problem);
                None
            }
        };
        Answer { value, diagnostics, sources }
    }

    fn evaluated(
        &self,
        source: SourceId,
        given: &str,
        sources: &Sources,
        diagnostics: &mut Diagnostics,
    ) -> Result<Value, Diagnostic> {
        let text = sources.get(source).map_or(given, |source| &source.text);
        let ast = syntax::parse_expression(source, text)?;
        let expression = Expression::new(source, text.into(), ast);
        Ok(evaluate(&expression, &self.scope, diagnostics))
    }
}

/// Gives the blocks of a stack their values, one after the other.
struct Names<'a> {
    registry: &'a Registry,
    functions: &'a FunctionContext<'a>,
    snapshot: &'a Snapshot,
    environment: Environment<'a>,
    targets: Vec<TargetAddress>,
    diagnostics: Diagnostics,
}

impl Names<'_> {
    fn block(&mut self, id: &BlockId) {
        if let BlockName::Module(_) = &id.name {
            self.environment.call(id, |_| false, &mut self.diagnostics);
            return self.environment.recall(id, self.snapshot.records.keys());
        }
        for called in self.environment.instances(&id.module) {
            if let Some(value) = self.value(&called, id) {
                self.environment.set(&called.at, id.name.clone(), value);
            }
        }
    }

    /// The value of a block that expressions may refer to.
    fn value(&mut self, called: &Called, id: &BlockId) -> Option<Value> {
        let (config, at) = (self.environment.config, &called.at);
        let module = config.module(&id.module)?;
        match &id.name {
            BlockName::Variable(_) if id.module.0.is_empty() => self.environment.get(at, &id.name).cloned(),
            BlockName::Variable(name) => Some(self.environment.variable(called, name, &mut self.diagnostics)),
            BlockName::Local(name) => {
                let local = module.locals.get(name)?;
                Some(self.environment.evaluate(at, id, local, &mut self.diagnostics))
            }
            // Those of the stack itself nothing refers to.
            BlockName::Output(_) if id.module.0.is_empty() => None,
            BlockName::Output(name) => {
                let output = module.outputs.get(name)?;
                let value = self.environment.evaluate(at, id, &output.value, &mut self.diagnostics);
                Some(value.marked(output.sensitive))
            }
            BlockName::Target(..) => {
                let block = config.target(id)?;
                let context = Context {
                    registry: self.registry,
                    environment: &self.environment,
                    files: self.functions.files,
                    folder: self.functions.base,
                    targets: &self.targets,
                    found: &lower::nothing_found,
                };
                let instances = lower::targets(&context, at, id, block, &mut self.diagnostics);
                let instances = instances.into_iter().flatten().map(|(address, attributes)| {
                    (address.key.iter().cloned().collect(), target_value(&address, &attributes))
                });
                Some(gather(&block.repetition, instances.collect()))
            }
            BlockName::Resource(..) => Some(self.recorded(&config.resource(id)?.repetition, at, id)),
            // Nothing is contacted.
            BlockName::Data(..) => Some(Value::unknown(Type::Any)),
            BlockName::Module(_) | BlockName::Check(_) | BlockName::Policy(_) => None,
        }
    }

    fn recorded(&self, repetition: &Repetition, at: &ModuleInstance, id: &BlockId) -> Value {
        let (kind, name) = id.name.reference();
        let block = Address::within(at.clone(), kind, name);
        let records =
            self.snapshot.records.range(&block..).take_while(|(address, _)| block.is_sibling(address));
        let seen = |(address, record): (&Address, &Record)| {
            (address.keys.clone(), self.registry.seen(address, record.attributes.clone()))
        };
        let values: Vec<_> = records.map(seen).collect();
        match values.is_empty() {
            true => Value::unknown(Type::Any),
            false => gather(repetition, values),
        }
    }
}

/// The expressions of a text, one on each line, or on several where brackets or a heredoc hold them together; and what is still to be
/// continued. Empty lines and comments between them are left out.
pub fn expressions(text: &str) -> (Vec<&str>, &str) {
    let mut found = Vec::new();
    let mut start = 0;
    for end in format::line_ends(text) {
        found.extend(Some(text[start..end].trim()).filter(|line| !is_blank(line)));
        start = end;
    }
    let rest = &text[start..];
    (found, if is_blank(rest) { "" } else { rest })
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || ((line.starts_with('#') || line.starts_with("//")) && !line.contains('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_end_where_nothing_is_open() {
        let check = |text: &str, expect: &[&str], rest: &str| {
            assert_eq!(expressions(text), (expect.to_vec(), rest), "{text}");
        };
        check("1\n\n2 # two\n  # three\n// four\n5", &["1", "2 # two"], "5");
        check("[\n1,\n2\n]\n{\r\n a = 1\r\n}\r\n", &["[\n1,\n2\n]", "{\r\n a = 1\r\n}"], "");
        check("<<EOT\n[\n\nEOT\n1\n", &["<<EOT\n[\n\nEOT", "1"], "");
        check("f(<<A\nx\nA\n, 1)\n", &["f(<<A\nx\nA\n, 1)"], "");
        check("\"${[\n1\n]}\"\n", &["\"${[\n1\n]}\""], "");
        check("[\n1,\n", &[], "[\n1,\n");
        check("<<EOT\nx\n", &[], "<<EOT\nx\n");
        // What is wrong ends with its line: the next one is not to blame.
        check("\"a\n\"b\"\n)\n(\n1)\n", &["\"a", "\"b\"", ")", "(\n1)"], "");
    }
}

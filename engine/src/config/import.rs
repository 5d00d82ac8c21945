//! `import` blocks: what is there already and is to be ours.

use hcl_edit::structure::Block;

use super::blocks::repetition;
use super::body::{BodyReader, FileText};
use super::refactoring::{Named, literal_key, named_by};
use super::{Config, Repetition};
use crate::address::{Key, ModulePath, TargetKind};
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::lang::Expression;

/// An `import` block.
#[derive(Clone, Debug)]
pub struct Import {
    /// Its instances.
    pub repetition: Repetition,
    /// The instance that it becomes, with keys that may depend on `each`.
    pub to: Expression,
    /// What it is on its target.
    pub id: Expression,
    /// Where it is, if the block says so.
    pub target: Option<(TargetKind, Expression)>,
    /// Where the block is.
    pub span: Option<Span>,
}

pub(super) fn import(file: &FileText, block: &Block, diagnostics: &mut Diagnostics) -> Option<Import> {
    let span = file.span(&block.ident);
    let mut body = BodyReader::new(file.clone(), "The `import` block", span.clone(), &block.body);
    let repetition = match repetition(&mut body, diagnostics) {
        Repetition::Count(count) => {
            let detail = "An `import` block is repeated by `for_each` only.";
            diagnostics.push(Diagnostic::error("Unsupported argument", detail).at(count.span()));
            Repetition::None
        }
        other => other,
    };
    let (to, id) = (body.require("to", diagnostics), body.require("id", diagnostics));
    let mut target = None;
    for kind in [TargetKind::Cluster, TargetKind::Host] {
        target = target.or(body.take(kind.as_str()).map(|expression| (kind, expression)));
    }
    body.finish(diagnostics);
    Some(Import { repetition, to: to?, id: id?, target, span })
}

/// Complains of imports to what is not in the configuration.
pub(super) fn check(config: &Config, diagnostics: &mut Diagnostics) {
    for import in &config.imports {
        // Which instance, is told when the keys are known.
        let mut any = |key: &Expression| literal_key(key).or(Some(Key::Index(0)));
        let detail = match named_by(&import.to, &ModulePath::ROOT, &mut any) {
            Some(Named::Resource(address)) if config.resource_at(&address).is_some() => continue,
            Some(Named::Resource(address)) => format!(
                "There is no resource {} in the configuration. Write its block as the thing is to be: the import then makes what is there its own.",
                address.block()
            ),
            _ => "It is the address of a resource or of one of its instances, such as kube_object.web or host_file.motd[each.key].".to_owned(),
        };
        diagnostics.push(Diagnostic::error("Import to nowhere", detail).at(import.to.span()));
    }
}

//! Whether a formatted text says what the original said.
//!
//! Two texts say the same if their trees are equal, spaces, comments and the old ways of writing apart.

use hcl_edit::expr::{Array, Expression, FuncArgs, Object, ObjectKey};
use hcl_edit::structure::{Block, BlockLabel, Body, Structure};
use hcl_edit::template::{
    Element, ElseTemplateExpr, EndforTemplateExpr, EndifTemplateExpr, ForTemplateExpr, IfTemplateExpr,
};
use hcl_edit::visit_mut::{self, VisitMut};

use crate::diagnostic::Sources;
use crate::syntax;

/// Whether the text parses to the same as the body.
pub(super) fn is_same(mut before: Body, text: &str) -> bool {
    let mut sources = Sources::default();
    sources.add("", text);
    let (mut files, _) = syntax::parse(&sources);
    let Some(after) = files.first_mut().map(|file| &mut file.body) else { return false };
    Spaceless.visit_body_mut(&mut before);
    Spaceless.visit_body_mut(after);
    same_bodies(&before, after, &[])
}

/// Compares two bodies, `around` being the types of the blocks that they are in.
fn same_bodies(before: &Body, after: &Body, around: &[&str]) -> bool {
    let mut pairs = before.iter().zip(after.iter());
    before.len() == after.len() && pairs.all(|(before, after)| same_structures(before, after, around))
}

fn same_structures(before: &Structure, after: &Structure, around: &[&str]) -> bool {
    match (before, after) {
        (Structure::Attribute(before), Structure::Attribute(after)) => {
            let is_type = before.key.as_str() == "type" && around == ["variable"];
            before.key == after.key
                && (bare(&before.value) == bare(&after.value)
                    || (is_type && same_types(&before.value, &after.value)))
        }
        (Structure::Block(before), Structure::Block(after)) => same_blocks(before, after, around),
        _ => false,
    }
}

fn same_blocks(before: &Block, after: &Block, around: &[&str]) -> bool {
    let labels =
        |block: &Block| block.labels.iter().map(BlockLabel::as_str).map(str::to_owned).collect::<Vec<_>>();
    let inside: Vec<&str> = around.iter().copied().chain([before.ident.as_str()]).collect();
    before.ident == after.ident
        && labels(before) == labels(after)
        && same_bodies(&before.body, &after.body, &inside)
}

/// Without parentheses and templates that hold nothing else.
fn bare(mut expression: &Expression) -> &Expression {
    loop {
        expression = match expression {
            Expression::Parenthesis(inner) => inner.inner(),
            Expression::StringTemplate(template) => match (template.get(0), template.len()) {
                (Some(Element::Interpolation(only)), 1) => &only.expr,
                _ => return expression,
            },
            _ => return expression,
        };
    }
}

/// Whether the second is the first as it is written now.
fn same_types(before: &Expression, after: &Expression) -> bool {
    let (before, element) = match (before.as_str(), before.as_variable()) {
        (Some(quoted), _) => (quoted, "string"),
        (_, Some(name)) => (name.as_str(), "any"),
        _ => return false,
    };
    match after {
        Expression::Variable(name) => name.as_str() == before,
        Expression::FuncCall(call) => call.name.name.as_str() == before && is_only(&call.args, element),
        _ => false,
    }
}

fn is_only(arguments: &FuncArgs, name: &str) -> bool {
    let only = arguments.get(0).filter(|_| arguments.len() == 1);
    only.and_then(Expression::as_variable).is_some_and(|argument| argument.as_str() == name)
}

/// Removes the spaces that the parser's trees do not leave out of their comparison.
struct Spaceless;

impl Spaceless {
    fn key(&mut self, key: ObjectKey) -> ObjectKey {
        let ObjectKey::Expression(mut key) = key else { return key };
        self.visit_expr_mut(&mut key);
        ObjectKey::Expression(key)
    }
}

/// Whether there are no spaces in a key.
fn is_plain(key: &ObjectKey) -> bool {
    match key {
        ObjectKey::Ident(_) => true,
        ObjectKey::Expression(key) => key.is_str() || key.is_variable(),
    }
}

impl VisitMut for Spaceless {
    fn visit_array_mut(&mut self, node: &mut Array) {
        node.set_trailing("");
        visit_mut::visit_array_mut(self, node);
    }

    fn visit_object_mut(&mut self, node: &mut Object) {
        // Keys cannot be changed in place. Most need not be.
        if node.iter().any(|(key, _)| !is_plain(key)) {
            *node = std::mem::take(node).into_iter().map(|(key, value)| (self.key(key), value)).collect();
        }
        node.set_trailing("");
        visit_mut::visit_object_mut(self, node);
    }

    fn visit_func_args_mut(&mut self, node: &mut FuncArgs) {
        node.set_trailing("");
        visit_mut::visit_func_args_mut(self, node);
    }

    fn visit_if_template_expr_mut(&mut self, node: &mut IfTemplateExpr) {
        node.set_preamble("");
        visit_mut::visit_if_template_expr_mut(self, node);
    }

    fn visit_else_template_expr_mut(&mut self, node: &mut ElseTemplateExpr) {
        node.set_preamble("");
        node.set_trailing("");
        visit_mut::visit_else_template_expr_mut(self, node);
    }

    fn visit_endif_template_expr_mut(&mut self, node: &mut EndifTemplateExpr) {
        node.set_preamble("");
        node.set_trailing("");
    }

    fn visit_for_template_expr_mut(&mut self, node: &mut ForTemplateExpr) {
        node.set_preamble("");
        // The crate's own walk leaves it out.
        self.visit_expr_mut(&mut node.collection_expr);
        visit_mut::visit_for_template_expr_mut(self, node);
    }

    fn visit_endfor_template_expr_mut(&mut self, node: &mut EndforTemplateExpr) {
        node.set_preamble("");
        node.set_trailing("");
    }
}

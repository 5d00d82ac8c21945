//! The parts of a condition that explain it: what it refers to, and what it compares.

use hcl_edit::Span as _;
use hcl_edit::expr::{BinaryOp, Expression as Ast, ForExpr, FuncCall};
use hcl_edit::visit::{self, Visit};

use crate::lang::Expression;

/// More than these explain no more.
const PARTS_MAX: usize = 8;

/// The references of a condition and the calls that it compares, each once, in the order in which they stand there.
pub(super) fn parts(condition: &Expression) -> Vec<Expression> {
    let mut collector = Collector { parts: Vec::new() };
    collector.visit_expr(condition.ast());
    let mut found: Vec<(String, Expression)> = Vec::new();
    for part in collector.parts {
        let part = condition.sibling(part);
        let text = part.text().to_owned();
        if found.len() < PARTS_MAX && found.iter().all(|(other, _)| *other != text) {
            found.push((text, part));
        }
    }
    found.into_iter().map(|(_, part)| part).collect()
}

struct Collector {
    parts: Vec<Ast>,
}

impl Visit for Collector {
    fn visit_expr(&mut self, node: &Ast) {
        match node {
            Ast::Variable(_) | Ast::Traversal(_) if node.span().is_some() => self.parts.push(node.clone()),
            _ => visit::visit_expr(self, node),
        }
    }

    /// Of a call that is compared, its result explains more than what it is given.
    fn visit_binary_op(&mut self, node: &BinaryOp) {
        for side in [&node.lhs_expr, &node.rhs_expr] {
            match side {
                Ast::FuncCall(_) => self.parts.push(side.clone()),
                _ => self.visit_expr(side),
            }
        }
    }

    fn visit_func_call(&mut self, node: &FuncCall) {
        node.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    /// Of what is inside, only the collection means anything outside.
    fn visit_for_expr(&mut self, node: &ForExpr) {
        self.visit_expr(&node.intro.collection_expr);
    }
}

//! `condition ? this : that`.

use hcl_edit::expr::Conditional;

use super::{Evaluated, Evaluator};
use crate::diagnostic::Diagnostics;
use crate::lang::unify::unify_values;
use crate::lang::{convert, limits};
use crate::types::Type;
use crate::value::{Kind, Value};

impl Evaluator<'_> {
    /// Both results are evaluated, since the result's type comes from both; but only what is wrong with the chosen one is told:
    /// the other may well rely on the condition.
    pub(super) fn conditional(&self, node: &Conditional, diagnostics: &mut Diagnostics) -> Evaluated {
        let condition = self.truth(&node.cond_expr, diagnostics)?;
        let mut of_true = Diagnostics::new();
        let mut of_false = Diagnostics::new();
        let when_true = self.value(&node.true_expr, &mut of_true);
        let when_false = self.value(&node.false_expr, &mut of_false);
        let marks = condition.marks();
        let work = limits::typing(&when_true).saturating_add(limits::typing(&when_false));
        self.within(&node.cond_expr, self.spent.work(work))?;
        let common = match of_true.has_errors() || of_false.has_errors() {
            true => None,
            false => common_type(&when_true, &when_false),
        };
        let Some(truth) = condition.as_bool() else {
            let marks = marks | when_true.all_marks() | when_false.all_marks();
            return Ok(either(&when_true, &when_false, common).marked(marks));
        };
        let (chosen, found) = if truth { (when_true, of_true) } else { (when_false, of_false) };
        diagnostics.extend(found);
        let converted = match common {
            Some(ty) => convert(&chosen, &ty).unwrap_or(chosen),
            None => chosen,
        };
        Ok(converted.marked(marks))
    }
}

/// The type of the result. Of what may be anything, nothing is known; beside null, it is the other one's.
fn common_type(this: &Value, that: &Value) -> Option<Type> {
    let may_be_anything = |value: &Value| matches!(value.kind(), Kind::Unknown(Type::Any));
    match may_be_anything(this) || may_be_anything(that) {
        true => Some(Type::Any),
        false => unify_values([this, that].into_iter()),
    }
}

/// What is known of a result while its condition is not.
fn either(this: &Value, that: &Value, common: Option<Type>) -> Value {
    let known = |value: &Value| value.is_wholly_known() && !matches!(value.kind(), Kind::Null);
    if known(this) && this.same(that) && !(this.all_marks() | that.all_marks()).is_any() {
        return this.clone();
    }
    Value::unknown(common.unwrap_or(Type::Any))
}

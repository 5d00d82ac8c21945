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
        let sensitive = condition.is_sensitive();
        let work = limits::typing(&when_true).saturating_add(limits::typing(&when_false));
        self.within(&node.cond_expr, self.spent.work(work))?;
        let common = match of_true.has_errors() || of_false.has_errors() {
            true => None,
            false => unify_values([&when_true, &when_false].into_iter()),
        };
        let Some(truth) = condition.as_bool() else {
            let sensitive = sensitive || when_true.has_sensitive() || when_false.has_sensitive();
            return Ok(either(&when_true, &when_false, common).marked(sensitive));
        };
        let (chosen, found) = if truth { (when_true, of_true) } else { (when_false, of_false) };
        diagnostics.extend(found);
        let converted = match common {
            Some(ty) => convert(&chosen, &ty).unwrap_or(chosen),
            None => chosen,
        };
        Ok(converted.marked(sensitive))
    }
}

/// What is known of a result while its condition is not.
fn either(this: &Value, that: &Value, common: Option<Type>) -> Value {
    let known = |value: &Value| value.is_wholly_known() && !matches!(value.kind(), Kind::Null);
    if known(this) && this.same(that) && !this.has_sensitive() && !that.has_sensitive() {
        return this.clone();
    }
    Value::unknown(common.unwrap_or(Type::Any))
}

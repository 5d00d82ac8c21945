//! Names that a loop binds: a list on the stack, innermost first.

use super::Evaluator;
use crate::value::Value;

/// One bound name and those around it.
pub(super) struct Binding<'e> {
    name: &'e str,
    value: &'e Value,
    outer: Option<&'e Binding<'e>>,
}

impl<'e> Evaluator<'e> {
    /// Evaluates something with a key (if it is named) and a value bound.
    pub(super) fn with_item<T>(
        &self,
        key: Option<(&str, &Value)>,
        item: (&str, &Value),
        evaluate: impl FnOnce(&Evaluator<'_>) -> T,
    ) -> T {
        let (name, value) = item;
        match key {
            None => evaluate(&Evaluator {
                bindings: Some(&Binding { name, value, outer: self.bindings }),
                ..*self
            }),
            Some((key_name, key)) => {
                let outer = Binding { name: key_name, value: key, outer: self.bindings };
                evaluate(&Evaluator {
                    bindings: Some(&Binding { name, value, outer: Some(&outer) }),
                    ..*self
                })
            }
        }
    }

    /// The value of a bound name.
    pub(super) fn bound(&self, name: &str) -> Option<&'e Value> {
        let mut next = self.bindings;
        while let Some(binding) = next {
            if binding.name == name {
                return Some(binding.value);
            }
            next = binding.outer;
        }
        None
    }

    /// All bound names.
    pub(super) fn bound_names(&self) -> Vec<&'e str> {
        std::iter::successors(self.bindings, |binding| binding.outer).map(|binding| binding.name).collect()
    }
}

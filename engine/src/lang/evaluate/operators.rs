//! Unary and binary operators.

use bigdecimal::BigDecimal;
use hcl_edit::Span as _;
use hcl_edit::expr::{BinaryOp, BinaryOperator, Expression as Ast, UnaryOp, UnaryOperator};

use super::{Evaluated, Evaluator, type_when_known};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lang::{convert, number};
use crate::types::Type;
use crate::value::{Kind, Value};

const SUMMARY: &str = "Invalid operand";

impl Evaluator<'_> {
    pub(super) fn unary(&self, node: &UnaryOp, diagnostics: &mut Diagnostics) -> Evaluated {
        let wanted = match node.operator.value() {
            UnaryOperator::Neg => Type::Number,
            UnaryOperator::Not => Type::Bool,
        };
        let operand = self.operand(&node.expr, &wanted, diagnostics)?;
        let result = match operand.kind() {
            Kind::Number(number) => Value::number(-number),
            Kind::Bool(truth) => Value::bool(!truth),
            _ => Value::unknown(wanted),
        };
        Ok(result.marked(operand.marks()))
    }

    pub(super) fn binary(&self, node: &BinaryOp, diagnostics: &mut Diagnostics) -> Evaluated {
        match node.operator.value() {
            BinaryOperator::And => self.logical(node, false, diagnostics),
            BinaryOperator::Or => self.logical(node, true, diagnostics),
            BinaryOperator::Eq => self.equal(node, true, diagnostics),
            BinaryOperator::NotEq => self.equal(node, false, diagnostics),
            _ => self.arithmetic(node, diagnostics),
        }
    }

    /// `&&` (decided by false) and `||` (decided by true). The right side is left out when the left one decides.
    fn logical(&self, node: &BinaryOp, decisive: bool, diagnostics: &mut Diagnostics) -> Evaluated {
        let left = self.operand(&node.lhs_expr, &Type::Bool, diagnostics)?;
        if left.as_bool() == Some(decisive) {
            return Ok(left);
        }
        let right = self.operand(&node.rhs_expr, &Type::Bool, diagnostics)?;
        let marks = left.marks() | right.marks();
        let result = match (left.as_bool(), right.as_bool()) {
            (_, Some(right)) if right == decisive => Value::bool(decisive),
            (Some(_), Some(right)) => Value::bool(right),
            _ => Value::unknown(Type::Bool),
        };
        Ok(result.marked(marks))
    }

    fn equal(&self, node: &BinaryOp, positive: bool, diagnostics: &mut Diagnostics) -> Evaluated {
        let left = self.value(&node.lhs_expr, diagnostics);
        let right = self.value(&node.rhs_expr, diagnostics);
        let read = left.weight().min(right.weight());
        self.within(&node.lhs_expr, self.spent.work(u64::from(read)))?;
        let result = match equality(&left, &right) {
            Some(same) => Value::bool(same == positive),
            None => Value::unknown(Type::Bool),
        };
        // Whether something is there at all tells nothing of the secrets in it.
        let is_about_null = left.is_null() || right.is_null();
        let tells = |value: &Value| if is_about_null { value.marks() } else { value.all_marks() };
        Ok(result.marked(tells(&left) | tells(&right)))
    }

    fn arithmetic(&self, node: &BinaryOp, diagnostics: &mut Diagnostics) -> Evaluated {
        let left = self.operand(&node.lhs_expr, &Type::Number, diagnostics);
        let right = self.operand(&node.rhs_expr, &Type::Number, diagnostics);
        let (left, right) = match (left, right) {
            (Ok(left), Ok(right)) => (left, right),
            (Err(first), Err(second)) => {
                diagnostics.push(first);
                return Err(second);
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let marks = left.marks() | right.marks();
        let operator = *node.operator.value();
        // Digits are multiplied and divided each with each.
        let work = u64::from(left.weight()).saturating_mul(u64::from(right.weight())) / 16;
        self.within(&node.lhs_expr, self.spent.work(work))?;
        let result = match (left.as_number(), right.as_number()) {
            (Some(a), Some(b)) => self.calculate(node, operator, a, b)?,
            _ if is_comparison(operator) => Value::unknown(Type::Bool),
            _ => Value::unknown(Type::Number),
        };
        Ok(result.marked(marks))
    }

    fn calculate(
        &self,
        node: &BinaryOp,
        operator: BinaryOperator,
        a: &BigDecimal,
        b: &BigDecimal,
    ) -> Evaluated {
        let result = match operator {
            BinaryOperator::Less => return Ok(Value::bool(a < b)),
            BinaryOperator::LessEq => return Ok(Value::bool(a <= b)),
            BinaryOperator::Greater => return Ok(Value::bool(a > b)),
            BinaryOperator::GreaterEq => return Ok(Value::bool(a >= b)),
            BinaryOperator::Plus => Some(a + b),
            BinaryOperator::Minus => Some(a - b),
            BinaryOperator::Mul => Some(a * b),
            // Not settled: the digits beyond those that count are its guard.
            BinaryOperator::Div => match number::quotient(a, b) {
                Some(quotient) => return self.in_range(node, number::bounded(quotient)),
                None => None,
            },
            BinaryOperator::Mod => number::remainder(a, b),
            _ => None,
        };
        let Some(result) = result else {
            return Err(self.wrong(&node.rhs_expr, "Division by zero", "The divisor is zero."));
        };
        self.in_range(node, number::settled(result))
    }

    fn in_range(&self, node: &BinaryOp, result: Option<BigDecimal>) -> Evaluated {
        result.map(Value::number).ok_or_else(|| {
            let detail = format!("The result has more than {} digits.", number::DIGITS_MAX);
            self.wrong_at(node.span(), "Number out of range", detail)
        })
    }

    /// An operand of a type, not null, perhaps unknown.
    fn operand(&self, ast: &Ast, wanted: &Type, diagnostics: &mut Diagnostics) -> Result<Value, Diagnostic> {
        let value = self.value(ast, diagnostics);
        if value.is_null() {
            return Err(self.wrong(ast, SUMMARY, format!("This is null; a {} is required.", wanted.name())));
        }
        convert(&value, wanted).map_err(|error| self.wrong(ast, SUMMARY, sentence(&error.message)))
    }
}

/// A fragment as a sentence.
pub(super) fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

fn is_comparison(operator: BinaryOperator) -> bool {
    use BinaryOperator::{Greater, GreaterEq, Less, LessEq};
    matches!(operator, Less | LessEq | Greater | GreaterEq)
}

/// Whether two values are equal; `None` when what is unknown decides. Values of different types are not equal, as a list and a
/// tuple, or a map and an object; but null equals null.
pub(crate) fn equality(left: &Value, right: &Value) -> Option<bool> {
    match (left.kind(), right.kind()) {
        (Kind::Unknown(_) | Kind::Fingerprint(_), _) | (_, Kind::Unknown(_) | Kind::Fingerprint(_)) => {
            let differ = differ_in_type(left, right) || excludes(left, right) || excludes(right, left);
            differ.then_some(false)
        }
        (Kind::List(_), Kind::List(_)) if left.is_list() != right.is_list() => Some(false),
        (Kind::List(_), Kind::List(_)) | (Kind::Set(_), Kind::Set(_)) | (Kind::Map(_), Kind::Map(_))
            if elements_differ(left, right) =>
        {
            Some(false)
        }
        (Kind::List(a), Kind::List(b)) if a.len() == b.len() => {
            all_equal(a.iter().zip(b.iter()).map(|(a, b)| equality(a, b)))
        }
        (Kind::Set(a), Kind::Set(b)) if !(left.is_wholly_known() && right.is_wholly_known()) => {
            let comparable = a.is_empty() != b.is_empty();
            comparable.then_some(false)
        }
        (Kind::Map(_), Kind::Map(_)) | (Kind::Object(_), Kind::Object(_)) => equal_entries(left, right),
        // Their order is that of their content only.
        (Kind::Map(_), Kind::Object(_)) | (Kind::Object(_), Kind::Map(_)) => Some(false),
        _ => Some(left.same(right)),
    }
}

/// Whether the elements of two collections are of different types, which counts even where there are none.
fn elements_differ(left: &Value, right: &Value) -> bool {
    match (left.stated(), right.stated()) {
        (Some(a), Some(b)) => {
            a != b && (!(a.has_any() && b.has_any()) || left.is_wholly_known() && right.is_wholly_known())
        }
        _ => false,
    }
}

fn equal_entries(left: &Value, right: &Value) -> Option<bool> {
    let (a, b) = (left.as_map()?, right.as_map()?);
    let (a_open, b_open) = (super::looping::is_open(left), super::looping::is_open(right));
    let extra = |own: &std::collections::BTreeMap<String, Value>,
                 other: &std::collections::BTreeMap<String, Value>| {
        own.keys().any(|name| !other.contains_key(name))
    };
    if (extra(a, b) && !b_open) || (extra(b, a) && !a_open) {
        return Some(false);
    }
    let common = a.iter().filter_map(|(name, value)| Some(equality(value, b.get(name)?)));
    let open = (a_open || b_open).then_some(None);
    all_equal(common.chain(open))
}

/// False if any is false, unknown if any is unknown, else true.
fn all_equal(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for part in parts {
        match part {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

/// Whether what is known of how an unknown value begins rules out the other one.
fn excludes(unknown: &Value, other: &Value) -> bool {
    let Some(prefix) = unknown.known_prefix() else { return false };
    match (other.kind(), other.known_prefix()) {
        (Kind::Null, _) => true,
        (Kind::String(text), _) => !text.starts_with(prefix),
        (_, Some(begins)) => !begins.starts_with(prefix) && !prefix.starts_with(begins),
        _ => false,
    }
}

/// Whether an unknown value can never equal the other one, whatever it turns out to be.
fn differ_in_type(left: &Value, right: &Value) -> bool {
    let class = |value: &Value| match (value.kind(), type_when_known(value)) {
        (Kind::Bool(_), _) | (_, Type::Bool) => Some(0),
        (Kind::Number(_), _) | (_, Type::Number) => Some(1),
        (Kind::String(_), _) | (_, Type::String) => Some(2),
        (Kind::List(_), _) | (_, Type::List(_) | Type::Tuple(_)) => Some(3),
        (Kind::Set(_), _) | (_, Type::Set(_)) => Some(4),
        (Kind::Map(_) | Kind::Object(_), _) | (_, Type::Map(_) | Type::Object(_)) => Some(5),
        // Null may equal anything that is unknown.
        _ => None,
    };
    matches!((class(left), class(right)), (Some(left), Some(right)) if left != right)
}

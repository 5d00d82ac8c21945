//! What the macros stand for: folds.

use super::syntax::{Call, Comprehension, Kind, Node};
use super::value::Value;

const RESULT: &str = "@result";

/// What a call on a target stands for, if it is a macro.
///
/// # Errors
///
/// The place of an argument that should be a name.
pub(super) fn expand(
    at: usize,
    name: &str,
    target: &Node,
    arguments: &[Node],
) -> Result<Option<Node>, usize> {
    let fold = |first: &Node, second: Option<&Node>, parts: Parts| {
        let second = second.map(simple_name).transpose()?;
        let fold = Comprehension {
            range: target.clone(),
            name: simple_name(first)?,
            second,
            result: RESULT.to_owned(),
            start: parts.start,
            condition: parts.condition,
            step: parts.step,
            end: parts.end,
        };
        Ok(Some(Node::new(at, Kind::Comprehension(Box::new(fold)))))
    };
    match (name, arguments) {
        ("all" | "exists" | "exists_one" | "existsOne", [first, predicate]) => {
            fold(first, None, counted(at, name, predicate))
        }
        ("all" | "exists" | "exists_one" | "existsOne", [first, second, predicate]) => {
            fold(first, Some(second), counted(at, name, predicate))
        }
        ("filter", [first, predicate]) => fold(first, None, collected(at, Some(predicate), first)),
        ("map", [first, element]) => fold(first, None, collected(at, None, element)),
        ("map", [first, predicate, element]) => fold(first, None, collected(at, Some(predicate), element)),
        ("optMap" | "optFlatMap", [given, then]) => Ok(Some(Node::new(
            at,
            Kind::OptionalMap {
                of: Box::new(target.clone()),
                name: simple_name(given)?,
                then: Box::new(then.clone()),
                is_flat: name == "optFlatMap",
            },
        ))),
        _ => Ok(None),
    }
}

/// What a fold begins with, goes on while, does with each element, and gives.
struct Parts {
    start: Node,
    condition: Node,
    step: Node,
    end: Node,
}

fn simple_name(node: &Node) -> Result<String, usize> {
    match &node.kind {
        Kind::Name(name) => Ok(name.clone()),
        _ => Err(node.at),
    }
}

fn literal(at: usize, value: Value) -> Node {
    Node::new(at, Kind::Literal(value))
}

fn result(at: usize) -> Node {
    Node::new(at, Kind::Name(RESULT.to_owned()))
}

fn call(at: usize, name: &str, arguments: Vec<Node>) -> Node {
    Node::new(at, Kind::Call(Call { name: name.to_owned(), is_member: false, arguments }))
}

/// For how many elements it holds.
fn counted(at: usize, name: &str, predicate: &Node) -> Parts {
    let goes_on = |of: Node| call(at, "@not_strictly_false", vec![of]);
    match name {
        "all" => Parts {
            start: literal(at, Value::Bool(true)),
            condition: goes_on(result(at)),
            step: call(at, "_&&_", vec![result(at), predicate.clone()]),
            end: result(at),
        },
        "exists" => Parts {
            start: literal(at, Value::Bool(false)),
            condition: goes_on(call(at, "!_", vec![result(at)])),
            step: call(at, "_||_", vec![result(at), predicate.clone()]),
            end: result(at),
        },
        _ => {
            let one_more = call(at, "_+_", vec![result(at), literal(at, Value::Int(1))]);
            Parts {
                start: literal(at, Value::Int(0)),
                condition: literal(at, Value::Bool(true)),
                step: call(at, "_?_:_", vec![predicate.clone(), one_more, result(at)]),
                end: call(at, "_==_", vec![result(at), literal(at, Value::Int(1))]),
            }
        }
    }
}

/// The elements for which it holds, as they are made.
fn collected(at: usize, predicate: Option<&Node>, element: &Node) -> Parts {
    let one = Node::new(at, Kind::List(vec![(element.clone(), false)]));
    let with = call(at, "_+_", vec![result(at), one]);
    let step = match predicate {
        Some(predicate) => call(at, "_?_:_", vec![predicate.clone(), with, result(at)]),
        None => with,
    };
    Parts {
        start: Node::new(at, Kind::List(Vec::new())),
        condition: literal(at, Value::Bool(true)),
        step,
        end: result(at),
    }
}

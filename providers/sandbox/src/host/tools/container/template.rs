//! The templates of `--format`, as far as people use them: fields, `index`, `json`, `len`, `if`, `range`.

use std::iter::Peekable;
use std::vec::IntoIter;

use serde_json::Value;

/// Shows a value by a template. The error is why that cannot be done.
pub(super) fn show(template: &str, value: &Value) -> Result<String, String> {
    let (nodes, end) = parse(&mut tokens(template)?.into_iter().peekable());
    if let Some(end) = end {
        return Err(format!("unexpected {{{{{end}}}}}"));
    }
    let mut out = String::new();
    render(&nodes, value, &mut out)?;
    Ok(out)
}

enum Token {
    Text(String),
    Action(String),
}

enum Node {
    Text(String),
    Show(String),
    If(String, Vec<Node>, Vec<Node>),
    Range(String, Vec<Node>),
}

fn tokens(template: &str) -> Result<Vec<Token>, String> {
    let mut all = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, more) = after.split_once("}}").ok_or("unclosed action")?;
        all.push(Token::Text(if action.starts_with("- ") { before.trim_end() } else { before }.to_owned()));
        all.push(Token::Action(action.trim_start_matches("- ").trim_end_matches(" -").trim().to_owned()));
        rest = if action.ends_with(" -") { more.trim_start() } else { more };
    }
    all.push(Token::Text(rest.to_owned()));
    Ok(all)
}

/// Up to an `end` or `else` that belongs to what was begun outside, which is told.
fn parse(tokens: &mut Peekable<IntoIter<Token>>) -> (Vec<Node>, Option<String>) {
    let mut nodes = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(text) => nodes.push(Node::Text(text)),
            Token::Action(action) if action == "end" || action == "else" => return (nodes, Some(action)),
            Token::Action(action) => nodes.push(match action.split_once(' ') {
                Some(("if", what)) => {
                    let (then, end) = parse(tokens);
                    let otherwise = if end.as_deref() == Some("else") { parse(tokens).0 } else { Vec::new() };
                    Node::If(what.to_owned(), then, otherwise)
                }
                Some(("range", what)) => Node::Range(what.to_owned(), parse(tokens).0),
                _ => Node::Show(action),
            }),
        }
    }
    (nodes, None)
}

fn render(nodes: &[Node], value: &Value, out: &mut String) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Text(text) => out.push_str(text),
            Node::Show(what) => out.push_str(&text(&evaluate(what, value)?)),
            Node::If(what, then, otherwise) => {
                let holds = is_true(&evaluate(what, value)?);
                render(if holds { then } else { otherwise }, value, out)?;
            }
            Node::Range(what, each) => {
                let list = evaluate(what, value)?;
                let list = list.as_array().into_iter().flatten();
                let map = evaluate(what, value)?;
                let map = map.as_object().into_iter().flat_map(|map| map.values());
                list.chain(map).try_for_each(|one| render(each, one, out))?;
            }
        }
    }
    Ok(())
}

/// `.A.B`, `index .A "key"`, `json .A`, `len .A`, `"text"`; a pipe hands its left side on.
fn evaluate(what: &str, value: &Value) -> Result<Value, String> {
    let mut result = None;
    for part in what.split('|') {
        let mut words = words(part);
        if let Some(before) = result.take() {
            words.push(Word::Value(before));
        }
        result = Some(call(&words, value)?);
    }
    Ok(result.unwrap_or_default())
}

enum Word {
    Name(String),
    Value(Value),
}

/// Words, of which those in quotes are texts and may hold spaces.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some((inner, more)) = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            words.push(Word::Value(Value::String(inner.to_owned())));
            rest = more.trim_start();
        } else {
            let (word, more) = rest.split_once(' ').unwrap_or((rest, ""));
            words.push(Word::Name(word.trim_matches(['(', ')']).to_owned()));
            rest = more.trim_start();
        }
    }
    words
}

fn call(words: &[Word], value: &Value) -> Result<Value, String> {
    let argument = |word: &Word| match word {
        Word::Value(given) => Ok(given.clone()),
        Word::Name(name) => match name.parse::<i64>() {
            Ok(number) => Ok(Value::from(number)),
            Err(_) => field(name, value),
        },
    };
    let Some((Word::Name(first), rest)) = words.split_first() else {
        return words.first().map(argument).unwrap_or(Ok(Value::Null));
    };
    let arguments = || rest.iter().map(argument).collect::<Result<Vec<_>, _>>();
    let one = || arguments().map(|all| all.first().cloned().unwrap_or_default());
    Ok(match first.as_str() {
        "json" => Value::String(one()?.to_string()),
        "len" => match one()? {
            Value::Array(list) => list.len().into(),
            Value::Object(map) => map.len().into(),
            other => text(&other).len().into(),
        },
        "upper" => Value::String(text(&one()?).to_uppercase()),
        "lower" => Value::String(text(&one()?).to_lowercase()),
        "println" | "print" => Value::String(
            arguments()?.iter().map(text).collect::<Vec<_>>().join(" ")
                + if first == "println" { "\n" } else { "" },
        ),
        "not" => Value::Bool(!is_true(&one()?)),
        "eq" => {
            let all = arguments()?;
            Value::Bool(all.windows(2).all(|pair| matches!(pair, [one, other] if one == other)))
        }
        "join" => {
            let all = arguments()?;
            let list = all.first().and_then(Value::as_array).into_iter().flatten();
            Value::String(list.map(text).collect::<Vec<_>>().join(&all.get(1).map(text).unwrap_or_default()))
        }
        "index" => {
            let all = arguments()?;
            let mut found = all.first().cloned().unwrap_or_default();
            for key in all.iter().skip(1) {
                found = match key {
                    // What a map doesn't have is empty.
                    Value::String(key) => {
                        found.get(key).cloned().unwrap_or_else(|| Value::String(String::new()))
                    }
                    key => {
                        let at = key.as_u64().and_then(|at| usize::try_from(at).ok());
                        at.and_then(|at| found.get(at).cloned())
                            .ok_or_else(|| format!("index out of range: {key}"))?
                    }
                };
            }
            found
        }
        name if name.starts_with('.') => field(name, value)?,
        name => return Err(format!("function \"{name}\" not defined")),
    })
}

fn field(path: &str, value: &Value) -> Result<Value, String> {
    let mut found = value;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        found = found.get(name).ok_or_else(|| format!("at <{path}>: map has no entry for key \"{name}\""))?;
    }
    Ok(found.clone())
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

/// As Go prints it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => format!("[{}]", list.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key}:{}", text(value))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let value = serde_json::json!({
            "Id": "abc", "State": { "Status": "running", "Running": true, "ExitCode": 0 }, "Labels": { "a.b": "c" }, "List": ["x", "y"]
        });
        let check = |template: &str, expect: &str| {
            assert_eq!(show(template, &value).unwrap_or_else(|error| error), expect, "{template}");
        };
        check("{{.Id}}\t{{.State.Status}}", "abc\trunning");
        check("x", "x");
        check("{{index .Labels \"a.b\"}} {{index .Labels \"none\"}}|", "c |");
        check("{{json .State}}", "{\"ExitCode\":0,\"Running\":true,\"Status\":\"running\"}");
        check("{{range .List}}<{{.}}>{{end}}", "<x><y>");
        check("{{if .State.Running}}up{{else}}down{{end}}{{if .State.ExitCode}}bad{{end}}", "up");
        check("{{len .List}} {{.List}} {{.Labels}} {{.Id | upper}}", "2 [x y] map[a.b:c] ABC");
        check("{{.State.Health.Status}}", "at <.State.Health.Status>: map has no entry for key \"Health\"");
        check("{{.Id", "unclosed action");
        check("{{frob .Id}}", "function \"frob\" not defined");
        check("{{end}}", "unexpected {{end}}");
        check("{{index .List 1}} {{eq .Id \"abc\"}} {{join .List \",\"}}", "y true x,y");
    }
}

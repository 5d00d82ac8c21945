//! Expressions and their values.

use meshform_kube_schema::cel::{Error, Identity, List, Program, Scope, Type, Value};
use serde_json::{Value as Json, json};

fn names() -> Vec<(String, Json)> {
    let own = json!({
        "n": 3, "f": 1.5, "s": "hello world", "b": true, "l": [1, 2, 3], "t": ["b", "a"],
        "m": { "a": 1, "b": 2 }, "o": { "p": { "q": "deep" } }, "e": [], "z": null,
        "items": [{ "k": "x", "v": 1 }, { "k": "y", "v": 2 }], "ios": "80%", "port": 80,
    });
    vec![("self".to_owned(), own)]
}

/// What an expression is, or why it is nothing.
fn check(text: &str, expect: &str) {
    let names = names();
    let names: Vec<(&str, &Json)> = names.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let shown = match Program::compile(text).and_then(|program| program.evaluate(&names)) {
        Ok(value) => value.to_string(),
        Err(error) => error.to_string(),
    };
    assert_eq!(shown, expect, "{text}");
}

#[test]
fn the_language() {
    for (text, expect) in [
        ("1 + 2 * 3 - 4 / 2 % 3", "5"),
        ("-self.n", "-3"),
        ("7u - 2u", "5"),
        ("1.5 * 2.0", "3.0"),
        ("self.n == 3 && self.s != 'x'", "true"),
        ("self.n > 2.5", "true"),
        ("self.missing == 1 || true", "true"),
        ("true || self.missing == 1", "true"),
        ("self.missing == 1 && false", "false"),
        ("self.missing == 1", "no such key: missing"),
        ("1 / 0", "division by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("self.l[5]", "index out of bounds: 5"),
        ("self.l[1] + self.m['b'] + self.m.a", "5"),
        ("self.b ? 'yes' : 'no'", "\"yes\""),
        ("has(self.o.p) && !has(self.o.x)", "true"),
        ("has(self.z)", "true"),
        ("self.z == null", "true"),
        ("2 in self.l && 'a' in self.m && !('c' in self.m)", "true"),
        ("[1, 2] + [3] == self.l", "true"),
        ("{'a': 1, 'b': 2} == self.m", "true"),
        ("{'a': 1, 'a': 2}", "Failed with repeated key"),
        ("size(self.s) + self.l.size() + size(self.m)", "16"),
        ("'é'.size()", "1"),
        ("type(self.n) == int && type(self.s) == string", "true"),
        ("int('12') + int(1.9)", "13"),
        ("string(1.5) + string(true) + string(2u)", "\"1.5true2\""),
        ("b'ab' == bytes('ab')", "true"),
        ("self.ios.n", "no such overload"),
        ("self.s < 1", "no such overload"),
        ("\"a\\n\" + r'\\d'", "\"a\\n\\\\d\""),
    ] {
        check(text, expect);
    }
}

#[test]
fn folds() {
    for (text, expect) in [
        ("self.l.all(x, x > 0)", "true"),
        ("self.l.exists(x, x > 2)", "true"),
        ("self.l.exists_one(x, x > 1)", "false"),
        ("self.l.map(x, x * 2)", "[2,4,6]"),
        ("self.l.map(x, x > 1, x * 2)", "[4,6]"),
        ("self.l.filter(x, x != 2)", "[1,3]"),
        ("self.m.all(k, k in ['a', 'b'])", "true"),
        ("self.items.map(i, i.k).join(',')", "\"x,y\""),
        ("self.l.all(i, x, i < x)", "true"),
        ("self.m.exists(k, v, k == 'b' && v == 2)", "true"),
        ("self.items.exists(i, i.missing == 1 || i.v == 2)", "true"),
        ("self.items.all(i, self.l.exists(x, x == i.v))", "true"),
        ("self.e.all(x, x.y)", "true"),
        ("self.n.all(x, true)", "no such overload"),
        (
            "lists.range(100000).all(x, lists.range(100000).all(y, y >= 0))",
            "operation cancelled: actual cost limit exceeded",
        ),
    ] {
        check(text, expect);
    }
}

#[test]
fn texts() {
    for (text, expect) in [
        ("self.s.startsWith('hello') && self.s.endsWith('world') && self.s.contains('o w')", "true"),
        ("self.s.matches('^h.*d$')", "true"),
        ("'abc'.matches('[')", "error parsing regexp: invalid expression: `[`"),
        ("self.s.charAt(4) + self.s.substring(6) + self.s.substring(0, 5)", "\"oworldhello\""),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("'abc'.charAt(4)", "index out of range: 4"),
        ("'banana'.indexOf('an') + 10 * 'banana'.lastIndexOf('an')", "31"),
        ("'banana'.indexOf('an', 2)", "3"),
        ("'banana'.indexOf('x')", "-1"),
        ("'a,b,c'.split(',')", "[\"a\",\"b\",\"c\"]"),
        ("'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"),
        ("'aXbX'.replace('X', '-', 1).upperAscii()", "\"A-BX\""),
        ("'  a '.trim()", "\"a\""),
        ("'abc 123 45'.find('[0-9]+')", "\"123\""),
        ("'abc 123 45'.findAll('[0-9]+')", "[\"123\",\"45\"]"),
        ("'%s has %d of %.2f, %x'.format(['a', 3, 1.5, 255])", "\"a has 3 of 1.50, ff\""),
        ("'%s'.format([])", "index out of range: not enough arguments to format"),
        ("self.t.isSorted()", "false"),
        ("self.l.sum() + self.l.min() + self.l.max()", "10"),
        ("self.e.min()", "min called on empty list"),
        ("self.l.indexOf(2)", "1"),
        (
            "sets.contains(self.l, [1, 3]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])",
            "true",
        ),
        ("[[1], [2]].flatten() + [3, 3].distinct() + [2, 1].sort() + [1, 2].reverse()", "[1,2,3,1,2,2,1]"),
    ] {
        check(text, expect);
    }
}

#[test]
fn what_the_api_server_adds() {
    for (text, expect) in [
        ("quantity('1Gi').isGreaterThan(quantity('1000Mi'))", "true"),
        ("quantity('500m').add(quantity('1500m')).asInteger()", "2"),
        ("quantity('1').compareTo(quantity('1000m'))", "0"),
        ("isQuantity('x') || isQuantity('1.5Ki')", "true"),
        ("ip('192.168.0.1').family() == 4 && ip('::1').isLoopback()", "true"),
        ("isIP('::ffff:1.2.3.4') || isIP('1.2.3.256')", "false"),
        ("ip.isCanonical('2001:DB8::1')", "false"),
        (
            "cidr('10.0.0.0/8').containsIP('10.2.3.4') && !cidr('10.0.0.0/8').containsCIDR('10.0.0.0/7')",
            "true",
        ),
        (
            "string(cidr('10.1.2.3/8').masked()) + string(cidr('10.1.2.3/8').prefixLength())",
            "\"10.0.0.0/88\"",
        ),
        (
            "url('https://u@h.io:80/a/b?x=1&x=2').getHostname() + url('https://h.io:80/').getPort()",
            "\"h.io80\"",
        ),
        ("url('https://h/a?x=1&x=2').getQuery()", "{\"x\":[\"1\",\"2\"]}"),
        ("isURL('no url') || isURL('/path')", "true"),
        ("semver('1.2.3').isLessThan(semver('1.10.0'))", "true"),
        ("isSemver('v1.2') || !isSemver('v1.2', true)", "false"),
        ("format.dns1123Label().validate('ok').hasValue()", "false"),
        ("!format.named('dns1123Label').value().validate('Not').hasValue()", "false"),
        ("duration('1h30m').getMinutes()", "90"),
        ("timestamp('2024-02-29T12:30:00Z').getDayOfMonth()", "28"),
        ("timestamp('2024-02-29T23:30:00Z').getDate('+01:00')", "1"),
        ("timestamp('2024-01-01T00:00:00Z') + duration('1s') > timestamp('2024-01-01T00:00:00Z')", "true"),
        ("self.?o.?p.?q.orValue('none')", "\"deep\""),
        ("self.?x.?y.orValue('none')", "\"none\""),
        ("self.?n.optMap(x, x + 1).value()", "4"),
        ("self.l[?9].hasValue()", "false"),
        ("optional.none().or(optional.of(2)).value()", "2"),
        ("[?self.?x, ?self.?n]", "[3]"),
        ("{?'a': self.?x, 'b': 1}", "{\"b\":1}"),
        ("optional.none().value()", "optional.none() dereference"),
    ] {
        check(text, expect);
    }
}

#[test]
fn mistakes_have_their_places() {
    let scope = || {
        let object = meshform_kube_schema::cel::Object {
            name: "spec".to_owned(),
            fields: [
                ("x".to_owned(), Type::Int),
                ("l".to_owned(), Type::list(Type::Text)),
                ("at".to_owned(), Type::Timestamp),
                ("m".to_owned(), Type::map(Type::Int)),
            ]
            .into(),
        };
        Scope::new([("self".to_owned(), Type::Object(object.into()))])
    };
    let check = |text: &str, expect: &str| {
        let shown = match Program::compile_in(text, &scope()) {
            Ok(program) => format!("ok {}", program.kind()),
            Err(error) => error.to_string().lines().next().unwrap().to_owned(),
        };
        assert_eq!(shown, expect, "{text}");
    };
    for (text, expect) in [
        ("self.x > 1", "ok bool"),
        ("self.y > 1", "ERROR: <input>:1:5: undefined field 'y'"),
        ("has(self.y)", "ERROR: <input>:1:9: undefined field 'y'"),
        ("slef.x > 1", "ERROR: <input>:1:1: undeclared reference to 'slef' (in container '')"),
        (
            "self.x == 'a'",
            "ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, string)'",
        ),
        ("self.x.y", "ERROR: <input>:1:7: type 'int' does not support field selection"),
        (
            "self.l.startsWith('a')",
            "ERROR: <input>:1:18: found no matching overload for 'startsWith' applied to 'list(string).(string)'",
        ),
        ("nope(1)", "ERROR: <input>:1:5: undeclared reference to 'nope' (in container '')"),
        (
            "self.x.all(i, true)",
            "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
        ),
        (
            "self.l.all(i, i > 1)",
            "ERROR: <input>:1:17: found no matching overload for '_>_' applied to '(string, int)'",
        ),
        ("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'"),
        ("self.x + 1", "ok int"),
        ("self.l.map(s, size(s)).sum() + self.l.filter(s, s != '')[0].size()", "ok int"),
        ("self.m.exists(k, self.m[k] == 1)", "ok bool"),
        ("self.at < timestamp('2024-01-01T00:00:00Z')", "ok bool"),
        ("self.?x.orValue(1) == self.x", "ok bool"),
        (
            "self.x == null",
            "ERROR: <input>:1:8: found no matching overload for '_==_' applied to '(int, null)'",
        ),
        ("self.l == []", "ok bool"),
        ("self.x < 1.5", "ok bool"),
        ("dyn(self.x) == 'a'", "ok bool"),
        ("X{a: 1}", "ERROR: <input>:1:2: undeclared reference to 'X' (in container '')"),
    ] {
        check(text, expect);
    }
}

#[test]
fn a_syntax_error_shows_its_line() {
    let error = Program::compile("true &&\n  self.x >").unwrap_err();
    let expect = "ERROR: <input>:2:11: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', \
                  'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n |   self.x >\n | ..........^";
    assert_eq!(error.to_string(), expect);
}

#[test]
fn what_is_not_known_spreads_no_further_than_it_must() {
    let check = |text: &str, expect: Option<Json>| {
        let object = Value::map([
            ("known".to_owned(), Value::Int(1)),
            ("later".to_owned(), Value::Unknown),
            ("list".to_owned(), Value::list(vec![Value::Int(1), Value::Unknown])),
        ]);
        let program = Program::compile(text).unwrap();
        assert_eq!(program.value([("self", object)]).unwrap().to_json(), expect, "{text}");
    };
    check("self.later == 1", None);
    check("self.known == 2 && self.later == 1", Some(json!(false)));
    check("self.later == 1 && self.known == 2", Some(json!(false)));
    check("self.known == 1 || self.later == 1", Some(json!(true)));
    check("self.later == 1 || self.known == 2", None);
    check("has(self.later)", Some(json!(true)));
    check("self.later.startsWith('a')", None);
    check("self.list.size()", Some(json!(2)));
    check("self.list.all(x, x > 1)", Some(json!(false)));
    check("self.list.all(x, x > 0)", None);
    check("self.list.exists(x, x == 1)", Some(json!(true)));
    check("1 in self.list", Some(json!(true)));
    check("2 in self.list", None);
    check("[self.later] == [1, 2]", Some(json!(false)));
    check("self.later ? 1 : 2", None);
}

#[test]
fn lists_are_equal_as_they_are_declared() {
    let list = |identity: &Identity, items: &[(&str, i64)]| {
        let items = items.iter().map(|(name, value)| {
            Value::map([("k".to_owned(), Value::text(name)), ("v".to_owned(), Value::Int(*value))])
        });
        Value::List(List { items: std::sync::Arc::new(items.collect()), identity: identity.clone() })
    };
    let keys = Identity::Keys(std::sync::Arc::new(vec!["k".to_owned()]));
    let check = |identity: &Identity, text: &str, expect: Json| {
        let names = [
            ("own", list(identity, &[("a", 1), ("b", 2)])),
            ("other", list(identity, &[("b", 2), ("a", 1)])),
            ("changed", list(identity, &[("b", 3)])),
        ];
        let program = Program::compile(text).unwrap();
        assert_eq!(program.value(names).unwrap().to_json(), Some(expect), "{identity:?}: {text}");
    };
    check(&Identity::Place, "own == other", json!(false));
    check(&Identity::Value, "own == other", json!(true));
    check(&keys, "own == other", json!(true));
    check(&keys, "own == changed", json!(false));
    check(&keys, "(own + changed).map(e, e.v)", json!([1, 3]));
    check(&Identity::Value, "(own + other).size()", json!(2));
    check(&Identity::Place, "(own + other).size()", json!(4));
}

#[test]
fn no_text_is_too_much() {
    let mut texts: Vec<String> = ["(", "[", "-", "!", "{", "a.", "a[", "f(", "1+", "a?b:", "[a.all(x,"]
        .map(|part| part.repeat(300))
        .into();
    texts.push(format!("{}1{}", "(".repeat(49), ")".repeat(49)));
    texts.push(format!("1{}", " + 1".repeat(118)));
    texts.push(format!("{}true", "a.b && c || ".repeat(2_000)));
    texts.push("a".repeat(100_000));
    texts.extend(
        [
            "",
            " ",
            "\u{0}",
            "é",
            "'",
            "\"\\",
            "1e999",
            "99999999999999999999",
            "0x",
            "b'\\xff'",
            "`a`",
            "a.`b c`",
            "//",
            "has(a)",
            "a.all(1, true)",
            "[].all()",
            ".a",
            "a..b",
            "has()",
            "{",
            "{1:",
            "A{",
            "A{b:1}",
            "r'",
        ]
        .map(str::to_owned),
    );
    let each = std::thread::spawn(move || {
        for text in texts {
            if let Ok(program) = Program::compile(&text) {
                let _ = program.evaluate(&[]);
            }
        }
    });
    assert!(each.join().is_ok());
    assert!(matches!(Program::compile(&"a".repeat(100_000)), Err(Error::TooLarge)));
}

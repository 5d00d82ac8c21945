//! YAML, in Terraform's reading and in kubectl's.

use super::check;

#[test]
fn scalars_mean_what_they_mean_in_terraform() {
    check(&[
        (r#"yamldecode("yes")"#, "true"),
        (r#"yamldecode("0644")"#, "644"),
        (r#"yamldecode("0o644")"#, "420"),
        (r#"yamldecode("1_000")"#, r#""1_000""#),
        (r#"yamldecode("a: 1e3")"#, r#"{"a": 1000}"#),
        (r#"yamldecode("a: ~")"#, r#"{"a": null}"#),
        (r#"yamldecode("a: 0x1F")"#, r#"{"a": 31}"#),
        (
            r#"yamldecode("a: .inf")"#,
            r#"Invalid function argument @ "a: .inf": yamldecode: the text cannot be read as YAML (line 1: .inf is no finite number)."#,
        ),
        (r#"yamldecode("a: 2001-01-01")"#, r#"{"a": "2001-01-01T00:00:00Z"}"#),
        (r#"yamldecode("a: on")"#, r#"{"a": true}"#),
        (r#"yamldecode("a: 12345678901234567890123")"#, r#"{"a": 12345678901234567890123}"#),
        (r#"yamldecode("a: 1.10")"#, r#"{"a": 1.1}"#),
        (r#"yamldecode("1: b")"#, r#"{"1": "b"}"#),
        (
            r#"yamldecode("")"#,
            r#"Invalid function argument @ "": yamldecode: the text holds no YAML document."#,
        ),
        (r#"yamldecode("a: !!str 1")"#, r#"{"a": "1"}"#),
        (r#"yamldecode("a: 010")"#, r#"{"a": 10}"#),
        (r#"yamldecode("a: !!binary aGVsbG8=")"#, r#"{"a": "aGVsbG8="}"#),
        (
            r#"yamldecode("a: *x")"#,
            r#"Invalid function argument @ "a: *x": yamldecode: the text cannot be read as YAML (line 1: while parsing node, found unknown anchor)."#,
        ),
        (
            r##"yamldecode("# only a comment")"##,
            r##"Invalid function argument @ "# only a comment": yamldecode: the text holds no YAML document."##,
        ),
        (
            r#"yamldecode("a: !foo bar")"#,
            r#"Invalid function argument @ "a: !foo bar": yamldecode: the text cannot be read as YAML (line 1: the tag !foo is not supported)."#,
        ),
        (
            r#"yamldecode("&a [*a]")"#,
            r#"Invalid function argument @ "&a [*a]": yamldecode: the text cannot be read as YAML (line 1: an alias stands inside of what it repeats)."#,
        ),
        (r#"yamldecode("a: 1e99999")"#, r#"{"a": "1e99999"}"#),
        (
            r#"yamldecode("\t")"#,
            r#"Invalid function argument @ "\t": yamldecode: the text holds no YAML document."#,
        ),
        (
            r#"yamldecode("{")"#,
            r#"Invalid function argument @ "{": yamldecode: the text cannot be read as YAML (line 1: unclosed bracket '{')."#,
        ),
        (
            r#"yamldecode("a: b: c")"#,
            r#"Invalid function argument @ "a: b: c": yamldecode: the text cannot be read as YAML (line 1: mapping values are not allowed in this context)."#,
        ),
        (
            r#"yamldecode("*a : 1")"#,
            r#"Invalid function argument @ "*a : 1": yamldecode: the text cannot be read as YAML (line 1: while parsing node, found unknown anchor)."#,
        ),
        (
            r#"yamldecode("<<: 1")"#,
            r#"Invalid function argument @ "<<: 1": yamldecode: the text cannot be read as YAML (line 1: << merges mappings only)."#,
        ),
    ]);
}

#[test]
fn documents_are_read() {
    check(&[
        (
            r#"yamldecode("? [a]\n: b")"#,
            r#"Invalid function argument @ "? [a]\n: b": yamldecode: the text cannot be read as YAML (line 1: a key must be a scalar)."#,
        ),
        (r#"yamldecode("a: 1\na: 2")"#, r#"{"a": 2}"#),
        (r#"yamldecode("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2")"#, r#"{"a": {"b": 1}, "c": {"b": 1, "d": 2}}"#),
        (
            r#"yamldecode("- 1\n- true\n- ~\n- '1'\n- y\n- n\n- no\n- off\n- True\n- TRUE\n- Null\n- NULL\n- ''\n-")"#,
            r#"[1, true, null, "1", true, false, false, false, true, true, null, null, "", null]"#,
        ),
        (
            r#"yamldecode("--- 1\n--- 2")"#,
            r#"Invalid function argument @ "--- 1\n--- 2": yamldecode: the text holds several YAML documents; parsemanifests reads all of them."#,
        ),
        (r#"yamldecode("a: |\n  x\n  y\nb: >\n  x\n  y\n")"#, r#"{"a": "x\ny\n", "b": "x y\n"}"#),
        (
            r#"yamldecode("true: 1\nnull: 2")"#,
            r#"Invalid function argument @ "true: 1\nnull: 2": yamldecode: the text cannot be read as YAML (line 2: a key must not be null)."#,
        ),
        (r#"yamldecode("? &k a\n: 1\n*k : 2")"#, r#"{"a": 2}"#),
    ]);
}

#[test]
fn aliases_cannot_multiply() {
    check(&[(
        r#"yamldecode("a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]")"#,
        r#"Invalid function argument @ "a: &a [1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]": yamldecode: the text cannot be read as YAML (line 7: the text stands for more than 1000000 values)."#,
    )]);
}

#[test]
fn manifests_are_read_as_kubectl_does() {
    check(&[
        (r#"parsemanifests("---\n---\n")"#, "[]"),
        (
            r#"parsemanifests("a: 0644\nb: 0o17\nc: 1_000\nd: 0b11\ne: -0x1F\nf: 089\ng: 2001-01-01\nh: 1e3\n---\n# empty\n---\n{\"a\": 1}")"#,
            r#"[{"a": 420, "b": 15, "c": 1000, "d": 3, "e": -31, "f": 89, "g": "2001-01-01", "h": 1000}, {"a": 1}]"#,
        ),
        (
            r#"parsemanifests("a: 1\na: 2")"#,
            r#"Invalid function argument @ "a: 1\na: 2": parsemanifests: the text cannot be read as YAML (line 2: the key "a" is there twice)."#,
        ),
        (
            r#"parsemanifests("a: yes\nb: \"yes\"\nc: off\n---\n\n---\nb: !!str 1\n...\n")"#,
            r#"[{"a": true, "b": "yes", "c": false}, {"b": "1"}]"#,
        ),
        (
            r#"parsemanifests("a: [1")"#,
            r#"Invalid function argument @ "a: [1": parsemanifests: the text cannot be read as YAML (line 1: unclosed bracket '[')."#,
        ),
        (
            r#"parsemanifests("apiVersion: v1\nkind: List\nitems:\n- kind: A\n- kind: B\n")"#,
            r#"[{"apiVersion": "v1", "items": [{"kind": "A"}, {"kind": "B"}], "kind": "List"}]"#,
        ),
    ]);
}

#[test]
fn yaml_is_written_as_terraform_does() {
    check(&[
        (
            r#"yamlencode({a=1,b="x",c=[1,{d=2}],e=[],f={},g=null,h=true,i="multi\nline\n",j=1.5})"#,
            r#""\"a\": 1\n\"b\": \"x\"\n\"c\":\n- 1\n- \"d\": 2\n\"e\": []\n\"f\": {}\n\"g\": null\n\"h\": true\n\"i\": |\n  multi\n  line\n\"j\": 1.5\n""#,
        ),
        (r#"yamlencode("a")"#, r#""\"a\"\n""#),
        ("yamlencode([1,[2,3],{a={b=1}}])", r#""- 1\n- - 2\n  - 3\n- \"a\":\n    \"b\": 1\n""#),
        (
            r#"yamlencode({"a b"="x: y", "c"="it's \"q\"", d=""})"#,
            r#""\"a b\": \"x: y\"\n\"c\": \"it's \\\"q\\\"\"\n\"d\": \"\"\n""#,
        ),
        (
            r#"yamlencode({a="multi\nline", b=" lead\nx\n", c="\n", d="a\n\n"})"#,
            r#""\"a\": |-\n  multi\n  line\n\"b\": |2\n   lead\n  x\n\"c\": |2+\n\n\"d\": |+\n  a\n\n""#,
        ),
        ("yamlencode(null)", r#""null\n...\n""#),
        ("yamlencode([])", r#""[]\n""#),
        ("yamlencode(1)", r#""1\n...\n""#),
        ("yamlencode(true)", r#""true\n...\n""#),
        (r#"yamlencode("a\tb")"#, r#""\"a\\tb\"\n""#),
        (r#"yamlencode("a\nb\tc ")"#, r#""\"a\\nb\\tc \"\n""#),
        (r#"yamlencode("é")"#, r#""\"é\"\n""#),
        (r#"yamlencode({a="x\ny \n"})"#, r#""\"a\": \"x\\ny \\n\"\n""#),
        ("yamlencode({a={b={c=[]}}})", r#""\"a\":\n  \"b\":\n    \"c\": []\n""#),
        ("yamlencode([{a=1,b=2},[]])", r#""- \"a\": 1\n  \"b\": 2\n- []\n""#),
        ("yamlencode([[[1]]])", r#""- - - 1\n""#),
        ("yamlencode({a=[[1]]})", r#""\"a\":\n- - 1\n""#),
        (r#"yamlencode("\u0001")"#, r#""\"\\x01\"\n""#),
        (r#"yamlencode("a\\b")"#, r#""\"a\\\\b\"\n""#),
        ("yamlencode(1e30)", r#""1000000000000000000000000000000\n...\n""#),
        (r#"yamlencode({a="\ttab\nx"})"#, r#""\"a\": \"\\ttab\\nx\"\n""#),
        (r#"yamlencode({a="😀"})"#, r#""\"a\": \"\\U0001F600\"\n""#),
        (r#"yamlencode({a="a\r\nb"})"#, r#""\"a\": \"a\\r\\nb\"\n""#),
        (r#"yamlencode({a=["x\ny"]})"#, r#""\"a\":\n- |-\n  x\n  y\n""#),
        ("yamlencode(0.5)", r#""0.5\n...\n""#),
        (
            r#"yamlencode("${join("", [for i in range(30): "abc "])}x  y")"#,
            r#""\"abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc\n  abc abc abc abc abc abc abc abc abc x  y\"\n""#,
        ),
        (
            r#"yamlencode({(join("", [for i in range(43): "abc"])) = {}})"#,
            r#""? \"abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc\"\n: {}\n""#,
        ),
    ]);
}

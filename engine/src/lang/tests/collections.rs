//! Functions over lists, sets, maps and objects.

use super::check;

#[test]
fn truth_of_lists() {
    check(&[
        ("alltrue([])", "true"),
        (r#"alltrue([true, "true"])"#, "true"),
        ("alltrue([null])", "false"),
        ("anytrue([])", "false"),
        (
            "alltrue([var.unk, false])",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
        (
            "anytrue([var.unk, true])",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
    ]);
}

#[test]
fn chunks_and_slices() {
    check(&[
        ("chunklist([1,2,3],2)", "[[1, 2], [3]]"),
        ("chunklist([1,2,3],0)", "[[1, 2, 3]]"),
        ("chunklist([],2)", "[]"),
        ("chunklist([1],-1)", "Invalid function argument @ -1: chunklist: the number must not be negative."),
        (r#"element(["a","b","c"], 4)"#, r#""b""#),
        (r#"element(["a","b","c"], -1)"#, r#""c""#),
        ("element([], 0)", "Invalid function argument @ []: element: the list is empty."),
        (r#"element(["a"], 1.5)"#, "Invalid function argument @ 1.5: element: a whole number is required."),
        (
            r#"element(toset(["a"]),0)"#,
            r#"Invalid function argument @ toset(["a"]): element: a set has no order; use tolist first."#,
        ),
        ("reverse([1,2,3])", "[3, 2, 1]"),
        ("reverse(toset([1,2]))", "[2, 1]"),
        ("slice([1,2,3],1,2)", "[2]"),
        (
            "slice([1,2,3],1,5)",
            "Invalid function argument @ 5: slice: the end must not be greater than the list's length, 3.",
        ),
        (
            "slice([1,2],2,1)",
            "Invalid function argument @ 2: slice: the start must not be greater than the end.",
        ),
        ("element([sensitive(1),2],1)", "2"),
        ("element([1,2], 9223372036854775807)", "2"),
        ("element([1,2], -9223372036854775808)", "1"),
        ("chunklist([1], 9223372036854775807)", "[[1]]"),
        (
            "slice([1,2,3], 9223372036854775807, 9223372036854775807)",
            "Invalid function argument @ 9223372036854775807: slice: the end must not be greater than the list's length, 3.",
        ),
        (
            "element([1], var.unk)",
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
    ]);
}

#[test]
fn first_that_counts() {
    check(&[
        (r#"coalesce("", "a")"#, r#""a""#),
        (r#"coalesce(null, "b")"#, r#""b""#),
        (r#"coalesce(null, 1, "a")"#, r#""1""#),
        (
            "coalesce()",
            "Invalid function argument @ coalesce(): coalesce: every argument is null or an empty string.",
        ),
        (
            "coalesce(null)",
            "Invalid function argument @ coalesce(null): coalesce: every argument is null or an empty string.",
        ),
        (
            r#"coalesce("")"#,
            r#"Invalid function argument @ coalesce(""): coalesce: every argument is null or an empty string."#,
        ),
        ("coalesce([], [1])", "[]"),
        ("coalescelist([], [1])", "[1]"),
        (
            "coalescelist([], [])",
            "Invalid function argument @ coalescelist([], []): coalescelist: every list is empty or null.",
        ),
        (r#"compact(["a","",null,"b"])"#, r#"["a", "b"]"#),
        (r#"compact([1,""])"#, r#"["1"]"#),
        ("one([])", "null"),
        ("one([1])", "1"),
        (
            "one([1,2])",
            "Invalid function argument @ [1,2]: one: the list must have at most one element, not 2.",
        ),
        ("one(null)", r#"Invalid function argument @ null: one: the argument "list" must not be null."#),
        (r#"one(toset(["a"]))"#, r#""a""#),
        (r#"coalesce(sensitive("a"), "b")"#, "(sensitive)"),
        (
            r#"coalesce(var.unk, "a")"#,
            r#"Unknown name @ var.unk: There is no variable "unk". Declare it with a block variable "unk" { }."#,
        ),
    ]);
}

#[test]
fn putting_together() {
    check(&[
        (r#"concat([1],["a"],[])"#, r#"[1, "a"]"#),
        (
            "concat(toset([1]),[2])",
            "Invalid function argument @ toset([1]): concat: a set has no order; use setunion, or tolist first.",
        ),
        (
            "concat([1],null)",
            r#"Invalid function argument @ null: concat: the argument "lists" must not be null."#,
        ),
        ("concat()", "Invalid function argument @ concat(): concat: at least one list is required."),
        ("flatten([[1,[2]],3,[]])", "[1, 2, 3]"),
        ("flatten([toset([1]), {a=1}])", r#"[1, {"a": 1}]"#),
        (
            "flatten(1)",
            "Invalid function argument @ 1: flatten: a list, set or tuple is required, not a number.",
        ),
        ("merge({a=1},{b=2},{a=3})", r#"{"a": 3, "b": 2}"#),
        ("merge({a=1},null)", r#"{"a": 1}"#),
        ("merge()", "{}"),
        ("merge({a={x=1}},{a={y=2}})", r#"{"a": {"y": 2}}"#),
        ("merge(tomap({a=1}),tomap({b=2}))", r#"{"a": 1, "b": 2}"#),
        (r#"merge(tomap({a=1}),{b="x"})"#, r#"{"a": 1, "b": "x"}"#),
        (r#"setproduct([1,2],["a"])"#, r#"[[1, "a"], [2, "a"]]"#),
        ("setproduct([1,2],[])", "[]"),
        (
            "setproduct([1])",
            "Invalid function argument @ setproduct([1]): setproduct: at least two sets or lists are required.",
        ),
        (r#"setproduct(toset(["a"]),toset(["b"]))"#, r#"{["a", "b"]}"#),
        (r#"zipmap(["a","b"],[1,2])"#, r#"{"a": 1, "b": 2}"#),
        (r#"zipmap(["a","a"],[1,2])"#, r#"{"a": 2}"#),
        (
            r#"zipmap(["a"],[1,2])"#,
            r#"Invalid function argument @ zipmap(["a"],[1,2]): zipmap: there are 1 keys, but 2 values."#,
        ),
        ("zipmap([],[])", "{}"),
        ("merge([])", "Invalid function argument @ []: merge: a map or object is required, not a list."),
        (
            r#"concat("a")"#,
            r#"Invalid function argument @ "a": concat: a list, set or tuple is required, not a string."#,
        ),
        ("flatten([[[[[]]]]])", "[]"),
        (
            r#"zipmap(["a"], null)"#,
            r#"Invalid function argument @ null: zipmap: the argument "values" must not be null."#,
        ),
    ]);
}

#[test]
fn looking_into() {
    check(&[
        (
            "length()",
            r#"Invalid function argument @ length(): length: the argument "value" is missing: it takes (value)."#,
        ),
        ("length([1],[2])", "Invalid function argument @ [2]: length: too many arguments: it takes (value)."),
        (r#"length("he\u0301llo")"#, "5"),
        (r#"length("👨‍👩‍👧")"#, "1"),
        ("contains([1,2],2)", "true"),
        (r#"contains(["1"],1)"#, "false"),
        (r#"contains(toset(["a"]),"a")"#, "true"),
        (
            "contains([null],null)",
            r#"Invalid function argument @ null: contains: the argument "value" must not be null."#,
        ),
        (r#"index(["a","b"],"b")"#, "1"),
        (r#"index(["a"],"z")"#, r#"Invalid function argument @ "z": index: the list has no such element."#),
        (r#"index([1],"1")"#, r#"Invalid function argument @ "1": index: the list has no such element."#),
        ("keys({b=1,a=2})", r#"["a", "b"]"#),
        ("keys([])", "Invalid function argument @ []: keys: a map or object is required, not a list."),
        ("length({a=1})", "1"),
        (
            "length(null)",
            r#"Invalid function argument @ null: length: the argument "value" must not be null."#,
        ),
        (
            "length(1)",
            "Invalid function argument @ 1: length: a string, list, set, map or object is required, not a number.",
        ),
        ("length(toset([1,1]))", "1"),
        (r#"lookup({a=1},"a")"#, "1"),
        (r#"lookup({a=1},"b",2)"#, "2"),
        (
            r#"lookup({a=1},"b")"#,
            r#"Invalid function argument @ "b": lookup: there is no such key, and no default was given ("b")."#,
        ),
        (r#"lookup({a=1},"b","x")"#, r#""x""#),
        (r#"lookup({a="x"},"b",2)"#, "2"),
        (r#"matchkeys(["a","b","c"],["x","y","x"],["x"])"#, r#"["a", "c"]"#),
        (
            r#"matchkeys(["a"],["x","y"],["x"])"#,
            r#"Invalid function argument @ matchkeys(["a"],["x","y"],["x"]): matchkeys: there are 1 values, but 2 keys."#,
        ),
        ("values({b=1,a=2})", "[2, 1]"),
        ("keys(null)", r#"Invalid function argument @ null: keys: the argument "map" must not be null."#),
        (
            r#"lookup(null, "a")"#,
            r#"Invalid function argument @ null: lookup: the argument "map" must not be null."#,
        ),
    ]);
}

#[test]
fn orders_and_sets() {
    check(&[
        (r#"distinct([1,2,1,"1"])"#, r#"["1", "2"]"#),
        (r#"distinct(["a","b","a"])"#, r#"["a", "b"]"#),
        ("range(3)", "[0, 1, 2]"),
        ("range(1,4)", "[1, 2, 3]"),
        ("range(1,10,3)", "[1, 4, 7]"),
        ("range(5,1)", "[5, 4, 3, 2]"),
        ("range(1,5,0)", "Invalid function argument @ 0: range: the step must not be zero."),
        ("range(5,1,1)", "Invalid function argument @ 1: range: the step leads away from the limit."),
        ("range(0)", "[]"),
        ("range(-3)", "[0, -1, -2]"),
        (
            "range(2000)",
            "Invalid function argument @ range(2000): range: the range has more than 1024 elements.",
        ),
        ("range(0,1,0.25)", "[0, 0.25, 0.5, 0.75]"),
        (r#"setintersection(["a","b"],["b"])"#, r#"{"b"}"#),
        (r#"setintersection([1],["1"])"#, r#"{"1"}"#),
        (r#"setsubtract(["a","b"],["a"])"#, r#"{"b"}"#),
        (r#"setunion(["a"],["b"],[1])"#, r#"{"1", "a", "b"}"#),
        (r#"sort(["b","a","B"])"#, r#"["B", "a", "b"]"#),
        ("sort([2,10])", r#"["10", "2"]"#),
        (
            "sort([null])",
            "Invalid function argument @ [null]: sort: an element is null; strings are required.",
        ),
        (r#"transpose({a=["1","2"],b=["2"]})"#, r#"{"1": ["a"], "2": ["a", "b"]}"#),
        (r#"setsubtract([1,2],["1"])"#, r#"{"2"}"#),
        (
            "range(1e9)",
            "Invalid function argument @ range(1e9): range: the range has more than 1024 elements.",
        ),
        (
            "range(0, 1, 1e-9000)",
            "Invalid function argument @ range(0, 1, 1e-9000): range: the range has more than 1024 elements.",
        ),
        (
            "range(1e9000, 0)",
            "Invalid function argument @ range(1e9000, 0): range: the range has more than 1024 elements.",
        ),
    ]);
}
